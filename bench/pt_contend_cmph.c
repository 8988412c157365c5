/*  CMPH's CHD and BDZ, packed. They answer with an index for any bytes, so the key is compared after. */
#include "pt_contender.h"

#include <stdlib.h>

#include <cmph.h>

#include "pt_bench.h"

typedef struct {
    void *packed;
    size_t packed_bytes;
    pt_text_t *keys;   //  by the function's index
    uint32_t *answers; //  by the function's index
    size_t slot_count;
    size_t key_bytes;
} s_table_t;

typedef struct {
    const pt_keys_t *keys;
    size_t next;
} s_reader_t;

static int
s_read_key(void *data, char **key, cmph_uint32 *len)
{
    s_reader_t *reader = data;
    pt_text_t text = reader->keys->texts[reader->next++];
    *key = (char *) (uintptr_t) text.data;
    *len = (cmph_uint32) text.len;
    return (int) text.len;
}

static void
s_dispose_key(void *data, char *key, cmph_uint32 len)
{
    (void) data;
    (void) key;
    (void) len;
}

static void
s_rewind(void *data)
{
    ((s_reader_t *) data)->next = 0;
}

static void *
s_build(const pt_keys_t *keys, CMPH_ALGO algorithm)
{
    s_reader_t reader = {keys, 0};
    cmph_io_adapter_t source = {.data = &reader,
                                .nkeys = (cmph_uint32) keys->count,
                                .read = s_read_key,
                                .dispose = s_dispose_key,
                                .rewind = s_rewind};
    cmph_config_t *config = cmph_config_new(&source);
    cmph_config_set_algo(config, algorithm);
    cmph_t *hash = cmph_new(config);
    cmph_config_destroy(config);
    if (!hash)
        return NULL;
    s_table_t *self = pt_bench_alloc(sizeof(*self));
    self->packed_bytes = cmph_packed_size(hash);
    self->packed = pt_bench_alloc(self->packed_bytes);
    cmph_pack(hash, self->packed);
    self->slot_count = cmph_size(hash);
    self->keys = pt_bench_alloc(self->slot_count * sizeof(*self->keys));
    self->answers = pt_bench_alloc(self->slot_count * sizeof(*self->answers));
    self->key_bytes = keys->bytes;
    for (size_t i = 0; i < keys->count; i++) {
        pt_text_t text = keys->texts[i];
        cmph_uint32 at = cmph_search(hash, text.data, (cmph_uint32) text.len);
        self->keys[at] = text;
        self->answers[at] = (uint32_t) i;
    }
    cmph_destroy(hash);
    return self;
}

static void *
s_build_chd(const pt_keys_t *keys)
{
    return s_build(keys, CMPH_CHD);
}

static void *
s_build_bdz(const pt_keys_t *keys)
{
    return s_build(keys, CMPH_BDZ);
}

static void
s_destroy(void *table)
{
    s_table_t *self = table;
    free(self->packed);
    free(self->keys);
    free(self->answers);
    free(self);
}

static size_t
s_bytes(const void *table)
{
    const s_table_t *self = table;
    return self->packed_bytes + self->slot_count * (sizeof(*self->keys) + sizeof(*self->answers)) + self->key_bytes;
}

static inline uint32_t
s_find(const s_table_t *self, pt_text_t text)
{
    cmph_uint32 at = cmph_search_packed(self->packed, text.data, (cmph_uint32) text.len);
    if (at >= self->slot_count || self->keys[at].len != text.len ||
        memcmp(self->keys[at].data, text.data, text.len) != 0)
        return PT_KEY_NONE;
    return self->answers[at];
}

PT_CONTENDER_LOOPS(s_cmph, s_table_t, s_find)
PT_CONTENDER_CLASSIFY(s_cmph, s_table_t, s_find)

const pt_contender_t pt_contender_chd = {.name = "CMPH CHD",
                                         .build = s_build_chd,
                                         .destroy = s_destroy,
                                         .bytes = s_bytes,
                                         .run = s_cmph_run,
                                         .chain = s_cmph_chain,
                                         .classify = s_cmph_classify};
const pt_contender_t pt_contender_bdz = {.name = "CMPH BDZ",
                                         .build = s_build_bdz,
                                         .destroy = s_destroy,
                                         .bytes = s_bytes,
                                         .run = s_cmph_run,
                                         .chain = s_cmph_chain,
                                         .classify = s_cmph_classify};
