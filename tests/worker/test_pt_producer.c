/*  The producer with brokers that are bare ROUTER sockets: they answer what the test says, or not. */
#include "bus.h"

#include "pt_producer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

//  Short enough not to be waited for, long enough to be told from at once.
#define RTO_MS 20

//  Where an answer is what counts: the connection that it goes to is kept for seven times as long.
#define PATIENT_RTO_MS 500

//  This program's own calls stand before the C library's: they count, or fail.
static unsigned s_syncs;
static int s_sync_reason;  //  of the next fdatasync, which then fails; 0: it does not
static int s_write_reason; //  of the next pwrite
int fdatasync(int fd);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);

int
fdatasync(int fd)
{
    s_syncs++;
    errno = s_sync_reason;
    s_sync_reason = 0;
    return errno ? -1 : (int) syscall(SYS_fdatasync, fd);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    errno = s_write_reason;
    s_write_reason = 0;
    return errno ? -1 : (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite64(fd, bytes, len, offset);
}

//  The linker sends the library's allocations here.
static bool s_calloc_fails; //  the next one
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

void *
__wrap_calloc(size_t count, size_t bytes)
{
    bool fails = s_calloc_fails;
    s_calloc_fails = false;
    return fails ? NULL : __real_calloc(count, bytes);
}

typedef struct {
    zsock_t *socket;
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    pt_frames_t message; //  [client][header][payload]
    pt_batch_t batch;
} peer_t;

static void
s_peer_bind(peer_t *peer, unsigned index)
{
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    *peer = (peer_t) {.socket = pt_sockets_new(ZMQ_ROUTER, 0, 0)};
    assert_non_null(peer->socket);
    zsock_set_linger(peer->socket, 0);
    assert_int_equal(pt_sockets_bind(peer->socket, bus_endpoint("peer", index, endpoint), peer->endpoint), PT_OK);
}

static void
s_peer_close(peer_t *peer)
{
    pt_frames_clear(&peer->message);
    zsock_destroy(&peer->socket);
}

static pt_producer_t *
s_producer(const pt_producer_options_t *options, pt_producer_refused_fn *refused, void *context)
{
    const char *error;
    pt_producer_t *producer = pt_producer_new(options, refused, context, &error);
    if (!producer)
        fail_msg("%s", error);
    return producer;
}

static void
s_put(pt_producer_t *producer, const char *text)
{
    assert_int_equal(pt_producer_put(producer, (pt_bytes_t) {(const uint8_t *) text, strlen(text)}), PT_OK);
    pt_producer_seal(producer);
}

//  Drive the producer until this broker has a batch.
static void
s_peer_receive(peer_t *peer, pt_producer_t *producer)
{
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    pt_frames_clear(&peer->message);
    while (!pt_frames_receive(zsock_resolve(peer->socket), &peer->message)) {
        assert_int_equal(pt_producer_poll(producer, 5, -1), PT_OK);
        assert_true(zclock_mono() < deadline_ms);
    }
    assert_int_equal(peer->message.count, 3);
    pt_bytes_t payload = pt_frames_bytes(&peer->message, 2);
    assert_int_equal(pt_batch_decode(pt_frames_bytes(&peer->message, 1), &peer->batch), PT_OK);
    assert_int_equal(pt_wire_crc32(payload), peer->batch.crc32);
}

//  A producer that was silent for long has another connection by now; then it asks again on that.
static void
s_peer_answer(peer_t *peer, const uint8_t *bytes, size_t len)
{
    if (!pt_frames_answer(zsock_resolve(peer->socket), &peer->message, 0, 1, (pt_bytes_t) {bytes, len}))
        assert_int_equal(errno, EHOSTUNREACH);
}

static void
s_peer_ack(peer_t *peer, uint64_t first, uint64_t last)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_ack_t ack = {
        .producer = peer->batch.producer, .epoch = peer->batch.epoch, .range_count = 1, .ranges = {{first, last}}};
    s_peer_answer(peer, bytes, pt_ack_encode(&ack, bytes, sizeof bytes));
}

static void
s_peer_nack(peer_t *peer, pt_reason_t reason, uint32_t retry_after_ms)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_nack_t nack = {peer->batch.producer, peer->batch.epoch, peer->batch.seq, reason, retry_after_ms};
    s_peer_answer(peer, bytes, pt_nack_encode(&nack, bytes, sizeof bytes));
}

