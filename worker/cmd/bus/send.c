/*  paytriage send: publish gateway responses from JSON Lines, and wait until each is acknowledged. */
#include "cmd_drive.h"
#include "cmd_ids.h"
#include "cmd_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <xxhash.h>

//  Answers are taken this often while lines keep coming; a full window polls by itself.
#define LINES_PER_POLL 256

typedef struct {
    const char *path;
    cmd_drive_options_t drive;
    bool resume; //  the input is the one of the run before
} send_options_t;

typedef struct {
    const send_options_t *options;
    cmd_lines_t lines;
    cmd_ids_t *ids;
    cmd_drive_t drive;
    int wake_fd;             //  readable when a signal or a line waits
    pt_outbox_cover_t cover; //  of the lines read so far
    uint64_t skip;           //  lines that the outbox file has already
    bool other_input;        //  these lines are not the ones that it has
    int code;                //  why a line could not be put, as was told; EX_OK
} send_t;

static const struct argp_option s_options[] = {
    {"batch", 'b', "N", 0, "responses in a batch (default 256)", 0},
    {"window", 'w', "N", 0, "batches on the way at a time (default 64)", 0},
    {"timeout", 't', "TIME", 0, "give up when nothing has been acknowledged for this long (default 30s)", 0},
    {"outbox", 'o', "OUTBOX", 0,
     "keep batches in this file until they are acknowledged; what it still holds is sent first", 0},
    {"resume", 'r', NULL, 0, "the input is that of the last run with this outbox: skip what was already sent", 0},
    {"quiet", 'q', NULL, 0, "no progress, no summary", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    send_options_t *options = state->input;
    pt_producer_options_t *producer = &options->drive.producer;
    switch (key) {
    case 'b':
        producer->batch_max = (uint32_t) cmd_number(state, "--batch", arg, 1, PT_BATCH_COUNT_MAX);
        break;
    case 'w':
        producer->window = (uint32_t) cmd_number(state, "--window", arg, 1, PT_WINDOW);
        break;
    case 't':
        options->drive.timeout_ms = cmd_timeout_ms(state, arg, "an answer");
        break;
    case 'o':
        producer->outbox_path = arg;
        break;
    case 'r':
        options->resume = true;
        break;
    case 'q':
        options->drive.quiet = true;
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num)
            argp_error(state, "one file at a time, or - for standard input");
        options->path = arg;
        break;
    case ARGP_KEY_END:
        if (options->resume && !producer->outbox_path)
            argp_error(state, "--resume needs --outbox");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .args_doc = "[FILE]",
    .doc = "Publish gateway responses, one JSON object per line, and wait until every one is acknowledged.\v"
           "FILE is read to its end; without FILE, or with -, standard input is read. A line that holds no JSON "
           "object, or a key of a response twice, is sent as it is and becomes a dead letter with match \"invalid\". A "
           "response without id is named line:N. Blank lines are passed over.\n\n"
           "Examples:\n"
           "  paytriage send responses.jsonl\n"
           "  echo '{\"id\": \"r1\", \"provider\": \"opn\", \"http_status\": 503}' | paytriage send\n\n"
           "With --outbox each batch is on disk before it is sent, and if this 'send' dies, the next one with the same "
           "file sends it again. When a run was cut short, the next one with the same FILE continues after the lines "
           "that are in the outbox, once it has checked that they have not changed; for standard input --resume asks "
           "for this, and without it all lines count as new. With --resume, a FILE that was sent completely can be "
           "given again after lines have been added to it. Lines that have been read but are not in a batch yet are "
           "not in the outbox. One process at a time can use it.\n\n"
           "  paytriage send --outbox /var/lib/shop/outbox responses.jsonl\n\n"
           "Exit: 0 all accepted, 1 some refused for good, 65 the outbox is damaged or of another input, 66 no such "
           "file, 69 some not acknowledged in time (they may or may not have been taken), 71 the system gives no "
           "sockets, 74 the outbox cannot be written, 75 another process uses it, 77 a key that is not admitted, or "
           "that others can read, 78 faulty keys, 130 interrupted."};

static void
s_report_refused(void *context, uint64_t first, uint32_t count, pt_reason_t reason)
{
    (void) context;
    fprintf(stderr, "refused: responses %" PRIu64 " to %" PRIu64 ": %s\n", first + 1, first + count,
            pt_reason_text(reason));
}

static void
s_report_progress(void *context, bool last)
{
    const send_t *self = context;
    const cmd_drive_t *drive = &self->drive;
    pt_producer_counts_t counts = pt_producer_counts(drive->producer);
    uint64_t elapsed_ms = cmd_mono_ms() - drive->started_ms;
    char rate[32] = "-";
    if (elapsed_ms >= 200)
        snprintf(rate, sizeof rate, "%" PRIu64, counts.accepted * 1000 / elapsed_ms);
    fprintf(stderr, "%s%" PRIu64 " read, %" PRIu64 " accepted, %" PRIu64 " on the way, %s a second%s%s",
            drive->terminal ? "\r" : "", counts.put, counts.accepted, counts.pending, rate,
            drive->terminal ? "\033[K" : "", drive->terminal && !last ? "" : "\n");
}

//  A line that an earlier run has put into the outbox file. False when it is another line.
static bool
s_skip_line(send_t *self)
{
    const pt_outbox_cover_t *had = &pt_producer_resumed(self->drive.producer)->cover;
    self->skip--;
    self->other_input = self->skip == 0 && self->cover.hash != had->hash;
    return !self->other_input;
}

static bool
s_put_item(send_t *self, const cmd_item_t *item)
{
    pt_status_t status = cmd_drive_put(&self->drive, (pt_bytes_t) {item->bytes, item->len}, self->cover);
    if (status != PT_OK && status != PT_E_SPACE && status != PT_E_IO)
        self->code = cmd_fail(EX_OSERR, NULL, "line %" PRIu64 ": %s", self->lines.number, pt_status_text(status));
    return status == PT_OK;
}

static bool
s_put_line(send_t *self, pt_text_t line)
{
    cmd_item_t item;
    self->cover.responses++;
    if (self->options->drive.producer.outbox_path)
        self->cover.hash = XXH3_64bits_withSeed(line.data, line.len, self->cover.hash);
    if (self->skip)
        return s_skip_line(self);
    if (cmd_item_of_line(line, self->lines.number, &item) != PT_OK) {
        self->code = cmd_fail(EX_OSERR, NULL, "no memory for line %" PRIu64, self->lines.number);
        return false;
    }
    if (item.error[0])
        fprintf(stderr, "line %" PRIu64 ": %s; sent as it is\n", self->lines.number, item.error);
    cmd_lines_hint(line, self->lines.number);
    cmd_ids_note(self->ids, (pt_bytes_t) {item.bytes, item.len}, self->lines.number);
    bool well = s_put_item(self, &item);
    cmd_item_clear(&item);
    return well;
}

//  A slow writer on stdin must not hold back what was read before: what there is goes out as soon as
//  nothing more waits to be read.
static bool
s_read_all(send_t *self)
{
    pt_text_t line;
    for (;;) {
        cmd_lines_state_t state = cmd_lines_next(&self->lines, false, &line);
        if (state == CMD_LINES_END) {
            self->other_input = self->skip > 0;
            return self->skip == 0;
        }
        if (state == CMD_LINES_LINE && !s_put_line(self, line))
            return false;
        if (state == CMD_LINES_AGAIN)
            pt_producer_seal(self->drive.producer);
        bool waits = state == CMD_LINES_AGAIN;
        if (!waits && self->lines.number % LINES_PER_POLL)
            continue;
        int wake_fd = waits ? self->wake_fd : self->drive.signals.fd;
        if (!cmd_drive_poll(&self->drive, wake_fd, waits ? 1000 : 0))
            return false;
    }
}

//  Signals and standard input behind one descriptor. Files need no waiting and refuse to be watched.
static int
s_open_wake_fd(send_t *self)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (fd < 0)
        return fd;
    epoll_ctl(fd, EPOLL_CTL_ADD, self->drive.signals.fd, &event);
    epoll_ctl(fd, EPOLL_CTL_ADD, self->lines.fd, &event);
    return fd;
}

