/*  The messages between producers, brokers and workers, and the words that all messages share.
 *
 *  What workers publish is in pt_wire_published.c, replay in pt_wire_replay.c, payload frames in
 *  pt_items.c.
 */
#include <assert.h>

#include "pt_crc.h"
#include "pt_frame.h"

static const char *const s_kinds[PT_KIND_COUNT_] = {
    [PT_KIND_BATCH] = "BATCH",       [PT_KIND_ACK] = "ACK",
    [PT_KIND_NACK] = "NACK",         [PT_KIND_READY] = "READY",
    [PT_KIND_HELLO] = "HELLO",       [PT_KIND_DECISIONS] = "DECISIONS",
    [PT_KIND_HEAD] = "HEAD",         [PT_KIND_HEADS] = "HEADS",
    [PT_KIND_OPEN] = "OPEN",         [PT_KIND_OPENED] = "OPENED",
    [PT_KIND_FETCH] = "FETCH",       [PT_KIND_FETCHED] = "FETCHED",
    [PT_KIND_END] = "END",           [PT_KIND_TRUNCATED] = "TRUNCATED",
    [PT_KIND_BADEPOCH] = "BADEPOCH", [PT_KIND_SUBACK] = "SUBACK",
    [PT_KIND_SUBACKED] = "SUBACKED", [PT_KIND_REFUSED] = "REFUSED",
};

static const char *const s_reasons[PT_REASON_COUNT_] = {
    [PT_REASON_BUSY] = "busy",
    [PT_REASON_TOO_BIG] = "too_big",
    [PT_REASON_BAD_CRC] = "bad_crc",
    [PT_REASON_BAD_FORMAT] = "bad_format",
    [PT_REASON_WINDOW] = "window",
    [PT_REASON_CONFLICT] = "conflict",
    [PT_REASON_UNAUTHORIZED] = "unauthorized",
};

//  Elements of each kind's header array.
enum {
    S_BATCH_ELEMENTS = 8,
    S_ACK_ELEMENTS = 5,
    S_PLAIN_ACK_ELEMENTS = 3,
    S_NACK_ELEMENTS = 7,
    S_PLAIN_NACK_ELEMENTS = 4,
    S_READY_ELEMENTS = 6,
    S_HELLO_ELEMENTS = 2
};

//  Longer than any reason's word; arbitrary.
#define S_REASON_BYTES_MAX 32

const char *
pt_kind_text(pt_kind_t kind)
{
    assert((unsigned) kind < PT_KIND_COUNT_);

    return s_kinds[kind];
}

const char *
pt_reason_text(pt_reason_t reason)
{
    assert((unsigned) reason < PT_REASON_COUNT_);

    return s_reasons[reason];
}

int
pt_reason_parse(pt_text_t word)
{
    for (int reason = 0; reason < PT_REASON_COUNT_; reason++)
        if (pt_text_equal(word, pt_text_of(s_reasons[reason])))
            return reason;
    return -1;
}

bool
pt_reason_is_passing(pt_reason_t reason)
{
    return reason == PT_REASON_BUSY || reason == PT_REASON_WINDOW || reason == PT_REASON_BAD_CRC;
}

size_t
pt_batch_encode(const pt_batch_t *batch, uint8_t *out, size_t capacity)
{
    assert(batch);
    assert(batch->floor >= 1 && batch->floor <= batch->seq);
    assert(batch->seq - batch->floor < PT_WINDOW);
    assert(batch->count >= 1 && batch->count <= PT_BATCH_COUNT_MAX);

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_BATCH, S_BATCH_ELEMENTS);
    pt_frame_put_id(&writer, batch->producer);
    pt_frame_put_uint(&writer, batch->epoch);
    pt_frame_put_uint(&writer, batch->seq);
    pt_frame_put_uint(&writer, batch->floor);
    pt_frame_put_uint(&writer, batch->crc32);
    pt_frame_put_uint(&writer, batch->count);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_batch_decode(pt_bytes_t header, pt_batch_t *out_batch)
{
    assert(out_batch);

    *out_batch = (pt_batch_t) {0};
    pt_frame_reader_t reader;
    pt_frame_open(&reader, header, PT_KIND_BATCH, S_BATCH_ELEMENTS);
    out_batch->producer = pt_frame_id(&reader);
    out_batch->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_batch->seq = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    out_batch->floor = pt_frame_uint(&reader, 1, out_batch->seq);
    pt_frame_require(&reader, out_batch->seq - out_batch->floor < PT_WINDOW, PT_E_RANGE);
    out_batch->crc32 = (uint32_t) pt_frame_uint(&reader, 0, UINT32_MAX);
    uint64_t count = pt_frame_uint(&reader, 1, UINT64_MAX);
    out_batch->count = count < UINT32_MAX ? (uint32_t) count : UINT32_MAX;
    pt_frame_require(&reader, count <= PT_BATCH_COUNT_MAX, PT_E_COUNT);
    return pt_frame_end(&reader);
}

