/*  The perfect hash against the list of its own keys. */
#include "pt_phash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

//  Random keys, each once, all in one block of bytes.
typedef struct {
    pt_phash_item_t *items;
    size_t count;
    char *pool;
    size_t pool_bytes;
    pt_phash_t table;
} s_keys_t;

static uint64_t s_random_state;

static uint64_t
s_random(void)
{
    uint64_t z = s_random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void
s_reserve(s_keys_t *keys, size_t count, size_t bytes)
{
    *keys = (s_keys_t) {0};
    keys->items = calloc(count, sizeof *keys->items);
    keys->pool = calloc(1, bytes);
    assert_non_null(keys->items);
    assert_non_null(keys->pool);
}

static void
s_add_key(s_keys_t *keys, const char *data, size_t len, pt_space_t space, uint16_t owner)
{
    pt_phash_item_t *item = &keys->items[keys->count];
    char *kept = keys->pool + keys->pool_bytes;
    memcpy(kept, data, len);
    *item = (pt_phash_item_t) {.text = {kept, len}, .space = (uint8_t) space, .owner = owner};
    item->pool_offset = (uint32_t) keys->pool_bytes;
    for (int i = 0; i < PT_SLOT_OPERATIONS; i++)
        item->operations[i] = PT_OPERATION_NONE;
    item->values[PT_SLOT_OPERATIONS] = (uint32_t) keys->count;
    keys->count++;
    keys->pool_bytes += len;
}

static void
s_build(s_keys_t *keys)
{
    size_t pair[2];
    assert_int_equal(pt_phash_build(keys->items, keys->count, keys->pool, &keys->table, pair), PT_OK);
}

static void
s_free(s_keys_t *keys)
{
    pt_phash_release(&keys->table);
    free(keys->items);
    free(keys->pool);
}

//  Codes as gateways have them: words, digits, and now and then a long one. The index in front keeps
//  each of them unique.
static void
s_make_random_keys(s_keys_t *keys, size_t count, uint64_t seed)
{
    s_random_state = seed;
    s_reserve(keys, count, count * 64);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "%zx", i);
        size_t extra = s_random() % (s_random() % 10 == 0 ? 40 : 12);
        for (size_t j = 0; j < extra; j++)
            text[len++] = (char) ('G' + s_random() % 20);
        s_add_key(keys, text, (size_t) len, (pt_space_t) (s_random() % 3), (uint16_t) (s_random() % 50));
    }
}

static size_t
s_scan(const s_keys_t *keys, pt_space_t space, uint16_t owner, pt_text_t text)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->items[i].space == space && keys->items[i].owner == owner && pt_text_equal(keys->items[i].text, text))
            return i;
    return SIZE_MAX;
}

static size_t
s_find(const s_keys_t *keys, pt_space_t space, uint16_t owner, pt_text_t text)
{
    const pt_slot_t *slot = pt_phash_find(&keys->table, space, owner, text);
    uint32_t value = slot ? slot->values[PT_SLOT_OPERATIONS] : PT_PHASH_NONE;
    assert_int_equal(pt_phash_value(&keys->table, space, owner, text), value);
    return slot ? slot->values[PT_SLOT_OPERATIONS] : SIZE_MAX;
}

static void
s_check_all_found(const s_keys_t *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const pt_phash_item_t *item = &keys->items[i];
        assert_int_equal(s_find(keys, (pt_space_t) item->space, item->owner, item->text), i);
    }
}

static void
random_keys_of_any_number_are_all_found(void **state)
{
    (void) state;
    static const size_t counts[] = {1, 2, 3, 10, 461, 1000, 4095, 4096, 100000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        s_keys_t keys;
        s_make_random_keys(&keys, counts[i], 7 + i);
        s_build(&keys);
        s_check_all_found(&keys);
        s_free(&keys);
    }
}

