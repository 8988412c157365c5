/*  The subscriber with a worker made of a bare PUB and a bare ROUTER, whose messages are lost, late,
 *  damaged and endless as the test says.
 */
#include "bus.h"

#include "pt_subscriber.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WORKER UINT64_C(0x77)
#define EPOCH UINT64_C(3)
#define TOPIC "retry.opn."
#define DECISIONS_MAX 40000

//  A worker of one topic, whose decision `seq` has the id "seq" unless `ids` says another number.
typedef struct {
    zsock_t *publisher, *replay;
    char publish[PT_ENDPOINT_BYTES_MAX + 1], endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    uint64_t epoch, head, retained, acked;
    uint64_t spoil;  //  number of the decision that goes out with a wrong checksum, once
    uint64_t repeat; //  number of the decision that has the id of the one before
    uint64_t junk;   //  number of the decision that is an empty map
    bool deaf;       //  requests are read and not answered
    uint64_t opens, fetches, subacks;
    uint32_t per_fetch; //  decisions that one FETCH brings
} fake_t;

//  What the subscriber got.
typedef struct {
    pt_subscriber_t *subscriber;
    uint64_t ids[DECISIONS_MAX];
    size_t count, stop_at; //  0: never
    uint64_t lost_first, lost_next, losses;
    unsigned faults[PT_FAULT_COUNT_];
    unsigned returns;
} got_t;

static void
s_fake_open(fake_t *fake, unsigned index)
{
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    *fake = (fake_t) {.epoch = EPOCH, .head = 1, .retained = 1, .acked = 1, .per_fetch = 100};
    fake->publisher = pt_sockets_new(ZMQ_PUB, 0, 0);
    fake->replay = pt_sockets_new(ZMQ_ROUTER, 0, 0);
    assert_non_null(fake->publisher);
    assert_non_null(fake->replay);
    assert_int_equal(pt_sockets_bind(fake->publisher, bus_endpoint("pub", index, endpoint), fake->publish), PT_OK);
    assert_int_equal(pt_sockets_bind(fake->replay, bus_endpoint("replay", index, endpoint), fake->endpoint), PT_OK);
}

static void
s_fake_close(fake_t *fake)
{
    zsock_destroy(&fake->publisher);
    zsock_destroy(&fake->replay);
}

static size_t
s_encode_decision(const fake_t *fake, uint64_t seq, uint8_t *out)
{
    char id[24];
    size_t len;
    if (seq == fake->junk) {
        out[0] = 0x80;
        return 1;
    }
    snprintf(id, sizeof id, "%" PRIu64, seq == fake->repeat ? seq - 1 : seq);
    pt_decision_t decision = {.id = pt_text_of(id),
                              .provider = PT_TEXT("opn"),
                              .producer = PT_TEXT("00c0ffee12345678"),
                              .on_bus = true,
                              .attempt = 1,
                              .entry = PT_TEXT("-"),
                              .match = PT_MATCH_UNKNOWN,
                              .category = PT_CATEGORY_UNKNOWN_CODE,
                              .route = PT_ROUTE_RETRY,
                              .action = PT_ACTION_QUERY_STATUS,
                              .summary = PT_TEXT("a test")};
    assert_int_equal(pt_decision_encode(&decision, out, PT_DECISION_BYTES_MAX, &len), PT_OK);
    return len;
}

//  [first, first + count) as a payload and its header.
static size_t
s_encode_message(fake_t *fake, uint64_t first, uint32_t count, uint32_t flags, uint8_t *header, uint8_t **out_payload,
                 size_t *out_len)
{
    uint8_t *payload = malloc(3 + (size_t) count * 512);
    assert_non_null(payload);
    payload[0] = 0xdc;
    payload[1] = (uint8_t) (count >> 8);
    payload[2] = (uint8_t) count;
    size_t len = 3;
    for (uint64_t seq = first; seq < first + count; seq++) {
        uint8_t decision[PT_DECISION_BYTES_MAX];
        size_t bytes = s_encode_decision(fake, seq, decision);
        assert_true(bytes < 512);
        memcpy(payload + len, decision, bytes);
        len += bytes;
    }
    pt_decisions_t decisions = {.worker = WORKER,
                                .epoch = fake->epoch,
                                .first_seq = first,
                                .head_seq = fake->head,
                                .count = count,
                                .crc32 = pt_wire_crc32((pt_bytes_t) {payload, len}),
                                .flags = flags};
    if (fake->spoil >= first && fake->spoil < first + count) {
        decisions.crc32 ^= 1;
        fake->spoil = 0;
    }
    *out_payload = payload;
    *out_len = len;
    return pt_decisions_encode(&decisions, header, PT_HEADER_BYTES_MAX);
}

