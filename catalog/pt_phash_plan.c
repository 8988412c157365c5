/*  The search for a perfect hash: seeds, a range and a displacement for each bucket.
 *
 *  Keys are hashed into buckets of about four (two in smaller tables), and the buckets are placed, which is
 *  pt_phash_place's.
 *
 *  Two keys of one bucket with one base position stay together under every displacement, and in a table
 *  of any size one or two such pairs are to be expected. But they only share a position because their
 *  hashes are near each other, so a slightly other range parts them: only the near pairs are asked, not
 *  all keys again. Where that or a placement does not work out the next seed is tried; seeds come
 *  from the count of keys, so equal inputs give equal tables.
 *
 *  Most sets of keys are told apart by 16 bytes of each and its length. Which ones is found by trying: two
 *  keys in which they are the same have the same hash.
 */
#include "pt_phash_parts.h"

#include <assert.h>
#include <stdlib.h>

#define S_SEEDS_PER_SIZE 8  //  nearly always the first one works
#define S_SIZES_MAX 8       //  each a sixteenth larger; one is needed
#define S_SMALL_KEYS 4096   //  below it memory is no concern, speed of building is
#define S_MIDDLE_KEYS 65536 //  below it the room for displacements is too short for large buckets
#define S_NEAR_PAIRS_MAX 64 //  four are usual
#define S_HANDFUL 16        //  hashes, sorted by insertion
#define S_FETCH_AHEAD 16    //  keys or buckets; a few memory latencies of work

//  Hashes of two keys of one bucket that may come to one position.
typedef struct {
    uint64_t hashes[2];
} s_near_t;

//  What one attempt at a table works with.
typedef struct {
    const pt_phash_item_t *items;
    size_t count;
    pt_phash_t table;
    uint32_t *displacements;
    uint64_t *hashes; //  of each item
    pt_phash_buckets_t buckets;
    s_near_t near[S_NEAR_PAIRS_MAX];
    size_t near_count;
} s_builder_t;

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

//  Odd, so that a short key, whose other words are the seeds alone, keeps all of itself in the low half of
//  the product; and large, so that its first byte reaches the high half.
static uint64_t
s_next_seed(uint64_t *random)
{
    return s_next_random(random) | UINT64_C(1) << 63 | 1;
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
    if (slots < 4 * displacements) {
        if (displacements > count + 1)
            displacements = count + 1;
        slots += displacements - 1;
    }
    size_t wanted = count < S_MIDDLE_KEYS ? count / 2 : count / 4;
    uint32_t buckets = 2;
    while (buckets < wanted)
        buckets *= 2;
    table->displacement_max = (uint32_t) displacements - 1;
    table->range = slots - displacements + 1;
    table->bucket_count = buckets;
    table->bucket_mask = pt_phash_bucket_mask(buckets);
}

//  How much the range may grow to part near pairs.
static uint64_t
s_range_room(const pt_phash_t *table)
{
    return table->range / 64 + 16;
}

static bool
s_allocate(s_builder_t *self)
{
    const pt_phash_t *table = &self->table;
    size_t count = self->count ? self->count : 1;
    self->displacements = calloc(table->bucket_count, sizeof *self->displacements);
    self->hashes = calloc(count, sizeof *self->hashes);
    self->buckets.starts = calloc((size_t) table->bucket_count + 1, sizeof *self->buckets.starts);
    self->buckets.hashes = calloc(count, sizeof *self->buckets.hashes);
    return self->displacements && self->hashes && self->buckets.starts && self->buckets.hashes;
}

//  Everything but the displacements, which become part of the table.
static void
s_free_work(s_builder_t *self)
{
    free(self->hashes);
    free(self->buckets.starts);
    free(self->buckets.hashes);
}

static void
s_fetch_text(const pt_phash_item_t *items, size_t count, size_t at)
{
    if (at + S_FETCH_AHEAD < count)
        __builtin_prefetch(items[at + S_FETCH_AHEAD].text.data);
}

static uint32_t
s_bucket(const pt_phash_t *table, uint64_t hash)
{
    return (uint32_t) ((hash & table->bucket_mask) / sizeof(uint32_t));
}

//  Counting sort of the hashes by bucket.
static void
s_fill_buckets(s_builder_t *self)
{
    const pt_phash_t *table = &self->table;
    uint32_t *starts = self->buckets.starts;
    memset(starts, 0, ((size_t) table->bucket_count + 1) * sizeof *starts);
    for (size_t i = 0; i < self->count; i++) {
        uint64_t room[PT_PHASH_WORDS];
        s_fetch_text(self->items, self->count, i);
        const pt_phash_item_t *item = &self->items[i];
        pt_key_t key = pt_phash_make_key(table, (pt_space_t) item->space, item->owner, item->text, room);
        self->hashes[i] = pt_phash_hash(table, &key);
        starts[s_bucket(table, self->hashes[i])]++;
    }
    uint32_t end = 0;
    for (uint32_t b = 0; b <= table->bucket_count; b++)
        starts[b] = end += starts[b];
    for (size_t i = self->count; i-- > 0;)
        self->buckets.hashes[--starts[s_bucket(table, self->hashes[i])]] = self->hashes[i];
}

static int
s_compare_hashes(const void *left_p, const void *right_p)
{
    uint64_t left = *(const uint64_t *) left_p;
    uint64_t right = *(const uint64_t *) right_p;
    return (left > right) - (left < right);
}

