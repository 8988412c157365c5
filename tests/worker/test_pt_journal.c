/*  Broker, pool, journal and replay together: what is acknowledged is there after a restart, once, and
 *  can be fetched.
 */
#include "bus_store.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pt_journal.h"
#include "pt_pending.h"

#define S_BYTES (UINT64_C(16) << 20)

//  These stand before the C library's, so that a disk can fail, and a test see what it has had; in the thread of the
//  journal. LMDB makes a transaction count by writing to one of its first two pages.
static atomic_bool s_disk_fails;
static atomic_uint s_marked; //  transactions
static atomic_uint s_synced; //  of these
static atomic_bool s_holds;  //  what would make a transaction durable waits
static sem_t s_held, s_released;

int fdatasync(int fd);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);

int
fdatasync(int fd)
{
    unsigned marked = atomic_load(&s_marked);
    if (atomic_load(&s_disk_fails)) {
        errno = EIO;
        return -1;
    }
    if (marked != atomic_load(&s_synced) && atomic_exchange(&s_holds, false)) {
        sem_post(&s_held);
        sem_wait(&s_released);
    }
    int result = (int) syscall(SYS_fdatasync, fd);
    atomic_store(&s_synced, marked);
    return result;
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    ssize_t written = (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
    if (offset < 2 * sysconf(_SC_PAGESIZE))
        atomic_fetch_add(&s_marked, 1);
    return written;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite64(fd, bytes, len, offset);
}

//  One worker shares a thread with the pool; others have their own.
static size_t s_threads;

//  A worker with its journal, behind a broker.
typedef struct {
    char dir[STORE_PATH_BYTES];
    pt_broker_t *broker;
    pt_store_t *store;
    pt_poison_t *poison;
    size_t suspects;
    size_t topics_max; //  of the store; 0: the default
    pt_pool_t *pool;
    zsock_t *producer;
    zsock_t *replay;
    uint64_t req_id;
} s_bench_t;

static void
s_start_pool(s_bench_t *bench, uint64_t bytes, bool settled)
{
    bench->store = store_open_narrow(bench->dir, bytes, bench->topics_max);
    bench->poison = pt_poison_open(bench->dir, &bench->suspects);
    assert_non_null(bench->poison);
    pt_pool_options_t options = {.brokers = {pt_broker_back(bench->broker)},
                                 .broker_count = 1,
                                 .threads = s_threads,
                                 .journal = bench->store,
                                 .poison = bench->poison,
                                 .journal_settled = settled};
    bench->pool = bus_pool_of(&options);
    bench->replay = bus_connect(ZMQ_DEALER, pt_pool_replay(bench->pool));
}

static void
s_stop_pool(s_bench_t *bench)
{
    zsock_destroy(&bench->replay);
    pt_pool_destroy(&bench->pool);
    pt_poison_close(&bench->poison);
    pt_store_close(&bench->store);
}

static void
s_open_bench(s_bench_t *bench, uint64_t bytes, bool settled)
{
    static unsigned s_serial;
    memset(bench, 0, sizeof(*bench));
    store_dir(bench->dir);
    bench->broker = bus_broker(s_serial++);
    s_start_pool(bench, bytes, settled);
    bench->producer = bus_connect(ZMQ_DEALER, pt_broker_front(bench->broker));
}

static void
s_close_bench(s_bench_t *bench)
{
    zsock_destroy(&bench->producer);
    s_stop_pool(bench);
    pt_broker_destroy(&bench->broker);
}

//  A batch of `count` dead letters of one gateway.
static bus_batch_t
s_batch(uint64_t seq, uint32_t count)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "no_such_code", 400, response);
    return bus_batch(7, seq, count, response, len);
}

static void
s_send(s_bench_t *bench, uint64_t seq, uint32_t count)
{
    bus_batch_t batch = s_batch(seq, count);
    bus_batch_send(bench->producer, &batch);
    bus_batch_clear(&batch);
}

//  Send until the answer is not that the broker has to find the worker first.
static void
s_send_well(s_bench_t *bench, uint64_t seq, uint32_t count, bus_answer_t *answer)
{
    do {
        s_send(bench, seq, count);
        bus_receive_answer(bench->producer, answer);
    } while (answer->kind == PT_KIND_NACK && answer->nack.reason == PT_REASON_BUSY);
}

