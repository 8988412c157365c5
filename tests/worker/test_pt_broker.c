/*  A broker whose workers are the test: bare DEALERs that give credit by hand. */
#include "bus.h"

#include <stdlib.h>

#include "pt_roster.h"

typedef struct {
    pt_broker_t *broker;
    zsock_t *front; //  a producer
} s_bench_t;

typedef struct {
    zsock_t *socket;
    uint64_t id;
    uint64_t received;
} s_worker_t;

static void
s_open_bench(s_bench_t *bench)
{
    static unsigned s_serial;
    bench->broker = bus_broker(s_serial++);
    bench->front = bus_connect(ZMQ_DEALER, pt_broker_front(bench->broker));
}

static void
s_close_bench(s_bench_t *bench)
{
    zsock_destroy(&bench->front);
    pt_broker_destroy(&bench->broker);
}

static void
s_send_ready(s_worker_t *worker, uint64_t received, uint64_t limit)
{
    pt_ready_t ready = {.worker = worker->id, .epoch = 1, .received = received, .limit = limit};
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_ready_encode(&ready, bytes, sizeof(bytes));
    bus_send(worker->socket, 1, bytes, len);
}

static void
s_expect_hello(s_worker_t *worker)
{
    pt_frames_t message;
    pt_kind_t kind;
    bus_receive(worker->socket, &message);
    assert_int_equal(message.count, 1);
    assert_int_equal(pt_wire_kind(pt_frames_bytes(&message, 0), &kind), PT_OK);
    assert_int_equal(kind, PT_KIND_HELLO);
    pt_frames_clear(&message);
}

static void
s_await_credit(const s_bench_t *bench, uint64_t credit)
{
    while (pt_broker_counters(bench->broker).credit != credit)
        bus_let_others_run();
}

//  Connect a worker, be greeted, and give credit.
static s_worker_t
s_join(const s_bench_t *bench, uint64_t id, uint64_t limit)
{
    s_worker_t worker = {.socket = bus_connect(ZMQ_DEALER, pt_broker_back(bench->broker)), .id = id};
    uint64_t before = pt_broker_counters(bench->broker).credit;
    //  The numbers of the first READY count for nothing.
    s_send_ready(&worker, 1000, 2000);
    s_expect_hello(&worker);
    s_send_ready(&worker, 0, limit);
    s_await_credit(bench, before + limit);
    return worker;
}

static void
s_send_batch(zsock_t *producer, uint64_t id, uint64_t seq)
{
    bus_batch_t batch = bus_batch(id, seq, 1, "x", 1);
    bus_batch_send(producer, &batch);
    bus_batch_clear(&batch);
}

//  Answer the next message of a broker as a worker does, with an ACK of its batch or of one response.
static uint64_t
s_serve(s_worker_t *worker)
{
    pt_frames_t message;
    bus_receive(worker->socket, &message);
    worker->received++;
    size_t envelope = pt_frames_envelope(&message, 0);
    assert_true(envelope > 0);
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len;
    pt_batch_t batch = {0};
    if (message.count - envelope == 2) {
        assert_int_equal(pt_batch_decode(pt_frames_bytes(&message, envelope), &batch), PT_OK);
        pt_ack_t ack = {.producer = batch.producer, .epoch = batch.epoch, .range_count = 1};
        ack.ranges[0] = (pt_range_t) {batch.seq, batch.seq};
        len = pt_ack_encode(&ack, bytes, sizeof(bytes));
    } else {
        len = pt_plain_ack_encode(1, bytes, sizeof(bytes));
    }
    assert_true(pt_frames_answer(zsock_resolve(worker->socket), &message, 0, envelope, (pt_bytes_t) {bytes, len}));
    pt_frames_clear(&message);
    return batch.seq;
}

static void
a_batch_and_its_ack_pass(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t worker = s_join(&bench, 1, 4);
    s_send_batch(bench.front, 5, 1);
    assert_int_equal(s_serve(&worker), 1);
    bus_expect_ack(bench.front, 5, 1);
    zsock_destroy(&worker.socket);
    s_close_bench(&bench);
}

