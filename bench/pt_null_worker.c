#include "pt_null_worker.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pt_bench.h"
#include "pt_sockets.h"

#define S_WINDOW 64 //  as the worker's default
//  More than the worker's default: its messages hold several batches, and here a run fails when one is lost because
//  the machine stood still.
#define S_PUBLISH_HWM 65536
#define S_READY_MS 1000

struct pt_null_worker {
    const pt_payloads_t *payloads;
    zsock_t *back;
    zsock_t *publish[PT_QUEUE_COUNT_];
    char endpoints[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    uint64_t worker, epoch;
    uint64_t received, announced;
    uint64_t told_ns;
    uint64_t next_seq; //  one count for all topics: nobody replays here
};

pt_null_worker_t *
pt_null_worker_new(const pt_null_options_t *options)
{
    pt_null_worker_t *self = pt_bench_alloc(sizeof(*self));
    self->payloads = options->payloads;
    self->worker = 0x6e756c6c;
    self->epoch = 1;
    self->next_seq = 1;
    const char *refused = options->back;
    self->back = pt_sockets_new(ZMQ_DEALER, PT_SOCKETS_ANSWERS_HWM, S_WINDOW);
    bool is_open = pt_sockets_connect(self->back, options->back) == PT_OK;
    for (int queue = 0; queue < PT_QUEUE_COUNT_ && is_open; queue++) {
        refused = options->publish[queue];
        self->publish[queue] = pt_sockets_new(ZMQ_PUB, S_PUBLISH_HWM, 0);
        is_open = pt_sockets_bind(self->publish[queue], refused, self->endpoints[queue]) == PT_OK;
    }
    if (!is_open) {
        fprintf(stderr, "pt_bench_bus: null worker: %s: %s\n", refused, strerror(errno));
        pt_null_worker_destroy(&self);
    }
    return self;
}

void
pt_null_worker_destroy(pt_null_worker_t **self_p)
{
    pt_null_worker_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->back);
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        zsock_destroy(&self->publish[queue]);
    free(self);
    *self_p = NULL;
}

const char *
pt_null_worker_endpoint(const pt_null_worker_t *self, pt_queue_t queue)
{
    return self->endpoints[queue];
}

static void
s_announce(pt_null_worker_t *self)
{
    uint64_t limit = self->received + S_WINDOW;
    uint64_t now_ns = pt_bench_now_ns();
    bool is_due = now_ns - self->told_ns >= UINT64_C(1000000) * S_READY_MS;
    if (!is_due && limit - self->announced < S_WINDOW / 4)
        return;
    pt_ready_t ready = {.worker = self->worker, .epoch = self->epoch, .received = self->received, .limit = limit};
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_ready_encode(&ready, bytes, sizeof(bytes));
    if (zmq_send(zsock_resolve(self->back), bytes, len, ZMQ_DONTWAIT) >= 0) {
        self->announced = limit;
        self->told_ns = now_ns;
    }
}

//  The id stands first in the first decision. Its room is as long as a usual id, so what is written
//  is filled up with spaces.
static void
s_write_id(uint8_t *items, const pt_batch_t *batch, uint32_t index)
{
    uint8_t *at = items + (*items == 0xdc ? 3 : 1);
    at += *at == 0xde ? 3 : 1;
    assert(memcmp(at, "\xa2id\xd9", 4) == 0);
    size_t room = at[4];
    char id[PT_ID_BYTES_MAX + 1];
    int len = snprintf(id, sizeof(id), "%016" PRIx64 "/%" PRIu64 "/%" PRIu64 "/%" PRIu32, batch->producer, batch->epoch,
                       batch->seq, index);
    assert(len > 0 && (size_t) len <= room);
    memcpy(at + 5, id, (size_t) len);
    memset(at + 5 + len, ' ', room - (size_t) len);
}

static void
s_publish(pt_null_worker_t *self, const pt_published_t *published, const pt_batch_t *batch)
{
    pt_decisions_t header = {
        .worker = self->worker, .epoch = self->epoch, .count = published->count, .crc32 = published->crc32};
    if (published->queue == PT_QUEUE_SETTLED) {
        header.flags = PT_FLAG_LIVE;
    } else {
        header.first_seq = self->next_seq;
        self->next_seq += published->count;
        header.head_seq = self->next_seq;
    }
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_decisions_encode(&header, bytes, sizeof(bytes));
    void *socket = zsock_resolve(self->publish[published->queue]);
    zmq_msg_t items;
    if (zmq_msg_init_size(&items, published->items_bytes) != 0)
        abort();
    memcpy(zmq_msg_data(&items), published->items, published->items_bytes);
    s_write_id(zmq_msg_data(&items), batch, published->first);
    zmq_send(socket, published->topic, strlen(published->topic), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(socket, bytes, len, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (zmq_msg_send(&items, socket, ZMQ_DONTWAIT) < 0)
        zmq_msg_close(&items);
}

static void
s_acknowledge(pt_null_worker_t *self, zmq_msg_t *client, const pt_batch_t *batch)
{
    pt_ack_t ack = {
        .producer = batch->producer, .epoch = batch->epoch, .range_count = 1, .ranges = {{batch->seq, batch->seq}}};
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_ack_encode(&ack, bytes, sizeof(bytes));
    void *socket = zsock_resolve(self->back);
    if (zmq_msg_send(client, socket, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        zmq_send(socket, bytes, len, ZMQ_DONTWAIT);
}

//  [client][header][payload], or HELLO alone. The driver is a DEALER that sends no delimiter.
static void
s_take_message(pt_null_worker_t *self, zmq_msg_t frames[3], int count)
{
    pt_batch_t batch;
    if (count == 1) {
        self->received = 0;
        self->announced = 0;
        self->told_ns = 0;
        return;
    }
    pt_bytes_t header = {zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1])};
    self->received++;
    if (count != 3 || pt_batch_decode(header, &batch) != PT_OK)
        return;
    const pt_payload_t *payload = &self->payloads->payloads[batch.seq % PT_PAYLOADS];
    for (size_t i = 0; i < payload->published_count; i++)
        s_publish(self, &payload->published[i], &batch);
    s_acknowledge(self, &frames[0], &batch);
}

static bool
s_receive(pt_null_worker_t *self)
{
    void *socket = zsock_resolve(self->back);
    zmq_msg_t frames[3];
    int count = 0;
    bool has_more = true;
    while (has_more && count < 3) {
        zmq_msg_init(&frames[count]);
        if (zmq_msg_recv(&frames[count], socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frames[count]);
            return false;
        }
        has_more = zmq_msg_more(&frames[count++]);
    }
    s_take_message(self, frames, count);
    for (int i = 0; i < count; i++)
        zmq_msg_close(&frames[i]);
    return true;
}

void
pt_null_worker_run(pt_null_worker_t *self, void *pipe)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve(self->back), .events = ZMQ_POLLIN},
        {.socket = pipe, .events = ZMQ_POLLIN},
    };
    for (;;) {
        s_announce(self);
        pt_sockets_poll(items, pipe ? 2 : 1, S_READY_MS);
        if (pipe && items[1].revents)
            return;
        while (s_receive(self))
            s_announce(self);
    }
}
