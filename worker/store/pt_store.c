/*  Opening a store, and making one. Everything that can be lacking (the lock, the room on the disk)
 *  is found here, at the start, not in the middle of the work.
 *
 *  A new store is made beside its place and renamed when it is durable, so a crash leaves a whole
 *  one or none.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pt_fault_point.h"
#include "pt_store_parts.h"

static const char s_identity_key[] = "identity";

pt_status_t
pt_store_fail(pt_store_t *self, int rc, const char *what, const char *where)
{
    snprintf(self->error, sizeof(self->error), "%s %s: %s", what, where, mdb_strerror(rc));
    if (rc == MDB_MAP_FULL || rc == MDB_TXN_FULL) {
        atomic_fetch_add(&self->without_room, 1);
        pt_store_pause_pool(self);
        return PT_E_SPACE;
    }
    self->dead = true;
    return PT_E_IO;
}

pt_status_t
pt_store_check_txn(pt_store_t *self)
{
    assert(self);
    assert(!self->read_only);

    if (self->dead)
        return PT_E_IO;
    assert(self->txn);
    return PT_OK;
}

static uint64_t
s_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

static void
s_pack_identity(const pt_store_t *self, uint8_t out[S_IDENTITY_BYTES])
{
    uint8_t *at = s_put_u32(out + 4, PT_STORE_FORMAT);
    at = s_put_u64(at, self->identity.worker);
    at = s_put_u64(at, self->identity.epoch);
    at = s_put_u64(at, self->identity.incarnation);
    s_put_u64(at, self->created_ms);
    s_seal(S_META, s_val(s_identity_key, sizeof(s_identity_key) - 1), out, S_IDENTITY_BYTES);
}

static int
s_write_identity(pt_store_t *self, MDB_txn *txn)
{
    uint8_t bytes[S_IDENTITY_BYTES];
    s_pack_identity(self, bytes);
    MDB_val key = s_val(s_identity_key, sizeof(s_identity_key) - 1);
    MDB_val value = s_val(bytes, sizeof(bytes));
    return mdb_put(txn, self->meta, &key, &value, 0);
}

//  The databases that every store has.
static int
s_open_databases(pt_store_t *self, MDB_txn *txn, unsigned flags)
{
    int rc = mdb_dbi_open(txn, "meta", flags, &self->meta);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "heads", flags, &self->heads);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "producers", flags, &self->producers);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "subscribers", flags, &self->subscribers);
    return rc;
}

static int
s_fill_new(pt_store_t *self)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    rc = s_open_databases(self, txn, MDB_CREATE);
    if (rc == 0)
        rc = s_write_identity(self, txn);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

//  Make a new store under another name. Its first start counts when it is opened.
static pt_status_t
s_make_beside(pt_store_t *self, const pt_store_options_t *options, const char *path, char *out_error)
{
    self->identity = (pt_store_identity_t) {options->worker, s_now_ms(), 0};
    self->created_ms = self->identity.epoch;
    while (self->identity.worker == 0)
        if (getrandom(&self->identity.worker, sizeof(uint64_t), 0) < 0 && errno != EINTR)
            return pt_store_explain_errno(out_error, "draw a random id for", options->dir);
    unlink(path);
    int rc = pt_store_open_env(&self->env, path, options->bytes, MDB_NOSUBDIR | MDB_NOTLS);
    if (rc == 0)
        rc = s_fill_new(self);
    PT_FAULT_POINT("store.new.filled");
    mdb_env_close(self->env);
    self->env = NULL;
    char lock[S_PATH_BYTES + 8];
    snprintf(lock, sizeof(lock), "%s-lock", path);
    unlink(lock);
    return rc == 0 ? pt_store_allocate_file(path, options->bytes, out_error)
                   : pt_store_explain_lmdb(out_error, rc, "make the journal", options->dir);
}

static pt_status_t
s_make_store(pt_store_t *self, const pt_store_options_t *options, const char *path, char *out_error)
{
    char beside[S_PATH_BYTES];
    snprintf(beside, sizeof(beside), "%s/data.new", options->dir);
    pt_status_t status = s_make_beside(self, options, beside, out_error);
    PT_FAULT_POINT("store.new.rename");
    if (status == PT_OK && rename(beside, path) != 0)
        status = pt_store_explain_errno(out_error, "rename", beside);
    PT_FAULT_POINT("store.new.renamed");
    if (status == PT_OK)
        return pt_store_sync_dir(options->dir, out_error);
    int reason = errno;
    unlink(beside);
    errno = reason;
    return status;
}

static pt_status_t
s_read_identity(pt_store_t *self, MDB_txn *txn, const pt_store_options_t *options, char *out_error)
{
    MDB_val key = s_val(s_identity_key, sizeof(s_identity_key) - 1);
    MDB_val value;
    int rc = mdb_get(txn, self->meta, &key, &value);
    if (rc != 0)
        return pt_store_explain_lmdb(out_error, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc, "read the identity",
                                     options->dir);
    if (!s_is_sealed(S_META, key, value, S_IDENTITY_BYTES))
        return pt_store_explain(out_error, PT_E_CHECKSUM, "%s: the journal's identity is damaged", options->dir);
    const uint8_t *at = value.mv_data;
    uint32_t format = s_get_u32(at + 4);
    if (format != PT_STORE_FORMAT)
        return pt_store_explain(out_error, PT_E_VERSION, "%s: the journal has format %u, this program writes %d",
                                options->dir, format, PT_STORE_FORMAT);
    self->identity = (pt_store_identity_t) {s_get_u64(at + 8), s_get_u64(at + 16), s_get_u64(at + 24)};
    self->created_ms = s_get_u64(at + 32);
    if (options->worker && options->worker != self->identity.worker)
        return pt_store_explain(out_error, PT_E_RANGE, "%s: the journal of worker %016" PRIx64 ", not of %016" PRIx64,
                                options->dir, self->identity.worker, options->worker);
    return PT_OK;
}

static pt_status_t
s_load_topic(pt_store_t *self, MDB_txn *txn, MDB_val key, MDB_val value)
{
    pt_store_mark_t mark;
    char name[PT_TOPIC_BYTES_MAX + 2];
    if (!pt_store_unpack_mark(key, value, &mark) || self->topic_count == PT_STORE_TOPICS_MAX)
        return PT_E_CHECKSUM;
    pt_store_topic_t *topic = calloc(1, sizeof(*topic));
    if (!topic)
        return PT_E_NOMEM;
    memcpy(topic->name, key.mv_data, key.mv_size);
    topic->committed = topic->now = mark;
    topic->synced_seq = mark.next_seq;
    pt_store_enter_topic(self, topic);
    PT_FAULT_POINT("store.topic.loaded");
    return mdb_dbi_open(txn, pt_store_records_name(topic->name, name), 0, &topic->records) == 0 ? PT_OK : PT_E_CHECKSUM;
}

static pt_status_t
s_load_topics(pt_store_t *self, MDB_txn *txn)
{
    MDB_cursor *cursor;
    if (mdb_cursor_open(txn, self->heads, &cursor) != 0)
        return PT_E_NOMEM;
    MDB_val key;
    MDB_val value;
    pt_status_t status = PT_OK;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; rc == 0 && status == PT_OK; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        status = s_load_topic(self, txn, key, value);
    mdb_cursor_close(cursor);
    return status == PT_OK && rc != MDB_NOTFOUND ? PT_E_CHECKSUM : status;
}

static pt_status_t
s_load_all(pt_store_t *self, MDB_txn *txn, const pt_store_options_t *options, char *out_error)
{
    int rc = s_open_databases(self, txn, 0);
    if (rc != 0)
        return pt_store_explain_lmdb(out_error, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc, "open the databases",
                                     options->dir);
    pt_status_t status = s_read_identity(self, txn, options, out_error);
    if (status != PT_OK)
        return status;
    status = s_load_topics(self, txn);
    if (status == PT_OK)
        status = pt_store_load_members(self, txn);
    if (status == PT_OK)
        status = pt_store_count_windows(self, txn);
    if (status != PT_OK)
        return pt_store_explain(out_error, status, "%s: %s", options->dir,
                                status == PT_E_NOMEM ? "no memory" : "the heads, subscribers or producers are damaged");
    return PT_OK;
}

//  Read what there is and, for a writer, count this start.
static pt_status_t
s_enter(pt_store_t *self, const pt_store_options_t *options, char *out_error)
{
    MDB_txn *txn = NULL;
    int rc = self->read_only ? pt_store_begin_view(self, &txn) : mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc != 0)
        return pt_store_explain_lmdb(out_error, rc, "begin", options->dir);
    pt_status_t status = s_load_all(self, txn, options, out_error);
    if (status == PT_OK && !self->read_only) {
        PT_FAULT_POINT("store.start.before");
        self->identity.incarnation++;
        rc = s_write_identity(self, txn);
    }
    if (status == PT_OK && rc == 0) {
        //  Also after reading: handles of databases stay open only then.
        rc = mdb_txn_commit(txn);
        txn = NULL;
        PT_FAULT_POINT("store.start.after");
    }
    if (txn)
        mdb_txn_abort(txn);
    return status == PT_OK && rc != 0 ? pt_store_explain_lmdb(out_error, rc, "write", options->dir) : status;
}

static void
s_note_sizes(pt_store_t *self)
{
    MDB_stat stat;
    MDB_envinfo info;
    struct stat file;
    int fd;
    mdb_env_stat(self->env, &stat);
    mdb_env_info(self->env, &info);
    if (mdb_env_get_fd(self->env, &fd) == 0 && fstat(fd, &file) == 0)
        self->file_bytes = (uint64_t) file.st_size;
    self->pages_max = info.me_mapsize / stat.ms_psize;
    //  Two entries to a page: header of the page, then for each an index, a header, its key.
    self->chunk_bytes = (((stat.ms_psize - S_PAGE_HEADER_BYTES) / 2) & ~(size_t) 1) - 2 - 8 - S_RECORD_KEY_BYTES;
    self->page_bytes = stat.ms_psize - S_PAGE_HEADER_BYTES;
    self->producer_count_committed = self->producer_count;
    self->topic_count_committed = self->topic_count;
    atomic_store(&self->topics_visible, self->topic_count);
    pt_store_measure(self);
}

static pt_status_t
s_open_writer(pt_store_t *self, const pt_store_options_t *options, const char *path, char *out_error)
{
    pt_status_t status = pt_store_make_dir(options->dir, out_error);
    if (status == PT_OK)
        status = pt_store_lock_dir(options->dir, &self->lock_fd, out_error);
    PT_FAULT_POINT("store.locked");
    if (status != PT_OK)
        return status;
    //  The name itself: a link that leads nowhere is one to a disk that is not there, and what cannot be looked at may
    //  be a journal too.
    struct stat named;
    bool exists = lstat(path, &named) == 0;
    if (!exists && errno != ENOENT)
        return pt_store_explain_errno(out_error, "look for", path);
    status =
        exists ? pt_store_allocate_file(path, options->bytes, out_error) : s_make_store(self, options, path, out_error);
    if (status != PT_OK)
        return status;
    int rc = pt_store_open_env(&self->env, options->dir, options->bytes, MDB_NOTLS);
    if (rc != 0)
        return pt_store_explain_lmdb(out_error, rc, "open", options->dir);
    pt_store_clear_dead_views(self);
    status = s_enter(self, options, out_error);
    //  From here on a commit's own page is synced by the next one, or by pt_store_sync.
    if (status == PT_OK)
        (void) mdb_env_set_flags(self->env, MDB_NOMETASYNC, 1);
    return status;
}

static pt_status_t
s_open_reader(pt_store_t *self, const pt_store_options_t *options, const char *path, char *out_error)
{
    if (access(path, F_OK) != 0)
        return pt_store_explain(out_error, errno == ENOENT || errno == ENOTDIR ? PT_E_NOT_FOUND : PT_E_IO, "%s: %s",
                                options->dir, errno == ENOENT || errno == ENOTDIR ? "no journal" : strerror(errno));
    int rc = pt_store_open_env(&self->env, options->dir, 0, MDB_RDONLY | MDB_NOTLS);
    return rc == 0 ? s_enter(self, options, out_error) : pt_store_explain_lmdb(out_error, rc, "open", options->dir);
}

static pt_store_t *
s_store_new(const pt_store_options_t *options)
{
    pt_store_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->lock_fd = -1;
    self->read_only = options->read_only;
    self->topics_max = options->topics_max ? options->topics_max : PT_STORE_TOPICS_MAX;
    self->producers_max = options->producers_max ? options->producers_max : PT_STORE_PRODUCERS_DEFAULT;
    return self;
}

pt_status_t
pt_store_open(const pt_store_options_t *options, pt_store_t **out_self, char *out_error)
{
    assert(options);
    assert(options->dir);
    assert(!options->bytes || options->bytes >= PT_STORE_BYTES_MIN);
    assert(options->topics_max <= PT_STORE_TOPICS_MAX);
    assert(out_self);
    assert(out_error);

    *out_self = NULL;
    pt_store_options_t complete = *options;
    //  A map is made of whole pages, of at most 64 KiB.
    complete.bytes = (complete.bytes ? complete.bytes : PT_STORE_BYTES_DEFAULT) & ~UINT64_C(0xffff);
    char path[S_PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s/data.mdb", complete.dir) >= (int) sizeof(path) - 16) {
        errno = ENAMETOOLONG;
        return pt_store_explain_errno(out_error, "open", complete.dir);
    }
    pt_store_t *self = s_store_new(&complete);
    if (!self)
        return pt_store_explain(out_error, PT_E_NOMEM, "no memory for the journal");
    pt_status_t status = self->read_only ? s_open_reader(self, &complete, path, out_error)
                                         : s_open_writer(self, &complete, path, out_error);
    if (status == PT_OK) {
        s_note_sizes(self);
        *out_self = self;
        return PT_OK;
    }
    int reason = errno;
    pt_store_close(&self);
    errno = reason;
    return status;
}

void
pt_store_close(pt_store_t **self_p)
{
    assert(self_p);

    pt_store_t *self = *self_p;
    if (!self)
        return;
    pt_store_abort(self);
    pt_store_let_go(self);
    pt_store_drop_members(self);
    while (self->topic_count)
        pt_store_drop_topic(self);
    if (self->env)
        mdb_env_close(self->env);
    if (self->lock_fd >= 0)
        close(self->lock_fd);
    free(self);
    *self_p = NULL;
}

pt_store_identity_t
pt_store_identity(const pt_store_t *self)
{
    assert(self);

    return self->identity;
}

const char *
pt_store_error(const pt_store_t *self)
{
    assert(self);

    return self->error;
}
