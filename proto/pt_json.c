/*  pt_json: jansson's values <-> msgpack.
 *
 *  Both walks recurse, but never deeper than PT_DEPTH_MAX: jansson itself bounds what it parses,
 *  and what is deeper than our limit is refused before it is walked.
 */
#include "pt_json.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "pt_cursor.h"
#include "pt_json_text.h"

#define ERROR_BYTES 160

//  Up to here every integer is a double of its own.
#define EXACT_REAL_MAX 9007199254740992.0

//  A parsed text on its way to msgpack.
typedef struct {
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    bool integers_as_reals; //  the parser was told so
} s_packing_t;

static pt_status_t s_pack_value(s_packing_t *self, const json_t *value, unsigned levels);

static pt_status_t
s_pack_string(s_packing_t *self, const char *data, size_t len)
{
    if (msgpack_pack_str(&self->packer, len) || msgpack_pack_str_body(&self->packer, data, len))
        return PT_E_NOMEM;
    return PT_OK;
}

static pt_status_t
s_pack_array(s_packing_t *self, const json_t *array, unsigned levels)
{
    size_t count = json_array_size(array);
    if (msgpack_pack_array(&self->packer, count))
        return PT_E_NOMEM;
    pt_status_t status = PT_OK;
    for (size_t index = 0; index < count && status == PT_OK; index++)
        status = s_pack_value(self, json_array_get(array, index), levels - 1);
    return status;
}

static pt_status_t
s_pack_object(s_packing_t *self, json_t *object, unsigned levels)
{
    if (msgpack_pack_map(&self->packer, json_object_size(object)))
        return PT_E_NOMEM;
    pt_status_t status = PT_OK;
    for (void *at = json_object_iter(object); at && status == PT_OK; at = json_object_iter_next(object, at)) {
        status = s_pack_string(self, json_object_iter_key(at), json_object_iter_key_len(at));
        if (status == PT_OK)
            status = s_pack_value(self, json_object_iter_value(at), levels - 1);
    }
    return status;
}

/*  Where one number of a text has too many digits, the parser can only give all numbers as reals;
 *  those that stand for an integer exactly are made one again.
 */
static pt_status_t
s_pack_real(s_packing_t *self, double real)
{
    bool is_integer =
        self->integers_as_reals && real > -EXACT_REAL_MAX && real < EXACT_REAL_MAX && (double) (int64_t) real == real;
    int failed =
        is_integer ? msgpack_pack_int64(&self->packer, (int64_t) real) : msgpack_pack_double(&self->packer, real);
    return failed ? PT_E_NOMEM : PT_OK;
}

static pt_status_t
s_pack_value(s_packing_t *self, const json_t *value, unsigned levels)
{
    int failed = 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return levels ? s_pack_object(self, (json_t *) (uintptr_t) value, levels) : PT_E_DEPTH;
    case JSON_ARRAY:
        return levels ? s_pack_array(self, value, levels) : PT_E_DEPTH;
    case JSON_STRING:
        return s_pack_string(self, json_string_value(value), json_string_length(value));
    case JSON_REAL:
        return s_pack_real(self, json_real_value(value));
    case JSON_INTEGER:
        failed = msgpack_pack_int64(&self->packer, json_integer_value(value));
        break;
    case JSON_TRUE:
        failed = msgpack_pack_true(&self->packer);
        break;
    case JSON_FALSE:
        failed = msgpack_pack_false(&self->packer);
        break;
    case JSON_NULL:
        failed = msgpack_pack_nil(&self->packer);
        break;
    }
    return failed ? PT_E_NOMEM : PT_OK;
}

/*  Parse a text, once more with all numbers as reals when an integer is too long for one. */
static json_t *
s_parse_text(pt_text_t text, bool *out_integers_as_reals, json_error_t *out_error)
{
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    *out_integers_as_reals = false;
    json_t *root = json_loadb(text.data, text.len, flags, out_error);
    if (root || json_error_code(out_error) != json_error_numeric_overflow)
        return root;
    *out_integers_as_reals = true;
    return json_loadb(text.data, text.len, flags | JSON_DECODE_INT_AS_REAL, out_error);
}

/*  The parser steps over a zero byte that stands between two tokens, as if it were a space, which it is not. False when
 *  there is one.
 */
static bool
s_has_no_zero(pt_text_t text, json_error_t *out_error)
{
    const char *zero = text.len ? memchr(text.data, 0, text.len) : NULL;
    if (!zero)
        return true;
    out_error->line = 1;
    const char *start = text.data;
    for (const char *newline; (newline = memchr(start, '\n', (size_t) (zero - start))) != NULL; start = newline + 1)
        out_error->line++;
    out_error->column = (int) (zero - start + 1);
    return false;
}

static pt_status_t
s_pack_text(s_packing_t *self, pt_text_t text, char *out_error)
{
    json_error_t error;
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = (pt_text_t) {text.data + 3, text.len - 3};
    if (!s_has_no_zero(text, &error)) {
        snprintf(out_error, ERROR_BYTES, "line %d, column %d: not JSON", error.line, error.column);
        return PT_E_MALFORMED;
    }
    json_t *root = s_parse_text(text, &self->integers_as_reals, &error);
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory)
            return PT_E_NOMEM;
        snprintf(out_error, ERROR_BYTES, "line %d, column %d: not JSON", error.line, error.column);
        return json_error_code(&error) == json_error_stack_overflow ? PT_E_DEPTH : PT_E_MALFORMED;
    }
    pt_status_t status = s_pack_value(self, root, PT_DEPTH_MAX);
    json_decref(root);
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

    s_packing_t packing = {.integers_as_reals = false};
    msgpack_sbuffer_init(&packing.buffer);
    msgpack_packer_init(&packing.packer, &packing.buffer, msgpack_sbuffer_write);
    pt_status_t status = s_pack_text(&packing, json.data ? json : PT_TEXT(""), error);
    if (status != PT_OK) {
        if (status == PT_E_DEPTH)
            snprintf(error, ERROR_BYTES, "nested deeper than %d levels", PT_DEPTH_MAX);
        else if (status == PT_E_NOMEM)
            snprintf(error, ERROR_BYTES, "%s", pt_status_text(status));
        msgpack_sbuffer_destroy(&packing.buffer);
        return status;
    }
    *out_len = packing.buffer.size;
    *out_bytes = (uint8_t *) msgpack_sbuffer_release(&packing.buffer);
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
