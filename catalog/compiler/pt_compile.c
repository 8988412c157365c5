/*  One file: its tree, the gateway itself, and the order in which the parts are read. The parts are
 *  in pt_compile_*.c beside this.
 */
#include "pt_compile.h"

#include "pt_compile_parts.h"
#include "pt_overlay.h"

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

//  Overlays are laid over another file before anything is read, so this only minds the value.
static void
s_read_overlay(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) target;
    bool is_overlay;
    (void) pt_read_boolean(reader, node, &is_overlay);
}

static void
s_read_file(pt_reader_t *reader, const pt_node_t *root, pt_unit_t *unit)
{
    static const pt_key_t keys[] = {
        {"overlay", s_read_overlay, false},
        {"gateway", s_read_gateway, true},
        {"body", pt_compile_read_body, false},
        {"operations", pt_compile_read_operations, false},
        {"operation_digits", pt_compile_read_operation_digits, false},
        {"status_digits", pt_compile_read_status_digits, false},
        {"policies", pt_compile_read_policies, false},
        {"field_codes", pt_compile_read_field_codes, false},
        {"entries", pt_compile_read_entries, true},
    };
    pt_read_map(reader, root, "the file", keys, S_COUNT(keys), unit);
}

//  Both lists double, so their room follows from their count: the next power of two.
static void *
s_grow(pt_reader_t *reader, void *list, size_t count, size_t item_bytes)
{
    bool is_full = (count & (count - 1)) == 0;
    if (!is_full)
        return list;
    void *grown = pt_read_array(reader, count * 2, item_bytes);
    if (grown && count)
        memcpy(grown, list, count * item_bytes);
    return grown;
}

static pt_source_provider_t *
s_add_provider(pt_reader_t *reader)
{
    pt_source_t *source = reader->source;
    pt_source_provider_t *providers =
        s_grow(reader, source->providers, source->provider_count, sizeof *source->providers);
    if (!providers)
        return NULL;
    source->providers = providers;
    return &providers[source->provider_count++];
}

//  The source's own copy of a file's name, as marks know it; NULL when out of memory.
static const char *
s_add_file(pt_source_t *source, const char *name)
{
    pt_reader_t reader = {.source = source};
    char **files = s_grow(&reader, source->files, source->file_count, sizeof *files);
    size_t bytes = strlen(name) + 1;
    char *copy = pt_read_array(&reader, bytes, 1);
    if (!files || !copy)
        return NULL;
    memcpy(copy, name, bytes);
    files[source->file_count++] = copy;
    source->files = files;
    return copy;
}

//  One file of a compilation.
typedef struct {
    const char *name; //  the source's copy
    pt_bytes_t text;
    bool replaceable;
    bool is_overlay;
    pt_tree_t tree; //  of an overlay
    bool is_used;   //  an overlay that was laid over something
} s_file_t;

typedef struct {
    pt_source_t *source;
    pt_faults_t *faults;
    s_file_t *files;
    size_t count;
    bool is_faulty;
} s_work_t;

static pt_status_t
s_parse(s_work_t *work, const s_file_t *file, pt_tree_t *out_tree)
{
    pt_yaml_error_t error;
    pt_status_t status = pt_yaml_parse(file->name, file->text, out_tree, &error);
    if (status != PT_E_SYNTAX)
        return status;
    pt_faults_add(work->faults, (pt_mark_t) {file->name, error.line, error.column}, false, error.id, "%s", error.text);
    work->is_faulty = true;
    return status;
}

//  Overlays must be known before what they are laid over is read. Most files do not hold the word, and
//  need not be parsed to know that they are none; what is no YAML is said when it is its turn.
static pt_status_t
s_find_overlay(s_file_t *file)
{
    pt_yaml_error_t error;
    if (file->text.len == 0 || !memmem(file->text.data, file->text.len, "overlay", strlen("overlay")))
        return PT_OK;
    pt_status_t status = pt_yaml_parse(file->name, file->text, &file->tree, &error);
    if (status != PT_OK)
        return status == PT_E_SYNTAX ? PT_OK : status;
    file->is_overlay = pt_overlay_is(file->tree.root);
    if (!file->is_overlay)
        pt_tree_clear(&file->tree);
    return PT_OK;
}

static bool
s_is_same_gateway(const pt_node_t *left, const pt_node_t *right)
{
    const pt_node_t *left_id = pt_overlay_gateway(left);
    const pt_node_t *right_id = pt_overlay_gateway(right);
    return left_id && right_id && pt_text_equal(left_id->text, right_id->text);
}

static const pt_node_t *
s_lay_over(s_work_t *work, pt_reader_t *reader, const pt_node_t *root)
{
    for (size_t i = 0; root && i < work->count; i++) {
        s_file_t *file = &work->files[i];
        if (!file->is_overlay || !s_is_same_gateway(root, file->tree.root))
            continue;
        file->is_used = true;
        root = pt_overlay_apply(reader, root, file->tree.root);
    }
    return root;
}

