/*  paytriage catalog learn: the codes that no row knows, drafted as an overlay for a person to finish.
 *
 *  What a code means nobody can learn from traffic, so each draft is the safe answer (investigate, with an
 *  alert) and says beside it what was seen. It passes lint; category, outcome and action are the reader's.
 */
#include "cmd_catalog.h"
#include "cmd_lines.h"
#include "cmd_text.h"
#include "journal.h"

#include "pt_decision.h"
#include "pt_triage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CODES_MAX 10000 //  arbitrary: more are no codes but noise; the rest is counted
#define SEEN_MAX 6
#define FIXED_BYTES_MIN 4 //  of a template's literal text, for it to say anything

//  One unknown code of one gateway.
typedef struct {
    char *code, *message; //  the first message, NULL: none
    size_t front, back;   //  bytes that all messages share
    bool varies;
    uint64_t count, first; //  responses; the line or number of the first
    uint16_t statuses[SEEN_MAX];
    size_t status_count;
    char *operations[SEEN_MAX];
    size_t operation_count;
} learned_t;

typedef struct {
    const char *provider, *source;
    pt_load_options_t load;
} learn_options_t;

typedef struct {
    const learn_options_t *options;
    const pt_catalog_t *catalog;
    const pt_provider_t *provider;
    pt_triage_t triage;
    uint8_t bytes[PT_DECISION_BYTES_MAX];
    learned_t *codes;
    size_t count;
    uint64_t responses, unknown, dropped;
    bool failed; //  no memory
} learn_t;

enum { KEY_CATALOG = 0x200 };

static const struct argp_option s_options[] = {
    {"provider", 'g', "ID", 0, "whose codes; one overlay is for one gateway", 0},
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
    case KEY_CATALOG:
        cmd_catalog_add(state, &options->load, arg);
        break;
    case ARGP_KEY_ARG:
        if (options->source)
            argp_error(state, "one file or journal at a time");
        options->source = arg;
        break;
    case ARGP_KEY_END:
        if (!options->source || !options->provider)
            argp_error(state, "which --provider, and which file or journal?");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    s_options,
    s_parse,
    "--provider ID FILE.jsonl\n--provider ID JOURNAL",
    "Draft an overlay of the codes of one gateway that the catalog does not know.\v"
    "FILE.jsonl holds responses as for 'paytriage classify' ('-': standard input); JOURNAL is the directory of\n"
    "a worker's journal. Each code is drafted as 'investigate' with an alert, with what was seen beside it.\n\n"
    "Examples:\n"
    "  paytriage catalog learn --provider opn answers.jsonl > opn-new.yaml\n"
    "  paytriage catalog learn --provider opn /var/lib/paytriage\n\n"
    "Exit: 0 something was drafted, 1 no unknown code was seen, 66 no such file, 78 a faulty catalog.",
    NULL,
    NULL,
    NULL};

static char *
s_copy(learn_t *self, pt_text_t text)
{
    char *copy = strndup(text.data ? text.data : "", text.len);
    self->failed |= !copy;
    return copy;
}

