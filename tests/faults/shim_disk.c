/*  shim_disk: what a process does to one file, recorded, or made to fail. For LD_PRELOAD.
 *
 *      PT_SHIM_LOG=FILE      every write, sync, rename and size of files named data.mdb or data.new
 *                            goes there, with marks of the process itself (pt_shim_mark)
 *      PT_SHIM_FAIL=KIND:N   the N-th call fails: EIO, ENOSPC (writes), EINTR (writes and syncs), short
 *                            (half of a write), sync (EIO from a sync), malloc (allocations that this
 *                            program itself asks for, not the libraries)
 *
 *  Only what LMDB and the store use is here: pwrite, pwritev, writev, write, fsync, fdatasync,
 *  ftruncate, posix_fallocate, rename; a write on a descriptor opened with O_DSYNC is its own sync.
 */
#include "shim_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int s_log = -1;
static char s_kind[16];
static unsigned long s_nth; //  0: nothing fails
static atomic_ulong s_calls;
static uintptr_t s_text_start, s_text_end; //  of the program
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;

static int
s_note_program(struct dl_phdr_info *info, size_t size, void *context)
{
    (void) size, (void) context;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            s_text_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            s_text_end = s_text_start + info->dlpi_phdr[i].p_memsz;
        }
    return 1; //  the program comes first
}

static void __attribute__((constructor)) s_start(void)
{
    const char *log = getenv("PT_SHIM_LOG");
    const char *fail = getenv("PT_SHIM_FAIL");
    dl_iterate_phdr(s_note_program, NULL);
    if (log)
        s_log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fail && sscanf(fail, "%15[^:]:%lu", s_kind, &s_nth) != 2)
        abort();
}

static void *
s_real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

#define S_REAL(type, name)                                                                                             \
    static type s_call;                                                                                                \
    if (!s_call)                                                                                                       \
    *(void **) &s_call = s_real(name)

typedef ssize_t s_write_fn(int, const void *, size_t);
typedef ssize_t s_pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t s_writev_fn(int, const struct iovec *, int);
typedef ssize_t s_pwritev_fn(int, const struct iovec *, int, off_t);
typedef int s_sync_fn(int);
typedef int s_size_fn(int, off_t);
typedef int s_allocate_fn(int, off_t, off_t);
typedef int s_rename_fn(const char *, const char *);

//  ---- which file

static bool
s_is_journal_path(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return strcmp(name, "data.mdb") == 0 || strcmp(name, "data.new") == 0;
}

//  Whether a descriptor is one of the journal's file.
static bool
s_is_journal(int fd)
{
    char link[64], path[4096];
    if (!s_nth && s_log < 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len <= 0)
        return false;
    path[len] = 0;
    return s_is_journal_path(path);
}

//  ---- recording

static void
s_record(shim_kind_t kind, uint64_t offset, const struct iovec *parts, int count)
{
    S_REAL(s_writev_fn *, "writev");
    struct iovec all[1 + 64];
    shim_record_t record = {.kind = kind, .offset = offset};
    if (s_log < 0)
        return;
    if (count > 64)
        abort();
    all[0] = (struct iovec) {&record, sizeof(record)};
    for (int i = 0; i < count; i++) {
        all[i + 1] = parts[i];
        record.bytes += parts[i].iov_len;
    }
    //  Records of several threads must not mix.
    pthread_mutex_lock(&s_lock);
    ssize_t written = s_call(s_log, all, count + 1);
    pthread_mutex_unlock(&s_lock);
    if (written != (ssize_t) (sizeof(record) + record.bytes))
        abort();
}

static void
s_record_write(int fd, uint64_t offset, const struct iovec *parts, int count, ssize_t result)
{
    bool synced = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    if (result > 0)
        s_record(synced ? SHIM_WRITE_SYNCED : SHIM_WRITE, offset, parts, count);
}

void
pt_shim_mark(uint64_t value)
{
    s_record(SHIM_MARK, value, NULL, 0);
}

//  ---- failing

static bool
s_is_due(void)
{
    return atomic_fetch_add(&s_calls, 1) + 1 == s_nth;
}

//  Whether this write fails, with errno; *out_bytes is what of it happens otherwise.
static bool
s_fails_write(size_t bytes, size_t *out_bytes)
{
    *out_bytes = bytes;
    bool is_short = strcmp(s_kind, "short") == 0;
    int reason = strcmp(s_kind, "EIO") == 0      ? EIO
                 : strcmp(s_kind, "ENOSPC") == 0 ? ENOSPC
                 : strcmp(s_kind, "EINTR") == 0  ? EINTR
                                                 : 0;
    if (!s_nth || (!reason && !is_short) || !s_is_due())
        return false;
    if (is_short) {
        *out_bytes = bytes / 2;
        return false;
    }
    errno = reason;
    return true;
}

static bool
s_fails_sync(void)
{
    bool interrupts = strcmp(s_kind, "EINTR") == 0;
    if (!s_nth || (!interrupts && strcmp(s_kind, "sync") != 0) || !s_is_due())
        return false;
    errno = interrupts ? EINTR : EIO;
    return true;
}

//  ---- writes

