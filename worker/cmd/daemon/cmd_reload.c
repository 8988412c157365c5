/*  Reading YAML may take seconds where a catalog is large; meanwhile the worker answers for itself. */
#include "cmd_reload.h"

#include "pt_actor.h"
#include "pt_fault_text.h"
#include "pt_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

//  Faults shown of one file set; `paytriage catalog lint` shows all.
#define S_FAULTS_MAX 20

#define S_READ "READ"
#define S_DONE "DONE"

//  ---- the loader

static void
s_explain(cmd_reading_t *reading, pt_load_result_t result)
{
    if (result == PT_LOAD_FAULTS) {
        FILE *text = fmemopen(reading->reason, sizeof reading->reason - 1, "w");
        if (text) {
            pt_faults_print(&reading->load.faults, S_FAULTS_MAX, text);
            (void) fclose(text);
            return;
        }
        result = PT_LOAD_NO_MEMORY;
    }
    snprintf(reading->reason, sizeof reading->reason, "%s\n",
             result == PT_LOAD_NO_MEMORY ? "no memory for the catalog" : reading->load.error);
}

//  A pipe was read to its end when the worker started, and waiting for another writer would take for ever.
static bool
s_can_read_again(cmd_reading_t *reading)
{
    for (size_t i = 0; i < reading->options->path_count; i++) {
        struct stat info;
        const char *path = reading->options->paths[i];
        if (stat(path, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
            continue;
        snprintf(reading->reason, sizeof reading->reason, "%s is neither a file nor a folder\n", path);
        return false;
    }
    return true;
}

static void
s_read(cmd_reading_t *reading)
{
    if (!s_can_read_again(reading))
        return;
    pt_load_result_t result = PT_LOAD_OK;
    if (reading->options->path_count)
        result = pt_load(reading->options, &reading->load);
    reading->well = result == PT_LOAD_OK;
    if (!reading->well)
        s_explain(reading, result);
}

static void
s_run_loader(zsock_t *pipe, void *argument)
{
    (void) argument;
    zsock_signal(pipe, 0);
    for (;;) {
        char *command = NULL;
        void *reading = NULL;
        zsock_recv(pipe, "sp", &command, &reading);
        bool reads = command && streq(command, S_READ);
        zstr_free(&command);
        if (!reads)
            return;
        atomic_load_explicit(&((cmd_reading_t *) reading)->baton, memory_order_acquire);
        s_read(reading);
        atomic_fetch_add_explicit(&((cmd_reading_t *) reading)->baton, 1, memory_order_release);
        zstr_send(pipe, S_DONE);
    }
}

//  ---- readings and orders

static void
s_destroy_reading(cmd_reading_t **reading_p)
{
    if (!*reading_p)
        return;
    pt_load_clear(&(*reading_p)->load);
    free(*reading_p);
    *reading_p = NULL;
}

static void
s_add_order(pt_order_t **list, pt_order_t *order)
{
    order->next = *list;
    *list = order;
}

static void
s_answer_orders(cmd_reload_t *self, pt_order_t **list, const char *word, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    while (*list) {
        pt_order_t *order = *list;
        *list = order->next;
        pt_control_answer(self->control, &order, word, text ? text : "{}");
    }
    free(text);
    json_decref(json);
}

static json_t *
s_describe(const cmd_reload_t *self, const char *result)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, pt_catalog_hash(self->catalog));
    return json_pack("{ss ss sI sI}", "result", result, "catalog", hash, "entries",
                     (json_int_t) pt_catalog_entry_count(self->catalog), "gateways",
                     (json_int_t) pt_catalog_provider_count(self->catalog));
}

static const pt_catalog_t *
s_catalog_of(const cmd_reading_t *reading)
{
    return reading->load.catalog ? reading->load.catalog : pt_catalog_builtin();
}

//  ---- the steps

static void
s_start_reading(cmd_reload_t *self)
{
    self->again = false;
    self->waiting = self->next;
    self->next = NULL;
    self->reading = calloc(1, sizeof *self->reading);
    if (!self->reading) {
        s_answer_orders(self, &self->waiting, PT_ORDER_REFUSED, json_pack("{ss}", "reason", "no memory\n"));
        return;
    }
    self->reading->options = self->options;
    atomic_fetch_add_explicit(&self->reading->baton, 1, memory_order_release);
    zsock_send(self->loader, "sp", S_READ, self->reading);
}

static void
s_end_reading(cmd_reload_t *self)
{
    s_destroy_reading(&self->reading);
    if (self->again)
        s_start_reading(self);
}

//  The first error, which may stand behind warnings, or what else was wrong.
static void
s_log_refusal(const cmd_reload_t *self)
{
    const pt_faults_t *faults = &self->reading->load.faults;
    char text[CMD_RELOAD_REASON_BYTES];
    memcpy(text, self->reading->reason, sizeof text);
    size_t first = 0;
    while (first < faults->count && faults->faults[first].warning)
        first++;
    FILE *stream = first < faults->count ? fmemopen(text, sizeof text, "w") : NULL;
    if (stream) {
        pt_fault_print(&faults->faults[first], stream);
        (void) fclose(stream);
    }
    text[strcspn(text, "\n")] = 0;
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, pt_catalog_hash(self->catalog));
    pt_log(PT_EVENT_CATALOG_REFUSED, PT_LOG_S("catalog", hash), PT_LOG_N("errors", faults->errors ? faults->errors : 1),
           PT_LOG_S("reason", text));
}

