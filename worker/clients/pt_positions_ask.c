/*  Requests. One FETCH for each stream, one OPEN and one SUBACK for each source, and
 *  PT_POSITIONS_REQUESTS_MAX of all; what is not answered in time is asked again, later each time.
 *  Their answers are in pt_positions_answer.c.
 */
#include "pt_positions_parts.h"

#include <assert.h>

bool
positions_wants_fetch(const pt_stream_t *stream)
{
    return stream->source->state == SOURCE_OPENED && stream->started &&
           (stream->head > stream->next || stream->suspect);
}

static int64_t
s_wait_ms(const attempt_t *attempt)
{
    int64_t wait_ms = PT_POSITIONS_WAIT_MS;
    for (uint32_t i = 0; i < attempt->tries && wait_ms < PT_POSITIONS_WAIT_MS_MAX; i++)
        wait_ms *= 2;
    return wait_ms < PT_POSITIONS_WAIT_MS_MAX ? wait_ms : PT_POSITIONS_WAIT_MS_MAX;
}

//  Whether something that is wanted may be sent now. What was waited for too long is given up first.
static bool
s_may_ask(pt_positions_t *self, attempt_t *attempt, int64_t now_ms)
{
    if (now_ms < attempt->due_ms)
        return false;
    if (attempt->req_id) {
        self->outstanding--;
        attempt->req_id = 0;
        attempt->tries++;
    }
    return self->outstanding < PT_POSITIONS_REQUESTS_MAX;
}

static uint64_t
s_begin(pt_positions_t *self, attempt_t *attempt, int64_t now_ms)
{
    self->outstanding++;
    attempt->req_id = ++self->req_id;
    attempt->due_ms = now_ms + s_wait_ms(attempt);
    return attempt->req_id;
}

void
positions_put_off(pt_positions_t *self, attempt_t *attempt, int64_t now_ms)
{
    uint32_t tries = attempt->tries;
    positions_settle(self, attempt);
    attempt->due_ms = now_ms + s_wait_ms(&(attempt_t) {.tries = tries});
    attempt->tries = tries + 1;
}

static bool
s_needs_suback(const pt_positions_t *self, const pt_stream_t *stream)
{
    return self->options.mode == PT_POSITIONS_DURABLE && stream->source->state == SOURCE_OPENED && stream->started &&
           stream->next > stream->acked;
}

static bool
s_ask_open(pt_positions_t *self, source_t *source, int64_t now_ms, pt_request_t *out_request)
{
    if (source->state != SOURCE_OPENING || !s_may_ask(self, &source->open, now_ms))
        return false;
    *out_request = (pt_request_t) {.kind = PT_KIND_OPEN,
                                   .req_id = s_begin(self, &source->open, now_ms),
                                   .worker = source->worker,
                                   .epoch = source->epoch,
                                   .topic = {source->after, source->after_len}};
    return true;
}

//  The positions to tell, as many as one SUBACK holds: first those behind the last one's, so that all of many
//  busy topics have their turn.
static size_t
s_gather_positions(pt_positions_t *self, source_t *source, pt_topic_next_t *out_topics)
{
    size_t count = 0;
    size_t first = source->suback_turn;
    for (size_t i = 0; i < self->stream_count; i++)
        if (self->streams[i]->source == source)
            self->streams[i]->sent = 0;
    for (size_t n = 0; n < self->stream_count && count < PT_HEADS_MAX; n++) {
        size_t i = (first + n) % self->stream_count;
        pt_stream_t *stream = self->streams[i];
        if (stream->source != source || !s_needs_suback(self, stream))
            continue;
        stream->sent = stream->next;
        out_topics[count++] = (pt_topic_next_t) {positions_topic(stream), stream->next};
        source->suback_turn = i + 1;
    }
    return count;
}

static bool
s_ask_suback(pt_positions_t *self, source_t *source, int64_t now_ms, pt_request_t *out_request)
{
    if ((!source->dirty && !source->suback.req_id) || source->state != SOURCE_OPENED ||
        self->options.mode != PT_POSITIONS_DURABLE)
        return false;
    //  One that was lost is still to be sent, also when there is no room for it now.
    source->dirty |= source->suback.req_id && now_ms >= source->suback.due_ms;
    if (!s_may_ask(self, &source->suback, now_ms))
        return false;
    size_t count = s_gather_positions(self, source, out_request->topics);
    source->dirty = count == PT_HEADS_MAX; //  the others' turn comes after this answer
    if (!count)
        return false;
    out_request->kind = PT_KIND_SUBACK;
    out_request->req_id = s_begin(self, &source->suback, now_ms);
    out_request->worker = source->worker;
    out_request->epoch = source->epoch;
    out_request->topic_count = count;
    return true;
}

