/*  pt_subscriber: receives decisions and notices the ones that did not arrive.
 *
 *  The subscriber's side of PROTOCOL.md: a position per (worker, epoch, topic), gaps seen in
 *  DECISIONS and in HEAD. It starts where the first message of a topic starts; what was published
 *  before is not missed. One thread owns a subscriber; nothing happens outside of its calls.
 */
#ifndef PT_SUBSCRIBER_H
#define PT_SUBSCRIBER_H

#include "pt_wire.h"

#define PT_SUBSCRIBER_ENDPOINTS_MAX 32
#define PT_SUBSCRIBER_PREFIXES_MAX 64 //  more are lost when a connection comes back (libzmq #4063)

typedef struct {
    const char *endpoints[PT_SUBSCRIBER_ENDPOINTS_MAX]; //  the PUB sockets of every worker
    size_t endpoint_count;
    const char *prefixes[PT_SUBSCRIBER_PREFIXES_MAX]; //  topics or beginnings of topics; none: all
    size_t prefix_count;
} pt_subscriber_options_t;

typedef struct {
    void *context;
    //  One decision, in the order of its topic. `bytes` is its msgpack; all texts live for the call.
    void (*decision)(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes);
    //  Decisions [first, next) of a topic were published and did not arrive.
    void (*gap)(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next);
} pt_subscriber_handlers_t;

typedef struct {
    uint64_t decisions;
    uint64_t missed;    //  in gaps
    uint64_t dropped;   //  came a second time
    uint64_t malformed; //  messages that are none, or fail their checksum
} pt_subscriber_counts_t;

typedef struct pt_subscriber pt_subscriber_t;

/*  NULL with *out_error (static text) when an endpoint is refused or memory is short. */
pt_subscriber_t *pt_subscriber_new(const pt_subscriber_options_t *options, const pt_subscriber_handlers_t *handlers,
                                   const char **out_error);
void pt_subscriber_destroy(pt_subscriber_t **self_p);

/*  Take what has arrived, waiting at most `timeout_ms` for it, or until `wake_fd` is readable (-1:
 *  none). *out_heard says whether any message came, HEAD included: after the first one the
 *  subscription stands. Returns PT_OK or PT_E_IO.
 */
PT_MUST_CHECK pt_status_t pt_subscriber_poll(pt_subscriber_t *self, uint32_t timeout_ms, int wake_fd, bool *out_heard);

pt_subscriber_counts_t pt_subscriber_counts(const pt_subscriber_t *self);

#endif
