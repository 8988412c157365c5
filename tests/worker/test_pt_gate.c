/*  The authenticator and what it answers from: keys in files, roles, and its own end. */
#include "gate_bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pt_door.h"
#include "pt_gate.h"
#include "pt_grants.h"
#include "pt_owners.h"

static int s_entries_left = -1; //  names that folders still give before they fail; below 0: all
static bool s_reads_fail;

//  The linker puts these before the C library's.
struct dirent *__real_readdir(DIR *folder);
ssize_t __real_read(int fd, void *bytes, size_t size);
struct dirent *__wrap_readdir(DIR *folder);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

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
    if (!s_reads_fail)
        return __real_read(fd, bytes, size);
    errno = EIO;
    return -1;
}

static zsock_t *
s_new_client(const gate_bench_t *bench, const pt_keys_t *keys)
{
    zsock_t *client = pt_sockets_new(ZMQ_DEALER, 10, 10);
    zsock_set_linger(client, 0);
    char server[PT_KEYS_TEXT_BYTES];
    pt_curve_copy_public_key(bench->service, server);
    zsock_set_curve_serverkey(client, server);
    zsock_set_curve_publickey(client, keys->public_key);
    zsock_set_curve_secretkey(client, keys->secret_key);
    return client;
}

//  What the next handshake of a client comes to: SUCCEEDED or one of the failures.
static int
s_shake_hands(const gate_bench_t *bench, const pt_keys_t *keys, const char *endpoint)
{
    zsock_t *client = s_new_client(bench, keys);
    uint16_t event;
    static unsigned s_serial;
    char hands[32];
    snprintf(hands, sizeof(hands), "inproc://hands-%u", s_serial++);
    assert_int_equal(zmq_socket_monitor(zsock_resolve(client), hands,
                                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED),
                     0);
    zsock_t *monitor = pt_sockets_new(ZMQ_PAIR, 10, 10);
    assert_int_equal(pt_sockets_connect(monitor, hands), PT_OK);
    assert_int_equal(pt_sockets_connect(client, endpoint), PT_OK);
    zsock_set_rcvtimeo(monitor, GATE_PATIENCE_MS);
    zframe_t *frame = zframe_recv(monitor);
    assert_non_null(frame);
    memcpy(&event, zframe_data(frame), sizeof(event));
    zframe_destroy(&frame);
    zmq_socket_monitor(zsock_resolve(client), NULL, 0);
    zsock_destroy(&monitor);
    zsock_destroy(&client);
    return event;
}

static void
a_role_opens_its_own_sockets_and_admin_most(void **state)
{
    gate_bench_t *bench = *state;
    uint8_t key[PT_PARTY_COUNT_][32];
    uint8_t stranger[32] = {1};
    for (int party = 0; party < PT_PARTY_COUNT_; party++) {
        char file[64];
        snprintf(file, sizeof(file), "clients/%s/one.key", pt_party_text((pt_party_t) party));
        zmq_z85_decode(key[party], gate_grant(bench, file).public_key);
    }
    pt_grants_t *grants = pt_grants_load(bench->service, NULL, gate_say, bench);
    assert_int_equal(pt_grants_count(grants), PT_PARTY_COUNT_);
    for (int domain = 0; domain < PT_PARTY_ADMIN; domain++)
        for (int party = 0; party < PT_PARTY_COUNT_; party++) {
            bool opens = party == domain || (party == PT_PARTY_ADMIN && domain != PT_PARTY_WORKER);
            assert_int_equal(pt_grants_admit(grants, key[party], (pt_party_t) domain) != NULL, opens);
        }
    assert_null(pt_grants_admit(grants, stranger, PT_PARTY_PRODUCER));
    assert_null(pt_grants_know(grants, stranger));
    assert_int_equal(pt_grants_know(grants, key[PT_PARTY_WORKER])->role, PT_PARTY_WORKER);
    assert_int_equal(bench->says, 0);
    pt_grants_destroy(&grants);
}

