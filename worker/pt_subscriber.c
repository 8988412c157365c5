/*  Sockets in, callbacks out; pt_positions decides. */
#include "pt_subscriber.h"

#include "pt_dealers.h"
#include "pt_decision.h"
#include "pt_knock.h"
#include "pt_seen.h"
#include "pt_sockets.h"

#include <assert.h>
#include <czmq.h>

//  Messages taken from one socket per poll, so that neither the others nor the caller are starved.
#define BURST_MAX 256
//  Messages of a worker of which no HEAD has come yet; what does not fit is fetched, or is a gap.
#define STASH_MAX 256
#define RECEIVE_HWM 10000
#define FETCH_BYTES PT_BATCH_BYTES_MAX

struct pt_subscriber {
    pt_subscriber_options_t options;
    pt_subscriber_handlers_t handlers;
    pt_subscriber_counts_t counts;
    zsock_t *socket;
    pt_knock_t knock; //  of the socket
    pt_positions_t *positions;
    pt_dealers_t *dealers;
    pt_seen_t *seen; //  NULL: repeats stay
    pt_frames_t *stash;
    size_t stash_count;
    bool stopped;       //  the callback took no more
    pt_status_t failed; //  PT_E_NOMEM, once
    char prefixes[PT_SUBSCRIBER_PREFIXES_MAX][PT_TOPIC_BYTES_MAX + 1];
    char name[PT_SUBSCRIBER_NAME_BYTES_MAX + 1];
};

static void
s_report_lost(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first, uint64_t next)
{
    (void) epoch;
    pt_subscriber_t *self = context;
    self->counts.missed += next - first;
    if (self->handlers.gap)
        self->handlers.gap(self->handlers.context, topic, worker, first, next);
}

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

static zsock_t *
s_open_socket(const pt_subscriber_options_t *options, pt_knock_t *out_knock, const char **out_error)
{
    *out_error = "no socket is left";
    zsock_t *socket = pt_sockets_new(ZMQ_SUB, 0, RECEIVE_HWM);
    if (!socket)
        return NULL;
    zsock_set_linger(socket, 0);
    for (size_t i = 0; i < options->prefix_count; i++)
        zsock_set_subscribe(socket, options->prefixes[i]);
    if (!options->prefix_count)
        zsock_set_subscribe(socket, "");
    bool well = pt_knock_open(out_knock, socket, true);
    if (well)
        *out_error = "the endpoint is not valid";
    for (size_t i = 0; i < options->endpoint_count && well; i++)
        well = pt_curve_connect(options->curve, socket, options->endpoints[i]) == PT_OK;
    if (!well) {
        pt_knock_close(out_knock, socket);
        zsock_destroy(&socket);
    }
    return socket;
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
            return "a name has 1 to 64 printable characters and no spaces";
        snprintf(self->name, sizeof self->name, "%s", options->name);
    }
    for (size_t i = 0; i < options->prefix_count; i++) {
        if (!s_is_name(options->prefixes[i], 0, PT_TOPIC_BYTES_MAX))
            return "a prefix has at most 64 printable characters and no spaces";
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
    pt_positions_handlers_t handlers = {self, s_report_lost, s_report_fault};
    self->positions = pt_positions_new(&positions, &handlers);
    self->dealers = pt_dealers_new(self->options.curve);
    self->stash = calloc(STASH_MAX, sizeof *self->stash);
    if (self->options.mode != PT_POSITIONS_LIVE || self->options.window)
        self->seen = pt_seen_new(self->options.window ? self->options.window : PT_SEEN_WINDOW_DEFAULT);
    bool wants_seen = self->options.mode != PT_POSITIONS_LIVE || self->options.window;
    if (!self->positions || !self->dealers || !self->stash || (wants_seen && !self->seen))
        return "no memory";
    self->socket = s_open_socket(&self->options, &self->knock, &error);
    return self->socket ? NULL : error;
}

