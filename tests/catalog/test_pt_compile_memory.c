/*  The compiler with its n-th allocation failing, for every n: it says so, or counts a fault that it
 *  could not keep, and leaks nothing. The linker puts the functions below in the place of libc's for
 *  our own objects; libyaml keeps its own.
 */
#include "compile_support.h"

void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);

static size_t s_left = SIZE_MAX; //  allocations that still succeed

static bool
s_may_allocate(void)
{
    if (s_left == 0)
        return false;
    if (s_left != SIZE_MAX)
        s_left--;
    return true;
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
    return s_may_allocate() ? __real_calloc(count, bytes) : NULL;
}

void *
__wrap_realloc(void *block, size_t bytes)
{
    return s_may_allocate() ? __real_realloc(block, bytes) : NULL;
}

//  Whether everything went as with memory enough.
static bool
s_compile_with(size_t allocations, const char *text, size_t bytes, pt_status_t good)
{
    pt_source_t source = {0};
    pt_faults_t faults = {0};
    s_left = allocations;
    pt_status_t status = pt_compile_yaml(&source, "acme.yaml", (pt_bytes_t) {(const uint8_t *) text, bytes}, &faults);
    if (status != PT_E_NOMEM)
        pt_compile_check(&source, &faults);
    s_left = SIZE_MAX;
    assert_true(status == PT_E_NOMEM || status == good);
    bool is_complete = status == good && faults.errors == (good == PT_OK ? 0 : faults.count);
    if (status == PT_E_SYNTAX)
        assert_true(faults.errors > 0);
    pt_faults_clear(&faults);
    pt_source_destroy(&source);
    return is_complete;
}

static void
s_fail_each(const char *text, size_t bytes, pt_status_t good)
{
    size_t allocations = 0;
    while (!s_compile_with(allocations, text, bytes, good))
        allocations++;
    assert_true(allocations > 3); //  so the functions above did take the place of libc's
}

static void
each_failing_allocation_of_a_good_file_is_noticed(void **state)
{
    (void) state;
    s_file_t file = s_read_file(SAMPLE);
    s_fail_each(file.text, file.bytes, PT_OK);
    free(file.text);
    file = s_read_file(PT_SOURCE_DIR "/catalog/providers/smilepayz.yaml");
    s_fail_each(file.text, file.bytes, PT_OK);
    free(file.text);
}

static void
each_failing_allocation_of_a_bad_file_is_noticed(void **state)
{
    (void) state;
    static const char text[] = "gateway: {id: A}\nentries: [{code: 5}, {a: b}, [], {http: \"5xx\"}]\nunknown: x\n";
    s_fail_each(text, sizeof text - 1, PT_E_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_allocation_of_a_good_file_is_noticed),
        cmocka_unit_test(each_failing_allocation_of_a_bad_file_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
