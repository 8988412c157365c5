/*  pt_phash_parts: what the perfect hash's files share; for pt_phash*.c only. */
#ifndef PT_PHASH_PARTS_H
#define PT_PHASH_PARTS_H

#include "pt_phash.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  What a key of 1 to PT_PHASH_KEY_BYTES_MAX bytes is hashed and compared by. A long one has no pool offset yet. */
void pt_phash_make_key(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text, pt_key_t *out_key);

#ifdef __cplusplus
}
#endif
#endif
