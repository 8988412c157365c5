/*  pt_crew: the actors of a pool, wired one after the other.
 *
 *      job ──PAIR──▶ worker (one of N) ──PUSH──▶ [journal ──PUSH──▶] publisher ──PUSH──▶ finished
 *                                                 ▲  │
 *                                        requests │  ▼ answers
 *                                                replay ◀──ROUTER── subscribers
 *
 *  Without a journal the workers connect to what the publisher binds, and there is no replay. A job
 *  counts as finished when it has been through all stages.
 */
#ifndef PT_CREW_H
#define PT_CREW_H

#include "pt_pool.h"

typedef struct pt_crew pt_crew_t;

/*  Start all actors; they are connected when this returns. `options` is complete and only read
 *  during the call, but for the catalog. NULL with errno when a part fails; *out_refused is then the
 *  endpoint at fault, or NULL when memory or sockets ran out. `failure_fd` is the journal's.
 */
pt_crew_t *pt_crew_new(const pt_pool_options_t *options, int failure_fd, const char **out_refused);

/*  How long published messages get to leave after pt_crew_destroy; see pt_publisher_linger. */
void pt_crew_linger(pt_crew_t *self, int linger_ms);

/*  Stop all actors. Jobs that are not finished stay as they are; their owner releases them after
 *  this, when nobody holds one.
 */
void pt_crew_destroy(pt_crew_t **self_p);

/*  Give a job to the first worker that has little to do, or to the one with the least. */
void pt_crew_start(pt_crew_t *self, pt_job_t *job);

/*  Give all workers another catalog; see pt_swap.h. Not before the last offer is answered. */
void pt_crew_offer(pt_crew_t *self, const pt_catalog_t *catalog);

/*  True once after each offer, when it is over: pt_crew_finish has seen the last of it. *out_switched
 *  false: out of memory, all workers have the old catalog.
 */
bool pt_crew_answer(pt_crew_t *self, bool *out_switched);

/*  The next finished job, or NULL. Never waits. */
pt_job_t *pt_crew_finish(pt_crew_t *self);

/*  What to poll for finished jobs. */
void *pt_crew_socket(const pt_crew_t *self);

/*  Where a queue is published. */
const char *pt_crew_endpoint(const pt_crew_t *self, pt_queue_t queue);

/*  What HEAD names for replay; "" without a journal. */
const char *pt_crew_replay(const pt_crew_t *self);

#endif
