#include "pt_joined.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_bench.h"
#include "pt_catalog.h"
#include "pt_classify.h"
#include "pt_image.h"
#include "pt_rule.h"

#define S_UNKNOWN_PERCENT 5
#define S_OTHER_PERCENT 10

const pt_phash_t *
pt_classify_table(void)
{
    static pt_image_t s_image;
    //  It has been opened before, or the catalog would have ended the program.
    if (!s_image.header && pt_image_open((pt_bytes_t) {pt_builtin_image, pt_builtin_image_bytes}, &s_image) != PT_OK)
        abort();
    return &s_image.table;
}

static void
s_add_code(pt_keys_t *self, const pt_provider_t *provider, pt_text_t code)
{
    char joined[PT_JOINED_BYTES_MAX];
    pt_triple_t triple = {.provider = pt_provider_id(provider), .code = code};
    uint32_t any = pt_classify(pt_classify_table(), &triple);
    pt_keys_append(self, pt_joined_write(&triple, PT_TEXT_NONE, joined));
    for (size_t i = 0; i < pt_provider_operation_count(provider); i++) {
        triple.operation = pt_provider_operation_at(provider, i).name;
        if (pt_classify(pt_classify_table(), &triple) != any)
            pt_keys_append(self, pt_joined_write(&triple, triple.operation, joined));
    }
}

void
pt_joined_load(pt_keys_t *self)
{
    const pt_catalog_t *catalog = pt_catalog_builtin();
    size_t operations = 0;
    for (size_t i = 0; i < pt_catalog_provider_count(catalog); i++)
        operations += pt_provider_operation_count(pt_catalog_provider_at(catalog, i));
    pt_keys_reserve(self, (operations + 1) * pt_catalog_entry_count(catalog), "joined");
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        if (view.kind == PT_ENTRY_CODE)
            s_add_code(self, pt_catalog_entry_provider(catalog, entry), view.code);
    }
    pt_keys_remove_repeats(self);
}

//  Take a joined key apart; codes may hold slashes, providers and operations' first part may not.
static pt_triple_t
s_split(pt_text_t key)
{
    const char *first = memchr(key.data, '/', key.len);
    assert(first);
    pt_triple_t triple = {.provider = {key.data, (size_t) (first - key.data)}};
    const char *at = first + 1;
    size_t left = key.len - triple.provider.len - 1;
    const char *last = memrchr(at, '/', left);
    assert(last);
    triple.operation = (pt_text_t) {at, (size_t) (last - at)};
    triple.code = (pt_text_t) {last + 1, left - (size_t) (last + 1 - at)};
    return triple;
}

//  Another operation of the same provider.
static pt_text_t
s_draw_operation(pt_text_t provider, pt_dice_t *dice)
{
    const pt_provider_t *known = pt_catalog_provider(pt_catalog_builtin(), provider);
    assert(known);
    size_t count = pt_provider_operation_count(known);
    return count ? pt_provider_operation_at(known, pt_dice_below(dice, count)).name : PT_TEXT("payment");
}

pt_triple_t *
pt_joined_draw(const pt_keys_t *keys, size_t count)
{
    static const char *const unknown[] = {"9999999", "NEW_CODE", "card_brand_unsupported", "E-1701"};
    pt_triple_t *triples = pt_bench_alloc(count * sizeof(*triples));
    pt_dice_t dice;
    pt_zipf_t zipf;
    pt_dice_init(&dice, count);
    pt_zipf_init(&zipf, keys->count, &dice);
    for (size_t i = 0; i < count; i++) {
        triples[i] = s_split(keys->texts[pt_zipf_draw(&zipf, &dice)]);
        if (!triples[i].operation.len || pt_dice_below(&dice, 100) < S_OTHER_PERCENT)
            triples[i].operation = s_draw_operation(triples[i].provider, &dice);
        if (pt_dice_below(&dice, 100) < S_UNKNOWN_PERCENT)
            triples[i].code = pt_text_of(unknown[pt_dice_below(&dice, 4)]);
    }
    pt_zipf_clear(&zipf);
    return triples;
}

uint32_t
pt_joined_find(const pt_keys_t *keys, const pt_triple_t *triple)
{
    char joined[PT_JOINED_BYTES_MAX];
    uint32_t answer = pt_keys_find(keys, pt_joined_write(triple, triple->operation, joined));
    return answer != PT_KEY_NONE ? answer : pt_keys_find(keys, pt_joined_write(triple, PT_TEXT_NONE, joined));
}
