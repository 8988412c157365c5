//  Envelopes: what is taken, what is refused and in which words, and that no bytes do harm.

#include "codec_support.h"
#include "pt_response.h"

//  Bytes given as a literal, so that NULs count.
typedef struct {
    const char *bytes;
    size_t len;
    pt_status_t status;
    const char *error;
} s_fault_t;

#define FAULT(literal, status, error)                                                                                  \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1, (status), (error)                                                              \
    }
#define PROVIDER                                                                                                       \
    "\xa8"                                                                                                             \
    "provider\xa1x"

//  The bytes themselves are wrong.
static const s_fault_t s_byte_faults[] = {
    FAULT("", PT_E_TRUNCATED, "empty: there are no bytes"),
    FAULT("{\"provider\":\"opn\"}", PT_E_TYPE, "not a map: the bytes look like JSON text"),
    FAULT(" \r\n\t[1]", PT_E_TYPE, "not a map: the bytes look like JSON text"),
    FAULT("hello", PT_E_TYPE, "not a map"),
    FAULT("\xc0", PT_E_TYPE, "not a map"),
    FAULT("\x91\x80", PT_E_TYPE, "not a map"),
    FAULT("\xc1", PT_E_MALFORMED, "not msgpack, byte 0xc1"),
    FAULT("\xde\x00", PT_E_TRUNCATED, "the bytes end inside the map"),
    FAULT("\xdf\xff\xff\xff\xff", PT_E_TRUNCATED, "the bytes end inside the map"),
    FAULT("\x80", PT_E_MISSING, "provider: missing"),
    FAULT("\x81" PROVIDER "\xc0", PT_E_TRAILING, "bytes follow the map"),
    FAULT("\x82" PROVIDER, PT_E_TRUNCATED, "an unknown key: the bytes end inside its value"),
    FAULT("\x82" PROVIDER "\xa2id", PT_E_TRUNCATED, "id: the bytes end inside its value"),
    FAULT("\x82" PROVIDER "\xa2id\xd9\x05"
          "ab",
          PT_E_TRUNCATED, "id: the bytes end inside its value"),
    FAULT("\x82" PROVIDER "\xa4"
          "body\x91\xc1",
          PT_E_MALFORMED, "body: not msgpack, byte 0xc1"),
    FAULT("\x82" PROVIDER "\xc1\x01", PT_E_MALFORMED, "an unknown key: not msgpack, byte 0xc1"),
    FAULT("\x82" PROVIDER PROVIDER, PT_E_DUPLICATE, "provider: given twice"),
    //  Behind the keys that most producers begin with.
    FAULT("\x85\xa2id\xa1x" PROVIDER "\xa9operation\xa1x\xabhttp_status\xcc\xc8\xa2id\xa1y", PT_E_DUPLICATE,
          "id: given twice"),
    FAULT("\x84\xa2id\xa1x" PROVIDER "\xa9operation\xa1x\xabhttp_status\xcc\xc8\xa7"
          "attempt\x01",
          PT_E_TRAILING, "bytes follow the map"),
    FAULT("\x84\xa2id\xa1x" PROVIDER "\xa9operation\xa1x\xabhttp_status", PT_E_TRUNCATED,
          "http_status: the bytes end inside its value"),
    FAULT("\x84\xa2id\xa1x" PROVIDER "\xa9operation\xa1x\xabhttp_status\xcc\x07", PT_E_RANGE,
          "http_status: out of range, 100 to 599"),
    FAULT("\x81\xa8provider\xa2\xc3(", PT_E_UTF8, "provider: not UTF-8"),
    FAULT("\x82" PROVIDER "\xa7"
          "account\xa1\xff",
          PT_E_UTF8, "account: not UTF-8"),
    FAULT("\x82" PROVIDER "\xa2id\xc4\x01z", PT_E_TYPE, "id: not a string"),
};

