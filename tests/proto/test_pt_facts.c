//  Picking what a shape asks for: the same facts from a map and from JSON text, in every form that
//  gateways write codes in.

#include "codec_support.h"
#include "pt_response.h"

#define STEP(literal)                                                                                                  \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }

//  Every role, paths that share their beginnings, and one that steps into an array.
static const pt_path_t s_paths[] = {
    {PT_ROLE_CODE, 0, 7, 1, {STEP("responseCode")}},
    {PT_ROLE_MESSAGE, 0, 0, 1, {STEP("responseMessage")}},
    {PT_ROLE_CODE, 1, 0, 1, {STEP("code")}},
    {PT_ROLE_MESSAGE, 1, 0, 1, {STEP("message")}},
    {PT_ROLE_CODE, 2, 0, 2, {STEP("error"), STEP("code")}},
    {PT_ROLE_MESSAGE, 2, 0, 2, {STEP("error"), STEP("message")}},
    {PT_ROLE_FIELDS, 0, 0, 2, {STEP("error"), STEP("fields")}},
    {PT_ROLE_CODE, 3, 0, 1, {STEP("failure_code")}},
    {PT_ROLE_CODE, 4, 0, 3, {STEP("errors"), STEP("1"), STEP("code")}},
    {PT_ROLE_STATUS, 0, 0, 1, {STEP("status")}},
    {PT_ROLE_STATUS, 1, 0, 1, {STEP("paid")}},
    {PT_ROLE_STATUS, 2, 0, 6, {STEP("a"), STEP("b"), STEP("c"), STEP("d"), STEP("e"), STEP("f")}},
    {PT_ROLE_ADVICE, 0, 0, 1, {STEP("advice")}},
};
static const pt_shape_t s_shape = {.paths = s_paths, .path_count = sizeof s_paths / sizeof *s_paths};

typedef struct {
    pt_response_t response;
    pt_facts_t facts;
    pt_bytes_t body; //  in a block of its exact size
} s_extract_t;

//  Texts may point into the facts themselves, so these stay where they are filled.
static void
s_extract_bytes(s_extract_t *self, pt_body_kind_t kind, const void *bytes, size_t len, const pt_shape_t *shape)
{
    self->body = (pt_bytes_t) {support_copy(bytes, len), len};
    self->response = (pt_response_t) {.body_kind = kind, .body = self->body};
    memset(&self->facts, 0xff, sizeof self->facts);
    pt_facts_extract(&self->response, shape, &self->facts);
}

/*  Facts of a body given as JSON: once as the map that it means, once as the text. */
static void
s_extract(s_extract_t *self, const char *json, bool as_text)
{
    if (as_text) {
        s_extract_bytes(self, PT_BODY_JSON, json, strlen(json), &s_shape);
        return;
    }
    pt_bytes_t map = support_pack(json);
    s_extract_bytes(self, PT_BODY_MSGPACK, map.data, map.len, &s_shape);
    support_free(map);
}

static void
s_release(s_extract_t *self)
{
    pt_facts_release(&self->facts);
    support_free(self->body);
}

static void
s_check_same_texts(const pt_text_t *left, const pt_text_t *right, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        assert_int_equal(left[index].data == NULL, right[index].data == NULL);
        assert_true(pt_text_equal(left[index], right[index]));
    }
}

static void
s_check_same(const pt_facts_t *left, const pt_facts_t *right)
{
    assert_int_equal(left->is_map, right->is_map);
    s_check_same_texts(left->codes, right->codes, PT_CODE_SLOTS);
    s_check_same_texts(left->messages, right->messages, PT_CODE_SLOTS);
    s_check_same_texts(left->statuses, right->statuses, PT_STATUS_SLOTS);
    s_check_same_texts(left->advice, right->advice, PT_ADVICE_SLOTS);
    assert_int_equal(left->field_count, right->field_count);
    assert_int_equal(left->fields_dropped, right->fields_dropped);
    for (size_t index = 0; index < left->field_count; index++) {
        assert_true(pt_text_equal(left->fields[index].name, right->fields[index].name));
        assert_true(pt_text_equal(left->fields[index].value, right->fields[index].value));
    }
}

