//  Marking a response as put in again: what changes, what stays, and that no bytes do harm.

#include "codec_support.h"
#include "pt_redriven.h"
#include "pt_response.h"

static pt_status_t
s_mark(pt_bytes_t response, pt_text_t id, pt_bytes_t *out_marked)
{
    //  Exactly the room that the header asks for, so that a sanitizer sees one byte more.
    uint8_t *out = malloc(response.len + PT_REDRIVEN_BYTES_MAX);
    uint8_t *copy = support_copy(response.data, response.len);
    size_t bytes = 0;
    assert_non_null(out);
    pt_status_t status = pt_redriven_mark((pt_bytes_t) {copy, response.len}, id, out, &bytes);
    free(copy);
    *out_marked = (pt_bytes_t) {out, bytes};
    return status;
}

//  Both as JSON, to be packed.
static void
s_check(const char *before, const char *id, const char *after)
{
    pt_bytes_t response = support_pack(before);
    pt_bytes_t expected = support_pack(after);
    pt_bytes_t marked;
    pt_bytes_t twice;
    assert_int_equal(s_mark(response, pt_text_of(id), &marked), PT_OK);
    assert_int_equal(marked.len, expected.len);
    assert_memory_equal(marked.data, expected.data, expected.len);
    //  A second time changes nothing.
    assert_int_equal(s_mark(marked, pt_text_of(id), &twice), PT_OK);
    assert_int_equal(twice.len, marked.len);
    assert_memory_equal(twice.data, marked.data, marked.len);
    support_free(response);
    support_free(expected);
    support_free(marked);
    support_free(twice);
}

static void
test_a_mark_is_added_and_the_rest_stays(void **state)
{
    (void) state;
    s_check("{\"id\":\"a\",\"provider\":\"x\"}", "b", "{\"id\":\"a\",\"provider\":\"x\",\"redriven\":true}");
    s_check("{\"provider\":\"x\",\"body\":{\"id\":\"q\",\"redriven\":false}}", "",
            "{\"provider\":\"x\",\"body\":{\"id\":\"q\",\"redriven\":false},\"redriven\":true}");
    s_check("{}", "", "{\"redriven\":true}");
}

static void
test_a_mark_that_is_there_is_replaced(void **state)
{
    (void) state;
    s_check("{\"redriven\":false,\"id\":\"a\"}", "", "{\"id\":\"a\",\"redriven\":true}");
    s_check("{\"redriven\":true,\"id\":\"a\"}", "", "{\"id\":\"a\",\"redriven\":true}");
    s_check("{\"id\":\"a\",\"redriven\":[{\"id\":1},[]]}", "", "{\"id\":\"a\",\"redriven\":true}");
}

static void
test_a_name_by_place_is_kept(void **state)
{
    (void) state;
    s_check("{\"provider\":\"x\"}", "00c0ffee12345678/7/1/0",
            "{\"id\":\"00c0ffee12345678/7/1/0\",\"provider\":\"x\",\"redriven\":true}");
    s_check("{\"id\":null,\"provider\":\"x\"}", "b", "{\"id\":\"b\",\"provider\":\"x\",\"redriven\":true}");
    s_check("{\"id\":\"a\",\"provider\":\"x\"}", "b", "{\"id\":\"a\",\"provider\":\"x\",\"redriven\":true}");
    //  What is wrong stays wrong.
    s_check("{\"id\":5}", "", "{\"id\":5,\"redriven\":true}");
}

//  15 pairs take a head of one byte, 16 one of three.
static void
test_the_head_grows(void **state)
{
    (void) state;
    s_check("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,"
            "\"n\":1}",
            "z",
            "{\"id\":\"z\",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,"
            "\"l\":1,\"m\":1,\"n\":1,\"redriven\":true}");
}

static void
test_names_have_a_limit(void **state)
{
    (void) state;
    char name[PT_ID_BYTES_MAX + 1];
    memset(name, 'n', sizeof name);
    pt_bytes_t response = support_pack("{\"provider\":\"x\"}");
    pt_bytes_t marked;
    assert_int_equal(s_mark(response, (pt_text_t) {name, PT_ID_BYTES_MAX}, &marked), PT_OK);
    support_free(marked);
    assert_int_equal(s_mark(response, (pt_text_t) {name, sizeof name}, &marked), PT_E_SIZE);
    support_free(marked);
    support_free(response);
}

static void
test_what_is_no_map_is_refused(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        pt_status_t status;
    } faults[] = {{"", 0, PT_E_TRUNCATED},
                  {"\x90", 1, PT_E_TYPE},
                  {"{}", 2, PT_E_TYPE},
                  {"\x80\xc0", 2, PT_E_TRAILING},
                  {"\xc1", 1, PT_E_MALFORMED},
                  {"\x81\xa1z\xc1", 4, PT_E_MALFORMED},
                  {"\x82\x01\x02", 3, PT_E_TRUNCATED},
                  {"\xdf\xff\xff\xff\xff", 5, PT_E_TRUNCATED}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        pt_bytes_t marked;
        assert_int_equal(s_mark((pt_bytes_t) {(const uint8_t *) faults[i].bytes, faults[i].len}, PT_TEXT("a"), &marked),
                         faults[i].status);
        assert_int_equal(marked.len, 0);
        support_free(marked);
    }
}

//  The decoder reads what was marked, wherever a vector is cut off nothing is marked.
static void
test_a_vector_marked_and_cut(void **state)
{
    (void) state;
    pt_bytes_t vector = support_read(PT_SOURCE_DIR "/tests/vectors/response/envelope-all-keys.msgpack");
    pt_bytes_t marked;
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    assert_int_equal(pt_response_decode(vector, &response, error), PT_OK);
    assert_false(response.redriven);
    assert_int_equal(s_mark(vector, PT_TEXT("other"), &marked), PT_OK);
    assert_int_equal(pt_response_decode(marked, &response, error), PT_OK);
    assert_true(response.redriven);
    assert_text(response.id, "r-1");
    assert_int_equal(response.attempt, 3);
    support_free(marked);
    for (size_t len = 0; len < vector.len; len++) {
        assert_int_equal(s_mark((pt_bytes_t) {vector.data, len}, PT_TEXT("a"), &marked), PT_E_TRUNCATED);
        support_free(marked);
    }
    support_free(vector);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mark_is_added_and_the_rest_stays),
        cmocka_unit_test(test_a_mark_that_is_there_is_replaced),
        cmocka_unit_test(test_a_name_by_place_is_kept),
        cmocka_unit_test(test_the_head_grows),
        cmocka_unit_test(test_names_have_a_limit),
        cmocka_unit_test(test_what_is_no_map_is_refused),
        cmocka_unit_test(test_a_vector_marked_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
