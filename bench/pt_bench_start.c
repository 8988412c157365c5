/*  pt_bench_start: how long a broker, a worker or both take from their start until they are ready.
 *
 *  Ready is what systemd is told (sd_notify): all sockets are bound, the catalog is checked, the journal is
 *  open. Time counts from before fork.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "pt_bench.h"
#include "pt_process.h"
#include "pt_report.h"

#define S_WORDS_MAX 24
#define S_READY_S 20

#define S_HAS_JOURNAL 1u //  keeps it from start to start
#define S_IS_NEW 2u      //  makes its journal anew each time
#define S_HAS_CURVE 4u

typedef struct {
    const char *name;
    const char *command;
    unsigned flags;
} s_contender_t;

static const s_contender_t s_contenders[] = {
    {"broker", "broker", 0},
    {"worker", "worker", 0},
    {"worker, CURVE", "worker", S_HAS_CURVE},
    {"worker, journal", "worker", S_HAS_JOURNAL},
    {"worker, new journal", "worker", S_HAS_JOURNAL | S_IS_NEW},
    {"run", "run", 0},
    {"run, journal, CURVE", "run", S_HAS_JOURNAL | S_HAS_CURVE},
};
//  What workers connect to; not measured.
static const s_contender_t s_found = {"broker", "broker", 0};

#define S_CONTENDERS (sizeof(s_contenders) / sizeof(s_contenders[0]))

typedef struct {
    pt_bench_options_t common;
    const char *paytriage;
    const char *directory;
} s_options_t;

typedef struct {
    const s_options_t *options;
    pt_scratch_t folder;   //  sockets, keys, what they say
    pt_scratch_t journals; //  on the disk that was asked for
    char keys[PT_SCRATCH_PATH_BYTES + 16];
    int notify_fd;
    pt_process_t broker; //  that workers find, so that they end as they do in life
    pt_series_t ready_ms[S_CONTENDERS];
    pt_series_t cpu_ms[S_CONTENDERS];
} s_bench_t;

static bool
s_fail(const char *what)
{
    fprintf(stderr, "pt_bench_start: %s: %s\n", what, strerror(errno));
    return false;
}

//  The socket on which children say that they are ready.
static bool
s_open_notify(s_bench_t *self)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = S_READY_S};
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", self->folder.path);
    self->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (len >= (int) sizeof(address.sun_path) || self->notify_fd < 0 ||
        bind(self->notify_fd, (const struct sockaddr *) &address, sizeof(address)) != 0 ||
        setsockopt(self->notify_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setenv("NOTIFY_SOCKET", address.sun_path, 1) != 0)
        return s_fail("a socket to be notified on");
    //  Sockets of `paytriage ctl` go beside it, not into this user's folder.
    return setenv("RUNTIME_DIRECTORY", self->folder.path, 1) == 0;
}

static bool
s_make_keys(s_bench_t *self)
{
    pt_process_t keygen = {0};
    snprintf(self->keys, sizeof(self->keys), "%s/keys", self->folder.path);
    const char *const arguments[] = {self->options->paytriage, "keygen", self->keys, NULL};
    return pt_process_start(&keygen, "keygen", self->folder.path, arguments) && pt_process_finish(&keygen);
}

//  Wait until the child says that it is ready.
static bool
s_await_ready(s_bench_t *self, pt_process_t *process, uint64_t *out_ns)
{
    char text[1024];
    for (;;) {
        ssize_t len = recv(self->notify_fd, text, sizeof(text) - 1, 0);
        *out_ns = pt_bench_now_ns();
        text[len > 0 ? len : 0] = 0;
        if (strstr(text, "READY=1"))
            return true;
        if (len < 0 || pt_process_has_ended(process))
            break;
    }
    fprintf(stderr, "pt_bench_start: the %s does not become ready\n", process->name);
    pt_process_show_log(process);
    return false;
}

//  What it says after that, and at its end, is of no interest.
static void
s_forget_notices(const s_bench_t *self)
{
    char text[1024];
    while (recv(self->notify_fd, text, sizeof(text), MSG_DONTWAIT) >= 0)
        ;
}

//  A command line, and the words that were made for it.
typedef struct {
    const char *words[S_WORDS_MAX + 1];
    size_t count;
    char room[4096];
    size_t used;
} s_command_t;

static void __attribute__((format(printf, 2, 3))) s_add_word(s_command_t *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *at = self->room + self->used;
    int len = vsnprintf(at, sizeof(self->room) - self->used, format, args);
    va_end(args);
    //  Folders have short names, and there are few options.
    assert(len >= 0 && self->used + (size_t) len < sizeof(self->room) && self->count < S_WORDS_MAX);
    self->words[self->count++] = at;
    self->used += (size_t) len + 1;
}

static void
s_make_command(const s_bench_t *self, const s_contender_t *contender, const char *journal, s_command_t *command)
{
    static const char *const sockets[] = {"settled", "retry", "dead-letter", "operator-alert", "replay"};
    bool is_worker = strcmp(contender->command, "broker") != 0;
    bool is_broker = strcmp(contender->command, "worker") != 0;
    const char *folder = self->folder.path;
    *command = (s_command_t) {.count = 0};
    s_add_word(command, "%s", self->options->paytriage);
    s_add_word(command, "%s", contender->command);
    s_add_word(command, "--config=none");
    s_add_word(command, "--http=none");
    const char *whose = contender == &s_found ? "found" : "own";
    if (is_broker)
        s_add_word(command, "--front=ipc://%s/%s-front", folder, whose);
    if (is_broker)
        s_add_word(command, "--back=ipc://%s/%s-back", folder, whose);
    else
        s_add_word(command, "--connect=ipc://%s/found-back", folder);
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]) && is_worker; i++)
        s_add_word(command, "--%s=ipc://%s/%s", sockets[i], folder, sockets[i]);
    if (contender->flags & S_HAS_CURVE)
        s_add_word(command, "--curve=%s", self->keys);
    if (is_worker)
        s_add_word(command, "--journal=%s", journal);
}

static bool
s_start_broker(s_bench_t *self)
{
    s_command_t command;
    uint64_t ready_ns;
    s_make_command(self, &s_found, "none", &command);
    return pt_process_start(&self->broker, "found", self->folder.path, command.words) &&
           s_await_ready(self, &self->broker, &ready_ns);
}

static bool
s_open(s_bench_t *self)
{
    return pt_scratch_make(&self->folder, "/tmp") && pt_scratch_make(&self->journals, self->options->directory) &&
           s_open_notify(self) && s_make_keys(self) && s_start_broker(self);
}

//  One start and one end. Its time counts when `is_counted`.
static bool
s_time_start(s_bench_t *self, size_t contender, bool is_counted)
{
    const s_contender_t *chosen = &s_contenders[contender];
    char journal[PT_SCRATCH_PATH_BYTES + 16] = "none";
    pt_process_t process = {0};
    pt_scratch_t anew = {.path = ""};
    s_command_t command;
    uint64_t ready_ns;
    if (chosen->flags & S_IS_NEW && !pt_scratch_make(&anew, self->journals.path))
        return false;
    if (chosen->flags & S_IS_NEW)
        snprintf(journal, sizeof(journal), "%s/new", anew.path);
    else if (chosen->flags & S_HAS_JOURNAL)
        snprintf(journal, sizeof(journal), "%s/%zu", self->journals.path, contender);
    s_make_command(self, chosen, journal, &command);
    s_forget_notices(self);
    uint64_t start_ns = pt_bench_now_ns();
    bool is_good = pt_process_start(&process, chosen->command, self->folder.path, command.words) &&
                   s_await_ready(self, &process, &ready_ns);
    if (is_good && is_counted) {
        pt_series_add(&self->cpu_ms[contender], pt_process_cpu_s(&process) * 1000);
        pt_series_add(&self->ready_ms[contender], (double) (ready_ns - start_ns) / 1e6);
    }
    is_good = pt_process_stop(&process) && is_good;
    pt_scratch_remove(&anew);
    return is_good;
}

static const pt_column_t s_columns[] = {
    {"contender", "contender", PT_COLUMN_TEXT},
    {"p50_ms", "ready p50 ms", 1},
    {"p99_ms", "p99", 1},
    {"max_ms", "max", 1},
    {"cpu_ms", "CPU ms", 1},
    {NULL, NULL, 0},
};

static void
s_add_rows(s_bench_t *self, pt_report_t *report)
{
    pt_table_t *table = pt_report_table(report, "start", "From the start until it is ready", s_columns);
    for (size_t i = 0; i < S_CONTENDERS; i++) {
        json_t *row = pt_table_row(table);
        pt_row_text(row, "contender", s_contenders[i].name);
        pt_row_number(row, "p50_ms", pt_series_median(&self->ready_ms[i]));
        pt_row_number(row, "p99_ms", pt_series_percentile(&self->ready_ms[i], 99));
        pt_row_number(row, "max_ms", pt_series_percentile(&self->ready_ms[i], 100));
        pt_row_number(row, "cpu_ms", pt_series_median(&self->cpu_ms[i]));
    }
}

//  Options that are only kept.
static const pt_plain_t s_plain[] = {
    {'d', PT_PLAIN_TEXT, offsetof(s_options_t, directory), NULL, 0, 0},
    {'p', PT_PLAIN_TEXT, offsetof(s_options_t, paytriage), NULL, 0, 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    default:
        return pt_bench_parse_plain(s_plain, key, arg, state);
    }
}

static const struct argp_option s_argp_options[] = {
    {0, 0, 0, 0, "What to run:", 1},
    {"directory", 'd', "DIRECTORY", 0, "for journals, on the disk to be measured (default: the one at hand)", 1},
    {"paytriage", 'p', "PATH", 0, "the program to measure (default: the one of this build)", 1},
    {0},
};

static const struct argp_child s_children[] = {{&pt_bench_argp, 0, NULL, 0}, {0}};

static const struct argp s_argp = {
    .options = s_argp_options,
    .parser = s_parse_option,
    .doc = "Time how long broker, worker and both in one process take until they are ready, with the built-in "
           "catalog.\v"
           "Ready is what systemd is told: everything is bound, checked and open. Program and catalog are in "
           "memory already, as at a restart; workers find a broker. \"journal\" has been there before; \"new "
           "journal\" is made, its file of 1 GiB reserved and flushed. In each round (default 20) all start "
           "once.\n\n"
           "Example:\n"
           "  pt_bench_start --directory /var/lib/paytriage\n\n"
           "Exit: 0 measured, 1 something did not become ready or did not end well, 64 a bad option.",
    .children = s_children};

static bool
s_run_rounds(s_bench_t *self)
{
    //  The first one makes the journals that the others find, and brings the program into memory.
    for (unsigned round = 0; round <= self->options->common.rounds; round++) {
        pt_bench_progress(&self->options->common, "round %u of %u", round, self->options->common.rounds);
        for (size_t i = 0; i < S_CONTENDERS; i++)
            if (!s_time_start(self, i, round > 0))
                return false;
    }
    return true;
}

int
main(int argc, char **argv)
{
    s_options_t options = {.common = {.rounds = 20}, .paytriage = PT_BENCH_PAYTRIAGE, .directory = "."};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    pt_process_watch_signals();
    s_bench_t bench = {.options = &options, .notify_fd = -1};
    pt_report_t *report = pt_report_new("pt_bench_start");
    pt_report_count(report, "rounds", options.common.rounds);
    bool is_good = s_open(&bench) && s_run_rounds(&bench);
    pt_bench_progress_end(&options.common);
    if (is_good)
        s_add_rows(&bench, report);
    int code = is_good ? pt_report_finish(&report, &options.common) : 1;
    pt_report_destroy(&report);
    for (size_t i = 0; i < S_CONTENDERS; i++) {
        pt_series_clear(&bench.ready_ms[i]);
        pt_series_clear(&bench.cpu_ms[i]);
    }
    if (bench.notify_fd >= 0)
        close(bench.notify_fd);
    if (!pt_process_stop(&bench.broker))
        code = 1;
    pt_scratch_remove(&bench.journals);
    pt_scratch_remove(&bench.folder);
    return code;
}
