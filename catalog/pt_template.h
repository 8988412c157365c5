/*  pt_template: message texts with holes, matched whole.
 *
 *  `{name}` or `{{name}}` with a name of [A-Za-z0-9_]+ is a hole, everything else is literal. A
 *  template is anchored at both ends. A hole may be empty and may hold any bytes; where a message
 *  can be read in several ways, the earlier holes are the shorter ones. Bytes are compared exactly,
 *  save that a no-break space in a message equals a space.
 *
 *  Matching allocates nothing and works on the bytes where they stand; all results are slices.
 */
#ifndef PT_TEMPLATE_H
#define PT_TEMPLATE_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

//  A template in pieces: the literal ones, of which the first and last may be empty, and the
//  names of the holes between them.
typedef struct {
    size_t hole_count;
    pt_text_t literals[PT_PARAMS_MAX + 1];
    pt_text_t holes[PT_PARAMS_MAX];
    bool stop_optional; //  a full stop that ends the message may be missing or be there
} pt_template_t;

/*  Take a text apart; the pieces point into it. With `stop_optional` the text's own full stop at
 *  the end is left out of the last piece. PT_OK, PT_E_MALFORMED (two holes without anything between
 *  them, where nobody could say which one holds what) or PT_E_COUNT (over PT_PARAMS_MAX holes).
 */
PT_MUST_CHECK pt_status_t pt_template_parse(pt_text_t text, bool stop_optional, pt_template_t *out_template);

/*  Bytes of the literal pieces together: the more, the more a match says. */
size_t pt_template_literal_bytes(const pt_template_t *self);

/*  Whether the whole message fits. On true, values[0..hole_count) are slices of the message; on
 *  false they are undefined. The literal pieces must hold no no-break space (pt_template_plain).
 */
bool pt_template_match(const pt_template_t *self, pt_text_t message, pt_text_t *values);

/*  The same of a message that is not absent, and of which the caller knows whether it has a no-break space. */
bool pt_template_match_known(const pt_template_t *self, pt_text_t message, bool has_nbsp, pt_text_t *values);

/*  Whether a text holds a no-break space. */
bool pt_template_has_nbsp(pt_text_t text);

/*  Whether some message fits both. Takes time of the product of their lengths and PT_E_NOMEM is
 *  answered by true, the strict side.
 */
bool pt_template_overlap(const pt_template_t *left, const pt_template_t *right);

/*  Whether a value holds the token, with neither letter nor digit beside it. An empty token is in
 *  no value.
 */
bool pt_template_has_token(pt_text_t value, pt_text_t token);

/*  Copy a text with each no-break space as a space; `out` has room for text.len bytes. Returns the
 *  bytes written.
 */
size_t pt_template_plain(pt_text_t text, char *out);

#ifdef __cplusplus
}
#endif
#endif