static void
only_what_was_taken_away_is_lost(void **state)
{
    gate_bench_t *bench = *state;
    char path[256];
    gate_grant(bench, "clients/producer/one.key");
    gate_grant(bench, "clients/admin/two.key");
    pt_grants_t *before = pt_grants_load(bench->service, NULL, gate_say, bench);
    gate_grant(bench, "clients/worker/three.key");
    pt_grants_t *more = pt_grants_load(bench->service, NULL, gate_say, bench);
    gate_path(bench, "clients/admin/two.key", path);
    assert_int_equal(unlink(path), 0);
    pt_grants_t *fewer = pt_grants_load(bench->service, NULL, gate_say, bench);
    for (int domain = 0; domain < PT_PARTY_ADMIN; domain++) {
        assert_false(pt_grants_lost(before, more, (pt_party_t) domain));
        assert_int_equal(pt_grants_lost(more, fewer, (pt_party_t) domain), domain != PT_PARTY_WORKER);
    }
    pt_grants_destroy(&before);
    pt_grants_destroy(&more);
    pt_grants_destroy(&fewer);
}

//  Else whoever takes all descriptors, by connecting again and again, has everybody else cut off.
static void
nothing_is_taken_away_where_no_file_can_be_opened(void **state)
{
    gate_bench_t *bench = *state;
    struct rlimit before;
    gate_grant(bench, "clients/producer/one.key");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    pt_grants_t *grants = pt_grants_load(bench->service, NULL, gate_say, bench);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(grants);
    grants = pt_grants_load(bench->service, NULL, gate_say, bench);
    assert_non_null(grants);
    pt_grants_destroy(&grants);
}

//  Else a disk or a network that fails for a moment cuts everybody off, and lets nobody in again.
static void
nothing_is_taken_away_where_a_folder_cannot_be_read_on(void **state)
{
    gate_bench_t *bench = *state;
    gate_grant(bench, "clients/producer/one.key");
    gate_grant(bench, "clients/subscriber/two.key");
    //  Two dots and a key or none, in each of four folders.
    for (int left = 0; left < 10; left++) {
        s_entries_left = left;
        bench->says = 0;
        pt_grants_t *grants = pt_grants_load(bench->service, NULL, gate_say, bench);
        int reason = errno;
        s_entries_left = -1;
        assert_null(grants);
        assert_int_equal(reason, EIO);
        assert_true(bench->says > 0);
    }
    s_reads_fail = true;
    pt_grants_t *grants = pt_grants_load(bench->service, NULL, gate_say, bench);
    s_reads_fail = false;
    assert_null(grants);
    grants = pt_grants_load(bench->service, NULL, gate_say, bench);
    assert_int_equal(pt_grants_count(grants), 2);
    pt_grants_destroy(&grants);
}

//  A folder that cannot be read at the start may hold anybody's key: it is no empty one.
static void
nothing_starts_with_folders_that_cannot_be_read(void **state)
{
    gate_bench_t *bench = *state;
    char error[PT_KEYS_ERROR_BYTES_MAX];
    s_entries_left = 0;
    pt_gate_t *gate = pt_gate_new(bench->service, gate_say, bench, error);
    s_entries_left = -1;
    assert_null(gate);
    assert_int_equal(errno, EIO);
    assert_non_null(strstr(error, strerror(EIO)));
    gate_make_folder(bench, "servers");
    s_entries_left = 0;
    pt_curve_t *curve = pt_curve_open(bench->dir, error);
    s_entries_left = -1;
    assert_null(curve);
    assert_int_equal(errno, EIO);
    assert_non_null(strstr(error, "/servers: "));
    curve = pt_curve_open(bench->dir, error);
    assert_non_null(curve);
    pt_curve_close(&curve);
}

static void
every_key_that_can_be_made_is_read_back(void **state)
{
    gate_bench_t *bench = *state;
    char path[256];
    char error[PT_KEYS_ERROR_BYTES_MAX];
    gate_path(bench, "some.key", path);
    //  Z85 has `=`, `#` and brackets, at any place.
    for (int i = 0; i < 500; i++) {
        pt_keys_t keys;
        pt_keys_t back;
        assert_true(pt_keys_make(&keys));
        assert_true(pt_keys_write(path, true, &keys));
        assert_true(pt_keys_read(path, true, &back, error));
        assert_string_equal(back.public_key, keys.public_key);
        assert_string_equal(back.secret_key, keys.secret_key);
        assert_int_equal(unlink(path), 0);
    }
}

