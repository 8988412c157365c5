/*  pt_publisher: one actor that owns all PUB sockets of a worker process.
 *
 *  A socket per queue, so that a flood of one cannot drop another. It takes jobs from its `jobs`
 *  endpoint, numbers those outputs by topic that the journal has not numbered, publishes them, and hands the job to
 * `next`. Between jobs it sends HEAD and HEADS. Publishing never waits for a subscriber: a slow one loses messages and
 * sees it by the numbers.
 */
#ifndef PT_PUBLISHER_H
#define PT_PUBLISHER_H

#include "pt_catalog.h"
#include "pt_gate.h"
#include "pt_job.h"
#include "pt_stats.h"
#include "pt_store.h"

typedef struct {
    uint64_t worker;
    uint64_t epoch;
    const pt_catalog_t *catalog;            //  its gateways' topics are announced from the start; only read then
    const char *endpoints[PT_QUEUE_COUNT_]; //  to bind; see pt_sockets_bind
    pt_gate_t *gate;                        //  outlives the publisher and lets subscribers in; NULL: all
    int hwm;                                //  messages kept for a slow subscriber, each socket
    const char *replay;                     //  endpoint that HEAD names; NULL: none
    bool settled;                           //  settled decisions are journaled, so they are numbered
    pt_store_t *journal;                    //  where the topics' heads start; NULL: at 1
    const pt_alerts_options_t *alerts;      //  only read at the start; NULL: the stage before tells and folds them
    pt_stats_t *stats;                      //  outlives the publisher; may be NULL
    const char *jobs;                       //  inproc endpoint to bind: a PULL of jobs
    const char *next;                       //  inproc endpoint, bound by the next stage
} pt_publisher_options_t;

typedef struct pt_publisher pt_publisher_t;

/*  Bind all sockets and start. NULL with errno when a socket cannot be had; *out_endpoint is then
 *  the endpoint that was refused, or NULL when memory or sockets ran out. Options may go after the
 *  call.
 */
pt_publisher_t *pt_publisher_new(const pt_publisher_options_t *options, const char **out_endpoint);

/*  How long messages that were sent get to leave once the publisher is destroyed; else it is
 *  PT_SOCKETS_LINGER_MS. The end of the process waits for them.
 */
void pt_publisher_linger(pt_publisher_t *self, int linger_ms);

/*  Publish summaries of folded alerts, stop, and set *self_p to NULL. */
void pt_publisher_destroy(pt_publisher_t **self_p);

/*  Where a queue's socket is bound; valid as long as the publisher. */
const char *pt_publisher_endpoint(const pt_publisher_t *self, pt_queue_t queue);

#endif
