/*  pt_crc: the two checksums of bytes that paytriage writes down.
 *
 *  The wire and producers' outboxes have zlib's CRC-32, the journal's records CRC-32C (Castagnoli), which finds every
 *  error of up to 32 bits in a row. By ISA-L where Debian packages it (amd64), else by libdeflate and a table:
 *  docs/decisions/0195-checksums-by-isa-l.md.
 *
 *  Both give the checksum of what `crc` is the checksum of (0: nothing) followed by these bytes; `data` may be NULL
 *  when `len` is 0, which is at most INT32_MAX. From any thread.
 */
#ifndef PT_CRC_H
#define PT_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t pt_crc32(uint32_t crc, const void *data, size_t len);
uint32_t pt_crc32c(uint32_t crc, const void *data, size_t len);

#endif
