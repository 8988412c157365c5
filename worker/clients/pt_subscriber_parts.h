/*  pt_subscriber_parts: the inside of a subscriber; for pt_subscriber*.c only. */
#ifndef PT_SUBSCRIBER_PARTS_H
#define PT_SUBSCRIBER_PARTS_H

#include "pt_dealers.h"
#include "pt_frames.h"
#include "pt_knock.h"
#include "pt_seen.h"
#include "pt_subscriber.h"

//  Messages of a worker of which no HEAD has come yet; what does not fit is fetched, or is a gap.
#define PT_SUBSCRIBER_STASH_MAX 256

//  One SUB for each endpoint: what happens to a connection is told by socket.
typedef struct {
    zsock_t *socket;
    pt_knock_t knock; //  of the socket
} pt_subscriber_line_t;

struct pt_subscriber {
    pt_subscriber_options_t options;
    pt_subscriber_handlers_t handlers;
    pt_subscriber_counts_t counts;
    pt_subscriber_line_t lines[PT_SUBSCRIBER_ENDPOINTS_MAX]; //  as options.endpoints
    pt_positions_t *positions;
    pt_dealers_t *dealers;
    pt_seen_t *seen; //  NULL: repeats stay
    pt_frames_t *stash;
    size_t stash_count;
    bool stopped;       //  the callback took no more
    bool has_live;      //  a worker without replay was heard of
    pt_status_t failed; //  PT_E_NOMEM, once
    char prefixes[PT_SUBSCRIBER_PREFIXES_MAX][PT_TOPIC_BYTES_MAX + 1];
    char name[PT_SUBSCRIBER_NAME_BYTES_MAX + 1];
};

/*  One message of a PUB socket; its frames are taken over. What it brings goes to the callbacks. */
void pt_subscriber_take_published(pt_subscriber_t *self, pt_frames_t *frames);

/*  An answer of a worker's replay; the frames stay the caller's. False when it is no message of ours. */
bool pt_subscriber_take_answer(pt_subscriber_t *self, const pt_frames_t *frames);

/*  An answer of one frame and a few numbers, which brings no decisions. False when it is no message of ours. */
bool pt_subscriber_take_note(pt_subscriber_t *self, pt_kind_t kind, pt_bytes_t header);

/*  Tell that numbers [first, next) of a topic are lost, and count them; `context` is the subscriber. */
void pt_subscriber_report_lost(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first,
                               uint64_t next);

#endif
