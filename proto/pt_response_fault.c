/*  What is wrong with an envelope, in words. */
#include "pt_response_parts.h"

#include <inttypes.h>
#include <stdio.h>

static const char *
s_describe_type(pt_response_kind_t kind)
{
    switch (kind) {
    case PT_RESPONSE_UINT16:
    case PT_RESPONSE_UINT32:
    case PT_RESPONSE_UINT64:
        return "not an unsigned integer";
    case PT_RESPONSE_BOOL:
        return "not a boolean";
    default:
        return "not a string";
    }
}

static void
s_describe_range(const pt_response_key_t *key, char *error)
{
    if (key->kind == PT_RESPONSE_TRANSPORT)
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: not timeout, connect_failed, reset or tls_failed", key->name);
    else if (key->kind == PT_RESPONSE_TEXT)
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: not %" PRIu64 " to %" PRIu64 " bytes long", key->name, key->min,
                 key->max);
    else
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: out of range, %" PRIu64 " to %" PRIu64, key->name, key->min, key->max);
}

void
pt_response_describe(pt_status_t status, pt_response_index_t index, char *error)
{
    const char *name = index == PT_KEY_COUNT_ ? "an unknown key" : pt_response_keys[index].name;
    const char *what = pt_status_text(status);

    if (status == PT_E_RANGE) {
        s_describe_range(&pt_response_keys[index], error);
        return;
    }
    if (status == PT_E_DEPTH) {
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: nested deeper than %d levels", name, PT_BODY_DEPTH_MAX);
        return;
    }
    if (status == PT_E_TYPE)
        what = s_describe_type(pt_response_keys[index].kind);
    else if (status == PT_E_DUPLICATE)
        what = "given twice";
    else if (status == PT_E_TRUNCATED)
        what = "the bytes end inside its value";
    else if (status == PT_E_MALFORMED)
        what = "not msgpack, byte 0xc1";
    snprintf(error, PT_ERROR_BYTES_MAX, "%s: %s", name, what);
}

/*  Whether the bytes begin like a JSON object or array, which is what most wrong frames are. */
static bool
s_looks_like_json(pt_bytes_t frame)
{
    size_t at = 0;
    while (at < frame.len && memchr(" \t\r\n", frame.data[at], 4))
        at++;
    return at < frame.len && (frame.data[at] == '{' || frame.data[at] == '[');
}

const char *
pt_response_describe_root(pt_status_t status, pt_bytes_t frame)
{
    if (frame.len == 0)
        return "empty: there are no bytes";
    if (status == PT_E_TYPE && s_looks_like_json(frame))
        return "not a map: the bytes look like JSON text";
    if (status == PT_E_TYPE)
        return "not a map";
    return status == PT_E_TRUNCATED ? "the bytes end inside the map" : "not msgpack, byte 0xc1";
}
