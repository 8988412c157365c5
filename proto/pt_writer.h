/*  pt_writer: msgpack-c's packing functions over a bounded buffer.
 *
 *  msgpack/pack_template.h is instantiated here with an append that is known when compiling, so
 *  that the decisions of the hot path are packed without a call per element. The functions are
 *  msgpack-c's own, named pt_pack_map, pt_pack_uint64 and so on; their results can be ignored,
 *  because the writer remembers that something did not fit.
 */
#ifndef PT_WRITER_H
#define PT_WRITER_H

#include <msgpack/pack_define.h>
#include <msgpack/timestamp.h>

#include "pt_text.h"

typedef struct {
    uint8_t *at;
    uint8_t *end;
    bool full; //  something did not fit; nothing is written after that
} pt_writer_t;

static inline pt_writer_t
pt_writer_open(uint8_t *out, size_t capacity)
{
    return (pt_writer_t) {out, out + capacity, false};
}

static inline int
pt_writer_append(pt_writer_t *self, const void *bytes, size_t len)
{
    if (__builtin_expect((size_t) (self->end - self->at) < len, 0)) {
        self->end = self->at;
        self->full = true;
        return -1;
    }
    memcpy(self->at, bytes, len);
    self->at += len;
    return 0;
}

#define msgpack_pack_inline_func(name) static inline int pt_pack##name
#define msgpack_pack_user pt_writer_t *
#define msgpack_pack_append_buffer(user, buf, len) return pt_writer_append((user), (buf), (len))
#include <msgpack/pack_template.h>

static inline void
pt_writer_bool(pt_writer_t *self, bool boolean)
{
    uint8_t byte = boolean ? 0xc3 : 0xc2;
    pt_writer_append(self, &byte, 1);
}

/*  Copy 1 to 31 bytes: two pieces of one size that may overlap, where a call would cost more. */
static inline void
pt_writer_copy_short(uint8_t *to, const char *from, size_t len)
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

/*  A str; an absent text is an empty one. Most texts are short, and are written at once. */
static inline void
pt_writer_text(pt_writer_t *self, pt_text_t text)
{
    if (text.len - 1 < 31 && (size_t) (self->end - self->at) > text.len) {
        *self->at = (uint8_t) (0xa0 | text.len);
        pt_writer_copy_short(self->at + 1, text.data, text.len);
        self->at += 1 + text.len;
        return;
    }
    pt_pack_str(self, text.len);
    if (text.len)
        pt_writer_append(self, text.data, text.len);
}

/*  A key of at most 31 bytes, given as a literal: one copy of a size known when compiling. */
#define PT_WRITER_KEY(self, literal)                                                                                   \
    do {                                                                                                               \
        static const struct {                                                                                          \
            uint8_t head;                                                                                              \
            char name[sizeof(literal) - 1];                                                                            \
        } packed_key = {0xa0 | (sizeof(literal) - 1), literal};                                                        \
        _Static_assert(sizeof(literal) - 1 <= 31, "a longer key has no one-byte head");                                \
        pt_writer_append((self), &packed_key, sizeof packed_key);                                                      \
    } while (0)

#endif
