/*  pt_null_worker: a worker that reads nothing: what the sockets alone cost.
 *
 *  It gives credit, takes a batch, publishes the frames that a worker would publish for it, with the
 *  same topics and as many bytes, and acknowledges it, all in one thread. The payload is never looked
 *  at: which one it is follows from the batch's seq, by which the driver chose it. Only the first
 *  item's id is written into each message, so that the driver can account for it.
 */
#ifndef PT_NULL_WORKER_H
#define PT_NULL_WORKER_H

#include "pt_job.h"
#include "pt_payloads.h"

typedef struct {
    const char *back;
    const char *publish[PT_QUEUE_COUNT_]; //  to bind, see pt_sockets_bind
    const pt_payloads_t *payloads;
} pt_null_options_t;

typedef struct pt_null_worker pt_null_worker_t;

/*  Bind and connect; NULL with one line on stderr when an endpoint is refused. */
pt_null_worker_t *pt_null_worker_new(const pt_null_options_t *options);
void pt_null_worker_destroy(pt_null_worker_t **self_p);

const char *pt_null_worker_endpoint(const pt_null_worker_t *self, pt_queue_t queue);

/*  Work until `pipe`, a socket, has something to read; NULL: for ever. */
void pt_null_worker_run(pt_null_worker_t *self, void *pipe);

#endif
