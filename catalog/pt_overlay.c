/*  Trees are never changed, because anchors share parts of them: a map or list that differs is made
 *  anew, and all that does not is used as it is.
 */
#include "pt_overlay.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  One overlay on its way onto a base.
typedef struct {
    pt_reader_t *reader;
    const char *gateway;
    bool id_operation; //  the operation stands in the ids of the base's entries
} s_layer_t;

//  How a key of two maps is put together.
typedef const pt_node_t *s_merge_t(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over);

typedef struct {
    const char *key;
    s_merge_t *merge; //  NULL: the overlay's value replaces the other
} s_merge_key_t;

static const pt_link_t *
s_find(const pt_node_t *map, const char *key)
{
    for (const pt_link_t *link = map && map->kind == PT_NODE_MAP ? map->first : NULL; link; link = link->next)
        if (pt_text_equal(link->key->text, pt_text_of(key)))
            return link;
    return NULL;
}

static const pt_node_t *
s_get(const pt_node_t *map, const char *key)
{
    const pt_link_t *link = s_find(map, key);
    return link ? link->value : NULL;
}

static const char *
s_get_text(const pt_node_t *map, const char *key)
{
    const pt_node_t *node = s_get(map, key);
    return node && node->kind == PT_NODE_SCALAR ? node->text.data : NULL;
}

//  An empty map or list, in the place of `like`.
static pt_node_t *
s_new(pt_reader_t *reader, const pt_node_t *like)
{
    pt_node_t *node = pt_read_array(reader, 1, sizeof *node);
    if (node)
        *node = (pt_node_t) {.kind = like->kind, .file = like->file, .line = like->line, .column = like->column};
    return node;
}

static bool
s_append(pt_reader_t *reader, pt_node_t *node, const pt_node_t *key, const pt_node_t *value)
{
    pt_link_t *link = pt_read_array(reader, 1, sizeof *link);
    if (!link || !value)
        return false;
    *link = (pt_link_t) {.key = key, .value = value};
    if (node->last)
        node->last->next = link;
    else
        node->first = link;
    node->last = link;
    node->count++;
    return true;
}

static bool
s_append_all(pt_reader_t *reader, pt_node_t *node, const pt_node_t *from)
{
    for (const pt_link_t *link = from->first; link; link = link->next)
        if (!s_append(reader, node, link->key, link->value))
            return false;
    return true;
}

static void
s_refuse_repeated(const s_layer_t *layer, const pt_node_t *map)
{
    for (const pt_link_t *link = map->first; link; link = link->next)
        if (s_find(map, link->key->text.data) != link)
            pt_read_fault(layer->reader, link->key, PT_FAULT_KEY_TWICE, "key '%.64s' stands twice in this overlay",
                          link->key->text.data);
}

static const pt_node_t *
s_merge_value(const s_layer_t *layer, const pt_link_t *base, const pt_node_t *over, const s_merge_key_t *keys)
{
    for (; keys->key; keys++)
        if (keys->merge && pt_text_equal(base->key->text, pt_text_of(keys->key)))
            return keys->merge(layer, base->value, over);
    return over;
}

//  Both maps, key by key, in the order of the base; the result stands where `over` stands. Where one
//  of them is no map, the overlay's value alone remains, and its reader finds fault with it.
static const pt_node_t *
s_merge_maps(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over, const s_merge_key_t *keys)
{
    if (base->kind != PT_NODE_MAP || over->kind != PT_NODE_MAP)
        return over;
    s_refuse_repeated(layer, over);
    pt_node_t *merged = s_new(layer->reader, over);
    if (!merged)
        return NULL;
    for (const pt_link_t *link = base->first; link; link = link->next) {
        const pt_link_t *change = s_find(over, link->key->text.data);
        const pt_node_t *value = change ? s_merge_value(layer, link, change->value, keys) : link->value;
        if (!s_append(layer->reader, merged, link->key, value))
            return NULL;
    }
    for (const pt_link_t *link = over->first; link; link = link->next)
        if (!s_find(base, link->key->text.data) && !s_append(layer->reader, merged, link->key, link->value))
            return NULL;
    return merged;
}

