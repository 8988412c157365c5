/*  What comes in: published messages, and answers of replays. pt_positions says what is to be done with each. */
#include "pt_decision.h"
#include "pt_subscriber_parts.h"

#include <assert.h>
#include <czmq.h>

void
pt_subscriber_report_lost(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first,
                          uint64_t next)
{
    assert(context);

    (void) epoch;
    pt_subscriber_t *self = context;
    self->counts.missed += next - first;
    if (self->handlers.gap)
        self->handlers.gap(self->handlers.context, topic, worker, first, next);
}

//  False when the callback wants no more. Bytes that are no decision are told as a gap of one.
static bool
s_deliver(pt_subscriber_t *self, pt_text_t topic, const pt_decisions_t *header, uint64_t seq, pt_bytes_t bytes)
{
    pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    if (pt_decision_decode(bytes, fields, &decision) != PT_OK) {
        self->counts.malformed++;
        pt_subscriber_report_lost(self, topic, header->worker, header->epoch, seq, seq + 1);
        return true;
    }
    if (self->seen && pt_seen_add(self->seen, topic, &decision)) {
        self->counts.repeats++;
        return true;
    }
    self->handlers.decision(self->handlers.context, topic, &decision, bytes);
    if (self->stopped)
        return false;
    self->counts.decisions++;
    self->counts.fetched += (header->flags & PT_FLAG_REPLAY) != 0;
    return true;
}

static bool
s_deliver_items(pt_subscriber_t *self, pt_text_t topic, const pt_decisions_t *header, pt_bytes_t payload,
                const pt_arrived_t *answer)
{
    pt_items_t items;
    pt_bytes_t item;
    self->counts.dropped += answer->dropped;
    if (answer->arrival != PT_ARRIVAL_DELIVER)
        return true;
    if (pt_wire_crc32(payload) != header->crc32 || pt_items_open_decisions(payload, header->count, &items) != PT_OK)
        return false; //  as if it had not come; it will be missed and fetched
    for (uint64_t seq = header->first_seq; pt_items_next(&items, &item); seq++) {
        if (answer->stream && seq < answer->from_seq)
            continue;
        if (!s_deliver(self, topic, header, seq, item))
            break;
        if (answer->stream)
            pt_positions_delivered(self->positions, answer->stream, seq + 1);
    }
    return true;
}

//  Frames are [topic][header][payload]. False when they are no message of ours.
static bool
s_take_decisions(pt_subscriber_t *self, pt_frames_t *frames, pt_arrival_t *out_arrival)
{
    pt_bytes_t name = pt_frames_bytes(frames, 0);
    pt_text_t topic = {(const char *) name.data, name.len};
    pt_decisions_t header;
    pt_arrived_t answer;
    if (frames->count != 3 || pt_decisions_decode(pt_frames_bytes(frames, 1), &header) != PT_OK ||
        (header.flags & PT_FLAG_REPLAY))
        return false;
    if (pt_positions_decisions(self->positions, topic, &header, &answer) != PT_OK) {
        self->failed = PT_E_NOMEM;
        return true;
    }
    *out_arrival = answer.arrival;
    return s_deliver_items(self, topic, &header, pt_frames_bytes(frames, 2), &answer);
}

//  Keep a message until a HEAD of its worker says whether it can be fetched.
static bool
s_keep(pt_subscriber_t *self, pt_frames_t *frames)
{
    if (self->stash_count == PT_SUBSCRIBER_STASH_MAX)
        return false;
    self->stash[self->stash_count++] = *frames;
    return true;
}

static void
s_take_stash(pt_subscriber_t *self)
{
    size_t count = self->stash_count;
    self->stash_count = 0;
    for (size_t i = 0; i < count; i++) {
        pt_frames_t frames = self->stash[i];
        pt_arrival_t arrival = PT_ARRIVAL_DROP;
        if (!self->stopped && !s_take_decisions(self, &frames, &arrival))
            self->counts.malformed++;
        if (arrival != PT_ARRIVAL_HOLD || !s_keep(self, &frames))
            pt_frames_clear(&frames);
    }
}

static bool
s_is_wanted(const pt_subscriber_t *self, pt_text_t topic)
{
    for (size_t i = 0; i < self->options.prefix_count; i++) {
        size_t len = strlen(self->prefixes[i]);
        if (len <= topic.len && memcmp(topic.data, self->prefixes[i], len) == 0)
            return true;
    }
    return self->options.prefix_count == 0;
}

static void
s_note_head(pt_subscriber_t *self, pt_text_t topic, const pt_head_t *head)
{
    if (!s_is_wanted(self, topic))
        return;
    self->has_live |= head->replay_endpoint.len == 0;
    pt_dealers_name(self->dealers, head->worker, head->epoch, head->replay_endpoint);
    if (pt_positions_head(self->positions, topic, head) != PT_OK)
        self->failed = PT_E_NOMEM;
}

