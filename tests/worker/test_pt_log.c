/*  Lines of the log: their forms, their levels, and how many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pt_log.h"

#define HOUR_MS 3600000

static char *s_text;
static size_t s_bytes;
static FILE *s_stream;

static int
s_open(void **state)
{
    (void) state;
    s_stream = open_memstream(&s_text, &s_bytes);
    return s_stream ? 0 : -1;
}

static int
s_close(void **state)
{
    (void) state;
    pt_log_open(stderr, PT_LOG_TEXT, PT_LOG_INFO, HOUR_MS);
    fclose(s_stream);
    free(s_text);
    return 0;
}

static size_t
s_lines(void)
{
    fflush(s_stream);
    size_t lines = 0;
    for (const char *at = s_text; at && *at; at++)
        lines += *at == '\n';
    return lines;
}

static void
a_line_of_text_has_time_level_event_and_fields(void **state)
{
    (void) state;
    pt_log_open(s_stream, PT_LOG_TEXT, PT_LOG_INFO, HOUR_MS);
    pt_log(PT_EVENT_SERVICE_READY, PT_LOG_N("elapsed_ms", 12), PT_LOG_S("dir", "/tmp/x"));
    assert_int_equal(s_lines(), 1);
    assert_non_null(strstr(s_text, "Z info service.ready elapsed_ms=12 dir=/tmp/x\n"));
}

static void
whatever_a_field_holds_is_one_line_of_text_and_of_json(void **state)
{
    (void) state;
    static char odd[] = "a \"b\"\\\n\x1b[31m\xff=";
    for (int format = PT_LOG_TEXT; format <= PT_LOG_JSON; format++) {
        pt_log_open(s_stream, (pt_log_format_t) format, PT_LOG_INFO, HOUR_MS);
        pt_log(PT_EVENT_SERVICE_READY, PT_LOG_S("odd", odd));
    }
    assert_int_equal(s_lines(), 2);
    assert_non_null(strstr(s_text, "odd=\"a \\\"b\\\"\\\\\\u000a\\u001b[31m\\u00ff=\"\n"));
    assert_non_null(strstr(s_text, "\"odd\":\"a \\\"b\\\"\\\\\\u000a\\u001b[31m\\u00ff=\"}\n"));
}

static void
long_fields_are_cut_and_many_of_them_fit(void **state)
{
    (void) state;
    static char byte[2000];
    memset(byte, '\x01', sizeof byte - 1);
    pt_log_field_t fields[PT_LOG_FIELDS_MAX + 4] = {{0}};
    for (size_t i = 0; i < PT_LOG_FIELDS_MAX + 3; i++)
        fields[i] = PT_LOG_S("key", byte);
    for (int format = PT_LOG_TEXT; format <= PT_LOG_JSON; format++) {
        pt_log_open(s_stream, (pt_log_format_t) format, PT_LOG_INFO, HOUR_MS);
        pt_log_event(PT_EVENT_SERVICE_READY, fields);
    }
    assert_int_equal(s_lines(), 2);
    assert_true(s_bytes < 2 * PT_LOG_FIELDS_MAX * (PT_LOG_TEXT_BYTES_MAX * 6 + 64) + 512);
}

static void
the_level_holds_from_the_moment_it_is_set(void **state)
{
    (void) state;
    pt_log_open(s_stream, PT_LOG_TEXT, PT_LOG_ERROR, HOUR_MS);
    pt_log(PT_EVENT_SERVICE_READY, PT_LOG_N("n", 1));
    pt_log(PT_EVENT_BROKER_DROPPED, PT_LOG_N("n", 1));
    assert_int_equal(s_lines(), 0);
    pt_log(PT_EVENT_JOURNAL_FULL, PT_LOG_N("n", 1));
    assert_int_equal(s_lines(), 1);
    pt_log_set_level(PT_LOG_INFO);
    assert_int_equal(pt_log_level(), PT_LOG_INFO);
    pt_log(PT_EVENT_SERVICE_READY, PT_LOG_N("n", 1));
    assert_int_equal(s_lines(), 2);
}

static void
repeated_warnings_are_counted_instead(void **state)
{
    (void) state;
    pt_log_open(s_stream, PT_LOG_TEXT, PT_LOG_INFO, HOUR_MS);
    for (int i = 0; i < 1000; i++)
        pt_log(PT_EVENT_WORKER_INVALID, PT_LOG_N("count", 1));
    pt_log(PT_EVENT_WORKER_GARBAGE, PT_LOG_N("count", 1));
    assert_int_equal(s_lines(), 6);
    pt_log_tick();
    assert_int_equal(s_lines(), 6);
}

static void
what_was_held_back_is_told_when_the_time_is_over(void **state)
{
    (void) state;
    pt_log_open(s_stream, PT_LOG_TEXT, PT_LOG_INFO, UINT64_MAX);
    for (int i = 0; i < 8; i++)
        pt_log(PT_EVENT_WORKER_INVALID, PT_LOG_N("count", 1));
    assert_int_equal(s_lines(), 5);
    assert_null(strstr(s_text, "suppressed"));
    pt_log_set_limit(0);
    pt_log_tick();
    assert_int_equal(s_lines(), 6);
    assert_non_null(strstr(s_text, "worker.invalid suppressed=3\n"));
}

static void
every_event_has_a_name_of_its_own_and_a_meaning(void **state)
{
    (void) state;
    for (unsigned i = 0; i < PT_EVENT_COUNT_; i++) {
        assert_non_null(pt_event_name((pt_event_t) i));
        assert_non_null(pt_event_meaning((pt_event_t) i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(pt_event_name((pt_event_t) i), pt_event_name((pt_event_t) j));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_of_text_has_time_level_event_and_fields, s_open, s_close),
        cmocka_unit_test_setup_teardown(whatever_a_field_holds_is_one_line_of_text_and_of_json, s_open, s_close),
        cmocka_unit_test_setup_teardown(long_fields_are_cut_and_many_of_them_fit, s_open, s_close),
        cmocka_unit_test_setup_teardown(the_level_holds_from_the_moment_it_is_set, s_open, s_close),
        cmocka_unit_test_setup_teardown(repeated_warnings_are_counted_instead, s_open, s_close),
        cmocka_unit_test_setup_teardown(what_was_held_back_is_told_when_the_time_is_over, s_open, s_close),
        cmocka_unit_test(every_event_has_a_name_of_its_own_and_a_meaning),
    };
    return cmocka_run_group_tests_name("worker.pt_log", tests, NULL, NULL);
}
