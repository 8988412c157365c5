/*  pt_facts: the walk over a body, for the decoder of envelopes; others call pt_facts_extract. */
#ifndef PT_FACTS_H
#define PT_FACTS_H

#include "pt_cursor.h"
#include "pt_response.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  No facts. The pairs and the scratch room keep their bytes, which mean nothing. */
void pt_facts_clear(pt_facts_t *facts);

/*  Walk over a body, a map of so many pairs whose head was read last from `cursor`, and pick out what the shape asks
 *  for. The facts were cleared. PT_OK: the cursor stands behind the body. Otherwise the fault that
 *  pt_cursor_skip_children would have found with PT_BODY_DEPTH_MAX levels, and facts of no use.
 */
PT_MUST_CHECK pt_status_t pt_facts_walk(pt_cursor_t *cursor, uint32_t pairs, const pt_shape_t *shape,
                                        pt_facts_t *facts);

#ifdef __cplusplus
}
#endif
#endif
