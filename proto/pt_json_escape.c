/*  A letter, or the code of a character in hex: one beyond U+FFFF as a pair of surrogates. */
#include "pt_json_escape.h"

#include <stddef.h>

#define S_REPLACEMENT 0xfffd

//  What a letter behind a backslash stands for; 0: nothing.
static const uint8_t s_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

//  Four hex digits; -1: they are not.
static int
s_read_hex(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 4)
        return -1;
    int code = 0;
    for (unsigned i = 0; i < 4; i++) {
        int digit = at[i], letter = digit | 0x20;
        if (digit >= '0' && digit <= '9')
            code = code << 4 | (digit - '0');
        else if (letter >= 'a' && letter <= 'f')
            code = code << 4 | (letter - 'a' + 10);
        else
            return -1;
    }
    return code;
}

//  The character of `\uXXXX`, or of two of them, read from behind the first `u`; -1: there is none. Half of a pair
//  without the other, as programs leave it that cut a text in the middle of one, is U+FFFD.
static int
s_read_character(const uint8_t **at, const uint8_t *end)
{
    int code = s_read_hex(*at, end);
    if (code < 0)
        return -1;
    const uint8_t *behind = *at += 4;
    if ((code & 0xf800) != 0xd800)
        return code;
    if ((code & 0xfc00) == 0xdc00 || end - behind < 6 || behind[0] != '\\' || behind[1] != 'u')
        return S_REPLACEMENT;
    int low = s_read_hex(behind + 2, end);
    if ((low & ~0x3ff) != 0xdc00)
        return S_REPLACEMENT;
    *at += 6;
    return 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
}

static uint8_t *
s_write_utf8(uint8_t *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (uint8_t) code;
        return out;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *out++ = (uint8_t) (0xff00 >> (more + 1) | code >> 6 * more);
    while (more--)
        *out++ = (uint8_t) (0x80 | (code >> 6 * more & 0x3f));
    return out;
}

uint8_t *
pt_json_read_escape(const uint8_t **at, const uint8_t *end, uint8_t *out)
{
    if (*at == end)
        return NULL;
    uint8_t letter = *(*at)++;
    if (letter == 'u') {
        int code = s_read_character(at, end);
        return code < 0 ? NULL : s_write_utf8(out, (unsigned) code);
    }
    *out = s_escapes[letter];
    return *out ? out + 1 : NULL;
}
