/*  The messages from workers to subscribers: DECISIONS, HEAD and HEADS. */
#include <assert.h>

#include "pt_frame.h"

//  Elements of each kind's header array.
enum { S_DECISIONS_ELEMENTS = 9, S_HEAD_ELEMENTS = 7, S_HEADS_ELEMENTS = 6, S_TOPIC_HEAD_ELEMENTS = 3 };

//  Live decisions have no place in a sequence; the others end at or below the head.
static bool
s_is_sequence_sound(const pt_decisions_t *decisions)
{
    switch (decisions->flags) {
    case PT_FLAG_LIVE:
        return decisions->first_seq == 0 && decisions->head_seq == 0;
    case 0:
    case PT_FLAG_REPLAY:
        return decisions->first_seq >= 1 && decisions->head_seq >= decisions->first_seq &&
               decisions->head_seq - decisions->first_seq >= decisions->count;
    default:
        return false;
    }
}

size_t
pt_decisions_encode(const pt_decisions_t *decisions, uint8_t *out, size_t capacity)
{
    assert(decisions);
    assert(decisions->count >= 1 && decisions->count <= PT_BATCH_COUNT_MAX);
    assert(s_is_sequence_sound(decisions));

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_DECISIONS, S_DECISIONS_ELEMENTS);
    pt_frame_put_id(&writer, decisions->worker);
    pt_frame_put_uint(&writer, decisions->epoch);
    pt_frame_put_uint(&writer, decisions->first_seq);
    pt_frame_put_uint(&writer, decisions->count);
    pt_frame_put_uint(&writer, decisions->head_seq);
    pt_frame_put_uint(&writer, decisions->crc32);
    pt_frame_put_uint(&writer, decisions->flags);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_decisions_decode(pt_bytes_t header, pt_decisions_t *out_decisions)
{
    assert(out_decisions);

    *out_decisions = (pt_decisions_t) {0};
    pt_frame_reader_t reader;
    pt_frame_open(&reader, header, PT_KIND_DECISIONS, S_DECISIONS_ELEMENTS);
    out_decisions->worker = pt_frame_id(&reader);
    out_decisions->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_decisions->first_seq = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_decisions->count = (uint32_t) pt_frame_uint(&reader, 1, PT_BATCH_COUNT_MAX);
    out_decisions->head_seq = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_decisions->crc32 = (uint32_t) pt_frame_uint(&reader, 0, UINT32_MAX);
    out_decisions->flags = (uint32_t) pt_frame_uint(&reader, 0, UINT32_MAX);
    pt_frame_require(&reader, s_is_sequence_sound(out_decisions), PT_E_RANGE);
    return pt_frame_end(&reader);
}

size_t
pt_head_encode(const pt_head_t *head, uint8_t *out, size_t capacity)
{
    assert(head);
    assert(head->first_retained >= 1 && head->first_retained <= head->head_seq);
    assert(head->replay_endpoint.len <= PT_ENDPOINT_BYTES_MAX);

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_HEAD, S_HEAD_ELEMENTS);
    pt_frame_put_id(&writer, head->worker);
    pt_frame_put_uint(&writer, head->epoch);
    pt_frame_put_uint(&writer, head->first_retained);
    pt_frame_put_uint(&writer, head->head_seq);
    pt_frame_put_text(&writer, head->replay_endpoint);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_head_decode(pt_bytes_t header, pt_head_t *out_head)
{
    assert(out_head);

    *out_head = (pt_head_t) {0};
    pt_frame_reader_t reader;
    pt_frame_open(&reader, header, PT_KIND_HEAD, S_HEAD_ELEMENTS);
    out_head->worker = pt_frame_id(&reader);
    out_head->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_head->first_retained = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    out_head->head_seq = pt_frame_uint(&reader, out_head->first_retained, PT_WIRE_INTEGER_MAX);
    out_head->replay_endpoint = pt_frame_name(&reader, 0, PT_ENDPOINT_BYTES_MAX);
    return pt_frame_end(&reader);
}

static void
s_put_topic_head(pt_frame_writer_t *writer, const pt_topic_head_t *head)
{
    assert(head->topic.len >= 1 && head->topic.len <= PT_TOPIC_BYTES_MAX);
    assert(head->first_retained >= 1 && head->first_retained <= head->head_seq);

    pt_frame_put_array(writer, S_TOPIC_HEAD_ELEMENTS);
    pt_frame_put_text(writer, head->topic);
    pt_frame_put_uint(writer, head->first_retained);
    pt_frame_put_uint(writer, head->head_seq);
}

size_t
pt_heads_encode(const pt_heads_t *heads, uint8_t *out, size_t capacity)
{
    assert(heads);
    assert(heads->head_count >= 1 && heads->head_count <= PT_HEADS_MAX);
    assert(heads->replay_endpoint.len <= PT_ENDPOINT_BYTES_MAX);

    pt_frame_writer_t writer;
    pt_frame_begin(&writer, out, capacity, PT_KIND_HEADS, S_HEADS_ELEMENTS);
    pt_frame_put_id(&writer, heads->worker);
    pt_frame_put_uint(&writer, heads->epoch);
    pt_frame_put_text(&writer, heads->replay_endpoint);
    pt_frame_put_array(&writer, heads->head_count);
    for (size_t i = 0; i < heads->head_count; i++)
        s_put_topic_head(&writer, &heads->heads[i]);
    return pt_frame_finish(&writer);
}

static void
s_read_topic_head(pt_frame_reader_t *reader, pt_topic_head_t *out_head)
{
    pt_frame_array(reader, S_TOPIC_HEAD_ELEMENTS, S_TOPIC_HEAD_ELEMENTS);
    out_head->topic = pt_frame_name(reader, 1, PT_TOPIC_BYTES_MAX);
    out_head->first_retained = pt_frame_uint(reader, 1, PT_WIRE_INTEGER_MAX);
    out_head->head_seq = pt_frame_uint(reader, out_head->first_retained, PT_WIRE_INTEGER_MAX);
}

pt_status_t
pt_heads_decode(pt_bytes_t header, pt_heads_t *out_heads)
{
    assert(out_heads);

    pt_frame_reader_t reader;
    pt_frame_open(&reader, header, PT_KIND_HEADS, S_HEADS_ELEMENTS);
    out_heads->worker = pt_frame_id(&reader);
    out_heads->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_heads->replay_endpoint = pt_frame_name(&reader, 0, PT_ENDPOINT_BYTES_MAX);
    out_heads->head_count = pt_frame_array(&reader, 1, PT_HEADS_MAX);
    for (size_t i = 0; i < out_heads->head_count; i++)
        s_read_topic_head(&reader, &out_heads->heads[i]);
    return pt_frame_end(&reader);
}
