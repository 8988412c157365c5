/*  gate_bench: a service's folder of keys, and its authenticator, for tests of the gate. */
#ifndef GATE_BENCH_H
#define GATE_BENCH_H

#include "bus.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "pt_gate.h"

#define GATE_PATIENCE_MS 60000

typedef struct {
    char dir[64];
    pt_curve_t *service;
    size_t says;     //  lines
    pt_gate_t *gate; //  where it is the bench's to close, also after a test that failed
} gate_bench_t;

static inline void
gate_path(const gate_bench_t *bench, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", bench->dir, name);
}

static inline void
gate_make_folder(const gate_bench_t *bench, const char *name)
{
    char path[256];
    gate_path(bench, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static inline pt_keys_t
gate_grant(const gate_bench_t *bench, const char *file)
{
    char path[256];
    pt_keys_t keys;
    gate_path(bench, file, path);
    assert_true(pt_keys_make(&keys));
    assert_true(pt_keys_write(path, false, &keys));
    return keys;
}

static inline int
gate_open_bench(void **state)
{
    static gate_bench_t bench;
    char path[256];
    char error[PT_KEYS_ERROR_BYTES_MAX];
    pt_keys_t own;
    bench = (gate_bench_t) {.dir = "/tmp/paytriage-gate-XXXXXX"};
    assert_non_null(mkdtemp(bench.dir));
    assert_int_equal(pt_sockets_init(), PT_OK);
    gate_make_folder(&bench, "clients");
    for (int party = 0; party < PT_PARTY_COUNT_; party++) {
        char folder[32];
        snprintf(folder, sizeof(folder), "clients/%s", pt_party_text((pt_party_t) party));
        gate_make_folder(&bench, folder);
    }
    gate_path(&bench, "own.key_secret", path);
    assert_true(pt_keys_make(&own));
    assert_true(pt_keys_write(path, true, &own));
    bench.service = pt_curve_open(bench.dir, error);
    assert_non_null(bench.service);
    *state = &bench;
    return 0;
}

static inline int
gate_close_bench(void **state)
{
    gate_bench_t *bench = *state;
    char command[128];
    pt_gate_destroy(&bench->gate);
    pt_curve_close(&bench->service);
    snprintf(command, sizeof(command), "rm -rf '%s'", bench->dir);
    return system(command);
}

static inline void
gate_say(void *context, const char *line)
{
    (void) line;
    ((gate_bench_t *) context)->says++;
}

//  libzmq gives up the name of a gate that is gone a moment later, in a thread of its own.
static inline pt_gate_t *
gate_open(gate_bench_t *bench)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    int64_t end_ms = zclock_mono() + GATE_PATIENCE_MS;
    pt_gate_t *gate;
    while ((gate = pt_gate_new(bench->service, gate_say, bench, error)) == NULL && errno == EADDRINUSE)
        assert_true(zclock_mono() < end_ms);
    assert_non_null(gate);
    return gate;
}

#endif
