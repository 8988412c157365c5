/*  The last rungs: what the HTTP status says where neither a code nor a marker does, and what is said where no row
 *  answers at all. Apart, so that the others have what they need in registers.
 */
#include "pt_lookup_parts.h"

#include "pt_fallback.h"

//  A gateway that says something where its errors stand does not say that all went well, even if
//  nobody can read what it says.
static bool
s_speaks_of_trouble(const pt_query_t *query)
{
    size_t message_bytes = 0;
    for (int i = 0; i < PT_CODE_SLOTS; i++)
        message_bytes |= query->facts->messages[i].len;
    return message_bytes || query->facts->is_odd || query->verdict->code_unknown || query->marker_unknown ||
           pt_query_blames_fields(query);
}

//  The gateway's own row for an HTTP status, or for its class. A success needs a body
//  that says nothing unknown.
bool
pt_query_ask_http(const pt_query_t *query)
{
    unsigned status = query->response->http_status;
    bool is_doubtful = !query->facts->is_map || s_speaks_of_trouble(query);
    if (status < 100 || status > 999 || (status / 100 == 2 && is_doubtful))
        return false;
    char digits[3] = {(char) ('0' + status / 100), (char) ('0' + status / 10 % 10), (char) ('0' + status % 10)};
    const pt_entry_t *entry = pt_query_find(query, PT_SPACE_HTTP, (pt_text_t) {digits, 3});
    digits[1] = digits[2] = 'x';
    if (!entry)
        entry = pt_query_find(query, PT_SPACE_HTTP, (pt_text_t) {digits, 3});
    if (!entry)
        return false;
    query->verdict->match = PT_MATCH_HTTP_CLASS;
    pt_query_answer(query, entry);
    return true;
}

void
pt_query_fall_back(const pt_query_t *query)
{
    bool code_present = query->verdict->code_unknown || query->marker_unknown;
    const pt_response_t *response = query->response;
    const pt_fallback_t *fallback = pt_fallback_find(response->http_status, response->transport, code_present);
    query->verdict->rule = &fallback->rule;
    query->verdict->match = fallback->match;
    query->verdict->summary = fallback->summary;
}