//  Half of the questions are about keys, half about what a key becomes when one of its bytes changes,
//  one is cut off, or it is asked in another space or of another owner.
static void
answers_equal_those_of_a_linear_scan(void **state)
{
    (void) state;
    s_keys_t keys;
    s_make_random_keys(&keys, 1000, 99);
    s_build(&keys);
    for (int i = 0; i < 20000; i++) {
        const pt_phash_item_t *item = &keys.items[s_random() % keys.count];
        char text[64];
        memcpy(text, item->text.data, item->text.len);
        pt_text_t asked = {text, item->text.len};
        pt_space_t space = (pt_space_t) item->space;
        uint16_t owner = item->owner;
        switch (s_random() % 8) {
        case 0:
            text[s_random() % asked.len] ^= (char) (1u << s_random() % 8);
            break;
        case 1:
            asked.len--;
            break;
        case 2:
            space = (pt_space_t) (s_random() % PT_SPACE_COUNT_);
            break;
        case 3:
            owner = (uint16_t) (s_random() % 60);
            break;
        default:
            break;
        }
        assert_int_equal(s_find(&keys, space, owner, asked), s_scan(&keys, space, owner, asked));
    }
    s_free(&keys);
}

static void
a_batch_of_any_size_gives_what_single_look_ups_give(void **state)
{
    (void) state;
    s_keys_t keys;
    s_make_random_keys(&keys, 5000, 77);
    s_build(&keys);
    static const size_t sizes[] = {0, 1, 31, 32, 33, 64, 200};
    for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
        pt_text_t texts[200];
        const pt_slot_t *slots[200];
        const pt_phash_item_t *owner = &keys.items[s_random() % keys.count];
        for (size_t i = 0; i < sizes[size]; i++)
            texts[i] = keys.items[s_random() % keys.count].text;
        //  Nothing, and more than any key has, stand among them.
        if (sizes[size] > 2) {
            texts[0] = PT_TEXT_NONE;
            texts[1].len = PT_PHASH_KEY_BYTES_MAX + 1;
        }
        pt_phash_find_batch(&keys.table, (pt_space_t) owner->space, owner->owner, texts, sizes[size], slots);
        for (size_t i = 0; i < sizes[size]; i++)
            assert_ptr_equal(slots[i], pt_phash_find(&keys.table, (pt_space_t) owner->space, owner->owner, texts[i]));
    }
    s_free(&keys);
}

static void
an_empty_table_knows_no_key(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 1, 1);
    s_build(&keys);
    assert_int_equal(s_find(&keys, PT_SPACE_CODE, 0, PT_TEXT("00")), SIZE_MAX);
    assert_int_equal(s_find(&keys, PT_SPACE_CODE, 0, PT_TEXT_NONE), SIZE_MAX);
    s_free(&keys);
}

//  Each length has two keys: in its own exact block, so that a checker of memory sees any byte read
//  beyond, and with one byte changed at its middle.
static void
keys_of_every_length_are_found_and_told_apart(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 2 * PT_PHASH_KEY_BYTES_MAX, (size_t) 2 * PT_PHASH_KEY_BYTES_MAX * PT_PHASH_KEY_BYTES_MAX);
    char text[PT_PHASH_KEY_BYTES_MAX];
    for (size_t len = 1; len <= sizeof text; len++) {
        memset(text, 'a', len);
        s_add_key(&keys, text, len, PT_SPACE_CODE, 3);
        text[len / 2] = 'b';
        s_add_key(&keys, text, len, PT_SPACE_CODE, 3);
    }
    s_build(&keys);
    for (size_t i = 0; i < keys.count; i++) {
        size_t len = keys.items[i].text.len;
        char *exact = malloc(len);
        assert_non_null(exact);
        memcpy(exact, keys.items[i].text.data, len);
        assert_int_equal(s_find(&keys, PT_SPACE_CODE, 3, (pt_text_t) {exact, len}), i);
        exact[0] = 'c';
        assert_int_equal(s_find(&keys, PT_SPACE_CODE, 3, (pt_text_t) {exact, len}), SIZE_MAX);
        free(exact);
    }
    s_free(&keys);
}

