/*  Decisions by topic, whole and in order, in frames within the limit. */
#include "bus.h"

#include <stdlib.h>

#include "pt_packer.h"

//  A map with one entry of `bytes` bytes and its number in front: enough of a decision to be packed.
static size_t
s_write_item(uint8_t *out, uint32_t number, size_t bytes)
{
    out[0] = 0x81;
    out[1] = 0xce;
    for (size_t i = 0; i < 4; i++)
        out[2 + i] = (uint8_t) (number >> (24 - 8 * i));
    out[6] = 0xc5;
    out[7] = (uint8_t) (bytes >> 8);
    out[8] = (uint8_t) bytes;
    memset(out + 9, 'x', bytes);
    return 9 + bytes;
}

static uint32_t
s_read_number(pt_bytes_t item)
{
    assert_int_equal(item.data[1], 0xce);
    return (uint32_t) item.data[2] << 24 | (uint32_t) item.data[3] << 16 | (uint32_t) item.data[4] << 8 | item.data[5];
}

static void
s_add(pt_packer_t *packer, uint32_t number, size_t bytes, pt_route_t route, bool alert, size_t provider)
{
    uint8_t *room = pt_packer_room(packer);
    assert_non_null(room);
    pt_triaged_t triaged = {.route = route, .alert = alert, .provider = provider};
    triaged.alert_kind = alert ? PT_ALERT_ACTIVE : PT_ALERT_NONE;
    triaged.alert_key.low64 = number;
    triaged.bytes = s_write_item(room, number, bytes);
    pt_packer_add(packer, &triaged);
}

static pt_items_t
s_open_output(pt_output_t *output)
{
    pt_bytes_t bytes = {zmq_msg_data(&output->items), zmq_msg_size(&output->items)};
    assert_int_equal(pt_wire_crc32(bytes), output->crc32);
    pt_items_t items;
    assert_int_equal(pt_items_open_decisions(bytes, output->count, &items), PT_OK);
    return items;
}

static void
decisions_are_gathered_by_topic_in_order(void **state)
{
    (void) state;
    const pt_catalog_t *catalog = pt_catalog_builtin();
    pt_packer_t *packer = pt_packer_new(catalog);
    pt_job_t *job = pt_job_new();
    for (uint32_t i = 0; i < 60; i++)
        s_add(packer, i, 10, i % 3 == 0 ? PT_ROUTE_RETRY : PT_ROUTE_DEAD_LETTER, i % 4 == 0,
              i % 2 ? PT_TRIAGE_NO_PROVIDER : 0);
    assert_true(pt_packer_gather(packer, job));
    assert_int_equal(job->output_count, 4);
    size_t total = 0;
    for (size_t i = 0; i < job->output_count; i++) {
        pt_output_t *output = &job->outputs[i];
        pt_items_t items = s_open_output(output);
        pt_bytes_t item;
        int64_t last = -1;
        while (pt_items_next(&items, &item)) {
            uint32_t number = s_read_number(item);
            assert_true(number > last);
            last = number;
            total++;
            bool known = strstr(output->topic, ".-.") == NULL;
            assert_int_equal(known, number % 2 == 0);
            assert_int_equal(output->queue, number % 3 == 0 ? PT_QUEUE_RETRY : PT_QUEUE_DEAD_LETTER);
            assert_int_equal(strncmp(output->topic, pt_queue_text(output->queue), strlen(pt_queue_text(output->queue))),
                             0);
        }
    }
    assert_int_equal(total, 60);
    //  Each alert that was raised is named with the place of its decision.
    assert_int_equal(job->raised_count, 15);
    for (size_t i = 0; i < job->raised_count; i++) {
        const pt_raised_t *raised = &job->raised[i];
        const uint8_t *items = zmq_msg_data(&job->outputs[raised->output].items);
        uint32_t number = s_read_number((pt_bytes_t) {items + raised->offset, raised->bytes});
        assert_int_equal(number, raised->key.low64);
        assert_int_equal(number % 4, 0);
    }
    pt_job_destroy(&job);
    pt_packer_destroy(&packer);
}

