/*  pt_pool: one worker process of the bus.
 *
 *  A thread of its own takes batches from the brokers, decides about them or gives them to other threads where there is
 *  much to decide, publishes the decisions and answers:
 *
 *      broker ──DEALER──▶ pool ──PAIR──▶ decider ──PUSH──▶ journal ──PUSH──▶ pool ──PUB──▶ subscribers
 *         ▲                        (one of N, or the pool)                    │
 *         └──────────────────────────── ACK ──────────────────────────────────┘
 *
 *  A batch is acknowledged when its decisions are published. With a journal they are durable by then;
 *  without one they are as safe as this process. Batches that were finished before are only
 *  acknowledged. When the journal is full, new batches are refused as busy.
 */
#ifndef PT_POOL_H
#define PT_POOL_H

#include "pt_alerts.h"
#include "pt_catalog.h"
#include "pt_gate.h"
#include "pt_job.h"
#include "pt_poison.h"
#include "pt_stats.h"
#include "pt_store.h"

#define PT_POOL_BROKERS_MAX 16
#define PT_POOL_THREADS_MAX 256
#define PT_POOL_WINDOW_MAX 1024

typedef struct {
    const char *brokers[PT_POOL_BROKERS_MAX]; //  back endpoints, one DEALER each
    size_t broker_count;
    const char *publish[PT_QUEUE_COUNT_]; //  endpoints to bind; see pt_sockets_bind
    size_t threads;                       //  that decide; 0: one for each core that is online
    uint32_t window;                      //  batches in work for each broker; 0: 64
    size_t producers;                     //  remembered for deduplication, 5 KiB each; 0: 4096
    int publish_hwm;                      //  messages kept for a slow subscriber; 0: 4096
    pt_gate_t *gate;                      //  outlives the pool: subscribers' rights, keys for brokers; NULL: none
    const char *replay;                   //  endpoint to bind for replay, with a journal
    const char *control;                  //  ipc endpoint for operators' orders; see pt_replay.h; NULL: none
    const char *advertise;                //  what HEAD names for it; NULL: what was bound
    pt_store_t *journal;                  //  outlives the pool, which alone writes to it; NULL: none
    pt_poison_t *poison;                  //  outlives the pool; NULL: none
    pt_masking_t masking;                 //  of card numbers in decisions
    pt_alerts_options_t alerts;           //  frequent_count 0: the defaults, but for window_ms
    bool journal_settled;                 //  keep settled decisions as well
    uint32_t commit_jobs;                 //  trains of batches of one commit at most; 0: PT_JOURNAL_JOBS_DEFAULT
    uint32_t commit_wait_ms;              //  how long a commit waits for more
    pt_stats_t *stats;                    //  outlives the pool; NULL: nobody counts
    const pt_catalog_t *catalog;          //  outlives the pool or its swap; NULL: the built-in one
    uint64_t worker;                      //  id on the bus; 0: random, or the journal's
    uint64_t epoch;                       //  0: unix ms now, or the journal's
} pt_pool_options_t;

//  Since the start. Responses, unless named otherwise.
typedef struct {
    uint64_t received;                  //  in the messages that were finished and not refused
    uint64_t decided[PT_ROUTE_COUNT_];  //  by route
    uint64_t alerts;                    //  of these, with an active alert
    uint64_t invalid;                   //  of these, bytes that were no response
    uint64_t messages;                  //  taken into work: batches and plain requests
    uint64_t acked;                     //  messages
    uint64_t nacked;                    //  messages
    uint64_t reasons[PT_REASON_COUNT_]; //  of these
    uint64_t duplicates;                //  batches that were finished or in work already
    uint64_t published;                 //  DECISIONS messages
    uint64_t answers_dropped;           //  ACKs and NACKs that could not be sent at once
    uint64_t garbage;                   //  messages of no known shape
    uint64_t hellos;                    //  brokers that met this worker, again after each restart
    uint64_t in_work;                   //  messages, now
    uint64_t room;                      //  messages that may be in work at a time
    uint64_t brokers;                   //  to be connected to
    uint64_t connected;                 //  of these, now
    uint64_t turned_ms;                 //  monotonic; when the pool's thread was last seen alive
    bool draining;
    pt_histogram_ns_t latency; //  of messages, from being taken into work to their ACK
} pt_pool_counters_t;

typedef enum {
    PT_DRAINED,           //  all that was taken is finished, published and answered
    PT_DRAIN_LATE,        //  the time is over
    PT_DRAIN_INTERRUPTED, //  the descriptor became readable
} pt_drain_t;

typedef enum {
    PT_SWAPPED_NOT_YET, //  or nothing was asked for
    PT_SWAPPED,         //  every decider has switched, and nothing refers to the old catalog
    PT_SWAPPED_NOT,     //  no memory: all go on with the old one, and nothing refers to the new
} pt_swapped_t;

typedef struct pt_pool pt_pool_t;

//  Longest text of a refusal.
#define PT_POOL_ERROR_BYTES_MAX 512

/*  Start. When it returns, all PUB sockets are bound, the actors run and the DEALERs are connected;
 *  brokers may come later. NULL with one line in out_error[PT_POOL_ERROR_BYTES_MAX], and errno, when
 *  an endpoint is refused or memory, sockets or threads ran out. Strings of the options are copied.
 *  Call pt_sockets_init before.
 */
pt_pool_t *pt_pool_new(const pt_pool_options_t *options, char *out_error);

/*  Take nothing more, finish what was taken, and answer for it. Returns when that is done, when
 *  `deadline_ms` are over, or when `interrupt_fd` (-1: none) becomes readable. Call it once; only
 *  pt_pool_destroy follows.
 */
pt_drain_t pt_pool_drain(pt_pool_t *self, uint32_t deadline_ms, int interrupt_fd);

/*  Give every decider another catalog, between two batches: each batch is decided by one of them. It
 *  returns at once; pt_pool_swapped tells the end, and no other swap may begin before. `catalog` must
 *  outlive the pool, or the next swap that succeeds. It does not end when the journal has failed.
 */
void pt_pool_swap(pt_pool_t *self, const pt_catalog_t *catalog);

/*  To be polled, with ZMQ_POLLIN, until pt_pool_swapped has told the end. */
void *pt_pool_swap_socket(const pt_pool_t *self);

/*  How the swap stands; each end is told once. Never waits. */
pt_swapped_t pt_pool_swapped(pt_pool_t *self);

/*  A descriptor that becomes readable when the journal has failed: then nothing is acknowledged any
 *  more, and the process should end. pt_store_error says why. -1 without a journal.
 */
int pt_pool_failure_fd(const pt_pool_t *self);

/*  What HEAD names for replay; "" without a journal. */
const char *pt_pool_replay(const pt_pool_t *self);

/*  Stop at once and set *self_p to NULL. What was taken and not answered will be sent again by its
 *  producers.
 */
void pt_pool_destroy(pt_pool_t **self_p);

/*  Its id and epoch on the bus: the options', the journal's, or those that were made for it. */
uint64_t pt_pool_worker(const pt_pool_t *self);
uint64_t pt_pool_epoch(const pt_pool_t *self);

/*  Where a queue is published; valid as long as the pool. */
const char *pt_pool_endpoint(const pt_pool_t *self, pt_queue_t queue);

/*  From any thread. */
pt_pool_counters_t pt_pool_counters(const pt_pool_t *self);

#endif