pt_subscriber_t *
pt_subscriber_new(const pt_subscriber_options_t *options, const pt_subscriber_handlers_t *handlers,
                  const char **out_error)
{
    assert(options && handlers && handlers->decision);
    assert(options->prefix_count <= PT_SUBSCRIBER_PREFIXES_MAX);
    assert(out_error);

    pt_sockets_init();
    pt_subscriber_t *self = calloc(1, sizeof *self);
    *out_error = "no memory";
    if (!self)
        return NULL;
    self->options = *options;
    self->handlers = *handlers;
    *out_error = s_open(self);
    if (*out_error)
        pt_subscriber_destroy(&self);
    return self;
}

void
pt_subscriber_destroy(pt_subscriber_t **self_p)
{
    pt_subscriber_t *self = *self_p;
    if (!self)
        return;
    pt_knock_close(&self->knock, self->socket);
    zsock_destroy(&self->socket);
    pt_dealers_destroy(&self->dealers);
    pt_positions_destroy(&self->positions);
    pt_seen_destroy(&self->seen);
    for (size_t i = 0; i < self->stash_count; i++)
        pt_frames_clear(&self->stash[i]);
    free(self->stash);
    free(self);
    *self_p = NULL;
}

//  False when the callback wants no more. Bytes that are no decision are told as a gap of one.
static bool
s_deliver(pt_subscriber_t *self, pt_text_t topic, const pt_decisions_t *header, uint64_t seq, pt_bytes_t bytes)
{
    pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    if (pt_decision_decode(bytes, fields, &decision) != PT_OK) {
        self->counts.malformed++;
        s_report_lost(self, topic, header->worker, header->epoch, seq, seq + 1);
        return true;
    }
    if (self->seen && pt_seen_add(self->seen, topic, &decision)) {
        self->counts.repeats++;
        return true;
    }
    self->handlers.decision(self->handlers.context, topic, &decision, bytes);
    if (self->stopped)
        return false;
    self->counts.decisions++;
    self->counts.fetched += (header->flags & PT_FLAG_REPLAY) != 0;
    return true;
}

static bool
s_deliver_items(pt_subscriber_t *self, pt_text_t topic, const pt_decisions_t *header, pt_bytes_t payload,
                const pt_arrived_t *answer)
{
    pt_items_t items;
    pt_bytes_t item;
    self->counts.dropped += answer->dropped;
    if (answer->arrival != PT_ARRIVAL_DELIVER)
        return true;
    if (pt_wire_crc32(payload) != header->crc32 || pt_items_open_decisions(payload, header->count, &items) != PT_OK)
        return false; //  as if it had not come; it will be missed and fetched
    for (uint64_t seq = header->first_seq; pt_items_next(&items, &item); seq++) {
        if (answer->stream && seq < answer->from_seq)
            continue;
        if (!s_deliver(self, topic, header, seq, item))
            break;
        if (answer->stream)
            pt_positions_delivered(self->positions, answer->stream, seq + 1);
    }
    return true;
}

//  Frames are [topic][header][payload]. False when they are no message of ours.
static bool
s_take_decisions(pt_subscriber_t *self, pt_frames_t *frames, pt_arrival_t *out_arrival)
{
    pt_bytes_t name = pt_frames_bytes(frames, 0);
    pt_text_t topic = {(const char *) name.data, name.len};
    pt_decisions_t header;
    pt_arrived_t answer;
    if (frames->count != 3 || pt_decisions_decode(pt_frames_bytes(frames, 1), &header) != PT_OK ||
        (header.flags & PT_FLAG_REPLAY))
        return false;
    if (pt_positions_decisions(self->positions, topic, &header, &answer) != PT_OK) {
        self->failed = PT_E_NOMEM;
        return true;
    }
    *out_arrival = answer.arrival;
    return s_deliver_items(self, topic, &header, pt_frames_bytes(frames, 2), &answer);
}

//  Keep a message until a HEAD of its worker says whether it can be fetched.
static bool
s_keep(pt_subscriber_t *self, pt_frames_t *frames)
{
    if (self->stash_count == STASH_MAX)
        return false;
    self->stash[self->stash_count++] = *frames;
    return true;
}

