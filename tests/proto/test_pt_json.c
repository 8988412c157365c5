//  JSON text <-> msgpack: nothing gained, nothing lost.

#include "codec_support.h"
#include "pt_model.h"

static void
test_every_vector(void **state)
{
    (void) state;
    static const char *const folders[] = {"response", "decision"};
    size_t with_raw = 0;
    for (size_t folder = 0; folder < 2; folder++) {
        glob_t vectors = support_vectors(folders[folder]);
        for (size_t index = 0; index < vectors.gl_pathc; index++) {
            pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
            char *expected = support_read_json(vectors.gl_pathv[index]);
            char *json;
            assert_int_equal(pt_json_of_msgpack(frame, &json), PT_OK);
            assert_string_equal(json, expected);
            //  Base64 is a string on the way back; everything else gives the same bytes.
            pt_bytes_t back = support_pack(expected);
            if (strstr(expected, "\"raw\"")) {
                with_raw++;
            } else {
                assert_int_equal(back.len, frame.len);
                assert_memory_equal(back.data, frame.data, frame.len);
            }
            support_free(back);
            free(json);
            free(expected);
            support_free(frame);
        }
        globfree(&vectors);
    }
    assert_int_equal(with_raw, 2);
}

static void
test_json_to_msgpack(void **state)
{
    (void) state;
    static const struct {
        const char *json;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"null", "\xc0", 1},
        {" true ", "\xc3", 1},
        {"\"\"", "\xa0", 1},
        {"\"a\\u0000b\"",
         "\xa3"
         "a\0b",
         4},
        {"127", "\x7f", 1},
        {"128", "\xcc\x80", 2},
        {"-1", "\xff", 1},
        {"-129", "\xd1\xff\x7f", 3},
        {"1.0", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", 9},
        {"9223372036854775807", "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
        {"9223372036854775808", "\xcb\x43\xe0\x00\x00\x00\x00\x00\x00", 9},
        {"[7,9223372036854775808,1.5]",
         "\x93\x07\xcb\x43\xe0\x00\x00\x00\x00\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 20},
        {"{\"b\":1,\"a\":2}",
         "\x82\xa1"
         "b\x01\xa1"
         "a\x02",
         7},
        {"\xef\xbb\xbf[]", "\x90", 1},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        pt_bytes_t packed = support_pack(cases[index].json);
        assert_int_equal(packed.len, cases[index].len);
        assert_memory_equal(packed.data, cases[index].bytes, packed.len);
        support_free(packed);
    }
}

static void
test_text_that_is_no_json(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "line 1, column 1: not JSON"},
        {"{", "line 1, column 2: not JSON"},
        {"{}x", "line 1, column 3: not JSON"},
        {"[1,\n 2,\n x]", "line 3, column 2: not JSON"},
        {"1e", "line 1, column 3: not JSON"},
        {"\xff", "line 1, column 1: not JSON"},
        {"[\"\xc3\xa9\" 1]", "line 1, column 6: not JSON"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        uint8_t *bytes = NULL;
        size_t len;
        char error[160];
        assert_int_equal(pt_json_to_msgpack(pt_text_of(cases[index].text), &bytes, &len, error), PT_E_MALFORMED);
        assert_string_equal(error, cases[index].error);
        assert_int_equal(pt_json_to_msgpack(pt_text_of(cases[index].text), &bytes, &len, NULL), PT_E_MALFORMED);
        assert_null(bytes);
    }
}

static void
test_zero_byte_between_tokens(void **state)
{
    (void) state;
    static const struct {
        pt_text_t json;
        const char *error;
    } cases[] = {
        {{"[-12\0,1]", 8}, "line 1, column 5: not JSON"},
        {{"\0{}", 3}, "line 1, column 1: not JSON"},
        {{"{}\0", 3}, "line 1, column 3: not JSON"},
        {{"{\n\n \"a\":\0 1}", 12}, "line 3, column 6: not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *bytes = NULL;
        size_t len;
        char error[160];
        assert_int_equal(pt_json_to_msgpack(cases[i].json, &bytes, &len, error), PT_E_MALFORMED);
        assert_string_equal(error, cases[i].error);
        assert_null(bytes);
    }
}

static void
test_depth(void **state)
{
    (void) state;
    static const int depths[] = {PT_DEPTH_MAX, PT_DEPTH_MAX + 1, 2000, 100000};
    static char text[200001];
    for (size_t index = 0; index < 4; index++) {
        int depth = depths[index];
        memset(text, '[', (size_t) depth);
        memset(text + depth, ']', (size_t) depth);
        uint8_t *bytes;
        size_t len;
        char error[160];
        pt_status_t status = pt_json_to_msgpack((pt_text_t) {text, 2 * (size_t) depth}, &bytes, &len, error);
        if (depth == PT_DEPTH_MAX) {
            assert_int_equal(status, PT_OK);
            assert_int_equal(len, PT_DEPTH_MAX);
            free(bytes);
        } else {
            assert_int_equal(status, PT_E_DEPTH);
            assert_string_equal(error, "nested deeper than 33 levels");
        }
    }
}

static void
test_msgpack_to_json(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *json;
    } cases[] = {
        {"\xc0", 1, "null"},
        {"\xca\x3f\xc0\x00\x00", 5, "1.5"},
        {"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", 9, "null"},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, "\"18446744073709551615\""},
        {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, "-9223372036854775808"},
        {"\xc4\x00", 2, "\"\""},
        {"\xc4\x01"
         "f",
         3, "\"Zg==\""},
        {"\xc4\x02"
         "fo",
         4, "\"Zm8=\""},
        {"\xc4\x03"
         "foo",
         5, "\"Zm9v\""},
        {"\xc4\x06\xfb\xff\xbf\x00\x10\x83", 8, "\"+/+/ABCD\""},
        {"\xd4\x07"
         "f",
         3, "{\"$ext\":7,\"data\":\"Zg==\"}"},
        {"\xd4\xff"
         "f",
         3, "{\"$ext\":-1,\"data\":\"Zg==\"}"},
        {"\xa2\xc3(", 3, "\"\xef\xbf\xbd(\""},
        {"\xa3"
         "a\0b",
         4, "\"a\\u0000b\""},
        {"\x83\x01\xa1x\xc3\x90\x91\x05\x80", 9, "{\"1\":\"x\",\"true\":[],\"kQU=\":{}}"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char *json;
        pt_bytes_t bytes = {(const uint8_t *) cases[index].bytes, cases[index].len};
        assert_int_equal(pt_json_of_msgpack(bytes, &json), PT_OK);
        assert_string_equal(json, cases[index].json);
        free(json);
    }
}

static void
test_bytes_that_are_no_msgpack(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        pt_status_t status;
    } cases[] = {
        {"", 0, PT_E_TRUNCATED},
        {"\x01\x02", 2, PT_E_TRAILING},
        {"\xc1", 1, PT_E_MALFORMED},
        {"\x91\xc1", 2, PT_E_MALFORMED},
        {"\x82\x01\x02\x03", 4, PT_E_TRUNCATED},
        {"\x81\x91", 2, PT_E_TRUNCATED},
        {"\x82\xa1x\x91\x01\x91\xc1\x05", 8, PT_E_MALFORMED},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char *json = NULL;
        pt_bytes_t bytes = {(const uint8_t *) cases[index].bytes, cases[index].len};
        assert_int_equal(pt_json_of_msgpack(bytes, &json), cases[index].status);
        assert_null(json);
    }
    //  Maps as keys of maps, 32 deep: each level once more in quotes would take longer than anybody lives.
    uint8_t keys[32 + 33];
    memset(keys, 0x81, 32);
    memset(keys + 32, 1, 33);
    char *printed = NULL;
    assert_int_equal(pt_json_of_msgpack((pt_bytes_t) {keys, sizeof keys}, &printed), PT_OK);
    assert_true(strlen(printed) < 200);
    free(printed);
    static uint8_t nested[10000];
    memset(nested, 0x91, sizeof nested);
    char *json = NULL;
    assert_int_equal(pt_json_of_msgpack((pt_bytes_t) {nested, sizeof nested}, &json), PT_E_DEPTH);
    memset(nested, 0x81, sizeof nested);
    assert_int_equal(pt_json_of_msgpack((pt_bytes_t) {nested, sizeof nested}, &json), PT_E_DEPTH);
}

//  Any bytes: a text or a fault, and no leak on the way out.
static void
test_mutated_vectors(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[support_random(&seed) % vectors.gl_pathc]);
        uint8_t *copy = support_copy(frame.data, frame.len);
        copy[support_random(&seed) % frame.len] = (uint8_t) support_random(&seed);
        char *json = NULL;
        if (pt_json_of_msgpack((pt_bytes_t) {copy, frame.len}, &json) == PT_OK) {
            pt_bytes_t back = support_pack(json);
            support_free(back);
        }
        free(json);
        free(copy);
        support_free(frame);
    }
    globfree(&vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector),
        cmocka_unit_test(test_json_to_msgpack),
        cmocka_unit_test(test_text_that_is_no_json),
        cmocka_unit_test(test_zero_byte_between_tokens),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_msgpack_to_json),
        cmocka_unit_test(test_bytes_that_are_no_msgpack),
        cmocka_unit_test(test_mutated_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
