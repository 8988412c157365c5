/*  A good file gives exactly the source that it says; a bad one all of its faults at once. */
#include "compile_support.h"

#include "pt_yaml.h"

static int
s_set_up(void **state)
{
    static s_compiled_t compiled;
    s_file_t file = s_read_file(SAMPLE);
    compiled = s_compile_bytes(file.text, file.bytes);
    free(file.text);
    s_print_faults(&compiled);
    *state = &compiled;
    return compiled.status == PT_OK && compiled.faults.count == 0 ? 0 : -1;
}

static int
s_tear_down(void **state)
{
    s_clear(*state);
    return 0;
}

static const pt_source_provider_t *
s_provider(void **state)
{
    const s_compiled_t *compiled = *state;
    assert_int_equal(compiled->source.provider_count, 1);
    return &compiled->source.providers[0];
}

static void
gateway_is_read(void **state)
{
    const s_compiled_t *compiled = *state;
    const pt_source_provider_t *provider = s_provider(state);
    assert_int_equal(compiled->source.file_count, 1);
    assert_string_equal(compiled->source.files[0], "acme.yaml");
    assert_string_equal(provider->id, "acme");
    assert_string_equal(provider->name, "Acme Pay");
    assert_int_equal(provider->alias_count, 2);
    assert_string_equal(provider->aliases[0], "acmepay");
    assert_string_equal(provider->aliases[1], "ACME");
    assert_int_equal(provider->do_not_retry_count, 2);
    assert_string_equal(provider->do_not_retry[0], "9003");
    assert_string_equal(provider->do_not_retry[1], "03");
    assert_int_equal(provider->field_code_count, 1);
    assert_string_equal(provider->field_codes[0].code, "FORMAT");
    assert_string_equal(provider->field_codes[0].summary, "Malformed.");
    assert_string_equal(provider->field_codes[0].cite, "doc.txt:63");
}

static void
s_assert_path(const pt_path_t *path, pt_role_t role, unsigned slot, unsigned width, const char *joined)
{
    assert_int_equal(path->role, role);
    assert_int_equal(path->slot, slot);
    assert_int_equal(path->width, width);
    char text[256] = "";
    size_t bytes = 0;
    for (size_t i = 0; i < path->step_count; i++)
        bytes += (size_t) snprintf(text + bytes, sizeof text - bytes, "%s%.*s", i ? "/" : "", (int) path->steps[i].len,
                                   path->steps[i].data);
    assert_string_equal(text, joined);
}

static void
body_is_read(void **state)
{
    const pt_source_provider_t *provider = s_provider(state);
    assert_int_equal(provider->path_count, 8);
    assert_int_equal(provider->codes_without_payer, 1u << 1);
    const pt_path_t *paths = provider->paths;
    s_assert_path(&paths[0], PT_ROLE_CODE, 0, 7, "responseCode");
    s_assert_path(&paths[1], PT_ROLE_MESSAGE, 0, 0, "a/b/message");
    s_assert_path(&paths[2], PT_ROLE_CODE, 1, 0, "code");
    s_assert_path(&paths[3], PT_ROLE_STATUS, 0, 0, "status");
    s_assert_path(&paths[4], PT_ROLE_STATUS, 1, 0, "data/status");
    s_assert_path(&paths[5], PT_ROLE_FIELDS, 0, 0, "error/fields");
    s_assert_path(&paths[6], PT_ROLE_ADVICE, 0, 0, "advice_code");
    s_assert_path(&paths[7], PT_ROLE_ADVICE, 1, 0, "data/advice_code");
}

static void
operations_are_read(void **state)
{
    const pt_source_provider_t *provider = s_provider(state);
    assert_int_equal(provider->operation_count, 3);
    const pt_source_operation_t *operations = provider->operations;
    assert_string_equal(operations[0].name, "pay_in");
    assert_int_equal(operations[0].kind, PT_OPERATION_MONEY);
    assert_int_equal(operations[0].alias_count, 2);
    assert_string_equal(operations[0].aliases[0], "pay-in");
    assert_string_equal(operations[0].aliases[1], "付款");
    assert_string_equal(operations[0].digits, "90");
    assert_string_equal(operations[1].name, "inquiry");
    assert_int_equal(operations[1].kind, PT_OPERATION_READ);
    assert_string_equal(operations[1].digits, "92");
    assert_string_equal(operations[2].name, "slip/upload");
    assert_int_equal(operations[2].kind, PT_OPERATION_WRITE);
    assert_true(operations[2].without_payer);
    assert_false(operations[0].without_payer);
    assert_null(operations[2].digits);
    assert_int_equal(provider->digits_slot, 1);
    assert_int_equal(provider->digits_offset, 3);
    assert_int_equal(provider->digits_length, 2);
}

