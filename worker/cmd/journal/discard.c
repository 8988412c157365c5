/*  paytriage journal discard: drop old decisions of one topic, and say what is kept for whom. */
#include "journal.h"

#include "pt_replay.h"

#include <inttypes.h>
#include <string.h>

enum { KEY_BELOW = 0x600, KEY_OLDER, KEY_FORCE, KEY_DRY_RUN, KEY_YES };

//  One transaction of our own; a worker that is asked takes about as much at a time.
#define S_PIECE_BYTES (8u << 20)

typedef struct {
    journal_options_t journal; //  topic, older_ms
    uint64_t below_seq;        //  0: by age
    bool force, dry_run, yes;
} discard_options_t;

//  What would go: decisions [first, end), of which those from `floor` on are unread by `reader`.
typedef struct {
    uint64_t first, end, floor;
    char reader[PT_STORE_NAME_BYTES_MAX + 1];
} plan_t;

static const struct argp_option s_options[] = {
    {"topic", 't', "TOPIC", 0, "the whole name, such as retry.opn.", 0},
    {"below", KEY_BELOW, "SEQ", 0, "decisions below this number", 0},
    {"older", KEY_OLDER, "TIME", 0, "or decisions that are older, such as 7d", 0},
    {"force", KEY_FORCE, NULL, 0, "also what a durable subscriber has not received", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "drop nothing; print how many would be dropped", 0},
    {"yes", KEY_YES, NULL, 0, "do not ask", 0},
    {0},
};

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    discard_options_t *options = state->input;
    switch (key) {
    case 't':
        options->journal.topic = arg;
        break;
    case KEY_BELOW:
        options->below_seq = cmd_number(state, "--below", arg, 1, PT_WIRE_INTEGER_MAX);
        break;
    case KEY_OLDER:
        options->journal.older_ms = cmd_duration_ms(state, "--older", arg);
        break;
    case KEY_FORCE:
        options->force = true;
        break;
    case KEY_DRY_RUN:
        options->dry_run = true;
        break;
    case KEY_YES:
        options->yes = true;
        break;
    case ARGP_KEY_END:
        if (!options->journal.topic)
            argp_error(state, "--topic TOPIC is needed");
        if (!options->below_seq == !options->journal.older_ms)
            argp_error(state, "either --below SEQ or --older TIME is needed");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

//  Where the first record begins that stays. Records go whole.
static pt_status_t
s_find_end(pt_store_view_t *view, const discard_options_t *options, const pt_store_head_t *head, uint64_t *out_end)
{
    pt_store_record_t record;
    uint64_t below = options->below_seq ? options->below_seq : UINT64_MAX;
    uint64_t now_ms = cmd_now_ms();
    uint64_t before_ms = now_ms > options->journal.older_ms ? now_ms - options->journal.older_ms : 0;
    *out_end = head->first_retained;
    if (head->first_retained == head->next_seq)
        return PT_OK;
    pt_status_t status = pt_store_view_seek(view, head->topic, head->first_retained);
    while (status == PT_OK && (status = pt_store_view_next(view, &record)) == PT_OK) {
        bool goes = options->below_seq ? record.first_seq + record.count <= below : record.decided_ms < before_ms;
        if (!goes)
            break;
        *out_end = record.first_seq + record.count;
    }
    return status == PT_E_NOT_FOUND ? PT_OK : status;
}

//  The durable subscriber that is furthest behind in the topic.
static pt_status_t
s_find_reader(pt_store_view_t *view, const char *topic, plan_t *plan)
{
    static pt_store_subscriber_t who;
    char after[PT_STORE_NAME_BYTES_MAX + 1] = "";
    pt_status_t status;
    plan->floor = UINT64_MAX;
    while ((status = pt_store_view_subscriber(view, after, &who)) == PT_OK) {
        uint64_t position;
        memcpy(after, who.name, sizeof after);
        if (!who.durable || !pt_store_covers(&who, topic))
            continue;
        status = pt_store_view_position(view, who.name, topic, &position);
        if (status != PT_OK)
            return status;
        if (position < plan->floor) {
            plan->floor = position;
            memcpy(plan->reader, who.name, sizeof plan->reader);
        }
    }
    return status == PT_E_NOT_FOUND ? PT_OK : status;
}

static int
s_make_plan(const discard_options_t *options, plan_t *out_plan)
{
    const char *topic = options->journal.topic;
    pt_store_t *store;
    pt_store_view_t *view;
    pt_store_head_t head;
    int code = journal_open(&options->journal, &store);
    if (code != EX_OK)
        return code;
    pt_status_t status = pt_store_view_open(store, &view);
    if (status != PT_OK) {
        pt_store_close(&store);
        return cmd_fail(EX_IOERR, NULL, "cannot read the journal");
    }
    status = pt_store_view_head(view, topic, &head);
    out_plan->first = status == PT_OK ? head.first_retained : 0;
    if (status == PT_E_NOT_FOUND)
        code = cmd_fail(CMD_EXIT_NO, "'paytriage journal info' lists the topics", "there is no topic '%s'", topic);
    if (status == PT_OK)
        status = s_find_end(view, options, &head, &out_plan->end);
    if (status == PT_OK)
        status = s_find_reader(view, topic, out_plan);
    if (status != PT_OK && code == EX_OK)
        code = cmd_fail(EX_DATAERR, "'paytriage journal verify' tells more", "%s", pt_store_view_error(view));
    pt_store_view_close(&view);
    pt_store_close(&store);
    return code;
}

//  ---- doing it

//  By ourselves, piece by piece.
static int
s_discard(const discard_options_t *options, pt_store_t *store, uint64_t end)
{
    pt_store_head_t head = {.first_retained = 0};
    for (uint64_t before = UINT64_MAX; before != head.first_retained;) {
        before = head.first_retained;
        pt_status_t status = pt_store_begin(store);
        if (status == PT_OK)
            status = pt_store_discard(store, options->journal.topic, end, options->force, S_PIECE_BYTES);
        if (status == PT_OK)
            status = pt_store_commit(store);
        else
            pt_store_abort(store);
        if (status != PT_OK || !pt_store_head(store, options->journal.topic, &head))
            return cmd_fail(EX_IOERR, NULL, "%s", pt_store_error(store));
    }
    return EX_OK;
}

//  By the worker that is at work, until a piece changes nothing.
static int
s_order_discard(const discard_options_t *options, uint64_t end)
{
    char what[PT_TOPIC_BYTES_MAX + 24];
    char word[JOURNAL_WORD_BYTES];
    plan_t now = {.first = 0};
    snprintf(what, sizeof what, "%s %" PRIu64, options->journal.topic, end);
    for (uint64_t before = UINT64_MAX; before != now.first && now.first < end;) {
        before = now.first;
        const char *verb = options->force ? PT_CONTROL_DISCARD_UNREAD : PT_CONTROL_DISCARD;
        int code = journal_order(&options->journal, verb, what, word);
        if (code == EX_OK && strcmp(word, PT_CONTROL_UNKNOWN) == 0)
            code = cmd_fail(CMD_EXIT_NO, NULL, "the worker has no topic '%s'", options->journal.topic);
        if (code == EX_OK)
            code = s_make_plan(options, &now);
        if (code != EX_OK)
            return code;
    }
    return EX_OK;
}

static int
s_discard_all(const discard_options_t *options, uint64_t end)
{
    pt_store_t *store;
    int code = journal_open_to_write(&options->journal, &store);
    if (code == EX_OK && !store)
        return s_order_discard(options, end);
    if (code == EX_OK)
        code = s_discard(options, store, end);
    pt_store_close(&store);
    return code;
}

//  ---- asking and telling

static int
s_confirm(const discard_options_t *options, uint64_t count)
{
    return options->yes
               ? EX_OK
               : cmd_confirm("nothing was dropped", "Drop %" PRIu64 " decisions of %s?", count, options->journal.topic);
}

//  Without force, what a subscriber has not had stays; records go whole, so the bound may be lower.
static int
s_run(const discard_options_t *options)
{
    plan_t plan = {.first = 0};
    int code = s_make_plan(options, &plan);
    if (code != EX_OK)
        return code;
    uint64_t end = options->force || plan.end <= plan.floor ? plan.end : plan.floor;
    uint64_t count = end > plan.first ? end - plan.first : 0;
    uint64_t unread = plan.end - plan.first - count;
    if (unread)
        fprintf(stderr, "%" PRIu64 " are kept, because '%s' has not received them (--force drops them)\n", unread,
                plan.reader);
    if (!options->dry_run && count) {
        plan_t after = {.first = 0};
        code = s_confirm(options, count);
        if (code == EX_OK)
            code = s_discard_all(options, end);
        if (code == EX_OK)
            code = s_make_plan(options, &after);
        if (code != EX_OK)
            return code;
        count = after.first - plan.first;
    }
    printf("%s%" PRIu64 " decisions of %s\n", options->dry_run ? "would drop " : "dropped ", count,
           options->journal.topic);
    int flushed = cmd_flush();
    return flushed == EX_OK && unread ? CMD_EXIT_NO : flushed;
}

int
cmd_journal_discard(int argc, char **argv)
{
    static const struct argp argp = {
        .options = s_options,
        .parser = s_parse,
        .doc = "Drop old decisions of one topic with their responses, for good.\v"
               "A worker trims by itself when its journal fills up; this is for data that has to go. Decisions that "
               "were written together go together, so a few below the bound may stay. What a durable subscriber has "
               "not had stays as well, unless --force is given; then the subscriber reports it as lost. A worker that "
               "is at work does it itself; this only asks it to.\n\n"
               "Example:\n"
               "  paytriage journal discard --topic retry.opn. --older 7d --dry-run\n\n"
               "Exit: 0 done, 1 there is no such topic, something is kept for a subscriber, or the answer was no, 64 "
               "there was nobody to ask, 65 the journal is damaged, 66 there is none, 74 it cannot be written, 75 the "
               "worker does not answer, 77 not permitted."};
    discard_options_t options = {.journal = {.category = -1}};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options.journal);
    if (parsed != EX_OK)
        return parsed;
    return s_run(&options);
}
