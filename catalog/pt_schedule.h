/*  pt_schedule: when one more attempt is due, and when there have been enough.
 *
 *  The arithmetic of rule 4, kept apart from what the attempt is. Total for any numbers that a
 *  peer can send; every time that comes out is below 2^53.
 */
#ifndef PT_SCHEDULE_H
#define PT_SCHEDULE_H

#include "pt_rule.h"

#ifdef __cplusplus
extern "C" {
#endif

//  One response on its rule's schedule. Borrows the rule and the id.
typedef struct {
    const pt_rule_t *rule;
    pt_text_t id;      //  jitter derives from it
    uint32_t attempt;  //  the one that was answered, from 1
    uint64_t now_ms;   //  unix ms: when the answer arrived; when it is decided where nobody said
    uint64_t first_ms; //  unix ms of the first attempt, never after now_ms
    uint64_t retry_after_ms;
} pt_schedule_t;

#define PT_SCHEDULE_MS_MAX ((UINT64_C(1) << 53) - 1)

/*  A time or duration, no more than 2^53 - 1, where JavaScript still counts one by one. */
static inline uint64_t
pt_schedule_clamp_ms(uint64_t time_ms)
{
    return time_ms < PT_SCHEDULE_MS_MAX ? time_ms : PT_SCHEDULE_MS_MAX;
}

/*  A first attempt in the future is a clock that is wrong; it counts as now, so that it cannot push the deadline
 *  out.
 */
static inline pt_schedule_t
pt_schedule_of(const pt_rule_t *rule, const pt_response_t *response, uint64_t decided_ms)
{
    uint64_t now_ms = pt_schedule_clamp_ms(response->received_ms ? response->received_ms : decided_ms);
    uint64_t first_ms = response->first_attempt_ms ? response->first_attempt_ms : now_ms;
    return (pt_schedule_t) {
        .rule = rule,
        .id = response->id,
        .attempt = response->attempt ? response->attempt : 1,
        .now_ms = now_ms,
        .first_ms = first_ms < now_ms ? first_ms : now_ms,
        .retry_after_ms = pt_schedule_clamp_ms(response->retry_after_ms),
    };
}

/*  Plan the next attempt. False, and *out_retry untouched, when attempts or time are used up.
 *  `if_absent` is left at none.
 */
PT_MUST_CHECK bool pt_schedule_plan(const pt_schedule_t *self, pt_retry_t *out_retry);

/*  Whether the trouble has lasted as long as an alert "if persistent" waits for. */
bool pt_schedule_is_persistent(const pt_schedule_t *self);

#ifdef __cplusplus
}
#endif
#endif
