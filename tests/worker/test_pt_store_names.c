/*  The longest names and the most subscribers that a store takes, over a start, and what is beyond them. */
#include "store.h"

#include <stdio.h>
#include <string.h>

#define S_BYTES (UINT64_C(8) << 20)

//  `len` letters, in static room of the caller's.
static const char *
s_name(char out[PT_STORE_NAME_BYTES_MAX + PT_TOPIC_BYTES_MAX], char letter, size_t len)
{
    memset(out, letter, len);
    out[len] = 0;
    return out;
}

static pt_status_t
s_subscribe(pt_store_t *store, const char *name, const char *prefix)
{
    pt_text_t prefixes[] = {{prefix, strlen(prefix)}};
    assert_int_equal(pt_store_begin(store), PT_OK);
    pt_status_t status = pt_store_subscribe(store, name, true, prefixes, 1, 1000);
    if (status == PT_OK)
        assert_int_equal(pt_store_commit(store), PT_OK);
    else
        pt_store_abort(store);
    return status;
}

static uint64_t
s_position(pt_store_t *store, const char *name, const char *topic)
{
    pt_store_view_t *view;
    uint64_t next_seq;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_position(view, name, topic, &next_seq), PT_OK);
    pt_store_view_close(&view);
    return next_seq;
}

static void
longest_names_have_positions_that_stay(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char rooms[3][PT_STORE_NAME_BYTES_MAX + PT_TOPIC_BYTES_MAX];
    const char *name = s_name(rooms[0], 'n', PT_STORE_NAME_BYTES_MAX);
    const char *topic = s_name(rooms[1], 't', PT_TOPIC_BYTES_MAX);
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    store_commit_one(store, topic, 0, 5, 10);
    assert_int_equal(s_subscribe(store, name, topic), PT_OK);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_position(store, name, topic, 4, 1000), PT_OK);
    assert_int_equal(pt_store_position(store, name, topic, 7, 1000), PT_E_RANGE); //  not given yet
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_int_equal(s_subscribe(store, s_name(rooms[2], 'n', PT_STORE_NAME_BYTES_MAX + 1), topic), PT_E_RANGE);
    assert_int_equal(s_subscribe(store, name, s_name(rooms[2], 't', PT_TOPIC_BYTES_MAX + 1)), PT_E_RANGE);
    pt_store_close(&store);

    store = store_open(dir, S_BYTES);
    assert_true(pt_store_has_subscriber(store, name));
    assert_int_equal(s_position(store, name, topic), 4);
    //  All that was given may have been dealt with.
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_position(store, name, topic, 6, 1000), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_int_equal(s_position(store, name, topic), 6);
    store_expect_sound(store);
    pt_store_close(&store);
}

static void
as_many_subscribers_as_there_may_be_come_back(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char name[PT_STORE_NAME_BYTES_MAX + 1];
    pt_store_t *store = store_open(store_dir(dir), S_BYTES);
    assert_int_equal(pt_store_begin(store), PT_OK);
    for (int i = 0; i <= PT_STORE_SUBSCRIBERS_MAX; i++) {
        snprintf(name, sizeof(name), "subscriber%d", i);
        pt_status_t status = pt_store_subscribe(store, name, true, NULL, 0, 1000);
        assert_int_equal(status, i < PT_STORE_SUBSCRIBERS_MAX ? PT_OK : PT_E_COUNT);
    }
    assert_int_equal(pt_store_commit(store), PT_OK);
    pt_store_close(&store);
    store = store_open(dir, S_BYTES);
    for (int i = 0; i <= PT_STORE_SUBSCRIBERS_MAX; i++) {
        snprintf(name, sizeof(name), "subscriber%d", i);
        assert_int_equal(pt_store_has_subscriber(store, name), i < PT_STORE_SUBSCRIBERS_MAX);
    }
    pt_store_close(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_names_have_positions_that_stay),
        cmocka_unit_test(as_many_subscribers_as_there_may_be_come_back),
    };
    return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
