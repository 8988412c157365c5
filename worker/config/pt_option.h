/*  pt_option: the one table of settings.
 *
 *  Each row is a key of paytriage.yml, a variable of the environment and a flag of the commands that
 *  it is for. The file's reader, the command lines, their help, `paytriage config` and the manual's
 *  test read this table and nothing else, so a new setting is one row and one line where it is used.
 *  What only one call can mean, such as the --count of tail, is no setting and stands in its command.
 */
#ifndef PT_OPTION_H
#define PT_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    PT_OPTION_BIND,
    PT_OPTION_PORT_BASE,
    PT_OPTION_DRAIN_TIMEOUT,
    PT_OPTION_HTTP,
    PT_OPTION_INSECURE_PUBLIC_HTTP,
    PT_OPTION_PORTS_FILE,
    PT_OPTION_CATALOG,
    PT_OPTION_CATALOG_WATCH,
    PT_OPTION_CONTROL,
    PT_OPTION_MASK,
    PT_OPTION_CURVE,
    PT_OPTION_INSECURE_PUBLIC_BIND,
    PT_OPTION_COLOR,
    PT_OPTION_BROKER_FRONT,
    PT_OPTION_BROKER_BACK,
    PT_OPTION_WORKER_CONNECT,
    PT_OPTION_WORKER_THREADS,
    PT_OPTION_WORKER_WINDOW,
    PT_OPTION_PUBLISH_RETRY,
    PT_OPTION_PUBLISH_DEAD_LETTER,
    PT_OPTION_PUBLISH_OPERATOR_ALERT,
    PT_OPTION_PUBLISH_SETTLED,
    PT_OPTION_PUBLISH_HWM,
    PT_OPTION_ALERT_WINDOW,
    PT_OPTION_ALERT_FREQUENT,
    PT_OPTION_ALERT_FREQUENT_WINDOW,
    PT_OPTION_JOURNAL_DIR,
    PT_OPTION_JOURNAL_SIZE,
    PT_OPTION_JOURNAL_SETTLED,
    PT_OPTION_JOURNAL_COMMIT_MAX,
    PT_OPTION_JOURNAL_COMMIT_WAIT,
    PT_OPTION_JOURNAL_REPLAY,
    PT_OPTION_JOURNAL_ADVERTISE,
    PT_OPTION_LOG_FORMAT,
    PT_OPTION_LOG_LEVEL,
    PT_OPTION_LOG_LIMIT,
    PT_OPTION_CLIENT_CONNECT,
    PT_OPTION_CLIENT_HOST,
    PT_OPTION_COUNT_
} pt_option_id_t;

//  The commands that a row is for.
enum {
    PT_FOR_BROKER = 1 << 0,
    PT_FOR_WORKER = 1 << 1,
    PT_FOR_RUN = 1 << 2,
    PT_FOR_DEMO = 1 << 3,
    PT_FOR_SEND = 1 << 4,
    PT_FOR_TAIL = 1 << 5,
    PT_FOR_CLASSIFY = 1 << 6,
    PT_FOR_EXPLAIN = 1 << 7,
    PT_FOR_CATALOG = 1 << 8, //  `catalog test`
    PT_FOR_JOURNAL = 1 << 9,
    PT_FOR_REDRIVE = 1 << 10,
    PT_FOR_LISTING = 1 << 11, //  verbs of `journal` that print a decision as a line
    PT_FOR_TOP = 1 << 13,
    PT_FOR_CHECK = 1 << 14,
    PT_FOR_WATCH = PT_FOR_TOP | PT_FOR_CHECK,
    PT_FOR_DAEMONS = PT_FOR_BROKER | PT_FOR_WORKER | PT_FOR_RUN,
};

typedef enum {
    PT_OPTION_TEXT,     //  anything but nothing
    PT_OPTION_ENDPOINT, //  TRANSPORT://ADDRESS
    PT_OPTION_HOST,     //  an address or a name, without transport and port
    PT_OPTION_NUMBER,   //  min to max; `word`, where there is one, counts as 0
    PT_OPTION_DURATION, //  in ms; min to max
    PT_OPTION_BYTES,    //  min to max
    PT_OPTION_SWITCH,   //  true or false
    PT_OPTION_WORD      //  one of `words`: its index
} pt_option_type_t;

typedef struct {
    const char *key;  //  in the file: NAME, or SECTION.NAME
    const char *flag; //  --FLAG
    const char *env;  //  behind PAYTRIAGE_; NULL: the flag, in capitals
    pt_option_type_t type;
    const char *argument;  //  in the help: N, TIME, …
    const char *preset;    //  the default, as one would write it; NULL: none, see `otherwise`
    const char *otherwise; //  what happens without a value, in words
    uint64_t min, max;
    const char *word;         //  instead of a number
    const char *const *words; //  NULL terminated
    size_t values_max;        //  above 1: may be given so many times, and is a list in the file
    unsigned commands;        //  PT_FOR_…
    int letter;               //  -L as well, 0: none
    unsigned letter_for;      //  in these commands
    int group;                //  of the daemons' help; see pt_option_group_text
    const char *help;
} pt_option_t;

typedef struct {
    const char *text;
    uint64_t number; //  of every type but TEXT and ENDPOINT
} pt_option_value_t;

#define PT_OPTION_REASON_BYTES 200
#define PT_OPTION_NAME_BYTES 64

/*  A row; `id` is below PT_OPTION_COUNT_. */
const pt_option_t *pt_option(pt_option_id_t id);

/*  The name of its variable: PAYTRIAGE_JOURNAL_SIZE, into `out`; returned. */
const char *pt_option_env(const pt_option_t *option, char out[PT_OPTION_NAME_BYTES]);

/*  Parse one value. False: `reason` says, in words that follow the option's name and ": ", what the value
 *  is not. The text is borrowed.
 */
bool pt_option_parse(const pt_option_t *option, const char *text, pt_option_value_t *out,
                     char reason[PT_OPTION_REASON_BYTES]);

/*  The heading of a group of rows, or NULL when there is no such group. */
const char *pt_option_group_text(int group);

/*  One sentence about a row: its help, and its default in brackets. Into `out`; returned. */
#define PT_OPTION_HELP_BYTES 320
const char *pt_option_help(const pt_option_t *option, char out[PT_OPTION_HELP_BYTES]);

#endif
