/*  explain: the parts of `paytriage explain`. */
#ifndef PT_CMD_EXPLAIN_H
#define PT_CMD_EXPLAIN_H

#include "cmd.h"

#include "pt_catalog.h"
#include "pt_texts.h"

#include <jansson.h>

//  A question, and the answer that the worker would give.
typedef struct {
    const pt_catalog_t *catalog;
    const pt_provider_t *provider;
    pt_response_t response;
    pt_facts_t facts;
    pt_verdict_t verdict;
    pt_decision_t decision;
    pt_entry_view_t view;
    pt_texts_t texts;
} explain_answer_t;

/*  Print an answer in the language of its texts. `output` is CMD_OUTPUT_JSON or _JSONL. */
void explain_print_text(const explain_answer_t *answer, bool color);
void explain_print_json(const explain_answer_t *answer, cmd_output_t output);

/*  An English word or sentence in the language of the answer's texts; terminated. */
const char *explain_say(const explain_answer_t *answer, const char *english);

/*  Print a label, filled up to the column where what it names begins. */
void explain_print_label(const explain_answer_t *answer, const char *label, bool color);

/*  Print a value, in one line or as a document for people to read, and release it. */
void explain_print_value(json_t *json, cmd_output_t output);

/*  Whether a word looks like the id of a catalog's fault: PT and four digits. */
bool explain_is_fault(const char *word);

/*  Print what a fault means and what to do about it. The exit code: EX_OK, or 1 where there is no such id. */
int explain_fault(const char *id, cmd_output_t output);

/*  Print what a code in the body's map of fields means, in the language of the answer's texts. False, and nothing
 *  printed, where the gateway has no such code.
 */
bool explain_print_field(const explain_answer_t *answer, pt_text_t code, cmd_output_t output, bool color);

#define EXPLAIN_SCRIPT_BYTES 4096

/*  What to tell the merchant: the entry's own sentence where it has one and the message gave all that
 *  belongs into it, else that of the decision's category. Returns `out`.
 */
const char *explain_script(const explain_answer_t *answer, char out[EXPLAIN_SCRIPT_BYTES]);

/*  Print the entries that hold all the words, the best first; summaries are searched in all languages
 *  and shown in `language`. `provider` may be NULL: any. The exit code:
 *  EX_OK, or 1 where there are none.
 */
int explain_search(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *words,
                   pt_language_t language, cmd_output_t output);

#endif
