/*  In the hot path, where alerts are folded, nothing is encoded and nothing allocated: that is for what is
 *  told, of which each kind has one in a window.
 */
#include "pt_teller.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_decision.h"
#include "pt_decision_limits.h"
#include "pt_likeness.h"
#include "pt_told.h"

//  Of one job: a commit of a small journal must have room for them.
#define S_SUMMARIES_MAX 64

//  After summaries that found no memory.
#define S_AGAIN_MS 1000

struct pt_teller {
    pt_likeness_t likenesses[PT_LIKENESSES];
    pt_alerts_t *alerts;
    pt_stats_t *stats;
    pt_told_t told;
    int64_t again_ms; //  no summaries before, for want of memory
    pt_pair_t fields[PT_FIELDS_MAX];
    uint8_t sample[PT_ALERTS_SAMPLE_BYTES_MAX];
};

pt_teller_t *
pt_teller_new(const pt_alerts_options_t *options, pt_stats_t *stats)
{
    assert(options);

    pt_teller_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->stats = stats;
    self->alerts = pt_alerts_new(options);
    if (!self->alerts)
        pt_teller_destroy(&self);
    return self;
}

void
pt_teller_destroy(pt_teller_t **self_p)
{
    assert(self_p);

    pt_teller_t *self = *self_p;
    if (!self)
        return;
    pt_alerts_destroy(&self->alerts);
    pt_told_clear(&self->told);
    free(self);
    *self_p = NULL;
}

//  ---- decisions, decoded and encoded again

//  What we encoded ourselves a moment ago can be decoded; its texts are masked already.
static void
s_decode(pt_teller_t *self, pt_bytes_t bytes, pt_decision_t *out)
{
    pt_status_t status = pt_decision_decode(bytes, self->fields, out);
    assert(status == PT_OK);
    (void) status;
    out->masking = PT_MASKING_NONE;
}

//  What stands for others need not show all that is known of it: its own decision is on its route.
static size_t
s_shorten(pt_teller_t *self, pt_bytes_t bytes, uint8_t *out, size_t capacity)
{
    pt_decision_t decision;
    s_decode(self, bytes, &decision);
    decision.param_count = decision.reason_count = decision.field_count = 0;
    decision.raw.len = 0;
    decision.message = pt_text_cut(decision.message, PT_CODE_BYTES_MAX);
    size_t len;
    pt_status_t status = pt_decision_encode(&decision, out, capacity, &len);
    //  The sum of all limits that are left is below it.
    assert(status == PT_OK);
    (void) status;
    return len;
}

//  Its topic from the dot on, a zero byte, and the decision.
static pt_bytes_t
s_make_sample(pt_teller_t *self, const char *suffix, pt_bytes_t bytes)
{
    size_t skip = strlen(suffix) + 1;
    size_t capacity = sizeof(self->sample) - skip;
    size_t len = bytes.len;
    memcpy(self->sample, suffix, skip);
    if (len <= capacity)
        memcpy(self->sample + skip, bytes.data, len);
    else
        len = s_shorten(self, bytes, self->sample + skip, capacity);
    return (pt_bytes_t) {self->sample, skip + len};
}

//  ---- what is told

static pt_bytes_t
s_bytes_of(const pt_job_t *job, const pt_raised_t *raised)
{
    zmq_msg_t *items = (zmq_msg_t *) (uintptr_t) &job->outputs[raised->output].items;
    return (pt_bytes_t) {(const uint8_t *) zmq_msg_data(items) + raised->offset, raised->bytes};
}

static bool
s_tell(pt_teller_t *self, const pt_job_t *job, const pt_raised_t *raised)
{
    pt_decision_t decision;
    if (raised->kind == PT_ALERT_ACTIVE && !raised->is_unknown)
        return pt_told_add(&self->told, raised->output, s_bytes_of(job, raised));
    s_decode(self, s_bytes_of(job, raised), &decision);
    decision.alert.active = true;
    decision.alert.count = raised->receipt.count;
    if (raised->is_unknown)
        decision.alert.nearest = pt_likeness_find(self->likenesses, job->decided_by, raised->key, &decision);
    if (raised->kind == PT_ALERT_ACTIVE && !pt_text_is_set(decision.alert.nearest))
        return pt_told_add(&self->told, raised->output, s_bytes_of(job, raised));
    return pt_told_add_decision(&self->told, NULL, raised->output, &decision);
}

