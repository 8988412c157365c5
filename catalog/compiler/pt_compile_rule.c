/*  What a single row may ask for: the invariants of the policy, held against the source, so that an
 *  author hears of a contradiction before pt_policy silently takes the stricter side.
 */
#include "pt_compile_parts.h"

#include <assert.h>

#define S_BIT(value) (1u << (value))

enum {
    S_SUCCESS = S_BIT(PT_OUTCOME_SUCCESS),
    S_DECLINED = S_BIT(PT_OUTCOME_DECLINED),
    S_NOT_EXECUTED = S_BIT(PT_OUTCOME_NOT_EXECUTED),
    S_UNKNOWN = S_BIT(PT_OUTCOME_UNKNOWN),
    S_PENDING = S_BIT(PT_OUTCOME_PENDING),
    S_REFUSED = S_DECLINED | S_NOT_EXECUTED, //  certainly no money moved
    S_NO_SUCCESS = S_REFUSED | S_UNKNOWN | S_PENDING,
};

//  What retries and outcomes go with a category.
typedef struct {
    unsigned outcomes;
    bool may_resubmit;
    bool may_query;
} s_category_t;

static const s_category_t s_categories[PT_CATEGORY_COUNT_] = {
    [PT_CATEGORY_ACCEPTED] = {S_SUCCESS | S_PENDING, false, false},
    [PT_CATEGORY_PENDING] = {S_PENDING | S_UNKNOWN, false, true},
    [PT_CATEGORY_OUTCOME_UNKNOWN] = {S_UNKNOWN | S_PENDING, true, true},
    [PT_CATEGORY_DUPLICATE] = {S_UNKNOWN | S_PENDING | S_NOT_EXECUTED, false, true},
    [PT_CATEGORY_RATE_LIMITED] = {S_REFUSED | S_UNKNOWN, true, true},
    [PT_CATEGORY_PROVIDER_UNAVAILABLE] = {S_REFUSED | S_UNKNOWN, true, true},
    [PT_CATEGORY_CHANNEL_LIMIT] = {S_REFUSED | S_UNKNOWN, true, true},
    [PT_CATEGORY_AUTH_SIGNATURE] = {S_REFUSED | S_UNKNOWN, false, false},
    [PT_CATEGORY_NETWORK_ALLOWLIST] = {S_REFUSED | S_UNKNOWN, false, false},
    [PT_CATEGORY_MERCHANT_CONFIG] = {S_NO_SUCCESS, true, true},
    [PT_CATEGORY_MERCHANT_BALANCE] = {S_NO_SUCCESS, true, true},
    [PT_CATEGORY_REQUEST_INVALID] = {S_REFUSED | S_UNKNOWN, false, false},
    [PT_CATEGORY_NOT_FOUND] = {S_NO_SUCCESS, true, true},
    //  "Already captured" may well mean that the money has moved.
    [PT_CATEGORY_STATE_CONFLICT] = {S_SUCCESS | S_NO_SUCCESS, true, true},
    [PT_CATEGORY_DECLINE_SOFT] = {S_REFUSED, true, true},
    [PT_CATEGORY_DECLINE_HARD] = {S_REFUSED, false, false},
    [PT_CATEGORY_DECLINE_FIX_DATA] = {S_REFUSED, false, false},
    [PT_CATEGORY_CUSTOMER_ACTION] = {S_NO_SUCCESS, false, true},
    [PT_CATEGORY_CANCELLED_EXPIRED] = {S_NO_SUCCESS, false, true},
    [PT_CATEGORY_RISK_SECURITY] = {S_NO_SUCCESS, false, false},
    [PT_CATEGORY_PROVIDER_BUG] = {S_NO_SUCCESS, true, true},
    [PT_CATEGORY_UNKNOWN_CODE] = {S_NO_SUCCESS, true, true},
    [PT_CATEGORY_INVALID_RESPONSE] = {S_NO_SUCCESS, true, true},
};

//  One row under inspection, with its enumerated fields at their full width.
typedef struct {
    const pt_source_entry_t *entry;
    const pt_rule_t *rule;
    pt_category_t category;
    pt_outcome_t outcome;
    pt_action_t action;
    bool is_retry; //  the action leads to route retry
    pt_faults_t *faults;
} s_row_t;

static void
s_note(const s_row_t *row, pt_fault_kind_t kind, bool warning, const char *text)
{
    pt_faults_add(row->faults, row->entry->mark, warning, pt_fault_id(kind), "%.100s: %s", row->entry->id, text);
}

static void
s_check_retry(const s_row_t *row)
{
    const s_category_t *category = &s_categories[row->category];
    const char *word = pt_category_text(row->category);
    if (row->category == PT_CATEGORY_DUPLICATE) {
        if (row->action != PT_ACTION_QUERY_STATUS)
            s_note(row, PT_FAULT_DUPLICATE_NOT_QUERIED, false, "a duplicate needs action query_status");
        return;
    }
    bool forbidden = (row->action == PT_ACTION_RESUBMIT && !category->may_resubmit) ||
                     (row->action == PT_ACTION_QUERY_STATUS && !category->may_query);
    if (forbidden)
        pt_faults_add(row->faults, row->entry->mark, false, pt_fault_id(PT_FAULT_RETRY_FORBIDDEN),
                      "%.100s: category %s must not have action %s", row->entry->id, word, pt_action_text(row->action));
}

