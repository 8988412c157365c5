/*  Payload frames: what they are taken apart into, and what is refused as a whole. */
#include "pt_decision.h"
#include "wire_support.h"

//  The items of an opened payload, joined with `|`, and a `.` after the last one.
static const char *
s_join_items(pt_items_t items)
{
    static char text[256];
    size_t used = 0;
    pt_bytes_t item;
    while (pt_items_next(&items, &item)) {
        assert_true(used + item.len + 2 < sizeof text);
        memcpy(text + used, item.data, item.len);
        used += item.len;
        text[used++] = '|';
    }
    text[used++] = '.';
    text[used] = '\0';
    assert_false(pt_items_next(&items, &item));
    return text;
}

static void
batch_items_are_the_contents_of_bins_and_strs(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        uint32_t count;
        const char *items;
    } cases[] = {
        {"[1 \"one", 1, "one|."},
        {"[3 \"one 'two \"", 3, "one|two||."},
        {"[2 ' '", 2, "||."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_items_t items;
        pt_bytes_t payload = wire_pack(cases[i].line);
        assert_int_equal(pt_items_open_batch(payload, cases[i].count, &items), PT_OK);
        assert_string_equal(s_join_items(items), cases[i].items);
        wire_free(payload);
    }
}

static void
unsound_batch_payloads_are_refused(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        uint32_t count;
        pt_status_t status;
    } cases[] = {
        {"[2 \"one \"two", 1, PT_E_COUNT},
        {"[2 \"one \"two", 3, PT_E_COUNT},
        {"[0", 0, PT_E_COUNT},
        {"[2 \"one", 2, PT_E_TRUNCATED},
        {"[1 \"one 7", 1, PT_E_TRAILING},
        {"[2 \"one 7", 2, PT_E_TYPE},
        {"[2 \"one [1 \"two", 2, PT_E_TYPE},
        {"[1 {1 'a 1", 1, PT_E_TYPE},
        {"[1 nil", 1, PT_E_TYPE},
        {"{1 \"one \"two", 1, PT_E_TYPE},
        {"\"one", 1, PT_E_TYPE},
        {"7", 1, PT_E_TYPE},
        {"", 1, PT_E_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_items_t items = {.left = 9};
        pt_bytes_t payload = wire_pack(cases[i].line);
        assert_int_equal(pt_items_open_batch(payload, cases[i].count, &items), cases[i].status);
        assert_int_equal(items.left, 0);
        wire_free(payload);
    }
}

//  An array of `count` empty bins, which is the shortest payload of that many items.
static pt_bytes_t
s_pack_empty_bins(uint32_t count)
{
    uint8_t *bytes = calloc(1, 5 + 2 * (size_t) count);
    assert_non_null(bytes);
    bytes[0] = 0xdd;
    bytes[3] = (uint8_t) (count >> 8);
    bytes[4] = (uint8_t) count;
    for (size_t i = 0; i < count; i++)
        bytes[5 + 2 * i] = 0xc4;
    return (pt_bytes_t) {bytes, 5 + 2 * (size_t) count};
}

static void
batch_takes_4096_items_and_no_more(void **state)
{
    (void) state;
    pt_items_t items;
    pt_bytes_t item;
    pt_bytes_t payload = s_pack_empty_bins(PT_BATCH_COUNT_MAX);
    assert_int_equal(pt_items_open_batch(payload, PT_BATCH_COUNT_MAX, &items), PT_OK);
    size_t walked = 0;
    while (pt_items_next(&items, &item))
        walked += item.len == 0;
    assert_int_equal(walked, PT_BATCH_COUNT_MAX);
    wire_free(payload);
    payload = s_pack_empty_bins(PT_BATCH_COUNT_MAX + 1);
    assert_int_equal(pt_items_open_batch(payload, PT_BATCH_COUNT_MAX + 1, &items), PT_E_COUNT);
    wire_free(payload);
}

