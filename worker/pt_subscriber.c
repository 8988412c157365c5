/*  A lost PUB message leaves no trace but a number that was skipped, and a lost last one not even
 *  that: HEAD says what the next number would be. Positions are kept per stream in a hash by
 *  "worker/epoch/topic"; there are as many as workers times gateways times queues.
 */
#include "pt_subscriber.h"

#include "pt_decision.h"

#include <assert.h>
#include <czmq.h>
#include <inttypes.h>

//  Messages taken per poll, so that the caller's own work is never starved.
#define BURST_MAX 256

struct pt_subscriber {
    pt_subscriber_handlers_t handlers;
    pt_subscriber_counts_t counts;
    zsock_t *socket;
    zhashx_t *positions; //  stream name -> uint64_t *, the next sequence number
};

static void
s_free_position(void **item_p)
{
    free(*item_p);
    *item_p = NULL;
}

static zsock_t *
s_open_socket(const pt_subscriber_options_t *options, const char **out_error)
{
    zsock_t *socket = zsock_new(ZMQ_SUB);
    *out_error = "no memory";
    if (!socket)
        return NULL;
    zsock_set_rcvhwm(socket, 10000);
    zsock_set_linger(socket, 0);
    zsock_set_reconnect_ivl(socket, 100);
    zsock_set_reconnect_ivl_max(socket, 5000);
    zsock_set_tcp_keepalive(socket, 1);
    zsock_set_tcp_keepalive_idle(socket, 15);
    for (size_t i = 0; i < options->prefix_count; i++)
        zsock_set_subscribe(socket, options->prefixes[i]);
    if (!options->prefix_count)
        zsock_set_subscribe(socket, "");
    *out_error = "the endpoint is not valid";
    for (size_t i = 0; i < options->endpoint_count && socket; i++)
        if (zsock_connect(socket, "%s", options->endpoints[i]) != 0)
            zsock_destroy(&socket);
    return socket;
}

pt_subscriber_t *
pt_subscriber_new(const pt_subscriber_options_t *options, const pt_subscriber_handlers_t *handlers,
                  const char **out_error)
{
    assert(options && handlers && handlers->decision);
    pt_subscriber_t *self = calloc(1, sizeof *self);
    *out_error = "no memory";
    if (!self)
        return NULL;
    self->handlers = *handlers;
    self->positions = zhashx_new();
    self->socket = s_open_socket(options, out_error);
    if (!self->socket || !self->positions)
        pt_subscriber_destroy(&self);
    else
        zhashx_set_destructor(self->positions, s_free_position);
    return self;
}

void
pt_subscriber_destroy(pt_subscriber_t **self_p)
{
    pt_subscriber_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->socket);
    zhashx_destroy(&self->positions);
    free(self);
    *self_p = NULL;
}

//  The position of a stream; a stream never seen starts at `start`. NULL without memory.
static uint64_t *
s_position(pt_subscriber_t *self, uint64_t worker, uint64_t epoch, pt_text_t topic, uint64_t start)
{
    char name[PT_TOPIC_BYTES_MAX + 40];
    snprintf(name, sizeof name, "%016" PRIx64 "/%" PRIu64 "/%.*s", worker, epoch, (int) topic.len, topic.data);
    uint64_t *position = zhashx_lookup(self->positions, name);
    if (position)
        return position;
    position = malloc(sizeof *position);
    if (!position)
        return NULL;
    *position = start;
    zhashx_insert(self->positions, name, position);
    return position;
}

//  Move a position to `seq`, reporting what was skipped.
static void
s_skip_to(pt_subscriber_t *self, pt_text_t topic, uint64_t worker, uint64_t *position, uint64_t seq)
{
    if (seq <= *position)
        return;
    self->counts.missed += seq - *position;
    if (self->handlers.gap)
        self->handlers.gap(self->handlers.context, topic, worker, *position, seq);
    *position = seq;
}

static bool
s_deliver(pt_subscriber_t *self, pt_text_t topic, pt_bytes_t bytes)
{
    pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    if (pt_decision_decode(bytes, fields, &decision) != PT_OK)
        return false;
    self->counts.decisions++;
    self->handlers.decision(self->handlers.context, topic, &decision, bytes);
    return true;
}

