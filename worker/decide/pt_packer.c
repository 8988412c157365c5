/*  Decisions are encoded one behind the other, whatever their topic; lists of links gather them. */
#include "pt_packer.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_items.h"
#include "pt_store.h"

//  Usual for 4096 decisions of 300 bytes; grows by doubling.
#define S_BUFFER_BYTES ((size_t) 1024 * 1024)

#define S_NONE UINT32_MAX

typedef struct {
    size_t offset; //  in the buffer
    size_t bytes;
    uint32_t next;       //  record of the same topic, or S_NONE
    pt_bytes_t response; //  borrowed; data NULL: none, or too long
    pt_alert_kind_t alert_kind;
    bool is_unknown;
    pt_alert_rate_t alert_rate;
    XXH128_hash_t alert_key;
} s_record_t;

//  The decisions of one (queue, provider).
typedef struct {
    uint32_t first;
    uint32_t last;
    bool used;
} s_topic_t;

struct pt_packer {
    const pt_catalog_t *catalog;
    size_t provider_count;
    uint8_t *buffer;
    size_t buffer_bytes;
    size_t used_bytes;
    s_record_t records[PT_PACKER_COUNT_MAX];
    uint32_t record_count;
    //  By queue * (providers + 1) + provider, of the queues of routes; the last one of a queue is for unknown
    //  providers.
    s_topic_t *topics;
    size_t *used_topics;
    size_t used_count;
    bool keeps; //  responses, since the last gathering
};

pt_packer_t *
pt_packer_new(const pt_catalog_t *catalog)
{
    assert(catalog);

    pt_packer_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->catalog = catalog;
    self->provider_count = pt_catalog_provider_count(catalog);
    size_t topic_count = PT_QUEUE_OPERATOR_ALERT * (self->provider_count + 1);
    self->topics = calloc(topic_count, sizeof(*self->topics));
    self->used_topics = calloc(topic_count, sizeof(*self->used_topics));
    self->buffer_bytes = S_BUFFER_BYTES;
    self->buffer = malloc(self->buffer_bytes);
    if (!self->topics || !self->used_topics || !self->buffer)
        pt_packer_destroy(&self);
    return self;
}

void
pt_packer_destroy(pt_packer_t **self_p)
{
    assert(self_p);

    pt_packer_t *self = *self_p;
    if (!self)
        return;
    free(self->topics);
    free(self->used_topics);
    free(self->buffer);
    free(self);
    *self_p = NULL;
}

uint8_t *
pt_packer_room(pt_packer_t *self)
{
    assert(self);

    if (self->buffer_bytes - self->used_bytes < PT_DECISION_BYTES_MAX) {
        uint8_t *buffer = realloc(self->buffer, 2 * self->buffer_bytes);
        if (!buffer)
            return NULL;
        self->buffer = buffer;
        self->buffer_bytes *= 2;
    }
    return self->buffer + self->used_bytes;
}

static void
s_append_record(pt_packer_t *self, uint32_t record, pt_queue_t queue, size_t provider)
{
    size_t index = (size_t) queue * (self->provider_count + 1) + provider;
    s_topic_t *topic = &self->topics[index];
    self->records[record].next = S_NONE;
    if (!topic->used) {
        *topic = (s_topic_t) {.first = record, .used = true};
        self->used_topics[self->used_count++] = index;
    } else {
        self->records[topic->last].next = record;
    }
    topic->last = record;
}

void
pt_packer_add(pt_packer_t *self, const pt_triaged_t *triaged)
{
    assert(self);
    assert(triaged);
    assert(self->record_count < PT_PACKER_COUNT_MAX);
    assert(triaged->bytes <= self->buffer_bytes - self->used_bytes);

    uint32_t record = self->record_count++;
    self->records[record].offset = self->used_bytes;
    self->records[record].bytes = triaged->bytes;
    self->records[record].response = (pt_bytes_t) {0};
    self->records[record].alert_kind = triaged->alert_kind;
    self->records[record].is_unknown = triaged->category == PT_CATEGORY_UNKNOWN_CODE;
    if (triaged->alert_kind != PT_ALERT_NONE)
        self->records[record].alert_key = triaged->alert_key;
    if (triaged->alert_kind == PT_ALERT_IF_FREQUENT)
        self->records[record].alert_rate = triaged->alert_rate;
    self->used_bytes += triaged->bytes;
    size_t provider = triaged->provider < self->provider_count ? triaged->provider : self->provider_count;
    s_append_record(self, record, pt_queue_of_route(triaged->route), provider);
}

size_t
pt_packer_count(const pt_packer_t *self)
{
    assert(self);

    return self->record_count;
}

size_t
pt_packer_bytes(const pt_packer_t *self)
{
    assert(self);

    return self->used_bytes;
}

void
pt_packer_keep(pt_packer_t *self, pt_bytes_t response)
{
    assert(self);
    assert(self->record_count);

    self->keeps = true;
    if (response.len <= PT_STORE_RESPONSE_BYTES_MAX)
        self->records[self->record_count - 1].response = response;
}

