/*  Raw libzmq messages instead of zmsg: no list node and no allocation for each frame, and a failed
 *  send leaves the frames where they were.
 */
#include "pt_frames.h"

#include <assert.h>

//  Frames beyond the last that any of our messages has: read past them, they mean nothing to us.
static void
s_discard_rest(void *socket)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    do {
        if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0)
            break;
    } while (zmq_msg_more(&frame));
    zmq_msg_close(&frame);
}

bool
pt_frames_receive(void *socket, pt_frames_t *out_frames)
{
    assert(socket);
    assert(out_frames);

    out_frames->count = 0;
    out_frames->excess = false;
    bool more = true;
    //  libzmq hands over whole messages only: after the first frame the others are there.
    while (more) {
        if (out_frames->count == PT_FRAMES_MAX) {
            out_frames->excess = true;
            s_discard_rest(socket);
            break;
        }
        zmq_msg_t *frame = &out_frames->frames[out_frames->count];
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
            break;
        out_frames->count++;
        more = zmq_msg_more(frame) != 0;
    }
    return out_frames->count > 0;
}

void
pt_frames_clear(pt_frames_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->count; i++)
        zmq_msg_close(&self->frames[i]);
    self->count = 0;
    self->excess = false;
}

pt_bytes_t
pt_frames_bytes(const pt_frames_t *self, size_t index)
{
    assert(self);
    assert(index < self->count);

    //  libzmq's readers take no const, although they change nothing.
    //  NOLINTNEXTLINE(performance-no-int-to-ptr)
    zmq_msg_t *frame = (zmq_msg_t *) (uintptr_t) &self->frames[index];
    return (pt_bytes_t) {zmq_msg_data(frame), zmq_msg_size(frame)};
}

size_t
pt_frames_envelope(const pt_frames_t *self, size_t first)
{
    assert(self);

    if (self->excess || self->count < first + 2)
        return 0;
    size_t count = 1;
    //  Only an envelope has an empty frame there: no header and no request is empty.
    if (pt_frames_bytes(self, first + 1).len == 0)
        count = 2;
    size_t body_count = self->count - first - count;
    return body_count == 1 || body_count == 2 ? count : 0;
}

bool
pt_frames_send(void *socket, pt_frames_t *self, size_t first)
{
    assert(socket);
    assert(self);
    assert(first < self->count);

    for (size_t i = first; i < self->count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < self->count ? ZMQ_SNDMORE : 0);
        //  A high-water mark or a missing peer shows at the first frame; a peer that goes between
        //  two frames takes the message with it, and libzmq drops what follows.
        if (zmq_msg_send(&self->frames[i], socket, flags) < 0)
            return false;
    }
    self->count = first;
    return true;
}

bool
pt_frames_answer(void *socket, const pt_frames_t *self, size_t first, size_t prefix_count, pt_bytes_t bytes)
{
    assert(socket);
    assert(self);
    assert(first + prefix_count <= self->count);

    for (size_t i = first; i < first + prefix_count; i++) {
        pt_bytes_t frame = pt_frames_bytes(self, i);
        if (zmq_send(socket, frame.data, frame.len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
            return false;
    }
    return zmq_send(socket, bytes.data, bytes.len, ZMQ_DONTWAIT) >= 0;
}
