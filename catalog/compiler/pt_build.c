/*  A source into an image: names, shapes, entries; then the rows of each key, gathered and grouped. */
#include "pt_build.h"

#include "pt_build_parts.h"
#include "pt_image.h"

#include <assert.h>
#include <stdlib.h>

#define S_ID_BYTES_MAX 32 //  of a gateway's id: it is part of every topic
#define S_FETCH_AHEAD 8   //  entries or rows; a few memory latencies of work

//  A provider on its way into the image.
typedef struct {
    pt_draft_t *draft;
    pt_faults_t *faults;
    const pt_source_provider_t *source;
    uint16_t index;
    uint32_t first_operation;
    pt_row_t *rows;
    size_t row_count;
} s_work_t;

static pt_text_t
s_without_slash(const char *name)
{
    pt_text_t text = pt_text_of(name);
    if (text.len && text.data[0] == '/')
        text = (pt_text_t) {text.data + 1, text.len - 1};
    return text;
}

static void
s_check_id(s_work_t *work)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    const char *id = work->source->id;
    size_t bytes = strlen(id);
    if (bytes == 0 || bytes > S_ID_BYTES_MAX || strspn(id, allowed) != bytes)
        pt_faults_add(work->faults, work->source->mark, false, "PT2006",
                      "gateway id \"%.64s\": 1 to %d of a-z, 0-9, _ and -", id, S_ID_BYTES_MAX);
}

static void
s_add_names(s_work_t *work)
{
    const pt_source_provider_t *source = work->source;
    pt_draft_name(work->draft, PT_SPACE_PROVIDER, 0, pt_text_of(source->id), work->index, source->mark);
    for (size_t i = 0; i < source->alias_count; i++)
        pt_draft_name(work->draft, PT_SPACE_PROVIDER, 0, pt_text_of(source->aliases[i]), work->index, source->mark);
}

static bool
s_is_path_good(const pt_path_t *path)
{
    return path->role < PT_ROLE_COUNT_ && path->slot < pt_role_slots(path->role) && path->step_count > 0 &&
           path->step_count <= PT_PATH_STEPS;
}

static void
s_add_path(s_work_t *work, const pt_path_t *path)
{
    pt_image_path_t stored = {
        .role = path->role, .slot = path->slot, .width = path->width, .step_count = path->step_count};
    if (!s_is_path_good(path)) {
        pt_faults_add(work->faults, work->source->mark, false, "PT2006", "%s: a path out of bounds", work->source->id);
        return;
    }
    if (path->role == PT_ROLE_CODE && (work->source->codes_without_payer >> path->slot & 1))
        stored.slot |= PT_PATH_WITHOUT_PAYER;
    for (size_t i = 0; i < PT_PATH_STEPS; i++)
        stored.steps[i] =
            i < path->step_count ? pt_draft_text(work->draft, path->steps[i]) : (pt_span_t) {PT_IMAGE_NONE, 0};
    (void) pt_draft_add(work->draft, PT_SECTION_PATHS, &stored);
}

static void
s_add_operation(s_work_t *work, const pt_source_operation_t *operation)
{
    pt_text_t name = s_without_slash(operation->name);
    pt_operation_t stored = {.name = pt_draft_text(work->draft, name),
                             .provider = work->index,
                             .kind = (uint8_t) operation->kind,
                             .flags = operation->without_payer ? PT_OPERATION_WITHOUT_PAYER : 0};
    uint32_t id = pt_draft_add(work->draft, PT_SECTION_OPERATIONS, &stored);
    pt_draft_name(work->draft, PT_SPACE_OPERATION, work->index, name, id, operation->mark);
    for (size_t i = 0; i < operation->alias_count; i++)
        pt_draft_name(work->draft, PT_SPACE_OPERATION, work->index, s_without_slash(operation->aliases[i]), id,
                      operation->mark);
    if (operation->digits)
        pt_draft_name(work->draft, PT_SPACE_DIGITS, work->index, pt_text_of(operation->digits), id, operation->mark);
}

