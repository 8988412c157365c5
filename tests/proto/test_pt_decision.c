//  Decisions: the same bytes for the same decision, every optional key on its own, every limit,
//  and a decoder that takes nothing on trust.

#include "codec_support.h"
#include "pt_decision.h"

static const pt_pair_t s_fields[] = {{{"a.b", 3}, {"REQUIRED", 8}}, {{"c", 1}, {"", 0}}};

//  One bit for each thing that a decision may have or not.
enum {
    WITH_OPERATION = 1 << 0,
    WITH_HTTP_STATUS = 1 << 1,
    WITH_REFERENCE = 1 << 2,
    WITH_ACCOUNT = 1 << 3,
    WITH_BUS = 1 << 4,
    WITH_CODE = 1 << 5,
    WITH_MESSAGE = 1 << 6,
    WITH_PARAMS = 1 << 7,
    WITH_FIELDS = 1 << 8,
    WITH_DROPPED = 1 << 9,
    WITH_RETRY = 1 << 10,
    WITH_QUERY = 1 << 11,
    WITH_ALERT = 1 << 12,
    WITH_INVALID = 1 << 13,
    WITH_ALL = 1 << 14
};

static pt_decision_t
s_make_decision(unsigned with)
{
    pt_decision_t decision = {.id = PT_TEXT("r-1"),
                              .attempt = 300,
                              .provider = PT_TEXT("opn"),
                              .entry = PT_TEXT("-"),
                              .match = with & WITH_INVALID ? PT_MATCH_INVALID : PT_MATCH_CODE,
                              .category = PT_CATEGORY_PENDING,
                              .outcome = PT_OUTCOME_PENDING,
                              .route = with & WITH_RETRY ? PT_ROUTE_RETRY : PT_ROUTE_SETTLED,
                              .action = with & WITH_QUERY ? PT_ACTION_QUERY_STATUS : PT_ACTION_RESUBMIT,
                              .same_payload_ok = true,
                              .summary = PT_TEXT("Wait."),
                              .catalog = UINT64_C(0x0123456789abcdef),
                              .decided_ms = 1760000000000};
    decision.operation = with & WITH_OPERATION ? PT_TEXT("pay_in") : PT_TEXT_NONE;
    decision.http_status = with & WITH_HTTP_STATUS ? 202 : 0;
    decision.reference = with & WITH_REFERENCE ? PT_TEXT("o-1") : PT_TEXT("");
    decision.account = with & WITH_ACCOUNT ? PT_TEXT("acct") : PT_TEXT_NONE;
    decision.on_bus = with & WITH_BUS;
    decision.producer = with & WITH_BUS ? PT_TEXT("00112233445566ff") : PT_TEXT_NONE;
    decision.redriven = with & WITH_BUS;
    decision.code = with & WITH_CODE ? PT_TEXT("00") : PT_TEXT_NONE;
    decision.message = with & WITH_MESSAGE ? PT_TEXT("") : PT_TEXT_NONE;
    decision.param_count = with & WITH_PARAMS ? 1 : 0;
    decision.params[0] = (pt_pair_t) {PT_TEXT("1"), PT_TEXT("x")};
    decision.fields = s_fields;
    decision.field_count = with & WITH_FIELDS ? 2 : 0;
    decision.fields_dropped = with & WITH_DROPPED ? 200 : 0;
    if (with & WITH_RETRY)
        decision.retry = (pt_retry_t) {
            true,         with & WITH_QUERY ? PT_ACTION_RESUBMIT : PT_ACTION_NONE, 301, 400, 1000, 1760000001000,
            1760003600000};
    if (with & WITH_ALERT)
        decision.alert = (pt_alert_t) {.present = true,
                                       .active = true,
                                       .audience = 0x2a,
                                       .severity = PT_SEVERITY_CRITICAL,
                                       .when = PT_ALERT_WHEN_IF_PERSISTENT,
                                       .count = 9,
                                       .drift = true,
                                       .fold = PT_FOLD_SAME,
                                       .first_ms = 1760000000000,
                                       .last_ms = 1760000000001,
                                       .nearest = PT_TEXT("opn/bad_request")};
    if (with & WITH_INVALID) {
        decision.error = PT_TEXT("provider: missing");
        decision.raw = (pt_bytes_t) {(const uint8_t *) "\x80\x00", 2};
    }
    return decision;
}

static void
s_check_same_pairs(const pt_pair_t *left, const pt_pair_t *right, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        assert_true(pt_text_equal(left[index].name, right[index].name));
        assert_true(pt_text_equal(left[index].value, right[index].value));
    }
}

