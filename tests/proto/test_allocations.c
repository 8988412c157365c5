//  Between a frame and its decision nothing is allocated, unless the body is a large JSON text.
//
//  The linker puts the counters below in front of the allocator for all of our own objects.

#include "codec_support.h"
#include "pt_decision.h"
#include "pt_json_pack.h"
#include "pt_response.h"

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
test_usual_bodies_and_faults(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    size_t maps = 0, texts = 0;
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
        assert_int_equal(s_count_calls(frame), 0);
        texts += response.body_kind == PT_BODY_JSON && response.body.data[0] == '{';
        maps += response.body_kind == PT_BODY_MSGPACK;
        assert_int_equal(s_count_calls((pt_bytes_t) {frame.data, frame.len - 1}), 0);
        support_free(frame);
    }
    assert_true(maps >= 8);
    assert_int_equal(texts, 2);
    globfree(&vectors);
}

//  A text for which there is room, and one byte more: then the counters do count.
static void
test_json_text_by_size(void **state)
{
    (void) state;
    size_t longest = 0;
    while (PT_JSON_ROOM(longest + 1) <= PT_JSON_ROOM_BYTES)
        longest++;
    assert_true(longest > 3500);
    for (size_t more = 0; more <= 1; more++) {
        size_t len = longest + more;
        char *json = malloc(2 * len + 64);
        assert_non_null(json);
        int head = sprintf(json, "{\"provider\":\"opn\",\"body\":\"{\\\"a\\\":\\\"");
        memset(json + head, 'x', len - 8);
        strcpy(json + head + len - 8, "\\\"}\"}");
        pt_bytes_t frame = support_pack(json);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
        assert_int_equal(response.body_kind, PT_BODY_JSON);
        assert_int_equal(response.body.len, len);
        assert_int_equal(s_count_calls(frame), more);
        support_free(frame);
        free(json);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_usual_bodies_and_faults),
                                       cmocka_unit_test(test_json_text_by_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
