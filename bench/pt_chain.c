#include "pt_chain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "pt_bench.h"
#include "pt_broker.h"
#include "pt_null_worker.h"
#include "pt_pool.h"
#include "pt_sockets.h"

//  A program that is not ready by then never will be; node takes a second to start.
#define S_START_MS 20000
#define S_STOP_MS 10000
#define S_LEAVE_MS 2000

#define S_PATH_BYTES 160

//  Larger than what a run leaves; made in full when the worker starts.
#define S_JOURNAL_SIZE "512M"

typedef struct {
    pid_t pid; //  0: none
    char ports_file[S_PATH_BYTES];
    const char *name;
} s_process_t;

struct pt_chain {
    pt_chain_transport_t transport;
    char directory[64];
    char journal[S_PATH_BYTES]; //  a folder of its own; empty: none
    char front[PT_ENDPOINT_BYTES_MAX + 1];
    char back[PT_ENDPOINT_BYTES_MAX + 1];
    char publish[PT_QUEUE_COUNT_][PT_ENDPOINT_BYTES_MAX + 1];
    char replay[PT_ENDPOINT_BYTES_MAX + 1];
    s_process_t broker_process;
    s_process_t worker_process;
    //  inproc
    pt_broker_t *broker;
    pt_pool_t *pool;
    pt_null_worker_t *null_worker;
    zactor_t *null_actor;
    pt_chain_t *next; //  in s_live
};

//  All chains, for whoever must leave at once.
static pt_chain_t *s_live;
static pthread_mutex_t s_live_lock = PTHREAD_MUTEX_INITIALIZER;

static void
s_enlist(pt_chain_t *self)
{
    (void) pthread_mutex_lock(&s_live_lock);
    self->next = s_live;
    s_live = self;
    (void) pthread_mutex_unlock(&s_live_lock);
}

static void
s_delist(const pt_chain_t *self)
{
    (void) pthread_mutex_lock(&s_live_lock);
    pt_chain_t **place = &s_live;
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    (void) pthread_mutex_unlock(&s_live_lock);
}

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
        snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "ipc://%s/%s", self->directory, name);
    else
        snprintf(out, PT_ENDPOINT_BYTES_MAX + 1, "inproc://bench-%u-%s", s_serial++, name);
}

//  Become the program, in a process of its own that does not outlive the bench, however that ends.
static _Noreturn void
s_become(pid_t bench, const char *log, const char *const *arguments)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != bench)
        _exit(EX_SOFTWARE);
    //  What it says is shown when it fails; stdout is for results.
    int words = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int nothing = open("/dev/null", O_RDWR);
    if (words < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(words, STDERR_FILENO) < 0)
        _exit(EX_OSERR);
    execvp(arguments[0], (char *const *) (uintptr_t) arguments);
    dprintf(STDERR_FILENO, "cannot start %s: %s\n", arguments[0], strerror(errno));
    _exit(EX_UNAVAILABLE);
}

static bool
s_spawn(pt_chain_t *self, s_process_t *process, const char *name, const char *const *arguments)
{
    char log[S_PATH_BYTES];
    snprintf(log, sizeof(log), "%s/%s.log", self->directory, name);
    process->name = name;
    pid_t bench = getpid();
    pid_t pid = fork();
    if (pid == 0)
        s_become(bench, log, arguments);
    if (pid < 0) {
        fprintf(stderr, "pt_bench_bus: cannot start %s: %s\n", arguments[0], strerror(errno));
        return false;
    }
    process->pid = pid;
    return true;
}

