/*  Reading records: a view's place in one topic. What comes out was compared with its checksum, so a damaged record is
 *  a fault and never a decision.
 */
#include "pt_fault_point.h"
#include "pt_store_parts.h"

//  Put the cursor into a topic's records.
static pt_status_t
s_enter_topic(pt_store_view_t *self, const char *name)
{
    size_t index = pt_store_find_topic(self->store, name, self->topic_count);
    if (index == SIZE_MAX)
        return pt_store_view_fail(self, PT_E_NOT_FOUND, "no such topic", name);
    if (self->topic == self->store->topics[index])
        return PT_OK;
    if (self->cursor)
        mdb_cursor_close(self->cursor);
    self->cursor = NULL;
    self->topic = NULL;
    int rc = mdb_cursor_open(self->txn, self->store->topics[index]->records, &self->cursor);
    if (rc != 0)
        return pt_store_view_fail_lmdb(self, rc, name);
    self->topic = self->store->topics[index];
    return PT_OK;
}

//  Each way goes anew from the root: a cursor that stands near by does not look at the pages above the records, so
//  that whether one that is damaged is noticed would depend on what was read before.
static int
s_search(pt_store_view_t *self, MDB_val *key, MDB_val *value, MDB_cursor_op how)
{
    int rc = mdb_cursor_renew(self->txn, self->cursor);
    return rc == 0 ? mdb_cursor_get(self->cursor, key, value, how) : rc;
}

//  The header of the record that begins with `first_seq`.
static pt_status_t
s_read_header(pt_store_view_t *self, uint64_t first_seq, pt_store_record_t *out_record)
{
    uint8_t bytes[S_RECORD_KEY_BYTES];
    s_make_record_key(bytes, first_seq, S_PART_ITEMS, 0);
    MDB_val key = s_val(bytes, sizeof(bytes));
    MDB_val value;
    int rc = s_search(self, &key, &value, MDB_SET_KEY);
    if (rc == MDB_NOTFOUND)
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a record is missing", self->topic->name);
    if (rc != 0)
        return pt_store_view_fail_lmdb(self, rc, self->topic->name);
    if (!pt_store_unpack_header(self->topic->name, first_seq, value, out_record))
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a record's header is damaged", self->topic->name);
    return PT_OK;
}

//  Its own key, or the one before. A damaged page above the records may lead to another record.
pt_status_t
pt_store_view_find(pt_store_view_t *self, uint64_t seq, uint64_t *out_first_seq)
{
    uint8_t bytes[S_RECORD_KEY_BYTES];
    s_make_record_key(bytes, seq, S_PART_ITEMS, 0);
    MDB_val key = s_val(bytes, sizeof(bytes));
    MDB_val value;
    int rc = s_search(self, &key, &value, MDB_SET_RANGE);
    if (rc == 0 && key.mv_size == sizeof(bytes) && memcmp(key.mv_data, bytes, sizeof(bytes)) == 0) {
        *out_first_seq = seq;
        return PT_OK;
    }
    if (rc == 0)
        rc = mdb_cursor_get(self->cursor, &key, &value, MDB_PREV);
    else if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(self->cursor, &key, &value, MDB_LAST);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return pt_store_view_fail_lmdb(self, rc, self->topic->name);
    if (rc != 0 || key.mv_size != sizeof(bytes))
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a record is missing", self->topic->name);
    *out_first_seq = s_get_key_u64(key.mv_data);
    return PT_OK;
}

pt_status_t
pt_store_view_seek(pt_store_view_t *self, const char *topic, uint64_t seq)
{
    assert(self);
    assert(topic);

    pt_store_head_t head;
    pt_status_t status = pt_store_view_head(self, topic, &head);
    if (status == PT_OK)
        status = s_enter_topic(self, topic);
    if (status != PT_OK)
        return status;
    if (seq >= head.next_seq)
        return pt_store_view_fail(self, PT_E_NOT_FOUND, "that number is not given yet", topic);
    if (seq < head.first_retained)
        return pt_store_view_fail(self, PT_E_RANGE, "that number is no longer kept", topic);
    self->end_seq = head.next_seq;
    status = pt_store_view_find(self, seq, &self->next_seq);
    pt_store_record_t record;
    if (status == PT_OK)
        status = s_read_header(self, self->next_seq, &record);
    if (status == PT_OK && (seq < record.first_seq || seq - record.first_seq >= record.count))
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a record is not found by its number", topic);
    return status;
}

pt_status_t
pt_store_view_next(pt_store_view_t *self, pt_store_record_t *out_record)
{
    assert(self);
    assert(self->topic);
    assert(out_record);

    if (self->next_seq >= self->end_seq)
        return pt_store_view_fail(self, PT_E_NOT_FOUND, "no more records", self->topic->name);
    pt_status_t status = s_read_header(self, self->next_seq, &self->record);
    if (status != PT_OK)
        return status;
    self->next_seq += self->record.count;
    *out_record = self->record;
    return PT_OK;
}

