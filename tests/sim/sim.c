/*  The clock, the events, and what a seed chooses. */
#include "sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_faults.h"
#include "sim_oracle.h"

//  After the faults: longer than any back-off of the product takes several times over.
#define S_CALM_MS 240000
#define S_LOOK_MS 500
//  A node that wakes this often without time passing never comes to an end.
#define S_SPINS_MAX 2000

const char *
sim_break_text(sim_break_t rule)
{
#define S_BREAK_TEXT(name, text) [SIM_BREAK_##name] = text,
    static const char *const texts[SIM_BREAK_COUNT_] = {SIM_BREAKS(S_BREAK_TEXT)};
    return texts[rule];
}

uint64_t
sim_mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b + UINT64_C(0x632be59bd9b4e019);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t
sim_random(sim_t *sim, uint64_t below)
{
    uint64_t drawn = sim_mix(sim->seed, ++sim->random);
    return below ? drawn % below : 0;
}

bool
sim_chance(sim_t *sim, unsigned percent)
{
    return percent && sim_random(sim, 100) < percent;
}

void
sim_fail(sim_t *sim, const char *format, ...)
{
    if (sim->failure[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
    va_end(arguments);
    if (sim->verbose)
        printf("%8lld FAILED %s\n", (long long) sim->now_ms, sim->failure);
}

void
sim_trace(const sim_t *sim, unsigned node, const char *format, ...)
{
    static const char *const roles[] = {"producer", "broker", "worker", "subscriber"};
    if (!sim->verbose)
        return;
    const sim_node_t *about = &sim->nodes[node];
    printf("%8lld %s %u.%u ", (long long) sim->now_ms, roles[about->role], about->index, about->life);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

unsigned
sim_node(const sim_t *sim, sim_role_t role, unsigned index)
{
    unsigned node = index;
    node += role > SIM_PRODUCER ? sim->config.producers : 0;
    node += role > SIM_BROKER ? sim->config.brokers : 0;
    node += role > SIM_WORKER ? sim->config.workers : 0;
    return node;
}

int64_t
sim_mono_ms(const sim_t *sim, unsigned node)
{
    return sim->now_ms + sim->nodes[node].mono_offset;
}

uint64_t
sim_wall_ms(const sim_t *sim, unsigned node)
{
    return UINT64_C(1700000000000) + (uint64_t) (sim->now_ms + sim->nodes[node].wall_offset);
}

//  ---- events: a heap by time, and by order of scheduling

static bool
s_is_earlier(const sim_event_t *left, const sim_event_t *right)
{
    return left->at_ms < right->at_ms || (left->at_ms == right->at_ms && left->order < right->order);
}

static void
s_push(sim_t *sim, sim_event_t event)
{
    if (sim->event_count == sim->event_capacity) {
        sim->event_capacity = sim->event_capacity ? 2 * sim->event_capacity : 1024;
        sim->heap = realloc(sim->heap, sim->event_capacity * sizeof(*sim->heap));
        assert(sim->heap);
    }
    event.order = sim->order++;
    size_t at = sim->event_count++;
    for (; at > 0 && s_is_earlier(&event, &sim->heap[(at - 1) / 2]); at = (at - 1) / 2)
        sim->heap[at] = sim->heap[(at - 1) / 2];
    sim->heap[at] = event;
}

static sim_event_t
s_pop(sim_t *sim)
{
    sim_event_t top = sim->heap[0], last = sim->heap[--sim->event_count];
    size_t at = 0;
    for (size_t child = 1; child < sim->event_count; child = 2 * at + 1) {
        if (child + 1 < sim->event_count && s_is_earlier(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (s_is_earlier(&last, &sim->heap[child]))
            break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return top;
}

void
sim_schedule(sim_t *sim, int64_t at_ms, sim_event_kind_t kind, unsigned node, uint32_t life, unsigned stage, void *what)
{
    s_push(sim, (sim_event_t) {at_ms, 0, kind, node, life, stage, what});
}

void
sim_wake(sim_t *sim, unsigned node, int64_t mono_ms)
{
    sim_node_t *about = &sim->nodes[node];
    if (mono_ms == SIM_FOREVER)
        return;
    int64_t at_ms = mono_ms < sim_mono_ms(sim, node) ? sim->now_ms : mono_ms - about->mono_offset;
    if (at_ms >= about->wake_at)
        return;
    about->wake_at = at_ms;
    sim_schedule(sim, at_ms, SIM_EVENT_WAKE, node, about->life, 0, NULL);
}

//  ---- what happens

static void
s_take(sim_t *sim, unsigned node, sim_message_t *message)
{
    unsigned index = sim->nodes[node].index;
    switch (sim->nodes[node].role) {
    case SIM_PRODUCER:
        sim_producer_take(sim, sim->producers[index], message);
        break;
    case SIM_BROKER:
        sim_broker_take(sim, sim->brokers[index], message);
        break;
    case SIM_WORKER:
        sim_worker_take(sim, sim->workers[index], message);
        break;
    case SIM_SUBSCRIBER:
        sim_subscriber_take(sim, sim->subscribers[index], message);
        break;
    }
}

static void
s_wake(sim_t *sim, unsigned node)
{
    unsigned index = sim->nodes[node].index;
    switch (sim->nodes[node].role) {
    case SIM_PRODUCER:
        sim_producer_wake(sim, sim->producers[index]);
        break;
    case SIM_BROKER:
        sim_broker_wake(sim, sim->brokers[index]);
        break;
    case SIM_WORKER:
        sim_worker_wake(sim, sim->workers[index]);
        break;
    case SIM_SUBSCRIBER:
        sim_subscriber_wake(sim, sim->subscribers[index]);
        break;
    }
}

static void
s_take_wake(sim_t *sim, const sim_event_t *event, bool same_time)
{
    sim_node_t *about = &sim->nodes[event->node];
    if (about->wake_at != event->at_ms)
        return; //  an earlier one was asked for since
    about->wake_at = SIM_FOREVER;
    about->spins = same_time ? about->spins + 1 : 0;
    if (about->spins > S_SPINS_MAX)
        sim_fail(sim, "node %u wakes again and again without time passing", event->node);
    else
        s_wake(sim, event->node);
}

//  What reaches a process that is stopped waits for it.
static bool
s_put_off(sim_t *sim, const sim_event_t *event)
{
    sim_node_t *about = &sim->nodes[event->node];
    if (!about->up || sim->now_ms >= about->paused_until)
        return false;
    if (event->kind == SIM_EVENT_WAKE && about->wake_at == event->at_ms)
        about->wake_at = about->paused_until;
    sim_event_t later = *event;
    later.at_ms = about->paused_until;
    s_push(sim, later);
    return true;
}

//  Whether everything promised is there and nobody waits for anything; else what is missing.
static bool
s_is_at_rest(const sim_t *sim, char *out_text, size_t bytes)
{
    if (!sim_oracle_is_satisfied(sim, out_text, bytes))
        return false;
    for (unsigned i = 0; i < sim->config.producers; i++)
        if (!sim_producer_is_done(sim->producers[i])) {
            snprintf(out_text, bytes, "producer %u still waits for answers", i);
            return false;
        }
    for (unsigned i = 0; i < sim->config.subscribers; i++)
        if (!sim_subscriber_is_level(sim->subscribers[i])) {
            snprintf(out_text, bytes, "subscriber %u still lacks something", i);
            return false;
        }
    return true;
}

static void
s_look(sim_t *sim)
{
    char text[256];
    sim->done = s_is_at_rest(sim, text, sizeof(text));
    if (!sim->done)
        sim_schedule(sim, sim->now_ms + S_LOOK_MS, SIM_EVENT_LOOK, 0, 0, 0, NULL);
}

static void
s_take_node_event(sim_t *sim, const sim_event_t *event, bool same_time)
{
    const sim_node_t *about = &sim->nodes[event->node];
    bool here = about->up && (!event->life || event->life == about->life);
    if (here && s_put_off(sim, event))
        return;
    if (here && event->kind == SIM_EVENT_DELIVER)
        s_take(sim, event->node, event->what);
    if (here && event->kind == SIM_EVENT_WAKE)
        s_take_wake(sim, event, same_time);
    if (here && event->kind == SIM_EVENT_STAGE)
        sim_worker_stage(sim, sim->workers[about->index], event->stage, event->what);
    if (event->kind == SIM_EVENT_DELIVER)
        sim_message_release(event->what);
}

static void
s_step(sim_t *sim)
{
    sim_event_t event = s_pop(sim);
    bool same_time = event.at_ms == sim->now_ms;
    sim->now_ms = event.at_ms;
    sim->stats.events++;
    switch (event.kind) {
    case SIM_EVENT_DELIVER:
    case SIM_EVENT_WAKE:
    case SIM_EVENT_STAGE:
        s_take_node_event(sim, &event, same_time);
        break;
    case SIM_EVENT_START:
        sim_start_node(sim, event.node);
        break;
    case SIM_EVENT_FAULT:
        sim_make_fault(sim);
        break;
    case SIM_EVENT_CALM:
        sim_calm(sim);
        s_look(sim);
        break;
    case SIM_EVENT_LOOK:
        s_look(sim);
        break;
    }
}

//  ---- what a seed chooses

static void
s_choose_load(sim_t *sim, sim_config_t *config)
{
    config->producers = 1 + (unsigned) sim_random(sim, SIM_PRODUCERS);
    config->brokers = 1 + (unsigned) sim_random(sim, SIM_BROKERS);
    config->workers = 1 + (unsigned) sim_random(sim, SIM_WORKERS);
    config->subscribers = 1 + (unsigned) sim_random(sim, SIM_SUBSCRIBERS);
    config->responses = 20 + (unsigned) sim_random(sim, 200);
    config->batch_max = 1 + (unsigned) sim_random(sim, SIM_BATCH_MAX);
    config->window = 1 + (unsigned) sim_random(sim, 32);
    config->link_window = 1 + (unsigned) sim_random(sim, 16);
    config->worker_producers = sim_chance(sim, 10) ? 1 + (unsigned) sim_random(sim, 3) : 256;
    config->store_decisions = sim_chance(sim, 50) ? 100 + (unsigned) sim_random(sim, 300) : 100000;
    config->commit_jobs = 1 + (unsigned) sim_random(sim, 16);
    config->commit_wait_ms = (int64_t) sim_random(sim, 6);
    config->sync_ms = 1 + (int64_t) sim_random(sim, 40);
    config->work_ms = (int64_t) sim_random(sim, 20);
    config->settled = sim_chance(sim, 50);
}

static void
s_choose_faults(sim_t *sim, sim_config_t *config)
{
    config->loss_percent = sim_chance(sim, 80) ? (unsigned) sim_random(sim, 31) : 0;
    config->replay_percent = sim_chance(sim, 80) ? (unsigned) sim_random(sim, 51) : 0;
    config->damage_percent = sim_chance(sim, 30) ? (unsigned) sim_random(sim, 10) : 0;
    config->delay_ms = 1 + (int64_t) sim_random(sim, sim_chance(sim, 30) ? 300 : 20);
    config->faults_ms = 2000 + (int64_t) sim_random(sim, 10000);
    config->fault_every_ms = 50 + (int64_t) sim_random(sim, 1000);
    config->crashes = sim_chance(sim, 80);
    config->pauses = sim_chance(sim, 60);
    config->partitions = sim_chance(sim, 60);
    config->clocks = sim_chance(sim, 50);
    config->disks_fail = sim_chance(sim, 15);
}

static void
s_add_nodes(sim_t *sim, sim_role_t role, unsigned count)
{
    //  As long as a machine may be up, and an hour of a clock that is set wrong.
    for (unsigned i = 0; i < count; i++)
        sim->nodes[sim->node_count++] = (sim_node_t) {.role = role,
                                                      .index = i,
                                                      .mono_offset = 10000 + (int64_t) sim_random(sim, 1u << 30),
                                                      .wall_offset = (int64_t) sim_random(sim, 7200000) - 3600000,
                                                      .wake_at = SIM_FOREVER};
}

static void
s_open(sim_t *sim)
{
    s_choose_load(sim, &sim->config);
    s_choose_faults(sim, &sim->config);
    s_add_nodes(sim, SIM_PRODUCER, sim->config.producers);
    s_add_nodes(sim, SIM_BROKER, sim->config.brokers);
    s_add_nodes(sim, SIM_WORKER, sim->config.workers);
    s_add_nodes(sim, SIM_SUBSCRIBER, sim->config.subscribers);
    sim->network = sim_network_new();
    sim->oracle = sim_oracle_new();
    for (unsigned i = 0; i < sim->config.subscribers; i++)
        sim->subscribers[i] = sim_subscriber_new(sim, i);
    for (unsigned i = 0; i < sim->config.workers; i++)
        sim->workers[i] = sim_worker_new(sim, i);
    for (unsigned i = 0; i < sim->config.brokers; i++)
        sim->brokers[i] = sim_broker_new(i);
    for (unsigned i = 0; i < sim->config.producers; i++)
        sim->producers[i] = sim_producer_new(sim, i);
    for (unsigned node = 0; node < sim->node_count; node++)
        sim_schedule(sim, (int64_t) sim_random(sim, 1500), SIM_EVENT_START, node, 0, 0, NULL);
    sim_schedule(sim, (int64_t) sim_random(sim, 1000), SIM_EVENT_FAULT, 0, 0, 0, NULL);
    sim_schedule(sim, sim->config.faults_ms, SIM_EVENT_CALM, 0, 0, 0, NULL);
}

static void
s_close(sim_t *sim)
{
    for (size_t i = 0; i < sim->event_count; i++)
        if (sim->heap[i].kind == SIM_EVENT_DELIVER)
            sim_message_release(sim->heap[i].what);
    free(sim->heap);
    for (unsigned i = 0; i < SIM_PRODUCERS; i++)
        sim_producer_destroy(&sim->producers[i]);
    for (unsigned i = 0; i < SIM_BROKERS; i++)
        sim_broker_destroy(&sim->brokers[i]);
    for (unsigned i = 0; i < SIM_WORKERS; i++)
        sim_worker_destroy(&sim->workers[i]);
    for (unsigned i = 0; i < SIM_SUBSCRIBERS; i++)
        sim_subscriber_destroy(&sim->subscribers[i]);
    sim_network_destroy(&sim->network);
    sim_oracle_destroy(&sim->oracle);
}

bool
sim_run(sim_t *sim, uint64_t seed, sim_break_t broken, bool verbose)
{
    *sim = (sim_t) {.seed = seed, .broken = broken, .verbose = verbose};
    s_open(sim);
    int64_t end_ms = sim->config.faults_ms + S_CALM_MS;
    while (!sim->failure[0] && !sim->done && sim->event_count && sim->now_ms < end_ms)
        s_step(sim);
    char text[sizeof(sim->failure) - 64] = "";
    if (!sim->failure[0] && !s_is_at_rest(sim, text, sizeof(text)))
        sim_fail(sim, "not at rest %d s after the last fault: %s", S_CALM_MS / 1000, text);
    s_close(sim);
    return !sim->failure[0];
}
