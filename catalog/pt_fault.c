/*  The one table of fault ids. Append within a block of ids; never renumber. */
#include "pt_fault.h"

#include <assert.h>

typedef struct {
    const char *id;
    const char *meaning;
} s_fault_t;

static const s_fault_t s_faults[PT_FAULT_COUNT_] = {
    [PT_FAULT_YAML] = {"PT1001", "the text is not well-formed YAML"},
    [PT_FAULT_LIMIT] = {"PT1002", "the file is larger, deeper or has more parts than a catalog may have"},
    [PT_FAULT_ALIAS] = {"PT1003", "a YAML alias names no anchor, or one that it stands in itself"},
    [PT_FAULT_TAG] = {"PT1004", "YAML tags are not used in a catalog"},
    [PT_FAULT_DOCUMENT] = {"PT1005", "a catalog file holds exactly one YAML document"},
    [PT_FAULT_KEY] = {"PT1006", "a key must be a plain word"},
    [PT_FAULT_KEY_UNKNOWN] = {"PT1010", "no such key stands in this place"},
    [PT_FAULT_KEY_TWICE] = {"PT1011", "a key stands twice in one map"},
    [PT_FAULT_KEY_MISSING] = {"PT1012", "a required key is missing"},
    [PT_FAULT_TYPE] = {"PT1013", "a map, a list or a single value stands where another of them belongs"},
    [PT_FAULT_TEXT] = {"PT1014", "a text is empty, too long or holds characters that do not belong there"},
    [PT_FAULT_QUOTES] = {"PT1015", "codes, digits and statuses must be quoted, or other tools would read 05 as 5"},
    [PT_FAULT_BOOLEAN] = {"PT1016", "a switch is either true or false"},
    [PT_FAULT_NUMBER] = {"PT1017", "a number is malformed or outside of its bounds"},
    [PT_FAULT_DURATION] = {"PT1018",
                           "a duration is malformed or outside of its bounds; write 500ms, 30s, 5m, 1h or 1d"},
    [PT_FAULT_WORD] = {"PT1019", "a value is none of the words that the key takes"},
    [PT_FAULT_OPERATION_UNKNOWN] = {"PT1020", "an entry names an operation that the file does not list"},
    [PT_FAULT_POLICY_UNKNOWN] = {"PT1021", "an entry names a policy that the file does not hold"},
    [PT_FAULT_NAME] = {"PT1022", "a name has characters or a length that names may not have"},
    [PT_FAULT_NAME_TAKEN] = {"PT1023", "a name is used twice"},
    [PT_FAULT_PATH] = {"PT1024", "a path into the body has too many or empty steps"},
    [PT_FAULT_ANSWERS_TO] = {"PT1025", "an entry answers to exactly one of code, status and http"},
    [PT_FAULT_HTTP_CLASS] = {"PT1026",
                             "http takes a status from \"100\" to \"599\" or a class from \"1xx\" to \"5xx\""},
    [PT_FAULT_OUT_OF_PLACE] = {"PT1027", "a key has no effect beside the other keys of its map"},
    [PT_FAULT_TEMPLATE] = {"PT1028", "a message has holes that cannot be matched"},
    [PT_FAULT_CITE] = {"PT1029", "a citation is a line number, FILE:LINE or a URL"},
    [PT_FAULT_DIGITS] = {"PT1030", "the digits that name operations do not fit together"},
    [PT_FAULT_TOO_MANY] = {"PT1031", "a list is longer than it may be"},
    [PT_FAULT_ALERT] = {"PT1032", "an alert names nobody"},
    [PT_FAULT_SCHEDULE] = {"PT1033", "a retry schedule does not end, does not wait or does not start"},
    [PT_FAULT_ID_TAKEN] = {"PT1101", "two entries have the same id"},
    [PT_FAULT_ROW_TWICE] = {"PT1102", "two entries answer to the same code, operation and message"},
    [PT_FAULT_NO_OWN_ROW] = {"PT1103", "a code with several messages needs an entry for any other wording"},
    [PT_FAULT_NO_ROW_FOR_ANY] = {"PT1104", "a code of several operations needs an entry for any operation"},
    [PT_FAULT_RETRY_FORBIDDEN] = {"PT1110", "what is refused for good or for safety is never retried"},
    [PT_FAULT_DUPLICATE_NOT_QUERIED] = {"PT1111", "a duplicate is queried, never sent again"},
    [PT_FAULT_OUTCOME_CONTRADICTS] = {"PT1112", "category and outcome contradict each other"},
    [PT_FAULT_ACTION_CONTRADICTS] = {"PT1113", "outcome and action contradict each other"},
    [PT_FAULT_NOBODY_TOLD] = {"PT1114", "an action that needs people has no alert that reaches them"},
    [PT_FAULT_NOTHING_TO_DO] = {"PT1120", "a request that was not executed is left alone"},
};

const char *
pt_fault_id(pt_fault_kind_t kind)
{
    assert(kind < PT_FAULT_COUNT_);

    return s_faults[kind].id;
}

const char *
pt_fault_meaning(pt_fault_kind_t kind)
{
    assert(kind < PT_FAULT_COUNT_);

    return s_faults[kind].meaning;
}

int
pt_fault_parse(pt_text_t id)
{
    for (int kind = 0; kind < PT_FAULT_COUNT_; kind++)
        if (pt_text_equal(id, pt_text_of(s_faults[kind].id)))
            return kind;
    return -1;
}
