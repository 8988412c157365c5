/*  pt_http: a small HTTP server for those who watch a process: one thread of its own, GET and HEAD only.
 *
 *  Connections, the size of a request and the time of a silent client are bounded. It shares nothing
 *  with the bus but what the handler reads.
 */
#ifndef PT_HTTP_H
#define PT_HTTP_H

#include <stddef.h>

//  Longest texts: the bound address as a URL, and a refusal.
#define PT_HTTP_URL_BYTES_MAX 300
#define PT_HTTP_ERROR_BYTES_MAX 512

typedef struct {
    unsigned status;  //  of HTTP
    const char *type; //  of the content; static
    char *body;       //  from malloc; the server frees it. NULL: out of memory
    size_t len;
} pt_http_answer_t;

/*  Answer a GET of `path`, on the server's one thread; a path that is not known gets status 404. */
typedef void(pt_http_handler_fn)(void *context, const char *path, pt_http_answer_t *out_answer);

typedef struct pt_http pt_http_t;

/*  Bind and start. The endpoint looks like tcp://127.0.0.1:5580; http:// does as well, a host of `*` is
 *  all addresses, a port of `*` any free one. NULL with errno and one line in
 *  out_error[PT_HTTP_ERROR_BYTES_MAX]; EINVAL: it is no endpoint.
 */
pt_http_t *pt_http_new(const char *endpoint, pt_http_handler_fn *handler, void *context, char *out_error);

/*  Stop, and set *self_p to NULL. Returns when no handler runs any more. */
void pt_http_destroy(pt_http_t **self_p);

/*  Where it is, as http://HOST:PORT; valid as long as the server. */
const char *pt_http_url(const pt_http_t *self);

#endif
