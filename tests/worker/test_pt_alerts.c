/*  What is told, folded and summed up, by a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pt_alerts.h"

#define S_WINDOW_MS 1000
#define S_FREQUENT_MS 600

static pt_alerts_t *
s_new(uint64_t window_ms, uint32_t frequent_count)
{
    pt_alerts_options_t options = {
        .window_ms = window_ms, .frequent_count = frequent_count, .frequent_ms = S_FREQUENT_MS};
    pt_alerts_t *alerts = pt_alerts_new(&options);
    assert_non_null(alerts);
    return alerts;
}

static XXH128_hash_t
s_key(uint64_t number)
{
    return XXH3_128bits(&number, sizeof(number));
}

static pt_alert_receipt_t
s_count(pt_alerts_t *alerts, uint64_t key, pt_alert_kind_t kind, int64_t now_ms)
{
    pt_alert_receipt_t receipt =
        pt_alerts_count(alerts, s_key(key), kind, (pt_alert_rate_t) {0}, now_ms, (uint64_t) now_ms + 1000000);
    if (pt_alerts_wants_sample(alerts, &receipt))
        pt_alerts_keep_sample(alerts, &receipt, (pt_bytes_t) {(const uint8_t *) &key, sizeof(key)});
    return receipt;
}

static void
s_expect(pt_alerts_t *alerts, uint64_t key, pt_alert_kind_t kind, int64_t now_ms, pt_alert_fate_t fate)
{
    assert_int_equal(s_count(alerts, key, kind, now_ms).fate, fate);
}

static uint64_t
s_sample_key(const pt_alert_summary_t *summary)
{
    uint64_t key;
    assert_int_equal(summary->sample.len, sizeof(key));
    memcpy(&key, summary->sample.data, sizeof(key));
    return key;
}

static void
the_first_is_told_and_the_others_are_summed_up(void **state)
{
    (void) state;
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 3);
    pt_alert_summary_t summary;
    s_expect(alerts, 1, PT_ALERT_ACTIVE, 100, PT_ALERT_TOLD);
    assert_true(pt_alerts_due_ms(alerts) == INT64_MAX);
    s_expect(alerts, 1, PT_ALERT_ACTIVE, 100, PT_ALERT_FOLDED);
    s_expect(alerts, 1, PT_ALERT_ACTIVE, 1099, PT_ALERT_FOLDED);
    assert_int_equal(pt_alerts_due_ms(alerts), 1100);
    assert_false(pt_alerts_sum_up(alerts, 1099, false, &summary));
    assert_true(pt_alerts_sum_up(alerts, 1100, false, &summary));
    assert_int_equal(summary.receipt.count, 2);
    assert_int_equal(summary.first_ms, 1000100);
    assert_int_equal(summary.last_ms, 1001099);
    assert_int_equal(s_sample_key(&summary), 1);
    assert_false(summary.others);
    assert_false(pt_alerts_sum_up(alerts, 1100, false, &summary));
    pt_alerts_destroy(&alerts);
}

//  Steps of one key: the time, and what becomes of it. 'S' sums up and expects the count behind it.
typedef struct {
    int64_t now_ms;
    char step; //  T told, F folded, C counted, S summed up, N nothing to sum up
    uint32_t count;
} s_step_t;

static void
s_walk(pt_alert_kind_t kind, uint64_t window_ms, uint32_t frequent, const s_step_t *steps, size_t count)
{
    static const char s_letters[] = {[PT_ALERT_TOLD] = 'T', [PT_ALERT_FOLDED] = 'F', [PT_ALERT_COUNTED] = 'C'};
    pt_alerts_t *alerts = s_new(window_ms, frequent);
    for (size_t i = 0; i < count; i++) {
        pt_alert_summary_t summary;
        if (steps[i].step == 'S' || steps[i].step == 'N') {
            bool is = pt_alerts_sum_up(alerts, steps[i].now_ms, false, &summary);
            assert_int_equal(is, steps[i].step == 'S');
            if (is)
                assert_int_equal(summary.receipt.count, steps[i].count);
            continue;
        }
        pt_alert_receipt_t receipt = s_count(alerts, 7, kind, steps[i].now_ms);
        if (s_letters[receipt.fate] != steps[i].step)
            fail_msg("step %zu: %c", i, s_letters[receipt.fate]);
        if (receipt.fate == PT_ALERT_TOLD)
            assert_int_equal(receipt.count, steps[i].count);
    }
    pt_alerts_destroy(&alerts);
}
#define S_WALK(kind, window_ms, frequent, ...)                                                                         \
    s_walk(kind, window_ms, frequent, (const s_step_t[]) {__VA_ARGS__},                                                \
           sizeof((const s_step_t[]) {__VA_ARGS__}) / sizeof(s_step_t))

static void
windows_open_and_close_where_they_should(void **state)
{
    (void) state;
    //  A quiet window: the next one is told at once; the edge belongs to the next window.
    S_WALK(PT_ALERT_ACTIVE, S_WINDOW_MS, 3, {0, 'T', 1}, {1000, 'T', 1}, {1999, 'F', 0}, {2000, 'S', 1}, {2999, 'F', 0},
           {3000, 'S', 1}, {3999, 'N', 0}, {4000, 'T', 1});
    //  A summary that comes late counts all until then.
    S_WALK(PT_ALERT_ACTIVE, S_WINDOW_MS, 3, {0, 'T', 1}, {1, 'F', 0}, {5000, 'F', 0}, {5001, 'S', 2}, {5002, 'F', 0},
           {6000, 'N', 0}, {6001, 'S', 1});
    //  Without a window each is told.
    S_WALK(PT_ALERT_ACTIVE, 0, 3, {0, 'T', 1}, {0, 'T', 1}, {1, 'T', 1}, {10, 'N', 0});
}

static void
what_must_be_frequent_is_told_when_it_is(void **state)
{
    (void) state;
    //  Three within 600 ms; the first one is too old for the third when exactly 600 ms lie between.
    S_WALK(PT_ALERT_IF_FREQUENT, S_WINDOW_MS, 3, {0, 'C', 0}, {300, 'C', 0}, {600, 'C', 0}, {899, 'T', 3});
    S_WALK(PT_ALERT_IF_FREQUENT, S_WINDOW_MS, 3, {0, 'C', 0}, {300, 'C', 0}, {599, 'T', 3}, {600, 'F', 0},
           {700, 'F', 0}, {800, 'F', 0}, {1599, 'S', 3});
    //  Seldom again: no summary, and the count begins anew.
    S_WALK(PT_ALERT_IF_FREQUENT, S_WINDOW_MS, 3, {0, 'C', 0}, {1, 'C', 0}, {2, 'T', 3}, {500, 'F', 0}, {600, 'F', 0},
           {1002, 'N', 0}, {1100, 'C', 0}, {1200, 'C', 0}, {1300, 'T', 3});
    //  Once in so many is always.
    S_WALK(PT_ALERT_IF_FREQUENT, S_WINDOW_MS, 1, {0, 'T', 1}, {1, 'F', 0}, {1000, 'S', 1});
    //  Without a window each time that it is frequent.
    S_WALK(PT_ALERT_IF_FREQUENT, 0, 2, {0, 'C', 0}, {1, 'T', 2}, {2, 'C', 0}, {3, 'T', 2});
    //  Never, however many come, when they are far between.
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 2);
    for (int64_t i = 0; i < 100; i++)
        s_expect(alerts, 1, PT_ALERT_IF_FREQUENT, i * S_FREQUENT_MS, PT_ALERT_COUNTED);
    pt_alerts_destroy(&alerts);
}

static void
an_entry_brings_a_rate_of_its_own(void **state)
{
    (void) state;
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 2);
    pt_alert_rate_t rate = {4, 100}, other = {2, 100};
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(pt_alerts_count(alerts, s_key(1), PT_ALERT_IF_FREQUENT, rate, i, 1).fate, PT_ALERT_COUNTED);
    assert_int_equal(pt_alerts_count(alerts, s_key(1), PT_ALERT_IF_FREQUENT, rate, 99, 1).fate, PT_ALERT_TOLD);
    //  Another catalog, another rate: the count begins anew.
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(pt_alerts_count(alerts, s_key(2), PT_ALERT_IF_FREQUENT, rate, i, 1).fate, PT_ALERT_COUNTED);
    assert_int_equal(pt_alerts_count(alerts, s_key(2), PT_ALERT_IF_FREQUENT, other, 4, 1).fate, PT_ALERT_COUNTED);
    assert_int_equal(pt_alerts_count(alerts, s_key(2), PT_ALERT_IF_FREQUENT, other, 5, 1).fate, PT_ALERT_TOLD);
    pt_alerts_destroy(&alerts);
}

static void
keys_do_not_meddle_with_each_other(void **state)
{
    (void) state;
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 3);
    for (uint64_t key = 0; key < 1000; key++)
        s_expect(alerts, key, PT_ALERT_ACTIVE, 0, PT_ALERT_TOLD);
    for (uint64_t key = 0; key < 1000; key++)
        for (uint64_t times = 0; times < key % 3; times++)
            s_expect(alerts, key, PT_ALERT_ACTIVE, 10, PT_ALERT_FOLDED);
    assert_int_equal(pt_alerts_keys(alerts), 1000);
    pt_alert_summary_t summary;
    size_t count = 0;
    while (pt_alerts_sum_up(alerts, S_WINDOW_MS, false, &summary)) {
        assert_int_equal(summary.receipt.count, s_sample_key(&summary) % 3);
        count++;
    }
    assert_int_equal(count, 666);
    pt_alerts_destroy(&alerts);
}

//  All that came is told or counted, whatever the number of kinds.
static void
a_flood_of_kinds_is_counted_in_bounded_memory(void **state)
{
    (void) state;
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 3);
    uint64_t sent = 0, told = 0, summed = 0, others = 0;
    pt_alert_summary_t summary;
    for (int64_t now_ms = 0; now_ms < 10 * S_WINDOW_MS; now_ms += 100) {
        for (uint64_t i = 0; i < 1000; i++, sent++)
            told += s_count(alerts, sent / 2, PT_ALERT_ACTIVE, now_ms).fate == PT_ALERT_TOLD;
        while (pt_alerts_sum_up(alerts, now_ms, false, &summary)) {
            summed += summary.receipt.count;
            others += summary.others ? summary.receipt.count : 0;
        }
        assert_true(pt_alerts_keys(alerts) <= PT_ALERTS_KEYS_MAX);
    }
    while (pt_alerts_sum_up(alerts, 0, true, &summary))
        summed += summary.receipt.count;
    assert_int_equal(told + summed, sent);
    assert_true(others > 0);
    //  Once it is over there is room for new kinds.
    s_expect(alerts, UINT64_MAX, PT_ALERT_ACTIVE, 100 * S_WINDOW_MS, PT_ALERT_TOLD);
    assert_true(pt_alerts_keys(alerts) < PT_ALERTS_KEYS_MAX);
    pt_alerts_destroy(&alerts);
}

static void
a_storm_of_one_kind_is_exact(void **state)
{
    (void) state;
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 10);
    uint64_t told = 0, summed = 0;
    pt_alert_summary_t summary;
    for (int64_t i = 0; i < 1000000; i++) {
        told += s_count(alerts, 1, PT_ALERT_ACTIVE, i / 100).fate == PT_ALERT_TOLD;
        if (pt_alerts_sum_up(alerts, i / 100, false, &summary))
            summed += summary.receipt.count;
    }
    while (pt_alerts_sum_up(alerts, 10000, true, &summary))
        summed += summary.receipt.count;
    assert_int_equal(told, 1);
    assert_int_equal(summed, 999999);
    pt_alerts_destroy(&alerts);
}

//  Random runs, each counted, undone backwards and counted again: the second time is as the first.
static void
what_is_undone_comes_again_as_if_for_the_first_time(void **state)
{
    (void) state;
    enum { RUN = 40 };
    uint64_t seed = 1;
    pt_alerts_t *alerts = s_new(S_WINDOW_MS, 3);
    for (int64_t round = 0; round < 2000; round++) {
        pt_alert_receipt_t first[RUN];
        uint64_t keys[RUN];
        int64_t now_ms = round * 37;
        for (size_t i = 0; i < RUN; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            keys[i] = (seed >> 33) % 24;
        }
        for (int again = 0; again < 2; again++) {
            for (size_t i = 0; i < RUN; i++) {
                pt_alert_kind_t kind = keys[i] % 2 ? PT_ALERT_ACTIVE : PT_ALERT_IF_FREQUENT;
                pt_alert_receipt_t receipt = s_count(alerts, keys[i], kind, now_ms);
                if (again) {
                    assert_int_equal(receipt.fate, first[i].fate);
                    assert_int_equal(receipt.count, first[i].count);
                }
                first[i] = receipt;
            }
            for (size_t i = RUN; i-- > 0 && !again;)
                pt_alerts_undo(alerts, &first[i]);
        }
        pt_alert_summary_t summary;
        while (pt_alerts_sum_up(alerts, now_ms, false, &summary)) {
            uint32_t count = summary.receipt.count;
            pt_alerts_undo(alerts, &summary.receipt);
            //  Its turn may not be the next one.
            uint64_t others = 0;
            for (bool found = false; !found; others++) {
                assert_true(others < 24);
                pt_alert_summary_t next;
                assert_true(pt_alerts_sum_up(alerts, now_ms, false, &next));
                found = next.receipt.slot == summary.receipt.slot;
                if (found)
                    assert_int_equal(next.receipt.count, count);
            }
        }
    }
    pt_alerts_destroy(&alerts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_told_and_the_others_are_summed_up),
        cmocka_unit_test(windows_open_and_close_where_they_should),
        cmocka_unit_test(what_must_be_frequent_is_told_when_it_is),
        cmocka_unit_test(an_entry_brings_a_rate_of_its_own),
        cmocka_unit_test(keys_do_not_meddle_with_each_other),
        cmocka_unit_test(a_flood_of_kinds_is_counted_in_bounded_memory),
        cmocka_unit_test(a_storm_of_one_kind_is_exact),
        cmocka_unit_test(what_is_undone_comes_again_as_if_for_the_first_time),
    };
    return cmocka_run_group_tests_name("pt_alerts", tests, NULL, NULL);
}
