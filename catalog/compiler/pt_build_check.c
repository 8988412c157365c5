/*  The last look at an image that was just made: every key must lead back to its own slot. */
#include "pt_build_parts.h"

#include "pt_image.h"

#include <assert.h>

#define S_FIND_BATCH 64 //  keys

static bool
s_is_same_owner(const pt_phash_item_t *left, const pt_phash_item_t *right)
{
    return left->space == right->space && left->owner == right->owner;
}

//  Look some keys of one owner up; each must have the answers that it was given.
static bool
s_lead_back(const pt_phash_t *table, const pt_phash_item_t *items, size_t count)
{
    pt_text_t texts[S_FIND_BATCH];
    const pt_slot_t *slots[S_FIND_BATCH];
    for (size_t i = 0; i < count; i++)
        texts[i] = items[i].text;
    pt_phash_find_batch(table, (pt_space_t) items->space, items->owner, texts, count, slots);
    for (size_t i = 0; i < count; i++)
        if (!slots[i] || memcmp(slots[i]->values, items[i].values, sizeof items[i].values) != 0)
            return false;
    return true;
}

bool
pt_build_is_complete(const pt_draft_t *draft, pt_bytes_t bytes)
{
    assert(draft);

    pt_image_t image;
    if (pt_image_open(bytes, &image) != PT_OK)
        return false;
    const pt_phash_item_t *items = (const void *) draft->keys.data;
    for (size_t start = 0; start < draft->keys.count;) {
        size_t count = 1;
        while (count < S_FIND_BATCH && start + count < draft->keys.count &&
               s_is_same_owner(&items[start], &items[start + count]))
            count++;
        if (!s_lead_back(&image.table, items + start, count))
            return false;
        start += count;
    }
    return true;
}
