/*  cmd_reload: the catalog that a worker serves by, and how another one takes its place.
 *
 *  Somebody asks; the files are read and checked on a thread of their own; the pool switches; whoever
 *  asked is told. A catalog that is refused changes nothing. Whoever asks while files are being read is
 *  answered by the next reading, because the files may have changed meanwhile: however many ask, there is
 *  one more.
 */
#ifndef PT_CMD_RELOAD_H
#define PT_CMD_RELOAD_H

#include "cmd_catalog.h"

#include "pt_control.h"
#include "pt_pool.h"

#include <czmq.h>
#include <stdatomic.h>

#define CMD_RELOAD_REASON_BYTES 4096

//  One reading of the files; the loader's while it is at work, then ours.
typedef struct {
    const pt_load_options_t *options;
    pt_load_t load;
    bool well;
    char reason[CMD_RELOAD_REASON_BYTES]; //  why not: lines for people, a fault on each
    atomic_uint baton;                    //  as of a job
} cmd_reading_t;

typedef struct {
    const pt_load_options_t *options;
    pt_load_t *first;      //  of the start
    pt_control_t *control; //  where orders are answered; NULL: there are none
    pt_pool_t *pool;
    zactor_t *loader;
    cmd_reading_t *reading; //  being read, or being switched to; NULL: neither
    cmd_reading_t *serving; //  NULL: the catalog of the start
    bool swapping;
    bool again;          //  somebody asked while the files were being read
    pt_order_t *waiting; //  orders that this reading answers
    pt_order_t *next;    //  orders that the next one answers
    const pt_catalog_t *catalog;
    uint64_t loaded_ms;
    uint64_t swaps, refusals; //  since the start
    uint64_t refused_ms;      //  the last refusal; 0: none
    char reason[CMD_RELOAD_REASON_BYTES];
} cmd_reload_t;

/*  Prepare; everything outlives it. `first` is what the pool has, and is cleared once it has another one.
 *  False: no memory or thread.
 */
bool cmd_reload_open(cmd_reload_t *self, const pt_load_options_t *options, pt_load_t *first, pt_control_t *control,
                     pt_pool_t *pool);

/*  Ask. `order` is answered when the workers have switched, or the catalog is refused; NULL: nobody waits. */
void cmd_reload_ask(cmd_reload_t *self, pt_order_t *order);

/*  What to poll with ZMQ_POLLIN; NULL: nothing is under way. */
void *cmd_reload_socket(const cmd_reload_t *self);

/*  Go on after that. */
void cmd_reload_turn(cmd_reload_t *self);

/*  No more of it; orders that wait are refused with `reason`. What was loaded stays. */
void cmd_reload_stop(cmd_reload_t *self, const char *reason);

/*  Release what was loaded, after the pool has ended. */
void cmd_reload_close(cmd_reload_t *self);

#endif
