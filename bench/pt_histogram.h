/*  pt_histogram: how often each latency was seen, in constant memory.
 *
 *  Log-linear: 64 steps between powers of two, so a value is known within 1.6 %, from 1 ns to half
 *  a minute. Larger values count as the largest.
 */
#ifndef PT_HISTOGRAM_H
#define PT_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PT_HISTOGRAM_STEP_BITS 6
#define PT_HISTOGRAM_VALUE_BITS 35 //  34 s in ns
#define PT_HISTOGRAM_CELLS ((PT_HISTOGRAM_VALUE_BITS - PT_HISTOGRAM_STEP_BITS + 1) << PT_HISTOGRAM_STEP_BITS)

//  Zero it to start.
typedef struct {
    uint64_t cells[PT_HISTOGRAM_CELLS];
    uint64_t count;
    uint64_t max;
    double sum;
} pt_histogram_t;

void pt_histogram_add(pt_histogram_t *self, uint64_t value);

/*  Add what another one counted. */
void pt_histogram_merge(pt_histogram_t *self, const pt_histogram_t *other);

/*  The value that `percent` of all do not exceed: the upper end of its step. 0 when empty. */
uint64_t pt_histogram_percentile(const pt_histogram_t *self, double percent);

/*  Write the percentile distribution that HdrHistogram's plotters read (.hgrm), values divided by
 *  `unit`. False when writing failed.
 */
bool pt_histogram_write(const pt_histogram_t *self, double unit, FILE *file);

#endif
