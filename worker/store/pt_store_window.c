/*  Finished batches: an entry for each batch of a window, so that a commit writes some bytes for each
 *  batch instead of whole windows.
 */
#include <stdlib.h>

#include "pt_fault_point.h"
#include "pt_store_parts.h"

//  Windows that are dropped at a time when there are too many: finding the oldest reads all.
#define S_EVICT 16

//  How stale a window's time of last use may be; it only chooses who is forgotten first.
#define S_USED_STEP_MS 60000

typedef struct {
    uint64_t producer, epoch, floor, used_ms;
} s_window_t;

static bool
s_unpack_floor(MDB_val key, MDB_val value, s_window_t *out_window)
{
    if (key.mv_size != S_WINDOW_KEY_BYTES || !s_is_sealed(S_PRODUCERS, key, value, S_FLOOR_BYTES))
        return false;
    const uint8_t *at = key.mv_data;
    const uint8_t *bytes = value.mv_data;
    *out_window = (s_window_t) {s_get_key_u64(at), s_get_key_u64(at + 8), s_get_u64(bytes + 4), s_get_u64(bytes + 12)};
    return true;
}

static int
s_write_floor(pt_store_t *self, const s_window_t *window)
{
    uint8_t key_bytes[S_WINDOW_KEY_BYTES];
    uint8_t bytes[S_FLOOR_BYTES];
    s_make_window_key(key_bytes, window->producer, window->epoch, 0);
    MDB_val key = s_val(key_bytes, sizeof(key_bytes));
    MDB_val value = s_val(bytes, sizeof(bytes));
    s_put_u64(s_put_u64(bytes + 4, window->floor), window->used_ms);
    s_seal(S_PRODUCERS, key, bytes, sizeof(bytes));
    return mdb_put(self->txn, self->producers, &key, &value, 0);
}

//  Delete the entries of a window from number `first` up to, not with, `end`.
static int
s_delete_numbers(pt_store_t *self, const s_window_t *window, uint64_t first, uint64_t end)
{
    uint8_t first_key[S_WINDOW_KEY_BYTES];
    uint8_t end_key[S_WINDOW_KEY_BYTES];
    s_make_window_key(first_key, window->producer, window->epoch, first);
    s_make_window_key(end_key, window->producer, window->epoch, end);
    return pt_store_delete_range(self, self->producers, s_val(first_key, sizeof(first_key)),
                                 s_val(end_key, sizeof(end_key)));
}

//  Step to the floor of the next window. MDB_NOTFOUND behind the last, MDB_CORRUPTED for a fault.
static int
s_next_window(MDB_cursor *cursor, bool first, s_window_t *window)
{
    MDB_val key;
    MDB_val value;
    uint8_t after[S_WINDOW_KEY_BYTES];
    int rc;
    if (first) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    } else {
        s_make_window_key(after, window->producer, window->epoch, UINT64_MAX);
        key = s_val(after, sizeof(after));
        rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    }
    if (rc != 0)
        return rc;
    return s_unpack_floor(key, value, window) ? 0 : MDB_CORRUPTED;
}

static int
s_compare_use(const void *left, const void *right)
{
    uint64_t left_ms = ((const s_window_t *) left)->used_ms;
    uint64_t right_ms = ((const s_window_t *) right)->used_ms;
    return (left_ms > right_ms) - (left_ms < right_ms);
}

typedef struct {
    s_window_t *windows;
    size_t count;
    size_t capacity;
} s_windows_t;

static bool
s_add_window(s_windows_t *list, const s_window_t *window)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        s_window_t *windows = realloc(list->windows, capacity * sizeof(*windows));
        if (!windows)
            return false;
        list->windows = windows;
        list->capacity = capacity;
    }
    list->windows[list->count++] = *window;
    return true;
}

//  All windows, the unused for longest first; the caller frees out_list->windows, of which there are none after a
//  fault.
static int
s_list_windows(pt_store_t *self, MDB_txn *txn, s_windows_t *out_list)
{
    MDB_cursor *cursor;
    *out_list = (s_windows_t) {0};
    int rc = mdb_cursor_open(txn, self->producers, &cursor);
    if (rc != 0)
        return rc;
    s_window_t window = {0};
    while (rc == 0 && (rc = s_next_window(cursor, out_list->count == 0, &window)) == 0)
        rc = s_add_window(out_list, &window) ? 0 : ENOMEM;
    mdb_cursor_close(cursor);
    if (rc != MDB_NOTFOUND) {
        free(out_list->windows);
        *out_list = (s_windows_t) {0};
        return rc;
    }
    if (out_list->count)
        qsort(out_list->windows, out_list->count, sizeof(*out_list->windows), s_compare_use);
    return 0;
}

static int
s_evict_windows(pt_store_t *self)
{
    s_windows_t list;
    int rc = s_list_windows(self, self->txn, &list);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < list.count && list.count - i > self->producers_max && rc == 0; i++) {
        rc = s_delete_numbers(self, &list.windows[i], 0, UINT64_MAX);
        self->producer_count--;
    }
    free(list.windows);
    return rc;
}

