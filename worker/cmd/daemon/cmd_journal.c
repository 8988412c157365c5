/*  A worker has a journal unless it is told otherwise: what is acknowledged has to be safe without
 *  anyone having read the manual.
 */
#include "cmd_journal.h"

#include "cmd_service.h"
#include "pt_journal.h"
#include "pt_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

//  Where the package's service has its own.
#define S_SERVICE_DIR "/var/lib/paytriage"

static bool
s_may_use_service_dir(void)
{
    return access(S_SERVICE_DIR, W_OK | X_OK) == 0;
}

//  NULL: this user has none. Never a relative one: a start in another folder would begin another journal.
static const char *
s_find_home(void)
{
    const char *home = getenv("HOME");
    if (home && *home == '/')
        return home;
    const struct passwd *user = getpwuid(geteuid());
    return user && user->pw_dir && *user->pw_dir == '/' ? user->pw_dir : NULL;
}

const char *
cmd_journal_default(char out[CMD_JOURNAL_PATH_BYTES])
{
    const char *given = getenv("STATE_DIRECTORY");
    if ((!given || !*given) && s_may_use_service_dir())
        given = S_SERVICE_DIR;
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = s_find_home();
    if (given && *given)
        snprintf(out, CMD_JOURNAL_PATH_BYTES, "%s", given);
    else if (state && *state == '/')
        snprintf(out, CMD_JOURNAL_PATH_BYTES, "%s/paytriage", state);
    else if (home)
        snprintf(out, CMD_JOURNAL_PATH_BYTES, "%s/.local/state/paytriage", home);
    else
        snprintf(out, CMD_JOURNAL_PATH_BYTES, "%s", S_SERVICE_DIR);
    return out;
}

