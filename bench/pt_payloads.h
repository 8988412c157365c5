/*  pt_payloads: the batches that the bus bench sends, again and again, and what must come of each.
 *
 *  Driver and null worker make the same ones from the same answers, so the null worker can publish the
 *  very bytes that a worker would, without reading a batch.
 */
#ifndef PT_PAYLOADS_H
#define PT_PAYLOADS_H

#include "pt_mix.h"
#include "pt_wire.h"

//  Different batches: more than the caches of a core hold at 256 responses each.
#define PT_PAYLOADS 32

//  One DECISIONS message.
typedef struct {
    int queue; //  pt_queue_t
    char topic[PT_TOPIC_BYTES_MAX + 1];
    uint32_t first; //  place in the batch of the response whose decision is the first
    uint32_t count;
    uint32_t crc32;
    uint8_t *items;
    size_t items_bytes;
} pt_published_t;

typedef struct {
    pt_bytes_t bytes; //  the payload frame
    uint32_t count;
    uint32_t crc32;
    uint32_t alerts; //  decisions that are published on operator_alert too
    pt_published_t *published;
    size_t published_count;
} pt_payload_t;

typedef struct {
    pt_payload_t payloads[PT_PAYLOADS];
    size_t bytes; //  of all payload frames
} pt_payloads_t;

/*  Make batches of `batch` responses with map bodies; 1 to 4096, as far as 1 MiB goes. A batch that
 *  does not fit ends the program with one line on stderr.
 */
void pt_payloads_make(pt_payloads_t *self, const pt_mix_t *mix, uint32_t batch);
void pt_payloads_clear(pt_payloads_t *self);

#endif
