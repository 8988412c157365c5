/*  The subscriber's rule where it could lose without a word: gaps of one, topics that begin, what makes room, and
 *  requests that come to nothing.
 */
#include "positions_support.h"

//  One decision is as much as many: it is fetched, or told as lost.
static void
a_gap_of_one_is_a_gap(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 11, 11);
    assert_int_equal(s_take(positions, EPOCH, 12, 1), 0);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, 0).from_seq, 11);
    assert_int_equal(s_take(positions, EPOCH, 11, 2), 11);
    assert_int_equal(log.losses, 0);
    pt_positions_destroy(&positions);
    positions = s_positions(PT_POSITIONS_LIVE, &log);
    assert_int_equal(s_take(positions, EPOCH, 10, 1), 10);
    assert_int_equal(s_take(positions, EPOCH, 12, 1), 12);
    assert_int_equal(log.lost_first, 11);
    assert_int_equal(log.lost_next, 12);
    pt_positions_destroy(&positions);
}

//  A topic that began after OPENED: what is heard of it first may not be its first.
static void
a_topic_that_is_new_begins_at_1(void **state)
{
    (void) state;
    log_t log;
    for (int by_head = 0; by_head < 2; by_head++) {
        pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
        pt_decisions_t message = s_message(EPOCH, 6, 1, 7, 0);
        pt_head_t head = {WORKER, EPOCH, 1, 7, PT_TEXT("ipc://replay")};
        pt_arrived_t arrived;
        s_open(positions, 1, 11, 11);
        if (by_head)
            assert_int_equal(pt_positions_head(positions, PT_TEXT("retry.new."), &head), PT_OK);
        else
            assert_int_equal(pt_positions_decisions(positions, PT_TEXT("retry.new."), &message, &arrived), PT_OK);
        assert_true(by_head || arrived.arrival == PT_ARRIVAL_DROP);
        pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
        assert_true(pt_text_equal(fetch.topic, PT_TEXT("retry.new.")));
        assert_int_equal(fetch.from_seq, 1);
        pt_positions_destroy(&positions);
    }
}

//  The journal kept it for the name, and an operator has discarded it.
static void
what_is_gone_before_it_was_opened_is_told(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 8, 11, 4);
    assert_int_equal(log.losses, 1);
    assert_int_equal(log.lost_first, 4);
    assert_int_equal(log.lost_next, 8);
    pt_positions_destroy(&positions);
}

static void
truncation_at_the_next_number_is_not_asked_about_at_once(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
    s_open(positions, 1, 10, 1);
    s_head(positions, EPOCH, 1, 20, "ipc://replay");
    pt_truncated_t truncated = {s_expect(positions, PT_KIND_FETCH, 0).req_id, 10};
    pt_positions_truncated(positions, &truncated, 0);
    s_expect_silence(positions, 0);
    assert_int_equal(log.losses, 0);
    assert_int_equal(s_expect(positions, PT_KIND_FETCH, PT_POSITIONS_WAIT_MS).from_seq, 10);
    pt_positions_destroy(&positions);
}

//  Refused for want of room: it is told later, though nothing new is delivered.
static void
a_suback_that_was_refused_is_sent_again(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 11, 11);
    assert_int_equal(s_take(positions, EPOCH, 11, 2), 11);
    pt_refused_t refused = {s_expect(positions, PT_KIND_SUBACK, 0).req_id, PT_REFUSAL_BUSY};
    pt_positions_refused(positions, &refused, 0);
    s_expect_silence(positions, 0);
    pt_request_t again = s_expect(positions, PT_KIND_SUBACK, PT_POSITIONS_WAIT_MS_MAX);
    assert_int_equal(again.topics[0].next_seq, 13);
    pt_positions_destroy(&positions);
}

