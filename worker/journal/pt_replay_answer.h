/*  pt_replay_answer: what the journal holds, as answers. For pt_replay only. */
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

/*  False when out of memory. */
bool pt_answer_open_store(pt_answer_t *self, pt_store_t *store, pt_answer_send_fn *send, void *context);
void pt_answer_close(pt_answer_t *self);

/*  OPENED: one page of topics. */
void pt_answer_open(pt_answer_t *self, const pt_frames_t *route, const pt_open_t *open);

/*  FETCHED and END, TRUNCATED or BADEPOCH. Nothing that failed its checksum is sent: where `from_seq` stands in it,
 *  TRUNCATED leads to what lies behind. False when the journal could not be read. Both are noted in the store.
 */
bool pt_answer_fetch(pt_answer_t *self, const pt_frames_t *route, const pt_fetch_t *fetch);

void pt_answer_bad_epoch(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id);

#endif
