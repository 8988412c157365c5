/*  Each kind of fault, with its id and its line, and nothing else beside it. */
#include "compile_support.h"

#include "pt_fault.h"

typedef struct {
    const char *text;
    const char *id;
    unsigned line;
} s_case_t;

//  One row with code "7" in line 6; `meaning` is its category, outcome and action.
#define MEANS(meaning) HEAD "- {code: \"7\", " meaning TEXTS "}\n"
#define WITH(rest) MEANS(SOFT ", " rest)
#define GATEWAY(keys) "gateway: {" keys "}\nentries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]\n"
#define BODY(keys)                                                                                                     \
    "gateway: {id: a, name: A}\nbody: {" keys "}\nentries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]\n"
#define OPERATIONS(items) BODY("codes: [{code: c}]") "operations: [" items "]\n"

//  The longest names that there may be.
#define LETTERS_31 "abcdefghijklmnopqrstuvwxyz01234"
#define LETTERS_32 LETTERS_31 "5"
#define LETTERS_128 LETTERS_32 LETTERS_32 LETTERS_32 LETTERS_32
#define LETTERS_255 LETTERS_128 LETTERS_32 LETTERS_32 LETTERS_32 LETTERS_31

static const s_case_t s_written[] = {
    {"gateway: {id: [\n", "PT1001", 2},
    {"gateway:\n  id: a\n name: b\n", "PT1001", 3},
    {"gateway: \"\xff\"\n", "PT1001", 1},
    {"gateway:\n  id: a\n  name: \"Caf\xe9\"\n", "PT1001", 3},
    {"gateway:\n  id: a\n  name: a\x01\n", "PT1001", 3},
    {"gateway:\n  id: \xe0\xb8\x81\n  name: \xe0\xb8", "PT1001", 3},
    {"gateway: *nothing\n", "PT1003", 1},
    {"entries: &a\n  - *a\n", "PT1003", 2},
    {WITH("todo: !!str text"), "PT1004", 6},
    {"", "PT1005", 1},
    {"# nothing but a comment\n", "PT1005", 1},
    {MEANS(SOFT) "---\nanother: 1\n", "PT1005", 7},
    {"? {a: b}\n: c\n", "PT1006", 1},
    {WITH("sumary: x"), "PT1010", 6},
    {HEAD ROW("code: \"7\"") "policy: {}\n", "PT1010", 7},
    {WITH("health: true, health: true"), "PT1011", 6},
    {HEAD ROW("code: \"7\"") "body: {}\n", "PT1011", 7},
    {"gateway: {id: a, name: b}\npolicies:\n  p: {}\n  p: {}\n"
     "entries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]",
     "PT1011", 4},
    {HEAD "- {code: \"7\", " SOFT ", cite: 7}\n", "PT1012", 6},
    {HEAD "- {code: \"7\", " SOFT ", summary: s}\n", "PT1012", 6},
    {"gateway: {id: a, name: b}\n", "PT1012", 1},
    {"- a\n- b\n", "PT1013", 1},
    {HEAD "- just a text\n", "PT1013", 6},
    {WITH("todo: [a, b]"), "PT1013", 6},
    {WITH("policy: {slow: 1}"), "PT1013", 6},
    {WITH("policy: []"), "PT1013", 6},
    {WITH("todo: \"\""), "PT1014", 6},
    {WITH("todo: ~"), "PT1014", 6},
    {WITH("todo: \"two\\nlines\""), "PT1014", 6},
    {WITH("message: \"a\\0b\""), "PT1014", 6},
    {WITH("message: \"a {1}\", subcode: \"1 2\""), "PT1014", 6},
    {HEAD ROW("code: 05"), "PT1015", 6},
    {HEAD ROW("code: NO"), "PT1015", 6},
    {WITH("also: [\"10\", 11]"), "PT1015", 6},
    {WITH("message: \"a {1}\", subcode: 105"), "PT1015", 6},
    {HEAD ROW("status: successful"), "PT1015", 6},
    {HEAD ROW("http: 5xx"), "PT1015", 6},
    {WITH("health: yes"), "PT1016", 6},
    {WITH("judged: \"true\""), "PT1016", 6},
    {WITH("max_attempts: 0"), "PT1017", 6},
    {WITH("max_attempts: 3x"), "PT1017", 6},
    {WITH("max_attempts: 08"), "PT1017", 6},
    {WITH("max_attempts: 99999999999999999999"), "PT1017", 6},
    {WITH("delays: [30]"), "PT1018", 6},
    {WITH("delays: [0s]"), "PT1018", 6},
    {WITH("delays: [1.5s]"), "PT1018", 6},
    {WITH("deadline: -1h"), "PT1018", 6},
    {WITH("deadline: 31d"), "PT1018", 6},
    {WITH("deadline: 9999999999d"), "PT1018", 6},
    {MEANS("category: decline_sofd, outcome: declined, action: none"), "PT1019", 6},
    {MEANS("category: decline_soft, outcome: declined, action: nothing"), "PT1019", 6},
    {WITH("message: a, trailing_stop: maybe"), "PT1019", 6},
    {WITH("alert: {audience: [operators], severity: info, when: now}"), "PT1019", 6},
    {OPERATIONS("{name: a, kind: unnamed}"), "PT1019", 4},
    {WITH("operation: pya"), "PT1020", 6},
    {WITH("policy: [slow, fast]"), "PT1021", 6},
    {GATEWAY("id: Acme, name: Acme"), "PT1022", 1},
    {GATEWAY("id: a, name: A, aliases: [\"b c\"]"), "PT1022", 1},
    {OPERATIONS("{name: /pay, kind: money}"), "PT1022", 4},
    {WITH("slug: Not_A_Slug"), "PT1022", 6},
    {WITH("id: \"a b\""), "PT1022", 6},
    {GATEWAY("id: a, name: A, aliases: [a]"), "PT1023", 1},
    {OPERATIONS("{name: a, kind: money}, {name: b, kind: read, aliases: [a]}"), "PT1023", 4},
    {WITH("operation: [pay, pay]"), "PT1023", 6},
    {WITH("also: [\"7\"]"), "PT1023", 6},
    {BODY("fields: a..b"), "PT1024", 2},
    {BODY("fields: a.b.c.d.e.f.g"), "PT1024", 2},
    {HEAD "- {" SOFT TEXTS "}\n", "PT1025", 6},
    {HEAD ROW("code: \"7\", status: \"x\""), "PT1025", 6},
    {HEAD ROW("http: \"600\""), "PT1026", 6},
    {HEAD ROW("http: \"5x\""), "PT1026", 6},
    {HEAD ROW("status: \"x\", message: a"), "PT1027", 6},
    {HEAD ROW("status: \"x\", defer_to_status: true"), "PT1027", 6},
    {HEAD ROW("http: \"5xx\", defer_to_status: true"), "PT1027", 6},
    {WITH("message: a, subcode: \"1\""), "PT1027", 6},
    {WITH("trailing_stop: optional"), "PT1027", 6},
    {WITH("remove: true"), "PT1027", 6},
    {WITH("if_absent: resubmit"), "PT1027", 6},
    {WITH("slug: a, id: b"), "PT1027", 6},
    {WITH("alert: {audience: risk, severity: info, when: now, attempts: 3}"), "PT1027", 6},
    {BODY("do_not_retry: [\"9003\"]"), "PT1027", 2},
    {"gateway: {id: a, name: A, cite: d}\nentries:\n" ROW("code: \"7\""), "PT1027", 3},
    {WITH("message: \"a {1\""), "PT1028", 6},
    {WITH("message: \"a } b\""), "PT1028", 6},
    {WITH("message: \"a {1}\", merchant: \"a {2}\""), "PT1028", 6},
    {WITH("message: \"a {1}\", merchant: \"a {1\""), "PT1028", 6},
    {WITH("merchant: \"a {1}\""), "PT1028", 6},
    {WITH("merchant: \"\""), "PT1014", 6},
    {WITH("message: \"a {} b\""), "PT1028", 6},
    {WITH("message: \"a {{1} b\""), "PT1028", 6},
    {WITH("message: \"a {1}{2}\""), "PT1028", 6},
    {WITH("message: \"a {1} b {1}\""), "PT1028", 6},
    {WITH("message: \"{1}a{2}a{3}a{4}a{5}a{6}a{7}a{8}a{9}\""), "PT1028", 6},
    {HEAD "- {code: \"7\", " SOFT ", summary: s, cite: seven}\n", "PT1029", 6},
    {HEAD "- {code: \"7\", " SOFT ", summary: s, cite: 0}\n", "PT1029", 6},
    {HEAD "- {code: \"7\", " SOFT ", summary: s, cite: \"ftp://a/b\"}\n", "PT1029", 6},
    {"gateway: {id: a, name: b}\nentries: [{http: \"5xx\", " SOFT ", summary: s, cite: 7}]\n", "PT1029", 2},
    {OPERATIONS("{name: a, kind: money, digits: \"9x\"}") "operation_digits: {slot: 0, offset: 3, length: 2}\n",
     "PT1030", 4},
    {OPERATIONS("{name: a, kind: money, digits: \"90\"}") "operation_digits: {slot: 1, offset: 3, length: 2}\n",
     "PT1030", 5},
    {OPERATIONS("{name: a, kind: money, digits: \"90\"}") "operation_digits: {slot: 0, offset: 3, length: 3}\n",
     "PT1030", 5},
    {OPERATIONS("{name: a, kind: money}") "operation_digits: {slot: 0, offset: 3, length: 3}\n", "PT1030", 5},
    {OPERATIONS("{name: a, kind: money, digits: \"90\"}"), "PT1030", 4},
    {BODY("codes: [{code: c}]") "status_digits: {slot: 1, offset: 0}\n", "PT1030", 4},
    {WITH("alert: {audience: risk, severity: info, when: if_frequent, count: 3}"), "PT1012", 6},
    {WITH("alert: {audience: risk, severity: info, when: if_frequent, within: 1h}"), "PT1012", 6},
    {WITH("alert: {audience: risk, severity: info, when: if_frequent, count: 3, within: 999ms}"), "PT1018", 6},
    {HEAD ROW("code: \"" LETTERS_255 "5\""), "PT1014", 6},
    {WITH("message: \"a {" LETTERS_32 "e}\""), "PT1028", 6},
    {WITH("also: [\"1\", \"2\", \"3\", \"4\"]"), "PT1031", 6},
    {WITH("delays: [1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s]"), "PT1031", 6},
    {BODY("status: [a, b, c, d, e, f, g]"), "PT1031", 2},
    {BODY("codes: [{code: a}, {code: b}, {code: c}, {code: d}, {code: e}, {code: f}, {code: g}]"), "PT1031", 2},
};

