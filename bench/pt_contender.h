/*  pt_contender: one way to look up keys, as the bench of the catalog runs it.
 *
 *  All get the same bytes and must give the same answers: the index of a known key, PT_KEY_NONE for
 *  an unknown one, after comparing the whole key.
 */
#ifndef PT_CONTENDER_H
#define PT_CONTENDER_H

#include "pt_joined.h"
#include "pt_keys.h"

typedef struct {
    const char *name;
    size_t keys_max; //  more than that is beyond it; 0: no limit
    //  Build a table over the keys, which outlive it; NULL when it cannot.
    void *(*build)(const pt_keys_t *keys);
    void (*destroy)(void *table);
    //  What the table takes, with the keys where it needs them.
    size_t (*bytes)(const void *table);
    //  Look up all texts; returns the sum of the answers.
    uint64_t (*run)(const void *table, const pt_text_t *texts, size_t count);
    //  The same, where each look-up waits for the answer of the one before. NULL: it has no such form.
    uint64_t (*chain)(const void *table, const pt_text_t *texts, size_t count);
    //  Classify all triples; returns the sum of the answers. NULL: it takes no part.
    uint64_t (*classify)(const void *table, const pt_triple_t *triples, size_t count);
    const char *generated_for; //  the one key set that its table was generated for, when this was built
} pt_contender_t;

//  Zero, which the compiler cannot know.
extern volatile size_t pt_contender_zero;

/*  The loops around `find`, a static inline function of (const TYPE *, pt_text_t) -> uint32_t. */
#define PT_CONTENDER_LOOPS(name, type, find)                                                                           \
    PT_CONTENDER_RUN(name, type, find)                                                                                 \
    PT_CONTENDER_CHAIN(name, type, find)

#define PT_CONTENDER_RUN(name, type, find)                                                                             \
    static uint64_t name##_run(const void *table, const pt_text_t *texts, size_t count)                                \
    {                                                                                                                  \
        uint64_t sum = 0;                                                                                              \
        for (size_t i = 0; i < count; i++)                                                                             \
            sum += find((const type *) table, texts[i]);                                                               \
        return sum;                                                                                                    \
    }

#define PT_CONTENDER_CHAIN(name, type, find)                                                                           \
    static uint64_t name##_chain(const void *table, const pt_text_t *texts, size_t count)                              \
    {                                                                                                                  \
        size_t zero = pt_contender_zero;                                                                               \
        uint64_t sum = 0;                                                                                              \
        uint32_t last = 0;                                                                                             \
        for (size_t i = 0; i < count; i++) {                                                                           \
            pt_text_t text = {texts[i].data + (last & zero), texts[i].len};                                            \
            last = find((const type *) table, text);                                                                   \
            sum += last;                                                                                               \
        }                                                                                                              \
        return sum;                                                                                                    \
    }

/*  And the loop that classifies, of those that join strings for it. */
#define PT_CONTENDER_CLASSIFY(name, type, find)                                                                        \
    static uint64_t name##_classify(const void *table, const pt_triple_t *triples, size_t count)                       \
    {                                                                                                                  \
        uint64_t sum = 0;                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                                           \
            char joined[PT_JOINED_BYTES_MAX];                                                                          \
            pt_text_t key = pt_joined_write(&triples[i], triples[i].operation, joined);                                \
            uint32_t answer = find((const type *) table, key);                                                         \
            if (answer == PT_KEY_NONE)                                                                                 \
                answer = find((const type *) table, pt_joined_write(&triples[i], PT_TEXT_NONE, joined));               \
            sum += answer;                                                                                             \
        }                                                                                                              \
        return sum;                                                                                                    \
    }

extern const pt_contender_t pt_contender_ours;         //  pt_phash_find
extern const pt_contender_t pt_contender_ours_batched; //  pt_phash_find_batch
extern const pt_contender_t pt_contender_probing;      //  open addressing, XXH3
extern const pt_contender_t pt_contender_strings;      //  the same, answers of five strings, copied
extern const pt_contender_t pt_contender_sorted;       //  binary search
#ifdef PT_BENCH_GPERF
extern const pt_contender_t pt_contender_gperf;
extern const pt_contender_t pt_contender_gperf_joined; //  over the keys of pt_joined_load
#endif
#ifdef PT_BENCH_CMPH
extern const pt_contender_t pt_contender_chd;
extern const pt_contender_t pt_contender_bdz;
#endif
#ifdef PT_BENCH_UTHASH
extern const pt_contender_t pt_contender_uthash;
#endif

#endif
