/*  The parts, the drain, and the loop of the one thread that owns them. It never waits in a send, and never longer
 *  than a poll. What becomes of a message is pt_accounts' business.
 */
#include "pt_engine.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_accounts.h"
#include "pt_fault_point.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  What a broker sent before it read that this worker drains arrives within this long, or is lost
//  to the producer's resend. Brokers that never spoke have sent nothing.
#define S_DRAIN_GRACE_MS 100

struct pt_engine {
    pt_accounts_t accounts;
    pt_crew_t *crew;
    bool draining;
    bool drained;   //  the caller was told
    bool spoke;     //  to the caller, since its pipe was looked into
    int64_t now_ms; //  when this turn of the loop began, monotonic
    int64_t grace_ms;
    int64_t deadline_ms;
    const pt_stats_t *stats; //  NULL: nobody counts
    pt_tally_t *tally;
};

//  The links last: from then on there is work.
static bool
s_start_parts(pt_engine_t *self, const pt_pool_options_t *options, int failure_fd, const char **out_refused)
{
    if (!pt_accounts_open(&self->accounts, options))
        return false;
    self->crew = pt_crew_new(options, failure_fd, out_refused);
    PT_FAULT_POINT("engine.crew");
    return self->crew && pt_accounts_connect(&self->accounts, options, self->crew, out_refused);
}

pt_engine_t *
pt_engine_new(const pt_pool_options_t *options, pt_tally_t *tally, int failure_fd, const char **out_refused)
{
    assert(options);
    assert(tally);
    assert(out_refused);

    *out_refused = NULL;
    pt_engine_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->tally = tally;
    self->stats = options->stats;
    if (!s_start_parts(self, options, failure_fd, out_refused)) {
        int reason = errno;
        pt_engine_destroy(&self);
        errno = reason;
    }
    return self;
}

//  What a subscriber has not taken yet is nowhere else without a journal: it gets what is left of the drain's time.
//  With one it can be fetched later, and nobody has to wait for who does not read.
static void
s_grant_linger(pt_engine_t *self)
{
    int64_t left_ms = self->deadline_ms - zclock_mono();
    if (self->crew && self->drained && !self->accounts.journal && left_ms > PT_SOCKETS_LINGER_MS)
        pt_crew_linger(self->crew, (int) left_ms);
}

void
pt_engine_destroy(pt_engine_t **self_p)
{
    assert(self_p);

    pt_engine_t *self = *self_p;
    if (!self)
        return;
    s_grant_linger(self);
    pt_crew_destroy(&self->crew);
    PT_FAULT_POINT("engine.crew.gone");
    pt_accounts_close(&self->accounts);
    free(self);
    *self_p = NULL;
}

const char *
pt_engine_endpoint(const pt_engine_t *self, pt_queue_t queue)
{
    assert(self);

    return pt_crew_endpoint(self->crew, queue);
}

const char *
pt_engine_replay(const pt_engine_t *self)
{
    assert(self);

    return pt_crew_replay(self->crew);
}

//  ---- the loop

static void
s_begin_drain(pt_engine_t *self, uint32_t deadline_ms)
{
    PT_FAULT_POINT("engine.drain.begin");
    int64_t now_ms = zclock_mono();
    bool met = false;
    for (size_t i = 0; i < self->accounts.link_count; i++) {
        self->accounts.links[i].draining = true;
        self->accounts.links[i].due = true;
        met |= self->accounts.links[i].met;
    }
    uint32_t grace_ms = deadline_ms / 2 < S_DRAIN_GRACE_MS ? deadline_ms / 2 : S_DRAIN_GRACE_MS;
    self->draining = true;
    self->deadline_ms = now_ms + deadline_ms;
    self->grace_ms = met ? now_ms + grace_ms : now_ms;
}

//  What is sent on the pipe may take the news of a command that came in.
static void
s_tell(pt_engine_t *self, zsock_t *pipe, const char *word)
{
    zstr_send(pipe, word);
    self->spoke = true;
}

//  Tell the caller once, when all is finished or the time is over.
static void
s_check_drain(pt_engine_t *self, zsock_t *pipe, int64_t now_ms)
{
    if (!self->draining || self->drained)
        return;
    bool finished = now_ms >= self->grace_ms && !self->accounts.jobs.in_work;
    if (!finished && now_ms < self->deadline_ms)
        return;
    PT_FAULT_POINT("engine.drain.end");
    s_tell(self, pipe, finished ? PT_ENGINE_DRAINED : PT_ENGINE_LATE);
    self->drained = true;
}

//  The offered catalog's contents are ordered by the lock: what libzmq orders, no race detector can see.
static const pt_catalog_t *
s_offered(pt_engine_t *self)
{
    pthread_mutex_lock(&self->tally->lock);
    const pt_catalog_t *catalog = self->tally->offered;
    pthread_mutex_unlock(&self->tally->lock);
    return catalog;
}

static void
s_forget_offer(pt_engine_t *self)
{
    pthread_mutex_lock(&self->tally->lock);
    self->tally->offered = NULL;
    pthread_mutex_unlock(&self->tally->lock);
}

//  False at the end.
static bool
s_read_command(pt_engine_t *self, zsock_t *pipe)
{
    char *command = NULL;
    uint32_t deadline_ms = 0;
    zsock_recv(pipe, "s4", &command, &deadline_ms);
    bool drains = command && streq(command, PT_ENGINE_DRAIN);
    bool swaps = command && streq(command, PT_ENGINE_SWAP);
    if (drains)
        s_begin_drain(self, deadline_ms);
    if (swaps)
        pt_crew_offer(self->crew, s_offered(self));
    zstr_free(&command);
    return drains || swaps;
}

