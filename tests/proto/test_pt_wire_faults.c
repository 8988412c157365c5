/*  Header frames against every cut, every broken rule, and noise. */
#include "wire_recode.h"

static void
header_longer_than_the_limit_is_refused(void **state)
{
    (void) state;
    uint8_t *bytes = calloc(1, PT_HEADER_BYTES_MAX + 1);
    assert_non_null(bytes);
    pt_bytes_t vector = wire_vector("batch");
    memcpy(bytes, vector.data, vector.len);
    pt_kind_t kind;
    pt_batch_t batch;
    pt_bytes_t header = {bytes, PT_HEADER_BYTES_MAX + 1};
    assert_int_equal(pt_wire_kind(header, &kind), PT_E_SIZE);
    assert_int_equal(pt_batch_decode(header, &batch), PT_E_SIZE);
    header.len--;
    assert_int_equal(pt_wire_kind(header, &kind), PT_OK);
    assert_int_equal(pt_batch_decode(header, &batch), PT_E_TRAILING);
    wire_free(vector);
    free(bytes);
}

static void
every_cut_and_every_added_byte_is_refused(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    pt_status_t status;
    for (size_t i = 0; i < WIRE_VECTOR_COUNT; i++) {
        wire_recode_f recode = wire_recode[wire_vectors[i].kind];
        pt_bytes_t vector = wire_vector(wire_vectors[i].name);
        for (size_t len = 0; len < vector.len; len++) {
            pt_bytes_t cut = wire_copy(vector.data, len);
            assert_int_equal(recode(cut, out, sizeof out, &status), 0);
            assert_int_equal(status, PT_E_TRUNCATED);
            wire_free(cut);
        }
        uint8_t longer[PT_HEADER_BYTES_MAX] = {0};
        memcpy(longer, vector.data, vector.len);
        assert_int_equal(recode((pt_bytes_t) {longer, vector.len + 1}, out, sizeof out, &status), 0);
        assert_int_equal(status, PT_E_TRAILING);
        wire_free(vector);
    }
}

static void
every_decoder_refuses_the_other_kinds(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    for (size_t i = 0; i < WIRE_VECTOR_COUNT; i++) {
        pt_bytes_t vector = wire_vector(wire_vectors[i].name);
        for (pt_kind_t kind = 0; kind < PT_KIND_COUNT_; kind++) {
            pt_status_t status;
            if (!wire_recode[kind])
                continue;
            size_t len = wire_recode[kind](vector, out, sizeof out, &status);
            assert_int_equal(len, kind == wire_vectors[i].kind ? vector.len : 0);
            assert_int_equal(status, kind == wire_vectors[i].kind ? PT_OK : PT_E_KIND);
        }
        wire_free(vector);
    }
}

static void
encoders_need_exactly_the_room_they_use(void **state)
{
    (void) state;
    pt_status_t status;
    for (size_t i = 0; i < WIRE_VECTOR_COUNT; i++) {
        wire_recode_f recode = wire_recode[wire_vectors[i].kind];
        pt_bytes_t vector = wire_vector(wire_vectors[i].name);
        for (size_t capacity = 0; capacity <= vector.len; capacity++) {
            uint8_t *out = malloc(capacity ? capacity : 1);
            assert_non_null(out);
            assert_int_equal(recode(vector, out, capacity, &status), capacity == vector.len ? vector.len : 0);
            free(out);
        }
        wire_free(vector);
    }
}

