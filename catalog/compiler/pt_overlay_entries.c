/*  Two sorted lists of the base's entries, by id and by question, find what each entry of the overlay changes. */
#include "pt_overlay_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  One entry of the base, by its id and by what it answers to.
typedef struct {
    const char *id;
    const char *question;
    const pt_node_t *node;
    const pt_node_t *change; //  the overlay's entry; NULL: none
    bool is_removed;
} s_row_t;

typedef struct {
    const pt_layer_t *layer;
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
    while (kind < 3 && !pt_layer_text(entry, s_answers[kind]))
        kind++;
    return kind;
}

static const char *
s_first_operation(const pt_node_t *entry)
{
    const pt_node_t *node = pt_layer_get(entry, "operation");
    if (node && node->kind == PT_NODE_LIST)
        node = node->first ? node->first->value : NULL;
    return node && node->kind == PT_NODE_SCALAR ? node->text.data : NULL;
}

//  The id behind the gateway, as pt_compile_entry makes it.
static void
s_put_id(const s_index_t *index, const pt_node_t *entry, s_buffer_t *out)
{
    static const char *const kinds[] = {"", "status/", "http/"};
    const char *id = pt_layer_text(entry, "id");
    size_t kind = s_kind_of(entry);
    const char *operation = kind == 0 && index->layer->id_operation ? s_first_operation(entry) : NULL;
    const char *slug = pt_layer_text(entry, "slug");
    if (id) {
        s_put(out, id);
        return;
    }
    if (kind == 3)
        return;
    s_put(out, kinds[kind]);
    s_put(out, operation);
    s_put(out, operation ? "/" : "");
    s_put(out, pt_layer_text(entry, s_answers[kind]));
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
    const pt_node_t *node = pt_layer_get(entry, "operation");
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
    s_put(out, pt_layer_text(entry, s_answers[kind]));
    s_put(out, "\x1f");
    s_put_operations(entry, out);
    s_put(out, "\x1f");
    s_put(out, pt_layer_text(entry, "message"));
    s_put(out, "\x1f");
    s_put(out, pt_layer_text(entry, "subcode"));
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
    const char *id = pt_layer_text(entry, "id");
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
    const pt_node_t *id = pt_layer_get(entry, "id");
    if (!id) {
        pt_read_fault(index->layer->reader, entry, PT_FAULT_OVERLAY_ENTRY,
                      s_kind_of(entry) == 3 ? "an overlay's entry has an id, or one of code, status and http"
                                            : "no entry below answers to this, so nothing is removed");
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

//  Whether an entry that removes says which one, and nothing else.
static bool
s_check_removal(pt_reader_t *reader, const pt_node_t *entry)
{
    static const char *const names[] = {"remove", "id", "code", "status", "http", "operation", "message", "subcode"};
    const pt_node_t *remove = pt_layer_get(entry, "remove");
    bool is_removed = false;
    if (!pt_read_boolean(reader, remove, &is_removed))
        return false;
    if (!is_removed)
        pt_read_fault(reader, remove, PT_FAULT_OUT_OF_PLACE, "remove is true, or is not there");
    bool is_well = is_removed;
    //  What an id names needs no other words.
    size_t count = pt_layer_get(entry, "id") ? 2 : sizeof names / sizeof *names;
    for (const pt_link_t *link = entry->first; link; link = link->next) {
        size_t name = 0;
        while (name < count && !pt_text_equal(link->key->text, pt_text_of(names[name])))
            name++;
        if (name < count)
            continue;
        pt_read_fault(reader, link->key, PT_FAULT_OUT_OF_PLACE, "'%.64s' has no effect on an entry that is removed",
                      link->key->text.data);
        is_well = false;
    }
    return is_well;
}

static void
s_sort_entry(s_index_t *index, const pt_node_t *entry, pt_node_t *added)
{
    if (entry->kind != PT_NODE_MAP) {
        (void) pt_layer_append(index->layer->reader, added, NULL, entry);
        return;
    }
    bool removes = pt_layer_get(entry, "remove") != NULL;
    if (removes && !s_check_removal(index->layer->reader, entry))
        return;
    s_row_t *row = s_find_changed(index, entry);
    if (!row && (removes || s_kind_of(entry) == 3))
        s_refuse_entry(index, entry);
    else if (!row)
        (void) pt_layer_append(index->layer->reader, added, NULL, entry);
    else if (row->change)
        pt_read_fault(index->layer->reader, entry, PT_FAULT_KEY_TWICE,
                      "this overlay changes '%.100s' already at line %u", row->id, row->change->line);
    else {
        row->change = entry;
        row->is_removed = removes;
    }
}

//  The id finds the entry; it does not rename it.
static const pt_node_t *
s_without_id(const pt_layer_t *layer, const pt_node_t *entry)
{
    pt_node_t *rest = pt_layer_new(layer->reader, entry);
    for (const pt_link_t *link = entry->first; rest && link; link = link->next)
        if (!pt_text_equal(link->key->text, PT_TEXT("id")) &&
            !pt_layer_append(layer->reader, rest, link->key, link->value))
            return NULL;
    return rest;
}

static const pt_node_t *
s_change_entry(const pt_layer_t *layer, const s_row_t *row)
{
    if (!row->change)
        return row->node;
    const pt_node_t *change = s_without_id(layer, row->change);
    return change ? pt_layer_merge_plainly(layer, row->node, change) : NULL;
}

const pt_node_t *
pt_layer_merge_entries(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over)
{
    if (base->kind != PT_NODE_LIST || over->kind != PT_NODE_LIST)
        return over;
    s_index_t index = {.layer = layer};
    pt_node_t *added = pt_layer_new(layer->reader, over);
    pt_node_t *merged = pt_layer_new(layer->reader, base);
    if (!added || !merged || !s_make_index(&index, base))
        return NULL;
    for (const pt_link_t *link = over->first; link; link = link->next)
        s_sort_entry(&index, link->value, added);
    for (size_t i = 0; i < index.count; i++)
        if (!index.rows[i].is_removed &&
            !pt_layer_append(layer->reader, merged, NULL, s_change_entry(layer, &index.rows[i])))
            return NULL;
    return pt_layer_append_all(layer->reader, merged, added) ? merged : NULL;
}
