/*  The loop of pt_subscriber around the real positions and the real id window. What is delivered is kept
 *  at once, as by a consumer whose own store has it before the next SUBACK.
 */
#include <assert.h>
#include <stdlib.h>

#include "sim.h"
#include "sim_oracle.h"

#define S_STASH_MAX 256 //  as in pt_subscriber
#define S_SEEN_WINDOW 4096
//  Streams in which the subscriber checks for itself that nothing is left out.
#define S_STREAMS_MAX 256

typedef struct {
    uint64_t worker, epoch;
    unsigned topic;
    uint64_t next; //  delivered, or told to be lost, below this
} s_stream_t;

struct sim_subscriber {
    unsigned index, node;
    sim_t *sim;
    pt_positions_mode_t mode;
    bool since_start;
    uint8_t mask;
    pt_positions_t *positions;
    pt_seen_t *seen;
    sim_message_t *stash[S_STASH_MAX];
    size_t stash_count;
    s_stream_t streams[S_STREAMS_MAX];
    size_t stream_count;
};

static const char *const s_topics[SIM_TOPICS] = {
    "settled.opn.",     "settled.-.",     "retry.opn.",          "retry.-.",
    "dead_letter.opn.", "dead_letter.-.", "operator_alert.opn.", "operator_alert.-."};

const char *
sim_topic_name(unsigned topic)
{
    return s_topics[topic];
}

pt_queue_t
sim_topic_queue(unsigned topic)
{
    return (pt_queue_t) (topic / 2);
}

//  Everything, one queue, or one topic.
static uint8_t
s_choose_mask(sim_t *sim)
{
    unsigned topic = (unsigned) sim_random(sim, SIM_TOPICS);
    switch (sim_random(sim, 4)) {
    case 0:
        return (uint8_t) (1u << topic);
    case 1:
        return (uint8_t) (3u << (topic & ~1u));
    default:
        return 0xff;
    }
}

sim_subscriber_t *
sim_subscriber_new(sim_t *sim, unsigned index)
{
    sim_subscriber_t *self = calloc(1, sizeof(*self));
    assert(self);
    self->index = index;
    self->node = sim_node(sim, SIM_SUBSCRIBER, index);
    self->sim = sim;
    self->mode = index == 0 || sim_chance(sim, 50) ? PT_POSITIONS_DURABLE : PT_POSITIONS_REPAIR;
    if (self->mode == PT_POSITIONS_REPAIR && sim_chance(sim, 20))
        self->mode = PT_POSITIONS_LIVE;
    self->since_start = self->mode == PT_POSITIONS_REPAIR && sim_chance(sim, 50);
    self->mask = index == 0 ? 0xff : s_choose_mask(sim);
    return self;
}

static void
s_clear(sim_subscriber_t *self)
{
    for (size_t i = 0; i < self->stash_count; i++)
        sim_message_release(self->stash[i]);
    self->stash_count = self->stream_count = 0;
    pt_positions_destroy(&self->positions);
    pt_seen_destroy(&self->seen);
}

void
sim_subscriber_destroy(sim_subscriber_t **self_p)
{
    if (!*self_p)
        return;
    //  Streams that are dropped at the end are no news for the oracle.
    (*self_p)->sim = NULL;
    s_clear(*self_p);
    free(*self_p);
    *self_p = NULL;
}

bool
sim_subscriber_is_durable(const sim_subscriber_t *self)
{
    return self->mode == PT_POSITIONS_DURABLE;
}

uint8_t
sim_subscriber_mask(const sim_subscriber_t *self)
{
    return self->mask;
}

bool
sim_subscriber_is_level(const sim_subscriber_t *self)
{
    return self->positions && self->stash_count == 0 && pt_positions_is_level(self->positions) &&
           (!sim_subscriber_is_durable(self) || pt_positions_is_acked(self->positions));
}

static unsigned
s_worker_of(uint64_t id)
{
    return (unsigned) (id - sim_worker_id(0));
}

static unsigned
s_topic_of(pt_text_t name)
{
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++)
        if (pt_text_equal(name, pt_text_of(s_topics[topic])))
            return topic;
    return SIM_TOPICS;
}

//  Where the subscriber has come in a stream; `first` when it begins there.
static s_stream_t *
s_get_stream(sim_subscriber_t *self, uint64_t worker, uint64_t epoch, unsigned topic, uint64_t first)
{
    for (size_t i = 0; i < self->stream_count; i++) {
        s_stream_t *stream = &self->streams[i];
        if (stream->worker == worker && stream->epoch == epoch && stream->topic == topic)
            return stream;
    }
    assert(self->stream_count < S_STREAMS_MAX);
    self->streams[self->stream_count] = (s_stream_t) {worker, epoch, topic, first};
    return &self->streams[self->stream_count++];
}

