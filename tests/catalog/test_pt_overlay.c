/*  Overlays: what they change, what they leave, and what is refused. */
#include "compile_support.h"

#include "pt_fault.h"

extern void *__real_calloc(size_t count, size_t bytes);
extern void *__real_realloc(void *block, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);

static size_t s_allocations_left = SIZE_MAX;

void *
__wrap_calloc(size_t count, size_t bytes)
{
    return s_allocations_left && s_allocations_left-- ? __real_calloc(count, bytes) : NULL;
}

void *
__wrap_realloc(void *block, size_t bytes)
{
    return s_allocations_left && s_allocations_left-- ? __real_realloc(block, bytes) : NULL;
}

#define BASE                                                                                                           \
    HEAD ROW("code: \"7\", policy: slow") ROW("code: \"8\", message: \"a {x}\", slug: a, operation: [pay, ask]")       \
        ROW("code: \"8\"") ROW("http: \"5xx\"")

static s_compiled_t
s_compile_both(const char *base, const char *overlay, bool overlay_first)
{
    pt_compile_file_t files[] = {{"base.yaml", {(const uint8_t *) base, strlen(base)}, false},
                                 {"over.yaml", {(const uint8_t *) overlay, strlen(overlay)}, false}};
    pt_compile_file_t turned[] = {files[1], files[0]};
    s_compiled_t compiled = {.source.keep_origins = true};
    compiled.status = pt_compile_files(&compiled.source, overlay_first ? turned : files, 2, &compiled.faults);
    pt_compile_check(&compiled.source, &compiled.faults);
    return compiled;
}

#define OVER(rest) "overlay: true\ngateway: {id: acme}\n" rest

static s_compiled_t
s_lay(const char *overlay)
{
    s_compiled_t compiled = s_compile_both(BASE, overlay, false);
    s_print_faults(&compiled);
    assert_int_equal(compiled.status, PT_OK);
    assert_int_equal(compiled.faults.count, 0);
    assert_int_equal(compiled.source.provider_count, 1);
    return compiled;
}

static const pt_source_entry_t *
s_entry(const s_compiled_t *compiled, size_t index)
{
    assert_true(index < compiled->source.providers[0].entry_count);
    return &compiled->source.providers[0].entries[index];
}

static const pt_source_origin_t *
s_origin(const pt_source_entry_t *entry, const char *key)
{
    const pt_source_origin_t *found = NULL;
    for (size_t i = 0; i < entry->origin_count; i++)
        if (strcmp(entry->origins[i].key, key) == 0)
            found = &entry->origins[i];
    assert_non_null(found);
    return found;
}

static void
an_entry_is_changed_by_its_id_key_by_key(void **state)
{
    (void) state;
    static const char *const ids[] = {"8/a", "acme/8/a"};
    for (size_t i = 0; i < 2; i++) {
        char overlay[256];
        (void) snprintf(overlay, sizeof overlay, OVER("entries:\n- {id: %s, action: new_order, summary: Ours.}\n"),
                        ids[i]);
        s_compiled_t compiled = s_lay(overlay);
        assert_int_equal(compiled.source.providers[0].entry_count, 4);
        const pt_source_entry_t *entry = s_entry(&compiled, 1);
        assert_string_equal(entry->id, "acme/8/a");
        assert_string_equal(entry->message, "a {x}");
        assert_string_equal(entry->summary, "Ours.");
        assert_int_equal(entry->rule.action, PT_ACTION_NEW_ORDER);
        assert_string_equal(entry->mark.file, "over.yaml");
        assert_string_equal(s_origin(entry, "action")->mark.file, "over.yaml");
        assert_int_equal(s_origin(entry, "action")->mark.line, 4);
        assert_string_equal(s_origin(entry, "message")->mark.file, "base.yaml");
        assert_string_equal(s_entry(&compiled, 2)->mark.file, "base.yaml");
        s_clear(&compiled);
    }
}

static void
an_entry_is_changed_by_what_it_answers_to(void **state)
{
    (void) state;
    s_compiled_t compiled = s_lay(OVER("entries:\n"
                                       "- {code: \"8\", message: \"a {x}\", operation: [ask, pay], summary: One.}\n"
                                       "- {code: \"8\", summary: Two.}\n"
                                       "- {http: \"5xx\", summary: Three.}\n"));
    assert_int_equal(compiled.source.providers[0].entry_count, 4);
    assert_string_equal(s_entry(&compiled, 0)->summary, "Refused.");
    assert_string_equal(s_entry(&compiled, 1)->summary, "One.");
    assert_string_equal(s_entry(&compiled, 2)->summary, "Two.");
    assert_string_equal(s_entry(&compiled, 3)->summary, "Three.");
    s_clear(&compiled);
}

