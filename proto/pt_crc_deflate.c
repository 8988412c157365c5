/*  Where there is no ISA-L. libdeflate has no CRC-32C: one byte a step by a table of 1 KiB, made at the first use. */
#include <assert.h>
#include <libdeflate.h>
#include <pthread.h>

#include "pt_crc.h"

//  Castagnoli's polynomial, its bits in reverse.
#define S_POLYNOMIAL 0x82f63b78u

static uint32_t s_table[256];

static void
s_make_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? S_POLYNOMIAL : 0);
        s_table[byte] = crc;
    }
}

uint32_t
pt_crc32(uint32_t crc, const void *data, size_t len)
{
    assert(data || len == 0);
    assert(len <= INT32_MAX);

    return len ? libdeflate_crc32(crc, data, len) : crc;
}

uint32_t
pt_crc32c(uint32_t crc, const void *data, size_t len)
{
    assert(data || len == 0);
    assert(len <= INT32_MAX);

    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, s_make_table);
    const uint8_t *at = data;
    crc = ~crc;
    for (size_t i = 0; i < len; i++)
        crc = s_table[(crc ^ at[i]) & 0xff] ^ (crc >> 8);
    return ~crc;
}
