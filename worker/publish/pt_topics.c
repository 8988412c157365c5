/*  A few topics for each gateway: a hash by name for each batch, a list for the beacons. */
#include "pt_topics.h"

#include <assert.h>
#include <stdlib.h>

struct pt_topics {
    zhashx_t *by_name;
    pt_topic_t **list;
    size_t count;
    size_t capacity;
};

pt_topics_t *
pt_topics_new(void)
{
    pt_topics_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->by_name = zhashx_new();
    //  Names are kept in the topics themselves.
    zhashx_set_key_duplicator(self->by_name, NULL);
    zhashx_set_key_destructor(self->by_name, NULL);
    return self;
}

void
pt_topics_destroy(pt_topics_t **self_p)
{
    assert(self_p);

    pt_topics_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy(&self->by_name);
    for (size_t i = 0; i < self->count; i++)
        free(self->list[i]);
    free(self->list);
    free(self);
    *self_p = NULL;
}

static bool
s_grow_list(pt_topics_t *self)
{
    if (self->count < self->capacity)
        return true;
    size_t capacity = self->capacity ? 2 * self->capacity : 32;
    pt_topic_t **list = realloc(self->list, capacity * sizeof(void *));
    if (!list)
        return false;
    self->list = list;
    self->capacity = capacity;
    return true;
}

pt_topic_t *
pt_topics_find(pt_topics_t *self, const char *name)
{
    assert(self);
    assert(name);

    return zhashx_lookup(self->by_name, name);
}

pt_topic_t *
pt_topics_get(pt_topics_t *self, pt_queue_t queue, const char *name, int64_t now_ms)
{
    assert(self);
    assert(name);
    assert(strlen(name) <= PT_TOPIC_BYTES_MAX);

    pt_topic_t *topic = zhashx_lookup(self->by_name, name);
    if (topic)
        return topic;
    topic = s_grow_list(self) ? calloc(1, sizeof(*topic)) : NULL;
    if (!topic)
        return NULL;
    memcpy(topic->name, name, strlen(name));
    topic->queue = queue;
    topic->head_seq = 1;
    topic->data_ms = now_ms;
    self->list[self->count++] = topic;
    zhashx_insert(self->by_name, topic->name, topic);
    return topic;
}

size_t
pt_topics_count(const pt_topics_t *self)
{
    assert(self);

    return self->count;
}

pt_topic_t *
pt_topics_at(pt_topics_t *self, size_t index)
{
    assert(self);
    assert(index < self->count);

    return self->list[index];
}

uint64_t
pt_topic_number(pt_topic_t *self, uint32_t count, int64_t now_ms)
{
    assert(self);
    assert(count > 0);

    uint64_t first_seq = self->head_seq;
    self->head_seq += count;
    self->data_ms = now_ms;
    self->fresh = true;
    return first_seq;
}

void
pt_topic_move(pt_topic_t *self, uint64_t first_retained, uint64_t head_seq, int64_t now_ms)
{
    assert(self);
    assert(head_seq >= self->head_seq);

    self->first_retained = first_retained;
    self->head_seq = head_seq;
    self->data_ms = now_ms;
    self->fresh = true;
}

int64_t
pt_topic_due_ms(const pt_topic_t *self)
{
    assert(self);

    if (!self->announced)
        return INT64_MIN;
    int64_t next_ms = self->head_ms + PT_TOPIC_HEAD_MS;
    if (self->fresh) {
        int64_t quiet_ms = self->data_ms + PT_TOPIC_QUIET_MS;
        return quiet_ms < next_ms ? quiet_ms : next_ms;
    }
    bool idle = pt_topic_is_idle(self, self->head_ms);
    return idle ? self->head_ms + PT_TOPIC_IDLE_MS : next_ms;
}

void
pt_topic_announce(pt_topic_t *self, int64_t now_ms)
{
    assert(self);

    self->head_ms = now_ms;
    self->announced = true;
    self->fresh = false;
}

bool
pt_topic_is_idle(const pt_topic_t *self, int64_t now_ms)
{
    assert(self);

    return now_ms - self->data_ms >= PT_TOPIC_IDLE_MS;
}
