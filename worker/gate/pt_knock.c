/*  libzmq waits in its sends to a monitor that has no room, so this one has no limit: there are a few events a
 *  second at most, and they are read with every poll.
 */
#include "pt_knock.h"

#include <assert.h>
#include <stdatomic.h>

#include "pt_sockets.h"

//  A handshake takes a millisecond; one with a key that was taken away ends after three seconds.
#define S_HANDSHAKE_MS 500

//  One that a process does not answer, because it hangs, ends after three seconds, events are read within one.
#define S_HANG_MS 1900

bool
pt_knock_open(pt_knock_t *out_self, zsock_t *socket, bool wanted)
{
    assert(out_self);
    assert(socket);

    static atomic_uint s_serial;
    char endpoint[64];
    *out_self = (pt_knock_t) {.down = wanted};
    if (!wanted)
        return true;
    snprintf(endpoint, sizeof(endpoint), "inproc://paytriage-knock-%u", atomic_fetch_add(&s_serial, 1));
    out_self->monitor = pt_sockets_new(ZMQ_PAIR, 0, 0);
    return out_self->monitor &&
           zmq_socket_monitor(zsock_resolve(socket), endpoint,
                              ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                  ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED) == 0 &&
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

static void
s_note_end(pt_knock_t *self)
{
    self->broken |= self->standing;
    self->standing = false;
}

//  How often the connection came back: what a PUB socket sent meanwhile did not arrive. The end of one whose
//  handshake failed is an event, too.
static void
s_count_returns(pt_knock_t *self, uint16_t event)
{
    if (event == ZMQ_EVENT_DISCONNECTED)
        s_note_end(self);
    if (event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        return;
    self->standing = true;
    self->returned += self->broken;
    self->broken = false;
}

//  What an event says of the connection, and of whoever is at its other end.
static void
s_take_event(pt_knock_t *self, uint16_t event)
{
    int64_t now_ms = zclock_mono();
    bool hung = self->greeting_ms && now_ms - self->greeting_ms >= S_HANG_MS;
    self->greeting_ms = event == ZMQ_EVENT_CONNECTED ? now_ms : 0;
    self->lost_ms = event == ZMQ_EVENT_DISCONNECTED ? now_ms : 0;
    if (event == ZMQ_EVENT_CONNECTED)
        return;
    if (event == ZMQ_EVENT_CONNECT_RETRIED) {
        //  Twice without a handshake in between: nobody is there any more.
        self->silent &= !self->retried;
        self->retried = true;
        return;
    }
    self->down = event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    self->due |= event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    //  A refusal is followed by the end of its connection.
    if (event == ZMQ_EVENT_DISCONNECTED)
        return;
    self->refused = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    self->retried = false;
    self->silent = event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED && !self->refused;
    self->mismatched = self->silent && !hung;
}

static void
s_read(pt_knock_t *self)
{
    uint16_t event;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    //  The first frame of an event begins with its number; the last one names the endpoint.
    while (self->monitor && zmq_msg_recv(&frame, zsock_resolve(self->monitor), ZMQ_DONTWAIT) >= 0) {
        if (!zmq_msg_more(&frame) || zmq_msg_size(&frame) < sizeof(event))
            continue;
        memcpy(&event, zmq_msg_data(&frame), sizeof(event));
        s_count_returns(self, event);
        s_take_event(self, event);
    }
    zmq_msg_close(&frame);
}

bool
pt_knock_is_refused(pt_knock_t *self)
{
    assert(self);

    s_read(self);
    return self->refused;
}

bool
pt_knock_is_silent(pt_knock_t *self, const pt_curve_t *curve)
{
    assert(self);

    s_read(self);
    bool hangs = self->greeting_ms && zclock_mono() - self->greeting_ms >= S_HANDSHAKE_MS;
    return curve ? self->silent || hangs : self->silent && self->mismatched;
}

bool
pt_knock_is_down(pt_knock_t *self)
{
    assert(self);

    s_read(self);
    return self->down;
}

//  A handshake that ends without a word may have had a key that is replaced by now. What the first connection
//  had is not known, so after its failure there is another one in any case.
static void
s_compare_keys(pt_knock_t *self, const pt_curve_t *curve, const char *endpoint, int64_t now_ms)
{
    if (!curve || !self->silent || now_ms - self->looked_ms < PT_KNOCK_AGAIN_MS)
        return;
    self->looked_ms = now_ms;
    self->due |= pt_curve_mark(curve, endpoint) != self->mark;
}

void
pt_knock_again(pt_knock_t *self, zsock_t *socket, const pt_curve_t *curve, const char *endpoint)
{
    assert(self);
    assert(socket);
    assert(endpoint);

    s_read(self);
    int64_t now_ms = zclock_mono();
    //  libzmq tells at once that it tries again, unless it has given up.
    if (self->lost_ms && now_ms - self->lost_ms >= PT_KNOCK_AGAIN_MS)
        self->due = true;
    s_compare_keys(self, curve, endpoint, now_ms);
    if (!self->due || now_ms - self->knocked_ms < PT_KNOCK_AGAIN_MS)
        return;
    self->lost_ms = 0;
    self->knocked_ms = now_ms;
    //  Before they are read for the connection: a change in between is seen at its failure.
    self->mark = curve ? pt_curve_mark(curve, endpoint) : 0;
    //  Of the end of a connection that we end ourselves there is no event.
    s_note_end(self);
    zmq_disconnect(zsock_resolve(socket), endpoint);
    //  A key of the server that cannot be read now is looked for the next time.
    self->due = pt_curve_connect(curve, socket, endpoint) != PT_OK;
}
