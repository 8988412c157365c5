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

/*  What stands under a request field: a string, a number or a boolean. */
bool pt_scalar_is_field(const pt_value_t *value);
pt_text_t pt_scalar_field(pt_facts_t *facts, const pt_value_t *value);

/*  A copy of the bytes in facts->scratch. */
pt_text_t pt_scalar_keep(pt_facts_t *facts, const char *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
