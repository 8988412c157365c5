/*  One DEALER, to one broker at a time: a DEALER that is connected to several also queues into the
 *  pipe of a dead one, where a batch waits for hours. After silence the socket is made anew, even for
 *  the only broker there is: what waited in the old one is dropped with it and sent again.
 */
#include "pt_producer.h"

#include "pt_knock.h"
#include "pt_sockets.h"

#include <assert.h>
#include <czmq.h>
#include <xxhash.h>

//  Answers are small and must not be lost for want of room; a window has at most this many of them.
#define RECEIVE_HWM (2 * PT_WINDOW)

struct pt_producer {
    pt_producer_options_t options;
    pt_producer_refused_fn *refused;
    void *context;
    zsock_t *socket;
    pt_knock_t knock; //  of the socket
    size_t broker;    //  index of the one in use
    pt_outbox_t *outbox;
    pt_outbox_file_t *file; //  NULL: none
    pt_outbox_file_state_t resumed;
    pt_outbox_cover_t cover;      //  of what was put
    uint64_t stored;              //  seq of the next batch for the file
    pt_status_t failed;           //  of the file, for good
    uint64_t producer, epoch;     //  in use
    pt_producer_counts_t earlier; //  counts of outboxes before this one
};

static uint64_t
s_random_id(void)
{
    zuuid_t *uuid = zuuid_new();
    uint64_t id = XXH3_64bits(zuuid_data(uuid), zuuid_size(uuid));
    zuuid_destroy(&uuid);
    return id;
}

static zsock_t *
s_connect(const pt_producer_t *self, size_t broker, pt_knock_t *out_knock)
{
    //  Room for a window and some resends, so that a batch is refused only when it is there already.
    zsock_t *socket = pt_sockets_new(ZMQ_DEALER, (int) self->options.window + 16, RECEIVE_HWM);
    if (!socket)
        return NULL;
    zsock_set_linger(socket, 0);
    if (!pt_knock_open(out_knock, socket, true) ||
        pt_curve_connect(self->options.curve, socket, self->options.brokers[broker]) != PT_OK) {
        pt_knock_close(out_knock, socket);
        zsock_destroy(&socket);
    }
    return socket;
}

static bool
s_make_outbox(pt_producer_t *self, uint64_t next, uint64_t first)
{
    pt_outbox_options_t options = {.producer = self->producer,
                                   .epoch = self->epoch,
                                   .next = next,
                                   .first = first,
                                   .batch_max = self->options.batch_max,
                                   .window = self->options.window,
                                   .rto_ms = self->options.rto_ms,
                                   .seed = s_random_id(),
                                   .stored = self->file != NULL};
    pt_outbox_t *outbox = pt_outbox_new(&options);
    if (!outbox)
        return false;
    pt_outbox_destroy(&self->outbox);
    self->outbox = outbox;
    self->stored = next;
    return true;
}

//  A new name, in the file too. The epoch comes from the clock, so it grows with each start.
static pt_status_t
s_begin(pt_producer_t *self, uint64_t producer, uint64_t epoch)
{
    self->producer = producer ? producer : s_random_id();
    self->epoch = epoch ? epoch : (uint64_t) zclock_time();
    self->cover = (pt_outbox_cover_t) {0};
    if (self->file && pt_outbox_file_begin(self->file, self->producer, self->epoch) != PT_OK)
        return PT_E_IO;
    return s_make_outbox(self, 1, 0) ? PT_OK : PT_E_NOMEM;
}

static pt_status_t
s_resume(pt_producer_t *self)
{
    self->producer = self->resumed.producer;
    self->epoch = self->resumed.epoch;
    self->cover = self->resumed.cover;
    if (!s_make_outbox(self, self->resumed.next, self->cover.responses))
        return PT_E_NOMEM;
    return pt_outbox_file_restore(self->file, self->outbox);
}

static const char *
s_open(pt_producer_t *self)
{
    self->socket = s_connect(self, 0, &self->knock);
    if (!self->socket) {
        errno = 0;
        return "the endpoint is not valid";
    }
    self->resumed.fresh = true;
    if (self->options.outbox_path) {
        self->file = pt_outbox_file_open(self->options.outbox_path, &self->resumed);
        if (!self->file)
            return "the outbox file cannot be used";
    }
    pt_status_t status =
        self->resumed.fresh ? s_begin(self, self->options.producer, self->options.epoch) : s_resume(self);
    if (status == PT_E_NOMEM)
        errno = ENOMEM;
    return status == PT_OK ? NULL : "the outbox file cannot be used";
}

