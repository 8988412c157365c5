/*  The subscriber's rule case by case; what is lost or asked for a second time is in test_pt_positions_gaps.c. */
#include "positions_support.h"

static void
live_starts_anywhere_and_reports_gaps(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_LIVE, &log);
    assert_int_equal(s_take(positions, EPOCH, 100, 5), 100);
    assert_int_equal(s_take(positions, EPOCH, 103, 4), 105); //  overlaps
    assert_int_equal(s_take(positions, EPOCH, 100, 7), 0);   //  old
    assert_int_equal(log.losses, 0);
    assert_int_equal(s_take(positions, EPOCH, 110, 1), 110);
    assert_int_equal(log.lost_first, 107);
    assert_int_equal(log.lost_next, 110);
    s_head(positions, EPOCH, 1, 120, "");
    assert_int_equal(log.lost_first, 111);
    assert_int_equal(log.lost_next, 120);
    s_head(positions, EPOCH, 1, 120, "");
    assert_int_equal(log.losses, 2);
    s_expect_silence(positions, 0);
    pt_positions_destroy(&positions);
}

static void
messages_are_held_until_a_head_tells_of_replay(void **state)
{
    (void) state;
    log_t log;
    for (int replay = 0; replay < 2; replay++) {
        pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
        pt_decisions_t message = s_message(EPOCH, 5, 1, 6, 0);
        pt_arrived_t arrived;
        assert_int_equal(pt_positions_decisions(positions, TOPIC, &message, &arrived), PT_OK);
        assert_int_equal(arrived.arrival, PT_ARRIVAL_HOLD);
        s_head(positions, EPOCH, 1, 5, replay ? "ipc://replay" : "");
        assert_int_equal(pt_positions_decisions(positions, TOPIC, &message, &arrived), PT_OK);
        assert_int_equal(arrived.arrival, replay ? PT_ARRIVAL_DROP : PT_ARRIVAL_DELIVER);
        assert_int_equal(pt_positions_is_open(positions), !replay);
        assert_int_equal(pt_positions_is_level(positions), !replay);
        pt_positions_destroy(&positions);
    }
}

static void
live_decisions_need_no_place(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    pt_decisions_t message = s_message(EPOCH, 0, 3, 0, PT_FLAG_LIVE);
    pt_arrived_t arrived;
    assert_int_equal(pt_positions_decisions(positions, TOPIC, &message, &arrived), PT_OK);
    assert_int_equal(arrived.arrival, PT_ARRIVAL_DELIVER);
    assert_null(arrived.stream);
    pt_positions_destroy(&positions);
}

static void
a_durable_subscriber_goes_on_at_its_position(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 10, 50, 30);
    assert_int_equal(s_take(positions, EPOCH, 50, 1), 0); //  20 are missing before it
    assert_true(pt_positions_is_open(positions));
    assert_false(pt_positions_is_level(positions));
    pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
    assert_int_equal(fetch.from_seq, 30);
    s_expect_silence(positions, 0); //  one at a time
    pt_decisions_t message = s_message(EPOCH, 30, 20, 51, PT_FLAG_REPLAY);
    pt_arrived_t arrived;
    pt_positions_fetched(positions, fetch.req_id, TOPIC, &message, 10, &arrived);
    assert_int_equal(arrived.arrival, PT_ARRIVAL_DELIVER);
    assert_int_equal(arrived.from_seq, 30);
    pt_positions_delivered(positions, arrived.stream, 50);
    pt_end_t end = {fetch.req_id, 50, 51};
    pt_positions_end(positions, &end, 10);
    pt_request_t suback = s_expect(positions, PT_KIND_SUBACK, 10);
    assert_int_equal(suback.topic_count, 1);
    assert_int_equal(suback.topics[0].next_seq, 50);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, 10).from_seq, 50);
    assert_int_equal(s_take(positions, EPOCH, 50, 2), 50); //  a live message may be faster
    assert_true(pt_positions_is_level(positions));
    assert_false(pt_positions_is_acked(positions));
    pt_positions_subacked(positions, suback.req_id, 20);
    s_expect_silence(positions, 20);
    assert_int_equal(s_expect(positions, PT_KIND_SUBACK, 20 + PT_POSITIONS_SUBACK_MS).topics[0].next_seq, 52);
    pt_positions_destroy(&positions);
}

static void
a_repairing_subscriber_starts_at_the_head(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
    s_open(positions, 10, 50, 10);
    s_expect_silence(positions, 0);
    assert_true(pt_positions_is_level(positions));
    assert_int_equal(s_take(positions, EPOCH, 50, 1), 50);
    pt_positions_destroy(&positions);
}

