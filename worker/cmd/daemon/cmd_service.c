/*  The life of a daemon: every fault of the start is one line, one hint and an exit code. */
#include "cmd_service.h"

#include "cmd_ports.h"
#include "cmd_service_report.h"
#include "cmd_watch.h"
#include "pt_log.h"
#include "pt_sockets.h"

#include <sys/resource.h>

void
cmd_service_configure(cmd_service_options_t *self, const pt_config_t *config)
{
    self->address = pt_config_text(config, PT_OPTION_BIND);
    self->port_base = pt_config_number(config, PT_OPTION_PORT_BASE);
    self->drain_ms = pt_config_number(config, PT_OPTION_DRAIN_TIMEOUT);
    self->ports_file = pt_config_text(config, PT_OPTION_PORTS_FILE);
    self->http = pt_config_text(config, PT_OPTION_HTTP);
    self->curve = pt_config_text(config, PT_OPTION_CURVE);
    self->insecure = pt_config_number(config, PT_OPTION_INSECURE_PUBLIC_BIND);
    self->insecure_http = pt_config_number(config, PT_OPTION_INSECURE_PUBLIC_HTTP);
    self->front = pt_config_text(config, PT_OPTION_BROKER_FRONT);
    self->back = pt_config_text(config, PT_OPTION_BROKER_BACK);
    self->publish[PT_QUEUE_RETRY] = pt_config_text(config, PT_OPTION_PUBLISH_RETRY);
    self->publish[PT_QUEUE_DEAD_LETTER] = pt_config_text(config, PT_OPTION_PUBLISH_DEAD_LETTER);
    self->publish[PT_QUEUE_OPERATOR_ALERT] = pt_config_text(config, PT_OPTION_PUBLISH_OPERATOR_ALERT);
    self->publish[PT_QUEUE_SETTLED] = pt_config_text(config, PT_OPTION_PUBLISH_SETTLED);
    self->publish_hwm = pt_config_number(config, PT_OPTION_PUBLISH_HWM);
    self->masking = (pt_masking_t) pt_config_number(config, PT_OPTION_MASK);
    self->alerts = (pt_alerts_options_t) {
        .window_ms = pt_config_number(config, PT_OPTION_ALERT_WINDOW),
        .frequent_count = (uint32_t) pt_config_number(config, PT_OPTION_ALERT_FREQUENT),
        .frequent_ms = pt_config_number(config, PT_OPTION_ALERT_FREQUENT_WINDOW),
    };
    self->threads = pt_config_number(config, PT_OPTION_WORKER_THREADS);
    self->window = pt_config_number(config, PT_OPTION_WORKER_WINDOW);
    cmd_options_catalog(config, &self->load);
    self->catalog_watch = pt_config_number(config, PT_OPTION_CATALOG_WATCH);
    self->control = pt_config_text(config, PT_OPTION_CONTROL);
    self->journal = (cmd_journal_options_t) {
        .dir = pt_config_text(config, PT_OPTION_JOURNAL_DIR),
        .bytes = pt_config_number(config, PT_OPTION_JOURNAL_SIZE),
        .commit_jobs = pt_config_number(config, PT_OPTION_JOURNAL_COMMIT_MAX),
        .commit_wait_ms = pt_config_number(config, PT_OPTION_JOURNAL_COMMIT_WAIT),
        .settled = pt_config_number(config, PT_OPTION_JOURNAL_SETTLED),
        .replay = pt_config_text(config, PT_OPTION_JOURNAL_REPLAY),
        .advertise = pt_config_text(config, PT_OPTION_JOURNAL_ADVERTISE),
    };
}

//  The endpoint that was given, or one made of the address and a port.
static const char *
s_endpoint(const cmd_service_options_t *options, const char *given, unsigned port, char *room)
{
    if (given)
        return given;
    //  A port of 0 is any that is free.
    cmd_options_endpoint(options->address, options->free_ports ? 0 : options->port_base + port - PT_PORT_FRONT, room);
    return room;
}

