/*  What must hold at any time is checked when it happens; what must hold at the end, at the end.
 *
 *  - A number of a topic names one decision for ever.
 *  - A (producer, id, attempt) has one verdict.
 *  - A journal takes a batch once, unless it had to forget windows; no batch is journaled more often
 *    than copies of it came.
 *  - No life of a subscriber is given a decision twice.
 *  - A durable subscriber is told of no loss but that of a disk.
 *  - In the end each response of each acknowledged batch has come to each durable subscriber, on each of
 *    its topics.
 */
#include "sim_oracle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define S_TABLE_BITS 15
#define S_TABLE_SIZE (1u << S_TABLE_BITS)
#define S_DISKS_MAX 256

//  Anything by a hash of its name; 0: empty.
typedef struct {
    uint64_t key, value;
} s_slot_t;

typedef struct {
    s_slot_t *slots;
    uint32_t *used; //  slots, so that a table can be emptied
    size_t count;
} s_table_t;

struct sim_oracle {
    bool acked[SIM_PRODUCERS][SIM_RESPONSES];
    uint8_t delivered[SIM_SUBSCRIBERS][SIM_PRODUCERS][SIM_RESPONSES]; //  topics
    uint8_t excused[SIM_SUBSCRIBERS][SIM_PRODUCERS][SIM_RESPONSES];   //  topics
    s_table_t names, verdicts, copies, journaled, given;
    struct {
        unsigned worker;
        uint64_t epoch;
    } disks[S_DISKS_MAX]; //  that are gone
    size_t disk_count;
};

//  The tables are kept from one run to the next: making them costs more than a run.
static sim_oracle_t *s_spare;

static void
s_table_open(s_table_t *self)
{
    self->slots = calloc(S_TABLE_SIZE, sizeof(*self->slots));
    self->used = calloc(S_TABLE_SIZE, sizeof(*self->used));
    assert(self->slots && self->used);
}

static void
s_table_clear(s_table_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        self->slots[self->used[i]] = (s_slot_t) {0};
    self->count = 0;
}

//  The slot of a key, made with value 0 when it is new.
static s_slot_t *
s_table_get(s_table_t *self, uint64_t key)
{
    key |= 1;
    uint32_t at = (uint32_t) (key >> (64 - S_TABLE_BITS));
    while (self->slots[at].key && self->slots[at].key != key)
        at = (at + 1) % S_TABLE_SIZE;
    if (!self->slots[at].key) {
        assert(self->count < S_TABLE_SIZE / 2);
        self->slots[at].key = key;
        self->used[self->count++] = at;
    }
    return &self->slots[at];
}

sim_oracle_t *
sim_oracle_new(void)
{
    sim_oracle_t *self = s_spare ? s_spare : calloc(1, sizeof(*self));
    assert(self);
    s_table_t *tables[] = {&self->names, &self->verdicts, &self->copies, &self->journaled, &self->given};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (s_spare)
            s_table_clear(tables[i]);
        else
            s_table_open(tables[i]);
    memset(self->acked, 0, sizeof(self->acked));
    memset(self->delivered, 0, sizeof(self->delivered));
    memset(self->excused, 0, sizeof(self->excused));
    self->disk_count = 0;
    s_spare = NULL;
    return self;
}

void
sim_oracle_destroy(sim_oracle_t **self_p)
{
    s_spare = *self_p;
    *self_p = NULL;
}

//  ---- responses

static uint64_t
s_content(const sim_t *sim, unsigned producer, uint32_t response)
{
    return sim_mix(sim->seed, sim_mix(producer, response));
}

