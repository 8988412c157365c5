/*  pt_drive_parts: what the sources of pt_drive share. For them only. */
#ifndef PT_DRIVE_PARTS_H
#define PT_DRIVE_PARTS_H

#include <czmq.h>

#include "pt_drive.h"

//  Batches of one producer that are remembered; more than may be under way.
#define PT_DRIVE_RING 2048

//  One batch under way.
typedef struct {
    uint64_t seq; //  0: free
    const pt_payload_t *payload;
    uint64_t intended_ns;
    uint32_t left;        //  decisions
    uint32_t alerts_left; //  decisions on operator_alert
    bool is_acked;
    bool is_refused; //  busy: send again
    bool is_probe;   //  may come back in part
    uint64_t *seen;  //  a bit for each response; only with checks_each
} pt_drive_batch_t;

typedef struct {
    uint64_t id;
    uint64_t next_seq;
    uint64_t floor;
    zsock_t *socket;
    pt_drive_batch_t ring[PT_DRIVE_RING];
    unsigned refused;   //  batches to be sent again
    uint64_t first_seq; //  batches before it were given up
} pt_drive_producer_t;

struct pt_drive {
    pt_drive_options_t options;
    uint64_t epoch;
    pt_drive_producer_t *producers;
    zsock_t *subscriber;
    int timer; //  of the next batch in an open loop
    unsigned turn;
    unsigned under_way;
    bool is_faulty; //  something came that was not asked for; told on stderr
    uint64_t progress_ns;
    bool is_measuring;
    pt_drive_result_t *result;
    pt_pair_t fields[PT_FIELDS_MAX];
};

/*  Tell the first fault on stderr; the run has failed. */
void pt_drive_note_fault(pt_drive_t *self, const char *what);

/*  The batch under way, or NULL. */
pt_drive_batch_t *pt_drive_find(pt_drive_t *self, unsigned producer, uint64_t seq);

/*  A batch was acknowledged. */
void pt_drive_acknowledge(pt_drive_t *self, unsigned producer, uint64_t seq);

/*  A batch was refused: it is to be sent again when the worker was busy, else that is a fault. */
void pt_drive_refuse(pt_drive_t *self, unsigned producer, const pt_nack_t *nack);

/*  Take the decisions of a message off the batches that they belong to. */
void pt_drive_take(pt_drive_t *self, zmq_msg_t frames[3]);

/*  Give up what is under way: probes that came back in part or not at all. */
void pt_drive_forget(pt_drive_t *self);

/*  Say on stderr what is under way still. */
void pt_drive_tell_missing(const pt_drive_t *self);

#endif