static bool
s_take_heads(pt_subscriber_t *self, pt_bytes_t header)
{
    pt_heads_t heads;
    if (pt_heads_decode(header, &heads) != PT_OK)
        return false;
    for (size_t i = 0; i < heads.head_count; i++) {
        pt_head_t head = {.worker = heads.worker,
                          .epoch = heads.epoch,
                          .first_retained = heads.heads[i].first_retained,
                          .head_seq = heads.heads[i].head_seq,
                          .replay_endpoint = heads.replay_endpoint};
        s_note_head(self, heads.heads[i].topic, &head);
    }
    return true;
}

static bool
s_take_head(pt_subscriber_t *self, pt_text_t topic, pt_bytes_t header)
{
    pt_head_t head;
    if (pt_head_decode(header, &head) != PT_OK)
        return false;
    s_note_head(self, topic, &head);
    return true;
}

void
pt_subscriber_take_published(pt_subscriber_t *self, pt_frames_t *frames)
{
    assert(self);
    assert(frames);

    pt_kind_t kind;
    pt_arrival_t arrival = PT_ARRIVAL_DROP;
    bool well = frames->count >= 2 && !frames->excess && pt_frames_bytes(frames, 0).len <= PT_TOPIC_BYTES_MAX &&
                pt_wire_kind(pt_frames_bytes(frames, 1), &kind) == PT_OK;
    if (well && kind == PT_KIND_DECISIONS) {
        well = s_take_decisions(self, frames, &arrival);
    } else if (well) {
        pt_bytes_t name = pt_frames_bytes(frames, 0), header = pt_frames_bytes(frames, 1);
        well = kind == PT_KIND_HEAD ? s_take_head(self, (pt_text_t) {(const char *) name.data, name.len}, header)
                                    : kind == PT_KIND_HEADS && s_take_heads(self, header);
        s_take_stash(self);
    }
    if (!well)
        self->counts.malformed++;
    if (arrival != PT_ARRIVAL_HOLD || !s_keep(self, frames))
        pt_frames_clear(frames);
}

//  [FETCHED][topic][header][payload]
static bool
s_take_fetched(pt_subscriber_t *self, const pt_frames_t *frames)
{
    uint64_t req_id;
    pt_decisions_t header;
    pt_arrived_t answer;
    if (frames->count != 4 || pt_fetched_decode(pt_frames_bytes(frames, 0), &req_id) != PT_OK ||
        pt_frames_bytes(frames, 1).len > PT_TOPIC_BYTES_MAX ||
        pt_decisions_decode(pt_frames_bytes(frames, 2), &header) != PT_OK)
        return false;
    pt_bytes_t name = pt_frames_bytes(frames, 1);
    pt_text_t topic = {(const char *) name.data, name.len};
    pt_positions_fetched(self->positions, req_id, topic, &header, zclock_mono(), &answer);
    return s_deliver_items(self, topic, &header, pt_frames_bytes(frames, 3), &answer);
}

static bool
s_take_opened(pt_subscriber_t *self, pt_bytes_t header)
{
    pt_opened_t opened;
    if (pt_opened_decode(header, &opened) != PT_OK)
        return false;
    if (pt_positions_opened(self->positions, &opened, zclock_mono()) != PT_OK)
        self->failed = PT_E_NOMEM;
    s_take_stash(self);
    return true;
}

bool
pt_subscriber_take_note(pt_subscriber_t *self, pt_kind_t kind, pt_bytes_t header)
{
    assert(self);

    union {
        pt_end_t end;
        pt_truncated_t truncated;
        pt_bad_epoch_t bad_epoch;
        pt_refused_t refused;
        uint64_t req_id;
    } as;
    int64_t now_ms = zclock_mono();
    if (kind == PT_KIND_END && pt_end_decode(header, &as.end) == PT_OK)
        pt_positions_end(self->positions, &as.end, now_ms);
    else if (kind == PT_KIND_TRUNCATED && pt_truncated_decode(header, &as.truncated) == PT_OK)
        pt_positions_truncated(self->positions, &as.truncated, now_ms);
    else if (kind == PT_KIND_BADEPOCH && pt_bad_epoch_decode(header, &as.bad_epoch) == PT_OK)
        pt_positions_bad_epoch(self->positions, &as.bad_epoch, now_ms);
    else if (kind == PT_KIND_REFUSED && pt_refused_decode(header, &as.refused) == PT_OK)
        pt_positions_refused(self->positions, &as.refused, now_ms);
    else if (kind == PT_KIND_SUBACKED && pt_subacked_decode(header, &as.req_id) == PT_OK)
        pt_positions_subacked(self->positions, as.req_id, now_ms);
    else
        return false;
    return true;
}

bool
pt_subscriber_take_answer(pt_subscriber_t *self, const pt_frames_t *frames)
{
    assert(self);
    assert(frames);

    pt_kind_t kind;
    pt_bytes_t header = pt_frames_bytes(frames, 0);
    if (frames->excess || pt_wire_kind(header, &kind) != PT_OK)
        return false;
    if (kind == PT_KIND_FETCHED)
        return s_take_fetched(self, frames);
    if (frames->count != 1)
        return false;
    return kind == PT_KIND_OPENED ? s_take_opened(self, header) : pt_subscriber_take_note(self, kind, header);
}