//  The envelope says something wrong; given as JSON, which says the same.
static const struct {
    const char *json;
    pt_status_t status;
    const char *error;
} s_value_faults[] = {
    {"{\"id\":\"a\"}", PT_E_MISSING, "provider: missing"},
    {"{\"provider\":null}", PT_E_MISSING, "provider: missing"},
    {"{\"provider\":\"\"}", PT_E_RANGE, "provider: not 1 to 64 bytes long"},
    {"{\"provider\":7}", PT_E_TYPE, "provider: not a string"},
    {"{\"provider\":\"x\",\"id\":\"\"}", PT_E_RANGE, "id: not 1 to 128 bytes long"},
    {"{\"provider\":\"x\",\"id\":5}", PT_E_TYPE, "id: not a string"},
    {"{\"provider\":\"x\",\"operation\":[]}", PT_E_TYPE, "operation: not a string"},
    {"{\"provider\":\"x\",\"http_status\":99}", PT_E_RANGE, "http_status: out of range, 100 to 599"},
    {"{\"provider\":\"x\",\"http_status\":600}", PT_E_RANGE, "http_status: out of range, 100 to 599"},
    {"{\"provider\":\"x\",\"http_status\":65736}", PT_E_RANGE, "http_status: out of range, 100 to 599"},
    {"{\"provider\":\"x\",\"http_status\":-200}", PT_E_RANGE, "http_status: out of range, 100 to 599"},
    {"{\"provider\":\"x\",\"http_status\":200.0}", PT_E_TYPE, "http_status: not an unsigned integer"},
    {"{\"provider\":\"x\",\"http_status\":\"200\"}", PT_E_TYPE, "http_status: not an unsigned integer"},
    {"{\"provider\":\"x\",\"transport\":\"ok\"}", PT_E_RANGE,
     "transport: not timeout, connect_failed, reset or tls_failed"},
    {"{\"provider\":\"x\",\"transport\":\"none\"}", PT_E_RANGE,
     "transport: not timeout, connect_failed, reset or tls_failed"},
    {"{\"provider\":\"x\",\"transport\":1}", PT_E_TYPE, "transport: not a string"},
    {"{\"provider\":\"x\",\"attempt\":0}", PT_E_RANGE, "attempt: out of range, 1 to 4294967295"},
    {"{\"provider\":\"x\",\"attempt\":4294967296}", PT_E_RANGE, "attempt: out of range, 1 to 4294967295"},
    {"{\"provider\":\"x\",\"attempt\":true}", PT_E_TYPE, "attempt: not an unsigned integer"},
    {"{\"provider\":\"x\",\"received_ms\":9007199254740992}", PT_E_RANGE,
     "received_ms: out of range, 0 to 9007199254740991"},
    {"{\"provider\":\"x\",\"first_attempt_ms\":-1}", PT_E_RANGE,
     "first_attempt_ms: out of range, 0 to 9007199254740991"},
    {"{\"provider\":\"x\",\"retry_after_ms\":1.5}", PT_E_TYPE, "retry_after_ms: not an unsigned integer"},
    {"{\"provider\":\"x\",\"idempotent\":1}", PT_E_TYPE, "idempotent: not a boolean"},
    {"{\"provider\":\"x\",\"redriven\":\"yes\"}", PT_E_TYPE, "redriven: not a boolean"},
    {"{\"provider\":\"x\",\"reference\":{}}", PT_E_TYPE, "reference: not a string"},
    //  The first of several faults is the one that is told.
    {"{\"attempt\":0,\"http_status\":1}", PT_E_RANGE, "attempt: out of range, 1 to 4294967295"},
};

static void
s_check_fault(pt_bytes_t frame, pt_status_t status, const char *expected)
{
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    uint8_t *copy = support_copy(frame.data, frame.len);
    assert_int_equal(pt_response_decode((pt_bytes_t) {copy, frame.len}, &response, error), status);
    assert_string_equal(error, expected);
    free(copy);
}

static void
test_faults_of_the_bytes(void **state)
{
    (void) state;
    for (size_t index = 0; index < sizeof s_byte_faults / sizeof *s_byte_faults; index++) {
        const s_fault_t *fault = &s_byte_faults[index];
        s_check_fault((pt_bytes_t) {(const uint8_t *) fault->bytes, fault->len}, fault->status, fault->error);
    }
}

static void
test_faults_of_the_values(void **state)
{
    (void) state;
    for (size_t index = 0; index < sizeof s_value_faults / sizeof *s_value_faults; index++) {
        pt_bytes_t frame = support_pack(s_value_faults[index].json);
        s_check_fault(frame, s_value_faults[index].status, s_value_faults[index].error);
        support_free(frame);
    }
}

//  One byte beyond each limit of a text.
static void
test_texts_beyond_their_limits(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        int max;
        const char *error;
    } keys[] = {{"id", 128, "id: not 1 to 128 bytes long"},
                {"provider", 64, "provider: not 1 to 64 bytes long"},
                {"operation", 128, "operation: not 0 to 128 bytes long"},
                {"reference", 128, "reference: not 0 to 128 bytes long"},
                {"account", 64, "account: not 0 to 64 bytes long"}};
    for (size_t index = 0; index < sizeof keys / sizeof *keys; index++) {
        char json[512];
        snprintf(json, sizeof json, "{\"%s\":\"%0*d\"}", keys[index].name, keys[index].max + 1, 0);
        pt_bytes_t frame = support_pack(json);
        s_check_fault(frame, PT_E_RANGE, keys[index].error);
        support_free(frame);
    }
}

