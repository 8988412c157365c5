/*  HTTP/1.0, so that the body ends where the connection does. What answers may be anything, so its
 *  length and the time it takes are bounded, and nothing is believed but a status line.
 */
#include "pt_http_get.h"

#include "pt_histogram_ns.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool
pt_http_split(const char *endpoint, char *host, size_t room, const char **out_port)
{
    static const char *const schemes[] = {"tcp://", "http://"};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(endpoint, schemes[i], strlen(schemes[i])) == 0) {
            endpoint += strlen(schemes[i]);
            break;
        }
    const char *colon = strrchr(endpoint, ':');
    if (!colon || colon == endpoint || !colon[1])
        return false;
    size_t len = (size_t) (colon - endpoint);
    bool brackets = *endpoint == '[' && endpoint[len - 1] == ']';
    if (brackets) {
        endpoint++;
        len -= 2;
    }
    if (len == 0 || len >= room || strcspn(endpoint, "/") < len || (!brackets && memchr(endpoint, ':', len)))
        return false;
    memcpy(host, endpoint, len);
    host[len] = 0;
    *out_port = strcmp(colon + 1, "*") == 0 ? "0" : colon + 1;
    return strspn(*out_port, "0123456789") == strlen(*out_port) && strlen(*out_port) <= 5 && atoi(*out_port) <= 65535;
}

//  Wait until the socket can do what is asked. False with errno when the time is over.
static bool
s_wait(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd item = {.fd = fd, .events = events};
    uint64_t now_ns = pt_clock_ns();
    int left_ms = now_ns < deadline_ns ? (int) ((deadline_ns - now_ns) / 1000000) + 1 : 0;
    int ready = poll(&item, 1, left_ms);
    if (ready == 0)
        errno = ETIMEDOUT;
    return ready > 0;
}

static int
s_connect(const struct addrinfo *address, uint64_t deadline_ns)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int reason = 0;
    socklen_t size = sizeof(reason);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        reason = errno;
    if (reason == EINPROGRESS) {
        if (!s_wait(fd, POLLOUT, deadline_ns))
            reason = errno;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0)
            reason = errno;
    }
    if (reason == 0)
        return fd;
    close(fd);
    errno = reason;
    return -1;
}

//  A name may have addresses of both families, and a daemon listens at one. -1 with errno of the last one.
static int
s_connect_any(const struct addrinfo *address, uint64_t deadline_ns)
{
    int fd = -1;
    for (; address && fd < 0; address = address->ai_next)
        fd = s_connect(address, deadline_ns);
    return fd;
}

//  Read to the end into *answer. False with errno.
static bool
s_read(int fd, uint64_t deadline_ns, char **answer, size_t *out_len)
{
    size_t room = 0;
    size_t len = 0;
    for (;;) {
        if (len + 1 >= room) {
            room = room ? 2 * room : 65536;
            char *larger = room <= 2 * PT_HTTP_GET_BYTES_MAX ? realloc(*answer, room) : NULL;
            if (!larger) {
                errno = EMSGSIZE;
                return false;
            }
            *answer = larger;
        }
        if (!s_wait(fd, POLLIN, deadline_ns))
            return false;
        ssize_t more = recv(fd, *answer + len, room - len - 1, 0);
        if (more < 0)
            return false;
        if (more == 0)
            break;
        len += (size_t) more;
    }
    (*answer)[len] = 0;
    *out_len = len;
    return true;
}

//  Ask, and read all that comes. NULL with errno.
static char *
s_ask(int fd, const char *host, const char *path, uint64_t deadline_ns)
{
    char request[512];
    char *answer = NULL;
    size_t answer_len;
    int len =
        snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    //  So short a request fits into the socket's empty buffer.
    if (len < (int) sizeof(request) && send(fd, request, (size_t) len, MSG_NOSIGNAL) == len &&
        s_read(fd, deadline_ns, &answer, &answer_len))
        return answer;
    int reason = errno;
    free(answer);
    errno = reason;
    return NULL;
}

static bool
s_split_answer(char *answer, unsigned *out_status, char **out_body)
{
    char *end = strstr(answer, "\r\n\r\n");
    if (!end || sscanf(answer, "HTTP/1.%*1[01] %3u", out_status) != 1)
        return false;
    *out_body = strdup(end + 4);
    return *out_body != NULL;
}

//  A name has at most 253 characters (RFC 1035).
#define S_HOST_BYTES 256

//  The addresses behind an endpoint, for freeaddrinfo; host[S_HOST_BYTES] is filled in. NULL: there are none.
static struct addrinfo *
s_find_addresses(const char *endpoint, char *host)
{
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (!pt_http_split(endpoint, host, S_HOST_BYTES, &port))
        return NULL;
    //  Where it listens at all addresses, it does on this host.
    if (strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0)
        memcpy(host, "127.0.0.1", 10);
    return getaddrinfo(host, port, &hints, &found) == 0 ? found : NULL;
}

bool
pt_http_get(const char *endpoint, const char *path, unsigned timeout_ms, unsigned *out_status, char **out_body,
            char *out_error)
{
    assert(endpoint);
    assert(path);
    assert(out_status);
    assert(out_body);
    assert(out_error);

    char host[S_HOST_BYTES];
    uint64_t deadline_ns = pt_clock_ns() + (uint64_t) timeout_ms * 1000000;
    struct addrinfo *found = s_find_addresses(endpoint, host);
    if (!found) {
        snprintf(out_error, PT_HTTP_GET_ERROR_BYTES_MAX, "%s: no such address", endpoint);
        return false;
    }
    int fd = s_connect_any(found, deadline_ns);
    char *answer = fd >= 0 ? s_ask(fd, host, path, deadline_ns) : NULL;
    bool well = answer && s_split_answer(answer, out_status, out_body);
    if (!well)
        snprintf(out_error, PT_HTTP_GET_ERROR_BYTES_MAX, "%s%s: %s", endpoint, path,
                 answer ? "the answer is not HTTP" : strerror(errno));
    free(answer);
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return well;
}