static void
s_fake_publish(fake_t *fake, uint64_t first, uint32_t count)
{
    uint8_t header[PT_HEADER_BYTES_MAX], *payload;
    size_t len, header_len = s_encode_message(fake, first, count, 0, header, &payload, &len);
    bus_send(fake->publisher, 3, TOPIC, strlen(TOPIC), header, header_len, payload, len);
    free(payload);
}

//  Give numbers to `count` decisions; publish them, or lose them on the way.
static void
s_fake_decide(fake_t *fake, uint32_t count, bool publish)
{
    uint64_t first = fake->head;
    fake->head += count;
    if (publish)
        s_fake_publish(fake, first, count);
}

static void
s_fake_head(fake_t *fake, bool replay)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_head_t head = {WORKER, fake->epoch, fake->retained, fake->head, pt_text_of(replay ? fake->endpoint : "")};
    size_t len = pt_head_encode(&head, bytes, sizeof bytes);
    bus_send(fake->publisher, 2, TOPIC, strlen(TOPIC), bytes, len);
}

static void
s_fake_answer(fake_t *fake, const pt_frames_t *request, const uint8_t *bytes, size_t len)
{
    pt_frames_answer(zsock_resolve(fake->replay), request, 0, 1, (pt_bytes_t) {bytes, len});
}

static void
s_fake_answer_open(fake_t *fake, const pt_frames_t *request)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_open_t open;
    assert_int_equal(pt_open_decode(pt_frames_bytes(request, 1), &open), PT_OK);
    pt_opened_t opened = {.req_id = open.req_id, .worker = WORKER, .epoch = fake->epoch};
    if (fake->head > 1) {
        opened.topic_count = 1;
        opened.topics[0] =
            (pt_topic_place_t) {PT_TEXT(TOPIC), fake->retained, fake->head,
                                open.durable && fake->acked > fake->retained ? fake->acked : fake->retained};
    }
    fake->opens++;
    s_fake_answer(fake, request, bytes, pt_opened_encode(&opened, bytes, sizeof bytes));
}

static void
s_fake_send_fetched(fake_t *fake, const pt_frames_t *request, uint64_t req_id, uint64_t first, uint32_t count)
{
    uint8_t fetched[PT_HEADER_BYTES_MAX], header[PT_HEADER_BYTES_MAX], *payload;
    size_t len, fetched_len = pt_fetched_encode(req_id, fetched, sizeof fetched);
    size_t header_len = s_encode_message(fake, first, count, PT_FLAG_REPLAY, header, &payload, &len);
    pt_bytes_t client = pt_frames_bytes(request, 0);
    bus_send(fake->replay, 5, client.data, client.len, fetched, fetched_len, TOPIC, strlen(TOPIC), header, header_len,
             payload, len);
    free(payload);
}

static void
s_fake_answer_fetch(fake_t *fake, const pt_frames_t *request)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_fetch_t fetch;
    assert_int_equal(pt_fetch_decode(pt_frames_bytes(request, 1), &fetch), PT_OK);
    fake->fetches++;
    if (fetch.epoch != fake->epoch) {
        pt_bad_epoch_t bad_epoch = {fetch.req_id, fake->epoch};
        s_fake_answer(fake, request, bytes, pt_bad_epoch_encode(&bad_epoch, bytes, sizeof bytes));
        return;
    }
    if (fetch.from_seq < fake->retained) {
        pt_truncated_t truncated = {fetch.req_id, fake->retained};
        s_fake_answer(fake, request, bytes, pt_truncated_encode(&truncated, bytes, sizeof bytes));
        return;
    }
    uint64_t left = fake->head > fetch.from_seq ? fake->head - fetch.from_seq : 0;
    uint32_t count = left < fake->per_fetch ? (uint32_t) left : fake->per_fetch;
    if (count)
        s_fake_send_fetched(fake, request, fetch.req_id, fetch.from_seq, count);
    uint64_t next = fetch.from_seq < fake->head ? fetch.from_seq + count : fake->head;
    pt_end_t end = {fetch.req_id, next, fake->head};
    s_fake_answer(fake, request, bytes, pt_end_encode(&end, bytes, sizeof bytes));
}