static void
s_check_gateway(s_work_t *work)
{
    const pt_source_provider_t *source = work->source;
    if (source->path_count > PT_PATHS_MAX || source->digits_slot >= PT_CODE_SLOTS ||
        source->status_slot >= PT_CODE_SLOTS || source->status_offset > PT_STATUS_OFFSET_MAX)
        pt_faults_add(work->faults, source->mark, false, "PT2006", "%s: a body out of bounds", source->id);
    if (pt_draft_next(work->draft, PT_SECTION_OPERATIONS) + source->operation_count > PT_OPERATION_IDS_MAX)
        pt_faults_add(work->faults, source->mark, false, "PT2006", "%s: too many operations", source->id);
}

static void
s_add_field_code(pt_draft_t *draft, const pt_source_field_code_t *source)
{
    pt_field_code_t stored = {
        .code = pt_draft_text(draft, pt_text_of(source->code)),
        .summary = pt_draft_text(draft, pt_text_of(source->summary)),
        .cite = pt_draft_text(draft, pt_text_of(source->cite)),
    };
    (void) pt_draft_add(draft, PT_SECTION_FIELD_CODES, &stored);
}

static void
s_add_gateway(s_work_t *work)
{
    const pt_source_provider_t *source = work->source;
    pt_draft_t *draft = work->draft;
    work->first_operation = pt_draft_next(draft, PT_SECTION_OPERATIONS);
    pt_gateway_t gateway = {
        .id = pt_draft_text(draft, pt_text_of(source->id)),
        .name = pt_draft_text(draft, pt_text_of(source->name ? source->name : source->id)),
        .first_path = pt_draft_next(draft, PT_SECTION_PATHS),
        .path_count = (uint32_t) source->path_count,
        .first_operation = work->first_operation,
        .operation_count = (uint32_t) source->operation_count,
        .first_advice = pt_draft_next(draft, PT_SECTION_ADVICE),
        .advice_count = (uint32_t) source->do_not_retry_count,
        .first_field_code = pt_draft_next(draft, PT_SECTION_FIELD_CODES),
        .field_code_count = (uint32_t) source->field_code_count,
        .digits_slot = source->digits_slot,
        .digits_offset = source->digits_offset,
        .digits_length = source->digits_length,
        .status_place = source->has_status_digits ? pt_status_place(source->status_slot, source->status_offset) : 0,
    };
    (void) pt_draft_add(draft, PT_SECTION_PROVIDERS, &gateway);
    for (size_t i = 0; i < source->path_count; i++)
        s_add_path(work, &source->paths[i]);
    for (size_t i = 0; i < source->operation_count; i++)
        s_add_operation(work, &source->operations[i]);
    for (size_t i = 0; i < source->do_not_retry_count; i++) {
        pt_span_t span = pt_draft_text(draft, pt_text_of(source->do_not_retry[i]));
        (void) pt_draft_add(draft, PT_SECTION_ADVICE, &span);
    }
    for (size_t i = 0; i < source->field_code_count; i++)
        s_add_field_code(draft, &source->field_codes[i]);
}

//  The place of an operation among its provider's, or SIZE_MAX.
static size_t
s_find_operation(const pt_source_provider_t *source, const char *name)
{
    pt_text_t wanted = s_without_slash(name);
    for (size_t i = 0; i < source->operation_count; i++) {
        const pt_source_operation_t *operation = &source->operations[i];
        if (pt_text_equal(s_without_slash(operation->name), wanted))
            return i;
        for (size_t j = 0; j < operation->alias_count; j++)
            if (pt_text_equal(s_without_slash(operation->aliases[j]), wanted))
                return i;
    }
    return SIZE_MAX;
}

