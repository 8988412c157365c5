/*  pt_roster: the workers that a broker knows, and their credit.
 *
 *  No sockets and no clock: routing ids are plain bytes, times are monotonic ms that the caller
 *  gives. The list is short, so it is searched from one end to the other.
 */
#ifndef PT_ROSTER_H
#define PT_ROSTER_H

#include "pt_wire.h"

//  libzmq makes 5 bytes; a peer may set up to 255 itself, which ours never do.
#define PT_ROSTER_ROUTE_BYTES_MAX 32

//  Messages that wait for one worker at most, whatever it promises to take: a worker that promises and
//  does not read costs the broker this many of 1 MiB.
#define PT_ROSTER_CREDIT_MAX 128

//  A worker, as the broker knows it.
typedef struct {
    uint8_t route[PT_ROSTER_ROUTE_BYTES_MAX]; //  routing id
    size_t route_len;
    uint64_t worker;  //  its id
    uint64_t sent;    //  messages, since the last HELLO
    uint64_t limit;   //  what `sent` may rise to: of the last READY, within bounds
    int64_t heard_ms; //  when any message came
    int64_t hello_ms; //  when it was last greeted
    bool draining;    //  takes nothing more, but its answers still come
} pt_member_t;

typedef struct pt_roster pt_roster_t;

/*  A roster with room for `members_max` workers; further ones are not let in. NULL when out of memory. */
pt_roster_t *pt_roster_new(size_t members_max);
void pt_roster_destroy(pt_roster_t **self_p);

/*  Workers that are known. */
size_t pt_roster_count(const pt_roster_t *self);

/*  Messages that may be sent now, to all together. */
uint64_t pt_roster_credit(const pt_roster_t *self);

/*  The worker behind a routing id, or NULL. Valid until a worker is removed. */
pt_member_t *pt_roster_find(pt_roster_t *self, pt_bytes_t route);

/*  Take a READY from a routing id. True when the worker must be greeted: it is unknown, or counts
 *  from another HELLO than we do. It has no credit then until its next READY.
 */
bool pt_roster_ready(pt_roster_t *self, pt_bytes_t route, const pt_ready_t *ready, int64_t now_ms);

/*  Note that something came from a worker. */
void pt_roster_heard(pt_roster_t *self, pt_bytes_t route, int64_t now_ms);

/*  The worker of a producer: highest rendezvous hash among those that do not drain. NULL: none. It
 *  may be without credit.
 */
pt_member_t *pt_roster_choose(pt_roster_t *self, uint64_t producer);

/*  The next worker in turn that has credit, or NULL. */
pt_member_t *pt_roster_next(pt_roster_t *self);

/*  Whether a message may be sent to the worker now. */
bool pt_member_has_credit(const pt_member_t *member);

/*  Note that a message was sent to the worker. */
void pt_roster_spend(pt_roster_t *self, pt_member_t *member);

/*  Forget a worker; `member` and every other one that was found before are not valid any more. */
void pt_roster_remove(pt_roster_t *self, pt_member_t *member);

/*  Remove workers that were silent since `before_ms`. */
void pt_roster_expire(pt_roster_t *self, int64_t before_ms);

#endif
