/*  A layer may come before a stronger one or after it: what is weaker than what stands is only checked.
 *  So the commands may parse flags first, which tell where the file is.
 */
#include "pt_config.h"

#include "pt_read.h"
#include "pt_words.h"

#include <assert.h>
#include <stdio.h>

pt_status_t
pt_config_init(pt_config_t *self)
{
    *self = (pt_config_t) {0};
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        char reason[PT_OPTION_REASON_BYTES];
        if (!option->preset)
            continue;
        pt_option_value_t *value = pt_source_alloc(&self->memory, sizeof *value);
        if (!value)
            return PT_E_NOMEM;
        bool well = pt_option_parse(option, option->preset, value, reason);
        assert(well); //  our own table
        (void) well;
        self->settings[id] = (pt_setting_t) {.values = value, .count = 1};
    }
    return PT_OK;
}

//  Put a value that was parsed. NULL mark: no file. False: no memory, or more than there may be.
static bool
s_put(pt_config_t *self, pt_option_id_t id, pt_origin_t origin, const pt_mark_t *mark, const pt_option_value_t *value)
{
    pt_setting_t *setting = &self->settings[id];
    size_t max = pt_option(id)->values_max ? pt_option(id)->values_max : 1;
    if (setting->origin > origin)
        return true;
    if (setting->origin != origin) {
        pt_option_value_t *values = pt_source_alloc(&self->memory, max * sizeof *values);
        if (!values)
            return false;
        *setting = (pt_setting_t) {.origin = origin, .values = values, .mark = mark ? *mark : (pt_mark_t) {0}};
    }
    //  Past the default, the values were allocated above.
    pt_option_value_t *values = (pt_option_value_t *) (uintptr_t) setting->values;
    if (max == 1)
        setting->count = 0;
    if (setting->count == max)
        return false;
    values[setting->count++] = *value;
    return true;
}

bool
pt_config_put_flag(pt_config_t *self, pt_option_id_t id, const char *text, char reason[PT_OPTION_REASON_BYTES])
{
    const pt_option_t *option = pt_option(id);
    pt_option_value_t value;
    if (!pt_option_parse(option, text, &value, reason))
        return false;
    if (s_put(self, id, PT_ORIGIN_FLAG, NULL, &value))
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "at most %zu of them", option->values_max);
    return false;
}

//  ---- the file

typedef struct {
    pt_config_t *config;
    pt_reader_t reader;
    bool seen[PT_OPTION_COUNT_];
    unsigned seen_line[PT_OPTION_COUNT_];
} s_file_t;

static pt_fault_kind_t
s_kind(const pt_option_t *option)
{
    static const pt_fault_kind_t kinds[] = {
        [PT_OPTION_TEXT] = PT_FAULT_TEXT,     [PT_OPTION_ENDPOINT] = PT_FAULT_ENDPOINT,
        [PT_OPTION_NUMBER] = PT_FAULT_NUMBER, [PT_OPTION_DURATION] = PT_FAULT_DURATION,
        [PT_OPTION_BYTES] = PT_FAULT_BYTES,   [PT_OPTION_SWITCH] = PT_FAULT_BOOLEAN,
        [PT_OPTION_WORD] = PT_FAULT_WORD,     [PT_OPTION_HOST] = PT_FAULT_TEXT,
    };
    return kinds[option->type];
}

static void
s_take_scalar(s_file_t *self, pt_option_id_t id, const pt_node_t *node)
{
    const pt_option_t *option = pt_option(id);
    char reason[PT_OPTION_REASON_BYTES];
    pt_option_value_t value;
    pt_mark_t mark = pt_read_mark(&self->reader, node);
    if (node->kind != PT_NODE_SCALAR)
        pt_read_fault(&self->reader, node, PT_FAULT_TYPE, "%s is a single value", option->key);
    else if (memchr(node->text.data, 0, node->text.len))
        pt_read_fault(&self->reader, node, PT_FAULT_TEXT, "%s holds a zero byte", option->key);
    else if (!pt_option_parse(option, node->text.data, &value, reason))
        pt_read_fault(&self->reader, node, s_kind(option), "%s: %s", option->key, reason);
    else if (!s_put(self->config, id, PT_ORIGIN_FILE, &mark, &value))
        self->reader.out_of_memory = true;
}

static void
s_take_value(s_file_t *self, pt_option_id_t id, const pt_link_t *link)
{
    const pt_option_t *option = pt_option(id);
    if (self->seen[id]) {
        pt_read_fault(&self->reader, link->key, PT_FAULT_KEY_TWICE, "%s stands twice; first at line %u", option->key,
                      self->seen_line[id]);
        return;
    }
    self->seen[id] = true;
    self->seen_line[id] = link->key->line;
    const pt_node_t *value = link->value;
    if (option->values_max <= 1 || value->kind != PT_NODE_LIST) {
        s_take_scalar(self, id, value);
        return;
    }
    if (value->count > option->values_max)
        pt_read_fault(&self->reader, value, PT_FAULT_TOO_MANY, "%s: at most %zu of them", option->key,
                      option->values_max);
    for (const pt_link_t *item = value->first; item && value->count <= option->values_max; item = item->next)
        s_take_scalar(self, id, item->value);
}