static bool
s_take_decisions(pt_subscriber_t *self, pt_text_t topic, pt_bytes_t header, pt_bytes_t payload)
{
    pt_decisions_t decisions;
    pt_items_t items;
    pt_bytes_t item;
    if (pt_decisions_decode(header, &decisions) != PT_OK || pt_wire_crc32(payload) != decisions.crc32 ||
        pt_items_open_decisions(payload, decisions.count, &items) != PT_OK)
        return false;
    bool live = decisions.flags & PT_FLAG_LIVE;
    uint64_t seq = decisions.first_seq;
    uint64_t *position = live ? NULL : s_position(self, decisions.worker, decisions.epoch, topic, seq);
    if (position)
        s_skip_to(self, topic, decisions.worker, position, seq);
    bool well = true;
    for (; pt_items_next(&items, &item); seq++) {
        if (position && seq < *position) {
            self->counts.dropped++;
            continue;
        }
        well &= s_deliver(self, topic, item);
        if (position)
            *position = seq + 1;
    }
    return well;
}

static bool
s_take_head(pt_subscriber_t *self, pt_text_t topic, pt_bytes_t header)
{
    pt_head_t head;
    if (pt_head_decode(header, &head) != PT_OK)
        return false;
    uint64_t *position = s_position(self, head.worker, head.epoch, topic, head.head_seq);
    if (position)
        s_skip_to(self, topic, head.worker, position, head.head_seq);
    return true;
}

static bool
s_take_heads(pt_subscriber_t *self, pt_bytes_t header)
{
    pt_heads_t heads;
    if (pt_heads_decode(header, &heads) != PT_OK)
        return false;
    for (size_t i = 0; i < heads.head_count; i++) {
        const pt_topic_head_t *head = &heads.heads[i];
        uint64_t *position = s_position(self, heads.worker, heads.epoch, head->topic, head->head_seq);
        if (position)
            s_skip_to(self, head->topic, heads.worker, position, head->head_seq);
    }
    return true;
}

static bool
s_take_message(pt_subscriber_t *self, zmq_msg_t *frames, size_t count)
{
    pt_text_t topic = {zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0])};
    pt_bytes_t header = {zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1])};
    pt_bytes_t payload = {zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2])};
    pt_kind_t kind;
    if (count < 2 || topic.len > PT_TOPIC_BYTES_MAX || pt_wire_kind(header, &kind) != PT_OK)
        return false;
    if (kind == PT_KIND_DECISIONS)
        return count == 3 && s_take_decisions(self, topic, header, payload);
    if (kind == PT_KIND_HEAD)
        return s_take_head(self, topic, header);
    return kind == PT_KIND_HEADS && s_take_heads(self, header);
}

//  Receive one message whole; frames beyond the third are counted and let go.
static bool
s_receive(void *socket, zmq_msg_t *frames, size_t *out_count)
{
    *out_count = 0;
    if (zmq_msg_recv(&frames[0], socket, ZMQ_DONTWAIT) < 0)
        return false;
    size_t count = 1;
    bool more = zmq_msg_more(&frames[0]);
    while (more) {
        zmq_msg_t *frame = &frames[count < 3 ? count : 3];
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
            return false;
        more = zmq_msg_more(frame);
        count++;
    }
    *out_count = count;
    return true;
}

pt_status_t
pt_subscriber_poll(pt_subscriber_t *self, uint32_t timeout_ms, int wake_fd, bool *out_heard)
{
    void *socket = zsock_resolve(self->socket);
    zmq_pollitem_t items[2] = {{.socket = socket, .events = ZMQ_POLLIN}, {.fd = wake_fd, .events = ZMQ_POLLIN}};
    *out_heard = false;
    if (zmq_poll(items, wake_fd < 0 ? 1 : 2, (long) timeout_ms) < 0)
        return errno == EINTR ? PT_OK : PT_E_IO;
    for (size_t n = 0; n < BURST_MAX; n++) {
        zmq_msg_t frames[4];
        size_t count;
        for (size_t i = 0; i < 4; i++)
            zmq_msg_init(&frames[i]);
        bool received = s_receive(socket, frames, &count);
        if (received && !s_take_message(self, frames, count))
            self->counts.malformed++;
        *out_heard |= received;
        for (size_t i = 0; i < 4; i++)
            zmq_msg_close(&frames[i]);
        if (!received)
            break;
    }
    return PT_OK;
}

pt_subscriber_counts_t
pt_subscriber_counts(const pt_subscriber_t *self)
{
    return self->counts;
}
