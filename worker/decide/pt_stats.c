/*  Single writers with relaxed atomics: on this side of a scrape they are plain instructions. */
#include "pt_stats.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

//  So that no two threads write to one line.
#define S_LINE_BYTES 64

#define S_SEATS_MAX 4096 //  more threads than ever start in one process, also when they are replaced
#define S_UNKNOWN 0      //  the name "-"
#define S_OTHER 1        //  the name "other"
#define S_NAMES (PT_STATS_PROVIDERS_MAX + 2)

typedef atomic_uint_fast64_t s_counter_t;

typedef struct {
    s_counter_t routes[PT_ROUTE_COUNT_];
    s_counter_t categories[PT_CATEGORY_COUNT_];
    s_counter_t matches[PT_MATCH_COUNT_];
    s_counter_t alerts;
} s_cells_t;

struct pt_stats_seat {
    pt_stats_t *owner;
    s_counter_t hash; //  0: no catalog
    s_counter_t entries;
    size_t provider_count;                  //  of the catalog
    uint16_t names[PT_STATS_PROVIDERS_MAX]; //  the name of each of its first gateways
    s_cells_t cells[S_NAMES];               //  by name
};

typedef struct {
    s_counter_t commits[PT_HISTOGRAM_NS_BOUNDS + 1];
    s_counter_t commit_ns;
    s_counter_t jobs;
    s_counter_t bytes;
    s_counter_t refused;
    s_counter_t since_ns;
    s_counter_t waiting;
    s_counter_t failed;
    s_counter_t pages_max;
    s_counter_t pages_used;
    s_counter_t used_percent;
    s_counter_t topics;
    s_counter_t topics_max;
    s_counter_t trimmed_unread;
} s_journal_t;

struct pt_stats {
    _Alignas(S_LINE_BYTES) s_journal_t journal;
    _Alignas(S_LINE_BYTES) struct {
        s_counter_t told, folded, summaries, keys;
    } alerts;
    _Alignas(S_LINE_BYTES) s_counter_t replay[PT_STATS_REPLAY_COUNT_];
    //  Names and seats only ever grow; the lock is for those who add, and for readers.
    _Alignas(S_LINE_BYTES) pthread_mutex_t lock;
    size_t name_count;
    char names[S_NAMES][PT_PROVIDER_BYTES_MAX + 1];
    size_t seat_count;
    pt_stats_seat_t *seats[S_SEATS_MAX];
};

