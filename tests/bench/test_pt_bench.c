/*  What the bench tools count with: medians, percentiles, the histogram, the dice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pt_bench.h"
#include "pt_histogram.h"

static void
median_of_an_even_count_lies_between_the_middle_two(void **state)
{
    (void) state;
    pt_series_t series = {0};
    for (int value = 100; value > 0; value--)
        pt_series_add(&series, value);

    assert_true(pt_series_median(&series) == 50.5);
    assert_true(pt_series_percentile(&series, 0) == 1);
    assert_true(pt_series_percentile(&series, 100) == 100);
    pt_series_clear(&series);
}

static void
median_of_nothing_is_no_number(void **state)
{
    (void) state;
    pt_series_t series = {0};

    assert_true(isnan(pt_series_median(&series)));
}

static void
histogram_knows_small_values_exactly_and_large_ones_within_two_percent(void **state)
{
    (void) state;
    pt_dice_t dice;
    pt_dice_init(&dice, 5);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = pt_dice_roll(&dice) >> (30 + pt_dice_below(&dice, 34));
        pt_histogram_t *histogram = calloc(1, sizeof(*histogram));
        pt_histogram_add(histogram, value);
        pt_histogram_add(histogram, value + value / 2);
        uint64_t seen = pt_histogram_percentile(histogram, 50);
        assert_true(seen >= value);
        if (value < 64)
            assert_int_equal(seen, value);
        assert_true((double) (seen - value) <= 0.016 * (double) value);
        free(histogram);
    }
}

static void
histogram_percentiles_agree_with_sorted_values(void **state)
{
    (void) state;
    pt_histogram_t *histogram = calloc(1, sizeof(*histogram));
    for (uint64_t value = 1; value <= 100000; value++)
        pt_histogram_add(histogram, value);

    for (double percent = 1; percent <= 100; percent += 0.5) {
        double expected = percent * 1000;
        double seen = (double) pt_histogram_percentile(histogram, percent);
        assert_true(seen >= expected && seen <= expected * 1.016 + 1);
    }
    assert_int_equal(pt_histogram_percentile(histogram, 100), 100000);
    free(histogram);
}

static void
histogram_keeps_what_is_over_its_range(void **state)
{
    (void) state;
    pt_histogram_t *histogram = calloc(1, sizeof(*histogram));
    pt_histogram_t *other = calloc(1, sizeof(*other));
    pt_histogram_add(histogram, 5);
    pt_histogram_add(other, UINT64_MAX / 2);

    pt_histogram_merge(histogram, other);

    assert_int_equal(histogram->count, 2);
    assert_int_equal(histogram->max, UINT64_MAX / 2);
    assert_int_equal(pt_histogram_percentile(histogram, 50), 5);
    free(other);
    free(histogram);
}

static void
histogram_file_ends_with_all_values_counted(void **state)
{
    (void) state;
    pt_histogram_t *histogram = calloc(1, sizeof(*histogram));
    for (uint64_t value = 1000; value < 2000; value++)
        pt_histogram_add(histogram, value);
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    assert_true(pt_histogram_write(histogram, 1000, file));
    fclose(file);

    assert_non_null(strstr(text, "Value"));
    assert_non_null(strstr(text, "1.000000000000       1000\n"));
    assert_non_null(strstr(text, "#[Total count    =         1000]\n"));
    free(text);
    free(histogram);
}

static void
dice_repeat_and_stay_below_their_bound(void **state)
{
    (void) state;
    pt_dice_t left, right;
    pt_dice_init(&left, 0);
    pt_dice_init(&right, 0);
    unsigned seen[6] = {0};
    for (int i = 0; i < 6000; i++) {
        uint64_t roll = pt_dice_below(&left, 6);
        assert_int_equal(roll, pt_dice_below(&right, 6));
        assert_true(roll < 6);
        seen[roll]++;
    }
    for (int side = 0; side < 6; side++)
        assert_in_range(seen[side], 850, 1150);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_of_an_even_count_lies_between_the_middle_two),
        cmocka_unit_test(median_of_nothing_is_no_number),
        cmocka_unit_test(histogram_knows_small_values_exactly_and_large_ones_within_two_percent),
        cmocka_unit_test(histogram_percentiles_agree_with_sorted_values),
        cmocka_unit_test(histogram_keeps_what_is_over_its_range),
        cmocka_unit_test(histogram_file_ends_with_all_values_counted),
        cmocka_unit_test(dice_repeat_and_stay_below_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
