/*  Which operation a response is about, and how dangerous it is to do that twice. */
#include "pt_lookup_parts.h"

//  An operation by name or alias; a slash in front, as of an endpoint's path, makes no difference.
static uint16_t
s_find_operation(const pt_query_t *query, pt_text_t name)
{
    if (name.len && name.data[0] == '/')
        name = (pt_text_t) {name.data + 1, name.len - 1};
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, PT_SPACE_OPERATION, query->provider->index, name);
    return slot ? (uint16_t) slot->values[PT_SLOT_OPERATIONS] : PT_OPERATION_OTHER;
}

//  The operation that a code names by its digits.
static uint16_t
s_derive_operation(const pt_query_t *query)
{
    const pt_gateway_t *gateway = query->provider->gateway;
    pt_text_t code = query->facts->codes[gateway->digits_slot];
    if (gateway->digits_length == 0 || code.len < (size_t) gateway->digits_offset + gateway->digits_length)
        return PT_OPERATION_OTHER;
    pt_text_t digits = {code.data + gateway->digits_offset, gateway->digits_length};
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, PT_SPACE_DIGITS, query->provider->index, digits);
    return slot ? (uint16_t) slot->values[PT_SLOT_OPERATIONS] : PT_OPERATION_OTHER;
}

static pt_operation_kind_t
s_worst_kind(pt_operation_kind_t left, pt_operation_kind_t right)
{
    static const uint8_t danger[PT_OPERATION_COUNT_] = {
        [PT_OPERATION_READ] = 0,
        [PT_OPERATION_WRITE] = 1,
        [PT_OPERATION_UNNAMED] = 2,
        [PT_OPERATION_MONEY] = 3,
    };
    return danger[left] >= danger[right] ? left : right;
}

static pt_operation_kind_t
s_kind_of(const pt_query_t *query, uint16_t operation)
{
    if (operation == PT_OPERATION_OTHER)
        return PT_OPERATION_UNNAMED;
    return (pt_operation_kind_t) query->catalog->image.operations[operation].kind;
}

void
pt_query_resolve_operation(pt_query_t *query)
{
    bool is_given = pt_text_is_set(query->response->operation);
    uint16_t given = is_given ? s_find_operation(query, query->response->operation) : PT_OPERATION_OTHER;
    uint16_t derived = s_derive_operation(query);
    query->operation = given != PT_OPERATION_OTHER ? given : derived;
    query->misfiled = given != PT_OPERATION_OTHER && derived != PT_OPERATION_OTHER && given != derived;
    if (derived == PT_OPERATION_OTHER) {
        query->verdict->kind = s_kind_of(query, given);
        return;
    }
    const pt_image_t *image = &query->catalog->image;
    query->verdict->kind = s_kind_of(query, derived);
    if (is_given)
        query->verdict->kind = s_worst_kind(s_kind_of(query, given), query->verdict->kind);
    else
        query->verdict->operation = pt_image_text(image, image->operations[derived].name);
}
