/*  Doubts about a catalog. The commands' tests show each of them in a file; here are those that no
 *  file shows, because the compiler and the lookup agree.
 */
#include "compile_support.h"

#include "pt_build.h"
#include "pt_lint.h"

#define ROWS                                                                                                           \
    HEAD ROW("code: \"7\", also: [\"8\", \"9\"]") ROW("code: \"10\", message: \"a {x}\", slug: a, operation: pay")     \
        ROW("code: \"10\"") ROW("status: \"paid\"") ROW("http: \"503\"") ROW("http: \"5xx\", operation: ask")

static pt_catalog_t *
s_build(s_compiled_t *compiled)
{
    uint8_t *image = NULL;
    size_t bytes = 0;
    pt_catalog_t *catalog = NULL;
    assert_int_equal(compiled->faults.count, 0);
    assert_int_equal(pt_build_image(&compiled->source, &compiled->faults, &image, &bytes), PT_OK);
    assert_int_equal(pt_catalog_adopt(image, bytes, &catalog), PT_OK);
    return catalog;
}

static void
a_sound_catalog_raises_no_doubt(void **state)
{
    (void) state;
    s_compiled_t compiled = s_compile(ROWS);
    pt_catalog_t *catalog = s_build(&compiled);
    pt_lint(&compiled.source, catalog, &compiled.faults);
    s_print_faults(&compiled);
    assert_int_equal(compiled.faults.count, 0);
    pt_catalog_destroy(&catalog);
    s_clear(&compiled);
}

//  What a source says and its catalog does not answer to.
static void
each_kind_of_entry_that_nothing_leads_to_is_named(void **state)
{
    (void) state;
    static const struct {
        size_t entry, code;
        const char *changed;
    } cases[] = {{0, 0, "77"}, {0, 2, "10"}, {1, 0, "7"}, {2, 0, "7"}, {3, 0, "unpaid"}, {4, 0, "504"}, {5, 0, "4xx"}};
    s_compiled_t compiled = s_compile(ROWS);
    pt_catalog_t *catalog = s_build(&compiled);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pt_source_entry_t *entry = &compiled.source.providers[0].entries[cases[i].entry];
        char *kept = entry->codes[cases[i].code];
        char changed[16];
        (void) snprintf(changed, sizeof changed, "%s", cases[i].changed);
        entry->codes[cases[i].code] = changed;
        pt_lint(&compiled.source, catalog, &compiled.faults);
        entry->codes[cases[i].code] = kept;
        assert_int_equal(compiled.faults.count, 1);
        assert_int_equal(compiled.faults.errors, 0);
        assert_string_equal(compiled.faults.faults[0].id, "PT1130");
        assert_int_equal(compiled.faults.faults[0].mark.line, 6 + cases[i].entry);
        assert_non_null(strstr(compiled.faults.faults[0].text, changed));
        pt_faults_clear(&compiled.faults);
    }
    pt_catalog_destroy(&catalog);
    s_clear(&compiled);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_catalog_raises_no_doubt),
        cmocka_unit_test(each_kind_of_entry_that_nothing_leads_to_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
