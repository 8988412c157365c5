/*  Header frames against the golden vectors, and the words and names of the wire. */
#include "wire_recode.h"

static void
s_assert_bytes(const char *name, const uint8_t *bytes, size_t len)
{
    pt_bytes_t vector = wire_vector(name);
    assert_int_equal(len, vector.len);
    assert_memory_equal(bytes, vector.data, len);
    wire_free(vector);
}

static void
batch_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_bytes_t payload = wire_vector("batch_payload");
    pt_batch_t batch = {
        .producer = WIRE_ID, .epoch = WIRE_EPOCH, .seq = 42, .floor = 40, .crc32 = pt_wire_crc32(payload), .count = 2};
    s_assert_bytes("batch", out, pt_batch_encode(&batch, out, sizeof out));

    pt_batch_t decoded;
    pt_bytes_t vector = wire_vector("batch");
    assert_int_equal(pt_batch_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.producer, WIRE_ID);
    assert_int_equal(decoded.epoch, WIRE_EPOCH);
    assert_int_equal(decoded.seq, 42);
    assert_int_equal(decoded.floor, 40);
    assert_int_equal(decoded.crc32, pt_wire_crc32(payload));
    assert_int_equal(decoded.count, 2);
    wire_free(vector);
    wire_free(payload);
}

static void
ack_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_ack_t ack = {
        .producer = WIRE_ID, .epoch = WIRE_EPOCH, .range_count = 3, .ranges = {{40, 42}, {44, 44}, {300, 70000}}};
    s_assert_bytes("ack", out, pt_ack_encode(&ack, out, sizeof out));

    pt_ack_t decoded;
    uint32_t plain_count = 7;
    pt_bytes_t vector = wire_vector("ack");
    assert_int_equal(pt_ack_decode(vector, &decoded, &plain_count), PT_OK);
    assert_int_equal(decoded.producer, WIRE_ID);
    assert_int_equal(decoded.epoch, WIRE_EPOCH);
    assert_int_equal(decoded.range_count, 3);
    assert_memory_equal(decoded.ranges, ack.ranges, 3 * sizeof ack.ranges[0]);
    assert_int_equal(plain_count, 0);
    wire_free(vector);
}

static void
plain_ack_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    s_assert_bytes("ack_plain", out, pt_plain_ack_encode(3, out, sizeof out));

    pt_ack_t decoded;
    uint32_t plain_count = 0;
    pt_bytes_t vector = wire_vector("ack_plain");
    assert_int_equal(pt_ack_decode(vector, &decoded, &plain_count), PT_OK);
    assert_int_equal(decoded.range_count, 0);
    assert_int_equal(plain_count, 3);
    wire_free(vector);
}

static void
nack_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_nack_t nack = {
        .producer = WIRE_ID, .epoch = WIRE_EPOCH, .seq = 43, .reason = PT_REASON_BUSY, .retry_after_ms = 200};
    s_assert_bytes("nack", out, pt_nack_encode(&nack, out, sizeof out));

    pt_nack_t decoded;
    pt_bytes_t vector = wire_vector("nack");
    assert_int_equal(pt_nack_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.producer, WIRE_ID);
    assert_int_equal(decoded.epoch, WIRE_EPOCH);
    assert_int_equal(decoded.seq, 43);
    assert_int_equal(decoded.reason, PT_REASON_BUSY);
    assert_int_equal(decoded.retry_after_ms, 200);
    wire_free(vector);
}

static void
plain_nack_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_nack_t nack = {.reason = PT_REASON_BUSY, .retry_after_ms = 50};
    s_assert_bytes("nack_plain", out, pt_nack_encode(&nack, out, sizeof out));

    pt_nack_t decoded = {.producer = 1, .epoch = 1, .seq = 1};
    pt_bytes_t vector = wire_vector("nack_plain");
    assert_int_equal(pt_nack_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.producer, 0);
    assert_int_equal(decoded.epoch, 0);
    assert_int_equal(decoded.seq, 0);
    assert_int_equal(decoded.reason, PT_REASON_BUSY);
    assert_int_equal(decoded.retry_after_ms, 50);
    wire_free(vector);
}

