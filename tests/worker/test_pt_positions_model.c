/*  The subscriber's rule against a plain model: workers whose messages and answers are lost, repeated
 *  and late, journals that are trimmed and replaced, subscribers that start again.
 *
 *  One worker at a time has a journal of some topics; the subscriber's position in each stream is a plain
 *  number that must go up by one for each decision, or jump by a loss that is due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_positions.h"

#define WORKER UINT64_C(0x77)

enum { TOPICS = 3, EPOCHS = 4, QUEUE = 4096 };

static const char *const s_names[TOPICS] = {"retry.a.", "retry.b.", "retry.c."};

typedef struct {
    uint64_t head, retained, acked; //  of the worker; acked: the name's position
    uint64_t next;                  //  of the subscriber; 0: not begun
    uint64_t delivered;             //  highest number ever delivered + 1, over all lives
} model_stream_t;

typedef struct {
    bool is_head;
    uint64_t epoch;
    int topic;
    uint64_t first, head, retained;
    uint32_t count;
} model_message_t;

typedef struct {
    pt_kind_t kind;
    uint64_t req_id, epoch; //  of the request
    int topic;
    uint64_t first;
    uint32_t count;
    uint64_t next, head, retained;
    pt_opened_t opened;
} model_answer_t;

typedef struct {
    pt_positions_t *positions;
    pt_positions_mode_t mode;
    model_stream_t streams[EPOCHS][TOPICS];
    uint64_t epoch; //  the worker's, from 0
    bool opened[EPOCHS];
    model_message_t *published;
    size_t published_count, published_at;
    model_answer_t *answers;
    size_t answer_count, answer_at;
    uint64_t random, loss; //  in 100
    int64_t now_ms;
    uint64_t unexplained;
} model_t;

static pt_decisions_t
s_message(uint64_t epoch, uint64_t first, uint32_t count, uint64_t head, uint32_t flags)
{
    return (pt_decisions_t) {
        .worker = WORKER, .epoch = epoch, .first_seq = first, .head_seq = head, .count = count, .flags = flags};
}

static uint64_t
s_random(model_t *self, uint64_t below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random % below;
}

static bool
s_is_lost(model_t *self)
{
    return s_random(self, 100) < self->loss;
}

static int
s_topic_index(pt_text_t topic)
{
    for (int i = 0; i < TOPICS; i++)
        if (pt_text_equal(topic, pt_text_of(s_names[i])))
            return i;
    fail();
    return 0;
}

//  A loss is due for what was trimmed, and for an epoch that is over.
static void
s_model_lost(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first, uint64_t next)
{
    (void) worker;
    model_t *self = context;
    model_stream_t *stream = &self->streams[epoch][s_topic_index(topic)];
    bool due = epoch < self->epoch || next <= stream->retained;
    assert_true(next > first);
    if (stream->next)
        assert_int_equal(first, stream->next);
    self->unexplained += !due;
    stream->next = next;
}

static void
s_model_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    (void) context, (void) worker, (void) epoch;
    fail_msg("fault %d", (int) fault);
}

static void
s_model_deliver(model_t *self, uint64_t epoch, int topic, const pt_arrived_t *arrived, uint64_t end)
{
    model_stream_t *stream = &self->streams[epoch][topic];
    if (arrived->arrival != PT_ARRIVAL_DELIVER)
        return;
    if (!stream->next)
        stream->next = arrived->from_seq;
    assert_int_equal(arrived->from_seq, stream->next);
    //  At times the callback ends early: what it did not take comes again.
    uint64_t upto = s_random(self, 10) ? end : stream->next + s_random(self, end - stream->next);
    if (upto <= stream->next)
        return;
    stream->next = upto;
    stream->delivered = upto > stream->delivered ? upto : stream->delivered;
    pt_positions_delivered(self->positions, arrived->stream, upto);
}

static void
s_model_publish(model_t *self)
{
    int topic = (int) s_random(self, TOPICS);
    model_stream_t *stream = &self->streams[self->epoch][topic];
    model_message_t message = {.epoch = self->epoch, .topic = topic, .first = stream->head};
    if (s_random(self, 3)) {
        message.count = 1 + (uint32_t) s_random(self, 5);
        stream->head += message.count;
    } else {
        message.is_head = true;
    }
    message.head = stream->head;
    message.retained = stream->retained;
    if (!s_is_lost(self) && self->published_count < QUEUE)
        self->published[self->published_count++] = message;
}

static void
s_model_receive(model_t *self)
{
    if (self->published_at == self->published_count)
        return;
    const model_message_t *message = &self->published[self->published_at++];
    pt_text_t topic = pt_text_of(s_names[message->topic]);
    if (message->is_head) {
        pt_head_t head = {WORKER, message->epoch, message->retained, message->head, PT_TEXT("ipc://replay")};
        assert_int_equal(pt_positions_head(self->positions, topic, &head), PT_OK);
        return;
    }
    pt_decisions_t header = s_message(message->epoch, message->first, message->count, message->head, 0);
    pt_arrived_t arrived;
    assert_int_equal(pt_positions_decisions(self->positions, topic, &header, &arrived), PT_OK);
    s_model_deliver(self, message->epoch, message->topic, &arrived, message->first + message->count);
}

static void
s_model_answer(model_t *self, const model_answer_t *answer)
{
    if (!s_is_lost(self) && self->answer_count < QUEUE)
        self->answers[self->answer_count++] = *answer;
}

static void
s_model_answer_open(model_t *self, const pt_request_t *request)
{
    model_answer_t answer = {.kind = PT_KIND_OPENED};
    pt_opened_t *opened = &answer.opened;
    *opened = (pt_opened_t) {.req_id = request->req_id, .worker = WORKER, .epoch = self->epoch};
    for (int i = 0; i < TOPICS; i++) {
        model_stream_t *stream = &self->streams[self->epoch][i];
        pt_text_t name = pt_text_of(s_names[i]);
        bool behind = request->topic.len && memcmp(request->topic.data, name.data, name.len) >= 0;
        if (stream->head == 1 || behind)
            continue;
        opened->more = opened->topic_count == 1; //  pages of one
        if (opened->more)
            break;
        uint64_t position = self->mode == PT_POSITIONS_DURABLE && stream->acked ? stream->acked : stream->retained;
        if (self->mode == PT_POSITIONS_DURABLE)
            stream->acked = position;
        opened->topics[opened->topic_count++] = (pt_topic_place_t) {name, stream->retained, stream->head, position};
    }
    //  From the registration on nothing of a topic that comes later is trimmed.
    self->opened[self->epoch] = true;
    s_model_answer(self, &answer);
}

static void
s_model_answer_fetch(model_t *self, const pt_request_t *request)
{
    int topic = s_topic_index(request->topic);
    const model_stream_t *stream = &self->streams[self->epoch][topic];
    model_answer_t answer = {.req_id = request->req_id, .epoch = request->epoch, .topic = topic};
    if (request->epoch != self->epoch) {
        answer.kind = PT_KIND_BADEPOCH;
        answer.next = self->epoch;
    } else if (request->from_seq < stream->retained) {
        answer.kind = PT_KIND_TRUNCATED;
        answer.next = stream->retained;
    } else {
        uint64_t at = request->from_seq;
        for (uint64_t n = s_random(self, 4); n && at < stream->head; n--) {
            uint64_t left = stream->head - at;
            answer.kind = PT_KIND_FETCHED;
            answer.first = at;
            answer.count = 1 + (uint32_t) s_random(self, left < 8 ? left : 8);
            answer.head = stream->head;
            at += answer.count;
            s_model_answer(self, &answer);
        }
        answer.kind = PT_KIND_END;
        answer.next = at;
        answer.head = stream->head;
    }
    s_model_answer(self, &answer);
}

static void
s_model_answer_suback(model_t *self, const pt_request_t *request)
{
    model_answer_t answer = {.kind = PT_KIND_SUBACKED, .req_id = request->req_id};
    if (request->epoch != self->epoch) {
        answer.kind = PT_KIND_BADEPOCH;
        answer.next = self->epoch;
    }
    for (size_t i = 0; i < request->topic_count && request->epoch == self->epoch; i++) {
        model_stream_t *stream = &self->streams[self->epoch][s_topic_index(request->topics[i].topic)];
        uint64_t next = request->topics[i].next_seq;
        assert_true(next <= stream->head && next <= (stream->next ? stream->next : stream->head));
        stream->acked = next > stream->acked ? next : stream->acked;
    }
    s_model_answer(self, &answer);
}

static void
s_model_ask(model_t *self)
{
    pt_request_t request;
    while (pt_positions_ask(self->positions, s_random(self, 2), self->now_ms, &request)) {
        if (s_is_lost(self))
            continue;
        if (request.kind == PT_KIND_OPEN)
            s_model_answer_open(self, &request);
        else if (request.kind == PT_KIND_FETCH)
            s_model_answer_fetch(self, &request);
        else
            s_model_answer_suback(self, &request);
    }
}

static void
s_model_take_answer(model_t *self)
{
    if (self->answer_at == self->answer_count)
        return;
    const model_answer_t *answer = &self->answers[self->answer_at++];
    pt_end_t end = {answer->req_id, answer->next, answer->head};
    pt_truncated_t truncated = {answer->req_id, answer->next};
    pt_bad_epoch_t bad_epoch = {answer->req_id, answer->next};
    if (answer->kind == PT_KIND_OPENED)
        assert_int_equal(pt_positions_opened(self->positions, &answer->opened, self->now_ms), PT_OK);
    else if (answer->kind == PT_KIND_END)
        pt_positions_end(self->positions, &end, self->now_ms);
    else if (answer->kind == PT_KIND_TRUNCATED)
        pt_positions_truncated(self->positions, &truncated, self->now_ms);
    else if (answer->kind == PT_KIND_BADEPOCH)
        pt_positions_bad_epoch(self->positions, &bad_epoch, self->now_ms);
    else if (answer->kind == PT_KIND_SUBACKED)
        pt_positions_subacked(self->positions, answer->req_id, self->now_ms);
    else {
        pt_decisions_t header = s_message(answer->epoch, answer->first, answer->count, answer->head, PT_FLAG_REPLAY);
        pt_arrived_t arrived;
        pt_positions_fetched(self->positions, answer->req_id, pt_text_of(s_names[answer->topic]), &header, self->now_ms,
                             &arrived);
        s_model_deliver(self, answer->epoch, answer->topic, &arrived, answer->first + answer->count);
    }
}

//  A journal lets go of what its durable subscriber has, or of anything when there is none.
static void
s_model_trim(model_t *self)
{
    model_stream_t *stream = &self->streams[self->epoch][s_random(self, TOPICS)];
    uint64_t limit = stream->head;
    if (self->mode == PT_POSITIONS_DURABLE && self->opened[self->epoch])
        limit = stream->acked ? stream->acked : 1;
    if (limit > stream->retained)
        stream->retained += s_random(self, limit - stream->retained + 1);
}

//  The subscriber's process is another one; what it had not acknowledged comes again. The messages on
//  the way are gone with its sockets.
static void
s_model_restart(model_t *self)
{
    pt_positions_options_t options = {.mode = self->mode};
    pt_positions_handlers_t handlers = {self, s_model_lost, s_model_fault};
    pt_positions_destroy(&self->positions);
    self->positions = pt_positions_new(&options, &handlers);
    assert_non_null(self->positions);
    self->published_at = self->published_count;
    self->answer_at = self->answer_count;
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (int topic = 0; topic < TOPICS; topic++)
            self->streams[epoch][topic].next = 0;
}

static void
s_model_step(model_t *self)
{
    uint64_t event = s_random(self, 1000);
    if (event < 250)
        s_model_publish(self);
    else if (event < 550)
        s_model_receive(self);
    else if (event < 650)
        s_model_ask(self);
    else if (event < 900)
        s_model_take_answer(self);
    else if (event < 950)
        self->now_ms += (int64_t) s_random(self, 2000);
    else if (event < 996)
        s_model_trim(self);
    else if (event < 999)
        s_model_restart(self);
    else if (self->epoch + 1 < EPOCHS)
        self->epoch++;
}

//  No more faults: everything must come to rest, with nothing missing.
static void
s_model_settle(model_t *self)
{
    self->loss = 0;
    for (int round = 0; round < 200; round++) {
        for (int topic = 0; topic < TOPICS; topic++) {
            model_stream_t *stream = &self->streams[self->epoch][topic];
            pt_head_t head = {WORKER, self->epoch, stream->retained, stream->head, PT_TEXT("ipc://replay")};
            while (self->published_at < self->published_count)
                s_model_receive(self);
            assert_int_equal(pt_positions_head(self->positions, pt_text_of(s_names[topic]), &head), PT_OK);
        }
        s_model_ask(self);
        while (self->answer_at < self->answer_count)
            s_model_take_answer(self);
        if (self->published_at == self->published_count)
            self->published_at = self->published_count = 0;
        if (self->answer_at == self->answer_count)
            self->answer_at = self->answer_count = 0;
        self->now_ms += 1000;
    }
    assert_true(pt_positions_is_level(self->positions));
    assert_true(pt_positions_is_acked(self->positions));
    for (int topic = 0; topic < TOPICS; topic++) {
        const model_stream_t *stream = &self->streams[self->epoch][topic];
        if (stream->next)
            assert_int_equal(stream->next, stream->head);
        if (self->mode == PT_POSITIONS_DURABLE) {
            assert_int_equal(stream->head == 1 ? 1 : stream->acked, stream->head);
            //  Never acknowledged beyond what some life has delivered or was told of as lost.
            assert_true(stream->acked <= stream->head);
        }
    }
}

static void
s_run_model(uint64_t seed, pt_positions_mode_t mode)
{
    model_t *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->mode = mode;
    model->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    model->loss = seed % 31;
    model->published = calloc(QUEUE, sizeof *model->published);
    model->answers = calloc(QUEUE, sizeof *model->answers);
    assert_non_null(model->published);
    assert_non_null(model->answers);
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (int topic = 0; topic < TOPICS; topic++)
            model->streams[epoch][topic] = (model_stream_t) {.head = 1, .retained = 1};
    s_model_restart(model);
    for (int step = 0; step < 3000; step++)
        s_model_step(model);
    s_model_settle(model);
    assert_int_equal(model->unexplained, 0);
    pt_positions_destroy(&model->positions);
    free(model->published);
    free(model->answers);
    free(model);
}

static void
random_faults_agree_with_a_plain_model(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        s_run_model(seed, PT_POSITIONS_DURABLE);
        s_run_model(seed, PT_POSITIONS_REPAIR);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_faults_agree_with_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
