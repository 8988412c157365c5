/*  Sources that cannot become an image, and the faults that say why. */
#include "source_fixture.h"

typedef struct {
    fixture_t *fixture;
    pt_source_provider_t *acme;
} s_world_t;

static int
s_set_up(void **state)
{
    s_world_t *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->fixture = fixture_new();
    world->acme = fixture_provider(world->fixture, "acme");
    fixture_operation(world->acme, "pay_in", PT_OPERATION_MONEY);
    fixture_operation(world->acme, "refund", PT_OPERATION_MONEY);
    *state = world;
    return 0;
}

static int
s_tear_down(void **state)
{
    s_world_t *world = *state;
    fixture_destroy(world->fixture);
    free(world);
    return 0;
}

static void
s_add(s_world_t *world, const char *id, const char *code, const char *message, const char *operation)
{
    fixture_code(world->acme, id, code, message);
    if (operation)
        fixture_for(world->fixture, world->acme, operation);
}

//  The build fails with this one fault, at this line.
static void
s_expect_fault(s_world_t *world, const char *id, unsigned line)
{
    uint8_t *image = NULL;
    size_t bytes = 0;
    pt_faults_t *faults = &world->fixture->faults;
    assert_int_equal(pt_build_image(&world->fixture->source, faults, &image, &bytes), PT_E_SYNTAX);
    assert_int_equal(faults->count, 1);
    assert_int_equal(faults->errors, 1);
    assert_string_equal(faults->faults[0].id, id);
    assert_int_equal(faults->faults[0].mark.line, line);
    assert_string_equal(faults->faults[0].mark.file, "fixture.yaml");
}

static void
s_expect_image(s_world_t *world)
{
    pt_catalog_t *catalog = fixture_open(world->fixture);
    pt_catalog_destroy(&catalog);
}

static void
two_rows_of_one_code_and_no_message_are_refused(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/a", "1", NULL, NULL);
    s_add(world, "acme/b", "1", NULL, NULL);
    s_expect_fault(world, "PT2001", 11);
    assert_non_null(strstr(world->fixture->faults.faults[0].text, "line 10"));
}

static void
two_rows_of_one_message_are_refused_whatever_their_holes_are_called(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/own", "1", NULL, NULL);
    s_add(world, "acme/a", "1", "No {a}", "pay_in");
    s_add(world, "acme/b", "1", "No {b}", "refund");
    s_expect_image(world);
    fixture_for(world->fixture, world->acme, "pay_in");
    s_expect_fault(world, "PT2001", 12);
    assert_non_null(strstr(world->fixture->faults.faults[0].text, "line 11"));
}

static void
one_message_with_several_subcodes_is_no_fault(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/own", "1", NULL, NULL);
    s_add(world, "acme/a", "1", "No {a}", NULL);
    fixture_code(world->acme, "acme/b", "1", "No {a}")->subcode = fixture_string("105");
    fixture_code(world->acme, "acme/c", "1", "No {a}")->subcode = fixture_string("109");
    s_expect_image(world);
    fixture_code(world->acme, "acme/d", "1", "No {a}")->subcode = fixture_string("109");
    s_expect_fault(world, "PT2001", 14);
}

static void
templates_that_one_message_fits_equally_are_refused(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/own", "1", NULL, NULL);
    s_add(world, "acme/a", "1", "from {a}", NULL);
    s_add(world, "acme/b", "1", "{a} here", NULL);
    s_expect_fault(world, "PT2002", 12);
    assert_non_null(strstr(world->fixture->faults.faults[0].text, "line 11"));
}

static void
overlapping_templates_of_different_rank_or_operation_are_no_fault(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/own", "1", NULL, NULL);
    s_add(world, "acme/a", "1", "from {a}", NULL);
    s_add(world, "acme/b", "1", "{a} here and there", NULL);
    s_add(world, "acme/c", "2", "from {a}", "pay_in");
    s_add(world, "acme/d", "2", "{a} here", "refund");
    s_add(world, "acme/e", "2", NULL, NULL);
    s_expect_image(world);
}

static void
several_rows_without_one_for_everything_else_are_refused(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/a", "1", "A", "pay_in");
    s_expect_image(world);
    s_add(world, "acme/b", "1", "B", "pay_in");
    s_expect_fault(world, "PT2003", 10);
}

static void
a_row_that_covers_every_operation_of_its_code_answers_everything_else(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/a", "1", "A", "pay_in");
    s_add(world, "acme/b", "1", NULL, "pay_in");
    s_expect_image(world);
    s_add(world, "acme/c", "1", "C", "refund");
    s_expect_fault(world, "PT2003", 10);
}

static void
bad_messages_are_refused(void **state)
{
    static const struct {
        const char *message;
        const char *subcode;
        pt_entry_kind_t kind;
    } cases[] = {
        {"{a}{b}", NULL, PT_ENTRY_CODE},  {"{1} {2} {3} {4} {5} {6} {7} {8} {9}", NULL, PT_ENTRY_CODE},
        {"Closed", "105", PT_ENTRY_CODE}, {"No {a}", "", PT_ENTRY_CODE},
        {NULL, "105", PT_ENTRY_CODE},     {"Closed", NULL, PT_ENTRY_STATUS},
    };
    s_world_t *world = *state;
    pt_source_entry_t *entry = fixture_code(world->acme, "acme/a", "1", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        entry->message = fixture_string(cases[i].message);
        entry->subcode = fixture_string(cases[i].subcode);
        entry->kind = cases[i].kind;
        s_expect_fault(world, "PT2004", 10);
        pt_faults_clear(&world->fixture->faults);
    }
}

