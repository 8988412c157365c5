/*  One place for socket options. Each value has its reason beside it.
 *
 *  ZMQ_HEARTBEAT_* stays unset on purpose: in libzmq 4.3.4 a slow reader with heartbeats aborts
 *  the process. READY every second and TCP keepalive notice dead peers instead.
 */
#include "pt_sockets.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "pt_accept.h"
#include "pt_family.h"
#include "pt_means.h"

//  Ports to try when the caller leaves the choice to us: above the services of a usual host, below
//  the ephemeral range that Linux starts at 32768.
#define S_PORT_FIRST 20000
#define S_PORT_COUNT 12000

static const char *const s_environment[] = {
    "ZSYS_IO_THREADS",
    "ZSYS_MAX_SOCKETS",
    "ZSYS_MAX_MSGSZ",
    "ZSYS_LINGER",
    "ZSYS_SNDHWM",
    "ZSYS_RCVHWM",
    "ZSYS_PIPEHWM",
    "ZSYS_IPV6",
    "ZSYS_LOGSTREAM",
    "ZSYS_LOGIDENT",
    "ZSYS_AUTO_USE_FD",
    "ZSYS_LOGSENDER",
    "ZSYS_LOGSYSTEM",
    "ZSYS_SIGHANDLER",
    "ZSYS_INTERFACE",
    "ZSYS_IPV6_ADDRESS",
    "ZSYS_FILE_STABLE_AGE_MSEC",
    "ZSYS_IPV6_MCAST_ADDRESS",
    "ZSYS_IPV4_MCAST_ADDRESS",
    "ZSYS_MCAST_TTL",
    "ZSYS_THREAD_SCHED_POLICY",
    "ZSYS_THREAD_PRIORITY",
    "ZSYS_THREAD_NAME_PREFIX",
    "ZSYS_THREAD_NAME_PREFIX_STR",
    "ZSYS_ZERO_COPY_RECV",
};

//  What libzmq takes at once: two threads with a poller and a mailbox each, its tables and first queues. The
//  descriptors are those, a client's sockets with their monitors, connections, and the files that a look-up of
//  a name reads; measured, `send` needs 19 in all.
#define S_THREADS 2
#define S_DESCRIPTORS 32
#define S_MEMORY_BYTES (8U << 20)

//  libzmq makes its threads with the first socket, after others may have taken what they need.
static pt_status_t
s_start_threads(void)
{
    static bool s_started;
    if (!s_started && pt_means_threads(S_THREADS) != PT_OK)
        return PT_E_IO;
    zsys_init();
    if (s_started)
        return PT_OK;
    zsock_t *first = zsock_new(ZMQ_PAIR);
    zsock_destroy(&first);
    s_started = true;
    return PT_OK;
}

//  libzmq takes the names that a ROUTER gives its peers from rand(), and CZMQ seeds that with the second of the start.
//  Two brokers of one second would give the same names, and an answer meant for a client of the first reach one of the
//  second.
static void
s_seed_names(void)
{
    unsigned seed;
    if (getrandom(&seed, sizeof(seed), 0) == (ssize_t) sizeof(seed))
        srandom(seed);
}

pt_status_t
pt_sockets_init(void)
{
    for (size_t i = 0; i < sizeof(s_environment) / sizeof(s_environment[0]); i++)
        unsetenv(s_environment[i]);
    zsys_handler_set(NULL);
    if (pt_means_descriptors(S_DESCRIPTORS) != PT_OK || pt_means_memory(S_MEMORY_BYTES) != PT_OK)
        return PT_E_IO;
    pt_accept_prepare();
    if (s_start_threads() != PT_OK)
        return PT_E_IO;
    s_seed_names();
    return PT_OK;
}

static void
s_set_network_options(zsock_t *self)
{
    zsock_set_maxmsgsize(self, PT_SOCKETS_FRAME_BYTES_MAX);
    //  A peer that connects and says nothing holds a descriptor for this long.
    zsock_set_handshake_ivl(self, 3000);
    zsock_set_reconnect_ivl(self, 100);
    zsock_set_reconnect_ivl_max(self, 5000);
    //  A host that vanished is noticed after 15 s + 3 * 5 s without traffic, 15 s with.
    zsock_set_tcp_keepalive(self, 1);
    zsock_set_tcp_keepalive_idle(self, 15);
    zsock_set_tcp_keepalive_intvl(self, 5);
    zsock_set_tcp_keepalive_cnt(self, 3);
    zsock_set_tcp_maxrt(self, 15000);
}

zsock_t *
pt_sockets_new(int type, int send_hwm, int receive_hwm)
{
    assert(send_hwm >= 0);
    assert(receive_hwm >= 0);

    //  CZMQ asserts where libzmq has none.
    if (pt_means_descriptors(1) != PT_OK)
        return NULL;
    zsock_t *self = zsock_new(type);
    zsock_set_sndhwm(self, send_hwm);
    zsock_set_rcvhwm(self, receive_hwm);
    zsock_set_linger(self, PT_SOCKETS_LINGER_MS);
    s_set_network_options(self);
    //  Without it a ROUTER drops what it cannot send, and says that it was sent.
    if (type == ZMQ_ROUTER)
        zsock_set_router_mandatory(self, 1);
    return self;
}

