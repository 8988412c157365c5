/*  One FETCH is answered with one message and END: decisions leave as they are stored, the records
 *  around them are joined, so that small ones do not fill the queue, or cut.
 */
#include "pt_replay_answer.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_fault_point.h"
#include "pt_items.h"

bool
pt_answer_open_store(pt_answer_t *self, pt_store_t *store, pt_answer_send_fn *send, void *context)
{
    assert(self);
    assert(store);
    assert(send);

    *self = (pt_answer_t) {.store = store, .identity = pt_store_identity(store), .send = send, .context = context};
    self->record = malloc(PT_BATCH_BYTES_MAX);
    self->slice = malloc(PT_BATCH_BYTES_MAX + PT_ITEMS_HEAD_BYTES_MAX);
    return self->record && self->slice;
}

void
pt_answer_close(pt_answer_t *self)
{
    assert(self);

    free(self->record);
    free(self->slice);
    *self = (pt_answer_t) {0};
}

static bool
s_send_header(pt_answer_t *self, const pt_frames_t *route, const uint8_t *bytes, size_t len)
{
    pt_bytes_t frame = {bytes, len};
    return self->send(self->context, route, &frame, 1);
}

//  ---- OPEN

static bool
s_wants(const pt_open_t *open, const char *topic)
{
    size_t len = strlen(topic);
    for (size_t i = 0; i < open->prefix_count; i++)
        if (open->prefixes[i].len <= len && memcmp(open->prefixes[i].data, topic, open->prefixes[i].len) == 0)
            return true;
    return false;
}

static uint64_t
s_find_position(pt_store_view_t *view, const pt_open_t *open, const pt_store_head_t *head)
{
    uint64_t position = 0;
    char name[PT_STORE_NAME_BYTES_MAX + 1] = "";
    memcpy(name, open->name.data, open->name.len);
    if (open->durable && pt_store_view_position(view, name, head->topic, &position) != PT_OK)
        position = 0;
    return position > head->first_retained ? position : head->first_retained;
}

//  The topics behind `after`, as many as fit one answer. False when the journal could not be read.
static bool
s_list_topics(pt_store_view_t *view, const pt_open_t *open, char names[][PT_TOPIC_BYTES_MAX + 1], pt_opened_t *opened)
{
    pt_store_head_t head;
    pt_status_t status;
    char after[PT_TOPIC_BYTES_MAX + 1] = "";
    if (open->after.len)
        memcpy(after, open->after.data, open->after.len);
    while ((status = pt_store_view_topic(view, after, &head)) == PT_OK) {
        memcpy(after, head.topic, sizeof(after));
        if (!s_wants(open, head.topic))
            continue;
        if (opened->topic_count == PT_HEADS_MAX) {
            opened->more = true;
            return true;
        }
        char *name = names[opened->topic_count];
        memcpy(name, head.topic, sizeof(head.topic));
        opened->topics[opened->topic_count++] = (pt_topic_place_t) {pt_text_of(name), head.first_retained,
                                                                    head.next_seq, s_find_position(view, open, &head)};
    }
    return status == PT_E_NOT_FOUND;
}

void
pt_answer_open(pt_answer_t *self, const pt_frames_t *route, const pt_open_t *open)
{
    assert(self);
    assert(route);
    assert(open);

    pt_stats_replayed(self->stats, PT_STATS_OPEN, 1);
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    char names[PT_HEADS_MAX][PT_TOPIC_BYTES_MAX + 1];
    pt_opened_t opened = {.req_id = open->req_id, .worker = self->identity.worker, .epoch = self->identity.epoch};
    pt_refused_t refused = {open->req_id, PT_REFUSAL_BUSY};
    pt_store_view_t *view;
    bool well = pt_store_view_open(self->store, &view) == PT_OK && s_list_topics(view, open, names, &opened);
    pt_store_view_close(&view);
    PT_FAULT_POINT("replay.opened");
    s_send_header(self, route, bytes,
                  well ? pt_opened_encode(&opened, bytes, sizeof(bytes))
                       : pt_refused_encode(&refused, bytes, sizeof(bytes)));
}

//  ---- FETCH

//  One message of decisions, gathered in `slice`.
typedef struct {
    uint64_t first_seq;
    uint32_t count;
    uint32_t crc32; //  of the record that is all of it; else computed
    bool one_record;
    size_t bytes; //  of the elements
} s_chunk_t;

//  Behind the room for the array's head.
static void
s_add_elements(pt_answer_t *self, s_chunk_t *chunk, pt_bytes_t elements, uint32_t count)
{
    memcpy(self->slice + PT_ITEMS_HEAD_BYTES_MAX + chunk->bytes, elements.data, elements.len);
    chunk->bytes += elements.len;
    chunk->count += count;
}

