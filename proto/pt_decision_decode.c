/*  pt_decision_decode: the map of a decision, by a table of its keys. */
#include <assert.h>

#include "pt_cursor.h"
#include "pt_decision.h"
#include "pt_decision_limits.h"

//  The largest integer that every client holds exactly.
#define MS_MAX ((UINT64_C(1) << 53) - 1)

typedef enum {
    KIND_TEXT,
    KIND_BOOL,
    KIND_UINT16,
    KIND_UINT32,
    KIND_UINT64,
    KIND_WORD, //  an enumerated field
    KIND_HEX,  //  16 hex digits
    KIND_RAW,
    KIND_PARAMS,
    KIND_REASONS,
    KIND_FIELDS,
    KIND_RETRY,
    KIND_ALERT,
    KIND_AUDIENCE,
    KIND_IF_ABSENT,
} s_kind_t;

typedef struct {
    pt_text_t name;
    s_kind_t kind;
    size_t offset;           //  of the field in the struct that the map stands for
    uint64_t max;            //  of a number, or of a text's bytes
    int (*parse)(pt_text_t); //  KIND_WORD
    bool required;
} s_key_t;

#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }
#define DECISION(name) NAME(#name), .offset = offsetof(pt_decision_t, name)
#define RETRY(name) NAME(#name), .offset = offsetof(pt_retry_t, name)
#define ALERT(name) NAME(#name), .offset = offsetof(pt_alert_t, name)

// clang-format off
static const s_key_t s_decision_keys[] = {
    {DECISION(id), .kind = KIND_TEXT, .max = PT_ID_BYTES_MAX, .required = true},
    {DECISION(attempt), .kind = KIND_UINT32, .max = UINT32_MAX, .required = true},
    {DECISION(provider), .kind = KIND_TEXT, .max = PT_PROVIDER_BYTES_MAX, .required = true},
    {DECISION(operation), .kind = KIND_TEXT, .max = PT_OPERATION_BYTES_MAX},
    {DECISION(http_status), .kind = KIND_UINT16, .max = 599},
    {DECISION(reference), .kind = KIND_TEXT, .max = PT_REFERENCE_BYTES_MAX},
    {DECISION(account), .kind = KIND_TEXT, .max = PT_ACCOUNT_BYTES_MAX},
    {DECISION(producer), .kind = KIND_TEXT, .max = PT_DECISION_PRODUCER_BYTES_MAX},
    {DECISION(redriven), .kind = KIND_BOOL},
    {DECISION(code), .kind = KIND_TEXT, .max = PT_CODE_BYTES_MAX},
    {DECISION(message), .kind = KIND_TEXT, .max = PT_MESSAGE_BYTES_MAX},
    {DECISION(entry), .kind = KIND_TEXT, .max = PT_DECISION_ENTRY_BYTES_MAX, .required = true},
    {DECISION(match), .kind = KIND_WORD, .parse = pt_match_parse, .required = true},
    {DECISION(params), .kind = KIND_PARAMS},
    {DECISION(reasons), .kind = KIND_REASONS},
    {DECISION(fields), .kind = KIND_FIELDS},
    {DECISION(fields_dropped), .kind = KIND_UINT64, .max = MS_MAX},
    {DECISION(category), .kind = KIND_WORD, .parse = pt_category_parse, .required = true},
    {DECISION(outcome), .kind = KIND_WORD, .parse = pt_outcome_parse, .required = true},
    {DECISION(route), .kind = KIND_WORD, .parse = pt_route_parse, .required = true},
    {DECISION(action), .kind = KIND_WORD, .parse = pt_action_parse, .required = true},
    {DECISION(confirm_as_success), .kind = KIND_BOOL, .required = true},
    {DECISION(same_payload_ok), .kind = KIND_BOOL, .required = true},
    {DECISION(retry), .kind = KIND_RETRY},
    {DECISION(alert), .kind = KIND_ALERT},
    {DECISION(health), .kind = KIND_BOOL, .required = true},
    {DECISION(summary), .kind = KIND_TEXT, .max = PT_DECISION_SUMMARY_BYTES_MAX, .required = true},
    {DECISION(catalog), .kind = KIND_HEX, .required = true},
    {DECISION(decided_ms), .kind = KIND_UINT64, .max = MS_MAX, .required = true},
    {DECISION(error), .kind = KIND_TEXT, .max = PT_DECISION_ERROR_BYTES_MAX},
    {DECISION(raw), .kind = KIND_RAW, .max = PT_RAW_BYTES_MAX},
};

