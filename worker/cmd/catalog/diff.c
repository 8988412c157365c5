/*  paytriage catalog diff: what another catalog would decide differently, and whether that is riskier. */
#include "diff.h"

#include <string.h>

enum { KEY_REPLAY = 0x100, KEY_RISKY, KEY_SAMPLES };

static const struct argp_option s_options[] = {
    {"replay", KEY_REPLAY, "PATH", 0,
     "decide recorded responses under both instead: a file of JSON lines, or a journal's directory", 0},
    {"samples", KEY_SAMPLES, "N", 0, "with --replay, responses named for each move (default 3)", 0},
    {"risky", KEY_RISKY, 0, 0, "only show what became riskier", 0},
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {"color", 'C', "WHEN", 0, "auto (default), always or never", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    cmd_diff_options_t *options = state->input;
    switch (key) {
    case KEY_REPLAY:
        options->replay = arg;
        break;
    case KEY_SAMPLES:
        options->samples = cmd_number(state, "--samples", arg, 0, CMD_DIFF_SAMPLES_MAX);
        options->samples_given = true;
        break;
    case KEY_RISKY:
        options->risky = true;
        break;
    case 'o':
        options->output = cmd_output(state, arg);
        break;
    case 'C':
        options->color = cmd_color(state, arg);
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_error(state, "two catalogs: OLD and NEW; a folder may stand for several files");
        options->paths[state->arg_num] = arg;
        break;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "which two catalogs?");
        if (options->samples_given && !options->replay)
            argp_error(state, "--samples names responses of --replay, and there is none");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .args_doc = "OLD NEW",
    .doc = "What NEW decides differently from OLD, and where that is riskier.\v"
           "OLD and NEW are each an image, a YAML file, a folder of YAML, or the word builtin. Both are asked "
           "about every code, status and HTTP class of either, with each message, for each operation, "
           "idempotent and not. RISK marks a dead letter that is retried, what was asked about and is sent "
           "again, what was open and counts as done, and alerts that are gone.\n\n"
           "Examples:\n"
           "  paytriage catalog diff builtin our-opn.yaml\n"
           "  paytriage catalog diff running.ptc new.ptc --replay yesterday.jsonl\n\n"
           "Exit: 0 equal, 1 different, 66 no such file, 78 a catalog is at fault."};

static int
s_open(char *path, pt_load_t *load, const pt_catalog_t **out_catalog)
{
    pt_load_options_t options = {.paths = {path}, .path_count = strcmp(path, "builtin") != 0};
    return cmd_catalog_open(&options, load, out_catalog);
}

int
cmd_catalog_diff(int argc, char **argv)
{
    cmd_diff_options_t options = {.samples = 3};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);

    pt_load_t loads[2] = {0};
    const pt_catalog_t *before, *after;
    int code = s_open(options.paths[0], &loads[0], &before);
    if (code == EX_OK)
        code = s_open(options.paths[1], &loads[1], &after);
    if (code == EX_OK && options.replay)
        code = cmd_diff_replay(&options, before, after);
    else if (code == EX_OK)
        code = cmd_diff_behaviour(&options, before, after);
    pt_load_clear(&loads[0]);
    pt_load_clear(&loads[1]);
    return code;
}
