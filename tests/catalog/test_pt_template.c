/*  Templates: a table of messages, and the properties that no table shows. */
#include "pt_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NBSP "\xc2\xa0"

typedef struct {
    const char *template;
    const char *message;
    bool fits;
    const char *values[3];
} s_case_t;

static const s_case_t s_cases[] = {
    //  Literal texts.
    {"Duplicate pay order", "Duplicate pay order", true, {0}},
    {"Duplicate pay order", "duplicate pay order", false, {0}},
    {"Duplicate pay order", "Duplicate pay order.", false, {0}},
    {"Duplicate pay order", "Duplicate pay orde", false, {0}},
    {"Duplicate pay order", "Duplicate pay order ", false, {0}},
    {"Duplicate pay order", "", false, {0}},
    {"", "", true, {0}},
    {"", "x", false, {0}},
    //  Anchored at both ends.
    {"System error: {1}", "System error: Failed to generate order number", true, {"Failed to generate order number"}},
    {"Failed to generate order number", "System error: Failed to generate order number", false, {0}},
    {"Unsupported area [{1}]", "Unsupported area [TH]", true, {"TH"}},
    {"Unsupported area [{1}]", "Unsupported area [TH] now", false, {0}},
    {"Unsupported area [{1}]", "An Unsupported area [TH]", false, {0}},
    {"{1} not found", "order 12 not found", true, {"order 12"}},
    {"{1} not found", "order 12 not found?", false, {0}},
    {"{1}", "anything at all", true, {"anything at all"}},
    {"{1}", "", true, {""}},
    //  A hole may be empty; the literals around it may not overlap.
    {"System error: {1}", "System error: ", true, {""}},
    {"System error: {1}", "System error:", false, {0}},
    {"Unauthorized. [{1}]", "Unauthorized. []", true, {""}},
    {"aba{1}aba", "ababa", false, {0}},
    {"aba{1}aba", "abaaba", true, {""}},
    {"ab{1}b{2}bc", "abbc", false, {0}},
    {"ab{1}b{2}bc", "abbbc", true, {"", ""}},
    //  Brackets, newlines, braces and what looks like another template.
    {"Unsupported area [{1}]", "Unsupported area [[]]", true, {"[]"}},
    {"Unsupported area [{1}]", "Unsupported area [a] [b]", true, {"a] [b"}},
    {"Invalid request parameter: [{1}]",
     "Invalid request parameter: [Unsupported area [TH]]",
     true,
     {"Unsupported area [TH]"}},
    {"Pay channel error: {1}", "Pay channel error: System error: {1}", true, {"System error: {1}"}},
    {"System error: {1}", "System error: line 1\nline 2\r\n", true, {"line 1\nline 2\r\n"}},
    {"System error: {1}", "System error: {1}", true, {"{1}"}},
    //  Earlier holes are the shorter ones, and the middle is found as far left as it goes.
    {"{a}: {b}", "x: y: z", true, {"x", "y: z"}},
    {"from {a} to {b} done", "from A to B to C done", true, {"A", "B to C"}},
    {"{a}-{b}-{c}", "1-2-3-4", true, {"1", "2", "3-4"}},
    {"{a}-{b}-{c}", "--", true, {"", "", ""}},
    {"{a}-{b}-{c}", "-", false, {0}},
    //  Holes with one or two braces, and what is none.
    {"status is {{dealStatus}} now", "status is PAID now", true, {"PAID"}},
    {"Partner :{merchantId} Not Found", "Partner :M-1 Not Found", true, {"M-1"}},
    {"{not a hole}", "{not a hole}", true, {0}},
    {"{not a hole}", "x", false, {0}},
    {"{} and {", "{} and {", true, {0}},
    {"{{a}", "{b", true, {"b"}},
    {"{a}}", "b}", true, {"b"}},
    {"{{{a}}}", "{b}", true, {"b"}},
    //  Other scripts.
    {"ยอดเงินไม่พอ: {1} บาท", "ยอดเงินไม่พอ: ๑๐๐ บาท", true, {"๑๐๐"}},
    {"ยอดเงินไม่พอ", "ยอดเงินไม่พ", false, {0}},
    {"付款失败：{1}，请重试", "付款失败：余额不足，请重试", true, {"余额不足"}},
    //  A no-break space equals a space, also beside holes and in what a hole holds.
    {"Insufficient Balance. [{1}]", "Insufficient" NBSP "Balance." NBSP "[5]", true, {"5"}},
    {"Duplicate pay order", "Duplicate" NBSP "pay order", true, {0}},
    {"Duplicate pay order", "Duplicate" NBSP NBSP "pay order", false, {0}},
    {"{1} not found", "order" NBSP "12" NBSP "not found", true, {"order" NBSP "12"}},
    {"from {a} to {b} end", "from" NBSP "A" NBSP "to" NBSP "B" NBSP "end", true, {"A", "B"}},
    {"à{1} à", "à" NBSP " à", true, {NBSP}},
    {"a{1}", "a\xc2", true, {"\xc2"}},
    {"{1} ", "\xa0", false, {0}},
};

