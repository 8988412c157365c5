/*  Comparing two decisions, and the words for what became riskier. */
#include "pt_diff.h"

#include <assert.h>

const char *
pt_risk_text(unsigned number)
{
    static const char *const texts[PT_RISK_COUNT_] = {
        "a dead letter is retried",
        "what was asked about is sent again",
        "what was open counts as done",
        "nobody is told at once any more",
    };
    assert(number < PT_RISK_COUNT_);

    return texts[number];
}

static bool
s_is_retry_equal(const pt_retry_t *left, const pt_retry_t *right)
{
    if (!left->present || !right->present)
        return left->present == right->present;
    return left->delay_ms == right->delay_ms && left->max_attempts == right->max_attempts &&
           left->deadline_ms == right->deadline_ms && left->if_absent == right->if_absent;
}

static bool
s_is_alert_equal(const pt_alert_t *left, const pt_alert_t *right)
{
    if (!left->present || !right->present)
        return left->present == right->present;
    return left->audience == right->audience && left->severity == right->severity && left->when == right->when &&
           left->active == right->active;
}

//  Whether the same request may go out again by itself: now, or once a query finds no order.
static bool
s_may_resend(const pt_decision_t *decision)
{
    return decision->action == PT_ACTION_RESUBMIT ||
           (decision->action == PT_ACTION_QUERY_STATUS && decision->retry.present &&
            decision->retry.if_absent == PT_ACTION_RESUBMIT);
}

static unsigned
s_find_risks(const pt_decision_t *before, const pt_decision_t *after)
{
    unsigned risks = 0;
    if (before->route == PT_ROUTE_DEAD_LETTER && after->route == PT_ROUTE_RETRY)
        risks |= PT_RISK_RETRIED;
    bool is_query = before->action == PT_ACTION_QUERY_STATUS;
    if (is_query && (after->action == PT_ACTION_RESUBMIT || (!s_may_resend(before) && s_may_resend(after))))
        risks |= PT_RISK_RESENT;
    if (before->route != PT_ROUTE_SETTLED && after->route == PT_ROUTE_SETTLED)
        risks |= PT_RISK_SETTLED;
    //  The alert about a code that nobody knew has done its work once the code is known.
    bool was_told = before->alert.present && before->alert.active && before->category != PT_CATEGORY_UNKNOWN_CODE;
    if (was_told && !(after->alert.present && after->alert.active))
        risks |= PT_RISK_SILENCED;
    return risks;
}

pt_comparison_t
pt_diff_compare(const pt_decision_t *before, const pt_decision_t *after)
{
    assert(before);
    assert(after);

    pt_comparison_t comparison = {.risks = s_find_risks(before, after)};
    comparison.changes |= before->route != after->route ? PT_DIFF_ROUTE : 0u;
    comparison.changes |= before->action != after->action ? PT_DIFF_ACTION : 0u;
    comparison.changes |= before->outcome != after->outcome ? PT_DIFF_OUTCOME : 0u;
    comparison.changes |= before->category != after->category ? PT_DIFF_CATEGORY : 0u;
    bool is_retry_equal =
        s_is_retry_equal(&before->retry, &after->retry) && before->confirm_as_success == after->confirm_as_success;
    comparison.changes |= is_retry_equal ? 0u : PT_DIFF_RETRY;
    comparison.changes |= s_is_alert_equal(&before->alert, &after->alert) ? 0u : PT_DIFF_ALERT;
    comparison.changes |= before->health != after->health ? PT_DIFF_HEALTH : 0u;
    return comparison;
}
