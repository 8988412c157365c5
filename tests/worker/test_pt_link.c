/*  The credit that a worker gives a broker: never more than its window has room for, told as soon as it matters. */
#include "bus.h"

#include "pt_link.h"

#define S_WORKER 7
#define S_WINDOW 8

typedef struct {
    zsock_t *broker;
    pt_link_t link;
    int64_t now_ms;
} s_bench_t;

static void
s_open_bench(s_bench_t *bench)
{
    static unsigned s_serial;
    char back[PT_ENDPOINT_BYTES_MAX + 1];
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    memset(bench, 0, sizeof(*bench));
    bench->broker = pt_sockets_new(ZMQ_ROUTER, 100, 100);
    assert_int_equal(pt_sockets_bind(bench->broker, bus_endpoint("link", s_serial++, back), bound), PT_OK);
    assert_int_equal(pt_link_open(&bench->link, NULL, back, S_WORKER, 1, S_WINDOW), PT_OK);
    bench->now_ms = 1000000;
}

static void
s_close_bench(s_bench_t *bench)
{
    pt_link_close(&bench->link);
    zsock_destroy(&bench->broker);
}

//  What the next READY says.
static pt_ready_t
s_hear(s_bench_t *bench)
{
    pt_frames_t message;
    pt_ready_t ready;
    bus_receive(bench->broker, &message);
    assert_int_equal(pt_ready_decode(pt_frames_bytes(&message, message.count - 1), &ready), PT_OK);
    pt_frames_clear(&message);
    return ready;
}

//  With these in work, and this many received, a second later.
static uint64_t
s_limit_of(s_bench_t *bench, uint32_t in_work, uint64_t received)
{
    bench->link.in_work = in_work;
    bench->link.received = received;
    bench->now_ms += PT_LINK_READY_MS;
    pt_link_announce(&bench->link, bench->now_ms);
    pt_ready_t ready = s_hear(bench);
    assert_int_equal(ready.worker, S_WORKER);
    assert_int_equal(ready.received, received);
    return ready.limit;
}

static void
credit_is_what_the_window_has_room_for(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    assert_int_equal(s_limit_of(&bench, 0, 0), S_WINDOW);
    assert_int_equal(s_limit_of(&bench, 1, 1), S_WINDOW);
    assert_int_equal(s_limit_of(&bench, S_WINDOW - 1, 20), 21);
    assert_int_equal(s_limit_of(&bench, S_WINDOW, 21), 21);
    //  After a HELLO there may be more in work than are counted.
    assert_int_equal(s_limit_of(&bench, S_WINDOW, 0), 0);
    //  A broker that ignores the limit does not raise it.
    assert_int_equal(s_limit_of(&bench, S_WINDOW + 5, 26), 26);
    assert_false(pt_link_has_room(&bench.link));
    bench.link.in_work = S_WINDOW - 1;
    assert_true(pt_link_has_room(&bench.link));
    s_close_bench(&bench);
}

static void
who_drains_gives_no_credit_however_much_room_there_is(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    assert_int_equal(s_limit_of(&bench, 0, 10), 10 + S_WINDOW);
    bench.link.draining = true;
    assert_int_equal(s_limit_of(&bench, 3, 10), 10);
    assert_int_equal(s_limit_of(&bench, 0, 10), 10);
    s_close_bench(&bench);
}

//  A broker that has used up its credit waits for nothing but this.
static void
room_that_came_free_is_told_at_once_and_not_for_every_message(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    assert_int_equal(s_limit_of(&bench, S_WINDOW, 8), 8);
    //  All credit is used up: the first place counts.
    bench.link.in_work = S_WINDOW - 1;
    pt_link_announce(&bench.link, bench.now_ms);
    assert_int_equal(s_hear(&bench).limit, 9);
    //  There is some left: a quarter of the window is worth a message, less is not.
    bench.link.in_work = S_WINDOW - 2;
    pt_link_announce(&bench.link, bench.now_ms);
    bench.link.in_work = S_WINDOW - 3;
    pt_link_announce(&bench.link, bench.now_ms);
    assert_int_equal(s_hear(&bench).limit, 11);
    assert_false(bus_has_message(bench.broker));
    s_close_bench(&bench);
}

static void
ready_is_told_every_second_and_by_nobody_whose_disk_hangs(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench);
    assert_int_equal(s_limit_of(&bench, 0, 0), S_WINDOW);
    pt_link_announce(&bench.link, bench.now_ms + PT_LINK_READY_MS - 1);
    bench.link.silent = true;
    pt_link_announce(&bench.link, bench.now_ms + PT_LINK_READY_MS);
    bench.now_ms += PT_LINK_READY_MS;
    bench.link.silent = false;
    //  The one that is heard next is this one.
    assert_int_equal(s_limit_of(&bench, 2, 3), 3 + S_WINDOW - 2);
    assert_false(bus_has_message(bench.broker));
    s_close_bench(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit_is_what_the_window_has_room_for),
        cmocka_unit_test(who_drains_gives_no_credit_however_much_room_there_is),
        cmocka_unit_test(room_that_came_free_is_told_at_once_and_not_for_every_message),
        cmocka_unit_test(ready_is_told_every_second_and_by_nobody_whose_disk_hangs),
    };
    return cmocka_run_group_tests_name("pt_link", tests, bus_setup, bus_teardown);
}
