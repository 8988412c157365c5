//  Every form of msgpack is read as msgpack-c writes it, and nothing beyond the bytes is believed.

#include "codec_support.h"
#include "pt_cursor.h"

#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>

typedef struct {
    const char *bytes;
    size_t len;
    pt_value_kind_t kind;
    int64_t number; //  of integers, booleans, counts and lengths
} s_form_t;

#define FORM(literal, kind, number)                                                                                    \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1, (kind), (number)                                                               \
    }

static const s_form_t s_forms[] = {
    FORM("\xc0", PT_VALUE_NIL, 0),
    FORM("\xc2", PT_VALUE_BOOL, 0),
    FORM("\xc3", PT_VALUE_BOOL, 1),
    FORM("\x00", PT_VALUE_UINT, 0),
    FORM("\x7f", PT_VALUE_UINT, 127),
    FORM("\xcc\xff", PT_VALUE_UINT, 255),
    FORM("\xcd\xff\xfe", PT_VALUE_UINT, 65534),
    FORM("\xce\xff\xff\xff\xfe", PT_VALUE_UINT, 4294967294),
    FORM("\xcf\x01\x02\x03\x04\x05\x06\x07\x08", PT_VALUE_UINT, 0x0102030405060708),
    FORM("\xff", PT_VALUE_INT, -1),
    FORM("\xe0", PT_VALUE_INT, -32),
    FORM("\xd0\x80", PT_VALUE_INT, -128),
    FORM("\xd1\x80\x00", PT_VALUE_INT, -32768),
    FORM("\xd2\x80\x00\x00\x00", PT_VALUE_INT, INT32_MIN),
    FORM("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", PT_VALUE_INT, INT64_MIN),
    FORM("\xd0\x7f", PT_VALUE_UINT, 127),
    FORM("\xd1\x00\x05", PT_VALUE_UINT, 5),
    FORM("\xd2\x00\x00\x00\x05", PT_VALUE_UINT, 5),
    FORM("\xd3\x00\x00\x00\x00\x00\x00\x00\x05", PT_VALUE_UINT, 5),
    FORM("\xa0", PT_VALUE_STR, 0),
    FORM("\xa3xyz", PT_VALUE_STR, 3),
    FORM("\xd9\x03xyz", PT_VALUE_STR, 3),
    FORM("\xda\x00\x03xyz", PT_VALUE_STR, 3),
    FORM("\xdb\x00\x00\x00\x03xyz", PT_VALUE_STR, 3),
    FORM("\xc4\x03xyz", PT_VALUE_BIN, 3),
    FORM("\xc5\x00\x03xyz", PT_VALUE_BIN, 3),
    FORM("\xc6\x00\x00\x00\x03xyz", PT_VALUE_BIN, 3),
    FORM("\xd4\x05x", PT_VALUE_EXT, 1),
    FORM("\xd5\x05xy", PT_VALUE_EXT, 2),
    FORM("\xd6\xffxyzw", PT_VALUE_EXT, 4),
    FORM("\xd7\x05xyzwxyzw", PT_VALUE_EXT, 8),
    FORM("\xd8\x05xyzwxyzwxyzwxyzw", PT_VALUE_EXT, 16),
    FORM("\xc7\x03\x05xyz", PT_VALUE_EXT, 3),
    FORM("\xc8\x00\x03\x05xyz", PT_VALUE_EXT, 3),
    FORM("\xc9\x00\x00\x00\x03\x05xyz", PT_VALUE_EXT, 3),
    FORM("\x90", PT_VALUE_ARRAY, 0),
    FORM("\x92\x01\x02", PT_VALUE_ARRAY, 2),
    FORM("\xdc\x00\x02\x01\x02", PT_VALUE_ARRAY, 2),
    FORM("\xdd\x00\x00\x00\x02\x01\x02", PT_VALUE_ARRAY, 2),
    FORM("\x80", PT_VALUE_MAP, 0),
    FORM("\x81\x01\x02", PT_VALUE_MAP, 1),
    FORM("\xde\x00\x01\x01\x02", PT_VALUE_MAP, 1),
    FORM("\xdf\x00\x00\x00\x01\x01\x02", PT_VALUE_MAP, 1),
};
#define FORMS (sizeof s_forms / sizeof *s_forms)