//  Why the work ended before its time, or EX_OK.
static int
s_explain_failure(const send_t *self, bool complete)
{
    if (self->code != EX_OK)
        return self->code;
    if (self->lines.error)
        return cmd_fail(EX_IOERR, NULL, "cannot read %s after line %" PRIu64 ": %s", self->options->path,
                        self->lines.number, strerror(self->lines.error));
    if (self->other_input)
        return cmd_fail(EX_DATAERR,
                        "to send only what is left in the outbox: paytriage send --outbox OUTBOX </dev/null",
                        "%s does not begin with the lines that %s was filled from", self->options->path,
                        self->options->drive.producer.outbox_path);
    return cmd_drive_explain(&self->drive, complete);
}

static int
s_summarise(send_t *self, bool complete)
{
    cmd_drive_end_progress(&self->drive);
    pt_producer_counts_t counts = pt_producer_counts(self->drive.producer);
    if (!self->options->drive.quiet)
        fprintf(stderr,
                "accepted %" PRIu64 ", refused %" PRIu64 ", unacknowledged %" PRIu64 "; %" PRIu64
                " batches sent again\n",
                counts.accepted, counts.refused, counts.pending, counts.batches_resent);
    int code = s_explain_failure(self, complete);
    return code == EX_OK && counts.refused ? CMD_EXIT_NO : code;
}

