/*  Requests travel as pointers; each asker has a socket of its own for what comes back. */
#include "pt_request.h"

#include <assert.h>
#include <string.h>

#include "pt_sockets.h"

static void
s_copy_text(char *out, pt_text_t text)
{
    if (text.len)
        memcpy(out, text.data, text.len);
    out[text.len] = 0;
}

void
pt_request_subscribe(pt_request_t *self, const pt_open_t *open)
{
    assert(self);
    assert(open);

    self->kind = PT_REQUEST_SUBSCRIBE;
    self->durable = true;
    s_copy_text(self->name, open->name);
    self->prefix_count = open->prefix_count;
    for (size_t i = 0; i < open->prefix_count; i++)
        s_copy_text(self->prefixes[i], open->prefixes[i]);
}

void
pt_request_position(pt_request_t *self, const pt_suback_t *suback)
{
    assert(self);
    assert(suback);

    self->kind = PT_REQUEST_POSITION;
    s_copy_text(self->name, suback->name);
    self->topic_count = suback->topic_count;
    for (size_t i = 0; i < suback->topic_count; i++) {
        s_copy_text(self->topics[i].topic, suback->topics[i].topic);
        self->topics[i].next_seq = suback->topics[i].next_seq;
    }
}

bool
pt_request_hand(void *socket, pt_request_t *request)
{
    assert(socket);
    assert(request);

    atomic_fetch_add_explicit(&request->baton, 1, memory_order_release);
    return zmq_send(socket, &request, sizeof(request), ZMQ_DONTWAIT) == (int) sizeof(request);
}

pt_request_t *
pt_request_take(void *socket)
{
    assert(socket);

    pt_request_t *request;
    int size = zmq_recv(socket, &request, sizeof(request), ZMQ_DONTWAIT);
    if (size != (int) sizeof(request))
        return NULL;
    atomic_load_explicit(&request->baton, memory_order_acquire);
    return request;
}

//  The socket to answer on, connected at the first answer.
static zsock_t *
s_find_asker(pt_askers_t *self, const char *endpoint)
{
    for (size_t i = 0; i < PT_ASKERS_MAX; i++) {
        zsock_t **socket = &self->askers[i].socket;
        if (*socket && strcmp(self->askers[i].endpoint, endpoint) == 0)
            return *socket;
        if (*socket)
            continue;
        snprintf(self->askers[i].endpoint, sizeof(self->askers[i].endpoint), "%s", endpoint);
        *socket = pt_sockets_new(ZMQ_PUSH, 0, 0);
        if (*socket && pt_sockets_connect(*socket, endpoint) != PT_OK)
            zsock_destroy(socket);
        return *socket;
    }
    return NULL;
}

void
pt_askers_answer(pt_askers_t *self, pt_request_t *request)
{
    assert(self);
    assert(request);

    zsock_t *socket = s_find_asker(self, request->answers);
    if (socket)
        pt_request_hand(zsock_resolve(socket), request);
}

void
pt_askers_clear(pt_askers_t *self)
{
    assert(self);

    for (size_t i = 0; i < PT_ASKERS_MAX; i++)
        zsock_destroy(&self->askers[i].socket);
}
