/*  pt_cursor: reading msgpack that a peer wrote, within bounds.
 *
 *  Nothing is allocated and nothing recurses. Every length is compared with the bytes that are
 *  left before it is used: a string has to be there whole, and an array or map that announces
 *  more elements than bytes follow is truncated. Texts point into the caller's bytes.
 *
 *  A function that fails leaves the cursor where it stood or somewhere inside the value; after a
 *  fault of the bytes there is nothing more to read.
 */
#ifndef PT_CURSOR_H
#define PT_CURSOR_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} pt_cursor_t;

typedef enum {
    PT_VALUE_MALFORMED, //  the byte 0xc1; never in a value that was read
    PT_VALUE_NIL,
    PT_VALUE_BOOL,
    PT_VALUE_UINT, //  any integer from 0, however it was written
    PT_VALUE_INT,  //  a negative integer
    PT_VALUE_FLOAT,
    PT_VALUE_STR, //  not checked for UTF-8
    PT_VALUE_BIN,
    PT_VALUE_EXT,
    PT_VALUE_ARRAY, //  the elements follow
    PT_VALUE_MAP,   //  keys and values follow, by turns
} pt_value_kind_t;

typedef struct {
    pt_value_kind_t kind;
    int8_t ext_type;
    union {
        bool boolean;
        uint64_t natural; //  PT_VALUE_UINT
        int64_t integer;  //  PT_VALUE_INT
        double real;      //  PT_VALUE_FLOAT
        pt_text_t text;   //  PT_VALUE_STR
        pt_bytes_t bytes; //  PT_VALUE_BIN, PT_VALUE_EXT
        uint32_t count;   //  PT_VALUE_ARRAY: elements; PT_VALUE_MAP: pairs
    } as;
} pt_value_t;

static inline pt_cursor_t
pt_cursor_open(pt_bytes_t bytes)
{
    return (pt_cursor_t) {bytes.data, bytes.data + bytes.len};
}

static inline size_t
pt_cursor_left(const pt_cursor_t *self)
{
    return (size_t) (self->end - self->at);
}

/*  PT_OK at the end of the bytes, else PT_E_TRAILING. */
PT_MUST_CHECK static inline pt_status_t
pt_cursor_end(const pt_cursor_t *self)
{
    return self->at == self->end ? PT_OK : PT_E_TRAILING;
}

/*  What pt_cursor_next does for every kind of value. */
PT_MUST_CHECK pt_status_t pt_cursor_next_any(pt_cursor_t *self, pt_value_t *out_value);

/*  Read one value, or the head of an array or map, whose children are then next. PT_E_TRUNCATED
 *  or PT_E_MALFORMED otherwise. The short strings and small numbers that most values are get read
 *  right here, and the heads of small maps.
 */
PT_MUST_CHECK static inline pt_status_t
pt_cursor_next(pt_cursor_t *self, pt_value_t *out_value)
{
    size_t left = pt_cursor_left(self);
    uint8_t head = left ? *self->at : 0xc1;
    if ((head & 0xe0) == 0xa0 && (head & 0x1fu) < left) {
        out_value->kind = PT_VALUE_STR;
        out_value->as.text = (pt_text_t) {(const char *) self->at + 1, head & 0x1fu};
        self->at += 1 + (head & 0x1fu);
        return PT_OK;
    }
    if (head < 0x80) {
        out_value->kind = PT_VALUE_UINT;
        out_value->as.natural = head;
        self->at++;
        return PT_OK;
    }
    if ((head & 0xf0) == 0x80 && 2 * (head & 0xfu) < left) {
        out_value->kind = PT_VALUE_MAP;
        out_value->as.count = head & 0xfu;
        self->at++;
        return PT_OK;
    }
    return pt_cursor_next_any(self, out_value);
}

/*  Whether a value is this one byte: a small number, nil or a boolean. One branch for all of them, since which one
 *  it is nobody can foresee.
 */
static inline bool
pt_cursor_is_single(uint8_t head)
{
    //  Bit n stands for 4 * n to 4 * n + 3; of c0 to c3 the second is none.
    const uint64_t fours = UINT64_C(0xff010000ffffffff);
    return (fours >> (head >> 2) & 1) & (head != 0xc1);
}

/*  Behind the value at `at`, where its first byte, or for a str the one after it, tells its size: nearly all that
 *  bodies hold. `at` for any other value and for one that is not there whole. At least one byte stands at `at`.
 *
 *  The next value's place waits for this value's size, so a predicted branch that makes short strings an addition and
 *  single bytes a constant is worth more than a table that has to be read. What a head says beside the size is taken
 *  off as a constant, which is part of that addition; to mask it would be another step.
 */
static inline const uint8_t *
pt_cursor_pass_plain(const uint8_t *at, const uint8_t *end)
{
    static const uint8_t number_bytes[10] = {5, 9, 2, 3, 5, 9, 2, 3, 5, 9}; //  from 0xca on
    uint8_t head = *at;
    size_t left = (size_t) (end - at);
    size_t bytes = 0;
    if (head - 0xa0U < 32)
        bytes = head - 0x9fU;
    else if (pt_cursor_is_single(head))
        return at + 1;
    else if (head == 0xd9 && left >= 2)
        bytes = 2U + at[1];
    else if (head - 0xcaU < 10)
        bytes = number_bytes[head - 0xcaU];
    //  Compared as sizes, because no pointer may lead further than one behind the end.
    return bytes <= left ? at + bytes : at;
}

/*  Step over one value with everything in it. `levels` (at most PT_DEPTH_MAX) is how deep arrays
 *  and maps may nest in it: 0 takes a scalar only. PT_E_TRUNCATED, PT_E_MALFORMED, PT_E_DEPTH.
 */
PT_MUST_CHECK pt_status_t pt_cursor_skip(pt_cursor_t *self, unsigned levels);

/*  The same for any nesting: to read on behind a value that pt_cursor_skip found too deep. */
PT_MUST_CHECK pt_status_t pt_cursor_skip_deep(pt_cursor_t *self);

/*  Step over the children of `value`, which was read last. `levels` counts the value itself. Does
 *  nothing after a scalar.
 */
PT_MUST_CHECK pt_status_t pt_cursor_skip_children(pt_cursor_t *self, const pt_value_t *value, unsigned levels);

/*  Read a value that has to be of one kind. PT_E_TYPE for another kind, beside the faults of
 *  pt_cursor_next. The outputs are written on PT_OK only.
 */
PT_MUST_CHECK pt_status_t pt_cursor_array(pt_cursor_t *self, uint32_t *out_count);
PT_MUST_CHECK pt_status_t pt_cursor_map(pt_cursor_t *self, uint32_t *out_pairs);
PT_MUST_CHECK pt_status_t pt_cursor_bool(pt_cursor_t *self, bool *out_boolean);
PT_MUST_CHECK pt_status_t pt_cursor_bin(pt_cursor_t *self, pt_bytes_t *out_bytes);
/*  PT_E_RANGE for a negative integer or one above `max`. */
PT_MUST_CHECK pt_status_t pt_cursor_uint(pt_cursor_t *self, uint64_t max, uint64_t *out_natural);
/*  A str; PT_E_RANGE when longer than `bytes_max`, PT_E_UTF8 when it is no UTF-8. */
PT_MUST_CHECK pt_status_t pt_cursor_text(pt_cursor_t *self, size_t bytes_max, pt_text_t *out_text);

#ifdef __cplusplus
}
#endif
#endif