//  What is left in the outbox file goes first. Then the input either goes on where it was, or it is a
//  new one, under a new producer's name: its `line:N` are not those of the one before.
static bool
s_resume(send_t *self)
{
    pt_producer_t *producer = self->drive.producer;
    const pt_outbox_file_state_t *had = pt_producer_resumed(producer);
    if (had->fresh)
        return true;
    bool file = strcmp(self->options->path, "-") != 0;
    bool same = self->options->resume || (file && !had->complete);
    if (had->cut_bytes && !self->options->drive.quiet)
        fprintf(stderr, "outbox: dropped %" PRIu64 " bytes of a write that was cut short\n", had->cut_bytes);
    if ((had->batches || same) && !self->options->drive.quiet)
        fprintf(stderr, "outbox: %" PRIu64 " batches are left from before; %" PRIu64 " lines are skipped\n",
                had->batches, same ? had->cover.responses : 0);
    if (same) {
        self->skip = had->cover.responses;
        return true;
    }
    if (!cmd_drive_await_answers(&self->drive))
        return false;
    if (pt_producer_renew(producer) == PT_OK)
        return true;
    self->drive.io_error = errno;
    return false;
}

static bool
s_finish(send_t *self)
{
    if (!cmd_drive_await_answers(&self->drive))
        return false;
    //  An input that could not be read to its end is not complete; the fault is told at the end.
    if (self->lines.error || pt_producer_complete(self->drive.producer) == PT_OK)
        return true;
    self->drive.io_error = errno;
    return false;
}

static int
s_send_lines(send_t *self)
{
    self->wake_fd = s_open_wake_fd(self);
    if (self->wake_fd < 0)
        return cmd_fail(EX_OSERR, NULL, "cannot watch standard input: %s", strerror(errno));
    bool complete = s_resume(self) && s_read_all(self) && s_finish(self);
    cmd_ids_sum_up(self->ids);
    close(self->wake_fd);
    return s_summarise(self, complete);
}

static int
s_send(const send_options_t *options)
{
    send_t self = {.options = options, .ids = cmd_ids_new()};
    if (!self.ids)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    int code = EX_OK;
    if (!cmd_lines_open(&self.lines, options->path))
        code = cmd_fail(EX_NOINPUT, NULL, "cannot open %s: %s", options->path, strerror(errno));
    if (code == EX_OK)
        code = cmd_drive_open(&self.drive, &options->drive, s_report_refused, s_report_progress, &self);
    if (code == EX_OK) {
        code = s_send_lines(&self);
        cmd_drive_close(&self.drive);
    }
    cmd_lines_close(&self.lines);
    cmd_ids_destroy(&self.ids);
    return code;
}

int
cmd_send(int argc, char **argv)
{
    send_options_t options = {.path = "-", .drive.timeout_ms = 30000};
    pt_config_t config;
    int code = cmd_parse(PT_FOR_SEND, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    code = cmd_drive_configure(&options.drive, &config);
    if (code == EX_OK)
        code = s_send(&options);
    cmd_drive_options_clear(&options.drive);
    pt_config_clear(&config);
    return code;
}
