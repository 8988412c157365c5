/*  Credit in one number: limit = received + free room, which is "answered + window" and so only
 *  ever grows, until the worker drains.
 */
#include "pt_link.h"

#include <assert.h>

#include "pt_fault_point.h"
#include "pt_sockets.h"

pt_status_t
pt_link_open(pt_link_t *self, const pt_curve_t *curve, const char *endpoint, uint64_t worker, uint64_t epoch,
             uint32_t window)
{
    assert(self);
    assert(endpoint);
    assert(window > 0);

    *self = (pt_link_t) {.worker = worker, .epoch = epoch, .window = window, .due = true, .curve = curve};
    //  Credit bounds what comes in; the mark only stands against a broker that ignores it.
    self->socket = pt_sockets_new(ZMQ_DEALER, PT_SOCKETS_ANSWERS_HWM, (int) window);
    if (!self->socket)
        return PT_E_IO;
    self->raw = zsock_resolve(self->socket);
    self->item = pt_wait_socket(self->raw);
    snprintf(self->endpoint, sizeof(self->endpoint), "%s", endpoint);
    //  Only connections between processes come and go.
    bool leaves = strncmp(endpoint, "inproc://", 9) != 0;
    self->down = leaves;
    if (pt_knock_open(&self->knock, self->socket, leaves) && pt_curve_connect(curve, self->socket, endpoint) == PT_OK)
        return PT_OK;
    int reason = errno;
    pt_link_close(self);
    errno = reason;
    return PT_E_IO;
}

void
pt_link_close(pt_link_t *self)
{
    assert(self);

    //  A READY is of use to nobody later, and a broker that is gone has forgotten whom an answer is for.
    if (self->socket && (!self->met || pt_knock_is_down(&self->knock)))
        zsock_set_linger(self->socket, 0);
    pt_knock_close(&self->knock, self->socket);
    zsock_destroy(&self->socket);
    self->raw = NULL;
}

static bool
s_is_hello(const pt_frames_t *message)
{
    pt_kind_t kind;
    return message->count == 1 && !message->excess && pt_wire_kind(pt_frames_bytes(message, 0), &kind) == PT_OK &&
           kind == PT_KIND_HELLO;
}

bool
pt_link_receive(pt_link_t *self, pt_frames_t *out_message)
{
    assert(self);
    assert(out_message);

    while (pt_frames_receive(self->raw, out_message)) {
        self->met = true;
        if (!s_is_hello(out_message)) {
            self->received++;
            return true;
        }
        PT_FAULT_POINT("link.hello");
        pt_frames_clear(out_message);
        self->received = 0;
        self->announced = 0;
        self->hellos++;
        self->due = true;
    }
    self->item.empty = true;
    return false;
}

bool
pt_link_is_connected(const pt_link_t *self)
{
    assert(self);

    return self->hellos > 0 && !self->down;
}

bool
pt_link_has_room(const pt_link_t *self)
{
    assert(self);

    return self->in_work < self->window;
}

static uint64_t
s_limit(const pt_link_t *self)
{
    if (self->draining || self->in_work >= self->window)
        return self->received;
    return self->received + (self->window - self->in_work);
}

//  Often enough that the broker never runs out while there is room, and not for every message.
static bool
s_is_worth_telling(const pt_link_t *self, uint64_t limit)
{
    if (self->draining || limit <= self->announced)
        return false;
    return self->announced <= self->received || limit - self->announced >= (self->window + 3) / 4;
}

void
pt_link_announce(pt_link_t *self, int64_t now_ms)
{
    assert(self);

    uint64_t limit = s_limit(self);
    if (!self->due && now_ms - self->told_ms < PT_LINK_READY_MS && !s_is_worth_telling(self, limit))
        return;
    self->told_ms = now_ms;
    if (self->silent)
        return;
    //  What is sent may take the news of what came in.
    self->item.empty = false;
    pt_knock_again(&self->knock, self->socket, self->curve, self->endpoint);
    self->down = pt_knock_is_down(&self->knock);
    pt_ready_t ready = {.worker = self->worker, .epoch = self->epoch, .received = self->received, .limit = limit};
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_ready_encode(&ready, bytes, sizeof(bytes));
    //  Without room there is a broker that is gone or stuck; the next READY tells it the same.
    PT_FAULT_POINT("link.ready.before");
    if (zmq_send(self->raw, bytes, len, ZMQ_DONTWAIT) >= 0) {
        self->announced = limit;
        self->due = false;
        PT_FAULT_POINT("link.ready.after");
    }
}

bool
pt_link_answer(pt_link_t *self, const pt_frames_t *message, size_t envelope_count, pt_bytes_t bytes)
{
    assert(self);
    assert(message);

    self->item.empty = false;
    return pt_frames_answer(self->raw, message, 0, envelope_count, bytes);
}
