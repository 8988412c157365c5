/*  Small jobs become trains: all decisions in the outputs of the first, in order, and each job answered for itself. */
#include "bus.h"

#include <stdlib.h>

#include "pt_decider.h"
#include "pt_packer.h"

static pt_job_t *
s_make_job_of(uint64_t seq, uint32_t count, uint32_t header_crc32, const void *response, size_t len)
{
    bus_batch_t batch = bus_batch(7, seq, count, response, len);
    pt_job_t *job = pt_job_new();
    assert_non_null(job);
    job->batch = batch.header;
    job->batch.crc32 ^= header_crc32;
    job->envelope_count = 0;
    job->message.count = 1;
    assert_int_equal(zmq_msg_init_size(&job->message.frames[0], batch.payload_len), 0);
    memcpy(zmq_msg_data(&job->message.frames[0]), batch.payload, batch.payload_len);
    bus_batch_clear(&batch);
    return job;
}

//  A batch of `count` responses, as a job. `header_crc32` is xored with the true one.
static pt_job_t *
s_make_job(uint64_t seq, uint32_t count, uint32_t header_crc32)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "insufficient_fund", 200, response);
    return s_make_job_of(seq, count, header_crc32, response, len);
}

static pt_decider_t *
s_new_decider_of(size_t train_bytes, uint64_t train_ns_min, uint64_t train_ns_max)
{
    pt_decider_options_t options = {.catalog = pt_catalog_builtin(),
                                    .keep = true,
                                    .train_bytes = train_bytes,
                                    .train_ns_min = train_ns_min,
                                    .train_ns_max = train_ns_max,
                                    .paces = true};
    pt_decider_t *decider = pt_decider_new(&options);
    assert_non_null(decider);
    return decider;
}

static pt_decider_t *
s_new_decider(size_t train_bytes)
{
    return s_new_decider_of(train_bytes, UINT64_MAX, UINT64_MAX);
}

static void
s_hold(pt_decider_t *decider, pt_job_t *job)
{
    assert_true(pt_decider_has_room(decider, job));
    assert_false(pt_decider_do(decider, job));
}

//  The decisions of the job's outputs name the responses of the batches `first` to `last`, of `count` each, in order.
static void
s_expect_decisions(const pt_job_t *job, uint64_t first, uint64_t last, uint32_t count)
{
    static pt_pair_t s_fields[PT_FIELDS_MAX];
    uint64_t seq = first;
    uint32_t index = 0;
    for (size_t i = 0; i < job->output_count; i++) {
        pt_output_t *output = &job->outputs[i];
        pt_items_t items;
        pt_bytes_t item;
        pt_bytes_t bytes = {zmq_msg_data(&output->items), zmq_msg_size(&output->items)};
        assert_int_equal(pt_items_open_decisions(bytes, output->count, &items), PT_OK);
        while (pt_items_next(&items, &item)) {
            pt_decision_t decision;
            char id[PT_ID_BYTES_MAX + 1];
            int len = snprintf(id, sizeof(id), "0000000000000007/1/%" PRIu64 "/%" PRIu32, seq, index);
            assert_int_equal(pt_decision_decode(item, s_fields, &decision), PT_OK);
            assert_int_equal(decision.id.len, len);
            assert_memory_equal(decision.id.data, id, decision.id.len);
            index = (index + 1) % count;
            seq += index == 0;
        }
    }
    assert_int_equal(seq, last + 1);
}

static void
s_release(pt_job_t *job)
{
    while (job) {
        pt_job_t *behind = job->behind;
        pt_job_destroy(&job);
        job = behind;
    }
}

