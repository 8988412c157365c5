/*  pt_reasons: one message that lists several reasons, taken apart.
 *
 *  Some gateways join all that is wrong with a request into one sentence: "a", "a and b", "a, b and c",
 *  "a, b, and c". The separators may also stand inside of one reason, and a template's hole may hold any
 *  of them; so what counts as a reason is what the catalog's rows know, not what stands between commas.
 */
#ifndef PT_REASONS_H
#define PT_REASONS_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Whether some row knows this text as a whole. */
typedef bool(pt_reason_known_fn)(const void *context, pt_text_t text);

/*  Take a message apart so that the least of it is unknown, and then into the most reasons. The reasons
 *  are slices of the message in its order; known[i] says whether a row knows reasons[i]. What follows the
 *  last of PT_REASONS_MAX places belongs to that one. Allocates nothing; asks at most PT_REASONS_MAX *
 *  (PT_REASONS_MAX + 1) / 2 times.
 *
 *  Returns their number; 0 where the message is one piece, or where no row knows any part of it.
 */
size_t pt_reasons_split(pt_text_t message, pt_reason_known_fn *is_known, const void *context, pt_text_t *out_reasons,
                        bool *out_known);

#ifdef __cplusplus
}
#endif
#endif