//  Each row breaks one rule of a frame that is sound otherwise.
static const struct {
    pt_kind_t kind;
    pt_status_t status;
    const char *line;
} s_broken[] = {
    {PT_KIND_BATCH, PT_E_COUNT, "[7 1 'BATCH " ID "5 42 40 0"},
    {PT_KIND_BATCH, PT_E_COUNT, "[9 1 'BATCH " ID "5 42 40 0 1 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH '00c0ffee1234567 5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH '00c0ffee123456789 5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_MALFORMED, "[8 1 'BATCH '00C0FFEE12345678 5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_MALFORMED, "[8 1 'BATCH '00c0ffee1234567g 5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_TYPE, "[8 1 'BATCH 12648430 5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_TYPE, "[8 1 'BATCH \"00c0ffee12345678 5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "-1 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "9007199254740992 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_TYPE, "[8 1 'BATCH " ID "'5 42 40 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 0 0 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 9007199254740992 9007199254740992 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 42 0 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 42 43 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 1064 40 0 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 42 40 4294967296 1"},
    {PT_KIND_BATCH, PT_E_TYPE, "[8 1 'BATCH " ID "5 42 40 nil 1"},
    {PT_KIND_BATCH, PT_E_RANGE, "[8 1 'BATCH " ID "5 42 40 0 0"},
    {PT_KIND_BATCH, PT_E_COUNT, "[8 1 'BATCH " ID "5 42 40 0 4097"},
    {PT_KIND_BATCH, PT_E_COUNT, "[8 1 'BATCH " ID "5 42 40 0 4294967296"},
    {PT_KIND_BATCH, PT_E_COUNT, "[8 1 'BATCH " ID "5 42 40 0 18446744073709551615"},

    {PT_KIND_ACK, PT_E_COUNT, "[4 1 'ACK " ID "5"},
    {PT_KIND_ACK, PT_E_COUNT, "[6 1 'ACK " ID "5 [1 [2 1 1 1"},
    {PT_KIND_ACK, PT_E_COUNT, "[2 1 'ACK"},
    {PT_KIND_ACK, PT_E_RANGE, "[3 1 'ACK 4097"},
    {PT_KIND_ACK, PT_E_RANGE, "[3 1 'ACK -1"},
    {PT_KIND_ACK, PT_E_TYPE, "[3 1 'ACK " ID},
    {PT_KIND_ACK, PT_E_COUNT, "[5 1 'ACK " ID "5 [0"},
    {PT_KIND_ACK, PT_E_TYPE, "[5 1 'ACK " ID "5 7"},
    {PT_KIND_ACK, PT_E_TYPE, "[5 1 'ACK " ID "5 [1 7 0"},
    {PT_KIND_ACK, PT_E_COUNT, "[5 1 'ACK " ID "5 [1 [1 7"},
    {PT_KIND_ACK, PT_E_COUNT, "[5 1 'ACK " ID "5 [1 [3 7 8 9"},
    {PT_KIND_ACK, PT_E_RANGE, "[5 1 'ACK " ID "5 [1 [2 0 1"},
    {PT_KIND_ACK, PT_E_RANGE, "[5 1 'ACK " ID "5 [1 [2 8 7"},
    {PT_KIND_ACK, PT_E_RANGE, "[5 1 'ACK " ID "5 [2 [2 1 1 [2 8 9007199254740992"},

    {PT_KIND_NACK, PT_E_COUNT, "[6 1 'NACK " ID "5 43 'busy"},
    {PT_KIND_NACK, PT_E_RANGE, "[7 1 'NACK " ID "5 0 'busy 200"},
    {PT_KIND_NACK, PT_E_RANGE, "[7 1 'NACK " ID "5 43 'lazy 200"},
    {PT_KIND_NACK, PT_E_RANGE, "[7 1 'NACK " ID "5 43 ' 200"},
    {PT_KIND_NACK, PT_E_TYPE, "[7 1 'NACK " ID "5 43 0 200"},
    {PT_KIND_NACK, PT_E_RANGE, "[7 1 'NACK " ID "5 43 'busy 4294967296"},
    {PT_KIND_NACK, PT_E_COUNT, "[3 1 'NACK 'busy"},
    {PT_KIND_NACK, PT_E_COUNT, "[5 1 'NACK 'busy 200 1"},
    {PT_KIND_NACK, PT_E_RANGE, "[4 1 'NACK 'lazy 200"},
    {PT_KIND_NACK, PT_E_TYPE, "[4 1 'NACK 200 'busy"},
    {PT_KIND_NACK, PT_E_RANGE, "[4 1 'NACK 'busy -1"},

    {PT_KIND_READY, PT_E_COUNT, "[5 1 'READY " ID "5 7"},
    {PT_KIND_READY, PT_E_RANGE, "[6 1 'READY " ID "5 8 7"},
    {PT_KIND_READY, PT_E_RANGE, "[6 1 'READY " ID "5 -1 7"},
    {PT_KIND_READY, PT_E_RANGE, "[6 1 'READY " ID "5 1 9007199254740992"},

    {PT_KIND_DECISIONS, PT_E_COUNT, "[8 1 'DECISIONS " ID "5 1 1 2 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 0 1 2 0 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 1 0 2 0 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 1 4097 9999 0 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 1 2 2 0 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 9 1 2 0 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 1 1 2 4294967296 0"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 1 1 2 0 4"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 0 1 0 0 3"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 1 1 2 0 1"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 0 1 2 0 1"},
    {PT_KIND_DECISIONS, PT_E_RANGE, "[9 1 'DECISIONS " ID "5 0 1 0 0 2"},

    {PT_KIND_HEAD, PT_E_COUNT, "[6 1 'HEAD " ID "5 1 1"},
    {PT_KIND_HEAD, PT_E_RANGE, "[7 1 'HEAD " ID "5 0 1 '"},
    {PT_KIND_HEAD, PT_E_RANGE, "[7 1 'HEAD " ID "5 2 1 '"},
    {PT_KIND_HEAD, PT_E_TYPE, "[7 1 'HEAD " ID "5 1 1 nil"},
    {PT_KIND_HEAD, PT_E_MALFORMED, "[7 1 'HEAD " ID "5 1 1 'tcp://a\x1b[2J"},
    {PT_KIND_HEAD, PT_E_MALFORMED, "[7 1 'HEAD " ID "5 1 1 'tcp://\xc3\xa9"},

    {PT_KIND_HEADS, PT_E_COUNT, "[5 1 'HEADS " ID "5 '"},
    {PT_KIND_HEADS, PT_E_COUNT, "[6 1 'HEADS " ID "5 ' [0"},
    {PT_KIND_HEADS, PT_E_COUNT, "[6 1 'HEADS " ID "5 ' [1 [2 't.a. 1"},
    {PT_KIND_HEADS, PT_E_COUNT, "[6 1 'HEADS " ID "5 ' [1 [4 't.a. 1 1 1"},
    {PT_KIND_HEADS, PT_E_RANGE, "[6 1 'HEADS " ID "5 ' [1 [3 ' 1 1"},
    {PT_KIND_HEADS, PT_E_RANGE,
     "[6 1 'HEADS " ID "5 ' [1 [3 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 1"},
    {PT_KIND_HEADS, PT_E_RANGE, "[6 1 'HEADS " ID "5 ' [1 [3 't.a. 0 1"},
    {PT_KIND_HEADS, PT_E_RANGE, "[6 1 'HEADS " ID "5 ' [1 [3 't.a. 3 2"},

    {PT_KIND_OPEN, PT_E_COUNT, "[6 1 'OPEN 1 'n true [1 't."},
    {PT_KIND_OPEN, PT_E_RANGE, "[7 1 'OPEN 0 'n true [1 't. '"},
    {PT_KIND_OPEN, PT_E_RANGE, "[7 1 'OPEN 9007199254740992 'n true [1 't. '"},
    {PT_KIND_OPEN, PT_E_RANGE, "[7 1 'OPEN 1 ' true [1 't. '"},
    {PT_KIND_OPEN, PT_E_TYPE, "[7 1 'OPEN 1 'n 1 [1 't. '"},
    {PT_KIND_OPEN, PT_E_COUNT, "[7 1 'OPEN 1 'n true [0 '"},
    {PT_KIND_OPEN, PT_E_TYPE, "[7 1 'OPEN 1 'n true [1 nil '"},
    {PT_KIND_OPEN, PT_E_MALFORMED, "[7 1 'OPEN 1 'n\x1b true [1 't. '"},
    {PT_KIND_OPEN, PT_E_RANGE,
     "[7 1 'OPEN 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa true [1 't. '"},
    {PT_KIND_OPEN, PT_E_RANGE,
     "[7 1 'OPEN 1 'n true [1 't. 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},

    {PT_KIND_OPENED, PT_E_COUNT, "[6 1 'OPENED 1 " ID "5 [0"},
    {PT_KIND_OPENED, PT_E_RANGE, "[7 1 'OPENED 1 " ID "5 [0 true"},
    {PT_KIND_OPENED, PT_E_COUNT, "[7 1 'OPENED 1 " ID "5 [1 [3 't.a. 1 1 false"},
    {PT_KIND_OPENED, PT_E_RANGE, "[7 1 'OPENED 1 " ID "5 [1 [4 ' 1 1 1 false"},
    {PT_KIND_OPENED, PT_E_RANGE, "[7 1 'OPENED 1 " ID "5 [1 [4 't.a. 0 1 1 false"},
    {PT_KIND_OPENED, PT_E_RANGE, "[7 1 'OPENED 1 " ID "5 [1 [4 't.a. 3 2 2 false"},
    {PT_KIND_OPENED, PT_E_RANGE, "[7 1 'OPENED 1 " ID "5 [1 [4 't.a. 1 2 0 false"},
    {PT_KIND_OPENED, PT_E_RANGE, "[7 1 'OPENED 1 " ID "5 [1 [4 't.a. 1 2 3 false"},

    {PT_KIND_FETCH, PT_E_COUNT, "[6 1 'FETCH 1 't.a. 5 1"},
    {PT_KIND_FETCH, PT_E_RANGE, "[7 1 'FETCH 1 ' 5 1 1"},
    {PT_KIND_FETCH, PT_E_RANGE, "[7 1 'FETCH 1 't.a. -5 1 1"},
    {PT_KIND_FETCH, PT_E_RANGE, "[7 1 'FETCH 1 't.a. 5 0 1"},
    {PT_KIND_FETCH, PT_E_RANGE, "[7 1 'FETCH 1 't.a. 5 1 0"},
    {PT_KIND_FETCH, PT_E_RANGE, "[7 1 'FETCH 1 't.a. 5 1 1048577"},
    {PT_KIND_FETCHED, PT_E_RANGE, "[3 1 'FETCHED 0"},
    {PT_KIND_FETCHED, PT_E_COUNT, "[4 1 'FETCHED 1 1"},

    {PT_KIND_END, PT_E_RANGE, "[5 1 'END 1 0 1"},
    {PT_KIND_END, PT_E_RANGE, "[5 1 'END 1 2 1"},
    {PT_KIND_TRUNCATED, PT_E_RANGE, "[4 1 'TRUNCATED 1 0"},
    {PT_KIND_BADEPOCH, PT_E_RANGE, "[4 1 'BADEPOCH 1 -1"},

    {PT_KIND_SUBACK, PT_E_RANGE, "[6 1 'SUBACK 1 ' 5 [1 [2 't.a. 1"},
    {PT_KIND_SUBACK, PT_E_COUNT, "[6 1 'SUBACK 1 'n 5 [0"},
    {PT_KIND_SUBACK, PT_E_COUNT, "[6 1 'SUBACK 1 'n 5 [1 [1 't.a."},
    {PT_KIND_SUBACK, PT_E_RANGE, "[6 1 'SUBACK 1 'n 5 [1 [2 't.a. 0"},
    {PT_KIND_SUBACK, PT_E_RANGE, "[6 1 'SUBACK 1 'n 5 [1 [2 ' 1"},
    {PT_KIND_SUBACKED, PT_E_RANGE, "[3 1 'SUBACKED -1"},
    {PT_KIND_REFUSED, PT_E_RANGE, "[4 1 'REFUSED 1 'never"},
    {PT_KIND_REFUSED, PT_E_RANGE, "[4 1 'REFUSED 0 'busy"},
};

static void
every_broken_rule_is_refused(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    for (size_t i = 0; i < sizeof s_broken / sizeof s_broken[0]; i++) {
        pt_status_t status;
        pt_bytes_t header = wire_pack(s_broken[i].line);
        assert_int_equal(wire_recode[s_broken[i].kind](header, out, sizeof out, &status), 0);
        if (status != s_broken[i].status)
            fail_msg("%s: %s, not %s", s_broken[i].line, pt_status_text(s_broken[i].status), pt_status_text(status));
        wire_free(header);
    }
}

//  The same rules, held to the last value that they allow.
static void
bounds_are_inside(void **state)
{
    (void) state;
    static const struct {
        pt_kind_t kind;
        const char *line;
    } cases[] = {
        {PT_KIND_BATCH, "[8 1 'BATCH '0000000000000000 0 1 1 0 1"},
        {PT_KIND_BATCH, "[8 1 'BATCH 'ffffffffffffffff 9007199254740991 1063 40 4294967295 4096"},
        {PT_KIND_BATCH, "[8 1 'BATCH " ID "5 9007199254740991 9007199254739968 0 1"},
        {PT_KIND_ACK, "[3 1 'ACK 0"},
        {PT_KIND_ACK, "[3 1 'ACK 4096"},
        {PT_KIND_ACK, "[5 1 'ACK " ID "5 [1 [2 1 9007199254740991"},
        {PT_KIND_NACK, "[7 1 'NACK " ID "0 1 'unauthorized 4294967295"},
        {PT_KIND_READY, "[6 1 'READY " ID "0 0 0"},
        {PT_KIND_DECISIONS, "[9 1 'DECISIONS " ID "0 1 1 2 0 0"},
        {PT_KIND_DECISIONS, "[9 1 'DECISIONS " ID "0 1 4096 4097 0 2"},
        {PT_KIND_HEAD, "[7 1 'HEAD " ID "0 1 1 'ipc://!~"},
        {PT_KIND_HEADS, "[6 1 'HEADS " ID "0 ' [1 [3 't 1 1"},
        {PT_KIND_OPEN, "[7 1 'OPEN 9007199254740991 ' false [1 ' '"},
        {PT_KIND_OPEN, "[7 1 'OPEN 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa true [1 't. '"},
        {PT_KIND_OPENED, "[7 1 'OPENED 1 " ID "0 [1 [4 't 7 7 7 true"},
        {PT_KIND_OPENED, "[7 1 'OPENED 1 " ID "0 [1 [4 't 7 9 1 false"},
        {PT_KIND_FETCH, "[7 1 'FETCH 1 't 0 9007199254740991 1"},
        {PT_KIND_FETCH, "[7 1 'FETCH 1 't 0 1 1048576"},
        {PT_KIND_END, "[5 1 'END 1 1 1"},
        {PT_KIND_SUBACK, "[6 1 'SUBACK 1 'n 0 [1 [2 't 9007199254740991"},
        {PT_KIND_REFUSED, "[4 1 'REFUSED 1 'unauthorized"},
    };
    uint8_t out[PT_HEADER_BYTES_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_status_t status;
        pt_bytes_t header = wire_pack(cases[i].line);
        size_t len = wire_recode[cases[i].kind](header, out, sizeof out, &status);
        if (status != PT_OK)
            fail_msg("%s: %s", cases[i].line, pt_status_text(status));
        assert_int_equal(len, header.len);
        assert_memory_equal(out, header.data, len);
        wire_free(header);
    }
}

//  What other packers write: integers wider than they need be, and signed ones.
static void
wide_integers_are_read(void **state)
{
    (void) state;
    static const uint8_t header[] = {0x93, 0xcd, 0x00, 0x01, 0xa3, 'A', 'C', 'K', 0xd3, 0, 0, 0, 0, 0, 0, 0, 9};
    pt_ack_t ack;
    uint32_t plain_count;
    assert_int_equal(pt_ack_decode((pt_bytes_t) {header, sizeof header}, &ack, &plain_count), PT_OK);
    assert_int_equal(plain_count, 9);
}

static void
longest_frames_fit_the_header_limit(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX];
    char endpoint[PT_ENDPOINT_BYTES_MAX];
    char topic[PT_TOPIC_BYTES_MAX];
    memset(endpoint, 'e', sizeof endpoint);
    memset(topic, 't', sizeof topic);
    pt_ack_t ack = {.producer = WIRE_ID, .epoch = PT_WIRE_INTEGER_MAX, .range_count = PT_RANGES_MAX};
    for (size_t i = 0; i < PT_RANGES_MAX; i++)
        ack.ranges[i] = (pt_range_t) {PT_WIRE_INTEGER_MAX, PT_WIRE_INTEGER_MAX};
    pt_heads_t heads = {.worker = WIRE_ID,
                        .epoch = PT_WIRE_INTEGER_MAX,
                        .replay_endpoint = {endpoint, sizeof endpoint},
                        .head_count = PT_HEADS_MAX};
    for (size_t i = 0; i < PT_HEADS_MAX; i++)
        heads.heads[i] = (pt_topic_head_t) {{topic, sizeof topic}, PT_WIRE_INTEGER_MAX, PT_WIRE_INTEGER_MAX};

    pt_status_t status;
    uint8_t again[PT_HEADER_BYTES_MAX];
    size_t len = pt_ack_encode(&ack, out, sizeof out);
    assert_int_equal(len, 4899);
    assert_int_equal(wire_recode_ack((pt_bytes_t) {out, len}, again, sizeof again, &status), len);
    len = pt_heads_encode(&heads, out, sizeof out);
    assert_int_equal(len, 5734);
    assert_int_equal(wire_recode_heads((pt_bytes_t) {out, len}, again, sizeof again, &status), len);
}

static void
longest_replay_frames_fit_the_header_limit(void **state)
{
    (void) state;
    uint8_t out[PT_HEADER_BYTES_MAX], again[PT_HEADER_BYTES_MAX];
    char letters[PT_TOPIC_BYTES_MAX];
    memset(letters, 't', sizeof letters);
    pt_text_t longest = {letters, sizeof letters};
    uint64_t most = PT_WIRE_INTEGER_MAX;
    pt_open_t open = {.req_id = most, .name = longest, .durable = true, .prefix_count = PT_PREFIXES_MAX};
    pt_opened_t opened = {.req_id = most, .worker = WIRE_ID, .epoch = most, .topic_count = PT_HEADS_MAX};
    pt_suback_t suback = {.req_id = most, .name = longest, .epoch = most, .topic_count = PT_HEADS_MAX};
    open.after = longest;
    for (size_t i = 0; i < PT_HEADS_MAX; i++) {
        open.prefixes[i] = longest;
        opened.topics[i] = (pt_topic_place_t) {longest, most, most, most};
        suback.topics[i] = (pt_topic_next_t) {longest, most};
    }
    pt_status_t status;
    size_t len = pt_open_encode(&open, out, sizeof out);
    assert_int_equal(len, 4376);
    assert_int_equal(wire_recode_open((pt_bytes_t) {out, len}, again, sizeof again, &status), len);
    len = pt_opened_encode(&opened, out, sizeof out);
    assert_int_equal(len, 6064);
    assert_int_equal(wire_recode_opened((pt_bytes_t) {out, len}, again, sizeof again, &status), len);
    len = pt_suback_encode(&suback, out, sizeof out);
    assert_int_equal(len, 4960);
    assert_int_equal(wire_recode_suback((pt_bytes_t) {out, len}, again, sizeof again, &status), len);
}

//  A worker names the request that it refuses, so its number is there even where the rest is not.
static void
faulty_requests_keep_their_number(void **state)
{
    (void) state;
    pt_open_t open;
    pt_bytes_t header = wire_pack("[7 1 'OPEN 9 'n true [0 '");
    assert_int_equal(pt_open_decode(header, &open), PT_E_COUNT);
    assert_int_equal(open.req_id, 9);
    wire_free(header);
    pt_fetch_t fetch;
    header = wire_pack("[7 1 'FETCH 9 't.a. 5 0 1");
    assert_int_equal(pt_fetch_decode(header, &fetch), PT_E_RANGE);
    assert_int_equal(fetch.req_id, 9);
    assert_int_equal(fetch.from_seq, 0);
    wire_free(header);
    header = wire_pack("[7 1 'FETCH 0 't.a. 5 1 1");
    assert_int_equal(pt_fetch_decode(header, &fetch), PT_E_RANGE);
    assert_int_equal(fetch.req_id, 0);
    wire_free(header);
    pt_suback_t suback;
    header = wire_pack("[6 1 'SUBACK 9 'n 5 [1 [2 't.a. 0");
    assert_int_equal(pt_suback_decode(header, &suback), PT_E_RANGE);
    assert_int_equal(suback.req_id, 9);
    wire_free(header);
}

//  One range or one topic more than the limit, in frames that are otherwise sound.
static void
one_element_beyond_a_limit_is_refused(void **state)
{
    (void) state;
    static const struct {
        pt_kind_t kind;
        const char *start;
        const char *element;
        size_t limit;
    } cases[] = {
        {PT_KIND_ACK, "[5 1 'ACK " ID "5 [%zu", " [2 1 1", PT_RANGES_MAX},
        {PT_KIND_HEADS, "[6 1 'HEADS " ID "5 ' [%zu", " [3 't.a. 1 1", PT_HEADS_MAX},
        {PT_KIND_SUBACK, "[6 1 'SUBACK 1 'n 5 [%zu", " [2 't.a. 1", PT_HEADS_MAX},
    };
    uint8_t out[PT_HEADER_BYTES_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t count = cases[i].limit; count <= cases[i].limit + 1; count++) {
            char line[8192];
            int used = snprintf(line, sizeof line, cases[i].start, count);
            for (size_t k = 0; k < count; k++)
                used += snprintf(line + used, sizeof line - (size_t) used, "%s", cases[i].element);
            pt_status_t status;
            pt_bytes_t header = wire_pack(line);
            wire_recode[cases[i].kind](header, out, sizeof out, &status);
            assert_int_equal(status, count > cases[i].limit ? PT_E_COUNT : PT_OK);
            wire_free(header);
        }
}

//  Whatever noise does to a frame, a decoder takes it only as something that the encoder could
//  have written: the encoder asserts the ranges, and its bytes decode to the same bytes again.
static void
mutated_frames_are_refused_or_sound(void **state)
{
    (void) state;
    uint64_t seed = UINT64_C(0x5eed0fba7c4e5);
    pt_bytes_t vectors[WIRE_VECTOR_COUNT];
    for (size_t i = 0; i < WIRE_VECTOR_COUNT; i++)
        vectors[i] = wire_vector(wire_vectors[i].name);
    size_t taken = 0;
    for (unsigned round = 0; round < 50000; round++) {
        size_t i = wire_random(&seed) % WIRE_VECTOR_COUNT;
        wire_recode_f recode = wire_recode[wire_vectors[i].kind];
        uint8_t once[PT_HEADER_BYTES_MAX];
        uint8_t twice[PT_HEADER_BYTES_MAX];
        pt_status_t status;
        pt_bytes_t noise = wire_mutate(vectors[i], &seed);
        size_t len = recode(noise, once, sizeof once, &status);
        assert_int_equal(len == 0, status != PT_OK);
        if (len) {
            taken++;
            assert_int_equal(recode((pt_bytes_t) {once, len}, twice, sizeof twice, &status), len);
            assert_memory_equal(once, twice, len);
        }
        wire_free(noise);
    }
    //  Some mutations only change a number: were none taken, nothing but refusals was tested.
    assert_in_range(taken, 500, 25000);
    for (size_t i = 0; i < WIRE_VECTOR_COUNT; i++)
        wire_free(vectors[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_longer_than_the_limit_is_refused),
        cmocka_unit_test(every_cut_and_every_added_byte_is_refused),
        cmocka_unit_test(every_decoder_refuses_the_other_kinds),
        cmocka_unit_test(encoders_need_exactly_the_room_they_use),
        cmocka_unit_test(every_broken_rule_is_refused),
        cmocka_unit_test(bounds_are_inside),
        cmocka_unit_test(wide_integers_are_read),
        cmocka_unit_test(longest_frames_fit_the_header_limit),
        cmocka_unit_test(longest_replay_frames_fit_the_header_limit),
        cmocka_unit_test(faulty_requests_keep_their_number),
        cmocka_unit_test(one_element_beyond_a_limit_is_refused),
        cmocka_unit_test(mutated_frames_are_refused_or_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