//  Why an endpoint was refused, as an exit code and something to try.
static int
s_refuse(const char *error, int reason)
{
    if (reason == EADDRINUSE)
        return cmd_fail(EX_UNAVAILABLE, "is another paytriage running? --port-base moves all ports of this one", "%s",
                        error);
    if (reason == EEXIST)
        return cmd_fail(EX_UNAVAILABLE,
                        "something other than a socket has this path, and is left alone; choose another path", "%s",
                        error);
    if (reason == ENOENT || reason == ENOTDIR)
        return cmd_fail(EX_CANTCREAT, "the folder of an ipc:// endpoint has to be there; make it, or choose another",
                        "%s", error);
    if (reason == EACCES)
        return cmd_fail(EX_NOPERM, "choose a port from 1024 on, or a folder that this user may write to", "%s", error);
    if (reason == EADDRNOTAVAIL || reason == ENODEV)
        return cmd_fail(EX_USAGE, "this machine has no such address; --bind 0.0.0.0 takes all of them", "%s", error);
    if (reason == EINVAL || reason == EPROTONOSUPPORT)
        return cmd_fail(EX_USAGE, "an endpoint looks like tcp://127.0.0.1:5560 or ipc:///run/paytriage/front", "%s",
                        error);
    if (cmd_is_short(reason) || reason == EAGAIN)
        return cmd_fail(EX_OSERR, CMD_HINT_SHORT, "%s", error);
    return cmd_fail(EX_OSERR, NULL, "%s", error);
}

//  From any thread; one call is one line.
static void
s_say(void *context, const char *line)
{
    (void) context;
    pt_log(PT_EVENT_GATE_NOTICE, PT_LOG_S("text", line));
}

//  Before any socket is bound.
static int
s_start_gate(cmd_service_t *self)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    int code = cmd_curve_open(self->options.curve, &self->curve);
    if (code != EX_OK || !self->curve)
        return code;
    self->gate = pt_gate_new(self->curve, s_say, NULL, error);
    return self->gate ? EX_OK : cmd_fail(EX_OSERR, NULL, "%s", error);
}

static void
s_stop_gate(cmd_service_t *self)
{
    pt_gate_destroy(&self->gate);
    pt_curve_close(&self->curve);
}

static int
s_check_bind(const cmd_service_t *self, const char *endpoint)
{
    return cmd_curve_check_bind(endpoint, self->curve, self->options.insecure);
}

static int
s_start_broker(cmd_service_t *self)
{
    const cmd_service_options_t *options = &self->options;
    char error[PT_BROKER_ERROR_BYTES_MAX];
    const char *back = options->back || !options->with_pool ? options->back : "inproc://paytriage-back";
    pt_broker_options_t broker = {s_endpoint(options, options->front, PT_PORT_FRONT, self->endpoints[0]),
                                  s_endpoint(options, back, PT_PORT_BACK, self->endpoints[1]), self->gate};
    int code = s_check_bind(self, broker.front);
    if (code == EX_OK)
        code = s_check_bind(self, broker.back);
    if (code != EX_OK)
        return code;
    self->broker = pt_broker_new(&broker, error);
    if (self->broker && self->curve)
        pt_curve_set_own(self->curve, pt_broker_back(self->broker));
    return self->broker ? EX_OK : s_refuse(error, errno);
}

//  Where the pool binds.
static int
s_choose_endpoints(cmd_service_t *self, pt_pool_options_t *pool)
{
    static const unsigned ports[PT_QUEUE_COUNT_] = {PT_PORT_SETTLED, PT_PORT_RETRY, PT_PORT_DEAD_LETTER,
                                                    PT_PORT_OPERATOR_ALERT};
    const cmd_service_options_t *options = &self->options;
    for (size_t i = 0; i < PT_QUEUE_COUNT_; i++) {
        pool->publish[i] = s_endpoint(options, options->publish[i], ports[i], self->endpoints[i + 2]);
        int code = s_check_bind(self, pool->publish[i]);
        if (code != EX_OK)
            return code;
    }
    pool->replay = s_endpoint(options, options->journal.replay, PT_PORT_REPLAY, self->endpoints[PT_QUEUE_COUNT_ + 2]);
    return s_check_bind(self, pool->replay);
}

//  All but its endpoints, its journal and its counters.
static pt_pool_options_t
s_pool_options(const cmd_service_t *self)
{
    const cmd_service_options_t *options = &self->options;
    pt_pool_options_t pool = {.threads = options->threads,
                              .window = (uint32_t) options->window,
                              .publish_hwm = (int) options->publish_hwm,
                              .catalog = self->catalog,
                              .gate = self->gate,
                              .masking = options->masking,
                              .alerts = options->alerts,
                              .broker_count = options->broker_count};
    memcpy(pool.brokers, options->brokers, sizeof pool.brokers);
    if (self->broker)
        pool.brokers[pool.broker_count++] = pt_broker_back(self->broker);
    return pool;
}

