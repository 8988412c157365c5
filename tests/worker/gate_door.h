/*  gate_door: what sockets and clients would hear of a gate, asked without any: for tests of its files of keys. */
#ifndef GATE_DOOR_H
#define GATE_DOOR_H

#include "gate_bench.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static inline void
gate_remove(const gate_bench_t *bench, const char *file)
{
    char path[256];
    gate_path(bench, file, path);
    assert_int_equal(unlink(path), 0);
}

static inline void
gate_decode(const pt_keys_t *keys, uint8_t out[32])
{
    assert_non_null(zmq_z85_decode(out, keys->public_key));
}

typedef struct {
    const pt_gate_t *gate;
    zsock_t *asker;
    int watches[PT_PARTY_ADMIN];
} gate_door_t;

static inline void
gate_open_door(gate_bench_t *bench, gate_door_t *door)
{
    door->gate = bench->gate = gate_open(bench);
    door->asker = zsock_new_req("inproc://zeromq.zap.01");
    for (int domain = 0; domain < PT_PARTY_ADMIN; domain++) {
        door->watches[domain] = pt_gate_watch(bench->gate, (pt_party_t) domain);
        assert_true(door->watches[domain] >= 0);
    }
}

static inline void
gate_close_door(gate_door_t *door)
{
    zsock_destroy(&door->asker);
}

//  What libzmq would hear about this key: 200, 300 or 400. The gate looks at the files before it answers.
static inline unsigned
gate_ask(gate_door_t *door, pt_party_t domain, const uint8_t key[32])
{
    zmsg_t *question = zmsg_new();
    const char *const frames[] = {"1.0", "7", pt_party_text(domain), "127.0.0.1", "", "CURVE"};
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        zmsg_addstr(question, frames[i]);
    zmsg_addmem(question, key, 32);
    zmsg_send(&question, door->asker);
    zmsg_t *answer = zmsg_recv(door->asker);
    assert_int_equal(zmsg_size(answer), 6);
    zmsg_first(answer);
    zmsg_next(answer);
    char *status = zframe_strdup(zmsg_next(answer));
    unsigned number = (unsigned) atoi(status);
    free(status);
    zmsg_destroy(&answer);
    return number;
}

//  Whose sockets have to cut their connections since the last look: a bit each.
static inline unsigned
gate_cut(const gate_door_t *door)
{
    unsigned cut = 0;
    eventfd_t count;
    for (int domain = 0; domain < PT_PARTY_ADMIN; domain++)
        cut |= (unsigned) (eventfd_read(door->watches[domain], &count) == 0) << domain;
    return cut;
}

#endif