pt_reason_t
pt_batch_reason(pt_status_t status, const pt_batch_t *batch)
{
    assert(batch);

    if (status == PT_E_SIZE || (status == PT_E_COUNT && batch->count > PT_BATCH_COUNT_MAX))
        return PT_REASON_TOO_BIG;
    if (status == PT_E_CHECKSUM)
        return PT_REASON_BAD_CRC;
    //  A floor that was read well and is too far behind passes once the producer's floor moves on.
    if (status == PT_E_RANGE && batch->floor && batch->seq - batch->floor >= PT_WINDOW)
        return PT_REASON_WINDOW;
    return PT_REASON_BAD_FORMAT;
}

size_t
pt_ack_encode(const pt_ack_t *ack, uint8_t *out, size_t capacity)
{
    assert(ack);
    assert(ack->range_count >= 1 && ack->range_count <= PT_RANGES_MAX);

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_ACK, S_ACK_ELEMENTS);
    pt_frame_put_id(&writer, ack->producer);
    pt_frame_put_uint(&writer, ack->epoch);
    pt_frame_put_array(&writer, ack->range_count);
    for (size_t i = 0; i < ack->range_count; i++) {
        assert(ack->ranges[i].first >= 1 && ack->ranges[i].first <= ack->ranges[i].last);
        pt_frame_put_array(&writer, 2);
        pt_frame_put_uint(&writer, ack->ranges[i].first);
        pt_frame_put_uint(&writer, ack->ranges[i].last);
    }
    return pt_frame_finish(&writer);
}

size_t
pt_plain_ack_encode(uint32_t count, uint8_t *out, size_t capacity)
{
    assert(count <= PT_BATCH_COUNT_MAX);

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_ACK, S_PLAIN_ACK_ELEMENTS);
    pt_frame_put_uint(&writer, count);
    return pt_frame_finish(&writer);
}

static void
s_read_ranges(pt_frame_reader_t *reader, pt_ack_t *out_ack)
{
    out_ack->range_count = pt_frame_array(reader, 1, PT_RANGES_MAX);
    for (size_t i = 0; i < out_ack->range_count; i++) {
        pt_range_t *range = &out_ack->ranges[i];
        pt_frame_array(reader, 2, 2);
        range->first = pt_frame_uint(reader, 1, PT_WIRE_INTEGER_MAX);
        range->last = pt_frame_uint(reader, range->first, PT_WIRE_INTEGER_MAX);
    }
}

pt_status_t
pt_ack_decode(pt_bytes_t header, pt_ack_t *out_ack, uint32_t *out_plain_count)
{
    assert(out_ack);
    assert(out_plain_count);

    out_ack->producer = 0;
    out_ack->epoch = 0;
    out_ack->range_count = 0;
    *out_plain_count = 0;
    pt_frame_reader_t reader;
    size_t elements = pt_frame_open(&reader, header, PT_KIND_ACK, 0);
    if (elements == S_PLAIN_ACK_ELEMENTS) {
        *out_plain_count = (uint32_t) pt_frame_uint(&reader, 0, PT_BATCH_COUNT_MAX);
        return pt_frame_end(&reader);
    }
    pt_frame_require(&reader, elements == S_ACK_ELEMENTS, PT_E_COUNT);
    out_ack->producer = pt_frame_id(&reader);
    out_ack->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    s_read_ranges(&reader, out_ack);
    return pt_frame_end(&reader);
}

