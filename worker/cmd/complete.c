/*  paytriage __complete WORDS...: what the last word may become, one a line, for the shells' completions.
 *
 *  Commands and options are read out of this program's own help, so that there is no second list of them;
 *  gateways and codes come from the catalog that is in use. Faults are silent: a completion that talks
 *  would be worse than none.
 */
#include "cmd_catalog.h"
#include "cmd_options.h"

#include "pt_model.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define S_CODES_MAX 1000 //  nobody reads more

//  Print a word that begins as the one that is completed does.
static void
s_offer(const char *word, size_t len, const char *typed)
{
    size_t typed_len = strlen(typed);
    if (len >= typed_len && memcmp(word, typed, typed_len) == 0)
        printf("%.*s\n", (int) len, word);
}

static void
s_offer_word(const char *word, const char *typed)
{
    s_offer(word, strlen(word), typed);
}

//  ---- out of the help

//  Run this program and read what it prints; NULL: it cannot be.
static FILE *
s_run_self(char *const arguments[], pid_t *out_pid)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    *out_pid = fork();
    if (*out_pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (dup2(ends[1], STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0)
            execv("/proc/self/exe", arguments);
        _exit(EX_OSERR);
    }
    close(ends[1]);
    FILE *stream = *out_pid > 0 ? fdopen(ends[0], "r") : NULL;
    if (!stream)
        close(ends[0]);
    return stream;
}

//  Lines of commands and verbs: two blanks, a name, blanks, and what it is.
static void
s_offer_name(const char *line, const char *typed)
{
    size_t len = strncmp(line, "  ", 2) == 0 ? strspn(line + 2, "abcdefghijklmnopqrstuvwxyz") : 0;
    if (len && line[2 + len] == ' ')
        s_offer(line + 2, len, typed);
}

static void
s_offer_options(const char *line, const char *typed)
{
    //  In the list of options only; the sentences below name options too.
    const char *at = strncmp(line, "  ", 2) == 0 ? strstr(line, "--") : NULL;
    if (!at || strspn(line, " -?,abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1") < (size_t) (at - line) ||
        at - line > 6)
        return;
    size_t len = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");
    s_offer(at, len, typed);
}

static void
s_read_help(const char *command, const char *verb, const char *typed, void (*offer)(const char *, const char *))
{
    char program[] = "paytriage", help[] = "--help";
    char *arguments[5] = {program};
    size_t count = 1;
    if (command)
        arguments[count++] = (char *) (uintptr_t) command;
    if (verb)
        arguments[count++] = (char *) (uintptr_t) verb;
    arguments[count] = help;
    pid_t pid;
    FILE *stream = s_run_self(arguments, &pid);
    char *line = NULL;
    size_t room = 0;
    while (stream && getline(&line, &room, stream) > 0)
        offer(line, typed);
    free(line);
    if (stream) {
        fclose(stream);
        waitpid(pid, NULL, 0);
    }
}

//  ---- out of the catalog

//  Something of a catalog, or of one gateway of it.
typedef void(offer_fn)(const pt_catalog_t *catalog, const char *provider_name, const char *typed);

static void
s_offer_providers(const pt_catalog_t *catalog, const char *provider_name, const char *typed)
{
    (void) provider_name;
    for (size_t i = 0; i < pt_catalog_provider_count(catalog); i++) {
        pt_text_t id = pt_provider_id(pt_catalog_provider_at(catalog, i));
        s_offer(id.data, id.len, typed);
    }
}

static void
s_offer_codes(const pt_catalog_t *catalog, const char *provider_name, const char *typed)
{
    const pt_provider_t *provider = pt_catalog_provider(catalog, pt_text_of(provider_name));
    static pt_text_t offered[S_CODES_MAX];
    size_t count = 0;
    for (size_t i = 0; provider && i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        if (pt_catalog_entry_provider(catalog, entry) != provider)
            continue;
        pt_text_t code = pt_catalog_entry_view(catalog, entry).code;
        bool begins = code.data && code.len >= strlen(typed) && memcmp(code.data, typed, strlen(typed)) == 0;
        for (size_t j = 0; begins && j < count; j++)
            begins = !pt_text_equal(offered[j], code);
        if (!begins || count == S_CODES_MAX)
            continue;
        offered[count++] = code;
        s_offer(code.data, code.len, typed);
    }
}

