/*  Records, on their way into LMDB: what is kept of one topic in one go, cut into chunks. */
#include "pt_fault_point.h"
#include "pt_items.h"
#include "pt_store_parts.h"

bool
pt_store_fits(uint32_t count, size_t bytes, const pt_store_part_t *next)
{
    assert(next);

    return count + next->count <= PT_BATCH_COUNT_MAX &&
           bytes + next->items.len + PT_ITEMS_HEAD_BYTES_MAX <= PT_BATCH_BYTES_MAX;
}

//  The elements of an array of `count`.
static pt_bytes_t
s_elements(pt_bytes_t array, uint32_t count)
{
    size_t head = pt_items_head_bytes(count);
    assert(array.len >= head + count);
    assert(count < 16 ? array.data[0] == (0x90 | count) : array.data[0] == 0xdc);
    return (pt_bytes_t) {array.data + head, array.len - head};
}

//  Bytes on their way into chunks.
typedef struct {
    pt_store_t *store;
    const pt_store_topic_t *topic;
    uint64_t first_seq;
    unsigned part;
    unsigned chunk;
    size_t bytes; //  of the record, or of its responses
    size_t left;  //  of them, beyond the chunk at hand
    uint8_t *at;
    size_t room; //  in the chunk at hand
} s_spill_t;

static size_t
s_least(size_t left, size_t right)
{
    return left < right ? left : right;
}

//  Short records share pages. Of a long one whole pages stand alone, and what makes none goes first, with the header;
//  more than half a page cannot be shared, and then the header goes alone.
static size_t
s_next_chunk(const s_spill_t *spill)
{
    const pt_store_t *store = spill->store;
    if (spill->bytes < store->page_bytes / 4 * 3)
        return s_least(spill->left, store->chunk_bytes);
    if (spill->chunk > 0)
        return s_least(spill->left, store->page_bytes);
    size_t odd = spill->bytes % store->page_bytes;
    return odd >= S_RECORD_HEADER_BYTES && odd <= store->chunk_bytes ? odd : S_RECORD_HEADER_BYTES;
}

static int
s_open_chunk(s_spill_t *spill)
{
    uint8_t key_bytes[S_RECORD_KEY_BYTES];
    size_t size = s_next_chunk(spill);
    s_make_record_key(key_bytes, spill->first_seq, spill->part, spill->chunk++);
    MDB_val key = s_val(key_bytes, sizeof(key_bytes));
    MDB_val value = {size, NULL};
    PT_FAULT_POINT("store.chunk.before");
    int rc = mdb_put(spill->store->txn, spill->topic->records, &key, &value, MDB_RESERVE | MDB_APPEND);
    PT_FAULT_POINT("store.chunk.after");
    spill->at = value.mv_data;
    spill->room = size;
    spill->left -= size;
    return rc;
}

static int
s_spill(s_spill_t *spill, const uint8_t *data, size_t len)
{
    while (len) {
        int rc = spill->room ? 0 : s_open_chunk(spill);
        if (rc != 0)
            return rc;
        size_t size = len < spill->room ? len : spill->room;
        memcpy(spill->at, data, size);
        spill->at += size;
        spill->room -= size;
        data += size;
        len -= size;
    }
    return 0;
}

//  What one append writes: the parts' items, or their responses, as one array.
typedef struct {
    const pt_store_part_t *parts;
    size_t part_count;
    uint32_t count;
    bool responses;
    uint8_t array[PT_ITEMS_HEAD_BYTES_MAX];
    size_t array_len;
    size_t bytes; //  with the array's head
} s_blob_t;

static pt_bytes_t
s_blob_part(const s_blob_t *blob, size_t i)
{
    const pt_store_part_t *part = &blob->parts[i];
    return s_elements(blob->responses ? part->responses : part->items, part->count);
}

static s_blob_t
s_make_blob(const pt_store_part_t *parts, size_t part_count, bool responses)
{
    s_blob_t blob = {.parts = parts, .part_count = part_count, .responses = responses};
    for (size_t i = 0; i < part_count; i++)
        blob.count += parts[i].count;
    assert(blob.count <= PT_BATCH_COUNT_MAX);
    blob.array_len = (size_t) (pt_items_write_head(blob.array, blob.count) - blob.array);
    blob.bytes = blob.array_len;
    for (size_t i = 0; i < part_count; i++)
        blob.bytes += s_blob_part(&blob, i).len;
    return blob;
}

//  zlib's checksum of the whole array: a part that stands alone has brought it.
static uint32_t
s_blob_crc32(const s_blob_t *blob)
{
    if (blob->part_count == 1)
        return blob->parts[0].crc32;
    uint32_t crc = pt_crc32(0, blob->array, blob->array_len);
    for (size_t i = 0; i < blob->part_count; i++) {
        pt_bytes_t part = s_blob_part(blob, i);
        crc = pt_crc32(crc, part.data, part.len);
    }
    return crc;
}

uint32_t
pt_store_begin_crc(const char *topic, uint64_t first_seq, unsigned part)
{
    static const char letter = S_RECORDS;
    uint8_t key[S_RECORD_KEY_BYTES];
    s_make_record_key(key, first_seq, part, 0);
    uint32_t crc = pt_crc32c(0, &letter, 1);
    crc = pt_crc32c(crc, topic, strlen(topic));
    return pt_crc32c(crc, key, sizeof(key));
}

static uint32_t
s_header_crc(const char *topic, uint64_t first_seq, const uint8_t *header)
{
    uint32_t crc = pt_store_begin_crc(topic, first_seq, S_PART_ITEMS);
    return pt_crc32c(crc, header + 4, S_RECORD_HEADER_BYTES - 8);
}

