/*  fuzz: what the fuzz targets share. Each target is one file with LLVMFuzzerTestOneInput. */
#ifndef PT_FUZZ_H
#define PT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*  A property that must hold whatever the bytes are. */
#define FUZZ_REQUIRE(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

/*  Any path through the bytes of a result, so that reading past them is seen. */
static inline void
fuzz_touch(const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void) ((const volatile uint8_t *) bytes)[i];
}

#endif
