/*  pt_store_parts: the layout of a store, and what its sources share. For pt_store_*.c only.
 *
 *  An LMDB environment of these databases; numbers in keys are big endian, so that they sort, and
 *  in values little endian. Every value begins with the CRC-32C of its database's letter, its key
 *  and the rest of it, so neither can be damaged or moved without notice.
 *
 *      meta         "identity"                     format, worker, epoch, incarnation, created_ms
 *      heads        TOPIC                          next_seq, first_retained, records, bytes
 *      producers    producer epoch 0               floor, used_ms
 *                   producer epoch seq             crc32 of a finished batch, seq from 1
 *      subscribers  NAME 0 'n'                     durable, created_ms, seen_ms
 *                   NAME 0 'p' index               prefix
 *                   NAME 0 't' TOPIC               next_seq
 *      @TOPIC       first_seq part chunk           part 0: a record, part 1: its responses
 *
 *  A record is cut into chunks, its header at the start of chunk 0: a short one into chunks of half a
 *  page, of which two share one; a long one into chunks with a page of their own, and what makes no page
 *  goes with the header. LMDB would put it whole into neighbouring pages, and then a file with room in
 *  small holes only is full; a database for each topic is only ever appended to, so its pages are filled.
 */
#ifndef PT_STORE_PARTS_H
#define PT_STORE_PARTS_H

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>

#include "pt_crc.h"
#include "pt_store.h"

//  Letters of databases in checksums.
enum { S_META = 'm', S_HEADS = 'h', S_PRODUCERS = 'w', S_SUBSCRIBERS = 's', S_RECORDS = 'r' };

enum { S_PART_ITEMS, S_PART_RESPONSES, S_PART_COUNT };

//  Bytes of keys and values.
#define S_IDENTITY_BYTES 40
#define S_HEAD_BYTES 36
#define S_WINDOW_KEY_BYTES 24
#define S_FLOOR_BYTES 20
#define S_BATCH_BYTES 8
#define S_NAME_BYTES 21
#define S_POSITION_BYTES 12
#define S_RECORD_KEY_BYTES 11
#define S_RECORD_HEADER_BYTES 32
#define S_RESPONSES_HEADER_BYTES 12
//  LMDB's, of a page.
#define S_PAGE_HEADER_BYTES 16
//  NAME 0 't' TOPIC
#define S_MEMBER_KEY_BYTES_MAX (PT_STORE_NAME_BYTES_MAX + 2 + PT_TOPIC_BYTES_MAX)

//  Longest path; the system's own limit.
#define S_PATH_BYTES 4096

//  At most half of them are taken, so a search is short.
#define S_TOPIC_SLOTS (2 * (size_t) PT_STORE_TOPICS_MAX)

typedef struct {
    uint64_t next_seq, first_retained, records, bytes;
} pt_store_mark_t;

typedef struct {
    char name[PT_TOPIC_BYTES_MAX + 1];
    MDB_dbi records;
    pt_store_mark_t committed;
    pt_store_mark_t now; //  with what the open transaction changed
    bool dirty;
    atomic_uint_fast64_t synced_seq; //  next_seq of what is durable: views see nothing behind it
    //  The first record, for trimming; count 0: not looked at.
    uint32_t first_count;
    uint64_t first_ms;
    uint64_t floor; //  while it trims: what durable subscribers have had; UINT64_MAX: there is none
    size_t slot;    //  in the hash
} pt_store_topic_t;

//  A subscriber, and its position by index of topic.
typedef struct {
    pt_store_subscriber_t who;
    uint64_t positions[PT_STORE_TOPICS_MAX];
} pt_store_member_t;

struct pt_store {
    MDB_env *env;
    MDB_txn *txn;
    int lock_fd;
    bool read_only;
    bool dead;
    bool unsynced; //  something was written that the disk was not asked for
    //  The pages that commits take, see pt_store_room.c.
    MDB_txn *keeper;       //  NULL: pages are used again as soon as they may be
    uint64_t pool;         //  pages, after the last commit
    uint64_t pool_spent;   //  by the last commit
    unsigned pool_commits; //  with this pool
    bool pool_is_new;      //  and still to be gathered
    unsigned pool_pause;   //  commits that take what LMDB gives
    size_t chunk_bytes;    //  of those of which two share a page
    size_t page_bytes;     //  of those that have one of their own
    pt_store_identity_t identity;
    uint64_t created_ms;
    MDB_dbi meta, heads, producers, subscribers;
    size_t producers_max;
    size_t producer_count;
    size_t producer_count_committed;
    uint64_t window_used_ms; //  the latest use of any window; never goes back
    pt_store_topic_t *topics[PT_STORE_TOPICS_MAX];
    atomic_uint_least16_t topic_slots[S_TOPIC_SLOTS]; //  by hash of the name: place in `topics` + 1, 0: none
    size_t topics_max;
    size_t topic_count;
    size_t topic_count_committed;
    atomic_size_t topics_visible; //  to views
    pt_store_member_t *members[PT_STORE_SUBSCRIBERS_MAX];
    size_t member_count;
    bool members_dirty;
    uint64_t commits;
    uint64_t pages_max;
    uint64_t file_bytes;   //  at the start: a writer never makes it smaller
    uint64_t prepared_end; //  bytes of the file that are known to have been written once, or are never used
    uint64_t pages_used;
    uint64_t pages_added; //  by the open transaction, about
    uint64_t trimmed_unread;
    atomic_bool full;
    atomic_uint percent;
    atomic_uint_fast64_t without_room;
    atomic_uint_fast64_t folded;
    atomic_uint_fast64_t dead_views;
    atomic_uint_fast64_t damaged;
    char error[PT_STORE_ERROR_BYTES_MAX];
};

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

