/*  Catalogs that change while batches are decided: a thousand times under load, and every decision is
 *  made again with the catalog that it names.
 */
#include "bus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "pt_load.h"
#include "pt_swap.h"
#include "pt_triage.h"

#define S_SWAPS 1000
#define S_ITEMS 24
#define S_WINDOW 16

//  Two catalogs: the built-in one, and one with other gateways before it, so that no index is the same,
//  and with another action for a code of both.
static pt_bytes_t s_images[2];
static pt_load_t s_load;
static pt_triage_t s_triages[2];

static void
s_write_file(const char *dir, const char *name, const char *text, char *out_path)
{
    snprintf(out_path, 256, "%s/%s", dir, name);
    FILE *file = fopen(out_path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int
s_set_up(void **state)
{
    static const char s_gateway[] = "gateway: {id: aaa, name: Aaa, cite: none}\n"
                                    "body: {codes: [{code: code, message: message}]}\n"
                                    "operations: [{name: payment, kind: money}]\n"
                                    "entries:\n"
                                    "  - {code: \"no_such_code\", category: decline_hard, outcome: declined,\n"
                                    "     action: change_instrument, summary: No., cite: 1}\n";
    static const char s_overlay[] = "overlay: true\n"
                                    "gateway: {id: opn}\n"
                                    "entries:\n"
                                    "  - {code: \"no_such_code\", category: decline_hard, outcome: declined,\n"
                                    "     action: change_instrument, summary: No., cite: \"https://example.com/1\"}\n";
    char dir[] = "/tmp/paytriage-swap-XXXXXX";
    char paths[2][256];
    if (bus_setup(state) != 0 || !mkdtemp(dir))
        return -1;
    s_write_file(dir, "aaa.yaml", s_gateway, paths[0]);
    s_write_file(dir, "opn.yaml", s_overlay, paths[1]);
    pt_load_options_t options = {.paths = {dir}, .path_count = 1};
    pt_load_result_t result = pt_load(&options, &s_load);
    unlink(paths[0]);
    unlink(paths[1]);
    rmdir(dir);
    assert_int_equal(result, PT_LOAD_OK);
    s_images[0] = pt_catalog_image(pt_catalog_builtin());
    s_images[1] = pt_catalog_image(s_load.catalog);
    pt_triage_init(&s_triages[0], pt_catalog_builtin());
    pt_triage_init(&s_triages[1], s_load.catalog);
    return 0;
}

static int
s_tear_down(void **state)
{
    pt_load_clear(&s_load);
    return bus_teardown(state);
}

//  A copy of its own, so that whoever uses it after its end is caught.
static pt_catalog_t *
s_copy_catalog(unsigned which)
{
    pt_catalog_t *catalog;
    assert_int_equal(pt_catalog_open(s_images[which], &catalog), PT_OK);
    return catalog;
}

static size_t
s_response(uint32_t index, uint8_t out[BUS_RESPONSE_BYTES])
{
    static const char *const s_providers[] = {"aaa", "opn", "jamespay", "shopline", "smilepayz", "uapay", "nobody"};
    return bus_response(NULL, s_providers[index % 7], "no_such_code", index % 2 ? 400 : 503, out);
}

//  One worker shares a thread with the pool; others have their own.
static size_t s_workers;

typedef struct {
    pt_broker_t *broker;
    pt_pool_t *pool;
    zsock_t *producer;
    bus_subscriber_t subscriber;
    uint64_t sent, acked; //  batches
    uint64_t decided;     //  decisions on their routes
    uint64_t named[2];    //  of these, by catalog
    uint8_t *catalog_of;  //  of each batch, 1 or 2; 0: not known yet
    size_t catalog_of_count;
} s_bed_t;

static void
s_open_bed(s_bed_t *bed, unsigned index)
{
    *bed = (s_bed_t) {.broker = bus_broker(index)};
    const char *workers = pt_broker_back(bed->broker);
    bed->pool = bus_pool(&workers, 1, s_workers);
    bus_subscribe(&bed->subscriber, &bed->pool, 1);
    bed->producer = bus_connect(ZMQ_DEALER, pt_broker_front(bed->broker));
}

static void
s_close_bed(s_bed_t *bed)
{
    zsock_destroy(&bed->producer);
    bus_unsubscribe(&bed->subscriber);
    pt_pool_destroy(&bed->pool);
    pt_broker_destroy(&bed->broker);
    free(bed->catalog_of);
}

static void
s_send_batch(s_bed_t *bed)
{
    uint8_t payload[3 + S_ITEMS * (BUS_RESPONSE_BYTES + 3)];
    size_t len = 0;
    payload[len++] = 0xdc;
    payload[len++] = 0;
    payload[len++] = S_ITEMS;
    for (uint32_t i = 0; i < S_ITEMS; i++) {
        size_t bytes = s_response(i, payload + len + 3);
        payload[len++] = 0xc5;
        payload[len++] = (uint8_t) (bytes >> 8);
        payload[len++] = (uint8_t) bytes;
        len += bytes;
    }
    bus_batch_t batch = bus_batch_of(7, ++bed->sent, S_ITEMS, payload, len);
    bus_batch_send(bed->producer, &batch);
    bus_batch_clear(&batch);
    if (bed->sent >= bed->catalog_of_count) {
        size_t count = 2 * bed->sent + 64;
        bed->catalog_of = realloc(bed->catalog_of, count);
        assert_non_null(bed->catalog_of);
        memset(bed->catalog_of + bed->catalog_of_count, 0, count - bed->catalog_of_count);
        bed->catalog_of_count = count;
    }
}

//  Decide again, by the catalog that the decision names, at the time that it names.
static void
s_check_decision(s_bed_t *bed, pt_bytes_t bytes)
{
    static uint8_t s_again[PT_DECISION_BYTES_MAX];
    static pt_pair_t s_fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    assert_int_equal(pt_decision_decode(bytes, s_fields, &decision), PT_OK);
    unsigned which = decision.catalog == s_triages[1].catalog_hash;
    assert_int_equal(decision.catalog, s_triages[which].catalog_hash);
    uint64_t seq;
    uint32_t index;
    char id[PT_ID_BYTES_MAX + 1];
    snprintf(id, sizeof(id), "%.*s", (int) decision.id.len, decision.id.data);
    assert_int_equal(sscanf(id, "0000000000000007/1/%" SCNu64 "/%" SCNu32, &seq, &index), 2);

    pt_place_t place;
    pt_triaged_t triaged;
    uint8_t response[BUS_RESPONSE_BYTES];
    pt_bytes_t again = {response, s_response(index, response)};
    pt_place_init(&place, 7, 1, seq, false);
    pt_triage_response(&s_triages[which], again, &place, index, decision.decided_ms, s_again, &triaged);
    assert_int_equal(triaged.bytes, bytes.len);
    assert_memory_equal(s_again, bytes.data, bytes.len);

    //  All of a batch by one catalog.
    assert_true(seq <= bed->sent);
    if (bed->catalog_of[seq])
        assert_int_equal(bed->catalog_of[seq], which + 1);
    bed->catalog_of[seq] = (uint8_t) (which + 1);
    bed->named[which]++;
    bed->decided++;
}

static void
s_read_decisions(s_bed_t *bed)
{
    bus_next_message(&bed->subscriber);
    if (bed->subscriber.kind != PT_KIND_DECISIONS || strncmp(bed->subscriber.topic, "operator_alert.", 15) == 0)
        return;
    pt_bytes_t item;
    while (pt_items_next(&bed->subscriber.items, &item))
        s_check_decision(bed, item);
}

static void
s_read_answer(s_bed_t *bed)
{
    bus_answer_t answer;
    bus_receive_answer(bed->producer, &answer);
    assert_int_equal(answer.kind, PT_KIND_ACK);
    bed->acked++;
}

//  Keep the window full, and read whatever is there.
static void
s_work(s_bed_t *bed)
{
    while (bed->sent - bed->acked < S_WINDOW)
        s_send_batch(bed);
    while (bus_has_answer(bed->producer))
        s_read_answer(bed);
    while (bus_has_message(bed->subscriber.socket))
        s_read_decisions(bed);
}

static void
s_finish_work(s_bed_t *bed)
{
    while (bed->acked < bed->sent)
        s_read_answer(bed);
    while (bed->decided < bed->sent * S_ITEMS)
        s_read_decisions(bed);
}

static void
a_thousand_swaps_under_load_lose_nothing_and_mix_nothing(void **state)
{
    (void) state;
    s_bed_t bed;
    s_open_bed(&bed, 0);
    pt_catalog_t *serving = NULL;
    for (unsigned swap = 1; swap <= S_SWAPS; swap++) {
        pt_catalog_t *next = s_copy_catalog(swap % 2);
        pt_pool_swap(bed.pool, next);
        pt_swapped_t swapped;
        do
            s_work(&bed);
        while ((swapped = pt_pool_swapped(bed.pool)) == PT_SWAPPED_NOT_YET);
        assert_int_equal(swapped, PT_SWAPPED);
        pt_catalog_destroy(&serving);
        serving = next;
    }
    s_finish_work(&bed);
    assert_int_equal(bed.decided, bed.sent * S_ITEMS);
    //  Both were at work, many times.
    assert_true(bed.named[0] > 0 && bed.named[1] > 0);
    pt_pool_counters_t counters = pt_pool_counters(bed.pool);
    assert_int_equal(counters.nacked, 0);
    s_close_bed(&bed);
    pt_catalog_destroy(&serving);
}

static void
what_is_sent_after_a_swap_is_decided_by_the_new_catalog(void **state)
{
    (void) state;
    s_bed_t bed;
    s_open_bed(&bed, 1);
    pt_pool_swap(bed.pool, s_load.catalog);
    zmq_pollitem_t item = {.socket = pt_pool_swap_socket(bed.pool), .events = ZMQ_POLLIN};
    pt_sockets_poll(&item, 1, BUS_PATIENCE_MS);
    assert_int_equal(pt_pool_swapped(bed.pool), PT_SWAPPED);
    //  Each end is told once.
    assert_int_equal(pt_pool_swapped(bed.pool), PT_SWAPPED_NOT_YET);
    s_send_batch(&bed);
    s_finish_work(&bed);
    assert_int_equal(bed.named[0], 0);
    assert_int_equal(bed.named[1], S_ITEMS);
    s_close_bed(&bed);
}

static void
a_drain_in_the_midst_of_a_swap_ends(void **state)
{
    (void) state;
    s_bed_t bed;
    s_open_bed(&bed, 2);
    for (int i = 0; i < S_WINDOW; i++)
        s_send_batch(&bed);
    pt_pool_swap(bed.pool, s_load.catalog);
    assert_int_equal(pt_pool_drain(bed.pool, BUS_PATIENCE_MS, -1), PT_DRAINED);
    s_close_bed(&bed);
}

static void
a_pool_that_is_destroyed_in_the_midst_of_a_swap_leaves_nothing(void **state)
{
    (void) state;
    s_bed_t bed;
    s_open_bed(&bed, 3);
    pt_pool_swap(bed.pool, s_load.catalog);
    s_close_bed(&bed);
}

//  ---- the parts, without a pool

static void
a_swap_that_the_publisher_refuses_hands_nothing_to_the_workers(void **state)
{
    (void) state;
    pt_swap_t swap = {.state = PT_SWAP_NONE};
    assert_true(pt_swap_begin(&swap, s_load.catalog, 4));
    assert_int_equal(swap.state, PT_SWAP_ANNOUNCING);
    swap.announce->refused = true;
    assert_int_equal(pt_swap_take(&swap, swap.announce), 0);
    assert_int_equal(swap.state, PT_SWAP_REFUSED);
    //  Another one may follow.
    assert_true(pt_swap_begin(&swap, s_load.catalog, 4));
    assert_int_equal(pt_swap_take(&swap, swap.announce), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(swap.state, PT_SWAP_SWITCHING);
        assert_int_equal(pt_swap_take(&swap, swap.jobs[i]), 0);
    }
    assert_int_equal(swap.state, PT_SWAP_DONE);
    pt_swap_clear(&swap);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_that_the_publisher_refuses_hands_nothing_to_the_workers),
        cmocka_unit_test(what_is_sent_after_a_swap_is_decided_by_the_new_catalog),
        cmocka_unit_test(a_drain_in_the_midst_of_a_swap_ends),
        cmocka_unit_test(a_pool_that_is_destroyed_in_the_midst_of_a_swap_leaves_nothing),
        cmocka_unit_test(a_thousand_swaps_under_load_lose_nothing_and_mix_nothing),
    };
    int failed = 0;
    for (s_workers = 1; s_workers <= 3; s_workers += 2)
        failed +=
            cmocka_run_group_tests_name(s_workers > 1 ? "three workers" : "one worker", tests, s_set_up, s_tear_down);
    return failed;
}
