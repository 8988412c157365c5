/*  Trees are never changed, because anchors share parts of them: a map or list that differs is made
 *  anew, and all that does not is used as it is.
 */
#include "pt_overlay.h"
#include "pt_overlay_parts.h"

#include <assert.h>
#include <string.h>

//  How a key of two maps is put together.
typedef const pt_node_t *s_merge_t(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over);

//  The keys of a map that are put together; of any other the overlay's value replaces the base's.
typedef struct {
    const char *key;
    s_merge_t *merge;
} s_merge_key_t;

#define S_ANY_KEY ""

const pt_link_t *
pt_layer_find(const pt_node_t *map, const char *key)
{
    for (const pt_link_t *link = map && map->kind == PT_NODE_MAP ? map->first : NULL; link; link = link->next)
        if (pt_text_equal(link->key->text, pt_text_of(key)))
            return link;
    return NULL;
}

const pt_node_t *
pt_layer_get(const pt_node_t *map, const char *key)
{
    const pt_link_t *link = pt_layer_find(map, key);
    return link ? link->value : NULL;
}

const char *
pt_layer_text(const pt_node_t *map, const char *key)
{
    const pt_node_t *node = pt_layer_get(map, key);
    return node && node->kind == PT_NODE_SCALAR ? node->text.data : NULL;
}

pt_node_t *
pt_layer_new(pt_reader_t *reader, const pt_node_t *like)
{
    pt_node_t *node = pt_read_array(reader, 1, sizeof *node);
    if (node)
        *node = (pt_node_t) {.kind = like->kind, .file = like->file, .line = like->line, .column = like->column};
    return node;
}

bool
pt_layer_append(pt_reader_t *reader, pt_node_t *node, const pt_node_t *key, const pt_node_t *value)
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

bool
pt_layer_append_all(pt_reader_t *reader, pt_node_t *node, const pt_node_t *from)
{
    for (const pt_link_t *link = from->first; link; link = link->next)
        if (!pt_layer_append(reader, node, link->key, link->value))
            return false;
    return true;
}

static void
s_refuse_repeated(const pt_layer_t *layer, const pt_node_t *map)
{
    for (const pt_link_t *link = map->first; link; link = link->next)
        if (pt_layer_find(map, link->key->text.data) != link)
            pt_read_fault(layer->reader, link->key, PT_FAULT_KEY_TWICE, "key '%.64s' stands twice in this overlay",
                          link->key->text.data);
}

static const pt_node_t *
s_merge_value(const pt_layer_t *layer, const pt_link_t *base, const pt_node_t *over, const s_merge_key_t *keys)
{
    for (; keys->key; keys++)
        if (!*keys->key || pt_text_equal(base->key->text, pt_text_of(keys->key)))
            return keys->merge(layer, base->value, over);
    return over;
}

//  Both maps, key by key, in the order of the base; the result stands where `over` stands. Where one
//  of them is no map, the overlay's value alone remains, and its reader finds fault with it.
static const pt_node_t *
s_merge_maps(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over, const s_merge_key_t *keys)
{
    if (base->kind != PT_NODE_MAP || over->kind != PT_NODE_MAP)
        return over;
    s_refuse_repeated(layer, over);
    pt_node_t *merged = pt_layer_new(layer->reader, over);
    if (!merged)
        return NULL;
    for (const pt_link_t *link = base->first; link; link = link->next) {
        const pt_link_t *change = pt_layer_find(over, link->key->text.data);
        const pt_node_t *value = change ? s_merge_value(layer, link, change->value, keys) : link->value;
        if (!pt_layer_append(layer->reader, merged, link->key, value))
            return NULL;
    }
    for (const pt_link_t *link = over->first; link; link = link->next)
        if (!pt_layer_find(base, link->key->text.data) &&
            !pt_layer_append(layer->reader, merged, link->key, link->value))
            return NULL;
    return merged;
}

const pt_node_t *
pt_layer_merge_plainly(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{0}};
    return s_merge_maps(layer, base, over, keys);
}

//  Maps whose values are maps of their own: policies, field codes.
static const pt_node_t *
s_merge_named(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{S_ANY_KEY, pt_layer_merge_plainly}, {0}};
    return s_merge_maps(layer, base, over, keys);
}