static void
s_fake_answer_suback(fake_t *fake, const pt_frames_t *request)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_suback_t suback;
    assert_int_equal(pt_suback_decode(pt_frames_bytes(request, 1), &suback), PT_OK);
    assert_int_equal(suback.topic_count, 1);
    assert_true(pt_text_equal(suback.name, PT_TEXT("tester")));
    //  One that was on its way when the journal became another one.
    if (suback.epoch != fake->epoch) {
        pt_bad_epoch_t bad_epoch = {suback.req_id, fake->epoch};
        s_fake_answer(fake, request, bytes, pt_bad_epoch_encode(&bad_epoch, bytes, sizeof bytes));
        return;
    }
    assert_true(suback.topics[0].next_seq <= fake->head);
    fake->subacks++;
    fake->acked = suback.topics[0].next_seq > fake->acked ? suback.topics[0].next_seq : fake->acked;
    s_fake_answer(fake, request, bytes, pt_subacked_encode(suback.req_id, bytes, sizeof bytes));
}

static void
s_fake_serve(fake_t *fake)
{
    pt_frames_t request;
    pt_kind_t kind;
    while (fake->replay && pt_frames_receive(zsock_resolve(fake->replay), &request)) {
        assert_int_equal(request.count, 2);
        assert_int_equal(pt_wire_kind(pt_frames_bytes(&request, 1), &kind), PT_OK);
        if (fake->deaf)
            kind = PT_KIND_COUNT_;
        if (kind == PT_KIND_OPEN)
            s_fake_answer_open(fake, &request);
        else if (kind == PT_KIND_FETCH)
            s_fake_answer_fetch(fake, &request);
        else if (kind == PT_KIND_SUBACK)
            s_fake_answer_suback(fake, &request);
        pt_frames_clear(&request);
    }
}

static void
s_take_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    (void) bytes;
    got_t *got = context;
    char id[24];
    assert_true(pt_text_equal(topic, PT_TEXT(TOPIC)));
    if (got->stop_at && got->count == got->stop_at) {
        pt_subscriber_stop(got->subscriber);
        return;
    }
    snprintf(id, sizeof id, "%.*s", (int) decision->id.len, decision->id.data);
    assert_true(got->count < DECISIONS_MAX);
    got->ids[got->count++] = strtoull(id, NULL, 10);
}

static void
s_take_gap(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next)
{
    (void) topic;
    got_t *got = context;
    assert_int_equal(worker, WORKER);
    got->lost_first = first;
    got->lost_next = next;
    got->losses++;
}

static void
s_take_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    (void) worker, (void) epoch;
    ((got_t *) context)->faults[fault]++;
}

static void
s_take_return(void *context)
{
    ((got_t *) context)->returns++;
}

static got_t *
s_connect(const pt_subscriber_options_t *options)
{
    got_t *got = calloc(1, sizeof *got);
    assert_non_null(got);
    pt_subscriber_handlers_t handlers = {got, s_take_decision, s_take_gap, s_take_fault, s_take_return};
    const char *error;
    got->subscriber = pt_subscriber_new(options, &handlers, &error);
    if (!got->subscriber)
        fail_msg("%s", error);
    return got;
}

//  Subscribe and wait until a HEAD arrives: after that nothing that is published is missed.
static got_t *
s_subscribe(fake_t *fake, pt_positions_mode_t mode, bool replay)
{
    pt_subscriber_options_t options = {
        .endpoints = {fake->publish}, .endpoint_count = 1, .mode = mode, .name = "tester", .window = 1000};
    got_t *got = s_connect(&options);
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    for (bool heard = false; !heard; assert_true(zclock_mono() < deadline_ms)) {
        s_fake_head(fake, replay);
        assert_int_equal(pt_subscriber_poll(got->subscriber, 5, -1, &heard), PT_OK);
    }
    return got;
}

