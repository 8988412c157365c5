/*  The gateway's words for what is wrong with a single field of a request. */
#include "pt_compile_parts.h"

//  One field code while it is read.
typedef struct {
    const char *cite_file;
    pt_source_field_code_t field;
} s_field_t;

static void
s_read_summary(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_text(reader, node, &((s_field_t *) target)->field.summary);
}

static void
s_read_cite(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_field_t *field = target;
    field->field.cite = pt_compile_read_cite(reader, node, field->cite_file);
}

static bool
s_is_taken(pt_reader_t *reader, const pt_source_provider_t *provider, const pt_node_t *key)
{
    for (size_t i = 0; i < provider->field_code_count; i++) {
        if (!pt_text_equal(pt_text_of(provider->field_codes[i].code), key->text))
            continue;
        pt_read_fault(reader, key, PT_FAULT_KEY_TWICE, "field code '%.64s' stands twice; first at line %u",
                      key->text.data, provider->field_codes[i].mark.line);
        return true;
    }
    return false;
}

static void
s_read_field_code(pt_reader_t *reader, const pt_link_t *link, pt_unit_t *unit)
{
    static const pt_key_t keys[] = {{"summary", s_read_summary, true}, {"cite", s_read_cite, true}};
    pt_source_provider_t *provider = unit->provider;
    s_field_t field = {.cite_file = unit->cite_file, .field.mark = pt_read_mark(reader, link->key)};
    bool readable = pt_read_quoted(reader, link->key, &field.field.code);
    pt_read_map(reader, link->value, "a field code", keys, sizeof keys / sizeof *keys, &field);
    if (readable && !s_is_taken(reader, provider, link->key))
        provider->field_codes[provider->field_code_count++] = field.field;
}

void
pt_compile_read_field_codes(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    if (node->kind != PT_NODE_MAP) {
        pt_read_fault(reader, node, PT_FAULT_TYPE, "field_codes must be a map of codes");
        return;
    }
    if (node->count > PT_COMPILE_FIELD_CODES_MAX) {
        pt_read_fault(reader, node, PT_FAULT_TOO_MANY, "%zu field codes where at most %d may stand", node->count,
                      PT_COMPILE_FIELD_CODES_MAX);
        return;
    }
    unit->provider->field_codes = pt_read_array(reader, node->count, sizeof *unit->provider->field_codes);
    if (!unit->provider->field_codes)
        return;
    for (const pt_link_t *link = node->first; link; link = link->next)
        s_read_field_code(reader, link, unit);
}