//  The count and bytes of the records from `record` on that fit into one frame: at least one does.
static uint32_t
s_measure_frame(const pt_packer_t *self, uint32_t record, size_t *out_bytes)
{
    uint32_t count = 0;
    size_t bytes = 0;
    for (; record != S_NONE; record = self->records[record].next) {
        size_t more = self->records[record].bytes;
        if (PT_ITEMS_HEAD_BYTES_MAX + bytes + more > PT_PACKER_FRAME_BYTES_MAX)
            break;
        bytes += more;
        count++;
    }
    assert(count > 0);
    *out_bytes = bytes + pt_items_head_bytes(count);
    return count;
}

//  Longest head of a kept response: bin 16.
#define S_BIN_BYTES_MAX 3

static uint8_t *
s_write_response(uint8_t *out, pt_bytes_t response)
{
    if (!response.data) {
        *out++ = 0xc0;
        return out;
    }
    *out++ = 0xc5;
    *out++ = (uint8_t) (response.len >> 8);
    *out++ = (uint8_t) response.len;
    memcpy(out, response.data, response.len);
    return out + response.len;
}

//  The responses of the output's decisions, which are those from `record` on.
static bool
s_gather_responses(const pt_packer_t *self, uint32_t record, pt_output_t *output)
{
    size_t bytes = PT_ITEMS_HEAD_BYTES_MAX;
    for (uint32_t i = 0, at = record; i < output->count; i++, at = self->records[at].next)
        bytes += S_BIN_BYTES_MAX + self->records[at].response.len;
    uint8_t *start = malloc(bytes);
    if (!start)
        return false;
    uint8_t *end = pt_items_write_head(start, output->count);
    for (uint32_t i = 0; i < output->count; i++, record = self->records[record].next)
        end = s_write_response(end, self->records[record].response);
    zmq_msg_close(&output->responses);
    bool done = zmq_msg_init_size(&output->responses, (size_t) (end - start)) == 0;
    if (done)
        memcpy(zmq_msg_data(&output->responses), start, (size_t) (end - start));
    else
        zmq_msg_init(&output->responses);
    free(start);
    return done;
}

//  List the alert that a record raises, if any, with its place in the output added last. False when out of
//  memory.
static bool
s_list_raised(const s_record_t *record, size_t offset, pt_job_t *job)
{
    if (record->alert_kind == PT_ALERT_NONE)
        return true;
    pt_raised_t *raised = pt_job_add_raised(job);
    if (raised)
        *raised = (pt_raised_t) {.kind = record->alert_kind,
                                 .is_unknown = record->is_unknown,
                                 .rate = record->alert_rate,
                                 .key = record->alert_key,
                                 .output = (uint32_t) (job->output_count - 1),
                                 .offset = (uint32_t) offset,
                                 .bytes = (uint32_t) record->bytes};
    return raised != NULL;
}

//  Fill the output added last from *record on, and leave *record at the first that is not in it.
static bool
s_gather_frame(const pt_packer_t *self, uint32_t *record, pt_output_t *output, pt_job_t *job)
{
    size_t bytes;
    output->count = s_measure_frame(self, *record, &bytes);
    if (zmq_msg_init_size(&output->items, bytes) != 0) {
        zmq_msg_init(&output->items);
        return false;
    }
    uint8_t *start = zmq_msg_data(&output->items);
    uint8_t *at = pt_items_write_head(start, output->count);
    for (uint32_t i = 0; i < output->count; i++) {
        const s_record_t *from = &self->records[*record];
        memcpy(at, self->buffer + from->offset, from->bytes);
        if (!s_list_raised(from, (size_t) (at - start), job))
            return false;
        at += from->bytes;
        *record = from->next;
    }
    assert(at == start + bytes);
    output->crc32 = pt_wire_crc32((pt_bytes_t) {start, bytes});
    return true;
}

static bool
s_gather_topic(const pt_packer_t *self, size_t index, pt_job_t *job)
{
    pt_queue_t queue = (pt_queue_t) (index / (self->provider_count + 1));
    size_t provider = index % (self->provider_count + 1);
    pt_text_t name = provider < self->provider_count ? pt_provider_id(pt_catalog_provider_at(self->catalog, provider))
                                                     : PT_TEXT("-");
    for (uint32_t record = self->topics[index].first; record != S_NONE;) {
        pt_output_t *output = pt_job_add_output(job);
        if (!output)
            return false;
        bool kept = self->keeps && (queue == PT_QUEUE_RETRY || queue == PT_QUEUE_DEAD_LETTER);
        uint32_t first = record;
        output->queue = queue;
        output->topic[pt_wire_topic(pt_queue_text(queue), name, output->topic)] = 0;
        if (!s_gather_frame(self, &record, output, job) || (kept && !s_gather_responses(self, first, output)))
            return false;
    }
    return true;
}

bool
pt_packer_gather(pt_packer_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);

    bool done = true;
    job->decided_by = self->catalog;
    for (size_t i = 0; i < self->used_count && done; i++)
        done = s_gather_topic(self, self->used_topics[i], job);
    if (!done)
        pt_job_drop_outputs(job);
    pt_packer_reset(self);
    return done;
}

void
pt_packer_reset(pt_packer_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->used_count; i++)
        self->topics[self->used_topics[i]].used = false;
    self->used_count = 0;
    self->record_count = 0;
    self->used_bytes = 0;
    self->keeps = false;
}
