/*  The rows of a gateway. A row with any fault is left out, so that the checks of the whole catalog
 *  only see rows that say what their author wrote.
 */
#include "pt_compile_answers.h"

#include <stdio.h>

#define S_COUNT(array) (sizeof(array) / sizeof *(array))

static void
s_read_own_delays(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_settings_read_delays(reader, node, &((pt_row_t *) target)->own);
}

static void
s_read_own_max_attempts(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_settings_read_max_attempts(reader, node, &((pt_row_t *) target)->own);
}

static void
s_read_own_deadline(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_settings_read_deadline(reader, node, &((pt_row_t *) target)->own);
}

static void
s_read_own_alert(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_settings_read_alert(reader, node, &((pt_row_t *) target)->own);
}

static void
s_add_origin(pt_row_t *row, const char *key, const char *policy, pt_mark_t mark)
{
    if (row->entry.origins)
        row->entry.origins[row->entry.origin_count++] = (pt_source_origin_t) {key, policy, mark};
}

static void
s_note_policy(pt_reader_t *reader, pt_row_t *row, const pt_named_settings_t *policy)
{
    char *name;
    if (!row->entry.origins || !pt_read_text(reader, policy->key, &name))
        return;
    for (unsigned i = 0; i < PT_SETS_COUNT_; i++)
        if (policy->settings.given & 1u << i)
            s_add_origin(row, pt_settings_key(i), name, policy->settings.marks[i]);
}

static void
s_apply_policy(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_row_t *row = target;
    const pt_unit_t *unit = row->unit;
    pt_text_t name;
    if (!pt_read_scalar(reader, item, &name))
        return;
    const char *names[PT_COMPILE_POLICIES_MAX];
    for (size_t i = 0; i < unit->policy_count; i++) {
        names[i] = unit->policies[i].key->text.data;
        if (pt_text_equal(unit->policies[i].key->text, name)) {
            pt_settings_apply(&unit->policies[i].settings, &row->entry.rule);
            s_note_policy(reader, row, &unit->policies[i]);
            return;
        }
    }
    pt_read_fault_unknown(reader, item, PT_FAULT_POLICY_UNKNOWN, "policy", "", names, unit->policy_count);
}

static void
s_read_policy(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_list(reader, node, PT_COMPILE_NAMES_MAX, s_apply_policy, target);
}

static void
s_read_slug(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    if (pt_read_text(reader, node, &row->slug) && !pt_compile_is_name(row->slug, "-", PT_COMPILE_NAME_BYTES_MAX))
        pt_read_fault(reader, node, PT_FAULT_NAME, "'%.64s' is no slug: a-z, 0-9 and -, at most %d", row->slug,
                      PT_COMPILE_NAME_BYTES_MAX);
}

static void
s_read_id(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    if (row->slug)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "slug has no effect beside id");
    (void) pt_compile_read_name(reader, node, &row->id);
}

//  Those of overlays are gone by now (pt_overlay).
static void
s_read_remove(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) target;
    pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "only an overlay removes an entry, of the file below it");
}

static void
s_read_category(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_words_t words = pt_compile_words_category();
    (void) pt_read_word(reader, node, "category", words.words, words.count,
                        &((pt_row_t *) target)->entry.rule.category);
}

static void
s_read_outcome(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_words_t words = pt_compile_words_outcome();
    (void) pt_read_word(reader, node, "outcome", words.words, words.count, &((pt_row_t *) target)->entry.rule.outcome);
}

static void
s_read_action(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_words_t words = pt_compile_words_action();
    (void) pt_read_word(reader, node, "action", words.words, words.count, &((pt_row_t *) target)->entry.rule.action);
}

static void
s_read_if_absent(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const char *const words[] = {"resubmit", "dead_letter"};
    pt_rule_t *rule = &((pt_row_t *) target)->entry.rule;
    uint8_t index = 0;
    if (pt_read_word(reader, node, "value", words, S_COUNT(words), &index) && index == 1)
        rule->flags |= PT_RULE_IF_ABSENT_DEAD_LETTER;
    //  A resubmit becomes a query where money may have moved, so it may say what follows too.
    if (!pt_action_is_retry((pt_action_t) rule->action))
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE,
                      "if_absent has no effect without a query_status or resubmit");
}

