/*  pt_store: what a worker must not forget, in one directory.
 *
 *  The decisions of all topics, how far each topic is numbered, the batches that are finished, and
 *  how far each named subscriber has come. One write transaction changes all of it or nothing:
 *
 *      pt_store_begin
 *        pt_store_append      decisions of a topic, numbered here
 *        pt_store_remember    a finished batch
 *        pt_store_position    a subscriber's position
 *        pt_store_trim        what nobody needs any more
 *      pt_store_commit        PT_OK: durable. Otherwise nothing of it may be said to anyone.
 *
 *  Of several transactions in a row each can spare the other a way to the disk: pt_store_commit_unsynced makes
 *  what was committed before durable, and the last of them waits for pt_store_sync.
 *
 *  One thread writes; any thread may read by a view, at the same time and without a lock. Other
 *  processes may read the directory, one at a time may write.
 *
 *  Faults. PT_E_SPACE: the file is full; abort, and nothing has happened. PT_E_IO: the disk or the
 *  file failed; the store is dead, every later call says so, and what the disk holds is unknown until
 *  the store is opened again. Never try again: Linux forgets a failed write once it has told.
 */
#ifndef PT_STORE_H
#define PT_STORE_H

#include "pt_wire.h"

#define PT_STORE_FORMAT 1
#define PT_STORE_BYTES_DEFAULT (UINT64_C(1) << 30)
#define PT_STORE_BYTES_MIN (UINT64_C(4) << 20)
#define PT_STORE_PRODUCERS_DEFAULT 4096
#define PT_STORE_TOPICS_MAX 8192 //  of 2047 gateways; 1.4 MiB, and 64 KiB for each subscriber
#define PT_STORE_SUBSCRIBERS_MAX 256
#define PT_STORE_NAME_BYTES_MAX 64 //  of a subscriber
#define PT_STORE_PREFIXES_MAX 64   //  of one subscriber
#define PT_STORE_RESPONSE_BYTES_MAX (16 * 1024)
//  Of all responses of one record: as many as a batch has, each with its length.
#define PT_STORE_RESPONSES_BYTES_MAX (PT_BATCH_COUNT_MAX * (PT_STORE_RESPONSE_BYTES_MAX + (size_t) 5) + 5)
#define PT_STORE_ERROR_BYTES_MAX 512

//  Shares of the file, in percent of its pages. What every durable subscriber has is kept, for
//  operators and late subscribers, up to the first mark; what no durable subscriber asked for, up to
//  the second; from the third on the store is full, and the rest is room for trimming to work in.
#define PT_STORE_KEEP_PERCENT 60
#define PT_STORE_HARD_PERCENT 30 //  to here when a commit has found no room
#define PT_STORE_SPILL_PERCENT 75
#define PT_STORE_FULL_PERCENT 80

typedef struct pt_store pt_store_t;

typedef struct {
    const char *dir;
    uint64_t bytes;       //  of the file, allocated when it is opened; 0: the default
    uint64_t worker;      //  id; 0: the stored one, or a random one. Another than the stored one is refused
    size_t producers_max; //  windows kept, the ones unused for longest go; 0: the default
    size_t topics_max;    //  at most PT_STORE_TOPICS_MAX, which is the default with 0
    bool read_only;       //  no lock, no incarnation; only views
} pt_store_options_t;

typedef struct {
    uint64_t worker;
    uint64_t epoch;       //  unix ms when the store was made
    uint64_t incarnation; //  starts so far, this one included
} pt_store_identity_t;

//  How far a topic is numbered.
typedef struct {
    char topic[PT_TOPIC_BYTES_MAX + 1];
    uint64_t first_retained;
    uint64_t next_seq; //  the next number to be given
    uint64_t records;
    uint64_t bytes; //  decisions and responses kept
} pt_store_head_t;

//  Decisions of one topic from one job, encoded as in DECISIONS.
typedef struct {
    uint32_t count;
    uint32_t crc32;       //  zlib's, over items
    pt_bytes_t items;     //  msgpack array of `count` maps
    pt_bytes_t responses; //  msgpack array of `count` bins, or nil where one is not kept; len 0: none are
} pt_store_part_t;

