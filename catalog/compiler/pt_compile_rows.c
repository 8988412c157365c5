/*  What the rows of one gateway say together. Every row is spread into one key for each code and
 *  operation that it answers to; sorted, equal keys and the rows of a code stand side by side.
 */
#include "pt_compile_parts.h"

#include <stdlib.h>

typedef struct {
    const char *code;
    const char *operation; //  "": any operation
    const char *message;   //  "": any wording
    const char *subcode;   //  "": none
    const pt_source_entry_t *entry;
} s_key_t;

//  Entries of one gateway stand in one array, those of overlays last.
static int
s_compare_places(const pt_source_entry_t *left, const pt_source_entry_t *right)
{
    return (left > right) - (left < right);
}

static int
s_compare_answers(const s_key_t *left, const s_key_t *right)
{
    int order = (int) left->entry->kind - (int) right->entry->kind;
    order = order ? order : strcmp(left->code, right->code);
    order = order ? order : strcmp(left->operation, right->operation);
    order = order ? order : strcmp(left->message, right->message);
    return order ? order : strcmp(left->subcode, right->subcode);
}

static int
s_compare_keys(const void *left_p, const void *right_p)
{
    const s_key_t *left = left_p;
    const s_key_t *right = right_p;
    int order = s_compare_answers(left, right);
    return order ? order : s_compare_places(left->entry, right->entry);
}

static size_t
s_count_keys(const pt_source_provider_t *provider)
{
    size_t count = 0;
    for (size_t i = 0; i < provider->entry_count; i++) {
        const pt_source_entry_t *entry = &provider->entries[i];
        count += entry->code_count * (entry->operation_count ? entry->operation_count : 1);
    }
    return count;
}

static size_t
s_spread_entry(const pt_source_entry_t *entry, s_key_t *keys)
{
    size_t count = 0;
    for (size_t code = 0; code < entry->code_count; code++) {
        s_key_t key = {.code = entry->codes[code], .operation = "", .entry = entry};
        key.message = entry->message ? entry->message : "";
        key.subcode = entry->subcode ? entry->subcode : "";
        if (entry->operation_count == 0)
            keys[count++] = key;
        for (size_t i = 0; i < entry->operation_count; i++) {
            key.operation = entry->operations[i];
            keys[count++] = key;
        }
    }
    return count;
}

static void
s_check_twice(const s_key_t *keys, size_t count, pt_faults_t *faults)
{
    char place[PT_MARK_BYTES_MAX];
    for (size_t i = 1; i < count; i++)
        if (s_compare_answers(&keys[i - 1], &keys[i]) == 0)
            pt_faults_add(faults, keys[i].entry->mark, false, pt_fault_id(PT_FAULT_ROW_TWICE),
                          "'%.64s'%s%.64s: the entry at %s already answers to this, with the same message",
                          keys[i].code, *keys[i].operation ? " of " : "", keys[i].operation,
                          pt_mark_text(keys[i - 1].entry->mark, keys[i].entry->mark, place));
}

//  The rows of one code, and of one operation of it, in keys[0..count).
static size_t
s_span_code(const s_key_t *keys, size_t count)
{
    size_t span = 1;
    while (span < count && keys[span].entry->kind == keys[0].entry->kind && strcmp(keys[span].code, keys[0].code) == 0)
        span++;
    return span;
}

static size_t
s_span_operation(const s_key_t *keys, size_t count)
{
    size_t span = 1;
    while (span < count && strcmp(keys[span].operation, keys[0].operation) == 0)
        span++;
    return span;
}

