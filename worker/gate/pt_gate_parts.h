/*  pt_gate_parts: what the authenticator's two halves share: the one that answers questions, and the one that
 *  looks at the files of keys. For pt_gate*.c only.
 */
#ifndef PT_GATE_PARTS_H
#define PT_GATE_PARTS_H

#include <pthread.h>

#include "pt_gate.h"
#include "pt_grants.h"

//  A broker's two sides, a publisher's four and a replay, twice.
#define PT_GATE_WATCHERS 16

//  Some file systems, those of a network first, tell nothing of changes; they are looked at this often.
#define PT_GATE_RELOAD_MS 5000

//  Keys that were taken away, remembered to be met in a friendlier way.
#define PT_GATE_FORMER 256

typedef struct {
    int fd;
    pt_party_t domain;
} pt_gate_watcher_t;

struct pt_gate {
    zactor_t *actor;
    const pt_curve_t *curve;
    pt_gate_say_fn *say;
    void *context;
    int failure_fd;
    pthread_mutex_t lock; //  of what follows
    pt_gate_counters_t counters;
    pt_gate_watcher_t watchers[PT_GATE_WATCHERS];
    size_t watcher_count;
    char failure[PT_KEYS_ERROR_BYTES_MAX]; //  written once, before the descriptor is readable
    int64_t said_ms;                       //  the last refusal that was told
    uint64_t unsaid;                       //  refusals since
    //  Of the actor alone.
    zsock_t *zap;
    int notify_fd;
    pt_grants_t *grants;
    uint8_t former[PT_GATE_FORMER][32]; //  a ring
    size_t former_count;
    int64_t loaded_ms;
    char own[PT_KEYS_TEXT_BYTES]; //  the public key that sockets have now
    char faults[4 * PT_KEYS_ERROR_BYTES_MAX];
    char told_faults[4 * PT_KEYS_ERROR_BYTES_MAX];
};

/*  Read all keys anew. Whoever is admitted no longer is cut off, and what is wrong with the files is told once.
 *  A file that could not be looked at is what it was; at the first time there are no grants then, and errno has why.
 */
void pt_gate_load(pt_gate_t *self);

/*  The same where a file has changed, or none was looked at for PT_GATE_RELOAD_MS. */
void pt_gate_look_at_files(pt_gate_t *self);

/*  Whether a key was admitted once, by one of the last PT_GATE_FORMER files that were taken away. */
bool pt_gate_is_former(const pt_gate_t *self, const uint8_t *key);

#endif