static void
test_forms_of_a_code(void **state)
{
    (void) state;
    static const struct {
        const char *value;
        const char *plain;  //  without padding; NULL: no code
        const char *padded; //  to 7 digits
    } forms[] = {
        {"\"00\"", "00", "00"},
        {"\"0500\"", "0500", "0500"},
        {"\" x \"", " x ", " x "},
        {"\"a\\u0000b\"", "", ""}, //  checked by length below
        {"\"\"", NULL, NULL},
        {"0", "0", "0000000"},
        {"5", "5", "0000005"},
        {"4000001", "4000001", "4000001"},
        {"123456789", "123456789", "123456789"},
        {"9223372036854775807", "9223372036854775807", "9223372036854775807"},
        {"-5", "-5", "-5"},
        {"-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
        {"5.0", "5", "0000005"},
        {"-5.0", "-5", "-5"},
        {"-0.0", "0", "0000000"},
        {"5e2", "500", "0000500"},
        {"9007199254740991.0", "9007199254740991", "9007199254740991"},
        {"9007199254740992.0", NULL, NULL},
        {"5.5", NULL, NULL},
        {"1e300", NULL, NULL},
        {"true", NULL, NULL},
        {"null", NULL, NULL},
        {"[\"x\"]", NULL, NULL},
        {"{\"code\":\"x\"}", NULL, NULL},
    };
    for (size_t index = 0; index < sizeof forms / sizeof *forms; index++) {
        for (int as_text = 0; as_text < 2; as_text++) {
            char json[256];
            snprintf(json, sizeof json, "{\"code\":%s,\"responseCode\":%s}", forms[index].value, forms[index].value);
            s_extract_t self;
            s_extract(&self, json, as_text);
            if (forms[index].plain && !*forms[index].plain) {
                assert_int_equal(self.facts.codes[1].len, 3);
                assert_memory_equal(self.facts.codes[1].data, "a\0b", 3);
            } else {
                assert_text(self.facts.codes[1], forms[index].plain);
                assert_text(self.facts.codes[0], forms[index].padded);
            }
            assert_true(self.facts.is_map);
            s_release(&self);
        }
    }
}

static void
test_lengths_of_a_code(void **state)
{
    (void) state;
    for (int len = PT_CODE_BYTES_MAX; len <= PT_CODE_BYTES_MAX + 1; len++) {
        char json[600];
        snprintf(json, sizeof json, "{\"code\":\"%0*d\",\"status\":\"%0*d\"}", len, 0, len, 0);
        s_extract_t self;
        s_extract(&self, json, false);
        assert_int_equal(self.facts.codes[1].len, len == PT_CODE_BYTES_MAX ? len : 0);
        assert_int_equal(self.facts.codes[1].data != NULL, len == PT_CODE_BYTES_MAX);
        assert_int_equal(self.facts.statuses[0].data != NULL, len == PT_CODE_BYTES_MAX);
        s_release(&self);
    }
}

static void
test_messages_markers_and_advice(void **state)
{
    (void) state;
    for (int as_text = 0; as_text < 2; as_text++) {
        s_extract_t self;
        s_extract(&self,
                  "{\"message\":\"\",\"responseMessage\":5,\"status\":false,\"paid\":true,"
                  "\"advice\":9003,\"error\":{\"message\":\"ok\\n\"}}",
                  as_text);
        assert_text(self.facts.messages[1], "");
        assert_null(self.facts.messages[0].data);
        assert_text(self.facts.messages[2], "ok\n");
        assert_text(self.facts.statuses[0], "false");
        assert_text(self.facts.statuses[1], "true");
        assert_text(self.facts.advice[0], "9003");
        assert_null(self.facts.codes[2].data);
        s_release(&self);

        s_extract(&self, "{\"status\":3,\"paid\":\"\",\"advice\":\"x\"}", as_text);
        assert_text(self.facts.statuses[0], "3");
        assert_null(self.facts.statuses[1].data);
        assert_text(self.facts.advice[0], "x");
        s_release(&self);
    }
}

//  What stands where a code or a marker belongs: that it cannot be read counts only where something stands in it.
static void
test_what_nobody_can_read(void **state)
{
    (void) state;
    static const struct {
        const char *json;
        bool is_odd, is_illegible;
    } rows[] = {
        {"{\"code\":\"A\",\"status\":true}", false, false},
        {"{\"code\":null,\"status\":\"\"}", false, false},
        {"{\"code\":{},\"status\":[]}", true, false},
        {"{\"code\":{\"a\":null,\"b\":[\"\",{\"c\":[]}]}}", true, false},
        {"{\"code\":{\"a\":null,\"b\":[\"\",{\"c\":[0]}]}}", true, true},
        {"{\"code\":{\"a\":\"\",\"b\":\"x\"}}", true, true},
        {"{\"status\":[\"paid\"]}", true, true},
        {"{\"code\":1.5}", true, true},
        {"{\"code\":1e400}", true, true},
        {"{\"code\":\"A\xff\"}", true, true},
        {"{\"status\":\"\xe0\xb8\"}", true, true},
        {"{\"code\":false}", true, true},
        //  In other places it denies nothing.
        {"{\"message\":{\"a\":\"x\"}}", true, false},
        {"{\"advice\":[\"x\"]}", true, false},
        {"{\"error\":\"text, where a map is expected\"}", true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int as_text = 0; as_text < 2; as_text++) {
            s_extract_t self;
            s_extract(&self, rows[i].json, as_text);
            if (self.facts.is_odd != rows[i].is_odd || self.facts.is_illegible != rows[i].is_illegible)
                fail_msg("%s: odd %d, illegible %d", rows[i].json, self.facts.is_odd, self.facts.is_illegible);
            s_release(&self);
        }
}

//  One key may be a marker in several places, or a marker and a code: a boolean is no code.
static void
test_booleans_on_several_paths(void **state)
{
    (void) state;
    static const pt_path_t paths[] = {
        {PT_ROLE_STATUS, 0, 0, 1, {STEP("paid")}}, {PT_ROLE_STATUS, 1, 0, 1, {STEP("paid")}},
        {PT_ROLE_STATUS, 2, 0, 1, {STEP("paid")}}, {PT_ROLE_STATUS, 3, 0, 1, {STEP("done")}},
        {PT_ROLE_STATUS, 4, 0, 1, {STEP("done")}}, {PT_ROLE_CODE, 0, 0, 1, {STEP("both")}},
        {PT_ROLE_STATUS, 5, 0, 1, {STEP("both")}},
    };
    static const pt_shape_t shape = {.paths = paths, .path_count = sizeof paths / sizeof *paths};
    static const char body[] = "\x84\xa4paid\xc3\xa4"
                               "done\xc2\xa4"
                               "both\xc3\xa1x\x00";
    static const char twice[] = "\x84\xa4paid\xc3\xa4paid\xc0\xa4"
                                "done\xc3\xa4"
                                "done\xc2";
    s_extract_t self;
    s_extract_bytes(&self, PT_BODY_MSGPACK, body, sizeof body - 1, &shape);
    for (int slot = 0; slot < 3; slot++)
        assert_text(self.facts.statuses[slot], "true");
    assert_text(self.facts.statuses[3], "false");
    assert_text(self.facts.statuses[4], "false");
    assert_text(self.facts.statuses[5], "true");
    assert_null(self.facts.codes[0].data);
    assert_true(self.facts.is_odd);
    s_release(&self);

    s_extract_bytes(&self, PT_BODY_MSGPACK, twice, sizeof twice - 1, &shape);
    for (int slot = 0; slot < 3; slot++)
        assert_null(self.facts.statuses[slot].data);
    assert_text(self.facts.statuses[3], "false");
    assert_text(self.facts.statuses[4], "false");
    assert_false(self.facts.is_odd);
    s_release(&self);
}

static void
test_long_ways(void **state)
{
    (void) state;
    for (int as_text = 0; as_text < 2; as_text++) {
        s_extract_t self;
        s_extract(&self,
                  "{\"a\":{\"b\":{\"x\":1,\"c\":{\"d\":{\"e\":{\"g\":0,\"f\":\"end\"}}}}},"
                  "\"errors\":[{\"code\":\"first\"},{\"code\":\"second\"},{\"code\":\"third\"}],"
                  "\"error\":\"text, where a map is expected\"}",
                  as_text);
        assert_text(self.facts.statuses[2], "end");
        assert_text(self.facts.codes[4], "second");
        assert_null(self.facts.codes[2].data);
        s_release(&self);
    }
}

static void
test_strings_that_are_no_text(void **state)
{
    (void) state;
    static const char body[] = "\x85\xa4"
                               "code\xa2\xc3(\xa7"
                               "message\xa1\xff\xa6status\xa1\xff\xa6"
                               "advice\xc4\x01x"
                               "\xa1\xff\x01";
    s_extract_t self;
    s_extract_bytes(&self, PT_BODY_MSGPACK, body, sizeof body - 1, &s_shape);
    assert_true(self.facts.is_map);
    assert_null(self.facts.codes[1].data);
    assert_null(self.facts.messages[1].data);
    assert_null(self.facts.statuses[0].data);
    assert_null(self.facts.advice[0].data);
    s_release(&self);
}

//  Keys that are no strings are stepped over with whatever they hold.
static void
test_keys_that_are_no_strings(void **state)
{
    (void) state;
    static const char body[] = "\x85\x01\xa1x\xc0\xc0\x91\xa4"
                               "code\xa4"
                               "code\x81\x01\x02\x81\xa4"
                               "code\x05"
                               "\xa4"
                               "code\xa2ok";
    s_extract_t self;
    s_extract_bytes(&self, PT_BODY_MSGPACK, body, sizeof body - 1, &s_shape);
    assert_text(self.facts.codes[1], "ok");
    s_release(&self);
}

//  The last of several equal keys counts, also when it takes something away.
static void
test_duplicate_keys(void **state)
{
    (void) state;
    static const char body[] = "\x86\xa4"
                               "code\xa1"
                               "1\xa4"
                               "code\xa1"
                               "2"
                               "\xa5"
                               "error\x82\xa4"
                               "code\xa1"
                               "x\xa6"
                               "fields\x81\xa1"
                               "a\xa1"
                               "b"
                               "\xa5"
                               "error\x81\xa7"
                               "message\xa1"
                               "m"
                               "\xa6status\xa1s\xa6status\xc0";
    static const char json[] = "{\"code\":\"1\",\"code\":\"2\",\"error\":{\"code\":\"x\",\"fields\":{\"a\":\"b\"}},"
                               "\"error\":{\"message\":\"m\"},\"status\":\"s\",\"status\":null}";
    s_extract_t map;
    s_extract_bytes(&map, PT_BODY_MSGPACK, body, sizeof body - 1, &s_shape);
    s_extract_t text;
    s_extract(&text, json, true);
    assert_text(map.facts.codes[1], "2");
    assert_null(map.facts.codes[2].data);
    assert_text(map.facts.messages[2], "m");
    assert_null(map.facts.statuses[0].data);
    assert_int_equal(map.facts.field_count, 0);
    s_check_same(&map.facts, &text.facts);
    s_release(&map);
    s_release(&text);
}

static const pt_text_t *
s_find_field(const pt_facts_t *facts, const char *name)
{
    for (size_t index = 0; index < facts->field_count; index++)
        if (pt_text_equal(facts->fields[index].name, pt_text_of(name)))
            return &facts->fields[index].value;
    fail_msg("no field %s", name);
    return NULL;
}

static void
test_request_fields(void **state)
{
    (void) state;
    for (int as_text = 0; as_text < 2; as_text++) {
        s_extract_t self;
        s_extract(
            &self,
            "{\"error\":{\"fields\":{\"params\":{\"adId\":\"WRONG_ID\",\"items\":[{\"price\":\"A\"},{\"price\":\"B\"}]}"
            ","
            "\"name\":\"\",\"count\":3,\"minus\":-1,\"flag\":true,\"ratio\":1.5,\"whole\":2.0,\"nothing\":null,"
            "\"none\":{},\"code\":\"field\",\"\":{\"\":\"odd\"}},\"code\":\"FORMAT_ERROR\"}}",
            as_text);
        assert_text(self.facts.codes[2], "FORMAT_ERROR");
        assert_int_equal(self.facts.field_count, 11);
        assert_int_equal(self.facts.fields_dropped, 0);
        assert_text(*s_find_field(&self.facts, "params.adId"), "WRONG_ID");
        assert_text(*s_find_field(&self.facts, "params.items.0.price"), "A");
        assert_text(*s_find_field(&self.facts, "params.items.1.price"), "B");
        assert_text(*s_find_field(&self.facts, "name"), "");
        assert_text(*s_find_field(&self.facts, "count"), "3");
        assert_text(*s_find_field(&self.facts, "minus"), "-1");
        assert_text(*s_find_field(&self.facts, "flag"), "true");
        assert_text(*s_find_field(&self.facts, "ratio"), "1.5");
        assert_text(*s_find_field(&self.facts, "whole"), "2");
        assert_text(*s_find_field(&self.facts, "code"), "field");
        assert_text(*s_find_field(&self.facts, ""), "odd");
        s_release(&self);
        s_extract(&self, "{\"error\":{\"fields\":[\"a\",\"b\"]}}", as_text);
        assert_int_equal(self.facts.field_count, 0);
        s_release(&self);
    }
}

//  A name that joins to the same path as an older one replaces it: keys of a map are unique.
static void
test_request_fields_of_one_name(void **state)
{
    (void) state;
    s_extract_t self;
    s_extract(&self, "{\"error\":{\"fields\":{\"a.b\":\"1\",\"x\":\"2\",\"a\":{\"b\":\"3\"}}}}", false);
    assert_int_equal(self.facts.field_count, 2);
    assert_text(*s_find_field(&self.facts, "a.b"), "3");
    s_release(&self);
}

/*  A body with request fields; `value_bytes` 0: their values are numbers of ten digits. */
static char *
s_write_fields(int count, int name_bytes, int value_bytes, bool nested)
{
    char *json = malloc(64 + (size_t) count * (size_t) (name_bytes + value_bytes + 32));
    assert_non_null(json);
    int len = sprintf(json, "{\"error\":{\"fields\":{%s", nested ? "\"n\":{" : "");
    for (int index = 0; index < count; index++) {
        len += sprintf(json + len, "%s\"%0*d\":", index ? "," : "", name_bytes, index);
        len += sprintf(json + len, value_bytes ? "\"%0*d\"" : "%*d", value_bytes, 1000000000 + index);
    }
    sprintf(json + len, "%s}}}", nested ? "}" : "");
    return json;
}

static void
test_more_request_fields_than_fit(void **state)
{
    (void) state;
    static const struct {
        int count, name_bytes;
        bool nested;
        size_t kept, dropped;
    } cases[] = {
        {PT_FIELDS_MAX, 10, false, PT_FIELDS_MAX, 0},
        {PT_FIELDS_MAX + 9, 10, false, PT_FIELDS_MAX, 9},
        {PT_FIELDS_MAX, 256, false, PT_FIELDS_MAX, 0}, //  names of the body's own need no room
        {5, 257, false, 0, 5},
        {5, 254, true, 5, 0},
        {5, 255, true, 0, 5},
        {PT_FIELDS_MAX, 254, true, PT_SCRATCH_BYTES / 256, PT_FIELDS_MAX - PT_SCRATCH_BYTES / 256},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char *json = s_write_fields(cases[index].count, cases[index].name_bytes, 4, cases[index].nested);
        s_extract_t map;
        s_extract(&map, json, false);
        s_extract_t text;
        s_extract(&text, json, true);
        assert_int_equal(map.facts.field_count, cases[index].kept);
        assert_int_equal(map.facts.fields_dropped, cases[index].dropped);
        s_check_same(&map.facts, &text.facts);
        s_release(&map);
        s_release(&text);
        free(json);
    }
}

//  A pair whose printed number finds no room is dropped whole; the others stay.
static void
test_numbers_that_find_no_room(void **state)
{
    (void) state;
    for (int name_bytes = 200; name_bytes <= 254; name_bytes++) {
        char *json = s_write_fields(PT_FIELDS_MAX, name_bytes, 0, true);
        s_extract_t self;
        s_extract(&self, json, false);
        assert_true(self.facts.fields_dropped > 0);
        assert_int_equal(self.facts.field_count + self.facts.fields_dropped, PT_FIELDS_MAX);
        for (size_t index = 0; index < self.facts.field_count; index++) {
            assert_int_equal(self.facts.fields[index].name.len, name_bytes + 2);
            assert_int_equal(self.facts.fields[index].value.len, 10);
        }
        s_release(&self);
        free(json);
    }
}

static void
test_text_that_is_no_object(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        " ",
        "<html></html>",
        "[{\"code\":\"x\"}]",
        "\"code\"",
        "5",
        "null",
        "{",
        "{\"code\":\"x\"",
        "{\"code\":\"x\"} y",
        "{'code':'x'}",
        "code=x",
        "\xef\xbb\xbf",
        "{\"code\":\"x\",}",
    };
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++) {
        s_extract_t self;
        s_extract(&self, texts[index], true);
        assert_false(self.facts.is_map);
        assert_null(self.facts.codes[1].data);
        s_release(&self);
    }
}

