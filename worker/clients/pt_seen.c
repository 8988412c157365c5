/*  Two generations of an open-addressed set. When the young one holds a window, the old one is
 *  cleared and they change places.
 */
#include "pt_seen.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

typedef struct {
    XXH128_hash_t *slots; //  both halves 0: empty
    size_t count;
} generation_t;

struct pt_seen {
    size_t window, mask;
    generation_t generations[2];
    unsigned young;
};

pt_seen_t *
pt_seen_new(size_t window)
{
    assert(window >= 1);

    pt_seen_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    //  At most half full.
    size_t slots = 2;
    while (slots < 2 * window)
        slots *= 2;
    self->window = window;
    self->mask = slots - 1;
    for (size_t i = 0; i < 2; i++)
        self->generations[i].slots = calloc(slots, sizeof(XXH128_hash_t));
    if (!self->generations[0].slots || !self->generations[1].slots)
        pt_seen_destroy(&self);
    return self;
}

void
pt_seen_destroy(pt_seen_t **self_p)
{
    pt_seen_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < 2; i++)
        free(self->generations[i].slots);
    free(self);
    *self_p = NULL;
}

//  A hash of hashes: the parts have any length, and no two of them can run into each other.
static XXH128_hash_t
s_key(pt_text_t topic, const pt_decision_t *decision)
{
    struct {
        XXH128_hash_t texts[3];
        uint64_t attempt, redriven;
    } parts = {{XXH3_128bits(topic.data, topic.len), XXH3_128bits(decision->producer.data, decision->producer.len),
                XXH3_128bits(decision->id.data, decision->id.len)},
               decision->attempt,
               decision->redriven};
    XXH128_hash_t key = XXH3_128bits(&parts, sizeof parts);
    key.low64 |= 1; //  never empty
    return key;
}

//  The key's slot, or the empty one where it belongs.
static XXH128_hash_t *
s_find(const pt_seen_t *self, const generation_t *generation, XXH128_hash_t key)
{
    size_t at = key.high64 & self->mask;
    while (generation->slots[at].low64 && !XXH128_isEqual(generation->slots[at], key))
        at = (at + 1) & self->mask;
    return &generation->slots[at];
}

bool
pt_seen_add(pt_seen_t *self, pt_text_t topic, const pt_decision_t *decision)
{
    assert(self);
    assert(decision);

    XXH128_hash_t key = s_key(topic, decision);
    generation_t *young = &self->generations[self->young], *old = &self->generations[!self->young];
    if (s_find(self, old, key)->low64)
        return true;
    XXH128_hash_t *slot = s_find(self, young, key);
    if (slot->low64)
        return true;
    *slot = key;
    if (++young->count < self->window)
        return false;
    memset(old->slots, 0, (self->mask + 1) * sizeof *old->slots);
    old->count = 0;
    self->young = !self->young;
    return false;
}