static void
an_entry_is_removed_by_its_id_or_by_what_it_answers_to(void **state)
{
    (void) state;
    static const char *const names[] = {"id: 8/a", "id: acme/8/a",
                                        "code: \"8\", operation: [ask, pay], message: \"a {x}\""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char overlay[256];
        (void) snprintf(overlay, sizeof overlay, OVER("entries:\n- {%s, remove: true}\n"), names[i]);
        s_compiled_t compiled = s_lay(overlay);
        assert_int_equal(compiled.source.providers[0].entry_count, 3);
        assert_string_equal(s_entry(&compiled, 0)->id, "acme/7");
        assert_string_equal(s_entry(&compiled, 1)->id, "acme/8");
        s_clear(&compiled);
    }
}

static void
other_entries_are_new(void **state)
{
    (void) state;
    s_compiled_t compiled =
        s_lay(OVER("entries:\n" ROW("code: \"8\", message: other, slug: other") ROW("code: \"9\", id: very/own")));
    assert_int_equal(compiled.source.providers[0].entry_count, 6);
    assert_string_equal(s_entry(&compiled, 4)->id, "acme/8/other");
    assert_string_equal(s_entry(&compiled, 5)->id, "acme/very/own");
    s_clear(&compiled);
}

static void
a_policy_changes_all_entries_that_name_it(void **state)
{
    (void) state;
    s_compiled_t compiled = s_lay(OVER("policies: {slow: {max_attempts: 4}, quick: {delays: 1s}}\n"
                                       "entries:\n- {code: \"8\", policy: quick}\n"));
    const pt_source_entry_t *slow = s_entry(&compiled, 0);
    assert_int_equal(slow->rule.max_attempts, 4);
    assert_int_equal(slow->rule.delay_count, 2);
    assert_string_equal(s_origin(slow, "max_attempts")->mark.file, "over.yaml");
    assert_string_equal(s_origin(slow, "max_attempts")->policy, "slow");
    assert_string_equal(s_origin(slow, "delays")->mark.file, "base.yaml");
    assert_int_equal(s_entry(&compiled, 2)->rule.delay_ms[0], 1000);
    s_clear(&compiled);
}

static void
operations_and_aliases_are_added(void **state)
{
    (void) state;
    s_compiled_t compiled = s_lay(OVER("operations:\n- {name: pay, aliases: [buy]}\n- {name: ask, kind: write}\n"
                                       "- {name: give, kind: money}\nbody: {status: [state]}\n"));
    const pt_source_provider_t *provider = &compiled.source.providers[0];
    assert_int_equal(provider->operation_count, 3);
    assert_string_equal(provider->operations[0].aliases[0], "buy");
    assert_int_equal(provider->operations[0].kind, PT_OPERATION_MONEY);
    assert_int_equal(provider->operations[1].kind, PT_OPERATION_WRITE);
    assert_string_equal(provider->operations[2].name, "give");
    assert_int_equal(provider->path_count, 3);
    s_clear(&compiled);

    compiled = s_compile_both("gateway: {id: acme, name: A, aliases: one}\nentries: []\n",
                              "overlay: true\ngateway: {id: acme, name: B, aliases: [two, three]}\n"
                              "entries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]\n",
                              true);
    provider = &compiled.source.providers[0];
    assert_string_equal(provider->name, "B");
    assert_int_equal(provider->alias_count, 3);
    assert_string_equal(provider->aliases[2], "three");
    s_clear(&compiled);
}

static void
the_order_of_the_files_makes_no_difference(void **state)
{
    (void) state;
    s_compiled_t compiled = s_compile_both(BASE, OVER("entries:\n- {id: \"7\", summary: Ours.}\n"), true);
    assert_int_equal(compiled.status, PT_OK);
    assert_string_equal(s_entry(&compiled, 0)->summary, "Ours.");
    s_clear(&compiled);
}

typedef struct {
    const char *overlay;
    const char *id;
    unsigned line;
    const char *words;
} s_case_t;

