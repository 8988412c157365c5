/*  pt_decision: a decision as one msgpack map, keys in the order of PROTOCOL.md. */
#include "pt_decision.h"

#include <assert.h>
#include <endian.h>

#include "pt_decision_limits.h"
#include "pt_mask.h"
#include "pt_model_words.h"
#include "pt_writer.h"

//  Keys that every decision has: id, attempt, provider, entry, match, category, outcome, route,
//  action, confirm_as_success, same_payload_ok, health, summary, catalog, decided_ms.
#define KEYS_ALWAYS 15

static bool
s_has_if_absent(const pt_decision_t *decision)
{
    return decision->action == PT_ACTION_QUERY_STATUS;
}

static uint32_t
s_count_keys(const pt_decision_t *self)
{
    uint32_t keys = KEYS_ALWAYS;
    keys += pt_text_is_set(self->operation);
    keys += self->http_status != 0;
    keys += pt_text_is_set(self->reference);
    keys += pt_text_is_set(self->account);
    keys += self->on_bus ? 2 : 0; //  producer, redriven
    keys += pt_text_is_set(self->code);
    keys += self->message.data != NULL;
    keys += self->param_count != 0;
    keys += self->reason_count != 0;
    keys += self->field_count != 0;
    keys += self->fields_dropped != 0;
    keys += self->retry.present;
    keys += self->alert.present;
    keys += self->match == PT_MATCH_INVALID ? 2 : 0; //  error, raw
    return keys;
}

static inline void
s_put_text(pt_writer_t *writer, pt_text_t text, size_t bytes_max)
{
    if (text.len > bytes_max)
        text = pt_text_cut(text, bytes_max);
    pt_writer_text(writer, text);
}

/*  A text that a gateway wrote, or that a card number has no business in. Recognised in the whole text
 *  and masked in what was packed of it.
 */
static inline void
s_put_masked(pt_writer_t *writer, pt_text_t text, size_t bytes_max, bool masked)
{
    pt_text_t packed = text.len > bytes_max ? pt_text_cut(text, bytes_max) : text;
    pt_writer_text(writer, packed);
    if (masked && !writer->full)
        pt_mask_text(text, (char *) writer->at - packed.len, packed.len);
}

static void
s_put_raw(pt_writer_t *writer, pt_bytes_t raw, bool masked)
{
    size_t len = raw.len < PT_RAW_BYTES_MAX ? raw.len : PT_RAW_BYTES_MAX;
    pt_pack_bin(writer, len);
    if (len)
        pt_writer_append(writer, raw.data, len);
    if (len && masked && !writer->full)
        pt_mask_raw(raw, writer->at - len, len);
}

