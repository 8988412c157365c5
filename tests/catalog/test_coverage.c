//  Every row that the gateways' documents hold, as its gateway would send it, answers from its own
//  entry and gets the handling that its document asks for.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "answers.h"
#include "documented.h"

typedef struct {
    const char *gateway;
    const char *document;
    size_t rows;
    size_t codes; //  distinct ones
} s_gateway_t;

static const s_gateway_t s_gateways[] = {
    {"opn", "000_f687944cb317c178.txt", 42, 42},        {"jamespay", "001_50f0a6e87b960847.txt", 13, 12},
    {"shopline", "002_feaab625a28c197f.txt", 142, 139}, {"smilepayz", "003_7f959b09443400b6.txt", 90, 46},
    {"uapay", "004_5c725c4de7441446.txt", 31, 11},
};
#define GATEWAYS (sizeof s_gateways / sizeof *s_gateways)

static documented_t *s_documented[GATEWAYS];

static int
s_read_tables(void **state)
{
    (void) state;
    for (size_t index = 0; index < GATEWAYS; index++)
        if (!(s_documented[index] = documented_read(s_gateways[index].gateway)))
            return -1;
    return 0;
}

static int
s_release_tables(void **state)
{
    (void) state;
    for (size_t index = 0; index < GATEWAYS; index++)
        documented_destroy(&s_documented[index]);
    return 0;
}

static size_t
s_count_rows(const char *gateway, const char *operation, const char *code)
{
    size_t count = 0;
    for (size_t index = 0; index < GATEWAYS; index++) {
        if (strcmp(s_gateways[index].gateway, gateway) != 0)
            continue;
        for (size_t row = 0; row < s_documented[index]->count; row++)
            count += (!operation || strcmp(s_documented[index]->rows[row].operation, operation) == 0) &&
                     (!code || strcmp(s_documented[index]->rows[row].code, code) == 0);
    }
    return count;
}

static void
every_document_is_tabulated_whole(void **state)
{
    (void) state;
    for (size_t index = 0; index < GATEWAYS; index++) {
        const documented_t *table = s_documented[index];
        size_t codes = 0;
        for (size_t row = 0; row < table->count; row++) {
            bool seen = false;
            for (size_t other = 0; other < row; other++)
                seen = seen || strcmp(table->rows[other].code, table->rows[row].code) == 0;
            codes += !seen;
        }
        print_message("%s: %zu rows, %zu codes\n", s_gateways[index].gateway, table->count, codes);
        assert_int_equal(table->count, s_gateways[index].rows);
        assert_int_equal(codes, s_gateways[index].codes);
    }
    assert_int_equal(s_count_rows("uapay", NULL, "NOT_ALLOWED"), 13);
}

static void
every_operation_has_its_rows(void **state)
{
    (void) state;
    static const struct {
        const char *gateway;
        const char *operation;
        size_t rows;
    } parts[] = {
        {"shopline", "general", 23},  {"shopline", "connect", 7},   {"shopline", "order", 16},
        {"shopline", "payment", 43},  {"shopline", "refund", 18},   {"shopline", "bind_card", 6},
        {"shopline", "recurring", 3}, {"shopline", "void", 5},      {"shopline", "capture", 6},
        {"shopline", "sdk", 6},       {"shopline", "transfer", 2},  {"shopline", "onboarding", 7},
        {"smilepayz", "pay_in", 37},  {"smilepayz", "pay_out", 36}, {"smilepayz", "inquiry", 17},
    };
    for (size_t index = 0; index < sizeof parts / sizeof *parts; index++)
        if (s_count_rows(parts[index].gateway, parts[index].operation, NULL) != parts[index].rows)
            fail_msg("%s %s", parts[index].gateway, parts[index].operation);
}

//  Whether one of a cite's "FILE:LINE; FILE:LINE" is this line of this document.
static bool
s_is_cited(pt_text_t cite, const char *document, unsigned line)
{
    char wanted[64];
    size_t length = (size_t) snprintf(wanted, sizeof wanted, "%s:%u", document, line);
    for (size_t start = 0; start + length <= cite.len; start++) {
        bool ends = start + length == cite.len || cite.data[start + length] == ';';
        if (ends && memcmp(cite.data + start, wanted, length) == 0)
            return true;
    }
    return false;
}

static bool
s_is_word(const char *word, const char *tabled)
{
    return strcmp(word, tabled) == 0;
}

