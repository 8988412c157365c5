/*  The ring holds every batch from the floor on, at seq % PT_WINDOW: sealed once, resent until it is
 *  answered. One DEALER per broker and never more than one in use, because a DEALER that is connected
 *  to several brokers also queues into the pipe of a dead one, where a batch waits for hours.
 */
#include "pt_producer.h"

#include <assert.h>
#include <czmq.h>
#include <xxhash.h>

#define RTO_MS_DEFAULT 200
#define RTO_MS_MAX 10000
#define SILENT_TRIES_MAX 3 //  resends of one batch before the next broker is tried
#define PAYLOAD_BYTES_SOFT (64 * 1024)

typedef struct {
    uint8_t *payload; //  the second frame; NULL: not in use
    size_t payload_len;
    uint64_t first; //  place of its first response among all
    uint32_t count;
    uint32_t crc32;
    uint32_t tries; //  times sent
    int64_t due_ms; //  when to send (again)
    bool answered;
} outbox_t;

struct pt_producer {
    pt_producer_options_t options;
    pt_producer_refused_fn *refused;
    void *context;
    zsock_t *socket;
    size_t broker;  //  index of the one in use
    uint64_t floor; //  lowest seq not answered for good
    uint64_t next;  //  seq of the batch that is open
    outbox_t ring[PT_WINDOW];
    uint8_t *open; //  items of the open batch
    size_t open_len, open_capacity;
    uint32_t open_count;
    pt_producer_counts_t counts;
    uint64_t random;
};

static outbox_t *
s_batch_at(pt_producer_t *self, uint64_t seq)
{
    return &self->ring[seq % PT_WINDOW];
}

//  Jitter only has to differ between producers.
static uint32_t
s_draw_jitter(pt_producer_t *self, uint32_t below)
{
    self->random = XXH3_64bits_withSeed(&self->random, sizeof self->random, self->options.producer);
    return (uint32_t) (self->random % below);
}

static uint64_t
s_random_id(void)
{
    zuuid_t *uuid = zuuid_new();
    uint64_t id = XXH3_64bits(zuuid_data(uuid), zuuid_size(uuid));
    zuuid_destroy(&uuid);
    return id;
}

static zsock_t *
s_connect(const char *endpoint)
{
    zsock_t *socket = zsock_new(ZMQ_DEALER);
    if (!socket)
        return NULL;
    zsock_set_linger(socket, 0);
    zsock_set_sndhwm(socket, 64);
    zsock_set_rcvhwm(socket, 1000);
    zsock_set_maxmsgsize(socket, PT_BATCH_BYTES_MAX);
    zsock_set_reconnect_ivl(socket, 100);
    zsock_set_reconnect_ivl_max(socket, 5000);
    zsock_set_tcp_keepalive(socket, 1);
    zsock_set_tcp_keepalive_idle(socket, 15);
    if (zsock_connect(socket, "%s", endpoint) != 0)
        zsock_destroy(&socket);
    return socket;
}

pt_producer_t *
pt_producer_new(const pt_producer_options_t *options, pt_producer_refused_fn *refused, void *context,
                const char **out_error)
{
    assert(options && options->broker_count && options->broker_count <= PT_PRODUCER_BROKERS_MAX);
    pt_producer_t *self = calloc(1, sizeof *self);
    if (!self) {
        *out_error = "no memory";
        return NULL;
    }
    self->options = *options;
    self->refused = refused;
    self->context = context;
    self->floor = self->next = 1;
    self->options.batch_max = options->batch_max ? options->batch_max : 256;
    self->options.window = options->window ? options->window : 64;
    self->options.rto_ms = options->rto_ms ? options->rto_ms : RTO_MS_DEFAULT;
    self->options.producer = options->producer ? options->producer : s_random_id();
    self->options.epoch = options->epoch ? options->epoch : (uint64_t) zclock_time();
    self->random = s_random_id();
    self->socket = s_connect(options->brokers[0]);
    if (!self->socket) {
        *out_error = "the endpoint is not valid";
        pt_producer_destroy(&self);
    }
    return self;
}

void
pt_producer_destroy(pt_producer_t **self_p)
{
    pt_producer_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->socket);
    for (size_t i = 0; i < PT_WINDOW; i++)
        free(self->ring[i].payload);
    free(self->open);
    free(self);
    *self_p = NULL;
}

//  Room for `more` bytes in the open batch. It grows to one batch and is then reused.
static bool
s_reserve(pt_producer_t *self, size_t more)
{
    if (self->open_len + more <= self->open_capacity)
        return true;
    size_t capacity = self->open_capacity ? self->open_capacity : 4096;
    uint8_t *grown;
    while (capacity < self->open_len + more)
        capacity *= 2;
    grown = realloc(self->open, capacity);
    if (!grown)
        return false;
    self->open = grown;
    self->open_capacity = capacity;
    return true;
}

