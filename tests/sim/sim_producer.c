/*  The loop of pt_producer around the real outbox, with or without a file. The file is a log of records
 *  as pt_outbox_file writes them: what was synced stays, what was not may be cut off anywhere.
 */
#include <assert.h>
#include <stdlib.h>

#include "sim.h"
#include "sim_oracle.h"

//  Records of a producer's life; each batch needs two at most, and a little more for lost answers.
#define S_RECORDS_MAX (8 * SIM_RESPONSES)
#define S_PUT_MAX 16 //  responses at a time

typedef struct {
    uint64_t seq;   //  of the batch
    bool answered;  //  or that it is sealed
    uint64_t first; //  sealed: place of its first response
    uint32_t count;
    size_t size;
    uint8_t payload[8 + SIM_BATCH_MAX * (SIM_ITEM_BYTES + 5)];
} s_record_t;

struct sim_producer {
    unsigned index, node;
    unsigned broker; //  in use
    pt_outbox_t *outbox;
    uint64_t epoch;
    uint64_t placed; //  responses put so far
    int64_t put_ms;  //  when the next ones come
    uint64_t sealed; //  batches below this are in the file
    //  On disk, where there is a file.
    bool file;
    uint64_t file_epoch;
    s_record_t *records;
    size_t record_count, synced_count;
    pt_outbox_counts_t counted; //  of the stats
};

uint64_t
sim_producer_id(unsigned index)
{
    return 0x1000 + index;
}

sim_producer_t *
sim_producer_new(sim_t *sim, unsigned index)
{
    sim_producer_t *self = calloc(1, sizeof(*self));
    assert(self);
    self->index = index;
    self->node = sim_node(sim, SIM_PRODUCER, index);
    self->file = sim_chance(sim, 50);
    if (self->file)
        self->records = calloc(S_RECORDS_MAX, sizeof(*self->records));
    assert(!self->file || self->records);
    return self;
}

void
sim_producer_destroy(sim_producer_t **self_p)
{
    sim_producer_t *self = *self_p;
    if (!self)
        return;
    pt_outbox_destroy(&self->outbox);
    free(self->records);
    free(self);
    *self_p = NULL;
}

//  ---- the file

static void
s_add_record(sim_producer_t *self, const s_record_t *record)
{
    assert(self->record_count < S_RECORDS_MAX);
    self->records[self->record_count++] = *record;
}

static void
s_store_sealed(sim_producer_t *self)
{
    pt_outbox_batch_t batch;
    for (; self->sealed < pt_outbox_next(self->outbox); self->sealed++) {
        if (!pt_outbox_batch(self->outbox, self->sealed, &batch))
            continue;
        s_record_t record = {.seq = self->sealed, .first = batch.first, .count = batch.header.count};
        record.size = batch.payload.len;
        assert(record.size <= sizeof(record.payload));
        memcpy(record.payload, batch.payload.data, record.size);
        s_add_record(self, &record);
    }
}

static bool
s_is_answered(const sim_producer_t *self, uint64_t seq)
{
    for (size_t i = 0; i < self->record_count; i++)
        if (self->records[i].seq == seq && self->records[i].answered)
            return true;
    return false;
}

//  Sync what was sealed, and let it be sent.
static void
s_sync(const sim_t *sim, sim_producer_t *self)
{
    if (!self->file)
        return;
    s_store_sealed(self);
    if (!sim_is_broken(sim, SIM_BREAK_OUTBOX_NOT_SYNCED))
        self->synced_count = self->record_count;
    pt_outbox_stored(self->outbox, self->sealed);
}

static void
s_restore(sim_producer_t *self)
{
    for (size_t i = 0; i < self->record_count; i++) {
        const s_record_t *record = &self->records[i];
        if (record->answered || s_is_answered(self, record->seq))
            continue;
        pt_bytes_t payload = {record->payload, record->size};
        if (pt_outbox_restore(self->outbox, record->seq, record->first, record->count, payload) != PT_OK)
            abort();
    }
}

//  What the file says about the batches ever sealed: the next seq, and the next response.
static uint64_t
s_read_file(sim_producer_t *self)
{
    uint64_t next = 1;
    self->placed = 0;
    for (size_t i = 0; i < self->record_count; i++) {
        const s_record_t *record = &self->records[i];
        if (record->answered)
            continue;
        next = record->seq + 1;
        self->placed = record->first + record->count;
    }
    return next;
}

