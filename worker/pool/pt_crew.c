/*  Endpoints inside the process, who binds and who connects, and the order of starting and stopping. */
#include "pt_crew_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "pt_decider_actor.h"
#include "pt_journal.h"
#include "pt_sockets.h"

#define S_ENDPOINT_BYTES 64

//  Responses and decisions of a train of several jobs, and how long they may take where many wait: 1000 responses with
//  map bodies, 250 with JSON. Where few do it is shorter. Of a journal it takes at most this part.
#define S_TRAIN_BYTES ((size_t) 1024 * 1024)
#define S_TRAIN_NS UINT64_C(2000000)
#define S_SHORT_TRAIN_NS UINT64_C(100000)
#define S_TRAIN_SHARE 128

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

//  What is handed over, or waits for a disk, gains nothing by leaving sooner than what came with it.
static pt_decider_options_t
s_decider_options(const pt_pool_options_t *options, size_t slot)
{
    bool waits = slot > 0 || options->journal;
    return (pt_decider_options_t) {
        .catalog = options->catalog,
        .masking = options->masking,
        .keep = options->journal != NULL,
        .train_bytes = s_train_bytes(options),
        .train_ns_min = waits ? S_TRAIN_NS : S_SHORT_TRAIN_NS,
        .train_ns_max = S_TRAIN_NS,
        .paces = options->threads > 1,
        .poison = options->poison,
        .slot = slot,
        .stats = options->stats,
    };
}

static bool
s_start_seat(pt_crew_t *self, const pt_pool_options_t *options)
{
    pt_crew_seat_t *seat = &self->seats[self->seat_count++];
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
    pt_decider_actor_options_t actor = {
        .decider = s_decider_options(options, self->seat_count), .work = work, .next = next};
    seat->actor = pt_decider_actor_new(&actor);
    return seat->actor != NULL;
}

//  The decider in the caller's thread.
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
    for (size_t i = 1; i < options->threads; i++)
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
    if ((options->threads > 1 || options->journal) && !s_bind_finished(self))
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
    assert(options->threads > 0 && options->threads <= PT_POOL_THREADS_MAX);
    assert(out_refused);

    static atomic_uint s_serial;
    *out_refused = NULL;
    pt_crew_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->serial = atomic_fetch_add(&s_serial, 1);
    pt_crew_guess_cost(self);
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
    while (self->keeping && pt_crew_take_finished(self))
        ;
    zsock_destroy(&self->keeping);
    pt_outlet_destroy(&self->outlet);
    pt_decider_destroy(&self->decider);
    zsock_destroy(&self->finished);
    pt_swap_clear(&self->swap);
    free(self);
    *self_p = NULL;
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
