/*  pt_actor: an actor of CZMQ whose thread may be refused.
 *
 *  zactor_new takes no notice of a thread that could not be made, and waits for its first word for ever:
 *  a process under a limit of memory or threads would neither start nor end.
 */
#ifndef PT_ACTOR_H
#define PT_ACTOR_H

#include <czmq.h>

/*  Run `run (pipe, argument)` on a thread of its own, and wait for its signal. The caller owns the actor, and
 *  `argument` where this fails. NULL with errno: EAGAIN when the system gives no thread, ENOMEM.
 */
zactor_t *pt_actor_new(zactor_fn *run, void *argument);

#endif
