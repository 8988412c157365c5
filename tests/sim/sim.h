/*  sim: producers, brokers, workers and subscribers in one thread, under a clock that is a number.
 *
 *  A discrete-event simulation. The state machines are the product's own: pt_outbox, pt_roster,
 *  pt_dedup, pt_topics, pt_positions and pt_seen. Around them stand a network that loses, repeats,
 *  delays and cuts, processes that stop, die and lose what was not synced, and a journal with the
 *  semantics of pt_store. Everything that is random comes from one seed, so a run can be had again.
 *  After a time of faults there are none, and everything has to come out right: see sim_oracle.c.
 *
 *  Each rule that keeps decisions from being lost can be switched off, to show that the oracle sees
 *  what follows. The switches act on what stands in here around the state machines.
 */
#ifndef SIM_H
#define SIM_H

#include <stdarg.h>

#include "pt_dedup.h"
#include "pt_outbox.h"
#include "pt_positions.h"
#include "pt_roster.h"
#include "pt_seen.h"
#include "pt_topics.h"

#define SIM_PRODUCERS 3
#define SIM_BROKERS 2
#define SIM_WORKERS 3
#define SIM_SUBSCRIBERS 3
#define SIM_NODES (SIM_PRODUCERS + SIM_BROKERS + SIM_WORKERS + SIM_SUBSCRIBERS)
#define SIM_RESPONSES 1024 //  of one producer at most
#define SIM_BATCH_MAX 8    //  responses
#define SIM_TOPICS 8       //  four queues, two gateways
#define SIM_ITEM_BYTES 8   //  of a response: who, and which
#define SIM_FOREVER INT64_MAX

//  Rules that can be switched off.
#define SIM_BREAKS(X)                                                                                                  \
    X(PUBLISH_BEFORE_COMMIT, "publish-before-commit")                                                                  \
    X(ACK_BEFORE_SYNC, "ack-before-sync")                                                                              \
    X(ACK_ON_RECEIVE, "ack-on-receive")                                                                                \
    X(CUMULATIVE_ACK, "cumulative-ack")                                                                                \
    X(DEDUP_HIGHEST, "dedup-highest-seq")                                                                              \
    X(DEDUP_NOT_DURABLE, "dedup-not-durable")                                                                          \
    X(FLOOR_IGNORED, "floor-ignored")                                                                                  \
    X(NO_HEAD, "no-head")                                                                                              \
    X(RETENTION_BY_SIZE, "retention-by-size")                                                                          \
    X(SAME_EPOCH, "same-epoch")                                                                                        \
    X(NO_ID_WINDOW, "no-id-window")                                                                                    \
    X(OUTBOX_NOT_SYNCED, "outbox-not-synced")                                                                          \
    X(PRODUCER_EPOCH_KEPT, "producer-epoch-kept")

#define SIM_BREAK_ENUM(name, text) SIM_BREAK_##name,
typedef enum { SIM_BREAKS(SIM_BREAK_ENUM) SIM_BREAK_COUNT_, SIM_BREAK_NONE = SIM_BREAK_COUNT_ } sim_break_t;

typedef enum { SIM_PRODUCER, SIM_BROKER, SIM_WORKER, SIM_SUBSCRIBER } sim_role_t;

//  A process on a host of its own. Its clocks are the true time and an offset.
typedef struct {
    sim_role_t role;
    unsigned index; //  among its role
    bool up;
    uint32_t life; //  counts starts, from 1
    int64_t paused_until;
    int64_t mono_offset, wall_offset;
    int64_t wake_at; //  the earliest wake that is on its way; SIM_FOREVER: none
    unsigned spins;  //  wakes without time passing
} sim_node_t;

//  A decision, as it is in the journal and in messages.
typedef struct {
    uint16_t producer, topic; //  indexes; `topic` is where it is published
    uint32_t response;
    uint32_t attempt;
    uint64_t identity; //  of (producer, id)
} sim_decision_t;

//  One topic of OPENED, or of SUBACK.
typedef struct {
    unsigned topic;
    uint64_t first_retained, head_seq, position;
} sim_place_t;