//  Aliases are added. A single one may stand without a list.
static const pt_node_t *
s_merge_lists(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind == PT_NODE_MAP || over->kind == PT_NODE_MAP)
        return over;
    pt_node_t *merged = pt_layer_new(layer->reader, over);
    if (!merged)
        return NULL;
    merged->kind = PT_NODE_LIST;
    const pt_node_t *both[] = {base, over};
    for (size_t i = 0; i < 2; i++) {
        bool well = both[i]->kind == PT_NODE_LIST ? pt_layer_append_all(layer->reader, merged, both[i])
                                                  : pt_layer_append(layer->reader, merged, NULL, both[i]);
        if (!well)
            return NULL;
    }
    return merged;
}

static const pt_node_t *
s_merge_operation(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{"aliases", s_merge_lists}, {0}};
    return s_merge_maps(layer, base, over, keys);
}

static const pt_node_t *
s_find_operation(const pt_node_t *list, const pt_node_t *operation)
{
    const char *name = pt_layer_text(operation, "name");
    for (const pt_link_t *link = name ? list->first : NULL; link; link = link->next) {
        const char *other = pt_layer_text(link->value, "name");
        if (other && strcmp(other, name) == 0)
            return link->value;
    }
    return NULL;
}

static const pt_node_t *
s_merge_operations(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind != PT_NODE_LIST || over->kind != PT_NODE_LIST)
        return over;
    pt_node_t *merged = pt_layer_new(layer->reader, base);
    if (!merged)
        return NULL;
    for (const pt_link_t *link = base->first; link; link = link->next) {
        const pt_node_t *change = s_find_operation(over, link->value);
        if (!pt_layer_append(layer->reader, merged, NULL,
                             change ? s_merge_operation(layer, link->value, change) : link->value))
            return NULL;
    }
    //  One that is named twice in the overlay stays twice, and is found by its reader.
    for (const pt_link_t *link = over->first; link; link = link->next) {
        bool is_merged = s_find_operation(base, link->value) && s_find_operation(over, link->value) == link->value;
        if (!is_merged && !pt_layer_append(layer->reader, merged, NULL, link->value))
            return NULL;
    }
    return merged;
}

static const pt_node_t *
s_merge_gateway(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    static const s_merge_key_t keys[] = {{"aliases", s_merge_lists}, {0}};
    static const char *const refused[] = {"cite", "id_operation"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const pt_link_t *link = pt_layer_find(over, refused[i]);
        if (link)
            pt_read_fault(layer->reader, link->key, PT_FAULT_OUT_OF_PLACE, "an overlay has no %s%s", refused[i],
                          i ? ": the ids of the entries below stay" : "; write FILE:LINE or a URL at each entry");
    }
    return s_merge_maps(layer, base, over, keys);
}

bool
pt_overlay_is(const pt_node_t *root)
{
    const char *value = root ? pt_layer_text(root, "overlay") : NULL;
    return value && strcmp(value, "true") == 0;
}

const pt_node_t *
pt_overlay_gateway(const pt_node_t *root)
{
    const pt_node_t *id = root ? pt_layer_get(pt_layer_get(root, "gateway"), "id") : NULL;
    return id && id->kind == PT_NODE_SCALAR ? id : NULL;
}

const pt_node_t *
pt_overlay_apply(pt_reader_t *reader, const pt_node_t *base, const pt_node_t *overlay)
{
    static const s_merge_key_t keys[] = {{"gateway", s_merge_gateway},
                                         {"body", pt_layer_merge_plainly},
                                         {"operations", s_merge_operations},
                                         {"operation_digits", pt_layer_merge_plainly},
                                         {"status_digits", pt_layer_merge_plainly},
                                         {"policies", s_merge_named},
                                         {"field_codes", s_merge_named},
                                         {"entries", pt_layer_merge_entries},
                                         {0}};
    assert(reader);
    assert(pt_overlay_gateway(base));
    assert(overlay);

    const char *id_operation = pt_layer_text(pt_layer_get(base, "gateway"), "id_operation");
    pt_layer_t layer = {.reader = reader,
                        .gateway = pt_overlay_gateway(base)->text.data,
                        .id_operation = id_operation && strcmp(id_operation, "true") == 0};
    return s_merge_maps(&layer, base, overlay, keys);
}
