/*  paytriage catalog lint: all faults at once. They are the answer, so they go to stdout. */
#include "cmd_catalog.h"

#include "pt_fault_text.h"
#include "pt_lint.h"

#include <string.h>

typedef struct {
    pt_load_options_t load;
    bool deny_warnings;
    bool as_json;
} lint_options_t;

enum { KEY_DENY = 0x100, KEY_FORMAT };

static const struct argp_option s_options[] = {
    {"deny-warnings", KEY_DENY, 0, 0, "end with 1 for warnings too", 0},
    {"format", KEY_FORMAT, "FORMAT", 0, "gcc (default) or json", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    lint_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->load;
        break;
    case KEY_DENY:
        options->deny_warnings = true;
        break;
    case KEY_FORMAT:
        options->as_json = strcmp(arg, "json") == 0;
        if (!options->as_json && strcmp(arg, "gcc") != 0)
            argp_error(state, "--format: '%s' is not gcc or json", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc = "Check catalog YAML and report everything that is wrong or doubtful, each fault with its place and id.\v"
           "Without a PATH the built-in gateways are checked. 'paytriage explain PT1010' tells what an id means and "
           "what to do.\n\n"
           "Examples:\n"
           "  paytriage catalog lint acme.yaml\n"
           "  paytriage catalog lint --deny-warnings /etc/paytriage/catalog\n\n"
           "Exit: 0 no errors, 1 errors (or warnings with --deny-warnings), 66 no such file, 78 an image was given.",
    .children = cmd_catalog_children};

//  What is doubtful in the built-in files is not the business of somebody who adds to them.
static void
s_keep_own(pt_faults_t *faults, const lint_options_t *options)
{
    size_t kept = 0;
    for (size_t i = 0; i < faults->count; i++) {
        const pt_fault_t *fault = &faults->faults[i];
        bool is_builtin = fault->mark.file && strncmp(fault->mark.file, "builtin/", strlen("builtin/")) == 0;
        if (!is_builtin || !fault->warning || options->load.path_count == 0)
            faults->faults[kept++] = *fault;
    }
    faults->count = kept;
}

static void
s_print(const pt_load_t *load, const lint_options_t *options)
{
    const pt_faults_t *faults = &load->faults;
    if (!options->as_json) {
        pt_faults_print(faults, SIZE_MAX, stdout);
        return;
    }
    json_t *list = json_array();
    size_t warnings = 0;
    for (size_t i = 0; i < faults->count; i++) {
        json_array_append_new(list, cmd_catalog_fault_json(&faults->faults[i]));
        warnings += faults->faults[i].warning;
    }
    cmd_catalog_print_json(json_pack("{so sI sI}", "faults", list, "errors", (json_int_t) faults->errors, "warnings",
                                     (json_int_t) warnings));
}

int
cmd_catalog_lint(int argc, char **argv)
{
    lint_options_t options = {.load.yaml_only = true};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);

    pt_load_t load;
    pt_load_result_t result = pt_load(&options.load, &load);
    int code = EX_OK;
    if (result == PT_LOAD_UNREADABLE)
        code = cmd_fail(EX_NOINPUT, NULL, "%s", load.error);
    else if (result == PT_LOAD_REFUSED)
        code = cmd_fail(EX_CONFIG, NULL, "%s", load.error);
    else if (result == PT_LOAD_NO_MEMORY)
        code = cmd_fail(EX_OSERR, NULL, "no memory for the catalog");
    else {
        if (result == PT_LOAD_OK)
            pt_lint(&load.source, load.catalog, &load.faults);
        s_keep_own(&load.faults, &options);
        s_print(&load, &options);
        bool is_refused = load.faults.errors || (options.deny_warnings && load.faults.count);
        int flushed = cmd_flush();
        code = is_refused ? CMD_EXIT_NO : flushed;
    }
    pt_load_clear(&load);
    return code;
}
