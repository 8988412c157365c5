/*  A chained hash of windows, in the order of their last use. The number of chains is fixed, so
 *  no batch ever waits for a rehash.
 */
#include "pt_dedup.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "pt_fault_point.h"

enum { S_UNSEEN, S_IN_WORK, S_FINISHED };

typedef struct s_window {
    uint64_t producer;
    uint64_t epoch;
    uint64_t floor; //  the highest that the producer ever sent
    struct s_window *chain;
    struct s_window *older;
    struct s_window *newer;
    uint32_t crcs[PT_WINDOW]; //  by seq % PT_WINDOW, for seqs in [floor, floor + PT_WINDOW)
    uint8_t states[PT_WINDOW];
} s_window_t;

struct pt_dedup {
    s_window_t **chains;
    size_t chain_mask;
    size_t count;
    size_t count_max;
    s_window_t *oldest;
    s_window_t *newest;
};

pt_dedup_t *
pt_dedup_new(size_t producers_max)
{
    assert(producers_max > 0);

    pt_dedup_t *self = calloc(1, sizeof(*self));
    size_t chain_count = 1;
    while (chain_count < producers_max)
        chain_count *= 2;
    if (self)
        self->chains = calloc(chain_count, sizeof(void *));
    if (!self || !self->chains) {
        free(self);
        return NULL;
    }
    self->chain_mask = chain_count - 1;
    self->count_max = producers_max;
    return self;
}

void
pt_dedup_destroy(pt_dedup_t **self_p)
{
    assert(self_p);

    pt_dedup_t *self = *self_p;
    if (!self)
        return;
    while (self->oldest) {
        s_window_t *window = self->oldest;
        self->oldest = window->newer;
        free(window);
    }
    free(self->chains);
    free(self);
    *self_p = NULL;
}

static s_window_t **
s_find_chain(const pt_dedup_t *self, uint64_t producer, uint64_t epoch)
{
    uint64_t key[2] = {producer, epoch};
    return &self->chains[XXH3_64bits(key, sizeof(key)) & self->chain_mask];
}

static s_window_t *
s_find_window(const pt_dedup_t *self, const pt_batch_t *batch)
{
    s_window_t *window = *s_find_chain(self, batch->producer, batch->epoch);
    while (window && (window->producer != batch->producer || window->epoch != batch->epoch))
        window = window->chain;
    return window;
}

static void
s_unlink_use(pt_dedup_t *self, s_window_t *window)
{
    *(window->older ? &window->older->newer : &self->oldest) = window->newer;
    *(window->newer ? &window->newer->older : &self->newest) = window->older;
}

static void
s_link_newest(pt_dedup_t *self, s_window_t *window)
{
    window->older = self->newest;
    window->newer = NULL;
    *(self->newest ? &self->newest->newer : &self->oldest) = window;
    self->newest = window;
}

static void
s_evict_oldest(pt_dedup_t *self)
{
    s_window_t *window = self->oldest;
    s_unlink_use(self, window);
    s_window_t **link = s_find_chain(self, window->producer, window->epoch);
    while (*link != window)
        link = &(*link)->chain;
    *link = window->chain;
    free(window);
    self->count--;
}

static s_window_t *
s_add_window(pt_dedup_t *self, const pt_batch_t *batch)
{
    if (self->count == self->count_max)
        s_evict_oldest(self);
    s_window_t *window = calloc(1, sizeof(*window));
    if (!window)
        return NULL;
    s_window_t **chain = s_find_chain(self, batch->producer, batch->epoch);
    window->producer = batch->producer;
    window->epoch = batch->epoch;
    window->floor = batch->floor;
    window->chain = *chain;
    *chain = window;
    s_link_newest(self, window);
    self->count++;
    return window;
}

//  Slots that the floor passes are used again by the numbers at the window's other end.
static void
s_raise_floor(s_window_t *window, uint64_t floor)
{
    if (floor <= window->floor)
        return;
    uint64_t steps = floor - window->floor;
    for (uint64_t i = 0; i < steps && i < PT_WINDOW; i++)
        window->states[(window->floor + i) % PT_WINDOW] = S_UNSEEN;
    window->floor = floor;
}

//  What a window that knew only its highest number would say; for the rule that tests switch off.
static bool
s_is_below_highest(const s_window_t *window, uint64_t seq)
{
    for (uint64_t later = seq + 1; later < window->floor + PT_WINDOW; later++)
        if (window->states[later % PT_WINDOW] == S_FINISHED)
            return true;
    return false;
}

pt_dedup_state_t
pt_dedup_take(pt_dedup_t *self, const pt_batch_t *batch)
{
    assert(self);
    assert(batch);
    assert(batch->floor <= batch->seq && batch->seq - batch->floor < PT_WINDOW);

    s_window_t *window = s_find_window(self, batch);
    if (!window)
        window = s_add_window(self, batch);
    if (!window)
        return PT_DEDUP_NEW;
    s_unlink_use(self, window);
    s_link_newest(self, window);
    s_raise_floor(window, batch->floor);
    if (batch->seq < window->floor)
        return PT_DEDUP_FINISHED;
    size_t slot = batch->seq % PT_WINDOW;
    if (!PT_RULE("window_of_each") && s_is_below_highest(window, batch->seq))
        return PT_DEDUP_FINISHED;
    if (window->states[slot] == S_UNSEEN) {
        window->states[slot] = S_IN_WORK;
        window->crcs[slot] = batch->crc32;
        return PT_DEDUP_NEW;
    }
    //  While it is in work nobody has compared bytes and checksum; the one that lies is not known.
    if (window->states[slot] == S_IN_WORK)
        return PT_DEDUP_IN_WORK;
    return window->crcs[slot] == batch->crc32 ? PT_DEDUP_FINISHED : PT_DEDUP_CONFLICT;
}

//  Does nothing for a window that was evicted and for a number that the floor has passed.
static void
s_set_state(pt_dedup_t *self, const pt_batch_t *batch, uint8_t state)
{
    s_window_t *window = s_find_window(self, batch);
    if (!window || batch->seq < window->floor || batch->seq - window->floor >= PT_WINDOW)
        return;
    size_t slot = batch->seq % PT_WINDOW;
    window->states[slot] = state;
    window->crcs[slot] = batch->crc32;
}

void
pt_dedup_finish(pt_dedup_t *self, const pt_batch_t *batch)
{
    assert(self);
    assert(batch);

    s_set_state(self, batch, S_FINISHED);
}

void
pt_dedup_release(pt_dedup_t *self, const pt_batch_t *batch)
{
    assert(self);
    assert(batch);

    s_set_state(self, batch, S_UNSEEN);
}

bool
pt_dedup_restore(pt_dedup_t *self, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    assert(self);

    pt_batch_t batch = {.producer = producer, .epoch = epoch, .seq = seq, .floor = floor, .crc32 = crc32};
    s_window_t *window = s_find_window(self, &batch);
    if (!window)
        window = s_add_window(self, &batch);
    if (!window)
        return false;
    s_raise_floor(window, floor);
    if (seq)
        s_set_state(self, &batch, S_FINISHED);
    return true;
}
