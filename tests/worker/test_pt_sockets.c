/*  Sockets, their endpoints, and signals as descriptors. */
#include "bus.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pt_signals.h"

static void
a_free_port_is_below_the_ephemeral_range(void **state)
{
    (void) state;
    static const char *const s_endpoints[] = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:0"};
    for (size_t i = 0; i < 2; i++) {
        zsock_t *socket = pt_sockets_new(ZMQ_ROUTER, 10, 10);
        char bound[PT_ENDPOINT_BYTES_MAX + 1];
        assert_int_equal(pt_sockets_bind(socket, s_endpoints[i], bound), PT_OK);
        unsigned port = 0;
        assert_int_equal(sscanf(bound, "tcp://127.0.0.1:%u", &port), 1);
        assert_in_range(port, 1024, 32767);
        zsock_destroy(&socket);
    }
}

static void
bad_and_busy_endpoints_are_refused_with_a_reason(void **state)
{
    (void) state;
    zsock_t *first = pt_sockets_new(ZMQ_PUB, 10, 10);
    zsock_t *second = pt_sockets_new(ZMQ_PUB, 10, 10);
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    char again[PT_ENDPOINT_BYTES_MAX + 1];
    assert_int_equal(pt_sockets_bind(first, "tcp://127.0.0.1:*", bound), PT_OK);
    assert_int_equal(pt_sockets_bind(second, bound, again), PT_E_IO);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(pt_sockets_bind(second, "nonsense", again), PT_E_IO);
    assert_int_equal(errno, EINVAL);
    static const char *const s_bad[] = {"tcp://127.0.0.1", "tcp://127.0.0.1:65536", "tcp://[::1]:70000"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pt_sockets_connect(second, s_bad[i]), PT_E_IO);
        assert_int_equal(errno, EINVAL);
    }
    assert_int_equal(pt_sockets_bind(second, s_bad[1], again), PT_E_IO);
    assert_int_equal(errno, EINVAL);
    char longest[400];
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "ipc://", 6);
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(pt_sockets_bind(second, longest, again), PT_E_IO);
    assert_int_equal(errno, ENAMETOOLONG);
    zsock_destroy(&first);
    zsock_destroy(&second);
}

static pt_status_t
s_bind_path(const char *path)
{
    char endpoint[128], bound[PT_ENDPOINT_BYTES_MAX + 1];
    snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    zsock_t *socket = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    pt_status_t status = pt_sockets_bind(socket, endpoint, bound);
    int reason = errno;
    zsock_destroy(&socket);
    errno = reason;
    return status;
}

static void
a_path_is_taken_from_a_dead_process_and_from_nobody_else(void **state)
{
    (void) state;
    char folder[] = "/tmp/pt_sockets.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/x", folder);

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(s_bind_path(path), PT_E_IO);
    assert_int_equal(errno, EEXIST);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_true(S_ISREG(found.st_mode));
    assert_int_equal(unlink(path), 0);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(s_bind_path(path), PT_E_IO);
    assert_int_equal(errno, EADDRINUSE);

    //  Its process has ended without removing it.
    close(fd);
    assert_int_equal(s_bind_path(path), PT_OK);
    //  libzmq's thread removes the socket some time later.
    (void) unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

