/*  paytriage catalog diff --replay: recorded responses under two catalogs, through the worker's own spine. */
#include "cmd_lines.h"
#include "cmd_text.h"
#include "diff.h"
#include "journal.h"

#include "pt_diff.h"
#include "pt_triage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOVES_MAX 256
#define SAMPLE_BYTES 80

//  Responses that move from one route and action to another, or that change in another way.
typedef struct {
    pt_route_t before_route, after_route;
    pt_action_t before_action, after_action;
    unsigned changes, risks;
    uint64_t count;
    size_t sample_count;
    char samples[CMD_DIFF_SAMPLES_MAX][SAMPLE_BYTES]; //  ids
    uint64_t lines[CMD_DIFF_SAMPLES_MAX];
} move_t;

typedef struct {
    const cmd_diff_options_t *options;
    cmd_lines_t lines;
    pt_triage_t triages[2]; //  before, after
    uint8_t bytes[2][PT_DECISION_BYTES_MAX];
    move_t moves[MOVES_MAX];
    size_t move_count;
    uint64_t number; //  of the line, or of the decision in its topic
    uint64_t responses, moved, risky, unkept;
    uint64_t broken, first_broken; //  what is no response; the line of the first
    bool is_journal;
} replay_t;

static move_t *
s_find_move(replay_t *self, const pt_decision_t *before, const pt_decision_t *after, pt_comparison_t comparison)
{
    for (size_t i = 0; i < self->move_count; i++) {
        move_t *move = &self->moves[i];
        if (move->before_route == before->route && move->after_route == after->route &&
            move->before_action == before->action && move->after_action == after->action &&
            move->changes == comparison.changes && move->risks == comparison.risks)
            return move;
    }
    //  The last one takes what has no place of its own.
    if (self->move_count == MOVES_MAX)
        return &self->moves[MOVES_MAX - 1];
    move_t *move = &self->moves[self->move_count++];
    *move = (move_t) {.before_route = before->route,
                      .after_route = after->route,
                      .before_action = before->action,
                      .after_action = after->action,
                      .changes = comparison.changes,
                      .risks = comparison.risks};
    return move;
}

static void
s_note_move(replay_t *self, const pt_decision_t *before, const pt_decision_t *after, pt_comparison_t comparison)
{
    move_t *move = s_find_move(self, before, after, comparison);
    self->moved++;
    self->risky += comparison.risks != 0;
    move->count++;
    if (move->sample_count == self->options->samples)
        return;
    pt_text_t id = pt_text_cut(after->id, SAMPLE_BYTES - 1);
    if (id.len)
        memcpy(move->samples[move->sample_count], id.data, id.len);
    move->samples[move->sample_count][id.len] = '\0';
    move->lines[move->sample_count++] = self->number;
}

static void
s_decide_response(replay_t *self, pt_bytes_t response, uint64_t now_ms)
{
    static const pt_place_t place = {.prefix = "line:", .prefix_len = 5, .plain = true};
    pt_decision_t decisions[2];
    for (size_t side = 0; side < 2; side++) {
        static pt_pair_t fields[PT_FIELDS_MAX];
        pt_triaged_t triaged;
        pt_triage_response(&self->triages[side], response, &place, (uint32_t) self->number, now_ms, self->bytes[side],
                           &triaged);
        if (pt_decision_decode((pt_bytes_t) {self->bytes[side], triaged.bytes}, fields, &decisions[side]) != PT_OK)
            abort(); //  these bytes are our own
    }
    self->responses++;
    if (decisions[0].match == PT_MATCH_INVALID && self->broken++ == 0)
        self->first_broken = self->number;
    pt_comparison_t comparison = pt_diff_compare(&decisions[0], &decisions[1]);
    if (comparison.changes || comparison.risks)
        s_note_move(self, &decisions[0], &decisions[1], comparison);
}

static int
s_decide(replay_t *self, pt_text_t line)
{
    cmd_item_t item;
    self->number = self->lines.number;
    if (cmd_item_of_line(line, self->number, &item) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "no memory for line %" PRIu64, self->number);
    s_decide_response(self, (pt_bytes_t) {item.bytes, item.len}, cmd_now_ms());
    cmd_item_clear(&item);
    return EX_OK;
}

//  A decision on the alert topic stands in its queue too, with the same response. The clock is the one
//  of then, so that deadlines which have passed since move nothing.
static bool
s_decide_entry(void *context, const journal_entry_t *entry)
{
    replay_t *self = context;
    if (strncmp(entry->topic, "operator_alert.", strlen("operator_alert.")) == 0)
        return true;
    self->number = entry->seq;
    if (entry->response.data)
        s_decide_response(self, entry->response, entry->decided_ms);
    else
        self->unkept++;
    return true;
}

static int
s_read_journal(replay_t *self)
{
    pt_store_t *store;
    journal_options_t options = {.dir = self->options->replay, .category = -1};
    int code = journal_open(&options, &store);
    if (code != EX_OK)
        return code;
    code = journal_walk(store, &options, true, s_decide_entry, self);
    pt_store_close(&store);
    if (self->unkept)
        fprintf(stderr, "%" PRIu64 " decisions have no response kept, and are left out\n", self->unkept);
    return code;
}