//  Show what a process that failed said.
static void
s_show_log(const pt_chain_t *self, const s_process_t *process)
{
    char path[S_PATH_BYTES];
    char line[256];
    snprintf(path, sizeof(path), "%s/%s.log", self->directory, process->name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        fprintf(stderr, "  %s", line);
    if (file)
        fclose(file);
}

static void
s_pause_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

//  The endpoints that a process has bound, once it has written them down; NULL with one line on stderr.
static json_t *
s_await_ports(pt_chain_t *self, s_process_t *process)
{
    for (int waited = 0; waited < S_START_MS; waited += 5) {
        json_t *ports = json_load_file(process->ports_file, 0, NULL);
        if (ports)
            return ports;
        if (waitpid(process->pid, NULL, WNOHANG) == process->pid) {
            fprintf(stderr, "pt_bench_bus: the %s ended before it was ready\n", process->name);
            s_show_log(self, process);
            process->pid = 0;
            return NULL;
        }
        s_pause_ms(5);
    }
    fprintf(stderr, "pt_bench_bus: the %s is not ready after %d s\n", process->name, S_START_MS / 1000);
    s_show_log(self, process);
    return NULL;
}

static bool
s_take_port(json_t *ports, const char *key, char out[PT_ENDPOINT_BYTES_MAX + 1])
{
    const char *endpoint = json_string_value(json_object_get(ports, key));
    if (!endpoint) {
        fprintf(stderr, "pt_bench_bus: a ports file names no %s\n", key);
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
    snprintf(self->broker_process.ports_file, S_PATH_BYTES, "%s/broker.json", self->directory);
    const char *const options_of_all[] = {"--front",  self->front,    "--back",
                                          self->back, "--ports-file", self->broker_process.ports_file};
    memcpy(arguments + count, options_of_all, sizeof(options_of_all));
    arguments[count + 6] = NULL;
    if (!s_spawn(self, &self->broker_process, "broker", arguments))
        return false;
    json_t *ports = s_await_ports(self, &self->broker_process);
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
        snprintf(self->journal, sizeof(self->journal), "%s/paytriage-bench-XXXXXX", worker->journal_in);
        if (!mkdtemp(self->journal)) {
            fprintf(stderr, "pt_bench_bus: %s: %s\n", self->journal, strerror(errno));
            self->journal[0] = 0;
            return false;
        }
        const char *const journal[] = {"--journal",    self->journal, "--journal-size",
                                       S_JOURNAL_SIZE, "--replay",    self->replay};
        memcpy(arguments + count, journal, sizeof(journal));
        count += sizeof(journal) / sizeof(journal[0]);
    }
    snprintf(self->worker_process.ports_file, S_PATH_BYTES, "%s/worker.json", self->directory);
    arguments[count++] = "--ports-file";
    arguments[count++] = self->worker_process.ports_file;
    arguments[count] = NULL;
    if (!s_spawn(self, &self->worker_process, "worker", arguments))
        return false;
    json_t *ports = s_await_ports(self, &self->worker_process);
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
            self->null_actor = zactor_new(s_run_null_actor, self->null_worker);
        return self->null_actor != NULL;
    }
    pt_pool_options_t pool = {.brokers = {self->back}, .broker_count = 1, .workers = options->workers};
    for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
        pool.publish[queue] = self->publish[queue];
    if (self->broker)
        self->pool = pt_pool_new(&pool, error);
    if (!self->pool)
        fprintf(stderr, "pt_bench_bus: %s\n", error);
    return self->pool != NULL;
}

pt_chain_t *
pt_chain_new(const pt_chain_options_t *options)
{
    pt_chain_t *self = pt_bench_alloc(sizeof(*self));
    self->transport = options->transport;
    snprintf(self->directory, sizeof(self->directory), "/tmp/paytriage-bench-XXXXXX");
    bool is_up = mkdtemp(self->directory) != NULL;
    s_enlist(self);
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

//  Ask a process to end, and see to it that it does.
static bool
s_stop(const pt_chain_t *self, s_process_t *process)
{
    if (!process->pid)
        return true;
    int status = 0;
    kill(process->pid, SIGTERM);
    for (int waited = 0; waited < S_STOP_MS; waited += 5) {
        if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
            process->pid = 0;
            //  Peers may leave by the signal itself.
            if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))
                return true;
            fprintf(stderr, "pt_bench_bus: the %s ended badly\n", process->name);
            s_show_log(self, process);
            return false;
        }
        s_pause_ms(5);
    }
    fprintf(stderr, "pt_bench_bus: the %s does not end; killed\n", process->name);
    kill(process->pid, SIGKILL);
    waitpid(process->pid, &status, 0);
    process->pid = 0;
    return false;
}

