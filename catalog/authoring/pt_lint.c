/*  Reachability is asked of the finished catalog rather than reasoned about: whatever the rungs of a
 *  lookup are, an entry that answers to its own example is reachable.
 */
#include "pt_lint.h"

#include "pt_compile.h"
#include "pt_fault.h"
#include "pt_template.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define S_EXAMPLE_BYTES 4096

//  One entry under inspection.
typedef struct {
    const pt_catalog_t *catalog;
    const pt_provider_t *provider;
    const pt_source_provider_t *owner;
    const pt_source_entry_t *source;
    const pt_entry_t *entry;
    pt_faults_t *faults;
    pt_text_t instead; //  the id of what answered
} s_check_t;

static bool
s_leads_here(s_check_t *check, const char *code, pt_text_t message, pt_text_t operation, uint16_t http_status)
{
    pt_response_t response = {
        .provider = pt_text_of(check->owner->id), .operation = operation, .http_status = http_status, .attempt = 1};
    pt_facts_t facts = {.is_map = true};
    size_t derived = check->owner->digits_length ? check->owner->digits_slot : 0;
    if (check->source->kind == PT_ENTRY_CODE) {
        facts.codes[0] = facts.codes[derived] = pt_text_of(code);
        facts.messages[0] = facts.messages[derived] = message;
    } else if (check->source->kind == PT_ENTRY_STATUS)
        facts.statuses[0] = pt_text_of(code);
    pt_verdict_t verdict;
    pt_catalog_lookup(check->catalog, check->provider, &response, &facts, &verdict);
    check->instead = verdict.entry_id;
    return verdict.entry == check->entry;
}

//  For the operations that the entry names; for any: each of the gateway, none, and one that nobody knows.
static bool
s_is_reached(s_check_t *check, const char *code, pt_text_t message, uint16_t http_status)
{
    const pt_source_entry_t *source = check->source;
    for (size_t i = 0; i < source->operation_count; i++)
        if (s_leads_here(check, code, message, pt_text_of(source->operations[i]), http_status))
            return true;
    if (source->operation_count)
        return false;
    for (size_t i = 0; i < check->owner->operation_count; i++)
        if (s_leads_here(check, code, message, pt_text_of(check->owner->operations[i].name), http_status))
            return true;
    return s_leads_here(check, code, message, PT_TEXT("zz-no-such-operation"), http_status) ||
           s_leads_here(check, code, message, PT_TEXT_NONE, http_status);
}

//  The message with `filling` in its holes.
static pt_text_t
s_fill(const pt_template_t *template, pt_text_t filling, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i <= template->hole_count; i++) {
        pt_text_t parts[] = {template->literals[i], i < template->hole_count ? filling : PT_TEXT_NONE};
        for (size_t part = 0; part < 2; part++) {
            if (parts[part].len > S_EXAMPLE_BYTES - len)
                return PT_TEXT_NONE;
            if (parts[part].len)
                memcpy(out + len, parts[part].data, parts[part].len);
            len += parts[part].len;
        }
    }
    return (pt_text_t) {out, len};
}

//  Messages are heard only where the body names a place for them.
static bool
s_hears_messages(const pt_source_provider_t *owner)
{
    for (size_t i = 0; i < owner->path_count; i++)
        if (owner->paths[i].role == PT_ROLE_MESSAGE)
            return true;
    return false;
}