static const pt_node_t *
s_merge_plainly(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{0}};
    return s_merge_maps(layer, base, over, keys);
}

//  Maps whose values are maps of their own: policies, field codes.
static const pt_node_t *
s_merge_named(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind != PT_NODE_MAP || over->kind != PT_NODE_MAP)
        return over;
    s_refuse_repeated(layer, over);
    pt_node_t *merged = s_new(layer->reader, base);
    if (!merged)
        return NULL;
    for (const pt_link_t *link = base->first; link; link = link->next) {
        const pt_link_t *change = s_find(over, link->key->text.data);
        const pt_node_t *value = change ? s_merge_plainly(layer, link->value, change->value) : link->value;
        if (!s_append(layer->reader, merged, link->key, value))
            return NULL;
    }
    for (const pt_link_t *link = over->first; link; link = link->next)
        if (!s_find(base, link->key->text.data) && !s_append(layer->reader, merged, link->key, link->value))
            return NULL;
    return merged;
}

//  Aliases are added. A single one may stand without a list.
static const pt_node_t *
s_merge_lists(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind == PT_NODE_MAP || over->kind == PT_NODE_MAP)
        return over;
    pt_node_t *merged = s_new(layer->reader, over);
    if (!merged)
        return NULL;
    merged->kind = PT_NODE_LIST;
    const pt_node_t *both[] = {base, over};
    for (size_t i = 0; i < 2; i++) {
        bool well = both[i]->kind == PT_NODE_LIST ? s_append_all(layer->reader, merged, both[i])
                                                  : s_append(layer->reader, merged, NULL, both[i]);
        if (!well)
            return NULL;
    }
    return merged;
}

static const pt_node_t *
s_merge_operation(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{"aliases", s_merge_lists}, {0}};
    return s_merge_maps(layer, base, over, keys);
}

static const pt_node_t *
s_find_operation(const pt_node_t *list, const pt_node_t *operation)
{
    const char *name = s_get_text(operation, "name");
    for (const pt_link_t *link = name ? list->first : NULL; link; link = link->next) {
        const char *other = s_get_text(link->value, "name");
        if (other && strcmp(other, name) == 0)
            return link->value;
    }
    return NULL;
}

static const pt_node_t *
s_merge_operations(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind != PT_NODE_LIST || over->kind != PT_NODE_LIST)
        return over;
    pt_node_t *merged = s_new(layer->reader, base);
    if (!merged)
        return NULL;
    for (const pt_link_t *link = base->first; link; link = link->next) {
        const pt_node_t *change = s_find_operation(over, link->value);
        if (!s_append(layer->reader, merged, NULL,
                      change ? s_merge_operation(layer, link->value, change) : link->value))
            return NULL;
    }
    //  One that is named twice in the overlay stays twice, and is found by its layer->reader.
    for (const pt_link_t *link = over->first; link; link = link->next) {
        bool is_merged = s_find_operation(base, link->value) && s_find_operation(over, link->value) == link->value;
        if (!is_merged && !s_append(layer->reader, merged, NULL, link->value))
            return NULL;
    }
    return merged;
}

static const pt_node_t *
s_merge_gateway(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{"aliases", s_merge_lists}, {0}};
    static const char *const refused[] = {"cite", "id_operation"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const pt_link_t *link = s_find(over, refused[i]);
        if (link)
            pt_read_fault(layer->reader, link->key, PT_FAULT_OUT_OF_PLACE, "an overlay has no %s%s", refused[i],
                          i ? ": the ids of the entries below stay" : "; write FILE:LINE or a URL at each entry");
    }
    return s_merge_maps(layer, base, over, keys);
}

