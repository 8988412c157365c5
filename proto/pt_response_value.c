/*  Keys and values of an envelope that are not what most are. */
#include "pt_response_parts.h"

pt_response_index_t
pt_response_find_rare_key(pt_text_t name)
{
    switch (name.len) {
    case 7:
        return PT_RESPONSE_IS(name, "attempt")   ? PT_KEY_ATTEMPT
               : PT_RESPONSE_IS(name, "account") ? PT_KEY_ACCOUNT
                                                 : PT_KEY_COUNT_;
    case 8:
        return PT_RESPONSE_IS(name, "redriven") ? PT_KEY_REDRIVEN : PT_KEY_COUNT_;
    case 9:
        return PT_RESPONSE_IS(name, "reference")   ? PT_KEY_REFERENCE
               : PT_RESPONSE_IS(name, "transport") ? PT_KEY_TRANSPORT
                                                   : PT_KEY_COUNT_;
    case 10:
        return PT_RESPONSE_IS(name, "idempotent") ? PT_KEY_IDEMPOTENT : PT_KEY_COUNT_;
    case 11:
        return PT_RESPONSE_IS(name, "received_ms") ? PT_KEY_RECEIVED_MS : PT_KEY_COUNT_;
    case 14:
        return PT_RESPONSE_IS(name, "retry_after_ms") ? PT_KEY_RETRY_AFTER_MS : PT_KEY_COUNT_;
    case 16:
        return PT_RESPONSE_IS(name, "first_attempt_ms") ? PT_KEY_FIRST_ATTEMPT_MS : PT_KEY_COUNT_;
    default:
        return PT_KEY_COUNT_;
    }
}

static pt_status_t
s_take_text(const pt_response_key_t *key, const pt_value_t *value, pt_text_t *out_text)
{
    if (value->kind != PT_VALUE_STR)
        return PT_E_TYPE;
    if (value->as.text.len < key->min || value->as.text.len > key->max)
        return PT_E_RANGE;
    if (!pt_text_is_utf8(value->as.text))
        return PT_E_UTF8;
    *out_text = value->as.text;
    return PT_OK;
}

static pt_status_t
s_take_uint(const pt_response_key_t *key, const pt_value_t *value, void *out_field)
{
    if (value->kind == PT_VALUE_INT)
        return PT_E_RANGE;
    if (value->kind != PT_VALUE_UINT)
        return PT_E_TYPE;
    uint64_t natural = value->as.natural;
    if (natural < key->min || natural > key->max)
        return PT_E_RANGE;
    if (key->kind == PT_RESPONSE_UINT16)
        *(uint16_t *) out_field = (uint16_t) natural;
    else if (key->kind == PT_RESPONSE_UINT32)
        *(uint32_t *) out_field = (uint32_t) natural;
    else
        *(uint64_t *) out_field = natural;
    return PT_OK;
}

static pt_status_t
s_take_transport(const pt_value_t *value, pt_transport_t *out_transport)
{
    if (value->kind != PT_VALUE_STR)
        return PT_E_TYPE;
    int transport = pt_transport_parse(value->as.text);
    if (transport <= PT_TRANSPORT_NONE)
        return PT_E_RANGE;
    *out_transport = (pt_transport_t) transport;
    return PT_OK;
}

pt_status_t
pt_response_take(const pt_response_key_t *key, const pt_value_t *value, pt_response_t *out_response)
{
    void *field = (char *) out_response + key->offset;
    switch (key->kind) {
    case PT_RESPONSE_TEXT:
        return s_take_text(key, value, field);
    case PT_RESPONSE_UINT16:
    case PT_RESPONSE_UINT32:
    case PT_RESPONSE_UINT64:
        return s_take_uint(key, value, field);
    case PT_RESPONSE_BOOL:
        if (value->kind != PT_VALUE_BOOL)
            return PT_E_TYPE;
        *(bool *) field = value->as.boolean;
        return PT_OK;
    case PT_RESPONSE_TRANSPORT:
        return s_take_transport(value, field);
    case PT_RESPONSE_BODY:
        break;
    }
    return PT_OK;
}

void
pt_response_take_body(const pt_value_t *value, const uint8_t *start, const uint8_t *end, pt_response_t *out_response)
{
    if (value->kind == PT_VALUE_MAP) {
        out_response->body_kind = PT_BODY_MSGPACK;
        out_response->body = (pt_bytes_t) {start, (size_t) (end - start)};
    } else if (value->kind == PT_VALUE_STR) {
        out_response->body_kind = PT_BODY_JSON;
        out_response->body = (pt_bytes_t) {(const uint8_t *) value->as.text.data, value->as.text.len};
    } else if (value->kind == PT_VALUE_BIN) {
        out_response->body_kind = PT_BODY_JSON;
        out_response->body = value->as.bytes;
    }
}
