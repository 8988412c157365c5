/*  The spine over the built-in catalog: bytes in, decisions out. */
#include "bus.h"

#include <stdlib.h>

#include "pt_triage.h"

static pt_triage_t s_triage;
static uint8_t s_out[PT_DECISION_BYTES_MAX];
static pt_pair_t s_fields[PT_FIELDS_MAX];

static int
s_set_up(void **state)
{
    (void) state;
    pt_triage_init(&s_triage, pt_catalog_builtin());
    return 0;
}

static pt_decision_t
s_decide(pt_bytes_t bytes, const pt_place_t *place, uint32_t index, pt_triaged_t *out_triaged)
{
    pt_triage_response(&s_triage, bytes, place, index, 1700000000000, s_out, out_triaged);
    pt_decision_t decision;
    assert_int_equal(pt_decision_decode((pt_bytes_t) {s_out, out_triaged->bytes}, s_fields, &decision), PT_OK);
    assert_int_equal(decision.route, out_triaged->route);
    assert_int_equal(decision.alert.present && decision.alert.active, out_triaged->alert);
    assert_int_equal(decision.match == PT_MATCH_INVALID, out_triaged->invalid);
    return decision;
}

static void
a_known_code_is_answered_by_its_row(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "opn", "authentication_failure", 401, response);
    pt_triaged_t triaged;
    pt_decision_t decision = s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    assert_true(decision.match <= PT_MATCH_CODE_ANY_OPERATION);
    assert_int_equal(decision.route, PT_ROUTE_DEAD_LETTER);
    assert_int_equal(decision.catalog, pt_catalog_hash(pt_catalog_builtin()));
    assert_int_equal(decision.decided_ms, 1700000000000);
    assert_true(pt_text_equal(decision.id, PT_TEXT("r-1")));
    assert_false(decision.on_bus);
    const pt_provider_t *provider = pt_catalog_provider_at(pt_catalog_builtin(), triaged.provider);
    assert_true(pt_text_equal(pt_provider_id(provider), PT_TEXT("opn")));
}

static void
another_catalog_leaves_the_masking(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "opn", "4111111111111111", 400, response);
    s_triage.masking = PT_MASKING_NONE;
    pt_triage_init(&s_triage, pt_catalog_builtin());
    pt_triaged_t triaged;
    pt_decision_t decision = s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    assert_true(pt_text_equal(decision.code, PT_TEXT("4111111111111111")));
    s_triage.masking = PT_MASKING_TEXTS;
    pt_triage_init(&s_triage, pt_catalog_builtin());
    decision = s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    assert_true(pt_text_equal(decision.code, PT_TEXT("************1111")));
}

static void
an_alias_leads_to_the_gateway(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "omise", "authentication_failure", 401, response);
    pt_triaged_t triaged;
    pt_decision_t decision = s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    assert_true(pt_text_equal(decision.provider, PT_TEXT("opn")));
    assert_true(triaged.provider < pt_catalog_provider_count(pt_catalog_builtin()));
}

static void
a_gateway_that_nobody_knows_gets_a_decision_as_well(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "stranger", "E1", 503, response);
    pt_triaged_t triaged;
    pt_decision_t decision = s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    assert_int_equal(triaged.provider, PT_TRIAGE_NO_PROVIDER);
    assert_true(pt_text_equal(decision.provider, PT_TEXT("stranger")));
    //  Nobody knows where its codes stand, so the HTTP status answers.
    assert_int_equal(decision.match, PT_MATCH_HTTP_CLASS);
    assert_int_equal(decision.route, PT_ROUTE_RETRY);
}

