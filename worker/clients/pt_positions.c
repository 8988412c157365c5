/*  The rule itself, and the tables of sources and streams. What is asked for is in
 *  pt_positions_ask.c, what the answers say in pt_positions_answer.c.
 */
#include "pt_positions_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

pt_positions_t *
pt_positions_new(const pt_positions_options_t *options, const pt_positions_handlers_t *handlers)
{
    assert(options);
    assert(handlers);

    pt_positions_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->options = *options;
    self->handlers = *handlers;
    return self;
}

void
pt_positions_destroy(pt_positions_t **self_p)
{
    pt_positions_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->stream_count; i++)
        free(self->streams[i]);
    for (size_t i = 0; i < self->source_count; i++)
        free(self->sources[i]);
    free(self);
    *self_p = NULL;
}

void
positions_fault(pt_positions_t *self, pt_positions_fault_t fault, const source_t *source)
{
    if (self->handlers.fault)
        self->handlers.fault(self->handlers.context, fault, source->worker, source->epoch);
}

void
positions_lose(pt_positions_t *self, pt_stream_t *stream, uint64_t seq)
{
    if (!stream->started || seq <= stream->next)
        return;
    uint64_t first = stream->next;
    stream->next = seq;
    stream->head = stream->head > seq ? stream->head : seq;
    stream->source->dirty = true;
    if (self->handlers.lost)
        self->handlers.lost(self->handlers.context, positions_topic(stream), stream->source->worker,
                            stream->source->epoch, first, seq);
}

void
positions_start(pt_stream_t *stream, uint64_t next)
{
    stream->started = true;
    stream->next = next;
    stream->head = stream->head > next ? stream->head : next;
    stream->acked = next; //  what lies below was not ours to deal with
    stream->suspect = false;
}

void
positions_settle(pt_positions_t *self, attempt_t *attempt)
{
    if (attempt->req_id)
        self->outstanding--;
    *attempt = (attempt_t) {0};
}

static size_t
s_bucket(const source_t *source, pt_text_t topic)
{
    return XXH3_64bits_withSeed(topic.data, topic.len, source->worker ^ source->epoch) % BUCKETS;
}

static void
s_free_stream(pt_positions_t *self, size_t index)
{
    pt_stream_t *stream = self->streams[index];
    pt_stream_t **link = &self->buckets[s_bucket(stream->source, positions_topic(stream))];
    while (*link != stream)
        link = &(*link)->chain;
    *link = stream->chain;
    positions_lose(self, stream, stream->head);
    positions_settle(self, &stream->fetch);
    self->streams[index] = self->streams[--self->stream_count];
    free(stream);
}

static void
s_free_source(pt_positions_t *self, size_t index)
{
    source_t *source = self->sources[index];
    for (size_t i = self->stream_count; i > 0; i--)
        if (self->streams[i - 1]->source == source)
            s_free_stream(self, i - 1);
    positions_settle(self, &source->open);
    positions_settle(self, &source->suback);
    self->sources[index] = self->sources[--self->source_count];
    free(source);
}

source_t *
positions_source(pt_positions_t *self, uint64_t worker, uint64_t epoch)
{
    size_t oldest = 0;
    for (size_t i = 0; i < self->source_count; i++) {
        source_t *source = self->sources[i];
        if (source->worker == worker && source->epoch == epoch) {
            source->touched = ++self->clock;
            return source;
        }
        if (source->touched < self->sources[oldest]->touched)
            oldest = i;
    }
    source_t *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    if (self->source_count == PT_POSITIONS_SOURCES_MAX)
        s_free_source(self, oldest);
    for (size_t i = 0; i < self->source_count; i++)
        if (self->sources[i]->worker == worker)
            self->sources[i]->twin = source->twin = true;
    source->worker = worker;
    source->epoch = epoch;
    source->touched = ++self->clock;
    source->state = self->options.mode == PT_POSITIONS_LIVE ? SOURCE_LIVE : SOURCE_UNKNOWN;
    self->sources[self->source_count++] = source;
    return source;
}

//  Make room: the stream that was silent for longest goes.
static void
s_evict_stream(pt_positions_t *self)
{
    size_t oldest = 0;
    for (size_t i = 1; i < self->stream_count; i++)
        if (self->streams[i]->touched < self->streams[oldest]->touched)
            oldest = i;
    s_free_stream(self, oldest);
}

