/*  PUB drops what a subscriber has no room for and says nothing; so every message carries its
 *  numbers, and HEAD follows when a topic falls silent.
 */
#include "pt_outlet.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pt_door.h"
#include "pt_fault_point.h"
#include "pt_sockets.h"
#include "pt_teller.h"
#include "pt_topics.h"

struct pt_outlet {
    uint64_t worker;
    uint64_t epoch;
    char replay[PT_ENDPOINT_BYTES_MAX + 1];
    pt_store_t *journal; //  NULL: none
    zsock_t *sockets[PT_QUEUE_COUNT_];
    pt_door_t doors[PT_QUEUE_COUNT_];
    pt_topics_t *topics;
    bool settled;                //  they are numbered
    const atomic_int *linger_ms; //  the owner's
    int64_t beacon_ms;           //  when the next HEAD or HEADS is due, or earlier
    int64_t heads_ms;            //  the last HEADS lists
    pt_teller_t *teller;         //  NULL: alerts were told or folded before
    pt_job_t *summaries;         //  room for those of the teller
};

//  A PUB socket takes everything at once, or drops it.
static void
s_send_frame(zsock_t *socket, const void *data, size_t bytes, int flags)
{
    int sent = zmq_send(zsock_resolve(socket), data, bytes, ZMQ_DONTWAIT | flags);
    assert(sent >= 0);
    (void) sent;
}

//  The numbers of an output: the journal's, or the next ones of its topic; live ones have none.
static void
s_number_output(pt_outlet_t *self, const pt_output_t *output, int64_t now_ms, pt_decisions_t *header)
{
    header->flags = PT_FLAG_LIVE;
    if (output->queue == PT_QUEUE_SETTLED && !output->first_seq)
        return;
    pt_topic_t *topic = pt_topics_get(self->topics, output->queue, output->topic, now_ms);
    //  All topics of the catalog stand in the table from the start, those of settled when journaled.
    assert(topic);
    header->flags = 0;
    if (output->first_seq) {
        pt_topic_move(topic, output->first_retained, output->head_seq, now_ms);
        header->first_seq = output->first_seq;
    } else {
        header->first_seq = pt_topic_number(topic, output->count, now_ms);
    }
    header->head_seq = topic->head_seq;
}

static void
s_publish_output(pt_outlet_t *self, pt_output_t *output, int64_t now_ms)
{
    pt_decisions_t header = {
        .worker = self->worker,
        .epoch = self->epoch,
        .count = output->count,
        .crc32 = output->crc32,
    };
    s_number_output(self, output, now_ms, &header);
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_decisions_encode(&header, bytes, sizeof(bytes));
    zsock_t *socket = self->sockets[output->queue];
    PT_FAULT_POINT("publish.topic.before");
    s_send_frame(socket, output->topic, strlen(output->topic), ZMQ_SNDMORE);
    PT_FAULT_POINT("publish.topic.after");
    s_send_frame(socket, bytes, len, ZMQ_SNDMORE);
    PT_FAULT_POINT("publish.header.after");
    int sent = zmq_msg_send(&output->items, zsock_resolve(socket), ZMQ_DONTWAIT);
    assert(sent >= 0);
    PT_FAULT_POINT("publish.items.after");
    (void) sent;
}

static void
s_publish_outputs(pt_outlet_t *self, pt_job_t *job, int64_t now_ms)
{
    for (size_t i = 0; i < job->output_count; i++)
        s_publish_output(self, &job->outputs[i], now_ms);
}

//  Without memory for its alerts a job is refused, and comes again.
static void
s_tell_alerts(pt_outlet_t *self, pt_job_t *job, int64_t now_ms)
{
    if (!self->teller || pt_teller_take(self->teller, job, now_ms))
        return;
    pt_job_refuse(job, PT_REASON_BUSY);
}

static void
s_publish_summaries(pt_outlet_t *self, int64_t now_ms, bool at_the_end)
{
    while (self->teller && pt_teller_sum_up(self->teller, now_ms, at_the_end, self->summaries)) {
        s_publish_outputs(self, self->summaries, now_ms);
        pt_job_clear(self->summaries);
    }
}

