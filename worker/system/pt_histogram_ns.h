/*  pt_histogram_ns: how long something took, in the few classes that a monitoring system wants.
 *
 *  One thread writes; others read a copy that it gives them.
 */
#ifndef PT_HISTOGRAM_NS_H
#define PT_HISTOGRAM_NS_H

#include <stddef.h>
#include <stdint.h>

#define PT_HISTOGRAM_NS_BOUNDS 15

//  Upper bounds of the classes in ns, from 100 µs to 10 s in steps of about two and a half; the last
//  class, beyond them, is open.
extern const uint64_t pt_histogram_ns_bounds[PT_HISTOGRAM_NS_BOUNDS];

typedef struct {
    uint64_t counts[PT_HISTOGRAM_NS_BOUNDS + 1]; //  each class alone
    uint64_t sum_ns;
} pt_histogram_ns_t;

/*  The class of a time: 0 to PT_HISTOGRAM_NS_BOUNDS. A bound belongs to the class below it. */
size_t pt_histogram_ns_class(uint64_t ns);

/*  Count one time. */
void pt_histogram_ns_add(pt_histogram_ns_t *self, uint64_t ns);

/*  Monotonic clock. */
uint64_t pt_clock_ns(void);

#endif
