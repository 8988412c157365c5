/*  What the files of keys say, and what follows when they change: who is let in, who is cut off, and who is told what.
 */
#include "gate_door.h"

#include <string.h>
#include <unistd.h>

#include "pt_gate_parts.h"
#include "pt_grants.h"

//  ---- files

typedef struct {
    size_t count;
    char text[4096];
} s_faults_t;

static void
s_note_fault(void *context, const char *text)
{
    s_faults_t *faults = context;
    faults->count++;
    strncat(faults->text, text, sizeof(faults->text) - strlen(faults->text) - 2);
    strcat(faults->text, "\n");
}

static void
s_write(const gate_bench_t *bench, const char *file, const char *text, mode_t mode)
{
    char path[256];
    gate_path(bench, file, path);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(path, mode), 0);
}

//  63 bytes of a name are taken, and one more is not.
#define S_NAME "a23456789a123456789a123456789a123456789a123456789a123456789a123"

static void
each_file_that_cannot_be_used_is_told_by_its_name_and_keeps_its_key_outside(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    char path[256];
    gate_grant(bench, "clients/producer/" S_NAME ".key");
    gate_grant(bench, "clients/producer/b" S_NAME ".key");
    gate_grant(bench, "clients/producer/open.key");
    gate_path(bench, "clients/producer/open.key", path);
    assert_int_equal(chmod(path, 0666), 0);
    s_write(bench, "clients/worker/garbage.key", "curve\n", 0644);
    s_write(bench, "clients/worker/lost.key_secret", "", 0600);
    //  On their way in, no key at all, and no name.
    s_write(bench, "clients/worker/.half.key", "curve\n", 0644);
    s_write(bench, "clients/worker/README", "curve\n", 0644);
    s_write(bench, "clients/worker/key", "curve\n", 0644);
    pt_grants_t *grants = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    assert_non_null(grants);
    assert_int_equal(pt_grants_count(grants), 1);
    assert_int_equal(faults.count, 4);
    static const char *const words[] = {"b" S_NAME ".key: the name is longer", "open.key: mode 0666",
                                        "garbage.key: ", "lost.key_secret: a secret does not belong here"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strstr(faults.text, words[i]))
            fail_msg("'%s' is not in:\n%s", words[i], faults.text);
    pt_grants_destroy(&grants);
}

static void
folder_that_others_may_write_to_lets_nobody_in_and_is_told(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    char path[256];
    gate_grant(bench, "clients/producer/one.key");
    gate_grant(bench, "clients/worker/two.key");
    gate_path(bench, "clients/producer", path);
    assert_int_equal(chmod(path, 0777), 0);
    pt_grants_t *grants = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    assert_int_equal(pt_grants_count(grants), 1);
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.text, "clients/producer: mode 0777"));
    pt_grants_destroy(&grants);
}

static void
s_count_gone(void *context, const uint8_t key[32])
{
    (void) key;
    ++*(size_t *) context;
}

//  One party may have several roles by one key.
static void
key_of_two_roles_opens_both_and_goes_once(void **state)
{
    const gate_bench_t *bench = *state;
    static s_faults_t faults;
    char command[600];
    uint8_t key[32];
    size_t gone = 0;
    pt_keys_t keys = gate_grant(bench, "clients/worker/both.key");
    gate_decode(&keys, key);
    snprintf(command, sizeof(command), "cp '%s/clients/worker/both.key' '%s/clients/subscriber/'", bench->dir,
             bench->dir);
    assert_int_equal(system(command), 0);
    pt_grants_t *before = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    for (int domain = 0; domain < PT_PARTY_ADMIN; domain++)
        assert_int_equal(pt_grants_admit(before, key, (pt_party_t) domain) != NULL, domain != PT_PARTY_PRODUCER);
    gate_remove(bench, "clients/worker/both.key");
    pt_grants_t *between = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    pt_grants_compare(before, between, s_count_gone, &gone);
    assert_int_equal(gone, 0);
    assert_true(pt_grants_lost(before, between, PT_PARTY_WORKER));
    assert_false(pt_grants_lost(before, between, PT_PARTY_SUBSCRIBER));
    gate_remove(bench, "clients/subscriber/both.key");
    pt_grants_t *after = pt_grants_load(bench->service, NULL, s_note_fault, &faults);
    pt_grants_compare(before, after, s_count_gone, &gone);
    assert_int_equal(gone, 1);
    assert_int_equal(faults.count, 0);
    pt_grants_destroy(&before);
    pt_grants_destroy(&between);
    pt_grants_destroy(&after);
}

