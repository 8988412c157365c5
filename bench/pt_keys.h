/*  pt_keys: sets of keys, and streams of queries over them.
 *
 *  Real keys are the codes of the built-in catalog, as `provider/code`. Synthetic ones have the same
 *  shape: a thousand providers, codes of digits, snake_case, UPPER and mixed letters, 4 to 17 bytes.
 */
#ifndef PT_KEYS_H
#define PT_KEYS_H

#include "pt_bench.h"
#include "pt_text.h"

#define PT_KEY_NONE UINT32_MAX //  the answer to an unknown key

typedef struct {
    char name[16];
    pt_text_t *texts; //  each once; the index is the answer
    size_t count;
    size_t bytes; //  of all texts
    char *room;
    size_t used; //  of the room
} pt_keys_t;

void pt_keys_load_builtin(pt_keys_t *self);
void pt_keys_make(pt_keys_t *self, size_t count);
void pt_keys_clear(pt_keys_t *self);

/*  To make another set: room for `count`, then keys one by one, then sort and leave one of each. */
void pt_keys_reserve(pt_keys_t *self, size_t count, const char *name);
void pt_keys_append(pt_keys_t *self, pt_text_t text);
void pt_keys_remove_repeats(pt_keys_t *self);

/*  The index of a key, by binary search. */
uint32_t pt_keys_find(const pt_keys_t *self, pt_text_t text);

//  Keys by rank: the first is asked for most.
typedef struct {
    uint32_t *order;
    double *weights; //  of all ranks up to each
    size_t count;
} pt_zipf_t;

/*  Shuffle `count` keys into ranks; exponent 1. */
void pt_zipf_init(pt_zipf_t *self, size_t count, pt_dice_t *dice);
uint32_t pt_zipf_draw(const pt_zipf_t *self, pt_dice_t *dice);
void pt_zipf_clear(pt_zipf_t *self);

//  Every query, and what the right answers add up to (PT_KEY_NONE for an unknown key).
typedef struct {
    pt_text_t *texts;
    size_t count;
    uint64_t answer_sum;
    size_t unknown; //  queries
    char *room;     //  that the texts stand in
} pt_stream_t;

/*  Zipf over shuffled keys, exponent 1; 5 % unknown, each one letter away from a key. The texts are
 *  copies, since a query never stands where the table keeps its key: one of each key, side by side, where
 *  all fit into the nearest caches, else one of each query in the order in which they are asked, as in a
 *  message that is read from front to back.
 */
void pt_stream_make(pt_stream_t *self, const pt_keys_t *keys, size_t count);

/*  The same queries, each text at a place of its own in 64 MiB: the bytes of a message that has just
 *  arrived are in no cache.
 */
void pt_stream_scatter(pt_stream_t *self, const pt_stream_t *from);
void pt_stream_clear(pt_stream_t *self);

#endif
