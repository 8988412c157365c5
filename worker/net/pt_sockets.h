/*  pt_sockets: every socket of the worker side is made here, with all of its options set.
 *
 *  libzmq's defaults lose data on close, hold half-open peers for long and take frames of any
 *  size; one place sets what each of our sockets needs, before it is bound or connected, because
 *  later changes do not reach connections that exist.
 */
#ifndef PT_SOCKETS_H
#define PT_SOCKETS_H

#include <czmq.h>

#include "pt_status.h"
#include "pt_wire.h"

//  A larger frame ends its connection. Twice a batch, so that a batch that is a little too big is
//  answered with a reason. All our sockets agree on it: a connecting side that refuses a frame
//  never reconnects.
#define PT_SOCKETS_FRAME_BYTES_MAX (2 * PT_BATCH_BYTES_MAX)

//  Answers on their way to producers: some hundred bytes each, and one is lost beyond this many.
#define PT_SOCKETS_ANSWERS_HWM 4096

//  How long answers and decisions that were sent may take to leave, once their socket is closed.
#define PT_SOCKETS_LINGER_MS 1000

/*  Prepare libzmq and CZMQ for this process: no signal handlers of theirs, no ZSYS_ environment, libzmq's threads
 *  running. Call it before the first socket and before other threads; again is harmless. Returns PT_OK, or PT_E_IO
 *  with errno when the system does not give what they take without asking: EMFILE, ENFILE, ENOMEM (memory or a thread).
 */
PT_MUST_CHECK pt_status_t pt_sockets_init(void);

/*  A socket of this type with our options, neither bound nor connected. The high-water marks count
 *  messages for each peer; 0 is none, only for pointers that travel inside the process. NULL with
 *  errno EMFILE or ENFILE when there is no descriptor left for it.
 */
zsock_t *pt_sockets_new(int type, int send_hwm, int receive_hwm);

/*  Bind, and write where into out_bound[PT_ENDPOINT_BYTES_MAX + 1]. A TCP port of `*` or 0 becomes a
 *  free one below 32768: a client that reconnects to an ephemeral port of its own host may meet
 *  itself there. The path of an ipc endpoint may hold a socket that nobody answers at, which is replaced,
 *  and nothing else. Returns PT_OK, or PT_E_IO with errno (EINVAL: no endpoint; EADDRINUSE; EEXIST: the
 *  path of something that is no socket; …).
 */
PT_MUST_CHECK pt_status_t pt_sockets_bind(zsock_t *self, const char *endpoint, char *out_bound);

/*  The same for an ipc endpoint that only this user may connect to. The process's umask is another one
 *  meanwhile: call it before threads make files.
 */
PT_MUST_CHECK pt_status_t pt_sockets_bind_private(zsock_t *self, const char *endpoint, char *out_bound);

/*  Connect. Returns PT_OK, or PT_E_IO with errno; an absent peer is no fault. */
PT_MUST_CHECK pt_status_t pt_sockets_connect(zsock_t *self, const char *endpoint);

/*  Wait for the sockets of `items`, never interrupted by a signal. */
void pt_sockets_poll(zmq_pollitem_t *items, size_t count, int64_t timeout_ms);

#endif
