/*  paytriage catalog: the verbs for those who write catalogs. Each verb lives in a file of its own. */
#include "cmd_catalog.h"

#include <string.h>

typedef struct {
    const char *name;
    cmd_main_t *main;
    const char *help;
} verb_t;

static const verb_t s_verbs[] = {
    {"lint", cmd_catalog_lint, "say everything that is wrong or doubtful"},
    {"compile", cmd_catalog_compile, "make one image of YAML files, for --catalog"},
    {"diff", cmd_catalog_diff, "what another catalog decides differently, and where that is riskier"},
    {"test", cmd_catalog_test, "decide test cases and compare with what they expect"},
    {"fmt", cmd_catalog_fmt, "give YAML its usual layout, comments kept"},
    {"learn", cmd_catalog_learn, "draft entries for the unknown codes of a file or journal"},
    {"show", cmd_catalog_show, "print entries, with the origin of each value where asked for"},
    {"stats", cmd_catalog_stats, "count entries, by gateway and by what they lead to"},
};
#define VERB_COUNT (sizeof s_verbs / sizeof s_verbs[0])

static int
s_print_help(void)
{
    puts("Usage: paytriage catalog VERB [OPTION...] [PATH...]\n\n"
         "What gateways' codes mean, as people own it: check, compile, show and compare catalogs.\n");
    for (size_t i = 0; i < VERB_COUNT; i++)
        printf("  %-10s %s\n", s_verbs[i].name, s_verbs[i].help);
    puts("\nA PATH is a YAML file, a folder of them, or one image. YAML stands beside the built-in\n"
         "gateways: a new gateway is added, one with a built-in's id replaces it, and a file with\n"
         "`overlay: true` changes single entries of one.\n\n"
         "'paytriage catalog VERB --help' tells more; 'paytriage explain PT1010' explains a fault.");
    return cmd_flush();
}

static int
s_refuse_verb(const char *name)
{
    const char *names[VERB_COUNT + 1] = {NULL};
    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = s_verbs[i].name;
    const char *nearest = cmd_nearest(name, names);
    char hint[64] = "'paytriage catalog --help' lists the verbs";
    if (nearest)
        snprintf(hint, sizeof hint, "did you mean 'paytriage catalog %s'?", nearest);
    return cmd_fail(EX_USAGE, hint, "catalog has no verb '%s'", name);
}

int
cmd_catalog(int argc, char **argv)
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
        snprintf(program, sizeof program, "paytriage catalog %s", name);
        argv[1] = program;
        return s_verbs[i].main(argc - 1, argv + 1);
    }
    return s_refuse_verb(name);
}
