#include "bus.h"

#include <msgpack.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static char s_directory[64];

int
bus_setup(void **state)
{
    (void) state;
    if (pt_sockets_init() != PT_OK)
        return -1;
    snprintf(s_directory, sizeof(s_directory), "/tmp/paytriage-test-XXXXXX");
    return mkdtemp(s_directory) ? 0 : -1;
}

int
bus_teardown(void **state)
{
    (void) state;
    zsys_shutdown();
    zdir_t *directory = zdir_new(s_directory, NULL);
    zdir_remove(directory, true);
    zdir_destroy(&directory);
    return 0;
}

const char *
bus_endpoint(const char *name, unsigned index, char out[PT_ENDPOINT_BYTES_MAX + 1])
{
    snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "ipc://%s/%s%u", s_directory, name, index);
    return out;
}

static void
s_pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

size_t
bus_response(const char *id, const char *provider, const char *code, unsigned http_status,
             uint8_t out[BUS_RESPONSE_BYTES])
{
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&packer, 2u + (id != NULL) + (http_status != 0));
    if (id) {
        s_pack_text(&packer, "id");
        s_pack_text(&packer, id);
    }
    s_pack_text(&packer, "provider");
    s_pack_text(&packer, provider);
    if (http_status) {
        s_pack_text(&packer, "http_status");
        msgpack_pack_unsigned_int(&packer, http_status);
    }
    s_pack_text(&packer, "body");
    msgpack_pack_map(&packer, 1);
    s_pack_text(&packer, "code");
    s_pack_text(&packer, code);
    assert_true(buffer.size <= BUS_RESPONSE_BYTES);
    memcpy(out, buffer.data, buffer.size);
    size_t len = buffer.size;
    msgpack_sbuffer_destroy(&buffer);
    return len;
}

zsock_t *
bus_connect(int type, const char *endpoint)
{
    zsock_t *socket = pt_sockets_new(type, 0, 0);
    assert_non_null(socket);
    bus_leave_nothing(socket);
    zsock_set_linger(socket, 0);
    assert_int_equal(pt_sockets_connect(socket, endpoint), PT_OK);
    return socket;
}

void
bus_receive(zsock_t *socket, pt_frames_t *out_message)
{
    zmq_pollitem_t item = {.socket = zsock_resolve(socket), .events = ZMQ_POLLIN};
    pt_sockets_poll(&item, 1, BUS_PATIENCE_MS);
    assert_true(pt_frames_receive(zsock_resolve(socket), out_message));
}

void
bus_let_others_run(void)
{
    (void) poll(NULL, 0, 1);
}

bool
bus_has_message(zsock_t *socket)
{
    zmq_pollitem_t item = {.socket = zsock_resolve(socket), .events = ZMQ_POLLIN};
    pt_sockets_poll(&item, 1, 0);
    return item.revents != 0;
}

void
bus_send(zsock_t *socket, size_t count, ...)
{
    va_list frames;
    va_start(frames, count);
    for (size_t i = 0; i < count; i++) {
        const void *data = va_arg(frames, const void *);
        size_t len = va_arg(frames, size_t);
        int sent = zmq_send(zsock_resolve(socket), data, len, i + 1 < count ? ZMQ_SNDMORE : 0);
        assert_int_equal(sent, len);
    }
    va_end(frames);
}

void
bus_batch_seal(bus_batch_t *batch)
{
    batch->header_len = pt_batch_encode(&batch->header, batch->header_bytes, sizeof(batch->header_bytes));
    assert_true(batch->header_len > 0);
}

bus_batch_t
bus_batch_of(uint64_t producer, uint64_t seq, uint32_t count, const void *payload, size_t payload_len)
{
    bus_batch_t batch = {.payload = malloc(payload_len + 1), .payload_len = payload_len};
    assert_non_null(batch.payload);
    memcpy(batch.payload, payload, payload_len);
    batch.header = (pt_batch_t) {.producer = producer,
                                 .epoch = 1,
                                 .seq = seq,
                                 .floor = seq < PT_WINDOW ? 1 : seq - PT_WINDOW + 1,
                                 .crc32 = pt_wire_crc32((pt_bytes_t) {batch.payload, payload_len}),
                                 .count = count};
    bus_batch_seal(&batch);
    return batch;
}

bus_batch_t
bus_batch(uint64_t producer, uint64_t seq, uint32_t count, const void *response, size_t response_len)
{
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_array(&packer, count);
    for (uint32_t i = 0; i < count; i++)
        msgpack_pack_bin_with_body(&packer, response, response_len);
    bus_batch_t batch = bus_batch_of(producer, seq, count, buffer.data, buffer.size);
    msgpack_sbuffer_destroy(&buffer);
    return batch;
}

void
bus_batch_clear(bus_batch_t *batch)
{
    free(batch->payload);
    batch->payload = NULL;
}

