/*  bus: producers, subscribers, a broker and a worker made of bare sockets, for tests of the real
 *  ones. Everything waits for an event, up to a limit that only a broken build reaches.
 */
#ifndef BUS_H
#define BUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pt_broker.h"
#include "pt_decision.h"
#include "pt_frames.h"
#include "pt_pool.h"
#include "pt_sockets.h"

//  What never happens on a machine that works, also under sanitizers.
#define BUS_PATIENCE_MS 60000

//  Longest response that these tests make.
#define BUS_RESPONSE_BYTES 1024

//  A directory for ipc sockets; made and removed by the group's set-up and tear-down.
int bus_setup(void **state);
int bus_teardown(void **state);
/*  "ipc://<directory>/<name><index>", in static room of the caller's. */
const char *bus_endpoint(const char *name, unsigned index, char out[PT_ENDPOINT_BYTES_MAX + 1]);

/*  A response in msgpack, into `out`: code of a gateway, HTTP status 0 leaves it out. */
size_t bus_response(const char *id, const char *provider, const char *code, unsigned http_status,
                    uint8_t out[BUS_RESPONSE_BYTES]);

/*  A connected socket with a short linger. */
zsock_t *bus_connect(int type, const char *endpoint);

/*  Wait for a message. */
void bus_receive(zsock_t *socket, pt_frames_t *out_message);
/*  In a loop that waits for a counter: gives the processor away until the kernel's next tick. */
void bus_let_others_run(void);
/*  Whether a message waits now. */
bool bus_has_message(zsock_t *socket);
/*  Send frames given as (pointer, length) pairs, `count` of them. */
void bus_send(zsock_t *socket, size_t count, ...);

//  A batch as a producer makes it.
typedef struct {
    pt_batch_t header;
    uint8_t header_bytes[PT_HEADER_BYTES_MAX];
    size_t header_len;
    uint8_t *payload;
    size_t payload_len;
} bus_batch_t;

/*  A batch of `count` equal responses; release it with bus_batch_clear. */
bus_batch_t bus_batch(uint64_t producer, uint64_t seq, uint32_t count, const void *response, size_t response_len);
/*  The batch of given payload bytes; they are copied. */
bus_batch_t bus_batch_of(uint64_t producer, uint64_t seq, uint32_t count, const void *payload, size_t payload_len);
void bus_batch_clear(bus_batch_t *batch);
/*  Write the header again after a change. */
void bus_batch_seal(bus_batch_t *batch);
void bus_batch_send(zsock_t *socket, const bus_batch_t *batch);

//  An answer as a producer reads it.
typedef struct {
    pt_kind_t kind;
    pt_ack_t ack;
    uint32_t plain_count;
    pt_nack_t nack;
} bus_answer_t;

/*  Read the answer in the last frame. */
void bus_parse_answer(const pt_frames_t *message, bus_answer_t *out_answer);
/*  Wait for the next answer at a producer's socket; an ACK of several batches is one answer for each. */
void bus_receive_answer(zsock_t *socket, bus_answer_t *out_answer);
/*  Whether there is one. */
bool bus_has_answer(zsock_t *socket);
/*  The two parts of it: what is left of the ACK before, and an ACK that was just read, of which all but the first
 *  batch is left. Nothing is left of a socket that is new.
 */
bool bus_take_left(zsock_t *socket, bus_answer_t *out_answer);
void bus_leave(zsock_t *socket, bus_answer_t *answer);
void bus_leave_nothing(zsock_t *socket);
void bus_expect_ack(zsock_t *socket, uint64_t producer, uint64_t seq);
void bus_expect_nack(zsock_t *socket, uint64_t producer, uint64_t seq, pt_reason_t reason);

//  A subscriber of all queues of some workers.
typedef struct {
    zsock_t *socket;
    pt_frames_t message; //  the last one, open until the next
    char topic[PT_TOPIC_BYTES_MAX + 1];
    pt_kind_t kind;
    pt_decisions_t decisions; //  of kind DECISIONS
    pt_head_t head;           //  of kind HEAD
    pt_items_t items;
    uint8_t *item_room;
} bus_subscriber_t;

/*  Subscribe to every queue, and wait until each subscription that has HEADs is heard of. */
void bus_subscribe(bus_subscriber_t *self, pt_pool_t *const *pools, size_t pool_count);
void bus_unsubscribe(bus_subscriber_t *self);
/*  The next message of any kind; DECISIONS are checked: crc, count, bytes, flags. */
void bus_next_message(bus_subscriber_t *self);
/*  The next DECISIONS. */
void bus_next_decisions(bus_subscriber_t *self);
/*  The next decision of the message at hand; false when there is none left. */
bool bus_next_decision(bus_subscriber_t *self, pt_decision_t *out_decision);

/*  A pool with free endpoints on these brokers' backs. */
pt_pool_t *bus_pool(const char *const *backs, size_t back_count, size_t threads);

/*  A pool of any kind, or fail with the reason: `options` with endpoints of its own for what it publishes
 *  and, with a journal, for replay.
 */
pt_pool_t *bus_pool_of(const pt_pool_options_t *options);

/*  A broker on the endpoints of that number, or fail with the reason. */
pt_broker_t *bus_broker(unsigned index);

#endif