static learned_t *
s_find(learn_t *self, pt_text_t code)
{
    for (size_t i = 0; i < self->count; i++)
        if (pt_text_equal(pt_text_of(self->codes[i].code), code))
            return &self->codes[i];
    if (self->count == CODES_MAX)
        return NULL;
    learned_t *learned = &self->codes[self->count];
    *learned = (learned_t) {.code = s_copy(self, code)};
    self->count += learned->code != NULL;
    return learned->code ? learned : NULL;
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
    if (i == learned->status_count && i < SEEN_MAX && decision->http_status)
        learned->statuses[learned->status_count++] = decision->http_status;
    for (i = 0; i < learned->operation_count; i++)
        if (pt_text_equal(pt_text_of(learned->operations[i]), decision->operation))
            return;
    if (i < SEEN_MAX && decision->operation.len) {
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
    if (decision->category != PT_CATEGORY_UNKNOWN_CODE || decision->code.len == 0 ||
        decision->match < PT_MATCH_STATUS || !pt_text_equal(decision->provider, pt_provider_id(self->provider)))
        return;
    self->unknown++;
    learned_t *learned = s_find(self, decision->code);
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

static void
s_print_quoted(pt_text_t text)
{
    json_t *json = json_stringn(text.data, text.len);
    char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
    fputs(quoted ? quoted : "\"?\"", stdout);
    free(quoted);
    json_decref(json);
}

//  The entry whose code has the fewest edits.
static void
s_print_nearest(const learn_t *self, const learned_t *learned)
{
    unsigned best = 99;
    pt_text_t id = PT_TEXT_NONE;
    for (size_t i = 0; i < pt_catalog_entry_count(self->catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(self->catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(self->catalog, entry);
        if (pt_catalog_entry_provider(self->catalog, entry) != self->provider || view.kind != 0)
            continue;
        unsigned distance = cmd_distance(learned->code, strlen(learned->code), view.code.data, view.code.len, best - 1);
        if (distance >= best)
            continue;
        best = distance;
        id = view.id;
    }
    if (id.data)
        printf("; the nearest entry is %.*s", (int) id.len, id.data);
}

static void
s_print_seen(const learn_t *self, const learned_t *learned)
{
    printf("  # Seen %" PRIu64 " time%s", learned->count, learned->count == 1 ? "" : "s");
    for (size_t i = 0; i < learned->status_count; i++)
        printf("%s%u", i ? ", " : " with HTTP ", learned->statuses[i]);
    for (size_t i = 0; i < learned->operation_count; i++) {
        fputs(i ? ", " : " as ", stdout);
        cmd_text_print_foreign(stdout, pt_text_of(learned->operations[i]), 0);
    }
    s_print_nearest(self, learned);
    fputs(".\n", stdout);
    if (learned->varies) {
        fputs("  # One message of several: ", stdout);
        cmd_text_print_foreign(stdout, pt_text_of(learned->message), 0);
        putchar('\n');
    }
}

//  A brace of the gateway's own would be read as a hole.
static void
s_print_message(const learned_t *learned)
{
    const char *message = learned->message;
    if (!message || strchr(message, '{'))
        return;
    size_t len = strlen(message);
    char template[PT_MESSAGE_BYTES_MAX + 8];
    if (learned->varies && learned->front + learned->back < FIXED_BYTES_MIN)
        return;
    if (learned->varies)
        snprintf(template, sizeof template, "%.*s{1}%s", (int) learned->front, message, message + len - learned->back);
    else
        snprintf(template, sizeof template, "%s", message);
    fputs("    message: ", stdout);
    s_print_quoted(pt_text_of(template));
    putchar('\n');
}

static void
s_print_code(const learn_t *self, const learned_t *learned, const char *file)
{
    putchar('\n');
    s_print_seen(self, learned);
    fputs("  - code: ", stdout);
    s_print_quoted(pt_text_of(learned->code));
    putchar('\n');
    s_print_message(learned);
    puts("    category: unknown_code\n"
         "    outcome: unknown\n"
         "    action: investigate\n"
         "    alert: {audience: [operator], severity: warning, when: now}\n"
         "    summary: \"Nobody has said yet what this code means.\"");
    printf("    cite: \"%s:%" PRIu64 "\"\n    judged: true\n", file, learned->first ? learned->first : 1);
}

static int
s_compare(const void *left_p, const void *right_p)
{
    const learned_t *left = left_p, *right = right_p;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return strcmp(left->code, right->code);
}

//  What `cite` takes: a name without blanks and colons.
static void
s_name_source(const char *source, char out[64])
{
    const char *slash = strrchr(source, '/');
    const char *name = slash && slash[1] ? slash + 1 : source;
    size_t len = 0;
    for (; name[len] && len < 63; len++)
        out[len] = strchr(" :;/\"\\", name[len]) || (unsigned char) name[len] < ' ' ? '_' : name[len];
    out[len] = '\0';
    if (strcmp(out, "-") == 0 || len == 0)
        memcpy(out, "stdin", sizeof "stdin");
}

static int
s_print(learn_t *self)
{
    char file[64];
    pt_text_t id = pt_provider_id(self->provider);
    s_name_source(self->options->source, file);
    fprintf(stderr, "%" PRIu64 " responses, %" PRIu64 " of %.*s with a code that no row knows; %zu codes\n",
            self->responses, self->unknown, (int) id.len, id.data, self->count);
    if (self->dropped)
        fprintf(stderr, "%" PRIu64 " more with further codes were left out\n", self->dropped);
    if (self->count == 0)
        return CMD_EXIT_NO;
    qsort(self->codes, self->count, sizeof *self->codes, s_compare);
    printf("# Codes that no row knew. Each is handled as unknown until somebody says what it means:\n"
           "# category, outcome, action, summary and cite are to be decided.\n"
           "overlay: true\ngateway: {id: %.*s}\n\nentries:",
           (int) id.len, id.data);
    for (size_t i = 0; i < self->count; i++)
        s_print_code(self, &self->codes[i], file);
    return cmd_flush();
}

static void
s_clear(learn_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->codes[i].code);
        free(self->codes[i].message);
        for (size_t j = 0; j < self->codes[i].operation_count; j++)
            free(self->codes[i].operations[j]);
    }
    free(self->codes);
    free(self);
}

static int
s_learn(const learn_options_t *options, const pt_catalog_t *catalog)
{
    struct stat about;
    learn_t *self = calloc(1, sizeof *self);
    if (self)
        self->codes = calloc(CODES_MAX, sizeof *self->codes);
    if (!self || !self->codes) {
        free(self);
        return cmd_fail(EX_OSERR, NULL, "no memory");
    }
    self->options = options;
    self->catalog = catalog;
    self->provider = pt_catalog_provider(catalog, pt_text_of(options->provider));
    pt_triage_init(&self->triage, catalog);
    int code = EX_OK;
    if (!self->provider)
        code = cmd_fail(EX_USAGE, "write the gateway's own file first: catalog/README.md", "there is no gateway '%s'",
                        options->provider);
    else if (stat(options->source, &about) == 0 && S_ISDIR(about.st_mode))
        code = s_read_journal(self);
    else
        code = s_read_lines(self);
    if (code == EX_OK && self->failed)
        code = cmd_fail(EX_OSERR, NULL, "no memory for the codes");
    if (code == EX_OK)
        code = s_print(self);
    s_clear(self);
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
