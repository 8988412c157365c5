/*  pt_instructions: instructions of this thread, counted by the processor.
 *
 *  Many virtual machines have no counters, and some systems forbid them; then bench/instructions
 *  counts with valgrind instead.
 */
#ifndef PT_INSTRUCTIONS_H
#define PT_INSTRUCTIONS_H

#include <stdint.h>

/*  A descriptor, or -1 with errno where there is no such counter. */
int pt_instructions_open(void);

/*  Instructions in user space since it was opened. */
uint64_t pt_instructions_read(int fd);

#endif
