/*  The store against a model without any cleverness, over random transactions, aborts and reopenings. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

#define S_TOPICS 5
#define S_RECORDS 4000
#define S_PRODUCERS 6
#define S_SEQS 3000
#define S_NAMES 3

typedef struct {
    uint64_t first_seq;
    uint64_t start;
    uint32_t count;
    size_t filler;
    bool responses;
} s_record_t;

typedef struct {
    s_record_t records[S_TOPICS][S_RECORDS];
    size_t record_counts[S_TOPICS];
    uint64_t next_seqs[S_TOPICS];
    uint64_t floors[S_PRODUCERS];
    uint32_t crcs[S_PRODUCERS][S_SEQS]; //  0: not finished
    bool named[S_NAMES];
    size_t prefix_counts[S_NAMES];
    uint64_t positions[S_NAMES][S_TOPICS];
    uint64_t number; //  of the next decision, over all topics
} s_model_t;

static const char *const s_topics[S_TOPICS] = {"retry.opn.", "retry.-.", "dead_letter.opn.", "operator_alert.uapay.",
                                               "retry.opn2."};
static const char *const s_names[S_NAMES] = {"ab", "abc", "scheduler"};

static void
s_append_random(pt_store_t *store, s_model_t *model, uint64_t *seed)
{
    size_t topic = store_random(seed) % S_TOPICS;
    if (model->record_counts[topic] == S_RECORDS)
        return;
    uint32_t counts[3];
    store_part_t made[3];
    pt_store_part_t parts[3];
    size_t part_count = 1 + store_random(seed) % 3;
    size_t filler = store_random(seed) % (store_random(seed) % 8 ? 60 : 3000);
    bool responses = store_random(seed) % 2;
    s_record_t record = {model->next_seqs[topic], model->number, 0, filler, responses};
    for (size_t i = 0; i < part_count; i++) {
        counts[i] = 1 + (uint32_t) (store_random(seed) % 40);
        made[i] = store_part(model->number, counts[i], filler, responses);
        parts[i] = made[i].part;
        model->number += counts[i];
        record.count += counts[i];
    }
    uint64_t first_seq;
    if (pt_store_append(store, s_topics[topic], parts, part_count, 7, &first_seq) != PT_OK)
        fail_msg("%s", pt_store_error(store));
    assert_int_equal(first_seq, record.first_seq);
    model->records[topic][model->record_counts[topic]++] = record;
    model->next_seqs[topic] += record.count;
    for (size_t i = 0; i < part_count; i++)
        store_part_clear(&made[i]);
}

static void
s_remember_random(pt_store_t *store, s_model_t *model, uint64_t *seed)
{
    size_t producer = store_random(seed) % S_PRODUCERS;
    uint64_t *floor = &model->floors[producer];
    uint64_t given = store_random(seed) % 8 ? *floor : *floor + store_random(seed) % 20;
    //  Now and then a floor that lags, as of a batch that was overtaken.
    if (given > 3 && store_random(seed) % 8 == 0)
        given -= 3;
    uint64_t seq = given + store_random(seed) % 50;
    if (seq >= S_SEQS)
        return;
    uint32_t crc32 = (uint32_t) store_random(seed) | 1;
    assert_int_equal(pt_store_remember(store, producer, 5, given, seq, crc32, 100), PT_OK);
    if (given > *floor)
        *floor = given;
    for (uint64_t i = 0; i < *floor; i++)
        model->crcs[producer][i] = 0;
    if (seq >= *floor)
        model->crcs[producer][seq] = crc32;
}

static void
s_subscribe_random(pt_store_t *store, s_model_t *model, uint64_t *seed)
{
    size_t name = store_random(seed) % S_NAMES;
    pt_text_t prefixes[2] = {PT_TEXT("retry."), PT_TEXT("dead_letter.opn.")};
    if (model->named[name] && store_random(seed) % 10 == 0) {
        assert_int_equal(pt_store_forget(store, s_names[name]), PT_OK);
        model->named[name] = false;
        memset(model->positions[name], 0, sizeof(model->positions[name]));
        return;
    }
    size_t count = store_random(seed) % 3;
    assert_int_equal(pt_store_subscribe(store, s_names[name], true, prefixes, count, 100), PT_OK);
    model->named[name] = true;
    model->prefix_counts[name] = count;
}

static void
s_position_random(pt_store_t *store, s_model_t *model, uint64_t *seed)
{
    size_t name = store_random(seed) % S_NAMES;
    size_t topic = store_random(seed) % S_TOPICS;
    uint64_t next_seq = 1 + store_random(seed) % (model->next_seqs[topic] + 2);
    pt_status_t status = pt_store_position(store, s_names[name], s_topics[topic], next_seq, 100);
    pt_store_head_t head;
    bool covered = model->prefix_counts[name] == 0 || strncmp(s_topics[topic], "retry.", 6) == 0 ||
                   (model->prefix_counts[name] == 2 && strcmp(s_topics[topic], "dead_letter.opn.") == 0);
    if (!model->named[name] || !covered || !pt_store_head(store, s_topics[topic], &head)) {
        assert_int_equal(status, PT_E_NOT_FOUND);
    } else if (next_seq > model->next_seqs[topic]) {
        assert_int_equal(status, PT_E_RANGE);
    } else {
        assert_int_equal(status, PT_OK);
        if (next_seq > model->positions[name][topic])
            model->positions[name][topic] = next_seq;
    }
}

static void
s_compare_record(pt_store_view_t *view, const s_record_t *want)
{
    pt_store_record_t record;
    store_part_t part = store_part(want->start, want->count, want->filler, want->responses);
    assert_int_equal(pt_store_view_next(view, &record), PT_OK);
    assert_int_equal(record.first_seq, want->first_seq);
    assert_int_equal(record.count, want->count);
    assert_int_equal(record.crc32, part.part.crc32);
    assert_int_equal(record.decided_ms, 7);
    assert_int_equal(record.items_bytes, part.part.items.len);
    assert_int_equal(record.responses_bytes, part.part.responses.len);
    uint8_t *bytes = malloc(record.items_bytes);
    assert_int_equal(pt_store_view_items(view, bytes), PT_OK);
    assert_memory_equal(bytes, part.items, record.items_bytes);
    free(bytes);
    if (record.responses_bytes) {
        bytes = malloc(record.responses_bytes);
        assert_int_equal(pt_store_view_responses(view, bytes), PT_OK);
        assert_memory_equal(bytes, part.responses, record.responses_bytes);
        free(bytes);
    }
    store_part_clear(&part);
}

static void
s_compare_topic(pt_store_view_t *view, const s_model_t *model, size_t topic, uint64_t *seed)
{
    pt_store_head_t head;
    size_t count = model->record_counts[topic];
    if (count == 0)
        return;
    assert_int_equal(pt_store_view_head(view, s_topics[topic], &head), PT_OK);
    assert_int_equal(head.first_retained, 1);
    assert_int_equal(head.next_seq, model->next_seqs[topic]);
    assert_int_equal(head.records, count);
    //  From anywhere inside a record, to the end.
    size_t from = store_random(seed) % count;
    const s_record_t *record = &model->records[topic][from];
    uint64_t seq = record->first_seq + store_random(seed) % record->count;
    assert_int_equal(pt_store_view_seek(view, s_topics[topic], seq), PT_OK);
    for (size_t i = from; i < count && i < from + 20; i++)
        s_compare_record(view, &model->records[topic][i]);
    pt_store_record_t ignored;
    assert_int_equal(pt_store_view_seek(view, s_topics[topic], model->next_seqs[topic] - 1), PT_OK);
    assert_int_equal(pt_store_view_next(view, &ignored), PT_OK);
    assert_int_equal(pt_store_view_next(view, &ignored), PT_E_NOT_FOUND);
    assert_int_equal(pt_store_view_seek(view, s_topics[topic], model->next_seqs[topic]), PT_E_NOT_FOUND);
    assert_int_equal(pt_store_view_seek(view, s_topics[topic], 0), PT_E_RANGE);
}

typedef struct {
    const s_model_t *model;
    size_t told;
} s_windows_t;

static void
s_compare_batch(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    s_windows_t *windows = context;
    assert_in_range(producer, 0, S_PRODUCERS - 1);
    assert_int_equal(epoch, 5);
    assert_int_equal(floor, windows->model->floors[producer]);
    assert_int_equal(crc32, seq ? windows->model->crcs[producer][seq] : 0);
    windows->told += seq != 0;
}

static void
s_compare_windows(pt_store_view_t *view, const s_model_t *model)
{
    s_windows_t windows = {model, 0};
    size_t want = 0;
    assert_int_equal(pt_store_view_windows(view, s_compare_batch, &windows), PT_OK);
    for (size_t producer = 0; producer < S_PRODUCERS; producer++)
        for (size_t seq = 0; seq < S_SEQS; seq++)
            want += model->crcs[producer][seq] != 0;
    assert_int_equal(windows.told, want);
}

static void
s_compare_subscribers(pt_store_view_t *view, const s_model_t *model)
{
    pt_store_subscriber_t who = {.name = ""};
    for (size_t name = 0; name < S_NAMES; name++) {
        if (!model->named[name])
            continue;
        char after[PT_STORE_NAME_BYTES_MAX + 1];
        memcpy(after, who.name, sizeof(after));
        assert_int_equal(pt_store_view_subscriber(view, after, &who), PT_OK);
        assert_string_equal(who.name, s_names[name]);
        assert_true(who.durable);
        for (size_t topic = 0; topic < S_TOPICS; topic++) {
            uint64_t position;
            assert_int_equal(pt_store_view_position(view, who.name, s_topics[topic], &position), PT_OK);
            assert_int_equal(position, model->positions[name][topic]);
        }
    }
    assert_int_equal(pt_store_view_subscriber(view, who.name, &who), PT_E_NOT_FOUND);
}

static void
s_compare_all(pt_store_t *store, const s_model_t *model, uint64_t *seed)
{
    pt_store_view_t *view;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    for (size_t topic = 0; topic < S_TOPICS; topic++)
        s_compare_topic(view, model, topic, seed);
    s_compare_windows(view, model);
    s_compare_subscribers(view, model);
    pt_store_view_close(&view);
}

static void
s_change_random(pt_store_t *store, s_model_t *model, uint64_t *seed)
{
    size_t changes = store_random(seed) % 12;
    for (size_t i = 0; i < changes; i++)
        switch (store_random(seed) % 8) {
        case 0:
        case 1:
        case 2:
            s_append_random(store, model, seed);
            break;
        case 3:
            s_subscribe_random(store, model, seed);
            break;
        case 4:
            s_position_random(store, model, seed);
            break;
        default:
            s_remember_random(store, model, seed);
        }
}

static void
store_keeps_what_a_model_keeps(void **state)
{
    (void) state;
    static s_model_t model;
    static s_model_t kept;
    for (uint64_t round = 1; round <= 4; round++) {
        uint64_t seed = round * UINT64_C(0x9e3779b97f4a7c15);
        char dir[STORE_PATH_BYTES];
        store_dir(dir);
        memset(&model, 0, sizeof(model));
        for (size_t i = 0; i < S_TOPICS; i++)
            model.next_seqs[i] = 1;
        for (size_t i = 0; i < S_PRODUCERS; i++)
            model.floors[i] = 1;
        pt_store_t *store = store_open(dir, 64 << 20);
        uint64_t epoch = pt_store_identity(store).epoch;
        uint64_t starts = 1;
        for (int turn = 0; turn < 250; turn++) {
            kept = model;
            assert_int_equal(pt_store_begin(store), PT_OK);
            s_change_random(store, &model, &seed);
            if (store_random(&seed) % 5 == 0) {
                pt_store_abort(store);
                model = kept;
            } else {
                assert_int_equal(pt_store_commit(store), PT_OK);
            }
            if (store_random(&seed) % 20 == 0) {
                pt_store_close(&store);
                store = store_open(dir, 64 << 20);
                starts++;
            }
            if (turn % 5 == 0)
                s_compare_all(store, &model, &seed);
        }
        s_compare_all(store, &model, &seed);
        store_expect_sound(store);
        assert_int_equal(pt_store_identity(store).epoch, epoch);
        assert_int_equal(pt_store_identity(store).incarnation, starts);
        pt_store_close(&store);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_keeps_what_a_model_keeps),
    };
    return cmocka_run_group_tests_name("pt_store_model", tests, store_setup, store_teardown);
}