//  libzmq takes 70000 for 4464.
static bool
s_is_port_too_large(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    bool is_tcp = strncmp(endpoint, "tcp://", 6) == 0;
    if (!is_tcp || !colon || strtoul(colon + 1, NULL, 10) <= UINT16_MAX)
        return false;
    errno = EINVAL;
    return true;
}

//  The length of "tcp://HOST:" when the port is left to us, else 0.
static size_t
s_find_open_port(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    if (strncmp(endpoint, "tcp://", 6) != 0 || !colon || colon < endpoint + 6)
        return 0;
    if (strcmp(colon, ":*") != 0 && strcmp(colon, ":0") != 0)
        return 0;
    return (size_t) (colon - endpoint) + 1;
}

static int
s_bind_free_port(void *socket, const char *endpoint, size_t host_len)
{
    char attempt[PT_ENDPOINT_BYTES_MAX + 1];
    //  Any start will do, as long as two processes seldom choose the same.
    uint32_t start = (uint32_t) zclock_usecs() ^ (uint32_t) getpid();
    for (uint32_t i = 0; i < S_PORT_COUNT; i++) {
        unsigned port = S_PORT_FIRST + (start + i) % S_PORT_COUNT;
        snprintf(attempt, sizeof(attempt), "%.*s%u", (int) host_len, endpoint, port);
        if (zmq_bind(socket, attempt) == 0)
            return 0;
        if (errno != EADDRINUSE && errno != EACCES)
            return -1;
    }
    return -1;
}

//  Whether somebody answers at the address; a socket that its process has left behind does not.
static bool
s_is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    //  A queue that is full has an owner too.
    bool answered =
        fd >= 0 && (connect(fd, (const struct sockaddr *) address, sizeof(*address)) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    return answered;
}

//  libzmq removes whatever stands at the path of an ipc endpoint: a file that somebody needs, or the socket of
//  a process that lives and would be out of reach from then on.
static bool
s_is_path_free(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = endpoint + strlen("ipc://");
    struct stat found;
    if (strncmp(endpoint, "ipc://", 6) != 0 || *path == '@' || strlen(path) >= sizeof(address.sun_path))
        return true;
    if (lstat(path, &found) != 0)
        return true;
    memcpy(address.sun_path, path, strlen(path) + 1);
    bool is_socket = S_ISSOCK(found.st_mode);
    if (is_socket && !s_is_answered(&address))
        return true;
    errno = is_socket ? EADDRINUSE : EEXIST;
    return false;
}

pt_status_t
pt_sockets_bind(zsock_t *self, const char *endpoint, char *out_bound)
{
    assert(self);
    assert(endpoint);
    assert(out_bound);

    //  Room for a port in place of the star.
    if (strlen(endpoint) > PT_ENDPOINT_BYTES_MAX - 5) {
        errno = ENAMETOOLONG;
        return PT_E_IO;
    }
    if (s_is_port_too_large(endpoint) || !s_is_path_free(endpoint))
        return PT_E_IO;
    //  libzmq binds to addresses and devices, to no names of hosts.
    zsock_set_ipv6(self, pt_family_is_six_address(endpoint));
    void *socket = zsock_resolve(self);
    size_t host_len = s_find_open_port(endpoint);
    int rc = host_len ? s_bind_free_port(socket, endpoint, host_len) : zmq_bind(socket, endpoint);
    if (rc != 0)
        return PT_E_IO;
    size_t size = PT_ENDPOINT_BYTES_MAX + 1;
    return zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, out_bound, &size) == 0 ? PT_OK : PT_E_IO;
}

pt_status_t
pt_sockets_bind_private(zsock_t *self, const char *endpoint, char *out_bound)
{
    //  A change of mode afterwards would leave a moment in which anybody may connect.
    mode_t mask = umask(0177);
    pt_status_t status = pt_sockets_bind(self, endpoint, out_bound);
    int reason = errno;
    umask(mask);
    errno = reason;
    return status;
}

pt_status_t
pt_sockets_connect(zsock_t *self, const char *endpoint)
{
    assert(self);
    assert(endpoint);

    if (s_is_port_too_large(endpoint))
        return PT_E_IO;
    zsock_set_ipv6(self, pt_family_is_six(endpoint));
    return zmq_connect(zsock_resolve(self), endpoint) == 0 ? PT_OK : PT_E_IO;
}

void
pt_sockets_poll(zmq_pollitem_t *items, size_t count, int64_t timeout_ms)
{
    assert(items);

    //  Signals are blocked in all of our threads; a debugger may still interrupt the call. Any other
    //  fault is a socket that is gone while we use it, which must not become a busy loop.
    while (zmq_poll(items, (int) count, (long) timeout_ms) < 0)
        if (errno != EINTR)
            abort();
}
