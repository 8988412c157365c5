/*  Images that are cut, changed or made to harm: refused, or harmless to every lookup.
 *
 *  Run under AddressSanitizer, any read outside of an accepted image fails the test.
 */
#include "pt_image.h"
#include "source_fixture.h"

#include <stdio.h>

typedef struct {
    fixture_t *fixture;
    uint8_t *image;
    size_t bytes;
    uint8_t *copy; //  to be changed
} s_world_t;

static const pt_path_t s_paths[] = {
    {.role = PT_ROLE_CODE, .slot = 0, .step_count = 1, .steps = {{"code", 4}}},
    {.role = PT_ROLE_MESSAGE, .slot = 0, .step_count = 2, .steps = {{"error", 5}, {"message", 7}}},
    {.role = PT_ROLE_CODE,
     .slot = 1,
     .step_count = PT_PATH_STEPS,
     .steps = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"f", 1}}},
};

//  As much of everything as one gateway may have, so that a change by one leads beyond.
static void
s_add_full_gateway(fixture_t *fixture)
{
    static pt_path_t paths[PT_PATHS_MAX];
    for (size_t i = 0; i < PT_PATHS_MAX; i++) {
        paths[i] = (pt_path_t) {.role = PT_ROLE_CODE, .step_count = PT_PATH_STEPS};
        for (size_t j = 0; j < PT_PATH_STEPS; j++)
            paths[i].steps[j] = PT_TEXT("step");
    }
    pt_source_provider_t *provider = fixture_provider(fixture, "full");
    provider->paths = paths;
    provider->path_count = PT_PATHS_MAX;
    fixture_code(provider, "full/holes", "5009000", "{1},{2},{3},{4},{5},{6},{7},{8}");
}

static void
s_add_gateway(fixture_t *fixture)
{
    static char never[] = "9003";
    static char *advice[] = {never};
    s_add_full_gateway(fixture);
    pt_source_provider_t *provider = fixture_provider(fixture, "acme");
    provider->paths = (pt_path_t *) (uintptr_t) s_paths;
    provider->path_count = sizeof s_paths / sizeof s_paths[0];
    provider->do_not_retry = advice;
    provider->do_not_retry_count = 1;
    provider->digits_offset = 3;
    provider->digits_length = 2;
    fixture_operation(provider, "pay_in", PT_OPERATION_MONEY)->digits = fixture_string("90");
    static const char *const names[] = {"op_a", "op_b", "op_c", "op_d", "op_e"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fixture_operation(provider, names[i], PT_OPERATION_READ);
    fixture_code(provider, "acme/5009000/a", "5009000", "from {a} to {b} at {c}")->subcode = fixture_string("105");
    fixture_code(provider, "acme/5009000/b", "5009000", "Closed.")->trailing_stop_optional = true;
    fixture_code(provider, "acme/5009000", "5009000", NULL);
    fixture_code(provider, "acme/long", "a_code_of_more_than_twenty_four_bytes", NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_code(provider, names[i], "many", NULL);
        fixture_for(fixture, provider, names[i]);
    }
    fixture_code(provider, "acme/many/pay-in", "many", NULL);
    fixture_for(fixture, provider, "pay_in");
    fixture_code(provider, "acme/many", "many", NULL);
    fixture_entry(provider, PT_ENTRY_STATUS, "acme/status/failed", "failed");
    fixture_entry(provider, PT_ENTRY_HTTP_CLASS, "acme/http/5xx", "5xx");
}

static int
s_set_up(void **state)
{
    s_world_t *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->fixture = fixture_new();
    s_add_gateway(world->fixture);
    pt_bytes_t image = fixture_image(world->fixture);
    world->image = (uint8_t *) (uintptr_t) image.data;
    world->bytes = image.len;
    world->copy = malloc(world->bytes + 64);
    assert_non_null(world->copy);
    *state = world;
    return 0;
}

static int
s_tear_down(void **state)
{
    s_world_t *world = *state;
    fixture_destroy(world->fixture);
    free(world->copy);
    free(world->image);
    free(world);
    return 0;
}

static volatile unsigned s_sink; //  keeps the reads below

static void
s_touch(pt_text_t text)
{
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++)
        sum += (unsigned char) text.data[i];
    s_sink = s_sink + sum;
}

static void
s_touch_views(const pt_catalog_t *catalog)
{
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        pt_text_t texts[] = {view.id,      view.code, view.operations, view.message, view.subcode,
                             view.summary, view.todo, view.merchant,   view.cite};
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
            s_touch(texts[j]);
        s_touch(pt_provider_id(pt_catalog_entry_provider(catalog, entry)));
        assert_true(view.rule->action < PT_ACTION_COUNT_);
    }
}

