/*  Interning of byte strings by a hash table of their places. */
#include "pt_intern.h"

#include <assert.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct pt_intern_cell {
    uint64_t hash;
    uint32_t offset;
    uint32_t bytes;
    bool is_used;
};

//  The cell of a string: its own, or the free one where it belongs.
static struct pt_intern_cell *
s_find_cell(const pt_intern_t *self, uint64_t hash, pt_text_t text)
{
    size_t mask = self->cell_room - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct pt_intern_cell *cell = &self->cells[i];
        if (!cell->is_used)
            return cell;
        pt_text_t known = {self->bytes + cell->offset, cell->bytes};
        if (cell->hash == hash && pt_text_equal(known, text))
            return cell;
    }
}

static bool
s_grow_cells(pt_intern_t *self)
{
    if (self->cell_count * 2 < self->cell_room)
        return true;
    size_t room = self->cell_room ? self->cell_room * 2 : 256;
    struct pt_intern_cell *cells = calloc(room, sizeof *cells);
    if (!cells)
        return false;
    for (size_t i = 0; i < self->cell_room; i++) {
        if (!self->cells[i].is_used)
            continue;
        size_t place = self->cells[i].hash & (room - 1);
        while (cells[place].is_used)
            place = (place + 1) & (room - 1);
        cells[place] = self->cells[i];
    }
    free(self->cells);
    self->cells = cells;
    self->cell_room = room;
    return true;
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
    uint64_t hash = XXH3_64bits(text.data, text.len);
    struct pt_intern_cell *cell = s_find_cell(self, hash, text);
    if (!cell->is_used) {
        *cell = (struct pt_intern_cell) {hash, (uint32_t) self->byte_count, (uint32_t) text.len, true};
        memcpy(self->bytes + self->byte_count, text.data, text.len);
        self->byte_count += text.len;
        self->cell_count++;
    }
    *out_offset = cell->offset;
    return PT_OK;
}

void
pt_intern_clear(pt_intern_t *self)
{
    assert(self);

    free(self->bytes);
    free(self->cells);
    *self = (pt_intern_t) {0};
}