ssize_t
pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    S_REAL(s_pwrite_fn *, "pwrite");
    if (!s_is_journal(fd))
        return s_call(fd, data, bytes, offset);
    if (s_fails_write(bytes, &bytes))
        return -1;
    ssize_t result = s_call(fd, data, bytes, offset);
    //  Recorded as it was meant: the bytes are not changed meanwhile.
    struct iovec part = {(void *) (uintptr_t) data, result > 0 ? (size_t) result : 0};
    s_record_write(fd, (uint64_t) offset, &part, 1, result);
    return result;
}

ssize_t
pwrite64(int fd, const void *data, size_t bytes, off_t offset)
{
    return pwrite(fd, data, bytes, offset);
}

ssize_t
write(int fd, const void *data, size_t bytes)
{
    S_REAL(s_write_fn *, "write");
    if (!s_is_journal(fd))
        return s_call(fd, data, bytes);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (s_fails_write(bytes, &bytes))
        return -1;
    ssize_t result = s_call(fd, data, bytes);
    struct iovec part = {(void *) (uintptr_t) data, result > 0 ? (size_t) result : 0};
    s_record_write(fd, (uint64_t) offset, &part, 1, result);
    return result;
}

static size_t
s_sum(const struct iovec *parts, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    return bytes;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    S_REAL(s_writev_fn *, "writev");
    size_t bytes;
    if (!s_is_journal(fd))
        return s_call(fd, parts, count);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (s_fails_write(s_sum(parts, count), &bytes))
        return -1;
    ssize_t result = bytes < s_sum(parts, count) ? pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2, offset)
                                                 : s_call(fd, parts, count);
    s_record_write(fd, (uint64_t) offset, parts, count, bytes < s_sum(parts, count) ? 0 : result);
    return result;
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    S_REAL(s_pwritev_fn *, "pwritev");
    size_t bytes;
    if (!s_is_journal(fd))
        return s_call(fd, parts, count, offset);
    if (s_fails_write(s_sum(parts, count), &bytes))
        return -1;
    if (bytes < s_sum(parts, count))
        return pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2, offset);
    ssize_t result = s_call(fd, parts, count, offset);
    s_record_write(fd, (uint64_t) offset, parts, count, result);
    return result;
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev(fd, parts, count, offset);
}

//  ---- syncs, sizes and names

int
fdatasync(int fd)
{
    S_REAL(s_sync_fn *, "fdatasync");
    if (!s_is_journal(fd))
        return s_call(fd);
    if (s_fails_sync())
        return -1;
    int result = s_call(fd);
    if (result == 0)
        s_record(SHIM_SYNC, 0, NULL, 0);
    return result;
}

int
fsync(int fd)
{
    S_REAL(s_sync_fn *, "fsync");
    struct stat about;
    bool is_folder = s_log >= 0 && fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
    if (!is_folder && !s_is_journal(fd))
        return s_call(fd);
    if (!is_folder && s_fails_sync())
        return -1;
    int result = s_call(fd);
    if (result == 0)
        s_record(is_folder ? SHIM_SYNC_FOLDER : SHIM_SYNC, 0, NULL, 0);
    return result;
}

int
ftruncate(int fd, off_t bytes)
{
    S_REAL(s_size_fn *, "ftruncate");
    if (s_is_journal(fd))
        s_record(SHIM_SIZE, (uint64_t) bytes, NULL, 0);
    return s_call(fd, bytes);
}

int
ftruncate64(int fd, off_t bytes)
{
    return ftruncate(fd, bytes);
}

int
posix_fallocate(int fd, off_t offset, off_t bytes)
{
    S_REAL(s_allocate_fn *, "posix_fallocate");
    if (!s_is_journal(fd))
        return s_call(fd, offset, bytes);
    if (s_nth && strcmp(s_kind, "ENOSPC") == 0 && s_is_due())
        return ENOSPC;
    s_record(SHIM_SIZE, (uint64_t) (offset + bytes), NULL, 0);
    return s_call(fd, offset, bytes);
}

int
posix_fallocate64(int fd, off_t offset, off_t bytes)
{
    return posix_fallocate(fd, offset, bytes);
}

int
rename(const char *from, const char *to)
{
    S_REAL(s_rename_fn *, "rename");
    int result = s_call(from, to);
    if (result == 0 && s_is_journal_path(to))
        s_record(SHIM_RENAME, 0, NULL, 0);
    return result;
}

//  ---- memory

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

//  Whether the program itself asks, and for the n-th time.
static bool
s_fails_malloc(const void *caller)
{
    uintptr_t at = (uintptr_t) caller;
    return s_nth && at >= s_text_start && at < s_text_end && strcmp(s_kind, "malloc") == 0 && s_is_due();
}

void *
malloc(size_t bytes)
{
    if (!s_fails_malloc(__builtin_return_address(0)))
        return __libc_malloc(bytes);
    errno = ENOMEM;
    return NULL;
}

void *
calloc(size_t count, size_t bytes)
{
    if (!s_fails_malloc(__builtin_return_address(0)))
        return __libc_calloc(count, bytes);
    errno = ENOMEM;
    return NULL;
}

void *
realloc(void *old, size_t bytes)
{
    if (!s_fails_malloc(__builtin_return_address(0)))
        return __libc_realloc(old, bytes);
    errno = ENOMEM;
    return NULL;
}
