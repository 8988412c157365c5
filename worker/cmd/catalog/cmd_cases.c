/*  Cases are read with the catalog's own readers, so their faults have places, ids and hints alike. */
#include "cmd_cases.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

//  One file under way.
typedef struct {
    cmd_cases_t *cases;
    cmd_case_t *open; //  the case being read
} s_unit_t;

bool
cmd_cases_time(pt_text_t text, uint64_t *out_ms)
{
    char copy[32], again[32];
    struct tm parts = {0};
    unsigned ms = 0;
    if (text.len < 20 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return false;
    //  strptime takes 2026-1-2 and 31 February as well.
    time_t seconds = timegm(&parts);
    strftime(again, sizeof again, "%Y-%m-%dT%H:%M:%S", &parts);
    if (strncmp(copy, again, strlen(again)) != 0 || seconds < 0)
        return false;
    if (rest[0] == '.') {
        for (int i = 1; i <= 3; i++) {
            if (rest[i] < '0' || rest[i] > '9')
                return false;
            ms = ms * 10 + (unsigned) (rest[i] - '0');
        }
        rest += 4;
    }
    *out_ms = (uint64_t) seconds * 1000 + ms;
    return strcmp(rest, "Z") == 0;
}

bool
cmd_cases_duration(pt_text_t text, uint64_t *out_ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < text.len && digits < 10 && text.data[digits] >= '0' && text.data[digits] <= '9'; digits++)
        value = value * 10 + (uint64_t) (text.data[digits] - '0');
    pt_text_t unit = {text.data + digits, text.len - digits};
    for (size_t i = 0; digits && i < COUNT(units); i++) {
        *out_ms = value * units[i].ms;
        if (pt_text_equal(unit, pt_text_of(units[i].name)))
            return true;
    }
    return false;
}

static bool
s_is_integer(const char *text)
{
    const char *digits = text + (*text == '-');
    size_t count = strspn(digits, "0123456789");
    return count > 0 && count < 19 && !digits[count] && (count == 1 || digits[0] != '0');
}

static bool
s_is_real(const char *text)
{
    if (strspn(text, "-+.eE0123456789") != strlen(text) || !strpbrk(text, ".eE") || !strpbrk(text, "0123456789"))
        return false;
    char *end;
    (void) strtod(text, &end);
    return *end == '\0';
}

//  A plain scalar as YAML and JSON readers mostly agree; 05 stays a text, because a code may look so.
static json_t *
s_scalar_json(const pt_node_t *node)
{
    const char *text = node->text.data;
    if (node->quoted)
        return json_stringn(text, node->text.len);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    if (strcmp(text, "null") == 0 || strcmp(text, "~") == 0 || !*text)
        return json_null();
    if (s_is_integer(text))
        return json_integer(strtoll(text, NULL, 10));
    return s_is_real(text) ? json_real(strtod(text, NULL)) : json_stringn(text, node->text.len);
}

