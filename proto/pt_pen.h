/*  pt_pen: packing msgpack where the room is known to be enough.
 *
 *  For the hot path. Whoever opens a pen has proved before that all it is going to write fits, with
 *  PT_PEN_SLACK bytes behind it. So nothing is checked here, and a short text is written as a block of
 *  one size, whatever its length: what it writes too much is overwritten by what follows. pt_writer
 *  is for everything else.
 */
#ifndef PT_PEN_H
#define PT_PEN_H

#include <endian.h>

#include "pt_model_words.h"

//  How far beyond the end of what was packed a pen may write.
#define PT_PEN_SLACK 64

//  Longest text with a head of one byte.
#define PT_PEN_SHORT_BYTES_MAX 31

typedef struct {
    uint8_t *at;
} pt_pen_t;

/*  Copy 1 to 31 bytes in pieces that may overlap, within their own bytes. */
static inline void
pt_pen_copy_within(uint8_t *to, const char *from, size_t len)
{
    if (len >= 16) {
        memcpy(to, from, 16);
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    } else {
        to[0] = (uint8_t) from[0];
        to[len / 2] = (uint8_t) from[len / 2];
        to[len - 1] = (uint8_t) from[len - 1];
    }
}

//  What a key is packed as, so that it takes a move or two: 8, 16 or 32 bytes.
#define PT_PEN_KEY_BLOCK(bytes) ((bytes) <= 8 ? 8 : (bytes) <= 16 ? 16 : 32)

/*  A key of at most 31 bytes, given as a literal. */
#define PT_PEN_KEY(self, literal)                                                                                      \
    do {                                                                                                               \
        static const struct {                                                                                          \
            uint8_t head;                                                                                              \
            char name[PT_PEN_KEY_BLOCK(sizeof(literal)) - 1];                                                          \
        } packed_key = {0xa0 | (sizeof(literal) - 1), literal};                                                        \
        _Static_assert(sizeof(literal) - 1 <= PT_PEN_SHORT_BYTES_MAX, "a longer key has no one-byte head");            \
        memcpy((self)->at, &packed_key, sizeof packed_key);                                                            \
        (self)->at += sizeof(literal);                                                                                 \
    } while (0)

static inline void
pt_pen_byte(pt_pen_t *self, uint8_t byte)
{
    *self->at++ = byte;
}

static inline void
pt_pen_bool(pt_pen_t *self, bool boolean)
{
    pt_pen_byte(self, boolean ? 0xc3 : 0xc2);
}

static inline void
pt_pen_word(pt_pen_t *self, const pt_word_t *word)
{
    memcpy(self->at, word, sizeof *word);
    self->at += 1 + (word->head & 0x1fu);
}

/*  A word of at most 15 bytes. */
static inline void
pt_pen_short_word(pt_pen_t *self, const pt_word_t *word)
{
    memcpy(self->at, word, 16);
    self->at += 1 + (word->head & 0x1fu);
}

/*  `bytes` of a head and a big-endian number behind it. */
static inline void
pt_pen_big_endian(pt_pen_t *self, uint8_t head, uint64_t value, unsigned bytes)
{
    uint64_t ordered = htobe64(value << (64 - 8 * bytes));
    *self->at = head;
    memcpy(self->at + 1, &ordered, sizeof ordered);
    self->at += 1 + bytes;
}

/*  A natural number in its smallest form. */
static inline void
pt_pen_natural(pt_pen_t *self, uint64_t value)
{
    if (value < 0x80) {
        pt_pen_byte(self, (uint8_t) value);
    } else if (value > UINT32_MAX) {
        pt_pen_big_endian(self, 0xcf, value, 8);
    } else {
        //  Whether a status is above 255, or a delay above 65535 ms, is no branch that can be foreseen.
        unsigned doublings = (unsigned) (value > UINT8_MAX) + (value > UINT16_MAX);
        pt_pen_big_endian(self, (uint8_t) (0xcc + doublings), value, 1u << doublings);
    }
}

/*  The head of a map (`few` 0x80, `many` 0xde) or an array (0x90, 0xdc) of at most 65535 elements. */
static inline void
pt_pen_count(pt_pen_t *self, uint8_t few, uint8_t many, size_t count)
{
    if (count < 16)
        pt_pen_byte(self, (uint8_t) (few | count));
    else
        pt_pen_big_endian(self, many, count, 2);
}

/*  A str of 1 to PT_PEN_SLACK bytes, as that many where it can be read on so far: no branch waits for its length. */
static inline void
pt_pen_block(pt_pen_t *self, pt_text_t text)
{
    bool has_long_head = text.len > PT_PEN_SHORT_BYTES_MAX;
    self->at[0] = has_long_head ? 0xd9 : (uint8_t) (0xa0 | text.len);
    self->at[1] = (uint8_t) text.len;
    self->at += 1 + has_long_head;
    memcpy(self->at, pt_text_block(text.data), PT_PEN_SLACK);
    self->at += text.len;
}

/*  A str of at most 65535 bytes; an absent text is an empty one. */
static inline void
pt_pen_text(pt_pen_t *self, pt_text_t text)
{
    if (text.len - 1 < PT_PEN_SLACK && pt_text_may_read_on(text.data, PT_PEN_SLACK)) {
        pt_pen_block(self, text);
        return;
    }
    if (text.len <= PT_PEN_SHORT_BYTES_MAX) {
        pt_pen_byte(self, (uint8_t) (0xa0 | text.len));
        if (text.len)
            pt_pen_copy_within(self->at, text.data, text.len);
    } else {
        pt_pen_big_endian(self, text.len > UINT8_MAX ? 0xda : 0xd9, text.len, text.len > UINT8_MAX ? 2 : 1);
        memcpy(self->at, text.data, text.len);
    }
    self->at += text.len;
}

#endif
