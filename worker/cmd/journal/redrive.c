/*  paytriage journal redrive: put the stored responses of dead letters in again. */
#include "redrive.h"

#include "cmd_drive.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { KEY_RATE = 0x400, KEY_DRY_RUN, KEY_YES, KEY_AGAIN, KEY_TIMEOUT, KEY_QUIET };

#define S_RATE_DEFAULT 50 //  arbitrary: slow enough to be watched
#define S_RATE_MAX 1000000
#define S_SAMPLES 10
#define S_BAR_CELLS 30

typedef struct {
    journal_options_t journal;
    cmd_drive_options_t drive;
    uint64_t rate; //  responses a second
    bool dry_run, yes, again;
} redrive_options_t;

typedef struct {
    const redrive_options_t *options;
    cmd_drive_t drive;
    redrive_set_t names; //  (id, attempt) sent under the producer's present id
    uint64_t total, put;
    bool failed; //  memory ran out
} redrive_t;

static const struct argp_option s_options[] = {
    {0, 0, 0, 0, "Where to, and how fast:", 2},
    {"rate", KEY_RATE, "N/s", 0, "responses a second (default 50/s)", 2},
    {"again", KEY_AGAIN, NULL, 0, "also what was redriven before", 2},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "send nothing; print how many and the first ones", 2},
    {"yes", KEY_YES, NULL, 0, "do not ask", 2},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "give up when nothing has been acknowledged for this long (default 30s)", 2},
    {"quiet", KEY_QUIET, NULL, 0, "no progress, no summary", 2},
    {0},
};

static uint64_t
s_parse_rate(struct argp_state *state, const char *value)
{
    char digits[24];
    size_t len = strlen(value);
    if (len > 2 && strcmp(value + len - 2, "/s") == 0)
        len -= 2;
    snprintf(digits, sizeof digits, "%.*s", (int) len, value);
    return cmd_number(state, "--rate", len < sizeof digits ? digits : value, 1, S_RATE_MAX);
}

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    redrive_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &options->journal;
        break;
    case KEY_RATE:
        options->rate = s_parse_rate(state, arg);
        break;
    case KEY_TIMEOUT:
        options->drive.timeout_ms = cmd_timeout_ms(state, arg, "an answer");
        break;
    case KEY_DRY_RUN:
        options->dry_run = true;
        break;
    case KEY_YES:
        options->yes = true;
        break;
    case KEY_AGAIN:
        options->again = true;
        break;
    case KEY_QUIET:
        options->drive.quiet = true;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

//  ---- looking

//  The first ones, as `list` prints them.
static bool
s_show_sample(void *context, const journal_entry_t *entry, pt_bytes_t marked)
{
    (void) marked;
    redrive_t *self = context;
    if (self->total++ < S_SAMPLES && self->options->dry_run)
        journal_print_entry(&self->options->journal, entry);
    return true;
}

static void
s_tell_counts(const redrive_options_t *options, const redrive_counts_t *counts)
{
    if (options->drive.quiet)
        return;
    if (options->dry_run && counts->chosen > S_SAMPLES)
        fprintf(stderr, "… and %" PRIu64 " more\n", counts->chosen - S_SAMPLES);
    fprintf(stderr, "%" PRIu64 " to send", counts->chosen);
    if (counts->before)
        fprintf(stderr, ", %" PRIu64 " redriven before (--again sends them)", counts->before);
    if (counts->repeats)
        fprintf(stderr, ", %" PRIu64 " stand there twice", counts->repeats);
    if (counts->unkept)
        fprintf(stderr, ", %" PRIu64 " too long to be kept", counts->unkept);
    if (counts->no_map)
        fprintf(stderr, ", %" PRIu64 " no whole map", counts->no_map);
    fputc('\n', stderr);
}

//  ---- sending

