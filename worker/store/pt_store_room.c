/*  Where the pages of a commit lie.
 *
 *  LMDB writes a page that it changes to another place, and takes for it what was let go of three commits ago, page by
 *  page. After some hundred commits these pages lie apart, and a commit of 30 pages is given to the disk in 20 pieces,
 *  each of which takes its time. So a view of our own, the keeper, keeps what is let go of from being used at once:
 *  it gathers while the commits use up a pool, in the order of the file. When that is spent, or holds little more than
 *  a commit takes, the keeper comes up to the present, and what has gathered is the next pool.
 *
 *  A pool's pages are given back to LMDB by asking it for a piece of many pages and letting go of it: it reads its
 *  lists of free pages until it finds one, and takes the end of the file where there is none. While the pool is small
 *  the piece is large, and so the pool grows by it.
 *
 *  Nothing is used earlier than LMDB would use it, only later. Where pages are scarce there is no keeper.
 */
#include "pt_store_parts.h"

//  A file of fewer pages has none to spare for this.
#define S_PAGES_MIN 4096

//  A pool is this part of the file at least; more is scattered less, and is part of what is used of the file.
#define S_POOL_SHARE 32
#define S_POOL_MIN 512

//  With less than this part of the file to be had, pages are scarce. A commit takes a 64th of it, a single batch of
//  decisions with what they were decided about hardly more.
#define S_SCARCE_SHARE 8

//  Pages that lie together for a commit to take, where the pool is large enough.
#define S_PIECE_PAGES 64

//  Commits without a keeper after one that found no room.
#define S_PAUSE_COMMITS 64

//  As each commit adds an entry to the list of free pages, which is read through now and then.
#define S_COMMITS_MAX 512

static const char s_piece_key[] = "piece";

//  The pages that may be used now: those of the entries that are older than what the keeper sees.
static uint64_t
s_count_pool(const pt_store_t *self, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    uint64_t pages = 0;
    uint64_t end = mdb_txn_id(self->keeper);
    if (mdb_cursor_open(txn, 0, &cursor) != 0)
        return 0;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        size_t id;
        size_t count;
        memcpy(&id, key.mv_data, sizeof(id));
        memcpy(&count, value.mv_data, sizeof(count));
        if (id >= end)
            break;
        pages += count;
    }
    mdb_cursor_close(cursor);
    return pages;
}

//  Behind the last page that was ever taken.
static uint64_t
s_room_at_end(const pt_store_t *self)
{
    MDB_envinfo info;
    return mdb_env_info(self->env, &info) == 0 && info.me_last_pgno + 1 < self->pages_max
               ? self->pages_max - info.me_last_pgno - 1
               : 0;
}

static uint64_t
s_pool_wanted(const pt_store_t *self)
{
    uint64_t pages = self->pages_max / S_POOL_SHARE;
    return pages > S_POOL_MIN ? pages : S_POOL_MIN;
}

static bool
s_is_scarce(const pt_store_t *self, uint64_t pool)
{
    return pool + s_room_at_end(self) < self->pages_max / S_SCARCE_SHARE;
}

void
pt_store_let_go(pt_store_t *self)
{
    if (self->keeper)
        mdb_txn_abort(self->keeper);
    self->keeper = NULL;
    self->pool = 0;
}

void
pt_store_pause_pool(pt_store_t *self)
{
    self->pool_pause = S_PAUSE_COMMITS;
}

void
pt_store_measure_pool(pt_store_t *self, MDB_txn *txn)
{
    if (!self->keeper)
        return;
    uint64_t before = self->pool;
    self->pool = s_count_pool(self, txn);
    self->pool_spent = before > self->pool ? before - self->pool : 0;
    self->pool_commits++;
}

//  Whether the pool at hand serves another commit.
static bool
s_goes_on(const pt_store_t *self)
{
    return self->keeper && self->pool > 2 * self->pool_spent && self->pool_commits < S_COMMITS_MAX &&
           !s_is_scarce(self, self->pool);
}

//  Let the keeper see what there is now. Without one when it cannot: all places of views are taken, or no memory.
static void
s_move_keeper(pt_store_t *self)
{
    if (self->keeper)
        mdb_txn_reset(self->keeper);
    MDB_txn *keeper = self->keeper;
    int rc = keeper ? mdb_txn_renew(keeper) : pt_store_begin_view(self, &keeper);
    if (rc == 0)
        self->keeper = keeper;
    else
        pt_store_let_go(self);
}

void
pt_store_choose_pool(pt_store_t *self)
{
    self->pool_is_new = false;
    if (self->pages_max < S_PAGES_MIN || s_goes_on(self))
        return;
    if (self->pool_pause) {
        self->pool_pause--;
        pt_store_let_go(self);
        return;
    }
    s_move_keeper(self);
    if (!self->keeper)
        return;
    self->pool = s_count_pool(self, self->keeper);
    self->pool_spent = 0;
    self->pool_commits = 0;
    self->pool_is_new = true;
    if (s_is_scarce(self, self->pool))
        pt_store_let_go(self);
}

//  Pages at the end of the file that were prepared: to write a page for the first time takes a file system longer.
static uint64_t
s_prepared_at_end(const pt_store_t *self)
{
    uint64_t end = self->prepared_end / (self->page_bytes + S_PAGE_HEADER_BYTES);
    uint64_t begin = self->pages_max - s_room_at_end(self);
    return end > begin ? end - begin : 0;
}

//  How many pages in one piece the new pool is to have; 0: what there is.
static uint64_t
s_piece_pages(const pt_store_t *self)
{
    uint64_t piece = s_pool_wanted(self) / 4;
    uint64_t room = s_room_at_end(self);
    //  What stands at the end is also for those who have more to keep.
    if (self->pool < 4 * piece && room > self->pages_max / 3 && s_prepared_at_end(self) > piece)
        return piece;
    return room > 2 * S_PIECE_PAGES ? S_PIECE_PAGES : 0;
}

int
pt_store_gather_pool(pt_store_t *self)
{
    uint64_t pages = self->keeper && self->pool_is_new ? s_piece_pages(self) : 0;
    self->pool_is_new = false;
    if (pages == 0)
        return 0;
    MDB_val key = s_val(s_piece_key, sizeof(s_piece_key) - 1);
    MDB_val value = {pages * (self->page_bytes + S_PAGE_HEADER_BYTES) - S_PAGE_HEADER_BYTES, NULL};
    int rc = mdb_put(self->txn, self->meta, &key, &value, MDB_RESERVE);
    return rc == 0 ? mdb_del(self->txn, self->meta, &key, NULL) : rc;
}