static bool
s_is_message_reached(s_check_t *check, const char *code)
{
    //  A subcode alone may be a literal message of its own; with words around it, it is not.
    char around[S_EXAMPLE_BYTES / 4] = "";
    if (check->source->subcode)
        (void) snprintf(around, sizeof around, "zz %s zz", check->source->subcode);
    const char *const fillings[] = {check->source->subcode, around, "zz-example-zz", "0", ""};
    char plain[S_EXAMPLE_BYTES], example[S_EXAMPLE_BYTES];
    pt_text_t text = pt_text_of(check->source->message);
    pt_template_t template;
    //  What is too long to try out counts as reached.
    if (text.len > sizeof plain)
        return true;
    text = (pt_text_t) {plain, pt_template_plain(text, plain)};
    if (pt_template_parse(text, check->source->trailing_stop_optional, &template) != PT_OK)
        return true;
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        pt_text_t message = fillings[i] ? s_fill(&template, pt_text_of(fillings[i]), example) : PT_TEXT_NONE;
        if (fillings[i] && s_is_reached(check, code, message, 0))
            return true;
    }
    return false;
}

//  A class is reached by any of its statuses that has no row of its own.
static bool
s_is_http_reached(s_check_t *check, const char *code)
{
    unsigned first = (unsigned) (code[0] - '0') * 100;
    unsigned last = first + 99;
    if (code[1] != 'x')
        first = last = first + (unsigned) (code[1] - '0') * 10 + (unsigned) (code[2] - '0');
    for (unsigned status = first; status <= last; status++)
        if (s_is_reached(check, code, PT_TEXT_NONE, (uint16_t) status))
            return true;
    return false;
}

static bool
s_is_code_reached(s_check_t *check, const char *code)
{
    if (check->source->kind == PT_ENTRY_HTTP_CLASS)
        return s_is_http_reached(check, code);
    if (check->source->message)
        return s_is_message_reached(check, code);
    return s_is_reached(check, code, PT_TEXT_NONE, 0) || s_is_reached(check, code, PT_TEXT("zz-other-wording"), 0);
}

static void
s_check_reach(s_check_t *check)
{
    if (check->source->message && !s_hears_messages(check->owner)) {
        pt_faults_add(check->faults, check->source->mark, true, pt_fault_id(PT_FAULT_UNREACHABLE),
                      "%.80s: its message is never heard: body.codes names no place for messages", check->source->id);
        return;
    }
    for (size_t i = 0; i < check->source->code_count; i++) {
        if (s_is_code_reached(check, check->source->codes[i]))
            continue;
        int shown = check->instead.len > 80 ? 80 : (int) check->instead.len;
        pt_faults_add(check->faults, check->source->mark, true, pt_fault_id(PT_FAULT_UNREACHABLE),
                      "%.80s: no response with '%.32s' leads here; %.*s answers instead", check->source->id,
                      check->source->codes[i], shown, check->instead.data);
    }
}

static void
s_check_end(const s_check_t *check)
{
    const pt_rule_t *rule = &check->source->rule;
    bool is_retry = pt_action_is_retry((pt_action_t) rule->action);
    if (is_retry && rule->deadline_ms > PT_LINT_DEADLINE_MS_MAX)
        pt_faults_add(check->faults, check->source->mark, true, pt_fault_id(PT_FAULT_ENDLESS),
                      "%.80s: the deadline is more than 7 days after the first attempt", check->source->id);
    if (is_retry && rule->max_attempts > PT_LINT_ATTEMPTS_MAX)
        pt_faults_add(check->faults, check->source->mark, true, pt_fault_id(PT_FAULT_ENDLESS),
                      "%.80s: more than %d attempts", check->source->id, PT_LINT_ATTEMPTS_MAX);
}

//  One template under one of its codes.
typedef struct {
    const char *code;
    const pt_source_entry_t *source;
    pt_template_t template;
} s_row_t;

static int
s_compare_rows(const void *left_p, const void *right_p)
{
    const s_row_t *left = left_p;
    const s_row_t *right = right_p;
    int order = strcmp(left->code, right->code);
    return order ? order : (left->source > right->source) - (left->source < right->source);
}

static bool
s_share_operation(const pt_source_entry_t *left, const pt_source_entry_t *right)
{
    if (left->operation_count == 0 || right->operation_count == 0)
        return left->operation_count == right->operation_count;
    for (size_t i = 0; i < left->operation_count; i++)
        for (size_t j = 0; j < right->operation_count; j++)
            if (strcmp(left->operations[i], right->operations[j]) == 0)
                return true;
    return false;
}

