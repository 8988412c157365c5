/*  The ring holds every batch from the floor on, at seq % PT_WINDOW: sealed once, the same bytes each
 *  time, until it is answered. Buffers of answered batches wait in a stack for the next one.
 */
#include "pt_outbox.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_outbox_payload.h"

//  A batch closes at this size; a few hundred responses of some hundred bytes stay below it.
#define PAYLOAD_BYTES_SOFT (512 * 1024)

typedef struct {
    pt_outbox_payload_t payload;
    uint64_t first;
    uint32_t crc32;
    uint32_t tries;   //  times sent or blocked; drives the back-off
    uint32_t silent;  //  of these, since `answers` was counted
    uint64_t answers; //  the outbox's answers at the last try
    bool sent;        //  some try reached the socket
    bool open;        //  not answered
    int64_t due_ms;   //  when to send (again)
} slot_t;

struct pt_outbox {
    pt_outbox_options_t options;
    uint64_t floor, next, stored;
    uint64_t restored; //  highest seq put back
    uint64_t placed;   //  place of the next response
    slot_t ring[PT_WINDOW];
    pt_outbox_payload_t spare[PT_WINDOW + 1];
    size_t spare_count;
    pt_outbox_payload_t open; //  of the open batch
    uint64_t answers;         //  heard from any broker
    uint64_t random;
    pt_outbox_counts_t counts;
};

static slot_t *
s_slot(pt_outbox_t *self, uint64_t seq)
{
    return &self->ring[seq % PT_WINDOW];
}

static const slot_t *
s_peek(const pt_outbox_t *self, uint64_t seq)
{
    return &self->ring[seq % PT_WINDOW];
}

//  splitmix64: any seed will do, 0 too.
static uint32_t
s_draw_jitter(pt_outbox_t *self, uint32_t below)
{
    uint64_t z = self->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t) ((z ^ (z >> 31)) % below);
}

pt_outbox_t *
pt_outbox_new(const pt_outbox_options_t *options)
{
    assert(options);
    assert(options->batch_max <= PT_BATCH_COUNT_MAX);
    assert(options->window <= PT_WINDOW);

    pt_outbox_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->options = *options;
    self->options.batch_max = options->batch_max ? options->batch_max : 256;
    self->options.window = options->window ? options->window : 64;
    self->options.rto_ms = options->rto_ms ? options->rto_ms : PT_OUTBOX_RTO_MS;
    self->floor = self->next = options->next ? options->next : 1;
    self->stored = options->stored ? self->next : UINT64_MAX;
    self->placed = options->first;
    self->random = options->seed;
    return self;
}

void
pt_outbox_destroy(pt_outbox_t **self_p)
{
    pt_outbox_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < PT_WINDOW; i++)
        pt_outbox_payload_clear(&self->ring[i].payload);
    while (self->spare_count)
        pt_outbox_payload_clear(&self->spare[--self->spare_count]);
    pt_outbox_payload_clear(&self->open);
    free(self);
    *self_p = NULL;
}

pt_status_t
pt_outbox_put(pt_outbox_t *self, pt_bytes_t response)
{
    assert(self);

    size_t bytes_alone = pt_outbox_payload_bytes_with(&(pt_outbox_payload_t) {0}, response.len);
    if (response.len > PT_BATCH_BYTES_MAX || bytes_alone > PT_BATCH_BYTES_MAX)
        return PT_E_SIZE;
    if (pt_outbox_payload_bytes_with(&self->open, response.len) > PAYLOAD_BYTES_SOFT)
        pt_outbox_seal(self);
    if (self->next - self->floor >= self->options.window)
        return PT_E_SPACE;
    if (!self->open.data && self->spare_count)
        self->open = self->spare[--self->spare_count];
    if (!pt_outbox_payload_add(&self->open, response))
        return PT_E_NOMEM;
    self->counts.put++;
    self->placed++;
    self->counts.pending++;
    if (self->open.count == self->options.batch_max)
        pt_outbox_seal(self);
    return PT_OK;
}

void
pt_outbox_seal(pt_outbox_t *self)
{
    assert(self);

    if (!self->open.count)
        return;
    pt_outbox_payload_close(&self->open);
    slot_t *slot = s_slot(self, self->next++);
    assert(!slot->open && !slot->payload.data);
    *slot = (slot_t) {.payload = self->open,
                      .first = self->placed - self->open.count,
                      .crc32 = pt_wire_crc32(pt_outbox_payload_bytes(&self->open)),
                      .open = true};
    self->open = (pt_outbox_payload_t) {0};
}

