/*  Rows to groups; the rules are in the header. */
#include "pt_group.h"

#include <assert.h>
#include <stdlib.h>

//  The rows of one key.
typedef struct {
    pt_draft_t *draft;
    pt_faults_t *faults;
    const pt_row_t *rows;
    size_t count;
    uint16_t *operations; //  that any row names, in the order of the rows
    size_t operation_count;
} s_run_t;

//  A row on its way into a group.
typedef struct {
    const pt_meaning_t *meaning;
    size_t literal_bytes;
    uint8_t strictness; //  of rows from several operations; equal: the first written wins
} s_candidate_t;

static bool
s_collect_operations(s_run_t *run)
{
    size_t room = 0;
    for (size_t i = 0; i < run->count; i++)
        room += run->rows[i].meaning->operation_count;
    if (room == 0)
        return true;
    run->operations = pt_draft_alloc(run->draft, room * sizeof *run->operations);
    if (!run->operations)
        return false;
    for (size_t i = 0; i < run->count; i++) {
        const pt_meaning_t *meaning = run->rows[i].meaning;
        for (size_t j = 0; j < meaning->operation_count; j++) {
            pt_meaning_t known = {.operations = run->operations, .operation_count = run->operation_count};
            if (!pt_meaning_names(&known, meaning->operations[j]))
                run->operations[run->operation_count++] = meaning->operations[j];
        }
    }
    return true;
}

static uint8_t
s_strictness(const pt_rule_t *rule)
{
    if (rule->action == PT_ACTION_QUERY_STATUS)
        return 1;
    if (rule->action == PT_ACTION_RESUBMIT)
        return 2;
    bool settles = rule->outcome == PT_OUTCOME_SUCCESS || rule->outcome == PT_OUTCOME_PENDING;
    return rule->action == PT_ACTION_NONE && settles ? 3 : 0;
}

static int
s_compare_sizes(size_t left, size_t right)
{
    return (left > right) - (left < right);
}

//  Which of two patterns is asked first.
static int
s_compare_candidates(const void *left_p, const void *right_p)
{
    const s_candidate_t *left = left_p;
    const s_candidate_t *right = right_p;
    const pt_template_t *left_text = left->meaning->message;
    const pt_template_t *right_text = right->meaning->message;
    int order = (left_text->hole_count > 0) - (right_text->hole_count > 0);
    if (order == 0)
        order = s_compare_sizes(right->literal_bytes, left->literal_bytes);
    if (order == 0)
        order = s_compare_sizes(left_text->hole_count, right_text->hole_count);
    if (order == 0)
        order = !left->meaning->source->subcode - !right->meaning->source->subcode;
    if (order == 0)
        order = left->strictness - right->strictness;
    return order ? order : s_compare_sizes(left->meaning->entry, right->meaning->entry);
}

//  The length of a message that is this text; of two that may be, what both have in common.
static void
s_fill_length(pt_pattern_t *pattern, const pt_template_t *message)
{
    size_t length = message->literals[0].len;
    size_t varies = message->stop_optional ? length ^ (length + 1) : 0;
    uint64_t mask = (uint64_t) (uint16_t) ~varies << PT_PATTERN_LENGTH_SHIFT;
    pattern->front[1] |= (uint64_t) (uint16_t) length << PT_PATTERN_LENGTH_SHIFT & mask;
    pattern->mask[1] |= mask;
}

//  What a message can be told from the pattern by, at a glance.
static void
s_fill_front(pt_pattern_t *pattern, const pt_template_t *message)
{
    pt_text_t front = message->literals[0];
    size_t bytes = front.len < PT_PATTERN_FRONT_BYTES ? front.len : PT_PATTERN_FRONT_BYTES;
    if (bytes) {
        memcpy(pattern->front, front.data, bytes);
        memset(pattern->mask, 0xff, bytes);
    }
    if (!message->hole_count)
        s_fill_length(pattern, message);
}

static void
s_add_pattern(pt_draft_t *draft, const s_candidate_t *candidate)
{
    const pt_meaning_t *meaning = candidate->meaning;
    pt_pattern_t pattern = {
        .entry = meaning->entry,
        .first_piece = meaning->first_piece,
        .hole_count = (uint16_t) meaning->message->hole_count,
        .literal_bytes = (uint32_t) candidate->literal_bytes,
        .subcode = pt_draft_text(draft, pt_text_of(meaning->source->subcode)),
    };
    s_fill_front(&pattern, meaning->message);
    if (meaning->message->stop_optional)
        pattern.flags |= PT_PATTERN_STOP_OPTIONAL;
    if (meaning->operation_count == 0)
        pattern.flags |= PT_PATTERN_ANY_OPERATION;
    (void) pt_draft_add(draft, PT_SECTION_PATTERNS, &pattern);
}

static bool
s_has_message(const s_run_t *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->rows[i].meaning->message)
            return true;
    return false;
}

