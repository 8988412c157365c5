/*  pt_lag: how far the subscribers that a journal knows are behind it. */
#ifndef PT_LAG_H
#define PT_LAG_H

#include "pt_store.h"

typedef struct {
    char name[PT_STORE_NAME_BYTES_MAX + 1];
    bool durable;
    uint64_t behind;  //  decisions that are kept and that it has not acknowledged
    uint64_t seen_ms; //  unix ms of its last request
} pt_lag_t;

/*  Read at most `room` subscribers, in the order of their names; how many there were. From any thread;
 *  each is read in a view of its own, so that pages are held for short. What cannot be read is left out.
 */
size_t pt_lag_read(pt_store_t *store, pt_lag_t *out_lags, size_t room);

#endif
