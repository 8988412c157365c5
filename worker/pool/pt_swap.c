/*  Everything that can fail comes first; a swap that has begun to switch ends. */
#include "pt_swap.h"

#include <assert.h>

#include "pt_packer.h"

static void
s_destroy_job(pt_job_t **job)
{
    if (*job)
        pt_packer_destroy(&(*job)->packer);
    pt_job_destroy(job);
}

void
pt_swap_clear(pt_swap_t *self)
{
    assert(self);

    s_destroy_job(&self->announce);
    for (size_t i = 0; i < self->count; i++)
        s_destroy_job(&self->jobs[i]);
    *self = (pt_swap_t) {.state = PT_SWAP_NONE};
}

static bool
s_make_jobs(pt_swap_t *self, const pt_catalog_t *catalog, size_t threads)
{
    self->announce = pt_job_new();
    if (!self->announce)
        return false;
    self->announce->catalog = catalog;
    for (; self->count < threads; self->count++) {
        pt_job_t *job = pt_job_new();
        self->jobs[self->count] = job;
        if (job)
            job->packer = pt_packer_new(catalog);
        if (!job || !job->packer) {
            s_destroy_job(&self->jobs[self->count]);
            return false;
        }
        job->catalog = catalog;
    }
    return true;
}

bool
pt_swap_begin(pt_swap_t *self, const pt_catalog_t *catalog, size_t threads)
{
    assert(self);
    assert(self->state != PT_SWAP_ANNOUNCING && self->state != PT_SWAP_SWITCHING);
    assert(catalog);
    assert(threads <= PT_POOL_THREADS_MAX);

    pt_swap_clear(self);
    bool well = s_make_jobs(self, catalog, threads);
    if (!well)
        pt_swap_clear(self);
    self->out = well;
    self->state = well ? PT_SWAP_ANNOUNCING : PT_SWAP_REFUSED;
    return well;
}

static void
s_end(pt_swap_t *self, pt_swap_state_t state)
{
    pt_swap_clear(self);
    self->state = state;
}

size_t
pt_swap_take(pt_swap_t *self, pt_job_t *job)
{
    assert(self);
    assert(job && job->catalog);
    assert(self->out > 0);

    self->out--;
    if (self->state == PT_SWAP_ANNOUNCING && !job->refused) {
        self->state = PT_SWAP_SWITCHING;
        self->out = self->count;
        return self->count;
    }
    if (self->out == 0)
        s_end(self, self->state == PT_SWAP_SWITCHING ? PT_SWAP_DONE : PT_SWAP_REFUSED);
    return 0;
}