/*  What differs in the two, seen by a reader who knows the wire only. */
static void
s_check_same(const pt_decision_t *left, const pt_decision_t *right)
{
    const pt_text_t pairs[][2] = {
        {left->id, right->id},
        {left->provider, right->provider},
        {left->operation, right->operation},
        {left->reference, right->reference},
        {left->account, right->account},
        {left->producer, right->producer},
        {left->code, right->code},
        {left->message, right->message},
        {left->entry, right->entry},
        {left->summary, right->summary},
        {left->error, right->error},
    };
    for (size_t index = 0; index < sizeof pairs / sizeof *pairs; index++)
        assert_true(pt_text_equal(pairs[index][0], pairs[index][1]));
    assert_int_equal(left->message.data == NULL, right->message.data == NULL);
    assert_int_equal(left->attempt, right->attempt);
    assert_int_equal(left->http_status, right->http_status);
    assert_int_equal(left->on_bus, right->on_bus);
    assert_int_equal(left->redriven, right->redriven);
    assert_int_equal(left->match, right->match);
    assert_int_equal(left->category, right->category);
    assert_int_equal(left->outcome, right->outcome);
    assert_int_equal(left->route, right->route);
    assert_int_equal(left->action, right->action);
    assert_int_equal(left->confirm_as_success, right->confirm_as_success);
    assert_int_equal(left->same_payload_ok, right->same_payload_ok);
    assert_int_equal(left->health, right->health);
    assert_true(left->catalog == right->catalog && left->decided_ms == right->decided_ms);
    assert_int_equal(left->param_count, right->param_count);
    s_check_same_pairs(left->params, right->params, left->param_count);
    assert_int_equal(left->field_count, right->field_count);
    s_check_same_pairs(left->fields, right->fields, left->field_count);
    assert_int_equal(left->fields_dropped, right->fields_dropped);
    assert_int_equal(left->raw.len, right->raw.len);
    if (left->raw.len)
        assert_memory_equal(left->raw.data, right->raw.data, left->raw.len);
    assert_int_equal(left->retry.present, right->retry.present);
    assert_int_equal(left->retry.if_absent, right->retry.if_absent);
    assert_int_equal(left->retry.attempt, right->retry.attempt);
    assert_int_equal(left->retry.max_attempts, right->retry.max_attempts);
    assert_true(left->retry.delay_ms == right->retry.delay_ms && left->retry.next_at_ms == right->retry.next_at_ms);
    assert_true(left->retry.deadline_ms == right->retry.deadline_ms);
    assert_int_equal(left->alert.present, right->alert.present);
    assert_int_equal(left->alert.active, right->alert.active);
    assert_int_equal(left->alert.audience, right->alert.audience);
    assert_int_equal(left->alert.severity, right->alert.severity);
    assert_int_equal(left->alert.when, right->alert.when);
    assert_int_equal(left->alert.count, right->alert.count);
    assert_int_equal(left->alert.drift, right->alert.drift);
    assert_int_equal(left->alert.fold, right->alert.fold);
    assert_int_equal(left->alert.first_ms, right->alert.first_ms);
    assert_int_equal(left->alert.last_ms, right->alert.last_ms);
    assert_true(pt_text_equal(left->alert.nearest, right->alert.nearest));
}

static void
test_every_combination_of_optional_keys(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    for (unsigned with = 0; with < WITH_ALL; with++) {
        pt_decision_t decision = s_make_decision(with), back;
        size_t len, again;
        assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        assert_int_equal(pt_decision_decode((pt_bytes_t) {bytes, len}, fields, &back), PT_OK);
        s_check_same(&decision, &back);
        //  Exactly that room is enough.
        uint8_t *exact = malloc(len);
        assert_non_null(exact);
        assert_int_equal(pt_decision_encode(&back, exact, len, &again), PT_OK);
        assert_int_equal(again, len);
        assert_memory_equal(exact, bytes, len);
        free(exact);
    }
}

static void
test_too_little_room(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static const unsigned sets[] = {0, WITH_ALL - 1};
    for (size_t index = 0; index < 2; index++) {
        pt_decision_t decision = s_make_decision(sets[index]);
        size_t len, unused;
        assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        for (size_t capacity = 0; capacity < len; capacity++) {
            uint8_t *room = malloc(capacity ? capacity : 1);
            assert_non_null(room);
            assert_int_equal(pt_decision_encode(&decision, room, capacity, &unused), PT_E_SPACE);
            free(room);
        }
    }
}