static void
test_text_that_is_an_object(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "{\"code\":\"x\"}",
        " \r\n\t{ \"code\" : \"x\" } \n",
        "\xef\xbb\xbf{\"code\":\"x\"}",
        "{\"code\":\"\\u0078\"}",
        "{\"code\":\"x\",\"n\":\"a\\u0000b\"}",
        "{\"big\":123456789012345678901234567890,\"code\":\"x\",\"n\":5}",
        //  What nobody asked for costs nothing of what stands beside it.
        "{\"payer\":\"\xe0\xb8\xaa\xe0\xb8\",\"code\":\"x\"}",
        "{\"\xc4\xde\":\"\\n\xff\",\"code\":\"x\"}",
        "{\"n\":-1e400,\"code\":\"x\"}",
        "{\"a\\u0000\":1,\"code\":\"x\"}",
    };
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++) {
        s_extract_t self;
        s_extract(&self, texts[index], true);
        assert_true(self.facts.is_map);
        assert_text(self.facts.codes[1], "x");
        s_release(&self);
    }
    //  A number beside one with too many digits is still that number.
    s_extract_t self;
    s_extract(&self, "{\"big\":123456789012345678901234567890,\"code\":1004}", true);
    assert_text(self.facts.codes[1], "1004");
    s_release(&self);
    s_extract(&self, "{}", true);
    assert_false(self.facts.is_map);
    s_release(&self);
}

