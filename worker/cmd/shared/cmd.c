/*  What every subcommand needs and no library has: the project's way of failing, strict numbers,
 *  and the nearest word to a mistyped one.
 */
#include "cmd.h"

#include "pt_units.h"
#include "pt_words.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int
cmd_fail(int code, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("paytriage: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (hint)
        fprintf(stderr, "hint: %s\n", hint);
    return code;
}

int
cmd_confirm(const char *otherwise, const char *format, ...)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO))
        return cmd_fail(EX_USAGE, "look with --dry-run, then give --yes", "there is nobody to ask");
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs(" [y/N] ", stderr);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return EX_OK;
    fprintf(stderr, "%s\n", otherwise);
    return CMD_EXIT_NO;
}

bool
cmd_is_short(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOMEM;
}

int
cmd_tell_short(int reason)
{
    if (reason == EMFILE)
        return cmd_fail(EX_OSERR, "raise it with ulimit -n, or LimitNOFILE= in a unit",
                        "no sockets can be made: too few open files are allowed");
    if (reason == ENFILE)
        return cmd_fail(EX_OSERR, "raise it with sysctl fs.file-max",
                        "no sockets can be made: the system has no open files left");
    return cmd_fail(EX_OSERR, CMD_HINT_SHORT, "no sockets can be made: memory or a thread is refused");
}

uint64_t
cmd_number(struct argp_state *state, const char *option, const char *value, uint64_t min, uint64_t max)
{
    uint64_t number = 0;
    if (!pt_units_number(value, min, max, &number))
        argp_error(state, "%s: '%s' is not a whole number from %llu to %llu", option, value, (unsigned long long) min,
                   (unsigned long long) max);
    return number;
}

uint64_t
cmd_duration_ms(struct argp_state *state, const char *option, const char *value)
{
    uint64_t duration_ms = 0;
    if (!pt_units_duration_ms(value, &duration_ms))
        argp_error(state, "%s: '%s' is not a duration such as 500ms, 30s, 15m or 1h", option, value);
    return duration_ms;
}

uint64_t
cmd_timeout_ms(struct argp_state *state, const char *value, const char *awaited)
{
    uint64_t timeout_ms = cmd_duration_ms(state, "--timeout", value);
    if (!timeout_ms)
        argp_error(state, "--timeout: '%s' leaves no time for %s", value, awaited);
    return timeout_ms;
}

cmd_output_t
cmd_output(struct argp_state *state, const char *value)
{
    if (strcmp(value, "text") == 0)
        return CMD_OUTPUT_TEXT;
    if (strcmp(value, "jsonl") != 0)
        argp_error(state, "--output: '%s' is not text or jsonl", value);
    return CMD_OUTPUT_JSONL;
}

cmd_output_t
cmd_output_document(struct argp_state *state, const char *value)
{
    if (strcmp(value, "json") == 0)
        return CMD_OUTPUT_JSON;
    if (strcmp(value, "text") != 0 && strcmp(value, "jsonl") != 0)
        argp_error(state, "--output: '%s' is not text, json or jsonl", value);
    return cmd_output(state, value);
}

cmd_color_t
cmd_color(struct argp_state *state, const char *value)
{
    if (strcmp(value, "auto") == 0)
        return CMD_COLOR_AUTO;
    if (strcmp(value, "always") == 0)
        return CMD_COLOR_ALWAYS;
    if (strcmp(value, "never") != 0)
        argp_error(state, "--color: '%s' is not auto, always or never", value);
    return CMD_COLOR_NEVER;
}

bool
cmd_use_color(cmd_color_t color, FILE *stream)
{
    if (color != CMD_COLOR_AUTO)
        return color == CMD_COLOR_ALWAYS;
    const char *none = getenv("NO_COLOR");
    if (none && *none)
        return false;
    const char *force = getenv("CLICOLOR_FORCE");
    if (force && *force && strcmp(force, "0") != 0)
        return true;
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && strcmp(term, "dumb") != 0;
}

const char *
cmd_nearest(const char *word, const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return pt_word_nearest(pt_text_of(word), words, count);
}

static uint64_t
s_read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

uint64_t
cmd_now_ms(void)
{
    return s_read_clock(CLOCK_REALTIME);
}

uint64_t
cmd_mono_ms(void)
{
    return s_read_clock(CLOCK_MONOTONIC);
}

int
cmd_tell_busy(const char *broker, uint64_t timeout_ms, const char *hint)
{
    return cmd_fail(EX_UNAVAILABLE, hint ? hint : "'paytriage journal subscribers' there says who has not read",
                    "%s answers busy for %" PRIu64 " ms: a journal is full, or its workers have no room", broker,
                    timeout_ms);
}

int
cmd_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EX_OK;
    if (errno == EPIPE)
        return EX_OK;
    return cmd_fail(EX_IOERR, NULL, "cannot write to standard output: %s", strerror(errno));
}

void
cmd_end_torn_line(void)
{
    struct stat file;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || !(flags & O_APPEND) || fstat(STDOUT_FILENO, &file) != 0 || !S_ISREG(file.st_mode) || !file.st_size)
        return;
    //  A shell's >> opens it for writing alone.
    int fd = open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC);
    char last = '\n';
    if (fd >= 0 && pread(fd, &last, 1, file.st_size - 1) == 1 && last != '\n')
        putchar('\n');
    if (fd >= 0)
        close(fd);
}