static void
s_check_outcome(const s_row_t *row)
{
    if (s_categories[row->category].outcomes & S_BIT(row->outcome))
        return;
    pt_faults_add(row->faults, row->entry->mark, false, pt_fault_id(PT_FAULT_OUTCOME_CONTRADICTS),
                  "%.100s: category %s cannot have outcome %s", row->entry->id, pt_category_text(row->category),
                  pt_outcome_text(row->outcome));
}

static void
s_check_action(const s_row_t *row)
{
    const char *problem = NULL;
    bool starts_anew = row->action == PT_ACTION_NEW_ORDER || row->action == PT_ACTION_CHANGE_INSTRUMENT;
    if (row->outcome == PT_OUTCOME_SUCCESS && row->action != PT_ACTION_NONE)
        problem = "outcome success needs action none";
    else if (row->outcome == PT_OUTCOME_UNKNOWN && row->action == PT_ACTION_NONE)
        problem = "outcome unknown needs an action: query_status, or people";
    else if (row->outcome == PT_OUTCOME_UNKNOWN && starts_anew)
        problem = "another order while the outcome is unknown could charge twice; query_status first";
    else if (row->outcome == PT_OUTCOME_PENDING && (row->action == PT_ACTION_RESUBMIT || starts_anew))
        problem = "an order in progress is queried, not sent again";
    if (problem)
        s_note(row, PT_FAULT_ACTION_CONTRADICTS, false, problem);
    bool judged = row->rule->flags & PT_RULE_JUDGED;
    if (row->outcome == PT_OUTCOME_NOT_EXECUTED && row->action == PT_ACTION_NONE && !judged)
        s_note(row, PT_FAULT_NOTHING_TO_DO, true, "not executed, and action none: does the document say to leave it?");
}

static void
s_check_alert(const s_row_t *row)
{
    bool alerts = row->rule->flags & PT_RULE_ALERT;
    if (alerts && row->rule->audience == 0)
        s_note(row, PT_FAULT_ALERT, false, "the alert has no audience");
    bool is_now = alerts && row->rule->when == PT_ALERT_WHEN_NOW;
    if (row->action == PT_ACTION_CONTACT_PROVIDER && !is_now)
        s_note(row, PT_FAULT_NOBODY_TOLD, false, "contact_provider needs an alert with when: now");
    if (row->action == PT_ACTION_INVESTIGATE && !alerts)
        s_note(row, PT_FAULT_NOBODY_TOLD, false, "investigate needs an alert");
}

static void
s_check_schedule(const s_row_t *row)
{
    const pt_rule_t *rule = row->rule;
    if (rule->deadline_ms == 0 || rule->max_attempts == 0)
        s_note(row, PT_FAULT_SCHEDULE, false, "deadline and max_attempts must not be 0");
    for (size_t i = 0; i < rule->delay_count && i < PT_RULE_DELAYS_MAX; i++)
        if (rule->delay_ms[i] == 0)
            s_note(row, PT_FAULT_SCHEDULE, false, "a delay must not be 0");
    if (row->is_retry && rule->delay_count && rule->delay_ms[0] >= rule->deadline_ms)
        s_note(row, PT_FAULT_SCHEDULE, false, "the first delay reaches past the deadline");
    if (row->is_retry && rule->max_attempts == 1)
        s_note(row, PT_FAULT_SCHEDULE, false, "max_attempts 1 leaves no retry to an action that retries");
}

static void
s_check_texts(const s_row_t *row)
{
    if (!row->entry->summary)
        s_note(row, PT_FAULT_KEY_MISSING, false, "no summary");
    if (!row->entry->cite)
        s_note(row, PT_FAULT_KEY_MISSING, false, "no cite");
}

void
pt_compile_check_rule(const pt_source_entry_t *entry, pt_faults_t *faults)
{
    const pt_rule_t *rule = &entry->rule;
    assert(rule->category < PT_CATEGORY_COUNT_);
    assert(rule->outcome < PT_OUTCOME_COUNT_);
    assert(rule->action < PT_ACTION_COUNT_);

    s_row_t row = {.entry = entry,
                   .rule = rule,
                   .category = (pt_category_t) rule->category,
                   .outcome = (pt_outcome_t) rule->outcome,
                   .action = (pt_action_t) rule->action,
                   .faults = faults};
    row.is_retry = pt_action_is_retry(row.action);
    s_check_texts(&row);
    s_check_outcome(&row);
    s_check_retry(&row);
    s_check_action(&row);
    s_check_alert(&row);
    s_check_schedule(&row);
}
