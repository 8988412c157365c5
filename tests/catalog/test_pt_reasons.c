/*  Messages that list several reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pt_reasons.h"

//  What "rows" know in these tests: whole texts, NULL terminated.
static bool
s_is_known(const void *context, pt_text_t text)
{
    for (const char *const *known = context; *known; known++)
        if (pt_text_equal(text, pt_text_of(*known)))
            return true;
    return false;
}

//  The reasons of a message as "a|b|?c": a question mark before what is not known.
static const char *
s_split(const char *message, const char *const *known)
{
    static char joined[512];
    pt_text_t reasons[PT_REASONS_MAX];
    bool is_known[PT_REASONS_MAX];
    size_t at = 0;
    size_t count = pt_reasons_split(pt_text_of(message), s_is_known, known, reasons, is_known);
    joined[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t) snprintf(joined + at, sizeof joined - at, "%s%s%.*s", i ? "|" : "", is_known[i] ? "" : "?",
                                (int) reasons[i].len, reasons[i].data);
    return joined;
}

static void
all_ways_to_join_reasons_are_taken_apart(void **state)
{
    (void) state;
    static const char *const known[] = {"a", "b", "c", NULL};
    assert_string_equal(s_split("a and b", known), "a|b");
    assert_string_equal(s_split("a, b", known), "a|b");
    assert_string_equal(s_split("a, b and c", known), "a|b|c");
    assert_string_equal(s_split("a, b, and c", known), "a|b|c");
}

static void
a_separator_inside_of_a_reason_does_not_split_it(void **state)
{
    (void) state;
    static const char *const known[] = {"name and address are missing", "b", NULL};
    assert_string_equal(s_split("name and address are missing, b", known), "name and address are missing|b");
    assert_string_equal(s_split("b and name and address are missing", known), "b|name and address are missing");
}

static void
more_known_reasons_beat_one_that_holds_them(void **state)
{
    (void) state;
    static const char *const known[] = {"amount 1 and b", "amount 1", "b", NULL};
    assert_string_equal(s_split("amount 1 and b", known), "amount 1|b");
    static const char *const later[] = {"a", "b and c and d", "a and b", "c", "d", NULL};
    assert_string_equal(s_split("a and b and c and d", later), "a and b|c|d");
}

static void
of_equal_ways_the_one_with_the_shorter_first_reason_counts(void **state)
{
    (void) state;
    static const char *const known[] = {"a", "b and c", "a and b", "c", NULL};
    assert_string_equal(s_split("a and b and c", known), "a|b and c");
    static const char *const unknown_last[] = {"a and b", "b and c", NULL};
    assert_string_equal(s_split("a and b and c", unknown_last), "a and b|?c");
}

static void
what_no_row_knows_is_listed_beside_what_one_knows(void **state)
{
    (void) state;
    static const char *const known[] = {"a", NULL};
    assert_string_equal(s_split("a, x and y", known), "a|?x|?y");
    assert_string_equal(s_split("x and a", known), "?x|a");
}

static void
a_message_of_one_piece_or_without_known_reasons_is_no_list(void **state)
{
    (void) state;
    static const char *const known[] = {"a", "a and b", NULL};
    assert_string_equal(s_split("a", known), "");
    assert_string_equal(s_split("", known), "");
    assert_string_equal(s_split("x and y", known), "");
    assert_string_equal(s_split("a and b", known), "");
    assert_string_equal(s_split(", and ", known), "");
}

static void
the_last_place_takes_all_that_follows(void **state)
{
    (void) state;
    static const char *const known[] = {"a", NULL};
    assert_string_equal(s_split("a, a, a, a, a, a, a, x, y, z", known), "a|a|a|a|a|a|a|?x, y, z");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_to_join_reasons_are_taken_apart),
        cmocka_unit_test(a_separator_inside_of_a_reason_does_not_split_it),
        cmocka_unit_test(more_known_reasons_beat_one_that_holds_them),
        cmocka_unit_test(of_equal_ways_the_one_with_the_shorter_first_reason_counts),
        cmocka_unit_test(what_no_row_knows_is_listed_beside_what_one_knows),
        cmocka_unit_test(a_message_of_one_piece_or_without_known_reasons_is_no_list),
        cmocka_unit_test(the_last_place_takes_all_that_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
