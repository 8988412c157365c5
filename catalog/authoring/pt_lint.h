/*  pt_lint: what is doubtful in a catalog that compiles.
 *
 *  Everything here is a warning: such a catalog is safe to use, but probably not what its author meant.
 */
#ifndef PT_LINT_H
#define PT_LINT_H

#include "pt_catalog.h"
#include "pt_source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_LINT_DEADLINE_MS_MAX 604800000u //  7 days: longer than any gateway keeps an order open
#define PT_LINT_ATTEMPTS_MAX 100

/*  Check a source against the catalog that was made of it:
 *
 *  -  entries, and further codes of entries, that no response can lead to. Each is asked for with its own
 *     code, an example of its message, and every operation;
 *  -  templates of one code that both fit some message, lead to different handling, and of which neither
 *     is a special case of the other: which one answers then depends on the length of their texts;
 *  -  retries that go on for longer than anybody waits.
 *
 *  Adds to `faults` and sorts them. Out of memory, some doubts are missing.
 */
void pt_lint(const pt_source_t *source, const pt_catalog_t *catalog, pt_faults_t *faults);

#ifdef __cplusplus
}
#endif
#endif