static void
test_if_absent(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    static const pt_action_t ways[] = {PT_ACTION_RESUBMIT, PT_ACTION_NONE};
    static const char *const words[] = {"\"if_absent\":\"resubmit\"", "\"if_absent\":\"dead_letter\""};
    for (size_t index = 0; index < 2; index++) {
        pt_decision_t decision = s_make_decision(WITH_RETRY | WITH_QUERY), back;
        decision.retry.if_absent = ways[index];
        size_t len;
        assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        assert_int_equal(pt_decision_decode((pt_bytes_t) {bytes, len}, fields, &back), PT_OK);
        assert_int_equal(back.retry.if_absent, ways[index]);
        char *json = pt_decision_json(&decision);
        assert_non_null(strstr(json, words[index]));
        free(json);
    }
}

//  Words are packed as blocks; each has to fit into the one of its field.
static void
test_every_word(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    for (unsigned value = 0; value < PT_CATEGORY_COUNT_; value++) {
        pt_decision_t decision = s_make_decision(WITH_ALERT), back;
        decision.match = (pt_match_t) (value % PT_MATCH_INVALID);
        decision.category = (pt_category_t) value;
        decision.outcome = (pt_outcome_t) (value % PT_OUTCOME_COUNT_);
        decision.route = (pt_route_t) (value % PT_ROUTE_COUNT_);
        decision.action = (pt_action_t) (value % PT_ACTION_COUNT_);
        decision.alert.severity = (pt_severity_t) (value % PT_SEVERITY_COUNT_);
        decision.alert.when = (pt_alert_when_t) (value % PT_ALERT_WHEN_COUNT_);
        decision.alert.fold = (pt_fold_t) (value % PT_FOLD_COUNT_);
        decision.alert.audience = PT_AUDIENCE_BIT(value % PT_AUDIENCE_COUNT_);
        size_t len;
        assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        assert_int_equal(pt_decision_decode((pt_bytes_t) {bytes, len}, fields, &back), PT_OK);
        assert_int_equal(back.match, decision.match);
        assert_int_equal(back.category, decision.category);
        assert_int_equal(back.outcome, decision.outcome);
        assert_int_equal(back.route, decision.route);
        assert_int_equal(back.action, decision.action);
        assert_int_equal(back.alert.severity, decision.alert.severity);
        assert_int_equal(back.alert.when, decision.alert.when);
        assert_int_equal(back.alert.fold, decision.alert.fold);
        assert_int_equal(back.alert.audience, decision.alert.audience);
    }
}

//  Everything at its limit and one byte beyond, all characters of four bytes.
static void
test_the_worst_case_fits(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX], read_fields[PT_FIELDS_MAX];
    static char text[5000];
    for (size_t at = 0; at < sizeof text; at += 4)
        memcpy(text + at, "\xf0\x9f\x92\xb3", 4);
    pt_text_t longest = {text, sizeof text};
    pt_decision_t decision = s_make_decision(WITH_ALL - 1), back;
    decision.id = decision.provider = decision.operation = decision.reference = decision.account = longest;
    decision.code = decision.message = decision.entry = decision.summary = decision.error = longest;
    decision.producer = longest;
    decision.attempt = decision.retry.attempt = decision.retry.max_attempts = decision.alert.count = UINT32_MAX;
    decision.http_status = 599;
    decision.retry.delay_ms = decision.retry.next_at_ms = decision.retry.deadline_ms = (UINT64_C(1) << 53) - 1;
    decision.decided_ms = (UINT64_C(1) << 53) - 1;
    decision.fields_dropped = 200000;
    decision.alert.audience = 0x3f;
    decision.alert.nearest = longest;
    decision.alert.first_ms = decision.alert.last_ms = (UINT64_C(1) << 53) - 1;
    decision.alert.fold = PT_FOLD_OTHERS;
    decision.category = PT_CATEGORY_PROVIDER_UNAVAILABLE;
    for (size_t index = 0; index < PT_FIELDS_MAX; index++)
        fields[index] = (pt_pair_t) {longest, longest};
    for (size_t index = 0; index < PT_PARAMS_MAX; index++)
        decision.params[index] = (pt_pair_t) {longest, longest};
    decision.fields = fields;
    decision.field_count = PT_FIELDS_MAX;
    decision.param_count = PT_PARAMS_MAX;
    for (size_t index = 0; index < PT_REASONS_MAX; index++)
        decision.reasons[index] = (pt_pair_t) {longest, longest};
    decision.reason_count = PT_REASONS_MAX;
    decision.raw = (pt_bytes_t) {(const uint8_t *) text, sizeof text};

    size_t len;
    assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
    //  The decoder checks each limit, and that no character was cut.
    assert_int_equal(pt_decision_decode((pt_bytes_t) {bytes, len}, read_fields, &back), PT_OK);
    assert_int_equal(back.message.len, PT_MESSAGE_BYTES_MAX);
    assert_int_equal(back.code.len, 252);
    assert_int_equal(back.raw.len, PT_RAW_BYTES_MAX);
    assert_int_equal(back.field_count, PT_FIELDS_MAX);
}

