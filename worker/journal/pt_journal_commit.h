/*  pt_journal_commit: many jobs and requests as one transaction of the store. For pt_journal only. */
#ifndef PT_JOURNAL_COMMIT_H
#define PT_JOURNAL_COMMIT_H

#include "pt_journal.h"

//  Requests of one commit; more wait for the next.
#define PT_COMMIT_REQUESTS_MAX 256

//  An output on its way into the store.
typedef struct {
    pt_output_t *output;
    uint32_t order; //  of arrival
} pt_commit_entry_t;

typedef struct {
    pt_store_t *store;
    bool settled;
    pt_job_t *jobs[PT_JOURNAL_JOBS_MAX + 1]; //  first ones of trains, and one of summaries
    size_t job_count;
    size_t batch_count; //  with those behind the jobs
    size_t bytes;       //  of the jobs' outputs
    pt_request_t *requests[PT_COMMIT_REQUESTS_MAX];
    size_t request_count;
    pt_commit_entry_t *entries;
    size_t entry_capacity;
    pt_store_part_t *parts;
    uint64_t folded; //  decisions of the commit that found no topic of their own
    bool tight;      //  nothing is trimmed along: that takes pages before it gives any
    bool late;       //  the commit waits for the next one; only with a rule switched off
} pt_commit_t;

/*  Whether there is anything of the job to keep. */
bool pt_commit_wants(const pt_commit_t *self, const pt_job_t *job);

/*  Add a job, with all behind it; there must be room. */
void pt_commit_add(pt_commit_t *self, pt_job_t *job);

/*  Write all jobs and requests, and number the outputs. PT_OK: written, and what was written before is durable;
 *  this is with the next one or pt_store_sync, and nothing of it may be told before. PT_E_SPACE, PT_E_NOMEM: undone,
 *  the store is well; PT_E_COUNT, the same, when not even the topics of unknown gateways found a place.
 *  Outputs whose topic finds none are in those. PT_E_IO: the store is dead. The status of each request is set on PT_OK.
 */
pt_status_t pt_commit_write(pt_commit_t *self, uint64_t now_ms);

void pt_commit_clear(pt_commit_t *self);

#endif
