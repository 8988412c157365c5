/*  pt_decision: a decision as one msgpack map, keys in the order of PROTOCOL.md. */
#include "pt_decision.h"

#include <assert.h>

#include "pt_decision_limits.h"
#include "pt_mask.h"
#include "pt_pen.h"

//  What puts a part of the map returns how many keys it put that not every decision has.
//
//  Keys that every decision has: id, attempt, provider, entry, match, category, outcome, route,
//  action, confirm_as_success, same_payload_ok, health, summary, catalog, decided_ms.
#define KEYS_ALWAYS 15

//  Heads of few and of many elements.
#define S_MAP 0x80, 0xde
#define S_ARRAY 0x90, 0xdc

//  The most that a text, a pair of two and a decision take: every text at its limit with a head of three bytes,
//  and what has no text of its own (keys, words, numbers, heads) rounded up.
#define S_TEXT_MAX(bytes_max) ((bytes_max) + 3)
#define S_PAIRS_MAX(count, name_max, value_max) ((count) * (S_TEXT_MAX(name_max) + S_TEXT_MAX(value_max)))
#define S_REST_MAX 832
#define S_BYTES_MAX                                                                                                    \
    (S_REST_MAX + S_TEXT_MAX(PT_DECISION_ENTRY_BYTES_MAX) + S_TEXT_MAX(PT_ID_BYTES_MAX) +                              \
     S_TEXT_MAX(PT_PROVIDER_BYTES_MAX) + S_TEXT_MAX(PT_OPERATION_BYTES_MAX) + S_TEXT_MAX(PT_REFERENCE_BYTES_MAX) +     \
     S_TEXT_MAX(PT_ACCOUNT_BYTES_MAX) + S_TEXT_MAX(PT_DECISION_PRODUCER_BYTES_MAX) + S_TEXT_MAX(PT_CODE_BYTES_MAX) +   \
     S_TEXT_MAX(PT_MESSAGE_BYTES_MAX) + S_TEXT_MAX(PT_DECISION_ENTRY_BYTES_MAX) +                                      \
     S_PAIRS_MAX(PT_PARAMS_MAX, PT_FIELD_BYTES_MAX, PT_PARAM_BYTES_MAX) +                                              \
     S_PAIRS_MAX(PT_REASONS_MAX, PT_MESSAGE_BYTES_MAX + 9, PT_DECISION_ENTRY_BYTES_MAX + 6) +                          \
     S_PAIRS_MAX(PT_FIELDS_MAX, PT_FIELD_BYTES_MAX, PT_PARAM_BYTES_MAX) + S_TEXT_MAX(PT_DECISION_SUMMARY_BYTES_MAX) +  \
     S_TEXT_MAX(PT_DECISION_ERROR_BYTES_MAX) + S_TEXT_MAX(PT_RAW_BYTES_MAX))
_Static_assert(S_BYTES_MAX + PT_PEN_SLACK <= PT_DECISION_BYTES_MAX, "the largest decision fits, with a pen's slack");

static bool
s_has_if_absent(const pt_decision_t *decision)
{
    return decision->action == PT_ACTION_QUERY_STATUS;
}

static inline void
s_put_text(pt_pen_t *pen, pt_text_t text, size_t bytes_max)
{
    if (text.len > bytes_max)
        text = pt_text_cut(text, bytes_max);
    pt_pen_text(pen, text);
}

/*  A text that a gateway wrote, or that a card number has no business in. Recognised in the whole text
 *  and masked in what was packed of it.
 */
static inline void
s_put_masked(pt_pen_t *pen, pt_text_t text, size_t bytes_max, bool masked)
{
    pt_text_t packed = text.len > bytes_max ? pt_text_cut(text, bytes_max) : text;
    pt_pen_text(pen, packed);
    if (masked)
        pt_mask_text(text, (char *) pen->at - packed.len, packed.len);
}

static void
s_put_raw(pt_pen_t *pen, pt_bytes_t raw, bool masked)
{
    size_t len = raw.len < PT_RAW_BYTES_MAX ? raw.len : PT_RAW_BYTES_MAX;
    pt_pen_big_endian(pen, len > UINT8_MAX ? 0xc5 : 0xc4, len, len > UINT8_MAX ? 2 : 1);
    if (!len)
        return;
    memcpy(pen->at, raw.data, len);
    if (masked)
        pt_mask_raw(raw, pen->at, len);
    pen->at += len;
}

