/*  pt_writer: msgpack-c's packing functions over a bounded buffer.
 *
 *  msgpack/pack_template.h is instantiated here with an append that is known when compiling, so
 *  that nothing is packed with a call per element. The functions are msgpack-c's own, named
 *  pt_pack_map, pt_pack_uint64 and so on; their results can be ignored, because the writer remembers
 *  that something did not fit. Decisions are packed by pt_pen.
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

/*  A str; an absent text is an empty one. */
static inline void
pt_writer_text(pt_writer_t *self, pt_text_t text)
{
    pt_pack_str(self, text.len);
    if (text.len)
        pt_writer_append(self, text.data, text.len);
}

#endif