//  What is wrong with an answer to a documented row; NULL: nothing.
static const char *
s_fault_of(const answer_t *answer, const s_gateway_t *gateway, const documented_row_t *row)
{
    const pt_decision_t *decision = &answer->decision;
    bool by_message = decision->match == PT_MATCH_MESSAGE || decision->match == PT_MATCH_TEMPLATE;
    bool by_code = decision->match == PT_MATCH_CODE || decision->match == PT_MATCH_CODE_ANY_OPERATION;
    if (!answer->verdict.entry)
        return "no entry answers";
    if (*row->message ? !by_message : !by_code)
        return "not answered by its message, or without one by its code";
    pt_entry_view_t entry = pt_catalog_entry_view(pt_catalog_builtin(), answer->verdict.entry);
    if (!s_is_cited(entry.cite, gateway->document, row->source_line))
        return "answered by another entry";
    if (!pt_text_equal(decision->code, pt_text_of(row->code)) ||
        (*row->message && !pt_text_equal(decision->message, pt_text_of(row->message))))
        return "code or message are not echoed";
    if (!s_is_word(pt_category_text(decision->category), row->category))
        return "category";
    if (!s_is_word(pt_outcome_text(decision->outcome), row->outcome))
        return "outcome";
    if (!s_is_word(pt_action_text(decision->action), row->action))
        return "action";
    if (!s_is_word(pt_route_text(decision->route), row->route))
        return "route";
    if (!pt_text_is_set(decision->summary) || !pt_text_is_set(entry.todo))
        return "nothing is said to people";
    return NULL;
}

static bool
s_complain(const answer_t *answer, const s_gateway_t *gateway, const documented_row_t *row, const char *fault)
{
    const pt_decision_t *decision = &answer->decision;
    print_error("%s.tsv:%u: %s %s \"%s\" (line %u): %s; is %.*s by %s: %s/%s/%s/%s\n", gateway->gateway, row->line,
                row->operation, row->code, row->message, row->source_line, fault, (int) decision->entry.len,
                decision->entry.data, pt_match_text(decision->match), pt_category_text(decision->category),
                pt_outcome_text(decision->outcome), pt_action_text(decision->action), pt_route_text(decision->route));
    return false;
}

static answer_words_t
s_words(const documented_row_t *row)
{
    return (answer_words_t) {.operation = row->operation,
                             .code = row->code,
                             .message = *row->message ? row->message : NULL,
                             .http_status = row->http_status};
}

//  One row in every way it can come: as a map or as text, its code as text or as a number, its
//  reason inside or at the top.
static bool
s_answers(const s_gateway_t *gateway, const documented_row_t *row)
{
    for (int way = 0; way < ANSWER_FORM_COUNT * 4; way++) {
        answer_words_t words = s_words(row);
        words.number = way % 2;
        words.flat = way / 2 % 2;
        answer_t *answer = answer_decide(gateway->gateway, row->operation, row->http_status,
                                         answer_body(gateway->gateway, &words), (answer_form_t) (way / 4));
        assert_non_null(answer);
        const char *fault = s_fault_of(answer, gateway, row);
        bool well = fault ? s_complain(answer, gateway, row, fault) : true;
        answer_destroy(&answer);
        if (!well)
            return false;
    }
    return true;
}

typedef bool s_check_t(const s_gateway_t *, const documented_row_t *);

//  All rows are looked at before the test fails, so that one run shows every fault.
static void
s_check_rows(s_check_t *check)
{
    size_t faults = 0;
    for (size_t index = 0; index < GATEWAYS; index++)
        for (size_t row = 0; row < s_documented[index]->count; row++)
            faults += !check(&s_gateways[index], &s_documented[index]->rows[row]);
    assert_int_equal(faults, 0);
}

static void
every_documented_row_answers_from_its_own_entry(void **state)
{
    (void) state;
    s_check_rows(s_answers);
}

//  What was asked: an operation or none (NULL), and a documented wording or another one (NULL).
typedef struct {
    const s_gateway_t *gateway;
    const documented_row_t *row;
    const char *operation;
    const char *documented_message;
} s_question_t;

