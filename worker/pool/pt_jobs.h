/*  pt_jobs: the jobs of a pool: those in work, and those to use again.
 *
 *  A pool makes as many jobs as brokers have ever filled at a time, and keeps them. One thread owns it.
 */
#ifndef PT_JOBS_H
#define PT_JOBS_H

#include "pt_job.h"

//  Zeros are an empty one.
typedef struct {
    pt_job_t *working; //  list of jobs that a stage holds
    pt_job_t *spare;   //  list of jobs without contents
    size_t in_work;    //  length of the first
} pt_jobs_t;

/*  Release all jobs; nobody else may hold one any more. */
void pt_jobs_clear(pt_jobs_t *self);

/*  A job without contents, in neither list; the caller gives it back. NULL when out of memory. */
pt_job_t *pt_jobs_take(pt_jobs_t *self);

/*  Close what the job holds, and keep it to be used again. */
void pt_jobs_return(pt_jobs_t *self, pt_job_t *job);

/*  Note that a stage holds the job from now on, and that it no longer does. */
void pt_jobs_begin(pt_jobs_t *self, pt_job_t *job);
void pt_jobs_end(pt_jobs_t *self, pt_job_t *job);

#endif
