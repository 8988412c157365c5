/*  Building and opening an image while memory runs out, at every allocation in turn.
 *
 *  The linker sends the engine's allocations through here (tests/CMakeLists.txt).
 */
#include "pt_image.h"
#include "source_fixture.h"

#include <malloc.h>

void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);

static long s_left = -1; //  allocations until one fails; negative: none does
static bool s_is_moving; //  blocks that grow move to where only malloc's own alignment holds

static bool
s_fails(void)
{
    return s_left >= 0 && s_left-- == 0;
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
    return s_fails() ? NULL : __real_calloc(count, bytes);
}

//  One of several new blocks that is not on a PT_IMAGE_ALIGN boundary, if any is.
static void *
s_move(void *block, size_t bytes)
{
    void *tries[16];
    size_t count = 0;
    do {
        tries[count] = malloc(bytes + 16 * count);
        assert_non_null(tries[count]);
    } while ((uintptr_t) tries[count++] % PT_IMAGE_ALIGN == 0 && count < 16);
    void *moved = tries[--count];
    size_t known = malloc_usable_size(block);
    memcpy(moved, block, known < bytes ? known : bytes);
    free(block);
    while (count > 0)
        free(tries[--count]);
    return moved;
}

void *
__wrap_realloc(void *block, size_t bytes)
{
    if (s_fails())
        return NULL;
    return s_is_moving && block ? s_move(block, bytes) : __real_realloc(block, bytes);
}

void *
__wrap_aligned_alloc(size_t align, size_t bytes)
{
    return s_fails() ? NULL : __real_aligned_alloc(align, bytes);
}

static fixture_t *
s_make_fixture(void)
{
    fixture_t *fixture = fixture_new();
    pt_source_provider_t *provider = fixture_provider(fixture, "acme");
    fixture_operation(provider, "pay_in", PT_OPERATION_MONEY);
    fixture_code(provider, "acme/1/a", "1", "No order {id}");
    fixture_for(fixture, provider, "pay_in");
    fixture_code(provider, "acme/1/b", "1", "{id} is no order");
    fixture_for(fixture, provider, "pay_in");
    fixture_code(provider, "acme/1", "1", NULL);
    return fixture;
}

static void
s_check_building(bool is_moving)
{
    fixture_t *fixture = s_make_fixture();
    pt_bytes_t expected = fixture_image(fixture);
    long failures = 0;
    pt_status_t status = PT_E_NOMEM;
    for (long n = 0; status == PT_E_NOMEM; n++) {
        uint8_t *image = NULL;
        size_t bytes = 0;
        s_left = n;
        s_is_moving = is_moving;
        status = pt_build_image(&fixture->source, &fixture->faults, &image, &bytes);
        s_is_moving = false;
        s_left = -1;
        assert_true(status == PT_OK || status == PT_E_NOMEM);
        assert_int_equal(image != NULL, status == PT_OK);
        failures += status == PT_E_NOMEM;
        if (image) {
            assert_int_equal(bytes, expected.len);
            assert_memory_equal(image, expected.data, bytes);
        }
        free(image);
    }
    assert_true(failures > 20);
    assert_int_equal(fixture->faults.errors, 0);
    free((void *) (uintptr_t) expected.data);
    fixture_destroy(fixture);
}

static void
building_fails_cleanly_at_every_allocation(void **state)
{
    (void) state;
    s_check_building(false);
}

//  An image has to stand on a boundary that a block which grew need not stand on.
static void
building_fails_cleanly_where_each_block_that_grows_moves(void **state)
{
    (void) state;
    s_check_building(true);
}

static void
opening_fails_cleanly_at_every_allocation(void **state)
{
    (void) state;
    fixture_t *fixture = s_make_fixture();
    pt_bytes_t image = fixture_image(fixture);
    long failures = 0;
    pt_catalog_t *catalog = NULL;
    while (!catalog) {
        s_left = failures;
        pt_status_t status = pt_catalog_open(image, &catalog);
        s_left = -1;
        assert_int_equal(status, catalog ? PT_OK : PT_E_NOMEM);
        failures += !catalog;
    }
    assert_int_equal(failures, 6);
    pt_catalog_destroy(&catalog);
    free((void *) (uintptr_t) image.data);
    fixture_destroy(fixture);
}

//  A lookup allocates nothing: the next allocation would fail, and does not come.
static void
lookups_allocate_nothing(void **state)
{
    (void) state;
    fixture_t *fixture = s_make_fixture();
    pt_catalog_t *catalog = fixture_open(fixture);
    const pt_provider_t *provider = pt_catalog_provider(catalog, PT_TEXT("acme"));
    static pt_facts_t facts;
    pt_response_t response = {.operation = PT_TEXT("pay_in")};
    facts.codes[0] = PT_TEXT("1");
    facts.messages[0] = PT_TEXT("No\xc2\xa0order 7");
    pt_verdict_t verdict;
    s_left = 0;
    pt_catalog_lookup(catalog, provider, &response, &facts, &verdict);
    bool is_untouched = s_left == 0;
    s_left = -1;
    assert_true(is_untouched);
    assert_int_equal(verdict.match, PT_MATCH_TEMPLATE);
    pt_catalog_destroy(&catalog);
    fixture_destroy(fixture);
}

static void
a_fault_that_finds_no_memory_still_counts(void **state)
{
    (void) state;
    pt_faults_t faults = {0};
    s_left = 0;
    pt_faults_add(&faults, fixture_mark(1), false, "PT1001", "lost");
    s_left = -1;
    assert_int_equal(faults.count, 0);
    assert_int_equal(faults.errors, 1);
    for (unsigned i = 0; i < 40; i++)
        pt_faults_add(&faults, fixture_mark(i), i % 2, "PT1002", "kept %u", i);
    assert_int_equal(faults.count, 40);
    assert_int_equal(faults.errors, 21);
    assert_string_equal(faults.faults[39].text, "kept 39");
    pt_faults_clear(&faults);
    assert_null(faults.faults);
}

static void
an_arena_gives_zeroed_and_aligned_blocks_of_any_size(void **state)
{
    (void) state;
    pt_source_t source = {0};
    static const size_t sizes[] = {0, 1, 24, 65535, 65536, 65537, 1000000, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *block = pt_source_alloc(&source, sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t) block % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(block[j], 0);
        memset(block, 0xff, sizes[i]);
    }
    assert_null(pt_source_alloc(&source, SIZE_MAX));
    pt_source_destroy(&source);
    assert_null(source.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(building_fails_cleanly_at_every_allocation),
        cmocka_unit_test(building_fails_cleanly_where_each_block_that_grows_moves),
        cmocka_unit_test(opening_fails_cleanly_at_every_allocation),
        cmocka_unit_test(lookups_allocate_nothing),
        cmocka_unit_test(a_fault_that_finds_no_memory_still_counts),
        cmocka_unit_test(an_arena_gives_zeroed_and_aligned_blocks_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