//  Acknowledge these batches, as often as the producer asks: an answer may meet a connection that it has left.
static void
s_peer_ack_until_idle(peer_t *peer, pt_producer_t *producer, uint64_t first, uint64_t last)
{
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    s_peer_ack(peer, first, last);
    while (!pt_producer_is_idle(producer)) {
        assert_int_equal(pt_producer_poll(producer, 5, -1), PT_OK);
        assert_true(zclock_mono() < deadline_ms);
        pt_frames_clear(&peer->message);
        if (pt_frames_receive(zsock_resolve(peer->socket), &peer->message))
            s_peer_ack(peer, first, last);
    }
}

static void
an_unanswered_batch_is_sent_again_as_it_was(void **state)
{
    (void) state;
    peer_t peer;
    s_peer_bind(&peer, 0);
    pt_producer_options_t options = {
        .brokers = {peer.endpoint}, .broker_count = 1, .producer = 7, .epoch = 9, .rto_ms = RTO_MS};
    pt_producer_t *producer = s_producer(&options, NULL, NULL);
    s_put(producer, "one");
    s_peer_receive(&peer, producer);
    pt_batch_t first = peer.batch;
    s_peer_receive(&peer, producer);
    assert_memory_equal(&peer.batch, &first, sizeof first);
    assert_int_equal(first.producer, 7);
    assert_int_equal(first.epoch, 9);
    s_peer_ack_until_idle(&peer, producer, 1, 1);
    assert_int_equal(pt_producer_counts(producer).accepted, 1);
    assert_true(pt_producer_counts(producer).batches_resent >= 1);
    pt_producer_destroy(&producer);
    s_peer_close(&peer);
}

static void
busy_is_asked_again_and_counts_as_life(void **state)
{
    (void) state;
    peer_t peers[2];
    s_peer_bind(&peers[0], 1);
    s_peer_bind(&peers[1], 2);
    pt_producer_options_t options = {
        .brokers = {peers[0].endpoint, peers[1].endpoint}, .broker_count = 2, .rto_ms = 2000};
    pt_producer_t *producer = s_producer(&options, NULL, NULL);
    s_put(producer, "one");
    for (int i = 0; i < 8; i++) {
        s_peer_receive(&peers[0], producer);
        s_peer_nack(&peers[0], i % 2 ? PT_REASON_BUSY : PT_REASON_BAD_CRC, 1);
    }
    s_peer_receive(&peers[0], producer);
    s_peer_ack_until_idle(&peers[0], producer, 1, 1);
    assert_false(bus_has_message(peers[1].socket));
    assert_int_equal(pt_producer_counts(producer).busy, 4);
    pt_producer_destroy(&producer);
    s_peer_close(&peers[0]);
    s_peer_close(&peers[1]);
}

typedef struct {
    uint64_t first;
    uint32_t count;
    int reason, calls;
} refusal_t;

static void
s_note_refusal(void *context, uint64_t first, uint32_t count, pt_reason_t reason)
{
    refusal_t *refusal = context;
    *refusal = (refusal_t) {first, count, reason, refusal->calls + 1};
}

static void
a_refusal_for_good_is_told_once(void **state)
{
    (void) state;
    peer_t peer;
    refusal_t refusal = {0};
    s_peer_bind(&peer, 3);
    pt_producer_options_t options = {.brokers = {peer.endpoint}, .broker_count = 1, .rto_ms = PATIENT_RTO_MS};
    pt_producer_t *producer = s_producer(&options, s_note_refusal, &refusal);
    s_put(producer, "one");
    s_put(producer, "two");
    do
        s_peer_receive(&peer, producer);
    while (peer.batch.seq != 2);
    s_peer_nack(&peer, PT_REASON_CONFLICT, 0);
    s_peer_nack(&peer, PT_REASON_CONFLICT, 0);
    s_peer_ack_until_idle(&peer, producer, 1, 1);
    assert_int_equal(refusal.calls, 1);
    assert_int_equal(refusal.first, 1);
    assert_int_equal(refusal.count, 1);
    assert_int_equal(refusal.reason, PT_REASON_CONFLICT);
    assert_int_equal(pt_producer_counts(producer).refused, 1);
    pt_producer_destroy(&producer);
    s_peer_close(&peer);
}

static void
a_silent_broker_is_left_for_the_next(void **state)
{
    (void) state;
    peer_t peers[2];
    s_peer_bind(&peers[0], 4);
    s_peer_bind(&peers[1], 5);
    pt_producer_options_t options = {
        .brokers = {peers[0].endpoint, peers[1].endpoint}, .broker_count = 2, .rto_ms = RTO_MS};
    pt_producer_t *producer = s_producer(&options, NULL, NULL);
    s_put(producer, "one");
    s_put(producer, "two");
    //  The first one reads and says nothing.
    for (uint64_t seen = 0; seen != 6;) {
        s_peer_receive(&peers[1], producer);
        seen |= UINT64_C(1) << peers[1].batch.seq;
    }
    assert_true(bus_has_message(peers[0].socket));
    s_peer_ack_until_idle(&peers[1], producer, 1, 2);
    pt_producer_destroy(&producer);
    s_peer_close(&peers[0]);
    s_peer_close(&peers[1]);
}

