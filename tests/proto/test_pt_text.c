//  Cutting never halves a character, and UTF-8 is exactly what RFC 3629 says.

#include "codec_support.h"
#include "pt_text.h"

/*  The UTF-8 of a code point, also of one that UTF-8 must not encode. */
static size_t
s_write_point(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char) point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char) (0xc0 | point >> 6);
        out[1] = (char) (0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char) (0xe0 | point >> 12);
        out[1] = (char) (0x80 | (point >> 6 & 63));
        out[2] = (char) (0x80 | (point & 63));
        return 3;
    }
    out[0] = (char) (0xf0 | point >> 18);
    out[1] = (char) (0x80 | (point >> 12 & 63));
    out[2] = (char) (0x80 | (point >> 6 & 63));
    out[3] = (char) (0x80 | (point & 63));
    return 4;
}

static void
test_every_code_point(void **state)
{
    (void) state;
    for (uint32_t point = 0; point < 0x110800; point++) {
        char bytes[4];
        size_t len = s_write_point(point, bytes);
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        bool expected = !is_surrogate && point <= 0x10ffff;
        if (pt_text_is_utf8((pt_text_t) {bytes, len}) != expected)
            fail_msg("U+%04X", point);
        //  Each shorter piece of it is no text.
        for (size_t cut = 1; cut < len; cut++)
            assert_false(pt_text_is_utf8((pt_text_t) {bytes, cut}));
    }
}

static void
test_bytes_that_are_no_text(void **state)
{
    (void) state;
    static const char *const faults[] = {"\x80",
                                         "\xbf",
                                         "\xc0\x80",
                                         "\xc1\xbf",
                                         "\xe0\x80\x80",
                                         "\xe0\x9f\xbf",
                                         "\xf0\x80\x80\x80",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf5\x80\x80\x80",
                                         "\xff",
                                         "\xfe",
                                         "\xc3(",
                                         "\xe2\x28\xa1",
                                         "\xe2\x82("};
    for (size_t index = 0; index < sizeof faults / sizeof *faults; index++) {
        //  Anywhere in a longer text, so that every path through whole words is taken.
        for (size_t at = 0; at < 20; at++) {
            char text[64];
            int len =
                snprintf(text, sizeof text, "%.*s%s%s", (int) at, "abcdefghijklmnopqrst", faults[index], "uvwxyz");
            uint8_t *copy = support_copy((const uint8_t *) text, (size_t) len);
            assert_false(pt_text_is_utf8((pt_text_t) {(const char *) copy, (size_t) len}));
            free(copy);
        }
    }
}

static void
test_texts_of_every_length(void **state)
{
    (void) state;
    char text[67];
    for (size_t len = 0; len <= 64; len++) {
        memset(text, 'x', len);
        memcpy(text + len, "\xc3\xa9", 2);
        for (size_t extra = 0; extra <= 2; extra++) {
            uint8_t *copy = support_copy((const uint8_t *) text, len + extra);
            assert_int_equal(pt_text_is_utf8((pt_text_t) {(const char *) copy, len + extra}), extra != 1);
            free(copy);
        }
    }
    assert_true(pt_text_is_utf8(PT_TEXT_NONE));
    assert_true(pt_text_is_utf8((pt_text_t) {"a\0b", 3}));
}

static void
test_texts_at_the_end_of_a_page(void **state)
{
    (void) state;
    static const uint8_t text[70] = "every text ends where its page ends, whether it is short or a bit more";
    for (size_t len = 1; len <= sizeof text; len++) {
        uint8_t *copy = support_page_end(text, len);
        pt_text_t ours = {(const char *) copy, len}, other = {(const char *) text, len};
        assert_true(pt_text_is_utf8(ours));
        assert_true(pt_text_equal(ours, other) && pt_text_equal(other, ours));
        copy[len - 1] ^= 0x81;
        assert_false(pt_text_is_utf8(ours));
        assert_false(pt_text_equal(ours, other) || pt_text_equal(other, ours));
        support_page_release(copy, len);
    }
}

