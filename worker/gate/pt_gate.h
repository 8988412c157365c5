/*  pt_gate: the authenticator of this process: who may come in at which socket.
 *
 *  An actor at inproc://zeromq.zap.01, where libzmq asks about each CURVE handshake (RFC 27), with the
 *  socket's domain, a role, and the client's public key. It answers from memory and never waits; the
 *  files behind it are watched, so a key that is added counts from the next handshake on. When a key is
 *  taken away the sockets of its domain are told to cut all of their connections: libzmq cannot end a
 *  single one, and all who may still come in are back at once. The same happens when the party's own key
 *  is replaced: libzmq takes it when a socket is bound.
 *
 *  The name of a party is its file's up to the first dot; libzmq gives it, as User-Id, with each message.
 *
 *  Not CZMQ's zauth, which knows one list of keys for a whole process, so that a subscriber could publish.
 *
 *  When the actor ends without being told to, nobody is let in any more (pt_curve_serve) and
 *  pt_gate_failure_fd says so: the process should end.
 */
#ifndef PT_GATE_H
#define PT_GATE_H

#include "pt_curve.h"

//  Handshakes, since the start.
typedef struct {
    uint64_t admitted;
    uint64_t unknown_key;  //  refused: the key is in no folder
    uint64_t wrong_role;   //  refused: the key is known, and may not come in here
    uint64_t bad_request;  //  refused: a question of libzmq that is none
    uint64_t no_handshake; //  ended before the gate was asked: no CURVE, another server's key, or silence
    uint64_t cuts;         //  times that a key was taken away or the own one replaced, and connections were cut
    uint64_t reloads;      //  times that the files were read anew
    uint64_t keys;         //  admitted now, the party's own not counted
} pt_gate_counters_t;

typedef struct pt_gate pt_gate_t;

//  One line about what happened; from any thread. At most one a second about refusals.
typedef void(pt_gate_say_fn)(void *context, const char *line);

/*  Start. One a process, before any socket is bound that it guards. `curve` outlives it. NULL with one
 *  line in out_error[PT_KEYS_ERROR_BYTES_MAX] and errno.
 */
pt_gate_t *pt_gate_new(const pt_curve_t *curve, pt_gate_say_fn *say, void *context, char *out_error);

/*  Stop, after the sockets that it guards, and set *self_p to NULL. */
void pt_gate_destroy(pt_gate_t **self_p);

/*  The keys that it was made with. */
const pt_curve_t *pt_gate_curve(const pt_gate_t *self);

/*  A descriptor, for one socket of a domain: readable when its connections must be cut. Read it to begin
 *  anew; it lives as long as the gate. -1 with errno when there are too many.
 */
int pt_gate_watch(pt_gate_t *self, pt_party_t domain);

/*  Tell of a handshake that failed before the gate was asked. From any thread. */
void pt_gate_note_failure(pt_gate_t *self, pt_party_t domain);

/*  The process should end, for this reason. From any thread. */
void pt_gate_fail(pt_gate_t *self, const char *reason);

/*  Readable after pt_gate_fail, or once the actor has ended by itself. */
int pt_gate_failure_fd(const pt_gate_t *self);

/*  The first reason of a failure, once the descriptor is readable; else "". */
const char *pt_gate_failure(const pt_gate_t *self);

/*  From any thread. */
pt_gate_counters_t pt_gate_counters(const pt_gate_t *self);

#endif
