/*  The loop of pt_broker around the real roster: credit, choice of the worker, and nothing kept. */
#include <assert.h>
#include <stdlib.h>

#include "sim.h"
#include "sim_oracle.h"

#define S_FRONT_MAX 64 //  messages of one producer that wait
#define S_RETRY_AFTER_MS 50
#define S_TICK_MS 500
#define S_SILENCE_MS 3000
//  A send that finds no room, in a time of faults.
#define S_BLOCKED_PERCENT 2

struct sim_broker {
    unsigned index, node;
    pt_roster_t *roster;
    sim_message_t *front[SIM_PRODUCERS * S_FRONT_MAX]; //  not read while there is no credit
    size_t front_count;
};

sim_broker_t *
sim_broker_new(unsigned index)
{
    sim_broker_t *self = calloc(1, sizeof(*self));
    assert(self);
    self->index = index;
    return self;
}

static void
s_clear(sim_broker_t *self)
{
    for (size_t i = 0; i < self->front_count; i++)
        sim_message_release(self->front[i]);
    self->front_count = 0;
    pt_roster_destroy(&self->roster);
}

void
sim_broker_destroy(sim_broker_t **self_p)
{
    if (!*self_p)
        return;
    s_clear(*self_p);
    free(*self_p);
    *self_p = NULL;
}

void
sim_broker_start(sim_t *sim, sim_broker_t *self)
{
    self->node = sim_node(sim, SIM_BROKER, self->index);
    self->roster = pt_roster_new(SIM_WORKERS);
    assert(self->roster);
    sim_wake(sim, self->node, sim_mono_ms(sim, self->node) + S_TICK_MS);
}

void
sim_broker_stop(sim_t *sim, sim_broker_t *self)
{
    s_clear(self);
    for (unsigned worker = 0; worker < sim->config.workers; worker++)
        sim_reset_link(sim, self->index, worker);
}

static size_t
s_count_front(const sim_broker_t *self, unsigned producer)
{
    size_t count = 0;
    for (size_t i = 0; i < self->front_count; i++)
        count += self->front[i]->client == producer;
    return count;
}

bool
sim_broker_is_blocked(const sim_broker_t *self, unsigned producer)
{
    return s_count_front(self, producer) >= S_FRONT_MAX;
}

static pt_bytes_t
s_make_route(uint8_t bytes[8], uint32_t route, unsigned worker)
{
    memcpy(bytes, &route, sizeof(route));
    memcpy(bytes + 4, &worker, sizeof(worker));
    return (pt_bytes_t) {bytes, 8};
}

//  False when nothing was sent: the connection is gone, or has no room.
static bool
s_send_to_worker(sim_t *sim, sim_broker_t *self, pt_member_t *member, sim_message_t *message)
{
    uint32_t route;
    unsigned worker;
    memcpy(&route, member->route, sizeof(route));
    memcpy(&worker, member->route + 4, sizeof(worker));
    if (route != sim_route(sim, self->index, worker)) {
        pt_roster_remove(self->roster, member);
        return false;
    }
    if (!sim->calm && sim_chance(sim, S_BLOCKED_PERCENT))
        return false;
    pt_roster_spend(self->roster, member);
    message->refs++;
    sim_send_linked(sim, self->index, worker, true, message);
    return true;
}

static void
s_send_busy(sim_t *sim, const sim_broker_t *self, const sim_message_t *batch)
{
    sim_message_t *answer = sim_message_new(PT_KIND_NACK, NULL, 0);
    answer->as.nack = (pt_nack_t) {.producer = batch->as.batch.producer,
                                   .epoch = batch->as.batch.epoch,
                                   .seq = batch->as.batch.seq,
                                   .reason = PT_REASON_BUSY,
                                   .retry_after_ms = S_RETRY_AFTER_MS};
    sim_send(sim, self->node, batch->client, batch->client_life, answer);
}

