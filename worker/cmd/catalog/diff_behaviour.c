/*  What another catalog decides differently, about everything that either has rows for. Answers of one key and message
 *  that change in the same way are gathered and told as one; entries are told of where they come, go or are reworded.
 */
#include "cmd_text.h"
#include "diff.h"

#include "pt_diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRANSITIONS_MAX 32
#define VARIANTS_BYTES 1024

//  Answers of one key and message that change in the same way.
typedef struct {
    pt_comparison_t comparison;
    pt_decision_t before, after; //  their texts are not used
    size_t count;
    char variants[VARIANTS_BYTES];
    size_t variants_bytes;
    pt_text_t open; //  the last variant, where only the request that is not idempotent was seen so far
    bool is_open;
} transition_t;

typedef struct {
    const cmd_diff_options_t *options;
    bool color;
    //  The key and message whose differences are being gathered.
    pt_difference_t group;
    char message[4096];
    transition_t transitions[TRANSITIONS_MAX];
    size_t transition_count;
    //  Totals.
    size_t answers, risky, keys, notes, added, removed, reworded;
} diff_t;

static bool
s_is_same_change(const transition_t *transition, const pt_difference_t *difference)
{
    const pt_decision_t *before = difference->before, *after = difference->after;
    return transition->comparison.changes == difference->comparison.changes &&
           transition->comparison.risks == difference->comparison.risks &&
           pt_diff_compare(&transition->before, before).changes == 0 &&
           pt_diff_compare(&transition->after, after).changes == 0;
}

static void
s_append_variant(transition_t *transition, const char *format, int len, const char *text)
{
    size_t room = VARIANTS_BYTES - transition->variants_bytes;
    int bytes = snprintf(transition->variants + transition->variants_bytes, room, format, len, text);
    if (bytes > 0 && (size_t) bytes < room)
        transition->variants_bytes += (size_t) bytes;
    else
        transition->variants[transition->variants_bytes] = '\0';
}

//  An operation comes first as it is, then with an idempotent request.
static void
s_close_variant(transition_t *transition)
{
    if (transition->is_open)
        s_append_variant(transition, "%.*s", 64, " unless idempotent");
    transition->is_open = false;
}

static void
s_add_variant(transition_t *transition, const pt_difference_t *difference)
{
    pt_text_t operation = difference->operation.data ? difference->operation : PT_TEXT("no operation");
    bool is_other_half = transition->is_open && difference->idempotent && pt_text_equal(transition->open, operation);
    transition->count++;
    if (is_other_half) {
        transition->is_open = false;
        return;
    }
    s_close_variant(transition);
    if (transition->variants_bytes)
        s_append_variant(transition, "%.*s", 2, ", ");
    s_append_variant(transition, difference->idempotent ? "%.*s if idempotent" : "%.*s", (int) operation.len,
                     operation.data);
    transition->is_open = !difference->idempotent;
    transition->open = operation;
}

static const char *
s_retry_text(const pt_decision_t *decision, char *out, size_t room)
{
    char delay[32], deadline[32];
    if (!decision->retry.present)
        return "none";
    snprintf(out, room, "after %s, %" PRIu32 " attempts within %s%s%s", cmd_text_delay(decision->retry.delay_ms, delay),
             decision->retry.max_attempts, cmd_text_delay(decision->retry.deadline_ms, deadline),
             decision->action != PT_ACTION_QUERY_STATUS        ? ""
             : decision->retry.if_absent == PT_ACTION_RESUBMIT ? ", resubmit if absent"
                                                               : ", dead_letter if absent",
             decision->confirm_as_success ? ", success once confirmed" : "");
    return out;
}

