/*  Answers that do not agree with themselves: a success that another part denies, and codes that should
 *  repeat each other and do not.
 */
#include "pt_lookup_parts.h"

//  Whether another code of the body says that it did not go well; one that is trusted more, and that no row knows,
//  may say so. An order in progress that is asked about in any case need not be doubted for that.
bool
pt_query_is_denied_by_code(const pt_query_t *query)
{
    bool denied = false;
    bool is_trusted_more = query->verdict->rule->action == PT_ACTION_NONE;
    for (unsigned left = query->codes; left; left &= left - 1) {
        pt_text_t code = query->facts->codes[__builtin_ctz(left)];
        if (pt_text_equal(code, query->verdict->code)) {
            is_trusted_more = false;
            continue;
        }
        const pt_entry_t *other = pt_query_find(query, PT_SPACE_CODE, code);
        denied |= other ? !pt_query_settles(query, other) : is_trusted_more;
    }
    return denied;
}

//  What a rule asks for, as far as it matters here.
typedef enum {
    S_DOES_OTHERWISE,
    S_SENDS_AGAIN,
    S_ASKS,
    S_ASKS_AND_SENDS, //  again, when no order is found
    S_HANDLING_COUNT
} s_handling_t;

static s_handling_t
s_handling_of(const pt_rule_t *rule)
{
    unsigned asks = rule->action == PT_ACTION_QUERY_STATUS;
    unsigned sends = asks ? !(rule->flags & PT_RULE_IF_ABSENT_DEAD_LETTER) : rule->action == PT_ACTION_RESUBMIT;
    return (s_handling_t) (asks << 1 | sends);
}

//  What an answer claims that a marker can deny.
typedef enum {
    S_CLAIMS_NOTHING,   //  the gateway is asked, whatever a marker says
    S_CLAIMS_GOOD,      //  it went well, or goes on
    S_CLAIMS_NO_MONEY,  //  nobody knows, or none moved, and it may be sent again after a question
    S_CLAIMS_AN_END,    //  no money moved and none will
    S_CLAIMS_A_NEW_TRY, //  the same, and the payer may pay in another way
    S_CLAIMS_NOTHING_DONE,
    S_CLAIM_COUNT
} s_claim_t;

//  Tables, since nobody can foresee what kind of rule it is. What is sent again must have left nothing behind.
static const uint8_t s_claims[PT_OUTCOME_COUNT_][S_HANDLING_COUNT] = {
    [PT_OUTCOME_SUCCESS] = {S_CLAIMS_GOOD, S_CLAIMS_GOOD, S_CLAIMS_GOOD, S_CLAIMS_GOOD},
    [PT_OUTCOME_PENDING] = {S_CLAIMS_GOOD, S_CLAIMS_GOOD, S_CLAIMS_NOTHING, S_CLAIMS_NOTHING},
    [PT_OUTCOME_UNKNOWN] = {S_CLAIMS_NOTHING, S_CLAIMS_NO_MONEY, S_CLAIMS_NOTHING, S_CLAIMS_NO_MONEY},
    [PT_OUTCOME_DECLINED] = {S_CLAIMS_AN_END, S_CLAIMS_NOTHING_DONE, S_CLAIMS_NO_MONEY, S_CLAIMS_NO_MONEY},
    [PT_OUTCOME_NOT_EXECUTED] = {S_CLAIMS_AN_END, S_CLAIMS_NOTHING_DONE, S_CLAIMS_NO_MONEY, S_CLAIMS_NO_MONEY},
};

#define S_DONE PT_OUTCOME_BIT(PT_OUTCOME_SUCCESS)
#define S_OPEN (PT_OUTCOME_BIT(PT_OUTCOME_PENDING) | PT_OUTCOME_BIT(PT_OUTCOME_UNKNOWN))
#define S_ENDED_BADLY (PT_OUTCOME_BIT(PT_OUTCOME_DECLINED) | PT_OUTCOME_BIT(PT_OUTCOME_NOT_EXECUTED))

//  The outcomes of markers that deny a claim: of the first that is known, and of those behind it. Markers stand in
//  order of trust: one that goes on says nothing behind one that has spoken of an end.
static const struct {
    uint8_t first, behind;
} s_denials[S_CLAIM_COUNT] = {
    [S_CLAIMS_GOOD] = {S_ENDED_BADLY | PT_OUTCOME_BIT(PT_OUTCOME_UNKNOWN),
                       S_ENDED_BADLY | PT_OUTCOME_BIT(PT_OUTCOME_UNKNOWN)},
    [S_CLAIMS_NO_MONEY] = {S_DONE, S_DONE},
    [S_CLAIMS_AN_END] = {S_DONE | PT_OUTCOME_BIT(PT_OUTCOME_PENDING), S_DONE},
    [S_CLAIMS_A_NEW_TRY] = {S_DONE | S_OPEN, S_DONE},
    [S_CLAIMS_NOTHING_DONE] = {S_DONE | S_OPEN, S_DONE},
};