static void
a_response_without_an_id_is_named_by_its_place(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response(NULL, "opn", "authentication_failure", 401, response);
    pt_place_t place;
    pt_place_init(&place, UINT64_MAX, UINT64_MAX, UINT64_MAX, false);
    pt_triaged_t triaged;
    pt_decision_t decision = s_decide((pt_bytes_t) {response, len}, &place, UINT32_MAX, &triaged);
    assert_true(
        pt_text_equal(decision.id, PT_TEXT("ffffffffffffffff/18446744073709551615/18446744073709551615/4294967295")));
    assert_true(pt_text_equal(decision.producer, PT_TEXT("ffffffffffffffff")));
    pt_place_init(&place, 10, 20, 30, false);
    decision = s_decide((pt_bytes_t) {response, len}, &place, 0, &triaged);
    assert_true(pt_text_equal(decision.id, PT_TEXT("000000000000000a/20/30/0")));
    pt_place_init(&place, 10, 20, 30, true);
    decision = s_decide((pt_bytes_t) {response, len}, &place, 1204, &triaged);
    assert_true(pt_text_equal(decision.id, PT_TEXT("000000000000000a/20/30/1204")));
    assert_int_equal(decision.producer.len, 0);
}

static void
the_same_response_gives_the_same_bytes(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "uapay", "NOT_ALLOWED", 400, response);
    pt_triaged_t triaged;
    s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    uint8_t *first = malloc(triaged.bytes);
    assert_non_null(first);
    memcpy(first, s_out, triaged.bytes);
    size_t first_len = triaged.bytes;
    s_decide((pt_bytes_t) {(const uint8_t *) "\xc1", 1}, NULL, 0, &triaged);
    s_decide((pt_bytes_t) {response, len}, NULL, 0, &triaged);
    assert_int_equal(triaged.bytes, first_len);
    assert_memory_equal(s_out, first, first_len);
    free(first);
}

static void
a_response_cut_at_any_byte_is_an_invalid_decision(void **state)
{
    (void) state;
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "opn", "authentication_failure", 401, response);
    for (size_t cut = 0; cut < len; cut++) {
        //  On the heap at its exact size, so that a sanitizer sees a read past the end.
        uint8_t *part = malloc(cut ? cut : 1);
        assert_non_null(part);
        memcpy(part, response, cut);
        pt_triaged_t triaged;
        pt_decision_t decision = s_decide((pt_bytes_t) {part, cut}, NULL, 0, &triaged);
        assert_true(triaged.invalid);
        assert_int_equal(decision.route, PT_ROUTE_DEAD_LETTER);
        assert_int_equal(decision.action, PT_ACTION_INVESTIGATE);
        assert_int_equal(decision.raw.len, cut);
        assert_true(decision.error.len > 0);
        assert_true(triaged.alert);
        free(part);
    }
}

static void
long_poison_is_kept_up_to_its_limit(void **state)
{
    (void) state;
    size_t len = PT_RESPONSE_BYTES_MAX + 1;
    uint8_t *poison = calloc(1, len);
    assert_non_null(poison);
    pt_triaged_t triaged;
    pt_decision_t decision = s_decide((pt_bytes_t) {poison, len}, NULL, 0, &triaged);
    assert_true(triaged.invalid);
    assert_int_equal(decision.raw.len, PT_RAW_BYTES_MAX);
    free(poison);
}

static void
random_bytes_always_give_a_decision(void **state)
{
    (void) state;
    srandom(1);
    uint8_t response[BUS_RESPONSE_BYTES];
    size_t len = bus_response("r-1", "shopline", "1999", 200, response);
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[BUS_RESPONSE_BYTES];
        memcpy(noise, response, len);
        for (int i = 0; i < 1 + round % 4; i++)
            noise[(size_t) random() % len] = (uint8_t) random();
        pt_triaged_t triaged;
        s_decide((pt_bytes_t) {noise, len}, NULL, 0, &triaged);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_code_is_answered_by_its_row),
        cmocka_unit_test(another_catalog_leaves_the_masking),
        cmocka_unit_test(an_alias_leads_to_the_gateway),
        cmocka_unit_test(a_gateway_that_nobody_knows_gets_a_decision_as_well),
        cmocka_unit_test(a_response_without_an_id_is_named_by_its_place),
        cmocka_unit_test(the_same_response_gives_the_same_bytes),
        cmocka_unit_test(a_response_cut_at_any_byte_is_an_invalid_decision),
        cmocka_unit_test(long_poison_is_kept_up_to_its_limit),
        cmocka_unit_test(random_bytes_always_give_a_decision),
    };
    return cmocka_run_group_tests(tests, s_set_up, NULL);
}