static void
test_every_key(void **state)
{
    (void) state;
    pt_bytes_t frame = support_read(PT_SOURCE_DIR "/tests/vectors/response/envelope-all-keys.msgpack");
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
    assert_string_equal(error, "");
    assert_text(response.id, "r-1");
    assert_text(response.provider, "smilepayz");
    assert_text(response.operation, "pay_in");
    assert_text(response.reference, "order-88812");
    assert_text(response.account, "acct-7");
    assert_int_equal(response.http_status, 500);
    assert_int_equal(response.transport, PT_TRANSPORT_RESET);
    assert_int_equal(response.attempt, 3);
    assert_true(response.first_attempt_ms == UINT64_C(1760000000000));
    assert_true(response.received_ms == UINT64_C(1760000031000));
    assert_true(response.retry_after_ms == 1500);
    assert_true(response.idempotent);
    assert_int_equal(response.body_kind, PT_BODY_MSGPACK);
    assert_int_equal(response.body.data[0], 0x82);
    support_free(frame);
}

#define ORDERED_PAIRS 5

//  Which pair stands at each place of a map, from number `order` of all orders.
static void
s_pick_order(unsigned order, unsigned picks[ORDERED_PAIRS])
{
    unsigned left[ORDERED_PAIRS] = {0, 1, 2, 3, 4};
    for (unsigned place = 0; place < ORDERED_PAIRS; place++) {
        unsigned count = ORDERED_PAIRS - place;
        unsigned pick = order % count;
        order /= count;
        picks[place] = left[pick];
        memmove(left + pick, left + pick + 1, (count - pick - 1) * sizeof *left);
    }
}

//  The first `count` pairs of an order, each of which says the same wherever it stands.
static void
s_check_order(unsigned order, unsigned count)
{
    static const char *const pairs[ORDERED_PAIRS] = {
        "\"id\":\"i-1\"", "\"provider\":\"opn\"", "\"operation\":\"refund\"", "\"http_status\":404", "\"attempt\":2"};
    unsigned picks[ORDERED_PAIRS], given = 0;
    char json[256] = "{";
    s_pick_order(order, picks);
    for (unsigned place = 0; place < count; place++) {
        given |= 1u << picks[place];
        snprintf(json + strlen(json), sizeof json - strlen(json), "%s%s", place ? "," : "", pairs[picks[place]]);
    }
    snprintf(json + strlen(json), sizeof json - strlen(json), "}");
    pt_bytes_t frame = support_pack(json);
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode(frame, &response, error), given & 2 ? PT_OK : PT_E_MISSING);
    assert_true(pt_text_equal(response.id, given & 1 ? PT_TEXT("i-1") : PT_TEXT_NONE));
    assert_true(pt_text_equal(response.provider, given & 2 ? PT_TEXT("opn") : PT_TEXT_NONE));
    assert_true(pt_text_equal(response.operation, given & 4 ? PT_TEXT("refund") : PT_TEXT_NONE));
    assert_int_equal(response.http_status, given & 8 ? 404 : 0);
    assert_int_equal(response.attempt, given & 16 ? 2 : 1);
    support_free(frame);
}

static void
test_keys_in_every_order(void **state)
{
    (void) state;
    for (unsigned order = 0; order < 120; order++)
        for (unsigned count = 1; count <= ORDERED_PAIRS; count++)
            s_check_order(order, count);
}

static void
test_absent_keys(void **state)
{
    (void) state;
    static const char *const names[] = {"minimal", "envelope-nils"};
    for (size_t index = 0; index < 2; index++) {
        char path[512];
        snprintf(path, sizeof path, "%s/tests/vectors/response/%s.msgpack", PT_SOURCE_DIR, names[index]);
        pt_bytes_t frame = support_read(path);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        memset(&response, 0xff, sizeof response);
        assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
        assert_non_null(response.provider.data);
        assert_null(response.id.data);
        assert_null(response.operation.data);
        assert_null(response.reference.data);
        assert_null(response.account.data);
        assert_int_equal(response.http_status, 0);
        assert_int_equal(response.transport, PT_TRANSPORT_NONE);
        assert_int_equal(response.attempt, 1);
        assert_true(response.first_attempt_ms == 0 && response.received_ms == 0 && response.retry_after_ms == 0);
        assert_false(response.idempotent || response.redriven);
        assert_int_equal(response.body_kind, PT_BODY_NONE);
        support_free(frame);
    }
}

