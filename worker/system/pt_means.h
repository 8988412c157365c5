/*  pt_means: whether the system gives what libzmq and CZMQ take without asking.
 *
 *  Both assert where a descriptor, a thread or memory is refused. Limits of a process are set by people, and
 *  deserve an answer; so whoever is about to make sockets asks here first.
 */
#ifndef PT_MEANS_H
#define PT_MEANS_H

#include <stddef.h>

#include "pt_status.h"

/*  Whether this many more descriptors can be had now. PT_OK, or PT_E_IO with errno EMFILE or ENFILE. */
PT_MUST_CHECK pt_status_t pt_means_descriptors(unsigned count);

/*  Whether this many threads can run at once, beside those that there are. PT_OK, or PT_E_IO with errno ENOMEM:
 *  no thread, or no room for its stack. The C library keeps their stacks for the threads that come next.
 */
PT_MUST_CHECK pt_status_t pt_means_threads(unsigned count);

/*  Whether this much memory can be had in one piece. PT_OK, or PT_E_IO with errno ENOMEM. */
PT_MUST_CHECK pt_status_t pt_means_memory(size_t bytes);

#endif
