/*  Lookups in an opened image.
 *
 *  The rungs of a lookup, first to last: code with its message, code, status marker, HTTP status or
 *  class, and the answers of last resort. pt_catalog_lookup, at the end, shows their order; each of
 *  them is one function above it. Nothing here allocates, and nothing writes to the catalog.
 */
#include "pt_catalog.h"

#include "pt_catalog_parts.h"
#include "pt_fallback.h"
#include "pt_reasons.h"
#include "pt_template.h"

#include <assert.h>

//  One lookup under way.
typedef struct {
    const pt_catalog_t *catalog;
    const pt_provider_t *provider;
    const pt_response_t *response;
    const pt_facts_t *facts;
    pt_verdict_t *verdict;
    uint16_t operation;  //  PT_OPERATION_OTHER: none, or none that the catalog names
    bool marker_unknown; //  a status marker is present that no row knows
    bool misfiled;       //  the code belongs to another operation than the one that was asked
} s_query_t;

//  An operation by name or alias; a slash in front, as of an endpoint's path, makes no difference.
static uint16_t
s_find_operation(const s_query_t *query, pt_text_t name)
{
    if (name.len && name.data[0] == '/')
        name = (pt_text_t) {name.data + 1, name.len - 1};
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, PT_SPACE_OPERATION, query->provider->index, name);
    return slot ? (uint16_t) slot->values[PT_SLOT_OPERATIONS] : PT_OPERATION_OTHER;
}

//  The operation that a code names by its digits.
static uint16_t
s_derive_operation(const s_query_t *query)
{
    const pt_gateway_t *gateway = query->provider->gateway;
    pt_text_t code = query->facts->codes[gateway->digits_slot];
    if (gateway->digits_length == 0 || code.len < (size_t) gateway->digits_offset + gateway->digits_length)
        return PT_OPERATION_OTHER;
    pt_text_t digits = {code.data + gateway->digits_offset, gateway->digits_length};
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, PT_SPACE_DIGITS, query->provider->index, digits);
    return slot ? (uint16_t) slot->values[PT_SLOT_OPERATIONS] : PT_OPERATION_OTHER;
}

static pt_operation_kind_t
s_worst_kind(pt_operation_kind_t left, pt_operation_kind_t right)
{
    static const uint8_t danger[PT_OPERATION_COUNT_] = {
        [PT_OPERATION_READ] = 0,
        [PT_OPERATION_WRITE] = 1,
        [PT_OPERATION_UNNAMED] = 2,
        [PT_OPERATION_MONEY] = 3,
    };
    return danger[left] >= danger[right] ? left : right;
}

static pt_operation_kind_t
s_kind_of(const s_query_t *query, uint16_t operation)
{
    if (operation == PT_OPERATION_OTHER)
        return PT_OPERATION_UNNAMED;
    return (pt_operation_kind_t) query->catalog->image.operations[operation].kind;
}

//  What was asked, by the response's own word and by its code's digits. Where they disagree, the
//  response's word chooses the rows, and the more dangerous of both what may be done.
static void
s_resolve_operation(s_query_t *query)
{
    bool is_given = pt_text_is_set(query->response->operation);
    uint16_t given = is_given ? s_find_operation(query, query->response->operation) : PT_OPERATION_OTHER;
    uint16_t derived = s_derive_operation(query);
    query->operation = given != PT_OPERATION_OTHER ? given : derived;
    query->misfiled = given != PT_OPERATION_OTHER && derived != PT_OPERATION_OTHER && given != derived;
    if (derived == PT_OPERATION_OTHER) {
        query->verdict->kind = s_kind_of(query, given);
        return;
    }
    const pt_image_t *image = &query->catalog->image;
    query->verdict->kind = s_kind_of(query, derived);
    if (is_given)
        query->verdict->kind = s_worst_kind(s_kind_of(query, given), query->verdict->kind);
    else
        query->verdict->operation = pt_image_text(image, image->operations[derived].name);
}

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
    uint64_t words[3] = {0};
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
s_match_pattern(const s_query_t *query, const pt_pattern_t *pattern, const s_message_t *message)
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
s_ask_group(const s_query_t *query, uint32_t group_id, pt_text_t text, uint16_t flags)
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
s_ask_own(const s_query_t *query, uint32_t group_id, bool is_operations)
{
    const pt_image_t *image = &query->catalog->image;
    if (group_id == PT_IMAGE_NONE || image->groups[group_id].own == PT_IMAGE_NONE)
        return NULL;
    const pt_group_t *group = &image->groups[group_id];
    bool is_meant = is_operations || (group->flags & PT_GROUP_ANY_OPERATION);
    query->verdict->match = is_meant ? PT_MATCH_CODE : PT_MATCH_CODE_ANY_OPERATION;
    return &image->entries[group->own];
}

