/*  paytriage tail: decisions as they are published, and a word about each gap. */
#include "cmd_curve.h"
#include "cmd_options.h"
#include "cmd_text.h"
#include "cmd_unknown.h"
#include "tail_subscription.h"

#include "pt_catalog.h"
#include "pt_decision.h"
#include "pt_signals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

//  How long a worker may take to store the last positions: some commits.
#define FINISH_MS 2000

//  Every decision once: alerts are copies.
#define QUEUES_DEFAULT "settled,retry,dead_letter"

typedef struct {
    const tail_options_t *options;
    pt_subscriber_t *subscriber;
    uint64_t printed;
    bool color;
    bool refused;         //  and it was told
    uint64_t unopened_ms; //  since when a worker's replay endpoint gives no answer; as silent_ms
    uint64_t unheard_ms;  //  since when nothing ever came; as silent_ms
    uint64_t silent_ms;   //  since when a worker ends handshakes without a word; 0: none does; UINT64_MAX: told
    bool broken;          //  a write to stdout failed: some of what was printed may be lost
    int reason;           //  why, an errno
} tail_t;

enum { KEY_REVEAL = 0x100 };

static const struct argp_option s_options[] = {
    {"route", 'r', "LIST", 0, "settled, retry, dead_letter, operator_alert; default " QUEUES_DEFAULT, 0},
    {"provider", 'p', "LIST", 0, "only these gateways, such as opn,uapay", 0},
    {"connect", 'c', "ENDPOINT", 0, "a PUB socket, such as tcp://10.0.0.5:5570 or ipc:///run/retry; repeatable", 0},
    {"count", 'n', "N", 0, "stop after N decisions", 0},
    {"timeout", 't', "TIME", 0, "stop after this long, such as 30s; exit 124 when --count was not reached", 0},
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {"reveal", KEY_REVEAL, NULL, 0, "print card numbers in JSON, where the worker does not mask them", 0},
    {0, 0, 0, 0, "With workers that keep a journal:", 1},
    {"replay", 'R', NULL, 0, "fetch what did not arrive", 1},
    {"since-start", 's', NULL, 0, "start at the first decision that a worker still has, and fetch what is missing", 1},
    {"durable", 'd', "NAME", 0,
     "continue where NAME left off, and fetch what is missing; workers keep what NAME has not received yet", 1},
    {0},
};

//  An empty name would stand for all gateways.
static bool
s_names_all(const char *list)
{
    size_t len = strlen(list);
    return len > 0 && list[0] != ',' && list[len - 1] != ',' && !strstr(list, ",,");
}

static void
s_check_line(struct argp_state *state, const tail_options_t *options)
{
    if (options->durable && options->since_start)
        argp_error(state, "--since-start is not for --durable, which continues where it left off");
    if (options->providers && !s_names_all(options->providers))
        argp_error(state, "--provider: '%s' is not a list such as opn,uapay", options->providers);
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    tail_options_t *options = state->input;
    switch (key) {
    case 'r':
        options->routes = arg;
        break;
    case 'p':
        options->providers = arg;
        break;
    case 'c':
        if (options->endpoint_count == PT_SUBSCRIBER_ENDPOINTS_MAX)
            argp_error(state, "--connect: at most %d endpoints", PT_SUBSCRIBER_ENDPOINTS_MAX);
        options->endpoints[options->endpoint_count++] = arg;
        break;
    case 'n':
        options->count = cmd_number(state, "--count", arg, 1, UINT64_MAX);
        break;
    case 't':
        options->timeout_ms = cmd_timeout_ms(state, arg, "a decision");
        break;
    case 'o':
        options->output = cmd_output(state, arg);
        break;
    case KEY_REVEAL:
        options->masking = PT_MASKING_NONE;
        break;
    case 'R':
        options->replay = true;
        break;
    case 's':
        options->since_start = true;
        break;
    case 'd':
        options->durable = arg;
        break;
    case ARGP_KEY_END:
        s_check_line(state, options);
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not expected; routes are given with --route", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc = "Print decisions as they are published, and a line about each gap.\v"
           "Examples:\n"
           "  paytriage tail\n"
           "  paytriage tail --route dead_letter --provider smilepayz -o jsonl\n"
           "  paytriage tail --route operator_alert --count 1 --timeout 5m\n"
           "  paytriage tail --durable audit -o jsonl >>audit.jsonl\n\n"
           "A name belongs to one subscriber at a time. What has been printed is acknowledged; what was printed but "
           "not yet acknowledged when tail dies is printed again. A name that is no longer used fills up the journals: "
           "see 'paytriage journal forget'.\n\n"
           "Exit: 0 done, 124 --timeout ran out before --count, 64 a wrong command line, 71 the system gives no "
           "sockets, 77 a key that is not admitted, or that others can read, 78 faulty keys."};

//  After each thing that is printed: stdio forgets what it could not write, and its next flush may succeed.
static void
s_check_output(tail_t *self)
{
    if (self->broken || !ferror(stdout))
        return;
    self->broken = true;
    self->reason = errno;
}

static void
s_print_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    (void) topic, (void) bytes;
    tail_t *self = context;
    //  What is not printed is not acknowledged either.
    if (self->broken || (self->options->count && self->printed == self->options->count)) {
        pt_subscriber_stop(self->subscriber);
        return;
    }
    self->printed++;
    if (self->options->output == CMD_OUTPUT_TEXT) {
        cmd_text_print(stdout, decision, self->color);
        s_check_output(self);
        return;
    }
    pt_decision_t shown = *decision;
    shown.masking = self->options->masking;
    char *json = pt_decision_json(&shown);
    puts(json ? json : "{}");
    s_check_output(self);
    free(json);
}