typedef struct {
    pt_kind_t kind;
    unsigned refs;
    unsigned from, client; //  nodes; `client`: the producer behind a broker
    uint32_t from_life, client_life;
    uint32_t route; //  number of the connection between a broker and a worker
    bool durable, damaged;
    unsigned topic;
    union {
        pt_batch_t batch;
        struct {
            uint64_t producer, epoch, first, last;
        } ack;
        pt_nack_t nack;
        pt_ready_t ready;
        pt_decisions_t decisions;
        struct {
            uint64_t worker, epoch, first_retained, head_seq;
        } head;
        struct {
            uint64_t req_id, worker, epoch;
        } opened;
        pt_end_t end;
        struct {
            uint64_t req_id, epoch, from_seq;
        } fetch;
        pt_truncated_t truncated;
        pt_bad_epoch_t bad_epoch;
        pt_refused_t refused;
        uint64_t req_id; //  OPEN, SUBACKED
    } as;
    uint64_t req_id, epoch; //  FETCHED; SUBACK
    size_t place_count;
    sim_place_t places[SIM_TOPICS];
    size_t size;    //  bytes of data
    uint8_t data[]; //  payload, or decisions
} sim_message_t;

typedef enum {
    SIM_EVENT_DELIVER, //  a message arrives
    SIM_EVENT_WAKE,    //  a timer of a node
    SIM_EVENT_STAGE,   //  something inside of a node is done
    SIM_EVENT_START,   //  a node comes up
    SIM_EVENT_FAULT,
    SIM_EVENT_CALM, //  the faults end
    SIM_EVENT_LOOK, //  is all well and done?
} sim_event_kind_t;

typedef struct {
    int64_t at_ms;
    uint64_t order; //  of events at the same time
    sim_event_kind_t kind;
    unsigned node;
    uint32_t life; //  of the node; 0: any
    unsigned stage;
    void *what;
} sim_event_t;

//  What a seed chooses.
typedef struct {
    unsigned producers, brokers, workers, subscribers;
    unsigned responses; //  of each producer
    unsigned batch_max, window, link_window;
    unsigned loss_percent, replay_percent, damage_percent;
    int64_t delay_ms, faults_ms, fault_every_ms;
    unsigned worker_producers; //  windows that a worker keeps
    unsigned store_decisions;  //  room of a journal
    unsigned commit_jobs;
    int64_t commit_wait_ms, sync_ms, work_ms;
    bool settled, disks_fail, crashes, pauses, partitions, clocks;
} sim_config_t;

typedef struct {
    uint64_t events, batches, decisions, acked, repeats, resent, refused, busy;
    uint64_t crashes, power_losses, pauses, partitions, resets, clock_jumps, disks, trimmed, fetched, lost_messages;
} sim_stats_t;

typedef struct sim_oracle sim_oracle_t;
typedef struct sim_network sim_network_t;
typedef struct sim_producer sim_producer_t;
typedef struct sim_broker sim_broker_t;
typedef struct sim_worker sim_worker_t;
typedef struct sim_subscriber sim_subscriber_t;

typedef struct {
    uint64_t seed, random;
    sim_break_t broken;
    bool verbose, calm, done;
    char failure[256]; //  "": none
    int64_t now_ms;
    uint64_t order;
    sim_event_t *heap;
    size_t event_count, event_capacity;
    sim_config_t config;
    sim_stats_t stats;
    sim_node_t nodes[SIM_NODES];
    unsigned node_count;
    sim_network_t *network;
    sim_oracle_t *oracle;
    sim_producer_t *producers[SIM_PRODUCERS];
    sim_broker_t *brokers[SIM_BROKERS];
    sim_worker_t *workers[SIM_WORKERS];
    sim_subscriber_t *subscribers[SIM_SUBSCRIBERS];
} sim_t;

/*  Run one seed. True when all was well; else sim->failure says what was not. */
bool sim_run(sim_t *sim, uint64_t seed, sim_break_t broken, bool verbose);

const char *sim_break_text(sim_break_t rule);

//  ---- for the parts (sim.c)

uint64_t sim_mix(uint64_t a, uint64_t b);
uint64_t sim_random(sim_t *sim, uint64_t below); //  0 when `below` is 0
bool sim_chance(sim_t *sim, unsigned percent);