//  The group of the operation that was asked; PT_IMAGE_NONE where the key has no rows for it.
static uint32_t
s_pick_group(const s_query_t *query, const pt_slot_t *slot, pt_space_t space, pt_text_t key)
{
    unsigned pick = pt_slot_pick(slot, query->operation);
    if (pick < PT_SLOT_OPERATIONS)
        return slot->values[pick];
    if (!(slot->flags & PT_SLOT_MORE) || query->operation == PT_OPERATION_OTHER)
        return PT_IMAGE_NONE;
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *more = pt_phash_find(table, (pt_space_t) (space + PT_SPACE_MORE), query->operation, key);
    return more ? more->values[PT_SLOT_OPERATIONS] : PT_IMAGE_NONE;
}

//  The entry that answers to a key, or NULL when no row knows the key. Sets the verdict's match and
//  params.
static const pt_entry_t *
s_ask_key(const s_query_t *query, pt_space_t space, pt_text_t key, pt_text_t message)
{
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, space, query->provider->index, key);
    if (!slot)
        return NULL;
    uint32_t asked = s_pick_group(query, slot, space, key);
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

static const pt_rule_t *
s_rule_of(const s_query_t *query, const pt_entry_t *entry)
{
    return &query->catalog->image.rules[entry->rule];
}

static void
s_answer(const s_query_t *query, const pt_entry_t *entry)
{
    const pt_image_t *image = &query->catalog->image;
    query->verdict->entry = entry;
    query->verdict->rule = s_rule_of(query, entry);
    query->verdict->entry_id = pt_image_text(image, entry->id);
    query->verdict->summary = pt_image_text(image, entry->summary);
}

//  The code only said that the request was taken, and what became of the order is said in a word
//  that nobody knows: then nobody knows.
static void
s_forget_answer(const s_query_t *query)
{
    query->verdict->entry = NULL;
    query->verdict->entry_id = PT_TEXT("-");
    query->verdict->summary = PT_TEXT_NONE;
    query->verdict->match = PT_MATCH_UNKNOWN;
    query->verdict->param_count = 0;
    query->verdict->reason_count = 0;
}

//  Until a row answers, the verdict shows the first code and its message, or the first message.
static void
s_show_first_code(const s_query_t *query)
{
    for (int i = 0; i < PT_CODE_SLOTS; i++) {
        if (!pt_text_is_set(query->facts->codes[i]))
            continue;
        query->verdict->code = query->facts->codes[i];
        query->verdict->message = query->facts->messages[i];
        return;
    }
    for (int i = 0; i < PT_CODE_SLOTS && !query->verdict->message.data; i++)
        query->verdict->message = query->facts->messages[i];
}

//  Where one code stands in several slots, each brings a message of its own (SmilePayz: message and
//  responseMessage). One that names a row beats the code's own entry.
static const pt_entry_t *
s_ask_same_code(const s_query_t *query, int found, const pt_entry_t *entry)
{
    pt_text_t code = query->facts->codes[found];
    for (int i = found + 1; i < PT_CODE_SLOTS && query->verdict->match >= PT_MATCH_CODE; i++) {
        pt_text_t message = query->facts->messages[i];
        pt_match_t match = query->verdict->match;
        if (!message.data || !pt_text_equal(query->facts->codes[i], code))
            continue;
        const pt_entry_t *other = s_ask_key(query, PT_SPACE_CODE, code, message);
        if (query->verdict->match >= match) {
            query->verdict->match = match;
            continue;
        }
        entry = other;
        query->verdict->message = message;
    }
    return entry;
}

static bool
s_is_reason_known(const void *context, pt_text_t text)
{
    const s_query_t *query = context;
    return s_ask_key(query, PT_SPACE_CODE, query->verdict->code, text) && query->verdict->match < PT_MATCH_CODE;
}

