/*  Buckets are placed largest first: the first displacement that moves all keys of a bucket onto free slots is its own.
 *  A bitmap of taken slots tries 64 displacements at a time.
 */
#include "pt_phash_parts.h"

#include <assert.h>
#include <stdlib.h>

//  What is placed so far.
typedef struct {
    const pt_phash_t *table;
    const pt_phash_buckets_t *buckets;
    uint32_t *order; //  buckets, largest first
    uint64_t *taken; //  a bit for each slot, and a word more than that
} s_placing_t;

static uint32_t
s_find_largest(const s_placing_t *self)
{
    uint32_t largest = 0;
    for (uint32_t b = 0; b < self->table->bucket_count; b++) {
        uint32_t size = pt_phash_bucket_size(self->buckets, b);
        if (size > largest)
            largest = size;
    }
    return largest;
}

//  Counting sort of the buckets by size, largest first. Returns false when out of memory.
static bool
s_order_buckets(s_placing_t *self)
{
    uint32_t bucket_count = self->table->bucket_count;
    uint32_t largest = s_find_largest(self);
    uint32_t *places = calloc((size_t) largest + 2, sizeof *places);
    if (!places)
        return false;
    for (uint32_t b = 0; b < bucket_count; b++)
        places[largest - pt_phash_bucket_size(self->buckets, b) + 1]++;
    for (uint32_t s = 1; s <= largest; s++)
        places[s] += places[s - 1];
    for (uint32_t b = 0; b < bucket_count; b++)
        self->order[places[largest - pt_phash_bucket_size(self->buckets, b)]++] = b;
    free(places);
    return true;
}

static uint32_t
s_base(const s_placing_t *self, uint64_t hash)
{
    return (uint32_t) pt_phash_base(self->table, hash);
}

//  64 bits of the bitmap from any bit on.
static uint64_t
s_taken_at(const uint64_t *taken, uint32_t bit)
{
    const uint64_t *word = taken + bit / 64;
    unsigned low = bit % 64;
    return low ? word[0] >> low | word[1] << (64 - low) : word[0];
}

//  The first displacement at which no key of the bucket meets a taken slot, or UINT32_MAX.
static uint32_t
s_find_displacement(const s_placing_t *self, const uint64_t *hashes, uint32_t size)
{
    uint32_t last = self->table->displacement_max;
    for (uint32_t first = 0; first <= last; first += 64) {
        uint64_t conflicts = 0;
        for (uint32_t i = 0; i < size && ~conflicts; i++)
            conflicts |= s_taken_at(self->taken, s_base(self, hashes[i]) + first);
        if (~conflicts) {
            uint32_t found = first + (uint32_t) __builtin_ctzll(~conflicts);
            return found <= last ? found : UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

static bool
s_place_bucket(s_placing_t *self, uint32_t bucket, uint32_t *out_displacement)
{
    const uint64_t *hashes = self->buckets->hashes + self->buckets->starts[bucket];
    uint32_t size = pt_phash_bucket_size(self->buckets, bucket);
    uint32_t displacement = s_find_displacement(self, hashes, size);
    if (displacement == UINT32_MAX)
        return false;
    *out_displacement = displacement * (uint32_t) sizeof(pt_slot_t);
    for (uint32_t i = 0; i < size; i++) {
        uint32_t slot = s_base(self, hashes[i]) + displacement;
        self->taken[slot / 64] |= UINT64_C(1) << slot % 64;
    }
    return true;
}

static pt_status_t
s_place_buckets(s_placing_t *self, uint32_t *out_displacements)
{
    if (!self->order || !self->taken || !s_order_buckets(self))
        return PT_E_NOMEM;
    for (uint32_t i = 0; i < self->table->bucket_count; i++)
        if (!s_place_bucket(self, self->order[i], &out_displacements[self->order[i]]))
            return PT_E_RANGE;
    return PT_OK;
}

pt_status_t
pt_phash_place(const pt_phash_t *table, const pt_phash_buckets_t *buckets, uint32_t *out_displacements)
{
    assert(table);
    assert(buckets);
    assert(out_displacements);

    s_placing_t self = {.table = table, .buckets = buckets};
    self.order = calloc(table->bucket_count, sizeof *self.order);
    self.taken = calloc((size_t) table->slot_count / 64 + 3, sizeof *self.taken);
    pt_status_t status = s_place_buckets(&self, out_displacements);
    free(self.order);
    free(self.taken);
    return status;
}