/*  What follows a text in memory is no part of it. */
static void
test_texts_among_other_bytes(void **state)
{
    (void) state;
    char left[160], right[160];
    for (size_t len = 1; len <= 70; len++) {
        memset(left, 0xff, sizeof left);
        memset(right, 0xfe, sizeof right);
        memset(left, 'x', len);
        memset(right, 'x', len);
        pt_text_t ours = {left, len}, other = {right, len};
        assert_true(pt_text_is_utf8(ours));
        assert_true(pt_text_equal(ours, other));
        for (size_t at = 0; at < len; at++) {
            right[at] = 'y';
            assert_false(pt_text_equal(ours, other));
            right[at] = (char) 0xff;
            assert_false(pt_text_is_utf8(other));
            right[at] = 'x';
        }
    }
}

static void
test_hex_digits(void **state)
{
    (void) state;
    static const uint64_t numbers[] = {0,         9, 10, UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
                                       UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char digits[PT_TEXT_HEX_DIGITS + 1] = {0}, expected[PT_TEXT_HEX_DIGITS + 1];
        snprintf(expected, sizeof expected, "%016llx", (unsigned long long) numbers[i]);
        pt_text_hex(numbers[i], digits);
        assert_string_equal(digits, expected);
    }
}

static void
test_cutting(void **state)
{
    (void) state;
    pt_text_t text = PT_TEXT("aé€😀z"); //  1, 2, 3, 4 and 1 bytes
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < sizeof expected / sizeof *expected; max++) {
        pt_text_t cut = pt_text_cut(text, max);
        assert_int_equal(cut.len, expected[max]);
        assert_ptr_equal(cut.data, text.data);
        assert_true(pt_text_is_utf8(cut));
    }
    //  What is no UTF-8 is cut where it stands.
    assert_int_equal(pt_text_cut(PT_TEXT("\x80\x80\x80\x80\x80\x80"), 5).len, 5);
    assert_null(pt_text_cut(PT_TEXT_NONE, 3).data);
}

//  Each text has a buffer of its own length, so that a checker of memory sees a byte read too much.
static void
test_byte_order_marks(void **state)
{
    (void) state;
    static const char text[] = "\xef\xbb\xbf\xef\xbb\xbf{}";
    for (size_t len = 0; len < sizeof(text); len++) {
        char *bytes = malloc(len ? len : 1);
        assert_non_null(bytes);
        pt_text_t whole = {memcpy(bytes, text, len), len};
        pt_text_t rest = pt_text_after_mark(whole);
        size_t mark = len >= 3 ? 3 : 0;
        assert_ptr_equal(rest.data, whole.data + mark);
        assert_int_equal(rest.len, len - mark);
        free(bytes);
    }
    assert_null(pt_text_after_mark(PT_TEXT_NONE).data);
    assert_int_equal(pt_text_after_mark(PT_TEXT("\xef\xbb\xbe{}")).len, 5);
}

static void
test_presence(void **state)
{
    (void) state;
    assert_false(pt_text_is_set(PT_TEXT_NONE));
    assert_false(pt_text_is_set(PT_TEXT("")));
    assert_true(pt_text_is_set(PT_TEXT("x")));
    assert_true(pt_text_equal(PT_TEXT("ab"), pt_text_of("ab")));
    assert_false(pt_text_equal(PT_TEXT("ab"), PT_TEXT("ac")));
    assert_false(pt_text_equal(PT_TEXT("ab"), PT_TEXT("abc")));
    assert_null(pt_text_of(NULL).data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_texts_of_every_length),
        cmocka_unit_test(test_texts_at_the_end_of_a_page),
        cmocka_unit_test(test_texts_among_other_bytes),
        cmocka_unit_test(test_hex_digits),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_byte_order_marks),
        cmocka_unit_test(test_presence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
