/*  pt_report: one bench run's results, printed as text or as JSON.
 *
 *  Both come from the same values. Machine and build stand first, because figures without them say
 *  nothing; then what was run, then the tables.
 *
 *      {"tool": …, "machine": {…}, "build": {…}, "run": {…}, "tables": {KEY: [{…}]}, "notes": […]}
 */
#ifndef PT_REPORT_H
#define PT_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "pt_bench.h"

typedef struct pt_report pt_report_t;
typedef struct pt_table pt_table_t;

//  A column: key in JSON, heading in text, digits after the point; PT_COLUMN_TEXT is text.
#define PT_COLUMN_TEXT (-1)
typedef struct {
    const char *key;
    const char *heading;
    int decimals;
} pt_column_t;

/*  A report that knows machine and build. */
pt_report_t *pt_report_new(const char *tool);
void pt_report_destroy(pt_report_t **self_p);

/*  What was run: shown as `key: value`. Takes the value. */
void pt_report_run(pt_report_t *self, const char *key, json_t *value);

/*  The same for a whole number. */
void pt_report_count(pt_report_t *self, const char *key, uint64_t count);

/*  A remark that a reader needs: a contender that was skipped and why. */
void pt_report_note(pt_report_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*  Add a table; columns end with a key of NULL and outlive the report. The report owns it. */
pt_table_t *pt_report_table(pt_report_t *self, const char *key, const char *title, const pt_column_t *columns);

/*  Add a row; its cells are filled by the two below. A cell that is never filled, or filled with a
 *  number that is not finite, is absent: null in JSON, `-` in text.
 */
json_t *pt_table_row(pt_table_t *self);
void pt_row_text(json_t *row, const char *key, const char *text);
void pt_row_number(json_t *row, const char *key, double number);

/*  Print to stdout. False when that failed. */
bool pt_report_print(const pt_report_t *self, bool as_json);

/*  The end of a tool: no more progress, print as the options say, and release the report. Returns the exit code: 0, or
 *  EX_IOERR when printing failed.
 */
int pt_report_finish(pt_report_t **self_p, const pt_bench_options_t *options);

#endif