static void
a_key_with_zero_bytes_is_not_its_shorter_self(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 2, 64);
    s_add_key(&keys, "05", 2, PT_SPACE_CODE, 0);
    s_add_key(&keys, "05\0", 3, PT_SPACE_CODE, 0);
    s_build(&keys);
    s_check_all_found(&keys);
    assert_int_equal(s_find(&keys, PT_SPACE_CODE, 0, (pt_text_t) {"05\0\0", 4}), SIZE_MAX);
    s_free(&keys);
}

static void
a_key_is_found_at_every_place_within_a_page(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 1, 64);
    s_add_key(&keys, "4009001", 7, PT_SPACE_CODE, 0);
    s_build(&keys);
    char *pages = aligned_alloc(4096, 8192);
    assert_non_null(pages);
    memset(pages, 'x', 8192);
    for (size_t at = 0; at + 7 <= 8192; at++) {
        memcpy(pages + at, "4009001", 7);
        assert_int_equal(s_find(&keys, PT_SPACE_CODE, 0, (pt_text_t) {pages + at, 7}), 0);
        memset(pages + at, 'x', 7);
    }
    free(pages);
    s_free(&keys);
}

static void
keys_that_are_too_long_are_unknown(void **state)
{
    (void) state;
    s_keys_t keys;
    s_make_random_keys(&keys, 100, 1);
    s_build(&keys);
    char *text = calloc(1, 70000);
    assert_non_null(text);
    static const size_t lengths[] = {256, 257, 512, 65536, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_int_equal(s_find(&keys, PT_SPACE_CODE, 0, (pt_text_t) {text, lengths[i]}), SIZE_MAX);
    free(text);
    s_free(&keys);
}

static void
long_keys_that_differ_in_the_middle_are_told_apart(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 5000, 5000 * 40);
    for (int i = 0; i < 5000; i++) {
        char text[48];
        int len = snprintf(text, sizeof text, "payment_%016x_declined", (unsigned) i);
        s_add_key(&keys, text, (size_t) len, PT_SPACE_CODE, 0);
    }
    s_build(&keys);
    s_check_all_found(&keys);
    assert_int_equal(s_find(&keys, PT_SPACE_CODE, 0, PT_TEXT("payment_0000000000001388_declined")), SIZE_MAX);
    s_free(&keys);
}

//  Sequential digits of one length are what a weak hash fails on.
static void
sequential_digits_build_and_are_found(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 50000, 50000 * 7);
    for (int i = 0; i < 50000; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "%07d", i);
        s_add_key(&keys, text, (size_t) len, PT_SPACE_CODE, 0);
    }
    s_build(&keys);
    assert_false(keys.table.is_wide);
    s_check_all_found(&keys);
    s_free(&keys);
}

//  Keys of 32 bytes that differ in one byte of each word. Differences at the ends of words are what the halves of
//  a product show worst: the first byte hardly reaches the high half, the last one only the top of the low half.
static void
keys_that_differ_anywhere_in_their_words_build_and_are_found(void **state)
{
    (void) state;
    for (size_t at = 0; at < 8; at++) {
        s_keys_t keys;
        s_reserve(&keys, 10000, 10000 * 32);
        for (size_t i = 0; i < 10000; i++) {
            char text[32];
            memset(text, 'X', sizeof text);
            text[at] = (char) ('0' + i % 10);
            text[at + 8] = (char) ('0' + i / 10 % 10);
            text[at + 16] = (char) ('0' + i / 100 % 10);
            text[at + 24] = (char) ('0' + i / 1000);
            s_add_key(&keys, text, sizeof text, PT_SPACE_CODE, 0);
        }
        s_build(&keys);
        assert_true(keys.table.is_wide);
        s_check_all_found(&keys);
        assert_true(keys.table.slot_count < keys.count * 4 / 3);
        s_free(&keys);
    }
}

