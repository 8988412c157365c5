/*  paytriage catalog learn: the codes that no row knows, drafted as an overlay for a person to finish.
 *
 *  What a code means nobody can learn from traffic, so each draft is the safe answer (investigate, with an
 *  alert) and says beside it what was seen. It passes lint; category, outcome and action are the reader's.
 */
#include "learn.h"
#include "cmd_catalog.h"
#include "cmd_lines.h"
#include "cmd_unknown.h"
#include "journal.h"

#include "pt_decision.h"
#include "pt_triage.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    const char *provider, *directory, *source;
    pt_load_options_t load;
} learn_options_t;

typedef struct {
    const learn_options_t *options;
    const pt_catalog_t *catalog;
    pt_triage_t triage;
    uint8_t bytes[PT_DECISION_BYTES_MAX];
    learn_table_t seen;
} learn_t;

enum { KEY_CATALOG = 0x200 };

static const struct argp_option s_options[] = {
    {"provider", 'g', "ID", 0, "whose codes; the overlay goes to standard output", 0},
    {"directory", 'd', "DIR", 0, "write DIR/ID-learned.yaml for each gateway; files that are there stay", 0},
    {"catalog", KEY_CATALOG, "PATH", 0, "YAML beside the built-in catalog, or an image; repeat it for more", 0},
    {0},
};

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    learn_options_t *options = state->input;
    switch (key) {
    case 'g':
        options->provider = arg;
        break;
    case 'd':
        options->directory = arg;
        break;
    case KEY_CATALOG:
        cmd_catalog_add(state, &options->load, arg);
        break;
    case ARGP_KEY_ARG:
        if (options->source)
            argp_error(state, "one file or journal at a time");
        options->source = arg;
        break;
    case ARGP_KEY_END:
        if (!options->source || (!options->provider && !options->directory))
            argp_error(state, "which file or journal, and which --provider, or which --directory for all of them?");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse,
    .args_doc = "--provider ID FILE.jsonl\n--directory DIR FILE.jsonl\n--provider ID JOURNAL\n--directory DIR JOURNAL",
    .doc = "Draft overlays of the codes that the catalog does not know.\v"
           "FILE.jsonl holds responses as for 'paytriage classify' ('-': standard input); JOURNAL is the "
           "directory of a worker's journal. Each code is drafted as 'investigate' with an alert, with what was "
           "seen beside it.\n\n"
           "Examples:\n"
           "  paytriage catalog learn --provider opn answers.jsonl > opn-new.yaml\n"
           "  paytriage catalog learn --provider opn /var/lib/paytriage\n"
           "  paytriage catalog learn --directory drafts /var/lib/paytriage\n\n"
           "Exit: 0 something was drafted, 1 no unknown code was seen, 66 no such file, 73 a draft cannot be "
           "written, 78 a faulty catalog."};

//  What the catalog of today says of a response.
static void
s_decide(learn_t *self, pt_bytes_t response, uint64_t number)
{
    static const pt_place_t place = {.prefix = "line:", .prefix_len = 5, .plain = true};
    static pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    pt_triaged_t triaged;
    pt_triage_response(&self->triage, response, &place, (uint32_t) number, cmd_now_ms(), self->bytes, &triaged);
    if (pt_decision_decode((pt_bytes_t) {self->bytes, triaged.bytes}, fields, &decision) == PT_OK)
        learn_note(&self->seen, &decision, number);
}

static int
s_read_lines(learn_t *self)
{
    cmd_lines_t lines;
    pt_text_t line;
    int code = EX_OK;
    if (!cmd_lines_open(&lines, self->options->source))
        return cmd_fail(EX_NOINPUT, NULL, "cannot open %s: %s", self->options->source, strerror(errno));
    while (code == EX_OK && cmd_lines_next(&lines, true, &line) == CMD_LINES_LINE) {
        cmd_item_t item;
        if (cmd_item_of_line(line, lines.number, &item) != PT_OK) {
            code = cmd_fail(EX_OSERR, NULL, "no memory for line %" PRIu64, lines.number);
            break;
        }
        s_decide(self, (pt_bytes_t) {item.bytes, item.len}, lines.number);
        cmd_item_clear(&item);
    }
    if (code == EX_OK && lines.error)
        code = cmd_fail(EX_IOERR, NULL, "cannot read %s: %s", self->options->source, strerror(lines.error));
    cmd_lines_close(&lines);
    return code;
}

//  A decision on the alert topic stands in its queue too.
static bool
s_take_entry(void *context, const journal_entry_t *entry)
{
    learn_t *self = context;
    if (strncmp(entry->topic, "operator_alert.", strlen("operator_alert.")) == 0)
        return true;
    if (entry->response.data)
        s_decide(self, entry->response, entry->seq);
    else
        learn_note(&self->seen, entry->decision, entry->seq);
    return true;
}