//  The patterns of an operation, or with PT_OPERATION_OTHER of all rows.
static void
s_add_patterns(s_run_t *run, uint16_t operation, pt_group_t *group)
{
    group->first_pattern = pt_draft_next(run->draft, PT_SECTION_PATTERNS);
    if (!s_has_message(run))
        return;
    s_candidate_t *candidates = pt_draft_alloc(run->draft, run->count * sizeof *candidates);
    if (!candidates)
        return;
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++) {
        const pt_meaning_t *meaning = run->rows[i].meaning;
        bool is_named = pt_meaning_names(meaning, operation);
        bool is_asked = operation == PT_OPERATION_OTHER || is_named || meaning->operation_count == 0;
        if (!meaning->message || !is_asked)
            continue;
        candidates[count++] = (s_candidate_t) {
            .meaning = meaning,
            .literal_bytes = pt_template_literal_bytes(meaning->message),
            .strictness = operation == PT_OPERATION_OTHER ? s_strictness(&meaning->source->rule) : !is_named,
        };
    }
    qsort(candidates, count, sizeof *candidates, s_compare_candidates);
    group->pattern_count = (uint32_t) count;
    for (size_t i = 0; i < count; i++)
        s_add_pattern(run->draft, &candidates[i]);
}

//  The row without message for an operation, else its only row, else NULL.
static const pt_meaning_t *
s_find_own_of(const s_run_t *run, uint16_t operation)
{
    const pt_meaning_t *only = NULL;
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++) {
        const pt_meaning_t *meaning = run->rows[i].meaning;
        if (!pt_meaning_names(meaning, operation))
            continue;
        if (!meaning->message)
            return meaning;
        only = meaning;
        count++;
    }
    return count == 1 ? only : NULL;
}

static bool
s_names_all(const s_run_t *run, const pt_meaning_t *meaning)
{
    return meaning->operation_count == run->operation_count;
}

//  A marker or an HTTP status means different things to different operations, and there is no
//  message to tell them apart: rows of some operations say nothing about the others.
static bool
s_is_code(const s_run_t *run)
{
    return run->rows[0].meaning->source->kind == PT_ENTRY_CODE;
}

//  The row that answers whatever the message and the operation, or NULL.
static const pt_meaning_t *
s_find_own(const s_run_t *run)
{
    const pt_meaning_t *covering = NULL;
    for (size_t i = 0; i < run->count; i++) {
        const pt_meaning_t *meaning = run->rows[i].meaning;
        if (!meaning->message && meaning->operation_count == 0)
            return meaning;
        if (!meaning->message && s_names_all(run, meaning))
            covering = meaning;
    }
    if (!s_is_code(run))
        return NULL;
    return run->count == 1 ? run->rows[0].meaning : covering;
}

static uint32_t
s_add_operation_group(s_run_t *run, uint16_t operation)
{
    const pt_meaning_t *own = s_find_own_of(run, operation);
    pt_group_t group = {.own = own ? own->entry : PT_IMAGE_NONE};
    s_add_patterns(run, operation, &group);
    return pt_draft_add(run->draft, PT_SECTION_GROUPS, &group);
}

static uint32_t
s_add_other_group(s_run_t *run)
{
    const pt_row_t *first = &run->rows[0];
    const pt_meaning_t *own = s_find_own(run);
    if (!own && !s_is_code(run))
        return PT_IMAGE_NONE;
    if (!own) {
        int shown = first->key.len > 64 ? 64 : (int) first->key.len;
        pt_faults_add(run->faults, first->meaning->source->mark, false, "PT2003",
                      "\"%.*s\" has several entries, and none that answers whatever the message and the operation",
                      shown, first->key.data);
        return PT_IMAGE_NONE;
    }
    pt_group_t group = {.own = own->entry, .flags = own->operation_count ? 0 : PT_GROUP_ANY_OPERATION};
    s_add_patterns(run, PT_OPERATION_OTHER, &group);
    return pt_draft_add(run->draft, PT_SECTION_GROUPS, &group);
}

//  The key itself answers for the first operations; the others have keys of their own.
static void
s_add_keys(s_run_t *run, uint16_t provider, const uint32_t *groups, uint32_t other)
{
    const pt_row_t *first = &run->rows[0];
    pt_mark_t mark = first->meaning->source->mark;
    pt_phash_item_t item = {.text = first->key, .space = (uint8_t) first->space, .owner = provider};
    bool has_more = run->operation_count > PT_SLOT_OPERATIONS;
    size_t own = has_more ? PT_SLOT_OPERATIONS - 1 : run->operation_count;
    for (size_t i = 0; i < PT_SLOT_OPERATIONS; i++) {
        bool is_used = i < own;
        item.operations[i] = is_used ? run->operations[i] : PT_OPERATION_NONE;
        item.values[i] = is_used ? groups[i] : PT_IMAGE_NONE;
    }
    item.values[PT_SLOT_OPERATIONS] = other;
    if (has_more)
        item.operations[own] = PT_OPERATION_MORE;
    pt_draft_key(run->draft, &item, mark);
    for (size_t i = own; i < run->operation_count; i++)
        pt_draft_name(run->draft, (pt_space_t) (first->space + PT_SPACE_MORE), run->operations[i], first->key,
                      groups[i], mark);
}

void
pt_group_add(pt_draft_t *draft, pt_faults_t *faults, uint16_t provider, const pt_row_t *rows, size_t count)
{
    assert(draft);
    assert(faults);
    assert(rows);
    assert(count);

    s_run_t run = {.draft = draft, .faults = faults, .rows = rows, .count = count};
    pt_group_check(faults, rows, count);
    if (!s_collect_operations(&run))
        return;
    uint32_t *groups = NULL;
    if (run.operation_count) {
        groups = pt_draft_alloc(draft, run.operation_count * sizeof *groups);
        if (!groups)
            return;
    }
    for (size_t i = 0; i < run.operation_count; i++)
        groups[i] = s_add_operation_group(&run, run.operations[i]);
    s_add_keys(&run, provider, groups, s_add_other_group(&run));
}
