/*  One message that lists several reasons: which row answers to each, and which of them decides. */
#include "pt_lookup_parts.h"

#include "pt_reasons.h"

static bool
s_is_reason_known(const void *context, pt_text_t text)
{
    const pt_query_t *query = context;
    return pt_query_ask(query, query->verdict->code, text) && query->verdict->match < PT_MATCH_CODE;
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

//  A reason that no row knows is what the code's own entry says.
const pt_entry_t *
pt_query_ask_reasons(const pt_query_t *query, const pt_entry_t *entry)
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
        const pt_entry_t *found = pt_query_ask(query, verdict->code, known[i] ? reasons[i] : PT_TEXT_NONE);
        //  An image that our compiler did not make may have no entry of the code's own.
        if (!found)
            found = entry;
        verdict->reasons[i] = (pt_pair_t) {reasons[i], pt_image_text(&query->catalog->image, found->id)};
        if (strictest && s_laxity(pt_query_rule(query, found)) >= s_laxity(pt_query_rule(query, strictest)))
            continue;
        strictest = found;
        decides = i;
    }
    //  Asking wrote over what the whole message had captured.
    verdict->param_count = 0;
    pt_text_t decisive = count ? reasons[decides] : verdict->message;
    if (count ? known[decides] : match < PT_MATCH_CODE)
        (void) pt_query_ask(query, verdict->code, decisive);
    else
        (void) pt_query_ask(query, verdict->code, PT_TEXT_NONE);
    if (!count) {
        verdict->match = match;
        verdict->param_count = params;
    }
    verdict->reason_count = count;
    return count ? strictest : entry;
}
