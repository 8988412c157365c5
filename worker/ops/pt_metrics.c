/*  Collecting, and the two judgements. A process that lives and is not ready is one to wait for, or
 *  to send nothing to; one that does not live is one to restart.
 */
#include "pt_metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

//  Every loop turns at least once a second, and never waits in a send.
#define S_TURN_MS_MAX 10000

//  Who reads a journal whose disk hangs may hang with it. Most commits are back long before.
#define S_READ_MS_MAX 1000

void
pt_metrics_collect(const pt_metrics_source_t *source, pt_metrics_t *out_metrics)
{
    assert(source);
    assert(out_metrics);

    out_metrics->version = source->version;
    out_metrics->has_pool = source->pool != NULL;
    out_metrics->has_broker = source->broker != NULL;
    out_metrics->has_gate = source->gate != NULL;
    if (source->gate)
        out_metrics->gate = pt_gate_counters(source->gate);
    out_metrics->has_journal = source->journal != NULL;
    out_metrics->lag_count = 0;
    if (source->pool)
        out_metrics->pool = pt_pool_counters(source->pool);
    if (source->pool)
        pt_stats_read(source->stats, &out_metrics->stats);
    if (source->broker)
        out_metrics->broker = pt_broker_counters(source->broker);
    out_metrics->lags_since_ms = source->lags ? pt_lag_reader_since_ms(source->lags) : 0;
    //  Last, so that nothing is from later than now.
    out_metrics->now_ms = pt_clock_ns() / 1000000;
}

void
pt_metrics_collect_lags(const pt_metrics_source_t *source, pt_metrics_t *metrics)
{
    assert(source);
    assert(metrics);

    uint64_t since_ms = metrics->stats.disk_since_ns / 1000000;
    bool hangs = since_ms && metrics->now_ms > since_ms + S_READ_MS_MAX;
    if (source->lags && !metrics->stats.journal_failed && !hangs)
        metrics->lag_count = pt_lag_reader_read(source->lags, S_READ_MS_MAX, metrics->lags);
}

static bool
s_turns(const pt_metrics_t *metrics, uint64_t turned_ms, const char *whose, char *out_reason, size_t room)
{
    uint64_t ago_ms = metrics->now_ms > turned_ms ? metrics->now_ms - turned_ms : 0;
    if (ago_ms <= S_TURN_MS_MAX)
        return true;
    snprintf(out_reason, room, "the %s's loop has not turned for %" PRIu64 " s", whose, ago_ms / 1000);
    return false;
}

//  Whether a call for the journal's disk, a writer's or a reader's, has not come back for too long. An idle worker has
//  no writer at it.
static bool
s_disk_hangs(const pt_metrics_t *metrics)
{
    uint64_t written_ms = metrics->stats.disk_since_ns / 1000000;
    uint64_t read_ms = metrics->lags_since_ms;
    return (written_ms && metrics->now_ms > written_ms + PT_STATS_DISK_MS_MAX) ||
           (read_ms && metrics->now_ms > read_ms + PT_STATS_DISK_MS_MAX);
}

//  On a frozen file system the loop waits for the disk as well, and another process would do so too.
bool
pt_metrics_is_live(const pt_metrics_t *metrics, char *out_reason, size_t room)
{
    assert(metrics);
    assert(out_reason);

    bool held = metrics->has_pool && s_disk_hangs(metrics);
    return (!metrics->has_pool || held || s_turns(metrics, metrics->pool.turned_ms, "worker", out_reason, room)) &&
           (!metrics->has_broker || s_turns(metrics, metrics->broker.turned_ms, "broker", out_reason, room));
}

//  NULL: nothing is against it.
static const char *
s_worker_refusal(const pt_metrics_t *metrics)
{
    if (metrics->pool.draining)
        return "draining: nothing more is taken";
    if (metrics->stats.journal_failed)
        return "the journal has failed";
    if (s_disk_hangs(metrics))
        return "the journal's disk has not come back for 10 s: see to it";
    if (!metrics->stats.catalog_count)
        return "no catalog is loaded";
    if (!metrics->pool.connected)
        return "no broker is connected";
    return NULL;
}

static const char *
s_broker_refusal(const pt_metrics_t *metrics)
{
    if (metrics->broker.paused)
        return "draining: nothing more is taken";
    return metrics->broker.workers ? NULL : "no worker is connected";
}

bool
pt_metrics_is_ready(const pt_metrics_t *metrics, char *out_reason, size_t room)
{
    assert(metrics);
    assert(out_reason);

    if (!pt_metrics_is_live(metrics, out_reason, room))
        return false;
    const char *refusal = metrics->has_pool ? s_worker_refusal(metrics) : NULL;
    if (!refusal && metrics->has_broker)
        refusal = s_broker_refusal(metrics);
    if (refusal)
        snprintf(out_reason, room, "%s", refusal);
    return !refusal;
}
