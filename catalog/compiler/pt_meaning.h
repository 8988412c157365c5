/*  pt_meaning: what an entry brings to each key that it answers to: its message as a template, its operations. */
#ifndef PT_MEANING_H
#define PT_MEANING_H

#include "pt_draft.h"
#include "pt_template.h"

#ifdef __cplusplus
extern "C" {
#endif

//  What an entry brings to each key that it answers to.
typedef struct {
    const pt_source_entry_t *source;
    uint32_t entry;               //  index in the image
    const uint16_t *operations;   //  ids, each once
    size_t operation_count;       //  0: any operation
    const pt_template_t *message; //  NULL: none
    uint32_t first_piece;         //  of the message, in the image
} pt_meaning_t;

/*  Put the message of an entry into the image, and make what its rows need. NULL, with a fault,
 *  when the message cannot be a template or takes no place in this kind of entry; NULL also once the
 *  draft has failed. `operations` and what is returned live until pt_draft_forget.
 */
const pt_meaning_t *pt_meaning_new(pt_draft_t *draft, pt_faults_t *faults, const pt_source_entry_t *source,
                                   uint32_t entry, const uint16_t *operations, size_t operation_count);

/*  Whether the entry was written for this operation. */
bool pt_meaning_names(const pt_meaning_t *meaning, uint16_t operation);

#ifdef __cplusplus
}
#endif
#endif
