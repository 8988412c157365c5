/*  pt_compile_parts: what the pieces of the compiler share. Internal to pt_compile*.c.
 *
 *  One pt_unit_t lives while one file is read; each function here reads one part of it. The parts
 *  are read in the order in which they need each other, whatever their order in the file.
 */
#ifndef PT_COMPILE_PARTS_H
#define PT_COMPILE_PARTS_H

#include "pt_read.h"

//  Arbitrary, and an order of magnitude above what the known gateways need.
#define PT_COMPILE_ALIASES_MAX 16
#define PT_COMPILE_OPERATIONS_MAX 64
#define PT_COMPILE_POLICIES_MAX 256
#define PT_COMPILE_FIELD_CODES_MAX 256
#define PT_COMPILE_NAMES_MAX 16 //  operations or policies of one entry, citations, advice values
#define PT_COMPILE_ID_BYTES_MAX 32
#define PT_COMPILE_NAME_BYTES_MAX 64

enum {
    PT_SETS_DELAYS = 1u << 0,
    PT_SETS_MAX_ATTEMPTS = 1u << 1,
    PT_SETS_DEADLINE = 1u << 2,
    PT_SETS_ALERT = 1u << 3,
    PT_SETS_COUNT_ = 4,
};

//  What a policy, or an entry itself, says about retries and alerts.
typedef struct {
    unsigned given;                  //  PT_SETS_… of each key that stands there
    pt_rule_t rule;                  //  only the fields of the given keys are meant
    pt_mark_t marks[PT_SETS_COUNT_]; //  of the given keys' values, by the number of the bit
} pt_settings_t;

typedef struct {
    const pt_node_t *key;
    pt_settings_t settings;
} pt_named_settings_t;

typedef struct {
    pt_source_provider_t *provider;
    char *cite_file;   //  prefix of citations that are only a line; NULL: none
    bool id_operation; //  the operation stands in the ids of entries
    size_t code_slots;
    size_t status_slots;
    size_t advice_slots;
    pt_named_settings_t *policies;
    size_t policy_count;
} pt_unit_t;

//  A growing list of texts that is filled by pt_read_list.
typedef struct {
    char **texts;
    size_t count;
    bool (*read)(pt_reader_t *self, const pt_node_t *node, char **out_text);
} pt_texts_t;

/*  Read a list of at most `max` texts with `read`. Those that cannot be read are left out. */
pt_texts_t pt_compile_texts(pt_reader_t *reader, const pt_node_t *node, size_t max,
                            bool (*read)(pt_reader_t *self, const pt_node_t *node, char **out_text));

/*  Lower-case letters, digits and `specials`, at least one and at most `bytes_max`. */
bool pt_compile_is_name(const char *text, const char *specials, size_t bytes_max);

/*  Printable ASCII without spaces: the names of operations and the aliases of gateways. */
bool pt_compile_read_name(pt_reader_t *reader, const pt_node_t *node, char **out_text);
/*  Any text without spaces: an operation's alias may be the gateway's word in its own language. */
bool pt_compile_read_alias(pt_reader_t *reader, const pt_node_t *node, char **out_text);

//  Readers of the parts of a file; target is the pt_unit_t.
void pt_compile_read_body(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_compile_read_operations(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_compile_read_operation_digits(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_compile_read_status_digits(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_compile_read_policies(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_compile_read_field_codes(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_compile_read_entries(pt_reader_t *reader, const pt_node_t *node, void *target);

//  Readers of the keys that policies and entries have in common; target is a pt_settings_t.
void pt_settings_read_delays(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_settings_read_max_attempts(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_settings_read_deadline(pt_reader_t *reader, const pt_node_t *node, void *target);
void pt_settings_read_alert(pt_reader_t *reader, const pt_node_t *node, void *target);

/*  The key that sets bit `number` of `given`. */
const char *pt_settings_key(unsigned number);

/*  Lay settings over a rule: what they say wins. */
void pt_settings_apply(const pt_settings_t *self, pt_rule_t *rule);

/*  The words of an enumerated field as a list, for pt_read_word. */
#define PT_COMPILE_WORDS_MAX 32
typedef struct {
    const char *words[PT_COMPILE_WORDS_MAX];
    size_t count;
} pt_words_t;
pt_words_t pt_compile_words_category(void);
pt_words_t pt_compile_words_outcome(void);
pt_words_t pt_compile_words_action(void);
pt_words_t pt_compile_words_severity(void);
pt_words_t pt_compile_words_when(void);
pt_words_t pt_compile_words_audience(void);

/*  A message as an author writes it: `{name}` and `{{name}}` are holes. NULL when it can be
 *  matched, else what is wrong with it.
 */
const char *pt_compile_check_message(const char *message, size_t *out_hole_count);

/*  Read what to tell the merchant; its holes must be holes of the entry's message, which may be NULL. */
char *pt_compile_read_merchant(pt_reader_t *reader, const pt_node_t *node, const char *message);

/*  Read citations into one text, "FILE:LINE; FILE:LINE". NULL, with a fault, when one is wrong. */
char *pt_compile_read_cite(pt_reader_t *reader, const pt_node_t *node, const char *cite_file);

//  Checks of a whole source; pt_compile_check calls them.
void pt_compile_check_rule(const pt_source_entry_t *entry, pt_faults_t *faults);
void pt_compile_check_rows(const pt_source_provider_t *provider, pt_faults_t *faults);

#endif
