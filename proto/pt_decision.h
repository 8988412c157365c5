/*  pt_decision: decisions -> msgpack, and back.
 *
 *  Keys stand in one fixed order and integers in their smallest form, so equal decisions have
 *  equal bytes.
 */
#ifndef PT_DECISION_H
#define PT_DECISION_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

//  No encoded decision is longer: the limits of pt_model.h add up to less.
#define PT_DECISION_BYTES_MAX (49 * 1024)

/*  Encode into out[0..capacity). Returns PT_OK with *out_bytes, or PT_E_SPACE (nothing to rely on
 *  in `out`); never PT_E_SPACE with PT_DECISION_BYTES_MAX bytes of room. Allocates nothing.
 */
PT_MUST_CHECK pt_status_t pt_decision_encode(const pt_decision_t *decision, uint8_t *out, size_t capacity,
                                             size_t *out_bytes);

/*  Decode what pt_decision_encode wrote, or another implementation. Unknown keys are ignored.
 *  `fields` come out in the caller's array of PT_FIELDS_MAX pairs. Texts point into `bytes`.
 */
PT_MUST_CHECK pt_status_t pt_decision_decode(pt_bytes_t bytes, pt_pair_t *fields, pt_decision_t *out_decision);

/*  Print a decision as one line of JSON with the keys of the wire, `raw` in base64, without the
 *  newline. Returns a string to free(), or NULL when out of memory. Bytes that are not UTF-8 are
 *  shown as U+FFFD.
 */
char *pt_decision_json(const pt_decision_t *decision);

#ifdef __cplusplus
}
#endif
#endif
