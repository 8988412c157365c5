/*  The batches of a file are those of one window, so each has its place by its number. */
#include "pt_outbox_ledger.h"

#include <assert.h>

pt_outbox_place_t *
pt_outbox_ledger_place(pt_outbox_ledger_t *self, uint64_t seq)
{
    assert(self);

    return &self->places[seq % PT_WINDOW];
}

void
pt_outbox_ledger_close(pt_outbox_ledger_t *self, uint64_t seq)
{
    assert(self);

    pt_outbox_place_t *place = pt_outbox_ledger_place(self, seq);
    if (place->open)
        self->live_bytes -= place->payload_len;
    place->open = false;
}

void
pt_outbox_ledger_lift(pt_outbox_ledger_t *self)
{
    assert(self);

    while (self->floor < self->next && !pt_outbox_ledger_place(self, self->floor)->open)
        self->floor++;
}

static bool
s_take_batch(pt_outbox_ledger_t *self, const pt_outbox_record_t *record, uint64_t offset)
{
    uint64_t seq = record->value[0];
    bool kept = record->type == PT_OUTBOX_KEPT;
    if (record->value[1] < 1 || record->value[1] > PT_BATCH_COUNT_MAX || !record->payload_len)
        return false;
    if (kept ? seq >= self->next || self->next - seq > PT_WINDOW : seq != self->next || seq - self->floor >= PT_WINDOW)
        return false;
    *pt_outbox_ledger_place(self, seq) = (pt_outbox_place_t) {.offset = offset,
                                                              .count = (uint32_t) record->value[1],
                                                              .payload_len = record->payload_len,
                                                              .open = true,
                                                              .cover = {record->responses, record->hash}};
    self->live_bytes += record->payload_len;
    if (kept && seq < self->floor)
        self->floor = seq;
    if (!kept) {
        self->next = seq + 1;
        self->cover = (pt_outbox_cover_t) {record->responses, record->hash};
    }
    self->complete = false;
    return true;
}

static bool
s_take_answered(pt_outbox_ledger_t *self, const pt_outbox_record_t *record, const uint8_t *bits)
{
    uint64_t floor = record->value[0];
    if (floor < self->floor || floor > self->next)
        return false;
    for (uint64_t seq = self->floor; seq < self->next; seq++) {
        uint64_t bit = seq - floor;
        if (seq < floor || (bit / 8 < record->payload_len && bits[bit / 8] >> (bit % 8) & 1))
            pt_outbox_ledger_close(self, seq);
    }
    pt_outbox_ledger_lift(self);
    return true;
}

bool
pt_outbox_ledger_take(pt_outbox_ledger_t *self, const pt_outbox_record_t *record, const uint8_t *payload,
                      uint64_t offset)
{
    assert(self);
    assert(record);

    if ((record->type == PT_OUTBOX_BEGIN) != (offset == 0))
        return false;
    switch (record->type) {
    case PT_OUTBOX_BEGIN:
        self->producer = record->value[0];
        self->epoch = record->value[1];
        self->floor = self->next = record->value[2];
        self->cover = (pt_outbox_cover_t) {record->responses, record->hash};
        return self->epoch <= PT_WIRE_INTEGER_MAX && self->next >= 1 && self->next <= PT_WIRE_INTEGER_MAX;
    case PT_OUTBOX_BATCH:
    case PT_OUTBOX_KEPT:
        return s_take_batch(self, record, offset);
    case PT_OUTBOX_ANSWERED:
        return s_take_answered(self, record, payload);
    case PT_OUTBOX_COMPLETE:
        self->complete = self->floor == self->next;
        return true;
    }
    return false;
}
