/*  An answer of paytriage explain, for people and for programs. */
#include "explain.h"

#include "cmd_text.h"

#include "pt_json_text.h"

#include <inttypes.h>
#include <stdlib.h>

//  Every word that people read goes through here.
const char *
explain_say(const explain_answer_t *answer, const char *english)
{
    return pt_texts_say(&answer->texts, pt_text_of(english)).data; //  terminated, as YAML's scalars are
}

#define LABEL_COLUMNS 10 //  the longest label of any language; English ones have at most 9

void
explain_print_label(const explain_answer_t *answer, const char *label, bool color)
{
    int width = answer->texts.language == PT_LANGUAGE_EN ? 9 : LABEL_COLUMNS;
    int blanks = width - (int) cmd_text_columns(pt_text_of(label));
    printf("  %s%s%s%*s ", color ? "\033[1m" : "", label, color ? "\033[0m" : "", blanks > 0 ? blanks : 0, "");
}

static void
s_print_happens(const explain_answer_t *answer, bool color)
{
    const pt_decision_t *decision = &answer->decision;
    char delay[32], deadline[32];
    explain_print_label(answer, explain_say(answer, "Happens"), color);
    printf("%s, action %s", pt_route_text(decision->route), pt_action_text(decision->action));
    if (decision->retry.present)
        printf(" after %s; at most %" PRIu32 " attempts within %s", cmd_text_delay(decision->retry.delay_ms, delay),
               decision->retry.max_attempts,
               cmd_text_delay(decision->retry.deadline_ms - decision->decided_ms, deadline));
    putchar('\n');
    if (decision->retry.present && decision->action == PT_ACTION_QUERY_STATUS) {
        explain_print_label(answer, "", false);
        printf("if the gateway knows no such order: %s%s\n",
               decision->retry.if_absent == PT_ACTION_RESUBMIT ? "resubmit" : "dead_letter",
               decision->confirm_as_success ? "; if it does, count it as success once confirmed" : "");
    }
    explain_print_label(answer, "", false);
    printf("category %s, outcome %s\n", pt_category_text(decision->category), pt_outcome_text(decision->outcome));
}

static void
s_print_tell(const explain_answer_t *answer, bool color)
{
    const pt_alert_t *alert = &answer->decision.alert;
    static const char *const when[] = {"at once", "if it is frequent", "if it persists"};
    explain_print_label(answer, explain_say(answer, "Tell"), color);
    if (!alert->present)
        printf("%s", explain_say(answer, "nobody"));
    for (unsigned i = 0, printed = 0; alert->present && i < PT_AUDIENCE_COUNT_; i++)
        if (alert->audience & PT_AUDIENCE_BIT(i))
            printf("%s%s", printed++ ? ", " : "", explain_say(answer, pt_audience_text((pt_audience_t) i)));
    if (alert->present)
        printf(" %s (%s)", explain_say(answer, when[alert->when]), pt_severity_text(alert->severity));
    putchar('\n');
}

//  The rows that share the code but not the meaning.
static void
s_print_others(const explain_answer_t *answer, bool color)
{
    const pt_catalog_t *catalog = answer->catalog;
    bool first = true;
    for (size_t i = 0; answer->verdict.entry && i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        if (entry == answer->verdict.entry || pt_catalog_entry_provider(catalog, entry) != answer->provider ||
            view.kind != answer->view.kind || !pt_text_equal(view.code, answer->view.code))
            continue;
        explain_print_label(answer, first ? explain_say(answer, "Also") : "", color && first);
        first = false;
        printf("%.*s", (int) view.id.len, view.id.data);
        if (view.message.data)
            printf("  \"%.*s\"", (int) view.message.len, view.message.data);
        printf("  %s\n", pt_action_text((pt_action_t) view.rule->action));
    }
}

static void
s_print_reasons(const explain_answer_t *answer, bool color)
{
    for (size_t i = 0; i < answer->decision.reason_count; i++) {
        const pt_pair_t *reason = &answer->decision.reasons[i];
        explain_print_label(answer, i ? "" : explain_say(answer, "Reasons"), color && !i);
        cmd_text_print_foreign(stdout, reason->name, 0);
        printf("  %.*s\n", (int) reason->value.len, reason->value.data);
    }
}

static void
s_print_values(const explain_answer_t *answer, bool color)
{
    for (size_t i = 0; i < answer->verdict.param_count; i++) {
        const pt_pair_t *value = &answer->verdict.params[i];
        explain_print_label(answer, i ? "" : explain_say(answer, "Values"), color && !i);
        printf("%.*s = ", (int) value->name.len, value->name.data);
        cmd_text_print_foreign(stdout, value->value, 0);
        putchar('\n');
    }
}

