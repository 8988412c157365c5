/*  gperf's functions over the real keys, generated when the bench is built. */
#include "pt_contender.h"

#include <stdlib.h>

#include "pt_bench.h"
#include "pt_gperf_codes.h"
#include "pt_gperf_composites.h"

//  Generated from the same catalog; still, the bench checks every answer.
static void *
s_build(const pt_keys_t *keys)
{
    (void) keys;
    return pt_bench_alloc(1);
}

static size_t
s_bytes(const void *table)
{
    (void) table;
    return pt_gperf_codes_bytes();
}

static size_t
s_joined_bytes(const void *table)
{
    (void) table;
    return pt_gperf_composites_bytes();
}

static inline uint32_t
s_find(const char *table, pt_text_t text)
{
    (void) table;
    const struct pt_gperf_codes_row *row = pt_gperf_codes_find(text.data, text.len);
    return row ? (uint32_t) row->answer : PT_KEY_NONE;
}

static inline uint32_t
s_find_joined(const char *table, pt_text_t text)
{
    (void) table;
    const struct pt_gperf_composites_row *row = pt_gperf_composites_find(text.data, text.len);
    return row ? (uint32_t) row->answer : PT_KEY_NONE;
}

PT_CONTENDER_LOOPS(s_gperf, char, s_find)
PT_CONTENDER_LOOPS(s_joined, char, s_find_joined)
PT_CONTENDER_CLASSIFY(s_joined, char, s_find_joined)

const pt_contender_t pt_contender_gperf = {.name = "gperf",
                                           .build = s_build,
                                           .destroy = free,
                                           .bytes = s_bytes,
                                           .run = s_gperf_run,
                                           .chain = s_gperf_chain,
                                           .generated_for = "real"};
const pt_contender_t pt_contender_gperf_joined = {.name = "gperf",
                                                  .build = s_build,
                                                  .destroy = free,
                                                  .bytes = s_joined_bytes,
                                                  .run = s_joined_run,
                                                  .chain = s_joined_chain,
                                                  .classify = s_joined_classify,
                                                  .generated_for = "joined"};
