/*  learn: what `paytriage catalog learn` has seen, and the drafts that it makes of it. */
#ifndef PT_CMD_LEARN_H
#define PT_CMD_LEARN_H

#include "pt_catalog.h"

#include <stdio.h>

#define LEARN_CODES_MAX 10000 //  arbitrary: more are no codes but noise; the rest is counted
#define LEARN_SEEN_MAX 6

//  One unknown code of one gateway.
typedef struct {
    const pt_provider_t *provider;
    char *code, *message; //  the first message, NULL: none
    size_t front, back;   //  bytes that all messages share
    bool varies;
    uint64_t count, first; //  responses; the line or number of the first
    uint16_t statuses[LEARN_SEEN_MAX];
    size_t status_count;
    char *operations[LEARN_SEEN_MAX];
    size_t operation_count;
} learned_t;

#define LEARN_PLACES 32768 //  some three for each code, so that a look finds it soon

//  All that were seen. Begins as zeros, with the catalog set.
typedef struct {
    const pt_catalog_t *catalog;
    const pt_provider_t *provider; //  whose codes; NULL: any
    learned_t codes[LEARN_CODES_MAX];
    uint32_t places[LEARN_PLACES]; //  numbers of codes by their hash, from 1
    size_t count;
    uint64_t responses;
    uint64_t unknown; //  of these, with a code that no row knows
    uint64_t unfit;   //  of these, with a code that is no text
    uint64_t dropped; //  and with a code for which there is no place
    bool failed;      //  memory ran out
} learn_table_t;

/*  Note a decision; `number` is its line or its number in the journal. */
void learn_note(learn_table_t *self, const pt_decision_t *decision, uint64_t number);

/*  Order the codes by gateway as the catalog does, and then by how often they were seen; it ends the noting. */
void learn_sort(learn_table_t *self);

/*  Free what the table holds. */
void learn_clear(learn_table_t *self);

/*  Write an overlay with one entry for each code; they are all of one gateway, and there is at least one.
 *  `source` names the file or journal that they were seen in.
 */
void learn_draft(FILE *stream, const pt_catalog_t *catalog, const learned_t *codes, size_t count, const char *source);

#endif
