/*  pt_likeness: which entry an unknown code looks most like, for the person who is told of it. */
#ifndef PT_LIKENESS_H
#define PT_LIKENESS_H

#include <xxhash.h>

#include "pt_catalog.h"
#include "pt_decision_limits.h"

//  In larger catalogs no entry is looked for that an unknown code may have meant.
#define PT_LIKENESS_ENTRIES_MAX 100000

//  Remembered, by the key of their alert.
#define PT_LIKENESSES 256

//  What looked like an unknown code the last time. All zero: nothing yet.
typedef struct {
    XXH128_hash_t key;
    uint64_t catalog;
    size_t len; //  0: nothing did
    char nearest[PT_DECISION_ENTRY_BYTES_MAX];
} pt_likeness_t;

/*  The id of the entry whose code looks most like the decision's, of its gateway in `catalog`; absent: none does. `key`
 *  is that of the decision's alert: what was found for it before is remembered, until another one takes its place.
 *  The text lives in `likenesses`, until the next call.
 */
pt_text_t pt_likeness_find(pt_likeness_t likenesses[PT_LIKENESSES], const pt_catalog_t *catalog, XXH128_hash_t key,
                           const pt_decision_t *decision);

#endif
