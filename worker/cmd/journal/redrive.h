/*  redrive: which responses `paytriage journal redrive` puts in again.
 *
 *  The journal is walked twice: once to count and to ask, once to send. Between both, and while sending,
 *  the worker adds to it, also decisions about what was just sent; so the first walk notes how far it came.
 */
#ifndef PT_CMD_REDRIVE_H
#define PT_CMD_REDRIVE_H

#include "journal.h"

#include "pt_redriven.h"

//  Hashes that were seen, open addressing; 0 stands for an empty place.
typedef struct {
    uint64_t *places;
    size_t count, capacity;
} redrive_set_t;

/*  Add a hash. *out_had: it was there. PT_OK or PT_E_NOMEM. */
PT_MUST_CHECK pt_status_t redrive_set_add(redrive_set_t *self, uint64_t hash, bool *out_had);
bool redrive_set_has(const redrive_set_t *self, uint64_t hash);
void redrive_set_clear(redrive_set_t *self);

typedef struct {
    uint64_t chosen;
    uint64_t before;  //  redriven already, each response once
    uint64_t repeats; //  the same response stands in the journal more than once
    uint64_t unkept;  //  too long to be kept
    uint64_t no_map;  //  bytes that cannot be marked, and would be invalid again
} redrive_counts_t;

//  How far the first walk came in a topic.
typedef struct {
    char topic[PT_TOPIC_BYTES_MAX + 1];
    uint64_t last_seq;
} redrive_bound_t;

/*  A response to put in again, valid during the call: the decision that it had and its marked bytes. False: no
 *  more.
 */
typedef bool(redrive_fn)(void *context, const journal_entry_t *entry, pt_bytes_t marked);

typedef struct {
    journal_options_t filters;
    uint64_t limit;
    bool again;
    bool quiet;
    bool sending; //  the second walk
    redrive_set_t earlier;
    redrive_set_t chosen;
    redrive_set_t passed; //  of those redriven before
    redrive_bound_t *bounds;
    size_t bound_count;
    redrive_counts_t counts;
    redrive_fn *tell;
    void *context;
    bool out_of_memory;
    uint8_t marked[PT_STORE_RESPONSE_BYTES_MAX + PT_REDRIVEN_BYTES_MAX];
} redrive_plan_t;

/*  Read which responses were redriven before. EX_OK, or the exit code after one line. */
int redrive_plan_open(redrive_plan_t *self, pt_store_t *store, const journal_options_t *filters, bool again);
void redrive_plan_close(redrive_plan_t *self);

/*  Walk: the first time to look, naming on stderr what was not kept; the second time the same responses,
 *  and none that came since. EX_OK, or the exit code after one line. `tell` false ends it with EX_OK.
 */
int redrive_plan_walk(redrive_plan_t *self, pt_store_t *store, redrive_fn *tell, void *context);

#endif