/*  16 hex digits: an integer of 64 bits is no safe number in every language. */
static void
s_put_hex(pt_pen_t *pen, uint64_t value)
{
    pt_pen_byte(pen, 0xa0 | PT_TEXT_HEX_DIGITS);
    pt_text_hex(value, (char *) pen->at);
    pen->at += PT_TEXT_HEX_DIGITS;
}

/*  Returns where the pen is then. It is handed over by value: the place of a pen whose address is taken is written to
 *  memory after each part of a decision.
 */
static __attribute__((noinline)) uint8_t *
s_put_pairs(pt_pen_t pen, const pt_pair_t *pairs, size_t count, bool masked)
{
    pt_pen_count(&pen, S_MAP, count);
    for (size_t index = 0; index < count; index++) {
        s_put_masked(&pen, pairs[index].name, PT_FIELD_BYTES_MAX, masked);
        s_put_masked(&pen, pairs[index].value, PT_PARAM_BYTES_MAX, masked);
    }
    return pen.at;
}

/*  The same. */
static __attribute__((noinline)) uint8_t *
s_put_reasons(pt_pen_t pen, const pt_pair_t *reasons, size_t count, bool masked)
{
    pt_pen_count(&pen, S_ARRAY, count);
    for (size_t index = 0; index < count; index++) {
        pt_pen_count(&pen, S_MAP, 2);
        PT_PEN_KEY(&pen, "message");
        s_put_masked(&pen, reasons[index].name, PT_MESSAGE_BYTES_MAX, masked);
        PT_PEN_KEY(&pen, "entry");
        s_put_text(&pen, reasons[index].value, PT_DECISION_ENTRY_BYTES_MAX);
    }
    return pen.at;
}

/*  Who answered what: everything that is echoed from the envelope. */
static uint32_t
s_put_echo(pt_pen_t *pen, const pt_decision_t *self)
{
    bool masked = self->masking == PT_MASKING_ALL;
    uint32_t keys = 0;
    PT_PEN_KEY(pen, "id");
    s_put_text(pen, self->id, PT_ID_BYTES_MAX);
    PT_PEN_KEY(pen, "attempt");
    pt_pen_natural(pen, self->attempt);
    PT_PEN_KEY(pen, "provider");
    s_put_text(pen, self->provider, PT_PROVIDER_BYTES_MAX);
    if (pt_text_is_set(self->operation)) {
        keys++;
        PT_PEN_KEY(pen, "operation");
        s_put_masked(pen, self->operation, PT_OPERATION_BYTES_MAX, masked);
    }
    if (self->http_status) {
        keys++;
        PT_PEN_KEY(pen, "http_status");
        pt_pen_natural(pen, self->http_status);
    }
    if (pt_text_is_set(self->reference)) {
        keys++;
        PT_PEN_KEY(pen, "reference");
        s_put_masked(pen, self->reference, PT_REFERENCE_BYTES_MAX, masked);
    }
    if (pt_text_is_set(self->account)) {
        keys++;
        PT_PEN_KEY(pen, "account");
        s_put_masked(pen, self->account, PT_ACCOUNT_BYTES_MAX, masked);
    }
    if (self->on_bus) {
        keys += 2;
        PT_PEN_KEY(pen, "producer");
        s_put_text(pen, self->producer, PT_DECISION_PRODUCER_BYTES_MAX);
        PT_PEN_KEY(pen, "redriven");
        pt_pen_bool(pen, self->redriven);
    }
    return keys;
}

