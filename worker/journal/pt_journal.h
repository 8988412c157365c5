/*  pt_journal: the stage between deciding and publishing: one actor that makes decisions durable.
 *
 *  It gathers jobs and what subscribers told, commits all of it in one transaction, and only when that is
 *  durable hands the jobs on, so that nothing is published or acknowledged that could still be lost. While a
 *  commit is on its way to the disk the next jobs gather, so a busy journal has large commits and an
 *  idle one a short wait. A busy one also waits for the disk once for each commit, and not twice: the next
 *  commit carries what makes the last one durable.
 *
 *  In idle moments it trims, and prepares pages that will be used next.
 *
 *  It is also where alerts are told or folded (pt_teller), before they are kept.
 *
 *  Jobs without anything to keep (settled decisions only, or refused) are handed on at once. When the
 *  file is full, jobs are refused as busy, nothing of them is kept, and trimming goes on. After a
 *  fault of the disk the actor does nothing more: it tells so, keeps the jobs that it holds
 *  unanswered, and waits for its end.
 */
#ifndef PT_JOURNAL_H
#define PT_JOURNAL_H

#include "pt_alerts.h"
#include "pt_job.h"
#include "pt_request.h"
#include "pt_stats.h"
#include "pt_store.h"

//  Bounds of one commit. The bytes bound how long the disk takes, and with it how long an ACK waits.
#define PT_JOURNAL_JOBS_DEFAULT 256
#define PT_JOURNAL_BYTES_MAX (16u << 20)
#define PT_JOURNAL_JOBS_MAX 4096

typedef struct {
    pt_store_t *store;                 //  outlives the actor, which alone writes to it
    const char *jobs;                  //  inproc endpoint to bind: a PULL of jobs
    const char *next;                  //  inproc endpoint, bound by the next stage
    const char *requests;              //  inproc endpoint to bind: a PULL of requests
    bool settled;                      //  keep settled decisions as well
    uint32_t commit_jobs;              //  most trains of jobs in one commit; 0: the default
    uint32_t commit_wait_ms;           //  how long the first job waits for others
    const pt_alerts_options_t *alerts; //  only read at the start
    pt_stats_t *stats;                 //  outlives the actor; NULL: nobody counts
    int failure_fd;                    //  an eventfd, written to when the disk has failed
} pt_journal_options_t;

/*  Start; all sockets are bound and connected when this returns. Stop it with zactor_destroy, after
 *  the stages before it. NULL when out of memory or sockets.
 */
zactor_t *pt_journal_new(const pt_journal_options_t *options);

#endif
