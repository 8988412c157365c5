/*  pt_json_text: U+FFFD for what is no UTF-8, and base64. */
#include "pt_json_text.h"

#include <stdlib.h>

/*  The bytes of the character at the start of `text`, or 0 when there is none. */
static size_t
s_measure_character(pt_text_t text)
{
    for (size_t len = 1; len <= 4 && len <= text.len; len++)
        if (pt_text_is_utf8((pt_text_t) {text.data, len}))
            return len;
    return 0;
}

json_t *
pt_json_string(pt_text_t text)
{
    if (text.len == 0)
        return json_string("");
    if (pt_text_is_utf8(text))
        return json_stringn_nocheck(text.data, text.len);

    char *clean = malloc(3 * text.len);
    if (!clean)
        return NULL;
    size_t used = 0;
    while (text.len > 0) {
        size_t len = s_measure_character(text);
        memcpy(clean + used, len ? text.data : "\xef\xbf\xbd", len ? len : 3);
        used += len ? len : 3;
        text.data += len ? len : 1;
        text.len -= len ? len : 1;
    }
    json_t *string = json_stringn_nocheck(clean, used);
    free(clean);
    return string;
}

json_t *
pt_json_base64(pt_bytes_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (bytes.len + 2) / 3 * 4;
    char *text = malloc(len + 1);
    if (!text)
        return NULL;
    char *out = text;
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t left = bytes.len - at;
        uint32_t group = (uint32_t) bytes.data[at] << 16;
        group |= left > 1 ? (uint32_t) bytes.data[at + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[at + 2] : 0;
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
    json_t *string = json_stringn_nocheck(text, len);
    free(text);
    return string;
}
