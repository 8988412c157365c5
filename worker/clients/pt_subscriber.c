/*  Sockets, and what is asked for when; what comes in is pt_subscriber_take's. */
#include "pt_sockets.h"
#include "pt_subscriber_parts.h"

#include <assert.h>
#include <czmq.h>

//  Messages taken from one socket per poll, so that neither the others nor the caller are starved.
#define BURST_MAX 256
#define RECEIVE_HWM 10000
#define FETCH_BYTES PT_BATCH_BYTES_MAX

static void
s_report_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    pt_subscriber_t *self = context;
    if (self->handlers.fault)
        self->handlers.fault(self->handlers.context, fault, worker, epoch);
}

const char *
pt_subscriber_fault_text(pt_positions_fault_t fault)
{
    static const char *const texts[PT_FAULT_COUNT_] = {
        [PT_FAULT_EPOCHS_ALTERNATE] = "two processes publish under this worker's id",
        [PT_FAULT_WENT_BACK] = "its journal went back to an older state and gives numbers a second time",
        [PT_FAULT_OTHER_WORKER] = "another worker answers at its replay endpoint",
        [PT_FAULT_REFUSED] = "it refuses to keep this subscriber's position",
    };
    assert((unsigned) fault < PT_FAULT_COUNT_);

    return texts[fault];
}

//  NULL, or why not.
static const char *
s_open_line(const pt_subscriber_options_t *options, const char *endpoint, pt_subscriber_line_t *out_line)
{
    out_line->socket = pt_sockets_new(ZMQ_SUB, 0, RECEIVE_HWM);
    if (!out_line->socket)
        return "no socket is left";
    zsock_set_linger(out_line->socket, 0);
    for (size_t i = 0; i < options->prefix_count; i++)
        zsock_set_subscribe(out_line->socket, options->prefixes[i]);
    if (!options->prefix_count)
        zsock_set_subscribe(out_line->socket, "");
    if (!pt_knock_open(&out_line->knock, out_line->socket, true))
        return "no socket is left";
    return pt_curve_connect(options->curve, out_line->socket, endpoint) == PT_OK ? NULL : "the endpoint is not valid";
}

static bool
s_is_name(const char *text, size_t len_min, size_t len_max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len >= len_min && len <= len_max;
}

//  Names and prefixes stay with us: OPEN is sent when a worker is heard of.
static const char *
s_copy_names(pt_subscriber_t *self)
{
    const pt_subscriber_options_t *options = &self->options;
    if (options->mode == PT_POSITIONS_DURABLE) {
        if (!options->name || !s_is_name(options->name, 1, PT_SUBSCRIBER_NAME_BYTES_MAX))
            return "a name has 1 to 64 printable ASCII characters and no spaces";
        snprintf(self->name, sizeof self->name, "%s", options->name);
    }
    for (size_t i = 0; i < options->prefix_count; i++) {
        if (!s_is_name(options->prefixes[i], 0, PT_TOPIC_BYTES_MAX))
            return "a prefix has at most 64 printable ASCII characters and no spaces";
        snprintf(self->prefixes[i], sizeof self->prefixes[i], "%s", options->prefixes[i]);
    }
    return NULL;
}

static const char *
s_open(pt_subscriber_t *self)
{
    const char *error = s_copy_names(self);
    if (error)
        return error;
    pt_positions_options_t positions = {.mode = self->options.mode, .since_start = self->options.since_start};
    pt_positions_handlers_t handlers = {self, pt_subscriber_report_lost, s_report_fault};
    self->positions = pt_positions_new(&positions, &handlers);
    self->dealers = pt_dealers_new(self->options.curve);
    self->stash = calloc(PT_SUBSCRIBER_STASH_MAX, sizeof *self->stash);
    if (self->options.mode != PT_POSITIONS_LIVE || self->options.window)
        self->seen = pt_seen_new(self->options.window ? self->options.window : PT_SEEN_WINDOW_DEFAULT);
    bool wants_seen = self->options.mode != PT_POSITIONS_LIVE || self->options.window;
    if (!self->positions || !self->dealers || !self->stash || (wants_seen && !self->seen))
        return "no memory";
    for (size_t i = 0; i < self->options.endpoint_count && !error; i++)
        error = s_open_line(&self->options, self->options.endpoints[i], &self->lines[i]);
    return error;
}

