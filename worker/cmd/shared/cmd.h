/*  cmd: what the subcommands of `paytriage` share: exits, errors with a hint, colour, durations.
 *
 *  Answers go to stdout, words about the work to stderr. Exit codes are the ones of sysexits.h
 *  plus 0 (done), 1 (an honest "no") and 124 (the time given with --timeout ran out).
 */
#ifndef PT_CMD_H
#define PT_CMD_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#define CMD_EXIT_NO 1
#define CMD_EXIT_TIMEOUT 124

//  One subcommand: argv[0] is "paytriage NAME". Returns the exit code.
typedef int(cmd_main_t)(int argc, char **argv);

cmd_main_t cmd_check, cmd_top, cmd_broker, cmd_worker, cmd_run, cmd_demo, cmd_send, cmd_tail, cmd_classify, cmd_explain,
    cmd_catalog, cmd_journal, cmd_config, cmd_complete, cmd_keygen, cmd_ctl;

//  How a command prints its answers.
//  JSON, one document, is only for commands whose answer has an end in sight.
typedef enum { CMD_OUTPUT_TEXT, CMD_OUTPUT_JSONL, CMD_OUTPUT_JSON } cmd_output_t;
typedef enum { CMD_COLOR_AUTO, CMD_COLOR_ALWAYS, CMD_COLOR_NEVER } cmd_color_t;

/*  Print "paytriage: MESSAGE" and, where hint is not NULL, "hint: HINT" to stderr; give back `code`,
 *  so that a command can end with `return cmd_fail(…)`.
 */
int cmd_fail(int code, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*  Ask on stderr whether to go on. EX_OK after a yes; CMD_EXIT_NO after any other answer, with `otherwise` said;
 *  EX_USAGE after one line when standard input is no terminal.
 */
int cmd_confirm(const char *otherwise, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*  Parse the value of an option, or end the program with argp_error (exit 64) naming the option,
 *  the value and what is allowed. Durations: 500ms, 30s, 15m, 1h, 1d.
 */
uint64_t cmd_number(struct argp_state *state, const char *option, const char *value, uint64_t min, uint64_t max);
uint64_t cmd_duration_ms(struct argp_state *state, const char *option, const char *value);
uint64_t cmd_timeout_ms(struct argp_state *state, const char *value, const char *awaited); //  of --timeout; not 0
cmd_output_t cmd_output(struct argp_state *state, const char *value);                      //  text or jsonl
cmd_output_t cmd_output_document(struct argp_state *state, const char *value);             //  json too
cmd_color_t cmd_color(struct argp_state *state, const char *value);

/*  Whether to colour a stream: by --color, NO_COLOR, CLICOLOR_FORCE, TERM, and being a terminal. */
bool cmd_use_color(cmd_color_t color, FILE *stream);

/*  The word nearest to `word`, as pt_word_nearest finds it, or NULL: words is NULL terminated. */
const char *cmd_nearest(const char *word, const char *const *words);

/*  Wall clock, unix ms: what is shown or kept. It may step. */
uint64_t cmd_now_ms(void);
/*  Monotonic clock, ms: what is waited for or measured. */
uint64_t cmd_mono_ms(void);

/*  Say that a broker or its worker has refused everything as busy for so long, which is no silence; 69. */
int cmd_tell_busy(const char *broker, uint64_t timeout_ms, const char *hint);

/*  Whether this errno says that the system gives no descriptor or no memory; and say so, with what would help; 71. */
#define CMD_HINT_SHORT "see ulimit -v and ulimit -u, or MemoryMax=, LimitAS= and TasksMax= in a unit"
bool cmd_is_short(int reason);
int cmd_tell_short(int reason);

/*  Flush stdout and report whether everything was written: EX_OK, or EX_IOERR after one line.
 *  A reader that went away (EPIPE) is no error.
 */
int cmd_flush(void);

/*  Before the first line: where stdout is a file that is appended to, end the line that a program left open which died
 *  while it wrote, or the next one would be lost with it. What cannot be read is left as it is.
 */
void cmd_end_torn_line(void);

#endif
