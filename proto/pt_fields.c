/*  A short list instead of a map: gateways complain of a handful of fields, and their order is kept. */
#include "pt_fields.h"

#include "pt_scalar.h"

size_t
pt_fields_join(char *name, size_t len, pt_text_t key)
{
    size_t dot = len ? 1 : 0;
    if (len == PT_FIELDS_TOO_LONG || key.len > PT_FIELD_BYTES_MAX || len + dot + key.len > PT_FIELD_BYTES_MAX)
        return PT_FIELDS_TOO_LONG;
    if (dot)
        name[len] = '.';
    memcpy(name + len + dot, key.data, key.len);
    return len + dot + key.len;
}

/*  The pair of this name, as a new one where there is none yet; NULL when there is no room. */
static pt_pair_t *
s_find_pair(pt_facts_t *facts, pt_text_t name, bool lasts)
{
    for (size_t index = 0; index < facts->field_count; index++)
        if (pt_text_equal(facts->fields[index].name, name))
            return &facts->fields[index];
    if (facts->field_count == PT_FIELDS_MAX)
        return NULL;
    if (!lasts)
        name = pt_scalar_keep(facts, name.data, name.len);
    if (!name.data)
        return NULL;
    pt_pair_t *pair = &facts->fields[facts->field_count++];
    *pair = (pt_pair_t) {.name = name};
    return pair;
}

static void
s_remove_pair(pt_facts_t *facts, pt_pair_t *pair)
{
    size_t index = (size_t) (pair - facts->fields);
    facts->field_count--;
    memmove(pair, pair + 1, (facts->field_count - index) * sizeof *pair);
}

void
pt_fields_put(pt_facts_t *facts, pt_text_t name, bool lasts, const pt_value_t *value)
{
    pt_pair_t *pair = NULL;
    if (name.len != PT_FIELDS_TOO_LONG && pt_text_is_utf8(name))
        pair = s_find_pair(facts, name, lasts);
    if (pair)
        pair->value = pt_scalar_field(facts, value);
    if (pair && pair->value.data)
        return;
    if (pair)
        s_remove_pair(facts, pair);
    facts->fields_dropped++;
}
