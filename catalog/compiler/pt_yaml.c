/*  libyaml's document API keeps its own tree without limits and looks each anchor up in a list of
 *  all others, so this composes from events instead: limits hold while the text is read, not after.
 */
#include "pt_yaml.h"

#include "pt_fault.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

//  A list or map that is still open, and the key that waits for its value.
typedef struct {
    pt_node_t *node;
    const pt_node_t *key;
} s_frame_t;

typedef struct {
    char *name;
    const pt_node_t *node;
} s_anchor_t;

typedef struct {
    pt_tree_t *tree;
    pt_yaml_error_t *error;
    const char *file;
    size_t weight; //  of all nodes so far, aliases counted as what they stand for
    size_t depth;
    s_frame_t frames[PT_YAML_DEPTH_MAX];
    size_t anchor_count;
    s_anchor_t anchors[PT_YAML_ANCHORS_MAX];
    size_t document_count;
    bool done;
} s_composer_t;

static void *
s_alloc(s_composer_t *self, size_t bytes)
{
    return pt_source_alloc(&self->tree->memory, bytes);
}

__attribute__((format(printf, 4, 5))) static pt_status_t
s_refuse(s_composer_t *self, yaml_mark_t mark, pt_fault_kind_t kind, const char *format, ...)
{
    self->error->line = (unsigned) mark.line + 1;
    self->error->column = (unsigned) mark.column + 1;
    self->error->id = pt_fault_id(kind);
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(self->error->text, sizeof self->error->text, format, arguments);
    va_end(arguments);
    return PT_E_SYNTAX;
}

static char *
s_copy(s_composer_t *self, const char *data, size_t bytes)
{
    char *copy = s_alloc(self, bytes + 1);
    if (copy && bytes)
        memcpy(copy, data, bytes);
    return copy;
}

static pt_status_t
s_add_weight(s_composer_t *self, yaml_mark_t mark, size_t weight)
{
    if (weight > PT_YAML_NODES_MAX - self->weight)
        return s_refuse(self, mark, PT_FAULT_LIMIT, "more than %d values (aliases counted as what they stand for)",
                        PT_YAML_NODES_MAX);
    self->weight += weight;
    return PT_OK;
}

//  Hang a value into the innermost open list or map, or make it the root.
static pt_status_t
s_attach(s_composer_t *self, yaml_mark_t mark, const pt_node_t *node)
{
    if (self->depth == 0) {
        self->tree->root = node;
        return PT_OK;
    }
    s_frame_t *frame = &self->frames[self->depth - 1];
    bool is_key = frame->node->kind == PT_NODE_MAP && !frame->key;
    if (is_key && node->kind != PT_NODE_SCALAR)
        return s_refuse(self, mark, PT_FAULT_KEY, "a key must be a plain word");
    if (is_key) {
        frame->key = node;
        return PT_OK;
    }
    pt_link_t *link = s_alloc(self, sizeof *link);
    if (!link)
        return PT_E_NOMEM;
    *link = (pt_link_t) {.key = frame->key, .value = node};
    if (frame->node->last)
        frame->node->last->next = link;
    else
        frame->node->first = link;
    frame->node->last = link;
    frame->node->count++;
    frame->key = NULL;
    return PT_OK;
}

static pt_status_t
s_add_anchor(s_composer_t *self, yaml_mark_t mark, const yaml_char_t *name, const pt_node_t *node)
{
    if (!name)
        return PT_OK;
    if (self->anchor_count == PT_YAML_ANCHORS_MAX)
        return s_refuse(self, mark, PT_FAULT_LIMIT, "more than %d anchors", PT_YAML_ANCHORS_MAX);
    char *copy = s_copy(self, (const char *) name, strlen((const char *) name));
    if (!copy)
        return PT_E_NOMEM;
    self->anchors[self->anchor_count++] = (s_anchor_t) {copy, node};
    return PT_OK;
}

static pt_status_t
s_new_node(s_composer_t *self, const yaml_event_t *event, pt_node_kind_t kind, const yaml_char_t *anchor,
           const yaml_char_t *tag, pt_node_t **out_node)
{
    yaml_mark_t mark = event->start_mark;
    if (tag)
        return s_refuse(self, mark, PT_FAULT_TAG, "tags are not used here; quote the value instead");
    pt_node_t *node = s_alloc(self, sizeof *node);
    if (!node)
        return PT_E_NOMEM;
    *node = (pt_node_t) {
        .kind = kind, .file = self->file, .line = (unsigned) mark.line + 1, .column = (unsigned) mark.column + 1};
    *out_node = node;
    pt_status_t status = s_add_weight(self, mark, 1);
    if (status == PT_OK)
        status = s_add_anchor(self, mark, anchor, node);
    return status;
}

static pt_status_t
s_take_scalar(s_composer_t *self, const yaml_event_t *event)
{
    pt_node_t *node;
    pt_status_t status =
        s_new_node(self, event, PT_NODE_SCALAR, event->data.scalar.anchor, event->data.scalar.tag, &node);
    if (status != PT_OK)
        return status;
    size_t bytes = event->data.scalar.length;
    const char *text = s_copy(self, (const char *) event->data.scalar.value, bytes);
    if (!text)
        return PT_E_NOMEM;
    node->text = (pt_text_t) {text, bytes};
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->weight = 1;
    node->height = 1;
    return s_attach(self, event->start_mark, node);
}