static void
s_refuse_reading(cmd_reload_t *self)
{
    const char *reason = self->reading->reason;
    self->refusals++;
    self->refused_ms = cmd_now_ms();
    memcpy(self->reason, reason, sizeof self->reason);
    s_log_refusal(self);
    json_t *json = s_describe(self, "refused");
    //  A fault may quote bytes that are no text.
    json_t *text = json_string(reason);
    json_object_set_new(json, "reason", text ? text : json_string("the worker's log says why\n"));
    s_answer_orders(self, &self->waiting, PT_ORDER_REFUSED, json);
    s_end_reading(self);
}

static void
s_keep_catalog(cmd_reload_t *self)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, pt_catalog_hash(self->catalog));
    pt_log(PT_EVENT_CATALOG_UNCHANGED, PT_LOG_S("catalog", hash));
    s_answer_orders(self, &self->waiting, PT_ORDER_OK, s_describe(self, "unchanged"));
    s_end_reading(self);
}

static void
s_take_reading(cmd_reload_t *self)
{
    cmd_reading_t *reading = self->reading;
    atomic_load_explicit(&reading->baton, memory_order_acquire);
    if (!reading->well) {
        s_refuse_reading(self);
    } else if (pt_catalog_hash(s_catalog_of(reading)) == pt_catalog_hash(self->catalog)) {
        s_keep_catalog(self);
    } else {
        self->swapping = true;
        pt_pool_swap(self->pool, s_catalog_of(reading));
    }
}

//  Nothing refers to the catalog before, so it goes.
static void
s_take_catalog(cmd_reload_t *self)
{
    char was[17];
    snprintf(was, sizeof was, "%016" PRIx64, pt_catalog_hash(self->catalog));
    s_destroy_reading(&self->serving);
    pt_load_clear(self->first);
    self->serving = self->reading;
    self->reading = NULL;
    self->catalog = s_catalog_of(self->serving);
    self->loaded_ms = cmd_now_ms();
    self->swaps++;
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, pt_catalog_hash(self->catalog));
    pt_log(PT_EVENT_CATALOG_SWITCHED, PT_LOG_S("catalog", hash), PT_LOG_S("was", was),
           PT_LOG_N("entries", pt_catalog_entry_count(self->catalog)),
           PT_LOG_N("gateways", pt_catalog_provider_count(self->catalog)));
    json_t *json = s_describe(self, "swapped");
    json_object_set_new(json, "was", json_string(was));
    s_answer_orders(self, &self->waiting, PT_ORDER_OK, json);
    s_end_reading(self);
}

//  ---- the outside

bool
cmd_reload_open(cmd_reload_t *self, const pt_load_options_t *options, pt_load_t *first, pt_control_t *control,
                pt_pool_t *pool)
{
    *self = (cmd_reload_t) {.options = options,
                            .first = first,
                            .control = control,
                            .pool = pool,
                            .catalog = first->catalog ? first->catalog : pt_catalog_builtin(),
                            .loaded_ms = cmd_now_ms()};
    self->loader = pt_actor_new(s_run_loader, NULL);
    return self->loader != NULL;
}

void
cmd_reload_ask(cmd_reload_t *self, pt_order_t *order)
{
    if (order)
        s_add_order(&self->next, order);
    self->again = true;
    if (!self->reading)
        s_start_reading(self);
}

void *
cmd_reload_socket(const cmd_reload_t *self)
{
    if (!self->reading)
        return NULL;
    return self->swapping ? pt_pool_swap_socket(self->pool) : zsock_resolve(self->loader);
}

void
cmd_reload_turn(cmd_reload_t *self)
{
    if (!self->reading)
        return;
    if (!self->swapping) {
        if (!(zsock_events(self->loader) & ZMQ_POLLIN))
            return;
        char *done = zstr_recv(self->loader);
        zstr_free(&done);
        s_take_reading(self);
        return;
    }
    pt_swapped_t swapped = pt_pool_swapped(self->pool);
    if (swapped == PT_SWAPPED_NOT_YET)
        return;
    self->swapping = false;
    if (swapped == PT_SWAPPED) {
        s_take_catalog(self);
        return;
    }
    snprintf(self->reading->reason, sizeof self->reading->reason, "no memory to switch to the catalog\n");
    s_refuse_reading(self);
}

void
cmd_reload_stop(cmd_reload_t *self, const char *reason)
{
    if (!self->loader)
        return;
    zactor_destroy(&self->loader);
    s_answer_orders(self, &self->waiting, PT_ORDER_REFUSED, json_pack("{ss}", "reason", reason));
    s_answer_orders(self, &self->next, PT_ORDER_REFUSED, json_pack("{ss}", "reason", reason));
    self->again = false;
}

void
cmd_reload_close(cmd_reload_t *self)
{
    s_destroy_reading(&self->reading);
    s_destroy_reading(&self->serving);
}
