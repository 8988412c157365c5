/*  pt_cursor: one table says what each first byte announces; the rest is bounds. */
#include "pt_cursor.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>

//  What a first byte announces.
typedef struct {
    uint8_t kind;         //  pt_value_kind_t
    uint8_t head_bytes;   //  first byte, length field, ext type, and the payload of a number
    uint8_t length_bytes; //  of the big-endian length or count after the first byte; 0: `length`
    uint8_t length;
} s_head_t;

// clang-format off
//  Repeated rows. ROW_n(row, base) stands for row(base), row(base + 1), …
#define ROW_4(row, base) row(base), row((base) + 1), row((base) + 2), row((base) + 3)
#define ROW_16(row, base) ROW_4(row, base), ROW_4(row, (base) + 4), ROW_4(row, (base) + 8), ROW_4(row, (base) + 12)
#define ROW_32(row, base) ROW_16(row, base), ROW_16(row, (base) + 16)

#define FIXNAT(length) {PT_VALUE_UINT, 1, 0, (length)}
#define FIXNEG(length) {PT_VALUE_INT, 1, 0, (length)}
#define FIXMAP(length) {PT_VALUE_MAP, 1, 0, (length)}
#define FIXARRAY(length) {PT_VALUE_ARRAY, 1, 0, (length)}
#define FIXSTR(length) {PT_VALUE_STR, 1, 0, (length)}

static const s_head_t s_heads[256] = {
    ROW_32(FIXNAT, 0), ROW_32(FIXNAT, 32), ROW_32(FIXNAT, 64), ROW_32(FIXNAT, 96), // 00..7f
    ROW_16(FIXMAP, 0), ROW_16(FIXARRAY, 0), ROW_32(FIXSTR, 0),                     // 80..bf
    {PT_VALUE_NIL, 1, 0, 0}, {PT_VALUE_MALFORMED, 1, 0, 0},                        // c0 nil, c1
    {PT_VALUE_BOOL, 1, 0, 0}, {PT_VALUE_BOOL, 1, 0, 1},                            // c2 false, c3 true
    {PT_VALUE_BIN, 2, 1, 0}, {PT_VALUE_BIN, 3, 2, 0}, {PT_VALUE_BIN, 5, 4, 0},     // c4..c6
    {PT_VALUE_EXT, 3, 1, 0}, {PT_VALUE_EXT, 4, 2, 0}, {PT_VALUE_EXT, 6, 4, 0},     // c7..c9
    {PT_VALUE_FLOAT, 5, 0, 0}, {PT_VALUE_FLOAT, 9, 0, 0},                          // ca, cb
    {PT_VALUE_UINT, 2, 0, 0}, {PT_VALUE_UINT, 3, 0, 0},                            // cc, cd
    {PT_VALUE_UINT, 5, 0, 0}, {PT_VALUE_UINT, 9, 0, 0},                            // ce, cf
    {PT_VALUE_INT, 2, 0, 0}, {PT_VALUE_INT, 3, 0, 0},                              // d0, d1
    {PT_VALUE_INT, 5, 0, 0}, {PT_VALUE_INT, 9, 0, 0},                              // d2, d3
    {PT_VALUE_EXT, 2, 0, 1}, {PT_VALUE_EXT, 2, 0, 2}, {PT_VALUE_EXT, 2, 0, 4},     // d4..d6 fixext
    {PT_VALUE_EXT, 2, 0, 8}, {PT_VALUE_EXT, 2, 0, 16},                             // d7, d8
    {PT_VALUE_STR, 2, 1, 0}, {PT_VALUE_STR, 3, 2, 0}, {PT_VALUE_STR, 5, 4, 0},     // d9..db
    {PT_VALUE_ARRAY, 3, 2, 0}, {PT_VALUE_ARRAY, 5, 4, 0},                          // dc, dd
    {PT_VALUE_MAP, 3, 2, 0}, {PT_VALUE_MAP, 5, 4, 0},                              // de, df
    ROW_32(FIXNEG, 0),                                                             // e0..ff
};
// clang-format on

static inline uint64_t
s_load_bits(const uint8_t *at, unsigned bytes)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (bytes) {
    case 1:
        return at[0];
    case 2:
        memcpy(&two, at, sizeof two);
        return be16toh(two);
    case 4:
        memcpy(&four, at, sizeof four);
        return be32toh(four);
    default:
        memcpy(&eight, at, sizeof eight);
        return be64toh(eight);
    }
}

