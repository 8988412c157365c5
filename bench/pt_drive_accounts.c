/*  The accounts of the driver: what is under way, and what came back of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_bench.h"
#include "pt_cursor.h"
#include "pt_decision.h"
#include "pt_drive_parts.h"

void
pt_drive_note_fault(pt_drive_t *self, const char *what)
{
    if (!self->is_faulty)
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    self->is_faulty = true;
}

pt_drive_batch_t *
pt_drive_find(pt_drive_t *self, unsigned producer, uint64_t seq)
{
    if (producer >= self->options.producers)
        return NULL;
    pt_drive_batch_t *batch = &self->producers[producer].ring[seq % PT_DRIVE_RING];
    return batch->seq == seq && seq ? batch : NULL;
}

static void
s_complete_batch(pt_drive_t *self, pt_drive_batch_t *batch)
{
    if (batch->left || batch->alerts_left || !batch->is_acked)
        return;
    if (self->is_measuring && !batch->is_probe) {
        self->result->responses += batch->payload->count;
        self->result->batches++;
        self->result->bytes_in += batch->payload->bytes.len;
    }
    batch->seq = 0;
    self->under_way--;
    self->progress_ns = pt_bench_now_ns();
}

static void
s_add_time(pt_histogram_t *histogram, const pt_drive_batch_t *batch, uint64_t now_ns)
{
    pt_histogram_add(histogram, now_ns > batch->intended_ns ? now_ns - batch->intended_ns : 0);
}

void
pt_drive_acknowledge(pt_drive_t *self, unsigned index, uint64_t seq)
{
    pt_drive_producer_t *producer = &self->producers[index];
    pt_drive_batch_t *batch = pt_drive_find(self, index, seq);
    if (batch) {
        if (!batch->is_acked && self->is_measuring && !batch->is_probe)
            s_add_time(&self->result->ack, batch, pt_bench_now_ns());
        batch->is_acked = true;
        s_complete_batch(self, batch);
    }
    //  The floor is the first batch that is neither acknowledged nor unsent.
    while (producer->floor < producer->next_seq) {
        pt_drive_batch_t *first = pt_drive_find(self, index, producer->floor);
        if (first && !first->is_acked)
            break;
        producer->floor++;
    }
}

void
pt_drive_refuse(pt_drive_t *self, unsigned index, const pt_nack_t *nack)
{
    pt_drive_batch_t *batch = pt_drive_find(self, index, nack->seq);
    if (nack->reason != PT_REASON_BUSY) {
        char words[96];
        snprintf(words, sizeof(words), "a batch was refused: %s", pt_reason_text(nack->reason));
        pt_drive_note_fault(self, words);
        return;
    }
    if (self->is_measuring)
        self->result->busy++;
    if (batch && !batch->is_acked && !batch->is_refused) {
        batch->is_refused = true;
        self->producers[index].refused++;
    }
}

//  PRODUCER/EPOCH/SEQ/INDEX, as the worker names a response by its place.
typedef struct {
    uint64_t producer, epoch, seq;
    uint64_t index;
} s_place_t;

static bool
s_parse_place(pt_text_t id, s_place_t *out_place)
{
    char text[PT_ID_BYTES_MAX + 1];
    if (!id.data || id.len > PT_ID_BYTES_MAX)
        return false;
    memcpy(text, id.data, id.len);
    text[id.len] = 0;
    char *at = text;
    out_place->producer = strtoull(at, &at, 16);
    if (*at++ != '/')
        return false;
    out_place->epoch = strtoull(at, &at, 10);
    if (*at++ != '/')
        return false;
    out_place->seq = strtoull(at, &at, 10);
    if (*at++ != '/')
        return false;
    out_place->index = strtoull(at, &at, 10);
    return *at == 0 || *at == ' ';
}

//  The id of the decision that is next: `id` is its first key.
static bool
s_read_place(pt_cursor_t cursor, s_place_t *out_place)
{
    uint32_t count;
    pt_text_t text;
    return pt_cursor_map(&cursor, &count) == PT_OK && pt_cursor_text(&cursor, 2, &text) == PT_OK &&
           pt_text_equal(text, PT_TEXT("id")) && pt_cursor_text(&cursor, PT_ID_BYTES_MAX, &text) == PT_OK &&
           s_parse_place(text, out_place);
}

static bool
s_is_ours(const pt_drive_t *self, const s_place_t *place)
{
    unsigned index = (unsigned) (place->producer & 0xff);
    return index < self->options.producers && self->producers[index].id == place->producer &&
           place->epoch == self->epoch;
}

//  Take `count` decisions off the batch at `place`.
static void
s_account(pt_drive_t *self, const s_place_t *place, uint32_t count, bool is_alert, uint64_t now_ns)
{
    unsigned index = (unsigned) (place->producer & 0xff);
    bool is_ours = s_is_ours(self, place);
    pt_drive_batch_t *batch = is_ours ? pt_drive_find(self, index, place->seq) : NULL;
    if (is_ours && place->seq < self->producers[index].first_seq)
        return;
    uint32_t *left = batch ? (is_alert ? &batch->alerts_left : &batch->left) : NULL;
    if (!left || *left < count) {
        pt_drive_note_fault(self, "a decision came that no response under way accounts for");
        return;
    }
    *left -= count;
    if (!*left && !is_alert && self->is_measuring && !batch->is_probe)
        s_add_time(&self->result->latency, batch, now_ns);
    s_complete_batch(self, batch);
}

//  Every decision by itself: it decodes, and its response has not been decided before.
static void
s_account_each(pt_drive_t *self, pt_bytes_t items, const pt_decisions_t *header, bool is_alert, uint64_t now_ns)
{
    pt_items_t walk;
    pt_bytes_t item;
    if (pt_wire_crc32(items) != header->crc32 || pt_items_open_decisions(items, header->count, &walk) != PT_OK) {
        pt_drive_note_fault(self, "a DECISIONS message is damaged");
        return;
    }
    while (pt_items_next(&walk, &item)) {
        pt_decision_t decision;
        s_place_t place;
        if (pt_decision_decode(item, self->fields, &decision) != PT_OK || !s_parse_place(decision.id, &place)) {
            pt_drive_note_fault(self, "a decision cannot be read");
            return;
        }
        pt_drive_batch_t *batch = pt_drive_find(self, (unsigned) (place.producer & 0xff), place.seq);
        if (batch && !is_alert && place.index < PT_BATCH_COUNT_MAX) {
            uint64_t bit = UINT64_C(1) << (place.index % 64);
            if (batch->seen[place.index / 64] & bit)
                pt_drive_note_fault(self, "a response was decided twice");
            batch->seen[place.index / 64] |= bit;
        }
        s_account(self, &place, 1, is_alert, now_ns);
    }
}

//  Whether these are all decisions of the batch on the topic; then there are none of others.
static bool
s_is_of_one_batch(pt_drive_t *self, const s_place_t *place, pt_bytes_t topic, uint32_t count)
{
    const pt_drive_batch_t *batch = pt_drive_find(self, (unsigned) (place->producer & 0xff), place->seq);
    for (size_t i = 0; batch && i < batch->payload->published_count; i++) {
        const pt_published_t *published = &batch->payload->published[i];
        if (strlen(published->topic) == topic.len && memcmp(published->topic, topic.data, topic.len) == 0)
            return published->first == place->index && published->count == count;
    }
    return false;
}

//  Decisions of several batches: each says itself where it belongs. Behind the first one of a batch that was given up
//  the null worker's say nothing; what is missing for it is found at the end.
static void
s_account_by_place(pt_drive_t *self, pt_cursor_t cursor, uint32_t count, bool is_alert, uint64_t now_ns)
{
    for (uint32_t i = 0; i < count; i++) {
        s_place_t place;
        if (!s_read_place(cursor, &place) || pt_cursor_skip(&cursor, PT_DEPTH_MAX) != PT_OK) {
            pt_drive_note_fault(self, "a DECISIONS message is damaged");
            return;
        }
        if (s_is_ours(self, &place))
            s_account(self, &place, 1, is_alert, now_ns);
    }
}

void
pt_drive_take(pt_drive_t *self, zmq_msg_t frames[3])
{
    pt_bytes_t topic = {zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0])};
    pt_bytes_t head = {zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1])};
    pt_bytes_t items = {zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2])};
    static const char alerts[] = "operator_alert.";
    bool is_alert = topic.len >= sizeof(alerts) - 1 && memcmp(topic.data, alerts, sizeof(alerts) - 1) == 0;
    pt_decisions_t header;
    s_place_t place;
    uint64_t now_ns = pt_bench_now_ns();
    if (is_alert && !self->options.expects_alerts)
        return;
    pt_cursor_t cursor = pt_cursor_open(items);
    uint32_t count;
    if (pt_decisions_decode(head, &header) != PT_OK || pt_cursor_array(&cursor, &count) != PT_OK ||
        count != header.count || !s_read_place(cursor, &place)) {
        pt_drive_note_fault(self, "a DECISIONS message cannot be read");
        return;
    }
    if (self->is_measuring)
        self->result->bytes_out += items.len;
    if (self->options.checks_each)
        s_account_each(self, items, &header, is_alert, now_ns);
    else if (s_is_of_one_batch(self, &place, topic, header.count))
        s_account(self, &place, header.count, is_alert, now_ns);
    else
        s_account_by_place(self, cursor, header.count, is_alert, now_ns);
}

//  Give up what is under way: probes that came back in part or not at all.
void
pt_drive_forget(pt_drive_t *self)
{
    for (unsigned i = 0; i < self->options.producers; i++) {
        pt_drive_producer_t *producer = &self->producers[i];
        for (size_t k = 0; k < PT_DRIVE_RING; k++)
            producer->ring[k].seq = 0;
        producer->refused = 0;
        producer->floor = producer->next_seq;
        producer->first_seq = producer->next_seq;
    }
    self->under_way = 0;
}

void
pt_drive_tell_missing(const pt_drive_t *self)
{
    uint64_t decisions = 0;
    uint64_t alerts = 0;
    unsigned unacked = 0;
    for (unsigned i = 0; i < self->options.producers; i++)
        for (size_t k = 0; k < PT_DRIVE_RING; k++) {
            const pt_drive_batch_t *batch = &self->producers[i].ring[k];
            decisions += batch->seq ? batch->left : 0;
            alerts += batch->seq ? batch->alerts_left : 0;
            unacked += batch->seq && !batch->is_acked;
        }
    fprintf(stderr,
            "%s: not accounted for: %" PRIu64 " decisions and %" PRIu64 " alerts of %u batches, %u of them "
            "without an ACK\n",
            program_invocation_short_name, decisions, alerts, self->under_way, unacked);
}
