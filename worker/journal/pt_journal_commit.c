/*  Outputs of one topic from all jobs become one record, or as many as it takes: a record costs the
 *  store the same for one decision as for hundreds.
 */
#include "pt_journal_commit.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_fault_point.h"

//  Trimmed at most along with a commit: more than it adds, and little enough to keep it short.
#define S_TRIM_BYTES (8u << 20)

static bool
s_is_kept(const pt_commit_t *self, const pt_output_t *output)
{
    return output->queue != PT_QUEUE_SETTLED || self->settled;
}

bool
pt_commit_wants(const pt_commit_t *self, const pt_job_t *job)
{
    assert(self);
    assert(job);

    for (size_t i = 0; i < job->output_count && !job->refused; i++)
        if (s_is_kept(self, &job->outputs[i]))
            return true;
    return false;
}

static pt_bytes_t
s_bytes(const zmq_msg_t *message)
{
    //  libzmq's readers take no const, although they change nothing.
    zmq_msg_t *readable = (zmq_msg_t *) (uintptr_t) message;
    return (pt_bytes_t) {zmq_msg_data(readable), zmq_msg_size(readable)};
}

void
pt_commit_add(pt_commit_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);
    assert(self->job_count <= PT_JOURNAL_JOBS_MAX);

    self->jobs[self->job_count++] = job;
    for (const pt_job_t *one = job; one; one = one->behind)
        self->batch_count++;
    for (size_t i = 0; i < job->output_count; i++)
        self->bytes += s_bytes(&job->outputs[i].items).len + s_bytes(&job->outputs[i].responses).len;
}

static bool
s_make_entry_room(pt_commit_t *self, size_t count)
{
    if (count <= self->entry_capacity)
        return true;
    size_t capacity = 2 * count;
    pt_commit_entry_t *entries = realloc(self->entries, capacity * sizeof(*entries));
    if (entries)
        self->entries = entries;
    pt_store_part_t *parts = entries ? realloc(self->parts, capacity * sizeof(*parts)) : NULL;
    if (!parts)
        return false;
    self->parts = parts;
    self->entry_capacity = capacity;
    return true;
}

