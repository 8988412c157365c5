//  One function per rule, in their order. Each takes the case and the decision and names its breach.

#include "rules.h"

#include <inttypes.h>
#include <stdio.h>

#include "pt_schedule.h"

static const pt_facts_t s_no_facts;

static pt_decision_t
s_decide(const rules_case_t *given)
{
    pt_decision_t decision;
    pt_policy_decide(given->verdict, given->response, &s_no_facts, 1, given->decided_ms, &decision);
    return decision;
}

static bool
s_is_money(const rules_case_t *given)
{
    return given->verdict->kind == PT_OPERATION_MONEY || given->verdict->kind == PT_OPERATION_UNNAMED;
}

bool
rules_is_final(int category)
{
    return category == PT_CATEGORY_RISK_SECURITY || category == PT_CATEGORY_DECLINE_HARD ||
           category == PT_CATEGORY_AUTH_SIGNATURE || category == PT_CATEGORY_NETWORK_ALLOWLIST ||
           category == PT_CATEGORY_REQUEST_INVALID || category == PT_CATEGORY_INVALID_RESPONSE;
}

static bool
s_is_unknown_code(const rules_case_t *given)
{
    const pt_verdict_t *verdict = given->verdict;
    return verdict->rule->category == PT_CATEGORY_UNKNOWN_CODE ||
           (verdict->code_unknown && verdict->match >= PT_MATCH_STATUS);
}

//  Whether no further attempt is allowed: of the case's own limits, not of what was decided.
static bool
s_is_exhausted(const rules_case_t *given)
{
    pt_retry_t retry;
    pt_schedule_t schedule = pt_schedule_of(given->verdict->rule, given->response, given->decided_ms);
    return !pt_schedule_plan(&schedule, &retry);
}

static bool
s_tells_operator_now(const pt_decision_t *decision)
{
    const pt_alert_t *alert = &decision->alert;
    return alert->present && alert->active && alert->when == PT_ALERT_WHEN_NOW &&
           (alert->audience & PT_AUDIENCE_BIT(PT_AUDIENCE_OPERATOR));
}

static const char *
s_breach_of_rule_1(const rules_case_t *given, const pt_decision_t *decision)
{
    const pt_rule_t *rule = given->verdict->rule;
    bool guarded = s_is_money(given) && !given->response->idempotent;
    if (decision->action == PT_ACTION_RESUBMIT && guarded &&
        (decision->outcome == PT_OUTCOME_UNKNOWN || decision->outcome == PT_OUTCOME_PENDING ||
         decision->outcome == PT_OUTCOME_SUCCESS))
        return "1: money is sent again although it may have moved";
    if (rule->outcome != PT_OUTCOME_UNKNOWN || !s_is_money(given) || rules_is_final(rule->category) ||
        s_is_exhausted(given))
        return NULL;
    if (rule->action == PT_ACTION_RESUBMIT && guarded && decision->action != PT_ACTION_QUERY_STATUS)
        return "1: a resubmission with unknown outcome did not become a query";
    if (rule->action == PT_ACTION_CONTACT_PROVIDER &&
        (decision->action != PT_ACTION_QUERY_STATUS || !decision->alert.active ||
         decision->alert.when != PT_ALERT_WHEN_NOW || decision->retry.if_absent != PT_ACTION_NONE))
        return "1: an escalation with unknown outcome did not become a query with an alert now";
    return NULL;
}

static const char *
s_breach_of_rule_2(const rules_case_t *given, const pt_decision_t *decision)
{
    if (decision->route != PT_ROUTE_RETRY)
        return NULL;
    if (rules_is_final(decision->category) || rules_is_final(given->verdict->rule->category))
        return "2: a final refusal is retried";
    return NULL;
}

