/*  The monitor is read by the thread that owns the socket: libzmq waits in its sends to a monitor, and
 *  an owner that is gone has closed both.
 */
#include "pt_door.h"

#include <assert.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

//  Failed handshakes that may wait to be counted; libzmq's thread waits beyond that.
#define S_MONITOR_HWM 65536

//  Between two tries to bind again. The port is free as soon as libzmq's thread has closed it.
#define S_RETRY_MS 5

static bool
s_open_monitor(pt_door_t *self)
{
    static atomic_uint s_serial;
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "inproc://paytriage-door-%u", atomic_fetch_add(&s_serial, 1));
    self->monitor = pt_sockets_new(ZMQ_PAIR, 1, S_MONITOR_HWM);
    return self->monitor &&
           zmq_socket_monitor(zsock_resolve(self->socket), endpoint,
                              ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) == 0 &&
           pt_sockets_connect(self->monitor, endpoint) == PT_OK;
}

pt_status_t
pt_door_open(pt_door_t *out_self, zsock_t *socket, pt_gate_t *gate, pt_party_t domain, const char *endpoint)
{
    assert(out_self);
    assert(socket);
    assert(endpoint);

    //  Inside the process there are no strangers, and no handshakes.
    bool guarded = gate && strncmp(endpoint, "inproc://", 9) != 0;
    *out_self = (pt_door_t) {.socket = socket, .gate = guarded ? gate : NULL, .domain = domain, .cut_fd = -1};
    if (guarded)
        out_self->cut_fd = pt_gate_watch(gate, domain);
    if (guarded &&
        (out_self->cut_fd < 0 || !pt_curve_serve(pt_gate_curve(gate), socket, domain) || !s_open_monitor(out_self)))
        return PT_E_IO;
    out_self->open = pt_sockets_bind(socket, endpoint, out_self->bound) == PT_OK;
    return out_self->open ? PT_OK : PT_E_IO;
}

void
pt_door_close(pt_door_t *self)
{
    assert(self);

    if (self->monitor)
        zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
    zsock_destroy(&self->monitor);
}

static void
s_cut(pt_door_t *self)
{
    //  Fails only for an endpoint that is not bound.
    (void) zmq_unbind(zsock_resolve(self->socket), self->bound);
    self->open = false;
    self->cut_ms = zclock_mono();
}

static void
s_bind_again(pt_door_t *self)
{
    char reason[PT_ENDPOINT_BYTES_MAX + 128];
    //  The party's own key may be another one by now.
    self->open = pt_curve_serve(pt_gate_curve(self->gate), self->socket, self->domain) &&
                 zmq_bind(zsock_resolve(self->socket), self->bound) == 0;
    if (self->open || (errno == EADDRINUSE && zclock_mono() - self->cut_ms < PT_DOOR_PATIENCE_MS))
        return;
    snprintf(reason, sizeof(reason), "%s cannot be bound again after its connections were cut: %s", self->bound,
             zmq_strerror(errno));
    pt_gate_fail(self->gate, reason);
    //  Said once; there is nothing to try any more.
    self->open = true;
}

static void
s_read_monitor(pt_door_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    //  An event is two frames, and the last one ends it.
    for (int i = 0; i < S_MONITOR_HWM && zmq_msg_recv(&frame, zsock_resolve(self->monitor), ZMQ_DONTWAIT) >= 0; i++)
        if (!zmq_msg_more(&frame))
            pt_gate_note_failure(self->gate, self->domain);
    zmq_msg_close(&frame);
}

void
pt_door_tend(pt_door_t *self)
{
    assert(self);

    eventfd_t cuts;
    if (!self->gate)
        return;
    s_read_monitor(self);
    if (eventfd_read(self->cut_fd, &cuts) == 0 && self->open)
        s_cut(self);
    if (!self->open)
        s_bind_again(self);
}

size_t
pt_door_items(const pt_door_t *self, zmq_pollitem_t *items)
{
    assert(self);
    assert(items);

    if (!self->gate)
        return 0;
    items[0] = (zmq_pollitem_t) {.socket = zsock_resolve(self->monitor), .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t) {.fd = self->cut_fd, .events = ZMQ_POLLIN};
    return PT_DOOR_ITEMS;
}

int64_t
pt_door_wait_ms(const pt_door_t *self, int64_t wait_ms)
{
    assert(self);

    bool waits = self->gate && !self->open;
    return waits && (wait_ms < 0 || wait_ms > S_RETRY_MS) ? S_RETRY_MS : wait_ms;
}