static void
code_entry_is_read(void **state)
{
    const pt_source_entry_t *entry = &s_provider(state)->entries[0];
    assert_int_equal(entry->mark.line, 3);
    assert_int_equal(entry->mark.column, 5);
    assert_string_equal(entry->id, "acme/pay_in/4009001/invalid-105");
    assert_int_equal(entry->kind, PT_ENTRY_CODE);
    assert_int_equal(entry->code_count, 4);
    static const char *const codes[] = {"4009001", "10", "11", "12"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(entry->codes[i], codes[i]);
    assert_int_equal(entry->operation_count, 2);
    assert_string_equal(entry->operations[0], "pay_in");
    assert_string_equal(entry->operations[1], "inquiry");
    assert_string_equal(entry->message, "Invalid: [{1}]");
    assert_string_equal(entry->subcode, "105");
    assert_true(entry->trailing_stop_optional);
    assert_string_equal(entry->summary, "Unclear.");
    assert_string_equal(entry->todo, "Ask.");
    assert_string_equal(entry->cite, "doc.txt:59; other.txt:7; https://example.com/a:b");
}

static void
policies_are_laid_under_the_entry_in_order(void **state)
{
    const pt_rule_t expected = {
        .category = PT_CATEGORY_OUTCOME_UNKNOWN,
        .outcome = PT_OUTCOME_UNKNOWN,
        .action = PT_ACTION_QUERY_STATUS,
        .flags =
            PT_RULE_HEALTH | PT_RULE_ALERT | PT_RULE_DEFER_TO_STATUS | PT_RULE_IF_ABSENT_DEAD_LETTER | PT_RULE_JUDGED,
        .audience = PT_AUDIENCE_BIT(PT_AUDIENCE_TECH_SUPPORT) | PT_AUDIENCE_BIT(PT_AUDIENCE_GATEWAY_ADMIN),
        .severity = PT_SEVERITY_WARNING,
        .when = PT_ALERT_WHEN_IF_PERSISTENT,
        .delay_count = 3,
        .max_attempts = 5, //  its own, not the policy's 6
        .alert_count = 4,
        .alert_span_ms = 90000,
        .deadline_ms = 3 * 3600000,
        .delay_ms = {30000, 60000, 7200000},
    };
    assert_memory_equal(&s_provider(state)->entries[0].rule, &expected, sizeof expected);
}

static void
an_alert_of_the_entry_replaces_the_one_of_its_policy(void **state)
{
    const pt_source_entry_t *entry = &s_provider(state)->entries[1];
    assert_string_equal(entry->id, "acme/any/05");
    assert_null(entry->message);
    assert_null(entry->operations);
    assert_null(entry->todo);
    const pt_rule_t expected = {
        .category = PT_CATEGORY_DECLINE_HARD,
        .outcome = PT_OUTCOME_DECLINED,
        .action = PT_ACTION_NONE,
        .flags = PT_RULE_ALERT,
        .audience = PT_AUDIENCE_BIT(PT_AUDIENCE_RISK),
        .severity = PT_SEVERITY_CRITICAL,
        .when = PT_ALERT_WHEN_NOW,
        .max_attempts = PT_RULE_MAX_ATTEMPTS,
        .alert_count = PT_RULE_PERSIST_ATTEMPTS,
        .alert_span_ms = PT_RULE_PERSIST_MS,
        .deadline_ms = PT_RULE_DEADLINE_MS,
    };
    assert_memory_equal(&entry->rule, &expected, sizeof expected);
}

static void
status_and_http_entries_are_read(void **state)
{
    const pt_source_provider_t *provider = s_provider(state);
    assert_int_equal(provider->entry_count, 4);
    const pt_source_entry_t *paid = &provider->entries[2];
    assert_int_equal(paid->kind, PT_ENTRY_STATUS);
    assert_string_equal(paid->id, "acme/status/paid");
    assert_string_equal(paid->codes[0], "paid");
    assert_int_equal(paid->rule.delay_count, 0);
    assert_int_equal(paid->rule.flags, 0);
    const pt_source_entry_t *down = &provider->entries[3];
    assert_int_equal(down->kind, PT_ENTRY_HTTP_CLASS);
    assert_string_equal(down->id, "acme/http/5xx/down");
    assert_string_equal(down->codes[0], "5xx");
    assert_int_equal(down->rule.delay_count, 1);
    assert_int_equal(down->rule.delay_ms[0], 250);
    assert_int_equal(down->rule.deadline_ms, 24 * 3600 * 1000);
}

static void
all_faults_of_a_file_come_at_once_from_top_to_bottom(void **state)
{
    (void) state;
    s_compiled_t compiled = s_compile("entries:\n"
                                      "- {code: 05, category: decline_sofd, outcome: declined, action: none,\n"
                                      "   sumary: x, cite: 7}\n"
                                      "- {http: \"5xx\", category: duplicate, outcome: unknown, action: resubmit,\n"
                                      "   summary: A good row to read., cite: \"d.txt:7\"}\n"
                                      "gateway: {id: Bad, name: Acme}\n"
                                      "body: {codes: [{code: code}]}\n"
                                      "unknown: 1\n");
    static const struct {
        const char *id;
        unsigned line;
    } expected[] = {{"PT1012", 2}, {"PT1015", 2}, {"PT1019", 2}, {"PT1010", 3},
                    {"PT1029", 3}, {"PT1111", 4}, {"PT1022", 6}, {"PT1010", 8}};
    s_print_faults(&compiled);
    assert_int_equal(compiled.status, PT_E_SYNTAX);
    assert_int_equal(compiled.faults.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < compiled.faults.count; i++) {
        assert_string_equal(compiled.faults.faults[i].id, expected[i].id);
        assert_int_equal(compiled.faults.faults[i].mark.line, expected[i].line);
    }
    assert_string_equal(compiled.faults.faults[3].text, "unknown key 'sumary' in an entry; did you mean 'summary'?");
    s_clear(&compiled);
}

static void
names_of_gateways_are_unique_across_files(void **state)
{
    (void) state;
    static const char second[] = "gateway: {id: other, name: Other, aliases: [acmepay]}\n"
                                 "entries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]\n";
    pt_source_t source = {0};
    pt_faults_t faults = {0};
    s_file_t first = s_read_file(SAMPLE);
    pt_bytes_t texts[] = {{(const uint8_t *) first.text, first.bytes}, {(const uint8_t *) second, sizeof second - 1}};
    assert_int_equal(pt_compile_yaml(&source, "first.yaml", texts[0], &faults), PT_OK);
    assert_int_equal(pt_compile_yaml(&source, "second.yaml", texts[1], &faults), PT_OK);
    assert_int_equal(source.provider_count, 2);
    assert_string_equal(source.providers[0].entries[0].mark.file, "first.yaml");
    pt_compile_check(&source, &faults);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.faults[0].id, "PT1023");
    assert_string_equal(faults.faults[0].mark.file, "second.yaml");
    pt_faults_clear(&faults);
    pt_source_destroy(&source);
    free(first.text);
}

