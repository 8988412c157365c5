/*  pt_replay_answer: every answer to a subscriber, and what the journal holds for it. For pt_replay only.
 *
 *  None waits: an answer for which the client's queue has no room is dropped, and the client asks again.
 */
#ifndef PT_REPLAY_ANSWER_H
#define PT_REPLAY_ANSWER_H

#include "pt_frames.h"
#include "pt_stats.h"
#include "pt_store.h"

/*  Send frames to whom the first frame of `route` names, without waiting. False: dropped. */
typedef bool(pt_answer_send_fn)(void *context, const pt_frames_t *route, const pt_bytes_t *frames, size_t count);

typedef struct {
    pt_store_t *store;
    pt_store_identity_t identity;
    pt_answer_send_fn *send;
    void *context;
    pt_stats_t *stats; //  NULL: nobody counts
    uint8_t *record;   //  room for a record's items
    uint8_t *slice;    //  and for a part of them
} pt_answer_t;

/*  Begin. `store`, and what `send` gets as its first argument, outlive it. False when out of memory; pt_answer_close
 *  is due in both cases.
 */
bool pt_answer_open_store(pt_answer_t *self, pt_store_t *store, pt_answer_send_fn *send, void *context);
void pt_answer_close(pt_answer_t *self);

/*  OPENED: one page of topics; REFUSED as busy when the journal could not be read. */
void pt_answer_open(pt_answer_t *self, const pt_frames_t *route, const pt_open_t *open);

/*  FETCHED and END, TRUNCATED or BADEPOCH. Nothing that failed its checksum is sent: where `from_seq` stands in it,
 *  TRUNCATED leads to what lies behind. False when the journal could not be read. Both are noted in the store.
 */
bool pt_answer_fetch(pt_answer_t *self, const pt_frames_t *route, const pt_fetch_t *fetch);

/*  BADEPOCH. */
void pt_answer_bad_epoch(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id);

/*  SUBACKED: the position is durable. */
void pt_answer_suback(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id);

/*  REFUSED, and counted. Nothing where req_id is 0: then the request could not be read so far, and names nobody. */
void pt_answer_refuse(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id, pt_refusal_t refusal);

/*  The refusal of a request that came back from the journal with this status, which is not PT_OK. */
pt_refusal_t pt_answer_refusal(pt_status_t status);

#endif
