/*  Alerts through a whole pool: what is told and what is summed up are all that were raised, and the routes
 *  are as ever.
 */
#include "bus_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "pt_journal.h"

#define S_HOUR_MS (60 * 60 * 1000)

//  One worker shares a thread with the pool; others have their own.
static size_t s_threads;

typedef struct {
    pt_broker_t *broker;
    pt_pool_t *pool;
    pt_store_t *store; //  NULL: none
    pt_stats_t *stats;
    zsock_t *producer;
    bus_subscriber_t subscriber;
    uint64_t decided;   //  on routes
    uint64_t alerts;    //  messages of people
    uint64_t counted;   //  what these stand for
    uint64_t summaries; //  of these alerts
    pt_alert_t last;    //  the last one; its texts are gone
    char nearest[PT_ENDPOINT_BYTES_MAX];
} s_bench_t;

static void
s_open_bench(s_bench_t *bench, const pt_alerts_options_t *alerts, pt_store_t *store)
{
    static unsigned s_serial;
    *bench = (s_bench_t) {.broker = bus_broker(s_serial++), .store = store, .stats = pt_stats_new()};
    pt_pool_options_t options = {.brokers = {pt_broker_back(bench->broker)},
                                 .broker_count = 1,
                                 .threads = s_threads,
                                 .journal = store,
                                 .stats = bench->stats,
                                 .alerts = *alerts};
    bench->pool = bus_pool_of(&options);
    bus_subscribe(&bench->subscriber, &bench->pool, 1);
    bench->producer = bus_connect(ZMQ_DEALER, pt_broker_front(bench->broker));
}

static void
s_close_bench(s_bench_t *bench)
{
    bus_unsubscribe(&bench->subscriber);
    zsock_destroy(&bench->producer);
    pt_pool_destroy(&bench->pool);
    pt_broker_destroy(&bench->broker);
    pt_stats_destroy(&bench->stats);
    pt_store_close(&bench->store);
}

static void
s_note_alert(s_bench_t *bench, const pt_decision_t *decision)
{
    assert_true(decision->alert.present && decision->alert.active);
    bench->alerts++;
    bench->counted += decision->alert.count;
    bench->summaries += decision->alert.fold != PT_FOLD_NONE;
    bench->last = decision->alert;
    snprintf(bench->nearest, sizeof(bench->nearest), "%.*s", (int) decision->alert.nearest.len,
             decision->alert.nearest.data ? decision->alert.nearest.data : "");
}

static void
s_read_decisions(s_bench_t *bench)
{
    pt_decision_t decision;
    bus_next_decisions(&bench->subscriber);
    while (bus_next_decision(&bench->subscriber, &decision))
        if (strncmp(bench->subscriber.topic, "operator_alert.", 15) == 0)
            s_note_alert(bench, &decision);
        else
            bench->decided++;
}

//  False: it is to come again.
static bool
s_send_once(s_bench_t *bench, uint64_t seq, uint32_t count, const uint8_t *response, size_t len)
{
    bus_answer_t answer;
    bus_batch_t batch = bus_batch(7, seq, count, response, len);
    bus_batch_send(bench->producer, &batch);
    bus_batch_clear(&batch);
    bus_receive_answer(bench->producer, &answer);
    assert_true(answer.kind == PT_KIND_ACK || answer.nack.reason == PT_REASON_BUSY);
    return answer.kind == PT_KIND_ACK;
}

static void
s_send(s_bench_t *bench, uint64_t seq, uint32_t count, const uint8_t *response, size_t len)
{
    while (!s_send_once(bench, seq, count, response, len))
        ;
}

static void
s_storm(s_bench_t *bench)
{
    uint8_t response[BUS_RESPONSE_BYTES];
    uint8_t known[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "invalid_chargf", 400, response);
    size_t known_len = bus_response(NULL, "nobody", "x", 400, known);
    uint64_t sent = 0;
    for (uint64_t seq = 1; seq <= 40; seq += 2, sent += 600) {
        s_send(bench, seq, 500, response, len);
        s_send(bench, seq + 1, 100, known, known_len);
    }
    while (bench->decided < sent || bench->counted < sent)
        s_read_decisions(bench);
    assert_int_equal(bench->decided, sent);
    assert_int_equal(bench->counted, sent);
    assert_true(bench->summaries > 0);
    assert_true(bench->alerts < sent / 10);
    static pt_stats_snapshot_t snapshot;
    pt_stats_read(bench->stats, &snapshot);
    assert_int_equal(snapshot.alerts.told + snapshot.alerts.summaries, bench->alerts);
    assert_int_equal(snapshot.alerts.told + snapshot.alerts.folded, sent);
    assert_int_equal(snapshot.alerts.keys, 2);
}

static void
a_storm_is_told_once_and_summed_up(void **state)
{
    (void) state;
    s_bench_t bench;
    const pt_alerts_options_t alerts = {.window_ms = 100, .frequent_count = 10, .frequent_ms = S_HOUR_MS};
    s_open_bench(&bench, &alerts, NULL);
    s_storm(&bench);
    s_close_bench(&bench);
}

static void
a_storm_is_told_once_and_summed_up_with_a_journal(void **state)
{
    (void) state;
    s_bench_t bench;
    char dir[STORE_PATH_BYTES];
    const pt_alerts_options_t alerts = {.window_ms = 100, .frequent_count = 10, .frequent_ms = S_HOUR_MS};
    s_open_bench(&bench, &alerts, store_open(store_dir(dir), UINT64_C(64) << 20));
    s_storm(&bench);
    store_expect_sound(bench.store);
    s_close_bench(&bench);
}

