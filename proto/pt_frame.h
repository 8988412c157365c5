/*  pt_frame: how header frames are written and read; shared by the pt_wire sources only.
 *
 *  Both sides remember their first fault and do nothing after it, so that an encoder or a decoder
 *  is a plain list of its elements, and the result is asked for once, at the end.
 */
#ifndef PT_FRAME_H
#define PT_FRAME_H

#include "pt_cursor.h"
#include "pt_wire.h"
#include "pt_writer.h"

//  Writes one header frame into the caller's buffer.
typedef struct {
    pt_writer_t writer;
    const uint8_t *start;
} pt_frame_writer_t;

/*  Begin an array of `elements` elements; the version and the kind are its first two. */
void pt_frame_begin(pt_frame_writer_t *self, uint8_t *out, size_t capacity, pt_kind_t kind, size_t elements);
/*  An integer, which must be at most PT_WIRE_INTEGER_MAX, in its smallest form. */
void pt_frame_put_uint(pt_frame_writer_t *self, uint64_t value);
/*  A 64-bit id as a str of 16 hex digits. */
void pt_frame_put_id(pt_frame_writer_t *self, uint64_t id);
void pt_frame_put_text(pt_frame_writer_t *self, pt_text_t text);
void pt_frame_put_bool(pt_frame_writer_t *self, bool value);
void pt_frame_put_array(pt_frame_writer_t *self, size_t elements);
/*  The bytes written, or 0 when they did not fit. */
size_t pt_frame_finish(const pt_frame_writer_t *self);

//  Reads one header frame.
typedef struct {
    pt_cursor_t cursor;
    pt_status_t status; //  of the first fault
} pt_frame_reader_t;

/*  Begin to read a frame of this kind, an array of exactly `elements` elements, and pass its first
 *  two. With `elements` 0 any number will do, and pt_frame_open says which.
 */
size_t pt_frame_open(pt_frame_reader_t *self, pt_bytes_t header, pt_kind_t kind, size_t elements);
/*  An integer from `min` to `max`; 0 after a fault. */
uint64_t pt_frame_uint(pt_frame_reader_t *self, uint64_t min, uint64_t max);
uint64_t pt_frame_id(pt_frame_reader_t *self);
/*  A str of `min` to `max` bytes, all of them printable ASCII without the space; absent after a
 *  fault. Such names end up in logs and on terminals.
 */
pt_text_t pt_frame_name(pt_frame_reader_t *self, size_t min, size_t max);
bool pt_frame_bool(pt_frame_reader_t *self);
/*  The length of an array that begins here, from `min` to `max`; 0 after a fault. */
size_t pt_frame_array(pt_frame_reader_t *self, size_t min, size_t max);
/*  A rule that the decoder checks itself, between two elements, and the fault where it is broken. */
void pt_frame_require(pt_frame_reader_t *self, bool holds, pt_status_t fault);
/*  The end of the frame: PT_E_TRAILING when bytes are left, else the first fault or PT_OK. */
PT_MUST_CHECK pt_status_t pt_frame_end(const pt_frame_reader_t *self);

#endif
