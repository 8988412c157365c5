/*  paytriage journal: the verbs for those who look after a journal. */
#include "journal.h"

#include <string.h>

typedef struct {
    const char *name;
    cmd_main_t *main;
    const char *help;
} verb_t;

static const verb_t s_verbs[] = {
    {"info", cmd_journal_info, "whose it is, how full, and how far each topic is"},
    {"subscribers", cmd_journal_subscribers, "who is registered, and what each has still to read"},
    {"forget", cmd_journal_forget, "drop a subscriber that will not come back"},
    {"list", cmd_journal_list, "decisions, one a line"},
    {"show", cmd_journal_show, "one decision and the response that it is about"},
    {"export", cmd_journal_export, "decisions with their responses, as JSON Lines"},
    {"replay", cmd_journal_replay, "one topic from a number on, as 'tail' printed it"},
    {"redrive", cmd_journal_redrive, "put the responses of dead letters in again"},
    {"discard", cmd_journal_discard, "drop old decisions of a topic"},
    {"verify", cmd_journal_verify, "read everything and compare the checksums"},
};
#define VERB_COUNT (sizeof s_verbs / sizeof s_verbs[0])

static int
s_print_help(void)
{
    puts("Usage: paytriage journal VERB [OPTION...]\n\n"
         "What a worker keeps: decisions that were acknowledged, and how far each subscriber has come.\n");
    for (size_t i = 0; i < VERB_COUNT; i++)
        printf("  %-12s %s\n", s_verbs[i].name, s_verbs[i].help);
    puts("\nAll of them may be used while the worker is at work.\n"
         "'paytriage journal VERB --help' tells more.");
    return cmd_flush();
}

static int
s_refuse_verb(const char *name)
{
    const char *names[VERB_COUNT + 1] = {NULL};
    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = s_verbs[i].name;
    const char *nearest = cmd_nearest(name, names);
    char hint[64] = "'paytriage journal --help' lists the verbs";
    if (nearest)
        snprintf(hint, sizeof hint, "did you mean 'paytriage journal %s'?", nearest);
    return cmd_fail(EX_USAGE, hint, "journal has no verb '%s'", name);
}

int
cmd_journal(int argc, char **argv)
{
    if (argc < 2) {
        s_print_help();
        return EX_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0 || strcmp(name, "help") == 0)
        return s_print_help();
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(s_verbs[i].name, name) != 0)
            continue;
        char program[64];
        snprintf(program, sizeof program, "paytriage journal %s", name);
        argv[1] = program;
        return s_verbs[i].main(argc - 1, argv + 1);
    }
    return s_refuse_verb(name);
}
