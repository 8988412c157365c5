/*  pt_publisher: one actor that publishes.
 *
 *  It takes jobs from its `jobs` endpoint, gives them to the outlet, and hands them to `next`.
 */
#ifndef PT_PUBLISHER_H
#define PT_PUBLISHER_H

#include "pt_outlet.h"

typedef struct {
    pt_outlet_t *outlet; //  the actor's own from then on
    bool is_durable;     //  what jobs hold is in the journal
    const char *jobs;    //  inproc endpoint to bind: a PULL of jobs
    const char *next;    //  inproc endpoint, bound by the next stage
} pt_publisher_options_t;

/*  Start. NULL with errno when out of memory or sockets; the outlet is then still the caller's. Stop it with
 *  zactor_destroy: durable jobs that wait are published before it ends.
 */
zactor_t *pt_publisher_new(const pt_publisher_options_t *options);

#endif