static void
s_finish(s_bench_t *bench, uint64_t seq, uint32_t count)
{
    bus_answer_t answer;
    s_send_well(bench, seq, count, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(answer.ack.ranges[0].first, seq);
}

static bool
s_is_acknowledged(const bus_answer_t *answer, uint64_t seq)
{
    for (size_t i = 0; answer->kind == PT_KIND_ACK && i < answer->ack.range_count; i++)
        if (answer->ack.ranges[i].first <= seq && seq <= answer->ack.ranges[i].last)
            return true;
    return false;
}

//  The same where others were sent before and are still to be answered.
static void
s_finish_among_others(s_bench_t *bench, uint64_t seq, uint32_t count)
{
    bus_answer_t answer;
    s_send(bench, seq, count);
    for (;;) {
        bus_receive_answer(bench->producer, &answer);
        if (s_is_acknowledged(&answer, seq))
            return;
        if (answer.kind == PT_KIND_ACK)
            continue;
        assert_int_equal(answer.nack.reason, PT_REASON_BUSY);
        if (answer.nack.seq == seq)
            s_send(bench, seq, count);
    }
}

//  ---- replay, as a subscriber sees it

static void
s_ask(s_bench_t *bench, const uint8_t *bytes, size_t len)
{
    bus_send(bench->replay, 1, bytes, len);
}

static pt_kind_t
s_receive(s_bench_t *bench, pt_frames_t *message)
{
    pt_kind_t kind;
    bus_receive(bench->replay, message);
    assert_int_equal(pt_wire_kind(pt_frames_bytes(message, 0), &kind), PT_OK);
    return kind;
}

static void
s_open(s_bench_t *bench, const char *name, pt_frames_t *message, pt_opened_t *opened)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_open_t open = {.req_id = ++bench->req_id, .name = pt_text_of(name), .durable = *name != 0, .prefix_count = 1};
    open.prefixes[0] = PT_TEXT("dead_letter.");
    open.after = PT_TEXT("");
    s_ask(bench, bytes, pt_open_encode(&open, bytes, sizeof(bytes)));
    assert_int_equal(s_receive(bench, message), PT_KIND_OPENED);
    assert_int_equal(pt_opened_decode(pt_frames_bytes(message, 0), opened), PT_OK);
    assert_int_equal(opened->req_id, bench->req_id);
}

static void
s_ask_fetch(s_bench_t *bench, uint64_t from_seq, uint32_t max_bytes, uint64_t epoch)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_fetch_t fetch = {++bench->req_id, PT_TEXT("dead_letter.opn."), epoch, from_seq, max_bytes};
    s_ask(bench, bytes, pt_fetch_encode(&fetch, bytes, sizeof(bytes)));
}

//  Fetch once; checks each message and gives back END.
static pt_end_t
s_fetch(s_bench_t *bench, uint64_t from_seq, uint32_t max_bytes, size_t *out_messages)
{
    uint64_t next = from_seq;
    pt_frames_t message;
    pt_end_t end;
    *out_messages = 0;
    s_ask_fetch(bench, from_seq, max_bytes, pt_pool_epoch(bench->pool));
    while (s_receive(bench, &message) == PT_KIND_FETCHED) {
        pt_decisions_t decisions;
        pt_items_t items;
        assert_int_equal(message.count, 4);
        assert_int_equal(pt_decisions_decode(pt_frames_bytes(&message, 2), &decisions), PT_OK);
        pt_bytes_t payload = pt_frames_bytes(&message, 3);
        assert_int_equal(decisions.flags, PT_FLAG_REPLAY);
        assert_int_equal(decisions.worker, pt_pool_worker(bench->pool));
        assert_int_equal(decisions.crc32, pt_wire_crc32(payload));
        assert_int_equal(pt_items_open_decisions(payload, decisions.count, &items), PT_OK);
        assert_true(decisions.first_seq <= next && next < decisions.first_seq + decisions.count);
        next = decisions.first_seq + decisions.count;
        ++*out_messages;
        pt_frames_clear(&message);
    }
    assert_int_equal(pt_end_decode(pt_frames_bytes(&message, 0), &end), PT_OK);
    assert_int_equal(end.req_id, bench->req_id);
    assert_int_equal(end.next_seq, next < end.head_seq ? next : end.head_seq);
    pt_frames_clear(&message);
    return end;
}

static pt_kind_t
s_suback(s_bench_t *bench, const char *name, uint64_t next_seq, uint64_t epoch, pt_refused_t *refused)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_suback_t suback = {.req_id = ++bench->req_id, .name = pt_text_of(name), .epoch = epoch, .topic_count = 1};
    suback.topics[0] = (pt_topic_next_t) {PT_TEXT("dead_letter.opn."), next_seq};
    s_ask(bench, bytes, pt_suback_encode(&suback, bytes, sizeof(bytes)));
    pt_frames_t message;
    pt_kind_t kind = s_receive(bench, &message);
    if (kind == PT_KIND_REFUSED)
        assert_int_equal(pt_refused_decode(pt_frames_bytes(&message, 0), refused), PT_OK);
    pt_frames_clear(&message);
    return kind;
}

//  ---- tests

