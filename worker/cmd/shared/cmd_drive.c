/*  The loop around pt_producer, and the words for every way in which it ends. */
#include "cmd_drive.h"

#include "cmd_curve.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

//  Between two reports: often enough to look alive, seldom enough for a log.
#define S_TERMINAL_REPORT_MS 200
#define S_LOG_REPORT_MS 5000

int
cmd_drive_configure(cmd_drive_options_t *options, const pt_config_t *config)
{
    pt_producer_options_t *producer = &options->producer;
    producer->broker_count = cmd_options_brokers(config, producer->brokers, options->room);
    int code = cmd_options_check_brokers(config);
    if (code == EX_OK)
        code = cmd_curve_open(pt_config_text(config, PT_OPTION_CURVE), &options->curve);
    if (code != EX_OK)
        return code;
    producer->curve = options->curve;
    cmd_curve_warn(producer->brokers, producer->broker_count, options->curve);
    return EX_OK;
}

void
cmd_drive_options_clear(cmd_drive_options_t *options)
{
    pt_curve_close(&options->curve);
}

static int
s_explain_open(const pt_producer_options_t *options, int error, const char *text)
{
    const char *path = options->outbox_path;
    if (cmd_is_short(error))
        return cmd_tell_short(error);
    if (!path || !error)
        return cmd_fail(EX_USAGE, "an endpoint looks like tcp://127.0.0.1:5560", "cannot connect to %s: %s",
                        options->brokers[0], text);
    if (error == EWOULDBLOCK)
        return cmd_fail(EX_TEMPFAIL, NULL, "%s is in use by another process", path);
    if (error == EBADMSG)
        return cmd_fail(EX_DATAERR, "nothing was changed in it", "%s is damaged, or not an outbox file", path);
    return cmd_fail(EX_IOERR, NULL, "cannot use %s: %s", path, strerror(error));
}

int
cmd_drive_open(cmd_drive_t *self, const cmd_drive_options_t *options, pt_producer_refused_fn *refused,
               cmd_drive_progress_fn *progress, void *context)
{
    const char *text;
    *self =
        (cmd_drive_t) {.options = options, .progress = progress, .context = context, .terminal = isatty(STDERR_FILENO)};
    if (pt_signals_open(&self->signals) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "cannot watch for signals: %s", strerror(errno));
    self->producer = pt_producer_new(&options->producer, refused, context, &text);
    if (!self->producer) {
        int error = errno;
        pt_signals_close(&self->signals);
        return s_explain_open(&options->producer, error, text);
    }
    self->started_ms = self->answered_ms = self->reported_ms = cmd_mono_ms();
    return EX_OK;
}

void
cmd_drive_close(cmd_drive_t *self)
{
    pt_producer_destroy(&self->producer);
    pt_signals_close(&self->signals);
}

static void
s_report_progress(cmd_drive_t *self, uint64_t now_ms)
{
    if (self->options->quiet || now_ms - self->reported_ms < (self->terminal ? S_TERMINAL_REPORT_MS : S_LOG_REPORT_MS))
        return;
    self->reported_ms = now_ms;
    self->progress(self->context, false);
}

void
cmd_drive_end_progress(cmd_drive_t *self)
{
    if (!self->options->quiet)
        self->progress(self->context, true);
}

bool
cmd_drive_poll(cmd_drive_t *self, int wake_fd, uint32_t timeout_ms)
{
    if (pt_producer_poll(self->producer, timeout_ms, wake_fd) != PT_OK) {
        self->io_error = errno ? errno : EIO;
        self->stopped = true;
        return false;
    }
    pt_producer_counts_t counts = pt_producer_counts(self->producer);
    uint64_t now_ms = cmd_mono_ms();
    if (counts.accepted + counts.refused != self->answered || !counts.pending) {
        self->answered = counts.accepted + counts.refused;
        self->answered_ms = now_ms;
        self->busy = counts.busy;
    }
    s_report_progress(self, now_ms);
    self->stopped = pt_signals_read(&self->signals) || now_ms - self->answered_ms >= self->options->timeout_ms;
    //  With several brokers the next one may let this key in.
    self->stopped |= self->options->producer.broker_count == 1 && pt_producer_is_refused(self->producer);
    return !self->stopped;
}

pt_status_t
cmd_drive_put(cmd_drive_t *self, pt_bytes_t response, pt_outbox_cover_t cover)
{
    pt_status_t status;
    while ((status = pt_producer_put_covering(self->producer, response, cover)) == PT_E_SPACE)
        if (!cmd_drive_poll(self, self->signals.fd, 1000))
            break;
    if (status == PT_E_IO)
        self->io_error = errno ? errno : EIO;
    return status;
}

bool
cmd_drive_await_answers(cmd_drive_t *self)
{
    pt_producer_seal(self->producer);
    while (!pt_producer_is_idle(self->producer))
        if (!cmd_drive_poll(self, self->signals.fd, 1000))
            return false;
    return true;
}

int
cmd_drive_explain(const cmd_drive_t *self, bool complete)
{
    const pt_producer_options_t *options = &self->options->producer;
    const char *broker = options->brokers[0];
    if (self->io_error)
        return cmd_fail(EX_IOERR, NULL, "cannot continue with %s: %s",
                        options->outbox_path ? options->outbox_path : broker, strerror(self->io_error));
    if (self->signals.received)
        return 130;
    if (complete && !pt_producer_counts(self->producer).pending)
        return EX_OK;
    if (pt_producer_is_refused(self->producer))
        return cmd_curve_tell_refusal(broker, options->curve);
    const char *hint = options->outbox_path ? "the rest is in the outbox; the same command sends it" : NULL;
    if (pt_producer_counts(self->producer).busy > self->busy)
        return cmd_tell_busy(broker, self->options->timeout_ms, hint);
    return cmd_curve_tell_silence(broker, options->curve, pt_producer_is_silent(self->producer),
                                  self->options->timeout_ms,
                                  hint ? hint : "is a broker with a worker running there? see 'paytriage run'");
}
