/*  pt_wait: waiting for several sockets and descriptors, as zmq_poll does, with fewer system calls.
 *
 *  zmq_poll asks each socket for its events before and after it waits, and each question is two system
 *  calls. Most of our sockets are read until nothing is left, by a thread that does nothing else with
 *  them; then libzmq's descriptor of the socket says everything (ZMQ_FD: it becomes readable when the
 *  socket has something new to look at). Who has read a socket empty says so by `empty`, and it is not
 *  asked again before its descriptor is readable.
 */
#ifndef PT_WAIT_H
#define PT_WAIT_H

#include <czmq.h>

#define PT_WAIT_ITEMS_MAX 64

typedef struct {
    void *socket; //  libzmq's; NULL: a descriptor
    int fd;       //  the descriptor, or libzmq's of the socket
    //  Set by the caller when the last thing that was done with the socket was a receive that found nothing;
    //  pt_wait sets it as well, and clears it when there is something. Anything else that is done with the socket
    //  may take the news from its descriptor: then the caller must clear it.
    bool empty;
    bool ready; //  set by pt_wait: there is a message, or the descriptor is readable
} pt_wait_item_t;

/*  An item for a socket, to be received from; and for what zmq_poll would wait for. */
pt_wait_item_t pt_wait_socket(void *socket);
pt_wait_item_t pt_wait_for(const zmq_pollitem_t *item);

/*  Wait until an item is ready, `timeout_ms` at most (-1: without end). A socket that is gone ends the
 *  process.
 */
void pt_wait(pt_wait_item_t *items, size_t count, int64_t timeout_ms);

#endif