static void
a_topic_that_was_not_listed_begins_at_1(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
    s_head(positions, EPOCH, 1, 4, "ipc://replay");
    pt_request_t open = s_expect(positions, PT_KIND_OPEN, 0);
    pt_opened_t opened = {.req_id = open.req_id, .worker = WORKER, .epoch = EPOCH};
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, 0).from_seq, 1);
    pt_positions_destroy(&positions);
}

static void
topics_without_decisions_need_no_acknowledgement(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_head(positions, EPOCH, 1, 1, "ipc://replay");
    pt_opened_t opened = {.req_id = s_expect(positions, PT_KIND_OPEN, 0).req_id, .worker = WORKER, .epoch = EPOCH};
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    assert_true(pt_positions_is_acked(positions));
    assert_true(pt_positions_is_level(positions));
    s_expect_silence(positions, 0);
    pt_positions_destroy(&positions);
}

static void
pages_are_asked_for_one_by_one(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_head(positions, EPOCH, 1, 4, "ipc://replay");
    pt_request_t open = s_expect(positions, PT_KIND_OPEN, 0);
    assert_int_equal(open.topic.len, 0);
    pt_opened_t opened = {.req_id = open.req_id,
                          .worker = WORKER,
                          .epoch = EPOCH,
                          .more = true,
                          .topic_count = 1,
                          .topics = {{PT_TEXT("retry.a."), 1, 9, 9}}};
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    open = s_expect(positions, PT_KIND_OPEN, 0);
    assert_true(pt_text_equal(open.topic, PT_TEXT("retry.a.")));
    s_expect_silence(positions, 0);
    opened.req_id = open.req_id;
    opened.more = false;
    opened.topics[0] = (pt_topic_place_t) {TOPIC, 1, 4, 2};
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, 0).from_seq, 2);
    pt_positions_destroy(&positions);
}

//  1, 2, 4, 8, 10 s; each with a number of its own, and answers to the older ones are ignored.
static void
what_is_not_answered_is_asked_again_later_each_time(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 9, 1);
    pt_request_t first = s_expect(positions, PT_KIND_FETCH, 0), next = first;
    int64_t now_ms = 0;
    for (int64_t wait_ms = 1000, tries = 0; tries < 6; tries++, wait_ms = wait_ms < 8000 ? 2 * wait_ms : 10000) {
        assert_int_equal(pt_positions_due_ms(positions), now_ms + wait_ms);
        s_expect_silence(positions, now_ms + wait_ms - 1);
        now_ms += wait_ms;
        next = s_expect(positions, PT_KIND_FETCH, now_ms);
        assert_int_not_equal(next.req_id, first.req_id);
    }
    pt_decisions_t message = s_message(EPOCH, 1, 8, 9, PT_FLAG_REPLAY);
    pt_arrived_t arrived;
    pt_positions_fetched(positions, first.req_id, TOPIC, &message, now_ms, &arrived);
    assert_int_equal(arrived.arrival, PT_ARRIVAL_DROP);
    pt_positions_fetched(positions, next.req_id, TOPIC, &message, now_ms, &arrived);
    assert_int_equal(arrived.arrival, PT_ARRIVAL_DELIVER);
    //  It was heard: the next wait is a short one.
    assert_int_equal(pt_positions_due_ms(positions), now_ms + PT_POSITIONS_WAIT_MS);
    pt_positions_destroy(&positions);
}

static void
what_was_trimmed_is_lost_and_told(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
    s_open(positions, 1, 10, 1);
    s_head(positions, EPOCH, 1, 20, "ipc://replay");
    pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
    pt_truncated_t truncated = {fetch.req_id, 15};
    pt_positions_truncated(positions, &truncated, 0);
    assert_int_equal(log.losses, 1);
    assert_int_equal(log.lost_first, 10);
    assert_int_equal(log.lost_next, 15);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, 0).from_seq, 15);
    pt_positions_destroy(&positions);
}

static void
an_epoch_that_is_over_is_lost_and_told(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
    s_open(positions, 1, 10, 1);
    s_head(positions, EPOCH, 1, 20, "ipc://replay");
    pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
    pt_bad_epoch_t bad_epoch = {fetch.req_id, EPOCH + 1};
    pt_positions_bad_epoch(positions, &bad_epoch, 0);
    assert_int_equal(log.lost_first, 10);
    assert_int_equal(log.lost_next, 20);
    s_expect_silence(positions, 100000);
    assert_true(pt_positions_is_level(positions));
    pt_positions_destroy(&positions);
}

static void
an_end_that_brings_nothing_is_not_asked_again_at_once(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 9, 1);
    pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
    pt_end_t end = {fetch.req_id, 9, 9}; //  its messages were lost on the way
    pt_positions_end(positions, &end, 0);
    s_expect_silence(positions, PT_POSITIONS_WAIT_MS - 1);
    s_expect(positions, PT_KIND_FETCH, PT_POSITIONS_WAIT_MS);
    pt_positions_destroy(&positions);
}