static void
acknowledged_batches_are_kept_and_decided_once(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, S_BYTES, false);
    uint64_t epoch = pt_pool_epoch(bench.pool);
    for (uint64_t seq = 1; seq <= 20; seq++)
        s_send(&bench, seq, 10);
    for (uint64_t i = 0; i < 20; i++) {
        bus_answer_t acked;
        bus_receive_answer(bench.producer, &acked);
        assert_int_equal(acked.kind, PT_KIND_ACK);
    }
    s_stop_pool(&bench);
    s_start_pool(&bench, S_BYTES, false);
    assert_int_equal(pt_pool_epoch(bench.pool), epoch);

    //  All again: acknowledged, and nothing new.
    for (uint64_t seq = 1; seq <= 20; seq++)
        s_finish(&bench, seq, 10);
    bus_answer_t answer;
    s_send_well(&bench, 3, 11, &answer);
    assert_int_equal(answer.kind, PT_KIND_NACK);
    assert_int_equal(answer.nack.reason, PT_REASON_CONFLICT);
    size_t messages;
    pt_end_t end = s_fetch(&bench, 1, PT_BATCH_BYTES_MAX, &messages);
    assert_int_equal(end.head_seq, 201);
    assert_int_equal(end.next_seq, 201);
    assert_true(messages >= 1);
    store_expect_sound(bench.store);
    s_close_bench(&bench);
}

static void
published_numbers_go_on_after_a_restart(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, S_BYTES, false);
    s_finish(&bench, 1, 5);
    s_stop_pool(&bench);
    s_start_pool(&bench, S_BYTES, false);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &bench.pool, 1);

    s_finish(&bench, 2, 5);
    do
        bus_next_decisions(&subscriber);
    while (!streq(subscriber.topic, "dead_letter.opn."));

    assert_int_equal(subscriber.decisions.first_seq, 6);
    assert_int_equal(subscriber.decisions.head_seq, 11);
    do
        bus_next_message(&subscriber);
    while (!streq(subscriber.topic, "dead_letter.opn.") || subscriber.kind != PT_KIND_HEAD);
    assert_int_equal(subscriber.head.first_retained, 1);
    assert_int_equal(subscriber.head.head_seq, 11);
    assert_int_equal(subscriber.head.replay_endpoint.len, strlen(pt_pool_replay(bench.pool)));
    bus_unsubscribe(&subscriber);
    s_close_bench(&bench);
}

static void
settled_batches_are_journaled_only_when_asked(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "smilepayz", "00", 200, response);
    for (int settled = 0; settled < 2; settled++) {
        s_bench_t bench;
        s_open_bench(&bench, S_BYTES, settled);
        bus_batch_t batch = bus_batch(7, 1, 3, response, len);
        bus_batch_send(bench.producer, &batch);
        bus_expect_ack(bench.producer, 7, 1);
        s_stop_pool(&bench);
        pt_store_t *store = store_open_reader(bench.dir);
        pt_store_head_t head;
        pt_store_view_t *view;
        assert_int_equal(pt_store_view_open(store, &view), PT_OK);
        pt_status_t status = pt_store_view_topic(view, "settle", &head);
        bool kept = status == PT_OK && strncmp(head.topic, "settled.", 8) == 0;
        pt_store_view_close(&view);
        pt_store_close(&store);
        assert_int_equal(kept, settled);
        bus_batch_clear(&batch);
        s_start_pool(&bench, S_BYTES, settled);
        s_close_bench(&bench);
    }
}

static void
responses_stand_beside_their_decisions(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, S_BYTES, false);
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("order-9", "opn", "no_such_code", 400, response);
    bus_batch_t batch = bus_batch(7, 1, 2, response, len);
    bus_batch_send(bench.producer, &batch);
    bus_expect_ack(bench.producer, 7, 1);

    pt_store_view_t *view;
    pt_store_record_t record;
    uint8_t bytes[4 * BUS_RESPONSE_BYTES];
    pt_items_t items;
    pt_bytes_t item;
    assert_int_equal(pt_store_view_open(bench.store, &view), PT_OK);
    assert_int_equal(pt_store_view_seek(view, "dead_letter.opn.", 1), PT_OK);
    assert_int_equal(pt_store_view_next(view, &record), PT_OK);
    assert_in_range(record.responses_bytes, 2 * len, sizeof(bytes));
    assert_int_equal(pt_store_view_responses(view, bytes), PT_OK);
    assert_int_equal(pt_items_open_batch((pt_bytes_t) {bytes, record.responses_bytes}, 2, &items), PT_OK);
    while (pt_items_next(&items, &item)) {
        assert_int_equal(item.len, len);
        assert_memory_equal(item.data, response, len);
    }
    assert_int_equal(pt_store_view_seek(view, "operator_alert.opn.", 1), PT_OK);
    assert_int_equal(pt_store_view_next(view, &record), PT_OK);
    assert_int_equal(record.responses_bytes, 0);
    pt_store_view_close(&view);
    bus_batch_clear(&batch);
    s_close_bench(&bench);
}

