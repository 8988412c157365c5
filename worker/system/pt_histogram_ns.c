/*  Classes that are fixed can be summed over workers and over time, which quantiles cannot. */
#include "pt_histogram_ns.h"

#include <assert.h>
#include <time.h>

#define S_US UINT64_C(1000)
#define S_MS UINT64_C(1000000)
#define S_S UINT64_C(1000000000)

const uint64_t pt_histogram_ns_bounds[PT_HISTOGRAM_NS_BOUNDS] = {
    100 * S_US, 250 * S_US, 500 * S_US, S_MS,       2500 * S_US, 5 * S_MS, 10 * S_MS, 25 * S_MS,
    50 * S_MS,  100 * S_MS, 250 * S_MS, 500 * S_MS, S_S,         5 * S_S,  10 * S_S,
};

size_t
pt_histogram_ns_class(uint64_t ns)
{
    size_t class = 0;
    while (class < PT_HISTOGRAM_NS_BOUNDS && ns > pt_histogram_ns_bounds[class])
        class ++;
    return class;
}

void
pt_histogram_ns_add(pt_histogram_ns_t *self, uint64_t ns)
{
    assert(self);

    self->counts[pt_histogram_ns_class(ns)]++;
    self->sum_ns += ns;
}

uint64_t
pt_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * S_S + (uint64_t) now.tv_nsec;
}
