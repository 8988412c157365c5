//  A rule of the catalog says what a gateway means; only here do the operation, the attempt and
//  the idempotency of one response meet it. Each step below is one rule of docs/ARCHITECTURE.md,
//  and a later step never makes a decision looser than an earlier one left it: the last word on
//  money is always the stricter one. No clock, no state, no allocation, so equal input gives equal
//  output.
//
//  Which rule applies nobody can foresee, so conditions without calls are joined by | and &: they
//  cost an instruction each, and a branch that is guessed wrong fifty.

#include "pt_policy.h"

#include <assert.h>

#include "pt_schedule.h"

//  A decision on its way through the rules, and what they need to know beside it.
typedef struct {
    const pt_verdict_t *verdict;
    const pt_response_t *response;
    const pt_rule_t *rule;
    bool dead_if_absent;  //  some rule forbids to resubmit after a query that finds no order
    bool is_contradicted; //  the answer contradicts itself, or belongs to another request
    pt_decision_t *out;
    uint64_t decided_ms;
} s_draft_t;

static bool
s_moves_money(pt_operation_kind_t kind)
{
    return (kind == PT_OPERATION_MONEY) | (kind == PT_OPERATION_UNNAMED);
}

//  The outcomes after which sending again could do the same thing twice.
static bool
s_may_be_done(pt_outcome_t outcome)
{
    return (outcome != PT_OUTCOME_NOT_EXECUTED) & (outcome != PT_OUTCOME_DECLINED);
}

//  The actions that only people can take.
static bool
s_is_for_people(pt_action_t action)
{
    return (action == PT_ACTION_CONTACT_PROVIDER) | (action == PT_ACTION_INVESTIGATE);
}

static bool
s_claims_success(const pt_rule_t *rule)
{
    return (rule->action == PT_ACTION_NONE) &
           ((rule->outcome == PT_OUTCOME_SUCCESS) | (rule->outcome == PT_OUTCOME_PENDING));
}

//  A code of the answer knows its row; only rows for markers and HTTP statuses answer beside a
//  code that nobody knows.
static bool
s_is_code_unknown(const pt_verdict_t *verdict)
{
    return verdict->code_unknown & (verdict->match >= PT_MATCH_STATUS);
}

//  Somebody must look at it now, whatever the rule said about alerts.
static void
s_alert_operator_now(pt_alert_t *alert)
{
    if (!alert->present)
        *alert = (pt_alert_t) {.present = true, .severity = PT_SEVERITY_WARNING, .count = 1};
    alert->audience |= PT_AUDIENCE_BIT(PT_AUDIENCE_OPERATOR);
    alert->when = PT_ALERT_WHEN_NOW;
    if (alert->severity < PT_SEVERITY_WARNING)
        alert->severity = PT_SEVERITY_WARNING;
}

//  As above, for the people whom the rule names; the operator where it names none.
static void
s_alert_now(pt_alert_t *alert)
{
    uint8_t audience = alert->present ? alert->audience : 0;
    s_alert_operator_now(alert);
    if (audience)
        alert->audience = audience;
}

//  A decision without a ruling. Field by field, because most are set again at once and clearing the whole costs
//  more than all the rules together; test_pt_policy.c decides into bytes that were something else before.
static void
s_echo(const pt_response_t *response, uint64_t catalog, uint64_t decided_ms, pt_decision_t *out)
{
    out->id = response->id;
    out->provider = response->provider;
    out->operation = response->operation;
    out->reference = response->reference;
    out->account = response->account;
    out->producer = PT_TEXT_NONE;
    out->redriven = response->redriven;
    out->on_bus = false;
    out->http_status = response->http_status;
    out->attempt = response->attempt ? response->attempt : 1;
    out->code = out->message = PT_TEXT_NONE;
    out->entry = PT_TEXT("-");
    out->param_count = out->reason_count = 0;
    out->fields = NULL;
    out->field_count = out->fields_dropped = 0;
    out->confirm_as_success = out->same_payload_ok = out->health = false;
    out->retry = (pt_retry_t) {0};
    out->alert = (pt_alert_t) {0};
    out->catalog = catalog;
    out->decided_ms = pt_schedule_clamp_ms(decided_ms);
    out->error = PT_TEXT_NONE;
    out->raw = (pt_bytes_t) {0};
    out->masking = PT_MASKING_TEXTS;
}