static const char *
s_alert_text(const pt_decision_t *decision, char *out, size_t room)
{
    size_t used = 0;
    if (!decision->alert.present)
        return "none";
    for (unsigned i = 0; i < PT_AUDIENCE_COUNT_; i++)
        if (decision->alert.audience & PT_AUDIENCE_BIT(i))
            used += (size_t) snprintf(out + used, room - used, "%s ", pt_audience_text((pt_audience_t) i));
    snprintf(out + used, room - used, "%s %s", pt_severity_text(decision->alert.severity),
             pt_alert_when_text(decision->alert.when));
    return out;
}

static void
s_print_change(const char *what, const char *before, const char *after)
{
    bool is_inner = strcmp(before, after) == 0;
    printf("    %s %s%s%s\n", what, is_inner ? "" : before, is_inner ? "changes further on; begins " : " -> ", after);
}

static void
s_print_changes(const transition_t *transition)
{
    const pt_decision_t *before = &transition->before, *after = &transition->after;
    unsigned changes = transition->comparison.changes;
    char old[256], new[256];
    if (changes & PT_DIFF_OUTCOME)
        s_print_change("outcome", pt_outcome_text(before->outcome), pt_outcome_text(after->outcome));
    if (changes & PT_DIFF_CATEGORY)
        s_print_change("category", pt_category_text(before->category), pt_category_text(after->category));
    if (changes & PT_DIFF_RETRY)
        s_print_change("retry", s_retry_text(before, old, sizeof old), s_retry_text(after, new, sizeof new));
    if (changes & PT_DIFF_ALERT)
        s_print_change("alert", s_alert_text(before, old, sizeof old), s_alert_text(after, new, sizeof new));
    if (changes & PT_DIFF_HEALTH)
        s_print_change("health", before->health ? "true" : "false", after->health ? "true" : "false");
}

static void
s_print_transition(const diff_t *self, transition_t *transition)
{
    s_close_variant(transition);
    const pt_decision_t *before = &transition->before, *after = &transition->after;
    bool is_always = transition->count == self->group.variants;
    printf("  %s %s", pt_route_text(before->route), pt_action_text(before->action));
    if (transition->comparison.changes & (PT_DIFF_ROUTE | PT_DIFF_ACTION))
        printf(" -> %s %s", pt_route_text(after->route), pt_action_text(after->action));
    printf("  (%s)\n", is_always ? "always" : transition->variants);
    for (unsigned i = 0; i < PT_RISK_COUNT_; i++)
        if (transition->comparison.risks & 1u << i)
            printf("    %sRISK%s %s\n", self->color ? "\033[1;31m" : "", self->color ? "\033[0m" : "", pt_risk_text(i));
    s_print_changes(transition);
}

static const char *
s_kind_prefix(uint8_t kind)
{
    static const char *const prefixes[] = {"", "status ", "http "};
    return prefixes[kind];
}

static void
s_flush_group(diff_t *self)
{
    if (self->transition_count && self->options->output == CMD_OUTPUT_TEXT) {
        printf("%.*s %s", (int) self->group.provider.len, self->group.provider.data, s_kind_prefix(self->group.kind));
        cmd_text_print_foreign(stdout, self->group.key, 0);
        if (self->group.message.data) {
            fputs("  \"", stdout);
            cmd_text_print_foreign(stdout, self->group.message, 100);
            putchar('"');
        }
        putchar('\n');
        for (size_t i = 0; i < self->transition_count; i++)
            s_print_transition(self, &self->transitions[i]);
    }
    self->transition_count = 0;
}

static bool
s_is_same_group(const diff_t *self, const pt_difference_t *difference)
{
    return self->keys && pt_text_equal(self->group.provider, difference->provider) &&
           self->group.kind == difference->kind && pt_text_equal(self->group.key, difference->key) &&
           pt_text_equal(self->group.message, difference->message);
}

//  The message lives only as long as the call, so it is kept.
static void
s_open_group(diff_t *self, const pt_difference_t *difference)
{
    s_flush_group(self);
    self->group = *difference;
    self->keys++;
    if (!difference->message.data)
        return;
    pt_text_t message = pt_text_cut(difference->message, sizeof self->message);
    memcpy(self->message, message.data, message.len);
    self->group.message = (pt_text_t) {self->message, message.len};
}

