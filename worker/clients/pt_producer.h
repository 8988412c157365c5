/*  pt_producer: publishes responses and keeps each batch until the worker has answered for it.
 *
 *  The sockets around pt_outbox, and its file where one is wanted. One thread owns a producer; nothing
 *  happens outside of its calls. What is not acknowledged when the producer is destroyed may or may
 *  not have been taken: pt_producer_counts tells how many that are. With an outbox file they are sent
 *  again by the next producer that opens it.
 */
#ifndef PT_PRODUCER_H
#define PT_PRODUCER_H

#include "pt_curve.h"
#include "pt_outbox_file.h"

#define PT_PRODUCER_BROKERS_MAX 8

typedef struct {
    const char *brokers[PT_PRODUCER_BROKERS_MAX]; //  endpoints, which outlive the producer; the first one is used first
    size_t broker_count;
    uint64_t producer;       //  0: random; not used when the outbox file names one
    uint64_t epoch;          //  0: unix ms now; must grow when a producer with the same id starts again
    uint32_t batch_max;      //  responses a batch, at most PT_BATCH_COUNT_MAX; 0: 256
    uint32_t window;         //  batches not yet answered, at most PT_WINDOW; 0: 64
    uint32_t rto_ms;         //  first resend after this long; doubles to 10 s; 0: 200
    const pt_curve_t *curve; //  outlives the producer; NULL: without CURVE
    const char *outbox_path; //  file for unanswered batches; NULL: memory only
} pt_producer_options_t;

typedef pt_outbox_counts_t pt_producer_counts_t;

typedef struct pt_producer pt_producer_t;

/*  Told once for each batch that is refused for good: its first response's place in the input (from 0)
 *  and their count.
 */
typedef void(pt_producer_refused_fn)(void *context, uint64_t first, uint32_t count, pt_reason_t reason);

/*  Connect to the brokers, and take up what the outbox file holds. NULL with *out_error (static text)
 *  when the system gives no sockets or no memory (errno as for pt_sockets_init), an endpoint is refused (errno 0)
 *  or the file cannot be used (errno as for pt_outbox_file_open). `refused` may be NULL.
 */
pt_producer_t *pt_producer_new(const pt_producer_options_t *options, pt_producer_refused_fn *refused, void *context,
                               const char **out_error);
void pt_producer_destroy(pt_producer_t **self_p);

/*  What the outbox file said when it was opened; `fresh` without a file. */
const pt_outbox_file_state_t *pt_producer_resumed(const pt_producer_t *self);
/*  Begin another input: a new producer id and epoch, and places from 0 again. Everything must have
 *  been answered. PT_OK, PT_E_NOMEM or PT_E_IO.
 */
PT_MUST_CHECK pt_status_t pt_producer_renew(pt_producer_t *self);

/*  Add one response to the open batch; the bytes are copied. PT_OK; PT_E_SPACE when the window is
 *  full (poll, then try again); PT_E_SIZE when the response alone exceeds a batch; PT_E_NOMEM; PT_E_IO
 *  when the outbox file fails. `cover` is what the input amounts to with this response in it; it is
 *  kept with the batch in the outbox file, and means nothing without one.
 */
PT_MUST_CHECK pt_status_t pt_producer_put_covering(pt_producer_t *self, pt_bytes_t response, pt_outbox_cover_t cover);
PT_MUST_CHECK pt_status_t pt_producer_put(pt_producer_t *self, pt_bytes_t response);

/*  Close the open batch, so that it is sent although it is not full. Does nothing when it is empty. */
void pt_producer_seal(pt_producer_t *self);

/*  Send, receive and resend what is due, waiting at most `timeout_ms` for something to do, or until
 *  `wake_fd` is readable (-1: none). Returns PT_OK, or PT_E_IO when the sockets or the outbox file
 *  fail; after that nothing more is sent.
 */
PT_MUST_CHECK pt_status_t pt_producer_poll(pt_producer_t *self, uint32_t timeout_ms, int wake_fd);

/*  Whether the broker in use does not let in the key of `curve`. It is asked again and again all the same. */
bool pt_producer_is_refused(pt_producer_t *self);

/*  Whether the broker in use is there and ends handshakes without a word, as pt_knock_is_silent has it. */
bool pt_producer_is_silent(pt_producer_t *self);

/*  Whether every batch was answered. */
bool pt_producer_is_idle(const pt_producer_t *self);
/*  The input is at its end and all is answered: the outbox file says so from now on. PT_OK or PT_E_IO. */
PT_MUST_CHECK pt_status_t pt_producer_complete(pt_producer_t *self);

/*  What became of what was put in, up to now. */
pt_producer_counts_t pt_producer_counts(const pt_producer_t *self);

#endif
