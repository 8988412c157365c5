/*  pt_job: one message of responses on its way through the process, and its decisions.
 *
 *  The pool makes a job of each batch and decides about it, or gives a pointer to it to a decider that does and
 *  hands it to the next stage, until it is back in the pool, which publishes and answers. The next stage is the
 *  journal, where there is one: it commits the job's outputs and only then hands it on, so what is published and
 *  acknowledged is durable. A stage is an actor with one PULL socket for jobs and one PUSH to the next; pt_crew
 *  wires them.
 *
 *  Jobs that were decided in one go travel as a train: the first carries the decisions of all as its outputs, so a
 *  topic gets one message and the journal one record for many small batches. What becomes of the first becomes of
 *  all behind it, until the pool takes them apart and answers each.
 *
 *  The pool owns every job; whoever holds the pointer last received is the only one to touch it.
 */
#ifndef PT_JOB_H
#define PT_JOB_H

#include <stdatomic.h>

#include "pt_alerts.h"
#include "pt_catalog.h"
#include "pt_frames.h"
#include "pt_wire.h"

//  Where decisions are published: a PUB socket each.
typedef enum {
    PT_QUEUE_SETTLED,
    PT_QUEUE_RETRY,
    PT_QUEUE_DEAD_LETTER,
    PT_QUEUE_OPERATOR_ALERT, //  beside the decision's route
    PT_QUEUE_COUNT_
} pt_queue_t;

/*  The queue's word, as in its topics. */
const char *pt_queue_text(pt_queue_t queue);

/*  The queue of a route. */
pt_queue_t pt_queue_of_route(pt_route_t route);

//  Decisions of one topic: the third frame of a DECISIONS message.
typedef struct {
    pt_queue_t queue;
    char topic[PT_TOPIC_BYTES_MAX + 1];
    uint32_t count;
    uint32_t crc32;  //  over `items`
    zmq_msg_t items; //  msgpack array of `count` maps; emptied by whoever sends it
    //  What was decided about: msgpack array of `count` bins, or nil where one is not kept. Empty
    //  unless a journal keeps it.
    zmq_msg_t responses;
    //  Set by the journal; 0: the outlet numbers it.
    uint64_t first_seq;
    uint64_t head_seq;       //  of the topic, after the commit
    uint64_t first_retained; //  of the topic
} pt_output_t;

//  An alert that one of the job's decisions raises: where its bytes are, and what became of it.
typedef struct {
    pt_alert_kind_t kind;
    bool is_unknown; //  its code is one that no row knows
    pt_alert_rate_t rate;
    XXH128_hash_t key;
    uint32_t output;
    uint32_t offset; //  in the output's items
    uint32_t bytes;
    pt_alert_receipt_t receipt;
} pt_raised_t;

typedef struct pt_job {
    //  Set by the pool.
    size_t broker;     //  whose socket the answer goes to
    size_t seat;       //  the decider that has it
    size_t weight;     //  bytes that count as that decider's while it is in work
    uint64_t taken_ns; //  pt_clock_ns
    bool plain;        //  from a plain client
    //  What the header said. Of a plain request: our own worker id and epoch, and a running number
    //  as seq, which name responses without an id; count is set by the decider.
    pt_batch_t batch;
    pt_frames_t message; //  envelope, header, payload
    size_t envelope_count;

    //  Set by the decider.
    bool refused;       //  there are no outputs, the answer is a NACK
    pt_reason_t reason; //  when refused
    uint32_t decided[PT_ROUTE_COUNT_];
    uint32_t alerts;
    uint32_t invalid;
    uint64_t took_ns; //  of the first of a train: of a processor, to decide about all; 0: nobody knows
    pt_output_t *outputs;
    size_t output_count;
    size_t output_capacity;
    pt_raised_t *raised; //  alerts, in the order of outputs; each is pt_teller's to count
    size_t raised_count;
    size_t raised_capacity;
    const pt_catalog_t *decided_by; //  stays until the job is back in the pool

    //  Of a job without responses that brings the deciders another catalog (pt_swap); else NULL.
    const pt_catalog_t *catalog;
    struct pt_packer *packer; //  made for it; once taken, the one that was replaced

    //  A job without responses that carries summaries of alerts: it ends when they are published.
    bool is_summary;

    struct pt_job *behind;   //  the next of its train
    struct pt_job *previous; //  the pool's list of jobs in work
    struct pt_job *next;
    atomic_uint baton; //  see pt_job_hand
} pt_job_t;

//  Jobs one behind the other, in the order of arrival. Zeros are an empty one.
typedef struct {
    pt_job_t *first;
    pt_job_t *last;
} pt_train_t;

/*  Put a job at the end. It is in no other train. */
void pt_train_add(pt_train_t *self, pt_job_t *job);

/*  Take the first job off, or NULL. */
pt_job_t *pt_train_take(pt_train_t *self);

/*  A job without contents, or NULL when out of memory. */
pt_job_t *pt_job_new(void);

/*  Release a job and set *self_p to NULL. Does nothing when it already is. */
void pt_job_destroy(pt_job_t **self_p);

/*  Close what the job holds, so that it can be used for another message; its arrays are kept. */
void pt_job_clear(pt_job_t *self);

/*  The frame with the responses. */
pt_bytes_t pt_job_payload(const pt_job_t *self);

/*  Add an output, its items not yet made; NULL when out of memory. */
pt_output_t *pt_job_add_output(pt_job_t *self);

/*  Room for another raised alert; NULL when out of memory. */
pt_raised_t *pt_job_add_raised(pt_job_t *self);

/*  Close all outputs, and forget what they raised. */
void pt_job_drop_outputs(pt_job_t *self);

/*  Refuse a job and all behind it: there are no outputs, and each is answered with `reason`. */
void pt_job_refuse(pt_job_t *self, pt_reason_t reason);

/*  Hand a job, with all behind it, to the next stage. The socket has no high-water mark: the credit that brokers
 *  get bounds the number of jobs, so this never waits.
 */
void pt_job_hand(void *socket, pt_job_t *job);

/*  The next job that was handed over, or NULL when there is none. Never waits. */
pt_job_t *pt_job_take(void *socket);

#endif