//  Texts are packed in blocks; what stands behind one, or that nothing does, makes no difference.
static void
test_texts_of_every_length(void **state)
{
    (void) state;
    static uint8_t room[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t len = 1; len < sizeof text; len++) {
        uint8_t *copy = support_page_end((const uint8_t *) text, len);
        pt_decision_t decision = s_make_decision(WITH_ALL - 1 - WITH_INVALID), back;
        decision.id = decision.code = decision.entry = decision.account = (pt_text_t) {(const char *) copy, len};
        size_t bytes;
        assert_int_equal(pt_decision_encode(&decision, room, sizeof room, &bytes), PT_OK);
        assert_int_equal(pt_decision_decode((pt_bytes_t) {room, bytes}, fields, &back), PT_OK);
        s_check_same(&decision, &back);
        support_page_release(copy, len);
    }
}

static void
test_every_vector(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    glob_t vectors = support_vectors("decision");
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        char *expected = support_read_json(vectors.gl_pathv[index]);
        pt_decision_t decision;
        size_t len;
        assert_int_equal(pt_decision_decode(frame, fields, &decision), PT_OK);
        assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        assert_int_equal(len, frame.len);
        assert_memory_equal(bytes, frame.data, len);
        char *json = pt_decision_json(&decision);
        assert_string_equal(json, expected);
        free(json);
        free(expected);
        support_free(frame);
    }
    globfree(&vectors);
}

static void
test_every_vector_cut(void **state)
{
    (void) state;
    static pt_pair_t fields[PT_FIELDS_MAX];
    glob_t vectors = support_vectors("decision");
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        for (size_t len = 0; len < frame.len; len++) {
            uint8_t *copy = support_copy(frame.data, len);
            pt_decision_t decision;
            assert_int_equal(pt_decision_decode((pt_bytes_t) {copy, len}, fields, &decision), PT_E_TRUNCATED);
            free(copy);
        }
        support_free(frame);
    }
    globfree(&vectors);
}

static void
test_mutated_vectors(void **state)
{
    (void) state;
    static uint8_t bytes[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    glob_t vectors = support_vectors("decision");
    uint64_t seed = 99;
    unsigned accepted = 0;
    for (int round = 0; round < 50000; round++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[support_random(&seed) % vectors.gl_pathc]);
        uint8_t *copy = support_copy(frame.data, frame.len);
        for (uint64_t change = support_random(&seed) % 3 + 1; change > 0; change--)
            copy[support_random(&seed) % frame.len] = (uint8_t) support_random(&seed);
        pt_decision_t decision;
        size_t len;
        if (pt_decision_decode((pt_bytes_t) {copy, frame.len}, fields, &decision) == PT_OK) {
            accepted++;
            //  What was accepted can be written again.
            assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        }
        free(copy);
        support_free(frame);
    }
    assert_true(accepted > 1000);
    globfree(&vectors);
}

//  A decision in JSON with one place changed. `from` stands in the decision that all is made of.
static const struct {
    const char *from, *to;
    pt_status_t status;
} s_changes[] = {
    {"\"id\"", "\"id\"", PT_OK},
    {"\"health\":true", "\"health\":true,\"added_later\":[{\"x\":[1]}]", PT_OK},
    {"\"id\":\"r-11\",", "", PT_E_MISSING},
    {"\"route\":\"retry\",", "", PT_E_MISSING},
    {"\"action\":\"query_status\",", "", PT_E_MISSING},
    {"\"catalog\":\"fedcba9876543210\",", "", PT_E_MISSING},
    {"\"delay_ms\":30000,", "", PT_E_MISSING},
    {"\"active\":false,", "", PT_E_MISSING},
    {"\"retry\",\"action\"", "\"elsewhere\",\"action\"", PT_E_RANGE},
    {"\"operator\"", "\"nobody\"", PT_E_RANGE},
    {"fedcba9876543210", "fedcba987654321", PT_E_RANGE},
    {"fedcba9876543210", "FEDCBA9876543210", PT_E_RANGE},
    {"\"if_absent\":\"resubmit\"", "\"if_absent\":\"none\"", PT_E_RANGE},
    {"\"attempt\":2", "\"attempt\":-2", PT_E_RANGE},
    {"\"attempt\":2", "\"attempt\":4294967296", PT_E_RANGE},
    {"\"http_status\":500", "\"http_status\":600", PT_E_RANGE},
    {"\"attempt\":2", "\"attempt\":\"2\"", PT_E_TYPE},
    {"\"health\":true", "\"health\":1", PT_E_TYPE},
    {"[\"operator\",\"tech_support\"]", "\"operator\"", PT_E_TYPE},
    {"{\"1\":\"Failed to generate order number\"}", "[]", PT_E_TYPE},
    {"{\"1\":\"Failed to generate order number\"}", "{\"1\":1}", PT_E_TYPE},
    {"{\"1\":\"Failed to generate order number\"}",
     "{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\"}",
     PT_E_COUNT},
};