//  Which of several reasons decides: what may have moved money first, then what ends the matter and needs
//  more than the caller, then any other end, then what is asked about, then what is sent again.
static unsigned
s_laxity(const pt_rule_t *rule)
{
    bool settles = rule->outcome == PT_OUTCOME_SUCCESS || rule->outcome == PT_OUTCOME_PENDING;
    if (rule->outcome == PT_OUTCOME_UNKNOWN && rule->action != PT_ACTION_RESUBMIT)
        return 0;
    if (rule->action == PT_ACTION_QUERY_STATUS)
        return 3;
    if (rule->action == PT_ACTION_RESUBMIT)
        return 4;
    if (rule->action == PT_ACTION_NONE && settles)
        return 5;
    return rule->action == PT_ACTION_FIX_REQUEST ? 2 : 1;
}

//  A message that lists several reasons: each is looked up as a message of its own, and the strictest
//  entry answers. A reason that no row knows is what the code's own entry says.
static const pt_entry_t *
s_ask_reasons(const s_query_t *query, const pt_entry_t *entry)
{
    pt_verdict_t *verdict = query->verdict;
    pt_match_t match = verdict->match;
    size_t params = verdict->param_count;
    pt_text_t reasons[PT_REASONS_MAX];
    bool known[PT_REASONS_MAX];
    size_t count = pt_reasons_split(verdict->message, s_is_reason_known, query, reasons, known);
    const pt_entry_t *strictest = NULL;
    size_t decides = 0;
    for (size_t i = 0; i < count; i++) {
        const pt_entry_t *found = s_ask_key(query, PT_SPACE_CODE, verdict->code, known[i] ? reasons[i] : PT_TEXT_NONE);
        //  An image that our compiler did not make may have no entry of the code's own.
        if (!found)
            found = entry;
        verdict->reasons[i] = (pt_pair_t) {reasons[i], pt_image_text(&query->catalog->image, found->id)};
        if (strictest && s_laxity(s_rule_of(query, found)) >= s_laxity(s_rule_of(query, strictest)))
            continue;
        strictest = found;
        decides = i;
    }
    //  Asking wrote over what the whole message had captured.
    verdict->param_count = 0;
    pt_text_t decisive = count ? reasons[decides] : verdict->message;
    if (count ? known[decides] : match < PT_MATCH_CODE)
        (void) s_ask_key(query, PT_SPACE_CODE, verdict->code, decisive);
    else
        (void) s_ask_key(query, PT_SPACE_CODE, verdict->code, PT_TEXT_NONE);
    if (!count) {
        verdict->match = match;
        verdict->param_count = params;
    }
    verdict->reason_count = count;
    return count ? strictest : entry;
}

//  Rung one: the first code that some row knows. Notes a code that no row knows.
static bool
s_ask_codes(const s_query_t *query)
{
    bool is_present = false;
    for (int i = 0; i < PT_CODE_SLOTS; i++) {
        pt_text_t code = query->facts->codes[i];
        if (!pt_text_is_set(code))
            continue;
        is_present = true;
        const pt_entry_t *entry = s_ask_key(query, PT_SPACE_CODE, code, query->facts->messages[i]);
        if (!entry)
            continue;
        query->verdict->code = code;
        query->verdict->message = query->facts->messages[i];
        entry = s_ask_same_code(query, i, entry);
        if (s_rule_of(query, entry)->flags & PT_RULE_LISTS_REASONS)
            entry = s_ask_reasons(query, entry);
        s_answer(query, entry);
        return true;
    }
    query->verdict->code_unknown = is_present;
    return false;
}

static bool
s_settles(const s_query_t *query, const pt_entry_t *entry)
{
    uint8_t outcome = s_rule_of(query, entry)->outcome;
    return outcome == PT_OUTCOME_SUCCESS || outcome == PT_OUTCOME_PENDING;
}