static void
durable_subscriber_goes_on_where_it_was(void **state)
{
    (void) state;
    s_bench_t bench;
    pt_frames_t message;
    pt_opened_t opened;
    pt_refused_t refused;
    s_open_bench(&bench, S_BYTES, false);
    assert_int_equal(s_suback(&bench, "scheduler", 4, pt_pool_epoch(bench.pool), &refused), PT_KIND_REFUSED);
    assert_int_equal(refused.refusal, PT_REFUSAL_UNKNOWN);
    s_open(&bench, "scheduler", &message, &opened);
    assert_int_equal(opened.topic_count, 0);
    pt_frames_clear(&message);
    s_finish(&bench, 1, 9);
    s_open(&bench, "scheduler", &message, &opened);
    assert_int_equal(opened.topic_count, 1);
    assert_int_equal(opened.topics[0].first_retained, 1);
    assert_int_equal(opened.topics[0].head_seq, 10);
    assert_int_equal(opened.topics[0].position, 1);
    pt_frames_clear(&message);

    assert_int_equal(s_suback(&bench, "scheduler", 4, pt_pool_epoch(bench.pool), &refused), PT_KIND_SUBACKED);
    assert_int_equal(s_suback(&bench, "scheduler", 3, pt_pool_epoch(bench.pool), &refused), PT_KIND_SUBACKED);
    assert_int_equal(s_suback(&bench, "scheduler", 11, pt_pool_epoch(bench.pool), &refused), PT_KIND_SUBACKED);
    assert_int_equal(s_suback(&bench, "scheduler", 5, 1, &refused), PT_KIND_BADEPOCH);
    s_stop_pool(&bench);
    s_start_pool(&bench, S_BYTES, false);
    s_open(&bench, "scheduler", &message, &opened);
    assert_int_equal(opened.topics[0].position, 4);
    pt_frames_clear(&message);
    s_open(&bench, "", &message, &opened);
    assert_int_equal(opened.topics[0].position, 1);
    pt_frames_clear(&message);
    s_close_bench(&bench);
}

static void
fetch_keeps_to_its_bounds(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, S_BYTES, false);
    size_t messages;
    for (uint64_t seq = 1; seq <= 3; seq++) {
        s_finish(&bench, seq, 100);
    }
    //  From anywhere, in pieces of any size, everything once.
    for (uint64_t from = 1; from <= 301; from += 37) {
        for (uint32_t max_bytes = 1; max_bytes < 300000; max_bytes = max_bytes * 9 + 7) {
            pt_end_t end = {.next_seq = from, .head_seq = 301};
            unsigned turns = 0;
            while (end.next_seq < end.head_seq && turns++ < 3)
                end = s_fetch(&bench, end.next_seq, max_bytes, &messages);
            if (max_bytes == 1)
                assert_int_equal(end.next_seq, from + (from + 3 <= 301 ? 3 : 301 - from));
        }
    }
    pt_end_t end = s_fetch(&bench, 500, 1000, &messages);
    assert_int_equal(end.next_seq, 301);
    assert_int_equal(messages, 0);
    pt_frames_t message;
    s_ask_fetch(&bench, 1, 1000, 12345);
    assert_int_equal(s_receive(&bench, &message), PT_KIND_BADEPOCH);
    pt_frames_clear(&message);
    s_close_bench(&bench);
}

//  A client that asks and never reads costs itself its answers, and nobody else anything.
static void
client_that_does_not_read_holds_up_nobody(void **state)
{
    (void) state;
    s_bench_t bench;
    size_t messages;
    s_open_bench(&bench, UINT64_C(64) << 20, false);
    for (uint64_t seq = 1; seq <= 8; seq++) {
        s_finish(&bench, seq, 1000);
    }
    zsock_t *reader = bench.replay;
    bench.replay = pt_sockets_new(ZMQ_DEALER, 1000, 1);
    zsock_set_linger(bench.replay, 0);
    assert_int_equal(pt_sockets_connect(bench.replay, pt_pool_replay(bench.pool)), PT_OK);
    for (int i = 0; i < 200; i++)
        s_ask_fetch(&bench, 1, PT_BATCH_BYTES_MAX, pt_pool_epoch(bench.pool));
    zsock_t *stuck = bench.replay;
    bench.replay = reader;
    for (int i = 0; i < 20; i++) {
        pt_end_t end = s_fetch(&bench, 1, PT_BATCH_BYTES_MAX, &messages);
        assert_true(end.next_seq > 1000);
        s_finish(&bench, 9 + (uint64_t) i, 1);
    }
    zsock_destroy(&stuck);
    s_close_bench(&bench);
}

//  Listen until a topic is said to begin where it begins in the journal, which nobody tells the publisher.
static void
s_await_beginning(s_bench_t *bench, const char *topic)
{
    bus_subscriber_t listener;
    pt_store_head_t head = {.first_retained = 0};
    bus_subscribe(&listener, &bench->pool, 1);
    do {
        pt_store_view_t *view;
        memset(&head, 0, sizeof(head));
        bus_next_message(&listener);
        assert_int_equal(pt_store_view_open(bench->store, &view), PT_OK);
        for (pt_status_t status = PT_OK; status == PT_OK && !streq(head.topic, topic);) {
            char after[PT_TOPIC_BYTES_MAX + 1];
            memcpy(after, head.topic, sizeof(after));
            status = pt_store_view_topic(view, after, &head);
        }
        pt_store_view_close(&view);
        assert_string_equal(head.topic, topic);
        if (listener.kind != PT_KIND_HEAD || !streq(listener.topic, topic))
            memset(&head, 0, sizeof(head));
    } while (!head.first_retained || listener.head.first_retained != head.first_retained);
    assert_true(head.first_retained > 1);
    bus_unsubscribe(&listener);
}

