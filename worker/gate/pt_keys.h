/*  pt_keys: files that hold a CURVE key, read and written.
 *
 *  The format is the one of CZMQ's certificates, which PyZMQ and others read as well: a section
 *  `curve` with `public-key` and, in secret files only, `secret-key`, 40 characters of Z85 each. A
 *  file that others may change, or a secret that others may read, is refused, not used.
 */
#ifndef PT_KEYS_H
#define PT_KEYS_H

#include <stdbool.h>

//  A key as text, with its final zero.
#define PT_KEYS_TEXT_BYTES 41

//  Longest text about a file at fault.
#define PT_KEYS_ERROR_BYTES_MAX 2048

typedef struct {
    char public_key[PT_KEYS_TEXT_BYTES];
    char secret_key[PT_KEYS_TEXT_BYTES]; //  "" where only the public one is known
} pt_keys_t;

/*  Read the keys of a file; `secret` says whether the secret one is wanted. False with one line in
 *  out_error[PT_KEYS_ERROR_BYTES_MAX] and errno: EPERM (its mode; the line says what to run), EBADMSG (no
 *  key in it, or a public key that is not the secret one's), or the system's.
 */
bool pt_keys_read(const char *path, bool secret, pt_keys_t *out_keys, char *out_error);

/*  Whether a folder is one that only its owner may change. False as above. */
bool pt_keys_check_folder(const char *path, char *out_error);

/*  A new pair. False with errno when libzmq is built without CURVE. */
bool pt_keys_make(pt_keys_t *out_keys);

/*  Write a file that must not exist yet: the secret kind with mode 0600, else the public key only,
 *  with 0644. On disk when it returns. False with errno.
 */
bool pt_keys_write(const char *path, bool secret, const pt_keys_t *keys);

/*  Forget a pair, so that no copy stays in memory. */
void pt_keys_clear(pt_keys_t *self);

#endif
