#include "pt_bus_rounds.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "pt_drive.h"

//  What the rounds of one contender have shown under one load.
typedef struct {
    pt_series_t rate, ratio;
    pt_series_t worker_cpu, broker_cpu, driver_cpu; //  seconds for a million responses
    pt_series_t p50, p90, p50_ratio, p90_ratio;
    pt_series_t peak_kib;
    pt_histogram_t latency, ack; //  of all rounds
    uint64_t busy;
} s_result_t;

//  CPU of the chain's processes over the time that is measured.
typedef struct {
    const pt_chain_t *chain;
    pt_chain_cost_t start, spent;
} s_meter_t;

static void
s_read_meter(void *context, bool is_end)
{
    s_meter_t *meter = context;
    pt_chain_cost_t now = pt_chain_cost(meter->chain);
    if (!is_end)
        meter->start = now;
    meter->spent = now;
    meter->spent.broker_s -= meter->start.broker_s;
    meter->spent.worker_s -= meter->start.worker_s;
}

static pt_chain_t *
s_start_chain(const pt_bus_rounds_t *self, const pt_chain_worker_t *worker)
{
    pt_chain_options_t options = {.paytriage = self->options->paytriage,
                                  .transport = self->transport,
                                  .worker = worker,
                                  .threads = self->options->threads,
                                  .payloads = &self->payloads};
    return pt_chain_new(&options);
}

//  Run one load through one contender: `rate` 0 is the closed loop.
static bool
s_run_chain(pt_bus_rounds_t *self, const pt_chain_worker_t *worker, double rate, pt_drive_result_t *result,
            s_meter_t *meter)
{
    const pt_bus_options_t *options = self->options;
    pt_chain_t *chain = s_start_chain(self, worker);
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
        is_good = pt_drive_open(drive, rate, options->open.seconds, s_read_meter, meter, result);
    else if (is_good)
        is_good = pt_drive_closed(drive, options->closed.seconds, s_read_meter, meter, result);
    pt_drive_destroy(&drive);
    is_good = pt_chain_destroy(&chain) && is_good;
    if (!is_good)
        fprintf(stderr, "pt_bench_bus: the run of %s over %s, %u a batch, failed; it takes no further part\n",
                worker->name, pt_chain_transport_text(self->transport), self->batch);
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
        pt_series_add(&self->peak_kib, meter->spent.worker.peak);
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

//  The proxy shows what passing on costs, which is a matter of the peak.
static bool
s_takes_part(const pt_bus_rounds_t *self, size_t number, double rate)
{
    const pt_chain_worker_t *worker = &self->options->contenders[number];
    return !self->is_out[number] && !(worker->is_process && self->transport == PT_TRANSPORT_INPROC) &&
           !(worker->broker[0] && rate > 0);
}

//  One round of all contenders; ratios are to the null worker, which is the second.
static void
s_run_round(pt_bus_rounds_t *self, double rate, s_result_t *results)
{
    const pt_bus_options_t *options = self->options;
    bool ran[PT_BUS_CONTENDERS_MAX] = {false};
    for (size_t i = 0; i < options->contender_count; i++) {
        const pt_chain_worker_t *worker = &options->contenders[i];
        s_meter_t meter;
        pt_drive_result_t *drive = pt_bench_alloc(sizeof(*drive));
        if (s_takes_part(self, i, rate)) {
            ran[i] = s_run_chain(self, worker, rate, drive, &meter);
            self->is_out[i] = !ran[i];
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
s_begin_row(const pt_bus_rounds_t *self, pt_table_t *table, const pt_chain_worker_t *worker)
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
s_add_peak(const pt_bus_rounds_t *self, const pt_chain_worker_t *worker, s_result_t *result)
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
s_write_hgrm(const pt_bus_rounds_t *self, const pt_chain_worker_t *worker, double rate, const pt_histogram_t *histogram)
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
s_add_latency(const pt_bus_rounds_t *self, const pt_chain_worker_t *worker, double rate, s_result_t *result)
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
s_measure_load(pt_bus_rounds_t *self, double rate)
{
    const pt_bus_options_t *options = self->options;
    unsigned rounds = rate > 0 ? options->open.rounds : options->closed.rounds;
    s_result_t *results = pt_bench_alloc(options->contender_count * sizeof(*results));
    for (unsigned round = 0; round < rounds; round++) {
        pt_bench_progress(&options->common, "%s, %u a batch, %s: round %u of %u",
                          pt_chain_transport_text(self->transport), self->batch, rate > 0 ? "open loop" : "closed loop",
                          round + 1, rounds);
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

void
pt_bus_rounds_run(pt_bus_rounds_t *self)
{
    const pt_bus_options_t *options = self->options;
    double peak = 0;
    if (options->closed.runs)
        peak = s_measure_load(self, 0);
    if (options->open.runs && options->rate > 0)
        s_measure_load(self, options->rate);
    for (size_t i = 0; options->open.runs && options->rate <= 0 && peak > 0 && i < options->loads.count; i++)
        s_measure_load(self, peak * options->loads.values[i] / 100);
}

bool
pt_bus_rounds_try(pt_bus_rounds_t *self)
{
    const pt_bus_options_t *options = self->options;
    for (size_t i = 0; i < options->contender_count; i++) {
        const pt_chain_worker_t *worker = &options->contenders[i];
        pt_chain_t *chain = s_start_chain(self, worker);
        bool is_up = chain != NULL;
        if (pt_chain_destroy(&chain) && is_up)
            continue;
        fprintf(stderr, "pt_bench_bus: %s does not %s; nothing was measured\n", worker->name,
                is_up ? "end well" : "start");
        return false;
    }
    return true;
}

void
pt_bus_rounds_init(pt_bus_rounds_t *self, const pt_bus_options_t *options, pt_report_t *report)
{
    *self = (pt_bus_rounds_t) {.options = options};
    self->peaks = pt_report_table(report, "peak", "Closed loop: the peak", s_peak_columns);
    self->latencies =
        pt_report_table(report, "latency", "Open loop: latency from the intended send time", s_latency_columns);
}
