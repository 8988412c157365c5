/*  How full the file is, and what may go.
 *
 *  Used are the pages that LMDB has ever taken and not given back to its free list; the list is read
 *  through only when it could matter, because the end of the file moves up once and stays there.
 */
#include "pt_fault_point.h"
#include "pt_store_parts.h"

//  A free list of more entries than this is read at every 64th commit only.
#define S_FREE_LIST_SHORT 1000
#define S_MEASURE_EVERY 64

static int
s_count_free(MDB_txn *txn, uint64_t *out_pages)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    *out_pages = 0;
    //  Database 0 is the free list; each value begins with its number of pages.
    int rc = mdb_cursor_open(txn, 0, &cursor);
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t count;
        memcpy(&count, value.mv_data, sizeof(count));
        *out_pages += count;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool
s_is_worth_counting(const pt_store_t *self, MDB_txn *txn)
{
    MDB_stat stat;
    if (self->commits % S_MEASURE_EVERY == 0)
        return true;
    return mdb_stat(txn, 0, &stat) == 0 && stat.ms_entries <= S_FREE_LIST_SHORT;
}

static unsigned
s_percent(const pt_store_t *self, uint64_t pages)
{
    return (unsigned) (pages * 100 / self->pages_max);
}

void
pt_store_measure(pt_store_t *self)
{
    MDB_envinfo info;
    MDB_txn *txn;
    uint64_t free_pages;
    mdb_env_info(self->env, &info);
    uint64_t taken = info.me_last_pgno + 1;
    self->pages_used += self->pages_added;
    self->pages_added = 0;
    if (self->pages_used > taken || s_percent(self, taken) < PT_STORE_KEEP_PERCENT)
        self->pages_used = taken;
    bool counts = s_percent(self, taken) >= PT_STORE_KEEP_PERCENT;
    if ((counts || self->keeper) && pt_store_begin_view(self, &txn) == 0) {
        pt_store_measure_pool(self, txn);
        if (counts && s_is_worth_counting(self, txn) && s_count_free(txn, &free_pages) == 0 && free_pages < taken)
            self->pages_used = taken - free_pages;
        mdb_txn_abort(txn);
    }
    unsigned percent = s_percent(self, self->pages_used);
    atomic_store(&self->full, percent >= PT_STORE_FULL_PERCENT);
    atomic_store(&self->percent, percent);
}

bool
pt_store_is_full(const pt_store_t *self)
{
    assert(self);

    return atomic_load(&self->full);
}

unsigned
pt_store_used_percent(const pt_store_t *self)
{
    assert(self);

    return atomic_load(&self->percent);
}

pt_store_usage_t
pt_store_usage(const pt_store_t *self)
{
    assert(self);

    return (pt_store_usage_t) {
        self->pages_max,  self->pages_used,    s_percent(self, self->pages_used), self->topic_count_committed,
        self->topics_max, self->trimmed_unread};
}

void
pt_store_clear_dead_views(pt_store_t *self)
{
    assert(self);

    int dead = 0;
    if (mdb_reader_check(self->env, &dead) == 0)
        atomic_fetch_add(&self->dead_views, (uint64_t) dead);
}

int
pt_store_begin_view(pt_store_t *self, MDB_txn **out_txn)
{
    int rc = mdb_txn_begin(self->env, NULL, MDB_RDONLY, out_txn);
    if (rc != MDB_READERS_FULL)
        return rc;
    pt_store_clear_dead_views(self);
    return mdb_txn_begin(self->env, NULL, MDB_RDONLY, out_txn);
}

pt_store_troubles_t
pt_store_troubles(const pt_store_t *self)
{
    assert(self);

    return (pt_store_troubles_t) {atomic_load(&self->without_room), atomic_load(&self->folded),
                                  atomic_load(&self->dead_views), atomic_load(&self->damaged)};
}

void
pt_store_note_folded(pt_store_t *self, uint64_t decisions)
{
    assert(self);

    atomic_fetch_add(&self->folded, decisions);
}

void
pt_store_note_damaged(pt_store_t *self)
{
    assert(self);

    atomic_fetch_add(&self->damaged, 1);
}

