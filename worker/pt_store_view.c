/*  Reading: a snapshot, and a place in one topic. What comes out was compared with its checksum, so
 *  a damaged record is a fault and never a decision.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pt_fault_point.h"
#include "pt_store_parts.h"

struct pt_store_view {
    pt_store_t *store;
    MDB_txn *txn;
    size_t topic_count;            //  topics that are seen
    uint64_t *synced;              //  by topic: next_seq of what was durable when it was first asked for, or 0
    MDB_cursor *cursor;            //  in the records of `topic`
    const pt_store_topic_t *topic; //  NULL: nowhere yet
    uint64_t next_seq;             //  of the record that pt_store_view_next comes to
    uint64_t end_seq;
    pt_store_record_t record; //  the last one
    char error[PT_STORE_ERROR_BYTES_MAX];
};

static pt_status_t
s_fail(pt_store_view_t *self, pt_status_t status, const char *what, const char *where)
{
    snprintf(self->error, sizeof(self->error), "%s: %s", where, what);
    return status;
}

static pt_status_t
s_fail_lmdb(pt_store_view_t *self, int rc, const char *where)
{
    return s_fail(self, rc == ENOMEM ? PT_E_NOMEM : PT_E_IO, mdb_strerror(rc), where);
}

pt_status_t
pt_store_view_open(pt_store_t *store, pt_store_view_t **out_view)
{
    assert(store);
    assert(out_view);

    *out_view = NULL;
    pt_store_view_t *self = calloc(1, sizeof(*self));
    if (!self)
        return PT_E_NOMEM;
    self->store = store;
    int rc = pt_store_begin_view(store, &self->txn);
    if (rc != 0) {
        free(self);
        errno = rc > 0 ? rc : EIO;
        return PT_E_IO;
    }
    //  Behind the beginning: a topic that has anything durable then is among them.
    self->topic_count = atomic_load(&store->topics_visible);
    self->synced = calloc(self->topic_count + 1, sizeof(*self->synced));
    if (!self->synced) {
        pt_store_view_close(&self);
        return PT_E_NOMEM;
    }
    *out_view = self;
    return PT_OK;
}

void
pt_store_view_close(pt_store_view_t **view_p)
{
    assert(view_p);

    pt_store_view_t *self = *view_p;
    if (!self)
        return;
    if (self->cursor)
        mdb_cursor_close(self->cursor);
    mdb_txn_abort(self->txn);
    free(self->synced);
    free(self);
    *view_p = NULL;
}

const char *
pt_store_view_error(const pt_store_view_t *self)
{
    assert(self);

    return self->error;
}

//  What a topic has that may be shown: a power failure could give the numbers of what is not durable yet to other
//  decisions. Asked for once in a view, since commits go on beside it.
static uint64_t
s_synced_seq(pt_store_view_t *self, const char *topic)
{
    const pt_store_t *store = self->store;
    if (store->read_only)
        return UINT64_MAX;
    size_t index = pt_store_find_topic(store, topic, self->topic_count);
    if (index == SIZE_MAX)
        return 1;
    uint64_t *synced_seq = &self->synced[index];
    if (!*synced_seq)
        *synced_seq = atomic_load_explicit(&store->topics[index]->synced_seq, memory_order_acquire);
    return *synced_seq;
}

static void
s_hide_unsynced(pt_store_view_t *self, pt_store_head_t *head)
{
    uint64_t synced_seq = s_synced_seq(self, head->topic);
    if (synced_seq < head->next_seq)
        head->next_seq = synced_seq;
    if (head->next_seq < head->first_retained)
        head->first_retained = head->next_seq;
}

static pt_status_t
s_unpack_head(pt_store_view_t *self, MDB_val key, MDB_val value, pt_store_head_t *out_head)
{
    pt_store_mark_t mark;
    if (!pt_store_unpack_mark(key, value, &mark))
        return s_fail(self, PT_E_CHECKSUM, "a topic's head is damaged", "heads");
    *out_head = (pt_store_head_t) {
        .first_retained = mark.first_retained, .next_seq = mark.next_seq, .records = mark.records, .bytes = mark.bytes};
    memcpy(out_head->topic, key.mv_data, key.mv_size);
    s_hide_unsynced(self, out_head);
    return PT_OK;
}

pt_status_t
pt_store_view_topic(pt_store_view_t *self, const char *after, pt_store_head_t *out_head)
{
    assert(self);
    assert(after);
    assert(out_head);

    MDB_cursor *cursor;
    int rc = mdb_cursor_open(self->txn, self->store->heads, &cursor);
    if (rc != 0)
        return s_fail_lmdb(self, rc, "heads");
    //  A name with a zero byte behind it is the next possible key.
    MDB_val key = s_val(after, strlen(after) + 1);
    MDB_val value;
    rc = mdb_cursor_get(cursor, &key, &value, *after ? MDB_SET_RANGE : MDB_FIRST);
    pt_status_t status = PT_E_NOT_FOUND;
    if (rc == 0)
        status = s_unpack_head(self, key, value, out_head);
    else if (rc != MDB_NOTFOUND)
        status = s_fail_lmdb(self, rc, "heads");
    mdb_cursor_close(cursor);
    return status;
}

pt_status_t
pt_store_view_head(pt_store_view_t *self, const char *topic, pt_store_head_t *out_head)
{
    assert(self);
    assert(topic);
    assert(out_head);

    MDB_val key = s_val(topic, strlen(topic));
    MDB_val value;
    int rc = key.mv_size ? mdb_get(self->txn, self->store->heads, &key, &value) : MDB_NOTFOUND;
    if (rc == MDB_NOTFOUND)
        return s_fail(self, PT_E_NOT_FOUND, "no such topic", topic);
    return rc == 0 ? s_unpack_head(self, key, value, out_head) : s_fail_lmdb(self, rc, topic);
}

//  Put the cursor into a topic's records.
static pt_status_t
s_enter_topic(pt_store_view_t *self, const char *name)
{
    size_t index = pt_store_find_topic(self->store, name, self->topic_count);
    if (index == SIZE_MAX)
        return s_fail(self, PT_E_NOT_FOUND, "no such topic", name);
    if (self->topic == self->store->topics[index])
        return PT_OK;
    if (self->cursor)
        mdb_cursor_close(self->cursor);
    self->cursor = NULL;
    self->topic = NULL;
    int rc = mdb_cursor_open(self->txn, self->store->topics[index]->records, &self->cursor);
    if (rc != 0)
        return s_fail_lmdb(self, rc, name);
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
        return s_fail(self, PT_E_CHECKSUM, "a record is missing", self->topic->name);
    if (rc != 0)
        return s_fail_lmdb(self, rc, self->topic->name);
    if (!pt_store_unpack_header(self->topic->name, first_seq, value, out_record))
        return s_fail(self, PT_E_CHECKSUM, "a record's header is damaged", self->topic->name);
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
        return s_fail_lmdb(self, rc, self->topic->name);
    if (rc != 0 || key.mv_size != sizeof(bytes))
        return s_fail(self, PT_E_CHECKSUM, "a record is missing", self->topic->name);
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
        return s_fail(self, PT_E_NOT_FOUND, "that number is not given yet", topic);
    if (seq < head.first_retained)
        return s_fail(self, PT_E_RANGE, "that number is no longer kept", topic);
    self->end_seq = head.next_seq;
    status = pt_store_view_find(self, seq, &self->next_seq);
    pt_store_record_t record;
    if (status == PT_OK)
        status = s_read_header(self, self->next_seq, &record);
    if (status == PT_OK && (seq < record.first_seq || seq - record.first_seq >= record.count))
        return s_fail(self, PT_E_CHECKSUM, "a record is not found by its number", topic);
    return status;
}

pt_status_t
pt_store_view_next(pt_store_view_t *self, pt_store_record_t *out_record)
{
    assert(self);
    assert(self->topic);
    assert(out_record);

    if (self->next_seq >= self->end_seq)
        return s_fail(self, PT_E_NOT_FOUND, "no more records", self->topic->name);
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
        return s_fail_lmdb(self, rc, self->topic->name);
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
            return s_fail_lmdb(self, rc, self->topic->name);
        bool follows = rc == 0 && key.mv_size == sizeof(bytes) && memcmp(key.mv_data, bytes, sizeof(bytes)) == 0;
        if (!follows || value.mv_size == 0 || value.mv_size > self->store->page_bytes ||
            !s_pour(sink, value.mv_data, value.mv_size))
            return s_fail(self, PT_E_CHECKSUM, "a part of a record is missing", self->topic->name);
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
        return s_fail(self, PT_E_CHECKSUM, "a record is not what was written", self->topic->name);
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

pt_status_t
pt_store_view_subscriber(pt_store_view_t *self, const char *after, pt_store_subscriber_t *out_subscriber)
{
    assert(self);
    assert(after && strlen(after) <= PT_STORE_NAME_BYTES_MAX);
    assert(out_subscriber);

    MDB_cursor *cursor;
    int rc = mdb_cursor_open(self->txn, self->store->subscribers, &cursor);
    if (rc != 0)
        return s_fail_lmdb(self, rc, "subscribers");
    pt_status_t status = pt_store_next_member(cursor, after, out_subscriber);
    mdb_cursor_close(cursor);
    if (status != PT_OK && status != PT_E_NOT_FOUND)
        return s_fail(self, status, "an entry is damaged", "subscribers");
    return status;
}

pt_status_t
pt_store_view_position(pt_store_view_t *self, const char *name, const char *topic, uint64_t *out_next_seq)
{
    assert(self);
    assert(name && strlen(name) <= PT_STORE_NAME_BYTES_MAX);
    assert(topic && strlen(topic) <= PT_TOPIC_BYTES_MAX);
    assert(out_next_seq);

    *out_next_seq = 0;
    uint8_t bytes[S_MEMBER_KEY_BYTES_MAX];
    MDB_val key = s_val(bytes, s_make_member_key(bytes, name, 't', topic, strlen(topic)));
    MDB_val value;
    int rc = mdb_get(self->txn, self->store->subscribers, &key, &value);
    if (rc == MDB_NOTFOUND)
        return PT_OK;
    if (rc != 0)
        return s_fail_lmdb(self, rc, "subscribers");
    if (!s_is_sealed(S_SUBSCRIBERS, key, value, S_POSITION_BYTES))
        return s_fail(self, PT_E_CHECKSUM, "a position is damaged", "subscribers");
    //  Whoever told it may have named what it was not given.
    uint64_t synced_seq = s_synced_seq(self, topic);
    *out_next_seq = s_get_u64((const uint8_t *) value.mv_data + 4);
    if (synced_seq < *out_next_seq)
        *out_next_seq = synced_seq;
    return PT_OK;
}

pt_status_t
pt_store_view_windows(pt_store_view_t *self, pt_store_window_fn *tell, void *context)
{
    assert(self);
    assert(tell);

    int rc = pt_store_tell_windows(self->store, self->txn, tell, context);
    if (rc == MDB_CORRUPTED)
        return s_fail(self, PT_E_CHECKSUM, "an entry is damaged", "producers");
    return rc == 0 ? PT_OK : s_fail_lmdb(self, rc, "producers");
}

static MDB_dbi
s_database(const pt_store_t *store, char letter)
{
    switch (letter) {
    case S_META:
        return store->meta;
    case S_HEADS:
        return store->heads;
    case S_PRODUCERS:
        return store->producers;
    default:
        assert(letter == S_SUBSCRIBERS);
        return store->subscribers;
    }
}

pt_status_t
pt_store_view_check(pt_store_view_t *self, char letter, uint64_t *out_entries, uint64_t *out_bad)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    MDB_stat stat;
    MDB_dbi database = s_database(self->store, letter);
    *out_entries = 0;
    *out_bad = 0;
    int rc = mdb_stat(self->txn, database, &stat);
    if (rc == 0)
        rc = mdb_cursor_open(self->txn, database, &cursor);
    if (rc != 0)
        return s_fail_lmdb(self, rc, "the journal");
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        MDB_val found;
        ++*out_entries;
        *out_bad += value.mv_size < 4 || !s_is_sealed(letter, key, value, value.mv_size) ||
                    mdb_get(self->txn, database, &key, &found) != 0 || found.mv_data != value.mv_data;
    }
    mdb_cursor_close(cursor);
    if (rc != MDB_NOTFOUND)
        return s_fail_lmdb(self, rc, "the journal");
    *out_bad += *out_entries > stat.ms_entries ? *out_entries - stat.ms_entries : stat.ms_entries - *out_entries;
    return PT_OK;
}