//  Send batches from this one on, until one is refused, which is the result.
static uint64_t
s_send_until_busy(s_bench_t *bench, uint64_t seq)
{
    for (;; seq++) {
        bus_answer_t answer;
        assert_true(seq < 1000);
        bus_batch_t batch = s_batch(seq, 500);
        batch.header.floor = seq > 500 ? seq - 500 : 1;
        bus_batch_seal(&batch);
        bus_batch_send(bench->producer, &batch);
        bus_batch_clear(&batch);
        bus_receive_answer(bench->producer, &answer);
        if (answer.kind == PT_KIND_ACK)
            continue;
        assert_int_equal(answer.nack.reason, PT_REASON_BUSY);
        assert_int_equal(answer.nack.seq, seq);
        return seq;
    }
}

static void
full_journal_refuses_and_recovers(void **state)
{
    (void) state;
    s_bench_t bench;
    pt_frames_t message;
    pt_opened_t opened;
    pt_refused_t refused;
    bus_answer_t answer;
    uint64_t seq = 1;
    s_open_bench(&bench, PT_STORE_BYTES_MIN, false);
    s_open(&bench, "slow", &message, &opened);
    pt_frames_clear(&message);
    //  Alerts have nobody who asked for them, dead letters wait for their reader.
    do {
        seq = s_send_until_busy(&bench, seq);
        //  Who has no name is told so, too, once no trimmed alert makes room in between.
        bus_send(bench.producer, 1, "\x80", (size_t) 1);
        bus_receive_answer(bench.producer, &answer);
    } while (answer.kind == PT_KIND_ACK);
    assert_int_equal(answer.nack.seq, 0);
    assert_int_equal(answer.nack.reason, PT_REASON_BUSY);
    assert_true(answer.nack.retry_after_ms > 0);

    //  What was finished is still acknowledged, and replay goes on.
    s_finish(&bench, 1, 500);
    size_t messages;
    pt_end_t end = s_fetch(&bench, 1, 1000, &messages);
    assert_int_equal(end.head_seq, (seq - 1) * 500 + 1);
    assert_int_equal(s_suback(&bench, "slow", end.head_seq, pt_pool_epoch(bench.pool), &refused), PT_KIND_SUBACKED);
    s_await_beginning(&bench, "operator_alert.opn.");
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_fetch_t fetch = {++bench.req_id, PT_TEXT("operator_alert.opn."), pt_pool_epoch(bench.pool), 1, 1000};
    s_ask(&bench, bytes, pt_fetch_encode(&fetch, bytes, sizeof(bytes)));
    assert_int_equal(s_receive(&bench, &message), PT_KIND_TRUNCATED);
    pt_frames_clear(&message);
    //  Trimming makes room by itself.
    do {
        s_send(&bench, seq, 500);
        bus_receive_answer(bench.producer, &answer);
    } while (answer.kind == PT_KIND_NACK);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    store_expect_sound(bench.store);
    s_close_bench(&bench);
}

//  Another process in the midst of reading, as an operator's command is.
typedef struct {
    pid_t pid;
    FILE *word;
} s_reader_t;

static int
s_read_for_ever(const char *dir)
{
    pt_store_t *store = store_open_reader(dir);
    pt_store_view_t *view;
    if (pt_store_view_open(store, &view) != PT_OK)
        return 1;
    puts("reading");
    fflush(stdout);
    for (;;)
        pause();
}

static void
s_start_reader(s_reader_t *reader, char *dir)
{
    int ends[2];
    char word[16];
    char name[] = "test";
    char verb[] = "--read-for-ever";
    char *arguments[] = {name, verb, dir, NULL};
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&reader->pid, "/proc/self/exe", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    reader->word = fdopen(ends[0], "r");
    assert_non_null(fgets(word, sizeof(word), reader->word));
}

static void
s_kill_reader(s_reader_t *reader)
{
    assert_int_equal(kill(reader->pid, SIGKILL), 0);
    assert_int_equal(waitpid(reader->pid, NULL, 0), reader->pid);
    fclose(reader->word);
}

//  Send many batches of 500, each until it was answered; true when all were taken at last.
static bool
s_fill(s_bench_t *bench, uint64_t *seq, uint64_t count, unsigned tries_max)
{
    for (uint64_t end = *seq + count; *seq < end; ++*seq) {
        bus_answer_t answer = {.kind = PT_KIND_NACK};
        for (unsigned tries = 0; answer.kind == PT_KIND_NACK; tries++) {
            if (tries == tries_max)
                return false;
            bus_batch_t batch = s_batch(*seq, 500);
            batch.header.floor = *seq > 500 ? *seq - 500 : 1;
            bus_batch_seal(&batch);
            bus_batch_send(bench->producer, &batch);
            bus_batch_clear(&batch);
            bus_receive_answer(bench->producer, &answer);
        }
    }
    return true;
}

