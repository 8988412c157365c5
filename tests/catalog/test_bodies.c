//  What gateways really answer, from bytes to decisions: every line of tests/vectors/bodies is decided
//  as it expects, whether its body comes as a msgpack map or as JSON text.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answers.h"
#include "pt_decision.h"

//  A sample that has shrunk to less has lost something.
#define LINES_MIN 300

static const char *const s_gateways[] = {"jamespay", "opn", "shopline", "smilepayz", "uapay"};

typedef struct {
    size_t lines;
    size_t as_text; //  of these, decided with the body as text too
} s_counts_t;

static json_t *
s_json_of_decision(const pt_decision_t *decision)
{
    char *text = pt_decision_json(decision);
    assert_non_null(text);
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(json);
    return json;
}

static void
s_check_decision(const char *id, const char *form, const pt_decision_t *decision, json_t *expect)
{
    static const char *const s_keys[] = {"route", "action", "category", "outcome", "match", "entry"};
    for (size_t i = 0; i < sizeof s_keys / sizeof s_keys[0]; i++)
        if (!json_object_get(expect, s_keys[i]))
            fail_msg("%s does not say which %s it expects", id, s_keys[i]);

    const char *key;
    json_t *expected;
    json_t *actual = s_json_of_decision(decision);
    json_object_foreach(expect, key, expected)
    {
        json_t *value = json_object_get(actual, key);
        if (json_equal(value, expected))
            continue;
        char *got = json_dumps(value, JSON_ENCODE_ANY), *wanted = json_dumps(expected, JSON_ENCODE_ANY);
        fail_msg("%s, body as %s: %s is %s, expected %s", id, form, key, got ? got : "absent", wanted);
    }
    json_decref(actual);
}

static void
s_decide(json_t *envelope, const char *form, json_t *expect)
{
    const char *id = json_string_value(json_object_get(envelope, "id"));
    answer_t *answer = answer_decide_envelope(json_deep_copy(envelope));
    if (!answer)
        fail_msg("%s, body as %s: refused", id, form);
    s_check_decision(id, form, &answer->decision, expect);
    answer_destroy(&answer);
}

static void
s_check_line(const char *line, s_counts_t *counts)
{
    json_t *envelope = json_loads(line, 0, NULL);
    assert_non_null(envelope);
    json_t *expect = json_incref(json_object_get(envelope, "expect"));
    assert_int_equal(json_object_del(envelope, "expect"), 0);
    s_decide(envelope, "given", expect);
    counts->lines++;

    json_t *body = json_object_get(envelope, "body");
    if (json_is_object(body)) {
        //  Indented, as some gateways send it.
        char *text = json_dumps(body, JSON_INDENT(2));
        json_object_set_new(envelope, "body", json_string(text));
        free(text);
        s_decide(envelope, "text", expect);
        counts->as_text++;
    }
    json_decref(expect);
    json_decref(envelope);
}

static void
s_check_gateway(const char *gateway, s_counts_t *counts)
{
    char path[512];
    char *line = NULL;
    size_t capacity = 0;
    (void) snprintf(path, sizeof path, "%s/tests/vectors/bodies/%s.jsonl", PT_SOURCE_DIR, gateway);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (getline(&line, &capacity, file) > 0)
        s_check_line(line, counts);
    free(line);
    (void) fclose(file);
}

static void
every_answer_is_decided_as_expected_in_both_forms(void **state)
{
    (void) state;
    s_counts_t counts = {0};
    for (size_t i = 0; i < sizeof s_gateways / sizeof s_gateways[0]; i++) {
        size_t before = counts.lines;
        s_check_gateway(s_gateways[i], &counts);
        assert_true(counts.lines - before >= 40);
    }
    assert_true(counts.lines >= LINES_MIN);
    assert_true(counts.as_text >= LINES_MIN * 8 / 10);
    print_message("%zu lines, %zu of them also with their body as text\n", counts.lines, counts.as_text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_decided_as_expected_in_both_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
