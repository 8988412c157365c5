/*  The one table of fault ids. Append within a block of ids; never renumber. */
#include "pt_fault.h"

#include <assert.h>

typedef struct {
    const char *id;
    const char *meaning;
    const char *remedy;
} s_fault_t;

static const s_fault_t s_faults[PT_FAULT_COUNT_] = {
    [PT_FAULT_YAML] = {"PT1001", "the text is not well-formed YAML",
                       "Look at the line and the one above it: mostly it is the indentation, a colon without a blank, "
                       "or a quote that is not closed."},
    [PT_FAULT_LIMIT] = {"PT1002", "the file is larger, deeper or has more parts than a catalog may have",
                        "Split the file; one gateway needs far less. Aliases count as much as what they stand for."},
    [PT_FAULT_ALIAS] = {"PT1003", "a YAML alias names no anchor, or one that it stands in itself",
                        "Write the anchor (&name) above its first alias (*name), and not around it."},
    [PT_FAULT_TAG] = {"PT1004", "YAML tags are not used in a catalog",
                      "Remove the tag (!!str and the like) and quote the value."},
    [PT_FAULT_DOCUMENT] = {"PT1005", "a catalog file holds exactly one YAML document",
                           "Give each gateway a file of its own, without --- in between."},
    [PT_FAULT_KEY] = {"PT1006", "a key must be a plain word", "Write a plain word before the colon."},
    [PT_FAULT_KEY_UNKNOWN] = {"PT1010", "no such key stands in this place",
                              "Correct the spelling; catalog/README.md lists the keys of each place, and `paytriage "
                              "config defaults` those of paytriage.yml."},
    [PT_FAULT_KEY_TWICE] = {"PT1011", "a key stands twice in one map", "Remove one of the two: only one could count."},
    [PT_FAULT_KEY_MISSING] =
        {"PT1012", "a required key is missing",
         "Add the key. In an overlay, check whether the entry was meant to change one that is spelled differently."},
    [PT_FAULT_TYPE] = {"PT1013", "a map, a list or a single value stands where another of them belongs",
                       "Write a list as [a, b], a map as {key: value}, and a single value plainly."},
    [PT_FAULT_TEXT] = {"PT1014", "a text is empty, too long or holds characters that do not belong there",
                       "Shorten the text, or leave the key out; a line break belongs into messages only."},
    [PT_FAULT_QUOTES] = {"PT1015", "codes, digits and statuses must be quoted, or other tools would read 05 as 5",
                         "Put the value into quotes: \"05\"."},
    [PT_FAULT_BOOLEAN] = {"PT1016", "a switch is either true or false",
                          "Write true or false, unquoted; yes, no, on and off are not read."},
    [PT_FAULT_NUMBER] =
        {"PT1017", "a number is malformed or outside of its bounds",
         "Write a whole number within the bounds that the fault names, unquoted and without leading zeros."},
    [PT_FAULT_DURATION] = {"PT1018", "a duration is malformed or outside of its bounds; write 500ms, 30s, 5m, 1h or 1d",
                           "Write one number and its unit, unquoted: 500ms, 30s, 5m, 1h or 1d."},
    [PT_FAULT_WORD] = {"PT1019", "a value is none of the words that the key takes",
                       "Take one of the words of the list; the fault names the nearest one."},
    [PT_FAULT_OPERATION_UNKNOWN] = {"PT1020", "an entry names an operation that the file does not list",
                                    "Correct the spelling, or add the operation to the file's operations."},
    [PT_FAULT_POLICY_UNKNOWN] = {"PT1021", "an entry names a policy that the file does not hold",
                                 "Correct the spelling, or add the policy to the file's policies."},
    [PT_FAULT_NAME] =
        {"PT1022", "a name has characters or a length that names may not have",
         "Ids are made of a-z, 0-9, _ and -; other names have no blanks. The fault says how long one may be."},
    [PT_FAULT_NAME_TAKEN] = {"PT1023", "a name is used twice",
                             "Choose another name, or remove one of the two. To change a gateway that is there "
                             "already, write overlay: true."},
    [PT_FAULT_PATH] = {"PT1024", "a path into the body has too many or empty steps",
                       "Separate steps by single dots; a path has a few steps, from the top of the body down."},
    [PT_FAULT_ANSWERS_TO] = {"PT1025", "an entry answers to exactly one of code, status and http",
                             "Keep one of them, and give the others entries of their own."},
    [PT_FAULT_HTTP_CLASS] = {"PT1026", "http takes a status from \"100\" to \"599\" or a class from \"1xx\" to \"5xx\"",
                             "Write \"503\" for one status or \"5xx\" for all of a class."},
    [PT_FAULT_OUT_OF_PLACE] = {"PT1027", "a key has no effect beside the other keys of its map",
                               "Remove the key, or add the one that it depends on; the fault names it."},
    [PT_FAULT_TEMPLATE] =
        {"PT1028", "a message has holes that cannot be matched, or merchant has one that nothing fills",
         "A hole is {name} or {{name}} with letters, digits and _; something must stand between two holes, and those "
         "of merchant are holes of the message."},
    [PT_FAULT_CITE] = {"PT1029", "a citation is a line number, FILE:LINE or a URL",
                       "Write the line of the gateway's document, FILE:LINE, or a URL; gateway.cite names the document "
                       "of bare lines."},
    [PT_FAULT_DIGITS] = {"PT1030", "the digits that name operations do not fit together",
                         "operation_digits.length must be the length of each operation's digits, and slot an item of "
                         "body.codes, from 0."},
    [PT_FAULT_TOO_MANY] = {"PT1031", "a list is longer than it may be",
                           "Shorten the list; for more codes with one meaning write another entry."},
    [PT_FAULT_ALERT] = {"PT1032", "an alert names nobody", "Name at least one audience."},
    [PT_FAULT_SCHEDULE] = {"PT1033", "a retry schedule does not end, does not wait or does not start",
                           "Give delays above 0 that fit before the deadline, and at least two attempts."},
    [PT_FAULT_OVERLAY] =
        {"PT1034", "an overlay changes a gateway that is not there",
         "Give the overlay the id of a gateway that is built in or that another of the files describes whole."},
    [PT_FAULT_OVERLAY_ENTRY] =
        {"PT1035", "an overlay's entry neither changes or removes an entry nor is a new one",
         "Name the entry by the id that `paytriage catalog show` prints, or say what a new entry answers to."},
    [PT_FAULT_TIME] = {"PT1036", "a time is no UTC time of the form 2026-11-22T03:00:00Z",
                       "Write a time as 2026-11-22T03:00:00Z."},
    [PT_FAULT_ID_TAKEN] = {"PT1101", "two entries have the same id", "Give each of the entries a slug of its own."},
    [PT_FAULT_ROW_TWICE] = {"PT1102", "two entries answer to the same code, operation and message",
                            "Remove one of them, or tell them apart by operation, message or subcode."},
    [PT_FAULT_NO_OWN_ROW] =
        {"PT1103", "a code with several messages needs an entry for any other wording",
         "Add an entry with the same code and without message, whose handling is safe for each of its meanings."},
    [PT_FAULT_NO_ROW_FOR_ANY] =
        {"PT1104", "a code of several operations needs an entry for any operation",
         "Add an entry with the same code and without operation, whose handling is safe for each operation."},
    [PT_FAULT_RETRY_FORBIDDEN] = {"PT1110", "what is refused for good or for safety is never retried",
                                  "Choose an action that does not retry, or the category that the answer really has."},
    [PT_FAULT_DUPLICATE_NOT_QUERIED] = {"PT1111", "a duplicate is queried, never sent again",
                                        "Use action query_status: the order that exists already decides."},
    [PT_FAULT_OUTCOME_CONTRADICTS] =
        {"PT1112", "category and outcome contradict each other",
         "Correct the one that is wrong; when nobody can say whether money moved, the outcome is unknown."},
    [PT_FAULT_ACTION_CONTRADICTS] = {"PT1113", "outcome and action contradict each other",
                                     "Where money may have moved use query_status, or an action for people; after a "
                                     "success there is nothing to do."},
    [PT_FAULT_NOBODY_TOLD] = {"PT1114", "an action that needs people has no alert that reaches them",
                              "Add an alert: with when: now for contact_provider, with any time for investigate."},
    [PT_FAULT_NOTHING_TO_DO] = {"PT1120", "a request that was not executed is left alone",
                                "Add judged: true when the document really leaves it there, or an action."},
    [PT_FAULT_ENDLESS] = {"PT1121", "a retry schedule goes on for longer than anybody waits",
                          "Shorten the deadline or the attempts: after a week nobody waits for a payment any more."},
    [PT_FAULT_UNREACHABLE] =
        {"PT1130", "no response can ever lead to an entry",
         "Remove the entry, or change the one that the fault names so that it leaves something to this one."},
    [PT_FAULT_OVERLAP] =
        {"PT1131", "one message fits two templates that lead to different handling",
         "Say which one is meant by a longer literal text in one of them, or by an entry for the common messages."},
    [PT_FAULT_BYTES] = {"PT1201", "a size is malformed or outside of its bounds; write 4096, 512M or 8G",
                        "Write one number and K, M, G or T, without a blank: 512M."},
    [PT_FAULT_ENDPOINT] = {"PT1202", "an endpoint is none that a socket takes",
                           "Write the transport and the address: tcp://127.0.0.1:5560, or ipc:// and a path."},
    [PT_FAULT_VARIABLE] = {"PT1203", "a variable of the environment begins with PAYTRIAGE_ and belongs to no setting",
                           "Correct its name; `paytriage config show --origin` tells where each value comes from."},
    [PT_FAULT_CLAIMED] = {"PT2001", "a name is taken, or two entries answer to the same code and message",
                          "Remove one of the two, or tell them apart by operation, message or subcode."},
    [PT_FAULT_EQUAL_RANK] = {"PT2002", "one message fits two templates, and neither is more specific",
                             "Make one of the messages more specific: more literal text, fewer holes, or a subcode."},
    [PT_FAULT_NO_ANSWER] = {"PT2003", "a code has no entry that answers whatever the message and the operation",
                            "Add an entry with the same code, without message and without operation."},
    [PT_FAULT_MESSAGE] = {"PT2004", "a message or subcode cannot be matched",
                          "Correct the message, or leave it out; only entries of codes have one."},
    [PT_FAULT_OPERATION_MISSING] = {"PT2005", "an entry names an operation that the gateway does not have",
                                    "Add the operation to the gateway's operations."},
    [PT_FAULT_BOUNDS] = {"PT2006", "a name, a code or a count is out of its bounds",
                         "Shorten the name or the code, or use fewer of them."},
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

const char *
pt_fault_remedy(pt_fault_kind_t kind)
{
    assert(kind < PT_FAULT_COUNT_);

    return s_faults[kind].remedy;
}

int
pt_fault_parse(pt_text_t id)
{
    for (int kind = 0; kind < PT_FAULT_COUNT_; kind++)
        if (pt_text_equal(id, pt_text_of(s_faults[kind].id)))
            return kind;
    return -1;
}