size_t
pt_nack_encode(const pt_nack_t *nack, uint8_t *out, size_t capacity)
{
    assert(nack);
    assert(nack->seq >= 1 || (!nack->producer && !nack->epoch));

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_NACK, nack->seq ? S_NACK_ELEMENTS : S_PLAIN_NACK_ELEMENTS);
    if (nack->seq) {
        pt_frame_put_id(&writer, nack->producer);
        pt_frame_put_uint(&writer, nack->epoch);
        pt_frame_put_uint(&writer, nack->seq);
    }
    pt_frame_put_text(&writer, pt_text_of(pt_reason_text(nack->reason)));
    pt_frame_put_uint(&writer, nack->retry_after_ms);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_nack_decode(pt_bytes_t header, pt_nack_t *out_nack)
{
    assert(out_nack);

    *out_nack = (pt_nack_t) {0};
    pt_frame_reader_t reader;
    size_t elements = pt_frame_open(&reader, header, PT_KIND_NACK, 0);
    if (elements != S_PLAIN_NACK_ELEMENTS) {
        pt_frame_require(&reader, elements == S_NACK_ELEMENTS, PT_E_COUNT);
        out_nack->producer = pt_frame_id(&reader);
        out_nack->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
        out_nack->seq = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    }
    int reason = pt_reason_parse(pt_frame_name(&reader, 1, S_REASON_BYTES_MAX));
    pt_frame_require(&reader, reason >= 0, PT_E_RANGE);
    if (reason >= 0)
        out_nack->reason = (pt_reason_t) reason;
    out_nack->retry_after_ms = (uint32_t) pt_frame_uint(&reader, 0, UINT32_MAX);
    return pt_frame_end(&reader);
}

size_t
pt_ready_encode(const pt_ready_t *ready, uint8_t *out, size_t capacity)
{
    assert(ready);
    assert(ready->received <= ready->limit);

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_READY, S_READY_ELEMENTS);
    pt_frame_put_id(&writer, ready->worker);
    pt_frame_put_uint(&writer, ready->epoch);
    pt_frame_put_uint(&writer, ready->received);
    pt_frame_put_uint(&writer, ready->limit);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_ready_decode(pt_bytes_t header, pt_ready_t *out_ready)
{
    assert(out_ready);

    *out_ready = (pt_ready_t) {0};
    pt_frame_reader_t reader;
    pt_frame_open(&reader, header, PT_KIND_READY, S_READY_ELEMENTS);
    out_ready->worker = pt_frame_id(&reader);
    out_ready->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_ready->received = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_ready->limit = pt_frame_uint(&reader, out_ready->received, PT_WIRE_INTEGER_MAX);
    return pt_frame_end(&reader);
}

size_t
pt_hello_encode(uint8_t *out, size_t capacity)
{
    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_HELLO, S_HELLO_ELEMENTS);
    return pt_frame_finish(&writer);
}

uint32_t
pt_wire_crc32(pt_bytes_t bytes)
{
    //  An absent frame has the sum of no bytes, which is 0.
    return pt_crc32(0, bytes.data, bytes.len);
}

static bool
s_is_provider_name(pt_text_t name)
{
    if (name.len < 1 || name.len > PT_TOPIC_PROVIDER_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

size_t
pt_wire_topic(const char *queue, pt_text_t provider, char *out)
{
    assert(queue);
    assert(out);

    if (!s_is_provider_name(provider))
        provider = PT_TEXT("-");
    size_t queue_len = strlen(queue);
    assert(queue_len + provider.len + 2 <= PT_TOPIC_BYTES_MAX);
    memcpy(out, queue, queue_len);
    out[queue_len] = '.';
    memcpy(out + queue_len + 1, provider.data, provider.len);
    out[queue_len + 1 + provider.len] = '.';
    return queue_len + provider.len + 2;
}
