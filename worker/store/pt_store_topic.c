/*  The topics of a store. Each has a database of its own, and they are found by name for every record
 *  that is written or read: by the thread that writes, and by views beside it.
 *
 *  The hash holds places in the list and nothing else, so a view that knows how many topics it may see
 *  needs no lock: it passes over the others. Topics are never taken away, save those of a transaction
 *  that is undone, the last first; so no search ends too early at a place that was emptied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "pt_fault_point.h"
#include "pt_store_parts.h"

static_assert(PT_STORE_TOPICS_MAX < UINT16_MAX, "a slot holds the place of every topic");

void
pt_store_pack_mark(const pt_store_mark_t *mark, MDB_val key, uint8_t out[S_HEAD_BYTES])
{
    uint8_t *at = s_put_u64(out + 4, mark->next_seq);
    at = s_put_u64(at, mark->first_retained);
    at = s_put_u64(at, mark->records);
    s_put_u64(at, mark->bytes);
    s_seal(S_HEADS, key, out, S_HEAD_BYTES);
}

bool
pt_store_unpack_mark(MDB_val key, MDB_val value, pt_store_mark_t *out_mark)
{
    //  A name that ends before its key does is found again and again.
    if (key.mv_size == 0 || key.mv_size > PT_TOPIC_BYTES_MAX || memchr(key.mv_data, 0, key.mv_size))
        return false;
    if (!s_is_sealed(S_HEADS, key, value, S_HEAD_BYTES))
        return false;
    const uint8_t *at = value.mv_data;
    *out_mark = (pt_store_mark_t) {s_get_u64(at + 4), s_get_u64(at + 12), s_get_u64(at + 20), s_get_u64(at + 28)};
    return true;
}

size_t
pt_store_find_topic(const pt_store_t *self, const char *name, size_t count)
{
    size_t slot = XXH3_64bits(name, strlen(name)) % S_TOPIC_SLOTS;
    for (;; slot = (slot + 1) % S_TOPIC_SLOTS) {
        size_t place = atomic_load_explicit(&self->topic_slots[slot], memory_order_relaxed);
        if (place == 0)
            return SIZE_MAX;
        if (place <= count && strcmp(self->topics[place - 1]->name, name) == 0)
            return place - 1;
    }
}

const char *
pt_store_records_name(const char *topic, char *out)
{
    snprintf(out, PT_TOPIC_BYTES_MAX + 2, "@%s", topic);
    return out;
}

void
pt_store_enter_topic(pt_store_t *self, pt_store_topic_t *topic)
{
    assert(self->topic_count < PT_STORE_TOPICS_MAX);

    size_t slot = XXH3_64bits(topic->name, strlen(topic->name)) % S_TOPIC_SLOTS;
    while (atomic_load_explicit(&self->topic_slots[slot], memory_order_relaxed))
        slot = (slot + 1) % S_TOPIC_SLOTS;
    topic->slot = slot;
    self->topics[self->topic_count++] = topic;
    atomic_store_explicit(&self->topic_slots[slot], (uint16_t) self->topic_count, memory_order_relaxed);
}

void
pt_store_drop_topic(pt_store_t *self)
{
    assert(self->topic_count > 0);

    pt_store_topic_t *topic = self->topics[--self->topic_count];
    atomic_store_explicit(&self->topic_slots[topic->slot], 0, memory_order_relaxed);
    free(topic);
}

static pt_status_t
s_make_topic(pt_store_t *self, const char *name)
{
    pt_store_topic_t *topic = calloc(1, sizeof(*topic));
    if (!topic)
        return pt_store_fail(self, ENOMEM, "add topic", name);
    char database[PT_TOPIC_BYTES_MAX + 2];
    int rc = mdb_dbi_open(self->txn, pt_store_records_name(name, database), MDB_CREATE, &topic->records);
    PT_FAULT_POINT("store.topic.made");
    if (rc != 0) {
        free(topic);
        return pt_store_fail(self, rc, "add topic", name);
    }
    memcpy(topic->name, name, strlen(name));
    topic->committed = topic->now = (pt_store_mark_t) {.next_seq = 1, .first_retained = 1};
    topic->synced_seq = 1;
    pt_store_enter_topic(self, topic);
    return PT_OK;
}

pt_status_t
pt_store_get_topic(pt_store_t *self, const char *name, size_t spare, size_t *out_index)
{
    *out_index = pt_store_find_topic(self, name, self->topic_count);
    if (*out_index != SIZE_MAX)
        return PT_OK;
    if (self->topic_count + spare >= self->topics_max) {
        snprintf(self->error, sizeof(self->error), "add topic %s: the journal has %zu topics and takes %zu", name,
                 self->topic_count, self->topics_max);
        return PT_E_COUNT;
    }
    *out_index = self->topic_count;
    return s_make_topic(self, name);
}

pt_status_t
pt_store_add_topic(pt_store_t *self, const char *name, size_t spare)
{
    assert(name && strlen(name) <= PT_TOPIC_BYTES_MAX);

    size_t index;
    pt_status_t status = pt_store_check_txn(self);
    return status == PT_OK ? pt_store_get_topic(self, name, spare, &index) : status;
}

bool
pt_store_head(const pt_store_t *self, const char *topic, pt_store_head_t *out_head)
{
    assert(self);
    assert(topic);
    assert(out_head);

    size_t index = pt_store_find_topic(self, topic, self->topic_count);
    if (index == SIZE_MAX)
        return false;
    const pt_store_mark_t *now = &self->topics[index]->now;
    *out_head = (pt_store_head_t) {
        .first_retained = now->first_retained, .next_seq = now->next_seq, .records = now->records, .bytes = now->bytes};
    memcpy(out_head->topic, topic, strlen(topic));
    return true;
}
