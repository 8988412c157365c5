/*  pt_allocations: how often this process asked for memory.
 *
 *  Linking it replaces malloc, calloc and realloc by glibc's own behind a counter. Sanitizers
 *  replace them too, so there it counts nothing and says so.
 */
#ifndef PT_ALLOCATIONS_H
#define PT_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

bool pt_allocations_are_counted(void);

/*  By this thread, since it started. */
uint64_t pt_allocations_count(void);

#endif
