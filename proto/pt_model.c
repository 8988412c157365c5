/*  pt_model: the words of every enumerated field, and the way back. */
#include "pt_model.h"

#include <assert.h>
#include <stddef.h>

#include "pt_model_words.h"

#define WORD(literal)                                                                                                  \
    {                                                                                                                  \
        0xa0 | (sizeof(literal) - 1), literal                                                                          \
    }

const pt_word_t pt_model_words_transport[PT_TRANSPORT_COUNT_] = {
    [PT_TRANSPORT_NONE] = WORD("none"),
    [PT_TRANSPORT_TIMEOUT] = WORD("timeout"),
    [PT_TRANSPORT_CONNECT_FAILED] = WORD("connect_failed"),
    [PT_TRANSPORT_RESET] = WORD("reset"),
    [PT_TRANSPORT_TLS_FAILED] = WORD("tls_failed"),
};

const pt_word_t pt_model_words_match[PT_MATCH_COUNT_] = {
    [PT_MATCH_MESSAGE] = WORD("message"),     [PT_MATCH_TEMPLATE] = WORD("template"),
    [PT_MATCH_CODE] = WORD("code"),           [PT_MATCH_CODE_ANY_OPERATION] = WORD("code_any_operation"),
    [PT_MATCH_STATUS] = WORD("status"),       [PT_MATCH_HTTP_CLASS] = WORD("http_class"),
    [PT_MATCH_TRANSPORT] = WORD("transport"), [PT_MATCH_UNKNOWN] = WORD("unknown"),
    [PT_MATCH_INVALID] = WORD("invalid"),
};

const pt_word_t pt_model_words_category[PT_CATEGORY_COUNT_] = {
    [PT_CATEGORY_ACCEPTED] = WORD("accepted"),
    [PT_CATEGORY_PENDING] = WORD("pending"),
    [PT_CATEGORY_OUTCOME_UNKNOWN] = WORD("outcome_unknown"),
    [PT_CATEGORY_DUPLICATE] = WORD("duplicate"),
    [PT_CATEGORY_RATE_LIMITED] = WORD("rate_limited"),
    [PT_CATEGORY_PROVIDER_UNAVAILABLE] = WORD("provider_unavailable"),
    [PT_CATEGORY_CHANNEL_LIMIT] = WORD("channel_limit"),
    [PT_CATEGORY_AUTH_SIGNATURE] = WORD("auth_signature"),
    [PT_CATEGORY_NETWORK_ALLOWLIST] = WORD("network_allowlist"),
    [PT_CATEGORY_MERCHANT_CONFIG] = WORD("merchant_config"),
    [PT_CATEGORY_MERCHANT_BALANCE] = WORD("merchant_balance"),
    [PT_CATEGORY_REQUEST_INVALID] = WORD("request_invalid"),
    [PT_CATEGORY_NOT_FOUND] = WORD("not_found"),
    [PT_CATEGORY_STATE_CONFLICT] = WORD("state_conflict"),
    [PT_CATEGORY_DECLINE_SOFT] = WORD("decline_soft"),
    [PT_CATEGORY_DECLINE_HARD] = WORD("decline_hard"),
    [PT_CATEGORY_DECLINE_FIX_DATA] = WORD("decline_fix_data"),
    [PT_CATEGORY_CUSTOMER_ACTION] = WORD("customer_action"),
    [PT_CATEGORY_CANCELLED_EXPIRED] = WORD("cancelled_expired"),
    [PT_CATEGORY_RISK_SECURITY] = WORD("risk_security"),
    [PT_CATEGORY_PROVIDER_BUG] = WORD("provider_bug"),
    [PT_CATEGORY_UNKNOWN_CODE] = WORD("unknown_code"),
    [PT_CATEGORY_INVALID_RESPONSE] = WORD("invalid_response"),
};

const pt_word_t pt_model_words_outcome[PT_OUTCOME_COUNT_] = {
    [PT_OUTCOME_SUCCESS] = WORD("success"),           [PT_OUTCOME_DECLINED] = WORD("declined"),
    [PT_OUTCOME_NOT_EXECUTED] = WORD("not_executed"), [PT_OUTCOME_UNKNOWN] = WORD("unknown"),
    [PT_OUTCOME_PENDING] = WORD("pending"),
};

