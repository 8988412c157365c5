/*  pt_overlay_parts: what the files of pt_overlay share.
 *
 *  New nodes live in the reader's source. A function that returns a node returns NULL only when out of
 *  memory.
 */
#ifndef PT_OVERLAY_PARTS_H
#define PT_OVERLAY_PARTS_H

#include "pt_read.h"

#ifdef __cplusplus
extern "C" {
#endif

//  One overlay on its way onto a base.
typedef struct {
    pt_reader_t *reader;
    const char *gateway;
    bool id_operation; //  the operation stands in the ids of the base's entries
} pt_layer_t;

/*  A key and its value, the value, and its text; NULL: no such key, or no plain text. `map` may be NULL. */
const pt_link_t *pt_layer_find(const pt_node_t *map, const char *key);
const pt_node_t *pt_layer_get(const pt_node_t *map, const char *key);
const char *pt_layer_text(const pt_node_t *map, const char *key);

/*  An empty map or list, in the place of `like`. */
pt_node_t *pt_layer_new(pt_reader_t *reader, const pt_node_t *like);

/*  One value more, or all those of `from`; `key` is NULL in a list. False: out of memory, or no `value`. */
bool pt_layer_append(pt_reader_t *reader, pt_node_t *node, const pt_node_t *key, const pt_node_t *value);
bool pt_layer_append_all(pt_reader_t *reader, pt_node_t *node, const pt_node_t *from);

/*  Two maps: each key of `over` replaces the one of `base`. */
const pt_node_t *pt_layer_merge_plainly(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over);

/*  Two lists of entries: changed ones stay in their places, new ones follow, removed ones are left out. */
const pt_node_t *pt_layer_merge_entries(const pt_layer_t *layer, const pt_node_t *base, const pt_node_t *over);

#ifdef __cplusplus
}
#endif
#endif