static void
reader_that_was_killed_holds_no_pages(void **state)
{
    (void) state;
    s_bench_t bench;
    s_reader_t reader;
    uint64_t seq = 1;
    s_open_bench(&bench, PT_STORE_BYTES_MIN, false);
    assert_true(s_fill(&bench, &seq, 4, UINT_MAX));
    s_start_reader(&reader, bench.dir);
    //  As long as it lives it holds what it sees, and the journal is soon without room.
    assert_false(s_fill(&bench, &seq, 1000, 100));
    assert_true(pt_store_troubles(bench.store).without_room > 0);
    uint64_t dead = pt_store_troubles(bench.store).dead_views;
    s_kill_reader(&reader);
    //  Several times what the file can hold.
    assert_true(s_fill(&bench, &seq, 200, UINT_MAX));
    assert_int_equal(pt_store_troubles(bench.store).dead_views, dead + 1);
    store_expect_sound(bench.store);
    s_close_bench(&bench);
}

//  Dead letters of another gateway, which raise alerts as well.
static void
s_finish_other(s_bench_t *bench, uint64_t seq, uint32_t count)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    bus_answer_t answer;
    size_t len = bus_response(NULL, "jamespay", "no_such_code", 400, response);
    bus_batch_t batch = bus_batch(7, seq, count, response, len);
    bus_batch_send(bench->producer, &batch);
    bus_batch_clear(&batch);
    bus_receive_answer(bench->producer, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
}

static uint64_t
s_next_seq(const s_bench_t *bench, const char *topic)
{
    pt_store_head_t head = {.next_seq = 0};
    return pt_store_head(bench->store, topic, &head) ? head.next_seq : 0;
}

//  Places for two topics, and those that are spared for unknown gateways: one of each queue.
static void
gateway_without_a_place_for_its_topics_shares_those_of_unknown_gateways(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, S_BYTES, false);
    s_stop_pool(&bench);
    bench.topics_max = 2 + PT_QUEUE_COUNT_;
    s_start_pool(&bench, S_BYTES, false);
    bus_subscriber_t subscriber;
    bus_subscribe(&subscriber, &bench.pool, 1);

    s_finish(&bench, 1, 5);
    s_finish_other(&bench, 2, 3);
    do
        bus_next_decisions(&subscriber);
    while (!streq(subscriber.topic, "dead_letter.-."));
    assert_int_equal(subscriber.decisions.first_seq, 1);
    assert_int_equal(subscriber.decisions.head_seq, 4);
    assert_int_equal(pt_store_troubles(bench.store).folded, 6);
    bus_unsubscribe(&subscriber);

    //  Those that have a place keep it, also beside the others and after a restart.
    s_stop_pool(&bench);
    s_start_pool(&bench, S_BYTES, false);
    s_finish(&bench, 3, 5);
    s_finish_other(&bench, 4, 2);
    assert_int_equal(s_next_seq(&bench, "dead_letter.opn."), 11);
    assert_int_equal(s_next_seq(&bench, "operator_alert.opn."), 11);
    assert_int_equal(s_next_seq(&bench, "dead_letter.-."), 6);
    assert_int_equal(s_next_seq(&bench, "operator_alert.-."), 6);
    assert_int_equal(s_next_seq(&bench, "dead_letter.jamespay."), 0);
    assert_int_equal(pt_store_troubles(bench.store).folded, 4);
    assert_int_equal(store_expect_sound(bench.store).decisions, 30);
    s_close_bench(&bench);
}

//  A small file takes many batches whose decisions do not fit into it together, and refuses for good, so that
//  its producer cuts it, the one that never fits.
static void
small_journal_takes_what_fits_and_refuses_the_rest_for_good(void **state)
{
    (void) state;
    s_bench_t bench;
    bus_answer_t answer;
    s_open_bench(&bench, PT_STORE_BYTES_MIN, false);
    char id[129] = "";
    memset(id, 'x', 128);
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(id, "opn", "no_such_code", 400, response);
    do {
        bus_batch_t batch = bus_batch(7, 1, 4096, response, len);
        bus_batch_send(bench.producer, &batch);
        bus_batch_clear(&batch);
        bus_receive_answer(bench.producer, &answer);
    } while (answer.kind == PT_KIND_NACK && answer.nack.reason == PT_REASON_BUSY);
    assert_int_equal(answer.kind, PT_KIND_NACK);
    assert_int_equal(answer.nack.reason, PT_REASON_TOO_BIG);
    for (uint64_t seq = 2; seq < 40; seq++)
        s_finish(&bench, seq, 1000);
    store_expect_sound(bench.store);
    s_close_bench(&bench);
}

//  One batch of `seq` that answers await, the big one among others.
static void
s_send_beside(s_bench_t *bench, uint64_t seq, uint64_t big)
{
    bus_batch_t batch = seq == big ? bus_batch(7, seq, 4096, "\xc0", 1) : s_batch(seq, 1);
    batch.header.floor = big;
    bus_batch_seal(&batch);
    bus_batch_send(bench->producer, &batch);
    bus_batch_clear(&batch);
}