static const char *
s_breach_of_rule_3(const rules_case_t *given, const pt_decision_t *decision)
{
    bool was_duplicate = given->verdict->rule->category == PT_CATEGORY_DUPLICATE;
    if (decision->confirm_as_success != (decision->category == PT_CATEGORY_DUPLICATE))
        return "3: confirm_as_success does not follow the category";
    if (!was_duplicate)
        return NULL;
    pt_action_t expected = s_is_exhausted(given) ? PT_ACTION_CONTACT_PROVIDER : PT_ACTION_QUERY_STATUS;
    if (decision->action != expected)
        return "3: a duplicate is not queried";
    if (decision->outcome == PT_OUTCOME_SUCCESS || decision->retry.if_absent == PT_ACTION_RESUBMIT)
        return "3: a duplicate counts as success, or is sent again";
    return NULL;
}

static const char *
s_breach_of_rule_4(const rules_case_t *given, const pt_decision_t *decision)
{
    const pt_retry_t *retry = &decision->retry;
    if (retry->present != (decision->route == PT_ROUTE_RETRY))
        return "4: a plan without the route, or the route without a plan";
    if (!retry->present)
        return NULL;
    if (s_is_exhausted(given) || retry->attempt != decision->attempt + 1 || retry->attempt > retry->max_attempts)
        return "4: more attempts than allowed";
    if (retry->max_attempts == 0 || retry->next_at_ms > retry->deadline_ms || retry->delay_ms == 0)
        return "4: no limit, or an attempt after the deadline";
    if (retry->deadline_ms >= UINT64_C(1) << 53)
        return "4: a time that JavaScript cannot hold";
    return NULL;
}

//  Whether `strict` allows nothing that `base` forbids.
static bool
s_is_no_looser(const pt_decision_t *strict, const pt_decision_t *base)
{
    if (strict->route == PT_ROUTE_RETRY && base->route != PT_ROUTE_RETRY)
        return false;
    if (strict->action == PT_ACTION_RESUBMIT && base->action != PT_ACTION_RESUBMIT)
        return false;
    if (strict->retry.if_absent == PT_ACTION_RESUBMIT && base->retry.if_absent != PT_ACTION_RESUBMIT)
        return false;
    return strict->retry.delay_ms >= base->retry.delay_ms || !strict->retry.present;
}

static const char *
s_breach_of_rule_5_alert(const rules_case_t *given, const pt_decision_t *decision)
{
    pt_rule_t silent_rule = *given->verdict->rule;
    silent_rule.flags &= (uint8_t) ~PT_RULE_ALERT;
    pt_verdict_t silent = *given->verdict;
    silent.rule = &silent_rule;
    pt_decision_t other = s_decide(&(rules_case_t) {&silent, given->response, given->decided_ms});
    if (other.route != decision->route || other.action != decision->action || other.outcome != decision->outcome ||
        other.retry.delay_ms != decision->retry.delay_ms || other.retry.if_absent != decision->retry.if_absent)
        return "5: the alert changed the route";
    return NULL;
}

static const char *
s_breach_of_rule_5_advice(const rules_case_t *given, const pt_decision_t *decision)
{
    pt_verdict_t advised = *given->verdict;
    pt_response_t response = *given->response;
    advised.do_not_retry = true;
    response.retry_after_ms += 45000;
    pt_decision_t by_network = s_decide(&(rules_case_t) {&advised, given->response, given->decided_ms});
    pt_decision_t by_gateway = s_decide(&(rules_case_t) {given->verdict, &response, given->decided_ms});
    if (!s_is_no_looser(&by_network, decision) || !s_is_no_looser(&by_gateway, decision))
        return "5: advice made a retry looser";
    if (by_network.action == PT_ACTION_RESUBMIT || by_network.retry.if_absent == PT_ACTION_RESUBMIT)
        return "5: sent again although the network forbids it";
    if (by_gateway.retry.present && by_gateway.retry.delay_ms < response.retry_after_ms)
        return "5: sooner than Retry-After";
    return NULL;
}

