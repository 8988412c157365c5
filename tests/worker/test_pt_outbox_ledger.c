/*  Records of an outbox file one by one: what the limits let in, and what they do not, since a file is bytes of whoever
 *  may write to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_outbox_ledger.h"

static bool
s_take(pt_outbox_ledger_t *ledger, pt_outbox_type_t type, uint64_t first, uint64_t second, uint64_t third)
{
    static const uint8_t payload[1];
    bool has_payload = type == PT_OUTBOX_BATCH || type == PT_OUTBOX_KEPT;
    pt_outbox_record_t record = {.type = type, .payload_len = has_payload, .value = {first, second, third}};
    return pt_outbox_ledger_take(ledger, &record, payload, type == PT_OUTBOX_BEGIN ? 0 : 64);
}

static void
batches_span_a_window_and_no_more(void **state)
{
    (void) state;
    pt_outbox_ledger_t ledger = {0};
    assert_true(s_take(&ledger, PT_OUTBOX_BEGIN, 7, 9, 1));
    for (uint64_t seq = 1; seq <= PT_WINDOW; seq++)
        assert_true(s_take(&ledger, PT_OUTBOX_BATCH, seq, 1, 0));
    assert_false(s_take(&ledger, PT_OUTBOX_BATCH, PT_WINDOW + 1, 1, 0));
    assert_true(s_take(&ledger, PT_OUTBOX_ANSWERED, 2, 0, 0));
    assert_true(s_take(&ledger, PT_OUTBOX_BATCH, PT_WINDOW + 1, 1, 0));
}

static void
kept_batches_span_a_window_and_no_more(void **state)
{
    (void) state;
    pt_outbox_ledger_t ledger = {0};
    assert_true(s_take(&ledger, PT_OUTBOX_BEGIN, 7, 9, PT_WINDOW + 2));
    assert_false(s_take(&ledger, PT_OUTBOX_KEPT, 1, 1, 0));
    assert_true(s_take(&ledger, PT_OUTBOX_KEPT, 2, 1, 0));
    assert_int_equal(ledger.floor, 2);
    assert_false(s_take(&ledger, PT_OUTBOX_KEPT, PT_WINDOW + 2, 1, 0));
}

static void
a_batch_has_one_to_4096_responses(void **state)
{
    (void) state;
    pt_outbox_ledger_t ledger = {0};
    assert_true(s_take(&ledger, PT_OUTBOX_BEGIN, 7, 9, 1));
    assert_false(s_take(&ledger, PT_OUTBOX_BATCH, 1, 0, 0));
    assert_false(s_take(&ledger, PT_OUTBOX_BATCH, 1, PT_BATCH_COUNT_MAX + 1, 0));
    assert_true(s_take(&ledger, PT_OUTBOX_BATCH, 1, PT_BATCH_COUNT_MAX, 0));
}

static void
an_epoch_and_a_number_are_those_of_the_wire(void **state)
{
    (void) state;
    pt_outbox_ledger_t ledger = {0};
    assert_true(s_take(&ledger, PT_OUTBOX_BEGIN, 7, PT_WIRE_INTEGER_MAX, PT_WIRE_INTEGER_MAX));
    assert_false(s_take(&ledger, PT_OUTBOX_BEGIN, 7, PT_WIRE_INTEGER_MAX + 1, 1));
    assert_false(s_take(&ledger, PT_OUTBOX_BEGIN, 7, 9, PT_WIRE_INTEGER_MAX + 1));
    assert_false(s_take(&ledger, PT_OUTBOX_BEGIN, 7, 9, 0));
}

//  A second run with an outbox that was said to be complete must not end before its own batches are answered.
static void
complete_is_what_has_no_batch_without_an_answer(void **state)
{
    (void) state;
    pt_outbox_ledger_t ledger = {0};
    assert_true(s_take(&ledger, PT_OUTBOX_BEGIN, 7, 9, 1));
    assert_true(s_take(&ledger, PT_OUTBOX_BATCH, 1, 1, 0));
    assert_true(s_take(&ledger, PT_OUTBOX_COMPLETE, 0, 0, 0));
    assert_false(ledger.complete);
    assert_true(s_take(&ledger, PT_OUTBOX_ANSWERED, 2, 0, 0));
    assert_true(s_take(&ledger, PT_OUTBOX_COMPLETE, 0, 0, 0));
    assert_true(ledger.complete);
    assert_true(s_take(&ledger, PT_OUTBOX_BATCH, 2, 1, 0));
    assert_false(ledger.complete);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_span_a_window_and_no_more),
        cmocka_unit_test(kept_batches_span_a_window_and_no_more),
        cmocka_unit_test(a_batch_has_one_to_4096_responses),
        cmocka_unit_test(an_epoch_and_a_number_are_those_of_the_wire),
        cmocka_unit_test(complete_is_what_has_no_batch_without_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