static int
s_start_pool(cmd_service_t *self)
{
    const cmd_service_options_t *options = &self->options;
    char error[PT_POOL_ERROR_BYTES_MAX];
    pt_pool_options_t pool = s_pool_options(self);
    cmd_curve_warn(options->brokers, options->broker_count, self->curve);
    self->stats = pool.stats = pt_stats_new();
    if (!self->stats)
        return cmd_fail(EX_OSERR, NULL, "no memory for the worker's counters");
    int code = s_choose_endpoints(self, &pool);
    if (code == EX_OK)
        code = cmd_journal_open(&self->journal, &options->journal, &pool);
    if (code != EX_OK)
        return code;
    if (!pool.journal)
        pool.replay = NULL;
    self->pool = pt_pool_new(&pool, error);
    if (self->pool)
        return EX_OK;
    code = s_refuse(error, errno);
    cmd_journal_close(&self->journal);
    return code;
}

//  CURVE does not reach it, so keys are no leave.
static int
s_check_http(const cmd_service_options_t *options)
{
    return options->http ? cmd_curve_check_http(options->http, options->insecure || options->insecure_http) : EX_OK;
}

static int
s_start_http(cmd_service_t *self)
{
    const cmd_service_options_t *options = &self->options;
    char error[PT_HTTP_ERROR_BYTES_MAX];
    if (options->http && strcmp(options->http, "none") == 0)
        return EX_OK;
    const pt_metrics_source_t source = {.version = PT_VERSION,
                                        .pool = self->pool,
                                        .broker = self->broker,
                                        .gate = self->gate,
                                        .stats = self->stats,
                                        .journal = self->journal.store};
    //  It has no keys, so by default only this host sees it.
    cmd_service_options_t near = *options;
    if (strncmp(near.address, "127.", 4) != 0 && strcmp(near.address, "::1") != 0 && strcmp(near.address, "[::1]") != 0)
        near.address = "127.0.0.1";
    const char *endpoint = s_endpoint(&near, options->http, PT_PORT_HTTP, self->endpoints[PT_QUEUE_COUNT_ + 3]);
    if (cmd_http_start(&self->http, endpoint, options->http != NULL, &source, error) == EX_OK)
        return EX_OK;
    return s_refuse(error, errno);
}

//  At the limit a listening socket of libzmq spins and takes no new peer, and CZMQ aborts when it can
//  open none: so there are many, or there is no start.
#define S_DESCRIPTORS_WANTED 65536
#define S_DESCRIPTORS_MIN 4096

static int
s_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return cmd_fail(EX_OSERR, NULL, "cannot read the limit of open files: %s", strerror(errno));
    if (limit.rlim_cur < S_DESCRIPTORS_WANTED) {
        limit.rlim_cur = limit.rlim_max < S_DESCRIPTORS_WANTED ? limit.rlim_max : S_DESCRIPTORS_WANTED;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= S_DESCRIPTORS_MIN)
        return EX_OK;
    return cmd_fail(EX_OSERR, "raise it with ulimit -n, or LimitNOFILE= in a unit",
                    "%llu open files are allowed, and %d are needed", (unsigned long long) limit.rlim_cur,
                    S_DESCRIPTORS_MIN);
}

static void
s_release(cmd_service_t *self, int code)
{
    bool waits = self->pool && !self->journal.store;
    cmd_control_stop(&self->control);
    cmd_http_stop(&self->http);
    pt_pool_destroy(&self->pool);
    cmd_journal_close(&self->journal);
    pt_stats_destroy(&self->stats);
    pt_broker_destroy(&self->broker);
    s_stop_gate(self);
    //  Nothing but subscribers is waited for then, and for as long as a drain may take.
    if (waits)
        pt_signals_let_go(&self->signals);
    pt_signals_close(&self->signals);
    cmd_control_close(&self->control, code);
    pt_load_clear(&self->load);
}

//  What comes before there are threads.
static int
s_prepare(cmd_service_t *self)
{
    const cmd_service_options_t *options = &self->options;
    int code = cmd_control_watch(&self->control, self);
    if (code == EX_OK)
        code = cmd_catalog_open(&options->load, &self->load, &self->catalog);
    //  All threads have to leave signals alone.
    if (code == EX_OK && (pt_signals_open(&self->signals) != PT_OK ||
                          (options->with_control && pt_signals_take_hangup(&self->signals, true) != PT_OK)))
        code = cmd_fail(EX_OSERR, NULL, "cannot watch for signals: %s", strerror(errno));
    if (code != EX_OK) {
        pt_file_watch_destroy(&self->control.watch);
        pt_load_clear(&self->load);
    }
    return code;
}