//  A whole window waits in the pipe to a broker that is not there; when it comes, all of it arrives.
static void
a_broker_that_comes_late_gets_everything(void **state)
{
    (void) state;
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    bus_endpoint("peer", 6, endpoint);
    pt_producer_options_t options = {.brokers = {endpoint}, .broker_count = 1, .window = 8, .rto_ms = 1};
    pt_producer_t *producer = s_producer(&options, NULL, NULL);
    for (int i = 0; i < 8; i++)
        s_put(producer, "one");
    //  Enough tries to fill any pipe.
    while (pt_producer_counts(producer).batches_resent < 64)
        assert_int_equal(pt_producer_poll(producer, 1, -1), PT_OK);
    peer_t peer;
    s_peer_bind(&peer, 6);
    uint64_t seen = 0;
    while (seen != 0x1fe) {
        s_peer_receive(&peer, producer);
        seen |= UINT64_C(1) << peer.batch.seq;
    }
    s_peer_ack_until_idle(&peer, producer, 1, 8);
    pt_producer_destroy(&producer);
    s_peer_close(&peer);
}

static void
noise_from_a_broker_is_ignored(void **state)
{
    (void) state;
    peer_t peer;
    s_peer_bind(&peer, 7);
    pt_producer_options_t options = {.brokers = {peer.endpoint}, .broker_count = 1, .rto_ms = PATIENT_RTO_MS};
    pt_producer_t *producer = s_producer(&options, NULL, NULL);
    s_put(producer, "one");
    s_peer_receive(&peer, producer);
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    s_peer_answer(&peer, (const uint8_t *) "", 0);
    s_peer_answer(&peer, (const uint8_t *) "\xc1\xff", 2);
    s_peer_answer(&peer, bytes, pt_plain_ack_encode(1, bytes, sizeof bytes));
    pt_nack_t nack = {.reason = PT_REASON_TOO_BIG};
    s_peer_answer(&peer, bytes, pt_nack_encode(&nack, bytes, sizeof bytes));
    s_peer_answer(&peer, bytes, pt_hello_encode(bytes, sizeof bytes));
    //  Two frames, the last of which would be an answer.
    pt_ack_t ack = {.producer = peer.batch.producer, .epoch = peer.batch.epoch, .range_count = 1, .ranges = {{1, 1}}};
    size_t len = pt_ack_encode(&ack, bytes, sizeof bytes);
    pt_bytes_t client = pt_frames_bytes(&peer.message, 0);
    bus_send(peer.socket, 3, client.data, client.len, "x", (size_t) 1, bytes, len);
    bus_send(peer.socket, 3, client.data, client.len, bytes, len, "x", (size_t) 1);
    s_peer_receive(&peer, producer);
    assert_int_equal(pt_producer_counts(producer).pending, 1);
    s_peer_ack_until_idle(&peer, producer, 1, 1);
    pt_producer_destroy(&producer);
    s_peer_close(&peer);
}

//  The life of a producer with a file, in a process of its own: it puts, sends, and ends without a
//  word. argv: broker, file, the first number to put, and the one after the last.
static int
s_live_and_die(char **argv)
{
    const char *error;
    pt_producer_options_t options = {
        .brokers = {argv[1]}, .broker_count = 1, .batch_max = 3, .rto_ms = RTO_MS, .outbox_path = argv[2]};
    pt_producer_t *producer = pt_producer_new(&options, NULL, NULL, &error);
    unsigned to = (unsigned) strtoul(argv[4], NULL, 10);
    if (!producer)
        return 1;
    for (unsigned i = (unsigned) strtoul(argv[3], NULL, 10); i < to; i++) {
        char text[16];
        size_t len = (size_t) snprintf(text, sizeof text, "%u", i);
        pt_outbox_cover_t cover = {i + 1, i};
        if (pt_producer_put_covering(producer, (pt_bytes_t) {(const uint8_t *) text, len}, cover) != PT_OK ||
            pt_producer_poll(producer, 0, -1) != PT_OK)
            return 1;
    }
    _exit(0);
}

