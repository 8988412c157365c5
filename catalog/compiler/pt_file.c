/*  Reading goes by growing, not by the file's size: a pipe has none, and a file may grow meanwhile. The
 *  size is only the first guess, so that a large image is read where it stays.
 */
#include "pt_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_FIRST_BYTES ((size_t) 64 * 1024)
#define S_HUGE_BYTES ((size_t) 2 * 1024 * 1024) //  a huge page: a large image takes fewer of them

static uint8_t *
s_allocate(size_t bytes)
{
    size_t align = bytes >= 2 * S_HUGE_BYTES ? S_HUGE_BYTES : PT_FILE_ALIGN;
    size_t rounded = (bytes + align - 1) / align * align;
    uint8_t *data = rounded < bytes ? NULL : aligned_alloc(align, rounded);
    if (data && align == S_HUGE_BYTES)
        (void) madvise(data, rounded, MADV_HUGEPAGE);
    return data;
}

static bool
s_read_some(int fd, uint8_t *data, size_t room, size_t *bytes)
{
    while (*bytes < room) {
        ssize_t got = read(fd, data + *bytes, room - *bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        *bytes += (size_t) got;
    }
    return true;
}

static bool
s_read_descriptor(int fd, size_t max, size_t room, uint8_t **out_data, size_t *out_bytes)
{
    uint8_t *data = NULL;
    size_t bytes = 0;
    for (;; room *= 2) {
        uint8_t *grown = s_allocate(room);
        if (grown && bytes)
            memcpy(grown, data, bytes);
        if (grown) {
            free(data);
            data = grown;
        }
        if (!grown || !s_read_some(fd, data, room, &bytes))
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

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct stat info;
    size_t room = S_FIRST_BYTES;
    //  One byte more, so that the end of the file is seen without growing.
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && (uint64_t) info.st_size <= max)
        room = (size_t) info.st_size + 1;
    bool well = s_read_descriptor(fd, max, room, out_data, out_bytes);
    int error = errno;
    (void) close(fd);
    errno = error;
    return well;
}

bool
pt_file_map(const char *path, size_t max, const uint8_t **out_data, size_t *out_bytes)
{
    assert(path);
    assert(out_data);
    assert(out_bytes);

    //  Opening a pipe would wait for its other end, and take away what pt_file_read is to read.
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    void *data = MAP_FAILED;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t) info.st_size >= PT_FILE_MAP_BYTES &&
        (uint64_t) info.st_size <= max)
        data = mmap(NULL, (size_t) info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    (void) close(fd);
    if (data == MAP_FAILED)
        return false;
    *out_data = data;
    *out_bytes = (size_t) info.st_size;
    return true;
}

void
pt_file_unmap(const uint8_t *data, size_t bytes)
{
    assert(data);

    (void) munmap((void *) (uintptr_t) data, bytes);
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
