/*  paytriage journal list, show and export. */
#include "journal.h"

#include "cmd_text.h"
#include "pt_decision.h"
#include "pt_json.h"
#include "pt_mask.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct argp_child s_children[] = {
    {&journal_common_argp, 0, NULL, 0}, {&journal_filter_argp, 0, NULL, 0}, {0}};

//  A value as JSON; a response that is no msgpack as base64.
static json_t *
s_json_of(pt_bytes_t bytes)
{
    char *text = NULL;
    json_t *json = NULL;
    if (pt_json_of_msgpack(bytes, &text) == PT_OK)
        json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    free(text);
    return json;
}

char *
journal_decision_json(const journal_options_t *options, const pt_decision_t *decision)
{
    pt_decision_t shown = *decision;
    shown.masking = options->masking;
    return pt_decision_json(&shown);
}

static json_t *
s_decision_json(const journal_options_t *options, const pt_decision_t *decision)
{
    char *text = journal_decision_json(options, decision);
    json_t *json = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    free(text);
    return json ? json : json_null();
}

//  What is kept stays as it came, byte for byte, so that it can be put in again; only a copy is masked.
static json_t *
s_response_json(const journal_options_t *options, pt_bytes_t response)
{
    uint8_t *copy = malloc(response.len + 1);
    json_t *json = NULL;
    if (copy) {
        memcpy(copy, response.data, response.len);
        if (options->masking != PT_MASKING_NONE)
            pt_mask_response(response, copy);
        json = s_json_of((pt_bytes_t) {copy, response.len});
    }
    free(copy);
    return json ? json : json_null();
}

static json_t *
s_entry_json(const journal_options_t *options, const journal_entry_t *entry)
{
    json_t *json = json_object();
    json_object_set_new(json, "topic", json_string(entry->topic));
    json_object_set_new(json, "seq", json_integer((json_int_t) entry->seq));
    json_object_set_new(json, "decision", s_decision_json(options, entry->decision));
    if (entry->response.data)
        json_object_set_new(json, "response", s_response_json(options, entry->response));
    return json;
}

static bool
s_print_json(const journal_options_t *options, const journal_entry_t *entry, size_t flags)
{
    json_t *json = s_entry_json(options, entry);
    bool well = json_dumpf(json, stdout, flags) == 0;
    json_decref(json);
    return well && putchar('\n') != EOF;
}

//  ---- list

bool
journal_print_entry(const journal_options_t *options, const journal_entry_t *entry)
{
    if (options->output == CMD_OUTPUT_JSONL)
        return s_print_json(options, entry, JSON_COMPACT);
    printf("%s %" PRIu64 "  ", entry->topic, entry->seq);
    cmd_text_print(stdout, entry->decision, cmd_use_color(options->color, stdout));
    return !ferror(stdout);
}

//  A walk, and whether it found anything.
typedef struct {
    const journal_options_t *options;
    bool (*print)(const journal_options_t *options, const journal_entry_t *entry);
    bool found;
} list_t;

static bool
s_list_entry(void *context, const journal_entry_t *entry)
{
    list_t *self = context;
    self->found = true;
    return self->print(self->options, entry);
}

static int
s_walk(const journal_options_t *options, bool responses,
       bool (*print)(const journal_options_t *options, const journal_entry_t *entry))
{
    pt_store_t *store;
    int code = journal_open(options, &store);
    if (code != EX_OK)
        return code;
    list_t self = {options, print, false};
    code = journal_walk(store, options, responses, s_list_entry, &self);
    if (code == EX_OK && !self.found)
        journal_note_nothing(options, store);
    pt_store_close(&store);
    int flushed = cmd_flush();
    return code == EX_OK ? flushed : code;
}

int
cmd_journal_list(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = journal_parse,
        .doc = "Print the decisions that a journal keeps, one per line, by topic and number.\v"
               "Examples:\n"
               "  paytriage journal list --topic dead_letter. --newer 1h\n"
               "  paytriage journal list --provider opn --category decline_hard\n\n"
               "Exit: 0 done, 65 the journal is damaged, 66 there is none, 77 not permitted.",
        .children = s_children};
    journal_options_t options = {.argp_children = 2, .category = -1};
    int parsed = journal_parse_line(PT_FOR_LISTING, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    return s_walk(&options, options.output == CMD_OUTPUT_JSONL, journal_print_entry);
}

//  ---- export

static bool
s_export_entry(const journal_options_t *options, const journal_entry_t *entry)
{
    return s_print_json(options, entry, JSON_COMPACT);
}

int
cmd_journal_export(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&journal_lines_argp, 0, NULL, 0}, {&journal_filter_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .parser = journal_parse,
        .doc = "Print decisions with the responses that they are about, as JSON Lines.\v"
               "A line has topic, seq, decision and, where it is kept, response. The responses alone can be sent "
               "again, with --reveal as they came:\n"
               "  paytriage journal export --reveal -t dead_letter. |\n    jq -c .response | paytriage classify\n\n"
               "Exit: 0 done, 65 the journal is damaged, 66 there is none, 77 not permitted.",
        .children = children};
    journal_options_t options = {.argp_children = 2, .category = -1};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    return s_walk(&options, true, s_export_entry);
}

//  ---- show

static bool
s_show_entry(void *context, const journal_entry_t *entry)
{
    const journal_options_t *options = context;
    s_print_json(options, entry, options->output == CMD_OUTPUT_JSONL ? JSON_COMPACT : JSON_INDENT(2));
    return false;
}

//  A topic and a number.
static int
s_show(const journal_options_t *options)
{
    char *end = NULL;
    errno = 0;
    const char *number = options->arguments[1];
    uint64_t seq = *number >= '0' && *number <= '9' ? strtoull(number, &end, 10) : 0;
    if (!seq || errno || *end)
        return cmd_fail(EX_USAGE, NULL, "'%s' is not the number of a decision", number);
    pt_store_t *store;
    int code = journal_open(options, &store);
    if (code != EX_OK)
        return code;
    code = journal_find(store, options->arguments[0], seq, s_show_entry, (void *) (uintptr_t) options);
    pt_store_close(&store);
    if (code == CMD_EXIT_NO)
        return cmd_fail(CMD_EXIT_NO, "'paytriage journal info' shows what is kept", "%s has no decision %s",
                        options->arguments[0], number);
    int flushed = cmd_flush();
    return code == EX_OK ? flushed : code;
}

int
cmd_journal_show(int argc, char **argv)
{
    static const struct argp_child children[] = {{&journal_common_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .parser = journal_parse,
        .args_doc = "TOPIC SEQ",
        .doc = "Print one decision and the response that it is about.\v"
               "Example:\n"
               "  paytriage journal show dead_letter.opn. 12\n\n"
               "Exit: 0 done, 1 there is no such decision, 65 the journal is damaged, 66 there is none, 77 not "
               "permitted.",
        .children = children};
    journal_options_t options = {.argp_children = 1, .category = -1, .argument_max = 2};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    if (options.argument_count != 2)
        return cmd_fail(EX_USAGE, "paytriage journal show dead_letter.opn. 12", "name a topic and a number");
    return s_show(&options);
}