static void
a_topic_over_the_limit_is_split(void **state)
{
    (void) state;
    pt_packer_t *packer = pt_packer_new(pt_catalog_builtin());
    pt_job_t *job = pt_job_new();
    for (int round = 0; round < 2; round++) {
        //  100 times 40,000 bytes: four frames at least.
        for (uint32_t i = 0; i < 100; i++)
            s_add(packer, i, 40000, PT_ROUTE_RETRY, false, 0);
        assert_true(pt_packer_gather(packer, job));
        assert_true(job->output_count >= 4);
        uint32_t next = 0;
        for (size_t i = 0; i < job->output_count; i++) {
            pt_items_t items = s_open_output(&job->outputs[i]);
            pt_bytes_t item;
            while (pt_items_next(&items, &item))
                assert_int_equal(s_read_number(item), next++);
        }
        assert_int_equal(next, 100);
        pt_job_clear(job);
    }
    pt_job_destroy(&job);
    pt_packer_destroy(&packer);
}

static void
frames_up_to_the_limit_are_not_split(void **state)
{
    (void) state;
    pt_packer_t *packer = pt_packer_new(pt_catalog_builtin());
    pt_job_t *job = pt_job_new();
    //  64 items of 1,024 bytes would be the limit exactly; the array's header has 3 bytes, or is counted so.
    for (uint32_t i = 0; i < 63; i++)
        s_add(packer, i, 1024 - 9, PT_ROUTE_RETRY, false, 0);
    s_add(packer, 63, 1024 - 9 - 3, PT_ROUTE_RETRY, false, 0);
    assert_true(pt_packer_gather(packer, job));
    assert_int_equal(job->output_count, 1);
    assert_int_equal(zmq_msg_size(&job->outputs[0].items), PT_PACKER_FRAME_BYTES_MAX);
    s_open_output(&job->outputs[0]);
    pt_job_clear(job);
    for (uint32_t i = 0; i < 63; i++)
        s_add(packer, i, 1024 - 9, PT_ROUTE_RETRY, false, 0);
    s_add(packer, 63, 1024 - 9 - 2, PT_ROUTE_RETRY, false, 0);
    assert_true(pt_packer_gather(packer, job));
    assert_int_equal(job->output_count, 2);
    pt_job_destroy(&job);
    pt_packer_destroy(&packer);
}

static void
a_whole_batch_fits(void **state)
{
    (void) state;
    pt_packer_t *packer = pt_packer_new(pt_catalog_builtin());
    pt_job_t *job = pt_job_new();
    for (uint32_t i = 0; i < PT_BATCH_COUNT_MAX; i++)
        s_add(packer, i, 200, PT_ROUTE_SETTLED, true, 1);
    assert_true(pt_packer_gather(packer, job));
    uint32_t counts[PT_QUEUE_COUNT_] = {0};
    for (size_t i = 0; i < job->output_count; i++)
        counts[job->outputs[i].queue] += job->outputs[i].count;
    assert_int_equal(counts[PT_QUEUE_SETTLED], PT_BATCH_COUNT_MAX);
    assert_int_equal(counts[PT_QUEUE_OPERATOR_ALERT], 0);
    assert_int_equal(job->raised_count, PT_BATCH_COUNT_MAX);
    pt_job_destroy(&job);
    pt_packer_destroy(&packer);
}

static void
the_rate_of_a_frequent_alert_goes_with_it(void **state)
{
    (void) state;
    pt_packer_t *packer = pt_packer_new(pt_catalog_builtin());
    pt_job_t *job = pt_job_new();
    uint8_t *room = pt_packer_room(packer);
    assert_non_null(room);
    pt_triaged_t triaged = {.route = PT_ROUTE_DEAD_LETTER,
                            .provider = PT_TRIAGE_NO_PROVIDER,
                            .bytes = s_write_item(room, 1, 10),
                            .alert_kind = PT_ALERT_IF_FREQUENT,
                            .alert_rate = {.count = 7, .within_ms = 9000}};
    pt_packer_add(packer, &triaged);
    assert_true(pt_packer_gather(packer, job));
    assert_int_equal(job->raised_count, 1);
    assert_int_equal(job->raised[0].rate.count, 7);
    assert_int_equal(job->raised[0].rate.within_ms, 9000);
    pt_job_destroy(&job);
    pt_packer_destroy(&packer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_gathered_by_topic_in_order),  cmocka_unit_test(a_topic_over_the_limit_is_split),
        cmocka_unit_test(frames_up_to_the_limit_are_not_split),      cmocka_unit_test(a_whole_batch_fits),
        cmocka_unit_test(the_rate_of_a_frequent_alert_goes_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