static void
s_unsubscribe(got_t *got)
{
    pt_subscriber_destroy(&got->subscriber);
    free(got);
}

//  One turn of both sides.
static void
s_turn(fake_t *fake, got_t *got)
{
    bool heard;
    assert_int_equal(pt_subscriber_poll(got->subscriber, 2, -1, &heard), PT_OK);
    s_fake_serve(fake);
}

//  Drive both sides until so many decisions arrived and nothing known of is missing.
static void
s_settle(fake_t *fake, got_t *got, size_t count)
{
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    while (got->count < count || !pt_subscriber_is_level(got->subscriber)) {
        s_turn(fake, got);
        assert_true(zclock_mono() < deadline_ms);
    }
    assert_int_equal(got->count, count);
}

static void
s_expect_run(const got_t *got, size_t from, uint64_t first)
{
    for (size_t i = from; i < got->count; i++)
        assert_int_equal(got->ids[i], first + i - from);
}

static void
a_gap_is_fetched_in_its_place(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 0);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    s_fake_decide(&fake, 3, true);
    s_fake_decide(&fake, 250, false);
    s_fake_decide(&fake, 3, true);
    s_settle(&fake, got, 256);
    s_expect_run(got, 0, 1);
    assert_int_equal(got->losses, 0);
    assert_in_range(pt_subscriber_counts(got->subscriber).fetched, 250, 253);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
a_lost_tail_is_fetched_after_a_head(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 1);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    s_fake_decide(&fake, 20, false);
    s_fake_head(&fake, true);
    s_settle(&fake, got, 20);
    s_expect_run(got, 0, 1);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
a_live_subscriber_reports_a_gap(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 2);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_LIVE, true);
    s_fake_decide(&fake, 3, false);
    s_fake_decide(&fake, 2, true);
    s_settle(&fake, got, 2);
    s_expect_run(got, 0, 4);
    assert_int_equal(got->lost_first, 1);
    assert_int_equal(got->lost_next, 4);
    assert_int_equal(fake.opens, 0);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

//  Messages that came before any HEAD are not lost when it turns out that there is no replay.
static void
without_a_journal_a_durable_subscriber_is_a_live_one(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 3);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_DURABLE, false);
    fake.epoch++; //  a start of which no HEAD has come yet
    fake.head = 1;
    s_fake_decide(&fake, 5, true);
    s_fake_decide(&fake, 5, true);
    for (int i = 0; i < 20; i++)
        s_turn(&fake, got);
    assert_int_equal(got->count, 0);
    s_fake_head(&fake, false);
    s_fake_decide(&fake, 2, false);
    s_fake_decide(&fake, 1, true);
    s_settle(&fake, got, 11);
    assert_int_equal(got->ids[10], 13);
    assert_int_equal(got->losses, 1);
    assert_int_equal(got->lost_first, 11);
    assert_int_equal(got->lost_next, 13);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

//  With other numbers, at the same place. libzmq gives that up in a thread of its own.
static void
s_fake_start_anew(fake_t *fake)
{
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    snprintf(endpoint, sizeof endpoint, "%s", fake->publish);
    zsock_destroy(&fake->publisher);
    fake->publisher = pt_sockets_new(ZMQ_PUB, 0, 0);
    while (pt_sockets_bind(fake->publisher, endpoint, fake->publish) != PT_OK) {
        bus_let_others_run();
        assert_true(zclock_mono() < deadline_ms);
    }
    fake->epoch++;
    fake->head = 1;
}

//  Another process with other numbers: nothing but the connection tells that something is lost.
static void
a_worker_that_starts_anew_without_a_journal_is_told_of(void **state)
{
    (void) state;
    for (int replay = 0; replay < 2; replay++) {
        fake_t fake;
        s_fake_open(&fake, 14 + (unsigned) replay);
        got_t *got = s_subscribe(&fake, PT_POSITIONS_LIVE, replay);
        s_fake_start_anew(&fake);
        s_fake_decide(&fake, 5, true);
        int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
        while (!pt_subscriber_counts(got->subscriber).returned || got->count == 0) {
            s_fake_decide(&fake, 1, true);
            s_turn(&fake, got);
            assert_true(zclock_mono() < deadline_ms);
        }
        assert_int_equal(got->returns, !replay);
        assert_int_equal(pt_subscriber_counts(got->subscriber).returned, 1);
        s_unsubscribe(got);
        s_fake_close(&fake);
    }
}

