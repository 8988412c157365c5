/*  Schedules and alerts: what named policies and single entries say in the same words. */
#include "pt_compile_parts.h"

#include <assert.h>

#define S_TIMES_MAX 1000
#define S_WITHIN_MS_MIN 1000 //  of a rate

#define S_COUNT(array) (sizeof(array) / sizeof *(array))

static const char *
s_category_text(size_t value)
{
    return pt_category_text((pt_category_t) value);
}

static const char *
s_outcome_text(size_t value)
{
    return pt_outcome_text((pt_outcome_t) value);
}

static const char *
s_action_text(size_t value)
{
    return pt_action_text((pt_action_t) value);
}

static const char *
s_severity_text(size_t value)
{
    return pt_severity_text((pt_severity_t) value);
}

static const char *
s_when_text(size_t value)
{
    return pt_alert_when_text((pt_alert_when_t) value);
}

static const char *
s_audience_text(size_t value)
{
    return pt_audience_text((pt_audience_t) value);
}

//  The words come from pt_model, so that a catalog and the wire never disagree.
static pt_words_t
s_list_words(size_t count, const char *(*text)(size_t value))
{
    assert(count <= PT_COMPILE_WORDS_MAX);

    pt_words_t words = {.count = count};
    for (size_t i = 0; i < count; i++)
        words.words[i] = text(i);
    return words;
}

pt_words_t
pt_compile_words_category(void)
{
    return s_list_words(PT_CATEGORY_COUNT_, s_category_text);
}

pt_words_t
pt_compile_words_outcome(void)
{
    return s_list_words(PT_OUTCOME_COUNT_, s_outcome_text);
}

pt_words_t
pt_compile_words_action(void)
{
    return s_list_words(PT_ACTION_COUNT_, s_action_text);
}

pt_words_t
pt_compile_words_severity(void)
{
    return s_list_words(PT_SEVERITY_COUNT_, s_severity_text);
}

pt_words_t
pt_compile_words_when(void)
{
    return s_list_words(PT_ALERT_WHEN_COUNT_, s_when_text);
}

pt_words_t
pt_compile_words_audience(void)
{
    return s_list_words(PT_AUDIENCE_COUNT_, s_audience_text);
}

static void
s_add_delay(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_rule_t *rule = &((pt_settings_t *) target)->rule;
    uint32_t delay_ms;
    if (pt_read_duration(reader, item, &delay_ms))
        rule->delay_ms[rule->delay_count++] = delay_ms;
}

const char *
pt_settings_key(unsigned number)
{
    static const char *const keys[PT_SETS_COUNT_] = {"delays", "max_attempts", "deadline", "alert"};
    assert(number < PT_SETS_COUNT_);

    return keys[number];
}

static void
s_note_given(pt_reader_t *reader, const pt_node_t *node, pt_settings_t *settings, unsigned bit)
{
    settings->given |= bit;
    settings->marks[__builtin_ctz(bit)] = pt_read_mark(reader, node);
}

void
pt_settings_read_delays(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_note_given(reader, node, target, PT_SETS_DELAYS);
    (void) pt_read_list(reader, node, PT_RULE_DELAYS_MAX, s_add_delay, target);
}

void
pt_settings_read_max_attempts(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_settings_t *settings = target;
    uint32_t value = 0;
    s_note_given(reader, node, settings, PT_SETS_MAX_ATTEMPTS);
    if (pt_read_number(reader, node, 1, 1000, &value))
        settings->rule.max_attempts = (uint16_t) value;
}

void
pt_settings_read_deadline(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_settings_t *settings = target;
    s_note_given(reader, node, settings, PT_SETS_DEADLINE);
    (void) pt_read_duration(reader, node, &settings->rule.deadline_ms);
}

static void
s_add_audience(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_rule_t *rule = target;
    pt_words_t words = pt_compile_words_audience();
    uint8_t index;
    if (!pt_read_word(reader, item, "audience", words.words, words.count, &index))
        return;
    if (rule->audience & PT_AUDIENCE_BIT(index))
        pt_read_fault(reader, item, PT_FAULT_NAME_TAKEN, "'%s' stands twice in the list", words.words[index]);
    rule->audience |= (uint8_t) PT_AUDIENCE_BIT(index);
}

static void
s_read_audience(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_list(reader, node, PT_AUDIENCE_COUNT_, s_add_audience, target);
}

static void
s_read_severity(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_words_t words = pt_compile_words_severity();
    (void) pt_read_word(reader, node, "severity", words.words, words.count, &((pt_rule_t *) target)->severity);
}

static void
s_read_when(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_words_t words = pt_compile_words_when();
    pt_rule_t *rule = target;
    (void) pt_read_word(reader, node, "time of an alert", words.words, words.count, &rule->when);
    if (rule->when == PT_ALERT_WHEN_IF_FREQUENT)
        rule->alert_count = 0, rule->alert_span_ms = 0;
}

//  A key that means something to alerts of one kind only.
static void
s_require_when(pt_reader_t *reader, const pt_node_t *node, const pt_rule_t *rule, pt_alert_when_t when)
{
    if (rule->when != when)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "has no effect unless when is %s", pt_alert_when_text(when));
}

//  How often: attempts of one response, or responses of one entry.
static void
s_read_times(pt_reader_t *reader, const pt_node_t *node, pt_rule_t *rule)
{
    uint32_t value = 0;
    if (pt_read_number(reader, node, 1, S_TIMES_MAX, &value))
        rule->alert_count = (uint16_t) value;
}

