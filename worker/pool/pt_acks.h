/*  pt_acks: batches that are finished and not yet acknowledged.
 *
 *  Those of one producer that finish together are acknowledged by one message, so that many small batches cost broker
 *  and producer one answer. For pt_accounts only; jobs stay its own.
 */
#ifndef PT_ACKS_H
#define PT_ACKS_H

#include "pt_job.h"

//  More than this and the first ones are to be taken: the time to find who belongs together grows with the square.
#define PT_ACKS_MAX 64

//  Zeros are an empty one.
typedef struct {
    pt_train_t jobs;
    size_t count;
} pt_acks_t;

/*  Note a finished job. It is no plain one, not refused, and in no train. */
void pt_acks_add(pt_acks_t *self, pt_job_t *job);

/*  Take the job that was noted first, with all others of the same producer and epoch that came the same way, and
 *  write the ACK that goes to where the first came from. False: there is none.
 */
PT_MUST_CHECK bool pt_acks_take(pt_acks_t *self, pt_train_t *out_jobs, pt_ack_t *out_ack);

#endif
