/*  paytriage catalog learn: the codes that no row knows, drafted as an overlay for a person to finish.
 *
 *  What a code means nobody can learn from traffic, so each draft is the safe answer (investigate, with an
 *  alert) and says beside it what was seen. It passes lint; category, outcome and action are the reader's.
 */
#include "cmd_catalog.h"
#include "cmd_learn.h"
#include "cmd_lines.h"
#include "cmd_unknown.h"
#include "journal.h"

#include "pt_decision.h"
#include "pt_read.h"
#include "pt_triage.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#define PLACES 32768 //  some three for each code, so that a look finds it soon

typedef struct {
    const char *provider, *directory, *source;
    pt_load_options_t load;
} learn_options_t;

typedef struct {
    const learn_options_t *options;
    const pt_catalog_t *catalog;
    const pt_provider_t *provider; //  NULL: any
    pt_triage_t triage;
    uint8_t bytes[PT_DECISION_BYTES_MAX];
    learned_t codes[LEARN_CODES_MAX];
    uint32_t places[PLACES]; //  numbers of codes by their hash, from 1
    size_t count;
    uint64_t responses, unknown, unfit, dropped;
    bool failed; //  no memory
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

static char *
s_copy(learn_t *self, pt_text_t text)
{
    char *copy = strndup(text.data ? text.data : "", text.len);
    self->failed |= !copy;
    return copy;
}

//  The place of a code in the table, or the free one where it belongs.
static uint32_t *
s_place(learn_t *self, const pt_provider_t *provider, pt_text_t code)
{
    XXH64_hash_t hash = XXH3_64bits_withSeed(code.data, code.len, (XXH64_hash_t) (uintptr_t) provider);
    for (size_t at = hash % PLACES;; at = (at + 1) % PLACES) {
        uint32_t number = self->places[at];
        if (number == 0)
            return &self->places[at];
        const learned_t *learned = &self->codes[number - 1];
        if (learned->provider == provider && pt_text_equal(pt_text_of(learned->code), code))
            return &self->places[at];
    }
}

static learned_t *
s_find(learn_t *self, const pt_provider_t *provider, pt_text_t code)
{
    uint32_t *place = s_place(self, provider, code);
    if (*place)
        return &self->codes[*place - 1];
    if (self->count == LEARN_CODES_MAX)
        return NULL;
    learned_t *learned = &self->codes[self->count];
    *learned = (learned_t) {.provider = provider, .code = s_copy(self, code)};
    if (!learned->code)
        return NULL;
    *place = (uint32_t) ++self->count;
    return learned;
}

//  A cut inside of a character or a word would make a template that nobody can read.
static bool
s_is_word_byte(char byte)
{
    return ((unsigned char) byte & 0x80) || (byte >= '0' && byte <= '9') ||
           ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static void
s_narrow(learned_t *learned, pt_text_t message)
{
    size_t len = strlen(learned->message);
    size_t most = len < message.len ? len : message.len;
    size_t front = 0, back = 0;
    while (front < most && front < learned->front && learned->message[front] == message.data[front])
        front++;
    while (front > 0 && front < len && s_is_word_byte(learned->message[front - 1]))
        front--;
    while (back < most - front && back < learned->back &&
           learned->message[len - 1 - back] == message.data[message.len - 1 - back])
        back++;
    while (back > 0 && back < len && s_is_word_byte(learned->message[len - back]))
        back--;
    learned->front = front;
    learned->back = back;
    learned->varies = true;
}

static void
s_note_message(learn_t *self, learned_t *learned, pt_text_t message)
{
    if (message.len == 0)
        return;
    if (!learned->message) {
        learned->message = s_copy(self, message);
        learned->front = learned->back = message.len;
    } else if (learned->varies || !pt_text_equal(pt_text_of(learned->message), message)) {
        s_narrow(learned, message);
    }
}

static void
s_note_place(learn_t *self, learned_t *learned, const pt_decision_t *decision)
{
    size_t i = 0;
    while (i < learned->status_count && learned->statuses[i] != decision->http_status)
        i++;
    if (i == learned->status_count && i < LEARN_SEEN_MAX && decision->http_status)
        learned->statuses[learned->status_count++] = decision->http_status;
    for (i = 0; i < learned->operation_count; i++)
        if (pt_text_equal(pt_text_of(learned->operations[i]), decision->operation))
            return;
    if (i < LEARN_SEEN_MAX && decision->operation.len) {
        char *operation = s_copy(self, decision->operation);
        learned->operations[i] = operation;
        learned->operation_count += operation != NULL;
    }
}

static void
s_note(learn_t *self, const pt_decision_t *decision, uint64_t number)
{
    self->responses++;
    //  A row for the code may say "unknown" itself: a draft that nobody has finished yet.
    if (decision->category != PT_CATEGORY_UNKNOWN_CODE || decision->code.len == 0 || decision->match < PT_MATCH_STATUS)
        return;
    const pt_provider_t *provider = pt_catalog_provider(self->catalog, decision->provider);
    if (!provider || (self->provider && provider != self->provider))
        return;
    self->unknown++;
    bool is_text = pt_text_is_utf8(decision->code) && !pt_read_has_control(decision->code) &&
                   !pt_read_has_hidden(decision->code, true);
    self->unfit += !is_text;
    if (!is_text)
        return;
    learned_t *learned = s_find(self, provider, decision->code);
    if (!learned) {
        self->dropped++;
        return;
    }
    if (learned->count++ == 0)
        learned->first = number;
    s_note_message(self, learned, decision->message);
    s_note_place(self, learned, decision);
}

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
        s_note(self, &decision, number);
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
        s_note(self, entry->decision, entry->seq);
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

//  By gateway in the order of the catalog, the codes that were seen most often first.
static int
s_compare(const void *left_p, const void *right_p)
{
    const learned_t *left = left_p, *right = right_p;
    if (left->provider != right->provider)
        return left->provider < right->provider ? -1 : 1;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return strcmp(left->code, right->code);
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
    int code = EX_OK;
    for (size_t first = 0, next; first < self->count; first = next) {
        for (next = first + 1; next < self->count; next++)
            if (self->codes[next].provider != self->codes[first].provider)
                break;
        int result = EX_OK;
        if (self->options->directory)
            result = s_write_draft(self, &self->codes[first], next - first);
        else
            learn_draft(stdout, self->catalog, &self->codes[first], next - first, self->options->source);
        code = code == EX_OK ? result : code;
    }
    return code == EX_OK ? cmd_flush() : code;
}

static int
s_print(learn_t *self)
{
    pt_text_t id = self->provider ? pt_provider_id(self->provider) : PT_TEXT_NONE;
    fprintf(stderr, "%" PRIu64 " responses, %" PRIu64 "%s%.*s with a code that no row knows; %zu codes\n",
            self->responses, self->unknown, id.len ? " of " : "", (int) id.len, id.data ? id.data : "", self->count);
    if (self->dropped)
        fprintf(stderr, "%" PRIu64 " more with further codes were left out\n", self->dropped);
    if (self->unfit)
        fprintf(stderr, "%" PRIu64 " with codes that are no text were left out\n", self->unfit);
    if (self->count == 0)
        return CMD_EXIT_NO;
    qsort(self->codes, self->count, sizeof *self->codes, s_compare);
    return s_write_drafts(self);
}

static void
s_destroy(learn_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->codes[i].code);
        free(self->codes[i].message);
        for (size_t j = 0; j < self->codes[i].operation_count; j++)
            free(self->codes[i].operations[j]);
    }
    free(self);
}

static int
s_read(learn_t *self)
{
    struct stat about;
    const learn_options_t *options = self->options;
    if (options->provider && !self->provider) {
        cmd_unknown_provider(EX_USAGE, self->catalog, options->provider);
        fputs("hint: a new gateway needs a file of its own first: catalog/README.md\n", stderr);
        return EX_USAGE;
    }
    if (options->directory && (stat(options->directory, &about) != 0 || !S_ISDIR(about.st_mode)))
        return cmd_fail(EX_CANTCREAT, NULL, "%s is no folder", options->directory);
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
    self->provider = options->provider ? pt_catalog_provider(catalog, pt_text_of(options->provider)) : NULL;
    pt_triage_init(&self->triage, catalog);
    int code = s_read(self);
    if (code == EX_OK && self->failed)
        code = cmd_fail(EX_OSERR, NULL, "no memory for the codes");
    if (code == EX_OK)
        code = s_print(self);
    s_destroy(self);
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