static void
ready_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_ready_t ready = {.worker = WIRE_WORKER, .epoch = WIRE_EPOCH + 1, .received = 65536, .limit = 65600};
    s_assert_bytes("ready", out, pt_ready_encode(&ready, out, sizeof out));

    pt_ready_t decoded;
    pt_bytes_t vector = wire_vector("ready");
    assert_int_equal(pt_ready_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.worker, WIRE_WORKER);
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_int_equal(decoded.received, 65536);
    assert_int_equal(decoded.limit, 65600);
    wire_free(vector);
}

static void
hello_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    s_assert_bytes("hello", out, pt_hello_encode(out, sizeof out));
}

static void
decisions_are_the_vectors(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_bytes_t payload = wire_vector("decisions_payload");
    pt_decisions_t sequenced = {.worker = WIRE_WORKER,
                                .epoch = WIRE_EPOCH + 1,
                                .first_seq = 128,
                                .head_seq = 131,
                                .count = 2,
                                .crc32 = pt_wire_crc32(payload)};
    pt_decisions_t live = {.worker = WIRE_WORKER,
                           .epoch = WIRE_EPOCH + 1,
                           .count = PT_BATCH_COUNT_MAX,
                           .crc32 = UINT32_MAX,
                           .flags = PT_FLAG_LIVE};
    pt_decisions_t replay = {.worker = WIRE_WORKER,
                             .epoch = WIRE_EPOCH + 1,
                             .first_seq = UINT64_C(1) << 32,
                             .head_seq = PT_WIRE_INTEGER_MAX,
                             .count = 1,
                             .crc32 = 255,
                             .flags = PT_FLAG_REPLAY};
    s_assert_bytes("decisions", out, pt_decisions_encode(&sequenced, out, sizeof out));
    s_assert_bytes("decisions_live", out, pt_decisions_encode(&live, out, sizeof out));
    s_assert_bytes("decisions_replay", out, pt_decisions_encode(&replay, out, sizeof out));

    pt_decisions_t decoded;
    pt_bytes_t vector = wire_vector("decisions");
    assert_int_equal(pt_decisions_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.worker, WIRE_WORKER);
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_int_equal(decoded.first_seq, 128);
    assert_int_equal(decoded.head_seq, 131);
    assert_int_equal(decoded.count, 2);
    assert_int_equal(decoded.crc32, pt_wire_crc32(payload));
    assert_int_equal(decoded.flags, 0);
    wire_free(vector);
    wire_free(payload);
}

static void
head_is_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_head_t head = {.worker = 1, .epoch = WIRE_EPOCH + 1, .first_retained = 131, .head_seq = 131};
    s_assert_bytes("head", out, pt_head_encode(&head, out, sizeof out));

    pt_head_t decoded;
    pt_bytes_t vector = wire_vector("head");
    assert_int_equal(pt_head_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.worker, 1);
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_int_equal(decoded.first_retained, 131);
    assert_int_equal(decoded.head_seq, 131);
    assert_int_equal(decoded.replay_endpoint.len, 0);
    wire_free(vector);
}

static void
heads_are_the_vector(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_heads_t heads = {.worker = 1,
                        .epoch = WIRE_EPOCH + 1,
                        .replay_endpoint = PT_TEXT("tcp://192.0.2.7:5574"),
                        .head_count = 2,
                        .heads = {{PT_TEXT("retry.opn."), 1, 131}, {PT_TEXT("retry.-."), 256, 256}}};
    s_assert_bytes("heads", out, pt_heads_encode(&heads, out, sizeof out));

    pt_heads_t decoded;
    pt_bytes_t vector = wire_vector("heads");
    assert_int_equal(pt_heads_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.worker, 1);
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_true(pt_text_equal(decoded.replay_endpoint, heads.replay_endpoint));
    assert_int_equal(decoded.head_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(pt_text_equal(decoded.heads[i].topic, heads.heads[i].topic));
        assert_int_equal(decoded.heads[i].first_retained, heads.heads[i].first_retained);
        assert_int_equal(decoded.heads[i].head_seq, heads.heads[i].head_seq);
    }
    wire_free(vector);
}

