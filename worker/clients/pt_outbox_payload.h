/*  pt_outbox_payload: the second frame of a batch while responses are put into it, and until it is answered.
 *
 *  A msgpack array of bins. The memory grows towards the largest batch and is then used again. All zero is one without
 *  memory. For pt_outbox.
 */
#ifndef PT_OUTBOX_PAYLOAD_H
#define PT_OUTBOX_PAYLOAD_H

#include "pt_wire.h"

typedef struct {
    uint8_t *data;
    size_t len, capacity;
    uint32_t count; //  responses
} pt_outbox_payload_t;

/*  How long it is with one more response of so many bytes. */
size_t pt_outbox_payload_bytes_with(const pt_outbox_payload_t *self, size_t response_len);

/*  Copy one more response into it, of which there are at most PT_BATCH_COUNT_MAX. False when out of memory; it is then
 *  as it was.
 */
PT_MUST_CHECK bool pt_outbox_payload_add(pt_outbox_payload_t *self, pt_bytes_t response);
/*  No response follows: the bytes are what is sent. */
void pt_outbox_payload_close(pt_outbox_payload_t *self);

/*  Make it a copy of `bytes`, closed, which hold `count` responses. False when out of memory. */
PT_MUST_CHECK bool pt_outbox_payload_copy(pt_outbox_payload_t *self, uint32_t count, pt_bytes_t bytes);

/*  Empty it; the memory stays. */
void pt_outbox_payload_reset(pt_outbox_payload_t *self);
/*  Release the memory. */
void pt_outbox_payload_clear(pt_outbox_payload_t *self);

/*  Its bytes, which live until the next call. */
static inline pt_bytes_t
pt_outbox_payload_bytes(const pt_outbox_payload_t *self)
{
    return (pt_bytes_t) {self->data, self->len};
}

#endif
