/*  cmd_http: what a daemon shows over HTTP: /metrics, /healthz and /readyz. */
#ifndef PT_CMD_HTTP_H
#define PT_CMD_HTTP_H

#include "cmd.h"

#include "pt_http.h"
#include "pt_metrics.h"

typedef struct {
    pt_http_t *server;          //  NULL: none
    pt_metrics_source_t source; //  with a reader of lags of its own
    pt_metrics_t *metrics;      //  room for one answer; the server has one thread
} cmd_http_t;

/*  Start to show `source`, whose parts outlive the server. With `must` false an address in use is no
 *  fault, but said on stderr. EX_OK, or PT_HTTP_ERROR_BYTES_MAX bytes of reason in out_error with errno,
 *  and another code.
 */
int cmd_http_start(cmd_http_t *self, const char *endpoint, bool must, const pt_metrics_source_t *source,
                   char *out_error);

/*  Before the source ends. */
void cmd_http_stop(cmd_http_t *self);

#endif
