/*  Broker, pool and publisher together, as processes would run them. */
#include "bus.h"

#include <inttypes.h>
#include <stdlib.h>

static void
a_batch_becomes_decisions_and_then_an_ack(void **state)
{
    (void) state;
    pt_broker_t *broker = bus_broker(0);
    const char *back = pt_broker_back(broker);
    pt_pool_t *pool = bus_pool(&back, 1, 2);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &pool, 1);
    zsock_t *producer = bus_connect(ZMQ_DEALER, pt_broker_front(broker));

    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("order-1", "opn", "no_such_code", 400, response);
    bus_batch_t batch = bus_batch(7, 1, 3, response, len);
    bus_batch_send(producer, &batch);
    bus_expect_ack(producer, 7, 1);

    size_t dead = 0;
    size_t alerts = 0;
    while (dead < 3 || alerts < 3) {
        bus_next_decisions(&subscriber);
        bool alert = streq(subscriber.topic, "operator_alert.opn.");
        if (!alert)
            assert_string_equal(subscriber.topic, "dead_letter.opn.");
        assert_int_equal(subscriber.decisions.worker, pt_pool_worker(pool));
        assert_int_equal(subscriber.decisions.epoch, pt_pool_epoch(pool));
        assert_int_equal(subscriber.decisions.first_seq, 1);
        assert_int_equal(subscriber.decisions.head_seq, 4);
        pt_decision_t decision;
        while (bus_next_decision(&subscriber, &decision)) {
            assert_true(pt_text_equal(decision.id, PT_TEXT("order-1")));
            assert_true(pt_text_equal(decision.producer, PT_TEXT("0000000000000007")));
            assert_int_equal(decision.route, PT_ROUTE_DEAD_LETTER);
            *(alert ? &alerts : &dead) += 1;
        }
    }
    assert_int_equal(pt_pool_drain(pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    pt_pool_counters_t counters = pt_pool_counters(pool);
    assert_int_equal(counters.received, 3);
    assert_int_equal(counters.decided[PT_ROUTE_DEAD_LETTER], 3);
    assert_int_equal(counters.alerts, 3);
    assert_int_equal(counters.acked, 1);
    bus_batch_clear(&batch);
    zsock_destroy(&producer);
    bus_unsubscribe(&subscriber);
    pt_pool_destroy(&pool);
    pt_broker_destroy(&broker);
}

//  What a subscriber has of every topic: the next number it waits for.
typedef struct {
    struct {
        uint64_t worker;
        char name[PT_TOPIC_BYTES_MAX + 1];
        uint64_t next;
    } topics[64];
    size_t count;
} s_positions_t;

//  Fails on a gap or an overlap.
static void
s_advance_position(s_positions_t *positions, const bus_subscriber_t *subscriber)
{
    const pt_decisions_t *decisions = &subscriber->decisions;
    size_t i = 0;
    while (i < positions->count &&
           (positions->topics[i].worker != decisions->worker || !streq(positions->topics[i].name, subscriber->topic)))
        i++;
    if (i == positions->count) {
        assert_true(++positions->count <= 64);
        positions->topics[i].worker = decisions->worker;
        positions->topics[i].next = 1;
        snprintf(positions->topics[i].name, sizeof(positions->topics[i].name), "%s", subscriber->topic);
    }
    assert_int_equal(decisions->first_seq, positions->topics[i].next);
    positions->topics[i].next += decisions->count;
    assert_true(decisions->head_seq >= positions->topics[i].next);
}

//  `producers` producers with `batches` batches of `size` responses each, numbered from 0 in `id`.
typedef struct {
    unsigned producers;
    unsigned batches;
    unsigned size;
} s_load_t;

static void
s_send_load(zsock_t *const *sockets, size_t socket_count, const s_load_t *load)
{
    static const char *const s_providers[] = {"opn", "jamespay", "shopline", "smilepayz", "uapay", "nobody"};
    uint8_t response[BUS_RESPONSE_BYTES];
    for (unsigned batch = 0; batch < load->batches; batch++)
        for (unsigned producer = 0; producer < load->producers; producer++) {
            const char *provider = s_providers[(batch + producer) % 6];
            //  Without an id each response is named by its place, so all names differ.
            size_t len = bus_response(NULL, provider, "no_such_code", batch % 2 ? 400 : 503, response);
            bus_batch_t message = bus_batch(producer + 1, batch + 1, load->size, response, len);
            bus_batch_send(sockets[producer % socket_count], &message);
            bus_batch_clear(&message);
        }
}

//  Wait for one ACK for each batch, and nothing else.
static void
s_receive_acks(zsock_t *const *sockets, size_t socket_count, const s_load_t *load)
{
    bool *acked = calloc(load->producers * load->batches, sizeof(*acked));
    assert_non_null(acked);
    for (size_t i = 0; i < socket_count; i++) {
        unsigned expected = 0;
        for (unsigned producer = 0; producer < load->producers; producer++)
            expected += producer % socket_count == i ? load->batches : 0;
        while (expected > 0) {
            bus_answer_t answer;
            bus_receive_answer(sockets[i], &answer);
            assert_int_equal(answer.kind, PT_KIND_ACK);
            bool *once = &acked[(answer.ack.producer - 1) * load->batches + answer.ack.ranges[0].first - 1];
            assert_false(*once);
            *once = true;
            expected--;
        }
    }
    free(acked);
}

//  Receive the decision of every response once, in sequences without holes.
static void
s_receive_load(bus_subscriber_t *subscriber, const s_load_t *load)
{
    s_positions_t positions = {0};
    size_t total = (size_t) load->producers * load->batches * load->size;
    uint8_t *seen = calloc(total, 1);
    assert_non_null(seen);
    for (size_t count = 0; count < total;) {
        bus_next_decisions(subscriber);
        if (subscriber->decisions.flags != PT_FLAG_LIVE)
            s_advance_position(&positions, subscriber);
        pt_decision_t decision;
        while (bus_next_decision(subscriber, &decision)) {
            if (strncmp(subscriber->topic, "operator_alert.", 15) == 0)
                continue;
            char id[PT_ID_BYTES_MAX + 1];
            snprintf(id, sizeof(id), "%.*s", (int) decision.id.len, decision.id.data);
            unsigned long producer, epoch, seq, index;
            assert_int_equal(sscanf(id, "%16lx/%lu/%lu/%lu", &producer, &epoch, &seq, &index), 4);
            uint8_t *once = &seen[((producer - 1) * load->batches + seq - 1) * load->size + index];
            assert_int_equal(*once, 0);
            *once = 1;
            count++;
        }
    }
    free(seen);
}

static void
ten_thousand_responses_arrive_once_and_without_gaps(void **state)
{
    (void) state;
    pt_broker_t *broker = bus_broker(1);
    const char *back = pt_broker_back(broker);
    pt_pool_t *pool = bus_pool(&back, 1, 4);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &pool, 1);
    zsock_t *producer = bus_connect(ZMQ_DEALER, pt_broker_front(broker));

    //  Less than a window at a time, so that nobody is told to come again.
    s_load_t load = {.producers = 6, .batches = 9, .size = 200};
    s_send_load(&producer, 1, &load);
    s_receive_load(&subscriber, &load);
    s_receive_acks(&producer, 1, &load);

    assert_int_equal(pt_pool_counters(pool).nacked, 0);
    zsock_destroy(&producer);
    bus_unsubscribe(&subscriber);
    pt_pool_destroy(&pool);
    pt_broker_destroy(&broker);
}

