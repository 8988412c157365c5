/*  Who decides: the caller's thread what is little, others what takes long. A job that another thread had has a weight.
 */
#include "bus_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pt_crew.h"

//  Of some 200 bytes each. The first takes longer than the caller's thread minds, and so do three of the second.
#define S_MANY 4000
#define S_SOME 1000

typedef struct {
    pt_crew_t *crew;
    pt_store_t *store; //  NULL: none
    int failure_fd;
} s_bench_t;

static s_bench_t
s_open_bench(size_t threads, pt_store_t *store)
{
    static unsigned s_serial;
    static char s_endpoints[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    pt_pool_options_t options = {.threads = threads,
                                 .publish_hwm = 1000,
                                 .journal = store,
                                 .alerts = {.frequent_count = 1, .frequent_ms = 1},
                                 .catalog = pt_catalog_builtin(),
                                 .worker = 1,
                                 .epoch = 1};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        options.publish[queue] = bus_endpoint("crew", s_serial++, s_endpoints[queue]);
    const char *refused;
    s_bench_t bench = {.store = store, .failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    bench.crew = pt_crew_new(&options, bench.failure_fd, &refused);
    assert_non_null(bench.crew);
    return bench;
}

static void
s_close_bench(s_bench_t *bench)
{
    pt_crew_destroy(&bench->crew);
    pt_store_close(&bench->store);
    close(bench->failure_fd);
}

static pt_job_t *
s_make_job(uint64_t seq, uint32_t count)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    char id[PT_ID_BYTES_MAX + 1];
    snprintf(id, sizeof(id), "%0*" PRIu64, PT_ID_BYTES_MAX, seq);
    size_t len = bus_response(id, "opn", "insufficient_fund", 200, response);
    bus_batch_t batch = bus_batch(7, seq, count, response, len);
    pt_job_t *job = pt_job_new();
    assert_non_null(job);
    job->batch = batch.header;
    job->message.count = 1;
    assert_int_equal(zmq_msg_init_size(&job->message.frames[0], batch.payload_len), 0);
    memcpy(zmq_msg_data(&job->message.frames[0]), batch.payload, batch.payload_len);
    bus_batch_clear(&batch);
    return job;
}

//  The next finished job is this one: decided as a whole, by another thread or by this one.
static void
s_expect(s_bench_t *bench, pt_job_t *job, bool handed_over)
{
    pt_job_t *finished;
    while ((finished = pt_crew_finish(bench->crew)) == NULL) {
        zmq_pollitem_t item = {.socket = pt_crew_socket(bench->crew), .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(&item, 1, BUS_PATIENCE_MS), 1);
    }
    assert_ptr_equal(finished, job);
    assert_false(job->refused);
    assert_null(job->behind);
    uint32_t decided = 0;
    for (int route = 0; route < PT_ROUTE_COUNT_; route++)
        decided += job->decided[route];
    assert_int_equal(decided, job->batch.count);
    assert_int_equal(job->weight, handed_over ? pt_job_payload(job).len : 0);
    pt_job_destroy(&finished);
}

static void
little_is_decided_by_the_callers_thread(void **state)
{
    (void) state;
    s_bench_t bench = s_open_bench(2, NULL);
    pt_job_t *first = s_make_job(1, 1);
    pt_job_t *second = s_make_job(2, S_SOME);
    assert_false(pt_crew_start(bench.crew, first));
    assert_false(pt_crew_start(bench.crew, second));
    assert_true(pt_crew_flush(bench.crew, false));
    s_expect(&bench, first, false);
    s_expect(&bench, second, false);
    assert_null(pt_crew_finish(bench.crew));
    s_close_bench(&bench);
}

static void
what_takes_long_is_decided_by_another_thread(void **state)
{
    (void) state;
    s_bench_t bench = s_open_bench(2, NULL);
    pt_job_t *job = s_make_job(1, S_MANY);
    assert_false(pt_crew_start(bench.crew, job));
    s_expect(&bench, job, true);
    s_close_bench(&bench);
}

static void
little_does_not_wait_for_what_takes_long(void **state)
{
    (void) state;
    s_bench_t bench = s_open_bench(2, NULL);
    pt_job_t *large = s_make_job(1, S_MANY);
    pt_job_t *small = s_make_job(2, 1);
    assert_false(pt_crew_start(bench.crew, large));
    assert_false(pt_crew_start(bench.crew, small));
    assert_true(pt_crew_flush(bench.crew, false));
    s_expect(&bench, small, false);
    s_expect(&bench, large, true);
    s_close_bench(&bench);
}

//  Jobs are used again, and another thread may have had this one the last time.
static void
what_is_decided_here_takes_nothing_off_what_others_have(void **state)
{
    (void) state;
    s_bench_t bench = s_open_bench(2, NULL);
    pt_job_t *small = s_make_job(1, 1);
    pt_job_t *large = s_make_job(2, S_MANY);
    small->seat = 0;
    small->weight = 1000;
    assert_false(pt_crew_start(bench.crew, small));
    assert_true(pt_crew_flush(bench.crew, false));
    s_expect(&bench, small, false);
    assert_false(pt_crew_start(bench.crew, large));
    s_expect(&bench, large, true);
    s_close_bench(&bench);
}

static void
what_takes_long_together_is_handed_over_in_order(void **state)
{
    (void) state;
    enum { JOBS = 3 };
    s_bench_t bench = s_open_bench(2, NULL);
    pt_job_t *jobs[JOBS];
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = s_make_job(i + 1, S_SOME);
        assert_false(pt_crew_start(bench.crew, jobs[i]));
    }
    assert_false(pt_crew_flush(bench.crew, false));
    for (size_t i = 0; i < JOBS; i++)
        s_expect(&bench, jobs[i], true);
    s_close_bench(&bench);
}

