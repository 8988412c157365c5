/*  pt_json_text: bytes as JSON strings. */
#ifndef PT_JSON_TEXT_H
#define PT_JSON_TEXT_H

#include <jansson.h>

#include "pt_text.h"

/*  A JSON string of the text, with U+FFFD for each byte that is no part of a UTF-8 character. NULL
 *  when out of memory. The caller owns the reference.
 */
json_t *pt_json_string(pt_text_t text);

/*  A JSON string of the bytes in base64 (RFC 4648, with padding). NULL when out of memory. */
json_t *pt_json_base64(pt_bytes_t bytes);

#endif
