/*  paytriage journal replay: a stretch of one topic, printed as `tail` printed it. */
#include "journal.h"

#include "cmd_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FROM = 0x500, KEY_COUNT };

typedef struct {
    const journal_options_t *options;
    uint64_t next_seq;
} replay_t;

static const struct argp_option s_options[] = {
    {"topic", 't', "TOPIC", 0, "the whole name, such as retry.opn.", 0},
    {"from", KEY_FROM, "SEQ", 0, "the first number (default: the first that is kept)", 0},
    {"count", KEY_COUNT, "N", 0, "at most N decisions", 0},
    {0},
};

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    journal_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        break;
    case 't':
        options->topic = arg;
        break;
    case KEY_FROM:
        options->from_seq = cmd_number(state, "--from", arg, 1, PT_WIRE_INTEGER_MAX);
        break;
    case KEY_COUNT:
        options->limit = cmd_number(state, "--count", arg, 1, UINT64_MAX);
        break;
    case ARGP_KEY_END:
        if (!options->topic)
            argp_error(state, "--topic TOPIC is needed");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool
s_print_entry(void *context, const journal_entry_t *entry)
{
    replay_t *self = context;
    self->next_seq = entry->seq + 1;
    if (self->options->output == CMD_OUTPUT_TEXT) {
        cmd_text_print(stdout, entry->decision, cmd_use_color(self->options->color, stdout));
        return !ferror(stdout);
    }
    char *json = journal_decision_json(self->options, entry->decision);
    bool well = json && puts(json) != EOF;
    free(json);
    return well;
}

static int
s_find_topic(pt_store_t *store, const char *topic, pt_store_head_t *out_head)
{
    pt_store_view_t *view;
    if (pt_store_view_open(store, &view) != PT_OK)
        return cmd_fail(EX_IOERR, NULL, "cannot read the journal");
    pt_status_t status = pt_store_view_head(view, topic, out_head);
    int code = EX_OK;
    if (status == PT_E_NOT_FOUND)
        code = cmd_fail(CMD_EXIT_NO, "'paytriage journal info' lists the topics", "there is no topic '%s'", topic);
    else if (status != PT_OK)
        code = cmd_fail(EX_DATAERR, NULL, "%s", pt_store_view_error(view));
    pt_store_view_close(&view);
    return code;
}

//  What is not kept any more is told before the rest is printed.
static int
s_replay(const journal_options_t *options, pt_store_t *store)
{
    pt_store_head_t head = {0};
    int code = s_find_topic(store, options->topic, &head);
    if (code != EX_OK)
        return code;
    uint64_t from = options->from_seq ? options->from_seq : head.first_retained;
    replay_t self = {.options = options, .next_seq = from > head.first_retained ? from : head.first_retained};
    bool lost = from < head.first_retained;
    if (lost)
        cmd_fail(CMD_EXIT_NO, NULL, "%s %" PRIu64 " to %" PRIu64 " are not kept any more", options->topic, from,
                 head.first_retained - 1);
    code = journal_walk(store, options, false, s_print_entry, &self);
    int flushed = cmd_flush();
    fprintf(stderr, "next: %" PRIu64 "\n", self.next_seq);
    if (code == EX_OK)
        code = flushed;
    return code == EX_OK && lost ? CMD_EXIT_NO : code;
}

int
cmd_journal_replay(int argc, char **argv)
{
    static const struct argp_child children[] = {{&journal_common_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .options = s_options,
        .parser = s_parse,
        .doc = "Print the decisions of one topic again, from a given number on, as 'paytriage tail' prints them.\v"
               "It reads the journal and sends nothing; positions of subscribers stay as they are. Behind the last "
               "decision, standard error says 'next: SEQ', with which to go on.\n\n"
               "Example:\n"
               "  paytriage journal replay --topic retry.opn. --from 1200 --count 100 -o jsonl\n\n"
               "Exit: 0 done, 1 there is no such topic, or its first decisions are no longer kept, 65 the journal is "
               "damaged, 66 there is none, 77 not permitted.",
        .children = children};
    journal_options_t options = {.category = -1};
    pt_store_t *store;
    int parsed = journal_parse_line(PT_FOR_LISTING, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    int code = journal_open(&options, &store);
    if (code != EX_OK)
        return code;
    code = s_replay(&options, store);
    pt_store_close(&store);
    return code;
}
