/*  paytriage config: look at the settings, without starting anything. */
#include "cmd_catalog.h"
#include "cmd_options.h"
#include "cmd_verbs.h"
#include "config_check.h"

#include <stdlib.h>
#include <string.h>

//  ---- show

//  Quoted where YAML would read something else than the text.
static void
s_print_text(const char *text)
{
    bool plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:") == strlen(text);
    if (plain && *text && *text != '-' && !strstr(text, ": ") && text[strlen(text) - 1] != ':') {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++)
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            printf("\\x%02x", (unsigned char) *text);
        else
            printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

static void
s_print_values(const pt_option_t *option, const pt_option_value_t *values, size_t count)
{
    if (option->values_max > 1)
        putchar('[');
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", stdout);
        s_print_text(values[i].text);
    }
    if (option->values_max > 1)
        putchar(']');
}

static void
s_print_setting(const pt_config_t *config, pt_option_id_t id, bool origin)
{
    const pt_option_t *option = pt_option(id);
    const pt_setting_t *setting = &config->settings[id];
    static char where[PT_CONFIG_ORIGIN_BYTES];
    if (!setting->count && !origin)
        return;
    printf("%s: ", option->key);
    s_print_values(option, setting->values, setting->count);
    if (origin && setting->count)
        printf("  # %s", pt_config_origin(config, id, where));
    else if (origin)
        printf(" # default: %s", option->otherwise);
    putchar('\n');
}

static error_t
s_parse_show(int key, char *arg, struct argp_state *state)
{
    (void) arg;
    if (key != 'o')
        return ARGP_ERR_UNKNOWN;
    *(bool *) state->input = true;
    return 0;
}

static int
s_show(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"origin", 'o', NULL, 0, "where each value comes from: a flag, a variable, FILE:LINE:COLUMN or the default", 0},
        {0},
    };
    static const struct argp argp = {
        .options = options,
        .parser = s_parse_show,
        .doc = "Print the settings in effect, one per line, as 'paytriage run' would have them with the same flags.\v"
               "A flag overrides an environment variable, which overrides the file, which overrides the default.\n\n"
               "Example:\n"
               "  paytriage config show --origin --port-base 5660\n\n"
               "Exit: 0 done, 66 no such file, 77 not permitted, 78 faults."};
    bool origin = false;
    pt_config_t config;
    int code = cmd_parse(PT_FOR_RUN, &argp, argc, argv, &origin, &config);
    if (code != EX_OK)
        return code;
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++)
        s_print_setting(&config, (pt_option_id_t) id, origin);
    pt_config_clear(&config);
    return cmd_flush();
}

//  ---- defaults

//  The name in its section; a new section is opened first.
static const char *
s_open_section(const pt_option_t *option, const pt_option_t *before)
{
    const char *dot = strchr(option->key, '.');
    if (!dot)
        return option->key;
    size_t len = (size_t) (dot + 1 - option->key);
    if (!before || strncmp(before->key, option->key, len) != 0)
        printf("\n%.*s:\n", (int) len - 1, option->key);
    return dot + 1;
}

static void
s_print_default(const pt_option_t *option, const pt_option_t *before, bool comment)
{
    const char *name = s_open_section(option, before), *indent = name == option->key ? "" : "  ";
    char env[PT_OPTION_NAME_BYTES];
    bool value = option->preset && !comment;
    printf("%s# %s; %s", indent, option->help, pt_option_env(option, env));
    if (!option->preset)
        printf("\n%s# without it: %s", indent, option->otherwise);
    printf("\n%s%s%s: ", indent, value ? "" : "#", name);
    if (option->preset)
        s_print_text(option->preset);
    else
        fputs(option->values_max > 1 ? "[]" : "…", stdout);
    putchar('\n');
}

static error_t
s_parse_defaults(int key, char *arg, struct argp_state *state)
{
    if (key == 'c')
        *(bool *) state->input = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "'%s' is not expected here", arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static int
s_defaults(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"comment", 'c', NULL, 0, "with every setting commented out, to start a file from", 0},
        {0},
    };
    static const struct argp argp = {.options = options,
                                     .parser = s_parse_defaults,
                                     .doc = "Print a paytriage.yml with every key, its default and what it means.\v"
                                            "Example:\n"
                                            "  paytriage config defaults --comment >paytriage.yml\n\n"
                                            "Exit: 0 done, 74 it could not be written."};
    bool comment = false;
    argp_parse(&argp, argc, argv, 0, NULL, &comment);
    puts("# paytriage.yml: settings of all commands of paytriage on this machine; see paytriage.yml(5).\n"
         "# A flag overrides an environment variable, which overrides this file. The file is read when a command "
         "starts.\n"
         "version: 1");
    const pt_option_t *before = NULL;
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        s_print_default(pt_option((pt_option_id_t) id), before, comment);
        before = pt_option((pt_option_id_t) id);
    }
    return cmd_flush();
}

