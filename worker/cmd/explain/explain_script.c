/*  What to tell the merchant: the entry's own sentence, or one for each category, with what the message named. */
#include "explain.h"

#include "pt_template.h"

#include <string.h>

//  `named` is for answers whose message names something; "{value}" stands for it.
typedef struct {
    const char *named, *plain;
} script_t;

#define CHECK_STATUS "Please ask for the order's status before sending anything again."
#define GOES_ON "The order is being processed. Please wait for its result, or ask for its status."
#define NOT_CERTAIN "It is not certain yet what became of the order. " CHECK_STATUS
#define IS_OVER "The order is over: it was cancelled or refunded, or has expired."
#define LOOKED_INTO "We are looking into this answer of the gateway. " CHECK_STATUS

static const script_t s_scripts[PT_CATEGORY_COUNT_] = {
    [PT_CATEGORY_ACCEPTED] = {NULL, "The request was accepted; there is nothing to do."},
    [PT_CATEGORY_PENDING] = {NULL, GOES_ON},
    [PT_CATEGORY_OUTCOME_UNKNOWN] = {NULL, NOT_CERTAIN},
    [PT_CATEGORY_DUPLICATE] = {NULL, "This order has been sent before. " CHECK_STATUS},
    [PT_CATEGORY_RATE_LIMITED] = {NULL, "Too many requests arrive in too short a time. Please wait, and send fewer."},
    [PT_CATEGORY_PROVIDER_UNAVAILABLE] = {NULL, "The payment channel is not available for the moment. Please try again "
                                                "later; we look into it if it lasts."},
    [PT_CATEGORY_CHANNEL_LIMIT] = {NULL, "The limit of the payment channel is used up. Please try again later."},
    [PT_CATEGORY_AUTH_SIGNATURE] = {NULL, "The request could not be verified. Please check key, token and signature."},
    [PT_CATEGORY_NETWORK_ALLOWLIST] = {NULL,
                                       "Your server's address is not on the allow-list. Please confirm the address "
                                       "to us, so that it can be added."},
    [PT_CATEGORY_MERCHANT_CONFIG] = {NULL,
                                     "Your account is not set up for this. Please check its settings and channels."},
    [PT_CATEGORY_MERCHANT_BALANCE] = {NULL, "Your account's balance does not suffice. Please top it up first."},
    [PT_CATEGORY_REQUEST_INVALID] = {"The request is not correct: {value}. Please correct it and send it again.",
                                     "The request is not correct. Please check its data and send it again."},
    [PT_CATEGORY_NOT_FOUND] = {"Nothing is known under {value}. Please check it and send the request again.",
                               "What the request names does not exist. Please check its numbers and ids."},
    [PT_CATEGORY_STATE_CONFLICT] = {NULL, "The order's present state does not allow this. Please check its status."},
    [PT_CATEGORY_DECLINE_SOFT] = {NULL, "The payment was declined. The payer may try another way to pay."},
    [PT_CATEGORY_DECLINE_HARD] =
        {NULL, "The payment was declined for good. Please ask the payer for another card or account."},
    [PT_CATEGORY_DECLINE_FIX_DATA] = {NULL, "The payment details are not correct. Please ask the payer to check them."},
    [PT_CATEGORY_CUSTOMER_ACTION] =
        {NULL, "The payer has to confirm the payment. Please ask the payer to pay once more in person."},
    [PT_CATEGORY_CANCELLED_EXPIRED] = {NULL, "The order was cancelled or has expired. Please create a new one."},
    [PT_CATEGORY_RISK_SECURITY] = {NULL,
                                   "The request was stopped by a security check, which we have to look into. Please "
                                   "give us the merchant id and the time of the request."},
    [PT_CATEGORY_PROVIDER_BUG] =
        {NULL, "The gateway has a fault of its own, and we have passed the details on. " CHECK_STATUS},
    [PT_CATEGORY_UNKNOWN_CODE] = {NULL, LOOKED_INTO},
    [PT_CATEGORY_INVALID_RESPONSE] = {NULL, LOOKED_INTO},
};

//  For an order that may have been carried out, or goes on, in the place of a sentence that would have it sent or paid
//  again.
static const char *const s_unsure[PT_CATEGORY_COUNT_] = {
    [PT_CATEGORY_RATE_LIMITED] = "Too many requests arrive in too short a time. " CHECK_STATUS,
    [PT_CATEGORY_PROVIDER_UNAVAILABLE] = "The payment channel is not available for the moment. " CHECK_STATUS,
    [PT_CATEGORY_CHANNEL_LIMIT] = "The limit of the payment channel is used up. " CHECK_STATUS,
    [PT_CATEGORY_REQUEST_INVALID] = LOOKED_INTO,
    [PT_CATEGORY_NOT_FOUND] = LOOKED_INTO,
    [PT_CATEGORY_DECLINE_SOFT] = NOT_CERTAIN,
    [PT_CATEGORY_DECLINE_HARD] = NOT_CERTAIN,
    [PT_CATEGORY_DECLINE_FIX_DATA] = NOT_CERTAIN,
    [PT_CATEGORY_CUSTOMER_ACTION] = GOES_ON,
    [PT_CATEGORY_CANCELLED_EXPIRED] = NOT_CERTAIN,
};

