/*  pt_group: from the rows of one key to what its slot answers.
 *
 *  A key (a code, a marker, an HTTP status or class of one gateway) has one group of patterns for
 *  each operation that its rows name, and one for any other operation.
 *
 *  -  An operation's group holds the rows written for it and those written for any operation. Its
 *     own entry is the row without message for it, else its only row; else the group for any other
 *     operation answers.
 *  -  The group for any other operation holds the rows of all operations, so that a response which
 *     names none is still told apart by its message. Its own entry is the row without message and
 *     operation; else the only row; else the one row without message that names every operation
 *     that the rows name. A code without such a row is at fault; a marker or an HTTP status without a
 *     row for any operation answers only for the operations that its rows name.
 *  -  Patterns stand in the order in which they are asked: literal texts, more literal bytes, fewer
 *     holes, with a subcode before without, written for the operation before written for any. Where
 *     rows of several operations still tie, the stricter goes first: what stops for a person or
 *     a final answer, then what queries, then what resubmits, then what settles.
 *  -  Two rows that share an operation and give one message equal rank are at fault.
 */
#ifndef PT_GROUP_H
#define PT_GROUP_H

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

//  One entry under one of its keys.
typedef struct {
    const pt_meaning_t *meaning;
    pt_text_t key;
    pt_space_t space;
} pt_row_t;

/*  Put the message of an entry into the image, and make what its rows need. NULL, with a fault,
 *  when the message cannot be a template or takes no place in this kind of entry; NULL also once the
 *  draft has failed. `operations` and what is returned live until pt_draft_forget.
 */
const pt_meaning_t *pt_meaning_new(pt_draft_t *draft, pt_faults_t *faults, const pt_source_entry_t *source,
                                   uint32_t entry, const uint16_t *operations, size_t operation_count);

/*  Add the groups and the keys of rows[0..count), which share key and space. What is wrong with them
 *  goes into the faults.
 */
void pt_group_add(pt_draft_t *draft, pt_faults_t *faults, uint16_t provider, const pt_row_t *rows, size_t count);

#ifdef __cplusplus
}
#endif
#endif
