/*  Starting and stopping, as the process that owns a pool sees it; the work is in pt_engine. */
#include "pt_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "pt_actor.h"
#include "pt_engine.h"
#include "pt_sockets.h"

//  At 64 KiB a batch, 4 MiB in work for each broker.
#define S_WINDOW 64
//  20 MiB of windows.
#define S_PRODUCERS 4096
//  256 MiB at most for each stuck subscriber of a queue (PT_PACKER_FRAME_BYTES_MAX a message); 128 MiB at
//  the 32 KiB that two batches of 256 usually make on a topic.
#define S_PUBLISH_HWM 4096

struct pt_pool {
    zactor_t *actor;
    pt_tally_t tally;
    char endpoints[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    char replay[PT_ENDPOINT_BYTES_MAX + 1];
    int failure_fd; //  -1: no journal
    uint64_t worker;
    uint64_t epoch;
    bool swapping; //  an answer is to come
};

static uint64_t
s_random_id(void)
{
    uint64_t id = 0;
    while (id == 0)
        if (getrandom(&id, sizeof(id), 0) != (ssize_t) sizeof(id))
            id = 0;
    return id;
}

static size_t
s_count_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1)
        return 1;
    return cores > PT_POOL_THREADS_MAX ? PT_POOL_THREADS_MAX : (size_t) cores;
}

static pt_pool_options_t
s_complete_options(const pt_pool_options_t *options)
{
    pt_pool_options_t complete = *options;
    if (!complete.threads)
        complete.threads = s_count_cores();
    if (!complete.window)
        complete.window = S_WINDOW;
    if (!complete.producers)
        complete.producers = S_PRODUCERS;
    if (!complete.publish_hwm)
        complete.publish_hwm = S_PUBLISH_HWM;
    if (!complete.alerts.frequent_count) {
        complete.alerts.frequent_count = PT_ALERTS_FREQUENT_COUNT_DEFAULT;
        complete.alerts.frequent_ms = PT_ALERTS_WINDOW_MS_DEFAULT;
    }
    if (!complete.catalog)
        complete.catalog = pt_catalog_builtin();
    if (complete.journal) {
        complete.worker = pt_store_identity(complete.journal).worker;
        complete.epoch = pt_store_identity(complete.journal).epoch;
    }
    if (!complete.worker)
        complete.worker = s_random_id();
    if (!complete.epoch)
        complete.epoch = (uint64_t) zclock_time();
    return complete;
}

static void
s_explain_failure(const char *refused, char *out_error)
{
    const char *reason = zmq_strerror(errno);
    if (refused)
        snprintf(out_error, PT_POOL_ERROR_BYTES_MAX, "%s: %s", refused, reason);
    else
        snprintf(out_error, PT_POOL_ERROR_BYTES_MAX, "no memory or sockets for the worker: %s", reason);
}

static bool
s_start_engine(pt_pool_t *self, const pt_pool_options_t *options, char *out_error)
{
    const char *refused = NULL;
    pt_engine_t *engine = pt_engine_new(options, &self->tally, self->failure_fd, &refused);
    if (!engine) {
        s_explain_failure(refused, out_error);
        return false;
    }
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        snprintf(self->endpoints[queue], sizeof(self->endpoints[queue]), "%s",
                 pt_engine_endpoint(engine, (pt_queue_t) queue));
    snprintf(self->replay, sizeof(self->replay), "%s", pt_engine_replay(engine));
    self->actor = pt_actor_new(pt_engine_run, engine);
    if (!self->actor) {
        int reason = errno;
        s_explain_failure(NULL, out_error);
        pt_engine_destroy(&engine);
        errno = reason;
    }
    return self->actor != NULL;
}

pt_pool_t *
pt_pool_new(const pt_pool_options_t *options, char *out_error)
{
    assert(options);
    assert(options->broker_count <= PT_POOL_BROKERS_MAX);
    assert(options->threads <= PT_POOL_THREADS_MAX);
    assert(options->window <= PT_POOL_WINDOW_MAX);
    assert(out_error);

    snprintf(out_error, PT_POOL_ERROR_BYTES_MAX, "no memory for the worker");
    pt_pool_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    pt_pool_options_t complete = s_complete_options(options);
    self->worker = complete.worker;
    self->epoch = complete.epoch;
    pthread_mutex_init(&self->tally.lock, NULL);
    //  Who asks before the loop's first turn is not told that it hangs.
    self->tally.counters.turned_ms = (uint64_t) zclock_mono();
    self->failure_fd = complete.journal ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    bool well = !complete.journal || self->failure_fd >= 0;
    if (!well || !s_start_engine(self, &complete, out_error)) {
        int reason = errno;
        pt_pool_destroy(&self);
        errno = reason;
    }
    return self;
}