static void
s_check_swap(pt_engine_t *self, zsock_t *pipe)
{
    bool switched;
    if (!pt_crew_answer(self->crew, &switched))
        return;
    s_forget_offer(self);
    s_tell(self, pipe, switched ? PT_ENGINE_SWAPPED : PT_ENGINE_KEPT);
}

//  What a disk that hangs keeps, nobody can finish but another worker.
static void
s_announce(pt_engine_t *self, int64_t now_ms)
{
    bool away = pt_stats_disk_is_away(self->stats, now_ms);
    for (size_t i = 0; i < self->accounts.link_count; i++) {
        self->accounts.links[i].silent = away;
        pt_link_announce(&self->accounts.links[i], now_ms);
    }
}

static int64_t
s_next_wake(const pt_engine_t *self, int64_t now_ms)
{
    int64_t wake_ms = now_ms + PT_LINK_READY_MS;
    for (size_t i = 0; i < self->accounts.link_count; i++)
        if (self->accounts.links[i].told_ms + PT_LINK_READY_MS < wake_ms)
            wake_ms = self->accounts.links[i].told_ms + PT_LINK_READY_MS;
    if (self->draining && !self->drained) {
        int64_t next_ms = now_ms < self->grace_ms ? self->grace_ms : self->deadline_ms;
        if (next_ms < wake_ms)
            wake_ms = next_ms;
    }
    return wake_ms > now_ms ? wake_ms - now_ms : 0;
}

static void
s_show_counters(pt_engine_t *self, int64_t now_ms)
{
    pt_pool_counters_t *counters = &self->tally->counters;
    pthread_mutex_lock(&self->tally->lock);
    pt_accounts_show(&self->accounts, counters);
    counters->turned_ms = (uint64_t) now_ms;
    counters->draining = self->draining;
    pthread_mutex_unlock(&self->tally->lock);
}

//  What the loop waits for.
typedef struct {
    pt_wait_item_t items[PT_WAIT_ITEMS_MAX];
    size_t finished;   //  place of the socket with finished jobs; 0: there is none
    size_t crew;       //  first place of the crew's
    size_t crew_count; //  the rest are links
    size_t count;
    size_t links[PT_WAIT_ITEMS_MAX]; //  by place
} s_sight_t;

_Static_assert(2 + PT_OUTLET_ITEMS_MAX + PT_POOL_BROKERS_MAX <= PT_WAIT_ITEMS_MAX, "all can be waited for");

static void
s_open_eyes(const pt_engine_t *self, zsock_t *pipe, s_sight_t *sight)
{
    *sight = (s_sight_t) {.items = {pt_wait_socket(zsock_resolve(pipe))}, .crew = 1};
    void *finished = pt_crew_socket(self->crew);
    if (finished) {
        sight->finished = sight->crew++;
        sight->items[sight->finished] = pt_wait_socket(finished);
    }
    sight->crew_count = pt_crew_items(self->crew, sight->items + sight->crew);
}

//  Wait for the pipe, the crew, and the links that have room.
static void
s_wait(pt_engine_t *self, s_sight_t *sight, int64_t now_ms, int64_t wait_ms)
{
    size_t first = sight->crew + sight->crew_count;
    bool reads = !self->draining || now_ms < self->grace_ms;
    sight->count = first;
    for (size_t i = 0; i < self->accounts.link_count && reads; i++)
        if (pt_link_has_room(&self->accounts.links[i])) {
            sight->items[sight->count] = self->accounts.links[i].item;
            sight->links[sight->count++] = i;
        }
    sight->items[0].empty &= !self->spoke;
    self->spoke = false;
    pt_wait(sight->items, sight->count, wait_ms);
    //  What was answered on a link since it was looked at may have hidden its news.
    for (size_t i = first; i < sight->count; i++)
        self->accounts.links[sight->links[i]].item.empty = sight->items[i].empty;
}

//  Do what there is to do.
static void
s_act(pt_engine_t *self, s_sight_t *sight, zsock_t *pipe)
{
    pt_crew_tend(self->crew, sight->items + sight->crew, sight->crew_count);
    pt_accounts_finish(&self->accounts);
    if (sight->finished)
        sight->items[sight->finished].empty = true;
    s_check_swap(self, pipe);
    for (size_t i = sight->crew + sight->crew_count; i < sight->count; i++)
        if (sight->items[i].ready)
            pt_accounts_read(&self->accounts, sight->links[i], self->now_ms);
}

void
pt_engine_run(zsock_t *pipe, void *engine)
{
    pt_engine_t *self = engine;
    s_sight_t sight;
    s_open_eyes(self, pipe, &sight);
    zsock_signal(pipe, 0);
    for (;;) {
        int64_t now_ms = self->now_ms = zclock_mono();
        s_announce(self, now_ms);
        s_show_counters(self, now_ms);
        s_check_drain(self, pipe, now_ms);
        int64_t wake_ms = s_next_wake(self, now_ms);
        int64_t crew_ms = pt_crew_turn(self->crew, now_ms);
        s_wait(self, &sight, now_ms, crew_ms < wake_ms ? crew_ms : wake_ms);
        if (sight.items[0].ready && !s_read_command(self, pipe))
            break;
        s_act(self, &sight, pipe);
    }
    pt_engine_destroy(&self);
}
