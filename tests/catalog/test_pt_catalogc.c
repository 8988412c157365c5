/*  The catalog compiler as its users meet it: a process, its words and its exit code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define S_OUTPUT_BYTES_MAX 16384
#define SAMPLE "'" PT_SOURCE_DIR "/tests/catalog/sample.yaml'" //  for a shell

static char s_directory[] = "/tmp/pt_catalogc.XXXXXX";
static char s_output[S_OUTPUT_BYTES_MAX]; //  of the last run, both streams

//  Run it in the test's own directory, after `shell`; returns its exit code.
static int
s_run_after(const char *shell, const char *arguments)
{
    char command[1024];
    (void) snprintf(command, sizeof command, "cd %s && %s '%s' %s 2>&1", s_directory, shell, PT_CATALOGC, arguments);
    FILE *stream = popen(command, "r"); //  NOLINT(cert-env33-c): fixed words of this test
    assert_non_null(stream);
    size_t bytes = fread(s_output, 1, sizeof s_output - 1, stream);
    s_output[bytes] = '\0';
    int status = pclose(stream);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
s_run(const char *arguments)
{
    return s_run_after("", arguments);
}

static char *
s_path(const char *name)
{
    static char path[256];
    (void) snprintf(path, sizeof path, "%s/%s", s_directory, name);
    return path;
}

static void
s_write(const char *name, const char *text)
{
    FILE *stream = fopen(s_path(name), "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

static size_t
s_read(const char *name, char *out, size_t capacity)
{
    FILE *stream = fopen(s_path(name), "r");
    assert_non_null(stream);
    size_t bytes = fread(out, 1, capacity, stream);
    (void) fclose(stream);
    return bytes;
}

static void
a_good_file_checks_silently_and_writes_nothing(void **state)
{
    (void) state;
    assert_int_equal(s_run("--check -o checked.bin " SAMPLE), 0);
    assert_string_equal(s_output, "");
    assert_int_not_equal(access(s_path("checked.bin"), F_OK), 0);
}

static void
image_and_array_hold_the_same_bytes_every_time(void **state)
{
    (void) state;
    static char first[65536], second[65536];
    assert_int_equal(s_run("-o a.bin -c a.c " SAMPLE), 0);
    assert_int_equal(s_run("-o b.bin " SAMPLE), 0);
    size_t bytes = s_read("a.bin", first, sizeof first);
    assert_true(bytes > 256 && bytes < sizeof first);
    assert_int_equal(s_read("b.bin", second, sizeof second), bytes);
    assert_memory_equal(first, second, bytes);
    size_t array_bytes = s_read("a.c", second, sizeof second - 1);
    second[array_bytes] = '\0';
    char *number = strchr(second, '{');
    assert_non_null(number);
    number++;
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(strtoul(number, &number, 10), (unsigned char) first[i]);
        number++; //  the comma
    }
    assert_non_null(strstr(number, "pt_builtin_image_bytes = sizeof"));
}

static void
faults_are_shown_as_a_compiler_shows_them(void **state)
{
    (void) state;
    s_write("bad.yaml", "gateway: {id: a, nam: A}\nentries: [{http: \"5xx\"}]\n");
    assert_int_equal(s_run("--check bad.yaml"), 1);
    assert_non_null(
        strstr(s_output, "bad.yaml:1:18: error: unknown key 'nam' in gateway; did you mean 'name'? [PT1010]\n"));
    assert_non_null(strstr(s_output, "bad.yaml:2:11: error: key 'category' is missing in an entry [PT1012]\n"));
    assert_non_null(strstr(s_output, "\n7 errors\n"));
}

static void
only_twenty_faults_are_shown(void **state)
{
    (void) state;
    char text[2000] = "gateway: {id: a, name: A}\nentries: []\n";
    for (int i = 0; i < 40; i++)
        (void) snprintf(text + strlen(text), sizeof text - strlen(text), "key-%d: x\n", i);
    s_write("many.yaml", text);
    assert_int_equal(s_run("--check many.yaml"), 1);
    assert_non_null(strstr(s_output, "and 21 more\n41 errors\n"));
    size_t lines = 0;
    for (const char *at = s_output; (at = strstr(at, "many.yaml:")); at++)
        lines++;
    assert_int_equal(lines, 20);
}

static void
a_file_that_is_not_there_or_cannot_be_made_has_its_own_code(void **state)
{
    (void) state;
    assert_int_equal(s_run("--check nowhere.yaml"), 66);
    assert_non_null(strstr(s_output, "cannot read nowhere.yaml: No such file"));
    assert_int_equal(s_run("-o no/such/place " SAMPLE), 73);
    assert_non_null(strstr(s_output, "cannot create no/such/place: No such file"));
    assert_int_equal(s_run(SAMPLE), 64);
    assert_int_equal(s_run("--check"), 64);
    assert_int_equal(s_run("--chekc " SAMPLE), 64);
}

//  A limit of the shell stands for a full disk.
static void
a_write_that_fails_leaves_no_half_image(void **state)
{
    (void) state;
    assert_int_equal(s_run_after("trap '' XFSZ && ulimit -f 1 &&", "-o half.bin " SAMPLE), 74);
    assert_non_null(strstr(s_output, "cannot write half.bin: "));
    assert_int_not_equal(access(s_path("half.bin"), F_OK), 0);
}

//  A failed write to /dev/stdout, say, must not remove what the name stands for.
static void
an_output_that_is_no_plain_file_is_left_alone(void **state)
{
    (void) state;
    s_write("target.bin", "");
    assert_int_equal(symlink("target.bin", s_path("link")), 0);
    assert_int_equal(s_run_after("trap '' XFSZ && ulimit -f 1 &&", "-o link " SAMPLE), 74);
    assert_int_equal(access(s_path("link"), F_OK), 0);
}

static int
s_set_up(void **state)
{
    (void) state;
    return mkdtemp(s_directory) ? 0 : -1;
}

static int
s_tear_down(void **state)
{
    (void) state;
    static const char *const names[] = {"a.bin", "a.c", "b.bin", "bad.yaml", "link", "many.yaml", "target.bin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void) unlink(s_path(names[i]));
    return rmdir(s_directory);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_checks_silently_and_writes_nothing),
        cmocka_unit_test(image_and_array_hold_the_same_bytes_every_time),
        cmocka_unit_test(faults_are_shown_as_a_compiler_shows_them),
        cmocka_unit_test(only_twenty_faults_are_shown),
        cmocka_unit_test(a_file_that_is_not_there_or_cannot_be_made_has_its_own_code),
        cmocka_unit_test(a_write_that_fails_leaves_no_half_image),
        cmocka_unit_test(an_output_that_is_no_plain_file_is_left_alone),
    };
    return cmocka_run_group_tests(tests, s_set_up, s_tear_down);
}
