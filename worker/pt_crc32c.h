/*  pt_crc32c: the CRC-32C (Castagnoli) of bytes, as it stands in every record of the journal.
 *
 *  No library that Debian 12 packages for C has it. It finds every error of up to 32 bits in a row.
 */
#ifndef PT_CRC32C_H
#define PT_CRC32C_H

#include "pt_text.h"

/*  The checksum of what `crc` is the checksum of (0: nothing) followed by these bytes. By the
 *  processor's own instruction where it has one. From any thread.
 */
uint32_t pt_crc32c(uint32_t crc, const void *data, size_t len);

/*  The same by a table, on every processor. */
uint32_t pt_crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
