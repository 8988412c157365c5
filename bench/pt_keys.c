#include "pt_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "pt_catalog.h"
#include "pt_rule.h"

#define S_KEY_BYTES_MAX 320 //  provider, slash, code
#define S_SCATTER_BYTES (64u * 1024 * 1024)
#define S_UNKNOWN_PERCENT 5
#define S_UNKNOWN_MAX 512

//  That many keys of usual length fit into a first-level cache beside their table's hot lines.
#define S_SHARED_KEYS_MAX 1024

//  What may be read past a key by a contender that loads whole words.
#define S_SLACK_BYTES 64

void
pt_keys_reserve(pt_keys_t *self, size_t count, const char *name)
{
    *self = (pt_keys_t) {0};
    snprintf(self->name, sizeof(self->name), "%s", name);
    self->texts = pt_bench_alloc(count * sizeof(*self->texts));
    self->room = pt_bench_alloc(count * S_KEY_BYTES_MAX + S_SLACK_BYTES);
}

void
pt_keys_append(pt_keys_t *self, pt_text_t text)
{
    assert(text.len <= S_KEY_BYTES_MAX);

    char *at = self->room + self->used;
    memcpy(at, text.data, text.len);
    self->texts[self->count++] = (pt_text_t) {at, text.len};
    self->used += text.len;
}

static int
s_compare_texts(const void *left, const void *right)
{
    const pt_text_t *a = left;
    const pt_text_t *b = right;
    int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

void
pt_keys_remove_repeats(pt_keys_t *self)
{
    qsort(self->texts, self->count, sizeof(*self->texts), s_compare_texts);
    size_t kept = 0;
    self->bytes = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (kept && pt_text_equal(self->texts[kept - 1], self->texts[i]))
            continue;
        self->texts[kept++] = self->texts[i];
        self->bytes += self->texts[i].len;
    }
    self->count = kept;
}

uint32_t
pt_keys_find(const pt_keys_t *self, pt_text_t text)
{
    const pt_text_t *found = bsearch(&text, self->texts, self->count, sizeof(*self->texts), s_compare_texts);
    return found ? (uint32_t) (found - self->texts) : PT_KEY_NONE;
}

void
pt_keys_load_builtin(pt_keys_t *self)
{
    const pt_catalog_t *catalog = pt_catalog_builtin();
    size_t count = pt_catalog_entry_count(catalog);
    pt_keys_reserve(self, count, "real");
    for (size_t i = 0; i < count; i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        if (view.kind != PT_ENTRY_CODE)
            continue;
        pt_text_t provider = pt_provider_id(pt_catalog_entry_provider(catalog, entry));
        char key[S_KEY_BYTES_MAX];
        int len = snprintf(key, sizeof(key), "%.*s/%.*s", (int) provider.len, provider.data, (int) view.code.len,
                           view.code.data);
        assert(len > 0 && (size_t) len < sizeof(key));
        pt_keys_append(self, (pt_text_t) {key, (size_t) len});
    }
    pt_keys_remove_repeats(self);
}

static size_t
s_make_code(pt_dice_t *dice, char *out)
{
    static const char *const alphabets[] = {"0123456789", "abcdefghijklmnopqrstuvwxyz_", "ABCDEFGHIJKLMNOPQRSTUVWXYZ_",
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"};
    //  With its provider no key is longer than 24 bytes, as no real one is; those of digits are short.
    uint64_t kind = pt_dice_below(dice, 4);
    size_t len = 4 + pt_dice_below(dice, kind == 0 ? 6 : 14);
    size_t letters = strlen(alphabets[kind]);
    for (size_t i = 0; i < len; i++)
        out[i] = alphabets[kind][pt_dice_below(dice, letters)];
    return len;
}

void
pt_keys_make(pt_keys_t *self, size_t count)
{
    //  Some come out equal; what is missing is made in another turn.
    char name[sizeof(self->name)];
    bool is_millions = count >= 1000000;
    snprintf(name, sizeof(name), "%u %c", (unsigned) (count / (is_millions ? 1000000 : 1000)), is_millions ? 'M' : 'k');
    pt_keys_reserve(self, 2 * count, name);
    pt_dice_t dice;
    pt_dice_init(&dice, count);
    while (self->count < count) {
        for (size_t missing = count - self->count; missing > 0; missing--) {
            char key[S_KEY_BYTES_MAX];
            size_t len = (size_t) sprintf(key, "gw%u/", (unsigned) pt_dice_below(&dice, 1000));
            len += s_make_code(&dice, key + len);
            pt_keys_append(self, (pt_text_t) {key, len});
        }
        pt_keys_remove_repeats(self);
    }
}

void
pt_keys_clear(pt_keys_t *self)
{
    free(self->texts);
    free(self->room);
    *self = (pt_keys_t) {0};
}

void
pt_zipf_init(pt_zipf_t *self, size_t count, pt_dice_t *dice)
{
    self->count = count;
    self->order = pt_bench_alloc(count * sizeof(*self->order));
    self->weights = pt_bench_alloc(count * sizeof(*self->weights));
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t other = pt_dice_below(dice, i + 1);
        self->order[i] = self->order[other];
        self->order[other] = (uint32_t) i;
        sum += 1.0 / (double) (i + 1);
        self->weights[i] = sum;
    }
}

