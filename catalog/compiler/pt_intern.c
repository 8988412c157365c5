/*  Interning of byte strings by a hash table of their places. */
#include "pt_intern.h"

#include <assert.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define S_CELLS_MIN 256 //  a power of two; arbitrary

//  Twelve bytes: half of a large table's time is waiting for its cells.
struct pt_intern_cell {
    uint32_t hash;
    uint32_t offset;
    uint32_t size; //  bytes, and one more; 0: the cell is free
};

static uint32_t
s_hash(pt_text_t text)
{
    return (uint32_t) XXH3_64bits(text.data, text.len);
}

//  The cell of a string: its own, or the free one where it belongs.
static struct pt_intern_cell *
s_find_cell(const pt_intern_t *self, uint32_t hash, pt_text_t text)
{
    size_t mask = self->cell_room - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct pt_intern_cell *cell = &self->cells[i];
        if (!cell->size)
            return cell;
        pt_text_t known = {self->bytes + cell->offset, cell->size - 1};
        if (cell->hash == hash && pt_text_equal(known, text))
            return cell;
    }
}

static bool
s_resize_cells(pt_intern_t *self, size_t room)
{
    struct pt_intern_cell *cells = calloc(room, sizeof *cells);
    if (!cells)
        return false;
    for (size_t i = 0; i < self->cell_room; i++) {
        if (!self->cells[i].size)
            continue;
        size_t place = self->cells[i].hash & (room - 1);
        while (cells[place].size)
            place = (place + 1) & (room - 1);
        cells[place] = self->cells[i];
    }
    free(self->cells);
    self->cells = cells;
    self->cell_room = room;
    return true;
}

static bool
s_grow_cells(pt_intern_t *self)
{
    if (self->cell_count * 2 < self->cell_room)
        return true;
    return s_resize_cells(self, self->cell_room ? self->cell_room * 2 : S_CELLS_MIN);
}

bool
pt_intern_reserve(pt_intern_t *self, size_t count)
{
    assert(self);

    size_t room = S_CELLS_MIN;
    while (room <= count * 2)
        room *= 2;
    return room <= self->cell_room || s_resize_cells(self, room);
}

void
pt_intern_fetch(const pt_intern_t *self, pt_text_t text)
{
    assert(self);

    if (self->cell_room)
        __builtin_prefetch(&self->cells[s_hash(text) & (self->cell_room - 1)], 1);
}

static bool
s_grow_bytes(pt_intern_t *self, size_t bytes)
{
    if (self->byte_room - self->byte_count >= bytes)
        return true;
    size_t room = (self->byte_count + bytes) * 2;
    char *grown = realloc(self->bytes, room);
    if (!grown)
        return false;
    self->bytes = grown;
    self->byte_room = room;
    return true;
}

static uint32_t
s_append(pt_intern_t *self, pt_text_t text)
{
    uint32_t offset = (uint32_t) self->byte_count;
    memcpy(self->bytes + offset, text.data, text.len);
    self->byte_count += text.len;
    return offset;
}

pt_status_t
pt_intern_append(pt_intern_t *self, pt_text_t text, uint32_t *out_offset)
{
    assert(self);
    assert(text.data);
    assert(out_offset);

    if (text.len >= UINT32_MAX - self->byte_count)
        return PT_E_SIZE;
    if (!s_grow_bytes(self, text.len + 1))
        return PT_E_NOMEM;
    *out_offset = s_append(self, text);
    return PT_OK;
}

pt_status_t
pt_intern_add(pt_intern_t *self, pt_text_t text, uint32_t *out_offset)
{
    assert(self);
    assert(text.data);
    assert(out_offset);

    if (text.len >= UINT32_MAX - self->byte_count)
        return PT_E_SIZE;
    if (!s_grow_cells(self) || !s_grow_bytes(self, text.len + 1))
        return PT_E_NOMEM;
    uint32_t hash = s_hash(text);
    struct pt_intern_cell *cell = s_find_cell(self, hash, text);
    if (!cell->size) {
        *cell = (struct pt_intern_cell) {hash, s_append(self, text), (uint32_t) text.len + 1};
        self->cell_count++;
    }
    *out_offset = cell->offset;
    return PT_OK;
}

void
pt_intern_close(pt_intern_t *self)
{
    assert(self);

    free(self->cells);
    self->cells = NULL;
    self->cell_count = 0;
    self->cell_room = 0;
}

void
pt_intern_clear(pt_intern_t *self)
{
    assert(self);

    pt_intern_close(self);
    free(self->bytes);
    *self = (pt_intern_t) {0};
}
