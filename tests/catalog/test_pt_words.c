/*  Distances of words, and the hint that comes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_words.h"

static void
distance_counts_edits_and_swaps(void **state)
{
    (void) state;
    static const struct {
        const char *left, *right;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "abc", 0},
        {"abc", "abd", 1},
        {"abc", "abcd", 1},
        {"abc", "ac", 1},
        {"abc", "acb", 1},
        {"ab", "ba", 1},
        {"ca", "abc", 3},
        {"code", "cdoe", 1},
        {"kitten", "sitting", 3},
        {"summary", "sumary", 1},
        {"abcd", "badc", 2},
        {"operation", "oepratoin", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pt_text_t left = pt_text_of(cases[i].left);
        pt_text_t right = pt_text_of(cases[i].right);
        assert_int_equal(pt_word_distance(left, right), cases[i].distance);
        assert_int_equal(pt_word_distance(right, left), cases[i].distance);
    }
}

static void
long_words_are_not_compared(void **state)
{
    (void) state;
    char word[PT_WORD_BYTES_MAX + 1];
    memset(word, 'a', sizeof word);
    assert_int_equal(pt_word_distance((pt_text_t) {word, PT_WORD_BYTES_MAX}, PT_TEXT("")), PT_WORD_BYTES_MAX);
    assert_true(pt_word_distance((pt_text_t) {word, PT_WORD_BYTES_MAX + 1}, PT_TEXT("")) == SIZE_MAX);
}

static void
nearest_is_the_first_of_the_best_within_two_edits(void **state)
{
    (void) state;
    static const char *const words[] = {"code", "cite", "category", "summary"};
    assert_string_equal(pt_word_nearest(PT_TEXT("cide"), words, 4), "code");
    assert_string_equal(pt_word_nearest(PT_TEXT("citee"), words, 4), "cite");
    assert_string_equal(pt_word_nearest(PT_TEXT("categroy"), words, 4), "category");
    assert_null(pt_word_nearest(PT_TEXT("message"), words, 4));
    assert_null(pt_word_nearest(PT_TEXT("xy"), words, 4));
    assert_null(pt_word_nearest(PT_TEXT("code"), words, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_edits_and_swaps),
        cmocka_unit_test(long_words_are_not_compared),
        cmocka_unit_test(nearest_is_the_first_of_the_best_within_two_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
