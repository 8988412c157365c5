/*  paytriage ctl: ask workers of this host how they are, or order them to do something. */
#include "cmd.h"
#include "cmd_control.h"
#include "ctl_print.h"
#include "pt_log.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_WORKERS_MAX 64
#define S_PREFIX "worker-"

enum { KEY_CONTROL = 0x700, KEY_TIMEOUT, KEY_ALL };

typedef struct {
    const char *control; //  NULL: found in the folder
    const char *worker;  //  the beginning of an id; NULL: any
    const char *verb;
    const char *argument;
    uint64_t timeout_ms; //  0: the verb's
    bool all, json;
} ctl_options_t;

typedef struct {
    const char *name;  //  as typed
    const char *order; //  as sent
    bool many;         //  to all workers that are found, without --all
    uint64_t timeout_ms;
    ctl_print_t *print;
} verb_t;

static const struct argp_option s_options[] = {
    {"control", KEY_CONTROL, "ENDPOINT", 0, "the worker's --control (default: $PAYTRIAGE_CONTROL, else looked for)", 0},
    {"worker", 'w', "ID", 0, "the worker whose id begins with ID", 0},
    {"all", KEY_ALL, NULL, 0, "all of this user's workers on this host", 0},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "how long to wait for each answer (default 10s; reload and drain 120s)", 0},
    {"output", 'o', "FORMAT", 0, "text (default) or json: the answers as they came, one a line", 0},
    {0},
};

static void
s_check_line(struct argp_state *state, const ctl_options_t *options)
{
    if (!options->verb)
        argp_error(state, "what is to be done? status, reload, drain or loglevel");
    if (options->control && (options->worker || options->all))
        argp_error(state, "--control names one worker; --worker and --all look for them");
    if (options->worker && options->all)
        argp_error(state, "either --worker or --all");
}

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    ctl_options_t *options = state->input;
    switch (key) {
    case KEY_CONTROL:
        options->control = arg;
        break;
    case 'w':
        options->worker = arg;
        break;
    case KEY_ALL:
        options->all = true;
        break;
    case KEY_TIMEOUT:
        options->timeout_ms = cmd_duration_ms(state, "--timeout", arg);
        if (options->timeout_ms == 0 || options->timeout_ms > INT32_MAX)
            argp_error(state, "--timeout: '%s' is not from 1ms to 24d", arg);
        break;
    case 'o':
        options->json = strcmp(arg, "json") == 0;
        if (!options->json && strcmp(arg, "text") != 0)
            argp_error(state, "--output: '%s' is not text or json", arg);
        break;
    case ARGP_KEY_ARG:
        if (options->argument)
            argp_error(state, "'%s' is not expected here", arg);
        *(options->verb ? &options->argument : &options->verb) = arg;
        break;
    case ARGP_KEY_END:
        s_check_line(state, options);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

//  ---- which workers

typedef struct {
    char endpoints[S_WORKERS_MAX][CMD_CONTROL_PATH_BYTES + 8];
    size_t count;
} workers_t;

static void
s_find_workers(const char *folder, const char *id, workers_t *out)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry && out->count < S_WORKERS_MAX;
         entry = readdir(entries)) {
        char path[CMD_CONTROL_PATH_BYTES];
        size_t prefix = strlen(S_PREFIX);
        if (strncmp(entry->d_name, S_PREFIX, prefix) != 0 ||
            (id && strncmp(entry->d_name + prefix, id, strlen(id)) != 0) ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int) sizeof path)
            continue;
        if (cmd_control_is_alive(path))
            snprintf(out->endpoints[out->count++], sizeof out->endpoints[0], "ipc://%s", path);
    }
    if (entries)
        closedir(entries);
    qsort(out->endpoints, out->count, sizeof out->endpoints[0], (int (*)(const void *, const void *)) strcmp);
}

/*  Those of systemd's units, each in a folder of its own. Only their users and root may look into it; whether
 *  one was closed to us.
 */
