/*  One thread decides about every message, so the window of a producer, the credit of a broker and
 *  the list of jobs need no lock. It never waits in a send, and never longer than a poll.
 */
#include "pt_engine.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_crew.h"
#include "pt_dedup.h"
#include "pt_fault_point.h"
#include "pt_histogram_ns.h"
#include "pt_link.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  Messages from one socket before the others have their turn, and how long they may take where this thread
//  decides about them itself: a batch of the largest size takes 1 ms to 10 ms, and a broker that hears nothing
//  for 3 s gives its workers up.
#define S_BURST 64
#define S_BURST_MS 10

//  A producer that was told to come again is expected back after this long; arbitrary.
#define S_RETRY_AFTER_MS 50

//  What a broker sent before it read that this worker drains arrives within this long, or is lost
//  to the producer's resend. Brokers that never spoke have sent nothing.
#define S_DRAIN_GRACE_MS 100

//  Numbers of plain requests: the start in the upper bits, so that no two starts give the same one.
//  Together they stay below 2^53.
#define S_PLAIN_SEQ_BITS 33
#define S_INCARNATIONS_MAX (UINT64_C(1) << 20)

struct pt_engine {
    uint64_t worker;
    uint64_t epoch;
    pt_link_t links[PT_POOL_BROKERS_MAX];
    size_t link_count;
    pt_crew_t *crew;
    pt_store_t *journal; //  NULL: none
    pt_dedup_t *dedup;
    pt_job_t *working; //  list of jobs that a stage holds
    pt_job_t *spare;   //  list of jobs to use again
    uint64_t plain_seq;
    bool draining;
    bool drained;   //  the caller was told
    bool spoke;     //  to the caller, since its pipe was looked into
    int64_t now_ms; //  when this turn of the loop began, monotonic
    int64_t grace_ms;
    int64_t deadline_ms;
    pt_pool_counters_t counters;
    pt_tally_t *tally;
};

//  ---- jobs

static pt_job_t *
s_take_spare(pt_engine_t *self)
{
    pt_job_t *job = self->spare;
    if (!job)
        return pt_job_new();
    self->spare = job->next;
    return job;
}

static void
s_return_spare(pt_engine_t *self, pt_job_t *job)
{
    pt_job_clear(job);
    job->next = self->spare;
    self->spare = job;
}

static void
s_link_working(pt_engine_t *self, pt_job_t *job)
{
    job->previous = NULL;
    job->next = self->working;
    if (job->next)
        job->next->previous = job;
    self->working = job;
    self->counters.in_work++;
}

static void
s_unlink_working(pt_engine_t *self, pt_job_t *job)
{
    *(job->previous ? &job->previous->next : &self->working) = job->next;
    if (job->next)
        job->next->previous = job->previous;
    self->counters.in_work--;
}

static void
s_destroy_jobs(pt_job_t *job)
{
    while (job) {
        pt_job_t *next = job->next;
        pt_job_destroy(&job);
        job = next;
    }
}

//  ---- answers

static void
s_answer(pt_engine_t *self, const pt_job_t *job, const uint8_t *bytes, size_t len)
{
    PT_FAULT_POINT("engine.answer.before");
    if (!pt_link_answer(&self->links[job->broker], &job->message, job->envelope_count, (pt_bytes_t) {bytes, len}))
        self->counters.answers_dropped++;
    PT_FAULT_POINT("engine.answer.after");
}

static void
s_send_ack(pt_engine_t *self, const pt_job_t *job)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len;
    if (job->plain) {
        len = pt_plain_ack_encode(job->batch.count, bytes, sizeof(bytes));
    } else {
        pt_ack_t ack;
        ack.producer = job->batch.producer;
        ack.epoch = job->batch.epoch;
        ack.range_count = 1;
        ack.ranges[0] = (pt_range_t) {job->batch.seq, job->batch.seq};
        len = pt_ack_encode(&ack, bytes, sizeof(bytes));
    }
    s_answer(self, job, bytes, len);
    self->counters.acked++;
}

static void
s_send_nack(pt_engine_t *self, const pt_job_t *job, pt_reason_t reason)
{
    pt_nack_t nack = {
        .producer = job->batch.producer,
        .epoch = job->batch.epoch,
        .seq = job->batch.seq,
        .reason = reason,
        .retry_after_ms = pt_reason_is_passing(reason) ? S_RETRY_AFTER_MS : 0,
    };
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_nack_encode(&nack, bytes, sizeof(bytes));
    s_answer(self, job, bytes, len);
    self->counters.nacked++;
    self->counters.reasons[reason]++;
}

