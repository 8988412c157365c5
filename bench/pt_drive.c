/*  The sockets of the driver, and its loops. */
#include "pt_drive_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "pt_bench.h"
#include "pt_sockets.h"

//  Nothing has come back for that long: something is lost. A busy machine may stand still for seconds.
#define S_PATIENCE_NS UINT64_C(20000000000)
//  The first probe is seldom whole, for subscriptions take their time: begin with short ones.
#define S_PROBE_NS UINT64_C(20000000)
#define S_PROBE_NS_MAX UINT64_C(1000000000)
#define S_PROBES 20

//  Decisions that may wait here unread, in messages. A driver that falls behind by more has lost.
#define S_RECEIVE_HWM 1000000

static bool
s_connect(zsock_t *socket, const char *endpoint)
{
    if (pt_sockets_connect(socket, endpoint) == PT_OK)
        return true;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, endpoint, strerror(errno));
    return false;
}

static bool
s_open_producer(pt_drive_t *self, unsigned index, uint64_t seed)
{
    pt_drive_producer_t *producer = &self->producers[index];
    //  The low digits tell the producer when a decision comes back.
    producer->id = (seed << 8) | index;
    producer->next_seq = 1;
    producer->floor = 1;
    producer->socket = pt_sockets_new(ZMQ_DEALER, PT_WINDOW, PT_SOCKETS_ANSWERS_HWM);
    size_t words = PT_BATCH_COUNT_MAX / 64;
    for (size_t i = 0; self->options.checks_each && i < PT_DRIVE_RING; i++)
        producer->ring[i].seen = pt_bench_alloc(words * sizeof(uint64_t));
    return producer->socket && s_connect(producer->socket, self->options.front);
}