typedef struct {
    uint64_t pages_max;
    uint64_t pages_used;
    unsigned used_percent;
    uint64_t topics;
    uint64_t topics_max;
    uint64_t trimmed_unread; //  decisions trimmed since the start that no durable subscriber asked for
} pt_store_usage_t;

/*  Open the store of a directory, or make both. Counts a start in `incarnation`, durably. PT_OK, or
 *  a fault with one line in out_error[PT_STORE_ERROR_BYTES_MAX]: PT_E_IO with errno (EWOULDBLOCK:
 *  another process writes to it; ENOSPC), PT_E_VERSION, PT_E_CHECKSUM, PT_E_RANGE (another worker's),
 *  PT_E_NOT_FOUND (read only, and there is none), PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_store_open(const pt_store_options_t *options, pt_store_t **out_self, char *out_error);

/*  Close. An open transaction is aborted; views must be closed before. */
void pt_store_close(pt_store_t **self_p);

/*  Whose journal it is. From any thread. */
pt_store_identity_t pt_store_identity(const pt_store_t *self);

/*  Why the last call failed: what, where, and the reason. Valid until the next call. */
const char *pt_store_error(const pt_store_t *self);

//  ---- writing, all from one thread

/*  Begin a transaction; one at a time. PT_E_IO: the store is dead, from before or from now on. */
PT_MUST_CHECK pt_status_t pt_store_begin(pt_store_t *self);

/*  pt_store_commit_unsynced and then pt_store_sync: PT_OK when all of the transaction is durable. */
PT_MUST_CHECK pt_status_t pt_store_commit(pt_store_t *self);

/*  End the transaction. PT_OK: all of it or nothing will be found after a crash, and all that was committed before
 *  it is durable; it itself is not, and views do not show its decisions, until the next commit or pt_store_sync is
 *  through. Otherwise it was undone, and what was committed before needs pt_store_sync.
 */
PT_MUST_CHECK pt_status_t pt_store_commit_unsynced(pt_store_t *self);
/*  Make all that was committed durable. PT_E_IO: the store is dead. */
PT_MUST_CHECK pt_status_t pt_store_sync(pt_store_t *self);
/*  Undo everything since pt_store_begin. Does nothing when there is no transaction. */
void pt_store_abort(pt_store_t *self);

/*  Keep decisions as one record and number them from *out_first_seq on. The parts may have
 *  PT_BATCH_COUNT_MAX decisions and PT_BATCH_BYTES_MAX bytes of items together; pt_store_fits tells.
 *  Either all parts have responses or none. PT_E_COUNT: the topic is new, and there are as many as
 *  the store takes; nothing has happened.
 */
PT_MUST_CHECK pt_status_t pt_store_append(pt_store_t *self, const char *topic, const pt_store_part_t *parts,
                                          size_t part_count, uint64_t decided_ms, uint64_t *out_first_seq);

/*  Make sure that there is such a topic. PT_E_COUNT: it is new, and fewer than `spare` places would be
 *  left for others; nothing has happened.
 */
PT_MUST_CHECK pt_status_t pt_store_add_topic(pt_store_t *self, const char *topic, size_t spare);

/*  Whether `next` fits into one record behind what has `count` decisions in `bytes` bytes. */
bool pt_store_fits(uint32_t count, size_t bytes, const pt_store_part_t *next);

/*  The topic's head with what this transaction added; false when there is no such topic. */
bool pt_store_head(const pt_store_t *self, const char *topic, pt_store_head_t *out_head);

/*  A batch is finished. Numbers below `floor` are forgotten. */
PT_MUST_CHECK pt_status_t pt_store_remember(pt_store_t *self, uint64_t producer, uint64_t epoch, uint64_t floor,
                                            uint64_t seq, uint32_t crc32, uint64_t now_ms);

/*  A subscriber says its name and what it wants; the prefixes replace those it had, positions stay.
 *  PT_E_COUNT when there are PT_STORE_SUBSCRIBERS_MAX others; PT_E_RANGE when name or prefixes are
 *  too long or too many.
 */
PT_MUST_CHECK pt_status_t pt_store_subscribe(pt_store_t *self, const char *name, bool durable,
                                             const pt_text_t *prefixes, size_t prefix_count, uint64_t now_ms);

