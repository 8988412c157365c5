/*  pt_bench_bus: the whole chain, from a producer's socket through broker and worker to a subscriber's.
 *
 *  Every run starts broker and worker anew, drives one load, accounts for every response, and stops
 *  them. Contenders take turns within a round. The null worker moves the same frames and looks at
 *  nothing: what it reaches is what the sockets allow.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "pt_bus_helpers.h"
#include "pt_bus_rounds.h"
#include "pt_sockets.h"

static void
s_describe_loop(pt_report_t *report, const char *rounds_key, const char *seconds_key, const pt_bus_loop_t *loop)
{
    pt_report_count(report, rounds_key, loop->rounds);
    pt_report_run(report, seconds_key, json_real(round(loop->seconds * 1e4) / 1e4));
}

static void
s_describe_run(const pt_bus_options_t *options, pt_report_t *report)
{
    if (options->closed.runs)
        s_describe_loop(report, "rounds", "seconds", &options->closed);
    if (options->open.runs)
        s_describe_loop(report, "open_rounds", "open_seconds", &options->open);
    pt_report_count(report, "threads", options->threads);
    pt_report_count(report, "window", options->window);
    pt_report_count(report, "producers", options->producers);
    pt_report_note(report, "producers and the subscriber are one process, the driver; broker and worker are one each");
}

//  All batches over all transports.
static void
s_run_all(pt_bus_options_t *options, pt_bus_rounds_t *rounds, const pt_mix_t *mix)
{
    char threads[16];
    snprintf(threads, sizeof(threads), "%u", options->threads);
    for (int transport = 0; transport < PT_CHAIN_TRANSPORTS; transport++) {
        for (size_t i = 0; options->transports[transport] && i < options->batches.count; i++) {
            char batch[16];
            rounds->transport = (pt_chain_transport_t) transport;
            rounds->batch = options->batches.values[i];
            snprintf(batch, sizeof(batch), "%u", rounds->batch);
            pt_bus_options_complete(options, batch, threads);
            pt_payloads_make(&rounds->payloads, mix, rounds->batch);
            pt_bus_rounds_run(rounds);
            pt_payloads_clear(&rounds->payloads);
        }
    }
}

//  Whether all contenders start, asked before anything is measured: a mistyped one shall not show in an hour.
static bool
s_try_all(pt_bus_options_t *options, pt_bus_rounds_t *rounds)
{
    rounds->transport = options->transports[PT_TRANSPORT_IPC] ? PT_TRANSPORT_IPC : PT_TRANSPORT_TCP;
    pt_bus_options_complete(options, "1", "1");
    return !options->transports[rounds->transport] || pt_bus_rounds_try(rounds);
}

static int
s_bench(pt_bus_options_t *options)
{
    pt_mix_t mix;
    pt_bus_rounds_t rounds;
    if (pt_sockets_init() != PT_OK) {
        perror(program_invocation_short_name);
        return EX_OSERR;
    }
    pt_mix_load(&mix, &options->files, false);
    if (options->hgrm && mkdir(options->hgrm, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "pt_bench_bus: %s: %s\n", options->hgrm, strerror(errno));
        return EX_CANTCREAT;
    }
    pt_report_t *report = pt_report_new("pt_bench_bus");
    s_describe_run(options, report);
    pt_bus_rounds_init(&rounds, options, report);
    if (!s_try_all(options, &rounds)) {
        pt_report_destroy(&report);
        pt_mix_clear(&mix);
        return EX_UNAVAILABLE;
    }
    s_run_all(options, &rounds, &mix);
    int code = pt_report_finish(&report, &options->common);
    pt_mix_clear(&mix);
    return rounds.failed ? 1 : code;
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "null-worker") == 0)
        return pt_bus_null_worker(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "proxy") == 0)
        return pt_bus_proxy(argc - 1, argv + 1);
    pt_bus_options_t options;
    pt_bus_options_parse(&options, argc, argv);
    pt_process_watch_signals();
    return s_bench(&options);
}
