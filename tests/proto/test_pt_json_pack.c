//  JSON text as msgpack, beside another parser: the same texts are refused, and the others say the same.

#include "codec_support.h"
#include "pt_cursor.h"
#include "pt_json_pack.h"
#include "pt_model.h"

#include <jansson.h>
#include <locale.h>

#define GUARD_BYTES 64

//  Pack a text whose last byte is the last one that can be read, into room whose end is looked after.
static pt_status_t
s_pack(pt_text_t text, unsigned levels, uint8_t **out_room, size_t *out_len, size_t *out_at)
{
    size_t room = PT_JSON_ROOM(text.len);
    uint8_t guard[GUARD_BYTES];
    memset(guard, 0xa5, sizeof guard);
    uint8_t *out = malloc(room + sizeof guard);
    assert_non_null(out);
    memcpy(out + room, guard, sizeof guard);
    uint8_t *copy = support_page_end((const uint8_t *) text.data, text.len);
    pt_status_t status = pt_json_pack((pt_text_t) {(const char *) copy, text.len}, levels, out, out_len, out_at);
    support_page_release(copy, text.len);
    assert_memory_equal(out + room, guard, sizeof guard);
    assert_true(*out_at <= text.len);
    *out_room = out;
    return status;
}

//  Numbers beyond a double, halves of pairs, a zero byte in a key and bytes that are no UTF-8: the other parser refuses
//  them, and ours does not.
static bool
s_is_refused_by_jansson_alone(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
           code == json_error_invalid_utf8 || strstr(error->text, "invalid Unicode '");
}

//  What another parser makes of a text, as one line; NULL: it refuses it. False: it has limits of its own there.
static bool
s_ask_jansson(pt_text_t text, char **out_line)
{
    *out_line = NULL;
    if (text.len && memchr(text.data, 0, text.len))
        return false;
    json_error_t error;
    json_t *root = json_loadb(text.data ? text.data : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!root)
        return !s_is_refused_by_jansson_alone(&error);
    *out_line = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(*out_line);
    json_decref(root);
    return true;
}

static void
s_compare(pt_text_t text)
{
    uint8_t *packed;
    size_t len, at;
    char *theirs, *ours = NULL;
    pt_status_t status = s_pack(text, PT_DEPTH_MAX, &packed, &len, &at);
    bool comparable = s_ask_jansson(text, &theirs) && status != PT_E_DEPTH;
    if (comparable && (status == PT_OK) != (theirs != NULL))
        fail_msg("status %d, the other says %s: %.*s", status, theirs ? theirs : "no", (int) text.len, text.data);
    if (status == PT_OK)
        assert_int_equal(pt_json_of_msgpack((pt_bytes_t) {packed, len}, &ours), PT_OK);
    if (comparable && theirs)
        assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
    free(packed);
}

//  Every line of the recorded answers and of the codecs' vectors, whole and cut at every byte.
static void
test_vectors_cut_at_every_byte(void **state)
{
    (void) state;
    glob_t files;
    assert_int_equal(glob(PT_SOURCE_DIR "/tests/vectors/bodies/*.jsonl", 0, NULL, &files), 0);
    assert_int_equal(glob(PT_SOURCE_DIR "/tests/vectors/response/*.json", GLOB_APPEND, NULL, &files), 0);
    size_t lines = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        pt_bytes_t file = support_read(files.gl_pathv[i]);
        const char *at = (const char *) file.data, *end = at + file.len;
        for (const char *newline; at < end && (newline = memchr(at, '\n', (size_t) (end - at))); at = newline + 1) {
            s_compare((pt_text_t) {at, (size_t) (newline - at)});
            for (size_t cut = 0; cut < (size_t) (newline - at); cut++)
                s_compare((pt_text_t) {at, cut});
            lines++;
        }
        support_free(file);
    }
    globfree(&files);
    assert_true(lines > 500);
}

//  ---- generated texts

typedef struct {
    char bytes[4096];
    size_t len;
    uint64_t seed;
} s_text_t;

static void
s_add(s_text_t *text, const char *piece)
{
    size_t len = strlen(piece);
    if (text->len + len < sizeof text->bytes) {
        memcpy(text->bytes + text->len, piece, len);
        text->len += len;
    }
}

static const char *
s_pick(s_text_t *text, const char *const *pieces, size_t count)
{
    return pieces[support_random(&text->seed) % count];
}