//  ---- whose key a connection is made with

static const char *const s_places[] = {"tcp://one:1", "tcp://one:2", "tcp://two:1", "ipc:///run/one"};
enum { S_PLACES = sizeof(s_places) / sizeof(s_places[0]) };

//  Which places are met with another key since the marks were taken: a bit each. Takes them anew.
static unsigned
s_changed(const pt_curve_t *curve, uint64_t marks[S_PLACES])
{
    unsigned changed = 0;
    for (size_t i = 0; i < S_PLACES; i++) {
        uint64_t mark = pt_curve_mark(curve, s_places[i]);
        changed |= (unsigned) (mark != marks[i]) << i;
        marks[i] = mark;
    }
    return changed;
}

static void
most_precise_name_of_a_server_decides(void **state)
{
    gate_bench_t *bench = *state;
    uint64_t marks[S_PLACES] = {0};
    gate_make_folder(bench, "servers");
    s_changed(bench->service, marks);
    assert_int_equal(s_changed(bench->service, marks), 0);
    gate_grant(bench, "servers/default.key");
    assert_int_equal(s_changed(bench->service, marks), 0xf);
    gate_grant(bench, "servers/one.key");
    assert_int_equal(s_changed(bench->service, marks), 0x3);
    gate_grant(bench, "servers/one:2.key");
    assert_int_equal(s_changed(bench->service, marks), 0x2);
    //  What is there and cannot be used is no reason to take the next one: that may be anybody's.
    s_write(bench, "servers/one.key", "curve\n", 0644);
    assert_int_equal(s_changed(bench->service, marks), 0x1);
    zsock_t *socket = pt_sockets_new(ZMQ_DEALER, 1, 1);
    assert_int_equal(pt_curve_connect(bench->service, socket, s_places[0]), PT_E_IO);
    assert_int_equal(pt_curve_connect(bench->service, socket, "inproc://one"), PT_OK);
    zsock_destroy(&socket);
    //  Where the party answers itself no file is asked.
    pt_curve_set_own(bench->service, s_places[2]);
    assert_int_equal(s_changed(bench->service, marks), 0x4);
    gate_remove(bench, "servers/default.key");
    assert_int_equal(s_changed(bench->service, marks), 0x8);
}

//  ---- changes

static void
only_sockets_of_the_role_that_lost_a_key_are_cut(void **state)
{
    gate_bench_t *bench = *state;
    gate_door_t door;
    uint8_t shop[32];
    uint8_t boss[32];
    pt_keys_t keys = gate_grant(bench, "clients/producer/shop.key");
    gate_decode(&keys, shop);
    keys = gate_grant(bench, "clients/admin/boss.key");
    gate_decode(&keys, boss);
    gate_open_door(bench, &door);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, shop), 200);
    assert_int_equal(gate_ask(&door, PT_PARTY_SUBSCRIBER, shop), 400);
    assert_int_equal(gate_ask(&door, PT_PARTY_SUBSCRIBER, boss), 200);
    //  One more is let in, and nobody has to go.
    gate_grant(bench, "clients/worker/box.key");
    assert_int_equal(gate_ask(&door, PT_PARTY_WORKER, boss), 400);
    assert_int_equal(pt_gate_counters(door.gate).keys, 3);
    assert_int_equal(gate_cut(&door), 0);
    gate_remove(bench, "clients/producer/shop.key");
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, boss), 200);
    assert_int_equal(gate_cut(&door), 1u << PT_PARTY_PRODUCER);
    gate_remove(bench, "clients/admin/boss.key");
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, boss), 300);
    assert_int_equal(gate_cut(&door), 1u << PT_PARTY_PRODUCER | 1u << PT_PARTY_SUBSCRIBER);
    pt_gate_counters_t counters = pt_gate_counters(door.gate);
    assert_int_equal(counters.admitted, 3);
    assert_int_equal(counters.wrong_role, 2);
    assert_int_equal(counters.unknown_key, 1);
    assert_int_equal(counters.cuts, 2);
    assert_int_equal(counters.keys, 1);
    gate_close_door(&door);
}