static void
batch_takes_one_mebibyte_and_no_more(void **state)
{
    (void) state;
    uint8_t *bytes = calloc(1, PT_BATCH_BYTES_MAX + 1);
    assert_non_null(bytes);
    for (uint32_t over = 0; over <= 1; over++) {
        uint32_t len = PT_BATCH_BYTES_MAX + over;
        uint32_t content = len - 6;
        const uint8_t head[6] = {0x91,
                                 0xc6,
                                 (uint8_t) (content >> 24),
                                 (uint8_t) (content >> 16),
                                 (uint8_t) (content >> 8),
                                 (uint8_t) content};
        memcpy(bytes, head, sizeof head);
        pt_items_t items;
        assert_int_equal(pt_items_open_batch((pt_bytes_t) {bytes, len}, 1, &items), over ? PT_E_SIZE : PT_OK);
    }
    free(bytes);
}

static void
batch_vector_holds_two_responses(void **state)
{
    (void) state;
    pt_items_t items;
    pt_bytes_t item;
    pt_bytes_t payload = wire_vector("batch_payload");
    assert_int_equal(pt_items_open_batch(payload, 2, &items), PT_OK);
    size_t bytes = 0;
    while (pt_items_next(&items, &item)) {
        //  A fixmap that begins with the key `id`.
        assert_int_equal(item.data[0] & 0xf0, 0x80);
        assert_memory_equal(item.data + 1, "\xa2id", 3);
        bytes += item.len;
    }
    //  One byte of the array and two or three of each bin are not theirs.
    assert_in_range(payload.len - bytes, 5, 7);
    for (size_t len = 0; len < payload.len; len++) {
        pt_bytes_t cut = wire_copy(payload.data, len);
        assert_int_equal(pt_items_open_batch(cut, 2, &items), PT_E_TRUNCATED);
        wire_free(cut);
    }
    wire_free(payload);
}

static void
decision_items_are_whole_maps(void **state)
{
    (void) state;
    pt_items_t items;
    pt_bytes_t item;
    pt_bytes_t payload = wire_pack("[2 {1 'a [2 'x {0 {2 'b 1 'c {1 'd nil");
    pt_bytes_t first = wire_pack("{1 'a [2 'x {0");
    pt_bytes_t second = wire_pack("{2 'b 1 'c {1 'd nil");
    assert_int_equal(pt_items_open_decisions(payload, 2, &items), PT_OK);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(item.len, first.len);
    assert_memory_equal(item.data, first.data, first.len);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(item.len, second.len);
    assert_memory_equal(item.data, second.data, second.len);
    assert_false(pt_items_next(&items, &item));
    wire_free(second);
    wire_free(first);
    wire_free(payload);
}

static void
decisions_vector_holds_two_decisions(void **state)
{
    (void) state;
    pt_items_t items;
    pt_bytes_t item;
    uint8_t *out = malloc(PT_DECISION_BYTES_MAX);
    assert_non_null(out);
    pt_bytes_t payload = wire_vector("decisions_payload");
    assert_int_equal(pt_items_open_decisions(payload, 2, &items), PT_OK);
    for (size_t walked = 0; walked < 2; walked++) {
        pt_pair_t fields[PT_FIELDS_MAX];
        pt_decision_t decision;
        size_t len;
        assert_true(pt_items_next(&items, &item));
        assert_int_equal(pt_decision_decode(item, fields, &decision), PT_OK);
        assert_int_equal(decision.action, walked ? PT_ACTION_RESUBMIT : PT_ACTION_QUERY_STATUS);
        assert_int_equal(pt_decision_encode(&decision, out, PT_DECISION_BYTES_MAX, &len), PT_OK);
        assert_int_equal(len, item.len);
        assert_memory_equal(out, item.data, len);
    }
    assert_false(pt_items_next(&items, &item));
    wire_free(payload);
    free(out);
}

static void
unsound_decision_payloads_are_refused(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        uint32_t count;
        pt_status_t status;
    } cases[] = {
        {"[1 {0", 2, PT_E_COUNT},
        {"[1 {0 {0", 1, PT_E_TRAILING},
        {"[1 \"map", 1, PT_E_TYPE},
        {"[1 [0", 1, PT_E_TYPE},
        {"{0", 1, PT_E_TYPE},
        {"[1 {1 'a", 1, PT_E_TRUNCATED},
        {"[2 {0 {1 'a", 2, PT_E_TRUNCATED},
        {"[0", 0, PT_E_COUNT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_items_t items;
        pt_bytes_t payload = wire_pack(cases[i].line);
        assert_int_equal(pt_items_open_decisions(payload, cases[i].count, &items), cases[i].status);
        wire_free(payload);
    }
}

