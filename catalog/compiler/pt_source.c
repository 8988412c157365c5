/*  Memory of a catalog source, and the list of its faults.
 *
 *  A source is built once, piece by piece, and dropped whole, so one arena owns all of it and
 *  nobody has to pair each string with a free().
 */
#include "pt_source.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define S_CHUNK_BYTES (64 * 1024) //  arbitrary: one gateway's file fits in a few

//  A piece of the arena; its room follows the header.
typedef struct s_chunk {
    struct s_chunk *next;
    size_t used;
    size_t capacity;
    _Alignas(max_align_t) uint8_t room[];
} s_chunk_t;

static s_chunk_t *
s_add_chunk(pt_source_t *self, size_t bytes)
{
    size_t capacity = bytes > S_CHUNK_BYTES ? bytes : S_CHUNK_BYTES;
    if (capacity > SIZE_MAX - sizeof(s_chunk_t))
        return NULL;
    s_chunk_t *chunk = calloc(1, sizeof(s_chunk_t) + capacity);
    if (!chunk)
        return NULL;
    chunk->next = self->arena;
    chunk->capacity = capacity;
    self->arena = chunk;
    return chunk;
}

void *
pt_source_alloc(pt_source_t *self, size_t bytes)
{
    assert(self);

    const size_t align = _Alignof(max_align_t);
    if (bytes > SIZE_MAX - align)
        return NULL;
    size_t rounded = (bytes + align - 1) / align * align;
    s_chunk_t *chunk = self->arena;
    if (!chunk || chunk->capacity - chunk->used < rounded)
        chunk = s_add_chunk(self, rounded);
    if (!chunk)
        return NULL;
    void *block = chunk->room + chunk->used;
    chunk->used += rounded;
    return block;
}

void
pt_source_destroy(pt_source_t *self)
{
    assert(self);

    s_chunk_t *chunk = self->arena;
    while (chunk) {
        s_chunk_t *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *self = (pt_source_t) {0};
}

const char *
pt_mark_text(pt_mark_t mark, pt_mark_t near, char *out)
{
    bool is_same = !mark.file || (near.file && strcmp(mark.file, near.file) == 0);
    if (is_same)
        (void) snprintf(out, PT_MARK_BYTES_MAX, "line %u", mark.line);
    else
        (void) snprintf(out, PT_MARK_BYTES_MAX, "%.140s:%u", mark.file, mark.line);
    return out;
}

//  The list doubles, so its capacity follows from its count: the next power of two.
static bool
s_make_room(pt_faults_t *self)
{
    bool is_full = (self->count & (self->count - 1)) == 0;
    if (!is_full)
        return true;
    size_t capacity = self->count ? self->count * 2 : 1;
    pt_fault_t *faults = realloc(self->faults, capacity * sizeof *faults);
    if (!faults)
        return false;
    self->faults = faults;
    return true;
}

void
pt_faults_add(pt_faults_t *self, pt_mark_t mark, bool warning, const char *id, const char *format, ...)
{
    assert(self);
    assert(id);
    assert(format);

    if (!warning)
        self->errors++;
    if (!s_make_room(self))
        return;
    pt_fault_t *fault = &self->faults[self->count++];
    *fault = (pt_fault_t) {.mark = mark, .warning = warning};
    (void) snprintf(fault->id, sizeof fault->id, "%s", id);
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
}

void
pt_faults_clear(pt_faults_t *self)
{
    assert(self);

    free(self->faults);
    *self = (pt_faults_t) {0};
}
