/*  Who is hit by what is drawn from the seed; that a fault of some kind comes at all is chosen once for a
 *  run, so that there are runs with one kind of fault alone.
 */
#include "sim_faults.h"

//  A process that died is started again within this time.
#define S_DOWN_MS 3000

void
sim_start_node(sim_t *sim, unsigned node)
{
    sim_node_t *about = &sim->nodes[node];
    if (about->up)
        return;
    about->up = true;
    about->life++;
    about->wake_at = SIM_FOREVER;
    about->paused_until = 0;
    sim_trace(sim, node, "starts");
    switch (about->role) {
    case SIM_PRODUCER:
        sim_producer_start(sim, sim->producers[about->index]);
        break;
    case SIM_BROKER:
        sim_broker_start(sim, sim->brokers[about->index]);
        break;
    case SIM_WORKER:
        sim_worker_start(sim, sim->workers[about->index]);
        break;
    case SIM_SUBSCRIBER:
        sim_subscriber_start(sim, sim->subscribers[about->index]);
        break;
    }
}

static void
s_stop_node(sim_t *sim, unsigned node, bool power)
{
    sim_node_t *about = &sim->nodes[node];
    sim_trace(sim, node, power ? "loses its power" : "dies");
    about->up = false;
    switch (about->role) {
    case SIM_PRODUCER:
        sim_producer_stop(sim, sim->producers[about->index]);
        break;
    case SIM_BROKER:
        sim_broker_stop(sim, sim->brokers[about->index]);
        break;
    case SIM_WORKER:
        sim_worker_stop(sim, sim->workers[about->index], power);
        break;
    case SIM_SUBSCRIBER:
        sim_subscriber_stop(sim, sim->subscribers[about->index]);
        break;
    }
}

static void
s_crash(sim_t *sim, unsigned node)
{
    if (!sim->nodes[node].up)
        return;
    bool power = sim_chance(sim, 40);
    sim->stats.crashes++;
    sim->stats.power_losses += power;
    s_stop_node(sim, node, power);
    if (sim->config.disks_fail && sim->nodes[node].role == SIM_WORKER && sim_chance(sim, 40))
        sim_worker_replace_disk(sim, sim->workers[sim->nodes[node].index]);
    sim_schedule(sim, sim->now_ms + (int64_t) sim_random(sim, S_DOWN_MS), SIM_EVENT_START, node, 0, 0, NULL);
}

//  Most are short; some are longer than a broker believes in a worker.
static void
s_pause(sim_t *sim, unsigned node)
{
    int64_t for_ms = 100 + (int64_t) sim_random(sim, sim_chance(sim, 20) ? 9900 : 1000);
    if (!sim->nodes[node].up || sim->now_ms < sim->nodes[node].paused_until)
        return;
    sim->stats.pauses++;
    sim_trace(sim, node, "is stopped for %lld ms", (long long) for_ms);
    sim->nodes[node].paused_until = sim->now_ms + for_ms;
}

//  One pair of nodes, or one node from all others.
static void
s_partition(sim_t *sim, unsigned node)
{
    int64_t until_ms = sim->now_ms + 100 + (int64_t) sim_random(sim, 5000);
    unsigned other = (unsigned) sim_random(sim, sim->node_count);
    bool all = sim_chance(sim, 30);
    sim->stats.partitions++;
    sim_trace(sim, node, "is cut from %s for %lld ms", all ? "all" : "another", (long long) (until_ms - sim->now_ms));
    for (unsigned i = 0; i < sim->node_count; i++)
        if (all || i == other)
            sim_cut(sim, node, i, until_ms);
}

static void
s_jump_clock(sim_t *sim, unsigned node)
{
    sim->stats.clock_jumps++;
    sim->nodes[node].wall_offset = (int64_t) sim_random(sim, 7200000) - 3600000;
    sim_trace(sim, node, "has its clock set");
}

static void
s_reset_some_link(sim_t *sim)
{
    unsigned broker = (unsigned) sim_random(sim, sim->config.brokers);
    unsigned worker = (unsigned) sim_random(sim, sim->config.workers);
    sim->stats.resets++;
    sim_trace(sim, sim_node(sim, SIM_BROKER, broker), "loses the connection to worker %u", worker);
    sim_reset_link(sim, broker, worker);
}

void
sim_make_fault(sim_t *sim)
{
    if (sim->calm)
        return;
    unsigned node = (unsigned) sim_random(sim, sim->node_count);
    switch (sim_random(sim, 5)) {
    case 0:
        if (sim->config.crashes)
            s_crash(sim, node);
        break;
    case 1:
        if (sim->config.pauses)
            s_pause(sim, node);
        break;
    case 2:
        if (sim->config.partitions)
            s_partition(sim, node);
        break;
    case 3:
        if (sim->config.clocks)
            s_jump_clock(sim, node);
        break;
    default:
        if (sim->config.partitions)
            s_reset_some_link(sim);
        break;
    }
    int64_t next_ms = 1 + (int64_t) sim_random(sim, 2 * (uint64_t) sim->config.fault_every_ms);
    sim_schedule(sim, sim->now_ms + next_ms, SIM_EVENT_FAULT, 0, 0, 0, NULL);
}

void
sim_calm(sim_t *sim)
{
    sim->calm = true;
    sim_heal(sim);
    for (unsigned node = 0; node < sim->node_count; node++) {
        sim_trace(sim, node, sim->nodes[node].up ? "sees calm" : "is brought back");
        sim_start_node(sim, node);
    }
}
