/*  Many look-ups side by side: while one key's line is on its way from memory, the others are hashed.
 *
 *  Worth it where the table or the keys are larger than the caches; a small table is found as fast
 *  one key at a time.
 */
#include "pt_phash.h"

#include <assert.h>

//  Keys in flight: more than a core keeps waiting loads for, few enough for the nearest cache.
#define S_BATCH 32

//  Of one key in flight.
typedef struct {
    pt_key_t key;
    uint64_t hash;
    const pt_slot_t *slot;
} s_flight_t;

static void
s_find_some(const pt_phash_t *self, pt_space_t space, uint16_t owner, const pt_text_t *texts, size_t count,
            const pt_slot_t **out_slots)
{
    //  In place of a key that is found apart.
    static const char nothing[PT_PHASH_INLINE_BYTES];
    pt_key_t none = pt_phash_key(space, owner, (pt_text_t) {nothing, sizeof nothing});
    s_flight_t flights[S_BATCH];
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(texts[i].data);
    for (size_t i = 0; i < count; i++) {
        flights[i].key = pt_phash_is_plain(texts[i]) ? pt_phash_key(space, owner, texts[i]) : none;
        flights[i].hash = pt_phash_hash(self, &flights[i].key);
        __builtin_prefetch(pt_phash_displacement(self, flights[i].hash));
    }
    for (size_t i = 0; i < count; i++) {
        flights[i].slot = pt_phash_slot(self, flights[i].hash);
        __builtin_prefetch(flights[i].slot);
    }
    for (size_t i = 0; i < count; i++) {
        const pt_slot_t *slot = flights[i].slot;
        out_slots[i] = pt_phash_difference(slot, &flights[i].key) ? NULL : slot;
        if (__builtin_expect(!pt_phash_is_plain(texts[i]), 0))
            out_slots[i] = pt_phash_find_apart(self, space, owner, texts[i]);
    }
}

void
pt_phash_find_batch(const pt_phash_t *self, pt_space_t space, uint16_t owner, const pt_text_t *texts, size_t count,
                    const pt_slot_t **out_slots)
{
    assert(self);
    assert(texts || !count);
    assert(out_slots || !count);

    for (size_t at = 0; at < count; at += S_BATCH) {
        size_t here = count - at < S_BATCH ? count - at : S_BATCH;
        s_find_some(self, space, owner, texts + at, here, out_slots + at);
    }
}