/*  What the gateway said, and which row of the catalog answered. */
static uint32_t
s_put_verdict(pt_pen_t *pen, const pt_decision_t *self)
{
    bool masked = self->masking != PT_MASKING_NONE;
    uint32_t keys = 0;
    //  A code that no row knows may be anything.
    bool code_masked = self->masking == PT_MASKING_ALL || (masked && self->match >= PT_MATCH_STATUS);
    if (pt_text_is_set(self->code)) {
        keys++;
        PT_PEN_KEY(pen, "code");
        s_put_masked(pen, self->code, PT_CODE_BYTES_MAX, code_masked);
    }
    if (self->message.data) {
        keys++;
        PT_PEN_KEY(pen, "message");
        s_put_masked(pen, self->message, PT_MESSAGE_BYTES_MAX, masked);
    }
    PT_PEN_KEY(pen, "entry");
    s_put_text(pen, self->entry, PT_DECISION_ENTRY_BYTES_MAX);
    PT_PEN_KEY(pen, "match");
    pt_pen_word(pen, &pt_model_words_match[self->match]);
    if (self->param_count) {
        keys++;
        PT_PEN_KEY(pen, "params");
        pen->at = s_put_pairs(*pen, self->params, self->param_count, masked);
    }
    if (self->reason_count) {
        keys++;
        PT_PEN_KEY(pen, "reasons");
        pen->at = s_put_reasons(*pen, self->reasons, self->reason_count, masked);
    }
    if (self->field_count) {
        keys++;
        PT_PEN_KEY(pen, "fields");
        pen->at = s_put_pairs(*pen, self->fields, self->field_count, masked);
    }
    if (self->fields_dropped) {
        keys++;
        PT_PEN_KEY(pen, "fields_dropped");
        pt_pen_natural(pen, self->fields_dropped);
    }
    return keys;
}

static void
s_put_retry(pt_pen_t *pen, const pt_decision_t *decision)
{
    const pt_retry_t *self = &decision->retry;
    bool has_if_absent = s_has_if_absent(decision);
    PT_PEN_KEY(pen, "retry");
    pt_pen_count(pen, S_MAP, has_if_absent ? 6 : 5);
    PT_PEN_KEY(pen, "delay_ms");
    pt_pen_natural(pen, self->delay_ms);
    PT_PEN_KEY(pen, "next_at_ms");
    pt_pen_natural(pen, self->next_at_ms);
    PT_PEN_KEY(pen, "attempt");
    pt_pen_natural(pen, self->attempt);
    PT_PEN_KEY(pen, "max_attempts");
    pt_pen_natural(pen, self->max_attempts);
    PT_PEN_KEY(pen, "deadline_ms");
    pt_pen_natural(pen, self->deadline_ms);
    if (has_if_absent) {
        PT_PEN_KEY(pen, "if_absent");
        if (self->if_absent == PT_ACTION_RESUBMIT)
            pt_pen_word(pen, &pt_model_words_action[PT_ACTION_RESUBMIT]);
        else
            pt_pen_short_word(pen, &pt_model_words_route[PT_ROUTE_DEAD_LETTER]);
    }
}

static void
s_put_audience(pt_pen_t *pen, unsigned audience)
{
    uint8_t *head = pen->at++;
    uint8_t count = 0;
    for (; audience; audience &= audience - 1, count++)
        pt_pen_short_word(pen, &pt_model_words_audience[__builtin_ctz(audience)]);
    *head = 0x90 | count;
}

static void
s_put_alert(pt_pen_t *pen, const pt_alert_t *self)
{
    bool has_nearest = pt_text_is_set(self->nearest);
    PT_PEN_KEY(pen, "alert");
    pt_pen_count(pen, S_MAP, 5U + self->drift + (self->fold ? 3 : 0) + has_nearest);
    PT_PEN_KEY(pen, "audience");
    s_put_audience(pen, self->audience);
    PT_PEN_KEY(pen, "severity");
    pt_pen_short_word(pen, &pt_model_words_severity[self->severity]);
    PT_PEN_KEY(pen, "when");
    pt_pen_short_word(pen, &pt_model_words_alert_when[self->when]);
    PT_PEN_KEY(pen, "active");
    pt_pen_bool(pen, self->active);
    PT_PEN_KEY(pen, "count");
    pt_pen_natural(pen, self->count);
    if (self->drift) {
        PT_PEN_KEY(pen, "drift");
        pt_pen_bool(pen, true);
    }
    if (self->fold) {
        PT_PEN_KEY(pen, "fold");
        pt_pen_short_word(pen, &pt_model_words_fold[self->fold]);
        PT_PEN_KEY(pen, "first_ms");
        pt_pen_natural(pen, self->first_ms);
        PT_PEN_KEY(pen, "last_ms");
        pt_pen_natural(pen, self->last_ms);
    }
    if (has_nearest) {
        PT_PEN_KEY(pen, "nearest");
        s_put_text(pen, self->nearest, PT_DECISION_ENTRY_BYTES_MAX);
    }
}

