/*  Whatever is wrong with a message ends in the job's `refused`, and whatever is wrong with one response in
 *  a decision, so that nothing a peer sends stops it.
 */
#include "pt_decider.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <xxhash.h>

#include "pt_fault_point.h"
#include "pt_packer.h"
#include "pt_triage.h"

//  What a decision usually takes, without what it repeats of its response.
#define S_DECISION_BYTES ((size_t) 512)

//  This clock is a system call, which is as much as a response.
#define S_PACED_ONE_IN 8

struct pt_decider {
    pt_packer_t *packer;
    bool keep;
    pt_poison_t *poison;
    size_t slot;
    pt_stats_seat_t *seat; //  NULL: nobody counts
    pt_triage_t triage;
    size_t train_bytes;
    uint64_t train_ns_min, train_ns_max;
    uint64_t train_ns; //  of the train that is held, or of the next
    pt_train_t held;   //  decided, their decisions not yet gathered
    size_t held_bytes; //  of their payloads
    uint64_t began_ns; //  with the first of them
    bool paces;
    unsigned trains; //  begun
    uint64_t cpu_ns; //  this thread's, when the train began; 0: it is not measured
};

//  Open the payload's items, or refuse the job.
static bool
s_open_items(pt_job_t *job, pt_items_t *out_items)
{
    pt_bytes_t payload = pt_job_payload(job);
    pt_status_t status = PT_E_CHECKSUM;
    if (job->plain) {
        status = pt_items_open_plain(payload, out_items);
        job->batch.count = out_items->left;
    } else if (pt_wire_crc32(payload) == job->batch.crc32) {
        status = pt_items_open_batch(payload, job->batch.count, out_items);
    }
    if (status == PT_OK)
        return true;
    pt_job_refuse(job, job->plain ? PT_REASON_TOO_BIG : pt_batch_reason(status, &job->batch));
    return false;
}

static void
s_count_decision(pt_job_t *job, const pt_triaged_t *triaged)
{
    job->decided[triaged->route]++;
    job->alerts += triaged->alert;
    job->invalid += triaged->invalid;
}

//  Decide about every response of the job. False: no memory for all decisions.
static bool
s_triage_items(pt_decider_t *self, pt_job_t *job, pt_items_t *items, bool poison)
{
    pt_place_t place;
    pt_place_init(&place, job->batch.producer, job->batch.epoch, job->batch.seq, job->plain);
    uint64_t now_ms = (uint64_t) zclock_time();
    pt_bytes_t item;
    for (uint32_t index = 0; pt_items_next(items, &item); index++) {
        uint8_t *room = pt_packer_room(self->packer);
        if (!room)
            return false;
        pt_triaged_t triaged;
        if (poison)
            pt_triage_poison(&self->triage, item, &place, index, now_ms, room, &triaged);
        else
            pt_triage_response(&self->triage, item, &place, index, now_ms, room, &triaged);
        pt_packer_add(self->packer, &triaged);
        if (self->keep && triaged.route != PT_ROUTE_SETTLED)
            pt_packer_keep(self->packer, item);
        s_count_decision(job, &triaged);
        if (self->seat)
            pt_stats_count(self->seat, &triaged);
    }
    return true;
}

//  What the thread itself took: others may have had its core meanwhile.
static uint64_t
s_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static void
s_begin_train(pt_decider_t *self)
{
    self->began_ns = pt_clock_ns();
    self->cpu_ns = self->paces && self->trains++ % S_PACED_ONE_IN == 0 ? s_cpu_ns() : 0;
}

static void
s_read_job(pt_decider_t *self, pt_job_t *job, bool poison)
{
    pt_items_t items;
    if (!s_open_items(job, &items))
        return;
    if (!self->held.first)
        s_begin_train(self);
    pt_train_add(&self->held, job);
    self->held_bytes += pt_job_payload(job).len;
    if (!s_triage_items(self, job, &items, poison)) {
        pt_packer_reset(self->packer);
        pt_job_refuse(self->held.first, PT_REASON_BUSY);
    }
}

//  What a batch is known by among suspects. A plain request is its bytes: it has no other name under
//  which it comes again. No producer has the id 0.
static pt_batch_t
s_suspect_name(const pt_job_t *job)
{
    if (!job->plain)
        return job->batch;
    pt_bytes_t payload = pt_job_payload(job);
    return (pt_batch_t) {.epoch = payload.len, .seq = XXH3_64bits(payload.data, payload.len)};
}

