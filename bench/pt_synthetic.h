/*  pt_synthetic: catalogs made up for measuring, as pt_build takes them. */
#ifndef PT_SYNTHETIC_H
#define PT_SYNTHETIC_H

#include "pt_source.h"

/*  One gateway, `acme`, with a code for each of `codes`, which stands at `code` in a body. Each code
 *  has `messages` rows that differ by their message (at `message`) and one without; every third
 *  message is a template. Release with pt_source_destroy.
 */
void pt_synthetic_make(pt_source_t *self, const pt_text_t *codes, size_t count, unsigned messages);

/*  A message that row `index` answers to, into out[128]; index of no row gives one that none takes. */
pt_text_t pt_synthetic_message(unsigned index, char out[128]);

#endif
