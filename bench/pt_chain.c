#include "pt_chain.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_actor.h"
#include "pt_bench.h"
#include "pt_broker.h"
#include "pt_null_worker.h"
#include "pt_pool.h"
#include "pt_process.h"
#include "pt_sockets.h"

//  A program that is not ready by then never will be; node takes a second to start.
#define S_START_MS 20000
#define S_STEP_MS 5

//  Larger than what a run leaves; made in full when the worker starts.
#define S_JOURNAL_SIZE "512M"

struct pt_chain {
    pt_chain_transport_t transport;
    pt_scratch_t directory;
    pt_scratch_t journal;
    char front[PT_ENDPOINT_BYTES_MAX + 1];
    char back[PT_ENDPOINT_BYTES_MAX + 1];
    char publish[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    char replay[PT_ENDPOINT_BYTES_MAX + 1];
    pt_process_t broker_process;
    pt_process_t worker_process;
    //  inproc
    pt_broker_t *broker;
    pt_pool_t *pool;
    pt_null_worker_t *null_worker;
    zactor_t *null_actor;
};

const char *
pt_chain_transport_text(pt_chain_transport_t transport)
{
    static const char *const texts[PT_CHAIN_TRANSPORTS] = {"inproc", "ipc", "tcp"};
    return texts[transport];
}

//  What to bind for one of the sockets.
static void
s_choose_endpoint(const pt_chain_t *self, const char *name, char out[PT_ENDPOINT_BYTES_MAX + 1])
{
    static unsigned s_serial;
    if (self->transport == PT_TRANSPORT_TCP)
        snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "tcp://127.0.0.1:*");
    else if (self->transport == PT_TRANSPORT_IPC)
        snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "ipc://%s/%s", self->directory.path, name);
    else
        snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "inproc://bench-%u-%s", s_serial++, name);
}

//  The endpoints that a process has bound, once it has written them down; NULL with one line on stderr.
static json_t *
s_await_ports(pt_process_t *process, const char *ports_file)
{
    for (int waited = 0; waited < S_START_MS; waited += S_STEP_MS) {
        json_t *ports = json_load_file(ports_file, 0, NULL);
        if (ports)
            return ports;
        if (pt_process_has_ended(process)) {
            fprintf(stderr, "%s: the %s ended before it was ready\n", program_invocation_short_name, process->name);
            pt_process_show_log(process);
            return NULL;
        }
        pt_process_pause_ms(S_STEP_MS);
    }
    fprintf(stderr, "%s: the %s is not ready after %d s\n", program_invocation_short_name, process->name,
            S_START_MS / 1000);
    pt_process_show_log(process);
    return NULL;
}

static bool
s_take_port(json_t *ports, const char *key, char out[PT_ENDPOINT_BYTES_MAX + 1])
{
    const char *endpoint = json_string_value(json_object_get(ports, key));
    if (!endpoint) {
        fprintf(stderr, "%s: a ports file names no %s\n", program_invocation_short_name, key);
        return false;
    }
    snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "%s", endpoint);
    return true;
}

static bool
s_start_broker(pt_chain_t *self, const pt_chain_options_t *options)
{
    const char *const ours[] = {options->paytriage, "broker", NULL};
    const char *const *command = options->worker->broker[0] ? options->worker->broker : ours;
    const char *arguments[PT_CHAIN_ARGUMENTS_MAX + 7];
    size_t count = 0;
    for (; command[count]; count++)
        arguments[count] = command[count];
    char ports_file[PT_SCRATCH_PATH_BYTES + 16];
    snprintf(ports_file, sizeof(ports_file), "%s/broker.json", self->directory.path);
    const char *const options_of_all[] = {"--front", self->front, "--back", self->back, "--ports-file", ports_file};
    memcpy(arguments + count, options_of_all, sizeof(options_of_all));
    arguments[count + 6] = NULL;
    if (!pt_process_start(&self->broker_process, "broker", self->directory.path, arguments))
        return false;
    json_t *ports = s_await_ports(&self->broker_process, ports_file);
    bool is_known = ports && s_take_port(ports, "front", self->front) && s_take_port(ports, "back", self->back);
    json_decref(ports);
    return is_known;
}