//  ---- start and stop

void
sim_producer_start(sim_t *sim, sim_producer_t *self)
{
    bool first = sim->nodes[self->node].life == 1;
    bool keeps = self->file || sim_is_broken(sim, SIM_BREAK_PRODUCER_EPOCH_KEPT);
    //  By the clock, as pt_producer does it, which may have been set since.
    if (first || !keeps)
        self->epoch = sim_wall_ms(sim, self->node);
    uint64_t next = self->file ? s_read_file(self) : 1;
    pt_outbox_options_t options = {.producer = sim_producer_id(self->index),
                                   .epoch = self->epoch,
                                   .next = next,
                                   .first = self->placed,
                                   .batch_max = sim->config.batch_max,
                                   .window = sim->config.window,
                                   .seed = sim_random(sim, 0) + sim->seed,
                                   .stored = self->file};
    self->outbox = pt_outbox_new(&options);
    assert(self->outbox);
    self->sealed = next;
    self->counted = (pt_outbox_counts_t) {0};
    if (self->file)
        s_restore(self);
    self->put_ms = sim_mono_ms(sim, self->node);
    sim_producer_wake(sim, self);
}

static void
s_count(sim_t *sim, sim_producer_t *self)
{
    pt_outbox_counts_t counts = pt_outbox_counts(self->outbox);
    sim->stats.resent += counts.batches_resent - self->counted.batches_resent;
    sim->stats.busy += counts.busy - self->counted.busy;
    self->counted = counts;
}

//  Without a file, whoever feeds the producer begins with the first response that was not answered for,
//  or leaves those out that the dead one had.
static void
s_forget(sim_t *sim, sim_producer_t *self)
{
    pt_outbox_batch_t batch;
    if (sim_chance(sim, 50) && pt_outbox_batch(self->outbox, pt_outbox_floor(self->outbox), &batch))
        self->placed = batch.first;
}

void
sim_producer_stop(sim_t *sim, sim_producer_t *self)
{
    s_count(sim, self);
    if (self->file)
        self->record_count = self->synced_count + sim_random(sim, self->record_count - self->synced_count + 1);
    else
        s_forget(sim, self);
    self->synced_count = self->record_count;
    pt_outbox_destroy(&self->outbox);
}

bool
sim_producer_is_done(const sim_producer_t *self)
{
    return self->outbox && pt_outbox_is_idle(self->outbox) && self->put_ms == SIM_FOREVER;
}

//  ---- sending

static void
s_put(sim_t *sim, sim_producer_t *self)
{
    size_t count = 1 + sim_random(sim, S_PUT_MAX);
    bool room = true;
    for (size_t i = 0; i < count && self->placed < sim->config.responses && room; i++) {
        uint8_t item[SIM_ITEM_BYTES] = {0};
        uint16_t producer = (uint16_t) self->index;
        uint32_t response = (uint32_t) self->placed;
        memcpy(item, &producer, sizeof(producer));
        memcpy(item + 4, &response, sizeof(response));
        room = pt_outbox_put(self->outbox, (pt_bytes_t) {item, sizeof(item)}) == PT_OK;
        self->placed += room;
    }
    pt_outbox_seal(self->outbox);
    int64_t every_ms = sim->config.faults_ms * S_PUT_MAX / sim->config.responses;
    self->put_ms = sim_mono_ms(sim, self->node) + 1 + (int64_t) sim_random(sim, (uint64_t) every_ms);
    if (self->placed == sim->config.responses)
        self->put_ms = SIM_FOREVER;
    if (pt_outbox_next(self->outbox) - pt_outbox_floor(self->outbox) > sim->config.window + 1)
        sim_fail(sim, "the outbox of producer %u holds more than its window", self->index);
}

