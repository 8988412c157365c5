/*  Answers that do not agree with themselves: a success that another part denies, and codes that should
 *  repeat each other and do not.
 */
#include "pt_lookup_parts.h"

//  Whether another code of the body says that it did not go well; one that is trusted more, and that no row knows,
//  may say so. An order in progress that is asked about in any case need not be doubted for that.
static bool
s_is_denied_by_code(const pt_query_t *query)
{
    bool denied = false;
    bool is_trusted_more = query->verdict->rule->action == PT_ACTION_NONE;
    for (int i = 0; i < query->code_slots; i++) {
        pt_text_t code = query->facts->codes[i];
        if (!pt_text_is_set(code))
            continue;
        if (pt_text_equal(code, query->verdict->code)) {
            is_trusted_more = false;
            continue;
        }
        const pt_entry_t *other = pt_query_ask(query, PT_SPACE_CODE, code, PT_TEXT_NONE);
        denied |= other ? !pt_query_settles(query, other) : is_trusted_more;
    }
    return denied;
}

//  A success that another code of the body denies; or an answer to another operation that would settle this one or
//  send it again. One of the two is wrong, and which one cannot be told from here.
bool
pt_query_is_contradicted(const pt_query_t *query)
{
    pt_verdict_t *verdict = query->verdict;
    bool settles = pt_query_settles(query, verdict->entry);
    if (query->misfiled)
        return settles || verdict->rule->action == PT_ACTION_RESUBMIT;
    if (!settles)
        return false;
    pt_match_t match = verdict->match;
    size_t params = verdict->param_count;
    bool denied = s_is_denied_by_code(query);
    //  Asking wrote over them.
    verdict->match = match;
    verdict->param_count = params;
    return denied;
}

//  What an answer claims that a marker can deny.
typedef enum {
    S_CLAIMS_NOTHING,
    S_CLAIMS_GOOD,     //  it went well, or goes on
    S_CLAIMS_NO_MONEY, //  none moved, or nobody knows and it may be sent again
    S_CLAIMS_NOTHING_DONE
} s_claim_t;

//  Whether the request is sent again at once, or after a query that finds no order.
static bool
s_may_go_again(const pt_rule_t *rule)
{
    return rule->action == PT_ACTION_RESUBMIT ||
           (rule->action == PT_ACTION_QUERY_STATUS && !(rule->flags & PT_RULE_IF_ABSENT_DEAD_LETTER));
}

//  Where the gateway is asked whatever a marker says, there is nothing to deny. What is sent again must have left
//  nothing behind.
static s_claim_t
s_claim_of(const pt_verdict_t *verdict)
{
    //  The rule of a fallback belongs to no entry.
    const pt_rule_t *rule = verdict->rule;
    if (rule->outcome == PT_OUTCOME_SUCCESS)
        return S_CLAIMS_GOOD;
    if (rule->outcome == PT_OUTCOME_PENDING)
        return rule->action == PT_ACTION_QUERY_STATUS ? S_CLAIMS_NOTHING : S_CLAIMS_GOOD;
    if (rule->outcome == PT_OUTCOME_UNKNOWN)
        return verdict->entry && s_may_go_again(rule) ? S_CLAIMS_NO_MONEY : S_CLAIMS_NOTHING;
    return rule->action == PT_ACTION_RESUBMIT ? S_CLAIMS_NOTHING_DONE : S_CLAIMS_NO_MONEY;
}

//  Markers stand in order of trust: one that goes on says nothing behind one that has `spoken` of an end.
static bool
s_denies(pt_outcome_t marker, s_claim_t claim, bool spoken)
{
    bool settles = marker == PT_OUTCOME_SUCCESS || marker == PT_OUTCOME_PENDING;
    if (claim == S_CLAIMS_GOOD)
        return !settles;
    bool is_done = marker == PT_OUTCOME_SUCCESS;
    bool is_open = marker == PT_OUTCOME_PENDING || marker == PT_OUTCOME_UNKNOWN;
    return is_done || (claim == S_CLAIMS_NOTHING_DONE && is_open && !spoken);
}

static bool
s_is_denied(const pt_query_t *query, s_claim_t claim)
{
    bool spoken = false;
    bool denied = false;
    for (int i = 0; i < query->status_slots && !denied; i++) {
        pt_text_t marker = query->facts->statuses[i];
        if (!pt_text_is_set(marker))
            continue;
        const pt_entry_t *entry = pt_query_ask(query, PT_SPACE_STATUS, marker, PT_TEXT_NONE);
        if (entry)
            denied = s_denies((pt_outcome_t) pt_query_rule(query, entry)->outcome, claim, spoken);
        else
            denied = claim == S_CLAIMS_GOOD && pt_text_equal(marker, PT_TEXT("false"));
        spoken |= entry != NULL;
    }
    return denied;
}

//  One marker needs no second opinion: nothing else could deny what it says.
bool
pt_query_is_denied_by_marker(const pt_query_t *query)
{
    pt_verdict_t *verdict = query->verdict;
    s_claim_t claim = s_claim_of(verdict);
    pt_match_t match = verdict->match;
    size_t params = verdict->param_count;
    if (query->status_slots <= (match == PT_MATCH_STATUS) || claim == S_CLAIMS_NOTHING)
        return false;
    bool denied = s_is_denied(query, claim);
    //  Asking wrote over them.
    verdict->match = match;
    verdict->param_count = params;
    return denied;
}

static bool
s_mean_the_same(const pt_image_t *image, uint32_t left, uint32_t right)
{
    const pt_rule_t *one = &image->rules[image->entries[left].rule];
    const pt_rule_t *other = &image->rules[image->entries[right].rule];
    return one->category == other->category && one->outcome == other->outcome && one->action == other->action;
}

//  Whether the row that answered stands under another code as well. A code that has one meaning whatever the
//  wording stands beside each row that means the same.
static bool
s_stands_in_group(const pt_image_t *image, uint32_t group_id, uint32_t entry)
{
    if (group_id == PT_IMAGE_NONE)
        return false;
    const pt_group_t *group = &image->groups[group_id];
    bool stands = group->own == entry;
    if (!group->pattern_count && group->own != PT_IMAGE_NONE)
        stands |= s_mean_the_same(image, group->own, entry);
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