pt_drain_t
pt_pool_drain(pt_pool_t *self, uint32_t deadline_ms, int interrupt_fd)
{
    assert(self);

    zsock_send(self->actor, "s4", PT_ENGINE_DRAIN, deadline_ms);
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve(self->actor), .events = ZMQ_POLLIN},
        {.fd = interrupt_fd, .events = ZMQ_POLLIN},
    };
    //  The engine keeps the deadline and answers in any case; a swap that was under way may end before.
    for (;;) {
        pt_sockets_poll(items, interrupt_fd >= 0 ? 2 : 1, -1);
        if (!items[0].revents)
            return PT_DRAIN_INTERRUPTED;
        char *answer = zstr_recv(self->actor);
        bool drained = answer && streq(answer, PT_ENGINE_DRAINED);
        bool late = answer && streq(answer, PT_ENGINE_LATE);
        zstr_free(&answer);
        if (drained || late)
            return drained ? PT_DRAINED : PT_DRAIN_LATE;
    }
}

void
pt_pool_swap(pt_pool_t *self, const pt_catalog_t *catalog)
{
    assert(self);
    assert(catalog);
    assert(!self->swapping);

    self->swapping = true;
    pthread_mutex_lock(&self->tally.lock);
    self->tally.offered = catalog;
    pthread_mutex_unlock(&self->tally.lock);
    zsock_send(self->actor, "s4", PT_ENGINE_SWAP, 0);
}

void *
pt_pool_swap_socket(const pt_pool_t *self)
{
    assert(self);

    return zsock_resolve(self->actor);
}

pt_swapped_t
pt_pool_swapped(pt_pool_t *self)
{
    assert(self);

    if (!self->swapping)
        return PT_SWAPPED_NOT_YET;
    if (!(zsock_events(self->actor) & ZMQ_POLLIN))
        return PT_SWAPPED_NOT_YET;
    char *answer = zstr_recv(self->actor);
    bool switched = answer && streq(answer, PT_ENGINE_SWAPPED);
    zstr_free(&answer);
    //  The engine's last look at the offer is before the caller's next.
    pthread_mutex_lock(&self->tally.lock);
    assert(!self->tally.offered);
    pthread_mutex_unlock(&self->tally.lock);
    self->swapping = false;
    return switched ? PT_SWAPPED : PT_SWAPPED_NOT;
}

void
pt_pool_destroy(pt_pool_t **self_p)
{
    assert(self_p);

    pt_pool_t *self = *self_p;
    if (!self)
        return;
    zactor_destroy(&self->actor);
    if (self->failure_fd >= 0)
        close(self->failure_fd);
    pthread_mutex_destroy(&self->tally.lock);
    free(self);
    *self_p = NULL;
}

uint64_t
pt_pool_worker(const pt_pool_t *self)
{
    assert(self);

    return self->worker;
}

uint64_t
pt_pool_epoch(const pt_pool_t *self)
{
    assert(self);

    return self->epoch;
}

const char *
pt_pool_endpoint(const pt_pool_t *self, pt_queue_t queue)
{
    assert(self);
    assert((unsigned) queue < PT_QUEUE_COUNT_);

    return self->endpoints[queue];
}

pt_pool_counters_t
pt_pool_counters(const pt_pool_t *self)
{
    assert(self);

    //  The lock is the one part of a pool that looking at it changes.
    //  NOLINTNEXTLINE(performance-no-int-to-ptr)
    pthread_mutex_t *lock = (pthread_mutex_t *) (uintptr_t) &self->tally.lock;
    pthread_mutex_lock(lock);
    pt_pool_counters_t counters = self->tally.counters;
    pthread_mutex_unlock(lock);
    return counters;
}

int
pt_pool_failure_fd(const pt_pool_t *self)
{
    assert(self);

    return self->failure_fd;
}

const char *
pt_pool_replay(const pt_pool_t *self)
{
    assert(self);

    return self->replay;
}
