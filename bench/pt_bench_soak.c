/*  pt_bench_soak: the bus under full load for long, and what memory its processes have come to meanwhile.
 *
 *  A closed loop of many millions of responses, every one accounted for. Broker and worker may grow while
 *  tables and buffers find their size; from the first mark on they may not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "pt_bench.h"
#include "pt_chain.h"
#include "pt_drive.h"
#include "pt_report.h"
#include "pt_sockets.h"

//  Where memory is looked at, in percent of all responses. The first one ends the time to warm up.
static const unsigned s_percents[] = {1, 2, 5, 10, 20, 50, 100};
#define S_MARKS (sizeof(s_percents) / sizeof(s_percents[0]))

enum { S_KEY_PAYTRIAGE = 256, S_KEY_DURABLE, S_KEY_GROWTH };

typedef struct {
    pt_bench_options_t common;
    pt_chain_transport_t transport;
    unsigned batch, threads;
    uint64_t responses;
    uint64_t growth_kib; //  that is allowed after the first mark
    const char *durable;
    const char *paytriage;
    pt_mix_files_t files;
} s_options_t;

typedef struct {
    double seconds;
    uint64_t responses;
    pt_chain_cost_t cost;
} s_sample_t;

typedef struct {
    const s_options_t *options;
    pt_payloads_t payloads;
    const pt_chain_t *chain;
    uint64_t marks[S_MARKS];
    s_sample_t samples[S_MARKS];
    size_t count;
} s_soak_t;

static void
s_take_sample(void *context, uint64_t responses, double seconds)
{
    s_soak_t *self = context;
    self->samples[self->count++] =
        (s_sample_t) {.seconds = seconds, .responses = responses, .cost = pt_chain_cost(self->chain)};
    pt_bench_progress(&self->options->common, "%" PRIu64 " of %" PRIu64 " responses, %.0f s", responses,
                      self->options->responses, seconds);
}

static void
s_set_marks(s_soak_t *self)
{
    for (size_t i = 0; i < S_MARKS; i++)
        self->marks[i] = (self->options->responses * s_percents[i] + 99) / 100;
}

//  Drive all responses through a chain.
static bool
s_run(s_soak_t *self, pt_drive_result_t *result)
{
    const s_options_t *options = self->options;
    char threads[16];
    snprintf(threads, sizeof(threads), "%u", options->threads);
    pt_chain_worker_t worker = {.name = "paytriage",
                                .kind = PT_CHAIN_PAYTRIAGE,
                                .command = {options->paytriage, "worker", "--threads", threads},
                                .journal_in = options->durable};
    if (!options->durable) {
        worker.command[4] = "--journal";
        worker.command[5] = "none";
    }
    pt_chain_options_t chain_options = {.paytriage = options->paytriage,
                                        .transport = options->transport,
                                        .worker = &worker,
                                        .payloads = &self->payloads};
    pt_chain_t *chain = pt_chain_new(&chain_options);
    if (!chain)
        return false;
    self->chain = chain;
    pt_drive_options_t drive_options = {
        .front = pt_chain_front(chain), .payloads = &self->payloads, .producers = 4, .window = 64};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        drive_options.publish[queue] = pt_chain_endpoint(chain, (pt_queue_t) queue);
    pt_drive_t *drive = pt_drive_new(&drive_options);
    bool is_good =
        drive && pt_drive_connect(drive) && pt_drive_counted(drive, self->marks, S_MARKS, s_take_sample, self, result);
    pt_drive_destroy(&drive);
    return pt_chain_destroy(&chain) && is_good;
}

static const pt_column_t s_columns[] = {
    {"responses", "responses", 0},
    {"seconds", "seconds", 1},
    {"responses_per_s", "responses/s", 0},
    {"worker_kib", "worker KiB", 0},
    {"worker_anonymous_kib", "of it anonymous", 0},
    {"broker_kib", "broker KiB", 0},
    {"broker_anonymous_kib", "of it anonymous", 0},
    {"worker_cpu_s", "worker CPU s/M", 3},
    {NULL, NULL, 0},
};

static void
s_add_rows(const s_soak_t *self, pt_table_t *table)
{
    s_sample_t before = {.seconds = 0};
    for (size_t i = 0; i < self->count; i++) {
        const s_sample_t *sample = &self->samples[i];
        double responses = (double) (sample->responses - before.responses);
        json_t *row = pt_table_row(table);
        pt_row_number(row, "responses", (double) sample->responses);
        pt_row_number(row, "seconds", sample->seconds);
        pt_row_number(row, "responses_per_s", responses / (sample->seconds - before.seconds));
        pt_row_number(row, "worker_kib", sample->cost.worker.resident);
        pt_row_number(row, "worker_anonymous_kib", sample->cost.worker.anonymous);
        pt_row_number(row, "broker_kib", sample->cost.broker.resident);
        pt_row_number(row, "broker_anonymous_kib", sample->cost.broker.anonymous);
        if (i)
            pt_row_number(row, "worker_cpu_s", (sample->cost.worker_s - before.cost.worker_s) / responses * 1e6);
        before = *sample;
    }
}

//  Whether a process has kept its size since the first mark.
static bool
s_is_flat(const s_soak_t *self, const char *name, double first_kib, double last_kib)
{
    if (last_kib - first_kib <= (double) self->options->growth_kib)
        return true;
    fprintf(stderr, "pt_bench_soak: the %s grew by %.0f KiB from %" PRIu64 " responses on; %" PRIu64 " are allowed\n",
            name, last_kib - first_kib, self->samples[0].responses, self->options->growth_kib);
    return false;
}

static bool
s_judge(const s_soak_t *self)
{
    if (self->count < S_MARKS)
        return false;
    const pt_chain_cost_t *first = &self->samples[0].cost;
    const pt_chain_cost_t *last = &self->samples[S_MARKS - 1].cost;
    bool is_flat = s_is_flat(self, "worker", first->worker.anonymous, last->worker.anonymous);
    return s_is_flat(self, "broker", first->broker.anonymous, last->broker.anonymous) && is_flat;
}

//  Options that are only kept.
static const pt_plain_t s_plain[] = {
    {'R', PT_PLAIN_LARGE, offsetof(s_options_t, responses), "--responses", 1000, UINT64_C(1000000000000)},
    {'b', PT_PLAIN_NUMBER, offsetof(s_options_t, batch), "--batch", 1, PT_BATCH_COUNT_MAX},
    {'T', PT_PLAIN_NUMBER, offsetof(s_options_t, threads), "--threads", 1, 256},
    {S_KEY_GROWTH, PT_PLAIN_LARGE, offsetof(s_options_t, growth_kib), "--growth-kib", 0, UINT32_MAX},
    {S_KEY_DURABLE, PT_PLAIN_TEXT, offsetof(s_options_t, durable), NULL, 0, 0},
    {S_KEY_PAYTRIAGE, PT_PLAIN_TEXT, offsetof(s_options_t, paytriage), NULL, 0, 0},
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
    case 't':
        if (strcmp(arg, "ipc") != 0 && strcmp(arg, "tcp") != 0)
            argp_error(state, "--transport: '%s' is neither ipc nor tcp", arg);
        options->transport = strcmp(arg, "ipc") == 0 ? PT_TRANSPORT_IPC : PT_TRANSPORT_TCP;
        return 0;
    default:
        return pt_bench_parse_plain(s_plain, key, arg, state);
    }
}

static const struct argp_option s_argp_options[] = {
    {0, 0, 0, 0, "What to run:", 1},
    {"responses", 'R', "N", 0, "how many (default 100000000; --short: 50000)", 1},
    {"transport", 't', "ipc|tcp", 0, "between the processes (default tcp)", 1},
    {"batch", 'b', "N", 0, "responses a batch (default 256)", 1},
    {"threads", 'T', "N", 0, "threads that classify (default 1)", 1},
    {"durable", S_KEY_DURABLE, "DIRECTORY", 0, "with a journal there, of 512 MiB, which is soon full and trims", 1},
    {"growth-kib", S_KEY_GROWTH, "N", 0, "what each process may grow by from 1 % on (default 16384)", 1},
    {"paytriage", S_KEY_PAYTRIAGE, "PATH", 0, "the program to measure (default: the one of this build)", 1},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {&pt_mix_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    .options = s_argp_options,
    .parser = s_parse_option,
    .args_doc = "[FILE...]",
    .doc = "Drive the whole bus at its peak for long, and show what memory broker and worker have at 1, 2, 5, "
           "10, 20, 50 and 100 percent. Every response is accounted for, or the run fails.\v"
           "One run; there are no rounds. What may not grow is anonymous memory: pages of files, as a "
           "journal's, are the kernel's to take back. Batches on their way come and go by some MiB, which "
           "--growth-kib has to leave room for; of 100 million responses, a leak of one byte in six is more "
           "than the default. FILEs hold responses as JSON Lines; default: the recorded answers.\n\n"
           "Example:\n"
           "  pt_bench_soak --responses 1000000000 --durable /var/lib/paytriage\n\n"
           "Exit: 0 all flat, 1 a process grew or a response was not accounted for, 64 a bad option, 65 a bad "
           "line, 66 no such file.",
    .children = s_children};

static void
s_describe_run(const s_options_t *options, pt_report_t *report)
{
    pt_report_count(report, "responses", options->responses);
    pt_report_run(report, "transport", json_string(pt_chain_transport_text(options->transport)));
    pt_report_count(report, "batch", options->batch);
    pt_report_count(report, "threads", options->threads);
    pt_report_run(report, "journal", json_boolean(options->durable != NULL));
    pt_report_count(report, "growth_kib", options->growth_kib);
}

int
main(int argc, char **argv)
{
    s_options_t options = {.transport = PT_TRANSPORT_TCP,
                           .batch = 256,
                           .threads = 1,
                           .growth_kib = 16384,
                           .paytriage = PT_BENCH_PAYTRIAGE};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    if (!options.responses)
        options.responses = options.common.is_short ? 50000 : 100000000;
    pt_process_watch_signals();
    if (pt_sockets_init() != PT_OK) {
        perror(program_invocation_short_name);
        return EX_OSERR;
    }
    pt_mix_t mix;
    s_soak_t *soak = pt_bench_alloc(sizeof(*soak));
    pt_drive_result_t *result = pt_bench_alloc(sizeof(*result));
    soak->options = &options;
    pt_mix_load(&mix, &options.files, false);
    pt_payloads_make(&soak->payloads, &mix, options.batch);
    s_set_marks(soak);
    bool is_good = s_run(soak, result);
    pt_bench_progress_end(&options.common);
    pt_report_t *report = pt_report_new("pt_bench_soak");
    s_describe_run(&options, report);
    pt_report_count(report, "accounted_for", result->responses);
    s_add_rows(soak, pt_report_table(report, "soak", "Memory as responses go by", s_columns));
    //  Also what was seen before it failed.
    int code = pt_report_finish(&report, &options.common);
    is_good = s_judge(soak) && is_good;
    pt_payloads_clear(&soak->payloads);
    pt_mix_clear(&mix);
    free(result);
    free(soak);
    return is_good ? code : 1;
}