static pt_template_t
s_parse(const char *text, bool stop_optional)
{
    pt_template_t template;
    assert_int_equal(pt_template_parse(pt_text_of(text), stop_optional, &template), PT_OK);
    return template;
}

static void
s_assert_text(pt_text_t text, const char *expected)
{
    if (!pt_text_equal(text, pt_text_of(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", (int) text.len, text.data, expected);
}

//  The message stands in a block of its exact size, so that a checker of memory sees reads beyond.
static void
each_message_of_the_table_fits_as_it_says(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof s_cases / sizeof s_cases[0]; i++) {
        const s_case_t *c = &s_cases[i];
        pt_template_t template = s_parse(c->template, false);
        pt_text_t values[PT_PARAMS_MAX];
        size_t len = strlen(c->message);
        char *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, c->message, len);
        bool fits = pt_template_match(&template, (pt_text_t) {exact, len}, values);
        if (fits != c->fits)
            fail_msg("\"%s\" and \"%s\"", c->template, c->message);
        for (size_t j = 0; fits && j < template.hole_count; j++)
            s_assert_text(values[j], c->values[j]);
        free(exact);
    }
}

static void
an_absent_message_fits_nothing(void **state)
{
    (void) state;
    pt_text_t values[PT_PARAMS_MAX];
    pt_template_t all = s_parse("{1}", false);
    pt_template_t none = s_parse("", false);
    assert_false(pt_template_match(&all, PT_TEXT_NONE, values));
    assert_false(pt_template_match(&none, PT_TEXT_NONE, values));
}

static void
a_captured_value_may_be_very_long(void **state)
{
    (void) state;
    size_t bytes = 10240;
    char *message = malloc(bytes + 32);
    assert_non_null(message);
    size_t front = (size_t) sprintf(message, "Callback notify failed, [");
    memset(message + front, ']', bytes);
    message[front + bytes] = ']';
    pt_template_t template = s_parse("Callback notify failed, [{1}]", false);
    pt_text_t values[PT_PARAMS_MAX];
    assert_true(pt_template_match(&template, (pt_text_t) {message, front + bytes + 1}, values));
    assert_ptr_equal(values[0].data, message + front);
    assert_int_equal(values[0].len, bytes);
    free(message);
}

static void
holes_keep_their_names(void **state)
{
    (void) state;
    pt_template_t template = s_parse("{1} of {{dealStatus}} by {merchant_id}", false);
    assert_int_equal(template.hole_count, 3);
    s_assert_text(template.holes[0], "1");
    s_assert_text(template.holes[1], "dealStatus");
    s_assert_text(template.holes[2], "merchant_id");
    assert_int_equal(pt_template_literal_bytes(&template), strlen(" of  by "));
}

static void
two_holes_with_nothing_between_are_refused(void **state)
{
    (void) state;
    pt_template_t template;
    assert_int_equal(pt_template_parse(PT_TEXT("{a}{b}"), false, &template), PT_E_MALFORMED);
    assert_int_equal(pt_template_parse(PT_TEXT("x {a}{{b}} y"), false, &template), PT_E_MALFORMED);
    assert_int_equal(pt_template_parse(PT_TEXT("{a} {b}"), false, &template), PT_OK);
}

static void
more_holes_than_params_are_refused(void **state)
{
    (void) state;
    pt_template_t template;
    assert_int_equal(pt_template_parse(PT_TEXT("{1},{2},{3},{4},{5},{6},{7},{8}"), false, &template), PT_OK);
    assert_int_equal(pt_template_parse(PT_TEXT("{1},{2},{3},{4},{5},{6},{7},{8},{9}"), false, &template), PT_E_COUNT);
}

static void
a_full_stop_at_the_end_is_optional_where_the_row_says_so(void **state)
{
    (void) state;
    static const char *const texts[] = {"Order is closed", "Order is closed."};
    for (size_t i = 0; i < 2; i++) {
        pt_template_t template = s_parse(texts[i], true);
        assert_true(pt_template_match(&template, PT_TEXT("Order is closed"), NULL));
        assert_true(pt_template_match(&template, PT_TEXT("Order is closed."), NULL));
        assert_false(pt_template_match(&template, PT_TEXT("Order is closed.."), NULL));
        assert_false(pt_template_match(&template, PT_TEXT("Order is close."), NULL));
    }
    pt_template_t strict = s_parse("Order is closed.", false);
    assert_false(pt_template_match(&strict, PT_TEXT("Order is closed"), NULL));
}

static void
an_optional_full_stop_is_not_captured(void **state)
{
    (void) state;
    pt_text_t values[PT_PARAMS_MAX];
    pt_template_t template = s_parse("No order {id}", true);
    assert_true(pt_template_match(&template, PT_TEXT("No order 17."), values));
    s_assert_text(values[0], "17");
    assert_true(pt_template_match(&template, PT_TEXT("No order 17"), values));
    s_assert_text(values[0], "17");
    template = s_parse("Wait..", true);
    assert_true(pt_template_match(&template, PT_TEXT("Wait."), values));
}

static bool
s_overlap(const char *left, const char *right)
{
    pt_template_t first = s_parse(left, false);
    pt_template_t second = s_parse(right, false);
    bool overlaps = pt_template_overlap(&first, &second);
    assert_int_equal(overlaps, pt_template_overlap(&second, &first));
    return overlaps;
}

static void
overlap_says_whether_some_message_fits_both(void **state)
{
    (void) state;
    assert_true(s_overlap("a {1}", "{1} b"));
    assert_true(s_overlap("a {1} c", "a b {1}"));
    assert_true(s_overlap("System error: {1}", "System error: timeout"));
    assert_true(s_overlap("{1}", "x"));
    assert_true(s_overlap("{1} a {2}", "{1} b {2}"));
    assert_true(s_overlap("ab{1}", "a{1}b"));
    assert_false(s_overlap("a {1}", "b {1}"));
    assert_false(s_overlap("{1} a", "{1} b"));
    assert_false(s_overlap("x", "y"));
    assert_false(s_overlap("x", "xx"));
    assert_false(s_overlap("aba{1}aba", "ababa"));
    assert_false(s_overlap("", "x{1}"));
}

static void
overlap_counts_optional_full_stops(void **state)
{
    (void) state;
    pt_template_t bare = s_parse("Closed", false);
    pt_template_t stopped = s_parse("Closed.", false);
    pt_template_t either = s_parse("Closed", true);
    assert_false(pt_template_overlap(&bare, &stopped));
    assert_true(pt_template_overlap(&either, &stopped));
    assert_true(pt_template_overlap(&bare, &either));
}

//  Random templates over two letters, against every message of up to seven of them.
static void
overlap_agrees_with_trying_every_short_message(void **state)
{
    (void) state;
    static const char *const texts[] = {"{1}a",      "a{1}",     "{1}ab{2}", "a{1}b", "ab{1}ba", "{1}a{2}b{3}",
                                        "b{1}a{2}b", "{1}bb{2}", "aab",      "abab",  "",        "b{1}b",
                                        "aa{1}aa",   "{1}",      "a{1}a",    "{1}aa", "bab{1}",  "ba"};
    size_t count = sizeof texts / sizeof texts[0];
    for (size_t pair = 0; pair < count * count; pair++) {
        pt_template_t left = s_parse(texts[pair / count], false);
        pt_template_t right = s_parse(texts[pair % count], false);
        bool met = false;
        for (unsigned bits = 0; bits < 8 * 128 && !met; bits++) {
            char message[8];
            size_t len = bits / 128;
            for (size_t i = 0; i < len; i++)
                message[i] = bits >> i & 1 ? 'a' : 'b';
            pt_text_t values[PT_PARAMS_MAX];
            pt_text_t text = {message, len};
            met = pt_template_match(&left, text, values) && pt_template_match(&right, text, values);
        }
        assert_int_equal(pt_template_overlap(&left, &right), met);
    }
}

static void
a_token_stands_between_anything_but_letters_and_digits(void **state)
{
    (void) state;
    static const char *const holding[] = {"105", "105 risk", "code:105", "[105]", "1105 105", "é105é", "a_105_b"};
    static const char *const missing[] = {"", "1050", "x105", "105x", "10 5", "1105"};
    for (size_t i = 0; i < sizeof holding / sizeof holding[0]; i++)
        assert_true(pt_template_has_token(pt_text_of(holding[i]), PT_TEXT("105")));
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
        assert_false(pt_template_has_token(pt_text_of(missing[i]), PT_TEXT("105")));
    assert_false(pt_template_has_token(PT_TEXT_NONE, PT_TEXT("105")));
    assert_false(pt_template_has_token(PT_TEXT("105"), PT_TEXT("")));
}

static void
no_break_spaces_become_spaces_in_a_plain_text(void **state)
{
    (void) state;
    char out[32];
    size_t bytes = pt_template_plain(PT_TEXT(NBSP "a" NBSP NBSP "à\xc2"), out);
    s_assert_text((pt_text_t) {out, bytes}, " a  à\xc2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_of_the_table_fits_as_it_says),
        cmocka_unit_test(an_absent_message_fits_nothing),
        cmocka_unit_test(a_captured_value_may_be_very_long),
        cmocka_unit_test(holes_keep_their_names),
        cmocka_unit_test(two_holes_with_nothing_between_are_refused),
        cmocka_unit_test(more_holes_than_params_are_refused),
        cmocka_unit_test(a_full_stop_at_the_end_is_optional_where_the_row_says_so),
        cmocka_unit_test(an_optional_full_stop_is_not_captured),
        cmocka_unit_test(overlap_says_whether_some_message_fits_both),
        cmocka_unit_test(overlap_counts_optional_full_stops),
        cmocka_unit_test(overlap_agrees_with_trying_every_short_message),
        cmocka_unit_test(a_token_stands_between_anything_but_letters_and_digits),
        cmocka_unit_test(no_break_spaces_become_spaces_in_a_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
