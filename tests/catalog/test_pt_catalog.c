/*  Lookups: one rung after the other, on a catalog made for it. */
#include "source_fixture.h"

#include <malloc.h>
#include <stdio.h>

//  Two gateways: `acme` has operations, digits in its codes, markers and HTTP rows; `plain` has none.
typedef struct {
    fixture_t *fixture;
    pt_catalog_t *catalog;
    const pt_provider_t *acme;
    const pt_provider_t *plain;
    pt_response_t response;
    pt_facts_t facts;
    pt_verdict_t verdict;
} s_world_t;

static const pt_path_t s_paths[] = {
    {.role = PT_ROLE_CODE, .slot = 0, .width = 7, .step_count = 1, .steps = {{"responseCode", 12}}},
    {.role = PT_ROLE_MESSAGE, .slot = 0, .step_count = 2, .steps = {{"error", 5}, {"message", 7}}},
    {.role = PT_ROLE_STATUS, .slot = 5, .step_count = 1, .steps = {{"status", 6}}},
    {.role = PT_ROLE_CODE, .slot = 5, .step_count = 1, .steps = {{"refundCode", 10}}},
};

static void
s_add_operations(pt_source_provider_t *acme)
{
    static char word[] = "pay-in";
    static char path[] = "/v2/pay-in";
    static char *aliases[] = {word, path};
    pt_source_operation_t *pay_in = fixture_operation(acme, "pay_in", PT_OPERATION_MONEY);
    pay_in->digits = fixture_string("90");
    pay_in->aliases = aliases;
    pay_in->alias_count = 2;
    fixture_operation(acme, "inquiry", PT_OPERATION_READ)->digits = fixture_string("92");
    fixture_operation(acme, "/slip/upload", PT_OPERATION_WRITE);
    static const char *const more[] = {"op_a", "op_b", "op_c", "op_d", "op_e"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        fixture_operation(acme, more[i], PT_OPERATION_MONEY);
    fixture_operation(acme, "refund", PT_OPERATION_MONEY)->without_payer = true;
    fixture_operation(acme, "OP_C", PT_OPERATION_READ);
    acme->codes_without_payer = 1u << 5;
    acme->digits_slot = 0;
    acme->digits_offset = 3;
    acme->digits_length = 2;
}

//  5009000: three wordings and the code's own row, of which one is for inquiries.
static void
s_add_messages(fixture_t *fixture, pt_source_provider_t *acme)
{
    fixture_code(acme, "acme/5009000/order-number", "5009000", "Failed to generate order number");
    fixture_code(acme, "acme/5009000/system-error", "5009000", "System error: {1}");
    fixture_code(acme, "acme/5009000/system-error-closed", "5009000", "System error: {1} is {state}");
    fixture_code(acme, "acme/5009000", "5009000", NULL);
    fixture_code(acme, "acme/5009000/inquiry", "5009000", NULL);
    fixture_for(fixture, acme, "inquiry");

    fixture_code(acme, "acme/4039002", "4039002", NULL);
    //  Before those with a subcode: the order of the rows is not that of asking.
    fixture_code(acme, "acme/4039002/other", "4039002", "Not Permitted.[{1}]");
    fixture_code(acme, "acme/4039002/risk", "4039002", "Not Permitted.[{1}]")->subcode = fixture_string("105");
    fixture_code(acme, "acme/4039002/merchant", "4039002", "Not Permitted.[{1}]")->subcode = fixture_string("109");
    fixture_code(acme, "acme/rank", "rank", NULL);
    fixture_code(acme, "acme/rank/two-holes", "rank", "Fee {1} of {2}.");
    fixture_code(acme, "acme/rank/one-hole", "rank", "Fee {1} of .");
    fixture_code(acme, "acme/closed", "closed", "Order is closed.")->trailing_stop_optional = true;
}

//  More wordings than are looked at together, equal in their first bytes, and some of them shorter than those.
#define S_WORDINGS 150

static void
s_add_wordings(pt_source_provider_t *acme)
{
    static char ids[S_WORDINGS][32];
    static char texts[S_WORDINGS][32];
    for (int i = 0; i < S_WORDINGS; i++) {
        const char *format = i % 2 ? "W%d" : i % 3 ? "Wording with number %d" : "Wording with {1} of %d.";
        snprintf(ids[i], sizeof ids[i], "acme/wordy/%d", i);
        snprintf(texts[i], sizeof texts[i], format, i);
        fixture_code(acme, ids[i], "wordy", texts[i]);
    }
    fixture_code(acme, "acme/wordy", "wordy", NULL);
}

//  `shared`: rows of several operations. `many`: a row for each of seven operations.
static void
s_add_shared(fixture_t *fixture, pt_source_provider_t *acme)
{
    fixture_rule(fixture_code(acme, "acme/shared/pay-in/duplicate", "shared", "Duplicate"), PT_CATEGORY_DECLINE_SOFT,
                 PT_OUTCOME_NOT_EXECUTED, PT_ACTION_RESUBMIT);
    fixture_for(fixture, acme, "pay_in");
    fixture_code(acme, "acme/shared/pay-in/closed", "shared", "Closed");
    fixture_for(fixture, acme, "pay_in");
    fixture_rule(fixture_code(acme, "acme/shared/op-a/duplicate", "shared", "Duplicate"), PT_CATEGORY_DUPLICATE,
                 PT_OUTCOME_UNKNOWN, PT_ACTION_QUERY_STATUS);
    fixture_for(fixture, acme, "op_a");
    fixture_code(acme, "acme/shared", "shared", NULL);

    static const char *const names[] = {"pay_in", "inquiry", "op_a", "op_b", "op_c", "op_d", "op_e"};
    static const char *const ids[] = {"acme/many/0", "acme/many/1", "acme/many/2", "acme/many/3",
                                      "acme/many/4", "acme/many/5", "acme/many/6"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_code(acme, ids[i], "many", NULL);
        fixture_for(fixture, acme, names[i]);
    }
    fixture_code(acme, "acme/many", "many", NULL);

    fixture_rule(fixture_code(acme, "acme/declined", "declined", NULL), PT_CATEGORY_DECLINE_SOFT, PT_OUTCOME_DECLINED,
                 PT_ACTION_CHANGE_INSTRUMENT);
    fixture_code(acme, "acme/single", "single", "Only this");
    fixture_for(fixture, acme, "pay_in");
}

static void
s_add_markers(fixture_t *fixture, pt_source_provider_t *acme)
{
    pt_source_entry_t *entry = fixture_code(acme, "acme/taken", "2009200", NULL);
    fixture_rule(entry, PT_CATEGORY_ACCEPTED, PT_OUTCOME_PENDING, PT_ACTION_NONE);
    entry->rule.flags |= PT_RULE_DEFER_TO_STATUS;
    fixture_rule(fixture_entry(acme, PT_ENTRY_STATUS, "acme/status/paid", "paid"), PT_CATEGORY_ACCEPTED,
                 PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    fixture_rule(fixture_entry(acme, PT_ENTRY_STATUS, "acme/status/waiting", "waiting"), PT_CATEGORY_PENDING,
                 PT_OUTCOME_PENDING, PT_ACTION_QUERY_STATUS);
    fixture_entry(acme, PT_ENTRY_STATUS, "acme/status/failed", "failed");
    entry = fixture_entry(acme, PT_ENTRY_STATUS, "acme/status/so-far", "so far");
    fixture_rule(entry, PT_CATEGORY_ACCEPTED, PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    entry->rule.flags |= PT_RULE_DEFER_TO_STATUS;
    fixture_rule(fixture_entry(acme, PT_ENTRY_HTTP_CLASS, "acme/http/2xx", "2xx"), PT_CATEGORY_ACCEPTED,
                 PT_OUTCOME_SUCCESS, PT_ACTION_NONE);
    fixture_entry(acme, PT_ENTRY_HTTP_CLASS, "acme/http/404", "404");
    fixture_for(fixture, acme, "inquiry");
    fixture_entry(acme, PT_ENTRY_HTTP_CLASS, "acme/http/503", "503");
    fixture_entry(acme, PT_ENTRY_HTTP_CLASS, "acme/http/5xx", "5xx");
}

static int
s_set_up(void **state)
{
    static char never[] = "9003";
    static char later[] = "9004";
    static char alias[] = "acme-pay";
    static char *advice[] = {later, never};
    static char *aliases[] = {alias};
    s_world_t *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->fixture = fixture_new();
    pt_source_provider_t *acme = fixture_provider(world->fixture, "acme");
    acme->aliases = aliases;
    acme->alias_count = 1;
    acme->paths = (pt_path_t *) (uintptr_t) s_paths;
    acme->path_count = sizeof s_paths / sizeof s_paths[0];
    acme->do_not_retry = advice;
    acme->do_not_retry_count = 2;
    s_add_operations(acme);
    s_add_messages(world->fixture, acme);
    s_add_wordings(acme);
    s_add_shared(world->fixture, acme);
    s_add_markers(world->fixture, acme);
    pt_source_provider_t *plain = fixture_provider(world->fixture, "plain");
    fixture_code(plain, "plain/no", "NO", "Declined by {bank}")->codes[1] = fixture_string("05");
    plain->entries[0].code_count = 2;
    world->catalog = fixture_open(world->fixture);
    world->acme = pt_catalog_provider(world->catalog, PT_TEXT("acme"));
    world->plain = pt_catalog_provider(world->catalog, PT_TEXT("plain"));
    assert_non_null(world->acme);
    assert_non_null(world->plain);
    world->response.provider = PT_TEXT("acme");
    world->facts.is_map = true;
    *state = world;
    return 0;
}

static int
s_tear_down(void **state)
{
    s_world_t *world = *state;
    pt_catalog_destroy(&world->catalog);
    assert_null(world->catalog);
    fixture_destroy(world->fixture);
    free(world);
    return 0;
}

static void
s_say(s_world_t *world, int slot, const char *code, const char *message)
{
    world->facts.codes[slot] = pt_text_of(code);
    world->facts.messages[slot] = pt_text_of(message);
}

static void
s_ask(s_world_t *world)
{
    memset(&world->verdict, 0xa5, sizeof world->verdict);
    pt_catalog_lookup(world->catalog, world->acme, &world->response, &world->facts, &world->verdict);
}

static void
s_assert_text(pt_text_t text, const char *expected)
{
    if (!pt_text_equal(text, pt_text_of(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", (int) text.len, text.data, expected);
}

static void
s_expect(s_world_t *world, const char *entry, pt_match_t match)
{
    s_ask(world);
    s_assert_text(world->verdict.entry_id, entry);
    assert_string_equal(pt_match_text(world->verdict.match), pt_match_text(match));
    assert_non_null(world->verdict.rule);
    assert_int_equal(world->verdict.entry == NULL, strcmp(entry, "-") == 0);
}

//  Of one code, with one message and one operation; NULL: none.
static void
s_expect_of(s_world_t *world, const char *operation, const char *code, const char *message, const char *entry,
            pt_match_t match)
{
    world->response.operation = pt_text_of(operation);
    s_say(world, 0, code, message);
    s_expect(world, entry, match);
}

static void
an_exact_message_comes_before_templates_and_the_code(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "pay_in", "5009000", "Failed to generate order number", "acme/5009000/order-number",
                PT_MATCH_MESSAGE);
    assert_int_equal(world->verdict.param_count, 0);
    s_assert_text(world->verdict.code, "5009000");
    s_assert_text(world->verdict.message, "Failed to generate order number");
    assert_false(world->verdict.code_unknown);
}

static void
a_template_captures_what_stands_in_its_holes(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "pay_in", "5009000", "System error: Failed to generate order number",
                "acme/5009000/system-error", PT_MATCH_TEMPLATE);
    assert_int_equal(world->verdict.param_count, 1);
    s_assert_text(world->verdict.params[0].name, "1");
    s_assert_text(world->verdict.params[0].value, "Failed to generate order number");
}

static void
more_literal_bytes_come_first(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, NULL, "5009000", "System error: order is gone", "acme/5009000/system-error-closed",
                PT_MATCH_TEMPLATE);
    assert_int_equal(world->verdict.param_count, 2);
    s_assert_text(world->verdict.params[1].name, "state");
    s_assert_text(world->verdict.params[1].value, "gone");
}

static void
a_wording_that_no_row_lists_falls_to_the_code(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "pay_in", "5009000", "Something else", "acme/5009000", PT_MATCH_CODE);
    s_expect_of(world, "pay_in", "5009000", NULL, "acme/5009000", PT_MATCH_CODE);
    s_expect_of(world, NULL, "5009000", "", "acme/5009000", PT_MATCH_CODE);
    assert_int_equal(world->verdict.param_count, 0);
}

static void
an_operation_has_its_own_row_and_those_for_any(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "inquiry", "5009000", "Something else", "acme/5009000/inquiry", PT_MATCH_CODE);
    s_expect_of(world, "inquiry", "5009000", "System error: x", "acme/5009000/system-error", PT_MATCH_TEMPLATE);
}

//  With spaces, and with no-break spaces for them.
static void
each_of_many_wordings_is_found(void **state)
{
    s_world_t *world = *state;
    for (int i = 0; i < S_WORDINGS; i++) {
        bool has_hole = i % 2 == 0 && i % 3 == 0;
        char id[64];
        char text[64];
        snprintf(id, sizeof id, "acme/wordy/%d", i);
        snprintf(text, sizeof text, i % 2 ? "W%d" : has_hole ? "Wording with  of %d." : "Wording with number %d", i);
        s_expect_of(world, NULL, "wordy", text, id, has_hole ? PT_MATCH_TEMPLATE : PT_MATCH_MESSAGE);
        snprintf(text, sizeof text,
                 i % 2      ? "W%d"
                 : has_hole ? "Wording\xc2\xa0with  of\xc2\xa0%d."
                            : "Wording\xc2\xa0with number\xc2\xa0%d",
                 i);
        s_expect_of(world, NULL, "wordy", text, id, has_hole ? PT_MATCH_TEMPLATE : PT_MATCH_MESSAGE);
        snprintf(text, sizeof text, "Wording with number %d!", i);
        s_expect_of(world, NULL, "wordy", text, "acme/wordy", PT_MATCH_CODE);
    }
}

static void
a_subcode_refines_its_template(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, NULL, "4039002", "Not Permitted.[105 risk]", "acme/4039002/risk", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "4039002", "Not Permitted.[code=109]", "acme/4039002/merchant", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "4039002", "Not Permitted.[1050]", "acme/4039002/other", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "4039002", "Not Permitted.[]", "acme/4039002/other", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "4039002", "Not Permitted", "acme/4039002", PT_MATCH_CODE);
}