static int
s_read_lines(replay_t *self)
{
    pt_text_t line;
    int code = EX_OK;
    if (!cmd_lines_open(&self->lines, self->options->replay))
        return cmd_fail(EX_NOINPUT, NULL, "cannot open %s: %s", self->options->replay, strerror(errno));
    while (code == EX_OK && cmd_lines_next(&self->lines, true, &line) == CMD_LINES_LINE)
        code = s_decide(self, line);
    if (code == EX_OK && self->lines.error)
        code = cmd_fail(EX_IOERR, NULL, "cannot read %s: %s", self->options->replay, strerror(self->lines.error));
    cmd_lines_close(&self->lines);
    return code;
}

static int
s_compare_moves(const void *left_p, const void *right_p)
{
    const move_t *left = left_p, *right = right_p;
    if (!left->risks != !right->risks)
        return left->risks ? -1 : 1;
    return (left->count < right->count) - (left->count > right->count);
}

static void
s_print_changes(const move_t *move)
{
    static const char *const names[] = {"route", "action", "outcome", "category", "retry", "alert", "health"};
    const char *separator = "    differs in ";
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!(move->changes & 1u << i))
            continue;
        printf("%s%s", separator, names[i]);
        separator = ", ";
    }
    putchar('\n');
}

static void
s_print_move(const replay_t *self, const move_t *move, bool color)
{
    if (self->options->risky && !move->risks)
        return;
    printf("%8" PRIu64 "  %s %s -> %s %s\n", move->count, pt_route_text(move->before_route),
           pt_action_text(move->before_action), pt_route_text(move->after_route), pt_action_text(move->after_action));
    for (unsigned i = 0; i < PT_RISK_COUNT_; i++)
        if (move->risks & 1u << i)
            printf("    %sRISK%s %s\n", color ? "\033[1;31m" : "", color ? "\033[0m" : "", pt_risk_text(i));
    s_print_changes(move);
    for (size_t i = 0; i < move->sample_count; i++) {
        printf("    line %" PRIu64 ": ", move->lines[i]);
        cmd_text_print_foreign(stdout, pt_text_of(move->samples[i]), 0);
        putchar('\n');
    }
}

static void
s_print_text(const replay_t *self)
{
    bool color = cmd_use_color(self->options->color, stdout);
    for (size_t i = 0; i < self->move_count; i++)
        s_print_move(self, &self->moves[i], color);
    printf("of %" PRIu64 " responses %" PRIu64 " would move, %" PRIu64 " of them in a riskier direction\n",
           self->responses, self->moved, self->risky);
}

static json_t *
s_move_json(const move_t *move)
{
    json_t *risks = json_array(), *samples = json_array();
    for (unsigned i = 0; i < PT_RISK_COUNT_; i++)
        if (move->risks & 1u << i)
            json_array_append_new(risks, json_string(pt_risk_text(i)));
    for (size_t i = 0; i < move->sample_count; i++)
        json_array_append_new(samples, json_pack("{sI so}", "line", (json_int_t) move->lines[i], "id",
                                                 cmd_catalog_text_json(pt_text_of(move->samples[i]))));
    return json_pack("{ss sI s{ss ss} s{ss ss} so so}", "kind", "move", "count", (json_int_t) move->count, "before",
                     "route", pt_route_text(move->before_route), "action", pt_action_text(move->before_action), "after",
                     "route", pt_route_text(move->after_route), "action", pt_action_text(move->after_action), "risks",
                     risks, "samples", samples);
}

static void
s_print_json(const replay_t *self)
{
    for (size_t i = 0; i < self->move_count; i++)
        if (!self->options->risky || self->moves[i].risks)
            cmd_catalog_print_json(s_move_json(&self->moves[i]));
    cmd_catalog_print_json(json_pack("{ss sI sI sI}", "kind", "summary", "responses", (json_int_t) self->responses,
                                     "moved", (json_int_t) self->moved, "risky", (json_int_t) self->risky));
}

static int
s_replay(replay_t *self)
{
    int code = self->is_journal ? s_read_journal(self) : s_read_lines(self);
    if (code != EX_OK)
        return code;
    qsort(self->moves, self->move_count, sizeof *self->moves, s_compare_moves);
    if (self->options->output == CMD_OUTPUT_JSONL)
        s_print_json(self);
    else
        s_print_text(self);
    code = cmd_flush();
    if (code == EX_OK && self->broken && self->broken == self->responses)
        return cmd_fail(EX_DATAERR, "each line is a response as paytriage classify takes it", "%s holds no responses",
                        self->options->replay);
    if (self->broken)
        fprintf(stderr, "%" PRIu64 " of them are no responses, the first at line %" PRIu64 "\n", self->broken,
                self->first_broken);
    return code == EX_OK && self->moved ? CMD_EXIT_NO : code;
}

int
cmd_diff_replay(const cmd_diff_options_t *options, const pt_catalog_t *before, const pt_catalog_t *after)
{
    replay_t *self = calloc(1, sizeof *self);
    if (!self)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    self->options = options;
    pt_triage_init(&self->triages[0], before);
    pt_triage_init(&self->triages[1], after);
    struct stat about;
    self->is_journal = stat(options->replay, &about) == 0 && S_ISDIR(about.st_mode);
    int code = s_replay(self);
    free(self);
    return code;
}
