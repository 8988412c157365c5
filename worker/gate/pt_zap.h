/*  pt_zap: a question of libzmq's to the authenticator, and its answer (RFC 27). For pt_gate.
 *
 *  libzmq asks over a socket of this process: whether a connection with this key may enter that domain.
 */
#ifndef PT_ZAP_H
#define PT_ZAP_H

#include <czmq.h>

#include "pt_curve.h"
#include "pt_text.h"

//  Version, request id, domain, address, identity, mechanism, and the key of CURVE.
#define PT_ZAP_FRAMES 7

typedef struct {
    zmq_msg_t frames[PT_ZAP_FRAMES];
    size_t count; //  open
    bool well;    //  no more than there should be
} pt_zap_t;

/*  The next question, if there is one. On true the caller owns it until pt_zap_clear. Never waits. */
bool pt_zap_receive(void *socket, pt_zap_t *out_self);

void pt_zap_clear(pt_zap_t *self);

/*  The domain that is asked for; PT_PARTY_COUNT_: the question is none. */
pt_party_t pt_zap_domain(pt_zap_t *self);

/*  Of a question that has a domain: where the connection comes from, and its key; valid as long as the question. */
pt_text_t pt_zap_address(pt_zap_t *self);
const uint8_t *pt_zap_key(pt_zap_t *self);

/*  Answer by one of the RFC's codes; `user` is who came in. Each question gets exactly one answer. */
void pt_zap_answer(pt_zap_t *self, void *socket, const char *code, const char *user);

#endif