static void
s_touch_provider(const pt_provider_t *provider)
{
    s_touch(pt_provider_id(provider));
    s_touch(pt_provider_name(provider));
    const pt_shape_t *shape = pt_provider_shape(provider);
    assert_true(shape->path_count <= PT_PATHS_MAX);
    for (size_t i = 0; i < shape->path_count; i++) {
        assert_true(shape->paths[i].step_count <= PT_PATH_STEPS);
        for (size_t j = 0; j < shape->paths[i].step_count; j++)
            s_touch(shape->paths[i].steps[j]);
    }
    for (size_t i = 0; i < pt_provider_operation_count(provider); i++)
        s_touch(pt_provider_operation_at(provider, i).name);
}

//  The message ends where its block ends, so that a checker of memory sees reads beyond.
static void
s_look_up(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *operation, const char *code,
          const char *message)
{
    static pt_facts_t facts;
    pt_response_t response = {.provider = PT_TEXT("acme"), .operation = pt_text_of(operation), .http_status = 503};
    pt_verdict_t verdict;
    facts.is_map = true;
    facts.codes[0] = pt_text_of(code);
    pt_text_t text = pt_text_of(message);
    char *block = malloc(text.len + 8);
    assert_non_null(block);
    if (message)
        facts.messages[0] = (pt_text_t) {memcpy(block + 8, text.data, text.len), text.len};
    else
        facts.messages[0] = PT_TEXT_NONE;
    facts.statuses[0] = PT_TEXT("failed");
    facts.advice[0] = PT_TEXT("9003");
    pt_catalog_lookup(catalog, provider, &response, &facts, &verdict);
    assert_non_null(verdict.rule);
    assert_true(verdict.param_count <= PT_PARAMS_MAX);
    s_touch(verdict.entry_id);
    s_touch(verdict.summary);
    s_touch(verdict.operation);
    for (size_t i = 0; i < verdict.param_count; i++) {
        s_touch(verdict.params[i].name);
        s_touch(verdict.params[i].value);
    }
    free(block);
}

//  Ask an accepted image everything that there is to ask.
static void
s_exercise(const pt_catalog_t *catalog)
{
    static const char *const operations[] = {NULL, "pay_in", "op_e", "op_c", "unheard"};
    static const char *const codes[] = {NULL,
                                        "5009000",
                                        "many",
                                        "5xx",
                                        "a_code_of_more_than_twenty_four_bytes",
                                        "a_code_of_more_than_twenty_four_bytez"};
    static const char *const messages[] = {NULL,
                                           "",
                                           ",,,,,,,",
                                           "from 105 to 2 at 3",
                                           "from\xc2\xa0"
                                           "1 to 105 at ",
                                           "Closed"};
    s_touch_views(catalog);
    for (size_t p = 0; p < pt_catalog_provider_count(catalog); p++) {
        const pt_provider_t *provider = pt_catalog_provider_at(catalog, p);
        s_touch_provider(provider);
        for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
            for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++)
                for (size_t k = 0; k < sizeof messages / sizeof messages[0]; k++)
                    s_look_up(catalog, provider, operations[i], codes[j], messages[k]);
    }
    const pt_provider_t *named = pt_catalog_provider(catalog, PT_TEXT("acme"));
    if (named)
        s_touch_provider(named);
}

static pt_status_t
s_open(const uint8_t *image, size_t bytes)
{
    pt_catalog_t *catalog = NULL;
    pt_status_t status = pt_catalog_open((pt_bytes_t) {image, bytes}, &catalog);
    if (status == PT_OK)
        s_exercise(catalog);
    else
        assert_null(catalog);
    pt_catalog_destroy(&catalog);
    return status;
}

//  Make the checksum right again, as who wants to harm would.
static void
s_forge(uint8_t *image, size_t bytes)
{
    uint64_t checksum = pt_image_checksum((pt_bytes_t) {image, bytes});
    memcpy(image + offsetof(pt_image_header_t, checksum), &checksum, sizeof checksum);
}

static uint8_t *
s_copy(s_world_t *world)
{
    memcpy(world->copy, world->image, world->bytes);
    return world->copy;
}

static void
a_good_image_opens_and_keeps_its_checksum(void **state)
{
    s_world_t *world = *state;
    assert_int_equal(s_open(world->image, world->bytes), PT_OK);
    pt_catalog_t *catalog;
    assert_int_equal(pt_catalog_open((pt_bytes_t) {world->image, world->bytes}, &catalog), PT_OK);
    assert_int_equal(pt_catalog_hash(catalog), pt_image_checksum((pt_bytes_t) {world->image, world->bytes}));
    pt_catalog_destroy(&catalog);
}

