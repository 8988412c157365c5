/*  pt_wire: the messages between producers, brokers, workers and subscribers.
 *
 *  Every message is a header frame, a msgpack array `[version, KIND, …]`, and for BATCH and
 *  DECISIONS a payload frame. PROTOCOL.md is the reference; this header only says what each C
 *  function takes and gives. All decoders are bounded, allocate nothing, check every count and
 *  range of PROTOCOL.md, and refuse trailing bytes. Ids are 64-bit values shown as 16 hex digits.
 */
#ifndef PT_WIRE_H
#define PT_WIRE_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_WIRE_VERSION 1
#define PT_BATCH_COUNT_MAX 4096
#define PT_BATCH_BYTES_MAX (1024 * 1024)              //  of a payload frame
#define PT_WINDOW 1024                                //  batches: seq < floor + PT_WINDOW
#define PT_HEADER_BYTES_MAX 8192                      //  of any header frame; the longest, OPENED, needs 6,064
#define PT_WIRE_INTEGER_MAX ((UINT64_C(1) << 53) - 1) //  what every language holds exactly
#define PT_TOPIC_BYTES_MAX 64
#define PT_TOPIC_PROVIDER_BYTES_MAX 32 //  of the provider's name in a topic
#define PT_ENDPOINT_BYTES_MAX 255
#define PT_RANGES_MAX 256  //  of one ACK
#define PT_HEADS_MAX 64    //  topics of one HEADS list, of one OPENED and of one SUBACK
#define PT_PREFIXES_MAX 64 //  of one OPEN
#define PT_SUBSCRIBER_NAME_BYTES_MAX 64

typedef enum {
    PT_KIND_BATCH,
    PT_KIND_ACK,
    PT_KIND_NACK,
    PT_KIND_READY,
    PT_KIND_HELLO,
    PT_KIND_DECISIONS,
    PT_KIND_HEAD,
    PT_KIND_HEADS,
    PT_KIND_OPEN, //  this one and the following: replay
    PT_KIND_OPENED,
    PT_KIND_FETCH,
    PT_KIND_FETCHED,
    PT_KIND_END,
    PT_KIND_TRUNCATED,
    PT_KIND_BADEPOCH,
    PT_KIND_SUBACK,
    PT_KIND_SUBACKED,
    PT_KIND_REFUSED,
    PT_KIND_COUNT_
} pt_kind_t;

typedef enum {
    PT_REASON_BUSY,
    PT_REASON_TOO_BIG,
    PT_REASON_BAD_CRC,
    PT_REASON_BAD_FORMAT,
    PT_REASON_WINDOW,
    PT_REASON_CONFLICT,
    PT_REASON_UNAUTHORIZED,
    PT_REASON_COUNT_
} pt_reason_t;

/*  The words on the wire: static text. The way back is -1 for a word that is none. */
const char *pt_kind_text(pt_kind_t kind);
const char *pt_reason_text(pt_reason_t reason);
int pt_reason_parse(pt_text_t word);

//  BATCH: producer -> worker. The payload is a msgpack array of `count` bins.
typedef struct {
    uint64_t producer, epoch, seq, floor;
    uint32_t crc32; //  zlib's, over the payload frame
    uint32_t count;
} pt_batch_t;

typedef struct {
    uint64_t first, last; //  inclusive
} pt_range_t;

//  ACK: worker -> producer; these batches are finished with (durable, once there is a journal).
typedef struct {
    uint64_t producer, epoch;
    size_t range_count;
    pt_range_t ranges[PT_RANGES_MAX];
} pt_ack_t;

//  NACK: this batch is not taken. A plain client's names no batch: producer, epoch and seq are 0.
typedef struct {
    uint64_t producer, epoch, seq;
    pt_reason_t reason;
    uint32_t retry_after_ms;
} pt_nack_t;

