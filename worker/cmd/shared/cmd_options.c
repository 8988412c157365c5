/*  argp's tables are made of the rows while the program runs, so that a row is written once. */
#include "cmd_options.h"

#include "pt_fault_text.h"
#include "pt_file.h"
#include "pt_http_get.h"
#include "pt_producer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

//  Above the keys of the commands' own options.
#define S_KEY_FIRST 0x1000
#define S_KEY_CONFIG 0x0fff
#define S_FAULTS_SHOWN 20
#define S_GROUPS 10
#define S_OPTIONS_MAX (PT_OPTION_COUNT_ + S_GROUPS + 2)

//  One command line: the rows, the command's own options, and where both leave what they find.
typedef struct {
    unsigned command;
    struct argp own;
    void *own_input;
    pt_config_t *config;
    const char *path; //  --config
    struct argp_option options[S_OPTIONS_MAX];
    char helps[PT_OPTION_COUNT_][PT_OPTION_HELP_BYTES];
} s_line_t;

static int
s_key(const pt_option_t *option, unsigned id, unsigned command)
{
    return option->letter && (option->letter_for & command) ? option->letter : S_KEY_FIRST + (int) id;
}

static bool
s_has_group(unsigned command, int group)
{
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        if (option->group == group && (option->commands & command))
            return true;
    }
    return false;
}

//  The rows of a command as argp's options; headings only where the rows are most of the help.
static void
s_fill_options(s_line_t *self)
{
    struct argp_option *at = self->options;
    bool grouped = (self->command & PT_FOR_DAEMONS) != 0;
    for (int group = 1; grouped && pt_option_group_text(group); group++)
        if (s_has_group(self->command, group))
            *at++ = (struct argp_option) {.doc = pt_option_group_text(group), .group = group};
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        if (!(option->commands & self->command))
            continue;
        *at++ = (struct argp_option) {.name = option->flag,
                                      .key = s_key(option, id, self->command),
                                      .arg = option->argument,
                                      .flags = option->type == PT_OPTION_SWITCH ? OPTION_ARG_OPTIONAL : 0,
                                      .doc = pt_option_help(option, self->helps[id]),
                                      .group = grouped ? option->group : 0};
    }
    *at++ = (struct argp_option) {.name = "config",
                                  .key = S_KEY_CONFIG,
                                  .arg = "FILE",
                                  .doc = "the settings file, or 'none' (default " PT_CONFIG_PATH_DEFAULT ")",
                                  .group = grouped ? 9 : 0};
}