static bool
s_is_handled_alike(const pt_rule_t *left, const pt_rule_t *right)
{
    return left->category == right->category && left->outcome == right->outcome && left->action == right->action;
}

//  Whether all that fits `narrow` fits `wide`: its holes are filled with what no literal text holds.
static bool
s_is_special_case(const pt_template_t *narrow, const pt_template_t *wide)
{
    char example[S_EXAMPLE_BYTES];
    pt_text_t values[PT_PARAMS_MAX];
    pt_text_t message = s_fill(narrow, PT_TEXT("\x01"), example);
    return message.data && pt_template_match(wide, message, values);
}

static void
s_check_overlap(const s_row_t *left, const s_row_t *right, pt_faults_t *faults)
{
    char place[PT_MARK_BYTES_MAX];
    if (left->source->subcode || right->source->subcode || !s_share_operation(left->source, right->source) ||
        s_is_handled_alike(&left->source->rule, &right->source->rule) ||
        s_is_special_case(&left->template, &right->template) || s_is_special_case(&right->template, &left->template) ||
        !pt_template_overlap(&left->template, &right->template))
        return;
    pt_faults_add(faults, right->source->mark, true, pt_fault_id(PT_FAULT_OVERLAP),
                  "%.80s: some messages also fit %.80s at %s, which leads to something else", right->source->id,
                  left->source->id, pt_mark_text(left->source->mark, right->source->mark, place));
}

//  Only texts with holes overlap partly: a literal one is a special case of whatever it fits.
static size_t
s_list_templates(const pt_source_provider_t *provider, pt_source_t *memory, s_row_t *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < provider->entry_count; i++) {
        const pt_source_entry_t *source = &provider->entries[i];
        pt_text_t text = pt_text_of(source->message);
        char *plain = text.len ? pt_source_alloc(memory, text.len) : NULL;
        s_row_t row = {.source = source};
        if (!plain)
            continue;
        text = (pt_text_t) {plain, pt_template_plain(text, plain)};
        if (pt_template_parse(text, source->trailing_stop_optional, &row.template) != PT_OK ||
            row.template.hole_count == 0)
            continue;
        for (size_t code = 0; code < source->code_count; code++) {
            row.code = source->codes[code];
            rows[count++] = row;
        }
    }
    return count;
}

static void
s_check_overlaps(const pt_source_provider_t *provider, pt_faults_t *faults)
{
    pt_source_t memory = {0};
    s_row_t *rows = calloc(provider->entry_count * PT_SOURCE_CODES_MAX + 1, sizeof *rows);
    size_t count = rows ? s_list_templates(provider, &memory, rows) : 0;
    if (count)
        qsort(rows, count, sizeof *rows, s_compare_rows);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count && strcmp(rows[i].code, rows[j].code) == 0; j++)
            s_check_overlap(&rows[i], &rows[j], faults);
    free(rows);
    pt_source_destroy(&memory);
}

void
pt_lint(const pt_source_t *source, const pt_catalog_t *catalog, pt_faults_t *faults)
{
    assert(source);
    assert(catalog);
    assert(faults);

    size_t index = 0;
    for (size_t i = 0; i < source->provider_count; i++) {
        const pt_source_provider_t *owner = &source->providers[i];
        for (size_t row = 0; row < owner->entry_count && index < pt_catalog_entry_count(catalog); row++, index++) {
            s_check_t check = {.catalog = catalog,
                               .provider = pt_catalog_provider_at(catalog, i),
                               .owner = owner,
                               .source = &owner->entries[row],
                               .entry = pt_catalog_entry_at(catalog, index),
                               .faults = faults};
            s_check_reach(&check);
            s_check_end(&check);
        }
        s_check_overlaps(owner, faults);
    }
    pt_compile_sort_faults(source, faults);
}
