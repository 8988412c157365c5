/*  Files to a catalog. What is in them is judged by pt_compile, pt_build and pt_image. */
#include "pt_load.h"

#include "pt_build.h"
#include "pt_builtin_yaml.h"
#include "pt_compile.h"
#include "pt_file.h"
#include "pt_image.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

//  One loading under way.
typedef struct {
    const pt_load_options_t *options;
    pt_load_t *load;
    pt_paths_t paths;
    pt_compile_file_t *files; //  those of the paths, then the built-in ones
    size_t count;
} s_work_t;

__attribute__((format(printf, 3, 4))) static pt_load_result_t
s_refuse(pt_load_t *load, pt_load_result_t result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(load->error, sizeof load->error, format, arguments);
    va_end(arguments);
    return result;
}

static pt_load_result_t
s_find_files(s_work_t *work)
{
    for (size_t i = 0; i < work->options->path_count; i++) {
        const char *path = work->options->paths[i];
        size_t before = work->paths.count;
        if (pt_paths_add(&work->paths, path, false))
            continue;
        bool is_empty = errno == ENOENT && work->paths.count == before;
        return s_refuse(work->load, PT_LOAD_UNREADABLE, "cannot read %s: %s", path,
                        is_empty ? "no such file, or a folder without *.yaml files" : strerror(errno));
    }
    return PT_LOAD_OK;
}

static bool
s_is_image(const uint8_t *data, size_t bytes)
{
    uint64_t magic = 0;
    if (bytes < sizeof magic)
        return false;
    memcpy(&magic, data, sizeof magic);
    return magic == PT_IMAGE_MAGIC || magic == __builtin_bswap64(PT_IMAGE_MAGIC);
}

//  Why an image is refused: another version is told apart from another machine, and older from newer.
static const char *
s_explain_refusal(const uint8_t *image, size_t bytes, pt_status_t status, char room[128])
{
    pt_image_header_t header;
    if (status != PT_E_VERSION || bytes < sizeof header)
        return pt_status_text(status);
    memcpy(&header, image, sizeof header);
    if (header.magic != PT_IMAGE_MAGIC || header.endian != PT_IMAGE_ENDIAN)
        return "it was compiled on a machine with the other byte order; compile it here";
    if (header.major == PT_IMAGE_MAJOR)
        return "its hash table is of another kind; compile it again with this version";
    snprintf(room, 128, "it is of the %s format %u, and this version reads %u; %s",
             header.major < PT_IMAGE_MAJOR ? "older" : "newer", header.major, (unsigned) PT_IMAGE_MAJOR,
             header.major < PT_IMAGE_MAJOR ? "compile it again" : "use the version that compiled it");
    return room;
}

static pt_load_result_t
s_judge_image(pt_load_t *load, const uint8_t *image, size_t bytes, pt_status_t status, const char *name)
{
    char room[128];
    if (status == PT_OK)
        return PT_LOAD_OK;
    if (status == PT_E_NOMEM)
        return PT_LOAD_NO_MEMORY;
    return s_refuse(load, PT_LOAD_REFUSED, "the image %s is refused: %s", name,
                    s_explain_refusal(image, bytes, status, room));
}

//  Takes the image.
static pt_load_result_t
s_open_image(pt_load_t *load, uint8_t *image, size_t bytes, const char *name)
{
    pt_status_t status = pt_catalog_adopt(image, bytes, &load->catalog);
    pt_load_result_t result = s_judge_image(load, image, bytes, status, name);
    if (result != PT_LOAD_OK)
        free(image);
    return result;
}

//  A large image is read where it stands, when it stands alone. False: it is to be read as any other file.
static bool
s_map_image(s_work_t *work, const char *path, pt_load_result_t *out_result)
{
    const uint8_t *image;
    size_t bytes;
    if (work->paths.count != 1 || work->options->yaml_only || !pt_file_map(path, PT_IMAGE_BYTES_MAX, &image, &bytes))
        return false;
    bool is_image = s_is_image(image, bytes);
    if (is_image) {
        pt_status_t status = pt_catalog_adopt_mapped(image, bytes, &work->load->catalog);
        *out_result = s_judge_image(work->load, image, bytes, status, path);
    }
    if (!work->load->catalog)
        pt_file_unmap(image, bytes);
    return is_image;
}

