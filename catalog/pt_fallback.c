//  When no row answers, the HTTP status or the transport still says something about whether the
//  request was carried out. The tables hold that much and no more: which of these actions an
//  operation may take is pt_policy's business.

#include "pt_fallback.h"

#define OPERATOR PT_AUDIENCE_BIT(PT_AUDIENCE_OPERATOR)
#define TECH_SUPPORT PT_AUDIENCE_BIT(PT_AUDIENCE_TECH_SUPPORT)

#define WARN_NOW OPERATOR, PT_ALERT_WHEN_NOW
#define WARN_LATER OPERATOR, PT_ALERT_WHEN_IF_PERSISTENT
#define WARN_SUPPORT_LATER (OPERATOR | TECH_SUPPORT), PT_ALERT_WHEN_IF_PERSISTENT
#define HEALTH PT_RULE_HEALTH
#define DEAD_IF_ABSENT PT_RULE_IF_ABSENT_DEAD_LETTER

//  One fallback; limits and schedule are the defaults.
#define S_ROW(match_, category_, outcome_, action_, flags_, alert_, text_)                                             \
    S_ROW_(match_, category_, outcome_, action_, flags_, alert_, text_)
#define S_ROW_(match_, category_, outcome_, action_, flags_, audience_, when_, text_)                                  \
    {                                                                                                                  \
        .rule = {.category = PT_CATEGORY_##category_,                                                                  \
                 .outcome = PT_OUTCOME_##outcome_,                                                                     \
                 .action = PT_ACTION_##action_,                                                                        \
                 .flags = (flags_) | PT_RULE_ALERT | PT_RULE_JUDGED,                                                   \
                 .audience = (audience_),                                                                              \
                 .severity = PT_SEVERITY_WARNING,                                                                      \
                 .when = (when_)},                                                                                     \
        .match = PT_MATCH_##match_, .summary = {                                                                       \
            (text_),                                                                                                   \
            sizeof(text_) - 1                                                                                          \
        }                                                                                                              \
    }

//  What the HTTP status tells, whatever the gateway.
typedef enum {
    S_CLASS_SERVER_ERROR,   //  5xx
    S_CLASS_RATE_LIMITED,   //  429: refused before it was carried out
    S_CLASS_SERVER_TIMEOUT, //  408: the server stopped waiting, after reading nobody knows how much
    S_CLASS_CLIENT_ERROR,   //  any other 4xx
    S_CLASS_SILENT,         //  a status that tells nothing about the outcome, or none
    S_CLASS_COUNT
} s_class_t;

//  A code, or a marker, that no row knows. An unexpected code at 408 is another client error:
//  such an answer has been thought about by its gateway, and is not a proxy's giving up.
static const pt_fallback_t s_unknown_code[S_CLASS_COUNT] = {
    [S_CLASS_SERVER_ERROR] =
        S_ROW(HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, RESUBMIT, HEALTH | DEAD_IF_ABSENT, WARN_NOW,
              "The gateway failed with a code that the catalog does not know; the outcome is unknown."),
    [S_CLASS_RATE_LIMITED] =
        S_ROW(HTTP_CLASS, UNKNOWN_CODE, NOT_EXECUTED, RESUBMIT, 0, WARN_NOW,
              "The gateway refused the request for its rate, with a code that the catalog does not know."),
    [S_CLASS_SERVER_TIMEOUT] = S_ROW(HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, 0, WARN_NOW,
                                     "The gateway gave up waiting, with a code that the catalog does not know."),
    [S_CLASS_CLIENT_ERROR] = S_ROW(HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, 0, WARN_NOW,
                                   "The gateway refused the request with a code that the catalog does not know."),
    [S_CLASS_SILENT] = S_ROW(UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, DEAD_IF_ABSENT, WARN_NOW,
                             "The gateway answered with a code or status that the catalog does not know."),
};

//  A code beside a transport failure: something did come back, so the failure proves nothing.
static const pt_fallback_t s_unknown_code_transport =
    S_ROW(TRANSPORT, UNKNOWN_CODE, UNKNOWN, RESUBMIT, HEALTH | DEAD_IF_ABSENT, WARN_NOW,
          "The connection failed beside a code that the catalog does not know; the outcome is unknown.");