//  What listens at an ipc endpoint, and speaks just enough ZMTP to let nobody in.
typedef struct {
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    int fd;
    unsigned met;
    bool says_why; //  ERROR 400, after which libzmq does not try again; or nothing
} stranger_t;

static void
s_stranger_open(stranger_t *stranger, unsigned index, bool says_why)
{
    *stranger = (stranger_t) {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), .says_why = says_why};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bus_endpoint("pub", index, stranger->endpoint);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", stranger->endpoint + strlen("ipc://"));
    assert_return_code(bind(stranger->fd, (const struct sockaddr *) &address, sizeof address), errno);
    assert_return_code(listen(stranger->fd, 8), errno);
}

//  The other side's greeting and READY come before the word.
static void
s_stranger_refuse(int peer)
{
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL";
    static const char error[] = "\x04\x0a\x05"
                                "ERROR\x03"
                                "400";
    char room[256];
    ssize_t got = 0;
    assert_int_equal(send(peer, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    for (ssize_t heard = 0; heard <= (ssize_t) sizeof greeting; heard += got) {
        got = recv(peer, room, sizeof room, 0);
        assert_true(got > 0);
    }
    assert_int_equal(send(peer, error, sizeof error - 1, MSG_NOSIGNAL), sizeof error - 1);
    while (recv(peer, room, sizeof room, 0) > 0)
        continue;
}

//  Serve the other sides until so many have been turned away.
static void
s_stranger_turn_away(stranger_t *stranger, unsigned count, fake_t *fake, got_t *got)
{
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    while (stranger->met < count) {
        s_turn(fake, got);
        assert_true(zclock_mono() < deadline_ms);
        int peer = accept(stranger->fd, NULL, NULL);
        if (peer < 0)
            continue;
        stranger->met++;
        if (stranger->says_why)
            s_stranger_refuse(peer);
        close(peer);
    }
}

static void
s_stranger_close(stranger_t *stranger)
{
    close(stranger->fd);
    assert_return_code(unlink(stranger->endpoint + strlen("ipc://")), errno);
}

static got_t *
s_subscribe_to_both(fake_t *fake, const stranger_t *stranger)
{
    pt_subscriber_options_t options = {.endpoints = {fake->publish, stranger->endpoint}, .endpoint_count = 2};
    got_t *got = s_connect(&options);
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    for (bool heard = false; !heard; assert_true(zclock_mono() < deadline_ms)) {
        s_fake_head(fake, false);
        assert_int_equal(pt_subscriber_poll(got->subscriber, 5, -1, &heard), PT_OK);
    }
    return got;
}

static void
a_worker_that_lets_nobody_in_at_first_is_no_connection_that_came_back(void **state)
{
    (void) state;
    fake_t fake, late;
    stranger_t stranger;
    s_fake_open(&fake, 20);
    s_stranger_open(&stranger, 21, false);
    got_t *got = s_subscribe_to_both(&fake, &stranger);
    s_stranger_turn_away(&stranger, 3, &fake, got);
    s_stranger_close(&stranger);
    s_fake_open(&late, 21);
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    for (late.epoch++; got->count == 0; assert_true(zclock_mono() < deadline_ms)) {
        s_fake_head(&late, false);
        s_fake_decide(&late, 1, true);
        s_turn(&fake, got);
    }
    assert_int_equal(pt_subscriber_counts(got->subscriber).returned, 0);
    assert_int_equal(got->returns, 0);
    s_unsubscribe(got);
    s_fake_close(&fake);
    s_fake_close(&late);
}

//  A PUB loses what it sends while a connection is made anew.
static void
the_connection_to_one_worker_stays_where_another_refuses(void **state)
{
    (void) state;
    fake_t fake;
    stranger_t stranger;
    s_fake_open(&fake, 22);
    zsock_destroy(&fake.publisher);
    fake.publisher = pt_sockets_new(ZMQ_XPUB, 0, 0);
    zsock_set_xpub_verbose(fake.publisher, 1);
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    assert_int_equal(pt_sockets_bind(fake.publisher, bus_endpoint("xpub", 22, endpoint), fake.publish), PT_OK);
    s_stranger_open(&stranger, 23, true);
    got_t *got = s_subscribe_to_both(&fake, &stranger);
    s_stranger_turn_away(&stranger, 3, &fake, got);
    assert_true(pt_subscriber_is_refused(got->subscriber));
    assert_true(pt_subscriber_is_admitted(got->subscriber));
    pt_frames_t frames;
    bus_receive(fake.publisher, &frames);
    assert_memory_equal(pt_frames_bytes(&frames, 0).data, "\1", 1);
    pt_frames_clear(&frames);
    assert_false(bus_has_message(fake.publisher));
    s_unsubscribe(got);
    s_stranger_close(&stranger);
    s_fake_close(&fake);
}

static void
what_was_trimmed_is_reported_and_the_rest_fetched(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 4);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    s_fake_decide(&fake, 50, false);
    fake.retained = 31;
    s_fake_head(&fake, true);
    s_settle(&fake, got, 20);
    s_expect_run(got, 0, 31);
    assert_int_equal(got->losses, 1);
    assert_int_equal(got->lost_first, 1);
    assert_int_equal(got->lost_next, 31);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
a_new_epoch_ends_the_old_one_and_starts_at_1(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 5);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_DURABLE, true);
    s_fake_decide(&fake, 4, true);
    s_settle(&fake, got, 4);
    fake.deaf = true;
    s_fake_decide(&fake, 6, false);
    s_fake_head(&fake, true);
    while (pt_subscriber_is_level(got->subscriber))
        s_turn(&fake, got);
    //  The journal is another one now.
    fake.deaf = false;
    fake.epoch++;
    fake.head = fake.retained = fake.acked = 1;
    fake.repeat = 0;
    s_fake_decide(&fake, 20, false);
    s_fake_head(&fake, true);
    s_settle(&fake, got, 20);
    //  The ids 1 to 4 were repeats of the first epoch's.
    s_expect_run(got, 4, 5);
    assert_int_equal(got->losses, 1);
    assert_int_equal(got->lost_first, 5);
    assert_int_equal(got->lost_next, 11);
    assert_int_equal(pt_subscriber_counts(got->subscriber).repeats, 4);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
a_replay_that_does_not_answer_is_asked_again(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 6);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    fake.deaf = true;
    s_fake_decide(&fake, 5, false);
    s_fake_head(&fake, true);
    for (int64_t end_ms = zclock_mono() + 200; zclock_mono() < end_ms;)
        s_turn(&fake, got);
    assert_int_equal(got->count, 0);
    fake.deaf = false;
    s_settle(&fake, got, 5);
    s_expect_run(got, 0, 1);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
a_replay_endpoint_that_vanished_is_tried_again(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 7);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    zsock_destroy(&fake.replay);
    s_fake_decide(&fake, 5, false);
    s_fake_head(&fake, true);
    while (pt_subscriber_is_level(got->subscriber))
        s_turn(&fake, got);
    fake.replay = pt_sockets_new(ZMQ_ROUTER, 0, 0);
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    assert_int_equal(pt_sockets_bind(fake.replay, bus_endpoint("again", 7, endpoint), fake.endpoint), PT_OK);
    s_fake_head(&fake, true); //  HEAD may name another place
    s_settle(&fake, got, 5);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

//  Thousands behind, and new ones without end: it catches up, in order, once each.
static void
a_flood_of_live_messages_does_not_keep_it_behind(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 8);
    fake.per_fetch = 400;
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    s_fake_decide(&fake, 10000, false);
    uint64_t behind = 10000;
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    while (behind > 50) {
        for (int i = 0; i < 10; i++)
            s_fake_decide(&fake, 3, true);
        s_turn(&fake, got);
        behind = fake.head - 1 - got->count;
        assert_true(zclock_mono() < deadline_ms);
    }
    s_settle(&fake, got, fake.head - 1);
    s_expect_run(got, 0, 1);
    assert_int_equal(got->losses, 0);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
damaged_messages_are_as_good_as_lost(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 9);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    fake.spoil = 3;
    s_fake_decide(&fake, 5, true);
    s_fake_decide(&fake, 5, true);
    s_settle(&fake, got, 10);
    //  One of a FETCH, too.
    fake.spoil = 12;
    s_fake_decide(&fake, 5, false);
    s_fake_head(&fake, true);
    s_settle(&fake, got, 15);
    s_expect_run(got, 0, 1);
    assert_int_equal(got->losses, 0);
    assert_int_equal(pt_subscriber_counts(got->subscriber).malformed, 2);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

//  To fetch it would bring the same: what cannot be read is lost, and told.
static void
bytes_that_are_no_decision_are_told_as_lost(void **state)
{
    (void) state;
    for (int replay = 0; replay < 2; replay++) {
        fake_t fake;
        s_fake_open(&fake, 16 + (unsigned) replay);
        got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, replay);
        s_settle(&fake, got, 0);
        fake.junk = 3;
        s_fake_decide(&fake, 5, true);
        s_settle(&fake, got, 4);
        assert_int_equal(got->losses, 1);
        assert_int_equal(got->lost_first, 3);
        assert_int_equal(got->lost_next, 4);
        assert_int_equal(pt_subscriber_counts(got->subscriber).missed, 1);
        s_unsubscribe(got);
        s_fake_close(&fake);
    }
}