static pt_status_t
s_open(s_composer_t *self, const yaml_event_t *event, pt_node_kind_t kind, const yaml_char_t *anchor,
       const yaml_char_t *tag)
{
    pt_node_t *node;
    pt_status_t status = s_new_node(self, event, kind, anchor, tag, &node);
    if (status == PT_OK)
        status = s_attach(self, event->start_mark, node);
    if (status != PT_OK)
        return status;
    if (self->depth == PT_YAML_DEPTH_MAX)
        return s_refuse(self, event->start_mark, PT_FAULT_LIMIT, "nested more than %d levels deep", PT_YAML_DEPTH_MAX);
    self->frames[self->depth++] = (s_frame_t) {.node = node};
    return PT_OK;
}

static void
s_close(s_composer_t *self)
{
    assert(self->depth > 0); //  libyaml balances its events

    pt_node_t *node = self->frames[--self->depth].node;
    size_t weight = 1;
    size_t height = 0;
    for (const pt_link_t *link = node->first; link; link = link->next) {
        weight += link->value->weight + (link->key ? 1 : 0);
        if (link->value->height > height)
            height = link->value->height;
    }
    node->weight = weight;
    node->height = height + 1;
}

static pt_status_t
s_take_alias(s_composer_t *self, const yaml_event_t *event)
{
    const char *name = (const char *) event->data.alias.anchor;
    const pt_node_t *node = NULL;
    for (size_t i = self->anchor_count; i > 0 && !node; i--)
        if (strcmp(self->anchors[i - 1].name, name) == 0)
            node = self->anchors[i - 1].node;
    if (!node)
        return s_refuse(self, event->start_mark, PT_FAULT_ALIAS, "alias '%.64s' names no anchor above it", name);
    if (node->weight == 0)
        return s_refuse(self, event->start_mark, PT_FAULT_ALIAS, "alias '%.64s' stands in what it names", name);
    if (self->depth + node->height > PT_YAML_DEPTH_MAX)
        return s_refuse(self, event->start_mark, PT_FAULT_LIMIT, "alias '%.64s' nests more than %d levels deep", name,
                        PT_YAML_DEPTH_MAX);
    pt_status_t status = s_add_weight(self, event->start_mark, node->weight);
    return status == PT_OK ? s_attach(self, event->start_mark, node) : status;
}

static pt_status_t
s_take_event(s_composer_t *self, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (self->document_count++ > 0)
            return s_refuse(self, event->start_mark, PT_FAULT_DOCUMENT, "a second document; put it in its own file");
        return PT_OK;
    case YAML_SCALAR_EVENT:
        return s_take_scalar(self, event);
    case YAML_ALIAS_EVENT:
        return s_take_alias(self, event);
    case YAML_SEQUENCE_START_EVENT:
        return s_open(self, event, PT_NODE_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return s_open(self, event, PT_NODE_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        s_close(self);
        return PT_OK;
    case YAML_STREAM_END_EVENT:
        self->done = true;
        return PT_OK;
    default:
        return PT_OK;
    }
}

//  Lines and columns as marks count them: from 0, columns in characters.
static yaml_mark_t
s_find_mark(pt_text_t yaml, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset && i < yaml.len; i++) {
        bool is_newline = yaml.data[i] == '\n';
        bool is_first_byte = ((uint8_t) yaml.data[i] & 0xc0) != 0x80;
        mark.line += is_newline;
        mark.column = is_newline ? 0 : mark.column + is_first_byte;
    }
    return mark;
}

static pt_status_t
s_translate_error(s_composer_t *self, const yaml_parser_t *parser, pt_text_t yaml)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return PT_E_NOMEM;
    const char *problem = parser->problem ? parser->problem : "not YAML";
    yaml_mark_t mark = parser->problem_mark;
    //  The reader works ahead of the scanner, so all it knows is an offset.
    if (parser->error == YAML_READER_ERROR)
        return s_refuse(self, s_find_mark(yaml, parser->problem_offset), PT_FAULT_YAML, "%s; the file must be UTF-8",
                        problem);
    if (parser->context)
        return s_refuse(self, mark, PT_FAULT_YAML, "%s %s (from line %zu)", problem, parser->context,
                        parser->context_mark.line + 1);
    return s_refuse(self, mark, PT_FAULT_YAML, "%s", problem);
}

static pt_status_t
s_compose(s_composer_t *self, yaml_parser_t *parser, pt_text_t yaml)
{
    while (!self->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return s_translate_error(self, parser, yaml);
        pt_status_t status = s_take_event(self, &event);
        yaml_event_delete(&event);
        if (status != PT_OK)
            return status;
    }
    return PT_OK;
}

static pt_status_t
s_parse_bytes(s_composer_t *self, pt_bytes_t text)
{
    if (text.len > PT_YAML_BYTES_MAX)
        return s_refuse(self, (yaml_mark_t) {0}, PT_FAULT_LIMIT, "more than %zu bytes", PT_YAML_BYTES_MAX);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return PT_E_NOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    //  A byte order mark would count as a column and make the first block end before the second line.
    pt_text_t yaml = pt_text_after_mark((pt_text_t) {(const char *) text.data, text.len});
    yaml_parser_set_input_string(&parser, (const uint8_t *) (yaml.len ? yaml.data : ""), yaml.len);
    pt_status_t status = s_compose(self, &parser, yaml);
    yaml_parser_delete(&parser);
    return status;
}

pt_status_t
pt_yaml_parse(const char *file, pt_bytes_t text, pt_tree_t *out_tree, pt_yaml_error_t *out_error)
{
    assert(out_tree);
    assert(out_error);

    *out_tree = (pt_tree_t) {0};
    *out_error = (pt_yaml_error_t) {0};
    s_composer_t composer = {.tree = out_tree, .error = out_error, .file = file};
    pt_status_t status = s_parse_bytes(&composer, text);
    if (status != PT_OK)
        pt_tree_clear(out_tree);
    return status;
}

void
pt_tree_clear(pt_tree_t *self)
{
    assert(self);

    pt_source_destroy(&self->memory);
    self->root = NULL;
}
