/*  A loop around pt_outlet. */
#include "pt_publisher.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_actor.h"
#include "pt_fault_point.h"
#include "pt_sockets.h"

//  Jobs between two looks at the pipe and the beacons.
#define S_BURST 64

typedef struct {
    zsock_t *jobs;
    zsock_t *next;
    pt_outlet_t *outlet; //  NULL until the actor runs
    bool is_durable;
} s_publisher_t;

//  Hand a job back to the pool; summaries are nobody's.
static void
s_hand_on(s_publisher_t *self, pt_job_t *job)
{
    PT_FAULT_POINT("publish.hand.before");
    if (job->is_summary)
        pt_job_destroy(&job);
    else
        pt_job_hand(zsock_resolve(self->next), job);
    PT_FAULT_POINT("publish.hand.after");
}

//  Publish some of the jobs that wait, and return how many; fewer than S_BURST: none is left.
static int
s_publish_jobs(s_publisher_t *self)
{
    int64_t now_ms = zclock_mono();
    int count = 0;
    for (; count < S_BURST; count++) {
        pt_job_t *job = pt_job_take(zsock_resolve(self->jobs));
        if (!job)
            break;
        pt_outlet_take(self->outlet, job, now_ms);
        s_hand_on(self, job);
    }
    return count;
}

static void
s_publisher_close(s_publisher_t **self_p)
{
    s_publisher_t *self = *self_p;
    if (!self)
        return;
    pt_outlet_destroy(&self->outlet);
    zsock_destroy(&self->jobs);
    zsock_destroy(&self->next);
    free(self);
    *self_p = NULL;
}

static void
s_publisher_run(zsock_t *pipe, void *argument)
{
    s_publisher_t *self = argument;
    pt_wait_item_t items[2 + PT_OUTLET_ITEMS_MAX] = {
        pt_wait_socket(zsock_resolve(pipe)),
        pt_wait_socket(zsock_resolve(self->jobs)),
    };
    size_t door_count = pt_outlet_items(self->outlet, items + 2);
    zsock_signal(pipe, 0);
    for (;;) {
        pt_wait(items, 2 + door_count, pt_outlet_turn(self->outlet, zclock_mono()));
        //  The only command is the end.
        if (items[0].ready)
            break;
        pt_outlet_tend(self->outlet, items + 2, door_count);
        items[1].empty = s_publish_jobs(self) < S_BURST;
    }
    //  What is in the journal may be published in any case.
    while (self->is_durable && s_publish_jobs(self) > 0)
        ;
    s_publisher_close(&self);
}

static s_publisher_t *
s_publisher_open(const pt_publisher_options_t *options)
{
    s_publisher_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    self->is_durable = options->is_durable;
    self->jobs = pt_sockets_new(ZMQ_PULL, 0, 0);
    self->next = pt_sockets_new(ZMQ_PUSH, 0, 0);
    if (!self->jobs || !self->next || pt_sockets_bind(self->jobs, options->jobs, bound) != PT_OK ||
        pt_sockets_connect(self->next, options->next) != PT_OK) {
        int reason = errno;
        s_publisher_close(&self);
        errno = reason;
    }
    return self;
}

zactor_t *
pt_publisher_new(const pt_publisher_options_t *options)
{
    assert(options);
    assert(options->outlet);
    assert(options->jobs && options->next);

    s_publisher_t *self = s_publisher_open(options);
    if (!self)
        return NULL;
    self->outlet = options->outlet;
    zactor_t *actor = pt_actor_new(s_publisher_run, self);
    if (!actor) {
        self->outlet = NULL;
        s_publisher_close(&self);
    }
    return actor;
}
