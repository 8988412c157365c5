/*  What pt_wait sees, what it need not ask for, and what must not be hidden from it. */
#include "bus.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "pt_wait.h"

//  Two ends of one connection inside the process.
typedef struct {
    zsock_t *sender;
    zsock_t *receiver;
    pt_wait_item_t item; //  of the receiver
} s_pair_t;

static s_pair_t
s_connect(const char *endpoint)
{
    s_pair_t pair = {.sender = pt_sockets_new(ZMQ_PAIR, 0, 0), .receiver = pt_sockets_new(ZMQ_PAIR, 0, 0)};
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    assert_int_equal(pt_sockets_bind(pair.receiver, endpoint, bound), PT_OK);
    assert_int_equal(pt_sockets_connect(pair.sender, endpoint), PT_OK);
    pair.item = pt_wait_socket(zsock_resolve(pair.receiver));
    return pair;
}

static void
s_disconnect(s_pair_t *pair)
{
    zsock_destroy(&pair->sender);
    zsock_destroy(&pair->receiver);
}

static void
s_send(const s_pair_t *pair)
{
    assert_int_equal(zmq_send(zsock_resolve(pair->sender), "job", 3, ZMQ_DONTWAIT), 3);
}

//  Receive until nothing is left, and say so. Returns how many there were.
static int
s_drain(s_pair_t *pair)
{
    char bytes[8];
    int count = 0;
    while (zmq_recv(zsock_resolve(pair->receiver), bytes, sizeof(bytes), ZMQ_DONTWAIT) >= 0)
        count++;
    pair->item.empty = true;
    return count;
}

static void
a_socket_with_a_message_is_ready_before_and_after_it_was_empty(void **state)
{
    (void) state;
    s_pair_t pair = s_connect("inproc://wait-message");
    pt_wait(&pair.item, 1, 0);
    assert_false(pair.item.ready);
    for (int i = 0; i < 3; i++) {
        s_send(&pair);
        s_send(&pair);
        pt_wait(&pair.item, 1, BUS_PATIENCE_MS);
        assert_true(pair.item.ready);
        assert_int_equal(s_drain(&pair), 2);
        pt_wait(&pair.item, 1, 0);
        assert_false(pair.item.ready);
    }
    s_disconnect(&pair);
}

static void
what_was_left_in_a_socket_is_seen_though_its_descriptor_is_silent(void **state)
{
    (void) state;
    s_pair_t pair = s_connect("inproc://wait-left");
    char bytes[8];
    for (int i = 0; i < 3; i++)
        s_send(&pair);
    for (int left = 3; left > 0; left--) {
        pt_wait(&pair.item, 1, BUS_PATIENCE_MS);
        assert_true(pair.item.ready);
        assert_int_equal(zmq_recv(zsock_resolve(pair.receiver), bytes, sizeof(bytes), ZMQ_DONTWAIT), 3);
    }
    pt_wait(&pair.item, 1, 0);
    assert_false(pair.item.ready);
    s_disconnect(&pair);
}

static void
news_that_a_send_has_taken_is_seen_where_the_socket_is_not_called_empty(void **state)
{
    (void) state;
    s_pair_t pair = s_connect("inproc://wait-taken");
    assert_int_equal(s_drain(&pair), 0);
    s_send(&pair);
    //  As a send does now and then: it looks at the news, and the descriptor falls silent.
    int events;
    size_t size = sizeof(events);
    assert_int_equal(zmq_getsockopt(zsock_resolve(pair.receiver), ZMQ_EVENTS, &events, &size), 0);
    pair.item.empty = false;
    pt_wait(&pair.item, 1, 0);
    assert_true(pair.item.ready);
    s_disconnect(&pair);
}

static void
all_that_are_ready_are_told_at_once(void **state)
{
    (void) state;
    s_pair_t first = s_connect("inproc://wait-first");
    s_pair_t second = s_connect("inproc://wait-second");
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fd >= 0);
    zmq_pollitem_t descriptor = {.fd = fd, .events = ZMQ_POLLIN};
    zmq_pollitem_t silent = {.socket = zsock_resolve(first.sender), .events = ZMQ_POLLIN};
    assert_int_equal(s_drain(&second), 0);
    s_send(&first);
    s_send(&second);
    pt_wait_item_t items[] = {first.item, second.item, pt_wait_for(&descriptor), pt_wait_for(&silent)};
    pt_wait(items, 4, -1);
    assert_true(items[0].ready && items[1].ready && items[2].ready);
    assert_false(items[3].ready);
    close(fd);
    s_disconnect(&first);
    s_disconnect(&second);
}

static void
the_time_ends_also_while_there_is_news_that_is_no_message(void **state)
{
    (void) state;
    s_pair_t pair = s_connect("inproc://wait-time");
    assert_int_equal(s_drain(&pair), 0);
    //  The end of a peer is news, and nothing to be received.
    zsock_destroy(&pair.sender);
    int64_t start_ms = zclock_mono();
    pt_wait(&pair.item, 1, 20);
    assert_false(pair.item.ready);
    assert_true(zclock_mono() - start_ms >= 19);
    s_disconnect(&pair);
}

int
main(void)
{
    if (pt_sockets_init() != PT_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_with_a_message_is_ready_before_and_after_it_was_empty),
        cmocka_unit_test(what_was_left_in_a_socket_is_seen_though_its_descriptor_is_silent),
        cmocka_unit_test(news_that_a_send_has_taken_is_seen_where_the_socket_is_not_called_empty),
        cmocka_unit_test(all_that_are_ready_are_told_at_once),
        cmocka_unit_test(the_time_ends_also_while_there_is_news_that_is_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