//  One entry of the base, by its id and by what it answers to.
typedef struct {
    const char *id;
    const char *question;
    const pt_node_t *node;
    const pt_node_t *change; //  the overlay's entry; NULL: none
} s_row_t;

typedef struct {
    const s_layer_t *layer;
    s_row_t *rows; //  in the order of the base
    size_t count;
    s_row_t **by_id; //  sorted
    s_row_t **by_question;
} s_index_t;

//  Texts go into one buffer in turn; the result is copied into the source.
typedef struct {
    char text[4096]; //  a longer one is cut: it matches nothing, or an entry with as long a beginning
    size_t len;
} s_buffer_t;

static void
s_put(s_buffer_t *buffer, const char *text)
{
    size_t room = sizeof buffer->text - 1 - buffer->len;
    size_t len = text ? strlen(text) : 0;
    len = len < room ? len : room;
    memcpy(buffer->text + buffer->len, text ? text : "", len);
    buffer->len += len;
    buffer->text[buffer->len] = '\0';
}

static const char *
s_keep(pt_reader_t *reader, const s_buffer_t *buffer)
{
    char *copy = pt_read_array(reader, buffer->len + 1, 1);
    if (copy)
        memcpy(copy, buffer->text, buffer->len);
    return copy;
}

static const char *const s_answers[] = {"code", "status", "http"};

//  0, 1, 2 for what an entry answers to; 3: nothing.
static size_t
s_kind_of(const pt_node_t *entry)
{
    size_t kind = 0;
    while (kind < 3 && !s_get_text(entry, s_answers[kind]))
        kind++;
    return kind;
}

static const char *
s_first_operation(const pt_node_t *entry)
{
    const pt_node_t *node = s_get(entry, "operation");
    if (node && node->kind == PT_NODE_LIST)
        node = node->first ? node->first->value : NULL;
    return node && node->kind == PT_NODE_SCALAR ? node->text.data : NULL;
}

//  The id behind the gateway, as pt_compile_entry makes it.
static void
s_put_id(const s_index_t *index, const pt_node_t *entry, s_buffer_t *out)
{
    static const char *const kinds[] = {"", "status/", "http/"};
    const char *id = s_get_text(entry, "id");
    size_t kind = s_kind_of(entry);
    const char *operation = kind == 0 && index->layer->id_operation ? s_first_operation(entry) : NULL;
    const char *slug = s_get_text(entry, "slug");
    if (id) {
        s_put(out, id);
        return;
    }
    if (kind == 3)
        return;
    s_put(out, kinds[kind]);
    s_put(out, operation);
    s_put(out, operation ? "/" : "");
    s_put(out, s_get_text(entry, s_answers[kind]));
    s_put(out, slug ? "/" : "");
    s_put(out, slug);
}

static int
s_compare_names(const void *left_p, const void *right_p)
{
    return strcmp(*(const char *const *) left_p, *(const char *const *) right_p);
}

//  The operations of an entry in an order of their own, however the author wrote them.
static void
s_put_operations(const pt_node_t *entry, s_buffer_t *out)
{
    const pt_node_t *node = s_get(entry, "operation");
    const char *names[64];
    size_t count = 0;
    if (node && node->kind == PT_NODE_SCALAR)
        names[count++] = node->text.data;
    for (const pt_link_t *link = node && node->kind == PT_NODE_LIST ? node->first : NULL; link && count < 64;
         link = link->next)
        if (link->value->kind == PT_NODE_SCALAR)
            names[count++] = link->value->text.data;
    qsort(names, count, sizeof *names, s_compare_names);
    for (size_t i = 0; i < count; i++) {
        s_put(out, names[i]);
        s_put(out, ",");
    }
}

//  What an entry answers to. 0x1f, which no code holds, keeps the parts apart.
static void
s_put_question(const pt_node_t *entry, s_buffer_t *out)
{
    size_t kind = s_kind_of(entry);
    if (kind == 3)
        return;
    s_put(out, s_answers[kind]);
    s_put(out, "\x1f");
    s_put(out, s_get_text(entry, s_answers[kind]));
    s_put(out, "\x1f");
    s_put_operations(entry, out);
    s_put(out, "\x1f");
    s_put(out, s_get_text(entry, "message"));
    s_put(out, "\x1f");
    s_put(out, s_get_text(entry, "subcode"));
}