static void
without_a_worker_the_front_is_not_read(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_send_batch(bench.front, 5, 1);
    s_send_batch(bench.front, 5, 2);
    s_worker_t worker = s_join(&bench, 1, 0);
    //  A worker without credit changes nothing: two turns of the broker's loop later, no answer came.
    for (int i = 0; i < 2; i++) {
        s_send_ready(&worker, 1000 + (uint64_t) i, 2000);
        zsock_t *other = bus_connect(ZMQ_DEALER, pt_broker_back(bench.broker));
        s_worker_t visitor = {.socket = other, .id = 50 + (uint64_t) i};
        s_send_ready(&visitor, 0, 0);
        s_expect_hello(&visitor);
        zsock_destroy(&other);
    }
    assert_false(bus_has_message(bench.front));
    pt_broker_counters_t counters = pt_broker_counters(bench.broker);
    assert_int_equal(counters.batches, 0);
    assert_int_equal(counters.busy, 0);
    zsock_destroy(&worker.socket);

    s_worker_t able = s_join(&bench, 2, 0);
    s_send_ready(&able, 0, 2);
    //  Both are there: nothing was lost. The visitors still count as alive, so either may be chosen.
    bus_answer_t answer;
    size_t busy = 0;
    size_t served = 0;
    while (busy + served < 2) {
        if (bus_has_message(able.socket)) {
            s_serve(&able);
            served++;
        }
        if (bus_has_message(bench.front)) {
            bus_receive_answer(bench.front, &answer);
            busy += answer.kind == PT_KIND_NACK;
        }
    }
    zsock_destroy(&able.socket);
    s_close_bench(&bench);
}

static void
no_more_is_sent_than_there_is_credit_for(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t worker = s_join(&bench, 1, 3);
    for (uint64_t seq = 1; seq <= 5; seq++)
        s_send_batch(bench.front, 5, seq);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        assert_int_equal(s_serve(&worker), seq);
        bus_expect_ack(bench.front, 5, seq);
    }
    assert_false(bus_has_message(worker.socket));
    assert_int_equal(pt_broker_counters(bench.broker).batches, 3);
    s_send_ready(&worker, 3, 5);
    for (uint64_t seq = 4; seq <= 5; seq++) {
        assert_int_equal(s_serve(&worker), seq);
        bus_expect_ack(bench.front, 5, seq);
    }
    zsock_destroy(&worker.socket);
    s_close_bench(&bench);
}

static void
a_producer_whose_worker_is_full_is_told_busy(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t workers[2] = {s_join(&bench, 1, 1), s_join(&bench, 2, 1)};
    //  One message finds the worker of this producer.
    s_send_batch(bench.front, 5, 1);
    s_await_credit(&bench, 1);
    s_send_batch(bench.front, 5, 2);
    bus_answer_t answer;
    bus_receive_answer(bench.front, &answer);
    assert_int_equal(answer.kind, PT_KIND_NACK);
    assert_int_equal(answer.nack.reason, PT_REASON_BUSY);
    assert_int_equal(answer.nack.seq, 2);
    assert_true(answer.nack.retry_after_ms > 0);
    //  Counters are shown once a turn; the answer may come before.
    while (!pt_broker_counters(bench.broker).busy)
        bus_let_others_run();
    assert_int_equal(pt_broker_counters(bench.broker).busy, 1);
    for (size_t i = 0; i < 2; i++)
        zsock_destroy(&workers[i].socket);
    s_close_bench(&bench);
}

static void
a_producer_stays_with_its_worker(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t workers[3];
    for (uint64_t i = 0; i < 3; i++)
        workers[i] = s_join(&bench, i + 1, 100);
    size_t used[3] = {0};
    for (uint64_t producer = 1; producer <= 24; producer++) {
        int owner = -1;
        for (uint64_t seq = 1; seq <= 3; seq++) {
            s_send_batch(bench.front, producer, seq);
            zmq_pollitem_t items[3];
            for (size_t i = 0; i < 3; i++)
                items[i] = (zmq_pollitem_t) {.socket = zsock_resolve(workers[i].socket), .events = ZMQ_POLLIN};
            pt_sockets_poll(items, 3, BUS_PATIENCE_MS);
            int served = items[0].revents ? 0 : items[1].revents ? 1 : 2;
            if (owner < 0)
                owner = served;
            assert_int_equal(served, owner);
            s_serve(&workers[served]);
            bus_expect_ack(bench.front, producer, seq);
        }
        used[owner]++;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(used[i] > 0);
        zsock_destroy(&workers[i].socket);
    }
    s_close_bench(&bench);
}

