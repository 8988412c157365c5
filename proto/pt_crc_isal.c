/*  ISA-L picks what the processor has when it is first called. */
#include <assert.h>
#include <isa-l/crc.h>

#include "pt_crc.h"

uint32_t
pt_crc32(uint32_t crc, const void *data, size_t len)
{
    assert(data || len == 0);
    assert(len <= INT32_MAX);

    return len ? crc32_gzip_refl(crc, data, len) : crc;
}

uint32_t
pt_crc32c(uint32_t crc, const void *data, size_t len)
{
    assert(data || len == 0);
    assert(len <= INT32_MAX);

    //  It only reads, whatever its prototype says, and leaves the inversions to its caller.
    return len ? ~crc32_iscsi((unsigned char *) (uintptr_t) data, (int) len, ~crc) : crc;
}
