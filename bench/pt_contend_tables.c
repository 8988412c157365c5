/*  What an engineer writes in an afternoon: open addressing with a good hash, a sorted array, and a
 *  map whose answers are copies of five strings.
 */
#include "pt_contender.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pt_bench.h"

//  Key and answer side by side; the fingerprint spares most comparisons of other keys.
typedef struct {
    uint32_t fingerprint;
    uint32_t len;
    const char *data; //  NULL: free
    uint32_t answer;
} s_place_t;

typedef struct {
    s_place_t *places;
    size_t mask;
    size_t key_bytes;
    char **strings; //  five for each answer; NULL: none
    size_t string_bytes;
    size_t key_count;
} s_table_t;

static void *
s_build_probing(const pt_keys_t *keys)
{
    s_table_t *self = pt_bench_alloc(sizeof(*self));
    size_t capacity = 2;
    while (capacity < 2 * keys->count)
        capacity *= 2;
    self->places = pt_bench_alloc(capacity * sizeof(*self->places));
    self->mask = capacity - 1;
    self->key_bytes = keys->bytes;
    self->key_count = keys->count;
    for (size_t i = 0; i < keys->count; i++) {
        uint64_t hash = XXH3_64bits(keys->texts[i].data, keys->texts[i].len);
        size_t at = hash & self->mask;
        while (self->places[at].data)
            at = (at + 1) & self->mask;
        self->places[at] =
            (s_place_t) {(uint32_t) (hash >> 32), (uint32_t) keys->texts[i].len, keys->texts[i].data, (uint32_t) i};
    }
    return self;
}

static void
s_destroy(void *table)
{
    s_table_t *self = table;
    for (size_t i = 0; self->strings && i < 5 * self->key_count; i++)
        free(self->strings[i]);
    free(self->strings);
    free(self->places);
    free(self);
}

static size_t
s_bytes(const void *table)
{
    const s_table_t *self = table;
    return (self->mask + 1) * sizeof(s_place_t) + self->key_bytes + self->string_bytes;
}

static inline uint32_t
s_find_probing(const s_table_t *self, pt_text_t text)
{
    uint64_t hash = XXH3_64bits(text.data, text.len);
    for (size_t at = hash & self->mask;; at = (at + 1) & self->mask) {
        const s_place_t *place = &self->places[at];
        if (!place->data)
            return PT_KEY_NONE;
        if (place->fingerprint == (uint32_t) (hash >> 32) && place->len == text.len &&
            memcmp(place->data, text.data, text.len) == 0)
            return place->answer;
    }
}

PT_CONTENDER_LOOPS(s_probing, s_table_t, s_find_probing)
PT_CONTENDER_CLASSIFY(s_probing, s_table_t, s_find_probing)

const pt_contender_t pt_contender_probing = {.name = "open addressing, XXH3",
                                             .build = s_build_probing,
                                             .destroy = s_destroy,
                                             .bytes = s_bytes,
                                             .run = s_probing_run,
                                             .chain = s_probing_chain,
                                             .classify = s_probing_classify};

static const char *const s_words[5] = {"decline_soft", "retry", "resubmit", "operator", "The bank declined for now."};

static void *
s_build_strings(const pt_keys_t *keys)
{
    s_table_t *self = s_build_probing(keys);
    self->strings = pt_bench_alloc(5 * keys->count * sizeof(*self->strings));
    for (size_t i = 0; i < 5 * keys->count; i++) {
        self->strings[i] = strdup(s_words[i % 5]);
        self->string_bytes += strlen(s_words[i % 5]) + 1 + sizeof(char *);
    }
    return self;
}

//  As rivals in managed languages do it: the key becomes a string of its own, the answer is a new
//  object with strings of its own, and both are dropped after use.
static inline uint32_t
s_find_strings(const s_table_t *self, pt_text_t text)
{
    char *key = strndup(text.data, text.len);
    uint32_t answer = s_find_probing(self, (pt_text_t) {key, text.len});
    free(key);
    if (answer == PT_KEY_NONE)
        return answer;
    char *copies[5];
    for (size_t i = 0; i < 5; i++)
        copies[i] = strdup(self->strings[5 * (size_t) answer + i]);
    //  The copies must be made: somebody might look at them.
    __asm__ volatile("" : : "r"(copies) : "memory");
    for (size_t i = 0; i < 5; i++)
        free(copies[i]);
    return answer;
}

PT_CONTENDER_LOOPS(s_strings, s_table_t, s_find_strings)
PT_CONTENDER_CLASSIFY(s_strings, s_table_t, s_find_strings)

const pt_contender_t pt_contender_strings = {.name = "map of five strings",
                                             .keys_max = 100000,
                                             .build = s_build_strings,
                                             .destroy = s_destroy,
                                             .bytes = s_bytes,
                                             .run = s_strings_run,
                                             .chain = s_strings_chain,
                                             .classify = s_strings_classify};

//  The keys are sorted already.
static void *
s_build_sorted(const pt_keys_t *keys)
{
    const pt_keys_t **self = pt_bench_alloc(sizeof(const pt_keys_t *));
    *self = keys;
    return (void *) self;
}

static size_t
s_sorted_bytes(const void *table)
{
    const pt_keys_t *keys = *(const pt_keys_t *const *) table;
    return keys->count * sizeof(pt_text_t) + keys->bytes;
}

static inline uint32_t
s_find_sorted(const pt_keys_t *const *self, pt_text_t text)
{
    const pt_keys_t *keys = *self;
    size_t low = 0;
    size_t high = keys->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        pt_text_t key = keys->texts[middle];
        int order = memcmp(text.data, key.data, text.len < key.len ? text.len : key.len);
        if (order == 0 && text.len == key.len)
            return (uint32_t) middle;
        if (order < 0 || (order == 0 && text.len < key.len))
            high = middle;
        else
            low = middle + 1;
    }
    return PT_KEY_NONE;
}

typedef const pt_keys_t *s_sorted_t;
PT_CONTENDER_LOOPS(s_sorted, s_sorted_t, s_find_sorted)

const pt_contender_t pt_contender_sorted = {.name = "sorted array",
                                            .build = s_build_sorted,
                                            .destroy = free,
                                            .bytes = s_sorted_bytes,
                                            .run = s_sorted_run,
                                            .chain = s_sorted_chain};