//  What a retry of an unknown code may be, where the fallback of its HTTP class asks for one.
static pt_action_t
s_expected_unknown_action(const rules_case_t *given)
{
    const pt_response_t *response = given->response;
    bool is_read = given->verdict->kind == PT_OPERATION_READ;
    unsigned status = response->http_status;
    if (status == 429)
        return PT_ACTION_RESUBMIT;
    if (status >= 500 && status < 600)
        return is_read ? PT_ACTION_RESUBMIT : PT_ACTION_QUERY_STATUS;
    if (status >= 400 && status < 500)
        return PT_ACTION_INVESTIGATE;
    if (!status && response->transport != PT_TRANSPORT_NONE)
        return is_read ? PT_ACTION_RESUBMIT : PT_ACTION_QUERY_STATUS;
    return is_read ? PT_ACTION_INVESTIGATE : PT_ACTION_QUERY_STATUS;
}

static const char *
s_breach_of_rule_6(const rules_case_t *given, const pt_decision_t *decision)
{
    if (!s_is_unknown_code(given))
        return NULL;
    if (decision->category != PT_CATEGORY_UNKNOWN_CODE || !s_tells_operator_now(decision))
        return "6: an unknown code without its category, or unknown to the operator";
    if (decision->route == PT_ROUTE_SETTLED)
        return "6: an unknown code is settled";
    if (given->verdict->kind != PT_OPERATION_READ && decision->action == PT_ACTION_RESUBMIT &&
        decision->outcome != PT_OUTCOME_NOT_EXECUTED && decision->outcome != PT_OUTCOME_DECLINED)
        return "6: an unknown code with unknown outcome is sent again";
    if (decision->retry.if_absent == PT_ACTION_RESUBMIT)
        return "6: an unknown code is sent again after a query";
    if (given->verdict->entry)
        return NULL;
    pt_action_t expected = s_expected_unknown_action(given);
    bool ended = s_is_exhausted(given) && (expected == PT_ACTION_RESUBMIT || expected == PT_ACTION_QUERY_STATUS);
    bool advised = given->verdict->do_not_retry && expected == PT_ACTION_RESUBMIT;
    if (!ended && !advised && decision->action != expected)
        return "6: an unknown code has another action than its HTTP class asks for";
    return NULL;
}

static const char *
s_breach_of_tables(const rules_case_t *given, const pt_decision_t *decision)
{
    const pt_alert_t *alert = &decision->alert;
    bool retry = decision->action == PT_ACTION_RESUBMIT || decision->action == PT_ACTION_QUERY_STATUS;
    bool done = decision->outcome == PT_OUTCOME_SUCCESS || decision->outcome == PT_OUTCOME_PENDING;
    pt_route_t route = retry                                        ? PT_ROUTE_RETRY
                       : decision->action == PT_ACTION_NONE && done ? PT_ROUTE_SETTLED
                                                                    : PT_ROUTE_DEAD_LETTER;
    if (decision->route != route)
        return "table: the route is not the action's";
    unsigned status = given->response->http_status;
    bool is_answer = !status || (status >= 200 && status < 300);
    if (route == PT_ROUTE_SETTLED && (!is_answer || given->response->transport))
        return "table: success is believed under a failure";
    if (decision->same_payload_ok != (decision->action == PT_ACTION_RESUBMIT))
        return "table: same_payload_ok is not the action's";
    if ((decision->action == PT_ACTION_CONTACT_PROVIDER || decision->action == PT_ACTION_INVESTIGATE) &&
        (!alert->active || alert->when != PT_ALERT_WHEN_NOW))
        return "table: nobody is told to act";
    if (alert->present && (alert->count != 1 || (alert->when == PT_ALERT_WHEN_NOW) > alert->active))
        return "alert: now is not at once";
    if (alert->active && (!alert->present || alert->when == PT_ALERT_WHEN_IF_FREQUENT))
        return "alert: one response shows no rate";
    if ((given->verdict->rule->flags & PT_RULE_ALERT) && !alert->present)
        return "alert: the row's alert is lost";
    return NULL;
}

