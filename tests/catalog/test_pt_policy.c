//  What is decided about single answers, by name; the full tables are in test_rules.c.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pt_fallback.h"
#include "pt_policy.h"

#define NOW_MS UINT64_C(1700000000000)
#define OPERATOR PT_AUDIENCE_BIT(PT_AUDIENCE_OPERATOR)
#define RISK PT_AUDIENCE_BIT(PT_AUDIENCE_RISK)

//  One answer and its row: a temporary failure of a payment, first attempt. Tests change what
//  they are about.
typedef struct {
    pt_rule_t rule;
    pt_verdict_t verdict;
    pt_response_t response;
    pt_facts_t facts;
    pt_decision_t decision;
} s_case_t;

static const char s_entry;

static s_case_t
s_payment(pt_category_t category, pt_outcome_t outcome, pt_action_t action)
{
    return (s_case_t) {
        .rule = {.category = (uint8_t) category, .outcome = (uint8_t) outcome, .action = (uint8_t) action},
        .verdict = {.entry = (const pt_entry_t *) (const void *) &s_entry,
                    .entry_id = PT_TEXT("acme/E1"),
                    .summary = PT_TEXT("Something happened."),
                    .provider = PT_TEXT("acme"),
                    .operation = PT_TEXT("pay_in"),
                    .kind = PT_OPERATION_MONEY,
                    .match = PT_MATCH_CODE,
                    .code = PT_TEXT("E1"),
                    .message = PT_TEXT("oops")},
        .response = {.id = PT_TEXT("order-1"), .http_status = 400, .attempt = 1, .received_ms = NOW_MS},
    };
}

static const pt_decision_t *
s_decide(s_case_t *given)
{
    //  Garbage first: every field must be written.
    memset(&given->decision, 0xa5, sizeof given->decision);
    if (!given->verdict.rule)
        given->verdict.rule = &given->rule;
    pt_policy_decide(&given->verdict, &given->response, &given->facts, UINT64_C(0xabcdef), NOW_MS, &given->decision);
    return &given->decision;
}

//  No row answers: the fallback of this status and transport does.
static s_case_t
s_unanswered(uint16_t http_status, pt_transport_t transport, pt_operation_kind_t kind)
{
    s_case_t given = s_payment(PT_CATEGORY_ACCEPTED, PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    const pt_fallback_t *fallback = pt_fallback_find(http_status, transport, false);
    given.verdict.entry = NULL;
    given.verdict.entry_id = PT_TEXT("-");
    given.verdict.rule = &fallback->rule;
    given.verdict.match = fallback->match;
    given.verdict.kind = kind;
    given.response.http_status = http_status;
    given.response.transport = transport;
    return given;
}

static void
the_response_and_the_verdict_are_echoed(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_REQUEST_INVALID, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_FIX_REQUEST);
    given.response.reference = PT_TEXT("R-7");
    given.response.account = PT_TEXT("M-1");
    given.response.provider = PT_TEXT("acmepay");
    given.verdict.params[0] = (pt_pair_t) {PT_TEXT("1"), PT_TEXT("amount")};
    given.verdict.param_count = 1;
    given.facts.fields[0] = (pt_pair_t) {PT_TEXT("data.amount"), PT_TEXT("REQUIRED")};
    given.facts.field_count = 1;
    given.facts.fields_dropped = 2;
    const pt_decision_t *decision = s_decide(&given);
    assert_true(pt_text_equal(decision->id, PT_TEXT("order-1")));
    assert_true(pt_text_equal(decision->provider, PT_TEXT("acme")));
    assert_true(pt_text_equal(decision->operation, PT_TEXT("pay_in")));
    assert_true(pt_text_equal(decision->reference, PT_TEXT("R-7")));
    assert_true(pt_text_equal(decision->account, PT_TEXT("M-1")));
    assert_true(pt_text_equal(decision->code, PT_TEXT("E1")));
    assert_true(pt_text_equal(decision->message, PT_TEXT("oops")));
    assert_true(pt_text_equal(decision->entry, PT_TEXT("acme/E1")));
    assert_true(pt_text_equal(decision->summary, PT_TEXT("Something happened.")));
    assert_true(pt_text_equal(decision->params[0].value, PT_TEXT("amount")));
    assert_int_equal(decision->param_count, 1);
    assert_ptr_equal(decision->fields, given.facts.fields);
    assert_int_equal(decision->field_count, 1);
    assert_int_equal(decision->fields_dropped, 2);
    assert_int_equal(decision->http_status, 400);
    assert_int_equal(decision->attempt, 1);
    assert_int_equal(decision->match, PT_MATCH_CODE);
    assert_int_equal(decision->catalog, 0xabcdef);
    assert_int_equal(decision->decided_ms, NOW_MS);
    assert_false(decision->on_bus || decision->redriven || decision->health || decision->alert.present);
    assert_null(decision->raw.data);
    assert_null(decision->error.data);
}

