/*  pt_request: what others ask of the one thread that writes to the journal, and its way back to them. */
#ifndef PT_REQUEST_H
#define PT_REQUEST_H

#include <czmq.h>
#include <stdatomic.h>

#include "pt_store.h"

typedef enum {
    PT_REQUEST_SUBSCRIBE, //  name, durable, prefixes
    PT_REQUEST_POSITION,  //  name, topics; topics that are unknown or not covered are passed over
    PT_REQUEST_FORGET,    //  name
    PT_REQUEST_DISCARD,   //  topics: one; unread_too
} pt_request_kind_t;

//  A request goes to the journal as a pointer and comes back on the asker's own socket, once it is
//  durable. The asker owns it before and after.
typedef struct {
    pt_request_kind_t kind;
    char name[PT_STORE_NAME_BYTES_MAX + 1];
    bool durable;
    bool unread_too; //  also what a durable subscriber has not had
    size_t prefix_count;
    char prefixes[PT_STORE_PREFIXES_MAX][PT_TOPIC_BYTES_MAX + 1];
    size_t topic_count;
    struct {
        char topic[PT_TOPIC_BYTES_MAX + 1];
        uint64_t next_seq;
    } topics[PT_HEADS_MAX];
    char answers[64]; //  inproc endpoint of the asker's PULL

    //  Set by the journal: PT_OK; PT_E_NOT_FOUND, no such name or topic; PT_E_COUNT, too many names; PT_E_SPACE,
    //  no room now.
    pt_status_t status;
    atomic_uint baton; //  as of a job
} pt_request_t;

/*  Fill in the request of a subscriber: of an OPEN that is durable, of a SUBACK; as their decoders let them through. */
void pt_request_subscribe(pt_request_t *self, const pt_open_t *open);
void pt_request_position(pt_request_t *self, const pt_suback_t *suback);

/*  Hand a request over; false when nobody is there to take it, as at the end. */
bool pt_request_hand(void *socket, pt_request_t *request);
/*  The next request that was handed over, or NULL. Never waits. */
pt_request_t *pt_request_take(void *socket);

//  ---- the way back

//  Askers: the replay socket, and whoever else will have requests.
#define PT_ASKERS_MAX 8

//  Zeroed: nobody has asked yet.
typedef struct {
    struct {
        char endpoint[64];
        zsock_t *socket;
    } askers[PT_ASKERS_MAX];
} pt_askers_t;

/*  Hand a request back to who asked. Where no socket can be had the asker keeps waiting, and so does who asked
 *  it, who will ask again.
 */
void pt_askers_answer(pt_askers_t *self, pt_request_t *request);

void pt_askers_clear(pt_askers_t *self);

#endif
