//  The rules as full tables: every rule that a catalog can hold, every fallback, and every entry of
//  the built-in catalog, under each kind of operation, idempotent or not, attempts 1 to 10.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_decision.h"
#include "pt_fallback.h"
#include "rules.h"

#define NOW_MS UINT64_C(1700000000000)
#define ATTEMPTS_MAX 10

typedef const char *s_check_t(const rules_case_t *);

static void
s_hold(s_check_t *check, const rules_case_t *given)
{
    const char *breach = check(given);
    if (!breach)
        return;
    rules_print(given);
    fail_msg("rule %s", breach);
}

//  The three dimensions that every table below has.
static size_t
s_hold_everywhere(pt_verdict_t *verdict, pt_response_t *response)
{
    size_t cases = 0;
    rules_case_t given = {verdict, response, NOW_MS};
    for (int kind = 0; kind < PT_OPERATION_COUNT_; kind++) {
        for (int idempotent = 0; idempotent < 2; idempotent++) {
            for (uint32_t attempt = 1; attempt <= ATTEMPTS_MAX; attempt++, cases++) {
                verdict->kind = (pt_operation_kind_t) kind;
                response->idempotent = idempotent;
                response->attempt = attempt;
                s_hold(rules_breach, &given);
            }
            response->attempt = 1;
            s_hold(rules_chain_breach, &given);
        }
    }
    return cases;
}

//  Where an answer can stand: what came back, and what the catalog noticed beside the row.
typedef struct {
    uint16_t http_status;
    pt_transport_t transport;
    pt_match_t match;
    bool code_unknown;
    bool do_not_retry;
    uint64_t elapsed_ms;
} s_place_t;

static const s_place_t s_places[] = {
    {.http_status = 200, .match = PT_MATCH_CODE},
    {.http_status = 200, .match = PT_MATCH_STATUS, .code_unknown = true},
    {.http_status = 200, .match = PT_MATCH_MESSAGE, .do_not_retry = true},
    {.http_status = 404, .match = PT_MATCH_TEMPLATE, .elapsed_ms = 200000},
    {.http_status = 400, .match = PT_MATCH_HTTP_CLASS, .code_unknown = true},
    {.http_status = 503, .match = PT_MATCH_HTTP_CLASS, .code_unknown = true, .elapsed_ms = 3590000},
    {.http_status = 503, .match = PT_MATCH_CODE_ANY_OPERATION, .elapsed_ms = 3700000},
    {.http_status = 302, .match = PT_MATCH_STATUS},
    {.transport = PT_TRANSPORT_RESET, .match = PT_MATCH_CODE},
};

static void
s_stand_in(const s_place_t *place, pt_verdict_t *verdict, pt_response_t *response)
{
    *response = (pt_response_t) {.id = PT_TEXT("order-1"),
                                 .http_status = place->http_status,
                                 .transport = place->transport,
                                 .received_ms = NOW_MS,
                                 .first_attempt_ms = NOW_MS - place->elapsed_ms};
    verdict->match = place->match;
    verdict->code_unknown = place->code_unknown;
    verdict->do_not_retry = place->do_not_retry;
}

//  The rules that differ in alert and flags, over one category, outcome and action.
static size_t
s_hold_for_variants(pt_rule_t rule)
{
    static const uint8_t flags[] = {0, PT_RULE_IF_ABSENT_DEAD_LETTER, PT_RULE_ALERT, PT_RULE_ALERT | PT_RULE_HEALTH};
    //  Policy never looks into an entry; it only asks whether there is one.
    static const char entry;
    size_t cases = 0;
    for (size_t which = 0; which < sizeof flags; which++) {
        for (int when = 0; when < ((flags[which] & PT_RULE_ALERT) ? PT_ALERT_WHEN_COUNT_ : 1); when++) {
            rule.flags = flags[which];
            rule.when = (uint8_t) when;
            rule.audience = PT_AUDIENCE_BIT(PT_AUDIENCE_RISK);
            for (size_t place = 0; place < sizeof s_places / sizeof *s_places; place++) {
                pt_verdict_t verdict = {.rule = &rule, .entry = (const pt_entry_t *) (const void *) &entry};
                pt_response_t response;
                s_stand_in(&s_places[place], &verdict, &response);
                cases += s_hold_everywhere(&verdict, &response);
            }
        }
    }
    return cases;
}

static void
the_rules_hold_for_every_rule_that_a_catalog_can_state(void **state)
{
    (void) state;
    size_t cases = 0;
    for (int category = 0; category < PT_CATEGORY_COUNT_; category++)
        for (int outcome = 0; outcome < PT_OUTCOME_COUNT_; outcome++)
            for (int action = 0; action < PT_ACTION_COUNT_; action++)
                cases += s_hold_for_variants((pt_rule_t) {
                    .category = (uint8_t) category, .outcome = (uint8_t) outcome, .action = (uint8_t) action});
    //  Flags without an alert in two ways, with one in two ways for each time of telling.
    size_t variants = 2 + 2 * PT_ALERT_WHEN_COUNT_;
    size_t rules = (size_t) PT_CATEGORY_COUNT_ * PT_OUTCOME_COUNT_ * PT_ACTION_COUNT_ * variants;
    assert_int_equal(cases, rules * (sizeof s_places / sizeof *s_places) * PT_OPERATION_COUNT_ * 2 * ATTEMPTS_MAX);
}

