/*  pt_http_get: one page of a daemon's HTTP, for those of our own commands that watch one. */
#ifndef PT_HTTP_GET_H
#define PT_HTTP_GET_H

#include <stdbool.h>
#include <stddef.h>

//  More than all metrics of a process with as many subscribers and gateways as there may be.
#define PT_HTTP_GET_BYTES_MAX (4u << 20)
#define PT_HTTP_GET_ERROR_BYTES_MAX 512

/*  GET `path` from an endpoint like tcp://127.0.0.1:5580, as of pt_http_new, within `timeout_ms` for
 *  all of it. True: the status, and the body, ending with a zero byte, for free(). False: one line in
 *  out_error[PT_HTTP_GET_ERROR_BYTES_MAX].
 */
bool pt_http_get(const char *endpoint, const char *path, unsigned timeout_ms, unsigned *out_status, char **out_body,
                 char *out_error);

/*  Split tcp://HOST:PORT or http://HOST:PORT; an IPv6 address stands in brackets; a port of `*` becomes
 *  "0". *out_port points into the endpoint or static text. False: it is no endpoint.
 */
bool pt_http_split(const char *endpoint, char *host, size_t room, const char **out_port);

#endif