//  What stands behind "SECTION." in a key, or the key itself where section is NULL; NULL: not of it.
static const char *
s_name_in(const pt_option_t *option, const char *section)
{
    const char *dot = strchr(option->key, '.');
    if (!section)
        return dot ? NULL : option->key;
    size_t len = strlen(section);
    bool inside = dot && (size_t) (dot - option->key) == len && memcmp(option->key, section, len) == 0;
    return inside ? dot + 1 : NULL;
}

static bool
s_is_name(const pt_node_t *key, const char *name)
{
    return name && pt_text_equal(key->text, pt_text_of(name));
}

//  The section that a key of the top names, in the table; NULL when it names none.
static const char *
s_find_section(const pt_node_t *key, char out[PT_OPTION_NAME_BYTES])
{
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const char *dot = strchr(pt_option((pt_option_id_t) id)->key, '.');
        if (!dot)
            continue;
        snprintf(out, PT_OPTION_NAME_BYTES, "%.*s", (int) (dot - pt_option((pt_option_id_t) id)->key),
                 pt_option((pt_option_id_t) id)->key);
        if (s_is_name(key, out))
            return out;
    }
    return NULL;
}

static void
s_fault_unknown(s_file_t *self, const pt_node_t *key, const char *section)
{
    const char *names[2 * PT_OPTION_COUNT_ + 1];
    char sections[PT_OPTION_COUNT_][PT_OPTION_NAME_BYTES];
    size_t count = 0;
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++) {
        const pt_option_t *option = pt_option((pt_option_id_t) id);
        const char *name = s_name_in(option, section), *dot = strchr(option->key, '.');
        if (name)
            names[count++] = name;
        if (section || !dot)
            continue;
        snprintf(sections[id], sizeof sections[id], "%.*s", (int) (dot - option->key), option->key);
        names[count++] = sections[id];
    }
    if (!section)
        names[count++] = "version";
    char where[80];
    snprintf(where, sizeof where, " in %s", section ? section : "paytriage.yml");
    pt_read_fault_unknown(&self->reader, key, PT_FAULT_KEY_UNKNOWN, "key", where, names, count);
}

static bool
s_take_option(s_file_t *self, const pt_link_t *link, const char *section)
{
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++)
        if (s_is_name(link->key, s_name_in(pt_option((pt_option_id_t) id), section))) {
            s_take_value(self, (pt_option_id_t) id, link);
            return true;
        }
    return false;
}

static bool
s_is_nothing(const pt_node_t *node)
{
    return node->kind == PT_NODE_SCALAR && !node->quoted && node->text.len == 0;
}

//  A section whose keys are all commented out has nothing in it.
static void
s_take_section(s_file_t *self, const char *section, const pt_node_t *map)
{
    if (s_is_nothing(map))
        return;
    if (map->kind != PT_NODE_MAP) {
        pt_read_fault(&self->reader, map, PT_FAULT_TYPE, "%s is a map of settings", section);
        return;
    }
    for (const pt_link_t *link = map->first; link; link = link->next)
        if (!s_take_option(self, link, section))
            s_fault_unknown(self, link->key, section);
}

static void
s_take_top(s_file_t *self, const pt_link_t *link)
{
    char section[PT_OPTION_NAME_BYTES];
    if (pt_text_equal(link->key->text, PT_TEXT("version"))) {
        if (link->value->kind != PT_NODE_SCALAR || !pt_text_equal(link->value->text, PT_TEXT("1")))
            pt_read_fault(&self->reader, link->value, PT_FAULT_NUMBER, "version: only 1 is known here");
        return;
    }
    if (s_take_option(self, link, NULL))
        return;
    if (s_find_section(link->key, section))
        s_take_section(self, section, link->value);
    else
        s_fault_unknown(self, link->key, NULL);
}

pt_status_t
pt_config_read(pt_config_t *self, const char *path, pt_bytes_t text)
{
    pt_yaml_error_t error;
    self->path = path;
    pt_status_t status = pt_yaml_parse(path, text, &self->tree, &error);
    if (status == PT_E_SYNTAX) {
        pt_faults_add(&self->faults, (pt_mark_t) {path, error.line, error.column}, false, error.id, "%s", error.text);
        return PT_OK;
    }
    if (status != PT_OK || !self->tree.root || s_is_nothing(self->tree.root))
        return status;
    s_file_t file = {.config = self, .reader = {.source = &self->memory, .faults = &self->faults, .file = path}};
    if (self->tree.root->kind != PT_NODE_MAP)
        pt_read_fault(&file.reader, self->tree.root, PT_FAULT_TYPE, "a map of settings stands here");
    for (const pt_link_t *link = self->tree.root->first; link && self->tree.root->kind == PT_NODE_MAP;
         link = link->next)
        s_take_top(&file, link);
    return file.reader.out_of_memory ? PT_E_NOMEM : PT_OK;
}