#define ARRAY_HEADER_BYTES 3 //  array 16, so that the count can be written last
#define BIN_HEADER_BYTES 5

static void
s_append_bin(pt_producer_t *self, pt_bytes_t item)
{
    uint8_t *out = self->open + self->open_len;
    out[0] = 0xc6;
    out[1] = (uint8_t) (item.len >> 24);
    out[2] = (uint8_t) (item.len >> 16);
    out[3] = (uint8_t) (item.len >> 8);
    out[4] = (uint8_t) item.len;
    memcpy(out + BIN_HEADER_BYTES, item.data, item.len);
    self->open_len += BIN_HEADER_BYTES + item.len;
    self->open_count++;
}

pt_status_t
pt_producer_put(pt_producer_t *self, pt_bytes_t response)
{
    size_t bytes = BIN_HEADER_BYTES + response.len;
    if (bytes + ARRAY_HEADER_BYTES > PT_BATCH_BYTES_MAX)
        return PT_E_SIZE;
    if (self->open_count && self->open_len + bytes > PAYLOAD_BYTES_SOFT)
        pt_producer_seal(self);
    if (self->next - self->floor >= self->options.window)
        return PT_E_SPACE;
    if (!self->open_count)
        self->open_len = ARRAY_HEADER_BYTES;
    if (!s_reserve(self, bytes + ARRAY_HEADER_BYTES))
        return PT_E_NOMEM;
    s_append_bin(self, response);
    self->counts.put++;
    self->counts.pending++;
    if (self->open_count == self->options.batch_max)
        pt_producer_seal(self);
    return PT_OK;
}

void
pt_producer_seal(pt_producer_t *self)
{
    if (!self->open_count)
        return;
    self->open[0] = 0xdc;
    self->open[1] = (uint8_t) (self->open_count >> 8);
    self->open[2] = (uint8_t) self->open_count;

    outbox_t *batch = s_batch_at(self, self->next++);
    assert(!batch->payload);
    *batch = (outbox_t) {.payload = self->open,
                         .payload_len = self->open_len,
                         .first = self->counts.put - self->open_count,
                         .count = self->open_count,
                         .crc32 = pt_wire_crc32((pt_bytes_t) {self->open, self->open_len})};
    self->open = NULL;
    self->open_len = self->open_capacity = 0;
    self->open_count = 0;
}