//  ---- the way of a job

static void
s_count_finished(pt_pool_counters_t *counters, const pt_job_t *job)
{
    counters->received += job->batch.count;
    for (int route = 0; route < PT_ROUTE_COUNT_; route++)
        counters->decided[route] += job->decided[route];
    counters->alerts += job->alerts;
    counters->invalid += job->invalid;
    counters->published += job->output_count;
}

//  The one place where a message that was taken into work is answered.
static void
s_finish_job(pt_engine_t *self, pt_job_t *job)
{
    PT_FAULT_POINT("engine.finish.before");
    s_unlink_working(self, job);
    self->links[job->broker].in_work--;
    if (job->refused) {
        //  A plain client has no name for a refusal; silence makes it ask again.
        if (!job->plain) {
            pt_dedup_release(self->dedup, &job->batch);
            s_send_nack(self, job, job->reason);
        }
    } else {
        if (!job->plain)
            pt_dedup_finish(self->dedup, &job->batch);
        PT_FAULT_POINT("engine.finish.remembered");
        s_count_finished(&self->counters, job);
        pt_histogram_ns_add(&self->counters.latency, pt_clock_ns() - job->taken_ns);
        s_send_ack(self, job);
    }
    s_return_spare(self, job);
}

static void
s_start_job(pt_engine_t *self, pt_job_t *job)
{
    self->links[job->broker].in_work++;
    job->taken_ns = pt_clock_ns();
    self->counters.messages++;
    s_link_working(self, job);
    PT_FAULT_POINT("engine.start.before");
    bool finished = pt_crew_start(self->crew, job);
    PT_FAULT_POINT("engine.start.after");
    if (finished)
        s_finish_job(self, job);
}

//  Whether nothing more may be taken. What is in work finds room: the mark is below the end.
static bool
s_is_full(const pt_engine_t *self)
{
    return self->journal && pt_store_is_full(self->journal);
}

//  ---- messages from brokers. Each function ends with the job started or returned.

static void
s_drop_garbage(pt_engine_t *self, pt_job_t *job)
{
    self->counters.garbage++;
    s_return_spare(self, job);
}

static void
s_refuse_batch(pt_engine_t *self, pt_job_t *job, pt_reason_t reason)
{
    s_send_nack(self, job, reason);
    s_return_spare(self, job);
}

static void
s_take_plain(pt_engine_t *self, pt_job_t *job)
{
    job->plain = true;
    //  A plain client has no name for a refusal; silence makes it ask again.
    if (s_is_full(self)) {
        self->counters.nacked++;
        self->counters.reasons[PT_REASON_BUSY]++;
        s_return_spare(self, job);
        return;
    }
    job->batch = (pt_batch_t) {.producer = self->worker, .epoch = self->epoch, .seq = ++self->plain_seq};
    s_start_job(self, job);
}

static void
s_take_new_batch(pt_engine_t *self, pt_job_t *job)
{
    switch (pt_dedup_take(self->dedup, &job->batch)) {
    case PT_DEDUP_NEW:
        if (s_is_full(self)) {
            pt_dedup_release(self->dedup, &job->batch);
            s_refuse_batch(self, job, PT_REASON_BUSY);
        } else {
            PT_FAULT_POINT("engine.batch.new");
            if (!PT_RULE("ack_after_commit"))
                s_send_ack(self, job);
            s_start_job(self, job);
        }
        return;
    case PT_DEDUP_IN_WORK:
        PT_FAULT_POINT("engine.batch.in_work");
        break;
    case PT_DEDUP_FINISHED:
        PT_FAULT_POINT("engine.batch.finished");
        s_send_ack(self, job);
        break;
    case PT_DEDUP_CONFLICT:
        s_refuse_batch(self, job, PT_REASON_CONFLICT);
        return;
    }
    self->counters.duplicates++;
    s_return_spare(self, job);
}

static void
s_take_batch(pt_engine_t *self, pt_job_t *job)
{
    pt_bytes_t header = pt_frames_bytes(&job->message, job->envelope_count);
    pt_status_t status = pt_batch_decode(header, &job->batch);
    if (status == PT_OK && pt_job_payload(job).len > PT_BATCH_BYTES_MAX)
        status = PT_E_SIZE;
    if (status == PT_OK)
        s_take_new_batch(self, job);
    else if (job->batch.seq)
        s_refuse_batch(self, job, pt_batch_reason(status, &job->batch));
    else
        s_drop_garbage(self, job);
}

