/*  pt_outbox: what a producer has not been answered for yet, and when to send it (again).
 *
 *  The producer's rules of PROTOCOL.md without sockets, clock or files: batches numbered from 1, a
 *  floor and a window, resends with doubling and jitter, silence that asks for another broker. Times
 *  are monotonic ms that the caller gives; the jitter comes from the seed, so that equal calls give
 *  equal answers. Payload buffers are reused: once the window was full, nothing is allocated.
 */
#ifndef PT_OUTBOX_H
#define PT_OUTBOX_H

#include "pt_wire.h"

#define PT_OUTBOX_RTO_MS 200
#define PT_OUTBOX_RTO_MS_MAX 10000
#define PT_OUTBOX_SILENT_SENDS 3 //  of one batch without any answer, before another broker is asked for

typedef struct {
    uint64_t producer, epoch;
    uint64_t next;      //  seq of the first new batch; 0: 1
    uint64_t first;     //  place of the first new response in the caller's input
    uint32_t batch_max; //  responses a batch, at most PT_BATCH_COUNT_MAX; 0: 256
    uint32_t window;    //  batches not yet answered, at most PT_WINDOW; 0: 64
    uint32_t rto_ms;    //  first resend after this long; doubles to PT_OUTBOX_RTO_MS_MAX; 0: 200
    uint64_t seed;      //  of the jitter
    bool stored;        //  batches go out only once pt_outbox_stored has named them
} pt_outbox_options_t;

//  Responses, not batches, unless named so.
typedef struct {
    uint64_t put;
    uint64_t accepted; //  acknowledged
    uint64_t refused;  //  answered with a NACK for good
    uint64_t pending;  //  put, and not yet answered
    uint64_t batches_resent;
    uint64_t busy; //  NACK busy received
} pt_outbox_counts_t;

//  A sealed batch: its header as of now, and its payload, which lives until the batch is answered.
typedef struct {
    pt_batch_t header;
    pt_bytes_t payload;
    uint64_t first; //  place of its first response: options.first for the first one put
} pt_outbox_batch_t;

typedef struct pt_outbox pt_outbox_t;

/*  NULL when out of memory. */
pt_outbox_t *pt_outbox_new(const pt_outbox_options_t *options);
void pt_outbox_destroy(pt_outbox_t **self_p);

/*  Add one response to the open batch; the bytes are copied. PT_OK; PT_E_SPACE when the window is
 *  full; PT_E_SIZE when the response alone exceeds a batch; PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_outbox_put(pt_outbox_t *self, pt_bytes_t response);
/*  Close the open batch. Does nothing when it is empty. */
void pt_outbox_seal(pt_outbox_t *self);
/*  Put back a batch of an earlier life, sealed as it was; it counts as put. Its seq lies below
 *  options.next by at most PT_WINDOW and above those put back before; those between count as answered.
 *  To be called before the first put. PT_OK, PT_E_RANGE for a seq out of place or no
 *  bytes, PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_outbox_restore(pt_outbox_t *self, uint64_t seq, uint64_t first, uint32_t count,
                                            pt_bytes_t payload);

/*  The sealed batch `seq`; false when it is answered or none. */
bool pt_outbox_batch(const pt_outbox_t *self, uint64_t seq, pt_outbox_batch_t *out_batch);
uint64_t pt_outbox_floor(const pt_outbox_t *self); //  lowest seq not answered
uint64_t pt_outbox_next(const pt_outbox_t *self);  //  seq that the open batch will have
/*  Everything below `next` is safe, and may be sent. */
void pt_outbox_stored(pt_outbox_t *self, uint64_t next);

/*  The next batch to be sent now, in the order of seqs; *cursor starts at 0 and is the call's own. */
bool pt_outbox_due(const pt_outbox_t *self, int64_t now_ms, uint64_t *cursor, pt_outbox_batch_t *out_batch);
/*  The batch was handed to the socket, or (`blocked`) the socket took nothing, which is a kind of
 *  silence as well. Either way its next time comes later.
 */
void pt_outbox_sent(pt_outbox_t *self, uint64_t seq, bool blocked, int64_t now_ms);
/*  When something is due next: INT64_MAX when nothing is. */
int64_t pt_outbox_due_ms(const pt_outbox_t *self);

/*  Take an answer. Those of another producer or epoch are ignored, and what is answered already. */
void pt_outbox_ack(pt_outbox_t *self, const pt_ack_t *ack, int64_t now_ms);
/*  *out_batch is the batch when it is refused for good; true then. Its payload is gone. */
bool pt_outbox_nack(pt_outbox_t *self, const pt_nack_t *nack, int64_t now_ms, pt_outbox_batch_t *out_batch);

/*  Whether some batch is due and was sent PT_OUTBOX_SILENT_SENDS times since anything was heard. */
bool pt_outbox_is_silent(const pt_outbox_t *self, int64_t now_ms);
/*  There is a new connection, and nothing is on it: everything is due. */
void pt_outbox_reconnected(pt_outbox_t *self);

/*  Whether every response that was put is answered. */
bool pt_outbox_is_idle(const pt_outbox_t *self);
pt_outbox_counts_t pt_outbox_counts(const pt_outbox_t *self);

#endif