static void
the_first_of_an_unknown_code_names_what_looks_like_it(void **state)
{
    (void) state;
    s_bench_t bench;
    uint8_t response[BUS_RESPONSE_BYTES];
    const pt_alerts_options_t alerts = {.window_ms = S_HOUR_MS, .frequent_count = 10, .frequent_ms = S_HOUR_MS};
    s_open_bench(&bench, &alerts, NULL);
    size_t len = bus_response("r1", "opn", "invalid_chargf", 400, response);
    s_send(&bench, 1, 1, response, len);
    while (!bench.alerts)
        s_read_decisions(&bench);
    assert_memory_equal(bench.nearest, "opn/invalid_charge/", 19);
    assert_int_equal(bench.last.count, 1);
    assert_int_equal(bench.last.fold, PT_FOLD_NONE);
    len = bus_response("r2", "opn", "nothing_like_it", 400, response);
    s_send(&bench, 2, 1, response, len);
    while (bench.alerts < 2)
        s_read_decisions(&bench);
    assert_string_equal(bench.nearest, "");
    s_close_bench(&bench);
}

static void
what_alerts_if_frequent_does_so_at_its_rate(void **state)
{
    (void) state;
    s_bench_t bench;
    uint8_t response[BUS_RESPONSE_BYTES];
    const pt_alerts_options_t alerts = {.window_ms = S_HOUR_MS, .frequent_count = 5, .frequent_ms = S_HOUR_MS};
    s_open_bench(&bench, &alerts, NULL);
    size_t len = bus_response(NULL, "shopline", "4102", 400, response);
    for (uint64_t seq = 1; seq <= 6; seq++)
        s_send(&bench, seq, 1, response, len);
    while (!bench.alerts || bench.decided < 6)
        s_read_decisions(&bench);
    assert_int_equal(bench.alerts, 1);
    assert_int_equal(bench.last.count, 5);
    assert_int_equal(bench.last.when, PT_ALERT_WHEN_IF_FREQUENT);
    s_close_bench(&bench);
}

//  ---- a full journal

//  What the alerts in a journal stand for, and whether the last one is a summary.
static uint64_t
s_count_kept(const char *dir, bool *out_summary)
{
    pt_store_t *store = store_open_reader(dir);
    pt_store_view_t *view;
    pt_store_record_t record;
    static uint8_t bytes[PT_BATCH_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    uint64_t count = 0;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_seek(view, "operator_alert.opn.", 1), PT_OK);
    while (pt_store_view_next(view, &record) == PT_OK) {
        pt_items_t items;
        pt_bytes_t item;
        pt_decision_t decision;
        assert_int_equal(pt_store_view_items(view, bytes), PT_OK);
        assert_int_equal(pt_items_open_decisions((pt_bytes_t) {bytes, record.items_bytes}, record.count, &items),
                         PT_OK);
        while (pt_items_next(&items, &item)) {
            assert_int_equal(pt_decision_decode(item, fields, &decision), PT_OK);
            count += decision.alert.count;
            *out_summary = decision.alert.fold == PT_FOLD_SAME;
        }
    }
    pt_store_view_close(&view);
    pt_store_close(&store);
    return count;
}

static void
s_keep_for_ever(pt_store_t *store)
{
    const pt_text_t prefixes[] = {PT_TEXT("operator_alert.")};
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_subscribe(store, "people", true, prefixes, 1, 1), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
}

//  Batches that find no room are refused and come again; their alerts are counted when they are taken, and what
//  was folded when the worker ends is in the journal.
static void
what_is_refused_is_not_counted(void **state)
{
    (void) state;
    s_bench_t bench;
    char dir[STORE_PATH_BYTES];
    uint8_t response[BUS_RESPONSE_BYTES];
    const pt_alerts_options_t alerts = {.window_ms = S_HOUR_MS, .frequent_count = 10, .frequent_ms = S_HOUR_MS};
    pt_store_t *store = store_open(store_dir(dir), PT_STORE_BYTES_MIN);
    s_keep_for_ever(store);
    s_open_bench(&bench, &alerts, store);
    char id[129] = "";
    memset(id, 0x78, 100);
    size_t len = bus_response(id, "opn", "no_such_code", 400, response);
    uint64_t seq = 1;
    pt_store_view_t *view;
    s_send(&bench, seq++, 1, response, len);
    //  Nothing that is trimmed can be used again while somebody looks at it.
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    while (pt_store_troubles(store).without_room < 5)
        seq += s_send_once(&bench, seq, 100, response, len);
    pt_store_view_close(&view);
    for (int i = 0; i < 20; i++)
        s_send(&bench, seq++, 100, response, len);
    assert_int_equal(pt_pool_drain(bench.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    s_close_bench(&bench);
    bool is_summary = false;
    assert_int_equal(s_count_kept(dir, &is_summary), 1 + (seq - 2) * 100);
    assert_true(is_summary);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_is_told_once_and_summed_up),
        cmocka_unit_test(a_storm_is_told_once_and_summed_up_with_a_journal),
        cmocka_unit_test(the_first_of_an_unknown_code_names_what_looks_like_it),
        cmocka_unit_test(what_alerts_if_frequent_does_so_at_its_rate),
        cmocka_unit_test(what_is_refused_is_not_counted),
    };
    int failed = 0;
    for (s_threads = 1; s_threads <= 3; s_threads += 2)
        failed += cmocka_run_group_tests_name(s_threads > 1 ? "three threads" : "one thread", tests, bus_store_setup,
                                              bus_store_teardown);
    return failed;
}