static int64_t
s_number_of(const pt_value_t *value)
{
    switch (value->kind) {
    case PT_VALUE_BOOL:
        return value->as.boolean;
    case PT_VALUE_UINT:
        return (int64_t) value->as.natural;
    case PT_VALUE_INT:
        return value->as.integer;
    case PT_VALUE_STR:
        return (int64_t) value->as.text.len;
    case PT_VALUE_BIN:
    case PT_VALUE_EXT:
        return (int64_t) value->as.bytes.len;
    case PT_VALUE_ARRAY:
    case PT_VALUE_MAP:
        return value->as.count;
    default:
        return 0;
    }
}

static void
test_every_form(void **state)
{
    (void) state;
    for (size_t index = 0; index < FORMS; index++) {
        const s_form_t *form = &s_forms[index];
        uint8_t *copy = support_copy((const uint8_t *) form->bytes, form->len);
        pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {copy, form->len});
        pt_value_t value;
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
        assert_int_equal(value.kind, form->kind);
        assert_true(s_number_of(&value) == form->number);
        if (form->kind == PT_VALUE_STR && form->number)
            assert_memory_equal(value.as.text.data, "xyz", 3);
        if (form->kind == PT_VALUE_BIN)
            assert_memory_equal(value.as.bytes.data, "xyz", 3);
        if (form->kind == PT_VALUE_EXT) {
            assert_int_equal(value.ext_type, form->number == 4 ? -1 : 5);
            assert_int_equal(value.as.bytes.data[0], 'x');
        }
        assert_int_equal(pt_cursor_skip_children(&cursor, &value, 1), PT_OK);
        assert_int_equal(pt_cursor_end(&cursor), PT_OK);
        free(copy);
    }
}

static void
test_every_form_cut(void **state)
{
    (void) state;
    for (size_t index = 0; index < FORMS; index++) {
        for (size_t len = 0; len < s_forms[index].len; len++) {
            uint8_t *copy = support_copy((const uint8_t *) s_forms[index].bytes, len);
            pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {copy, len});
            assert_int_equal(pt_cursor_skip(&cursor, 1), PT_E_TRUNCATED);
            cursor = pt_cursor_open((pt_bytes_t) {copy, len});
            assert_int_equal(pt_cursor_skip_deep(&cursor), PT_E_TRUNCATED);
            free(copy);
        }
    }
}

static void
test_floats(void **state)
{
    (void) state;
    pt_value_t value;
    pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {(const uint8_t *) "\xca\x3f\xc0\x00\x00", 5});
    assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
    assert_int_equal(value.kind, PT_VALUE_FLOAT);
    assert_true(value.as.real == 1.5);
    cursor = pt_cursor_open((pt_bytes_t) {(const uint8_t *) "\xcb\xc0\x04\x00\x00\x00\x00\x00\x00", 9});
    assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
    assert_true(value.as.real == -2.5);
}