static void
a_journal_that_went_back_is_opened_again(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 50, 50);
    s_head(positions, EPOCH, 1, 20, "ipc://replay");
    pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
    assert_int_equal(fetch.from_seq, 50);
    //  An old HEAD that was late is no fault.
    pt_end_t end = {fetch.req_id, 50, 50};
    pt_positions_end(positions, &end, 0);
    assert_int_equal(log.faults[PT_FAULT_WENT_BACK], 0);
    s_head(positions, EPOCH, 1, 20, "ipc://replay");
    end = (pt_end_t) {s_expect(positions, PT_KIND_FETCH, 0).req_id, 20, 20};
    pt_positions_end(positions, &end, 0);
    assert_int_equal(log.faults[PT_FAULT_WENT_BACK], 1);
    s_open(positions, 1, 20, 15);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, 0).from_seq, 15);
    assert_int_equal(s_take(positions, EPOCH, 15, 5), 15);
    assert_true(pt_positions_is_level(positions)); //  what was there before it went back is not waited for
    pt_positions_destroy(&positions);
}

static void
alternating_epochs_are_a_fault_and_a_new_one_is_none(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_LIVE, &log);
    assert_int_equal(s_take(positions, EPOCH, 1, 1), 1);
    assert_int_equal(s_take(positions, EPOCH + 1, 1, 1), 1);
    assert_int_equal(s_take(positions, EPOCH + 1, 2, 1), 2);
    assert_int_equal(log.faults[PT_FAULT_EPOCHS_ALTERNATE], 0);
    assert_int_equal(s_take(positions, EPOCH, 2, 1), 2);
    assert_int_equal(log.faults[PT_FAULT_EPOCHS_ALTERNATE], 1);
    assert_int_equal(log.losses, 0);
    pt_positions_destroy(&positions);
}

static void
another_worker_at_the_endpoint_is_a_fault(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_head(positions, EPOCH, 1, 4, "ipc://replay");
    pt_opened_t opened = {.req_id = s_expect(positions, PT_KIND_OPEN, 0).req_id, .worker = WORKER + 1, .epoch = EPOCH};
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    assert_int_equal(log.faults[PT_FAULT_OTHER_WORKER], 1);
    assert_false(pt_positions_is_level(positions));
    s_expect(positions, PT_KIND_OPEN, PT_POSITIONS_WAIT_MS);
    pt_positions_destroy(&positions);
}

static void
a_forgotten_name_opens_again_and_delivers_nothing_twice(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 5, 5);
    assert_int_equal(s_take(positions, EPOCH, 5, 5), 5);
    pt_refused_t refused = {s_expect(positions, PT_KIND_SUBACK, 0).req_id, PT_REFUSAL_UNKNOWN};
    pt_positions_refused(positions, &refused, 0);
    s_open(positions, 1, 10, 1);
    s_expect(positions, PT_KIND_SUBACK, 0);
    assert_int_equal(s_take(positions, EPOCH, 1, 9), 0);
    assert_int_equal(log.losses, 0);
    pt_positions_destroy(&positions);
}

static void
refusals_for_good_are_told(void **state)
{
    (void) state;
    log_t log;
    for (int refusal = 0; refusal < PT_REFUSAL_COUNT_; refusal++) {
        pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
        s_head(positions, EPOCH, 1, 4, "ipc://replay");
        pt_refused_t refused = {s_expect(positions, PT_KIND_OPEN, 0).req_id, (pt_refusal_t) refusal};
        pt_positions_refused(positions, &refused, 0);
        assert_int_equal(log.faults[PT_FAULT_REFUSED], refusal != PT_REFUSAL_BUSY);
        s_expect_silence(positions, PT_POSITIONS_WAIT_MS - 1);
        s_expect(positions, PT_KIND_OPEN, PT_POSITIONS_WAIT_MS);
        pt_positions_destroy(&positions);
    }
}

static void
a_suback_that_is_lost_is_sent_again(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 5, 5);
    assert_int_equal(s_take(positions, EPOCH, 5, 5), 5);
    pt_request_t request;
    assert_false(pt_positions_ask(positions, false, 0, &request));
    s_expect(positions, PT_KIND_SUBACK, 0);
    s_expect_silence(positions, PT_POSITIONS_WAIT_MS - 1);
    assert_int_equal(s_expect(positions, PT_KIND_SUBACK, PT_POSITIONS_WAIT_MS).topics[0].next_seq, 10);
    pt_positions_destroy(&positions);
}