//  Of two templates with as much text the one with fewer holes says more.
static void
a_template_with_fewer_holes_comes_first(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, NULL, "rank", "Fee 7 of .", "acme/rank/one-hole", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "rank", "Fee 7 of 9.", "acme/rank/two-holes", PT_MATCH_TEMPLATE);
}

static void
an_optional_full_stop_makes_no_difference(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, NULL, "closed", "Order is closed", "acme/closed", PT_MATCH_MESSAGE);
    s_expect_of(world, NULL, "closed", "Order is closed.", "acme/closed", PT_MATCH_MESSAGE);
    s_expect_of(world, NULL, "closed", "Order\xc2\xa0is closed.", "acme/closed", PT_MATCH_MESSAGE);
    s_expect_of(world, NULL, "closed", "Order is closed!", "acme/closed", PT_MATCH_CODE);
}

static void
a_message_under_several_operations_is_told_apart_by_the_operation(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "pay_in", "shared", "Duplicate", "acme/shared/pay-in/duplicate", PT_MATCH_MESSAGE);
    s_expect_of(world, "op_a", "shared", "Duplicate", "acme/shared/op-a/duplicate", PT_MATCH_MESSAGE);
}

static void
without_an_operation_the_strictest_row_of_a_message_answers(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, NULL, "shared", "Duplicate", "acme/shared/op-a/duplicate", PT_MATCH_MESSAGE);
    s_expect_of(world, "refund", "shared", "Duplicate", "acme/shared/op-a/duplicate", PT_MATCH_MESSAGE);
}

