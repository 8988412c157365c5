#include "pt_bus_options.h"

#include <stdlib.h>
#include <string.h>

#include "pt_drive.h"

//  The null worker and the proxy are this program too.
#define S_OURSELVES "/proc/self/exe"

enum {
    S_KEY_HGRM = 256,
    S_KEY_RATE,
    S_KEY_LOAD,
    S_KEY_ALSO,
    S_KEY_PEER,
    S_KEY_PROXY,
    S_KEY_PAYTRIAGE,
    S_KEY_EACH,
    S_KEY_LOOP,
    S_KEY_PRODUCERS,
    S_KEY_DURABLE,
    S_KEY_OPEN_ROUNDS,
    S_KEY_OPEN_SECONDS
};

//  "1,16,256"
static void
s_parse_list(struct argp_state *state, const char *option, const char *text, unsigned max, pt_bus_list_t *list)
{
    char copy[128];
    char *rest = copy;
    list->count = 0;
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        if (list->count == PT_BUS_LIST_MAX)
            argp_error(state, "%s: at most %d", option, PT_BUS_LIST_MAX);
        list->values[list->count++] = (unsigned) pt_bench_parse_number(state, option, word, 1, max);
    }
}

static void
s_parse_transports(struct argp_state *state, char *text, pt_bus_options_t *options)
{
    memset(options->transports, 0, sizeof(options->transports));
    for (char *word = strsep(&text, ","); word; word = strsep(&text, ",")) {
        int transport = 0;
        while (transport < PT_CHAIN_TRANSPORTS &&
               strcmp(word, pt_chain_transport_text((pt_chain_transport_t) transport)) != 0)
            transport++;
        if (transport == PT_CHAIN_TRANSPORTS)
            argp_error(state, "--transport: '%s' is none of inproc, ipc, tcp", word);
        options->transports[transport] = true;
    }
}

//  "NAME=WORD 'WORD' …", quoted as in a shell, appended to what the command line already has.
static void
s_parse_contender(struct argp_state *state, char *text, pt_chain_kind_t kind, pt_bus_options_t *options)
{
    char *words = strchr(text, '=');
    if (!words || words == text || !words[1]) {
        argp_error(state, "'%s' is not NAME=WORDS", text);
        return;
    }
    if (options->contender_count == PT_BUS_CONTENDERS_MAX)
        argp_error(state, "at most %d contenders", PT_BUS_CONTENDERS_MAX);
    *words++ = 0;
    pt_chain_worker_t *worker = &options->contenders[options->contender_count++];
    *worker = (pt_chain_worker_t) {.name = text, .kind = kind, .is_process = true};
    //  The words of paytriage's own line come first; pt_bus_options_complete writes them.
    size_t count = kind == PT_CHAIN_PAYTRIAGE ? 6 : 0;
    if (wordexp(words, &worker->words, WRDE_NOCMD) != 0) {
        argp_error(state, "%s: '%s' are no words that a shell would take without running another command", text, words);
        return;
    }
    if (worker->words.we_wordc > PT_CHAIN_ARGUMENTS_MAX - 1 - count)
        argp_error(state, "%s: too many words", text);
    for (size_t i = 0; i < worker->words.we_wordc; i++)
        worker->command[count++] = worker->words.we_wordv[i];
}

static double
s_parse_seconds(struct argp_state *state, const char *option, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (*end || !(seconds > 0 && seconds <= 3600))
        argp_error(state, "%s: '%s' is not above 0, up to 3600", option, text);
    return seconds;
}

//  Options that make others void.
static void
s_check_together(struct argp_state *state, const pt_bus_options_t *options)
{
    if (options->open.runs && !options->closed.runs && options->rate <= 0)
        argp_error(state, "--loop open needs --rate: without the closed loop there is no peak to take a part of");
    bool has_processes = options->transports[PT_TRANSPORT_IPC] || options->transports[PT_TRANSPORT_TCP];
    if (!has_processes && (options->contender_count > 2 || options->durable || options->with_proxy))
        argp_error(state, "--also, --peer, --durable and --proxy start processes: --transport has to name ipc or tcp");
}