static void
s_print_gap(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next)
{
    (void) context;
    fprintf(stderr,
            "gap: %" PRIu64 " decisions of %.*s were published and did not arrive (worker %016" PRIx64 ", %" PRIu64
            " to %" PRIu64 ")\n",
            next - first, (int) topic.len, topic.data, worker, first, next - 1);
}

static void
s_print_return(void *context)
{
    (void) context;
    fputs("gap: a connection was lost and is back; what a worker without a journal published meanwhile did not arrive, "
          "and nobody counts it\n",
          stderr);
}

static void
s_print_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    tail_t *self = context;
    self->unopened_ms = UINT64_MAX; //  somebody answers there
    fprintf(stderr, "worker %016" PRIx64 ", epoch %" PRIu64 ": %s\n", worker, epoch, pt_subscriber_fault_text(fault));
}

//  A gateway that only the worker's catalog has is no mistake; one that is nearly of this catalog is likely to be.
static void
s_note_providers(const char *list)
{
    const pt_catalog_t *catalog = pt_catalog_builtin();
    char *words = strdup(list), *rest = words;
    for (char *word; words && (word = strsep(&rest, ","));)
        if (!pt_catalog_provider(catalog, pt_text_of(word)))
            cmd_unknown_note_provider(catalog, word);
    free(words);
}

static pt_subscriber_t *
s_subscribe(tail_t *self, const pt_curve_t *curve, int *out_code)
{
    static tail_subscription_t subscription;
    *out_code = tail_subscribe_to(&subscription, self->options);
    if (*out_code != EX_OK)
        return NULL;

    if (self->options->providers)
        s_note_providers(self->options->providers);
    const char *error = NULL;
    subscription.options.curve = curve;
    cmd_curve_warn(subscription.options.endpoints, subscription.options.endpoint_count, curve);
    pt_subscriber_handlers_t handlers = {self, s_print_decision, s_print_gap, s_print_fault, s_print_return};
    pt_subscriber_t *result = pt_subscriber_new(&subscription.options, &handlers, &error);
    const char *shape = "endpoints look like tcp://127.0.0.1:5570 or ipc:///run/paytriage/retry";
    if (!result && cmd_is_short(errno))
        *out_code = cmd_tell_short(errno);
    else if (!result)
        *out_code = cmd_fail(EX_USAGE, strstr(error, "endpoint") ? shape : NULL, "cannot subscribe: %s", error);
    return result;
}

static bool
s_is_done(const tail_t *self, uint64_t deadline_ms)
{
    bool enough = self->options->count && self->printed == self->options->count;
    return enough || self->broken || (deadline_ms && cmd_mono_ms() >= deadline_ms);
}

//  A second at most: stdout is flushed and looked at between waits.
static uint32_t
s_wait_ms(uint64_t deadline_ms)
{
    uint64_t now_ms = cmd_mono_ms();
    if (!deadline_ms || deadline_ms > now_ms + 1000)
        return 1000;
    return deadline_ms > now_ms ? (uint32_t) (deadline_ms - now_ms) : 0;
}

//  Where no worker lets it in it is the end: nothing will come. Later the key may have been taken away from
//  one of several workers. False at the end.
static bool
s_tell_refusal(tail_t *self, bool admitted)
{
    static const char hint[] = "ask for it to be put into clients/subscriber/ there; see docs/security.md";
    if (!self->refused)
        cmd_fail(EX_NOPERM, hint, "a worker does not admit the key of %s", self->options->curve);
    self->refused = true;
    return admitted;
}

//  A worker that starts anew ends handshakes as well, for a moment.
#define SILENT_MS 3000

//  Whether to tell of what lasts: once for each time that it does.
static bool
s_is_worth_telling(uint64_t *since_ms, bool lasts)
{
    uint64_t now_ms = cmd_mono_ms();
    if (!lasts)
        *since_ms = 0;
    else if (!*since_ms)
        *since_ms = now_ms;
    if (!lasts || *since_ms == UINT64_MAX || now_ms - *since_ms < SILENT_MS)
        return false;
    *since_ms = UINT64_MAX;
    return true;
}

//  Such as the host's name behind a translation of addresses, or a container's own: nothing comes then.
static void
s_tell_unopened(tail_t *self, const pt_subscriber_t *subscriber)
{
    const char *endpoint = pt_subscriber_unopened(subscriber);
    if (s_is_worth_telling(&self->unopened_ms, endpoint != NULL))
        fprintf(stderr,
                "warning: a worker is heard, but nothing answers at %s, where it says that it replays: no decision of "
                "it comes before that; --advertise there names an address that this machine reaches\n",
                endpoint);
}

