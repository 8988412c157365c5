/*  pt_door: a bound socket whose connections can be cut, with a gate in front of it or without.
 *
 *  With a gate the socket speaks CURVE only, at tcp and ipc endpoints alike, and admits whom the gate
 *  admits; handshakes that never get as far as the gate are counted there. One thread owns a door and
 *  its socket. Cutting unbinds and binds again, so that every peer starts with a new handshake; what was
 *  on its way to them is lost, which senders and subscribers are made for.
 */
#ifndef PT_DOOR_H
#define PT_DOOR_H

#include "pt_gate.h"
#include "pt_sockets.h"

//  A port that cannot be had again within this time is somebody else's now.
#define PT_DOOR_PATIENCE_MS 5000

typedef struct {
    zsock_t *socket;  //  the caller's
    zsock_t *monitor; //  NULL: no gate
    pt_gate_t *gate;  //  NULL: plain
    pt_party_t domain;
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    int cut_fd; //  readable when connections must be cut; -1: no gate
    bool open;
    int64_t cut_ms; //  when it was unbound, if it is not open
} pt_door_t;

//  Poll items of one door.
#define PT_DOOR_ITEMS 2

/*  Bind a socket of pt_sockets_new that is not bound yet; `gate` NULL: without CURVE. PT_OK, or PT_E_IO
 *  with errno; pt_door_close is due in both cases. The socket stays the caller's.
 */
PT_MUST_CHECK pt_status_t pt_door_open(pt_door_t *out_self, zsock_t *socket, pt_gate_t *gate, pt_party_t domain,
                                       const char *endpoint);

/*  Before its socket is destroyed. Does nothing to a door of zeros. */
void pt_door_close(pt_door_t *self);

/*  To be called in each turn of the owner's loop: counts failed handshakes, cuts when the gate says so and
 *  binds again. Connections end while the owner uses its socket. An endpoint that is lost meanwhile is
 *  told to the gate, which ends the process.
 */
void pt_door_tend(pt_door_t *self);

/*  Fill items[0..PT_DOOR_ITEMS) with what to poll beside the socket, and return how many. */
size_t pt_door_items(const pt_door_t *self, zmq_pollitem_t *items);

/*  How long a poll may wait: `wait_ms`, or less while it has to be bound again. */
int64_t pt_door_wait_ms(const pt_door_t *self, int64_t wait_ms);

#endif
