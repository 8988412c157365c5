/*  Places of eight ids each, found by hash. */
#include "pt_owners.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define S_WAYS 8
#define S_PLACES (PT_OWNERS_MAX / S_WAYS)

typedef struct {
    uint64_t producer;
    uint64_t party; //  hash of its name
    uint64_t heard; //  when, in claims; 0: free
} s_owner_t;

struct pt_owners {
    s_owner_t places[S_PLACES][S_WAYS];
    uint64_t clock;
};

pt_owners_t *
pt_owners_new(void)
{
    return calloc(1, sizeof(pt_owners_t));
}

void
pt_owners_destroy(pt_owners_t **self_p)
{
    assert(self_p);

    free(*self_p);
    *self_p = NULL;
}

bool
pt_owners_claim(pt_owners_t *self, uint64_t producer, const char *party)
{
    assert(self);
    assert(party);

    uint64_t name = XXH3_64bits(party, strlen(party));
    s_owner_t *place = self->places[XXH3_64bits(&producer, sizeof(producer)) % S_PLACES];
    s_owner_t *oldest = place;
    self->clock++;
    for (size_t i = 0; i < S_WAYS; i++) {
        if (place[i].heard && place[i].producer == producer) {
            bool owned = place[i].party == name;
            if (owned)
                place[i].heard = self->clock;
            return owned;
        }
        if (place[i].heard < oldest->heard)
            oldest = &place[i];
    }
    *oldest = (s_owner_t) {.producer = producer, .party = name, .heard = self->clock};
    return true;
}