static s_claim_t
s_claim_of(const pt_verdict_t *verdict)
{
    const pt_rule_t *rule = verdict->rule;
    //  The rule of a fallback belongs to no entry, and what it does not know it does not claim.
    bool is_silent = (rule->outcome == PT_OUTCOME_UNKNOWN) & !verdict->entry;
    s_claim_t claim = (s_claim_t) (is_silent ? S_CLAIMS_NOTHING : s_claims[rule->outcome][s_handling_of(rule)]);
    return claim == S_CLAIMS_AN_END && pt_rule_asks_to_pay(rule) ? S_CLAIMS_A_NEW_TRY : claim;
}

//  What "false" denies. Where a row calls it an order that goes on, it is no order that went well; but what was asked
//  for may well leave one that is not paid, such as a reversal, and a row for that operation knows.
static bool
s_is_denied_by_false(const pt_query_t *query, s_claim_t claim, const pt_entry_t *row_of_false)
{
    const pt_verdict_t *verdict = query->verdict;
    if (!row_of_false)
        return claim == S_CLAIMS_GOOD;
    return verdict->rule->outcome == PT_OUTCOME_SUCCESS && verdict->entry && !verdict->entry->operations.bytes;
}

bool
pt_query_is_denied_by_marker(const pt_query_t *query)
{
    s_claim_t claim = s_claim_of(query->verdict);
    if (claim == S_CLAIMS_NOTHING)
        return false;
    unsigned denials = s_denials[claim].first;
    for (unsigned left = query->statuses; left; left &= left - 1) {
        pt_text_t marker = query->facts->statuses[__builtin_ctz(left)];
        const pt_entry_t *entry = pt_query_find(query, PT_SPACE_STATUS, marker);
        bool is_false = pt_text_equal(marker, PT_TEXT("false"));
        if (is_false && s_is_denied_by_false(query, claim, entry))
            return true;
        //  "Not paid" stands in what goes on and in what has failed.
        if (!entry || (is_false && (claim == S_CLAIMS_AN_END || claim == S_CLAIMS_A_NEW_TRY)))
            continue;
        if (denials >> pt_query_rule(query, entry)->outcome & 1)
            return true;
        denials = s_denials[claim].behind;
    }
    return false;
}

bool
pt_query_shows_end(const pt_query_t *query)
{
    const pt_rule_t *asked = query->verdict->rule;
    bool is_asked = asked->outcome != PT_OUTCOME_NOT_EXECUTED && s_handling_of(asked) != S_DOES_OTHERWISE;
    is_asked |= query->without_payer & pt_rule_asks_to_pay(asked);
    if (!is_asked)
        return false;
    for (unsigned left = query->statuses; left; left &= left - 1) {
        pt_text_t marker = query->facts->statuses[__builtin_ctz(left)];
        const pt_entry_t *entry = pt_query_find(query, PT_SPACE_STATUS, marker);
        if (!entry)
            continue;
        const pt_rule_t *rule = pt_query_rule(query, entry);
        return s_handling_of(rule) == S_DOES_OTHERWISE && (S_ENDED_BADLY >> rule->outcome & 1);
    }
    return false;
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

static unsigned
s_digit(char byte)
{
    return (unsigned) ((unsigned char) byte - '0');
}

//  A code that repeats the HTTP status repeats another one.
static bool
s_is_status_another(const pt_query_t *query, uint8_t place)
{
    pt_text_t code = query->facts->codes[pt_status_place_slot(place)];
    size_t offset = pt_status_place_offset(place);
    if (!query->response->http_status || code.len < offset + PT_STATUS_DIGITS)
        return false;
    const char *digits = code.data + offset;
    unsigned hundreds = s_digit(digits[0]), tens = s_digit(digits[1]), ones = s_digit(digits[2]);
    bool are_digits = (hundreds < 10) & (tens < 10) & (ones < 10);
    return !are_digits | (100 * hundreds + 10 * tens + ones != query->response->http_status);
}

//  It has changed, or somebody between it and us has. Codes are compared where a message has told which row it is.
bool
pt_query_drifts(const pt_query_t *query, uint8_t place)
{
    if (s_is_status_another(query, place))
        return true;
    pt_match_t match = query->verdict->match;
    if (match != PT_MATCH_MESSAGE && match != PT_MATCH_TEMPLATE)
        return false;
    for (unsigned left = query->codes; left; left &= left - 1) {
        pt_text_t code = query->facts->codes[__builtin_ctz(left)];
        if (!pt_text_equal(code, query->verdict->code) && !s_stands_under(query, code))
            return true;
    }
    return false;
}