/*  Look at the head that stands next: its row, and its length or count, whose bytes or elements
 *  are known to be there as far as the bytes can tell. *out_payload is what follows the head and
 *  belongs to the value itself.
 */
static inline pt_status_t
s_read_head(const pt_cursor_t *self, s_head_t *out_head, size_t *out_length, size_t *out_payload)
{
    size_t left = pt_cursor_left(self);
    if (left == 0)
        return PT_E_TRUNCATED;
    s_head_t head = s_heads[*self->at];
    if (left < head.head_bytes)
        return PT_E_TRUNCATED;
    left -= head.head_bytes;

    size_t length = head.length;
    if (head.length_bytes)
        length = (size_t) s_load_bits(self->at + 1, head.length_bytes);
    size_t payload = 0;
    if (head.kind >= PT_VALUE_STR) {
        //  A map's pairs need two bytes each at least. Counts have 32 bits, so nothing wraps.
        size_t needed = head.kind == PT_VALUE_MAP ? 2 * length : length;
        if (needed > left)
            return PT_E_TRUNCATED;
        payload = head.kind <= PT_VALUE_EXT ? length : 0;
    } else if (head.kind == PT_VALUE_MALFORMED) {
        return PT_E_MALFORMED;
    }
    *out_head = head;
    *out_length = length;
    *out_payload = payload;
    return PT_OK;
}

static inline int64_t
s_extend_sign(uint64_t bits, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;
    return (int64_t) (bits << unused) >> unused;
}

/*  An integer that is not negative is natural, whichever form it was written in. */
static inline void
s_read_integer(const uint8_t *at, s_head_t head, pt_value_t *out_value)
{
    if (head.head_bytes == 1) {
        if (head.kind == PT_VALUE_UINT)
            out_value->as.natural = *at;
        else
            out_value->as.integer = (int64_t) (int8_t) *at;
        return;
    }
    unsigned bytes = head.head_bytes - 1u;
    uint64_t bits = s_load_bits(at + 1, bytes);
    int64_t integer = s_extend_sign(bits, bytes);
    if (head.kind == PT_VALUE_UINT) {
        out_value->as.natural = bits;
    } else if (integer >= 0) {
        out_value->kind = PT_VALUE_UINT;
        out_value->as.natural = (uint64_t) integer;
    } else {
        out_value->as.integer = integer;
    }
}

static double
s_read_float(const uint8_t *at, s_head_t head)
{
    uint64_t bits = s_load_bits(at + 1, head.head_bytes - 1u);
    double real;
    if (head.head_bytes == 5) {
        uint32_t half = (uint32_t) bits;
        float single;
        memcpy(&single, &half, sizeof single);
        return single;
    }
    memcpy(&real, &bits, sizeof real);
    return real;
}

pt_status_t
pt_cursor_next_any(pt_cursor_t *self, pt_value_t *out_value)
{
    s_head_t head;
    size_t length, payload;
    pt_status_t status = s_read_head(self, &head, &length, &payload);
    if (status != PT_OK)
        return status;

    const uint8_t *at = self->at;
    self->at = at + head.head_bytes + payload;
    out_value->kind = (pt_value_kind_t) head.kind;
    switch (out_value->kind) {
    case PT_VALUE_MALFORMED: //  s_read_head refused it
    case PT_VALUE_NIL:
        break;
    case PT_VALUE_BOOL:
        out_value->as.boolean = head.length;
        break;
    case PT_VALUE_UINT:
    case PT_VALUE_INT:
        s_read_integer(at, head, out_value);
        break;
    case PT_VALUE_FLOAT:
        out_value->as.real = s_read_float(at, head);
        break;
    case PT_VALUE_STR:
        out_value->as.text = (pt_text_t) {(const char *) at + head.head_bytes, length};
        break;
    case PT_VALUE_EXT:
        out_value->ext_type = (int8_t) at[head.head_bytes - 1];
        out_value->as.bytes = (pt_bytes_t) {at + head.head_bytes, length};
        break;
    case PT_VALUE_BIN:
        out_value->as.bytes = (pt_bytes_t) {at + head.head_bytes, length};
        break;
    case PT_VALUE_ARRAY:
    case PT_VALUE_MAP:
        out_value->as.count = (uint32_t) length;
        break;
    }
    return PT_OK;
}

/*  Step over values of a size that is seen at once. Leaves off at the first other value, or one that is
 *  not there whole.
 */
