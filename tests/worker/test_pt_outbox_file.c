/*  The outbox file: what is synced comes back, what is torn goes, what is damaged is refused, and a
 *  process that ends at any system call loses nothing that it was told is safe.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pt_outbox_file.h"

static char s_directory[64];
static char s_path[96];

//  The linker sends the file's system calls here: at call `s_calls_left` 0 something happens.
static long s_calls_left = -1;
static enum { AT_CALL_EXIT, AT_CALL_TEAR, AT_CALL_FAIL } s_at_call;

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static bool
s_is_the_call(void)
{
    return s_calls_left >= 0 && s_calls_left-- == 0;
}

ssize_t
__wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (!s_is_the_call())
        return __real_pwrite(fd, bytes, len, offset);
    if (s_at_call == AT_CALL_FAIL) {
        errno = ENOSPC;
        return -1;
    }
    if (s_at_call == AT_CALL_TEAR && len > 1)
        (void) !__real_pwrite(fd, bytes, len / 2, offset);
    _exit(7);
}

int
__wrap_fdatasync(int fd)
{
    if (!s_is_the_call())
        return __real_fdatasync(fd);
    if (s_at_call == AT_CALL_FAIL) {
        errno = EIO;
        return -1;
    }
    _exit(7);
}

int
__wrap_rename(const char *from, const char *to)
{
    if (!s_is_the_call())
        return __real_rename(from, to);
    if (s_at_call == AT_CALL_FAIL) {
        errno = EXDEV;
        return -1;
    }
    _exit(7);
}

//  Of a directory.
int
__wrap_fsync(int fd)
{
    if (!s_is_the_call())
        return __real_fsync(fd);
    if (s_at_call == AT_CALL_FAIL) {
        errno = EROFS;
        return -1;
    }
    _exit(7);
}

static int
s_setup(void **state)
{
    (void) state;
    //  In memory where there is such a place: what is tested are the calls, not the disk.
    bool memory = access("/dev/shm", W_OK) == 0;
    snprintf(s_directory, sizeof s_directory, "%s/paytriage-test-XXXXXX", memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(s_directory))
        return -1;
    snprintf(s_path, sizeof s_path, "%s/outbox", s_directory);
    return 0;
}

static int
s_teardown(void **state)
{
    (void) state;
    char leftover[112];
    snprintf(leftover, sizeof leftover, "%s.new", s_path);
    unlink(leftover);
    unlink(s_path);
    return rmdir(s_directory);
}

static pt_outbox_file_t *
s_open(pt_outbox_file_state_t *out_state)
{
    pt_outbox_file_t *file = pt_outbox_file_open(s_path, out_state);
    assert_non_null(file);
    return file;
}

//  A file and its outbox, as a producer has them.
typedef struct {
    pt_outbox_file_t *file;
    pt_outbox_t *outbox;
} pair_t;

static pair_t
s_begin(void)
{
    pt_outbox_file_state_t state;
    pt_outbox_options_t options = {.producer = 7, .epoch = 9, .window = PT_WINDOW, .stored = true};
    unlink(s_path);
    pair_t pair = {s_open(&state), pt_outbox_new(&options)};
    assert_true(state.fresh);
    assert_int_equal(pt_outbox_file_begin(pair.file, 7, 9), PT_OK);
    assert_non_null(pair.outbox);
    return pair;
}

static void
s_end(pair_t *pair)
{
    pt_outbox_file_close(&pair->file);
    pt_outbox_destroy(&pair->outbox);
}

//  One batch of two responses; its bytes tell its seq.
static pt_status_t
s_add(pair_t *pair, size_t bytes)
{
    uint64_t seq = pt_outbox_next(pair->outbox);
    uint8_t *response = malloc(bytes);
    assert_non_null(response);
    memset(response, (int) (seq % 251), bytes);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pt_outbox_put(pair->outbox, (pt_bytes_t) {response, bytes}), PT_OK);
    free(response);
    pt_outbox_seal(pair->outbox);
    pt_outbox_batch_t batch;
    assert_true(pt_outbox_batch(pair->outbox, seq, &batch));
    return pt_outbox_file_add(pair->file, &batch, (pt_outbox_cover_t) {2 * seq, seq * 1000});
}

static void
s_answer(pair_t *pair, uint64_t first, uint64_t last)
{
    pt_ack_t ack = {.producer = 7, .epoch = 9, .range_count = 1, .ranges = {{first, last}}};
    pt_outbox_ack(pair->outbox, &ack, 0);
}

//  What an outbox holds after it was restored from the file: bit seq - 1 of each that is open.
static uint64_t
s_reopen(pt_outbox_file_state_t *out_state)
{
    pt_outbox_file_t *file = s_open(out_state);
    pt_outbox_options_t options = {.producer = 7, .epoch = 9, .next = out_state->next, .window = PT_WINDOW};
    pt_outbox_t *outbox = pt_outbox_new(&options);
    assert_non_null(outbox);
    assert_int_equal(pt_outbox_file_restore(file, outbox), PT_OK);
    uint64_t bits = 0;
    for (uint64_t seq = 1; seq < out_state->next && seq <= 64; seq++) {
        pt_outbox_batch_t batch;
        if (!pt_outbox_batch(outbox, seq, &batch))
            continue;
        bits |= UINT64_C(1) << (seq - 1);
        assert_int_equal(batch.header.count, 2);
        assert_int_equal(batch.first, 2 * seq - 2);
        assert_int_equal(batch.payload.data[batch.payload.len - 1], seq % 251);
    }
    pt_outbox_destroy(&outbox);
    pt_outbox_file_close(&file);
    return bits;
}

static void
a_new_file_is_fresh_and_private(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    struct stat info;
    assert_int_equal(stat(s_path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    s_end(&pair);
    pt_outbox_file_state_t found;
    assert_int_equal(s_reopen(&found), 0);
    assert_false(found.fresh);
    assert_int_equal(found.producer, 7);
    assert_int_equal(found.epoch, 9);
    assert_int_equal(found.next, 1);
    assert_int_equal(found.cut_bytes, 0);
}

static void
unanswered_batches_come_back(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    for (int i = 0; i < 6; i++)
        assert_int_equal(s_add(&pair, 100), PT_OK);
    assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
    s_answer(&pair, 1, 2);
    s_answer(&pair, 4, 4);
    s_answer(&pair, 6, 6);
    assert_int_equal(pt_outbox_file_answered(pair.file, pair.outbox), PT_OK);
    s_end(&pair);
    pt_outbox_file_state_t found;
    assert_int_equal(s_reopen(&found), 0x14); //  3 and 5
    assert_int_equal(found.next, 7);
    assert_int_equal(found.batches, 2);
    assert_int_equal(found.cover.responses, 12);
    assert_int_equal(found.cover.hash, 6000);
    assert_false(found.complete);
}

static void
complete_means_all_answered_and_the_input_at_its_end(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    assert_int_equal(s_add(&pair, 100), PT_OK);
    assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
    s_answer(&pair, 1, 1);
    assert_int_equal(pt_outbox_file_answered(pair.file, pair.outbox), PT_OK);
    assert_int_equal(pt_outbox_file_complete(pair.file), PT_OK);
    pt_outbox_file_state_t found;
    s_end(&pair);
    assert_int_equal(s_reopen(&found), 0);
    assert_true(found.complete);
    assert_int_equal(found.cover.responses, 2);
}

static void
a_second_process_is_refused(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    pt_outbox_file_state_t found;
    assert_null(pt_outbox_file_open(s_path, &found));
    assert_int_equal(errno, EWOULDBLOCK);
    s_end(&pair);
    pt_outbox_file_t *file = s_open(&found);
    pt_outbox_file_close(&file);
}

static void
s_read_file(uint8_t **out_bytes, size_t *out_len)
{
    struct stat info;
    int fd = open(s_path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &info) == 0);
    *out_len = (size_t) info.st_size;
    *out_bytes = malloc(*out_len);
    assert_non_null(*out_bytes);
    assert_int_equal(read(fd, *out_bytes, *out_len), *out_len);
    close(fd);
}

static void
s_write_file(const uint8_t *bytes, size_t len)
{
    int fd = open(s_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void
a_file_cut_anywhere_keeps_what_was_whole(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    size_t ends[4] = {0};
    uint8_t *bytes;
    size_t len;
    for (int i = 0; i < 4; i++) {
        s_read_file(&bytes, &ends[i]);
        free(bytes);
        if (i < 3)
            assert_int_equal(s_add(&pair, 40), PT_OK);
    }
    s_end(&pair);
    s_read_file(&bytes, &len);
    assert_int_equal(len, ends[3]);
    for (size_t cut = ends[0]; cut <= len; cut++) {
        pt_outbox_file_state_t found;
        s_write_file(bytes, cut);
        uint64_t whole = cut >= ends[3] ? 7 : cut >= ends[2] ? 3 : cut >= ends[1] ? 1 : 0;
        size_t end = cut >= ends[3] ? ends[3] : cut >= ends[2] ? ends[2] : cut >= ends[1] ? ends[1] : ends[0];
        assert_int_equal(s_reopen(&found), whole);
        assert_int_equal(found.cut_bytes, cut - end);
        //  The tail is gone for good: the next time there is nothing to cut.
        assert_int_equal(s_reopen(&found), whole);
        assert_int_equal(found.cut_bytes, 0);
    }
    free(bytes);
}

//  Each bit of a synced part, with a record behind it that knows that it was synced.
static void
every_flipped_bit_of_what_was_synced_is_found(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    uint8_t *bytes;
    size_t synced, len;
    for (int i = 0; i < 2; i++)
        assert_int_equal(s_add(&pair, 20), PT_OK);
    assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
    s_read_file(&bytes, &synced);
    free(bytes);
    assert_int_equal(s_add(&pair, 20), PT_OK);
    s_end(&pair);
    s_read_file(&bytes, &len);
    for (size_t bit = 0; bit < 8 * synced; bit++) {
        pt_outbox_file_state_t found;
        bytes[bit / 8] ^= (uint8_t) (1u << (bit % 8));
        s_write_file(bytes, len);
        assert_null(pt_outbox_file_open(s_path, &found));
        assert_int_equal(errno, EBADMSG);
        bytes[bit / 8] ^= (uint8_t) (1u << (bit % 8));
    }
    free(bytes);
}

static void
a_file_of_another_kind_is_refused_and_left_alone(void **state)
{
    (void) state;
    const char text[] = "{\"id\":\"r1\"}\n";
    pt_outbox_file_state_t found;
    s_write_file((const uint8_t *) text, sizeof text - 1);
    assert_null(pt_outbox_file_open(s_path, &found));
    assert_int_equal(errno, EBADMSG);
    uint8_t *bytes;
    size_t len;
    s_read_file(&bytes, &len);
    assert_int_equal(len, sizeof text - 1);
    assert_memory_equal(bytes, text, len);
    free(bytes);
    unlink(s_path);
    assert_int_equal(mkdir(s_path, 0700), 0);
    assert_null(pt_outbox_file_open(s_path, &found));
    assert_int_equal(errno, EISDIR);
    rmdir(s_path);
}

//  More is written than a file may hold: it is written anew, and the open batch of the start is
//  still there.
static void
a_long_life_stays_small(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    struct stat info;
    for (uint64_t seq = 1; seq <= 200; seq++) {
        assert_int_equal(s_add(&pair, 200 * 1024), PT_OK);
        assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
        if (seq > 3)
            s_answer(&pair, seq, seq);
        assert_int_equal(pt_outbox_file_answered(pair.file, pair.outbox), PT_OK);
        assert_int_equal(stat(s_path, &info), 0);
        assert_true(info.st_size < (off_t) PT_OUTBOX_FILE_BYTES_SOFT + 1024 * 1024);
    }
    //  Still locked, although the file is another one now.
    pt_outbox_file_state_t found;
    assert_null(pt_outbox_file_open(s_path, &found));
    assert_int_equal(errno, EWOULDBLOCK);
    s_end(&pair);
    assert_int_equal(s_reopen(&found), 7);
    assert_int_equal(found.next, 201);
    assert_int_equal(found.cover.responses, 400);
}

//  The disk has turned a bit of a batch that waits. Written anew without it, the file would lose it without a word.
static void
a_batch_that_the_disk_damaged_ends_the_rewriting(void **state)
{
    (void) state;
    static const uint8_t other = 0xff;
    pair_t pair = s_begin();
    struct stat before, after;
    assert_int_equal(stat(s_path, &before), 0);
    assert_int_equal(s_add(&pair, 100), PT_OK);
    int fd = open(s_path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(__real_pwrite(fd, &other, 1, before.st_size + 100), 1);
    close(fd);
    pt_status_t status = PT_OK;
    for (uint64_t seq = 2; status == PT_OK && seq <= 200; seq++) {
        assert_int_equal(s_add(&pair, 200 * 1024), PT_OK);
        assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
        s_answer(&pair, seq, seq);
        status = pt_outbox_file_answered(pair.file, pair.outbox);
    }
    assert_int_equal(status, PT_E_IO);
    assert_int_equal(errno, EBADMSG);
    assert_int_equal(stat(s_path, &after), 0);
    assert_true(after.st_ino == before.st_ino && after.st_size > (off_t) PT_OUTBOX_FILE_BYTES_SOFT);
    s_end(&pair);
}

//  What a process does, telling the pipe each time what is safe and what is answered from then on.
static void
s_live(int report)
{
    pair_t pair = s_begin();
    uint64_t words[2] = {0}; //  bits: safe, answered
    for (uint64_t seq = 1; seq <= 12; seq++) {
        assert_int_equal(s_add(&pair, seq % 3 ? 50 : 3000), PT_OK);
        if (seq % 2 == 0) {
            assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
            words[0] = (UINT64_C(1) << seq) - 1;
        }
        if (seq % 4 == 0) {
            //  Answered is what the worker said, whether or not we live to write it down.
            words[1] |= UINT64_C(5) << (seq - 4);
            assert_int_equal(write(report, words, sizeof words), sizeof words);
            s_answer(&pair, seq - 3, seq - 3);
            s_answer(&pair, seq - 1, seq - 1);
            assert_int_equal(pt_outbox_file_answered(pair.file, pair.outbox), PT_OK);
        }
        assert_int_equal(write(report, words, sizeof words), sizeof words);
    }
    _exit(0);
}

//  False when the life came to its end before the call.
static bool
s_die_at(long call)
{
    int report[2];
    int status = 0;
    uint64_t words[2] = {0}, last[2] = {0};
    unlink(s_path);
    assert_int_equal(pipe(report), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(report[0]);
        s_calls_left = call;
        s_live(report[1]);
    }
    close(report[1]);
    while (read(report[0], words, sizeof words) == sizeof words)
        memcpy(last, words, sizeof last);
    close(report[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));

    pt_outbox_file_state_t found;
    uint64_t bits = s_reopen(&found);
    if (found.fresh) {
        assert_int_equal(last[0], 0);
        return WEXITSTATUS(status) != 0;
    }
    //  Everything safe and unanswered is there; nothing is there that never was.
    assert_int_equal(last[0] & ~last[1] & ~bits, 0);
    assert_true(found.next <= 13);
    assert_int_equal(found.cover.responses, 2 * (found.next - 1));
    return WEXITSTATUS(status) != 0;
}

static void
a_process_may_end_at_every_system_call(void **state)
{
    (void) state;
    for (int at = AT_CALL_EXIT; at <= AT_CALL_TEAR; at++) {
        long call = 0;
        s_at_call = at;
        while (s_die_at(call))
            call++;
        assert_in_range(call, 30, 100);
    }
}

//  A file that failed once promises nothing more, whatever the system says then.
static void
a_failed_call_is_told_and_stays(void **state)
{
    (void) state;
    s_at_call = AT_CALL_FAIL;
    for (long call = 0; call < 3; call++) {
        pair_t pair = s_begin();
        s_calls_left = call;
        pt_status_t status = s_add(&pair, 100); //  two writes
        if (status == PT_OK)
            status = pt_outbox_file_sync(pair.file);
        s_calls_left = -1;
        assert_int_equal(status, PT_E_IO);
        assert_int_equal(pt_outbox_file_sync(pair.file), PT_E_IO);
        assert_int_equal(pt_outbox_file_answered(pair.file, pair.outbox), PT_E_IO);
        s_end(&pair);
        pt_outbox_file_state_t found;
        s_reopen(&found);
    }
}

//  A whole file takes the other's place: its bytes are on the disk before it does, and its name is afterwards.
static void
a_new_file_is_on_disk_before_anything_builds_on_it(void **state)
{
    (void) state;
    static const int reasons[] = {ENOSPC, EIO, EXDEV, EROFS};
    s_at_call = AT_CALL_FAIL;
    for (long call = 0; call < 4; call++) {
        pt_outbox_file_state_t found;
        unlink(s_path);
        pt_outbox_file_t *file = s_open(&found);
        s_calls_left = call;
        errno = 0;
        assert_int_equal(pt_outbox_file_begin(file, 7, 9), PT_E_IO);
        assert_int_equal(errno, reasons[call]);
        assert_int_equal(s_calls_left, -1);
        pt_outbox_file_close(&file);
    }
}

//  What a process wrote that is gone may be in memory only.
static void
a_file_is_on_disk_before_it_is_resumed(void **state)
{
    (void) state;
    pt_outbox_file_state_t found;
    pair_t pair = s_begin();
    assert_int_equal(s_add(&pair, 100), PT_OK);
    s_end(&pair);
    s_at_call = AT_CALL_FAIL;
    s_calls_left = 0;
    assert_null(pt_outbox_file_open(s_path, &found));
    assert_int_equal(errno, EIO);
    assert_int_equal(s_calls_left, -1);
    assert_int_equal(s_reopen(&found), 1);
}

static void
complete_is_told_when_it_is_on_disk(void **state)
{
    (void) state;
    pair_t pair = s_begin();
    s_at_call = AT_CALL_FAIL;
    s_calls_left = 1; //  one write
    assert_int_equal(pt_outbox_file_complete(pair.file), PT_E_IO);
    assert_int_equal(errno, EIO);
    assert_int_equal(s_calls_left, -1);
    s_end(&pair);
}

static void
s_spoil(off_t offset)
{
    int fd = open(s_path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(__real_pwrite(fd, "?", 1, offset), 1);
    close(fd);
}

//  A disk may have written the second of two batches and not the first, when nobody was told that either is safe.
static void
what_was_not_on_disk_is_no_damage(void **state)
{
    (void) state;
    for (int synced = 0; synced < 2; synced++) {
        pt_outbox_file_state_t found;
        struct stat before;
        pair_t pair = s_begin();
        assert_int_equal(s_add(&pair, 100), PT_OK);
        assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
        assert_int_equal(stat(s_path, &before), 0);
        assert_int_equal(s_add(&pair, 100), PT_OK);
        if (synced)
            assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
        assert_int_equal(s_add(&pair, 100), PT_OK);
        s_end(&pair);
        s_spoil(before.st_size + PT_OUTBOX_RECORD_BYTES + 10);
        if (synced)
            assert_null(pt_outbox_file_open(s_path, &found));
        else
            assert_int_equal(s_reopen(&found), 1);
    }
}

//  The record that tells of damage may begin where a chunk of the search does, and end with the file.
static void
damage_is_found_by_a_record_at_the_very_end(void **state)
{
    (void) state;
    for (size_t bytes = 1980; bytes < 2030; bytes++) {
        pt_outbox_file_state_t found;
        struct stat before;
        pair_t pair = s_begin();
        assert_int_equal(stat(s_path, &before), 0);
        assert_int_equal(s_add(&pair, bytes), PT_OK);
        s_answer(&pair, 1, 1);
        assert_int_equal(pt_outbox_file_sync(pair.file), PT_OK);
        assert_int_equal(pt_outbox_file_answered(pair.file, pair.outbox), PT_OK);
        s_end(&pair);
        s_spoil(before.st_size + PT_OUTBOX_RECORD_BYTES + 10);
        assert_null(pt_outbox_file_open(s_path, &found));
        assert_int_equal(errno, EBADMSG);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_is_fresh_and_private),
        cmocka_unit_test(unanswered_batches_come_back),
        cmocka_unit_test(complete_means_all_answered_and_the_input_at_its_end),
        cmocka_unit_test(a_second_process_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_keeps_what_was_whole),
        cmocka_unit_test(every_flipped_bit_of_what_was_synced_is_found),
        cmocka_unit_test(a_file_of_another_kind_is_refused_and_left_alone),
        cmocka_unit_test(a_long_life_stays_small),
        cmocka_unit_test(a_batch_that_the_disk_damaged_ends_the_rewriting),
        cmocka_unit_test(a_process_may_end_at_every_system_call),
        cmocka_unit_test(a_failed_call_is_told_and_stays),
        cmocka_unit_test(a_new_file_is_on_disk_before_anything_builds_on_it),
        cmocka_unit_test(a_file_is_on_disk_before_it_is_resumed),
        cmocka_unit_test(complete_is_told_when_it_is_on_disk),
        cmocka_unit_test(what_was_not_on_disk_is_no_damage),
        cmocka_unit_test(damage_is_found_by_a_record_at_the_very_end),
    };
    return cmocka_run_group_tests(tests, s_setup, s_teardown);
}