pt_producer_t *
pt_producer_new(const pt_producer_options_t *options, pt_producer_refused_fn *refused, void *context,
                const char **out_error)
{
    assert(options && options->broker_count && options->broker_count <= PT_PRODUCER_BROKERS_MAX);
    assert(out_error);

    *out_error = "the system gives no sockets";
    if (pt_sockets_init() != PT_OK)
        return NULL;
    pt_producer_t *self = calloc(1, sizeof *self);
    *out_error = "no memory";
    if (!self)
        return NULL;
    self->options = *options;
    self->options.window = options->window ? options->window : 64;
    self->refused = refused;
    self->context = context;
    *out_error = s_open(self);
    if (*out_error) {
        int error = errno;
        pt_producer_destroy(&self);
        errno = error;
    }
    return self;
}

void
pt_producer_destroy(pt_producer_t **self_p)
{
    pt_producer_t *self = *self_p;
    if (!self)
        return;
    pt_knock_close(&self->knock, self->socket);
    zsock_destroy(&self->socket);
    pt_outbox_destroy(&self->outbox);
    pt_outbox_file_close(&self->file);
    free(self);
    *self_p = NULL;
}

const pt_outbox_file_state_t *
pt_producer_resumed(const pt_producer_t *self)
{
    return &self->resumed;
}

static pt_producer_counts_t
s_add_counts(pt_producer_counts_t left, pt_producer_counts_t right)
{
    return (pt_producer_counts_t) {.put = left.put + right.put,
                                   .accepted = left.accepted + right.accepted,
                                   .refused = left.refused + right.refused,
                                   .pending = left.pending + right.pending,
                                   .batches_resent = left.batches_resent + right.batches_resent,
                                   .busy = left.busy + right.busy};
}

pt_status_t
pt_producer_renew(pt_producer_t *self)
{
    assert(self);
    assert(pt_producer_is_idle(self));

    pt_producer_counts_t counts = pt_producer_counts(self);
    pt_status_t status = s_begin(self, 0, 0);
    if (status != PT_OK)
        return self->failed = status;
    self->earlier = counts;
    return PT_OK;
}

//  Write the batches that were sealed since. A batch that ends at place `previous_end` was sealed
//  before the last response came into it.
static pt_status_t
s_store(pt_producer_t *self, pt_outbox_cover_t previous)
{
    uint64_t next = pt_outbox_next(self->outbox);
    for (; self->file && self->stored < next; self->stored++) {
        pt_outbox_batch_t batch;
        if (!pt_outbox_batch(self->outbox, self->stored, &batch))
            continue;
        bool old = batch.first + batch.header.count == previous.responses;
        self->failed = pt_outbox_file_add(self->file, &batch, old ? previous : self->cover);
        if (self->failed != PT_OK)
            break;
    }
    return self->failed;
}

pt_status_t
pt_producer_put_covering(pt_producer_t *self, pt_bytes_t response, pt_outbox_cover_t cover)
{
    assert(self);

    if (self->failed != PT_OK)
        return self->failed;
    pt_outbox_cover_t previous = self->cover;
    pt_status_t status = pt_outbox_put(self->outbox, response);
    if (status == PT_OK)
        self->cover = cover;
    pt_status_t stored = s_store(self, previous);
    return stored != PT_OK ? stored : status;
}

pt_status_t
pt_producer_put(pt_producer_t *self, pt_bytes_t response)
{
    return pt_producer_put_covering(self, response, (pt_outbox_cover_t) {self->cover.responses + 1, 0});
}

void
pt_producer_seal(pt_producer_t *self)
{
    if (self->failed != PT_OK)
        return;
    pt_outbox_seal(self->outbox);
    //  A fault is remembered, and told by the next poll.
    s_store(self, self->cover);
}

