/*  pt_text: cutting and checking UTF-8. */
#include "pt_text.h"

// clang-format off
#define EIGHT(byte) (byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte)
const uint8_t pt_text_masks[2 * PT_TEXT_BLOCK_BYTES] = {
    EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff),
};
// clang-format on

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

/*  An automaton over bytes (RFC 3629, section 4). A byte's row holds, for each state, the next one, six bits
 *  each; a state is how far the row is shifted, so that no branch depends on the text.
 */
enum {
    STATE_WHOLE, //  no character is open
    STATE_FAULT, //  for good
    STATE_LAST,  //  one more byte of 80 to bf
    STATE_TWO,   //  two more
    STATE_E0,    //  the next one of two has to be a0 to bf: no overlong form
    STATE_ED,    //  80 to 9f: no surrogate
    STATE_F0,    //  90 to bf, of three: no overlong form
    STATE_THREE,
    STATE_F4, //  80 to 8f: not above U+10FFFF
    STATE_COUNT
};

#define STATE_BITS 6
_Static_assert(STATE_COUNT *STATE_BITS <= 64, "a row holds all states");

//  A row in which every state leads to the fault, and what changes that for one state.
#define FAULT(from) ((uint64_t) STATE_BITS * STATE_FAULT << STATE_BITS * (from))
#define NOTHING                                                                                                        \
    (FAULT(0) | FAULT(1) | FAULT(2) | FAULT(3) | FAULT(4) | FAULT(5) | FAULT(6) | FAULT(7) | FAULT(STATE_COUNT - 1))
#define TO(from, next) (((uint64_t) STATE_BITS * (next) << STATE_BITS * (from)) ^ FAULT(from))
#define LEAD(next) (NOTHING ^ TO(STATE_WHOLE, next))
#define ANY_MORE (TO(STATE_LAST, STATE_WHOLE) ^ TO(STATE_TWO, STATE_LAST) ^ TO(STATE_THREE, STATE_TWO))
#define ROW_80 (NOTHING ^ ANY_MORE ^ TO(STATE_ED, STATE_LAST) ^ TO(STATE_F4, STATE_TWO))
#define ROW_90 (NOTHING ^ ANY_MORE ^ TO(STATE_ED, STATE_LAST) ^ TO(STATE_F0, STATE_TWO))
#define ROW_A0 (NOTHING ^ ANY_MORE ^ TO(STATE_E0, STATE_LAST) ^ TO(STATE_F0, STATE_TWO))

// clang-format off
#define ROWS_4(row) (row), (row), (row), (row)
#define ROWS_16(row) ROWS_4(row), ROWS_4(row), ROWS_4(row), ROWS_4(row)
#define ROWS_64(row) ROWS_16(row), ROWS_16(row), ROWS_16(row), ROWS_16(row)

static const uint64_t s_rows[256] = {
    ROWS_64(LEAD(STATE_WHOLE)), ROWS_64(LEAD(STATE_WHOLE)),                             // 00..7f
    ROWS_16(ROW_80), ROWS_16(ROW_90), ROWS_16(ROW_A0), ROWS_16(ROW_A0),                 // 80..bf
    NOTHING, NOTHING, LEAD(STATE_LAST), LEAD(STATE_LAST), ROWS_4(LEAD(STATE_LAST)),     // c0..c7
    ROWS_4(LEAD(STATE_LAST)), ROWS_4(LEAD(STATE_LAST)), ROWS_16(LEAD(STATE_LAST)),      // c8..df
    LEAD(STATE_E0), LEAD(STATE_TWO), LEAD(STATE_TWO), LEAD(STATE_TWO),                  // e0..e3
    ROWS_4(LEAD(STATE_TWO)), ROWS_4(LEAD(STATE_TWO)),                                   // e4..eb
    LEAD(STATE_TWO), LEAD(STATE_ED), LEAD(STATE_TWO), LEAD(STATE_TWO),                  // ec..ef
    LEAD(STATE_F0), LEAD(STATE_THREE), LEAD(STATE_THREE), LEAD(STATE_THREE),            // f0..f3
    LEAD(STATE_F4), NOTHING, NOTHING, NOTHING, ROWS_4(NOTHING), ROWS_4(NOTHING),        // f4..ff
};
// clang-format on

bool
pt_text_is_long_utf8(pt_text_t text)
{
    const uint8_t *at = (const uint8_t *) text.data;
    size_t left = text.len;
    uint64_t words[2];
    for (; left >= sizeof words; at += sizeof words, left -= sizeof words) {
        memcpy(words, at, sizeof words);
        if ((words[0] | words[1]) & UINT64_C(0x8080808080808080))
            break;
    }
    uint64_t state = STATE_WHOLE;
    for (; left > 0; at++, left--)
        state = s_rows[*at] >> (state & 63);
    return (state & 63) == STATE_WHOLE;
}
