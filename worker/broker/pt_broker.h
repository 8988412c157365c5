/*  pt_broker: between producers and workers. No disk, no state worth keeping.
 *
 *  An actor with two ROUTER sockets: producers and plain clients in front, workers at the back. It
 *  sends to workers within the credit they give (READY), a producer's batches always to the same
 *  live worker, plain requests in turn. A producer whose worker has no credit is told `busy`; when
 *  no worker has credit at all, the front is not read, and back pressure reaches the producers. It
 *  never waits in a send: what cannot be sent at once is answered or dropped, and asked for again.
 */
#ifndef PT_BROKER_H
#define PT_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "pt_gate.h"
#include "pt_status.h"

//  Workers known at one time; a further one is left waiting.
#define PT_BROKER_WORKERS_MAX 256

//  A worker that says nothing for this long is dead: three READY.
#define PT_BROKER_SILENCE_MS 3000

typedef struct {
    const char *front; //  endpoints to bind; see pt_sockets_bind
    const char *back;
    pt_gate_t *gate; //  outlives the broker: producers in front, workers at the back; NULL: all come in
} pt_broker_options_t;

//  Messages, since the start.
typedef struct {
    uint64_t batches;         //  sent to workers
    uint64_t plain;           //  plain requests sent to workers
    uint64_t answers;         //  ACK and NACK passed back
    uint64_t answers_dropped; //  that could not be sent at once, or whose client is gone
    uint64_t busy;            //  NACK busy
    uint64_t refused;         //  NACK for headers that cannot be read, and for ids of another party
    uint64_t garbage;         //  of no known shape, dropped
    uint64_t workers;         //  alive now
    uint64_t credit;          //  messages that may be sent now
    uint64_t turned_ms;       //  monotonic; when the broker's thread was last seen alive
    bool paused;
} pt_broker_counters_t;

typedef struct pt_broker pt_broker_t;

//  Longest text of a refusal.
#define PT_BROKER_ERROR_BYTES_MAX 512

/*  Bind both sockets and start. NULL with one line in out_error[PT_BROKER_ERROR_BYTES_MAX], and
 *  errno, when an endpoint is refused. Call pt_sockets_init before.
 */
pt_broker_t *pt_broker_new(const pt_broker_options_t *options, char *out_error);

/*  Read the front no more; answers of workers still pass. Returns when it is so. */
void pt_broker_pause(pt_broker_t *self);

/*  Stop, after passing on the answers that are on their way, and set *self_p to NULL. */
void pt_broker_destroy(pt_broker_t **self_p);

/*  Where the sockets are bound; valid as long as the broker. */
const char *pt_broker_front(const pt_broker_t *self);
const char *pt_broker_back(const pt_broker_t *self);

/*  From any thread. */
pt_broker_counters_t pt_broker_counters(const pt_broker_t *self);

#endif
