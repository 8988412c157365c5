/*  One file: its tree, the gateway itself, and the order in which the parts are read. The parts are
 *  in pt_compile_*.c beside this.
 */
#include "pt_compile.h"

#include "pt_compile_parts.h"

#include <assert.h>

#define S_COUNT(array) (sizeof(array) / sizeof *(array))

bool
pt_compile_is_name(const char *text, const char *specials, size_t bytes_max)
{
    size_t bytes = 0;
    for (; text[bytes]; bytes++) {
        char byte = text[bytes];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!is_plain && !strchr(specials, byte))
            return false;
    }
    return bytes > 0 && bytes <= bytes_max;
}

static bool
s_read_name(pt_reader_t *reader, const pt_node_t *node, unsigned char last, const char *rule, char **out_text)
{
    if (!pt_read_text(reader, node, out_text))
        return false;
    size_t bytes = 0;
    while ((unsigned char) (*out_text)[bytes] > ' ' && (unsigned char) (*out_text)[bytes] <= last)
        bytes++;
    if (!(*out_text)[bytes] && bytes <= PT_COMPILE_NAME_BYTES_MAX)
        return true;
    pt_read_fault(reader, node, PT_FAULT_NAME, "'%.64s' is no name: %s, at most %d bytes", *out_text, rule,
                  PT_COMPILE_NAME_BYTES_MAX);
    return false;
}

bool
pt_compile_read_name(pt_reader_t *reader, const pt_node_t *node, char **out_text)
{
    return s_read_name(reader, node, '~', "printable ASCII without spaces", out_text);
}

bool
pt_compile_read_alias(pt_reader_t *reader, const pt_node_t *node, char **out_text)
{
    return s_read_name(reader, node, 0xff, "text without spaces", out_text);
}

static void
s_add_text(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_texts_t *texts = target;
    char *text;
    if (!texts->read(reader, item, &text))
        return;
    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->texts[i], text) == 0) {
            pt_read_fault(reader, item, PT_FAULT_NAME_TAKEN, "'%.64s' stands twice in the list", text);
            return;
        }
    }
    texts->texts[texts->count++] = text;
}

pt_texts_t
pt_compile_texts(pt_reader_t *reader, const pt_node_t *node, size_t max,
                 bool (*read)(pt_reader_t *self, const pt_node_t *node, char **out_text))
{
    pt_texts_t texts = {.read = read};
    size_t room = node->kind == PT_NODE_LIST && node->count <= max ? node->count : 1;
    texts.texts = pt_read_array(reader, room, sizeof *texts.texts);
    if (texts.texts)
        (void) pt_read_list(reader, node, max, s_add_text, &texts);
    return texts;
}

static void
s_read_gateway_id(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    char *id;
    if (!pt_read_text(reader, node, &id))
        return;
    if (!pt_compile_is_name(id, "_-", PT_COMPILE_ID_BYTES_MAX)) {
        pt_read_fault(reader, node, PT_FAULT_NAME, "'%.64s' is no gateway id: a-z, 0-9, _ and -, at most %d", id,
                      PT_COMPILE_ID_BYTES_MAX);
        return;
    }
    unit->provider->id = id;
    unit->provider->mark = pt_read_mark(reader, node);
}

static void
s_read_gateway_name(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    (void) pt_read_text(reader, node, &unit->provider->name);
}

static void
s_read_gateway_aliases(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    pt_texts_t texts = pt_compile_texts(reader, node, PT_COMPILE_ALIASES_MAX, pt_compile_read_name);
    unit->provider->aliases = texts.texts;
    unit->provider->alias_count = texts.count;
}

static void
s_read_gateway_cite(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    char *file;
    if (!pt_read_text(reader, node, &file))
        return;
    if (strpbrk(file, " :;"))
        pt_read_fault(reader, node, PT_FAULT_CITE, "'%.64s' is no file name without spaces, colons and semicolons",
                      file);
    else
        unit->cite_file = file;
}

static void
s_read_id_operation(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    (void) pt_read_boolean(reader, node, &unit->id_operation);
}

static void
s_read_gateway(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const pt_key_t keys[] = {
        {"id", s_read_gateway_id, true},
        {"name", s_read_gateway_name, true},
        {"aliases", s_read_gateway_aliases, false},
        {"cite", s_read_gateway_cite, false},
        {"id_operation", s_read_id_operation, false},
    };
    pt_read_map(reader, node, "gateway", keys, S_COUNT(keys), target);
}

static void
s_read_file(pt_reader_t *reader, const pt_node_t *root, pt_unit_t *unit)
{
    static const pt_key_t keys[] = {
        {"gateway", s_read_gateway, true},
        {"body", pt_compile_read_body, false},
        {"operations", pt_compile_read_operations, false},
        {"operation_digits", pt_compile_read_operation_digits, false},
        {"policies", pt_compile_read_policies, false},
        {"field_codes", pt_compile_read_field_codes, false},
        {"entries", pt_compile_read_entries, true},
    };
    pt_read_map(reader, root, "the file", keys, S_COUNT(keys), unit);
}

//  A slot at the end of the source's list, which moves to do so: sources hold a handful of gateways.
static pt_source_provider_t *
s_add_provider(pt_reader_t *reader)
{
    pt_source_t *source = reader->source;
    pt_source_provider_t *providers = pt_read_array(reader, source->provider_count + 1, sizeof *providers);
    if (!providers)
        return NULL;
    if (source->provider_count)
        memcpy(providers, source->providers, source->provider_count * sizeof *providers);
    source->providers = providers;
    return &providers[source->provider_count++];
}

static bool
s_add_file(pt_reader_t *reader, const char *name)
{
    pt_source_t *source = reader->source;
    char **files = pt_read_array(reader, source->file_count + 1, sizeof *files);
    size_t bytes = strlen(name) + 1;
    char *copy = pt_read_array(reader, bytes, 1);
    if (!files || !copy)
        return false;
    memcpy(copy, name, bytes);
    if (source->file_count)
        memcpy(files, source->files, source->file_count * sizeof *files);
    files[source->file_count++] = copy;
    source->files = files;
    reader->file = copy;
    return true;
}

static void
s_read_tree(pt_reader_t *reader, const pt_tree_t *tree)
{
    static const pt_node_t nothing = {.line = 1, .column = 1};
    if (!tree->root) {
        pt_read_fault(reader, &nothing, PT_FAULT_DOCUMENT, "the file holds nothing");
        return;
    }
    pt_unit_t unit = {.provider = s_add_provider(reader)};
    if (!unit.provider)
        return;
    unit.provider->mark = pt_read_mark(reader, tree->root);
    s_read_file(reader, tree->root, &unit);
}

pt_status_t
pt_compile_yaml(pt_source_t *source, const char *file, pt_bytes_t text, pt_faults_t *faults)
{
    assert(source);
    assert(file);
    assert(faults);

    pt_reader_t reader = {.source = source, .faults = faults};
    if (!s_add_file(&reader, file))
        return PT_E_NOMEM;
    pt_tree_t tree;
    pt_yaml_error_t error;
    pt_status_t status = pt_yaml_parse(text, &tree, &error);
    if (status == PT_E_SYNTAX)
        pt_faults_add(faults, (pt_mark_t) {reader.file, error.line, error.column}, false, error.id, "%s", error.text);
    if (status != PT_OK)
        return status;
    s_read_tree(&reader, &tree);
    pt_tree_clear(&tree);
    if (reader.out_of_memory)
        return PT_E_NOMEM;
    pt_compile_sort_faults(source, faults);
    return reader.fault_count ? PT_E_SYNTAX : PT_OK;
}