static void
success_is_settled(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_ACCEPTED, PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    given.response.http_status = 200;
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->route, PT_ROUTE_SETTLED);
    assert_false(decision->retry.present || decision->alert.present || decision->same_payload_ok);
}

static void
success_under_an_http_error_is_queried(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_ACCEPTED, PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    given.response.http_status = 502;
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->category, PT_CATEGORY_OUTCOME_UNKNOWN);
    assert_int_equal(decision->outcome, PT_OUTCOME_UNKNOWN);
    assert_int_equal(decision->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(decision->retry.if_absent, PT_ACTION_NONE);
    assert_true(decision->alert.active);
    assert_int_equal(decision->alert.audience, OPERATOR);
    assert_int_equal(decision->alert.severity, PT_SEVERITY_WARNING);
}

static void
a_decline_is_final_without_an_alert(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_DECLINE_SOFT, PT_OUTCOME_DECLINED, PT_ACTION_CHANGE_INSTRUMENT);
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->route, PT_ROUTE_DEAD_LETTER);
    assert_false(decision->alert.present || decision->retry.present);
}

static void
an_unknown_outcome_of_money_is_queried_and_then_sent_again(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_PROVIDER_UNAVAILABLE, PT_OUTCOME_UNKNOWN, PT_ACTION_RESUBMIT);
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(decision->retry.if_absent, PT_ACTION_RESUBMIT);
    assert_false(decision->same_payload_ok);
    given.verdict.kind = PT_OPERATION_UNNAMED;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_QUERY_STATUS);
}

static void
an_idempotent_or_harmless_request_is_sent_again(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_PROVIDER_UNAVAILABLE, PT_OUTCOME_UNKNOWN, PT_ACTION_RESUBMIT);
    given.response.idempotent = true;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_RESUBMIT);
    assert_true(given.decision.same_payload_ok);
    assert_int_equal(given.decision.retry.if_absent, PT_ACTION_NONE);
    given.response.idempotent = false;
    given.verdict.kind = PT_OPERATION_READ;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_RESUBMIT);
    given.verdict.kind = PT_OPERATION_WRITE;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_RESUBMIT);
}

static void
what_was_not_executed_is_sent_again(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_RATE_LIMITED, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->action, PT_ACTION_RESUBMIT);
    assert_int_equal(decision->retry.attempt, 2);
    assert_in_range(decision->retry.delay_ms, 30000, 33000);
}

static void
a_row_can_forbid_to_send_again_after_the_query(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_PENDING, PT_OUTCOME_PENDING, PT_ACTION_QUERY_STATUS);
    assert_int_equal(s_decide(&given)->retry.if_absent, PT_ACTION_RESUBMIT);
    given.rule.flags = PT_RULE_IF_ABSENT_DEAD_LETTER;
    assert_int_equal(s_decide(&given)->retry.if_absent, PT_ACTION_NONE);
}

static void
an_escalation_of_money_is_queried_with_an_alert_even_if_idempotent(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_PROVIDER_BUG, PT_OUTCOME_UNKNOWN, PT_ACTION_CONTACT_PROVIDER);
    given.rule.flags = PT_RULE_ALERT;
    given.rule.audience = RISK;
    given.rule.when = PT_ALERT_WHEN_IF_FREQUENT;
    given.response.idempotent = true;
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(decision->retry.if_absent, PT_ACTION_NONE);
    assert_true(decision->alert.active);
    assert_int_equal(decision->alert.when, PT_ALERT_WHEN_NOW);
    assert_int_equal(decision->alert.audience, RISK);
}

static void
an_escalation_of_anything_else_is_dead_lettered(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_PROVIDER_BUG, PT_OUTCOME_UNKNOWN, PT_ACTION_CONTACT_PROVIDER);
    given.verdict.kind = PT_OPERATION_READ;
    assert_int_equal(s_decide(&given)->route, PT_ROUTE_DEAD_LETTER);
    given.verdict.kind = PT_OPERATION_WRITE;
    assert_int_equal(s_decide(&given)->route, PT_ROUTE_DEAD_LETTER);
    assert_int_equal(given.decision.action, PT_ACTION_CONTACT_PROVIDER);
    assert_int_equal(given.decision.alert.audience, OPERATOR);
}

