/*  Reading a value that has to be of one kind. */
#include "pt_cursor.h"

static pt_status_t
s_read_kind(pt_cursor_t *self, pt_value_kind_t kind, pt_value_t *out_value)
{
    pt_status_t status = pt_cursor_next(self, out_value);
    if (status == PT_OK && out_value->kind != kind)
        status = PT_E_TYPE;
    return status;
}

pt_status_t
pt_cursor_array(pt_cursor_t *self, uint32_t *out_count)
{
    pt_value_t value;
    pt_status_t status = s_read_kind(self, PT_VALUE_ARRAY, &value);
    if (status == PT_OK)
        *out_count = value.as.count;
    return status;
}

pt_status_t
pt_cursor_map(pt_cursor_t *self, uint32_t *out_pairs)
{
    pt_value_t value;
    pt_status_t status = s_read_kind(self, PT_VALUE_MAP, &value);
    if (status == PT_OK)
        *out_pairs = value.as.count;
    return status;
}

pt_status_t
pt_cursor_bool(pt_cursor_t *self, bool *out_boolean)
{
    pt_value_t value;
    pt_status_t status = s_read_kind(self, PT_VALUE_BOOL, &value);
    if (status == PT_OK)
        *out_boolean = value.as.boolean;
    return status;
}

pt_status_t
pt_cursor_bin(pt_cursor_t *self, pt_bytes_t *out_bytes)
{
    pt_value_t value;
    pt_status_t status = s_read_kind(self, PT_VALUE_BIN, &value);
    if (status == PT_OK)
        *out_bytes = value.as.bytes;
    return status;
}

pt_status_t
pt_cursor_uint(pt_cursor_t *self, uint64_t max, uint64_t *out_natural)
{
    pt_value_t value;
    pt_status_t status = pt_cursor_next(self, &value);
    if (status != PT_OK)
        return status;
    if (value.kind == PT_VALUE_INT)
        return PT_E_RANGE;
    if (value.kind != PT_VALUE_UINT)
        return PT_E_TYPE;
    if (value.as.natural > max)
        return PT_E_RANGE;
    *out_natural = value.as.natural;
    return PT_OK;
}

pt_status_t
pt_cursor_text(pt_cursor_t *self, size_t bytes_max, pt_text_t *out_text)
{
    pt_value_t value;
    pt_status_t status = s_read_kind(self, PT_VALUE_STR, &value);
    if (status != PT_OK)
        return status;
    if (value.as.text.len > bytes_max)
        return PT_E_RANGE;
    if (!pt_text_is_utf8(value.as.text))
        return PT_E_UTF8;
    *out_text = value.as.text;
    return PT_OK;
}