static void
jobs_that_follow_each_other_share_their_outputs(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider(1 << 20);
    assert_null(pt_decider_release(decider, false));
    for (uint64_t seq = 1; seq <= 20; seq++)
        s_hold(decider, s_make_job(seq, 3, 0));
    pt_job_t *first = pt_decider_release(decider, false);
    assert_int_equal(first->output_count, 1);
    assert_int_equal(first->outputs[0].count, 60);
    s_expect_decisions(first, 1, 20, 3);
    //  The journal gets what each decision is about.
    assert_true(zmq_msg_size(&first->outputs[0].responses) > 60);
    uint64_t seq = 1;
    for (const pt_job_t *job = first; job; job = job->behind) {
        assert_int_equal(job->batch.seq, seq++);
        assert_false(job->refused);
        uint32_t decided = 0;
        for (int route = 0; route < PT_ROUTE_COUNT_; route++)
            decided += job->decided[route];
        assert_int_equal(decided, 3);
        assert_int_equal(job->output_count, job == first);
    }
    assert_int_equal(seq, 21);
    s_release(first);
    assert_null(pt_decider_release(decider, false));
    pt_decider_destroy(&decider);
}

//  One decision could not stand for all of its responses.
static void
a_plain_array_beyond_the_limit_is_refused(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider(1 << 20);
    enum { COUNT = PT_BATCH_COUNT_MAX + 1 };
    pt_job_t *many = s_make_job(1, 1, 0);
    many->plain = true;
    zmq_msg_t *frame = &many->message.frames[0];
    zmq_msg_close(frame);
    assert_int_equal(zmq_msg_init_size(frame, 3 + COUNT), 0);
    memset(zmq_msg_data(frame), 0xc0, 3 + COUNT);
    memcpy(zmq_msg_data(frame), (uint8_t[]) {0xdc, COUNT >> 8, COUNT & 0xff}, 3);
    assert_true(pt_decider_do(decider, many));
    assert_true(many->refused);
    assert_int_equal(many->reason, PT_REASON_TOO_BIG);
    assert_int_equal(many->output_count, 0);
    s_release(many);
    pt_decider_destroy(&decider);
}

static void
a_refused_job_goes_its_own_way(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider(1 << 20);
    s_hold(decider, s_make_job(1, 2, 0));
    pt_job_t *bad = s_make_job(2, 2, 1);
    assert_true(pt_decider_has_room(decider, bad));
    assert_true(pt_decider_do(decider, bad));
    assert_true(bad->refused);
    assert_int_equal(bad->reason, PT_REASON_BAD_CRC);
    assert_int_equal(bad->output_count, 0);
    s_hold(decider, s_make_job(2, 2, 0));
    pt_job_t *first = pt_decider_release(decider, false);
    assert_false(first->refused);
    s_expect_decisions(first, 1, 2, 2);
    assert_ptr_equal(first->behind->behind, NULL);
    s_release(first);
    s_release(bad);
    pt_decider_destroy(&decider);
}

static void
a_train_is_no_longer_than_it_may_be(void **state)
{
    (void) state;
    enum { BYTES = 32 * 1024, ITEMS = 10 };
    pt_decider_t *decider = s_new_decider(BYTES);
    pt_job_t *job = s_make_job(1, ITEMS, 0);
    uint64_t seq = 1;
    size_t payloads = 0;
    while (pt_decider_has_room(decider, job)) {
        payloads += pt_job_payload(job).len;
        s_hold(decider, job);
        job = s_make_job(++seq, ITEMS, 0);
    }
    assert_true(seq > 2);
    pt_job_t *first = pt_decider_release(decider, false);
    size_t decisions = zmq_msg_size(&first->outputs[0].items);
    assert_true(payloads + decisions - decisions / (seq - 1) <= BYTES);
    s_expect_decisions(first, 1, seq - 1, ITEMS);
    //  The next one has all the room again, and one that is too large for a train goes alone.
    s_hold(decider, job);
    pt_job_t *large = s_make_job(seq + 1, 500, 0);
    assert_false(pt_decider_has_room(decider, large));
    pt_job_t *next = pt_decider_release(decider, false);
    s_expect_decisions(next, seq, seq, ITEMS);
    s_hold(decider, large);
    pt_job_t *small = s_make_job(seq + 2, 1, 0);
    assert_false(pt_decider_has_room(decider, small));
    pt_job_t *alone = pt_decider_release(decider, false);
    assert_ptr_equal(alone, large);
    assert_null(alone->behind);
    s_expect_decisions(alone, seq + 1, seq + 1, 500);
    s_release(first);
    s_release(next);
    s_release(alone);
    s_release(small);
    pt_decider_destroy(&decider);
}

