/*  pt_outbox_file: a producer's unanswered batches on disk, so that a producer that dies resumes.
 *
 *  A log of records, each with its checksum: who the producer is, the batches that were sealed, and
 *  which of them are answered. A batch is on disk before it is first sent; that it was answered may be
 *  lost, which costs a resend and nothing else. Every batch tells how much of the producer's input is
 *  in it and in those before it. The file is written anew when most of it is answered for.
 *
 *  What follows the last record that is whole is the trace of a write that was cut short: it was never
 *  sent, and is cut off. Damage in what had been synced is another matter: such a file is refused.
 */
#ifndef PT_OUTBOX_FILE_H
#define PT_OUTBOX_FILE_H

#include "pt_outbox.h"
#include "pt_outbox_record.h"

//  The file is written anew when it is larger than this, and than four times what is unanswered.
#define PT_OUTBOX_FILE_BYTES_SOFT (UINT64_C(16) * 1024 * 1024)

//  What a file says when it is opened.
typedef struct {
    bool fresh; //  there was nothing in it
    uint64_t producer, epoch;
    uint64_t next;           //  seq of the next batch
    pt_outbox_cover_t cover; //  of all batches ever sealed
    bool complete;           //  the input had ended, and all was answered
    uint64_t batches;        //  unanswered
    uint64_t cut_bytes;      //  dropped at the end
} pt_outbox_file_state_t;

typedef struct pt_outbox_file pt_outbox_file_t;

/*  Open or create, and lock. NULL with errno: EWOULDBLOCK when another process has it, EBADMSG when
 *  it is damaged or no outbox file, or what the operating system says.
 */
pt_outbox_file_t *pt_outbox_file_open(const char *path, pt_outbox_file_state_t *out_state);
void pt_outbox_file_close(pt_outbox_file_t **self_p);

/*  Begin a new life: the producer's name from now on; everything in the file is forgotten. To be
 *  called for a fresh file, before all else. PT_OK, or PT_E_IO with errno.
 */
PT_MUST_CHECK pt_status_t pt_outbox_file_begin(pt_outbox_file_t *self, uint64_t producer, uint64_t epoch);
/*  Put the unanswered batches back into an outbox. PT_OK, PT_E_NOMEM, PT_E_RANGE or PT_E_IO. */
PT_MUST_CHECK pt_status_t pt_outbox_file_restore(pt_outbox_file_t *self, pt_outbox_t *outbox);

/*  Append a sealed batch; it is safe after pt_outbox_file_sync. */
PT_MUST_CHECK pt_status_t pt_outbox_file_add(pt_outbox_file_t *self, const pt_outbox_batch_t *batch,
                                             pt_outbox_cover_t cover);
/*  Everything below `floor` is answered, and of the batches from there on those that `outbox` has no
 *  more. Appended where it is worth it; never synced for itself.
 */
PT_MUST_CHECK pt_status_t pt_outbox_file_answered(pt_outbox_file_t *self, const pt_outbox_t *outbox);
/*  Write and sync what was appended: one fdatasync. Does nothing when nothing was added. */
PT_MUST_CHECK pt_status_t pt_outbox_file_sync(pt_outbox_file_t *self);
/*  The input has ended, and all is answered. */
PT_MUST_CHECK pt_status_t pt_outbox_file_complete(pt_outbox_file_t *self);

#endif
