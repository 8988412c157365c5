/*  Records one after the other, each in a view of its own turn, decoded and compared with the filters. */
#include "journal.h"

#include "cmd_unknown.h"

#include "pt_cursor.h"
#include "pt_decision.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OLDER = 0x300, KEY_NEWER, KEY_REVEAL };

static const struct argp_option s_output_options[] = {
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {0},
};

static const struct argp_option s_common_options[] = {
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {"reveal", KEY_REVEAL, NULL, 0, "print card numbers and secrets in JSON as they are kept", 0},
    {0},
};

static const struct argp_option s_lines_options[] = {
    {"output", 'o', "FORMAT", 0, "jsonl, the only form", 0},
    {"reveal", KEY_REVEAL, NULL, 0, "print card numbers and secrets as they are kept", 0},
    {0},
};

static const struct argp_option s_filter_options[] = {
    {0, 0, 0, 0, "Which decisions:", 1},
    {"topic", 't', "PREFIX", 0, "of topics that begin with PREFIX, such as dead_letter. or retry.opn.", 1},
    {"provider", 'p', "ID", 0, "of one gateway", 1},
    {"code", 'c', "CODE", 0, "with one code of a gateway", 1},
    {"category", 'C', "WORD", 0, "of one category, such as decline_hard", 1},
    {"newer", KEY_NEWER, "TIME", 0, "decided within the last TIME, such as 15m", 1},
    {"older", KEY_OLDER, "TIME", 0, "decided longer ago than TIME", 1},
    {"limit", 'n', "N", 0, "at most N", 1},
    {0},
};