static const s_case_t s_cases[] = {
    {"overlay: true\ngateway: {id: acmee}\n", "PT1034", 2, "did you mean 'acme'?"},
    {"overlay: true\nentries: []\n", "PT1034", 1, "names its gateway"},
    {"overlay: true\n", "PT1034", 1, "names its gateway"},
    {OVER("entries:\n- {id: 8/b, summary: x}\n"), "PT1035", 4, "did you mean '8/a'?"},
    {OVER("entries:\n- {id: acme-8/a, summary: x}\n"), "PT1035", 4, "acme-8/a"},
    {OVER("entries:\n- {summary: x}\n"), "PT1035", 4, "has an id"},
    {OVER("entries:\n- {id: 8/b, remove: true}\n"), "PT1035", 4, "did you mean '8/a'?"},
    {OVER("entries:\n- {code: \"9\", remove: true}\n"), "PT1035", 4, "nothing is removed"},
    {OVER("entries:\n- {remove: true}\n"), "PT1035", 4, "has an id"},
    {OVER("entries:\n- {id: 8/a, remove: yes}\n"), "PT1016", 4, "neither true"},
    {OVER("entries:\n- {id: 8/a, remove: false}\n"), "PT1027", 4, "remove is true"},
    {OVER("entries:\n- {id: 8/a, remove: true, summary: x}\n"), "PT1027", 4, "'summary' has no effect"},
    {OVER("entries:\n- {id: 8/a, remove: true, code: \"8\"}\n"), "PT1027", 4, "'code' has no effect"},
    {OVER("entries:\n- {id: 8/a, remove: true}\n- {id: 8/a, summary: y}\n"), "PT1011", 5, "already at line 4"},
    {OVER("entries:\n- {id: 8/a, action: fix}\n"), "PT1019", 4, "unknown action"},
    {OVER("entries:\n- {id: 8/a, acton: none}\n"), "PT1010", 4, "did you mean 'action'?"},
    {OVER("entries:\n- {id: 8/a, summary: x, summary: y}\n"), "PT1011", 4, "twice in this overlay"},
    {OVER("entries:\n- {id: 8/a, summary: x}\n- {id: acme/8/a, summary: y}\n"), "PT1011", 5, "already at line 4"},
    {OVER("entries:\n- {id: 8/a, category: decline_hard, action: resubmit}\n"), "PT1110", 4, "must not"},
    {OVER("entries:\n- [a]\n"), "PT1013", 4, "must be a map"},
    {OVER("entries: {a: b}\n"), "PT1013", 3, "must be a list"},
    {OVER("operations:\n- {name: pay, kind: monay}\n"), "PT1019", 4, "did you mean 'money'?"},
    {OVER("operations:\n- {name: new}\n"), "PT1012", 4, "'kind' is missing"},
    {OVER("policies: [slow]\n"), "PT1013", 3, "must be a map"},
    {OVER("policies: {slow: {delays: [0s]}}\n"), "PT1018", 3, "no duration"},
    {OVER("plicies: {}\n"), "PT1010", 3, "did you mean 'policies'?"},
    {OVER("policies: {}\npolicies: {}\n"), "PT1011", 4, "twice"},
    {"overlay: true\ngateway: {id: acme, cite: x}\n", "PT1027", 2, "FILE:LINE"},
    {"overlay: true\ngateway: {id: acme, id_operation: true}\n", "PT1027", 2, "stay"},
    {"overlay: \"true\"\ngateway: {id: acme}\n", "PT1016", 1, "neither true"},
    {OVER("entries:\n" ROW("code: \"8\", operation: pay, message: \"a {x}\", slug: b")), "PT1102", 4,
     "base.yaml:7 already"},
};

static void
faults_name_the_overlay_and_its_line(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof s_cases / sizeof *s_cases; i++) {
        const s_case_t *expected = &s_cases[i];
        s_compiled_t compiled = s_compile_both(BASE, expected->overlay, i % 2);
        bool is_found = false;
        for (size_t fault = 0; fault < compiled.faults.count; fault++) {
            const pt_fault_t *found = &compiled.faults.faults[fault];
            is_found = is_found || (strcmp(found->id, expected->id) == 0 && found->mark.line == expected->line &&
                                    strcmp(found->mark.file, "over.yaml") == 0 && strstr(found->text, expected->words));
        }
        if (!is_found || compiled.faults.errors == 0) {
            s_print_faults(&compiled);
            fail_msg("expected %s at line %u, \"%s\", of:\n%s", expected->id, expected->line, expected->words,
                     expected->overlay);
        }
        s_clear(&compiled);
    }
}

static void
a_replaceable_file_gives_way(void **state)
{
    (void) state;
    static const char own[] =
        "gateway: {id: acme, name: Own}\nentries: [{http: \"5xx\", " SOFT ", summary: s, cite: \"d:7\"}]\n";
    pt_compile_file_t files[] = {{"builtin", {(const uint8_t *) BASE, strlen(BASE)}, true},
                                 {"own", {(const uint8_t *) own, strlen(own)}, false}};
    s_compiled_t compiled = {0};
    assert_int_equal(pt_compile_files(&compiled.source, files, 2, &compiled.faults), PT_OK);
    assert_int_equal(compiled.source.provider_count, 1);
    assert_string_equal(compiled.source.providers[0].name, "Own");
    s_clear(&compiled);
}

