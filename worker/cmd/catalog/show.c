/*  paytriage catalog show: entries as they are, after overlays and policies. */
#include "cmd_catalog.h"
#include "cmd_text.h"
#include "cmd_unknown.h"

#include "pt_catalog.h"

#include <string.h>

typedef struct {
    pt_load_options_t load;
    const char *provider, *code;
    cmd_output_t output;
    bool origin;
} show_options_t;

//  One entry, and its source where there is one.
typedef struct {
    pt_entry_view_t view;
    const pt_source_entry_t *source;
    pt_text_t provider;
} row_t;

enum { KEY_PROVIDER = 'g', KEY_CODE = 'k', KEY_ORIGIN = 0x100 };

static const struct argp_option s_options[] = {
    {"provider", KEY_PROVIDER, "ID", 0, "only this gateway", 0},
    {"code", KEY_CODE, "CODE", 0, "only this code, status or HTTP class; each entry in full", 0},
    {"origin", KEY_ORIGIN, 0, 0, "where each value comes from, as FILE:LINE; each entry in full", 0},
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    show_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->load;
        break;
    case KEY_PROVIDER:
        options->provider = arg;
        break;
    case KEY_CODE:
        options->code = arg;
        break;
    case KEY_ORIGIN:
        options->origin = options->load.keep_origins = options->load.yaml_only = true;
        break;
    case 'o':
        options->output = cmd_output(state, arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc = "Print the entries of a catalog as they are after overlays and policies; without a PATH, the "
           "built-in ones.\v"
           "Examples:\n"
           "  paytriage catalog show --provider opn\n"
           "  paytriage catalog show our-opn.yaml --code insufficient_fund --origin\n"
           "  paytriage catalog show catalog.ptc -o jsonl\n\n"
           "Exit: 0 something was printed, 1 no such entry or the YAML is at fault, 66 no such file, 78 a "
           "refused image.",
    .children = cmd_catalog_children};

//  The last origin of a key counts: an entry's own value stands behind its policies'.
static const pt_source_origin_t *
s_find_origin(const row_t *row, const char *key)
{
    const pt_source_origin_t *found = NULL;
    for (size_t i = 0; row->source && i < row->source->origin_count; i++)
        if (strcmp(row->source->origins[i].key, key) == 0)
            found = &row->source->origins[i];
    return found;
}

static const char *
s_origin_text(const row_t *row, const char *key, char *out, size_t room)
{
    const pt_source_origin_t *origin = s_find_origin(row, key);
    if (!origin)
        snprintf(out, room, "default");
    else
        snprintf(out, room, "%s:%u%s%s", origin->mark.file, origin->mark.line, origin->policy ? " policy " : "",
                 origin->policy ? origin->policy : "");
    return out;
}

static void
s_print_value(const show_options_t *options, const row_t *row, const char *key, const char *value)
{
    char origin[400];
    printf("  %-15s ", key);
    cmd_text_print_foreign(stdout, pt_text_of(value), 0);
    if (options->origin)
        printf("  [%s]", s_origin_text(row, key, origin, sizeof origin));
    putchar('\n');
}

static void
s_print_text(const show_options_t *options, const row_t *row, const char *key, pt_text_t text)
{
    char value[2200];
    if (!pt_text_is_set(text))
        return;
    snprintf(value, sizeof value, "%.*s", (int) text.len, text.data);
    s_print_value(options, row, key, value);
}

static void
s_join_delays(const pt_rule_t *rule, char *out, size_t room)
{
    char delay[32];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < rule->delay_count && used < room; i++)
        used +=
            (size_t) snprintf(out + used, room - used, "%s%s", i ? ", " : "", cmd_text_delay(rule->delay_ms[i], delay));
    if (rule->delay_count == 0)
        snprintf(out, room, "the action's usual ones");
}

static void
s_join_alert(const pt_rule_t *rule, char *out, size_t room)
{
    size_t used = 0;
    for (unsigned i = 0; i < PT_AUDIENCE_COUNT_; i++)
        if (rule->audience & PT_AUDIENCE_BIT(i))
            used += (size_t) snprintf(out + used, room - used, "%s%s", used ? ", " : "",
                                      pt_audience_text((pt_audience_t) i));
    snprintf(out + used, room - used, "; %s; %s", pt_severity_text((pt_severity_t) rule->severity),
             pt_alert_when_text((pt_alert_when_t) rule->when));
}

