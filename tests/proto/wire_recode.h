/*  Decode a header frame and encode it again, for every kind that has elements of its own. */
#ifndef WIRE_RECODE_H
#define WIRE_RECODE_H

#include "wire_support.h"

//  WIRE_ID as a word for wire_pack, with its space.
#define ID "'00c0ffee12345678 "

//  A frame read by the decoder of its kind and written again: 0 when the decoder refuses it.
typedef size_t (*wire_recode_f)(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status);

static inline size_t
wire_recode_batch(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_batch_t batch;
    *out_status = pt_batch_decode(header, &batch);
    return *out_status == PT_OK ? pt_batch_encode(&batch, out, capacity) : 0;
}

static inline size_t
wire_recode_ack(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_ack_t ack;
    uint32_t plain_count;
    *out_status = pt_ack_decode(header, &ack, &plain_count);
    if (*out_status != PT_OK)
        return 0;
    return ack.range_count ? pt_ack_encode(&ack, out, capacity) : pt_plain_ack_encode(plain_count, out, capacity);
}

static inline size_t
wire_recode_nack(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_nack_t nack;
    *out_status = pt_nack_decode(header, &nack);
    return *out_status == PT_OK ? pt_nack_encode(&nack, out, capacity) : 0;
}

static inline size_t
wire_recode_ready(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_ready_t ready;
    *out_status = pt_ready_decode(header, &ready);
    return *out_status == PT_OK ? pt_ready_encode(&ready, out, capacity) : 0;
}

static inline size_t
wire_recode_decisions(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_decisions_t decisions;
    *out_status = pt_decisions_decode(header, &decisions);
    return *out_status == PT_OK ? pt_decisions_encode(&decisions, out, capacity) : 0;
}

static inline size_t
wire_recode_head(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_head_t head;
    *out_status = pt_head_decode(header, &head);
    return *out_status == PT_OK ? pt_head_encode(&head, out, capacity) : 0;
}

static inline size_t
wire_recode_heads(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_heads_t heads;
    *out_status = pt_heads_decode(header, &heads);
    return *out_status == PT_OK ? pt_heads_encode(&heads, out, capacity) : 0;
}

static const wire_recode_f wire_recode[PT_KIND_COUNT_] = {
    [PT_KIND_BATCH] = wire_recode_batch,         [PT_KIND_ACK] = wire_recode_ack,   [PT_KIND_NACK] = wire_recode_nack,
    [PT_KIND_READY] = wire_recode_ready,         [PT_KIND_HEAD] = wire_recode_head, [PT_KIND_HEADS] = wire_recode_heads,
    [PT_KIND_DECISIONS] = wire_recode_decisions,
};

//  Every header vector that has a decoder; HELLO is its kind and nothing else.
static const struct {
    const char *name;
    pt_kind_t kind;
} wire_vectors[] = {
    {"batch", PT_KIND_BATCH},
    {"ack", PT_KIND_ACK},
    {"ack_plain", PT_KIND_ACK},
    {"nack", PT_KIND_NACK},
    {"ready", PT_KIND_READY},
    {"decisions", PT_KIND_DECISIONS},
    {"decisions_live", PT_KIND_DECISIONS},
    {"decisions_replay", PT_KIND_DECISIONS},
    {"head", PT_KIND_HEAD},
    {"heads", PT_KIND_HEADS},
};
#define WIRE_VECTOR_COUNT (sizeof wire_vectors / sizeof wire_vectors[0])

#endif
