/*  journal: what the verbs of `paytriage journal` share: the options, and a walk over what is kept.
 *
 *  They read the directory beside the worker that writes to it, in short views, so that it can go on.
 */
#ifndef PT_CMD_JOURNAL_VERBS_H
#define PT_CMD_JOURNAL_VERBS_H

#include "cmd.h"
#include "cmd_journal.h"
#include "cmd_options.h"

#include "pt_model.h"
#include "pt_store.h"

cmd_main_t cmd_journal_info, cmd_journal_subscribers, cmd_journal_forget, cmd_journal_list, cmd_journal_show,
    cmd_journal_export, cmd_journal_verify, cmd_journal_redrive, cmd_journal_replay, cmd_journal_discard;

typedef struct {
    size_t argp_children; //  parsers below journal_parse that take these options
    const char *dir;      //  NULL: the default
    cmd_output_t output;
    cmd_color_t color;
    pt_masking_t masking;
    //  Filters; NULL and 0: all.
    const char *topic;     //  the beginning of topics
    const char *provider;  //  as it was typed
    pt_text_t provider_id; //  as decisions have it
    const char *code;
    int category; //  -1: all
    uint64_t newer_ms, older_ms;
    uint64_t limit;
    uint64_t from_seq; //  of each topic
    const char *arguments[2];
    size_t argument_count, argument_max;
    const pt_config_t *config; //  the settings, until the program ends
} journal_options_t;

/*  argp children: the form of the output; the same with --reveal, for decisions; that for JSON Lines only; and
 *  the filters. And the parent's parser, which takes the arguments. Their input is a journal_options_t.
 */
extern const struct argp journal_output_argp, journal_common_argp, journal_lines_argp, journal_filter_argp;
error_t journal_parse(int key, char *arg, struct argp_state *state);

/*  Parse the command line of a verb, `options` being its input or a part of it; `command` as for cmd_parse,
 *  beside PT_FOR_JOURNAL; PT_FOR_LISTING where decisions are printed as lines. EX_OK, or the exit code after what is
 *  wrong was printed.
 */
int journal_parse_line(unsigned command, const struct argp *argp, int argc, char **argv, void *input,
                       journal_options_t *options);

/*  Open for reading; EX_OK, or the exit code after one line. */
int journal_open(const journal_options_t *options, pt_store_t **out_store);

/*  Open for writing, where a journal is. *out_store NULL: a worker has it, which takes orders. EX_OK, or
 *  the exit code after one line.
 */
int journal_open_to_write(const journal_options_t *options, pt_store_t **out_store);

#define JOURNAL_WORD_BYTES 32

/*  Order the worker that has the journal to do something; see pt_replay.h. EX_OK with its word, OK or
 *  UNKNOWN, or EX_TEMPFAIL after one line when it does not answer, or is busy.
 */
int journal_order(const journal_options_t *options, const char *verb, const char *what,
                  char out_word[JOURNAL_WORD_BYTES]);

/*  The directory that the options name. */
const char *journal_dir(const journal_options_t *options, char room[CMD_JOURNAL_PATH_BYTES]);

//  One decision that is kept, valid during the call.
typedef struct {
    const char *topic;
    uint64_t seq;
    uint64_t decided_ms;
    const pt_decision_t *decision;
    pt_bytes_t bytes;    //  the decision
    pt_bytes_t response; //  data NULL: none is kept
} journal_entry_t;

/*  False: no more. */
typedef bool(journal_entry_fn)(void *context, const journal_entry_t *entry);

/*  Tell all decisions that the filters let through, by topic and number, up to the limit. EX_OK,
 *  or the exit code after one line.
 */
int journal_walk(pt_store_t *store, const journal_options_t *options, bool responses, journal_entry_fn *tell,
                 void *context);

/*  Say on stderr that the filters let nothing through, and which of them may be mistyped. */
void journal_note_nothing(const journal_options_t *options, pt_store_t *store);

/*  Print one decision as `list` does. False: it could not be written. */
bool journal_print_entry(const journal_options_t *options, const journal_entry_t *entry);

/*  A decision as a line of JSON, masked as the options say; to free(), NULL without memory. */
char *journal_decision_json(const journal_options_t *options, const pt_decision_t *decision);

/*  Tell one decision; EX_OK, CMD_EXIT_NO when it is not there. */
int journal_find(pt_store_t *store, const char *topic, uint64_t seq, journal_entry_fn *tell, void *context);

#endif
