/*  The write transaction. What the transaction changes in memory stands beside what was
 *  committed, so that undoing it is a copy.
 */
#include "pt_fault_point.h"
#include "pt_store_parts.h"

pt_status_t
pt_store_begin(pt_store_t *self)
{
    assert(self);
    assert(!self->txn);
    assert(!self->read_only);

    if (self->dead)
        return PT_E_IO;
    //  To read a page that was cut off is a SIGBUS.
    if (pt_store_check_file(self) != PT_OK)
        return PT_E_IO;
    self->pages_added = 0;
    pt_store_choose_pool(self);
    int rc = mdb_txn_begin(self->env, NULL, 0, &self->txn);
    if (rc != 0)
        self->txn = NULL;
    return rc == 0 ? PT_OK : pt_store_fail(self, rc, "begin", "a transaction");
}

//  Back to what was committed. LMDB has closed the handles of databases made in the transaction.
static void
s_restore_memory(pt_store_t *self)
{
    while (self->topic_count > self->topic_count_committed)
        pt_store_drop_topic(self);
    for (size_t i = 0; i < self->topic_count; i++) {
        pt_store_topic_t *topic = self->topics[i];
        if (topic->dirty) {
            topic->now = topic->committed;
            topic->dirty = false;
            topic->first_count = 0;
        }
    }
    //  What was gathered is not.
    pt_store_let_go(self);
    self->producer_count = self->producer_count_committed;
    if (self->members_dirty && !self->dead && pt_store_load_members(self, NULL) != PT_OK)
        self->dead = true;
    self->members_dirty = false;
}

void
pt_store_abort(pt_store_t *self)
{
    assert(self);

    if (!self->txn)
        return;
    mdb_txn_abort(self->txn);
    self->txn = NULL;
    s_restore_memory(self);
}

int
pt_store_delete_range(pt_store_t *self, MDB_dbi database, MDB_val first, MDB_val end)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(self->txn, database, &cursor);
    if (rc != 0)
        return rc;
    while (rc == 0) {
        MDB_val key = first;
        MDB_val value;
        rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        if (rc != 0 || mdb_cmp(self->txn, database, &key, &end) >= 0)
            break;
        rc = mdb_cursor_del(cursor, 0);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static pt_status_t
s_write_heads(pt_store_t *self)
{
    for (size_t i = 0; i < self->topic_count; i++) {
        pt_store_topic_t *topic = self->topics[i];
        if (!topic->dirty)
            continue;
        uint8_t bytes[S_HEAD_BYTES];
        MDB_val key = s_val(topic->name, strlen(topic->name));
        MDB_val value = s_val(bytes, sizeof(bytes));
        pt_store_pack_mark(&topic->now, key, bytes);
        PT_FAULT_POINT("store.head.before");
        int rc = mdb_put(self->txn, self->heads, &key, &value, 0);
        if (rc != 0)
            return pt_store_fail(self, rc, "write the head of", topic->name);
    }
    return PT_OK;
}

static void
s_accept_memory(pt_store_t *self)
{
    for (size_t i = 0; i < self->topic_count; i++) {
        pt_store_topic_t *topic = self->topics[i];
        if (i < self->topic_count_committed)
            atomic_store_explicit(&topic->synced_seq, topic->committed.next_seq, memory_order_release);
        if (!topic->dirty && i < self->topic_count_committed)
            continue;
        topic->committed = topic->now;
        topic->dirty = false;
    }
    self->topic_count_committed = self->topic_count;
    self->producer_count_committed = self->producer_count;
    self->members_dirty = false;
    atomic_store(&self->topics_visible, self->topic_count);
    self->commits++;
    pt_store_measure(self);
}

pt_status_t
pt_store_sync(pt_store_t *self)
{
    assert(self);
    assert(!self->txn);

    if (self->dead)
        return PT_E_IO;
    if (!self->unsynced)
        return PT_OK;
    PT_FAULT_POINT("store.sync.before");
    int rc = PT_RULE("sync") ? mdb_env_sync(self->env, 1) : 0;
    PT_FAULT_POINT("store.sync.after");
    //  What a file without a name holds goes with this process: nobody may be told that it is safe.
    pt_status_t status = rc == 0 ? pt_store_check_file(self) : pt_store_fail(self, rc, "sync", "the journal");
    self->unsynced = status != PT_OK;
    for (size_t i = 0; i < self->topic_count && status == PT_OK; i++)
        atomic_store_explicit(&self->topics[i]->synced_seq, self->topics[i]->committed.next_seq, memory_order_release);
    return status;
}

pt_status_t
pt_store_commit(pt_store_t *self)
{
    pt_status_t status = pt_store_commit_unsynced(self);
    return status == PT_OK ? pt_store_sync(self) : status;
}

//  LMDB writes nothing, and syncs nothing, where a transaction has changed nothing.
static bool
s_has_written(const pt_store_t *self, size_t txn_id)
{
    MDB_envinfo info;
    return mdb_env_info(self->env, &info) == 0 && info.me_last_txnid == txn_id;
}

pt_status_t
pt_store_commit_unsynced(pt_store_t *self)
{
    pt_status_t status = pt_store_check_txn(self);
    if (status == PT_OK)
        status = s_write_heads(self);
    if (status != PT_OK) {
        pt_store_abort(self);
        return status;
    }
    PT_FAULT_POINT("store.commit.before");
    size_t txn_id = mdb_txn_id(self->txn);
    int rc = mdb_txn_commit(self->txn);
    PT_FAULT_POINT("store.commit.after");
    //  Whatever came out, LMDB has ended the transaction.
    self->txn = NULL;
    status = rc == 0 ? pt_store_check_file(self) : pt_store_fail(self, rc, "commit", "the journal");
    if (status == PT_OK && s_has_written(self, txn_id))
        self->unsynced = true;
    else if (status == PT_OK)
        status = pt_store_sync(self);
    if (status == PT_OK) {
        s_accept_memory(self);
        return PT_OK;
    }
    s_restore_memory(self);
    return status;
}