static void
s_spoil_action(pt_decision_t *decision)
{
    decision->action = PT_ACTION_RESUBMIT;
}

static void
s_spoil_route(pt_decision_t *decision)
{
    decision->route = PT_ROUTE_RETRY;
}

static void
s_spoil_confirmation(pt_decision_t *decision)
{
    decision->confirm_as_success = !decision->confirm_as_success;
}

static void
s_spoil_absence(pt_decision_t *decision)
{
    decision->retry.if_absent = PT_ACTION_RESUBMIT;
}

static void
s_spoil_attempts(pt_decision_t *decision)
{
    decision->retry.max_attempts = 0;
}

static void
s_spoil_delay(pt_decision_t *decision)
{
    decision->retry.delay_ms++;
}

static void
s_spoil_alert(pt_decision_t *decision)
{
    decision->alert.present = decision->alert.active = false;
}

static void
s_spoil_payload(pt_decision_t *decision)
{
    decision->same_payload_ok = !decision->same_payload_ok;
}

//  A table that holds for everything proves nothing before it fails for something.
static void
each_rule_is_broken_by_a_decision_that_was_spoiled(void **state)
{
    (void) state;
    static const char entry;
    static const pt_rule_t down = {.category = PT_CATEGORY_PROVIDER_UNAVAILABLE,
                                   .outcome = PT_OUTCOME_UNKNOWN,
                                   .action = PT_ACTION_RESUBMIT,
                                   .flags = PT_RULE_ALERT,
                                   .audience = PT_AUDIENCE_BIT(PT_AUDIENCE_RISK)};
    static const pt_rule_t refused = {
        .category = PT_CATEGORY_DECLINE_HARD, .outcome = PT_OUTCOME_DECLINED, .action = PT_ACTION_CHANGE_INSTRUMENT};
    static const pt_rule_t twice = {
        .category = PT_CATEGORY_DUPLICATE, .outcome = PT_OUTCOME_UNKNOWN, .action = PT_ACTION_QUERY_STATUS};
    static const struct {
        const char *breach;
        const pt_rule_t *rule;
        void (*spoil)(pt_decision_t *decision);
        bool unknown;
    } cases[] = {
        {"1:", &down, s_spoil_action, false},        {"2:", &refused, s_spoil_route, false},
        {"3:", &twice, s_spoil_confirmation, false}, {"3:", &twice, s_spoil_absence, false},
        {"4:", &down, s_spoil_attempts, false},      {"5:", &down, s_spoil_delay, false},
        {"6:", &down, s_spoil_alert, true},          {"table:", &down, s_spoil_payload, false},
        {"alert:", &down, s_spoil_alert, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const s_place_t place = {.http_status = 503,
                                 .match = cases[i].unknown ? PT_MATCH_HTTP_CLASS : PT_MATCH_CODE,
                                 .code_unknown = cases[i].unknown};
        pt_verdict_t verdict = {
            .rule = cases[i].rule, .entry = (const pt_entry_t *) (const void *) &entry, .kind = PT_OPERATION_MONEY};
        pt_response_t response;
        s_stand_in(&place, &verdict, &response);
        response.attempt = 1;
        rules_case_t given = {&verdict, &response, NOW_MS};
        pt_decision_t decision;
        pt_policy_decide(&verdict, &response, &(pt_facts_t) {0}, 1, NOW_MS, &decision);
        assert_null(rules_breach_by(&given, &decision));
        cases[i].spoil(&decision);
        const char *breach = rules_breach_by(&given, &decision);
        assert_non_null(breach);
        assert_int_equal(strncmp(breach, cases[i].breach, strlen(cases[i].breach)), 0);
    }
}

static void
the_rules_hold_for_every_answer_of_last_resort(void **state)
{
    (void) state;
    static const uint64_t elapsed_ms[] = {0, 200000, 3590000, 3600000};
    for (int status = 0; status < 600; status = status ? status + 1 : 100) {
        for (int which = 0; which < PT_TRANSPORT_COUNT_ * 2 * 4; which++) {
            bool code = which % 2;
            pt_transport_t transport = (pt_transport_t) (which / 2 % PT_TRANSPORT_COUNT_);
            const pt_fallback_t *fallback = pt_fallback_find((uint16_t) status, transport, code);
            pt_verdict_t verdict = {.rule = &fallback->rule, .match = fallback->match, .code_unknown = code};
            pt_response_t response = {.id = PT_TEXT("order-1"),
                                      .http_status = (uint16_t) status,
                                      .transport = transport,
                                      .received_ms = NOW_MS,
                                      .first_attempt_ms = NOW_MS - elapsed_ms[which / 2 / PT_TRANSPORT_COUNT_]};
            s_hold_everywhere(&verdict, &response);
        }
    }
}

//  The entry as its own lookup would hand it over, under each operation that its gateway knows and
//  under none.
static void
the_rules_hold_for_every_entry_of_the_built_in_catalog(void **state)
{
    (void) state;
    const pt_catalog_t *catalog = pt_catalog_builtin();
    assert_in_range(pt_catalog_entry_count(catalog), 318, 10000);
    for (size_t index = 0; index < pt_catalog_entry_count(catalog); index++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, index);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        for (size_t place = 0; place < sizeof s_places / sizeof *s_places; place++) {
            pt_verdict_t verdict = {.rule = view.rule, .entry = entry, .entry_id = view.id};
            pt_response_t response;
            s_stand_in(&s_places[place], &verdict, &response);
            s_hold_everywhere(&verdict, &response);
        }
    }
}