static json_t *
s_decision_json(const pt_decision_t *decision)
{
    char retry[256], alert[256];
    return json_pack("{ss ss ss ss ss ss sb}", "route", pt_route_text(decision->route), "action",
                     pt_action_text(decision->action), "outcome", pt_outcome_text(decision->outcome), "category",
                     pt_category_text(decision->category), "retry", s_retry_text(decision, retry, sizeof retry),
                     "alert", s_alert_text(decision, alert, sizeof alert), "health", decision->health);
}

static void
s_print_json(const pt_difference_t *difference)
{
    static const char *const kinds[] = {"code", "status", "http"};
    json_t *risks = json_array();
    for (unsigned i = 0; i < PT_RISK_COUNT_; i++)
        if (difference->comparison.risks & 1u << i)
            json_array_append_new(risks, json_string(pt_risk_text(i)));
    cmd_catalog_print_json(json_pack(
        "{ss so so so so sb so so so}", "kind", "answer", "provider", cmd_catalog_text_json(difference->provider),
        kinds[difference->kind], cmd_catalog_text_json(difference->key), "message",
        cmd_catalog_text_json(difference->message), "operation", cmd_catalog_text_json(difference->operation),
        "idempotent", difference->idempotent, "before", s_decision_json(difference->before), "after",
        s_decision_json(difference->after), "risks", risks));
}

static void
s_differs(void *context, const pt_difference_t *difference)
{
    diff_t *self = context;
    self->answers++;
    self->risky += difference->comparison.risks != 0;
    if (self->options->risky && !difference->comparison.risks)
        return;
    if (self->options->output == CMD_OUTPUT_JSONL) {
        s_print_json(difference);
        return;
    }
    if (!s_is_same_group(self, difference))
        s_open_group(self, difference);
    size_t place = 0;
    while (place < self->transition_count && !s_is_same_change(&self->transitions[place], difference))
        place++;
    if (place == TRANSITIONS_MAX) {
        s_flush_group(self);
        place = 0;
    }
    transition_t *transition = &self->transitions[place];
    if (place == self->transition_count) {
        *transition = (transition_t) {
            .comparison = difference->comparison, .before = *difference->before, .after = *difference->after};
        self->transition_count++;
    }
    s_add_variant(transition, difference);
}

static void
s_notes(void *context, pt_text_t provider, const char *text)
{
    diff_t *self = context;
    self->notes++;
    if (self->options->risky)
        return;
    if (self->options->output == CMD_OUTPUT_JSONL) {
        cmd_catalog_print_json(
            json_pack("{ss so ss}", "kind", "note", "provider", cmd_catalog_text_json(provider), "text", text));
        return;
    }
    s_flush_group(self);
    printf("%.*s: ", (int) provider.len, provider.data);
    cmd_text_print_foreign(stdout, pt_text_of(text), 0);
    putchar('\n');
}

//  One entry by its id.
typedef struct {
    pt_entry_view_t view;
} row_t;

static int
s_compare_rows(const void *left_p, const void *right_p)
{
    pt_text_t left = ((const row_t *) left_p)->view.id, right = ((const row_t *) right_p)->view.id;
    size_t len = left.len < right.len ? left.len : right.len;
    int order = len ? memcmp(left.data, right.data, len) : 0;
    return order ? order : (left.len > right.len) - (left.len < right.len);
}

static row_t *
s_list_rows(const pt_catalog_t *catalog, size_t *out_count)
{
    *out_count = pt_catalog_entry_count(catalog);
    row_t *rows = calloc(*out_count + 1, sizeof *rows);
    for (size_t i = 0; rows && i < *out_count; i++)
        rows[i].view = pt_catalog_entry_view(catalog, pt_catalog_entry_at(catalog, i));
    if (rows)
        qsort(rows, *out_count, sizeof *rows, s_compare_rows);
    return rows;
}

