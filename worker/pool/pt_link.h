/*  pt_link: a worker's DEALER to one broker, and the credit it has given there.
 *
 *  A socket for each broker: one socket for several would queue answers for a broker that is gone.
 *  The broker may send until `limit`; both count from the last HELLO, so a broker that starts anew,
 *  or forgot the worker, and the worker itself always agree.
 */
#ifndef PT_LINK_H
#define PT_LINK_H

#include "pt_frames.h"
#include "pt_knock.h"
#include "pt_wait.h"
#include "pt_wire.h"

//  READY tells at least this often that the worker lives.
#define PT_LINK_READY_MS 1000

typedef struct {
    zsock_t *socket;
    void *raw;               //  libzmq's handle of it
    pt_wait_item_t item;     //  to wait for messages; the link knows when it is empty
    const pt_curve_t *curve; //  NULL: none
    pt_knock_t knock;
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    uint64_t worker;
    uint64_t epoch;
    uint32_t window;    //  messages in work at most
    uint32_t in_work;   //  taken from this broker and not yet answered
    uint64_t received;  //  since the last HELLO
    uint64_t announced; //  the limit of the last READY
    uint64_t hellos;
    bool met;        //  a broker has said something; before that it can have sent nothing
    bool down;       //  the connection is gone, or was never there
    bool due;        //  tell the broker, whatever the numbers are
    bool draining;   //  take nothing more
    bool silent;     //  no READY: the broker is to take this worker for dead, and give its share to others
    int64_t told_ms; //  the last READY
} pt_link_t;

/*  Connect, by CURVE unless `curve` is NULL. PT_OK, or PT_E_IO with errno (the link is closed then). */
PT_MUST_CHECK pt_status_t pt_link_open(pt_link_t *self, const pt_curve_t *curve, const char *endpoint, uint64_t worker,
                                       uint64_t epoch, uint32_t window);

/*  Answers that a broker takes have PT_SOCKETS_LINGER_MS to leave; nobody waits for one that is not there. */
void pt_link_close(pt_link_t *self);

/*  The next message that is for the worker, if there is one. HELLO is dealt with in here. */
bool pt_link_receive(pt_link_t *self, pt_frames_t *out_message);

/*  Whether a broker is there that has greeted this worker. */
bool pt_link_is_connected(const pt_link_t *self);

/*  Whether there is room to take another message. */
bool pt_link_has_room(const pt_link_t *self);

/*  Send READY when it is due: by the clock, after HELLO, or when much room came free. */
void pt_link_announce(pt_link_t *self, int64_t now_ms);

/*  Answer with one frame of `bytes`. False when it could not be sent at once: it is gone. */
bool pt_link_answer(pt_link_t *self, const pt_frames_t *message, size_t envelope_count, pt_bytes_t bytes);

#endif
