/*  Payload frames, walked item by item: bins of a BATCH, maps of DECISIONS, values of a plain frame.
 *
 *  Opening a payload checks all of it, so that walking it needs no error path: whoever handles the
 *  items has no half-handled batch to give back.
 */
#include <assert.h>

#include "pt_cursor.h"
#include "pt_wire.h"

/*  Read a value and step over all of it, to any depth: depth is judged item by item, by whoever
 *  decodes it, so that one item that is nested too deep does not spoil its neighbours.
 */
static pt_status_t
s_read_item(pt_cursor_t *cursor, pt_value_t *out_value)
{
    pt_cursor_t whole = *cursor;
    pt_status_t status = pt_cursor_next(cursor, out_value);
    if (status != PT_OK || out_value->kind < PT_VALUE_ARRAY)
        return status;
    *cursor = whole;
    return pt_cursor_skip_deep(cursor);
}

static bool
s_is_bin(pt_value_kind_t kind)
{
    //  Packers without a bin type write bytes as str.
    return kind == PT_VALUE_BIN || kind == PT_VALUE_STR;
}

static bool
s_is_map(pt_value_kind_t kind)
{
    return kind == PT_VALUE_MAP;
}

static bool
s_is_any(pt_value_kind_t kind)
{
    (void) kind;
    return true;
}

/*  Check an array whose elements are all of a kind that `is_item` takes, to the frame's last byte. */
static pt_status_t
s_check_items(pt_bytes_t payload, bool (*is_item)(pt_value_kind_t kind), pt_items_t *out_items)
{
    uint32_t count;
    pt_cursor_t cursor = pt_cursor_open(payload);
    pt_status_t status = pt_cursor_array(&cursor, &count);
    if (status != PT_OK)
        return status;
    *out_items = (pt_items_t) {{cursor.at, pt_cursor_left(&cursor)}, count, false};
    for (uint32_t i = 0; i < count; i++) {
        pt_value_t value;
        status = s_read_item(&cursor, &value);
        if (status != PT_OK)
            return status;
        if (!is_item(value.kind))
            return PT_E_TYPE;
    }
    return pt_cursor_end(&cursor);
}

static pt_status_t
s_open_counted(pt_bytes_t payload, uint32_t count, bool (*is_item)(pt_value_kind_t kind), pt_items_t *out_items)
{
    *out_items = (pt_items_t) {0};
    if (payload.len > PT_BATCH_BYTES_MAX)
        return PT_E_SIZE;
    pt_items_t items = {0};
    pt_status_t status = s_check_items(payload, is_item, &items);
    if (status == PT_OK && (items.left != count || count < 1 || count > PT_BATCH_COUNT_MAX))
        status = PT_E_COUNT;
    if (status == PT_OK)
        *out_items = items;
    return status;
}

pt_status_t
pt_items_open_batch(pt_bytes_t payload, uint32_t count, pt_items_t *out_items)
{
    assert(out_items);

    return s_open_counted(payload, count, s_is_bin, out_items);
}

pt_status_t
pt_items_open_decisions(pt_bytes_t payload, uint32_t count, pt_items_t *out_items)
{
    assert(out_items);

    return s_open_counted(payload, count, s_is_map, out_items);
}

pt_status_t
pt_items_open_plain(pt_bytes_t payload, pt_items_t *out_items)
{
    assert(out_items);

    pt_items_t items = {0};
    pt_status_t status = s_check_items(payload, s_is_any, &items);
    bool array = status == PT_OK, too_long = payload.len > PT_BATCH_BYTES_MAX;
    *out_items = (pt_items_t) {0};
    if (array && items.left > PT_BATCH_COUNT_MAX)
        return PT_E_COUNT;
    if (array && too_long && items.left > 1)
        return PT_E_SIZE;
    *out_items = array && !too_long ? items : (pt_items_t) {payload, 1, true};
    return PT_OK;
}

bool
pt_items_next(pt_items_t *self, pt_bytes_t *out_item)
{
    assert(self);
    assert(out_item);

    if (self->left == 0)
        return false;
    self->left--;
    if (self->whole) {
        *out_item = self->rest;
        return true;
    }
    pt_cursor_t cursor = pt_cursor_open(self->rest);
    pt_value_t value = {0};
    pt_status_t status = s_read_item(&cursor, &value);
    assert(status == PT_OK); //  the frame was checked when it was opened
    (void) status;

    *out_item = (pt_bytes_t) {self->rest.data, (size_t) (cursor.at - self->rest.data)};
    if (value.kind == PT_VALUE_BIN)
        *out_item = value.as.bytes;
    else if (value.kind == PT_VALUE_STR)
        *out_item = (pt_bytes_t) {(const uint8_t *) value.as.text.data, value.as.text.len};
    self->rest = (pt_bytes_t) {cursor.at, pt_cursor_left(&cursor)};
    return true;
}
