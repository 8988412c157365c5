/*  From one key to the entry that answers: the key's slot, the group of the operation, and in it the
 *  most specific pattern that the message fits, else the group's own entry.
 */
#include "pt_lookup_parts.h"

#include "pt_template.h"

#ifdef __SSE2__
typedef __m128i s_front_t;
#else
typedef struct {
    uint64_t words[2];
} s_front_t;
#endif

//  A message, and its first bytes and length as patterns have them.
typedef struct {
    pt_text_t text;
    bool has_nbsp;
    s_front_t front;
} s_message_t;

//  Made in a register: what is stored as two words would have to be waited for as one.
static inline s_front_t
s_make_front(uint64_t first, uint64_t second)
{
#ifdef __SSE2__
    return _mm_set_epi64x((long long) second, (long long) first);
#else
    return (s_front_t) {{first, second}};
#endif
}

static void
s_take_message(pt_text_t text, s_message_t *out_message)
{
    uint64_t words[2] = {0};
    //  A message shorter than that is filled up; of a longer one the rest does not count.
    size_t bytes = text.len < PT_PATTERN_FRONT_BYTES ? text.len : PT_PATTERN_FRONT_BYTES;
    pt_text_t front = {text.data, bytes};
    if (pt_phash_is_plain(front)) {
        pt_key_t key = pt_phash_key(PT_SPACE_CODE, 0, front);
        words[0] = pt_phash_key_word(&key, 0);
        words[1] = pt_phash_key_word(&key, 8);
    } else if (bytes)
        memcpy(words, text.data, bytes);
    uint64_t length = (uint64_t) (uint16_t) text.len << PT_PATTERN_LENGTH_SHIFT;
    *out_message = (s_message_t) {text, pt_template_has_nbsp(text), s_make_front(words[0], words[1] | length)};
}

static inline unsigned
s_has_front(const pt_pattern_t *pattern, s_front_t given)
{
#ifdef __SSE2__
    __m128i mask = _mm_loadu_si128((const __m128i *) (const void *) pattern->mask);
    __m128i front = _mm_loadu_si128((const __m128i *) (const void *) pattern->front);
    return ((unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(given, mask), front)) + 1) >> 16;
#else
    return !(((given.words[0] & pattern->mask[0]) ^ pattern->front[0]) |
             ((given.words[1] & pattern->mask[1]) ^ pattern->front[1]));
#endif
}

//  Which of up to 64 patterns may match, a bit for each, without a branch: which of a group's patterns it is
//  nobody can foresee. A no-break space counts as a space, so fronts and lengths say nothing then.
static uint64_t
s_choose_patterns(const pt_pattern_t *patterns, uint32_t count, const s_message_t *message)
{
    if (message->has_nbsp)
        return UINT64_MAX >> (64 - count);
    uint64_t chosen = 0;
    for (uint32_t i = count; i-- > 0;)
        chosen = chosen << 1 | s_has_front(&patterns[i], message->front);
    return chosen;
}

//  A text without holes, as nearly all are.
static bool
s_match_literal(const pt_image_t *image, const pt_pattern_t *pattern, pt_text_t message)
{
    pt_text_t literal = pt_image_text(image, image->pieces[pattern->first_piece]);
    if ((pattern->flags & PT_PATTERN_STOP_OPTIONAL) && message.len == literal.len + 1 &&
        message.data[literal.len] == '.')
        message.len--;
    return pt_text_equal(literal, message);
}

//  Where messages have no-break spaces, or a full stop that the row leaves open: a template is made of the pattern.
//  Apart, because of the room that it takes.
static __attribute__((noinline)) bool
s_fit_template(const pt_query_t *query, const pt_pattern_t *pattern, const s_message_t *message)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_span_t *pieces = image->pieces + pattern->first_piece;
    pt_template_t template = {.hole_count = pattern->hole_count,
                              .stop_optional = pattern->flags & PT_PATTERN_STOP_OPTIONAL};
    pt_text_t values[PT_PARAMS_MAX];
    for (size_t i = 0; i <= pattern->hole_count; i++)
        template.literals[i] = pt_image_text(image, pieces[i]);
    if (!pt_template_match_known(&template, message->text, message->has_nbsp, values))
        return false;
    for (size_t i = 0; i < pattern->hole_count; i++)
        query->verdict->params[i].value = values[i];
    return true;
}

