#include "pt_drive.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "pt_bench.h"
#include "pt_cursor.h"
#include "pt_decision.h"
#include "pt_sockets.h"

//  Batches of one producer that are remembered; more than may be under way.
#define S_RING 2048

//  Nothing has come back for that long: something is lost.
#define S_PATIENCE_NS UINT64_C(5000000000)
#define S_PROBE_NS UINT64_C(200000000)
#define S_PROBES 50

//  Decisions that may wait here unread, in messages. A driver that falls behind by more has lost.
#define S_RECEIVE_HWM 1000000

//  One batch under way.
typedef struct {
    uint64_t seq; //  0: free
    const pt_payload_t *payload;
    uint64_t intended_ns;
    uint32_t left;        //  decisions
    uint32_t alerts_left; //  decisions on operator_alert
    bool is_acked;
    bool is_refused; //  busy: send again
    bool is_probe;   //  may come back in part
    uint64_t *seen;  //  a bit for each response; only with checks_each
} s_batch_t;

typedef struct {
    uint64_t id;
    uint64_t next_seq;
    uint64_t floor;
    zsock_t *socket;
    s_batch_t ring[S_RING];
    unsigned refused;   //  batches to be sent again
    uint64_t first_seq; //  batches before it were given up
} s_producer_t;

struct pt_drive {
    pt_drive_options_t options;
    uint64_t epoch;
    s_producer_t *producers;
    zsock_t *subscriber;
    int timer; //  of the next batch in an open loop
    unsigned turn;
    unsigned under_way;
    bool is_faulty; //  something came that was not asked for; told on stderr
    uint64_t progress_ns;
    bool is_measuring;
    pt_drive_result_t *result;
    pt_pair_t fields[PT_FIELDS_MAX];
};

static bool
s_connect(zsock_t *socket, const char *endpoint)
{
    if (pt_sockets_connect(socket, endpoint) == PT_OK)
        return true;
    fprintf(stderr, "pt_bench_bus: %s: %s\n", endpoint, strerror(errno));
    return false;
}

static bool
s_open_producer(pt_drive_t *self, unsigned index, uint64_t seed)
{
    s_producer_t *producer = &self->producers[index];
    //  The low digits tell the producer when a decision comes back.
    producer->id = (seed << 8) | index;
    producer->next_seq = 1;
    producer->floor = 1;
    producer->socket = pt_sockets_new(ZMQ_DEALER, PT_WINDOW, PT_SOCKETS_ANSWERS_HWM);
    size_t words = PT_BATCH_COUNT_MAX / 64;
    for (size_t i = 0; self->options.checks_each && i < S_RING; i++)
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
        for (size_t k = 0; k < S_RING; k++)
            free(self->producers[i].ring[k].seen);
    }
    free(self->producers);
    zsock_destroy(&self->subscriber);
    if (self->timer >= 0)
        close(self->timer);
    free(self);
    *self_p = NULL;
}

static void
s_note_fault(pt_drive_t *self, const char *what)
{
    if (!self->is_faulty)
        fprintf(stderr, "pt_bench_bus: %s\n", what);
    self->is_faulty = true;
}

//  The payloads outlive all sends.
static void
s_keep_payload(void *data, void *hint)
{
    (void) data;
    (void) hint;
}

static bool
s_send_batch(pt_drive_t *self, s_producer_t *producer, s_batch_t *batch)
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
    s_note_fault(self, "libzmq took half a message");
    return false;
}

