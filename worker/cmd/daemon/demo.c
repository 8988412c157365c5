/*  paytriage demo: broker, worker, a producer and a subscriber in one process, on free ports, with
 *  a sample of what the five gateways really answer. Nothing leaves the machine.
 */
#include "cmd_lines.h"
#include "cmd_options.h"
#include "cmd_service.h"
#include "cmd_text.h"

#include "pt_decision.h"
#include "pt_log.h"
#include "pt_producer.h"
#include "pt_subscriber.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern const char pt_sample[], pt_sample_end[];

//  In a demo that goes on, a new response this often; somebody reads along.
#define PACE_MS 300
//  Longer than any start on a loaded machine.
#define PATIENCE_MS 20000

typedef struct {
    bool once;
    uint64_t threads;
    cmd_output_t output;
    cmd_color_t color;
} demo_options_t;

typedef struct {
    const demo_options_t *options;
    cmd_service_t service;
    pt_producer_t *producer;
    pt_subscriber_t *subscriber;
    bool color;
    unsigned warm;                     //  bit n: the subscription to queue n stands
    uint64_t sent;                     //  sample responses
    uint64_t decided[PT_ROUTE_COUNT_]; //  decisions that came back
    uint64_t alerts;
} demo_t;

#define WARM_UP_ID "warm-up"
#define ALL_QUEUES ((1u << PT_QUEUE_COUNT_) - 1)

