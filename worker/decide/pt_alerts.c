/*  A table of slots of one size, found by hash. A slot goes to another key once it has been silent for a
 *  window; when none has, the last slot takes all that is new.
 */
#include "pt_alerts.h"

#include <assert.h>
#include <stdlib.h>

#define S_HEADS (2 * PT_ALERTS_KEYS_MAX)
#define S_OTHERS PT_ALERTS_KEYS_MAX //  the slot of what has none
#define S_NONE UINT32_MAX

//  A summary without a sample is looked at again so much later.
#define S_AGAIN_MS 1000

typedef struct {
    XXH128_hash_t key;
    uint32_t next; //  of the same head, or of the free ones
    bool used;
    bool told; //  the window is open
    pt_alert_kind_t kind;
    int64_t opened_ms;  //  when it was told or summed up
    int64_t touched_ms; //  the last one came
    uint32_t folded;    //  since then
    uint64_t first_ms;
    uint64_t last_ms;
    uint8_t *sample;
    size_t sample_bytes; //  0: none since the last summary
    //  Times of those that are not frequent yet, the oldest first; a ring of rate.count.
    pt_alert_rate_t rate;
    int64_t *times;
    uint32_t time_first;
    uint32_t time_count;
} s_slot_t;

struct pt_alerts {
    pt_alerts_options_t options;
    s_slot_t slots[PT_ALERTS_KEYS_MAX + 1];
    uint32_t heads[S_HEADS];
    uint32_t free;
    size_t used;
    int64_t due_ms;
    int64_t silent_ms; //  no slot can be taken over before
};

pt_alerts_t *
pt_alerts_new(const pt_alerts_options_t *options)
{
    assert(options);
    assert(options->frequent_count > 0 && options->frequent_count <= PT_ALERTS_FREQUENT_COUNT_MAX);

    pt_alerts_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->options = *options;
    self->due_ms = INT64_MAX;
    self->silent_ms = INT64_MIN;
    for (size_t i = 0; i < S_HEADS; i++)
        self->heads[i] = S_NONE;
    for (uint32_t i = 0; i < PT_ALERTS_KEYS_MAX; i++)
        self->slots[i].next = i + 1 < PT_ALERTS_KEYS_MAX ? i + 1 : S_NONE;
    self->slots[S_OTHERS].kind = PT_ALERT_ACTIVE;
    return self;
}

void
pt_alerts_destroy(pt_alerts_t **self_p)
{
    assert(self_p);

    pt_alerts_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i <= PT_ALERTS_KEYS_MAX; i++) {
        free(self->slots[i].sample);
        free(self->slots[i].times);
    }
    free(self);
    *self_p = NULL;
}

//  ---- slots

static uint32_t *
s_head(pt_alerts_t *self, XXH128_hash_t key)
{
    return &self->heads[key.low64 % S_HEADS];
}

static void
s_release_slot(pt_alerts_t *self, uint32_t index)
{
    s_slot_t *slot = &self->slots[index];
    uint32_t *link = s_head(self, slot->key);
    while (*link != index)
        link = &self->slots[*link].next;
    *link = slot->next;
    free(slot->sample);
    free(slot->times);
    *slot = (s_slot_t) {.next = self->free};
    self->free = index;
    self->used--;
}

//  Until when a slot must remember.
static int64_t
s_busy_until_ms(const pt_alerts_t *self, const s_slot_t *slot)
{
    uint64_t span_ms = self->options.window_ms > slot->rate.within_ms ? self->options.window_ms : slot->rate.within_ms;
    return slot->folded ? INT64_MAX : slot->touched_ms + (int64_t) span_ms;
}

static void
s_release_silent(pt_alerts_t *self, int64_t now_ms)
{
    if (now_ms < self->silent_ms)
        return;
    self->silent_ms = INT64_MAX;
    for (uint32_t i = 0; i < PT_ALERTS_KEYS_MAX; i++) {
        if (!self->slots[i].used)
            continue;
        int64_t until_ms = s_busy_until_ms(self, &self->slots[i]);
        if (until_ms <= now_ms)
            s_release_slot(self, i);
        else if (until_ms < self->silent_ms)
            self->silent_ms = until_ms;
    }
    //  Those with folded ones are silent at the earliest a window after their summary.
    int64_t next_ms = now_ms + (int64_t) self->options.window_ms;
    if (next_ms < self->silent_ms)
        self->silent_ms = next_ms;
}

