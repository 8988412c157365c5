/*  What the two halves of a simulated worker share: sim_worker.c takes batches and answers them,
 *  sim_journal.c commits, publishes and replays.
 */
#ifndef SIM_WORKER_H
#define SIM_WORKER_H

#include "sim_store.h"

//  Far above what the windows allow; a journal refuses nothing for want of room in these.
#define SIM_JOBS_MAX 64
#define SIM_REQUESTS_MAX 64

typedef struct sim_job {
    struct sim_job *next, *previous; //  of all that the worker has in work
    unsigned broker;
    sim_message_t *message;
    pt_batch_t batch;
    bool refused;
    pt_reason_t reason;
    bool kept; //  something of it is in the journal
    uint32_t count;
    sim_decision_t decisions[2 * SIM_BATCH_MAX]; //  sorted by topic
    uint64_t firsts[SIM_TOPICS];                 //  numbers, by topic
    uint64_t heads[SIM_TOPICS];                  //  after the commit
    uint64_t retained[SIM_TOPICS];
} sim_job_t;

#define SIM_INBOX_MAX 256

typedef struct {
    sim_message_t *inbox[SIM_INBOX_MAX]; //  in the socket, not read while there is no room
    size_t inbox_count;
    uint64_t received, announced;
    uint32_t in_work;
    bool due;
    int64_t told_ms;
    uint32_t hellos;
} sim_link_t;

//  The highest finished seq of a producer's epoch, and its floor: for rules that are switched off.
typedef struct {
    uint64_t producer, epoch, highest, floor;
} sim_highest_t;

struct sim_worker {
    unsigned index, node;
    //  On disk.
    sim_store_t store;
    sim_store_t *durable; //  while the visible state is ahead of the disk; NULL: it is not
    uint64_t disk;        //  counts disks
    //  In memory.
    pt_dedup_t *dedup;
    pt_topics_t *topics;
    pt_topic_t *topic[SIM_TOPICS];
    sim_link_t links[SIM_BROKERS];
    sim_job_t *working;
    sim_job_t *gathered[SIM_JOBS_MAX]; //  for the next commit
    size_t gathered_count;
    sim_job_t *committing[SIM_JOBS_MAX];
    size_t committing_count;
    sim_message_t *requests[SIM_REQUESTS_MAX];
    size_t request_count;
    sim_message_t *answering[SIM_REQUESTS_MAX]; //  requests of the commit on its way
    size_t answering_count;
    bool busy; //  a commit is on its way to the disk
    int64_t due_ms;
    int64_t published_ms, answered_ms; //  stages keep the order
    int64_t heads_ms;
    sim_highest_t highest[SIM_WINDOWS_MAX];
    size_t highest_count;
    uint8_t greeted[SIM_SUBSCRIBERS]; //  topics of which a subscriber has had a HEAD
    uint32_t greeted_life[SIM_SUBSCRIBERS];
};

typedef enum {
    SIM_STAGE_WORKED,
    SIM_STAGE_COMMITTED,
    SIM_STAGE_SYNCED,
    SIM_STAGE_PUBLISH,
    SIM_STAGE_ANSWER
} sim_stage_t;

/*  The job goes to the journal, or past it. */
void sim_journal_take(sim_t *sim, sim_worker_t *self, sim_job_t *job);
/*  A request of a subscriber: OPEN, FETCH or SUBACK. */
void sim_journal_ask(sim_t *sim, sim_worker_t *self, sim_message_t *request);
void sim_journal_committed(sim_t *sim, sim_worker_t *self);
void sim_journal_synced(sim_worker_t *self);
/*  Begin a commit if one is due, and send the HEADs that are; when there is more to do. */
int64_t sim_journal_turn(sim_t *sim, sim_worker_t *self);
void sim_journal_publish(sim_t *sim, sim_worker_t *self, const sim_job_t *job);
/*  Take over what the disk has, and drop what is in memory only. */
void sim_journal_start(sim_t *sim, sim_worker_t *self);
void sim_journal_stop(sim_t *sim, sim_worker_t *self, bool power);

sim_highest_t *sim_worker_highest(sim_worker_t *self, const pt_batch_t *batch);

#endif
