/*  pt_diff: what another catalog would do differently.
 *
 *  Both catalogs are asked every question that either of them has a row for: each code, status and
 *  HTTP class, without a message and with an example of each message, for each operation and for
 *  none, idempotent and not. So the answer is about behaviour: two files that look different and decide
 *  alike are alike here, and one changed policy shows wherever it changes an answer.
 */
#ifndef PT_DIFF_H
#define PT_DIFF_H

#include "pt_catalog.h"

#ifdef __cplusplus
extern "C" {
#endif

//  What differs between two decisions about one response.
enum {
    PT_DIFF_ROUTE = 1u << 0,
    PT_DIFF_ACTION = 1u << 1,
    PT_DIFF_OUTCOME = 1u << 2,
    PT_DIFF_CATEGORY = 1u << 3,
    PT_DIFF_RETRY = 1u << 4, //  when, how often, and what a query's answer leads to
    PT_DIFF_ALERT = 1u << 5,
    PT_DIFF_HEALTH = 1u << 6,
};

//  Directions in which money can be lost.
enum {
    PT_RISK_RETRIED = 1u << 0,  //  a dead letter is retried
    PT_RISK_RESENT = 1u << 1,   //  what was asked about is sent again, at once or when no order is found
    PT_RISK_SETTLED = 1u << 2,  //  what was open counts as done
    PT_RISK_SILENCED = 1u << 3, //  an alert is gone, or no longer at once
    PT_RISK_COUNT_ = 4,
};

/*  A risk by the number of its bit, in a few words. */
const char *pt_risk_text(unsigned number);

typedef struct {
    unsigned changes; //  PT_DIFF_…; 0: nothing that anybody acts on
    unsigned risks;   //  PT_RISK_…
} pt_comparison_t;

pt_comparison_t pt_diff_compare(const pt_decision_t *before, const pt_decision_t *after);

//  One question, and two answers that differ. Borrowed for the time of the call.
typedef struct {
    pt_text_t provider;
    uint8_t kind; //  pt_entry_kind_t
    pt_text_t key;
    pt_text_t message;   //  absent: none
    pt_text_t operation; //  absent: none
    bool idempotent;
    size_t variants; //  how many operations, idempotent and not, this key and message is asked with
    const pt_decision_t *before, *after;
    pt_comparison_t comparison;
} pt_difference_t;

//  Who hears of it. `context` is handed on.
typedef struct {
    void *context;
    void (*differs)(void *context, const pt_difference_t *difference);
    //  Something else than an answer: a gateway, an operation, a name, where things stand in a body.
    void (*notes)(void *context, pt_text_t provider, const char *text);
} pt_diff_listener_t;

/*  Compare. PT_OK with the number of questions in *out_asked, or PT_E_NOMEM. Differences come in the
 *  order of gateways, kinds, keys, messages and operations.
 */
PT_MUST_CHECK pt_status_t pt_diff_catalogs(const pt_catalog_t *before, const pt_catalog_t *after,
                                           const pt_diff_listener_t *listener, size_t *out_asked);

#ifdef __cplusplus
}
#endif
#endif
