/*  pt_positions: where a subscriber is in every stream, what it may deliver, and what it has to ask for.
 *
 *  The subscriber's rules of PROTOCOL.md without sockets and clock. A stream is one (worker, epoch,
 *  topic); its position `next` moves by delivering, and by nothing else but a loss, which is always
 *  reported. What is missing is asked for (OPEN, FETCH), what is dealt with is acknowledged (SUBACK):
 *  pt_positions_ask gives the next request to send, the answers come back through the functions below.
 *  Times are monotonic ms that the caller gives. Everything is bounded: sources, streams, requests.
 */
#ifndef PT_POSITIONS_H
#define PT_POSITIONS_H

#include "pt_wire.h"

#define PT_POSITIONS_SOURCES_MAX 256  //  (worker, epoch); arbitrary: more than any pool has
#define PT_POSITIONS_STREAMS_MAX 8192 //  (worker, epoch, topic)
#define PT_POSITIONS_REQUESTS_MAX 32  //  outstanding at a time, one for each stream or source
#define PT_POSITIONS_WAIT_MS 1000     //  for an answer, doubling
#define PT_POSITIONS_WAIT_MS_MAX 10000
#define PT_POSITIONS_SUBACK_MS 100 //  how often a position is acknowledged

typedef enum {
    PT_POSITIONS_LIVE,    //  gaps are reported
    PT_POSITIONS_REPAIR,  //  gaps are fetched
    PT_POSITIONS_DURABLE, //  and positions are kept by the worker under the subscriber's name
} pt_positions_mode_t;

typedef enum {
    PT_FAULT_EPOCHS_ALTERNATE, //  two processes publish under one worker id
    PT_FAULT_WENT_BACK,        //  a journal gives the same numbers a second time
    PT_FAULT_OTHER_WORKER,     //  another worker answers at the replay endpoint
    PT_FAULT_REFUSED,          //  too_many, bad_format, unauthorized: nobody keeps our position
    PT_FAULT_COUNT_
} pt_positions_fault_t;

typedef struct {
    void *context;
    //  Decisions [first, next) were published and will not come any more.
    void (*lost)(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first, uint64_t next);
    void (*fault)(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch);
} pt_positions_handlers_t;

typedef struct {
    pt_positions_mode_t mode;
    bool since_start; //  not durable: begin at the first decision that is retained
} pt_positions_options_t;

typedef struct pt_positions pt_positions_t;
typedef struct pt_stream pt_stream_t;

//  What to do with a DECISIONS message.
typedef enum {
    PT_ARRIVAL_DROP,    //  nothing of it is new, or it is too early: it will be fetched
    PT_ARRIVAL_DELIVER, //  from `from_seq` on, telling pt_positions_delivered after each decision
    PT_ARRIVAL_HOLD,    //  whether this worker has replay is not known yet; again after its next HEAD
} pt_arrival_t;

typedef struct {
    pt_arrival_t arrival;
    pt_stream_t *stream; //  of PT_ARRIVAL_DELIVER; NULL for live decisions
    uint64_t from_seq;
    uint64_t dropped; //  decisions of the message that were delivered before
} pt_arrived_t;

//  A request to send. The texts live until the next call of any function here.
typedef struct {
    pt_kind_t kind; //  OPEN, FETCH or SUBACK
    uint64_t req_id, worker, epoch;
    pt_text_t topic; //  FETCH: the topic; OPEN: `after`
    uint64_t from_seq;
    size_t topic_count; //  SUBACK
    pt_topic_next_t topics[PT_HEADS_MAX];
} pt_request_t;

/*  NULL when out of memory. */
pt_positions_t *pt_positions_new(const pt_positions_options_t *options, const pt_positions_handlers_t *handlers);
void pt_positions_destroy(pt_positions_t **self_p);

/*  DECISIONS came from a PUB socket. PT_OK, or PT_E_NOMEM. */
PT_MUST_CHECK pt_status_t pt_positions_decisions(pt_positions_t *self, pt_text_t topic, const pt_decisions_t *decisions,
                                                 pt_arrived_t *out_arrived);
/*  Everything of the stream below `next` is delivered. */
void pt_positions_delivered(pt_positions_t *self, pt_stream_t *stream, uint64_t next);
/*  A HEAD, or one line of HEADS; `replay`: it names an endpoint. PT_OK, or PT_E_NOMEM. */
PT_MUST_CHECK pt_status_t pt_positions_head(pt_positions_t *self, pt_text_t topic, const pt_head_t *head);

/*  The next request to send now; it counts as sent. Without `acks` no SUBACK is among them. False when
 *  there is none.
 */
bool pt_positions_ask(pt_positions_t *self, bool acks, int64_t now_ms, pt_request_t *out_request);
/*  When pt_positions_ask may have something, at the latest: INT64_MAX when nothing is waited for. */
int64_t pt_positions_due_ms(const pt_positions_t *self);

/*  Answers. Those to requests that are not waited for are ignored. */
PT_MUST_CHECK pt_status_t pt_positions_opened(pt_positions_t *self, const pt_opened_t *opened, int64_t now_ms);
/*  A message that FETCH brought; *out_arrived as for live ones, never PT_ARRIVAL_HOLD. */
void pt_positions_fetched(pt_positions_t *self, uint64_t req_id, pt_text_t topic, const pt_decisions_t *decisions,
                          int64_t now_ms, pt_arrived_t *out_arrived);
void pt_positions_end(pt_positions_t *self, const pt_end_t *end, int64_t now_ms);
void pt_positions_truncated(pt_positions_t *self, const pt_truncated_t *truncated, int64_t now_ms);
void pt_positions_bad_epoch(pt_positions_t *self, const pt_bad_epoch_t *bad_epoch, int64_t now_ms);
void pt_positions_subacked(pt_positions_t *self, uint64_t req_id, int64_t now_ms);
void pt_positions_refused(pt_positions_t *self, const pt_refused_t *refused, int64_t now_ms);

/*  Every known worker is opened or has no replay: what it decides from here on is delivered. */
bool pt_positions_is_open(const pt_positions_t *self);
/*  The one that was asked first and is not: its worker and epoch. False: none is waited for. */
bool pt_positions_unopened(const pt_positions_t *self, uint64_t *out_worker, uint64_t *out_epoch);
/*  The same, and nothing is missing or waits for an answer. */
bool pt_positions_is_level(const pt_positions_t *self);
/*  Every position is acknowledged, as far as it has to be. */
bool pt_positions_is_acked(const pt_positions_t *self);
/*  Acknowledge now what waits for the next time to do so. */
void pt_positions_hurry(pt_positions_t *self);

#endif