static bool
s_is_worded_alike(const pt_entry_view_t *left, const pt_entry_view_t *right)
{
    return pt_text_equal(left->summary, right->summary) && pt_text_equal(left->todo, right->todo) &&
           pt_text_equal(left->merchant, right->merchant) && pt_text_equal(left->cite, right->cite) &&
           pt_text_equal(left->message, right->message) && pt_text_equal(left->operations, right->operations) &&
           pt_text_equal(left->code, right->code);
}

static void
s_print_entry(diff_t *self, const char *change, char sign, pt_text_t id, size_t *count)
{
    ++*count;
    if (self->options->risky)
        return;
    if (self->options->output == CMD_OUTPUT_JSONL)
        cmd_catalog_print_json(
            json_pack("{ss ss so}", "kind", "entry", "change", change, "entry", cmd_catalog_text_json(id)));
    else
        printf("%c entry %.*s%s\n", sign, (int) id.len, id.data, sign == '~' ? ": other texts" : "");
}

static int
s_compare_entries(diff_t *self, const pt_catalog_t *before, const pt_catalog_t *after)
{
    size_t old_count, new_count, old = 0, new = 0;
    row_t *old_rows = s_list_rows(before, &old_count);
    row_t *new_rows = s_list_rows(after, &new_count);
    while (old_rows && new_rows && (old < old_count || new < new_count)) {
        int order = old == old_count ? 1 : new == new_count ? -1 : s_compare_rows(&old_rows[old], &new_rows[new]);
        if (order < 0)
            s_print_entry(self, "removed", '-', old_rows[old].view.id, &self->removed);
        else if (order > 0)
            s_print_entry(self, "added", '+', new_rows[new].view.id, &self->added);
        else if (!s_is_worded_alike(&old_rows[old].view, &new_rows[new].view))
            s_print_entry(self, "reworded", '~', new_rows[new].view.id, &self->reworded);
        old += order <= 0;
        new += order >= 0;
    }
    bool well = old_rows && new_rows;
    free(old_rows);
    free(new_rows);
    return well ? EX_OK : cmd_fail(EX_OSERR, NULL, "no memory");
}

static void
s_print_summary(const diff_t *self, size_t asked)
{
    if (self->options->output == CMD_OUTPUT_JSONL) {
        cmd_catalog_print_json(json_pack(
            "{ss sI sI sI sI sI sI sI}", "kind", "summary", "asked", (json_int_t) asked, "answers",
            (json_int_t) self->answers, "risky", (json_int_t) self->risky, "notes", (json_int_t) self->notes, "added",
            (json_int_t) self->added, "removed", (json_int_t) self->removed, "reworded", (json_int_t) self->reworded));
        return;
    }
    printf("of %zu answers %zu differ, %zu of them riskier; entries: %zu added, %zu removed, %zu reworded\n", asked,
           self->answers, self->risky, self->added, self->removed, self->reworded);
}

int
cmd_diff_behaviour(const cmd_diff_options_t *options, const pt_catalog_t *before, const pt_catalog_t *after)
{
    static diff_t self;
    self = (diff_t) {.options = options, .color = cmd_use_color(options->color, stdout)};
    pt_diff_listener_t listener = {&self, s_differs, s_notes};
    size_t asked;
    if (pt_diff_catalogs(before, after, &listener, &asked) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "no memory to compare");
    s_flush_group(&self);
    int code = s_compare_entries(&self, before, after);
    if (code != EX_OK)
        return code;
    s_print_summary(&self, asked);
    code = cmd_flush();
    bool is_equal = !self.answers && !self.notes && !self.added && !self.removed && !self.reworded;
    return code == EX_OK && !is_equal ? CMD_EXIT_NO : code;
}
