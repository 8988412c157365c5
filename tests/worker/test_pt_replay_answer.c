/*  OPENED of a journal with more topics than one answer names: pages that leave nothing out, and name nothing twice. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "pt_replay_answer.h"

#define S_BYTES (UINT64_C(8) << 20)

typedef struct {
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len;
    size_t count; //  answers
} s_sent_t;

static bool
s_send(void *context, const pt_frames_t *route, const pt_bytes_t *frames, size_t count)
{
    (void) route;
    s_sent_t *sent = context;
    pt_bytes_t last = frames[count - 1];
    assert_true(last.len <= sizeof(sent->bytes));
    memcpy(sent->bytes, last.data, last.len);
    sent->len = last.len;
    sent->count++;
    return true;
}

typedef struct {
    char dir[STORE_PATH_BYTES];
    pt_store_t *store;
    pt_answer_t answer;
    s_sent_t sent;
} s_bench_t;

//  A store with topics of one queue, in the order of their names, and one of another queue between them and the end.
static void
s_open_bench(s_bench_t *bench, size_t topics)
{
    memset(bench, 0, sizeof(*bench));
    bench->store = store_open(store_dir(bench->dir), S_BYTES);
    store_part_t part = store_part(0, 2, 10, false);
    assert_int_equal(pt_store_begin(bench->store), PT_OK);
    for (size_t i = 0; i < topics; i++) {
        char name[PT_TOPIC_BYTES_MAX + 1];
        snprintf(name, sizeof(name), "retry.g%04zu.", i);
        store_append(bench->store, name, &part);
    }
    store_append(bench->store, "settled.g.", &part);
    assert_int_equal(pt_store_commit(bench->store), PT_OK);
    store_part_clear(&part);
    assert_true(pt_answer_open_store(&bench->answer, bench->store, s_send, &bench->sent));
}

static void
s_close_bench(s_bench_t *bench)
{
    pt_answer_close(&bench->answer);
    pt_store_close(&bench->store);
}

//  The page behind `after`; texts of it are the bench's.
static void
s_ask(s_bench_t *bench, const char *after, pt_opened_t *out_opened)
{
    static const pt_frames_t s_route;
    pt_open_t open = {.req_id = 5, .name = PT_TEXT("desk"), .prefix_count = 1, .after = pt_text_of(after)};
    open.prefixes[0] = PT_TEXT("retry.");
    bench->sent.count = 0;
    pt_answer_open(&bench->answer, &s_route, &open);
    assert_int_equal(bench->sent.count, 1);
    assert_int_equal(pt_opened_decode((pt_bytes_t) {bench->sent.bytes, bench->sent.len}, out_opened), PT_OK);
    assert_int_equal(out_opened->req_id, 5);
}

static void
each_topic_is_on_one_page_and_only_the_last_page_says_so(void **state)
{
    (void) state;
    static const size_t counts[] = {
        0, 1, PT_HEADS_MAX - 1, PT_HEADS_MAX, PT_HEADS_MAX + 1, 2 * PT_HEADS_MAX, 2 * PT_HEADS_MAX + 3};
    for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
        static s_bench_t bench;
        static pt_opened_t opened;
        char after[PT_TOPIC_BYTES_MAX + 1] = "";
        size_t seen = 0;
        s_open_bench(&bench, counts[k]);
        do {
            s_ask(&bench, after, &opened);
            for (size_t i = 0; i < opened.topic_count; i++) {
                snprintf(after, sizeof(after), "retry.g%04zu.", seen++);
                assert_true(pt_text_equal(opened.topics[i].topic, pt_text_of(after)));
                assert_int_equal(opened.topics[i].head_seq, 3);
            }
            assert_int_equal(opened.more, seen < counts[k]);
            assert_true(!opened.more || opened.topic_count == PT_HEADS_MAX);
        } while (opened.more);
        assert_int_equal(seen, counts[k]);
        s_close_bench(&bench);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_topic_is_on_one_page_and_only_the_last_page_says_so),
    };
    return cmocka_run_group_tests_name("pt_replay_answer", tests, store_setup, store_teardown);
}
