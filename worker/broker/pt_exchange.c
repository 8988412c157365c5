/*  Every send is one that does not wait. What cannot be sent is counted and dropped, or answered with `busy`; whoever
 *  sent it asks again, so nothing has to be kept here.
 */
#include "pt_exchange.h"

#include <assert.h>

#include "pt_frames.h"

//  Messages from one side before the other has its turn.
#define S_BURST 64

//  When a producer that was told `busy` should come again; about the time that a window of work
//  takes.
#define S_RETRY_AFTER_MS 50

bool
pt_exchange_open(pt_exchange_t *out_self, bool is_guarded)
{
    assert(out_self);

    *out_self = (pt_exchange_t) {.roster = pt_roster_new(PT_BROKER_WORKERS_MAX)};
    if (is_guarded)
        out_self->owners = pt_owners_new();
    return out_self->roster && (out_self->owners || !is_guarded);
}

void
pt_exchange_close(pt_exchange_t *self)
{
    assert(self);

    pt_roster_destroy(&self->roster);
    pt_owners_destroy(&self->owners);
}

//  ---- front: producers and plain clients

//  `batch` is zero for a plain request, which has no name.
static void
s_send_nack(pt_exchange_t *self, const pt_frames_t *message, size_t envelope_count, const pt_batch_t *batch,
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
s_send_to_worker(pt_exchange_t *self, pt_member_t *member, pt_frames_t *message)
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
s_may_send(pt_exchange_t *self, pt_frames_t *message, uint64_t producer)
{
    const char *party = self->owners ? zmq_msg_gets(&message->frames[message->count - 1], "User-Id") : NULL;
    return !party || pt_owners_claim(self->owners, producer, party);
}

static void
s_route_batch(pt_exchange_t *self, pt_frames_t *message, size_t envelope_count)
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
s_route_plain(pt_exchange_t *self, pt_frames_t *message, size_t envelope_count)
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
s_route_message(pt_exchange_t *self, pt_frames_t *message)
{
    size_t envelope_count = pt_frames_envelope(message, 0);
    if (!envelope_count)
        self->counters.garbage++;
    else if (message->count - envelope_count == 1)
        s_route_plain(self, message, envelope_count);
    else
        s_route_batch(self, message, envelope_count);
}

bool
pt_exchange_reads_front(const pt_exchange_t *self)
{
    assert(self);

    return !self->paused && pt_roster_credit(self->roster) > 0;
}

void
pt_exchange_read_front(pt_exchange_t *self)
{
    assert(self);

    pt_frames_t message;
    for (int i = 0; i < S_BURST && pt_exchange_reads_front(self) && pt_frames_receive(self->front, &message); i++) {
        s_route_message(self, &message);
        pt_frames_clear(&message);
    }
}

//  ---- back: workers

static void
s_take_ready(pt_exchange_t *self, const pt_frames_t *message)
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
s_pass_answer(pt_exchange_t *self, pt_frames_t *message)
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

bool
pt_exchange_read_back(pt_exchange_t *self)
{
    assert(self);

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

pt_broker_counters_t
pt_exchange_counters(const pt_exchange_t *self)
{
    assert(self);

    pt_broker_counters_t counters = self->counters;
    counters.workers = pt_roster_count(self->roster);
    counters.credit = pt_roster_credit(self->roster);
    counters.paused = self->paused;
    return counters;
}
