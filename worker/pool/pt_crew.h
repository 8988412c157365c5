/*  pt_crew: the stages of a pool, wired one after the other.
 *
 *      job ──▶ decided here ────────────────────────────┬──▶ [journal ──PUSH──▶] published here ──▶ finished
 *       └─PAIR──▶ decider with a thread (of N - 1) ─PUSH┘      ▲  │
 *                                                     requests │  ▼ answers
 *                                                             replay ◀──ROUTER── subscribers
 *
 *  The caller's thread is one of the N that decide, and publishes. It decides itself what takes less than a
 *  millisecond, and hands more to a decider that has little to do; so with one thread only the journal is an actor.
 *  Without a journal there is no replay. A job counts as finished when it has been through all stages.
 */
#ifndef PT_CREW_H
#define PT_CREW_H

#include "pt_outlet.h"
#include "pt_pool.h"

typedef struct pt_crew pt_crew_t;

/*  Start all stages; they are connected when this returns. `options` is complete and only read
 *  during the call, but for the catalog. NULL with errno when a part fails; *out_refused is then the
 *  endpoint at fault, or NULL when memory or sockets ran out. `failure_fd` is the journal's.
 */
pt_crew_t *pt_crew_new(const pt_pool_options_t *options, int failure_fd, const char **out_refused);

/*  How long published messages get to leave after pt_crew_destroy, else PT_SOCKETS_LINGER_MS. The end of the
 *  process waits for them.
 */
void pt_crew_linger(pt_crew_t *self, int linger_ms);

/*  Stop all actors. Jobs that are not finished stay as they are; their owner releases them after
 *  this, when nobody holds one.
 */
void pt_crew_destroy(pt_crew_t **self_p);

/*  Have a job decided, here or by a decider with a thread. True: pt_crew_finish has jobs at once. It may wait for
 *  others to follow, until pt_crew_flush.
 */
PT_MUST_CHECK bool pt_crew_start(pt_crew_t *self, pt_job_t *job);

/*  None that was started waits for another to follow from now on; `more`: others will at once. True: pt_crew_finish has
 *  jobs.
 */
PT_MUST_CHECK bool pt_crew_flush(pt_crew_t *self, bool more);

/*  Give all threads another catalog; see pt_swap.h. Not before the last offer is answered. */
void pt_crew_offer(pt_crew_t *self, const pt_catalog_t *catalog);

/*  True once after each offer, when it is over: pt_crew_finish has seen the last of it. *out_switched
 *  false: out of memory, all threads have the old catalog.
 */
bool pt_crew_answer(pt_crew_t *self, bool *out_switched);

/*  The next finished job, or NULL. Never waits. */
pt_job_t *pt_crew_finish(pt_crew_t *self);

/*  What to wait for finished jobs at; NULL: all are finished after pt_crew_flush. */
void *pt_crew_socket(const pt_crew_t *self);

/*  For the loop of the thread that calls all of these: fill items[0..PT_OUTLET_ITEMS_MAX) with what else to wait
 *  for, and return how many; call tend with them after each wait; call turn before it, which tells for how
 *  many ms at most.
 */
size_t pt_crew_items(const pt_crew_t *self, pt_wait_item_t *items);
void pt_crew_tend(pt_crew_t *self, const pt_wait_item_t *items, size_t count);
int64_t pt_crew_turn(pt_crew_t *self, int64_t now_ms);

/*  Where a queue is published. */
const char *pt_crew_endpoint(const pt_crew_t *self, pt_queue_t queue);

/*  What HEAD names for replay; "" without a journal. */
const char *pt_crew_replay(const pt_crew_t *self);

#endif
