/*  pt_source: a catalog as its authors wrote it, in memory, before it is compiled.
 *
 *  pt_compile reads YAML into one; pt_build makes an image of it. Plain values with owned,
 *  terminated strings (NULL: not given), all released by pt_source_destroy.
 */
#ifndef PT_SOURCE_H
#define PT_SOURCE_H

#include "pt_rule.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_SOURCE_CODES_MAX 4 //  codes that one entry answers to

//  Where something was written, for faults.
typedef struct {
    const char *file; //  borrowed from the source's file list
    unsigned line;    //  from 1
    unsigned column;
} pt_mark_t;

//  Where one value of an entry comes from.
typedef struct {
    const char *key;    //  "action"; borrowed
    const char *policy; //  the policy that says so; NULL: the entry itself
    pt_mark_t mark;
} pt_source_origin_t;

typedef struct {
    pt_mark_t mark;
    char *id; //  "smilepayz/5009000/order-number-failed"; unique
    pt_entry_kind_t kind;
    //  The documented code first; further ones answer to the same message (SmilePayz "10" beside
    //  "4009001"). For a status or HTTP entry: the marker's value or the class.
    char *codes[PT_SOURCE_CODES_MAX];
    size_t code_count;
    char **operations; //  names; none: any operation
    size_t operation_count;
    char *message;               //  literal text or template; NULL: the code's own entry
    char *subcode;               //  refines a template: a captured value holds this token
    bool trailing_stop_optional; //  a trailing full stop makes no difference
    pt_rule_t rule;
    char *summary;               //  one plain sentence for an operator
    char *todo;                  //  what to do about it; NULL: the action's stock sentence
    char *merchant;              //  what to tell the merchant; NULL: the category's stock sentence
    char *cite;                  //  "000_f687944cb317c178.txt:16", several with "; ", or a URL
    pt_source_origin_t *origins; //  of each given value, the last one of a key counts; only where asked for
    size_t origin_count;
} pt_source_entry_t;

typedef struct {
    pt_mark_t mark;
    char *name;
    char **aliases;
    size_t alias_count;
    pt_operation_kind_t kind;
    bool without_payer;
    char *digits; //  the two digits of a responseCode that name this operation; NULL: none
} pt_source_operation_t;

//  What one value of the body's `fields` map says about a field of the request.
typedef struct {
    pt_mark_t mark;
    char *code;
    char *summary; //  one plain sentence
    char *cite;
} pt_source_field_code_t;

typedef struct {
    pt_mark_t mark;
    char *id; //  [a-z0-9_-]{1,32}
    char *name;
    char **aliases;
    size_t alias_count;
    pt_path_t *paths; //  steps point into owned strings
    size_t path_count;
    uint8_t codes_without_payer; //  bit n: a code of slot n is about nothing that a payer pays
    //  Where in the code of slot `digits_slot` an operation's digits stand: offset and length;
    //  length 0: operations are not derived from codes.
    uint8_t digits_slot, digits_offset, digits_length;
    //  Where a code repeats the HTTP status in three digits; has_status_digits false: nowhere.
    bool has_status_digits;
    uint8_t status_slot, status_offset;
    pt_source_operation_t *operations;
    size_t operation_count;
    //  Values of the advice path that forbid another try on this instrument.
    char **do_not_retry;
    size_t do_not_retry_count;
    pt_source_field_code_t *field_codes;
    size_t field_code_count;
    pt_source_entry_t *entries;
    size_t entry_count;
    bool is_faulty; //  rows of it are missing, because they could not be read
} pt_source_provider_t;

typedef struct {
    pt_source_provider_t *providers;
    size_t provider_count;
    char **files; //  paths as given
    size_t file_count;
    bool keep_origins; //  set before anything is added: entries get their origins
    void *arena;       //  owns every string and array above
} pt_source_t;

/*  One fault in a catalog, in the words shown to its author. */
typedef struct {
    pt_mark_t mark;
    bool warning;
    char id[8]; //  "PT1001"
    char text[256];
} pt_fault_t;

/*  A mark for the text of a fault at `near`: "line 12", or "FILE:12" where that is another file.
 *  `out` has room for PT_MARK_BYTES_MAX; returned.
 */
#define PT_MARK_BYTES_MAX 160
const char *pt_mark_text(pt_mark_t mark, pt_mark_t near, char *out);

/*  A growing list of faults. Zero it to start; release with pt_faults_clear. */
typedef struct {
    pt_fault_t *faults;
    size_t count;
    size_t errors; //  faults that are not warnings
} pt_faults_t;

/*  Note a fault. Out of memory, it is counted in `errors` but not kept. */
void pt_faults_add(pt_faults_t *self, pt_mark_t mark, bool warning, const char *id, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void pt_faults_clear(pt_faults_t *self);

/*  A zeroed block that lives as long as the source; NULL when out of memory. */
void *pt_source_alloc(pt_source_t *self, size_t bytes);

/*  Release everything the source owns and zero it. */
void pt_source_destroy(pt_source_t *self);

#ifdef __cplusplus
}
#endif
#endif
