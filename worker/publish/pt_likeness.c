/*  A search compares the code with every entry of its gateway, which is nothing to do for each response. */
#include "pt_likeness.h"

#include <assert.h>
#include <string.h>

#include "pt_words.h"

//  The entry of the gateway whose code looks most like one that nobody knows.
static pt_text_t
s_find_nearest(const pt_catalog_t *catalog, const pt_decision_t *decision)
{
    const pt_provider_t *provider = pt_catalog_provider(catalog, decision->provider);
    size_t count = pt_catalog_entry_count(catalog);
    size_t least = 2 * (PT_WORD_DISTANCE_MAX + 1);
    pt_text_t nearest = {0};
    if (!provider || !pt_text_is_set(decision->code) || count > PT_LIKENESS_ENTRIES_MAX)
        return nearest;
    for (size_t i = 0; i < count; i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        if (pt_catalog_entry_provider(catalog, entry) != provider)
            continue;
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        //  Of several with one code its own entry, whatever the message.
        size_t edits = pt_word_distance(decision->code, view.code);
        size_t distance = edits > PT_WORD_DISTANCE_MAX ? least : 2 * edits + pt_text_is_set(view.message);
        if (distance < least && 2 * edits <= decision->code.len) {
            nearest = view.id;
            least = distance;
        }
    }
    return nearest;
}

pt_text_t
pt_likeness_find(pt_likeness_t likenesses[PT_LIKENESSES], const pt_catalog_t *catalog, XXH128_hash_t key,
                 const pt_decision_t *decision)
{
    assert(likenesses);
    assert(catalog);
    assert(decision);

    pt_likeness_t *likeness = &likenesses[key.low64 % PT_LIKENESSES];
    if (!XXH128_isEqual(likeness->key, key) || likeness->catalog != decision->catalog) {
        pt_text_t nearest = pt_text_cut(s_find_nearest(catalog, decision), sizeof(likeness->nearest));
        likeness->key = key;
        likeness->catalog = decision->catalog;
        likeness->len = nearest.len;
        if (nearest.len)
            memcpy(likeness->nearest, nearest.data, nearest.len);
    }
    return (pt_text_t) {likeness->len ? likeness->nearest : NULL, likeness->len};
}
