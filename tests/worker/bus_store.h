/*  bus_store: the set-up of tests that need sockets and a journal together. */
#ifndef BUS_STORE_H
#define BUS_STORE_H

#include "bus.h"
#include "store.h"

static inline int
bus_store_setup(void **state)
{
    return bus_setup(state) || store_setup(state);
}

static inline int
bus_store_teardown(void **state)
{
    //  Both, whatever becomes of the first.
    int stored = store_teardown(state);
    return bus_teardown(state) || stored;
}

#endif
