//  Card numbers and secrets: what is masked, what stays, and that no bytes do harm.

#include "codec_support.h"
#include "pt_decision.h"
#include "pt_mask.h"
#include "pt_response.h"

static const char *
s_masked(const char *text, void mask(pt_text_t, char *, size_t), size_t copy_len)
{
    static char copy[1024];
    size_t len = strlen(text);
    if (copy_len > len)
        copy_len = len;
    uint8_t *source = support_copy((const uint8_t *) text, len);
    uint8_t *room = support_copy((const uint8_t *) text, copy_len);
    mask((pt_text_t) {(const char *) source, len}, (char *) room, copy_len);
    memcpy(copy, room, copy_len);
    copy[copy_len] = '\0';
    free(source);
    free(room);
    return copy;
}

static void
s_check(const char *text, const char *expected)
{
    assert_string_equal(s_masked(text, pt_mask_text, SIZE_MAX), expected);
    //  A second time changes nothing.
    assert_string_equal(s_masked(expected, pt_mask_text, SIZE_MAX), expected);
}

static void
test_card_numbers_keep_their_last_four_digits(void **state)
{
    (void) state;
    s_check("4111111111111111", "************1111");
    s_check("card 5555555555554444 declined", "card ************4444 declined");
    s_check("378282246310005", "***********0005");
    s_check("30569309025904.", "**********5904.");
    s_check("4222222222222", "*********2222");
    s_check("6304000000000000000", "***************0000");
    s_check("6799990100000000019", "***************0019");
    s_check("<b>4111111111111111</b>", "<b>************1111</b>");
    s_check("4111111111111111=25121010000000000000", "************1111=25121010000000000000");
    s_check("4111111111111111 and 5555555555554444", "************1111 and ************4444");
}