/*  Where it goes and what to do. */
static uint32_t
s_put_ruling(pt_pen_t *pen, const pt_decision_t *self)
{
    PT_PEN_KEY(pen, "category");
    pt_pen_word(pen, &pt_model_words_category[self->category]);
    PT_PEN_KEY(pen, "outcome");
    pt_pen_short_word(pen, &pt_model_words_outcome[self->outcome]);
    PT_PEN_KEY(pen, "route");
    pt_pen_short_word(pen, &pt_model_words_route[self->route]);
    PT_PEN_KEY(pen, "action");
    pt_pen_word(pen, &pt_model_words_action[self->action]);
    PT_PEN_KEY(pen, "confirm_as_success");
    pt_pen_bool(pen, self->confirm_as_success);
    PT_PEN_KEY(pen, "same_payload_ok");
    pt_pen_bool(pen, self->same_payload_ok);
    if (self->retry.present)
        s_put_retry(pen, self);
    if (self->alert.present)
        s_put_alert(pen, &self->alert);
    PT_PEN_KEY(pen, "health");
    pt_pen_bool(pen, self->health);
    return (uint32_t) self->retry.present + self->alert.present;
}

/*  Why, by which catalog and when; and what was wrong with bytes that are no response. */
static uint32_t
s_put_reason(pt_pen_t *pen, const pt_decision_t *self)
{
    PT_PEN_KEY(pen, "summary");
    s_put_text(pen, self->summary, PT_DECISION_SUMMARY_BYTES_MAX);
    PT_PEN_KEY(pen, "catalog");
    s_put_hex(pen, self->catalog);
    PT_PEN_KEY(pen, "decided_ms");
    pt_pen_natural(pen, self->decided_ms);
    if (self->match != PT_MATCH_INVALID)
        return 0;
    PT_PEN_KEY(pen, "error");
    bool masked = self->masking != PT_MASKING_NONE;
    s_put_masked(pen, self->error, PT_DECISION_ERROR_BYTES_MAX, masked);
    PT_PEN_KEY(pen, "raw");
    s_put_raw(pen, self->raw, masked);
    return 2;
}

//  The head of a map of many keys.
#define S_HEAD_BYTES 3

/*  Encode where all fits that can be in a decision. Returns the bytes. Nearly every decision has more keys than a short
 *  head can tell; the others are moved up to theirs.
 */
static size_t
s_encode(const pt_decision_t *decision, uint8_t *out)
{
    pt_pen_t pen = {out + S_HEAD_BYTES};
    uint32_t keys = KEYS_ALWAYS;
    keys += s_put_echo(&pen, decision);
    keys += s_put_verdict(&pen, decision);
    keys += s_put_ruling(&pen, decision);
    keys += s_put_reason(&pen, decision);
    if (keys < 16) {
        size_t bytes = (size_t) (pen.at - out) - S_HEAD_BYTES;
        out[0] = (uint8_t) (0x80 | keys);
        memmove(out + 1, out + S_HEAD_BYTES, bytes);
        return 1 + bytes;
    }
    out[0] = 0xde;
    out[1] = 0;
    out[2] = (uint8_t) keys;
    return (size_t) (pen.at - out);
}

/*  Encode where there is less room: elsewhere first, to see whether it fits. */
static pt_status_t
s_encode_tightly(const pt_decision_t *decision, uint8_t *out, size_t capacity, size_t *out_bytes)
{
    uint8_t room[PT_DECISION_BYTES_MAX];
    size_t bytes = s_encode(decision, room);
    if (bytes > capacity)
        return PT_E_SPACE;
    memcpy(out, room, bytes);
    *out_bytes = bytes;
    return PT_OK;
}

pt_status_t
pt_decision_encode(const pt_decision_t *decision, uint8_t *out, size_t capacity, size_t *out_bytes)
{
    assert(decision);
    assert(out);
    assert(out_bytes);
    assert(decision->param_count <= PT_PARAMS_MAX);
    assert(decision->reason_count <= PT_REASONS_MAX);
    assert(decision->field_count <= PT_FIELDS_MAX);
    assert(decision->alert.audience < PT_AUDIENCE_BIT(PT_AUDIENCE_COUNT_));

    if (capacity < PT_DECISION_BYTES_MAX)
        return s_encode_tightly(decision, out, capacity, out_bytes);
    *out_bytes = s_encode(decision, out);
    return PT_OK;
}