static void
an_operation_without_rows_is_still_told_apart_by_message(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "op_b", "shared", "Closed", "acme/shared/pay-in/closed", PT_MATCH_MESSAGE);
    s_expect_of(world, "op_b", "shared", "Other", "acme/shared", PT_MATCH_CODE);
}

static void
the_only_row_of_an_operation_answers_its_other_wordings(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "op_a", "shared", "Other", "acme/shared/op-a/duplicate", PT_MATCH_CODE);
    //  Two rows for pay_in: neither stands for the other.
    s_expect_of(world, "pay_in", "shared", "Other", "acme/shared", PT_MATCH_CODE);
}

static void
the_only_row_of_a_code_answers_other_wordings_and_operations(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "pay_in", "single", "Only this", "acme/single", PT_MATCH_MESSAGE);
    s_expect_of(world, "pay_in", "single", "Other", "acme/single", PT_MATCH_CODE);
    s_expect_of(world, "op_b", "single", "Other", "acme/single", PT_MATCH_CODE_ANY_OPERATION);
    s_expect_of(world, NULL, "single", NULL, "acme/single", PT_MATCH_CODE_ANY_OPERATION);
    s_expect_of(world, "op_b", "single", "Only this", "acme/single", PT_MATCH_MESSAGE);
}

static void
more_operations_than_a_slot_holds_each_have_their_row(void **state)
{
    s_world_t *world = *state;
    static const char *const names[] = {"pay_in", "inquiry", "op_a", "op_b", "op_c", "op_d", "op_e"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "acme/many/%zu", i);
        s_expect_of(world, names[i], "many", NULL, id, PT_MATCH_CODE);
    }
    s_expect_of(world, "slip/upload", "many", NULL, "acme/many", PT_MATCH_CODE);
    s_expect_of(world, "unheard", "many", NULL, "acme/many", PT_MATCH_CODE);
    s_expect_of(world, NULL, "many", NULL, "acme/many", PT_MATCH_CODE);
}