static bool
s_find_of_units(const char *but, const char *id, workers_t *out)
{
    glob_t found;
    bool closed = false;
    if (getenv("RUNTIME_DIRECTORY") || glob("/run/paytriage*", GLOB_ONLYDIR, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        closed = closed || access(found.gl_pathv[i], R_OK | X_OK) != 0;
        if (strcmp(found.gl_pathv[i], but) != 0)
            s_find_workers(found.gl_pathv[i], id, out);
    }
    globfree(&found);
    return closed;
}

static int
s_take_endpoint(const char *endpoint, workers_t *out)
{
    if (strncmp(endpoint, "ipc://", 6) != 0 || strlen(endpoint) >= sizeof out->endpoints[0])
        return cmd_fail(EX_USAGE, "it looks like ipc:///run/paytriage/control", "'%s' is not an ipc endpoint",
                        endpoint);
    snprintf(out->endpoints[out->count++], sizeof out->endpoints[0], "%s", endpoint);
    return EX_OK;
}

static int
s_refuse_many(const workers_t *workers)
{
    int code = cmd_fail(EX_USAGE, "name one with --worker ID, or order all of them with --all",
                        "there are %zu workers:", workers->count);
    for (size_t i = 0; i < workers->count; i++)
        fprintf(stderr, "  %s\n", strrchr(workers->endpoints[i], '-') + 1);
    return code;
}

static int
s_choose_workers(const ctl_options_t *options, const verb_t *verb, workers_t *out)
{
    char folder[CMD_CONTROL_PATH_BYTES];
    const char *given = options->control ? options->control : getenv("PAYTRIAGE_CONTROL");
    if (options->worker || options->all)
        given = options->control;
    out->count = 0;
    if (given && *given)
        return s_take_endpoint(given, out);
    cmd_control_folder(folder);
    s_find_workers(folder, options->worker, out);
    bool closed = s_find_of_units(folder, options->worker, out);
    if (out->count == 0)
        return cmd_fail(EX_UNAVAILABLE,
                        closed ? "those of services are for root and for the user paytriage"
                               : "name one with --control ENDPOINT; it says which when it starts",
                        "no worker%s%s has its control socket in %s", options->worker ? " " : "",
                        options->worker ? options->worker : "", folder);
    return out->count == 1 || options->all || verb->many ? EX_OK : s_refuse_many(out);
}

static const verb_t s_verbs[] = {
    {"status", "STATUS", true, 10000, ctl_print_status},
    {"reload", "RELOAD", false, 120000, ctl_print_reloaded},
    {"drain", "DRAIN", false, 120000, ctl_print_drained},
    {"loglevel", "LOGLEVEL", false, 10000, ctl_print_level},
};
#define S_VERB_COUNT (sizeof s_verbs / sizeof s_verbs[0])

//  ---- asking

//  Word and text of the answer, to be freed; NULL: none came.
static char *
s_ask(const ctl_options_t *options, const verb_t *verb, const char *endpoint, char **out_text)
{
    zsock_t *socket = pt_sockets_new(ZMQ_REQ, 1, 1);
    char *word = NULL;
    *out_text = NULL;
    //  Connecting never fails at once, and would wait in vain for who is not there.
    if (socket && cmd_control_is_alive(endpoint + 6) && access(endpoint + 6, F_OK) == 0 &&
        pt_sockets_connect(socket, endpoint) == PT_OK) {
        zsock_set_linger(socket, 0);
        zsock_set_rcvtimeo(socket, (int) (options->timeout_ms ? options->timeout_ms : verb->timeout_ms));
        zstr_sendx(socket, verb->order, options->argument, NULL);
        zstr_recvx(socket, &word, out_text, NULL);
    }
    zsock_destroy(&socket);
    return word;
}

static int
s_refused(const verb_t *verb, const char *word, const json_t *answer)
{
    fputs(ctl_text(answer, "reason"), stderr);
    if (strcmp(word, PT_ORDER_UNKNOWN) == 0)
        return cmd_fail(EX_UNAVAILABLE, "it is of another version", "the worker cannot '%s'", verb->name);
    if (*ctl_text(answer, "catalog"))
        return cmd_fail(EX_CONFIG, NULL, "the catalog was refused; %s stays in use", ctl_text(answer, "catalog"));
    return cmd_fail(EX_TEMPFAIL, NULL, "the worker did not %s", verb->name);
}

static int
s_order(const ctl_options_t *options, const verb_t *verb, const char *endpoint)
{
    char *text;
    char *word = s_ask(options, verb, endpoint, &text);
    if (!word)
        return cmd_fail(EX_UNAVAILABLE, "is it running, and does this user own it?", "no answer from %s", endpoint);
    json_t *answer = text ? json_loads(text, 0, NULL) : NULL;
    bool well = strcmp(word, PT_ORDER_OK) == 0;
    if (options->json && text)
        puts(text);
    if (well && !options->json)
        verb->print(answer);
    int code = well ? EX_OK : s_refused(verb, word, answer);
    json_decref(answer);
    zstr_free(&text);
    zstr_free(&word);
    return code;
}

static const verb_t *
s_find_verb(const char *name)
{
    for (size_t i = 0; i < S_VERB_COUNT; i++)
        if (strcmp(s_verbs[i].name, name) == 0)
            return &s_verbs[i];
    return NULL;
}

static int
s_run(const ctl_options_t *options)
{
    static workers_t workers;
    const verb_t *verb = s_find_verb(options->verb);
    if (!verb)
        return cmd_fail(EX_USAGE, "the orders are status, reload, drain and loglevel", "there is no order '%s'",
                        options->verb);
    bool takes = strcmp(verb->name, "loglevel") == 0;
    if (takes && (!options->argument || pt_log_level_parse(options->argument) < 0))
        return cmd_fail(EX_USAGE, "ctl loglevel debug", "which level? error, warning, info or debug");
    if (options->argument && !takes)
        return cmd_fail(EX_USAGE, NULL, "%s: '%s' is not expected here", verb->name, options->argument);
    int code = s_choose_workers(options, verb, &workers);
    if (code != EX_OK)
        return code;
    if (pt_sockets_init() != PT_OK)
        return cmd_tell_short(errno);
    //  Each one is asked, also when another one refuses; the first refusal is the exit code.
    for (size_t i = 0; i < workers.count; i++) {
        int one = s_order(options, verb, workers.endpoints[i]);
        code = code == EX_OK ? one : code;
    }
    int flushed = cmd_flush();
    return code == EX_OK ? flushed : code;
}

int
cmd_ctl(int argc, char **argv)
{
    static const struct argp argp = {
        .options = s_options,
        .parser = s_parse,
        .args_doc = "status|reload|drain|loglevel LEVEL",
        .doc = "Show how the workers of this host are, or tell one to load its catalog again, or to drain.\v"
               "status   worker, catalog, reloads, journal and counters of each worker\n"
               "reload   load the catalog's files again, and return when every thread uses them;\n"
               "         or say what is wrong with them, and keep the old catalog\n"
               "drain    take nothing more, finish what was taken, and end, as after SIGTERM\n"
               "loglevel say error, warning, info or debug from now on\n\n"
               "Workers are found by their sockets in $RUNTIME_DIRECTORY, /run/paytriage, $XDG_RUNTIME_DIR/paytriage "
               "or /tmp/paytriage-UID, in this order, and in those of systemd's units, /run/paytriage*.\n\n"
               "Examples:\n"
               "  paytriage ctl status\n"
               "  paytriage ctl status -o json --worker 4f\n"
               "  paytriage ctl reload\n\n"
               "Exit: 0 done, 64 no such order, or several workers, 69 no worker answers, 71 the system gives no "
               "sockets, 75 not everything was finished, 78 the catalog is refused."};
    ctl_options_t options = {.control = NULL};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return s_run(&options);
}