static void
s_take_stash(pt_subscriber_t *self)
{
    size_t count = self->stash_count;
    self->stash_count = 0;
    for (size_t i = 0; i < count; i++) {
        pt_frames_t frames = self->stash[i];
        pt_arrival_t arrival = PT_ARRIVAL_DROP;
        if (!self->stopped && !s_take_decisions(self, &frames, &arrival))
            self->counts.malformed++;
        if (arrival != PT_ARRIVAL_HOLD || !s_keep(self, &frames))
            pt_frames_clear(&frames);
    }
}

static bool
s_is_wanted(const pt_subscriber_t *self, pt_text_t topic)
{
    for (size_t i = 0; i < self->options.prefix_count; i++) {
        size_t len = strlen(self->prefixes[i]);
        if (len <= topic.len && memcmp(topic.data, self->prefixes[i], len) == 0)
            return true;
    }
    return self->options.prefix_count == 0;
}

static void
s_note_head(pt_subscriber_t *self, pt_text_t topic, const pt_head_t *head)
{
    if (!s_is_wanted(self, topic))
        return;
    pt_dealers_name(self->dealers, head->worker, head->epoch, head->replay_endpoint);
    if (pt_positions_head(self->positions, topic, head, zclock_mono()) != PT_OK)
        self->failed = PT_E_NOMEM;
}

static bool
s_take_heads(pt_subscriber_t *self, pt_bytes_t header)
{
    pt_heads_t heads;
    if (pt_heads_decode(header, &heads) != PT_OK)
        return false;
    for (size_t i = 0; i < heads.head_count; i++) {
        pt_head_t head = {.worker = heads.worker,
                          .epoch = heads.epoch,
                          .first_retained = heads.heads[i].first_retained,
                          .head_seq = heads.heads[i].head_seq,
                          .replay_endpoint = heads.replay_endpoint};
        s_note_head(self, heads.heads[i].topic, &head);
    }
    return true;
}

static bool
s_take_head(pt_subscriber_t *self, pt_text_t topic, pt_bytes_t header)
{
    pt_head_t head;
    if (pt_head_decode(header, &head) != PT_OK)
        return false;
    s_note_head(self, topic, &head);
    return true;
}

//  One message of a PUB socket; its frames are ours.
static void
s_take_published(pt_subscriber_t *self, pt_frames_t *frames)
{
    pt_kind_t kind;
    pt_arrival_t arrival = PT_ARRIVAL_DROP;
    bool well = frames->count >= 2 && !frames->excess && pt_frames_bytes(frames, 0).len <= PT_TOPIC_BYTES_MAX &&
                pt_wire_kind(pt_frames_bytes(frames, 1), &kind) == PT_OK;
    if (well && kind == PT_KIND_DECISIONS) {
        well = s_take_decisions(self, frames, &arrival);
    } else if (well) {
        pt_bytes_t name = pt_frames_bytes(frames, 0), header = pt_frames_bytes(frames, 1);
        well = kind == PT_KIND_HEAD ? s_take_head(self, (pt_text_t) {(const char *) name.data, name.len}, header)
                                    : kind == PT_KIND_HEADS && s_take_heads(self, header);
        s_take_stash(self);
    }
    if (!well)
        self->counts.malformed++;
    if (arrival != PT_ARRIVAL_HOLD || !s_keep(self, frames))
        pt_frames_clear(frames);
}

//  [FETCHED][topic][header][payload]
static bool
s_take_fetched(pt_subscriber_t *self, const pt_frames_t *frames)
{
    uint64_t req_id;
    pt_decisions_t header;
    pt_arrived_t answer;
    if (frames->count != 4 || pt_fetched_decode(pt_frames_bytes(frames, 0), &req_id) != PT_OK ||
        pt_frames_bytes(frames, 1).len > PT_TOPIC_BYTES_MAX ||
        pt_decisions_decode(pt_frames_bytes(frames, 2), &header) != PT_OK)
        return false;
    pt_bytes_t name = pt_frames_bytes(frames, 1);
    pt_text_t topic = {(const char *) name.data, name.len};
    pt_positions_fetched(self->positions, req_id, topic, &header, zclock_mono(), &answer);
    return s_deliver_items(self, topic, &header, pt_frames_bytes(frames, 3), &answer);
}

