/*  pt_engine: the thread of a pool. For pt_pool only.
 *
 *  Owns the crew that does the work, and the accounts of what came from brokers and what it became.
 */
#ifndef PT_ENGINE_H
#define PT_ENGINE_H

#include <pthread.h>

#include "pt_pool.h"

//  What the engine and its caller both see.
typedef struct {
    pthread_mutex_t lock;
    pt_pool_counters_t counters; //  the engine copies its own here, once per turn of its loop
    const pt_catalog_t *offered; //  the caller's next catalog; NULL once the engine has answered
} pt_tally_t;

typedef struct pt_engine pt_engine_t;

//  Commands on the actor's pipe, each with the deadline as a 32-bit number of ms, and the two answers of
//  each. No CZMQ signals: zactor_destroy would take one that nobody read for the actor's end.
#define PT_ENGINE_DRAIN "DRAIN"
#define PT_ENGINE_DRAINED "DRAINED"
#define PT_ENGINE_LATE "LATE"
#define PT_ENGINE_SWAP "SWAP"
#define PT_ENGINE_SWAPPED "SWAPPED"
#define PT_ENGINE_KEPT "KEPT"

/*  Start all parts. `options` is complete and, like `tally`, outlives the engine's creation; `tally`
 *  outlives the engine. NULL with errno when a part fails; *out_refused is then the endpoint at
 *  fault, or NULL when memory or sockets ran out. `failure_fd` is the journal's.
 */
pt_engine_t *pt_engine_new(const pt_pool_options_t *options, pt_tally_t *tally, int failure_fd,
                           const char **out_refused);

/*  Stop all parts, without a word to the brokers. */
void pt_engine_destroy(pt_engine_t **self_p);

/*  Where a queue is published. */
const char *pt_engine_endpoint(const pt_engine_t *self, pt_queue_t queue);

/*  What HEAD names for replay. */
const char *pt_engine_replay(const pt_engine_t *self);

/*  The actor's function; `engine` is its own from then on. */
void pt_engine_run(zsock_t *pipe, void *engine);

#endif
