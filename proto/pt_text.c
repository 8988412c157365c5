/*  pt_text: cutting and checking UTF-8. */
#include "pt_text.h"

static bool
s_is_continuation(char byte)
{
    return ((unsigned char) byte & 0xc0) == 0x80;
}

pt_text_t
pt_text_cut(pt_text_t text, size_t bytes_max)
{
    if (text.len <= bytes_max)
        return text;

    //  A character has at most three continuation bytes; bytes that go on with more are no UTF-8,
    //  and are cut where they stand.
    size_t len = bytes_max;
    for (int back = 0; back < 3 && len > 0 && s_is_continuation(text.data[len]); back++)
        len--;
    if (s_is_continuation(text.data[len]))
        len = bytes_max;
    return (pt_text_t) {text.data, len};
}

/*  The length of the well-formed character at `at`, or 0. The bounds of the second byte rule out
 *  overlong forms, surrogates and anything above U+10FFFF (RFC 3629, section 4).
 */
static size_t
s_measure_character(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0], low = 0x80, high = 0xbf;
    size_t len;

    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf) {
        len = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        len = 3;
        low = lead == 0xe0 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        len = 4;
        low = lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (left < len || at[1] < low || at[1] > high)
        return 0;
    for (size_t index = 2; index < len; index++)
        if ((at[index] & 0xc0) != 0x80)
            return 0;
    return len;
}

/*  Whether all of four to eight bytes are ASCII: two words that may overlap. */
static bool
s_is_ascii_short(const uint8_t *at, size_t len)
{
    uint32_t head, tail;
    memcpy(&head, at, sizeof head);
    memcpy(&tail, at + len - sizeof tail, sizeof tail);
    return ((head | tail) & UINT32_C(0x80808080)) == 0;
}

bool
pt_text_is_utf8(pt_text_t text)
{
    const uint8_t *at = (const uint8_t *) text.data;
    size_t left = text.len;

    while (left > 0) {
        size_t step = left < 8 ? left : 8;
        if (left < 4 || !s_is_ascii_short(at, step))
            step = s_measure_character(at, left);
        if (step == 0)
            return false;
        at += step;
        left -= step;
    }
    return true;
}