//  The vectors' own fields, so that an encoder and a decoder cannot be wrong in the same way.
static void
open_and_opened_are_the_vectors(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_open_t open = {.req_id = 1,
                      .name = PT_TEXT("scheduler-1"),
                      .durable = true,
                      .prefix_count = 2,
                      .prefixes = {PT_TEXT("retry."), PT_TEXT("dead_letter.opn.")}};
    s_assert_bytes("open", out, pt_open_encode(&open, out, sizeof out));
    pt_open_t next = {.req_id = 2, .prefix_count = 1, .after = PT_TEXT("retry.opn.")};
    s_assert_bytes("open_next", out, pt_open_encode(&next, out, sizeof out));

    pt_bytes_t vector = wire_vector("open");
    assert_int_equal(pt_open_decode(vector, &next), PT_OK);
    assert_int_equal(next.req_id, 1);
    assert_true(pt_text_equal(next.name, open.name));
    assert_true(next.durable);
    assert_int_equal(next.prefix_count, 2);
    assert_true(pt_text_equal(next.prefixes[1], open.prefixes[1]));
    assert_int_equal(next.after.len, 0);
    wire_free(vector);

    pt_opened_t opened = {.req_id = 1,
                          .worker = WIRE_WORKER,
                          .epoch = WIRE_EPOCH + 1,
                          .more = true,
                          .topic_count = 2,
                          .topics = {{PT_TEXT("dead_letter.opn."), 1, 131, 1}, {PT_TEXT("retry.-."), 200, 70000, 300}}};
    s_assert_bytes("opened", out, pt_opened_encode(&opened, out, sizeof out));
    vector = wire_vector("opened");
    pt_opened_t decoded;
    assert_int_equal(pt_opened_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.req_id, 1);
    assert_int_equal(decoded.worker, WIRE_WORKER);
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_true(decoded.more);
    assert_int_equal(decoded.topic_count, 2);
    assert_true(pt_text_equal(decoded.topics[1].topic, opened.topics[1].topic));
    assert_int_equal(decoded.topics[1].first_retained, 200);
    assert_int_equal(decoded.topics[1].head_seq, 70000);
    assert_int_equal(decoded.topics[1].position, 300);
    wire_free(vector);
}

static void
fetch_and_its_answers_are_the_vectors(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_fetch_t fetch = {3, PT_TEXT("retry.opn."), WIRE_EPOCH + 1, 128, PT_BATCH_BYTES_MAX};
    pt_end_t end = {.req_id = 3, .next_seq = 130, .head_seq = 131};
    pt_truncated_t truncated = {.req_id = 70000, .first_retained = 131};
    pt_bad_epoch_t bad_epoch = {.req_id = PT_WIRE_INTEGER_MAX, .epoch = WIRE_EPOCH + 2};
    s_assert_bytes("fetch", out, pt_fetch_encode(&fetch, out, sizeof out));
    s_assert_bytes("fetched", out, pt_fetched_encode(3, out, sizeof out));
    s_assert_bytes("end", out, pt_end_encode(&end, out, sizeof out));
    s_assert_bytes("truncated", out, pt_truncated_encode(&truncated, out, sizeof out));
    s_assert_bytes("bad_epoch", out, pt_bad_epoch_encode(&bad_epoch, out, sizeof out));

    pt_bytes_t vector = wire_vector("fetch");
    pt_fetch_t decoded;
    assert_int_equal(pt_fetch_decode(vector, &decoded), PT_OK);
    assert_int_equal(decoded.req_id, 3);
    assert_true(pt_text_equal(decoded.topic, fetch.topic));
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_int_equal(decoded.from_seq, 128);
    assert_int_equal(decoded.max_bytes, PT_BATCH_BYTES_MAX);
    wire_free(vector);

    vector = wire_vector("end");
    assert_int_equal(pt_end_decode(vector, &end), PT_OK);
    assert_int_equal(end.next_seq, 130);
    assert_int_equal(end.head_seq, 131);
    wire_free(vector);
}