static void
every_socket_has_its_limits(void **state)
{
    (void) state;
    zsock_t *socket = pt_sockets_new(ZMQ_ROUTER, 11, 22);
    assert_int_equal(zsock_sndhwm(socket), 11);
    assert_int_equal(zsock_rcvhwm(socket), 22);
    assert_int_equal(zsock_maxmsgsize(socket), PT_SOCKETS_FRAME_BYTES_MAX);
    assert_int_equal(zsock_linger(socket), PT_SOCKETS_LINGER_MS);
    //  Heartbeats stay off: they abort libzmq 4.3.4 when a reader is slow.
    assert_int_equal(zsock_heartbeat_ivl(socket), 0);
    //  A peer that does not exist is an error, not a silent loss.
    assert_int_equal(zmq_send(zsock_resolve(socket), "nobody", 6, ZMQ_DONTWAIT | ZMQ_SNDMORE), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    zsock_destroy(&socket);
}

static void
czmq_takes_nothing_from_the_environment(void **state)
{
    (void) state;
    setenv("ZSYS_LINGER", "77", 1);
    setenv("ZSYS_SNDHWM", "1", 1);
    assert_int_equal(pt_sockets_init(), PT_OK);
    assert_null(getenv("ZSYS_LINGER"));
    assert_null(getenv("ZSYS_SNDHWM"));
}

static void
a_message_is_received_whole_and_sent_whole(void **state)
{
    (void) state;
    zsock_t *left = pt_sockets_new(ZMQ_PAIR, 0, 0);
    zsock_t *right = pt_sockets_new(ZMQ_PAIR, 0, 0);
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    assert_int_equal(pt_sockets_bind(left, "inproc://frames", bound), PT_OK);
    assert_int_equal(pt_sockets_connect(right, "inproc://frames"), PT_OK);
    pt_frames_t message;
    assert_false(pt_frames_receive(zsock_resolve(left), &message));
    bus_send(right, 3, "a", (size_t) 1, "", (size_t) 0, "ccc", (size_t) 3);
    assert_true(pt_frames_receive(zsock_resolve(left), &message));
    assert_int_equal(message.count, 3);
    assert_int_equal(pt_frames_envelope(&message, 0), 2);
    assert_true(pt_frames_send(zsock_resolve(left), &message, 1));
    pt_frames_clear(&message);
    assert_true(pt_frames_receive(zsock_resolve(right), &message));
    assert_int_equal(message.count, 2);
    assert_int_equal(pt_frames_bytes(&message, 1).len, 3);
    pt_frames_clear(&message);
    bus_send(right, 6, "a", (size_t) 1, "b", (size_t) 1, "c", (size_t) 1, "d", (size_t) 1, "e", (size_t) 1, "f",
             (size_t) 1);
    bus_send(right, 1, "next", (size_t) 4);
    assert_true(pt_frames_receive(zsock_resolve(left), &message));
    assert_true(message.excess);
    assert_int_equal(pt_frames_envelope(&message, 0), 0);
    pt_frames_clear(&message);
    assert_true(pt_frames_receive(zsock_resolve(left), &message));
    assert_int_equal(message.count, 1);
    assert_false(message.excess);
    pt_frames_clear(&message);
    zsock_destroy(&left);
    zsock_destroy(&right);
}

static void
a_failed_send_keeps_its_frames(void **state)
{
    (void) state;
    zsock_t *left = pt_sockets_new(ZMQ_PAIR, 0, 0);
    zsock_t *right = pt_sockets_new(ZMQ_PAIR, 0, 0);
    zsock_t *router = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    assert_int_equal(pt_sockets_bind(left, "inproc://kept", bound), PT_OK);
    assert_int_equal(pt_sockets_connect(right, "inproc://kept"), PT_OK);
    bus_send(right, 2, "nobody", (size_t) 6, "text", (size_t) 4);
    pt_frames_t message;
    assert_true(pt_frames_receive(zsock_resolve(left), &message));
    assert_false(pt_frames_send(zsock_resolve(router), &message, 0));
    assert_int_equal(errno, EHOSTUNREACH);
    assert_int_equal(message.count, 2);
    assert_memory_equal(pt_frames_bytes(&message, 1).data, "text", 4);
    assert_false(pt_frames_answer(zsock_resolve(router), &message, 0, 1, (pt_bytes_t) {(const uint8_t *) "x", 1}));
    assert_int_equal(errno, EHOSTUNREACH);
    pt_frames_clear(&message);
    zsock_destroy(&left);
    zsock_destroy(&right);
    zsock_destroy(&router);
}

static void
signals_are_read_from_a_descriptor_and_counted(void **state)
{
    (void) state;
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    pt_signals_t signals;
    assert_int_equal(pt_signals_open(&signals), PT_OK);
    assert_int_equal(pt_signals_read(&signals), 0);
    struct pollfd item = {.fd = signals.fd, .events = POLLIN};
    assert_int_equal(poll(&item, 1, 0), 0);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(poll(&item, 1, BUS_PATIENCE_MS), 1);
    assert_int_equal(pt_signals_read(&signals), 1);
    assert_int_equal(kill(getpid(), SIGINT), 0);
    assert_int_equal(poll(&item, 1, BUS_PATIENCE_MS), 1);
    assert_int_equal(pt_signals_read(&signals), 2);
    pt_signals_close(&signals);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

//  What a ROUTER calls its first peer.
static zframe_t *
s_first_name(const char *endpoint)
{
    zsock_t *router = pt_sockets_new(ZMQ_ROUTER, 10, 10);
    zsock_t *dealer = pt_sockets_new(ZMQ_DEALER, 10, 10);
    assert_true(zsock_bind(router, "%s", endpoint) >= 0);
    assert_int_equal(zsock_connect(dealer, "%s", endpoint), 0);
    assert_int_equal(zstr_send(dealer, "hello"), 0);
    zframe_t *name = zframe_recv(router);
    assert_non_null(name);
    zsock_destroy(&dealer);
    zsock_destroy(&router);
    return name;
}

static void
a_broker_names_no_client_like_the_broker_before(void **state)
{
    (void) state;
    zframe_t *names[2];
    for (size_t i = 0; i < 2; i++) {
        srandom(1); //  as two starts in one second do
        assert_int_equal(pt_sockets_init(), PT_OK);
        names[i] = s_first_name(i == 0 ? "inproc://before" : "inproc://after");
    }
    assert_false(zframe_eq(names[0], names[1]));
    zframe_destroy(&names[0]);
    zframe_destroy(&names[1]);
}

//  libzmq's own threads exist already in this process and would take a signal meant for all of it.
static void
s_block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int
main(void)
{
    s_block_signals();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_port_is_below_the_ephemeral_range),
        cmocka_unit_test(bad_and_busy_endpoints_are_refused_with_a_reason),
        cmocka_unit_test(a_path_is_taken_from_a_dead_process_and_from_nobody_else),
        cmocka_unit_test(every_socket_has_its_limits),
        cmocka_unit_test(czmq_takes_nothing_from_the_environment),
        cmocka_unit_test(a_message_is_received_whole_and_sent_whole),
        cmocka_unit_test(a_failed_send_keeps_its_frames),
        cmocka_unit_test(a_broker_names_no_client_like_the_broker_before),
        cmocka_unit_test(signals_are_read_from_a_descriptor_and_counted),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
