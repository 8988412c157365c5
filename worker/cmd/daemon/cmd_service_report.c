/*  Each part is told as an event for machines, and as a line for people where the log is text. */
#include "cmd_service_report.h"

#include "cmd_ports.h"
#include "pt_log.h"

#include <inttypes.h>

//  Where a service is reached, and what it is connected to.
typedef struct {
    const char *name;
    const char *endpoint;
    bool is_port; //  stands in the ports file
} s_endpoint_t;

#define S_ENDPOINTS_MAX (2 + PT_POOL_BROKERS_MAX + PT_QUEUE_COUNT_ + 3)

//  In the order in which they are told. Returns how many.
static size_t
s_list_endpoints(const cmd_service_t *self, s_endpoint_t out[S_ENDPOINTS_MAX])
{
    size_t count = 0;
    if (self->broker) {
        out[count++] = (s_endpoint_t) {"front", pt_broker_front(self->broker), true};
        out[count++] = (s_endpoint_t) {"back", pt_broker_back(self->broker), true};
    }
    for (size_t i = 0; i < self->options.broker_count; i++)
        out[count++] = (s_endpoint_t) {"broker", self->options.brokers[i], false};
    for (unsigned i = 0; self->pool && i < PT_QUEUE_COUNT_; i++)
        out[count++] =
            (s_endpoint_t) {pt_queue_text((pt_queue_t) i), pt_pool_endpoint(self->pool, (pt_queue_t) i), true};
    if (self->pool && *pt_pool_replay(self->pool))
        out[count++] = (s_endpoint_t) {"replay", pt_pool_replay(self->pool), true};
    if (self->control.socket)
        out[count++] = (s_endpoint_t) {"control", self->control.endpoint, false};
    if (self->http.server)
        out[count++] = (s_endpoint_t) {"http", pt_http_url(self->http.server), true};
    return count;
}

static int
s_write_ports(const cmd_service_t *self, const char *path)
{
    s_endpoint_t endpoints[S_ENDPOINTS_MAX];
    size_t count = s_list_endpoints(self, endpoints);
    json_t *json = json_object();
    for (size_t i = 0; i < count; i++)
        if (endpoints[i].is_port)
            json_object_set_new(json, endpoints[i].name, json_string(endpoints[i].endpoint));
    int error = cmd_ports_write(path, json);
    json_decref(json);
    return error ? cmd_fail(EX_CANTCREAT, NULL, "cannot write %s: %s", path, strerror(error)) : EX_OK;
}

//  The start as events, for whoever reads logs by machine.
static void
s_log_start(const cmd_service_t *self)
{
    char catalog[17];
    char key[PT_KEYS_TEXT_BYTES] = "";
    s_endpoint_t endpoints[S_ENDPOINTS_MAX];
    size_t count = s_list_endpoints(self, endpoints);
    snprintf(catalog, sizeof catalog, "%016" PRIx64, pt_catalog_hash(self->catalog));
    pt_log(PT_EVENT_SERVICE_STARTED, PT_LOG_S("version", PT_VERSION), PT_LOG_S("catalog", catalog),
           PT_LOG_N("entries", pt_catalog_entry_count(self->catalog)),
           PT_LOG_N("gateways", pt_catalog_provider_count(self->catalog)));
    if (self->gate) {
        pt_curve_copy_public_key(self->curve, key);
        pt_log(PT_EVENT_GATE_OPENED, PT_LOG_S("key", key), PT_LOG_N("clients", pt_gate_counters(self->gate).keys));
    }
    for (size_t i = 0; i < count; i++)
        pt_log(PT_EVENT_SERVICE_ENDPOINT, PT_LOG_S("name", endpoints[i].name),
               PT_LOG_S("endpoint", endpoints[i].endpoint));
    if (self->pool)
        cmd_journal_log(&self->journal);
}

//  The same for people.
static void
s_print_start(const cmd_service_t *self)
{
    const pt_catalog_t *catalog = self->catalog;
    char key[PT_KEYS_TEXT_BYTES] = "";
    s_endpoint_t endpoints[S_ENDPOINTS_MAX];
    size_t count = s_list_endpoints(self, endpoints);
    fprintf(stderr, "paytriage %s, catalog %016" PRIx64 " (%zu entries of %zu gateways)\n", PT_VERSION,
            pt_catalog_hash(catalog), pt_catalog_entry_count(catalog), pt_catalog_provider_count(catalog));
    if (self->gate) {
        pt_curve_copy_public_key(self->curve, key);
        fprintf(stderr, "%-15s %s, %" PRIu64 " keys of clients\n", "curve", key, pt_gate_counters(self->gate).keys);
    }
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%-15s %s%s\n", endpoints[i].name, endpoints[i].endpoint,
                strcmp(endpoints[i].name, "http") == 0 ? "/metrics" : "");
    if (self->pool)
        cmd_journal_announce(&self->journal);
}

int
cmd_service_announce(const cmd_service_t *self)
{
    bool people = pt_log_format() == PT_LOG_TEXT;
    if (people)
        s_print_start(self);
    else
        s_log_start(self);
    int code = self->options.ports_file ? s_write_ports(self, self->options.ports_file) : EX_OK;
    if (code == EX_OK && !people)
        pt_log(PT_EVENT_SERVICE_READY, PT_LOG_N("elapsed_ms", cmd_mono_ms() - self->started_mono_ms));
    else if (code == EX_OK)
        fprintf(stderr, "ready in %" PRIu64 " ms; Ctrl-C drains and stops\n", cmd_mono_ms() - self->started_mono_ms);
    return code;
}

void
cmd_service_report_broker(const pt_broker_counters_t *counters)
{
    pt_log(PT_EVENT_BROKER_COUNTS, PT_LOG_N("batches", counters->batches), PT_LOG_N("plain_requests", counters->plain),
           PT_LOG_N("answers", counters->answers), PT_LOG_N("busy", counters->busy),
           PT_LOG_N("refused", counters->refused), PT_LOG_N("garbage", counters->garbage),
           PT_LOG_N("answers_dropped", counters->answers_dropped));
}

void
cmd_service_report_pool(const pt_pool_counters_t *counters)
{
    pt_log(PT_EVENT_WORKER_COUNTS, PT_LOG_N("received", counters->received),
           PT_LOG_N("settled", counters->decided[PT_ROUTE_SETTLED]),
           PT_LOG_N("retry", counters->decided[PT_ROUTE_RETRY]),
           PT_LOG_N("dead_letter", counters->decided[PT_ROUTE_DEAD_LETTER]), PT_LOG_N("alerts", counters->alerts),
           PT_LOG_N("invalid", counters->invalid), PT_LOG_N("seen_again", counters->duplicates));
}

void
cmd_service_report_gate(const pt_gate_counters_t *counters)
{
    pt_log(PT_EVENT_GATE_COUNTS, PT_LOG_N("admitted", counters->admitted),
           PT_LOG_N("unknown_key", counters->unknown_key), PT_LOG_N("wrong_role", counters->wrong_role),
           PT_LOG_N("no_handshake", counters->no_handshake), PT_LOG_N("bad_request", counters->bad_request),
           PT_LOG_N("cuts", counters->cuts));
}
