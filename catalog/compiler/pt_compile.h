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
 *  Returns PT_OK; PT_E_SYNTAX, with at least one error in `faults`; or PT_E_NOMEM, after which the
 *  source is only good for pt_source_destroy. After PT_E_SYNTAX it holds the rows that have no
 *  fault, and further files may be added and checked, but it must not be built. Faults stand in
 *  the order of files and lines; their ids are pt_fault's.
 */
PT_MUST_CHECK pt_status_t pt_compile_yaml(pt_source_t *source, const char *file, pt_bytes_t text, pt_faults_t *faults);

//  One file's text. A file that is `replaceable` gives way to another one that describes the same
//  gateway whole.
typedef struct {
    const char *name;
    pt_bytes_t text;
    bool replaceable;
} pt_compile_file_t;

/*  Add the texts of several files, overlays (pt_overlay.h) among them: those are laid over the file
 *  that describes their gateway whole, in the order in which they are given. Gateways that are not
 *  replaceable come first. Otherwise as pt_compile_yaml, for all files.
 */
PT_MUST_CHECK pt_status_t pt_compile_files(pt_source_t *source, const pt_compile_file_t *files, size_t count,
                                           pt_faults_t *faults);

/*  Check a whole source: what each row asks for against the rules of pt_policy, and what no single
 *  row shows (unique ids and names, a code's own entry beside several messages). Adds to `faults`.
 *  Rows of a file that already has errors are not compared with each other: what they lack may
 *  stand in one that could not be read.
 */
void pt_compile_check(const pt_source_t *source, pt_faults_t *faults);

/*  Put faults into the order of files, lines and columns. */
void pt_compile_sort_faults(const pt_source_t *source, pt_faults_t *faults);

#ifdef __cplusplus
}
#endif
#endif
