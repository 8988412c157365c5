/*  A pool whose broker is the test: a bare ROUTER that counts credit by hand. */
#include "bus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

//  One worker shares a thread with the pool; others have their own.
static size_t s_threads;

typedef struct {
    zsock_t *broker;
    pt_frames_t route; //  the pool's routing id
    pt_pool_t *pool;
    pt_ready_t ready; //  the last one
} s_bench_t;

//  Wait for the next message of the pool, READYs apart.
static void
s_receive_answer(s_bench_t *bench, pt_frames_t *out_message)
{
    for (;;) {
        bus_receive(bench->broker, out_message);
        if (out_message->count > 2)
            return;
        assert_int_equal(pt_ready_decode(pt_frames_bytes(out_message, 1), &bench->ready), PT_OK);
        pt_frames_clear(out_message);
    }
}

static void
s_receive_ready(s_bench_t *bench)
{
    pt_frames_t message;
    bus_receive(bench->broker, &message);
    assert_int_equal(message.count, 2);
    assert_int_equal(pt_ready_decode(pt_frames_bytes(&message, 1), &bench->ready), PT_OK);
    pt_frames_clear(&message);
}

static void
s_send_hello(s_bench_t *bench)
{
    uint8_t hello[PT_HEADER_BYTES_MAX];
    size_t len = pt_hello_encode(hello, sizeof(hello));
    pt_bytes_t route = pt_frames_bytes(&bench->route, 0);
    bus_send(bench->broker, 2, route.data, route.len, hello, len);
}

static void
s_open_bench_of(s_bench_t *bench, const char *name, uint32_t window, int receive_hwm)
{
    static unsigned s_serial;
    char back[PT_ENDPOINT_BYTES_MAX + 1];
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    char publish[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    memset(bench, 0, sizeof(*bench));
    bench->broker = pt_sockets_new(ZMQ_ROUTER, 0, receive_hwm);
    bus_leave_nothing(bench->broker);
    assert_non_null(bench->broker);
    zsock_set_linger(bench->broker, 0);
    assert_int_equal(pt_sockets_bind(bench->broker, bus_endpoint(name, s_serial++, back), bound), PT_OK);
    pt_pool_options_t options = {.brokers = {back}, .broker_count = 1, .threads = s_threads, .window = window};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        options.publish[queue] = bus_endpoint("out", s_serial++, publish[queue]);
    char error[PT_POOL_ERROR_BYTES_MAX];
    bench->pool = pt_pool_new(&options, error);
    assert_non_null(bench->pool);
    bus_receive(bench->broker, &bench->route);
    assert_int_equal(bench->route.count, 2);
    assert_int_equal(pt_ready_decode(pt_frames_bytes(&bench->route, 1), &bench->ready), PT_OK);
}

static void
s_open_bench(s_bench_t *bench, const char *name, uint32_t window)
{
    s_open_bench_of(bench, name, window, 0);
}

static void
s_close_bench(s_bench_t *bench)
{
    pt_pool_destroy(&bench->pool);
    pt_frames_clear(&bench->route);
    zsock_destroy(&bench->broker);
}

static void
s_send_batch(s_bench_t *bench, const bus_batch_t *batch)
{
    pt_bytes_t route = pt_frames_bytes(&bench->route, 0);
    bus_send(bench->broker, 4, route.data, route.len, "client", (size_t) 6, batch->header_bytes, batch->header_len,
             batch->payload, batch->payload_len);
}

//  The answer to a batch, with the envelope as it was.
static void
s_receive_batch_answer(s_bench_t *bench, bus_answer_t *out_answer)
{
    if (bus_take_left(bench->broker, out_answer))
        return;
    pt_frames_t message;
    s_receive_answer(bench, &message);
    assert_int_equal(message.count, 3);
    pt_bytes_t client = pt_frames_bytes(&message, 1);
    assert_int_equal(client.len, 6);
    assert_memory_equal(client.data, "client", 6);
    bus_parse_answer(&message, out_answer);
    pt_frames_clear(&message);
    bus_leave(bench->broker, out_answer);
}

static void
s_expect_ack(s_bench_t *bench, uint64_t seq)
{
    bus_answer_t answer;
    s_receive_batch_answer(bench, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(answer.ack.ranges[0].first, seq);
    assert_int_equal(answer.ack.ranges[0].last, seq);
}

static void
s_expect_nack(s_bench_t *bench, uint64_t seq, pt_reason_t reason)
{
    bus_answer_t answer;
    s_receive_batch_answer(bench, &answer);
    assert_int_equal(answer.kind, PT_KIND_NACK);
    assert_int_equal(answer.nack.seq, seq);
    assert_string_equal(pt_reason_text(answer.nack.reason), pt_reason_text(reason));
}

static bus_batch_t
s_make_batch(uint64_t seq, uint32_t count)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "no_such_code", 400, response);
    return bus_batch(9, seq, count, response, len);
}