/*  A subscriber has dealt with all below `next_seq`. Positions never go back. PT_E_NOT_FOUND: no such
 *  subscriber or topic, or one that its prefixes do not cover; PT_E_RANGE: a number that was not given yet.
 */
PT_MUST_CHECK pt_status_t pt_store_position(pt_store_t *self, const char *name, const char *topic, uint64_t next_seq,
                                            uint64_t now_ms);

/*  Whether there is a subscriber of that name. */
bool pt_store_has_subscriber(const pt_store_t *self, const char *name);

/*  Forget a subscriber and its positions. PT_E_NOT_FOUND when there is none. */
PT_MUST_CHECK pt_status_t pt_store_forget(pt_store_t *self, const char *name);

/*  Drop what the marks allow to drop, oldest first, about `bytes_max` bytes at most. */
PT_MUST_CHECK pt_status_t pt_store_trim(pt_store_t *self, size_t bytes_max);
/*  The same for a commit that found no room below the marks, down to PT_STORE_HARD_PERCENT: in a small
 *  file one commit may need more than what lies between them and the end.
 */
PT_MUST_CHECK pt_status_t pt_store_trim_hard(pt_store_t *self, size_t bytes_max);

/*  Drop the records of one topic that lie below `below_seq` whole, the oldest first, about `bytes_max`
 *  bytes at most; `unread_too`: also those that a durable subscriber has not had. PT_E_NOT_FOUND: no
 *  such topic.
 */
PT_MUST_CHECK pt_status_t pt_store_discard(pt_store_t *self, const char *topic, uint64_t below_seq, bool unread_too,
                                           size_t bytes_max);

/*  Whether trimming has something to do: call pt_store_trim in the next transaction. */
bool pt_store_wants_trim(const pt_store_t *self);

/*  Whether pages that are soon to be used were never written: call pt_store_prepare in an idle moment. */
bool pt_store_wants_prepare(const pt_store_t *self);
/*  Write zeros to about `bytes_max` bytes of them and wait for the disk, which spares later commits some of their
 *  waiting. There must be no open transaction. PT_E_IO: the store is dead.
 */
PT_MUST_CHECK pt_status_t pt_store_prepare(pt_store_t *self, size_t bytes_max);

/*  Whether nothing more should be taken until something was trimmed. From any thread. */
bool pt_store_is_full(const pt_store_t *self);

/*  How much of the file is used, as of the last commit. From any thread. */
unsigned pt_store_used_percent(const pt_store_t *self);

/*  As of the last commit. */
pt_store_usage_t pt_store_usage(const pt_store_t *self);

/*  End the views of processes that have died, which would keep pages from being used again for ever.
 *  From any thread; cheap, but not for every commit.
 */
void pt_store_clear_dead_views(pt_store_t *self);

//  What happened since the store was opened.
typedef struct {
    uint64_t without_room; //  transactions that found no free page
    uint64_t folded;       //  decisions that pt_store_note_folded has told
    uint64_t dead_views;   //  that pt_store_clear_dead_views has ended
    uint64_t damaged;      //  times that a view was asked for what is damaged
} pt_store_troubles_t;

/*  Decisions were put into another topic because theirs found no place. For the thread that writes. */
void pt_store_note_folded(pt_store_t *self, uint64_t decisions);

/*  Somebody asked for what is damaged. From any thread. */
void pt_store_note_damaged(pt_store_t *self);

/*  From any thread. */
pt_store_troubles_t pt_store_troubles(const pt_store_t *self);

//  ---- reading, from any thread

typedef struct pt_store_view pt_store_view_t;

//  One record.
typedef struct {
    uint64_t first_seq;
    uint32_t count;
    uint32_t crc32; //  zlib's, over the items
    uint64_t decided_ms;
    size_t items_bytes;
    size_t responses_bytes; //  0: none
} pt_store_record_t;

/*  See the store as it is now, without decisions that are not durable yet: a power failure could give their
 *  numbers to others. It stays so, whatever becomes durable meanwhile, and no position is behind what is shown.
 *  Another process's view shows all. Pages that a view sees are not used again while it is open: keep it for one
 *  chunk, not for long. PT_E_NOMEM, PT_E_IO.
 */