static void
s_assert_refused(const char *text, size_t bytes, const char *id)
{
    s_compiled_t compiled = s_compile_bytes(text, bytes);
    assert_int_equal(compiled.status, PT_E_SYNTAX);
    assert_int_equal(compiled.faults.count, 1);
    assert_string_equal(compiled.faults.faults[0].id, id);
    s_clear(&compiled);
}

//  Each level doubles what the one below stands for: 2^20 values out of some 400 bytes.
static void
an_alias_bomb_is_refused(void **state)
{
    (void) state;
    char text[2048];
    size_t bytes = (size_t) snprintf(text, sizeof text, "a0: &a0 x\n");
    for (int level = 1; level <= 24; level++)
        bytes += (size_t) snprintf(text + bytes, sizeof text - bytes, "a%d: &a%d [*a%d, *a%d]\n", level, level,
                                   level - 1, level - 1);
    s_assert_refused(text, bytes, "PT1002");
}

static void
deep_nesting_is_refused(void **state)
{
    (void) state;
    static char text[100000];
    memset(text, '[', sizeof text);
    s_assert_refused(text, sizeof text, "PT1002");
    //  Nested by aliases instead of brackets.
    size_t bytes = (size_t) snprintf(text, sizeof text, "a0: &a0 [x]\n");
    for (int level = 1; level <= PT_YAML_DEPTH_MAX; level++)
        bytes += (size_t) snprintf(text + bytes, sizeof text - bytes, "a%d: &a%d [*a%d]\n", level, level, level - 1);
    s_assert_refused(text, bytes, "PT1002");
}

