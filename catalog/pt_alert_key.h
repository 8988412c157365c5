/*  pt_alert_key: whether a decision asks for an alert, and which alerts are of one kind.
 *
 *  Counting and folding them is the worker's business. Any thread.
 */
#ifndef PT_ALERT_KEY_H
#define PT_ALERT_KEY_H

#include <xxhash.h>

#include "pt_model.h"

//  What a decision asks for.
typedef enum {
    PT_ALERT_NONE,
    PT_ALERT_ACTIVE,      //  tell people
    PT_ALERT_IF_FREQUENT, //  tell them once it is frequent
} pt_alert_kind_t;

//  What IF_FREQUENT means to an entry: so many within so long; count 0: as the worker's settings say.
typedef struct {
    uint32_t count; //  of alerts of one kind
    uint64_t within_ms;
} pt_alert_rate_t;

/*  What a decision's alert asks for. */
pt_alert_kind_t pt_alert_kind(const pt_decision_t *decision);

/*  The key of a decision's alert: gateway and entry, for a code that no row knows also operation and code;
 *  and, unless it is about a rate or such a code, the merchant's account. Of bytes that are no response it is the
 *  producer and what is wrong. Alerts for other reasons or people are apart.
 */
XXH128_hash_t pt_alert_key(const pt_decision_t *decision);

#endif
