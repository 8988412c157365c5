/*  pt_catalogc: catalog YAML into an image, at build time.
 *
 *  A program of the build, not of the product: it turns the gateways' files into the C array that
 *  is compiled in, and tells authors what is wrong with their file.
 */
#include "pt_build.h"
#include "pt_compile.h"
#include "pt_fault_text.h"
#include "pt_file.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define S_FAULTS_SHOWN_MAX 20
#define S_FILE_BYTES_MAX ((size_t) 32 * 1024 * 1024) //  above what the compiler takes, so that it is the one to say so
#define S_BYTES_PER_LINE 20

typedef struct {
    const char *image_path; //  NULL: not asked for
    const char *array_path;
    bool check_only;
    char **files;
    size_t file_count;
} s_options_t;

static const struct argp_option s_option_table[] = {
    {"output", 'o', "FILE", 0, "Write the image to FILE", 0},
    {"c-array", 'c', "FILE", 0, "Write the image to FILE as the C source of the built-in catalog", 0},
    {"check", 'k', NULL, 0, "Only say what is wrong; write nothing", 0},
    {0},
};

static error_t
s_parse_option(int key, char *argument, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case 'o':
        options->image_path = argument;
        return 0;
    case 'c':
        options->array_path = argument;
        return 0;
    case 'k':
        options->check_only = true;
        return 0;
    case ARGP_KEY_ARGS:
        options->files = state->argv + state->next;
        options->file_count = (size_t) (state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_usage(state);
        return 0;
    case ARGP_KEY_END:
        if (!options->check_only && !options->image_path && !options->array_path)
            argp_error(state, "say what to make: --output, --c-array or --check");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

//  EX_OK, also when the file has faults; another code when there is nothing to compile.
static int
s_compile_file(const char *path, pt_source_t *source, pt_faults_t *faults)
{
    uint8_t *data = NULL;
    size_t bytes = 0;
    if (!pt_file_read(path, S_FILE_BYTES_MAX, &data, &bytes)) {
        (void) fprintf(stderr, "pt_catalogc: cannot read %s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
    pt_status_t status = pt_compile_yaml(source, path, (pt_bytes_t) {data, bytes}, faults);
    free(data);
    if (status == PT_OK || status == PT_E_SYNTAX)
        return EX_OK;
    (void) fprintf(stderr, "pt_catalogc: %s: %s\n", path, pt_status_text(status));
    return EX_OSERR;
}

static void
s_print_array(FILE *stream, const uint8_t *image, size_t bytes)
{
    (void) fputs("//  The built-in catalog, made by pt_catalogc from catalog/providers.\n"
                 "#include \"pt_image.h\"\n\n"
                 "_Alignas(64) const uint8_t pt_builtin_image[] = {\n",
                 stream);
    for (size_t i = 0; i < bytes; i++)
        (void) fprintf(stream, "%u,%s", image[i], (i + 1) % S_BYTES_PER_LINE == 0 ? "\n" : "");
    (void) fputs("\n};\nconst size_t pt_builtin_image_bytes = sizeof pt_builtin_image;\n", stream);
}

static int
s_write_file(const char *path, pt_bytes_t bytes)
{
    bool is_created;
    if (pt_file_write(path, bytes, &is_created))
        return EX_OK;
    (void) fprintf(stderr, "pt_catalogc: cannot %s %s: %s\n", is_created ? "write" : "create", path, strerror(errno));
    return is_created ? EX_IOERR : EX_CANTCREAT;
}

//  The array's text is made in memory, so that it is written like an image: whole or not at all.
static int
s_write_array(const char *path, const uint8_t *image, size_t bytes)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream)
        s_print_array(stream, image, bytes);
    int code = EX_OSERR;
    if (stream && fclose(stream) == 0)
        code = s_write_file(path, (pt_bytes_t) {(const uint8_t *) text, len});
    else
        (void) fprintf(stderr, "pt_catalogc: no memory for %s\n", path);
    free(text);
    return code;
}

static int
s_write_image(const s_options_t *options, const uint8_t *image, size_t bytes)
{
    int code = EX_OK;
    if (options->image_path)
        code = s_write_file(options->image_path, (pt_bytes_t) {image, bytes});
    if (options->array_path && code == EX_OK)
        code = s_write_array(options->array_path, image, bytes);
    return code;
}

//  Also when only checking: two templates that fit the same message show nowhere else.
static int
s_build(const s_options_t *options, const pt_source_t *source, pt_faults_t *faults)
{
    uint8_t *image = NULL;
    size_t bytes = 0;
    pt_status_t status = pt_build_image(source, faults, &image, &bytes);
    pt_faults_print(faults, S_FAULTS_SHOWN_MAX, stderr);
    if (status == PT_E_SYNTAX || faults->errors)
        return EXIT_FAILURE;
    if (status != PT_OK) {
        (void) fprintf(stderr, "pt_catalogc: no image: %s\n", pt_status_text(status));
        return status == PT_E_NOMEM ? EX_OSERR : EXIT_FAILURE;
    }
    int code = options->check_only ? EX_OK : s_write_image(options, image, bytes);
    free(image);
    return code;
}

static int
s_run(const s_options_t *options, pt_source_t *source, pt_faults_t *faults)
{
    for (size_t i = 0; i < options->file_count; i++) {
        int code = s_compile_file(options->files[i], source, faults);
        if (code != EX_OK) {
            pt_faults_print(faults, S_FAULTS_SHOWN_MAX, stderr);
            return code;
        }
    }
    pt_compile_check(source, faults);
    if (faults->errors == 0)
        return s_build(options, source, faults);
    pt_faults_print(faults, S_FAULTS_SHOWN_MAX, stderr);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = s_option_table,
        .parser = s_parse_option,
        .args_doc = "FILE...",
        .doc = "Compile the gateways' YAML files into one catalog image.",
    };
    s_options_t options = {0};
    argp_err_exit_status = EX_USAGE;
    (void) argp_parse(&argp, argc, argv, 0, NULL, &options);
    pt_source_t source = {0};
    pt_faults_t faults = {0};
    int code = s_run(&options, &source, &faults);
    pt_faults_clear(&faults);
    pt_source_destroy(&source);
    return code;
}