//  Options that are only kept.
static const pt_plain_t s_plain[] = {
    {S_KEY_OPEN_ROUNDS, PT_PLAIN_NUMBER, offsetof(pt_bus_options_t, open.rounds), "--open-rounds", 1, 1000},
    {'T', PT_PLAIN_NUMBER, offsetof(pt_bus_options_t, threads), "--threads", 1, 256},
    {'W', PT_PLAIN_NUMBER, offsetof(pt_bus_options_t, window), "--window", 1, PT_WINDOW - 1},
    {S_KEY_PRODUCERS, PT_PLAIN_NUMBER, offsetof(pt_bus_options_t, producers), "--producers", 1, PT_DRIVE_PRODUCERS_MAX},
    {S_KEY_HGRM, PT_PLAIN_TEXT, offsetof(pt_bus_options_t, hgrm), NULL, 0, 0},
    {S_KEY_DURABLE, PT_PLAIN_TEXT, offsetof(pt_bus_options_t, durable), NULL, 0, 0},
    {S_KEY_PROXY, PT_PLAIN_FLAG, offsetof(pt_bus_options_t, with_proxy), NULL, 0, 0},
    {S_KEY_PAYTRIAGE, PT_PLAIN_TEXT, offsetof(pt_bus_options_t, paytriage), NULL, 0, 0},
    {S_KEY_EACH, PT_PLAIN_FLAG, offsetof(pt_bus_options_t, checks_each), NULL, 0, 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    pt_bus_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        state->child_inputs[1] = &options->files;
        return 0;
    case 't':
        s_parse_transports(state, arg, options);
        return 0;
    case 'b':
        s_parse_list(state, "--batch", arg, PT_BATCH_COUNT_MAX, &options->batches);
        return 0;
    case 'S':
        options->closed.seconds = s_parse_seconds(state, "--seconds", arg);
        return 0;
    case S_KEY_OPEN_SECONDS:
        options->open.seconds = s_parse_seconds(state, "--open-seconds", arg);
        return 0;
    case S_KEY_LOOP:
        if (strcmp(arg, "closed") != 0 && strcmp(arg, "open") != 0)
            argp_error(state, "--loop: '%s' is neither closed nor open", arg);
        options->closed.runs = strcmp(arg, "closed") == 0;
        options->open.runs = !options->closed.runs;
        return 0;
    case S_KEY_RATE:
        options->rate = (double) pt_bench_parse_number(state, "--rate", arg, 1, 1000000000);
        return 0;
    case S_KEY_LOAD:
        s_parse_list(state, "--load", arg, 200, &options->loads);
        return 0;
    case S_KEY_ALSO:
        s_parse_contender(state, arg, PT_CHAIN_PAYTRIAGE, options);
        return 0;
    case S_KEY_PEER:
        s_parse_contender(state, arg, PT_CHAIN_PROGRAM, options);
        return 0;
    case ARGP_KEY_END:
        s_check_together(state, options);
        return 0;
    default:
        return pt_bench_parse_plain(s_plain, key, arg, state);
    }
}

