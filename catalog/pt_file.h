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

/*  Write a file as a whole or not at all: beside its place, synced, then renamed; a link or a device
 *  keeps being one and is written through. False, with errno set and *out_created telling whether
 *  the file could be made (so that writing is what failed); nothing is left behind.
 */
bool pt_file_write(const char *path, pt_bytes_t bytes, bool *out_created);

#ifdef __cplusplus
}
#endif
#endif
