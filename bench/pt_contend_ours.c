/*  The catalog's perfect hash, one key at a time and in batches. */
#include "pt_contender.h"

#include <stdlib.h>

#include "pt_bench.h"
#include "pt_classify.h"

typedef struct {
    pt_phash_t phash;
    char *pool; //  of long keys
    size_t pool_bytes;
} s_table_t;

static void *
s_build(const pt_keys_t *keys)
{
    s_table_t *self = pt_bench_alloc(sizeof(*self));
    pt_phash_item_t *items = pt_bench_alloc(keys->count * sizeof(*items));
    self->pool = pt_bench_alloc(keys->bytes);
    for (size_t i = 0; i < keys->count; i++) {
        pt_phash_item_t *item = &items[i];
        *item = (pt_phash_item_t) {.text = keys->texts[i], .space = PT_SPACE_CODE};
        for (int k = 0; k < PT_SLOT_OPERATIONS; k++)
            item->operations[k] = PT_OPERATION_NONE;
        item->values[PT_SLOT_OPERATIONS] = (uint32_t) i;
        if (item->text.len <= PT_PHASH_INLINE_BYTES)
            continue;
        item->pool_offset = (uint32_t) self->pool_bytes;
        memcpy(self->pool + self->pool_bytes, item->text.data, item->text.len);
        self->pool_bytes += item->text.len;
    }
    size_t pair[2];
    pt_status_t status = pt_phash_build(items, keys->count, self->pool, &self->phash, pair);
    free(items);
    if (status != PT_OK) {
        free(self->pool);
        free(self);
        return NULL;
    }
    return self;
}

static void
s_destroy(void *table)
{
    s_table_t *self = table;
    pt_phash_release(&self->phash);
    free(self->pool);
    free(self);
}

static size_t
s_bytes(const void *table)
{
    const s_table_t *self = table;
    return self->phash.slot_count * sizeof(pt_slot_t) + self->phash.bucket_count * sizeof(uint32_t) + self->pool_bytes;
}

static inline uint32_t
s_find(const s_table_t *self, pt_text_t text)
{
    return pt_phash_value(&self->phash, PT_SPACE_CODE, 0, text);
}

//  Where a look-up waits for the one before, its caller asks for a slot, as pt_catalog_lookup does.
static inline uint32_t
s_find_slot(const s_table_t *self, pt_text_t text)
{
    const pt_slot_t *slot = pt_phash_find(&self->phash, PT_SPACE_CODE, 0, text);
    return slot ? slot->values[PT_SLOT_OPERATIONS] : PT_KEY_NONE;
}

PT_CONTENDER_RUN(s_single, s_table_t, s_find)
PT_CONTENDER_CHAIN(s_single, s_table_t, s_find_slot)

static uint64_t
s_ours_classify(const void *table, const pt_triple_t *triples, size_t count)
{
    (void) table;
    const pt_phash_t *builtin = pt_classify_table();
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += pt_classify(builtin, &triples[i]);
    return sum;
}

#define S_BATCH 32

static uint64_t
s_batched_run(const void *table, const pt_text_t *texts, size_t count)
{
    const s_table_t *self = table;
    uint64_t sum = 0;
    for (size_t at = 0; at < count; at += S_BATCH) {
        const pt_slot_t *slots[S_BATCH];
        size_t here = count - at < S_BATCH ? count - at : S_BATCH;
        pt_phash_find_batch(&self->phash, PT_SPACE_CODE, 0, texts + at, here, slots);
        for (size_t i = 0; i < here; i++)
            sum += slots[i] ? slots[i]->values[PT_SLOT_OPERATIONS] : PT_KEY_NONE;
    }
    return sum;
}

const pt_contender_t pt_contender_ours = {.name = "paytriage",
                                          .build = s_build,
                                          .destroy = s_destroy,
                                          .bytes = s_bytes,
                                          .run = s_single_run,
                                          .chain = s_single_chain,
                                          .classify = s_ours_classify};

const pt_contender_t pt_contender_ours_batched = {
    .name = "paytriage, 32 a batch", .build = s_build, .destroy = s_destroy, .bytes = s_bytes, .run = s_batched_run};