static int
s_compare_id(const void *left_p, const void *right_p)
{
    const s_row_t *left = *(const s_row_t *const *) left_p;
    const s_row_t *right = *(const s_row_t *const *) right_p;
    return strcmp(left->id, right->id);
}

static int
s_compare_question(const void *left_p, const void *right_p)
{
    const s_row_t *left = *(const s_row_t *const *) left_p;
    const s_row_t *right = *(const s_row_t *const *) right_p;
    return strcmp(left->question, right->question);
}

static bool
s_add_row(s_index_t *index, const pt_node_t *node)
{
    s_row_t *row = &index->rows[index->count];
    s_buffer_t id = {.len = 0};
    s_buffer_t question = {.len = 0};
    s_put_id(index, node, &id);
    s_put_question(node, &question);
    *row = (s_row_t) {
        .id = s_keep(index->layer->reader, &id), .question = s_keep(index->layer->reader, &question), .node = node};
    index->by_id[index->count] = index->by_question[index->count] = row;
    index->count++;
    return row->id && row->question;
}

static bool
s_make_index(s_index_t *index, const pt_node_t *entries)
{
    index->rows = pt_read_array(index->layer->reader, entries->count, sizeof *index->rows);
    index->by_id = pt_read_array(index->layer->reader, entries->count, sizeof(s_row_t *));
    index->by_question = pt_read_array(index->layer->reader, entries->count, sizeof(s_row_t *));
    if (!index->rows || !index->by_id || !index->by_question)
        return false;
    for (const pt_link_t *link = entries->first; link; link = link->next)
        if (!s_add_row(index, link->value))
            return false;
    qsort(index->by_id, index->count, sizeof(s_row_t *), s_compare_id);
    qsort(index->by_question, index->count, sizeof(s_row_t *), s_compare_question);
    return true;
}

static s_row_t *
s_search(s_row_t **rows, size_t count, const s_row_t *wanted, int (*compare)(const void *, const void *))
{
    s_row_t **found = bsearch(&wanted, rows, count, sizeof(s_row_t *), compare);
    return found ? *found : NULL;
}

//  The entry of the base that an overlay's entry changes; NULL: it is a new one.
static s_row_t *
s_find_changed(const s_index_t *index, const pt_node_t *entry)
{
    const char *id = s_get_text(entry, "id");
    if (id) {
        size_t gateway = strlen(index->layer->gateway);
        s_row_t wanted = {.id = id};
        s_row_t *row = s_search(index->by_id, index->count, &wanted, s_compare_id);
        if (row || strncmp(id, index->layer->gateway, gateway) != 0 || id[gateway] != '/')
            return row;
        wanted.id = id + gateway + 1;
        return s_search(index->by_id, index->count, &wanted, s_compare_id);
    }
    s_buffer_t question = {.len = 0};
    s_put_question(entry, &question);
    s_row_t wanted = {.question = question.text};
    return question.len ? s_search(index->by_question, index->count, &wanted, s_compare_question) : NULL;
}

#define S_NAMES_MAX 4096 //  arbitrary: enough to suggest from

static void
s_refuse_entry(const s_index_t *index, const pt_node_t *entry)
{
    const pt_node_t *id = s_get(entry, "id");
    if (!id) {
        pt_read_fault(index->layer->reader, entry, PT_FAULT_OVERLAY_ENTRY,
                      "an overlay's entry has an id, or one of code, status and http");
        return;
    }
    size_t count = index->count < S_NAMES_MAX ? index->count : S_NAMES_MAX;
    const char **names = pt_read_array(index->layer->reader, count, sizeof *names);
    for (size_t i = 0; names && i < count; i++)
        names[i] = index->rows[i].id;
    char where[64];
    (void) snprintf(where, sizeof where, " of %.32s", index->layer->gateway);
    if (names)
        pt_read_fault_unknown(index->layer->reader, id, PT_FAULT_OVERLAY_ENTRY, "entry", where, names, count);
}