/*  16 hex digits: an integer of 64 bits is no safe number in every language. */
static void
s_put_hex(pt_writer_t *writer, uint64_t value)
{
    //  Eight digits at once: a byte for each nibble, most significant first; a letter where it is above 9.
    char text[16];
    for (int half = 0; half < 2; half++) {
        uint64_t nibbles = value >> (half ? 0 : 32) & UINT32_MAX;
        nibbles = (nibbles | nibbles << 16) & UINT64_C(0x0000ffff0000ffff);
        nibbles = (nibbles | nibbles << 8) & UINT64_C(0x00ff00ff00ff00ff);
        nibbles = (nibbles | nibbles << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        uint64_t letters = (nibbles + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
        uint64_t digits = htobe64(nibbles + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10));
        memcpy(text + 8 * (size_t) half, &digits, sizeof digits);
    }
    pt_writer_text(writer, (pt_text_t) {text, sizeof text});
}

static void
s_put_pairs(pt_writer_t *writer, const pt_pair_t *pairs, size_t count, bool masked)
{
    pt_pack_map(writer, count);
    for (size_t index = 0; index < count; index++) {
        s_put_masked(writer, pairs[index].name, PT_FIELD_BYTES_MAX, masked);
        s_put_masked(writer, pairs[index].value, PT_PARAM_BYTES_MAX, masked);
    }
}

static void
s_put_reasons(pt_writer_t *writer, const pt_pair_t *reasons, size_t count)
{
    pt_pack_array(writer, count);
    for (size_t index = 0; index < count; index++) {
        pt_pack_map(writer, 2);
        PT_WRITER_KEY(writer, "message");
        s_put_text(writer, reasons[index].name, PT_MESSAGE_BYTES_MAX);
        PT_WRITER_KEY(writer, "entry");
        s_put_text(writer, reasons[index].value, PT_DECISION_ENTRY_BYTES_MAX);
    }
}

/*  Who answered what: everything that is echoed from the envelope. */
static void
s_put_echo(pt_writer_t *writer, const pt_decision_t *self)
{
    bool masked = self->masking == PT_MASKING_ALL;
    PT_WRITER_KEY(writer, "id");
    s_put_text(writer, self->id, PT_ID_BYTES_MAX);
    PT_WRITER_KEY(writer, "attempt");
    pt_pack_uint32(writer, self->attempt);
    PT_WRITER_KEY(writer, "provider");
    s_put_text(writer, self->provider, PT_PROVIDER_BYTES_MAX);
    if (pt_text_is_set(self->operation)) {
        PT_WRITER_KEY(writer, "operation");
        s_put_masked(writer, self->operation, PT_OPERATION_BYTES_MAX, masked);
    }
    if (self->http_status) {
        PT_WRITER_KEY(writer, "http_status");
        pt_pack_uint16(writer, self->http_status);
    }
    if (pt_text_is_set(self->reference)) {
        PT_WRITER_KEY(writer, "reference");
        s_put_masked(writer, self->reference, PT_REFERENCE_BYTES_MAX, masked);
    }
    if (pt_text_is_set(self->account)) {
        PT_WRITER_KEY(writer, "account");
        s_put_masked(writer, self->account, PT_ACCOUNT_BYTES_MAX, masked);
    }
    if (self->on_bus) {
        PT_WRITER_KEY(writer, "producer");
        s_put_text(writer, self->producer, PT_DECISION_PRODUCER_BYTES_MAX);
        PT_WRITER_KEY(writer, "redriven");
        pt_writer_bool(writer, self->redriven);
    }
}

/*  What the gateway said, and which row of the catalog answered. */
static void
s_put_verdict(pt_writer_t *writer, const pt_decision_t *self)
{
    bool masked = self->masking != PT_MASKING_NONE;
    //  A code that no row knows may be anything.
    bool code_masked = self->masking == PT_MASKING_ALL || (masked && self->match >= PT_MATCH_STATUS);
    if (pt_text_is_set(self->code)) {
        PT_WRITER_KEY(writer, "code");
        s_put_masked(writer, self->code, PT_CODE_BYTES_MAX, code_masked);
    }
    if (self->message.data) {
        PT_WRITER_KEY(writer, "message");
        s_put_masked(writer, self->message, PT_MESSAGE_BYTES_MAX, masked);
    }
    PT_WRITER_KEY(writer, "entry");
    s_put_text(writer, self->entry, PT_DECISION_ENTRY_BYTES_MAX);
    PT_WRITER_KEY(writer, "match");
    pt_writer_text(writer, pt_model_words_match[self->match]);
    if (self->param_count) {
        PT_WRITER_KEY(writer, "params");
        s_put_pairs(writer, self->params, self->param_count, masked);
    }
    if (self->reason_count) {
        PT_WRITER_KEY(writer, "reasons");
        s_put_reasons(writer, self->reasons, self->reason_count);
    }
    if (self->field_count) {
        PT_WRITER_KEY(writer, "fields");
        s_put_pairs(writer, self->fields, self->field_count, masked);
    }
    if (self->fields_dropped) {
        PT_WRITER_KEY(writer, "fields_dropped");
        pt_pack_uint64(writer, self->fields_dropped);
    }
}

static void
s_put_retry(pt_writer_t *writer, const pt_decision_t *decision)
{
    const pt_retry_t *self = &decision->retry;
    bool has_if_absent = s_has_if_absent(decision);
    PT_WRITER_KEY(writer, "retry");
    pt_pack_map(writer, has_if_absent ? 6 : 5);
    PT_WRITER_KEY(writer, "delay_ms");
    pt_pack_uint64(writer, self->delay_ms);
    PT_WRITER_KEY(writer, "next_at_ms");
    pt_pack_uint64(writer, self->next_at_ms);
    PT_WRITER_KEY(writer, "attempt");
    pt_pack_uint32(writer, self->attempt);
    PT_WRITER_KEY(writer, "max_attempts");
    pt_pack_uint32(writer, self->max_attempts);
    PT_WRITER_KEY(writer, "deadline_ms");
    pt_pack_uint64(writer, self->deadline_ms);
    if (has_if_absent) {
        PT_WRITER_KEY(writer, "if_absent");
        if (self->if_absent == PT_ACTION_RESUBMIT)
            pt_writer_text(writer, pt_model_words_action[PT_ACTION_RESUBMIT]);
        else
            pt_writer_text(writer, pt_model_words_route[PT_ROUTE_DEAD_LETTER]);
    }
}

static void
s_put_audience(pt_writer_t *writer, unsigned audience)
{
    pt_pack_array(writer, (size_t) __builtin_popcount(audience));
    for (; audience; audience &= audience - 1)
        pt_writer_text(writer, pt_model_words_audience[__builtin_ctz(audience)]);
}

static void
s_put_alert(pt_writer_t *writer, const pt_alert_t *self)
{
    PT_WRITER_KEY(writer, "alert");
    pt_pack_map(writer, 5);
    PT_WRITER_KEY(writer, "audience");
    s_put_audience(writer, self->audience);
    PT_WRITER_KEY(writer, "severity");
    pt_writer_text(writer, pt_model_words_severity[self->severity]);
    PT_WRITER_KEY(writer, "when");
    pt_writer_text(writer, pt_model_words_alert_when[self->when]);
    PT_WRITER_KEY(writer, "active");
    pt_writer_bool(writer, self->active);
    PT_WRITER_KEY(writer, "count");
    pt_pack_uint32(writer, self->count);
}

/*  Where it goes and what to do. */
static void
s_put_ruling(pt_writer_t *writer, const pt_decision_t *self)
{
    PT_WRITER_KEY(writer, "category");
    pt_writer_text(writer, pt_model_words_category[self->category]);
    PT_WRITER_KEY(writer, "outcome");
    pt_writer_text(writer, pt_model_words_outcome[self->outcome]);
    PT_WRITER_KEY(writer, "route");
    pt_writer_text(writer, pt_model_words_route[self->route]);
    PT_WRITER_KEY(writer, "action");
    pt_writer_text(writer, pt_model_words_action[self->action]);
    PT_WRITER_KEY(writer, "confirm_as_success");
    pt_writer_bool(writer, self->confirm_as_success);
    PT_WRITER_KEY(writer, "same_payload_ok");
    pt_writer_bool(writer, self->same_payload_ok);
    if (self->retry.present)
        s_put_retry(writer, self);
    if (self->alert.present)
        s_put_alert(writer, &self->alert);
    PT_WRITER_KEY(writer, "health");
    pt_writer_bool(writer, self->health);
}

/*  Why, by which catalog and when; and what was wrong with bytes that are no response. */
static void
s_put_reason(pt_writer_t *writer, const pt_decision_t *self)
{
    PT_WRITER_KEY(writer, "summary");
    s_put_text(writer, self->summary, PT_DECISION_SUMMARY_BYTES_MAX);
    PT_WRITER_KEY(writer, "catalog");
    s_put_hex(writer, self->catalog);
    PT_WRITER_KEY(writer, "decided_ms");
    pt_pack_uint64(writer, self->decided_ms);
    if (self->match != PT_MATCH_INVALID)
        return;
    PT_WRITER_KEY(writer, "error");
    bool masked = self->masking != PT_MASKING_NONE;
    s_put_masked(writer, self->error, PT_DECISION_ERROR_BYTES_MAX, masked);
    PT_WRITER_KEY(writer, "raw");
    s_put_raw(writer, self->raw, masked);
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

    pt_writer_t writer = pt_writer_open(out, capacity);
    pt_pack_map(&writer, s_count_keys(decision));
    s_put_echo(&writer, decision);
    s_put_verdict(&writer, decision);
    s_put_ruling(&writer, decision);
    s_put_reason(&writer, decision);
    if (writer.full)
        return PT_E_SPACE;
    *out_bytes = (size_t) (writer.at - out);
    return PT_OK;
}
