/*  cmd_catalog: which catalog a command works with, and the verbs of `paytriage catalog`. */
#ifndef PT_CMD_CATALOG_H
#define PT_CMD_CATALOG_H

#include "cmd.h"

#include "pt_load.h"

#include <jansson.h>

//  The verbs; argv[0] is "paytriage catalog VERB".
cmd_main_t cmd_catalog_lint, cmd_catalog_compile, cmd_catalog_show, cmd_catalog_stats, cmd_catalog_diff,
    cmd_catalog_test, cmd_catalog_learn, cmd_catalog_fmt;

/*  Add a path of --catalog or of a verb, or end the program with argp_error when there are too many. */
void cmd_catalog_add(struct argp_state *state, pt_load_options_t *options, char *path);

/*  The children of a verb that works on a whole catalog: its PATHs, and --no-builtin. Their input, which the verb's
 *  parser sets at ARGP_KEY_INIT, is a pt_load_options_t.
 */
extern const struct argp_child cmd_catalog_children[];

/*  Load. EX_OK, or an exit code after what is wrong was printed to stderr: faults as lines, else one
 *  line. Clear the load either way. `faults_code` is the exit code for YAML at fault.
 */
int cmd_catalog_load(const pt_load_options_t *options, int faults_code, pt_load_t *out_load);

/*  As above for commands that only use a catalog: without paths the built-in one, else the load's.
 *  Faulty YAML and a refused image give EX_CONFIG.
 */
int cmd_catalog_open(const pt_load_options_t *options, pt_load_t *out_load, const pt_catalog_t **out_catalog);

/*  A fault as an object: file, line, column, severity, id, text. */
json_t *cmd_catalog_fault_json(const pt_fault_t *fault);

/*  A text as JSON, null where it is absent. */
json_t *cmd_catalog_text_json(pt_text_t text);

/*  Print a value and its newline, and release it. */
void cmd_catalog_print_json(json_t *json);

#endif
