/*  What a worker's PUB sockets cannot be bound to, and why: an operator has to be told both. What is published is in
 *  the tests of the pool.
 */
#include "bus.h"

#include <errno.h>

#include "pt_outlet.h"

static void
who_is_refused_an_endpoint_is_told_which_and_why(void **state)
{
    (void) state;
    char taken[PT_ENDPOINT_BYTES_MAX + 1];
    static const atomic_int linger_ms = 0;
    zsock_t *other = pt_sockets_new(ZMQ_PUB, 0, 0);
    assert_int_equal(pt_sockets_bind(other, "tcp://127.0.0.1:*", taken), PT_OK);
    for (int refused = 0; refused < PT_QUEUE_COUNT_; refused++) {
        pt_outlet_options_t options = {
            .worker = 1, .epoch = 1, .catalog = pt_catalog_builtin(), .linger_ms = &linger_ms};
        for (int queue = 0; queue < PT_QUEUE_COUNT_; queue++)
            options.endpoints[queue] = queue == refused ? taken : "tcp://127.0.0.1:*";
        const char *endpoint;
        assert_null(pt_outlet_new(&options, &endpoint));
        assert_int_equal(errno, EADDRINUSE);
        assert_ptr_equal(endpoint, taken);
    }
    zsock_destroy(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_refused_an_endpoint_is_told_which_and_why),
    };
    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
