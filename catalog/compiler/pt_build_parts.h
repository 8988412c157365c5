/*  pt_build_parts: what pt_build.c shares with its parts; for pt_build*.c only. */
#ifndef PT_BUILD_PARTS_H
#define PT_BUILD_PARTS_H

#include "pt_draft.h"
#include "pt_group.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  A provider's rows in an order that keeps those of one key together, in the order of their sources. Rows that
 *  are listed by space and bytes, as most catalogs list their codes, stay where they are; of others it is a
 *  copy, by space, length and bytes. It lives until pt_draft_forget. NULL when out of memory.
 */
pt_row_t *pt_build_order(pt_draft_t *draft, pt_row_t *rows, size_t count);

/*  Whether a finished image opens and answers for every key of its draft. */
bool pt_build_is_complete(const pt_draft_t *draft, pt_bytes_t bytes);

#ifdef __cplusplus
}
#endif
#endif
