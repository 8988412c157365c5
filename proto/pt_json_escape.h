/*  pt_json_escape: what stands behind a backslash in a JSON string. For pt_json_pack. */
#ifndef PT_JSON_ESCAPE_H
#define PT_JSON_ESCAPE_H

#include <stdint.h>

/*  Read what stands behind a backslash, from *at on, which is then behind it, and write what it says as UTF-8. Returns
 *  its end, at most 4 bytes on; NULL: it is no escape. Half of a pair of surrogates is U+FFFD.
 */
uint8_t *pt_json_read_escape(const uint8_t **at, const uint8_t *end, uint8_t *out);

#endif
