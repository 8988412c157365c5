/*  Eight bytes a step by SSE4.2's instruction, or one byte a step by a table of 1 KiB that is made
 *  at the first use.
 */
#include "pt_crc32c.h"

#include <assert.h>
#include <pthread.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

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
pt_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    assert(data || len == 0);

    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, s_make_table);
    const uint8_t *at = data;
    crc = ~crc;
    for (size_t i = 0; i < len; i++)
        crc = s_table[(crc ^ at[i]) & 0xff] ^ (crc >> 8);
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
s_crc_by_instruction(uint32_t crc, const uint8_t *at, size_t len)
{
    uint64_t wide = (uint32_t) ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t) wide;
    for (; len; at++, len--)
        narrow = _mm_crc32_u8(narrow, *at);
    return ~narrow;
}

uint32_t
pt_crc32c(uint32_t crc, const void *data, size_t len)
{
    assert(data || len == 0);

    if (__builtin_cpu_supports("sse4.2"))
        return s_crc_by_instruction(crc, data, len);
    return pt_crc32c_portable(crc, data, len);
}

#else

uint32_t
pt_crc32c(uint32_t crc, const void *data, size_t len)
{
    return pt_crc32c_portable(crc, data, len);
}

#endif
