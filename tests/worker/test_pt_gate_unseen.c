/*  Keys that a disk does not give: what was there holds, and whoever is taken away goes all the same. */
#include "gate_door.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "pt_gate_parts.h"
#include "pt_grants.h"

//  Ends of paths for which the disk fails, by what is done to them; NULL: for none. The gate's thread looks at them
//  too.
static const char *_Atomic s_unread;
static const char *_Atomic s_unlisted;
static const char *_Atomic s_unseen;
static _Atomic int s_entries_left = -1; //  names that folders still give before they fail; below 0: all
static _Atomic int64_t s_leap_ms;       //  by which the clock goes on each time it is asked
static _Atomic int64_t s_ahead_ms;

//  The linker puts these before the C library's, and CZMQ's.
DIR *__real_opendir(const char *path);
struct dirent *__real_readdir(DIR *folder);
ssize_t __real_read(int fd, void *bytes, size_t size);
int __real_stat(const char *path, struct stat *found);
int64_t __real_zclock_mono(void);
DIR *__wrap_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *folder);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
int __wrap_stat(const char *path, struct stat *found);
int64_t __wrap_zclock_mono(void);

static bool
s_fails(const char *end, const char *path)
{
    size_t len = strlen(path);
    if (!end || len < strlen(end) || strcmp(path + len - strlen(end), end) != 0)
        return false;
    errno = EIO;
    return true;
}

DIR *
__wrap_opendir(const char *path)
{
    return s_fails(s_unlisted, path) ? NULL : __real_opendir(path);
}

struct dirent *
__wrap_readdir(DIR *folder)
{
    if (s_entries_left != 0) {
        s_entries_left -= s_entries_left > 0;
        return __real_readdir(folder);
    }
    errno = EIO;
    return NULL;
}

ssize_t
__wrap_read(int fd, void *bytes, size_t size)
{
    char link[64];
    char path[512] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (s_unread && readlink(link, path, sizeof(path) - 1) > 0 && s_fails(s_unread, path))
        return -1;
    return __real_read(fd, bytes, size);
}

int
__wrap_stat(const char *path, struct stat *found)
{
    return s_fails(s_unseen, path) ? -1 : __real_stat(path, found);
}

int64_t
__wrap_zclock_mono(void)
{
    return __real_zclock_mono() + (s_ahead_ms += s_leap_ms);
}

static int
s_close_bench(void **state)
{
    s_unread = s_unlisted = s_unseen = NULL;
    s_entries_left = -1;
    s_leap_ms = s_ahead_ms = 0;
    return gate_close_bench(state);
}

static void
s_grant(const gate_bench_t *bench, const char *file, uint8_t key[32])
{
    pt_keys_t keys = gate_grant(bench, file);
    gate_decode(&keys, key);
}

//  ---- at the gate

static void
file_that_cannot_be_read_keeps_nobody_else_from_being_taken_away(void **state)
{
    gate_bench_t *bench = *state;
    gate_door_t door;
    uint8_t a[32];
    uint8_t b[32];
    uint8_t c[32];
    s_grant(bench, "clients/producer/a.key", a);
    s_grant(bench, "clients/producer/b.key", b);
    gate_open_door(bench, &door);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, b), 200);
    s_unread = "/producer/a.key";
    gate_remove(bench, "clients/producer/b.key");
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, b), 300);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, a), 200);
    assert_int_equal(gate_cut(&door), 1u << PT_PARTY_PRODUCER);
    s_grant(bench, "clients/producer/c.key", c);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, c), 200);
    assert_int_equal(gate_cut(&door), 0);
    //  Look after look it is what it was, and gone when its file is.
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, a), 200);
    gate_remove(bench, "clients/producer/a.key");
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, a), 300);
    assert_int_equal(gate_cut(&door), 1u << PT_PARTY_PRODUCER);
    gate_close_door(&door);
}

static void
s_check_folder_that_fails(gate_bench_t *bench, gate_door_t *door, const char *_Atomic *fails, const char *end)
{
    uint8_t a[32];
    uint8_t b[32];
    uint8_t c[32];
    s_grant(bench, "clients/producer/a.key", a);
    s_grant(bench, "clients/producer/b.key", b);
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, b), 200);
    *fails = end;
    gate_remove(bench, "clients/producer/b.key");
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, b), 300);
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, a), 200);
    assert_int_equal(gate_cut(door), 1u << PT_PARTY_PRODUCER);
    //  Nobody knows its name yet.
    s_grant(bench, "clients/producer/c.key", c);
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, c), 400);
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, a), 200);
    *fails = NULL;
    gate_remove(bench, "clients/producer/a.key");
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, a), 300);
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, c), 200);
    assert_int_equal(gate_cut(door), 1u << PT_PARTY_PRODUCER);
    gate_remove(bench, "clients/producer/c.key");
    assert_int_equal(gate_ask(door, PT_PARTY_PRODUCER, c), 300);
    assert_int_equal(gate_cut(door), 1u << PT_PARTY_PRODUCER);
}

static void
whoever_is_gone_from_a_folder_that_cannot_be_listed_is_taken_away(void **state)
{
    gate_bench_t *bench = *state;
    gate_door_t door;
    gate_open_door(bench, &door);
    s_check_folder_that_fails(bench, &door, &s_unlisted, "/clients/producer");
    s_check_folder_that_fails(bench, &door, &s_unseen, "/clients/producer");
    s_check_folder_that_fails(bench, &door, &s_unseen, "/clients");
    gate_close_door(&door);
}

//  ---- what is read

typedef struct {
    size_t count;
    char text[8192];
} s_faults_t;

static void
s_note_fault(void *context, const char *text)
{
    s_faults_t *faults = context;
    faults->count++;
    strncat(faults->text, text, sizeof(faults->text) - strlen(faults->text) - 1);
}

