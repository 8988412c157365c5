/*  pt_poison: which batch was being read when the process died.
 *
 *  A file of slots, one for each decider, mapped into memory: what is written there survives the
 *  death of the process, without a system call for each batch. A batch that stands in a slot at the
 *  next start is a suspect; one that was there twice is not read a third time but kept raw, as dead
 *  letters. A power failure may lose the slots, and then a suspect is read once more.
 *
 *  A batch that was read to its end is no suspect any more. While a suspect is read no other batch is,
 *  so that of those that stood in slots together only the guilty one is met by a second death. A
 *  process that is killed from outside at that very moment leaves a harmless batch as poison; it is
 *  not lost.
 */
#ifndef PT_POISON_H
#define PT_POISON_H

#include "pt_wire.h"

#define PT_POISON_SLOTS 256
#define PT_POISON_SUSPECTS 1024
#define PT_POISON_LIMIT 2 //  deaths

typedef struct pt_poison pt_poison_t;

/*  Open or make the file of a journal's directory, and count what was being read at the last death.
 *  The journal's lock must be held. NULL with errno. *out_suspects is the number of suspects.
 */
pt_poison_t *pt_poison_open(const char *dir, size_t *out_suspects);
void pt_poison_close(pt_poison_t **self_p);

/*  Actor `slot` begins to read a batch; and it has come to the end of it. From any thread, each slot
 *  from one at a time. Entering waits while a suspect is read, and a suspect waits for all others.
 */
void pt_poison_enter(pt_poison_t *self, size_t slot, const pt_batch_t *batch);
void pt_poison_leave(pt_poison_t *self, size_t slot, const pt_batch_t *batch);

/*  Whether the batch must not be read. */
bool pt_poison_is(const pt_poison_t *self, const pt_batch_t *batch);

#endif
