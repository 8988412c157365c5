/*  What a worker's PUB sockets cannot be bound to, and why: an operator has to be told both; and the HEADs after a
 *  start. What is published is in the tests of the pool.
 */
#include "bus_store.h"

#include <errno.h>

#include "pt_outlet.h"

static void
who_is_refused_an_endpoint_is_told_which_and_why(void **state)
{
    (void) state;
    char taken[PT_ENDPOINT_BYTES_MAX + 1];
    static const atomic_int linger_ms = 0;
    zsock_t *other = pt_sockets_new(ZMQ_PUB, 0, 0);
    assert_int_equal(pt_sockets_bind(other, "tcp://127.0.0.1:*", taken), PT_OK);
    for (int refused = 0; refused < PT_QUEUE_COUNT_; refused++) {
        pt_outlet_options_t options = {
            .worker = 1, .epoch = 1, .catalog = pt_catalog_builtin(), .linger_ms = &linger_ms};
        for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
            options.endpoints[queue] = queue == refused ? taken : "tcp://127.0.0.1:*";
        const char *endpoint;
        assert_null(pt_outlet_new(&options, &endpoint));
        assert_int_equal(errno, EADDRINUSE);
        assert_ptr_equal(endpoint, taken);
    }
    zsock_destroy(&other);
}

//  Of a topic on which nothing comes any more only its HEAD tells what was missed, and whom to ask.
static void
heads_after_a_start_tell_where_the_journal_is(void **state)
{
    (void) state;
    static const atomic_int linger_ms = 0;
    char dir[STORE_PATH_BYTES];
    char endpoints[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    const char *refused;
    pt_store_t *store = store_open(store_dir(dir), UINT64_C(8) << 20);
    for (uint64_t i = 0; i < 10; i++)
        store_commit_one(store, "retry.gone.", i, 1, 10);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_discard(store, "retry.gone.", 4, true, 1 << 20), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    pt_outlet_options_t options = {.worker = 5,
                                   .epoch = 6,
                                   .catalog = pt_catalog_builtin(),
                                   .journal = store,
                                   .replay = "tcp://host:5574",
                                   .linger_ms = &linger_ms};
    for (unsigned queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        options.endpoints[queue] = bus_endpoint("heads", queue, endpoints[queue]);
    pt_outlet_t *outlet = pt_outlet_new(&options, &refused);
    assert_non_null(outlet);
    zsock_t *subscriber = pt_sockets_new(ZMQ_SUB, 0, 0);
    zsock_set_subscribe(subscriber, "retry.gone.");
    assert_int_equal(pt_sockets_connect(subscriber, pt_outlet_endpoint(outlet, PT_QUEUE_RETRY)), PT_OK);
    //  One a second, until the subscription has arrived.
    int64_t give_up_ms = zclock_mono() + BUS_PATIENCE_MS;
    pt_frames_t message;
    pt_head_t head;
    for (int64_t now_ms = zclock_mono(); !bus_has_message(subscriber); now_ms += 1000) {
        assert_true(zclock_mono() < give_up_ms);
        pt_outlet_turn(outlet, now_ms);
        bus_let_others_run();
    }
    bus_receive(subscriber, &message);
    assert_int_equal(message.count, 2);
    assert_int_equal(pt_head_decode(pt_frames_bytes(&message, 1), &head), PT_OK);
    assert_int_equal(head.worker, 5);
    assert_int_equal(head.epoch, 6);
    assert_int_equal(head.first_retained, 4);
    assert_int_equal(head.head_seq, 11);
    assert_true(pt_text_equal(head.replay_endpoint, PT_TEXT("tcp://host:5574")));
    pt_frames_clear(&message);
    zsock_destroy(&subscriber);
    pt_outlet_destroy(&outlet);
    pt_store_close(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_refused_an_endpoint_is_told_which_and_why),
        cmocka_unit_test(heads_after_a_start_tell_where_the_journal_is),
    };
    return cmocka_run_group_tests(tests, bus_store_setup, bus_store_teardown);
}