pt_subscriber_t *
pt_subscriber_new(const pt_subscriber_options_t *options, const pt_subscriber_handlers_t *handlers,
                  const char **out_error)
{
    assert(options && handlers && handlers->decision);
    assert(options->endpoint_count <= PT_SUBSCRIBER_ENDPOINTS_MAX);
    assert(options->prefix_count <= PT_SUBSCRIBER_PREFIXES_MAX);
    assert(out_error);

    *out_error = "the system gives no sockets";
    if (pt_sockets_init() != PT_OK)
        return NULL;
    pt_subscriber_t *self = calloc(1, sizeof *self);
    *out_error = "no memory";
    if (!self)
        return NULL;
    self->options = *options;
    self->handlers = *handlers;
    errno = 0;
    *out_error = s_open(self);
    if (*out_error) {
        int reason = errno;
        pt_subscriber_destroy(&self);
        errno = reason;
    }
    return self;
}

void
pt_subscriber_destroy(pt_subscriber_t **self_p)
{
    pt_subscriber_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->options.endpoint_count; i++) {
        pt_knock_close(&self->lines[i].knock, self->lines[i].socket);
        zsock_destroy(&self->lines[i].socket);
    }
    pt_dealers_destroy(&self->dealers);
    pt_positions_destroy(&self->positions);
    pt_seen_destroy(&self->seen);
    for (size_t i = 0; i < self->stash_count; i++)
        pt_frames_clear(&self->stash[i]);
    free(self->stash);
    free(self);
    *self_p = NULL;
}

static size_t
s_encode_request(const pt_subscriber_t *self, const pt_request_t *request, uint8_t *out)
{
    pt_fetch_t fetch = {request->req_id, request->topic, request->epoch, request->from_seq, FETCH_BYTES};
    if (request->kind == PT_KIND_FETCH)
        return pt_fetch_encode(&fetch, out, PT_HEADER_BYTES_MAX);
    if (request->kind == PT_KIND_SUBACK) {
        pt_suback_t suback = {.req_id = request->req_id,
                              .name = pt_text_of(self->name),
                              .epoch = request->epoch,
                              .topic_count = request->topic_count};
        memcpy(suback.topics, request->topics, sizeof suback.topics);
        return pt_suback_encode(&suback, out, PT_HEADER_BYTES_MAX);
    }
    pt_open_t open = {.req_id = request->req_id,
                      .name = pt_text_of(self->name),
                      .durable = self->options.mode == PT_POSITIONS_DURABLE,
                      .prefix_count = self->options.prefix_count ? self->options.prefix_count : 1,
                      .after = request->topic};
    for (size_t i = 0; i < self->options.prefix_count; i++)
        open.prefixes[i] = pt_text_of(self->prefixes[i]);
    return pt_open_encode(&open, out, PT_HEADER_BYTES_MAX);
}

static void
s_ask(pt_subscriber_t *self, bool acks)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    pt_request_t request;
    int64_t now_ms = zclock_mono();
    pt_dealers_mend(self->dealers, now_ms);
    //  What cannot be sent now is asked again, as if it had been lost on the way.
    while (pt_positions_ask(self->positions, acks, now_ms, &request)) {
        size_t len = s_encode_request(self, &request, bytes);
        pt_dealers_send(self->dealers, request.worker, request.epoch, (pt_bytes_t) {bytes, len}, now_ms);
    }
}

static bool
s_take_answers(pt_subscriber_t *self)
{
    zmq_pollitem_t items[PT_DEALERS_MAX];
    bool heard = false;
    for (size_t i = 0, count = pt_dealers_items(self->dealers, items); i < count; i++) {
        pt_frames_t frames;
        for (size_t n = 0; n < BURST_MAX && !self->stopped && pt_dealers_receive(self->dealers, i, &frames); n++) {
            if (!pt_subscriber_take_answer(self, &frames))
                self->counts.malformed++;
            pt_frames_clear(&frames);
            heard = true;
        }
    }
    return heard;
}

static bool
s_take_published(pt_subscriber_t *self, zsock_t *socket)
{
    pt_frames_t frames;
    bool heard = false;
    for (size_t n = 0; n < BURST_MAX && !self->stopped; n++) {
        if (!pt_frames_receive(zsock_resolve(socket), &frames))
            break;
        pt_subscriber_take_published(self, &frames);
        heard = true;
    }
    return heard;
}

//  Told once for all connections that a poll finds back: a worker has one for each of its queues.
static void
s_tend_lines(pt_subscriber_t *self)
{
    uint64_t returned = 0;
    for (size_t i = 0; i < self->options.endpoint_count; i++) {
        pt_subscriber_line_t *line = &self->lines[i];
        pt_knock_again(&line->knock, line->socket, self->options.curve, self->options.endpoints[i]);
        returned += line->knock.returned;
    }
    bool any = returned != self->counts.returned;
    self->counts.returned = returned;
    if (any && self->has_live && self->handlers.returned)
        self->handlers.returned(self->handlers.context);
}

