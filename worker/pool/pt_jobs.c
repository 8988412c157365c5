/*  Two lists through the jobs themselves, so that nothing is allocated for a job that is used again. */
#include "pt_jobs.h"

#include <assert.h>

static void
s_destroy_list(pt_job_t *job)
{
    while (job) {
        pt_job_t *next = job->next;
        pt_job_destroy(&job);
        job = next;
    }
}

void
pt_jobs_clear(pt_jobs_t *self)
{
    assert(self);

    s_destroy_list(self->working);
    s_destroy_list(self->spare);
    *self = (pt_jobs_t) {0};
}

pt_job_t *
pt_jobs_take(pt_jobs_t *self)
{
    assert(self);

    pt_job_t *job = self->spare;
    if (!job)
        return pt_job_new();
    self->spare = job->next;
    return job;
}

void
pt_jobs_return(pt_jobs_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);

    pt_job_clear(job);
    job->next = self->spare;
    self->spare = job;
}

void
pt_jobs_begin(pt_jobs_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);

    job->previous = NULL;
    job->next = self->working;
    if (job->next)
        job->next->previous = job;
    self->working = job;
    self->in_work++;
}

void
pt_jobs_end(pt_jobs_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);

    *(job->previous ? &job->previous->next : &self->working) = job->next;
    if (job->next)
        job->next->previous = job->previous;
    self->in_work--;
}
