/*  paytriage catalog: the verbs for those who write catalogs. Each verb lives in a file of its own. */
#include "cmd_catalog.h"
#include "cmd_verbs.h"

static const cmd_verb_t s_verbs[] = {
    {"lint", cmd_catalog_lint, "report everything that is wrong or doubtful"},
    {"compile", cmd_catalog_compile, "make one image of YAML files, for --catalog"},
    {"diff", cmd_catalog_diff, "what another catalog decides differently, and where that is riskier"},
    {"test", cmd_catalog_test, "decide test cases and compare with what they expect"},
    {"fmt", cmd_catalog_fmt, "give YAML its usual layout, comments kept"},
    {"learn", cmd_catalog_learn, "draft entries for the unknown codes of a file or journal"},
    {"show", cmd_catalog_show, "print entries, and on request where each value comes from"},
    {"stats", cmd_catalog_stats, "count entries, by gateway and by what they lead to"},
    {0},
};

int
cmd_catalog(int argc, char **argv)
{
    static const cmd_verbs_t group = {
        .command = "catalog",
        .usage = "VERB [OPTION...] [PATH...]\n\n"
                 "What gateways' codes mean, as people own it: check, compile, show and compare catalogs.",
        .verbs = s_verbs,
        .more = "A PATH is a YAML file, a folder of them, or one image. YAML stands beside the built-in\n"
                "gateways: a new gateway is added, one with a built-in's id replaces it, and a file with\n"
                "`overlay: true` changes single entries of one.\n\n"
                "'paytriage catalog VERB --help' tells more; 'paytriage explain PT1010' explains a fault.",
    };
    return cmd_verbs_run(&group, argc, argv);
}
