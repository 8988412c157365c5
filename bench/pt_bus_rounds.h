/*  pt_bus_rounds: all contenders of pt_bench_bus by turns under one load, and what came of it. */
#ifndef PT_BUS_ROUNDS_H
#define PT_BUS_ROUNDS_H

#include "pt_bus_options.h"
#include "pt_report.h"

typedef struct {
    const pt_bus_options_t *options;
    pt_payloads_t payloads;
    pt_chain_transport_t transport;
    unsigned batch;
    bool failed;                        //  some response was not accounted for
    bool is_out[PT_BUS_CONTENDERS_MAX]; //  has failed once, and would again
    pt_table_t *peaks;
    pt_table_t *latencies;
} pt_bus_rounds_t;

/*  Add both tables to a report. */
void pt_bus_rounds_init(pt_bus_rounds_t *self, const pt_bus_options_t *options, pt_report_t *report);

/*  Start each contender once and end it, over the transport that is set, which is not inproc. False, with words
 *  on stderr about the first one that does not start or does not end well.
 */
bool pt_bus_rounds_try(pt_bus_rounds_t *self);

/*  Run the loops for the transport, batch and payloads that are set, and add their rows. */
void pt_bus_rounds_run(pt_bus_rounds_t *self);

#endif
