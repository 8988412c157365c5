/*  Lookups in an opened image.
 *
 *  The rungs of a lookup, first to last: code with its message, code, status marker, HTTP status or
 *  class, and the answers of last resort. pt_catalog_lookup, at the end, shows their order; each of
 *  them is one function above it. Nothing here allocates, and nothing writes to the catalog.
 */
#include "pt_lookup_parts.h"

#include <assert.h>

//  The code only said that the request was taken, and what became of the order is said in a word
//  that nobody knows: then nobody knows.
static void
s_forget_answer(const pt_query_t *query)
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
s_show_first_code(const pt_query_t *query)
{
    pt_verdict_t *verdict = query->verdict;
    const pt_text_t *messages = query->facts->messages;
    if (query->codes) {
        int first = __builtin_ctz(query->codes);
        verdict->code = query->facts->codes[first];
        verdict->message = messages[first];
        return;
    }
    for (int i = 0; i < PT_CODE_SLOTS && !verdict->message.data; i++)
        verdict->message = messages[i];
}

//  Where one code stands in several places, each brings a message of its own (SmilePayz: message and
//  responseMessage). One that names a row beats the code's own entry. `others` are the places behind the first.
static const pt_entry_t *
s_ask_same_code(const pt_query_t *query, unsigned others, const pt_entry_t *entry)
{
    pt_text_t code = query->verdict->code;
    for (; others && query->verdict->match >= PT_MATCH_CODE; others &= others - 1) {
        int i = __builtin_ctz(others);
        pt_text_t message = query->facts->messages[i];
        pt_match_t match = query->verdict->match;
        if (!message.data || !pt_text_equal(query->facts->codes[i], code))
            continue;
        const pt_entry_t *other = pt_query_ask(query, code, message);
        if (query->verdict->match >= match) {
            query->verdict->match = match;
            continue;
        }
        entry = other;
        query->verdict->message = message;
    }
    return entry;
}

//  Rung one: the first code that some row knows. Notes a code that no row knows.
static bool
s_ask_codes(const pt_query_t *query)
{
    for (unsigned left = query->codes; left; left &= left - 1) {
        int i = __builtin_ctz(left);
        pt_text_t code = query->facts->codes[i];
        pt_text_t message = query->facts->messages[i];
        const pt_entry_t *entry = pt_query_ask(query, code, message);
        if (!entry)
            continue;
        query->verdict->code = code;
        query->verdict->message = message;
        entry = s_ask_same_code(query, left & (left - 1), entry);
        if (pt_query_rule(query, entry)->flags & PT_RULE_LISTS_REASONS)
            entry = pt_query_ask_reasons(query, entry);
        pt_query_answer(query, entry);
        return true;
    }
    query->verdict->code_unknown = query->codes != 0;
    return false;
}

static void
s_answer_by_marker(const pt_query_t *query, const pt_entry_t *entry)
{
    query->verdict->match = PT_MATCH_STATUS;
    query->verdict->param_count = 0;
    pt_query_answer(query, entry);
}

//  Rung two: the first status marker that some row knows. Where something more trusted stands before
//  it that nobody knows (a code, another marker), or nobody can read, or faulty fields do, a marker may still say that
//  the payment failed, but not that it went well. A marker that only says how far it came leaves the answer to a known
//  one behind it.
static bool
s_ask_statuses(pt_query_t *query)
{
    const pt_entry_t *deferring = NULL;
    bool is_doubtful = query->verdict->code_unknown | query->facts->is_illegible | pt_query_blames_fields(query);
    for (unsigned left = query->statuses; left; left &= left - 1) {
        pt_text_t marker = query->facts->statuses[__builtin_ctz(left)];
        const pt_entry_t *entry = pt_query_find(query, PT_SPACE_STATUS, marker);
        if (!entry)
            query->marker_unknown = is_doubtful = true;
        if (!entry || (is_doubtful && pt_query_settles(query, entry)))
            continue;
        if (!(pt_query_rule(query, entry)->flags & PT_RULE_DEFER_TO_STATUS)) {
            s_answer_by_marker(query, entry);
            return true;
        }
        if (!deferring)
            deferring = entry;
    }
    if (!deferring || (is_doubtful && pt_query_settles(query, deferring)))
        return false;
    s_answer_by_marker(query, deferring);
    return true;
}