static void
s_offer_operations(const pt_catalog_t *catalog, const char *provider_name, const char *typed)
{
    const pt_provider_t *provider = pt_catalog_provider(catalog, pt_text_of(provider_name));
    for (size_t i = 0; provider && i < pt_provider_operation_count(provider); i++) {
        pt_text_t name = pt_provider_operation_at(provider, i).name;
        s_offer(name.data, name.len, typed);
    }
}

//  The catalog of the settings, or the built-in one where that is at fault.
static void
s_offer_from_catalog(offer_fn *offer, const char *provider, const char *typed)
{
    static pt_load_options_t options;
    pt_config_t config;
    pt_load_t load = {0};
    const pt_catalog_t *catalog = pt_catalog_builtin();
    bool well = pt_config_init(&config) == PT_OK && cmd_options_read(&config, NULL) == EX_OK && !config.faults.errors;
    if (well)
        cmd_options_catalog(&config, &options);
    if (options.path_count && pt_load(&options, &load) == PT_LOAD_OK)
        catalog = load.catalog;
    offer(catalog, provider, typed);
    pt_load_clear(&load);
    pt_config_clear(&config);
}

//  ---- the value of an option

//  Values of a row of the table. False: the flag is none, or takes any text.
static bool
s_offer_values(const char *flag, const char *typed)
{
    bool found = false;
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        if (option->type != PT_OPTION_WORD || strcmp(option->flag, flag) != 0)
            continue;
        for (const char *const *word = option->words; *word; word++)
            s_offer_word(*word, typed);
        found = true;
    }
    return found;
}

static bool
s_offer_argument(const char *command, const char *before, const char *typed)
{
    static const char *const formats[] = {"text", "jsonl"};
    static const char *const routes[] = {"settled", "retry", "dead_letter", "operator_alert"};
    if (strncmp(before, "--", 2) != 0)
        return false;
    if (strcmp(before, "--provider") == 0)
        s_offer_from_catalog(s_offer_providers, NULL, typed);
    else if (strcmp(before, "--category") == 0)
        for (unsigned i = 0; i < PT_CATEGORY_COUNT_; i++)
            s_offer_word(pt_category_text((pt_category_t) i), typed);
    else if (strcmp(before, "--route") == 0)
        for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
            s_offer_word(routes[i], typed);
    else if (strcmp(before, "--output") == 0)
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
            s_offer_word(formats[i], typed);
    else
        return s_offer_values(before + 2, typed);
    if (strcmp(before, "--output") == 0 && strcmp(command, "explain") == 0)
        s_offer_word("json", typed);
    return true;
}

static bool
s_has_verbs(const char *command)
{
    return strcmp(command, "catalog") == 0 || strcmp(command, "journal") == 0 || strcmp(command, "config") == 0 ||
           strcmp(command, "ctl") == 0;
}

int
cmd_complete(int argc, char **argv)
{
    const char *typed = argc > 1 ? argv[argc - 1] : "";
    const char *command = argc > 2 ? argv[1] : NULL, *verb = NULL;
    if (!command) {
        s_read_help(NULL, NULL, typed, s_offer_name);
        return cmd_flush();
    }
    if (s_has_verbs(command) && argc == 3) {
        s_read_help(command, NULL, typed, s_offer_name);
        return cmd_flush();
    }
    if (s_has_verbs(command))
        verb = argv[2];
    bool explains = strcmp(command, "explain") == 0;
    if (s_offer_argument(command, argv[argc - 2], typed))
        return cmd_flush();
    if (typed[0] == '-')
        s_read_help(command, verb, typed, s_offer_options);
    else if (explains && argc > 4 && strcmp(argv[argc - 2], "--operation") == 0)
        s_offer_from_catalog(s_offer_operations, argv[2], typed);
    else if (explains && argc == 3)
        s_offer_from_catalog(s_offer_providers, NULL, typed);
    else if (explains && argc == 4)
        s_offer_from_catalog(s_offer_codes, argv[2], typed);
    else if (strcmp(command, "help") == 0 && argc == 3)
        s_read_help(NULL, NULL, typed, s_offer_name);
    return cmd_flush();
}