static void
s_take_verdict(const pt_verdict_t *verdict, const pt_facts_t *facts, pt_decision_t *out)
{
    out->provider = verdict->provider;
    out->operation = verdict->operation;
    out->code = verdict->code;
    out->message = verdict->message;
    out->entry = verdict->entry_id;
    out->match = verdict->match;
    out->summary = verdict->summary;
    out->fields = facts->fields;
    out->field_count = facts->field_count;
    out->fields_dropped = facts->fields_dropped;
    out->param_count = verdict->param_count < PT_PARAMS_MAX ? verdict->param_count : PT_PARAMS_MAX;
    for (size_t index = 0; index < out->param_count; index++)
        out->params[index] = verdict->params[index];
    out->reason_count = verdict->reason_count < PT_REASONS_MAX ? verdict->reason_count : PT_REASONS_MAX;
    for (size_t index = 0; index < out->reason_count; index++)
        out->reasons[index] = verdict->reasons[index];
}

static void
s_take_rule(const pt_rule_t *rule, pt_decision_t *out)
{
    out->category = (pt_category_t) rule->category;
    out->outcome = (pt_outcome_t) rule->outcome;
    out->action = (pt_action_t) rule->action;
    out->health = rule->flags & PT_RULE_HEALTH;
    //  What an absent alert says is not looked at.
    out->alert = (pt_alert_t) {.present = rule->flags & PT_RULE_ALERT,
                               .audience = rule->audience,
                               .severity = (pt_severity_t) rule->severity,
                               .when = (pt_alert_when_t) rule->when,
                               .count = 1};
}

//  A marker that stands without a code, under an HTTP error or beside a failed connection, may be that of the request
//  alone: pages of proxies say "failed" and "pending", too.
static bool
s_is_word_of_request(const s_draft_t *draft)
{
    return (draft->verdict->match == PT_MATCH_STATUS) & (draft->rule->outcome != PT_OUTCOME_UNKNOWN);
}

//  Whether the API itself has not answered, or has refused: redirects and what a cache says for it are no answers.
static bool
s_is_failed(const pt_response_t *response)
{
    bool is_other = response->http_status - 200U >= 100;
    return ((response->http_status != 0) & is_other) | (response->transport != PT_TRANSPORT_NONE);
}

//  Whether nobody knows how far the request got, whatever the body says.
static bool
s_is_broken(const pt_response_t *response)
{
    bool is_refused = (response->http_status - 400U < 100) & (response->http_status != 408);
    return s_is_failed(response) & (!is_refused | (response->transport != PT_TRANSPORT_NONE));
}

//  A body that claims success under an HTTP error or a redirect, or beside a failed connection, contradicts
//  itself: a proxy's page, a cached body or a bug. Settling it would lose a payment that failed,
//  sending it again could pay twice; so the gateway is asked, and a person is told. So it is where the payer
//  would be asked to pay again after a failure of the server, save that code and wording both are the gateway's.
static void
s_doubt_contradiction(s_draft_t *draft)
{
    const pt_response_t *response = draft->response;
    bool broken = s_is_broken(response);
    bool doubtful = s_is_failed(response) && (s_claims_success(draft->rule) || s_is_word_of_request(draft));
    doubtful |= broken & pt_rule_asks_to_pay(draft->rule) & (draft->verdict->match >= PT_MATCH_CODE);
    if (!(draft->verdict->contradicted | doubtful))
        return;

    pt_decision_t *out = draft->out;
    out->category = PT_CATEGORY_OUTCOME_UNKNOWN;
    out->outcome = PT_OUTCOME_UNKNOWN;
    out->action = PT_ACTION_QUERY_STATUS;
    out->summary = PT_TEXT("The answer contradicts itself or belongs to another request; the outcome is unknown.");
    draft->dead_if_absent = draft->is_contradicted = true;
    s_alert_operator_now(&out->alert);
}

