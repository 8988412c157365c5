/*  pt_fallback: the answers of last resort, when no row of the catalog answers.
 *
 *  Static rules by HTTP class, by transport failure, and for the unknown. pt_catalog picks one,
 *  pt_policy applies it; both stay total because of it.
 */
#ifndef PT_FALLBACK_H
#define PT_FALLBACK_H

#include "pt_rule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    pt_rule_t rule;
    pt_match_t match; //  http_class, transport or unknown
    pt_text_t summary;
} pt_fallback_t;

/*  Never NULL. `code_present`: the body holds a code (or a marker) that no row knows. The HTTP
 *  status, where there is one, is asked before the transport.
 */
const pt_fallback_t *pt_fallback_find(uint16_t http_status, pt_transport_t transport, bool code_present);

#ifdef __cplusplus
}
#endif
#endif