#define PICK(text, ...)                                                                                                \
    s_pick((text), (const char *const[]) {__VA_ARGS__}, sizeof((const char *const[]) {__VA_ARGS__}) / sizeof(char *))

static void
s_add_string(s_text_t *text)
{
    s_add(text, "\"");
    for (uint64_t left = support_random(&text->seed) % 12; left > 0; left--)
        s_add(text, PICK(text, "a", "code", "0123456789abcdef", "\\\"", "\\\\", "\\/", "\\b\\f\\n\\r\\t", "\\u0041",
                         "\\u00e9", "\\u20AC", "\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x7f",
                         "\xef\xbf\xbf", "the payer's bank declined the charge"));
    s_add(text, "\"");
}

static void
s_add_number(s_text_t *text)
{
    char digits[32];
    switch (support_random(&text->seed) % 4) {
    case 0:
        snprintf(digits, sizeof digits, "%lld",
                 (long long) support_random(&text->seed) >> support_random(&text->seed) % 64);
        break;
    case 1:
        snprintf(digits, sizeof digits, "%.*g", (int) (support_random(&text->seed) % 18),
                 (double) (int64_t) support_random(&text->seed) / 1e9);
        break;
    default:
        s_add(text, PICK(text, "0", "-0", "-0.0", "1e1", "1E+2", "1.5e-7", "127", "128", "255", "256", "65535", "65536",
                         "4294967295", "4294967296", "-32", "-33", "-128", "-129", "-32768", "-32769", "-2147483648",
                         "-2147483649", "9223372036854775807", "-9223372036854775808", "1e308", "5e-324", "1e-999",
                         "0.1", "1250.00", "0.000000000000000000000000000000000000000000000001"));
        return;
    }
    s_add(text, digits);
}

static void
s_add_value(s_text_t *text, unsigned levels)
{
    s_add(text, PICK(text, "", "", "", " ", "\n\t", "\r\n  "));
    uint64_t choice = support_random(&text->seed) % (levels ? 8 : 6);
    if (choice < 2)
        s_add_string(text);
    else if (choice < 4)
        s_add_number(text);
    else if (choice < 6)
        s_add(text, PICK(text, "true", "false", "null"));
    bool is_map = choice == 6;
    if (choice >= 6) {
        s_add(text, is_map ? "{" : "[");
        uint64_t count = support_random(&text->seed) % 20;
        for (uint64_t i = 0; i < count; i++) {
            s_add(text, i ? "," : "");
            if (is_map) {
                s_add(text, PICK(text, "\"id\"", "\"\"", "\"code\"", " \"a\\u0062\" ",
                                 "\"a key of more than 31 bytes, so long\""));
                s_add(text, ":");
            }
            s_add_value(text, levels - 1);
        }
        s_add(text, is_map ? "}" : "]");
    }
    s_add(text, PICK(text, "", "", " "));
}

//  Texts by the grammar, each as it is and with some bytes changed.
static void
test_generated_texts(void **state)
{
    (void) state;
    static s_text_t text;
    text.seed = 11;
    for (int round = 0; round < 4000; round++) {
        text.len = 0;
        s_add_value(&text, 1 + (unsigned) (support_random(&text.seed) % 4));
        s_compare((pt_text_t) {text.bytes, text.len});
        for (int change = 0; change < 4; change++) {
            size_t at = support_random(&text.seed) % text.len;
            static const char marks[] = "\"\\{}[],:0-.eE+u \x1f\x80\xed\xff\n";
            text.bytes[at] = marks[support_random(&text.seed) % (sizeof marks - 1)];
            s_compare((pt_text_t) {text.bytes, text.len});
        }
    }
}

//  ---- single texts

