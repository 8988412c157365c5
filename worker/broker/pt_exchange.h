/*  pt_exchange: what becomes of the messages at a broker's two sockets. For pt_broker only.
 *
 *  From the front it hands batches and plain requests to a worker that has credit, and answers for it where there is
 *  none; from the back it takes the workers' credit, and passes their answers to the clients that their envelopes name.
 *  One thread owns it. No call waits.
 */
#ifndef PT_EXCHANGE_H
#define PT_EXCHANGE_H

#include "pt_broker.h"
#include "pt_owners.h"
#include "pt_roster.h"

typedef struct {
    void *front; //  bound ROUTERs, of the caller's
    void *back;
    pt_roster_t *roster;
    pt_owners_t *owners;           //  NULL: no gate, so nobody has a name
    bool paused;                   //  read the front no more
    int64_t now_ms;                //  monotonic; the caller's to set before it reads
    pt_broker_counters_t counters; //  what happened; read them by pt_exchange_counters
} pt_exchange_t;

/*  Prepare; the caller sets the sockets. False when out of memory. pt_exchange_close is due in both cases. With a gate
 *  (`is_guarded`) each producer id belongs to the party that uses it first.
 */
bool pt_exchange_open(pt_exchange_t *out_self, bool is_guarded);

/*  The sockets stay. Does nothing to an exchange of zeros. */
void pt_exchange_close(pt_exchange_t *self);

/*  Whether there is a worker with credit, so that the front is worth waiting for. */
bool pt_exchange_reads_front(const pt_exchange_t *self);

/*  Take what has arrived on one side: at most a burst of messages, so that the other has its turn. */
void pt_exchange_read_front(pt_exchange_t *self);
/*  True when there was a message. */
bool pt_exchange_read_back(pt_exchange_t *self);

/*  What happened and how it stands; turned_ms is the caller's. */
pt_broker_counters_t pt_exchange_counters(const pt_exchange_t *self);

#endif