//  Whether each row that the answer may stand for has this action.
static bool
s_all_meanings_ask(const s_question_t *question, const char *action)
{
    const documented_t *table = s_documented[question->gateway - s_gateways];
    for (size_t index = 0; index < table->count; index++) {
        const documented_row_t *row = &table->rows[index];
        const char *operation = question->operation, *message = question->documented_message;
        bool meant = strcmp(row->code, question->row->code) == 0 &&
                     (!operation || strcmp(row->operation, operation) == 0) &&
                     (!message || strcmp(row->message, message) == 0);
        if (meant && strcmp(row->action, action) != 0)
            return false;
    }
    return true;
}

static const char *
s_unsafe(const answer_t *answer, const s_question_t *question)
{
    const pt_decision_t *decision = &answer->decision;
    if (decision->match > PT_MATCH_CODE_ANY_OPERATION)
        return "a known code is answered by no row";
    if (decision->action == PT_ACTION_RESUBMIT && !s_all_meanings_ask(question, "resubmit"))
        return "sent again, which is not safe for each meaning";
    if (decision->action == PT_ACTION_NONE && !s_all_meanings_ask(question, "none"))
        return "ended, which is not safe for each meaning";
    return NULL;
}

static bool
s_is_safe(const s_question_t *question, const char *message)
{
    const char *gateway = question->gateway->gateway;
    answer_words_t words = s_words(question->row);
    words.message = message;
    answer_t *answer =
        answer_decide(gateway, question->operation, words.http_status, answer_body(gateway, &words), ANSWER_BODY_MAP);
    assert_non_null(answer);
    const char *fault = s_unsafe(answer, question);
    bool well = fault ? s_complain(answer, question->gateway, question->row, fault) : true;
    answer_destroy(&answer);
    return well;
}

static bool
s_is_safe_reworded(const s_gateway_t *gateway, const documented_row_t *row)
{
    const s_question_t question = {gateway, row, row->operation, NULL};
    return s_is_safe(&question, "A wording that no document holds") && s_is_safe(&question, NULL);
}

static void
other_wordings_of_a_known_code_are_handled_safely(void **state)
{
    (void) state;
    s_check_rows(s_is_safe_reworded);
}

static bool
s_is_safe_without_operation(const s_gateway_t *gateway, const documented_row_t *row)
{
    const s_question_t reworded = {gateway, row, NULL, NULL};
    const s_question_t documented = {gateway, row, NULL, row->message};
    if (*row->message && !s_is_safe(&documented, row->message))
        return false;
    return s_is_safe(&reworded, "A wording that no document holds") && s_is_safe(&reworded, NULL);
}

static void
rows_without_an_operation_are_handled_safely(void **state)
{
    (void) state;
    s_check_rows(s_is_safe_without_operation);
}

static void
uapay_field_codes_are_carried_by_their_path(void **state)
{
    (void) state;
    static const char *const codes[] = {"FORMAT_ERROR", "WRONG_FORMAT", "WRONG_PHONE", "WRONG_DATE", "REQUIRED",
                                        "NOT_NUMBER",   "NOT_STRING",   "WRONG_EMAIL", "WRONG_ID",   "FORBIDDEN_PARAM"};
    for (size_t index = 0; index < sizeof codes / sizeof *codes; index++) {
        json_t *body = json_pack("{s:{s:s, s:{s:s, s:{s:s}}}}", "error", "code", "FORMAT_ERROR", "fields", "amount",
                                 codes[index], "seller", "phone", codes[index]);
        answer_t *answer = answer_decide("uapay", NULL, 400, body, ANSWER_BODY_MAP);
        assert_non_null(answer);
        assert_int_equal(answer->decision.category, PT_CATEGORY_REQUEST_INVALID);
        assert_int_equal(answer->decision.field_count, 2);
        assert_true(pt_text_equal(answer->decision.fields[0].name, PT_TEXT("amount")));
        assert_true(pt_text_equal(answer->decision.fields[1].name, PT_TEXT("seller.phone")));
        for (size_t field = 0; field < 2; field++)
            assert_true(pt_text_equal(answer->decision.fields[field].value, pt_text_of(codes[index])));
        answer_destroy(&answer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document_is_tabulated_whole),
        cmocka_unit_test(every_operation_has_its_rows),
        cmocka_unit_test(every_documented_row_answers_from_its_own_entry),
        cmocka_unit_test(other_wordings_of_a_known_code_are_handled_safely),
        cmocka_unit_test(rows_without_an_operation_are_handled_safely),
        cmocka_unit_test(uapay_field_codes_are_carried_by_their_path),
    };
    return cmocka_run_group_tests(tests, s_read_tables, s_release_tables);
}