static inline void
s_skip_plain(pt_cursor_t *self, size_t *items)
{
    const uint8_t *at = self->at;
    const uint8_t *end = self->end;
    for (; *items > 0 && at < end; --*items) {
        const uint8_t *next = pt_cursor_pass_plain(at, end);
        if (next == at)
            break;
        at = next;
    }
    self->at = at;
}

/*  As s_skip_plain, also over small arrays and maps, of which no more than `heads` may come. */
static inline void
s_skip_small(pt_cursor_t *self, size_t *items, unsigned *heads)
{
    const uint8_t *at = self->at;
    const uint8_t *end = self->end;
    for (; *items > 0 && at < end; --*items) {
        const uint8_t *next = pt_cursor_pass_plain(at, end);
        if (next == at) {
            size_t children = (size_t) (*at & 0xfu) << (*at < 0x90);
            if ((*at & 0xe0) != 0x80 || children >= (size_t) (end - at) || !*heads)
                break;
            --*heads;
            *items += children;
            next = at + 1;
        }
        at = next;
    }
    self->at = at;
}

/*  Step over a value, or over the head alone of one that nests: an array or a map, with `inside` values to come. */
static inline pt_status_t
s_step(pt_cursor_t *self, bool *out_nests, size_t *out_inside)
{
    s_head_t head;
    size_t length, payload;
    pt_status_t status = s_read_head(self, &head, &length, &payload);
    if (status != PT_OK)
        return status;
    self->at += head.head_bytes + payload;
    *out_nests = head.kind >= PT_VALUE_ARRAY;
    *out_inside = !*out_nests ? 0 : head.kind == PT_VALUE_MAP ? 2 * length : length;
    return PT_OK;
}

/*  Step over `items` values in which no more than `heads` arrays and maps stand, PT_E_DEPTH where there are more. None
 *  of them has to be told from another, so one count of what is still to come is enough. No head announces more than
 *  there are bytes, so the sum stays far from wrapping.
 */
static pt_status_t
s_skip_flat(pt_cursor_t *self, size_t items, unsigned heads)
{
    for (;;) {
        s_skip_small(self, &items, &heads);
        if (items == 0)
            return PT_OK;
        items--;

        bool nests;
        size_t inside;
        pt_status_t status = s_step(self, &nests, &inside);
        if (status != PT_OK)
            return status;
        if (nests && heads-- == 0)
            return PT_E_DEPTH;
        items += inside;
    }
}

/*  Step over `items` values; `levels` more levels may open. */
static pt_status_t
s_skip_levels(pt_cursor_t *self, size_t items, unsigned levels)
{
    size_t outer[PT_DEPTH_MAX]; //  what is left to read of the arrays and maps around
    unsigned depth = 0;
    assert(levels <= PT_DEPTH_MAX);

    for (;;) {
        s_skip_plain(self, &items);
        if (items == 0) {
            if (depth == 0)
                return PT_OK;
            items = outer[--depth];
            continue;
        }
        items--;

        bool nests;
        size_t inside;
        pt_status_t status = s_step(self, &nests, &inside);
        if (status != PT_OK)
            return status;
        if (nests) {
            if (depth == levels)
                return PT_E_DEPTH;
            outer[depth++] = items;
            items = inside;
        }
    }
}

/*  The same. Few values have as many arrays and maps in them as may nest; then it does not matter how they do. */
static pt_status_t
s_skip_items(pt_cursor_t *self, size_t items, unsigned levels)
{
    const uint8_t *start = self->at;
    pt_status_t status = s_skip_flat(self, items, levels);
    if (status != PT_E_DEPTH)
        return status;
    self->at = start;
    return s_skip_levels(self, items, levels);
}

pt_status_t
pt_cursor_skip(pt_cursor_t *self, unsigned levels)
{
    return s_skip_items(self, 1, levels);
}

pt_status_t
pt_cursor_skip_deep(pt_cursor_t *self)
{
    return s_skip_flat(self, 1, UINT_MAX);
}

pt_status_t
pt_cursor_skip_children(pt_cursor_t *self, const pt_value_t *value, unsigned levels)
{
    if (value->kind < PT_VALUE_ARRAY)
        return PT_OK;
    if (levels == 0)
        return PT_E_DEPTH;
    size_t items = value->as.count;
    if (value->kind == PT_VALUE_MAP)
        items *= 2;
    return s_skip_items(self, items, levels - 1);
}
