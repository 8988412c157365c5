/*  cmd_learn: what `paytriage catalog learn` has seen, and the drafts that it makes of it. */
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

/*  Write an overlay with one entry for each code; they are all of one gateway, and there is at least one.
 *  `source` names the file or journal that they were seen in.
 */
void learn_draft(FILE *stream, const pt_catalog_t *catalog, const learned_t *codes, size_t count, const char *source);

#endif