//  A journal that has no room for its decisions must be able to refuse it without those before it, and for good.
static void
a_job_of_few_bytes_and_many_decisions_goes_alone(void **state)
{
    (void) state;
    enum { BYTES = 32 * 1024 };
    pt_decider_t *decider = s_new_decider(BYTES);
    s_hold(decider, s_make_job(1, 1, 0));
    pt_job_t *many = s_make_job_of(2, PT_BATCH_COUNT_MAX, 0, "\xc0", 1);
    assert_true(pt_job_payload(many).len < BYTES / 2);
    assert_false(pt_decider_has_room(decider, many));
    many->plain = true;
    assert_false(pt_decider_has_room(decider, many));
    pt_job_t *one = s_make_job(3, 1, 0);
    s_hold(decider, one);
    pt_job_t *first = pt_decider_release(decider, false);
    assert_ptr_equal(first->behind, one);
    s_release(first);
    s_release(many);
    pt_decider_destroy(&decider);
}

static void
of_a_plain_request_only_an_array_has_many_decisions(void **state)
{
    (void) state;
    static const uint8_t maps[] = {0x80, 0x8f, 0xde, 0xdf};
    static const uint8_t arrays[] = {0x90, 0x9f, 0xdc, 0xdd};
    pt_decider_t *decider = s_new_decider(32 * 1024);
    s_hold(decider, s_make_job(1, 1, 0));
    pt_job_t *plain = s_make_job_of(2, PT_BATCH_COUNT_MAX, 0, "\xc0", 1);
    plain->plain = true;
    uint8_t *first = zmq_msg_data(&plain->message.frames[0]);
    for (size_t i = 0; i < sizeof(maps); i++) {
        *first = maps[i];
        assert_true(pt_decider_has_room(decider, plain));
        *first = arrays[i];
        assert_false(pt_decider_has_room(decider, plain));
    }
    s_release(plain);
    s_release(pt_decider_release(decider, false));
    pt_decider_destroy(&decider);
}

//  Also of the smallest responses no more than there is room for in the packer.
static void
a_train_holds_two_batches_of_the_largest_count(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider(SIZE_MAX / 2);
    uint64_t seq = 1;
    pt_job_t *job = s_make_job(seq, PT_BATCH_COUNT_MAX, 0);
    while (pt_decider_has_room(decider, job)) {
        s_hold(decider, job);
        job = s_make_job(++seq, PT_BATCH_COUNT_MAX, 0);
    }
    assert_int_equal(seq, 3);
    pt_job_t *first = pt_decider_release(decider, false);
    s_expect_decisions(first, 1, 2, PT_BATCH_COUNT_MAX);
    s_release(first);
    s_release(job);
    pt_decider_destroy(&decider);
}

static void
a_train_takes_nobody_along_once_its_time_is_over(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider_of(1 << 20, 0, 0);
    s_hold(decider, s_make_job(1, 1, 0));
    pt_job_t *late = s_make_job(2, 1, 0);
    assert_false(pt_decider_has_room(decider, late));
    pt_job_t *first = pt_decider_release(decider, false);
    assert_null(first->behind);
    s_hold(decider, late);
    assert_ptr_equal(pt_decider_release(decider, false), late);
    s_release(first);
    s_release(late);
    pt_decider_destroy(&decider);
}

//  Whether a train takes a second job along; `more` wait when it leaves.
static bool
s_takes_along(pt_decider_t *decider, bool more)
{
    pt_job_t *first = s_make_job(1, 1, 0);
    pt_job_t *second = s_make_job(2, 1, 0);
    s_hold(decider, first);
    bool takes = pt_decider_has_room(decider, second);
    assert_ptr_equal(pt_decider_release(decider, more), first);
    s_release(first);
    s_release(second);
    return takes;
}

