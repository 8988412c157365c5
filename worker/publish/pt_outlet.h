/*  pt_outlet: all PUB sockets of a worker process.
 *
 *  A socket per queue, so that a flood of one cannot drop another. It numbers those outputs of a job by
 *  topic that the journal has not numbered, and publishes them. Between jobs it sends HEAD and HEADS.
 *  Publishing never waits for a subscriber: a slow one loses messages and sees it by the numbers. One thread
 *  owns it; it may be made in another.
 */
#ifndef PT_OUTLET_H
#define PT_OUTLET_H

#include <stdatomic.h>

#include "pt_catalog.h"
#include "pt_door.h"
#include "pt_gate.h"
#include "pt_job.h"
#include "pt_stats.h"
#include "pt_store.h"
#include "pt_wait.h"

typedef struct {
    uint64_t worker;
    uint64_t epoch;
    const pt_catalog_t *catalog;            //  its gateways' topics are announced from the start; only read then
    const char *endpoints[PT_QUEUE_COUNT_]; //  to bind; see pt_sockets_bind
    pt_gate_t *gate;                        //  outlives the outlet and lets subscribers in; NULL: all
    int hwm;                                //  messages kept for a slow subscriber, each socket
    const char *replay;                     //  endpoint that HEAD names; NULL: none
    bool settled;                           //  settled decisions are journaled, so they are numbered
    pt_store_t *journal;                    //  where the topics' heads start; NULL: at 1
    const pt_alerts_options_t *alerts;      //  only read at the start; NULL: the stage before tells and folds them
    pt_stats_t *stats;                      //  outlives the outlet; may be NULL
    const atomic_int *linger_ms;            //  outlives the outlet; how long what was sent gets to leave at its end
} pt_outlet_options_t;

typedef struct pt_outlet pt_outlet_t;

/*  Bind all sockets. NULL with errno when a socket cannot be had; *out_endpoint is then the endpoint
 *  that was refused, or NULL when memory or sockets ran out. Options may go after the call, but for what
 *  outlives the outlet.
 */
pt_outlet_t *pt_outlet_new(const pt_outlet_options_t *options, const char **out_endpoint);

/*  Publish summaries of folded alerts, close, and set *self_p to NULL. */
void pt_outlet_destroy(pt_outlet_t **self_p);

/*  Where a queue's socket is bound; valid as long as the outlet. */
const char *pt_outlet_endpoint(const pt_outlet_t *self, pt_queue_t queue);

/*  Publish a job's outputs, numbered. A job that brings another catalog gets its topics announced, or is refused. */
void pt_outlet_take(pt_outlet_t *self, pt_job_t *job, int64_t now_ms);

/*  Send what is due: HEAD, HEADS and summaries of alerts. Returns in how many ms there is more. */
int64_t pt_outlet_turn(pt_outlet_t *self, int64_t now_ms);

#define PT_OUTLET_ITEMS_MAX (PT_QUEUE_COUNT_ * PT_DOOR_ITEMS)

/*  Fill items[0..PT_OUTLET_ITEMS_MAX) with what to wait for, and return how many; they stay the same. */
size_t pt_outlet_items(const pt_outlet_t *self, pt_wait_item_t *items);

/*  To be called after each wait, with these items. */
void pt_outlet_tend(pt_outlet_t *self, const pt_wait_item_t *items, size_t count);

#endif