//  Depth is bounded by PT_YAML_DEPTH_MAX.
static json_t *
s_node_json(const pt_node_t *node)
{
    if (node->kind == PT_NODE_SCALAR)
        return s_scalar_json(node);
    json_t *json = node->kind == PT_NODE_MAP ? json_object() : json_array();
    for (const pt_link_t *link = node->first; json && link; link = link->next) {
        json_t *value = s_node_json(link->value);
        bool well = node->kind == PT_NODE_MAP
                        ? json_object_setn_new(json, link->key->text.data, link->key->text.len, value) == 0
                        : json_array_append_new(json, value) == 0;
        if (!well) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static bool
s_ends_with_ms(pt_text_t key)
{
    return key.len > 3 && memcmp(key.data + key.len - 3, "_ms", 3) == 0;
}

//  Times and durations of the envelope may be written for people.
static json_t *
s_given_json(const pt_link_t *link)
{
    uint64_t ms;
    bool is_plain = link->value->kind == PT_NODE_SCALAR && s_ends_with_ms(link->key->text);
    if (is_plain && (cmd_cases_time(link->value->text, &ms) || cmd_cases_duration(link->value->text, &ms)))
        return json_integer((json_int_t) ms);
    return s_node_json(link->value);
}

static void
s_check_keys(pt_reader_t *reader, const pt_node_t *map, const char *where, const char *const *words, size_t count)
{
    for (const pt_link_t *link = map->first; link; link = link->next) {
        bool is_known = false;
        for (size_t i = 0; i < count && !is_known; i++)
            is_known = pt_text_equal(link->key->text, pt_text_of(words[i]));
        if (!is_known)
            pt_read_fault_unknown(reader, link->key, PT_FAULT_KEY_UNKNOWN, "key", where, words, count);
        for (const pt_link_t *other = map->first; other != link; other = other->next)
            if (pt_text_equal(other->key->text, link->key->text))
                pt_read_fault(reader, link->key, PT_FAULT_KEY_TWICE, "key '%.64s' stands twice%s", link->key->text.data,
                              where);
    }
}

static bool
s_is_map(pt_reader_t *reader, const pt_node_t *node, const char *what)
{
    if (node->kind != PT_NODE_MAP)
        pt_read_fault(reader, node, PT_FAULT_TYPE, "%s must be a map", what);
    return node->kind == PT_NODE_MAP;
}

static void
s_read_name(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_text(reader, node, &((s_unit_t *) target)->open->name);
}

static void
s_read_at(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_text_t text;
    if (pt_read_scalar(reader, node, &text) && !cmd_cases_time(text, &((s_unit_t *) target)->open->at_ms))
        pt_read_fault(reader, node, PT_FAULT_TIME, "'%.64s' is no time such as 2026-11-22T03:00:00Z", text.data);
}

static void
s_read_given(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const char *const words[] = {"id",      "provider",         "operation",     "http_status", "transport",
                                        "body",    "attempt",          "received_ms",   "idempotent",  "reference",
                                        "account", "first_attempt_ms", "retry_after_ms"};
    cmd_case_t *open = ((s_unit_t *) target)->open;
    if (!s_is_map(reader, node, "given"))
        return;
    s_check_keys(reader, node, " in given", words, COUNT(words));
    json_decref(open->given);
    open->given = json_object();
    for (const pt_link_t *link = node->first; link; link = link->next)
        if (json_object_setn_new(open->given, link->key->text.data, link->key->text.len, s_given_json(link)) != 0)
            pt_read_fault(reader, link->key, PT_FAULT_TEXT, "'%.64s' cannot be made JSON", link->key->text.data);
}

static void
s_check_inner(pt_reader_t *reader, const pt_node_t *expect, const char *key, const char *const *words, size_t count)
{
    char where[32];
    (void) snprintf(where, sizeof where, " in %s", key);
    for (const pt_link_t *link = expect->first; link; link = link->next)
        if (pt_text_equal(link->key->text, pt_text_of(key)) && link->value->kind == PT_NODE_MAP)
            s_check_keys(reader, link->value, where, words, count);
}

//  The keys of a decision, and of the maps in it.
static const char *const s_decision_keys[] = {"id",
                                              "attempt",
                                              "provider",
                                              "operation",
                                              "http_status",
                                              "reference",
                                              "account",
                                              "code",
                                              "message",
                                              "entry",
                                              "match",
                                              "params",
                                              "reasons",
                                              "fields",
                                              "fields_dropped",
                                              "retry",
                                              "alert",
                                              "route",
                                              "action",
                                              "category",
                                              "outcome",
                                              "confirm_as_success",
                                              "same_payload_ok",
                                              "health",
                                              "summary",
                                              "catalog",
                                              "error",
                                              "raw",
                                              "decided_ms"};
static const char *const s_retry_keys[] = {"delay_ms",     "next_at_ms",  "attempt",
                                           "max_attempts", "deadline_ms", "if_absent"};
static const char *const s_alert_keys[] = {"audience", "severity", "when", "active", "count"};

static void
s_read_expect(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    if (!s_is_map(reader, node, "expect"))
        return;
    ((s_unit_t *) target)->open->expect = node;
    s_check_keys(reader, node, " in expect", s_decision_keys, COUNT(s_decision_keys));
    s_check_inner(reader, node, "retry", s_retry_keys, COUNT(s_retry_keys));
    s_check_inner(reader, node, "alert", s_alert_keys, COUNT(s_alert_keys));
    if (!node->first)
        pt_read_fault(reader, node, PT_FAULT_KEY_MISSING, "expect names no key, so the case tests nothing");
}

static void
s_read_case(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    static const pt_key_t keys[] = {
        {"name", s_read_name, true},
        {"at", s_read_at, false},
        {"given", s_read_given, true},
        {"expect", s_read_expect, true},
    };
    s_unit_t *unit = target;
    unit->open = &unit->cases->cases[unit->cases->count++];
    *unit->open = (cmd_case_t) {.mark = pt_read_mark(reader, item), .at_ms = CMD_CASES_DEFAULT_MS};
    pt_read_map(reader, item, "a test", keys, COUNT(keys), unit);
}

static void
s_read_tests(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_unit_t *unit = target;
    unit->cases->cases = pt_read_array(reader, node->kind == PT_NODE_LIST ? node->count : 1, sizeof(cmd_case_t));
    if (unit->cases->cases)
        (void) pt_read_list(reader, node, CMD_CASES_MAX, s_read_case, unit);
}

static pt_status_t
s_read_tree(cmd_cases_t *self, pt_faults_t *faults)
{
    static const pt_key_t keys[] = {{"tests", s_read_tests, true}};
    static const pt_node_t nothing = {.line = 1, .column = 1};
    pt_reader_t reader = {.source = &self->memory, .faults = faults, .file = self->file};
    s_unit_t unit = {.cases = self};
    if (!self->tree.root)
        pt_read_fault(&reader, &nothing, PT_FAULT_DOCUMENT, "the file holds nothing");
    else
        pt_read_map(&reader, self->tree.root, "the file", keys, COUNT(keys), &unit);
    if (reader.out_of_memory)
        return PT_E_NOMEM;
    return reader.fault_count ? PT_E_SYNTAX : PT_OK;
}

pt_status_t
cmd_cases_read(cmd_cases_t *self, const char *file, pt_bytes_t text, pt_faults_t *faults)
{
    *self = (cmd_cases_t) {.file = file};
    pt_yaml_error_t error;
    pt_status_t status = pt_yaml_parse(file, text, &self->tree, &error);
    if (status == PT_E_SYNTAX)
        pt_faults_add(faults, (pt_mark_t) {file, error.line, error.column}, false, error.id, "%s", error.text);
    return status == PT_OK ? s_read_tree(self, faults) : status;
}

void
cmd_cases_clear(cmd_cases_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        json_decref(self->cases[i].given);
    pt_tree_clear(&self->tree);
    pt_source_destroy(&self->memory);
    *self = (cmd_cases_t) {0};
}