//  Whether a key is the first one of a record above `seq`. A damaged key may be any number.
static bool
s_begins_record(const pt_store_view_t *self, MDB_val key, uint64_t seq)
{
    const uint8_t *bytes = key.mv_data;
    return key.mv_size == S_RECORD_KEY_BYTES && s_get_key_u64(bytes) > seq && s_get_key_u64(bytes) < self->end_seq &&
           bytes[8] == S_PART_ITEMS && bytes[9] == 0 && bytes[10] == 0;
}

pt_status_t
pt_store_view_skip(pt_store_view_t *self, uint64_t seq, uint64_t *out_next_seq)
{
    assert(self);
    assert(self->topic);
    assert(out_next_seq);

    uint8_t bytes[S_RECORD_KEY_BYTES];
    s_make_record_key(bytes, seq + 1, S_PART_ITEMS, 0);
    MDB_val key = s_val(bytes, sizeof(bytes));
    MDB_val value;
    int rc = s_search(self, &key, &value, MDB_SET_RANGE);
    while (rc == 0 && !s_begins_record(self, key, seq))
        rc = mdb_cursor_get(self->cursor, &key, &value, MDB_NEXT);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return pt_store_view_fail_lmdb(self, rc, self->topic->name);
    *out_next_seq = rc == 0 ? s_get_key_u64(key.mv_data) : self->end_seq;
    return PT_OK;
}

//  Where gathered bytes go: the header apart from what follows it.
typedef struct {
    uint8_t *header;
    size_t header_len;
    uint8_t *out;
    size_t out_len;
    size_t done;
} s_sink_t;

static bool
s_pour(s_sink_t *sink, const uint8_t *data, size_t len)
{
    if (len > sink->header_len + sink->out_len - sink->done)
        return false;
    if (sink->done < sink->header_len) {
        size_t size = len < sink->header_len - sink->done ? len : sink->header_len - sink->done;
        memcpy(sink->header + sink->done, data, size);
        sink->done += size;
        data += size;
        len -= size;
    }
    if (len)
        memcpy(sink->out + (sink->done - sink->header_len), data, len);
    sink->done += len;
    return true;
}

//  Gather all chunks of one part of the last record.
static pt_status_t
s_gather(pt_store_view_t *self, unsigned part, s_sink_t *sink)
{
    for (unsigned chunk = 0; sink->done < sink->header_len + sink->out_len; chunk++) {
        uint8_t bytes[S_RECORD_KEY_BYTES];
        s_make_record_key(bytes, self->record.first_seq, part, chunk);
        MDB_val key = s_val(bytes, sizeof(bytes));
        MDB_val value;
        int rc =
            chunk ? mdb_cursor_get(self->cursor, &key, &value, MDB_NEXT) : s_search(self, &key, &value, MDB_SET_KEY);
        if (rc != 0 && rc != MDB_NOTFOUND)
            return pt_store_view_fail_lmdb(self, rc, self->topic->name);
        bool follows = rc == 0 && key.mv_size == sizeof(bytes) && memcmp(key.mv_data, bytes, sizeof(bytes)) == 0;
        if (!follows || value.mv_size == 0 || value.mv_size > self->store->page_bytes ||
            !s_pour(sink, value.mv_data, value.mv_size))
            return pt_store_view_fail(self, PT_E_CHECKSUM, "a part of a record is missing", self->topic->name);
    }
    return PT_OK;
}

static pt_status_t
s_read_part(pt_store_view_t *self, unsigned part, size_t header_len, uint8_t *out, size_t out_len)
{
    uint8_t header[S_RECORD_HEADER_BYTES];
    s_sink_t sink = {header, header_len, out, out_len, 0};
    pt_status_t status = s_gather(self, part, &sink);
    if (status != PT_OK)
        return status;
    uint32_t crc = pt_store_begin_crc(self->topic->name, self->record.first_seq, part);
    crc = pt_crc32c(crc, header + 4, header_len - 4);
    crc = pt_crc32c(crc, out, out_len);
    if (crc != s_get_u32(header) && PT_RULE("check_on_read"))
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a record is not what was written", self->topic->name);
    return PT_OK;
}

pt_status_t
pt_store_view_items(pt_store_view_t *self, uint8_t *out)
{
    assert(self);
    assert(self->record.count);
    assert(out);

    return s_read_part(self, S_PART_ITEMS, S_RECORD_HEADER_BYTES, out, self->record.items_bytes);
}

pt_status_t
pt_store_view_responses(pt_store_view_t *self, uint8_t *out)
{
    assert(self);
    assert(self->record.responses_bytes);
    assert(out);

    return s_read_part(self, S_PART_RESPONSES, S_RESPONSES_HEADER_BYTES, out, self->record.responses_bytes);
}
