/*  Orders are few and small; what is wrong with one never gets further than here. */
#include "pt_control.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

//  Orders that wait of one client.
#define S_HWM 16

struct pt_control {
    zsock_t *socket;
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
};

pt_control_t *
pt_control_new(const char *endpoint)
{
    assert(endpoint);

    pt_control_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->socket = pt_sockets_new(ZMQ_ROUTER, S_HWM, S_HWM);
    if (self->socket && pt_sockets_bind_private(self->socket, endpoint, self->bound) == PT_OK)
        return self;
    int reason = errno;
    self->bound[0] = 0;
    pt_control_destroy(&self);
    errno = reason;
    return NULL;
}

void
pt_control_destroy(pt_control_t **self_p)
{
    assert(self_p);

    pt_control_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->socket);
    free(self);
    *self_p = NULL;
}

void *
pt_control_socket(const pt_control_t *self)
{
    assert(self);

    return zsock_resolve(self->socket);
}

//  False: too long, or not a text.
static bool
s_copy_word(pt_bytes_t bytes, char *out, size_t room)
{
    if (bytes.len >= room || memchr(bytes.data, 0, bytes.len))
        return false;
    memcpy(out, bytes.data, bytes.len);
    out[bytes.len] = 0;
    return true;
}

//  [client][empty][verb], and an argument or none.
static bool
s_read_order(pt_order_t *order)
{
    pt_frames_t *message = &order->route;
    bool shaped = !message->excess && (message->count == 3 || message->count == 4);
    return shaped && pt_frames_bytes(message, 1).len == 0 &&
           s_copy_word(pt_frames_bytes(message, 2), order->verb, sizeof(order->verb)) &&
           (message->count == 3 || s_copy_word(pt_frames_bytes(message, 3), order->argument, sizeof(order->argument)));
}

static void
s_drop_order(pt_order_t **order_p)
{
    pt_frames_clear(&(*order_p)->route);
    free(*order_p);
    *order_p = NULL;
}

pt_order_t *
pt_control_take(pt_control_t *self)
{
    assert(self);

    for (;;) {
        pt_order_t *order = calloc(1, sizeof(*order));
        if (!order)
            return NULL;
        if (!pt_frames_receive(zsock_resolve(self->socket), &order->route)) {
            free(order);
            return NULL;
        }
        if (s_read_order(order))
            return order;
        s_drop_order(&order);
    }
}

void
pt_control_answer(pt_control_t *self, pt_order_t **order_p, const char *word, const char *text)
{
    assert(self);
    assert(order_p && *order_p);
    assert(word);
    assert(text);

    pt_bytes_t client = pt_frames_bytes(&(*order_p)->route, 0);
    const pt_bytes_t frames[] = {
        client, {NULL, 0}, {(const uint8_t *) word, strlen(word)}, {(const uint8_t *) text, strlen(text)}};
    void *socket = zsock_resolve(self->socket);
    //  No room or no such client shows at the first frame.
    for (size_t i = 0; i < 4; i++)
        if (zmq_send(socket, frames[i].data, frames[i].len, ZMQ_DONTWAIT | (i < 3 ? ZMQ_SNDMORE : 0)) < 0)
            break;
    s_drop_order(order_p);
}
