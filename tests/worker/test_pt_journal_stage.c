/*  The journal's stage alone, between two sockets of the test, with a disk that can be held. */
#include "store.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pt_journal.h"
#include "pt_sockets.h"

#define S_BYTES (UINT64_C(8) << 20)
#define S_PATIENCE_S 60

//  This stands before the C library's. While it holds, whoever waits for the disk goes on waiting.
static atomic_bool s_holds;
static sem_t s_held, s_released;

int fdatasync(int fd);

int
fdatasync(int fd)
{
    if (atomic_exchange(&s_holds, false)) {
        sem_post(&s_held);
        sem_wait(&s_released);
    }
    return (int) syscall(SYS_fdatasync, fd);
}

static void
s_await_held(void)
{
    struct timespec until;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += S_PATIENCE_S;
    assert_int_equal(sem_timedwait(&s_held, &until), 0);
}

typedef struct {
    char dir[STORE_PATH_BYTES];
    pt_store_t *store;
    pt_stats_t *stats;
    zsock_t *jobs;
    zsock_t *next;
    zsock_t *requests;
    zsock_t *answers;
    int failure_fd;
    zactor_t *journal;
} s_stage_t;

//  All but the journal: what is handed over before it starts waits for it.
static void
s_open_stage(s_stage_t *stage)
{
    *stage = (s_stage_t) {.stats = pt_stats_new()};
    stage->store = store_open(store_dir(stage->dir), S_BYTES);
    stage->jobs = zsock_new_push(">inproc://stage.jobs");
    stage->next = zsock_new_pull("@inproc://stage.next");
    stage->requests = zsock_new_push(">inproc://stage.requests");
    stage->answers = zsock_new_pull("@inproc://stage.answers");
    stage->failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(stage->stats && stage->failure_fd >= 0);
    assert_true(stage->jobs && stage->next && stage->requests && stage->answers);
    zsock_set_rcvtimeo(stage->next, S_PATIENCE_S * 1000);
    zsock_set_unbounded(stage->jobs);
    zsock_set_unbounded(stage->next);
}

static void
s_start_journal(s_stage_t *stage)
{
    static const pt_alerts_options_t alerts = {.frequent_count = 1, .frequent_ms = 1};
    pt_journal_options_t options = {.store = stage->store,
                                    .jobs = "inproc://stage.jobs",
                                    .next = "inproc://stage.next",
                                    .requests = "inproc://stage.requests",
                                    .alerts = &alerts,
                                    .stats = stage->stats,
                                    .failure_fd = stage->failure_fd};
    stage->journal = pt_journal_new(&options);
    assert_non_null(stage->journal);
}

static void
s_close_stage(s_stage_t *stage)
{
    zactor_destroy(&stage->journal);
    zsock_destroy(&stage->jobs);
    zsock_destroy(&stage->next);
    zsock_destroy(&stage->requests);
    zsock_destroy(&stage->answers);
    close(stage->failure_fd);
    pt_store_close(&stage->store);
    pt_stats_destroy(&stage->stats);
}

static void
s_hand(s_stage_t *stage, pt_queue_t queue, uint64_t start)
{
    pt_job_t *job = pt_job_new();
    assert_non_null(job);
    job->plain = true;
    pt_output_t *output = pt_job_add_output(job);
    assert_non_null(output);
    store_part_t part = store_part(start, 1, 10, false);
    output->queue = queue;
    output->count = 1;
    output->crc32 = part.part.crc32;
    snprintf(output->topic, sizeof(output->topic), "%s.opn.", pt_queue_text(queue));
    assert_int_equal(zmq_msg_init_size(&output->items, part.part.items.len), 0);
    memcpy(zmq_msg_data(&output->items), part.items, part.part.items.len);
    store_part_clear(&part);
    pt_job_hand(zsock_resolve(stage->jobs), job);
}

//  The queue of the next job that comes out.
static pt_queue_t
s_take(s_stage_t *stage, uint64_t *out_first_seq)
{
    pt_job_t *job = NULL;
    assert_int_equal(zmq_recv(zsock_resolve(stage->next), &job, sizeof(job), 0), sizeof(job));
    atomic_load_explicit(&job->baton, memory_order_acquire);
    pt_queue_t queue = job->outputs[0].queue;
    *out_first_seq = job->outputs[0].first_seq;
    pt_job_destroy(&job);
    return queue;
}

static void
job_that_is_kept_does_not_wait_until_there_are_none_that_are_not(void **state)
{
    (void) state;
    enum { S_SETTLED = 8 * PT_JOURNAL_JOBS_DEFAULT };
    s_stage_t stage;
    uint64_t first_seq;
    s_open_stage(&stage);
    s_hand(&stage, PT_QUEUE_RETRY, 0);
    for (unsigned i = 0; i < S_SETTLED; i++)
        s_hand(&stage, PT_QUEUE_SETTLED, i);
    s_start_journal(&stage);
    unsigned before = 0;
    while (s_take(&stage, &first_seq) == PT_QUEUE_SETTLED)
        before++;
    assert_int_equal(first_seq, 1);
    assert_in_range(before, 0, 2 * PT_JOURNAL_JOBS_DEFAULT);
    for (unsigned i = before; i < S_SETTLED; i++)
        assert_int_equal(s_take(&stage, &first_seq), PT_QUEUE_SETTLED);
    s_close_stage(&stage);
}

static uint64_t
s_since_ns(s_stage_t *stage)
{
    static pt_stats_snapshot_t s_snapshot;
    pt_stats_read(stage->stats, &s_snapshot);
    return s_snapshot.disk_since_ns;
}

//  A disk that does not come back is one, whatever it was asked for: batches wait as well.
static void
disk_that_keeps_what_is_prepared_is_seen(void **state)
{
    (void) state;
    s_stage_t stage;
    uint64_t first_seq;
    s_open_stage(&stage);
    assert_true(pt_store_wants_prepare(stage.store));
    atomic_store(&s_holds, true);
    s_start_journal(&stage);
    s_await_held();
    assert_int_not_equal(s_since_ns(&stage), 0);
    s_hand(&stage, PT_QUEUE_RETRY, 0);
    sem_post(&s_released);
    assert_int_equal(s_take(&stage, &first_seq), PT_QUEUE_RETRY);
    zactor_destroy(&stage.journal);
    assert_int_equal(s_since_ns(&stage), 0);
    s_close_stage(&stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job_that_is_kept_does_not_wait_until_there_are_none_that_are_not),
        cmocka_unit_test(disk_that_keeps_what_is_prepared_is_seen),
    };
    if (sem_init(&s_held, 0, 0) != 0 || sem_init(&s_released, 0, 0) != 0)
        return 1;
    return cmocka_run_group_tests_name("pt_journal_stage", tests, store_setup, store_teardown);
}
