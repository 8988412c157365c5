/*  pt_classify: three strings through the catalog's own table, as pt_catalog_lookup does it, up to the
 *  rows that answer.
 */
#ifndef PT_CLASSIFY_H
#define PT_CLASSIFY_H

#include "pt_joined.h"
#include "pt_phash.h"

/*  The table of the built-in catalog. */
const pt_phash_t *pt_classify_table(void);

/*  The group of rows that answers, or PT_KEY_NONE for a code that no row knows. */
static inline uint32_t
pt_classify(const pt_phash_t *table, const pt_triple_t *triple)
{
    //  Gateways and operations are known ones, so their branches are foreseen; codes come as they come.
    const pt_slot_t *found = pt_phash_find(table, PT_SPACE_PROVIDER, 0, triple->provider);
    if (!found)
        return PT_KEY_NONE;
    uint16_t provider = (uint16_t) found->values[PT_SLOT_OPERATIONS];
    found = pt_phash_find(table, PT_SPACE_OPERATION, provider, triple->operation);
    uint16_t operation = found ? (uint16_t) found->values[PT_SLOT_OPERATIONS] : PT_OPERATION_OTHER;
    uint32_t miss;
    const pt_slot_t *slot = pt_phash_probe(table, PT_SPACE_CODE, provider, triple->code, &miss);
    unsigned pick = pt_slot_pick(slot, operation);
    if (pt_slot_has_more(slot) && !miss && pick == PT_SLOT_OPERATIONS && operation != PT_OPERATION_OTHER) {
        uint32_t more = pt_phash_value(table, (pt_space_t) (PT_SPACE_CODE + PT_SPACE_MORE), operation, triple->code);
        if (more != PT_PHASH_NONE)
            return more;
    }
    return slot->values[pick] | miss;
}

#endif
