/*  Each answer reads the counters anew. Readiness and life are judged from the same ones. */
#include "cmd_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
s_answer_text(pt_http_answer_t *answer, unsigned status, const char *word, const char *reason)
{
    char *text = NULL;
    int len = asprintf(&text, "%s%s%s\n", word, *reason ? ": " : "", reason);
    answer->status = status;
    answer->body = len < 0 ? NULL : text;
    answer->len = len < 0 ? 0 : (size_t) len;
}

static void
s_answer_judged(pt_http_answer_t *answer, bool well, const char *word, const char *reason)
{
    char words[32];
    snprintf(words, sizeof words, "%s%s", well ? "" : "not ", word);
    s_answer_text(answer, well ? 200 : 503, words, reason);
}

static void
s_answer_metrics(cmd_http_t *self, pt_http_answer_t *answer)
{
    FILE *out = open_memstream(&answer->body, &answer->len);
    if (!out)
        return;
    pt_metrics_collect_lags(&self->source, self->metrics);
    pt_metrics_print(self->metrics, out);
    bool well = !ferror(out);
    well = fclose(out) == 0 && well;
    if (!well) {
        free(answer->body);
        answer->body = NULL;
    }
    answer->status = 200;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
}

static void
s_answer(void *context, const char *path, pt_http_answer_t *answer)
{
    cmd_http_t *self = context;
    char reason[256] = "";
    pt_metrics_collect(&self->source, self->metrics);
    if (strcmp(path, "/metrics") == 0)
        s_answer_metrics(self, answer);
    else if (strcmp(path, "/healthz") == 0)
        s_answer_judged(answer, pt_metrics_is_live(self->metrics, reason, sizeof reason), "live", reason);
    else if (strcmp(path, "/readyz") == 0)
        s_answer_judged(answer, pt_metrics_is_ready(self->metrics, reason, sizeof reason), "ready", reason);
    else
        s_answer_text(answer, 404, "there are /metrics, /healthz and /readyz", "");
}

int
cmd_http_start(cmd_http_t *self, const char *endpoint, bool must, const pt_metrics_source_t *source, char *out_error)
{
    *self = (cmd_http_t) {.source = *source, .metrics = calloc(1, sizeof(pt_metrics_t))};
    bool well = self->metrics != NULL;
    if (well && source->journal)
        well = (self->source.lags = pt_lag_reader_new(source->journal)) != NULL;
    if (well)
        self->server = pt_http_new(endpoint, s_answer, self, out_error);
    else
        snprintf(out_error, PT_HTTP_ERROR_BYTES_MAX, "no memory or thread for %s: %s", endpoint, strerror(errno));
    if (self->server)
        return EX_OK;
    int reason = errno;
    cmd_http_stop(self);
    errno = reason;
    if (must || reason != EADDRINUSE)
        return EX_UNAVAILABLE;
    fprintf(stderr, "%-15s none: %s; --http shows this process elsewhere\n", "HTTP", out_error);
    return EX_OK;
}

void
cmd_http_stop(cmd_http_t *self)
{
    pt_http_destroy(&self->server);
    pt_lag_reader_destroy(&self->source.lags);
    free(self->metrics);
    self->metrics = NULL;
}