//  A text may nest as deep as a map may; deeper it is a body without fields.
static void
test_depth_of_a_text(void **state)
{
    (void) state;
    for (int levels = PT_DEPTH_MAX - 2; levels <= 5000; levels = levels <= PT_DEPTH_MAX ? levels + 1 : levels + 4000) {
        char *json = malloc((size_t) levels * 2 + 64);
        assert_non_null(json);
        int len = sprintf(json, "{\"code\":\"x\",\"n\":");
        memset(json + len, '[', (size_t) levels - 1);
        memset(json + len + levels - 1, ']', (size_t) levels - 1);
        strcpy(json + len + 2 * (levels - 1), "}");
        s_extract_t self;
        s_extract(&self, json, true);
        assert_int_equal(self.facts.is_map, levels < PT_DEPTH_MAX);
        assert_int_equal(self.facts.codes[1].data != NULL, levels < PT_DEPTH_MAX);
        s_release(&self);
        free(json);
    }
}

//  Each vector says the same as a map and as text.
static void
test_every_vector_in_both_forms(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    size_t compared = 0;
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        pt_response_t response;
        char error[PT_ERROR_BYTES_MAX];
        assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
        if (response.body_kind == PT_BODY_MSGPACK) {
            char *json;
            static pt_facts_t left;
            assert_int_equal(pt_json_of_msgpack(response.body, &json), PT_OK);
            pt_facts_extract(&response, &s_shape, &left);
            s_extract_t right;
            s_extract(&right, json, true);
            s_check_same(&left, &right.facts);
            pt_facts_release(&left);
            s_release(&right);
            free(json);
            compared++;
        }
        support_free(frame);
    }
    assert_true(compared >= 8);
    globfree(&vectors);
}

