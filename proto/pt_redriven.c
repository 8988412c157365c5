/*  A response is marked as put in again, without decoding what a gateway said: its pairs are copied. */
#include "pt_redriven.h"

#include <assert.h>

#include "pt_cursor.h"
#include "pt_writer.h"

//  A walk over the pairs: once to count those that stay, once to copy them.
typedef struct {
    uint32_t kept;
    bool has_id;
    pt_writer_t *writer; //  NULL: only count
} s_pairs_t;

//  A key that stands with nil is an absent one.
static bool
s_is_nil(const uint8_t *value, const pt_cursor_t *cursor)
{
    return cursor->at - value == 1 && *value == 0xc0;
}

//  The pair that stands next: keep it, unless it would stand twice with what is added.
static pt_status_t
s_take_pair(s_pairs_t *self, pt_cursor_t *cursor)
{
    const uint8_t *start = cursor->at;
    pt_text_t name = {NULL, 0};
    pt_value_t key;
    pt_cursor_t peek = *cursor;
    if (pt_cursor_next(&peek, &key) == PT_OK && key.kind == PT_VALUE_STR)
        name = key.as.text;
    pt_status_t status = pt_cursor_skip_deep(cursor);
    const uint8_t *value = cursor->at;
    if (status == PT_OK)
        status = pt_cursor_skip_deep(cursor);
    if (status != PT_OK || pt_text_equal(name, PT_TEXT("redriven")))
        return status;
    if (pt_text_equal(name, PT_TEXT("id"))) {
        if (s_is_nil(value, cursor))
            return PT_OK;
        self->has_id = true;
    }
    self->kept++;
    if (self->writer)
        pt_writer_append(self->writer, start, (size_t) (cursor->at - start));
    return PT_OK;
}

static pt_status_t
s_walk(s_pairs_t *self, pt_bytes_t response)
{
    uint32_t pairs;
    pt_cursor_t cursor = pt_cursor_open(response);
    pt_status_t status = pt_cursor_map(&cursor, &pairs);
    for (; status == PT_OK && pairs > 0; pairs--)
        status = s_take_pair(self, &cursor);
    return status == PT_OK ? pt_cursor_end(&cursor) : status;
}

pt_status_t
pt_redriven_mark(pt_bytes_t response, pt_text_t id, uint8_t *out, size_t *out_bytes)
{
    assert(out);
    assert(out_bytes);

    if (id.len > PT_ID_BYTES_MAX)
        return PT_E_SIZE;
    s_pairs_t pairs = {.writer = NULL};
    pt_status_t status = s_walk(&pairs, response);
    if (status != PT_OK)
        return status;
    bool adds_id = !pairs.has_id && id.len > 0;
    pt_writer_t writer = pt_writer_open(out, response.len + PT_REDRIVEN_BYTES_MAX);
    pt_pack_map(&writer, (size_t) pairs.kept + adds_id + 1);
    if (adds_id) {
        pt_writer_text(&writer, PT_TEXT("id"));
        pt_writer_text(&writer, id);
    }
    s_pairs_t copied = {.writer = &writer};
    status = s_walk(&copied, response);
    pt_writer_text(&writer, PT_TEXT("redriven"));
    pt_writer_bool(&writer, true);
    assert(status == PT_OK && !writer.full);
    *out_bytes = (size_t) (writer.at - out);
    return status;
}
