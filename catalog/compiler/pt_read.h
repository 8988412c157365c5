/*  pt_read: typed values out of a YAML tree, with a fault for each one that is not what it must be.
 *
 *  Every reader notes its own fault and returns false, so that callers go on with the next value
 *  and an author sees all faults of a file at once. Texts are copied into the source.
 */
#ifndef PT_READ_H
#define PT_READ_H

#include "pt_fault.h"
#include "pt_yaml.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_READ_TEXT_BYTES_MAX 2048 //  arbitrary: no documented message comes near
#define PT_READ_FAULTS_MAX 1000     //  kept for one file; further ones are only counted
#define PT_READ_KEYS_MAX 32         //  that one map may take

typedef struct {
    pt_source_t *source;
    pt_faults_t *faults;
    const char *file;   //  owned by the source
    size_t fault_count; //  noted by this reader
    bool out_of_memory;
} pt_reader_t;

//  One key that a map may hold, and what reads its value into the map's target.
typedef struct {
    const char *name;
    void (*read)(pt_reader_t *self, const pt_node_t *value, void *target);
    bool required;
} pt_key_t;

/*  Where a node stands in the reader's file. */
pt_mark_t pt_read_mark(const pt_reader_t *self, const pt_node_t *node);

/*  Note an error (or a warning) at a node. */
void pt_read_fault(pt_reader_t *self, const pt_node_t *node, pt_fault_kind_t kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*  Note a word that is none of `words`, and the nearest one where there is one near:
 *  "unknown WHAT 'WORD'WHERE; did you mean 'NEAREST'?".
 */
void pt_read_fault_unknown(pt_reader_t *self, const pt_node_t *word, pt_fault_kind_t kind, const char *what,
                           const char *where, const char *const *words, size_t count);

/*  A zeroed array that lives as long as the source; NULL, and out_of_memory set, when there is no
 *  memory. Always room for at least one.
 */
void *pt_read_array(pt_reader_t *self, size_t count, size_t item_bytes);

/*  Walk a map. Each key that stands in it is read in the order of `keys`, whatever the order in
 *  the file; unknown, repeated and missing ones are faults. `what` names the map in them.
 */
void pt_read_map(pt_reader_t *self, const pt_node_t *map, const char *what, const pt_key_t *keys, size_t key_count,
                 void *target);

/*  Call `each` for the items of a list, or for a scalar as a list of one. False when it is a map
 *  or the list is empty or longer than `max`; then nothing was called.
 */
bool pt_read_list(pt_reader_t *self, const pt_node_t *node, size_t max,
                  void (*each)(pt_reader_t *self, const pt_node_t *item, void *target), void *target);

//  Each of the following reads one value. False: it is none, a fault was noted, and nothing is written.

/*  A text: not empty, without control characters, at most PT_READ_TEXT_BYTES_MAX. It lives as long as the source. */
bool pt_read_text(pt_reader_t *self, const pt_node_t *node, char **out_text);
/*  What no text may hold: control characters, and those that turn the direction of reading; what no code may
 *  hold: those that cannot be seen, too.
 */
bool pt_read_has_control(pt_text_t text);
bool pt_read_has_hidden(pt_text_t text, bool is_code);

/*  As pt_read_text, and a fault for a text without quotes. */
bool pt_read_quoted(pt_reader_t *self, const pt_node_t *node, char **out_text);
/*  As pt_read_text, but any byte except NUL may stand in it: a gateway's message. */
bool pt_read_message(pt_reader_t *self, const pt_node_t *node, char **out_text);

/*  true or false. */
bool pt_read_boolean(pt_reader_t *self, const pt_node_t *node, bool *out_value);
/*  A whole number from min to max. */
bool pt_read_number(pt_reader_t *self, const pt_node_t *node, uint32_t min, uint32_t max, uint32_t *out_value);
/*  500ms, 30s, 5m, 1h, 1d: one unsigned number and its unit. 1 ms to PT_READ_DURATION_MS_MAX. */
bool pt_read_duration(pt_reader_t *self, const pt_node_t *node, uint32_t *out_ms);
#define PT_READ_DURATION_MS_MAX UINT32_C(2592000000) //  30 days; fits the rule's 32 bits

/*  One of `count` words: its index. */
bool pt_read_word(pt_reader_t *self, const pt_node_t *node, const char *what, const char *const *words, size_t count,
                  uint8_t *out_index);

/*  The raw text of a scalar in any style; a fault for a list or map. */
bool pt_read_scalar(pt_reader_t *self, const pt_node_t *node, pt_text_t *out_text);

#ifdef __cplusplus
}
#endif
#endif
