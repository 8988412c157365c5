/*  Where a store stands: its directory, the lock there, the room on the disk, and LMDB's environment.
 *
 *  Of LMDB's flags that trade durability for speed only NOMETASYNC is set, once the store is open: a commit waits for
 *  the disk to have its data and all commits before it, and what is to be told of it waits for pt_store_sync. NOSYNC
 *  could leave a file that leads nowhere, and WRITEMAP turns a full disk into SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "pt_fault_point.h"
#include "pt_store_parts.h"

//  meta, heads, producers, subscribers, and a few to come.
#define S_DATABASES_MAX (PT_STORE_TOPICS_MAX + 16)

//  Of LMDB's table of readers, for the 126 that it allows unless told otherwise.
#define S_LOCK_BYTES 8192

pt_status_t
pt_store_explain(char *out_error, pt_status_t status, const char *format, ...)
{
    int reason = errno;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_error, PT_STORE_ERROR_BYTES_MAX, format, arguments);
    va_end(arguments);
    errno = reason;
    return status;
}

pt_status_t
pt_store_explain_errno(char *out_error, const char *what, const char *path)
{
    return pt_store_explain(out_error, PT_E_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

pt_status_t
pt_store_explain_lmdb(char *out_error, int rc, const char *what, const char *dir)
{
    errno = rc > 0 ? rc : EIO;
    if (rc == MDB_VERSION_MISMATCH)
        return pt_store_explain(out_error, PT_E_VERSION, "%s: written by another version of LMDB", dir);
    //  A tree that leads nowhere, in circles, or to something else is damage as well.
    if (rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_CURSOR_FULL ||
        rc == MDB_INCOMPATIBLE)
        return pt_store_explain(out_error, PT_E_CHECKSUM, "%s: the file is no journal, or is damaged", dir);
    return pt_store_explain(out_error, rc == ENOMEM ? PT_E_NOMEM : PT_E_IO, "%s: cannot %s: %s", dir, what,
                            mdb_strerror(rc));
}

pt_status_t
pt_store_sync_dir(const char *path, char *out_error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    pt_status_t status = synced ? PT_OK : pt_store_explain_errno(out_error, "sync", path);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return status;
}

pt_status_t
pt_store_make_dir(const char *dir, char *out_error)
{
    struct stat about;
    if (stat(dir, &about) == 0 && S_ISDIR(about.st_mode))
        return PT_OK;
    //  Responses of payments: nobody else's business.
    if (mkdir(dir, 0700) != 0)
        return pt_store_explain_errno(out_error, "make", dir);
    char parent[S_PATH_BYTES];
    snprintf(parent, sizeof(parent), "%s/..", dir);
    return pt_store_sync_dir(parent, out_error);
}

pt_status_t
pt_store_lock_dir(const char *dir, int *out_fd, char *out_error)
{
    char path[S_PATH_BYTES];
    snprintf(path, sizeof(path), "%s/lock", dir);
    *out_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*out_fd < 0)
        return pt_store_explain_errno(out_error, "open", path);
    if (flock(*out_fd, LOCK_EX | LOCK_NB) == 0) {
        //  Who holds it, for whoever comes second; only a help, so its faults are none.
        char line[32];
        int len = snprintf(line, sizeof(line), "%d\n", (int) getpid());
        if (ftruncate(*out_fd, 0) != 0 || write(*out_fd, line, (size_t) len) != len)
            errno = 0;
        return PT_OK;
    }
    if (errno != EWOULDBLOCK)
        return pt_store_explain_errno(out_error, "lock", path);
    char holder[32] = "";
    ssize_t len = read(*out_fd, holder, sizeof(holder) - 1);
    holder[len > 0 ? strcspn(holder, "\n") : 0] = 0;
    errno = EWOULDBLOCK;
    return pt_store_explain(out_error, PT_E_IO, "%s: another process%s%s works on this journal", dir,
                            *holder ? ", pid " : "", holder);
}

pt_status_t
pt_store_allocate_file(const char *path, uint64_t bytes, char *out_error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return pt_store_explain_errno(out_error, "open", path);
    int rc = posix_fallocate(fd, 0, (off_t) bytes);
    if (rc == 0 && fsync(fd) != 0)
        rc = errno;
    close(fd);
    errno = rc;
    return rc == 0 ? PT_OK
                   : pt_store_explain(out_error, PT_E_IO, "cannot reserve %" PRIu64 " MiB for %s: %s", bytes >> 20,
                                      path, strerror(rc));
}

//  Counting links would not do: another name, as a backup may give it, keeps the file alive and nobody finds it there.
static bool
s_has_its_name(const pt_store_t *self, const struct stat *file)
{
    const char *dir;
    char path[S_PATH_BYTES + 16];
    struct stat named;
    if (mdb_env_get_path(self->env, &dir) != 0)
        return false;
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    if (stat(path, &named) != 0)
        return errno != ENOENT && errno != ENOTDIR;
    return named.st_dev == file->st_dev && named.st_ino == file->st_ino;
}

pt_status_t
pt_store_check_file(pt_store_t *self)
{
    struct stat file;
    int fd;
    const char *fault = NULL;
    if (mdb_env_get_fd(self->env, &fd) != 0 || fstat(fd, &file) != 0)
        fault = strerror(errno);
    else if (!s_has_its_name(self, &file))
        fault = "it was removed or replaced while a worker had it";
    else if ((uint64_t) file.st_size < self->file_bytes)
        fault = "it was cut while a worker had it";
    if (!fault)
        return PT_OK;
    snprintf(self->error, sizeof(self->error), "data.mdb: %s", fault);
    self->dead = true;
    return PT_E_IO;
}

//  Whether the file has all pages that were committed. To read one that was cut off is a SIGBUS.
static bool
s_has_all_pages(MDB_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd;
    if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &stat) != 0 || mdb_env_get_fd(env, &fd) != 0 ||
        fstat(fd, &file) != 0)
        return false;
    return (uint64_t) file.st_size / stat.ms_psize > info.me_last_pgno;
}

//  LMDB asserts on pages that cannot be, and a page is bytes of a file: its abort would tell nobody whose.
static void
s_give_up(MDB_env *env, const char *words)
{
    const char *path = NULL;
    (void) mdb_env_get_path(env, &path);
    fprintf(stderr,
            "paytriage: the journal in %s is damaged: %s\n"
            "hint: bring back a copy of it, or move it away: the next start makes a new one\n",
            path ? path : "?", words);
    _exit(EX_DATAERR);
}

/*  LMDB writes to its table of readers through a map. It makes the file by its length alone, and the first write to a
 *  hole is a SIGBUS where the disk is full. Not while this process has it open: to close it here would end its locks.
 *  What cannot be opened is LMDB's to tell of.
 */
