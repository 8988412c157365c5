/*  pt_decider: turns jobs into decisions.
 *
 *  It decides about every response of a job and packs the decisions by topic. Small jobs that follow each other at once
 *  become a train, whose first one gets the decisions of all as its outputs. It keeps no other state between jobs, so
 *  any number of deciders may share one catalog. One thread uses it at a time.
 *
 *      if (!pt_decider_has_room(decider, job))
 *          hand on pt_decider_release(decider);
 *      if (pt_decider_do(decider, job))
 *          hand on job;
 *      when no job follows at once: hand on pt_decider_release(decider), unless it is NULL
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
    size_t train_bytes;          //  another job may follow while all responses and decisions take no more
    uint64_t train_ns_min;       //  and while those before it took less: so long where nothing waited for the train,
    uint64_t train_ns_max;       //  twice as long as the one before, up to this, where more waits
    bool paces;                  //  the first train and some others say how long they took (pt_job_t.took_ns)
    pt_poison_t *poison;         //  outlives the decider; NULL: none
    size_t slot;                 //  of this decider there
    pt_stats_t *stats;           //  outlives the decider; NULL: nobody counts
} pt_decider_options_t;

typedef struct pt_decider pt_decider_t;

/*  NULL when out of memory. */
pt_decider_t *pt_decider_new(const pt_decider_options_t *options);

/*  Does nothing when *self_p is NULL already, and sets it to NULL. */
void pt_decider_destroy(pt_decider_t **self_p);

/*  Whether the job may go along with those that are held. It may where none is. A yes holds for the job at hand, also
 *  when the train's time is over before it is decided.
 */
bool pt_decider_has_room(const pt_decider_t *self, const pt_job_t *job);

/*  Decide about a job for which there is room, and hold it. True: it is not held, but to be handed on at once. It was
 *  refused, or it brought another catalog, which decides from the next job on; nothing of the old one is left here.
 */
PT_MUST_CHECK bool pt_decider_do(pt_decider_t *self, pt_job_t *job);

/*  The first job of those that are held, with the others behind it and the outputs of all, or all refused for want
 *  of memory. NULL: none is held. `more`: others wait already.
 */
pt_job_t *pt_decider_release(pt_decider_t *self, bool more);

#endif
