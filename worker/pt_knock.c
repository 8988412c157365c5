/*  libzmq waits in its sends to a monitor that has no room, so this one has no limit: a refused client
 *  tries again every few seconds at most, and what it did is read with every poll.
 */
#include "pt_knock.h"

#include <assert.h>
#include <stdatomic.h>

#include "pt_sockets.h"

bool
pt_knock_open(pt_knock_t *out_self, zsock_t *socket, const pt_curve_t *curve)
{
    assert(out_self);
    assert(socket);

    static atomic_uint s_serial;
    char endpoint[64];
    *out_self = (pt_knock_t) {0};
    if (!curve)
        return true;
    snprintf(endpoint, sizeof(endpoint), "inproc://paytriage-knock-%u", atomic_fetch_add(&s_serial, 1));
    out_self->monitor = pt_sockets_new(ZMQ_PAIR, 0, 0);
    return out_self->monitor &&
           zmq_socket_monitor(zsock_resolve(socket), endpoint,
                              ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED) == 0 &&
           pt_sockets_connect(out_self->monitor, endpoint) == PT_OK;
}

void
pt_knock_close(pt_knock_t *self, zsock_t *socket)
{
    assert(self);

    if (self->monitor && socket)
        zmq_socket_monitor(zsock_resolve(socket), NULL, 0);
    zsock_destroy(&self->monitor);
}

bool
pt_knock_is_refused(pt_knock_t *self)
{
    assert(self);

    uint16_t event;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    //  The first frame of an event begins with its number; the last one names the endpoint.
    while (self->monitor && zmq_msg_recv(&frame, zsock_resolve(self->monitor), ZMQ_DONTWAIT) >= 0) {
        if (!zmq_msg_more(&frame) || zmq_msg_size(&frame) < sizeof(event))
            continue;
        memcpy(&event, zmq_msg_data(&frame), sizeof(event));
        self->refused = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    }
    zmq_msg_close(&frame);
    return self->refused;
}