void
bus_batch_send(zsock_t *socket, const bus_batch_t *batch)
{
    bus_send(socket, 2, batch->header_bytes, batch->header_len, batch->payload, batch->payload_len);
}

void
bus_parse_answer(const pt_frames_t *message, bus_answer_t *out_answer)
{
    pt_bytes_t header = pt_frames_bytes(message, message->count - 1);
    memset(out_answer, 0, sizeof(*out_answer));
    assert_int_equal(pt_wire_kind(header, &out_answer->kind), PT_OK);
    if (out_answer->kind == PT_KIND_ACK)
        assert_int_equal(pt_ack_decode(header, &out_answer->ack, &out_answer->plain_count), PT_OK);
    else if (out_answer->kind == PT_KIND_NACK)
        assert_int_equal(pt_nack_decode(header, &out_answer->nack), PT_OK);
}

//  ACKs that were read in part, by socket.
static struct {
    zsock_t *socket;
    bus_answer_t answer;
} s_left[16];
static const size_t s_left_max = sizeof(s_left) / sizeof(*s_left);

static size_t
s_find_left(const zsock_t *socket)
{
    size_t i = 0;
    while (i < s_left_max && s_left[i].socket != socket)
        i++;
    return i;
}

void
bus_leave_nothing(zsock_t *socket)
{
    size_t i = s_find_left(socket);
    if (i < s_left_max)
        s_left[i].socket = NULL;
}

void
bus_leave(zsock_t *socket, bus_answer_t *answer)
{
    pt_ack_t *ack = &answer->ack;
    if (answer->kind != PT_KIND_ACK || !ack->range_count)
        return;
    pt_range_t *first = &ack->ranges[0];
    if (ack->range_count > 1 || first->first < first->last) {
        size_t i = s_find_left(NULL);
        assert_true(i < s_left_max);
        s_left[i].socket = socket;
        s_left[i].answer = *answer;
        pt_ack_t *left = &s_left[i].answer.ack;
        if (left->ranges[0].first++ == left->ranges[0].last)
            memmove(left->ranges, left->ranges + 1, --left->range_count * sizeof(*left->ranges));
    }
    ack->range_count = 1;
    first->last = first->first;
}

bool
bus_take_left(zsock_t *socket, bus_answer_t *out_answer)
{
    size_t i = s_find_left(socket);
    if (i == s_left_max)
        return false;
    *out_answer = s_left[i].answer;
    s_left[i].socket = NULL;
    bus_leave(socket, out_answer);
    return true;
}

bool
bus_has_answer(zsock_t *socket)
{
    return s_find_left(socket) < s_left_max || bus_has_message(socket);
}

void
bus_receive_answer(zsock_t *socket, bus_answer_t *out_answer)
{
    if (bus_take_left(socket, out_answer))
        return;
    pt_frames_t message;
    bus_receive(socket, &message);
    assert_int_equal(message.count, 1);
    bus_parse_answer(&message, out_answer);
    pt_frames_clear(&message);
    bus_leave(socket, out_answer);
}