//  Else /healthz asks for a restart before the loop's first turn.
static void
a_pool_has_turned_from_its_start_on(void **state)
{
    (void) state;
    pt_pool_t *pool = bus_pool((const char *[]) {"inproc://nobody"}, 1, 1);
    assert_int_not_equal(pt_pool_counters(pool).turned_ms, 0);
    pt_pool_destroy(&pool);
}

static void
credit_is_given_renewed_and_reset_by_hello(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "credit", 4);
    assert_int_equal(bench.ready.worker, pt_pool_worker(bench.pool));
    assert_int_equal(bench.ready.epoch, pt_pool_epoch(bench.pool));
    assert_int_equal(bench.ready.received, 0);
    assert_int_equal(bench.ready.limit, 4);

    for (uint64_t seq = 1; seq <= 3; seq++) {
        bus_batch_t batch = s_make_batch(seq, 1);
        s_send_batch(&bench, &batch);
        bus_batch_clear(&batch);
        s_expect_ack(&bench, seq);
    }
    //  Three are answered: sooner or later the pool says so.
    while (bench.ready.received < 3 || bench.ready.limit < 7)
        s_receive_ready(&bench);
    assert_int_equal(bench.ready.received, 3);
    assert_int_equal(bench.ready.limit, 7);

    s_send_hello(&bench);
    while (bench.ready.received != 0)
        s_receive_ready(&bench);
    assert_int_equal(bench.ready.limit, 4);
    s_close_bench(&bench);
}

static void
a_batch_that_is_sent_again_is_only_acknowledged(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "again", 4);
    bus_batch_t batch = s_make_batch(1, 5);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    bus_batch_clear(&batch);

    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    pt_pool_counters_t counters = pt_pool_counters(bench.pool);
    assert_int_equal(counters.received, 5);
    assert_int_equal(counters.decided[PT_ROUTE_DEAD_LETTER], 5);
    assert_int_equal(counters.duplicates, 1);
    s_close_bench(&bench);
}

static void
other_bytes_under_the_same_number_are_a_conflict(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "conflict", 4);
    bus_batch_t batch = s_make_batch(1, 1);
    bus_batch_t other = s_make_batch(1, 2);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    s_send_batch(&bench, &other);
    s_expect_nack(&bench, 1, PT_REASON_CONFLICT);
    bus_batch_clear(&batch);
    bus_batch_clear(&other);
    s_close_bench(&bench);
}

static void
a_batch_with_a_bad_checksum_may_come_again(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "crc", 4);
    bus_batch_t batch = s_make_batch(1, 1);
    uint32_t crc32 = batch.header.crc32;
    batch.header.crc32 ^= 1;
    bus_batch_seal(&batch);
    s_send_batch(&bench, &batch);
    s_expect_nack(&bench, 1, PT_REASON_BAD_CRC);
    batch.header.crc32 = crc32;
    bus_batch_seal(&batch);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    bus_batch_clear(&batch);
    s_close_bench(&bench);
}

