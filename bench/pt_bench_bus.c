/*  pt_bench_bus: the whole chain, from a producer's socket through broker and worker to a subscriber's.
 *
 *  Every run starts broker and worker anew, drives one load, accounts for every response, and stops
 *  them. Contenders take turns within a round. The null worker moves the same frames and looks at
 *  nothing: what it reaches is what the sockets allow.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "pt_bench.h"
#include "pt_bus_helpers.h"
#include "pt_chain.h"
#include "pt_drive.h"
#include "pt_report.h"
#include "pt_sockets.h"

#define S_CONTENDERS_MAX 8
#define S_LIST_MAX 8
#define S_FILES_MAX 16

enum {
    S_KEY_HGRM = 256,
    S_KEY_RATE,
    S_KEY_LOAD,
    S_KEY_ALSO,
    S_KEY_PEER,
    S_KEY_PROXY,
    S_KEY_PAYTRIAGE,
    S_KEY_EACH,
    S_KEY_LOOP,
    S_KEY_PRODUCERS,
    S_KEY_DURABLE
};

typedef struct {
    unsigned values[S_LIST_MAX];
    size_t count;
} s_list_t;

typedef struct {
    pt_bench_options_t common;
    bool transports[PT_CHAIN_TRANSPORTS];
    s_list_t batches;
    s_list_t loads; //  percent of paytriage's peak
    double rate;    //  responses a second; 0: by load
    double seconds;
    unsigned workers, window, producers;
    bool runs_closed, runs_open, checks_each, with_proxy;
    const char *hgrm;
    const char *durable;
    const char *paytriage;
    pt_chain_worker_t contenders[S_CONTENDERS_MAX]; //  the first is paytriage, the second the null worker
    size_t contender_count;
    const char *files[S_FILES_MAX];
    size_t file_count;
} s_options_t;

//  What the rounds of one contender have shown under one load.
typedef struct {
    pt_series_t rate, ratio;
    pt_series_t worker_cpu, broker_cpu, driver_cpu; //  seconds for a million responses
    pt_series_t p50, p90, p50_ratio, p90_ratio;
    pt_series_t peak_kib;
    pt_histogram_t latency, ack; //  of all rounds
    uint64_t busy;
} s_result_t;

typedef struct {
    const s_options_t *options;
    pt_mix_t mix;
    pt_payloads_t payloads;
    pt_chain_transport_t transport;
    unsigned batch;
    bool failed; //  some response was not accounted for
    pt_table_t *peaks;
    pt_table_t *latencies;
} s_bench_t;

//  CPU of the chain's processes over the time that is measured.
typedef struct {
    const pt_chain_t *chain;
    pt_chain_cpu_t start, spent;
} s_meter_t;

static void
s_read_meter(void *context, bool is_end)
{
    s_meter_t *meter = context;
    pt_chain_cpu_t now = pt_chain_cpu(meter->chain);
    if (!is_end) {
        meter->start = now;
        return;
    }
    meter->spent = (pt_chain_cpu_t) {.broker_s = now.broker_s - meter->start.broker_s,
                                     .worker_s = now.worker_s - meter->start.worker_s,
                                     .worker_peak_kib = now.worker_peak_kib};
}

//  Run one load through one contender: `rate` 0 is the closed loop.
static bool
s_run_chain(s_bench_t *self, const pt_chain_worker_t *worker, double rate, pt_drive_result_t *result, s_meter_t *meter)
{
    const s_options_t *options = self->options;
    pt_chain_options_t chain_options = {.paytriage = options->paytriage,
                                        .transport = self->transport,
                                        .worker = worker,
                                        .workers = options->workers,
                                        .payloads = &self->payloads};
    pt_chain_t *chain = pt_chain_new(&chain_options);
    if (!chain)
        return false;
    pt_drive_options_t drive_options = {.front = pt_chain_front(chain),
                                        .payloads = &self->payloads,
                                        .producers = options->producers,
                                        .window = rate > 0 ? PT_WINDOW - 1 : options->window,
                                        .expects_alerts = worker->has_alerts,
                                        .checks_each = options->checks_each && worker->kind == PT_CHAIN_PAYTRIAGE};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        drive_options.publish[queue] = pt_chain_endpoint(chain, (pt_queue_t) queue);
    *meter = (s_meter_t) {.chain = chain};
    pt_drive_t *drive = pt_drive_new(&drive_options);
    bool is_good = drive && pt_drive_connect(drive);
    if (is_good && rate > 0)
        is_good = pt_drive_open(drive, rate, options->seconds, s_read_meter, meter, result);
    else if (is_good)
        is_good = pt_drive_closed(drive, options->seconds, s_read_meter, meter, result);
    pt_drive_destroy(&drive);
    is_good = pt_chain_destroy(&chain) && is_good;
    if (!is_good)
        fprintf(stderr, "pt_bench_bus: the run of %s over %s, %u a batch, failed\n", worker->name,
                pt_chain_transport_text(self->transport), self->batch);
    return is_good;
}

static void
s_add_run(s_result_t *self, const pt_drive_result_t *drive, const s_meter_t *meter)
{
    double millions = (double) drive->responses / 1e6;
    pt_series_add(&self->rate, (double) drive->responses / drive->seconds);
    if (isfinite(meter->spent.worker_s)) {
        pt_series_add(&self->worker_cpu, meter->spent.worker_s / millions);
        pt_series_add(&self->broker_cpu, meter->spent.broker_s / millions);
        pt_series_add(&self->driver_cpu, drive->driver_cpu_s / millions);
        pt_series_add(&self->peak_kib, meter->spent.worker_peak_kib);
    }
    pt_series_add(&self->p50, (double) pt_histogram_percentile(&drive->latency, 50));
    pt_series_add(&self->p90, (double) pt_histogram_percentile(&drive->latency, 90));
    pt_histogram_merge(&self->latency, &drive->latency);
    pt_histogram_merge(&self->ack, &drive->ack);
    self->busy += drive->busy;
}

//  The value that was added last.
static double
s_last(const pt_series_t *series)
{
    return series->values[series->count - 1];
}

//  One round of all contenders; ratios are to the null worker, which is the second.
static void
s_run_round(s_bench_t *self, double rate, s_result_t *results)
{
    const s_options_t *options = self->options;
    bool ran[S_CONTENDERS_MAX] = {false};
    for (size_t i = 0; i < options->contender_count; i++) {
        const pt_chain_worker_t *worker = &options->contenders[i];
        s_meter_t meter;
        pt_drive_result_t *drive = pt_bench_alloc(sizeof(*drive));
        if (self->transport != PT_TRANSPORT_INPROC ||
            (worker->kind != PT_CHAIN_PROGRAM && !worker->broker[0] && !worker->journal_in)) {
            ran[i] = s_run_chain(self, worker, rate, drive, &meter);
            self->failed = self->failed || !ran[i];
        }
        if (ran[i])
            s_add_run(&results[i], drive, &meter);
        free(drive);
    }
    for (size_t i = 0; i < options->contender_count; i++) {
        if (!ran[i] || !ran[1])
            continue;
        pt_series_add(&results[i].ratio, s_last(&results[i].rate) / s_last(&results[1].rate));
        pt_series_add(&results[i].p50_ratio, s_last(&results[i].p50) / s_last(&results[1].p50));
        pt_series_add(&results[i].p90_ratio, s_last(&results[i].p90) / s_last(&results[1].p90));
    }
}

static void
s_clear_result(s_result_t *self)
{
    pt_series_t *const series[] = {&self->rate, &self->ratio, &self->worker_cpu, &self->broker_cpu, &self->driver_cpu,
                                   &self->p50,  &self->p90,   &self->p50_ratio,  &self->p90_ratio,  &self->peak_kib};
    for (size_t i = 0; i < sizeof(series) / sizeof(series[0]); i++)
        pt_series_clear(series[i]);
}

static const pt_column_t s_peak_columns[] = {
    {"transport", "transport", PT_COLUMN_TEXT},
    {"batch", "batch", 0},
    {"contender", "contender", PT_COLUMN_TEXT},
    {"responses_per_s", "responses/s", 0},
    {"ratio", "of null", 2},
    {"worker_cpu_s", "worker CPU s/M", 3},
    {"broker_cpu_s", "broker CPU s/M", 3},
    {"driver_cpu_s", "driver CPU s/M", 3},
    {"worker_peak_kib", "worker KiB", 0},
    {"busy", "busy", 0},
    {"ack_p50_us", "ack p50 us", 1},
    {"ack_p99_us", "ack p99", 1},
    {"ack_max_us", "ack max", 1},
    {NULL, NULL, 0},
};

static json_t *
s_begin_row(const s_bench_t *self, pt_table_t *table, const pt_chain_worker_t *worker)
{
    json_t *row = pt_table_row(table);
    pt_row_text(row, "transport", pt_chain_transport_text(self->transport));
    pt_row_number(row, "batch", self->batch);
    pt_row_text(row, "contender", worker->name);
    return row;
}

//  From a batch's time to its ACK.
static void
s_add_ack(json_t *row, const pt_histogram_t *ack)
{
    if (!ack->count)
        return;
    pt_row_number(row, "ack_p50_us", (double) pt_histogram_percentile(ack, 50) / 1000);
    pt_row_number(row, "ack_p99_us", (double) pt_histogram_percentile(ack, 99) / 1000);
    pt_row_number(row, "ack_max_us", (double) pt_histogram_percentile(ack, 100) / 1000);
}

static void
s_add_peak(const s_bench_t *self, const pt_chain_worker_t *worker, s_result_t *result)
{
    json_t *row = s_begin_row(self, self->peaks, worker);
    pt_row_number(row, "responses_per_s", pt_series_median(&result->rate));
    pt_row_number(row, "ratio", pt_series_median(&result->ratio));
    pt_row_number(row, "worker_cpu_s", pt_series_median(&result->worker_cpu));
    pt_row_number(row, "broker_cpu_s", pt_series_median(&result->broker_cpu));
    pt_row_number(row, "driver_cpu_s", pt_series_median(&result->driver_cpu));
    pt_row_number(row, "worker_peak_kib", pt_series_percentile(&result->peak_kib, 100));
    pt_row_number(row, "busy", (double) result->busy);
    s_add_ack(row, &result->ack);
}

static const pt_column_t s_latency_columns[] = {
    {"transport", "transport", PT_COLUMN_TEXT},
    {"batch", "batch", 0},
    {"contender", "contender", PT_COLUMN_TEXT},
    {"offered_per_s", "offered/s", 0},
    {"achieved_per_s", "achieved/s", 0},
    {"p50_us", "p50 us", 1},
    {"p90_us", "p90", 1},
    {"p99_us", "p99", 1},
    {"p999_us", "p99.9", 1},
    {"p9999_us", "p99.99", 1},
    {"max_us", "max", 1},
    {"ack_p50_us", "ack p50 us", 1},
    {"ack_p99_us", "ack p99", 1},
    {"ack_max_us", "ack max", 1},
    {"p50_ratio", "p50 of null", 2},
    {"p90_ratio", "p90 of null", 2},
    {"worker_cpu_s", "worker CPU s/M", 3},
    {NULL, NULL, 0},
};

static void
s_write_hgrm(const s_bench_t *self, const pt_chain_worker_t *worker, double rate, const pt_histogram_t *histogram)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s-%u-%s-%.0f.hgrm", self->options->hgrm, pt_chain_transport_text(self->transport),
             self->batch, worker->name, rate);
    for (char *at = path + strlen(self->options->hgrm) + 1; *at; at++)
        if (*at == ' ' || *at == ',')
            *at = '_';
    FILE *file = fopen(path, "w");
    bool is_written = file && pt_histogram_write(histogram, 1000, file);
    if ((file && fclose(file) != 0) || !is_written) {
        fprintf(stderr, "pt_bench_bus: %s: %s\n", path, strerror(errno));
        exit(EX_CANTCREAT);
    }
}

static void
s_add_latency(const s_bench_t *self, const pt_chain_worker_t *worker, double rate, s_result_t *result)
{
    static const struct {
        const char *key;
        double percent;
    } points[] = {{"p99_us", 99}, {"p999_us", 99.9}, {"p9999_us", 99.99}, {"max_us", 100}};
    json_t *row = s_begin_row(self, self->latencies, worker);
    pt_row_number(row, "offered_per_s", rate);
    pt_row_number(row, "achieved_per_s", pt_series_median(&result->rate));
    pt_row_number(row, "p50_us", pt_series_median(&result->p50) / 1000);
    pt_row_number(row, "p90_us", pt_series_median(&result->p90) / 1000);
    for (size_t i = 0; result->latency.count && i < sizeof(points) / sizeof(points[0]); i++)
        pt_row_number(row, points[i].key, (double) pt_histogram_percentile(&result->latency, points[i].percent) / 1000);
    s_add_ack(row, &result->ack);
    pt_row_number(row, "p50_ratio", pt_series_median(&result->p50_ratio));
    pt_row_number(row, "p90_ratio", pt_series_median(&result->p90_ratio));
    pt_row_number(row, "worker_cpu_s", pt_series_median(&result->worker_cpu));
    if (self->options->hgrm)
        s_write_hgrm(self, worker, rate, &result->latency);
}

//  All rounds of one load. Returns the median rate of the first contender, which is paytriage.
static double
s_measure_load(s_bench_t *self, double rate)
{
    const s_options_t *options = self->options;
    s_result_t *results = pt_bench_alloc(options->contender_count * sizeof(*results));
    for (unsigned round = 0; round < options->common.rounds; round++) {
        pt_bench_progress(&options->common, "%s, %u a batch, %s: round %u of %u",
                          pt_chain_transport_text(self->transport), self->batch, rate > 0 ? "open loop" : "closed loop",
                          round + 1, options->common.rounds);
        s_run_round(self, rate, results);
    }
    double median = pt_series_median(&results[0].rate);
    for (size_t i = 0; i < options->contender_count; i++) {
        if (results[i].rate.count && rate > 0)
            s_add_latency(self, &options->contenders[i], rate, &results[i]);
        else if (results[i].rate.count)
            s_add_peak(self, &options->contenders[i], &results[i]);
        s_clear_result(&results[i]);
    }
    free(results);
    return median;
}

static void
s_measure_batch(s_bench_t *self)
{
    const s_options_t *options = self->options;
    double peak = 0;
    if (options->runs_closed)
        peak = s_measure_load(self, 0);
    if (options->runs_open && options->rate > 0)
        s_measure_load(self, options->rate);
    for (size_t i = 0; options->runs_open && options->rate <= 0 && peak > 0 && i < options->loads.count; i++)
        s_measure_load(self, peak * options->loads.values[i] / 100);
}

//  "1,16,256"
static void
s_parse_list(struct argp_state *state, const char *option, const char *text, unsigned max, s_list_t *list)
{
    char copy[128];
    char *rest = copy;
    list->count = 0;
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        if (list->count == S_LIST_MAX)
            argp_error(state, "%s: at most %d", option, S_LIST_MAX);
        list->values[list->count++] = (unsigned) pt_bench_parse_number(state, option, word, 1, max);
    }
}

static void
s_parse_transports(struct argp_state *state, char *text, s_options_t *options)
{
    memset(options->transports, 0, sizeof(options->transports));
    for (char *word = strsep(&text, ","); word; word = strsep(&text, ",")) {
        int transport = 0;
        while (transport < PT_CHAIN_TRANSPORTS &&
               strcmp(word, pt_chain_transport_text((pt_chain_transport_t) transport)) != 0)
            transport++;
        if (transport == PT_CHAIN_TRANSPORTS)
            argp_error(state, "--transport: '%s' is none of inproc, ipc, tcp", word);
        options->transports[transport] = true;
    }
}

//  "NAME=WORD WORD …" appended to what the command line already has.
static void
s_parse_contender(struct argp_state *state, char *text, pt_chain_kind_t kind, s_options_t *options)
{
    char *words = strchr(text, '=');
    if (!words || words == text || !words[1])
        argp_error(state, "'%s' is not NAME=WORDS", text);
    if (options->contender_count == S_CONTENDERS_MAX)
        argp_error(state, "at most %d contenders", S_CONTENDERS_MAX);
    *words++ = 0;
    pt_chain_worker_t *worker = &options->contenders[options->contender_count++];
    *worker = (pt_chain_worker_t) {.name = text, .kind = kind};
    //  The words of paytriage's own line come first; s_complete_contenders writes them.
    size_t count = kind == PT_CHAIN_PAYTRIAGE ? 6 : 0;
    for (char *word = strsep(&words, " "); word; word = strsep(&words, " ")) {
        if (count == PT_CHAIN_ARGUMENTS_MAX - 1)
            argp_error(state, "%s: too many words", text);
        if (*word)
            worker->command[count++] = word;
    }
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    s_options_t *options = state->input;
    char *end;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 't':
        s_parse_transports(state, arg, options);
        return 0;
    case 'b':
        s_parse_list(state, "--batch", arg, PT_BATCH_COUNT_MAX, &options->batches);
        return 0;
    case 'S':
        options->seconds = strtod(arg, &end);
        if (*end || !(options->seconds > 0 && options->seconds <= 3600))
            argp_error(state, "--seconds: '%s' is not above 0, up to 3600", arg);
        return 0;
    case 'w':
        options->workers = (unsigned) pt_bench_parse_number(state, "--workers", arg, 1, 256);
        return 0;
    case 'W':
        options->window = (unsigned) pt_bench_parse_number(state, "--window", arg, 1, PT_WINDOW - 1);
        return 0;
    case S_KEY_PRODUCERS:
        options->producers = (unsigned) pt_bench_parse_number(state, "--producers", arg, 1, PT_DRIVE_PRODUCERS_MAX);
        return 0;
    case S_KEY_LOOP:
        if (strcmp(arg, "closed") != 0 && strcmp(arg, "open") != 0)
            argp_error(state, "--loop: '%s' is neither closed nor open", arg);
        options->runs_closed = strcmp(arg, "closed") == 0;
        options->runs_open = !options->runs_closed;
        return 0;
    case S_KEY_RATE:
        options->rate = (double) pt_bench_parse_number(state, "--rate", arg, 1, 1000000000);
        return 0;
    case S_KEY_LOAD:
        s_parse_list(state, "--load", arg, 200, &options->loads);
        return 0;
    case S_KEY_HGRM:
        options->hgrm = arg;
        return 0;
    case S_KEY_ALSO:
        s_parse_contender(state, arg, PT_CHAIN_PAYTRIAGE, options);
        return 0;
    case S_KEY_PEER:
        s_parse_contender(state, arg, PT_CHAIN_PROGRAM, options);
        return 0;
    case S_KEY_DURABLE:
        options->durable = arg;
        return 0;
    case S_KEY_PROXY:
        options->with_proxy = true;
        return 0;
    case S_KEY_PAYTRIAGE:
        options->paytriage = arg;
        return 0;
    case S_KEY_EACH:
        options->checks_each = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->file_count == S_FILES_MAX)
            argp_error(state, "at most %d files", S_FILES_MAX);
        options->files[options->file_count++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->runs_open && !options->runs_closed && options->rate <= 0)
            argp_error(state, "--loop open needs --rate: without the closed loop there is no peak to take a part of");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option s_argp_options[] = {
    {0, 0, 0, 0, "What to run:", 1},
    {"transport", 't', "LIST", 0, "inproc, ipc, tcp (default: all three)", 1},
    {"batch", 'b', "LIST", 0, "responses a batch (default 1,16,256)", 1},
    {"loop", S_KEY_LOOP, "closed|open", 0, "only the peak, or only latencies at --rate (default: both)", 1},
    {"rate", S_KEY_RATE, "N", 0, "open loop: responses offered each second", 1},
    {"load", S_KEY_LOAD, "LIST", 0, "open loop: percent of paytriage's peak in this run (default 50)", 1},
    {"seconds", 'S', "N", 0, "measured time of each run (default 2; --short: 0.05)", 1},
    {"workers", 'w', "N", 0, "threads of paytriage's worker that classify (default 1)", 1},
    {"window", 'W', "N", 0, "closed loop: batches under way (default 64)", 1},
    {"producers", S_KEY_PRODUCERS, "N", 0, "connections of the driver (default 4)", 1},
    {0, 0, 0, 0, "Who runs, beside paytriage and the null worker:", 2},
    {"also", S_KEY_ALSO, "NAME=OPTIONS", 0, "paytriage's worker with further options", 2},
    {"peer", S_KEY_PEER, "NAME=COMMAND", 0, "another program, see bench/peers", 2},
    {"durable", S_KEY_DURABLE, "DIRECTORY", 0, "paytriage with a journal there, on the disk to be measured", 2},
    {"proxy", S_KEY_PROXY, NULL, 0, "the null worker behind libzmq's zmq_proxy instead of paytriage's broker", 2},
    {"paytriage", S_KEY_PAYTRIAGE, "PATH", 0, "the program to measure (default: the one of this build)", 2},
    {0, 0, 0, 0, "What to keep and check:", 3},
    {"histograms", S_KEY_HGRM, "DIRECTORY", 0, "write a .hgrm file, in us, for each open loop", 3},
    {"check-each", S_KEY_EACH, NULL, 0, "read every decision of paytriage, not only the first of each message", 3},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    s_argp_options,
    s_parse_option,
    "[FILE...]",
    "Time the whole bus: producers, broker, worker, subscriber. Every response is accounted for, or the run fails.\v"
    "The closed loop keeps a window of batches under way: the peak. The open loop sends at a stated rate whatever "
    "comes back; latency counts from the moment a batch was meant to be sent to its last decision's arrival; "
    "\"ack\" is the time to its ACK instead, with all repeats after NACK busy. CPU is "
    "seconds for a million responses. The null worker moves the same frames without looking at them; \"of null\" is "
    "the "
    "median of the rounds' ratios to it. FILEs hold responses as JSON Lines; default: the recorded answers.\n\n"
    "Examples:\n"
    "  pt_bench_bus --transport tcp --batch 1,256\n"
    "  pt_bench_bus --transport tcp --batch 16 --loop open --rate 20000 --histograms .\n"
    "  pt_bench_bus --transport tcp --peer \"pyzmq=/usr/bin/python3 bench/peers/pyzmq_worker.py\"\n\n"
    "Exit: 0 measured, 1 a response was not accounted for, 64 a bad option, 65 a bad line, 66 no such file.",
    s_children,
    NULL,
    NULL,
};

//  The command lines of our own contenders, which depend on options and on the batch.
static void
s_complete_contenders(s_options_t *options, const char *self_path, const char *batch, const char *workers)
{
    for (size_t i = 0; i < options->contender_count; i++) {
        pt_chain_worker_t *worker = &options->contenders[i];
        const char *ours[] = {options->paytriage, "worker", "--workers", workers, "--journal", "none"};
        size_t ours_count = worker->journal_in ? 4 : 6;
        const char *null[] = {self_path, "null-worker", "--batch", batch};
        if (worker->kind == PT_CHAIN_PAYTRIAGE)
            memcpy(worker->command, ours, ours_count * sizeof(ours[0]));
        if (worker->kind != PT_CHAIN_NULL)
            continue;
        memcpy(worker->command, null, sizeof(null));
        for (size_t k = 0; k < options->file_count; k++)
            worker->command[4 + k] = options->files[k];
    }
}

static void
s_describe_run(const s_options_t *options, pt_report_t *report)
{
    pt_report_run(report, "rounds", json_integer((json_int_t) options->common.rounds));
    pt_report_run(report, "seconds", json_real(round(options->seconds * 1e4) / 1e4));
    pt_report_run(report, "workers", json_integer((json_int_t) options->workers));
    pt_report_run(report, "window", json_integer((json_int_t) options->window));
    pt_report_run(report, "producers", json_integer((json_int_t) options->producers));
    pt_report_note(report, "producers and the subscriber are one process, the driver; broker and worker are one each");
}

static int
s_bench(s_options_t *options, const char *self_path)
{
    s_bench_t bench = {.options = options};
    pt_sockets_init();
    pt_mix_load(&bench.mix, options->files, options->file_count, false);
    if (options->hgrm && mkdir(options->hgrm, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "pt_bench_bus: %s: %s\n", options->hgrm, strerror(errno));
        return EX_CANTCREAT;
    }
    pt_report_t *report = pt_report_new("pt_bench_bus");
    s_describe_run(options, report);
    bench.peaks = pt_report_table(report, "peak", "Closed loop: the peak", s_peak_columns);
    bench.latencies =
        pt_report_table(report, "latency", "Open loop: latency from the intended send time", s_latency_columns);
    char workers[16];
    snprintf(workers, sizeof(workers), "%u", options->workers);
    for (int transport = 0; transport < PT_CHAIN_TRANSPORTS; transport++) {
        for (size_t i = 0; options->transports[transport] && i < options->batches.count; i++) {
            char batch[16];
            bench.transport = (pt_chain_transport_t) transport;
            bench.batch = options->batches.values[i];
            snprintf(batch, sizeof(batch), "%u", bench.batch);
            s_complete_contenders(options, self_path, batch, workers);
            pt_payloads_make(&bench.payloads, &bench.mix, bench.batch);
            s_measure_batch(&bench);
            pt_payloads_clear(&bench.payloads);
        }
    }
    pt_bench_progress_end(&options->common);
    bool printed = pt_report_print(report, options->common.json);
    pt_report_destroy(&report);
    pt_mix_clear(&bench.mix);
    return bench.failed ? 1 : printed ? 0 : EX_IOERR;
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "null-worker") == 0)
        return pt_bus_null_worker(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "proxy") == 0)
        return pt_bus_proxy(argc - 1, argv + 1);
    s_options_t options = {
        .common = {.rounds = 3},
        .transports = {true, true, true},
        .batches = {{1, 16, 256}, 3},
        .loads = {{50}, 1},
        .workers = 1,
        .window = 64,
        .producers = 4,
        .runs_closed = true,
        .runs_open = true,
        .paytriage = PT_BENCH_PAYTRIAGE,
        .contenders = {{.name = "paytriage", .kind = PT_CHAIN_PAYTRIAGE},
                       {.name = "null worker", .kind = PT_CHAIN_NULL, .has_alerts = true}},
        .contender_count = 2,
    };
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    if (options.common.is_short && !options.common.rounds_given)
        options.common.rounds = 1;
    if (options.seconds <= 0)
        options.seconds = options.common.is_short ? 0.05 : 2;
    if (options.durable && options.contender_count < S_CONTENDERS_MAX)
        options.contenders[options.contender_count++] = (pt_chain_worker_t) {
            .name = "paytriage, durable", .kind = PT_CHAIN_PAYTRIAGE, .journal_in = options.durable};
    if (options.with_proxy && options.contender_count < S_CONTENDERS_MAX)
        options.contenders[options.contender_count++] = (pt_chain_worker_t) {.name = "null worker, zmq_proxy",
                                                                             .kind = PT_CHAIN_NULL,
                                                                             .has_alerts = true,
                                                                             .broker = {"/proc/self/exe", "proxy"}};
    pt_chain_watch_signals();
    return s_bench(&options, "/proc/self/exe");
}