//  The lowest position of the durable subscribers that a topic has; UINT64_MAX: it has none.
static uint64_t
s_find_floor(const pt_store_t *self, size_t index)
{
    uint64_t floor = UINT64_MAX;
    if (!PT_RULE("keep_for_subscribers"))
        return self->topics[index]->now.next_seq;
    for (size_t i = 0; i < self->member_count; i++) {
        const pt_store_member_t *member = self->members[i];
        if (!member->who.durable || !pt_store_covers(&member->who, self->topics[index]->name))
            continue;
        if (member->positions[index] < floor)
            floor = member->positions[index];
    }
    return floor;
}

//  Look at a topic's first record: its count and age. Without one, a fault that verify will find.
static int
s_look_at_first(MDB_txn *txn, pt_store_topic_t *topic)
{
    uint8_t key_bytes[S_RECORD_KEY_BYTES];
    MDB_val value;
    s_make_record_key(key_bytes, topic->now.first_retained, S_PART_ITEMS, 0);
    MDB_val key = s_val(key_bytes, sizeof(key_bytes));
    int rc = mdb_get(txn, topic->records, &key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    pt_store_record_t record;
    if (!pt_store_unpack_header(topic->name, topic->now.first_retained, value, &record))
        return MDB_CORRUPTED;
    topic->first_count = record.count;
    topic->first_ms = record.decided_ms;
    return 0;
}

//  One go of trimming.
typedef struct {
    uint64_t used; //  pages, before it
    size_t bytes;  //  deleted so far
    size_t bytes_max;
    unsigned percent; //  to here
    bool unread_too;
} s_trimming_t;

static bool
s_goes_on(const pt_store_t *self, const s_trimming_t *trimming)
{
    //  Small records share pages, so pages are counted from all bytes together.
    uint64_t pages = trimming->bytes / self->chunk_bytes / 2;
    uint64_t used = trimming->used - (pages < trimming->used ? pages : trimming->used);
    return trimming->bytes < trimming->bytes_max && s_percent(self, used) >= trimming->percent;
}

//  Whether a topic's first record may go; its age is known then.
static int
s_may_go(pt_store_t *self, pt_store_topic_t *topic, bool unread_too, bool *out_may)
{
    *out_may = false;
    if (topic->now.first_retained == topic->now.next_seq || (topic->floor == UINT64_MAX && !unread_too))
        return 0;
    int rc = topic->first_count ? 0 : s_look_at_first(self->txn, topic);
    *out_may = rc == 0 && topic->now.first_retained + topic->first_count <= topic->floor;
    return rc;
}

//  The age of the oldest first record that may go; UINT64_MAX: none may.
static int
s_find_oldest(pt_store_t *self, bool unread_too, uint64_t *out_ms)
{
    int rc = 0;
    *out_ms = UINT64_MAX;
    for (size_t i = 0; i < self->topic_count && rc == 0; i++) {
        bool may;
        rc = s_may_go(self, self->topics[i], unread_too, &may);
        if (may && self->topics[i]->first_ms < *out_ms)
            *out_ms = self->topics[i]->first_ms;
    }
    return rc;
}

//  Whether a chunk that is too long to share a page has one, as all of them have. LMDB lets go of as many as the page
//  itself says, and where that is damaged they are others'.
static bool
s_has_one_page(const pt_store_t *self, MDB_val value)
{
    uint32_t pages = 1;
    if (value.mv_size > self->chunk_bytes)
        memcpy(&pages, (const uint8_t *) value.mv_data - sizeof(pages), sizeof(pages));
    return pages == 1;
}

//  Delete a topic's first record with its responses.
static int
s_delete_first(pt_store_t *self, pt_store_topic_t *topic, size_t *out_bytes)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    *out_bytes = 0;
    int rc = mdb_cursor_open(self->txn, topic->records, &cursor);
    if (rc != 0)
        return rc;
    uint64_t end = topic->now.first_retained + topic->first_count;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0 && key.mv_size == S_RECORD_KEY_BYTES &&
           s_get_key_u64(key.mv_data) < end) {
        *out_bytes += value.mv_size;
        PT_FAULT_POINT("store.trim.chunk");
        rc = s_has_one_page(self, value) ? mdb_cursor_del(cursor, 0) : MDB_CORRUPTED;
        if (rc != 0)
            break;
    }
    mdb_cursor_close(cursor);
    PT_FAULT_POINT("store.trim.record");
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    topic->now.first_retained = end;
    topic->now.records--;
    topic->now.bytes -= *out_bytes < topic->now.bytes ? *out_bytes : topic->now.bytes;
    topic->first_count = 0;
    topic->dirty = true;
    return 0;
}

