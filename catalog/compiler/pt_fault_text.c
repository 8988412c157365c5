/*  One line for one fault, as compilers print them. */
#include "pt_fault_text.h"

#include <assert.h>

void
pt_fault_print(const pt_fault_t *fault, FILE *stream)
{
    assert(fault);
    assert(stream);

    fputs(fault->mark.file ? fault->mark.file : "catalog", stream);
    //  What is in no file, such as a variable of the environment, has no place in one.
    if (fault->mark.line)
        (void) fprintf(stream, ":%u:%u", fault->mark.line, fault->mark.column);
    (void) fprintf(stream, ": %s: %s [%s]\n", fault->warning ? "warning" : "error", fault->text, fault->id);
}

//  Faults that were counted but not kept are errors, so errors may be more than faults.
static void
s_print_counts(const pt_faults_t *self, FILE *stream)
{
    size_t warnings = 0;
    for (size_t i = 0; i < self->count; i++)
        warnings += self->faults[i].warning;
    if (self->errors)
        (void) fprintf(stream, "%zu %s%s", self->errors, self->errors == 1 ? "error" : "errors",
                       warnings ? ", " : "\n");
    if (warnings)
        (void) fprintf(stream, "%zu %s\n", warnings, warnings == 1 ? "warning" : "warnings");
}

void
pt_faults_print(const pt_faults_t *self, size_t shown_max, FILE *stream)
{
    assert(self);
    assert(stream);

    for (size_t i = 0; i < self->count && i < shown_max; i++)
        pt_fault_print(&self->faults[i], stream);
    if (self->count > shown_max)
        (void) fprintf(stream, "and %zu more\n", self->count - shown_max);
    s_print_counts(self, stream);
}
