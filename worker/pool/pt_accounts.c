/*  One thread decides about every message, so the window of a producer, the credit of a broker and
 *  the list of jobs need no lock.
 */
#include "pt_accounts.h"

#include <assert.h>

#include "pt_fault_point.h"
#include "pt_histogram_ns.h"

//  Messages from one socket before the others have their turn, and how long they may take where this thread
//  decides about them itself: a batch of the largest size takes 1 ms to 10 ms, and a broker that hears nothing
//  for 3 s gives its workers up.
#define S_BURST 64
#define S_BURST_MS 10

//  A producer that was told to come again is expected back after this long; arbitrary.
#define S_RETRY_AFTER_MS 50

//  Numbers of plain requests: the start in the upper bits, so that no two starts give the same one.
//  Together they stay below 2^53.
#define S_PLAIN_SEQ_BITS 33
#define S_INCARNATIONS_MAX (UINT64_C(1) << 20)

static void
s_answer(pt_accounts_t *self, const pt_job_t *job, const uint8_t *bytes, size_t len)
{
    PT_FAULT_POINT("engine.answer.before");
    if (!pt_link_answer(&self->links[job->broker], &job->message, job->envelope_count, (pt_bytes_t) {bytes, len}))
        self->counters.answers_dropped++;
    PT_FAULT_POINT("engine.answer.after");
}

static void
s_send_plain_ack(pt_accounts_t *self, const pt_job_t *job)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_plain_ack_encode(job->batch.count, bytes, sizeof(bytes));
    s_answer(self, job, bytes, len);
    self->counters.acked++;
}

static void
s_send_ack(pt_accounts_t *self, const pt_job_t *job, const pt_ack_t *ack)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    s_answer(self, job, bytes, pt_ack_encode(ack, bytes, sizeof(bytes)));
}

//  Acknowledge what was finished, and be done with it.
static void
s_send_acks(pt_accounts_t *self)
{
    pt_train_t jobs;
    pt_ack_t ack;
    while (pt_acks_take(&self->acks, &jobs, &ack)) {
        s_send_ack(self, jobs.first, &ack);
        for (pt_job_t *job; (job = pt_train_take(&jobs)) != NULL; self->counters.acked++)
            pt_jobs_return(&self->jobs, job);
    }
}

//  Acknowledge one batch, whose job goes on.
static void
s_send_ack_of_one(pt_accounts_t *self, const pt_job_t *job)
{
    pt_ack_t ack;
    ack.producer = job->batch.producer;
    ack.epoch = job->batch.epoch;
    ack.range_count = 1;
    ack.ranges[0] = (pt_range_t) {job->batch.seq, job->batch.seq};
    s_send_ack(self, job, &ack);
    self->counters.acked++;
}

static void
s_acknowledge(pt_accounts_t *self, pt_job_t *job)
{
    pt_acks_add(&self->acks, job);
    if (self->acks.count == PT_ACKS_MAX)
        s_send_acks(self);
}

static void
s_send_nack(pt_accounts_t *self, const pt_job_t *job, pt_reason_t reason)
{
    pt_nack_t nack = {.reason = reason, .retry_after_ms = pt_reason_is_passing(reason) ? S_RETRY_AFTER_MS : 0};
    //  What a plain request is called here is nothing that its client knows.
    if (!job->plain) {
        nack.producer = job->batch.producer;
        nack.epoch = job->batch.epoch;
        nack.seq = job->batch.seq;
    }
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = pt_nack_encode(&nack, bytes, sizeof(bytes));
    s_answer(self, job, bytes, len);
    self->counters.nacked++;
    self->counters.reasons[reason]++;
}

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

static void
s_refuse_job(pt_accounts_t *self, pt_job_t *job, pt_reason_t reason)
{
    s_send_nack(self, job, reason);
    pt_jobs_return(&self->jobs, job);
}

static void
s_finish_refused(pt_accounts_t *self, pt_job_t *job)
{
    if (!job->plain)
        pt_dedup_release(self->dedup, &job->batch);
    s_refuse_job(self, job, job->reason);
}

static void
s_finish_published(pt_accounts_t *self, pt_job_t *job)
{
    if (!job->plain)
        pt_dedup_finish(self->dedup, &job->batch);
    PT_FAULT_POINT("engine.finish.remembered");
    s_count_finished(&self->counters, job);
    pt_histogram_ns_add(&self->counters.latency, pt_clock_ns() - job->taken_ns);
    if (!job->plain) {
        s_acknowledge(self, job);
        return;
    }
    s_send_plain_ack(self, job);
    pt_jobs_return(&self->jobs, job);
}

//  The one place where a message that was taken into work is answered.
static void
s_finish_job(pt_accounts_t *self, pt_job_t *job)
{
    PT_FAULT_POINT("engine.finish.before");
    pt_jobs_end(&self->jobs, job);
    self->links[job->broker].in_work--;
    if (job->refused)
        s_finish_refused(self, job);
    else
        s_finish_published(self, job);
}

static void
s_start_job(pt_accounts_t *self, pt_job_t *job)
{
    self->links[job->broker].in_work++;
    job->taken_ns = pt_clock_ns();
    self->counters.messages++;
    pt_jobs_begin(&self->jobs, job);
    PT_FAULT_POINT("engine.start.before");
    bool finished = pt_crew_start(self->crew, job);
    PT_FAULT_POINT("engine.start.after");
    if (finished)
        pt_accounts_finish(self);
}

//  Whether nothing more may be taken. What is in work finds room: the mark is below the end.
static bool
s_is_full(const pt_accounts_t *self)
{
    return self->journal && pt_store_is_full(self->journal);
}

//  ---- messages from brokers. Each function ends with the job started or returned.