static bool
s_holds_id(const uint16_t *ids, size_t count, uint16_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

//  The ids of an entry's operations, each once; NULL when out of memory.
static const uint16_t *
s_resolve_operations(s_work_t *work, const pt_source_entry_t *entry, size_t *out_count)
{
    static const uint16_t none;
    *out_count = 0;
    if (entry->operation_count == 0)
        return &none;
    uint16_t *ids = pt_draft_alloc(work->draft, entry->operation_count * sizeof *ids);
    for (size_t i = 0; ids && i < entry->operation_count; i++) {
        size_t place = s_find_operation(work->source, entry->operations[i]);
        if (place == SIZE_MAX) {
            pt_faults_add(work->faults, entry->mark, false, "PT2005", "%s: no operation \"%.64s\"", entry->id,
                          entry->operations[i]);
            continue;
        }
        uint16_t id = (uint16_t) (work->first_operation + place);
        if (!s_holds_id(ids, *out_count, id))
            ids[(*out_count)++] = id;
    }
    return ids;
}

//  "pay_in,pay_out", as people are shown it.
static pt_text_t
s_join_operations(s_work_t *work, const pt_source_entry_t *entry)
{
    size_t room = 1;
    if (entry->operation_count == 0)
        return PT_TEXT("");
    for (size_t i = 0; i < entry->operation_count; i++)
        room += strlen(entry->operations[i]) + 1;
    char *joined = pt_draft_alloc(work->draft, room);
    if (!joined)
        return PT_TEXT_NONE;
    char *at = joined;
    for (size_t i = 0; i < entry->operation_count; i++) {
        if (i)
            *at++ = ',';
        at = stpcpy(at, entry->operations[i]);
    }
    return (pt_text_t) {joined, (size_t) (at - joined)};
}

static uint32_t
s_add_entry(s_work_t *work, const pt_source_entry_t *entry)
{
    pt_draft_t *draft = work->draft;
    struct pt_entry stored = {
        .id = pt_draft_own_text(draft, pt_text_of(entry->id)),
        .code = pt_draft_text(draft, pt_text_of(entry->codes[0])),
        .operations = pt_draft_text(draft, s_join_operations(work, entry)),
        .message = pt_draft_text(draft, pt_text_of(entry->message)),
        .subcode = pt_draft_text(draft, pt_text_of(entry->subcode)),
        .summary = pt_draft_text(draft, pt_text_of(entry->summary)),
        .todo = pt_draft_text(draft, pt_text_of(entry->todo)),
        .merchant = pt_draft_text(draft, pt_text_of(entry->merchant)),
        .cite = pt_draft_text(draft, pt_text_of(entry->cite)),
        .rule = pt_draft_rule(draft, &entry->rule),
        .provider = work->index,
        .kind = (uint8_t) entry->kind,
    };
    return pt_draft_add(draft, PT_SECTION_ENTRIES, &stored);
}

static bool
s_is_entry_good(s_work_t *work, const pt_source_entry_t *entry)
{
    bool is_good = entry->id && entry->code_count > 0 && entry->code_count <= PT_SOURCE_CODES_MAX &&
                   (unsigned) entry->kind < PT_ENTRY_KIND_COUNT_ && pt_image_is_rule_good(&entry->rule);
    if (!is_good)
        pt_faults_add(work->faults, entry->mark, false, "PT2006", "%s: an entry out of bounds",
                      entry->id ? entry->id : "an entry without id");
    return is_good;
}

static void
s_add_rows(s_work_t *work, const pt_source_entry_t *entry)
{
    static const pt_space_t spaces[PT_ENTRY_KIND_COUNT_] = {
        [PT_ENTRY_CODE] = PT_SPACE_CODE,
        [PT_ENTRY_STATUS] = PT_SPACE_STATUS,
        [PT_ENTRY_HTTP_CLASS] = PT_SPACE_HTTP,
    };
    if (!s_is_entry_good(work, entry))
        return;
    size_t operation_count;
    const uint16_t *operations = s_resolve_operations(work, entry, &operation_count);
    uint32_t index = s_add_entry(work, entry);
    const pt_meaning_t *meaning = pt_meaning_new(work->draft, work->faults, entry, index, operations, operation_count);
    for (size_t i = 0; meaning && i < entry->code_count; i++)
        work->rows[work->row_count++] = (pt_row_t) {meaning, pt_text_of(entry->codes[i]), spaces[entry->kind]};
}

static bool
s_is_same_key(const pt_row_t *left, const pt_row_t *right)
{
    return left->space == right->space && pt_text_equal(left->key, right->key);
}

//  Sorted rows lead to meanings and sources all over the memory.
static void
s_fetch_rows(const s_work_t *work, size_t at)
{
    if (at + 2 * S_FETCH_AHEAD < work->row_count)
        __builtin_prefetch(work->rows[at + 2 * S_FETCH_AHEAD].meaning);
    if (at + S_FETCH_AHEAD < work->row_count)
        __builtin_prefetch(work->rows[at + S_FETCH_AHEAD].meaning->source);
}

static void
s_add_groups(s_work_t *work)
{
    work->rows = pt_build_order(work->draft, work->rows, work->row_count);
    if (!work->rows)
        return;
    for (size_t start = 0; start < work->row_count;) {
        size_t end = start + 1;
        s_fetch_rows(work, start);
        while (end < work->row_count && s_is_same_key(&work->rows[start], &work->rows[end]))
            end++;
        pt_group_add(work->draft, work->faults, work->index, work->rows + start, end - start);
        start = end;
    }
}

//  The text that few entries share.
static void
s_fetch_code(const pt_draft_t *draft, const pt_source_entry_t *entry)
{
    if (entry->codes[0])
        pt_intern_fetch(&draft->pool, pt_text_of(entry->codes[0]));
}

static size_t
s_count_rows(const pt_source_provider_t *source)
{
    size_t count = 0;
    for (size_t i = 0; i < source->entry_count; i++)
        count += source->entries[i].code_count;
    return count;
}

static void
s_add_provider(pt_draft_t *draft, pt_faults_t *faults, const pt_source_provider_t *source)
{
    s_work_t work = {.draft = draft, .faults = faults, .source = source};
    work.index = (uint16_t) pt_draft_next(draft, PT_SECTION_PROVIDERS);
    work.rows = pt_draft_alloc(draft, (s_count_rows(source) + 1) * sizeof *work.rows);
    if (!work.rows)
        return;
    s_check_id(&work);
    s_check_gateway(&work);
    s_add_names(&work);
    s_add_gateway(&work);
    for (size_t i = 0; i < source->entry_count; i++) {
        if (i + S_FETCH_AHEAD < source->entry_count)
            s_fetch_code(draft, &source->entries[i + S_FETCH_AHEAD]);
        s_add_rows(&work, &source->entries[i]);
    }
    s_add_groups(&work);
    pt_draft_forget(draft);
}

static pt_status_t
s_build(pt_draft_t *draft, const pt_source_t *source, pt_faults_t *faults, uint8_t **out_image, size_t *out_bytes)
{
    if (source->provider_count > PT_OPERATION_IDS_MAX)
        return PT_E_COUNT;
    size_t errors = faults->errors;
    size_t entries = 0;
    for (size_t i = 0; i < source->provider_count; i++)
        entries += source->providers[i].entry_count;
    pt_draft_expect(draft, entries);
    for (size_t i = 0; i < source->provider_count; i++)
        s_add_provider(draft, faults, &source->providers[i]);
    pt_status_t status = pt_draft_seal(draft, faults, out_image, out_bytes);
    if (status != PT_OK)
        return status;
    if (faults->errors > errors)
        status = PT_E_SYNTAX;
    else if (!pt_build_is_complete(draft, (pt_bytes_t) {*out_image, *out_bytes}))
        status = PT_E_MALFORMED;
    if (status != PT_OK)
        free(*out_image);
    return status;
}

pt_status_t
pt_build_image(const pt_source_t *source, pt_faults_t *faults, uint8_t **out_image, size_t *out_bytes)
{
    assert(source);
    assert(faults);
    assert(out_image);
    assert(out_bytes);

    pt_draft_t draft = {0};
    pt_status_t status = s_build(&draft, source, faults, out_image, out_bytes);
    pt_draft_clear(&draft);
    return status;
}