static void
three_workers_behind_two_brokers_decide_each_response_once(void **state)
{
    (void) state;
    pt_broker_t *brokers[2] = {bus_broker(2), bus_broker(3)};
    const char *backs[2] = {pt_broker_back(brokers[0]), pt_broker_back(brokers[1])};
    pt_pool_t *pools[3];
    for (size_t i = 0; i < 3; i++)
        pools[i] = bus_pool(backs, 2, 2);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, pools, 3);
    zsock_t *producers[2];
    for (size_t i = 0; i < 2; i++) {
        producers[i] = bus_connect(ZMQ_DEALER, pt_broker_front(brokers[i]));
        //  All workers must be known before the first batch, or a producer's worker changes.
        while (pt_broker_counters(brokers[i]).workers < 3)
            bus_let_others_run();
    }

    s_load_t load = {.producers = 12, .batches = 5, .size = 50};
    s_send_load(producers, 2, &load);
    s_receive_load(&subscriber, &load);
    s_receive_acks(producers, 2, &load);

    uint64_t decided = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pt_pool_drain(pools[i], BUS_PATIENCE_MS, -1), PT_DRAINED);
        pt_pool_counters_t counters = pt_pool_counters(pools[i]);
        for (int route = 0; route < PT_ROUTE_COUNT_; route++)
            decided += counters.decided[route];
        assert_int_equal(counters.duplicates, 0);
    }
    assert_int_equal(decided, 12 * 5 * 50);
    bus_unsubscribe(&subscriber);
    for (size_t i = 0; i < 3; i++)
        pt_pool_destroy(&pools[i]);
    for (size_t i = 0; i < 2; i++) {
        zsock_destroy(&producers[i]);
        pt_broker_destroy(&brokers[i]);
    }
}

