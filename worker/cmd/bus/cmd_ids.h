/*  cmd_ids: ids that stand in several responses of one input. Two responses with one id and attempt are one response to
 *  whoever subscribes, and the second is dropped there without a word; so whoever sends them should hear of it.
 */
#ifndef PT_CMD_IDS_H
#define PT_CMD_IDS_H

#include "pt_text.h"

//  Bounded, since an input may have any length: of the ids before, about as many are remembered. 1.5 MiB; arbitrary.
#define CMD_IDS_KEPT 65536
//  Lines that are told of one by one. Where a whole file is made so, these show it.
#define CMD_IDS_TOLD 5

typedef struct cmd_ids cmd_ids_t;

/*  NULL without memory. */
cmd_ids_t *cmd_ids_new(void);
void cmd_ids_destroy(cmd_ids_t **self_p);

/*  Note the response of a line, and say on stderr where another response had its id and attempt. The same response once
 *  more is a repetition and no fault; what is no response has no id.
 */
void cmd_ids_note(cmd_ids_t *self, pt_bytes_t response, uint64_t line);

/*  Say how many more there were than were told of. */
void cmd_ids_sum_up(const cmd_ids_t *self);

#endif