pt_drive_t *
pt_drive_new(const pt_drive_options_t *options)
{
    assert(options->producers > 0 && options->producers <= PT_DRIVE_PRODUCERS_MAX);
    assert(options->window > 0 && options->window < PT_WINDOW);

    pt_drive_t *self = pt_bench_alloc(sizeof(*self));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    self->options = *options;
    self->epoch = (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    self->producers = pt_bench_alloc(options->producers * sizeof(*self->producers));
    self->subscriber = pt_sockets_new(ZMQ_SUB, 0, S_RECEIVE_HWM);
    bool is_open = self->timer >= 0 && self->subscriber;
    uint64_t seed = ((uint64_t) getpid() << 32) ^ (uint64_t) now.tv_nsec;
    for (unsigned i = 0; i < options->producers && is_open; i++)
        is_open = s_open_producer(self, i, seed & 0xffffffffffffff);
    for (int queue = 0; queue < PT_QUEUE_COUNT_ && is_open; queue++)
        is_open = s_connect(self->subscriber, options->publish[queue]);
    if (is_open)
        zsock_set_subscribe(self->subscriber, "");
    else
        pt_drive_destroy(&self);
    return self;
}

void
pt_drive_destroy(pt_drive_t **self_p)
{
    pt_drive_t *self = *self_p;
    if (!self)
        return;
    for (unsigned i = 0; i < self->options.producers; i++) {
        if (self->producers[i].socket)
            zsock_set_linger(self->producers[i].socket, 0);
        zsock_destroy(&self->producers[i].socket);
        for (size_t k = 0; k < PT_DRIVE_RING; k++)
            free(self->producers[i].ring[k].seen);
    }
    free(self->producers);
    zsock_destroy(&self->subscriber);
    if (self->timer >= 0)
        close(self->timer);
    free(self);
    *self_p = NULL;
}

//  The payloads outlive all sends.
static void
s_keep_payload(void *data, void *hint)
{
    (void) data;
    (void) hint;
}

static bool
s_send_batch(pt_drive_t *self, pt_drive_producer_t *producer, pt_drive_batch_t *batch)
{
    pt_batch_t header = {.producer = producer->id,
                         .epoch = self->epoch,
                         .seq = batch->seq,
                         .floor = producer->floor < batch->seq ? producer->floor : batch->seq,
                         .crc32 = batch->payload->crc32,
                         .count = batch->payload->count};
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_batch_encode(&header, bytes, sizeof(bytes));
    void *socket = zsock_resolve(producer->socket);
    if (zmq_send(socket, bytes, len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return false;
    zmq_msg_t payload;
    zmq_msg_init_data(&payload, (void *) (uintptr_t) batch->payload->bytes.data, batch->payload->bytes.len,
                      s_keep_payload, NULL);
    if (zmq_msg_send(&payload, socket, ZMQ_DONTWAIT) >= 0)
        return true;
    zmq_msg_close(&payload);
    pt_drive_note_fault(self, "libzmq took half a message");
    return false;
}

//  Send the next batch of the producer whose turn it is. False when it has no room now.
static bool
s_send_next(pt_drive_t *self, uint64_t intended_ns, bool is_probe)
{
    pt_drive_producer_t *producer = &self->producers[self->turn];
    pt_drive_batch_t *batch = &producer->ring[producer->next_seq % PT_DRIVE_RING];
    if (batch->seq || producer->next_seq - producer->floor >= PT_WINDOW)
        return false;
    uint64_t *seen = batch->seen;
    const pt_payload_t *payload = &self->options.payloads->payloads[producer->next_seq % PT_PAYLOADS];
    *batch = (pt_drive_batch_t) {.seq = producer->next_seq,
                                 .payload = payload,
                                 .intended_ns = intended_ns,
                                 .left = payload->count,
                                 .alerts_left = self->options.expects_alerts ? payload->alerts : 0,
                                 .is_probe = is_probe,
                                 .seen = seen};
    if (seen)
        memset(seen, 0, PT_BATCH_COUNT_MAX / 8);
    if (!s_send_batch(self, producer, batch)) {
        batch->seq = 0;
        return false;
    }
    producer->next_seq++;
    self->under_way++;
    self->turn = (self->turn + 1) % self->options.producers;
    return true;
}

//  Send again what was refused for want of credit, oldest first.
static void
s_send_refused(pt_drive_t *self)
{
    for (unsigned i = 0; i < self->options.producers; i++) {
        pt_drive_producer_t *producer = &self->producers[i];
        for (uint64_t seq = producer->floor; producer->refused && seq < producer->next_seq; seq++) {
            pt_drive_batch_t *batch = pt_drive_find(self, i, seq);
            if (!batch || !batch->is_refused)
                continue;
            if (!s_send_batch(self, producer, batch))
                return;
            batch->is_refused = false;
            producer->refused--;
        }
    }
}

static bool
s_read_answer(pt_drive_t *self, unsigned index)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, zsock_resolve(self->producers[index].socket), ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        return false;
    }
    pt_bytes_t bytes = {zmq_msg_data(&frame), zmq_msg_size(&frame)};
    pt_ack_t ack;
    pt_nack_t nack;
    uint32_t plain;
    if (pt_ack_decode(bytes, &ack, &plain) == PT_OK) {
        for (size_t i = 0; i < ack.range_count; i++)
            for (uint64_t seq = ack.ranges[i].first; seq <= ack.ranges[i].last; seq++)
                pt_drive_acknowledge(self, index, seq);
    } else if (pt_nack_decode(bytes, &nack) == PT_OK) {
        pt_drive_refuse(self, index, &nack);
    }
    zmq_msg_close(&frame);
    return true;
}

//  Three frames are DECISIONS, two a beacon.
static bool
s_read_published(pt_drive_t *self)
{
    zmq_msg_t frames[3];
    int count = 0;
    bool has_more = true;
    while (has_more && count < 3) {
        zmq_msg_init(&frames[count]);
        if (zmq_msg_recv(&frames[count], zsock_resolve(self->subscriber), ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frames[count]);
            break;
        }
        has_more = zmq_msg_more(&frames[count++]);
    }
    if (count == 3)
        pt_drive_take(self, frames);
    for (int i = 0; i < count; i++)
        zmq_msg_close(&frames[i]);
    return count > 0;
}

//  How many messages of one socket are read before the others get their turn.
#define S_BURST 64

//  Read what there is; wait for it, or for the timer, up to `timeout_ms`.
static void
s_receive(pt_drive_t *self, int64_t timeout_ms)
{
    zmq_pollitem_t items[PT_DRIVE_PRODUCERS_MAX + 2];
    size_t count = 0;
    items[count++] = (zmq_pollitem_t) {.fd = self->timer, .events = ZMQ_POLLIN};
    items[count++] = (zmq_pollitem_t) {.socket = zsock_resolve(self->subscriber), .events = ZMQ_POLLIN};
    for (unsigned i = 0; i < self->options.producers; i++)
        items[count++] = (zmq_pollitem_t) {.socket = zsock_resolve(self->producers[i].socket), .events = ZMQ_POLLIN};
    pt_sockets_poll(items, count, timeout_ms);
    uint64_t expirations;
    if (items[0].revents && read(self->timer, &expirations, sizeof(expirations)) < 0)
        pt_drive_note_fault(self, "the timer cannot be read");
    for (int i = 0; items[1].revents && i < S_BURST && s_read_published(self); i++) {
    }
    for (unsigned i = 0; i < self->options.producers; i++)
        for (int k = 0; items[2 + i].revents && k < S_BURST && s_read_answer(self, i); k++) {
        }
    s_send_refused(self);
}

//  A batch of every payload, so that every topic's socket is tried.
static bool
s_probe(pt_drive_t *self, uint64_t patience_ns)
{
    uint64_t give_up_ns = pt_bench_now_ns() + patience_ns;
    unsigned sent = 0;
    unsigned wanted = PT_PAYLOADS > self->options.producers ? PT_PAYLOADS : self->options.producers;
    while (pt_bench_now_ns() < give_up_ns && (sent < wanted || self->under_way)) {
        while (sent < wanted && s_send_next(self, 0, true))
            sent++;
        s_receive(self, 5);
    }
    return sent == wanted && !self->under_way;
}

bool
pt_drive_connect(pt_drive_t *self)
{
    uint64_t patience_ns = S_PROBE_NS;
    for (int i = 0; i < S_PROBES; i++) {
        if (s_probe(self, patience_ns))
            return !self->is_faulty;
        pt_drive_forget(self);
        patience_ns = 2 * patience_ns < S_PROBE_NS_MAX ? 2 * patience_ns : S_PROBE_NS_MAX;
    }
    fprintf(stderr, "%s: no batch comes back whole\n", program_invocation_short_name);
    return false;
}

static double
s_cpu_seconds(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (double) spent.tv_sec + (double) spent.tv_nsec / 1e9;
}

static bool
s_is_stuck(pt_drive_t *self)
{
    return self->is_faulty || pt_bench_now_ns() - self->progress_ns > S_PATIENCE_NS;
}

//  Begin and end the time that is measured.
static void
s_mark(pt_drive_t *self, bool is_end, pt_drive_mark_fn *mark, void *context)
{
    double sign = is_end ? 1 : -1;
    self->is_measuring = !is_end;
    self->result->seconds += sign * (double) pt_bench_now_ns() / 1e9;
    self->result->driver_cpu_s += sign * s_cpu_seconds();
    mark(context, is_end);
}

//  All that is under way comes back, or it is said what did not.
static bool
s_drain(pt_drive_t *self)
{
    if (!self->is_measuring && !self->result->batches) {
        pt_drive_note_fault(self, "nothing comes back");
        return false;
    }
    self->progress_ns = pt_bench_now_ns();
    while (self->under_way && !s_is_stuck(self))
        s_receive(self, 10);
    if (!self->under_way)
        return !self->is_faulty;
    pt_drive_tell_missing(self);
    pt_drive_forget(self);
    return false;
}

bool
pt_drive_closed(pt_drive_t *self, double seconds, pt_drive_mark_fn *mark, void *context, pt_drive_result_t *out_result)
{
    *out_result = (pt_drive_result_t) {0};
    self->result = out_result;
    uint64_t start_ns = pt_bench_now_ns() + (uint64_t) (seconds * 1e8);
    uint64_t end_ns = start_ns + (uint64_t) (seconds * 1e9);
    self->progress_ns = pt_bench_now_ns();
    //  However short the time: until something has come back.
    for (uint64_t now_ns = 0; (now_ns < end_ns || !out_result->batches) && !s_is_stuck(self);) {
        now_ns = pt_bench_now_ns();
        if (!self->is_measuring && now_ns >= start_ns)
            s_mark(self, false, mark, context);
        while (self->under_way < self->options.window && s_send_next(self, now_ns, false)) {
        }
        s_receive(self, 10);
    }
    if (self->is_measuring)
        s_mark(self, true, mark, context);
    return s_drain(self);
}

static void
s_skip_mark(void *context, bool is_end)
{
    (void) context;
    (void) is_end;
}

bool
pt_drive_counted(pt_drive_t *self, const uint64_t *marks, size_t mark_count, pt_drive_count_fn *tell, void *context,
                 pt_drive_result_t *out_result)
{
    *out_result = (pt_drive_result_t) {0};
    self->result = out_result;
    uint64_t start_ns = pt_bench_now_ns();
    self->progress_ns = start_ns;
    s_mark(self, false, s_skip_mark, NULL);
    for (size_t told = 0; told < mark_count && !s_is_stuck(self);) {
        uint64_t now_ns = pt_bench_now_ns();
        while (self->under_way < self->options.window && s_send_next(self, now_ns, false)) {
        }
        s_receive(self, 10);
        for (; told < mark_count && out_result->responses >= marks[told]; told++)
            tell(context, out_result->responses, (double) (pt_bench_now_ns() - start_ns) / 1e9);
    }
    bool is_good = s_drain(self);
    s_mark(self, true, s_skip_mark, NULL);
    return is_good;
}

static void
s_set_timer(pt_drive_t *self, uint64_t at_ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t) (at_ns / 1000000000), .tv_nsec = (long) (at_ns % 1000000000)}};
    timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