static void
test_a_code_behind_a_hundred_fields(void **state)
{
    (void) state;
    pt_bytes_t frame = support_read(PT_SOURCE_DIR "/tests/vectors/response/body-100-fields.msgpack");
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    static pt_facts_t facts;
    assert_int_equal(pt_response_decode(frame, &response, error), PT_OK);
    pt_facts_extract(&response, &s_shape, &facts);
    assert_text(facts.codes[3], "expired_card");
    assert_text(facts.statuses[0], "failed");
    pt_facts_release(&facts);
    support_free(frame);
}

static void
test_a_shape_without_paths(void **state)
{
    (void) state;
    pt_shape_t empty = {.paths = NULL, .path_count = 0};
    s_extract_t self;
    s_extract_bytes(&self, PT_BODY_MSGPACK, "\x81\xa1x\x01", 4, &empty);
    assert_true(self.facts.is_map);
    assert_null(self.facts.codes[0].data);
    s_release(&self);
    s_extract_bytes(&self, PT_BODY_NONE, "", 0, &s_shape);
    assert_false(self.facts.is_map);
    s_release(&self);
}

//  Two paths to one slot: the first one that is there counts, wherever it stands.
static void
test_two_paths_to_one_slot(void **state)
{
    (void) state;
    static const pt_path_t paths[] = {{PT_ROLE_CODE, 0, 0, 1, {STEP("new")}}, {PT_ROLE_CODE, 0, 0, 1, {STEP("old")}}};
    static const pt_shape_t shape = {.paths = paths, .path_count = 2};
    static const char both[] = "\x82\xa3old\xa1"
                               "1\xa3new\xa1"
                               "2";
    s_extract_t self;
    s_extract_bytes(&self, PT_BODY_MSGPACK, both, sizeof both - 1, &shape);
    assert_text(self.facts.codes[0], "2");
    s_release(&self);
    s_extract_bytes(&self, PT_BODY_MSGPACK,
                    "\x81\xa3old\xa1"
                    "1",
                    7, &shape);
    assert_text(self.facts.codes[0], "1");
    s_release(&self);
}

