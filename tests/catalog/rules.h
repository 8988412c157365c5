/*  rules: the rules of docs/ARCHITECTURE.md as predicates over one case and its decision.
 *
 *  Written from the rules, not from the policy: they look at what comes out and share no code with
 *  pt_policy.c. A breach is returned as a sentence; NULL means that every rule holds.
 */
#ifndef PT_TEST_RULES_H
#define PT_TEST_RULES_H

#include "pt_policy.h"

typedef struct {
    const pt_verdict_t *verdict;
    const pt_response_t *response;
    uint64_t decided_ms;
} rules_case_t;

/*  Decide the case and check rules 1 to 6 and the invariants of every decision. */
const char *rules_breach(const rules_case_t *given);

/*  As above, over a decision that may be another one than the policy's: a test of the rules themselves. */
const char *rules_breach_by(const rules_case_t *given, const pt_decision_t *decision);

/*  As rules_breach, and follow the decision's own plan attempt by attempt: it ends within its limits. */
const char *rules_chain_breach(const rules_case_t *given);

/*  Say on stderr what the case was and what was decided. */
void rules_print(const rules_case_t *given);

/*  The categories of rule 2, which are never retried. */
bool rules_is_final(int category);

#endif