static void
s_remove_directory(const char *path)
{
    zdir_t *directory = *path ? zdir_new(path, NULL) : NULL;
    if (directory)
        zdir_remove(directory, true);
    zdir_destroy(&directory);
}

bool
pt_chain_destroy(pt_chain_t **self_p)
{
    pt_chain_t *self = *self_p;
    if (!self)
        return true;
    s_delist(self);
    bool is_good = s_stop(self, &self->worker_process);
    is_good = s_stop(self, &self->broker_process) && is_good;
    zactor_destroy(&self->null_actor);
    pt_null_worker_destroy(&self->null_worker);
    if (self->pool)
        pt_pool_destroy(&self->pool);
    if (self->broker)
        pt_broker_destroy(&self->broker);
    s_remove_directory(self->directory);
    s_remove_directory(self->journal);
    free(self);
    *self_p = NULL;
    return is_good;
}

//  Wait for a process that was told to end; it is killed when it takes its time.
static void
s_bury(pid_t pid)
{
    for (int waited = 0; waited < S_LEAVE_MS && waitpid(pid, NULL, WNOHANG) == 0; waited += 5)
        s_pause_ms(5);
    (void) kill(pid, SIGKILL);
}

//  Wait for a signal that ends the bench, end what it started, and end by that signal.
static void *
s_watch(void *argument)
{
    const sigset_t *signals = argument;
    int number;
    if (sigwait(signals, &number) != 0)
        return NULL;
    (void) pthread_mutex_lock(&s_live_lock);
    for (const pt_chain_t *chain = s_live; chain; chain = chain->next) {
        pid_t pids[] = {chain->worker_process.pid, chain->broker_process.pid};
        for (int i = 0; i < 2; i++)
            if (pids[i] > 0)
                (void) kill(pids[i], SIGTERM);
        for (int i = 0; i < 2; i++)
            if (pids[i] > 0)
                s_bury(pids[i]);
        s_remove_directory(chain->directory);
        s_remove_directory(chain->journal);
    }
    (void) signal(number, SIG_DFL);
    (void) pthread_sigmask(SIG_UNBLOCK, signals, NULL);
    (void) raise(number);
    _exit(128 + number);
}

void
pt_chain_watch_signals(void)
{
    static sigset_t s_signals;
    pthread_t thread;
    sigemptyset(&s_signals);
    sigaddset(&s_signals, SIGINT);
    sigaddset(&s_signals, SIGTERM);
    sigaddset(&s_signals, SIGHUP);
    //  All threads that are started from here on have them blocked, so that only the watcher gets them.
    if (pthread_sigmask(SIG_BLOCK, &s_signals, NULL) != 0 || pthread_create(&thread, NULL, s_watch, &s_signals) != 0) {
        fprintf(stderr, "pt_bench_bus: cannot watch for signals\n");
        exit(EX_OSERR);
    }
    (void) pthread_detach(thread);
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

static double
s_cpu_seconds(const s_process_t *process)
{
    clockid_t clock;
    struct timespec spent;
    if (!process->pid || clock_getcpuclockid(process->pid, &clock) != 0 || clock_gettime(clock, &spent) != 0)
        return NAN;
    return (double) spent.tv_sec + (double) spent.tv_nsec / 1e9;
}

static double
s_peak_kib(const s_process_t *process)
{
    char path[S_PATH_BYTES];
    char line[256];
    double peak = NAN;
    snprintf(path, sizeof(path), "/proc/%d/status", (int) process->pid);
    FILE *file = process->pid ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    return peak;
}

pt_chain_cpu_t
pt_chain_cpu(const pt_chain_t *self)
{
    return (pt_chain_cpu_t) {.broker_s = s_cpu_seconds(&self->broker_process),
                             .worker_s = s_cpu_seconds(&self->worker_process),
                             .worker_peak_kib = s_peak_kib(&self->worker_process)};
}