static void
test_groups_may_stand_apart(void **state)
{
    (void) state;
    s_check("4111 1111 1111 1111", "**** **** **** 1111");
    s_check("4111-1111-1111-1111", "****-****-****-1111");
    s_check("4111 - 1111 - 1111 - 1111", "**** - **** - **** - 1111");
    s_check("3782 822463 10005", "**** ****** *0005");
    s_check("4111\xc2\xa0"
            "1111\xc2\xa0"
            "1111\xc2\xa0"
            "1111",
            "****\xc2\xa0"
            "****\xc2\xa0"
            "****\xc2\xa0"
            "1111");
    s_check("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "* * * * * * * * * * * * 1 1 1 1");
    //  A date or a code before or behind it hides nothing.
    s_check("4111 1111 1111 1111 12/27 123", "**** **** **** 1111 12/27 123");
    assert_null(strstr(s_masked("12 4111 1111 1111 1111 999", pt_mask_text, SIZE_MAX), "4111 1111"));
}

static void
test_other_numbers_stay(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        "4111111111111112",             //  Luhn's check fails
        "411111111111",                 //  12 digits
        "41111111111111111111",         //  20 digits
        "0000000000000000",             //  begins with 0
        "4111   -1111   -1111   -1111", //  too far apart
        "4111,1111,1111,1111",
        "order 2023081522001234567890",
        "System error: Failed to generate order number",
        "4111a1111b1111c1111",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        s_check(texts[i], texts[i]);
}

static void
test_a_number_is_found_at_every_place(void **state)
{
    (void) state;
    char text[128], expected[128];
    for (size_t before = 0; before < 40; before++) {
        snprintf(text, sizeof text, "%.*s4111111111111111%.*s", (int) before,
                 "abc def ghi jkl mno pqr stu vwx yza bcd.", (int) (before % 5), "abcde");
        snprintf(expected, sizeof expected, "%.*s************1111%.*s", (int) before,
                 "abc def ghi jkl mno pqr stu vwx yza bcd.", (int) (before % 5), "abcde");
        s_check(text, expected);
    }
}

/*  Digits that follow a text in memory are no part of it. */
static void
test_a_number_is_found_in_texts_of_every_length(void **state)
{
    (void) state;
    for (size_t len = 16; len <= 80; len++) {
        for (size_t at = 0; at + 16 <= len; at++) {
            char text[160], copy[80];
            memset(text, '7', sizeof text);
            memset(text, 'x', len);
            memcpy(copy, text, len);
            pt_mask_text((pt_text_t) {text, len}, copy, len);
            assert_memory_equal(copy, text, len);
            memcpy(text + at, "4111111111111111", 16);
            memcpy(copy, text, len);
            pt_mask_text((pt_text_t) {text, len}, copy, len);
            assert_memory_equal(copy + at, "************1111", 16);
        }
    }
}

static void
test_a_number_cut_off_is_masked_as_if_it_were_whole(void **state)
{
    (void) state;
    const char *text = "card 4111111111111111";
    for (size_t len = 5; len <= 21; len++) {
        const char *masked = s_masked(text, pt_mask_text, len);
        for (size_t i = 5; i < len; i++)
            assert_int_equal(masked[i], i < 17 ? '*' : '1');
    }
}

static void
test_identifiers_are_masked_only_where_they_begin_like_a_card(void **state)
{
    (void) state;
    assert_string_equal(s_masked("4111111111111111", pt_mask_identifier, SIZE_MAX), "************1111");
    assert_string_equal(s_masked("2221000000000009", pt_mask_identifier, SIZE_MAX), "************0009");
    assert_string_equal(s_masked("9860000000000002", pt_mask_identifier, SIZE_MAX), "9860000000000002");
    //  A time in milliseconds and an order number of a date, both with Luhn's digit.
    assert_string_equal(s_masked("1764000000003", pt_mask_identifier, SIZE_MAX), "1764000000003");
    assert_string_equal(s_masked("2025112800000008", pt_mask_identifier, SIZE_MAX), "2025112800000008");
}

//  How many digits a card number has, as its scheme publishes it, by the first four; no bounds: no scheme has them.
static bool
s_is_of_scheme(unsigned first, size_t digits)
{
    if (first / 1000 == 4 || first / 1000 == 5 || first / 1000 == 6) //  Visa; Mastercard, Maestro; UnionPay and others
        return digits >= 13 && digits <= 19;
    if (first / 100 == 34 || first / 100 == 37) //  American Express
        return digits == 15;
    bool is_diners = (first >= 3000 && first <= 3059) || first == 3095 || first / 100 == 36 || first / 100 == 38 ||
                     first / 100 == 39;
    if (is_diners)
        return digits >= 14 && digits <= 19;
    bool is_mir = first >= 2200 && first <= 2205;
    bool is_jcb = first >= 3528 && first <= 3589;
    bool is_union_pay = first / 100 == 81 || first / 100 == 82;
    if (is_mir || is_jcb || is_union_pay)
        return digits >= 16 && digits <= 19;
    bool is_mastercard = first >= 2221 && first <= 2720;
    bool is_local = first == 8600 || first == 9792 || first == 9804 || first == 9860; //  of single countries
    return (is_mastercard || is_local) && digits == 16;
}

//  A number of so many digits that passes Luhn's check.
static void
s_make_number(unsigned first, size_t digits, char out[20])
{
    unsigned sum = 0;
    int len = snprintf(out, 20, "%u%0*d", first, (int) digits - 4, 0);
    assert_int_equal(len, digits);
    for (size_t i = 0; i < 4; i++) {
        unsigned digit = (unsigned) (out[i] - '0');
        unsigned doubled = digit < 5 ? 2 * digit : 2 * digit - 9;
        sum += (digits - i) % 2 == 0 ? doubled : digit;
    }
    out[digits - 1] = (char) ('0' + (10 - sum % 10) % 10);
}

static void
test_every_scheme_has_its_prefixes_and_lengths(void **state)
{
    (void) state;
    for (unsigned first = 1000; first < 10000; first++)
        for (size_t digits = 12; digits <= 19; digits++) {
            char number[20];
            char copy[20];
            s_make_number(first, digits, number);
            memcpy(copy, number, sizeof copy);
            pt_mask_identifier((pt_text_t) {number, digits}, copy, digits);
            if ((copy[0] == '*') != s_is_of_scheme(first, digits))
                fail_msg("%s became %s", number, copy);
        }
}

static void
test_keys_of_secrets_are_known_in_any_spelling(void **state)
{
    (void) state;
    static const char *const secrets[] = {"card_number", "cardNumber", "Card-Number", "CVV",      "cvc2",
                                          "pan",         "track2",     "secret-key",  "password", "PIN"};
    static const char *const others[] = {"", "card", "number", "company", "pan_hash_of_it", "cvv_result", "code"};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        assert_true(pt_mask_is_secret(pt_text_of(secrets[i])));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(pt_mask_is_secret(pt_text_of(others[i])));
}

static const char *
s_raw(const char *text)
{
    static char copy[1024];
    strcpy(copy, text);
    pt_mask_raw((pt_bytes_t) {(const uint8_t *) text, strlen(text)}, (uint8_t *) copy, strlen(text));
    return copy;
}

static void
test_raw_bytes_lose_numbers_and_what_secret_keys_name(void **state)
{
    (void) state;
    assert_string_equal(s_raw("{\"cvv\":\"123\",\"a\":1"), "{\"cvv\":\"***\",\"a\":1");
    assert_string_equal(s_raw("{\\\"cvv\\\":\\\"123\\\"}"), "{\\\"cvv\\\":\\\"***\\\"}");
    assert_string_equal(s_raw("cvv=123&x=y"), "cvv=***&x=y");
    assert_string_equal(s_raw("{'password': 'a b', x}"), "{'password': '***', x}");
    assert_string_equal(s_raw("{\"cvv\": 123, \"b\": 4}"), "{\"cvv\": ***, \"b\": 4}");
    assert_string_equal(s_raw("<cvv>123</cvv>"), "<cvv>***</cvv>");
    assert_string_equal(s_raw("\xa3"
                              "cvv\xa3"
                              "123\xa1"
                              "b\x04"),
                        "\xa3"
                        "cvv\xa3"
                        "***\xa1"
                        "b\x04");
    assert_string_equal(s_raw("the pan, 17"), "the pan, 17");
    //  A length of 48 looks like the digit 0 before the number.
    assert_string_equal(s_raw("\xd9"
                              "0411111111111111122"),
                        "\xd9"
                        "0************111122");
}

//  Behind the heads of integers of eight bytes, and behind no others.
static void
test_raw_bytes_lose_numbers_that_are_integers(void **state)
{
    (void) state;
    static const uint8_t integer[8] = {0x00, 0x0e, 0x9b, 0x08, 0xa5, 0x68, 0xf1, 0xc7}; //  4111111111111111
    static const uint8_t masked[8] = {0, 0, 0, 0, 0, 0, 0xf1, 0xc7};
    for (unsigned head = 0; head <= UINT8_MAX; head++) {
        uint8_t bytes[10] = {0xc1, (uint8_t) head}; //  c1 begins nothing, so they are no map
        uint8_t copy[sizeof bytes];
        memcpy(bytes + 2, integer, sizeof integer);
        memcpy(copy, bytes, sizeof bytes);
        pt_mask_raw((pt_bytes_t) {bytes, sizeof bytes}, copy, sizeof copy);
        assert_memory_equal(copy + 2, head == 0xcf || head == 0xd3 ? masked : integer, sizeof integer);
    }
}

//  Both as JSON, to be packed.
static void
s_check_response(const char *before, const char *after)
{
    pt_bytes_t response = support_pack(before);
    uint8_t *copy = support_copy(response.data, response.len);
    char *json;
    pt_mask_response(response, copy);
    assert_int_equal(pt_json_of_msgpack((pt_bytes_t) {copy, response.len}, &json), PT_OK);
    assert_string_equal(json, after);
    free(json);
    free(copy);
    support_free(response);
}

static void
test_a_response_is_masked_where_it_is_not_an_identifier(void **state)
{
    (void) state;
    s_check_response(
        "{\"id\":\"4111111111111111\",\"reference\":\"4111111111111111\",\"body\":{\"id\":\"4111111111111111\"}}",
        "{\"id\":\"4111111111111111\",\"reference\":\"4111111111111111\",\"body\":{\"id\":\"************1111\"}}");
    s_check_response("{\"body\":{\"card\":{\"number\":4111111111111111,\"cvc\":\"987\",\"cvv\":987,\"pin\":7}}}",
                     "{\"body\":{\"card\":{\"number\":1111,\"cvc\":\"***\",\"cvv\":0,\"pin\":0}}}");
    s_check_response("{\"body\":{\"track2\":{\"a\":[\"x\",[1.5]]},\"b\":\"x\"}}",
                     "{\"body\":{\"track2\":{\"a\":[\"*\",[0.0]]},\"b\":\"x\"}}");
    s_check_response(
        "{\"body\":\"{\\\"cvv\\\": \\\"123\\\", \\\"n\\\": \\\"4111111111111111\\\"}\",\"received_ms\":1764000000003}",
        "{\"body\":\"{\\\"cvv\\\": \\\"***\\\", \\\"n\\\": \\\"************1111\\\"}\",\"received_ms\":1764000000003}");
}

static void
test_a_decision_is_masked_unless_told_otherwise(void **state)
{
    (void) state;
    pt_pair_t fields[PT_FIELDS_MAX];
    pt_text_t card = PT_TEXT("4111111111111111");
    pt_pair_t field = {PT_TEXT("card.number"), PT_TEXT("bad 4111-1111-1111-1111")};
    pt_decision_t decision = {.id = card,
                              .reference = card,
                              .account = card,
                              .provider = PT_TEXT("opn"),
                              .entry = PT_TEXT("-"),
                              .message = PT_TEXT("card 4111111111111111 is bad"),
                              .code = card,
                              .params = {{PT_TEXT("1"), card}},
                              .param_count = 1,
                              .reasons = {{PT_TEXT("card 4111111111111111"), PT_TEXT("opn/a")}},
                              .reason_count = 1,
                              .fields = &field,
                              .field_count = 1,
                              .match = PT_MATCH_CODE};
    static const char *const shown = "4111111111111111", *const masked = "************1111";
    for (int masking = 0; masking < PT_MASKING_COUNT_; masking++) {
        uint8_t bytes[1024];
        size_t len;
        pt_decision_t read;
        decision.masking = (pt_masking_t) masking;
        assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
        assert_int_equal(pt_decision_decode((pt_bytes_t) {bytes, len}, fields, &read), PT_OK);
        assert_text(read.id, shown);
        assert_text(read.reference, masking == PT_MASKING_ALL ? masked : shown);
        assert_text(read.account, masking == PT_MASKING_ALL ? masked : shown);
        assert_text(read.code, masking == PT_MASKING_ALL ? masked : shown);
        assert_text(read.params[0].value, masking == PT_MASKING_NONE ? shown : masked);
        assert_text(read.message,
                    masking == PT_MASKING_NONE ? "card 4111111111111111 is bad" : "card ************1111 is bad");
        assert_text(read.reasons[0].name,
                    masking == PT_MASKING_NONE ? "card 4111111111111111" : "card ************1111");
        assert_text(read.fields[0].value,
                    masking == PT_MASKING_NONE ? "bad 4111-1111-1111-1111" : "bad ****-****-****-1111");
    }
}

static void
test_a_code_that_no_row_knows_is_masked(void **state)
{
    (void) state;
    pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision = {.provider = PT_TEXT("opn"),
                              .entry = PT_TEXT("-"),
                              .code = PT_TEXT("4111111111111111"),
                              .match = PT_MATCH_HTTP_CLASS};
    uint8_t bytes[1024];
    size_t len;
    pt_decision_t read;
    assert_int_equal(pt_decision_encode(&decision, bytes, sizeof bytes, &len), PT_OK);
    assert_int_equal(pt_decision_decode((pt_bytes_t) {bytes, len}, fields, &read), PT_OK);
    assert_text(read.code, "************1111");
}

static void
test_no_bytes_do_harm(void **state)
{
    (void) state;
    glob_t vectors = support_vectors("response");
    for (size_t i = 0; i < vectors.gl_pathc; i++) {
        pt_bytes_t vector = support_read(vectors.gl_pathv[i]);
        for (size_t len = 0; len <= vector.len; len += 1 + len / 64) {
            uint8_t *source = support_copy(vector.data, len);
            uint8_t *copy = support_copy(vector.data, len);
            pt_mask_raw((pt_bytes_t) {source, len}, copy, len / 2);
            pt_mask_response((pt_bytes_t) {source, len}, copy);
            free(source);
            free(copy);
        }
        support_free(vector);
    }
    globfree(&vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card_numbers_keep_their_last_four_digits),
        cmocka_unit_test(test_groups_may_stand_apart),
        cmocka_unit_test(test_other_numbers_stay),
        cmocka_unit_test(test_a_number_is_found_at_every_place),
        cmocka_unit_test(test_a_number_is_found_in_texts_of_every_length),
        cmocka_unit_test(test_a_number_cut_off_is_masked_as_if_it_were_whole),
        cmocka_unit_test(test_identifiers_are_masked_only_where_they_begin_like_a_card),
        cmocka_unit_test(test_every_scheme_has_its_prefixes_and_lengths),
        cmocka_unit_test(test_keys_of_secrets_are_known_in_any_spelling),
        cmocka_unit_test(test_raw_bytes_lose_numbers_and_what_secret_keys_name),
        cmocka_unit_test(test_raw_bytes_lose_numbers_that_are_integers),
        cmocka_unit_test(test_a_response_is_masked_where_it_is_not_an_identifier),
        cmocka_unit_test(test_a_decision_is_masked_unless_told_otherwise),
        cmocka_unit_test(test_a_code_that_no_row_knows_is_masked),
        cmocka_unit_test(test_no_bytes_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
