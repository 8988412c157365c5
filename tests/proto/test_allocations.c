//  Between a frame and its decision nothing is allocated, as long as the body is a map.
//
//  The linker puts the counters below in front of the allocator for all of our own objects, and
//  jansson is told to use them.

#include "codec_support.h"
#include "pt_decision.h"
#include "pt_response.h"

#include <jansson.h>

static size_t s_calls;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);

void *
__wrap_malloc(size_t bytes)
{
    s_calls++;
    return __real_malloc(bytes);
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
    s_calls++;
    return __real_calloc(count, bytes);
}

void *
__wrap_realloc(void *block, size_t bytes)
{
    s_calls++;
    return __real_realloc(block, bytes);
}

static const pt_path_t s_paths[] = {
    {PT_ROLE_CODE, 0, 7, 1, {{"responseCode", 12}}},
    {PT_ROLE_CODE, 1, 0, 2, {{"error", 5}, {"code", 4}}},
    {PT_ROLE_FIELDS, 0, 0, 2, {{"error", 5}, {"fields", 6}}},
    {PT_ROLE_STATUS, 0, 0, 1, {{"status", 6}}},
};
static const pt_shape_t s_shape = {.paths = s_paths, .path_count = sizeof s_paths / sizeof *s_paths};

/*  The whole way of one frame; returns how often the allocator was called. */
static size_t
s_count_calls(pt_bytes_t frame)
{
    static pt_facts_t facts;
    static uint8_t out[PT_DECISION_BYTES_MAX];
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    size_t len;
    size_t before = s_calls;
    pt_status_t status = pt_response_decode(frame, &response, error);
    pt_facts_extract(&response, &s_shape, &facts);
    pt_decision_t decision = {.id = response.id,
                              .attempt = response.attempt,
                              .provider = response.provider,
                              .code = facts.codes[0],
                              .message = facts.messages[0],
                              .fields = facts.fields,
                              .field_count = facts.field_count,
                              .error = pt_text_of(error),
                              .raw = {frame.data, frame.len},
                              .match = status == PT_OK ? PT_MATCH_CODE : PT_MATCH_INVALID};
    assert_int_equal(pt_decision_encode(&decision, out, sizeof out, &len), PT_OK);
    pt_facts_release(&facts);
    return s_calls - before;
}

static void
test_map_bodies_and_faults(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    size_t maps = 0, texts = 0;
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
        size_t calls = s_count_calls(frame);
        if (response.body_kind == PT_BODY_JSON && response.body.data[0] == '{')
            texts += calls > 0; //  the counters do count
        else
            assert_int_equal(calls, 0);
        maps += response.body_kind == PT_BODY_MSGPACK;
        assert_int_equal(s_count_calls((pt_bytes_t) {frame.data, frame.len - 1}), 0);
        support_free(frame);
    }
    assert_true(maps >= 8);
    assert_int_equal(texts, 2);
    globfree(&vectors);
}

int
main(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_map_bodies_and_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
