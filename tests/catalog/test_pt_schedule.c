//  When the next attempt is due: schedules, jitter, limits, and numbers that no honest peer sends.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pt_schedule.h"

#define NOW_MS UINT64_C(1700000000000)
#define TIME_MS_MAX ((UINT64_C(1) << 53) - 1)

static pt_response_t
s_response(uint32_t attempt)
{
    return (pt_response_t) {.id = PT_TEXT("order-1"), .attempt = attempt, .received_ms = NOW_MS};
}

static pt_retry_t
s_plan(const pt_rule_t *rule, const pt_response_t *response)
{
    pt_retry_t retry = {0};
    pt_schedule_t schedule = pt_schedule_of(rule, response, NOW_MS);
    if (!pt_schedule_plan(&schedule, &retry))
        assert_false(retry.present);
    return retry;
}

static void
default_delays_grow_and_the_last_repeats(void **state)
{
    (void) state;
    static const uint64_t expected_ms[] = {30000, 60000, 120000, 300000, 300000, 300000, 300000};
    const pt_rule_t rule = {0};
    for (uint32_t attempt = 1; attempt <= 7; attempt++) {
        pt_response_t response = s_response(attempt);
        pt_retry_t retry = s_plan(&rule, &response);
        assert_true(retry.present);
        assert_in_range(retry.delay_ms, expected_ms[attempt - 1], expected_ms[attempt - 1] * 11 / 10);
        assert_int_equal(retry.attempt, attempt + 1);
        assert_int_equal(retry.max_attempts, PT_RULE_MAX_ATTEMPTS);
        assert_int_equal(retry.next_at_ms, NOW_MS + retry.delay_ms);
        assert_int_equal(retry.deadline_ms, NOW_MS + PT_RULE_DEADLINE_MS);
    }
}

static void
a_rule_s_own_schedule_and_limits_are_used(void **state)
{
    (void) state;
    const pt_rule_t rule = {.delay_count = 2, .delay_ms = {1000, 7000}, .max_attempts = 4, .deadline_ms = 60000};
    const uint64_t expected_ms[] = {1000, 7000, 7000};
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        pt_response_t response = s_response(attempt);
        pt_retry_t retry = s_plan(&rule, &response);
        assert_in_range(retry.delay_ms, expected_ms[attempt - 1], expected_ms[attempt - 1] * 11 / 10);
        assert_int_equal(retry.max_attempts, 4);
        assert_int_equal(retry.deadline_ms, NOW_MS + 60000);
    }
    pt_response_t last = s_response(4);
    assert_false(s_plan(&rule, &last).present);
}

static void
retry_after_is_a_lower_bound(void **state)
{
    (void) state;
    const pt_rule_t rule = {0};
    pt_response_t response = s_response(1);
    response.retry_after_ms = 90000;
    assert_in_range(s_plan(&rule, &response).delay_ms, 90000, 99000);
    response.retry_after_ms = 10;
    assert_in_range(s_plan(&rule, &response).delay_ms, 30000, 33000);
}

static void
jitter_repeats_for_one_id_and_spreads_over_many(void **state)
{
    (void) state;
    const pt_rule_t rule = {0};
    unsigned tenths[10] = {0};
    for (int number = 0; number < 1000; number++) {
        char id[16];
        int length = snprintf(id, sizeof id, "order-%d", number);
        pt_response_t response = s_response(1);
        response.id = (pt_text_t) {id, (size_t) length};
        uint64_t delay_ms = s_plan(&rule, &response).delay_ms;
        assert_int_equal(delay_ms, s_plan(&rule, &response).delay_ms);
        assert_in_range(delay_ms, 30000, 33000);
        uint64_t tenth = (delay_ms - 30000) / 300;
        tenths[tenth < 10 ? tenth : 9]++;
    }
    //  100 are expected in each; fewer than 60 would be four standard deviations off.
    for (size_t tenth = 0; tenth < 10; tenth++)
        assert_in_range(tenths[tenth], 60, 140);
}

static void
jitter_differs_between_attempts(void **state)
{
    (void) state;
    const pt_rule_t rule = {.delay_count = 1, .delay_ms = {300000}};
    pt_response_t first = s_response(1), second = s_response(2);
    assert_int_not_equal(s_plan(&rule, &first).delay_ms, s_plan(&rule, &second).delay_ms);
}

static void
the_deadline_counts_from_the_first_attempt(void **state)
{
    (void) state;
    const pt_rule_t rule = {0};
    pt_response_t response = s_response(2);
    response.first_attempt_ms = NOW_MS - 600000;
    assert_int_equal(s_plan(&rule, &response).deadline_ms, NOW_MS - 600000 + PT_RULE_DEADLINE_MS);
    response.first_attempt_ms = NOW_MS - PT_RULE_DEADLINE_MS;
    assert_false(s_plan(&rule, &response).present);
    //  One minute is left, and the delay is one minute and more.
    response.first_attempt_ms = NOW_MS - PT_RULE_DEADLINE_MS + 59999;
    assert_false(s_plan(&rule, &response).present);
}