static error_t
s_parse_common(int key, char *arg, struct argp_state *state)
{
    journal_options_t *options = state->input;
    if (key == 'o')
        options->output = cmd_output(state, arg);
    else if (key == KEY_REVEAL)
        options->masking = PT_MASKING_NONE;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static error_t
s_parse_lines(int key, char *arg, struct argp_state *state)
{
    if (key == 'o' && cmd_output(state, arg) != CMD_OUTPUT_JSONL)
        argp_error(state, "--output: there is no text form, only jsonl; 'paytriage journal list' prints text");
    return s_parse_common(key, arg, state);
}

static void
s_refuse_category(struct argp_state *state, const char *word)
{
    const char *words[PT_CATEGORY_COUNT_ + 1] = {0};
    for (unsigned i = 0; i < PT_CATEGORY_COUNT_; i++)
        words[i] = pt_category_text((pt_category_t) i);
    const char *nearest = cmd_nearest(word, words);
    argp_error(state, "--category: there is no category '%s'%s%s%s", word, nearest ? "; did you mean " : "",
               nearest ? nearest : "", nearest ? "?" : "");
}

//  Decisions have the gateway's id, never an alias.
static pt_text_t
s_provider_id(const char *name)
{
    const pt_provider_t *known = pt_catalog_provider(pt_catalog_builtin(), pt_text_of(name));
    return known ? pt_provider_id(known) : pt_text_of(name);
}

static error_t
s_parse_filter(int key, char *arg, struct argp_state *state)
{
    journal_options_t *options = state->input;
    switch (key) {
    case 't':
        options->topic = arg;
        break;
    case 'p':
        options->provider = arg;
        options->provider_id = s_provider_id(arg);
        break;
    case 'c':
        options->code = arg;
        break;
    case 'C':
        options->category = pt_category_parse(pt_text_of(arg));
        if (options->category < 0)
            s_refuse_category(state, arg);
        break;
    case KEY_NEWER:
        options->newer_ms = cmd_duration_ms(state, "--newer", arg);
        break;
    case KEY_OLDER:
        options->older_ms = cmd_duration_ms(state, "--older", arg);
        break;
    case 'n':
        options->limit = cmd_number(state, "--limit", arg, 1, UINT64_MAX);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp journal_output_argp = {.options = s_output_options, .parser = s_parse_common};
const struct argp journal_common_argp = {.options = s_common_options, .parser = s_parse_common};
const struct argp journal_lines_argp = {.options = s_lines_options, .parser = s_parse_lines};
const struct argp journal_filter_argp = {.options = s_filter_options, .parser = s_parse_filter};

error_t
journal_parse(int key, char *arg, struct argp_state *state)
{
    journal_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        for (size_t i = 0; i < options->argp_children; i++)
            state->child_inputs[i] = options;
        return 0;
    case ARGP_KEY_ARG:
        if (options->argument_count == options->argument_max)
            return ARGP_ERR_UNKNOWN;
        options->arguments[options->argument_count++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int
journal_parse_line(unsigned command, const struct argp *argp, int argc, char **argv, void *input,
                   journal_options_t *options)
{
    static pt_config_t config;
    int code = cmd_parse(PT_FOR_JOURNAL | command, argp, argc, argv, input, &config);
    if (code != EX_OK)
        return code;
    options->config = &config;
    options->dir = pt_config_text(&config, PT_OPTION_JOURNAL_DIR);
    options->color = (cmd_color_t) pt_config_number(&config, PT_OPTION_COLOR);
    return EX_OK;
}

const char *
journal_dir(const journal_options_t *options, char room[CMD_JOURNAL_PATH_BYTES])
{
    return options->dir ? options->dir : cmd_journal_default(room);
}

int
journal_open(const journal_options_t *options, pt_store_t **out_store)
{
    char room[CMD_JOURNAL_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t store = {.dir = journal_dir(options, room), .read_only = true};
    pt_status_t status = pt_store_open(&store, out_store, error);
    return status == PT_OK ? EX_OK : cmd_journal_refuse(status, error);
}

//  ---- the walk

typedef struct {
    pt_store_t *store;
    const journal_options_t *options;
    bool responses;
    journal_entry_fn *tell;
    void *context;
    uint64_t now_ms;
    uint64_t told;
    uint64_t only_seq; //  0: all
    uint8_t *items;
    uint8_t *answers;
    size_t answers_bytes;
    pt_pair_t fields[PT_FIELDS_MAX];
} walk_t;

static bool
s_passes(const walk_t *walk, const journal_entry_t *entry)
{
    const journal_options_t *options = walk->options;
    const pt_decision_t *decision = entry->decision;
    if (walk->only_seq)
        return entry->seq == walk->only_seq;
    if (entry->seq < options->from_seq)
        return false;
    if (options->provider && !pt_text_equal(decision->provider, options->provider_id))
        return false;
    if (options->code && !pt_text_equal(decision->code, pt_text_of(options->code)))
        return false;
    if (options->category >= 0 && (int) decision->category != options->category)
        return false;
    uint64_t age_ms = walk->now_ms > entry->decided_ms ? walk->now_ms - entry->decided_ms : 0;
    return (!options->newer_ms || age_ms <= options->newer_ms) && (!options->older_ms || age_ms > options->older_ms);
}

//  The next response of a record; none where it was too long.
static pt_bytes_t
s_next_response(pt_cursor_t *cursor)
{
    pt_value_t value;
    if (pt_cursor_left(cursor) == 0 || pt_cursor_next(cursor, &value) != PT_OK || value.kind != PT_VALUE_BIN)
        return (pt_bytes_t) {NULL, 0};
    return value.as.bytes;
}

//  False: no more.
static bool
s_tell_record(walk_t *walk, const char *topic, const pt_store_record_t *record, bool with_responses)
{
    pt_items_t items;
    pt_decision_t decision;
    uint32_t count;
    pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {walk->answers, with_responses ? record->responses_bytes : 0});
    if (with_responses && pt_cursor_array(&cursor, &count) != PT_OK)
        cursor.end = cursor.at;
    if (pt_items_open_decisions((pt_bytes_t) {walk->items, record->items_bytes}, record->count, &items) != PT_OK)
        return true;
    journal_entry_t entry = {.topic = topic, .decided_ms = record->decided_ms, .decision = &decision};
    for (uint64_t seq = record->first_seq; pt_items_next(&items, &entry.bytes); seq++) {
        entry.seq = seq;
        entry.response = s_next_response(&cursor);
        if (pt_decision_decode(entry.bytes, walk->fields, &decision) != PT_OK || !s_passes(walk, &entry))
            continue;
        walk->told++;
        if (!walk->tell(walk->context, &entry) || walk->told == walk->options->limit)
            return false;
    }
    return true;
}

//  Read one record into the walk's rooms.
static pt_status_t
s_read_record(walk_t *walk, pt_store_view_t *view, const pt_store_record_t *record, bool with_responses)
{
    pt_status_t status = pt_store_view_items(view, walk->items);
    if (status != PT_OK || !with_responses)
        return status;
    if (record->responses_bytes > walk->answers_bytes) {
        uint8_t *answers = realloc(walk->answers, record->responses_bytes);
        if (!answers)
            return PT_E_NOMEM;
        walk->answers = answers;
        walk->answers_bytes = record->responses_bytes;
    }
    return pt_store_view_responses(view, walk->answers);
}

//  One view and one record; *seq moves behind it. PT_E_NOT_FOUND: the topic is through.
static pt_status_t
s_walk_record(walk_t *walk, const char *topic, uint64_t *seq, bool *goes_on)
{
    pt_store_view_t *view;
    pt_store_head_t head;
    pt_store_record_t record;
    pt_status_t status = pt_store_view_open(walk->store, &view);
    if (status != PT_OK)
        return status;
    status = pt_store_view_head(view, topic, &head);
    //  The worker may have trimmed since.
    if (status == PT_OK && *seq < head.first_retained)
        *seq = head.first_retained;
    if (status == PT_OK)
        status = pt_store_view_seek(view, topic, *seq);
    if (status == PT_OK)
        status = pt_store_view_next(view, &record);
    bool with_responses = walk->responses && status == PT_OK && record.responses_bytes;
    if (status == PT_OK)
        status = s_read_record(walk, view, &record, with_responses);
    if (status == PT_E_CHECKSUM || status == PT_E_IO)
        cmd_fail(EX_DATAERR, "'paytriage journal verify' tells more", "%s", pt_store_view_error(view));
    pt_store_view_close(&view);
    if (status == PT_OK) {
        *seq = record.first_seq + record.count;
        *goes_on = s_tell_record(walk, topic, &record, with_responses);
    }
    return status;
}

static pt_status_t
s_walk_topic(walk_t *walk, const char *topic, bool *goes_on)
{
    uint64_t seq = walk->only_seq ? walk->only_seq : walk->options->from_seq;
    pt_status_t status = PT_OK;
    while (status == PT_OK && *goes_on)
        status = s_walk_record(walk, topic, &seq, goes_on);
    return status == PT_E_NOT_FOUND ? PT_OK : status;
}

static pt_status_t
s_next_topic(pt_store_t *store, char topic[PT_TOPIC_BYTES_MAX + 1])
{
    pt_store_view_t *view;
    pt_store_head_t head;
    pt_status_t status = pt_store_view_open(store, &view);
    if (status != PT_OK)
        return status;
    status = pt_store_view_topic(view, topic, &head);
    if (status == PT_OK)
        memcpy(topic, head.topic, sizeof head.topic);
    pt_store_view_close(&view);
    return status;
}

static pt_status_t
s_walk_topics(walk_t *walk)
{
    const char *prefix = walk->options->topic ? walk->options->topic : "";
    char topic[PT_TOPIC_BYTES_MAX + 1] = "";
    bool goes_on = true;
    pt_status_t status = PT_OK;
    while (goes_on && (status = s_next_topic(walk->store, topic)) == PT_OK) {
        if (strncmp(topic, prefix, strlen(prefix)) == 0)
            status = s_walk_topic(walk, topic, &goes_on);
        if (status != PT_OK)
            break;
    }
    return status == PT_E_NOT_FOUND ? PT_OK : status;
}

static bool
s_has_topic(pt_store_t *store, const char *prefix)
{
    char topic[PT_TOPIC_BYTES_MAX + 1] = "";
    while (s_next_topic(store, topic) == PT_OK)
        if (strncmp(topic, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

void
journal_note_nothing(const journal_options_t *options, pt_store_t *store)
{
    const pt_catalog_t *catalog = pt_catalog_builtin();
    if (options->topic && !s_has_topic(store, options->topic))
        fprintf(stderr, "note: no topic begins with '%s'; 'paytriage journal info' lists them\n", options->topic);
    else
        fputs("note: no decision is kept that fits\n", stderr);
    if (options->provider && !pt_catalog_provider(catalog, pt_text_of(options->provider)))
        cmd_unknown_note_provider(catalog, options->provider);
}

static int
s_run(walk_t *walk, const char *only_topic)
{
    bool goes_on = true;
    walk->now_ms = cmd_now_ms();
    walk->items = malloc(PT_BATCH_BYTES_MAX);
    if (!walk->items)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    pt_status_t status = only_topic ? s_walk_topic(walk, only_topic, &goes_on) : s_walk_topics(walk);
    free(walk->items);
    free(walk->answers);
    if (status == PT_OK)
        return EX_OK;
    return status == PT_E_NOMEM ? cmd_fail(EX_OSERR, NULL, "no memory") : EX_DATAERR;
}

int
journal_walk(pt_store_t *store, const journal_options_t *options, bool responses, journal_entry_fn *tell, void *context)
{
    static walk_t walk;
    walk = (walk_t) {.store = store, .options = options, .responses = responses, .tell = tell, .context = context};
    return s_run(&walk, NULL);
}

int
journal_find(pt_store_t *store, const char *topic, uint64_t seq, journal_entry_fn *tell, void *context)
{
    static walk_t walk;
    static const journal_options_t all = {.category = -1, .limit = 1};
    walk = (walk_t) {
        .store = store, .options = &all, .responses = true, .tell = tell, .context = context, .only_seq = seq};
    int code = s_run(&walk, topic);
    return code == EX_OK && !walk.told ? CMD_EXIT_NO : code;
}
