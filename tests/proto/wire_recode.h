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

static inline size_t
wire_recode_open(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_open_t open;
    *out_status = pt_open_decode(header, &open);
    return *out_status == PT_OK ? pt_open_encode(&open, out, capacity) : 0;
}

static inline size_t
wire_recode_opened(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_opened_t opened;
    *out_status = pt_opened_decode(header, &opened);
    return *out_status == PT_OK ? pt_opened_encode(&opened, out, capacity) : 0;
}

static inline size_t
wire_recode_fetch(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_fetch_t fetch;
    *out_status = pt_fetch_decode(header, &fetch);
    return *out_status == PT_OK ? pt_fetch_encode(&fetch, out, capacity) : 0;
}

static inline size_t
wire_recode_end(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_end_t end;
    *out_status = pt_end_decode(header, &end);
    return *out_status == PT_OK ? pt_end_encode(&end, out, capacity) : 0;
}

static inline size_t
wire_recode_truncated(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_truncated_t truncated;
    *out_status = pt_truncated_decode(header, &truncated);
    return *out_status == PT_OK ? pt_truncated_encode(&truncated, out, capacity) : 0;
}

static inline size_t
wire_recode_bad_epoch(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_bad_epoch_t bad_epoch;
    *out_status = pt_bad_epoch_decode(header, &bad_epoch);
    return *out_status == PT_OK ? pt_bad_epoch_encode(&bad_epoch, out, capacity) : 0;
}

static inline size_t
wire_recode_suback(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_suback_t suback;
    *out_status = pt_suback_decode(header, &suback);
    return *out_status == PT_OK ? pt_suback_encode(&suback, out, capacity) : 0;
}

static inline size_t
wire_recode_refused(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    pt_refused_t refused;
    *out_status = pt_refused_decode(header, &refused);
    return *out_status == PT_OK ? pt_refused_encode(&refused, out, capacity) : 0;
}

static inline size_t
wire_recode_fetched(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    uint64_t req_id;
    *out_status = pt_fetched_decode(header, &req_id);
    return *out_status == PT_OK ? pt_fetched_encode(req_id, out, capacity) : 0;
}

static inline size_t
wire_recode_subacked(pt_bytes_t header, uint8_t *out, size_t capacity, pt_status_t *out_status)
{
    uint64_t req_id;
    *out_status = pt_subacked_decode(header, &req_id);
    return *out_status == PT_OK ? pt_subacked_encode(req_id, out, capacity) : 0;
}

static const wire_recode_f wire_recode[PT_KIND_COUNT_] = {
    [PT_KIND_BATCH] = wire_recode_batch,         [PT_KIND_ACK] = wire_recode_ack,
    [PT_KIND_NACK] = wire_recode_nack,           [PT_KIND_READY] = wire_recode_ready,
    [PT_KIND_HEAD] = wire_recode_head,           [PT_KIND_HEADS] = wire_recode_heads,
    [PT_KIND_DECISIONS] = wire_recode_decisions, [PT_KIND_OPEN] = wire_recode_open,
    [PT_KIND_OPENED] = wire_recode_opened,       [PT_KIND_FETCH] = wire_recode_fetch,
    [PT_KIND_FETCHED] = wire_recode_fetched,     [PT_KIND_END] = wire_recode_end,
    [PT_KIND_TRUNCATED] = wire_recode_truncated, [PT_KIND_BADEPOCH] = wire_recode_bad_epoch,
    [PT_KIND_SUBACK] = wire_recode_suback,       [PT_KIND_SUBACKED] = wire_recode_subacked,
    [PT_KIND_REFUSED] = wire_recode_refused,
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
    {"nack_plain", PT_KIND_NACK},
    {"ready", PT_KIND_READY},
    {"decisions", PT_KIND_DECISIONS},
    {"decisions_live", PT_KIND_DECISIONS},
    {"decisions_replay", PT_KIND_DECISIONS},
    {"head", PT_KIND_HEAD},
    {"heads", PT_KIND_HEADS},
    {"open", PT_KIND_OPEN},
    {"open_next", PT_KIND_OPEN},
    {"opened", PT_KIND_OPENED},
    {"opened_end", PT_KIND_OPENED},
    {"fetch", PT_KIND_FETCH},
    {"fetched", PT_KIND_FETCHED},
    {"end", PT_KIND_END},
    {"truncated", PT_KIND_TRUNCATED},
    {"bad_epoch", PT_KIND_BADEPOCH},
    {"suback", PT_KIND_SUBACK},
    {"subacked", PT_KIND_SUBACKED},
    {"refused", PT_KIND_REFUSED},
};
#define WIRE_VECTOR_COUNT (sizeof wire_vectors / sizeof wire_vectors[0])

#endif
