/*  Endpoints inside the process, who binds and who connects, and the order of starting and stopping. */
#include "pt_crew.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "pt_fault_point.h"
#include "pt_journal.h"
#include "pt_replay.h"
#include "pt_sockets.h"
#include "pt_swap.h"
#include "pt_worker.h"

#define S_ENDPOINT_BYTES 64

//  What is decided sooner is decided here: longer than two threads take to hand it over and back, and no broker minds.
#define S_KEEP_NS UINT64_C(1000000)
//  A worker with this much to do does not run dry while this thread decides something itself.
#define S_PLENTY_NS UINT64_C(4000000)
//  How long deciding takes is known by about as much as came last, beginning with so much and so long.
#define S_KNOWN_BYTES ((size_t) 1024 * 1024)
#define S_FIRST_BYTES ((size_t) 64 * 1024)
#define S_FIRST_NS UINT64_C(128000)

//  Responses and decisions of a train of several jobs, and how long they may take: 1000 responses with map bodies, 250
//  with JSON. Of a journal it takes at most this part.
#define S_TRAIN_BYTES ((size_t) 1024 * 1024)
#define S_TRAIN_NS UINT64_C(2000000)
#define S_TRAIN_SHARE 128

typedef struct {
    zactor_t *actor;
    zsock_t *work;
    size_t bytes; //  of the payloads in work
} s_seat_t;

struct pt_crew {
    unsigned serial; //  tells the endpoints of several crews in one process apart
    s_seat_t seats[PT_POOL_WORKERS_MAX];
    size_t seat_count;     //  of workers with a thread
    pt_decider_t *decider; //  of the one that has the caller's
    pt_train_t waiting;    //  to be decided here or by a seat
    size_t waiting_bytes;  //  of their payloads
    size_t known_bytes;    //  responses lately of which it is known how long they took,
    uint64_t known_ns;     //  of a processor
    zsock_t *keeping;      //  from the decider to the journal; NULL: none
    zactor_t *journal;
    pt_replay_t *replay;
    pt_outlet_t *outlet;
    atomic_int linger_ms;
    zsock_t *finished; //  NULL: jobs are finished when they are decided
    pt_train_t done;   //  finished, the pool does not know yet
    pt_swap_t swap;
};

static void
s_name_endpoint(const pt_crew_t *self, const char *stage, char out[S_ENDPOINT_BYTES])
{
    snprintf(out, S_ENDPOINT_BYTES, "inproc://paytriage-%u-%s", self->serial, stage);
}

static bool
s_start_outlet(pt_crew_t *self, const pt_pool_options_t *options, const char **out_refused)
{
    pt_outlet_options_t outlet = {
        .worker = options->worker,
        .epoch = options->epoch,
        .catalog = options->catalog,
        .hwm = options->publish_hwm,
        .replay = pt_crew_replay(self),
        .gate = options->gate,
        .settled = options->journal && options->journal_settled,
        .journal = options->journal,
        .alerts = options->journal ? NULL : &options->alerts,
        .stats = options->stats,
        .linger_ms = &self->linger_ms,
    };
    memcpy(outlet.endpoints, options->publish, sizeof(outlet.endpoints));
    self->outlet = pt_outlet_new(&outlet, out_refused);
    return self->outlet != NULL;
}

static bool
s_start_journal(pt_crew_t *self, const pt_pool_options_t *options, int failure_fd)
{
    char jobs[S_ENDPOINT_BYTES];
    char next[S_ENDPOINT_BYTES];
    char requests[S_ENDPOINT_BYTES];
    s_name_endpoint(self, "journal", jobs);
    s_name_endpoint(self, "finished", next);
    s_name_endpoint(self, "requests", requests);
    pt_journal_options_t journal = {
        .store = options->journal,
        .jobs = jobs,
        .next = next,
        .requests = requests,
        .settled = options->journal_settled,
        .commit_jobs = options->commit_jobs,
        .commit_wait_ms = options->commit_wait_ms,
        .alerts = &options->alerts,
        .stats = options->stats,
        .failure_fd = failure_fd,
    };
    self->journal = pt_journal_new(&journal);
    return self->journal != NULL;
}