//  When a window is used that is used now. A clock that was set back would otherwise have it forgotten before all that
//  were used while the clock was ahead.
static uint64_t
s_use_now(pt_store_t *self, uint64_t now_ms)
{
    self->window_used_ms = now_ms > self->window_used_ms ? now_ms : self->window_used_ms + 1;
    return self->window_used_ms;
}

//  Bring the floor of the batch's window up to date, and add the window when it is new.
static int
s_raise_floor(pt_store_t *self, const s_window_t *now, uint64_t *out_floor)
{
    uint8_t key_bytes[S_WINDOW_KEY_BYTES];
    s_make_window_key(key_bytes, now->producer, now->epoch, 0);
    MDB_val key = s_val(key_bytes, sizeof(key_bytes));
    MDB_val value;
    *out_floor = now->floor;
    int rc = mdb_get(self->txn, self->producers, &key, &value);
    if (rc == MDB_NOTFOUND) {
        self->producer_count++;
        return s_write_floor(self, now);
    }
    s_window_t old;
    if (rc != 0)
        return rc;
    if (!s_unpack_floor(key, value, &old))
        return MDB_CORRUPTED;
    if (old.floor > now->floor)
        *out_floor = old.floor;
    if (now->floor > old.floor)
        rc = s_delete_numbers(self, now, old.floor ? old.floor : 1, now->floor);
    if (rc != 0 || (now->floor <= old.floor && now->used_ms < old.used_ms + S_USED_STEP_MS))
        return rc;
    s_window_t next = {now->producer, now->epoch, *out_floor, now->used_ms};
    return s_write_floor(self, &next);
}

static int
s_write_batch(pt_store_t *self, uint64_t producer, uint64_t epoch, uint64_t seq, uint32_t crc32)
{
    uint8_t key_bytes[S_WINDOW_KEY_BYTES];
    uint8_t bytes[S_BATCH_BYTES];
    s_make_window_key(key_bytes, producer, epoch, seq);
    MDB_val key = s_val(key_bytes, sizeof(key_bytes));
    MDB_val value = s_val(bytes, sizeof(bytes));
    s_put_u32(bytes + 4, crc32);
    s_seal(S_PRODUCERS, key, bytes, sizeof(bytes));
    PT_FAULT_POINT("store.remember.before");
    return mdb_put(self->txn, self->producers, &key, &value, 0);
}

pt_status_t
pt_store_remember(pt_store_t *self, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32,
                  uint64_t now_ms)
{
    assert(floor >= 1 && seq >= 1);

    pt_status_t status = pt_store_check_txn(self);
    if (status != PT_OK)
        return status;
    s_window_t now = {producer, epoch, floor, s_use_now(self, now_ms)};
    uint64_t highest_floor;
    int rc = s_raise_floor(self, &now, &highest_floor);
    if (rc == 0 && seq >= highest_floor)
        rc = s_write_batch(self, producer, epoch, seq, crc32);
    if (rc == 0 && self->producer_count >= self->producers_max + S_EVICT)
        rc = s_evict_windows(self);
    return rc == 0 ? PT_OK : pt_store_fail(self, rc, "remember", "a batch");
}

pt_status_t
pt_store_count_windows(pt_store_t *self, MDB_txn *txn)
{
    MDB_cursor *cursor;
    if (mdb_cursor_open(txn, self->producers, &cursor) != 0)
        return PT_E_NOMEM;
    s_window_t window = {0};
    int rc;
    self->producer_count = 0;
    while ((rc = s_next_window(cursor, self->producer_count == 0, &window)) == 0) {
        self->producer_count++;
        self->window_used_ms = window.used_ms > self->window_used_ms ? window.used_ms : self->window_used_ms;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? PT_OK : PT_E_CHECKSUM;
}

//  Tell the finished batches of one window.
static int
s_tell_window(MDB_cursor *cursor, const s_window_t *window, pt_store_window_fn *tell, void *context)
{
    uint8_t from[S_WINDOW_KEY_BYTES];
    s_make_window_key(from, window->producer, window->epoch, 1);
    MDB_val key = s_val(from, sizeof(from));
    MDB_val value;
    bool any = false;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; rc == 0 && memcmp(key.mv_data, from, 16) == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size != S_WINDOW_KEY_BYTES || !s_is_sealed(S_PRODUCERS, key, value, S_BATCH_BYTES))
            return MDB_CORRUPTED;
        any = true;
        tell(context, window->producer, window->epoch, window->floor, s_get_key_u64((const uint8_t *) key.mv_data + 16),
             s_get_u32((const uint8_t *) value.mv_data + 4));
    }
    if (!any)
        tell(context, window->producer, window->epoch, window->floor, 0, 0);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
pt_store_tell_windows(pt_store_t *self, MDB_txn *txn, pt_store_window_fn *tell, void *context)
{
    s_windows_t list;
    MDB_cursor *cursor;
    int rc = s_list_windows(self, txn, &list);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, self->producers, &cursor);
    if (rc == 0) {
        for (size_t i = 0; i < list.count && rc == 0; i++)
            rc = s_tell_window(cursor, &list.windows[i], tell, context);
        mdb_cursor_close(cursor);
    }
    free(list.windows);
    return rc;
}
