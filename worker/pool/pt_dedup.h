/*  pt_dedup: which batches of which producers are in work or finished.
 *
 *  One window of PT_WINDOW batches above the producer's floor for each (producer, epoch), never a
 *  highest number: batches overtake each other. In memory; a journal keeps it beside the decisions
 *  and gives it back at the start. One thread owns a table.
 */
#ifndef PT_DEDUP_H
#define PT_DEDUP_H

#include "pt_wire.h"

typedef struct pt_dedup pt_dedup_t;

typedef enum {
    PT_DEDUP_NEW,      //  not seen: it is in work from now on
    PT_DEDUP_IN_WORK,  //  taken and not finished: ignore, the answer will come
    PT_DEDUP_FINISHED, //  the same bytes are finished, or the seq is below the floor: ACK only
    PT_DEDUP_CONFLICT, //  finished with another checksum
} pt_dedup_state_t;

/*  A table of at most `producers_max` windows of 5 KiB; the one unused for longest makes room, which
 *  can cause duplicates and never a loss. NULL when out of memory.
 */
pt_dedup_t *pt_dedup_new(size_t producers_max);

/*  Release the table and set *self_p to NULL. Does nothing when it already is. */
void pt_dedup_destroy(pt_dedup_t **self_p);

/*  What to do with a batch that arrived; pt_batch_decode accepted its header. Without memory for a
 *  new window the batch is PT_DEDUP_NEW and not remembered.
 */
pt_dedup_state_t pt_dedup_take(pt_dedup_t *self, const pt_batch_t *batch);

/*  The batch is finished: from now on it is only acknowledged. */
void pt_dedup_finish(pt_dedup_t *self, const pt_batch_t *batch);

/*  A batch was finished before this start, in a window with this floor; with seq 0, only the window.
 *  False when out of memory.
 */
bool pt_dedup_restore(pt_dedup_t *self, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq,
                      uint32_t crc32);

/*  The batch was refused: forget that it was taken, so that it may be sent again. */
void pt_dedup_release(pt_dedup_t *self, const pt_batch_t *batch);

#endif