static void
s_tell_silence(tail_t *self, pt_subscriber_t *subscriber)
{
    if (!s_is_worth_telling(&self->silent_ms, pt_subscriber_is_silent(subscriber)))
        return;
    if (self->options->curve)
        fprintf(stderr,
                "warning: a worker completes no handshake with the key of %s: was it taken out of clients/subscriber/ "
                "there, "
                "or has servers/ here another key than that service's own.key?\n",
                self->options->curve);
    else
        fputs("warning: a worker completes no handshake without keys; --curve DIR names a folder of them\n", stderr);
}

//  A worker that keeps no settled decisions says nothing of them while there are none.
static void
s_tell_unheard(tail_t *self, pt_subscriber_t *subscriber, bool ever_heard)
{
    bool lasts = !ever_heard && !pt_subscriber_is_silent(subscriber) && strcmp(self->options->routes, "settled") != 0;
    if (s_is_worth_telling(&self->unheard_ms, lasts))
        fputs("waiting: no worker has been heard yet; is one running there? see 'paytriage run'\n", stderr);
}

//  The exit code once nothing more is to come.
static int
s_end(const tail_t *self, uint64_t deadline_ms, bool ever_heard)
{
    const tail_options_t *options = self->options;
    if (self->broken) {
        errno = self->reason;
        return cmd_flush();
    }
    if (self->printed >= options->count || !deadline_ms || cmd_mono_ms() < deadline_ms)
        return EX_OK;
    return cmd_fail(CMD_EXIT_TIMEOUT, ever_heard ? NULL : "no worker has been heard; is one running there?",
                    "%" PRIu64 " of %" PRIu64 " decisions came in time", self->printed, options->count);
}

static int
s_follow(tail_t *self, pt_subscriber_t *subscriber, pt_signals_t *signals)
{
    uint64_t timeout_ms = self->options->timeout_ms;
    uint64_t deadline_ms = timeout_ms ? cmd_mono_ms() + timeout_ms : 0;
    bool ever_heard = false, ready = false;
    cmd_end_torn_line();
    while (!s_is_done(self, deadline_ms) && !pt_signals_read(signals)) {
        bool heard;
        if (pt_subscriber_poll(subscriber, s_wait_ms(deadline_ms), signals->fd, &heard) != PT_OK)
            return cmd_fail(EX_OSERR, NULL, "cannot receive: %s", strerror(errno));
        ever_heard |= heard;
        if (ever_heard && !ready && pt_subscriber_is_open(subscriber)) {
            ready = true;
            fputs("ready: decisions arrive from here on\n", stderr);
        }
        bool admitted = ever_heard || pt_subscriber_is_admitted(subscriber);
        if (self->options->curve && pt_subscriber_is_refused(subscriber) && !s_tell_refusal(self, admitted))
            return EX_NOPERM;
        s_tell_silence(self, subscriber);
        s_tell_unopened(self, subscriber);
        s_tell_unheard(self, subscriber, ever_heard);
        fflush(stdout);
        s_check_output(self);
    }
    return s_end(self, deadline_ms, ever_heard);
}

static int
s_tail(const tail_options_t *options)
{
    tail_t self = {.options = options, .color = cmd_use_color(options->color, stdout)};

    pt_signals_t signals;
    int code;
    if (pt_signals_open(&signals) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "cannot watch for signals: %s", strerror(errno));
    pt_curve_t *curve;
    code = cmd_curve_open(options->curve, &curve);
    pt_subscriber_t *subscriber = code == EX_OK ? s_subscribe(&self, curve, &code) : NULL;
    self.subscriber = subscriber;
    if (subscriber)
        code = s_follow(&self, subscriber, &signals);
    //  What was printed and flushed.
    if (subscriber && !self.broken && !pt_subscriber_finish(subscriber, FINISH_MS))
        fputs("the last decisions are not acknowledged; they will come again\n", stderr);
    if (subscriber && pt_subscriber_counts(subscriber).missed)
        fprintf(stderr, "missed %" PRIu64 " decisions in all\n", pt_subscriber_counts(subscriber).missed);
    pt_subscriber_destroy(&subscriber);
    pt_curve_close(&curve);
    pt_signals_close(&signals);
    return code;
}

int
cmd_tail(int argc, char **argv)
{
    tail_options_t options = {.routes = QUEUES_DEFAULT};
    pt_config_t config;
    int code = cmd_parse(PT_FOR_TAIL, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    code = cmd_options_check_connect(&config, options.endpoint_count ? "--connect" : NULL);
    options.host = pt_config_text(&config, PT_OPTION_CLIENT_HOST);
    options.port_base = pt_config_number(&config, PT_OPTION_PORT_BASE);
    options.curve = pt_config_text(&config, PT_OPTION_CURVE);
    options.color = (cmd_color_t) pt_config_number(&config, PT_OPTION_COLOR);
    if (code == EX_OK)
        code = s_tail(&options);
    pt_config_clear(&config);
    return code;
}