static bool
s_send_batch(sim_t *sim, const sim_producer_t *self, const pt_outbox_batch_t *batch)
{
    unsigned broker = sim_node(sim, SIM_BROKER, self->broker);
    if (sim->nodes[broker].up && sim_broker_is_blocked(sim->brokers[self->broker], self->node))
        return false;
    sim_trace(sim, self->node, "sends batch %llu with floor %llu", (unsigned long long) batch->header.seq,
              (unsigned long long) batch->header.floor);
    sim_message_t *message = sim_message_new(PT_KIND_BATCH, batch->payload.data, batch->payload.len);
    message->as.batch = batch->header;
    message->client = self->node;
    message->client_life = sim->nodes[self->node].life;
    sim_send(sim, self->node, broker, 0, message);
    return true;
}

static void
s_send_due(sim_t *sim, sim_producer_t *self)
{
    int64_t now_ms = sim_mono_ms(sim, self->node);
    s_sync(sim, self);
    if (pt_outbox_is_silent(self->outbox, now_ms)) {
        self->broker = (self->broker + 1) % sim->config.brokers;
        pt_outbox_reconnected(self->outbox);
    }
    pt_outbox_batch_t batch;
    bool blocked = false;
    for (uint64_t cursor = 0; pt_outbox_due(self->outbox, now_ms, &cursor, &batch);) {
        blocked = blocked || !s_send_batch(sim, self, &batch);
        pt_outbox_sent(self->outbox, batch.header.seq, blocked, now_ms);
    }
}

static void
s_turn(sim_t *sim, sim_producer_t *self)
{
    s_send_due(sim, self);
    s_count(sim, self);
    int64_t due_ms = pt_outbox_due_ms(self->outbox);
    sim_wake(sim, self->node, due_ms < self->put_ms ? due_ms : self->put_ms);
}

void
sim_producer_wake(sim_t *sim, sim_producer_t *self)
{
    if (sim_mono_ms(sim, self->node) >= self->put_ms)
        s_put(sim, self);
    s_turn(sim, self);
}

//  ---- answers

static void
s_note_answered(sim_producer_t *self, uint64_t seq)
{
    if (self->file)
        s_add_record(self, &(s_record_t) {.seq = seq, .answered = true});
}

static void
s_take_ack(sim_t *sim, sim_producer_t *self, const sim_message_t *message)
{
    pt_ack_t ack;
    ack.producer = message->as.ack.producer;
    ack.epoch = message->as.ack.epoch;
    ack.range_count = 1;
    ack.ranges[0] = (pt_range_t) {message->as.ack.first, message->as.ack.last};
    bool ours = ack.producer == sim_producer_id(self->index) && ack.epoch == self->epoch;
    uint64_t first = message->as.ack.first, last = message->as.ack.last;
    first = first > pt_outbox_floor(self->outbox) ? first : pt_outbox_floor(self->outbox);
    for (uint64_t seq = first; ours && seq <= last && seq < pt_outbox_next(self->outbox); seq++) {
        pt_outbox_batch_t batch;
        if (!pt_outbox_batch(self->outbox, seq, &batch))
            continue;
        sim_trace(sim, self->node, "has its batch %llu acknowledged: responses %llu to %llu", (unsigned long long) seq,
                  (unsigned long long) batch.first, (unsigned long long) (batch.first + batch.header.count - 1));
        sim_oracle_acked(sim, self->index, batch.first, batch.header.count);
        s_note_answered(self, seq);
    }
    pt_outbox_ack(self->outbox, &ack, sim_mono_ms(sim, self->node));
}

static void
s_take_nack(sim_t *sim, sim_producer_t *self, const sim_message_t *message)
{
    pt_outbox_batch_t batch;
    if (!pt_outbox_nack(self->outbox, &message->as.nack, sim_mono_ms(sim, self->node), &batch))
        return;
    sim->stats.refused++;
    s_note_answered(self, message->as.nack.seq);
    //  No producer here sends anything that may be refused for good.
    sim_fail(sim, "batch %llu of producer %u was refused: %s", (unsigned long long) message->as.nack.seq, self->index,
             pt_reason_text(message->as.nack.reason));
}

void
sim_producer_take(sim_t *sim, sim_producer_t *self, const sim_message_t *message)
{
    if (message->kind == PT_KIND_ACK)
        s_take_ack(sim, self, message);
    else if (message->kind == PT_KIND_NACK)
        s_take_nack(sim, self, message);
    s_turn(sim, self);
}