//  Send the next batch of the producer whose turn it is. False when it has no room now.
static bool
s_send_next(pt_drive_t *self, uint64_t intended_ns, bool is_probe)
{
    s_producer_t *producer = &self->producers[self->turn];
    s_batch_t *batch = &producer->ring[producer->next_seq % S_RING];
    if (batch->seq || producer->next_seq - producer->floor >= PT_WINDOW)
        return false;
    uint64_t *seen = batch->seen;
    const pt_payload_t *payload = &self->options.payloads->payloads[producer->next_seq % PT_PAYLOADS];
    *batch = (s_batch_t) {.seq = producer->next_seq,
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

static s_batch_t *
s_find_batch(pt_drive_t *self, unsigned producer, uint64_t seq)
{
    if (producer >= self->options.producers)
        return NULL;
    s_batch_t *batch = &self->producers[producer].ring[seq % S_RING];
    return batch->seq == seq && seq ? batch : NULL;
}

static void
s_complete_batch(pt_drive_t *self, s_batch_t *batch)
{
    if (batch->left || batch->alerts_left || !batch->is_acked)
        return;
    if (self->is_measuring && !batch->is_probe) {
        self->result->responses += batch->payload->count;
        self->result->batches++;
        self->result->bytes_in += batch->payload->bytes.len;
    }
    batch->seq = 0;
    self->under_way--;
    self->progress_ns = pt_bench_now_ns();
}

static void
s_add_time(pt_histogram_t *histogram, const s_batch_t *batch, uint64_t now_ns)
{
    pt_histogram_add(histogram, now_ns > batch->intended_ns ? now_ns - batch->intended_ns : 0);
}

static void
s_acknowledge(pt_drive_t *self, unsigned index, uint64_t seq)
{
    s_producer_t *producer = &self->producers[index];
    s_batch_t *batch = s_find_batch(self, index, seq);
    if (batch) {
        if (!batch->is_acked && self->is_measuring && !batch->is_probe)
            s_add_time(&self->result->ack, batch, pt_bench_now_ns());
        batch->is_acked = true;
        s_complete_batch(self, batch);
    }
    //  The floor is the first batch that is neither acknowledged nor unsent.
    while (producer->floor < producer->next_seq) {
        s_batch_t *first = s_find_batch(self, index, producer->floor);
        if (first && !first->is_acked)
            break;
        producer->floor++;
    }
}

static void
s_refuse(pt_drive_t *self, unsigned index, const pt_nack_t *nack)
{
    s_batch_t *batch = s_find_batch(self, index, nack->seq);
    if (nack->reason != PT_REASON_BUSY) {
        char words[96];
        snprintf(words, sizeof(words), "a batch was refused: %s", pt_reason_text(nack->reason));
        s_note_fault(self, words);
        return;
    }
    if (self->is_measuring)
        self->result->busy++;
    if (batch && !batch->is_acked && !batch->is_refused) {
        batch->is_refused = true;
        self->producers[index].refused++;
    }
}

//  Send again what was refused for want of credit, oldest first.
static void
s_send_refused(pt_drive_t *self)
{
    for (unsigned i = 0; i < self->options.producers; i++) {
        s_producer_t *producer = &self->producers[i];
        for (uint64_t seq = producer->floor; producer->refused && seq < producer->next_seq; seq++) {
            s_batch_t *batch = s_find_batch(self, i, seq);
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
                s_acknowledge(self, index, seq);
    } else if (pt_nack_decode(bytes, &nack) == PT_OK) {
        s_refuse(self, index, &nack);
    }
    zmq_msg_close(&frame);
    return true;
}

//  PRODUCER/EPOCH/SEQ/INDEX, as the worker names a response by its place.
typedef struct {
    uint64_t producer, epoch, seq;
    uint64_t index;
} s_place_t;

static bool
s_parse_place(pt_text_t id, s_place_t *out_place)
{
    char text[PT_ID_BYTES_MAX + 1];
    if (!id.data || id.len > PT_ID_BYTES_MAX)
        return false;
    memcpy(text, id.data, id.len);
    text[id.len] = 0;
    char *at = text;
    out_place->producer = strtoull(at, &at, 16);
    if (*at++ != '/')
        return false;
    out_place->epoch = strtoull(at, &at, 10);
    if (*at++ != '/')
        return false;
    out_place->seq = strtoull(at, &at, 10);
    if (*at++ != '/')
        return false;
    out_place->index = strtoull(at, &at, 10);
    return *at == 0 || *at == ' ';
}

//  The id of the first decision: `id` is its first key.
static bool
s_read_first_place(pt_bytes_t items, s_place_t *out_place)
{
    pt_cursor_t cursor = pt_cursor_open(items);
    uint32_t count;
    pt_text_t text;
    return pt_cursor_array(&cursor, &count) == PT_OK && count && pt_cursor_map(&cursor, &count) == PT_OK &&
           pt_cursor_text(&cursor, 2, &text) == PT_OK && pt_text_equal(text, PT_TEXT("id")) &&
           pt_cursor_text(&cursor, PT_ID_BYTES_MAX, &text) == PT_OK && s_parse_place(text, out_place);
}

//  Take `count` decisions off the batch at `place`.
static void
s_account(pt_drive_t *self, const s_place_t *place, uint32_t count, bool is_alert, uint64_t now_ns)
{
    unsigned index = (unsigned) (place->producer & 0xff);
    bool is_ours =
        index < self->options.producers && self->producers[index].id == place->producer && place->epoch == self->epoch;
    s_batch_t *batch = is_ours ? s_find_batch(self, index, place->seq) : NULL;
    if (is_ours && place->seq < self->producers[index].first_seq)
        return;
    uint32_t *left = batch ? (is_alert ? &batch->alerts_left : &batch->left) : NULL;
    if (!left || *left < count) {
        s_note_fault(self, "a decision came that no response under way accounts for");
        return;
    }
    *left -= count;
    if (!*left && !is_alert && self->is_measuring && !batch->is_probe)
        s_add_time(&self->result->latency, batch, now_ns);
    s_complete_batch(self, batch);
}

//  Every decision by itself: it decodes, and its response has not been decided before.
static void
s_account_each(pt_drive_t *self, pt_bytes_t items, const pt_decisions_t *header, bool is_alert, uint64_t now_ns)
{
    pt_items_t walk;
    pt_bytes_t item;
    if (pt_wire_crc32(items) != header->crc32 || pt_items_open_decisions(items, header->count, &walk) != PT_OK) {
        s_note_fault(self, "a DECISIONS message is damaged");
        return;
    }
    while (pt_items_next(&walk, &item)) {
        pt_decision_t decision;
        s_place_t place;
        if (pt_decision_decode(item, self->fields, &decision) != PT_OK || !s_parse_place(decision.id, &place)) {
            s_note_fault(self, "a decision cannot be read");
            return;
        }
        s_batch_t *batch = s_find_batch(self, (unsigned) (place.producer & 0xff), place.seq);
        if (batch && !is_alert && place.index < PT_BATCH_COUNT_MAX) {
            uint64_t bit = UINT64_C(1) << (place.index % 64);
            if (batch->seen[place.index / 64] & bit)
                s_note_fault(self, "a response was decided twice");
            batch->seen[place.index / 64] |= bit;
        }
        s_account(self, &place, 1, is_alert, now_ns);
    }
}

static void
s_take_decisions(pt_drive_t *self, zmq_msg_t frames[3])
{
    pt_bytes_t topic = {zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0])};
    pt_bytes_t head = {zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1])};
    pt_bytes_t items = {zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2])};
    static const char alerts[] = "operator_alert.";
    bool is_alert = topic.len >= sizeof(alerts) - 1 && memcmp(topic.data, alerts, sizeof(alerts) - 1) == 0;
    pt_decisions_t header;
    s_place_t place;
    uint64_t now_ns = pt_bench_now_ns();
    if (is_alert && !self->options.expects_alerts)
        return;
    if (pt_decisions_decode(head, &header) != PT_OK || !s_read_first_place(items, &place)) {
        s_note_fault(self, "a DECISIONS message cannot be read");
        return;
    }
    if (self->is_measuring)
        self->result->bytes_out += items.len;
    //  A message holds decisions of one batch, so the first tells where all belong.
    if (self->options.checks_each)
        s_account_each(self, items, &header, is_alert, now_ns);
    else
        s_account(self, &place, header.count, is_alert, now_ns);
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
        s_take_decisions(self, frames);
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
        s_note_fault(self, "the timer cannot be read");
    for (int i = 0; items[1].revents && i < S_BURST && s_read_published(self); i++) {
    }
    for (unsigned i = 0; i < self->options.producers; i++)
        for (int k = 0; items[2 + i].revents && k < S_BURST && s_read_answer(self, i); k++) {
        }
    s_send_refused(self);
}