//  A batch that is small as bytes, and whose decisions never fit, comes again with what was refused beside it and
//  with other small ones, which do fit.
static void
batch_that_never_fits_is_refused_for_good_beside_small_ones(void **state)
{
    (void) state;
    enum { S_BESIDE = 40 };
    s_bench_t bench;
    bus_answer_t answer;
    s_open_bench(&bench, PT_STORE_BYTES_MIN, false);
    //  The file is full of older decisions.
    uint64_t big = 40;
    for (uint64_t seq = 1; seq < big; seq++)
        s_finish(&bench, seq, 1000);
    uint64_t others[S_BESIDE];
    uint64_t next = big + 1;
    for (size_t i = 0; i < S_BESIDE; i++)
        others[i] = next++;
    //  A commit takes some of them along, and fails with it; how often, is a matter of time. test_pt_decider looks at
    //  trains.
    bool too_big = false;
    while (!too_big && next < big + 1000 - S_BESIDE) {
        for (size_t i = 0; i < S_BESIDE; i++) {
            if (i == S_BESIDE / 2)
                s_send_beside(&bench, big, big);
            s_send_beside(&bench, others[i], big);
        }
        for (size_t i = 0; i <= S_BESIDE; i++) {
            bus_receive_answer(bench.producer, &answer);
            bool nack = answer.kind == PT_KIND_NACK;
            uint64_t seq = nack ? answer.nack.seq : answer.ack.ranges[0].first;
            too_big |= nack && answer.nack.reason == PT_REASON_TOO_BIG;
            for (size_t k = 0; k < S_BESIDE && !nack; k++)
                if (others[k] == seq)
                    others[k] = next++;
        }
    }
    assert_true(too_big);
    store_expect_sound(bench.store);
    s_close_bench(&bench);
}

static void
nothing_is_acknowledged_once_the_disk_has_failed(void **state)
{
    (void) state;
    s_bench_t bench;
    s_open_bench(&bench, S_BYTES, false);
    s_finish(&bench, 1, 5);
    struct pollfd failure = {.fd = pt_pool_failure_fd(bench.pool), .events = POLLIN};
    assert_int_equal(poll(&failure, 1, 0), 0);
    atomic_store(&s_disk_fails, true);
    s_send(&bench, 2, 5);
    assert_int_equal(poll(&failure, 1, BUS_PATIENCE_MS), 1);
    atomic_store(&s_disk_fails, false);
    assert_non_null(strstr(pt_store_error(bench.store), "Input/output error"));
    //  The disk works again, and still nothing is taken.
    s_send(&bench, 3, 5);
    s_stop_pool(&bench);
    assert_false(bus_has_message(bench.producer));

    s_start_pool(&bench, S_BYTES, false);
    store_expect_sound(bench.store);
    s_finish_among_others(&bench, 2, 5);
    s_finish_among_others(&bench, 3, 5);
    size_t messages;
    pt_end_t end = s_fetch(&bench, 1, PT_BATCH_BYTES_MAX, &messages);
    assert_int_equal(end.head_seq, 16);
    s_close_bench(&bench);
}

static void
nothing_is_told_before_the_disk_has_what_makes_it_count(void **state)
{
    (void) state;
    s_bench_t bench;
    bus_answer_t answer;
    pt_frames_t message;
    pt_opened_t opened;
    struct timespec until;
    s_open_bench(&bench, S_BYTES, false);
    s_finish(&bench, 1, 5);
    atomic_store(&s_holds, true);
    s_send(&bench, 2, 5);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += BUS_PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&s_held, &until), 0);
    //  It is in the file, and a power failure could still take it away.
    s_open(&bench, "", &message, &opened);
    assert_int_equal(opened.topic_count, 1);
    assert_int_equal(opened.topics[0].head_seq, 6);
    pt_frames_clear(&message);
    assert_false(bus_has_message(bench.producer));
    sem_post(&s_released);
    bus_receive_answer(bench.producer, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(answer.ack.ranges[0].first, 2);
    s_open(&bench, "", &message, &opened);
    assert_int_equal(opened.topics[0].head_seq, 11);
    pt_frames_clear(&message);
    s_close_bench(&bench);
}

//  Who is told that all is drained may take the journal away.
static void
drain_does_not_end_before_the_work_does(void **state)
{
    (void) state;
    s_bench_t bench;
    bus_answer_t answer;
    struct timespec until;
    s_open_bench(&bench, S_BYTES, false);
    s_finish(&bench, 1, 5);
    atomic_store(&s_holds, true);
    s_send(&bench, 2, 5);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += BUS_PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&s_held, &until), 0);
    assert_int_equal(pt_pool_drain(bench.pool, 1, -1), PT_DRAIN_LATE);
    sem_post(&s_released);
    bus_receive_answer(bench.producer, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    assert_int_equal(answer.ack.ranges[0].first, 2);
    s_close_bench(&bench);
}