//  Make the folders above the journal's; what cannot be made shows when the journal is opened.
static void
s_make_parents(const char *dir)
{
    char path[CMD_JOURNAL_PATH_BYTES];
    snprintf(path, sizeof path, "%s", dir);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

/*  Root that tries the program in the folder of a service does not lock the service out: new files belong to
 *  whom the folder belongs to. By name, for to close a second descriptor of a file would end LMDB's locks on it.
 */
static void
s_give_to_owner(const char *dir)
{
    static const char *const names[] = {"lock", "lock.mdb", "data.mdb", "suspects"};
    struct stat folder, about;
    int fd = geteuid() == 0 ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (fstat(fd, &folder) == 0 && folder.st_uid != 0)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (fstatat(fd, names[i], &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode) && !about.st_uid &&
                fchownat(fd, names[i], folder.st_uid, folder.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
                cmd_fail(EX_OK, NULL, "cannot give %s/%s to its folder's owner: %s", dir, names[i], strerror(errno));
    close(fd);
}

static const char *
s_hint_not_found(void)
{
    if (access(S_SERVICE_DIR, F_OK) == 0 && !s_may_use_service_dir())
        return "the service's is " S_SERVICE_DIR ", for root and for the user paytriage; else name the folder that "
               "--journal of the worker names";
    return "name the folder that --journal of the worker names";
}

//  The file is mapped whole, at the size that it has or is to have, so a limit of the address space is mostly met here.
static int
s_refuse_without_memory(const char *error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return cmd_fail(EX_OSERR, "ask for less with --journal-size; see MemoryMax= in a unit", "%s", error);
    char hint[256];
    snprintf(
        hint, sizeof hint,
        "the file is mapped whole: it takes --journal-size (1G by default) beside some 512 MiB, and ulimit -v allows "
        "%" PRIu64 " MiB in all; raise it (LimitAS= in a unit), or ask for less",
        (uint64_t) limit.rlim_cur >> 20);
    return cmd_fail(EX_OSERR, hint, "%s", error);
}

int
cmd_journal_refuse(pt_status_t status, const char *error)
{
    if (status == PT_E_NOMEM)
        return s_refuse_without_memory(error);
    if (status == PT_E_RANGE)
        return cmd_fail(EX_CONFIG, "each worker has a journal of its own", "%s", error);
    if (status == PT_E_VERSION)
        return cmd_fail(EX_CONFIG, "open it with the version of paytriage that wrote it", "%s", error);
    if (status == PT_E_CHECKSUM)
        return cmd_fail(EX_DATAERR, "bring back a copy of it, or move it away: the next start makes a new one", "%s",
                        error);
    if (status == PT_E_NOT_FOUND)
        return cmd_fail(EX_NOINPUT, s_hint_not_found(), "%s", error);
    if (status == PT_E_IO && errno == EWOULDBLOCK)
        return cmd_fail(EX_TEMPFAIL, "a second worker needs another folder: --journal DIR", "%s", error);
    if (status == PT_E_IO && (errno == EACCES || errno == EPERM || errno == EROFS))
        return cmd_fail(EX_NOPERM, "name a folder that this user may write to: --journal DIR", "%s", error);
    if (status == PT_E_IO && (errno == EEXIST || errno == ENOTDIR || errno == ENAMETOOLONG))
        return cmd_fail(EX_CANTCREAT, "a journal is a folder: --journal names one, or where one can be made", "%s",
                        error);
    if (status == PT_E_IO && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return cmd_fail(EX_CANTCREAT, "make room, or ask for less with --journal-size", "%s", error);
    return cmd_fail(EX_IOERR, NULL, "%s", error);
}

void
cmd_journal_control(const char *dir, char out[CMD_JOURNAL_PATH_BYTES + 32])
{
    //  The longest path of a socket is 107 bytes.
    out[0] = 0;
    if (strlen(dir) + strlen("/control") <= 107)
        snprintf(out, CMD_JOURNAL_PATH_BYTES + 32, "ipc://%s/control", dir);
}

//  The store and the list of suspects in self->dir.
static int
s_open_files(cmd_journal_t *self, uint64_t bytes)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t store = {.dir = self->dir, .bytes = bytes};
    s_make_parents(self->dir);
    pt_status_t status = pt_store_open(&store, &self->store, error);
    if (status != PT_OK)
        return cmd_journal_refuse(status, error);
    self->used_percent = pt_store_usage(self->store).used_percent;
    self->poison = pt_poison_open(self->dir, &self->suspects);
    if (!self->poison) {
        int code = cmd_fail(EX_IOERR, NULL, "cannot map %s/suspects: %s", self->dir, strerror(errno));
        cmd_journal_close(self);
        return code;
    }
    s_give_to_owner(self->dir);
    return EX_OK;
}

int
cmd_journal_open(cmd_journal_t *self, const cmd_journal_options_t *options, pt_pool_options_t *pool)
{
    *self = (cmd_journal_t) {.store = NULL};
    char room[CMD_JOURNAL_PATH_BYTES];
    const char *dir = options->dir ? options->dir : cmd_journal_default(room);
    if (strcmp(dir, "none") == 0)
        return EX_OK;
    snprintf(self->dir, sizeof self->dir, "%s", dir);
    int code = s_open_files(self, options->bytes);
    if (code != EX_OK)
        return code;
    pool->journal = self->store;
    pool->poison = self->poison;
    pool->journal_settled = options->settled;
    pool->commit_jobs = (uint32_t) options->commit_jobs;
    pool->commit_wait_ms = (uint32_t) options->commit_wait_ms;
    pool->advertise = options->advertise;
    cmd_journal_control(self->dir, self->control);
    pool->control = *self->control ? self->control : NULL;
    return EX_OK;
}

void
cmd_journal_close(cmd_journal_t *self)
{
    pt_poison_close(&self->poison);
    pt_store_close(&self->store);
}

void
cmd_journal_announce(const cmd_journal_t *self)
{
    if (!self->store) {
        fprintf(stderr,
                "%-15s none: what is acknowledged is lost when this process dies, a subscriber that was\n"
                "%-15s away cannot fetch what it missed, and a slow one has the rest of drain_timeout to read on\n",
                "JOURNAL", "");
        return;
    }
    pt_store_identity_t identity = pt_store_identity(self->store);
    fprintf(stderr, "%-15s %s (worker %016" PRIx64 ", start %" PRIu64 ", %u %% used)\n", "journal", self->dir,
            identity.worker, identity.incarnation, self->used_percent);
    if (self->suspects)
        fprintf(stderr, "%-15s %zu batches were being read when this worker died\n", "suspects", self->suspects);
}

void
cmd_journal_log(const cmd_journal_t *self)
{
    if (!self->store) {
        pt_log(PT_EVENT_JOURNAL_NONE, PT_LOG_S("journal", "none"));
        return;
    }
    pt_store_identity_t identity = pt_store_identity(self->store);
    char worker[17];
    snprintf(worker, sizeof worker, "%016" PRIx64, identity.worker);
    pt_log(PT_EVENT_JOURNAL_OPENED, PT_LOG_S("dir", self->dir), PT_LOG_S("worker", worker),
           PT_LOG_N("start", identity.incarnation), PT_LOG_N("used_percent", self->used_percent));
    if (self->suspects)
        pt_log(PT_EVENT_JOURNAL_SUSPECTS, PT_LOG_N("batches", self->suspects));
}

int
cmd_journal_explain_failure(const cmd_journal_t *self)
{
    if (pt_log_format() != PT_LOG_TEXT) {
        pt_log(PT_EVENT_JOURNAL_FAILED, PT_LOG_S("dir", self->dir), PT_LOG_S("reason", pt_store_error(self->store)));
        return EX_IOERR;
    }
    return cmd_fail(EX_IOERR, "nothing was acknowledged since; see to the disk, then start again",
                    "the journal in %s failed: %s", self->dir, pt_store_error(self->store));
}