static pt_load_result_t
s_read_file(s_work_t *work, const char *path)
{
    uint8_t *data;
    size_t bytes;
    pt_load_result_t result;
    if (s_map_image(work, path, &result))
        return result;
    if (!pt_file_read(path, PT_IMAGE_BYTES_MAX, &data, &bytes))
        return s_refuse(work->load, PT_LOAD_UNREADABLE, "cannot read %s: %s", path, strerror(errno));
    if (!s_is_image(data, bytes)) {
        work->files[work->count++] = (pt_compile_file_t) {path, {data, bytes}, false};
        return PT_LOAD_OK;
    }
    bool is_alone = work->paths.count == 1 && !work->options->yaml_only;
    if (!is_alone) {
        free(data);
        return s_refuse(work->load, PT_LOAD_REFUSED, "%s is an image: %s", path,
                        work->options->yaml_only ? "give the YAML files that it was made of"
                                                 : "it stands alone, without further files");
    }
    return s_open_image(work->load, data, bytes, path);
}

static pt_load_result_t
s_read_files(s_work_t *work)
{
    work->files = calloc(work->paths.count + PT_BUILTIN_YAML_COUNT, sizeof *work->files);
    if (!work->files)
        return PT_LOAD_NO_MEMORY;
    for (size_t i = 0; i < work->paths.count; i++) {
        pt_load_result_t result = s_read_file(work, work->paths.paths[i]);
        if (result != PT_LOAD_OK)
            return result;
    }
    work->load->file_count = work->paths.count;
    return PT_LOAD_OK;
}

static void
s_forget_texts(s_work_t *work)
{
    for (size_t i = 0; i < work->count; i++)
        free((void *) (uintptr_t) work->files[i].text.data);
    work->count = 0;
}

static pt_load_result_t
s_compile(s_work_t *work)
{
    pt_load_t *load = work->load;
    size_t own = work->count;
    for (size_t i = 0; i < PT_BUILTIN_YAML_COUNT && !work->options->without_builtin; i++)
        work->files[work->count++] = pt_builtin_yaml(i);
    load->source.keep_origins = work->options->keep_origins;
    pt_status_t status = pt_compile_files(&load->source, work->files, work->count, &load->faults);
    work->count = own; //  the others are not ours to free
    //  The source has copies of what it needs, and the image takes as much memory again.
    s_forget_texts(work);
    if (status == PT_E_NOMEM)
        return PT_LOAD_NO_MEMORY;
    pt_compile_check(&load->source, &load->faults);
    if (load->faults.errors)
        return PT_LOAD_FAULTS;
    uint8_t *image = NULL;
    size_t bytes = 0;
    status = pt_build_image(&load->source, &load->faults, &image, &bytes);
    if (status == PT_E_NOMEM)
        return PT_LOAD_NO_MEMORY;
    if (status == PT_E_SYNTAX)
        return PT_LOAD_FAULTS;
    if (status != PT_OK)
        return s_refuse(load, PT_LOAD_REFUSED, "no image can be made of it: %s", pt_status_text(status));
    return s_open_image(load, image, bytes, "just made");
}

pt_load_result_t
pt_load(const pt_load_options_t *options, pt_load_t *out_load)
{
    assert(options);
    assert(options->path_count <= PT_LOAD_PATHS_MAX);
    assert(out_load);

    *out_load = (pt_load_t) {0};
    s_work_t work = {.options = options, .load = out_load};
    pt_load_result_t result = s_find_files(&work);
    if (result == PT_LOAD_OK)
        result = s_read_files(&work);
    if (result == PT_LOAD_OK && !out_load->catalog)
        result = s_compile(&work);
    s_forget_texts(&work);
    free(work.files);
    pt_paths_clear(&work.paths);
    return result;
}

void
pt_load_clear(pt_load_t *self)
{
    assert(self);

    pt_catalog_destroy(&self->catalog);
    pt_source_destroy(&self->source);
    pt_faults_clear(&self->faults);
}