//  A request whose answer was cut off may have been carried out after the part that arrived was
//  written: "not executed" is not believed where believing it would send it again.
static void
s_doubt_cut_off(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    pt_transport_t transport = draft->response->transport;
    bool cut_off = transport == PT_TRANSPORT_TIMEOUT || transport == PT_TRANSPORT_RESET;
    if (cut_off && draft->verdict->entry && out->action == PT_ACTION_RESUBMIT)
        out->outcome = PT_OUTCOME_UNKNOWN;
}

//  Rule 6, where a row for a marker or an HTTP status answers beside a code that no row knows.
//  The row's handling stands, save that success is not believed: the code may say otherwise.
static void
s_doubt_unknown_code(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    if (!s_is_code_unknown(draft->verdict) && draft->rule->category != PT_CATEGORY_UNKNOWN_CODE)
        return;

    out->category = PT_CATEGORY_UNKNOWN_CODE;
    draft->dead_if_absent = true;
    s_alert_operator_now(&out->alert);
    if (!s_claims_success(draft->rule))
        return;
    out->outcome = PT_OUTCOME_UNKNOWN;
    out->action = draft->verdict->kind == PT_OPERATION_READ ? PT_ACTION_INVESTIGATE : PT_ACTION_QUERY_STATUS;
    out->summary = PT_TEXT("The answer claims success beside a code that the catalog does not know.");
}

//  Rule 6, the action: a read may be asked again where the HTTP class or the transport speaks for
//  it, and otherwise nobody knows what to ask. Anything else is asked about and never sent again,
//  not even with an idempotency key: an unknown code may say that the key was not honoured.
static void
s_restrict_unknown_code(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    bool is_read = draft->verdict->kind == PT_OPERATION_READ;
    if (out->category != PT_CATEGORY_UNKNOWN_CODE)
        return;

    //  To read again is to ask, whatever a marker says beside the class; so it is not asked about.
    bool class_speaks = draft->rule->action == PT_ACTION_RESUBMIT;
    if (is_read && out->action == PT_ACTION_QUERY_STATUS && !draft->verdict->entry)
        out->action = class_speaks ? PT_ACTION_RESUBMIT : PT_ACTION_INVESTIGATE;
    if (!is_read && out->action == PT_ACTION_RESUBMIT && s_may_be_done(out->outcome))
        out->action = PT_ACTION_QUERY_STATUS;
}

//  Whoever asks for an order that has failed for good reads the same each time: what the code leaves open is for a
//  person to find out, at once. Under an HTTP error the marker may speak of the question itself.
static void
s_end_questions(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    if (!draft->verdict->shows_end | s_is_failed(draft->response))
        return;
    s_alert_operator_now(&out->alert);
    if (draft->rule->category == PT_CATEGORY_DUPLICATE)
        return;
    out->outcome = PT_OUTCOME_UNKNOWN;
    out->action = PT_ACTION_INVESTIGATE;
    out->summary = PT_TEXT("The order has failed for good, and its code leaves open whether money moved.");
}

//  Rule 3. The row's own category counts, so that a duplicate is never sent again even where an
//  earlier rule renamed it.
static void
s_query_duplicate(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    if (draft->rule->category != PT_CATEGORY_DUPLICATE)
        return;

    out->action = PT_ACTION_QUERY_STATUS;
    out->confirm_as_success = out->category == PT_CATEGORY_DUPLICATE;
    if (out->outcome == PT_OUTCOME_SUCCESS)
        out->outcome = PT_OUTCOME_UNKNOWN;
    draft->dead_if_absent = true;
}