pt_status_t
pt_outbox_restore(pt_outbox_t *self, uint64_t seq, uint64_t first, uint32_t count, pt_bytes_t payload)
{
    assert(self);
    assert(!self->open.count);

    if (seq < 1 || seq <= self->restored || seq >= self->next || self->next - seq > PT_WINDOW || !payload.len)
        return PT_E_RANGE;
    pt_outbox_payload_t copy = {0};
    if (!pt_outbox_payload_copy(&copy, count, payload))
        return PT_E_NOMEM;
    *s_slot(self, seq) = (slot_t) {.payload = copy, .first = first, .crc32 = pt_wire_crc32(payload), .open = true};
    self->floor = seq < self->floor ? seq : self->floor;
    self->restored = seq;
    self->counts.put += count;
    self->counts.pending += count;
    return PT_OK;
}

static bool
s_is_open(const pt_outbox_t *self, uint64_t seq)
{
    return seq >= self->floor && seq < self->next && s_peek(self, seq)->open;
}

bool
pt_outbox_batch(const pt_outbox_t *self, uint64_t seq, pt_outbox_batch_t *out_batch)
{
    assert(self);
    assert(out_batch);

    if (!s_is_open(self, seq))
        return false;
    const slot_t *slot = s_peek(self, seq);
    out_batch->header = (pt_batch_t) {.producer = self->options.producer,
                                      .epoch = self->options.epoch,
                                      .seq = seq,
                                      .floor = self->floor,
                                      .crc32 = slot->crc32,
                                      .count = slot->payload.count};
    out_batch->payload = pt_outbox_payload_bytes(&slot->payload);
    out_batch->first = slot->first;
    return true;
}

uint64_t
pt_outbox_floor(const pt_outbox_t *self)
{
    return self->floor;
}

uint64_t
pt_outbox_next(const pt_outbox_t *self)
{
    return self->next;
}

void
pt_outbox_stored(pt_outbox_t *self, uint64_t next)
{
    assert(next <= self->next);

    self->stored = next;
}

//  One beyond the last batch that may be sent.
static uint64_t
s_sendable_end(const pt_outbox_t *self)
{
    return self->stored < self->next ? self->stored : self->next;
}

bool
pt_outbox_due(const pt_outbox_t *self, int64_t now_ms, uint64_t *cursor, pt_outbox_batch_t *out_batch)
{
    uint64_t end = s_sendable_end(self);
    for (uint64_t seq = *cursor > self->floor ? *cursor : self->floor; seq < end; seq++) {
        const slot_t *slot = s_peek(self, seq);
        if (slot->open && slot->due_ms <= now_ms) {
            *cursor = seq + 1;
            return pt_outbox_batch(self, seq, out_batch);
        }
    }
    return false;
}

static uint32_t
s_rto_ms(const pt_outbox_t *self, uint32_t tries)
{
    uint32_t rto_ms = self->options.rto_ms;
    for (uint32_t i = 1; i < tries && rto_ms < PT_OUTBOX_RTO_MS_MAX; i++)
        rto_ms *= 2;
    return rto_ms < PT_OUTBOX_RTO_MS_MAX ? rto_ms : PT_OUTBOX_RTO_MS_MAX;
}

static int64_t
s_after(pt_outbox_t *self, uint32_t wait_ms, int64_t now_ms)
{
    return now_ms + wait_ms + s_draw_jitter(self, wait_ms / 4 + 1);
}

void
pt_outbox_sent(pt_outbox_t *self, uint64_t seq, bool blocked, int64_t now_ms)
{
    if (!s_is_open(self, seq))
        return;
    slot_t *slot = s_slot(self, seq);
    if (slot->answers != self->answers)
        slot->silent = 0;
    slot->answers = self->answers;
    slot->silent++;
    slot->tries++;
    if (!blocked && slot->sent)
        self->counts.batches_resent++;
    slot->sent |= !blocked;
    slot->due_ms = s_after(self, s_rto_ms(self, slot->tries), now_ms);
}

