/*  Reading goes by growing, not by the file's size: a pipe has none, and a file may grow meanwhile. */
#include "pt_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_FIRST_BYTES ((size_t) 64 * 1024)

static bool
s_read_stream(FILE *stream, size_t max, uint8_t **out_data, size_t *out_bytes)
{
    uint8_t *data = NULL;
    size_t bytes = 0;
    for (size_t room = S_FIRST_BYTES;; room *= 2) {
        uint8_t *grown = realloc(data, room);
        if (!grown)
            break;
        data = grown;
        bytes += fread(data + bytes, 1, room - bytes, stream);
        if (ferror(stream))
            break;
        if (bytes > max) {
            errno = EFBIG;
            break;
        }
        if (bytes < room) {
            *out_data = data;
            *out_bytes = bytes;
            return true;
        }
    }
    int error = errno;
    free(data);
    errno = error;
    return false;
}

bool
pt_file_read(const char *path, size_t max, uint8_t **out_data, size_t *out_bytes)
{
    assert(path);
    assert(out_data);
    assert(out_bytes);

    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return false;
    bool well = s_read_stream(stream, max, out_data, out_bytes);
    int error = errno;
    (void) fclose(stream);
    errno = error;
    return well;
}

static bool
s_write_descriptor(int fd, pt_bytes_t bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t wrote = write(fd, bytes.data + done, bytes.len - done);
        if (wrote < 0 && errno != EINTR)
            return false;
        done += wrote > 0 ? (size_t) wrote : 0;
    }
    return true;
}

//  What is no plain file cannot be replaced by renaming.
static bool
s_write_through(const char *path, pt_bytes_t bytes, bool *out_created)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    *out_created = fd >= 0;
    if (fd < 0)
        return false;
    bool well = s_write_descriptor(fd, bytes);
    int error = errno;
    well = close(fd) == 0 && well;
    if (!well && error)
        errno = error;
    return well;
}

//  The rights that a file made by open() would have: mkstemp gives fewer.
static mode_t
s_usual_mode(void)
{
    mode_t mask = umask(0);
    (void) umask(mask);
    return 0666 & ~mask;
}

static bool
s_fill(int fd, pt_bytes_t bytes)
{
    bool well = s_write_descriptor(fd, bytes) && fchmod(fd, s_usual_mode()) == 0 && fsync(fd) == 0;
    int error = errno;
    well = close(fd) == 0 && well;
    if (!well && error)
        errno = error;
    return well;
}

bool
pt_file_write(const char *path, pt_bytes_t bytes, bool *out_created)
{
    assert(path);
    assert(out_created);

    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return s_write_through(path, bytes, out_created);
    char beside[4096];
    int length = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    *out_created = false;
    if (length < 0 || (size_t) length >= sizeof beside) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = mkostemp(beside, O_CLOEXEC);
    *out_created = fd >= 0;
    if (fd < 0)
        return false;
    if (s_fill(fd, bytes) && rename(beside, path) == 0)
        return true;
    int error = errno;
    (void) unlink(beside);
    errno = error;
    return false;
}