size_t
sim_topics_of(const sim_t *sim, unsigned producer, uint32_t response, unsigned out_topics[2])
{
    //  Of eight: two settled, four to be tried again, two dead.
    static const unsigned queues[8] = {PT_QUEUE_SETTLED, PT_QUEUE_SETTLED, PT_QUEUE_RETRY,       PT_QUEUE_RETRY,
                                       PT_QUEUE_RETRY,   PT_QUEUE_RETRY,   PT_QUEUE_DEAD_LETTER, PT_QUEUE_DEAD_LETTER};
    uint64_t content = s_content(sim, producer, response);
    unsigned gateway = (content >> 3) & 1;
    out_topics[0] = 2 * queues[content & 7] + gateway;
    out_topics[1] = 2 * PT_QUEUE_OPERATOR_ALERT + gateway;
    return (content >> 4) % 8 == 0 ? 2 : 1;
}

uint32_t
sim_attempt_of(const sim_t *sim, unsigned producer, uint32_t response)
{
    return 1 + (uint32_t) ((s_content(sim, producer, response) >> 20) % 3);
}

bool
sim_is_kept(const sim_t *sim, unsigned topic)
{
    return sim->config.settled || sim_topic_queue(topic) != PT_QUEUE_SETTLED;
}

//  ---- what happens

void
sim_oracle_acked(sim_t *sim, unsigned producer, uint64_t first, uint32_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        sim->stats.acked += !sim->oracle->acked[producer][i];
        sim->oracle->acked[producer][i] = true;
    }
}

static uint64_t
s_batch_key(const pt_batch_t *batch)
{
    return sim_mix(sim_mix(batch->producer, batch->epoch), batch->seq);
}

void
sim_oracle_copied(sim_t *sim, const pt_batch_t *batch)
{
    s_table_get(&sim->oracle->copies, s_batch_key(batch))->value++;
}

void
sim_oracle_journaled(sim_t *sim, unsigned worker, uint64_t disk, const pt_batch_t *batch, bool forgot)
{
    sim_oracle_t *self = sim->oracle;
    uint64_t key = s_batch_key(batch);
    s_slot_t *here = s_table_get(&self->journaled, sim_mix(key, sim_mix(worker, disk)));
    s_slot_t *copies = s_table_get(&self->copies, key);
    sim_trace(sim, sim_node(sim, SIM_WORKER, worker), "has batch %llu of producer %llx",
              (unsigned long long) batch->seq, (unsigned long long) batch->producer);
    if (here->value++ && !forgot)
        sim_fail(sim, "worker %u has journaled batch %llu of producer %llx twice", worker,
                 (unsigned long long) batch->seq, (unsigned long long) batch->producer);
    s_slot_t *all = s_table_get(&self->journaled, key);
    if (++all->value > copies->value)
        sim_fail(sim, "batch %llu of producer %llx was journaled more often than it came",
                 (unsigned long long) batch->seq, (unsigned long long) batch->producer);
}

//  Which response, and some of its identity: what was put in again is another decision.
static uint64_t
s_meaning(const sim_decision_t *decision)
{
    return decision->identity << 43 | (uint64_t) 1 << 42 | (uint64_t) decision->producer << 32 | decision->response;
}

static uint64_t
s_name(unsigned worker, uint64_t epoch, unsigned topic, uint64_t seq)
{
    return sim_mix(sim_mix(worker, epoch), sim_mix(topic, seq));
}

void
sim_oracle_named(sim_t *sim, unsigned worker, uint64_t epoch, uint64_t seq, const sim_decision_t *decision)
{
    s_slot_t *slot = s_table_get(&sim->oracle->names, s_name(worker, epoch, decision->topic, seq));
    if (slot->value && slot->value != s_meaning(decision))
        sim_fail(sim, "number %llu of %s of worker %u names two decisions", (unsigned long long) seq,
                 sim_topic_name(decision->topic), worker);
    slot->value = s_meaning(decision);
    slot = s_table_get(&sim->oracle->verdicts, decision->identity);
    uint64_t verdict = s_content(sim, decision->producer, decision->response) | 1;
    if (slot->value && slot->value != verdict)
        sim_fail(sim, "two verdicts on one response of producer %u", decision->producer);
    slot->value = verdict;
}