static void
s_print_rule(const show_options_t *options, const row_t *row)
{
    const pt_rule_t *rule = row->view.rule;
    char value[256];
    if (pt_action_is_retry((pt_action_t) rule->action)) {
        s_join_delays(rule, value, sizeof value);
        s_print_value(options, row, "delays", value);
        snprintf(value, sizeof value, "%u", rule->max_attempts);
        s_print_value(options, row, "max_attempts", value);
        s_print_value(options, row, "deadline", cmd_text_delay(rule->deadline_ms, value));
        s_print_value(options, row, "if_absent",
                      rule->flags & PT_RULE_IF_ABSENT_DEAD_LETTER ? "dead_letter" : "resubmit");
    }
    if (rule->flags & PT_RULE_ALERT) {
        s_join_alert(rule, value, sizeof value);
        s_print_value(options, row, "alert", value);
    }
    if (rule->flags & PT_RULE_HEALTH)
        s_print_value(options, row, "health", "true");
    if (rule->flags & PT_RULE_DEFER_TO_STATUS)
        s_print_value(options, row, "defer_to_status", "true");
    if (rule->flags & PT_RULE_LISTS_REASONS)
        s_print_value(options, row, "lists_reasons", "true");
    if (rule->flags & PT_RULE_JUDGED)
        s_print_value(options, row, "judged", "true");
}

static const char *
s_kind_key(const row_t *row)
{
    static const char *const keys[] = {"code", "status", "http"};
    return keys[row->view.kind];
}

static void
s_print_block(const show_options_t *options, const row_t *row)
{
    const pt_entry_view_t *view = &row->view;
    printf("%.*s\n", (int) view->id.len, view->id.data);
    s_print_text(options, row, s_kind_key(row), view->code);
    for (size_t i = 1; row->source && i < row->source->code_count; i++)
        s_print_text(options, row, "also", pt_text_of(row->source->codes[i]));
    s_print_text(options, row, "operation", view->operations);
    s_print_text(options, row, "message", view->message);
    s_print_text(options, row, "subcode", view->subcode);
    s_print_value(options, row, "category", pt_category_text((pt_category_t) view->rule->category));
    s_print_value(options, row, "outcome", pt_outcome_text((pt_outcome_t) view->rule->outcome));
    s_print_value(options, row, "action", pt_action_text((pt_action_t) view->rule->action));
    s_print_rule(options, row);
    s_print_text(options, row, "summary", view->summary);
    s_print_text(options, row, "todo", view->todo);
    s_print_text(options, row, "merchant", view->merchant);
    s_print_text(options, row, "cite", view->cite);
}

static void
s_print_line(const row_t *row)
{
    const pt_entry_view_t *view = &row->view;
    printf("%-48.*s %-20s %-12s %-19s", (int) view->id.len, view->id.data,
           pt_category_text((pt_category_t) view->rule->category), pt_outcome_text((pt_outcome_t) view->rule->outcome),
           pt_action_text((pt_action_t) view->rule->action));
    if (view->message.data) {
        fputs(" \"", stdout);
        cmd_text_print_foreign(stdout, view->message, 80);
        putchar('"');
    }
    putchar('\n');
}

static json_t *
s_alert_json(const pt_rule_t *rule)
{
    json_t *audience = json_array();
    for (unsigned i = 0; i < PT_AUDIENCE_COUNT_; i++)
        if (rule->audience & PT_AUDIENCE_BIT(i))
            json_array_append_new(audience, json_string(pt_audience_text((pt_audience_t) i)));
    json_t *json =
        json_pack("{so ss ss}", "audience", audience, "severity", pt_severity_text((pt_severity_t) rule->severity),
                  "when", pt_alert_when_text((pt_alert_when_t) rule->when));
    if (json && rule->when == PT_ALERT_WHEN_IF_PERSISTENT) {
        json_object_set_new(json, "attempts", json_integer(rule->alert_count));
        json_object_set_new(json, "elapsed_ms", json_integer(rule->alert_span_ms));
    }
    if (json && rule->when == PT_ALERT_WHEN_IF_FREQUENT && rule->alert_span_ms) {
        json_object_set_new(json, "count", json_integer(rule->alert_count));
        json_object_set_new(json, "within_ms", json_integer(rule->alert_span_ms));
    }
    return json;
}

static json_t *
s_split_json(pt_text_t names)
{
    json_t *list = json_array();
    for (size_t at = 0; at < names.len;) {
        const char *comma = memchr(names.data + at, ',', names.len - at);
        size_t end = comma ? (size_t) (comma - names.data) : names.len;
        json_array_append_new(list, json_stringn(names.data + at, end - at));
        at = end + 1;
    }
    return list;
}

static json_t *
s_origin_json(const row_t *row)
{
    json_t *json = json_object();
    for (size_t i = 0; row->source && i < row->source->origin_count; i++) {
        char text[400];
        const char *key = row->source->origins[i].key;
        json_object_set_new(json, key, json_string(s_origin_text(row, key, text, sizeof text)));
    }
    return json;
}

