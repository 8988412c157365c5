/*  Sequences and the times of HEAD, with a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_topics.h"

static void
numbers_start_at_one_and_have_no_holes(void **state)
{
    (void) state;
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *topic = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.opn.", 0);
    assert_int_equal(topic->head_seq, 1);
    assert_int_equal(pt_topic_number(topic, 3, 0), 1);
    assert_int_equal(pt_topic_number(topic, 1, 0), 4);
    assert_int_equal(topic->head_seq, 5);
    pt_topics_destroy(&topics);
}

static void
each_name_is_one_topic(void **state)
{
    (void) state;
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *list[200];
    for (int i = 0; i < 200; i++) {
        char name[PT_TOPIC_BYTES_MAX];
        snprintf(name, sizeof(name), "retry.provider%d.", i);
        list[i] = pt_topics_get(topics, PT_QUEUE_RETRY, name, 0);
        assert_non_null(list[i]);
    }
    assert_int_equal(pt_topics_count(topics), 200);
    for (size_t i = 0; i < 200; i++) {
        assert_ptr_equal(pt_topics_at(topics, i), list[i]);
        assert_ptr_equal(pt_topics_get(topics, PT_QUEUE_RETRY, list[i]->name, 5), list[i]);
    }
    pt_topics_destroy(&topics);
}

static void
a_new_topic_is_announced_at_once_and_then_every_second(void **state)
{
    (void) state;
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *topic = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.opn.", 5000);
    assert_true(pt_topic_due_ms(topic) <= 5000);
    pt_topic_announce(topic, 5000);
    assert_int_equal(pt_topic_due_ms(topic), 6000);
    pt_topic_announce(topic, 6000);
    assert_int_equal(pt_topic_due_ms(topic), 7000);
    pt_topics_destroy(&topics);
}

static void
a_head_follows_100_ms_after_the_last_decisions(void **state)
{
    (void) state;
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *topic = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.opn.", 0);
    pt_topic_announce(topic, 0);
    pt_topic_number(topic, 1, 200);
    assert_int_equal(pt_topic_due_ms(topic), 300);
    pt_topic_number(topic, 1, 250);
    assert_int_equal(pt_topic_due_ms(topic), 350);
    pt_topic_announce(topic, 350);
    assert_int_equal(pt_topic_due_ms(topic), 1350);
    pt_topics_destroy(&topics);
}

static void
a_topic_that_never_pauses_is_announced_every_second(void **state)
{
    (void) state;
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *topic = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.opn.", 0);
    pt_topic_announce(topic, 0);
    for (int64_t now_ms = 10; now_ms <= 990; now_ms += 10)
        pt_topic_number(topic, 1, now_ms);
    assert_int_equal(pt_topic_due_ms(topic), 1000);
    pt_topics_destroy(&topics);
}

static void
an_idle_topic_is_announced_in_the_list_and_seldom_by_itself(void **state)
{
    (void) state;
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *topic = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.opn.", 0);
    pt_topic_number(topic, 1, 0);
    pt_topic_announce(topic, 9999);
    assert_false(pt_topic_is_idle(topic, 9999));
    assert_int_equal(pt_topic_due_ms(topic), 10999);
    pt_topic_announce(topic, 10999);
    assert_true(pt_topic_is_idle(topic, 10999));
    assert_int_equal(pt_topic_due_ms(topic), 20999);
    //  Until there is something to tell.
    pt_topic_number(topic, 1, 11500);
    assert_false(pt_topic_is_idle(topic, 11500));
    assert_int_equal(pt_topic_due_ms(topic), 11600);
    pt_topics_destroy(&topics);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_start_at_one_and_have_no_holes),
        cmocka_unit_test(each_name_is_one_topic),
        cmocka_unit_test(a_new_topic_is_announced_at_once_and_then_every_second),
        cmocka_unit_test(a_head_follows_100_ms_after_the_last_decisions),
        cmocka_unit_test(a_topic_that_never_pauses_is_announced_every_second),
        cmocka_unit_test(an_idle_topic_is_announced_in_the_list_and_seldom_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