//  A success that another code of the body denies, or that was given to another operation; a decline
//  beside a marker of success. One of the two is wrong, and which one cannot be told from here.
static bool
s_is_contradicted(const s_query_t *query)
{
    const pt_phash_t *table = &query->catalog->image.table;
    bool settles = s_settles(query, query->verdict->entry);
    bool declines = query->verdict->rule->outcome == PT_OUTCOME_DECLINED;
    if (settles && query->misfiled)
        return true;
    pt_match_t match = query->verdict->match;
    size_t params = query->verdict->param_count;
    bool denied = false;
    for (int i = 0; settles && i < PT_CODE_SLOTS; i++) {
        pt_text_t code = query->facts->codes[i];
        if (!pt_text_is_set(code) || pt_text_equal(code, query->verdict->code))
            continue;
        const pt_entry_t *other = s_ask_key(query, PT_SPACE_CODE, code, PT_TEXT_NONE);
        denied |= other && !s_settles(query, other);
    }
    for (int i = 0; declines && i < PT_STATUS_SLOTS; i++) {
        pt_text_t marker = query->facts->statuses[i];
        if (!pt_text_is_set(marker) || !pt_phash_find(table, PT_SPACE_STATUS, query->provider->index, marker))
            continue;
        const pt_entry_t *other = s_ask_key(query, PT_SPACE_STATUS, marker, PT_TEXT_NONE);
        denied |= other && s_rule_of(query, other)->outcome == PT_OUTCOME_SUCCESS;
    }
    query->verdict->match = match;
    query->verdict->param_count = params;
    return denied;
}

//  Whether the row that answered stands under another code as well.
static bool
s_stands_in_group(const pt_image_t *image, uint32_t group_id, uint32_t entry)
{
    if (group_id == PT_IMAGE_NONE)
        return false;
    const pt_group_t *group = &image->groups[group_id];
    bool stands = group->own == entry;
    for (uint32_t i = 0; i < group->pattern_count && !stands; i++)
        stands = image->patterns[group->first_pattern + i].entry == entry;
    return stands;
}

static bool
s_stands_under(const s_query_t *query, pt_text_t code)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_slot_t *slot = pt_phash_find(&image->table, PT_SPACE_CODE, query->provider->index, code);
    uint32_t entry = (uint32_t) (query->verdict->entry - image->entries);
    return slot && (s_stands_in_group(image, s_pick_group(query, slot, PT_SPACE_CODE, code), entry) ||
                    s_stands_in_group(image, slot->values[PT_SLOT_OPERATIONS], entry));
}

//  A code that repeats the HTTP status repeats another one.
static bool
s_is_status_another(const s_query_t *query, uint8_t place)
{
    pt_text_t code = query->facts->codes[pt_status_place_slot(place)];
    size_t offset = pt_status_place_offset(place);
    if (!query->response->http_status || code.len < offset + PT_STATUS_DIGITS)
        return false;
    char digits[PT_STATUS_DIGITS] = {(char) ('0' + query->response->http_status / 100 % 10),
                                     (char) ('0' + query->response->http_status / 10 % 10),
                                     (char) ('0' + query->response->http_status % 10)};
    return memcmp(code.data + offset, digits, sizeof(digits)) != 0;
}

//  A gateway whose codes repeat each other, and do not: it has changed, or somebody between it and us has.
//  Codes are compared where a message has told which row it is.
static bool
s_drifts(const s_query_t *query)
{
    uint8_t place = query->provider->gateway->status_place;
    if (!place)
        return false;
    if (s_is_status_another(query, place))
        return true;
    pt_match_t match = query->verdict->match;
    bool is_row = match == PT_MATCH_MESSAGE || match == PT_MATCH_TEMPLATE;
    for (int i = 0; is_row && i < PT_CODE_SLOTS; i++) {
        pt_text_t code = query->facts->codes[i];
        if (pt_text_is_set(code) && !pt_text_equal(code, query->verdict->code) && !s_stands_under(query, code))
            return true;
    }
    return false;
}

//  Rung two: the first status marker that some row knows. Where something more trusted stands before
//  it that nobody knows (a code, another marker), a marker may still say that the payment failed, but
//  not that it went well.
static bool
s_ask_statuses(s_query_t *query)
{
    bool is_doubtful = query->verdict->code_unknown;
    for (int i = 0; i < PT_STATUS_SLOTS; i++) {
        pt_text_t marker = query->facts->statuses[i];
        if (!pt_text_is_set(marker))
            continue;
        pt_match_t match = query->verdict->match;
        const pt_entry_t *entry = s_ask_key(query, PT_SPACE_STATUS, marker, PT_TEXT_NONE);
        query->verdict->match = match;
        if (!entry)
            query->marker_unknown = is_doubtful = true;
        if (!entry || (is_doubtful && s_settles(query, entry)))
            continue;
        query->verdict->match = PT_MATCH_STATUS;
        query->verdict->param_count = 0;
        s_answer(query, entry);
        return true;
    }
    return false;
}

