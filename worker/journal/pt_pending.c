/*  A list, because each request is found by its own pointer when it comes back. */
#include "pt_pending.h"

#include <stdlib.h>

pt_pending_t *
pt_pendings_new(const pt_pendings_t *self)
{
    pt_pending_t *pending = self->count < PT_PENDING_MAX ? calloc(1, sizeof(*pending)) : NULL;
    if (pending)
        memcpy(pending->request.answers, self->answers, sizeof(self->answers));
    return pending;
}

static void
s_move_frames(pt_frames_t *to, pt_frames_t *from)
{
    for (size_t i = 0; i < from->count; i++) {
        zmq_msg_init(&to->frames[i]);
        zmq_msg_move(&to->frames[i], &from->frames[i]);
        zmq_msg_close(&from->frames[i]);
    }
    to->count = from->count;
    from->count = 0;
}

bool
pt_pendings_hand(pt_pendings_t *self, pt_pending_t *pending, pt_frames_t *message)
{
    s_move_frames(&pending->route, message);
    pending->next = self->first;
    if (pending->next)
        pending->next->previous = pending;
    self->first = pending;
    self->count++;
    return pt_request_hand(self->journal, &pending->request);
}

void
pt_pendings_end(pt_pendings_t *self, pt_pending_t *pending)
{
    *(pending->previous ? &pending->previous->next : &self->first) = pending->next;
    if (pending->next)
        pending->next->previous = pending->previous;
    pt_frames_clear(&pending->route);
    self->count--;
    free(pending);
}

void
pt_pendings_clear(pt_pendings_t *self)
{
    while (self->first)
        pt_pendings_end(self, self->first); //  NOLINT(clang-analyzer-unix.Malloc): it unlinks what it frees
}
