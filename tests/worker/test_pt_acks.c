/*  One ACK for what one producer is owed, and none for others. */
#include "bus.h"

#include "pt_acks.h"

static void
s_set_frame(pt_job_t *job, const char *name)
{
    zmq_msg_t *frame = &job->message.frames[job->message.count++];
    assert_int_equal(zmq_msg_init_size(frame, strlen(name)), 0);
    memcpy(zmq_msg_data(frame), name, strlen(name));
}

//  A finished job of a client that `client` names.
static pt_job_t *
s_make_job(const char *client, uint64_t producer, uint64_t epoch, uint64_t seq)
{
    pt_job_t *job = pt_job_new();
    assert_non_null(job);
    job->batch = (pt_batch_t) {.producer = producer, .epoch = epoch, .seq = seq};
    job->envelope_count = 1;
    s_set_frame(job, client);
    s_set_frame(job, "header");
    s_set_frame(job, "payload");
    return job;
}

static void
s_release(pt_train_t *jobs)
{
    for (pt_job_t *job; (job = pt_train_take(jobs)) != NULL;)
        pt_job_destroy(&job);
}

//  The next ACK is that of the producer's batches `first` to `last`, in one range, of so many jobs.
static void
s_expect_range(pt_acks_t *acks, const char *client, uint64_t producer, uint64_t first, uint64_t last)
{
    pt_train_t jobs;
    pt_ack_t ack;
    assert_true(pt_acks_take(acks, &jobs, &ack));
    pt_bytes_t name = pt_frames_bytes(&jobs.first->message, 0);
    assert_int_equal(name.len, strlen(client));
    assert_memory_equal(name.data, client, name.len);
    assert_int_equal(ack.producer, producer);
    assert_int_equal(ack.range_count, 1);
    assert_int_equal(ack.ranges[0].first, first);
    assert_int_equal(ack.ranges[0].last, last);
    uint64_t seq = first;
    for (const pt_job_t *job = jobs.first; job; job = job->behind)
        assert_int_equal(job->batch.seq, seq++);
    assert_int_equal(seq, last + 1);
    s_release(&jobs);
}

static void
s_expect_none(pt_acks_t *acks)
{
    pt_train_t jobs;
    pt_ack_t ack;
    assert_int_equal(acks->count, 0);
    assert_false(pt_acks_take(acks, &jobs, &ack));
}

static void
batches_of_one_producer_have_one_ack(void **state)
{
    (void) state;
    pt_acks_t acks = {0};
    s_expect_none(&acks);
    for (uint64_t seq = 5; seq <= 20; seq++)
        pt_acks_add(&acks, s_make_job("client", 7, 1, seq));
    assert_int_equal(acks.count, 16);
    s_expect_range(&acks, "client", 7, 5, 20);
    s_expect_none(&acks);
}

static void
ranges_name_exact_batches(void **state)
{
    (void) state;
    static const uint64_t s_seqs[] = {4, 5, 9, 8, 1, 2, 3};
    static const pt_range_t s_ranges[] = {{4, 5}, {9, 9}, {8, 8}, {1, 3}};
    pt_acks_t acks = {0};
    for (size_t i = 0; i < sizeof(s_seqs) / sizeof(*s_seqs); i++)
        pt_acks_add(&acks, s_make_job("client", 7, 1, s_seqs[i]));
    pt_train_t jobs;
    pt_ack_t ack;
    assert_true(pt_acks_take(&acks, &jobs, &ack));
    assert_int_equal(ack.range_count, sizeof(s_ranges) / sizeof(*s_ranges));
    assert_memory_equal(ack.ranges, s_ranges, sizeof(s_ranges));
    s_release(&jobs);
    s_expect_none(&acks);
}

static void
nobody_is_told_of_others(void **state)
{
    (void) state;
    pt_acks_t acks = {0};
    //  Another producer, another connection, another epoch, another broker, by turns.
    for (uint64_t seq = 1; seq <= 3; seq++) {
        pt_acks_add(&acks, s_make_job("a", 7, 1, seq));
        pt_acks_add(&acks, s_make_job("a", 8, 1, seq));
        pt_acks_add(&acks, s_make_job("ab", 7, 1, seq));
        pt_acks_add(&acks, s_make_job("a", 7, 2, seq + 10));
        pt_job_t *far = s_make_job("a", 7, 1, seq + 20);
        far->broker = 1;
        pt_acks_add(&acks, far);
    }
    s_expect_range(&acks, "a", 7, 1, 3);
    s_expect_range(&acks, "a", 8, 1, 3);
    s_expect_range(&acks, "ab", 7, 1, 3);
    s_expect_range(&acks, "a", 7, 11, 13);
    s_expect_range(&acks, "a", 7, 21, 23);
    s_expect_none(&acks);
}

//  The empty frame of a REQ is a part of the way back.
static void
envelopes_of_two_kinds_are_two_ways(void **state)
{
    (void) state;
    pt_acks_t acks = {0};
    pt_acks_add(&acks, s_make_job("client", 7, 1, 1));
    pt_job_t *other = s_make_job("client", 7, 1, 2);
    other->envelope_count = 2;
    pt_acks_add(&acks, other);
    s_expect_range(&acks, "client", 7, 1, 1);
    s_expect_range(&acks, "client", 7, 2, 2);
    s_expect_none(&acks);
}

static void
as_many_as_there_is_room_for_are_told_at_once(void **state)
{
    (void) state;
    pt_acks_t acks = {0};
    for (uint64_t i = 0; i < PT_ACKS_MAX; i++)
        pt_acks_add(&acks, s_make_job("client", 7, 1, 1 + 2 * i));
    pt_train_t jobs;
    pt_ack_t ack;
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    assert_true(pt_acks_take(&acks, &jobs, &ack));
    assert_int_equal(ack.range_count, PT_ACKS_MAX);
    assert_true(pt_ack_encode(&ack, bytes, sizeof(bytes)) > 0);
    s_release(&jobs);
    s_expect_none(&acks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_one_producer_have_one_ack),
        cmocka_unit_test(ranges_name_exact_batches),
        cmocka_unit_test(nobody_is_told_of_others),
        cmocka_unit_test(envelopes_of_two_kinds_are_two_ways),
        cmocka_unit_test(as_many_as_there_is_room_for_are_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