static const struct argp_option s_options[] = {
    {"once", '1', NULL, 0, "send the sample once, print a summary and end", 0},
    {"threads", 'T', "N", 0, "threads that classify (default 2)", 0},
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    demo_options_t *options = state->input;
    switch (key) {
    case '1':
        options->once = true;
        break;
    case 'T':
        options->threads = cmd_number(state, "--threads", arg, 1, PT_POOL_THREADS_MAX);
        break;
    case 'o':
        options->output = cmd_output(state, arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc =
        "See it work: everything in one process, on free ports, with sample responses of all five gateways.\v"
        "Each line is one decision: time, route, gateway, code, action, id, what it means, and who is told at once.\n\n"
        "Examples:\n"
        "  paytriage demo --once\n"
        "  paytriage demo            # until Ctrl-C\n\n"
        "Exit: 0 every response was decided, 70 some decisions did not come back."};

static void
s_note_queue(demo_t *self, pt_text_t topic)
{
    for (unsigned i = 0; i < PT_QUEUE_COUNT_; i++) {
        pt_text_t word = pt_text_of(pt_queue_text((pt_queue_t) i));
        if (topic.len > word.len && memcmp(topic.data, word.data, word.len) == 0 && topic.data[word.len] == '.')
            self->warm |= 1u << i;
    }
}

static void
s_take_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    (void) bytes;
    demo_t *self = context;
    if (pt_text_equal(decision->id, PT_TEXT(WARM_UP_ID))) {
        s_note_queue(self, topic);
        return;
    }
    //  Alerts are copies of decisions that also come on their route.
    if (topic.len > 15 && memcmp(topic.data, "operator_alert.", 15) == 0) {
        self->alerts++;
        return;
    }
    self->decided[decision->route]++;
    if (self->options->output == CMD_OUTPUT_TEXT) {
        cmd_text_print(stdout, decision, self->color);
        return;
    }
    char *json = pt_decision_json(decision);
    puts(json ? json : "{}");
    free(json);
}

static uint64_t
s_decided(const demo_t *self)
{
    return self->decided[PT_ROUTE_SETTLED] + self->decided[PT_ROUTE_RETRY] + self->decided[PT_ROUTE_DEAD_LETTER];
}

static bool
s_put(demo_t *self, pt_text_t line, uint64_t number)
{
    cmd_item_t item;
    if (cmd_item_of_line(line, number, &item) != PT_OK)
        return false;
    pt_status_t status = pt_producer_put(self->producer, (pt_bytes_t) {item.bytes, item.len});
    cmd_item_clear(&item);
    return status == PT_OK;
}

//  Drive both sides once. False after a signal or when a socket fails.
static bool
s_turn(demo_t *self, uint32_t wait_ms)
{
    bool heard;
    pt_producer_seal(self->producer);
    if (pt_producer_poll(self->producer, 0, -1) != PT_OK ||
        pt_subscriber_poll(self->subscriber, wait_ms, self->service.signals.fd, &heard) != PT_OK)
        return false;
    //  Nobody reads along any more.
    if (fflush(stdout) != 0)
        return false;
    return !pt_signals_read(&self->service.signals);
}

//  One decision for each queue. Of alerts of one kind only the first is published, so each round has a kind of its own.
static bool
s_put_warm_up(demo_t *self, unsigned round)
{
    static const char settled[] = "{\"id\": \"" WARM_UP_ID "\", \"provider\": \"opn\", \"http_status\": 200, "
                                  "\"body\": {\"object\": \"charge\", \"status\": \"successful\"}}";
    static const char retry[] = "{\"id\": \"" WARM_UP_ID "\", \"provider\": \"opn\", \"http_status\": 503}";
    char alert[sizeof(retry) + 32];
    snprintf(alert, sizeof(alert), "{\"id\": \"" WARM_UP_ID "\", \"provider\": \"nobody-%u\", \"http_status\": 400}",
             round);
    return s_put(self, PT_TEXT(settled), 0) && s_put(self, PT_TEXT(retry), 0) && s_put(self, pt_text_of(alert), 0);
}

//  A PUB socket drops what comes before a subscription does, and each queue has a socket of its own: so what each
//  publishes is sent until it is heard.
static bool
s_warm_up(demo_t *self)
{
    uint64_t deadline_ms = cmd_mono_ms() + PATIENCE_MS;
    for (unsigned round = 1; self->warm != ALL_QUEUES && cmd_mono_ms() < deadline_ms; round++)
        if (!s_put_warm_up(self, round) || !s_turn(self, 50))
            return false;
    return self->warm == ALL_QUEUES;
}

static size_t
s_count_lines(void)
{
    size_t count = 0;
    for (const char *at = pt_sample; at < pt_sample_end; at++)
        count += *at == '\n';
    return count;
}

static pt_text_t
s_next_line(const char **at)
{
    const char *end = memchr(*at, '\n', (size_t) (pt_sample_end - *at));
    pt_text_t line = {*at, (size_t) (end - *at)};
    *at = end + 1;
    return line;
}

//  The whole sample, once; in a demo that goes on, at a pace to read along.
static bool
s_send_sample(demo_t *self)
{
    const char *at = pt_sample;
    for (size_t left = s_count_lines(), number = 1; left; left--, number++) {
        if (!s_put(self, s_next_line(&at), number))
            return false;
        self->sent++;
        uint64_t until_ms = cmd_mono_ms() + (self->options->once ? 0 : PACE_MS);
        do
            if (!s_turn(self, self->options->once ? 0 : PACE_MS))
                return false;
        while (cmd_mono_ms() < until_ms);
    }
    return true;
}

static bool
s_await_decisions(demo_t *self)
{
    uint64_t deadline_ms = cmd_mono_ms() + PATIENCE_MS;
    while (s_decided(self) < self->sent || !pt_producer_is_idle(self->producer))
        if (cmd_mono_ms() > deadline_ms || !s_turn(self, 50))
            return false;
    return true;
}

static bool
s_connect(demo_t *self)
{
    const pt_subscriber_handlers_t handlers = {.context = self, .decision = s_take_decision};
    pt_subscriber_options_t subscriber = {.endpoint_count = PT_QUEUE_COUNT_};
    pt_producer_options_t producer = {.brokers = {pt_broker_front(self->service.broker)}, .broker_count = 1};
    const char *error;
    for (unsigned i = 0; i < PT_QUEUE_COUNT_; i++)
        subscriber.endpoints[i] = pt_pool_endpoint(self->service.pool, (pt_queue_t) i);
    self->producer = pt_producer_new(&producer, NULL, NULL, &error);
    self->subscriber = pt_subscriber_new(&subscriber, &handlers, &error);
    return self->producer && self->subscriber;
}

static int
s_summarise(const demo_t *self, bool complete)
{
    fprintf(stderr,
            "\n%" PRIu64 " responses: settled %" PRIu64 ", retry %" PRIu64 ", dead_letter %" PRIu64 "; alerts %" PRIu64
            "\n",
            self->sent, self->decided[PT_ROUTE_SETTLED], self->decided[PT_ROUTE_RETRY],
            self->decided[PT_ROUTE_DEAD_LETTER], self->alerts);
    if (ferror(stdout))
        return cmd_flush();
    if (!complete && !self->service.signals.received)
        return cmd_fail(EX_SOFTWARE, NULL, "%" PRIu64 " of %" PRIu64 " decisions did not come back",
                        self->sent - s_decided(self), self->sent);
    fputs("next: paytriage explain opn insufficient_fund, or paytriage run\n", stderr);
    return EX_OK;
}

static int
s_play(demo_t *self)
{
    if (!s_connect(self))
        return cmd_fail(EX_OSERR, NULL, "cannot connect to the demo's own sockets");
    bool complete = s_warm_up(self);
    do
        complete = complete && s_send_sample(self);
    while (complete && !self->options->once);
    complete = complete && s_await_decisions(self);
    return s_summarise(self, complete);
}

//  A demonstration leaves nothing behind, and shows itself to nobody else.
static cmd_service_options_t
s_service_options(const demo_options_t *options)
{
    cmd_service_options_t service = CMD_SERVICE_DEFAULTS;
    service.with_broker = service.with_pool = service.free_ports = true;
    service.threads = options->threads;
    service.journal.dir = "none";
    service.http = "none";
    return service;
}

int
cmd_demo(int argc, char **argv)
{
    demo_options_t options = {.threads = 2};
    static pt_config_t config;
    int code = cmd_parse(PT_FOR_DEMO, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    options.color = (cmd_color_t) pt_config_number(&config, PT_OPTION_COLOR);
    static demo_t self;
    self.options = &options;
    self.color = cmd_use_color(options.color, stdout);

    //  It has a summary of its own.
    pt_log_set_level(PT_LOG_WARNING);
    cmd_service_options_t service = s_service_options(&options);
    code = cmd_service_start(&self.service, &service);
    if (code != EX_OK)
        return code;
    code = cmd_service_announce(&self.service);
    fputs("a sample of five gateways' answers follows; nothing leaves this machine\n\n", stderr);
    if (code == EX_OK)
        code = s_play(&self);
    pt_subscriber_destroy(&self.subscriber);
    pt_producer_destroy(&self.producer);
    int stopped = cmd_service_stop(&self.service);
    return code == EX_OK ? stopped : code;
}
