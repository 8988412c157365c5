/*  pt_curve: one party's keys, and what sockets need of them.
 *
 *  All of it lies in one folder, which belongs to one party (docs/security.md):
 *
 *      own.key_secret  own.key        who this party is
 *      clients/ROLE/NAME.key          who may come in, as what: producer, worker, subscriber, admin
 *      servers/HOST:PORT.key          who answers at an address; then HOST.key, then default.key
 *
 *  Where servers/ names no key, the server is taken to be this party itself: on one machine one folder
 *  is enough.
 */
#ifndef PT_CURVE_H
#define PT_CURVE_H

#include <czmq.h>

#include "pt_keys.h"
#include "pt_status.h"

//  What a key may be used for; also the domain of a socket at which clients of the role come in.
typedef enum { PT_PARTY_PRODUCER, PT_PARTY_WORKER, PT_PARTY_SUBSCRIBER, PT_PARTY_ADMIN, PT_PARTY_COUNT_ } pt_party_t;

//  Longest path of a folder of keys; the names in it follow.
#define PT_CURVE_DIR_BYTES_MAX 1024
#define PT_CURVE_FOLDER_BYTES (PT_CURVE_DIR_BYTES_MAX + 64)
#define PT_CURVE_PATH_BYTES (PT_CURVE_FOLDER_BYTES + 300)

typedef struct pt_curve pt_curve_t;

/*  The role's name, which is also that of its folder in clients/. Static text. */
const char *pt_party_text(pt_party_t role);

/*  Read the folder's own keys. NULL with one line in out_error[PT_KEYS_ERROR_BYTES_MAX], and errno as in
 *  pt_keys_read; ENOTSUP: libzmq has no CURVE. Threads may share it.
 */
pt_curve_t *pt_curve_open(const char *dir, char *out_error);
void pt_curve_close(pt_curve_t **self_p);

/*  The folder, as it was named to pt_curve_open. */
const char *pt_curve_dir(const pt_curve_t *self);

/*  The party's public key as it is now, into out_key[PT_KEYS_TEXT_BYTES]. */
void pt_curve_copy_public_key(const pt_curve_t *self, char *out_key);

/*  Read own.key_secret anew: the next socket that is bound or connected has what it says. False as in
 *  pt_curve_open, and the keys of before hold. From any thread.
 */
bool pt_curve_refresh(const pt_curve_t *self, char *out_error);

/*  A number for the keys that a connection to `endpoint` would be made with, as the files are now: another
 *  one when they change. Never 0.
 */
uint64_t pt_curve_mark(const pt_curve_t *self, const char *endpoint);

/*  Whatever servers/ holds, this party itself answers at an endpoint of its own. Before threads share it. */
void pt_curve_set_own(pt_curve_t *self, const char *endpoint);

/*  Let a socket that is not bound take connections by CURVE only, each one admitted by the authenticator
 *  under the role's domain: without one, nobody is. libzmq takes the party's key when the socket is bound.
 *  False with errno.
 */
bool pt_curve_serve(const pt_curve_t *self, zsock_t *socket, pt_party_t role);

/*  Connect, by CURVE unless `self` is NULL or the endpoint is inside the process. The server's key and the
 *  party's own are read anew each time; while its own cannot be read, the one of before is used. PT_OK, or PT_E_IO with
 *  errno (a file of servers/ that cannot be used included).
 */
PT_MUST_CHECK pt_status_t pt_curve_connect(const pt_curve_t *self, zsock_t *socket, const char *endpoint);

#endif
