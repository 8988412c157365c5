/*  pt_knock: whether the server behind a connecting socket lets this party in.
 *
 *  Without it a key that is not admitted looks like a server that is not there: libzmq tries again for
 *  ever and says nothing. One thread owns it and its socket.
 */
#ifndef PT_KNOCK_H
#define PT_KNOCK_H

#include "pt_curve.h"

typedef struct {
    zsock_t *monitor; //  NULL: without CURVE nobody is refused
    bool refused;
} pt_knock_t;

/*  Listen for a socket's handshakes, before it is connected. Without `curve` it does nothing. False with
 *  errno when no socket is left.
 */
bool pt_knock_open(pt_knock_t *out_self, zsock_t *socket, const pt_curve_t *curve);

/*  Before the socket is destroyed. Does nothing to zeros. */
void pt_knock_close(pt_knock_t *self, zsock_t *socket);

/*  Whether the latest handshake that came to an end was refused by the server's authenticator. */
bool pt_knock_is_refused(pt_knock_t *self);

#endif