//  Delete the first record of every topic where it is that old and may go. Those of one commit are of one
//  age, so that many topics are looked through once for a commit and not for a record.
static pt_status_t
s_drop_oldest(pt_store_t *self, uint64_t oldest_ms, s_trimming_t *trimming)
{
    for (size_t i = 0; i < self->topic_count && s_goes_on(self, trimming); i++) {
        pt_store_topic_t *topic = self->topics[i];
        bool may;
        size_t bytes = 0;
        uint32_t count = 0;
        int rc = s_may_go(self, topic, trimming->unread_too, &may);
        if (may && topic->first_ms == oldest_ms) {
            count = topic->first_count;
            rc = s_delete_first(self, topic, &bytes);
        }
        if (rc != 0)
            return pt_store_fail(self, rc, "trim", topic->name);
        trimming->bytes += bytes;
        if (topic->floor == UINT64_MAX)
            self->trimmed_unread += count;
    }
    return PT_OK;
}

//  Drop what may go, until there is enough room or nothing more.
static pt_status_t
s_drop_all(pt_store_t *self, s_trimming_t *trimming)
{
    pt_status_t status = PT_OK;
    while (status == PT_OK && s_goes_on(self, trimming)) {
        uint64_t oldest_ms;
        int rc = s_find_oldest(self, trimming->unread_too, &oldest_ms);
        if (rc != 0)
            return pt_store_fail(self, rc, "trim", "the journal");
        if (oldest_ms == UINT64_MAX)
            break;
        status = s_drop_oldest(self, oldest_ms, trimming);
    }
    return status;
}

//  Trim to `keep_percent`; what no durable subscriber wants goes from `spill_percent` on, after what all
//  of them have had.
static pt_status_t
s_trim(pt_store_t *self, size_t bytes_max, unsigned keep_percent, unsigned spill_percent)
{
    pt_status_t status = pt_store_check_txn(self);
    if (status != PT_OK)
        return status;
    for (size_t i = 0; i < self->topic_count; i++)
        self->topics[i]->floor = s_find_floor(self, i);
    s_trimming_t trimming = {
        .used = self->pages_used + self->pages_added, .bytes_max = bytes_max, .percent = keep_percent};
    status = s_drop_all(self, &trimming);
    trimming.percent = spill_percent;
    trimming.unread_too = true;
    return status == PT_OK ? s_drop_all(self, &trimming) : status;
}

pt_status_t
pt_store_trim(pt_store_t *self, size_t bytes_max)
{
    return s_trim(self, bytes_max, PT_STORE_KEEP_PERCENT, PT_STORE_SPILL_PERCENT);
}

pt_status_t
pt_store_trim_hard(pt_store_t *self, size_t bytes_max)
{
    return s_trim(self, bytes_max, PT_STORE_HARD_PERCENT, PT_STORE_HARD_PERCENT);
}

pt_status_t
pt_store_discard(pt_store_t *self, const char *name, uint64_t below_seq, bool unread_too, size_t bytes_max)
{
    assert(name);

    pt_status_t status = pt_store_check_txn(self);
    if (status != PT_OK)
        return status;
    size_t index = pt_store_find_topic(self, name, self->topic_count);
    if (index == SIZE_MAX)
        return PT_E_NOT_FOUND;
    pt_store_topic_t *topic = self->topics[index];
    uint64_t floor = unread_too ? UINT64_MAX : s_find_floor(self, index);
    uint64_t end = below_seq < floor ? below_seq : floor;
    for (size_t done = 0; done < bytes_max && topic->now.first_retained < topic->now.next_seq;) {
        size_t bytes = 0;
        int rc = topic->first_count ? 0 : s_look_at_first(self->txn, topic);
        if (rc == 0 && topic->now.first_retained + topic->first_count > end)
            break;
        if (rc == 0)
            rc = s_delete_first(self, topic, &bytes);
        if (rc != 0)
            return pt_store_fail(self, rc, "discard", name);
        done += bytes;
    }
    return PT_OK;
}

bool
pt_store_wants_trim(const pt_store_t *self)
{
    assert(self);

    return s_percent(self, self->pages_used) >= PT_STORE_KEEP_PERCENT;
}