static void
s_run_life(char *broker, char *path, const char *from, const char *to)
{
    //  Another image, because libzmq does not live through a fork.
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "life", broker, path, from, to, (char *) NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

//  Receive batches until each of the numbers 0 to 11 has come.
static void
s_receive_twelve(peer_t *peer, pt_producer_t *producer)
{
    const pt_outbox_file_state_t *had = pt_producer_resumed(producer);
    bool seen[12] = {false};
    for (unsigned count = 0; count < 12;) {
        s_peer_receive(peer, producer);
        assert_int_equal(peer->batch.producer, had->producer);
        assert_int_equal(peer->batch.epoch, had->epoch);
        pt_items_t items;
        pt_bytes_t item;
        assert_int_equal(pt_items_open_batch(pt_frames_bytes(&peer->message, 2), peer->batch.count, &items), PT_OK);
        while (pt_items_next(&items, &item)) {
            char text[16] = {0};
            assert_true(item.len < sizeof text);
            memcpy(text, item.data, item.len);
            unsigned number = (unsigned) strtoul(text, NULL, 10);
            assert_true(number < 12);
            count += !seen[number];
            seen[number] = true;
        }
    }
}

static void
a_producer_that_died_is_resumed_from_its_file(void **state)
{
    (void) state;
    char path[PT_ENDPOINT_BYTES_MAX + 1], broker[PT_ENDPOINT_BYTES_MAX + 1];
    snprintf(path, sizeof path, "%s", bus_endpoint("outbox", 8, broker) + strlen("ipc://"));
    bus_endpoint("peer", 8, broker);
    s_run_life(broker, path, "0", "10"); //  3 batches; the tenth response is in none
    s_run_life(broker, path, "9", "12"); //  goes on behind what the file covers
    pt_producer_options_t options = {
        .brokers = {broker}, .broker_count = 1, .batch_max = 3, .rto_ms = RTO_MS, .outbox_path = path};
    pt_producer_t *producer = s_producer(&options, NULL, NULL);
    const pt_outbox_file_state_t *had = pt_producer_resumed(producer);
    assert_false(had->fresh);
    assert_int_equal(had->batches, 4);
    assert_int_equal(had->cover.responses, 12);
    assert_int_equal(had->cover.hash, 11);
    peer_t peer;
    s_peer_bind(&peer, 8);
    s_receive_twelve(&peer, producer);
    s_peer_ack_until_idle(&peer, producer, 1, 4);
    assert_int_equal(pt_producer_complete(producer), PT_OK);
    uint64_t old = had->producer;
    pt_producer_destroy(&producer);

    //  Another input gets another name.
    producer = s_producer(&options, NULL, NULL);
    assert_true(pt_producer_resumed(producer)->complete);
    assert_int_equal(pt_producer_renew(producer), PT_OK);
    s_put(producer, "one");
    do
        s_peer_receive(&peer, producer);
    while (peer.batch.producer == old); //  resends of before
    assert_int_equal(peer.batch.seq, 1);
    pt_producer_destroy(&producer);
    s_peer_close(&peer);
    unlink(path);
}

//  A producer with a file of this test's own, and a broker.
typedef struct {
    peer_t peer;
    char path[PT_ENDPOINT_BYTES_MAX + 1];
    pt_producer_options_t options;
} kept_t;

static void
s_kept_open(kept_t *kept, unsigned index)
{
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    s_peer_bind(&kept->peer, index);
    snprintf(kept->path, sizeof kept->path, "%s", bus_endpoint("outbox", index, endpoint) + strlen("ipc://"));
    kept->options = (pt_producer_options_t) {
        .brokers = {kept->peer.endpoint}, .broker_count = 1, .rto_ms = PATIENT_RTO_MS, .outbox_path = kept->path};
}

static void
s_kept_close(kept_t *kept)
{
    unlink(kept->path);
    s_peer_close(&kept->peer);
}

static void
nothing_leaves_before_it_is_on_disk(void **state)
{
    (void) state;
    kept_t kept;
    s_kept_open(&kept, 9);
    pt_producer_t *producer = s_producer(&kept.options, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        unsigned before = s_syncs;
        s_put(producer, "one");
        s_peer_receive(&kept.peer, producer);
        assert_true(s_syncs > before);
        s_peer_ack_until_idle(&kept.peer, producer, kept.peer.batch.seq, kept.peer.batch.seq);
    }
    pt_producer_destroy(&producer);
    s_kept_close(&kept);
}

//  A fault of the file is told by each call from then on: on sync, on noting an answer, and on another name.
static void
a_file_that_failed_ends_its_producer(void **state)
{
    (void) state;
    kept_t kept;
    s_kept_open(&kept, 10);
    for (int fault = 0; fault < 3; fault++) {
        unlink(kept.path);
        pt_producer_t *producer = s_producer(&kept.options, NULL, NULL);
        pt_status_t status = PT_OK;
        if (fault < 2)
            s_put(producer, "one");
        if (fault == 0) {
            s_sync_reason = EIO;
        } else if (fault == 1) {
            s_peer_receive(&kept.peer, producer);
            s_write_reason = ENOSPC;
            s_peer_ack(&kept.peer, 1, 1);
        } else {
            s_sync_reason = EIO;
            status = pt_producer_renew(producer);
        }
        int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
        while (status == PT_OK && zclock_mono() < deadline_ms)
            status = pt_producer_poll(producer, 5, -1);
        assert_int_equal(status, PT_E_IO);
        assert_int_equal(pt_producer_poll(producer, 0, -1), PT_E_IO);
        assert_int_equal(pt_producer_put(producer, (pt_bytes_t) {(const uint8_t *) "two", 3}), PT_E_IO);
        pt_producer_destroy(&producer);
    }
    s_kept_close(&kept);
}

//  Without its file or memory a producer gets no other name; what it counts stays what it was.
static void
a_name_that_cannot_be_had_leaves_the_counts(void **state)
{
    (void) state;
    kept_t kept;
    s_kept_open(&kept, 12);
    for (int fault = 0; fault < 2; fault++) {
        unlink(kept.path);
        pt_producer_t *producer = s_producer(&kept.options, NULL, NULL);
        s_put(producer, "one");
        s_peer_receive(&kept.peer, producer);
        s_peer_ack_until_idle(&kept.peer, producer, 1, 1);
        s_sync_reason = fault == 0 ? EIO : 0;
        s_calloc_fails = fault == 1;
        assert_int_equal(pt_producer_renew(producer), fault == 0 ? PT_E_IO : PT_E_NOMEM);
        assert_false(s_calloc_fails);
        assert_int_equal(pt_producer_counts(producer).put, 1);
        assert_int_equal(pt_producer_counts(producer).accepted, 1);
        assert_true(pt_producer_is_idle(producer));
        pt_producer_destroy(&producer);
    }
    s_kept_close(&kept);
}

//  A response that closes the batch before it, because it does not fit, is not in that batch: whoever goes on behind
//  what the file covers would leave it out.
static void
a_batch_covers_what_is_in_it(void **state)
{
    (void) state;
    static uint8_t large[300 << 10];
    kept_t kept;
    s_kept_open(&kept, 11);
    pt_producer_t *producer = s_producer(&kept.options, NULL, NULL);
    for (uint64_t i = 1; i <= 2; i++)
        assert_int_equal(
            pt_producer_put_covering(producer, (pt_bytes_t) {large, sizeof large}, (pt_outbox_cover_t) {i, 100 + i}),
            PT_OK);
    pt_producer_destroy(&producer);
    producer = s_producer(&kept.options, NULL, NULL);
    assert_int_equal(pt_producer_resumed(producer)->batches, 1);
    assert_int_equal(pt_producer_resumed(producer)->cover.responses, 1);
    assert_int_equal(pt_producer_resumed(producer)->cover.hash, 101);
    pt_producer_destroy(&producer);
    s_kept_close(&kept);
}

static void
a_file_that_cannot_be_used_is_told_with_its_reason(void **state)
{
    (void) state;
    const char *error;
    pt_producer_options_t options = {.brokers = {"ipc:///tmp/x"}, .broker_count = 1, .outbox_path = "/nowhere/outbox"};
    assert_null(pt_producer_new(&options, NULL, NULL, &error));
    assert_int_equal(errno, ENOENT);
    assert_string_equal(error, "the outbox file cannot be used");
}

int
main(int argc, char **argv)
{
    if (argc == 5)
        return s_live_and_die(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unanswered_batch_is_sent_again_as_it_was),
        cmocka_unit_test(busy_is_asked_again_and_counts_as_life),
        cmocka_unit_test(a_refusal_for_good_is_told_once),
        cmocka_unit_test(a_silent_broker_is_left_for_the_next),
        cmocka_unit_test(a_broker_that_comes_late_gets_everything),
        cmocka_unit_test(noise_from_a_broker_is_ignored),
        cmocka_unit_test(a_producer_that_died_is_resumed_from_its_file),
        cmocka_unit_test(nothing_leaves_before_it_is_on_disk),
        cmocka_unit_test(a_file_that_failed_ends_its_producer),
        cmocka_unit_test(a_name_that_cannot_be_had_leaves_the_counts),
        cmocka_unit_test(a_batch_covers_what_is_in_it),
        cmocka_unit_test(a_file_that_cannot_be_used_is_told_with_its_reason),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