//  Where the second word is what the length and its seed make, the product is 0 whatever the first word is.
static void
keys_made_against_a_seed_build_with_another_one(void **state)
{
    (void) state;
    s_keys_t keys;
    s_make_random_keys(&keys, 3000, 11);
    s_build(&keys);
    uint64_t seed = keys.table.seed[1];
    uint64_t second = seed * pt_phash_meta(PT_SPACE_CODE, 0, 16);
    s_free(&keys);
    s_reserve(&keys, 3000, 3000 * 16);
    for (uint64_t i = 0; i < 3000; i++) {
        char text[16];
        memcpy(text, &i, 8);
        memcpy(text + 8, &second, 8);
        s_add_key(&keys, text, sizeof text, PT_SPACE_CODE, 0);
    }
    s_build(&keys);
    assert_int_not_equal(keys.table.seed[1], seed);
    s_check_all_found(&keys);
    s_free(&keys);
}

//  Neither of the two words alone tells all keys apart.
static void
s_make_keys_of_two_words(s_keys_t *keys, size_t first, size_t second)
{
    s_reserve(keys, 1000, 1000 * 32);
    for (int i = 0; i < 1000; i++) {
        char text[33] = "--------------------------------";
        text[first + (size_t) i % 8] = (char) ('0' + i / 8 % 10);
        text[second + (size_t) i % 7] = (char) ('0' + i / 80);
        s_add_key(keys, text, 32, PT_SPACE_CODE, 0);
    }
}

static void
two_words_are_hashed_where_they_tell_keys_apart(void **state)
{
    (void) state;
    static const size_t pairs[][2] = {{0, 8}, {8, 16}, {0, 16}, {16, 24}, {8, 24}, {0, 24}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        s_keys_t keys;
        s_make_keys_of_two_words(&keys, pairs[i][0], pairs[i][1]);
        s_build(&keys);
        assert_int_equal(keys.table.first, pairs[i][0]);
        assert_int_equal(keys.table.second, pairs[i][1]);
        assert_false(keys.table.is_wide);
        s_check_all_found(&keys);
        s_free(&keys);
    }
}

//  Three words have ten values each.
static void
all_words_are_hashed_where_no_two_tell_keys_apart(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 1000, 1000 * 32);
    for (int i = 0; i < 1000; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "first: %d;second:%d;third: %d;", i % 10, i / 10 % 10, i / 100);
        s_add_key(&keys, text, (size_t) len, PT_SPACE_CODE, 0);
    }
    s_build(&keys);
    assert_true(keys.table.is_wide);
    s_check_all_found(&keys);
    s_free(&keys);
}

static void
equal_items_give_equal_tables(void **state)
{
    (void) state;
    s_keys_t first, second;
    s_make_random_keys(&first, 5000, 5);
    s_make_random_keys(&second, 5000, 5);
    s_build(&first);
    s_build(&second);
    assert_memory_equal(first.table.seed, second.table.seed, sizeof first.table.seed);
    assert_int_equal(first.table.slot_count, second.table.slot_count);
    assert_memory_equal(first.table.slots, second.table.slots, first.table.slot_count * sizeof(pt_slot_t));
    s_free(&first);
    s_free(&second);
}

static void
a_key_given_twice_is_refused_with_both_places(void **state)
{
    (void) state;
    s_keys_t keys;
    s_make_random_keys(&keys, 3000, 11);
    keys.items[2000] = keys.items[17];
    size_t pair[2];
    pt_phash_t table;
    assert_int_equal(pt_phash_build(keys.items, keys.count, keys.pool, &table, pair), PT_E_DUPLICATE);
    assert_int_equal(pair[0], 17);
    assert_int_equal(pair[1], 2000);
    keys.table = (pt_phash_t) {0};
    s_free(&keys);
}