static void
a_first_attempt_in_the_future_moves_no_deadline(void **state)
{
    (void) state;
    const pt_rule_t rule = {0};
    pt_response_t response = s_response(1);
    response.first_attempt_ms = NOW_MS + 86400000;
    assert_int_equal(s_plan(&rule, &response).deadline_ms, NOW_MS + PT_RULE_DEADLINE_MS);
}

static void
decided_ms_stands_in_for_received_ms(void **state)
{
    (void) state;
    const pt_rule_t rule = {0};
    pt_response_t response = s_response(1);
    response.received_ms = 0;
    pt_schedule_t schedule = pt_schedule_of(&rule, &response, 5000);
    assert_int_equal(schedule.now_ms, 5000);
    assert_int_equal(schedule.first_ms, 5000);
}

static void
attempt_zero_is_the_first(void **state)
{
    (void) state;
    const pt_rule_t rule = {0};
    pt_response_t response = s_response(0);
    assert_int_equal(s_plan(&rule, &response).attempt, 2);
}

static void
hostile_numbers_neither_wrap_nor_pass_2_to_53(void **state)
{
    (void) state;
    static const uint64_t numbers[] = {0, 1, NOW_MS, TIME_MS_MAX, TIME_MS_MAX + 1, UINT64_MAX - 1, UINT64_MAX};
    const size_t count = sizeof numbers / sizeof *numbers;
    pt_rule_t rule = {.delay_count = 200, .deadline_ms = UINT32_MAX, .max_attempts = UINT16_MAX};
    for (size_t index = 0; index < PT_RULE_DELAYS_MAX; index++)
        rule.delay_ms[index] = UINT32_MAX;

    for (size_t which = 0; which < count * count * count * count; which++) {
        pt_response_t response = {.attempt = which % 2 ? 65534 : UINT32_MAX,
                                  .received_ms = numbers[which % count],
                                  .first_attempt_ms = numbers[which / count % count],
                                  .retry_after_ms = numbers[which / count / count % count]};
        pt_schedule_t schedule = pt_schedule_of(&rule, &response, numbers[which / count / count / count]);
        pt_retry_t retry = {0};
        bool planned = pt_schedule_plan(&schedule, &retry);
        assert_true(schedule.first_ms <= schedule.now_ms);
        if (response.attempt == UINT32_MAX)
            assert_false(planned);
        assert_true(retry.delay_ms <= TIME_MS_MAX);
        assert_true(retry.next_at_ms <= retry.deadline_ms);
        assert_true(retry.deadline_ms <= TIME_MS_MAX);
        assert_true(!planned || retry.next_at_ms >= schedule.now_ms);
    }
}

static void
trouble_is_persistent_by_attempts_or_by_time(void **state)
{
    (void) state;
    const pt_rule_t defaults = {0}, own = {.alert_count = 5, .alert_span_ms = 1000};
    pt_response_t response = s_response(2);
    response.first_attempt_ms = NOW_MS - 179999;
    pt_schedule_t schedule = pt_schedule_of(&defaults, &response, NOW_MS);
    assert_false(pt_schedule_is_persistent(&schedule));
    schedule.attempt = 3;
    assert_true(pt_schedule_is_persistent(&schedule));
    schedule.attempt = 2;
    schedule.first_ms = NOW_MS - 180000;
    assert_true(pt_schedule_is_persistent(&schedule));

    schedule = pt_schedule_of(&own, &response, NOW_MS);
    assert_true(pt_schedule_is_persistent(&schedule));
    schedule.first_ms = NOW_MS - 999;
    schedule.attempt = 4;
    assert_false(pt_schedule_is_persistent(&schedule));
    schedule.attempt = 5;
    assert_true(pt_schedule_is_persistent(&schedule));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_delays_grow_and_the_last_repeats),
        cmocka_unit_test(a_rule_s_own_schedule_and_limits_are_used),
        cmocka_unit_test(retry_after_is_a_lower_bound),
        cmocka_unit_test(jitter_repeats_for_one_id_and_spreads_over_many),
        cmocka_unit_test(jitter_differs_between_attempts),
        cmocka_unit_test(the_deadline_counts_from_the_first_attempt),
        cmocka_unit_test(a_first_attempt_in_the_future_moves_no_deadline),
        cmocka_unit_test(decided_ms_stands_in_for_received_ms),
        cmocka_unit_test(attempt_zero_is_the_first),
        cmocka_unit_test(hostile_numbers_neither_wrap_nor_pass_2_to_53),
        cmocka_unit_test(trouble_is_persistent_by_attempts_or_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