static void
s_take_message(pt_engine_t *self, pt_job_t *job)
{
    PT_FAULT_POINT("engine.message");
    job->envelope_count = pt_frames_envelope(&job->message, 0);
    if (!job->envelope_count)
        s_drop_garbage(self, job);
    else if (job->message.count - job->envelope_count == 1)
        s_take_plain(self, job);
    else
        s_take_batch(self, job);
}

static void
s_read_link(pt_engine_t *self, size_t index)
{
    pt_link_t *link = &self->links[index];
    int64_t end_ms = zclock_mono() + S_BURST_MS;
    for (int i = 0; i < S_BURST && pt_link_has_room(link) && zclock_mono() < end_ms; i++) {
        pt_job_t *job = s_take_spare(self);
        //  Without memory the message stays in the socket until a job comes back.
        if (!job)
            return;
        if (!pt_link_receive(link, &job->message)) {
            s_return_spare(self, job);
            return;
        }
        job->broker = index;
        s_take_message(self, job);
        //  What is finished already has made room.
        pt_link_announce(link, self->now_ms);
    }
}

//  ---- jobs that come back

static void
s_read_finished(pt_engine_t *self)
{
    pt_job_t *job = NULL;
    //  As many as there are: there is credit for no more than the windows, and each makes room.
    while ((job = pt_crew_finish(self->crew)) != NULL)
        s_finish_job(self, job);
}

//  ---- start and stop

static bool
s_open_links(pt_engine_t *self, const pt_pool_options_t *options, const char **out_refused)
{
    for (size_t i = 0; i < options->broker_count; i++) {
        *out_refused = options->brokers[i];
        const pt_curve_t *curve = options->gate ? pt_gate_curve(options->gate) : NULL;
        if (pt_link_open(&self->links[i], curve, options->brokers[i], options->worker, options->epoch,
                         options->window) != PT_OK)
            return false;
        self->link_count++;
        self->counters.room += options->window;
        *out_refused = NULL;
    }
    return true;
}

//  A batch that was finished before this start.
static void
s_restore_batch(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    pt_dedup_t **dedup = context;
    PT_FAULT_POINT("engine.restore.batch");
    //  Without memory the start fails.
    if (*dedup && !pt_dedup_restore(*dedup, producer, epoch, floor, seq, crc32))
        pt_dedup_destroy(dedup);
}

static bool
s_restore_dedup(pt_engine_t *self)
{
    pt_store_view_t *view;
    bool well = pt_store_view_open(self->journal, &view) == PT_OK &&
                pt_store_view_windows(view, s_restore_batch, &self->dedup) == PT_OK;
    pt_store_view_close(&view);
    return well && self->dedup;
}

//  The links last: from then on there is work.
static bool
s_start_parts(pt_engine_t *self, const pt_pool_options_t *options, int failure_fd, const char **out_refused)
{
    self->dedup = pt_dedup_new(options->producers);
    if (!self->dedup || (self->journal && PT_RULE("restore_windows") && !s_restore_dedup(self)))
        return false;
    PT_FAULT_POINT("engine.restored");
    self->crew = pt_crew_new(options, failure_fd, out_refused);
    PT_FAULT_POINT("engine.crew");
    return self->crew && s_open_links(self, options, out_refused);
}

pt_engine_t *
pt_engine_new(const pt_pool_options_t *options, pt_tally_t *tally, int failure_fd, const char **out_refused)
{
    assert(options);
    assert(tally);
    assert(out_refused);

    *out_refused = NULL;
    pt_engine_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->worker = options->worker;
    self->epoch = options->epoch;
    self->tally = tally;
    self->journal = options->journal;
    //  Responses of plain clients are named by these numbers under an epoch that outlives the process.
    if (self->journal)
        self->plain_seq = (pt_store_identity(self->journal).incarnation % S_INCARNATIONS_MAX) << S_PLAIN_SEQ_BITS;
    if (!s_start_parts(self, options, failure_fd, out_refused)) {
        int reason = errno;
        pt_engine_destroy(&self);
        errno = reason;
    }
    return self;
}

