/*  pt_decider_actor: one thread of a worker process, an actor that turns jobs into decisions.
 *
 *  It takes jobs from its `work` endpoint, gives them to a decider of its own, and hands them to `next`.
 */
#ifndef PT_DECIDER_ACTOR_H
#define PT_DECIDER_ACTOR_H

#include "pt_decider.h"

typedef struct {
    pt_decider_options_t decider; //  what it refers to outlives the actor
    const char *work;             //  inproc endpoint, bound by the pool: a PAIR of jobs
    const char *next;             //  inproc endpoint, bound by the next stage: a PULL of jobs
} pt_decider_actor_options_t;

/*  Start it; it is connected when this returns. Stop it with zactor_destroy: it finishes the
 *  job in hand and leaves the others where they are. NULL when out of memory or sockets.
 */
zactor_t *pt_decider_actor_new(const pt_decider_actor_options_t *options);

#endif
