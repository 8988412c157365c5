/*  pt_producer: publishes responses and keeps each batch until the worker has answered for it.
 *
 *  The producer's side of PROTOCOL.md: batches numbered from 1 in one epoch, a floor and a window,
 *  resends with back-off and jitter, the next broker after three silent tries. One thread owns a
 *  producer; nothing happens outside of its calls. What is not acknowledged when the producer is
 *  destroyed may or may not have been taken: pt_producer_counts tells how many that are.
 */
#ifndef PT_PRODUCER_H
#define PT_PRODUCER_H

#include "pt_wire.h"

#define PT_PRODUCER_BROKERS_MAX 8

typedef struct {
    const char *brokers[PT_PRODUCER_BROKERS_MAX]; //  endpoints; the first one is used first
    size_t broker_count;
    uint64_t producer;  //  0: random
    uint64_t epoch;     //  0: unix ms now; must grow when a producer with the same id starts again
    uint32_t batch_max; //  responses a batch, at most PT_BATCH_COUNT_MAX; 0: 256
    uint32_t window;    //  batches not yet answered, at most PT_WINDOW; 0: 64
    uint32_t rto_ms;    //  first resend after this long; doubles to 10 s; 0: 200
} pt_producer_options_t;

//  Responses, not batches, unless named so.
typedef struct {
    uint64_t put;      //  handed to pt_producer_put
    uint64_t accepted; //  acknowledged
    uint64_t refused;  //  answered with a NACK for good
    uint64_t pending;  //  put, and not yet answered
    uint64_t batches_resent;
    uint64_t busy; //  NACK busy received
} pt_producer_counts_t;

typedef struct pt_producer pt_producer_t;

/*  Told once for each batch that is refused for good: its first response's place among all put ones
 *  (from 0) and their count.
 */
typedef void(pt_producer_refused_fn)(void *context, uint64_t first, uint32_t count, pt_reason_t reason);

/*  Connect to the brokers. NULL with *out_error (static text) when an endpoint is refused or memory
 *  is short. `refused` may be NULL.
 */
pt_producer_t *pt_producer_new(const pt_producer_options_t *options, pt_producer_refused_fn *refused, void *context,
                               const char **out_error);
void pt_producer_destroy(pt_producer_t **self_p);

/*  Add one response to the open batch; the bytes are copied. PT_OK; PT_E_SPACE when the window is
 *  full (poll, then try again); PT_E_SIZE when the response alone exceeds a batch; PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_producer_put(pt_producer_t *self, pt_bytes_t response);

/*  Close the open batch, so that it is sent although it is not full. Does nothing when it is empty. */
void pt_producer_seal(pt_producer_t *self);

/*  Send, receive and resend what is due, waiting at most `timeout_ms` for something to do, or until
 *  `wake_fd` is readable (-1: none). Returns PT_OK, or PT_E_IO when the sockets fail.
 */
PT_MUST_CHECK pt_status_t pt_producer_poll(pt_producer_t *self, uint32_t timeout_ms, int wake_fd);

/*  Whether every batch was answered. */
bool pt_producer_is_idle(const pt_producer_t *self);

pt_producer_counts_t pt_producer_counts(const pt_producer_t *self);

#endif
