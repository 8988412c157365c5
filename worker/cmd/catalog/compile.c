/*  paytriage catalog compile: YAML into the image that --catalog takes. */
#include "cmd_catalog.h"

#include "pt_catalog.h"
#include "pt_fault_text.h"
#include "pt_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

typedef struct {
    pt_load_options_t load;
    const char *output;
} compile_options_t;

static const struct argp_option s_options[] = {
    {"output", 'o', "FILE", 0, "where to write the image (required)", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    compile_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->load;
        break;
    case 'o':
        options->output = arg;
        break;
    case ARGP_KEY_END:
        if (!options->output)
            argp_error(state, "where to? --output FILE");
        if (options->load.without_builtin && options->load.path_count == 0)
            argp_error(state, "--no-builtin without a PATH leaves nothing");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc = "Make one image of the built-in gateways and the YAML files given, for --catalog.\v"
           "The image is written beside its place and then renamed, so that nobody ever reads half of one. The same "
           "sources give the same bytes and the same hash, which every decision names.\n\n"
           "Example:\n"
           "  paytriage catalog compile /etc/paytriage/catalog -o catalog.ptc\n\n"
           "Exit: 0 done, 1 the YAML is at fault, 66 no such file, 73 or 74 the image cannot be written, 78 an image "
           "was given.",
    .children = cmd_catalog_children};

static int
s_write(const compile_options_t *options, const pt_load_t *load)
{
    bool is_created;
    if (!pt_file_write(options->output, pt_catalog_image(load->catalog), &is_created))
        return cmd_fail(is_created ? EX_IOERR : EX_CANTCREAT, NULL, "cannot %s %s: %s", is_created ? "write" : "create",
                        options->output, strerror(errno));
    fprintf(stderr, "catalog %016" PRIx64 ", %zu entries of %zu gateways, %zu bytes\n", pt_catalog_hash(load->catalog),
            pt_catalog_entry_count(load->catalog), pt_catalog_provider_count(load->catalog),
            pt_catalog_image(load->catalog).len);
    return EX_OK;
}

int
cmd_catalog_compile(int argc, char **argv)
{
    compile_options_t options = {.load.yaml_only = true};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);

    pt_load_t load;
    int code = cmd_catalog_load(&options.load, CMD_EXIT_NO, &load);
    if (code == EX_OK)
        code = s_write(&options, &load);
    pt_load_clear(&load);
    return code;
}