//  What a subscriber has not taken yet is nowhere else without a journal: it gets what is left of the drain's time.
//  With one it can be fetched later, and nobody has to wait for who does not read.
static void
s_grant_linger(pt_engine_t *self)
{
    int64_t left_ms = self->deadline_ms - zclock_mono();
    if (self->crew && self->drained && !self->journal && left_ms > PT_SOCKETS_LINGER_MS)
        pt_crew_linger(self->crew, (int) left_ms);
}

void
pt_engine_destroy(pt_engine_t **self_p)
{
    assert(self_p);

    pt_engine_t *self = *self_p;
    if (!self)
        return;
    s_grant_linger(self);
    pt_crew_destroy(&self->crew);
    PT_FAULT_POINT("engine.crew.gone");
    for (size_t i = 0; i < self->link_count; i++)
        pt_link_close(&self->links[i]);
    s_destroy_jobs(self->working);
    s_destroy_jobs(self->spare);
    pt_dedup_destroy(&self->dedup);
    free(self);
    *self_p = NULL;
}

const char *
pt_engine_endpoint(const pt_engine_t *self, pt_queue_t queue)
{
    assert(self);

    return pt_crew_endpoint(self->crew, queue);
}

const char *
pt_engine_replay(const pt_engine_t *self)
{
    assert(self);

    return pt_crew_replay(self->crew);
}

//  ---- the loop

static void
s_begin_drain(pt_engine_t *self, uint32_t deadline_ms)
{
    PT_FAULT_POINT("engine.drain.begin");
    int64_t now_ms = zclock_mono();
    bool met = false;
    for (size_t i = 0; i < self->link_count; i++) {
        self->links[i].draining = true;
        self->links[i].due = true;
        met |= self->links[i].met;
    }
    uint32_t grace_ms = deadline_ms / 2 < S_DRAIN_GRACE_MS ? deadline_ms / 2 : S_DRAIN_GRACE_MS;
    self->draining = true;
    self->deadline_ms = now_ms + deadline_ms;
    self->grace_ms = met ? now_ms + grace_ms : now_ms;
}

//  What is sent on the pipe may take the news of a command that came in.
static void
s_tell(pt_engine_t *self, zsock_t *pipe, const char *word)
{
    zstr_send(pipe, word);
    self->spoke = true;
}

//  Tell the caller once, when all is finished or the time is over.
static void
s_check_drain(pt_engine_t *self, zsock_t *pipe, int64_t now_ms)
{
    if (!self->draining || self->drained)
        return;
    bool finished = now_ms >= self->grace_ms && !self->working;
    if (!finished && now_ms < self->deadline_ms)
        return;
    PT_FAULT_POINT("engine.drain.end");
    s_tell(self, pipe, finished ? PT_ENGINE_DRAINED : PT_ENGINE_LATE);
    self->drained = true;
}

//  The offered catalog's contents are ordered by the lock: what libzmq orders, no race detector can see.
static const pt_catalog_t *
s_offered(pt_engine_t *self)
{
    pthread_mutex_lock(&self->tally->lock);
    const pt_catalog_t *catalog = self->tally->offered;
    pthread_mutex_unlock(&self->tally->lock);
    return catalog;
}

static void
s_forget_offer(pt_engine_t *self)
{
    pthread_mutex_lock(&self->tally->lock);
    self->tally->offered = NULL;
    pthread_mutex_unlock(&self->tally->lock);
}

//  False at the end.
static bool
s_read_command(pt_engine_t *self, zsock_t *pipe)
{
    char *command = NULL;
    uint32_t deadline_ms = 0;
    zsock_recv(pipe, "s4", &command, &deadline_ms);
    bool drains = command && streq(command, PT_ENGINE_DRAIN);
    bool swaps = command && streq(command, PT_ENGINE_SWAP);
    if (drains)
        s_begin_drain(self, deadline_ms);
    if (swaps)
        pt_crew_offer(self->crew, s_offered(self));
    zstr_free(&command);
    return drains || swaps;
}

static void
s_check_swap(pt_engine_t *self, zsock_t *pipe)
{
    bool switched;
    if (!pt_crew_answer(self->crew, &switched))
        return;
    s_forget_offer(self);
    s_tell(self, pipe, switched ? PT_ENGINE_SWAPPED : PT_ENGINE_KEPT);
}

