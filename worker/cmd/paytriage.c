/*  paytriage: one command with subcommands. This file only knows their names; each one lives in
 *  a file of its own, in the folder of its kind.
 */
#include "cmd.h"

#include "pt_catalog.h"
#include "pt_means.h"

#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <msgpack.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

typedef struct {
    const char *group; //  a new heading in the help, or NULL
    const char *name;
    cmd_main_t *main;
    const char *help;
} command_t;

static const command_t s_commands[] = {
    {"Run", "demo", cmd_demo, "everything in one process, with sample responses of all gateways"},
    {NULL, "run", cmd_run, "broker and worker in one process"},
    {NULL, "broker", cmd_broker, "hand responses to workers"},
    {NULL, "worker", cmd_worker, "classify responses and publish decisions"},
    {NULL, "ctl", cmd_ctl, "show running workers, or tell one to reload or drain"},
    {"Messages", "send", cmd_send, "publish gateway responses from JSON Lines"},
    {NULL, "tail", cmd_tail, "print decisions as they are published"},
    {NULL, "classify", cmd_classify, "classify responses from a file or stdin, without a bus"},
    {"Kept", "journal", cmd_journal, "what a worker keeps: look, list, export, verify"},
    {"Access", "keygen", cmd_keygen, "keys for encrypted and authenticated connections"},
    {"Knowledge", "explain", cmd_explain, "what a gateway's code means and what to do about it"},
    {NULL, "catalog", cmd_catalog, "lint, compile and show your own catalogs"},
    {"Operate", "top", cmd_top, "a daemon on one screen: routes, gateways, codes, alerts, who is behind"},
    {NULL, "check", cmd_check, "whether a daemon is well, for Nagios and containers"},
    {NULL, "config", cmd_config, "check and show the settings of all commands"},
};
#define COMMAND_COUNT (sizeof s_commands / sizeof s_commands[0])

static int
s_print_help(void)
{
    puts("Usage: paytriage COMMAND [OPTION...]\n\n"
         "Takes payment gateways' responses off a ZeroMQ bus, decides what each one means, and publishes\n"
         "where it goes next: settled, retry, dead letter, and an alert when somebody needs to know.");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (s_commands[i].group)
            printf("\n%s\n", s_commands[i].group);
        printf("  %-10s %s\n", s_commands[i].name, s_commands[i].help);
    }
    puts("\nOther\n  version    versions of this program, its catalog and its libraries\n"
         "  help       this page; 'paytriage help COMMAND' for one command\n\n"
         "Start with: paytriage demo --once\n\n"
         "Exit: each --help names what it means there. Of every command but 'check', whose codes are 0 to 3: 64 a\n"
         "wrong command line; 66, 74, 77 or 78 a settings file that is not there, cannot be read, may not be read\n"
         "or is at fault; 71 the system gives no memory, descriptors or threads; 74 the output cannot be written.");
    return cmd_flush();
}

static int
s_print_version(void)
{
    const pt_catalog_t *catalog = pt_catalog_builtin();
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("paytriage %s\n", PT_VERSION);
    printf("catalog   %016" PRIx64 ", %zu entries of %zu gateways\n", pt_catalog_hash(catalog),
           pt_catalog_entry_count(catalog), pt_catalog_provider_count(catalog));
    printf("libzmq    %d.%d.%d, curve %s\n", major, minor, patch, zmq_has("curve") ? "yes" : "no");
    printf("msgpack-c %s\n", msgpack_version());
    return cmd_flush();
}

static const command_t *
s_find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(s_commands[i].name, name) == 0)
            return &s_commands[i];
    return NULL;
}

static int
s_refuse_command(const char *name)
{
    const char *names[COMMAND_COUNT + 3] = {"help", "version"};
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i + 2] = s_commands[i].name;
    const char *nearest = cmd_nearest(name, names);
    char hint[64] = "'paytriage help' lists the commands";
    if (nearest)
        snprintf(hint, sizeof hint, "did you mean 'paytriage %s'?", nearest);
    return cmd_fail(EX_USAGE, hint, "there is no command '%s'", name);
}

static bool s_returned;

//  argp prints a command's help and ends the process, without a look at whether it could be written.
static void
s_check_help(void)
{
    if (!s_returned && cmd_flush() != EX_OK)
        _exit(EX_IOERR);
}

//  argp names the program by argv[0], in its help and its errors.
static int
s_run_command(const command_t *command, int argc, char **argv)
{
    atexit(s_check_help);
    char program[64];
    snprintf(program, sizeof program, "paytriage %s", command->name);
    argv[0] = program;
    int code = command->main(argc, argv);
    s_returned = true;
    return code;
}

//  A descriptor that came closed would be given to the next file that is opened, a journal say, and words for a
//  terminal written into it. What stands in its place can only be used the wrong way round: errors stay errors.
static bool
s_fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

//  The least that any command takes. Without it the built-in catalog, say, would end the process by a signal.
#define S_MEMORY_BYTES (4U << 20)

//  What every command expects of its process.
static int
s_prepare_process(void)
{
    if (!s_fill_standard_descriptors())
        return EX_OSERR;
    if (pt_means_memory(S_MEMORY_BYTES) != PT_OK)
        return cmd_fail(EX_OSERR, CMD_HINT_SHORT, "memory is refused");
    setlocale(LC_ALL, "");
    //  Whoever writes sees the error, and says where: a pipe that nobody reads, a file beyond ulimit -f.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return EX_OK;
}

int
main(int argc, char **argv)
{
    int code = s_prepare_process();
    if (code != EX_OK)
        return code;
    if (argc < 2) {
        s_print_help();
        return EX_USAGE;
    }
    const char *name = argv[1];
    bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (help && argc == 2)
        return s_print_help();
    if (help && argc > 3)
        return cmd_fail(EX_USAGE, NULL, "'%s' is not expected here", argv[3]);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return argc == 2 ? s_print_version() : cmd_fail(EX_USAGE, NULL, "'%s' is not expected here", argv[2]);
    if (strcmp(name, "__complete") == 0) //  for the shells; nobody types it
        return cmd_complete(argc - 1, argv + 1);

    const command_t *command = s_find_command(help ? argv[2] : name);
    if (!command)
        return s_refuse_command(help ? argv[2] : name);
    char *help_argv[] = {NULL, (char[]) {"--help"}, NULL};
    return help ? s_run_command(command, 2, help_argv) : s_run_command(command, argc - 1, argv + 1);
}