static void
s_decide(pt_decider_t *self, pt_job_t *job)
{
    if (!self->poison) {
        s_read_job(self, job, false);
        return;
    }
    pt_batch_t name = s_suspect_name(job);
    bool poison = pt_poison_is(self->poison, &name);
    pt_poison_enter(self->poison, self->slot, &name);
    PT_FAULT_POINT("decider.entered");
    if (!poison)
        PT_FAULT_BYTES(pt_job_payload(job).data, pt_job_payload(job).len);
    s_read_job(self, job, poison);
    PT_FAULT_POINT("decider.decided");
    pt_poison_leave(self->poison, self->slot, &name);
}

//  From the next job on everything is decided by this catalog; nothing of the old one is left here.
static void
s_take_catalog(pt_decider_t *self, pt_job_t *job)
{
    if (!job->packer)
        return;
    pt_packer_t *packer = self->packer;
    pt_triage_init(&self->triage, job->catalog);
    self->packer = job->packer;
    job->packer = packer;
    if (self->seat)
        pt_stats_catalog(self->seat, job->catalog);
}

//  The most responses that the job can have. Of a plain request only its first byte is looked at: a map is one.
static size_t
s_count_max(const pt_job_t *job)
{
    if (!job->plain)
        return job->batch.count;
    pt_bytes_t payload = pt_job_payload(job);
    bool array = payload.len && ((payload.data[0] & 0xf0) == 0x90 || (payload.data[0] & 0xfe) == 0xdc);
    if (!array)
        return 1;
    return payload.len < PT_BATCH_COUNT_MAX ? payload.len : PT_BATCH_COUNT_MAX;
}

//  What comes with the job, decisions that are not made yet by estimate: a job of few bytes may have many.
static size_t
s_bytes_to_come(const pt_job_t *job)
{
    return pt_job_payload(job).len + s_count_max(job) * S_DECISION_BYTES;
}

static bool
s_fits(const pt_decider_t *self, const pt_job_t *job)
{
    if (!self->held.first)
        return true;
    if (job->catalog || self->held.first->refused || pt_packer_count(self->packer) > PT_BATCH_COUNT_MAX)
        return false;
    return pt_packer_bytes(self->packer) + self->held_bytes + s_bytes_to_come(job) <= self->train_bytes;
}

bool
pt_decider_has_room(const pt_decider_t *self, const pt_job_t *job)
{
    assert(self);
    assert(job);

    return s_fits(self, job) && (!self->held.first || pt_clock_ns() - self->began_ns < self->train_ns);
}

bool
pt_decider_do(pt_decider_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);
    //  Not whether it is in time: that may be over since the caller asked.
    assert(s_fits(self, job));

    PT_FAULT_POINT("decider.took");
    if (job->catalog)
        s_take_catalog(self, job);
    else
        s_decide(self, job);
    return self->held.last != job;
}

//  Where more waits than one train takes, the next may be longer; where all is done, nobody has to wait for others.
static void
s_set_pace(pt_decider_t *self, bool more)
{
    uint64_t longer_ns = self->train_ns < self->train_ns_max / 2 ? 2 * self->train_ns : self->train_ns_max;
    self->train_ns = more ? longer_ns : self->train_ns_min;
}

pt_job_t *
pt_decider_release(pt_decider_t *self, bool more)
{
    assert(self);

    s_set_pace(self, more);
    pt_job_t *job = self->held.first;
    if (job && !job->refused && !pt_packer_gather(self->packer, job))
        pt_job_refuse(job, PT_REASON_BUSY);
    if (job && self->cpu_ns)
        job->took_ns = s_cpu_ns() - self->cpu_ns;
    self->held = (pt_train_t) {0};
    self->held_bytes = 0;
    return job;
}

pt_decider_t *
pt_decider_new(const pt_decider_options_t *options)
{
    assert(options);
    assert(options->catalog);
    assert(options->train_ns_min <= options->train_ns_max);

    pt_decider_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    pt_triage_init(&self->triage, options->catalog);
    self->triage.masking = options->masking;
    self->keep = options->keep;
    self->train_bytes = options->train_bytes;
    self->train_ns = self->train_ns_min = options->train_ns_min;
    self->train_ns_max = options->train_ns_max;
    self->paces = options->paces;
    self->poison = options->poison;
    self->slot = options->slot;
    self->seat = options->stats ? pt_stats_seat(options->stats) : NULL;
    if (self->seat)
        pt_stats_catalog(self->seat, options->catalog);
    if (self->seat || !options->stats)
        self->packer = pt_packer_new(options->catalog);
    if (!self->packer)
        pt_decider_destroy(&self);
    return self;
}

void
pt_decider_destroy(pt_decider_t **self_p)
{
    assert(self_p);

    pt_decider_t *self = *self_p;
    if (!self)
        return;
    if (self->seat)
        pt_stats_catalog(self->seat, NULL);
    pt_packer_destroy(&self->packer);
    free(self);
    *self_p = NULL;
}