static void
payloads_that_are_no_batch_are_refused(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t count;
    } s_payloads[] = {
        {"", 0, 1},                  //  nothing
        {"\x91", 1, 1},              //  an array cut short
        {"\x91\xc4\x01x", 4, 2},     //  fewer items than announced
        {"\x91\xc4\x01x\xc0", 5, 1}, //  a byte too many
        {"\x81\x01\x02", 3, 1},      //  a map
        {"\x91\x01", 2, 1},          //  an item that is no bin
        {"\xdd\xff\xff\xff\xff", 5, 1},
    };
    s_bench_t bench;
    s_open_bench(&bench, "format", 4);
    for (size_t i = 0; i < sizeof(s_payloads) / sizeof(s_payloads[0]); i++) {
        bus_batch_t batch = bus_batch_of(9, i + 1, s_payloads[i].count, s_payloads[i].bytes, s_payloads[i].len);
        s_send_batch(&bench, &batch);
        s_expect_nack(&bench, i + 1, PT_REASON_BAD_FORMAT);
        bus_batch_clear(&batch);
    }
    s_close_bench(&bench);
}

static void
a_batch_over_the_limit_is_too_big(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "big", 4);
    uint8_t *payload = calloc(1, PT_BATCH_BYTES_MAX + 1);
    assert_non_null(payload);
    bus_batch_t batch = bus_batch_of(9, 1, 1, payload, PT_BATCH_BYTES_MAX + 1);
    s_send_batch(&bench, &batch);
    s_expect_nack(&bench, 1, PT_REASON_TOO_BIG);
    bus_batch_clear(&batch);
    free(payload);
    s_close_bench(&bench);
}

//  One response that fills the largest batch: no valid one, and decided as such.
static void
a_batch_of_the_limit_is_taken(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "limit", 4);
    uint8_t *payload = calloc(1, PT_BATCH_BYTES_MAX);
    assert_non_null(payload);
    //  An array of one bin of 1 MiB - 6 bytes.
    memcpy(payload, "\x91\xc6\x00\x0f\xff\xfa", 6);
    bus_batch_t batch = bus_batch_of(9, 1, 1, payload, PT_BATCH_BYTES_MAX);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    bus_batch_clear(&batch);
    free(payload);
    s_close_bench(&bench);
}

//  A header by hand: the encoder makes none that is wrong.
static void
s_send_header(s_bench_t *bench, const void *header, size_t len)
{
    pt_bytes_t route = pt_frames_bytes(&bench->route, 0);
    bus_send(bench->broker, 4, route.data, route.len, "client", (size_t) 6, header, len, "\x90", (size_t) 1);
}

static void
a_number_outside_the_window_is_refused_for_now(void **state)
{
    (void) state;
    //  [1, "BATCH", producer, 1, 1025, 1, 0, 1]
    static const char s_header[] = "\x98\x01\xa5"
                                   "BATCH\xb0"
                                   "0000000000000009\x01\xcd\x04\x01\x01\x00\x01";
    s_bench_t bench;
    s_open_bench(&bench, "window", 4);
    s_send_header(&bench, s_header, sizeof(s_header) - 1);
    s_expect_nack(&bench, 1025, PT_REASON_WINDOW);
    s_close_bench(&bench);
}

static void
messages_of_no_known_shape_are_counted_and_dropped(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "garbage", 8);
    pt_bytes_t route = pt_frames_bytes(&bench.route, 0);
    s_send_header(&bench, "\xc1", 1);
    bus_send(bench.broker, 2, route.data, route.len, "x", (size_t) 1);
    bus_send(bench.broker, 6, route.data, route.len, "client", (size_t) 6, "a", (size_t) 1, "b", (size_t) 1, "c",
             (size_t) 1, "d", (size_t) 1);
    bus_send(bench.broker, 8, route.data, route.len, "client", (size_t) 6, "", (size_t) 0, "b", (size_t) 1, "c",
             (size_t) 1, "d", (size_t) 1, "e", (size_t) 1, "f", (size_t) 1);
    bus_send(bench.broker, 3, route.data, route.len, "client", (size_t) 6, "", (size_t) 0);
    //  What follows is served as ever.
    bus_batch_t batch = s_make_batch(1, 1);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    bus_batch_clear(&batch);
    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    assert_int_equal(pt_pool_counters(bench.pool).garbage, 5);
    s_close_bench(&bench);
}

