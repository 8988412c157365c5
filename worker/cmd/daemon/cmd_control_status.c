/*  The answer to the order STATUS: facts and counters as they are, and no judgement. */
#include "cmd_control_status.h"

#include "cmd_service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static json_t *
s_text(pt_text_t text)
{
    return json_stringn(text.data, text.len);
}

static json_t *
s_hex(uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, value);
    return json_string(text);
}

static json_t *
s_number(uint64_t value)
{
    return json_integer((json_int_t) value);
}

static json_t *
s_describe_catalog(const cmd_reload_t *reload)
{
    json_t *origin = json_array();
    for (size_t i = 0; i < reload->options->path_count; i++)
        json_array_append_new(origin, s_text(pt_text_of(reload->options->paths[i])));
    if (!reload->options->path_count)
        json_array_append_new(origin, json_string("built-in"));
    return json_pack("{so so so so so}", "hash", s_hex(pt_catalog_hash(reload->catalog)), "entries",
                     s_number(pt_catalog_entry_count(reload->catalog)), "gateways",
                     s_number(pt_catalog_provider_count(reload->catalog)), "origin", origin, "loaded_ms",
                     s_number(reload->loaded_ms));
}

static json_t *
s_describe_reload(const cmd_control_t *self)
{
    const cmd_reload_t *reload = &self->reload;
    json_t *json =
        json_pack("{so so sb sb}", "switched", s_number(reload->swaps), "refused", s_number(reload->refusals),
                  "under_way", reload->reading != NULL, "watching", self->watch != NULL);
    if (reload->refused_ms) {
        json_object_set_new(json, "last_refused_ms", s_number(reload->refused_ms));
        json_object_set_new(json, "last_refused_reason", json_string(reload->reason));
    }
    return json;
}

static json_t *
s_describe_counters(const pt_pool_counters_t *counters)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"received", counters->received},
        {"settled", counters->decided[PT_ROUTE_SETTLED]},
        {"retry", counters->decided[PT_ROUTE_RETRY]},
        {"dead_letter", counters->decided[PT_ROUTE_DEAD_LETTER]},
        {"alerts", counters->alerts},
        {"invalid", counters->invalid},
        {"messages", counters->messages},
        {"acked", counters->acked},
        {"nacked", counters->nacked},
        {"duplicates", counters->duplicates},
        {"published", counters->published},
        {"answers_dropped", counters->answers_dropped},
        {"garbage", counters->garbage},
        {"hellos", counters->hellos},
        {"in_work", counters->in_work},
        {"brokers", counters->brokers},
        {"connected", counters->connected},
    };
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_set_new(json, rows[i].name, s_number(rows[i].value));
    return json;
}

static json_t *
s_describe_journal(const cmd_journal_t *journal)
{
    if (!journal->store)
        return json_null();
    return json_pack("{so so sb}", "dir", s_text(pt_text_of(journal->dir)), "used_percent",
                     s_number(pt_store_used_percent(journal->store)), "full", pt_store_is_full(journal->store));
}

static json_t *
s_describe_brokers(const cmd_service_t *service)
{
    json_t *brokers = json_array();
    for (size_t i = 0; i < service->options.broker_count; i++)
        json_array_append_new(brokers, s_text(pt_text_of(service->options.brokers[i])));
    if (service->broker)
        json_array_append_new(brokers, json_string(pt_broker_back(service->broker)));
    return brokers;
}

char *
cmd_control_status(const cmd_control_t *self)
{
    const cmd_service_t *service = self->service;
    pt_pool_counters_t counters = pt_pool_counters(service->pool);
    json_t *json =
        json_pack("{so so so ss so so so so so so}", "worker", s_hex(pt_pool_worker(service->pool)), "epoch",
                  s_number(pt_pool_epoch(service->pool)), "pid", s_number((uint64_t) getpid()), "version", PT_VERSION,
                  "started_ms", s_number(service->started_ms), "catalog", s_describe_catalog(&self->reload), "reload",
                  s_describe_reload(self), "brokers", s_describe_brokers(service), "journal",
                  s_describe_journal(&service->journal), "counters", s_describe_counters(&counters));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}
