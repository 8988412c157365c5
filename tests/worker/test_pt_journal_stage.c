/*  The journal's stage alone, between two sockets of the test, with a disk that can be held; and its commits. */
#include "store.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pt_journal_commit.h"
#include "pt_sockets.h"

#define S_BYTES (UINT64_C(8) << 20)
#define S_PATIENCE_S 60

//  This stands before the C library's. While it holds, whoever waits for the disk goes on waiting.
static atomic_bool s_holds;
static atomic_bool s_fails; //  the next one that is not held
static sem_t s_held, s_released;
static atomic_uint s_unsynced; //  transactions: LMDB makes one count by writing to one of its first two pages

int fdatasync(int fd);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    ssize_t written = (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
    if (offset < 2 * sysconf(_SC_PAGESIZE))
        atomic_fetch_add(&s_unsynced, 1);
    return written;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite64(fd, bytes, len, offset);
}

int
fdatasync(int fd)
{
    unsigned unsynced = atomic_load(&s_unsynced);
    if (atomic_exchange(&s_holds, false)) {
        sem_post(&s_held);
        sem_wait(&s_released);
    } else if (atomic_exchange(&s_fails, false)) {
        errno = EIO;
        return -1;
    }
    int result = (int) syscall(SYS_fdatasync, fd);
    atomic_fetch_sub(&s_unsynced, unsynced);
    return result;
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
    char names[4][32]; //  of the sockets
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
    //  A name is free again only when libzmq's own thread has closed its socket.
    static unsigned s_serial;
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    *stage = (s_stage_t) {.stats = pt_stats_new()};
    stage->store = store_open(store_dir(stage->dir), S_BYTES);
    for (size_t i = 0; i < 4; i++)
        snprintf(stage->names[i], sizeof(stage->names[i]), "inproc://stage%u.%zu", s_serial, i);
    s_serial++;
    stage->jobs = pt_sockets_new(ZMQ_PUSH, 0, 0);
    stage->next = pt_sockets_new(ZMQ_PULL, 0, 0);
    stage->requests = pt_sockets_new(ZMQ_PUSH, 0, 0);
    stage->answers = pt_sockets_new(ZMQ_PULL, 0, 0);
    stage->failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(stage->stats && stage->failure_fd >= 0);
    assert_true(stage->jobs && stage->next && stage->requests && stage->answers);
    assert_int_equal(pt_sockets_connect(stage->jobs, stage->names[0]), PT_OK);
    assert_int_equal(pt_sockets_bind(stage->next, stage->names[1], bound), PT_OK);
    assert_int_equal(pt_sockets_connect(stage->requests, stage->names[2]), PT_OK);
    assert_int_equal(pt_sockets_bind(stage->answers, stage->names[3], bound), PT_OK);
    zsock_set_rcvtimeo(stage->next, S_PATIENCE_S * 1000);
    zsock_set_unbounded(stage->jobs);
    zsock_set_unbounded(stage->next);
}