//  ---- the environment

static void
s_fault_variable(pt_config_t *self, const char *name, bool warning, pt_fault_kind_t kind, const char *reason)
{
    pt_faults_add(&self->faults, (pt_mark_t) {.file = "environment"}, warning, pt_fault_id(kind), "%.80s: %s", name,
                  reason);
}

static pt_status_t
s_take_variable(pt_config_t *self, pt_option_id_t id, const char *name, const char *text)
{
    const pt_option_t *option = pt_option(id);
    char *copy = pt_source_alloc(&self->memory, strlen(text) + 1);
    if (!copy)
        return PT_E_NOMEM;
    memcpy(copy, text, strlen(text) + 1);
    char *rest = copy;
    for (char *word; (word = option->values_max > 1 ? strsep(&rest, ",") : rest);) {
        char reason[PT_OPTION_REASON_BYTES];
        pt_option_value_t value;
        if (!pt_option_parse(option, word, &value, reason))
            s_fault_variable(self, name, false, s_kind(option), reason);
        else if (!s_put(self, id, PT_ORIGIN_ENV, NULL, &value))
            s_fault_variable(self, name, false, PT_FAULT_TOO_MANY, "more values than it takes");
        if (option->values_max <= 1)
            break;
    }
    return PT_OK;
}

static void
s_warn_variable(pt_config_t *self, const char *name)
{
    static char known[PT_OPTION_COUNT_][PT_OPTION_NAME_BYTES];
    const char *names[PT_OPTION_COUNT_];
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++)
        names[id] = pt_option_env(pt_option((pt_option_id_t) id), known[id]);
    const char *nearest = pt_word_nearest(pt_text_of(name), names, PT_OPTION_COUNT_);
    char reason[PT_OPTION_REASON_BYTES];
    snprintf(reason, sizeof reason, nearest ? "no such setting; did you mean %s?" : "no such setting", nearest);
    s_fault_variable(self, name, true, PT_FAULT_VARIABLE, reason);
}

static pt_status_t
s_read_variable(pt_config_t *self, const char *variable)
{
    char name[PT_OPTION_NAME_BYTES], known[PT_OPTION_NAME_BYTES];
    const char *equals = strchr(variable, '=');
    if (!equals || !equals[1] || strncmp(variable, "PAYTRIAGE_", 10) != 0)
        return PT_OK;
    snprintf(name, sizeof name, "%.*s", (int) (equals - variable), variable);
    if (strcmp(name, "PAYTRIAGE_CONFIG") == 0)
        return PT_OK;
    for (unsigned id = 0; id < PT_OPTION_COUNT_; id++)
        if (strcmp(name, pt_option_env(pt_option((pt_option_id_t) id), known)) == 0)
            return s_take_variable(self, (pt_option_id_t) id, name, equals + 1);
    s_warn_variable(self, name);
    return PT_OK;
}

pt_status_t
pt_config_read_environment(pt_config_t *self, const char *const *environment)
{
    pt_status_t status = PT_OK;
    for (; *environment && status == PT_OK; environment++)
        status = s_read_variable(self, *environment);
    return status;
}

//  ---- what came out

const char *
pt_config_text(const pt_config_t *self, pt_option_id_t id)
{
    const pt_setting_t *setting = &self->settings[id];
    return setting->count ? setting->values[0].text : NULL;
}

uint64_t
pt_config_number(const pt_config_t *self, pt_option_id_t id)
{
    const pt_setting_t *setting = &self->settings[id];
    return setting->count ? setting->values[0].number : 0;
}

const char *
pt_config_origin(const pt_config_t *self, pt_option_id_t id, char out[PT_CONFIG_ORIGIN_BYTES])
{
    const pt_setting_t *setting = &self->settings[id];
    switch (setting->origin) {
    case PT_ORIGIN_FILE:
        snprintf(out, PT_CONFIG_ORIGIN_BYTES, "%s:%u:%u", setting->mark.file, setting->mark.line, setting->mark.column);
        break;
    case PT_ORIGIN_ENV:
        pt_option_env(pt_option(id), out);
        break;
    case PT_ORIGIN_FLAG:
        snprintf(out, PT_CONFIG_ORIGIN_BYTES, "--%s", pt_option(id)->flag);
        break;
    case PT_ORIGIN_DEFAULT:
        snprintf(out, PT_CONFIG_ORIGIN_BYTES, "default");
        break;
    }
    return out;
}

void
pt_config_clear(pt_config_t *self)
{
    pt_faults_clear(&self->faults);
    pt_tree_clear(&self->tree);
    pt_source_destroy(&self->memory);
    *self = (pt_config_t) {0};
}
