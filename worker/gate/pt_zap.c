/*  Also what is no question is answered: a REP socket does not read on before. */
#include "pt_zap.h"

#include <assert.h>

enum { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY, ZAP_COUNT };

_Static_assert(ZAP_COUNT == PT_ZAP_FRAMES, "all frames have a name");

bool
pt_zap_receive(void *socket, pt_zap_t *out_self)
{
    assert(socket);
    assert(out_self);

    *out_self = (pt_zap_t) {.well = true};
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool more = true;
    bool any = false;
    while (more && zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0) {
        any = true;
        more = zmq_msg_more(&frame);
        if (out_self->count == ZAP_COUNT) {
            out_self->well = false;
            continue;
        }
        zmq_msg_init(&out_self->frames[out_self->count]);
        zmq_msg_move(&out_self->frames[out_self->count++], &frame);
    }
    zmq_msg_close(&frame);
    return any;
}

void
pt_zap_clear(pt_zap_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->count; i++)
        zmq_msg_close(&self->frames[i]);
    self->count = 0;
}

static bool
s_is(pt_zap_t *self, size_t frame, const char *text)
{
    size_t len = strlen(text);
    return zmq_msg_size(&self->frames[frame]) == len && memcmp(zmq_msg_data(&self->frames[frame]), text, len) == 0;
}

pt_party_t
pt_zap_domain(pt_zap_t *self)
{
    assert(self);

    if (!self->well || self->count != ZAP_COUNT || !s_is(self, ZAP_VERSION, "1.0") ||
        !s_is(self, ZAP_MECHANISM, "CURVE") || zmq_msg_size(&self->frames[ZAP_KEY]) != 32)
        return PT_PARTY_COUNT_;
    for (int role = 0; role < PT_PARTY_COUNT_; role++)
        if (s_is(self, ZAP_DOMAIN, pt_party_text((pt_party_t) role)))
            return (pt_party_t) role;
    return PT_PARTY_COUNT_;
}

pt_text_t
pt_zap_address(pt_zap_t *self)
{
    assert(self);
    assert(self->count > ZAP_ADDRESS);

    zmq_msg_t *address = &self->frames[ZAP_ADDRESS];
    return (pt_text_t) {zmq_msg_data(address), zmq_msg_size(address)};
}

const uint8_t *
pt_zap_key(pt_zap_t *self)
{
    assert(self);
    assert(self->count > ZAP_KEY);

    return zmq_msg_data(&self->frames[ZAP_KEY]);
}

void
pt_zap_answer(pt_zap_t *self, void *socket, const char *code, const char *user)
{
    assert(self);
    assert(socket);
    assert(code);
    assert(user);

    const char *text = streq(code, "200") ? "" : "not admitted";
    zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    if (self->count > ZAP_REQUEST) {
        zmq_msg_t *id = &self->frames[ZAP_REQUEST];
        zmq_send(socket, zmq_msg_data(id), zmq_msg_size(id), ZMQ_SNDMORE);
    } else {
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
    }
    zmq_send(socket, code, strlen(code), ZMQ_SNDMORE);
    zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(socket, "", 0, 0);
}
