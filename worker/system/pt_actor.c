/*  Whether there is a thread to be had is asked for by making one. What it took is free again when the actor's
 *  own is made: the C library keeps the stack, and nothing comes in between.
 */
#include "pt_actor.h"

#include <assert.h>
#include <pthread.h>

static void *
s_end_at_once(void *argument)
{
    return argument;
}

zactor_t *
pt_actor_new(zactor_fn *run, void *argument)
{
    assert(run);

    pthread_t thread;
    int refused = pthread_create(&thread, NULL, s_end_at_once, NULL);
    if (refused) {
        errno = refused;
        return NULL;
    }
    pthread_join(thread, NULL);
    return zactor_new(run, argument);
}
