/*  Limits are set in a child, where nothing else needs what they take away. */
#include "bus.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pt_means.h"

//  Run it in a child; what it returns.
static int
s_in_child(int (*run)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(run());
    assert_true(child > 0);
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void
s_allow_descriptors(rlim_t count)
{
    struct rlimit limit = {count, count};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        _exit(100);
}

static int
s_ask_under_a_limit(void)
{
    s_allow_descriptors(40);
    int before = dup(STDERR_FILENO);
    close(before);
    errno = 0;
    if (pt_means_descriptors(60) != PT_E_IO || errno != EMFILE)
        return 1;
    if (pt_means_descriptors(10) != PT_OK)
        return 2;
    //  All was given back.
    return dup(STDERR_FILENO) == before ? 0 : 3;
}

static void
descriptors_are_asked_for_and_given_back(void **state)
{
    (void) state;
    assert_int_equal(s_in_child(s_ask_under_a_limit), 0);
}

static int
s_init_under_a_limit(void)
{
    s_allow_descriptors(24);
    return pt_sockets_init() == PT_E_IO ? errno : 0;
}

static void
no_socket_is_made_where_libzmq_would_find_no_descriptors(void **state)
{
    (void) state;
    assert_int_equal(s_in_child(s_init_under_a_limit), EMFILE);
}

static int
s_make_a_socket_too_many(void)
{
    if (pt_sockets_init() != PT_OK)
        return 1;
    s_allow_descriptors(48);
    zsock_t *sockets[64] = {NULL};
    size_t count = 0;
    while (count < 64 && (sockets[count] = pt_sockets_new(ZMQ_PAIR, 0, 0)))
        count++;
    int reason = errno;
    bool some = count > 0 && count < 64;
    while (count > 0)
        zsock_destroy(&sockets[--count]);
    return some ? reason : 2;
}

static void
a_socket_too_many_is_an_error(void **state)
{
    (void) state;
    assert_int_equal(s_in_child(s_make_a_socket_too_many), EMFILE);
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

static int
s_init_without_threads(void)
{
    s_set_stack((size_t) 1 << 50);
    return pt_sockets_init() == PT_E_IO ? errno : 0;
}

static void
threads_that_are_refused_are_no_memory(void **state)
{
    (void) state;
    assert_int_equal(pt_means_threads(3), PT_OK);
    assert_int_equal(s_in_child(s_init_without_threads), ENOMEM);
}

static void
memory_is_asked_for(void **state)
{
    (void) state;
    assert_int_equal(pt_means_memory(1 << 20), PT_OK);
    errno = 0;
    assert_int_equal(pt_means_memory(SIZE_MAX / 4), PT_E_IO);
    assert_int_equal(errno, ENOMEM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_asked_for_and_given_back),
        cmocka_unit_test(no_socket_is_made_where_libzmq_would_find_no_descriptors),
        cmocka_unit_test(a_socket_too_many_is_an_error),
        cmocka_unit_test(threads_that_are_refused_are_no_memory),
        cmocka_unit_test(memory_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
