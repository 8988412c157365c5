/*  What a store does when the disk fails: this program's own fdatasync, pwrite, writev and others stand before
 *  the C library's, and fail at the call that a test asks for.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define S_BYTES (UINT64_C(8) << 20)
#define S_CALLS 60

static int s_calls_left; //  until the one that fails; 0: none does
static int s_reason;
static unsigned s_failed;
static unsigned s_fsyncs_left; //  until the one that fails; 0: none does
static int s_lstat_reason;     //  why none can be looked at; 0: all can
static int s_close_reason;     //  what a close that succeeds leaves in errno, as it may

//  Whether this call is the one. Later ones go well, as on Linux, which tells of a lost write once.
static bool
s_fails(void)
{
    if (s_calls_left == 0 || --s_calls_left > 0)
        return false;
    s_failed++;
    errno = s_reason;
    return true;
}

int close(int fd);
int lstat(const char *path, struct stat *file);
int fdatasync(int fd);
int fsync(int fd);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);
ssize_t writev(int fd, const struct iovec *parts, int count);

int
fdatasync(int fd)
{
    return s_fails() ? -1 : (int) syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    if (s_fsyncs_left == 0 || --s_fsyncs_left > 0)
        return (int) syscall(SYS_fsync, fd);
    errno = s_reason;
    return -1;
}

int
close(int fd)
{
    errno = s_close_reason ? s_close_reason : errno;
    return (int) syscall(SYS_close, fd);
}

int
lstat(const char *path, struct stat *file)
{
    errno = s_lstat_reason;
    return s_lstat_reason ? -1 : fstatat(AT_FDCWD, path, file, AT_SYMLINK_NOFOLLOW);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return s_fails() ? -1 : (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    return s_fails() ? -1 : (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    return s_fails() ? -1 : (ssize_t) syscall(SYS_writev, fd, parts, count);
}

static pt_status_t
s_write_turn(pt_store_t *store, uint64_t turn)
{
    uint64_t first_seq;
    store_part_t part = store_part(turn * 10, 10, 900, true);
    pt_status_t status = pt_store_begin(store);
    if (status == PT_OK)
        status = pt_store_append(store, turn % 2 ? "retry.a." : "retry.b.", &part.part, 1, turn, &first_seq);
    if (status == PT_OK)
        status = pt_store_remember(store, 1, 1, 1, turn, (uint32_t) turn, turn);
    if (status == PT_OK)
        status = pt_store_commit(store);
    else
        pt_store_abort(store);
    store_part_clear(&part);
    return status;
}

static void
s_find_last(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    (void) producer;
    (void) epoch;
    (void) floor;
    (void) crc32;
    uint64_t *last = context;
    if (seq > *last)
        *last = seq;
}

//  Write until the disk fails; what was told durable must be there afterwards, and nothing torn.
static void
s_fail_at(int call, int reason)
{
    char dir[STORE_PATH_BYTES];
    uint64_t told = 0;
    uint64_t last = 0;
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_reason = reason;
    s_failed = 0;
    s_calls_left = call;
    pt_status_t status = PT_OK;
    while (status == PT_OK && told < 50) {
        status = s_write_turn(store, told + 1);
        told += status == PT_OK;
    }
    s_calls_left = 0;
    assert_int_equal(s_failed, 1);
    assert_int_equal(status, PT_E_IO);
    assert_true(*pt_store_error(store));
    //  Dead: the disk works again, and the store does not believe it.
    assert_int_equal(s_write_turn(store, told + 1), PT_E_IO);
    pt_store_close(&store);

    store = store_open(dir, S_BYTES);
    pt_store_view_t *view;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_windows(view, s_find_last, &last), PT_OK);
    pt_store_view_close(&view);
    assert_in_range(last, told, told + 1);
    assert_int_equal(store_expect_sound(store).records, last);
    assert_int_equal(s_write_turn(store, last + 1), PT_OK);
    pt_store_close(&store);
}

static void
store_dies_at_the_first_fault_and_keeps_what_it_told(void **state)
{
    (void) state;
    for (int call = 1; call <= S_CALLS; call++) {
        s_fail_at(call, EIO);
        s_fail_at(call, ENOSPC);
    }
}

//  Begin, append, spoil the file, commit: told as a fault, whatever LMDB says. And nothing goes after it.
static void
s_expect_fault(const char *dir, bool before_begin, void (*spoil)(const char *path), const char *reason)
{
    char path[STORE_PATH_BYTES + 16];
    pt_store_t *store = store_open(dir, S_BYTES);
    store_part_t part = store_part(0, 3, 100, true);
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    store_commit_one(store, "retry.opn.", 0, 3, 100);
    if (before_begin)
        spoil(path);
    pt_status_t status = pt_store_begin(store);
    if (!before_begin) {
        assert_int_equal(status, PT_OK);
        store_append(store, "retry.opn.", &part);
        spoil(path);
        status = pt_store_commit(store);
    }
    assert_int_equal(status, PT_E_IO);
    assert_non_null(strstr(pt_store_error(store), reason));
    assert_int_equal(pt_store_begin(store), PT_E_IO);
    store_part_clear(&part);
    pt_store_close(&store);
}

static void
s_remove(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

//  The folder becomes a file: what the path leads through is no folder any more.
static void
s_make_folder_a_file(const char *path)
{
    char dir[STORE_PATH_BYTES + 16];
    char moved[STORE_PATH_BYTES + 32];
    snprintf(dir, sizeof(dir), "%.*s", (int) (strrchr(path, '/') - path), path);
    snprintf(moved, sizeof(moved), "%s.moved", dir);
    assert_int_equal(rename(dir, moved), 0);
    FILE *file = fopen(dir, "w");
    assert_non_null(file);
    fclose(file);
}

//  As a copy is put back over the file, or an editor writes one.
static void
s_replace(const char *path)
{
    char other[STORE_PATH_BYTES + 32];
    snprintf(other, sizeof(other), "%s.copy", path);
    FILE *copy = fopen(other, "w");
    assert_non_null(copy);
    fclose(copy);
    assert_int_equal(rename(other, path), 0);
}

//  As a backup may keep it: the file has a name still, but not the one that a start looks for.
static void
s_move_to_a_link(const char *path)
{
    char other[STORE_PATH_BYTES + 32];
    snprintf(other, sizeof(other), "%s.link", path);
    unlink(other);
    assert_int_equal(link(path, other), 0);
    assert_int_equal(unlink(path), 0);
}

static void
s_cut(const char *path)
{
    assert_int_equal(truncate(path, S_BYTES / 2), 0);
}

static void
nothing_is_safe_in_a_file_that_somebody_took_away(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    for (int early = 0; early < 2; early++) {
        s_expect_fault(store_dir(dir), early, s_remove, "removed or replaced");
        s_expect_fault(store_dir(dir), early, s_replace, "removed or replaced");
        s_expect_fault(store_dir(dir), early, s_move_to_a_link, "removed or replaced");
        s_expect_fault(store_dir(dir), early, s_make_folder_a_file, "removed or replaced");
        s_expect_fault(store_dir(dir), early, s_cut, "cut");
    }
}

//  A row of commits tells what it has written by the next commit, or by a sync: neither may where the file is gone.
static void
what_was_written_is_not_told_once_the_file_is_gone(void **state)
{
    (void) state;
    for (int by_sync = 0; by_sync < 2; by_sync++) {
        char dir[STORE_PATH_BYTES];
        char path[STORE_PATH_BYTES + 16];
        pt_store_t *store = store_open(store_dir(dir), S_BYTES);
        store_part_t part = store_part(0, 3, 100, true);
        snprintf(path, sizeof(path), "%s/data.mdb", dir);
        assert_int_equal(pt_store_begin(store), PT_OK);
        store_append(store, "retry.opn.", &part);
        if (by_sync)
            assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
        s_remove(path);
        assert_int_equal(by_sync ? pt_store_sync(store) : pt_store_commit_unsynced(store), PT_E_IO);
        assert_non_null(strstr(pt_store_error(store), "removed or replaced"));
        store_part_clear(&part);
        pt_store_close(&store);
    }
}

//  Open while the n-th fsync fails, and every close changes errno. False: it opened, because there are fewer.
static bool
s_is_refused_at(const char *dir, unsigned fsync, int reason, const char *words)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store;
    pt_store_options_t options = {.dir = dir, .bytes = S_BYTES};
    s_fsyncs_left = fsync;
    s_reason = reason;
    s_close_reason = EBADF;
    pt_status_t status = pt_store_open(&options, &store, error);
    int told = errno;
    s_fsyncs_left = 0;
    s_close_reason = 0;
    pt_store_close(&store);
    if (status == PT_OK)
        return false;
    assert_int_equal(status, PT_E_IO);
    assert_int_equal(told, reason);
    assert_non_null(strstr(error, words));
    assert_non_null(strstr(error, strerror(reason)));
    return true;
}

//  The folder in the one above it, the file's room, and the file's name in the folder.
static void
store_does_not_open_when_its_place_cannot_be_made_durable(void **state)
{
    (void) state;
    static const char *const words[] = {"sync", "reserve", "sync"};
    char dir[STORE_PATH_BYTES];
    for (unsigned call = 1; call <= 3; call++)
        assert_true(s_is_refused_at(store_dir(dir), call, call == 2 ? ENOSPC : EIO, words[call - 1]));
    assert_false(s_is_refused_at(store_dir(dir), 4, EIO, ""));
    //  One that is there already may have been made for less.
    assert_true(s_is_refused_at(dir, 1, EDQUOT, "reserve"));
    assert_false(s_is_refused_at(dir, 2, EIO, ""));
}

//  A journal that lies on another disk, by a link: what is not there now is not gone, and nothing takes its place.
static void
a_link_that_leads_nowhere_is_no_place_for_a_new_journal(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    char disk[STORE_PATH_BYTES + 16];
    char away[STORE_PATH_BYTES + 32];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    uint64_t epoch = pt_store_identity(store).epoch;
    pt_store_close(&store);
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    snprintf(disk, sizeof(disk), "%s/disk.mdb", dir);
    snprintf(away, sizeof(away), "%s.away", disk);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(symlink(disk, path), 0);
    pt_store_options_t options = {.dir = dir, .bytes = S_BYTES};
    assert_int_equal(pt_store_open(&options, &store, error), PT_E_IO);
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(error, path));
    assert_int_equal(rename(away, disk), 0);
    store = store_open(dir, S_BYTES);
    assert_int_equal(pt_store_identity(store).epoch, epoch);
    assert_int_equal(pt_store_identity(store).incarnation, 2);
    pt_store_close(&store);
}

//  Nor is a name that the disk does not tell of.
static void
where_nobody_can_look_nothing_is_made(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store;
    pt_store_options_t options = {.dir = store_dir(dir), .bytes = S_BYTES};
    s_lstat_reason = EIO;
    pt_status_t status = pt_store_open(&options, &store, error);
    int told = errno;
    s_lstat_reason = 0;
    assert_int_equal(status, PT_E_IO);
    assert_int_equal(told, EIO);
    assert_non_null(strstr(error, "look for"));
    store = store_open(dir, S_BYTES);
    assert_int_equal(pt_store_identity(store).incarnation, 1);
    pt_store_close(&store);
}

//  Both of LMDB's first pages, from `offset` on in each; the map is of the file, so LMDB sees it at once.
static void
s_spoil_metas(const char *dir, off_t offset, const void *bytes, size_t len)
{
    char path[STORE_PATH_BYTES + 16];
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (int page = 0; page < 2; page++)
        assert_int_equal(pwrite(fd, bytes, len, page * sysconf(_SC_PAGESIZE) + offset), len);
    close(fd);
}

//  The root of the tree of databases: behind a page's header, magic, version, address, size, and the first tree.
#define S_ROOT_OFFSET 128

static void
a_tree_that_leads_nowhere_is_damage_and_no_fault_of_the_disk(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    const uint64_t nowhere = UINT64_C(0xffffffff);
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    store_commit_one(store, "retry.opn.", 0, 3, 100);
    pt_store_close(&store);
    s_spoil_metas(dir, S_ROOT_OFFSET, &nowhere, sizeof(nowhere));
    for (int read_only = 0; read_only < 2; read_only++) {
        pt_store_options_t options = {.dir = dir, .bytes = read_only ? 0 : S_BYTES, .read_only = read_only};
        assert_int_equal(pt_store_open(&options, &store, error), PT_E_CHECKSUM);
        assert_non_null(strstr(error, "damaged"));
    }
}

static void
what_lmdb_asserts_on_ends_with_a_reason_and_no_abort(void **state)
{
    (void) state;
    static const char nothing[4096];
    char dir[STORE_PATH_BYTES];
    int how;
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    store_commit_one(store, "retry.opn.", 0, 3, 100);
    pt_store_close(&store);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        store = store_open(dir, S_BYTES);
        s_spoil_metas(dir, 0, nothing, sizeof(nothing));
        store_commit_one(store, "retry.opn.", 0, 3, 100);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), EX_DATAERR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_dies_at_the_first_fault_and_keeps_what_it_told),
        cmocka_unit_test(a_tree_that_leads_nowhere_is_damage_and_no_fault_of_the_disk),
        cmocka_unit_test(what_lmdb_asserts_on_ends_with_a_reason_and_no_abort),
        cmocka_unit_test(nothing_is_safe_in_a_file_that_somebody_took_away),
        cmocka_unit_test(what_was_written_is_not_told_once_the_file_is_gone),
        cmocka_unit_test(a_link_that_leads_nowhere_is_no_place_for_a_new_journal),
        cmocka_unit_test(where_nobody_can_look_nothing_is_made),
        cmocka_unit_test(store_does_not_open_when_its_place_cannot_be_made_durable),
    };
    return cmocka_run_group_tests_name("pt_store_disk", tests, store_setup, store_teardown);
}
