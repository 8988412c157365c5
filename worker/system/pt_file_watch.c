/*  The kernel tells that something happened in a folder; what it was is found by looking. */
#include "pt_file_watch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_MASK                                                                                                         \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |               \
     IN_MOVE_SELF | IN_ONLYDIR)

struct pt_file_watch {
    int fd;
    char **paths; //  absolute
    size_t count;
    uint64_t seen;    //  fingerprint of the files
    int64_t first_ms; //  the first event that was not yet looked into; INT64_MAX: none
    int64_t last_ms;
};

//  FNV-1a: a fingerprint, not a defence.
static void
s_mix(uint64_t *hash, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++)
        *hash = (*hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void
s_mix_file(uint64_t *hash, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        s_mix(hash, "absent", 6);
        return;
    }
    s_mix(hash, &info.st_dev, sizeof(info.st_dev));
    s_mix(hash, &info.st_ino, sizeof(info.st_ino));
    s_mix(hash, &info.st_mode, sizeof(info.st_mode));
    s_mix(hash, &info.st_size, sizeof(info.st_size));
    s_mix(hash, &info.st_mtim, sizeof(info.st_mtim));
}

//  A sum, because readdir has no order.
static uint64_t
s_fold_folder(const char *path, DIR *folder)
{
    uint64_t sum = 0;
    for (struct dirent *item = readdir(folder); item; item = readdir(folder)) {
        char file[PATH_MAX];
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        if (item->d_name[0] == '.' || snprintf(file, sizeof(file), "%s/%s", path, item->d_name) >= (int) sizeof(file))
            continue;
        s_mix(&hash, item->d_name, strlen(item->d_name));
        s_mix_file(&hash, file);
        sum += hash;
    }
    return sum;
}

static uint64_t
s_fingerprint(const pt_file_watch_t *self)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < self->count; i++) {
        DIR *folder = opendir(self->paths[i]);
        if (!folder) {
            s_mix_file(&hash, self->paths[i]);
            continue;
        }
        uint64_t sum = s_fold_folder(self->paths[i], folder);
        (void) closedir(folder);
        s_mix(&hash, &sum, sizeof(sum));
    }
    return hash;
}

//  Watch the folder, or the nearest one above it that is there. A watch that exists stays as it is.
static void
s_watch_folder(const pt_file_watch_t *self, const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    while (inotify_add_watch(self->fd, *folder ? folder : "/", S_MASK) < 0 && *folder) {
        char *slash = strrchr(folder, '/');
        *(slash ? slash : folder) = 0;
    }
}

//  The folder that holds the path, each folder on the way that holds a symbolic link, and the path
//  itself, where it is a folder.
static void
s_watch_path(const pt_file_watch_t *self, const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strrchr(part, '/'); slash; slash = strrchr(part, '/')) {
        struct stat info;
        bool last = strlen(part) == strlen(path);
        bool link = lstat(part, &info) == 0 && S_ISLNK(info.st_mode);
        *slash = 0;
        if (last || link)
            s_watch_folder(self, part);
    }
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        s_watch_folder(self, path);
}

static void
s_watch_all(const pt_file_watch_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        s_watch_path(self, self->paths[i]);
}

//  Made absolute, so that they stay what they are; symbolic links are not followed.
static char *
s_absolute(const char *path)
{
    char folder[PATH_MAX];
    char *absolute = NULL;
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (path[0] == '/')
        return strndup(path, len);
    if (!getcwd(folder, sizeof(folder)) || asprintf(&absolute, "%s/%.*s", folder, (int) len, path) < 0)
        return NULL;
    return absolute;
}

pt_file_watch_t *
pt_file_watch_new(const char *const *paths, size_t count)
{
    assert(paths);
    assert(count > 0);

    pt_file_watch_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->first_ms = INT64_MAX;
    self->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    self->paths = calloc(count, sizeof(*self->paths));
    bool well = self->fd >= 0 && self->paths;
    for (size_t i = 0; i < count && well; i++) {
        well = (self->paths[i] = s_absolute(paths[i])) != NULL;
        self->count += well;
    }
    if (!well) {
        int reason = errno;
        pt_file_watch_destroy(&self);
        errno = reason;
        return NULL;
    }
    s_watch_all(self);
    self->seen = s_fingerprint(self);
    return self;
}

void
pt_file_watch_destroy(pt_file_watch_t **self_p)
{
    assert(self_p);

    pt_file_watch_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        free(self->paths[i]);
    free(self->paths);
    if (self->fd >= 0)
        close(self->fd);
    free(self);
    *self_p = NULL;
}

int
pt_file_watch_fd(const pt_file_watch_t *self)
{
    assert(self);

    return self->fd;
}

void
pt_file_watch_read(pt_file_watch_t *self, int64_t now_ms)
{
    assert(self);

    //  What the events say does not matter, and a queue that ran over says as much.
    _Alignas(struct inotify_event) char events[4096];
    bool any = false;
    while (read(self->fd, events, sizeof(events)) > 0)
        any = true;
    if (!any)
        return;
    s_watch_all(self);
    self->last_ms = now_ms;
    if (self->first_ms == INT64_MAX)
        self->first_ms = now_ms;
}

int64_t
pt_file_watch_due_ms(const pt_file_watch_t *self)
{
    assert(self);

    if (self->first_ms == INT64_MAX)
        return INT64_MAX;
    int64_t quiet_ms = self->last_ms + PT_FILE_WATCH_QUIET_MS;
    int64_t most_ms = self->first_ms + PT_FILE_WATCH_WAIT_MS;
    return quiet_ms < most_ms ? quiet_ms : most_ms;
}

bool
pt_file_watch_changed(pt_file_watch_t *self, int64_t now_ms)
{
    assert(self);

    if (now_ms < pt_file_watch_due_ms(self))
        return false;
    self->first_ms = INT64_MAX;
    //  Before the look, so that what changes after it is told.
    s_watch_all(self);
    uint64_t seen = s_fingerprint(self);
    bool changed = seen != self->seen;
    self->seen = seen;
    return changed;
}
