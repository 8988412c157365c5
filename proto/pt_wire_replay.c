/*  The messages between a subscriber and a worker's replay socket.
 *
 *  Every answer carries the req_id of its request right behind the kind, so that a subscriber can
 *  match answers of a connection that was lost and came back.
 */
#include <assert.h>

#include "pt_frame.h"

//  Elements of each kind's header array.
enum {
    S_OPEN_ELEMENTS = 7,
    S_OPENED_ELEMENTS = 7,
    S_FETCH_ELEMENTS = 7,
    S_FETCHED_ELEMENTS = 3,
    S_END_ELEMENTS = 5,
    S_TRUNCATED_ELEMENTS = 4,
    S_BADEPOCH_ELEMENTS = 4,
    S_SUBACK_ELEMENTS = 6,
    S_SUBACKED_ELEMENTS = 3,
    S_REFUSED_ELEMENTS = 4,
    S_TOPIC_PLACE_ELEMENTS = 4,
    S_TOPIC_NEXT_ELEMENTS = 2
};

//  Longer than any refusal's word; arbitrary.
#define S_REFUSAL_BYTES_MAX 32

static const char *const s_refusals[PT_REFUSAL_COUNT_] = {
    [PT_REFUSAL_BUSY] = "busy",         [PT_REFUSAL_BAD_FORMAT] = "bad_format",     [PT_REFUSAL_UNKNOWN] = "unknown",
    [PT_REFUSAL_TOO_MANY] = "too_many", [PT_REFUSAL_UNAUTHORIZED] = "unauthorized",
};

const char *
pt_refusal_text(pt_refusal_t refusal)
{
    assert((unsigned) refusal < PT_REFUSAL_COUNT_);

    return s_refusals[refusal];
}

int
pt_refusal_parse(pt_text_t word)
{
    for (int refusal = 0; refusal < PT_REFUSAL_COUNT_; refusal++)
        if (pt_text_equal(word, pt_text_of(s_refusals[refusal])))
            return refusal;
    return -1;
}

//  A frame whose third element is the request's id, which all of these are.
static void
s_begin(pt_frame_writer_t *writer, uint8_t *out, size_t capacity, pt_kind_t kind, size_t elements, uint64_t req_id)
{
    assert(req_id >= 1);

    pt_frame_begin(writer, out, capacity, kind, elements);
    pt_frame_put_uint(writer, req_id);
}

static uint64_t
s_open(pt_frame_reader_t *reader, pt_bytes_t header, pt_kind_t kind, size_t elements)
{
    pt_frame_open(reader, header, kind, elements);
    return pt_frame_uint(reader, 1, PT_WIRE_INTEGER_MAX);
}

size_t
pt_open_encode(const pt_open_t *open, uint8_t *out, size_t capacity)
{
    assert(open);
    assert(open->name.len <= PT_SUBSCRIBER_NAME_BYTES_MAX);
    assert(open->name.len >= 1 || !open->durable);
    assert(open->prefix_count >= 1 && open->prefix_count <= PT_PREFIXES_MAX);
    assert(open->after.len <= PT_TOPIC_BYTES_MAX);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_OPEN, S_OPEN_ELEMENTS, open->req_id);
    pt_frame_put_text(&writer, open->name);
    pt_frame_put_bool(&writer, open->durable);
    pt_frame_put_array(&writer, open->prefix_count);
    for (size_t i = 0; i < open->prefix_count; i++) {
        assert(open->prefixes[i].len <= PT_TOPIC_BYTES_MAX);
        pt_frame_put_text(&writer, open->prefixes[i]);
    }
    pt_frame_put_text(&writer, open->after);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_open_decode(pt_bytes_t header, pt_open_t *out_open)
{
    assert(out_open);

    pt_frame_reader_t reader;
    out_open->req_id = s_open(&reader, header, PT_KIND_OPEN, S_OPEN_ELEMENTS);
    out_open->name = pt_frame_name(&reader, 0, PT_SUBSCRIBER_NAME_BYTES_MAX);
    out_open->durable = pt_frame_bool(&reader);
    pt_frame_require(&reader, out_open->name.len >= 1 || !out_open->durable, PT_E_RANGE);
    out_open->prefix_count = pt_frame_array(&reader, 1, PT_PREFIXES_MAX);
    for (size_t i = 0; i < out_open->prefix_count; i++)
        out_open->prefixes[i] = pt_frame_name(&reader, 0, PT_TOPIC_BYTES_MAX);
    out_open->after = pt_frame_name(&reader, 0, PT_TOPIC_BYTES_MAX);
    return pt_frame_end(&reader);
}

