/*  pt_outbox_log: the records of an outbox file, one behind the other. What they say is pt_outbox_ledger's. For
 *  pt_outbox_file.
 */
#ifndef PT_OUTBOX_LOG_H
#define PT_OUTBOX_LOG_H

#include "pt_outbox_record.h"

typedef struct {
    int fd;
    uint64_t size; //  bytes of the records so far: where the next one goes
} pt_outbox_log_t;

/*  Open or create the file, and lock it. -1 with errno; EWOULDBLOCK: another process has it. */
int pt_outbox_log_lock(const char *path);

/*  Write a record and its payload behind the others. False with errno: then nothing is known of what stands there. */
PT_MUST_CHECK bool pt_outbox_log_append(pt_outbox_log_t *self, const pt_outbox_record_t *record, pt_bytes_t payload);

/*  Read the record at `offset` of a file that ends at `end`, and its payload into `room`, of PT_BATCH_BYTES_MAX bytes.
 *  False with errno: EBADMSG when no whole record stands there.
 */
PT_MUST_CHECK bool pt_outbox_log_read(const pt_outbox_log_t *self, uint64_t offset, uint64_t end, uint8_t *room,
                                      pt_outbox_record_t *out_record);

/*  Whether a whole record behind `from`, where reading failed, says that what stood there had been on disk. */
bool pt_outbox_log_is_damaged(const pt_outbox_log_t *self, uint64_t from, uint64_t end, uint8_t *room);

#endif
