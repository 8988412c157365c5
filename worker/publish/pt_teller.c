/*  In the hot path, where alerts are folded, nothing is encoded and nothing allocated: that is for what is
 *  told, of which each kind has one in a window.
 */
#include "pt_teller.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_decision.h"
#include "pt_decision_limits.h"
#include "pt_items.h"
#include "pt_likeness.h"
#include "pt_packer.h"

//  Of one job: a commit of a small journal must have room for them.
#define S_SUMMARIES_MAX 64

//  A decision to be told: borrowed bytes, or an offset in the room.
typedef struct {
    const char *suffix; //  of its topic, from the dot on; NULL: as that of
    uint32_t output;    //  its route's output
    const uint8_t *data;
    size_t offset; //  where data is NULL
    size_t bytes;
    uint32_t order;
} s_told_t;

struct pt_teller {
    pt_likeness_t likenesses[PT_LIKENESSES];
    pt_alerts_t *alerts;
    pt_stats_t *stats;
    s_told_t *told;
    size_t told_count;
    size_t told_capacity;
    uint8_t *room;
    size_t room_used;
    size_t room_bytes;
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
    free(self->told);
    free(self->room);
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

static bool
s_make_room(pt_teller_t *self)
{
    if (self->room_bytes - self->room_used >= PT_DECISION_BYTES_MAX)
        return true;
    size_t bytes = 2 * self->room_bytes + PT_DECISION_BYTES_MAX;
    uint8_t *room = realloc(self->room, bytes);
    if (!room)
        return false;
    self->room = room;
    self->room_bytes = bytes;
    return true;
}

static s_told_t *
s_add_told(pt_teller_t *self)
{
    if (self->told_count == self->told_capacity) {
        size_t capacity = self->told_capacity ? 2 * self->told_capacity : 64;
        s_told_t *told = realloc(self->told, capacity * sizeof(*told));
        if (!told)
            return NULL;
        self->told = told;
        self->told_capacity = capacity;
    }
    s_told_t *told = &self->told[self->told_count];
    *told = (s_told_t) {.order = (uint32_t) self->told_count++};
    return told;
}

//  False when out of memory.
static bool
s_add_decision(pt_teller_t *self, const char *suffix, uint32_t output, const pt_decision_t *decision)
{
    if (!s_make_room(self))
        return false;
    s_told_t *told = s_add_told(self);
    if (!told)
        return false;
    told->suffix = suffix;
    told->output = output;
    told->offset = self->room_used;
    pt_status_t status = pt_decision_encode(decision, self->room + told->offset, PT_DECISION_BYTES_MAX, &told->bytes);
    assert(status == PT_OK);
    (void) status;
    self->room_used += told->bytes;
    return true;
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

static const char *
s_suffix_of(const pt_job_t *job, uint32_t output)
{
    return strchr(job->outputs[output].topic, '.');
}

static bool
s_tell_as_it_is(pt_teller_t *self, const pt_job_t *job, const pt_raised_t *raised)
{
    pt_bytes_t bytes = s_bytes_of(job, raised);
    s_told_t *told = s_add_told(self);
    if (!told)
        return false;
    told->output = raised->output;
    told->data = bytes.data;
    told->bytes = bytes.len;
    return true;
}

static bool
s_tell(pt_teller_t *self, const pt_job_t *job, const pt_raised_t *raised)
{
    pt_decision_t decision;
    if (raised->kind == PT_ALERT_ACTIVE && !raised->is_unknown)
        return s_tell_as_it_is(self, job, raised);
    s_decode(self, s_bytes_of(job, raised), &decision);
    decision.alert.active = true;
    decision.alert.count = raised->receipt.count;
    if (raised->is_unknown)
        decision.alert.nearest = pt_likeness_find(self->likenesses, job->decided_by, raised->key, &decision);
    if (raised->kind == PT_ALERT_ACTIVE && !pt_text_is_set(decision.alert.nearest))
        return s_tell_as_it_is(self, job, raised);
    return s_add_decision(self, NULL, raised->output, &decision);
}

static bool
s_count_raised(pt_teller_t *self, pt_job_t *job, pt_raised_t *raised, int64_t now_ms, uint64_t decided_ms)
{
    raised->receipt = pt_alerts_count(self->alerts, raised->key, raised->kind, raised->rate, now_ms, decided_ms);
    if (raised->receipt.fate == PT_ALERT_TOLD)
        return s_tell(self, job, raised);
    if (pt_alerts_wants_sample(self->alerts, &raised->receipt))
        pt_alerts_keep_sample(self->alerts, &raised->receipt,
                              s_make_sample(self, s_suffix_of(job, raised->output), s_bytes_of(job, raised)));
    return true;
}

//  ---- outputs

static const char *
s_suffix(const s_told_t *told, const pt_job_t *job)
{
    return told->suffix ? told->suffix : s_suffix_of(job, told->output);
}

static int
s_compare_told(const void *left, const void *right, void *job)
{
    const s_told_t *a = left;
    const s_told_t *b = right;
    int order = strcmp(s_suffix(a, job), s_suffix(b, job));
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

//  How many from `first` on go into one output, and the bytes of its array.
static size_t
s_measure_output(const pt_teller_t *self, const pt_job_t *job, size_t first, size_t *out_bytes)
{
    size_t n = 0;
    size_t bytes = 0;
    for (; first + n < self->told_count; n++) {
        const s_told_t *told = &self->told[first + n];
        bool fits = PT_ITEMS_HEAD_BYTES_MAX + bytes + told->bytes <= PT_PACKER_FRAME_BYTES_MAX;
        if (n && (!fits || strcmp(s_suffix(told, job), s_suffix(&self->told[first], job)) != 0))
            break;
        bytes += told->bytes;
    }
    *out_bytes = bytes + pt_items_head_bytes((uint32_t) n);
    return n;
}

//  One output from `first` on. The number that is in it; 0: out of memory.
static size_t
s_add_output(pt_teller_t *self, size_t first, pt_job_t *job)
{
    size_t bytes;
    size_t n = s_measure_output(self, job, first, &bytes);
    pt_output_t *output = pt_job_add_output(job);
    if (!output)
        return 0;
    //  What libzmq leaves then cannot be closed.
    if (zmq_msg_init_size(&output->items, bytes) != 0) {
        zmq_msg_init(&output->items);
        return 0;
    }
    output->queue = PT_QUEUE_OPERATOR_ALERT;
    output->count = (uint32_t) n;
    snprintf(output->topic, sizeof(output->topic), "%s%s", pt_queue_text(PT_QUEUE_OPERATOR_ALERT),
             s_suffix(&self->told[first], job));
    uint8_t *start = zmq_msg_data(&output->items);
    uint8_t *at = pt_items_write_head(start, output->count);
    for (size_t i = 0; i < n; i++) {
        const s_told_t *told = &self->told[first + i];
        memcpy(at, told->data ? told->data : self->room + told->offset, told->bytes);
        at += told->bytes;
    }
    output->crc32 = pt_wire_crc32((pt_bytes_t) {start, bytes});
    return n;
}

//  Outputs of all that is told, by topic. False when out of memory.
static bool
s_add_outputs(pt_teller_t *self, pt_job_t *job)
{
    if (self->told_count > 1)
        qsort_r(self->told, self->told_count, sizeof(*self->told), s_compare_told, job);
    size_t done = 0;
    while (done < self->told_count) {
        size_t n = s_add_output(self, done, job);
        if (n == 0)
            return false;
        done += n;
    }
    return true;
}

static void
s_start_over(pt_teller_t *self)
{
    self->told_count = 0;
    self->room_used = 0;
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
    s_start_over(self);
    while (well && counted < job->raised_count)
        well = s_count_raised(self, job, &job->raised[counted++], now_ms, decided_ms);
    well = well && s_add_outputs(self, job);
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

    return pt_alerts_due_ms(self->alerts);
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
    return s_add_decision(self, suffix, 0, &decision);
}

bool
pt_teller_sum_up(pt_teller_t *self, int64_t now_ms, bool at_the_end, pt_job_t *job)
{
    assert(self);
    assert(job);
    assert(!job->output_count && !job->raised_count);

    pt_alert_summary_t summary;
    bool well = true;
    s_start_over(self);
    while (well && self->told_count < S_SUMMARIES_MAX && pt_alerts_sum_up(self->alerts, now_ms, at_the_end, &summary)) {
        well = s_add_summary(self, &summary, job);
        if (!well)
            pt_alerts_undo(self->alerts, &summary.receipt);
    }
    well = well && s_add_outputs(self, job);
    if (!well || !self->told_count) {
        s_undo(self, job, self->told_count);
        pt_job_drop_outputs(job);
        return false;
    }
    s_count_fates(self, job, false);
    return true;
}
