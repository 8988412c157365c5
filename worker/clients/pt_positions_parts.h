/*  What the sources of pt_positions share: the tables, and how they are found and closed. */
#ifndef PT_POSITIONS_PARTS_H
#define PT_POSITIONS_PARTS_H

#include "pt_positions.h"

typedef enum {
    SOURCE_UNKNOWN, //  no HEAD yet: may have replay or not
    SOURCE_LIVE,    //  no replay, or none wanted, or an epoch that is over
    SOURCE_OPENING, //  OPEN has to be answered first
    SOURCE_OPENED,
} source_state_t;

//  A request's place in time: what is waited for, or when to try again.
typedef struct {
    uint64_t req_id; //  0: none is outstanding
    uint32_t tries;  //  since the last answer
    int64_t due_ms;  //  outstanding: given up then; else: not before
} attempt_t;

typedef struct {
    uint64_t worker, epoch;
    uint64_t touched; //  the table's clock at its last message
    source_state_t state;
    attempt_t open, suback;
    char after[PT_TOPIC_BYTES_MAX]; //  last topic of the pages so far
    size_t after_len;
    size_t suback_turn; //  stream whose position is told next
    bool dirty;         //  some stream's position is to be acknowledged
    bool twin;          //  another epoch of the worker is known
    bool told;          //  that the two alternate
    bool unheard;       //  closed for a newer epoch before any HEAD of it came
} source_t;

struct pt_stream {
    pt_stream_t *chain; //  in its bucket
    source_t *source;
    char topic[PT_TOPIC_BYTES_MAX];
    size_t topic_len;
    uint64_t touched;
    uint64_t heard; //  the table's clock at its last message from a PUB socket
    bool started;   //  `next` means something
    bool held;      //  its first messages wait for a HEAD of the source
    bool listed;    //  by the OPENED that is being read
    uint64_t next;  //  everything below is delivered, or reported lost
    uint64_t head;  //  the highest next number heard of
    uint64_t acked; //  position that the worker has; 0: none
    uint64_t sent;  //  position in the SUBACK that is outstanding
    bool suspect;   //  a HEAD was below `next`
    uint64_t from;  //  of the FETCH that is outstanding
    attempt_t fetch;
};

#define BUCKETS 4096 //  a power of two; half of the streams there can be

struct pt_positions {
    pt_positions_options_t options;
    pt_positions_handlers_t handlers;
    source_t *sources[PT_POSITIONS_SOURCES_MAX];
    size_t source_count;
    pt_stream_t *streams[PT_POSITIONS_STREAMS_MAX];
    size_t stream_count;
    pt_stream_t *buckets[BUCKETS];
    uint64_t clock; //  counts messages, to know what is old
    uint64_t req_id;
    size_t outstanding;
    size_t turn; //  stream that is asked for next, so that all have theirs
};

static inline pt_text_t
positions_topic(const pt_stream_t *stream)
{
    return (pt_text_t) {stream->topic, stream->topic_len};
}

/*  Find or make. NULL when out of memory; the one that was silent for longest makes room. */
source_t *positions_source(pt_positions_t *self, uint64_t worker, uint64_t epoch);
pt_stream_t *positions_stream(pt_positions_t *self, source_t *source, pt_text_t topic);

/*  Report [next, seq) of a stream as lost, and go on at seq. Does nothing when it is there already. */
void positions_lose(pt_positions_t *self, pt_stream_t *stream, uint64_t seq);
/*  Begin a stream at `next`. */
void positions_start(pt_stream_t *stream, uint64_t next);
void positions_fault(pt_positions_t *self, pt_positions_fault_t fault, const source_t *source);
/*  Nothing of this source can be fetched: what is missing is lost, what comes is taken as it comes. */
void positions_close_source(pt_positions_t *self, source_t *source);
/*  The worker has this epoch now: close its older ones. */
void positions_supersede(pt_positions_t *self, const source_t *source);
/*  OPEN has to be answered (again) before anything of this source is delivered. */
void positions_reopen(pt_positions_t *self, source_t *source, bool forget);

/*  Whether the stream lacks something that FETCH could bring, or its head is in doubt. */
bool positions_wants_fetch(const pt_stream_t *stream);
/*  A request got its answer, or does not matter any more. */
void positions_settle(pt_positions_t *self, attempt_t *attempt);
/*  A request got its answer, and is not sent again before some time: the other side asked for it, or the answer brought
 *  nothing.
 */
void positions_put_off(pt_positions_t *self, attempt_t *attempt, int64_t now_ms);
/*  The rule on [first, first + count) for a stream that has started. */
void positions_judge(pt_positions_t *self, pt_stream_t *stream, const pt_decisions_t *decisions,
                     pt_arrived_t *out_arrived);

#endif
