/*  Reading: a snapshot, and what stands in it beside the records: heads, subscribers, positions and windows. What
 *  comes out was compared with its checksum.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pt_store_parts.h"

pt_status_t
pt_store_view_fail(pt_store_view_t *self, pt_status_t status, const char *what, const char *where)
{
    snprintf(self->error, sizeof(self->error), "%s: %s", where, what);
    return status;
}

pt_status_t
pt_store_view_fail_lmdb(pt_store_view_t *self, int rc, const char *where)
{
    return pt_store_view_fail(self, rc == ENOMEM ? PT_E_NOMEM : PT_E_IO, mdb_strerror(rc), where);
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
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a topic's head is damaged", "heads");
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
        return pt_store_view_fail_lmdb(self, rc, "heads");
    //  A name with a zero byte behind it is the next possible key.
    MDB_val key = s_val(after, strlen(after) + 1);
    MDB_val value;
    rc = mdb_cursor_get(cursor, &key, &value, *after ? MDB_SET_RANGE : MDB_FIRST);
    pt_status_t status = PT_E_NOT_FOUND;
    if (rc == 0)
        status = s_unpack_head(self, key, value, out_head);
    else if (rc != MDB_NOTFOUND)
        status = pt_store_view_fail_lmdb(self, rc, "heads");
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
        return pt_store_view_fail(self, PT_E_NOT_FOUND, "no such topic", topic);
    return rc == 0 ? s_unpack_head(self, key, value, out_head) : pt_store_view_fail_lmdb(self, rc, topic);
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
        return pt_store_view_fail_lmdb(self, rc, "subscribers");
    pt_status_t status = pt_store_next_member(cursor, after, out_subscriber);
    mdb_cursor_close(cursor);
    if (status != PT_OK && status != PT_E_NOT_FOUND)
        return pt_store_view_fail(self, status, "an entry is damaged", "subscribers");
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
        return pt_store_view_fail_lmdb(self, rc, "subscribers");
    if (!s_is_sealed(S_SUBSCRIBERS, key, value, S_POSITION_BYTES))
        return pt_store_view_fail(self, PT_E_CHECKSUM, "a position is damaged", "subscribers");
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
        return pt_store_view_fail(self, PT_E_CHECKSUM, "an entry is damaged", "producers");
    return rc == 0 ? PT_OK : pt_store_view_fail_lmdb(self, rc, "producers");
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
        return pt_store_view_fail_lmdb(self, rc, "the journal");
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        MDB_val found;
        ++*out_entries;
        *out_bad += value.mv_size < 4 || !s_is_sealed(letter, key, value, value.mv_size) ||
                    mdb_get(self->txn, database, &key, &found) != 0 || found.mv_data != value.mv_data;
    }
    mdb_cursor_close(cursor);
    if (rc != MDB_NOTFOUND)
        return pt_store_view_fail_lmdb(self, rc, "the journal");
    *out_bad += *out_entries > stat.ms_entries ? *out_entries - stat.ms_entries : stat.ms_entries - *out_entries;
    return PT_OK;
}
