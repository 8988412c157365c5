/*  pt_outbox_ledger: what the records of an outbox file say together: which batches wait for an answer, and where they
 *  stand. For pt_outbox_file.
 */
#ifndef PT_OUTBOX_LEDGER_H
#define PT_OUTBOX_LEDGER_H

#include "pt_outbox_record.h"

typedef struct {
    uint64_t offset; //  of the record
    uint32_t count, payload_len;
    bool open; //  no answer so far
    pt_outbox_cover_t cover;
} pt_outbox_place_t;

typedef struct {
    uint64_t producer, epoch;
    uint64_t floor, next; //  batches below `floor` are answered
    pt_outbox_place_t places[PT_WINDOW];
    pt_outbox_cover_t cover; //  of the latest batch
    bool complete;
    uint64_t live_bytes; //  of unanswered batches
} pt_outbox_ledger_t;

/*  The place of a batch from `floor` to `next`. */
pt_outbox_place_t *pt_outbox_ledger_place(pt_outbox_ledger_t *self, uint64_t seq);

/*  Note the record at `offset` of the file; `payload` is its own. False when it contradicts those before it: the
 *  ledger is of no use then.
 */
bool pt_outbox_ledger_take(pt_outbox_ledger_t *self, const pt_outbox_record_t *record, const uint8_t *payload,
                           uint64_t offset);

/*  A batch is answered; lift `floor` over those that are, once all were told. */
void pt_outbox_ledger_close(pt_outbox_ledger_t *self, uint64_t seq);
void pt_outbox_ledger_lift(pt_outbox_ledger_t *self);

#endif
