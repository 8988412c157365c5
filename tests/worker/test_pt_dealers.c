/*  The connections to workers' replays, by a clock of ours: who is asked where, and when they are made anew. */
#include "bus.h"

#include "pt_dealers.h"

#include <stdio.h>
#include <string.h>

#define EPOCH UINT64_C(5)

static zsock_t *
s_bind(unsigned index, char endpoint[PT_ENDPOINT_BYTES_MAX + 1])
{
    char wanted[PT_ENDPOINT_BYTES_MAX + 1];
    zsock_t *socket = pt_sockets_new(ZMQ_ROUTER, 0, 0);
    assert_non_null(socket);
    zsock_set_linger(socket, 0);
    assert_int_equal(pt_sockets_bind(socket, bus_endpoint("replay", index, wanted), endpoint), PT_OK);
    return socket;
}

static void
s_send(pt_dealers_t *dealers, uint64_t worker, int64_t now_ms)
{
    assert_true(pt_dealers_send(dealers, worker, EPOCH, (pt_bytes_t) {(const uint8_t *) "ask", 3}, now_ms));
}

//  Who asked: the routing id of the connection on which the next request comes.
static uint32_t
s_asker(zsock_t *socket, bool answer)
{
    pt_frames_t message;
    uint32_t id;
    bus_receive(socket, &message);
    assert_int_equal(message.count, 2);
    pt_bytes_t client = pt_frames_bytes(&message, 0);
    assert_int_equal(client.len, 5);
    memcpy(&id, client.data + 1, sizeof id);
    if (answer)
        bus_send(socket, 2, client.data, client.len, "told", (size_t) 4);
    pt_frames_clear(&message);
    return id;
}

static void
s_await_answer(pt_dealers_t *dealers)
{
    zmq_pollitem_t items[PT_DEALERS_MAX];
    pt_frames_t message;
    size_t count = pt_dealers_items(dealers, items);
    assert_int_equal(count, 1);
    assert_int_equal(zmq_poll(items, (int) count, BUS_PATIENCE_MS), 1);
    assert_true(pt_dealers_receive(dealers, 0, &message));
    pt_frames_clear(&message);
}

//  However often it was asked since; an answer begins the time anew.
static void
a_connection_is_made_anew_when_the_first_request_is_not_answered_for_long(void **state)
{
    (void) state;
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    zsock_t *replay = s_bind(1, endpoint);
    pt_dealers_t *dealers = pt_dealers_new(NULL);
    pt_dealers_name(dealers, 1, EPOCH, pt_text_of(endpoint));
    pt_dealers_mend(dealers, 0);
    s_send(dealers, 1, 1000);
    uint32_t first = s_asker(replay, true);
    s_await_answer(dealers);
    pt_dealers_mend(dealers, 1000 + PT_DEALERS_SILENT_MS);
    s_send(dealers, 1, 20000);
    assert_int_equal(s_asker(replay, false), first);
    pt_dealers_mend(dealers, 19999 + PT_DEALERS_SILENT_MS);
    s_send(dealers, 1, 19999 + PT_DEALERS_SILENT_MS);
    assert_int_equal(s_asker(replay, false), first);
    pt_dealers_mend(dealers, 20000 + PT_DEALERS_SILENT_MS);
    s_send(dealers, 1, 20000 + PT_DEALERS_SILENT_MS);
    uint32_t second = s_asker(replay, false);
    assert_int_not_equal(second, first);
    pt_dealers_mend(dealers, 20001 + PT_DEALERS_SILENT_MS);
    s_send(dealers, 1, 20001 + PT_DEALERS_SILENT_MS);
    assert_int_equal(s_asker(replay, false), second);
    pt_dealers_destroy(&dealers);
    zsock_destroy(&replay);
}

static void
the_newest_endpoint_counts(void **state)
{
    (void) state;
    char endpoints[2][PT_ENDPOINT_BYTES_MAX + 1];
    zsock_t *replays[] = {s_bind(2, endpoints[0]), s_bind(3, endpoints[1])};
    pt_dealers_t *dealers = pt_dealers_new(NULL);
    assert_null(pt_dealers_endpoint(dealers, 1, EPOCH));
    pt_dealers_name(dealers, 1, EPOCH, pt_text_of(endpoints[0]));
    pt_dealers_name(dealers, 2, EPOCH, pt_text_of(endpoints[1]));
    s_send(dealers, 1, 0);
    s_asker(replays[0], false);
    pt_dealers_name(dealers, 1, EPOCH, pt_text_of(endpoints[1]));
    assert_string_equal(pt_dealers_endpoint(dealers, 1, EPOCH), endpoints[1]);
    s_send(dealers, 1, 0);
    s_asker(replays[1], false);
    assert_false(pt_dealers_send(dealers, 1, EPOCH + 1, (pt_bytes_t) {(const uint8_t *) "ask", 3}, 0));
    pt_dealers_destroy(&dealers);
    zsock_destroy(&replays[0]);
    zsock_destroy(&replays[1]);
}

//  More endpoints than there may be: the one unnamed for longest goes, and its worker is asked nowhere, least of all at
//  the endpoint that took its place.
static void
a_worker_is_not_asked_at_anothers_endpoint(void **state)
{
    (void) state;
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    pt_dealers_t *dealers = pt_dealers_new(NULL);
    for (unsigned worker = 1; worker <= PT_DEALERS_MAX + 1; worker++) {
        if (worker == 3)
            pt_dealers_name(dealers, 1, EPOCH, pt_text_of(bus_endpoint("many", 1, endpoint)));
        pt_dealers_name(dealers, worker, EPOCH, pt_text_of(bus_endpoint("many", worker, endpoint)));
    }
    for (unsigned worker = 1; worker <= PT_DEALERS_MAX + 1; worker++) {
        const char *known = pt_dealers_endpoint(dealers, worker, EPOCH);
        if (worker == 2)
            assert_null(known);
        else
            assert_string_equal(known, bus_endpoint("many", worker, endpoint));
    }
    assert_false(pt_dealers_send(dealers, 2, EPOCH, (pt_bytes_t) {(const uint8_t *) "ask", 3}, 0));
    pt_dealers_destroy(&dealers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_made_anew_when_the_first_request_is_not_answered_for_long),
        cmocka_unit_test(the_newest_endpoint_counts),
        cmocka_unit_test(a_worker_is_not_asked_at_anothers_endpoint),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
