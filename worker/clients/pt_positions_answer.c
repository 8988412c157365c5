/*  Answers: where the streams of a source begin, what was fetched, and what is no longer to be had. A
 *  request is known by its id; an answer to one that is not waited for is ignored.
 */
#include "pt_positions_parts.h"

#include <assert.h>

static source_t *
s_find_source(const pt_positions_t *self, uint64_t req_id, bool suback)
{
    for (size_t i = 0; i < self->source_count && req_id; i++) {
        source_t *source = self->sources[i];
        if ((suback ? source->suback.req_id : source->open.req_id) == req_id)
            return source;
    }
    return NULL;
}

static pt_stream_t *
s_find_stream(const pt_positions_t *self, uint64_t req_id)
{
    for (size_t i = 0; i < self->stream_count && req_id; i++)
        if (self->streams[i]->fetch.req_id == req_id)
            return self->streams[i];
    return NULL;
}

//  Where a stream begins by OPENED. What a durable subscriber had been promised and is trimmed all the
//  same is lost to it.
static void
s_place_stream(pt_positions_t *self, pt_stream_t *stream, const pt_topic_place_t *place)
{
    bool durable = self->options.mode == PT_POSITIONS_DURABLE;
    stream->listed = true;
    stream->head = stream->head > place->head_seq ? stream->head : place->head_seq;
    if (!stream->started && durable)
        positions_start(stream, place->position);
    else if (!stream->started)
        positions_start(stream, self->options.since_start ? place->first_retained : place->head_seq);
    positions_lose(self, stream, place->first_retained);
    //  The worker may know less than we have delivered: it is told again.
    stream->acked = durable ? place->position : 0;
    stream->source->dirty = true;
}

//  The last page is read: streams that we hold back and that were in none of them begin at 1.
static void
s_finish_open(pt_positions_t *self, source_t *source)
{
    source->state = SOURCE_OPENED;
    source->after_len = 0;
    for (size_t i = 0; i < self->stream_count; i++) {
        pt_stream_t *stream = self->streams[i];
        if (stream->source == source && !stream->started)
            positions_start(stream, 1);
    }
    positions_supersede(self, source);
}

//  Whether OPENED is from where OPEN was sent; what is to be done if not is done.
static bool
s_is_from_source(pt_positions_t *self, source_t *source, const pt_opened_t *opened, int64_t now_ms)
{
    if (opened->worker != source->worker) {
        positions_fault(self, PT_FAULT_OTHER_WORKER, source);
        positions_put_off(self, &source->open, now_ms);
        return false;
    }
    if (opened->epoch != source->epoch) {
        //  Ours is over. The newer one will be heard of by its HEADs.
        positions_close_source(self, source);
        return false;
    }
    return true;
}

pt_status_t
pt_positions_opened(pt_positions_t *self, const pt_opened_t *opened, int64_t now_ms)
{
    assert(self);
    assert(opened);

    source_t *source = s_find_source(self, opened->req_id, false);
    if (!source || !s_is_from_source(self, source, opened, now_ms))
        return PT_OK;
    positions_settle(self, &source->open);
    for (size_t i = 0; i < opened->topic_count; i++) {
        pt_stream_t *stream = positions_stream(self, source, opened->topics[i].topic);
        if (!stream)
            return PT_E_NOMEM;
        s_place_stream(self, stream, &opened->topics[i]);
    }
    if (!opened->more) {
        s_finish_open(self, source);
        return PT_OK;
    }
    pt_text_t last = opened->topics[opened->topic_count - 1].topic;
    memcpy(source->after, last.data, last.len);
    source->after_len = last.len;
    return PT_OK;
}