#define RETRY(words) MEANS("category: provider_unavailable, outcome: unknown, action: query_status, " words)
#define ALERT(words) ", alert: {audience: operator, severity: info, when: " words "}"

static const s_case_t s_rows[] = {
    {RETRY("delays: [1h], deadline: 30m"), "PT1033", 6},
    {RETRY("delays: [30m], deadline: 30m"), "PT1033", 6},
    {RETRY("max_attempts: 1"), "PT1033", 6},
    {HEAD ROW("code: \"7\", message: a") ROW("code: \"7\""), "PT1101", 7},
    {HEAD ROW("code: \"7\", slug: a") ROW("code: \"7\", slug: b"), "PT1102", 7},
    {HEAD ROW("code: \"7\"") ROW("code: \"8\", also: [\"7\"]"), "PT1102", 7},
    {HEAD ROW("code: \"7\", operation: [pay, ask]") ROW("code: \"7\", operation: ask, slug: b")
         ROW("code: \"7\", slug: c"),
     "PT1102", 7},
    {HEAD ROW("status: \"ok\"") ROW("status: \"ok\", slug: b"), "PT1102", 7},
    {HEAD ROW("code: \"7\", message: a, slug: a") ROW("code: \"7\", message: b, slug: b"), "PT1103", 6},
    {HEAD ROW("code: \"7\", message: a, operation: pay, slug: a")
         ROW("code: \"7\", message: b, operation: pay, slug: b"),
     "PT1103", 6},
    {HEAD ROW("code: \"7\", operation: pay, slug: a") ROW("code: \"7\", operation: ask, slug: b"), "PT1104", 7},
    {MEANS("category: decline_hard, outcome: declined, action: resubmit"), "PT1110", 6},
    {MEANS("category: risk_security, outcome: unknown, action: query_status"), "PT1110", 6},
    {MEANS("category: auth_signature, outcome: not_executed, action: resubmit"), "PT1110", 6},
    {MEANS("category: request_invalid, outcome: not_executed, action: resubmit"), "PT1110", 6},
    {MEANS("category: network_allowlist, outcome: not_executed, action: resubmit"), "PT1110", 6},
    {MEANS("category: cancelled_expired, outcome: not_executed, action: resubmit"), "PT1110", 6},
    {MEANS("category: duplicate, outcome: not_executed, action: resubmit"), "PT1111", 6},
    {MEANS("category: duplicate, outcome: pending, action: none"), "PT1111", 6},
    {MEANS("category: accepted, outcome: declined, action: none"), "PT1112", 6},
    {MEANS("category: request_invalid, outcome: success, action: none"), "PT1112", 6},
    {MEANS("category: decline_hard, outcome: unknown, action: fix_request"), "PT1112", 6},
    {MEANS("category: duplicate, outcome: declined, action: query_status"), "PT1112", 6},
    {MEANS("category: state_conflict, outcome: success, action: query_status"), "PT1113", 6},
    {MEANS("category: outcome_unknown, outcome: unknown, action: none"), "PT1113", 6},
    {MEANS("category: provider_bug, outcome: unknown, action: new_order"), "PT1113", 6},
    {MEANS("category: outcome_unknown, outcome: pending, action: resubmit"), "PT1113", 6},
    {MEANS("category: not_found, outcome: pending, action: new_order"), "PT1113", 6},
    {MEANS("category: not_found, outcome: pending, action: change_instrument"), "PT1113", 6},
    {MEANS("category: provider_bug, outcome: unknown, action: contact_provider"), "PT1114", 6},
    {MEANS("category: provider_bug, outcome: unknown, action: contact_provider" ALERT("if_frequent")), "PT1114", 6},
    {MEANS("category: provider_bug, outcome: unknown, action: investigate"), "PT1114", 6},
};