static void
test_what_is_refused_and_where(void **state)
{
    (void) state;
    static const struct {
        pt_text_t text;
        size_t at;
    } cases[] = {
        {{"", 0}, 0},
        {{"  ", 2}, 2},
        {{"{\"a\":1,}", 8}, 7},
        {{"[1,]", 4}, 3},
        {{"[1 2]", 5}, 3},
        {{"{\"a\" 1}", 7}, 5},
        {{"{1:2}", 5}, 1},
        {{"{\"a\":}", 6}, 5},
        {{"nul", 3}, 0},
        {{"truth", 5}, 0},
        {{"01", 2}, 2},
        {{"-", 1}, 1},
        {{"+1", 2}, 0},
        {{".5", 2}, 0},
        {{"1.", 2}, 2},
        {{"1e", 2}, 2},
        {{"1e+", 3}, 3},
        {{"0x10", 4}, 1},
        {{"NaN", 3}, 0},
        {{"Infinity", 8}, 0},
        {{"'a'", 3}, 0},
        {{"[\"a\nb\"]", 7}, 1},
        {{"\"\\x\"", 4}, 0},
        {{"\"\\u12g4\"", 8}, 0},
        {{"\"\\ud800\\u00g1\"", 14}, 0},
        {{"\"\\", 2}, 0},
        {{"\"\\u123", 6}, 0},
        {{"\"\xc3", 2}, 0},
        {{"\xff", 1}, 0},
        {{"[\"\xff\" 1]", 7}, 5},
        {{"{}\0", 3}, 2},
        {{"[1,\0 2]", 7}, 3},
        {{"/* */ 1", 7}, 0},
        {{"{} {}", 5}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *packed;
        size_t len, at;
        assert_int_equal(s_pack(cases[i].text, PT_DEPTH_MAX, &packed, &len, &at), PT_E_MALFORMED);
        if (at != cases[i].at)
            fail_msg("offset %zu, not %zu: %s", at, cases[i].at, cases[i].text.data);
        free(packed);
    }
}

//  A text that was cut in the middle of a pair is still read, and what stands around the half, too.
static void
test_half_of_a_pair_is_replaced(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"\"a\\ud83d b\"", "a\xef\xbf\xbd b"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"{\"\\ud83d\":1}", "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *packed;
        size_t len, at, head = cases[i].text[0] == '{' ? 2 : 1, said = strlen(cases[i].said);
        assert_int_equal(s_pack(pt_text_of(cases[i].text), PT_DEPTH_MAX, &packed, &len, &at), PT_OK);
        assert_true(len >= head + said);
        assert_int_equal(packed[head - 1], 0xa0 | said);
        assert_memory_equal(packed + head, cases[i].said, said);
        free(packed);
    }
}

//  Bytes that are no UTF-8 stay what they are, in texts and keys, beside escapes and in long texts.
static void
test_bytes_that_are_no_utf8_stay(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        pt_bytes_t packed;
    } cases[] = {
        {"\"\xc3\"", {(const uint8_t *) "\xa1\xc3", 2}},
        {"\"\xed\xa0\x80\"", {(const uint8_t *) "\xa3\xed\xa0\x80", 4}},
        {"\"\xc0\x80\"", {(const uint8_t *) "\xa2\xc0\x80", 3}},
        {"\"\\n\xff\"", {(const uint8_t *) "\xa2\n\xff", 3}},
        {"{\"\xff\":1}", {(const uint8_t *) "\x81\xa1\xff\x01", 4}},
        {"{\"a\\u0000\":1}",
         {(const uint8_t *) "\x81\xa2"
                            "a\0\x01",
          5}},
        {"[\"\xe0\xb8\",\"x\"]", {(const uint8_t *) "\x92\xa2\xe0\xb8\xa1x", 6}},
        {"1e309", {(const uint8_t *) "\xcb\x7f\xf0\0\0\0\0\0\0", 9}},
        {"-1e309", {(const uint8_t *) "\xcb\xff\xf0\0\0\0\0\0\0", 9}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *packed;
        size_t len, at;
        assert_int_equal(s_pack(pt_text_of(cases[i].text), PT_DEPTH_MAX, &packed, &len, &at), PT_OK);
        assert_int_equal(len, cases[i].packed.len);
        assert_memory_equal(packed, cases[i].packed.data, len);
        free(packed);
    }
}

static void
test_equal_keys_all_stay(void **state)
{
    (void) state;
    pt_bytes_t packed = support_pack("{\"a\":1,\"b\":{\"c\":1,\"c\":2},\"a\":3}");
    static const char expected[] = "\x83\xa1"
                                   "a\x01\xa1"
                                   "b\x82\xa1"
                                   "c\x01\xa1"
                                   "c\x02\xa1"
                                   "a\x03";
    assert_int_equal(packed.len, sizeof expected - 1);
    assert_memory_equal(packed.data, expected, packed.len);
    support_free(packed);
}