/*  Something that must never happen has; the first of them counts. */
void sim_fail(sim_t *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(const sim_t *sim, unsigned node, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline bool
sim_is_broken(const sim_t *sim, sim_break_t rule)
{
    return sim->broken == rule;
}

unsigned sim_node(const sim_t *sim, sim_role_t role, unsigned index);
int64_t sim_mono_ms(const sim_t *sim, unsigned node);
uint64_t sim_wall_ms(const sim_t *sim, unsigned node);

void sim_schedule(sim_t *sim, int64_t at_ms, sim_event_kind_t kind, unsigned node, uint32_t life, unsigned stage,
                  void *what);
/*  The node's timer, by its own clock; the earliest of those that were asked for counts. */
void sim_wake(sim_t *sim, unsigned node, int64_t mono_ms);

//  ---- network (sim_network.c)

sim_network_t *sim_network_new(void);
void sim_network_destroy(sim_network_t **self_p);

sim_message_t *sim_message_new(pt_kind_t kind, const void *data, size_t size);
void sim_message_release(sim_message_t *message);
/*  Send where messages may be lost, repeated and overtaken. `life`: only that life of the receiver gets
 *  it; 0: any. The reference is taken over.
 */
void sim_send(sim_t *sim, unsigned from, unsigned to, uint32_t life, sim_message_t *message);
/*  Send between a broker and a worker: a connection, in order, that breaks as a whole. */
void sim_send_linked(sim_t *sim, unsigned broker, unsigned worker, bool to_worker, sim_message_t *message);
uint32_t sim_route(const sim_t *sim, unsigned broker, unsigned worker);
void sim_reset_link(sim_t *sim, unsigned broker, unsigned worker);
/*  Nothing passes between two nodes for some time. */
void sim_cut(sim_t *sim, unsigned left, unsigned right, int64_t until_ms);
void sim_heal(sim_t *sim);

//  ---- nodes. start, stop (with loss of power or not), wake, take a message, a stage that is done.

sim_producer_t *sim_producer_new(sim_t *sim, unsigned index);
void sim_producer_destroy(sim_producer_t **self_p);
void sim_producer_start(sim_t *sim, sim_producer_t *self);
void sim_producer_stop(sim_t *sim, sim_producer_t *self);
void sim_producer_wake(sim_t *sim, sim_producer_t *self);
void sim_producer_take(sim_t *sim, sim_producer_t *self, const sim_message_t *message);
bool sim_producer_is_done(const sim_producer_t *self);
uint64_t sim_producer_id(unsigned index);

sim_broker_t *sim_broker_new(unsigned index);
void sim_broker_destroy(sim_broker_t **self_p);
void sim_broker_start(sim_t *sim, sim_broker_t *self);
void sim_broker_stop(sim_t *sim, sim_broker_t *self);
void sim_broker_wake(sim_t *sim, sim_broker_t *self);
void sim_broker_take(sim_t *sim, sim_broker_t *self, sim_message_t *message);
/*  Whether the broker's front has no room for a producer's message. */
bool sim_broker_is_blocked(const sim_broker_t *self, unsigned producer);

sim_worker_t *sim_worker_new(sim_t *sim, unsigned index);
void sim_worker_destroy(sim_worker_t **self_p);
void sim_worker_start(sim_t *sim, sim_worker_t *self);
void sim_worker_stop(sim_t *sim, sim_worker_t *self, bool power);
void sim_worker_wake(sim_t *sim, sim_worker_t *self);
void sim_worker_take(sim_t *sim, sim_worker_t *self, sim_message_t *message);
void sim_worker_stage(sim_t *sim, sim_worker_t *self, unsigned stage, void *what);
/*  The disk is gone, and a new one is empty. */
void sim_worker_replace_disk(sim_t *sim, sim_worker_t *self);
uint64_t sim_worker_id(unsigned index);

sim_subscriber_t *sim_subscriber_new(sim_t *sim, unsigned index);
void sim_subscriber_destroy(sim_subscriber_t **self_p);
void sim_subscriber_start(sim_t *sim, sim_subscriber_t *self);
void sim_subscriber_stop(sim_t *sim, sim_subscriber_t *self);
void sim_subscriber_wake(sim_t *sim, sim_subscriber_t *self);
void sim_subscriber_take(sim_t *sim, sim_subscriber_t *self, sim_message_t *message);
bool sim_subscriber_is_level(const sim_subscriber_t *self);
bool sim_subscriber_is_durable(const sim_subscriber_t *self);
uint8_t sim_subscriber_mask(const sim_subscriber_t *self); //  of topics

const char *sim_topic_name(unsigned topic);
pt_queue_t sim_topic_queue(unsigned topic);

//  ---- what a response is (sim_oracle.c)

/*  The topics on which a response's decision is published: one, or two when somebody is alerted. */
size_t sim_topics_of(const sim_t *sim, unsigned producer, uint32_t response, unsigned out_topics[2]);
uint32_t sim_attempt_of(const sim_t *sim, unsigned producer, uint32_t response);
bool sim_is_kept(const sim_t *sim, unsigned topic); //  by journals

#endif