//  Bytes that were not checked before give no facts and do no harm.
static void
test_mutated_bodies(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    uint64_t seed = 42;
    for (int round = 0; round < 50000; round++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[support_random(&seed) % vectors.gl_pathc]);
        uint8_t *copy = support_copy(frame.data, frame.len);
        for (uint64_t change = support_random(&seed) % 4; change > 0; change--)
            copy[support_random(&seed) % frame.len] = (uint8_t) support_random(&seed);
        static pt_facts_t facts;
        pt_response_t response = {.body_kind = round % 2 ? PT_BODY_MSGPACK : PT_BODY_JSON,
                                  .body = {copy + round % 3, frame.len - (size_t) round % 3}};
        pt_facts_extract(&response, &s_shape, &facts);
        assert_true(facts.scratch_used <= PT_SCRATCH_BYTES && facts.field_count <= PT_FIELDS_MAX);
        pt_facts_release(&facts);
        free(copy);
        support_free(frame);
    }
    globfree(&vectors);
}

static const pt_shape_t *
s_find_shape(void *context, pt_text_t provider)
{
    assert_non_null(context);
    assert_true(provider.data || !provider.len);
    ++*(int *) context;
    return &s_shape;
}

//  One frame read in both ways: with one walk over the body, and step by step.
static pt_status_t
s_check_read(pt_bytes_t frame)
{
    static pt_facts_t once, twice;
    pt_response_t left, right;
    char errors[2][PT_ERROR_BYTES_MAX];
    int asked = 0;
    pt_shape_finder_t finder = {s_find_shape, &asked};
    pt_status_t status = pt_response_read(frame, &finder, &left, &once, errors[0]);
    assert_int_equal(pt_response_decode(frame, &right, errors[1]), status);
    assert_string_equal(errors[0], errors[1]);
    assert_true(asked <= 1);
    assert_true(pt_text_equal(left.id, right.id) && pt_text_equal(left.provider, right.provider));
    assert_true(pt_text_equal(left.reference, right.reference) && left.http_status == right.http_status);
    assert_true(left.body_kind == right.body_kind && left.body.data == right.body.data);
    assert_int_equal(left.body.len, right.body.len);
    if (status == PT_OK) {
        pt_facts_extract(&right, &s_shape, &twice);
        s_check_same(&once, &twice);
        pt_facts_release(&twice);
    } else {
        assert_false(once.is_map || once.field_count || once.json);
    }
    pt_facts_release(&once);
    return status;
}