void
bus_expect_ack(zsock_t *socket, uint64_t producer, uint64_t seq)
{
    bus_answer_t answer;
    bus_receive_answer(socket, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(answer.ack.producer, producer);
    assert_int_equal(answer.ack.epoch, 1);
    assert_int_equal(answer.ack.range_count, 1);
    assert_int_equal(answer.ack.ranges[0].first, seq);
    assert_int_equal(answer.ack.ranges[0].last, seq);
}

void
bus_expect_nack(zsock_t *socket, uint64_t producer, uint64_t seq, pt_reason_t reason)
{
    bus_answer_t answer;
    bus_receive_answer(socket, &answer);
    assert_int_equal(answer.kind, PT_KIND_NACK);
    assert_int_equal(answer.nack.producer, producer);
    assert_int_equal(answer.nack.epoch, 1);
    assert_int_equal(answer.nack.seq, seq);
    assert_string_equal(pt_reason_text(answer.nack.reason), pt_reason_text(reason));
}

//  Every worker's every queue with HEADs; `settled` has none and connects with the others.
static void
s_await_heads(bus_subscriber_t *self, size_t expected)
{
    struct {
        uint64_t worker;
        char queue[PT_TOPIC_BYTES_MAX];
    } heard[64];
    size_t count = 0;
    while (count < expected) {
        bus_next_message(self);
        if (self->kind != PT_KIND_HEAD)
            continue;
        size_t i = 0;
        size_t queue_len = strcspn(self->topic, ".");
        while (i < count && (heard[i].worker != self->head.worker || strlen(heard[i].queue) != queue_len ||
                             strncmp(heard[i].queue, self->topic, queue_len) != 0))
            i++;
        if (i < count)
            continue;
        assert_true(count < sizeof(heard) / sizeof(heard[0]));
        heard[count].worker = self->head.worker;
        snprintf(heard[count].queue, sizeof(heard[count].queue), "%.*s", (int) queue_len, self->topic);
        count++;
    }
}

void
bus_subscribe(bus_subscriber_t *self, pt_pool_t *const *pools, size_t pool_count)
{
    memset(self, 0, sizeof(*self));
    self->socket = pt_sockets_new(ZMQ_SUB, 0, 0);
    assert_non_null(self->socket);
    for (size_t i = 0; i < pool_count; i++)
        for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
            assert_int_equal(pt_sockets_connect(self->socket, pt_pool_endpoint(pools[i], (pt_queue_t) queue)), PT_OK);
    zsock_set_subscribe(self->socket, "");
    s_await_heads(self, pool_count * (PT_QUEUE_COUNT_ - 1));
}

void
bus_unsubscribe(bus_subscriber_t *self)
{
    pt_frames_clear(&self->message);
    zsock_destroy(&self->socket);
}

void
bus_next_message(bus_subscriber_t *self)
{
    pt_frames_clear(&self->message);
    bus_receive(self->socket, &self->message);
    assert_true(self->message.count >= 2);
    pt_bytes_t topic = pt_frames_bytes(&self->message, 0);
    assert_true(topic.len <= PT_TOPIC_BYTES_MAX);
    snprintf(self->topic, sizeof(self->topic), "%.*s", (int) topic.len, (const char *) topic.data);
    pt_bytes_t header = pt_frames_bytes(&self->message, 1);
    assert_int_equal(pt_wire_kind(header, &self->kind), PT_OK);
    if (self->kind == PT_KIND_HEAD)
        assert_int_equal(pt_head_decode(header, &self->head), PT_OK);
    if (self->kind != PT_KIND_DECISIONS)
        return;
    assert_int_equal(self->message.count, 3);
    assert_int_equal(pt_decisions_decode(header, &self->decisions), PT_OK);
    pt_bytes_t items = pt_frames_bytes(&self->message, 2);
    assert_int_equal(pt_wire_crc32(items), self->decisions.crc32);
    assert_int_equal(pt_items_open_decisions(items, self->decisions.count, &self->items), PT_OK);
    bool live = strncmp(self->topic, "settled.", 8) == 0;
    assert_int_equal(self->decisions.flags, live ? PT_FLAG_LIVE : 0);
}

void
bus_next_decisions(bus_subscriber_t *self)
{
    do
        bus_next_message(self);
    while (self->kind != PT_KIND_DECISIONS);
}

bool
bus_next_decision(bus_subscriber_t *self, pt_decision_t *out_decision)
{
    static pt_pair_t s_fields[PT_FIELDS_MAX];
    pt_bytes_t item;
    if (!pt_items_next(&self->items, &item))
        return false;
    assert_int_equal(pt_decision_decode(item, s_fields, out_decision), PT_OK);
    return true;
}

pt_pool_t *
bus_pool_of(const pt_pool_options_t *options)
{
    static unsigned s_serial;
    char endpoints[PT_QUEUE_COUNT_ + 1][PT_ENDPOINT_BYTES_MAX + 1];
    char error[PT_POOL_ERROR_BYTES_MAX];
    pt_pool_options_t complete = *options;
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        complete.publish[queue] = bus_endpoint("publish", s_serial++, endpoints[queue]);
    if (complete.journal)
        complete.replay = bus_endpoint("replay", s_serial++, endpoints[PT_QUEUE_COUNT_]);
    pt_pool_t *pool = pt_pool_new(&complete, error);
    if (!pool)
        fail_msg("%s", error);
    if (complete.journal)
        assert_string_equal(pt_pool_replay(pool), complete.replay);
    return pool;
}

pt_pool_t *
bus_pool(const char *const *backs, size_t back_count, size_t threads)
{
    pt_pool_options_t options = {.broker_count = back_count, .threads = threads};
    for (size_t i = 0; i < back_count; i++)
        options.brokers[i] = backs[i];
    return bus_pool_of(&options);
}

pt_broker_t *
bus_broker(unsigned index)
{
    char front[PT_ENDPOINT_BYTES_MAX + 1];
    char back[PT_ENDPOINT_BYTES_MAX + 1];
    char error[PT_BROKER_ERROR_BYTES_MAX];
    pt_broker_options_t options = {.front = bus_endpoint("front", index, front),
                                   .back = bus_endpoint("back", index, back)};
    //  Where one was before, libzmq's thread may not have closed its sockets yet.
    int64_t give_up_ms = zclock_mono() + BUS_PATIENCE_MS;
    pt_broker_t *broker;
    while ((broker = pt_broker_new(&options, error)) == NULL)
        if (zclock_mono() > give_up_ms || errno != EADDRINUSE)
            fail_msg("%s", error);
    return broker;
}
