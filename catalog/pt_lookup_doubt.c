/*  Answers that do not agree with themselves: a success that another part denies, and codes that should
 *  repeat each other and do not.
 */
#include "pt_lookup_parts.h"

//  Whether another code of the body says that it did not go well.
static bool
s_is_denied_by_code(const pt_query_t *query)
{
    bool denied = false;
    for (int i = 0; i < query->code_slots; i++) {
        pt_text_t code = query->facts->codes[i];
        if (!pt_text_is_set(code) || pt_text_equal(code, query->verdict->code))
            continue;
        const pt_entry_t *other = pt_query_ask(query, PT_SPACE_CODE, code, PT_TEXT_NONE);
        denied |= other && !pt_query_settles(query, other);
    }
    return denied;
}

//  Whether a marker says that it did go well.
static bool
s_is_denied_by_marker(const pt_query_t *query)
{
    bool denied = false;
    for (int i = 0; i < query->status_slots; i++) {
        pt_text_t marker = query->facts->statuses[i];
        if (!pt_text_is_set(marker))
            continue;
        const pt_entry_t *other = pt_query_ask(query, PT_SPACE_STATUS, marker, PT_TEXT_NONE);
        denied |= other && pt_query_rule(query, other)->outcome == PT_OUTCOME_SUCCESS;
    }
    return denied;
}

//  A success that another code of the body denies, or that was given to another operation; a decline
//  beside a marker of success. One of the two is wrong, and which one cannot be told from here.
bool
pt_query_is_contradicted(const pt_query_t *query)
{
    pt_verdict_t *verdict = query->verdict;
    bool settles = pt_query_settles(query, verdict->entry);
    if (settles && query->misfiled)
        return true;
    pt_match_t match = verdict->match;
    size_t params = verdict->param_count;
    bool denied = false;
    if (settles)
        denied = s_is_denied_by_code(query);
    else if (verdict->rule->outcome == PT_OUTCOME_DECLINED)
        denied = s_is_denied_by_marker(query);
    //  Asking wrote over them.
    verdict->match = match;
    verdict->param_count = params;
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
s_stands_under(const pt_query_t *query, pt_text_t code)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_slot_t *slot = pt_phash_find(&image->table, PT_SPACE_CODE, query->provider->index, code);
    uint32_t entry = (uint32_t) (query->verdict->entry - image->entries);
    return slot && (s_stands_in_group(image, pt_query_pick_group(query, slot, PT_SPACE_CODE, code), entry) ||
                    s_stands_in_group(image, slot->values[PT_SLOT_OPERATIONS], entry));
}

//  A code that repeats the HTTP status repeats another one.
static bool
s_is_status_another(const pt_query_t *query, uint8_t place)
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
bool
pt_query_drifts(const pt_query_t *query)
{
    uint8_t place = query->provider->gateway->status_place;
    if (!place)
        return false;
    if (s_is_status_another(query, place))
        return true;
    pt_match_t match = query->verdict->match;
    bool is_row = match == PT_MATCH_MESSAGE || match == PT_MATCH_TEMPLATE;
    for (int i = 0; is_row && i < query->code_slots; i++) {
        pt_text_t code = query->facts->codes[i];
        if (pt_text_is_set(code) && !pt_text_equal(code, query->verdict->code) && !s_stands_under(query, code))
            return true;
    }
    return false;
}