PT_MUST_CHECK pt_status_t pt_store_view_open(pt_store_t *self, pt_store_view_t **out_view);
void pt_store_view_close(pt_store_view_t **view_p);

/*  What was wrong with the last call on this view. */
const char *pt_store_view_error(const pt_store_view_t *self);

/*  Topics in the order of their names. PT_OK; PT_E_NOT_FOUND beyond the last; PT_E_CHECKSUM. */
PT_MUST_CHECK pt_status_t pt_store_view_topic(pt_store_view_t *self, const char *after, pt_store_head_t *out_head);
PT_MUST_CHECK pt_status_t pt_store_view_head(pt_store_view_t *self, const char *topic, pt_store_head_t *out_head);

/*  Stand before the record of `topic` that holds `seq`. PT_E_NOT_FOUND: no such topic, or `seq` is not
 *  given yet; PT_E_RANGE: it is below first_retained; PT_E_CHECKSUM when the record is damaged or not found.
 */
PT_MUST_CHECK pt_status_t pt_store_view_seek(pt_store_view_t *self, const char *topic, uint64_t seq);

/*  The next record. PT_E_NOT_FOUND behind the last; PT_E_CHECKSUM when there is none where one has to
 *  be, or its header is no header.
 */
PT_MUST_CHECK pt_status_t pt_store_view_next(pt_store_view_t *self, pt_store_record_t *out_record);

/*  Behind a failed seek or next: the first number above `seq` with which a record begins, or next_seq where
 *  there is none. What lies between cannot be read. PT_E_IO when nothing behind it can be found.
 */
PT_MUST_CHECK pt_status_t pt_store_view_skip(pt_store_view_t *self, uint64_t seq, uint64_t *out_next_seq);

/*  Copy the last record's items, or responses, to out[0..items_bytes) and check them. PT_E_CHECKSUM
 *  when they are not what was written: then they must not be used.
 */
PT_MUST_CHECK pt_status_t pt_store_view_items(pt_store_view_t *self, uint8_t *out);
PT_MUST_CHECK pt_status_t pt_store_view_responses(pt_store_view_t *self, uint8_t *out);

//  A named subscriber.
typedef struct {
    char name[PT_STORE_NAME_BYTES_MAX + 1];
    bool durable;
    uint64_t created_ms;
    uint64_t seen_ms;
    size_t prefix_count;
    char prefixes[PT_STORE_PREFIXES_MAX][PT_TOPIC_BYTES_MAX + 1];
} pt_store_subscriber_t;

/*  Subscribers in the order of their names; "" comes before the first. PT_E_NOT_FOUND beyond the last. */
PT_MUST_CHECK pt_status_t pt_store_view_subscriber(pt_store_view_t *self, const char *after,
                                                   pt_store_subscriber_t *out_subscriber);

/*  A subscriber's position in a topic; 0 when it never told. */
PT_MUST_CHECK pt_status_t pt_store_view_position(pt_store_view_t *self, const char *name, const char *topic,
                                                 uint64_t *out_next_seq);

/*  Whether a subscriber's prefixes cover a topic; no prefix covers all. */
bool pt_store_covers(const pt_store_subscriber_t *subscriber, const char *topic);

//  Told of every finished batch, the windows unused for longest first.
typedef void(pt_store_window_fn)(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq,
                                 uint32_t crc32);

/*  Tell all finished batches. A window without any is told once, with seq 0. */
PT_MUST_CHECK pt_status_t pt_store_view_windows(pt_store_view_t *self, pt_store_window_fn *tell, void *context);

//  ---- checking

//  Told of each fault: where (a topic, or "producers" and such), the number it concerns, and what.
typedef void(pt_store_fault_fn)(void *context, const char *where, uint64_t seq, const char *what);

typedef struct {
    uint64_t records;
    uint64_t decisions;
    uint64_t bytes;
    uint64_t others; //  entries that are no records
    uint64_t faults;
} pt_store_verified_t;

/*  Read everything and compare each checksum, number and count. PT_OK when it could be read through,
 *  whatever was found; PT_E_IO or PT_E_NOMEM otherwise.
 */
PT_MUST_CHECK pt_status_t pt_store_verify(pt_store_t *self, pt_store_fault_fn *tell, void *context,
                                          pt_store_verified_t *out_verified);

#endif