static bool
s_start_worker(pt_chain_t *self, const pt_chain_worker_t *worker)
{
    static const char *const options[PT_QUEUE_COUNT_] = {
        [PT_QUEUE_SETTLED] = "--settled",
        [PT_QUEUE_RETRY] = "--retry",
        [PT_QUEUE_DEAD_LETTER] = "--dead-letter",
        [PT_QUEUE_OPERATOR_ALERT] = "--operator-alert",
    };
    const char *arguments[PT_CHAIN_ARGUMENTS_MAX + 2 * PT_QUEUE_COUNT_ + 11];
    size_t count = 0;
    for (; worker->command[count]; count++)
        arguments[count] = worker->command[count];
    arguments[count++] = "--connect";
    arguments[count++] = self->back;
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++) {
        arguments[count++] = options[queue];
        arguments[count++] = self->publish[queue];
    }
    if (worker->journal_in) {
        if (!pt_scratch_make(&self->journal, worker->journal_in))
            return false;
        const char *const journal[] = {"--journal",    self->journal.path, "--journal-size",
                                       S_JOURNAL_SIZE, "--replay",         self->replay};
        memcpy(arguments + count, journal, sizeof(journal));
        count += sizeof(journal) / sizeof(journal[0]);
    }
    char ports_file[PT_SCRATCH_PATH_BYTES + 16];
    snprintf(ports_file, sizeof(ports_file), "%s/worker.json", self->directory.path);
    arguments[count++] = "--ports-file";
    arguments[count++] = ports_file;
    arguments[count] = NULL;
    if (!pt_process_start(&self->worker_process, "worker", self->directory.path, arguments))
        return false;
    json_t *ports = s_await_ports(&self->worker_process, ports_file);
    bool is_known = ports != NULL;
    for (int queue = 0; queue < PT_QUEUE_COUNT_ && is_known; queue++)
        is_known = s_take_port(ports, pt_queue_text((pt_queue_t) queue), self->publish[queue]);
    json_decref(ports);
    return is_known;
}

static void
s_run_null_actor(zsock_t *pipe, void *argument)
{
    zsock_signal(pipe, 0);
    pt_null_worker_run(argument, zsock_resolve(pipe));
}

static bool
s_start_inproc(pt_chain_t *self, const pt_chain_options_t *options)
{
    char error[PT_POOL_ERROR_BYTES_MAX > PT_BROKER_ERROR_BYTES_MAX ? PT_POOL_ERROR_BYTES_MAX
                                                                   : PT_BROKER_ERROR_BYTES_MAX] = "out of memory";
    pt_broker_options_t broker = {.front = self->front, .back = self->back};
    self->broker = pt_broker_new(&broker, error);
    if (self->broker && options->worker->kind == PT_CHAIN_NULL) {
        pt_null_options_t null_options = {.back = self->back, .payloads = options->payloads};
        for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
            null_options.publish[queue] = self->publish[queue];
        self->null_worker = pt_null_worker_new(&null_options);
        if (self->null_worker)
            self->null_actor = pt_actor_new(s_run_null_actor, self->null_worker);
        return self->null_actor != NULL;
    }
    pt_pool_options_t pool = {.brokers = {self->back}, .broker_count = 1, .threads = options->threads};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        pool.publish[queue] = self->publish[queue];
    if (self->broker)
        self->pool = pt_pool_new(&pool, error);
    if (!self->pool)
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, error);
    return self->pool != NULL;
}

pt_chain_t *
pt_chain_new(const pt_chain_options_t *options)
{
    pt_chain_t *self = pt_bench_alloc(sizeof(*self));
    self->transport = options->transport;
    bool is_up = pt_scratch_make(&self->directory, "/tmp");
    s_choose_endpoint(self, "front", self->front);
    s_choose_endpoint(self, "back", self->back);
    s_choose_endpoint(self, "replay", self->replay);
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        s_choose_endpoint(self, pt_queue_text((pt_queue_t) queue), self->publish[queue]);
    if (is_up && options->transport == PT_TRANSPORT_INPROC)
        is_up = s_start_inproc(self, options);
    else if (is_up)
        is_up = s_start_broker(self, options) && s_start_worker(self, options->worker);
    if (!is_up)
        pt_chain_destroy(&self);
    return self;
}

bool
pt_chain_destroy(pt_chain_t **self_p)
{
    pt_chain_t *self = *self_p;
    if (!self)
        return true;
    bool is_good = pt_process_stop(&self->worker_process);
    is_good = pt_process_stop(&self->broker_process) && is_good;
    zactor_destroy(&self->null_actor);
    pt_null_worker_destroy(&self->null_worker);
    if (self->pool)
        pt_pool_destroy(&self->pool);
    if (self->broker)
        pt_broker_destroy(&self->broker);
    pt_scratch_remove(&self->directory);
    pt_scratch_remove(&self->journal);
    free(self);
    *self_p = NULL;
    return is_good;
}

const char *
pt_chain_front(const pt_chain_t *self)
{
    return self->front;
}

const char *
pt_chain_endpoint(const pt_chain_t *self, pt_queue_t queue)
{
    return self->publish[queue];
}

pt_chain_cost_t
pt_chain_cost(const pt_chain_t *self)
{
    return (pt_chain_cost_t) {.broker_s = pt_process_cpu_s(&self->broker_process),
                              .worker_s = pt_process_cpu_s(&self->worker_process),
                              .broker = pt_process_memory(&self->broker_process),
                              .worker = pt_process_memory(&self->worker_process)};
}