static void
suback_and_its_answers_are_the_vectors(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_suback_t suback = {.req_id = 4,
                          .name = PT_TEXT("scheduler-1"),
                          .epoch = WIRE_EPOCH + 1,
                          .topic_count = 2,
                          .topics = {{PT_TEXT("dead_letter.opn."), 131}, {PT_TEXT("retry.-."), 70000}}};
    pt_refused_t refused = {.req_id = 5, .refusal = PT_REFUSAL_TOO_MANY};
    s_assert_bytes("suback", out, pt_suback_encode(&suback, out, sizeof out));
    s_assert_bytes("subacked", out, pt_subacked_encode(4, out, sizeof out));
    s_assert_bytes("refused", out, pt_refused_encode(&refused, out, sizeof out));

    pt_bytes_t vector = wire_vector("suback");
    pt_suback_t decoded;
    assert_int_equal(pt_suback_decode(vector, &decoded), PT_OK);
    assert_true(pt_text_equal(decoded.name, suback.name));
    assert_int_equal(decoded.epoch, WIRE_EPOCH + 1);
    assert_int_equal(decoded.topic_count, 2);
    assert_true(pt_text_equal(decoded.topics[0].topic, suback.topics[0].topic));
    assert_int_equal(decoded.topics[0].next_seq, 131);
    wire_free(vector);

    for (int refusal = 0; refusal < PT_REFUSAL_COUNT_; refusal++)
        assert_int_equal(pt_refusal_parse(pt_text_of(pt_refusal_text((pt_refusal_t) refusal))), refusal);
    assert_int_equal(pt_refusal_parse(PT_TEXT_NONE), -1);
}

static void
kind_is_read_from_every_vector(void **state)
{
    (void) state;
    pt_kind_t kind;
    for (size_t i = 0; i < WIRE_VECTOR_COUNT; i++) {
        pt_bytes_t vector = wire_vector(wire_vectors[i].name);
        assert_int_equal(pt_wire_kind(vector, &kind), PT_OK);
        assert_int_equal(kind, wire_vectors[i].kind);
        wire_free(vector);
    }
    pt_bytes_t hello = wire_vector("hello");
    assert_int_equal(pt_wire_kind(hello, &kind), PT_OK);
    assert_int_equal(kind, PT_KIND_HELLO);
    wire_free(hello);
}

static void
kind_refuses_what_is_no_header(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        pt_status_t status;
    } cases[] = {
        {"[2 2 'BATCH", PT_E_VERSION},
        {"[2 0 'BATCH", PT_E_VERSION},
        {"[2 1 'batch", PT_E_KIND},
        {"[2 1 'BATCHES", PT_E_KIND},
        {"[2 1 '", PT_E_KIND},
        {"[2 2 'FUTURE", PT_E_VERSION},
        {"[0", PT_E_COUNT},
        {"[1 1", PT_E_COUNT},
        {"{1 1 'BATCH", PT_E_TYPE},
        {"'BATCH", PT_E_TYPE},
        {"[2 '1 'BATCH", PT_E_TYPE},
        {"[2 1 2", PT_E_TYPE},
        {"[2 1 \"BATCH", PT_E_TYPE},
        {"[2 -1 'BATCH", PT_E_RANGE},
        {"[2 1", PT_E_TRUNCATED},
        {"", PT_E_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_kind_t kind;
        pt_bytes_t header = wire_pack(cases[i].line);
        assert_int_equal(pt_wire_kind(header, &kind), cases[i].status);
        wire_free(header);
    }
}

static void
refused_batches_get_the_reason_to_give(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        uint64_t seq; //  0: there is no batch to name
        pt_reason_t reason;
    } cases[] = {
        {"[8 1 'BATCH " ID "5 1064 40 0 1", 1064, PT_REASON_WINDOW},
        {"[8 1 'BATCH " ID "5 42 43 0 1", 42, PT_REASON_BAD_FORMAT},
        {"[8 1 'BATCH " ID "5 42 0 0 1", 42, PT_REASON_BAD_FORMAT},
        {"[8 1 'BATCH " ID "5 5000 0 0 1", 5000, PT_REASON_BAD_FORMAT},
        {"[8 1 'BATCH " ID "5 42 40 0 0", 42, PT_REASON_BAD_FORMAT},
        {"[8 1 'BATCH " ID "5 42 40 0 4097", 42, PT_REASON_TOO_BIG},
        {"[8 1 'BATCH " ID "5 42 40 0 4294967296", 42, PT_REASON_TOO_BIG},
        {"[8 1 'BATCH " ID "5 42 40 0 18446744073709551615", 42, PT_REASON_TOO_BIG},
        {"[8 1 'BATCH " ID "5 42 40 0 -1", 42, PT_REASON_BAD_FORMAT},
        {"[8 1 'BATCH " ID "5 0 0 0 1", 0, PT_REASON_BAD_FORMAT},
        {"[9 1 'BATCH " ID "5 42 40 0 1 1", 0, PT_REASON_BAD_FORMAT},
        {"[8 2 'BATCH " ID "5 42 40 0 1", 0, PT_REASON_BAD_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_batch_t batch;
        pt_bytes_t header = wire_pack(cases[i].line);
        pt_status_t status = pt_batch_decode(header, &batch);
        assert_int_not_equal(status, PT_OK);
        assert_int_equal(batch.seq, cases[i].seq);
        assert_int_equal(pt_batch_reason(status, &batch), cases[i].reason);
        wire_free(header);
    }
    pt_batch_t sound = {.seq = 42, .floor = 40, .count = 2};
    assert_int_equal(pt_batch_reason(PT_E_SIZE, &sound), PT_REASON_TOO_BIG);
    assert_int_equal(pt_batch_reason(PT_E_COUNT, &sound), PT_REASON_BAD_FORMAT);
    assert_int_equal(pt_batch_reason(PT_E_CHECKSUM, &sound), PT_REASON_BAD_CRC);
    assert_int_equal(pt_batch_reason(PT_E_TYPE, &sound), PT_REASON_BAD_FORMAT);
}