static int
s_read_journal(learn_t *self)
{
    pt_store_t *store;
    journal_options_t options = {.dir = self->options->source, .category = -1};
    int code = journal_open(&options, &store);
    if (code != EX_OK)
        return code;
    code = journal_walk(store, &options, true, s_take_entry, self);
    pt_store_close(&store);
    return code;
}

//  What somebody may have worked on is not written over.
static int
s_write_draft(const learn_t *self, const learned_t *codes, size_t count)
{
    char path[PATH_MAX];
    pt_text_t id = pt_provider_id(codes[0].provider);
    int length = snprintf(path, sizeof path, "%s/%.*s-learned.yaml", self->options->directory, (int) id.len, id.data);
    errno = ENAMETOOLONG;
    FILE *stream = length < (int) sizeof path ? fopen(path, "wxe") : NULL;
    if (!stream)
        return cmd_fail(EX_CANTCREAT, NULL, "cannot write %s: %s", path, strerror(errno));
    learn_draft(stream, self->catalog, codes, count, self->options->source);
    bool well = !ferror(stream);
    well = fclose(stream) == 0 && well;
    if (!well)
        return cmd_fail(EX_IOERR, NULL, "cannot write %s: %s", path, strerror(errno));
    fprintf(stderr, "%s: %zu codes\n", path, count);
    return EX_OK;
}

static int
s_write_drafts(const learn_t *self)
{
    const learn_table_t *seen = &self->seen;
    int code = EX_OK;
    for (size_t first = 0, next; first < seen->count; first = next) {
        for (next = first + 1; next < seen->count; next++)
            if (seen->codes[next].provider != seen->codes[first].provider)
                break;
        int result = EX_OK;
        if (self->options->directory)
            result = s_write_draft(self, &seen->codes[first], next - first);
        else
            learn_draft(stdout, self->catalog, &seen->codes[first], next - first, self->options->source);
        code = code == EX_OK ? result : code;
    }
    return code == EX_OK ? cmd_flush() : code;
}

static int
s_print(learn_t *self)
{
    learn_table_t *seen = &self->seen;
    pt_text_t id = seen->provider ? pt_provider_id(seen->provider) : PT_TEXT_NONE;
    fprintf(stderr, "%" PRIu64 " responses, %" PRIu64 "%s%.*s with a code that no entry knows; %zu codes\n",
            seen->responses, seen->unknown, id.len ? " of " : "", (int) id.len, id.data ? id.data : "", seen->count);
    if (seen->dropped)
        fprintf(stderr, "%" PRIu64 " more with further codes were left out\n", seen->dropped);
    if (seen->unfit)
        fprintf(stderr, "%" PRIu64 " with codes that are no text were left out\n", seen->unfit);
    if (seen->count == 0)
        return CMD_EXIT_NO;
    learn_sort(seen);
    return s_write_drafts(self);
}

static int
s_read(learn_t *self)
{
    struct stat about;
    const learn_options_t *options = self->options;
    if (options->provider && !self->seen.provider) {
        cmd_unknown_provider(EX_USAGE, self->catalog, options->provider);
        fputs("hint: a new gateway needs a file of its own first: catalog/README.md\n", stderr);
        return EX_USAGE;
    }
    if (options->directory && (stat(options->directory, &about) != 0 || !S_ISDIR(about.st_mode)))
        return cmd_fail(EX_CANTCREAT, NULL, "%s is not a folder", options->directory);
    bool is_journal = stat(options->source, &about) == 0 && S_ISDIR(about.st_mode);
    return is_journal ? s_read_journal(self) : s_read_lines(self);
}

static int
s_learn(const learn_options_t *options, const pt_catalog_t *catalog)
{
    learn_t *self = calloc(1, sizeof *self);
    if (!self)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    self->options = options;
    self->catalog = catalog;
    self->seen.catalog = catalog;
    self->seen.provider = options->provider ? pt_catalog_provider(catalog, pt_text_of(options->provider)) : NULL;
    pt_triage_init(&self->triage, catalog);
    int code = s_read(self);
    if (code == EX_OK && self->seen.failed)
        code = cmd_fail(EX_OSERR, NULL, "no memory for the codes");
    if (code == EX_OK)
        code = s_print(self);
    learn_clear(&self->seen);
    free(self);
    return code;
}

int
cmd_catalog_learn(int argc, char **argv)
{
    learn_options_t options = {0};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    pt_load_t load;
    const pt_catalog_t *catalog;
    int code = cmd_catalog_open(&options.load, &load, &catalog);
    if (code == EX_OK)
        code = s_learn(&options, catalog);
    pt_load_clear(&load);
    return code;
}
