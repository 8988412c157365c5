/*  Text is packed by pt_json_pack; what is printed goes through jansson's values. That walk recurses, but never
 *  deeper than PT_DEPTH_MAX.
 */
#include "pt_json.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pt_cursor.h"
#include "pt_json_pack.h"
#include "pt_json_text.h"

#define ERROR_BYTES 160

//  Where in the text a fault is, as people count.
static void
s_print_place(pt_text_t text, size_t at, char *out_error)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        bool is_newline = text.data[i] == '\n';
        line += is_newline;
        //  All bytes of a character but its first one begin with 10.
        column = is_newline ? 1 : column + ((text.data[i] & 0xc0) != 0x80);
    }
    snprintf(out_error, ERROR_BYTES, "line %zu, column %zu: not JSON", line, column);
}

static pt_status_t
s_pack_text(pt_text_t text, uint8_t *room, size_t *out_len, char *out_error)
{
    size_t at;
    pt_status_t status = pt_json_pack(text, PT_DEPTH_MAX, room, out_len, &at);
    if (status == PT_E_DEPTH)
        snprintf(out_error, ERROR_BYTES, "nested deeper than %d levels", PT_DEPTH_MAX);
    else if (status != PT_OK)
        s_print_place(text, at, out_error);
    return status;
}

pt_status_t
pt_json_to_msgpack(pt_text_t json, uint8_t **out_bytes, size_t *out_len, char *out_error)
{
    assert(out_bytes);
    assert(out_len);
    char unwanted[ERROR_BYTES];
    char *error = out_error ? out_error : unwanted;
    error[0] = '\0';

    json = pt_text_after_mark(json);
    uint8_t *room = malloc(PT_JSON_ROOM(json.len));
    pt_status_t status = PT_E_NOMEM;
    if (room)
        status = s_pack_text(json, room, out_len, error);
    else
        snprintf(error, ERROR_BYTES, "%s", pt_status_text(status));
    if (status != PT_OK) {
        free(room);
        return status;
    }
    uint8_t *fitting = realloc(room, *out_len);
    *out_bytes = fitting ? fitting : room;
    return PT_OK;
}

static pt_status_t s_read_value(pt_cursor_t *cursor, unsigned levels, json_t **out_json);
static json_t *s_make_scalar(const pt_value_t *value);

static pt_status_t
s_read_array(pt_cursor_t *cursor, uint32_t count, unsigned levels, json_t *array)
{
    for (uint32_t index = 0; index < count; index++) {
        json_t *element;
        pt_status_t status = s_read_value(cursor, levels - 1, &element);
        if (status != PT_OK)
            return status;
        if (json_array_append_new(array, element))
            return PT_E_NOMEM;
    }
    return PT_OK;
}

/*  An array or map as a key: its bytes in base64. Its JSON text would be quoted again in each key around
 *  it, and so double with every level.
 */
static pt_status_t
s_read_container_key(pt_cursor_t *cursor, const uint8_t *start, const pt_value_t *value, unsigned levels,
                     json_t **out_key)
{
    pt_status_t status = pt_cursor_skip_children(cursor, value, levels);
    if (status != PT_OK)
        return status;
    *out_key = pt_json_base64((pt_bytes_t) {start, (size_t) (cursor->at - start)});
    return *out_key ? PT_OK : PT_E_NOMEM;
}

/*  A key as JSON can have it: a string as it is, another scalar as its JSON text. */
static pt_status_t
s_read_key(pt_cursor_t *cursor, unsigned levels, json_t **out_key)
{
    const uint8_t *start = cursor->at;
    pt_value_t value;
    pt_status_t status = pt_cursor_next(cursor, &value);
    if (status != PT_OK)
        return status;
    if (value.kind >= PT_VALUE_ARRAY)
        return s_read_container_key(cursor, start, &value, levels, out_key);
    *out_key = s_make_scalar(&value);
    if (!*out_key || json_is_string(*out_key))
        return *out_key ? PT_OK : PT_E_NOMEM;
    char *text = json_dumps(*out_key, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(*out_key);
    *out_key = text ? pt_json_string(pt_text_of(text)) : NULL;
    free(text);
    return *out_key ? PT_OK : PT_E_NOMEM;
}

static pt_status_t
s_read_map(pt_cursor_t *cursor, uint32_t pairs, unsigned levels, json_t *object)
{
    for (uint32_t index = 0; index < pairs; index++) {
        json_t *key, *value;
        pt_status_t status = s_read_key(cursor, levels - 1, &key);
        if (status != PT_OK)
            return status;
        status = s_read_value(cursor, levels - 1, &value);
        if (status == PT_OK && json_object_setn_new(object, json_string_value(key), json_string_length(key), value))
            status = PT_E_NOMEM;
        json_decref(key);
        if (status != PT_OK)
            return status;
    }
    return PT_OK;
}

static pt_status_t
s_read_container(pt_cursor_t *cursor, const pt_value_t *value, unsigned levels, json_t **out_json)
{
    if (levels == 0)
        return PT_E_DEPTH;
    bool is_map = value->kind == PT_VALUE_MAP;
    json_t *container = is_map ? json_object() : json_array();
    if (!container)
        return PT_E_NOMEM;
    pt_status_t status = is_map ? s_read_map(cursor, value->as.count, levels, container)
                                : s_read_array(cursor, value->as.count, levels, container);
    if (status == PT_OK)
        *out_json = container;
    else
        json_decref(container);
    return status;
}

/*  An integer that jansson cannot hold is printed, so that no digit is lost. */
static json_t *
s_make_natural(uint64_t natural)
{
    if (natural <= INT64_MAX)
        return json_integer((json_int_t) natural);
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long) natural);
    return json_string(digits);
}

static json_t *
s_make_ext(const pt_value_t *value)
{
    return json_pack("{s:i,s:o}", "$ext", (int) value->ext_type, "data", pt_json_base64(value->as.bytes));
}

static json_t *
s_make_scalar(const pt_value_t *value)
{
    switch (value->kind) {
    case PT_VALUE_BOOL:
        return json_boolean(value->as.boolean);
    case PT_VALUE_UINT:
        return s_make_natural(value->as.natural);
    case PT_VALUE_INT:
        return json_integer(value->as.integer);
    case PT_VALUE_FLOAT: //  JSON has neither infinities nor NaN
        return isfinite(value->as.real) ? json_real(value->as.real) : json_null();
    case PT_VALUE_STR:
        return pt_json_string(value->as.text);
    case PT_VALUE_BIN:
        return pt_json_base64(value->as.bytes);
    case PT_VALUE_EXT:
        return s_make_ext(value);
    default:
        return json_null();
    }
}

static pt_status_t
s_read_value(pt_cursor_t *cursor, unsigned levels, json_t **out_json)
{
    pt_value_t value;
    pt_status_t status = pt_cursor_next(cursor, &value);
    if (status != PT_OK)
        return status;
    if (value.kind >= PT_VALUE_ARRAY)
        return s_read_container(cursor, &value, levels, out_json);
    *out_json = s_make_scalar(&value);
    return *out_json ? PT_OK : PT_E_NOMEM;
}

pt_status_t
pt_json_of_msgpack(pt_bytes_t bytes, char **out_json)
{
    assert(out_json);
    pt_cursor_t cursor = pt_cursor_open(bytes);
    json_t *root = NULL;
    pt_status_t status = s_read_value(&cursor, PT_DEPTH_MAX, &root);
    if (status == PT_OK)
        status = pt_cursor_end(&cursor);
    if (status == PT_OK) {
        *out_json = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!*out_json)
            status = PT_E_NOMEM;
    }
    json_decref(root);
    return status;
}