static void
trains_become_longer_while_more_waits(void **state)
{
    (void) state;
    //  From what is over at once to 36 minutes, and no further.
    enum { DOUBLINGS = 41 };
    pt_decider_t *decider = s_new_decider_of(1 << 20, 1, UINT64_C(1) << DOUBLINGS);
    for (int round = 0; round < 2; round++) {
        assert_false(s_takes_along(decider, true));
        for (int i = 0; i < 2 * DOUBLINGS; i++)
            (void) s_takes_along(decider, true);
        assert_true(s_takes_along(decider, false));
    }
    pt_decider_destroy(&decider);
}

//  A caller asks for room, is put off by the system, and goes on when the train's time is over.
static void
time_that_is_over_between_asking_and_doing_harms_nobody(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider_of(1 << 20, 0, 0);
    pt_job_t *behind = s_make_job(2, 1, 0);
    s_hold(decider, s_make_job(1, 1, 0));
    assert_false(pt_decider_do(decider, behind));
    pt_job_t *first = pt_decider_release(decider, false);
    assert_ptr_equal(first->behind, behind);
    s_release(first);
    pt_decider_destroy(&decider);
}

//  Whoever hands jobs to deciders goes by it.
static void
a_train_says_how_long_it_took(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider(SIZE_MAX / 2);
    pt_job_t *behind = s_make_job(2, 1, 0);
    s_hold(decider, s_make_job(1, PT_BATCH_COUNT_MAX, 0));
    s_hold(decider, behind);
    pt_job_t *first = pt_decider_release(decider, false);
    assert_true(first->took_ns > 0);
    assert_int_equal(behind->took_ns, 0);
    pt_job_clear(first);
    assert_int_equal(first->took_ns, 0);
    s_release(first);
    s_release(behind);
    pt_decider_destroy(&decider);
}

static void
another_catalog_waits_for_the_train_before_it(void **state)
{
    (void) state;
    pt_decider_t *decider = s_new_decider(1 << 20);
    s_hold(decider, s_make_job(1, 1, 0));
    pt_job_t *swap = pt_job_new();
    swap->catalog = pt_catalog_builtin();
    swap->packer = pt_packer_new(swap->catalog);
    assert_false(pt_decider_has_room(decider, swap));
    pt_job_t *first = pt_decider_release(decider, false);
    s_expect_decisions(first, 1, 1, 1);
    assert_true(pt_decider_has_room(decider, swap));
    assert_true(pt_decider_do(decider, swap));
    pt_packer_destroy(&swap->packer);
    s_hold(decider, s_make_job(2, 1, 0));
    pt_job_t *next = pt_decider_release(decider, false);
    s_expect_decisions(next, 2, 2, 1);
    s_release(first);
    s_release(next);
    s_release(swap);
    pt_decider_destroy(&decider);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_that_follow_each_other_share_their_outputs),
        cmocka_unit_test(a_plain_array_beyond_the_limit_is_refused),
        cmocka_unit_test(a_refused_job_goes_its_own_way),
        cmocka_unit_test(a_train_is_no_longer_than_it_may_be),
        cmocka_unit_test(a_job_of_few_bytes_and_many_decisions_goes_alone),
        cmocka_unit_test(of_a_plain_request_only_an_array_has_many_decisions),
        cmocka_unit_test(a_train_holds_two_batches_of_the_largest_count),
        cmocka_unit_test(a_train_takes_nobody_along_once_its_time_is_over),
        cmocka_unit_test(trains_become_longer_while_more_waits),
        cmocka_unit_test(time_that_is_over_between_asking_and_doing_harms_nobody),
        cmocka_unit_test(a_train_says_how_long_it_took),
        cmocka_unit_test(another_catalog_waits_for_the_train_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