static bool
s_ask_fetch(pt_positions_t *self, pt_stream_t *stream, int64_t now_ms, pt_request_t *out_request)
{
    if (!positions_wants_fetch(stream) || !s_may_ask(self, &stream->fetch, now_ms))
        return false;
    stream->from = stream->next;
    *out_request = (pt_request_t) {.kind = PT_KIND_FETCH,
                                   .req_id = s_begin(self, &stream->fetch, now_ms),
                                   .worker = stream->source->worker,
                                   .epoch = stream->source->epoch,
                                   .topic = positions_topic(stream),
                                   .from_seq = stream->next};
    return true;
}

bool
pt_positions_ask(pt_positions_t *self, bool acks, int64_t now_ms, pt_request_t *out_request)
{
    assert(self);
    assert(out_request);

    for (size_t i = 0; i < self->source_count; i++)
        if (s_ask_open(self, self->sources[i], now_ms, out_request) ||
            (acks && s_ask_suback(self, self->sources[i], now_ms, out_request)))
            return true;
    for (size_t i = 0; i < self->stream_count; i++) {
        self->turn = (self->turn + 1) % self->stream_count;
        if (s_ask_fetch(self, self->streams[self->turn], now_ms, out_request))
            return true;
    }
    return false;
}

//  When the attempt is due, if it is wanted and there is room for it.
static int64_t
s_due_ms(const pt_positions_t *self, const attempt_t *attempt, bool wanted)
{
    bool room = attempt->req_id || self->outstanding < PT_POSITIONS_REQUESTS_MAX;
    return wanted && room ? attempt->due_ms : INT64_MAX;
}

static int64_t
s_earlier(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

int64_t
pt_positions_due_ms(const pt_positions_t *self)
{
    int64_t due_ms = INT64_MAX;
    bool durable = self->options.mode == PT_POSITIONS_DURABLE;
    for (size_t i = 0; i < self->source_count; i++) {
        const source_t *source = self->sources[i];
        bool acks = durable && source->state == SOURCE_OPENED && (source->dirty || source->suback.req_id);
        due_ms = s_earlier(due_ms, s_due_ms(self, &source->open, source->state == SOURCE_OPENING));
        due_ms = s_earlier(due_ms, s_due_ms(self, &source->suback, acks));
    }
    for (size_t i = 0; i < self->stream_count; i++) {
        const pt_stream_t *stream = self->streams[i];
        due_ms = s_earlier(due_ms, s_due_ms(self, &stream->fetch, positions_wants_fetch(stream)));
    }
    return due_ms;
}

bool
pt_positions_is_open(const pt_positions_t *self)
{
    for (size_t i = 0; i < self->source_count; i++)
        if (self->sources[i]->state == SOURCE_UNKNOWN || self->sources[i]->state == SOURCE_OPENING)
            return false;
    return true;
}

bool
pt_positions_unopened(const pt_positions_t *self, uint64_t *out_worker, uint64_t *out_epoch)
{
    for (size_t i = 0; i < self->source_count; i++)
        if (self->sources[i]->state == SOURCE_OPENING) {
            *out_worker = self->sources[i]->worker;
            *out_epoch = self->sources[i]->epoch;
            return true;
        }
    return false;
}

bool
pt_positions_is_level(const pt_positions_t *self)
{
    if (!pt_positions_is_open(self))
        return false;
    for (size_t i = 0; i < self->stream_count; i++)
        if (positions_wants_fetch(self->streams[i]))
            return false;
    return true;
}

bool
pt_positions_is_acked(const pt_positions_t *self)
{
    for (size_t i = 0; i < self->stream_count; i++)
        if (s_needs_suback(self, self->streams[i]))
            return false;
    return true;
}

void
pt_positions_hurry(pt_positions_t *self)
{
    for (size_t i = 0; i < self->source_count; i++)
        if (!self->sources[i]->suback.req_id)
            self->sources[i]->suback.due_ms = 0;
}