static void
an_operation_that_the_gateway_does_not_name_is_refused(void **state)
{
    s_world_t *world = *state;
    s_add(world, "acme/a", "1", NULL, "payment");
    s_expect_fault(world, "PT2005", 10);
}

static void
a_name_taken_twice_is_refused(void **state)
{
    s_world_t *world = *state;
    fixture_operation(world->acme, "/pay_in", PT_OPERATION_READ)->mark.line = 3;
    s_expect_fault(world, "PT2001", 3);
    pt_faults_clear(&world->fixture->faults);
    world->acme->operation_count--;
    fixture_provider(world->fixture, "acme")->mark.line = 7;
    s_expect_fault(world, "PT2001", 7);
}

static void
every_name_that_is_taken_is_named(void **state)
{
    s_world_t *world = *state;
    uint8_t *image = NULL;
    size_t bytes = 0;
    for (int i = 0; i < 3; i++)
        fixture_operation(world->acme, "refund", PT_OPERATION_READ);
    pt_faults_t *faults = &world->fixture->faults;
    assert_int_equal(pt_build_image(&world->fixture->source, faults, &image, &bytes), PT_E_SYNTAX);
    assert_int_equal(faults->count, 3);
}

static void
names_out_of_bounds_are_refused(void **state)
{
    static const char *const ids[] = {"", "Acme", "a b", "a.b", "abcdefghijklmnopqrstuvwxyz0123456"};
    s_world_t *world = *state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        uint8_t *image = NULL;
        size_t bytes = 0;
        world->acme->id = fixture_string(ids[i]);
        pt_faults_t *faults = &world->fixture->faults;
        assert_int_equal(pt_build_image(&world->fixture->source, faults, &image, &bytes), PT_E_SYNTAX);
        assert_string_equal(faults->faults[0].id, "PT2006");
        pt_faults_clear(faults);
    }
}

static void
the_longest_id_is_taken(void **state)
{
    s_world_t *world = *state;
    world->acme->id = fixture_string("abcdefghijklmnopqrstuvwxyz012345");
    s_add(world, "acme/a", "1", NULL, NULL);
    s_expect_image(world);
}

static void
codes_and_rules_out_of_bounds_are_refused(void **state)
{
    s_world_t *world = *state;
    char code[PT_CODE_BYTES_MAX + 2];
    memset(code, '1', sizeof code);
    code[sizeof code - 1] = '\0';
    pt_source_entry_t *entry = fixture_code(world->acme, "acme/a", code, NULL);
    s_expect_fault(world, "PT2006", 10);
    pt_faults_clear(&world->fixture->faults);
    code[PT_CODE_BYTES_MAX] = '\0';
    s_expect_image(world);
    entry->rule.action = PT_ACTION_COUNT_;
    s_expect_fault(world, "PT2006", 10);
    pt_faults_clear(&world->fixture->faults);
    entry->rule.action = PT_ACTION_NONE;
    code[0] = '\0';
    s_expect_fault(world, "PT2006", 10);
}

static void
paths_out_of_bounds_are_refused(void **state)
{
    s_world_t *world = *state;
    pt_path_t path = {.role = PT_ROLE_STATUS, .slot = PT_STATUS_SLOTS, .step_count = 1, .steps = {{"a", 1}}};
    world->acme->paths = &path;
    world->acme->path_count = 1;
    s_expect_fault(world, "PT2006", 1);
    pt_faults_clear(&world->fixture->faults);
    path.slot = 0;
    path.step_count = 0;
    s_expect_fault(world, "PT2006", 1);
    path.step_count = 1;
    pt_faults_clear(&world->fixture->faults);
    s_expect_image(world);
}

#define S_TEST(name) cmocka_unit_test_setup_teardown(name, s_set_up, s_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        S_TEST(two_rows_of_one_code_and_no_message_are_refused),
        S_TEST(two_rows_of_one_message_are_refused_whatever_their_holes_are_called),
        S_TEST(one_message_with_several_subcodes_is_no_fault),
        S_TEST(templates_that_one_message_fits_equally_are_refused),
        S_TEST(overlapping_templates_of_different_rank_or_operation_are_no_fault),
        S_TEST(several_rows_without_one_for_everything_else_are_refused),
        S_TEST(a_row_that_covers_every_operation_of_its_code_answers_everything_else),
        S_TEST(bad_messages_are_refused),
        S_TEST(an_operation_that_the_gateway_does_not_name_is_refused),
        S_TEST(a_name_taken_twice_is_refused),
        S_TEST(every_name_that_is_taken_is_named),
        S_TEST(names_out_of_bounds_are_refused),
        S_TEST(the_longest_id_is_taken),
        S_TEST(codes_and_rules_out_of_bounds_are_refused),
        S_TEST(paths_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