//  READY: worker -> broker, every second and on change; totals since the worker connected.
//  limit == received: draining. HELLO: broker -> worker it does not know; both restart at zero.
typedef struct {
    uint64_t worker, epoch, received, limit;
} pt_ready_t;

#define PT_FLAG_LIVE 1u   //  no sequence, no replay: first_seq and head_seq are 0
#define PT_FLAG_REPLAY 2u //  fetched by the subscriber, not published

//  DECISIONS: worker -> subscriber, frame 2 of [topic][header][items].
typedef struct {
    uint64_t worker, epoch, first_seq, head_seq; //  head_seq: the next number to be given
    uint32_t count, crc32;                       //  crc32 over the items frame
    uint32_t flags;
} pt_decisions_t;

typedef struct {
    uint64_t worker, epoch, first_retained, head_seq;
    pt_text_t replay_endpoint; //  empty: no replay
} pt_head_t;

//  One topic of a HEADS list.
typedef struct {
    pt_text_t topic;
    uint64_t first_retained, head_seq;
} pt_topic_head_t;

typedef struct {
    uint64_t worker, epoch;
    pt_text_t replay_endpoint;
    size_t head_count;
    pt_topic_head_t heads[PT_HEADS_MAX];
} pt_heads_t;

//  Replay: a subscriber's DEALER asks a worker's ROUTER; see PROTOCOL.md, "Replay". `req_id` is the
//  subscriber's own, from 1; after a decoder's fault it is 0 when it could not be read either.

//  OPEN: who asks for which topics.
typedef struct {
    uint64_t req_id;
    pt_text_t name; //  at least one byte when durable
    bool durable;
    size_t prefix_count; //  at least one; an empty prefix is every topic
    pt_text_t prefixes[PT_PREFIXES_MAX];
    pt_text_t after; //  the answer begins behind this topic; empty: at the first one
} pt_open_t;

//  One topic of an OPENED. `position` is where the named durable subscriber goes on.
typedef struct {
    pt_text_t topic;
    uint64_t first_retained, head_seq, position;
} pt_topic_place_t;

typedef struct {
    uint64_t req_id, worker, epoch;
    bool more; //  topics follow behind the last one of this list
    size_t topic_count;
    pt_topic_place_t topics[PT_HEADS_MAX];
} pt_opened_t;

typedef struct {
    uint64_t req_id;
    pt_text_t topic;
    uint64_t epoch, from_seq;
    uint32_t max_bytes; //  of items, at most PT_BATCH_BYTES_MAX
} pt_fetch_t;

typedef struct {
    uint64_t req_id, next_seq, head_seq;
} pt_end_t;

typedef struct {
    uint64_t req_id, first_retained;
} pt_truncated_t;

typedef struct {
    uint64_t req_id, epoch; //  the worker's
} pt_bad_epoch_t;

typedef struct {
    pt_text_t topic;
    uint64_t next_seq; //  everything below is dealt with
} pt_topic_next_t;

typedef struct {
    uint64_t req_id;
    pt_text_t name;
    uint64_t epoch;
    size_t topic_count;
    pt_topic_next_t topics[PT_HEADS_MAX];
} pt_suback_t;

typedef enum {
    PT_REFUSAL_BUSY,
    PT_REFUSAL_BAD_FORMAT,
    PT_REFUSAL_UNKNOWN,
    PT_REFUSAL_TOO_MANY,
    PT_REFUSAL_UNAUTHORIZED,
    PT_REFUSAL_COUNT_
} pt_refusal_t;

typedef struct {
    uint64_t req_id;
    pt_refusal_t refusal;
} pt_refused_t;

/*  As pt_reason_text and pt_reason_parse. */
const char *pt_refusal_text(pt_refusal_t refusal);
int pt_refusal_parse(pt_text_t word);

/*  The kind of a header frame, from its first two elements: PT_OK, PT_E_VERSION, PT_E_KIND or a
 *  fault of the bytes.
 */