//  No code and no marker: only the status speaks.
static const pt_fallback_t s_http_class[S_CLASS_COUNT] = {
    [S_CLASS_SERVER_ERROR] = S_ROW(HTTP_CLASS, PROVIDER_UNAVAILABLE, UNKNOWN, RESUBMIT, HEALTH, WARN_SUPPORT_LATER,
                                   "The gateway failed without saying why; the outcome is unknown."),
    [S_CLASS_RATE_LIMITED] = S_ROW(HTTP_CLASS, RATE_LIMITED, NOT_EXECUTED, RESUBMIT, 0, WARN_LATER,
                                   "The gateway refused the request because too many were sent."),
    [S_CLASS_SERVER_TIMEOUT] = S_ROW(HTTP_CLASS, OUTCOME_UNKNOWN, UNKNOWN, RESUBMIT, HEALTH, WARN_LATER,
                                     "The gateway gave up waiting for the request; the outcome is unknown."),
    [S_CLASS_CLIENT_ERROR] = S_ROW(HTTP_CLASS, UNKNOWN_CODE, UNKNOWN, INVESTIGATE, 0, WARN_NOW,
                                   "The gateway refused the request without a code that says why."),
    [S_CLASS_SILENT] = S_ROW(UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, DEAD_IF_ABSENT, WARN_NOW,
                             "The answer says neither success nor failure; the outcome is unknown."),
};

//  No HTTP status at all: only the connection speaks.
static const pt_fallback_t s_transport[PT_TRANSPORT_COUNT_] = {
    [PT_TRANSPORT_NONE] = S_ROW(UNKNOWN, UNKNOWN_CODE, UNKNOWN, QUERY_STATUS, DEAD_IF_ABSENT, WARN_NOW,
                                "The response holds neither a status, a failure nor a code; the outcome is unknown."),
    [PT_TRANSPORT_TIMEOUT] = S_ROW(TRANSPORT, OUTCOME_UNKNOWN, UNKNOWN, RESUBMIT, HEALTH, WARN_LATER,
                                   "The request was sent and no answer came in time; the outcome is unknown."),
    [PT_TRANSPORT_CONNECT_FAILED] = S_ROW(TRANSPORT, PROVIDER_UNAVAILABLE, NOT_EXECUTED, RESUBMIT, HEALTH, WARN_LATER,
                                          "The gateway could not be reached; nothing was sent."),
    [PT_TRANSPORT_RESET] = S_ROW(TRANSPORT, OUTCOME_UNKNOWN, UNKNOWN, RESUBMIT, HEALTH, WARN_LATER,
                                 "The connection broke before the answer; the outcome is unknown."),
    [PT_TRANSPORT_TLS_FAILED] =
        S_ROW(TRANSPORT, PROVIDER_UNAVAILABLE, NOT_EXECUTED, RESUBMIT, HEALTH, WARN_SUPPORT_LATER,
              "The secure connection could not be set up; nothing was sent."),
};

static s_class_t
s_classify_status(uint16_t http_status)
{
    if (http_status == 429)
        return S_CLASS_RATE_LIMITED;
    if (http_status == 408)
        return S_CLASS_SERVER_TIMEOUT;
    if (http_status >= 400 && http_status < 500)
        return S_CLASS_CLIENT_ERROR;
    if (http_status >= 500 && http_status < 600)
        return S_CLASS_SERVER_ERROR;
    return S_CLASS_SILENT;
}

const pt_fallback_t *
pt_fallback_find(uint16_t http_status, pt_transport_t transport, bool code_present)
{
    if (http_status)
        return &(code_present ? s_unknown_code : s_http_class)[s_classify_status(http_status)];

    if ((unsigned) transport >= PT_TRANSPORT_COUNT_)
        transport = PT_TRANSPORT_NONE;
    if (!code_present)
        return &s_transport[transport];
    return transport == PT_TRANSPORT_NONE ? &s_unknown_code[S_CLASS_SILENT] : &s_unknown_code_transport;
}
