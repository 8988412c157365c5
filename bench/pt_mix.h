/*  pt_mix: recorded gateway answers, as responses for the benches.
 *
 *  Read from JSON Lines, one response each; the tests' real-shaped answers of all five gateways are
 *  the default. Each one is kept in two forms: with its body as a msgpack map, and with the same body as
 *  JSON text. Text that is not JSON (a proxy's HTML page) has only the second form. What a line
 *  expects of the decision is kept too, so that a bench can check what it measures.
 */
#ifndef PT_MIX_H
#define PT_MIX_H

#include <argp.h>

#include "pt_model.h"

typedef enum { PT_FORM_MAP, PT_FORM_JSON, PT_FORM_COUNT_ } pt_form_t;

/*  "map" or "json". */
const char *pt_form_text(pt_form_t form);

typedef struct {
    pt_bytes_t forms[PT_FORM_COUNT_]; //  one response in msgpack; no bytes: there is no such form
    int route;                        //  pt_route_t that the line expects; -1: it expects none
    char *provider;
} pt_answer_t;

typedef struct {
    pt_answer_t *answers;
    size_t count;
    size_t counts[PT_FORM_COUNT_]; //  of answers that have the form
    size_t bytes[PT_FORM_COUNT_];  //  of all of them
} pt_mix_t;

#define PT_MIX_FILES_MAX 16

//  FILEs of a command line.
typedef struct {
    const char *paths[PT_MIX_FILES_MAX];
    size_t count;
} pt_mix_files_t;

//  A child for argp that takes them; its input is a pt_mix_files_t.
extern const struct argp pt_mix_argp;

/*  Read files; with none given, the recorded ones. Without `with_ids` responses lose their id, so that
 *  the worker names them by their place. A file or line that cannot be read ends the
 *  program with one line on stderr and exit 66 or 65.
 */
void pt_mix_load(pt_mix_t *self, const pt_mix_files_t *files, bool with_ids);
void pt_mix_clear(pt_mix_t *self);

/*  Draws from the answers that have a form: `count` indexes in a fixed random order, to be released
 *  by free().
 */
uint32_t *pt_mix_draw(const pt_mix_t *self, pt_form_t form, size_t count);

#endif
