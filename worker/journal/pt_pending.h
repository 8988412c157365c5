/*  pt_pending: requests of the replay socket that are at the journal, and who asked. */
#ifndef PT_PENDING_H
#define PT_PENDING_H

#include "pt_frames.h"
#include "pt_request.h"

//  Requests at the journal at a time; one more is told to come again.
#define PT_PENDING_MAX 64

//  A request and what its answer needs. The request stands first, because its pointer comes back.
typedef struct pt_pending {
    pt_request_t request;
    pt_frames_t route; //  the whole message of who asked
    uint64_t req_id;
    bool control; //  an operator's order
    struct pt_pending *previous;
    struct pt_pending *next;
} pt_pending_t;

//  All that are at the journal. Begins as zeros, with its sockets set.
typedef struct {
    void *journal;    //  where requests are handed over
    char answers[64]; //  the endpoint to which they come back
    pt_pending_t *first;
    size_t count;
} pt_pendings_t;

/*  A request to be filled in, and handed over or freed; NULL without memory, or when there are too many. */
pt_pending_t *pt_pendings_new(const pt_pendings_t *self);

/*  Hand over a request; the message's frames go with it. It stays in the list until it is ended. False: there is nobody
 *  to take it, and it is still to be ended.
 */
bool pt_pendings_hand(pt_pendings_t *self, pt_pending_t *pending, pt_frames_t *message);

/*  Take a request that was handed over from the list, and free it. */
void pt_pendings_end(pt_pendings_t *self, pt_pending_t *pending);

/*  End all. The journal has stopped before, so what it held is nobody's. */
void pt_pendings_clear(pt_pendings_t *self);

#endif
