/*  cmd_explain: what `paytriage explain` answers beside the codes of gateways. */
#ifndef PT_CMD_EXPLAIN_H
#define PT_CMD_EXPLAIN_H

#include "cmd.h"

#include "pt_catalog.h"
#include "pt_texts.h"

/*  Whether a word looks like the id of a catalog's fault: PT and four digits. */
bool explain_is_fault(const char *word);

/*  Print what a fault means and what to do about it. The exit code: EX_OK, or 1 where there is no such id. */
int explain_fault(const char *id, cmd_output_t output);

/*  Print what a code in the body's map of fields means. False, and nothing printed, where the gateway
 *  has no such code.
 */
bool explain_print_field(const pt_provider_t *provider, pt_text_t code, cmd_output_t output, bool color);

#define EXPLAIN_SCRIPT_BYTES 4096

/*  What to tell the merchant about a decision, with the captured values in it. Returns `out`. */
const char *explain_script(const pt_decision_t *decision, const pt_texts_t *texts, char out[EXPLAIN_SCRIPT_BYTES]);

/*  Print the entries that hold all the words, the best first; summaries are searched in all languages
 *  and shown in `language`. `provider` may be NULL: any. The exit code:
 *  EX_OK, or 1 where there are none.
 */
int explain_search(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *words,
                   pt_language_t language, cmd_output_t output);

#endif