static void
s_report_refused(void *context, uint64_t first, uint32_t count, pt_reason_t reason)
{
    (void) context;
    (void) first;
    fprintf(stderr, "refused: %" PRIu32 " responses: %s\n", count, pt_reason_text(reason));
}

static void
s_report_progress(void *context, bool last)
{
    const redrive_t *self = context;
    bool terminal = self->drive.terminal;
    pt_producer_counts_t counts = pt_producer_counts(self->drive.producer);
    if (terminal) {
        char bar[S_BAR_CELLS + 1];
        size_t cells = self->total ? (size_t) (self->put * S_BAR_CELLS / self->total) : 0;
        memset(bar, '.', sizeof bar);
        memset(bar, '#', cells < S_BAR_CELLS ? cells : S_BAR_CELLS);
        bar[S_BAR_CELLS] = 0;
        fprintf(stderr, "\r[%s] ", bar);
    }
    fprintf(stderr, "%" PRIu64 " of %" PRIu64 " sent, %" PRIu64 " accepted%s", self->put, self->total, counts.accepted,
            terminal ? (last ? "\033[K\n" : "\033[K") : "\n");
}

//  What the rate allows has gone already: send that, and wait for this one's time.
static bool
s_await_turn(redrive_t *self)
{
    cmd_drive_t *drive = &self->drive;
    uint64_t due_ms = drive->started_ms + self->put * 1000 / self->options->rate;
    for (uint64_t now_ms = cmd_mono_ms(); now_ms < due_ms; now_ms = cmd_mono_ms()) {
        pt_producer_seal(drive->producer);
        if (!cmd_drive_poll(drive, drive->signals.fd, due_ms - now_ms < 1000 ? (uint32_t) (due_ms - now_ms) : 1000))
            return false;
    }
    return true;
}

//  Two producers may have given one name to two responses. Under one producer's id the second would be
//  taken for a repeat of the first, so it goes under another one.
static bool
s_make_name_new(redrive_t *self, const pt_decision_t *decision)
{
    bool had;
    uint64_t hash = XXH3_64bits_withSeed(decision->id.data, decision->id.len, decision->attempt);
    if (redrive_set_has(&self->names, hash)) {
        redrive_set_clear(&self->names);
        if (!cmd_drive_await_answers(&self->drive))
            return false;
        self->failed = pt_producer_renew(self->drive.producer) != PT_OK;
    }
    self->failed = self->failed || redrive_set_add(&self->names, hash, &had) != PT_OK;
    return !self->failed;
}

static bool
s_send_entry(void *context, const journal_entry_t *entry, pt_bytes_t marked)
{
    redrive_t *self = context;
    if (!s_await_turn(self) || !s_make_name_new(self, entry->decision))
        return false;
    pt_status_t status = cmd_drive_put(&self->drive, marked, (pt_outbox_cover_t) {.responses = self->put + 1});
    self->failed = status != PT_OK && status != PT_E_SPACE;
    self->put += status == PT_OK;
    return status == PT_OK;
}

//  Why the work ended before its time, or EX_OK.
static int
s_explain_failure(const redrive_t *self)
{
    if (self->failed)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    int code = cmd_drive_explain(&self->drive, true);
    if (code != EX_OK || self->drive.stopped || self->put >= self->total)
        return code;
    return cmd_fail(CMD_EXIT_NO, "the journal was trimmed, or 'journal discard' dropped them",
                    "%" PRIu64 " of %" PRIu64 " went out of the journal before their turn", self->total - self->put,
                    self->total);
}

static int
s_summarise(redrive_t *self)
{
    cmd_drive_end_progress(&self->drive);
    pt_producer_counts_t counts = pt_producer_counts(self->drive.producer);
    if (!self->options->drive.quiet)
        fprintf(stderr, "accepted %" PRIu64 ", refused %" PRIu64 ", unacknowledged %" PRIu64 ", not sent %" PRIu64 "\n",
                counts.accepted, counts.refused, counts.pending, self->total > self->put ? self->total - self->put : 0);
    int code = s_explain_failure(self);
    return code == EX_OK && counts.refused ? CMD_EXIT_NO : code;
}

