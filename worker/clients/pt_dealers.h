/*  pt_dealers: a subscriber's connections to the replay sockets of workers.
 *
 *  One DEALER for each endpoint that some HEAD named, and for each (worker, epoch) which of them is
 *  the newest. A connection on which requests are not answered for long is made anew. Nothing waits.
 */
#ifndef PT_DEALERS_H
#define PT_DEALERS_H

#include <czmq.h>

#include "pt_curve.h"
#include "pt_frames.h"
#include "pt_wire.h"

#define PT_DEALERS_MAX 64          //  endpoints; arbitrary: more than the workers of a pool
#define PT_DEALERS_SILENT_MS 10000 //  with a request on the way and no answer

typedef struct pt_dealers pt_dealers_t;

/*  `curve` outlives it; NULL: without CURVE. NULL when out of memory. */
pt_dealers_t *pt_dealers_new(const pt_curve_t *curve);
void pt_dealers_destroy(pt_dealers_t **self_p);

/*  The worker answers at this endpoint from now on. One that cannot be connected to is ignored. */
void pt_dealers_name(pt_dealers_t *self, uint64_t worker, uint64_t epoch, pt_text_t endpoint);

/*  The newest endpoint of a worker, until the next call that names one; NULL: none is known. */
const char *pt_dealers_endpoint(const pt_dealers_t *self, uint64_t worker, uint64_t epoch);

/*  Send a request of one frame to a worker. False when there is no way or no room: it is lost. */
bool pt_dealers_send(pt_dealers_t *self, uint64_t worker, uint64_t epoch, pt_bytes_t request, int64_t now_ms);

/*  Fill items[0..PT_DEALERS_MAX) for zmq_poll, and return how many. */
size_t pt_dealers_items(const pt_dealers_t *self, zmq_pollitem_t *items);
/*  The next message that has come on connection `index`, below pt_dealers_items. */
bool pt_dealers_receive(pt_dealers_t *self, size_t index, pt_frames_t *out_frames);
/*  Replace connections that are silent for too long. */
void pt_dealers_mend(pt_dealers_t *self, int64_t now_ms);

#endif
