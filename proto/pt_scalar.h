/*  pt_scalar: one value of a body, as the text that it stands for.
 *
 *  Texts point into the body, or into facts->scratch where a number is printed. An absent text
 *  means that the value is of no type that can be such a text, or that the scratch room is full.
 */
#ifndef PT_SCALAR_H
#define PT_SCALAR_H

#include "pt_cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  A code: a string of 1 to PT_CODE_BYTES_MAX bytes as it is, or a whole number printed at least
 *  `width` digits wide.
 */
pt_text_t pt_scalar_code(pt_facts_t *facts, const pt_value_t *value, unsigned width);

/*  A marker: what can be a code, or a boolean as "true" or "false". */
pt_text_t pt_scalar_status(pt_facts_t *facts, const pt_value_t *value, unsigned width);

/*  A message: a string of any length, empty too. */
pt_text_t pt_scalar_message(const pt_value_t *value);

/*  Null or an empty text, which say as little as if they were absent. */
bool pt_scalar_is_silent(const pt_value_t *value);
/*  The same, or an array or map that holds nothing else however deep one looks, at most `levels` deep. The cursor
 *  stands behind the value's head, where pt_cursor_next left it, and stays there. It looks no further than it needs to.
 */
bool pt_scalar_is_hollow(const pt_value_t *value, const pt_cursor_t *cursor, unsigned levels);

/*  What stands under a request field: a string, a number or a boolean. */
bool pt_scalar_is_field(const pt_value_t *value);
pt_text_t pt_scalar_field(pt_facts_t *facts, const pt_value_t *value);

/*  A copy of the bytes in facts->scratch. */
pt_text_t pt_scalar_keep(pt_facts_t *facts, const char *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
