/*  pt_crew_parts: what the two sources of a crew share: pt_crew.c wires the stages, pt_crew_work.c moves the jobs. */
#ifndef PT_CREW_PARTS_H
#define PT_CREW_PARTS_H

#include "pt_crew.h"
#include "pt_decider.h"
#include "pt_replay.h"
#include "pt_swap.h"

typedef struct {
    zactor_t *actor;
    zsock_t *work;
    size_t bytes; //  of the payloads in work
} pt_crew_seat_t;

struct pt_crew {
    unsigned serial; //  tells the endpoints of several crews in one process apart
    pt_crew_seat_t seats[PT_POOL_THREADS_MAX];
    size_t seat_count;     //  of deciders with a thread
    pt_decider_t *decider; //  of the one that has the caller's
    pt_train_t waiting;    //  to be decided here or by a seat
    size_t waiting_bytes;  //  of their payloads
    size_t known_bytes;    //  responses lately of which it is known how long they took,
    uint64_t known_ns;     //  of a processor
    zsock_t *keeping;      //  from the decider to the journal; NULL: none
    zactor_t *journal;
    pt_replay_t *replay;
    pt_outlet_t *outlet;
    atomic_int linger_ms;
    zsock_t *finished; //  NULL: jobs are finished when they are decided
    pt_train_t done;   //  finished, the pool does not know yet
    pt_swap_t swap;
};

/*  Begin with a guess of how long deciding takes. */
void pt_crew_guess_cost(pt_crew_t *self);

/*  The next job from the stage before, published, with all behind it; NULL: none. */
pt_job_t *pt_crew_take_finished(pt_crew_t *self);

#endif