//  Rule 1. A fallback is stricter than a row: nobody has said that what the operation writes may
//  be written twice. Where the document says to escalate, people are told at once and the order is
//  asked about meanwhile; such an answer is not sent again even when the query finds no order.
static void
s_query_before_money(s_draft_t *draft)
{
    const pt_verdict_t *verdict = draft->verdict;
    pt_decision_t *out = draft->out;
    bool may_be_done = s_may_be_done(out->outcome);
    bool moves_money = s_moves_money(verdict->kind);
    bool guarded = moves_money | (!verdict->entry & (verdict->kind == PT_OPERATION_WRITE));
    bool again = (out->action == PT_ACTION_RESUBMIT) & guarded & !draft->response->idempotent;
    bool escalated = (out->action == PT_ACTION_CONTACT_PROVIDER) & moves_money;
    out->action = may_be_done & (again | escalated) ? PT_ACTION_QUERY_STATUS : out->action;
    draft->dead_if_absent |= may_be_done & escalated;
}

//  What a final refusal asks for instead of a retry; none: the category is not final.
static const uint8_t s_final_actions[PT_CATEGORY_COUNT_] = {
    [PT_CATEGORY_RISK_SECURITY] = PT_ACTION_CONTACT_PROVIDER,
    [PT_CATEGORY_DECLINE_HARD] = PT_ACTION_CHANGE_INSTRUMENT,
    [PT_CATEGORY_AUTH_SIGNATURE] = PT_ACTION_REFRESH_CREDENTIALS,
    [PT_CATEGORY_NETWORK_ALLOWLIST] = PT_ACTION_FIX_CONFIGURATION,
    [PT_CATEGORY_REQUEST_INVALID] = PT_ACTION_FIX_REQUEST,
    [PT_CATEGORY_INVALID_RESPONSE] = PT_ACTION_INVESTIGATE,
};

//  Rule 2. Our own catalog never asks for such a retry; a user's may, and is not followed. Where a success stands
//  beside the refusal, somebody looks first: a payer who pays another way may pay twice.
static void
s_refuse_retry(s_draft_t *draft)
{
    pt_action_t final = s_final_actions[draft->rule->category];
    if (draft->is_contradicted & (final != PT_ACTION_NONE))
        final = PT_ACTION_INVESTIGATE;
    if ((final != PT_ACTION_NONE) & pt_action_is_retry(draft->out->action))
        draft->out->action = final;
}

//  Rule 5, the network's "do not retry": only ever stricter, and a query is no retry of the payment. A new order, or
//  the same card with its data put right, is another try on the same instrument. Whoever would send the request again
//  because it may have been lost pays in no other way before the gateway was asked.
static void
s_heed_advice(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    if (!draft->verdict->do_not_retry)
        return;
    draft->dead_if_absent = true;
    bool is_card_mended = out->action == PT_ACTION_FIX_REQUEST && out->category == PT_CATEGORY_DECLINE_FIX_DATA;
    bool is_declined = out->outcome == PT_OUTCOME_DECLINED;
    if (out->action == PT_ACTION_RESUBMIT)
        out->action = is_declined ? PT_ACTION_CHANGE_INSTRUMENT : PT_ACTION_QUERY_STATUS;
    if (out->action == PT_ACTION_NEW_ORDER || is_card_mended)
        out->action = PT_ACTION_CHANGE_INSTRUMENT;
}

static pt_action_t
s_if_absent(const s_draft_t *draft)
{
    bool dead = draft->dead_if_absent || (draft->rule->flags & PT_RULE_IF_ABSENT_DEAD_LETTER);
    return dead ? PT_ACTION_NONE : PT_ACTION_RESUBMIT;
}

//  Rule 4: plan the next attempt, or end here when there is none left.
static void
s_plan_retry(s_draft_t *draft)
{
    pt_decision_t *out = draft->out;
    if (!pt_action_is_retry(out->action))
        return;
    pt_schedule_t schedule = pt_schedule_of(draft->rule, draft->response, draft->decided_ms);
    if (!pt_schedule_plan(&schedule, &out->retry)) {
        out->action = PT_ACTION_CONTACT_PROVIDER;
        s_alert_operator_now(&out->alert);
        return;
    }
    if (out->action == PT_ACTION_QUERY_STATUS)
        out->retry.if_absent = s_if_absent(draft);
}

