/*  Who decides what, and the way of a job through the stages and back. */
#include "pt_crew_parts.h"

#include <assert.h>

#include "pt_fault_point.h"
#include "pt_sockets.h"

//  What is decided sooner is decided here: longer than two threads take to hand it over and back, and no broker minds.
#define S_KEEP_NS UINT64_C(1000000)
//  A decider with this much to do does not run dry while this thread decides something itself.
#define S_PLENTY_NS UINT64_C(4000000)
//  How long deciding takes is known by about as much as came last, beginning with so much and so long.
#define S_KNOWN_BYTES ((size_t) 1024 * 1024)
#define S_FIRST_BYTES ((size_t) 64 * 1024)
#define S_FIRST_NS UINT64_C(128000)

void
pt_crew_guess_cost(pt_crew_t *self)
{
    self->known_bytes = S_FIRST_BYTES;
    self->known_ns = S_FIRST_NS;
}

pt_job_t *
pt_crew_take_finished(pt_crew_t *self)
{
    pt_job_t *job;
    while (self->finished && (job = pt_job_take(zsock_resolve(self->finished))) != NULL) {
        pt_outlet_take(self->outlet, job, zclock_mono());
        if (!job->is_summary)
            return job;
        //  Nobody's.
        pt_job_destroy(&job);
    }
    return NULL;
}

//  How long deciding about this much takes.
static uint64_t
s_cost_ns(const pt_crew_t *self, size_t bytes)
{
    return bytes * self->known_ns / self->known_bytes;
}

//  Jobs of a train, to a decider with a thread.
static void
s_hand_to_seat(pt_crew_t *self, size_t seat, pt_job_t *jobs)
{
    for (pt_job_t *job = jobs; job; job = job->behind) {
        job->seat = seat;
        job->weight = job->catalog ? 0 : pt_job_payload(job).len;
        self->seats[seat].bytes += job->weight;
    }
    pt_job_hand(zsock_resolve(self->seats[seat].work), jobs);
}

//  Who decides what waits: a seat, or this thread (seat_count).
static size_t
s_choose_seat(const pt_crew_t *self)
{
    size_t chosen = self->seat_count;
    if (s_cost_ns(self, self->waiting_bytes) < S_KEEP_NS)
        return chosen;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < self->seat_count; i++)
        if (self->seats[i].bytes < least) {
            least = self->seats[i].bytes;
            chosen = i;
        }
    return s_cost_ns(self, least) < S_PLENTY_NS ? chosen : self->seat_count;
}

//  By bytes, since small trains take longer for as much.
static void
s_learn_cost(pt_crew_t *self, const pt_job_t *train)
{
    self->known_ns += train->took_ns;
    for (const pt_job_t *job = train; job; job = job->behind)
        self->known_bytes += pt_job_payload(job).len;
    if (self->known_bytes > S_KNOWN_BYTES) {
        self->known_bytes /= 2;
        self->known_ns /= 2;
    }
}

//  A train is over. NULL: there was none.
static void
s_count_as_done(pt_crew_t *self, pt_job_t *job)
{
    if (job && job->took_ns)
        s_learn_cost(self, job);
    while (job) {
        pt_job_t *behind = job->behind;
        job->behind = NULL;
        pt_train_add(&self->done, job);
        job = behind;
    }
}

//  What was decided in this thread goes to the journal, or is published here and done. NULL: there is nothing.
static void
s_hand_on(pt_crew_t *self, pt_job_t *job)
{
    if (!job)
        return;
    if (self->keeping) {
        PT_FAULT_POINT("decider.hand_on.before");
        pt_job_hand(zsock_resolve(self->keeping), job);
        PT_FAULT_POINT("decider.hand_on.after");
    } else {
        pt_outlet_take(self->outlet, job, zclock_mono());
        s_count_as_done(self, job);
    }
}

//  Do a job in this thread.
static void
s_do_here(pt_crew_t *self, pt_job_t *job)
{
    job->seat = 0;
    job->weight = 0;
    if (!pt_decider_has_room(self->decider, job))
        s_hand_on(self, pt_decider_release(self->decider, true));
    if (pt_decider_do(self->decider, job))
        s_hand_on(self, job);
}

//  `more`: there are others behind what waits.
static void
s_decide_waiting(pt_crew_t *self, bool more)
{
    size_t seat = s_choose_seat(self);
    if (seat < self->seat_count) {
        s_hand_to_seat(self, seat, self->waiting.first);
        self->waiting = (pt_train_t) {0};
    }
    for (pt_job_t *job; (job = pt_train_take(&self->waiting)) != NULL;)
        s_do_here(self, job);
    self->waiting_bytes = 0;
    s_hand_on(self, pt_decider_release(self->decider, more));
}

bool
pt_crew_start(pt_crew_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);

    if (!self->seat_count) {
        s_do_here(self, job);
        return self->done.first != NULL;
    }
    pt_train_add(&self->waiting, job);
    self->waiting_bytes += pt_job_payload(job).len;
    if (s_cost_ns(self, self->waiting_bytes) >= S_KEEP_NS)
        s_decide_waiting(self, true);
    return self->done.first != NULL;
}

bool
pt_crew_flush(pt_crew_t *self, bool more)
{
    assert(self);

    s_decide_waiting(self, more);
    return self->done.first != NULL;
}

//  A job of a swap is back; the next ones go out: the first is this thread's.
static void
s_go_on_with_swap(pt_crew_t *self, pt_job_t *job)
{
    size_t count = pt_swap_take(&self->swap, job);
    for (size_t i = 1; i < count; i++)
        s_hand_to_seat(self, i - 1, self->swap.jobs[i]);
    if (count)
        s_do_here(self, self->swap.jobs[0]);
}

void
pt_crew_offer(pt_crew_t *self, const pt_catalog_t *catalog)
{
    assert(self);

    if (pt_swap_begin(&self->swap, catalog, self->seat_count + 1))
        s_do_here(self, self->swap.announce);
}

bool
pt_crew_answer(pt_crew_t *self, bool *out_switched)
{
    assert(self);
    assert(out_switched);

    if (self->swap.state != PT_SWAP_DONE && self->swap.state != PT_SWAP_REFUSED)
        return false;
    *out_switched = self->swap.state == PT_SWAP_DONE;
    pt_swap_clear(&self->swap);
    return true;
}

//  One job, apart from its train.
static pt_job_t *
s_next_finished(pt_crew_t *self)
{
    if (!self->done.first)
        s_count_as_done(self, pt_crew_take_finished(self));
    return pt_train_take(&self->done);
}

pt_job_t *
pt_crew_finish(pt_crew_t *self)
{
    assert(self);

    pt_job_t *job;
    while ((job = s_next_finished(self)) != NULL) {
        self->seats[job->seat].bytes -= job->weight;
        if (!job->catalog)
            break;
        s_go_on_with_swap(self, job);
    }
    return job;
}