static const s_key_t s_reason_keys[] = {
    {NAME("message"), .offset = offsetof(pt_pair_t, name), .kind = KIND_TEXT, .max = PT_MESSAGE_BYTES_MAX, .required = true},
    {NAME("entry"), .offset = offsetof(pt_pair_t, value), .kind = KIND_TEXT, .max = PT_DECISION_ENTRY_BYTES_MAX, .required = true},
};

static const s_key_t s_retry_keys[] = {
    {RETRY(delay_ms), .kind = KIND_UINT64, .max = MS_MAX, .required = true},
    {RETRY(next_at_ms), .kind = KIND_UINT64, .max = MS_MAX, .required = true},
    {RETRY(attempt), .kind = KIND_UINT32, .max = UINT32_MAX, .required = true},
    {RETRY(max_attempts), .kind = KIND_UINT32, .max = UINT32_MAX, .required = true},
    {RETRY(deadline_ms), .kind = KIND_UINT64, .max = MS_MAX, .required = true},
    {RETRY(if_absent), .kind = KIND_IF_ABSENT},
};

static const s_key_t s_alert_keys[] = {
    {ALERT(audience), .kind = KIND_AUDIENCE, .required = true},
    {ALERT(severity), .kind = KIND_WORD, .parse = pt_severity_parse, .required = true},
    {ALERT(when), .kind = KIND_WORD, .parse = pt_alert_when_parse, .required = true},
    {ALERT(active), .kind = KIND_BOOL, .required = true},
    {ALERT(count), .kind = KIND_UINT32, .max = UINT32_MAX, .required = true},
    {ALERT(drift), .kind = KIND_BOOL},
    {ALERT(fold), .kind = KIND_WORD, .parse = pt_fold_parse},
    {ALERT(first_ms), .kind = KIND_UINT64, .max = MS_MAX},
    {ALERT(last_ms), .kind = KIND_UINT64, .max = MS_MAX},
    {ALERT(nearest), .kind = KIND_TEXT, .max = PT_DECISION_ENTRY_BYTES_MAX},
};
// clang-format on

#define COUNT(array) (sizeof(array) / sizeof *(array))

static pt_status_t s_read_map(pt_cursor_t *cursor, const s_key_t *keys, size_t count, void *out_struct,
                              pt_pair_t *fields, unsigned levels);

static pt_status_t
s_read_word(pt_cursor_t *cursor, int (*parse)(pt_text_t), void *out_field)
{
    pt_text_t word;
    pt_status_t status = pt_cursor_text(cursor, PT_PROVIDER_BYTES_MAX, &word);
    if (status != PT_OK)
        return status;
    int value = parse(word);
    if (value < 0)
        return PT_E_RANGE;
    //  Enumerations are all of one size, and their values are small.
    _Static_assert(sizeof(pt_match_t) == sizeof(unsigned), "enumerations are stored as unsigned");
    unsigned natural = (unsigned) value;
    memcpy(out_field, &natural, sizeof natural);
    return PT_OK;
}

static pt_status_t
s_read_if_absent(pt_cursor_t *cursor, pt_action_t *out_action)
{
    pt_text_t word;
    pt_status_t status = pt_cursor_text(cursor, PT_PROVIDER_BYTES_MAX, &word);
    if (status != PT_OK)
        return status;
    if (pt_action_parse(word) == PT_ACTION_RESUBMIT)
        *out_action = PT_ACTION_RESUBMIT;
    else if (pt_route_parse(word) == PT_ROUTE_DEAD_LETTER)
        *out_action = PT_ACTION_NONE;
    else
        return PT_E_RANGE;
    return PT_OK;
}

