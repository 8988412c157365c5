/*  Figures that are counters are shown since the daemon's start and for each second of the last interval. */
#include "cmd_top.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_text.h"

#define S_CODES_SHOWN 8
#define S_LAGS_SHOWN 5
#define S_SUMMARY_BYTES_MAX 80

void
cmd_top_scraped(cmd_top_t *self, char *page, const char *error, uint64_t now_ms)
{
    snprintf(self->error, sizeof self->error, "%s", page ? "" : error);
    if (!page)
        return;
    free(self->before);
    self->before = self->page;
    self->before_ms = self->page_ms;
    self->page = page;
    self->page_ms = now_ms;
}

const char *
cmd_top_error(const cmd_top_t *self)
{
    return self->error;
}

void
cmd_top_clear(cmd_top_t *self)
{
    free(self->page);
    free(self->before);
    self->page = self->before = NULL;
}

//  ---- codes and alerts

//  As cmd_text_print_foreign shows it, so that no gateway steers the terminal.
static void
s_print_name(const pt_decision_t *decision, char *out, size_t room)
{
    FILE *stream = fmemopen(out, room - 1, "w");
    out[0] = out[room - 1] = 0;
    if (!stream)
        return;
    setvbuf(stream, NULL, _IONBF, 0);
    cmd_text_print_foreign(stream, decision->provider.len ? decision->provider : PT_TEXT("-"), 24);
    fputc(' ', stream);
    cmd_text_print_foreign(stream, decision->code.len ? decision->code : pt_text_of(pt_match_text(decision->match)),
                           40);
    fputc(0, stream);
    fclose(stream);
}

static void
s_note_code(cmd_top_t *self, const pt_decision_t *decision)
{
    char name[CMD_TOP_TEXT_BYTES];
    s_print_name(decision, name, sizeof name);
    size_t at = 0;
    while (at < self->code_count && strcmp(self->codes[at].name, name) != 0)
        at++;
    if (at == CMD_TOP_CODES_MAX) {
        self->other_codes++;
        return;
    }
    cmd_top_code_t *code = &self->codes[at];
    if (at == self->code_count) {
        self->code_count++;
        memcpy(code->name, name, sizeof name);
    }
    snprintf(code->action, sizeof code->action, "%s", pt_action_text(decision->action));
    code->count++;
}

void
cmd_top_note(cmd_top_t *self, const pt_decision_t *decision, bool alert)
{
    //  An alert's copy is on its route as well.
    if (!alert) {
        s_note_code(self, decision);
        return;
    }
    char name[CMD_TOP_TEXT_BYTES];
    char *line = self->alerts[self->alert_count++ % CMD_TOP_ALERTS_MAX];
    s_print_name(decision, name, sizeof name);
    pt_text_t summary = pt_text_cut(decision->summary, S_SUMMARY_BYTES_MAX);
    snprintf(line, sizeof self->alerts[0], "%-8s %s: %.*s", pt_severity_text(decision->alert.severity), name,
             (int) summary.len, summary.data ? summary.data : "");
}

//  ---- the page

static double
s_sum(const cmd_top_t *self, const char *name, const char *label, const char *value)
{
    return cmd_scrape_sum(self->page, name, label, value, NULL);
}

//  For each second between the two pages; 0 after a restart.
static double
s_rate(const cmd_top_t *self, const char *name, const char *label, const char *value)
{
    if (!self->before || self->page_ms <= self->before_ms)
        return 0;
    double more = s_sum(self, name, label, value) - cmd_scrape_sum(self->before, name, label, value, NULL);
    return more > 0 ? 1000 * more / (double) (self->page_ms - self->before_ms) : 0;
}

static void
s_print_routes(const cmd_top_t *self, FILE *out)
{
    static const char *const name = "paytriage_decisions_total";
    fprintf(out, "\n%-16s %12s %10s\n", "ROUTE", "DECISIONS", "PER SECOND");
    for (int route = 0; route < PT_ROUTE_COUNT_; route++) {
        const char *word = pt_route_text((pt_route_t) route);
        fprintf(out, "%-16s %12.0f %10.1f\n", word, s_sum(self, name, "route", word),
                s_rate(self, name, "route", word));
    }
}

static void
s_print_provider(const cmd_top_t *self, const char *provider, FILE *out)
{
    double all = s_sum(self, "paytriage_decisions_total", "provider", provider);
    if (all > 0)
        fprintf(out, "%-16s %12.0f %10.1f %8.0f %8.0f\n", provider, all,
                s_rate(self, "paytriage_decisions_total", "provider", provider),
                s_sum(self, "paytriage_alerts_total", "provider", provider),
                s_sum(self, "paytriage_unknown_codes_total", "provider", provider));
}

//  Each gateway once: alerts have one line for each.
static void
s_print_providers(const cmd_top_t *self, FILE *out)
{
    fprintf(out, "\n%-16s %12s %10s %8s %8s\n", "GATEWAY", "DECISIONS", "PER SECOND", "ALERTS", "UNKNOWN");
    const char *at = self->page;
    cmd_sample_t sample;
    while (cmd_scrape_next(&at, &sample))
        if (pt_text_equal(sample.name, PT_TEXT("paytriage_alerts_total"))) {
            char provider[PT_PROVIDER_BYTES_MAX + 1];
            pt_text_t label = cmd_scrape_label(&sample, "provider");
            snprintf(provider, sizeof provider, "%.*s", (int) label.len, label.data ? label.data : "");
            s_print_provider(self, provider, out);
        }
}