static void
plain_array_is_its_elements(void **state)
{
    (void) state;
    static const struct {
        const char *line;
        const char *elements[4]; //  each packed by itself; a bin or str stands for its content
    } cases[] = {
        {"[0", {NULL}},
        {"[1 {1 'a 1", {"{1 'a 1"}},
        {"[2 {1 'a {1 'b 2 {0", {"{1 'a {1 'b 2", "{0"}},
        {"[4 7 nil [2 1 {0 -5", {"7", "nil", "[2 1 {0", "-5"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pt_items_t items;
        pt_bytes_t item;
        pt_bytes_t payload = wire_pack(cases[i].line);
        assert_int_equal(pt_items_open_plain(payload, &items), PT_OK);
        for (size_t k = 0; k < 4 && cases[i].elements[k]; k++) {
            pt_bytes_t element = wire_pack(cases[i].elements[k]);
            assert_true(pt_items_next(&items, &item));
            assert_int_equal(item.len, element.len);
            assert_memory_equal(item.data, element.data, element.len);
            wire_free(element);
        }
        assert_false(pt_items_next(&items, &item));
        wire_free(payload);
    }
}

static void
plain_array_of_bins_is_their_contents(void **state)
{
    (void) state;
    pt_items_t items;
    pt_bytes_t payload = wire_pack("[3 \"one 'two \"");
    assert_int_equal(pt_items_open_plain(payload, &items), PT_OK);
    assert_string_equal(s_join_items(items), "one|two||.");
    wire_free(payload);
}

static void
s_assert_one_whole_item(pt_bytes_t payload)
{
    pt_items_t items;
    pt_bytes_t item;
    assert_int_equal(pt_items_open_plain(payload, &items), PT_OK);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(item.len, payload.len);
    assert_ptr_equal(item.data, payload.data);
    assert_false(pt_items_next(&items, &item));
}

static void
plain_frame_that_is_no_array_is_one_item(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "{1 'a 1",     "{1 'a 1 7", //  a map, and a map with something after it
        "{2 'a 1 'b",               //  a map that is cut
        "[2 {0 {0 7",  "[2 {0",     //  an array with too much, with too little
        "[1 [1 {1 'a", "'text",     "\"bin", "7", "nil", "",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        pt_bytes_t payload = wire_pack(lines[i]);
        s_assert_one_whole_item(payload);
        wire_free(payload);
    }
    s_assert_one_whole_item((pt_bytes_t) {(const uint8_t *) "{\"provider\":\"opn\"}", 18});
    s_assert_one_whole_item((pt_bytes_t) {(const uint8_t *) "\xc1", 1});
    s_assert_one_whole_item((pt_bytes_t) {(const uint8_t *) "\x92\xc1\xc0", 3});
    s_assert_one_whole_item((pt_bytes_t) {(const uint8_t *) "\xdd\xff\xff\xff\xff", 5});
    s_assert_one_whole_item((pt_bytes_t) {NULL, 0});
}

static void
plain_array_beyond_4096_elements_is_refused(void **state)
{
    (void) state;
    pt_items_t items;
    pt_bytes_t payload = s_pack_empty_bins(PT_BATCH_COUNT_MAX);
    assert_int_equal(pt_items_open_plain(payload, &items), PT_OK);
    assert_int_equal(items.left, PT_BATCH_COUNT_MAX);
    wire_free(payload);
    payload = s_pack_empty_bins(PT_BATCH_COUNT_MAX + 1);
    assert_int_equal(pt_items_open_plain(payload, &items), PT_E_COUNT);
    assert_int_equal(items.left, 0);
    wire_free(payload);
}

//  One response of any length is one that says what is wrong with it; several would share its only decision.
static void
plain_array_of_more_than_a_mebibyte_is_refused(void **state)
{
    (void) state;
    enum { BYTES = PT_BATCH_BYTES_MAX + 16 };
    uint8_t *bytes = calloc(1, BYTES);
    assert_non_null(bytes);
    pt_items_t items;
    //  [nil, str32 of all the rest] and [str32 of all the rest]
    for (size_t before = 0; before < 2; before++) {
        bytes[0] = (uint8_t) (0x91 + before);
        bytes[1] = 0xc0;
        uint32_t rest = (uint32_t) (BYTES - before - 6);
        uint8_t str[] = {0xdb, (uint8_t) (rest >> 24), (uint8_t) (rest >> 16), (uint8_t) (rest >> 8), (uint8_t) rest};
        memcpy(bytes + 1 + before, str, sizeof str);
        pt_bytes_t payload = {bytes, BYTES};
        assert_int_equal(pt_items_open_plain(payload, &items), before ? PT_E_SIZE : PT_OK);
        assert_int_equal(items.left, before ? 0 : 1);
    }
    free(bytes);
}

//  One element that is nested far beyond PT_DEPTH_MAX leaves its neighbours alone.
static void
deep_element_is_an_item_like_the_others(void **state)
{
    (void) state;
    enum { DEPTH = 10000 };
    uint8_t *bytes = malloc(DEPTH + 4);
    assert_non_null(bytes);
    bytes[0] = 0x93;
    bytes[1] = 0x01;
    memset(bytes + 2, 0x91, DEPTH);
    bytes[DEPTH + 2] = 0xc0;
    bytes[DEPTH + 3] = 0x03;
    pt_items_t items;
    pt_bytes_t item;
    assert_int_equal(pt_items_open_plain((pt_bytes_t) {bytes, DEPTH + 4}, &items), PT_OK);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(item.len, 1);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(item.len, DEPTH + 1);
    assert_true(pt_items_next(&items, &item));
    assert_int_equal(item.len, 1);
    assert_int_equal(item.data[0], 0x03);
    assert_false(pt_items_next(&items, &item));
    free(bytes);
}

//  Walk whatever was opened: as many items as announced, each inside the payload, in order.
static size_t
s_walk_items(pt_items_t items, pt_bytes_t payload)
{
    size_t announced = items.left;
    size_t walked = 0;
    const uint8_t *at = payload.data;
    pt_bytes_t item;
    while (pt_items_next(&items, &item)) {
        assert_true(item.data >= at && item.data + item.len <= payload.data + payload.len);
        at = item.data + item.len;
        walked++;
    }
    assert_int_equal(walked, announced);
    return walked;
}

static void
mutated_payloads_are_refused_or_walked(void **state)
{
    (void) state;
    uint64_t seed = UINT64_C(0x17e3550fba7c4e5);
    const pt_bytes_t vectors[2] = {wire_vector("batch_payload"), wire_vector("decisions_payload")};
    size_t taken = 0;
    for (unsigned round = 0; round < 50000; round++) {
        pt_items_t items;
        pt_bytes_t noise = wire_mutate(vectors[round % 2], &seed);
        if (pt_items_open_batch(noise, 2, &items) == PT_OK)
            taken += s_walk_items(items, noise);
        if (pt_items_open_decisions(noise, 2, &items) == PT_OK)
            taken += s_walk_items(items, noise);
        if (pt_items_open_plain(noise, &items) != PT_OK)
            assert_int_equal(items.left, 0);
        assert_true(s_walk_items(items, noise) <= PT_BATCH_COUNT_MAX);
        wire_free(noise);
    }
    //  Most mutations fall inside a bin or a str, where anything may stand.
    assert_in_range(taken, 10000, 90000);
    wire_free(vectors[0]);
    wire_free(vectors[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_items_are_the_contents_of_bins_and_strs),
        cmocka_unit_test(unsound_batch_payloads_are_refused),
        cmocka_unit_test(batch_takes_4096_items_and_no_more),
        cmocka_unit_test(batch_takes_one_mebibyte_and_no_more),
        cmocka_unit_test(batch_vector_holds_two_responses),
        cmocka_unit_test(decision_items_are_whole_maps),
        cmocka_unit_test(decisions_vector_holds_two_decisions),
        cmocka_unit_test(unsound_decision_payloads_are_refused),
        cmocka_unit_test(plain_array_is_its_elements),
        cmocka_unit_test(plain_array_of_bins_is_their_contents),
        cmocka_unit_test(plain_frame_that_is_no_array_is_one_item),
        cmocka_unit_test(plain_array_beyond_4096_elements_is_refused),
        cmocka_unit_test(plain_array_of_more_than_a_mebibyte_is_refused),
        cmocka_unit_test(deep_element_is_an_item_like_the_others),
        cmocka_unit_test(mutated_payloads_are_refused_or_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