static inline uint8_t *
s_put_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *
s_put_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint32_t
s_get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static inline uint64_t
s_get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static inline uint8_t *
s_put_key_u64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint64_t
s_get_key_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return be64toh(value);
}

static inline MDB_val
s_val(const void *data, size_t len)
{
    //  LMDB's keys take no const, although it changes nothing.
    return (MDB_val) {len, (void *) (uintptr_t) data};
}

/*  Write the checksum of letter, key and value[4..] to value[0..4). */
static inline void
s_seal(char letter, MDB_val key, uint8_t *value, size_t len)
{
    uint32_t crc = pt_crc32c(0, &letter, 1);
    crc = pt_crc32c(crc, key.mv_data, key.mv_size);
    s_put_u32(value, pt_crc32c(crc, value + 4, len - 4));
}

/*  Whether a value of `len` bytes is what was sealed under that key. */
static inline bool
s_is_sealed(char letter, MDB_val key, MDB_val value, size_t len)
{
    if (value.mv_size != len)
        return false;
    uint32_t crc = pt_crc32c(0, &letter, 1);
    crc = pt_crc32c(crc, key.mv_data, key.mv_size);
    crc = pt_crc32c(crc, (const uint8_t *) value.mv_data + 4, len - 4);
    return crc == s_get_u32(value.mv_data);
}

static inline void
s_make_record_key(uint8_t *out, uint64_t first_seq, unsigned part, unsigned chunk)
{
    uint8_t *at = s_put_key_u64(out, first_seq);
    at[0] = (uint8_t) part;
    at[1] = (uint8_t) (chunk >> 8);
    at[2] = (uint8_t) chunk;
}

static inline void
s_make_window_key(uint8_t *out, uint64_t producer, uint64_t epoch, uint64_t seq)
{
    s_put_key_u64(s_put_key_u64(s_put_key_u64(out, producer), epoch), seq);
}

/*  NAME 0 KIND REST; the length of the key. */
static inline size_t
s_make_member_key(uint8_t *out, const char *name, char kind, const void *rest, size_t rest_len)
{
    size_t len = strlen(name) + 1;
    assert(len <= PT_STORE_NAME_BYTES_MAX + 1 && rest_len <= PT_TOPIC_BYTES_MAX);
    memcpy(out, name, len);
    out[len++] = (uint8_t) kind;
    if (rest_len)
        memcpy(out + len, rest, rest_len);
    return len + rest_len;
}

/*  Why a store cannot be opened, as one line in out_error[PT_STORE_ERROR_BYTES_MAX]; errno is kept, and the status
 *  comes back. `rc` is LMDB's, whose own faults have negative numbers, or an errno.
 */