//  Returns false when the socket takes nothing now.
static bool
s_send_batch(pt_producer_t *self, uint64_t seq, outbox_t *batch)
{
    pt_batch_t header = {self->options.producer, self->options.epoch, seq, self->floor, batch->crc32, batch->count};
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_batch_encode(&header, bytes, sizeof bytes);
    void *socket = zsock_resolve(self->socket);
    if (zmq_send(socket, bytes, len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return false;
    //  After the first frame was taken, the message's others are taken without waiting.
    if (zmq_send(socket, batch->payload, batch->payload_len, ZMQ_DONTWAIT) < 0)
        return false;
    if (batch->tries++)
        self->counts.batches_resent++;
    return true;
}

static void
s_schedule_resend(pt_producer_t *self, outbox_t *batch, int64_t now_ms)
{
    uint32_t rto_ms = self->options.rto_ms;
    for (uint32_t i = 1; i < batch->tries && rto_ms < RTO_MS_MAX; i++)
        rto_ms *= 2;
    rto_ms = rto_ms < RTO_MS_MAX ? rto_ms : RTO_MS_MAX;
    batch->due_ms = now_ms + rto_ms + s_draw_jitter(self, rto_ms / 4 + 1);
}

//  A silent broker may be dead. What waits in the old socket is dropped with it and sent again.
static void
s_switch_broker(pt_producer_t *self)
{
    if (self->options.broker_count < 2)
        return;
    size_t next = (self->broker + 1) % self->options.broker_count;
    zsock_t *socket = s_connect(self->options.brokers[next]);
    if (!socket)
        return;
    zsock_destroy(&self->socket);
    self->socket = socket;
    self->broker = next;
    for (uint64_t seq = self->floor; seq < self->next; seq++) {
        outbox_t *batch = s_batch_at(self, seq);
        batch->due_ms = 0;
        batch->tries = batch->tries ? 1 : 0; //  silence is counted anew
    }
}

static void
s_send_due(pt_producer_t *self)
{
    int64_t now_ms = zclock_mono();
    for (uint64_t seq = self->floor; seq < self->next; seq++) {
        outbox_t *batch = s_batch_at(self, seq);
        if (batch->answered || batch->due_ms > now_ms)
            continue;
        if (batch->tries && batch->tries % SILENT_TRIES_MAX == 0)
            s_switch_broker(self);
        if (!s_send_batch(self, seq, batch)) {
            batch->due_ms = now_ms + self->options.rto_ms;
            return;
        }
        s_schedule_resend(self, batch, now_ms);
    }
}

static void
s_answer_batch(pt_producer_t *self, uint64_t seq)
{
    outbox_t *batch = s_batch_at(self, seq);
    self->counts.pending -= batch->count;
    batch->answered = true;
    free(batch->payload);
    batch->payload = NULL;
    while (self->floor < self->next && s_batch_at(self, self->floor)->answered)
        s_batch_at(self, self->floor++)->answered = false;
}

static bool
s_is_open(pt_producer_t *self, uint64_t seq)
{
    return seq >= self->floor && seq < self->next && !s_batch_at(self, seq)->answered;
}

static void
s_take_ack(pt_producer_t *self, pt_bytes_t header)
{
    pt_ack_t ack;
    uint32_t plain;
    if (pt_ack_decode(header, &ack, &plain) != PT_OK || ack.producer != self->options.producer ||
        ack.epoch != self->options.epoch)
        return; //  an answer to a producer that had this routing id before
    for (size_t i = 0; i < ack.range_count; i++) {
        uint64_t first = ack.ranges[i].first > self->floor ? ack.ranges[i].first : self->floor;
        for (uint64_t seq = first; seq <= ack.ranges[i].last && seq < self->next; seq++) {
            if (!s_is_open(self, seq))
                continue;
            self->counts.accepted += s_batch_at(self, seq)->count;
            s_answer_batch(self, seq);
        }
    }
}

static void
s_take_nack(pt_producer_t *self, pt_bytes_t header)
{
    pt_nack_t nack;
    if (pt_nack_decode(header, &nack) != PT_OK || nack.producer != self->options.producer ||
        nack.epoch != self->options.epoch || !s_is_open(self, nack.seq))
        return;
    outbox_t *batch = s_batch_at(self, nack.seq);
    bool again = nack.reason == PT_REASON_BUSY || nack.reason == PT_REASON_WINDOW || nack.reason == PT_REASON_BAD_CRC;
    if (again) {
        self->counts.busy += nack.reason == PT_REASON_BUSY;
        uint32_t wait_ms = nack.retry_after_ms ? nack.retry_after_ms : self->options.rto_ms;
        batch->due_ms = zclock_mono() + wait_ms + s_draw_jitter(self, wait_ms / 4 + 1);
        batch->tries = 1; //  the broker lives: this is no silence
        return;
    }
    self->counts.refused += batch->count;
    if (self->refused)
        self->refused(self->context, batch->first, batch->count, nack.reason);
    s_answer_batch(self, nack.seq);
}

static void
s_receive_all(pt_producer_t *self)
{
    void *socket = zsock_resolve(self->socket);
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0) {
        pt_bytes_t header = {zmq_msg_data(&frame), zmq_msg_size(&frame)};
        pt_kind_t kind;
        if (zmq_msg_more(&frame) || pt_wire_kind(header, &kind) != PT_OK)
            continue;
        if (kind == PT_KIND_ACK)
            s_take_ack(self, header);
        else if (kind == PT_KIND_NACK)
            s_take_nack(self, header);
    }
    zmq_msg_close(&frame);
}

//  How long nothing is due.
static uint32_t
s_idle_ms(pt_producer_t *self, uint32_t timeout_ms)
{
    int64_t now_ms = zclock_mono(), wait_ms = timeout_ms;
    for (uint64_t seq = self->floor; seq < self->next; seq++) {
        const outbox_t *batch = s_batch_at(self, seq);
        if (!batch->answered && batch->due_ms - now_ms < wait_ms)
            wait_ms = batch->due_ms - now_ms;
    }
    return wait_ms < 0 ? 0 : (uint32_t) wait_ms;
}

pt_status_t
pt_producer_poll(pt_producer_t *self, uint32_t timeout_ms, int wake_fd)
{
    s_send_due(self);
    zmq_pollitem_t items[2] = {{.socket = zsock_resolve(self->socket), .events = ZMQ_POLLIN},
                               {.fd = wake_fd, .events = ZMQ_POLLIN}};
    if (zmq_poll(items, wake_fd < 0 ? 1 : 2, (long) s_idle_ms(self, timeout_ms)) < 0 && errno != EINTR)
        return PT_E_IO;
    s_receive_all(self);
    s_send_due(self);
    return PT_OK;
}

bool
pt_producer_is_idle(const pt_producer_t *self)
{
    return self->floor == self->next && !self->open_count;
}

pt_producer_counts_t
pt_producer_counts(const pt_producer_t *self)
{
    return self->counts;
}