static pt_stream_t *
s_add_stream(pt_positions_t *self, source_t *source, pt_text_t topic, size_t bucket)
{
    pt_stream_t *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    if (self->stream_count == PT_POSITIONS_STREAMS_MAX)
        s_evict_stream(self);
    stream->source = source;
    memcpy(stream->topic, topic.data, topic.len);
    stream->topic_len = topic.len;
    stream->chain = self->buckets[bucket];
    self->buckets[bucket] = stream;
    self->streams[self->stream_count++] = stream;
    return stream;
}

pt_stream_t *
positions_stream(pt_positions_t *self, source_t *source, pt_text_t topic)
{
    assert(topic.len <= PT_TOPIC_BYTES_MAX);

    size_t bucket = s_bucket(source, topic);
    pt_stream_t *stream = self->buckets[bucket];
    while (stream && (stream->source != source || !pt_text_equal(positions_topic(stream), topic)))
        stream = stream->chain;
    if (!stream)
        stream = s_add_stream(self, source, topic, bucket);
    if (stream)
        stream->touched = self->clock;
    return stream;
}

//  The same topic of the same worker under another epoch: an epoch that ended does not come back on
//  the socket where its successor was heard.
static void
s_note_epochs(pt_positions_t *self, pt_stream_t *stream)
{
    for (size_t i = 0; i < self->stream_count; i++) {
        const pt_stream_t *other = self->streams[i];
        if (other->heard > stream->heard && other->source->worker == stream->source->worker &&
            pt_text_equal(positions_topic(other), positions_topic(stream))) {
            stream->source->told = true;
            positions_fault(self, PT_FAULT_EPOCHS_ALTERNATE, stream->source);
            return;
        }
    }
}

//  The stream of a message that a PUB socket brought. NULL when out of memory.
static pt_stream_t *
s_hear_stream(pt_positions_t *self, uint64_t worker, uint64_t epoch, pt_text_t topic)
{
    source_t *source = positions_source(self, worker, epoch);
    pt_stream_t *stream = source ? positions_stream(self, source, topic) : NULL;
    if (!stream)
        return NULL;
    if (source->twin && !source->told && stream->heard)
        s_note_epochs(self, stream);
    stream->heard = self->clock;
    return stream;
}

void
positions_close_source(pt_positions_t *self, source_t *source)
{
    source->state = SOURCE_LIVE;
    positions_settle(self, &source->open);
    positions_settle(self, &source->suback);
    for (size_t i = 0; i < self->stream_count; i++) {
        pt_stream_t *stream = self->streams[i];
        if (stream->source != source)
            continue;
        positions_settle(self, &stream->fetch);
        //  Where a durable subscriber was is not known any more; that something is gone is.
        if (!stream->started && stream->head && self->options.mode == PT_POSITIONS_DURABLE)
            positions_start(stream, 1);
        positions_lose(self, stream, stream->head);
        stream->suspect = false;
    }
}

void
positions_supersede(pt_positions_t *self, const source_t *source)
{
    for (size_t i = 0; i < self->source_count; i++) {
        source_t *other = self->sources[i];
        if (other->worker == source->worker && other->epoch < source->epoch && other->state != SOURCE_LIVE)
            positions_close_source(self, other);
    }
}

void
positions_reopen(pt_positions_t *self, source_t *source, bool forget)
{
    source->state = SOURCE_OPENING;
    source->after_len = 0;
    positions_settle(self, &source->suback);
    for (size_t i = 0; i < self->stream_count; i++) {
        pt_stream_t *stream = self->streams[i];
        if (stream->source != source)
            continue;
        positions_settle(self, &stream->fetch);
        stream->listed = false;
        if (forget)
            stream->started = stream->suspect = false;
        if (forget)
            stream->head = 0;
    }
}

void
positions_judge(pt_positions_t *self, pt_stream_t *stream, const pt_decisions_t *decisions, pt_arrived_t *out_arrived)
{
    uint64_t first = decisions->first_seq, end = first + decisions->count;
    stream->head = stream->head > decisions->head_seq ? stream->head : decisions->head_seq;
    if (first > stream->next && stream->source->state == SOURCE_LIVE)
        positions_lose(self, stream, first);
    if (first > stream->next)
        return; //  it will come again, with what is missing before it
    *out_arrived = (pt_arrived_t) {.arrival = end > stream->next ? PT_ARRIVAL_DELIVER : PT_ARRIVAL_DROP,
                                   .stream = stream,
                                   .from_seq = stream->next,
                                   .dropped = (end < stream->next ? end : stream->next) - first};
}

