/*  pt_swap: another catalog for all threads of a pool, while they work. For pt_crew only.
 *
 *  The catalog is handed over by message: a job without responses goes the way of every job, to each
 *  decider and on through all stages, until it is back. First one announces the new gateways' topics to
 *  the publisher; then one for each decider carries the catalog and the room that depends on it, which
 *  the decider takes between two jobs, and brings back the old room. So a batch is decided by one
 *  catalog, nobody waits, and no lock or counter stands in the way of a response. When all are back,
 *  nothing in the pool refers to the old catalog.
 */
#ifndef PT_SWAP_H
#define PT_SWAP_H

#include "pt_pool.h"

typedef enum {
    PT_SWAP_NONE,
    PT_SWAP_ANNOUNCING, //  one job is out
    PT_SWAP_SWITCHING,  //  one for each decider
    PT_SWAP_DONE,       //  all are back
    PT_SWAP_REFUSED,    //  no memory; all threads have the old one
} pt_swap_state_t;

typedef struct {
    pt_swap_state_t state;
    pt_job_t *announce;
    pt_job_t *jobs[PT_POOL_THREADS_MAX];
    size_t count;
    size_t out; //  jobs that are not back
} pt_swap_t;

/*  Make all that is needed, so that nothing can fail later. True: hand `announce` to any decider. False,
 *  out of memory: the swap is refused. `catalog` must stay until the swap is over, and then as long as
 *  it is in use.
 */
bool pt_swap_begin(pt_swap_t *self, const pt_catalog_t *catalog, size_t threads);

/*  A job with a catalog is back. Returns how many of `jobs` are to be handed out now, one to each
 *  decider: none, or all.
 */
size_t pt_swap_take(pt_swap_t *self, pt_job_t *job);

/*  Release what is left, and start over: also in the midst of it, once all actors have ended. */
void pt_swap_clear(pt_swap_t *self);

#endif