//  Take what fits into `bytes_max` out of a record, from `from_seq` on; one decision at least.
static void
s_cut_record(pt_answer_t *self, s_chunk_t *chunk, const pt_store_record_t *record, uint64_t from_seq, size_t bytes_max)
{
    pt_items_t items;
    pt_bytes_t item;
    pt_status_t status =
        pt_items_open_decisions((pt_bytes_t) {self->record, record->items_bytes}, record->count, &items);
    //  The record has passed its checksum, and was such an array when it was written.
    assert(status == PT_OK);
    (void) status;
    chunk->first_seq = from_seq;
    for (uint64_t seq = record->first_seq; pt_items_next(&items, &item); seq++) {
        if (seq < from_seq)
            continue;
        if (chunk->count && chunk->bytes + item.len + PT_ITEMS_HEAD_BYTES_MAX > bytes_max)
            break;
        s_add_elements(self, chunk, item, 1);
    }
}

static void
s_take_record(pt_answer_t *self, s_chunk_t *chunk, const pt_store_record_t *record)
{
    size_t head = pt_items_head_bytes(record->count);
    chunk->one_record = chunk->count == 0;
    if (chunk->one_record) {
        chunk->first_seq = record->first_seq;
        chunk->crc32 = record->crc32;
    }
    s_add_elements(self, chunk, (pt_bytes_t) {self->record + head, record->items_bytes - head}, record->count);
}

//  Gather records from `from_seq` on, as many as fit. PT_OK, or a fault of reading the first one: what is well
//  before a damaged record is sent, and who asks for that one is told.
static pt_status_t
s_gather_chunk(pt_answer_t *self, pt_store_view_t *view, uint64_t from_seq, size_t bytes_max, s_chunk_t *chunk)
{
    pt_store_record_t record;
    pt_status_t status;
    while ((status = pt_store_view_next(view, &record)) == PT_OK) {
        bool fits = chunk->count + record.count <= PT_BATCH_COUNT_MAX &&
                    chunk->bytes + record.items_bytes + PT_ITEMS_HEAD_BYTES_MAX <= bytes_max;
        if (chunk->count && !fits)
            return PT_OK;
        status = pt_store_view_items(view, self->record);
        if (status != PT_OK)
            break;
        if (record.items_bytes > bytes_max) {
            s_cut_record(self, chunk, &record, from_seq, bytes_max);
            return PT_OK;
        }
        s_take_record(self, chunk, &record);
    }
    return status == PT_E_NOT_FOUND || chunk->count ? PT_OK : status;
}

static bool
s_send_chunk(pt_answer_t *self, const pt_frames_t *route, const pt_fetch_t *fetch, const s_chunk_t *chunk,
             uint64_t head_seq)
{
    uint8_t fetched[PT_HEADER_BYTES_MAX];
    uint8_t header[PT_HEADER_BYTES_MAX];
    size_t head_len = pt_items_head_bytes(chunk->count);
    pt_bytes_t items = {self->slice + PT_ITEMS_HEAD_BYTES_MAX - head_len, head_len + chunk->bytes};
    pt_items_write_head(self->slice + PT_ITEMS_HEAD_BYTES_MAX - head_len, chunk->count);
    pt_decisions_t decisions = {
        .worker = self->identity.worker,
        .epoch = self->identity.epoch,
        .first_seq = chunk->first_seq,
        .head_seq = head_seq,
        .count = chunk->count,
        .crc32 = chunk->one_record ? chunk->crc32 : pt_wire_crc32(items),
        .flags = PT_FLAG_REPLAY,
    };
    pt_bytes_t frames[4] = {
        {fetched, pt_fetched_encode(fetch->req_id, fetched, sizeof(fetched))},
        {(const uint8_t *) fetch->topic.data, fetch->topic.len},
        {header, pt_decisions_encode(&decisions, header, sizeof(header))},
        items,
    };
    return self->send(self->context, route, frames, 4);
}

static bool
s_send_end(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id, uint64_t next_seq, uint64_t head_seq)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_end_t end = {req_id, next_seq, head_seq};
    return s_send_header(self, route, bytes, pt_end_encode(&end, bytes, sizeof(bytes)));
}

static bool
s_send_truncated(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id, uint64_t first_seq)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_truncated_t truncated = {req_id, first_seq};
    pt_stats_replayed(self->stats, PT_STATS_TRUNCATED, 1);
    return s_send_header(self, route, bytes, pt_truncated_encode(&truncated, bytes, sizeof(bytes)));
}