static void
s_sort_entry(s_index_t *index, const pt_node_t *entry, pt_node_t *added)
{
    if (entry->kind != PT_NODE_MAP) {
        (void) s_append(index->layer->reader, added, NULL, entry);
        return;
    }
    s_row_t *row = s_find_changed(index, entry);
    if (!row && s_kind_of(entry) == 3)
        s_refuse_entry(index, entry);
    else if (!row)
        (void) s_append(index->layer->reader, added, NULL, entry);
    else if (row->change)
        pt_read_fault(index->layer->reader, entry, PT_FAULT_KEY_TWICE,
                      "this overlay changes '%.100s' already at line %u", row->id, row->change->line);
    else
        row->change = entry;
}

//  The id finds the entry; it does not rename it.
static const pt_node_t *
s_without_id(const s_layer_t *layer, const pt_node_t *entry)
{
    pt_node_t *rest = s_new(layer->reader, entry);
    for (const pt_link_t *link = entry->first; rest && link; link = link->next)
        if (!pt_text_equal(link->key->text, PT_TEXT("id")) && !s_append(layer->reader, rest, link->key, link->value))
            return NULL;
    return rest;
}

static const pt_node_t *
s_change_entry(const s_layer_t *layer, const s_row_t *row)
{
    if (!row->change)
        return row->node;
    const pt_node_t *change = s_without_id(layer, row->change);
    return change ? s_merge_plainly(layer, row->node, change) : NULL;
}

static const pt_node_t *
s_merge_entries(const s_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind != PT_NODE_LIST || over->kind != PT_NODE_LIST)
        return over;
    s_index_t index = {.layer = layer};
    pt_node_t *added = s_new(layer->reader, over);
    pt_node_t *merged = s_new(layer->reader, base);
    if (!added || !merged || !s_make_index(&index, base))
        return NULL;
    for (const pt_link_t *link = over->first; link; link = link->next)
        s_sort_entry(&index, link->value, added);
    for (size_t i = 0; i < index.count; i++)
        if (!s_append(layer->reader, merged, NULL, s_change_entry(layer, &index.rows[i])))
            return NULL;
    return s_append_all(layer->reader, merged, added) ? merged : NULL;
}

bool
pt_overlay_is(const pt_node_t *root)
{
    const char *value = root ? s_get_text(root, "overlay") : NULL;
    return value && strcmp(value, "true") == 0;
}

const pt_node_t *
pt_overlay_gateway(const pt_node_t *root)
{
    const pt_node_t *id = root ? s_get(s_get(root, "gateway"), "id") : NULL;
    return id && id->kind == PT_NODE_SCALAR ? id : NULL;
}

const pt_node_t *
pt_overlay_apply(pt_reader_t *reader, const pt_node_t *base, const pt_node_t *overlay)
{
    static const s_merge_key_t keys[] = {
        {"gateway", s_merge_gateway},          {"body", s_merge_plainly},          {"operations", s_merge_operations},
        {"operation_digits", s_merge_plainly}, {"status_digits", s_merge_plainly}, {"policies", s_merge_named},
        {"field_codes", s_merge_named},        {"entries", s_merge_entries},       {0}};
    assert(reader);
    assert(pt_overlay_gateway(base));
    assert(overlay);

    const char *id_operation = s_get_text(s_get(base, "gateway"), "id_operation");
    s_layer_t layer = {.reader = reader,
                       .gateway = pt_overlay_gateway(base)->text.data,
                       .id_operation = id_operation && strcmp(id_operation, "true") == 0};
    return s_merge_maps(&layer, base, overlay, keys);
}
