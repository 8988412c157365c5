/*  pt_file: whole files in and out of memory. */
#ifndef PT_FILE_H
#define PT_FILE_H

#include "pt_text.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Read a file (a pipe, a device) to its end. True: the caller owns *out_data (free()), which is never
 *  NULL and stands on a PT_FILE_ALIGN boundary. False, with errno set (EFBIG: more than `max` bytes).
 */
#define PT_FILE_ALIGN 64
bool pt_file_read(const char *path, size_t max, uint8_t **out_data, size_t *out_bytes);

/*  Map a file for reading, all of its pages at once. False where that does not pay or cannot be done: it is
 *  no plain file, below PT_FILE_MAP_BYTES, above `max`, or the kernel refuses; pt_file_read then tells.
 *  Whoever shortens a mapped file ends the process that reads it (SIGBUS); replacing it by rename, as
 *  pt_file_write does, is safe.
 */
#define PT_FILE_MAP_BYTES ((size_t) 16 * 1024 * 1024)
bool pt_file_map(const char *path, size_t max, const uint8_t **out_data, size_t *out_bytes);
void pt_file_unmap(const uint8_t *data, size_t bytes);

/*  Write a file as a whole or not at all: beside its place, synced, then renamed; a link or a device
 *  keeps being one and is written through. False, with errno set and *out_created telling whether
 *  the file could be made (so that writing is what failed); nothing is left behind.
 */
bool pt_file_write(const char *path, pt_bytes_t bytes, bool *out_created);

#ifdef __cplusplus
}
#endif
#endif
