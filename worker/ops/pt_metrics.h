/*  pt_metrics: the state of a process, as one value, and as text for Prometheus.
 *
 *  docs/monitoring.md says of each metric what it means and what to do about it.
 */
#ifndef PT_METRICS_H
#define PT_METRICS_H

#include <stdio.h>

#include "pt_broker.h"
#include "pt_lag_reader.h"
#include "pt_pool.h"

//  Whose state. What is NULL does not run in this process.
typedef struct {
    const char *version;
    const pt_pool_t *pool;
    const pt_broker_t *broker;
    const pt_gate_t *gate;
    pt_stats_t *stats;     //  of the pool
    pt_store_t *journal;   //  of the pool
    pt_lag_reader_t *lags; //  of the journal
} pt_metrics_source_t;

typedef struct {
    const char *version;
    uint64_t now_ms; //  monotonic
    bool has_pool;
    bool has_broker;
    bool has_gate;
    bool has_journal;
    pt_pool_counters_t pool;
    pt_broker_counters_t broker;
    pt_gate_counters_t gate;
    pt_stats_snapshot_t stats; //  only with a pool
    uint64_t lags_since_ms;    //  when the reading of lags that is under way began; 0: none is
    size_t lag_count;
    pt_lag_t lags[PT_STORE_SUBSCRIBERS_MAX];
} pt_metrics_t;

/*  Read all counters. From any thread; 200 KiB: not for a stack. */
void pt_metrics_collect(const pt_metrics_source_t *source, pt_metrics_t *out_metrics);

/*  Count the subscribers' lags, which reads the journal: none while its disk hangs. After pt_metrics_collect, for one
 *  thread at a time.
 */
void pt_metrics_collect_lags(const pt_metrics_source_t *source, pt_metrics_t *metrics);

/*  Print in text format 0.0.4. */
void pt_metrics_print(const pt_metrics_t *metrics, FILE *out);

/*  Whether the process lives: its loops turn, or wait for a disk that hangs. False with a sentence in out_reason. */
bool pt_metrics_is_live(const pt_metrics_t *metrics, char *out_reason, size_t room);

/*  Whether it can take responses now. False with a sentence in out_reason. */
bool pt_metrics_is_ready(const pt_metrics_t *metrics, char *out_reason, size_t room);

#endif