static bool
s_count_raised(pt_teller_t *self, pt_job_t *job, pt_raised_t *raised, int64_t now_ms, uint64_t decided_ms)
{
    raised->receipt = pt_alerts_count(self->alerts, raised->key, raised->kind, raised->rate, now_ms, decided_ms);
    if (raised->receipt.fate == PT_ALERT_TOLD)
        return s_tell(self, job, raised);
    if (pt_alerts_wants_sample(self->alerts, &raised->receipt))
        pt_alerts_keep_sample(self->alerts, &raised->receipt,
                              s_make_sample(self, pt_told_suffix(job, raised->output), s_bytes_of(job, raised)));
    return true;
}

static void
s_drop_outputs_from(pt_job_t *job, size_t first)
{
    while (job->output_count > first) {
        pt_output_t *output = &job->outputs[--job->output_count];
        zmq_msg_close(&output->items);
        zmq_msg_close(&output->responses);
    }
}

static void
s_undo(pt_teller_t *self, const pt_job_t *job, size_t count)
{
    while (count > 0)
        pt_alerts_undo(self->alerts, &job->raised[--count].receipt);
}

//  Responses that alerts were told, folded and summed up for.
static void
s_count_fates(pt_teller_t *self, const pt_job_t *job, bool undone)
{
    pt_stats_alerts_t sums = {0};
    for (size_t i = 0; i < job->raised_count; i++) {
        pt_alert_fate_t fate = job->raised[i].receipt.fate;
        sums.told += fate == PT_ALERT_TOLD;
        sums.folded += fate == PT_ALERT_FOLDED;
        sums.summaries += fate == PT_ALERT_SUMMED;
    }
    sums.keys = pt_alerts_keys(self->alerts);
    pt_stats_alerts(self->stats, &sums, undone);
}

bool
pt_teller_take(pt_teller_t *self, pt_job_t *job, int64_t now_ms)
{
    assert(self);
    assert(job);

    if (!job->raised_count)
        return true;
    size_t output_count = job->output_count;
    uint64_t decided_ms = (uint64_t) zclock_time();
    size_t counted = 0;
    bool well = true;
    pt_told_start(&self->told);
    while (well && counted < job->raised_count)
        well = s_count_raised(self, job, &job->raised[counted++], now_ms, decided_ms);
    well = well && pt_told_add_outputs(&self->told, job);
    if (well) {
        s_count_fates(self, job, false);
        return true;
    }
    s_undo(self, job, counted);
    s_drop_outputs_from(job, output_count);
    return false;
}

void
pt_teller_undo(pt_teller_t *self, const pt_job_t *job)
{
    assert(self);
    assert(job);

    s_undo(self, job, job->raised_count);
    s_count_fates(self, job, true);
}

//  ---- summaries

int64_t
pt_teller_due_ms(const pt_teller_t *self)
{
    assert(self);

    int64_t due_ms = pt_alerts_due_ms(self->alerts);
    return due_ms > self->again_ms ? due_ms : self->again_ms;
}

static bool
s_add_summary(pt_teller_t *self, const pt_alert_summary_t *summary, pt_job_t *job)
{
    pt_decision_t decision;
    pt_raised_t *raised = pt_job_add_raised(job);
    if (!raised)
        return false;
    *raised = (pt_raised_t) {.kind = PT_ALERT_ACTIVE, .receipt = summary->receipt};
    const char *suffix = (const char *) summary->sample.data;
    size_t skip = strlen(suffix) + 1;
    s_decode(self, (pt_bytes_t) {summary->sample.data + skip, summary->sample.len - skip}, &decision);
    decision.alert.active = true;
    decision.alert.count = summary->receipt.count;
    decision.alert.fold = summary->others ? PT_FOLD_OTHERS : PT_FOLD_SAME;
    decision.alert.first_ms = summary->first_ms;
    decision.alert.last_ms = summary->last_ms;
    return pt_told_add_decision(&self->told, suffix, 0, &decision);
}

bool
pt_teller_sum_up(pt_teller_t *self, int64_t now_ms, bool at_the_end, pt_job_t *job)
{
    assert(self);
    assert(job);
    assert(!job->output_count && !job->raised_count);

    pt_alert_summary_t summary;
    bool well = true;
    pt_told_start(&self->told);
    if (!at_the_end && now_ms < self->again_ms)
        return false;
    while (well && self->told.count < S_SUMMARIES_MAX && pt_alerts_sum_up(self->alerts, now_ms, at_the_end, &summary)) {
        well = s_add_summary(self, &summary, job);
        if (!well)
            pt_alerts_undo(self->alerts, &summary.receipt);
    }
    well = well && pt_told_add_outputs(&self->told, job);
    if (!well)
        self->again_ms = now_ms + S_AGAIN_MS;
    if (!well || !self->told.count) {
        s_undo(self, job, self->told.count);
        pt_job_drop_outputs(job);
        return false;
    }
    s_count_fates(self, job, false);
    return true;
}
