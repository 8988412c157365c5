#include "pt_process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define S_STOP_MS 10000
#define S_LEAVE_MS 2000
#define S_STEP_MS 5

//  All processes, the last one started first, for whoever must leave at once.
static pt_process_t *s_all;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;

static void
s_enlist(pt_process_t *self)
{
    (void) pthread_mutex_lock(&s_lock);
    self->next = s_all;
    s_all = self;
    (void) pthread_mutex_unlock(&s_lock);
}

//  There is no such process any more.
static void
s_delist(pt_process_t *self)
{
    (void) pthread_mutex_lock(&s_lock);
    pt_process_t **place = &s_all;
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    self->pid = 0;
    (void) pthread_mutex_unlock(&s_lock);
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

bool
pt_process_start(pt_process_t *self, const char *name, const char *directory, const char *const *arguments)
{
    self->name = name;
    snprintf(self->log, sizeof(self->log), "%s/%s.log", directory, name);
    pid_t bench = getpid();
    pid_t pid = fork();
    if (pid == 0)
        s_become(bench, self->log, arguments);
    if (pid < 0) {
        fprintf(stderr, "%s: cannot start %s: %s\n", program_invocation_short_name, arguments[0], strerror(errno));
        return false;
    }
    self->pid = pid;
    s_enlist(self);
    return true;
}

void
pt_process_show_log(const pt_process_t *self)
{
    char line[256];
    FILE *file = fopen(self->log, "r");
    while (file && fgets(line, sizeof(line), file))
        fprintf(stderr, "  %s", line);
    if (file)
        fclose(file);
}

void
pt_process_pause_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

bool
pt_process_has_ended(pt_process_t *self)
{
    if (self->pid && waitpid(self->pid, NULL, WNOHANG) == self->pid)
        s_delist(self);
    return !self->pid;
}

//  It has ended.
static bool
s_judge_end(pt_process_t *self, bool is_good)
{
    s_delist(self);
    if (is_good)
        return true;
    fprintf(stderr, "%s: the %s ended badly\n", program_invocation_short_name, self->name);
    pt_process_show_log(self);
    return false;
}

bool
pt_process_finish(pt_process_t *self)
{
    int status = -1;
    waitpid(self->pid, &status, 0);
    return s_judge_end(self, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

bool
pt_process_stop(pt_process_t *self)
{
    if (!self->pid)
        return true;
    int status = 0;
    kill(self->pid, SIGTERM);
    for (int waited = 0; waited < S_STOP_MS; waited += S_STEP_MS) {
        //  Peers may leave by the signal itself.
        if (waitpid(self->pid, &status, WNOHANG) == self->pid)
            return s_judge_end(self, (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                                         (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
        pt_process_pause_ms(S_STEP_MS);
    }
    fprintf(stderr, "%s: the %s does not end; killed\n", program_invocation_short_name, self->name);
    kill(self->pid, SIGKILL);
    waitpid(self->pid, &status, 0);
    s_delist(self);
    return false;
}

//  Wait for a process that was told to end; it is killed when it takes its time.
static void
s_bury(pid_t pid)
{
    for (int waited = 0; waited < S_LEAVE_MS && waitpid(pid, NULL, WNOHANG) == 0; waited += S_STEP_MS)
        pt_process_pause_ms(S_STEP_MS);
    (void) kill(pid, SIGKILL);
}

//  stderr for this thread alone: what the others find missing from here on is no fault. Its descriptor.
static int
s_take_stderr(void)
{
    int words = dup(STDERR_FILENO);
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0)
        (void) dup2(nothing, STDERR_FILENO);
    return words;
}

//  Wait for a signal that ends the bench, end what it started, and end by that signal.
static void *
s_watch(void *argument)
{
    const sigset_t *signals = argument;
    int number;
    if (sigwait(signals, &number) != 0)
        return NULL;
    //  Never unlocked: who wants to start or stop another one waits for the end.
    (void) pthread_mutex_lock(&s_lock);
    int words = s_take_stderr();
    for (const pt_process_t *process = s_all; process; process = process->next)
        (void) kill(process->pid, SIGTERM);
    for (const pt_process_t *process = s_all; process; process = process->next)
        s_bury(process->pid);
    pt_scratch_leave();
    dprintf(words, "%s: ended by SIG%s; what it started and wrote is gone, there are no results\n",
            program_invocation_short_name, sigabbrev_np(number));
    (void) signal(number, SIG_DFL);
    (void) pthread_sigmask(SIG_UNBLOCK, signals, NULL);
    (void) raise(number);
    _exit(128 + number);
}

void
pt_process_watch_signals(void)
{
    static sigset_t s_signals;
    pthread_t thread;
    sigemptyset(&s_signals);
    sigaddset(&s_signals, SIGINT);
    sigaddset(&s_signals, SIGTERM);
    sigaddset(&s_signals, SIGHUP);
    //  All threads that are started from here on have them blocked, so that only the watcher gets them.
    if (pthread_sigmask(SIG_BLOCK, &s_signals, NULL) != 0 || pthread_create(&thread, NULL, s_watch, &s_signals) != 0) {
        fprintf(stderr, "%s: cannot watch for signals\n", program_invocation_short_name);
        exit(EX_OSERR);
    }
    (void) pthread_detach(thread);
}

double
pt_process_cpu_s(const pt_process_t *self)
{
    clockid_t clock;
    struct timespec spent;
    if (!self->pid || clock_getcpuclockid(self->pid, &clock) != 0 || clock_gettime(clock, &spent) != 0)
        return NAN;
    return (double) spent.tv_sec + (double) spent.tv_nsec / 1e9;
}

pt_process_memory_t
pt_process_memory(const pt_process_t *self)
{
    char path[64];
    char line[256];
    pt_process_memory_t memory = {NAN, NAN, NAN};
    snprintf(path, sizeof(path), "/proc/%d/status", (int) self->pid);
    FILE *file = self->pid ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            memory.peak = strtod(line + 6, NULL);
        else if (strncmp(line, "VmRSS:", 6) == 0)
            memory.resident = strtod(line + 6, NULL);
        else if (strncmp(line, "RssAnon:", 8) == 0)
            memory.anonymous = strtod(line + 8, NULL);
    }
    if (file)
        fclose(file);
    return memory;
}
