/*  From one key to the entry that answers: the key's slot, the group of the operation, and in it the
 *  most specific pattern that the message fits, else the group's own entry.
 */
#include "pt_lookup_parts.h"

#include "pt_template.h"

static void
s_load_template(const pt_image_t *image, const pt_pattern_t *pattern, pt_template_t *out_template)
{
    const pt_span_t *pieces = image->pieces + pattern->first_piece;
    out_template->hole_count = pattern->hole_count;
    out_template->stop_optional = pattern->flags & PT_PATTERN_STOP_OPTIONAL;
    for (size_t i = 0; i <= pattern->hole_count; i++)
        out_template->literals[i] = pt_image_text(image, pieces[i]);
}

static bool
s_has_subcode(const pt_text_t *values, size_t count, pt_text_t subcode)
{
    for (size_t i = 0; i < count; i++)
        if (pt_template_has_token(values[i], subcode))
            return true;
    return false;
}

//  A message, and its first bytes as patterns have them.
typedef struct {
    pt_text_t text;
    bool has_nbsp;
    uint64_t front[PT_PATTERN_FRONT_BYTES / 8];
} s_message_t;

static void
s_take_message(pt_text_t text, s_message_t *out_message)
{
    uint64_t words[PT_PHASH_WORDS] = {0};
    //  A message shorter than that is filled up; of a longer one the rest does not count.
    if (text.len)
        pt_phash_load(text.data, text.len < PT_PHASH_INLINE_BYTES ? text.len : PT_PHASH_INLINE_BYTES, words);
    *out_message = (s_message_t) {text, pt_template_has_nbsp(text), {words[0], words[1]}};
}

static inline bool
s_has_front(const pt_pattern_t *pattern, const s_message_t *message)
{
#ifdef __SSE2__
    __m128i mask = _mm_loadu_si128((const __m128i *) (const void *) pattern->mask);
    __m128i front = _mm_loadu_si128((const __m128i *) (const void *) pattern->front);
    __m128i given = _mm_loadu_si128((const __m128i *) (const void *) message->front);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(given, mask), front)) == 0xffff;
#else
    uint64_t differs = 0;
    for (int i = 0; i < PT_PATTERN_FRONT_BYTES / 8; i++)
        differs |= (message->front[i] & pt_phash_word(pattern->mask + 8 * i)) ^ pt_phash_word(pattern->front + 8 * i);
    return !differs;
#endif
}

//  Whether a message may be a pattern's, without a branch: which of a group's patterns it is nobody can
//  foresee.
static inline bool
s_may_match(const pt_pattern_t *pattern, const s_message_t *message)
{
    return s_has_front(pattern, message) & (message->text.len - pattern->literal_bytes <= pattern->slack);
}

//  Which of up to 64 patterns may match, a bit for each. A no-break space counts as a space, so fronts
//  and lengths say nothing then.
static uint64_t
s_choose_patterns(const pt_pattern_t *patterns, uint32_t count, const s_message_t *message)
{
    uint64_t chosen = 0;
    for (uint32_t i = 0; i < count; i++)
        chosen |= (uint64_t) s_may_match(&patterns[i], message) << i;
    return message->has_nbsp ? UINT64_MAX >> (64 - count) : chosen;
}

static bool
s_match_pattern(const pt_query_t *query, const pt_pattern_t *pattern, const s_message_t *message)
{
    const pt_image_t *image = &query->catalog->image;
    pt_template_t template;
    pt_text_t values[PT_PARAMS_MAX];
    s_load_template(image, pattern, &template);
    if (!pt_template_match_known(&template, message->text, message->has_nbsp, values))
        return false;
    pt_text_t subcode = pt_image_text(image, pattern->subcode);
    if (subcode.data && !s_has_subcode(values, pattern->hole_count, subcode))
        return false;
    const pt_span_t *names = image->pieces + pattern->first_piece + pattern->hole_count + 1;
    query->verdict->param_count = pattern->hole_count;
    for (size_t i = 0; i < pattern->hole_count; i++)
        query->verdict->params[i] = (pt_pair_t) {pt_image_text(image, names[i]), values[i]};
    return true;
}

#define S_CHOICE 64 //  patterns that are looked at together

//  What a group says to a message; the first pattern that fits is the most specific one. Only
//  patterns with all of `flags` are asked.
static const pt_entry_t *
s_ask_group(const pt_query_t *query, uint32_t group_id, pt_text_t text, uint16_t flags)
{
    const pt_image_t *image = &query->catalog->image;
    if (group_id == PT_IMAGE_NONE || !text.data || !image->groups[group_id].pattern_count)
        return NULL;
    const pt_group_t *group = &image->groups[group_id];
    s_message_t message;
    s_take_message(text, &message);
    for (uint32_t at = 0; at < group->pattern_count; at += S_CHOICE) {
        const pt_pattern_t *patterns = &image->patterns[group->first_pattern + at];
        uint32_t count = group->pattern_count - at < S_CHOICE ? group->pattern_count - at : S_CHOICE;
        for (uint64_t left = s_choose_patterns(patterns, count, &message); left; left &= left - 1) {
            const pt_pattern_t *pattern = &patterns[__builtin_ctzll(left)];
            if ((pattern->flags & flags) != flags || !s_match_pattern(query, pattern, &message))
                continue;
            query->verdict->match = pattern->hole_count ? PT_MATCH_TEMPLATE : PT_MATCH_MESSAGE;
            return &image->entries[pattern->entry];
        }
    }
    return NULL;
}

static const pt_entry_t *
s_ask_own(const pt_query_t *query, uint32_t group_id, bool is_operations)
{
    const pt_image_t *image = &query->catalog->image;
    if (group_id == PT_IMAGE_NONE || image->groups[group_id].own == PT_IMAGE_NONE)
        return NULL;
    const pt_group_t *group = &image->groups[group_id];
    bool is_meant = is_operations || (group->flags & PT_GROUP_ANY_OPERATION);
    query->verdict->match = is_meant ? PT_MATCH_CODE : PT_MATCH_CODE_ANY_OPERATION;
    return &image->entries[group->own];
}

uint32_t
pt_query_pick_group(const pt_query_t *query, const pt_slot_t *slot, pt_space_t space, pt_text_t key)
{
    unsigned pick = pt_slot_pick(slot, query->operation);
    if (pick < PT_SLOT_OPERATIONS)
        return slot->values[pick];
    if (!pt_slot_has_more(slot) || query->operation == PT_OPERATION_OTHER)
        return PT_IMAGE_NONE;
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *more = pt_phash_find(table, (pt_space_t) (space + PT_SPACE_MORE), query->operation, key);
    return more ? more->values[PT_SLOT_OPERATIONS] : PT_IMAGE_NONE;
}

const pt_entry_t *
pt_query_ask(const pt_query_t *query, pt_space_t space, pt_text_t key, pt_text_t message)
{
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, space, query->provider->index, key);
    if (!slot)
        return NULL;
    uint32_t asked = pt_query_pick_group(query, slot, space, key);
    uint32_t any = slot->values[PT_SLOT_OPERATIONS];
    const pt_entry_t *entry = s_ask_group(query, asked, message, 0);
    if (!entry)
        entry = s_ask_own(query, asked, true);
    //  Rows for any operation are about this one too; rows for other operations only hint at it.
    if (!entry && query->operation != PT_OPERATION_OTHER)
        entry = s_ask_group(query, any, message, PT_PATTERN_ANY_OPERATION);
    if (!entry)
        entry = s_ask_group(query, any, message, 0);
    if (!entry)
        entry = s_ask_own(query, any, false);
    return entry;
}
