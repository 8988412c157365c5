/*  pt_intern: byte strings, one after the other, each kept once.
 *
 *  What was put in keeps its offset. Zero it to start; release with pt_intern_clear.
 */
#ifndef PT_INTERN_H
#define PT_INTERN_H

#include "pt_status.h"
#include "pt_text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    char *bytes;
    size_t byte_count, byte_room;
    struct pt_intern_cell *cells; //  open addressing; the room is a power of two
    size_t cell_count, cell_room;
} pt_intern_t;

/*  Put a string in, or find it. PT_OK with its *out_offset; PT_E_SIZE beyond 32 bits; PT_E_NOMEM. */
PT_MUST_CHECK pt_status_t pt_intern_add(pt_intern_t *self, pt_text_t text, uint32_t *out_offset);

/*  Put a string in that nobody will look for: it is kept whether it is known or not, and found by its offset
 *  alone. The statuses are those of pt_intern_add.
 */
PT_MUST_CHECK pt_status_t pt_intern_append(pt_intern_t *self, pt_text_t text, uint32_t *out_offset);

/*  Make room for `count` strings beforehand, so that the table need not grow on the way to them. False when
 *  out of memory; then nothing has changed.
 */
PT_MUST_CHECK bool pt_intern_reserve(pt_intern_t *self, size_t count);

/*  Ask for the memory where a string will be looked for soon. Changes nothing. */
void pt_intern_fetch(const pt_intern_t *self, pt_text_t text);

/*  Release what only finds strings: the bytes stay, and nothing can be put in any more. */
void pt_intern_close(pt_intern_t *self);

void pt_intern_clear(pt_intern_t *self);

#ifdef __cplusplus
}
#endif
#endif