//  Whatever is wrong with a frame, one walk over its body finds it as the two steps do.
static void
test_one_walk_equals_two_steps(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    uint64_t seed = 7;
    int good = 0, bad = 0;
    for (int round = 0; round < 50000; round++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[support_random(&seed) % vectors.gl_pathc]);
        size_t len = round % 5 ? frame.len : support_random(&seed) % frame.len;
        uint8_t *copy = support_copy(frame.data, len);
        for (uint64_t change = len ? support_random(&seed) % 3 : 0; change > 0; change--)
            copy[support_random(&seed) % len] = (uint8_t) support_random(&seed);
        if (s_check_read((pt_bytes_t) {copy, len}) == PT_OK)
            good++;
        else
            bad++;
        free(copy);
        support_free(frame);
    }
    assert_true(good > 1000 && bad > 1000);
    globfree(&vectors);
}

//  {"provider": "x", "body": {"a": {"a": … 1 … }}, "id": "y"}, or the body in front; `key` is on a path or not.
static size_t
s_write_deep(uint8_t *out, unsigned levels, char key, bool body_first)
{
    static const char provider[] = "\xa8provider\xa1x";
    static const char id[] = "\xa2id\xa1y";
    size_t at = 0;
    out[at++] = 0x83;
    for (int part = 0; part < 2; part++) {
        if (part == (body_first ? 1 : 0)) {
            memcpy(out + at, provider, sizeof provider - 1);
            at += sizeof provider - 1;
            continue;
        }
        memcpy(out + at,
               "\xa4"
               "body",
               5);
        at += 5;
        for (unsigned level = 0; level < levels; level++) {
            out[at++] = 0x81;
            out[at++] = 0xa1;
            out[at++] = (uint8_t) (level < 6 ? key + (key == 'a' ? (char) level : 0) : key);
        }
        out[at++] = 1;
    }
    memcpy(out + at, id, sizeof id - 1);
    return at + sizeof id - 1;
}