//  By its numbers, and not only because the window of ids has seen it.
static void
what_overlaps_is_delivered_from_the_next_number_on(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 18);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    s_fake_decide(&fake, 5, true);
    s_settle(&fake, got, 5);
    fake.head = 8;
    s_fake_publish(&fake, 3, 5);
    s_settle(&fake, got, 7);
    s_expect_run(got, 0, 1);
    assert_int_equal(pt_subscriber_counts(got->subscriber).dropped, 3);
    assert_int_equal(pt_subscriber_counts(got->subscriber).repeats, 0);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
repeats_under_other_numbers_are_removed(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 10);
    fake.repeat = 4;
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    s_fake_decide(&fake, 6, true);
    s_settle(&fake, got, 5);
    assert_int_equal(got->ids[2], 3);
    assert_int_equal(got->ids[3], 5);
    assert_int_equal(pt_subscriber_counts(got->subscriber).repeats, 1);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

//  Away for a while, back under its name, and stopped in the middle of a message: each time it goes on
//  where it was.
static void
a_durable_subscriber_goes_on_where_it_stopped(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 11);
    s_fake_decide(&fake, 10, false); //  before it was ever there
    got_t *got = s_subscribe(&fake, PT_POSITIONS_DURABLE, true);
    got->stop_at = 7;
    while (got->count < 7)
        s_turn(&fake, got);
    assert_true(fake.acked <= 8);
    while (!pt_subscriber_finish(got->subscriber, 5))
        s_fake_serve(&fake);
    assert_int_equal(fake.acked, 8);
    s_expect_run(got, 0, 1);
    s_unsubscribe(got);

    s_fake_decide(&fake, 10, true);
    got = s_subscribe(&fake, PT_POSITIONS_DURABLE, true);
    s_settle(&fake, got, 13);
    s_expect_run(got, 0, 8);
    while (!pt_subscriber_finish(got->subscriber, 5))
        s_fake_serve(&fake);
    assert_int_equal(fake.acked, 21);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