//  One announced byte more than there is, up to the largest announcement of each form.
static void
test_announcements_beyond_the_bytes(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
    } lies[] = {
        {"\xa1", 1},
        {"\xbfx", 2},
        {"\xd9\xffx", 3},
        {"\xda\xff\xffx", 4},
        {"\xdb\xff\xff\xff\xffx", 6},
        {"\xc4\xffx", 3},
        {"\xc5\xff\xffx", 4},
        {"\xc6\xff\xff\xff\xffx", 6},
        {"\xc7\xff\x01x", 4},
        {"\xc8\xff\xff\x01x", 5},
        {"\xc9\xff\xff\xff\xff\x01x", 7},
        {"\x91", 1},
        {"\x9f\x01", 2},
        {"\xdc\xff\xff\x01", 4},
        {"\xdd\xff\xff\xff\xff\x01", 6},
        {"\xdd\x80\x00\x00\x01\x01\x01", 7},
        {"\x81\x01", 2},
        {"\x8f\x01", 2},
        {"\xde\xff\xff\x01", 4},
        {"\xdf\xff\xff\xff\xff\x01", 6},
        {"\xdf\x80\x00\x00\x00\x01", 6}, //  twice that is 0 in 32 bits
        {"\xdf\x80\x00\x00\x01\x01\x01", 7},
    };
    for (size_t index = 0; index < sizeof lies / sizeof *lies; index++) {
        uint8_t *copy = support_copy((const uint8_t *) lies[index].bytes, lies[index].len);
        pt_bytes_t bytes = {copy, lies[index].len};
        pt_value_t value;
        pt_cursor_t cursor = pt_cursor_open(bytes);
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_E_TRUNCATED);
        cursor = pt_cursor_open(bytes);
        assert_int_equal(pt_cursor_skip(&cursor, PT_DEPTH_MAX), PT_E_TRUNCATED);
        cursor = pt_cursor_open(bytes);
        assert_int_equal(pt_cursor_skip_deep(&cursor), PT_E_TRUNCATED);
        free(copy);
    }
}

static void
test_the_byte_that_is_no_msgpack(void **state)
{
    (void) state;
    pt_value_t value;
    pt_bytes_t bytes = {(const uint8_t *) "\x92\x01\xc1", 3};
    pt_cursor_t cursor = pt_cursor_open(bytes);
    assert_int_equal(pt_cursor_skip(&cursor, 1), PT_E_MALFORMED);
    cursor = pt_cursor_open((pt_bytes_t) {bytes.data + 2, 1});
    assert_int_equal(pt_cursor_next(&cursor, &value), PT_E_MALFORMED);
    cursor = pt_cursor_open((pt_bytes_t) {NULL, 0});
    assert_int_equal(pt_cursor_next(&cursor, &value), PT_E_TRUNCATED);
}

static void
test_nesting(void **state)
{
    (void) state;
    static uint8_t nested[10001];
    static const uint8_t openers[] = {0x91, 0x81};
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t depth = 1; depth <= PT_DEPTH_MAX; depth++) {
            //  As a map: key nil, value the next level.
            size_t len = 0;
            for (size_t level = 0; level < depth; level++) {
                nested[len++] = openers[kind];
                if (kind == 1)
                    nested[len++] = 0xc0;
            }
            nested[len++] = 0xc0;
            pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {nested, len});
            assert_int_equal(pt_cursor_skip(&cursor, (unsigned) depth), PT_OK);
            assert_int_equal(pt_cursor_end(&cursor), PT_OK);
            cursor = pt_cursor_open((pt_bytes_t) {nested, len});
            assert_int_equal(pt_cursor_skip(&cursor, (unsigned) depth - 1), PT_E_DEPTH);
            cursor = pt_cursor_open((pt_bytes_t) {nested, len});
            assert_int_equal(pt_cursor_skip_deep(&cursor), PT_OK);
            assert_int_equal(pt_cursor_end(&cursor), PT_OK);
        }
    }
    memset(nested, 0x91, sizeof nested);
    nested[sizeof nested - 1] = 0xc0;
    pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {nested, sizeof nested});
    assert_int_equal(pt_cursor_skip(&cursor, PT_DEPTH_MAX), PT_E_DEPTH);
    cursor = pt_cursor_open((pt_bytes_t) {nested, sizeof nested});
    assert_int_equal(pt_cursor_skip_deep(&cursor), PT_OK);
    assert_int_equal(pt_cursor_end(&cursor), PT_OK);
}