void
pt_outlet_take(pt_outlet_t *self, pt_job_t *job, int64_t now_ms)
{
    assert(self);
    assert(job);

    PT_FAULT_POINT("publish.took");
    //  Once the deciders have it there is no way back; so topics come before they do.
    if (job->catalog && !job->packer && !pt_topics_add_catalog(self->topics, job->catalog, self->settled, now_ms))
        job->refused = true;
    s_tell_alerts(self, job, now_ms);
    s_publish_outputs(self, job, now_ms);
    if (now_ms + PT_TOPIC_QUIET_MS < self->beacon_ms)
        self->beacon_ms = now_ms + PT_TOPIC_QUIET_MS;
}

//  Where nothing is kept for replay, the first number that can be had is the next one.
static uint64_t
s_first_retained(const pt_topic_t *topic)
{
    return topic->first_retained ? topic->first_retained : topic->head_seq;
}

static void
s_send_head(pt_outlet_t *self, pt_topic_t *topic, int64_t now_ms)
{
    pt_head_t head = {
        .worker = self->worker,
        .epoch = self->epoch,
        .first_retained = s_first_retained(topic),
        .head_seq = topic->head_seq,
        .replay_endpoint = pt_text_of(self->replay),
    };
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_head_encode(&head, bytes, sizeof(bytes));
    PT_FAULT_POINT("publish.head.before");
    s_send_frame(self->sockets[topic->queue], topic->name, strlen(topic->name), ZMQ_SNDMORE);
    PT_FAULT_POINT("publish.head.topic");
    s_send_frame(self->sockets[topic->queue], bytes, len, 0);
    PT_FAULT_POINT("publish.head.after");
    pt_topic_announce(topic, now_ms);
}

static void
s_send_heads_list(pt_outlet_t *self, pt_queue_t queue, const pt_heads_t *heads)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_heads_encode(heads, bytes, sizeof(bytes));
    char topic[PT_TOPIC_BYTES_MAX];
    int topic_len = snprintf(topic, sizeof(topic), "%s.", pt_queue_text(queue));
    PT_FAULT_POINT("publish.heads.before");
    s_send_frame(self->sockets[queue], topic, (size_t) topic_len, ZMQ_SNDMORE);
    s_send_frame(self->sockets[queue], bytes, len, 0);
}

//  All idle topics of a queue, in as many lists as it takes.
static void
s_send_heads(pt_outlet_t *self, pt_queue_t queue, int64_t now_ms)
{
    pt_heads_t heads = {
        .worker = self->worker,
        .epoch = self->epoch,
        .replay_endpoint = pt_text_of(self->replay),
    };
    for (size_t i = 0; i < pt_topics_count(self->topics); i++) {
        const pt_topic_t *topic = pt_topics_at(self->topics, i);
        if (topic->queue != queue || !pt_topic_is_idle(topic, now_ms))
            continue;
        heads.heads[heads.head_count++] = (pt_topic_head_t) {
            .topic = pt_text_of(topic->name), .first_retained = s_first_retained(topic), .head_seq = topic->head_seq};
        if (heads.head_count == PT_HEADS_MAX) {
            s_send_heads_list(self, queue, &heads);
            heads.head_count = 0;
        }
    }
    if (heads.head_count)
        s_send_heads_list(self, queue, &heads);
}

//  Send what is due and find when the next one is.
static void
s_send_beacons(pt_outlet_t *self, int64_t now_ms)
{
    if (now_ms - self->heads_ms >= PT_TOPIC_HEAD_MS) {
        if (self->journal)
            pt_topics_see_trimmed(self->topics, self->journal);
        for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
            s_send_heads(self, (pt_queue_t) queue, now_ms);
        self->heads_ms = now_ms;
    }
    self->beacon_ms = self->heads_ms + PT_TOPIC_HEAD_MS;
    for (size_t i = 0; i < pt_topics_count(self->topics); i++) {
        pt_topic_t *topic = pt_topics_at(self->topics, i);
        if (pt_topic_due_ms(topic) <= now_ms)
            s_send_head(self, topic, now_ms);
        int64_t due_ms = pt_topic_due_ms(topic);
        if (due_ms < self->beacon_ms)
            self->beacon_ms = due_ms;
    }
}

