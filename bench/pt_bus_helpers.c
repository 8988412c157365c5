#include "pt_bus_helpers.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "pt_bench.h"
#include "pt_null_worker.h"
#include "pt_sockets.h"

enum {
    S_KEY_CONNECT = 256,
    S_KEY_RETRY,
    S_KEY_DEAD_LETTER,
    S_KEY_ALERT,
    S_KEY_SETTLED,
    S_KEY_PORTS,
    S_KEY_BATCH,
    S_KEY_FRONT,
    S_KEY_BACK
};

typedef struct {
    const char *connect, *front, *back, *ports_file;
    const char *publish[PT_QUEUE_COUNT_];
    uint32_t batch;
    pt_mix_files_t files;
} s_options_t;

static const struct argp_option s_argp_options[] = {
    {"connect", S_KEY_CONNECT, "ENDPOINT", 0, "a broker's back", 1},
    {"retry", S_KEY_RETRY, "ENDPOINT", 0, "to bind", 1},
    {"dead-letter", S_KEY_DEAD_LETTER, "ENDPOINT", 0, "to bind", 1},
    {"operator-alert", S_KEY_ALERT, "ENDPOINT", 0, "to bind", 1},
    {"settled", S_KEY_SETTLED, "ENDPOINT", 0, "to bind", 1},
    {"batch", S_KEY_BATCH, "N", 0, "responses a batch", 1},
    {"front", S_KEY_FRONT, "ENDPOINT", 0, "to bind", 1},
    {"back", S_KEY_BACK, "ENDPOINT", 0, "to bind", 1},
    {"ports-file", S_KEY_PORTS, "FILE", 0, "where to write what was bound", 1},
    {0},
};

//  Options that are only kept.
static const pt_plain_t s_plain[] = {
    {S_KEY_CONNECT, PT_PLAIN_TEXT, offsetof(s_options_t, connect), NULL, 0, 0},
    {S_KEY_RETRY, PT_PLAIN_TEXT, offsetof(s_options_t, publish[PT_QUEUE_RETRY]), NULL, 0, 0},
    {S_KEY_DEAD_LETTER, PT_PLAIN_TEXT, offsetof(s_options_t, publish[PT_QUEUE_DEAD_LETTER]), NULL, 0, 0},
    {S_KEY_ALERT, PT_PLAIN_TEXT, offsetof(s_options_t, publish[PT_QUEUE_OPERATOR_ALERT]), NULL, 0, 0},
    {S_KEY_SETTLED, PT_PLAIN_TEXT, offsetof(s_options_t, publish[PT_QUEUE_SETTLED]), NULL, 0, 0},
    {S_KEY_BATCH, PT_PLAIN_NUMBER, offsetof(s_options_t, batch), "--batch", 1, PT_BATCH_COUNT_MAX},
    {S_KEY_FRONT, PT_PLAIN_TEXT, offsetof(s_options_t, front), NULL, 0, 0},
    {S_KEY_BACK, PT_PLAIN_TEXT, offsetof(s_options_t, back), NULL, 0, 0},
    {S_KEY_PORTS, PT_PLAIN_TEXT, offsetof(s_options_t, ports_file), NULL, 0, 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->files;
        return 0;
    default:
        return pt_bench_parse_plain(s_plain, key, arg, state);
    }
}

static const struct argp_child s_children[] = {{&pt_mix_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {.options = s_argp_options,
                                   .parser = s_parse_option,
                                   .args_doc = "[FILE...]",
                                   .doc = "A part of pt_bench_bus.",
                                   .children = s_children};

//  Written beside and moved, so that a reader sees it whole. Takes the object.
static bool
s_write_ports(json_t *ports, const char *path)
{
    char beside[512];
    snprintf(beside, sizeof(beside), "%s.new", path);
    bool is_written = json_dump_file(ports, beside, 0) == 0 && rename(beside, path) == 0;
    if (!is_written)
        fprintf(stderr, "pt_bench_bus: %s: %s\n", path, strerror(errno));
    json_decref(ports);
    return is_written;
}

int
pt_bus_null_worker(int argc, char **argv)
{
    s_options_t options = {.batch = 1};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    if (!options.connect || !options.ports_file)
        return EX_USAGE;
    pt_mix_t mix;
    pt_payloads_t payloads;
    pt_mix_load(&mix, &options.files, false);
    pt_payloads_make(&payloads, &mix, options.batch);
    if (pt_sockets_init() != PT_OK)
        return EX_OSERR;
    pt_null_options_t null_options = {.back = options.connect, .payloads = &payloads};
    memcpy(null_options.publish, options.publish, sizeof(options.publish));
    pt_null_worker_t *worker = pt_null_worker_new(&null_options);
    if (!worker)
        return EX_UNAVAILABLE;
    json_t *ports = json_object();
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        json_object_set_new(ports, pt_queue_text((pt_queue_t) queue),
                            json_string(pt_null_worker_endpoint(worker, (pt_queue_t) queue)));
    if (!s_write_ports(ports, options.ports_file))
        return EX_CANTCREAT;
    //  Until SIGTERM: there is nothing to finish.
    pt_null_worker_run(worker, NULL);
    return 0;
}

int
pt_bus_proxy(int argc, char **argv)
{
    s_options_t options = {0};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    if (!options.front || !options.back || !options.ports_file)
        return EX_USAGE;
    char bound_front[PT_ENDPOINT_BYTES_MAX + 1];
    char bound_back[PT_ENDPOINT_BYTES_MAX + 1];
    if (pt_sockets_init() != PT_OK)
        return EX_OSERR;
    zsock_t *front = pt_sockets_new(ZMQ_ROUTER, PT_SOCKETS_ANSWERS_HWM, 64);
    zsock_t *back = pt_sockets_new(ZMQ_DEALER, 64, PT_SOCKETS_ANSWERS_HWM);
    if (!front || !back || pt_sockets_bind(front, options.front, bound_front) != PT_OK ||
        pt_sockets_bind(back, options.back, bound_back) != PT_OK) {
        fprintf(stderr, "pt_bench_bus: proxy: %s\n", strerror(errno));
        return EX_UNAVAILABLE;
    }
    json_t *ports = json_pack("{s:s, s:s}", "front", bound_front, "back", bound_back);
    if (!s_write_ports(ports, options.ports_file))
        return EX_CANTCREAT;
    zmq_proxy(zsock_resolve(front), zsock_resolve(back), NULL);
    return 0;
}
