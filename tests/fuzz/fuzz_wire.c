//  Header frames of every kind: what a decoder accepts, its encoder writes, and the decoder accepts again.
#include "fuzz.h"
#include "pt_wire.h"

static union {
    pt_batch_t batch;
    pt_ack_t ack;
    pt_nack_t nack;
    pt_ready_t ready;
    pt_decisions_t decisions;
    pt_head_t head;
    pt_heads_t heads;
    pt_open_t open;
    pt_opened_t opened;
    pt_fetch_t fetch;
    pt_end_t end;
    pt_truncated_t truncated;
    pt_bad_epoch_t bad_epoch;
    pt_suback_t suback;
    pt_refused_t refused;
    uint64_t req_id;
} s_message;

#define S_AGAIN(name)                                                                                                  \
    static size_t s_again_##name(pt_bytes_t header, uint8_t *out)                                                      \
    {                                                                                                                  \
        if (pt_##name##_decode(header, &s_message.name) != PT_OK)                                                      \
            return 0;                                                                                                  \
        return pt_##name##_encode(&s_message.name, out, PT_HEADER_BYTES_MAX);                                          \
    }
S_AGAIN(batch)
S_AGAIN(nack)
S_AGAIN(ready)
S_AGAIN(decisions)
S_AGAIN(head)
S_AGAIN(heads)
S_AGAIN(open)
S_AGAIN(opened)
S_AGAIN(fetch)
S_AGAIN(end)
S_AGAIN(truncated)
S_AGAIN(bad_epoch)
S_AGAIN(suback)
S_AGAIN(refused)

static size_t
s_again_ack(pt_bytes_t header, uint8_t *out)
{
    uint32_t plain = 0;
    s_message.ack.range_count = 0;
    if (pt_ack_decode(header, &s_message.ack, &plain) != PT_OK)
        return 0;
    return s_message.ack.range_count ? pt_ack_encode(&s_message.ack, out, PT_HEADER_BYTES_MAX)
                                     : pt_plain_ack_encode(plain, out, PT_HEADER_BYTES_MAX);
}

static size_t
s_again_fetched(pt_bytes_t header, uint8_t *out)
{
    if (pt_fetched_decode(header, &s_message.req_id) != PT_OK)
        return 0;
    return pt_fetched_encode(s_message.req_id, out, PT_HEADER_BYTES_MAX);
}

static size_t
s_again_subacked(pt_bytes_t header, uint8_t *out)
{
    if (pt_subacked_decode(header, &s_message.req_id) != PT_OK)
        return 0;
    return pt_subacked_encode(s_message.req_id, out, PT_HEADER_BYTES_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static size_t (*const again[])(pt_bytes_t, uint8_t *) = {
        s_again_batch,  s_again_ack,     s_again_nack,     s_again_ready,     s_again_decisions, s_again_head,
        s_again_heads,  s_again_open,    s_again_opened,   s_again_fetch,     s_again_fetched,   s_again_end,
        s_again_suback, s_again_refused, s_again_subacked, s_again_truncated, s_again_bad_epoch,
    };
    uint8_t first[PT_HEADER_BYTES_MAX], second[PT_HEADER_BYTES_MAX];
    pt_kind_t kind;
    if (pt_wire_kind((pt_bytes_t) {data, size}, &kind) == PT_OK)
        FUZZ_REQUIRE(kind < PT_KIND_COUNT_);
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
        size_t len = again[i]((pt_bytes_t) {data, size}, first);
        if (!len)
            continue;
        FUZZ_REQUIRE(again[i]((pt_bytes_t) {first, len}, second) == len);
        FUZZ_REQUIRE(memcmp(first, second, len) == 0);
    }
    return 0;
}