static void
noise_is_counted_and_ignored(void **state)
{
    (void) state;
    fake_t fake;
    s_fake_open(&fake, 12);
    got_t *got = s_subscribe(&fake, PT_POSITIONS_REPAIR, true);
    s_settle(&fake, got, 0);
    uint64_t before = pt_subscriber_counts(got->subscriber).malformed;
    bus_send(fake.publisher, 1, TOPIC, strlen(TOPIC));
    bus_send(fake.publisher, 2, TOPIC, strlen(TOPIC), "\xc1", (size_t) 1);
    bus_send(fake.publisher, 6, TOPIC, strlen(TOPIC), "a", (size_t) 1, "b", (size_t) 1, "c", (size_t) 1, "d",
             (size_t) 1, "e", (size_t) 1);
    s_fake_decide(&fake, 1, true);
    s_settle(&fake, got, 1);
    assert_int_equal(pt_subscriber_counts(got->subscriber).malformed, before + 3);
    s_unsubscribe(got);
    s_fake_close(&fake);
}

//  As many subscriptions as there may be, all sent at once; the topic is under the last.
static void
every_prefix_is_heard(void **state)
{
    (void) state;
    fake_t fake;
    char names[PT_SUBSCRIBER_PREFIXES_MAX][24];
    s_fake_open(&fake, 13);
    pt_subscriber_options_t options = {
        .endpoints = {fake.publish}, .endpoint_count = 1, .prefix_count = PT_SUBSCRIBER_PREFIXES_MAX};
    for (size_t i = 0; i < PT_SUBSCRIBER_PREFIXES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "settled.%zu.", i);
        options.prefixes[i] = i + 1 < PT_SUBSCRIBER_PREFIXES_MAX ? names[i] : TOPIC;
    }
    const char *error;
    pt_subscriber_handlers_t handlers = {.decision = s_take_decision};
    pt_subscriber_t *subscriber = pt_subscriber_new(&options, &handlers, &error);
    assert_non_null(subscriber);
    int64_t deadline_ms = zclock_mono() + BUS_PATIENCE_MS;
    for (bool heard = false; !heard; assert_true(zclock_mono() < deadline_ms)) {
        s_fake_head(&fake, false);
        assert_int_equal(pt_subscriber_poll(subscriber, 5, -1, &heard), PT_OK);
    }
    pt_subscriber_destroy(&subscriber);
    s_fake_close(&fake);
}

