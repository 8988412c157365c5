/*  pt_json_pack: JSON text as msgpack, in one pass and without an allocation.
 *
 *  For bodies on the hot path, and for whoever else has room. Objects keep their pairs as they stand, equal keys
 *  too: whoever reads the map takes the last, as JSON libraries do. Integers from -2^63 to 2^63 - 1 stay integers,
 *  other numbers become floats, rounded to the nearest, infinity beyond the largest; strings stay strings, with
 *  U+FFFD for an escape that is half of a pair of surrogates. All is packed in its smallest form.
 *
 *  Strings and keys may hold any byte, as in msgpack: whoever takes one asks whether it is UTF-8. So a text that was
 *  cut inside a character costs itself, and not the body.
 */
#ifndef PT_JSON_PACK_H
#define PT_JSON_PACK_H

#include "pt_status.h"
#include "pt_text.h"

#ifdef __cplusplus
extern "C" {
#endif

//  What is packed of so many bytes of text, and some room that is written over on the way. A float has 9 bytes
//  for four of the text, as in `[1e1,`; everything else grows less.
#define PT_JSON_ROOM(text_bytes) ((text_bytes) / 4 * 9 + 128)

/*  Pack a text (RFC 8259, without a byte order mark) into `out`, of PT_JSON_ROOM(json.len) bytes, with at most
 *  `levels` arrays and maps within each other, up to 64. PT_E_DEPTH where there are more. PT_E_MALFORMED
 *  with *out_at, the offset of the first byte that is not as it must be: of a string its opening quote.
 */
PT_MUST_CHECK pt_status_t pt_json_pack(pt_text_t json, unsigned levels, uint8_t *out, size_t *out_len, size_t *out_at);

#ifdef __cplusplus
}
#endif
#endif
