/*  Alerts without memory: whichever allocation fails, the job is as it was, nothing is counted, and it may come again.
 */
#include "bus.h"

#include <stdlib.h>

#include "pt_decider.h"
#include "pt_teller.h"

#define S_WINDOW_MS 1000

static int s_left;   //  allocations until the one that fails; 0: none does
static bool s_found; //  it failed

static bool
s_fails(void)
{
    if (s_left == 0 || --s_left > 0)
        return false;
    s_found = true;
    return true;
}

//  The linker puts these before the C library's and libzmq's.
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *room, size_t size);
int __real_zmq_msg_init_size(zmq_msg_t *message, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *room, size_t size);
int __wrap_zmq_msg_init_size(zmq_msg_t *message, size_t size);

void *
__wrap_malloc(size_t size)
{
    return s_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return s_fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *room, size_t size)
{
    return s_fails() ? NULL : __real_realloc(room, size);
}

//  libzmq asks for no such size, and leaves the message as it does without memory.
int
__wrap_zmq_msg_init_size(zmq_msg_t *message, size_t size)
{
    return __real_zmq_msg_init_size(message, s_fails() ? SIZE_MAX : size);
}

//  A decided batch of `count` responses with an unknown code.
static pt_job_t *
s_decide(uint32_t count)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "no_such_code", 400, response);
    bus_batch_t batch = bus_batch(7, 1, count, response, len);
    pt_decider_options_t options = {.catalog = pt_catalog_builtin(), .train_bytes = 1 << 20};
    pt_decider_t *decider = pt_decider_new(&options);
    pt_job_t *job = pt_job_new();
    assert_non_null(decider);
    assert_non_null(job);
    job->batch = batch.header;
    job->message.count = 1;
    assert_int_equal(zmq_msg_init_size(&job->message.frames[0], batch.payload_len), 0);
    memcpy(zmq_msg_data(&job->message.frames[0]), batch.payload, batch.payload_len);
    bus_batch_clear(&batch);
    assert_false(pt_decider_do(decider, job));
    assert_ptr_equal(pt_decider_release(decider, false), job);
    assert_false(job->refused);
    assert_int_equal(job->raised_count, count);
    pt_decider_destroy(&decider);
    return job;
}

static pt_teller_t *
s_new_teller(void)
{
    static const pt_alerts_options_t alerts = {
        .window_ms = S_WINDOW_MS, .frequent_count = 10, .frequent_ms = S_WINDOW_MS};
    pt_teller_t *teller = pt_teller_new(&alerts, NULL);
    assert_non_null(teller);
    return teller;
}

//  What the outputs behind the first stand for.
static uint64_t
s_count_told(const pt_job_t *job)
{
    static pt_pair_t s_fields[PT_FIELDS_MAX];
    uint64_t count = 0;
    for (size_t i = 1; i < job->output_count; i++) {
        pt_output_t *output = &job->outputs[i];
        pt_items_t items;
        pt_bytes_t item;
        pt_decision_t decision;
        pt_bytes_t bytes = {zmq_msg_data(&output->items), zmq_msg_size(&output->items)};
        assert_int_equal(output->queue, PT_QUEUE_OPERATOR_ALERT);
        assert_int_equal(pt_items_open_decisions(bytes, output->count, &items), PT_OK);
        while (pt_items_next(&items, &item)) {
            assert_int_equal(pt_decision_decode(item, s_fields, &decision), PT_OK);
            count += decision.alert.count;
        }
    }
    return count;
}

//  A sample that finds no memory is left out, and then the job is taken all the same.
static void
a_job_that_found_no_memory_comes_again_as_the_first(void **state)
{
    (void) state;
    int refused = 0;
    s_found = true;
    for (int allocation = 1; s_found; allocation++) {
        pt_teller_t *teller = s_new_teller();
        pt_job_t *job = s_decide(3);
        size_t output_count = job->output_count;
        s_found = false;
        s_left = allocation;
        bool taken = pt_teller_take(teller, job, 0);
        s_left = 0;
        if (!taken) {
            refused++;
            assert_int_equal(job->output_count, output_count);
            assert_true(pt_teller_take(teller, job, 0));
        }
        //  The first is told, with its own count; the others wait for a summary.
        assert_int_equal(s_count_told(job), 1);
        assert_int_equal(pt_teller_due_ms(teller), S_WINDOW_MS);
        pt_job_destroy(&job);
        pt_teller_destroy(&teller);
    }
    //  The list of what is told, and the message.
    assert_true(refused >= 2);
}

static void
a_summary_that_found_no_memory_is_made_later(void **state)
{
    (void) state;
    int refused = 0;
    s_found = true;
    for (int allocation = 1; s_found; allocation++) {
        pt_teller_t *teller = s_new_teller();
        pt_job_t *job = s_decide(3);
        pt_job_t *summary = pt_job_new();
        assert_true(pt_teller_take(teller, job, 0));
        s_found = false;
        s_left = allocation;
        bool summed = pt_teller_sum_up(teller, S_WINDOW_MS, false, summary);
        s_left = 0;
        if (!summed) {
            refused++;
            assert_int_equal(summary->output_count, 0);
            assert_int_equal(summary->raised_count, 0);
            //  Who waits for it has a time to wait until, and does not try again and again.
            int64_t due_ms = pt_teller_due_ms(teller);
            assert_in_range(due_ms, S_WINDOW_MS + 1, S_WINDOW_MS + 60000);
            assert_false(pt_teller_sum_up(teller, due_ms - 1, false, summary));
            assert_true(pt_teller_sum_up(teller, due_ms, false, summary));
        }
        assert_int_equal(summary->output_count, 1);
        assert_int_equal(summary->raised_count, 1);
        assert_int_equal(summary->raised[0].receipt.count, 2);
        pt_job_destroy(&summary);
        pt_job_destroy(&job);
        pt_teller_destroy(&teller);
    }
    assert_true(refused >= 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_found_no_memory_comes_again_as_the_first),
        cmocka_unit_test(a_summary_that_found_no_memory_is_made_later),
    };
    return cmocka_run_group_tests_name("pt_teller_memory", tests, NULL, NULL);
}
