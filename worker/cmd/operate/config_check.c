/*  paytriage config check: all that a daemon would refuse at its start, without starting one.
 *
 *  What the table of settings says of single values, the reader of settings has said already. Left are
 *  catalogs and keys, and what several settings mean together. Whether addresses are free, and what
 *  another user may read, only the start itself can tell.
 */
#include "config_check.h"
#include "cmd_catalog.h"
#include "cmd_control.h"
#include "cmd_curve.h"
#include "cmd_options.h"

#include "pt_fault_text.h"
#include "pt_http_get.h"
#include "pt_wire.h"

#include <string.h>

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    const char **path = state->input;
    if (key != ARGP_KEY_ARG && key != 'c')
        return ARGP_ERR_UNKNOWN;
    if (*path)
        argp_error(state, "one file at a time");
    *path = arg;
    return 0;
}

static int
s_load(pt_config_t *config, const char *path)
{
    int code = pt_config_init(config) == PT_OK ? EX_OK : cmd_fail(EX_OSERR, NULL, "no memory");
    return code == EX_OK ? cmd_options_read(config, path) : code;
}

static int
s_check_catalog(const pt_config_t *config)
{
    static pt_load_options_t options;
    pt_load_t load;
    const pt_catalog_t *catalog;
    cmd_options_catalog(config, &options);
    int code = cmd_catalog_open(&options, &load, &catalog);
    pt_load_clear(&load);
    return code;
}

static int
s_check_keys(const pt_config_t *config)
{
    pt_curve_t *curve;
    int code = cmd_curve_open(pt_config_text(config, PT_OPTION_CURVE), &curve);
    pt_curve_close(&curve);
    return code;
}

//  What a daemon binds, and the default ports.
static const struct {
    pt_option_id_t id;
    unsigned port;
} s_bound[] = {
    {PT_OPTION_BROKER_FRONT, PT_PORT_FRONT},
    {PT_OPTION_BROKER_BACK, PT_PORT_BACK},
    {PT_OPTION_PUBLISH_RETRY, PT_PORT_RETRY},
    {PT_OPTION_PUBLISH_DEAD_LETTER, PT_PORT_DEAD_LETTER},
    {PT_OPTION_PUBLISH_OPERATOR_ALERT, PT_PORT_OPERATOR_ALERT},
    {PT_OPTION_PUBLISH_SETTLED, PT_PORT_SETTLED},
    {PT_OPTION_JOURNAL_REPLAY, PT_PORT_REPLAY},
};

//  Every endpoint that is named, and for all the others one that is made of the address.
static int
s_check_binds(const pt_config_t *config)
{
    //  Keys that cannot be read are a fault of their own; they are not missing.
    bool open = pt_config_number(config, PT_OPTION_INSECURE_PUBLIC_BIND) || pt_config_text(config, PT_OPTION_CURVE);
    char made[CMD_OPTIONS_ENDPOINT_BYTES] = "";
    int worst = EX_OK;
    for (size_t i = 0; i < sizeof s_bound / sizeof s_bound[0]; i++) {
        const char *endpoint = pt_config_text(config, s_bound[i].id);
        if (!endpoint && *made)
            continue;
        if (!endpoint) {
            uint64_t base = pt_config_number(config, PT_OPTION_PORT_BASE);
            cmd_options_endpoint(pt_config_text(config, PT_OPTION_BIND), base + s_bound[i].port - PT_PORT_FRONT, made);
            endpoint = made;
        }
        int code = cmd_curve_check_bind(endpoint, NULL, open);
        worst = code == EX_OK ? worst : code;
    }
    return worst;
}

static int
s_check_http(const pt_config_t *config)
{
    char host[256];
    const char *port;
    const char *endpoint = pt_config_text(config, PT_OPTION_HTTP);
    bool open = pt_config_number(config, PT_OPTION_INSECURE_PUBLIC_HTTP) ||
                pt_config_number(config, PT_OPTION_INSECURE_PUBLIC_BIND);
    if (!endpoint || streq(endpoint, "none"))
        return EX_OK;
    if (!pt_http_split(endpoint, host, sizeof host, &port))
        return cmd_fail(EX_CONFIG, "it looks like tcp://127.0.0.1:5580, or is none", "http: '%s' is not an endpoint",
                        endpoint);
    return cmd_curve_check_http(endpoint, open);
}

//  All of them, so that all faults are said. How a command line would end is not asked here.
static int
s_check_together(const pt_config_t *config)
{
    const int codes[] = {s_check_catalog(config), s_check_keys(config), s_check_binds(config), s_check_http(config),
                         cmd_control_check(pt_config_text(config, PT_OPTION_CONTROL))};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] != EX_OK)
            return codes[i] == EX_USAGE ? EX_CONFIG : codes[i];
    return EX_OK;
}

static size_t
s_count_given(const pt_config_t *config)
{
    size_t count = 0;
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++)
        count += config->settings[id].origin != PT_ORIGIN_DEFAULT;
    return count;
}

//  Named as for all other commands, or as a file is for most checkers: people try both.
static const struct argp_option s_options[] = {
    {"config", 'c', "FILE", 0, "the same as FILE", 0},
    {0},
};
static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse,
    .args_doc = "[FILE]",
    .doc = "Read the settings as a daemon would at its start, and the catalogs and keys that they name, and report "
           "everything that is wrong.\v"
           "Without FILE, the one that $PAYTRIAGE_CONFIG names, else " PT_CONFIG_PATH_DEFAULT
           "; environment variables are checked too.\n\n"
           "Examples:\n"
           "  paytriage config check\n"
           "  paytriage config check ./paytriage.yml\n\n"
           "Exit: 0 a daemon would start with it if its addresses are free, 66 no such file, 77 not permitted, 78 "
           "faults."};

int
config_check(int argc, char **argv)
{
    const char *path = NULL;
    pt_config_t config;
    argp_parse(&s_argp, argc, argv, 0, NULL, &path);
    int code = s_load(&config, path);
    if (code == EX_OK) {
        pt_faults_print(&config.faults, SIZE_MAX, stderr);
        code = config.faults.errors ? EX_CONFIG : s_check_together(&config);
    }
    if (code == EX_OK)
        printf("%s: good, %zu settings given\n", config.path ? config.path : "no file", s_count_given(&config));
    pt_config_clear(&config);
    return code == EX_OK ? cmd_flush() : code;
}
