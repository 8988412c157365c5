/*  pt_json: JSON text <-> msgpack, one to one, for tools and tests.
 *
 *  What becomes of what is said in pt_json_pack.h, which the worker uses.
 */
#ifndef PT_JSON_H
#define PT_JSON_H

#include "pt_status.h"
#include "pt_text.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  JSON text -> msgpack in *out_bytes (free() it), as pt_json_pack makes it. A byte order mark is passed over.
 *  `out_error` (160 bytes, may be NULL) says what is wrong and where, columns in characters. PT_E_MALFORMED, PT_E_DEPTH
 *  (beyond PT_DEPTH_MAX), PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_json_to_msgpack(pt_text_t json, uint8_t **out_bytes, size_t *out_len, char *out_error);

/*  Any msgpack value -> one line of JSON (free() it); bin as base64 text, ext as {"$ext": type,
 *  "data": base64}, an integer from 2^63 as a string of digits, NaN and infinities as null, a key
 *  that is no string as its JSON text or, an array or map, in base64, bytes that are no UTF-8 as U+FFFD.
 *  PT_E_TRUNCATED, PT_E_MALFORMED, PT_E_DEPTH, PT_E_TRAILING, PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_json_of_msgpack(pt_bytes_t bytes, char **out_json);

#ifdef __cplusplus
}
#endif
#endif