//  What is damaged stays so: to say "busy" would hold up everything behind it for ever.
static bool
s_leave_out(pt_answer_t *self, pt_store_view_t *view, const pt_frames_t *route, const pt_fetch_t *fetch)
{
    uint64_t next_seq;
    if (pt_store_view_skip(view, fetch->from_seq, &next_seq) != PT_OK)
        return false;
    pt_store_note_damaged(self->store);
    s_send_truncated(self, route, fetch->req_id, next_seq);
    return true;
}

//  Send what is kept from `from_seq` on, which is below head_seq, and END.
static bool
s_send_records(pt_answer_t *self, pt_store_view_t *view, const pt_frames_t *route, const pt_fetch_t *fetch,
               const pt_store_head_t *head)
{
    s_chunk_t chunk = {.count = 0};
    PT_FAULT_POINT("replay.fetch");
    pt_status_t status = pt_store_view_seek(view, head->topic, fetch->from_seq);
    if (status == PT_OK)
        status = s_gather_chunk(self, view, fetch->from_seq, fetch->max_bytes, &chunk);
    if (status == PT_E_CHECKSUM)
        return s_leave_out(self, view, route, fetch);
    if (status != PT_OK)
        return false;
    //  When there was no room for the decisions, END would only say where to ask again.
    PT_FAULT_POINT("replay.chunk.before");
    if (s_send_chunk(self, route, fetch, &chunk, head->next_seq)) {
        pt_stats_replayed(self->stats, PT_STATS_FETCHED, chunk.count);
        s_send_end(self, route, fetch->req_id, chunk.first_seq + chunk.count, head->next_seq);
    }
    PT_FAULT_POINT("replay.chunk.after");
    return true;
}

static bool
s_fetch_view(pt_answer_t *self, pt_store_view_t *view, const pt_frames_t *route, const pt_fetch_t *fetch)
{
    char topic[PT_TOPIC_BYTES_MAX + 1] = "";
    pt_store_head_t head = {.first_retained = 1, .next_seq = 1};
    memcpy(topic, fetch->topic.data, fetch->topic.len);
    pt_status_t status = pt_store_view_head(view, topic, &head);
    if (status != PT_OK && status != PT_E_NOT_FOUND)
        return false;
    if (fetch->from_seq >= head.next_seq) {
        s_send_end(self, route, fetch->req_id, head.next_seq, head.next_seq);
        return true;
    }
    if (fetch->from_seq >= head.first_retained)
        return s_send_records(self, view, route, fetch, &head);
    s_send_truncated(self, route, fetch->req_id, head.first_retained);
    return true;
}

bool
pt_answer_fetch(pt_answer_t *self, const pt_frames_t *route, const pt_fetch_t *fetch)
{
    assert(self);
    assert(route);
    assert(fetch);

    if (fetch->epoch != self->identity.epoch) {
        pt_answer_bad_epoch(self, route, fetch->req_id);
        return true;
    }
    pt_stats_replayed(self->stats, PT_STATS_FETCH, 1);
    pt_store_view_t *view;
    bool well = pt_store_view_open(self->store, &view) == PT_OK && s_fetch_view(self, view, route, fetch);
    pt_store_view_close(&view);
    if (!well)
        pt_store_note_damaged(self->store);
    return well;
}

void
pt_answer_bad_epoch(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id)
{
    assert(self);
    assert(route);

    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_bad_epoch_t bad_epoch = {req_id, self->identity.epoch};
    s_send_header(self, route, bytes, pt_bad_epoch_encode(&bad_epoch, bytes, sizeof(bytes)));
}

void
pt_answer_suback(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id)
{
    assert(self);

    uint8_t bytes[PT_HEADER_BYTES_MAX];
    s_send_header(self, route, bytes, pt_subacked_encode(req_id, bytes, sizeof(bytes)));
}

pt_refusal_t
pt_answer_refusal(pt_status_t status)
{
    switch (status) {
    case PT_E_NOT_FOUND:
        return PT_REFUSAL_UNKNOWN;
    case PT_E_COUNT:
        return PT_REFUSAL_TOO_MANY;
    case PT_E_RANGE:
        return PT_REFUSAL_BAD_FORMAT;
    default:
        return PT_REFUSAL_BUSY;
    }
}

void
pt_answer_refuse(pt_answer_t *self, const pt_frames_t *route, uint64_t req_id, pt_refusal_t refusal)
{
    assert(self);

    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_refused_t refused = {req_id, refusal};
    if (req_id == 0)
        return;
    pt_stats_replayed(self->stats, PT_STATS_REFUSED, 1);
    s_send_header(self, route, bytes, pt_refused_encode(&refused, bytes, sizeof(bytes)));
}