//  An epoch that ended before we heard a HEAD of it: what still comes of it waits for nothing. Should a
//  HEAD come after all, because the clock that epochs are taken from was set back, it is opened then.
static void
s_close_old_epoch(pt_positions_t *self, source_t *source)
{
    for (size_t i = 0; source->twin && i < self->source_count; i++) {
        const source_t *other = self->sources[i];
        bool known = other->state == SOURCE_OPENED || other->state == SOURCE_LIVE;
        if (other->worker != source->worker || other->epoch <= source->epoch || !known)
            continue;
        positions_close_source(self, source);
        source->unheard = true;
        return;
    }
}

//  Numbered decisions that a PUB socket brought.
static void
s_take_numbered(pt_positions_t *self, pt_stream_t *stream, const pt_decisions_t *decisions, pt_arrived_t *out_arrived)
{
    source_t *source = stream->source;
    if (source->state == SOURCE_UNKNOWN)
        s_close_old_epoch(self, source);
    if (source->state == SOURCE_UNKNOWN) {
        stream->held = true;
        out_arrived->arrival = PT_ARRIVAL_HOLD;
        return;
    }
    if (source->state == SOURCE_OPENING) {
        stream->head = stream->head > decisions->head_seq ? stream->head : decisions->head_seq;
        return;
    }
    //  A topic that OPENED did not list had no decision then.
    if (!stream->started)
        positions_start(stream, source->state == SOURCE_OPENED ? 1 : decisions->first_seq);
    positions_judge(self, stream, decisions, out_arrived);
}

pt_status_t
pt_positions_decisions(pt_positions_t *self, pt_text_t topic, const pt_decisions_t *decisions,
                       pt_arrived_t *out_arrived)
{
    assert(self);
    assert(decisions);
    assert(out_arrived);

    *out_arrived = (pt_arrived_t) {.arrival = PT_ARRIVAL_DROP};
    if (decisions->flags & PT_FLAG_LIVE) {
        out_arrived->arrival = PT_ARRIVAL_DELIVER;
        return PT_OK;
    }
    pt_stream_t *stream = s_hear_stream(self, decisions->worker, decisions->epoch, topic);
    if (!stream)
        return PT_E_NOMEM;
    s_take_numbered(self, stream, decisions, out_arrived);
    return PT_OK;
}

void
pt_positions_delivered(pt_positions_t *self, pt_stream_t *stream, uint64_t next)
{
    (void) self;
    assert(next > stream->next);

    stream->next = next;
    stream->source->dirty = true;
}

//  What a HEAD says of its source: whether there is replay.
static void
s_learn_replay(pt_positions_t *self, source_t *source, bool has_replay)
{
    if (source->unheard && has_replay)
        positions_reopen(self, source, self->options.mode == PT_POSITIONS_DURABLE);
    source->unheard = false;
    if (source->state != SOURCE_UNKNOWN)
        return;
    source->state = has_replay ? SOURCE_OPENING : SOURCE_LIVE;
    if (source->state == SOURCE_LIVE)
        positions_supersede(self, source);
}

//  Where nothing can be fetched, what lies below a head is lost.
static void
s_take_live_head(pt_positions_t *self, pt_stream_t *stream, uint64_t head_seq)
{
    //  What is held was published before this HEAD, and starts the stream.
    bool held = stream->held;
    stream->held = false;
    if (held && !stream->started)
        return;
    if (!stream->started)
        positions_start(stream, head_seq);
    positions_lose(self, stream, head_seq);
}

pt_status_t
pt_positions_head(pt_positions_t *self, pt_text_t topic, const pt_head_t *head)
{
    assert(self);
    assert(head);

    pt_stream_t *stream = s_hear_stream(self, head->worker, head->epoch, topic);
    if (!stream)
        return PT_E_NOMEM;
    s_learn_replay(self, stream->source, head->replay_endpoint.len > 0);
    if (stream->source->state == SOURCE_LIVE) {
        s_take_live_head(self, stream, head->head_seq);
        return PT_OK;
    }
    if (stream->source->state == SOURCE_OPENED && !stream->started)
        positions_start(stream, 1);
    stream->suspect |= stream->started && head->head_seq < stream->next;
    stream->head = stream->head > head->head_seq ? stream->head : head->head_seq;
    return PT_OK;
}