static bool
s_is_forbidding(const pt_query_t *query, pt_text_t advice)
{
    const pt_image_t *image = &query->catalog->image;
    const pt_gateway_t *gateway = query->provider->gateway;
    for (uint32_t i = 0; i < gateway->advice_count; i++)
        if (pt_text_equal(pt_image_text(image, image->advice[gateway->first_advice + i]), advice))
            return true;
    return false;
}

static bool
s_is_try_forbidden(const pt_query_t *query)
{
    for (int i = 0; i < PT_ADVICE_SLOTS; i++) {
        pt_text_t advice = query->facts->advice[i];
        if (pt_text_is_set(advice) && s_is_forbidding(query, advice))
            return true;
    }
    return false;
}

#ifdef __SSE2__
//  The lengths of four texts, which are below 2^31. Each is loaded by itself: a text that has just been written as
//  two words would have to be waited for as one.
static inline __m128i
s_load_lengths(const pt_text_t *one, const pt_text_t *two)
{
    __m128i low = _mm_set_epi64x((long long) one[1].len, (long long) one[0].len);
    __m128i high = _mm_set_epi64x((long long) two[1].len, (long long) two[0].len);
    __m128 both = _mm_shuffle_ps(_mm_castsi128_ps(low), _mm_castsi128_ps(high), _MM_SHUFFLE(2, 0, 2, 0));
    return _mm_castps_si128(both);
}
#endif

_Static_assert(PT_CODE_SLOTS == 6 && PT_STATUS_SLOTS == 6, "three pairs of either");

//  Which places are filled, all asked at once: how many nobody can foresee.
static inline void
s_find_filled(pt_query_t *query)
{
    const pt_text_t *codes = query->facts->codes;
    const pt_text_t *statuses = query->facts->statuses;
#ifdef __SSE2__
    __m128i first = s_load_lengths(codes, codes + 2);
    __m128i second = s_load_lengths(codes + 4, statuses);
    __m128i third = s_load_lengths(statuses + 2, statuses + 4);
    __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(first, second), _mm_packs_epi32(third, third));
    unsigned filled = ~(unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    query->codes = filled & ((1u << PT_CODE_SLOTS) - 1);
    query->statuses = filled >> PT_CODE_SLOTS & ((1u << PT_STATUS_SLOTS) - 1);
#else
    query->codes = query->statuses = 0;
    for (unsigned i = 0; i < PT_CODE_SLOTS; i++)
        query->codes |= (unsigned) pt_text_is_set(codes[i]) << i;
    for (unsigned i = 0; i < PT_STATUS_SLOTS; i++)
        query->statuses |= (unsigned) pt_text_is_set(statuses[i]) << i;
#endif
}

//  A success that another code of the body denies; or an answer to another operation that would settle this one or
//  send it again. One of the two is wrong, and which one cannot be told from here.
static inline bool
s_is_contradicted(const pt_query_t *query)
{
    const pt_verdict_t *verdict = query->verdict;
    bool settles = pt_query_settles(query, verdict->entry);
    if (query->misfiled)
        return settles || verdict->rule->action == PT_ACTION_RESUBMIT;
    return settles && pt_query_is_denied_by_code(query);
}

//  The code that answers stands where no payer is meant, if only behind one that no row knows.
static bool
s_answers_without_payer(const pt_query_t *query)
{
    unsigned places = query->provider->codes_without_payer;
    for (unsigned left = query->codes; places && left; left &= left - 1) {
        int i = __builtin_ctz(left);
        if (query->facts->codes[i].data == query->verdict->code.data)
            return places >> i & 1;
    }
    return false;
}

//  The payer is asked to pay, and has no part in what was asked for: the answer is about the payment behind it, or
//  about another request.
static inline bool
s_is_meant_for_payer(const pt_query_t *query)
{
    return query->without_payer & pt_rule_asks_to_pay(query->verdict->rule);
}

//  A gateway whose codes repeat each other, and do not.
static inline bool
s_drifts(const pt_query_t *query)
{
    uint8_t place = query->provider->gateway->status_place;
    return place && pt_query_drifts(query, place);
}

//  One marker needs no second opinion: nothing else could deny what it says.
static inline bool
s_is_denied_by_marker(const pt_query_t *query)
{
    bool is_single = !(query->statuses & (query->statuses - 1));
    if (!query->statuses || (is_single && query->verdict->match == PT_MATCH_STATUS))
        return false;
    return pt_query_is_denied_by_marker(query);
}

static uint16_t
s_find_name(const pt_query_t *query, pt_text_t name)
{
    const pt_phash_t *table = &query->catalog->image.table;
    const pt_slot_t *slot = pt_phash_find(table, PT_SPACE_OPERATION, query->provider->index, name);
    return slot ? (uint16_t) slot->values[PT_SLOT_OPERATIONS] : PT_OPERATION_OTHER;
}

