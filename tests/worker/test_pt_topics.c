/*  Sequences and the times of HEAD, with a clock that the test turns. */
#include "store.h"

#include "pt_topics.h"

#define S_BYTES (UINT64_C(8) << 20)

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

//  ---- beside a journal

//  Ten decisions of which the first `gone` have been taken away.
static pt_store_t *
s_open_journal(const char *topic, uint64_t gone)
{
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(store_commit_one(store, topic, i, 1, 10), i + 1);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_discard(store, topic, gone + 1, true, S_BYTES), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    return store;
}

//  A number that is given a second time would be dropped as a repeat; a topic of a gateway that is gone still has
//  readers.
static void
numbers_go_on_where_the_journal_is_also_of_gateways_that_are_gone(void **state)
{
    (void) state;
    pt_store_t *store = s_open_journal("dead_letter.gone.", 3);
    pt_topics_t *topics = pt_topics_new();
    assert_true(pt_topics_restore(topics, store, 5000));
    pt_topic_t *topic = pt_topics_find(topics, "dead_letter.gone.");
    assert_non_null(topic);
    assert_int_equal(topic->queue, PT_QUEUE_DEAD_LETTER);
    assert_int_equal(topic->first_retained, 4);
    assert_int_equal(pt_topic_number(topic, 1, 5000), 11);
    //  A subscriber that was away hears of it at once.
    assert_true(pt_topic_due_ms(topic) <= 5000);
    pt_topics_destroy(&topics);
    pt_store_close(&store);
}

static void
topic_of_no_queue_is_no_topic_of_ours(void **state)
{
    (void) state;
    static const char *const names[] = {"retries.opn.", "retry", "other.opn."};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        pt_store_t *store = s_open_journal(names[i], 0);
        pt_topics_t *topics = pt_topics_new();
        assert_false(pt_topics_restore(topics, store, 0));
        pt_topics_destroy(&topics);
        pt_store_close(&store);
    }
}

static void
beginning_is_seen_while_a_topic_is_silent_and_its_end_is_not(void **state)
{
    (void) state;
    pt_store_t *store = s_open_journal("retry.opn.", 3);
    pt_topics_t *topics = pt_topics_new();
    pt_topic_t *topic = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.opn.", 0);
    pt_topic_move(topic, 1, 8, 0);
    pt_topics_see_trimmed(topics, store);
    assert_int_equal(topic->first_retained, 4);
    assert_int_equal(topic->head_seq, 8);
    //  All that was published is gone: the beginning is where the end is, and never behind it.
    pt_topic_t *late = pt_topics_get(topics, PT_QUEUE_RETRY, "retry.late.", 0);
    for (uint64_t i = 0; i < 6; i++)
        store_commit_one(store, "retry.late.", i, 1, 10);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_discard(store, "retry.late.", 5, true, S_BYTES), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    pt_topic_move(late, 1, 3, 0);
    pt_topics_see_trimmed(topics, store);
    assert_int_equal(late->first_retained, 1);
    pt_topic_move(late, 1, 5, 0);
    pt_topics_see_trimmed(topics, store);
    assert_int_equal(late->first_retained, 5);
    //  Others of the journal are not added by looking.
    assert_int_equal(pt_topics_count(topics), 2);
    pt_topics_destroy(&topics);
    pt_store_close(&store);
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
        cmocka_unit_test(numbers_go_on_where_the_journal_is_also_of_gateways_that_are_gone),
        cmocka_unit_test(topic_of_no_queue_is_no_topic_of_ours),
        cmocka_unit_test(beginning_is_seen_while_a_topic_is_silent_and_its_end_is_not),
    };
    return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