//  libzmq's clients give up after 400. Who was let in once, and lost its file by mistake, is to come back by itself.
static void
former_clients_may_come_again_as_many_as_are_remembered(void **state)
{
    enum { S_KEYS = PT_GATE_FORMER + 1 };
    gate_bench_t *bench = *state;
    static uint8_t keys[S_KEYS][32];
    static const uint8_t s_stranger[32] = {1};
    gate_door_t door;
    size_t lowest = 0;
    char file[64];
    for (size_t i = 0; i < S_KEYS; i++) {
        snprintf(file, sizeof(file), "clients/producer/n%zu.key", i);
        pt_keys_t made = gate_grant(bench, file);
        gate_decode(&made, keys[i]);
        lowest = memcmp(keys[i], keys[lowest], 32) < 0 ? i : lowest;
    }
    gate_open_door(bench, &door);
    char path[256];
    char away[256];
    gate_path(bench, "clients/producer", path);
    gate_path(bench, "clients/gone", away);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, s_stranger), 400);
    //  They went at one look, by their order; the first of them had to make room.
    for (size_t i = 0; i < S_KEYS; i++)
        assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, keys[i]), i == lowest ? 400 : 300);
    assert_int_equal(rename(away, path), 0);
    for (size_t i = 0; i < S_KEYS; i++)
        assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, keys[i]), 200);
    gate_close_door(&door);
}

static void
another_key_of_the_service_cuts_all_and_a_bad_one_nobody(void **state)
{
    gate_bench_t *bench = *state;
    gate_door_t door;
    uint8_t shop[32];
    char own[PT_KEYS_TEXT_BYTES];
    char found[PT_KEYS_TEXT_BYTES];
    char path[256];
    char ready[256];
    pt_keys_t next;
    pt_keys_t keys = gate_grant(bench, "clients/producer/shop.key");
    gate_decode(&keys, shop);
    gate_open_door(bench, &door);
    pt_curve_copy_public_key(bench->service, own);
    s_write(bench, "own.key_secret", "curve\n", 0600);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, shop), 200);
    pt_curve_copy_public_key(bench->service, found);
    assert_string_equal(found, own);
    assert_int_equal(gate_cut(&door), 0);
    assert_true(pt_keys_make(&next));
    gate_path(bench, ".next", ready);
    gate_path(bench, "own.key_secret", path);
    assert_true(pt_keys_write(ready, true, &next));
    assert_int_equal(rename(ready, path), 0);
    assert_int_equal(gate_ask(&door, PT_PARTY_PRODUCER, shop), 200);
    pt_curve_copy_public_key(bench->service, found);
    assert_string_equal(found, next.public_key);
    assert_int_equal(gate_cut(&door), (1u << PT_PARTY_ADMIN) - 1);
    gate_close_door(&door);
}

static void
there_is_a_bound_on_sockets_to_be_cut(void **state)
{
    gate_bench_t *bench = *state;
    bench->gate = gate_open(bench);
    for (size_t i = 0; i < PT_GATE_WATCHERS; i++)
        assert_true(pt_gate_watch(bench->gate, PT_PARTY_WORKER) >= 0);
    assert_int_equal(pt_gate_watch(bench->gate, PT_PARTY_WORKER), -1);
    assert_int_equal(errno, EMFILE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_open_bench, gate_close_bench)
    const struct CMUnitTest tests[] = {
        TEST(each_file_that_cannot_be_used_is_told_by_its_name_and_keeps_its_key_outside),
        TEST(folder_that_others_may_write_to_lets_nobody_in_and_is_told),
        TEST(key_of_two_roles_opens_both_and_goes_once),
        TEST(most_precise_name_of_a_server_decides),
        TEST(only_sockets_of_the_role_that_lost_a_key_are_cut),
        TEST(former_clients_may_come_again_as_many_as_are_remembered),
        TEST(another_key_of_the_service_cuts_all_and_a_bad_one_nobody),
        TEST(there_is_a_bound_on_sockets_to_be_cut),
    };
    return cmocka_run_group_tests_name("pt_gate_files", tests, NULL, NULL);
}