static void
s_assert_one_fault(const s_case_t *expected)
{
    s_compiled_t compiled = s_compile(expected->text);
    bool as_expected = compiled.faults.count == 1 && compiled.faults.errors == 1 &&
                       strcmp(compiled.faults.faults[0].id, expected->id) == 0 &&
                       compiled.faults.faults[0].mark.line == expected->line;
    if (!as_expected) {
        s_print_faults(&compiled);
        fail_msg("expected only %s at line %u of:\n%s", expected->id, expected->line, expected->text);
    }
    assert_string_equal(compiled.faults.faults[0].mark.file, "acme.yaml");
    s_clear(&compiled);
}

static void
each_fault_of_a_file_has_its_id_and_line(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof s_written / sizeof *s_written; i++)
        s_assert_one_fault(&s_written[i]);
}

static void
each_fault_between_rows_has_its_id_and_line(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof s_rows / sizeof *s_rows; i++)
        s_assert_one_fault(&s_rows[i]);
}

static bool
s_is_shown(const char *id)
{
    for (size_t i = 0; i < sizeof s_written / sizeof *s_written; i++)
        if (strcmp(s_written[i].id, id) == 0)
            return true;
    for (size_t i = 0; i < sizeof s_rows / sizeof *s_rows; i++)
        if (strcmp(s_rows[i].id, id) == 0)
            return true;
    return false;
}

