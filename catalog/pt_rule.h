/*  pt_rule: what the catalog knows about one meaning, as policy needs it.
 *
 *  A rule states the gateway's intent, before the operation, the attempt and the idempotency of a
 *  response are known; pt_policy makes the decision of it. The struct stands as it is in the
 *  compiled image: fixed width, no pointers, little-endian.
 */
#ifndef PT_RULE_H
#define PT_RULE_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_RULE_DELAYS_MAX 8

//  How far into a code the HTTP status may stand that it repeats.
#define PT_STATUS_OFFSET_MAX 31

//  Defaults where a rule is silent. Source: the project's design, section 3.
#define PT_RULE_MAX_ATTEMPTS 8
#define PT_RULE_DEADLINE_MS 3600000u
#define PT_RULE_PERSIST_ATTEMPTS 3
#define PT_RULE_PERSIST_MS 180000u

enum {
    PT_RULE_HEALTH = 1u << 0, //  counts against the gateway's health
    PT_RULE_ALERT = 1u << 1,  //  raises an alert: audience, severity and when are meant
    //  The code only says that the request was taken; where the body also holds a known status
    //  marker, that marker answers (an inquiry that succeeded about an order that failed).
    PT_RULE_DEFER_TO_STATUS = 1u << 2,
    PT_RULE_IF_ABSENT_DEAD_LETTER = 1u << 3, //  a query that finds no such order ends in dead_letter
    PT_RULE_JUDGED = 1u << 4,                //  the document is silent on the handling; it is our judgement
    PT_RULE_LISTS_REASONS = 1u << 5,         //  messages of this code may list several reasons
};

//  What an entry of the catalog, which has a rule, answers to.
typedef enum {
    PT_ENTRY_CODE,       //  answers to a code, by message where it has one
    PT_ENTRY_STATUS,     //  answers to a status marker when no code does
    PT_ENTRY_HTTP_CLASS, //  answers to an HTTP status ("503") or class ("5xx") when nothing else does
    PT_ENTRY_KIND_COUNT_
} pt_entry_kind_t;

typedef struct {
    uint8_t category; //  pt_category_t
    uint8_t outcome;  //  pt_outcome_t
    uint8_t action;   //  pt_action_t: what the document asks for, before the rules
    uint8_t flags;
    uint8_t audience;    //  PT_AUDIENCE_BIT of each
    uint8_t severity;    //  pt_severity_t
    uint8_t when;        //  pt_alert_when_t
    uint8_t delay_count; //  0: the default schedule
    uint16_t max_attempts;
    uint16_t alert_count;                  //  if_persistent: from this attempt; if_frequent: from so many responses
    uint32_t alert_span_ms;                //  or from this long after the first attempt; within so long, 0: as the
                                           //  worker's options say
    uint32_t deadline_ms;                  //  after the first attempt
    uint32_t delay_ms[PT_RULE_DELAYS_MAX]; //  before attempt 2, 3, …; the last one repeats
} pt_rule_t;

/*  Whether the payer is to pay again: in another way, by another order or with data put right. */
static inline bool
pt_rule_asks_to_pay(const pt_rule_t *rule)
{
    bool is_mended = (rule->action == PT_ACTION_FIX_REQUEST) & (rule->outcome == PT_OUTCOME_DECLINED);
    return (rule->action == PT_ACTION_CHANGE_INSTRUMENT) | (rule->action == PT_ACTION_NEW_ORDER) | is_mended;
}

#ifdef __cplusplus
}
#endif
#endif