static void
names_and_endpoints_are_checked(void **state)
{
    (void) state;
    static const char long_name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *names[] = {NULL, "", "two words", "tab\t", "\xc3\xa9", long_name};
    pt_subscriber_handlers_t handlers = {.decision = s_take_decision};
    const char *error;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pt_subscriber_options_t options = {
            .endpoints = {"ipc://x"}, .endpoint_count = 1, .mode = PT_POSITIONS_DURABLE, .name = names[i]};
        assert_null(pt_subscriber_new(&options, &handlers, &error));
        assert_string_equal(error, "a name has 1 to 64 printable ASCII characters and no spaces");
    }
    pt_subscriber_options_t options = {.endpoints = {"no endpoint"}, .endpoint_count = 1};
    assert_null(pt_subscriber_new(&options, &handlers, &error));
    assert_string_equal(error, "the endpoint is not valid");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_fetched_in_its_place),
        cmocka_unit_test(a_lost_tail_is_fetched_after_a_head),
        cmocka_unit_test(a_live_subscriber_reports_a_gap),
        cmocka_unit_test(without_a_journal_a_durable_subscriber_is_a_live_one),
        cmocka_unit_test(a_worker_that_starts_anew_without_a_journal_is_told_of),
        cmocka_unit_test(a_worker_that_lets_nobody_in_at_first_is_no_connection_that_came_back),
        cmocka_unit_test(the_connection_to_one_worker_stays_where_another_refuses),
        cmocka_unit_test(what_was_trimmed_is_reported_and_the_rest_fetched),
        cmocka_unit_test(a_new_epoch_ends_the_old_one_and_starts_at_1),
        cmocka_unit_test(a_replay_that_does_not_answer_is_asked_again),
        cmocka_unit_test(a_replay_endpoint_that_vanished_is_tried_again),
        cmocka_unit_test(a_flood_of_live_messages_does_not_keep_it_behind),
        cmocka_unit_test(damaged_messages_are_as_good_as_lost),
        cmocka_unit_test(bytes_that_are_no_decision_are_told_as_lost),
        cmocka_unit_test(what_overlaps_is_delivered_from_the_next_number_on),
        cmocka_unit_test(repeats_under_other_numbers_are_removed),
        cmocka_unit_test(a_durable_subscriber_goes_on_where_it_stopped),
        cmocka_unit_test(noise_is_counted_and_ignored),
        cmocka_unit_test(every_prefix_is_heard),
        cmocka_unit_test(names_and_endpoints_are_checked),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
