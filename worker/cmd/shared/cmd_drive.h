/*  cmd_drive: drives a producer until everything is answered, or there is a reason to stop.
 *
 *  Serves `send` and `journal redrive`. SIGINT and SIGTERM stop the work; so does a broker from which no answer
 *  has come for too long, or that does not let this party's key in.
 */
#ifndef PT_CMD_DRIVE_H
#define PT_CMD_DRIVE_H

#include "cmd_options.h"

#include "pt_producer.h"
#include "pt_signals.h"

typedef struct {
    pt_producer_options_t producer; //  brokers and curve come from the settings
    uint64_t timeout_ms;            //  how long to go on without an answer
    bool quiet;                     //  no progress
    char room[CMD_OPTIONS_ENDPOINT_BYTES];
    pt_curve_t *curve;
} cmd_drive_options_t;

/*  Print how far the work is; `last`: for the last time. */
typedef void(cmd_drive_progress_fn)(void *context, bool last);

typedef struct {
    const cmd_drive_options_t *options;
    pt_producer_t *producer;
    pt_signals_t signals;
    cmd_drive_progress_fn *progress;
    void *context;
    uint64_t started_ms, answered_ms, reported_ms; //  monotonic
    uint64_t answered;
    uint64_t busy; //  answers of that kind, until the last other one
    bool terminal; //  progress is drawn over itself
    bool stopped;  //  before its time
    int io_error;  //  errno of a socket or of the outbox file
} cmd_drive_t;

/*  Fill in the brokers and the keys, which the options own until they are cleared. EX_OK, or the exit code
 *  after one line.
 */
int cmd_drive_configure(cmd_drive_options_t *options, const pt_config_t *config);
void cmd_drive_options_clear(cmd_drive_options_t *options);

/*  Take the signals and connect. `refused` as for pt_producer_new; both functions get `context`. EX_OK, or the
 *  exit code after one line, and nothing to close. The options must outlive what was opened.
 */
int cmd_drive_open(cmd_drive_t *self, const cmd_drive_options_t *options, pt_producer_refused_fn *refused,
                   cmd_drive_progress_fn *progress, void *context);
void cmd_drive_close(cmd_drive_t *self);

/*  Drive the sockets for at most `timeout_ms`, or until `wake_fd` is readable. False when the work must stop. */
bool cmd_drive_poll(cmd_drive_t *self, int wake_fd, uint32_t timeout_ms);

/*  Put one response as pt_producer_put_covering does, and poll while the window is full. PT_E_SPACE when the work
 *  must stop instead.
 */
PT_MUST_CHECK pt_status_t cmd_drive_put(cmd_drive_t *self, pt_bytes_t response, pt_outbox_cover_t cover);

/*  Send what is left in the open batch and poll until every batch is answered. False when the work must stop. */
bool cmd_drive_await_answers(cmd_drive_t *self);

/*  Print the progress now, for the last time. */
void cmd_drive_end_progress(cmd_drive_t *self);

/*  Why the work ended before its time, as one line on stderr and its exit code; 130 after a signal. EX_OK when it
 *  did not: all was put (`complete`) and is answered.
 */
int cmd_drive_explain(const cmd_drive_t *self, bool complete);

#endif
