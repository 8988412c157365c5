/*  cmd_pairs: the pairs of a line's object as they stand there, also where a key stands twice. */
#ifndef PT_CMD_PAIRS_H
#define PT_CMD_PAIRS_H

#include "pt_status.h"
#include "pt_text.h"

/*  Parsing keeps the last pair of a key, and the wire refuses an envelope with two of them; so a line must
 *  reach it with both. `json` is valid JSON, and *bytes (from malloc) its msgpack. Where that is a map with
 *  fewer pairs than the text has, it is replaced by one with all of them, values packed as before: objects
 *  inside of values keep one pair of a key. Returns PT_OK, or PT_E_NOMEM with *bytes as they were.
 */
PT_MUST_CHECK pt_status_t cmd_pairs_restore(pt_text_t json, uint8_t **bytes, size_t *len);

#endif
