/*  paytriage catalog test: cases against a catalog, through the worker's own spine. */
#include "cmd_cases.h"
#include "cmd_catalog.h"
#include "cmd_options.h"
#include "cmd_unknown.h"

#include "pt_fault_text.h"
#include "pt_file.h"
#include "pt_json.h"
#include "pt_triage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t) 32 * 1024 * 1024)

typedef struct {
    pt_load_options_t load;
    pt_paths_t paths;
    bool untested;
} test_options_t;

typedef struct {
    const test_options_t *options;
    const pt_catalog_t *catalog;
    pt_triage_t triage;
    uint8_t bytes[PT_DECISION_BYTES_MAX];
    bool *entries;   //  those that a case led to
    bool *providers; //  those that a case names
    uint64_t passed, failed;
} runner_t;

enum { KEY_UNTESTED = 0x100 };

static const struct argp_option s_options[] = {
    {"untested", KEY_UNTESTED, 0, 0, "name the entries that no case leads to", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    test_options_t *options = state->input;
    switch (key) {
    case KEY_UNTESTED:
        options->untested = true;
        break;
    case ARGP_KEY_ARG:
        if (!pt_paths_add(&options->paths, arg, true))
            exit(cmd_fail(EX_NOINPUT, "a folder holds tests in files *.test.yaml", "cannot read %s: %s", arg,
                          strerror(errno)));
        break;
    case ARGP_KEY_END:
        if (options->paths.count == 0)
            argp_error(state, "which tests?");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .args_doc = "PATH...",
    .doc = "Decide the responses of test cases and compare each decision with what is expected.\v"
           "A PATH is a YAML file, or a folder whose *.test.yaml files are read:\n\n"
           "  tests:\n"
           "    - name: insufficient funds wait for the payer\n"
           "      at: 2026-11-22T03:00:00Z\n"
           "      given: {provider: opn, body: {failure_code: insufficient_fund}}\n"
           "      expect: {route: dead_letter, action: change_instrument}\n\n"
           "`given` takes the keys of a response, `expect` any keys of its decision; keys that do not exist are "
           "errors, and an operation that the gateway does not have is told. Keys that end in _ms take times "
           "and durations (30s) too; a duration allows a tenth more for the jitter of delays. null means: not "
           "there.\n\n"
           "Example:\n"
           "  paytriage catalog test acme.test.yaml --catalog acme.yaml\n\n"
           "Exit: 0 all passed, 1 some failed or are at fault, 66 no such file, 78 the catalog is at fault."};

//  Where a value is expected, and what it is called: "retry.delay_ms".
typedef struct {
    const cmd_case_t *test;
    char path[128];
    bool failed;
} check_t;

static void
s_fail(check_t *check, const pt_node_t *node, const char *expected, const json_t *actual)
{
    char *text = actual ? json_dumps(actual, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    check->failed = true;
    printf("%s:%u:%u: FAILED %s: %s: expected %s, got %s\n", node->file, node->line, node->column, check->test->name,
           check->path, expected, text ? text : "nothing");
    free(text);
}

static bool
s_is_time_alike(pt_text_t text, const char *path, json_int_t actual)
{
    uint64_t ms;
    size_t len = strlen(path);
    bool is_ms = len > 3 && strcmp(path + len - 3, "_ms") == 0;
    if (is_ms && cmd_cases_time(text, &ms))
        return actual >= 0 && (uint64_t) actual == ms;
    if (is_ms && cmd_cases_duration(text, &ms))
        return actual >= 0 && (uint64_t) actual >= ms && (uint64_t) actual <= ms + ms / 10;
    return false;
}

//  Values are compared as texts, so that an author need not know which of them are numbers.
static bool
s_is_scalar_alike(const pt_node_t *node, const char *path, const json_t *actual)
{
    char text[32] = "";
    bool is_null = !node->quoted && (strcmp(node->text.data, "null") == 0 || strcmp(node->text.data, "~") == 0);
    if (!actual || json_is_null(actual))
        return is_null;
    if (json_is_string(actual))
        return pt_text_equal(node->text, (pt_text_t) {json_string_value(actual), json_string_length(actual)});
    if (json_is_boolean(actual))
        return strcmp(node->text.data, json_is_true(actual) ? "true" : "false") == 0;
    if (!json_is_integer(actual))
        return false;
    (void) snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(actual));
    return strcmp(node->text.data, text) == 0 || s_is_time_alike(node->text, path, json_integer_value(actual));
}

static bool
s_holds(const json_t *list, const pt_node_t *item)
{
    size_t index;
    json_t *value;
    json_array_foreach(list, index, value) if (s_is_scalar_alike(item, "", value)) return true;
    return false;
}

//  Lists are sets here: of audiences.
static void
s_check_list(check_t *check, const pt_node_t *node, const json_t *actual)
{
    bool is_alike = json_is_array(actual) && json_array_size(actual) == node->count;
    for (const pt_link_t *link = node->first; is_alike && link; link = link->next)
        is_alike = link->value->kind == PT_NODE_SCALAR && s_holds(actual, link->value);
    if (!is_alike)
        s_fail(check, node, "another list", actual);
}

static void
s_check_value(check_t *check, const pt_node_t *node, const json_t *actual)
{
    if (node->kind == PT_NODE_SCALAR) {
        if (!s_is_scalar_alike(node, check->path, actual))
            s_fail(check, node, node->text.data, actual);
        return;
    }
    if (node->kind == PT_NODE_LIST) {
        s_check_list(check, node, actual);
        return;
    }
    if (!json_is_object(actual)) {
        s_fail(check, node, "a map", actual);
        return;
    }
    size_t len = strlen(check->path);
    for (const pt_link_t *link = node->first; link; link = link->next) {
        (void) snprintf(check->path + len, sizeof check->path - len, "%s%.60s", len ? "." : "", link->key->text.data);
        s_check_value(check, link->value, json_object_getn(actual, link->key->text.data, link->key->text.len));
        check->path[len] = '\0';
    }
}

static void
s_note_coverage(runner_t *self)
{
    const pt_verdict_t *verdict = &self->triage.verdict;
    const pt_provider_t *provider = pt_catalog_provider(self->catalog, verdict->provider);
    if (provider)
        self->providers[pt_provider_index(provider)] = true;
    for (size_t i = 0; verdict->entry && i < pt_catalog_entry_count(self->catalog); i++)
        if (pt_catalog_entry_at(self->catalog, i) == verdict->entry)
            self->entries[i] = true;
}

//  The decision as the JSON that everybody sees, or NULL without memory.
static json_t *
s_decide(runner_t *self, const cmd_case_t *test)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    char *text = json_dumps(test->given, JSON_COMPACT);
    pt_status_t status = text ? pt_json_to_msgpack(pt_text_of(text), &bytes, &len, NULL) : PT_E_NOMEM;
    free(text);
    if (status != PT_OK)
        return NULL;
    static pt_pair_t fields[PT_FIELDS_MAX];
    pt_triaged_t triaged;
    pt_decision_t decision;
    pt_triage_response(&self->triage, (pt_bytes_t) {bytes, len}, NULL, 0, test->at_ms, self->bytes, &triaged);
    if (!triaged.invalid)
        s_note_coverage(self); //  while the response's own texts are there
    free(bytes);
    if (pt_decision_decode((pt_bytes_t) {self->bytes, triaged.bytes}, fields, &decision) != PT_OK)
        return NULL;
    char *printed = pt_decision_json(&decision);
    json_t *json = printed ? json_loads(printed, 0, NULL) : NULL;
    free(printed);
    return json;
}

//  Legal in a response, which may name any operation, and more often mistyped in a case.
static void
s_note_operation(const runner_t *self, const cmd_case_t *test)
{
    const char *name = json_string_value(json_object_get(test->given, "provider"));
    const char *operation = json_string_value(json_object_get(test->given, "operation"));
    const pt_provider_t *provider = name ? pt_catalog_provider(self->catalog, pt_text_of(name)) : NULL;
    if (!provider || !operation || cmd_unknown_is_operation(self->catalog, provider, operation))
        return;
    pt_text_t nearest = cmd_unknown_nearest_operation(provider, operation);
    fprintf(stderr, "%s:%u:%u: note: %s: %s has no operation '%s'", test->mark.file, test->mark.line, test->mark.column,
            test->name, name, operation);
    if (nearest.len)
        fprintf(stderr, "; did you mean %.*s?", (int) nearest.len, nearest.data);
    fputc('\n', stderr);
}

static int
s_run_case(runner_t *self, const cmd_case_t *test)
{
    s_note_operation(self, test);
    json_t *decision = s_decide(self, test);
    if (!decision)
        return cmd_fail(EX_OSERR, NULL, "cannot decide '%s'", test->name);
    check_t check = {.test = test};
    s_check_value(&check, test->expect, decision);
    json_decref(decision);
    self->failed += check.failed;
    self->passed += !check.failed;
    return EX_OK;
}

//  All cases of a file, or none where it has faults.
static int
s_run_file(runner_t *self, const char *path)
{
    uint8_t *data;
    size_t bytes;
    if (!pt_file_read(path, FILE_BYTES_MAX, &data, &bytes))
        return cmd_fail(EX_NOINPUT, NULL, "cannot read %s: %s", path, strerror(errno));
    cmd_cases_t cases;
    pt_faults_t faults = {0};
    int code = EX_OK;
    pt_status_t status = cmd_cases_read(&cases, path, (pt_bytes_t) {data, bytes}, &faults);
    if (status == PT_E_SYNTAX) {
        pt_faults_print(&faults, SIZE_MAX, stdout);
        code = CMD_EXIT_NO;
    } else if (status != PT_OK)
        code = cmd_fail(EX_OSERR, NULL, "no memory for %s", path);
    for (size_t i = 0; code == EX_OK && i < cases.count; i++)
        code = s_run_case(self, &cases.cases[i]);
    cmd_cases_clear(&cases);
    pt_faults_clear(&faults);
    free(data);
    return code;
}

static void
s_print_coverage(const runner_t *self)
{
    size_t tested = 0, total = 0;
    for (size_t i = 0; i < pt_catalog_entry_count(self->catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(self->catalog, i);
        const pt_provider_t *provider = pt_catalog_entry_provider(self->catalog, entry);
        if (!self->providers[pt_provider_index(provider)])
            continue;
        total++;
        tested += self->entries[i];
        pt_text_t id = pt_catalog_entry_view(self->catalog, entry).id;
        if (self->options->untested && !self->entries[i])
            printf("untested %.*s\n", (int) id.len, id.data);
    }
    printf("tested %zu of %zu entries", tested, total);
    const char *separator = " of ";
    for (size_t i = 0; i < pt_catalog_provider_count(self->catalog); i++) {
        pt_text_t id = pt_provider_id(pt_catalog_provider_at(self->catalog, i));
        if (!self->providers[i])
            continue;
        printf("%s%.*s", separator, (int) id.len, id.data);
        separator = ", ";
    }
    putchar('\n');
}

static int
s_run(runner_t *self)
{
    int code = EX_OK;
    for (size_t i = 0; i < self->options->paths.count; i++) {
        int file_code = s_run_file(self, self->options->paths.paths[i]);
        code = file_code == EX_OK ? code : file_code;
    }
    s_print_coverage(self);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", self->passed, self->failed);
    int flushed = cmd_flush();
    if (code == EX_OK && self->failed)
        code = CMD_EXIT_NO;
    return code == EX_OK ? flushed : code;
}

static int
s_run_with(const test_options_t *options, const pt_catalog_t *catalog)
{
    runner_t *self = calloc(1, sizeof *self);
    int code = EX_OSERR;
    if (self) {
        self->options = options;
        self->catalog = catalog;
        self->entries = calloc(pt_catalog_entry_count(catalog) + 1, sizeof *self->entries);
        self->providers = calloc(pt_catalog_provider_count(catalog) + 1, sizeof *self->providers);
    }
    if (self && self->entries && self->providers) {
        pt_triage_init(&self->triage, catalog);
        code = s_run(self);
    } else
        code = cmd_fail(EX_OSERR, NULL, "no memory");
    if (self) {
        free(self->entries);
        free(self->providers);
    }
    free(self);
    return code;
}

int
cmd_catalog_test(int argc, char **argv)
{
    test_options_t options = {0};
    pt_config_t config;
    int code = cmd_parse(PT_FOR_CATALOG, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    cmd_options_catalog(&config, &options.load);

    pt_load_t load;
    const pt_catalog_t *catalog;
    code = cmd_catalog_open(&options.load, &load, &catalog);
    if (code == EX_OK)
        code = s_run_with(&options, catalog);
    pt_load_clear(&load);
    pt_paths_clear(&options.paths);
    pt_config_clear(&config);
    return code;
}
