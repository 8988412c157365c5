//  The answers of last resort, each HTTP status and each transport failure.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_fallback.h"
#include "pt_todo.h"

typedef struct {
    uint16_t http_status;
    bool code_present;
    bool health;
    uint8_t audience;
    pt_transport_t transport;
    pt_match_t match;
    pt_category_t category;
    pt_outcome_t outcome;
    pt_action_t action;
    pt_alert_when_t when;
} s_row_t;

enum { OPERATOR = PT_AUDIENCE_BIT(PT_AUDIENCE_OPERATOR), SUPPORT = PT_AUDIENCE_BIT(PT_AUDIENCE_TECH_SUPPORT) };

#define ROW(status, transport, code, match, category, outcome, action, health, audience, when)                         \
    {                                                                                                                  \
        status, code, health, audience, PT_TRANSPORT_##transport, PT_MATCH_##match, PT_CATEGORY_##category,            \
            PT_OUTCOME_##outcome, PT_ACTION_##action, PT_ALERT_WHEN_##when                                             \
    }

static const s_row_t s_rows[] = {
    ROW(500, NONE, false, HTTP_CLASS, PROVIDER_UNAVAILABLE, UNKNOWN, RESUBMIT, true, OPERATOR | SUPPORT, IF_PERSISTENT),
    ROW(599, NONE, false, HTTP_CLASS, PROVIDER_UNAVAILABLE, UNKNOWN, RESUBMIT, true, OPERATOR | SUPPORT, IF_PERSISTENT),
    ROW(429, NONE, false, HTTP_CLASS, RATE_LIMITED, NOT_EXECUTED, RESUBMIT, false, OPERATOR, IF_PERSISTENT),
    ROW(408, NONE, false, HTTP_CLASS, OUTCOME_UNKNOWN, UNKNOWN, RESUBMIT, true, OPERATOR, IF_PERSISTENT),
    ROW(400, NONE, false, HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, false, OPERATOR, NOW),
    ROW(499, NONE, false, HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, false, OPERATOR, NOW),
    ROW(100, NONE, false, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(200, NONE, false, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(399, NONE, false, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(500, NONE, true, HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, RESUBMIT, true, OPERATOR, NOW),
    ROW(429, NONE, true, HTTP_CLASS, UNKNOWN_CODE, NOT_EXECUTED, RESUBMIT, false, OPERATOR, NOW),
    ROW(408, NONE, true, HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, false, OPERATOR, NOW),
    ROW(404, NONE, true, HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, false, OPERATOR, NOW),
    ROW(200, NONE, true, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(302, NONE, true, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(0, NONE, true, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(0, NONE, false, UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, false, OPERATOR, NOW),
    ROW(0, TIMEOUT, false, TRANSPORT, OUTCOME_UNKNOWN, UNKNOWN, RESUBMIT, true, OPERATOR, IF_PERSISTENT),
    ROW(0, RESET, false, TRANSPORT, OUTCOME_UNKNOWN, UNKNOWN, RESUBMIT, true, OPERATOR, IF_PERSISTENT),
    ROW(0, CONNECT_FAILED, false, TRANSPORT, PROVIDER_UNAVAILABLE, NOT_EXECUTED, RESUBMIT, true, OPERATOR,
        IF_PERSISTENT),
    ROW(0, TLS_FAILED, false, TRANSPORT, PROVIDER_UNAVAILABLE, NOT_EXECUTED, RESUBMIT, true, OPERATOR | SUPPORT,
        IF_PERSISTENT),
    ROW(0, TIMEOUT, true, TRANSPORT, UNKNOWN_CODE, UNKNOWN, RESUBMIT, true, OPERATOR, NOW),
    ROW(0, CONNECT_FAILED, true, TRANSPORT, UNKNOWN_CODE, UNKNOWN, RESUBMIT, true, OPERATOR, NOW),
    //  The status is asked first.
    ROW(429, TIMEOUT, false, HTTP_CLASS, RATE_LIMITED, NOT_EXECUTED, RESUBMIT, false, OPERATOR, IF_PERSISTENT),
};

static void
each_class_and_failure_has_its_own_answer(void **state)
{
    (void) state;
    for (size_t index = 0; index < sizeof s_rows / sizeof *s_rows; index++) {
        const s_row_t *row = &s_rows[index];
        const pt_fallback_t *fallback = pt_fallback_find(row->http_status, row->transport, row->code_present);
        assert_int_equal(fallback->match, row->match);
        assert_int_equal(fallback->rule.category, row->category);
        assert_int_equal(fallback->rule.outcome, row->outcome);
        assert_int_equal(fallback->rule.action, row->action);
        assert_int_equal(!!(fallback->rule.flags & PT_RULE_HEALTH), row->health);
        assert_int_equal(fallback->rule.audience, row->audience);
        assert_int_equal(fallback->rule.when, row->when);
    }
}

static void
every_status_has_an_answer_with_an_alert_and_a_summary(void **state)
{
    (void) state;
    for (unsigned status = 0; status <= UINT16_MAX; status++) {
        for (int transport = 0; transport < PT_TRANSPORT_COUNT_; transport++) {
            for (int code = 0; code < 2; code++) {
                const pt_fallback_t *fallback = pt_fallback_find((uint16_t) status, (pt_transport_t) transport, code);
                assert_non_null(fallback);
                assert_true(fallback->rule.flags & PT_RULE_ALERT);
                assert_true(fallback->rule.flags & PT_RULE_JUDGED);
                assert_true(fallback->rule.audience & OPERATOR);
                assert_int_equal(fallback->summary.data[fallback->summary.len - 1], '.');
                //  A fallback knows of no success, and an unknown code is always called one.
                assert_int_not_equal(fallback->rule.action, PT_ACTION_NONE);
                if (code)
                    assert_int_equal(fallback->rule.category, PT_CATEGORY_UNKNOWN_CODE);
            }
        }
    }
}

static void
a_transport_outside_the_enumeration_is_none(void **state)
{
    (void) state;
    assert_ptr_equal(pt_fallback_find(0, PT_TRANSPORT_COUNT_, false), pt_fallback_find(0, PT_TRANSPORT_NONE, false));
}

static void
every_action_says_what_to_do_in_its_own_sentence(void **state)
{
    (void) state;
    for (int action = 0; action < PT_ACTION_COUNT_; action++) {
        pt_text_t todo = pt_action_todo((pt_action_t) action);
        assert_true(pt_text_is_set(todo));
        assert_int_equal(todo.data[todo.len - 1], '.');
        for (int other = 0; other < action; other++)
            assert_false(pt_text_equal(todo, pt_action_todo((pt_action_t) other)));
    }
    assert_true(pt_text_equal(pt_action_todo(PT_ACTION_COUNT_), pt_action_todo(PT_ACTION_INVESTIGATE)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_and_failure_has_its_own_answer),
        cmocka_unit_test(every_status_has_an_answer_with_an_alert_and_a_summary),
        cmocka_unit_test(a_transport_outside_the_enumeration_is_none),
        cmocka_unit_test(every_action_says_what_to_do_in_its_own_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
