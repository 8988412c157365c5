/*  Our own loop instead of zproxy, which waits in its sends, drains one side before it looks at the
 *  other, and cannot give credit.
 */
#include "pt_broker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "pt_actor.h"
#include "pt_door.h"
#include "pt_frames.h"
#include "pt_owners.h"
#include "pt_roster.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  Messages from one side before the other has its turn.
#define S_BURST 64

//  Batches that one producer may have waiting at the front: 4 MiB at 64 KiB each.
#define S_FRONT_HWM 64

//  Room for the credit of a worker. One that lies about what it has read meets this mark instead.
#define S_BACK_HWM PT_ROSTER_CREDIT_MAX

//  When a producer that was told `busy` should come again; about the time that a window of work
//  takes.
#define S_RETRY_AFTER_MS 50

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
    void *front;
    void *back;
    pt_roster_t *roster;
    pt_owners_t *owners; //  NULL: no gate, so nobody has a name
    bool paused;
    int64_t now_ms;
    pt_broker_counters_t counters;
    s_tally_t *tally;
} s_broker_t;

struct pt_broker {
    zactor_t *actor;
    s_tally_t tally;
    char front[PT_ENDPOINT_BYTES_MAX + 1];
    char back[PT_ENDPOINT_BYTES_MAX + 1];
};

//  ---- front: producers and plain clients

//  `batch` is zero for a plain request, which has no name.
static void
s_send_nack(s_broker_t *self, const pt_frames_t *message, size_t envelope_count, const pt_batch_t *batch,
            pt_reason_t reason)
{
    pt_nack_t nack = {
        .producer = batch->producer,
        .epoch = batch->epoch,
        .seq = batch->seq,
        .reason = reason,
        .retry_after_ms = pt_reason_is_passing(reason) ? S_RETRY_AFTER_MS : 0,
    };
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_nack_encode(&nack, bytes, sizeof(bytes));
    if (reason == PT_REASON_BUSY)
        self->counters.busy++;
    else
        self->counters.refused++;
    if (!pt_frames_answer(self->front, message, 0, envelope_count, (pt_bytes_t) {bytes, len}))
        self->counters.answers_dropped++;
}