static void
an_item_that_is_no_response_becomes_an_invalid_decision(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "poison", 4);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &bench.pool, 1);
    //  Two items: a byte that is never msgpack, and a map without a provider.
    bus_batch_t batch = bus_batch_of(9, 1, 2, "\x92\xc4\x01\xc1\xc4\x01\x80", 7);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    bus_batch_clear(&batch);
    do
        bus_next_decisions(&subscriber);
    while (!streq(subscriber.topic, "dead_letter.-."));
    pt_decision_t decision;
    for (int index = 0; index < 2; index++) {
        char id[PT_ID_BYTES_MAX];
        snprintf(id, sizeof(id), "%016" PRIx64 "/1/1/%d", UINT64_C(9), index);
        assert_true(bus_next_decision(&subscriber, &decision));
        assert_int_equal(decision.match, PT_MATCH_INVALID);
        assert_int_equal(decision.raw.len, 1);
        assert_true(decision.error.len > 0);
        assert_true(decision.alert.active);
        assert_true(pt_text_equal(decision.id, pt_text_of(id)));
    }
    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    assert_int_equal(pt_pool_counters(bench.pool).invalid, 2);
    bus_unsubscribe(&subscriber);
    s_close_bench(&bench);
}

static void
a_settled_decision_is_live_and_without_numbers(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "settled", 4);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &bench.pool, 1);
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("paid", "opn", "", 200, response);
    bus_batch_t batch = bus_batch(9, 1, 1, response, len);
    uint64_t seq = 1;
    //  Nothing tells when the subscription of `settled` stands, so new batches go until one arrives.
    bool arrived = false;
    while (!arrived) {
        batch.header.seq = seq++;
        bus_batch_seal(&batch);
        s_send_batch(&bench, &batch);
        s_expect_ack(&bench, seq - 1);
        while (!arrived && bus_has_message(subscriber.socket)) {
            bus_next_message(&subscriber);
            arrived = subscriber.kind == PT_KIND_DECISIONS && streq(subscriber.topic, "settled.opn.");
        }
    }
    bus_batch_clear(&batch);
    assert_int_equal(subscriber.decisions.flags, PT_FLAG_LIVE);
    assert_int_equal(subscriber.decisions.first_seq, 0);
    assert_int_equal(subscriber.decisions.head_seq, 0);
    pt_decision_t decision;
    assert_true(bus_next_decision(&subscriber, &decision));
    assert_int_equal(decision.route, PT_ROUTE_SETTLED);
    bus_unsubscribe(&subscriber);
    s_close_bench(&bench);
}

static void
a_head_follows_the_last_decisions_of_a_topic(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "head", 4);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &bench.pool, 1);
    bus_batch_t batch = s_make_batch(1, 7);
    s_send_batch(&bench, &batch);
    s_expect_ack(&bench, 1);
    bus_batch_clear(&batch);
    do
        bus_next_message(&subscriber);
    while (subscriber.kind != PT_KIND_HEAD || !streq(subscriber.topic, "dead_letter.opn.") ||
           subscriber.head.head_seq == 1);
    assert_int_equal(subscriber.head.head_seq, 8);
    assert_int_equal(subscriber.head.first_retained, 8);
    assert_int_equal(subscriber.head.worker, pt_pool_worker(bench.pool));
    assert_int_equal(subscriber.head.replay_endpoint.len, 0);
    bus_unsubscribe(&subscriber);
    s_close_bench(&bench);
}