//  In its first two words, the key given twice is the same as the first one.
static void
a_key_given_twice_is_found_among_keys_that_two_words_do_not_tell_apart(void **state)
{
    (void) state;
    s_keys_t keys;
    s_reserve(&keys, 4, 128);
    s_add_key(&keys, "0.......0.......0.......0.......", 32, PT_SPACE_CODE, 0);
    s_add_key(&keys, "0.......0.......1.......1.......", 32, PT_SPACE_CODE, 0);
    s_add_key(&keys, "1.......0.......0.......1.......", 32, PT_SPACE_CODE, 0);
    s_add_key(&keys, "0.......0.......1.......1.......", 32, PT_SPACE_CODE, 0);
    size_t pair[2];
    pt_phash_t table;
    assert_int_equal(pt_phash_build(keys.items, keys.count, keys.pool, &table, pair), PT_E_DUPLICATE);
    assert_int_equal(pair[0], 1);
    assert_int_equal(pair[1], 3);
    keys.table = (pt_phash_t) {0};
    s_free(&keys);
}

static void
an_empty_or_too_long_key_is_refused_with_its_place(void **state)
{
    (void) state;
    s_keys_t keys;
    size_t pair[2];
    pt_phash_t table;
    s_make_random_keys(&keys, 10, 11);
    size_t len = keys.items[4].text.len;
    keys.items[4].text.len = 0;
    assert_int_equal(pt_phash_build(keys.items, keys.count, keys.pool, &table, pair), PT_E_SIZE);
    assert_int_equal(pair[0], 4);
    keys.items[4].text.len = len;
    keys.items[9].text.len = PT_PHASH_KEY_BYTES_MAX + 1;
    assert_int_equal(pt_phash_build(keys.items, keys.count, keys.pool, &table, pair), PT_E_SIZE);
    assert_int_equal(pair[0], 9);
    keys.table = (pt_phash_t) {0};
    s_free(&keys);
}

static void
a_slot_picks_the_operation_asked_or_the_last_value(void **state)
{
    (void) state;
    pt_slot_t slot = {.operations = {4, 9000, PT_OPERATION_NONE, 7}, .values = {12, 1, 2, 3, 4}};
    assert_int_equal(pt_slot_pick(&slot, 4), 0);
    assert_int_equal(pt_slot_pick(&slot, 9000), 1);
    assert_int_equal(pt_slot_pick(&slot, 7), 3);
    assert_int_equal(pt_slot_pick(&slot, 5), PT_SLOT_OPERATIONS);
    //  The first value stands beside the operations and is none; no operation is none either.
    assert_int_equal(pt_slot_pick(&slot, 0), PT_SLOT_OPERATIONS);
    assert_int_equal(pt_slot_pick(&slot, 12), PT_SLOT_OPERATIONS);
    assert_int_equal(pt_slot_pick(&slot, PT_OPERATION_OTHER), PT_SLOT_OPERATIONS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_of_any_number_are_all_found),
        cmocka_unit_test(answers_equal_those_of_a_linear_scan),
        cmocka_unit_test(a_batch_of_any_size_gives_what_single_look_ups_give),
        cmocka_unit_test(an_empty_table_knows_no_key),
        cmocka_unit_test(keys_of_every_length_are_found_and_told_apart),
        cmocka_unit_test(a_key_with_zero_bytes_is_not_its_shorter_self),
        cmocka_unit_test(a_key_is_found_at_every_place_within_a_page),
        cmocka_unit_test(keys_that_are_too_long_are_unknown),
        cmocka_unit_test(long_keys_that_differ_in_the_middle_are_told_apart),
        cmocka_unit_test(sequential_digits_build_and_are_found),
        cmocka_unit_test(keys_that_differ_anywhere_in_their_words_build_and_are_found),
        cmocka_unit_test(keys_made_against_a_seed_build_with_another_one),
        cmocka_unit_test(two_words_are_hashed_where_they_tell_keys_apart),
        cmocka_unit_test(all_words_are_hashed_where_no_two_tell_keys_apart),
        cmocka_unit_test(equal_items_give_equal_tables),
        cmocka_unit_test(a_key_given_twice_is_refused_with_both_places),
        cmocka_unit_test(a_key_given_twice_is_found_among_keys_that_two_words_do_not_tell_apart),
        cmocka_unit_test(an_empty_or_too_long_key_is_refused_with_its_place),
        cmocka_unit_test(a_slot_picks_the_operation_asked_or_the_last_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
