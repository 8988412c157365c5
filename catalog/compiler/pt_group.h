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

#include "pt_meaning.h"

#ifdef __cplusplus
extern "C" {
#endif

//  One entry under one of its keys.
typedef struct {
    const pt_meaning_t *meaning;
    pt_text_t key;
    pt_space_t space;
} pt_row_t;

/*  Put into the faults each two of rows[0..count), which share key and space, that cannot be told apart. */
void pt_group_check(pt_faults_t *faults, const pt_row_t *rows, size_t count);

/*  Add the groups and the keys of rows[0..count), which share key and space. What is wrong with them
 *  goes into the faults.
 */
void pt_group_add(pt_draft_t *draft, pt_faults_t *faults, uint16_t provider, const pt_row_t *rows, size_t count);

#ifdef __cplusplus
}
#endif
#endif
