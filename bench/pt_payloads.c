#include "pt_payloads.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "pt_bench.h"
#include "pt_items.h"
#include "pt_job.h"
#include "pt_triage.h"

//  A bin of up to 4 GiB, and an array's head.
#define S_HEAD_BYTES_MAX 5

static uint8_t *
s_write_bin(uint8_t *at, pt_bytes_t bytes)
{
    assert(bytes.len <= UINT32_MAX);
    *at++ = 0xc6;
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t) (bytes.len >> shift);
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static void
s_pack_batch(pt_payload_t *self, const pt_mix_t *mix, const uint32_t *draws, uint32_t batch)
{
    size_t bytes = S_HEAD_BYTES_MAX;
    for (uint32_t i = 0; i < batch; i++)
        bytes += S_HEAD_BYTES_MAX + mix->answers[draws[i]].forms[PT_FORM_MAP].len;
    if (bytes > PT_BATCH_BYTES_MAX) {
        fprintf(stderr, "%s: %u responses do not fit into a batch of 1 MiB\n", program_invocation_short_name, batch);
        exit(EX_DATAERR);
    }
    uint8_t *room = pt_bench_alloc(bytes);
    uint8_t *at = pt_items_write_head(room, batch);
    for (uint32_t i = 0; i < batch; i++)
        at = s_write_bin(at, mix->answers[draws[i]].forms[PT_FORM_MAP]);
    self->bytes = (pt_bytes_t) {room, (size_t) (at - room)};
    self->count = batch;
    self->crc32 = pt_wire_crc32(self->bytes);
}

//  The message of a topic, opened when its first decision comes.
static pt_published_t *
s_open_topic(pt_payload_t *self, pt_queue_t queue, pt_text_t provider, uint32_t index)
{
    char topic[PT_TOPIC_BYTES_MAX + 1];
    topic[pt_wire_topic(pt_queue_text(queue), provider, topic)] = 0;
    for (size_t i = 0; i < self->published_count; i++)
        if (strcmp(self->published[i].topic, topic) == 0)
            return &self->published[i];
    pt_published_t *published = &self->published[self->published_count++];
    published->queue = queue;
    published->first = index;
    memcpy(published->topic, topic, sizeof(topic));
    //  Room for the head of any array; it is moved to its place at the end.
    published->items = pt_bench_alloc(PT_BATCH_BYTES_MAX);
    published->items_bytes = 3;
    return published;
}

static void
s_append_decision(pt_published_t *self, const uint8_t *bytes, size_t len)
{
    assert(self->items_bytes + len <= PT_BATCH_BYTES_MAX);
    memcpy(self->items + self->items_bytes, bytes, len);
    self->items_bytes += len;
    self->count++;
}

static void
s_close_topic(pt_published_t *self)
{
    size_t body = self->items_bytes - 3;
    uint8_t *items = pt_bench_alloc(self->items_bytes);
    uint8_t *at = pt_items_write_head(items, self->count);
    memcpy(at, self->items + 3, body);
    free(self->items);
    self->items = items;
    self->items_bytes = (size_t) (at - items) + body;
    self->crc32 = pt_wire_crc32((pt_bytes_t) {self->items, self->items_bytes});
}

//  Decide as a worker would. Ids, being named by place, have their usual length.
static void
s_decide_batch(pt_payload_t *self, pt_triage_t *triage, uint8_t *room)
{
    pt_place_t place;
    pt_items_t items;
    pt_bytes_t item;
    uint64_t now_ms = (uint64_t) time(NULL) * 1000;
    const pt_catalog_t *catalog = triage->catalog;
    size_t topics_max = (size_t) PT_QUEUE_COUNT_ * (pt_catalog_provider_count(catalog) + 1);
    self->published = pt_bench_alloc(topics_max * sizeof(*self->published));
    pt_place_init(&place, UINT64_C(0xfedcba9876543210), now_ms, 1000000, false);
    if (pt_items_open_batch(self->bytes, self->count, &items) != PT_OK)
        abort();
    for (uint32_t index = 0; pt_items_next(&items, &item); index++) {
        pt_triaged_t triaged;
        pt_triage_response(triage, item, &place, index, now_ms, room, &triaged);
        pt_text_t name = PT_TEXT("-");
        if (triaged.provider != PT_TRIAGE_NO_PROVIDER)
            name = pt_provider_id(pt_catalog_provider_at(catalog, triaged.provider));
        s_append_decision(s_open_topic(self, pt_queue_of_route(triaged.route), name, index), room, triaged.bytes);
        if (!triaged.alert)
            continue;
        s_append_decision(s_open_topic(self, PT_QUEUE_OPERATOR_ALERT, name, index), room, triaged.bytes);
        self->alerts++;
    }
    for (size_t i = 0; i < self->published_count; i++)
        s_close_topic(&self->published[i]);
}

void
pt_payloads_make(pt_payloads_t *self, const pt_mix_t *mix, uint32_t batch)
{
    assert(batch > 0 && batch <= PT_BATCH_COUNT_MAX);

    *self = (pt_payloads_t) {0};
    uint32_t *draws = pt_mix_draw(mix, PT_FORM_MAP, (size_t) PT_PAYLOADS * batch);
    pt_triage_t *triage = pt_bench_alloc(sizeof(*triage));
    uint8_t *room = pt_bench_alloc(PT_DECISION_BYTES_MAX);
    pt_triage_init(triage, pt_catalog_builtin());
    for (size_t i = 0; i < PT_PAYLOADS; i++) {
        s_pack_batch(&self->payloads[i], mix, draws + i * batch, batch);
        s_decide_batch(&self->payloads[i], triage, room);
        self->bytes += self->payloads[i].bytes.len;
    }
    free(room);
    free(triage);
    free(draws);
}

void
pt_payloads_clear(pt_payloads_t *self)
{
    for (size_t i = 0; i < PT_PAYLOADS; i++) {
        for (size_t k = 0; k < self->payloads[i].published_count; k++)
            free(self->payloads[i].published[k].items);
        free(self->payloads[i].published);
        free((void *) (uintptr_t) self->payloads[i].bytes.data);
    }
    *self = (pt_payloads_t) {0};
}
