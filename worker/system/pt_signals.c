/*  A signalfd and nothing else: no handler, no flag, no interrupted system call. */
#include "pt_signals.h"

#include <assert.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

pt_status_t
pt_signals_open(pt_signals_t *out_self)
{
    assert(out_self);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
        return PT_E_IO;
    int fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return PT_E_IO;
    *out_self = (pt_signals_t) {.fd = fd};
    return PT_OK;
}

pt_status_t
pt_signals_take_hangup(pt_signals_t *self, bool on)
{
    assert(self);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
        return PT_E_IO;
    if (!on)
        sigdelset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signalfd(self->fd, &signals, 0) < 0 ? PT_E_IO : PT_OK;
}

unsigned
pt_signals_read(pt_signals_t *self)
{
    assert(self);

    struct signalfd_siginfo signal;
    while (read(self->fd, &signal, sizeof(signal)) == (ssize_t) sizeof(signal)) {
        if (signal.ssi_signo == SIGHUP)
            self->hangup = true;
        else
            self->received++;
    }
    return self->received;
}

void
pt_signals_let_go(pt_signals_t *self)
{
    assert(self);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pt_signals_read(self);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void
pt_signals_close(pt_signals_t *self)
{
    assert(self);

    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}
