/*  documented: the rows of the gateways' documents, as tabulated in documented/GATEWAY.tsv.
 *
 *  Columns: operation, code, message (as it stands on the wire; empty: none), http_status,
 *  category, outcome, action, route, source_line, note. Lines that start with '#' and the line of
 *  the columns' names are no rows.
 */
#ifndef PT_TEST_DOCUMENTED_H
#define PT_TEST_DOCUMENTED_H

#include "pt_model.h"

#define DOCUMENTED_ROWS_MAX 256

typedef struct {
    unsigned line; //  in the table, from 1
    char *operation;
    char *code;
    char *message;
    unsigned http_status;
    char *category;
    char *outcome;
    char *action;
    char *route;
    unsigned source_line; //  in the gateway's document
} documented_row_t;

typedef struct {
    char *text; //  owns what the rows point into
    documented_row_t rows[DOCUMENTED_ROWS_MAX];
    size_t count;
} documented_t;

/*  Read documented/GATEWAY.tsv. NULL, and a line on stderr, when there is no such table or it is
 *  not one; otherwise documented_destroy releases it.
 */
documented_t *documented_read(const char *gateway);
void documented_destroy(documented_t **self_p);

#endif