static pt_status_t
s_read_hex(pt_cursor_t *cursor, uint64_t *out_value)
{
    pt_text_t text;
    uint64_t value = 0;
    pt_status_t status = pt_cursor_text(cursor, 16, &text);
    if (status != PT_OK)
        return status;
    if (text.len != 16)
        return PT_E_RANGE;
    for (size_t index = 0; index < text.len; index++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text.data[index], 16);
        if (!digit)
            return PT_E_RANGE;
        value = value << 4 | (uint64_t) (digit - digits);
    }
    *out_value = value;
    return PT_OK;
}

static pt_status_t
s_read_uint(pt_cursor_t *cursor, const s_key_t *key, void *out_field)
{
    uint64_t natural;
    pt_status_t status = pt_cursor_uint(cursor, key->max, &natural);
    if (status != PT_OK)
        return status;
    if (key->kind == KIND_UINT16)
        *(uint16_t *) out_field = (uint16_t) natural;
    else if (key->kind == KIND_UINT32)
        *(uint32_t *) out_field = (uint32_t) natural;
    else
        *(uint64_t *) out_field = natural;
    return PT_OK;
}

static pt_status_t
s_read_raw(pt_cursor_t *cursor, uint64_t max, pt_bytes_t *out_bytes)
{
    pt_status_t status = pt_cursor_bin(cursor, out_bytes);
    if (status == PT_OK && out_bytes->len > max)
        status = PT_E_RANGE;
    return status;
}

static pt_status_t
s_read_pairs(pt_cursor_t *cursor, pt_pair_t *pairs, size_t max, size_t *out_count)
{
    uint32_t count;
    pt_status_t status = pt_cursor_map(cursor, &count);
    if (status != PT_OK)
        return status;
    if (count > max)
        return PT_E_COUNT;
    for (uint32_t index = 0; index < count && status == PT_OK; index++) {
        status = pt_cursor_text(cursor, PT_FIELD_BYTES_MAX, &pairs[index].name);
        if (status == PT_OK)
            status = pt_cursor_text(cursor, PT_PARAM_BYTES_MAX, &pairs[index].value);
    }
    *out_count = count;
    return status;
}

static pt_status_t
s_read_reasons(pt_cursor_t *cursor, pt_decision_t *decision, unsigned levels)
{
    uint32_t count;
    pt_status_t status = pt_cursor_array(cursor, &count);
    if (status != PT_OK)
        return status;
    if (count > PT_REASONS_MAX)
        return PT_E_COUNT;
    for (uint32_t index = 0; index < count && status == PT_OK; index++)
        status = s_read_map(cursor, s_reason_keys, COUNT(s_reason_keys), &decision->reasons[index], NULL, levels - 1);
    decision->reason_count = count;
    return status;
}

static pt_status_t
s_read_audience(pt_cursor_t *cursor, uint8_t *out_audience)
{
    uint32_t count;
    unsigned audience = 0;
    pt_status_t status = pt_cursor_array(cursor, &count);
    for (uint32_t index = 0; status == PT_OK && index < count; index++) {
        unsigned value;
        status = s_read_word(cursor, pt_audience_parse, &value);
        if (status == PT_OK)
            audience |= PT_AUDIENCE_BIT(value);
    }
    if (status == PT_OK)
        *out_audience = (uint8_t) audience;
    return status;
}

static pt_status_t
s_read_retry(pt_cursor_t *cursor, pt_retry_t *out_retry, unsigned levels)
{
    out_retry->present = true;
    return s_read_map(cursor, s_retry_keys, COUNT(s_retry_keys), out_retry, NULL, levels);
}

static pt_status_t
s_read_alert(pt_cursor_t *cursor, pt_alert_t *out_alert, unsigned levels)
{
    out_alert->present = true;
    return s_read_map(cursor, s_alert_keys, COUNT(s_alert_keys), out_alert, NULL, levels);
}

