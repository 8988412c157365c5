/*  libmicrohttpd on a socket of our own, so that an address is refused with its errno. It takes so many connections
 *  and no more until one ends; so the one that has been idle for longest ends for whoever comes, and nobody who only
 *  connects, or never ends a request, keeps health and metrics from those who ask.
 */
#include "pt_http.h"

#include "pt_http_get.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

//  Some monitoring systems and a few people. More wait in the kernel's queue.
#define S_CONNECTIONS_MAX 64
//  From here on others are cut for whoever comes. libmicrohttpd takes a handful at a time, and ends what was cut after
//  them.
#define S_CONNECTIONS_KEPT 32
#define S_BACKLOG 128
//  A client that says nothing for this long is gone.
#define S_SILENCE_S 10
//  Of one connection: its request and the head of its answer.
#define S_REQUEST_BYTES_MAX 16384

//  A connection, for the one thread of libmicrohttpd.
typedef struct {
    MHD_socket fd;
    uint64_t touched; //  by the clock of pt_http, which counts what happens
    bool open, asks, cut;
} s_peer_t;

struct pt_http {
    struct MHD_Daemon *daemon;
    s_peer_t peers[S_CONNECTIONS_MAX];
    uint64_t clock;
    pt_http_handler_fn *handler;
    void *context;
    char url[PT_HTTP_URL_BYTES_MAX];
};

static enum MHD_Result
s_send_answer(struct MHD_Connection *connection, pt_http_answer_t *answer)
{
    struct MHD_Response *response =
        answer->body ? MHD_create_response_from_buffer(answer->len, answer->body, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(answer->body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

//  Whoever comes has a turn. Of the others the one goes that has been idle for longest, or, where all are at a request,
//  has been at it for longest: an answer takes a moment, so what takes long is a request without an end.
static void
s_make_room(pt_http_t *self, const s_peer_t *newest)
{
    s_peer_t *oldest = NULL;
    size_t count = 0;
    for (size_t i = 0; i < S_CONNECTIONS_MAX; i++) {
        s_peer_t *peer = &self->peers[i];
        if (!peer->open || peer->cut)
            continue;
        count++;
        bool sooner =
            !oldest || (oldest->asks && !peer->asks) || (oldest->asks == peer->asks && peer->touched < oldest->touched);
        if (peer != newest && sooner)
            oldest = peer;
    }
    if (!oldest || count <= S_CONNECTIONS_KEPT)
        return;
    //  libmicrohttpd sees its end, and closes it.
    oldest->cut = true;
    (void) shutdown(oldest->fd, SHUT_RDWR);
}

static void
s_note_connection(void *context, struct MHD_Connection *connection, void **peer_p,
                  enum MHD_ConnectionNotificationCode code)
{
    pt_http_t *self = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*peer_p)
            *(s_peer_t *) *peer_p = (s_peer_t) {.open = false};
        return;
    }
    size_t i = 0;
    while (i < S_CONNECTIONS_MAX && self->peers[i].open)
        i++;
    if (i == S_CONNECTIONS_MAX)
        return;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    self->peers[i] = (s_peer_t) {.fd = info->connect_fd, .touched = self->clock++, .open = true};
    *peer_p = &self->peers[i];
    s_make_room(self, &self->peers[i]);
}

//  Idle is who has not asked for anything, or had its answer.
static void
s_note_request(pt_http_t *self, struct MHD_Connection *connection, bool begins)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    s_peer_t *peer = info->socket_context;
    if (!peer)
        return;
    peer->asks = begins;
    peer->touched = self->clock++;
}

static void
s_note_end(void *context, struct MHD_Connection *connection, void **progress, enum MHD_RequestTerminationCode code)
{
    (void) progress;
    (void) code;
    s_note_request(context, connection, false);
}

static bool
s_is_read(const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static enum MHD_Result
s_handle(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
         const char *body, size_t *body_bytes, void **progress)
{
    (void) version;
    (void) body;
    pt_http_t *self = context;
    s_note_request(self, connection, true);
    pt_http_answer_t answer = {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .type = "text/plain; charset=utf-8"};
    if (!s_is_read(method)) {
        answer.body = strdup("only GET and HEAD are served here\n");
        answer.len = answer.body ? strlen(answer.body) : 0;
        return s_send_answer(connection, &answer);
    }
    //  First with the head alone; an answer to that would end the connection.
    if (!*progress) {
        *progress = self;
        return MHD_YES;
    }
    //  A body that a GET has is passed over.
    if (*body_bytes) {
        *body_bytes = 0;
        return MHD_YES;
    }
    self->handler(self->context, path, &answer);
    return s_send_answer(connection, &answer);
}

//  A listening socket, or -1 with errno.
static int
s_listen_at(const struct addrinfo *address)
{
    int one = 1;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, S_BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int
s_listen(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = s_listen_at(found);
    int reason = errno;
    freeaddrinfo(found);
    errno = reason;
    return fd;
}

static void
s_note_url(pt_http_t *self, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char host[256] = "?";
    char port[8] = "?";
    if (getsockname(fd, (struct sockaddr *) &address, &len) == 0)
        getnameinfo((struct sockaddr *) &address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = strchr(host, ':') != NULL;
    snprintf(self->url, sizeof(self->url), "http://%s%s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
}

//  The socket is the daemon's from then on.
static bool
s_start(pt_http_t *self, int fd)
{
    errno = 0;
    self->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, s_handle, self, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned) S_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned) S_SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) S_REQUEST_BYTES_MAX,
                         MHD_OPTION_NOTIFY_CONNECTION, s_note_connection, self, MHD_OPTION_NOTIFY_COMPLETED, s_note_end,
                         self, MHD_OPTION_END);
    //  The socket is in order; what is missing is a thread.
    if (!self->daemon && errno == EINVAL)
        errno = EAGAIN;
    return self->daemon != NULL;
}

pt_http_t *
pt_http_new(const char *endpoint, pt_http_handler_fn *handler, void *context, char *out_error)
{
    assert(endpoint);
    assert(handler);
    assert(out_error);

    char host[256];
    const char *port;
    errno = EINVAL;
    int fd = pt_http_split(endpoint, host, sizeof(host), &port) ? s_listen(host, port) : -1;
    pt_http_t *self = fd >= 0 ? calloc(1, sizeof(*self)) : NULL;
    if (self) {
        self->handler = handler;
        self->context = context;
        s_note_url(self, fd);
    }
    if (self && s_start(self, fd))
        return self;
    int reason = errno ? errno : ENOMEM;
    snprintf(out_error, PT_HTTP_ERROR_BYTES_MAX, "%s: %s", endpoint, strerror(reason));
    if (fd >= 0)
        close(fd);
    free(self);
    errno = reason;
    return NULL;
}

void
pt_http_destroy(pt_http_t **self_p)
{
    assert(self_p);

    pt_http_t *self = *self_p;
    if (!self)
        return;
    MHD_stop_daemon(self->daemon);
    free(self);
    *self_p = NULL;
}

const char *
pt_http_url(const pt_http_t *self)
{
    assert(self);

    return self->url;
}