static void
a_drain_finishes_what_was_taken_and_asks_for_nothing_more(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "drain", 8);
    for (uint64_t seq = 1; seq <= 8; seq++) {
        bus_batch_t batch = s_make_batch(seq, 500);
        s_send_batch(&bench, &batch);
        bus_batch_clear(&batch);
    }
    //  The first answer shows that the others have arrived or are about to.
    bus_answer_t answer;
    s_receive_batch_answer(&bench, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    pt_pool_counters_t counters = pt_pool_counters(bench.pool);
    assert_int_equal(counters.in_work, 0);
    assert_int_equal(counters.acked, counters.messages);
    assert_int_equal(counters.received, 500 * counters.messages);
    for (uint64_t i = 1; i < counters.acked; i++) {
        s_receive_batch_answer(&bench, &answer);
        assert_int_equal(answer.kind, PT_KIND_ACK);
    }
    do
        s_receive_ready(&bench);
    while (bench.ready.limit != bench.ready.received);
    s_close_bench(&bench);
}

static void
a_drain_is_interrupted_by_a_descriptor(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "interrupt", 4);
    //  More may be on its way from a broker that has spoken, so the drain does not end at once.
    bus_batch_t batch = s_make_batch(1, 1);
    s_send_batch(&bench, &batch);
    bus_batch_clear(&batch);
    s_expect_ack(&bench, 1);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, ends[0]), PT_DRAIN_INTERRUPTED);
    s_close_bench(&bench);
    close(ends[0]);
    close(ends[1]);
}

static void
a_drain_without_time_says_so_and_the_pool_still_stops(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "late", 64);
    for (uint64_t seq = 1; seq <= 64; seq++) {
        bus_batch_t batch = s_make_batch(seq, 1000);
        s_send_batch(&bench, &batch);
        bus_batch_clear(&batch);
    }
    bus_answer_t answer;
    s_receive_batch_answer(&bench, &answer);
    pt_drain_t drain = pt_pool_drain(bench.pool, 0, -1);
    //  Without time to drain it is late, unless all happens to be finished.
    pt_pool_counters_t counters = pt_pool_counters(bench.pool);
    assert_true(drain == PT_DRAIN_LATE || (drain == PT_DRAINED && counters.acked == counters.messages));
    s_close_bench(&bench);
}

static void
a_pool_with_jobs_in_hand_stops_at_once(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "stop", 64);
    for (uint64_t seq = 1; seq <= 64; seq++) {
        bus_batch_t batch = s_make_batch(seq, 200);
        s_send_batch(&bench, &batch);
        bus_batch_clear(&batch);
    }
    bus_answer_t answer;
    s_receive_batch_answer(&bench, &answer);
    //  Nothing leaks: the sanitizers watch.
    s_close_bench(&bench);
}

//  The broker reads nothing until the pool is gone, and the clients' names in the answers fill the buffers below.
static bool
s_try_answers_of_a_pool_that_is_gone(void)
{
    enum { BATCHES = 64, NAME_BYTES = 65536 };
    static uint8_t s_name[NAME_BYTES] = {'n'};
    s_bench_t bench;
    s_open_bench_of(&bench, "owed", BATCHES, 1);
    pt_bytes_t route = pt_frames_bytes(&bench.route, 0);
    for (uint64_t seq = 1; seq <= BATCHES; seq++) {
        bus_batch_t batch = s_make_batch(seq, 1);
        //  From one client they would have one answer.
        s_name[1] = (uint8_t) seq;
        bus_send(bench.broker, 4, route.data, route.len, s_name, sizeof(s_name), batch.header_bytes, batch.header_len,
                 batch.payload, batch.payload_len);
        bus_batch_clear(&batch);
    }
    while (pt_pool_counters(bench.pool).acked < BATCHES)
        bus_let_others_run();
    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    pt_pool_destroy(&bench.pool);
    size_t answers = 0;
    zmq_pollitem_t item = {.socket = zsock_resolve(bench.broker), .events = ZMQ_POLLIN};
    while (answers < BATCHES && zmq_poll(&item, 1, 2 * PT_SOCKETS_LINGER_MS) > 0) {
        pt_frames_t message;
        bus_receive(bench.broker, &message);
        answers += message.count > 2;
        pt_frames_clear(&message);
    }
    s_close_bench(&bench);
    return answers == BATCHES;
}