//  What a template does with a message that is neither: most fail by their first literal or their last.
static inline bool
s_fit_pieces(const pt_query_t *query, const pt_pattern_t *pattern, pt_text_t message)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_span_t *pieces = image->pieces + pattern->first_piece;
    pt_pair_t *params = query->verdict->params;
    uint32_t last = pattern->hole_count;
    pt_text_t front = pt_image_text(image, pieces[0]);
    pt_text_t back = pt_image_text(image, pieces[last]);
    if (message.len < front.len + back.len || !pt_text_equal(front, (pt_text_t) {message.data, front.len}))
        return false;
    const char *at = message.data + front.len;
    const char *end = message.data + message.len - back.len;
    if (!pt_text_equal(back, (pt_text_t) {end, back.len}))
        return false;
    for (uint32_t i = 1; i < last; i++) {
        pt_text_t piece = pt_image_text(image, pieces[i]);
        //  No piece is absent: the image was checked. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
        const char *found = memmem(at, (size_t) (end - at), piece.data, piece.len);
        if (!found)
            return false;
        params[i - 1].value = (pt_text_t) {at, (size_t) (found - at)};
        at = found + piece.len;
    }
    params[last - 1].value = (pt_text_t) {at, (size_t) (end - at)};
    return true;
}

static bool
s_fit(const pt_query_t *query, const pt_pattern_t *pattern, const s_message_t *message)
{
    bool is_open = (pattern->flags & PT_PATTERN_STOP_OPTIONAL) && message->text.len &&
                   message->text.data[message->text.len - 1] == '.';
    if (message->has_nbsp || is_open || !pattern->hole_count)
        return s_fit_template(query, pattern, message);
    return s_fit_pieces(query, pattern, message->text);
}

static bool
s_has_subcode(const pt_pair_t *params, size_t count, pt_text_t subcode)
{
    for (size_t i = 0; i < count; i++)
        if (pt_template_has_token(params[i].value, subcode))
            return true;
    return false;
}

//  What a template captures goes to the verdict at once; until it counts, nobody looks there.
static bool
s_match_template(const pt_query_t *query, const pt_pattern_t *pattern, const s_message_t *message)
{
    const pt_image_t *image = &query->catalog->image;
    pt_verdict_t *verdict = query->verdict;
    if (!s_fit(query, pattern, message))
        return false;
    pt_text_t subcode = pt_image_text(image, pattern->subcode);
    if (subcode.data && !s_has_subcode(verdict->params, pattern->hole_count, subcode))
        return false;
    const pt_span_t *names = image->pieces + pattern->first_piece + pattern->hole_count + 1;
    verdict->param_count = pattern->hole_count;
    for (size_t i = 0; i < pattern->hole_count; i++)
        verdict->params[i].name = pt_image_text(image, names[i]);
    return true;
}

static bool
s_match_pattern(const pt_query_t *query, const pt_pattern_t *pattern, const s_message_t *message)
{
    if (pattern->hole_count || message->has_nbsp || pattern->subcode.offset != PT_IMAGE_NONE)
        return s_match_template(query, pattern, message);
    if (!s_match_literal(&query->catalog->image, pattern, message->text))
        return false;
    query->verdict->param_count = 0;
    return true;
}

#define S_CHOICE 64 //  patterns that are looked at together

//  What a group says to a message; the first pattern that fits is the most specific one. Only patterns with all
//  of `flags` are asked; *out_passed_over says whether others may fit.
static const pt_entry_t *
s_ask_patterns(const pt_query_t *query, const pt_group_t *group, const s_message_t *message, uint16_t flags,
               bool *out_passed_over)
{
    const pt_image_t *image = &query->catalog->image;
    *out_passed_over = false;
    for (uint32_t at = 0; at < group->pattern_count; at += S_CHOICE) {
        const pt_pattern_t *patterns = &image->patterns[group->first_pattern + at];
        uint32_t count = group->pattern_count - at < S_CHOICE ? group->pattern_count - at : S_CHOICE;
        for (uint64_t left = s_choose_patterns(patterns, count, message); left; left &= left - 1) {
            const pt_pattern_t *pattern = &patterns[__builtin_ctzll(left)];
            bool is_asked = (pattern->flags & flags) == flags;
            *out_passed_over |= !is_asked;
            if (!is_asked || !s_match_pattern(query, pattern, message))
                continue;
            query->verdict->match = pattern->hole_count ? PT_MATCH_TEMPLATE : PT_MATCH_MESSAGE;
            return &image->entries[pattern->entry];
        }
    }
    return NULL;
}

