/*  uthash with XXH3 in the place of its own hash. */
#include "pt_contender.h"

#include <malloc.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pt_bench.h"

#define HASH_FUNCTION(key, len, out) ((out) = (unsigned) XXH3_64bits((key), (len)))
#include <uthash.h>

typedef struct {
    UT_hash_handle hh;
    uint32_t answer;
} s_item_t;

typedef struct {
    s_item_t *head;
    s_item_t *items;
    size_t count;
    size_t key_bytes;
} s_table_t;

static void *
s_build(const pt_keys_t *keys)
{
    s_table_t *self = pt_bench_alloc(sizeof(*self));
    self->items = pt_bench_alloc(keys->count * sizeof(*self->items));
    self->count = keys->count;
    self->key_bytes = keys->bytes;
    for (size_t i = 0; i < keys->count; i++) {
        s_item_t *item = &self->items[i];
        item->answer = (uint32_t) i;
        HASH_ADD_KEYPTR(hh, self->head, keys->texts[i].data, (unsigned) keys->texts[i].len, item);
    }
    return self;
}

static void
s_destroy(void *table)
{
    s_table_t *self = table;
    HASH_CLEAR(hh, self->head);
    free(self->items);
    free(self);
}

static size_t
s_bytes(const void *table)
{
    const s_table_t *self = table;
    return self->count * sizeof(s_item_t) + HASH_OVERHEAD(hh, self->head) - self->count * sizeof(UT_hash_handle) +
           self->key_bytes;
}

static inline uint32_t
s_find(const s_table_t *self, pt_text_t text)
{
    s_item_t *item;
    HASH_FIND(hh, self->head, text.data, (unsigned) text.len, item);
    return item ? item->answer : PT_KEY_NONE;
}

PT_CONTENDER_LOOPS(s_uthash, s_table_t, s_find)
PT_CONTENDER_CLASSIFY(s_uthash, s_table_t, s_find)

const pt_contender_t pt_contender_uthash = {.name = "uthash, XXH3",
                                            .build = s_build,
                                            .destroy = s_destroy,
                                            .bytes = s_bytes,
                                            .run = s_uthash_run,
                                            .chain = s_uthash_chain,
                                            .classify = s_uthash_classify};