static bool
s_send_batch(pt_producer_t *self, const pt_outbox_batch_t *batch)
{
    uint8_t header[PT_HEADER_BYTES_MAX];
    size_t len = pt_batch_encode(&batch->header, header, sizeof header);
    void *socket = zsock_resolve(self->socket);
    if (zmq_send(socket, header, len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return false;
    //  After the first frame was taken, the message's others are taken without waiting.
    return zmq_send(socket, batch->payload.data, batch->payload.len, ZMQ_DONTWAIT) >= 0;
}

static void
s_reconnect(pt_producer_t *self)
{
    size_t next = (self->broker + 1) % self->options.broker_count;
    pt_knock_t knock;
    zsock_t *socket = s_connect(self, next, &knock);
    if (!socket)
        return;
    //  What was heard of a broker stays true of it.
    if (next == self->broker) {
        knock.silent = pt_knock_is_silent(&self->knock, self->options.curve);
        knock.mismatched = self->knock.mismatched;
    }
    pt_knock_close(&self->knock, self->socket);
    zsock_destroy(&self->socket);
    self->knock = knock;
    self->socket = socket;
    self->broker = next;
    pt_outbox_reconnected(self->outbox);
}

//  Nothing leaves before it is on disk: one sync for all that was sealed since the last turn.
static pt_status_t
s_send_due(pt_producer_t *self)
{
    if (self->file && self->failed == PT_OK) {
        self->failed = pt_outbox_file_sync(self->file);
        if (self->failed == PT_OK)
            pt_outbox_stored(self->outbox, self->stored);
    }
    if (self->failed != PT_OK)
        return self->failed;
    int64_t now_ms = zclock_mono();
    if (pt_outbox_is_silent(self->outbox, now_ms))
        s_reconnect(self);
    pt_outbox_batch_t batch;
    bool blocked = false;
    for (uint64_t cursor = 0; pt_outbox_due(self->outbox, now_ms, &cursor, &batch);) {
        blocked = blocked || !s_send_batch(self, &batch);
        pt_outbox_sent(self->outbox, batch.header.seq, blocked, now_ms);
    }
    return PT_OK;
}

static void
s_take_nack(pt_producer_t *self, pt_bytes_t header, int64_t now_ms)
{
    pt_nack_t nack;
    pt_outbox_batch_t batch;
    if (pt_nack_decode(header, &nack) == PT_OK && pt_outbox_nack(self->outbox, &nack, now_ms, &batch) && self->refused)
        self->refused(self->context, batch.first, batch.header.count, nack.reason);
}

static void
s_take_answer(pt_producer_t *self, pt_bytes_t header, int64_t now_ms)
{
    pt_kind_t kind;
    pt_ack_t ack;
    uint32_t plain;
    if (pt_wire_kind(header, &kind) != PT_OK)
        return;
    if (kind == PT_KIND_NACK)
        s_take_nack(self, header, now_ms);
    else if (kind == PT_KIND_ACK && pt_ack_decode(header, &ack, &plain) == PT_OK && ack.range_count)
        pt_outbox_ack(self->outbox, &ack, now_ms);
}

//  Answers of one turn are bounded, so that a peer that floods us cannot keep us here.
static pt_status_t
s_receive(pt_producer_t *self)
{
    void *socket = zsock_resolve(self->socket);
    int64_t now_ms = zclock_mono();
    bool first = true;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    for (size_t n = 0; n < RECEIVE_HWM && zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0; n++) {
        bool alone = first && !zmq_msg_more(&frame);
        first = !zmq_msg_more(&frame);
        if (alone)
            s_take_answer(self, (pt_bytes_t) {zmq_msg_data(&frame), zmq_msg_size(&frame)}, now_ms);
    }
    zmq_msg_close(&frame);
    if (self->file && self->failed == PT_OK)
        self->failed = pt_outbox_file_answered(self->file, self->outbox);
    return self->failed;
}

pt_status_t
pt_producer_poll(pt_producer_t *self, uint32_t timeout_ms, int wake_fd)
{
    assert(self);

    pt_knock_again(&self->knock, self->socket, self->options.curve, self->options.brokers[self->broker]);
    if (s_send_due(self) != PT_OK)
        return PT_E_IO;
    zmq_pollitem_t items[2] = {{.socket = zsock_resolve(self->socket), .events = ZMQ_POLLIN},
                               {.fd = wake_fd, .events = ZMQ_POLLIN}};
    int64_t wait_ms = timeout_ms, due_ms = pt_outbox_due_ms(self->outbox);
    if (due_ms != INT64_MAX && due_ms - zclock_mono() < wait_ms)
        wait_ms = due_ms - zclock_mono();
    if (zmq_poll(items, wake_fd < 0 ? 1 : 2, wait_ms < 0 ? 0 : (long) wait_ms) < 0 && errno != EINTR)
        return PT_E_IO;
    return s_receive(self) == PT_OK && s_send_due(self) == PT_OK ? PT_OK : PT_E_IO;
}

bool
pt_producer_is_refused(pt_producer_t *self)
{
    assert(self);

    return pt_knock_is_refused(&self->knock);
}

bool
pt_producer_is_silent(pt_producer_t *self)
{
    assert(self);

    return pt_knock_is_silent(&self->knock, self->options.curve);
}

bool
pt_producer_is_idle(const pt_producer_t *self)
{
    return pt_outbox_is_idle(self->outbox);
}

pt_status_t
pt_producer_complete(pt_producer_t *self)
{
    assert(self);
    assert(pt_producer_is_idle(self));

    if (self->file && self->failed == PT_OK)
        self->failed = pt_outbox_file_complete(self->file);
    return self->failed;
}

pt_producer_counts_t
pt_producer_counts(const pt_producer_t *self)
{
    return s_add_counts(self->earlier, pt_outbox_counts(self->outbox));
}