//  Rows for any operation are about the one that was asked too; rows for other operations only hint at it.
static const pt_entry_t *
s_ask_any(const pt_query_t *query, const pt_group_t *any, const s_message_t *message)
{
    bool passed_over;
    uint16_t flags = query->operation != PT_OPERATION_OTHER ? PT_PATTERN_ANY_OPERATION : 0;
    const pt_entry_t *entry = s_ask_patterns(query, any, message, flags, &passed_over);
    return entry || !passed_over ? entry : s_ask_patterns(query, any, message, 0, &passed_over);
}

static const pt_entry_t *
s_ask_own(const pt_query_t *query, const pt_group_t *group, bool is_operations)
{
    if (group->own == PT_IMAGE_NONE)
        return NULL;
    bool is_meant = is_operations || (group->flags & PT_GROUP_ANY_OPERATION);
    query->verdict->match = is_meant ? PT_MATCH_CODE : PT_MATCH_CODE_ANY_OPERATION;
    return &query->catalog->image.entries[group->own];
}

//  What the group of the operation says, then what the one for any operation says, whatever the message.
static const pt_entry_t *
s_ask_owns(const pt_query_t *query, const pt_group_t *asked, const pt_group_t *any)
{
    const pt_entry_t *entry = s_ask_own(query, asked, true);
    return entry ? entry : s_ask_own(query, any, false);
}

//  Apart, so that codes without messages pay nothing for it.
static __attribute__((noinline)) const pt_entry_t *
s_ask_message(const pt_query_t *query, const pt_group_t *asked, const pt_group_t *any, pt_text_t text)
{
    s_message_t message;
    bool passed_over;
    s_take_message(text, &message);
    const pt_entry_t *entry = NULL;
    if (asked->pattern_count)
        entry = s_ask_patterns(query, asked, &message, 0, &passed_over);
    if (!entry && asked->own == PT_IMAGE_NONE)
        entry = s_ask_any(query, any, &message);
    return entry ? entry : s_ask_owns(query, asked, any);
}

uint32_t
pt_query_pick_more(const pt_query_t *query, pt_space_t space, pt_text_t key)
{
    if (query->operation == PT_OPERATION_OTHER)
        return PT_IMAGE_NONE;
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *more = pt_phash_find(table, (pt_space_t) (space + PT_SPACE_MORE), query->operation, key);
    return more ? more->values[PT_SLOT_OPERATIONS] : PT_IMAGE_NONE;
}

static inline const pt_group_t *
s_group(const pt_image_t *image, uint32_t id)
{
    static const pt_group_t none = {.own = PT_IMAGE_NONE};
    return id == PT_IMAGE_NONE ? &none : &image->groups[id];
}

const pt_entry_t *
pt_query_ask(const pt_query_t *query, pt_text_t code, pt_text_t message)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_slot_t *slot = pt_phash_find(&image->table, PT_SPACE_CODE, query->provider->index, code);
    if (!slot)
        return NULL;
    const pt_group_t *asked = s_group(image, pt_query_pick_group(query, slot, PT_SPACE_CODE, code));
    const pt_group_t *any = s_group(image, slot->values[PT_SLOT_OPERATIONS]);
    bool has_patterns = (asked->pattern_count | any->pattern_count) != 0;
    if (message.data && has_patterns)
        return s_ask_message(query, asked, any, message);
    return s_ask_owns(query, asked, any);
}

const pt_entry_t *
pt_query_find(const pt_query_t *query, pt_space_t space, pt_text_t key)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_slot_t *slot = pt_phash_find(&image->table, space, query->provider->index, key);
    if (!slot)
        return NULL;
    uint32_t own = s_group(image, pt_query_pick_group(query, slot, space, key))->own;
    if (own == PT_IMAGE_NONE)
        own = s_group(image, slot->values[PT_SLOT_OPERATIONS])->own;
    return own == PT_IMAGE_NONE ? NULL : &image->entries[own];
}
