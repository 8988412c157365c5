/*  pt_accept: what becomes of a connection for which there is no descriptor left.
 *
 *  libzmq 4.3.4 ends the process when that happens at an ipc endpoint (ipc_listener.cpp asserts on EMFILE), and at a
 *  TCP port it asks again at once and for ever, which takes a whole core, while the peer waits for an answer. So a
 *  program that links this has an accept4 of its own, which the libraries it loads use too: it turns such a peer away.
 *  The peer comes again, and is let in when there is room.
 */
#ifndef PT_ACCEPT_H
#define PT_ACCEPT_H

#include <stdint.h>

/*  Put a descriptor by, to have one for turning a peer away. Call it before there are threads; again is harmless, and
 *  without success a peer in need waits as before.
 */
void pt_accept_prepare(void);

/*  How many were turned away so far. From any thread. */
uint64_t pt_accept_turned_away(void);

#endif