static void
answers_leave_after_the_pool_is_gone(void **state)
{
    (void) state;
    //  They have a second: on a machine that is busy for longer, not every time.
    bool well = false;
    for (int i = 0; i < 5 && !well; i++)
        well = s_try_answers_of_a_pool_that_is_gone();
    assert_true(well);
}

static void
refused_endpoints_are_named(void **state)
{
    (void) state;
    char error[PT_POOL_ERROR_BYTES_MAX];
    pt_pool_options_t options = {.brokers = {"inproc://nobody"}, .broker_count = 1, .threads = 1};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        options.publish[queue] = "tcp://127.0.0.1:*";
    options.publish[PT_QUEUE_RETRY] = "nonsense";
    assert_null(pt_pool_new(&options, error));
    assert_non_null(strstr(error, "nonsense"));
    options.publish[PT_QUEUE_RETRY] = "tcp://127.0.0.1:*";
    options.brokers[0] = "tcp://127.0.0.1:what";
    assert_null(pt_pool_new(&options, error));
    assert_non_null(strstr(error, "tcp://127.0.0.1:what"));
}

//  libzmq ends the connection for good when a frame is over the limit.
static void
link_is_made_anew_after_a_frame_over_the_limit(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, "flooded", 4);
    size_t len = PT_SOCKETS_FRAME_BYTES_MAX + 1;
    uint8_t *frame = calloc(1, len);
    assert_non_null(frame);
    pt_bytes_t route = pt_frames_bytes(&bench.route, 0);
    bus_send(bench.broker, 2, route.data, route.len, frame, len);
    free(frame);
    //  A READY under another routing id is a new connection.
    pt_frames_t message;
    bool anew = false;
    while (!anew) {
        bus_receive(bench.broker, &message);
        pt_bytes_t now = pt_frames_bytes(&message, 0);
        route = pt_frames_bytes(&bench.route, 0);
        anew = now.len != route.len || memcmp(now.data, route.data, now.len) != 0;
        pt_frames_clear(&message);
    }
    s_close_bench(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_has_turned_from_its_start_on),
        cmocka_unit_test(credit_is_given_renewed_and_reset_by_hello),
        cmocka_unit_test(a_batch_that_is_sent_again_is_only_acknowledged),
        cmocka_unit_test(other_bytes_under_the_same_number_are_a_conflict),
        cmocka_unit_test(a_batch_with_a_bad_checksum_may_come_again),
        cmocka_unit_test(payloads_that_are_no_batch_are_refused),
        cmocka_unit_test(a_batch_over_the_limit_is_too_big),
        cmocka_unit_test(a_batch_of_the_limit_is_taken),
        cmocka_unit_test(a_number_outside_the_window_is_refused_for_now),
        cmocka_unit_test(messages_of_no_known_shape_are_counted_and_dropped),
        cmocka_unit_test(an_item_that_is_no_response_becomes_an_invalid_decision),
        cmocka_unit_test(a_settled_decision_is_live_and_without_numbers),
        cmocka_unit_test(a_head_follows_the_last_decisions_of_a_topic),
        cmocka_unit_test(a_drain_finishes_what_was_taken_and_asks_for_nothing_more),
        cmocka_unit_test(a_drain_is_interrupted_by_a_descriptor),
        cmocka_unit_test(a_drain_without_time_says_so_and_the_pool_still_stops),
        cmocka_unit_test(a_pool_with_jobs_in_hand_stops_at_once),
        cmocka_unit_test(answers_leave_after_the_pool_is_gone),
        cmocka_unit_test(link_is_made_anew_after_a_frame_over_the_limit),
        cmocka_unit_test(refused_endpoints_are_named),
    };
    int failed = 0;
    for (s_threads = 1; s_threads <= 2; s_threads++)
        failed +=
            cmocka_run_group_tests_name(s_threads > 1 ? "two threads" : "one thread", tests, bus_setup, bus_teardown);
    return failed;
}