static void
further_codes_answer_to_the_same_message(void **state)
{
    s_world_t *world = *state;
    world->acme = world->plain;
    s_expect_of(world, NULL, "NO", "Declined by Bank", "plain/no", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "05", "Declined by Bank", "plain/no", PT_MATCH_TEMPLATE);
    s_expect_of(world, NULL, "05", "Other", "plain/no", PT_MATCH_CODE);
    s_expect_of(world, "charge", "05", "Other", "plain/no", PT_MATCH_CODE);
    assert_int_equal(world->verdict.kind, PT_OPERATION_UNNAMED);
    s_assert_text(world->verdict.operation, "charge");
    s_expect_of(world, NULL, "5", "Other", "-", PT_MATCH_UNKNOWN);
}

static void
the_first_code_that_some_row_knows_answers(void **state)
{
    s_world_t *world = *state;
    s_say(world, 0, "", "empty");
    s_say(world, 1, "unheard", "first");
    s_say(world, 3, "single", "Only this");
    s_say(world, 4, "many", NULL);
    s_expect(world, "acme/single", PT_MATCH_MESSAGE);
    s_assert_text(world->verdict.code, "single");
    s_assert_text(world->verdict.message, "Only this");
    assert_false(world->verdict.code_unknown);
}

static void
an_unknown_code_is_shown_with_its_message(void **state)
{
    s_world_t *world = *state;
    s_say(world, 0, NULL, "no code");
    s_say(world, 1, "unheard", "first");
    s_say(world, 2, "unheard too", "second");
    world->response.http_status = 400;
    s_expect(world, "-", PT_MATCH_HTTP_CLASS);
    s_assert_text(world->verdict.code, "unheard");
    s_assert_text(world->verdict.message, "first");
    assert_true(world->verdict.code_unknown);
    assert_int_equal(world->verdict.rule->category, PT_CATEGORY_UNKNOWN_CODE);
}

static void
without_any_code_the_first_message_is_shown(void **state)
{
    s_world_t *world = *state;
    s_say(world, 2, NULL, "only a message");
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    assert_null(world->verdict.code.data);
    s_assert_text(world->verdict.message, "only a message");
    assert_false(world->verdict.code_unknown);
}

static void
operations_are_found_by_name_alias_and_path(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, "pay-in", "many", NULL, "acme/many/0", PT_MATCH_CODE);
    s_expect_of(world, "v2/pay-in", "many", NULL, "acme/many/0", PT_MATCH_CODE);
    s_expect_of(world, "/pay_in", "many", NULL, "acme/many/0", PT_MATCH_CODE);
    assert_int_equal(world->verdict.kind, PT_OPERATION_MONEY);
    s_assert_text(world->verdict.operation, "/pay_in");
    s_expect_of(world, "slip/upload", "many", NULL, "acme/many", PT_MATCH_CODE);
    assert_int_equal(world->verdict.kind, PT_OPERATION_WRITE);
    s_expect_of(world, "//pay_in", "many", NULL, "acme/many", PT_MATCH_CODE);
    assert_int_equal(world->verdict.kind, PT_OPERATION_UNNAMED);
}

static void
an_operation_is_derived_from_the_digits_of_the_code(void **state)
{
    s_world_t *world = *state;
    s_expect_of(world, NULL, "2009200", NULL, "acme/taken", PT_MATCH_CODE);
    s_assert_text(world->verdict.operation, "inquiry");
    assert_int_equal(world->verdict.kind, PT_OPERATION_READ);
    //  It takes part in the lookup, also of another slot's code.
    s_say(world, 0, "9999299", NULL);
    s_say(world, 1, "many", NULL);
    s_expect(world, "acme/many/1", PT_MATCH_CODE);
    s_assert_text(world->verdict.operation, "inquiry");
}

static void
digits_that_name_no_operation_derive_none(void **state)
{
    s_world_t *world = *state;
    static const char *const codes[] = {"2007700", "2009", "200", ""};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        s_say(world, 0, codes[i], NULL);
        s_ask(world);
        assert_null(world->verdict.operation.data);
        assert_int_equal(world->verdict.kind, PT_OPERATION_UNNAMED);
    }
}

