/*  One output for each topic, as the packer makes them for the routes: sorted by topic, and cut where a frame is full.
 */
#include "pt_told.h"

#include <assert.h>
#include <stdlib.h>

#include "pt_decision_limits.h"
#include "pt_items.h"
#include "pt_packer.h"

void
pt_told_start(pt_told_t *self)
{
    assert(self);

    self->count = 0;
    self->room_used = 0;
}

void
pt_told_clear(pt_told_t *self)
{
    assert(self);

    free(self->items);
    free(self->room);
    *self = (pt_told_t) {0};
}

static bool
s_make_room(pt_told_t *self)
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

static pt_told_item_t *
s_add_item(pt_told_t *self)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        pt_told_item_t *items = realloc(self->items, capacity * sizeof(*items));
        if (!items)
            return NULL;
        self->items = items;
        self->capacity = capacity;
    }
    pt_told_item_t *item = &self->items[self->count];
    *item = (pt_told_item_t) {.order = (uint32_t) self->count++};
    return item;
}

bool
pt_told_add(pt_told_t *self, uint32_t output, pt_bytes_t bytes)
{
    assert(self);

    pt_told_item_t *item = s_add_item(self);
    if (!item)
        return false;
    item->output = output;
    item->data = bytes.data;
    item->bytes = bytes.len;
    return true;
}

bool
pt_told_add_decision(pt_told_t *self, const char *suffix, uint32_t output, const pt_decision_t *decision)
{
    assert(self);
    assert(decision);

    if (!s_make_room(self))
        return false;
    pt_told_item_t *item = s_add_item(self);
    if (!item)
        return false;
    item->suffix = suffix;
    item->output = output;
    item->offset = self->room_used;
    pt_status_t status = pt_decision_encode(decision, self->room + item->offset, PT_DECISION_BYTES_MAX, &item->bytes);
    assert(status == PT_OK);
    (void) status;
    self->room_used += item->bytes;
    return true;
}

const char *
pt_told_suffix(const pt_job_t *job, uint32_t output)
{
    assert(job);
    assert(output < job->output_count);

    return strchr(job->outputs[output].topic, '.');
}

static const char *
s_suffix(const pt_told_item_t *item, const pt_job_t *job)
{
    return item->suffix ? item->suffix : pt_told_suffix(job, item->output);
}

static int
s_compare_items(const void *left, const void *right, void *job)
{
    const pt_told_item_t *a = left;
    const pt_told_item_t *b = right;
    int order = strcmp(s_suffix(a, job), s_suffix(b, job));
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

//  How many from `first` on go into one output, and the bytes of its array.
static size_t
s_measure_output(const pt_told_t *self, const pt_job_t *job, size_t first, size_t *out_bytes)
{
    size_t n = 0;
    size_t bytes = 0;
    for (; first + n < self->count; n++) {
        const pt_told_item_t *item = &self->items[first + n];
        bool fits = PT_ITEMS_HEAD_BYTES_MAX + bytes + item->bytes <= PT_PACKER_FRAME_BYTES_MAX;
        if (n && (!fits || strcmp(s_suffix(item, job), s_suffix(&self->items[first], job)) != 0))
            break;
        bytes += item->bytes;
    }
    *out_bytes = bytes + pt_items_head_bytes((uint32_t) n);
    return n;
}

static void
s_write_items(const pt_told_t *self, size_t first, pt_output_t *output)
{
    uint8_t *start = zmq_msg_data(&output->items);
    uint8_t *at = pt_items_write_head(start, output->count);
    for (size_t i = 0; i < output->count; i++) {
        const pt_told_item_t *item = &self->items[first + i];
        memcpy(at, item->data ? item->data : self->room + item->offset, item->bytes);
        at += item->bytes;
    }
    output->crc32 = pt_wire_crc32((pt_bytes_t) {start, (size_t) (at - start)});
}

//  One output from `first` on. The number that is in it; 0: out of memory.
static size_t
s_add_output(const pt_told_t *self, size_t first, pt_job_t *job)
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
             s_suffix(&self->items[first], job));
    s_write_items(self, first, output);
    return n;
}

bool
pt_told_add_outputs(pt_told_t *self, pt_job_t *job)
{
    assert(self);
    assert(job);

    if (self->count > 1)
        qsort_r(self->items, self->count, sizeof(*self->items), s_compare_items, job);
    size_t done = 0;
    while (done < self->count) {
        size_t n = s_add_output(self, done, job);
        if (n == 0)
            return false;
        done += n;
    }
    return true;
}
