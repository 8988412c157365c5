/*  pt_yaml: YAML text into a bounded tree whose nodes know their file, line and column.
 *
 *  Takes hostile text: nodes, depth and anchors are limited, and an alias counts as much as all that
 *  it stands for. Scalars stay raw text, so "05" and NO are what the author wrote. Nothing but
 *  libyaml's events is used here, and nothing else of the project uses libyaml for catalogs.
 */
#ifndef PT_YAML_H
#define PT_YAML_H

#include "pt_source.h"

#ifdef __cplusplus
extern "C" {
#endif

//  Arbitrary, and far beyond any catalog that people can review.
#define PT_YAML_BYTES_MAX ((size_t) 16 * 1024 * 1024)
#define PT_YAML_NODES_MAX 1000000 //  with each alias counted as what it stands for
#define PT_YAML_DEPTH_MAX 32
#define PT_YAML_ANCHORS_MAX 256

typedef enum { PT_NODE_SCALAR, PT_NODE_LIST, PT_NODE_MAP } pt_node_kind_t;

typedef struct pt_node pt_node_t;

//  One item of a list, or one pair of a map.
typedef struct pt_link {
    const pt_node_t *key; //  a scalar; NULL in a list
    const pt_node_t *value;
    struct pt_link *next;
} pt_link_t;

struct pt_node {
    pt_node_kind_t kind;
    bool quoted;      //  a scalar in any style but plain
    const char *file; //  borrowed
    unsigned line, column;
    pt_text_t text;        //  of a scalar; terminated, but may hold NUL bytes inside
    pt_link_t *first;      //  of a list or map, in the order of the file
    size_t count;          //  items or pairs
    size_t weight, height; //  nodes and levels below and with this one, aliases followed; 0: still open
    pt_link_t *last;       //  where the next one is hung
};

typedef struct {
    const pt_node_t *root; //  NULL when the text holds no document
    pt_source_t memory;    //  only its arena is used
} pt_tree_t;

//  Why there is no tree.
typedef struct {
    unsigned line, column; //  from 1; 0: the whole file
    const char *id;        //  "PT1001"
    char text[200];
} pt_yaml_error_t;

/*  Read the one document of a text. `file` is what its nodes name; it outlives the tree.
 *
 *  Returns PT_OK and a tree for pt_tree_clear; PT_E_SYNTAX with *out_error written; or PT_E_NOMEM.
 *  On failure there is nothing to clear.
 */
PT_MUST_CHECK pt_status_t pt_yaml_parse(const char *file, pt_bytes_t text, pt_tree_t *out_tree,
                                        pt_yaml_error_t *out_error);

/*  Release all nodes. */
void pt_tree_clear(pt_tree_t *self);

#ifdef __cplusplus
}
#endif
#endif
