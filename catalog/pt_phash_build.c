/*  Keys into the slots that a plan gives them. */
#include "pt_phash_parts.h"

#include <assert.h>
#include <stdlib.h>

#define S_AT_A_TIME 16 //  a few memory latencies of work

static void
s_write_slot(const pt_phash_item_t *item, const pt_key_t *key, pt_slot_t *out_slot)
{
    for (size_t i = 0; i < PT_PHASH_WORDS; i++)
        out_slot->words[i] = pt_phash_key_word(key, 8 * i);
    if (item->text.len > PT_PHASH_INLINE_BYTES)
        out_slot->words[1] |= item->pool_offset;
    out_slot->meta = key->meta;
    memcpy(out_slot->operations, item->operations, sizeof item->operations);
    memcpy(out_slot->values, item->values, sizeof item->values);
}

//  Some keys side by side: while one's slot is on its way from memory, the others are hashed.
static void
s_write_some(const pt_phash_t *table, const pt_phash_item_t *items, size_t count, pt_slot_t *slots)
{
    uint64_t rooms[S_AT_A_TIME][PT_PHASH_WORDS];
    pt_key_t keys[S_AT_A_TIME];
    pt_slot_t *places[S_AT_A_TIME];
    for (size_t i = 0; i < count; i++) {
        keys[i] = pt_phash_make_key(table, (pt_space_t) items[i].space, items[i].owner, items[i].text, rooms[i]);
        uint64_t hash = pt_phash_hash(table, &keys[i]);
        places[i] = slots + pt_phash_base(table, hash) + *pt_phash_displacement(table, hash) / sizeof(pt_slot_t);
        __builtin_prefetch(places[i], 1);
    }
    for (size_t i = 0; i < count; i++)
        s_write_slot(&items[i], &keys[i], places[i]);
}

void
pt_phash_write(const pt_phash_t *table, const pt_phash_item_t *items, size_t count, pt_slot_t *out_slots)
{
    assert(table);
    assert(items || count == 0);
    assert(out_slots);

    memset(out_slots, 0xff, table->slot_count * sizeof *out_slots);
    for (size_t at = 0; at < count; at += S_AT_A_TIME) {
        size_t here = count - at < S_AT_A_TIME ? count - at : S_AT_A_TIME;
        for (size_t i = at + here; i < count && i < at + 2 * S_AT_A_TIME; i++)
            __builtin_prefetch(items[i].text.data);
        s_write_some(table, items + at, here, out_slots);
    }
}

pt_status_t
pt_phash_build(const pt_phash_item_t *items, size_t count, const char *pool, pt_phash_t *out_table, size_t out_pair[2])
{
    assert(out_table);

    pt_phash_t table;
    pt_status_t status = pt_phash_plan(items, count, &table, out_pair);
    if (status != PT_OK)
        return status;
    pt_slot_t *slots = aligned_alloc(sizeof *slots, table.slot_count * sizeof *slots);
    if (!slots) {
        pt_phash_release(&table);
        return PT_E_NOMEM;
    }
    pt_phash_write(&table, items, count, slots);
    table.slots = slots;
    table.pool = pool;
    *out_table = table;
    return PT_OK;
}

void
pt_phash_release(pt_phash_t *table)
{
    assert(table);

    //  The arrays are only const to readers.
    free((void *) (uintptr_t) table->displacements);
    free((void *) (uintptr_t) table->slots);
    *table = (pt_phash_t) {0};
}
