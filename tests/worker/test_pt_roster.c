/*  The broker's accounts, without sockets and with a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pt_roster.h"

static pt_bytes_t
s_route(const char *name)
{
    return (pt_bytes_t) {(const uint8_t *) name, strlen(name)};
}

static bool
s_ready(pt_roster_t *roster, const char *route, uint64_t worker, uint64_t received, uint64_t limit, int64_t now_ms)
{
    pt_ready_t ready = {.worker = worker, .epoch = 1, .received = received, .limit = limit};
    return pt_roster_ready(roster, s_route(route), &ready, now_ms);
}

//  A worker that is known and has credit.
static void
s_join(pt_roster_t *roster, const char *route, uint64_t worker, uint64_t limit)
{
    assert_true(s_ready(roster, route, worker, 0, limit, 0));
    assert_false(s_ready(roster, route, worker, 0, limit, 0));
}

static void
the_first_ready_of_a_stranger_gives_no_credit(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    assert_true(s_ready(roster, "a", 1, 100, 164, 0));
    assert_int_equal(pt_roster_credit(roster), 0);
    assert_null(pt_roster_next(roster));
    assert_false(s_ready(roster, "a", 1, 0, 64, 0));
    assert_int_equal(pt_roster_credit(roster), 64);
    pt_roster_destroy(&roster);
}

static void
credit_is_spent_and_renewed(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 2);
    pt_roster_spend(roster, pt_roster_find(roster, s_route("a")));
    pt_roster_spend(roster, pt_roster_find(roster, s_route("a")));
    assert_int_equal(pt_roster_credit(roster), 0);
    assert_false(s_ready(roster, "a", 1, 2, 4, 10));
    assert_int_equal(pt_roster_credit(roster), 2);
    pt_roster_destroy(&roster);
}

static void
a_ready_from_before_the_hello_is_ignored_and_later_greeted_again(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    assert_true(s_ready(roster, "a", 1, 100, 164, 0));
    assert_false(s_ready(roster, "a", 1, 100, 164, 999));
    assert_int_equal(pt_roster_credit(roster), 0);
    assert_true(s_ready(roster, "a", 1, 100, 164, 1000));
    assert_int_equal(pt_roster_credit(roster), 0);
    assert_false(s_ready(roster, "a", 1, 0, 64, 1001));
    assert_int_equal(pt_roster_credit(roster), 64);
    pt_roster_destroy(&roster);
}

static void
a_falling_limit_is_a_drain_and_a_full_worker_is_none(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 2);
    pt_roster_spend(roster, pt_roster_find(roster, s_route("a")));
    pt_roster_spend(roster, pt_roster_find(roster, s_route("a")));
    assert_false(s_ready(roster, "a", 1, 2, 2, 10));
    assert_ptr_equal(pt_roster_choose(roster, 5), pt_roster_find(roster, s_route("a")));
    assert_false(s_ready(roster, "a", 1, 2, 4, 20));
    assert_false(s_ready(roster, "a", 1, 2, 2, 30));
    assert_null(pt_roster_choose(roster, 5));
    assert_int_equal(pt_roster_credit(roster), 0);
    pt_roster_destroy(&roster);
}

static void
a_worker_under_a_new_route_replaces_itself(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 8);
    assert_true(s_ready(roster, "b", 1, 3, 11, 10));
    assert_int_equal(pt_roster_count(roster), 1);
    assert_null(pt_roster_find(roster, s_route("a")));
    assert_int_equal(pt_roster_credit(roster), 0);
    pt_roster_destroy(&roster);
}

static void
when_a_worker_goes_only_its_own_producers_move(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(8);
    static const char *const s_routes[] = {"a", "b", "c", "d", "e"};
    for (uint64_t i = 0; i < 5; i++)
        s_join(roster, s_routes[i], i + 1, 8);
    uint64_t before[1000];
    size_t shares[6] = {0};
    for (uint64_t producer = 0; producer < 1000; producer++) {
        before[producer] = pt_roster_choose(roster, producer)->worker;
        shares[before[producer]]++;
    }
    for (uint64_t worker = 1; worker <= 5; worker++)
        assert_in_range(shares[worker], 120, 280);
    pt_roster_remove(roster, pt_roster_find(roster, s_route("b")));
    for (uint64_t producer = 0; producer < 1000; producer++) {
        uint64_t now = pt_roster_choose(roster, producer)->worker;
        assert_int_not_equal(now, 2);
        if (before[producer] != 2)
            assert_int_equal(now, before[producer]);
    }
    pt_roster_destroy(&roster);
}

static void
turns_go_round_those_with_credit(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 10);
    s_join(roster, "b", 2, 0);
    s_join(roster, "c", 3, 10);
    size_t turns[4] = {0};
    for (int i = 0; i < 6; i++) {
        pt_member_t *member = pt_roster_next(roster);
        turns[member->worker]++;
        pt_roster_spend(roster, member);
    }
    assert_int_equal(turns[1], 3);
    assert_int_equal(turns[2], 0);
    assert_int_equal(turns[3], 3);
    pt_roster_destroy(&roster);
}

static void
the_silent_are_removed_with_their_credit(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 10);
    s_join(roster, "b", 2, 5);
    pt_roster_heard(roster, s_route("b"), 2000);
    pt_roster_expire(roster, 1000);
    assert_int_equal(pt_roster_count(roster), 1);
    assert_int_equal(pt_roster_credit(roster), 5);
    assert_null(pt_roster_find(roster, s_route("a")));
    assert_non_null(pt_roster_find(roster, s_route("b")));
    pt_roster_destroy(&roster);
}

static void
a_full_roster_leaves_strangers_waiting(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(1);
    s_join(roster, "a", 1, 10);
    assert_false(s_ready(roster, "b", 2, 0, 10, 0));
    assert_null(pt_roster_find(roster, s_route("b")));
    assert_false(s_ready(roster, "a-routing-id-of-more-than-32-bytes", 3, 0, 10, 0));
    assert_int_equal(pt_roster_count(roster), 1);
    pt_roster_destroy(&roster);
}

//  A limit that fell and rises again is a worker that takes batches again.
static void
a_worker_that_drains_no_more_is_chosen_again(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 4);
    assert_false(s_ready(roster, "a", 1, 0, 0, 10));
    assert_null(pt_roster_choose(roster, 5));
    assert_false(s_ready(roster, "a", 1, 0, 4, 20));
    assert_ptr_equal(pt_roster_choose(roster, 5), pt_roster_find(roster, s_route("a")));
    pt_roster_destroy(&roster);
}

static void
an_account_that_does_not_fit_is_begun_anew_without_credit(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 10);
    pt_roster_spend(roster, pt_roster_find(roster, s_route("a")));
    assert_true(s_ready(roster, "a", 1, 2, 12, 1000));
    assert_int_equal(pt_roster_credit(roster), 0);
    assert_null(pt_roster_next(roster));
    assert_false(s_ready(roster, "a", 1, 0, 10, 1001));
    assert_int_equal(pt_roster_credit(roster), 10);
    pt_roster_destroy(&roster);
}

static void
who_says_ready_lives(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, 10);
    assert_false(s_ready(roster, "a", 1, 0, 10, 2000));
    pt_roster_expire(roster, 1999);
    assert_int_equal(pt_roster_count(roster), 1);
    pt_roster_expire(roster, 2001);
    assert_int_equal(pt_roster_count(roster), 0);
    pt_roster_destroy(&roster);
}

//  A worker may state any limit; what is sent to it stays bounded.
static void
credit_has_a_bound_whatever_is_stated(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "a", 1, UINT64_MAX);
    assert_int_equal(pt_roster_credit(roster), PT_ROSTER_CREDIT_MAX);
    s_join(roster, "b", 2, PT_ROSTER_CREDIT_MAX);
    assert_int_equal(pt_roster_credit(roster), 2 * PT_ROSTER_CREDIT_MAX);
    pt_roster_destroy(&roster);
}

static void
a_route_that_begins_another_is_another(void **state)
{
    (void) state;
    pt_roster_t *roster = pt_roster_new(4);
    s_join(roster, "ab", 1, 10);
    assert_null(pt_roster_find(roster, s_route("a")));
    assert_null(pt_roster_find(roster, s_route("abc")));
    s_join(roster, "a", 2, 10);
    assert_int_equal(pt_roster_find(roster, s_route("ab"))->worker, 1);
    assert_int_equal(pt_roster_find(roster, s_route("a"))->worker, 2);
    pt_roster_destroy(&roster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_ready_of_a_stranger_gives_no_credit),
        cmocka_unit_test(credit_is_spent_and_renewed),
        cmocka_unit_test(a_ready_from_before_the_hello_is_ignored_and_later_greeted_again),
        cmocka_unit_test(a_falling_limit_is_a_drain_and_a_full_worker_is_none),
        cmocka_unit_test(a_worker_under_a_new_route_replaces_itself),
        cmocka_unit_test(when_a_worker_goes_only_its_own_producers_move),
        cmocka_unit_test(turns_go_round_those_with_credit),
        cmocka_unit_test(the_silent_are_removed_with_their_credit),
        cmocka_unit_test(a_worker_that_drains_no_more_is_chosen_again),
        cmocka_unit_test(an_account_that_does_not_fit_is_begun_anew_without_credit),
        cmocka_unit_test(who_says_ready_lives),
        cmocka_unit_test(credit_has_a_bound_whatever_is_stated),
        cmocka_unit_test(a_route_that_begins_another_is_another),
        cmocka_unit_test(a_full_roster_leaves_strangers_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
