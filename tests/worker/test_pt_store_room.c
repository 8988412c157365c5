/*  How records are cut, and where the pages of a commit lie: this program's own calls stand before the C library's and
 *  count the pieces that a commit gives to the disk.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define S_BYTES (UINT64_C(64) << 20)
#define S_TOPICS 12
#define S_PAGE_BYTES 4096

static unsigned s_pieces;

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);
ssize_t writev(int fd, const struct iovec *pieces, int count);

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    s_pieces += len >= S_PAGE_BYTES;
    return (ssize_t) syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite64(fd, bytes, len, offset);
}

ssize_t
writev(int fd, const struct iovec *pieces, int count)
{
    s_pieces++;
    return (ssize_t) syscall(SYS_writev, fd, pieces, count);
}

static const char *
s_topic(char out[32], uint64_t number)
{
    snprintf(out, 32, "retry.gateway%u.", (unsigned) (number % S_TOPICS));
    return out;
}

//  One commit in a row of decisions of some of the topics, as of a batch of 16; others each time.
static pt_status_t
s_commit(pt_store_t *store, uint64_t turn, size_t filler)
{
    char topic[32];
    uint64_t seed = turn * 2 + 1;
    pt_status_t status = pt_store_begin(store);
    for (unsigned i = 0; i < S_TOPICS && status == PT_OK; i++) {
        if (store_random(&seed) % 3 == 0)
            continue;
        uint64_t first_seq;
        store_part_t part = store_part(turn, 1 + (uint32_t) (store_random(&seed) % 3), filler, false);
        status = pt_store_append(store, s_topic(topic, i), &part.part, 1, turn, &first_seq);
        store_part_clear(&part);
    }
    if (status == PT_OK)
        status = pt_store_remember(store, 1, 1, turn > 50 ? turn - 50 : 1, turn, (uint32_t) turn, turn);
    if (status == PT_OK)
        return pt_store_commit_unsynced(store);
    pt_store_abort(store);
    return status;
}

//  The middle number of pieces of the turns from `first` to `last`.
static unsigned
s_median_pieces(pt_store_t *store, uint64_t first, uint64_t last)
{
    unsigned counts[64] = {0};
    for (uint64_t turn = first; turn <= last; turn++) {
        s_pieces = 0;
        assert_int_equal(s_commit(store, turn, 400), PT_OK);
        counts[s_pieces < 63 ? s_pieces : 63]++;
    }
    unsigned median = 0;
    for (uint64_t left = (last - first + 1) / 2; left >= counts[median]; median++)
        left -= counts[median];
    return median;
}

static void
commit_goes_to_the_disk_in_few_pieces(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    unsigned pieces = s_median_pieces(store, 1, 600);
    //  8; and 15 where LMDB chooses the pages by itself.
    if (pieces > 10)
        fail_msg("%u pieces", pieces);
    assert_int_equal(pt_store_sync(store), PT_OK);
    store_expect_sound(store);
    pt_store_close(&store);
}

//  It is not gathered for those who have nothing to keep: such a commit writes nothing at all.
static void
empty_commit_takes_no_pages(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    assert_int_equal(s_commit(store, 1, 400), PT_OK);
    assert_int_equal(pt_store_sync(store), PT_OK);
    s_pieces = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
    }
    assert_int_equal(s_pieces, 0);
    pt_store_close(&store);
}

//  As the journal's stage does it: trimming takes pages first, so less is tried where there are few.
static void
s_trim_hard(pt_store_t *store)
{
    pt_status_t status = PT_E_SPACE;
    for (size_t bytes = 1u << 18; status == PT_E_SPACE && bytes > 0; bytes /= 8) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        status = pt_store_trim_hard(store, bytes);
        if (status == PT_OK)
            status = pt_store_commit(store);
        else
            pt_store_abort(store);
    }
    assert_int_equal(status, PT_OK);
}

//  What is kept from being used is given up before anybody is refused.
static void
full_file_has_no_pages_put_by(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    uint64_t turn = 0;
    pt_status_t status = PT_OK;
    pt_store_t *store = store_open(store_dir(dir), UINT64_C(16) << 20);
    while (status == PT_OK)
        status = s_commit(store, ++turn, 4000);
    assert_int_equal(status, PT_E_SPACE);
    pt_store_usage_t usage = pt_store_usage(store);
    if (usage.used_percent < 97)
        fail_msg("%u %% are used", usage.used_percent);
    //  And what is trimmed can be used soon, though commits go on to find no room in between.
    unsigned refused = 0;
    for (unsigned i = 0; i < 200; i++) {
        s_trim_hard(store);
        status = s_commit(store, ++turn, 4000);
        assert_true(status == PT_OK || status == PT_E_SPACE);
        refused += status != PT_OK;
    }
    assert_true(refused < 5);
    assert_int_equal(pt_store_sync(store), PT_OK);
    store_expect_sound(store);
    pt_store_close(&store);
}

//  The keeper is a view; where all places of views are taken, commits go on without.
static void
views_may_take_all_places(void **state)
{
    (void) state;
    enum { S_PLACES = 126 };
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    pt_store_view_t *taken[S_PLACES];
    for (unsigned i = 0; i < S_PLACES; i++)
        assert_int_equal(pt_store_view_open(store, &taken[i]), PT_OK);
    for (uint64_t turn = 1; turn < 40; turn++)
        assert_int_equal(s_commit(store, turn, 400), PT_OK);
    for (unsigned i = 0; i < S_PLACES; i++)
        pt_store_view_close(&taken[i]);
    for (uint64_t turn = 40; turn < 80; turn++)
        assert_int_equal(s_commit(store, turn, 400), PT_OK);
    assert_int_equal(pt_store_sync(store), PT_OK);
    store_expect_sound(store);
    pt_store_close(&store);
}

//  A view that stays open sees the same to its end, whatever pools come and go.
static void
pool_leaves_alone_what_a_view_sees(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char topic[32];
    pt_store_head_t before, after;
    pt_store_view_t *view;
    pt_store_t *store = store_open(store_dir(dir), UINT64_C(16) << 20);
    for (uint64_t turn = 1; turn <= 30; turn++)
        assert_int_equal(s_commit(store, turn, 400), PT_OK);
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_head(view, s_topic(topic, 0), &before), PT_OK);
    for (uint64_t turn = 31; turn <= 150; turn++)
        assert_int_equal(s_commit(store, turn, 400), PT_OK);
    assert_int_equal(pt_store_view_head(view, topic, &after), PT_OK);
    assert_int_equal(after.next_seq, before.next_seq);
    assert_int_equal(pt_store_view_seek(view, topic, 1), PT_OK);
    pt_store_record_t record;
    pt_status_t status;
    static uint8_t items[PT_BATCH_BYTES_MAX];
    uint64_t next_seq = 1;
    while ((status = pt_store_view_next(view, &record)) == PT_OK) {
        assert_int_equal(pt_store_view_items(view, items), PT_OK);
        next_seq = record.first_seq + record.count;
    }
    assert_int_equal(status, PT_E_NOT_FOUND);
    assert_int_equal(next_seq, before.next_seq);
    pt_store_view_close(&view);
    pt_store_close(&store);
}

//  ---- records

//  Around each length at which a record is cut in another way.
static const size_t s_lengths[] = {1950, 2019, 3000, 3060, 4000, 4080, 6040, 6099, 8160, 12240};
#define S_LENGTHS (sizeof(s_lengths) / sizeof(s_lengths[0]))
#define S_AROUND 48

static void
s_expect_record(pt_store_view_t *view, const store_part_t *part, uint64_t seq)
{
    static uint8_t bytes[PT_BATCH_BYTES_MAX];
    pt_store_record_t record;
    assert_int_equal(pt_store_view_seek(view, "retry.opn.", seq), PT_OK);
    assert_int_equal(pt_store_view_next(view, &record), PT_OK);
    assert_int_equal(record.items_bytes, part->part.items.len);
    assert_int_equal(record.responses_bytes, part->part.responses.len);
    assert_int_equal(pt_store_view_items(view, bytes), PT_OK);
    assert_memory_equal(bytes, part->items, part->part.items.len);
    if (!record.responses_bytes)
        return;
    assert_int_equal(pt_store_view_responses(view, bytes), PT_OK);
    assert_memory_equal(bytes, part->responses, part->part.responses.len);
}

static store_part_t
s_part_of(uint64_t number)
{
    size_t filler = s_lengths[number / (2 * S_AROUND) % S_LENGTHS] - S_AROUND + number % (2 * S_AROUND);
    return store_part(number, 1, filler - 40, number % 3 == 0);
}

static void
record_of_any_length_comes_back_and_goes(void **state)
{
    (void) state;
    enum { S_RECORDS = 2 * S_AROUND * S_LENGTHS };
    char dir[STORE_PATH_BYTES];
    pt_store_view_t *view;
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    for (uint64_t number = 0; number < S_RECORDS; number++) {
        store_part_t part = s_part_of(number);
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(store_append(store, "retry.opn.", &part), number + 1);
        assert_int_equal(pt_store_commit_unsynced(store), PT_OK);
        store_part_clear(&part);
    }
    assert_int_equal(pt_store_sync(store), PT_OK);
    assert_int_equal(store_expect_sound(store).decisions, S_RECORDS);
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    for (uint64_t number = 0; number < S_RECORDS; number++) {
        store_part_t part = s_part_of(number);
        s_expect_record(view, &part, number + 1);
        store_part_clear(&part);
    }
    pt_store_view_close(&view);
    for (uint64_t seq = 7; seq <= S_RECORDS + 1; seq += 7) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_discard(store, "retry.opn.", seq, true, SIZE_MAX), PT_OK);
        assert_int_equal(pt_store_commit(store), PT_OK);
    }
    assert_in_range(store_expect_sound(store).decisions, 0, 7);
    pt_store_close(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(record_of_any_length_comes_back_and_goes, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(commit_goes_to_the_disk_in_few_pieces, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(empty_commit_takes_no_pages, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(full_file_has_no_pages_put_by, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(views_may_take_all_places, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(pool_leaves_alone_what_a_view_sees, store_setup, store_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
