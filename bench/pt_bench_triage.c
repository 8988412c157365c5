/*  pt_bench_triage: what one response costs, without sockets: decode, extract, look up, decide, encode.
 *
 *  The stages are timed one after another over blocks of responses, so that a reading of the clock
 *  is shared by a block; the whole is what the worker calls. Both run on the same responses, in the
 *  same random order, which is longer than a branch predictor can learn.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_allocations.h"
#include "pt_bench.h"
#include "pt_histogram.h"
#include "pt_instructions.h"
#include "pt_mix.h"
#include "pt_report.h"
#include "pt_stages.h"

//  Draws of one round.
#define S_DRAWS 16384
#define S_DRAWS_SHORT 512

typedef struct {
    pt_bench_options_t common;
    pt_mix_files_t files;
    int form;        //  -1: both
    bool only_whole; //  for profilers
} s_options_t;

typedef struct {
    const s_options_t *options;
    pt_mix_t mix;
    pt_stages_t stages;
    uint32_t *draws[PT_FORM_COUNT_];
    size_t draw_count;
    uint64_t clock_cost_ns;
    int counter; //  of instructions; -1: none
} s_bench_t;

//  What is known of one stage of one form.
typedef struct {
    pt_series_t blocks; //  ns per response of each block, all rounds
    pt_series_t rounds; //  medians of the blocks of one round
    uint64_t instructions;
    uint64_t allocations;
    uint64_t responses;
} s_result_t;

static void
s_measure_stage(s_bench_t *self, pt_stage_t stage, pt_form_t form, const uint32_t *draws, s_result_t *result,
                pt_series_t *round)
{
    uint64_t allocations = pt_allocations_count();
    uint64_t instructions = pt_instructions_read(self->counter);
    uint64_t start = pt_bench_now_ns();
    pt_stages_run(&self->stages, stage, form, draws);
    uint64_t spent = pt_bench_now_ns() - start;
    result->instructions += pt_instructions_read(self->counter) - instructions;
    result->allocations += pt_allocations_count() - allocations;
    result->responses += PT_STAGES_BLOCK;
    double ns = (double) (spent > self->clock_cost_ns ? spent - self->clock_cost_ns : 0) / PT_STAGES_BLOCK;
    pt_series_add(round, ns);
    pt_series_add(&result->blocks, ns);
}

//  The whole, response by response: not what they cost together, but how their costs are spread.
static void
s_run_singly(s_bench_t *self, pt_form_t form, pt_histogram_t *singles)
{
    for (size_t at = 0; at < self->draw_count; at++) {
        pt_bytes_t bytes = self->mix.answers[self->draws[form][at]].forms[form];
        uint64_t start = pt_bench_now_ns();
        pt_stages_triage(&self->stages, bytes);
        uint64_t spent = pt_bench_now_ns() - start;
        pt_histogram_add(singles, spent > self->clock_cost_ns ? spent - self->clock_cost_ns : 0);
    }
}

static void
s_run_round(s_bench_t *self, pt_form_t form, s_result_t results[PT_STAGE_COUNT_])
{
    pt_series_t rounds[PT_STAGE_COUNT_] = {0};
    for (size_t at = 0; at + PT_STAGES_BLOCK <= self->draw_count; at += PT_STAGES_BLOCK) {
        const uint32_t *draws = self->draws[form] + at;
        s_measure_stage(self, PT_STAGE_WHOLE, form, draws, &results[PT_STAGE_WHOLE], &rounds[PT_STAGE_WHOLE]);
        if (self->options->only_whole)
            continue;
        for (pt_stage_t stage = PT_STAGE_DECODE; stage < PT_STAGE_WHOLE; stage++)
            s_measure_stage(self, stage, form, draws, &results[stage], &rounds[stage]);
        pt_stages_release(&self->stages);
    }
    for (int stage = 0; stage < PT_STAGE_COUNT_; stage++) {
        if (rounds[stage].count)
            pt_series_add(&results[stage].rounds, pt_series_median(&rounds[stage]));
        pt_series_clear(&rounds[stage]);
    }
}

static const pt_column_t s_columns[] = {
    {"body", "body", PT_COLUMN_TEXT},
    {"stage", "stage", PT_COLUMN_TEXT},
    {"median_ns", "median ns", 1},
    {"p99_ns", "p99 ns", 1},
    {"instructions", "instr", 0},
    {"allocations", "allocs", 2},
    {NULL, NULL, 0},
};

static void
s_add_results(const s_bench_t *self, pt_table_t *table, pt_form_t form, s_result_t results[PT_STAGE_COUNT_])
{
    for (int stage = 0; stage < PT_STAGE_COUNT_; stage++) {
        s_result_t *result = &results[stage];
        if (!result->responses)
            continue;
        json_t *row = pt_table_row(table);
        pt_row_text(row, "body", pt_form_text(form));
        pt_row_text(row, "stage", pt_stage_text((pt_stage_t) stage));
        pt_row_number(row, "median_ns", pt_series_median(&result->rounds));
        pt_row_number(row, "p99_ns", pt_series_percentile(&result->blocks, 99));
        double responses = (double) result->responses;
        if (self->counter >= 0)
            pt_row_number(row, "instructions", (double) result->instructions / responses);
        if (pt_allocations_are_counted())
            pt_row_number(row, "allocations", (double) result->allocations / responses);
    }
}

static void
s_add_singles(pt_table_t *table, pt_form_t form, const pt_histogram_t *singles)
{
    json_t *row = pt_table_row(table);
    pt_row_text(row, "body", pt_form_text(form));
    pt_row_text(row, "stage", "whole, each");
    pt_row_number(row, "median_ns", (double) pt_histogram_percentile(singles, 50));
    pt_row_number(row, "p99_ns", (double) pt_histogram_percentile(singles, 99));
}

static void
s_clear_results(s_result_t results[PT_STAGE_COUNT_])
{
    for (int stage = 0; stage < PT_STAGE_COUNT_; stage++) {
        pt_series_clear(&results[stage].blocks);
        pt_series_clear(&results[stage].rounds);
    }
}

static void
s_measure_form(s_bench_t *self, pt_form_t form, pt_table_t *table)
{
    s_result_t results[PT_STAGE_COUNT_] = {0};
    pt_histogram_t *singles = pt_bench_alloc(sizeof(*singles));
    pt_stages_check(&self->stages, form);
    //  A round to warm up, whose figures are thrown away.
    s_run_round(self, form, results);
    s_clear_results(results);
    memset(results, 0, sizeof(results));
    for (unsigned round = 0; round < self->options->common.rounds; round++) {
        pt_bench_progress(&self->options->common, "%s bodies: round %u of %u", pt_form_text(form), round + 1,
                          self->options->common.rounds);
        s_run_round(self, form, results);
        if (!self->options->only_whole)
            s_run_singly(self, form, singles);
    }
    s_add_results(self, table, form, results);
    if (!self->options->only_whole)
        s_add_singles(table, form, singles);
    free(singles);
    s_clear_results(results);
}

static const pt_column_t s_gateway_columns[] = {
    {"provider", "gateway", PT_COLUMN_TEXT},
    {"answers", "answers", 0},
    {"map_bytes", "map bytes", 0},
    {"map_ns", "map ns", 1},
    {"json_bytes", "JSON bytes", 0},
    {"json_ns", "JSON ns", 1},
    {NULL, NULL, 0},
};

//  The whole for the answers of one gateway, in their order: median over the rounds.
static double
s_time_gateway(s_bench_t *self, const char *provider, pt_form_t form, size_t *out_count, size_t *out_bytes)
{
    uint32_t *draws = pt_bench_alloc((self->mix.count + PT_STAGES_BLOCK) * sizeof(*draws));
    size_t count = 0;
    *out_bytes = 0;
    for (size_t i = 0; i < self->mix.count; i++) {
        const pt_answer_t *answer = &self->mix.answers[i];
        if (strcmp(answer->provider, provider) != 0 || !answer->forms[form].len)
            continue;
        *out_bytes += answer->forms[form].len;
        draws[count++] = (uint32_t) i;
    }
    *out_count = count;
    //  The last block is filled up from the start.
    size_t filled = count;
    while (filled % PT_STAGES_BLOCK) {
        draws[filled] = draws[filled - count];
        filled++;
    }
    pt_series_t rounds = {0};
    for (unsigned round = 0; filled && round < 4 * self->options->common.rounds; round++) {
        uint64_t start = pt_bench_now_ns();
        for (size_t at = 0; at < filled; at += PT_STAGES_BLOCK)
            pt_stages_run(&self->stages, PT_STAGE_WHOLE, form, draws + at);
        pt_series_add(&rounds, (double) (pt_bench_now_ns() - start) / (double) filled);
    }
    double median = pt_series_median(&rounds);
    pt_series_clear(&rounds);
    free(draws);
    return median;
}

static void
s_add_gateways(s_bench_t *self, pt_report_t *report)
{
    pt_table_t *table = pt_report_table(report, "gateways", "The whole, gateway by gateway", s_gateway_columns);
    for (size_t i = 0; i < self->mix.count; i++) {
        const char *provider = self->mix.answers[i].provider;
        size_t before = 0;
        while (before < i && strcmp(self->mix.answers[before].provider, provider) != 0)
            before++;
        if (before < i)
            continue;
        size_t counts[PT_FORM_COUNT_];
        size_t bytes[PT_FORM_COUNT_];
        double ns[PT_FORM_COUNT_];
        for (int form = 0; form < PT_FORM_COUNT_; form++)
            ns[form] = s_time_gateway(self, provider, (pt_form_t) form, &counts[form], &bytes[form]);
        json_t *row = pt_table_row(table);
        pt_row_text(row, "provider", provider);
        pt_row_number(row, "answers", (double) counts[PT_FORM_JSON]);
        pt_row_number(row, "map_bytes", (double) bytes[PT_FORM_MAP] / (double) counts[PT_FORM_MAP]);
        pt_row_number(row, "map_ns", ns[PT_FORM_MAP]);
        pt_row_number(row, "json_bytes", (double) bytes[PT_FORM_JSON] / (double) counts[PT_FORM_JSON]);
        pt_row_number(row, "json_ns", ns[PT_FORM_JSON]);
    }
}

static void
s_describe_run(const s_bench_t *self, pt_report_t *report)
{
    pt_report_count(report, "answers", self->mix.count);
    pt_report_count(report, "draws", self->draw_count);
    pt_report_count(report, "rounds", self->options->common.rounds);
    pt_report_count(report, "block", PT_STAGES_BLOCK);
    pt_report_run(report, "map_bytes",
                  json_integer((json_int_t) (self->mix.bytes[PT_FORM_MAP] / self->mix.counts[PT_FORM_MAP])));
    pt_report_run(report, "json_bytes",
                  json_integer((json_int_t) (self->mix.bytes[PT_FORM_JSON] / self->mix.counts[PT_FORM_JSON])));
    if (self->counter < 0)
        pt_report_note(report, "instructions: no counter here (%s); bench/instructions counts with valgrind",
                       strerror(errno));
    if (!pt_allocations_are_counted())
        pt_report_note(report, "allocations: not counted under a sanitizer");
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        state->child_inputs[1] = &options->files;
        return 0;
    case 'b':
        if (strcmp(arg, "map") != 0 && strcmp(arg, "json") != 0)
            argp_error(state, "--body: '%s' is neither map nor json", arg);
        options->form = strcmp(arg, "map") == 0 ? PT_FORM_MAP : PT_FORM_JSON;
        return 0;
    case 'w':
        options->only_whole = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option s_argp_options[] = {
    {"body", 'b', "FORM", 0, "only bodies as msgpack maps (map) or as JSON text (json); default: both", 1},
    {"only-whole", 'w', NULL, 0, "only the whole, for profilers", 1},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {&pt_mix_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    .options = s_argp_options,
    .parser = s_parse_option,
    .args_doc = "[FILE...]",
    .doc = "Time what one response costs: decode, extract, look up, decide, encode, and the whole.\v"
           "Stages and whole are means over blocks of 16 responses drawn at random, and then medians and "
           "percentiles of the blocks; \"whole, each\" times response by response, so its median is a usual "
           "response, and not the few large ones.\n\n"
           "FILEs hold responses as JSON Lines, as for `paytriage classify`; without any, the recorded answers "
           "of all five gateways are used. Where a line says what it expects, that is checked first.\n\n"
           "Examples:\n"
           "  pt_bench_triage\n"
           "  pt_bench_triage --json > triage.json\n"
           "  pt_bench_triage my-gateway.jsonl\n"
           "  perf record pt_bench_triage --only-whole --body map\n\n"
           "Exit: 0 measured, 1 a decision was not the expected one, 64 a bad option, 65 a bad line, 66 no such "
           "file.",
    .children = s_children};

static void
s_open(s_bench_t *self, const s_options_t *options)
{
    *self = (s_bench_t) {.options = options};
    pt_mix_load(&self->mix, &options->files, true);
    self->draw_count = options->common.is_short ? S_DRAWS_SHORT : S_DRAWS;
    for (int form = 0; form < PT_FORM_COUNT_; form++)
        self->draws[form] = pt_mix_draw(&self->mix, (pt_form_t) form, self->draw_count);
    self->clock_cost_ns = pt_bench_clock_cost_ns();
    pt_stages_init(&self->stages, &self->mix);
    self->counter = pt_instructions_open();
}

static void
s_close(s_bench_t *self)
{
    pt_stages_clear(&self->stages);
    for (int form = 0; form < PT_FORM_COUNT_; form++)
        free(self->draws[form]);
    pt_mix_clear(&self->mix);
}

int
main(int argc, char **argv)
{
    s_options_t options = {.common = {.rounds = 15}, .form = -1};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    s_bench_t bench;
    s_open(&bench, &options);
    pt_report_t *report = pt_report_new("pt_bench_triage");
    s_describe_run(&bench, report);
    pt_table_t *table = pt_report_table(report, "stages", "One response", s_columns);
    for (int form = 0; form < PT_FORM_COUNT_; form++)
        if (options.form < 0 || options.form == form)
            s_measure_form(&bench, (pt_form_t) form, table);
    if (!options.only_whole && options.form < 0)
        s_add_gateways(&bench, report);
    int code = pt_report_finish(&report, &options.common);
    s_close(&bench);
    return code;
}
