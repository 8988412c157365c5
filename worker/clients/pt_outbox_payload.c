/*  Array 16 and bin 32, whatever their sizes, so that the heads have one size and the count can be written last. */
#include "pt_outbox_payload.h"

#include <assert.h>
#include <stdlib.h>

#define ARRAY_HEADER_BYTES 3
#define BIN_HEADER_BYTES 5

#define BYTES_FIRST 4096

size_t
pt_outbox_payload_bytes_with(const pt_outbox_payload_t *self, size_t response_len)
{
    return (self->count ? self->len : ARRAY_HEADER_BYTES) + BIN_HEADER_BYTES + response_len;
}

//  Room for `bytes` in all.
static bool
s_reserve(pt_outbox_payload_t *self, size_t bytes)
{
    if (bytes <= self->capacity)
        return true;
    size_t capacity = self->capacity ? self->capacity : BYTES_FIRST;
    while (capacity < bytes)
        capacity *= 2;
    uint8_t *grown = realloc(self->data, capacity);
    if (!grown)
        return false;
    self->data = grown;
    self->capacity = capacity;
    return true;
}

bool
pt_outbox_payload_add(pt_outbox_payload_t *self, pt_bytes_t response)
{
    size_t len = pt_outbox_payload_bytes_with(self, response.len);
    if (!s_reserve(self, len))
        return false;
    uint8_t *out = self->data + len - response.len - BIN_HEADER_BYTES;
    out[0] = 0xc6;
    out[1] = (uint8_t) (response.len >> 24);
    out[2] = (uint8_t) (response.len >> 16);
    out[3] = (uint8_t) (response.len >> 8);
    out[4] = (uint8_t) response.len;
    if (response.len)
        memcpy(out + BIN_HEADER_BYTES, response.data, response.len);
    self->len = len;
    self->count++;
    return true;
}

void
pt_outbox_payload_close(pt_outbox_payload_t *self)
{
    assert(self->count && self->count <= PT_BATCH_COUNT_MAX);

    self->data[0] = 0xdc;
    self->data[1] = (uint8_t) (self->count >> 8);
    self->data[2] = (uint8_t) self->count;
}

bool
pt_outbox_payload_copy(pt_outbox_payload_t *self, uint32_t count, pt_bytes_t bytes)
{
    if (!s_reserve(self, bytes.len))
        return false;
    memcpy(self->data, bytes.data, bytes.len);
    self->len = bytes.len;
    self->count = count;
    return true;
}

void
pt_outbox_payload_reset(pt_outbox_payload_t *self)
{
    self->len = 0;
    self->count = 0;
}

void
pt_outbox_payload_clear(pt_outbox_payload_t *self)
{
    free(self->data);
    *self = (pt_outbox_payload_t) {0};
}