static void
s_put_topic_place(pt_frame_writer_t *writer, const pt_topic_place_t *place)
{
    assert(place->topic.len >= 1 && place->topic.len <= PT_TOPIC_BYTES_MAX);
    assert(place->first_retained >= 1 && place->first_retained <= place->head_seq);
    assert(place->position >= 1 && place->position <= place->head_seq);

    pt_frame_put_array(writer, S_TOPIC_PLACE_ELEMENTS);
    pt_frame_put_text(writer, place->topic);
    pt_frame_put_uint(writer, place->first_retained);
    pt_frame_put_uint(writer, place->head_seq);
    pt_frame_put_uint(writer, place->position);
}

size_t
pt_opened_encode(const pt_opened_t *opened, uint8_t *out, size_t capacity)
{
    assert(opened);
    assert(opened->topic_count <= PT_HEADS_MAX);
    assert(opened->topic_count >= 1 || !opened->more);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_OPENED, S_OPENED_ELEMENTS, opened->req_id);
    pt_frame_put_id(&writer, opened->worker);
    pt_frame_put_uint(&writer, opened->epoch);
    pt_frame_put_array(&writer, opened->topic_count);
    for (size_t i = 0; i < opened->topic_count; i++)
        s_put_topic_place(&writer, &opened->topics[i]);
    pt_frame_put_bool(&writer, opened->more);
    return pt_frame_finish(&writer);
}

static void
s_read_topic_place(pt_frame_reader_t *reader, pt_topic_place_t *out_place)
{
    pt_frame_array(reader, S_TOPIC_PLACE_ELEMENTS, S_TOPIC_PLACE_ELEMENTS);
    out_place->topic = pt_frame_name(reader, 1, PT_TOPIC_BYTES_MAX);
    out_place->first_retained = pt_frame_uint(reader, 1, PT_WIRE_INTEGER_MAX);
    out_place->head_seq = pt_frame_uint(reader, out_place->first_retained, PT_WIRE_INTEGER_MAX);
    out_place->position = pt_frame_uint(reader, 1, out_place->head_seq);
}

pt_status_t
pt_opened_decode(pt_bytes_t header, pt_opened_t *out_opened)
{
    assert(out_opened);

    pt_frame_reader_t reader;
    out_opened->req_id = s_open(&reader, header, PT_KIND_OPENED, S_OPENED_ELEMENTS);
    out_opened->worker = pt_frame_id(&reader);
    out_opened->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_opened->topic_count = pt_frame_array(&reader, 0, PT_HEADS_MAX);
    for (size_t i = 0; i < out_opened->topic_count; i++)
        s_read_topic_place(&reader, &out_opened->topics[i]);
    out_opened->more = pt_frame_bool(&reader);
    //  Without a topic there is nothing to go on behind.
    pt_frame_require(&reader, out_opened->topic_count >= 1 || !out_opened->more, PT_E_RANGE);
    return pt_frame_end(&reader);
}