//  Send to a worker. A worker that cannot be reached is forgotten; it will say READY if it lives.
static bool
s_send_to_worker(s_broker_t *self, pt_member_t *member, pt_frames_t *message)
{
    if (zmq_send(self->back, member->route, member->route_len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        if (errno == EHOSTUNREACH)
            pt_roster_remove(self->roster, member);
        return false;
    }
    pt_roster_spend(self->roster, member);
    return pt_frames_send(self->back, message, 0);
}

//  The authenticator's name of the sender comes with every frame of its connection.
static bool
s_may_send(s_broker_t *self, pt_frames_t *message, uint64_t producer)
{
    const char *party = self->owners ? zmq_msg_gets(&message->frames[message->count - 1], "User-Id") : NULL;
    return !party || pt_owners_claim(self->owners, producer, party);
}

static void
s_route_batch(s_broker_t *self, pt_frames_t *message, size_t envelope_count)
{
    pt_batch_t batch;
    pt_status_t status = pt_batch_decode(pt_frames_bytes(message, envelope_count), &batch);
    if (status != PT_OK && !batch.seq) {
        self->counters.garbage++;
        return;
    }
    if (status != PT_OK) {
        s_send_nack(self, message, envelope_count, &batch, pt_batch_reason(status, &batch));
        return;
    }
    if (!s_may_send(self, message, batch.producer)) {
        s_send_nack(self, message, envelope_count, &batch, PT_REASON_UNAUTHORIZED);
        return;
    }
    pt_member_t *member = pt_roster_choose(self->roster, batch.producer);
    if (member && pt_member_has_credit(member) && s_send_to_worker(self, member, message))
        self->counters.batches++;
    else
        s_send_nack(self, message, envelope_count, &batch, PT_REASON_BUSY);
}

static void
s_route_plain(s_broker_t *self, pt_frames_t *message, size_t envelope_count)
{
    //  Once around at most: a worker that refuses either goes from the roster or is passed by.
    for (size_t tries = pt_roster_count(self->roster); tries > 0; tries--) {
        pt_member_t *member = pt_roster_next(self->roster);
        if (!member)
            break;
        if (s_send_to_worker(self, member, message)) {
            self->counters.plain++;
            return;
        }
    }
    static const pt_batch_t nameless = {0};
    s_send_nack(self, message, envelope_count, &nameless, PT_REASON_BUSY);
}

static void
s_route_message(s_broker_t *self, pt_frames_t *message)
{
    size_t envelope_count = pt_frames_envelope(message, 0);
    if (!envelope_count)
        self->counters.garbage++;
    else if (message->count - envelope_count == 1)
        s_route_plain(self, message, envelope_count);
    else
        s_route_batch(self, message, envelope_count);
}

static bool
s_reads_front(const s_broker_t *self)
{
    return !self->paused && pt_roster_credit(self->roster) > 0;
}

static void
s_read_front(s_broker_t *self)
{
    pt_frames_t message;
    for (int i = 0; i < S_BURST && s_reads_front(self) && pt_frames_receive(self->front, &message); i++) {
        s_route_message(self, &message);
        pt_frames_clear(&message);
    }
}

//  ---- back: workers

static void
s_take_ready(s_broker_t *self, const pt_frames_t *message)
{
    pt_ready_t ready;
    if (message->excess || pt_ready_decode(pt_frames_bytes(message, 1), &ready) != PT_OK) {
        self->counters.garbage++;
        return;
    }
    if (!pt_roster_ready(self->roster, pt_frames_bytes(message, 0), &ready, self->now_ms))
        return;
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_hello_encode(bytes, sizeof(bytes));
    //  A HELLO that is lost is sent again: the worker's next READY does not fit our account.
    (void) pt_frames_answer(self->back, message, 0, 1, (pt_bytes_t) {bytes, len});
}

//  [worker][client][empty, of a REQ][answer] -> [client][empty][answer]
static void
s_pass_answer(s_broker_t *self, pt_frames_t *message)
{
    pt_roster_heard(self->roster, pt_frames_bytes(message, 0), self->now_ms);
    size_t envelope_count = pt_frames_envelope(message, 1);
    if (!envelope_count || message->count != 1 + envelope_count + 1)
        self->counters.garbage++;
    else if (pt_frames_send(self->front, message, 1))
        self->counters.answers++;
    else
        self->counters.answers_dropped++;
}

//  True when there was a message.
static bool
s_read_back(s_broker_t *self)
{
    pt_frames_t message;
    int count = 0;
    for (; count < S_BURST && pt_frames_receive(self->back, &message); count++) {
        if (message.count == 2)
            s_take_ready(self, &message);
        else if (message.count > 2)
            s_pass_answer(self, &message);
        else
            self->counters.garbage++;
        pt_frames_clear(&message);
    }
    return count > 0;
}

//  ---- the loop

static void
s_show_counters(s_broker_t *self)
{
    self->counters.workers = pt_roster_count(self->roster);
    self->counters.credit = pt_roster_credit(self->roster);
    self->counters.turned_ms = (uint64_t) zclock_mono();
    self->counters.paused = self->paused;
    pthread_mutex_lock(&self->tally->lock);
    self->tally->counters = self->counters;
    pthread_mutex_unlock(&self->tally->lock);
}

//  Workers that have just finished may still have answers on their way.
static void
s_pass_last_answers(s_broker_t *self)
{
    int64_t end_ms = zclock_mono() + S_LAST_MS;
    zmq_pollitem_t item = {.socket = self->back, .events = ZMQ_POLLIN};
    do
        pt_sockets_poll(&item, 1, S_LAST_GAP_MS);
    while (s_read_back(self) && zclock_mono() < end_ms);
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
    pt_roster_destroy(&self->roster);
    pt_owners_destroy(&self->owners);
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
        self->paused = true;
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
    items[1] = pt_wait_socket(self->back);
    for (size_t i = 0; i < door_count; i++)
        items[fixed++] = pt_wait_for(&doors[i]);
    items[fixed] = pt_wait_socket(self->front);
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
        pt_wait(items, s_reads_front(self) ? fixed + 1 : fixed, s_wait_ms(self));
        self->now_ms = zclock_mono();
        if (items[0].ready && !s_read_command(self, pipe))
            break;
        pt_door_tend(&self->front_door);
        pt_door_tend(&self->back_door);
        //  The back first: it brings credit, and answers make room.
        s_read_back(self);
        pt_roster_expire(self->roster, self->now_ms - PT_BROKER_SILENCE_MS);
        s_read_front(self);
    }
    s_pass_last_answers(self);
    s_broker_close(&self);
}

//  ---- the caller's side

static s_broker_t *
s_broker_open(const pt_broker_options_t *options, pt_broker_t *owner, const char **out_refused)
{
    s_broker_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->tally = &owner->tally;
    self->roster = pt_roster_new(PT_BROKER_WORKERS_MAX);
    self->front_socket = pt_sockets_new(ZMQ_ROUTER, PT_SOCKETS_ANSWERS_HWM, S_FRONT_HWM);
    self->back_socket = pt_sockets_new(ZMQ_ROUTER, S_BACK_HWM, PT_SOCKETS_ANSWERS_HWM);
    self->owners = options->gate ? pt_owners_new() : NULL;
    bool bound = self->roster && (self->owners || !options->gate) && self->front_socket && self->back_socket;
    if (bound && pt_door_open(&self->front_door, self->front_socket, options->gate, PT_PARTY_PRODUCER,
                              options->front) != PT_OK) {
        *out_refused = options->front;
        bound = false;
    }
    if (bound &&
        pt_door_open(&self->back_door, self->back_socket, options->gate, PT_PARTY_WORKER, options->back) != PT_OK) {
        *out_refused = options->back;
        bound = false;
    }
    if (!bound) {
        int reason = errno;
        s_broker_close(&self);
        errno = reason;
        return NULL;
    }
    memcpy(owner->front, self->front_door.bound, sizeof(owner->front));
    memcpy(owner->back, self->back_door.bound, sizeof(owner->back));
    self->front = zsock_resolve(self->front_socket);
    self->back = zsock_resolve(self->back_socket);
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
