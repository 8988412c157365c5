/*  pt_bench: what the bench tools share: a clock, medians, a repeatable dice, common options.
 *
 *  Every tool measures in rounds. In each round every contender runs once, so that a machine that
 *  slows down or speeds up does so for all of them; what is printed is the median over the rounds,
 *  and ratios are taken within a round before their median is.
 */
#ifndef PT_BENCH_H
#define PT_BENCH_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  Monotonic time. */
uint64_t pt_bench_now_ns(void);

/*  What two readings of the clock cost, to be taken off what they enclose: the least of many. */
uint64_t pt_bench_clock_cost_ns(void);

//  xorshift: the same stream of numbers in every run, so that all runs measure the same thing.
typedef struct {
    uint64_t state;
} pt_dice_t;

void pt_dice_init(pt_dice_t *self, uint64_t seed);
uint64_t pt_dice_roll(pt_dice_t *self);
/*  0 to bound - 1. */
uint64_t pt_dice_below(pt_dice_t *self, uint64_t bound);
/*  0 to just under 1. */
double pt_dice_unit(pt_dice_t *self);

//  Measured values. Zero it to start; grows as needed.
typedef struct {
    double *values;
    size_t count;
    size_t capacity;
} pt_series_t;

void pt_series_add(pt_series_t *self, double value);
/*  The value below which `percent` of them lie; sorts the series. NAN when it is empty. */
double pt_series_percentile(pt_series_t *self, double percent);
double pt_series_median(pt_series_t *self);
void pt_series_clear(pt_series_t *self);

/*  Memory, or one line on stderr and exit 71: a bench without its memory has no result. */
void *pt_bench_alloc(size_t bytes);

//  Options that every tool has.
typedef struct {
    unsigned rounds; //  1 with --short, unless it is given
    bool rounds_given;
    bool is_short; //  the shortest run whose results are still checked; its figures mean nothing
    bool json;
    bool no_progress;
} pt_bench_options_t;

//  A child for argp; its input is a pt_bench_options_t.
extern const struct argp pt_bench_argp;

/*  A whole number of min to max, or argp_error: "--rounds: 0 is not in 1 to 1000". */
uint64_t pt_bench_parse_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
                               uint64_t max);

//  An option whose argument goes to its place as it is.
typedef enum {
    PT_PLAIN_FLAG,   //  bool: it was given
    PT_PLAIN_TEXT,   //  const char *: the argument itself
    PT_PLAIN_NUMBER, //  unsigned, of min to max
    PT_PLAIN_LARGE,  //  uint64_t, of min to max
} pt_plain_kind_t;

typedef struct {
    int key; //  0: the end of the table
    pt_plain_kind_t kind;
    size_t at;          //  offset in the tool's options
    const char *option; //  "--batch"; of numbers
    uint64_t min, max;
} pt_plain_t;

/*  Do what a tool's parser does with one of these options; `state->input` is its options. ARGP_ERR_UNKNOWN: the table
 *  does not name `key`. Ends the program like pt_bench_parse_number.
 */
error_t pt_bench_parse_plain(const pt_plain_t *table, int key, char *arg, struct argp_state *state);

/*  One line on a terminal's stderr, written over the last one; nothing elsewhere. */
void pt_bench_progress(const pt_bench_options_t *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void pt_bench_progress_end(const pt_bench_options_t *options);

#endif