static const struct argp_option s_argp_options[] = {
    {0, 0, 0, 0, "What to run:", 1},
    {"transport", 't', "LIST", 0, "inproc, ipc, tcp (default: all three)", 1},
    {"batch", 'b', "LIST", 0, "responses a batch (default 1,16,256)", 1},
    {"loop", S_KEY_LOOP, "closed|open", 0, "only the peak, or only latencies at --rate (default: both)", 1},
    {"rate", S_KEY_RATE, "N", 0, "open loop: responses offered each second", 1},
    {"load", S_KEY_LOAD, "LIST", 0, "open loop: percent of paytriage's peak in this run (default 50)", 1},
    {"seconds", 'S', "N", 0, "measured time of each run (default 2; --short: 0.05)", 1},
    {"open-rounds", S_KEY_OPEN_ROUNDS, "N", 0, "rounds of the open loop (default: as --rounds)", 1},
    {"open-seconds", S_KEY_OPEN_SECONDS, "N", 0, "measured time of each of these (default: as --seconds)", 1},
    {"threads", 'T', "N", 0, "threads of paytriage's worker that classify (default 1)", 1},
    {"window", 'W', "N", 0, "closed loop: batches under way (default 64)", 1},
    {"producers", S_KEY_PRODUCERS, "N", 0, "connections of the driver (default 4)", 1},
    {0, 0, 0, 0, "Who runs, beside paytriage and the null worker:", 2},
    {"also", S_KEY_ALSO, "NAME=OPTIONS", 0, "paytriage's worker with further options", 2},
    {"peer", S_KEY_PEER, "NAME=COMMAND", 0, "another program, its words quoted as in a shell; see bench/peers", 2},
    {"durable", S_KEY_DURABLE, "DIRECTORY", 0, "paytriage with a journal there, on the disk to be measured", 2},
    {"proxy", S_KEY_PROXY, NULL, 0,
     "the null worker behind libzmq's zmq_proxy instead of paytriage's broker; closed loop only", 2},
    {"paytriage", S_KEY_PAYTRIAGE, "PATH", 0, "the program to measure (default: the one of this build)", 2},
    {0, 0, 0, 0, "What to keep and check:", 3},
    {"histograms", S_KEY_HGRM, "DIRECTORY", 0, "write a .hgrm file, in us, for each open loop", 3},
    {"check-each", S_KEY_EACH, NULL, 0, "read every decision of paytriage, not only the first of each message", 3},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {&pt_mix_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    .options = s_argp_options,
    .parser = s_parse_option,
    .args_doc = "[FILE...]",
    .doc = "Time the whole bus: producers, broker, worker, subscriber. Every response is accounted for, or the "
           "run fails.\v"
           "The closed loop keeps a window of batches under way: the peak. The open loop sends at a stated rate "
           "whatever comes back; latency counts from the moment a batch was meant to be sent to its last "
           "decision's arrival; \"ack\" is the time to its ACK instead, with all repeats after NACK busy. CPU "
           "is seconds for a million responses. The null worker moves the same frames without looking at them; "
           "\"of null\" is the median of the rounds' ratios to it. FILEs hold responses as JSON Lines; default: "
           "the recorded answers.\n\n"
           "Examples:\n"
           "  pt_bench_bus --transport tcp --batch 1,256\n"
           "  pt_bench_bus -t tcp --batch 16 --loop open --rate 20000 --histograms .\n"
           "  pt_bench_bus -t tcp --peer \"pyzmq=bench/peers/pyzmq_worker.py --rows ROWS\"\n\n"
           "Each contender is started once before anything is measured, and one that fails later takes no further "
           "part.\n\n"
           "Exit: 0 measured, 1 a response was not accounted for, 64 a bad option, 65 a bad line, 66 no such "
           "file, 69 a contender does not start.",
    .children = s_children};

void
pt_bus_options_complete(pt_bus_options_t *options, const char *batch, const char *threads)
{
    for (size_t i = 0; i < options->contender_count; i++) {
        pt_chain_worker_t *worker = &options->contenders[i];
        const char *ours[] = {options->paytriage, "worker", "--threads", threads, "--journal", "none"};
        size_t ours_count = worker->journal_in ? 4 : 6;
        const char *null[] = {S_OURSELVES, "null-worker", "--batch", batch};
        if (worker->kind == PT_CHAIN_PAYTRIAGE)
            memcpy(worker->command, ours, ours_count * sizeof(ours[0]));
        if (worker->kind != PT_CHAIN_NULL)
            continue;
        memcpy(worker->command, null, sizeof(null));
        for (size_t k = 0; k < options->files.count; k++)
            worker->command[4 + k] = options->files.paths[k];
    }
}

static void
s_add_contender(pt_bus_options_t *self, const pt_chain_worker_t *worker)
{
    if (self->contender_count < PT_BUS_CONTENDERS_MAX)
        self->contenders[self->contender_count++] = *worker;
}

//  What the options that were not given are by default.
static void
s_settle(pt_bus_options_t *self)
{
    self->closed.rounds = self->common.rounds;
    if (!self->open.rounds)
        self->open.rounds = self->common.rounds;
    if (self->closed.seconds <= 0)
        self->closed.seconds = self->common.is_short ? 0.05 : 2;
    if (self->open.seconds <= 0)
        self->open.seconds = self->closed.seconds;
    const pt_chain_worker_t durable = {
        .name = "paytriage, durable", .kind = PT_CHAIN_PAYTRIAGE, .is_process = true, .journal_in = self->durable};
    const pt_chain_worker_t proxied = {.name = "null worker, zmq_proxy",
                                       .kind = PT_CHAIN_NULL,
                                       .is_process = true,
                                       .has_alerts = true,
                                       .broker = {S_OURSELVES, "proxy"}};
    if (self->durable)
        s_add_contender(self, &durable);
    if (self->with_proxy)
        s_add_contender(self, &proxied);
}

void
pt_bus_options_parse(pt_bus_options_t *self, int argc, char **argv)
{
    *self = (pt_bus_options_t) {
        .common = {.rounds = 3},
        .transports = {true, true, true},
        .batches = {{1, 16, 256}, 3},
        .loads = {{50}, 1},
        .threads = 1,
        .window = 64,
        .producers = 4,
        .closed = {.runs = true},
        .open = {.runs = true},
        .paytriage = PT_BENCH_PAYTRIAGE,
        .contenders = {{.name = "paytriage", .kind = PT_CHAIN_PAYTRIAGE},
                       {.name = "null worker", .kind = PT_CHAIN_NULL, .has_alerts = true}},
        .contender_count = 2,
    };
    argp_parse(&s_argp, argc, argv, 0, NULL, self);
    s_settle(self);
}