size_t
pt_fetch_encode(const pt_fetch_t *fetch, uint8_t *out, size_t capacity)
{
    assert(fetch);
    assert(fetch->topic.len >= 1 && fetch->topic.len <= PT_TOPIC_BYTES_MAX);
    assert(fetch->from_seq >= 1);
    assert(fetch->max_bytes >= 1 && fetch->max_bytes <= PT_BATCH_BYTES_MAX);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_FETCH, S_FETCH_ELEMENTS, fetch->req_id);
    pt_frame_put_text(&writer, fetch->topic);
    pt_frame_put_uint(&writer, fetch->epoch);
    pt_frame_put_uint(&writer, fetch->from_seq);
    pt_frame_put_uint(&writer, fetch->max_bytes);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_fetch_decode(pt_bytes_t header, pt_fetch_t *out_fetch)
{
    assert(out_fetch);

    pt_frame_reader_t reader;
    out_fetch->req_id = s_open(&reader, header, PT_KIND_FETCH, S_FETCH_ELEMENTS);
    out_fetch->topic = pt_frame_name(&reader, 1, PT_TOPIC_BYTES_MAX);
    out_fetch->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_fetch->from_seq = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    out_fetch->max_bytes = (uint32_t) pt_frame_uint(&reader, 1, PT_BATCH_BYTES_MAX);
    return pt_frame_end(&reader);
}

size_t
pt_fetched_encode(uint64_t req_id, uint8_t *out, size_t capacity)
{
    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_FETCHED, S_FETCHED_ELEMENTS, req_id);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_fetched_decode(pt_bytes_t header, uint64_t *out_req_id)
{
    assert(out_req_id);

    pt_frame_reader_t reader;
    *out_req_id = s_open(&reader, header, PT_KIND_FETCHED, S_FETCHED_ELEMENTS);
    return pt_frame_end(&reader);
}

size_t
pt_end_encode(const pt_end_t *end, uint8_t *out, size_t capacity)
{
    assert(end);
    assert(end->next_seq >= 1 && end->next_seq <= end->head_seq);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_END, S_END_ELEMENTS, end->req_id);
    pt_frame_put_uint(&writer, end->next_seq);
    pt_frame_put_uint(&writer, end->head_seq);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_end_decode(pt_bytes_t header, pt_end_t *out_end)
{
    assert(out_end);

    pt_frame_reader_t reader;
    out_end->req_id = s_open(&reader, header, PT_KIND_END, S_END_ELEMENTS);
    out_end->next_seq = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    out_end->head_seq = pt_frame_uint(&reader, out_end->next_seq, PT_WIRE_INTEGER_MAX);
    return pt_frame_end(&reader);
}

size_t
pt_truncated_encode(const pt_truncated_t *truncated, uint8_t *out, size_t capacity)
{
    assert(truncated);
    assert(truncated->first_retained >= 1);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_TRUNCATED, S_TRUNCATED_ELEMENTS, truncated->req_id);
    pt_frame_put_uint(&writer, truncated->first_retained);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_truncated_decode(pt_bytes_t header, pt_truncated_t *out_truncated)
{
    assert(out_truncated);

    pt_frame_reader_t reader;
    out_truncated->req_id = s_open(&reader, header, PT_KIND_TRUNCATED, S_TRUNCATED_ELEMENTS);
    out_truncated->first_retained = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    return pt_frame_end(&reader);
}

size_t
pt_bad_epoch_encode(const pt_bad_epoch_t *bad_epoch, uint8_t *out, size_t capacity)
{
    assert(bad_epoch);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_BADEPOCH, S_BADEPOCH_ELEMENTS, bad_epoch->req_id);
    pt_frame_put_uint(&writer, bad_epoch->epoch);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_bad_epoch_decode(pt_bytes_t header, pt_bad_epoch_t *out_bad_epoch)
{
    assert(out_bad_epoch);

    pt_frame_reader_t reader;
    out_bad_epoch->req_id = s_open(&reader, header, PT_KIND_BADEPOCH, S_BADEPOCH_ELEMENTS);
    out_bad_epoch->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    return pt_frame_end(&reader);
}

