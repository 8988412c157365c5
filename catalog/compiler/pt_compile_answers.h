/*  pt_compile_answers: one entry while it is read. Internal to pt_compile_entry.c and pt_compile_answers.c. */
#ifndef PT_COMPILE_ANSWERS_H
#define PT_COMPILE_ANSWERS_H

#include "pt_compile_parts.h"

typedef struct {
    const pt_unit_t *unit;
    pt_source_entry_t entry;
    size_t answers_to; //  how many of code, status and http stand there
    char *slug;
    char *id; //  given whole, after the gateway; NULL: made of operation, code and slug
    size_t hole_count;
    pt_settings_t own;
} pt_row_t;

//  Readers of the keys that say what the row answers to, in the order in which they need each other; target is the
//  pt_row_t.
void pt_row_read_code(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_status(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_http(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_also(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_operation(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_message(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_subcode(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_row_read_trailing_stop(pt_reader_t *reader, const pt_node_t *node, void *target);

/*  Whether the row answers to a code; else `key`, which refines how one is matched, is a fault: it means nothing for a
 *  status or an HTTP class.
 */
bool pt_row_require_code(pt_reader_t *reader, const pt_node_t *node, const pt_row_t *row, const char *key);

#endif
