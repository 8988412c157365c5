/*  pt_told: the decisions of a job that people are told of, until they are its operator_alert outputs.
 *
 *  Its memory grows to what one job needed and is used again for the next one. All zero is an empty one.
 */
#ifndef PT_TOLD_H
#define PT_TOLD_H

#include "pt_decision.h"
#include "pt_job.h"

//  One of them: borrowed bytes, or an offset in the room.
typedef struct {
    const char *suffix; //  of its topic, from the dot on; NULL: as that of
    uint32_t output;    //  its route's output
    const uint8_t *data;
    size_t offset; //  where data is NULL
    size_t bytes;
    uint32_t order;
} pt_told_item_t;

typedef struct {
    pt_told_item_t *items;
    size_t count;
    size_t capacity;
    uint8_t *room; //  for what was encoded again
    size_t room_used;
    size_t room_bytes;
} pt_told_t;

/*  Begin with another job. */
void pt_told_start(pt_told_t *self);
/*  Release the memory; an empty one is left. */
void pt_told_clear(pt_told_t *self);

/*  The topic of a job's output, from the dot on: all of it that is the same for its alerts. */
const char *pt_told_suffix(const pt_job_t *job, uint32_t output);

/*  Add a decision of the job's output as it stands there; `bytes` stay until the outputs are made. False when out of
 *  memory.
 */
PT_MUST_CHECK bool pt_told_add(pt_told_t *self, uint32_t output, pt_bytes_t bytes);
/*  Add a decision, encoded here. Its topic ends with `suffix`, which stays until the outputs are made; NULL: as that of
 *  the job's output. False when out of memory.
 */
PT_MUST_CHECK bool pt_told_add_decision(pt_told_t *self, const char *suffix, uint32_t output,
                                        const pt_decision_t *decision);

/*  Add outputs of all that were added to the job, by topic and in their order. False when out of memory; some outputs
 *  may have been added then.
 */
PT_MUST_CHECK bool pt_told_add_outputs(pt_told_t *self, pt_job_t *job);

#endif