//  How long nothing is to be asked for.
static int64_t
s_wait_ms(const pt_subscriber_t *self, uint32_t timeout_ms)
{
    int64_t due_ms = pt_positions_due_ms(self->positions), wait_ms = timeout_ms;
    if (due_ms != INT64_MAX && due_ms - zclock_mono() < wait_ms)
        wait_ms = due_ms - zclock_mono();
    return wait_ms < 0 ? 0 : wait_ms;
}

pt_status_t
pt_subscriber_poll(pt_subscriber_t *self, uint32_t timeout_ms, int wake_fd, bool *out_heard)
{
    assert(self);
    assert(out_heard);

    *out_heard = false;
    s_tend_lines(self);
    s_ask(self, true);
    zmq_pollitem_t items[PT_DEALERS_MAX + PT_SUBSCRIBER_ENDPOINTS_MAX + 1];
    size_t count = pt_dealers_items(self->dealers, items);
    for (size_t i = 0; i < self->options.endpoint_count; i++)
        items[count++] = (zmq_pollitem_t) {.socket = zsock_resolve(self->lines[i].socket), .events = ZMQ_POLLIN};
    if (wake_fd >= 0)
        items[count++] = (zmq_pollitem_t) {.fd = wake_fd, .events = ZMQ_POLLIN};
    if (zmq_poll(items, (int) count, (long) s_wait_ms(self, timeout_ms)) < 0)
        return errno == EINTR ? PT_OK : PT_E_IO;
    //  What was asked for goes first: live messages may come without end.
    *out_heard = s_take_answers(self);
    for (size_t i = 0; i < self->options.endpoint_count; i++)
        *out_heard |= s_take_published(self, self->lines[i].socket);
    s_ask(self, false);
    return self->failed;
}

void
pt_subscriber_stop(pt_subscriber_t *self)
{
    assert(self);

    self->stopped = true;
}

//  All other answers come too late.
static void
s_take_acknowledgements(pt_subscriber_t *self)
{
    zmq_pollitem_t items[PT_DEALERS_MAX];
    for (size_t i = 0, count = pt_dealers_items(self->dealers, items); i < count; i++) {
        pt_frames_t frames;
        pt_kind_t kind;
        while (pt_dealers_receive(self->dealers, i, &frames)) {
            bool known = pt_wire_kind(pt_frames_bytes(&frames, 0), &kind) == PT_OK;
            if (known && (kind == PT_KIND_SUBACKED || kind == PT_KIND_REFUSED))
                pt_subscriber_take_note(self, kind, pt_frames_bytes(&frames, 0));
            pt_frames_clear(&frames);
        }
    }
}

bool
pt_subscriber_finish(pt_subscriber_t *self, uint32_t timeout_ms)
{
    assert(self);

    int64_t deadline_ms = zclock_mono() + timeout_ms;
    self->stopped = true;
    for (;;) {
        pt_positions_hurry(self->positions);
        if (pt_positions_is_acked(self->positions))
            return true;
        s_ask(self, true);
        int64_t left_ms = deadline_ms - zclock_mono();
        zmq_pollitem_t items[PT_DEALERS_MAX];
        int count = (int) pt_dealers_items(self->dealers, items);
        if (left_ms <= 0 || zmq_poll(items, count, (long) s_wait_ms(self, (uint32_t) left_ms)) < 0)
            return false;
        s_take_acknowledgements(self);
    }
}

bool
pt_subscriber_is_refused(pt_subscriber_t *self)
{
    assert(self);

    bool any = false;
    for (size_t i = 0; i < self->options.endpoint_count; i++)
        any |= pt_knock_is_refused(&self->lines[i].knock);
    return any;
}

bool
pt_subscriber_is_admitted(const pt_subscriber_t *self)
{
    bool any = false;
    for (size_t i = 0; i < self->options.endpoint_count; i++)
        any |= self->lines[i].knock.standing;
    return any;
}

bool
pt_subscriber_is_silent(pt_subscriber_t *self)
{
    assert(self);

    bool any = false;
    for (size_t i = 0; i < self->options.endpoint_count; i++)
        any |= pt_knock_is_silent(&self->lines[i].knock, self->options.curve);
    return any;
}

bool
pt_subscriber_is_open(const pt_subscriber_t *self)
{
    return pt_positions_is_open(self->positions);
}

const char *
pt_subscriber_unopened(const pt_subscriber_t *self)
{
    uint64_t worker, epoch;
    return pt_positions_unopened(self->positions, &worker, &epoch) ? pt_dealers_endpoint(self->dealers, worker, epoch)
                                                                   : NULL;
}

bool
pt_subscriber_is_level(const pt_subscriber_t *self)
{
    return self->stash_count == 0 && pt_positions_is_level(self->positions);
}

pt_subscriber_counts_t
pt_subscriber_counts(const pt_subscriber_t *self)
{
    return self->counts;
}