//  A name that was forgotten has no position in any topic, nor in those that had told all.
static void
a_forgotten_name_tells_all_of_its_positions_again(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    pt_text_t other = PT_TEXT("retry.other.");
    pt_topic_place_t places[] = {{TOPIC, 1, 11, 11}, {other, 1, 5, 5}};
    pt_opened_t opened = {.worker = WORKER, .epoch = EPOCH, .topic_count = 2};
    memcpy(opened.topics, places, sizeof places);
    s_head(positions, EPOCH, 1, 11, "ipc://replay");
    opened.req_id = s_expect(positions, PT_KIND_OPEN, 0).req_id;
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    assert_int_equal(s_take(positions, EPOCH, 11, 2), 11);
    pt_refused_t refused = {s_expect(positions, PT_KIND_SUBACK, 0).req_id, PT_REFUSAL_UNKNOWN};
    pt_positions_refused(positions, &refused, 0);
    opened.topics[0] = (pt_topic_place_t) {TOPIC, 1, 13, 1};
    opened.topics[1] = (pt_topic_place_t) {other, 1, 5, 1};
    opened.req_id = s_expect(positions, PT_KIND_OPEN, 0).req_id;
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
    pt_request_t suback = s_expect(positions, PT_KIND_SUBACK, 0);
    assert_int_equal(suback.topic_count, 2);
    assert_int_equal(suback.topics[0].next_seq + suback.topics[1].next_seq, 13 + 5);
    pt_positions_destroy(&positions);
}

//  Answers that nobody waits for any more leave their places to other requests.
static void
requests_of_an_evicted_worker_make_room(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_REPAIR, &log);
    pt_request_t request;
    size_t asked = 0;
    for (uint64_t worker = 1; worker <= PT_POSITIONS_SOURCES_MAX; worker++) {
        pt_head_t head = {worker, EPOCH, 1, 1, PT_TEXT("ipc://replay")};
        assert_int_equal(pt_positions_head(positions, TOPIC, &head), PT_OK);
        asked += pt_positions_ask(positions, true, 0, &request);
    }
    assert_int_equal(asked, PT_POSITIONS_REQUESTS_MAX);
    for (uint64_t worker = 1; worker <= PT_POSITIONS_REQUESTS_MAX; worker++) {
        pt_head_t head = {PT_POSITIONS_SOURCES_MAX + worker, EPOCH, 1, 1, PT_TEXT("ipc://replay")};
        assert_int_equal(pt_positions_head(positions, TOPIC, &head), PT_OK);
        assert_true(pt_positions_ask(positions, true, 0, &request));
    }
    pt_positions_destroy(&positions);
}

//  Where a durable subscriber was in it is not known; that it has decisions is.
static void
an_epoch_that_is_over_before_it_was_opened_is_lost_from_its_start(void **state)
{
    (void) state;
    log_t log;
    for (int durable = 0; durable < 2; durable++) {
        pt_positions_t *positions = s_positions(durable ? PT_POSITIONS_DURABLE : PT_POSITIONS_REPAIR, &log);
        s_head(positions, EPOCH, 1, 10, "ipc://replay");
        pt_request_t open = s_expect(positions, PT_KIND_OPEN, 0);
        pt_opened_t opened = {.req_id = open.req_id, .worker = WORKER, .epoch = EPOCH + 1};
        assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
        assert_int_equal(log.losses, durable);
        assert_int_equal(log.lost_first, durable ? 1 : 0);
        assert_int_equal(log.lost_next, durable ? 10 : 0);
        pt_positions_destroy(&positions);
    }
}

//  What a stream still lacked when it had to make room is not forgotten with it.
static void
what_an_evicted_stream_lacked_is_told(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 11, 4);
    for (uint64_t worker = WORKER + 1; worker <= WORKER + PT_POSITIONS_SOURCES_MAX; worker++) {
        pt_head_t message = {worker, EPOCH, 1, 1, PT_TEXT("ipc://other")};
        assert_int_equal(log.losses, 0);
        assert_int_equal(pt_positions_head(positions, TOPIC, &message), PT_OK);
    }
    assert_int_equal(log.losses, 1);
    assert_int_equal(log.lost_first, 4);
    assert_int_equal(log.lost_next, 11);
    pt_positions_destroy(&positions);
}

