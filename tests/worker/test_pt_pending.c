/*  Requests at the journal: as many as there may be, each found by its own pointer, ended in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_pending.h"

static zsock_t *s_push;
static zsock_t *s_pull;
static pt_pendings_t s_pendings;

static int
s_open(void **state)
{
    (void) state;
    static unsigned turn; //  an endpoint is free again only some time after its socket is gone
    char endpoint[32];
    snprintf(endpoint, sizeof(endpoint), "inproc://pending-%u", turn++);
    s_pull = zsock_new(ZMQ_PULL);
    s_push = zsock_new(ZMQ_PUSH);
    if (zsock_bind(s_pull, "%s", endpoint) < 0 || zsock_connect(s_push, "%s", endpoint) < 0)
        return -1;
    s_pendings = (pt_pendings_t) {.journal = zsock_resolve(s_push), .answers = "inproc://asker"};
    return 0;
}

static int
s_close(void **state)
{
    (void) state;
    pt_pendings_clear(&s_pendings);
    zsock_destroy(&s_push);
    zsock_destroy(&s_pull);
    return s_pendings.count == 0 && !s_pendings.first ? 0 : -1;
}

//  Hand over request `number`, with a frame of that byte.
static bool
s_hand(uint64_t number)
{
    pt_pending_t *pending = pt_pendings_new(&s_pendings);
    assert_non_null(pending);
    pending->req_id = number;
    pt_frames_t message = {.count = 1};
    assert_int_equal(zmq_msg_init_size(&message.frames[0], 1), 0);
    *(uint8_t *) zmq_msg_data(&message.frames[0]) = (uint8_t) number;
    bool handed = pt_pendings_hand(&s_pendings, pending, &message);
    assert_int_equal(message.count, 0);
    return handed;
}

static pt_pending_t *
s_take(uint64_t number)
{
    pt_pending_t *pending = (pt_pending_t *) pt_request_take(zsock_resolve(s_pull));
    assert_non_null(pending);
    assert_int_equal(pending->req_id, number);
    assert_string_equal(pending->request.answers, "inproc://asker");
    assert_int_equal(pt_frames_bytes(&pending->route, 0).data[0], number);
    return pending;
}

static void
requests_are_ended_in_any_order(void **state)
{
    (void) state;
    enum { COUNT = 5 };
    static const unsigned order[COUNT] = {2, 0, 4, 3, 1}; //  one in the middle, the first, the last, what is left
    pt_pending_t *pending[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(s_hand(i));
    for (unsigned i = 0; i < COUNT; i++)
        pending[i] = s_take(i);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(s_pendings.count, COUNT - i);
        pt_pendings_end(&s_pendings, pending[order[i]]);
        size_t listed = 0;
        for (const pt_pending_t *left = s_pendings.first; left; left = left->next)
            listed++;
        assert_int_equal(listed, COUNT - i - 1);
    }
}

static void
one_more_than_there_may_be_has_to_wait(void **state)
{
    (void) state;
    for (unsigned i = 0; i < PT_PENDING_MAX; i++)
        assert_true(s_hand(i));
    assert_null(pt_pendings_new(&s_pendings));
    pt_pendings_end(&s_pendings, s_take(0));
    assert_true(s_hand(7));
    assert_null(pt_pendings_new(&s_pendings));
}

static void
what_nobody_takes_is_still_to_be_ended(void **state)
{
    (void) state;
    zsock_t *alone = zsock_new(ZMQ_PUSH);
    s_pendings.journal = zsock_resolve(alone);
    assert_false(s_hand(1));
    assert_int_equal(s_pendings.count, 1);
    zsock_destroy(&alone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_ended_in_any_order, s_open, s_close),
        cmocka_unit_test_setup_teardown(one_more_than_there_may_be_has_to_wait, s_open, s_close),
        cmocka_unit_test_setup_teardown(what_nobody_takes_is_still_to_be_ended, s_open, s_close),
    };
    return cmocka_run_group_tests_name("worker.pt_pending", tests, NULL, NULL);
}
