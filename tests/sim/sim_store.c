#include "sim_store.h"

#include <assert.h>
#include <stdlib.h>

#include "sim_oracle.h"

void
sim_store_open(sim_store_t *self, uint64_t epoch)
{
    *self = (sim_store_t) {.epoch = epoch};
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++)
        self->streams[topic].first = self->streams[topic].next = 1;
}

void
sim_store_close(sim_store_t *self)
{
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++)
        free(self->streams[topic].decisions);
    for (size_t i = 0; i < self->window_count; i++)
        free(self->windows[i]);
    *self = (sim_store_t) {0};
}

static void *
s_copy(const void *from, size_t bytes)
{
    void *copy = malloc(bytes + 1);
    assert(copy);
    if (bytes)
        memcpy(copy, from, bytes);
    return copy;
}

sim_store_t *
sim_store_copy(const sim_store_t *self)
{
    sim_store_t *copy = s_copy(self, sizeof(*self));
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++)
        copy->streams[topic].decisions =
            s_copy(self->streams[topic].decisions, self->streams[topic].capacity * sizeof(sim_decision_t));
    for (size_t i = 0; i < self->window_count; i++)
        copy->windows[i] = s_copy(self->windows[i], sizeof(sim_window_t));
    return copy;
}

void
sim_store_append(sim_store_t *self, const sim_decision_t *decision)
{
    sim_stream_t *stream = &self->streams[decision->topic];
    if (stream->next - 1 == stream->capacity) {
        stream->capacity = stream->capacity ? 2 * stream->capacity : 64;
        stream->decisions = realloc(stream->decisions, stream->capacity * sizeof(*stream->decisions));
        assert(stream->decisions);
    }
    stream->decisions[stream->next++ - 1] = *decision;
    self->retained++;
}

static void
s_evict_window(sim_store_t *self)
{
    size_t oldest = 0;
    for (size_t i = 1; i < self->window_count; i++)
        if (self->windows[i]->used_ms < self->windows[oldest]->used_ms)
            oldest = i;
    free(self->windows[oldest]);
    self->windows[oldest] = self->windows[--self->window_count];
    self->forgot = true;
}

static sim_window_t *
s_get_window(const sim_t *sim, sim_store_t *self, const pt_batch_t *batch)
{
    for (size_t i = 0; i < self->window_count; i++)
        if (self->windows[i]->producer == batch->producer && self->windows[i]->epoch == batch->epoch)
            return self->windows[i];
    if (self->window_count == SIM_WINDOWS_MAX || self->window_count == sim->config.worker_producers)
        s_evict_window(self);
    sim_window_t *window = calloc(1, sizeof(*window));
    assert(window);
    window->producer = batch->producer;
    window->epoch = batch->epoch;
    self->windows[self->window_count++] = window;
    return window;
}

void
sim_store_remember(const sim_t *sim, sim_store_t *self, const pt_batch_t *batch, uint64_t now_ms)
{
    sim_window_t *window = s_get_window(sim, self, batch);
    window->used_ms = now_ms;
    window->floor = batch->floor > window->floor ? batch->floor : window->floor;
    if (batch->seq < window->floor)
        return;
    window->seqs[batch->seq % PT_WINDOW] = batch->seq;
    window->crcs[batch->seq % PT_WINDOW] = batch->crc32;
}

void
sim_store_position(sim_store_t *self, unsigned subscriber, unsigned topic, uint64_t next_seq)
{
    sim_member_t *member = &self->members[subscriber];
    if (next_seq <= self->streams[topic].next && next_seq > member->positions[topic])
        member->positions[topic] = next_seq;
}

unsigned
sim_store_percent(const sim_t *sim, const sim_store_t *self)
{
    return (unsigned) (self->retained * 100 / sim->config.store_decisions);
}

//  The lowest position of those who want the topic; SIM_FOREVER: nobody does.
static uint64_t
s_find_floor(const sim_t *sim, const sim_store_t *self, unsigned topic)
{
    uint64_t floor = SIM_FOREVER;
    for (unsigned i = 0; i < sim->config.subscribers; i++)
        if (self->members[i].registered && (sim_subscriber_mask(sim->subscribers[i]) & (1u << topic)) &&
            self->members[i].positions[topic] < floor)
            floor = self->members[i].positions[topic];
    return floor;
}

static void
s_drop_first(sim_t *sim, sim_store_t *self, unsigned topic)
{
    sim_stream_t *stream = &self->streams[topic];
    for (unsigned i = 0; i < sim->config.subscribers; i++)
        if (!self->members[i].registered)
            sim_oracle_excused(sim, i, &stream->decisions[stream->first - 1]);
    stream->first++;
    self->retained--;
    sim->stats.trimmed++;
}

//  The first decision of a topic in turn that may go; false when there is none.
static bool
s_trim_one(sim_t *sim, sim_store_t *self)
{
    unsigned start = (unsigned) sim_random(sim, SIM_TOPICS);
    bool unread_too = sim_store_percent(sim, self) >= SIM_SPILL_PERCENT;
    for (unsigned i = 0; i < SIM_TOPICS; i++) {
        unsigned topic = (start + i) % SIM_TOPICS;
        uint64_t floor = s_find_floor(sim, self, topic);
        bool may_go = floor == SIM_FOREVER ? unread_too : self->streams[topic].first < floor;
        if (sim_is_broken(sim, SIM_BREAK_RETENTION_BY_SIZE))
            may_go = true;
        if (self->streams[topic].first == self->streams[topic].next || !may_go)
            continue;
        s_drop_first(sim, self, topic);
        return true;
    }
    return false;
}

void
sim_store_trim(sim_t *sim, sim_store_t *self)
{
    while (sim_store_percent(sim, self) >= SIM_KEEP_PERCENT && s_trim_one(sim, self))
        continue;
}