//  Ask until there is an answer: what is sent before the broker's socket has seen the worker go is lost with it.
static void
s_ask_until_told(zsock_t *client, bus_answer_t *out_answer)
{
    zmq_pollitem_t item = {.socket = zsock_resolve(client), .events = ZMQ_POLLIN};
    for (int sent = 0; sent < PT_ROSTER_CREDIT_MAX && !item.revents; sent++) {
        bus_send(client, 1, "\x80", (size_t) 1);
        pt_sockets_poll(&item, 1, 200);
    }
    bus_receive_answer(client, out_answer);
}

//  The worker goes between its READY and the request, which the broker learns only when it sends.
static void
a_plain_request_that_no_worker_takes_is_told_busy(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    //  Credit for all that may be lost.
    s_worker_t worker = s_join(&bench, 1, PT_ROSTER_CREDIT_MAX);
    zsock_destroy(&worker.socket);
    bus_answer_t answer;
    s_ask_until_told(bench.front, &answer);
    assert_int_equal(answer.kind, PT_KIND_NACK);
    assert_int_equal(answer.nack.seq, 0);
    assert_int_equal(answer.nack.reason, PT_REASON_BUSY);
    assert_true(answer.nack.retry_after_ms > 0);
    s_close_bench(&bench);
}

static void
plain_requests_go_round_and_keep_their_envelope(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t workers[2] = {s_join(&bench, 1, 10), s_join(&bench, 2, 10)};
    zsock_t *request = bus_connect(ZMQ_REQ, pt_broker_front(bench.broker));
    for (int i = 0; i < 4; i++) {
        zsock_t *client = i % 2 ? request : bench.front;
        bus_send(client, 1, "\x80", (size_t) 1);
        zmq_pollitem_t items[2] = {{.socket = zsock_resolve(workers[0].socket), .events = ZMQ_POLLIN},
                                   {.socket = zsock_resolve(workers[1].socket), .events = ZMQ_POLLIN}};
        pt_sockets_poll(items, 2, BUS_PATIENCE_MS);
        s_serve(&workers[items[0].revents ? 0 : 1]);
        bus_answer_t answer;
        bus_receive_answer(client, &answer);
        assert_int_equal(answer.plain_count, 1);
    }
    assert_int_equal(workers[0].received, 2);
    assert_int_equal(workers[1].received, 2);
    zsock_destroy(&request);
    for (size_t i = 0; i < 2; i++)
        zsock_destroy(&workers[i].socket);
    s_close_bench(&bench);
}

static void
a_draining_worker_gets_nothing_more(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t workers[2] = {s_join(&bench, 1, 50), s_join(&bench, 2, 50)};
    s_send_ready(&workers[0], 0, 0);
    s_await_credit(&bench, 50);
    for (uint64_t producer = 1; producer <= 10; producer++) {
        s_send_batch(bench.front, producer, 1);
        s_serve(&workers[1]);
        bus_expect_ack(bench.front, producer, 1);
    }
    assert_false(bus_has_message(workers[0].socket));
    for (size_t i = 0; i < 2; i++)
        zsock_destroy(&workers[i].socket);
    s_close_bench(&bench);
}

//  Else /healthz asks for a restart before the loop's first turn.
static void
a_broker_has_turned_from_its_start_on(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    assert_int_not_equal(pt_broker_counters(bench.broker).turned_ms, 0);
    s_close_bench(&bench);
}

static void
a_worker_that_falls_silent_is_forgotten(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t worker = s_join(&bench, 1, 4);
    assert_int_equal(pt_broker_counters(bench.broker).workers, 1);
    //  The broker's own clock ends this wait.
    while (pt_broker_counters(bench.broker).workers)
        bus_let_others_run();
    assert_int_equal(pt_broker_counters(bench.broker).credit, 0);
    //  Its next READY is that of a stranger.
    s_send_ready(&worker, 4, 8);
    s_expect_hello(&worker);
    zsock_destroy(&worker.socket);
    s_close_bench(&bench);
}

