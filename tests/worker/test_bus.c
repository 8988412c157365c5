/*  Broker, pool and publisher together, as processes would run them. */
#include "bus.h"

static pt_broker_t *
s_broker(unsigned index)
{
    char front[PT_ENDPOINT_BYTES_MAX + 1];
    char back[PT_ENDPOINT_BYTES_MAX + 1];
    char error[PT_BROKER_ERROR_BYTES_MAX];
    pt_broker_options_t options = {.front = bus_endpoint("front", index, front),
                                   .back = bus_endpoint("back", index, back)};
    pt_broker_t *broker = pt_broker_new(&options, error);
    if (!broker)
        fail_msg("%s", error);
    return broker;
}

static void
a_batch_becomes_decisions_and_then_an_ack(void **state)
{
    (void) state;
    pt_broker_t *broker = s_broker(0);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_becomes_decisions_and_then_an_ack),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
