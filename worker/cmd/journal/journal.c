/*  paytriage journal: the verbs for those who look after a journal. */
#include "journal.h"

#include "cmd_verbs.h"

static const cmd_verb_t s_verbs[] = {
    {"info", cmd_journal_info, "whose it is, how full it is, and how far each topic has come"},
    {"subscribers", cmd_journal_subscribers, "who is registered, and what each still has to read"},
    {"forget", cmd_journal_forget, "drop a subscriber that will not come back"},
    {"list", cmd_journal_list, "decisions, one a line"},
    {"show", cmd_journal_show, "one decision and the response that it is about"},
    {"export", cmd_journal_export, "decisions with their responses, as JSON Lines"},
    {"replay", cmd_journal_replay, "one topic from a given number on, as 'tail' printed it"},
    {"redrive", cmd_journal_redrive, "send the responses of dead letters again"},
    {"discard", cmd_journal_discard, "drop old decisions of a topic"},
    {"verify", cmd_journal_verify, "read everything and compare the checksums"},
    {0},
};

int
cmd_journal(int argc, char **argv)
{
    static const cmd_verbs_t group = {
        .command = "journal",
        .usage = "VERB [OPTION...]\n\n"
                 "What a worker keeps: decisions that were acknowledged, and how far each subscriber has come.",
        .verbs = s_verbs,
        .more = "All of them may be used while the worker is running.\n"
                "'paytriage journal VERB --help' tells more.",
    };
    return cmd_verbs_run(&group, argc, argv);
}