//  Before the outlet, which names it, and before the journal: it connects when that is bound.
static bool
s_start_replay(pt_crew_t *self, const pt_pool_options_t *options, const char **out_refused)
{
    char requests[S_ENDPOINT_BYTES];
    char answers[S_ENDPOINT_BYTES];
    s_name_endpoint(self, "requests", requests);
    s_name_endpoint(self, "answers", answers);
    pt_replay_options_t replay = {
        .store = options->journal,
        .endpoint = options->replay,
        .gate = options->gate,
        .advertise = options->advertise,
        .control = options->control,
        .stats = options->stats,
        .requests = requests,
        .answers = answers,
    };
    self->replay = pt_replay_new(&replay, out_refused);
    return self->replay != NULL;
}

//  A train is one commit at least, and small journals take small commits.
static size_t
s_train_bytes(const pt_pool_options_t *options)
{
    if (!options->journal)
        return S_TRAIN_BYTES;
    uint64_t share = pt_store_usage(options->journal).pages_max * (uint64_t) sysconf(_SC_PAGESIZE) / S_TRAIN_SHARE;
    return share < S_TRAIN_BYTES ? (size_t) share : S_TRAIN_BYTES;
}

static pt_decider_options_t
s_decider_options(const pt_pool_options_t *options, size_t slot)
{
    return (pt_decider_options_t) {
        .catalog = options->catalog,
        .masking = options->masking,
        .keep = options->journal != NULL,
        .train_bytes = s_train_bytes(options),
        .train_ns = S_TRAIN_NS,
        .paces = options->workers > 1,
        .poison = options->poison,
        .slot = slot,
        .stats = options->stats,
    };
}

static bool
s_start_seat(pt_crew_t *self, const pt_pool_options_t *options)
{
    s_seat_t *seat = &self->seats[self->seat_count++];
    char stage[S_ENDPOINT_BYTES / 2];
    char work[S_ENDPOINT_BYTES];
    char next[S_ENDPOINT_BYTES];
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    snprintf(stage, sizeof(stage), "work-%zu", self->seat_count);
    s_name_endpoint(self, stage, work);
    s_name_endpoint(self, options->journal ? "journal" : "finished", next);
    seat->work = pt_sockets_new(ZMQ_PAIR, 0, 0);
    if (!seat->work || pt_sockets_bind(seat->work, work, bound) != PT_OK)
        return false;
    pt_worker_options_t worker = {.decider = s_decider_options(options, self->seat_count), .work = work, .next = next};
    seat->actor = pt_worker_new(&worker);
    return seat->actor != NULL;
}

//  The worker in the caller's thread.
static bool
s_start_decider(pt_crew_t *self, const pt_pool_options_t *options)
{
    char next[S_ENDPOINT_BYTES];
    pt_decider_options_t decider = s_decider_options(options, 0);
    self->decider = pt_decider_new(&decider);
    if (!self->decider || !options->journal)
        return self->decider != NULL;
    s_name_endpoint(self, "journal", next);
    self->keeping = pt_sockets_new(ZMQ_PUSH, 0, 0);
    return self->keeping && pt_sockets_connect(self->keeping, next) == PT_OK;
}

static bool
s_start_seats(pt_crew_t *self, const pt_pool_options_t *options)
{
    for (size_t i = 1; i < options->workers; i++)
        if (!s_start_seat(self, options))
            return false;
    return true;
}

static bool
s_bind_finished(pt_crew_t *self)
{
    char finished[S_ENDPOINT_BYTES];
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    s_name_endpoint(self, "finished", finished);
    self->finished = pt_sockets_new(ZMQ_PULL, 0, 0);
    return self->finished && pt_sockets_bind(self->finished, finished, bound) == PT_OK;
}

//  From the end of the chain to its beginning: each stage connects to what is bound already.
static bool
s_start_stages(pt_crew_t *self, const pt_pool_options_t *options, int failure_fd, const char **out_refused)
{
    if ((options->workers > 1 || options->journal) && !s_bind_finished(self))
        return false;
    if (options->journal && options->replay && !s_start_replay(self, options, out_refused))
        return false;
    if (!s_start_outlet(self, options, out_refused))
        return false;
    if (options->journal && !s_start_journal(self, options, failure_fd))
        return false;
    return s_start_decider(self, options) && s_start_seats(self, options);
}