//  Rule 5, the alert: it reads what the other rules settled on and changes nothing but itself.
//  What the row asks people to do is told to them at once, also where the order is queried first.
//  "If frequent" is a rate, which no response shows alone. A gateway that disagrees with itself is told of
//  beside whatever the row says.
static void
s_settle_alert(const s_draft_t *draft)
{
    pt_alert_t *alert = &draft->out->alert;
    bool is_for_people = s_is_for_people(draft->out->action);
    is_for_people |= s_is_for_people((pt_action_t) draft->rule->action);
    if (is_for_people)
        s_alert_now(alert);
    if (draft->verdict->drifts) {
        s_alert_operator_now(alert);
        alert->drift = true;
    }
    bool is_due = alert->when == PT_ALERT_WHEN_NOW;
    if (alert->when == PT_ALERT_WHEN_IF_PERSISTENT) {
        pt_schedule_t schedule = pt_schedule_of(draft->rule, draft->response, draft->decided_ms);
        is_due = pt_schedule_is_persistent(&schedule);
    }
    alert->active = alert->present & is_due;
}

static inline pt_route_t
s_route(pt_action_t action, pt_outcome_t outcome)
{
    bool is_settled = (action == PT_ACTION_NONE) & ((outcome == PT_OUTCOME_SUCCESS) | (outcome == PT_OUTCOME_PENDING));
    pt_route_t final = is_settled ? PT_ROUTE_SETTLED : PT_ROUTE_DEAD_LETTER;
    return pt_action_is_retry(action) ? PT_ROUTE_RETRY : final;
}

pt_route_t
pt_policy_route(pt_action_t action, pt_outcome_t outcome)
{
    return s_route(action, outcome);
}

void
pt_policy_decide(const pt_verdict_t *verdict, const pt_response_t *response, const pt_facts_t *facts, uint64_t catalog,
                 uint64_t decided_ms, pt_decision_t *out_decision)
{
    assert(verdict);
    assert(verdict->rule);
    assert(response);
    assert(facts);
    assert(out_decision);

    s_echo(response, catalog, decided_ms, out_decision);
    s_take_verdict(verdict, facts, out_decision);
    s_take_rule(verdict->rule, out_decision);

    s_draft_t draft = {
        .verdict = verdict, .response = response, .rule = verdict->rule, .out = out_decision, .decided_ms = decided_ms};
    s_doubt_contradiction(&draft);
    s_doubt_cut_off(&draft);
    s_doubt_unknown_code(&draft);
    s_restrict_unknown_code(&draft);
    s_end_questions(&draft);
    s_query_duplicate(&draft);
    s_query_before_money(&draft);
    s_refuse_retry(&draft);
    s_heed_advice(&draft);

    s_plan_retry(&draft);
    s_settle_alert(&draft);

    out_decision->same_payload_ok = out_decision->action == PT_ACTION_RESUBMIT;
    out_decision->route = s_route(out_decision->action, out_decision->outcome);
}

void
pt_policy_decide_invalid(const pt_response_t *response, pt_bytes_t raw, pt_text_t error, uint64_t catalog,
                         uint64_t decided_ms, pt_decision_t *out_decision)
{
    assert(response);
    assert(out_decision);

    s_echo(response, catalog, decided_ms, out_decision);
    out_decision->match = PT_MATCH_INVALID;
    out_decision->category = PT_CATEGORY_INVALID_RESPONSE;
    out_decision->outcome = PT_OUTCOME_UNKNOWN;
    out_decision->action = PT_ACTION_INVESTIGATE;
    out_decision->route = pt_policy_route(PT_ACTION_INVESTIGATE, PT_OUTCOME_UNKNOWN);
    out_decision->summary = PT_TEXT("The producer sent bytes that are no valid response.");
    s_alert_operator_now(&out_decision->alert);
    out_decision->alert.active = true;
    out_decision->error = error;
    out_decision->raw = raw;
}