static void
too_many_anchors_and_values_and_bytes_are_refused(void **state)
{
    (void) state;
    size_t capacity = PT_YAML_BYTES_MAX + 1;
    char *text = malloc(capacity);
    assert_non_null(text);
    size_t bytes = 0;
    for (int i = 0; i <= PT_YAML_ANCHORS_MAX; i++)
        bytes += (size_t) snprintf(text + bytes, capacity - bytes, "- &a%d x\n", i);
    s_assert_refused(text, bytes, "PT1002");
    bytes = 0;
    for (int i = 0; i <= PT_YAML_NODES_MAX; i++)
        bytes += (size_t) snprintf(text + bytes, capacity - bytes, "- x\n");
    s_assert_refused(text, bytes, "PT1002");
    memset(text, '#', capacity);
    s_assert_refused(text, capacity, "PT1002");
    free(text);
}

static void
aliases_within_bounds_stand_for_their_anchor(void **state)
{
    (void) state;
    s_compiled_t compiled =
        s_compile(HEAD "- &first {code: \"7\", summary: s, cite: 1, " SOFT ", alert: &tell {audience: "
                       "risk, severity: info, when: now}}\n"
                       "- {code: \"8\", summary: s, cite: 1, " SOFT ", alert: *tell}\n");
    assert_int_equal(compiled.faults.count, 0);
    const pt_source_entry_t *entries = compiled.source.providers[0].entries;
    assert_int_equal(entries[1].rule.audience, PT_AUDIENCE_BIT(PT_AUDIENCE_RISK));
    s_clear(&compiled);
}

//  A hostile file must not fill memory or the screen with its faults.
static void
faults_beyond_a_thousand_are_counted_only(void **state)
{
    (void) state;
    size_t bytes = 0;
    char *text = malloc(200000);
    assert_non_null(text);
    for (int i = 0; i < 5000; i++)
        bytes += (size_t) snprintf(text + bytes, 200000 - bytes, "unknown-key-%d: x\n", i);
    s_compiled_t compiled = s_compile_bytes(text, bytes);
    assert_int_equal(compiled.faults.count, 1000);
    assert_int_equal(compiled.faults.errors, 5000 + 2); //  and gateway and entries are missing
    s_clear(&compiled);
    free(text);
}

static void
a_fault_is_one_printable_line(void **state)
{
    (void) state;
    s_compiled_t compiled = s_compile("\"a\\nb\\e[31m\": 1\n");
    bool is_seen = false;
    for (size_t i = 0; i < compiled.faults.count; i++) {
        is_seen = is_seen || strstr(compiled.faults.faults[i].text, "a?b?[31m");
        assert_null(strpbrk(compiled.faults.faults[i].text, "\n\r\x1b"));
    }
    assert_true(is_seen);
    s_clear(&compiled);
}

int
main(void)
{
    const struct CMUnitTest good[] = {
        cmocka_unit_test(gateway_is_read),
        cmocka_unit_test(body_is_read),
        cmocka_unit_test(operations_are_read),
        cmocka_unit_test(code_entry_is_read),
        cmocka_unit_test(policies_are_laid_under_the_entry_in_order),
        cmocka_unit_test(an_alert_of_the_entry_replaces_the_one_of_its_policy),
        cmocka_unit_test(status_and_http_entries_are_read),
    };
    const struct CMUnitTest bad[] = {
        cmocka_unit_test(all_faults_of_a_file_come_at_once_from_top_to_bottom),
        cmocka_unit_test(names_of_gateways_are_unique_across_files),
        cmocka_unit_test(an_alias_bomb_is_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(too_many_anchors_and_values_and_bytes_are_refused),
        cmocka_unit_test(aliases_within_bounds_stand_for_their_anchor),
        cmocka_unit_test(faults_beyond_a_thousand_are_counted_only),
        cmocka_unit_test(a_fault_is_one_printable_line),
    };
    int failed = cmocka_run_group_tests(good, s_set_up, s_tear_down);
    return cmocka_run_group_tests(bad, NULL, NULL) + failed;
}
