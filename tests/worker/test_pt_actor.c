/*  The size of a stack that nobody has stands for a system that is out of memory or threads. */
#include "bus.h"

#include <pthread.h>

#include "pt_actor.h"

static void
s_count_run(zsock_t *pipe, void *argument)
{
    ++*(int *) argument;
    zsock_signal(pipe, 0);
    free(zstr_recv(pipe));
}

static void
s_set_stack(size_t bytes)
{
    pthread_attr_t attributes;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, bytes), 0);
    assert_int_equal(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
}

static void
a_thread_that_is_refused_is_a_fault_and_no_wait(void **state)
{
    (void) state;
    //  libzmq's own threads come before.
    assert_int_equal(pt_sockets_init(), PT_OK);
    zsock_t *first = pt_sockets_new(ZMQ_PAIR, 0, 0);
    assert_non_null(first);

    int runs = 0;
    s_set_stack((size_t) 1 << 50);
    errno = 0;
    assert_null(pt_actor_new(s_count_run, &runs));
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(runs, 0);

    s_set_stack(1 << 20);
    zactor_t *actor = pt_actor_new(s_count_run, &runs);
    assert_non_null(actor);
    zactor_destroy(&actor);
    assert_int_equal(runs, 1);
    zsock_destroy(&first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_that_is_refused_is_a_fault_and_no_wait)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
