/*  The actor: its sockets, its loop, and what its caller sees; what becomes of each message is pt_exchange's business.
 *  Our own loop instead of zproxy, which waits in its sends, drains one side before it looks at the other, and cannot
 *  give credit.
 */
#include "pt_broker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "pt_actor.h"
#include "pt_door.h"
#include "pt_exchange.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  Batches that one producer may have waiting at the front: 4 MiB at 64 KiB each.
#define S_FRONT_HWM 64

//  Room for the credit of a worker. One that lies about what it has read meets this mark instead.
#define S_BACK_HWM PT_ROSTER_CREDIT_MAX

//  Dead workers are looked for this often.
#define S_TICK_MS 500

//  At the end: answers may be this far apart, and take this long altogether.
#define S_LAST_GAP_MS 100
#define S_LAST_MS 1000

#define S_PAUSE "PAUSE"

typedef struct {
    pthread_mutex_t lock;
    pt_broker_counters_t counters;
} s_tally_t;

typedef struct {
    zsock_t *front_socket;
    zsock_t *back_socket;
    pt_door_t front_door;
    pt_door_t back_door;
    pt_exchange_t exchange; //  between the two sockets
    s_tally_t *tally;
} s_broker_t;

struct pt_broker {
    zactor_t *actor;
    s_tally_t tally;
    char front[PT_ENDPOINT_BYTES_MAX + 1];
    char back[PT_ENDPOINT_BYTES_MAX + 1];
};

//  ---- the loop

static void
s_show_counters(s_broker_t *self)
{
    pt_broker_counters_t counters = pt_exchange_counters(&self->exchange);
    counters.turned_ms = (uint64_t) zclock_mono();
    pthread_mutex_lock(&self->tally->lock);
    self->tally->counters = counters;
    pthread_mutex_unlock(&self->tally->lock);
}

//  Workers that have just finished may still have answers on their way.
static void
s_pass_last_answers(s_broker_t *self)
{
    int64_t end_ms = zclock_mono() + S_LAST_MS;
    zmq_pollitem_t item = {.socket = self->exchange.back, .events = ZMQ_POLLIN};
    do
        pt_sockets_poll(&item, 1, S_LAST_GAP_MS);
    while (pt_exchange_read_back(&self->exchange) && zclock_mono() < end_ms);
}

static void
s_broker_close(s_broker_t **self_p)
{
    s_broker_t *self = *self_p;
    if (!self)
        return;
    pt_door_close(&self->front_door);
    pt_door_close(&self->back_door);
    zsock_destroy(&self->front_socket);
    zsock_destroy(&self->back_socket);
    pt_exchange_close(&self->exchange);
    free(self);
    *self_p = NULL;
}

//  False at the end.
static bool
s_read_command(s_broker_t *self, zsock_t *pipe)
{
    char *command = zstr_recv(pipe);
    bool goes_on = command && streq(command, S_PAUSE);
    if (goes_on) {
        self->exchange.paused = true;
        zsock_signal(pipe, 0);
    }
    zstr_free(&command);
    return goes_on;
}

static int64_t
s_wait_ms(const s_broker_t *self)
{
    return pt_door_wait_ms(&self->front_door, pt_door_wait_ms(&self->back_door, S_TICK_MS));
}

//  The pipe, the back, what the doors have, and last the front. Returns how many without the front.
static size_t
s_list_items(const s_broker_t *self, zsock_t *pipe, pt_wait_item_t *items)
{
    size_t fixed = 2;
    zmq_pollitem_t doors[2 * PT_DOOR_ITEMS];
    size_t door_count = pt_door_items(&self->front_door, doors);
    door_count += pt_door_items(&self->back_door, doors + door_count);
    items[0] = pt_wait_socket(zsock_resolve(pipe));
    items[1] = pt_wait_socket(self->exchange.back);
    for (size_t i = 0; i < door_count; i++)
        items[fixed++] = pt_wait_for(&doors[i]);
    items[fixed] = pt_wait_socket(self->exchange.front);
    return fixed;
}