static void
a_duplicate_counts_as_success_only_once_confirmed(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_DUPLICATE, PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    given.response.http_status = 200;
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(decision->outcome, PT_OUTCOME_UNKNOWN);
    assert_true(decision->confirm_as_success);
    assert_int_equal(decision->retry.if_absent, PT_ACTION_NONE);
}

static void
a_user_s_catalog_cannot_retry_a_final_refusal(void **state)
{
    (void) state;
    static const struct {
        pt_category_t category;
        pt_action_t action;
    } rows[] = {
        {PT_CATEGORY_RISK_SECURITY, PT_ACTION_CONTACT_PROVIDER},
        {PT_CATEGORY_DECLINE_HARD, PT_ACTION_CHANGE_INSTRUMENT},
        {PT_CATEGORY_AUTH_SIGNATURE, PT_ACTION_REFRESH_CREDENTIALS},
        {PT_CATEGORY_NETWORK_ALLOWLIST, PT_ACTION_FIX_CONFIGURATION},
        {PT_CATEGORY_REQUEST_INVALID, PT_ACTION_FIX_REQUEST},
        {PT_CATEGORY_INVALID_RESPONSE, PT_ACTION_INVESTIGATE},
    };
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        s_case_t given = s_payment(rows[index].category, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
        assert_int_equal(s_decide(&given)->action, rows[index].action);
        given.rule.action = PT_ACTION_QUERY_STATUS;
        assert_int_equal(s_decide(&given)->action, rows[index].action);
        assert_int_equal(given.decision.route, PT_ROUTE_DEAD_LETTER);
    }
}

static void
the_network_s_advice_ends_resubmission(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_DECLINE_SOFT, PT_OUTCOME_DECLINED, PT_ACTION_RESUBMIT);
    given.verdict.do_not_retry = true;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_CHANGE_INSTRUMENT);
    assert_int_equal(given.decision.route, PT_ROUTE_DEAD_LETTER);
    given.rule.outcome = PT_OUTCOME_UNKNOWN;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(given.decision.retry.if_absent, PT_ACTION_NONE);
}

//  What may have been charged is not to be paid with another card, though the request may be sent again.
static void
the_network_s_advice_asks_no_payer_to_pay_what_may_be_paid(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_PROVIDER_BUG, PT_OUTCOME_UNKNOWN, PT_ACTION_RESUBMIT);
    given.response.idempotent = true;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_RESUBMIT);
    given.verdict.do_not_retry = true;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(given.decision.retry.if_absent, PT_ACTION_NONE);
    given.rule.outcome = PT_OUTCOME_NOT_EXECUTED;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_QUERY_STATUS);
}

typedef struct {
    uint16_t http_status;
    pt_transport_t transport;
    pt_match_t match;
    pt_outcome_t outcome;
    pt_action_t action;
    bool is_asked_about;
} s_refusal_t;