static void
what_holds_and_how_it_is_taken_away_is_told(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    uint8_t key[32];
    s_grant(bench, "clients/producer/a.key", key);
    pt_grants_t *before = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    assert_int_equal(faults.count, 0);
    s_unread = "/producer/a.key";
    pt_grants_t *next = pt_grants_load(bench->service, before, s_note_fault, &faults);
    assert_int_equal(pt_grants_count(next), 1);
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.text, "a.key: Input/output error; its key goes on to hold"));
    assert_non_null(strstr(faults.text, "remove the file to take it away"));
    pt_grants_destroy(&next);
    //  One that came meanwhile is no one's yet.
    faults = (s_faults_t) {0};
    s_unread = "/producer/b.key";
    s_grant(bench, "clients/producer/b.key", key);
    next = pt_grants_load(bench->service, before, s_note_fault, &faults);
    assert_null(pt_grants_know(next, key));
    assert_non_null(strstr(faults.text, "b.key: Input/output error"));
    assert_null(strstr(faults.text, "hold"));
    pt_grants_destroy(&next);
    faults = (s_faults_t) {0};
    s_unlisted = "/clients/producer";
    next = pt_grants_load(bench->service, before, s_note_fault, &faults);
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.text, "clients/producer: Input/output error; the keys in it go on to hold"));
    pt_grants_destroy(&next);
    pt_grants_destroy(&before);
}

//  Wherever it fails, those behind that place are asked for by their names.
static void
who_is_gone_is_missed_where_a_folder_cannot_be_read_on(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    gate_grant(bench, "clients/producer/one.key");
    gate_grant(bench, "clients/producer/two.key");
    gate_grant(bench, "clients/subscriber/three.key");
    pt_grants_t *before = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    gate_remove(bench, "clients/producer/two.key");
    //  Two dots and a key or none, in each of four folders.
    for (int left = 0; left < 10; left++) {
        s_entries_left = left;
        pt_grants_t *next = pt_grants_load(bench->service, before, s_note_fault, &faults);
        s_entries_left = -1;
        assert_int_equal(pt_grants_count(next), 2);
        pt_grants_destroy(&next);
    }
    pt_grants_destroy(&before);
}

//  Else whoever was taken away stays, who only has to take all descriptors.
static void
file_that_is_gone_is_missed_without_a_descriptor(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    struct rlimit all;
    uint8_t a[32];
    uint8_t b[32];
    s_grant(bench, "clients/producer/a.key", a);
    s_grant(bench, "clients/producer/b.key", b);
    pt_grants_t *before = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    gate_remove(bench, "clients/producer/b.key");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = all.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    pt_grants_t *next = pt_grants_load(bench->service, before, s_note_fault, &faults);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    assert_non_null(pt_grants_admit(next, a, PT_PARTY_PRODUCER));
    assert_null(pt_grants_know(next, b));
    pt_grants_destroy(&before);
    pt_grants_destroy(&next);
}

//  Handshakes wait for a look.
static void
files_that_take_long_hold_unasked(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    uint8_t key[32];
    s_grant(bench, "clients/producer/a.key", key);
    pt_grants_t *before = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    gate_remove(bench, "clients/producer/a.key");
    s_unlisted = "/clients/producer";
    s_leap_ms = 60000;
    pt_grants_t *next = pt_grants_load(bench->service, before, s_note_fault, &faults);
    s_leap_ms = 0;
    assert_non_null(pt_grants_admit(next, key, PT_PARTY_PRODUCER));
    pt_grants_t *later = pt_grants_load(bench->service, next, s_note_fault, &faults);
    assert_null(pt_grants_know(later, key));
    pt_grants_destroy(&before);
    pt_grants_destroy(&next);
    pt_grants_destroy(&later);
}

static void
own_key_of_before_goes_also_where_nothing_is_seen(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    char error[PT_KEYS_ERROR_BYTES_MAX];
    char path[256];
    uint8_t key[32];
    uint8_t former[32];
    uint8_t own[32];
    pt_keys_t keys;
    s_grant(bench, "clients/producer/own.key", key);
    pt_curve_copy_public_key(bench->service, keys.public_key);
    gate_decode(&keys, former);
    pt_grants_t *before = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    gate_path(bench, "own.key_secret", path);
    gate_remove(bench, "own.key_secret");
    assert_true(pt_keys_make(&keys));
    assert_true(pt_keys_write(path, true, &keys));
    assert_true(pt_curve_refresh(bench->service, error));
    gate_decode(&keys, own);
    s_unseen = "/clients";
    pt_grants_t *next = pt_grants_load(bench->service, before, s_note_fault, &faults);
    assert_null(pt_grants_know(next, former));
    assert_non_null(pt_grants_admit(next, own, PT_PARTY_WORKER));
    assert_non_null(pt_grants_admit(next, key, PT_PARTY_PRODUCER));
    assert_int_equal(pt_grants_count(next), 1);
    pt_grants_destroy(&before);
    pt_grants_destroy(&next);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_open_bench, s_close_bench)
    const struct CMUnitTest tests[] = {
        TEST(file_that_cannot_be_read_keeps_nobody_else_from_being_taken_away),
        TEST(whoever_is_gone_from_a_folder_that_cannot_be_listed_is_taken_away),
        TEST(what_holds_and_how_it_is_taken_away_is_told),
        TEST(who_is_gone_is_missed_where_a_folder_cannot_be_read_on),
        TEST(file_that_is_gone_is_missed_without_a_descriptor),
        TEST(files_that_take_long_hold_unasked),
        TEST(own_key_of_before_goes_also_where_nothing_is_seen),
    };
    return cmocka_run_group_tests_name("pt_gate_unseen", tests, NULL, NULL);
}