static void
s_drop_garbage(pt_accounts_t *self, pt_job_t *job)
{
    self->counters.garbage++;
    pt_jobs_return(&self->jobs, job);
}

static void
s_take_plain(pt_accounts_t *self, pt_job_t *job)
{
    job->plain = true;
    if (s_is_full(self)) {
        s_refuse_job(self, job, PT_REASON_BUSY);
        return;
    }
    job->batch = (pt_batch_t) {.producer = self->worker, .epoch = self->epoch, .seq = ++self->plain_seq};
    s_start_job(self, job);
}

static void
s_take_new_batch(pt_accounts_t *self, pt_job_t *job)
{
    switch (pt_dedup_take(self->dedup, &job->batch)) {
    case PT_DEDUP_NEW:
        if (s_is_full(self)) {
            pt_dedup_release(self->dedup, &job->batch);
            s_refuse_job(self, job, PT_REASON_BUSY);
        } else {
            PT_FAULT_POINT("engine.batch.new");
            if (!PT_RULE("ack_after_commit"))
                s_send_ack_of_one(self, job);
            s_start_job(self, job);
        }
        return;
    case PT_DEDUP_IN_WORK:
        PT_FAULT_POINT("engine.batch.in_work");
        break;
    case PT_DEDUP_FINISHED:
        PT_FAULT_POINT("engine.batch.finished");
        s_send_ack_of_one(self, job);
        break;
    case PT_DEDUP_CONFLICT:
        s_refuse_job(self, job, PT_REASON_CONFLICT);
        return;
    }
    self->counters.duplicates++;
    pt_jobs_return(&self->jobs, job);
}

static void
s_take_batch(pt_accounts_t *self, pt_job_t *job)
{
    pt_bytes_t header = pt_frames_bytes(&job->message, job->envelope_count);
    pt_status_t status = pt_batch_decode(header, &job->batch);
    if (status == PT_OK && pt_job_payload(job).len > PT_BATCH_BYTES_MAX)
        status = PT_E_SIZE;
    if (status == PT_OK)
        s_take_new_batch(self, job);
    else if (job->batch.seq)
        s_refuse_job(self, job, pt_batch_reason(status, &job->batch));
    else
        s_drop_garbage(self, job);
}

static void
s_take_message(pt_accounts_t *self, pt_job_t *job)
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

//  Some of what is in the link's socket. True: there may be more.
static bool
s_read_link(pt_accounts_t *self, size_t index, int64_t now_ms)
{
    pt_link_t *link = &self->links[index];
    int64_t end_ms = zclock_mono() + S_BURST_MS;
    for (int i = 0; i < S_BURST && pt_link_has_room(link) && zclock_mono() < end_ms; i++) {
        pt_job_t *job = pt_jobs_take(&self->jobs);
        //  Without memory the message stays in the socket until a job comes back.
        if (!job)
            return true;
        if (!pt_link_receive(link, &job->message)) {
            pt_jobs_return(&self->jobs, job);
            return false;
        }
        job->broker = index;
        s_take_message(self, job);
        //  What is finished already has made room.
        pt_link_announce(link, now_ms);
    }
    return true;
}

void
pt_accounts_read(pt_accounts_t *self, size_t index, int64_t now_ms)
{
    assert(self);
    assert(index < self->link_count);

    bool more = s_read_link(self, index, now_ms);
    if (pt_crew_flush(self->crew, more))
        pt_accounts_finish(self);
}

void
pt_accounts_finish(pt_accounts_t *self)
{
    assert(self);

    pt_job_t *job = NULL;
    //  As many as there are: there is credit for no more than the windows, and each makes room.
    while ((job = pt_crew_finish(self->crew)) != NULL)
        s_finish_job(self, job);
    s_send_acks(self);
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
s_restore_dedup(pt_accounts_t *self)
{
    pt_store_view_t *view;
    bool well = pt_store_view_open(self->journal, &view) == PT_OK &&
                pt_store_view_windows(view, s_restore_batch, &self->dedup) == PT_OK;
    pt_store_view_close(&view);
    return well && self->dedup;
}

bool
pt_accounts_open(pt_accounts_t *out_self, const pt_pool_options_t *options)
{
    assert(out_self);
    assert(options);

    pt_accounts_t *self = out_self;
    *self = (pt_accounts_t) {.worker = options->worker, .epoch = options->epoch, .journal = options->journal};
    //  Responses of plain clients are named by these numbers under an epoch that outlives the process.
    if (self->journal)
        self->plain_seq = (pt_store_identity(self->journal).incarnation % S_INCARNATIONS_MAX) << S_PLAIN_SEQ_BITS;
    self->dedup = pt_dedup_new(options->producers);
    if (!self->dedup || (self->journal && PT_RULE("restore_windows") && !s_restore_dedup(self)))
        return false;
    PT_FAULT_POINT("engine.restored");
    return true;
}

bool
pt_accounts_connect(pt_accounts_t *self, const pt_pool_options_t *options, pt_crew_t *crew, const char **out_refused)
{
    assert(self);
    assert(options);
    assert(crew);
    assert(out_refused);

    self->crew = crew;
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

void
pt_accounts_close(pt_accounts_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->link_count; i++)
        pt_link_close(&self->links[i]);
    pt_jobs_clear(&self->jobs);
    pt_dedup_destroy(&self->dedup);
}

void
pt_accounts_show(const pt_accounts_t *self, pt_pool_counters_t *out_counters)
{
    assert(self);
    assert(out_counters);

    *out_counters = self->counters;
    for (size_t i = 0; i < self->link_count; i++) {
        out_counters->hellos += self->links[i].hellos;
        out_counters->connected += pt_link_is_connected(&self->links[i]);
    }
    out_counters->brokers = self->link_count;
    out_counters->in_work = self->jobs.in_work;
}