uint32_t
pt_zipf_draw(const pt_zipf_t *self, pt_dice_t *dice)
{
    double target = pt_dice_unit(dice) * self->weights[self->count - 1];
    size_t low = 0;
    size_t high = self->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (self->weights[middle] <= target)
            low = middle + 1;
        else
            high = middle;
    }
    return self->order[low];
}

void
pt_zipf_clear(pt_zipf_t *self)
{
    free(self->order);
    free(self->weights);
    *self = (pt_zipf_t) {0};
}

//  One letter of a key changed, so that only a whole comparison tells them apart.
static pt_text_t
s_make_unknown(const pt_keys_t *keys, uint32_t key, pt_dice_t *dice, char *out)
{
    pt_text_t text = {out, keys->texts[key].len};
    memcpy(out, keys->texts[key].data, text.len);
    do
        out[pt_dice_below(dice, text.len)] = (char) ('a' + pt_dice_below(dice, 26));
    while (pt_keys_find(keys, text) != PT_KEY_NONE);
    return text;
}

//  Some hundred different unknown keys, which come again and again, as in life.
static void
s_make_unknowns(pt_keys_t *unknown, const pt_keys_t *keys, const pt_zipf_t *zipf, pt_dice_t *dice)
{
    size_t count = keys->count < S_UNKNOWN_MAX ? keys->count : S_UNKNOWN_MAX;
    pt_keys_reserve(unknown, count, "unknown");
    for (size_t i = 0; i < count; i++) {
        char text[S_KEY_BYTES_MAX];
        pt_keys_append(unknown, s_make_unknown(keys, pt_zipf_draw(zipf, dice), dice, text));
    }
}

//  Copy each text that several queries share once, or each query's for itself.
static void
s_copy_texts(pt_stream_t *self, bool share)
{
    size_t bytes = S_SLACK_BYTES;
    for (size_t i = 0; i < self->count; i++)
        bytes += self->texts[i].len;
    self->room = pt_bench_alloc(bytes);
    pt_keys_t seen = {0};
    if (share) {
        seen = (pt_keys_t) {.texts = pt_bench_alloc(self->count * sizeof(*seen.texts)), .count = self->count};
        memcpy(seen.texts, self->texts, self->count * sizeof(*seen.texts));
        pt_keys_remove_repeats(&seen);
    }
    char *at = self->room;
    for (size_t i = 0; i < seen.count; i++) {
        memcpy(at, seen.texts[i].data, seen.texts[i].len);
        seen.texts[i].data = at;
        at += seen.texts[i].len;
    }
    for (size_t i = 0; i < self->count; i++) {
        if (share) {
            self->texts[i] = seen.texts[pt_keys_find(&seen, self->texts[i])];
            continue;
        }
        memcpy(at, self->texts[i].data, self->texts[i].len);
        self->texts[i].data = at;
        at += self->texts[i].len;
    }
    pt_keys_clear(&seen);
}

void
pt_stream_make(pt_stream_t *self, const pt_keys_t *keys, size_t count)
{
    pt_dice_t dice;
    pt_zipf_t zipf;
    pt_keys_t unknown;
    pt_dice_init(&dice, keys->count + count);
    pt_zipf_init(&zipf, keys->count, &dice);
    s_make_unknowns(&unknown, keys, &zipf, &dice);
    *self = (pt_stream_t) {.count = count};
    self->texts = pt_bench_alloc(count * sizeof(*self->texts));
    for (size_t i = 0; i < count; i++) {
        bool is_unknown = pt_dice_below(&dice, 100) < S_UNKNOWN_PERCENT;
        uint32_t key = pt_zipf_draw(&zipf, &dice);
        self->texts[i] = is_unknown ? unknown.texts[pt_dice_below(&dice, unknown.count)] : keys->texts[key];
        self->answer_sum += is_unknown ? PT_KEY_NONE : key;
        self->unknown += is_unknown;
    }
    s_copy_texts(self, keys->count <= S_SHARED_KEYS_MAX);
    pt_keys_clear(&unknown);
    pt_zipf_clear(&zipf);
}

void
pt_stream_scatter(pt_stream_t *self, const pt_stream_t *from)
{
    pt_dice_t dice;
    pt_dice_init(&dice, from->count);
    *self = *from;
    self->texts = pt_bench_alloc(from->count * sizeof(*self->texts));
    self->room = pt_bench_alloc(S_SCATTER_BYTES + S_SLACK_BYTES);
    //  One place of 64 bytes or more for each, in random order.
    size_t places = S_SCATTER_BYTES / 128;
    assert(from->count <= places);
    uint32_t *order = pt_bench_alloc(places * sizeof(*order));
    for (size_t i = 0; i < places; i++) {
        size_t other = pt_dice_below(&dice, i + 1);
        order[i] = order[other];
        order[other] = (uint32_t) i;
    }
    for (size_t i = 0; i < from->count; i++) {
        char *place = self->room + 128 * (size_t) order[i] + pt_dice_below(&dice, 64);
        size_t len = from->texts[i].len < 64 ? from->texts[i].len : 64;
        assert(from->texts[i].len <= 64);
        memcpy(place, from->texts[i].data, len);
        self->texts[i] = (pt_text_t) {place, len};
    }
    free(order);
}

void
pt_stream_clear(pt_stream_t *self)
{
    free(self->texts);
    free(self->room);
    *self = (pt_stream_t) {0};
}
