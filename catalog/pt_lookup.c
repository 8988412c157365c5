/*  Lookups in an opened image.
 *
 *  The rungs of a lookup, first to last: code with its message, code, status marker, HTTP status or
 *  class, and the answers of last resort. pt_catalog_lookup, at the end, shows their order; each of
 *  them is one function above it. Nothing here allocates, and nothing writes to the catalog.
 */
#include "pt_lookup_parts.h"

#include "pt_fallback.h"

#include <assert.h>

static void
s_answer(const pt_query_t *query, const pt_entry_t *entry)
{
    const pt_image_t *image = &query->catalog->image;
    query->verdict->entry = entry;
    query->verdict->rule = pt_query_rule(query, entry);
    query->verdict->entry_id = pt_image_text(image, entry->id);
    query->verdict->summary = pt_image_text(image, entry->summary);
}

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
    for (int i = 0; i < query->code_slots; i++) {
        if (!pt_text_is_set(query->facts->codes[i]))
            continue;
        query->verdict->code = query->facts->codes[i];
        query->verdict->message = query->facts->messages[i];
        return;
    }
    for (int i = 0; i < query->code_slots && !query->verdict->message.data; i++)
        query->verdict->message = query->facts->messages[i];
}

//  Where one code stands in several slots, each brings a message of its own (SmilePayz: message and
//  responseMessage). One that names a row beats the code's own entry.
static const pt_entry_t *
s_ask_same_code(const pt_query_t *query, int found, const pt_entry_t *entry)
{
    pt_text_t code = query->facts->codes[found];
    for (int i = found + 1; i < query->code_slots && query->verdict->match >= PT_MATCH_CODE; i++) {
        pt_text_t message = query->facts->messages[i];
        pt_match_t match = query->verdict->match;
        if (!message.data || !pt_text_equal(query->facts->codes[i], code))
            continue;
        const pt_entry_t *other = pt_query_ask(query, PT_SPACE_CODE, code, message);
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
    bool is_present = false;
    for (int i = 0; i < query->code_slots; i++) {
        pt_text_t code = query->facts->codes[i];
        if (!pt_text_is_set(code))
            continue;
        is_present = true;
        const pt_entry_t *entry = pt_query_ask(query, PT_SPACE_CODE, code, query->facts->messages[i]);
        if (!entry)
            continue;
        query->verdict->code = code;
        query->verdict->message = query->facts->messages[i];
        entry = s_ask_same_code(query, i, entry);
        if (pt_query_rule(query, entry)->flags & PT_RULE_LISTS_REASONS)
            entry = pt_query_ask_reasons(query, entry);
        s_answer(query, entry);
        return true;
    }
    query->verdict->code_unknown = is_present;
    return false;
}

static void
s_answer_by_marker(const pt_query_t *query, const pt_entry_t *entry)
{
    query->verdict->match = PT_MATCH_STATUS;
    query->verdict->param_count = 0;
    s_answer(query, entry);
}

//  Request fields are named where something is wrong with them, also where no code says so.
static bool
s_blames_fields(const pt_query_t *query)
{
    return (query->facts->field_count | query->facts->fields_dropped) != 0;
}

//  Rung two: the first status marker that some row knows. Where something more trusted stands before
//  it that nobody knows (a code, another marker), or faulty fields do, a marker may still say that the
//  payment failed, but not that it went well. A marker that only says how far it came leaves the answer to a
//  known one behind it.
static bool
s_ask_statuses(pt_query_t *query)
{
    const pt_entry_t *deferring = NULL;
    bool is_doubtful = query->verdict->code_unknown | s_blames_fields(query);
    for (int i = 0; i < query->status_slots; i++) {
        pt_text_t marker = query->facts->statuses[i];
        if (!pt_text_is_set(marker))
            continue;
        pt_match_t match = query->verdict->match;
        const pt_entry_t *entry = pt_query_ask(query, PT_SPACE_STATUS, marker, PT_TEXT_NONE);
        query->verdict->match = match;
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

//  A gateway that says something where its errors stand does not say that all went well, even if
//  nobody can read what it says.
static bool
s_speaks_of_trouble(const pt_query_t *query)
{
    bool has_message = false;
    for (int i = 0; i < query->code_slots; i++)
        has_message |= pt_text_is_set(query->facts->messages[i]);
    return has_message || query->facts->is_odd || query->verdict->code_unknown || query->marker_unknown ||
           s_blames_fields(query);
}

//  Rung three: the gateway's own row for an HTTP status, or for its class. A success needs a body
//  that says nothing unknown.
static bool
s_ask_http(const pt_query_t *query)
{
    unsigned status = query->response->http_status;
    bool is_doubtful = !query->facts->is_map || s_speaks_of_trouble(query);
    if (status < 100 || status > 999 || (status / 100 == 2 && is_doubtful))
        return false;
    char digits[3] = {(char) ('0' + status / 100), (char) ('0' + status / 10 % 10), (char) ('0' + status % 10)};
    const pt_entry_t *entry = pt_query_ask(query, PT_SPACE_HTTP, (pt_text_t) {digits, 3}, PT_TEXT_NONE);
    digits[1] = digits[2] = 'x';
    if (!entry)
        entry = pt_query_ask(query, PT_SPACE_HTTP, (pt_text_t) {digits, 3}, PT_TEXT_NONE);
    if (!entry)
        return false;
    query->verdict->match = PT_MATCH_HTTP_CLASS;
    s_answer(query, entry);
    return true;
}

//  Rung four.
static void
s_fall_back(const pt_query_t *query)
{
    bool code_present = query->verdict->code_unknown || query->marker_unknown;
    const pt_response_t *response = query->response;
    const pt_fallback_t *fallback = pt_fallback_find(response->http_status, response->transport, code_present);
    query->verdict->rule = &fallback->rule;
    query->verdict->match = fallback->match;
    query->verdict->summary = fallback->summary;
}

static bool
s_is_try_forbidden(const pt_query_t *query)
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

//  Most gateways fill one place or two; what is behind them is looked at once.
static void
s_count_slots(pt_query_t *query)
{
    const pt_facts_t *facts = query->facts;
    query->code_slots = PT_CODE_SLOTS;
    query->status_slots = PT_STATUS_SLOTS;
    while (query->code_slots && !facts->codes[query->code_slots - 1].data &&
           !facts->messages[query->code_slots - 1].data)
        query->code_slots--;
    while (query->status_slots && !facts->statuses[query->status_slots - 1].data)
        query->status_slots--;
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
    s_count_slots(&query);
    if (!provider) {
        s_show_first_code(&query);
        //  Perhaps a name with a typo: whatever came back, somebody must be told.
        out_verdict->code_unknown = true;
        s_fall_back(&query);
        return;
    }
    pt_query_resolve_operation(&query);
    out_verdict->do_not_retry = s_is_try_forbidden(&query);
    if (s_ask_codes(&query)) {
        out_verdict->contradicted = pt_query_is_contradicted(&query);
        out_verdict->drifts = pt_query_drifts(&query);
        if (!(out_verdict->rule->flags & PT_RULE_DEFER_TO_STATUS) || s_ask_statuses(&query)) {
            out_verdict->contradicted |= pt_query_is_denied_by_marker(&query);
            return;
        }
        if (!query.marker_unknown && !facts->is_odd)
            return;
        s_forget_answer(&query);
    } else {
        s_show_first_code(&query);
    }
    if (!s_ask_statuses(&query) && !s_ask_http(&query))
        s_fall_back(&query);
    out_verdict->contradicted |= pt_query_is_denied_by_marker(&query);
}
