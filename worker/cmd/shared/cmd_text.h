/*  cmd_text: a decision as one line for people. */
#ifndef PT_CMD_TEXT_H
#define PT_CMD_TEXT_H

#include "pt_model.h"

#include <stdio.h>

/*  Print "TIME ROUTE provider code action id summary", and the alert after it; only the route's word is coloured.
 *  Control characters of foreign texts, and those that turn the direction of reading, are shown as '?', so that no
 *  gateway can steer a terminal or pass one line off as another; card numbers are masked everywhere, in the id as well.
 */
void cmd_text_print(FILE *stream, const pt_decision_t *decision, bool color);

/*  A delay for people: "250ms", "30s", "2m", "1h 5m". `out` has room for 32 bytes. */
const char *cmd_text_delay(uint64_t delay_ms, char *out);

/*  Columns of a terminal that cmd_text_print_foreign takes for a text: Thai vowels and tone marks stand over their
 *  letter, Chinese takes two.
 */
size_t cmd_text_columns(pt_text_t text);

/*  Print foreign bytes with control characters shown as '?' and card numbers masked. At most `width_max` columns, then
 *  an ellipsis; 0: all. Returns the columns that were taken, the ellipsis among them.
 */
size_t cmd_text_print_foreign(FILE *stream, pt_text_t text, size_t width_max);

#endif