//  An ending for want of attempts or time is an escalation that the operator sees.
static const char *
s_breach_of_ending(const rules_case_t *given, const pt_decision_t *decision)
{
    uint8_t asked = given->verdict->rule->action;
    bool escalated = asked == PT_ACTION_RESUBMIT || asked == PT_ACTION_QUERY_STATUS;
    if (!escalated || !s_is_exhausted(given) || decision->action != PT_ACTION_CONTACT_PROVIDER)
        return NULL;
    if (rules_is_final(given->verdict->rule->category))
        return NULL;
    return s_tells_operator_now(decision) ? NULL : "4: the end of the attempts is unknown to the operator";
}

const char *
rules_breach_by(const rules_case_t *given, const pt_decision_t *decision)
{
    typedef const char *s_check_fn(const rules_case_t *, const pt_decision_t *);
    static s_check_fn *const checks[] = {
        s_breach_of_rule_1,        s_breach_of_rule_2, s_breach_of_rule_3, s_breach_of_rule_4, s_breach_of_rule_5_alert,
        s_breach_of_rule_5_advice, s_breach_of_rule_6, s_breach_of_tables, s_breach_of_ending,
    };
    for (size_t index = 0; index < sizeof checks / sizeof *checks; index++) {
        const char *breach = checks[index](given, decision);
        if (breach)
            return breach;
    }
    return NULL;
}

const char *
rules_breach(const rules_case_t *given)
{
    pt_decision_t decision = s_decide(given);
    return rules_breach_by(given, &decision);
}

const char *
rules_chain_breach(const rules_case_t *given)
{
    pt_response_t response = *given->response;
    rules_case_t step = {given->verdict, &response, given->decided_ms};
    response.first_attempt_ms = response.received_ms = given->decided_ms;
    unsigned limit = given->verdict->rule->max_attempts ? given->verdict->rule->max_attempts : PT_RULE_MAX_ATTEMPTS;
    for (unsigned sent = 1; sent <= limit; sent++) {
        const char *breach = rules_breach(&step);
        pt_decision_t decision = s_decide(&step);
        if (breach || decision.route != PT_ROUTE_RETRY)
            return breach;
        if (decision.retry.deadline_ms - given->decided_ms > UINT32_MAX)
            return "4: the deadline moves from attempt to attempt";
        response.attempt = decision.retry.attempt;
        response.received_ms = decision.retry.next_at_ms;
    }
    return "4: the retries never end";
}

void
rules_print(const rules_case_t *given)
{
    const pt_verdict_t *verdict = given->verdict;
    const pt_response_t *response = given->response;
    pt_decision_t decision = s_decide(given);
    fprintf(stderr,
            "entry %.*s (%s) rule %s/%s/%s flags %u; kind %s idempotent %d attempt %" PRIu32 " http %u %s%s%s\n",
            (int) verdict->entry_id.len, verdict->entry_id.data ? verdict->entry_id.data : "",
            pt_match_text(verdict->match), pt_category_text((pt_category_t) verdict->rule->category),
            pt_outcome_text((pt_outcome_t) verdict->rule->outcome), pt_action_text((pt_action_t) verdict->rule->action),
            verdict->rule->flags, pt_operation_kind_text(verdict->kind), response->idempotent, response->attempt,
            response->http_status, pt_transport_text(response->transport), verdict->code_unknown ? " code unknown" : "",
            verdict->do_not_retry ? " do not retry" : "");
    fprintf(stderr, "  -> %s/%s/%s/%s alert %d active %d\n", pt_category_text(decision.category),
            pt_outcome_text(decision.outcome), pt_route_text(decision.route), pt_action_text(decision.action),
            decision.alert.present, decision.alert.active);
}