static int
s_send_all(redrive_t *self, redrive_plan_t *plan, pt_store_t *store)
{
    int code = cmd_drive_open(&self->drive, &self->options->drive, s_report_refused, s_report_progress, self);
    if (code != EX_OK)
        return code;
    int walked = redrive_plan_walk(plan, store, s_send_entry, self);
    if (!self->drive.stopped && !self->failed)
        cmd_drive_await_answers(&self->drive);
    code = s_summarise(self);
    cmd_drive_close(&self->drive);
    redrive_set_clear(&self->names);
    return walked != EX_OK ? walked : code;
}

static int
s_confirm(const redrive_options_t *options, uint64_t total)
{
    return options->yes ? EX_OK
                        : cmd_confirm("nothing was sent", "Send %" PRIu64 " responses to %s, %" PRIu64 " a second?",
                                      total, options->drive.producer.brokers[0], options->rate);
}

static int
s_redrive(const redrive_options_t *options, redrive_plan_t *plan, pt_store_t *store)
{
    redrive_t self = {.options = options};
    int code = redrive_plan_open(plan, store, &options->journal, options->again);
    plan->quiet = options->drive.quiet;
    if (code == EX_OK)
        code = redrive_plan_walk(plan, store, s_show_sample, &self);
    if (code != EX_OK)
        return code;
    int flushed = cmd_flush();
    s_tell_counts(options, &plan->counts);
    if (!plan->counts.chosen && !plan->counts.before && !plan->counts.unkept)
        journal_note_nothing(&options->journal, store);
    if (options->dry_run || !self.total)
        return flushed;
    code = s_confirm(options, self.total);
    return code == EX_OK ? s_send_all(&self, plan, store) : code;
}

static const struct argp_child s_children[] = {
    {&journal_common_argp, 0, NULL, 0}, {&journal_filter_argp, 0, NULL, 0}, {0}};
static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse,
    .doc = "Send the responses of dead letters again, for instance once the catalog knows what they mean.\v"
           "Without --topic those of all topics under dead_letter. are sent. Each is decided anew, with its id and "
           "its attempt as before, under another producer's id, and its decision has 'redriven' true. The old "
           "decision stays in the journal. What was redriven before is passed over; the journal is what tells, so a "
           "response whose new decision was settled, or is no longer kept, counts as not redriven. Responses above 16 "
           "KiB are not kept; they are named.\n\n"
           "Examples:\n"
           "  paytriage journal redrive --provider opn --code new_code --dry-run\n"
           "  paytriage journal redrive --provider opn --code new_code --rate 20/s --yes\n\n"
           "Exit: 0 all accepted, 1 some refused for good or gone from the journal before their turn, or the answer "
           "was no, 64 there was nobody to ask, 65 the journal is damaged, 66 there is none, 69 some not acknowledged "
           "in time (they may or may not have been taken), 77 not permitted, 78 faulty keys, 130 interrupted.",
    .children = s_children};

int
cmd_journal_redrive(int argc, char **argv)
{
    static redrive_plan_t plan;
    redrive_options_t options = {
        .journal = {.category = -1, .topic = "dead_letter."}, .rate = S_RATE_DEFAULT, .drive.timeout_ms = 30000};
    pt_store_t *store = NULL;
    int code = journal_parse_line(PT_FOR_REDRIVE | PT_FOR_LISTING, &s_argp, argc, argv, &options, &options.journal);
    if (code != EX_OK)
        return code;
    code = cmd_drive_configure(&options.drive, options.journal.config);
    if (code == EX_OK)
        code = journal_open(&options.journal, &store);
    if (code == EX_OK)
        code = s_redrive(&options, &plan, store);
    redrive_plan_close(&plan);
    pt_store_close(&store);
    cmd_drive_options_clear(&options.drive);
    return code;
}
