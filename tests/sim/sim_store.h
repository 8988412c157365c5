/*  sim_store: what pt_store keeps, and what of it a crash leaves.
 *
 *  A transaction is applied as a whole or not at all. Only what was applied is seen by readers. A store
 *  that is asked to apply before the disk has it keeps the durable state beside the visible one, and a
 *  loss of power brings the durable one back; that is one of the rules that can be switched off.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "sim.h"

#define SIM_WINDOWS_MAX 256
#define SIM_FULL_PERCENT 80
#define SIM_SPILL_PERCENT 75
#define SIM_KEEP_PERCENT 60

//  All decisions of a topic ever; those below `first` are trimmed.
typedef struct {
    uint64_t first, next; //  retained: [first, next)
    sim_decision_t *decisions;
    size_t capacity;
} sim_stream_t;

typedef struct {
    uint64_t producer, epoch, floor, used_ms;
    uint64_t seqs[PT_WINDOW]; //  by seq % PT_WINDOW; 0: not finished
    uint32_t crcs[PT_WINDOW];
} sim_window_t;

typedef struct {
    bool registered;
    uint64_t positions[SIM_TOPICS]; //  0: never told
} sim_member_t;

typedef struct {
    uint64_t epoch;
    sim_stream_t streams[SIM_TOPICS];
    sim_window_t *windows[SIM_WINDOWS_MAX];
    size_t window_count;
    sim_member_t members[SIM_SUBSCRIBERS];
    size_t retained; //  decisions
    bool forgot;     //  a window was dropped
} sim_store_t;

/*  A new, empty store. */
void sim_store_open(sim_store_t *self, uint64_t epoch);
void sim_store_close(sim_store_t *self);
sim_store_t *sim_store_copy(const sim_store_t *self);

//  ---- parts of a transaction that is being applied

void sim_store_append(sim_store_t *self, const sim_decision_t *decision);
void sim_store_remember(const sim_t *sim, sim_store_t *self, const pt_batch_t *batch, uint64_t now_ms);
void sim_store_position(sim_store_t *self, unsigned subscriber, unsigned topic, uint64_t next_seq);
/*  Drop what may go. What no durable subscriber has asked for yet is told as excused. */
void sim_store_trim(sim_t *sim, sim_store_t *self);

unsigned sim_store_percent(const sim_t *sim, const sim_store_t *self);

#endif