void
sim_oracle_delivered(sim_t *sim, unsigned subscriber, const sim_decision_t *decision, bool fresh)
{
    uint8_t *delivered = &sim->oracle->delivered[subscriber][decision->producer][decision->response];
    *delivered = (uint8_t) (*delivered | 1u << decision->topic);
    if (!fresh)
        return;
    uint32_t life = sim->nodes[sim_node(sim, SIM_SUBSCRIBER, subscriber)].life;
    uint64_t key = sim_mix(sim_mix(subscriber, life), sim_mix(decision->identity, decision->topic));
    if (s_table_get(&sim->oracle->given, key)->value++)
        sim_fail(sim, "subscriber %u was given a decision of producer %u twice", subscriber, decision->producer);
}

void
sim_oracle_excused(sim_t *sim, unsigned subscriber, const sim_decision_t *decision)
{
    uint8_t *excused = &sim->oracle->excused[subscriber][decision->producer][decision->response];
    *excused = (uint8_t) (*excused | 1u << decision->topic);
}

void
sim_oracle_disk_lost(sim_t *sim, unsigned worker, uint64_t epoch)
{
    assert(sim->oracle->disk_count < S_DISKS_MAX);
    sim->oracle->disks[sim->oracle->disk_count].worker = worker;
    sim->oracle->disks[sim->oracle->disk_count++].epoch = epoch;
}

//  An earlier life of the subscriber may have dealt with it, and its SUBACK have come late.
static bool
s_was_dealt_with(const sim_t *sim, unsigned subscriber, unsigned topic, uint64_t meaning)
{
    unsigned producer = (meaning >> 32) & 0x3ff;
    uint32_t response = (uint32_t) meaning;
    uint8_t have =
        sim->oracle->delivered[subscriber][producer][response] | sim->oracle->excused[subscriber][producer][response];
    return meaning && (have & (1u << topic));
}

void
sim_oracle_lost(sim_t *sim, unsigned subscriber, unsigned worker, uint64_t epoch, unsigned topic, uint64_t first,
                uint64_t next)
{
    sim_oracle_t *self = sim->oracle;
    if (!sim_subscriber_is_durable(sim->subscribers[subscriber]))
        return;
    for (size_t i = 0; i < self->disk_count; i++)
        if (self->disks[i].worker == worker && self->disks[i].epoch == epoch)
            return;
    for (uint64_t seq = first; seq < next; seq++)
        if (!s_was_dealt_with(sim, subscriber, topic,
                              s_table_get(&self->names, s_name(worker, epoch, topic, seq))->value))
            sim_fail(sim, "durable subscriber %u is told that number %llu of %s of worker %u is lost", subscriber,
                     (unsigned long long) seq, sim_topic_name(topic), worker);
}

//  ---- the end

static bool
s_has_come(const sim_t *sim, unsigned subscriber, unsigned producer, uint32_t response)
{
    unsigned topics[2];
    size_t count = sim_topics_of(sim, producer, response, topics);
    uint8_t mask = sim_subscriber_mask(sim->subscribers[subscriber]);
    uint8_t have =
        sim->oracle->delivered[subscriber][producer][response] | sim->oracle->excused[subscriber][producer][response];
    for (size_t i = 0; i < count; i++)
        if ((mask & (1u << topics[i])) && sim_is_kept(sim, topics[i]) && !(have & (1u << topics[i])))
            return false;
    return true;
}

bool
sim_oracle_is_satisfied(const sim_t *sim, char *out_text, size_t bytes)
{
    out_text[0] = 0;
    for (unsigned i = 0; i < sim->config.subscribers; i++)
        for (unsigned producer = 0; producer < sim->config.producers; producer++)
            for (uint32_t response = 0; response < sim->config.responses; response++) {
                if (!sim->oracle->acked[producer][response] || !sim_subscriber_is_durable(sim->subscribers[i]) ||
                    s_has_come(sim, i, producer, response))
                    continue;
                snprintf(out_text, bytes, "response %u of producer %u was acknowledged and never came to subscriber %u",
                         response, producer, i);
                return false;
            }
    return true;
}