void
pt_store_pack_header(const char *topic, const pt_store_record_t *record, uint8_t out[S_RECORD_HEADER_BYTES])
{
    uint8_t *at = s_put_u32(out + 4, record->count);
    at = s_put_u32(at, record->crc32);
    at = s_put_u64(at, record->decided_ms);
    at = s_put_u32(at, (uint32_t) record->items_bytes);
    at = s_put_u32(at, (uint32_t) record->responses_bytes);
    s_put_u32(at, s_header_crc(topic, record->first_seq, out));
}

bool
pt_store_unpack_header(const char *topic, uint64_t first_seq, MDB_val value, pt_store_record_t *out_record)
{
    const uint8_t *at = value.mv_data;
    if (value.mv_size < S_RECORD_HEADER_BYTES || s_get_u32(at + 28) != s_header_crc(topic, first_seq, at))
        return false;
    *out_record = (pt_store_record_t) {
        .first_seq = first_seq,
        .count = s_get_u32(at + 4),
        .crc32 = s_get_u32(at + 8),
        .decided_ms = s_get_u64(at + 12),
        .items_bytes = s_get_u32(at + 20),
        .responses_bytes = s_get_u32(at + 24),
    };
    return out_record->count > 0 && out_record->count <= PT_BATCH_COUNT_MAX && out_record->items_bytes > 0 &&
           out_record->items_bytes <= PT_BATCH_BYTES_MAX && out_record->responses_bytes <= PT_STORE_RESPONSES_BYTES_MAX;
}

//  Seal header and array, and write both.
static int
s_write_blob(s_spill_t *spill, const s_blob_t *blob, uint8_t *header, size_t header_len)
{
    uint32_t crc = pt_store_begin_crc(spill->topic->name, spill->first_seq, spill->part);
    crc = pt_crc32c(crc, header + 4, header_len - 4);
    crc = pt_crc32c(crc, blob->array, blob->array_len);
    for (size_t i = 0; i < blob->part_count; i++) {
        pt_bytes_t part = s_blob_part(blob, i);
        crc = pt_crc32c(crc, part.data, part.len);
    }
    s_put_u32(header, crc);
    spill->bytes = spill->left = header_len + blob->bytes;
    int rc = s_spill(spill, header, header_len);
    if (rc == 0)
        rc = s_spill(spill, blob->array, blob->array_len);
    for (size_t i = 0; i < blob->part_count && rc == 0; i++) {
        pt_bytes_t part = s_blob_part(blob, i);
        rc = s_spill(spill, part.data, part.len);
    }
    return rc;
}

static int
s_write_record(pt_store_t *self, const pt_store_topic_t *topic, const s_blob_t *items, const s_blob_t *responses,
               uint64_t decided_ms)
{
    uint8_t header[S_RECORD_HEADER_BYTES];
    pt_store_record_t record = {topic->now.next_seq, items->count, s_blob_crc32(items),
                                decided_ms,          items->bytes, responses ? responses->bytes : 0};
    pt_store_pack_header(topic->name, &record, header);
    s_spill_t spill = {.store = self, .topic = topic, .first_seq = record.first_seq, .part = S_PART_ITEMS};
    int rc = s_write_blob(&spill, items, header, sizeof(header));
    if (rc != 0 || !responses)
        return rc;
    s_spill_t beside = {.store = self, .topic = topic, .first_seq = record.first_seq, .part = S_PART_RESPONSES};
    s_put_u32(s_put_u32(header + 4, responses->count), (uint32_t) responses->bytes);
    return s_write_blob(&beside, responses, header, S_RESPONSES_HEADER_BYTES);
}

//  The topic has one more record, of so many decisions and bytes.
static void
s_count_record(pt_store_t *self, pt_store_topic_t *topic, size_t count, size_t bytes)
{
    topic->now.next_seq += count;
    topic->now.records++;
    topic->now.bytes += bytes;
    topic->dirty = true;
    //  Two chunks to a page.
    self->pages_added += bytes / self->chunk_bytes / 2 + 2;
}

pt_status_t
pt_store_append(pt_store_t *self, const char *topic_name, const pt_store_part_t *parts, size_t part_count,
                uint64_t decided_ms, uint64_t *out_first_seq)
{
    assert(topic_name && strlen(topic_name) <= PT_TOPIC_BYTES_MAX);
    assert(parts && part_count);
    assert(out_first_seq);

    size_t index;
    pt_status_t status = pt_store_check_txn(self);
    if (status == PT_OK)
        status = pt_store_get_topic(self, topic_name, 0, &index);
    if (status != PT_OK)
        return status;
    pt_store_topic_t *topic = self->topics[index];
    bool with_responses = parts[0].responses.len > 0;
    s_blob_t items = s_make_blob(parts, part_count, false);
    s_blob_t responses = {0};
    if (with_responses)
        responses = s_make_blob(parts, part_count, true);
    assert(items.count > 0 && items.bytes <= PT_BATCH_BYTES_MAX);
    int rc = pt_store_gather_pool(self);
    if (rc == 0)
        rc = s_write_record(self, topic, &items, with_responses ? &responses : NULL, decided_ms);
    PT_FAULT_POINT("store.append.after");
    if (rc != 0)
        return pt_store_fail(self, rc, "append to", topic_name);
    *out_first_seq = topic->now.next_seq;
    size_t bytes = S_RECORD_HEADER_BYTES + items.bytes;
    if (with_responses)
        bytes += S_RESPONSES_HEADER_BYTES + responses.bytes;
    s_count_record(self, topic, items.count, bytes);
    return PT_OK;
}