//  These have tests of their own: below, in test_pt_compile.c, test_pt_build.c, test_pt_overlay.c,
//  test_pt_lint.c and tests/cli/test_catalog_test.py.
static bool
s_is_shown_elsewhere(pt_fault_kind_t kind)
{
    switch (kind) {
    case PT_FAULT_LIMIT:
    case PT_FAULT_ALERT:
    case PT_FAULT_NOTHING_TO_DO:
    case PT_FAULT_OVERLAY:
    case PT_FAULT_OVERLAY_ENTRY:
    case PT_FAULT_TIME:
    case PT_FAULT_ENDLESS:
    case PT_FAULT_UNREACHABLE:
    case PT_FAULT_OVERLAP:
        return true;
    default:
        return kind >= PT_FAULT_CLAIMED;
    }
}

static void
every_id_is_shown_by_a_case(void **state)
{
    (void) state;
    for (int kind = 0; kind < PT_FAULT_COUNT_; kind++) {
        const char *id = pt_fault_id((pt_fault_kind_t) kind);
        assert_true(strlen(pt_fault_meaning((pt_fault_kind_t) kind)) > 10);
        assert_int_equal(pt_fault_parse(pt_text_of(id)), kind);
        assert_true(strlen(pt_fault_remedy((pt_fault_kind_t) kind)) > 10);
        if (!s_is_shown_elsewhere((pt_fault_kind_t) kind) && !s_is_shown(id))
            fail_msg("no case shows %s", id);
    }
    assert_int_equal(pt_fault_parse(PT_TEXT("PT9999")), -1);
}