static void
equal_sources_give_equal_images(void **state)
{
    s_world_t *world = *state;
    fixture_t *again = fixture_new();
    s_add_gateway(again);
    pt_bytes_t image = fixture_image(again);
    assert_int_equal(image.len, world->bytes);
    assert_memory_equal(image.data, world->image, image.len);
    free((void *) (uintptr_t) image.data);
    fixture_destroy(again);
}

static void
an_image_may_stand_at_any_address(void **state)
{
    s_world_t *world = *state;
    for (size_t shift = 1; shift < 9; shift++) {
        memcpy(world->copy + shift, world->image, world->bytes);
        assert_int_equal(s_open(world->copy + shift, world->bytes), PT_OK);
    }
}

static void
every_truncation_is_refused(void **state)
{
    s_world_t *world = *state;
    for (size_t bytes = 0; bytes < world->bytes; bytes++)
        assert_int_equal(s_open(world->image, bytes), PT_E_TRUNCATED);
}

static void
every_truncation_is_refused_or_harmless_with_its_size_and_checksum_forged(void **state)
{
    s_world_t *world = *state;
    for (uint64_t bytes = PT_IMAGE_HEADER_BYTES; bytes < world->bytes; bytes++) {
        uint8_t *copy = s_copy(world);
        memcpy(copy + offsetof(pt_image_header_t, file_bytes), &bytes, sizeof bytes);
        s_forge(copy, bytes);
        pt_status_t status = s_open(copy, bytes);
        assert_true(status == PT_E_MALFORMED || status == PT_OK);
    }
}

static void
bytes_after_the_image_are_refused(void **state)
{
    s_world_t *world = *state;
    uint8_t *copy = s_copy(world);
    copy[world->bytes] = 0;
    assert_int_equal(s_open(copy, world->bytes + 1), PT_E_TRAILING);
}

static void
every_changed_byte_is_refused(void **state)
{
    s_world_t *world = *state;
    uint8_t *copy = s_copy(world);
    for (size_t i = 0; i < world->bytes; i++) {
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (uint8_t) (1u << bit);
            assert_int_not_equal(s_open(copy, world->bytes), PT_OK);
            copy[i] = world->image[i];
        }
    }
}

static void
every_changed_byte_is_refused_or_harmless_with_its_checksum_forged(void **state)
{
    s_world_t *world = *state;
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    uint8_t *copy = s_copy(world);
    for (size_t i = 0; i < world->bytes; i++) {
        for (size_t j = 0; j < sizeof masks; j++) {
            copy[i] ^= masks[j];
            s_forge(copy, world->bytes);
            (void) s_open(copy, world->bytes);
            copy[i] = world->image[i];
        }
    }
}

static void
every_changed_number_is_refused_or_harmless_with_its_checksum_forged(void **state)
{
    s_world_t *world = *state;
    uint8_t *copy = s_copy(world);
    const uint32_t values[] = {0, 1, 255, 65535, UINT32_MAX, UINT32_MAX - 1, INT32_MAX, (uint32_t) world->bytes};
    for (size_t i = 0; i + 4 <= world->bytes; i += 4) {
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            memcpy(copy + i, &values[j], sizeof values[j]);
            s_forge(copy, world->bytes);
            (void) s_open(copy, world->bytes);
        }
        memcpy(copy + i, world->image + i, 4);
    }
}

//  Change one field of the header, with a right checksum, and open.
static pt_status_t
s_open_with(s_world_t *world, size_t offset, const void *value, size_t bytes)
{
    uint8_t *copy = s_copy(world);
    memcpy(copy + offset, value, bytes);
    s_forge(copy, world->bytes);
    return s_open(copy, world->bytes);
}

static void
a_displacement_too_far_or_of_no_whole_slot_is_refused(void **state)
{
    s_world_t *world = *state;
    pt_image_header_t header;
    memcpy(&header, world->image, sizeof header);
    pt_extent_t extent = header.sections[PT_SECTION_DISPLACEMENTS];
    uint32_t slot = sizeof(pt_slot_t);
    uint32_t most = header.displacement_max * slot;
    const uint32_t bad[] = {1, slot / 2, slot + 4, most + slot, UINT32_MAX - slot + 1, UINT32_MAX};
    for (uint32_t i = 0; i < extent.count; i += extent.count - 1) {
        size_t at = extent.offset + i * sizeof(uint32_t);
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++)
            assert_int_equal(s_open_with(world, at, &bad[j], sizeof bad[j]), PT_E_MALFORMED);
        assert_int_equal(s_open_with(world, at, &most, sizeof most), PT_OK);
    }
}