static uint64_t
s_get(const s_counter_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
s_set(s_counter_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

//  No other thread writes to it, so nothing can come between.
static void
s_add(s_counter_t *counter, uint64_t value)
{
    s_set(counter, s_get(counter) + value);
}

static void *
s_allocate(size_t bytes)
{
    size_t whole = (bytes + S_LINE_BYTES - 1) / S_LINE_BYTES * S_LINE_BYTES;
    void *room = aligned_alloc(S_LINE_BYTES, whole);
    return room ? memset(room, 0, whole) : NULL;
}

pt_stats_t *
pt_stats_new(void)
{
    pt_stats_t *self = s_allocate(sizeof(*self));
    if (!self)
        return NULL;
    pthread_mutex_init(&self->lock, NULL);
    memcpy(self->names[S_UNKNOWN], "-", 2);
    memcpy(self->names[S_OTHER], "other", 6);
    self->name_count = 2;
    return self;
}

void
pt_stats_destroy(pt_stats_t **self_p)
{
    assert(self_p);

    pt_stats_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->seat_count; i++)
        free(self->seats[i]);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

//  ---- deciders

pt_stats_seat_t *
pt_stats_seat(pt_stats_t *self)
{
    assert(self);

    pt_stats_seat_t *seat = s_allocate(sizeof(*seat));
    if (!seat)
        return NULL;
    seat->owner = self;
    pthread_mutex_lock(&self->lock);
    bool room = self->seat_count < S_SEATS_MAX;
    if (room)
        self->seats[self->seat_count++] = seat;
    pthread_mutex_unlock(&self->lock);
    if (!room) {
        free(seat);
        seat = NULL;
    }
    return seat;
}

//  The number of a name; a new one is added while there is room. Under the lock.
static uint16_t
s_find_name(pt_stats_t *self, pt_text_t name)
{
    for (size_t i = 0; i < self->name_count; i++)
        if (strlen(self->names[i]) == name.len && memcmp(self->names[i], name.data, name.len) == 0)
            return (uint16_t) i;
    if (self->name_count == S_NAMES || name.len > PT_PROVIDER_BYTES_MAX)
        return S_OTHER;
    memcpy(self->names[self->name_count], name.data, name.len);
    return (uint16_t) self->name_count++;
}

void
pt_stats_catalog(pt_stats_seat_t *self, const pt_catalog_t *catalog)
{
    assert(self);

    size_t count = catalog ? pt_catalog_provider_count(catalog) : 0;
    pt_stats_t *owner = self->owner;
    pthread_mutex_lock(&owner->lock);
    for (size_t i = 0; i < count && i < PT_STATS_PROVIDERS_MAX; i++)
        self->names[i] = s_find_name(owner, pt_provider_id(pt_catalog_provider_at(catalog, i)));
    pthread_mutex_unlock(&owner->lock);
    self->provider_count = count;
    s_set(&self->entries, catalog ? pt_catalog_entry_count(catalog) : 0);
    s_set(&self->hash, catalog ? pt_catalog_hash(catalog) : 0);
}

void
pt_stats_count(pt_stats_seat_t *self, const pt_triaged_t *triaged)
{
    assert(self);
    assert(triaged);

    size_t name = S_UNKNOWN;
    if (triaged->provider < self->provider_count)
        name = triaged->provider < PT_STATS_PROVIDERS_MAX ? self->names[triaged->provider] : S_OTHER;
    s_cells_t *cells = &self->cells[name];
    s_add(&cells->routes[triaged->route], 1);
    s_add(&cells->categories[triaged->category], 1);
    s_add(&cells->matches[triaged->match], 1);
    if (triaged->alert)
        s_add(&cells->alerts, 1);
}

//  ---- journal and replay

void
pt_stats_disk_begin(pt_stats_t *self)
{
    if (self)
        s_set(&self->journal.since_ns, pt_clock_ns());
}

void
pt_stats_disk_end(pt_stats_t *self)
{
    if (self)
        s_set(&self->journal.since_ns, 0);
}

bool
pt_stats_disk_is_away(const pt_stats_t *self, int64_t now_ms)
{
    uint64_t since_ns = self ? s_get(&self->journal.since_ns) : 0;
    return since_ns && now_ms > (int64_t) (since_ns / 1000000) + PT_STATS_DISK_MS_MAX;
}

void
pt_stats_commit_end(pt_stats_t *self, pt_status_t status, size_t jobs, size_t bytes)
{
    if (!self)
        return;
    s_journal_t *journal = &self->journal;
    uint64_t took_ns = pt_clock_ns() - s_get(&journal->since_ns);
    s_set(&journal->since_ns, 0);
    if (status != PT_OK) {
        s_add(&journal->refused, 1);
        return;
    }
    s_add(&journal->commits[pt_histogram_ns_class(took_ns)], 1);
    s_add(&journal->commit_ns, took_ns);
    s_add(&journal->jobs, jobs);
    s_add(&journal->bytes, bytes);
}

void
pt_stats_journal(pt_stats_t *self, size_t waiting, const pt_store_usage_t *usage)
{
    if (!self)
        return;
    assert(usage);
    s_set(&self->journal.waiting, waiting);
    s_set(&self->journal.pages_max, usage->pages_max);
    s_set(&self->journal.pages_used, usage->pages_used);
    s_set(&self->journal.used_percent, usage->used_percent);
    s_set(&self->journal.topics, usage->topics);
    s_set(&self->journal.topics_max, usage->topics_max);
    s_set(&self->journal.trimmed_unread, usage->trimmed_unread);
}

void
pt_stats_journal_failed(pt_stats_t *self)
{
    if (self)
        s_set(&self->journal.failed, 1);
}

void
pt_stats_alerts(pt_stats_t *self, const pt_stats_alerts_t *sums, bool undone)
{
    assert(sums);

    if (!self)
        return;
    uint64_t sign = undone ? UINT64_MAX : 1;
    s_add(&self->alerts.told, sign * sums->told);
    s_add(&self->alerts.folded, sign * sums->folded);
    s_add(&self->alerts.summaries, sign * sums->summaries);
    s_set(&self->alerts.keys, sums->keys);
}

void
pt_stats_replayed(pt_stats_t *self, pt_stats_replay_t what, uint64_t count)
{
    assert((unsigned) what < PT_STATS_REPLAY_COUNT_);
    if (self)
        s_add(&self->replay[what], count);
}

//  ---- reading

static void
s_sum_cells(const s_cells_t *cells, pt_stats_decided_t *sum)
{
    for (size_t i = 0; i < PT_ROUTE_COUNT_; i++)
        sum->routes[i] += s_get(&cells->routes[i]);
    for (size_t i = 0; i < PT_CATEGORY_COUNT_; i++)
        sum->categories[i] += s_get(&cells->categories[i]);
    for (size_t i = 0; i < PT_MATCH_COUNT_; i++)
        sum->matches[i] += s_get(&cells->matches[i]);
    sum->alerts += s_get(&cells->alerts);
}

static void
s_note_catalog(const pt_stats_seat_t *seat, pt_stats_snapshot_t *out)
{
    uint64_t hash = s_get(&seat->hash);
    size_t at = 0;
    while (at < out->catalog_count && out->catalogs[at].hash != hash)
        at++;
    if (!hash || at == sizeof(out->catalogs) / sizeof(out->catalogs[0]))
        return;
    if (at == out->catalog_count)
        out->catalog_count++;
    out->catalogs[at].hash = hash;
    out->catalogs[at].entries = s_get(&seat->entries);
    out->catalogs[at].threads++;
}

static void
s_read_journal(const s_journal_t *journal, pt_stats_snapshot_t *out)
{
    for (size_t i = 0; i <= PT_HISTOGRAM_NS_BOUNDS; i++)
        out->commits.counts[i] = s_get(&journal->commits[i]);
    out->commits.sum_ns = s_get(&journal->commit_ns);
    out->commit_jobs = s_get(&journal->jobs);
    out->commit_bytes = s_get(&journal->bytes);
    out->commits_refused = s_get(&journal->refused);
    out->disk_since_ns = s_get(&journal->since_ns);
    out->waiting = s_get(&journal->waiting);
    out->journal_failed = s_get(&journal->failed) != 0;
    out->usage = (pt_store_usage_t) {.pages_max = s_get(&journal->pages_max),
                                     .pages_used = s_get(&journal->pages_used),
                                     .used_percent = (unsigned) s_get(&journal->used_percent),
                                     .topics = s_get(&journal->topics),
                                     .topics_max = s_get(&journal->topics_max),
                                     .trimmed_unread = s_get(&journal->trimmed_unread)};
}

void
pt_stats_read(pt_stats_t *self, pt_stats_snapshot_t *out_snapshot)
{
    assert(self);
    assert(out_snapshot);

    memset(out_snapshot, 0, sizeof(*out_snapshot));
    pthread_mutex_lock(&self->lock);
    out_snapshot->provider_count = self->name_count;
    for (size_t i = 0; i < self->name_count; i++) {
        memcpy(out_snapshot->providers[i].name, self->names[i], sizeof(self->names[i]));
        for (size_t seat = 0; seat < self->seat_count; seat++)
            s_sum_cells(&self->seats[seat]->cells[i], &out_snapshot->providers[i].decided);
    }
    for (size_t seat = 0; seat < self->seat_count; seat++)
        s_note_catalog(self->seats[seat], out_snapshot);
    pthread_mutex_unlock(&self->lock);
    s_read_journal(&self->journal, out_snapshot);
    out_snapshot->alerts = (pt_stats_alerts_t) {s_get(&self->alerts.told), s_get(&self->alerts.folded),
                                                s_get(&self->alerts.summaries), s_get(&self->alerts.keys)};
    for (size_t i = 0; i < PT_STATS_REPLAY_COUNT_; i++)
        out_snapshot->replayed[i] = s_get(&self->replay[i]);
}