void
pt_positions_fetched(pt_positions_t *self, uint64_t req_id, pt_text_t topic, const pt_decisions_t *decisions,
                     int64_t now_ms, pt_arrived_t *out_arrived)
{
    assert(self);
    assert(decisions);
    assert(out_arrived);

    *out_arrived = (pt_arrived_t) {.arrival = PT_ARRIVAL_DROP};
    pt_stream_t *stream = s_find_stream(self, req_id);
    if (!stream || decisions->flags != PT_FLAG_REPLAY || decisions->worker != stream->source->worker ||
        decisions->epoch != stream->source->epoch || !pt_text_equal(topic, positions_topic(stream)))
        return;
    //  An answer on its way is no silence.
    stream->fetch.tries = 0;
    stream->fetch.due_ms = now_ms + PT_POSITIONS_WAIT_MS;
    positions_judge(self, stream, decisions, out_arrived);
}

void
pt_positions_end(pt_positions_t *self, const pt_end_t *end, int64_t now_ms)
{
    pt_stream_t *stream = s_find_stream(self, end->req_id);
    if (!stream)
        return;
    if (end->head_seq < stream->from) {
        source_t *source = stream->source;
        positions_settle(self, &stream->fetch);
        positions_fault(self, PT_FAULT_WENT_BACK, source);
        positions_reopen(self, source, true);
        return;
    }
    stream->suspect = false;
    stream->head = stream->head > end->head_seq ? stream->head : end->head_seq;
    if (stream->next > stream->from || stream->next >= end->head_seq)
        positions_settle(self, &stream->fetch);
    else
        positions_put_off(self, &stream->fetch, now_ms); //  it brought nothing: not again at once
}

void
pt_positions_truncated(pt_positions_t *self, const pt_truncated_t *truncated, int64_t now_ms)
{
    pt_stream_t *stream = s_find_stream(self, truncated->req_id);
    if (!stream)
        return;
    if (truncated->first_retained <= stream->next) {
        positions_put_off(self, &stream->fetch, now_ms);
        return;
    }
    positions_settle(self, &stream->fetch);
    positions_lose(self, stream, truncated->first_retained);
}

void
pt_positions_bad_epoch(pt_positions_t *self, const pt_bad_epoch_t *bad_epoch, int64_t now_ms)
{
    pt_stream_t *stream = s_find_stream(self, bad_epoch->req_id);
    source_t *source = stream ? stream->source : s_find_source(self, bad_epoch->req_id, true);
    if (!source)
        return;
    if (bad_epoch->epoch != source->epoch)
        positions_close_source(self, source);
    else
        positions_put_off(self, stream ? &stream->fetch : &source->suback, now_ms);
    source->dirty = true;
}

void
pt_positions_subacked(pt_positions_t *self, uint64_t req_id, int64_t now_ms)
{
    source_t *source = s_find_source(self, req_id, true);
    if (!source)
        return;
    positions_settle(self, &source->suback);
    source->suback.due_ms = now_ms + PT_POSITIONS_SUBACK_MS;
    for (size_t i = 0; i < self->stream_count; i++) {
        pt_stream_t *stream = self->streams[i];
        if (stream->source != source)
            continue;
        stream->acked = stream->sent > stream->acked ? stream->sent : stream->acked;
        source->dirty |= stream->next > stream->acked;
    }
}

void
pt_positions_refused(pt_positions_t *self, const pt_refused_t *refused, int64_t now_ms)
{
    pt_stream_t *stream = s_find_stream(self, refused->req_id);
    source_t *opening = s_find_source(self, refused->req_id, false);
    source_t *acking = s_find_source(self, refused->req_id, true);
    if (!stream && !opening && !acking)
        return;
    if (refused->refusal == PT_REFUSAL_UNKNOWN && acking) {
        //  An operator has forgotten us. What we have delivered stays delivered.
        positions_reopen(self, acking, false);
        return;
    }
    if (acking)
        acking->dirty = true;
    positions_put_off(self, stream ? &stream->fetch : opening ? &opening->open : &acking->suback, now_ms);
    if (refused->refusal != PT_REFUSAL_BUSY)
        positions_fault(self, PT_FAULT_REFUSED, stream ? stream->source : opening ? opening : acking);
}
