/*  pt_knock: whether the server behind a connecting socket is there, and lets this party in.
 *
 *  Without it a key that is not admitted looks like a server that is not there: libzmq says nothing, and
 *  never tries again. Nor does it after a frame over the limit or a breach of ZMTP: the connection is given
 *  up for good, and the socket is deaf. A server whose key is another one by now says nothing either, and libzmq
 *  tries for ever with the one it has. Its socket has one endpoint, because events name theirs only as an address,
 *  which for a host's name is another text each time. One thread owns both.
 */
#ifndef PT_KNOCK_H
#define PT_KNOCK_H

#include "pt_curve.h"

//  A key may be let in later: it is shown again after this long.
#define PT_KNOCK_AGAIN_MS 1000

typedef struct {
    zsock_t *monitor;    //  NULL: it was not wanted
    bool refused;        //  the latest time
    bool due;            //  refused, and not tried again since
    int64_t greeting_ms; //  connected at this time, and the handshake has not ended; 0: it has
    bool silent;         //  the latest handshake ended without a word
    bool mismatched;     //  and at once: keys are wanted on one side only, or it is no ZMTP
    bool retried;        //  and libzmq has tried to connect again since
    int64_t looked_ms;   //  when keys were compared after one
    uint64_t mark;       //  of the keys of the latest connection; 0: not known
    int64_t lost_ms;     //  when a connection ended that is not tried again so far; 0: none
    bool down;           //  the connection is gone, or was never there
    int64_t knocked_ms;  //  when it was tried again
    bool standing;       //  the connection is there, and its handshake is over
    bool broken;         //  it was, and is not back
    uint64_t returned;   //  how often it ended and came back
} pt_knock_t;

/*  Listen for a socket's handshakes, before it is connected. Unless `wanted`, it does nothing. False with errno when no
 *  socket is left.
 */
bool pt_knock_open(pt_knock_t *out_self, zsock_t *socket, bool wanted);

/*  Before the socket is destroyed. Does nothing to zeros. */
void pt_knock_close(pt_knock_t *self, zsock_t *socket);

/*  Knock again where it was refused or given up PT_KNOCK_AGAIN_MS ago, or where a handshake failed and keys in the
 *  files are others than those it had: libzmq itself never would. `endpoint` is the one that the socket is
 *  connected to. Call it now and then.
 */
void pt_knock_again(pt_knock_t *self, zsock_t *socket, const pt_curve_t *curve, const char *endpoint);

/*  Whether the connection is gone or was never there. False if not `wanted`. */
bool pt_knock_is_down(pt_knock_t *self);

/*  Whether somebody is there, and the latest handshake came to nothing without a word: another key of the server than
 *  servers/ says, a key of this party that was taken away, keys on one side only, or a process that hangs. Without
 *  keys (`curve` NULL) only what shows that the server wants some.
 */
bool pt_knock_is_silent(pt_knock_t *self, const pt_curve_t *curve);

/*  Whether the latest handshake that came to an end was refused by the server's authenticator. */
bool pt_knock_is_refused(pt_knock_t *self);

#endif