//  A worker with more to send than it may at a time says where to go on: at once when it brought something, else later.
static void
an_end_before_the_head_is_asked_on_from_there(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 9, 1);
    pt_request_t fetch = s_expect(positions, PT_KIND_FETCH, 0);
    pt_decisions_t message = s_message(EPOCH, 1, 4, 9, PT_FLAG_REPLAY);
    pt_arrived_t arrived;
    pt_positions_fetched(positions, fetch.req_id, TOPIC, &message, 0, &arrived);
    assert_int_equal(arrived.arrival, PT_ARRIVAL_DELIVER);
    pt_positions_delivered(positions, arrived.stream, 5);
    pt_positions_end(positions, &(pt_end_t) {fetch.req_id, 5, 9}, 0);
    pt_request_t request;
    assert_true(pt_positions_ask(positions, false, 0, &request));
    assert_int_equal(request.from_seq, 5);
    pt_positions_end(positions, &(pt_end_t) {request.req_id, 4, 9}, 0);
    assert_int_equal(log.faults[PT_FAULT_WENT_BACK], 0); //  it is the head that tells
    assert_false(pt_positions_ask(positions, false, PT_POSITIONS_WAIT_MS - 1, &request));
    assert_true(pt_positions_ask(positions, false, PT_POSITIONS_WAIT_MS, &request));
    assert_int_equal(request.from_seq, 5);
    pt_positions_destroy(&positions);
}

//  Who ends now does not wait for the next time to acknowledge; who was asked already is waited for.
static void
a_hurry_acknowledges_at_once(void **state)
{
    (void) state;
    log_t log;
    pt_positions_t *positions = s_positions(PT_POSITIONS_DURABLE, &log);
    s_open(positions, 1, 11, 11);
    assert_int_equal(s_take(positions, EPOCH, 11, 1), 11);
    pt_request_t suback = s_expect(positions, PT_KIND_SUBACK, 0);
    assert_int_equal(s_take(positions, EPOCH, 12, 1), 12);
    pt_positions_hurry(positions);
    s_expect_silence(positions, 1);
    pt_positions_subacked(positions, suback.req_id, 1);
    assert_false(pt_positions_is_acked(positions));
    s_expect_silence(positions, 1);
    pt_positions_hurry(positions);
    suback = s_expect(positions, PT_KIND_SUBACK, 1);
    assert_int_equal(suback.topics[0].next_seq, 13);
    pt_positions_subacked(positions, suback.req_id, 1);
    assert_true(pt_positions_is_acked(positions));
    pt_positions_destroy(&positions);
}

//  Only who keeps no position begins at the start when it is told to.
static void
the_start_is_what_is_retained(void **state)
{
    (void) state;
    log_t log = {0};
    pt_positions_handlers_t handlers = {&log, s_log_lost, s_log_fault};
    for (int durable = 0; durable < 2; durable++) {
        pt_positions_options_t options = {.mode = durable ? PT_POSITIONS_DURABLE : PT_POSITIONS_REPAIR,
                                          .since_start = true};
        pt_positions_t *positions = pt_positions_new(&options, &handlers);
        s_open(positions, 4, 11, 7);
        assert_int_equal(s_expect(positions, PT_KIND_FETCH, 0).from_seq, durable ? 7 : 4);
        assert_int_equal(log.losses, 0);
        pt_positions_destroy(&positions);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_of_one_is_a_gap),
        cmocka_unit_test(a_topic_that_is_new_begins_at_1),
        cmocka_unit_test(what_is_gone_before_it_was_opened_is_told),
        cmocka_unit_test(truncation_at_the_next_number_is_not_asked_about_at_once),
        cmocka_unit_test(a_suback_that_was_refused_is_sent_again),
        cmocka_unit_test(a_forgotten_name_tells_all_of_its_positions_again),
        cmocka_unit_test(requests_of_an_evicted_worker_make_room),
        cmocka_unit_test(an_epoch_that_is_over_before_it_was_opened_is_lost_from_its_start),
        cmocka_unit_test(what_an_evicted_stream_lacked_is_told),
        cmocka_unit_test(an_end_before_the_head_is_asked_on_from_there),
        cmocka_unit_test(a_hurry_acknowledges_at_once),
        cmocka_unit_test(the_start_is_what_is_retained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
