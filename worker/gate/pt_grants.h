/*  pt_grants: who may come in as what, as the folder clients/ says it.
 *
 *  A file clients/ROLE/NAME.key gives its key a role. An admin may do what a producer and a subscriber
 *  may. The party's own key may do everything: who has its secret is this party. Built from the files
 *  and never changed; after a change another one is built.
 */
#ifndef PT_GRANTS_H
#define PT_GRANTS_H

#include "pt_curve.h"

#define PT_GRANTS_MAX 4096
#define PT_GRANTS_NAME_BYTES_MAX 63

typedef struct {
    uint8_t key[32];
    pt_party_t role;
    bool is_own;
    char name[PT_GRANTS_NAME_BYTES_MAX + 1]; //  the file's, without .key; "own" for the party's own
} pt_grant_t;

typedef struct pt_grants pt_grants_t;

//  Told of each file or folder that cannot be used. Its key, or all keys in it, stay outside, unless the text says that
//  they go on to hold.
typedef void(pt_grants_fault_fn)(void *context, const char *text);

/*  Read the folder's clients/. A missing folder is an empty one. What could not be looked at, for want of descriptors
 *  or where a disk does not answer, has not been taken away: it is as in `before`, unless its file is known to be
 *  gone; all else is as it is now. NULL with errno when out of memory, or when `before` is NULL and something could
 *  not be looked at.
 */
pt_grants_t *pt_grants_load(const pt_curve_t *curve, const pt_grants_t *before, pt_grants_fault_fn *fault,
                            void *context);
void pt_grants_destroy(pt_grants_t **self_p);

size_t pt_grants_count(const pt_grants_t *self);

/*  What lets this key into a domain; NULL: nothing. */
const pt_grant_t *pt_grants_admit(const pt_grants_t *self, const uint8_t key[32], pt_party_t domain);

/*  Any grant of this key, to name whom a refusal met; NULL: the key is not known at all. */
const pt_grant_t *pt_grants_know(const pt_grants_t *self, const uint8_t key[32]);

/*  Whether some key that `self` admits into the domain is not admitted by `next` any more. */
bool pt_grants_lost(const pt_grants_t *self, const pt_grants_t *next, pt_party_t domain);

//  Told of each key that is not known any more.
typedef void(pt_grants_gone_fn)(void *context, const uint8_t key[32]);

/*  Tell of the keys that `self` knows and `next` does not. */
void pt_grants_compare(const pt_grants_t *self, const pt_grants_t *next, pt_grants_gone_fn *gone, void *context);

#endif