static int
s_start_parts(cmd_service_t *self)
{
    const cmd_service_options_t *options = &self->options;
    int code = pt_sockets_init() == PT_OK ? EX_OK : cmd_tell_short(errno);
    if (code == EX_OK)
        code = s_start_gate(self);
    if (code == EX_OK && options->with_broker)
        code = s_start_broker(self);
    if (code == EX_OK && options->with_pool)
        code = s_start_pool(self);
    if (code == EX_OK)
        code = s_start_http(self);
    if (code == EX_OK && options->with_control)
        code = cmd_control_open(&self->control, self);
    return code;
}

int
cmd_service_start(cmd_service_t *self, const cmd_service_options_t *options)
{
    *self = (cmd_service_t) {.options = *options, .started_ms = cmd_now_ms(), .started_mono_ms = cmd_mono_ms()};
    int code = s_prepare(self);
    if (code != EX_OK)
        return code;
    code = s_raise_descriptors();
    if (code == EX_OK)
        code = s_check_http(options);
    if (code == EX_OK)
        code = s_start_parts(self);
    if (code != EX_OK)
        s_release(self, code);
    return code;
}

static int
s_drain_pool(cmd_service_t *self)
{
    uint64_t start_ms = cmd_mono_ms();
    //  Two signals that came together were read together, and there is no other one to wait for.
    pt_drain_t drain = PT_DRAIN_INTERRUPTED;
    if (self->signals.received < 2)
        drain = pt_pool_drain(self->pool, (uint32_t) self->options.drain_ms, self->signals.fd);
    pt_pool_counters_t counters = pt_pool_counters(self->pool);
    if (drain == PT_DRAINED)
        pt_log(PT_EVENT_SERVICE_DRAINED, PT_LOG_N("elapsed_ms", cmd_mono_ms() - start_ms));
    cmd_service_report_pool(&counters);
    //  `timeout` and terminals signal a process twice at once; that is no hurry when nothing is left.
    if (drain == PT_DRAINED || counters.in_work == 0)
        return EX_OK;
    pt_log(PT_EVENT_SERVICE_DRAIN_LATE, PT_LOG_N("unfinished", counters.in_work),
           PT_LOG_S("because", drain == PT_DRAIN_LATE ? "the drain time ended" : "of a second signal"));
    return EX_TEMPFAIL;
}

int
cmd_service_stop(cmd_service_t *self)
{
    int code = EX_OK;
    pt_log(PT_EVENT_SERVICE_STOPPING, PT_LOG_N("drain_ms", self->options.drain_ms));
    cmd_control_stop(&self->control);
    if (self->broker)
        pt_broker_pause(self->broker);
    if (self->pool)
        code = s_drain_pool(self);
    if (self->broker) {
        pt_broker_counters_t counters = pt_broker_counters(self->broker);
        cmd_service_report_broker(&counters);
    }
    if (self->gate) {
        pt_gate_counters_t counters = pt_gate_counters(self->gate);
        cmd_service_report_gate(&counters);
    }
    s_release(self, code);
    return code;
}

int
cmd_service_run(const cmd_service_options_t *options)
{
    static cmd_service_t self;
    int code = cmd_service_start(&self, options);
    if (code != EX_OK)
        return code;
    code = cmd_service_announce(&self);
    cmd_watch_t watch = {.broker = self.broker, .pool = self.pool, .journal = self.journal.store};
    cmd_control_end_t end = CMD_CONTROL_DRAIN;
    if (code == EX_OK) {
        cmd_watch_ready(&watch);
        end = cmd_control_serve(&self.control, &watch);
    }
    cmd_watch_stopping(self.options.drain_ms);
    if (self.options.ports_file)
        cmd_ports_remove(self.options.ports_file);
    //  There is nothing to drain into. What was not acknowledged is sent again.
    if (end == CMD_CONTROL_JOURNAL_FAILED) {
        code = cmd_journal_explain_failure(&self.journal);
        s_release(&self, code);
        return code;
    }
    if (end == CMD_CONTROL_GATE_FAILED)
        code = cmd_fail(EX_SOFTWARE, "start it again; what was not acknowledged is sent again", "%s",
                        pt_gate_failure(self.gate));
    int stopped = cmd_service_stop(&self);
    return code == EX_OK ? stopped : code;
}
