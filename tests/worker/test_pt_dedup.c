/*  The dedup table against a model that remembers everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_dedup.h"

static pt_batch_t
s_batch(uint64_t producer, uint64_t seq, uint64_t floor, uint32_t crc32)
{
    return (pt_batch_t) {.producer = producer, .epoch = 1, .seq = seq, .floor = floor, .crc32 = crc32, .count = 1};
}

static void
a_batch_is_new_then_in_work_then_finished(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(4);
    pt_batch_t batch = s_batch(1, 1, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_IN_WORK);
    pt_dedup_finish(dedup, &batch);
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_FINISHED);
    batch.crc32 = 8;
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_CONFLICT);
    pt_dedup_destroy(&dedup);
}

static void
a_lower_number_that_comes_late_is_new(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(4);
    pt_batch_t second = s_batch(1, 2, 1, 7);
    pt_batch_t first = s_batch(1, 1, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &second), PT_DEDUP_NEW);
    pt_dedup_finish(dedup, &second);
    assert_int_equal(pt_dedup_take(dedup, &first), PT_DEDUP_NEW);
    pt_dedup_destroy(&dedup);
}

static void
epochs_of_one_producer_are_apart(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(4);
    pt_batch_t batch = s_batch(1, 1, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
    pt_dedup_finish(dedup, &batch);
    batch.epoch = 2;
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
    pt_dedup_destroy(&dedup);
}

static void
a_refused_batch_may_come_again(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(4);
    pt_batch_t batch = s_batch(1, 1, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
    pt_dedup_release(dedup, &batch);
    batch.crc32 = 8;
    assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
    pt_dedup_destroy(&dedup);
}

static void
what_the_floor_has_passed_is_finished_whatever_became_of_it(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(4);
    pt_batch_t late = s_batch(1, 3, 1, 7);
    pt_batch_t high = s_batch(1, 3 + PT_WINDOW, 4, 9);
    assert_int_equal(pt_dedup_take(dedup, &late), PT_DEDUP_NEW);
    //  Shares its slot with the number 3, which is still in work.
    assert_int_equal(pt_dedup_take(dedup, &high), PT_DEDUP_NEW);
    pt_dedup_finish(dedup, &late);
    assert_int_equal(pt_dedup_take(dedup, &high), PT_DEDUP_IN_WORK);
    assert_int_equal(pt_dedup_take(dedup, &late), PT_DEDUP_FINISHED);
    pt_dedup_destroy(&dedup);
}

static void
the_producer_unused_for_longest_makes_room(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(3);
    for (uint64_t producer = 1; producer <= 3; producer++) {
        pt_batch_t batch = s_batch(producer, 1, 1, 7);
        assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
        pt_dedup_finish(dedup, &batch);
    }
    pt_batch_t first = s_batch(1, 1, 1, 7);
    pt_batch_t second = s_batch(2, 1, 1, 7);
    pt_batch_t fourth = s_batch(4, 1, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &first), PT_DEDUP_FINISHED);
    assert_int_equal(pt_dedup_take(dedup, &fourth), PT_DEDUP_NEW);
    assert_int_equal(pt_dedup_take(dedup, &first), PT_DEDUP_FINISHED);
    assert_int_equal(pt_dedup_take(dedup, &second), PT_DEDUP_NEW);
    //  What belongs to a window that went away changes nothing.
    pt_batch_t third = s_batch(3, 1, 1, 7);
    pt_dedup_finish(dedup, &third);
    pt_dedup_destroy(&dedup);
}

//  Every slot of the window was used, and the floor passes all of them at once.
static void
a_floor_that_jumps_over_a_whole_window_leaves_nothing_of_it(void **state)
{
    (void) state;
    for (uint64_t jump = PT_WINDOW - 1; jump <= PT_WINDOW + 1; jump++) {
        pt_dedup_t *dedup = pt_dedup_new(1);
        for (uint64_t seq = 1; seq <= PT_WINDOW; seq++) {
            pt_batch_t batch = s_batch(1, seq, 1, 7);
            assert_int_equal(pt_dedup_take(dedup, &batch), PT_DEDUP_NEW);
            pt_dedup_finish(dedup, &batch);
        }
        uint64_t floor = 1 + jump;
        for (uint64_t seq = floor; seq < floor + PT_WINDOW; seq++) {
            pt_batch_t batch = s_batch(1, seq, floor, 7);
            assert_int_equal(pt_dedup_take(dedup, &batch), seq <= PT_WINDOW ? PT_DEDUP_FINISHED : PT_DEDUP_NEW);
        }
        pt_dedup_destroy(&dedup);
    }
}

//  What was finished before a start is known by its checksum, too.
static void
what_is_restored_is_finished_and_no_other(void **state)
{
    (void) state;
    pt_dedup_t *dedup = pt_dedup_new(2);
    assert_true(pt_dedup_restore(dedup, 1, 1, 3, 5, 7));
    assert_true(pt_dedup_restore(dedup, 1, 1, 3, 6, 8));
    assert_true(pt_dedup_restore(dedup, 2, 1, 9, 0, 0));
    pt_batch_t fifth = s_batch(1, 5, 1, 7);
    pt_batch_t sixth = s_batch(1, 6, 1, 9);
    pt_batch_t fourth = s_batch(1, 4, 1, 7);
    pt_batch_t second = s_batch(1, 2, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &fifth), PT_DEDUP_FINISHED);
    assert_int_equal(pt_dedup_take(dedup, &sixth), PT_DEDUP_CONFLICT);
    assert_int_equal(pt_dedup_take(dedup, &fourth), PT_DEDUP_NEW);
    assert_int_equal(pt_dedup_take(dedup, &second), PT_DEDUP_FINISHED);
    //  A window without batches has its floor.
    pt_batch_t below = s_batch(2, 8, 1, 7);
    pt_batch_t above = s_batch(2, 9, 1, 7);
    assert_int_equal(pt_dedup_take(dedup, &below), PT_DEDUP_FINISHED);
    assert_int_equal(pt_dedup_take(dedup, &above), PT_DEDUP_NEW);
    pt_dedup_destroy(&dedup);
}

enum { S_PRODUCERS = 5, S_SEQS = 4000, S_STEPS = 200000 };

//  A model without windows, slots or eviction: the state of every number of every producer.
typedef struct {
    uint64_t floor;
    uint8_t states[S_SEQS]; //  0 unseen, 1 in work, 2 finished
    uint32_t crcs[S_SEQS];
} s_model_t;

static pt_dedup_state_t
s_model_take(s_model_t *model, const pt_batch_t *batch)
{
    if (batch->floor > model->floor)
        model->floor = batch->floor;
    if (batch->seq < model->floor)
        return PT_DEDUP_FINISHED;
    uint8_t *slot = &model->states[batch->seq];
    if (*slot == 1)
        return PT_DEDUP_IN_WORK;
    if (*slot == 2)
        return model->crcs[batch->seq] == batch->crc32 ? PT_DEDUP_FINISHED : PT_DEDUP_CONFLICT;
    *slot = 1;
    model->crcs[batch->seq] = batch->crc32;
    return PT_DEDUP_NEW;
}

static void
any_sequence_of_events_agrees_with_the_model(void **state)
{
    (void) state;
    static s_model_t s_models[S_PRODUCERS];
    srandom(20261122);
    pt_dedup_t *dedup = pt_dedup_new(S_PRODUCERS);
    size_t verdicts[4] = {0};
    for (int step = 0; step < S_STEPS; step++) {
        uint64_t producer = (uint64_t) random() % S_PRODUCERS;
        s_model_t *model = &s_models[producer];
        //  The highest number drifts upwards; floors lag behind it by up to a window.
        uint64_t top = 1 + (uint64_t) step * (S_SEQS - 2) / S_STEPS;
        uint64_t back = (uint64_t) random() % (random() % 4 ? 30 : PT_WINDOW);
        uint64_t seq = top > back ? top - back : 1;
        uint64_t lag = (uint64_t) random() % PT_WINDOW;
        uint64_t floor = seq > lag ? seq - lag : 1;
        pt_batch_t batch = s_batch(producer, seq, floor, (uint32_t) (random() % 20 == 0));
        switch (random() % 3) {
        case 0:
            if (seq >= model->floor && model->states[seq] == 1) {
                batch.crc32 = model->crcs[seq];
                model->states[seq] = 2;
                pt_dedup_finish(dedup, &batch);
            }
            break;
        case 1:
            if (random() % 8 == 0 && seq >= model->floor && model->states[seq] == 1) {
                model->states[seq] = 0;
                pt_dedup_release(dedup, &batch);
            }
            break;
        default: {
            pt_dedup_state_t expected = s_model_take(model, &batch);
            assert_int_equal(pt_dedup_take(dedup, &batch), expected);
            verdicts[expected]++;
        }
        }
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(verdicts[i] > 100);
    pt_dedup_destroy(&dedup);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_new_then_in_work_then_finished),
        cmocka_unit_test(a_lower_number_that_comes_late_is_new),
        cmocka_unit_test(epochs_of_one_producer_are_apart),
        cmocka_unit_test(a_refused_batch_may_come_again),
        cmocka_unit_test(what_the_floor_has_passed_is_finished_whatever_became_of_it),
        cmocka_unit_test(the_producer_unused_for_longest_makes_room),
        cmocka_unit_test(a_floor_that_jumps_over_a_whole_window_leaves_nothing_of_it),
        cmocka_unit_test(what_is_restored_is_finished_and_no_other),
        cmocka_unit_test(any_sequence_of_events_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
