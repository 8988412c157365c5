/*  A key is the hash of what makes two alerts of one kind, so that a table of keys holds no texts. */
#include "pt_alert_key.h"

#include <assert.h>

pt_alert_kind_t
pt_alert_kind(const pt_decision_t *decision)
{
    assert(decision);

    const pt_alert_t *alert = &decision->alert;
    if (!alert->present)
        return PT_ALERT_NONE;
    if (alert->active)
        return PT_ALERT_ACTIVE;
    return alert->when == PT_ALERT_WHEN_IF_FREQUENT ? PT_ALERT_IF_FREQUENT : PT_ALERT_NONE;
}

//  What a key is the hash of: of what kind the alert is, and texts, each behind its length. No decision has a longer
//  one.
#define S_KEY_TEXTS_MAX 6
#define S_KEY_TEXT_BYTES_MAX 256
typedef struct {
    uint8_t bytes[4 + S_KEY_TEXTS_MAX * (2 + S_KEY_TEXT_BYTES_MAX)];
    size_t len;
} s_key_t;

static void
s_put_text(s_key_t *self, pt_text_t text)
{
    text = pt_text_cut(text, S_KEY_TEXT_BYTES_MAX);
    uint16_t len = (uint16_t) text.len;
    memcpy(self->bytes + self->len, &len, sizeof(len));
    if (len)
        memcpy(self->bytes + self->len + sizeof(len), text.data, len);
    self->len += sizeof(len) + len;
}

XXH128_hash_t
pt_alert_key(const pt_decision_t *decision)
{
    assert(decision);

    bool is_unknown = decision->category == PT_CATEGORY_UNKNOWN_CODE;
    bool is_rate = pt_alert_kind(decision) == PT_ALERT_IF_FREQUENT;
    bool is_invalid = decision->match == PT_MATCH_INVALID;
    s_key_t key;
    key.bytes[0] = (uint8_t) decision->category;
    key.bytes[1] = (uint8_t) decision->alert.audience;
    key.bytes[2] = (uint8_t) decision->alert.drift;
    key.bytes[3] = (uint8_t) (4 * is_unknown + 2 * is_rate + is_invalid);
    key.len = 4;
    s_put_text(&key, decision->provider);
    s_put_text(&key, decision->entry);
    if (is_unknown) {
        s_put_text(&key, decision->operation);
        s_put_text(&key, decision->code);
    } else if (!is_rate) {
        s_put_text(&key, decision->account);
    }
    if (is_invalid) {
        s_put_text(&key, decision->producer);
        s_put_text(&key, decision->error);
    }
    return XXH3_128bits(key.bytes, key.len);
}
