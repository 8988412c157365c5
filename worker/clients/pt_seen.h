/*  pt_seen: the decisions of late, to tell a repeat from a new one.
 *
 *  Holds at least the last `window` keys, at most twice as many, in memory of one size; a key is 128
 *  bits of a hash, so that no new decision is ever taken for an old one. Nothing here knows what a
 *  repeat is: PROTOCOL.md, "Subscribers", says which fields make the key.
 */
#ifndef PT_SEEN_H
#define PT_SEEN_H

#include "pt_model.h"

#define PT_SEEN_WINDOW_DEFAULT (1024 * 1024)

typedef struct pt_seen pt_seen_t;

/*  NULL when out of memory. `window` from 1. */
pt_seen_t *pt_seen_new(size_t window);
void pt_seen_destroy(pt_seen_t **self_p);

/*  Whether the decision came on this topic before, within the window; from now on it did. */
bool pt_seen_add(pt_seen_t *self, pt_text_t topic, const pt_decision_t *decision);

#endif
