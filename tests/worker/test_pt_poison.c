/*  The slots of batches that are being read: who is a suspect after a death, and who may be read beside one. */
#include "store.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "pt_poison.h"

static void
s_make_dir(char out[STORE_PATH_BYTES])
{
    assert_int_equal(mkdir(store_dir(out), 0700), 0);
}

//  As if the process had died while it read the batch. How many suspects there were before.
static size_t
s_die_reading(const char *dir, const pt_batch_t *batch)
{
    size_t suspects;
    pt_poison_t *slots = pt_poison_open(dir, &suspects);
    assert_non_null(slots);
    assert_false(pt_poison_is(slots, batch));
    pt_poison_enter(slots, 0, batch);
    pt_poison_close(&slots);
    return suspects;
}

static void
batch_that_stood_in_two_deaths_is_poison(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    size_t suspects;
    const pt_batch_t poison = {.producer = 7, .epoch = 1, .seq = 1};
    const pt_batch_t others[] = {{.producer = 8, .epoch = 1, .seq = 1},
                                 {.producer = 7, .epoch = 2, .seq = 1},
                                 {.producer = 7, .epoch = 1, .seq = 2}};
    s_make_dir(dir);
    assert_int_equal(s_die_reading(dir, &poison), 0);
    assert_int_equal(s_die_reading(dir, &poison), 1);
    pt_poison_t *slots = pt_poison_open(dir, &suspects);
    assert_non_null(slots);
    assert_true(pt_poison_is(slots, &poison));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(pt_poison_is(slots, &others[i]));
    pt_poison_close(&slots);
}

static void
batch_that_was_read_to_its_end_is_no_suspect(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    size_t suspects;
    pt_batch_t batch = {.producer = 1, .epoch = 2, .seq = 3};
    s_make_dir(dir);
    for (int round = 0; round < 5; round++) {
        pt_poison_t *slots = pt_poison_open(dir, &suspects);
        assert_int_equal(suspects, round > 0);
        pt_poison_enter(slots, 0, &batch);
        pt_poison_leave(slots, 0, &batch);
        assert_false(pt_poison_is(slots, &batch));
        pt_poison_enter(slots, 0, &batch);
        pt_poison_close(&slots);
    }
}

//  Another version's, or what a crash of the machine has left of one.
static void
file_of_another_kind_names_no_suspects(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    uint8_t noise[1 << 16];
    const pt_batch_t batch = {.producer = 7, .epoch = 1, .seq = 1};
    s_make_dir(dir);
    snprintf(path, sizeof path, "%s/suspects", dir);
    memset(noise, 0xff, sizeof noise);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(noise, 1, sizeof noise, file), sizeof noise);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(s_die_reading(dir, &batch), 0);
    assert_int_equal(s_die_reading(dir, &batch), 1);
}

typedef struct {
    pt_poison_t *slots;
    atomic_bool left; //  the suspect was read to its end
    bool in_time;     //  and only then the other one was begun
} s_neighbour_t;

static void *
s_read_beside(void *context)
{
    s_neighbour_t *self = context;
    pt_batch_t harmless = {.producer = 8, .epoch = 1, .seq = 1};
    pt_poison_enter(self->slots, 1, &harmless);
    self->in_time = atomic_load(&self->left);
    pt_poison_leave(self->slots, 1, &harmless);
    return NULL;
}

static void
nothing_is_read_beside_a_suspect(void **state)
{
    (void) state;
    pt_batch_t suspect = {.producer = 7, .epoch = 1, .seq = 1};
    s_neighbour_t neighbour = {.in_time = false};
    char dir[STORE_PATH_BYTES];
    size_t suspects;
    s_make_dir(dir);
    neighbour.slots = pt_poison_open(dir, &suspects);
    assert_non_null(neighbour.slots);
    pt_poison_enter(neighbour.slots, 0, &suspect);
    pt_poison_close(&neighbour.slots);
    neighbour.slots = pt_poison_open(dir, &suspects);
    assert_int_equal(suspects, 1);
    pt_poison_enter(neighbour.slots, 0, &suspect);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, s_read_beside, &neighbour), 0);
    //  Time in which the other one would come in, if it could.
    for (int i = 0; i < 10000; i++)
        sched_yield();
    atomic_store(&neighbour.left, true);
    pt_poison_leave(neighbour.slots, 0, &suspect);
    pthread_join(thread, NULL);
    assert_true(neighbour.in_time);
    pt_poison_close(&neighbour.slots);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_that_stood_in_two_deaths_is_poison),
        cmocka_unit_test(batch_that_was_read_to_its_end_is_no_suspect),
        cmocka_unit_test(file_of_another_kind_names_no_suspects),
        cmocka_unit_test(nothing_is_read_beside_a_suspect),
    };
    return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
