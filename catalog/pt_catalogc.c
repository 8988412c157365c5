/*  pt_catalogc: catalog YAML into an image, at build time.
 *
 *  A program of the build, not of the product: it turns the gateways' files into the C array that
 *  is compiled in, and tells authors what is wrong with their file.
 */
#include "pt_build.h"
#include "pt_compile.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

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

//  The whole file in memory that the caller frees; NULL, with errno set, when it cannot be read.
static uint8_t *
s_read_stream(FILE *stream, size_t *out_bytes)
{
    size_t capacity = 0;
    size_t bytes = 0;
    uint8_t *data = NULL;
    do {
        capacity = capacity ? capacity * 2 : (size_t) 64 * 1024;
        uint8_t *grown = realloc(data, capacity);
        if (!grown)
            break;
        data = grown;
        bytes += fread(data + bytes, 1, capacity - bytes, stream);
        if (bytes < capacity && !ferror(stream)) {
            *out_bytes = bytes;
            return data;
        }
    } while (!ferror(stream) && capacity < S_FILE_BYTES_MAX);
    if (!ferror(stream))
        errno = EFBIG;
    free(data);
    return NULL;
}

static uint8_t *
s_read_file(const char *path, size_t *out_bytes)
{
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return NULL;
    uint8_t *data = s_read_stream(stream, out_bytes);
    int error = errno;
    (void) fclose(stream);
    errno = error;
    return data;
}

//  EX_OK, also when the file has faults; another code when there is nothing to compile.
static int
s_compile_file(const char *path, pt_source_t *source, pt_faults_t *faults)
{
    size_t bytes = 0;
    uint8_t *data = s_read_file(path, &bytes);
    if (!data) {
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
s_print_faults(const pt_faults_t *faults)
{
    for (size_t i = 0; i < faults->count && i < S_FAULTS_SHOWN_MAX; i++) {
        const pt_fault_t *fault = &faults->faults[i];
        (void) fprintf(stderr, "%s:%u:%u: %s: %s [%s]\n", fault->mark.file ? fault->mark.file : "catalog",
                       fault->mark.line, fault->mark.column, fault->warning ? "warning" : "error", fault->text,
                       fault->id);
    }
    if (faults->count > S_FAULTS_SHOWN_MAX)
        (void) fprintf(stderr, "and %zu more\n", faults->count - S_FAULTS_SHOWN_MAX);
    if (faults->errors)
        (void) fprintf(stderr, "%zu %s\n", faults->errors, faults->errors == 1 ? "error" : "errors");
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

//  Half an image must not be taken for a whole one. A device, a pipe or a link is not ours to remove.
static void
s_remove_output(const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISREG(info.st_mode))
        (void) unlink(path);
}

static int
s_write_file(const char *path, const uint8_t *image, size_t bytes, bool as_array)
{
    FILE *stream = fopen(path, "wb");
    if (!stream) {
        (void) fprintf(stderr, "pt_catalogc: cannot create %s: %s\n", path, strerror(errno));
        return EX_CANTCREAT;
    }
    if (as_array)
        s_print_array(stream, image, bytes);
    else
        (void) fwrite(image, 1, bytes, stream);
    bool failed = ferror(stream) != 0;
    failed = fclose(stream) != 0 || failed;
    if (!failed)
        return EX_OK;
    (void) fprintf(stderr, "pt_catalogc: cannot write %s: %s\n", path, strerror(errno));
    s_remove_output(path);
    return EX_IOERR;
}

static int
s_write_image(const s_options_t *options, const uint8_t *image, size_t bytes)
{
    int code = EX_OK;
    if (options->image_path)
        code = s_write_file(options->image_path, image, bytes, false);
    if (options->array_path && code == EX_OK)
        code = s_write_file(options->array_path, image, bytes, true);
    return code;
}

//  Also when only checking: two templates that fit the same message show nowhere else.
static int
s_build(const s_options_t *options, const pt_source_t *source, pt_faults_t *faults)
{
    uint8_t *image = NULL;
    size_t bytes = 0;
    pt_status_t status = pt_build_image(source, faults, &image, &bytes);
    s_print_faults(faults);
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
            s_print_faults(faults);
            return code;
        }
    }
    pt_compile_check(source, faults);
    if (faults->errors == 0)
        return s_build(options, source, faults);
    s_print_faults(faults);
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
