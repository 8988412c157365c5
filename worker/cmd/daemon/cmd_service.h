/*  cmd_service: what `broker`, `worker`, `run` and `demo` share: start the parts, say where they are,
 *  wait for a signal, drain, and say what was done.
 */
#ifndef PT_CMD_SERVICE_H
#define PT_CMD_SERVICE_H

#include "cmd.h"
#include "cmd_catalog.h"
#include "cmd_control.h"
#include "cmd_curve.h"
#include "cmd_http.h"
#include "cmd_journal.h"
#include "cmd_options.h"

#include "pt_broker.h"
#include "pt_gate.h"
#include "pt_pool.h"
#include "pt_signals.h"

//  What to start. Endpoints left NULL are made of `address` and `port_base`.
typedef struct {
    bool with_broker, with_pool;
    const char *address; //  to bind, such as 127.0.0.1
    uint64_t port_base;  //  of the front; the others follow at their usual distance
    bool free_ports;     //  any free port instead
    const char *front, *back;
    const char *brokers[PT_POOL_BROKERS_MAX]; //  back endpoints of brokers elsewhere
    size_t broker_count;
    const char *publish[PT_QUEUE_COUNT_];
    uint64_t threads; //  0: one for each core
    uint64_t window;
    uint64_t publish_hwm;
    pt_masking_t masking;
    pt_alerts_options_t alerts;
    uint64_t drain_ms;
    const char *http;       //  endpoint for those who watch; "none"; NULL: the default port, if it is free
    const char *ports_file; //  NULL: none
    const char *curve;      //  folder of keys; NULL: no CURVE
    bool insecure;          //  bind public addresses without CURVE
    bool insecure_http;     //  show what is watched at one
    pt_load_options_t load; //  the catalog; no path: the built-in one
    bool catalog_watch;
    bool with_control;
    const char *control; //  ipc endpoint for orders; NULL: the default; "none"
    cmd_journal_options_t journal;
} cmd_service_options_t;

typedef struct cmd_service {
    cmd_service_options_t options;
    char endpoints[PT_QUEUE_COUNT_ + 4][CMD_OPTIONS_ENDPOINT_BYTES]; //  made of address and port
    pt_signals_t signals;
    pt_curve_t *curve; //  NULL: none
    pt_gate_t *gate;   //  NULL: none
    pt_broker_t *broker;
    pt_pool_t *pool;
    pt_stats_t *stats;
    cmd_http_t http;
    cmd_journal_t journal;
    pt_load_t load;
    const pt_catalog_t *catalog; //  the load's, or the built-in one; of the start
    cmd_control_t control;
    uint64_t started_ms, started_mono_ms;
} cmd_service_t;

#define CMD_SERVICE_DEFAULTS                                                                                           \
    {                                                                                                                  \
        .address = "127.0.0.1", .port_base = PT_PORT_FRONT, .drain_ms = 30000                                          \
    }

/*  Take everything that settings say. They outlive the service, which borrows their texts. */
void cmd_service_configure(cmd_service_options_t *self, const pt_config_t *config);

/*  Start all parts. EX_OK, or the exit code after one line and a hint; then there is nothing to stop. */
int cmd_service_start(cmd_service_t *self, const cmd_service_options_t *options);

/*  Print the endpoints and "ready" to stderr, and write the ports file. */
int cmd_service_announce(const cmd_service_t *self);

/*  Stop reading, finish what was taken, stop. EX_OK, or EX_TEMPFAIL when the time ran out or a second
 *  signal came.
 */
int cmd_service_stop(cmd_service_t *self);

/*  Start, announce, wait for a signal, stop: the whole life of a daemon. */
int cmd_service_run(const cmd_service_options_t *options);

#endif