//  Rule 2 as the catalog's own promise: what policy would refuse, no entry asks for.
static void
no_entry_of_the_built_in_catalog_asks_for_what_the_rules_refuse(void **state)
{
    (void) state;
    const pt_catalog_t *catalog = pt_catalog_builtin();
    for (size_t index = 0; index < pt_catalog_entry_count(catalog); index++) {
        pt_entry_view_t view = pt_catalog_entry_view(catalog, pt_catalog_entry_at(catalog, index));
        bool retry = view.rule->action == PT_ACTION_RESUBMIT || view.rule->action == PT_ACTION_QUERY_STATUS;
        bool known = view.rule->outcome != PT_OUTCOME_UNKNOWN;
        if (retry && rules_is_final(view.rule->category))
            fail_msg("%.*s retries a final refusal", (int) view.id.len, view.id.data);
        if (view.rule->category == PT_CATEGORY_DUPLICATE && view.rule->action != PT_ACTION_QUERY_STATUS)
            fail_msg("%.*s does not query a duplicate", (int) view.id.len, view.id.data);
        if (view.rule->action == PT_ACTION_NONE && !known)
            fail_msg("%.*s has nothing to do about an unknown outcome", (int) view.id.len, view.id.data);
    }
}

static pt_decision_t
s_decide_in(const pt_entry_view_t *view, const pt_provider_t *provider, pt_text_t operation)
{
    static pt_facts_t facts;
    static pt_verdict_t verdict;
    const pt_catalog_t *catalog = pt_catalog_builtin();
    pt_response_t response = {.id = PT_TEXT("order-1"),
                              .provider = pt_provider_id(provider),
                              .operation = operation,
                              .http_status = 200,
                              .attempt = 1,
                              .received_ms = NOW_MS};
    pt_decision_t decision;
    facts = (pt_facts_t) {.is_map = true};
    if (view->kind == PT_ENTRY_STATUS) {
        facts.statuses[0] = view->code;
    } else {
        facts.codes[0] = view->code;
        facts.messages[0] = view->message;
    }
    pt_catalog_lookup(catalog, provider, &response, &facts, &verdict);
    pt_policy_decide(&verdict, &response, &facts, 1, NOW_MS, &decision);
    return decision;
}

static bool
s_asks_to_pay(const pt_decision_t *decision)
{
    return decision->action == PT_ACTION_CHANGE_INSTRUMENT || decision->action == PT_ACTION_NEW_ORDER ||
           (decision->action == PT_ACTION_FIX_REQUEST && decision->outcome == PT_OUTCOME_DECLINED);
}

//  Whatever a gateway answers to a refund, a cancellation or a transfer, no payer hears of it.
static void
nobody_is_asked_to_pay_by_what_has_no_payer(void **state)
{
    (void) state;
    const pt_catalog_t *catalog = pt_catalog_builtin();
    size_t asked_elsewhere = 0, cases = 0;
    for (size_t index = 0; index < pt_catalog_entry_count(catalog); index++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, index);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        const pt_provider_t *provider = pt_catalog_entry_provider(catalog, entry);
        for (size_t i = 0; view.kind != PT_ENTRY_HTTP_CLASS && i < pt_provider_operation_count(provider); i++) {
            pt_operation_view_t operation = pt_provider_operation_at(provider, i);
            pt_decision_t decision = s_decide_in(&view, provider, operation.name);
            asked_elsewhere += !operation.without_payer && s_asks_to_pay(&decision);
            cases += operation.without_payer;
            if (operation.without_payer && s_asks_to_pay(&decision))
                fail_msg("%.*s asks somebody to pay by %.*s", (int) view.id.len, view.id.data, (int) operation.name.len,
                         operation.name.data);
        }
    }
    assert_true(cases > 1000 && asked_elsewhere > 500);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_broken_by_a_decision_that_was_spoiled),
        cmocka_unit_test(the_rules_hold_for_every_rule_that_a_catalog_can_state),
        cmocka_unit_test(the_rules_hold_for_every_answer_of_last_resort),
        cmocka_unit_test(the_rules_hold_for_every_entry_of_the_built_in_catalog),
        cmocka_unit_test(no_entry_of_the_built_in_catalog_asks_for_what_the_rules_refuse),
        cmocka_unit_test(nobody_is_asked_to_pay_by_what_has_no_payer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
