/*  The checks of a whole source: names of gateways here, rows in pt_compile_rows.c, the rule of each
 *  row in pt_compile_rule.c.
 */
#include "pt_compile.h"

#include "pt_compile_parts.h"

#include <assert.h>
#include <stdlib.h>

static size_t
s_find_file(const pt_source_t *source, const char *file)
{
    size_t index = 0;
    while (index < source->file_count && source->files[index] != file)
        index++;
    return index;
}

static int
s_compare_faults(const void *left_p, const void *right_p, void *source_p)
{
    const pt_fault_t *left = left_p;
    const pt_fault_t *right = right_p;
    const pt_source_t *source = *(const pt_source_t **) source_p;
    if (left->mark.file != right->mark.file)
        return s_find_file(source, left->mark.file) < s_find_file(source, right->mark.file) ? -1 : 1;
    if (left->mark.line != right->mark.line)
        return left->mark.line < right->mark.line ? -1 : 1;
    if (left->mark.column != right->mark.column)
        return left->mark.column < right->mark.column ? -1 : 1;
    return strcmp(left->text, right->text);
}

//  Things are read and checked in the order of need, but an author reads from top to bottom.
void
pt_compile_sort_faults(const pt_source_t *source, pt_faults_t *faults)
{
    if (faults->count > 1)
        qsort_r(faults->faults, faults->count, sizeof *faults->faults, s_compare_faults, &source);
}

static bool
s_is_called(const pt_source_provider_t *provider, const char *name)
{
    if (provider->id && strcmp(provider->id, name) == 0)
        return true;
    for (size_t i = 0; i < provider->alias_count; i++)
        if (strcmp(provider->aliases[i], name) == 0)
            return true;
    return false;
}

static void
s_check_name(const pt_source_t *source, size_t index, const char *name, pt_faults_t *faults)
{
    for (size_t other = 0; other < index; other++) {
        const pt_source_provider_t *taken = &source->providers[other];
        if (s_is_called(taken, name))
            pt_faults_add(faults, source->providers[index].mark, false, pt_fault_id(PT_FAULT_NAME_TAKEN),
                          "'%.64s' already names the gateway of %.100s:%u", name, taken->mark.file, taken->mark.line);
    }
}

static void
s_check_names(const pt_source_t *source, size_t index, pt_faults_t *faults)
{
    const pt_source_provider_t *provider = &source->providers[index];
    if (!provider->id)
        return;
    s_check_name(source, index, provider->id, faults);
    for (size_t i = 0; i < provider->alias_count; i++) {
        s_check_name(source, index, provider->aliases[i], faults);
        if (strcmp(provider->aliases[i], provider->id) == 0)
            pt_faults_add(faults, provider->mark, false, pt_fault_id(PT_FAULT_NAME_TAKEN),
                          "'%.64s' is both id and alias", provider->id);
    }
}

void
pt_compile_check(const pt_source_t *source, pt_faults_t *faults)
{
    assert(source);
    assert(faults);

    for (size_t i = 0; i < source->provider_count; i++) {
        const pt_source_provider_t *provider = &source->providers[i];
        s_check_names(source, i, faults);
        for (size_t row = 0; row < provider->entry_count; row++)
            pt_compile_check_rule(&provider->entries[row], faults);
        //  Rows with faults are not in the source, so what the others miss may stand in one of them.
        if (!provider->is_faulty)
            pt_compile_check_rows(provider, faults);
    }
    pt_compile_sort_faults(source, faults);
}