pt_crew_t *
pt_crew_new(const pt_pool_options_t *options, int failure_fd, const char **out_refused)
{
    assert(options);
    assert(options->workers > 0 && options->workers <= PT_POOL_WORKERS_MAX);
    assert(out_refused);

    static atomic_uint s_serial;
    *out_refused = NULL;
    pt_crew_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->serial = atomic_fetch_add(&s_serial, 1);
    self->known_bytes = S_FIRST_BYTES;
    self->known_ns = S_FIRST_NS;
    atomic_init(&self->linger_ms, PT_SOCKETS_LINGER_MS);
    if (!s_start_stages(self, options, failure_fd, out_refused)) {
        int reason = errno;
        pt_crew_destroy(&self);
        errno = reason;
    }
    return self;
}

void
pt_crew_linger(pt_crew_t *self, int linger_ms)
{
    assert(self);
    assert(linger_ms >= 0);

    atomic_store(&self->linger_ms, linger_ms);
}

//  The next job from the stage before, published, with all behind it; NULL: none.
static pt_job_t *
s_take_finished(pt_crew_t *self)
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

void
pt_crew_destroy(pt_crew_t **self_p)
{
    assert(self_p);

    pt_crew_t *self = *self_p;
    if (!self)
        return;
    //  In the direction of the jobs, so that nobody hands one to a stage that is gone.
    for (size_t i = 0; i < self->seat_count; i++)
        zactor_destroy(&self->seats[i].actor);
    for (size_t i = 0; i < self->seat_count; i++)
        zsock_destroy(&self->seats[i].work);
    zactor_destroy(&self->journal);
    pt_replay_destroy(&self->replay);
    //  What is in the journal may be published in any case.
    while (self->keeping && s_take_finished(self))
        ;
    zsock_destroy(&self->keeping);
    pt_outlet_destroy(&self->outlet);
    pt_decider_destroy(&self->decider);
    zsock_destroy(&self->finished);
    pt_swap_clear(&self->swap);
    free(self);
    *self_p = NULL;
}

//  How long deciding about this much takes.
static uint64_t
s_cost_ns(const pt_crew_t *self, size_t bytes)
{
    return bytes * self->known_ns / self->known_bytes;
}

//  Jobs of a train, to a worker with a thread.
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
        PT_FAULT_POINT("worker.hand.before");
        pt_job_hand(zsock_resolve(self->keeping), job);
        PT_FAULT_POINT("worker.hand.after");
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
        s_hand_on(self, pt_decider_release(self->decider));
    if (pt_decider_do(self->decider, job))
        s_hand_on(self, job);
}

static void
s_decide_waiting(pt_crew_t *self)
{
    size_t seat = s_choose_seat(self);
    if (seat < self->seat_count) {
        s_hand_to_seat(self, seat, self->waiting.first);
        self->waiting = (pt_train_t) {0};
    }
    for (pt_job_t *job; (job = pt_train_take(&self->waiting)) != NULL;)
        s_do_here(self, job);
    self->waiting_bytes = 0;
    s_hand_on(self, pt_decider_release(self->decider));
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
        s_decide_waiting(self);
    return self->done.first != NULL;
}

bool
pt_crew_flush(pt_crew_t *self)
{
    assert(self);

    s_decide_waiting(self);
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
        s_count_as_done(self, s_take_finished(self));
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

void *
pt_crew_socket(const pt_crew_t *self)
{
    assert(self);

    return self->finished ? zsock_resolve(self->finished) : NULL;
}

const char *
pt_crew_endpoint(const pt_crew_t *self, pt_queue_t queue)
{
    assert(self);

    return pt_outlet_endpoint(self->outlet, queue);
}

const char *
pt_crew_replay(const pt_crew_t *self)
{
    assert(self);

    return self->replay ? pt_replay_endpoint(self->replay) : "";
}

size_t
pt_crew_items(const pt_crew_t *self, pt_wait_item_t *items)
{
    assert(self);
    assert(items);

    return pt_outlet_items(self->outlet, items);
}

void
pt_crew_tend(pt_crew_t *self, const pt_wait_item_t *items, size_t count)
{
    assert(self);

    pt_outlet_tend(self->outlet, items, count);
}

int64_t
pt_crew_turn(pt_crew_t *self, int64_t now_ms)
{
    assert(self);

    return pt_outlet_turn(self->outlet, now_ms);
}