static bool
s_bind_sockets(pt_outlet_t *self, const pt_outlet_options_t *options, const char **out_endpoint)
{
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++) {
        //  Subscriptions are all that a PUB socket receives.
        self->sockets[queue] = pt_sockets_new(ZMQ_PUB, options->hwm, 1000);
        if (!self->sockets[queue])
            return false;
        *out_endpoint = options->endpoints[queue];
        if (pt_door_open(&self->doors[queue], self->sockets[queue], options->gate, PT_PARTY_SUBSCRIBER,
                         *out_endpoint) != PT_OK)
            return false;
        *out_endpoint = NULL;
    }
    return true;
}

static bool
s_start(pt_outlet_t *self, const pt_outlet_options_t *options, const char **out_endpoint)
{
    if (options->alerts) {
        self->teller = pt_teller_new(options->alerts, options->stats);
        self->summaries = pt_job_new();
        if (!self->teller || !self->summaries)
            return false;
    }
    int64_t now_ms = zclock_mono();
    self->topics = pt_topics_new();
    return self->topics && pt_topics_add_catalog(self->topics, options->catalog, options->settled, now_ms) &&
           (!options->journal || pt_topics_restore(self->topics, options->journal, now_ms)) &&
           s_bind_sockets(self, options, out_endpoint);
}

pt_outlet_t *
pt_outlet_new(const pt_outlet_options_t *options, const char **out_endpoint)
{
    assert(options);
    assert(options->catalog);
    assert(options->linger_ms);
    assert(out_endpoint);

    *out_endpoint = NULL;
    pt_outlet_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->linger_ms = options->linger_ms;
    self->worker = options->worker;
    self->epoch = options->epoch;
    self->journal = options->journal;
    self->settled = options->settled;
    self->heads_ms = zclock_mono();
    snprintf(self->replay, sizeof(self->replay), "%s", options->replay ? options->replay : "");
    if (!s_start(self, options, out_endpoint)) {
        int reason = errno;
        pt_outlet_destroy(&self);
        errno = reason;
    }
    return self;
}

void
pt_outlet_destroy(pt_outlet_t **self_p)
{
    assert(self_p);

    pt_outlet_t *self = *self_p;
    if (!self)
        return;
    if (self->summaries)
        s_publish_summaries(self, zclock_mono(), true);
    for (size_t i = 0; i < PT_QUEUE_COUNT_; i++) {
        pt_door_close(&self->doors[i]);
        if (self->sockets[i])
            zsock_set_linger(self->sockets[i], atomic_load(self->linger_ms));
        zsock_destroy(&self->sockets[i]);
    }
    pt_topics_destroy(&self->topics);
    pt_teller_destroy(&self->teller);
    pt_job_destroy(&self->summaries);
    free(self);
    *self_p = NULL;
}

const char *
pt_outlet_endpoint(const pt_outlet_t *self, pt_queue_t queue)
{
    assert(self);
    assert((unsigned) queue < PT_QUEUE_COUNT_);

    return self->doors[queue].bound;
}

int64_t
pt_outlet_turn(pt_outlet_t *self, int64_t now_ms)
{
    assert(self);

    s_publish_summaries(self, now_ms, false);
    if (now_ms >= self->beacon_ms && PT_RULE("beacons"))
        s_send_beacons(self, now_ms);
    int64_t due_ms = self->teller ? pt_teller_due_ms(self->teller) : INT64_MAX;
    if (self->beacon_ms < due_ms)
        due_ms = self->beacon_ms;
    int64_t wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    for (size_t i = 0; i < PT_QUEUE_COUNT_; i++)
        wait_ms = pt_door_wait_ms(&self->doors[i], wait_ms);
    return wait_ms;
}

size_t
pt_outlet_items(const pt_outlet_t *self, pt_wait_item_t *items)
{
    assert(self);
    assert(items);

    size_t count = 0;
    for (size_t i = 0; i < PT_QUEUE_COUNT_; i++) {
        zmq_pollitem_t door[PT_DOOR_ITEMS];
        size_t door_count = pt_door_items(&self->doors[i], door);
        for (size_t k = 0; k < door_count; k++)
            items[count++] = pt_wait_for(&door[k]);
    }
    return count;
}

void
pt_outlet_tend(pt_outlet_t *self, const pt_wait_item_t *items, size_t count)
{
    assert(self);

    bool calls = false;
    for (size_t i = 0; i < count; i++)
        calls |= items[i].ready;
    for (size_t i = 0; i < PT_QUEUE_COUNT_; i++)
        if (calls || !self->doors[i].open)
            pt_door_tend(&self->doors[i]);
}
