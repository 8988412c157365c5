/*  pt_redriven: the bytes of a response that an operator puts in again. */
#ifndef PT_REDRIVEN_H
#define PT_REDRIVEN_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

//  What marking adds at most: a longer head of the map, `redriven` with its value, `id` with a name.
#define PT_REDRIVEN_BYTES_MAX (4 + 10 + 3 + 3 + PT_ID_BYTES_MAX)

/*  Copy a response's map with `redriven` true, whatever it said of that before. Where it has no `id`,
 *  it gets this one, so that its new place does not give it another name; an empty one is not added.
 *  All other pairs stay as they are, byte for byte. `out` has room for the response's bytes and
 *  PT_REDRIVEN_BYTES_MAX. PT_OK; PT_E_TYPE when it is no map, PT_E_SIZE when `id` is too long, or a
 *  fault of its bytes; then *out_bytes is not written.
 */
PT_MUST_CHECK pt_status_t pt_redriven_mark(pt_bytes_t response, pt_text_t id, uint8_t *out, size_t *out_bytes);

#ifdef __cplusplus
}
#endif
#endif
