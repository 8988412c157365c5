/*  paytriage journal verify and forget. */
#include "journal.h"

#include "pt_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct argp_child s_children[] = {{&journal_output_argp, 0, NULL, 0}, {0}};

//  ---- verify

static void
s_print_fault(void *context, const char *where, uint64_t seq, const char *what)
{
    const journal_options_t *options = context;
    if (options->output == CMD_OUTPUT_JSONL)
        printf("{\"where\": \"%s\", \"seq\": %" PRIu64 ", \"fault\": \"%s\"}\n", where, seq, what);
    else
        printf("%s %" PRIu64 ": %s\n", where, seq, what);
}

static int
s_verify(const journal_options_t *options)
{
    pt_store_t *store;
    pt_store_verified_t verified;
    int code = journal_open(options, &store);
    if (code != EX_OK)
        return code;
    pt_status_t status = pt_store_verify(store, s_print_fault, (void *) (uintptr_t) options, &verified);
    pt_store_close(&store);
    if (status != PT_OK)
        return cmd_fail(EX_IOERR, NULL, "the journal cannot be read through: %s", pt_status_text(status));
    fprintf(stderr, "%" PRIu64 " decisions in %" PRIu64 " records, %" PRIu64 " other entries, %" PRIu64 " faults\n",
            verified.decisions, verified.records, verified.others, verified.faults);
    int flushed = cmd_flush();
    return verified.faults ? EX_DATAERR : flushed;
}

//  In a process of its own: damage to the pages between the entries may end whoever reads them.
static int
s_verify_apart(const journal_options_t *options)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return cmd_fail(EX_OSERR, NULL, "cannot start a process: %s", strerror(errno));
    if (child == 0) {
        int code = s_verify(options);
        fflush(NULL);
        _exit(code);
    }
    int how;
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return cmd_fail(EX_OSERR, NULL, "cannot wait for a process: %s", strerror(errno));
    if (WIFEXITED(how))
        return WEXITSTATUS(how);
    return cmd_fail(EX_DATAERR, "decisions may still be read up to the damage: 'paytriage journal export'",
                    "the structure of the file is damaged: reading it ended with signal %d (%s)", WTERMSIG(how),
                    strsignal(WTERMSIG(how)));
}

int
cmd_journal_verify(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = journal_parse,
        .doc = "Read everything that a journal keeps and compare checksums, numbers and counts.\v"
               "Faults go to standard output, one a line: where, the number, what.\n\n"
               "Exit: 0 all is well, 65 something is damaged, 66 there is no journal, 74 it cannot be read, 77 not "
               "permitted.",
        .children = s_children};
    journal_options_t options = {.argp_children = 1, .category = -1};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    return s_verify_apart(&options);
}

//  ---- forget

static int
s_refuse_name(const char *name)
{
    return cmd_fail(CMD_EXIT_NO, "'paytriage journal subscribers' lists them", "there is no subscriber '%s'", name);
}

static int
s_tell_forgotten(const char *name)
{
    fprintf(stderr, "forgot '%s': nothing is kept for it any more\n", name);
    return EX_OK;
}

static int
s_forget(pt_store_t *store, const char *name)
{
    pt_status_t status = pt_store_begin(store);
    if (status == PT_OK)
        status = pt_store_forget(store, name);
    if (status == PT_OK)
        status = pt_store_commit(store);
    else
        pt_store_abort(store);
    if (status == PT_E_NOT_FOUND)
        return s_refuse_name(name);
    if (status != PT_OK)
        return cmd_fail(EX_IOERR, NULL, "%s", pt_store_error(store));
    return s_tell_forgotten(name);
}

//  Have the worker do it that is at work.
static int
s_order_forget(const journal_options_t *options, const char *name)
{
    char word[JOURNAL_WORD_BYTES];
    int code = journal_order(options, PT_CONTROL_FORGET, name, word);
    if (code != EX_OK)
        return code;
    return strcmp(word, PT_CONTROL_UNKNOWN) == 0 ? s_refuse_name(name) : s_tell_forgotten(name);
}

int
cmd_journal_forget(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = journal_parse,
        .args_doc = "NAME",
        .doc = "Drop a subscriber that will not come back, so that nothing more is kept for it.\v"
               "A worker that is at work does it itself; this only asks it to.\n\n"
               "Exit: 0 done, 1 there is no such subscriber, 66 there is no journal, 75 the worker does not answer, "
               "77 not permitted."};
    journal_options_t options = {.category = -1, .argument_max = 1};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    if (options.argument_count != 1)
        return cmd_fail(EX_USAGE, "'paytriage journal subscribers' lists them", "name a subscriber");
    pt_store_t *store;
    int code = journal_open_to_write(&options, &store);
    if (code != EX_OK)
        return code;
    if (!store)
        return s_order_forget(&options, options.arguments[0]);
    code = s_forget(store, options.arguments[0]);
    pt_store_close(&store);
    return code;
}
