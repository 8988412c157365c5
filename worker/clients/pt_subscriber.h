/*  pt_subscriber: receives decisions, notices the ones that did not arrive, and fetches them.
 *
 *  The sockets around pt_positions: a SUB to each endpoint, a DEALER to each replay endpoint that a HEAD
 *  names. A live subscriber starts where the first message of a topic starts and reports gaps; a
 *  repairing one fetches them; a durable one goes on where its name was, also after it was away, and
 *  acknowledges what its callback has returned from. With a worker that keeps no journal all of them
 *  are live, and all that tells of one that starts anew is its connection, which is gone and comes back.
 *  One thread owns a subscriber; nothing happens outside of its calls.
 */
#ifndef PT_SUBSCRIBER_H
#define PT_SUBSCRIBER_H

#include "pt_curve.h"
#include "pt_positions.h"

#define PT_SUBSCRIBER_ENDPOINTS_MAX 32
#define PT_SUBSCRIBER_PREFIXES_MAX 64 //  more are lost when a connection comes back (libzmq #4063)

typedef struct {
    const char *endpoints[PT_SUBSCRIBER_ENDPOINTS_MAX]; //  the PUB sockets of every worker; outlive the subscriber
    size_t endpoint_count;
    const char *prefixes[PT_SUBSCRIBER_PREFIXES_MAX]; //  topics or beginnings of topics; none: all
    size_t prefix_count;
    pt_positions_mode_t mode;
    const char *name;        //  durable: 1 to PT_SUBSCRIBER_NAME_BYTES_MAX printable bytes without spaces
    bool since_start;        //  repairing: begin with the first decision that is retained
    const pt_curve_t *curve; //  outlives the subscriber; NULL: without CURVE
    size_t window;           //  decisions among which repeats are removed; 0: the default; live: none are
} pt_subscriber_options_t;

typedef struct {
    void *context;
    //  One decision, in the order of its topic. `bytes` is its msgpack; all texts live for the call.
    //  A durable subscriber acknowledges it by the next call of poll or finish, so that the caller can
    //  make safe at once what one poll has brought.
    void (*decision)(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes);
    //  Decisions [first, next) of a topic were published and will not arrive.
    void (*gap)(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next);
    void (*fault)(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch);
    //  A connection was gone and is back, and a worker without replay was heard of: what it published meanwhile did not
    //  arrive. Where it is another process by now, no number tells how much that was.
    void (*returned)(void *context);
} pt_subscriber_handlers_t;

typedef struct {
    uint64_t decisions;
    uint64_t missed;    //  in gaps
    uint64_t dropped;   //  came a second time under the same number
    uint64_t repeats;   //  came a second time under another one
    uint64_t fetched;   //  of the decisions, those that were asked for
    uint64_t malformed; //  messages that are none, or fail their checksum
    uint64_t returned;  //  connections that were gone and are back
} pt_subscriber_counts_t;

typedef struct pt_subscriber pt_subscriber_t;

/*  NULL with *out_error (static text) when an endpoint or the name is refused, or, with errno as for
 *  pt_sockets_init, when the system gives no sockets or no memory.
 */
pt_subscriber_t *pt_subscriber_new(const pt_subscriber_options_t *options, const pt_subscriber_handlers_t *handlers,
                                   const char **out_error);
void pt_subscriber_destroy(pt_subscriber_t **self_p);

/*  Take what has arrived and ask for what is missing, waiting at most `timeout_ms` for something to
 *  come, or until `wake_fd` is readable (-1: none). *out_heard says whether any message came, HEAD
 *  included: after the first one the subscription stands. Returns PT_OK, PT_E_IO or PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_subscriber_poll(pt_subscriber_t *self, uint32_t timeout_ms, int wake_fd, bool *out_heard);

/*  To be called from the decision callback: the decision at hand is not dealt with, and nothing more
 *  is delivered by this subscriber.
 */
void pt_subscriber_stop(pt_subscriber_t *self);

/*  Wait until the worker has every position of a durable subscriber, at most `timeout_ms`, and deliver
 *  nothing any more. Whether it has; what is not acknowledged comes again under this name.
 */
bool pt_subscriber_finish(pt_subscriber_t *self, uint32_t timeout_ms);

/*  Whether a worker does not let in the key of `curve`. It is asked again all the same. */
bool pt_subscriber_is_refused(pt_subscriber_t *self);

/*  Whether some worker has let this party in by the latest poll, and the connection stands. */
bool pt_subscriber_is_admitted(const pt_subscriber_t *self);

/*  Whether some worker is there and ends handshakes without a word, as pt_knock_is_silent has it. */
bool pt_subscriber_is_silent(pt_subscriber_t *self);

/*  Every worker that was heard of is opened: what it decides from here on is delivered. Before that, a
 *  subscriber without a name passes over what comes.
 */
bool pt_subscriber_is_open(const pt_subscriber_t *self);

/*  The replay endpoint of a worker that was heard of and has not answered there; NULL: there is none. It
 *  lives until the next poll.
 */
const char *pt_subscriber_unopened(const pt_subscriber_t *self);

/*  Nothing that is known of is missing: every worker that was heard of is opened, nothing is fetched. */
bool pt_subscriber_is_level(const pt_subscriber_t *self);

/*  A fault in words, for people. Static text. */
const char *pt_subscriber_fault_text(pt_positions_fault_t fault);

/*  What was delivered, passed over and lost, up to now. */
pt_subscriber_counts_t pt_subscriber_counts(const pt_subscriber_t *self);

#endif
