/*  pt_frames: one message of several frames, received, passed on and sent without copying.
 *
 *  For the sockets that carry batches and their answers: `[client][empty, from REQ][frames]`, with
 *  a worker's routing id before it at the broker's back. No call here ever waits.
 */
#ifndef PT_FRAMES_H
#define PT_FRAMES_H

#include <czmq.h>

#include "pt_text.h"

//  Routing id of a worker, routing id of a client, the empty frame of a REQ, header, payload.
#define PT_FRAMES_MAX 5

typedef struct {
    zmq_msg_t frames[PT_FRAMES_MAX]; //  the first `count` are open
    size_t count;
    bool excess; //  the message had more frames, which are gone
} pt_frames_t;

/*  Receive one message, if there is one. On true the caller owns the frames until pt_frames_clear. */
bool pt_frames_receive(void *socket, pt_frames_t *out_frames);

/*  Close the frames that are left. */
void pt_frames_clear(pt_frames_t *self);

/*  The bytes of frame `index`, which must be one; valid until the frame is sent or cleared. */
pt_bytes_t pt_frames_bytes(const pt_frames_t *self, size_t index);

/*  The number of frames, from `first` on, that name where the answer goes: a routing id, and the
 *  empty frame of a REQ. 0 when the frames after them are not one (a plain request) or two (header
 *  and payload).
 */
size_t pt_frames_envelope(const pt_frames_t *self, size_t first);

/*  Send the frames from `first` to the last as one message. True: the frames are libzmq's. False,
 *  with errno (EAGAIN: no room; EHOSTUNREACH: no such peer): nothing was sent, all frames are kept.
 */
bool pt_frames_send(void *socket, pt_frames_t *self, size_t first);

/*  Send the first `prefix_count` frames of an envelope, copied, and one more of `bytes`. The frames
 *  are kept in both cases. False, with errno: nothing was sent.
 */
bool pt_frames_answer(void *socket, const pt_frames_t *self, size_t first, size_t prefix_count, pt_bytes_t bytes);

#endif