//  The response's own word stays, and the more dangerous of both decides what may be done.
static void
a_given_operation_is_kept_beside_a_derived_one(void **state)
{
    s_world_t *world = *state;
    static const struct {
        const char *given;
        const char *code;
        pt_operation_kind_t kind;
    } cases[] = {
        {"inquiry", "2009000", PT_OPERATION_MONEY},     {"pay_in", "2009200", PT_OPERATION_MONEY},
        {"inquiry", "2009200", PT_OPERATION_READ},      {"slip/upload", "2009200", PT_OPERATION_WRITE},
        {"unheard", "2009200", PT_OPERATION_UNNAMED},   {"unheard", "2009000", PT_OPERATION_MONEY},
        {"slip/upload", "2007700", PT_OPERATION_WRITE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world->response.operation = pt_text_of(cases[i].given);
        s_say(world, 0, cases[i].code, NULL);
        s_ask(world);
        assert_int_equal(world->verdict.kind, cases[i].kind);
        s_assert_text(world->verdict.operation, cases[i].given);
    }
    //  An unknown word leaves the rows to the digits.
    world->response.operation = PT_TEXT("unheard");
    s_say(world, 0, "9999299", NULL);
    s_say(world, 1, "many", NULL);
    s_expect(world, "acme/many/1", PT_MATCH_CODE);
    s_assert_text(world->verdict.operation, "unheard");
}

static void
an_operation_in_capitals_is_the_one_in_small_letters(void **state)
{
    s_world_t *world = *state;
    static char longest[65];
    memset(longest, 'A', sizeof longest);
    const struct {
        pt_text_t given;
        pt_operation_kind_t kind;
    } cases[] = {
        {PT_TEXT("PAY_IN"), PT_OPERATION_MONEY},  {PT_TEXT("/Slip/Upload"), PT_OPERATION_WRITE},
        {PT_TEXT("Inquiry"), PT_OPERATION_READ},  {PT_TEXT("OP_C"), PT_OPERATION_READ}, // which is written so
        {PT_TEXT("Op_C"), PT_OPERATION_MONEY},    {PT_TEXT("ÖP_C"), PT_OPERATION_UNNAMED},
        {{longest, 64}, PT_OPERATION_UNNAMED},    {{longest, 65}, PT_OPERATION_UNNAMED},
        {PT_TEXT("@p[_c"), PT_OPERATION_UNNAMED}, {PT_TEXT("/"), PT_OPERATION_UNNAMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world->response.operation = cases[i].given;
        s_ask(world);
        assert_int_equal(world->verdict.kind, cases[i].kind);
        assert_true(pt_text_equal(world->verdict.operation, cases[i].given));
    }
    s_expect_of(world, "OP_D", "many", NULL, "acme/many/5", PT_MATCH_CODE);
}

static void
a_row_that_defers_leaves_the_answer_to_a_known_marker(void **state)
{
    s_world_t *world = *state;
    s_say(world, 0, "2009200", "Successful");
    world->facts.statuses[2] = PT_TEXT("failed");
    s_expect(world, "acme/status/failed", PT_MATCH_STATUS);
    s_assert_text(world->verdict.code, "2009200");
    s_assert_text(world->verdict.message, "Successful");
    world->facts.statuses[2] = PT_TEXT("paid");
    s_expect(world, "acme/status/paid", PT_MATCH_STATUS);
    world->facts.statuses[2] = PT_TEXT_NONE;
    s_expect(world, "acme/taken", PT_MATCH_CODE);
}

static void
a_row_that_defers_to_an_unknown_marker_does_not_settle(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 200;
    s_say(world, 0, "2009200", "Successful");
    world->facts.statuses[2] = PT_TEXT("unheard");
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    assert_int_equal(world->verdict.rule->category, PT_CATEGORY_UNKNOWN_CODE);
    s_assert_text(world->verdict.code, "2009200");
}

static void
a_code_in_two_slots_is_told_apart_by_either_message(void **state)
{
    s_world_t *world = *state;
    s_say(world, 0, "5009000", "no such wording");
    s_say(world, 1, "5009000", "System error: x");
    s_expect(world, "acme/5009000/system-error", PT_MATCH_TEMPLATE);
    s_assert_text(world->verdict.message, "System error: x");
    assert_int_equal(world->verdict.param_count, 1);
    s_say(world, 1, "5009000", "nor this one");
    s_expect(world, "acme/5009000", PT_MATCH_CODE);
    s_assert_text(world->verdict.message, "no such wording");
}

static void
an_http_row_of_one_operation_says_nothing_about_the_others(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 404;
    world->response.operation = PT_TEXT("inquiry");
    s_expect(world, "acme/http/404", PT_MATCH_HTTP_CLASS);
    world->response.operation = PT_TEXT("pay_in");
    s_expect(world, "-", PT_MATCH_HTTP_CLASS);
    world->response.operation = PT_TEXT_NONE;
    s_expect(world, "-", PT_MATCH_HTTP_CLASS);
}

static void
a_row_that_does_not_defer_is_not_overridden(void **state)
{
    s_world_t *world = *state;
    world->facts.statuses[0] = PT_TEXT("paid");
    s_expect_of(world, NULL, "5009000", "System error: x", "acme/5009000/system-error", PT_MATCH_TEMPLATE);
    assert_int_equal(world->verdict.param_count, 1);
}

static void
a_marker_answers_when_there_is_no_code(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 503;
    world->facts.statuses[0] = PT_TEXT("");
    world->facts.statuses[3] = PT_TEXT("waiting");
    world->facts.statuses[4] = PT_TEXT("failed");
    s_expect(world, "acme/status/waiting", PT_MATCH_STATUS);
}

static void
a_marker_that_defers_leaves_the_answer_to_a_known_one_behind_it(void **state)
{
    s_world_t *world = *state;
    world->facts.statuses[0] = PT_TEXT("so far");
    s_expect(world, "acme/status/so-far", PT_MATCH_STATUS);
    world->facts.statuses[1] = PT_TEXT("so far");
    s_expect(world, "acme/status/so-far", PT_MATCH_STATUS);
    world->facts.statuses[2] = PT_TEXT("waiting");
    s_expect(world, "acme/status/waiting", PT_MATCH_STATUS);
    assert_false(world->verdict.contradicted);
    //  A failure behind it answers, and is denied by it.
    world->facts.statuses[2] = PT_TEXT("failed");
    s_expect(world, "acme/status/failed", PT_MATCH_STATUS);
    assert_true(world->verdict.contradicted);
    //  One before it does not wait.
    world->facts.statuses[0] = PT_TEXT("waiting");
    world->facts.statuses[2] = PT_TEXT_NONE;
    s_expect(world, "acme/status/waiting", PT_MATCH_STATUS);
}

static void
a_payer_is_not_asked_to_pay_after_what_nobody_pays_by(void **state)
{
    s_world_t *world = *state;
    world->facts.codes[0] = PT_TEXT("declined");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_false(world->verdict.contradicted);
    world->response.operation = PT_TEXT("op_a");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_false(world->verdict.contradicted);
    world->response.operation = PT_TEXT("refund");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_true(world->verdict.contradicted);
    //  Another row for it asks nobody to pay.
    world->facts.codes[0] = PT_TEXT("shared");
    s_expect(world, "acme/shared", PT_MATCH_CODE);
    assert_false(world->verdict.contradicted);
}

static void
a_payer_is_not_asked_to_pay_by_a_code_that_stands_where_no_payer_is_meant(void **state)
{
    s_world_t *world = *state;
    world->facts.codes[5] = PT_TEXT("declined");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_true(world->verdict.contradicted);
    assert_false(world->verdict.shows_end);
    //  Nor where the payment was asked about; and where that has ended, the question is answered.
    world->response.operation = PT_TEXT("inquiry");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_true(world->verdict.contradicted);
    assert_false(world->verdict.shows_end);
    world->facts.statuses[0] = PT_TEXT("failed");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_true(world->verdict.shows_end);
    //  A code of the payment is trusted more.
    world->facts.codes[0] = PT_TEXT("declined");
    s_expect(world, "acme/declined", PT_MATCH_CODE);
    assert_false(world->verdict.contradicted);
    assert_false(world->verdict.shows_end);
}

static void
a_marker_that_defers_to_an_unknown_one_does_not_settle(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 200;
    world->facts.statuses[0] = PT_TEXT("so far");
    world->facts.statuses[1] = PT_TEXT("unheard");
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    assert_int_equal(world->verdict.rule->category, PT_CATEGORY_UNKNOWN_CODE);
}

static void
faulty_fields_beside_a_success_marker_do_not_settle(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 200;
    world->facts.statuses[0] = PT_TEXT("paid");
    world->facts.field_count = 1;
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    world->facts.field_count = 0;
    world->facts.fields_dropped = 1;
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    world->facts.statuses[0] = PT_TEXT("failed");
    s_expect(world, "acme/status/failed", PT_MATCH_STATUS);
    //  Nor do they beside nothing at all.
    world->facts.statuses[0] = PT_TEXT_NONE;
    s_expect(world, "-", PT_MATCH_UNKNOWN);
}

static void
an_unknown_code_beside_a_success_marker_does_not_settle(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 200;
    s_say(world, 0, "unheard", NULL);
    static const char *const markers[] = {"paid", "waiting"};
    for (size_t i = 0; i < 2; i++) {
        world->facts.statuses[0] = pt_text_of(markers[i]);
        s_expect(world, "-", PT_MATCH_UNKNOWN);
        assert_true(world->verdict.code_unknown);
        assert_int_not_equal(world->verdict.rule->outcome, PT_OUTCOME_SUCCESS);
        assert_int_not_equal(world->verdict.rule->outcome, PT_OUTCOME_PENDING);
    }
    world->facts.statuses[1] = PT_TEXT("failed");
    s_expect(world, "acme/status/failed", PT_MATCH_STATUS);
    assert_true(world->verdict.code_unknown);
}

static void
an_unknown_marker_before_a_success_marker_does_not_settle(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 200;
    world->facts.statuses[0] = PT_TEXT("unheard");
    world->facts.statuses[1] = PT_TEXT("paid");
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    assert_int_not_equal(world->verdict.rule->outcome, PT_OUTCOME_SUCCESS);
    assert_false(world->verdict.code_unknown);
    world->facts.statuses[1] = PT_TEXT("failed");
    s_expect(world, "acme/status/failed", PT_MATCH_STATUS);
}

static void
an_http_status_comes_before_its_class(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 503;
    s_expect(world, "acme/http/503", PT_MATCH_HTTP_CLASS);
    world->response.http_status = 500;
    s_expect(world, "acme/http/5xx", PT_MATCH_HTTP_CLASS);
    world->facts.is_map = false;
    s_expect(world, "acme/http/5xx", PT_MATCH_HTTP_CLASS);
    world->response.http_status = 404;
    s_expect(world, "-", PT_MATCH_HTTP_CLASS);
}

static void
an_http_row_answers_to_an_unknown_code_and_says_so(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 502;
    s_say(world, 0, "unheard", "no idea");
    s_expect(world, "acme/http/5xx", PT_MATCH_HTTP_CLASS);
    assert_true(world->verdict.code_unknown);
    s_assert_text(world->verdict.code, "unheard");
}

static void
an_http_success_needs_a_body_that_says_nothing_unknown(void **state)
{
    s_world_t *world = *state;
    world->response.http_status = 201;
    s_expect(world, "acme/http/2xx", PT_MATCH_HTTP_CLASS);
    world->facts.is_map = false;
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    world->facts.is_map = true;
    world->facts.statuses[5] = PT_TEXT("unheard");
    s_expect(world, "-", PT_MATCH_UNKNOWN);
    world->facts.statuses[5] = PT_TEXT_NONE;
    s_say(world, 5, "unheard", NULL);
    s_expect(world, "-", PT_MATCH_UNKNOWN);
}

static void
nothing_came_back_falls_to_the_transport(void **state)
{
    s_world_t *world = *state;
    world->facts.is_map = false;
    world->response.transport = PT_TRANSPORT_TIMEOUT;
    s_expect(world, "-", PT_MATCH_TRANSPORT);
    assert_int_equal(world->verdict.rule->outcome, PT_OUTCOME_UNKNOWN);
    world->response.transport = PT_TRANSPORT_NONE;
    s_expect(world, "-", PT_MATCH_UNKNOWN);
}

static void
odd_http_statuses_do_no_harm(void **state)
{
    s_world_t *world = *state;
    static const uint16_t statuses[] = {1, 99, 100, 600, 999, 1000, 65535};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        world->response.http_status = statuses[i];
        s_ask(world);
        s_assert_text(world->verdict.entry_id, "-");
    }
}

static void
an_unknown_gateway_is_answered_by_the_fallback(void **state)
{
    s_world_t *world = *state;
    world->acme = NULL;
    world->response.provider = PT_TEXT("nobody");
    world->response.operation = PT_TEXT("pay_in");
    world->response.http_status = 500;
    s_expect(world, "-", PT_MATCH_HTTP_CLASS);
    s_assert_text(world->verdict.provider, "nobody");
    s_assert_text(world->verdict.operation, "pay_in");
    assert_int_equal(world->verdict.kind, PT_OPERATION_UNNAMED);
    assert_false(world->verdict.do_not_retry);
}

static void
advice_forbids_another_try_where_the_gateway_lists_it(void **state)
{
    s_world_t *world = *state;
    s_say(world, 0, "many", NULL);
    s_ask(world);
    assert_false(world->verdict.do_not_retry);
    for (int slot = 0; slot < PT_ADVICE_SLOTS; slot++) {
        world->facts.advice[slot] = PT_TEXT("9003");
        s_ask(world);
        assert_true(world->verdict.do_not_retry);
        world->facts.advice[slot] = PT_TEXT("9001");
        s_ask(world);
        assert_false(world->verdict.do_not_retry);
    }
}

static void
gateways_are_found_by_id_and_alias(void **state)
{
    s_world_t *world = *state;
    assert_ptr_equal(pt_catalog_provider(world->catalog, PT_TEXT("acme-pay")), world->acme);
    assert_null(pt_catalog_provider(world->catalog, PT_TEXT("ACME")));
    assert_null(pt_catalog_provider(world->catalog, PT_TEXT("")));
    assert_null(pt_catalog_provider(world->catalog, PT_TEXT_NONE));
    assert_int_equal(pt_catalog_provider_count(world->catalog), 2);
    assert_ptr_equal(pt_catalog_provider_at(world->catalog, 1), world->plain);
    assert_int_equal(pt_provider_index(world->plain), 1);
    s_assert_text(pt_provider_id(world->acme), "acme");
    world->response.provider = PT_TEXT("acme-pay");
    s_ask(world);
    s_assert_text(world->verdict.provider, "acme");
}

static void
the_shape_of_a_gateway_comes_back_as_written(void **state)
{
    s_world_t *world = *state;
    const pt_shape_t *shape = pt_provider_shape(world->acme);
    assert_int_equal(shape->path_count, 4);
    assert_int_equal(shape->paths[3].slot, 5);
    assert_int_equal(shape->paths[0].width, 7);
    assert_int_equal(shape->paths[1].role, PT_ROLE_MESSAGE);
    assert_int_equal(shape->paths[1].step_count, 2);
    s_assert_text(shape->paths[1].steps[1], "message");
    assert_int_equal(shape->paths[2].slot, 5);
    assert_int_equal(pt_provider_shape(world->plain)->path_count, 0);
    assert_int_equal(pt_provider_shape(NULL)->path_count, 0);
}

static void
entries_come_back_in_the_order_of_their_source(void **state)
{
    s_world_t *world = *state;
    const pt_source_provider_t *acme = &world->fixture->providers[0];
    assert_int_equal(pt_catalog_entry_count(world->catalog), acme->entry_count + 1);
    for (size_t i = 0; i < acme->entry_count; i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(world->catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(world->catalog, entry);
        s_assert_text(view.id, acme->entries[i].id);
        s_assert_text(view.code, acme->entries[i].codes[0]);
        assert_int_equal(view.message.data != NULL, acme->entries[i].message != NULL);
        assert_int_equal(view.kind, acme->entries[i].kind);
        assert_memory_equal(view.rule, &acme->entries[i].rule, sizeof *view.rule);
        assert_true(pt_text_is_set(view.todo));
        assert_ptr_equal(pt_catalog_entry_provider(world->catalog, entry), world->acme);
    }
}

static void
operations_come_back_in_the_order_of_their_source(void **state)
{
    s_world_t *world = *state;
    assert_int_equal(pt_provider_operation_count(world->acme), 10);
    assert_true(pt_provider_operation_at(world->acme, 8).without_payer);
    assert_false(pt_provider_operation_at(world->acme, 7).without_payer);
    assert_int_equal(pt_provider_operation_count(world->plain), 0);
    s_assert_text(pt_provider_operation_at(world->acme, 1).name, "inquiry");
    assert_int_equal(pt_provider_operation_at(world->acme, 1).kind, PT_OPERATION_READ);
    s_assert_text(pt_provider_operation_at(world->acme, 2).name, "slip/upload");
}

#define S_TEST(name) cmocka_unit_test_setup_teardown(name, s_set_up, s_tear_down)

//  20 paths of 6 steps, which part only at the last one, under the root key `root`.
static void
s_make_paths(const char *root, pt_path_t out_paths[PT_PATHS_MAX])
{
    static char s_ends[PT_PATHS_MAX][8];
    for (size_t i = 0; i < PT_PATHS_MAX; i++) {
        snprintf(s_ends[i], sizeof s_ends[i], "end%zu", i);
        out_paths[i] = (pt_path_t) {.role = PT_ROLE_STATUS, .slot = (uint8_t) (i % PT_STATUS_SLOTS)};
        out_paths[i].step_count = PT_PATH_STEPS;
        out_paths[i].steps[0] = pt_text_of(root);
        for (size_t step = 1; step < PT_PATH_STEPS - 1; step++)
            out_paths[i].steps[step] = PT_TEXT("inner");
        out_paths[i].steps[PT_PATH_STEPS - 1] = pt_text_of(s_ends[i]);
    }
}

static size_t
s_bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void
trees_of_many_gateways_take_what_their_paths_need(void **state)
{
    (void) state;
    enum { GATEWAYS = 16384, FORKS = PT_PATH_STEPS, STEPS = PT_PATHS_MAX + PT_PATH_STEPS };
    static char s_ids[GATEWAYS][16];
    static pt_source_provider_t s_providers[GATEWAYS];
    static pt_path_t s_branches[2][PT_PATHS_MAX];
    pt_faults_t faults = {0};
    uint8_t *image = NULL;
    size_t bytes = 0;
    s_make_paths("one", s_branches[0]);
    s_make_paths("two", s_branches[1]);
    for (size_t i = 0; i < GATEWAYS; i++) {
        snprintf(s_ids[i], sizeof s_ids[i], "g%05zu", i);
        s_providers[i] = (pt_source_provider_t) {.mark = fixture_mark(1),
                                                 .id = s_ids[i],
                                                 .name = s_ids[i],
                                                 .paths = s_branches[i % 2],
                                                 .path_count = PT_PATHS_MAX};
    }
    //  The last two are alike, and share a tree.
    s_providers[GATEWAYS - 1].paths = s_branches[0];
    pt_source_t source = {.providers = s_providers, .provider_count = GATEWAYS};
    assert_int_equal(pt_build_image(&source, &faults, &image, &bytes), PT_OK);

    size_t before = s_bytes_in_use();
    pt_catalog_t *catalog = NULL;
    assert_int_equal(pt_catalog_adopt(image, bytes, &catalog), PT_OK);
    size_t taken = s_bytes_in_use() - before;
    size_t needed = sizeof(pt_path_t) * PT_PATHS_MAX + sizeof(pt_fork_t) * FORKS + sizeof(pt_step_t) * STEPS;
    //  And some words for the gateway itself.
    assert_in_range(taken, 0, GATEWAYS * (needed + 256));

    const pt_shape_t *shapes[3];
    for (size_t i = 0; i < 3; i++)
        shapes[i] = pt_provider_shape(pt_catalog_provider(catalog, pt_text_of(s_ids[GATEWAYS - 3 + i])));
    assert_ptr_equal(shapes[1]->forks, shapes[2]->forks);
    assert_ptr_not_equal(shapes[0]->forks, shapes[1]->forks);
    const uint8_t *roots[2] = {shapes[0]->forks[0].steps, shapes[2]->forks[0].steps};
    assert_true(pt_text_equal(shapes[0]->steps[roots[0][pt_shape_key_of(PT_TEXT("two"))]].key, PT_TEXT("two")));
    assert_true(pt_text_equal(shapes[2]->steps[roots[1][pt_shape_key_of(PT_TEXT("one"))]].key, PT_TEXT("one")));
    //  Their ids share the few numbers that ids have.
    for (size_t i = 0; i < GATEWAYS; i++)
        assert_ptr_equal(pt_catalog_provider(catalog, pt_text_of(s_ids[i])), pt_catalog_provider_at(catalog, i));
    pt_catalog_destroy(&catalog);
    pt_faults_clear(&faults);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        S_TEST(an_exact_message_comes_before_templates_and_the_code),
        S_TEST(a_template_captures_what_stands_in_its_holes),
        S_TEST(more_literal_bytes_come_first),
        S_TEST(a_wording_that_no_row_lists_falls_to_the_code),
        S_TEST(an_operation_has_its_own_row_and_those_for_any),
        S_TEST(each_of_many_wordings_is_found),
        S_TEST(a_subcode_refines_its_template),
        S_TEST(a_template_with_fewer_holes_comes_first),
        S_TEST(an_optional_full_stop_makes_no_difference),
        S_TEST(a_message_under_several_operations_is_told_apart_by_the_operation),
        S_TEST(without_an_operation_the_strictest_row_of_a_message_answers),
        S_TEST(an_operation_without_rows_is_still_told_apart_by_message),
        S_TEST(the_only_row_of_an_operation_answers_its_other_wordings),
        S_TEST(the_only_row_of_a_code_answers_other_wordings_and_operations),
        S_TEST(more_operations_than_a_slot_holds_each_have_their_row),
        S_TEST(further_codes_answer_to_the_same_message),
        S_TEST(the_first_code_that_some_row_knows_answers),
        S_TEST(an_unknown_code_is_shown_with_its_message),
        S_TEST(without_any_code_the_first_message_is_shown),
        S_TEST(operations_are_found_by_name_alias_and_path),
        S_TEST(an_operation_is_derived_from_the_digits_of_the_code),
        S_TEST(digits_that_name_no_operation_derive_none),
        S_TEST(a_given_operation_is_kept_beside_a_derived_one),
        S_TEST(an_operation_in_capitals_is_the_one_in_small_letters),
        S_TEST(a_row_that_defers_leaves_the_answer_to_a_known_marker),
        S_TEST(a_row_that_defers_to_an_unknown_marker_does_not_settle),
        S_TEST(a_code_in_two_slots_is_told_apart_by_either_message),
        S_TEST(an_http_row_of_one_operation_says_nothing_about_the_others),
        S_TEST(a_row_that_does_not_defer_is_not_overridden),
        S_TEST(a_marker_answers_when_there_is_no_code),
        S_TEST(a_marker_that_defers_leaves_the_answer_to_a_known_one_behind_it),
        S_TEST(a_payer_is_not_asked_to_pay_after_what_nobody_pays_by),
        S_TEST(a_payer_is_not_asked_to_pay_by_a_code_that_stands_where_no_payer_is_meant),
        S_TEST(a_marker_that_defers_to_an_unknown_one_does_not_settle),
        S_TEST(faulty_fields_beside_a_success_marker_do_not_settle),
        S_TEST(an_unknown_code_beside_a_success_marker_does_not_settle),
        S_TEST(an_unknown_marker_before_a_success_marker_does_not_settle),
        S_TEST(an_http_status_comes_before_its_class),
        S_TEST(an_http_row_answers_to_an_unknown_code_and_says_so),
        S_TEST(an_http_success_needs_a_body_that_says_nothing_unknown),
        S_TEST(nothing_came_back_falls_to_the_transport),
        S_TEST(odd_http_statuses_do_no_harm),
        S_TEST(an_unknown_gateway_is_answered_by_the_fallback),
        S_TEST(advice_forbids_another_try_where_the_gateway_lists_it),
        S_TEST(gateways_are_found_by_id_and_alias),
        S_TEST(the_shape_of_a_gateway_comes_back_as_written),
        S_TEST(entries_come_back_in_the_order_of_their_source),
        S_TEST(operations_come_back_in_the_order_of_their_source),
        cmocka_unit_test(trees_of_many_gateways_take_what_their_paths_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
