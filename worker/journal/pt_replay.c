/*  The actor: reads requests, sends answers. What goes into an answer is found by pt_replay_answer. */
#include "pt_replay.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_actor.h"
#include "pt_door.h"
#include "pt_fault_point.h"
#include "pt_frames.h"
#include "pt_journal.h"
#include "pt_pending.h"
#include "pt_replay_answer.h"
#include "pt_replay_order.h"
#include "pt_sockets.h"

//  Messages waiting for one client; every second one has decisions, of at most 1 MiB: 32 MiB for one
//  that asks for all of it and does not read. Enough for two FETCHes of each of sixteen topics.
#define S_SEND_HWM 64
//  Requests waiting of one client; they are small.
#define S_RECEIVE_HWM 256
//  Requests between two looks at the others.
#define S_BURST 16

typedef struct {
    pt_answer_t answer;
    zsock_t *router;
    pt_door_t door;   //  of the router
    zsock_t *control; //  NULL: none
    zsock_t *requests;
    zsock_t *answers;
    pt_pendings_t pendings;
} s_replay_t;

struct pt_replay {
    zactor_t *actor;
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    char advertised[PT_ENDPOINT_BYTES_MAX + 1];
};

//  ---- sending

//  The first frame, which finds the client. libzmq hears only now and then, within a send, that a
//  queue has room again; asking for the events makes it listen.
static bool
s_send_route(void *socket, pt_bytes_t id)
{
    int events;
    size_t size = sizeof(events);
    if (zmq_send(socket, id.data, id.len, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0)
        return true;
    if (errno != EAGAIN || zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) != 0)
        return false;
    return zmq_send(socket, id.data, id.len, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
}

static bool
s_send(void *context, const pt_frames_t *route, const pt_bytes_t *frames, size_t count)
{
    void *socket = zsock_resolve(((s_replay_t *) context)->router);
    //  No room or no such client shows at the first frame.
    if (!s_send_route(socket, pt_frames_bytes(route, 0)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (zmq_send(socket, frames[i].data, frames[i].len, ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0)) < 0)
            return false;
    return true;
}

//  ---- what the journal has to write

static pt_pending_t *
s_new_pending(s_replay_t *self, const pt_frames_t *message, uint64_t req_id)
{
    pt_pending_t *pending = pt_pendings_new(&self->pendings);
    if (pending)
        pending->req_id = req_id;
    else
        pt_answer_refuse(&self->answer, message, req_id, PT_REFUSAL_BUSY);
    return pending;
}

//  The message's frames stay with the request.
static void
s_hand_over(s_replay_t *self, pt_pending_t *pending, pt_frames_t *message)
{
    if (pt_pendings_hand(&self->pendings, pending, message))
        return;
    //  Silence makes an operator's program ask again.
    if (!pending->control)
        pt_answer_refuse(&self->answer, &pending->route, pending->req_id, PT_REFUSAL_BUSY);
    pt_pendings_end(&self->pendings, pending);
}

static void
s_take_open(s_replay_t *self, pt_frames_t *message)
{
    pt_open_t open;
    if (pt_open_decode(pt_frames_bytes(message, 1), &open) != PT_OK) {
        pt_answer_refuse(&self->answer, message, open.req_id, PT_REFUSAL_BAD_FORMAT);
        return;
    }
    if (!open.durable) {
        pt_answer_open(&self->answer, message, &open);
        return;
    }
    pt_pending_t *pending = s_new_pending(self, message, open.req_id);
    if (!pending)
        return;
    PT_FAULT_POINT("replay.open");
    pt_request_subscribe(&pending->request, &open);
    s_hand_over(self, pending, message);
}

static void
s_take_suback(s_replay_t *self, pt_frames_t *message)
{
    pt_suback_t suback;
    if (pt_suback_decode(pt_frames_bytes(message, 1), &suback) != PT_OK) {
        pt_answer_refuse(&self->answer, message, suback.req_id, PT_REFUSAL_BAD_FORMAT);
        return;
    }
    if (suback.epoch != pt_store_identity(self->answer.store).epoch) {
        pt_answer_bad_epoch(&self->answer, message, suback.req_id);
        return;
    }
    pt_pending_t *pending = s_new_pending(self, message, suback.req_id);
    if (!pending)
        return;
    PT_FAULT_POINT("replay.suback");
    pt_request_position(&pending->request, &suback);
    s_hand_over(self, pending, message);
}

static void
s_take_fetch(s_replay_t *self, pt_frames_t *message)
{
    pt_fetch_t fetch;
    if (pt_fetch_decode(pt_frames_bytes(message, 1), &fetch) != PT_OK)
        pt_answer_refuse(&self->answer, message, fetch.req_id, PT_REFUSAL_BAD_FORMAT);
    else if (!pt_answer_fetch(&self->answer, message, &fetch))
        pt_answer_refuse(&self->answer, message, fetch.req_id, PT_REFUSAL_BUSY);
}

//  ---- orders of an operator: [client][empty][verb][what]

static void
s_answer_order(s_replay_t *self, const pt_frames_t *route, pt_status_t status)
{
    const char *word = pt_replay_order_word(status);
    pt_frames_answer(zsock_resolve(self->control), route, 0, 2, (pt_bytes_t) {(const uint8_t *) word, strlen(word)});
}

static void
s_take_order(s_replay_t *self, pt_frames_t *message)
{
    if (message->count != 4 || message->excess)
        return;
    pt_pending_t *pending = pt_pendings_new(&self->pendings);
    if (!pending ||
        !pt_replay_order_read(pt_frames_bytes(message, 2), pt_frames_bytes(message, 3), &pending->request)) {
        s_answer_order(self, message, pending ? PT_E_NOT_FOUND : PT_E_NOMEM);
        free(pending);
        return;
    }
    pending->control = true;
    s_hand_over(self, pending, message);
}

static void
s_read_orders(s_replay_t *self)
{
    pt_frames_t message;
    while (self->control && pt_frames_receive(zsock_resolve(self->control), &message)) {
        s_take_order(self, &message);
        pt_frames_clear(&message);
    }
}

//  The journal has written what a subscriber asked for.
static void
s_confirm(s_replay_t *self, const pt_pending_t *pending)
{
    pt_open_t open;
    if (pending->request.kind == PT_REQUEST_POSITION)
        pt_answer_suback(&self->answer, &pending->route, pending->req_id);
    else if (pt_open_decode(pt_frames_bytes(&pending->route, 1), &open) == PT_OK)
        pt_answer_open(&self->answer, &pending->route, &open);
}

//  The journal has written it, or cannot now.
static void
s_take_back(s_replay_t *self, pt_pending_t *pending)
{
    pt_status_t status = pending->request.status;
    PT_FAULT_POINT("replay.written");
    if (pending->control)
        s_answer_order(self, &pending->route, status);
    else if (status != PT_OK)
        pt_answer_refuse(&self->answer, &pending->route, pending->req_id, pt_answer_refusal(status));
    else
        s_confirm(self, pending);
    pt_pendings_end(&self->pendings, pending);
}

//  ---- the loop

static void
s_take_message(s_replay_t *self, pt_frames_t *message)
{
    pt_kind_t kind;
    //  Whatever is no request is dropped: there is nobody to name in a refusal.
    if (message->count != 2 || message->excess || pt_wire_kind(pt_frames_bytes(message, 1), &kind) != PT_OK)
        return;
    PT_FAULT_POINT("replay.request");
    if (kind == PT_KIND_OPEN)
        s_take_open(self, message);
    else if (kind == PT_KIND_FETCH)
        s_take_fetch(self, message);
    else if (kind == PT_KIND_SUBACK)
        s_take_suback(self, message);
}

static void
s_read_requests(s_replay_t *self)
{
    pt_frames_t message;
    for (int i = 0; i < S_BURST && pt_frames_receive(zsock_resolve(self->router), &message); i++) {
        s_take_message(self, &message);
        pt_frames_clear(&message);
    }
}

static void
s_replay_close(s_replay_t **self_p)
{
    s_replay_t *self = *self_p;
    if (!self)
        return;
    pt_pendings_clear(&self->pendings);
    pt_door_close(&self->door);
    zsock_destroy(&self->router);
    zsock_destroy(&self->control);
    zsock_destroy(&self->requests);
    zsock_destroy(&self->answers);
    pt_answer_close(&self->answer);
    free(self);
    *self_p = NULL;
}

static void
s_replay_run(zsock_t *pipe, void *argument)
{
    s_replay_t *self = argument;
    zmq_pollitem_t items[4 + PT_DOOR_ITEMS] = {
        {.socket = zsock_resolve(pipe), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve(self->router), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve(self->answers), .events = ZMQ_POLLIN},
    };
    size_t count = 3;
    if (self->control)
        items[count++] = (zmq_pollitem_t) {.socket = zsock_resolve(self->control), .events = ZMQ_POLLIN};
    count += pt_door_items(&self->door, items + count);
    zsock_signal(pipe, 0);
    for (;;) {
        pt_sockets_poll(items, count, pt_door_wait_ms(&self->door, -1));
        //  The only command is the end.
        if (items[0].revents)
            break;
        pt_door_tend(&self->door);
        pt_request_t *request;
        while ((request = pt_request_take(zsock_resolve(self->answers))) != NULL)
            s_take_back(self, (pt_pending_t *) request);
        s_read_requests(self);
        s_read_orders(self);
    }
    s_replay_close(&self);
}

//  What others can connect to: an address that means "all of this host" names the host.
static void
s_make_advertised(pt_replay_t *self, const char *advertise)
{
    static const char *const everywhere[] = {"tcp://0.0.0.0:", "tcp://[::]:"};
    char host[128] = "";
    snprintf(self->advertised, sizeof(self->advertised), "%s", advertise ? advertise : self->bound);
    for (size_t i = 0; i < 2 && !advertise; i++) {
        size_t len = strlen(everywhere[i]);
        if (strncmp(self->bound, everywhere[i], len) == 0 && gethostname(host, sizeof(host) - 1) == 0)
            snprintf(self->advertised, sizeof(self->advertised), "tcp://%s:%.16s", host, self->bound + len);
    }
}

//  What the journal's side needs.
static bool
s_connect(s_replay_t *self, const pt_replay_options_t *options)
{
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    self->requests = pt_sockets_new(ZMQ_PUSH, 0, 0);
    self->answers = pt_sockets_new(ZMQ_PULL, 0, 0);
    if (!self->requests || !self->answers)
        return false;
    self->pendings.journal = zsock_resolve(self->requests);
    snprintf(self->pendings.answers, sizeof(self->pendings.answers), "%s", options->answers);
    return pt_sockets_bind(self->answers, options->answers, bound) == PT_OK &&
           pt_sockets_connect(self->requests, options->requests) == PT_OK;
}

//  What others connect to. False with *out_endpoint: it cannot be bound.
static bool
s_bind(s_replay_t *self, const pt_replay_options_t *options, const char **out_endpoint)
{
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    if (options->control) {
        *out_endpoint = options->control;
        self->control = pt_sockets_new(ZMQ_ROUTER, 16, 16);
        if (!self->control || pt_sockets_bind_private(self->control, options->control, bound) != PT_OK)
            return false;
    }
    *out_endpoint = options->endpoint;
    if (pt_door_open(&self->door, self->router, options->gate, PT_PARTY_SUBSCRIBER, options->endpoint) != PT_OK)
        return false;
    *out_endpoint = NULL;
    return true;
}

static s_replay_t *
s_replay_open(const pt_replay_options_t *options, pt_replay_t *owner, const char **out_endpoint)
{
    s_replay_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->router = pt_sockets_new(ZMQ_ROUTER, S_SEND_HWM, S_RECEIVE_HWM);
    bool ready = self->router && pt_answer_open_store(&self->answer, options->store, s_send, self) &&
                 s_connect(self, options) && s_bind(self, options, out_endpoint);
    self->answer.stats = options->stats;
    memcpy(owner->bound, self->door.bound, sizeof(owner->bound));
    if (!ready) {
        int reason = errno;
        s_replay_close(&self);
        errno = reason;
    }
    return self;
}

pt_replay_t *
pt_replay_new(const pt_replay_options_t *options, const char **out_endpoint)
{
    assert(options);
    assert(options->store);
    assert(options->endpoint && options->requests && options->answers);
    assert(out_endpoint);

    *out_endpoint = NULL;
    pt_replay_t *self = calloc(1, sizeof(*self));
    s_replay_t *actor = self ? s_replay_open(options, self, out_endpoint) : NULL;
    if (actor) {
        s_make_advertised(self, options->advertise);
        self->actor = pt_actor_new(s_replay_run, actor);
    }
    if (self && self->actor)
        return self;
    int reason = errno;
    s_replay_close(&actor);
    free(self);
    errno = reason;
    return NULL;
}

void
pt_replay_destroy(pt_replay_t **self_p)
{
    assert(self_p);

    if (!*self_p)
        return;
    zactor_destroy(&(*self_p)->actor);
    free(*self_p);
    *self_p = NULL;
}

const char *
pt_replay_endpoint(const pt_replay_t *self)
{
    assert(self);

    return self->advertised;
}