static void
s_broker_run(zsock_t *pipe, void *argument)
{
    s_broker_t *self = argument;
    pt_wait_item_t items[3 + 2 * PT_DOOR_ITEMS];
    size_t fixed = s_list_items(self, pipe, items);
    zsock_signal(pipe, 0);
    for (;;) {
        s_show_counters(self);
        //  Both are sent to between two waits, which may take the news of what came in.
        items[1].empty = items[fixed].empty = false;
        pt_wait(items, pt_exchange_reads_front(&self->exchange) ? fixed + 1 : fixed, s_wait_ms(self));
        self->exchange.now_ms = zclock_mono();
        if (items[0].ready && !s_read_command(self, pipe))
            break;
        pt_door_tend(&self->front_door);
        pt_door_tend(&self->back_door);
        //  The back first: it brings credit, and answers make room.
        pt_exchange_read_back(&self->exchange);
        pt_roster_expire(self->exchange.roster, self->exchange.now_ms - PT_BROKER_SILENCE_MS);
        pt_exchange_read_front(&self->exchange);
    }
    s_pass_last_answers(self);
    s_broker_close(&self);
}

//  ---- the caller's side

//  False with *out_refused: it cannot be bound.
static bool
s_bind(s_broker_t *self, const pt_broker_options_t *options, const char **out_refused)
{
    *out_refused = options->front;
    if (pt_door_open(&self->front_door, self->front_socket, options->gate, PT_PARTY_PRODUCER, options->front) != PT_OK)
        return false;
    *out_refused = options->back;
    if (pt_door_open(&self->back_door, self->back_socket, options->gate, PT_PARTY_WORKER, options->back) != PT_OK)
        return false;
    *out_refused = NULL;
    return true;
}

static s_broker_t *
s_broker_open(const pt_broker_options_t *options, pt_broker_t *owner, const char **out_refused)
{
    s_broker_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->tally = &owner->tally;
    self->front_socket = pt_sockets_new(ZMQ_ROUTER, PT_SOCKETS_ANSWERS_HWM, S_FRONT_HWM);
    self->back_socket = pt_sockets_new(ZMQ_ROUTER, S_BACK_HWM, PT_SOCKETS_ANSWERS_HWM);
    bool ready = pt_exchange_open(&self->exchange, options->gate != NULL) && self->front_socket && self->back_socket &&
                 s_bind(self, options, out_refused);
    if (!ready) {
        int reason = errno;
        s_broker_close(&self);
        errno = reason;
        return NULL;
    }
    self->exchange.front = zsock_resolve(self->front_socket);
    self->exchange.back = zsock_resolve(self->back_socket);
    memcpy(owner->front, self->front_door.bound, sizeof(owner->front));
    memcpy(owner->back, self->back_door.bound, sizeof(owner->back));
    return self;
}

pt_broker_t *
pt_broker_new(const pt_broker_options_t *options, char *out_error)
{
    assert(options);
    assert(options->front);
    assert(options->back);
    assert(out_error);

    snprintf(out_error, PT_BROKER_ERROR_BYTES_MAX, "no memory or sockets for the broker");
    pt_broker_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    pthread_mutex_init(&self->tally.lock, NULL);
    //  Who asks before the loop's first turn is not told that it hangs.
    self->tally.counters.turned_ms = (uint64_t) zclock_mono();
    const char *refused = NULL;
    s_broker_t *engine = s_broker_open(options, self, &refused);
    if (refused)
        snprintf(out_error, PT_BROKER_ERROR_BYTES_MAX, "%s: %s", refused, zmq_strerror(errno));
    if (engine)
        self->actor = pt_actor_new(s_broker_run, engine);
    if (!self->actor) {
        int reason = errno;
        s_broker_close(&engine);
        pt_broker_destroy(&self);
        errno = reason;
    }
    return self;
}

void
pt_broker_pause(pt_broker_t *self)
{
    assert(self);

    zstr_send(self->actor, S_PAUSE);
    zsock_wait(self->actor);
}

void
pt_broker_destroy(pt_broker_t **self_p)
{
    assert(self_p);

    pt_broker_t *self = *self_p;
    if (!self)
        return;
    zactor_destroy(&self->actor);
    pthread_mutex_destroy(&self->tally.lock);
    free(self);
    *self_p = NULL;
}

const char *
pt_broker_front(const pt_broker_t *self)
{
    assert(self);

    return self->front;
}

const char *
pt_broker_back(const pt_broker_t *self)
{
    assert(self);

    return self->back;
}

pt_broker_counters_t
pt_broker_counters(const pt_broker_t *self)
{
    assert(self);

    //  The lock is the one part of a broker that looking at it changes.
    //  NOLINTNEXTLINE(performance-no-int-to-ptr)
    pthread_mutex_t *lock = (pthread_mutex_t *) (uintptr_t) &self->tally.lock;
    pthread_mutex_lock(lock);
    pt_broker_counters_t counters = self->tally.counters;
    pthread_mutex_unlock(lock);
    return counters;
}
