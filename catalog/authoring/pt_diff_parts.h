/*  pt_diff_parts: what the comparison of two catalogs is made of; for pt_diff*.c only. */
#ifndef PT_DIFF_PARTS_H
#define PT_DIFF_PARTS_H

#include "pt_diff.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Tell the listener of a gateway, in words; longer ones are cut. */
void pt_diff_note(const pt_diff_listener_t *listener, pt_text_t provider, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*  Note what differs between a gateway before and after, apart from its answers. NULL: the catalog does not
 *  have it.
 */
void pt_diff_providers(const pt_diff_listener_t *listener, pt_text_t id, const pt_provider_t *before,
                       const pt_provider_t *after);

#ifdef __cplusplus
}
#endif
#endif