static void
test_kinds_of_bodies(void **state)
{
    (void) state;
    static const struct {
        const char *body;
        size_t len;
        pt_body_kind_t kind;
    } bodies[] = {
        {"\x80", 1, PT_BODY_MSGPACK},  {"\xa2{}", 3, PT_BODY_JSON},       {"\xc4\x02{}", 4, PT_BODY_JSON},
        {"\xc0", 1, PT_BODY_NONE},     {"\x92\x01\x02", 3, PT_BODY_NONE}, {"\x05", 1, PT_BODY_NONE},
        {"\xc3", 1, PT_BODY_NONE},     {"\xd4\x01x", 3, PT_BODY_NONE},    {"\xca\x00\x00\x00\x00", 5, PT_BODY_NONE},
        {"\xa1\xff", 2, PT_BODY_JSON},
    };
    for (size_t index = 0; index < sizeof bodies / sizeof *bodies; index++) {
        uint8_t frame[64] = "\x82" PROVIDER "\xa4"
                            "body";
        size_t head = sizeof("\x82" PROVIDER "\xa4"
                             "body") -
                      1;
        memcpy(frame + head, bodies[index].body, bodies[index].len);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        assert_int_equal(pt_response_decode((pt_bytes_t) {frame, head + bodies[index].len}, &response, error), PT_OK);
        assert_int_equal(response.body_kind, bodies[index].kind);
        if (bodies[index].kind == PT_BODY_MSGPACK)
            assert_ptr_equal(response.body.data, frame + head);
    }
}

//  Keys of any type and depth may stand beside ours.
static void
test_keys_that_are_not_ours(void **state)
{
    (void) state;
    static const uint8_t frame[] = "\x88\x01\x02\xc0\xc0\x92\x01\x02\x03\x81\x01\x02\xa1z\xca\x00\x00\x00\x00\xc3"
                                   "\xa9unrelated\x91\x91\x91\xc2\xa3ids\x05" PROVIDER;
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode((pt_bytes_t) {frame, sizeof frame - 1}, &response, error), PT_OK);
    assert_text(response.provider, "x");
}

/*  A frame with `body` nested `levels` deep, its id and provider behind it. */
static pt_bytes_t
s_nest_body(size_t levels, bool as_key)
{
    uint8_t *frame = malloc(levels + 64);
    assert_non_null(frame);
    size_t len = 0;
    frame[len++] = 0x83;
    if (!as_key) {
        memcpy(frame + len,
               "\xa4"
               "body",
               5);
        len += 5;
    }
    memset(frame + len, 0x91, levels);
    len += levels;
    frame[len++] = 0xc0;
    if (as_key)
        frame[len++] = 0xc0;
    memcpy(frame + len, "\xa2id\xa4late" PROVIDER, 8 + sizeof(PROVIDER) - 1);
    len += 8 + sizeof(PROVIDER) - 1;
    return (pt_bytes_t) {frame, len};
}

static void
test_depth(void **state)
{
    (void) state;
    static const size_t depths[] = {31, 32, 33, 10000};
    for (size_t index = 0; index < 4; index++) {
        for (int as_key = 0; as_key < 2; as_key++) {
            pt_bytes_t frame = s_nest_body(depths[index], as_key);
            pt_response_t response;
            char error[PT_ERROR_BYTES_MAX];
            pt_status_t status = pt_response_decode(frame, &response, error);
            assert_int_equal(status, depths[index] < PT_DEPTH_MAX ? PT_OK : PT_E_DEPTH);
            //  What stands behind it is read all the same.
            assert_text(response.id, "late");
            assert_text(response.provider, "x");
            if (status != PT_OK)
                assert_string_equal(error, as_key ? "an unknown key: nested deeper than 32 levels"
                                                  : "body: nested deeper than 32 levels");
            support_free(frame);
        }
    }
}

static void
test_size(void **state)
{
    (void) state;
    uint8_t *frame = calloc(1, PT_RESPONSE_BYTES_MAX + 1);
    assert_non_null(frame);
    //  A body of text that fills the frame to its last byte.
    size_t head = sizeof("\x82" PROVIDER "\xa4"
                         "body") -
                  1;
    memcpy(frame,
           "\x82" PROVIDER "\xa4"
           "body",
           head);
    uint32_t text = (uint32_t) (PT_RESPONSE_BYTES_MAX - head - 5);
    frame[head] = 0xdb;
    frame[head + 1] = (uint8_t) (text >> 24);
    frame[head + 2] = (uint8_t) (text >> 16);
    frame[head + 3] = (uint8_t) (text >> 8);
    frame[head + 4] = (uint8_t) text;
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode((pt_bytes_t) {frame, PT_RESPONSE_BYTES_MAX}, &response, error), PT_OK);
    assert_int_equal(response.body.len, text);
    assert_int_equal(pt_response_decode((pt_bytes_t) {frame, PT_RESPONSE_BYTES_MAX + 1}, &response, error), PT_E_SIZE);
    assert_string_equal(error, "larger than 262144 bytes");
    free(frame);
}