size_t
pt_suback_encode(const pt_suback_t *suback, uint8_t *out, size_t capacity)
{
    assert(suback);
    assert(suback->name.len >= 1 && suback->name.len <= PT_SUBSCRIBER_NAME_BYTES_MAX);
    assert(suback->topic_count >= 1 && suback->topic_count <= PT_HEADS_MAX);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_SUBACK, S_SUBACK_ELEMENTS, suback->req_id);
    pt_frame_put_text(&writer, suback->name);
    pt_frame_put_uint(&writer, suback->epoch);
    pt_frame_put_array(&writer, suback->topic_count);
    for (size_t i = 0; i < suback->topic_count; i++) {
        const pt_topic_next_t *next = &suback->topics[i];
        assert(next->topic.len >= 1 && next->topic.len <= PT_TOPIC_BYTES_MAX && next->next_seq >= 1);
        pt_frame_put_array(&writer, S_TOPIC_NEXT_ELEMENTS);
        pt_frame_put_text(&writer, next->topic);
        pt_frame_put_uint(&writer, next->next_seq);
    }
    return pt_frame_finish(&writer);
}

pt_status_t
pt_suback_decode(pt_bytes_t header, pt_suback_t *out_suback)
{
    assert(out_suback);

    pt_frame_reader_t reader;
    out_suback->req_id = s_open(&reader, header, PT_KIND_SUBACK, S_SUBACK_ELEMENTS);
    out_suback->name = pt_frame_name(&reader, 1, PT_SUBSCRIBER_NAME_BYTES_MAX);
    out_suback->epoch = pt_frame_uint(&reader, 0, PT_WIRE_INTEGER_MAX);
    out_suback->topic_count = pt_frame_array(&reader, 1, PT_HEADS_MAX);
    for (size_t i = 0; i < out_suback->topic_count; i++) {
        pt_topic_next_t *next = &out_suback->topics[i];
        pt_frame_array(&reader, S_TOPIC_NEXT_ELEMENTS, S_TOPIC_NEXT_ELEMENTS);
        next->topic = pt_frame_name(&reader, 1, PT_TOPIC_BYTES_MAX);
        next->next_seq = pt_frame_uint(&reader, 1, PT_WIRE_INTEGER_MAX);
    }
    return pt_frame_end(&reader);
}

size_t
pt_subacked_encode(uint64_t req_id, uint8_t *out, size_t capacity)
{
    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_SUBACKED, S_SUBACKED_ELEMENTS, req_id);
    return pt_frame_finish(&writer);
}

pt_status_t
pt_subacked_decode(pt_bytes_t header, uint64_t *out_req_id)
{
    assert(out_req_id);

    pt_frame_reader_t reader;
    *out_req_id = s_open(&reader, header, PT_KIND_SUBACKED, S_SUBACKED_ELEMENTS);
    return pt_frame_end(&reader);
}

size_t
pt_refused_encode(const pt_refused_t *refused, uint8_t *out, size_t capacity)
{
    assert(refused);

    pt_frame_writer_t writer;
    s_begin(&writer, out, capacity, PT_KIND_REFUSED, S_REFUSED_ELEMENTS, refused->req_id);
    pt_frame_put_text(&writer, pt_text_of(pt_refusal_text(refused->refusal)));
    return pt_frame_finish(&writer);
}

pt_status_t
pt_refused_decode(pt_bytes_t header, pt_refused_t *out_refused)
{
    assert(out_refused);

    *out_refused = (pt_refused_t) {0};
    pt_frame_reader_t reader;
    out_refused->req_id = s_open(&reader, header, PT_KIND_REFUSED, S_REFUSED_ELEMENTS);
    int refusal = pt_refusal_parse(pt_frame_name(&reader, 1, S_REFUSAL_BYTES_MAX));
    pt_frame_require(&reader, refusal >= 0, PT_E_RANGE);
    if (refusal >= 0)
        out_refused->refusal = (pt_refusal_t) refusal;
    return pt_frame_end(&reader);
}