static void
s_read_flag(pt_reader_t *reader, const pt_node_t *node, pt_row_t *row, unsigned flag)
{
    bool on;
    if (pt_read_boolean(reader, node, &on) && on)
        row->entry.rule.flags |= (uint8_t) flag;
}

static void
s_read_defer_to_status(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    bool is_status = row->entry.kind == PT_ENTRY_STATUS;
    if (!is_status && !pt_row_require_code(reader, node, row, "defer_to_status"))
        return;
    s_read_flag(reader, node, row, PT_RULE_DEFER_TO_STATUS);
    //  A marker defers to one that stands in another place.
    if (row->unit->status_slots <= (size_t) is_status)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "defer_to_status has no effect: body.status names no %s",
                      is_status ? "other place" : "place");
}

static void
s_read_lists_reasons(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    if (!pt_row_require_code(reader, node, row, "lists_reasons"))
        return;
    s_read_flag(reader, node, row, PT_RULE_LISTS_REASONS);
    if (row->entry.message)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE,
                      "lists_reasons belongs to the code's own entry, the one without message");
}

static void
s_read_health(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_read_flag(reader, node, target, PT_RULE_HEALTH);
}

static void
s_read_judged(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_read_flag(reader, node, target, PT_RULE_JUDGED);
}

static void
s_read_summary(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_text(reader, node, &((pt_row_t *) target)->entry.summary);
}

static void
s_read_todo(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_text(reader, node, &((pt_row_t *) target)->entry.todo);
}

static void
s_read_merchant(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    row->entry.merchant = pt_compile_read_merchant(reader, node, row->entry.message);
}

static void
s_read_cite(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    row->entry.cite = pt_compile_read_cite(reader, node, row->unit->cite_file);
}

static char *
s_make_id(pt_reader_t *reader, const pt_row_t *row)
{
    static const char *const kinds[PT_ENTRY_KIND_COUNT_] = {
        [PT_ENTRY_CODE] = "", [PT_ENTRY_STATUS] = "status/", [PT_ENTRY_HTTP_CLASS] = "http/"};
    const pt_source_entry_t *entry = &row->entry;
    bool names_operation = row->unit->id_operation && entry->kind == PT_ENTRY_CODE && entry->operation_count;
    const char *gateway = row->unit->provider->id ? row->unit->provider->id : "?";
    const char *operation = names_operation ? entry->operations[0] : "";
    const char *slug = row->slug ? row->slug : "";
    const char *rest = row->id ? row->id : entry->codes[0];
    size_t bytes = strlen(gateway) + strlen(operation) + strlen(rest) + strlen(slug) + sizeof "/status///";
    char *id = pt_read_array(reader, bytes, 1);
    if (id && row->id)
        (void) snprintf(id, bytes, "%s/%s", gateway, rest);
    else if (id)
        (void) snprintf(id, bytes, "%s/%s%s%s%s%s%s", gateway, kinds[entry->kind], operation, *operation ? "/" : "",
                        rest, *slug ? "/" : "", slug);
    return id;
}

static const pt_node_t *
s_find_value(const pt_node_t *map, const char *key)
{
    for (const pt_link_t *link = map->kind == PT_NODE_MAP ? map->first : NULL; link; link = link->next)
        if (pt_text_equal(link->key->text, pt_text_of(key)))
            return link->value;
    return NULL;
}