//  Most buckets have a handful.
static void
s_sort_hashes(uint64_t *hashes, uint32_t size)
{
    if (size > S_HANDFUL) {
        qsort(hashes, size, sizeof *hashes, s_compare_hashes);
        return;
    }
    for (uint32_t i = 1; i < size; i++) {
        uint64_t hash = hashes[i];
        uint32_t at = i;
        for (; at > 0 && hashes[at - 1] > hash; at--)
            hashes[at] = hashes[at - 1];
        hashes[at] = hash;
    }
}

//  Two hashes are the same: of one key, or else PT_E_NOT_FOUND.
static pt_status_t
s_find_duplicate(const s_builder_t *self, uint64_t hash, size_t out_pair[2])
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < self->count; i++) {
        if (self->hashes[i] != hash)
            continue;
        if (first == SIZE_MAX) {
            first = i;
        } else if (s_is_same_key(&self->items[first], &self->items[i])) {
            out_pair[0] = first;
            out_pair[1] = i;
            return PT_E_DUPLICATE;
        }
    }
    return PT_E_NOT_FOUND;
}

//  Put each bucket's hashes in order, and keep the pairs that lie near each other.
static pt_status_t
s_find_near(s_builder_t *self, size_t out_pair[2])
{
    uint64_t near = UINT64_MAX / self->table.range;
    self->near_count = 0;
    for (uint32_t b = 0; b < self->table.bucket_count; b++) {
        uint64_t *hashes = self->buckets.hashes + self->buckets.starts[b];
        uint32_t size = pt_phash_bucket_size(&self->buckets, b);
        s_sort_hashes(hashes, size);
        for (uint32_t i = 1; i < size; i++) {
            if (hashes[i] - hashes[i - 1] > near)
                continue;
            if (hashes[i] == hashes[i - 1])
                return s_find_duplicate(self, hashes[i], out_pair);
            if (self->near_count == S_NEAR_PAIRS_MAX)
                return PT_E_RANGE;
            self->near[self->near_count++] = (s_near_t) {{hashes[i - 1], hashes[i]}};
        }
    }
    return PT_OK;
}

static uint32_t
s_base(const s_builder_t *self, uint64_t hash)
{
    return (uint32_t) pt_phash_base(&self->table, hash);
}

static bool
s_are_apart(const s_builder_t *self)
{
    for (size_t i = 0; i < self->near_count; i++)
        if (s_base(self, self->near[i].hashes[0]) == s_base(self, self->near[i].hashes[1]))
            return false;
    return true;
}

//  The least range that gives each key of a bucket a base position of its own.
static pt_status_t
s_choose_range(s_builder_t *self)
{
    pt_phash_t *table = &self->table;
    uint64_t least = table->range;
    uint64_t end = least + s_range_room(table);
    while (table->range < end && !s_are_apart(self))
        table->range++;
    table->slot_count = (uint32_t) table->range + table->displacement_max;
    if (table->range < end)
        return PT_OK;
    table->range = least;
    return PT_E_RANGE;
}

static pt_status_t
s_try_seed(s_builder_t *self, size_t out_pair[2])
{
    s_fill_buckets(self);
    pt_status_t status = s_find_near(self, out_pair);
    if (status == PT_OK)
        status = s_choose_range(self);
    return status == PT_OK ? pt_phash_place(&self->table, &self->buckets, self->displacements) : status;
}

static pt_status_t
s_search_seeds(s_builder_t *self, uint64_t *random, size_t out_pair[2])
{
    uint64_t range = self->table.range;
    for (int attempt = 0; attempt < S_SEEDS_PER_SIZE; attempt++) {
        self->table.range = range;
        for (int i = 0; i < 4; i++)
            self->table.seed[i] = s_next_seed(random);
        pt_status_t status = s_try_seed(self, out_pair);
        //  What two words do not tell apart they do not with another seed.
        if (status == PT_E_NOT_FOUND && !self->table.is_wide)
            break;
        if (status != PT_E_RANGE && status != PT_E_NOT_FOUND)
            return status;
    }
    self->table.range = range;
    return PT_E_RANGE;
}

//  Two words that tell the keys apart, else all four. Where there are many keys, only the first two are tried.
static pt_status_t
s_search_words(s_builder_t *self, uint64_t *random, size_t out_pair[2])
{
    static const uint8_t words[][2] = {{0, 8}, {8, 16}, {0, 16}, {16, 24}, {8, 24}, {0, 24}, {0, 8}};
    pt_phash_t *table = &self->table;
    pt_status_t status = PT_E_RANGE;
    size_t last = sizeof words / sizeof words[0] - 1;
    size_t step = self->count < S_SMALL_KEYS ? 1 : last;
    for (size_t i = 0; i <= last && status == PT_E_RANGE; i += step) {
        table->first = words[i][0];
        table->second = words[i][1];
        table->is_wide = i == last;
        status = s_search_seeds(self, random, out_pair);
    }
    return status;
}

//  One table of one size. PT_E_RANGE: this size has no seed.
static pt_status_t
s_build_size(s_builder_t *self, size_t growth, uint64_t *random, size_t out_pair[2])
{
    s_size_table(&self->table, self->count, growth);
    pt_status_t status = s_allocate(self) ? s_search_words(self, random, out_pair) : PT_E_NOMEM;
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
pt_phash_plan(const pt_phash_item_t *items, size_t count, pt_phash_t *out_table, size_t out_pair[2])
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
    if (status == PT_OK)
        *out_table = self.table;
    return status;
}