static pt_status_t
s_read_value(pt_cursor_t *cursor, const s_key_t *key, void *out_struct, pt_pair_t *fields, unsigned levels)
{
    void *field = (char *) out_struct + key->offset;
    pt_decision_t *decision = out_struct; //  for the kinds that only a decision has
    switch (key->kind) {
    case KIND_TEXT:
        return pt_cursor_text(cursor, (size_t) key->max, field);
    case KIND_BOOL:
        return pt_cursor_bool(cursor, field);
    case KIND_UINT16:
    case KIND_UINT32:
    case KIND_UINT64:
        return s_read_uint(cursor, key, field);
    case KIND_WORD:
        return s_read_word(cursor, key->parse, field);
    case KIND_HEX:
        return s_read_hex(cursor, field);
    case KIND_RAW:
        return s_read_raw(cursor, key->max, field);
    case KIND_PARAMS:
        return s_read_pairs(cursor, decision->params, PT_PARAMS_MAX, &decision->param_count);
    case KIND_REASONS:
        return s_read_reasons(cursor, decision, levels);
    case KIND_FIELDS:
        decision->fields = fields;
        return s_read_pairs(cursor, fields, PT_FIELDS_MAX, &decision->field_count);
    case KIND_RETRY:
        return s_read_retry(cursor, field, levels);
    case KIND_ALERT:
        return s_read_alert(cursor, field, levels);
    case KIND_AUDIENCE:
        return s_read_audience(cursor, field);
    case KIND_IF_ABSENT:
        return s_read_if_absent(cursor, field);
    }
    return PT_OK;
}

/*  Read a key: its place in the table, or `count` for one that is not ours. */
static pt_status_t
s_read_key(pt_cursor_t *cursor, const s_key_t *keys, size_t count, unsigned levels, size_t *out_index)
{
    pt_value_t name;
    pt_status_t status = pt_cursor_next(cursor, &name);
    *out_index = count;
    if (status != PT_OK)
        return status;
    if (name.kind != PT_VALUE_STR)
        return pt_cursor_skip_children(cursor, &name, levels);
    for (size_t index = 0; index < count; index++)
        if (pt_text_equal(keys[index].name, name.as.text))
            *out_index = index;
    return PT_OK;
}

static pt_status_t
s_check_required(const s_key_t *keys, size_t count, uint32_t seen)
{
    for (size_t index = 0; index < count; index++)
        if (keys[index].required && !(seen & (1u << index)))
            return PT_E_MISSING;
    return PT_OK;
}

/*  Read a map into a struct. `levels` more arrays and maps may nest, this one included. */
static pt_status_t
s_read_map(pt_cursor_t *cursor, const s_key_t *keys, size_t count, void *out_struct, pt_pair_t *fields, unsigned levels)
{
    uint32_t pairs;
    uint32_t seen = 0;
    pt_status_t status = pt_cursor_map(cursor, &pairs);
    for (; status == PT_OK && pairs > 0; pairs--) {
        size_t index;
        status = s_read_key(cursor, keys, count, levels - 1, &index);
        if (status != PT_OK)
            return status;
        if (index == count) {
            status = pt_cursor_skip(cursor, levels - 1);
            continue;
        }
        if (seen & (1u << index))
            return PT_E_DUPLICATE;
        seen |= 1u << index;
        status = s_read_value(cursor, &keys[index], out_struct, fields, levels - 1);
    }
    return status == PT_OK ? s_check_required(keys, count, seen) : status;
}

pt_status_t
pt_decision_decode(pt_bytes_t bytes, pt_pair_t *fields, pt_decision_t *out_decision)
{
    assert(fields);
    assert(out_decision);
    _Static_assert(COUNT(s_decision_keys) <= 32, "one bit for each key");

    *out_decision = (pt_decision_t) {.fields = NULL};
    if (bytes.len > PT_DECISION_BYTES_MAX)
        return PT_E_SIZE;
    pt_cursor_t cursor = pt_cursor_open(bytes);
    pt_status_t status =
        s_read_map(&cursor, s_decision_keys, COUNT(s_decision_keys), out_decision, fields, PT_DEPTH_MAX);
    if (status == PT_OK)
        status = pt_cursor_end(&cursor);
    out_decision->on_bus = out_decision->producer.data != NULL;
    return status;
}
