/*  pt_compile: catalog YAML into a source, with every fault at once.
 *
 *  The only user of libyaml. It parses text; opening files is the caller's job.
 *  The format is taught in catalog/README.md.
 */
#ifndef PT_COMPILE_H
#define PT_COMPILE_H

#include "pt_source.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Add one file's text to a source. `file` names it in faults and is copied.
 *
 *  Returns PT_OK; PT_E_SYNTAX, with at least one error in `faults`; or PT_E_NOMEM. On failure the
 *  source holds what could be read and is only good for pt_source_destroy.
 */
PT_MUST_CHECK pt_status_t pt_compile_yaml(pt_source_t *source, const char *file, pt_bytes_t text, pt_faults_t *faults);

/*  Check a whole source: the rules that no single file shows (unique ids, a code's own entry
 *  beside several messages, retry rules of pt_policy, citations). Adds to `faults`.
 */
void pt_compile_check(const pt_source_t *source, pt_faults_t *faults);

#ifdef __cplusplus
}
#endif
#endif