static void
s_step_stream(sim_t *sim, sim_subscriber_t *self, const pt_decisions_t *header, unsigned topic, uint64_t seq)
{
    s_stream_t *stream = s_get_stream(self, header->worker, header->epoch, topic, seq);
    if (stream->next != seq)
        sim_fail(sim, "subscriber %u was given number %llu of %s of worker %u, where %llu is next", self->index,
                 (unsigned long long) seq, s_topics[topic], s_worker_of(header->worker),
                 (unsigned long long) stream->next);
    stream->next = seq + 1;
}

static void
s_take_lost(void *context, pt_text_t name, uint64_t worker, uint64_t epoch, uint64_t first, uint64_t next)
{
    sim_subscriber_t *self = context;
    if (!self->sim)
        return;
    unsigned topic = s_topic_of(name);
    sim_trace(self->sim, self->node, "is told that [%llu, %llu) of %s of worker %u are lost",
              (unsigned long long) first, (unsigned long long) next, s_topics[topic], s_worker_of(worker));
    s_stream_t *stream = s_get_stream(self, worker, epoch, topic, first);
    if (stream->next != first)
        sim_fail(self->sim, "subscriber %u is told of a loss in another place than it is", self->index);
    stream->next = next;
    sim_oracle_lost(self->sim, self->index, s_worker_of(worker), epoch, topic, first, next);
}

static void
s_take_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    sim_subscriber_t *self = context;
    if (self->sim && fault != PT_FAULT_EPOCHS_ALTERNATE && self->mode != PT_POSITIONS_LIVE)
        sim_fail(self->sim, "subscriber %u blames worker %u of epoch %llu for nothing: fault %d", self->index,
                 s_worker_of(worker), (unsigned long long) epoch, (int) fault);
}

void
sim_subscriber_start(sim_t *sim, sim_subscriber_t *self)
{
    pt_positions_options_t options = {.mode = self->mode, .since_start = self->since_start};
    pt_positions_handlers_t handlers = {self, s_take_lost, s_take_fault};
    self->positions = pt_positions_new(&options, &handlers);
    self->seen = pt_seen_new(S_SEEN_WINDOW);
    assert(self->positions && self->seen);
    sim_subscriber_wake(sim, self);
}

void
sim_subscriber_stop(sim_t *sim, sim_subscriber_t *self)
{
    self->sim = NULL;
    s_clear(self);
    self->sim = sim;
}

//  ---- deliveries

static void
s_deliver(sim_t *sim, sim_subscriber_t *self, const sim_decision_t *decision)
{
    pt_decision_t about = {.attempt = decision->attempt};
    about.id = (pt_text_t) {(const char *) &decision->identity, sizeof(decision->identity)};
    bool repeat = pt_seen_add(self->seen, pt_text_of(s_topics[decision->topic]), &about);
    sim->stats.repeats += repeat;
    if (repeat && !sim_is_broken(sim, SIM_BREAK_NO_ID_WINDOW))
        sim_oracle_delivered(sim, self->index, decision, false);
    else
        sim_oracle_delivered(sim, self->index, decision, true);
}

static void
s_deliver_all(sim_t *sim, sim_subscriber_t *self, const sim_message_t *message, const pt_arrived_t *arrived)
{
    const pt_decisions_t *header = &message->as.decisions;
    if (arrived->arrival != PT_ARRIVAL_DELIVER || message->damaged)
        return; //  as if it had not come
    for (uint32_t i = 0; i < header->count; i++) {
        sim_decision_t decision;
        memcpy(&decision, message->data + i * sizeof(decision), sizeof(decision));
        uint64_t seq = header->first_seq + i;
        if (arrived->stream && seq < arrived->from_seq)
            continue;
        if (arrived->stream)
            s_step_stream(sim, self, header, message->topic, seq);
        s_deliver(sim, self, &decision);
        if (arrived->stream)
            pt_positions_delivered(self->positions, arrived->stream, seq + 1);
    }
}

static void
s_take_decisions(sim_t *sim, sim_subscriber_t *self, sim_message_t *message)
{
    pt_arrived_t arrived;
    pt_text_t topic = pt_text_of(s_topics[message->topic]);
    if (pt_positions_decisions(self->positions, topic, &message->as.decisions, &arrived) != PT_OK)
        abort();
    s_deliver_all(sim, self, message, &arrived);
    if (arrived.arrival != PT_ARRIVAL_HOLD || self->stash_count == S_STASH_MAX)
        return;
    message->refs++;
    self->stash[self->stash_count++] = message;
}

