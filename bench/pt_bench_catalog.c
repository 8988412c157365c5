/*  pt_bench_catalog: what a look-up costs, beside what else one would take for it.
 *
 *  All contenders get the same queries, Zipf over the known keys and 5 % unknown, in the same run and
 *  by turns. Each answer counts: a sum that is not the right one ends the bench.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_bench.h"
#include "pt_bench_images.h"
#include "pt_classify.h"
#include "pt_contender.h"
#include "pt_report.h"

volatile size_t pt_contender_zero;

//  Queries of a round, and between two readings of the clock.
#define S_QUERIES 262144
#define S_QUERIES_SHORT 4096
#define S_BLOCK 1024

#define S_SETS_MAX 4

typedef enum { S_HOT, S_SCATTERED, S_CHAINED, S_MODE_COUNT } s_mode_t;

static const char *const s_modes[S_MODE_COUNT] = {"hot", "scattered", "dependent"};

//  The first is the one that ratios are taken against.
static const pt_contender_t *const s_contenders[] = {
    &pt_contender_ours,    &pt_contender_ours_batched,
#ifdef PT_BENCH_GPERF
    &pt_contender_gperf,   &pt_contender_gperf_joined,
#endif
    &pt_contender_probing,
#ifdef PT_BENCH_UTHASH
    &pt_contender_uthash,
#endif
#ifdef PT_BENCH_CMPH
    &pt_contender_chd,     &pt_contender_bdz,
#endif
    &pt_contender_sorted,  &pt_contender_strings,
};

#define S_CONTENDERS (sizeof(s_contenders) / sizeof(s_contenders[0]))

//  What takes part in classifying by three strings.
static const pt_contender_t *const s_classifiers[] = {
    &pt_contender_ours,
#ifdef PT_BENCH_GPERF
    &pt_contender_gperf_joined,
#endif
    &pt_contender_probing,
#ifdef PT_BENCH_UTHASH
    &pt_contender_uthash,
#endif
#ifdef PT_BENCH_CMPH
    &pt_contender_chd,
#endif
    &pt_contender_strings,
};

#define S_CLASSIFIERS (sizeof(s_classifiers) / sizeof(s_classifiers[0]))

typedef struct {
    pt_bench_options_t common;
    size_t keys_max;
} s_options_t;

//  One contender on one key set.
typedef struct {
    const pt_contender_t *contender;
    void *table;
    double build_ms;
    pt_series_t blocks[S_MODE_COUNT];
    pt_series_t rounds[S_MODE_COUNT];
    pt_series_t ratios[S_MODE_COUNT]; //  to the first contender, round by round
} s_entrant_t;

static void
s_fail_answer(const char *contender, const char *set, const char *mode)
{
    fprintf(stderr, "pt_bench_catalog: %s gives wrong answers (%s keys, %s)\n", contender, set, mode);
    exit(1);
}

//  Look up a whole stream in blocks. Returns the median of the blocks, ns per query.
static double
s_run_stream(s_entrant_t *self, s_mode_t mode, const pt_stream_t *stream, uint64_t *out_sum)
{
    pt_series_t round = {0};
    *out_sum = 0;
    for (size_t at = 0; at < stream->count; at += S_BLOCK) {
        uint64_t start = pt_bench_now_ns();
        if (mode == S_CHAINED)
            *out_sum += self->contender->chain(self->table, stream->texts + at, S_BLOCK);
        else
            *out_sum += self->contender->run(self->table, stream->texts + at, S_BLOCK);
        double ns = (double) (pt_bench_now_ns() - start) / S_BLOCK;
        pt_series_add(&round, ns);
        pt_series_add(&self->blocks[mode], ns);
    }
    double median = pt_series_median(&round);
    pt_series_clear(&round);
    return median;
}

static void
s_run_round(s_entrant_t *entrants, size_t count, const pt_keys_t *keys, const pt_stream_t streams[S_MODE_COUNT])
{
    for (int mode = 0; mode < S_MODE_COUNT; mode++) {
        double first = 0;
        for (size_t i = 0; i < count; i++) {
            s_entrant_t *entrant = &entrants[i];
            uint64_t sum;
            if (mode == S_CHAINED && !entrant->contender->chain)
                continue;
            double median = s_run_stream(entrant, (s_mode_t) mode, &streams[mode], &sum);
            if (sum != streams[mode].answer_sum)
                s_fail_answer(entrant->contender->name, keys->name, s_modes[mode]);
            if (i == 0)
                first = median;
            pt_series_add(&entrant->rounds[mode], median);
            pt_series_add(&entrant->ratios[mode], median / first);
        }
    }
}

static size_t
s_build_entrants(const pt_keys_t *keys, pt_report_t *report, s_entrant_t *entrants)
{
    size_t count = 0;
    for (size_t i = 0; i < S_CONTENDERS; i++) {
        const pt_contender_t *contender = s_contenders[i];
        s_entrant_t *entrant = &entrants[count];
        *entrant = (s_entrant_t) {.contender = contender};
        if ((contender->keys_max && keys->count > contender->keys_max) ||
            (contender->generated_for && strcmp(contender->generated_for, keys->name) != 0))
            continue;
        uint64_t start = pt_bench_now_ns();
        entrant->table = contender->build(keys);
        entrant->build_ms = (double) (pt_bench_now_ns() - start) / 1e6;
        if (entrant->table)
            count++;
        else
            pt_report_note(report, "%s: builds no table of %s keys", contender->name, keys->name);
    }
    return count;
}

static void
s_clear_series(s_entrant_t *self)
{
    for (int mode = 0; mode < S_MODE_COUNT; mode++) {
        pt_series_clear(&self->blocks[mode]);
        pt_series_clear(&self->rounds[mode]);
        pt_series_clear(&self->ratios[mode]);
    }
}

static const pt_column_t s_columns[] = {
    {"keys", "keys", PT_COLUMN_TEXT},
    {"contender", "contender", PT_COLUMN_TEXT},
    {"hot_ns", "hot ns", 1},
    {"hot_p99_ns", "p99", 1},
    {"hot_ratio", "ratio", 2},
    {"scattered_ns", "scattered ns", 1},
    {"scattered_p99_ns", "p99", 1},
    {"scattered_ratio", "ratio", 2},
    {"dependent_ns", "dependent ns", 1},
    {"dependent_p99_ns", "p99", 1},
    {"dependent_ratio", "ratio", 2},
    {"bytes", "bytes", 0},
    {"build_ms", "build ms", 2},
    {NULL, NULL, 0},
};

static void
s_add_row(pt_table_t *table, const pt_keys_t *keys, s_entrant_t *entrant)
{
    json_t *row = pt_table_row(table);
    pt_row_text(row, "keys", keys->name);
    pt_row_text(row, "contender", entrant->contender->name);
    for (int mode = 0; mode < S_MODE_COUNT; mode++) {
        static const char *const keys_of[S_MODE_COUNT][3] = {
            {"hot_ns", "hot_p99_ns", "hot_ratio"},
            {"scattered_ns", "scattered_p99_ns", "scattered_ratio"},
            {"dependent_ns", "dependent_p99_ns", "dependent_ratio"},
        };
        pt_row_number(row, keys_of[mode][0], pt_series_median(&entrant->rounds[mode]));
        pt_row_number(row, keys_of[mode][1], pt_series_percentile(&entrant->blocks[mode], 99));
        pt_row_number(row, keys_of[mode][2], pt_series_median(&entrant->ratios[mode]));
    }
    pt_row_number(row, "bytes", (double) entrant->contender->bytes(entrant->table));
    if (!entrant->contender->generated_for)
        pt_row_number(row, "build_ms", entrant->build_ms);
}

static void
s_measure_keys(const s_options_t *options, const pt_keys_t *keys, pt_report_t *report, pt_table_t *table)
{
    s_entrant_t entrants[S_CONTENDERS];
    pt_stream_t streams[S_MODE_COUNT];
    size_t queries = options->common.is_short ? S_QUERIES_SHORT : S_QUERIES;
    pt_bench_progress(&options->common, "%s keys: building", keys->name);
    pt_stream_make(&streams[S_HOT], keys, queries);
    pt_stream_scatter(&streams[S_SCATTERED], &streams[S_HOT]);
    streams[S_CHAINED] = streams[S_HOT];
    size_t count = s_build_entrants(keys, report, entrants);
    //  A round to warm up, whose figures are thrown away.
    s_run_round(entrants, count, keys, streams);
    for (size_t i = 0; i < count; i++)
        s_clear_series(&entrants[i]);
    for (unsigned round = 0; round < options->common.rounds; round++) {
        pt_bench_progress(&options->common, "%s keys: round %u of %u", keys->name, round + 1, options->common.rounds);
        s_run_round(entrants, count, keys, streams);
    }
    for (size_t i = 0; i < count; i++) {
        s_add_row(table, keys, &entrants[i]);
        s_clear_series(&entrants[i]);
        entrants[i].contender->destroy(entrants[i].table);
    }
    pt_stream_clear(&streams[S_HOT]);
    pt_stream_clear(&streams[S_SCATTERED]);
}

static const pt_column_t s_classify_columns[] = {
    {"contender", "contender", PT_COLUMN_TEXT},
    {"median_ns", "median ns", 1},
    {"p99_ns", "p99 ns", 1},
    {"ratio", "ratio", 2},
    {NULL, NULL, 0},
};

//  The catalog answers with a group of rows where the others answer with a key. Each key must have
//  one group, and no group an unknown key. Returns what the catalog's answers add up to.
static uint64_t
s_check_groups(const pt_keys_t *keys, const pt_triple_t *triples, size_t count, uint64_t *out_sum)
{
    uint32_t *group_of = pt_bench_alloc(keys->count * sizeof(*group_of));
    uint64_t ours_sum = 0;
    *out_sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t key = pt_joined_find(keys, &triples[i]);
        uint32_t group = pt_classify(pt_classify_table(), &triples[i]);
        if ((key == PT_KEY_NONE) != (group == PT_KEY_NONE) ||
            (key != PT_KEY_NONE && group_of[key] && group_of[key] != group + 1)) {
            fprintf(stderr, "pt_bench_catalog: %.*s, %.*s, %.*s: the catalog says group %u, a search key %u\n",
                    (int) triples[i].provider.len, triples[i].provider.data, (int) triples[i].operation.len,
                    triples[i].operation.data, (int) triples[i].code.len, triples[i].code.data, group, key);
            exit(1);
        }
        if (key != PT_KEY_NONE)
            group_of[key] = group + 1;
        *out_sum += key;
        ours_sum += group;
    }
    free(group_of);
    return ours_sum;
}

static double
s_run_triples(s_entrant_t *self, const pt_triple_t *triples, size_t count, uint64_t *out_sum)
{
    pt_series_t round = {0};
    *out_sum = 0;
    for (size_t at = 0; at < count; at += S_BLOCK) {
        uint64_t start = pt_bench_now_ns();
        *out_sum += self->contender->classify(self->table, triples + at, S_BLOCK);
        double ns = (double) (pt_bench_now_ns() - start) / S_BLOCK;
        pt_series_add(&round, ns);
        pt_series_add(&self->blocks[S_HOT], ns);
    }
    double median = pt_series_median(&round);
    pt_series_clear(&round);
    return median;
}

static void
s_measure_classify(const s_options_t *options, pt_report_t *report)
{
    pt_keys_t keys;
    pt_joined_load(&keys);
    size_t count = options->common.is_short ? S_QUERIES_SHORT : S_QUERIES;
    pt_triple_t *triples = pt_joined_draw(&keys, count);
    uint64_t expected;
    uint64_t expected_ours = s_check_groups(&keys, triples, count, &expected);
    s_entrant_t entrants[S_CLASSIFIERS] = {0};
    for (size_t i = 0; i < S_CLASSIFIERS; i++) {
        entrants[i].contender = s_classifiers[i];
        entrants[i].table = s_classifiers[i]->build(&keys);
        if (!entrants[i].table)
            s_fail_answer(s_classifiers[i]->name, keys.name, "building");
    }
    //  The first round warms up.
    for (unsigned round = 0; round <= options->common.rounds; round++) {
        double first = 0;
        for (size_t i = 0; i < S_CLASSIFIERS; i++) {
            uint64_t sum;
            double median = s_run_triples(&entrants[i], triples, count, &sum);
            if (sum != (i == 0 ? expected_ours : expected))
                s_fail_answer(entrants[i].contender->name, keys.name, "classify");
            first = i == 0 ? median : first;
            if (round == 0) {
                pt_series_clear(&entrants[i].blocks[S_HOT]);
                continue;
            }
            pt_series_add(&entrants[i].rounds[S_HOT], median);
            pt_series_add(&entrants[i].ratios[S_HOT], median / first);
        }
    }
    pt_table_t *table = pt_report_table(
        report, "classify", "Provider, operation and code as three strings; rivals join them", s_classify_columns);
    for (size_t i = 0; i < S_CLASSIFIERS; i++) {
        json_t *row = pt_table_row(table);
        pt_row_text(row, "contender", entrants[i].contender->name);
        pt_row_number(row, "median_ns", pt_series_median(&entrants[i].rounds[S_HOT]));
        pt_row_number(row, "p99_ns", pt_series_percentile(&entrants[i].blocks[S_HOT], 99));
        pt_row_number(row, "ratio", pt_series_median(&entrants[i].ratios[S_HOT]));
        s_clear_series(&entrants[i]);
        entrants[i].contender->destroy(entrants[i].table);
    }
    free(triples);
    pt_keys_clear(&keys);
}

static void
s_note_absent(pt_report_t *report)
{
    (void) report;
#ifndef PT_BENCH_GPERF
    pt_report_note(report, "gperf: skipped, it was not installed when this was built (package gperf)");
#endif
#ifndef PT_BENCH_UTHASH
    pt_report_note(report, "uthash: skipped, it was not installed when this was built (package uthash-dev)");
#endif
#ifndef PT_BENCH_CMPH
    pt_report_note(report, "CMPH: skipped, it was not installed when this was built (package libcmph-dev)");
#endif
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 'k':
        options->keys_max = pt_bench_parse_number(state, "--keys", arg, 0, 1000000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option s_argp_options[] = {
    {"keys", 'k', "N", 0, "leave out made-up catalogs of more than N keys (default 1000000; --short: 10000)", 1},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    .options = s_argp_options,
    .parser = s_parse_option,
    .doc = "Time look-ups in the catalog beside gperf, CMPH and hash tables, on the same queries in the same "
           "run.\v"
           "real: `provider/code` of the built-in catalog; joined: also `provider/operation/code`; others are "
           "made up. hot: one copy of each key, or with many keys their bytes in the order of asking. "
           "scattered: each key at a random place of 64 MiB. dependent: each look-up waits for the one before. "
           "ratio: a contender's time over paytriage's single look-up, so above 1 is slower; the median of the "
           "rounds' ratios.\n\n"
           "Examples:\n"
           "  pt_bench_catalog\n"
           "  pt_bench_catalog --keys 0        # only the real keys: some seconds\n"
           "  pt_bench_catalog --json > catalog.json\n\n"
           "Exit: 0 measured, 1 a contender gave a wrong answer, 64 a bad option.",
    .children = s_children};

int
main(int argc, char **argv)
{
    static const size_t sizes[] = {10000, 100000, 1000000};
    s_options_t options = {.common = {.rounds = 9}, .keys_max = SIZE_MAX};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    if (options.keys_max == SIZE_MAX)
        options.keys_max = options.common.is_short ? 10000 : 1000000;
    size_t size_count = 0;
    while (size_count < 3 && sizes[size_count] <= options.keys_max)
        size_count++;

    pt_report_t *report = pt_report_new("pt_bench_catalog");
    pt_report_count(report, "rounds", options.common.rounds);
    pt_report_count(report, "queries", options.common.is_short ? S_QUERIES_SHORT : S_QUERIES);
    pt_report_count(report, "unknown_percent", 5);
    s_note_absent(report);
    pt_table_t *table = pt_report_table(report, "lookup", "One look-up", s_columns);
    pt_keys_t keys;
    pt_keys_load_builtin(&keys);
    pt_report_count(report, "real_keys", keys.count);
    s_measure_keys(&options, &keys, report, table);
    pt_keys_clear(&keys);
    pt_joined_load(&keys);
    s_measure_keys(&options, &keys, report, table);
    pt_keys_clear(&keys);
    s_measure_classify(&options, report);
    pt_bench_templates(&options.common, report);
    for (size_t i = 0; i < size_count; i++) {
        pt_keys_make(&keys, sizes[i]);
        s_measure_keys(&options, &keys, report, table);
        pt_keys_clear(&keys);
    }
    if (size_count)
        pt_bench_images(&options.common, report, sizes, size_count);
    return pt_report_finish(&report, &options.common);
}