int64_t
pt_outbox_due_ms(const pt_outbox_t *self)
{
    int64_t due_ms = INT64_MAX;
    for (uint64_t seq = self->floor, end = s_sendable_end(self); seq < end; seq++) {
        const slot_t *slot = s_peek(self, seq);
        if (slot->open && slot->due_ms < due_ms)
            due_ms = slot->due_ms;
    }
    return due_ms;
}

static void
s_finish_batch(pt_outbox_t *self, uint64_t seq)
{
    slot_t *slot = s_slot(self, seq);
    self->counts.pending -= slot->payload.count;
    pt_outbox_payload_reset(&slot->payload);
    self->spare[self->spare_count++] = slot->payload;
    *slot = (slot_t) {0};
    while (self->floor < self->next && !s_slot(self, self->floor)->open)
        self->floor++;
}

//  Somebody lives there. What was put off for long while nobody answered need not wait so long now.
static void
s_hear(pt_outbox_t *self, int64_t now_ms)
{
    self->answers++;
    for (uint64_t seq = self->floor; seq < self->next; seq++) {
        slot_t *slot = s_slot(self, seq);
        if (!slot->open || slot->tries <= PT_OUTBOX_SILENT_SENDS)
            continue;
        slot->tries = 1;
        int64_t due_ms = s_after(self, self->options.rto_ms, now_ms);
        slot->due_ms = slot->due_ms < due_ms ? slot->due_ms : due_ms;
    }
}

void
pt_outbox_ack(pt_outbox_t *self, const pt_ack_t *ack, int64_t now_ms)
{
    assert(self);
    assert(ack);

    if (ack->producer != self->options.producer || ack->epoch != self->options.epoch)
        return; //  an answer to a producer that had this routing id before
    s_hear(self, now_ms);
    for (size_t i = 0; i < ack->range_count; i++) {
        uint64_t first = ack->ranges[i].first > self->floor ? ack->ranges[i].first : self->floor;
        uint64_t end = ack->ranges[i].last < self->next ? ack->ranges[i].last + 1 : self->next;
        for (uint64_t seq = first; seq < end; seq++) {
            if (!s_is_open(self, seq))
                continue;
            self->counts.accepted += s_slot(self, seq)->payload.count;
            s_finish_batch(self, seq);
        }
    }
}

bool
pt_outbox_nack(pt_outbox_t *self, const pt_nack_t *nack, int64_t now_ms, pt_outbox_batch_t *out_batch)
{
    assert(self);
    assert(nack);
    assert(out_batch);

    if (nack->producer != self->options.producer || nack->epoch != self->options.epoch || !s_is_open(self, nack->seq))
        return false;
    s_hear(self, now_ms);
    slot_t *slot = s_slot(self, nack->seq);
    if (!pt_reason_is_passing(nack->reason)) {
        pt_outbox_batch(self, nack->seq, out_batch);
        out_batch->payload = (pt_bytes_t) {0};
        self->counts.refused += slot->payload.count;
        s_finish_batch(self, nack->seq);
        return true;
    }
    self->counts.busy += nack->reason == PT_REASON_BUSY;
    uint32_t wait_ms = nack->retry_after_ms;
    if (wait_ms)
        slot->tries = 0; //  the wait was named: nothing to double
    else
        wait_ms = s_rto_ms(self, slot->tries);
    slot->due_ms = s_after(self, wait_ms, now_ms);
    return false;
}

bool
pt_outbox_is_silent(const pt_outbox_t *self, int64_t now_ms)
{
    for (uint64_t seq = self->floor, end = s_sendable_end(self); seq < end; seq++) {
        const slot_t *slot = s_peek(self, seq);
        if (slot->open && slot->due_ms <= now_ms && slot->answers == self->answers &&
            slot->silent >= PT_OUTBOX_SILENT_SENDS)
            return true;
    }
    return false;
}

void
pt_outbox_reconnected(pt_outbox_t *self)
{
    for (uint64_t seq = self->floor; seq < self->next; seq++) {
        slot_t *slot = s_slot(self, seq);
        slot->silent = 0;
        slot->due_ms = 0;
    }
}

bool
pt_outbox_is_idle(const pt_outbox_t *self)
{
    return self->floor == self->next && !self->open.count;
}

pt_outbox_counts_t
pt_outbox_counts(const pt_outbox_t *self)
{
    return self->counts;
}
