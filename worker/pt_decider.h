/*  pt_decider: turns jobs into decisions.
 *
 *  It decides about every response of a job and packs the decisions by topic into the job's outputs. It keeps
 *  no state between jobs but its buffers, so any number of deciders may share one catalog. One thread uses it
 *  at a time.
 */
#ifndef PT_DECIDER_H
#define PT_DECIDER_H

#include "pt_catalog.h"
#include "pt_job.h"
#include "pt_poison.h"
#include "pt_stats.h"

typedef struct {
    const pt_catalog_t *catalog; //  outlives the decider
    pt_masking_t masking;        //  of card numbers in decisions
    bool keep;                   //  responses beside unsettled decisions, for the journal
    pt_poison_t *poison;         //  outlives the decider; NULL: none
    size_t slot;                 //  of this decider there
    pt_stats_t *stats;           //  outlives the decider; NULL: nobody counts
} pt_decider_options_t;

typedef struct pt_decider pt_decider_t;

/*  NULL when out of memory. */
pt_decider_t *pt_decider_new(const pt_decider_options_t *options);

/*  Does nothing when *self_p is NULL already, and sets it to NULL. */
void pt_decider_destroy(pt_decider_t **self_p);

/*  Fill the job's outputs, or refuse it. A job that brings another catalog is taken over: from the next one on
 *  it decides, and nothing of the old one is left here.
 */
void pt_decider_do(pt_decider_t *self, pt_job_t *job);

#endif
