/*  pt_policy: verdict + response -> decision. One pure, total function.
 *
 *  It cannot fail: whatever the catalog found has a route. The order of the rules is the order of
 *  the functions in pt_policy.c; docs/ARCHITECTURE.md lists them.
 */
#ifndef PT_POLICY_H
#define PT_POLICY_H

#include "pt_catalog.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Decide. `decided_ms` is the wall clock, unix ms; `catalog` the content hash to name. Every
 *  field of *out_decision is written; its texts are borrowed from the arguments.
 */
void pt_policy_decide(const pt_verdict_t *verdict, const pt_response_t *response, const pt_facts_t *facts,
                      uint64_t catalog, uint64_t decided_ms, pt_decision_t *out_decision);

/*  The decision about bytes that are no response: dead_letter, investigate, an active alert.
 *  `response` holds what could be read of the envelope; `error` is echoed, borrowed.
 */
void pt_policy_decide_invalid(const pt_response_t *response, pt_bytes_t raw, pt_text_t error, uint64_t catalog,
                              uint64_t decided_ms, pt_decision_t *out_decision);

/*  The route of an action, given the outcome (action none needs it). */
pt_route_t pt_policy_route(pt_action_t action, pt_outcome_t outcome);

#ifdef __cplusplus
}
#endif
#endif