static void
headers_that_cannot_be_read_are_answered_where_a_producer_can(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t worker = s_join(&bench, 1, 4);
    //  [1, "BATCH", producer, 1, 3, 1, 0, 0]: a count of 0.
    static const char s_header[] = "\x98\x01\xa5"
                                   "BATCH\xb0"
                                   "0000000000000005\x01\x03\x01\x00\x00";
    bus_send(bench.front, 2, s_header, sizeof(s_header) - 1, "\x90", (size_t) 1);
    bus_expect_nack(bench.front, 5, 3, PT_REASON_BAD_FORMAT);
    bus_send(bench.front, 2, "\xc1", (size_t) 1, "\x90", (size_t) 1);
    bus_send(bench.front, 3, "a", (size_t) 1, "b", (size_t) 1, "c", (size_t) 1);
    bus_send(bench.front, 7, "a", (size_t) 1, "b", (size_t) 1, "c", (size_t) 1, "d", (size_t) 1, "e", (size_t) 1, "f",
             (size_t) 1, "g", (size_t) 1);
    //  A worker's noise is dropped too.
    bus_send(worker.socket, 1, "\xc1", (size_t) 1);
    bus_send(worker.socket, 4, "a", (size_t) 1, "b", (size_t) 1, "c", (size_t) 1, "d", (size_t) 1);
    bus_send(worker.socket, 2, "nobody", (size_t) 6, "\xc0", (size_t) 1);
    //  And what follows passes as ever.
    s_send_batch(bench.front, 5, 4);
    s_serve(&worker);
    bus_expect_ack(bench.front, 5, 4);
    while (pt_broker_counters(bench.broker).answers < 1)
        bus_let_others_run();
    pt_broker_counters_t counters = pt_broker_counters(bench.broker);
    assert_int_equal(counters.garbage, 5);
    assert_int_equal(counters.refused, 1);
    assert_int_equal(counters.answers_dropped, 1);
    zsock_destroy(&worker.socket);
    s_close_bench(&bench);
}

static void
a_paused_broker_reads_no_more_and_still_passes_answers(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    s_worker_t worker = s_join(&bench, 1, 4);
    s_send_batch(bench.front, 5, 1);
    s_await_credit(&bench, 3);
    pt_broker_pause(bench.broker);
    s_send_batch(bench.front, 5, 2);
    s_serve(&worker);
    bus_expect_ack(bench.front, 5, 1);
    assert_false(bus_has_message(worker.socket));
    assert_int_equal(pt_broker_counters(bench.broker).batches, 1);
    zsock_destroy(&worker.socket);
    s_close_bench(&bench);
}

static void
refused_endpoints_are_named(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    char error[PT_BROKER_ERROR_BYTES_MAX];
    pt_broker_options_t options = {.front = "tcp://127.0.0.1:*", .back = "tcp://127.0.0.1:*"};
    pt_broker_t *first = pt_broker_new(&options, error);
    assert_non_null(first);
    options.back = pt_broker_front(first);
    assert_null(pt_broker_new(&options, error));
    assert_non_null(strstr(error, options.back));
    assert_non_null(strstr(error, "in use"));
    pt_broker_destroy(&first);
    s_close_bench(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_and_its_ack_pass),
        cmocka_unit_test(without_a_worker_the_front_is_not_read),
        cmocka_unit_test(no_more_is_sent_than_there_is_credit_for),
        cmocka_unit_test(a_producer_whose_worker_is_full_is_told_busy),
        cmocka_unit_test(a_producer_stays_with_its_worker),
        cmocka_unit_test(a_plain_request_that_no_worker_takes_is_told_busy),
        cmocka_unit_test(plain_requests_go_round_and_keep_their_envelope),
        cmocka_unit_test(a_draining_worker_gets_nothing_more),
        cmocka_unit_test(a_broker_has_turned_from_its_start_on),
        cmocka_unit_test(a_worker_that_falls_silent_is_forgotten),
        cmocka_unit_test(headers_that_cannot_be_read_are_answered_where_a_producer_can),
        cmocka_unit_test(a_paused_broker_reads_no_more_and_still_passes_answers),
        cmocka_unit_test(refused_endpoints_are_named),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