static int
s_compare_codes(const void *left, const void *right)
{
    const cmd_top_code_t *a = *(const cmd_top_code_t *const *) left;
    const cmd_top_code_t *b = *(const cmd_top_code_t *const *) right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return strcmp(a->name, b->name);
}

static void
s_print_code(FILE *out, const cmd_top_code_t *code)
{
    size_t columns = cmd_text_columns(pt_text_of(code->name));
    fprintf(out, "%s%*s %8" PRIu64 "  %s\n", code->name, columns < 44 ? (int) (44 - columns) : 0, "", code->count,
            code->action);
}

static void
s_print_codes(const cmd_top_t *self, FILE *out)
{
    const cmd_top_code_t *sorted[CMD_TOP_CODES_MAX];
    for (size_t i = 0; i < self->code_count; i++)
        sorted[i] = &self->codes[i];
    if (self->code_count)
        qsort(sorted, self->code_count, sizeof sorted[0], s_compare_codes);
    fprintf(out, "\n%-44s %8s  %s\n", "CODES HEARD", "COUNT", "ACTION");
    for (size_t i = 0; i < self->code_count && i < S_CODES_SHOWN; i++)
        s_print_code(out, sorted[i]);
    if (!self->code_count)
        fputs("none yet\n", out);
    if (self->other_codes)
        fprintf(out, "%-44s %8" PRIu64 "\n", "others", self->other_codes);
}

static void
s_print_alerts(const cmd_top_t *self, FILE *out)
{
    uint64_t first = self->alert_count > CMD_TOP_ALERTS_MAX ? self->alert_count - CMD_TOP_ALERTS_MAX : 0;
    fprintf(out, "\nALERTS HEARD: %" PRIu64 "\n", self->alert_count);
    for (uint64_t i = self->alert_count; i > first; i--)
        fprintf(out, "%s\n", self->alerts[(i - 1) % CMD_TOP_ALERTS_MAX]);
}

static void
s_print_lags(const cmd_top_t *self, FILE *out)
{
    const char *at = self->page;
    cmd_sample_t sample;
    size_t count = 0;
    while (cmd_scrape_next(&at, &sample))
        if (pt_text_equal(sample.name, PT_TEXT("paytriage_subscriber_behind_decisions"))) {
            pt_text_t name = cmd_scrape_label(&sample, "subscriber");
            if (count++ == 0)
                fprintf(out, "\n%-44s %8s\n", "SUBSCRIBER", "BEHIND");
            if (count <= S_LAGS_SHOWN)
                fprintf(out, "%-44.*s %8.0f\n", (int) name.len, name.data ? name.data : "", sample.value);
        }
    if (count > S_LAGS_SHOWN)
        fprintf(out, "and %zu more\n", count - S_LAGS_SHOWN);
}

static void
s_print_worker(const cmd_top_t *self, FILE *out)
{
    fprintf(out, "worker   brokers %.0f of %.0f, in work %.0f of %.0f, responses %.0f (%.1f/s), refused %.0f\n",
            s_sum(self, "paytriage_brokers_connected", NULL, NULL), s_sum(self, "paytriage_brokers", NULL, NULL),
            s_sum(self, "paytriage_in_work_messages", NULL, NULL),
            s_sum(self, "paytriage_in_work_limit_messages", NULL, NULL),
            s_sum(self, "paytriage_responses_total", NULL, NULL), s_rate(self, "paytriage_responses_total", NULL, NULL),
            s_sum(self, "paytriage_nacks_total", NULL, NULL));
    double size = s_sum(self, "paytriage_journal_size_bytes", NULL, NULL);
    double commits = s_sum(self, "paytriage_journal_commit_seconds_count", NULL, NULL);
    if (size > 0)
        fprintf(out, "journal  %.1f %% of %.0f MiB used, %.0f commits of %.1f ms\n",
                100 * s_sum(self, "paytriage_journal_used_bytes", NULL, NULL) / size, size / (1 << 20), commits,
                commits > 0 ? 1000 * s_sum(self, "paytriage_journal_commit_seconds_sum", NULL, NULL) / commits : 0);
}

void
cmd_top_print(const cmd_top_t *self, FILE *out)
{
    if (*self->error)
        fprintf(out, "NO ANSWER: %s\n", self->error);
    if (!self->page)
        return;
    bool worker;
    bool broker;
    (void) cmd_scrape_sum(self->page, "paytriage_brokers", NULL, NULL, &worker);
    double workers = cmd_scrape_sum(self->page, "paytriage_broker_workers", NULL, NULL, &broker);
    if (broker)
        fprintf(out, "broker   workers %.0f, credit %.0f, batches %.0f, busy %.0f\n", workers,
                s_sum(self, "paytriage_broker_credit_messages", NULL, NULL),
                s_sum(self, "paytriage_broker_batches_total", NULL, NULL),
                s_sum(self, "paytriage_broker_nacks_total", "reason", "busy"));
    if (worker) {
        s_print_worker(self, out);
        s_print_routes(self, out);
        s_print_providers(self, out);
    }
    s_print_codes(self, out);
    s_print_alerts(self, out);
    if (worker)
        s_print_lags(self, out);
}
