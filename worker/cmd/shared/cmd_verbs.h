/*  cmd_verbs: a command that is a group of verbs, such as `paytriage journal`: its help, and which verb is meant. */
#ifndef PT_CMD_VERBS_H
#define PT_CMD_VERBS_H

#include "cmd.h"

typedef struct {
    const char *name;
    cmd_main_t *main;
    const char *help;
} cmd_verb_t;

typedef struct {
    const char *command;     //  the group's name
    const char *usage;       //  what follows "Usage: paytriage COMMAND", and what the group is for
    const cmd_verb_t *verbs; //  ended by one without a name; at most CMD_VERBS_MAX
    const char *more;        //  below the list
} cmd_verbs_t;

#define CMD_VERBS_MAX 16

/*  Run the verb that argv[1] names, with "paytriage COMMAND VERB" as its argv[0], and give back its exit code; or print
 *  the help. EX_USAGE without a verb, and after one line and a hint for one that is not there.
 */
int cmd_verbs_run(const cmd_verbs_t *self, int argc, char **argv);

#endif