static error_t
s_parse_row(int key, char *arg, struct argp_state *state)
{
    s_line_t *self = state->input;
    char reason[PT_OPTION_REASON_BYTES];
    if (key == S_KEY_CONFIG) {
        self->path = arg;
        return 0;
    }
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        if (!(option->commands & self->command) || key != s_key(option, id, self->command))
            continue;
        if (!pt_config_put_flag(self->config, (pt_option_id_t) id, arg ? arg : "true", reason))
            argp_error(state, "--%s: %s", option->flag, reason);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

//  argp hands children no input unless their parent does so.
static error_t
s_parse_line(int key, char *arg, struct argp_state *state)
{
    (void) arg;
    s_line_t *self = state->input;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = self;
    state->child_inputs[1] = self->own_input;
    return 0;
}

//  The last who is asked what a word is.
static error_t
s_refuse_word(int key, char *arg, struct argp_state *state)
{
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    argp_error(state, "'%s' is not expected here", arg);
    return 0;
}

static int
s_refuse_file(const char *path, int error)
{
    if (error == EACCES)
        return cmd_fail(EX_NOPERM, "it holds no secrets: make it readable for everybody, or give --config none",
                        "cannot read %s: %s", path, strerror(error));
    return cmd_fail(error == ENOENT ? EX_NOINPUT : EX_IOERR, NULL, "cannot read %s: %s", path, strerror(error));
}

static int
s_read_file(pt_config_t *config, const char *path, bool named)
{
    uint8_t *data;
    size_t bytes;
    if (!pt_file_read(path, PT_CONFIG_BYTES_MAX, &data, &bytes))
        return errno == ENOENT && !named ? EX_OK : s_refuse_file(path, errno);
    pt_status_t status = pt_config_read(config, path, (pt_bytes_t) {data, bytes});
    free(data);
    return status == PT_OK ? EX_OK : cmd_fail(EX_OSERR, NULL, "no memory for %s", path);
}

int
cmd_options_read(pt_config_t *config, const char *path)
{
    if (!path)
        path = getenv("PAYTRIAGE_CONFIG");
    bool named = path && *path;
    int code = EX_OK;
    if (!named || strcmp(path, "none") != 0)
        code = s_read_file(config, named ? path : PT_CONFIG_PATH_DEFAULT, named);
    if (code == EX_OK && pt_config_read_environment(config, (const char *const *) environ) != PT_OK)
        code = cmd_fail(EX_OSERR, NULL, "no memory for the environment");
    return code;
}

int
cmd_parse(unsigned command, const struct argp *own, int argc, char **argv, void *input, pt_config_t *out_config)
{
    static s_line_t self; //  argp may end the program while it uses the options
    self = (s_line_t) {.command = command, .own = *own, .own_input = input, .config = out_config};
    if (pt_config_init(out_config) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    s_fill_options(&self);
    //  The whole command line is described by its parent; its own part keeps its options only.
    self.own.doc = self.own.args_doc = NULL;
    const struct argp rows = {.options = self.options, .parser = s_parse_row};
    static const struct argp others = {.parser = s_refuse_word};
    const struct argp_child children[] = {{&rows, 0, NULL, 0}, {&self.own, 0, NULL, 0}, {&others, 0, NULL, 0}, {0}};
    const struct argp line = {.parser = s_parse_line, .args_doc = own->args_doc, .doc = own->doc, .children = children};
    argp_parse(&line, argc, argv, 0, NULL, &self);
    int code = cmd_options_read(out_config, self.path);
    if (code == EX_OK && out_config->faults.errors) {
        pt_faults_print(&out_config->faults, S_FAULTS_SHOWN, stderr);
        code = EX_CONFIG;
    }
    if (code != EX_OK)
        pt_config_clear(out_config);
    return code;
}

size_t
cmd_options_list(const pt_config_t *config, pt_option_id_t id, const char **out, size_t max)
{
    const pt_setting_t *setting = &config->settings[id];
    size_t count = setting->count < max ? setting->count : max;
    for (size_t i = 0; i < count; i++)
        out[i] = setting->values[i].text;
    return count;
}

void
cmd_options_catalog(const pt_config_t *config, pt_load_options_t *out)
{
    out->path_count = cmd_options_list(config, PT_OPTION_CATALOG, out->paths, PT_LOAD_PATHS_MAX);
}

void
cmd_options_endpoint(const char *host, uint64_t port, char room[CMD_OPTIONS_ENDPOINT_BYTES])
{
    bool bare = strchr(host, ':') && *host != '[';
    snprintf(room, CMD_OPTIONS_ENDPOINT_BYTES, "tcp://%s%s%s:%" PRIu64, bare ? "[" : "", host, bare ? "]" : "", port);
}

size_t
cmd_options_brokers(const pt_config_t *config, const char **out, char room[CMD_OPTIONS_ENDPOINT_BYTES])
{
    size_t count = cmd_options_list(config, PT_OPTION_CLIENT_CONNECT, out, PT_PRODUCER_BROKERS_MAX);
    if (count)
        return count;
    cmd_options_endpoint(pt_config_text(config, PT_OPTION_CLIENT_HOST), pt_config_number(config, PT_OPTION_PORT_BASE),
                         room);
    out[0] = room;
    return 1;
}

int
cmd_options_check_connect(const pt_config_t *config, const char *connect_origin)
{
    bool is_host = config->settings[PT_OPTION_CLIENT_HOST].origin == PT_ORIGIN_FLAG;
    bool is_base = config->settings[PT_OPTION_PORT_BASE].origin == PT_ORIGIN_FLAG;
    if (!connect_origin || (!is_host && !is_base))
        return EX_OK;
    return cmd_fail(EX_USAGE, "give one of them, or the whole endpoint with --connect",
                    "%s is for the default endpoints, but %s names others", is_host ? "--host" : "--port-base",
                    connect_origin);
}

int
cmd_options_check_brokers(const pt_config_t *config)
{
    char origin[PT_CONFIG_ORIGIN_BYTES];
    bool connects = config->settings[PT_OPTION_CLIENT_CONNECT].count > 0;
    return cmd_options_check_connect(config,
                                     connects ? pt_config_origin(config, PT_OPTION_CLIENT_CONNECT, origin) : NULL);
}

int
cmd_options_check_http(const char *endpoint)
{
    char host[CMD_OPTIONS_ENDPOINT_BYTES];
    const char *port;
    if (pt_http_split(endpoint, host, sizeof host, &port))
        return EX_OK;
    return cmd_fail(EX_USAGE, "it looks like tcp://127.0.0.1:5580, or is none", "http: '%s' is not an endpoint",
                    endpoint);
}

const char *
cmd_options_http(const pt_config_t *config, char room[CMD_OPTIONS_ENDPOINT_BYTES])
{
    const char *given = pt_config_text(config, PT_OPTION_HTTP);
    if (given && strcmp(given, "none") == 0) {
        char origin[PT_CONFIG_ORIGIN_BYTES];
        snprintf(room, CMD_OPTIONS_ENDPOINT_BYTES, "HTTP is off: %.200s says none",
                 pt_config_origin(config, PT_OPTION_HTTP, origin));
        return NULL;
    }
    if (given)
        return given;
    cmd_options_endpoint(pt_config_text(config, PT_OPTION_CLIENT_HOST),
                         pt_config_number(config, PT_OPTION_PORT_BASE) + PT_PORT_HTTP - PT_PORT_FRONT, room);
    return room;
}