#define EVERYTHING                                                                                                     \
    OVER("body: {status: [state]}\noperations: [{name: pay, aliases: [buy]}]\n"                                        \
         "policies: {slow: {max_attempts: 4}}\nfield_codes: {\"A\": {summary: s, cite: 7}}\n"                          \
         "entries:\n- {id: 8/a, summary: Ours.}\n- {http: \"5xx\", remove: true}\n" ROW("code: \"9\""))

static void
an_overlay_cut_anywhere_or_with_a_byte_bent_is_read_or_refused(void **state)
{
    (void) state;
    static const char whole[] = EVERYTHING;
    static const char bent[] = "\"{}[]:,-\n\x80&*";
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        char text[sizeof whole];
        for (size_t i = 0; i < sizeof bent; i++) {
            memcpy(text, whole, sizeof whole);
            text[at] = bent[i]; //  the last one cuts
            s_compiled_t compiled = s_compile_both(BASE, text, at % 2);
            assert_true(compiled.status == PT_OK || (compiled.status == PT_E_SYNTAX && compiled.faults.errors));
            s_clear(&compiled);
        }
    }
}

static void
each_allocation_may_fail(void **state)
{
    (void) state;
    bool is_done = false;
    size_t failures = 0;
    for (size_t allowed = 0; !is_done; allowed++) {
        assert_true(allowed < 1000);
        s_allocations_left = allowed;
        s_compiled_t compiled = s_compile_both(BASE, EVERYTHING, false);
        //  Exactly as many as are needed leave none either.
        is_done = s_allocations_left > 0;
        s_allocations_left = SIZE_MAX;
        bool is_well = compiled.status == PT_OK && compiled.faults.errors == 0;
        assert_true(is_well || !is_done);
        failures += !is_well;
        s_clear(&compiled);
    }
    assert_true(failures > 2);
}

//  Rows that differ by nothing but the subcode are told apart by it.
static void
an_entry_is_changed_by_its_subcode(void **state)
{
    (void) state;
    static const char base[] = HEAD ROW("code: \"8\"") ROW("code: \"8\", message: \"a {x}\", subcode: \"105\", slug: a")
        ROW("code: \"8\", message: \"a {x}\", subcode: \"109\", slug: b")
            ROW("code: \"8\", message: \"a {x}\", slug: c");
    static const char *const subcodes[] = {"", ", subcode: \"105\"", ", subcode: \"109\""};
    static const size_t places[] = {3, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        char overlay[256];
        (void) snprintf(overlay, sizeof overlay,
                        OVER("entries:\n- {code: \"8\", message: \"a {x}\"%s, summary: Ours.}\n"), subcodes[i]);
        s_compiled_t compiled = s_compile_both(base, overlay, false);
        s_print_faults(&compiled);
        assert_int_equal(compiled.faults.count, 0);
        assert_int_equal(compiled.source.providers[0].entry_count, 4);
        for (size_t place = 0; place < 4; place++)
            assert_string_equal(s_entry(&compiled, place)->summary, place == places[i] ? "Ours." : "Refused.");
        s_clear(&compiled);
    }
}

//  A check that cannot be made is no check that was passed.
static void
checks_without_memory_are_faults(void **state)
{
    (void) state;
    s_compiled_t compiled = s_lay(OVER("entries:\n" ROW("code: \"9\"")));
    s_allocations_left = 0;
    pt_compile_check(&compiled.source, &compiled.faults);
    s_allocations_left = SIZE_MAX;
    assert_int_equal(compiled.faults.errors, 2); //  ids, and rows of one code
    s_clear(&compiled);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_changed_by_its_id_key_by_key),
        cmocka_unit_test(an_entry_is_changed_by_what_it_answers_to),
        cmocka_unit_test(an_entry_is_removed_by_its_id_or_by_what_it_answers_to),
        cmocka_unit_test(other_entries_are_new),
        cmocka_unit_test(a_policy_changes_all_entries_that_name_it),
        cmocka_unit_test(operations_and_aliases_are_added),
        cmocka_unit_test(the_order_of_the_files_makes_no_difference),
        cmocka_unit_test(faults_name_the_overlay_and_its_line),
        cmocka_unit_test(a_replaceable_file_gives_way),
        cmocka_unit_test(an_entry_is_changed_by_its_subcode),
        cmocka_unit_test(checks_without_memory_are_faults),
        cmocka_unit_test(an_overlay_cut_anywhere_or_with_a_byte_bent_is_read_or_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