PT_MUST_CHECK pt_status_t pt_wire_kind(pt_bytes_t header, pt_kind_t *out_kind);

/*  Encoders write into out[0..capacity) and return the bytes written, or 0 when there is too
 *  little room; PT_HEADER_BYTES_MAX is always enough. Values outside the ranges of PROTOCOL.md
 *  are bugs of the caller and are asserted.
 */
size_t pt_batch_encode(const pt_batch_t *batch, uint8_t *out, size_t capacity);
size_t pt_ack_encode(const pt_ack_t *ack, uint8_t *out, size_t capacity);
size_t pt_plain_ack_encode(uint32_t count, uint8_t *out, size_t capacity);
size_t pt_nack_encode(const pt_nack_t *nack, uint8_t *out, size_t capacity);
size_t pt_ready_encode(const pt_ready_t *ready, uint8_t *out, size_t capacity);
size_t pt_hello_encode(uint8_t *out, size_t capacity);
size_t pt_decisions_encode(const pt_decisions_t *decisions, uint8_t *out, size_t capacity);
size_t pt_head_encode(const pt_head_t *head, uint8_t *out, size_t capacity);
size_t pt_heads_encode(const pt_heads_t *heads, uint8_t *out, size_t capacity);
size_t pt_open_encode(const pt_open_t *open, uint8_t *out, size_t capacity);
size_t pt_opened_encode(const pt_opened_t *opened, uint8_t *out, size_t capacity);
size_t pt_fetch_encode(const pt_fetch_t *fetch, uint8_t *out, size_t capacity);
size_t pt_fetched_encode(uint64_t req_id, uint8_t *out, size_t capacity);
size_t pt_end_encode(const pt_end_t *end, uint8_t *out, size_t capacity);
size_t pt_truncated_encode(const pt_truncated_t *truncated, uint8_t *out, size_t capacity);
size_t pt_bad_epoch_encode(const pt_bad_epoch_t *bad_epoch, uint8_t *out, size_t capacity);
size_t pt_suback_encode(const pt_suback_t *suback, uint8_t *out, size_t capacity);
size_t pt_subacked_encode(uint64_t req_id, uint8_t *out, size_t capacity);
size_t pt_refused_encode(const pt_refused_t *refused, uint8_t *out, size_t capacity);

/*  Decoders: PT_OK, or why the frame is refused. Texts point into the frame. After a fault the
 *  elements before it are set and the others are zero.
 */
PT_MUST_CHECK pt_status_t pt_batch_decode(pt_bytes_t header, pt_batch_t *out_batch);
/*  The reason to give in a NACK for a batch that was refused with `status`, by pt_batch_decode or
 *  by pt_items_open_batch. `batch` is what pt_batch_decode left; when its seq is 0 there is no
 *  batch to name, and the message is dropped instead.
 */