pt_status_t pt_store_explain(char *out_error, pt_status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
pt_status_t pt_store_explain_errno(char *out_error, const char *what, const char *path);
pt_status_t pt_store_explain_lmdb(char *out_error, int rc, const char *what, const char *dir);

/*  Make the directory, its last part only, and make that durable; the second only what is in one. */
pt_status_t pt_store_make_dir(const char *dir, char *out_error);
pt_status_t pt_store_sync_dir(const char *path, char *out_error);

/*  Lock a directory for one writer: *out_fd holds the lock, and is the caller's to close even after a fault, unless
 *  it is -1.
 */
pt_status_t pt_store_lock_dir(const char *dir, int *out_fd, char *out_error);

/*  Reserve the blocks of the whole file, so that a full disk shows now. */
pt_status_t pt_store_allocate_file(const char *path, uint64_t bytes, char *out_error);

/*  Whether the writer's file has its name and its length still. PT_OK; PT_E_IO and a store that is dead,
 *  with the reason, when somebody removed, replaced or cut it.
 */
pt_status_t pt_store_check_file(pt_store_t *self);

/*  Open LMDB's environment; `bytes` 0: of the size that it has. LMDB's result; NULL after a fault. MDB_CORRUPTED
 *  where pages that were committed are not in the file.
 */
int pt_store_open_env(MDB_env **out_env, const char *path, uint64_t bytes, unsigned flags);

/*  Note why a call failed, and say how bad it is: PT_E_SPACE, PT_E_NOMEM (only from reading), or
 *  PT_E_IO, after which the store is dead. `rc` is LMDB's or an errno.
 */
pt_status_t pt_store_fail(pt_store_t *self, int rc, const char *what, const char *where);

/*  PT_OK when a transaction may be written to. */
pt_status_t pt_store_check_txn(pt_store_t *self);

/*  Delete the entries from key `first` up to, not with, key `end`; LMDB's result. */
int pt_store_delete_range(pt_store_t *self, MDB_dbi database, MDB_val first, MDB_val end);

/*  Values of heads. */
void pt_store_pack_mark(const pt_store_mark_t *mark, MDB_val key, uint8_t out[S_HEAD_BYTES]);
bool pt_store_unpack_mark(MDB_val key, MDB_val value, pt_store_mark_t *out_mark);

/*  The header of a record: crc32c, count, crc32, decided_ms, bytes of items and of responses, and the
 *  checksum of the header alone. False when it is not the one of the record `first_seq` of the topic.
 */
void pt_store_pack_header(const char *topic, const pt_store_record_t *record, uint8_t out[S_RECORD_HEADER_BYTES]);
bool pt_store_unpack_header(const char *topic, uint64_t first_seq, MDB_val value, pt_store_record_t *out_record);

/*  The checksum of a record, or of its responses, up to what follows its header's checksum. */
uint32_t pt_store_begin_crc(const char *topic, uint64_t first_seq, unsigned part);

/*  The index of a topic among the first `count`, or SIZE_MAX; and the same, added when it is new.
 *  PT_E_COUNT: fewer than `spare` places would be left; nothing has changed.
 */
size_t pt_store_find_topic(const pt_store_t *self, const char *name, size_t count);
pt_status_t pt_store_get_topic(pt_store_t *self, const char *name, size_t spare, size_t *out_index);

/*  Append a topic to the list, and take the last one back. */
void pt_store_enter_topic(pt_store_t *self, pt_store_topic_t *topic);
void pt_store_drop_topic(pt_store_t *self);

/*  The name of a topic's database, into out[PT_TOPIC_BYTES_MAX + 2]. */
const char *pt_store_records_name(const char *topic, char *out);

/*  Read all subscribers and positions into memory; in the open transaction, or in one of its own. */
pt_status_t pt_store_load_members(pt_store_t *self, MDB_txn *txn);
void pt_store_drop_members(pt_store_t *self);

/*  One subscriber by its name entry under *cursor, with its prefixes. PT_E_CHECKSUM when damaged. */
pt_status_t pt_store_read_member(MDB_cursor *cursor, MDB_val key, MDB_val value, pt_store_subscriber_t *out_who);

/*  The subscriber after a name; "" comes before the first. PT_E_NOT_FOUND behind the last. */
pt_status_t pt_store_next_member(MDB_cursor *cursor, const char *after, pt_store_subscriber_t *out_who);

/*  Count the windows of producers. */
pt_status_t pt_store_count_windows(pt_store_t *self, MDB_txn *txn);

/*  pt_store_view_windows in a transaction of the caller's; LMDB's result, or an errno. */
int pt_store_tell_windows(pt_store_t *self, MDB_txn *txn, pt_store_window_fn *tell, void *context);

/*  Note what was wrong with a call on a view; the status comes back, or the one of LMDB's result. */
pt_status_t pt_store_view_fail(pt_store_view_t *self, pt_status_t status, const char *what, const char *where);
pt_status_t pt_store_view_fail_lmdb(pt_store_view_t *self, int rc, const char *where);

/*  The number of the record that holds `seq`, in the topic that was sought last and within its numbers.
 *  PT_E_CHECKSUM when it is not found.
 */
pt_status_t pt_store_view_find(pt_store_view_t *view, uint64_t seq, uint64_t *out_first_seq);

/*  Count the entries of a database and those that are not what was sealed, or that their keys do not lead
 *  to. The sum is compared with LMDB's own count: a page that is lost takes its entries with it.
 */
pt_status_t pt_store_view_check(pt_store_view_t *view, char letter, uint64_t *out_entries, uint64_t *out_bad);

/*  Begin a transaction that reads; LMDB's result. From any thread. Where all places of views are taken,
 *  those of processes that have died are given back first.
 */
int pt_store_begin_view(pt_store_t *self, MDB_txn **out_txn);

/*  Before a transaction begins that writes: go on with the pool of pages, or choose the next one; and before the first
 *  decisions in it: gather what was chosen. LMDB's result.
 */
void pt_store_choose_pool(pt_store_t *self);
int pt_store_gather_pool(pt_store_t *self);

/*  After a commit, in a transaction that reads: what is left of the pool. */
void pt_store_measure_pool(pt_store_t *self, MDB_txn *txn);

/*  Let all pages be used again as soon as LMDB may, until the next pool is chosen. */
void pt_store_let_go(pt_store_t *self);

/*  A commit found no room: choose none for a while. */
void pt_store_pause_pool(pt_store_t *self);

/*  Count the pages in use, after a commit. */
void pt_store_measure(pt_store_t *self);

#endif
