/*  pt_phash_parts: what the perfect hash's files share; for pt_phash*.c only. */
#ifndef PT_PHASH_PARTS_H
#define PT_PHASH_PARTS_H

#include "pt_phash.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  What a key of 1 to PT_PHASH_KEY_BYTES_MAX bytes is hashed and compared by: its text, or `room`, if that is long or
 *  may not be read on. A long one has no pool offset yet, for which the low half of room[1] is free.
 */
pt_key_t pt_phash_make_key(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text,
                           uint64_t room[PT_PHASH_WORDS]);

//  The hashes of all keys, bucket by bucket.
typedef struct {
    uint32_t *starts; //  of each bucket; one more than buckets
    uint64_t *hashes; //  in each bucket in rising order
} pt_phash_buckets_t;

static inline uint32_t
pt_phash_bucket_size(const pt_phash_buckets_t *self, uint32_t bucket)
{
    return self->starts[bucket + 1] - self->starts[bucket];
}

/*  Find a displacement for each bucket of a table whose slots, range and displacement_max are chosen. PT_E_RANGE: not
 *  with its seed; PT_E_NOMEM.
 */
pt_status_t pt_phash_place(const pt_phash_t *table, const pt_phash_buckets_t *buckets, uint32_t *out_displacements);

#ifdef __cplusplus
}
#endif
#endif
