/*  Jobs are used again and again, so that a batch costs few allocations and a response none. */
#include "pt_job.h"

#include <assert.h>
#include <stdlib.h>

//  A job travels as the address that it has.
#define S_POINTER_BYTES sizeof(void *)

static const char *const s_queues[PT_QUEUE_COUNT_] = {
    [PT_QUEUE_SETTLED] = "settled",
    [PT_QUEUE_RETRY] = "retry",
    [PT_QUEUE_DEAD_LETTER] = "dead_letter",
    [PT_QUEUE_OPERATOR_ALERT] = "operator_alert",
};

const char *
pt_queue_text(pt_queue_t queue)
{
    assert((unsigned) queue < PT_QUEUE_COUNT_);

    return s_queues[queue];
}

pt_queue_t
pt_queue_of_route(pt_route_t route)
{
    switch (route) {
    case PT_ROUTE_SETTLED:
        return PT_QUEUE_SETTLED;
    case PT_ROUTE_RETRY:
        return PT_QUEUE_RETRY;
    case PT_ROUTE_DEAD_LETTER:
    default:
        assert(route == PT_ROUTE_DEAD_LETTER);
        return PT_QUEUE_DEAD_LETTER;
    }
}

pt_job_t *
pt_job_new(void)
{
    return calloc(1, sizeof(pt_job_t));
}

void
pt_job_destroy(pt_job_t **self_p)
{
    assert(self_p);

    pt_job_t *self = *self_p;
    if (!self)
        return;
    pt_job_clear(self);
    free(self->outputs);
    free(self->raised);
    free(self);
    *self_p = NULL;
}

void
pt_job_clear(pt_job_t *self)
{
    assert(self);

    pt_frames_clear(&self->message);
    pt_job_drop_outputs(self);
    self->behind = NULL;
    self->plain = false;
    self->refused = false;
    self->alerts = 0;
    self->invalid = 0;
    self->took_ns = 0;
    memset(self->decided, 0, sizeof(self->decided));
}

static void
s_close_output(pt_output_t *output)
{
    zmq_msg_close(&output->items);
    zmq_msg_close(&output->responses);
}

void
pt_job_drop_outputs(pt_job_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->output_count; i++)
        s_close_output(&self->outputs[i]);
    self->output_count = 0;
    self->raised_count = 0;
}

void
pt_job_refuse(pt_job_t *self, pt_reason_t reason)
{
    assert(self);

    pt_job_drop_outputs(self);
    for (pt_job_t *job = self; job; job = job->behind) {
        job->refused = true;
        job->reason = reason;
    }
}

void
pt_train_add(pt_train_t *self, pt_job_t *job)
{
    assert(self);
    assert(job && !job->behind);

    *(self->first ? &self->last->behind : &self->first) = job;
    self->last = job;
}

pt_job_t *
pt_train_take(pt_train_t *self)
{
    assert(self);

    pt_job_t *job = self->first;
    if (!job)
        return NULL;
    self->first = job->behind;
    job->behind = NULL;
    return job;
}

pt_bytes_t
pt_job_payload(const pt_job_t *self)
{
    assert(self);

    return pt_frames_bytes(&self->message, self->message.count - 1);
}

pt_output_t *
pt_job_add_output(pt_job_t *self)
{
    assert(self);

    if (self->output_count == self->output_capacity) {
        //  Eight topics are what a batch of one gateway's answers usually has.
        size_t capacity = self->output_capacity ? 2 * self->output_capacity : 8;
        pt_output_t *outputs = malloc(capacity * sizeof(*outputs));
        if (!outputs)
            return NULL;
        //  A zmq_msg_t must not be moved by memcpy or realloc.
        for (size_t i = 0; i < self->output_count; i++) {
            outputs[i] = self->outputs[i];
            zmq_msg_init(&outputs[i].items);
            zmq_msg_move(&outputs[i].items, &self->outputs[i].items);
            zmq_msg_init(&outputs[i].responses);
            zmq_msg_move(&outputs[i].responses, &self->outputs[i].responses);
        }
        free(self->outputs);
        self->outputs = outputs;
        self->output_capacity = capacity;
    }
    pt_output_t *output = &self->outputs[self->output_count++];
    *output = (pt_output_t) {0};
    zmq_msg_init(&output->items);
    zmq_msg_init(&output->responses);
    return output;
}

pt_raised_t *
pt_job_add_raised(pt_job_t *self)
{
    assert(self);

    if (self->raised_count == self->raised_capacity) {
        size_t capacity = self->raised_capacity ? 2 * self->raised_capacity : 64;
        pt_raised_t *raised = realloc(self->raised, capacity * sizeof(*raised));
        if (!raised)
            return NULL;
        self->raised = raised;
        self->raised_capacity = capacity;
    }
    return &self->raised[self->raised_count++];
}

//  The baton is the order of memory between two stages, written down: libzmq orders it as well,
//  but neither the language nor a race detector can see that.
void
pt_job_hand(void *socket, pt_job_t *job)
{
    assert(socket);
    assert(job);

    atomic_fetch_add_explicit(&job->baton, 1, memory_order_release);
    int sent = zmq_send(socket, &job, S_POINTER_BYTES, ZMQ_DONTWAIT);
    assert(sent == (int) S_POINTER_BYTES);
    (void) sent;
}

pt_job_t *
pt_job_take(void *socket)
{
    assert(socket);

    pt_job_t *job;
    int size = zmq_recv(socket, &job, S_POINTER_BYTES, ZMQ_DONTWAIT);
    if (size != (int) S_POINTER_BYTES)
        return NULL;
    atomic_load_explicit(&job->baton, memory_order_acquire);
    return job;
}