#define S_NAME_BYTES 64 //  no name or alias is longer

//  An operation by name or alias; a slash in front, as of an endpoint's path, makes no difference. Nor do capitals
//  where no name is written so: programs call it REFUND, and who is not understood has the guards of no operation.
static uint16_t
s_find_operation(const pt_query_t *query, pt_text_t name)
{
    if (name.len && name.data[0] == '/')
        name = (pt_text_t) {name.data + 1, name.len - 1};
    uint16_t operation = s_find_name(query, name);
    if (operation != PT_OPERATION_OTHER || name.len > S_NAME_BYTES)
        return operation;
    char small[S_NAME_BYTES];
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];
        small[i] = byte >= 'A' && byte <= 'Z' ? (char) (byte - 'A' + 'a') : byte;
    }
    return s_find_name(query, (pt_text_t) {small, name.len});
}

//  The operation that a code names by its digits.
static uint16_t
s_derive_operation(const pt_query_t *query)
{
    const pt_gateway_t *gateway = query->provider->gateway;
    if (gateway->digits_length == 0)
        return PT_OPERATION_OTHER;
    pt_text_t code = query->facts->codes[gateway->digits_slot];
    if (code.len < (size_t) gateway->digits_offset + gateway->digits_length)
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
s_kind_of(const pt_query_t *query, uint16_t operation)
{
    if (operation == PT_OPERATION_OTHER)
        return PT_OPERATION_UNNAMED;
    return (pt_operation_kind_t) query->catalog->image.operations[operation].kind;
}

//  By the operation, or by the place where the most trusted code stands: a refund's code names what it is about also
//  in a webhook and in the answer to a question, which name none.
static bool
s_has_no_payer(const pt_query_t *query)
{
    unsigned first = query->codes & (0U - query->codes);
    if (first & query->provider->codes_without_payer)
        return true;
    return query->operation != PT_OPERATION_OTHER &&
           (query->catalog->image.operations[query->operation].flags & PT_OPERATION_WITHOUT_PAYER);
}

static void
s_resolve_operation(pt_query_t *query)
{
    bool is_given = pt_text_is_set(query->response->operation);
    uint16_t given = is_given ? s_find_operation(query, query->response->operation) : PT_OPERATION_OTHER;
    uint16_t derived = s_derive_operation(query);
    query->operation = given != PT_OPERATION_OTHER ? given : derived;
    query->misfiled = given != PT_OPERATION_OTHER && derived != PT_OPERATION_OTHER && given != derived;
    query->without_payer = s_has_no_payer(query);
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

//  The params are left alone: param_count says how many of them mean something.
static void
s_clear_verdict(const pt_query_t *query)
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
    verdict->shows_end = false;
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

    pt_query_t query = {.catalog = self,
                        .provider = provider,
                        .response = response,
                        .facts = facts,
                        .verdict = out_verdict,
                        .operation = PT_OPERATION_OTHER};
    s_clear_verdict(&query);
    s_find_filled(&query);
    if (!provider) {
        s_show_first_code(&query);
        //  Perhaps a name with a typo: whatever came back, somebody must be told.
        out_verdict->code_unknown = true;
        pt_query_fall_back(&query);
        return;
    }
    s_resolve_operation(&query);
    out_verdict->do_not_retry = s_is_try_forbidden(&query);
    if (s_ask_codes(&query)) {
        query.without_payer |= s_answers_without_payer(&query);
        out_verdict->contradicted = s_is_contradicted(&query);
        out_verdict->drifts = s_drifts(&query);
        if (!(out_verdict->rule->flags & PT_RULE_DEFER_TO_STATUS) || s_ask_statuses(&query)) {
            out_verdict->contradicted |= s_is_denied_by_marker(&query) || s_is_meant_for_payer(&query);
            if (query.statuses && out_verdict->kind == PT_OPERATION_READ)
                out_verdict->shows_end = pt_query_shows_end(&query);
            return;
        }
        if (!query.marker_unknown && !facts->is_odd)
            return;
        s_forget_answer(&query);
    } else {
        s_show_first_code(&query);
    }
    if (!s_ask_statuses(&query) && !pt_query_ask_http(&query))
        pt_query_fall_back(&query);
    out_verdict->contradicted |= s_is_denied_by_marker(&query) || s_is_meant_for_payer(&query);
}
