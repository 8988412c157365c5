/*  cmd_cases: the cases of `paytriage catalog test`, read from YAML.
 *
 *      tests:
 *        - name: insufficient funds wait for the payer
 *          at: 2026-11-22T03:00:00Z
 *          given: {provider: opn, operation: charge, http_status: 200, body: {failure_code: insufficient_fund}}
 *          expect: {route: dead_letter, action: change_instrument}
 *
 *  `given` holds the keys of a response, `expect` any keys of its decision. Unknown keys are faults:
 *  a mistyped key would expect nothing, and the case would pass.
 */
#ifndef PT_CMD_CASES_H
#define PT_CMD_CASES_H

#include "pt_read.h"

#include <jansson.h>

#define CMD_CASES_MAX 100000

//  2026-01-01T00:00:00Z, where a case gives no time: the same every day.
#define CMD_CASES_DEFAULT_MS UINT64_C(1767225600000)

typedef struct {
    pt_mark_t mark;
    char *name;
    uint64_t at_ms;          //  the clock
    json_t *given;           //  owned
    const pt_node_t *expect; //  a map
} cmd_case_t;

//  The cases of one file.
typedef struct {
    pt_source_t memory; //  names and file name
    pt_tree_t tree;
    cmd_case_t *cases;
    size_t count;
    const char *file;
} cmd_cases_t;

/*  Read one file's text. PT_OK; PT_E_SYNTAX, with faults; PT_E_NOMEM. Clear it either way. */
PT_MUST_CHECK pt_status_t cmd_cases_read(cmd_cases_t *self, const char *file, pt_bytes_t text, pt_faults_t *faults);

void cmd_cases_clear(cmd_cases_t *self);

/*  2026-11-22T03:00:00Z or with milliseconds, as unix ms. False where it is none. */
bool cmd_cases_time(pt_text_t text, uint64_t *out_ms);

/*  500ms, 30s, 5m, 1h, 1d as ms. False where it is none. */
bool cmd_cases_duration(pt_text_t text, uint64_t *out_ms);

#endif
