/*  The perfect hash's slow path: keys that are long, or that may not be read on. */
#include "pt_phash.h"

#include "pt_phash_parts.h"

#include <assert.h>

const uint8_t pt_phash_masks[2 * PT_PHASH_INLINE_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

static uint64_t
s_mix(uint64_t left, uint64_t right)
{
    uint64_t high;
    uint64_t low = pt_phash_multiply(left, right, &high);
    return low ^ high;
}

//  What stands between the first and the last two words of a long key, as 32 bits in the high half.
static uint64_t
s_fold(const pt_phash_t *self, pt_text_t text)
{
    uint64_t fold = text.len;
    for (size_t at = 8; at < text.len - 16; at += 8)
        fold = s_mix(fold ^ pt_phash_word(text.data + at), self->seed[0]);
    return fold & ~(uint64_t) UINT32_MAX;
}

static void
s_load_long(const pt_phash_t *self, pt_text_t text, uint64_t words[PT_PHASH_WORDS])
{
    words[0] = pt_phash_word(text.data);
    words[1] = s_fold(self, text);
    words[2] = pt_phash_word(text.data + text.len - 16);
    words[3] = pt_phash_word(text.data + text.len - 8);
}

pt_key_t
pt_phash_make_key(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text,
                  uint64_t room[PT_PHASH_WORDS])
{
    assert(self);
    assert(text.len && text.len <= PT_PHASH_KEY_BYTES_MAX);
    assert(room);

    if (pt_phash_is_plain(text))
        return pt_phash_key(space, owner, text);
    bool is_long = text.len > PT_PHASH_INLINE_BYTES;
    memset(room, 0, PT_PHASH_INLINE_BYTES);
    if (is_long)
        s_load_long(self, text, room);
    else
        memcpy(room, text.data, text.len);
    pt_key_t key = pt_phash_key(space, owner, (pt_text_t) {(const char *) room, PT_PHASH_INLINE_BYTES});
    key.meta = pt_phash_meta(space, owner, text.len);
    return key;
}

//  Whether two long keys of one length are the same there.
static bool
s_is_same_between(const char *known, pt_text_t text)
{
    uint64_t difference = 0;
    for (size_t at = 8; at < text.len - 16; at += 8)
        difference |= pt_phash_word(known + at) ^ pt_phash_word(text.data + at);
    return !difference;
}

const pt_slot_t *
pt_phash_find_apart(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text)
{
    if (text.len == 0 || text.len > PT_PHASH_KEY_BYTES_MAX)
        return NULL;
    bool is_long = text.len > PT_PHASH_INLINE_BYTES;
    uint64_t room[PT_PHASH_WORDS];
    pt_key_t key = pt_phash_make_key(self, space, owner, text, room);
    const pt_slot_t *slot = pt_phash_slot(self, pt_phash_hash(self, &key));
    if (is_long)
        room[1] |= (uint32_t) slot->words[1];
    if (pt_phash_difference(slot, &key))
        return NULL;
    return !is_long || s_is_same_between(self->pool + (uint32_t) slot->words[1], text) ? slot : NULL;
}
