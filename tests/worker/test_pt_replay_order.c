/*  What an operator may order, and what is no order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_replay.h"
#include "pt_replay_order.h"

static pt_bytes_t
s_bytes(const char *text)
{
    return (pt_bytes_t) {(const uint8_t *) text, strlen(text)};
}

static bool
s_read(const char *verb, const char *what, pt_request_t *out_request)
{
    *out_request = (pt_request_t) {.unread_too = false};
    return pt_replay_order_read(s_bytes(verb), s_bytes(what), out_request);
}

static void
orders_are_read(void **state)
{
    (void) state;
    pt_request_t request;
    assert_true(s_read("FORGET", "desk", &request));
    assert_int_equal(request.kind, PT_REQUEST_FORGET);
    assert_string_equal(request.name, "desk");

    assert_true(s_read("DISCARD", "retry.opn. 18446744073709551615", &request));
    assert_int_equal(request.kind, PT_REQUEST_DISCARD);
    assert_false(request.unread_too);
    assert_int_equal(request.topic_count, 1);
    assert_string_equal(request.topics[0].topic, "retry.opn.");
    assert_true(request.topics[0].next_seq == UINT64_MAX);

    assert_true(s_read("DISCARD_UNREAD", "retry.opn. 7", &request));
    assert_int_equal(request.kind, PT_REQUEST_DISCARD);
    assert_true(request.unread_too);
    assert_int_equal(request.topics[0].next_seq, 7);
}

static void
what_is_no_order_is_refused(void **state)
{
    (void) state;
    static const char *const discards[] = {"",
                                           "retry.opn.",
                                           "retry.opn. ",
                                           "retry.opn. x",
                                           "retry.opn. -1",
                                           "retry.opn. +1",
                                           "retry.opn. 1x",
                                           "retry.opn. 18446744073709551616"};
    pt_request_t request;
    assert_false(s_read("", "desk", &request));
    assert_false(s_read("FORGETS", "desk", &request));
    assert_false(s_read("forget", "desk", &request));
    for (size_t i = 0; i < sizeof discards / sizeof *discards; i++)
        assert_false(s_read("DISCARD", discards[i], &request));
    assert_false(pt_replay_order_read(s_bytes("DISCARD"), (pt_bytes_t) {(const uint8_t *) "a\0b 1", 5}, &request));
}

static void
texts_that_do_not_fit_are_refused(void **state)
{
    (void) state;
    char name[PT_STORE_NAME_BYTES_MAX + 2] = {0};
    char order[PT_TOPIC_BYTES_MAX + 32] = {0};
    pt_request_t request;
    memset(name, 'n', PT_STORE_NAME_BYTES_MAX);
    assert_true(s_read("FORGET", name, &request));
    assert_string_equal(request.name, name);
    name[PT_STORE_NAME_BYTES_MAX] = 'n';
    assert_false(s_read("FORGET", name, &request));

    memset(order, 't', PT_TOPIC_BYTES_MAX);
    strcpy(order + PT_TOPIC_BYTES_MAX, " 1");
    assert_true(s_read("DISCARD", order, &request));
    assert_int_equal(strlen(request.topics[0].topic), PT_TOPIC_BYTES_MAX);
    strcpy(order + PT_TOPIC_BYTES_MAX, "t 1");
    assert_false(s_read("DISCARD", order, &request));
    strcpy(order + PT_TOPIC_BYTES_MAX, " 00000000000000000000000000001");
    assert_false(s_read("DISCARD", order, &request));
}

static void
each_result_has_its_word(void **state)
{
    (void) state;
    assert_string_equal(pt_replay_order_word(PT_OK), PT_CONTROL_OK);
    assert_string_equal(pt_replay_order_word(PT_E_NOT_FOUND), PT_CONTROL_UNKNOWN);
    assert_string_equal(pt_replay_order_word(PT_E_SPACE), PT_CONTROL_BUSY);
    assert_string_equal(pt_replay_order_word(PT_E_NOMEM), PT_CONTROL_BUSY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_read),
        cmocka_unit_test(what_is_no_order_is_refused),
        cmocka_unit_test(texts_that_do_not_fit_are_refused),
        cmocka_unit_test(each_result_has_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
