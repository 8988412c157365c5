/*  Loading for the commands: every way in which it fails, as words and an exit code. */
#include "cmd_catalog.h"

#include "pt_fault_text.h"

#include <stdlib.h>

void
cmd_catalog_add(struct argp_state *state, pt_load_options_t *options, char *path)
{
    if (options->path_count == PT_LOAD_PATHS_MAX)
        argp_error(state, "at most %d paths; a folder may hold more", PT_LOAD_PATHS_MAX);
    options->paths[options->path_count++] = path;
}

enum { KEY_NO_BUILTIN = 0x700 };

static const struct argp_option s_options[] = {
    {"no-builtin", KEY_NO_BUILTIN, 0, 0, "leave the built-in gateways out", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    pt_load_options_t *options = state->input;
    switch (key) {
    case KEY_NO_BUILTIN:
        options->without_builtin = true;
        return 0;
    case ARGP_KEY_ARG:
        cmd_catalog_add(state, options, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp s_argp = {.options = s_options, .parser = s_parse_option, .args_doc = "[PATH...]"};

const struct argp_child cmd_catalog_children[] = {{&s_argp, 0, NULL, 0}, {0}};

int
cmd_catalog_load(const pt_load_options_t *options, int faults_code, pt_load_t *out_load)
{
    pt_load_result_t result = pt_load(options, out_load);
    switch (result) {
    case PT_LOAD_OK:
        return EX_OK;
    case PT_LOAD_FAULTS:
        pt_faults_print(&out_load->faults, SIZE_MAX, stderr);
        return faults_code;
    case PT_LOAD_UNREADABLE:
        return cmd_fail(EX_NOINPUT, NULL, "%s", out_load->error);
    case PT_LOAD_REFUSED:
        return cmd_fail(EX_CONFIG, NULL, "%s", out_load->error);
    case PT_LOAD_NO_MEMORY:
        break;
    }
    return cmd_fail(EX_OSERR, NULL, "no memory for the catalog");
}

int
cmd_catalog_open(const pt_load_options_t *options, pt_load_t *out_load, const pt_catalog_t **out_catalog)
{
    *out_load = (pt_load_t) {0};
    *out_catalog = pt_catalog_builtin();
    if (options->path_count == 0)
        return EX_OK;
    int code = cmd_catalog_load(options, EX_CONFIG, out_load);
    *out_catalog = out_load->catalog;
    return code;
}

json_t *
cmd_catalog_fault_json(const pt_fault_t *fault)
{
    return json_pack("{ss sI sI ss ss ss*}", "file", fault->mark.file ? fault->mark.file : "catalog", "line",
                     (json_int_t) fault->mark.line, "column", (json_int_t) fault->mark.column, "severity",
                     fault->warning ? "warning" : "error", "id", fault->id, "text", fault->text);
}

json_t *
cmd_catalog_text_json(pt_text_t text)
{
    json_t *json = text.data ? json_stringn(text.data, text.len) : json_null();
    return json ? json : json_null(); //  bytes that are no UTF-8
}

void
cmd_catalog_print_json(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text)
        puts(text);
    else
        (void) cmd_fail(EX_OSERR, NULL, "no memory to print");
    free(text);
    json_decref(json);
}