static int64_t
s_next_wake(const pt_engine_t *self, int64_t now_ms)
{
    int64_t wake_ms = now_ms + PT_LINK_READY_MS;
    for (size_t i = 0; i < self->link_count; i++)
        if (self->links[i].told_ms + PT_LINK_READY_MS < wake_ms)
            wake_ms = self->links[i].told_ms + PT_LINK_READY_MS;
    if (self->draining && !self->drained) {
        int64_t next_ms = now_ms < self->grace_ms ? self->grace_ms : self->deadline_ms;
        if (next_ms < wake_ms)
            wake_ms = next_ms;
    }
    return wake_ms > now_ms ? wake_ms - now_ms : 0;
}

static void
s_show_counters(pt_engine_t *self, int64_t now_ms)
{
    self->counters.hellos = 0;
    self->counters.connected = 0;
    for (size_t i = 0; i < self->link_count; i++) {
        self->counters.hellos += self->links[i].hellos;
        self->counters.connected += pt_link_is_connected(&self->links[i]);
    }
    self->counters.brokers = self->link_count;
    self->counters.turned_ms = (uint64_t) now_ms;
    self->counters.draining = self->draining;
    pthread_mutex_lock(&self->tally->lock);
    self->tally->counters = self->counters;
    pthread_mutex_unlock(&self->tally->lock);
}

//  What the loop waits for.
typedef struct {
    pt_wait_item_t items[PT_WAIT_ITEMS_MAX];
    size_t finished;   //  place of the socket with finished jobs; 0: there is none
    size_t crew;       //  first place of the crew's
    size_t crew_count; //  the rest are links
    size_t count;
    size_t links[PT_WAIT_ITEMS_MAX]; //  by place
} s_sight_t;

_Static_assert(2 + PT_OUTLET_ITEMS_MAX + PT_POOL_BROKERS_MAX <= PT_WAIT_ITEMS_MAX, "all can be waited for");

static void
s_open_eyes(const pt_engine_t *self, zsock_t *pipe, s_sight_t *sight)
{
    *sight = (s_sight_t) {.items = {pt_wait_socket(zsock_resolve(pipe))}, .crew = 1};
    void *finished = pt_crew_socket(self->crew);
    if (finished) {
        sight->finished = sight->crew++;
        sight->items[sight->finished] = pt_wait_socket(finished);
    }
    sight->crew_count = pt_crew_items(self->crew, sight->items + sight->crew);
}

//  Wait for the pipe, the crew, and the links that have room.
static void
s_wait(pt_engine_t *self, s_sight_t *sight, int64_t now_ms, int64_t wait_ms)
{
    size_t first = sight->crew + sight->crew_count;
    bool reads = !self->draining || now_ms < self->grace_ms;
    sight->count = first;
    for (size_t i = 0; i < self->link_count && reads; i++)
        if (pt_link_has_room(&self->links[i])) {
            sight->items[sight->count] = self->links[i].item;
            sight->links[sight->count++] = i;
        }
    sight->items[0].empty &= !self->spoke;
    self->spoke = false;
    pt_wait(sight->items, sight->count, wait_ms);
    //  What was answered on a link since it was looked at may have hidden its news.
    for (size_t i = first; i < sight->count; i++)
        self->links[sight->links[i]].item.empty = sight->items[i].empty;
}

//  Do what there is to do.
static void
s_act(pt_engine_t *self, s_sight_t *sight, zsock_t *pipe)
{
    pt_crew_tend(self->crew, sight->items + sight->crew, sight->crew_count);
    if (sight->finished) {
        s_read_finished(self);
        sight->items[sight->finished].empty = true;
    }
    s_check_swap(self, pipe);
    for (size_t i = sight->crew + sight->crew_count; i < sight->count; i++)
        if (sight->items[i].ready)
            s_read_link(self, sight->links[i]);
}

void
pt_engine_run(zsock_t *pipe, void *engine)
{
    pt_engine_t *self = engine;
    s_sight_t sight;
    s_open_eyes(self, pipe, &sight);
    zsock_signal(pipe, 0);
    for (;;) {
        int64_t now_ms = self->now_ms = zclock_mono();
        for (size_t i = 0; i < self->link_count; i++)
            pt_link_announce(&self->links[i], now_ms);
        s_show_counters(self, now_ms);
        s_check_drain(self, pipe, now_ms);
        int64_t wake_ms = s_next_wake(self, now_ms);
        int64_t crew_ms = pt_crew_turn(self->crew, now_ms);
        s_wait(self, &sight, now_ms, crew_ms < wake_ms ? crew_ms : wake_ms);
        if (sight.items[0].ready && !s_read_command(self, pipe))
            break;
        s_act(self, &sight, pipe);
    }
    pt_engine_destroy(&self);
}
