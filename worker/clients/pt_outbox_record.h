/*  pt_outbox_record: one record of an outbox file, in 64 bytes and a payload.
 *
 *  Integers are little-endian. The CRC-32 covers everything behind it, the payload included. `synced`
 *  is the length of the file that was known to be on disk when the record was written, so that a
 *  reader can tell damage from a write that was cut short.
 */
#ifndef PT_OUTBOX_RECORD_H
#define PT_OUTBOX_RECORD_H

#include "pt_wire.h"

#define PT_OUTBOX_RECORD_BYTES 64

//  How much of an input the batches cover, and what it was: the caller's own numbers.
typedef struct {
    uint64_t responses; //  counted from the input's start
    uint64_t hash;      //  over them
} pt_outbox_cover_t;

typedef enum {
    PT_OUTBOX_BEGIN = 1, //  value: producer, epoch, next seq; cover
    PT_OUTBOX_BATCH,     //  value: seq, count; cover; payload
    PT_OUTBOX_KEPT,      //  the same, of a seq below BEGIN's next: what a rewritten file begins with
    PT_OUTBOX_ANSWERED,  //  value: floor; payload: a bit for each seq from floor on, set: answered
    PT_OUTBOX_COMPLETE,  //  the input ended, and all is answered
} pt_outbox_type_t;

typedef struct {
    pt_outbox_type_t type;
    uint32_t payload_len;
    uint64_t value[3];
    uint64_t responses, hash; //  cover
    uint64_t synced;
} pt_outbox_record_t;

/*  The head of a record, checksum included; payload_len is `payload.len`. */
void pt_outbox_record_encode(const pt_outbox_record_t *record, pt_bytes_t payload, uint8_t out[PT_OUTBOX_RECORD_BYTES]);

/*  Read the head of a record. False when it is none, or its payload is longer than any. The payload
 *  is to be checked by pt_outbox_record_check.
 */
bool pt_outbox_record_decode(const uint8_t bytes[PT_OUTBOX_RECORD_BYTES], pt_outbox_record_t *out_record);
/*  Whether head and payload are what was written together. */
bool pt_outbox_record_check(const uint8_t bytes[PT_OUTBOX_RECORD_BYTES], pt_bytes_t payload);

#endif