//  Heads at the borders of their sizes, and integers that only a float holds.
static void
test_sizes_and_numbers(void **state)
{
    (void) state;
    static const size_t lengths[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 200000};
    static char text[2 * 200000 + 8];
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        size_t count = lengths[i / 2], len = 0;
        text[len++] = i % 2 ? '"' : '[';
        for (size_t k = 0; k < count; k++) {
            text[len++] = i % 2 ? 'x' : '7';
            if (i % 2 == 0 && k + 1 < count)
                text[len++] = ',';
        }
        text[len++] = i % 2 ? '"' : ']';
        uint8_t *packed;
        size_t packed_len, at;
        assert_int_equal(s_pack((pt_text_t) {text, len}, 1, &packed, &packed_len, &at), PT_OK);
        pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {packed, packed_len});
        pt_value_t value;
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
        assert_int_equal(value.kind, i % 2 ? PT_VALUE_STR : PT_VALUE_ARRAY);
        assert_int_equal(i % 2 ? value.as.text.len : value.as.count, count);
        size_t head = i % 2 ? (count < 32      ? 1
                               : count < 256   ? 2
                               : count < 65536 ? 3
                                               : 5)
                            : (count < 16      ? 1
                               : count < 65536 ? 3
                                               : 5);
        assert_int_equal(packed_len, head + count);
        free(packed);
    }
    static const struct {
        const char *text;
        double real;
    } reals[] = {{"9223372036854775808", 9223372036854775808.0},
                 {"-9223372036854775809", -9223372036854775808.0},
                 {"18446744073709551616", 18446744073709551616.0},
                 {"99999999999999999999999999999999999999999", 1e41}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        char array[64];
        snprintf(array, sizeof array, "[%s,9007199254740993]", reals[i].text);
        pt_bytes_t packed = support_pack(array);
        pt_cursor_t cursor = pt_cursor_open(packed);
        pt_value_t value;
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
        assert_int_equal(value.kind, PT_VALUE_FLOAT);
        assert_true(value.as.real == reals[i].real);
        //  The others stay exact beside it.
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
        assert_true(value.kind == PT_VALUE_UINT && value.as.natural == UINT64_C(9007199254740993));
        support_free(packed);
    }
}

//  What grows most, up to some lengths: the guard behind the room sees the first byte too many.
static void
test_room(void **state)
{
    (void) state;
    static const char *const units[] = {"1e1,",   "[1e1],", "[[1e1]],", "[],",         "{},",         "128,",
                                        "65536,", "-33,",   "\"\",",    "{\"\":1e1},", "\"\\u0041\","};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        for (size_t count = 1; count < 70000; count = 3 * count + 1) {
            size_t unit = strlen(units[i]);
            char *text = malloc(count * unit + 2);
            assert_non_null(text);
            text[0] = '[';
            for (size_t k = 0; k < count; k++)
                memcpy(text + 1 + k * unit, units[i], unit);
            text[count * unit] = ']';
            s_compare((pt_text_t) {text, count * unit + 1});
            free(text);
        }
    char deep[2 * 64 + 3];
    for (size_t depth = 1; depth <= 64; depth++) {
        memset(deep, '[', depth);
        memcpy(deep + depth, "1e1", 3);
        memset(deep + depth + 3, ']', depth);
        uint8_t *packed;
        size_t len, at;
        assert_int_equal(s_pack((pt_text_t) {deep, 2 * depth + 3}, 64, &packed, &len, &at), PT_OK);
        assert_int_equal(len, depth + 9);
        free(packed);
        if (depth < 64) {
            assert_int_equal(s_pack((pt_text_t) {deep, 2 * depth + 3}, (unsigned) depth - 1, &packed, &len, &at),
                             PT_E_DEPTH);
            free(packed);
        }
    }
}

//  Whatever the program's language writes between whole and fraction.
static void
test_decimal_comma(void **state)
{
    (void) state;
    static const char *const names[] = {"de_DE.UTF-8", "uk_UA.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setlocale(LC_ALL, names[i]); //  what is not installed changes nothing
        pt_bytes_t packed = support_pack("1.5");
        assert_int_equal(packed.len, 9);
        assert_memory_equal(packed.data, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 9);
        support_free(packed);
    }
    setlocale(LC_ALL, "C");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_cut_at_every_byte),
        cmocka_unit_test(test_generated_texts),
        cmocka_unit_test(test_what_is_refused_and_where),
        cmocka_unit_test(test_bytes_that_are_no_utf8_stay),
        cmocka_unit_test(test_half_of_a_pair_is_replaced),
        cmocka_unit_test(test_equal_keys_all_stay),
        cmocka_unit_test(test_sizes_and_numbers),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_decimal_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
