/*  pt_replay: the socket from which subscribers fetch what they missed.
 *
 *  One actor with a ROUTER. It answers one request after the other, in turn among its clients as
 *  libzmq deals them out, and reads the journal in views of one answer each, beside the journal's
 *  writer. It never waits for a client: what its queue has no room for is dropped, and the client,
 *  which misses the END, asks again from where it is. What has to be written (names, positions) goes
 *  to the journal as a request, and is answered when it is durable.
 *
 *  A second socket, in the journal's own folder, takes what an operator orders while the worker is at
 *  work: a REQ sends `FORGET` and a name, and receives `OK`, `UNKNOWN` or `BUSY`; or `DISCARD` and
 *  "TOPIC SEQ", to drop a piece of what lies below that number, and `DISCARD_UNREAD` for a piece that
 *  durable subscribers have not had as well. Who may enter the folder may order it.
 */
#ifndef PT_REPLAY_H
#define PT_REPLAY_H

//  Frames of the control socket.
#define PT_CONTROL_FORGET "FORGET"
#define PT_CONTROL_DISCARD "DISCARD"
#define PT_CONTROL_DISCARD_UNREAD "DISCARD_UNREAD"
#define PT_CONTROL_OK "OK"
#define PT_CONTROL_UNKNOWN "UNKNOWN"
#define PT_CONTROL_BUSY "BUSY"

#include <czmq.h>

#include "pt_gate.h"
#include "pt_stats.h"
#include "pt_store.h"

typedef struct {
    pt_store_t *store;     //  outlives the actor
    const char *endpoint;  //  to bind; see pt_sockets_bind
    const char *advertise; //  what HEAD names; NULL: the bound endpoint, with this host's name for 0.0.0.0
    const char *control;   //  ipc endpoint to bind for whoever may write to the journal's folder; NULL: none
    pt_stats_t *stats;     //  outlives the actor; NULL: nobody counts
    pt_gate_t *gate;       //  outlives the actor and lets subscribers in; NULL: all. Not for `control`
    const char *requests;  //  inproc endpoint, bound by the journal
    const char *answers;   //  inproc endpoint to bind: requests that come back
} pt_replay_options_t;

typedef struct pt_replay pt_replay_t;

/*  Bind and start. NULL with errno; *out_endpoint is then the endpoint that was refused, or NULL when
 *  memory or sockets ran out.
 */
pt_replay_t *pt_replay_new(const pt_replay_options_t *options, const char **out_endpoint);

/*  Stop, after the journal, and set *self_p to NULL. */
void pt_replay_destroy(pt_replay_t **self_p);

/*  What HEAD names; valid as long as the replay. */
const char *pt_replay_endpoint(const pt_replay_t *self);

#endif