static void
a_plain_request_is_answered_with_its_count(void **state)
{
    (void) state;
    pt_broker_t *broker = bus_broker(4);
    const char *back = pt_broker_back(broker);
    pt_pool_t *pool = bus_pool(&back, 1, 1);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &pool, 1);
    zsock_t *request = bus_connect(ZMQ_REQ, pt_broker_front(broker));

    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "no_such_code", 400, response);
    bus_send(request, 1, response, len);
    bus_answer_t answer;
    bus_receive_answer(request, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(answer.plain_count, 1);

    bus_next_decisions(&subscriber);
    pt_decision_t decision;
    assert_true(bus_next_decision(&subscriber, &decision));
    char id[64];
    snprintf(id, sizeof(id), "%016" PRIx64 "/%" PRIu64 "/1/0", pt_pool_worker(pool), pt_pool_epoch(pool));
    assert_true(pt_text_equal(decision.id, pt_text_of(id)));
    assert_int_equal(decision.producer.len, 0);
    zsock_destroy(&request);
    bus_unsubscribe(&subscriber);
    pt_pool_destroy(&pool);
    pt_broker_destroy(&broker);
}

static void
a_broker_that_starts_anew_meets_its_workers_again(void **state)
{
    (void) state;
    pt_broker_t *broker = bus_broker(5);
    const char *back = pt_broker_back(broker);
    pt_pool_t *pool = bus_pool(&back, 1, 1);
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "no_such_code", 400, response);
    for (uint64_t start = 1; start <= 3; start++) {
        //  A socket of its own each time: what waits in the old one is for the old broker.
        zsock_t *producer = bus_connect(ZMQ_DEALER, pt_broker_front(broker));
        for (uint64_t seq = 1; seq <= start + 1; seq++) {
            bus_batch_t batch = bus_batch(3, seq, 2, response, len);
            bus_batch_send(producer, &batch);
            bus_batch_clear(&batch);
            bus_expect_ack(producer, 3, seq);
        }
        zsock_destroy(&producer);
        pt_broker_destroy(&broker);
        if (start < 3)
            broker = bus_broker(5);
    }
    assert_int_equal(pt_pool_drain(pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    pt_pool_counters_t counters = pt_pool_counters(pool);
    assert_true(counters.hellos >= 3);
    //  4 batches in all; the others were known already.
    assert_int_equal(counters.received, 4 * 2);
    assert_int_equal(counters.duplicates, 2 + 3);
    pt_pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_becomes_decisions_and_then_an_ack),
        cmocka_unit_test(ten_thousand_responses_arrive_once_and_without_gaps),
        cmocka_unit_test(three_workers_behind_two_brokers_decide_each_response_once),
        cmocka_unit_test(a_broker_that_starts_anew_meets_its_workers_again),
        cmocka_unit_test(a_plain_request_is_answered_with_its_count),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