//  What an entry answers to comes first, because later keys ask for its kind; action before
//  if_absent, message before what refines it.
static const pt_key_t s_keys[] = {
    {"code", pt_row_read_code, false},
    {"status", pt_row_read_status, false},
    {"http", pt_row_read_http, false},
    {"also", pt_row_read_also, false},
    {"operation", pt_row_read_operation, false},
    {"message", pt_row_read_message, false},
    {"subcode", pt_row_read_subcode, false},
    {"trailing_stop", pt_row_read_trailing_stop, false},
    {"slug", s_read_slug, false},
    {"id", s_read_id, false},
    {"remove", s_read_remove, false},
    {"category", s_read_category, true},
    {"outcome", s_read_outcome, true},
    {"action", s_read_action, true},
    {"if_absent", s_read_if_absent, false},
    {"defer_to_status", s_read_defer_to_status, false},
    {"lists_reasons", s_read_lists_reasons, false},
    {"health", s_read_health, false},
    {"judged", s_read_judged, false},
    {"policy", s_read_policy, false},
    {"delays", s_read_own_delays, false},
    {"max_attempts", s_read_own_max_attempts, false},
    {"deadline", s_read_own_deadline, false},
    {"alert", s_read_own_alert, false},
    {"summary", s_read_summary, true},
    {"todo", s_read_todo, false},
    {"merchant", s_read_merchant, false},
    {"cite", s_read_cite, true},
};

static void
s_read_keys(pt_reader_t *reader, const pt_node_t *item, pt_row_t *row)
{
    size_t room = item->count + (size_t) PT_COMPILE_NAMES_MAX * PT_SETS_COUNT_;
    if (reader->source->keep_origins)
        row->entry.origins = pt_read_array(reader, room, sizeof *row->entry.origins);
    pt_read_map(reader, item, "an entry", s_keys, S_COUNT(s_keys), row);
    for (size_t i = 0; row->entry.origins && i < S_COUNT(s_keys); i++) {
        const pt_node_t *value = s_find_value(item, s_keys[i].name);
        if (value)
            s_add_origin(row, s_keys[i].name, NULL, pt_read_mark(reader, value));
    }
}

static void
s_read_entry(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_unit_t *unit = target;
    size_t faults_before = reader->fault_count;
    pt_row_t row = {.unit = unit, .entry.mark = pt_read_mark(reader, item)};
    row.entry.rule = (pt_rule_t) {.max_attempts = PT_RULE_MAX_ATTEMPTS,
                                  .deadline_ms = PT_RULE_DEADLINE_MS,
                                  .alert_count = PT_RULE_PERSIST_ATTEMPTS,
                                  .alert_span_ms = PT_RULE_PERSIST_MS};
    s_read_keys(reader, item, &row);
    pt_settings_apply(&row.own, &row.entry.rule);
    if (item->kind == PT_NODE_MAP && row.answers_to != 1)
        pt_read_fault(reader, item, PT_FAULT_ANSWERS_TO, "an entry has exactly one of code, status and http, not %zu",
                      row.answers_to);
    if (reader->fault_count != faults_before || reader->out_of_memory)
        return;
    row.entry.id = s_make_id(reader, &row);
    unit->provider->entries[unit->provider->entry_count++] = row.entry;
}

static bool
s_share_code(const pt_source_entry_t *left, const pt_source_entry_t *right)
{
    for (size_t i = 0; i < left->code_count; i++)
        for (size_t j = 0; j < right->code_count; j++)
            if (strcmp(left->codes[i], right->codes[j]) == 0)
                return left->kind == right->kind;
    return false;
}

//  A template of such a code may fit a whole list, so its rows have to look for one as well.
static void
s_spread_lists(pt_source_provider_t *provider)
{
    for (size_t i = 0; i < provider->entry_count; i++) {
        const pt_source_entry_t *own = &provider->entries[i];
        if (own->message || !(own->rule.flags & PT_RULE_LISTS_REASONS))
            continue;
        for (size_t j = 0; j < provider->entry_count; j++)
            if (s_share_code(own, &provider->entries[j]))
                provider->entries[j].rule.flags |= PT_RULE_LISTS_REASONS;
    }
}

void
pt_compile_read_entries(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    size_t room = node->kind == PT_NODE_LIST ? node->count : 1;
    unit->provider->entries = pt_read_array(reader, room, sizeof *unit->provider->entries);
    if (!unit->provider->entries)
        return;
    (void) pt_read_list(reader, node, PT_YAML_NODES_MAX, s_read_entry, unit);
    s_spread_lists(unit->provider);
}