static void
a_word_that_stands_outside_of_keys_is_refused(void **state)
{
    s_world_t *world = *state;
    static const size_t places[] = {offsetof(pt_image_header_t, first), offsetof(pt_image_header_t, second)};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (unsigned at = 0; at <= UINT8_MAX; at++) {
            uint8_t value = (uint8_t) at;
            assert_int_equal(s_open_with(world, places[i], &value, 1),
                             at <= PT_PHASH_LAST_WORD ? PT_OK : PT_E_MALFORMED);
        }
    }
}

//  Several changes at once reach what one alone does not: a count beside its offset.
static void
many_changes_at_once_are_refused_or_harmless(void **state)
{
    s_world_t *world = *state;
    uint64_t random = 20;
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = s_copy(world);
        for (int i = 0; i < 6; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t at = (size_t) (random >> 33) % (round % 2 ? world->bytes : PT_IMAGE_HEADER_BYTES);
            copy[at] = (uint8_t) (random >> 25);
        }
        memcpy(copy, world->image, offsetof(pt_image_header_t, hash_id));
        s_forge(copy, world->bytes);
        (void) s_open(copy, world->bytes);
    }
}

static void
another_version_is_refused_as_such(void **state)
{
    s_world_t *world = *state;
    uint16_t major = PT_IMAGE_MAJOR + 1;
    uint16_t minor = PT_IMAGE_MINOR + 1;
    uint32_t other = PT_PHASH_ID + 1;
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, major), &major, 2), PT_E_VERSION);
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, hash_id), &other, 4), PT_E_VERSION);
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, slot_bytes), &other, 4), PT_E_VERSION);
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, minor), &minor, 2), PT_OK);
}

static void
a_foreign_byte_order_is_refused_as_a_version(void **state)
{
    s_world_t *world = *state;
    uint32_t endian = __builtin_bswap32(PT_IMAGE_ENDIAN);
    uint64_t magic = __builtin_bswap64(PT_IMAGE_MAGIC);
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, endian), &endian, 4), PT_E_VERSION);
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, magic), &magic, 8), PT_E_VERSION);
}

static void
what_is_no_image_is_refused(void **state)
{
    s_world_t *world = *state;
    memset(world->copy, 'x', world->bytes);
    assert_int_equal(s_open(world->copy, world->bytes), PT_E_MALFORMED);
    assert_int_equal(s_open(NULL, 0), PT_E_TRUNCATED);
}

static void
a_wrong_checksum_is_refused_as_such(void **state)
{
    s_world_t *world = *state;
    uint8_t *copy = s_copy(world);
    copy[world->bytes - 1] ^= 1;
    assert_int_equal(s_open(copy, world->bytes), PT_E_CHECKSUM);
}

static void
an_image_beyond_the_limit_is_refused_by_its_size(void **state)
{
    s_world_t *world = *state;
    uint64_t bytes = (uint64_t) PT_IMAGE_BYTES_MAX + 1;
    assert_int_equal(s_open_with(world, offsetof(pt_image_header_t, file_bytes), &bytes, 8), PT_E_SIZE);
}

static void
the_image_of_an_empty_source_opens(void **state)
{
    (void) state;
    fixture_t *fixture = fixture_new();
    pt_catalog_t *catalog = fixture_open(fixture);
    assert_int_equal(pt_catalog_provider_count(catalog), 0);
    assert_int_equal(pt_catalog_entry_count(catalog), 0);
    assert_null(pt_catalog_provider(catalog, PT_TEXT("acme")));
    s_exercise(catalog);
    pt_catalog_destroy(&catalog);
    fixture_destroy(fixture);
}

static pt_bytes_t
s_make_large_image(void)
{
    static const char *const ids[FIXTURE_PROVIDERS_MAX] = {"one", "two", "three", "four"};
    static char texts[FIXTURE_PROVIDERS_MAX][FIXTURE_ENTRIES_MAX][16];
    fixture_t *fixture = fixture_new();
    for (size_t i = 0; i < FIXTURE_PROVIDERS_MAX; i++) {
        pt_source_provider_t *provider = fixture_provider(fixture, ids[i]);
        for (unsigned code = 0; code < FIXTURE_ENTRIES_MAX; code++) {
            char *id = texts[i][code];
            int code_at = snprintf(id, sizeof texts[i][code], "%s/", ids[i]);
            (void) snprintf(id + code_at, 8, "%03u", code);
            fixture_code(provider, id, id + code_at, NULL);
        }
    }
    pt_bytes_t image = fixture_image(fixture);
    fixture_destroy(fixture);
    return image;
}

