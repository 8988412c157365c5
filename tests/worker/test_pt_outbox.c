/*  The outbox against its rules one by one, and against a plain model under random events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_outbox.h"

#define PRODUCER UINT64_C(0xabc)
#define EPOCH UINT64_C(5)

//  The linker sends the library's allocations here.
static size_t s_allocations;
void *__real_realloc(void *pointer, size_t bytes);
void *__wrap_realloc(void *pointer, size_t bytes);

void *
__wrap_realloc(void *pointer, size_t bytes)
{
    s_allocations++;
    return __real_realloc(pointer, bytes);
}

static pt_outbox_t *
s_outbox(uint32_t batch_max, uint32_t window)
{
    pt_outbox_options_t options = {
        .producer = PRODUCER, .epoch = EPOCH, .batch_max = batch_max, .window = window, .seed = 1};
    pt_outbox_t *outbox = pt_outbox_new(&options);
    assert_non_null(outbox);
    return outbox;
}

static pt_status_t
s_put(pt_outbox_t *outbox, const char *text)
{
    return pt_outbox_put(outbox, (pt_bytes_t) {(const uint8_t *) text, strlen(text)});
}

static void
s_put_batches(pt_outbox_t *outbox, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(s_put(outbox, "response"), PT_OK);
        pt_outbox_seal(outbox);
    }
}

static void
s_ack(pt_outbox_t *outbox, uint64_t first, uint64_t last, int64_t now_ms)
{
    pt_ack_t ack = {.producer = PRODUCER, .epoch = EPOCH, .range_count = 1, .ranges = {{first, last}}};
    pt_outbox_ack(outbox, &ack, now_ms);
}

static bool
s_nack(pt_outbox_t *outbox, uint64_t seq, pt_reason_t reason, uint32_t retry_after_ms, int64_t now_ms)
{
    pt_nack_t nack = {PRODUCER, EPOCH, seq, reason, retry_after_ms};
    pt_outbox_batch_t batch;
    return pt_outbox_nack(outbox, &nack, now_ms, &batch);
}

//  Send everything that is due; how many that were.
static unsigned
s_send_due(pt_outbox_t *outbox, int64_t now_ms)
{
    pt_outbox_batch_t batch;
    unsigned count = 0;
    for (uint64_t cursor = 0; pt_outbox_due(outbox, now_ms, &cursor, &batch); count++)
        pt_outbox_sent(outbox, batch.header.seq, false, now_ms);
    return count;
}

static void
a_batch_holds_its_responses_as_bins(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(2, 4);
    pt_outbox_batch_t batch;
    uint64_t cursor = 0;
    assert_int_equal(s_put(outbox, "one"), PT_OK);
    assert_false(pt_outbox_due(outbox, 0, &cursor, &batch));
    assert_int_equal(s_put(outbox, "two"), PT_OK);
    assert_true(pt_outbox_due(outbox, 0, &cursor, &batch));
    assert_int_equal(batch.header.seq, 1);
    assert_int_equal(batch.header.floor, 1);
    assert_int_equal(batch.header.count, 2);
    assert_int_equal(batch.header.crc32, pt_wire_crc32(batch.payload));
    pt_items_t items;
    pt_bytes_t item;
    assert_int_equal(pt_items_open_batch(batch.payload, 2, &items), PT_OK);
    assert_true(pt_items_next(&items, &item));
    assert_memory_equal(item.data, "one", 3);
    assert_true(pt_items_next(&items, &item));
    assert_memory_equal(item.data, "two", 3);
    pt_outbox_destroy(&outbox);
}

static void
window_counts_from_the_lowest_unanswered_batch(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 3);
    s_put_batches(outbox, 3);
    assert_int_equal(s_put(outbox, "x"), PT_E_SPACE);
    s_ack(outbox, 2, 3, 0);
    assert_int_equal(s_put(outbox, "x"), PT_E_SPACE);
    assert_int_equal(pt_outbox_floor(outbox), 1);
    s_ack(outbox, 1, 1, 0);
    assert_int_equal(pt_outbox_floor(outbox), 4);
    assert_int_equal(s_put(outbox, "x"), PT_OK);
    pt_outbox_destroy(&outbox);
}

static void
a_response_larger_than_a_batch_is_refused_at_once(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(4, 4);
    uint8_t *bytes = calloc(1, PT_BATCH_BYTES_MAX);
    assert_non_null(bytes);
    assert_int_equal(pt_outbox_put(outbox, (pt_bytes_t) {bytes, PT_BATCH_BYTES_MAX - 7}), PT_E_SIZE);
    assert_int_equal(pt_outbox_put(outbox, (pt_bytes_t) {bytes, PT_BATCH_BYTES_MAX - 8}), PT_OK);
    //  It fills a batch alone: the next one begins another.
    assert_int_equal(s_put(outbox, "x"), PT_OK);
    pt_outbox_batch_t batch;
    assert_true(pt_outbox_batch(outbox, 1, &batch));
    assert_int_equal(batch.payload.len, PT_BATCH_BYTES_MAX);
    assert_int_equal(pt_outbox_next(outbox), 2);
    free(bytes);
    pt_outbox_destroy(&outbox);
}

//  200, 400, … 10,000 ms, each with up to a quarter more.
static void
resends_wait_twice_as_long_each_time(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 1);
    int64_t now_ms = 1000;
    for (int64_t rto_ms = 200, tries = 0; tries < 10; tries++, rto_ms = rto_ms < 5000 ? 2 * rto_ms : 10000) {
        assert_int_equal(s_send_due(outbox, now_ms), 1);
        int64_t wait_ms = pt_outbox_due_ms(outbox) - now_ms;
        assert_in_range(wait_ms, rto_ms, rto_ms + rto_ms / 4);
        assert_int_equal(s_send_due(outbox, now_ms + wait_ms - 1), 0);
        now_ms += wait_ms;
    }
    assert_int_equal(pt_outbox_counts(outbox).batches_resent, 9);
    pt_outbox_destroy(&outbox);
}

//  A worker that names a time is not waited for longer each time that it does.
static void
a_named_wait_begins_the_waits_anew(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 1);
    int64_t now_ms = 1000;
    for (int tries = 0; tries < 4; tries++, now_ms = pt_outbox_due_ms(outbox))
        assert_int_equal(s_send_due(outbox, now_ms), 1);
    assert_false(s_nack(outbox, 1, PT_REASON_BUSY, 100, now_ms));
    assert_in_range(pt_outbox_due_ms(outbox) - now_ms, 100, 125);
    now_ms = pt_outbox_due_ms(outbox);
    assert_int_equal(s_send_due(outbox, now_ms), 1);
    assert_in_range(pt_outbox_due_ms(outbox) - now_ms, 200, 250);
    pt_outbox_destroy(&outbox);
}

//  What was put off for long comes sooner after an answer to another batch, and never later.
static void
an_answer_puts_nothing_off(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 1);
    int64_t now_ms = 1000;
    for (int tries = 0; tries <= PT_OUTBOX_SILENT_SENDS; tries++, now_ms = pt_outbox_due_ms(outbox))
        assert_int_equal(s_send_due(outbox, now_ms), 1);
    int64_t due_ms = pt_outbox_due_ms(outbox);
    s_ack(outbox, 9, 9, due_ms - 1);
    assert_int_equal(pt_outbox_due_ms(outbox), due_ms);
    pt_outbox_destroy(&outbox);
}

static void
what_is_in_no_batch_yet_is_not_idle(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(2, 4);
    assert_true(pt_outbox_is_idle(outbox));
    assert_int_equal(s_put(outbox, "one"), PT_OK);
    assert_false(pt_outbox_is_idle(outbox));
    pt_outbox_seal(outbox);
    assert_false(pt_outbox_is_idle(outbox));
    s_ack(outbox, 1, 1, 0);
    assert_true(pt_outbox_is_idle(outbox));
    pt_outbox_destroy(&outbox);
}

//  A file may hold a whole window of them, and no more.
static void
a_whole_window_is_restored(void **state)
{
    (void) state;
    for (uint64_t beyond = 0; beyond < 2; beyond++) {
        pt_outbox_options_t options = {.producer = PRODUCER, .epoch = EPOCH, .next = PT_WINDOW + 1 + beyond, .seed = 1};
        pt_outbox_t *outbox = pt_outbox_new(&options);
        assert_non_null(outbox);
        pt_status_t status = pt_outbox_restore(outbox, 1, 0, 1, (pt_bytes_t) {(const uint8_t *) "batch", 5});
        assert_int_equal(status, beyond ? PT_E_RANGE : PT_OK);
        assert_int_equal(pt_outbox_floor(outbox), beyond ? PT_WINDOW + 2 : 1);
        pt_outbox_destroy(&outbox);
    }
}

static void
jitter_repeats_with_its_seed_and_differs_with_another(void **state)
{
    (void) state;
    int64_t due_ms[3][32];
    const uint64_t seeds[3] = {7, 7, 8};
    for (size_t i = 0; i < 3; i++) {
        pt_outbox_options_t options = {.producer = PRODUCER, .epoch = EPOCH, .batch_max = 1, .seed = seeds[i]};
        pt_outbox_t *outbox = pt_outbox_new(&options);
        assert_non_null(outbox);
        for (size_t k = 0; k < 32; k++) {
            s_put_batches(outbox, 1);
            assert_int_equal(s_send_due(outbox, 0), 1);
            due_ms[i][k] = pt_outbox_due_ms(outbox);
            s_ack(outbox, k + 1, k + 1, 0);
        }
        pt_outbox_destroy(&outbox);
    }
    assert_memory_equal(due_ms[0], due_ms[1], sizeof due_ms[0]);
    assert_memory_not_equal(due_ms[0], due_ms[2], sizeof due_ms[0]);
}

static void
three_silent_sends_ask_for_another_broker(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 2);
    for (int i = 0; i < 3; i++) {
        assert_false(pt_outbox_is_silent(outbox, pt_outbox_due_ms(outbox)));
        s_send_due(outbox, i * 100000);
    }
    assert_false(pt_outbox_is_silent(outbox, 200000)); //  the third may still be answered
    assert_true(pt_outbox_is_silent(outbox, 300000));
    pt_outbox_reconnected(outbox);
    assert_false(pt_outbox_is_silent(outbox, 300000));
    assert_int_equal(s_send_due(outbox, 300000), 2);
    pt_outbox_destroy(&outbox);
}

//  Nothing is on a new connection: what was to come later is due. Its waits go on as they were.
static void
all_that_is_not_answered_is_due_on_a_new_connection(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 3);
    assert_int_equal(s_send_due(outbox, 0), 3);
    s_ack(outbox, 2, 2, 10);
    assert_int_equal(s_send_due(outbox, 20), 0);
    pt_outbox_reconnected(outbox);
    assert_true(pt_outbox_due_ms(outbox) <= 20);
    assert_int_equal(s_send_due(outbox, 20), 2);
    assert_true(pt_outbox_due_ms(outbox) >= 20 + 2 * PT_OUTBOX_RTO_MS);
    pt_outbox_destroy(&outbox);
}

static void
any_answer_breaks_the_silence(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 2);
    for (int i = 0; i < 3; i++)
        s_send_due(outbox, i * 100000);
    s_nack(outbox, 2, PT_REASON_BUSY, 50, 200000);
    assert_false(pt_outbox_is_silent(outbox, 300000));
    //  What was put off for long comes soon again.
    s_ack(outbox, 2, 2, 400000);
    pt_outbox_destroy(&outbox);
}

static void
a_blocked_socket_is_a_kind_of_silence(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 1);
    for (int i = 0; i < 3; i++)
        pt_outbox_sent(outbox, 1, true, i * 100000);
    assert_true(pt_outbox_is_silent(outbox, 300000));
    assert_int_equal(pt_outbox_counts(outbox).batches_resent, 0);
    pt_outbox_destroy(&outbox);
}

static void
passing_reasons_send_again_and_others_are_for_good(void **state)
{
    (void) state;
    for (int reason = 0; reason < PT_REASON_COUNT_; reason++) {
        pt_outbox_t *outbox = s_outbox(1, 4);
        s_put_batches(outbox, 2);
        s_send_due(outbox, 0);
        bool for_good = s_nack(outbox, 1, (pt_reason_t) reason, 5000, 10);
        assert_int_equal(for_good, !pt_reason_is_passing((pt_reason_t) reason));
        assert_int_equal(pt_outbox_floor(outbox), for_good ? 2 : 1);
        assert_int_equal(pt_outbox_counts(outbox).refused, for_good);
        assert_int_equal(pt_outbox_counts(outbox).busy, reason == PT_REASON_BUSY);
        s_ack(outbox, 2, 2, 20);
        if (!for_good)
            assert_in_range(pt_outbox_due_ms(outbox), 5010, 5010 + 1250);
        assert_int_equal(pt_outbox_is_idle(outbox), for_good);
        pt_outbox_destroy(&outbox);
    }
}

static void
answers_to_others_are_ignored(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(1, 4);
    s_put_batches(outbox, 2);
    pt_ack_t other_epoch = {.producer = PRODUCER, .epoch = EPOCH + 1, .range_count = 1, .ranges = {{1, 9}}};
    pt_ack_t other_producer = {.producer = PRODUCER + 1, .epoch = EPOCH, .range_count = 1, .ranges = {{1, 9}}};
    pt_nack_t nack = {PRODUCER, EPOCH - 1, 1, PT_REASON_CONFLICT, 0};
    pt_outbox_batch_t batch;
    pt_outbox_ack(outbox, &other_epoch, 0);
    pt_outbox_ack(outbox, &other_producer, 0);
    assert_false(pt_outbox_nack(outbox, &nack, 0, &batch));
    assert_int_equal(pt_outbox_counts(outbox).pending, 2);
    //  Numbers never sent, and answered twice.
    s_ack(outbox, 2, PT_WIRE_INTEGER_MAX, 0);
    s_ack(outbox, 2, 2, 0);
    assert_int_equal(pt_outbox_counts(outbox).accepted, 1);
    assert_false(s_nack(outbox, 2, PT_REASON_CONFLICT, 0, 0));
    assert_int_equal(pt_outbox_floor(outbox), 1);
    pt_outbox_destroy(&outbox);
}

static void
nothing_unstored_is_due(void **state)
{
    (void) state;
    pt_outbox_options_t options = {.producer = PRODUCER, .epoch = EPOCH, .batch_max = 1, .stored = true};
    pt_outbox_t *outbox = pt_outbox_new(&options);
    assert_non_null(outbox);
    s_put_batches(outbox, 3);
    assert_int_equal(s_send_due(outbox, 0), 0);
    assert_int_equal(pt_outbox_due_ms(outbox), INT64_MAX);
    pt_outbox_stored(outbox, 3);
    assert_int_equal(s_send_due(outbox, 0), 2);
    pt_outbox_stored(outbox, 4);
    assert_int_equal(s_send_due(outbox, 0), 1);
    pt_outbox_destroy(&outbox);
}

static void
restored_batches_keep_their_seqs_and_bytes(void **state)
{
    (void) state;
    const pt_bytes_t payload = {(const uint8_t *) "\x91\xc4\x01x", 4};
    pt_outbox_options_t options = {.producer = PRODUCER, .epoch = EPOCH, .batch_max = 1, .next = 20, .first = 100};
    pt_outbox_t *outbox = pt_outbox_new(&options);
    assert_non_null(outbox);
    assert_int_equal(pt_outbox_restore(outbox, 20, 0, 1, payload), PT_E_RANGE);
    assert_int_equal(pt_outbox_restore(outbox, 12, 90, 1, payload), PT_OK);
    assert_int_equal(pt_outbox_restore(outbox, 12, 90, 1, payload), PT_E_RANGE);
    assert_int_equal(pt_outbox_restore(outbox, 17, 95, 1, payload), PT_OK);
    assert_int_equal(pt_outbox_counts(outbox).put, 2);
    assert_int_equal(pt_outbox_counts(outbox).pending, 2);
    assert_int_equal(pt_outbox_floor(outbox), 12);
    s_put_batches(outbox, 1);
    pt_outbox_batch_t batch;
    assert_true(pt_outbox_batch(outbox, 17, &batch));
    assert_int_equal(batch.first, 95);
    assert_int_equal(batch.header.crc32, pt_wire_crc32(payload));
    assert_true(pt_outbox_batch(outbox, 20, &batch));
    assert_int_equal(batch.first, 100);
    assert_false(pt_outbox_batch(outbox, 13, &batch));
    assert_int_equal(s_send_due(outbox, 0), 3);
    s_ack(outbox, 12, 12, 0);
    assert_int_equal(pt_outbox_floor(outbox), 17);
    s_ack(outbox, 17, 20, 0);
    assert_true(pt_outbox_is_idle(outbox));
    pt_outbox_destroy(&outbox);
}

static void
nothing_is_allocated_once_the_window_was_full(void **state)
{
    (void) state;
    pt_outbox_t *outbox = s_outbox(4, 16);
    for (uint64_t seq = 1, before = 0; seq < 10000; seq++) {
        for (int i = 0; i < 4; i++)
            assert_int_equal(s_put(outbox, "a response of the same size"), PT_OK);
        s_send_due(outbox, (int64_t) seq);
        if (seq >= 10)
            s_ack(outbox, seq - 9, seq - 9, (int64_t) seq);
        if (seq == 20)
            before = s_allocations;
        if (seq > 20)
            assert_int_equal(s_allocations, before);
    }
    pt_outbox_destroy(&outbox);
}

//  The model: for each batch only whether it is answered, its checksum, and the time before which it
//  must not be sent.
typedef struct {
    bool sealed, answered;
    uint32_t crc32, count, sends;
    int64_t not_before_ms, not_after_ms;
} model_batch_t;

typedef struct {
    pt_outbox_t *outbox;
    model_batch_t *batches;
    uint64_t next, random;
    uint32_t window;
    uint32_t open;
    uint64_t accepted, refused, put;
    int64_t now_ms;
} model_t;

static uint64_t
s_random(model_t *self, uint64_t below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random % below;
}

static uint64_t
s_model_floor(const model_t *self)
{
    uint64_t seq = 1;
    while (seq < self->next && self->batches[seq].answered)
        seq++;
    return seq;
}

static void
s_model_note_sealed(model_t *self)
{
    for (; self->next < pt_outbox_next(self->outbox); self->next++) {
        pt_outbox_batch_t batch;
        assert_true(pt_outbox_batch(self->outbox, self->next, &batch));
        self->batches[self->next] =
            (model_batch_t) {.sealed = true, .crc32 = batch.header.crc32, .count = batch.header.count};
        self->open -= batch.header.count;
    }
}

static void
s_model_put(model_t *self)
{
    uint8_t bytes[64];
    size_t len = s_random(self, sizeof bytes);
    memset(bytes, (int) s_random(self, 256), sizeof bytes);
    pt_status_t status = pt_outbox_put(self->outbox, (pt_bytes_t) {bytes, len});
    bool room = self->next - s_model_floor(self) < self->window;
    assert_int_equal(status, room ? PT_OK : PT_E_SPACE);
    self->put += room;
    self->open += room;
    if (s_random(self, 4) == 0)
        pt_outbox_seal(self->outbox);
    s_model_note_sealed(self);
}

static void
s_model_send(model_t *self)
{
    pt_outbox_batch_t batch;
    uint64_t last = 0, floor = s_model_floor(self);
    for (uint64_t cursor = 0; pt_outbox_due(self->outbox, self->now_ms, &cursor, &batch);) {
        model_batch_t *model = &self->batches[batch.header.seq];
        assert_true(batch.header.seq > last);
        last = batch.header.seq;
        assert_false(model->answered);
        assert_int_equal(batch.header.floor, floor);
        assert_int_equal(batch.header.crc32, model->crc32);
        assert_int_equal(pt_wire_crc32(batch.payload), model->crc32);
        assert_true(self->now_ms >= model->not_before_ms);
        pt_outbox_sent(self->outbox, batch.header.seq, s_random(self, 8) == 0, self->now_ms);
        model->sends++;
        model->not_before_ms = self->now_ms + 1;
        model->not_after_ms = self->now_ms + PT_OUTBOX_RTO_MS_MAX * 5 / 4;
    }
    //  What could wait no longer was sent.
    for (uint64_t seq = floor; seq < self->next; seq++)
        assert_true(self->batches[seq].answered || self->now_ms <= self->batches[seq].not_after_ms);
}

static void
s_model_answer(model_t *self)
{
    uint64_t seq = 1 + s_random(self, self->next + 3);
    model_batch_t none = {.answered = true}, *model = seq < self->next ? &self->batches[seq] : &none;
    if (s_random(self, 3)) {
        uint64_t last = seq + s_random(self, 4);
        s_ack(self->outbox, seq, last, self->now_ms);
        for (; seq <= last && seq < self->next; seq++) {
            self->accepted += self->batches[seq].answered ? 0 : self->batches[seq].count;
            self->batches[seq].answered = true;
        }
        return;
    }
    pt_reason_t reason = (pt_reason_t) s_random(self, PT_REASON_COUNT_);
    uint32_t wait_ms = (uint32_t) s_random(self, 1000);
    bool for_good = s_nack(self->outbox, seq, reason, wait_ms, self->now_ms);
    assert_int_equal(for_good, !model->answered && !pt_reason_is_passing(reason));
    if (for_good) {
        model->answered = true;
        self->refused += model->count;
    } else if (!model->answered && wait_ms) {
        model->not_before_ms = self->now_ms + wait_ms;
        model->not_after_ms = self->now_ms + wait_ms * 5 / 4;
    }
}

#define MODEL_BATCHES 4096

static void
s_run_model(uint64_t seed)
{
    model_t model = {.batches = calloc(MODEL_BATCHES, sizeof(model_batch_t)),
                     .next = 1,
                     .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                     .now_ms = 1000};
    assert_non_null(model.batches);
    model.window = 1 + (uint32_t) s_random(&model, 40);
    model.outbox = s_outbox(1 + (uint32_t) s_random(&model, 6), model.window);
    for (int step = 0; step < 2000 && model.next + 8 < MODEL_BATCHES; step++) {
        switch (s_random(&model, 8)) {
        case 0:
        case 1:
        case 2:
            s_model_put(&model);
            break;
        case 3:
        case 4:
            s_model_answer(&model);
            break;
        case 5:
            if (!pt_outbox_is_silent(model.outbox, model.now_ms))
                break;
            pt_outbox_reconnected(model.outbox);
            for (uint64_t seq = 1; seq < model.next; seq++)
                model.batches[seq].not_before_ms = 0;
            break;
        default:
            model.now_ms += (int64_t) s_random(&model, 400);
            s_model_send(&model);
        }
        pt_outbox_counts_t counts = pt_outbox_counts(model.outbox);
        assert_int_equal(pt_outbox_floor(model.outbox), s_model_floor(&model));
        assert_int_equal(counts.put, model.put);
        assert_int_equal(counts.accepted, model.accepted);
        assert_int_equal(counts.refused, model.refused);
        assert_int_equal(counts.pending, model.put - model.accepted - model.refused);
    }
    pt_outbox_seal(model.outbox);
    s_ack(model.outbox, 1, PT_WIRE_INTEGER_MAX, model.now_ms);
    assert_true(pt_outbox_is_idle(model.outbox));
    pt_outbox_destroy(&model.outbox);
    free(model.batches);
}

static void
random_events_agree_with_a_plain_model(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 500; seed++)
        s_run_model(seed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_holds_its_responses_as_bins),
        cmocka_unit_test(window_counts_from_the_lowest_unanswered_batch),
        cmocka_unit_test(a_response_larger_than_a_batch_is_refused_at_once),
        cmocka_unit_test(resends_wait_twice_as_long_each_time),
        cmocka_unit_test(a_named_wait_begins_the_waits_anew),
        cmocka_unit_test(an_answer_puts_nothing_off),
        cmocka_unit_test(what_is_in_no_batch_yet_is_not_idle),
        cmocka_unit_test(a_whole_window_is_restored),
        cmocka_unit_test(jitter_repeats_with_its_seed_and_differs_with_another),
        cmocka_unit_test(three_silent_sends_ask_for_another_broker),
        cmocka_unit_test(all_that_is_not_answered_is_due_on_a_new_connection),
        cmocka_unit_test(any_answer_breaks_the_silence),
        cmocka_unit_test(a_blocked_socket_is_a_kind_of_silence),
        cmocka_unit_test(passing_reasons_send_again_and_others_are_for_good),
        cmocka_unit_test(answers_to_others_are_ignored),
        cmocka_unit_test(nothing_unstored_is_due),
        cmocka_unit_test(restored_batches_keep_their_seqs_and_bytes),
        cmocka_unit_test(nothing_is_allocated_once_the_window_was_full),
        cmocka_unit_test(random_events_agree_with_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
