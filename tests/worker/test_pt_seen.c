/*  Repeats within the window are known, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_seen.h"

#define TOPIC PT_TEXT("retry.opn.")

static bool
s_add(pt_seen_t *seen, unsigned number)
{
    char id[32];
    size_t len = (size_t) snprintf(id, sizeof id, "response-%u", number);
    pt_decision_t decision = {.id = {id, len}, .attempt = 1, .producer = PT_TEXT("00c0ffee12345678")};
    return pt_seen_add(seen, TOPIC, &decision);
}

static void
a_repeat_is_known_within_the_window(void **state)
{
    (void) state;
    enum { WINDOW = 1000 };
    pt_seen_t *seen = pt_seen_new(WINDOW);
    assert_non_null(seen);
    for (unsigned i = 0; i < 20 * WINDOW; i++) {
        assert_false(s_add(seen, i));
        assert_true(s_add(seen, i));
        if (i >= WINDOW)
            assert_true(s_add(seen, i - WINDOW + 1));
    }
    //  Twice the window is the most that is kept.
    assert_false(s_add(seen, 0));
    assert_false(s_add(seen, 17 * WINDOW));
    pt_seen_destroy(&seen);
}

static void
each_part_of_the_key_counts(void **state)
{
    (void) state;
    pt_seen_t *seen = pt_seen_new(100);
    assert_non_null(seen);
    const pt_decision_t base = {.id = PT_TEXT("a"), .attempt = 1, .producer = PT_TEXT("b")};
    pt_decision_t other[5] = {base, base, base, base, base};
    other[0].id = PT_TEXT("c");
    other[1].attempt = 2;
    other[2].producer = PT_TEXT_NONE;
    other[3].redriven = true;
    //  The same letters in other places.
    other[4].id = PT_TEXT("ba");
    other[4].producer = PT_TEXT("");
    assert_false(pt_seen_add(seen, TOPIC, &base));
    assert_false(pt_seen_add(seen, PT_TEXT("retry.opn2."), &base));
    for (size_t i = 0; i < 5; i++) {
        assert_false(pt_seen_add(seen, TOPIC, &other[i]));
        assert_true(pt_seen_add(seen, TOPIC, &other[i]));
    }
    assert_true(pt_seen_add(seen, TOPIC, &base));
    pt_seen_destroy(&seen);
}

static void
a_window_of_one_keeps_one(void **state)
{
    (void) state;
    pt_seen_t *seen = pt_seen_new(1);
    assert_non_null(seen);
    assert_false(s_add(seen, 1));
    assert_true(s_add(seen, 1));
    for (unsigned i = 2; i < 100; i++)
        assert_false(s_add(seen, i));
    assert_false(s_add(seen, 1));
    pt_seen_destroy(&seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_is_known_within_the_window),
        cmocka_unit_test(each_part_of_the_key_counts),
        cmocka_unit_test(a_window_of_one_keeps_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
