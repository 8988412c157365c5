//  The rules that speak of bytes: equal responses give equal decisions, bytes that are no response
//  become a decision too, and a code that no row knows is never mistaken for one that is known.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "answers.h"
#include "pt_decision.h"

#define NOW_MS UINT64_C(1700000000000)
#define HOUR_MS UINT64_C(3600000)

//  Room for any decision.
enum { ROOM = PT_DECISION_BYTES_MAX };

static const pt_facts_t s_no_facts;

//  Decide at some hour into memory that held something else, name a fixed hour, and encode.
static size_t
s_encode_at(const pt_verdict_t *verdict, const pt_response_t *response, uint64_t decided_ms, int before, uint8_t *out)
{
    pt_decision_t decision;
    size_t length = 0;
    memset(&decision, before, sizeof decision);
    pt_policy_decide(verdict, response, &s_no_facts, 1, decided_ms, &decision);
    assert_int_equal(decision.decided_ms, decided_ms);
    decision.decided_ms = NOW_MS;
    assert_int_equal(pt_decision_encode(&decision, out, ROOM, &length), PT_OK);
    return length;
}

static void
s_same_bytes(const pt_verdict_t *verdict, const pt_response_t *response)
{
    static uint8_t first[ROOM], second[ROOM];
    size_t length = s_encode_at(verdict, response, NOW_MS, 0x00, first);
    assert_int_equal(s_encode_at(verdict, response, NOW_MS + HOUR_MS, 0xa5, second), length);
    assert_memory_equal(first, second, length);
}

static void
rule_7_equal_responses_give_equal_bytes_at_any_hour(void **state)
{
    (void) state;
    const pt_catalog_t *catalog = pt_catalog_builtin();
    for (size_t index = 0; index < pt_catalog_entry_count(catalog); index++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, index);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        for (int which = 0; which < PT_OPERATION_COUNT_ * 2 * 10; which++) {
            pt_verdict_t verdict = {.rule = view.rule,
                                    .entry = entry,
                                    .entry_id = view.id,
                                    .summary = view.summary,
                                    .kind = (pt_operation_kind_t) (which % PT_OPERATION_COUNT_)};
            pt_response_t response = {.id = PT_TEXT("order-1"),
                                      .provider = PT_TEXT("acme"),
                                      .http_status = 400,
                                      .idempotent = which / PT_OPERATION_COUNT_ % 2,
                                      .attempt = (uint32_t) (which / PT_OPERATION_COUNT_ / 2 + 1),
                                      .received_ms = NOW_MS - 5000,
                                      .first_attempt_ms = NOW_MS - 100000};
            s_same_bytes(&verdict, &response);
        }
    }
}

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *) (literal), sizeof(literal) - 1                                                               \
    }

static void
rule_8_bytes_that_are_no_response_are_dead_lettered(void **state)
{
    (void) state;
    static const pt_bytes_t frames[] = {
        BYTES(""),                                           //  nothing
        BYTES("\xc1"),                                       //  no msgpack
        BYTES("\x93\x01\x02\x03"),                           //  no map
        BYTES("\x80"),                                       //  no provider
        BYTES("\x81\xa8provider\x07"),                       //  a provider of another type
        BYTES("\x81\xa8provider\xa3opn\x00"),                //  trailing bytes
        BYTES("\x82\xa8provider\xa3opn\xa7"                  //
              "attempt\xa1x"),                               //  an attempt of another type
        BYTES("\x82\xa8provider\xa3opn\xa8provider\xa3opn"), //  a key twice
        BYTES("\x81\xa8provider\xa9op"),                     //  cut
        BYTES("\xdf\xff\xff\xff\xff"),                       //  more keys than bytes
    };
    static uint8_t out[ROOM];
    for (size_t index = 0; index < sizeof frames / sizeof *frames; index++) {
        pt_response_t response;
        pt_decision_t decision;
        char error[PT_ERROR_BYTES_MAX];
        size_t length = 0;
        assert_int_not_equal(pt_response_decode(frames[index], &response, error), PT_OK);
        pt_policy_decide_invalid(&response, frames[index], pt_text_of(error), 1, NOW_MS, &decision);
        assert_int_equal(decision.route, PT_ROUTE_DEAD_LETTER);
        assert_int_equal(decision.match, PT_MATCH_INVALID);
        assert_true(decision.alert.active);
        assert_true(pt_text_is_set(decision.error));
        assert_int_equal(decision.raw.len, frames[index].len);
        assert_int_equal(pt_decision_encode(&decision, out, sizeof out, &length), PT_OK);
    }
}

static const char *const s_gateways[] = {"opn", "jamespay", "shopline", "smilepayz", "uapay", "nobody-knows"};

//  A code that no row knows, under one status, for one operation or none.
static void
s_hold_unknown(const char *gateway, const char *operation, unsigned http_status)
{
    const answer_words_t words = {.code = "no-such-code", .message = "?", .http_status = http_status};
    json_t *body = answer_body(gateway, &words);
    answer_t *answer =
        answer_decide(gateway, operation, http_status, body ? body : json_pack("{s:s}", "code", "?"), ANSWER_BODY_MAP);
    assert_non_null(answer);
    const pt_decision_t *decision = &answer->decision;
    bool known_gateway = body != NULL;
    //  Of a gateway that nobody knows, nobody can say what a code is; 5xx and 429 speak for it.
    bool unknown_code = decision->category == PT_CATEGORY_UNKNOWN_CODE && decision->alert.active &&
                        (decision->alert.audience & PT_AUDIENCE_BIT(PT_AUDIENCE_OPERATOR));
    bool read = answer->verdict.kind == PT_OPERATION_READ;
    if ((known_gateway && !unknown_code) || decision->route == PT_ROUTE_SETTLED ||
        (decision->action == PT_ACTION_RESUBMIT && !read && http_status != 429))
        fail_msg("%s %s %u: %.*s %s/%s", gateway, operation ? operation : "", http_status, (int) decision->entry.len,
                 decision->entry.data, pt_category_text(decision->category), pt_action_text(decision->action));
    answer_destroy(&answer);
}

static void
rule_6_an_unknown_code_of_any_gateway_is_called_one(void **state)
{
    (void) state;
    static const unsigned statuses[] = {200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504};
    for (size_t which = 0; which < sizeof s_gateways / sizeof *s_gateways; which++) {
        const pt_provider_t *provider = pt_catalog_provider(pt_catalog_builtin(), pt_text_of(s_gateways[which]));
        for (size_t status = 0; status < sizeof statuses / sizeof *statuses; status++) {
            s_hold_unknown(s_gateways[which], NULL, statuses[status]);
            for (size_t index = 0; provider && index < pt_provider_operation_count(provider); index++) {
                pt_text_t name = pt_provider_operation_at(provider, index).name;
                char operation[PT_OPERATION_BYTES_MAX + 1] = {0};
                memcpy(operation, name.data, name.len);
                s_hold_unknown(s_gateways[which], operation, statuses[status]);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_6_an_unknown_code_of_any_gateway_is_called_one),
        cmocka_unit_test(rule_7_equal_responses_give_equal_bytes_at_any_hour),
        cmocka_unit_test(rule_8_bytes_that_are_no_response_are_dead_lettered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