static int
s_reserve_lock(const char *path, unsigned flags)
{
    char lock[S_PATH_BYTES + 16];
    snprintf(lock, sizeof(lock), flags & MDB_NOSUBDIR ? "%s-lock" : "%s/lock.mdb", path);
    struct stat file;
    if (stat(lock, &file) == 0 && file.st_size >= S_LOCK_BYTES && file.st_blocks >= S_LOCK_BYTES / 512)
        return 0;
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return 0;
    int rc = posix_fallocate(fd, 0, S_LOCK_BYTES);
    close(fd);
    return rc;
}

int
pt_store_open_env(MDB_env **out_env, const char *path, uint64_t bytes, unsigned flags)
{
    int rc = mdb_env_create(out_env);
    if (rc != 0) {
        *out_env = NULL;
        return rc;
    }
    (void) mdb_env_set_assert(*out_env, s_give_up);
    rc = bytes ? mdb_env_set_mapsize(*out_env, bytes) : 0;
    if (rc == 0)
        rc = mdb_env_set_maxdbs(*out_env, S_DATABASES_MAX);
    if (rc == 0)
        rc = s_reserve_lock(path, flags);
    if (rc == 0)
        rc = mdb_env_open(*out_env, path, PT_RULE("sync") ? flags : flags | MDB_NOSYNC, 0600);
    PT_FAULT_POINT("store.env");
    if (rc == 0 && !s_has_all_pages(*out_env))
        rc = MDB_CORRUPTED;
    if (rc != 0) {
        mdb_env_close(*out_env);
        *out_env = NULL;
    }
    return rc;
}