//  ---- schema

static json_t *
s_one_schema(const pt_option_t *option)
{
    switch (option->type) {
    case PT_OPTION_NUMBER: {
        json_t *number = json_pack("{ss sI sI}", "type", "integer", "minimum", (json_int_t) option->min, "maximum",
                                   (json_int_t) option->max);
        return option->word ? json_pack("{s[o{ss}]}", "anyOf", number, "const", option->word) : number;
    }
    case PT_OPTION_DURATION:
        return json_pack("{ss ss}", "type", "string", "pattern", "^[0-9]+(ms|s|m|h|d)$");
    case PT_OPTION_BYTES:
        return json_pack("{s[ss] ss}", "type", "string", "integer", "pattern", "^[0-9]+[KMGT]?$");
    case PT_OPTION_SWITCH:
        return json_pack("{ss}", "type", "boolean");
    case PT_OPTION_ENDPOINT:
        return json_pack("{ss ss}", "type", "string", "pattern", "^[a-z]+://.");
    case PT_OPTION_HOST:
        return json_pack("{ss ss}", "type", "string", "pattern", "^[^/ ]+$");
    case PT_OPTION_WORD: {
        json_t *words = json_array();
        for (const char *const *word = option->words; *word; word++)
            json_array_append_new(words, json_string(*word));
        return json_pack("{so}", "enum", words);
    }
    case PT_OPTION_TEXT:
        break;
    }
    return json_pack("{ss si}", "type", "string", "minLength", 1);
}

static json_t *
s_option_schema(const pt_option_t *option)
{
    char env[PT_OPTION_NAME_BYTES];
    json_t *schema = s_one_schema(option);
    if (option->values_max > 1)
        schema = json_pack("{s[O{ss so sI}]}", "anyOf", schema, "type", "array", "items", schema, "maxItems",
                           (json_int_t) option->values_max);
    json_object_set_new(schema, "description", json_string(option->help));
    if (option->preset)
        json_object_set_new(schema, "default", json_string(option->preset));
    json_object_set_new(schema, "x-flag", json_sprintf("--%s", option->flag));
    json_object_set_new(schema, "x-env", json_string(pt_option_env(option, env)));
    return schema;
}

//  The properties of a section, made when its first key comes.
static json_t *
s_section_schema(json_t *top, const pt_option_t *option)
{
    const char *dot = strchr(option->key, '.');
    if (!dot)
        return top;
    char section[PT_OPTION_NAME_BYTES];
    snprintf(section, sizeof section, "%.*s", (int) (dot - option->key), option->key);
    json_t *schema = json_object_get(top, section);
    if (!schema) {
        schema = json_pack("{s[ss] sb s{}}", "type", "object", "null", "additionalProperties", 0, "properties");
        json_object_set_new(top, section, schema);
    }
    return json_object_get(schema, "properties");
}

static int
s_schema(int argc, char **argv)
{
    static const struct argp argp = {.doc = "Print the JSON Schema of paytriage.yml, for editors.\v"
                                            "Example:\n"
                                            "  paytriage config schema >paytriage.schema.json\n\n"
                                            "Exit: 0 done, 74 it could not be written."};
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    json_t *top = json_pack("{s{si}}", "version", "const", 1);
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        const char *dot = strchr(option->key, '.');
        json_object_set_new(s_section_schema(top, option), dot ? dot + 1 : option->key, s_option_schema(option));
    }
    cmd_catalog_print_json(json_pack("{ss ss ss sb so}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                                     "title", "paytriage.yml", "type", "object", "additionalProperties", 0,
                                     "properties", top));
    return cmd_flush();
}

//  ---- the verbs

static const cmd_verb_t s_verbs[] = {
    {"check", config_check, "list everything that is wrong with the settings"},
    {"show", s_show, "the settings in effect, and with --origin where each comes from"},
    {"defaults", s_defaults, "a paytriage.yml with every key and its default"},
    {"schema", s_schema, "its JSON Schema"},
    {0},
};

int
cmd_config(int argc, char **argv)
{
    static const cmd_verbs_t group = {
        .command = "config",
        .usage = "VERB [OPTION...]\n\n"
                 "The settings of all commands: paytriage.yml, the environment and flags together.",
        .verbs = s_verbs,
        .more = "'paytriage config VERB --help' tells more.",
    };
    return cmd_verbs_run(&group, argc, argv);
}