//  Foreign bytes: control characters are shown as '?'. What has no room is left out whole.
static size_t
s_add_value(pt_text_t value, char *out, size_t room)
{
    value = pt_text_cut(value, PT_PARAM_BYTES_MAX);
    if (value.len >= room)
        return 0;
    for (size_t byte = 0; byte < value.len; byte++)
        out[byte] = (unsigned char) value.data[byte] < ' ' || value.data[byte] == 0x7f ? '?' : value.data[byte];
    return value.len;
}

//  All captured values, ", " between them.
static size_t
s_add_values(const pt_decision_t *decision, char *out, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < decision->param_count; i++) {
        pt_text_t value = decision->params[i].value;
        if (value.len == 0 || at + value.len + 3 > room)
            continue;
        if (at) {
            memcpy(out + at, ", ", 2);
            at += 2;
        }
        at += s_add_value(value, out + at, room - at);
    }
    return at;
}

static pt_text_t
s_find_value(const pt_decision_t *decision, pt_text_t name)
{
    for (size_t i = 0; i < decision->param_count; i++)
        if (pt_text_equal(decision->params[i].name, name))
            return decision->params[i].value;
    return PT_TEXT_NONE;
}

//  False where the message left a hole empty: half a sentence helps nobody.
static bool
s_fill(const pt_decision_t *decision, pt_text_t sentence, char out[EXPLAIN_SCRIPT_BYTES])
{
    pt_template_t pieces;
    size_t at = 0;
    if (!sentence.data || pt_template_parse(sentence, false, &pieces) != PT_OK)
        return false;
    for (size_t i = 0; i <= pieces.hole_count; i++) {
        pt_text_t literal = pieces.literals[i];
        if (at + literal.len >= EXPLAIN_SCRIPT_BYTES)
            return false;
        if (literal.len)
            memcpy(out + at, literal.data, literal.len);
        at += literal.len;
        pt_text_t value = i < pieces.hole_count ? s_find_value(decision, pieces.holes[i]) : PT_TEXT_NONE;
        size_t added = s_add_value(value, out + at, EXPLAIN_SCRIPT_BYTES - at);
        if (i < pieces.hole_count && added == 0)
            return false;
        at += added;
    }
    out[at] = '\0';
    return true;
}

//  Where the decision itself sends the request again, nothing was done, or it does no harm to do it twice.
static bool
s_is_unsure(const pt_decision_t *decision)
{
    bool may_be_done = decision->outcome == PT_OUTCOME_UNKNOWN || decision->outcome == PT_OUTCOME_PENDING;
    return may_be_done && decision->action != PT_ACTION_RESUBMIT;
}

static void
s_fill_stock(const pt_decision_t *decision, const pt_texts_t *texts, char out[EXPLAIN_SCRIPT_BYTES])
{
    static const char hole[] = "{value}";
    char values[PT_PARAMS_MAX * (PT_PARAM_BYTES_MAX + 2) + 1];
    size_t len = s_add_values(decision, values, sizeof values);
    const script_t *script = &s_scripts[decision->category];
    const char *english = script->named && len ? script->named : script->plain;
    if (s_unsure[decision->category] && s_is_unsure(decision))
        english = s_unsure[decision->category];
    //  What was refunded asks for no new order.
    else if (decision->category == PT_CATEGORY_CANCELLED_EXPIRED && decision->action == PT_ACTION_NONE)
        english = IS_OVER;
    pt_text_t text = pt_texts_say(texts, pt_text_of(english));
    const char *at = memmem(text.data, text.len, hole, sizeof hole - 1);
    size_t before = at ? (size_t) (at - text.data) : text.len;
    size_t after = at ? text.len - before - (sizeof hole - 1) : 0;
    snprintf(out, EXPLAIN_SCRIPT_BYTES, "%.*s%.*s%.*s", (int) before, text.data, at ? (int) len : 0, values,
             (int) after, text.data + text.len - after);
}

//  A stock sentence in the reader's language is better than the entry's own in English.
const char *
explain_script(const explain_answer_t *answer, char out[EXPLAIN_SCRIPT_BYTES])
{
    pt_text_t own = pt_texts_find(&answer->texts, answer->view.merchant);
    if (!s_fill(&answer->decision, own, out))
        s_fill_stock(&answer->decision, &answer->texts, out);
    return out;
}