const pt_word_t pt_model_words_route[PT_ROUTE_COUNT_] = {
    [PT_ROUTE_SETTLED] = WORD("settled"),
    [PT_ROUTE_RETRY] = WORD("retry"),
    [PT_ROUTE_DEAD_LETTER] = WORD("dead_letter"),
};

const pt_word_t pt_model_words_action[PT_ACTION_COUNT_] = {
    [PT_ACTION_NONE] = WORD("none"),
    [PT_ACTION_RESUBMIT] = WORD("resubmit"),
    [PT_ACTION_QUERY_STATUS] = WORD("query_status"),
    [PT_ACTION_REFRESH_CREDENTIALS] = WORD("refresh_credentials"),
    [PT_ACTION_FIX_REQUEST] = WORD("fix_request"),
    [PT_ACTION_FIX_CONFIGURATION] = WORD("fix_configuration"),
    [PT_ACTION_TOP_UP] = WORD("top_up"),
    [PT_ACTION_CHANGE_INSTRUMENT] = WORD("change_instrument"),
    [PT_ACTION_NEW_ORDER] = WORD("new_order"),
    [PT_ACTION_CONTACT_PROVIDER] = WORD("contact_provider"),
    [PT_ACTION_INVESTIGATE] = WORD("investigate"),
};

const pt_word_t pt_model_words_alert_when[PT_ALERT_WHEN_COUNT_] = {
    [PT_ALERT_WHEN_NOW] = WORD("now"),
    [PT_ALERT_WHEN_IF_FREQUENT] = WORD("if_frequent"),
    [PT_ALERT_WHEN_IF_PERSISTENT] = WORD("if_persistent"),
};

const pt_word_t pt_model_words_fold[PT_FOLD_COUNT_] = {
    [PT_FOLD_NONE] = WORD("none"),
    [PT_FOLD_SAME] = WORD("same"),
    [PT_FOLD_OTHERS] = WORD("others"),
};

const pt_word_t pt_model_words_severity[PT_SEVERITY_COUNT_] = {
    [PT_SEVERITY_INFO] = WORD("info"),
    [PT_SEVERITY_WARNING] = WORD("warning"),
    [PT_SEVERITY_CRITICAL] = WORD("critical"),
};

const pt_word_t pt_model_words_audience[PT_AUDIENCE_COUNT_] = {
    [PT_AUDIENCE_OPERATOR] = WORD("operator"),           [PT_AUDIENCE_TECH_SUPPORT] = WORD("tech_support"),
    [PT_AUDIENCE_SECURITY] = WORD("security"),           [PT_AUDIENCE_RISK] = WORD("risk"),
    [PT_AUDIENCE_GATEWAY_ADMIN] = WORD("gateway_admin"), [PT_AUDIENCE_MERCHANT] = WORD("merchant"),
};

const pt_word_t pt_model_words_operation_kind[PT_OPERATION_COUNT_] = {
    [PT_OPERATION_UNNAMED] = WORD("unnamed"),
    [PT_OPERATION_MONEY] = WORD("money"),
    [PT_OPERATION_READ] = WORD("read"),
    [PT_OPERATION_WRITE] = WORD("write"),
};

static int
s_find_word(const pt_word_t *words, int count, pt_text_t word)
{
    for (int value = 0; value < count; value++)
        if (pt_text_equal((pt_text_t) {words[value].text, pt_word_bytes(words[value])}, word))
            return value;
    return -1;
}