//  Topics that all move while a SUBACK is on its way, and more than it holds: none may wait for ever, because what
//  is not acknowledged is not trimmed.
static void
positions_of_many_busy_topics_are_all_told(void **state)
{
    (void) state;
    enum { TOPICS = 200, ROUNDS = TOPICS / PT_HEADS_MAX + 1 };
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    bool told[TOPICS] = {0};
    size_t count = 0;
    s_open(positions, 1, 1, 1);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        for (int topic = 0; topic < TOPICS; topic++) {
            char name[PT_TOPIC_BYTES_MAX];
            pt_decisions_t message = s_message(EPOCH, round, 1, round + 1, 0);
            pt_arrived_t arrived;
            snprintf(name, sizeof(name), "%d", topic);
            assert_int_equal(pt_positions_decisions(positions, pt_text_of(name), &message, &arrived), PT_OK);
            assert_int_equal(arrived.arrival, PT_ARRIVAL_DELIVER);
            pt_positions_delivered(positions, arrived.stream, round + 1);
        }
        int64_t now_ms = (int64_t) round * PT_POSITIONS_SUBACK_MS;
        pt_request_t suback = s_expect(positions, PT_KIND_SUBACK, now_ms);
        for (size_t i = 0; i < suback.topic_count; i++) {
            char name[PT_TOPIC_BYTES_MAX + 1] = "";
            memcpy(name, suback.topics[i].topic.data, suback.topics[i].topic.len);
            long topic = strtol(name, NULL, 10);
            count += !told[topic];
            told[topic] = true;
        }
        pt_positions_subacked(positions, suback.req_id, now_ms);
    }
    assert_int_equal(count, TOPICS);
    pt_positions_destroy(&positions);
}

//  More streams and sources than there may be: the oldest go, and what they lacked is told.
static void
tables_are_bounded(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_LIVE, &log);
    for (uint64_t worker = 1; worker <= 3 * PT_POSITIONS_SOURCES_MAX; worker++)
        for (int topic = 0; topic < 40; topic++) {
            char name[PT_TOPIC_BYTES_MAX];
            pt_decisions_t message = s_message(EPOCH, 1, 1, 2, 0);
            pt_arrived_t arrived;
            message.worker = worker;
            size_t len = (size_t) snprintf(name, sizeof name, "retry.%d.", topic);
            assert_int_equal(pt_positions_decisions(positions, (pt_text_t) {name, len}, &message, &arrived), PT_OK);
            assert_int_equal(arrived.arrival, PT_ARRIVAL_DELIVER);
            pt_positions_delivered(positions, arrived.stream, 2);
        }
    assert_int_equal(log.losses, 0);
    pt_positions_destroy(&positions);
}

static void
what_is_left_of_an_old_epoch_waits_for_no_head(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 1, 1);
    assert_int_equal(s_take(positions, EPOCH - 1, 5, 2), 5);
    assert_true(pt_positions_is_level(positions));
    s_expect_silence(positions, 0);
    //  It was not over after all: the clock was set back.
    s_head(positions, EPOCH - 1, 1, 7, "ipc://replay");
    pt_request_t open = s_expect(positions, PT_KIND_OPEN, 0);
    assert_int_equal(open.epoch, EPOCH - 1);
    pt_positions_destroy(&positions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_starts_anywhere_and_reports_gaps),
        cmocka_unit_test(messages_are_held_until_a_head_tells_of_replay),
        cmocka_unit_test(live_decisions_need_no_place),
        cmocka_unit_test(a_durable_subscriber_goes_on_at_its_position),
        cmocka_unit_test(a_repairing_subscriber_starts_at_the_head),
        cmocka_unit_test(a_topic_that_was_not_listed_begins_at_1),
        cmocka_unit_test(topics_without_decisions_need_no_acknowledgement),
        cmocka_unit_test(pages_are_asked_for_one_by_one),
        cmocka_unit_test(what_is_not_answered_is_asked_again_later_each_time),
        cmocka_unit_test(what_was_trimmed_is_lost_and_told),
        cmocka_unit_test(an_epoch_that_is_over_is_lost_and_told),
        cmocka_unit_test(an_end_that_brings_nothing_is_not_asked_again_at_once),
        cmocka_unit_test(a_journal_that_went_back_is_opened_again),
        cmocka_unit_test(alternating_epochs_are_a_fault_and_a_new_one_is_none),
        cmocka_unit_test(another_worker_at_the_endpoint_is_a_fault),
        cmocka_unit_test(a_forgotten_name_opens_again_and_delivers_nothing_twice),
        cmocka_unit_test(refusals_for_good_are_told),
        cmocka_unit_test(a_suback_that_is_lost_is_sent_again),
        cmocka_unit_test(positions_of_many_busy_topics_are_all_told),
        cmocka_unit_test(what_is_left_of_an_old_epoch_waits_for_no_head),
        cmocka_unit_test(tables_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
