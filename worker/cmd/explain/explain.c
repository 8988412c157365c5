/*  paytriage explain: what a code means and what to do about it, from the catalog alone; no bus,
 *  no daemon. The code goes through the same lookup and policy as a response would.
 */
#include "explain.h"
#include "cmd.h"
#include "cmd_catalog.h"
#include "cmd_options.h"
#include "cmd_unknown.h"

#include "pt_catalog.h"
#include "pt_policy.h"
#include "pt_todo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *provider, *code, *operation, *message, *search;
    cmd_output_t output;
    cmd_color_t color;
    pt_language_t language;
    pt_load_options_t load;
} explain_options_t;

static const struct argp_option s_options[] = {
    {"operation", 'p', "OP", 0, "what was asked of the gateway, such as pay_in or refund", 0},
    {"message", 'm', "TEXT", 0, "the gateway's message, where one code has several meanings", 0},
    {"lang", 'l', "LANG", 0, "en (default), th, zh-Hant or uk: the languages of the gateways' own documents", 0},
    {"search", 's', "WORDS", 0,
     "find entries by words in their codes, messages and summaries, the summaries in all languages", 0},
    {"output", 'o', "FORMAT", 0, "text (default), json (one document) or jsonl (a line for each answer)", 0},
    {0},
};

static void
s_parse_language(struct argp_state *state, const char *arg, explain_options_t *options)
{
    int language = arg ? pt_language_parse(pt_text_of(arg)) : -1;
    if (language < 0)
        argp_error(state, "--lang: '%s' is none of en, th, zh-Hant, uk", arg ? arg : "");
    else
        options->language = (pt_language_t) language;
}

