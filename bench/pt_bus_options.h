/*  pt_bus_options: what pt_bench_bus is to run, from its command line. */
#ifndef PT_BUS_OPTIONS_H
#define PT_BUS_OPTIONS_H

#include "pt_bench.h"
#include "pt_chain.h"

#define PT_BUS_CONTENDERS_MAX 8
#define PT_BUS_LIST_MAX 8

typedef struct {
    unsigned values[PT_BUS_LIST_MAX];
    size_t count;
} pt_bus_list_t;

//  One loop's part of a run.
typedef struct {
    bool runs;
    unsigned rounds;
    double seconds; //  of each round
} pt_bus_loop_t;

typedef struct {
    pt_bench_options_t common;
    bool transports[PT_CHAIN_TRANSPORTS];
    pt_bus_list_t batches;
    pt_bus_list_t loads; //  percent of paytriage's peak
    double rate;         //  responses a second; 0: by load
    pt_bus_loop_t closed, open;
    unsigned threads, window, producers;
    bool checks_each, with_proxy;
    const char *hgrm;
    const char *durable;
    const char *paytriage;
    pt_chain_worker_t contenders[PT_BUS_CONTENDERS_MAX]; //  the first is paytriage, the second the null worker
    size_t contender_count;
    pt_mix_files_t files;
} pt_bus_options_t;

/*  Read the command line, or end the program with one line on stderr. */
void pt_bus_options_parse(pt_bus_options_t *self, int argc, char **argv);

/*  Write the command lines of our own contenders, which depend on the batch; both texts are borrowed. */
void pt_bus_options_complete(pt_bus_options_t *self, const char *batch, const char *threads);

#endif
