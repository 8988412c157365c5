/*  pt_bench_journal: what it costs to make decisions durable, beside bytes that are written and flushed.
 *
 *  The journal's own code commits jobs as its stage gets them, without sockets and threads around it: one commit
 *  alone, which is synced before it is told, and commits in a row, each of which is synced by the next. The raw
 *  logs write the same bytes. All take turns commit by commit, so the disk is equally slow for all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pt_bench.h"
#include "pt_commits.h"
#include "pt_journal_log.h"
#include "pt_process.h"
#include "pt_raw_log.h"
#include "pt_report.h"

#define S_SIZES_MAX 8
#define S_DECISIONS_MAX 65536

//  Of a journal's file between two commits.
#define S_PREPARE_BYTES (1u << 20)

//  The journal's two ways, and each kind of raw log.
enum { S_ALONE, S_IN_A_ROW, S_JOURNALS };
#define S_CONTENDERS (S_JOURNALS + PT_RAW_WAYS)
#define S_APPEND (S_JOURNALS + PT_RAW_APPEND)

typedef struct {
    pt_bench_options_t common;
    uint32_t sizes[S_SIZES_MAX]; //  decisions a commit
    size_t size_count;
    uint32_t batch;
    unsigned commits; //  of each contender in a round
    uint64_t mib;     //  of the journal's file
    const char *directory;
    pt_mix_files_t files;
} s_options_t;

//  What one contender's commits of one size have cost.
typedef struct {
    pt_series_t all_ns, cpu_ns; //  of each commit
    pt_series_t round_ns;       //  of the round under way
    pt_series_t ratio;          //  of each round's median to that of `append`
} s_cost_t;

typedef struct {
    const s_options_t *options;
    pt_commits_t commits;
    pt_scratch_t folder;
    pt_journal_log_t journals[S_JOURNALS];
    pt_raw_log_t raw[PT_RAW_WAYS];
    uint64_t raw_bytes; //  that each of them was given
    s_cost_t costs[S_CONTENDERS];
} s_bench_t;

static uint64_t
s_cpu_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (uint64_t) spent.tv_sec * 1000000000u + (uint64_t) spent.tv_nsec;
}

static bool
s_commit_one(s_bench_t *self, unsigned contender, const pt_gathered_t *gathered)
{
    if (contender < S_JOURNALS)
        return pt_journal_log_commit(&self->journals[contender], gathered, contender == S_ALONE);
    return pt_raw_log_commit(&self->raw[contender - S_JOURNALS], gathered->bytes);
}

static bool
s_time_commit(s_bench_t *self, unsigned contender, const pt_gathered_t *gathered)
{
    s_cost_t *cost = &self->costs[contender];
    uint64_t cpu_ns = s_cpu_ns();
    uint64_t start_ns = pt_bench_now_ns();
    bool is_good = s_commit_one(self, contender, gathered);
    uint64_t end_ns = pt_bench_now_ns();
    pt_series_add(&cost->cpu_ns, (double) (s_cpu_ns() - cpu_ns));
    pt_series_add(&cost->all_ns, (double) (end_ns - start_ns));
    pt_series_add(&cost->round_ns, (double) (end_ns - start_ns));
    return is_good;
}

//  As an idle moment does it, beside the figures.
static bool
s_prepare(s_bench_t *self)
{
    bool is_good = true;
    for (unsigned k = 0; k < S_JOURNALS && is_good; k++)
        is_good = pt_journal_log_prepare(&self->journals[k], S_PREPARE_BYTES);
    return is_good;
}

//  One round: all contenders by turns, and another one first each time.
static bool
s_run_round(s_bench_t *self)
{
    bool is_good = true;
    for (unsigned i = 0; i < self->options->commits && is_good; i++) {
        const pt_gathered_t *gathered = &self->commits.gathered[i % PT_COMMITS];
        for (unsigned k = 0; k < S_CONTENDERS && is_good; k++)
            is_good = s_time_commit(self, (i + k) % S_CONTENDERS, gathered);
        self->raw_bytes += gathered->bytes.len;
        is_good = is_good && s_prepare(self);
    }
    double append = pt_series_median(&self->costs[S_APPEND].round_ns);
    for (unsigned k = 0; k < S_CONTENDERS; k++) {
        pt_series_add(&self->costs[k].ratio, pt_series_median(&self->costs[k].round_ns) / append);
        pt_series_clear(&self->costs[k].round_ns);
    }
    return is_good;
}

//  Everything once, so that the journal has its topics and the files their places.
static bool
s_warm_up(s_bench_t *self)
{
    bool is_good = true;
    for (unsigned i = 0; i < PT_COMMITS && is_good; i++) {
        for (unsigned k = 0; k < S_CONTENDERS && is_good; k++)
            is_good = s_commit_one(self, k, &self->commits.gathered[i]);
        self->raw_bytes += self->commits.gathered[i].bytes.len;
    }
    return is_good;
}

static bool
s_open(s_bench_t *self)
{
    if (!pt_scratch_make(&self->folder, self->options->directory))
        return false;
    for (unsigned k = 0; k < S_JOURNALS; k++)
        if (!pt_journal_log_open(&self->journals[k], self->folder.path, k, self->options->mib << 20))
            return false;
    for (int way = 0; way < PT_RAW_WAYS; way++)
        if (!pt_raw_log_open(&self->raw[way], (pt_raw_way_t) way, self->folder.path))
            return false;
    return true;
}

static void
s_close(s_bench_t *self)
{
    for (int way = 0; way < PT_RAW_WAYS; way++)
        pt_raw_log_close(&self->raw[way]);
    for (unsigned k = 0; k < S_JOURNALS; k++)
        pt_journal_log_close(&self->journals[k]);
    pt_scratch_remove(&self->folder);
}

//  And all of it reached the raw logs.
static bool
s_check(s_bench_t *self)
{
    bool is_good = true;
    for (unsigned k = 0; k < S_JOURNALS; k++)
        is_good = pt_journal_log_check(&self->journals[k]) && is_good;
    for (int way = 0; way < PT_RAW_WAYS; way++)
        is_good = is_good && self->raw[way].written == self->raw_bytes;
    return is_good;
}

static const char *
s_contender_text(unsigned contender)
{
    static const char *const texts[S_JOURNALS] = {"journal", "journal, in a row"};
    return contender < S_JOURNALS ? texts[contender] : pt_raw_way_text((pt_raw_way_t) (contender - S_JOURNALS));
}

static const pt_column_t s_columns[] = {
    {"decisions", "decisions", 0},
    {"contender", "contender", PT_COLUMN_TEXT},
    {"commit_bytes", "bytes", 0},
    {"p50_us", "commit p50 us", 1},
    {"p99_us", "p99", 1},
    {"max_us", "max", 1},
    {"cpu_us", "CPU us", 1},
    {"decision_ns", "ns/decision", 0},
    {"mb_per_s", "MB/s", 2},
    {"ratio", "of append", 2},
    {NULL, NULL, 0},
};

static void
s_add_row(s_bench_t *self, pt_table_t *table, unsigned contender)
{
    s_cost_t *cost = &self->costs[contender];
    double decisions = self->commits.gathered[0].decisions;
    double bytes = (double) self->commits.bytes / PT_COMMITS;
    double median_ns = pt_series_median(&cost->all_ns);
    json_t *row = pt_table_row(table);
    pt_row_number(row, "decisions", decisions);
    pt_row_text(row, "contender", s_contender_text(contender));
    pt_row_number(row, "commit_bytes", bytes);
    pt_row_number(row, "p50_us", median_ns / 1000);
    pt_row_number(row, "p99_us", pt_series_percentile(&cost->all_ns, 99) / 1000);
    pt_row_number(row, "max_us", pt_series_percentile(&cost->all_ns, 100) / 1000);
    pt_row_number(row, "cpu_us", pt_series_median(&cost->cpu_ns) / 1000);
    pt_row_number(row, "decision_ns", median_ns / decisions);
    pt_row_number(row, "mb_per_s", bytes / median_ns * 1000);
    pt_row_number(row, "ratio", pt_series_median(&cost->ratio));
}

static void
s_clear_costs(s_bench_t *self)
{
    for (unsigned k = 0; k < S_CONTENDERS; k++) {
        pt_series_clear(&self->costs[k].all_ns);
        pt_series_clear(&self->costs[k].cpu_ns);
        pt_series_clear(&self->costs[k].round_ns);
        pt_series_clear(&self->costs[k].ratio);
    }
}

//  All rounds of one size, in files of their own.
static bool
s_measure_size(const s_options_t *options, const pt_mix_t *mix, uint32_t decisions, pt_table_t *table)
{
    s_bench_t *self = pt_bench_alloc(sizeof(*self));
    self->options = options;
    for (int way = 0; way < PT_RAW_WAYS; way++)
        self->raw[way].data_fd = self->raw[way].mark_fd = -1;
    pt_commits_make(&self->commits, mix, decisions, options->batch);
    bool is_good = s_open(self) && s_warm_up(self);
    for (unsigned round = 0; round < options->common.rounds && is_good; round++) {
        pt_bench_progress(&options->common, "%u decisions a commit: round %u of %u", decisions, round + 1,
                          options->common.rounds);
        is_good = s_run_round(self);
    }
    is_good = is_good && s_check(self);
    for (unsigned k = 0; k < S_CONTENDERS && is_good; k++)
        s_add_row(self, table, k);
    s_close(self);
    s_clear_costs(self);
    pt_commits_clear(&self->commits);
    free(self);
    return is_good;
}

static void
s_parse_sizes(struct argp_state *state, char *text, s_options_t *options)
{
    options->size_count = 0;
    for (char *word = strsep(&text, ","); word; word = strsep(&text, ",")) {
        if (options->size_count == S_SIZES_MAX)
            argp_error(state, "--decisions: at most %d", S_SIZES_MAX);
        options->sizes[options->size_count++] =
            (uint32_t) pt_bench_parse_number(state, "--decisions", word, 1, S_DECISIONS_MAX);
    }
}

//  Options that are only kept.
static const pt_plain_t s_plain[] = {
    {'d', PT_PLAIN_TEXT, offsetof(s_options_t, directory), NULL, 0, 0},
    {'b', PT_PLAIN_NUMBER, offsetof(s_options_t, batch), "--batch", 1, PT_BATCH_COUNT_MAX},
    {'c', PT_PLAIN_NUMBER, offsetof(s_options_t, commits), "--commits", 1, 1000000},
    {'m', PT_PLAIN_LARGE, offsetof(s_options_t, mib), "--mib", PT_STORE_BYTES_MIN >> 20, 1 << 20},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        state->child_inputs[1] = &options->files;
        return 0;
    case 'N':
        s_parse_sizes(state, arg, options);
        return 0;
    case ARGP_KEY_END:
        //  As many jobs as the journal's stage takes into one commit at most.
        for (size_t i = 0; i < options->size_count; i++)
            if (options->sizes[i] > (uint64_t) options->batch * PT_JOURNAL_JOBS_MAX)
                argp_error(state, "--decisions: %u in batches of %u are more than %d batches", options->sizes[i],
                           options->batch, PT_JOURNAL_JOBS_MAX);
        return 0;
    default:
        return pt_bench_parse_plain(s_plain, key, arg, state);
    }
}

static const struct argp_option s_argp_options[] = {
    {0, 0, 0, 0, "What to run:", 1},
    {"directory", 'd', "DIRECTORY", 0, "on the disk to be measured (default: the one at hand)", 1},
    {"decisions", 'N', "LIST", 0, "decisions a commit (default 1,16,256)", 1},
    {"batch", 'b', "N", 0, "decisions a batch (default 4096, which makes a commit one batch)", 1},
    {"commits", 'c', "N", 0, "commits of each contender in a round (default 100; --short: 3)", 1},
    {"mib", 'm', "N", 0, "size of the journal's file in MiB (default 1024); a small one is soon full and trims", 1},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {&pt_mix_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    .options = s_argp_options,
    .parser = s_parse_option,
    .args_doc = "[FILE...]",
    .doc = "Time commits of the journal, beside the same bytes written and flushed. All decisions are found "
           "again, or the run fails.\v"
           "\"journal\" is one commit until it is durable; \"journal, in a row\" one of many behind each other, "
           "where each waits for the disk once, for its own data and for what makes the one before count: what "
           "a worker does whose journal is busy. \"append\" writes the bytes behind each other and flushes the "
           "file (fdatasync); \"in place\" writes over what a file has already, which spares the file system a "
           "note of the new length; \"in place, marked\" then also writes and flushes one page, as any store "
           "must that points to what it has written. None of these has a checksum, an index, or the numbers of "
           "producers and topics. \"of append\" is the median of the rounds' ratios. FILEs hold responses as "
           "JSON Lines; default: the recorded answers, of which settled ones are left out.\n\n"
           "Examples:\n"
           "  pt_bench_journal --directory /var/lib/paytriage\n"
           "  pt_bench_journal --decisions 256 --batch 1 --mib 16\n\n"
           "Exit: 0 measured, 1 a commit failed or was not found again, 64 a bad option, 65 a bad line, 66 no "
           "such file.",
    .children = s_children};

static void
s_describe_run(const s_options_t *options, pt_report_t *report)
{
    pt_report_count(report, "rounds", options->common.rounds);
    pt_report_count(report, "commits", options->commits);
    pt_report_count(report, "batch", options->batch);
    pt_report_count(report, "journal_mib", options->mib);
}

int
main(int argc, char **argv)
{
    s_options_t options = {.common = {.rounds = 9},
                           .sizes = {1, 16, 256},
                           .size_count = 3,
                           .batch = PT_BATCH_COUNT_MAX,
                           .mib = PT_STORE_BYTES_DEFAULT >> 20,
                           .directory = "."};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    if (!options.commits)
        options.commits = options.common.is_short ? 3 : 100;
    pt_process_watch_signals();
    pt_mix_t mix;
    pt_mix_load(&mix, &options.files, false);
    pt_report_t *report = pt_report_new("pt_bench_journal");
    s_describe_run(&options, report);
    pt_table_t *table = pt_report_table(report, "commit", "One commit, until it is durable", s_columns);
    bool is_good = true;
    for (size_t i = 0; i < options.size_count && is_good; i++)
        is_good = s_measure_size(&options, &mix, options.sizes[i], table);
    pt_bench_progress_end(&options.common);
    int code = is_good ? pt_report_finish(&report, &options.common) : 1;
    pt_report_destroy(&report);
    pt_mix_clear(&mix);
    return code;
}
