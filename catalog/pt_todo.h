/*  pt_todo: what a person does about each action, in one stock sentence.
 *
 *  Entries may say it better; these stand in where an entry says nothing.
 */
#ifndef PT_TODO_H
#define PT_TODO_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Never absent; static text. A value outside the enumeration gets the sentence of investigate. */
pt_text_t pt_action_todo(pt_action_t action);

#ifdef __cplusplus
}
#endif
#endif
