/*  A commit that found no room, and what makes some. */
#include "pt_fault_point.h"
#include "pt_journal_parts.h"

//  Between two trimmings while nothing else is to be done.
#define S_TRIM_EVERY_MS 100

//  A batch that takes more of the file than hard trimming is sure to free would be refused again and
//  again: its producer has to cut it.
static pt_reason_t
s_reason_of_refusal(const pt_journal_t *self, pt_status_t status)
{
    bool alone = self->commit->job_count == 1 && !self->commit->jobs[0]->behind;
    bool hopeless = status == PT_E_SPACE && alone && self->commit->bytes > self->batch_bytes_max;
    return hopeless ? PT_REASON_TOO_BIG : PT_REASON_BUSY;
}

//  Nothing of a job was kept: its producer has to send it again, or to cut it.
static void
s_refuse_jobs(pt_journal_t *self, pt_reason_t reason)
{
    for (size_t i = self->commit->job_count; i-- > 0;) {
        pt_job_t *job = self->commit->jobs[i];
        pt_teller_undo(self->teller, job);
        pt_job_refuse(job, reason);
        if (job->is_summary)
            self->summary_ms = zclock_mono() + PT_JOURNAL_SUMMARY_AGAIN_MS;
    }
    for (size_t i = 0; i < self->commit->request_count; i++)
        self->commit->requests[i]->status = PT_E_SPACE;
}

void
pt_journal_trim(pt_journal_t *self, bool hard)
{
    pt_store_t *store = self->commit->store;
    PT_FAULT_POINT("journal.trim.before");
    pt_stats_disk_begin(self->stats);
    //  An operator's command that was killed while it read keeps all that is trimmed from being used again.
    pt_store_clear_dead_views(store);
    //  Each topic that is touched takes pages first, so less is tried where there are few.
    pt_status_t status = PT_E_SPACE;
    for (size_t bytes = 1u << 20; status == PT_E_SPACE && bytes > 0; bytes /= 32) {
        status = pt_store_begin(store);
        if (status == PT_OK)
            status = hard ? pt_store_trim_hard(store, bytes) : pt_store_trim(store, bytes);
        if (status == PT_OK)
            status = pt_store_commit(store);
        else
            pt_store_abort(store);
    }
    pt_stats_disk_end(self->stats);
    PT_FAULT_POINT("journal.trim.after");
    self->trim_ms = zclock_mono() + S_TRIM_EVERY_MS;
    if (status == PT_E_IO)
        pt_journal_fail(self);
}

//  Positions are what lets go of pages: they must not fall with batches that found no room.
static pt_status_t
s_write_requests_alone(pt_journal_t *self)
{
    self->commit->job_count = 0;
    self->commit->tight = true;
    pt_stats_disk_begin(self->stats);
    pt_status_t status = pt_commit_write(self->commit, (uint64_t) zclock_time());
    if (status == PT_OK)
        status = pt_store_sync(self->commit->store);
    pt_stats_disk_end(self->stats);
    self->commit->tight = false;
    for (size_t i = 0; i < self->commit->request_count && status != PT_OK; i++)
        self->commit->requests[i]->status = PT_E_SPACE;
    return status;
}

void
pt_journal_undo(pt_journal_t *self, pt_status_t status)
{
    if (!pt_journal_sync(self))
        return;
    s_refuse_jobs(self, s_reason_of_refusal(self, status));
    pt_journal_hand_jobs(self, self->commit);
    if (status == PT_E_SPACE && self->commit->request_count && s_write_requests_alone(self) == PT_E_IO) {
        pt_journal_fail(self);
        return;
    }
    pt_journal_answer_requests(self, self->commit);
    pt_commit_clear(self->commit);
    if (status == PT_E_SPACE)
        pt_journal_trim(self, true);
}
