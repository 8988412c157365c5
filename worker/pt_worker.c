/*  A loop around pt_triage. Whatever is wrong with a message ends in the job's `refused`, and
 *  whatever is wrong with one response in a decision, so that nothing a peer sends stops it.
 */
#include "pt_worker.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "pt_fault_point.h"
#include "pt_packer.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  Jobs between two looks at the pipe.
#define S_BURST 64

typedef struct {
    zsock_t *work;
    zsock_t *next;
    pt_packer_t *packer;
    bool keep;
    pt_poison_t *poison;
    size_t slot;
    pt_stats_seat_t *seat; //  NULL: nobody counts
    pt_triage_t triage;
} s_worker_t;

static void
s_refuse_job(pt_job_t *job, pt_reason_t reason)
{
    job->refused = true;
    job->reason = reason;
    memset(job->decided, 0, sizeof(job->decided));
    job->alerts = 0;
    job->invalid = 0;
}

//  Open the payload's items, or refuse the job.
static bool
s_open_items(pt_job_t *job, pt_items_t *out_items)
{
    pt_bytes_t payload = pt_job_payload(job);
    if (job->plain) {
        pt_items_open_plain(payload, out_items);
        //  What is over the limit of a batch is one response, which is then too long.
        if (payload.len > PT_BATCH_BYTES_MAX)
            *out_items = (pt_items_t) {payload, 1, true};
        job->batch.count = out_items->left;
        return true;
    }
    pt_status_t status = PT_E_CHECKSUM;
    if (pt_wire_crc32(payload) == job->batch.crc32)
        status = pt_items_open_batch(payload, job->batch.count, out_items);
    if (status == PT_OK)
        return true;
    s_refuse_job(job, pt_batch_reason(status, &job->batch));
    return false;
}

static void
s_count_decision(pt_job_t *job, const pt_triaged_t *triaged)
{
    job->decided[triaged->route]++;
    job->alerts += triaged->alert;
    job->invalid += triaged->invalid;
}

//  Decide about every response of the job. False when out of memory.
static bool
s_triage_items(s_worker_t *self, pt_job_t *job, pt_items_t *items, bool poison)
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
    return pt_packer_gather(self->packer, job);
}

static void
s_read_job(s_worker_t *self, pt_job_t *job, bool poison)
{
    pt_items_t items;
    if (!s_open_items(job, &items))
        return;
    if (!s_triage_items(self, job, &items, poison)) {
        pt_packer_reset(self->packer);
        s_refuse_job(job, PT_REASON_BUSY);
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
s_do_job(s_worker_t *self, pt_job_t *job)
{
    if (!self->poison) {
        s_read_job(self, job, false);
        return;
    }
    pt_batch_t name = s_suspect_name(job);
    bool poison = pt_poison_is(self->poison, &name);
    pt_poison_enter(self->poison, self->slot, &name);
    PT_FAULT_POINT("worker.entered");
    if (!poison)
        PT_FAULT_BYTES(pt_job_payload(job).data, pt_job_payload(job).len);
    s_read_job(self, job, poison);
    PT_FAULT_POINT("worker.decided");
    pt_poison_leave(self->poison, self->slot, &name);
}

//  From the next job on everything is decided by this catalog; nothing of the old one is left here.
static void
s_take_catalog(s_worker_t *self, pt_job_t *job)
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

static void
s_worker_close(s_worker_t **self_p)
{
    s_worker_t *self = *self_p;
    if (!self)
        return;
    if (self->seat)
        pt_stats_catalog(self->seat, NULL);
    zsock_destroy(&self->work);
    zsock_destroy(&self->next);
    pt_packer_destroy(&self->packer);
    free(self);
    *self_p = NULL;
}

static s_worker_t *
s_worker_open(const pt_worker_options_t *options)
{
    s_worker_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    pt_triage_init(&self->triage, options->catalog);
    self->triage.masking = options->masking;
    self->keep = options->keep;
    self->poison = options->poison;
    self->slot = options->slot;
    self->seat = options->stats ? pt_stats_seat(options->stats) : NULL;
    if (self->seat)
        pt_stats_catalog(self->seat, options->catalog);
    self->work = pt_sockets_new(ZMQ_PAIR, 0, 0);
    self->next = pt_sockets_new(ZMQ_PUSH, 0, 0);
    bool counts = self->seat || !options->stats;
    if (counts && self->work && self->next && pt_sockets_connect(self->work, options->work) == PT_OK &&
        pt_sockets_connect(self->next, options->next) == PT_OK)
        self->packer = pt_packer_new(options->catalog);
    if (!self->packer) {
        int reason = errno;
        s_worker_close(&self);
        errno = reason;
    }
    return self;
}

//  Do some of the jobs that wait. False: none is left.
static bool
s_do_jobs(s_worker_t *self)
{
    for (int i = 0; i < S_BURST; i++) {
        pt_job_t *job = pt_job_take(zsock_resolve(self->work));
        if (!job)
            return false;
        PT_FAULT_POINT("worker.took");
        if (job->catalog)
            s_take_catalog(self, job);
        else
            s_do_job(self, job);
        PT_FAULT_POINT("worker.hand.before");
        pt_job_hand(zsock_resolve(self->next), job);
        PT_FAULT_POINT("worker.hand.after");
    }
    return true;
}

static void
s_worker_run(zsock_t *pipe, void *argument)
{
    s_worker_t *self = argument;
    pt_wait_item_t items[] = {
        pt_wait_socket(zsock_resolve(pipe)),
        pt_wait_socket(zsock_resolve(self->work)),
    };
    zsock_signal(pipe, 0);
    for (;;) {
        pt_wait(items, 2, -1);
        //  The only command is the end.
        if (items[0].ready)
            break;
        items[1].empty = !s_do_jobs(self);
    }
    s_worker_close(&self);
}

zactor_t *
pt_worker_new(const pt_worker_options_t *options)
{
    assert(options);
    assert(options->catalog);
    assert(options->work);
    assert(options->next);

    s_worker_t *self = s_worker_open(options);
    if (!self)
        return NULL;
    zactor_t *actor = zactor_new(s_worker_run, self);
    if (!actor)
        s_worker_close(&self);
    return actor;
}
