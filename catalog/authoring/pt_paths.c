/*  Folders of YAML files. Not recursive, so that what is loaded is what `ls` shows. */
#include "pt_load.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool
s_ends_with(const char *text, const char *end)
{
    size_t text_bytes = strlen(text);
    size_t end_bytes = strlen(end);
    return text_bytes > end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

static bool
s_is_test(const char *name)
{
    return s_ends_with(name, ".test.yaml") || s_ends_with(name, ".test.yml");
}

static bool
s_is_wanted(const char *name, bool tests)
{
    bool is_yaml = s_ends_with(name, ".yaml") || s_ends_with(name, ".yml");
    return name[0] != '.' && is_yaml && s_is_test(name) == tests;
}

static bool
s_add(pt_paths_t *self, char *path)
{
    if (!path)
        return false;
    if (self->count == PT_LOAD_FILES_MAX) {
        free(path);
        errno = E2BIG;
        return false;
    }
    bool is_full = (self->count & (self->count - 1)) == 0;
    char **paths = is_full ? realloc(self->paths, (self->count ? self->count * 2 : 1) * sizeof *paths) : self->paths;
    if (!paths) {
        free(path);
        return false;
    }
    self->paths = paths;
    self->paths[self->count++] = path;
    return true;
}

static int
s_compare_paths(const void *left_p, const void *right_p)
{
    return strcmp(*(char *const *) left_p, *(char *const *) right_p);
}

static bool
s_add_folder(pt_paths_t *self, const char *path, DIR *folder, bool tests)
{
    size_t first = self->count;
    const char *slash = s_ends_with(path, "/") ? "" : "/";
    errno = 0;
    for (struct dirent *item = readdir(folder); item; item = readdir(folder)) {
        char *name = NULL;
        if (!s_is_wanted(item->d_name, tests))
            continue;
        if (asprintf(&name, "%s%s%s", path, slash, item->d_name) < 0)
            name = NULL;
        if (!s_add(self, name))
            return false;
    }
    if (errno)
        return false;
    if (self->count == first) {
        errno = ENOENT;
        return false;
    }
    qsort(self->paths + first, self->count - first, sizeof *self->paths, s_compare_paths);
    return true;
}

bool
pt_paths_add(pt_paths_t *self, const char *path, bool tests)
{
    assert(self);
    assert(path);

    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOTDIR && s_add(self, strdup(path));
    bool well = s_add_folder(self, path, folder, tests);
    int error = errno;
    (void) closedir(folder);
    errno = error;
    return well;
}

void
pt_paths_clear(pt_paths_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->count; i++)
        free(self->paths[i]);
    free(self->paths);
    *self = (pt_paths_t) {0};
}
