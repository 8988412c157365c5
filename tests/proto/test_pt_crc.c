/*  The published check values of both checksums, and what they give against the definition, bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pt_crc.h"

typedef uint32_t(s_sum_t)(uint32_t crc, const void *data, size_t len);

//  Polynomials with their bits in reverse.
#define S_ZLIB 0xedb88320u
#define S_CASTAGNOLI 0x82f63b78u

static uint32_t
s_by_definition(uint32_t polynomial, uint32_t crc, const uint8_t *bytes, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
    }
    return ~crc;
}

static void
crc32_gives_the_published_values(void **state)
{
    (void) state;
    assert_int_equal(pt_crc32(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(pt_crc32(0, "a", 1), 0xe8b7be43);
    assert_int_equal(pt_crc32(0, NULL, 0), 0);
}

static void
crc32c_gives_the_values_of_rfc_3720(void **state)
{
    (void) state;
    uint8_t bytes[32];
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(pt_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(pt_crc32c(0, bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(pt_crc32c(0, bytes, 32), 0x46dd794e);
    assert_int_equal(pt_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(pt_crc32c(0, NULL, 0), 0);
}

//  All lengths up to where the widest steps of a library have begun, from each place of a word.
static void
s_compare(s_sum_t *sum, uint32_t polynomial)
{
    uint8_t bytes[1200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t) (i * 167 + (i >> 8) * 29 + 13);
    for (size_t start = 0; start < 9; start++)
        for (size_t len = 0; len + start <= sizeof(bytes); len += len < 300 ? 1 : 37)
            assert_int_equal(sum(7, bytes + start, len), s_by_definition(polynomial, 7, bytes + start, len));
}

static void
sums_are_what_the_definition_says(void **state)
{
    (void) state;
    s_compare(pt_crc32, S_ZLIB);
    s_compare(pt_crc32c, S_CASTAGNOLI);
}

static void
s_cut_everywhere(s_sum_t *sum)
{
    uint8_t bytes[700];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t) (i * 131 + 7);
    uint32_t whole = sum(0, bytes, sizeof(bytes));
    for (size_t cut = 0; cut <= sizeof(bytes); cut++)
        assert_int_equal(sum(sum(0, bytes, cut), bytes + cut, sizeof(bytes) - cut), whole);
}

static void
sums_go_on_where_they_stopped(void **state)
{
    (void) state;
    s_cut_everywhere(pt_crc32);
    s_cut_everywhere(pt_crc32c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32_gives_the_published_values),
        cmocka_unit_test(crc32c_gives_the_values_of_rfc_3720),
        cmocka_unit_test(sums_are_what_the_definition_says),
        cmocka_unit_test(sums_go_on_where_they_stopped),
    };
    return cmocka_run_group_tests_name("pt_crc", tests, NULL, NULL);
}
