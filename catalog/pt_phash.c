/*  The builder of the perfect hash, and its slow path for long keys.
 *
 *  Keys are hashed into buckets of about four (two in small tables). Buckets are placed largest
 *  first: the first displacement that moves all keys of a bucket onto free slots is its own. A
 *  bitmap of taken slots tries 64 displacements at a time. Where a seed does not work out, the next
 *  one is tried; seeds come from the count of keys, so equal inputs give equal tables.
 */
#include "pt_phash.h"

#include <assert.h>
#include <stdlib.h>

#define S_SEEDS_PER_SIZE 16       //  measured: 2 to 6 are needed at three or four keys a bucket
#define S_SIZES_MAX 64            //  each a sixteenth larger; one or two are needed
#define S_SMALL_KEYS 4096         //  below it memory is no concern, speed of building is
#define S_DISPLACEMENTS_MAX 65536 //  a displacement has 16 bits

const uint8_t pt_phash_masks[2 * PT_PHASH_INLINE_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

//  What one attempt at a table works with.
typedef struct {
    const pt_phash_item_t *items;
    size_t count;
    pt_phash_t table;
    uint16_t *displacements;
    uint64_t *hashes;  //  of each item
    uint32_t *starts;  //  of each bucket in `members`; one more than buckets
    uint32_t *members; //  item indexes, bucket by bucket
    uint32_t *order;   //  buckets, largest first
    uint32_t *bases;   //  of the members of the bucket at hand
    uint64_t *taken;   //  a bit for each slot, and a word more than that
} s_builder_t;

//  What stands between the first and the last two words of a long key, as 32 bits in the high half.
static uint64_t
s_fold(const pt_phash_t *self, pt_text_t text)
{
    uint64_t fold = text.len;
    for (size_t at = 8; at < text.len - 16; at += 8)
        fold = pt_phash_mum(fold ^ pt_phash_word(text.data + at), self->seed[0]);
    return fold & ~(uint64_t) UINT32_MAX;
}

static void
s_make_long_key(const pt_phash_t *self, pt_text_t text, pt_key_t *out_key)
{
    out_key->words[0] = pt_phash_word(text.data);
    out_key->words[1] = s_fold(self, text);
    out_key->words[2] = pt_phash_word(text.data + text.len - 16);
    out_key->words[3] = pt_phash_word(text.data + text.len - 8);
}

//  Whether two long keys of one length are the same there.
static bool
s_is_same_between(const char *known, pt_text_t text)
{
    uint64_t difference = 0;
    for (size_t at = 8; at < text.len - 16; at += 8)
        difference |= pt_phash_word(known + at) ^ pt_phash_word(text.data + at);
    return !difference;
}

const pt_slot_t *
pt_phash_find_apart(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text)
{
    if (text.len == 0 || text.len > PT_PHASH_KEY_BYTES_MAX)
        return NULL;
    bool is_long = text.len > PT_PHASH_INLINE_BYTES;
    pt_key_t key = {.meta = pt_phash_meta(space, owner, text.len)};
    if (is_long)
        s_make_long_key(self, text, &key);
    else
        memcpy(key.words, text.data, text.len);
    const pt_slot_t *slot = pt_phash_slot(self, pt_phash_hash(self, &key));
    if (is_long)
        key.words[1] |= (uint32_t) slot->words[1];
    if (pt_phash_difference(slot, &key))
        return NULL;
    return !is_long || s_is_same_between(self->pool + (uint32_t) slot->words[1], text) ? slot : NULL;
}

static void
s_make_key(const pt_phash_t *table, const pt_phash_item_t *item, pt_key_t *out_key)
{
    *out_key = (pt_key_t) {.meta = pt_phash_meta(item->space, item->owner, item->text.len)};
    if (item->text.len > PT_PHASH_INLINE_BYTES)
        s_make_long_key(table, item->text, out_key);
    else
        memcpy(out_key->words, item->text.data, item->text.len);
}

static bool
s_is_same_key(const pt_phash_item_t *left, const pt_phash_item_t *right)
{
    return left->space == right->space && left->owner == right->owner && pt_text_equal(left->text, right->text);
}

//  A fixed generator: equal tables need equal seeds.
static uint64_t
s_next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

//  Slots, buckets and the room for displacements. The range of the base position stays well above
//  the count of keys, else first-fit packs the low end and the last buckets find no place.
static void
s_size_table(pt_phash_t *table, size_t count, size_t growth)
{
    bool is_small = count < S_SMALL_KEYS;
    size_t slots = (is_small ? count * 10 / 7 : count * 10 / 9) + 1;
    slots += slots * growth / 16;
    size_t displacements = slots / 32 + 64;
    if (displacements > S_DISPLACEMENTS_MAX)
        displacements = S_DISPLACEMENTS_MAX;
    if (slots < 4 * displacements) {
        if (displacements > count + 1)
            displacements = count + 1;
        slots += displacements - 1;
    }
    size_t wanted = is_small ? count / 2 : count / 4;
    uint32_t buckets = 2;
    uint32_t shift = 63;
    for (; buckets < wanted; buckets *= 2)
        shift--;
    table->slot_count = (uint32_t) slots;
    table->displacement_max = (uint32_t) displacements - 1;
    table->range = slots - displacements + 1;
    table->bucket_count = buckets;
    table->shift = shift;
}

static bool
s_allocate(s_builder_t *self)
{
    const pt_phash_t *table = &self->table;
    size_t count = self->count ? self->count : 1;
    self->displacements = calloc(table->bucket_count, sizeof *self->displacements);
    self->hashes = calloc(count, sizeof *self->hashes);
    self->starts = calloc((size_t) table->bucket_count + 1, sizeof *self->starts);
    self->members = calloc(count, sizeof *self->members);
    self->order = calloc(table->bucket_count, sizeof *self->order);
    self->bases = calloc(count, sizeof *self->bases);
    self->taken = calloc((size_t) table->slot_count / 64 + 3, sizeof *self->taken);
    return self->displacements && self->hashes && self->starts && self->members && self->order && self->bases &&
           self->taken;
}

//  Everything but the displacements, which become part of the table.
static void
s_free_work(s_builder_t *self)
{
    free(self->hashes);
    free(self->starts);
    free(self->members);
    free(self->order);
    free(self->bases);
    free(self->taken);
}

//  Counting sort of the items by bucket.
static void
s_fill_buckets(s_builder_t *self)
{
    uint32_t buckets = self->table.bucket_count;
    memset(self->starts, 0, ((size_t) buckets + 1) * sizeof *self->starts);
    for (size_t i = 0; i < self->count; i++) {
        pt_key_t key;
        s_make_key(&self->table, &self->items[i], &key);
        self->hashes[i] = pt_phash_hash(&self->table, &key);
        self->starts[self->hashes[i] >> self->table.shift]++;
    }
    uint32_t end = 0;
    for (uint32_t b = 0; b <= buckets; b++)
        self->starts[b] = end += self->starts[b];
    for (size_t i = self->count; i-- > 0;)
        self->members[--self->starts[self->hashes[i] >> self->table.shift]] = (uint32_t) i;
}

static uint32_t
s_bucket_size(const s_builder_t *self, uint32_t bucket)
{
    return self->starts[bucket + 1] - self->starts[bucket];
}

//  Counting sort of the buckets by size, largest first. Returns false when out of memory.
static bool
s_order_buckets(s_builder_t *self)
{
    uint32_t buckets = self->table.bucket_count;
    uint32_t largest = 0;
    for (uint32_t b = 0; b < buckets; b++) {
        uint32_t size = s_bucket_size(self, b);
        if (size > largest)
            largest = size;
    }
    uint32_t *places = calloc((size_t) largest + 2, sizeof *places);
    if (!places)
        return false;
    for (uint32_t b = 0; b < buckets; b++)
        places[largest - s_bucket_size(self, b) + 1]++;
    for (uint32_t s = 1; s <= largest; s++)
        places[s] += places[s - 1];
    for (uint32_t b = 0; b < buckets; b++)
        self->order[places[largest - s_bucket_size(self, b)]++] = b;
    free(places);
    return true;
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
s_find_displacement(const s_builder_t *self, uint32_t size)
{
    uint32_t last = self->table.displacement_max;
    for (uint32_t first = 0; first <= last; first += 64) {
        uint64_t conflicts = 0;
        for (uint32_t i = 0; i < size && ~conflicts; i++)
            conflicts |= s_taken_at(self->taken, self->bases[i] + first);
        if (~conflicts) {
            uint32_t found = first + (uint32_t) __builtin_ctzll(~conflicts);
            return found <= last ? found : UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

//  Two keys of one bucket and one base stay together under every displacement: either they are one
//  key, or the seed is no good.
static pt_status_t
s_check_bases(const s_builder_t *self, uint32_t start, uint32_t size, size_t out_pair[2])
{
    pt_status_t status = PT_OK;
    for (uint32_t i = 1; i < size; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (self->bases[i] != self->bases[j])
                continue;
            status = PT_E_RANGE;
            out_pair[0] = self->members[start + j];
            out_pair[1] = self->members[start + i];
            if (s_is_same_key(&self->items[out_pair[0]], &self->items[out_pair[1]]))
                return PT_E_DUPLICATE;
        }
    }
    return status;
}

static pt_status_t
s_place_bucket(s_builder_t *self, uint32_t bucket, size_t out_pair[2])
{
    uint32_t start = self->starts[bucket];
    uint32_t size = s_bucket_size(self, bucket);
    for (uint32_t i = 0; i < size; i++)
        self->bases[i] = pt_phash_base(&self->table, self->hashes[self->members[start + i]]);
    pt_status_t status = s_check_bases(self, start, size, out_pair);
    if (status != PT_OK)
        return status;
    uint32_t displacement = s_find_displacement(self, size);
    if (displacement == UINT32_MAX)
        return PT_E_RANGE;
    self->displacements[bucket] = (uint16_t) displacement;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t place = self->bases[i] + displacement;
        self->taken[place / 64] |= UINT64_C(1) << place % 64;
    }
    return PT_OK;
}

//  PT_E_RANGE: not with this seed.
static pt_status_t
s_try_seed(s_builder_t *self, size_t out_pair[2])
{
    s_fill_buckets(self);
    if (!s_order_buckets(self))
        return PT_E_NOMEM;
    memset(self->taken, 0, ((size_t) self->table.slot_count / 64 + 3) * sizeof *self->taken);
    for (uint32_t i = 0; i < self->table.bucket_count; i++) {
        pt_status_t status = s_place_bucket(self, self->order[i], out_pair);
        if (status != PT_OK)
            return status;
    }
    return PT_OK;
}

static void
s_write_slot(const pt_phash_t *table, const pt_phash_item_t *item, pt_slot_t *out_slot)
{
    pt_key_t key;
    s_make_key(table, item, &key);
    memcpy(out_slot->words, key.words, sizeof key.words);
    if (item->text.len > PT_PHASH_INLINE_BYTES)
        out_slot->words[1] |= item->pool_offset;
    out_slot->meta = key.meta;
    memcpy(out_slot->operations, item->operations, sizeof item->operations);
    memcpy(out_slot->values, item->values, sizeof item->values);
}

static pt_slot_t *
s_write_slots(const s_builder_t *self)
{
    pt_slot_t *slots = aligned_alloc(sizeof(pt_slot_t), self->table.slot_count * sizeof(pt_slot_t));
    if (!slots)
        return NULL;
    memset(slots, 0xff, self->table.slot_count * sizeof(pt_slot_t));
    for (size_t i = 0; i < self->count; i++) {
        uint64_t hash = self->hashes[i];
        size_t place = pt_phash_base(&self->table, hash) + self->displacements[hash >> self->table.shift];
        s_write_slot(&self->table, &self->items[i], &slots[place]);
    }
    return slots;
}

static pt_status_t
s_search_seeds(s_builder_t *self, uint64_t *random, size_t out_pair[2])
{
    for (int attempt = 0; attempt < S_SEEDS_PER_SIZE; attempt++) {
        for (int i = 0; i < 4; i++)
            self->table.seed[i] = s_next_random(random);
        pt_status_t status = s_try_seed(self, out_pair);
        if (status != PT_E_RANGE)
            return status;
    }
    return PT_E_RANGE;
}

//  One table of one size. PT_E_RANGE: this size has no seed.
static pt_status_t
s_build_size(s_builder_t *self, size_t growth, uint64_t *random, size_t out_pair[2])
{
    s_size_table(&self->table, self->count, growth);
    pt_status_t status = s_allocate(self) ? s_search_seeds(self, random, out_pair) : PT_E_NOMEM;
    if (status == PT_OK) {
        self->table.slots = s_write_slots(self);
        status = self->table.slots ? PT_OK : PT_E_NOMEM;
    }
    s_free_work(self);
    if (status == PT_OK)
        self->table.displacements = self->displacements;
    else
        free(self->displacements);
    return status;
}

static pt_status_t
s_check_items(const pt_phash_item_t *items, size_t count, size_t out_pair[2])
{
    if (count > PT_PHASH_KEYS_MAX)
        return PT_E_COUNT;
    for (size_t i = 0; i < count; i++) {
        out_pair[0] = i;
        if (items[i].text.len == 0 || items[i].text.len > PT_PHASH_KEY_BYTES_MAX)
            return PT_E_SIZE;
    }
    return PT_OK;
}

pt_status_t
pt_phash_build(const pt_phash_item_t *items, size_t count, const char *pool, pt_phash_t *out_table, size_t out_pair[2])
{
    assert(items || count == 0);
    assert(out_table);
    assert(out_pair);

    pt_status_t status = s_check_items(items, count, out_pair);
    if (status != PT_OK)
        return status;
    s_builder_t self = {.items = items, .count = count};
    uint64_t random = count;
    status = PT_E_RANGE;
    for (size_t growth = 0; growth < S_SIZES_MAX && status == PT_E_RANGE; growth++)
        status = s_build_size(&self, growth, &random, out_pair);
    if (status != PT_OK)
        return status;
    self.table.pool = pool;
    *out_table = self.table;
    return PT_OK;
}

void
pt_phash_release(pt_phash_t *table)
{
    assert(table);

    //  The arrays are only const to readers.
    free((void *) (uintptr_t) table->displacements);
    free((void *) (uintptr_t) table->slots);
    *table = (pt_phash_t) {0};
}
