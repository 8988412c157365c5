/*  Few are noted at a time, so they are compared with each other. */
#include "pt_acks.h"

#include <assert.h>

_Static_assert(PT_ACKS_MAX <= PT_RANGES_MAX, "one ACK has a range for each");

void
pt_acks_add(pt_acks_t *self, pt_job_t *job)
{
    assert(self);
    assert(job && !job->plain && !job->refused);
    assert(self->count < PT_ACKS_MAX);

    pt_train_add(&self->jobs, job);
    self->count++;
}

static bool
s_is_same_frame(const pt_job_t *left, const pt_job_t *right, size_t index)
{
    pt_bytes_t a = pt_frames_bytes(&left->message, index);
    pt_bytes_t b = pt_frames_bytes(&right->message, index);
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

//  Whether one answer serves both: a producer that connected anew has batches from either connection.
static bool
s_belongs(const pt_job_t *job, const pt_job_t *other)
{
    if (job->batch.producer != other->batch.producer || job->batch.epoch != other->batch.epoch)
        return false;
    bool same = job->broker == other->broker && job->envelope_count == other->envelope_count;
    for (size_t i = 0; same && i < job->envelope_count; i++)
        same = s_is_same_frame(job, other, i);
    return same;
}

static void
s_add_seq(pt_ack_t *ack, uint64_t seq)
{
    pt_range_t *last = ack->range_count ? &ack->ranges[ack->range_count - 1] : NULL;
    if (last && last->last + 1 == seq)
        last->last = seq;
    else
        ack->ranges[ack->range_count++] = (pt_range_t) {seq, seq};
}

bool
pt_acks_take(pt_acks_t *self, pt_train_t *out_jobs, pt_ack_t *out_ack)
{
    assert(self);
    assert(out_jobs);
    assert(out_ack);

    const pt_job_t *first = self->jobs.first;
    if (!first)
        return false;
    *out_jobs = (pt_train_t) {0};
    out_ack->producer = first->batch.producer;
    out_ack->epoch = first->batch.epoch;
    out_ack->range_count = 0;
    pt_train_t rest = {0};
    for (pt_job_t *job; (job = pt_train_take(&self->jobs)) != NULL;) {
        bool belongs = job == first || s_belongs(first, job);
        pt_train_add(belongs ? out_jobs : &rest, job);
        if (!belongs)
            continue;
        s_add_seq(out_ack, job->batch.seq);
        self->count--;
    }
    self->jobs = rest;
    return true;
}