static void
s_add_retry(json_t *json, const pt_rule_t *rule)
{
    json_t *delays = json_array();
    for (size_t i = 0; i < rule->delay_count; i++)
        json_array_append_new(delays, json_integer(rule->delay_ms[i]));
    json_object_set_new(json, "delays_ms", delays);
    json_object_set_new(json, "max_attempts", json_integer(rule->max_attempts));
    json_object_set_new(json, "deadline_ms", json_integer(rule->deadline_ms));
    json_object_set_new(json, "if_absent",
                        json_string(rule->flags & PT_RULE_IF_ABSENT_DEAD_LETTER ? "dead_letter" : "resubmit"));
}

static void
s_print_json(const show_options_t *options, const row_t *row)
{
    const pt_entry_view_t *view = &row->view;
    const pt_rule_t *rule = view->rule;
    json_t *json = json_pack(
        "{so so so so so so ss ss ss sb sb sb so so so so}", "id", cmd_catalog_text_json(view->id), "provider",
        cmd_catalog_text_json(row->provider), s_kind_key(row), cmd_catalog_text_json(view->code), "operations",
        s_split_json(view->operations), "message", cmd_catalog_text_json(view->message), "subcode",
        cmd_catalog_text_json(view->subcode), "category", pt_category_text((pt_category_t) rule->category), "outcome",
        pt_outcome_text((pt_outcome_t) rule->outcome), "action", pt_action_text((pt_action_t) rule->action), "health",
        (rule->flags & PT_RULE_HEALTH) != 0, "defer_to_status", (rule->flags & PT_RULE_DEFER_TO_STATUS) != 0, "judged",
        (rule->flags & PT_RULE_JUDGED) != 0, "summary", cmd_catalog_text_json(view->summary), "todo",
        cmd_catalog_text_json(view->todo), "merchant", cmd_catalog_text_json(view->merchant), "cite",
        cmd_catalog_text_json(view->cite));
    if (json && pt_action_is_retry((pt_action_t) rule->action))
        s_add_retry(json, rule);
    if (json && rule->flags & PT_RULE_ALERT)
        json_object_set_new(json, "alert", s_alert_json(rule));
    if (json && options->origin)
        json_object_set_new(json, "origin", s_origin_json(row));
    cmd_catalog_print_json(json);
}

static void
s_print_row(const show_options_t *options, const row_t *row)
{
    if (options->output == CMD_OUTPUT_JSONL)
        s_print_json(options, row);
    else if (options->origin || options->code)
        s_print_block(options, row);
    else
        s_print_line(row);
}

//  Entries stand in the order of their sources, so both are walked in step.
static const pt_source_entry_t *
s_next_source(const pt_source_t *source, size_t *provider, size_t *entry)
{
    while (*provider < source->provider_count && *entry == source->providers[*provider].entry_count) {
        ++*provider;
        *entry = 0;
    }
    return *provider < source->provider_count ? &source->providers[*provider].entries[(*entry)++] : NULL;
}

static int
s_refuse_entry(const show_options_t *options, const pt_catalog_t *catalog, const pt_provider_t *provider)
{
    if (!options->code)
        return cmd_fail(CMD_EXIT_NO, NULL, "%s has no entries", options->provider ? options->provider : "the catalog");
    cmd_fail(CMD_EXIT_NO, NULL, "%s has no entry for '%s'", options->provider ? options->provider : "the catalog",
             options->code);
    cmd_unknown_hint_codes(catalog, provider, options->code);
    return CMD_EXIT_NO;
}

static int
s_show(const show_options_t *options, const pt_load_t *load)
{
    const pt_catalog_t *catalog = load->catalog;
    const pt_provider_t *wanted = NULL;
    size_t provider = 0, place = 0, printed = 0;
    if (options->provider) {
        wanted = pt_catalog_provider(catalog, pt_text_of(options->provider));
        if (!wanted)
            return cmd_unknown_provider(CMD_EXIT_NO, catalog, options->provider);
    }
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        const pt_provider_t *owner = pt_catalog_entry_provider(catalog, entry);
        row_t row = {pt_catalog_entry_view(catalog, entry), s_next_source(&load->source, &provider, &place),
                     pt_provider_id(owner)};
        bool is_code = !options->code || pt_text_equal(row.view.code, pt_text_of(options->code));
        for (size_t also = 1; !is_code && row.source && also < row.source->code_count; also++)
            is_code = strcmp(row.source->codes[also], options->code) == 0;
        if (!is_code || (wanted && owner != wanted))
            continue;
        s_print_row(options, &row);
        printed++;
    }
    return printed ? cmd_flush() : s_refuse_entry(options, catalog, wanted);
}

int
cmd_catalog_show(int argc, char **argv)
{
    show_options_t options = {0};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);

    pt_load_t load;
    int code = cmd_catalog_load(&options.load, CMD_EXIT_NO, &load);
    if (code == EX_OK)
        code = s_show(&options, &load);
    pt_load_clear(&load);
    return code;
}
