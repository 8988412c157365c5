/*  argp knows no groups; what it would say of an option is said here of a verb. */
#include "cmd_verbs.h"

#include <assert.h>
#include <string.h>

static int
s_print_help(const cmd_verbs_t *self)
{
    printf("Usage: paytriage %s %s\n\n", self->command, self->usage);
    for (const cmd_verb_t *verb = self->verbs; verb->name; verb++)
        printf("  %-12s %s\n", verb->name, verb->help);
    printf("\n%s\n", self->more);
    return cmd_flush();
}

static int
s_refuse_verb(const cmd_verbs_t *self, const char *name)
{
    const char *names[CMD_VERBS_MAX + 1] = {NULL};
    for (size_t i = 0; self->verbs[i].name; i++) {
        assert(i < CMD_VERBS_MAX);
        names[i] = self->verbs[i].name;
    }
    const char *nearest = cmd_nearest(name, names);
    char hint[96];
    if (nearest)
        snprintf(hint, sizeof hint, "did you mean 'paytriage %s %s'?", self->command, nearest);
    else
        snprintf(hint, sizeof hint, "'paytriage %s --help' lists the verbs", self->command);
    return cmd_fail(EX_USAGE, hint, "%s has no verb '%s'", self->command, name);
}

static bool
s_asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "-?") == 0 ||
           strcmp(word, "help") == 0;
}

int
cmd_verbs_run(const cmd_verbs_t *self, int argc, char **argv)
{
    assert(self);

    if (argc < 2) {
        s_print_help(self);
        return EX_USAGE;
    }
    if (s_asks_for_help(argv[1]))
        return s_print_help(self);
    for (const cmd_verb_t *verb = self->verbs; verb->name; verb++) {
        if (strcmp(verb->name, argv[1]) != 0)
            continue;
        char program[64];
        snprintf(program, sizeof program, "paytriage %s %s", self->command, verb->name);
        argv[1] = program;
        return verb->main(argc - 1, argv + 1);
    }
    return s_refuse_verb(self, argv[1]);
}