static bool
s_take_opened(pt_subscriber_t *self, pt_bytes_t header)
{
    pt_opened_t opened;
    if (pt_opened_decode(header, &opened) != PT_OK)
        return false;
    if (pt_positions_opened(self->positions, &opened, zclock_mono()) != PT_OK)
        self->failed = PT_E_NOMEM;
    s_take_stash(self);
    return true;
}

//  The answers of one frame and a few numbers.
static bool
s_take_note(pt_subscriber_t *self, pt_kind_t kind, pt_bytes_t header)
{
    union {
        pt_end_t end;
        pt_truncated_t truncated;
        pt_bad_epoch_t bad_epoch;
        pt_refused_t refused;
        uint64_t req_id;
    } as;
    int64_t now_ms = zclock_mono();
    if (kind == PT_KIND_END && pt_end_decode(header, &as.end) == PT_OK)
        pt_positions_end(self->positions, &as.end, now_ms);
    else if (kind == PT_KIND_TRUNCATED && pt_truncated_decode(header, &as.truncated) == PT_OK)
        pt_positions_truncated(self->positions, &as.truncated, now_ms);
    else if (kind == PT_KIND_BADEPOCH && pt_bad_epoch_decode(header, &as.bad_epoch) == PT_OK)
        pt_positions_bad_epoch(self->positions, &as.bad_epoch, now_ms);
    else if (kind == PT_KIND_REFUSED && pt_refused_decode(header, &as.refused) == PT_OK)
        pt_positions_refused(self->positions, &as.refused, now_ms);
    else if (kind == PT_KIND_SUBACKED && pt_subacked_decode(header, &as.req_id) == PT_OK)
        pt_positions_subacked(self->positions, as.req_id, now_ms);
    else
        return false;
    return true;
}

static bool
s_take_answer(pt_subscriber_t *self, const pt_frames_t *frames)
{
    pt_kind_t kind;
    pt_bytes_t header = pt_frames_bytes(frames, 0);
    if (frames->excess || pt_wire_kind(header, &kind) != PT_OK)
        return false;
    if (kind == PT_KIND_FETCHED)
        return s_take_fetched(self, frames);
    if (frames->count != 1)
        return false;
    return kind == PT_KIND_OPENED ? s_take_opened(self, header) : s_take_note(self, kind, header);
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
            if (!s_take_answer(self, &frames))
                self->counts.malformed++;
            pt_frames_clear(&frames);
            heard = true;
        }
    }
    return heard;
}

static bool
s_take_all_published(pt_subscriber_t *self)
{
    pt_frames_t frames;
    bool heard = false;
    for (size_t n = 0; n < BURST_MAX && !self->stopped; n++) {
        if (!pt_frames_receive(zsock_resolve(self->socket), &frames))
            break;
        s_take_published(self, &frames);
        heard = true;
    }
    return heard;
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
    pt_knock_again(&self->knock, self->socket, self->options.curve, self->options.endpoints,
                   self->options.endpoint_count);
    s_ask(self, true);
    zmq_pollitem_t items[PT_DEALERS_MAX + 2];
    size_t count = pt_dealers_items(self->dealers, items);
    items[count++] = (zmq_pollitem_t) {.socket = zsock_resolve(self->socket), .events = ZMQ_POLLIN};
    if (wake_fd >= 0)
        items[count++] = (zmq_pollitem_t) {.fd = wake_fd, .events = ZMQ_POLLIN};
    if (zmq_poll(items, (int) count, (long) s_wait_ms(self, timeout_ms)) < 0)
        return errno == EINTR ? PT_OK : PT_E_IO;
    //  What was asked for goes first: live messages may come without end.
    bool answered = s_take_answers(self);
    *out_heard = s_take_all_published(self) || answered;
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
                s_take_note(self, kind, pt_frames_bytes(&frames, 0));
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

    return pt_knock_is_refused(&self->knock);
}

bool
pt_subscriber_is_silent(pt_subscriber_t *self)
{
    assert(self);

    return pt_knock_is_silent(&self->knock, self->options.curve);
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