//  Write a number that leads nowhere, make the checksum fit, and open; then undo it.
static pt_status_t
s_open_with_number(uint8_t *image, size_t bytes, size_t offset, uint32_t number)
{
    pt_image_t opened;
    uint32_t before;
    memcpy(&before, image + offset, sizeof before);
    memcpy(image + offset, &number, sizeof number);
    uint64_t sum = pt_image_checksum((pt_bytes_t) {image, bytes});
    memcpy(image + offsetof(pt_image_header_t, checksum), &sum, sizeof sum);
    pt_status_t status = pt_image_open((pt_bytes_t) {image, bytes}, &opened);
    memcpy(image + offset, &before, sizeof before);
    return status;
}

//  An image is checked step by step; elements stand across the steps, and no two sections begin with one.
static void
no_element_of_a_large_image_goes_unchecked(void **state)
{
    (void) state;
    pt_bytes_t large = s_make_large_image();
    uint8_t *image = (uint8_t *) (uintptr_t) large.data;
    pt_image_header_t header;
    memcpy(&header, image, sizeof header);
    const pt_extent_t *entries = &header.sections[PT_SECTION_ENTRIES];
    const pt_extent_t *groups = &header.sections[PT_SECTION_GROUPS];
    assert_int_equal(entries->count, FIXTURE_PROVIDERS_MAX * FIXTURE_ENTRIES_MAX);
    for (size_t i = 0; i < entries->count; i++) {
        size_t offset = entries->offset + i * sizeof(struct pt_entry) + offsetof(struct pt_entry, rule);
        assert_int_equal(s_open_with_number(image, large.len, offset, UINT32_MAX), PT_E_MALFORMED);
    }
    for (size_t i = 0; i < groups->count; i++) {
        size_t offset = groups->offset + i * sizeof(pt_group_t) + offsetof(pt_group_t, own);
        assert_int_equal(s_open_with_number(image, large.len, offset, entries->count), PT_E_MALFORMED);
    }
    assert_int_equal(s_open_with_number(image, large.len, offsetof(pt_image_header_t, reserved), 0), PT_OK);
    free(image);
}

//  What accident damaged is told as that, whatever it looks like.
static void
damage_that_also_leads_nowhere_is_called_a_wrong_checksum(void **state)
{
    s_world_t *world = *state;
    uint8_t *copy = s_copy(world);
    pt_image_header_t header;
    memcpy(&header, copy, sizeof header);
    memset(copy + header.sections[PT_SECTION_ENTRIES].offset, 0xff, sizeof(struct pt_entry));
    assert_int_equal(s_open(copy, world->bytes), PT_E_CHECKSUM);
    memset(copy + offsetof(pt_image_header_t, sections), 0xff, sizeof header.sections);
    assert_int_equal(s_open(copy, world->bytes), PT_E_CHECKSUM);
}

#define S_TEST(name) cmocka_unit_test_setup_teardown(name, s_set_up, s_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        S_TEST(a_good_image_opens_and_keeps_its_checksum),
        S_TEST(equal_sources_give_equal_images),
        S_TEST(an_image_may_stand_at_any_address),
        S_TEST(every_truncation_is_refused),
        S_TEST(every_truncation_is_refused_or_harmless_with_its_size_and_checksum_forged),
        S_TEST(bytes_after_the_image_are_refused),
        S_TEST(every_changed_byte_is_refused),
        S_TEST(every_changed_byte_is_refused_or_harmless_with_its_checksum_forged),
        S_TEST(every_changed_number_is_refused_or_harmless_with_its_checksum_forged),
        S_TEST(a_word_that_stands_outside_of_keys_is_refused),
        S_TEST(a_displacement_too_far_or_of_no_whole_slot_is_refused),
        S_TEST(many_changes_at_once_are_refused_or_harmless),
        S_TEST(another_version_is_refused_as_such),
        S_TEST(a_foreign_byte_order_is_refused_as_a_version),
        S_TEST(what_is_no_image_is_refused),
        S_TEST(a_wrong_checksum_is_refused_as_such),
        S_TEST(an_image_beyond_the_limit_is_refused_by_its_size),
        S_TEST(damage_that_also_leads_nowhere_is_called_a_wrong_checksum),
        cmocka_unit_test(no_element_of_a_large_image_goes_unchecked),
        cmocka_unit_test(the_image_of_an_empty_source_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