static void
s_check_line(struct argp_state *state, const explain_options_t *options)
{
    bool is_fault = options->provider && state->arg_num == 1 && explain_is_fault(options->provider);
    if (options->search && state->arg_num > 1)
        argp_error(state, "--search takes a gateway at most; quote words that belong together");
    if (!options->search && state->arg_num == 1 && !is_fault)
        argp_error(state, "'%s' is half of a question: which gateway and which code? --search '%s' looks in all",
                   options->provider, options->provider);
    if (!options->search && state->arg_num < 2 && !is_fault)
        argp_error(state, "which gateway and which code?");
    if (state->arg_num < 2 && (options->operation || options->message))
        argp_error(state, "--operation and --message ask about one code of a gateway");
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    explain_options_t *options = state->input;
    switch (key) {
    case 'p':
        options->operation = arg;
        break;
    case 'm':
        options->message = arg;
        break;
    case 'l':
        s_parse_language(state, arg, options);
        break;
    case 's':
        options->search = arg;
        break;
    case 'o':
        options->output = cmd_output_document(state, arg);
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            options->provider = arg;
        else if (state->arg_num == 1)
            options->code = arg;
        else
            argp_error(state, "one gateway and one code at a time; quote a code that holds blanks");
        break;
    case ARGP_KEY_END:
        s_check_line(state, options);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .args_doc = "PROVIDER CODE\n--search WORDS [PROVIDER]\nPT1234",
    .doc = "What a gateway's code means, what happens to such a response, what to do and whom to tell.\v"
           "CODE is a code of the gateway, a status word of its bodies, the code of a field, or an HTTP status or "
           "class (503, 5xx). OP is one of the gateway's operations; a response may name any; one that the gateway "
           "does not have is treated as if none were named. --search forgives one typo per word. PT1234 is the id of a "
           "fault in a catalog.\n\n"
           "Examples:\n"
           "  paytriage explain opn insufficient_fund\n"
           "  paytriage explain smilepayz 5009000 -m 'Failed to generate order number'\n"
           "  paytriage explain jamespay not-found --operation query\n"
           "  paytriage explain smilepayz 4039000 --lang th\n"
           "  paytriage explain --search 'insufficient balance'\n"
           "  paytriage explain PT1103\n\n"
           "Exit: 0 known, 1 a word that is not known (the nearest ones are named), 64 a wrong command line, 78 a "
           "faulty catalog."};

static void
s_look_up(explain_answer_t *answer)
{
    pt_catalog_lookup(answer->catalog, answer->provider, &answer->response, &answer->facts, &answer->verdict);
}

//  "503" and "5xx" are HTTP statuses where the gateway has no such code.
static uint16_t
s_http_status(const char *code)
{
    bool class = strlen(code) == 3 && code[0] >= '1' && code[0] <= '5';
    if (!class)
        return 0;
    if (code[1] == 'x' && code[2] == 'x')
        return (uint16_t) ((code[0] - '0') * 100 + 99);
    return isdigit((unsigned char) code[1]) && isdigit((unsigned char) code[2]) ? (uint16_t) atoi(code) : 0;
}

//  Ask for a code first, then for a marker, then for an HTTP status. True when a row answered.
static bool
s_ask(const explain_options_t *options, explain_answer_t *answer)
{
    pt_text_t code = pt_text_of(options->code);
    answer->response.provider = pt_text_of(options->provider);
    answer->response.operation = pt_text_of(options->operation);
    answer->response.attempt = 1;
    answer->facts.is_map = true;
    answer->facts.codes[0] = code;
    answer->facts.messages[0] = pt_text_of(options->message);
    s_look_up(answer);
    if (!answer->verdict.code_unknown && answer->verdict.entry)
        return true;

    answer->facts.codes[0] = PT_TEXT_NONE;
    answer->facts.statuses[0] = code;
    s_look_up(answer);
    if (answer->verdict.entry && answer->verdict.match == PT_MATCH_STATUS)
        return true;

    answer->facts.statuses[0] = PT_TEXT_NONE;
    answer->response.http_status = s_http_status(options->code);
    s_look_up(answer);
    return answer->verdict.match == PT_MATCH_HTTP_CLASS;
}

//  What stands in a row; where a built-in rule answers for an HTTP class, what can be said of that.
static pt_entry_view_t
s_view(const explain_options_t *options, const explain_answer_t *answer)
{
    const pt_verdict_t *verdict = &answer->verdict;
    if (verdict->entry)
        return pt_catalog_entry_view(answer->catalog, verdict->entry);
    return (pt_entry_view_t) {.id = verdict->entry_id,
                              .rule = verdict->rule,
                              .code = pt_text_of(options->code),
                              .summary = verdict->summary,
                              .todo = pt_action_todo((pt_action_t) verdict->rule->action),
                              .cite = PT_TEXT("the rules for HTTP statuses of any gateway")};
}

static int
s_refuse_code(const explain_options_t *options, const explain_answer_t *answer)
{
    pt_text_t id = pt_provider_id(answer->provider);
    cmd_fail(CMD_EXIT_NO, NULL, "%.*s has no code '%s'; on the bus it goes to an operator as unknown_code",
             (int) id.len, id.data, options->code);
    cmd_unknown_hint_codes(answer->catalog, answer->provider, options->code);
    return CMD_EXIT_NO;
}

//  A wording that no row has is answered, as on the bus, and said.
static void
s_note_message(const explain_options_t *options, const explain_answer_t *answer)
{
    bool was_read = answer->verdict.match == PT_MATCH_MESSAGE || answer->verdict.match == PT_MATCH_TEMPLATE;
    if (options->message && !was_read)
        fputs("note: no entry of this code has that message, so this is the answer for any other one\n", stderr);
}

//  So is a row of other operations than the one that was asked about.
static void
s_note_operation(const explain_options_t *options, const explain_answer_t *answer)
{
    pt_text_t held = answer->view.operations;
    if (options->operation && answer->verdict.match == PT_MATCH_CODE_ANY_OPERATION && held.len)
        fprintf(stderr, "note: no entry of this code is for %s; this one is for %.*s\n", options->operation,
                (int) held.len, held.data);
}

//  So is a row that asks a payer to pay whom the operation does not have.
static void
s_note_payer(const explain_options_t *options, const explain_answer_t *answer)
{
    if (options->operation && answer->verdict.contradicted && pt_rule_asks_to_pay(answer->verdict.rule))
        fprintf(stderr, "note: nobody pays by %s, so the gateway is asked what this refusal is about\n",
                options->operation);
}

static int
s_print_answer(const explain_options_t *options, explain_answer_t *answer)
{
    answer->view = s_view(options, answer);
    pt_policy_decide(&answer->verdict, &answer->response, &answer->facts, pt_catalog_hash(answer->catalog),
                     cmd_now_ms(), &answer->decision);
    //  A row's advice is for its own action; the policy may have chosen a safer one. What it asks people to do holds
    //  where the order is asked about meanwhile: they are told at once.
    pt_action_t advised = (pt_action_t) answer->verdict.rule->action;
    bool is_escalated = advised == PT_ACTION_CONTACT_PROVIDER && answer->decision.action == PT_ACTION_QUERY_STATUS;
    if (answer->decision.action != advised) {
        if (!is_escalated)
            answer->view.todo = pt_action_todo(answer->decision.action);
        answer->view.merchant = PT_TEXT_NONE;
    }
    answer->view.summary = pt_texts_say(&answer->texts, answer->view.summary);
    answer->view.todo = pt_texts_say(&answer->texts, answer->view.todo);
    bool color = cmd_use_color(options->color, stdout);
    if (options->output == CMD_OUTPUT_TEXT)
        explain_print_text(answer, color);
    else
        explain_print_json(answer, options->output);
    if (options->output == CMD_OUTPUT_TEXT)
        (void) explain_print_field(answer, pt_text_of(options->code), options->output, color);
    s_note_message(options, answer);
    s_note_operation(options, answer);
    s_note_payer(options, answer);
    return cmd_flush();
}

static int
s_answer(const explain_options_t *options, explain_answer_t *answer)
{
    if (s_ask(options, answer))
        return s_print_answer(options, answer);
    bool color = cmd_use_color(options->color, stdout);
    if (explain_print_field(answer, pt_text_of(options->code), options->output, color))
        return cmd_flush();
    return s_refuse_code(options, answer);
}

static int
s_explain(const explain_options_t *options, const pt_catalog_t *catalog)
{
    static explain_answer_t answer;
    answer.catalog = catalog;
    if (options->provider) {
        answer.provider = pt_catalog_provider(catalog, pt_text_of(options->provider));
        if (!answer.provider)
            return cmd_unknown_provider(CMD_EXIT_NO, catalog, options->provider);
    }
    if (options->search)
        return explain_search(catalog, answer.provider, options->search, options->language, options->output);
    if (options->operation && !cmd_unknown_is_operation(catalog, answer.provider, options->operation))
        return cmd_unknown_operation(answer.provider, options->operation);
    if (pt_texts_open(&answer.texts, options->language) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "no memory for the texts");
    int code = s_answer(options, &answer);
    pt_texts_clear(&answer.texts);
    return code;
}

static int
s_explain_all(const explain_options_t *options)
{
    if (!options->search && !options->code)
        return explain_fault(options->provider, options->output);
    pt_load_t load;
    const pt_catalog_t *catalog;
    int code = cmd_catalog_open(&options->load, &load, &catalog);
    if (code == EX_OK)
        code = s_explain(options, catalog);
    pt_load_clear(&load);
    return code;
}

int
cmd_explain(int argc, char **argv)
{
    explain_options_t options = {0};
    pt_config_t config;
    int code = cmd_parse(PT_FOR_EXPLAIN, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    options.color = (cmd_color_t) pt_config_number(&config, PT_OPTION_COLOR);
    cmd_options_catalog(&config, &options.load);
    code = s_explain_all(&options);
    pt_config_clear(&config);
    return code;
}