//  Each request that was answered gives its place to the next.
static void
subscriber_may_ask_more_often_than_there_are_places(void **state)
{
    (void) state;
    s_bench_t bench;
    pt_frames_t message;
    pt_opened_t opened;
    pt_refused_t refused;
    s_open_bench(&bench, S_BYTES, false);
    s_finish(&bench, 1, 5);
    for (size_t i = 0; i <= PT_PENDING_MAX; i++) {
        s_open(&bench, "desk", &message, &opened);
        pt_frames_clear(&message);
    }
    for (size_t i = 0; i <= PT_PENDING_MAX; i++)
        assert_int_equal(s_suback(&bench, "desk", 1 + i % 5, pt_pool_epoch(bench.pool), &refused), PT_KIND_SUBACKED);
    s_close_bench(&bench);
}

//  ---- poison

static void
batch_that_stood_in_two_deaths_is_not_read(void **state)
{
    (void) state;
    s_bench_t bench;
    pt_batch_t poison = {.producer = 7, .epoch = 1, .seq = 1};
    s_open_bench(&bench, S_BYTES, false);
    bus_batch_t batch = s_batch(1, 2);
    poison.epoch = batch.header.epoch;
    s_stop_pool(&bench);
    for (size_t deaths = 0; deaths < PT_POISON_LIMIT; deaths++) {
        //  As if the process had died in the middle of it.
        pt_poison_t *slots = pt_poison_open(bench.dir, &bench.suspects);
        assert_non_null(slots);
        assert_int_equal(bench.suspects, deaths > 0);
        assert_false(pt_poison_is(slots, &poison));
        pt_poison_enter(slots, deaths, &poison);
        pt_poison_close(&slots);
    }
    s_start_pool(&bench, S_BYTES, false);
    assert_true(pt_poison_is(bench.poison, &poison));
    bus_batch_clear(&batch);
    s_finish(&bench, 1, 2);

    pt_store_view_t *view;
    pt_store_record_t record;
    uint8_t bytes[4096];
    pt_items_t items;
    pt_bytes_t item;
    static pt_decision_t decision;
    static pt_pair_t fields[PT_FIELDS_MAX];
    assert_int_equal(pt_store_view_open(bench.store, &view), PT_OK);
    assert_int_equal(pt_store_view_seek(view, "dead_letter.-.", 1), PT_OK);
    assert_int_equal(pt_store_view_next(view, &record), PT_OK);
    assert_int_equal(record.count, 2);
    assert_in_range(record.items_bytes, 1, sizeof(bytes));
    assert_int_equal(pt_store_view_items(view, bytes), PT_OK);
    assert_int_equal(pt_items_open_decisions((pt_bytes_t) {bytes, record.items_bytes}, 2, &items), PT_OK);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(pt_decision_decode(item, fields, &decision), PT_OK);
    assert_int_equal(decision.match, PT_MATCH_INVALID);
    assert_memory_equal(decision.error.data, "poison: ", 8);
    assert_true(decision.raw.len > 10);
    pt_store_view_close(&view);
    s_close_bench(&bench);
}

int
main(int argc, char **argv)
{
    if (argc == 3 && streq(argv[1], "--read-for-ever"))
        return s_read_for_ever(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_batches_are_kept_and_decided_once),
        cmocka_unit_test(published_numbers_go_on_after_a_restart),
        cmocka_unit_test(settled_batches_are_journaled_only_when_asked),
        cmocka_unit_test(responses_stand_beside_their_decisions),
        cmocka_unit_test(durable_subscriber_goes_on_where_it_was),
        cmocka_unit_test(fetch_keeps_to_its_bounds),
        cmocka_unit_test(client_that_does_not_read_holds_up_nobody),
        cmocka_unit_test(full_journal_refuses_and_recovers),
        cmocka_unit_test(reader_that_was_killed_holds_no_pages),
        cmocka_unit_test(gateway_without_a_place_for_its_topics_shares_those_of_unknown_gateways),
        cmocka_unit_test(small_journal_takes_what_fits_and_refuses_the_rest_for_good),
        cmocka_unit_test(batch_that_never_fits_is_refused_for_good_beside_small_ones),
        cmocka_unit_test(nothing_is_acknowledged_once_the_disk_has_failed),
        cmocka_unit_test(nothing_is_told_before_the_disk_has_what_makes_it_count),
        cmocka_unit_test(drain_does_not_end_before_the_work_does),
        cmocka_unit_test(subscriber_may_ask_more_often_than_there_are_places),
        cmocka_unit_test(batch_that_stood_in_two_deaths_is_not_read),
    };
    assert(sem_init(&s_held, 0, 0) == 0 && sem_init(&s_released, 0, 0) == 0);
    int failed = 0;
    for (s_threads = 1; s_threads <= 2; s_threads++)
        failed += cmocka_run_group_tests_name(s_threads > 1 ? "two threads" : "one thread", tests, bus_store_setup,
                                              bus_store_teardown);
    return failed;
}