static void
reasons_have_words_and_three_pass(void **state)
{
    (void) state;
    for (int reason = 0; reason < PT_REASON_COUNT_; reason++) {
        assert_int_equal(pt_reason_parse(pt_text_of(pt_reason_text((pt_reason_t) reason))), reason);
        bool passing = reason == PT_REASON_BUSY || reason == PT_REASON_WINDOW || reason == PT_REASON_BAD_CRC;
        assert_int_equal(pt_reason_is_passing((pt_reason_t) reason), passing);
    }
    assert_int_equal(pt_reason_parse(PT_TEXT("Busy")), -1);
    assert_int_equal(pt_reason_parse(PT_TEXT_NONE), -1);
}

static void
topics_name_the_queue_and_the_provider(void **state)
{
    (void) state;
    static const struct {
        const char *queue;
        const char *provider;
        const char *topic;
    } cases[] = {
        {"retry", "opn", "retry.opn."},
        {"operator_alert", "a_9-z", "operator_alert.a_9-z."},
        {"dead_letter", "abcdefghijklmnopqrstuvwxyz012345", "dead_letter.abcdefghijklmnopqrstuvwxyz012345."},
        {"dead_letter", "abcdefghijklmnopqrstuvwxyz0123456", "dead_letter.-."},
        {"settled", "", "settled.-."},
        {"settled", NULL, "settled.-."},
        {"retry", "Opn", "retry.-."},
        {"retry", "o.n", "retry.-."},
        {"retry", "o\xc3\xa9", "retry.-."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[PT_TOPIC_BYTES_MAX];
        size_t len = pt_wire_topic(cases[i].queue, pt_text_of(cases[i].provider), out);
        assert_int_equal(len, strlen(cases[i].topic));
        assert_memory_equal(out, cases[i].topic, len);
    }
}

static void
crc32_is_the_one_of_zlib(void **state)
{
    (void) state;
    //  The check value that the CRC-32 of zlib, gzip and PNG is known by.
    assert_int_equal(pt_wire_crc32((pt_bytes_t) {(const uint8_t *) "123456789", 9}), 0xcbf43926);
    assert_int_equal(pt_wire_crc32((pt_bytes_t) {NULL, 0}), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_is_the_vector),
        cmocka_unit_test(ack_is_the_vector),
        cmocka_unit_test(plain_ack_is_the_vector),
        cmocka_unit_test(plain_nack_is_the_vector),
        cmocka_unit_test(nack_is_the_vector),
        cmocka_unit_test(ready_is_the_vector),
        cmocka_unit_test(hello_is_the_vector),
        cmocka_unit_test(decisions_are_the_vectors),
        cmocka_unit_test(head_is_the_vector),
        cmocka_unit_test(heads_are_the_vector),
        cmocka_unit_test(open_and_opened_are_the_vectors),
        cmocka_unit_test(fetch_and_its_answers_are_the_vectors),
        cmocka_unit_test(suback_and_its_answers_are_the_vectors),
        cmocka_unit_test(kind_is_read_from_every_vector),
        cmocka_unit_test(kind_refuses_what_is_no_header),
        cmocka_unit_test(refused_batches_get_the_reason_to_give),
        cmocka_unit_test(reasons_have_words_and_three_pass),
        cmocka_unit_test(topics_name_the_queue_and_the_provider),
        cmocka_unit_test(crc32_is_the_one_of_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
