/*  pt_stats: what the actors of a pool count, for whoever looks from outside.
 *
 *  Each thread writes to counters of its own and nobody else does, so counting is a plain load and
 *  store on a cache line that no other thread writes; the sum is made by who reads. Reading takes
 *  nothing from the writers. What the pool's and the broker's own threads count is in
 *  pt_pool_counters and pt_broker_counters.
 *
 *  Gateways are told apart by name and not by their place in a catalog, which another catalog may
 *  change. The first two names are "-", for what no catalog
 *  knows, and "other".
 */
#ifndef PT_STATS_H
#define PT_STATS_H

#include <stdatomic.h>

#include "pt_histogram_ns.h"
#include "pt_store.h"
#include "pt_triage.h"

//  Gateways that are counted by name; the ones beyond share the name "other". Arbitrary, and more than
//  anybody has: it bounds what a monitoring system has to keep.
#define PT_STATS_PROVIDERS_MAX 256

//  What was decided about the responses of one gateway.
typedef struct {
    uint64_t routes[PT_ROUTE_COUNT_];
    uint64_t categories[PT_CATEGORY_COUNT_];
    uint64_t matches[PT_MATCH_COUNT_];
    uint64_t alerts;
} pt_stats_decided_t;

typedef enum {
    PT_STATS_OPEN,    //  of a subscriber, answered
    PT_STATS_FETCH,   //  the same
    PT_STATS_FETCHED, //  decisions that were sent again
    PT_STATS_TRUNCATED,
    PT_STATS_REFUSED, //  requests
    PT_STATS_REPLAY_COUNT_
} pt_stats_replay_t;

//  Raised alerts by what became of them; see pt_alerts.h.
typedef struct {
    uint64_t told;
    uint64_t folded;
    uint64_t summaries;
    uint64_t keys; //  in use now
} pt_stats_alerts_t;

//  A snapshot of all.
typedef struct {
    size_t provider_count;
    struct {
        char name[PT_PROVIDER_BYTES_MAX + 1];
        pt_stats_decided_t decided;
    } providers[PT_STATS_PROVIDERS_MAX + 2]; //  "-" and "other" first
    size_t catalog_count;
    struct {
        uint64_t hash;
        uint64_t entries;
        uint64_t threads; //  that decide by it
    } catalogs[4];        //  more are not in use at a time: the threads change over one after the other

    pt_histogram_ns_t commits; //  time of a commit
    uint64_t commit_jobs;      //  batches made durable
    uint64_t commit_bytes;     //  of their decisions
    uint64_t commits_refused;  //  undone for lack of room
    uint64_t disk_since_ns;    //  pt_clock_ns, since when the journal waits for its disk; 0: it does not
    uint64_t waiting;          //  batches gathered for the next commit
    bool journal_failed;
    pt_store_usage_t usage; //  as of the last commit

    pt_stats_alerts_t alerts;
    uint64_t replayed[PT_STATS_REPLAY_COUNT_];
} pt_stats_snapshot_t;

//  A commit takes milliseconds, or seconds on a disk that is overloaded. One that takes longer may never come back.
#define PT_STATS_DISK_MS_MAX 10000

typedef struct pt_stats pt_stats_t;
typedef struct pt_stats_seat pt_stats_seat_t;

/*  NULL when out of memory. */
pt_stats_t *pt_stats_new(void);

/*  Release, after all who count have ended, and set *self_p to NULL. */
void pt_stats_destroy(pt_stats_t **self_p);

/*  From any thread. The snapshot has 150 KiB: not for a stack. */
void pt_stats_read(pt_stats_t *self, pt_stats_snapshot_t *out_snapshot);

//  ---- deciders

/*  The counters of one thread that decides; they stay after it has ended, so that sums never fall.
 *  NULL when out of memory.
 */
pt_stats_seat_t *pt_stats_seat(pt_stats_t *self);

/*  This thread decides by `catalog` from now on: before the first count, and at each change. NULL: by
 *  none, it ends.
 */
void pt_stats_catalog(pt_stats_seat_t *self, const pt_catalog_t *catalog);

/*  Count one decision. */
void pt_stats_count(pt_stats_seat_t *self, const pt_triaged_t *triaged);

//  ---- the journal; `self` may be NULL in all of these

/*  The thread of the journal asks the disk for something, which may not come back: a commit, or what is no commit and
 *  has an end of its own.
 */
void pt_stats_disk_begin(pt_stats_t *self);
void pt_stats_disk_end(pt_stats_t *self);
/*  Whether it waits for longer than PT_STATS_DISK_MS_MAX at `now_ms`, by the clock of pt_clock_ns. From any thread. */
bool pt_stats_disk_is_away(const pt_stats_t *self, int64_t now_ms);
/*  The end of a commit; `status` as pt_commit_write gives it. */
void pt_stats_commit_end(pt_stats_t *self, pt_status_t status, size_t jobs, size_t bytes);
/*  How the journal stands after a commit: jobs that wait for the next one, and its file. */
void pt_stats_journal(pt_stats_t *self, size_t waiting, const pt_store_usage_t *usage);
/*  It has failed for good: nothing is acknowledged any more. */
void pt_stats_journal_failed(pt_stats_t *self);

//  ---- alerts; `self` may be NULL

/*  Add the sums, or take them back; `keys` is set. */
void pt_stats_alerts(pt_stats_t *self, const pt_stats_alerts_t *sums, bool undone);

//  ---- replay; `self` may be NULL

/*  Count `count` of what replay did. */
void pt_stats_replayed(pt_stats_t *self, pt_stats_replay_t what, uint64_t count);

#endif