static void
a_refusal_is_not_believed_where_it_may_be_that_of_a_server_between(void **state)
{
    (void) state;
    static const s_refusal_t rows[] = {
        //  A marker alone, under any error.
        {400, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {504, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_NONE, true},
        {200, PT_TRANSPORT_RESET, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_INVESTIGATE, true},
        {200, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {500, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_UNKNOWN, PT_ACTION_INVESTIGATE, false},
        //  A code without its wording, where the server failed and the payer would pay again.
        {504, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {408, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_CHANGE_INSTRUMENT, true},
        {500, PT_TRANSPORT_NONE, PT_MATCH_CODE_ANY_OPERATION, PT_OUTCOME_DECLINED, PT_ACTION_FIX_REQUEST, true},
        {302, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {304, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_NEW_ORDER, true},
        {403, PT_TRANSPORT_RESET, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {0, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {0, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {200, PT_TRANSPORT_TIMEOUT, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {400, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {500, PT_TRANSPORT_NONE, PT_MATCH_MESSAGE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {500, PT_TRANSPORT_NONE, PT_MATCH_TEMPLATE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {500, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_FIX_REQUEST, false},
        {500, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NONE, false},
        //  The first and the last status of each class.
        {199, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {299, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {300, PT_TRANSPORT_NONE, PT_MATCH_STATUS, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {399, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {407, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {409, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {499, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, false},
        {500, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
        {599, PT_TRANSPORT_NONE, PT_MATCH_CODE, PT_OUTCOME_DECLINED, PT_ACTION_NEW_ORDER, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s_case_t given = s_payment(PT_CATEGORY_DECLINE_SOFT, rows[i].outcome, rows[i].action);
        given.response.http_status = rows[i].http_status;
        given.response.transport = rows[i].transport;
        given.verdict.match = rows[i].match;
        const pt_decision_t *decision = s_decide(&given);
        assert_int_equal(decision->action, rows[i].is_asked_about ? PT_ACTION_QUERY_STATUS : rows[i].action);
        assert_int_equal(decision->outcome, rows[i].is_asked_about ? PT_OUTCOME_UNKNOWN : rows[i].outcome);
        if (!rows[i].is_asked_about)
            continue;
        assert_int_equal(decision->retry.if_absent, PT_ACTION_NONE);
        assert_true(decision->alert.active && (decision->alert.audience & OPERATOR));
    }
}

static void
the_last_attempt_ends_with_the_operator(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_CHANNEL_LIMIT, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
    given.rule.flags = PT_RULE_ALERT;
    given.rule.audience = RISK;
    given.rule.when = PT_ALERT_WHEN_IF_FREQUENT;
    given.response.attempt = 7;
    assert_int_equal(s_decide(&given)->route, PT_ROUTE_RETRY);
    assert_false(given.decision.alert.active);
    given.response.attempt = 8;
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->action, PT_ACTION_CONTACT_PROVIDER);
    assert_int_equal(decision->route, PT_ROUTE_DEAD_LETTER);
    assert_false(decision->retry.present || decision->same_payload_ok);
    assert_true(decision->alert.active);
    assert_int_equal(decision->alert.when, PT_ALERT_WHEN_NOW);
    assert_int_equal(decision->alert.audience, OPERATOR | RISK);
    assert_int_equal(decision->alert.severity, PT_SEVERITY_WARNING);
}

static void
the_deadline_ends_with_the_operator(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_CHANNEL_LIMIT, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
    given.response.first_attempt_ms = NOW_MS - PT_RULE_DEADLINE_MS;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_CONTACT_PROVIDER);
    assert_true(given.decision.alert.active);
}

static void
an_alert_waits_until_trouble_persists(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_CHANNEL_LIMIT, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
    given.rule.flags = PT_RULE_ALERT | PT_RULE_HEALTH;
    given.rule.audience = RISK;
    given.rule.when = PT_ALERT_WHEN_IF_PERSISTENT;
    given.response.attempt = 2;
    assert_false(s_decide(&given)->alert.active);
    assert_true(given.decision.alert.present && given.decision.health);
    given.response.attempt = 3;
    assert_true(s_decide(&given)->alert.active);
    given.response.attempt = 1;
    given.response.first_attempt_ms = NOW_MS - 180000;
    assert_true(s_decide(&given)->alert.active);
    assert_int_equal(given.decision.alert.audience, RISK);
    assert_int_equal(given.decision.alert.severity, PT_SEVERITY_INFO);
    assert_int_equal(given.decision.alert.count, 1);
}

static void
a_row_for_a_status_keeps_its_handling_beside_an_unknown_code(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_DECLINE_SOFT, PT_OUTCOME_DECLINED, PT_ACTION_CHANGE_INSTRUMENT);
    given.response.http_status = 200;
    given.verdict.match = PT_MATCH_STATUS;
    given.verdict.code_unknown = true;
    given.rule.flags = PT_RULE_ALERT;
    given.rule.audience = RISK;
    given.rule.when = PT_ALERT_WHEN_IF_FREQUENT;
    const pt_decision_t *decision = s_decide(&given);
    assert_int_equal(decision->category, PT_CATEGORY_UNKNOWN_CODE);
    assert_int_equal(decision->action, PT_ACTION_CHANGE_INSTRUMENT);
    assert_int_equal(decision->outcome, PT_OUTCOME_DECLINED);
    assert_int_equal(decision->alert.audience, OPERATOR | RISK);
    assert_true(decision->alert.active);
}

static void
a_code_that_a_row_knows_is_not_unknown_for_another_that_none_does(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_DECLINE_SOFT, PT_OUTCOME_DECLINED, PT_ACTION_CHANGE_INSTRUMENT);
    given.verdict.code_unknown = true;
    assert_int_equal(s_decide(&given)->category, PT_CATEGORY_DECLINE_SOFT);
    assert_false(given.decision.alert.present);
}

static void
success_beside_an_unknown_code_is_not_settled(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_ACCEPTED, PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    given.response.http_status = 200;
    given.verdict.match = PT_MATCH_STATUS;
    given.verdict.code_unknown = true;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_QUERY_STATUS);
    assert_int_equal(given.decision.category, PT_CATEGORY_UNKNOWN_CODE);
    assert_int_equal(given.decision.outcome, PT_OUTCOME_UNKNOWN);
    given.verdict.kind = PT_OPERATION_READ;
    assert_int_equal(s_decide(&given)->action, PT_ACTION_INVESTIGATE);
}

typedef struct {
    uint16_t http_status;
    bool idempotent;
    pt_transport_t transport;
    pt_operation_kind_t kind;
    pt_action_t action;
    pt_action_t if_absent;
} s_unanswered_row_t;

static const s_unanswered_row_t s_unanswered_rows[] = {
    {503, false, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {503, true, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_RESUBMIT, PT_ACTION_NONE},
    {503, false, PT_TRANSPORT_NONE, PT_OPERATION_UNNAMED, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {503, false, PT_TRANSPORT_NONE, PT_OPERATION_WRITE, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {503, false, PT_TRANSPORT_NONE, PT_OPERATION_READ, PT_ACTION_RESUBMIT, PT_ACTION_NONE},
    {429, false, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_RESUBMIT, PT_ACTION_NONE},
    {408, false, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {404, false, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_INVESTIGATE, PT_ACTION_NONE},
    {404, false, PT_TRANSPORT_NONE, PT_OPERATION_READ, PT_ACTION_INVESTIGATE, PT_ACTION_NONE},
    {200, true, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_QUERY_STATUS, PT_ACTION_NONE},
    {200, false, PT_TRANSPORT_NONE, PT_OPERATION_READ, PT_ACTION_INVESTIGATE, PT_ACTION_NONE},
    {0, false, PT_TRANSPORT_TIMEOUT, PT_OPERATION_MONEY, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {0, false, PT_TRANSPORT_TIMEOUT, PT_OPERATION_WRITE, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {0, false, PT_TRANSPORT_RESET, PT_OPERATION_UNNAMED, PT_ACTION_QUERY_STATUS, PT_ACTION_RESUBMIT},
    {0, false, PT_TRANSPORT_RESET, PT_OPERATION_READ, PT_ACTION_RESUBMIT, PT_ACTION_NONE},
    {0, false, PT_TRANSPORT_CONNECT_FAILED, PT_OPERATION_MONEY, PT_ACTION_RESUBMIT, PT_ACTION_NONE},
    {0, false, PT_TRANSPORT_TLS_FAILED, PT_OPERATION_UNNAMED, PT_ACTION_RESUBMIT, PT_ACTION_NONE},
    {0, false, PT_TRANSPORT_NONE, PT_OPERATION_MONEY, PT_ACTION_QUERY_STATUS, PT_ACTION_NONE},
    {0, false, PT_TRANSPORT_NONE, PT_OPERATION_READ, PT_ACTION_INVESTIGATE, PT_ACTION_NONE},
};

static void
an_answer_that_no_row_knows_depends_on_what_was_asked(void **state)
{
    (void) state;
    for (size_t index = 0; index < sizeof s_unanswered_rows / sizeof *s_unanswered_rows; index++) {
        const s_unanswered_row_t *row = &s_unanswered_rows[index];
        s_case_t given = s_unanswered(row->http_status, row->transport, row->kind);
        given.response.idempotent = row->idempotent;
        const pt_decision_t *decision = s_decide(&given);
        if (decision->action != row->action || decision->retry.if_absent != row->if_absent)
            fail_msg("row %zu: %s, if absent %s", index, pt_action_text(decision->action),
                     pt_action_text(decision->retry.if_absent));
        assert_true(decision->alert.present);
        assert_true(decision->alert.audience & OPERATOR);
    }
}

static void
equal_input_gives_equal_decisions_at_any_hour(void **state)
{
    (void) state;
    s_case_t given = s_payment(PT_CATEGORY_CHANNEL_LIMIT, PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
    pt_decision_t first = *s_decide(&given);
    pt_decision_t later;
    pt_policy_decide(&given.verdict, &given.response, &given.facts, UINT64_C(0xabcdef), NOW_MS + 86400000, &later);
    assert_int_equal(later.decided_ms, NOW_MS + 86400000);
    later.decided_ms = first.decided_ms;
    assert_memory_equal(&later.retry, &first.retry, sizeof first.retry);
    assert_int_equal(later.action, first.action);
    assert_int_equal(later.alert.active, first.alert.active);
}

static void
an_invalid_envelope_is_dead_lettered_with_its_bytes(void **state)
{
    (void) state;
    static uint8_t bytes[PT_RAW_BYTES_MAX + 1];
    pt_response_t response = {.id = PT_TEXT("order-1"), .provider = PT_TEXT("opn")};
    pt_decision_t decision;
    memset(&decision, 0xa5, sizeof decision);
    pt_policy_decide_invalid(&response, (pt_bytes_t) {bytes, sizeof bytes}, PT_TEXT("provider: missing"), 7, UINT64_MAX,
                             &decision);
    assert_int_equal(decision.match, PT_MATCH_INVALID);
    assert_int_equal(decision.category, PT_CATEGORY_INVALID_RESPONSE);
    assert_int_equal(decision.outcome, PT_OUTCOME_UNKNOWN);
    assert_int_equal(decision.route, PT_ROUTE_DEAD_LETTER);
    assert_int_equal(decision.action, PT_ACTION_INVESTIGATE);
    assert_true(decision.alert.present && decision.alert.active);
    assert_int_equal(decision.alert.audience, OPERATOR);
    assert_int_equal(decision.alert.when, PT_ALERT_WHEN_NOW);
    assert_int_equal(decision.alert.severity, PT_SEVERITY_WARNING);
    assert_int_equal(decision.attempt, 1);
    //  Whole: a card number across the cut is recognised only by who sees both of its sides, the encoder.
    assert_int_equal(decision.raw.len, sizeof bytes);
    assert_ptr_equal(decision.raw.data, bytes);
    assert_true(pt_text_equal(decision.error, PT_TEXT("provider: missing")));
    assert_true(pt_text_equal(decision.id, PT_TEXT("order-1")));
    assert_true(pt_text_equal(decision.entry, PT_TEXT("-")));
    assert_true(pt_text_is_set(decision.summary));
    assert_int_equal(decision.decided_ms, (UINT64_C(1) << 53) - 1);
    assert_false(decision.retry.present);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_response_and_the_verdict_are_echoed),
        cmocka_unit_test(success_is_settled),
        cmocka_unit_test(success_under_an_http_error_is_queried),
        cmocka_unit_test(a_decline_is_final_without_an_alert),
        cmocka_unit_test(an_unknown_outcome_of_money_is_queried_and_then_sent_again),
        cmocka_unit_test(an_idempotent_or_harmless_request_is_sent_again),
        cmocka_unit_test(what_was_not_executed_is_sent_again),
        cmocka_unit_test(a_row_can_forbid_to_send_again_after_the_query),
        cmocka_unit_test(an_escalation_of_money_is_queried_with_an_alert_even_if_idempotent),
        cmocka_unit_test(an_escalation_of_anything_else_is_dead_lettered),
        cmocka_unit_test(a_duplicate_counts_as_success_only_once_confirmed),
        cmocka_unit_test(a_user_s_catalog_cannot_retry_a_final_refusal),
        cmocka_unit_test(the_network_s_advice_ends_resubmission),
        cmocka_unit_test(the_network_s_advice_asks_no_payer_to_pay_what_may_be_paid),
        cmocka_unit_test(a_refusal_is_not_believed_where_it_may_be_that_of_a_server_between),
        cmocka_unit_test(the_last_attempt_ends_with_the_operator),
        cmocka_unit_test(the_deadline_ends_with_the_operator),
        cmocka_unit_test(an_alert_waits_until_trouble_persists),
        cmocka_unit_test(a_row_for_a_status_keeps_its_handling_beside_an_unknown_code),
        cmocka_unit_test(a_code_that_a_row_knows_is_not_unknown_for_another_that_none_does),
        cmocka_unit_test(success_beside_an_unknown_code_is_not_settled),
        cmocka_unit_test(an_answer_that_no_row_knows_depends_on_what_was_asked),
        cmocka_unit_test(equal_input_gives_equal_decisions_at_any_hour),
        cmocka_unit_test(an_invalid_envelope_is_dead_lettered_with_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