static void
test_changed_decisions(void **state)
{
    (void) state;
    static pt_pair_t fields[PT_FIELDS_MAX];
    char *json = support_read_json(PT_SOURCE_DIR "/tests/vectors/decision/retry-query.msgpack");
    for (size_t index = 0; index < sizeof s_changes / sizeof *s_changes; index++) {
        char *changed = malloc(strlen(json) + 1024);
        const char *at = strstr(json, s_changes[index].from);
        assert_non_null(changed);
        assert_non_null(at);
        sprintf(changed, "%.*s%s%s", (int) (at - json), json, s_changes[index].to, at + strlen(s_changes[index].from));
        pt_bytes_t frame = support_pack(changed);
        pt_decision_t decision;
        pt_status_t status = pt_decision_decode(frame, fields, &decision);
        if (status != s_changes[index].status)
            fail_msg("%s: %s", pt_status_text(status), changed);
        support_free(frame);
        free(changed);
    }
    free(json);
}

static void
test_frames_that_are_no_decision(void **state)
{
    (void) state;
    static pt_pair_t fields[PT_FIELDS_MAX];
    static uint8_t big[PT_DECISION_BYTES_MAX + 1];
    pt_decision_t decision;
    pt_bytes_t frame = support_read(PT_SOURCE_DIR "/tests/vectors/decision/settled.msgpack");
    memcpy(big, frame.data, frame.len);
    assert_int_equal(pt_decision_decode((pt_bytes_t) {big, frame.len + 1}, fields, &decision), PT_E_TRAILING);
    assert_int_equal(pt_decision_decode((pt_bytes_t) {big, sizeof big}, fields, &decision), PT_E_SIZE);
    assert_int_equal(pt_decision_decode((pt_bytes_t) {(const uint8_t *) "\x90", 1}, fields, &decision), PT_E_TYPE);
    assert_int_equal(pt_decision_decode((pt_bytes_t) {(const uint8_t *) "\x80", 1}, fields, &decision), PT_E_MISSING);
    static const char twice[] = "\x82\xa2id\xa1"
                                "a\xa2id\xa1"
                                "b";
    assert_int_equal(pt_decision_decode((pt_bytes_t) {(const uint8_t *) twice, sizeof twice - 1}, fields, &decision),
                     PT_E_DUPLICATE);
    memset(big, 0x91, 200);
    big[0] = 0x81;
    big[1] = 0xa1;
    big[2] = 'x';
    assert_int_equal(pt_decision_decode((pt_bytes_t) {big, 200}, fields, &decision), PT_E_DEPTH);
    support_free(frame);
}

static void
test_bytes_that_are_no_text_in_json(void **state)
{
    (void) state;
    pt_decision_t decision = s_make_decision(WITH_MESSAGE);
    decision.message = PT_TEXT("a\xff\xc3(\"\n");
    char *json = pt_decision_json(&decision);
    assert_non_null(strstr(json, "\"message\":\"a\xef\xbf\xbd\xef\xbf\xbd(\\\"\\n\""));
    free(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination_of_optional_keys),
        cmocka_unit_test(test_too_little_room),
        cmocka_unit_test(test_if_absent),
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_the_worst_case_fits),
        cmocka_unit_test(test_texts_of_every_length),
        cmocka_unit_test(test_every_vector),
        cmocka_unit_test(test_every_vector_cut),
        cmocka_unit_test(test_mutated_vectors),
        cmocka_unit_test(test_changed_decisions),
        cmocka_unit_test(test_frames_that_are_no_decision),
        cmocka_unit_test(test_bytes_that_are_no_text_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
