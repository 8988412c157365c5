/*  pt_worker: one actor that turns jobs into decisions.
 *
 *  It takes jobs from its `work` endpoint, decides about every response, packs the decisions by
 *  topic into the job's outputs, and hands the job to `next`. It keeps no state between jobs but
 *  its buffers, so any number of workers may share one catalog.
 */
#ifndef PT_WORKER_H
#define PT_WORKER_H

#include "pt_catalog.h"
#include "pt_job.h"
#include "pt_poison.h"
#include "pt_stats.h"

typedef struct {
    const pt_catalog_t *catalog; //  outlives the actor
    const char *work;            //  inproc endpoint, bound by the pool: a PAIR of jobs
    const char *next;            //  inproc endpoint, bound by the next stage: a PULL of jobs
    pt_masking_t masking;        //  of card numbers in decisions
    bool keep;                   //  responses beside unsettled decisions, for the journal
    pt_poison_t *poison;         //  outlives the actor; NULL: none
    size_t slot;                 //  of this actor there
    pt_stats_t *stats;           //  outlives the actor; NULL: nobody counts
} pt_worker_options_t;

/*  Start a worker; it is connected when this returns. Stop it with zactor_destroy: it finishes the
 *  job in hand and leaves the others where they are. NULL when out of memory or sockets.
 */
zactor_t *pt_worker_new(const pt_worker_options_t *options);

#endif
