/*  pt_control: the socket on which a worker takes the orders of people.
 *
 *  A ROUTER on an ipc path that only its user may open. A REQ sends a verb and, where the verb has one,
 *  an argument, and receives a word and a text: OK, REFUSED or UNKNOWN, and what there is to say as
 *  JSON. An order may be answered later than the next one. It has no thread: its owner polls it.
 */
#ifndef PT_CONTROL_H
#define PT_CONTROL_H

#include "pt_frames.h"
#include "pt_sockets.h"

//  Words of answers.
#define PT_ORDER_OK "OK"
#define PT_ORDER_REFUSED "REFUSED"
#define PT_ORDER_UNKNOWN "UNKNOWN"

#define PT_ORDER_VERB_BYTES_MAX 31
#define PT_ORDER_ARGUMENT_BYTES_MAX 255

typedef struct pt_control pt_control_t;

//  An order that waits for its answer.
typedef struct pt_order {
    char verb[PT_ORDER_VERB_BYTES_MAX + 1];
    char argument[PT_ORDER_ARGUMENT_BYTES_MAX + 1]; //  "" when none was given
    pt_frames_t route;
    struct pt_order *next; //  for a list of the owner's
} pt_order_t;

/*  Bind to an ipc endpoint; its socket is made for this user alone. NULL with errno. */
pt_control_t *pt_control_new(const char *endpoint);
/*  Close, and remove the socket. Answers that were sent get PT_SOCKETS_LINGER_MS to leave. */
void pt_control_destroy(pt_control_t **self_p);

/*  To be polled with ZMQ_POLLIN. */
void *pt_control_socket(const pt_control_t *self);

/*  The next order, or NULL when there is none, or no memory for one: what is no order is dropped. Each
 *  one ends with pt_control_answer.
 */
pt_order_t *pt_control_take(pt_control_t *self);

/*  Answer, release the order and set *order_p to NULL. Whoever asked may be gone by now. */
void pt_control_answer(pt_control_t *self, pt_order_t **order_p, const char *word, const char *text);

#endif