static void
nobody_comes_in_when_the_authenticator_is_gone(void **state)
{
    gate_bench_t *bench = *state;
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    pt_keys_t keys = gate_grant(bench, "clients/producer/shop.key");
    pt_gate_t *gate = gate_open(bench);
    zsock_t *server = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    assert_true(pt_curve_serve(bench->service, server, PT_PARTY_PRODUCER));
    assert_int_equal(pt_sockets_bind(server, "tcp://127.0.0.1:*", bound), PT_OK);
    assert_int_equal(s_shake_hands(bench, &keys, bound), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    pt_gate_destroy(&gate);
    assert_int_not_equal(s_shake_hands(bench, &keys, bound), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    gate = gate_open(bench);
    assert_int_equal(s_shake_hands(bench, &keys, bound), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zsock_destroy(&server);
    pt_gate_destroy(&gate);
}

static void
questions_that_are_none_are_refused_and_answered(void **state)
{
    gate_bench_t *bench = *state;
    pt_keys_t keys = gate_grant(bench, "clients/producer/shop.key");
    uint8_t key[32];
    zmq_z85_decode(key, keys.public_key);
    static const char *const bad[][6] = {
        {"1.1", "1", "producer", "127.0.0.1", "", "CURVE"},
        {"1.0", "1", "nobody", "127.0.0.1", "", "CURVE"},
        {"1.0", "1", "", "127.0.0.1", "", "CURVE"},
        {"1.0", "1", "producer", "127.0.0.1", "", "NULL"},
        {"1.0", "1", "producer", "127.0.0.1", "", "PLAIN"},
        {"1.0", "1", "worker\n", "127.0.0.1", "", "CURVE"},
        {"", "", "", "", "", ""},
    };
    pt_gate_t *gate = gate_open(bench);
    zsock_t *asker = zsock_new_req("inproc://zeromq.zap.01");
    uint64_t asked = 0;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (size_t extra = 0; extra < 20; extra += 5) {
            zmsg_t *question = zmsg_new();
            for (size_t frame = 0; frame < 6; frame++)
                zmsg_addstr(question, bad[i][frame]);
            for (size_t frame = 0; frame <= extra; frame++)
                zmsg_addmem(question, key, sizeof(key));
            zmsg_send(&question, asker);
            zmsg_t *answer = zmsg_recv(asker);
            assert_int_equal(zmsg_size(answer), 6);
            zmsg_first(answer);
            zmsg_next(answer);
            assert_true(zframe_streq(zmsg_next(answer), "400"));
            zmsg_destroy(&answer);
            asked++;
        }
    //  One frame, and a key that is a byte too short.
    zstr_send(asker, "1.0");
    zmsg_t *answer = zmsg_recv(asker);
    zmsg_destroy(&answer);
    zmsg_t *question = zmsg_new();
    for (size_t frame = 0; frame < 6; frame++)
        zmsg_addstr(question, ((const char *[]) {"1.0", "7", "producer", "127.0.0.1", "", "CURVE"})[frame]);
    zmsg_addmem(question, key, sizeof(key) - 1);
    zmsg_send(&question, asker);
    answer = zmsg_recv(asker);
    zmsg_destroy(&answer);
    assert_int_equal(pt_gate_counters(gate).bad_request, asked + 2);
    assert_int_equal(pt_gate_counters(gate).admitted, 0);
    zsock_destroy(&asker);
    pt_gate_destroy(&gate);
}

static void
the_answer_names_the_party_without_what_follows_a_dot(void **state)
{
    gate_bench_t *bench = *state;
    pt_keys_t keys = gate_grant(bench, "clients/producer/shop.2026.key");
    pt_gate_t *gate = gate_open(bench);
    zsock_t *server = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    pt_door_t door;
    assert_int_equal(pt_door_open(&door, server, gate, PT_PARTY_PRODUCER, "tcp://127.0.0.1:*"), PT_OK);
    zsock_t *client = s_new_client(bench, &keys);
    assert_int_equal(pt_sockets_connect(client, door.bound), PT_OK);
    zstr_send(client, "hello");
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    assert_true(zmq_msg_recv(&frame, zsock_resolve(server), 0) >= 0);
    assert_true(zmq_msg_recv(&frame, zsock_resolve(server), 0) >= 0);
    assert_string_equal(zmq_msg_gets(&frame, "User-Id"), "shop");
    zmq_msg_close(&frame);
    zsock_destroy(&client);
    pt_door_close(&door);
    zsock_destroy(&server);
    pt_gate_destroy(&gate);
}

static void
a_port_that_was_taken_meanwhile_ends_the_process(void **state)
{
    gate_bench_t *bench = *state;
    char path[256];
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    gate_grant(bench, "clients/producer/shop.key");
    pt_gate_t *gate = gate_open(bench);
    zsock_t *server = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    zsock_t *thief = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    pt_door_t door;
    assert_int_equal(pt_door_open(&door, server, gate, PT_PARTY_PRODUCER, "tcp://127.0.0.1:*"), PT_OK);
    //  As after a cut: unbound, and somebody else is there already.
    assert_int_equal(zmq_unbind(zsock_resolve(server), door.bound), 0);
    while (pt_sockets_bind(thief, door.bound, bound) != PT_OK)
        assert_int_equal(errno, EADDRINUSE);
    gate_path(bench, "clients/producer/shop.key", path);
    assert_int_equal(unlink(path), 0);
    zmq_pollitem_t failure = {.fd = pt_gate_failure_fd(gate), .events = ZMQ_POLLIN};
    int64_t end_ms = zclock_mono() + GATE_PATIENCE_MS;
    while (zmq_poll(&failure, 1, (long) pt_door_wait_ms(&door, 100)) == 0 && zclock_mono() < end_ms)
        pt_door_tend(&door);
    assert_true(failure.revents);
    assert_non_null(strstr(pt_gate_failure(gate), "cannot be bound again"));
    pt_door_close(&door);
    zsock_destroy(&server);
    zsock_destroy(&thief);
    pt_gate_destroy(&gate);
}

static void
an_id_belongs_to_whom_it_was_first_heard_from(void **state)
{
    (void) state;
    pt_owners_t *owners = pt_owners_new();
    assert_true(pt_owners_claim(owners, 1, "shop"));
    assert_true(pt_owners_claim(owners, 1, "shop"));
    assert_false(pt_owners_claim(owners, 1, "mole"));
    assert_true(pt_owners_claim(owners, 2, "mole"));
    assert_false(pt_owners_claim(owners, 2, "shop"));
    //  However many ids there are, one that is heard from stays.
    for (uint64_t id = 3; id < 10 * PT_OWNERS_MAX; id++) {
        assert_true(pt_owners_claim(owners, id, "many"));
        assert_true(pt_owners_claim(owners, 1, "shop"));
    }
    assert_false(pt_owners_claim(owners, 1, "mole"));
    pt_owners_destroy(&owners);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_open_bench, gate_close_bench)
    const struct CMUnitTest tests[] = {
        TEST(a_role_opens_its_own_sockets_and_admin_most),
        TEST(only_what_was_taken_away_is_lost),
        TEST(nothing_is_taken_away_where_no_file_can_be_opened),
        TEST(nothing_is_taken_away_where_a_folder_cannot_be_read_on),
        TEST(nothing_starts_with_folders_that_cannot_be_read),
        TEST(every_key_that_can_be_made_is_read_back),
        TEST(nobody_comes_in_when_the_authenticator_is_gone),
        TEST(questions_that_are_none_are_refused_and_answered),
        TEST(the_answer_names_the_party_without_what_follows_a_dot),
        TEST(a_port_that_was_taken_meanwhile_ends_the_process),
        cmocka_unit_test(an_id_belongs_to_whom_it_was_first_heard_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
