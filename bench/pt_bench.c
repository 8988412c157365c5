#include "pt_bench.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

uint64_t
pt_bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

uint64_t
pt_bench_clock_cost_ns(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t start = pt_bench_now_ns();
        uint64_t cost = pt_bench_now_ns() - start;
        if (cost < least)
            least = cost;
    }
    return least;
}

void
pt_dice_init(pt_dice_t *self, uint64_t seed)
{
    //  A state of zero would stay zero.
    self->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    if (!self->state)
        self->state = 1;
}

uint64_t
pt_dice_roll(pt_dice_t *self)
{
    self->state ^= self->state >> 12;
    self->state ^= self->state << 25;
    self->state ^= self->state >> 27;
    return self->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t
pt_dice_below(pt_dice_t *self, uint64_t bound)
{
    //  The upper bits are the good ones; the bias of bounds far below 2^32 is far below any noise.
    return ((pt_dice_roll(self) >> 32) * bound) >> 32;
}

double
pt_dice_unit(pt_dice_t *self)
{
    return (double) (pt_dice_roll(self) >> 11) * 0x1p-53;
}

void *
pt_bench_alloc(size_t bytes)
{
    void *block = calloc(1, bytes ? bytes : 1);
    if (!block) {
        fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
        exit(EX_OSERR);
    }
    return block;
}

void
pt_series_add(pt_series_t *self, double value)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        double *values = pt_bench_alloc(capacity * sizeof(*values));
        if (self->count)
            memcpy(values, self->values, self->count * sizeof(*values));
        free(self->values);
        self->values = values;
        self->capacity = capacity;
    }
    self->values[self->count++] = value;
}

static int
s_compare_values(const void *left, const void *right)
{
    double a = *(const double *) left;
    double b = *(const double *) right;
    return (a > b) - (a < b);
}

double
pt_series_percentile(pt_series_t *self, double percent)
{
    if (!self->count)
        return NAN;
    qsort(self->values, self->count, sizeof(*self->values), s_compare_values);
    double rank = percent / 100 * (double) (self->count - 1);
    size_t below = (size_t) rank;
    size_t above = below + 1 < self->count ? below + 1 : below;
    double part = rank - (double) below;
    return self->values[below] * (1 - part) + self->values[above] * part;
}

double
pt_series_median(pt_series_t *self)
{
    return pt_series_percentile(self, 50);
}

void
pt_series_clear(pt_series_t *self)
{
    free(self->values);
    *self = (pt_series_t) {0};
}

uint64_t
pt_bench_parse_number(struct argp_state *state, const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || *end || *text == '-' || errno)
        argp_error(state, "%s: '%s' is not a whole number", option, text);
    if (number < min || number > max)
        argp_error(state, "%s: %s is not in %llu to %llu", option, text, (unsigned long long) min,
                   (unsigned long long) max);
    return number;
}

error_t
pt_bench_parse_plain(const pt_plain_t *table, int key, char *arg, struct argp_state *state)
{
    while (table->key && table->key != key)
        table++;
    if (!table->key)
        return ARGP_ERR_UNKNOWN;
    char *place = (char *) state->input + table->at;
    switch (table->kind) {
    case PT_PLAIN_FLAG:
        *(bool *) place = true;
        break;
    case PT_PLAIN_TEXT:
        *(const char **) (void *) place = arg;
        break;
    case PT_PLAIN_NUMBER:
        *(unsigned *) (void *) place =
            (unsigned) pt_bench_parse_number(state, table->option, arg, table->min, table->max);
        break;
    case PT_PLAIN_LARGE:
        *(uint64_t *) (void *) place = pt_bench_parse_number(state, table->option, arg, table->min, table->max);
        break;
    }
    return 0;
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    pt_bench_options_t *options = state->input;
    switch (key) {
    case 'r':
        options->rounds = (unsigned) pt_bench_parse_number(state, "--rounds", arg, 1, 1000);
        options->rounds_given = true;
        return 0;
    case 's':
        options->is_short = true;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case 'n':
        options->no_progress = true;
        return 0;
    case ARGP_KEY_END:
        if (options->is_short && !options->rounds_given)
            options->rounds = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option s_options[] = {
    {0, 0, 0, 0, "Every bench:", 9},
    {"rounds", 'r', "N", 0, "rounds; each contender runs once in each, figures are medians", 9},
    {"short", 's', NULL, 0, "the shortest run that still checks all results; its figures mean nothing", 9},
    {"json", 'j', NULL, 0, "print one JSON object", 9},
    {"no-progress", 'n', NULL, 0, "no progress line on a terminal", 9},
    {0},
};

const struct argp pt_bench_argp = {.options = s_options, .parser = s_parse_option};

static bool
s_shows_progress(const pt_bench_options_t *options)
{
    return !options->no_progress && isatty(STDERR_FILENO);
}

void
pt_bench_progress(const pt_bench_options_t *options, const char *format, ...)
{
    if (!s_shows_progress(options))
        return;
    va_list args;
    va_start(args, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, args);
    fflush(stderr);
    va_end(args);
}

void
pt_bench_progress_end(const pt_bench_options_t *options)
{
    if (s_shows_progress(options))
        fputs("\r\033[K", stderr);
}
