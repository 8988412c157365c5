/*  Header frames: the bounded writer packs them, the bounded cursor reads them. */
#include "pt_frame.h"

#include <assert.h>

#define S_ID_DIGITS 16

void
pt_frame_begin(pt_frame_writer_t *self, uint8_t *out, size_t capacity, pt_kind_t kind, size_t elements)
{
    assert(out || capacity == 0);

    self->writer = pt_writer_open(out, capacity);
    self->start = out;
    pt_frame_put_array(self, elements);
    pt_frame_put_uint(self, PT_WIRE_VERSION);
    pt_frame_put_text(self, pt_text_of(pt_kind_text(kind)));
}

void
pt_frame_put_uint(pt_frame_writer_t *self, uint64_t value)
{
    assert(value <= PT_WIRE_INTEGER_MAX);

    pt_pack_uint64(&self->writer, value);
}

void
pt_frame_put_id(pt_frame_writer_t *self, uint64_t id)
{
    char text[PT_TEXT_HEX_DIGITS];
    pt_text_hex(id, text);
    pt_frame_put_text(self, (pt_text_t) {text, sizeof text});
}

void
pt_frame_put_text(pt_frame_writer_t *self, pt_text_t text)
{
    pt_writer_text(&self->writer, text);
}

void
pt_frame_put_bool(pt_frame_writer_t *self, bool value)
{
    pt_writer_bool(&self->writer, value);
}

void
pt_frame_put_array(pt_frame_writer_t *self, size_t elements)
{
    pt_pack_array(&self->writer, elements);
}

size_t
pt_frame_finish(const pt_frame_writer_t *self)
{
    return self->writer.full ? 0 : (size_t) (self->writer.at - self->start);
}

//  Version before kind: another version may have other kinds.
static pt_status_t
s_read_kind(pt_cursor_t *cursor, pt_kind_t *out_kind, size_t *out_elements)
{
    uint32_t elements;
    uint64_t version;
    pt_text_t word;
    pt_status_t status = pt_cursor_array(cursor, &elements);
    if (status != PT_OK)
        return status;
    if (elements < 2)
        return PT_E_COUNT;
    status = pt_cursor_uint(cursor, UINT64_MAX, &version);
    if (status == PT_OK && version != PT_WIRE_VERSION)
        status = PT_E_VERSION;
    if (status == PT_OK)
        status = pt_cursor_text(cursor, PT_HEADER_BYTES_MAX, &word);
    if (status != PT_OK)
        return status;

    *out_elements = elements;
    for (int kind = 0; kind < PT_KIND_COUNT_; kind++)
        if (pt_text_equal(word, pt_text_of(pt_kind_text((pt_kind_t) kind)))) {
            *out_kind = (pt_kind_t) kind;
            return PT_OK;
        }
    return PT_E_KIND;
}

pt_status_t
pt_wire_kind(pt_bytes_t header, pt_kind_t *out_kind)
{
    assert(out_kind);

    size_t elements;
    if (header.len > PT_HEADER_BYTES_MAX)
        return PT_E_SIZE;
    pt_cursor_t cursor = pt_cursor_open(header);
    return s_read_kind(&cursor, out_kind, &elements);
}

size_t
pt_frame_open(pt_frame_reader_t *self, pt_bytes_t header, pt_kind_t kind, size_t elements)
{
    pt_kind_t found = kind;
    size_t found_elements = 0;
    self->status = PT_OK;
    self->cursor = pt_cursor_open(header);
    if (header.len > PT_HEADER_BYTES_MAX)
        self->status = PT_E_SIZE;
    else
        self->status = s_read_kind(&self->cursor, &found, &found_elements);
    pt_frame_require(self, found == kind, PT_E_KIND);
    pt_frame_require(self, elements == 0 || found_elements == elements, PT_E_COUNT);
    return found_elements;
}

uint64_t
pt_frame_uint(pt_frame_reader_t *self, uint64_t min, uint64_t max)
{
    uint64_t value = 0;
    if (self->status == PT_OK)
        self->status = pt_cursor_uint(&self->cursor, max, &value);
    pt_frame_require(self, value >= min, PT_E_RANGE);
    return self->status == PT_OK ? value : 0;
}

static int
s_read_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

uint64_t
pt_frame_id(pt_frame_reader_t *self)
{
    pt_text_t text = pt_frame_name(self, S_ID_DIGITS, S_ID_DIGITS);
    uint64_t id = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = s_read_hex_digit(text.data[i]);
        pt_frame_require(self, digit >= 0, PT_E_MALFORMED);
        id = id << 4 | (uint64_t) (digit & 15);
    }
    return self->status == PT_OK ? id : 0;
}

pt_text_t
pt_frame_name(pt_frame_reader_t *self, size_t min, size_t max)
{
    pt_text_t text = PT_TEXT_NONE;
    if (self->status == PT_OK)
        self->status = pt_cursor_text(&self->cursor, max, &text);
    pt_frame_require(self, text.len >= min, PT_E_RANGE);
    for (size_t i = 0; i < text.len; i++)
        pt_frame_require(self, text.data[i] > ' ' && text.data[i] <= '~', PT_E_MALFORMED);
    return self->status == PT_OK ? text : PT_TEXT_NONE;
}

bool
pt_frame_bool(pt_frame_reader_t *self)
{
    bool value = false;
    if (self->status == PT_OK)
        self->status = pt_cursor_bool(&self->cursor, &value);
    return value;
}

size_t
pt_frame_array(pt_frame_reader_t *self, size_t min, size_t max)
{
    uint32_t count = 0;
    if (self->status == PT_OK)
        self->status = pt_cursor_array(&self->cursor, &count);
    pt_frame_require(self, count >= min && count <= max, PT_E_COUNT);
    return self->status == PT_OK ? count : 0;
}

void
pt_frame_require(pt_frame_reader_t *self, bool holds, pt_status_t fault)
{
    if (self->status == PT_OK && !holds)
        self->status = fault;
}

pt_status_t
pt_frame_end(const pt_frame_reader_t *self)
{
    return self->status == PT_OK ? pt_cursor_end(&self->cursor) : self->status;
}