static uint32_t
s_find_slot(pt_alerts_t *self, XXH128_hash_t key)
{
    uint32_t index = *s_head(self, key);
    while (index != S_NONE && !XXH128_isEqual(self->slots[index].key, key))
        index = self->slots[index].next;
    return index;
}

//  Room for the times of a rate, which may be another one since a change of catalogs. False when out of memory.
static bool
s_set_rate(const pt_alerts_t *self, s_slot_t *slot, pt_alert_rate_t rate)
{
    if (!rate.count)
        rate = (pt_alert_rate_t) {self->options.frequent_count, self->options.frequent_ms};
    assert(rate.count > 0);
    if (slot->rate.count == rate.count && slot->rate.within_ms == rate.within_ms)
        return true;
    int64_t *times = calloc(rate.count, sizeof(*times));
    if (!times)
        return slot->times != NULL;
    free(slot->times);
    slot->times = times;
    slot->time_first = slot->time_count = 0;
    slot->rate = rate;
    return true;
}

static uint32_t
s_take_slot(pt_alerts_t *self, XXH128_hash_t key, pt_alert_kind_t kind, int64_t now_ms)
{
    uint32_t index = s_find_slot(self, key);
    if (index != S_NONE)
        return index;
    if (self->free == S_NONE)
        s_release_silent(self, now_ms);
    if (self->free == S_NONE)
        return S_OTHERS;
    index = self->free;
    s_slot_t *slot = &self->slots[index];
    self->free = slot->next;
    self->used++;
    uint32_t *head = s_head(self, key);
    *slot = (s_slot_t) {.key = key, .next = *head, .used = true, .kind = kind};
    *head = index;
    return index;
}

//  ---- counting

static void
s_expire_times(s_slot_t *slot, int64_t now_ms)
{
    while (slot->time_count && now_ms - slot->times[slot->time_first] >= (int64_t) slot->rate.within_ms) {
        slot->time_first = (slot->time_first + 1) % slot->rate.count;
        slot->time_count--;
    }
}

//  Note the time of one that may be frequent. True: now it is.
static bool
s_note_time(s_slot_t *slot, int64_t now_ms)
{
    s_expire_times(slot, now_ms);
    slot->times[(slot->time_first + slot->time_count++) % slot->rate.count] = now_ms;
    return slot->time_count == slot->rate.count;
}

static void
s_fold(pt_alerts_t *self, s_slot_t *slot, uint64_t decided_ms)
{
    if (slot->folded++ == 0) {
        slot->first_ms = decided_ms;
        slot->sample_bytes = 0;
        int64_t due_ms = slot->opened_ms + (int64_t) self->options.window_ms;
        if (due_ms < self->due_ms)
            self->due_ms = due_ms;
    }
    slot->last_ms = decided_ms;
}

//  A window that is over and has folded nothing is closed; one that has waits for its summary.
static bool
s_is_open(const pt_alerts_t *self, const s_slot_t *slot, int64_t now_ms)
{
    return slot->told && (slot->folded || now_ms - slot->opened_ms < (int64_t) self->options.window_ms);
}

//  The slot of a key, with room for the times of its rate; that of the others where there is none.
static uint32_t
s_slot_for(pt_alerts_t *self, XXH128_hash_t key, pt_alert_kind_t kind, pt_alert_rate_t rate, int64_t now_ms)
{
    uint32_t index = s_take_slot(self, key, kind, now_ms);
    if (self->slots[index].kind != PT_ALERT_IF_FREQUENT || s_set_rate(self, &self->slots[index], rate))
        return index;
    s_release_slot(self, index);
    return S_OTHERS;
}

pt_alert_receipt_t
pt_alerts_count(pt_alerts_t *self, XXH128_hash_t key, pt_alert_kind_t kind, pt_alert_rate_t rate, int64_t now_ms,
                uint64_t decided_ms)
{
    assert(self);
    assert(kind != PT_ALERT_NONE);

    pt_alert_receipt_t receipt = {.fate = PT_ALERT_TOLD, .slot = S_NONE, .count = 1};
    if (kind == PT_ALERT_ACTIVE && self->options.window_ms == 0)
        return receipt;
    assert(rate.count <= PT_ALERTS_FREQUENT_COUNT_MAX);
    receipt.slot = s_slot_for(self, key, kind, rate, now_ms);
    s_slot_t *slot = &self->slots[receipt.slot];
    receipt.opened_ms = (uint64_t) slot->opened_ms;
    slot->touched_ms = now_ms;
    if (s_is_open(self, slot, now_ms)) {
        receipt.fate = PT_ALERT_FOLDED;
        s_fold(self, slot, decided_ms);
        return receipt;
    }
    slot->told = false;
    if (slot->kind == PT_ALERT_IF_FREQUENT && !s_note_time(slot, now_ms)) {
        receipt.fate = PT_ALERT_COUNTED;
        return receipt;
    }
    if (slot->kind == PT_ALERT_IF_FREQUENT)
        receipt.count = slot->time_count;
    slot->told = true;
    slot->opened_ms = now_ms;
    slot->time_count = 0;
    return receipt;
}

