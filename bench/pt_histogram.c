#include "pt_histogram.h"

#include <assert.h>
#include <math.h>

//  Values below 2^STEP_BITS have a cell each; above, each power of two has 2^STEP_BITS cells.
static unsigned
s_cell_of(uint64_t value)
{
    if (value >> PT_HISTOGRAM_VALUE_BITS)
        return PT_HISTOGRAM_CELLS - 1;
    if (value < (1u << PT_HISTOGRAM_STEP_BITS))
        return (unsigned) value;
    unsigned shift = 63 - (unsigned) __builtin_clzll(value) - PT_HISTOGRAM_STEP_BITS;
    return ((shift + 1) << PT_HISTOGRAM_STEP_BITS) + (unsigned) ((value >> shift) - (1u << PT_HISTOGRAM_STEP_BITS));
}

//  The largest value of a cell.
static uint64_t
s_end_of(unsigned cell)
{
    if (cell < (1u << PT_HISTOGRAM_STEP_BITS))
        return cell;
    unsigned shift = (cell >> PT_HISTOGRAM_STEP_BITS) - 1;
    uint64_t step = (cell & ((1u << PT_HISTOGRAM_STEP_BITS) - 1)) + (1u << PT_HISTOGRAM_STEP_BITS);
    return ((step + 1) << shift) - 1;
}

void
pt_histogram_add(pt_histogram_t *self, uint64_t value)
{
    self->cells[s_cell_of(value)]++;
    self->count++;
    self->sum += (double) value;
    if (value > self->max)
        self->max = value;
}

void
pt_histogram_merge(pt_histogram_t *self, const pt_histogram_t *other)
{
    for (unsigned i = 0; i < PT_HISTOGRAM_CELLS; i++)
        self->cells[i] += other->cells[i];
    self->count += other->count;
    self->sum += other->sum;
    if (other->max > self->max)
        self->max = other->max;
}

uint64_t
pt_histogram_percentile(const pt_histogram_t *self, double percent)
{
    if (!self->count)
        return 0;
    uint64_t rank = (uint64_t) ceil(percent / 100 * (double) self->count);
    if (rank < 1)
        rank = 1;
    uint64_t seen = 0;
    for (unsigned i = 0; i < PT_HISTOGRAM_CELLS; i++) {
        seen += self->cells[i];
        if (seen >= rank)
            return s_end_of(i) < self->max ? s_end_of(i) : self->max;
    }
    return self->max;
}

bool
pt_histogram_write(const pt_histogram_t *self, double unit, FILE *file)
{
    assert(unit > 0);

    fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    uint64_t seen = 0;
    for (unsigned i = 0; i < PT_HISTOGRAM_CELLS; i++) {
        if (!self->cells[i])
            continue;
        seen += self->cells[i];
        uint64_t value = s_end_of(i) < self->max ? s_end_of(i) : self->max;
        double part = (double) seen / (double) self->count;
        fprintf(file, "%12.3f %2.12f %10llu", (double) value / unit, part, (unsigned long long) seen);
        if (seen < self->count)
            fprintf(file, " %14.2f", 1 / (1 - part));
        fputc('\n', file);
    }
    double mean = self->count ? self->sum / (double) self->count : 0;
    fprintf(file, "#[Mean    = %12.3f, Max     = %12.3f]\n", mean / unit, (double) self->max / unit);
    fprintf(file, "#[Total count    = %12llu]\n", (unsigned long long) self->count);
    return !ferror(file);
}
