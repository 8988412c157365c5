/*  Which decisions ask for an alert, and which of these are of one kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_alert_key.h"

static pt_decision_t
s_decision(void)
{
    pt_decision_t decision = {.provider = PT_TEXT("opn"),
                              .operation = PT_TEXT("charge"),
                              .account = PT_TEXT("shop-1"),
                              .code = PT_TEXT("x"),
                              .entry = PT_TEXT("opn/x"),
                              .category = PT_CATEGORY_PROVIDER_BUG};
    decision.alert = (pt_alert_t) {.present = true, .active = true, .audience = 1, .when = PT_ALERT_WHEN_NOW};
    return decision;
}

static bool
s_same_kind(const pt_decision_t *left, const pt_decision_t *right)
{
    return XXH128_isEqual(pt_alert_key(left), pt_alert_key(right));
}

static void
alerts_are_of_one_kind_when_the_same_people_need_no_second_word(void **state)
{
    (void) state;
    const pt_decision_t base = s_decision();
    pt_decision_t other = base;
    other.id = PT_TEXT("another");
    other.message = PT_TEXT("another");
    other.code = PT_TEXT("another");
    other.operation = PT_TEXT("another");
    other.http_status = 500;
    assert_true(s_same_kind(&base, &other));
    other = base, other.account = PT_TEXT("shop-2");
    assert_false(s_same_kind(&base, &other));
    other = base, other.provider = PT_TEXT("uapay");
    assert_false(s_same_kind(&base, &other));
    other = base, other.entry = PT_TEXT("opn/y");
    assert_false(s_same_kind(&base, &other));
    other = base, other.category = PT_CATEGORY_OUTCOME_UNKNOWN;
    assert_false(s_same_kind(&base, &other));
    other = base, other.alert.audience = 3;
    assert_false(s_same_kind(&base, &other));
    //  Where one text ends and the next begins is part of it.
    other = base, other.provider = PT_TEXT("op"), other.entry = PT_TEXT("nopn/x");
    assert_false(s_same_kind(&base, &other));
}

static void
an_unknown_code_is_one_kind_for_all_accounts(void **state)
{
    (void) state;
    pt_decision_t base = s_decision();
    base.category = PT_CATEGORY_UNKNOWN_CODE;
    base.entry = PT_TEXT("-");
    pt_decision_t other = base;
    other.account = PT_TEXT("shop-2");
    assert_true(s_same_kind(&base, &other));
    other.code = PT_TEXT("y");
    assert_false(s_same_kind(&base, &other));
    other = base, other.operation = PT_TEXT("refund");
    assert_false(s_same_kind(&base, &other));
    //  Bytes that are no response: who sent them, and what is wrong.
    base = s_decision();
    base.match = PT_MATCH_INVALID;
    base.producer = PT_TEXT("0000000000000001");
    base.error = PT_TEXT("provider: missing");
    other = base, other.producer = PT_TEXT("0000000000000002");
    assert_false(s_same_kind(&base, &other));
    other = base, other.error = PT_TEXT("body: too long");
    assert_false(s_same_kind(&base, &other));
    //  A rate is of the gateway's entry.
    base = s_decision();
    base.alert.active = false;
    base.alert.when = PT_ALERT_WHEN_IF_FREQUENT;
    other = base, other.account = PT_TEXT("shop-2");
    assert_true(s_same_kind(&base, &other));
}

static void
only_active_and_frequent_alerts_ask_for_something(void **state)
{
    (void) state;
    pt_decision_t decision = s_decision();
    assert_int_equal(pt_alert_kind(&decision), PT_ALERT_ACTIVE);
    decision.alert.active = false;
    assert_int_equal(pt_alert_kind(&decision), PT_ALERT_NONE);
    decision.alert.when = PT_ALERT_WHEN_IF_PERSISTENT;
    assert_int_equal(pt_alert_kind(&decision), PT_ALERT_NONE);
    decision.alert.when = PT_ALERT_WHEN_IF_FREQUENT;
    assert_int_equal(pt_alert_kind(&decision), PT_ALERT_IF_FREQUENT);
    decision.alert.present = false;
    assert_int_equal(pt_alert_kind(&decision), PT_ALERT_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_are_of_one_kind_when_the_same_people_need_no_second_word),
        cmocka_unit_test(an_unknown_code_is_one_kind_for_all_accounts),
        cmocka_unit_test(only_active_and_frequent_alerts_ask_for_something),
    };
    return cmocka_run_group_tests_name("pt_alert_key", tests, NULL, NULL);
}