static void
s_take_head(sim_t *sim, sim_subscriber_t *self, const sim_message_t *message)
{
    pt_head_t head = {.worker = message->as.head.worker,
                      .epoch = message->as.head.epoch,
                      .first_retained = message->as.head.first_retained,
                      .head_seq = message->as.head.head_seq,
                      .replay_endpoint = PT_TEXT("there")};
    if (pt_positions_head(self->positions, pt_text_of(s_topics[message->topic]), &head) != PT_OK)
        abort();
    size_t count = self->stash_count;
    self->stash_count = 0;
    sim_message_t *stash[S_STASH_MAX];
    memcpy(stash, self->stash, count * sizeof(stash[0]));
    for (size_t i = 0; i < count; i++) {
        s_take_decisions(sim, self, stash[i]);
        sim_message_release(stash[i]);
    }
}

static void
s_take_opened(sim_t *sim, sim_subscriber_t *self, const sim_message_t *message)
{
    pt_opened_t opened;
    opened.req_id = message->as.opened.req_id;
    opened.worker = message->as.opened.worker;
    opened.epoch = message->as.opened.epoch;
    opened.more = false;
    opened.topic_count = message->place_count;
    for (size_t i = 0; i < message->place_count; i++)
        opened.topics[i] =
            (pt_topic_place_t) {pt_text_of(s_topics[message->places[i].topic]), message->places[i].first_retained,
                                message->places[i].head_seq, message->places[i].position};
    if (pt_positions_opened(self->positions, &opened, sim_mono_ms(sim, self->node)) != PT_OK)
        abort();
}

static void
s_take_fetched(sim_t *sim, sim_subscriber_t *self, const sim_message_t *message)
{
    pt_arrived_t arrived;
    pt_positions_fetched(self->positions, message->req_id, pt_text_of(s_topics[message->topic]), &message->as.decisions,
                         sim_mono_ms(sim, self->node), &arrived);
    s_deliver_all(sim, self, message, &arrived);
}

//  ---- requests

static void
s_send_request(sim_t *sim, sim_subscriber_t *self, const pt_request_t *request)
{
    sim_message_t *message = sim_message_new(request->kind, NULL, 0);
    if (request->kind == PT_KIND_FETCH) {
        message->topic = s_topic_of(request->topic);
        message->as.fetch.req_id = request->req_id;
        message->as.fetch.epoch = request->epoch;
        message->as.fetch.from_seq = request->from_seq;
    } else if (request->kind == PT_KIND_OPEN) {
        message->as.req_id = request->req_id;
        message->durable = sim_subscriber_is_durable(self);
    } else {
        message->req_id = request->req_id;
        message->epoch = request->epoch;
        for (size_t i = 0; i < request->topic_count && i < SIM_TOPICS; i++)
            message->places[message->place_count++] =
                (sim_place_t) {.topic = s_topic_of(request->topics[i].topic), .position = request->topics[i].next_seq};
    }
    sim_trace(sim, self->node, "asks worker %u: %s", s_worker_of(request->worker), pt_kind_text(request->kind));
    sim_send(sim, self->node, sim_node(sim, SIM_WORKER, s_worker_of(request->worker)), 0, message);
}

static void
s_ask(sim_t *sim, sim_subscriber_t *self, bool acks)
{
    pt_request_t request;
    while (pt_positions_ask(self->positions, acks, sim_mono_ms(sim, self->node), &request))
        s_send_request(sim, self, &request);
}

void
sim_subscriber_wake(sim_t *sim, sim_subscriber_t *self)
{
    s_ask(sim, self, true);
    sim_wake(sim, self->node, pt_positions_due_ms(self->positions));
}

void
sim_subscriber_take(sim_t *sim, sim_subscriber_t *self, sim_message_t *message)
{
    int64_t now_ms = sim_mono_ms(sim, self->node);
    sim_trace(sim, self->node, "takes %s of %s", pt_kind_text(message->kind), s_topics[message->topic]);
    switch (message->kind) {
    case PT_KIND_DECISIONS:
        s_take_decisions(sim, self, message);
        break;
    case PT_KIND_HEAD:
        s_take_head(sim, self, message);
        break;
    case PT_KIND_OPENED:
        s_take_opened(sim, self, message);
        break;
    case PT_KIND_FETCHED:
        s_take_fetched(sim, self, message);
        break;
    case PT_KIND_END:
        pt_positions_end(self->positions, &message->as.end, now_ms);
        break;
    case PT_KIND_TRUNCATED:
        pt_positions_truncated(self->positions, &message->as.truncated, now_ms);
        break;
    case PT_KIND_BADEPOCH:
        pt_positions_bad_epoch(self->positions, &message->as.bad_epoch, now_ms);
        break;
    case PT_KIND_SUBACKED:
        pt_positions_subacked(self->positions, message->as.req_id, now_ms);
        break;
    case PT_KIND_REFUSED:
        pt_positions_refused(self->positions, &message->as.refused, now_ms);
        break;
    default:
        sim_fail(sim, "subscriber %u was sent a %s", self->index, pt_kind_text(message->kind));
        break;
    }
    s_ask(sim, self, false);
    sim_wake(sim, self->node, pt_positions_due_ms(self->positions));
}