static void
test_one_walk_at_every_depth(void **state)
{
    (void) state;
    for (unsigned levels = 1; levels < PT_BODY_DEPTH_MAX + 4; levels++) {
        for (int form = 0; form < 4; form++) {
            uint8_t bytes[256];
            size_t len = s_write_deep(bytes, levels, form & 1 ? 'a' : 'z', form & 2);
            uint8_t *copy = support_copy(bytes, len);
            pt_status_t expected = levels <= PT_BODY_DEPTH_MAX ? PT_OK : PT_E_DEPTH;
            assert_int_equal(s_check_read((pt_bytes_t) {copy, len}), expected);
            for (size_t cut = 1; cut < len; cut++)
                assert_int_not_equal(s_check_read((pt_bytes_t) {copy, cut}), PT_OK);
            free(copy);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_a_code),
        cmocka_unit_test(test_lengths_of_a_code),
        cmocka_unit_test(test_messages_markers_and_advice),
        cmocka_unit_test(test_what_nobody_can_read),
        cmocka_unit_test(test_booleans_on_several_paths),
        cmocka_unit_test(test_long_ways),
        cmocka_unit_test(test_strings_that_are_no_text),
        cmocka_unit_test(test_keys_that_are_no_strings),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_request_fields),
        cmocka_unit_test(test_request_fields_of_one_name),
        cmocka_unit_test(test_more_request_fields_than_fit),
        cmocka_unit_test(test_numbers_that_find_no_room),
        cmocka_unit_test(test_text_that_is_no_object),
        cmocka_unit_test(test_text_that_is_an_object),
        cmocka_unit_test(test_depth_of_a_text),
        cmocka_unit_test(test_every_vector_in_both_forms),
        cmocka_unit_test(test_a_code_behind_a_hundred_fields),
        cmocka_unit_test(test_a_shape_without_paths),
        cmocka_unit_test(test_two_paths_to_one_slot),
        cmocka_unit_test(test_mutated_bodies),
        cmocka_unit_test(test_one_walk_equals_two_steps),
        cmocka_unit_test(test_one_walk_at_every_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
