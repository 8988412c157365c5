/*  pt_fields: what a gateway says of single fields of the request, in facts->fields.
 *
 *  A field is named by the keys that lead to it, joined by dots. What finds no room is counted.
 */
#ifndef PT_FIELDS_H
#define PT_FIELDS_H

#include "pt_cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

//  A name that has outgrown PT_FIELD_BYTES_MAX, and so has every one below it.
#define PT_FIELDS_TOO_LONG SIZE_MAX

/*  Put a dot and a key behind the first `len` bytes of a name, which has room for PT_FIELD_BYTES_MAX; no dot where
 *  there are none. Returns the new length, or PT_FIELDS_TOO_LONG.
 */
size_t pt_fields_join(char *name, size_t len, pt_text_t key);

/*  Note what stands under a name, whose length may be PT_FIELDS_TOO_LONG; where it stood before, the last one counts.
 *  `lasts`: the name lives as long as the facts; otherwise a copy of it is kept. The value is one that
 *  pt_scalar_is_field.
 */
void pt_fields_put(pt_facts_t *facts, pt_text_t name, bool lasts, const pt_value_t *value);

/*  There are none, and none was dropped. */
static inline void
pt_fields_forget(pt_facts_t *facts)
{
    facts->field_count = 0;
    facts->fields_dropped = 0;
}

#ifdef __cplusplus
}
#endif
#endif
