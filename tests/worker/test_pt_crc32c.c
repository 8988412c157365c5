/*  The published check values of CRC-32C, and both ways of computing it against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_crc32c.h"

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

static void
crc32c_is_the_same_by_instruction_and_by_table(void **state)
{
    (void) state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t) (i * 167 + 13);
    for (size_t start = 0; start < 9; start++)
        for (size_t len = 0; len + start <= sizeof(bytes); len++)
            assert_int_equal(pt_crc32c(7, bytes + start, len), pt_crc32c_portable(7, bytes + start, len));
}

static void
crc32c_goes_on_where_it_stopped(void **state)
{
    (void) state;
    static const char text[] = "settled, retry, dead_letter, operator_alert";
    uint32_t whole = pt_crc32c(0, text, sizeof(text));
    for (size_t cut = 0; cut <= sizeof(text); cut++)
        assert_int_equal(pt_crc32c(pt_crc32c(0, text, cut), text + cut, sizeof(text) - cut), whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_values_of_rfc_3720),
        cmocka_unit_test(crc32c_is_the_same_by_instruction_and_by_table),
        cmocka_unit_test(crc32c_goes_on_where_it_stopped),
    };
    return cmocka_run_group_tests_name("pt_crc32c", tests, NULL, NULL);
}