//  By topic, and in the order of arrival within it.
static int
s_compare_entries(const void *left, const void *right)
{
    const pt_commit_entry_t *a = left;
    const pt_commit_entry_t *b = right;
    int order = strcmp(a->output->topic, b->output->topic);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

//  A topic for an output: its own, or where the journal has no place for another, that of its queue's
//  unknown gateways, for which places are spared. Decisions say themselves whose they are.
static pt_status_t
s_place_output(pt_commit_t *self, pt_output_t *output)
{
    pt_status_t status = pt_store_add_topic(self->store, output->topic, PT_QUEUE_COUNT_);
    if (status != PT_E_COUNT)
        return status;
    char shared[PT_TOPIC_BYTES_MAX + 1];
    shared[pt_wire_topic(pt_queue_text(output->queue), PT_TEXT("-"), shared)] = 0;
    if (strcmp(output->topic, shared) != 0)
        self->folded += output->count;
    memcpy(output->topic, shared, sizeof(shared));
    return pt_store_add_topic(self->store, output->topic, 0);
}

//  List the outputs to keep, each with a topic that the store has.
static pt_status_t
s_list_entries(pt_commit_t *self, size_t *out_count)
{
    size_t count = 0;
    for (size_t i = 0; i < self->job_count; i++)
        count += self->jobs[i]->output_count;
    if (!s_make_entry_room(self, count))
        return PT_E_NOMEM;
    count = 0;
    self->folded = 0;
    for (size_t i = 0; i < self->job_count; i++)
        for (size_t j = 0; j < self->jobs[i]->output_count; j++) {
            pt_output_t *output = &self->jobs[i]->outputs[j];
            if (!s_is_kept(self, output))
                continue;
            pt_status_t status = s_place_output(self, output);
            if (status != PT_OK)
                return status;
            self->entries[count] = (pt_commit_entry_t) {output, (uint32_t) count};
            count++;
        }
    if (count)
        qsort(self->entries, count, sizeof(*self->entries), s_compare_entries);
    *out_count = count;
    return PT_OK;
}

//  Write the entries from `first` on that make one record; their number, or 0 with *out_status.
static size_t
s_write_record(pt_commit_t *self, size_t first, size_t count, uint64_t now_ms, pt_status_t *out_status)
{
    const char *topic = self->entries[first].output->topic;
    uint32_t decisions = 0;
    size_t bytes = 0;
    size_t n = 0;
    for (; first + n < count && strcmp(self->entries[first + n].output->topic, topic) == 0; n++) {
        const pt_output_t *output = self->entries[first + n].output;
        pt_store_part_t part = {output->count, output->crc32, s_bytes(&output->items), s_bytes(&output->responses)};
        if (n && !pt_store_fits(decisions, bytes, &part))
            break;
        self->parts[n] = part;
        decisions += part.count;
        bytes += part.items.len;
    }
    uint64_t seq;
    *out_status = pt_store_append(self->store, topic, self->parts, n, now_ms, &seq);
    if (*out_status != PT_OK)
        return 0;
    for (size_t i = 0; i < n; i++) {
        self->entries[first + i].output->first_seq = seq;
        seq += self->entries[first + i].output->count;
    }
    return n;
}

static pt_status_t
s_write_outputs(pt_commit_t *self, size_t *out_count, uint64_t now_ms)
{
    pt_status_t status = s_list_entries(self, out_count);
    for (size_t done = 0; done < *out_count && status == PT_OK;)
        done += s_write_record(self, done, *out_count, now_ms, &status);
    return status;
}

//  The next batch to remember, behind `job` of the train at *train; NULL: there is none.
static const pt_job_t *
s_next_batch(const pt_commit_t *self, size_t *train, const pt_job_t *job)
{
    do {
        job = job ? job->behind : NULL;
        while (!job && ++*train < self->job_count)
            job = self->jobs[*train];
    } while (job && job->plain);
    return job;
}

static bool
s_is_of_window(const pt_batch_t *left, const pt_batch_t *right)
{
    return left->producer == right->producer && left->epoch == right->epoch;
}

//  The highest floor of the batches that follow each other in one window. Each raises it by what it was itself in work:
//  to raise it once spares the store to write and delete for each of them.
static uint64_t
s_find_floor(const pt_commit_t *self, size_t train, const pt_job_t *job)
{
    const pt_batch_t *first = &job->batch;
    uint64_t floor = first->floor;
    for (; job && s_is_of_window(first, &job->batch); job = s_next_batch(self, &train, job))
        if (job->batch.floor > floor)
            floor = job->batch.floor;
    return floor;
}

static pt_status_t
s_write_batches(pt_commit_t *self, uint64_t now_ms)
{
    pt_status_t status = PT_OK;
    const pt_batch_t *before = NULL;
    uint64_t floor = 0;
    size_t train = SIZE_MAX;
    const pt_job_t *job = NULL;
    while (status == PT_OK && (job = s_next_batch(self, &train, job)) != NULL) {
        const pt_batch_t *batch = &job->batch;
        if (!before || !s_is_of_window(before, batch))
            floor = s_find_floor(self, train, job);
        before = batch;
        status = pt_store_remember(self->store, batch->producer, batch->epoch, floor, batch->seq, batch->crc32, now_ms);
    }
    return status;
}

static pt_status_t
s_write_subscribe(pt_commit_t *self, const pt_request_t *request, uint64_t now_ms)
{
    pt_text_t prefixes[PT_STORE_PREFIXES_MAX];
    for (size_t i = 0; i < request->prefix_count; i++)
        prefixes[i] = pt_text_of(request->prefixes[i]);
    return pt_store_subscribe(self->store, request->name, request->durable, prefixes, request->prefix_count, now_ms);
}

//  A topic that is not known or a number that was not given is passed over; a name is not.
static pt_status_t
s_write_positions(pt_commit_t *self, const pt_request_t *request, uint64_t now_ms)
{
    if (!pt_store_has_subscriber(self->store, request->name))
        return PT_E_NOT_FOUND;
    for (size_t i = 0; i < request->topic_count; i++) {
        pt_status_t status = pt_store_position(self->store, request->name, request->topics[i].topic,
                                               request->topics[i].next_seq, now_ms);
        if (status == PT_E_IO || status == PT_E_SPACE)
            return status;
    }
    return PT_OK;
}

static pt_status_t
s_write_requests(pt_commit_t *self, uint64_t now_ms)
{
    for (size_t i = 0; i < self->request_count; i++) {
        pt_request_t *request = self->requests[i];
        if (request->kind == PT_REQUEST_SUBSCRIBE)
            request->status = s_write_subscribe(self, request, now_ms);
        else if (request->kind == PT_REQUEST_POSITION)
            request->status = s_write_positions(self, request, now_ms);
        else if (request->kind == PT_REQUEST_DISCARD)
            request->status = pt_store_discard(self->store, request->topics[0].topic, request->topics[0].next_seq,
                                               request->unread_too, S_TRIM_BYTES);
        else
            request->status = pt_store_forget(self->store, request->name);
        if (request->status == PT_E_IO || request->status == PT_E_SPACE)
            return request->status;
    }
    return PT_OK;
}

//  How far each topic is, now that all of the commit is in it.
static void
s_note_heads(const pt_commit_t *self, size_t count)
{
    pt_store_head_t head = {.topic = ""};
    for (size_t i = 0; i < count; i++) {
        pt_output_t *output = self->entries[i].output;
        if (strcmp(head.topic, output->topic) != 0) {
            bool known = pt_store_head(self->store, output->topic, &head);
            assert(known);
            (void) known;
        }
        output->head_seq = head.next_seq;
        output->first_retained = head.first_retained;
    }
}

//  Nothing in the product: what a worker does that commits late, or windows before decisions.
static void
s_break_rules(pt_commit_t *self, uint64_t now_ms)
{
    if (!PT_RULE("publish_after_commit") && self->late)
        (void) !pt_store_commit(self->store);
    if (!PT_RULE("one_transaction") && pt_store_begin(self->store) == PT_OK) {
        (void) !s_write_batches(self, now_ms);
        (void) !pt_store_commit(self->store);
    }
}

//  All that the commit holds, into one transaction; and what has to go for it.
static pt_status_t
s_write_all(pt_commit_t *self, uint64_t now_ms, size_t *out_count)
{
    pt_status_t status = pt_store_begin(self->store);
    PT_FAULT_POINT("commit.begun");
    if (status == PT_OK)
        status = s_write_outputs(self, out_count, now_ms);
    PT_FAULT_POINT("commit.outputs");
    if (status == PT_OK)
        status = s_write_batches(self, now_ms);
    PT_FAULT_POINT("commit.batches");
    if (status == PT_OK)
        status = s_write_requests(self, now_ms);
    PT_FAULT_POINT("commit.requests");
    if (status == PT_OK && !self->tight && pt_store_wants_trim(self->store))
        status = pt_store_trim(self->store, S_TRIM_BYTES);
    return status;
}

pt_status_t
pt_commit_write(pt_commit_t *self, uint64_t now_ms)
{
    assert(self);

    size_t count = 0;
    s_break_rules(self, now_ms);
    pt_status_t status = s_write_all(self, now_ms, &count);
    if (status == PT_OK) {
        s_note_heads(self, count);
        PT_FAULT_POINT("commit.written");
        self->late = !PT_RULE("publish_after_commit");
        status = self->late ? PT_OK : pt_store_commit_unsynced(self->store);
        if (status == PT_OK && self->folded)
            pt_store_note_folded(self->store, self->folded);
        return status;
    }
    pt_store_abort(self->store);
    return status;
}

void
pt_commit_clear(pt_commit_t *self)
{
    assert(self);

    self->job_count = 0;
    self->batch_count = 0;
    self->request_count = 0;
    self->bytes = 0;
}
