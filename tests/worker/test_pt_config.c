/*  Settings: units, the table, and which layer wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pt_config.h"
#include "pt_units.h"

#define YAML(literal) ((pt_bytes_t) {(const uint8_t *) (literal), sizeof(literal) - 1})

static int
s_open(void **state)
{
    static pt_config_t config;
    *state = &config;
    return pt_config_init(&config) == PT_OK ? 0 : -1;
}

static int
s_close(void **state)
{
    pt_config_clear(*state);
    return 0;
}

static void
numbers_durations_and_sizes_are_read_whole_or_not_at_all(void **state)
{
    (void) state;
    uint64_t value = 7;
    assert_true(pt_units_number("64", 1, 64, &value));
    assert_int_equal(value, 64);
    assert_true(pt_units_duration_ms("15m", &value));
    assert_int_equal(value, 900000);
    assert_true(pt_units_bytes("512M", &value));
    assert_int_equal(value, 512 << 20);
    assert_true(pt_units_bytes("1T", &value));
    static const char *const wrong[] = {"", " 1", "+1", "-1", "1 ", "0x10", "1e3", "99999999999999999999", "one"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        value = 7;
        assert_false(pt_units_number(wrong[i], 0, UINT64_MAX, &value));
        assert_false(pt_units_duration_ms(wrong[i], &value));
        assert_false(pt_units_bytes(wrong[i], &value));
        assert_int_equal(value, 7);
    }
    assert_false(pt_units_duration_ms("366d", &value));
    assert_false(pt_units_bytes("2T", &value));
    assert_false(pt_units_bytes("1KB", &value));
}

static void
each_row_is_complete_and_its_names_are_its_own(void **state)
{
    pt_config_t *config = *state;
    for (unsigned i = 0; i < PT_OPTION_COUNT_; i++) {
        const pt_option_t *left = pt_option((pt_option_id_t) i);
        assert_true(left->key && left->flag && left->help && left->argument && left->commands);
        assert_true(left->preset || left->otherwise);
        assert_int_equal(config->settings[i].count, left->preset ? 1 : 0);
        for (unsigned j = 0; j < i; j++) {
            const pt_option_t *right = pt_option((pt_option_id_t) j);
            char one[PT_OPTION_NAME_BYTES], other[PT_OPTION_NAME_BYTES];
            assert_string_not_equal(left->key, right->key);
            assert_string_not_equal(pt_option_env(left, one), pt_option_env(right, other));
            if (left->commands & right->commands)
                assert_string_not_equal(left->flag, right->flag);
            if (left->letter && left->letter == right->letter)
                assert_int_equal(left->letter_for & right->letter_for, 0);
        }
    }
}

static void
a_flag_wins_over_the_environment_and_that_over_the_file(void **state)
{
    pt_config_t *config = *state;
    char reason[PT_OPTION_REASON_BYTES], origin[PT_CONFIG_ORIGIN_BYTES];
    static const char *const environment[] = {"PAYTRIAGE_THREADS=3", "PAYTRIAGE_PORT_BASE=6100", "HOME=/", NULL};
    assert_true(pt_config_put_flag(config, PT_OPTION_PORT_BASE, "6200", reason));
    assert_int_equal(
        pt_config_read(config, "f.yml", YAML("port_base: 6000\nworker:\n  threads: 2\n  window: 9\njournal:\n")),
        PT_OK);
    assert_int_equal(pt_config_read_environment(config, environment), PT_OK);
    assert_int_equal(config->faults.count, 0);
    assert_int_equal(pt_config_number(config, PT_OPTION_PORT_BASE), 6200);
    assert_int_equal(pt_config_number(config, PT_OPTION_WORKER_THREADS), 3);
    assert_int_equal(pt_config_number(config, PT_OPTION_WORKER_WINDOW), 9);
    assert_int_equal(pt_config_number(config, PT_OPTION_PUBLISH_HWM), 4096);
    assert_string_equal(pt_config_origin(config, PT_OPTION_PORT_BASE, origin), "--port-base");
    assert_string_equal(pt_config_origin(config, PT_OPTION_WORKER_THREADS, origin), "PAYTRIAGE_THREADS");
    assert_string_equal(pt_config_origin(config, PT_OPTION_WORKER_WINDOW, origin), "f.yml:4:11");
    assert_string_equal(pt_config_origin(config, PT_OPTION_PUBLISH_HWM, origin), "default");
}

static void
a_list_of_a_stronger_layer_replaces_the_weaker_one(void **state)
{
    pt_config_t *config = *state;
    char reason[PT_OPTION_REASON_BYTES];
    static const char *const environment[] = {"PAYTRIAGE_CATALOG=a.yml,b.yml", NULL};
    assert_int_equal(pt_config_read(config, "f.yml", YAML("catalog: [x.yml, y.yml, z.yml]\n")), PT_OK);
    assert_int_equal(config->settings[PT_OPTION_CATALOG].count, 3);
    assert_int_equal(pt_config_read_environment(config, environment), PT_OK);
    assert_int_equal(config->settings[PT_OPTION_CATALOG].count, 2);
    assert_true(pt_config_put_flag(config, PT_OPTION_CATALOG, "c.yml", reason));
    assert_int_equal(config->settings[PT_OPTION_CATALOG].count, 1);
    assert_string_equal(pt_config_text(config, PT_OPTION_CATALOG), "c.yml");
}

static void
a_flag_given_too_often_is_refused(void **state)
{
    pt_config_t *config = *state;
    char reason[PT_OPTION_REASON_BYTES];
    size_t max = pt_option(PT_OPTION_CLIENT_CONNECT)->values_max;
    for (size_t i = 0; i < max; i++)
        assert_true(pt_config_put_flag(config, PT_OPTION_CLIENT_CONNECT, "ipc:///x", reason));
    assert_false(pt_config_put_flag(config, PT_OPTION_CLIENT_CONNECT, "ipc:///x", reason));
    assert_non_null(strstr(reason, "at most"));
}

static void
what_a_stronger_layer_overrides_is_still_checked(void **state)
{
    pt_config_t *config = *state;
    char reason[PT_OPTION_REASON_BYTES];
    assert_true(pt_config_put_flag(config, PT_OPTION_JOURNAL_SIZE, "8M", reason));
    assert_int_equal(pt_config_read(config, "f.yml", YAML("journal: {size: 1K}\n")), PT_OK);
    assert_int_equal(config->faults.errors, 1);
    assert_int_equal(config->faults.faults[0].mark.line, 1);
    assert_int_equal(config->faults.faults[0].mark.column, 17);
    assert_int_equal(pt_config_number(config, PT_OPTION_JOURNAL_SIZE), 8 << 20);
}

//  Texts that are no settings, cut at every byte as well: faults, never a crash.
static void
no_text_is_too_odd_to_be_refused(void **state)
{
    (void) state;
    static const char *const odd[] = {"[1, 2]",
                                      "5",
                                      "journal: [a]\nworker: {threads: {a: b}, threads: 1}\n",
                                      "? [a]\n: b\n",
                                      "version: 2\nbroker: {front: \"a\\0b\"}\n",
                                      "a: &x [*x]\n",
                                      "catalog: [[], {}, \"\"]\nport_base: ''\nbind: null\n--- 1\n",
                                      "\xff\xfe\x00",
                                      "!!map {bind: !!str x}\n"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        for (size_t len = 0; len <= strlen(odd[i]); len++) {
            pt_config_t config;
            assert_int_equal(pt_config_init(&config), PT_OK);
            assert_int_equal(pt_config_read(&config, "f.yml", (pt_bytes_t) {(const uint8_t *) odd[i], len}), PT_OK);
            if (len == strlen(odd[i]))
                assert_true(config.faults.errors > 0);
            pt_config_clear(&config);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_durations_and_sizes_are_read_whole_or_not_at_all),
        cmocka_unit_test_setup_teardown(each_row_is_complete_and_its_names_are_its_own, s_open, s_close),
        cmocka_unit_test_setup_teardown(a_flag_wins_over_the_environment_and_that_over_the_file, s_open, s_close),
        cmocka_unit_test_setup_teardown(a_list_of_a_stronger_layer_replaces_the_weaker_one, s_open, s_close),
        cmocka_unit_test_setup_teardown(a_flag_given_too_often_is_refused, s_open, s_close),
        cmocka_unit_test_setup_teardown(what_a_stronger_layer_overrides_is_still_checked, s_open, s_close),
        cmocka_unit_test(no_text_is_too_odd_to_be_refused),
    };
    return cmocka_run_group_tests_name("worker.pt_config", tests, NULL, NULL);
}