static void
s_start_journal(s_stage_t *stage)
{
    static const pt_alerts_options_t alerts = {.frequent_count = 1, .frequent_ms = 1};
    pt_journal_options_t options = {.store = stage->store,
                                    .jobs = stage->names[0],
                                    .next = stage->names[1],
                                    .requests = stage->names[2],
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

//  The job is the stage's until it comes out.
static pt_job_t *
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
    return job;
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

//  A commit is told by the next one, and that one did not come to the disk: it could be neither.
static void
commit_before_one_that_failed_is_not_told(void **state)
{
    (void) state;
    static pt_stats_snapshot_t s_snapshot;
    s_stage_t stage;
    pt_job_t *jobs[2];
    uint64_t failures = 0;
    s_open_stage(&stage);
    jobs[0] = s_hand(&stage, PT_QUEUE_RETRY, 0);
    atomic_store(&s_holds, true);
    s_start_journal(&stage);
    s_await_held();
    jobs[1] = s_hand(&stage, PT_QUEUE_RETRY, 1);
    atomic_store(&s_fails, true);
    sem_post(&s_released);
    struct pollfd failure = {.fd = stage.failure_fd, .events = POLLIN};
    assert_int_equal(poll(&failure, 1, S_PATIENCE_S * 1000), 1);
    zactor_destroy(&stage.journal);
    pt_job_t *told;
    assert_int_equal(zmq_recv(zsock_resolve(stage.next), &told, sizeof(told), ZMQ_DONTWAIT), -1);
    //  Said once: nothing more is tried.
    assert_int_equal(read(stage.failure_fd, &failures, sizeof(failures)), sizeof(failures));
    assert_int_equal(failures, 1);
    pt_stats_read(stage.stats, &s_snapshot);
    assert_true(s_snapshot.journal_failed);
    for (size_t i = 0; i < 2; i++)
        pt_job_destroy(&jobs[i]);
    s_close_stage(&stage);
}

//  The last commit has no next one to wait for the disk on its behalf; its own sync decides.
static void
commit_whose_own_sync_failed_is_not_told(void **state)
{
    (void) state;
    s_stage_t stage;
    s_open_stage(&stage);
    pt_job_t *job = s_hand(&stage, PT_QUEUE_RETRY, 0);
    atomic_store(&s_holds, true);
    s_start_journal(&stage);
    s_await_held();
    atomic_store(&s_fails, true);
    sem_post(&s_released);
    struct pollfd failure = {.fd = stage.failure_fd, .events = POLLIN};
    assert_int_equal(poll(&failure, 1, S_PATIENCE_S * 1000), 1);
    zactor_destroy(&stage.journal);
    pt_job_t *told;
    assert_int_equal(zmq_recv(zsock_resolve(stage.next), &told, sizeof(told), ZMQ_DONTWAIT), -1);
    pt_job_destroy(&job);
    s_close_stage(&stage);
}

//  ---- requests beside a commit that found no room

//  Twice as much as the file has, in outputs that fit a record.
static pt_job_t *
s_hand_too_much(s_stage_t *stage)
{
    pt_job_t *job = s_hand(stage, PT_QUEUE_RETRY, 0);
    for (uint64_t i = 0; i < S_BYTES >> 19; i++) {
        store_part_t part = store_part(i * 1000, 1000, 1000, false);
        pt_output_t *output = pt_job_add_output(job);
        assert_non_null(output);
        output->queue = PT_QUEUE_RETRY;
        output->count = 1000;
        output->crc32 = part.part.crc32;
        snprintf(output->topic, sizeof(output->topic), "retry.opn.");
        assert_int_equal(zmq_msg_init_size(&output->items, part.part.items.len), 0);
        memcpy(zmq_msg_data(&output->items), part.items, part.part.items.len);
        store_part_clear(&part);
    }
    return job;
}

static bool
s_knows(pt_store_t *store, const char *name)
{
    static pt_store_subscriber_t s_found;
    pt_store_view_t *view;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    bool known = pt_store_view_subscriber(view, "", &s_found) == PT_OK && strcmp(s_found.name, name) == 0;
    pt_store_view_close(&view);
    return known;
}

static void
request_beside_a_batch_without_room_is_kept_and_only_then_told(void **state)
{
    (void) state;
    static pt_request_t request;
    s_stage_t stage;
    s_open_stage(&stage);
    request = (pt_request_t) {.kind = PT_REQUEST_SUBSCRIBE, .name = "desk", .durable = true, .prefix_count = 1};
    snprintf(request.prefixes[0], sizeof(request.prefixes[0]), "retry.");
    snprintf(request.answers, sizeof(request.answers), "%s", stage.names[3]);
    request.status = PT_E_IO;
    zsock_set_rcvtimeo(stage.answers, S_PATIENCE_S * 1000);
    s_hand_too_much(&stage);
    assert_true(pt_request_hand(zsock_resolve(stage.requests), &request));
    s_start_journal(&stage);
    pt_job_t *job = NULL;
    assert_int_equal(zmq_recv(zsock_resolve(stage.next), &job, sizeof(job), 0), sizeof(job));
    atomic_load_explicit(&job->baton, memory_order_acquire);
    assert_true(job->refused);
    pt_job_destroy(&job);
    pt_request_t *answered = NULL;
    assert_int_equal(zmq_recv(zsock_resolve(stage.answers), &answered, sizeof(answered), 0), sizeof(answered));
    atomic_load_explicit(&answered->baton, memory_order_acquire);
    assert_ptr_equal(answered, &request);
    //  It found room alone, and whoever is told so is known after a restart as well.
    assert_int_equal(request.status, PT_OK);
    assert_int_equal(atomic_load(&s_unsynced), 0);
    assert_true(s_knows(stage.store, "desk"));
    s_close_stage(&stage);
}

//  ---- what one commit says of its topics

static void
s_add_output(pt_job_t *job, const char *topic, uint32_t count)
{
    pt_output_t *output = pt_job_add_output(job);
    assert_non_null(output);
    store_part_t part = store_part(0, count, 10, false);
    output->queue = PT_QUEUE_RETRY;
    output->count = count;
    output->crc32 = part.part.crc32;
    snprintf(output->topic, sizeof(output->topic), "%s", topic);
    assert_int_equal(zmq_msg_init_size(&output->items, part.part.items.len), 0);
    memcpy(zmq_msg_data(&output->items), part.items, part.part.items.len);
    store_part_clear(&part);
}

static void
s_expect_place(const pt_output_t *output, uint64_t first_seq, uint64_t head_seq)
{
    assert_int_equal(output->first_seq, first_seq);
    assert_int_equal(output->head_seq, head_seq);
    assert_int_equal(output->first_retained, 1);
}

//  The head is the topic's own, and stands behind all that the commit added to it.
static void
outputs_of_a_commit_have_the_head_of_their_topic(void **state)
{
    (void) state;
    static pt_commit_t commit;
    char dir[STORE_PATH_BYTES];
    commit.store = store_open(store_dir(dir), S_BYTES);
    pt_job_t *jobs[2] = {pt_job_new(), pt_job_new()};
    for (size_t i = 0; i < 2; i++) {
        jobs[i]->plain = true;
        s_add_output(jobs[i], "retry.b.", 3);
        s_add_output(jobs[i], "retry.a.", 2);
        //  Together more than one record takes.
        s_add_output(jobs[i], "retry.c.", PT_BATCH_COUNT_MAX);
        pt_commit_add(&commit, jobs[i]);
    }
    assert_int_equal(pt_commit_write(&commit, 1000), PT_OK);
    for (size_t i = 0; i < 2; i++) {
        s_expect_place(&jobs[i]->outputs[0], 1 + i * 3, 7);
        s_expect_place(&jobs[i]->outputs[1], 1 + i * 2, 5);
        s_expect_place(&jobs[i]->outputs[2], 1 + i * PT_BATCH_COUNT_MAX, 1 + 2 * PT_BATCH_COUNT_MAX);
        pt_job_destroy(&jobs[i]);
    }
    assert_int_equal(pt_store_sync(commit.store), PT_OK);
    store_expect_sound(commit.store);
    free(commit.entries);
    free(commit.parts);
    pt_store_close(&commit.store);
}

//  ---- the windows of one commit

typedef struct {
    uint64_t producer, epoch, floor, seq;
} s_told_t;

typedef struct {
    s_told_t told[4096];
    size_t count;
} s_windows_t;

static void
s_note_window(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    s_windows_t *windows = context;
    assert_true(windows->count < 4096 && (seq == 0 || crc32 == (uint32_t) seq));
    windows->told[windows->count++] = (s_told_t) {producer, epoch, floor, seq};
}

static int
s_compare_told(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(s_told_t));
}

static void
s_list_windows(pt_store_t *store, s_windows_t *windows)
{
    pt_store_view_t *view;
    windows->count = 0;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_windows(view, s_note_window, windows), PT_OK);
    pt_store_view_close(&view);
    qsort(windows->told, windows->count, sizeof(windows->told[0]), s_compare_told);
}

