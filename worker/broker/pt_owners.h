/*  pt_owners: which party speaks for which producer id, as long as a broker runs.
 *
 *  The first party that sends under an id owns it; nobody else's batches are taken under it, because they
 *  could use up its numbers. Bounded: of ids that share a place, the one that was silent for longest goes.
 */
#ifndef PT_OWNERS_H
#define PT_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

//  Ids remembered at most; 24 bytes each.
#define PT_OWNERS_MAX 16384

typedef struct pt_owners pt_owners_t;

/*  NULL when out of memory. */
pt_owners_t *pt_owners_new(void);
void pt_owners_destroy(pt_owners_t **self_p);

/*  Whether this party, named by the authenticator, may send under the id; from now on it may if nobody did
 *  before. Never allocates.
 */
bool pt_owners_claim(pt_owners_t *self, uint64_t producer, const char *party);

#endif