//  Give up what is under way: probes that came back in part or not at all.
static void
s_forget_batches(pt_drive_t *self)
{
    for (unsigned i = 0; i < self->options.producers; i++) {
        s_producer_t *producer = &self->producers[i];
        for (size_t k = 0; k < S_RING; k++)
            producer->ring[k].seq = 0;
        producer->refused = 0;
        producer->floor = producer->next_seq;
        producer->first_seq = producer->next_seq;
    }
    self->under_way = 0;
}

//  A batch of every payload, so that every topic's socket is tried.
static bool
s_probe(pt_drive_t *self)
{
    uint64_t give_up_ns = pt_bench_now_ns() + S_PROBE_NS;
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
    for (int i = 0; i < S_PROBES; i++) {
        if (s_probe(self))
            return !self->is_faulty;
        s_forget_batches(self);
    }
    fprintf(stderr, "pt_bench_bus: no batch comes back whole\n");
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
        s_note_fault(self, "nothing comes back");
        return false;
    }
    self->progress_ns = pt_bench_now_ns();
    while (self->under_way && !s_is_stuck(self))
        s_receive(self, 10);
    if (!self->under_way)
        return !self->is_faulty;
    uint64_t decisions = 0;
    uint64_t alerts = 0;
    unsigned unacked = 0;
    for (unsigned i = 0; i < self->options.producers; i++)
        for (size_t k = 0; k < S_RING; k++) {
            const s_batch_t *batch = &self->producers[i].ring[k];
            decisions += batch->seq ? batch->left : 0;
            alerts += batch->seq ? batch->alerts_left : 0;
            unacked += batch->seq && !batch->is_acked;
        }
    fprintf(stderr,
            "pt_bench_bus: not accounted for: %" PRIu64 " decisions and %" PRIu64 " alerts of %u batches, %u of them "
            "without an ACK\n",
            decisions, alerts, self->under_way, unacked);
    s_forget_batches(self);
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