bool
pt_alerts_wants_sample(const pt_alerts_t *self, const pt_alert_receipt_t *receipt)
{
    assert(self);
    assert(receipt);

    return receipt->fate == PT_ALERT_FOLDED && self->slots[receipt->slot].sample_bytes == 0;
}

void
pt_alerts_keep_sample(pt_alerts_t *self, const pt_alert_receipt_t *receipt, pt_bytes_t sample)
{
    assert(pt_alerts_wants_sample(self, receipt));
    assert(sample.len > 0 && sample.len <= PT_ALERTS_SAMPLE_BYTES_MAX);

    s_slot_t *slot = &self->slots[receipt->slot];
    uint8_t *copy = realloc(slot->sample, sample.len);
    if (!copy)
        return;
    memcpy(copy, sample.data, sample.len);
    slot->sample = copy;
    slot->sample_bytes = sample.len;
}

void
pt_alerts_undo(pt_alerts_t *self, const pt_alert_receipt_t *receipt)
{
    assert(self);
    assert(receipt);

    if (receipt->slot == S_NONE)
        return;
    s_slot_t *slot = &self->slots[receipt->slot];
    switch (receipt->fate) {
    case PT_ALERT_TOLD:
        slot->told = false;
        slot->opened_ms = (int64_t) receipt->opened_ms;
        if (slot->kind == PT_ALERT_IF_FREQUENT)
            slot->time_count = receipt->count - 1;
        break;
    case PT_ALERT_FOLDED:
        slot->folded--;
        break;
    case PT_ALERT_COUNTED:
        slot->time_count--;
        break;
    case PT_ALERT_SUMMED:
        slot->folded += receipt->count;
        slot->told = true;
        slot->opened_ms = (int64_t) receipt->opened_ms;
        self->due_ms = INT64_MIN;
        break;
    }
}

//  ---- summaries

int64_t
pt_alerts_due_ms(const pt_alerts_t *self)
{
    assert(self);

    return self->due_ms;
}

//  Close a window that is over. True: there is something to say.
static bool
s_close_window(s_slot_t *slot, int64_t now_ms, pt_alert_summary_t *out)
{
    //  Without memory for a sample there is nothing to show; the next one that is folded brings another.
    if (!slot->sample_bytes)
        return false;
    out->receipt.fate = PT_ALERT_SUMMED;
    out->receipt.count = slot->folded;
    out->receipt.opened_ms = (uint64_t) slot->opened_ms;
    out->sample = (pt_bytes_t) {slot->sample, slot->sample_bytes};
    out->first_ms = slot->first_ms;
    out->last_ms = slot->last_ms;
    //  What came seldom is frequent no more, and what must be frequent to be told is not told.
    bool is_rare = slot->kind == PT_ALERT_IF_FREQUENT && slot->folded < slot->rate.count;
    slot->folded = 0;
    slot->opened_ms = now_ms;
    slot->told = !is_rare;
    return !is_rare;
}

bool
pt_alerts_sum_up(pt_alerts_t *self, int64_t now_ms, bool at_the_end, pt_alert_summary_t *out)
{
    assert(self);
    assert(out);

    if (!at_the_end && now_ms < self->due_ms)
        return false;
    self->due_ms = INT64_MAX;
    for (uint32_t i = 0; i <= PT_ALERTS_KEYS_MAX; i++) {
        s_slot_t *slot = &self->slots[i];
        if (!slot->folded)
            continue;
        int64_t due_ms = slot->opened_ms + (int64_t) self->options.window_ms;
        if (!at_the_end && now_ms < due_ms) {
            self->due_ms = due_ms < self->due_ms ? due_ms : self->due_ms;
            continue;
        }
        if (!s_close_window(slot, now_ms, out)) {
            if (slot->folded)
                self->due_ms = now_ms + S_AGAIN_MS;
            continue;
        }
        out->receipt.slot = i;
        out->others = i == S_OTHERS;
        self->due_ms = now_ms; //  there may be more
        return true;
    }
    return false;
}

size_t
pt_alerts_keys(const pt_alerts_t *self)
{
    assert(self);

    return self->used;
}
