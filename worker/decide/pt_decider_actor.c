/*  A loop around pt_decider. */
#include "pt_decider_actor.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_actor.h"
#include "pt_fault_point.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  Trains between two looks at the pipe.
#define S_BURST 64

typedef struct {
    zsock_t *work;
    zsock_t *next;
    pt_decider_t *decider;
} s_actor_t;

static void
s_actor_close(s_actor_t **self_p)
{
    s_actor_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->work);
    zsock_destroy(&self->next);
    pt_decider_destroy(&self->decider);
    free(self);
    *self_p = NULL;
}

static s_actor_t *
s_actor_open(const pt_decider_actor_options_t *options)
{
    s_actor_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->work = pt_sockets_new(ZMQ_PAIR, 0, 0);
    self->next = pt_sockets_new(ZMQ_PUSH, 0, 0);
    if (self->work && self->next && pt_sockets_connect(self->work, options->work) == PT_OK &&
        pt_sockets_connect(self->next, options->next) == PT_OK)
        self->decider = pt_decider_new(&options->decider);
    if (!self->decider) {
        int reason = errno;
        s_actor_close(&self);
        errno = reason;
    }
    return self;
}

static void
s_hand_on(s_actor_t *self, pt_job_t *job)
{
    if (!job)
        return;
    PT_FAULT_POINT("decider.hand_on.before");
    pt_job_hand(zsock_resolve(self->next), job);
    PT_FAULT_POINT("decider.hand_on.after");
}

//  Do what was handed over in one go.
static void
s_do_train(s_actor_t *self, pt_job_t *first)
{
    pt_train_t jobs = {.first = first};
    for (pt_job_t *job; (job = pt_train_take(&jobs)) != NULL;) {
        if (!pt_decider_has_room(self->decider, job))
            s_hand_on(self, pt_decider_release(self->decider, true));
        if (pt_decider_do(self->decider, job))
            s_hand_on(self, job);
    }
    s_hand_on(self, pt_decider_release(self->decider, false));
}

//  Do some of what waits. False: nothing is left.
static bool
s_do_jobs(s_actor_t *self)
{
    for (int i = 0; i < S_BURST; i++) {
        pt_job_t *jobs = pt_job_take(zsock_resolve(self->work));
        if (!jobs)
            return false;
        s_do_train(self, jobs);
    }
    return true;
}

static void
s_actor_run(zsock_t *pipe, void *argument)
{
    s_actor_t *self = argument;
    pt_wait_item_t items[] = {
        pt_wait_socket(zsock_resolve(pipe)),
        pt_wait_socket(zsock_resolve(self->work)),
    };
    zsock_signal(pipe, 0);
    for (;;) {
        pt_wait(items, 2, -1);
        //  The only command is the end.
        if (items[0].ready)
            break;
        items[1].empty = !s_do_jobs(self);
    }
    s_actor_close(&self);
}

zactor_t *
pt_decider_actor_new(const pt_decider_actor_options_t *options)
{
    assert(options);
    assert(options->work);
    assert(options->next);

    s_actor_t *self = s_actor_open(options);
    if (!self)
        return NULL;
    zactor_t *actor = pt_actor_new(s_actor_run, self);
    if (!actor)
        s_actor_close(&self);
    return actor;
}