//  The code, and the message that the answer is for.
static void
s_print_title(const explain_answer_t *answer, bool color)
{
    const pt_entry_view_t *view = &answer->view;
    pt_text_t name = pt_provider_name(answer->provider);
    printf("%.*s %s%.*s%s", (int) name.len, name.data, color ? "\033[1m" : "", (int) view->code.len, view->code.data,
           color ? "\033[0m" : "");
    if (view->message.data)
        printf("  \"%.*s\"", (int) view->message.len, view->message.data);
    printf("\n");
}

void
explain_print_text(const explain_answer_t *answer, bool color)
{
    const pt_entry_view_t *view = &answer->view;
    char script[EXPLAIN_SCRIPT_BYTES];
    s_print_title(answer, color);
    explain_print_label(answer, explain_say(answer, "Means"), color);
    printf("%.*s\n", (int) view->summary.len, view->summary.data);
    s_print_happens(answer, color);
    explain_print_label(answer, explain_say(answer, "Do"), color);
    printf("%.*s\n", (int) view->todo.len, view->todo.data);
    s_print_tell(answer, color);
    explain_print_label(answer, explain_say(answer, "Merchant"), color);
    printf("%s\n", explain_script(answer, script));
    s_print_reasons(answer, color);
    explain_print_label(answer, explain_say(answer, "Source"), color);
    printf("%.*s", (int) view->cite.len, view->cite.data);
    if (view->rule->flags & PT_RULE_JUDGED)
        printf("; %s", explain_say(answer, "the handling is our judgement"));
    putchar('\n');
    explain_print_label(answer, explain_say(answer, "Entry"), color);
    printf("%.*s, found by %s\n", (int) view->id.len, view->id.data, pt_match_text(answer->verdict.match));
    s_print_values(answer, color);
    s_print_others(answer, color);
}

static json_t *
s_json_text(pt_text_t text)
{
    return text.data ? pt_json_string(text) : json_null();
}

static json_t *
s_json_audience(const pt_alert_t *alert)
{
    json_t *audience = json_array();
    for (unsigned i = 0; i < PT_AUDIENCE_COUNT_; i++)
        if (alert->present && alert->audience & PT_AUDIENCE_BIT(i))
            json_array_append_new(audience, json_string(pt_audience_text((pt_audience_t) i)));
    return audience;
}

static json_t *
s_json_params(const pt_verdict_t *verdict)
{
    json_t *params = json_object();
    for (size_t i = 0; i < verdict->param_count; i++) {
        pt_text_t name = verdict->params[i].name;
        json_object_setn_new(params, name.data, name.len, pt_json_string(verdict->params[i].value));
    }
    return params;
}

void
explain_print_value(json_t *json, cmd_output_t output)
{
    char *text = json ? json_dumps(json, output == CMD_OUTPUT_JSON ? JSON_INDENT(2) : JSON_COMPACT) : NULL;
    if (text)
        puts(text);
    else
        (void) cmd_fail(EX_OSERR, NULL, "no memory to print");
    free(text);
    json_decref(json);
}

void
explain_print_json(const explain_answer_t *answer, cmd_output_t output)
{
    const pt_decision_t *decision = &answer->decision;
    const pt_entry_view_t *view = &answer->view;
    char script[EXPLAIN_SCRIPT_BYTES];
    json_t *json = json_pack("{so so so so so ss ss ss ss ss ss so so so sb so so ss so}", "provider",
                             s_json_text(pt_provider_id(answer->provider)), "entry", s_json_text(view->id), "code",
                             s_json_text(view->code), "message", s_json_text(view->message), "operations",
                             s_json_text(view->operations), "match", pt_match_text(answer->verdict.match), "category",
                             pt_category_text(decision->category), "outcome", pt_outcome_text(decision->outcome),
                             "route", pt_route_text(decision->route), "action", pt_action_text(decision->action),
                             "when", decision->alert.present ? pt_alert_when_text(decision->alert.when) : "never",
                             "audience", s_json_audience(&decision->alert), "summary", s_json_text(view->summary),
                             "todo", s_json_text(view->todo), "judged", (view->rule->flags & PT_RULE_JUDGED) != 0,
                             "params", s_json_params(&answer->verdict), "cite", s_json_text(view->cite), "lang",
                             pt_language_text(answer->texts.language), "merchant",
                             pt_json_string(pt_text_of(explain_script(answer, script))));
    explain_print_value(json, output);
}
