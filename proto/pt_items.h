/*  pt_items: the head of an array of items as our own encoders write it. Reading is in pt_wire.h. */
#ifndef PT_ITEMS_H
#define PT_ITEMS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define PT_ITEMS_HEAD_BYTES_MAX 3

/*  The bytes of the head of an array of `count` items. */
static inline size_t
pt_items_head_bytes(uint32_t count)
{
    return count < 16 ? 1 : PT_ITEMS_HEAD_BYTES_MAX;
}

/*  Write it, for up to UINT16_MAX items, to `out`, whose end is returned. */
static inline uint8_t *
pt_items_write_head(uint8_t *out, uint32_t count)
{
    assert(out);
    assert(count <= UINT16_MAX);

    if (count < 16) {
        *out++ = (uint8_t) (0x90 | count);
        return out;
    }
    *out++ = 0xdc;
    *out++ = (uint8_t) (count >> 8);
    *out++ = (uint8_t) count;
    return out;
}

#endif