static void
s_route_batch(sim_t *sim, sim_broker_t *self, const sim_message_t *batch)
{
    //  A message that came twice is on the way twice, with envelopes of its own.
    sim_message_t *copy = sim_message_new(PT_KIND_BATCH, batch->data, batch->size);
    copy->as.batch = batch->as.batch;
    copy->client = batch->client;
    copy->client_life = batch->client_life;
    copy->damaged = batch->damaged;
    pt_member_t *member = pt_roster_choose(self->roster, batch->as.batch.producer);
    if (!member || !pt_member_has_credit(member) || !s_send_to_worker(sim, self, member, copy))
        s_send_busy(sim, self, batch);
    sim_message_release(copy);
}

static void
s_read_front(sim_t *sim, sim_broker_t *self)
{
    size_t done = 0;
    for (; done < self->front_count && pt_roster_credit(self->roster) > 0; done++) {
        s_route_batch(sim, self, self->front[done]);
        sim_message_release(self->front[done]);
    }
    self->front_count -= done;
    memmove(self->front, self->front + done, self->front_count * sizeof(self->front[0]));
}

static void
s_take_ready(sim_t *sim, sim_broker_t *self, const sim_message_t *message, unsigned worker)
{
    uint8_t bytes[8];
    pt_bytes_t route = s_make_route(bytes, message->route, worker);
    sim_trace(sim, self->node, "hears READY %llu/%llu of worker %u", (unsigned long long) message->as.ready.received,
              (unsigned long long) message->as.ready.limit, worker);
    if (!pt_roster_ready(self->roster, route, &message->as.ready, sim_mono_ms(sim, self->node)))
        return;
    if (!sim->calm && sim_chance(sim, S_BLOCKED_PERCENT))
        return;
    sim_trace(sim, self->node, "greets worker %u", worker);
    sim_send_linked(sim, self->index, worker, true, sim_message_new(PT_KIND_HELLO, NULL, 0));
}

//  From a worker: its producer gets it, if it still lives; now and then another one does, whose
//  connection has the routing id that was the first one's.
static void
s_pass_answer(sim_t *sim, sim_broker_t *self, sim_message_t *message, unsigned worker)
{
    uint8_t bytes[8];
    pt_roster_heard(self->roster, s_make_route(bytes, message->route, worker), sim_mono_ms(sim, self->node));
    unsigned to = message->client;
    uint32_t life = message->client_life;
    if (!sim->calm && sim_chance(sim, 1)) {
        to = sim_node(sim, SIM_PRODUCER, (unsigned) sim_random(sim, sim->config.producers));
        life = 0;
    }
    message->refs++;
    sim_send(sim, self->node, to, life, message);
}

static void
s_take_from_front(sim_t *sim, sim_broker_t *self, sim_message_t *message)
{
    sim_oracle_copied(sim, &message->as.batch);
    if (self->front_count == SIM_PRODUCERS * S_FRONT_MAX)
        return;
    message->refs++;
    self->front[self->front_count++] = message;
}

void
sim_broker_take(sim_t *sim, sim_broker_t *self, sim_message_t *message)
{
    if (sim->nodes[message->from].role == SIM_PRODUCER) {
        s_take_from_front(sim, self, message);
    } else {
        unsigned worker = sim->nodes[message->from].index;
        if (message->route != sim_route(sim, self->index, worker))
            return; //  it was on a connection that broke
        if (message->kind == PT_KIND_READY)
            s_take_ready(sim, self, message, worker);
        else
            s_pass_answer(sim, self, message, worker);
    }
    s_read_front(sim, self);
}

void
sim_broker_wake(sim_t *sim, sim_broker_t *self)
{
    int64_t now_ms = sim_mono_ms(sim, self->node);
    pt_roster_expire(self->roster, now_ms - S_SILENCE_MS);
    s_read_front(sim, self);
    sim_wake(sim, self->node, now_ms + S_TICK_MS);
}