//  A row that no YAML gives: an author's alert always names somebody.
static void
check_finds_what_a_source_by_hand_lacks(void **state)
{
    (void) state;
    char code[] = "1";
    char id[] = "a/1";
    pt_source_entry_t entry = {.id = id, .codes = {code}, .code_count = 1};
    entry.rule = (pt_rule_t) {
        .category = PT_CATEGORY_DECLINE_SOFT, .outcome = PT_OUTCOME_DECLINED, .flags = PT_RULE_ALERT, .delay_count = 1};
    pt_source_provider_t provider = {.id = id, .entries = &entry, .entry_count = 1};
    pt_source_t source = {.providers = &provider, .provider_count = 1};
    pt_faults_t faults = {0};
    pt_compile_check(&source, &faults);
    assert_int_equal(faults.errors, 5); //  summary, cite, audience, deadline, delay
    bool has_alert = false;
    for (size_t i = 0; i < faults.count; i++)
        has_alert = has_alert || strcmp(faults.faults[i].id, pt_fault_id(PT_FAULT_ALERT)) == 0;
    assert_true(has_alert);
    pt_faults_clear(&faults);
}

static void
leaving_an_unexecuted_request_alone_is_a_warning_unless_judged(void **state)
{
    (void) state;
    s_compiled_t silent = s_compile(MEANS("category: not_found, outcome: not_executed, action: none"));
    assert_int_equal(silent.status, PT_OK);
    assert_int_equal(silent.faults.count, 1);
    assert_int_equal(silent.faults.errors, 0);
    assert_true(silent.faults.faults[0].warning);
    assert_string_equal(silent.faults.faults[0].id, pt_fault_id(PT_FAULT_NOTHING_TO_DO));
    s_clear(&silent);
    s_compiled_t judged = s_compile(MEANS("category: not_found, outcome: not_executed, action: none, judged: true"));
    assert_int_equal(judged.faults.count, 0);
    s_clear(&judged);
}