//  Rows for any operation sort first, and a row without message before those with one.
static void
s_check_code(const s_key_t *keys, size_t count, pt_faults_t *faults)
{
    bool has_any = *keys[0].operation == '\0';
    size_t operations = 0;
    for (size_t i = 0; i < count; operations++) {
        size_t span = s_span_operation(keys + i, count - i);
        bool is_any = *keys[i].operation == '\0';
        bool has_own = *keys[i].message == '\0';
        if (span > 1 && !has_own && (is_any || !has_any))
            pt_faults_add(faults, keys[i].entry->mark, false, pt_fault_id(PT_FAULT_NO_OWN_ROW),
                          "code '%.64s'%s%.64s has %zu messages and no entry without one for other wordings",
                          keys[i].code, is_any ? "" : " of ", keys[i].operation, span);
        i += span;
    }
    if (operations > 1 && !has_any)
        pt_faults_add(faults, keys[0].entry->mark, false, pt_fault_id(PT_FAULT_NO_ROW_FOR_ANY),
                      "code '%.64s' belongs to %zu operations and has no entry without operation", keys[0].code,
                      operations);
}

//  A code with one single row needs no other: it answers to any wording of any operation.
static bool
s_is_one_entry(const s_key_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (keys[i].entry != keys[0].entry)
            return false;
    return true;
}

static void
s_check_keys(const s_key_t *keys, size_t count, pt_faults_t *faults)
{
    s_check_twice(keys, count, faults);
    for (size_t i = 0; i < count;) {
        size_t span = s_span_code(keys + i, count - i);
        if (keys[i].entry->kind == PT_ENTRY_CODE && !s_is_one_entry(keys + i, span))
            s_check_code(keys + i, span, faults);
        i += span;
    }
}

typedef struct {
    const pt_source_entry_t *entry;
} s_id_t;

static int
s_compare_ids(const void *left_p, const void *right_p)
{
    const s_id_t *left = left_p;
    const s_id_t *right = right_p;
    int order = strcmp(left->entry->id, right->entry->id);
    return order ? order : s_compare_places(left->entry, right->entry);
}

static void
s_check_ids(const pt_source_provider_t *provider, pt_faults_t *faults)
{
    size_t count = provider->entry_count;
    s_id_t *ids = calloc(count, sizeof *ids);
    if (!ids) {
        faults->errors++; //  as pt_faults_add without memory: counted, not kept
        return;
    }
    for (size_t i = 0; i < count; i++)
        ids[i].entry = &provider->entries[i];
    qsort(ids, count, sizeof *ids, s_compare_ids);
    char place[PT_MARK_BYTES_MAX];
    for (size_t i = 1; i < count; i++)
        if (strcmp(ids[i - 1].entry->id, ids[i].entry->id) == 0)
            pt_faults_add(faults, ids[i].entry->mark, false, pt_fault_id(PT_FAULT_ID_TAKEN),
                          "id '%.128s' is taken by %s; give each entry its own slug", ids[i].entry->id,
                          pt_mark_text(ids[i - 1].entry->mark, ids[i].entry->mark, place));
    free(ids);
}

static void
s_check_digits(const pt_source_provider_t *provider, pt_faults_t *faults)
{
    for (size_t i = 0; i < provider->operation_count && provider->digits_length == 0; i++)
        if (provider->operations[i].digits)
            pt_faults_add(faults, provider->operations[i].mark, false, pt_fault_id(PT_FAULT_DIGITS),
                          "operation '%.64s' has digits, but operation_digits does not say where they stand",
                          provider->operations[i].name);
}

void
pt_compile_check_rows(const pt_source_provider_t *provider, pt_faults_t *faults)
{
    s_check_digits(provider, faults);
    size_t count = s_count_keys(provider);
    if (count == 0)
        return;
    s_check_ids(provider, faults);
    s_key_t *keys = calloc(count, sizeof *keys);
    if (!keys) {
        faults->errors++;
        return;
    }
    size_t filled = 0;
    for (size_t i = 0; i < provider->entry_count; i++)
        filled += s_spread_entry(&provider->entries[i], keys + filled);
    qsort(keys, filled, sizeof *keys, s_compare_keys);
    s_check_keys(keys, filled, faults);
    free(keys);
}
