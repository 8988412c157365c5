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

//  The reasons of a message.
typedef struct {
    pt_text_t texts[PT_REASONS_MAX];
    bool known[PT_REASONS_MAX]; //  a row answers to it; else it is what the code's own entry says
    size_t count;
} s_reasons_t;

//  List what each reason means. Returns which one decides, the strictest and of equals the first, with its entry; NULL:
//  there is none.
static size_t
s_list_reasons(const pt_query_t *query, const pt_entry_t *own, const s_reasons_t *reasons, const pt_entry_t **out_entry)
{
    pt_verdict_t *verdict = query->verdict;
    size_t decides = 0;
    *out_entry = NULL;
    for (size_t i = 0; i < reasons->count; i++) {
        pt_text_t text = reasons->known[i] ? reasons->texts[i] : PT_TEXT_NONE;
        const pt_entry_t *found = pt_query_ask(query, verdict->code, text);
        //  An image that our compiler did not make may have no entry of the code's own.
        if (!found)
            found = own;
        verdict->reasons[i] = (pt_pair_t) {reasons->texts[i], pt_image_text(&query->catalog->image, found->id)};
        if (*out_entry && s_laxity(pt_query_rule(query, found)) >= s_laxity(pt_query_rule(query, *out_entry)))
            continue;
        *out_entry = found;
        decides = i;
    }
    return decides;
}

const pt_entry_t *
pt_query_ask_reasons(const pt_query_t *query, const pt_entry_t *entry)
{
    pt_verdict_t *verdict = query->verdict;
    pt_match_t match = verdict->match;
    size_t params = verdict->param_count;
    s_reasons_t reasons;
    reasons.count = pt_reasons_split(verdict->message, s_is_reason_known, query, reasons.texts, reasons.known);
    const pt_entry_t *strictest;
    size_t decides = s_list_reasons(query, entry, &reasons, &strictest);
    //  Asking wrote over what the whole message had captured.
    verdict->param_count = 0;
    if (reasons.count) {
        pt_text_t decisive = reasons.known[decides] ? reasons.texts[decides] : PT_TEXT_NONE;
        (void) pt_query_ask(query, verdict->code, decisive);
    } else {
        (void) pt_query_ask(query, verdict->code, match < PT_MATCH_CODE ? verdict->message : PT_TEXT_NONE);
        verdict->match = match;
        verdict->param_count = params;
    }
    verdict->reason_count = reasons.count;
    return strictest ? strictest : entry;
}