//  A few producers whose batches come in runs; a floor rises up to what is sent, and some jobs have no batch.
static pt_job_t *
s_make_batch(uint64_t *seed, uint64_t seqs[3], uint64_t floors[3], unsigned *producer)
{
    pt_job_t *job = pt_job_new();
    assert_non_null(job);
    if (store_random(seed) % 4 == 0)
        *producer = (unsigned) (store_random(seed) % 3);
    job->plain = store_random(seed) % 8 == 0;
    if (job->plain)
        return job;
    uint64_t seq = ++seqs[*producer];
    if (store_random(seed) % 2)
        floors[*producer] += store_random(seed) % (seq - floors[*producer] + 1);
    job->batch = (pt_batch_t) {
        .producer = *producer + 1, .epoch = 7, .seq = seq, .floor = floors[*producer], .crc32 = (uint32_t) seq};
    return job;
}

//  By itself, as the only one of a transaction.
static void
s_remember_alone(pt_store_t *store, const pt_job_t *job)
{
    const pt_batch_t *batch = &job->batch;
    if (job->plain)
        return;
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(
        pt_store_remember(store, batch->producer, batch->epoch, batch->floor, batch->seq, batch->crc32, 1000), PT_OK);
    assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
}

static void
windows_of_a_commit_are_those_of_its_batches_one_by_one(void **state)
{
    (void) state;
    enum { S_COMMITS = 60, S_BATCHES = 24 };
    static s_windows_t together, apart;
    static pt_commit_t commit;
    char dirs[2][STORE_PATH_BYTES];
    uint64_t seed = 5, seqs[3] = {0, 0, 0}, floors[3] = {1, 1, 1};
    unsigned producer = 0;
    pt_store_t *one_by_one = store_open(store_dir(dirs[0]), S_BYTES);
    commit.store = store_open(store_dir(dirs[1]), S_BYTES);
    for (unsigned turn = 0; turn < S_COMMITS; turn++) {
        pt_job_t *jobs[S_BATCHES];
        size_t count = 1 + store_random(&seed) % S_BATCHES;
        for (size_t i = 0; i < count; i++) {
            jobs[i] = s_make_batch(&seed, seqs, floors, &producer);
            s_remember_alone(one_by_one, jobs[i]);
            //  Behind the one before, as in a train, or the first of another.
            if (i && store_random(&seed) % 2)
                jobs[i - 1]->behind = jobs[i];
        }
        for (size_t i = 0; i < count; i++)
            if (i == 0 || jobs[i - 1]->behind != jobs[i])
                pt_commit_add(&commit, jobs[i]);
        assert_int_equal(pt_commit_write(&commit, 1000), PT_OK);
        pt_commit_clear(&commit);
        for (size_t i = 0; i < count; i++) {
            jobs[i]->behind = NULL;
            pt_job_destroy(&jobs[i]);
        }
        s_list_windows(one_by_one, &apart);
        s_list_windows(commit.store, &together);
        assert_int_equal(together.count, apart.count);
        assert_memory_equal(together.told, apart.told, apart.count * sizeof(apart.told[0]));
    }
    assert_true(apart.count > 3);
    free(commit.entries);
    free(commit.parts);
    pt_store_close(&commit.store);
    pt_store_close(&one_by_one);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job_that_is_kept_does_not_wait_until_there_are_none_that_are_not),
        cmocka_unit_test(disk_that_keeps_what_is_prepared_is_seen),
        cmocka_unit_test(commit_before_one_that_failed_is_not_told),
        cmocka_unit_test(commit_whose_own_sync_failed_is_not_told),
        cmocka_unit_test(request_beside_a_batch_without_room_is_kept_and_only_then_told),
        cmocka_unit_test(outputs_of_a_commit_have_the_head_of_their_topic),
        cmocka_unit_test(windows_of_a_commit_are_those_of_its_batches_one_by_one),
    };
    if (sem_init(&s_held, 0, 0) != 0 || sem_init(&s_released, 0, 0) != 0)
        return 1;
    return cmocka_run_group_tests_name("pt_journal_stage", tests, store_setup, store_teardown);
}