//  Both directions of one field.
#define FIELD_WORDS(noun, count)                                                                                       \
    const char *pt_##noun##_text(pt_##noun##_t value)                                                                  \
    {                                                                                                                  \
        assert((unsigned) value < (unsigned) (count));                                                                 \
        return pt_model_words_##noun[value].text;                                                                      \
    }                                                                                                                  \
                                                                                                                       \
    int pt_##noun##_parse(pt_text_t word)                                                                              \
    {                                                                                                                  \
        return s_find_word(pt_model_words_##noun, (count), word);                                                      \
    }

FIELD_WORDS(transport, PT_TRANSPORT_COUNT_)
FIELD_WORDS(match, PT_MATCH_COUNT_)
FIELD_WORDS(category, PT_CATEGORY_COUNT_)
FIELD_WORDS(outcome, PT_OUTCOME_COUNT_)
FIELD_WORDS(route, PT_ROUTE_COUNT_)
FIELD_WORDS(action, PT_ACTION_COUNT_)
FIELD_WORDS(alert_when, PT_ALERT_WHEN_COUNT_)
FIELD_WORDS(fold, PT_FOLD_COUNT_)
FIELD_WORDS(severity, PT_SEVERITY_COUNT_)
FIELD_WORDS(audience, PT_AUDIENCE_COUNT_)
FIELD_WORDS(operation_kind, PT_OPERATION_COUNT_)

//  The place of a path's text.
static size_t
s_place(const pt_path_t *path)
{
    assert(path->slot < pt_role_slots(path->role));
    switch (path->role) {
    case PT_ROLE_CODE:
        return offsetof(pt_facts_t, codes) + path->slot * sizeof(pt_text_t);
    case PT_ROLE_MESSAGE:
        return offsetof(pt_facts_t, messages) + path->slot * sizeof(pt_text_t);
    case PT_ROLE_STATUS:
        return offsetof(pt_facts_t, statuses) + path->slot * sizeof(pt_text_t);
    case PT_ROLE_ADVICE:
        return offsetof(pt_facts_t, advice) + path->slot * sizeof(pt_text_t);
    default:
        return 0;
    }
}

//  A tree of paths that grows.
typedef struct {
    pt_fork_t *forks;
    pt_step_t *steps;
    uint8_t fork_count;
    uint8_t step_count;
} s_tree_t;

static uint8_t
s_add_fork(s_tree_t *tree)
{
    tree->forks[tree->fork_count] = (pt_fork_t) {0};
    return tree->fork_count++;
}

//  The step that this key is at a fork; a new one where there is none yet.
static pt_step_t *
s_find_step(s_tree_t *tree, uint8_t fork, pt_text_t key)
{
    uint8_t *first = &tree->forks[fork].steps[pt_shape_key_of(key)];
    for (uint8_t index = *first; index; index = tree->steps[index].next)
        if (pt_text_equal(tree->steps[index].key, key))
            return &tree->steps[index];
    pt_step_t *step = &tree->steps[tree->step_count];
    *step = (pt_step_t) {.key = key, .next = *first};
    for (size_t at = 0; at < key.len && at < sizeof step->front; at++)
        step->front[at] = key.data[at];
    *first = tree->step_count++;
    return step;
}

//  A path that takes a scalar ends at a step.
static void
s_end_path(pt_step_t *step, pt_role_t role, uint16_t place, uint32_t path_bit)
{
    bool is_marker = role == PT_ROLE_STATUS;
    bool is_first = !step->ends;
    if (is_first)
        step->places[0] = place;
    if (!(step->ends & (step->ends - 1)))
        step->places[1] = place;
    step->is_marker = is_marker && (is_first || step->is_marker);
    step->ends |= path_bit;
}

static void
s_add_path(s_tree_t *tree, const pt_path_t *path, uint16_t place, uint32_t path_bit)
{
    uint8_t fork = 0;
    for (uint8_t index = 0; index < path->step_count; index++) {
        pt_step_t *step = s_find_step(tree, fork, path->steps[index]);
        bool ends = index + 1 == path->step_count;
        bool is_fields = path->role == PT_ROLE_FIELDS;
        step->holds_fields |= is_fields;
        step->opens_fields |= is_fields && ends;
        step->texts |= is_fields ? 0 : path_bit;
        if (ends && !is_fields)
            s_end_path(step, path->role, place, path_bit);
        if (!ends && !step->fork)
            step->fork = s_add_fork(tree);
        step->is_end = !step->fork && !step->opens_fields && __builtin_popcount(step->ends) <= 2;
        fork = step->fork;
    }
}

pt_shape_room_t
pt_shape_prepare(pt_shape_t *self, pt_fork_t *forks, pt_step_t *steps)
{
    assert(self);
    assert(self->path_count <= PT_PATHS_MAX);
    assert(forks);
    assert(steps);

    //  The root is fork 0, and no step is step 0.
    s_tree_t tree = {.forks = forks, .steps = steps, .step_count = 1};
    s_add_fork(&tree);
    for (size_t index = 0; index < self->path_count; index++) {
        const pt_path_t *path = &self->paths[index];
        assert(path->step_count <= PT_PATH_STEPS);
        self->places[index] = (uint16_t) s_place(path);
        s_add_path(&tree, path, self->places[index], UINT32_C(1) << index);
    }
    self->forks = forks;
    self->steps = steps;
    return (pt_shape_room_t) {tree.fork_count, tree.step_count};
}
