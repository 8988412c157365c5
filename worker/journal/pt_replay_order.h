/*  pt_replay_order: what an operator orders at a worker's control socket, and the word that answers; see pt_replay.h.
 */
#ifndef PT_REPLAY_ORDER_H
#define PT_REPLAY_ORDER_H

#include "pt_request.h"

/*  Read an order: its verb, and what it is about, as any peer may have sent them. False when it is none; the
 *  request is then half written.
 */
PT_MUST_CHECK bool pt_replay_order_read(pt_bytes_t verb, pt_bytes_t what, pt_request_t *out_request);

/*  The word that answers an order, by what the journal said of it. Static text. */
const char *pt_replay_order_word(pt_status_t status);

#endif