static void
s_read_attempts(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_require_when(reader, node, target, PT_ALERT_WHEN_IF_PERSISTENT);
    s_read_times(reader, node, target);
}

static void
s_read_elapsed(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_require_when(reader, node, target, PT_ALERT_WHEN_IF_PERSISTENT);
    (void) pt_read_duration(reader, node, &((pt_rule_t *) target)->alert_span_ms);
}

static void
s_read_count(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_require_when(reader, node, target, PT_ALERT_WHEN_IF_FREQUENT);
    s_read_times(reader, node, target);
}

static void
s_read_within(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_rule_t *rule = target;
    s_require_when(reader, node, rule, PT_ALERT_WHEN_IF_FREQUENT);
    if (pt_read_duration(reader, node, &rule->alert_span_ms) && rule->alert_span_ms < S_WITHIN_MS_MIN)
        pt_read_fault(reader, node, PT_FAULT_DURATION, "within must be at least 1s");
}

//  Half a rate is none.
static void
s_require_whole_rate(pt_reader_t *reader, const pt_node_t *node, const pt_rule_t *rule)
{
    if (rule->when == PT_ALERT_WHEN_IF_FREQUENT && !rule->alert_count != !rule->alert_span_ms)
        pt_read_fault(reader, node, PT_FAULT_KEY_MISSING, "count and within need each other");
}

void
pt_settings_read_alert(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const pt_key_t keys[] = {
        {"audience", s_read_audience, true},  {"severity", s_read_severity, true},
        {"when", s_read_when, true}, //  before the keys that depend on it
        {"attempts", s_read_attempts, false}, {"elapsed", s_read_elapsed, false},
        {"count", s_read_count, false},       {"within", s_read_within, false},
    };
    pt_settings_t *settings = target;
    s_note_given(reader, node, settings, PT_SETS_ALERT);
    settings->rule.alert_count = PT_RULE_PERSIST_ATTEMPTS;
    settings->rule.alert_span_ms = PT_RULE_PERSIST_MS;
    pt_read_map(reader, node, "an alert", keys, S_COUNT(keys), &settings->rule);
    s_require_whole_rate(reader, node, &settings->rule);
}

void
pt_settings_apply(const pt_settings_t *self, pt_rule_t *rule)
{
    const pt_rule_t *from = &self->rule;
    if (self->given & PT_SETS_DELAYS) {
        rule->delay_count = from->delay_count;
        memcpy(rule->delay_ms, from->delay_ms, sizeof rule->delay_ms);
    }
    if (self->given & PT_SETS_MAX_ATTEMPTS)
        rule->max_attempts = from->max_attempts;
    if (self->given & PT_SETS_DEADLINE)
        rule->deadline_ms = from->deadline_ms;
    //  An alert is replaced whole: half of one policy's alert with another's audience is nobody's intent.
    if (self->given & PT_SETS_ALERT) {
        rule->flags |= PT_RULE_ALERT;
        rule->audience = from->audience;
        rule->severity = from->severity;
        rule->when = from->when;
        rule->alert_count = from->alert_count;
        rule->alert_span_ms = from->alert_span_ms;
    }
}

static bool
s_is_policy_taken(pt_reader_t *reader, const pt_unit_t *unit, const pt_node_t *key)
{
    for (size_t i = 0; i < unit->policy_count; i++) {
        if (!pt_text_equal(unit->policies[i].key->text, key->text))
            continue;
        pt_read_fault(reader, key, PT_FAULT_KEY_TWICE, "policy '%.64s' stands twice; first at line %u", key->text.data,
                      unit->policies[i].key->line);
        return true;
    }
    return false;
}

static void
s_read_policy(pt_reader_t *reader, const pt_link_t *link, pt_unit_t *unit)
{
    static const pt_key_t keys[] = {
        {"delays", pt_settings_read_delays, false},
        {"max_attempts", pt_settings_read_max_attempts, false},
        {"deadline", pt_settings_read_deadline, false},
        {"alert", pt_settings_read_alert, false},
    };
    const pt_node_t *key = link->key;
    if (!pt_compile_is_name(key->text.data, "_-", PT_COMPILE_NAME_BYTES_MAX))
        pt_read_fault(reader, key, PT_FAULT_NAME, "'%.64s' is no policy name: a-z, 0-9, _ and -", key->text.data);
    if (s_is_policy_taken(reader, unit, key))
        return;
    pt_named_settings_t *policy = &unit->policies[unit->policy_count++];
    policy->key = key;
    pt_read_map(reader, link->value, "a policy", keys, S_COUNT(keys), &policy->settings);
}

void
pt_compile_read_policies(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    if (node->kind != PT_NODE_MAP) {
        pt_read_fault(reader, node, PT_FAULT_TYPE, "policies must be a map of names");
        return;
    }
    if (node->count > PT_COMPILE_POLICIES_MAX) {
        pt_read_fault(reader, node, PT_FAULT_TOO_MANY, "%zu policies where at most %d may stand", node->count,
                      PT_COMPILE_POLICIES_MAX);
        return;
    }
    unit->policies = pt_read_array(reader, node->count, sizeof *unit->policies);
    if (!unit->policies)
        return;
    for (const pt_link_t *link = node->first; link; link = link->next)
        s_read_policy(reader, link, unit);
}
