/*  pt_lag_reader: pt_lag_read on a thread of its own, for those who must not hang with the journal's disk.
 *
 *  Whoever begins to read the journal writes into its lock file, and on a file system that is frozen waits there until
 *  it thaws. Then only this thread does.
 */
#ifndef PT_LAG_READER_H
#define PT_LAG_READER_H

#include "pt_lag.h"

typedef struct pt_lag_reader pt_lag_reader_t;

/*  A reader of a journal that outlives it. NULL with errno: ENOMEM, or EAGAIN when the system gives no thread. */
pt_lag_reader_t *pt_lag_reader_new(pt_store_t *store);

/*  Waits for a reading that is under way. */
void pt_lag_reader_destroy(pt_lag_reader_t **self_p);

/*  Read anew, as pt_lag_read with room for PT_STORE_SUBSCRIBERS_MAX, and wait for it: at most patience_ms from its
 *  beginning, so that of many who ask while the disk hangs only the first one waits. 0 when it has not come back
 *  by then. For one thread at a time.
 */
size_t pt_lag_reader_read(pt_lag_reader_t *self, uint32_t patience_ms, pt_lag_t *out_lags);

/*  When the reading that is under way began, in ms of pt_clock_ns; 0: none is. From any thread. */
uint64_t pt_lag_reader_since_ms(pt_lag_reader_t *self);

#endif