static void
s_read_root(s_work_t *work, pt_reader_t *reader, const pt_node_t *root)
{
    static const pt_node_t nothing = {.line = 1, .column = 1};
    if (!root) {
        pt_read_fault(reader, &nothing, PT_FAULT_DOCUMENT, "the file holds nothing");
        return;
    }
    root = s_lay_over(work, reader, root);
    pt_unit_t unit = {.provider = root ? s_add_provider(reader) : NULL};
    if (!unit.provider)
        return;
    unit.provider->mark = pt_read_mark(reader, root);
    s_read_file(reader, root, &unit);
    unit.provider->is_faulty = reader->fault_count > 0;
}

static bool
s_is_replaced(const s_work_t *work, const s_file_t *file, const pt_node_t *root)
{
    const pt_node_t *id = file->replaceable ? pt_overlay_gateway(root) : NULL;
    for (size_t i = 0; id && i < work->source->provider_count; i++) {
        const char *other = work->source->providers[i].id;
        if (other && pt_text_equal(id->text, pt_text_of(other)))
            return true;
    }
    return false;
}

static pt_status_t
s_read_whole(s_work_t *work, const s_file_t *file)
{
    pt_reader_t reader = {.source = work->source, .faults = work->faults, .file = file->name};
    pt_tree_t tree;
    pt_status_t status = s_parse(work, file, &tree);
    if (status != PT_OK)
        return status == PT_E_SYNTAX ? PT_OK : status;
    if (!s_is_replaced(work, file, tree.root))
        s_read_root(work, &reader, tree.root);
    pt_tree_clear(&tree);
    work->is_faulty = work->is_faulty || reader.fault_count;
    return reader.out_of_memory ? PT_E_NOMEM : PT_OK;
}

static void
s_refuse_unused(s_work_t *work, const s_file_t *file)
{
    pt_reader_t reader = {.source = work->source, .faults = work->faults, .file = file->name};
    const pt_node_t *id = pt_overlay_gateway(file->tree.root);
    const char **names = pt_read_array(&reader, work->source->provider_count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < work->source->provider_count; i++)
        if (work->source->providers[i].id)
            names[count++] = work->source->providers[i].id;
    if (id && names)
        pt_read_fault_unknown(&reader, id, PT_FAULT_OVERLAY, "gateway", " to lay this over", names, count);
    else
        pt_read_fault(&reader, file->tree.root, PT_FAULT_OVERLAY, "an overlay names its gateway: gateway: {id: …}");
    work->is_faulty = true;
}

static pt_status_t
s_read_all(s_work_t *work)
{
    pt_status_t status = PT_OK;
    for (size_t i = 0; status == PT_OK && i < work->count; i++)
        status = s_find_overlay(&work->files[i]);
    for (int replaceable = 0; replaceable < 2; replaceable++)
        for (size_t i = 0; status == PT_OK && i < work->count; i++)
            if (!work->files[i].is_overlay && work->files[i].replaceable == (replaceable == 1))
                status = s_read_whole(work, &work->files[i]);
    for (size_t i = 0; status == PT_OK && i < work->count; i++)
        if (work->files[i].is_overlay && !work->files[i].is_used)
            s_refuse_unused(work, &work->files[i]);
    if (status != PT_OK)
        return status;
    pt_compile_sort_faults(work->source, work->faults);
    return work->is_faulty ? PT_E_SYNTAX : PT_OK;
}

pt_status_t
pt_compile_files(pt_source_t *source, const pt_compile_file_t *files, size_t count, pt_faults_t *faults)
{
    assert(source);
    assert(files || count == 0);
    assert(faults);

    pt_reader_t reader = {.source = source, .faults = faults};
    s_work_t work = {.source = source, .faults = faults, .count = count};
    work.files = pt_read_array(&reader, count, sizeof *work.files);
    pt_status_t status = work.files ? PT_OK : PT_E_NOMEM;
    for (size_t i = 0; status == PT_OK && i < count; i++) {
        work.files[i] = (s_file_t) {
            .name = s_add_file(source, files[i].name), .text = files[i].text, .replaceable = files[i].replaceable};
        status = work.files[i].name ? PT_OK : PT_E_NOMEM;
    }
    if (status == PT_OK)
        status = s_read_all(&work);
    for (size_t i = 0; work.files && i < count; i++)
        pt_tree_clear(&work.files[i].tree);
    return status;
}

pt_status_t
pt_compile_yaml(pt_source_t *source, const char *file, pt_bytes_t text, pt_faults_t *faults)
{
    assert(file);

    return pt_compile_files(source, &(pt_compile_file_t) {file, text, false}, 1, faults);
}
