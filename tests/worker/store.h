/*  store: records, directories and comparisons, for tests of the store. */
#ifndef STORE_H
#define STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_store.h"

#define STORE_PATH_BYTES 256

/*  A small, repeatable generator. */
uint64_t store_random(uint64_t *state);

/*  A new directory for a store, not made yet, below the test's own; removed by store_teardown. */
const char *store_dir(char out[STORE_PATH_BYTES]);
int store_setup(void **state);
int store_teardown(void **state);

/*  Open for writing, or fail the test with the reason. */
pt_store_t *store_open(const char *dir, uint64_t bytes);
/*  One that takes `topics_max` topics; 0: the default. */
pt_store_t *store_open_narrow(const char *dir, uint64_t bytes, size_t topics_max);
pt_store_t *store_open_reader(const char *dir);

//  A part with its bytes: `count` maps {"n": number from `start` on, "x": filler}, and responses.
typedef struct {
    pt_store_part_t part;
    uint8_t *items;
    uint8_t *responses;
} store_part_t;

/*  The part of `count` decisions whose filler has `filler` bytes; equal arguments make equal bytes. */
store_part_t store_part(uint64_t start, uint32_t count, size_t filler, bool with_responses);
void store_part_clear(store_part_t *part);

/*  Append one part in the open transaction. */
uint64_t store_append(pt_store_t *store, const char *topic, const store_part_t *part);
/*  The same in a transaction of its own. */
uint64_t store_commit_one(pt_store_t *store, const char *topic, uint64_t start, uint32_t count, size_t filler);

/*  Fail when verify finds anything. */
pt_store_verified_t store_expect_sound(pt_store_t *store);

#endif