pt_reason_t pt_batch_reason(pt_status_t status, const pt_batch_t *batch);
/*  Whether a producer may send the batch again after this NACK; the others are for good. */
bool pt_reason_is_passing(pt_reason_t reason);
/*  An ACK for a plain client has a count and no ranges: *out_plain_count, and range_count 0. */
PT_MUST_CHECK pt_status_t pt_ack_decode(pt_bytes_t header, pt_ack_t *out_ack, uint32_t *out_plain_count);
PT_MUST_CHECK pt_status_t pt_nack_decode(pt_bytes_t header, pt_nack_t *out_nack);
PT_MUST_CHECK pt_status_t pt_ready_decode(pt_bytes_t header, pt_ready_t *out_ready);
PT_MUST_CHECK pt_status_t pt_decisions_decode(pt_bytes_t header, pt_decisions_t *out_decisions);
PT_MUST_CHECK pt_status_t pt_head_decode(pt_bytes_t header, pt_head_t *out_head);
PT_MUST_CHECK pt_status_t pt_heads_decode(pt_bytes_t header, pt_heads_t *out_heads);
PT_MUST_CHECK pt_status_t pt_open_decode(pt_bytes_t header, pt_open_t *out_open);
PT_MUST_CHECK pt_status_t pt_opened_decode(pt_bytes_t header, pt_opened_t *out_opened);
PT_MUST_CHECK pt_status_t pt_fetch_decode(pt_bytes_t header, pt_fetch_t *out_fetch);
PT_MUST_CHECK pt_status_t pt_fetched_decode(pt_bytes_t header, uint64_t *out_req_id);
PT_MUST_CHECK pt_status_t pt_end_decode(pt_bytes_t header, pt_end_t *out_end);
PT_MUST_CHECK pt_status_t pt_truncated_decode(pt_bytes_t header, pt_truncated_t *out_truncated);
PT_MUST_CHECK pt_status_t pt_bad_epoch_decode(pt_bytes_t header, pt_bad_epoch_t *out_bad_epoch);
PT_MUST_CHECK pt_status_t pt_suback_decode(pt_bytes_t header, pt_suback_t *out_suback);
PT_MUST_CHECK pt_status_t pt_subacked_decode(pt_bytes_t header, uint64_t *out_req_id);
PT_MUST_CHECK pt_status_t pt_refused_decode(pt_bytes_t header, pt_refused_t *out_refused);

//  Walks the items of a payload: bins of a BATCH, maps of DECISIONS, or a plain client's frame
//  (one map, or an array of maps).
typedef struct {
    pt_bytes_t rest;
    uint32_t left;
    bool whole; //  the one item is all of the rest, whatever it holds
} pt_items_t;

/*  Open a BATCH payload: an array of exactly `count` bins that fills the frame. The whole frame is
 *  checked here, so that pt_items_next cannot fail. PT_E_COUNT, PT_E_SIZE, PT_E_TYPE, …
 */
PT_MUST_CHECK pt_status_t pt_items_open_batch(pt_bytes_t payload, uint32_t count, pt_items_t *out_items);
/*  Open a DECISIONS payload: an array of `count` maps. */
PT_MUST_CHECK pt_status_t pt_items_open_decisions(pt_bytes_t payload, uint32_t count, pt_items_t *out_items);
/*  Open a plain client's frame. Bytes that are neither a map nor an array of values are one item, so that
 *  they become an invalid decision rather than nothing, and so is one response of any length. An array that
 *  holds more than one message may is refused, since one decision could not stand for all of its responses:
 *  PT_E_COUNT, PT_E_SIZE, and no items.
 */
PT_MUST_CHECK pt_status_t pt_items_open_plain(pt_bytes_t payload, pt_items_t *out_items);
/*  The next item's bytes (a bin's content, a map whole); false at the end. */
bool pt_items_next(pt_items_t *self, pt_bytes_t *out_item);

/*  zlib's CRC-32 over the bytes. */
uint32_t pt_wire_crc32(pt_bytes_t bytes);

/*  "<route>.<provider>." into out[PT_TOPIC_BYTES_MAX]; a provider that is no [a-z0-9_-]{1,32} gives
 *  "<route>.-.". `queue` is "settled", "retry", "dead_letter" or "operator_alert". Returns the length.
 */
size_t pt_wire_topic(const char *queue, pt_text_t provider, char *out);

//  Default ports of the loopback endpoints; see PROTOCOL.md. All below the ephemeral range.
enum {
    PT_PORT_FRONT = 5560,
    PT_PORT_BACK = 5561,
    PT_PORT_RETRY = 5570,
    PT_PORT_DEAD_LETTER = 5571,
    PT_PORT_OPERATOR_ALERT = 5572,
    PT_PORT_SETTLED = 5573,
    PT_PORT_REPLAY = 5574,
    PT_PORT_HTTP = 5580
};

#ifdef __cplusplus
}
#endif
#endif
