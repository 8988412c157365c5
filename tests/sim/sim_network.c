/*  Two kinds of ways. Between producers and brokers, and between workers and subscribers, every message
 *  may be lost, come twice, come late, or overtake others: more than ZeroMQ does within a connection,
 *  and what it does with several of them. Between a broker and a worker there is one connection, in
 *  order, that breaks with all that is on it; credit is counted on it.
 */
#include <assert.h>
#include <stdlib.h>

#include "sim.h"

//  Messages that may come once more.
#define S_OLD_MAX 128

typedef struct {
    sim_message_t *message;
    unsigned to;
    uint32_t life;
} s_old_t;

struct sim_network {
    int64_t cut_until[SIM_NODES][SIM_NODES];
    s_old_t old[S_OLD_MAX];
    int64_t calm_ms[SIM_NODES][SIM_NODES]; //  last arrival, when all is calm
    uint32_t routes[SIM_BROKERS][SIM_WORKERS];
    int64_t last_ms[SIM_BROKERS][SIM_WORKERS][2];
};

sim_network_t *
sim_network_new(void)
{
    sim_network_t *self = calloc(1, sizeof(*self));
    assert(self);
    for (unsigned broker = 0; broker < SIM_BROKERS; broker++)
        for (unsigned worker = 0; worker < SIM_WORKERS; worker++)
            self->routes[broker][worker] = 1;
    return self;
}

void
sim_network_destroy(sim_network_t **self_p)
{
    for (size_t i = 0; i < S_OLD_MAX; i++)
        if ((*self_p)->old[i].message)
            sim_message_release((*self_p)->old[i].message);
    free(*self_p);
    *self_p = NULL;
}

sim_message_t *
sim_message_new(pt_kind_t kind, const void *data, size_t size)
{
    sim_message_t *message = malloc(sizeof(*message) + size);
    assert(message);
    memset(message, 0, sizeof(*message));
    message->kind = kind;
    message->refs = 1;
    message->size = size;
    if (size)
        memcpy(message->data, data, size);
    return message;
}

void
sim_message_release(sim_message_t *message)
{
    if (--message->refs == 0)
        free(message);
}

static int64_t
s_delay(sim_t *sim)
{
    int64_t most_ms = sim->calm && sim->config.delay_ms > 20 ? 20 : sim->config.delay_ms;
    return (int64_t) sim_random(sim, (uint64_t) most_ms + 1);
}

static bool
s_is_cut(const sim_t *sim, unsigned left, unsigned right)
{
    return sim->now_ms < sim->network->cut_until[left][right];
}

//  Keep the message in place of an older one, which now and then comes once more.
static void
s_remember(sim_t *sim, sim_message_t *message, unsigned to, uint32_t life)
{
    s_old_t *old = &sim->network->old[sim_random(sim, S_OLD_MAX)];
    if (old->message)
        sim_message_release(old->message);
    message->refs++;
    *old = (s_old_t) {message, to, life};
    old = &sim->network->old[sim_random(sim, S_OLD_MAX)];
    if (!old->message || !sim_chance(sim, sim->config.replay_percent))
        return;
    old->message->refs++;
    sim_schedule(sim, sim->now_ms + 4 * s_delay(sim), SIM_EVENT_DELIVER, old->to, old->life, 0, old->message);
}

//  A copy with one bit that is wrong.
static sim_message_t *
s_damage(sim_t *sim, sim_message_t *message)
{
    sim_message_t *copy = sim_message_new(message->kind, message->data, message->size);
    unsigned refs = copy->refs;
    memcpy(copy, message, sizeof(*copy));
    copy->refs = refs;
    copy->damaged = true;
    copy->data[sim_random(sim, copy->size)] ^= (uint8_t) (1u << sim_random(sim, 8));
    sim_message_release(message);
    return copy;
}

void
sim_send(sim_t *sim, unsigned from, unsigned to, uint32_t life, sim_message_t *message)
{
    message->from = from;
    message->from_life = sim->nodes[from].life;
    if (!sim->calm && sim->config.replay_percent)
        s_remember(sim, message, to, life);
    if (s_is_cut(sim, from, to) || (!sim->calm && sim_chance(sim, sim->config.loss_percent))) {
        sim->stats.lost_messages++;
        sim_message_release(message);
        return;
    }
    if (!sim->calm && message->size && sim_chance(sim, sim->config.damage_percent))
        message = s_damage(sim, message);
    int64_t at_ms = sim->now_ms + s_delay(sim), *last_ms = &sim->network->calm_ms[from][to];
    //  Nothing overtakes on a connection that nobody cuts.
    if (sim->calm)
        at_ms = *last_ms = at_ms > *last_ms ? at_ms : *last_ms;
    sim_schedule(sim, at_ms, SIM_EVENT_DELIVER, to, life, 0, message);
}

void
sim_send_linked(sim_t *sim, unsigned broker, unsigned worker, bool to_worker, sim_message_t *message)
{
    unsigned broker_node = sim_node(sim, SIM_BROKER, broker), worker_node = sim_node(sim, SIM_WORKER, worker);
    sim_network_t *self = sim->network;
    int64_t *last_ms = &self->last_ms[broker][worker][to_worker];
    int64_t at_ms = sim->now_ms + s_delay(sim);
    if (at_ms < self->cut_until[broker_node][worker_node])
        at_ms = self->cut_until[broker_node][worker_node];
    *last_ms = at_ms > *last_ms ? at_ms : *last_ms;
    message->from = to_worker ? broker_node : worker_node;
    message->from_life = sim->nodes[message->from].life;
    message->route = self->routes[broker][worker];
    sim_schedule(sim, *last_ms, SIM_EVENT_DELIVER, to_worker ? worker_node : broker_node, 0, 0, message);
}

uint32_t
sim_route(const sim_t *sim, unsigned broker, unsigned worker)
{
    return sim->network->routes[broker][worker];
}

void
sim_reset_link(sim_t *sim, unsigned broker, unsigned worker)
{
    sim->network->routes[broker][worker]++;
    sim->network->last_ms[broker][worker][0] = sim->network->last_ms[broker][worker][1] = 0;
}

void
sim_cut(sim_t *sim, unsigned left, unsigned right, int64_t until_ms)
{
    sim->network->cut_until[left][right] = sim->network->cut_until[right][left] = until_ms;
}

void
sim_heal(sim_t *sim)
{
    memset(sim->network->cut_until, 0, sizeof(sim->network->cut_until));
}
