/*  A few topics for each gateway: a hash by name for each batch, a list for the beacons. */
#include "pt_topics.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_fault_point.h"

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

bool
pt_topics_add_catalog(pt_topics_t *self, const pt_catalog_t *catalog, bool settled, int64_t now_ms)
{
    assert(self);
    assert(catalog);

    size_t provider_count = pt_catalog_provider_count(catalog);
    for (int queue = settled ? PT_QUEUE_SETTLED : PT_QUEUE_RETRY; queue < PT_QUEUE_COUNT_; queue++)
        for (size_t i = 0; i <= provider_count; i++) {
            pt_text_t provider = i < provider_count ? pt_provider_id(pt_catalog_provider_at(catalog, i)) : PT_TEXT("-");
            char name[PT_TOPIC_BYTES_MAX + 1];
            name[pt_wire_topic(pt_queue_text((pt_queue_t) queue), provider, name)] = 0;
            if (!pt_topics_get(self, (pt_queue_t) queue, name, now_ms))
                return false;
        }
    return true;
}

//  The queue whose word a topic begins with; PT_QUEUE_COUNT_: none.
static pt_queue_t
s_queue_of_topic(const char *topic)
{
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++) {
        const char *word = pt_queue_text((pt_queue_t) queue);
        if (strncmp(topic, word, strlen(word)) == 0 && topic[strlen(word)] == '.')
            return (pt_queue_t) queue;
    }
    return PT_QUEUE_COUNT_;
}

//  Go on where the journal is with a topic. False when out of memory, or for a topic of no queue.
static bool
s_restore_topic(pt_topics_t *self, const pt_store_head_t *head, int64_t now_ms)
{
    pt_queue_t queue = s_queue_of_topic(head->topic);
    pt_topic_t *topic = queue < PT_QUEUE_COUNT_ ? pt_topics_get(self, queue, head->topic, now_ms) : NULL;
    if (topic)
        pt_topic_move(topic, head->first_retained, head->next_seq, now_ms);
    return topic != NULL;
}

bool
pt_topics_restore(pt_topics_t *self, pt_store_t *journal, int64_t now_ms)
{
    assert(self);
    assert(journal);

    pt_store_view_t *view;
    pt_store_head_t head;
    char after[PT_TOPIC_BYTES_MAX + 1] = "";
    bool well = pt_store_view_open(journal, &view) == PT_OK;
    PT_FAULT_POINT("publish.restore");
    pt_status_t status = PT_OK;
    while (well && (status = pt_store_view_topic(view, after, &head)) == PT_OK) {
        well = s_restore_topic(self, &head, now_ms);
        memcpy(after, head.topic, sizeof(after));
    }
    pt_store_view_close(&view);
    return well && status == PT_E_NOT_FOUND;
}

void
pt_topics_see_trimmed(pt_topics_t *self, pt_store_t *journal)
{
    assert(self);
    assert(journal);

    pt_store_view_t *view;
    pt_store_head_t head;
    if (pt_store_view_open(journal, &view) != PT_OK)
        return;
    char after[PT_TOPIC_BYTES_MAX + 1] = "";
    while (pt_store_view_topic(view, after, &head) == PT_OK) {
        memcpy(after, head.topic, sizeof(after));
        pt_topic_t *topic = pt_topics_find(self, head.topic);
        if (topic && head.first_retained <= topic->head_seq)
            topic->first_retained = head.first_retained;
    }
    pt_store_view_close(&view);
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