bool
pt_drive_open(pt_drive_t *self, double rate, double seconds, pt_drive_mark_fn *mark, void *context,
              pt_drive_result_t *out_result)
{
    assert(rate > 0);

    *out_result = (pt_drive_result_t) {0};
    self->result = out_result;
    double step_ns = (double) self->options.payloads->payloads[0].count / rate * 1e9;
    uint64_t warm_ns = (uint64_t) (seconds * 1e8);
    uint64_t begin_ns = pt_bench_now_ns() + 1000000;
    uint64_t end_ns = begin_ns + warm_ns + (uint64_t) (seconds * 1e9);
    //  However short the time: one batch at least.
    if (end_ns < begin_ns + warm_ns + (uint64_t) (2 * step_ns))
        end_ns = begin_ns + warm_ns + (uint64_t) (2 * step_ns);
    self->progress_ns = pt_bench_now_ns();
    uint64_t sent = 0;
    uint64_t next_ns = begin_ns;
    while (next_ns < end_ns && !s_is_stuck(self)) {
        uint64_t now_ns = pt_bench_now_ns();
        if (!self->is_measuring && now_ns >= begin_ns + warm_ns)
            s_mark(self, false, mark, context);
        //  A batch that could not be sent in time still counts from the time it was meant for.
        while (next_ns <= now_ns && next_ns < end_ns && self->under_way < self->options.window &&
               s_send_next(self, next_ns, next_ns < begin_ns + warm_ns))
            next_ns = begin_ns + (uint64_t) ((double) ++sent * step_ns);
        s_set_timer(self, next_ns > now_ns ? next_ns : now_ns + 1000000);
        s_receive(self, 10);
    }
    //  What is late is as much part of the latencies as what was in time.
    bool is_good = s_drain(self);
    if (self->is_measuring)
        s_mark(self, true, mark, context);
    return is_good;
}