//  A gateway that says something where its errors stand does not say that all went well, even if
//  nobody can read what it says.
static bool
s_speaks_of_trouble(const s_query_t *query)
{
    bool has_message = false;
    for (int i = 0; i < PT_CODE_SLOTS; i++)
        has_message |= pt_text_is_set(query->facts->messages[i]);
    return has_message || query->facts->is_odd || query->verdict->code_unknown || query->marker_unknown;
}

//  Rung three: the gateway's own row for an HTTP status, or for its class. A success needs a body
//  that says nothing unknown.
static bool
s_ask_http(const s_query_t *query)
{
    unsigned status = query->response->http_status;
    bool is_doubtful = !query->facts->is_map || s_speaks_of_trouble(query);
    if (status < 100 || status > 999 || (status / 100 == 2 && is_doubtful))
        return false;
    char digits[3] = {(char) ('0' + status / 100), (char) ('0' + status / 10 % 10), (char) ('0' + status % 10)};
    const pt_entry_t *entry = s_ask_key(query, PT_SPACE_HTTP, (pt_text_t) {digits, 3}, PT_TEXT_NONE);
    digits[1] = digits[2] = 'x';
    if (!entry)
        entry = s_ask_key(query, PT_SPACE_HTTP, (pt_text_t) {digits, 3}, PT_TEXT_NONE);
    if (!entry)
        return false;
    query->verdict->match = PT_MATCH_HTTP_CLASS;
    s_answer(query, entry);
    return true;
}

//  Rung four.
static void
s_fall_back(const s_query_t *query)
{
    bool code_present = query->verdict->code_unknown || query->marker_unknown;
    const pt_response_t *response = query->response;
    const pt_fallback_t *fallback = pt_fallback_find(response->http_status, response->transport, code_present);
    query->verdict->rule = &fallback->rule;
    query->verdict->match = fallback->match;
    query->verdict->summary = fallback->summary;
}

static bool
s_is_try_forbidden(const s_query_t *query)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_gateway_t *gateway = query->provider->gateway;
    if (!pt_text_is_set(query->facts->advice))
        return false;
    for (uint32_t i = 0; i < gateway->advice_count; i++) {
        pt_text_t forbidding = pt_image_text(image, image->advice[gateway->first_advice + i]);
        if (pt_text_equal(forbidding, query->facts->advice))
            return true;
    }
    return false;
}

//  The params are left alone: param_count says how many of them mean something.
static void
s_clear_verdict(const s_query_t *query)
{
    pt_verdict_t *verdict = query->verdict;
    verdict->entry = NULL;
    verdict->rule = NULL;
    verdict->entry_id = PT_TEXT("-");
    verdict->summary = PT_TEXT_NONE;
    verdict->provider = query->provider ? query->provider->id : query->response->provider;
    verdict->operation = query->response->operation;
    verdict->kind = PT_OPERATION_UNNAMED;
    verdict->match = PT_MATCH_UNKNOWN;
    verdict->code = PT_TEXT_NONE;
    verdict->message = PT_TEXT_NONE;
    verdict->code_unknown = false;
    verdict->contradicted = false;
    verdict->drifts = false;
    verdict->do_not_retry = false;
    verdict->param_count = 0;
    verdict->reason_count = 0;
}

void
pt_catalog_lookup(const pt_catalog_t *self, const pt_provider_t *provider, const pt_response_t *response,
                  const pt_facts_t *facts, pt_verdict_t *out_verdict)
{
    assert(self);
    assert(response);
    assert(facts);
    assert(out_verdict);

    s_query_t query = {self, provider, response, facts, out_verdict, PT_OPERATION_OTHER, false, false};
    s_clear_verdict(&query);
    s_show_first_code(&query);
    if (!provider) {
        //  Perhaps a name with a typo: whatever came back, somebody must be told.
        out_verdict->code_unknown = true;
        s_fall_back(&query);
        return;
    }
    s_resolve_operation(&query);
    out_verdict->do_not_retry = s_is_try_forbidden(&query);
    if (s_ask_codes(&query)) {
        out_verdict->contradicted = s_is_contradicted(&query);
        out_verdict->drifts = s_drifts(&query);
        if (!(out_verdict->rule->flags & PT_RULE_DEFER_TO_STATUS) || s_ask_statuses(&query))
            return;
        if (!query.marker_unknown && !facts->is_odd)
            return;
        s_forget_answer(&query);
    }
    if (!s_ask_statuses(&query) && !s_ask_http(&query))
        s_fall_back(&query);
}