static void
the_callers_thread_joins_in_when_all_others_have_plenty(void **state)
{
    (void) state;
    enum { JOBS_MAX = 100 };
    s_bench_t bench = s_open_bench(3, NULL);
    pt_job_t *jobs[JOBS_MAX];
    size_t count = 0;
    bool here = false;
    while (!here) {
        assert_true(count < JOBS_MAX);
        jobs[count] = s_make_job(count + 1, S_MANY);
        here = pt_crew_start(bench.crew, jobs[count++]);
    }
    assert_true(count > 2);
    s_expect(&bench, jobs[count - 1], false);
    //  Nobody promises an order among the others.
    for (size_t left = count - 1; left > 0;) {
        pt_job_t *job = pt_crew_finish(bench.crew);
        zmq_pollitem_t item = {.socket = pt_crew_socket(bench.crew), .events = ZMQ_POLLIN};
        if (job) {
            assert_true(job->weight > 0 && !job->refused);
            pt_job_destroy(&job);
            left--;
        } else {
            assert_int_equal(zmq_poll(&item, 1, BUS_PATIENCE_MS), 1);
        }
    }
    s_close_bench(&bench);
}

static void
one_worker_decides_everything_in_the_callers_thread(void **state)
{
    (void) state;
    s_bench_t bench = s_open_bench(1, NULL);
    assert_null(pt_crew_socket(bench.crew));
    pt_job_t *job = s_make_job(1, S_MANY);
    (void) !pt_crew_start(bench.crew, job);
    assert_true(pt_crew_flush(bench.crew, false));
    s_expect(&bench, job, false);
    s_close_bench(&bench);
}

static void
both_go_through_the_journal(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    s_bench_t bench = s_open_bench(2, store_open(store_dir(dir), 64 << 20));
    pt_job_t *small = s_make_job(1, 1);
    assert_false(pt_crew_start(bench.crew, small));
    assert_false(pt_crew_flush(bench.crew, false));
    s_expect(&bench, small, false);
    pt_job_t *large = s_make_job(2, S_MANY);
    assert_false(pt_crew_start(bench.crew, large));
    s_expect(&bench, large, true);
    s_close_bench(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_decided_by_the_callers_thread),
        cmocka_unit_test(what_takes_long_is_decided_by_another_thread),
        cmocka_unit_test(little_does_not_wait_for_what_takes_long),
        cmocka_unit_test(what_is_decided_here_takes_nothing_off_what_others_have),
        cmocka_unit_test(what_takes_long_together_is_handed_over_in_order),
        cmocka_unit_test(the_callers_thread_joins_in_when_all_others_have_plenty),
        cmocka_unit_test(one_worker_decides_everything_in_the_callers_thread),
        cmocka_unit_test(both_go_through_the_journal),
    };
    return cmocka_run_group_tests(tests, bus_store_setup, bus_store_teardown);
}
