/*  Commits in a row, each made durable by the next, and pages that are prepared: this program's own calls stand before
 *  the C library's and count, or fail.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define S_BYTES (UINT64_C(8) << 20)
#define S_TOPIC "retry.opn."

static unsigned s_syncs;
static int s_sync_reason;  //  of the next one
static int s_write_reason; //  of the next one that is far behind

int fdatasync(int fd);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);

int
fdatasync(int fd)
{
    s_syncs++;
    errno = s_sync_reason;
    s_sync_reason = 0;
    return errno ? -1 : (int) syscall(SYS_fdatasync, fd);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    if (s_write_reason && offset > (off64_t) S_BYTES / 2) {
        errno = s_write_reason;
        s_write_reason = 0;
        return -1;
    }
    return (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite64(fd, bytes, len, offset);
}

//  Three decisions in a transaction that is not synced.
static void
s_commit_unsynced(pt_store_t *store, const char *topic, uint64_t start)
{
    store_part_t part = store_part(start, 3, 100, false);
    assert_int_equal(pt_store_begin(store), PT_OK);
    store_append(store, topic, &part);
    assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
    store_part_clear(&part);
}

//  next_seq as a view shows it; the records below it can be read, and nothing behind them.
static uint64_t
s_shown(pt_store_t *store, const char *topic)
{
    pt_store_view_t *view;
    pt_store_head_t head;
    pt_store_record_t record;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_head(view, topic, &head), PT_OK);
    assert_in_range(head.first_retained, 1, head.next_seq);
    assert_int_equal(pt_store_view_seek(view, topic, head.next_seq), PT_E_NOT_FOUND);
    uint64_t next_seq = head.first_retained;
    if (next_seq < head.next_seq)
        assert_int_equal(pt_store_view_seek(view, topic, next_seq), PT_OK);
    while (next_seq < head.next_seq) {
        assert_int_equal(pt_store_view_next(view, &record), PT_OK);
        next_seq += record.count;
    }
    assert_int_equal(next_seq, head.next_seq);
    pt_store_view_close(&view);
    return head.next_seq;
}

static void
view_shows_what_the_next_commit_or_a_sync_has_made_durable(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_commit_unsynced(store, S_TOPIC, 0);
    assert_int_equal(s_shown(store, S_TOPIC), 1);
    s_commit_unsynced(store, S_TOPIC, 3);
    assert_int_equal(s_shown(store, S_TOPIC), 4);
    //  Another topic's commit does as well.
    s_commit_unsynced(store, "retry.b.", 0);
    assert_int_equal(s_shown(store, S_TOPIC), 7);
    assert_int_equal(s_shown(store, "retry.b."), 1);
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(s_shown(store, "retry.b."), 4);
    //  And one that waits for itself.
    s_commit_unsynced(store, S_TOPIC, 6);
    store_commit_one(store, "retry.b.", 3, 3, 100);
    assert_int_equal(s_shown(store, S_TOPIC), 10);
    assert_int_equal(s_shown(store, "retry.b."), 7);
    store_expect_sound(store);
    pt_store_close(&store);
    //  Whoever comes next finds all of it.
    store = store_open(dir, S_BYTES);
    assert_int_equal(s_shown(store, S_TOPIC), 10);
    pt_store_close(&store);
}

static void
view_stays_as_it_is_while_what_it_hides_becomes_durable(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_view_t *view;
    pt_store_head_t head;
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    store_commit_one(store, S_TOPIC, 0, 3, 100);
    s_commit_unsynced(store, S_TOPIC, 3);
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_head(view, S_TOPIC, &head), PT_OK);
    assert_int_equal(head.next_seq, 4);
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(pt_store_view_head(view, S_TOPIC, &head), PT_OK);
    assert_int_equal(head.next_seq, 4);
    pt_store_record_t record;
    assert_int_equal(pt_store_view_seek(view, S_TOPIC, 4), PT_E_NOT_FOUND);
    assert_int_equal(pt_store_view_seek(view, S_TOPIC, 1), PT_OK);
    assert_int_equal(pt_store_view_next(view, &record), PT_OK);
    assert_int_equal(pt_store_view_next(view, &record), PT_E_NOT_FOUND);
    pt_store_view_close(&view);
    assert_int_equal(s_shown(store, S_TOPIC), 7);
    pt_store_close(&store);
}

static void
position_of_what_is_not_durable_is_the_end_of_what_is(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_view_t *view;
    uint64_t position;
    store_part_t part = store_part(0, 3, 100, false);
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    //  A subscriber that was not given any of it.
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_subscribe(store, "hasty", true, NULL, 0, 1), PT_OK);
    store_append(store, S_TOPIC, &part);
    assert_int_equal(pt_store_position(store, "hasty", S_TOPIC, 4, 1), PT_OK);
    assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
    for (unsigned synced = 0; synced < 2; synced++) {
        assert_int_equal(pt_store_view_open(store, &view), PT_OK);
        assert_int_equal(pt_store_view_position(view, "hasty", S_TOPIC, &position), PT_OK);
        assert_int_equal(position, synced ? 4 : 1);
        pt_store_view_close(&view);
        assert_int_equal(pt_store_sync(store), PT_OK);
    }
    store_part_clear(&part);
    pt_store_close(&store);
}

static void
each_commit_of_a_row_waits_for_the_disk_once(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_syncs = 0;
    for (unsigned i = 1; i <= 10; i++) {
        s_commit_unsynced(store, S_TOPIC, 3 * i);
        assert_int_equal(s_syncs, i);
    }
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(s_syncs, 11);
    pt_store_close(&store);
}

static void
commit_that_changes_nothing_makes_durable_what_came_before(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_commit_unsynced(store, S_TOPIC, 0);
    s_syncs = 0;
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
    assert_int_equal(s_syncs, 1);
    assert_int_equal(s_shown(store, S_TOPIC), 4);
    //  A journal in which nothing may be trimmed tries it all day.
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(s_syncs, 1);
    pt_store_close(&store);
}

static void
undone_commit_leaves_what_came_before_unsynced(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    store_part_t part = store_part(3, 3, 100, false);
    s_commit_unsynced(store, S_TOPIC, 0);
    assert_int_equal(pt_store_begin(store), PT_OK);
    store_append(store, S_TOPIC, &part);
    pt_store_abort(store);
    assert_int_equal(s_shown(store, S_TOPIC), 1);
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(s_shown(store, S_TOPIC), 4);
    store_part_clear(&part);
    pt_store_close(&store);
}

static void
disk_that_fails_to_sync_ends_the_store(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_commit_unsynced(store, S_TOPIC, 0);
    s_sync_reason = EIO;
    assert_int_equal(pt_store_sync(store), PT_E_IO);
    assert_non_null(strstr(pt_store_error(store), "sync"));
    assert_int_equal(s_shown(store, S_TOPIC), 1);
    //  Linux tells of it once.
    assert_int_equal(pt_store_sync(store), PT_E_IO);
    assert_int_equal(pt_store_begin(store), PT_E_IO);
    pt_store_close(&store);
}

static uint64_t
s_first_hole(const char *dir)
{
    char path[STORE_PATH_BYTES + 16];
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    off_t hole = lseek(fd, 0, SEEK_HOLE);
    close(fd);
    assert_true(hole > 0);
    return (uint64_t) hole;
}

static void
prepared_pages_are_free_ones_and_in_time_all_of_them(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    uint64_t decisions = 0;
    //  Between commits that go on taking pages, at their side and behind them.
    for (unsigned i = 0; pt_store_wants_prepare(store); i++) {
        assert_true(i < 1000);
        uint64_t hole = s_first_hole(dir);
        store_commit_one(store, S_TOPIC, decisions, 10, 5000);
        decisions += 10;
        assert_int_equal(pt_store_prepare(store, 512 << 10), PT_OK);
        assert_true(s_first_hole(dir) > hole || !pt_store_wants_prepare(store));
    }
    assert_int_equal(s_first_hole(dir), S_BYTES);
    assert_int_equal(store_expect_sound(store).decisions, decisions);
    pt_store_close(&store);
    //  Known by whoever opens it again.
    store = store_open(dir, S_BYTES);
    s_syncs = 0;
    if (pt_store_wants_prepare(store))
        assert_int_equal(pt_store_prepare(store, 1), PT_OK);
    assert_false(pt_store_wants_prepare(store));
    assert_int_equal(s_syncs, 0);
    assert_int_equal(store_expect_sound(store).decisions, decisions);
    pt_store_close(&store);
}

//  Made for more, and opened for less.
static void
pages_that_are_never_used_are_not_prepared(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), 4 * S_BYTES);
    pt_store_close(&store);
    store = store_open(dir, S_BYTES);
    while (pt_store_wants_prepare(store))
        assert_int_equal(pt_store_prepare(store, 1 << 20), PT_OK);
    assert_int_equal(s_first_hole(dir), S_BYTES);
    pt_store_close(&store);
}

static void
page_that_cannot_be_prepared_harms_nobody(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_write_reason = ENOSPC;
    assert_int_equal(pt_store_prepare(store, SIZE_MAX), PT_OK);
    assert_int_equal(s_write_reason, 0);
    assert_false(pt_store_wants_prepare(store));
    store_commit_one(store, S_TOPIC, 0, 3, 100);
    store_expect_sound(store);
    pt_store_close(&store);
}

static void
disk_that_fails_while_pages_are_prepared_ends_the_store(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    s_sync_reason = EIO;
    assert_int_equal(pt_store_prepare(store, 1 << 20), PT_E_IO);
    assert_false(pt_store_wants_prepare(store));
    assert_int_equal(pt_store_prepare(store, 1 << 20), PT_E_IO);
    assert_int_equal(pt_store_begin(store), PT_E_IO);
    pt_store_close(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_shows_what_the_next_commit_or_a_sync_has_made_durable),
        cmocka_unit_test(view_stays_as_it_is_while_what_it_hides_becomes_durable),
        cmocka_unit_test(position_of_what_is_not_durable_is_the_end_of_what_is),
        cmocka_unit_test(each_commit_of_a_row_waits_for_the_disk_once),
        cmocka_unit_test(commit_that_changes_nothing_makes_durable_what_came_before),
        cmocka_unit_test(undone_commit_leaves_what_came_before_unsynced),
        cmocka_unit_test(disk_that_fails_to_sync_ends_the_store),
        cmocka_unit_test(prepared_pages_are_free_ones_and_in_time_all_of_them),
        cmocka_unit_test(pages_that_are_never_used_are_not_prepared),
        cmocka_unit_test(page_that_cannot_be_prepared_harms_nobody),
        cmocka_unit_test(disk_that_fails_while_pages_are_prepared_ends_the_store),
    };
    return cmocka_run_group_tests_name("pt_store_sync", tests, store_setup, store_teardown);
}