static void
test_many_arrays_beside_each_other_are_not_deep(void **state)
{
    (void) state;
    //  One array of many small ones, more than may nest; the last of them holds another.
    uint8_t bytes[3 + 2 * 100 + 1] = {0xdc, 0, 100};
    for (size_t index = 0; index < 100; index++) {
        bytes[3 + 2 * index] = 0x91;
        bytes[4 + 2 * index] = 0xc0;
    }
    bytes[sizeof bytes - 2] = 0x91;
    bytes[sizeof bytes - 1] = 0xc0;
    pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {bytes, sizeof bytes});
    assert_int_equal(pt_cursor_skip(&cursor, 3), PT_OK);
    assert_int_equal(pt_cursor_end(&cursor), PT_OK);
    cursor = pt_cursor_open((pt_bytes_t) {bytes, sizeof bytes});
    assert_int_equal(pt_cursor_skip(&cursor, 2), PT_E_DEPTH);
    for (size_t len = 0; len < sizeof bytes; len++) {
        cursor = pt_cursor_open((pt_bytes_t) {bytes, len});
        assert_int_equal(pt_cursor_skip(&cursor, 3), PT_E_TRUNCATED);
    }
}

static void
test_values_of_one_kind(void **state)
{
    (void) state;
    pt_bytes_t bytes = {(const uint8_t *) "\x92\x81\xc3\xc4\x01z\x05\xff\xa2xy\xa1\xff", 13};
    pt_cursor_t cursor = pt_cursor_open(bytes);
    uint32_t count = 0;
    uint64_t natural = 0;
    bool boolean = false;
    pt_bytes_t bin = {NULL, 0};
    pt_text_t text = PT_TEXT_NONE;
    assert_int_equal(pt_cursor_array(&cursor, &count), PT_OK);
    assert_int_equal(count, 2);
    assert_int_equal(pt_cursor_map(&cursor, &count), PT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(pt_cursor_bool(&cursor, &boolean), PT_OK);
    assert_true(boolean);
    assert_int_equal(pt_cursor_bin(&cursor, &bin), PT_OK);
    assert_int_equal(bin.len, 1);
    pt_cursor_t number = cursor;
    assert_int_equal(pt_cursor_uint(&cursor, 5, &natural), PT_OK);
    assert_true(natural == 5);
    assert_int_equal(pt_cursor_uint(&number, 4, &natural), PT_E_RANGE);
    assert_int_equal(pt_cursor_uint(&cursor, 9, &natural), PT_E_RANGE);
    pt_cursor_t string = cursor;
    assert_int_equal(pt_cursor_text(&cursor, 2, &text), PT_OK);
    assert_text(text, "xy");
    pt_cursor_t again = string;
    assert_int_equal(pt_cursor_text(&again, 1, &text), PT_E_RANGE);
    assert_int_equal(pt_cursor_uint(&string, 9, &natural), PT_E_TYPE);
    assert_int_equal(pt_cursor_text(&cursor, 9, &text), PT_E_UTF8);
    assert_text(text, "xy");
    assert_int_equal(pt_cursor_end(&cursor), PT_OK);
    cursor = pt_cursor_open(bytes);
    assert_int_equal(pt_cursor_end(&cursor), PT_E_TRAILING);
    assert_int_equal(pt_cursor_left(&cursor), 13);
    assert_int_equal(pt_cursor_text(&cursor, 9, &text), PT_E_TYPE);
}

//  msgpack-c writes integers of every size; the cursor reads each one back.
static void
test_integers_of_msgpack_c(void **state)
{
    (void) state;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        int64_t integer = (int64_t) support_random(&seed) >> (support_random(&seed) % 64);
        msgpack_sbuffer_clear(&buffer);
        msgpack_pack_int64(&packer, integer);
        pt_value_t value;
        pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {(const uint8_t *) buffer.data, buffer.size});
        assert_int_equal(pt_cursor_next(&cursor, &value), PT_OK);
        assert_int_equal(value.kind, integer < 0 ? PT_VALUE_INT : PT_VALUE_UINT);
        assert_true(s_number_of(&value) == integer);
        assert_int_equal(pt_cursor_end(&cursor), PT_OK);
    }
    msgpack_sbuffer_destroy(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_every_form_cut),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_announcements_beyond_the_bytes),
        cmocka_unit_test(test_the_byte_that_is_no_msgpack),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_many_arrays_beside_each_other_are_not_deep),
        cmocka_unit_test(test_values_of_one_kind),
        cmocka_unit_test(test_integers_of_msgpack_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