static void
rows_that_need_no_other_pass(void **state)
{
    (void) state;
    static const char *const texts[] = {
        HEAD ROW("code: \"7\", message: \"a {1}\", operation: pay"),
        HEAD ROW("code: \"7\", operation: [pay, ask], message: a"),
        HEAD ROW("code: \"7\", message: a, slug: a") ROW("code: \"7\", message: b, slug: b") ROW("code: \"7\""),
        HEAD ROW("code: \"7\", message: a, operation: pay, slug: a")
            ROW("code: \"7\", message: b, operation: pay, slug: b") ROW("code: \"7\", operation: pay"),
        HEAD ROW("code: \"7\", operation: pay, slug: a") ROW("code: \"7\", operation: ask, slug: b") ROW("code: \"7\""),
        HEAD ROW("status: \"ok\"") ROW("status: \"ok\", operation: ask, slug: b"),
        HEAD ROW("code: \"7\", message: \"a {1}\", subcode: \"1\", slug: a")
            ROW("code: \"7\", message: \"a {1}\", slug: b") ROW("code: \"7\""),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        s_compiled_t compiled = s_compile(texts[i]);
        s_print_faults(&compiled);
        assert_int_equal(compiled.faults.count, 0);
        s_clear(&compiled);
    }
}

//  What stands at a limit is within it.
static void
the_longest_and_the_most_pass(void **state)
{
    (void) state;
    static const char *const texts[] = {
        HEAD ROW("code: \"" LETTERS_255 "\""),
        WITH("message: \"a {" LETTERS_32 "}\""),
        WITH("message: \"{1}a{2}a{3}a{4}a{5}a{6}a{7}a{8}\""),
        BODY("fields: a.b.c.d.e.f"),
        WITH("alert: {audience: risk, severity: info, when: if_frequent, count: 1000, within: 1s}"),
        RETRY("delays: [30m], deadline: 1801s"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        s_compiled_t compiled = s_compile(texts[i]);
        s_print_faults(&compiled);
        assert_int_equal(compiled.faults.count, 0);
        s_clear(&compiled);
    }
}

static void
as_many_policies_as_there_may_be_pass(void **state)
{
    (void) state;
    for (int count = 256; count <= 257; count++) {
        char *text;
        size_t bytes;
        FILE *out = open_memstream(&text, &bytes);
        fputs("gateway: {id: a, name: A}\npolicies:\n", out);
        for (int i = 0; i < count; i++)
            fprintf(out, "  p%d: {max_attempts: 4}\n", i);
        fputs("entries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]\n", out);
        fclose(out);
        s_compiled_t compiled = s_compile(text);
        assert_int_equal(compiled.faults.count, count > 256);
        if (count > 256)
            assert_string_equal(compiled.faults.faults[0].id, pt_fault_id(PT_FAULT_TOO_MANY));
        s_clear(&compiled);
        free(text);
    }
}

//  A marker may be spelled like a code whose messages list reasons, and lists none.
static void
what_lists_reasons_is_the_code_alone(void **state)
{
    (void) state;
    s_compiled_t compiled = s_compile(HEAD ROW("code: \"7\", lists_reasons: true") ROW("status: \"7\"")
                                          ROW("code: \"7\", message: \"a {1}\", slug: a"));
    s_print_faults(&compiled);
    assert_int_equal(compiled.status, PT_OK);
    const pt_source_entry_t *entries = compiled.source.providers[0].entries;
    assert_true(entries[0].rule.flags & PT_RULE_LISTS_REASONS);
    assert_false(entries[1].rule.flags & PT_RULE_LISTS_REASONS);
    assert_true(entries[2].rule.flags & PT_RULE_LISTS_REASONS);
    s_clear(&compiled);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_of_a_file_has_its_id_and_line),
        cmocka_unit_test(each_fault_between_rows_has_its_id_and_line),
        cmocka_unit_test(every_id_is_shown_by_a_case),
        cmocka_unit_test(check_finds_what_a_source_by_hand_lacks),
        cmocka_unit_test(leaving_an_unexecuted_request_alone_is_a_warning_unless_judged),
        cmocka_unit_test(rows_that_need_no_other_pass),
        cmocka_unit_test(the_longest_and_the_most_pass),
        cmocka_unit_test(as_many_policies_as_there_may_be_pass),
        cmocka_unit_test(what_lists_reasons_is_the_code_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
