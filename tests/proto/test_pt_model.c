//  Every word leads back to its value, and no two values share one.

#include "codec_support.h"
#include "pt_model.h"

#define CHECK_WORDS(noun, count)                                                                                       \
    static void test_##noun##_words(void **state)                                                                      \
    {                                                                                                                  \
        (void) state;                                                                                                  \
        for (int value = 0; value < (int) (count); value++) {                                                          \
            const char *word = pt_##noun##_text((pt_##noun##_t) value);                                                \
            assert_non_null(word);                                                                                     \
            assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz_"), strlen(word));                               \
            assert_int_equal(pt_##noun##_parse(pt_text_of(word)), value);                                              \
            assert_int_equal(pt_##noun##_parse((pt_text_t) {word, strlen(word) - 1}), -1);                             \
        }                                                                                                              \
        assert_int_equal(pt_##noun##_parse(PT_TEXT("")), -1);                                                          \
        assert_int_equal(pt_##noun##_parse(PT_TEXT_NONE), -1);                                                         \
        assert_int_equal(pt_##noun##_parse(PT_TEXT("No such word")), -1);                                              \
    }

CHECK_WORDS(transport, PT_TRANSPORT_COUNT_)
CHECK_WORDS(match, PT_MATCH_COUNT_)
CHECK_WORDS(category, PT_CATEGORY_COUNT_)
CHECK_WORDS(outcome, PT_OUTCOME_COUNT_)
CHECK_WORDS(route, PT_ROUTE_COUNT_)
CHECK_WORDS(action, PT_ACTION_COUNT_)
CHECK_WORDS(alert_when, PT_ALERT_WHEN_COUNT_)
CHECK_WORDS(severity, PT_SEVERITY_COUNT_)
CHECK_WORDS(audience, PT_AUDIENCE_COUNT_)
CHECK_WORDS(operation_kind, PT_OPERATION_COUNT_)

//  The words are the wire's; a renamed one breaks every reader.
static void
test_words_of_the_wire(void **state)
{
    (void) state;
    assert_string_equal(pt_transport_text(PT_TRANSPORT_CONNECT_FAILED), "connect_failed");
    assert_string_equal(pt_match_text(PT_MATCH_CODE_ANY_OPERATION), "code_any_operation");
    assert_string_equal(pt_category_text(PT_CATEGORY_NETWORK_ALLOWLIST), "network_allowlist");
    assert_string_equal(pt_outcome_text(PT_OUTCOME_NOT_EXECUTED), "not_executed");
    assert_string_equal(pt_route_text(PT_ROUTE_DEAD_LETTER), "dead_letter");
    assert_string_equal(pt_action_text(PT_ACTION_REFRESH_CREDENTIALS), "refresh_credentials");
    assert_string_equal(pt_alert_when_text(PT_ALERT_WHEN_IF_PERSISTENT), "if_persistent");
    assert_string_equal(pt_severity_text(PT_SEVERITY_CRITICAL), "critical");
    assert_string_equal(pt_audience_text(PT_AUDIENCE_GATEWAY_ADMIN), "gateway_admin");
}

static void
test_statuses_have_words(void **state)
{
    (void) state;
    for (int left = PT_OK; left <= PT_E_IO; left++) {
        assert_string_not_equal(pt_status_text((pt_status_t) left), "unknown status");
        for (int right = PT_OK; right < left; right++)
            assert_string_not_equal(pt_status_text((pt_status_t) left), pt_status_text((pt_status_t) right));
    }
    assert_string_equal(pt_status_text((pt_status_t) (PT_E_IO + 1)), "unknown status");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport_words),   cmocka_unit_test(test_match_words),
        cmocka_unit_test(test_category_words),    cmocka_unit_test(test_outcome_words),
        cmocka_unit_test(test_route_words),       cmocka_unit_test(test_action_words),
        cmocka_unit_test(test_alert_when_words),  cmocka_unit_test(test_severity_words),
        cmocka_unit_test(test_audience_words),    cmocka_unit_test(test_operation_kind_words),
        cmocka_unit_test(test_words_of_the_wire), cmocka_unit_test(test_statuses_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