static void
test_what_was_read_well_stays(void **state)
{
    (void) state;
    pt_bytes_t frame = support_pack("{\"http_status\":9999,\"operation\":7,\"id\":\"r-9\",\"attempt\":4,"
                                    "\"provider\":\"opn\",\"body\":{\"code\":\"x\"}}");
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode(frame, &response, error), PT_E_RANGE);
    assert_text(response.id, "r-9");
    assert_text(response.provider, "opn");
    assert_int_equal(response.attempt, 4);
    assert_int_equal(response.http_status, 0);
    assert_null(response.operation.data);
    assert_int_equal(response.body_kind, PT_BODY_MSGPACK);
    //  Cut before its end, too.
    assert_int_equal(pt_response_decode((pt_bytes_t) {frame.data, frame.len - 1}, &response, error), PT_E_RANGE);
    assert_text(response.id, "r-9");
    support_free(frame);
}

static void
test_the_first_of_a_duplicate_stays(void **state)
{
    (void) state;
    static const uint8_t frame[] = "\x84" PROVIDER "\xa2id\xa1"
                                   "a"
                                   "\xa2id\xa1"
                                   "b"
                                   "\xa2id\xc0";
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode((pt_bytes_t) {frame, sizeof frame - 1}, &response, error), PT_E_DUPLICATE);
    assert_string_equal(error, "id: given twice");
    assert_text(response.id, "a");
}

static void
test_every_vector_and_every_cut(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        if (pt_response_decode(frame, &response, error) != PT_OK)
            fail_msg("%s: %s", vectors.gl_pathv[index], error);
        uint8_t *last = support_page_end(frame.data, frame.len);
        assert_int_equal(pt_response_decode((pt_bytes_t) {last, frame.len}, &response, error), PT_OK);
        support_page_release(last, frame.len);
        for (size_t len = 0; len < frame.len; len++) {
            uint8_t *copy = support_copy(frame.data, len);
            pt_status_t status = pt_response_decode((pt_bytes_t) {copy, len}, &response, error);
            assert_int_equal(status, PT_E_TRUNCATED);
            assert_true(error[0] != '\0' && pt_text_is_utf8(pt_text_of(error)));
            free(copy);
        }
        support_free(frame);
    }
    globfree(&vectors);
}

//  Whatever a peer sends: an answer, and never a text outside the frame.
static void
test_mutated_vectors(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    uint64_t seed = 20251117;
    unsigned accepted = 0, refused = 0;
    for (int round = 0; round < 50000; round++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[support_random(&seed) % vectors.gl_pathc]);
        uint8_t *copy = support_copy(frame.data, frame.len);
        for (uint64_t change = support_random(&seed) % 4 + 1; change > 0; change--)
            copy[support_random(&seed) % frame.len] = (uint8_t) support_random(&seed);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        pt_status_t status = pt_response_decode((pt_bytes_t) {copy, frame.len}, &response, error);
        assert_int_equal(status == PT_OK, error[0] == '\0');
        accepted += status == PT_OK;
        refused += status != PT_OK;
        if (response.provider.data) {
            const uint8_t *data = (const uint8_t *) response.provider.data;
            assert_true(data >= copy && data + response.provider.len <= copy + frame.len);
            assert_true(pt_text_is_utf8(response.provider));
        }
        free(copy);
        support_free(frame);
    }
    assert_true(accepted > 1000 && refused > 1000);
    globfree(&vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_of_the_bytes),
        cmocka_unit_test(test_faults_of_the_values),
        cmocka_unit_test(test_texts_beyond_their_limits),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_keys_in_every_order),
        cmocka_unit_test(test_absent_keys),
        cmocka_unit_test(test_kinds_of_bodies),
        cmocka_unit_test(test_keys_that_are_not_ours),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_what_was_read_well_stays),
        cmocka_unit_test(test_the_first_of_a_duplicate_stays),
        cmocka_unit_test(test_every_vector_and_every_cut),
        cmocka_unit_test(test_mutated_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
