/*  pt_fault_text: faults as lines for people, in the form that editors and CI read. */
#ifndef PT_FAULT_TEXT_H
#define PT_FAULT_TEXT_H

#include "pt_source.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Print `FILE:LINE:COLUMN: error: TEXT [PT1234]`, or `warning`, and the end of the line. */
void pt_fault_print(const pt_fault_t *fault, FILE *stream);

/*  Print a line for each of at most `shown_max` faults, how many more there
 *  are, and the count of errors and of warnings. Prints nothing where there is no fault.
 */
void pt_faults_print(const pt_faults_t *self, size_t shown_max, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
