#include "pt_commits.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "pt_bench.h"
#include "pt_packer.h"

//  Ids are named by their place, and so have their usual length.
#define S_PRODUCER UINT64_C(0xfedcba9876543210)

//  Draws in a row that are all settled: there is nothing else.
#define S_DRAWS_MAX 100000

typedef struct {
    const pt_mix_t *mix;
    pt_dice_t dice;
    pt_triage_t triage;
    pt_packer_t *packer;
    pt_place_t place;
    uint64_t now_ms;
} s_maker_t;

static _Noreturn void
s_die(const char *words, int code)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, words);
    exit(code);
}

//  Decide about answers until one is to be kept.
static void
s_add_decision(s_maker_t *self, uint32_t index)
{
    for (int i = 0; i < S_DRAWS_MAX; i++) {
        pt_bytes_t response = self->mix->answers[pt_dice_below(&self->dice, self->mix->count)].forms[PT_FORM_MAP];
        uint8_t *room = pt_packer_room(self->packer);
        pt_triaged_t triaged;
        if (!room)
            s_die("out of memory", EX_OSERR);
        if (!response.len)
            continue;
        pt_triage_response(&self->triage, response, &self->place, index, self->now_ms, room, &triaged);
        if (triaged.route == PT_ROUTE_SETTLED)
            continue;
        pt_packer_add(self->packer, &triaged);
        pt_packer_keep(self->packer, response);
        return;
    }
    s_die("all answers are settled; a journal has nothing to keep", EX_DATAERR);
}

static pt_job_t *
s_make_job(s_maker_t *self, uint32_t count)
{
    pt_job_t *job = pt_job_new();
    for (uint32_t index = 0; index < count; index++)
        s_add_decision(self, index);
    if (!job || !pt_packer_gather(self->packer, job))
        s_die("out of memory", EX_OSERR);
    job->batch = (pt_batch_t) {.producer = S_PRODUCER, .epoch = self->now_ms, .count = count};
    return job;
}

static void
s_copy(uint8_t **at, zmq_msg_t *message)
{
    size_t len = zmq_msg_size(message);
    if (len)
        memcpy(*at, zmq_msg_data(message), len);
    *at += len;
}

//  What the jobs hold, as one piece.
static pt_bytes_t
s_join(const pt_gathered_t *gathered)
{
    size_t bytes = 0;
    for (size_t i = 0; i < gathered->job_count; i++)
        for (size_t k = 0; k < gathered->jobs[i]->output_count; k++)
            bytes += zmq_msg_size(&gathered->jobs[i]->outputs[k].items) +
                     zmq_msg_size(&gathered->jobs[i]->outputs[k].responses);
    uint8_t *room = pt_bench_alloc(bytes);
    uint8_t *at = room;
    for (size_t i = 0; i < gathered->job_count; i++)
        for (size_t k = 0; k < gathered->jobs[i]->output_count; k++) {
            s_copy(&at, &gathered->jobs[i]->outputs[k].items);
            s_copy(&at, &gathered->jobs[i]->outputs[k].responses);
        }
    return (pt_bytes_t) {room, bytes};
}

static void
s_gather(s_maker_t *maker, pt_gathered_t *gathered, uint32_t decisions, uint32_t batch)
{
    gathered->decisions = decisions;
    gathered->jobs = pt_bench_alloc(((decisions + batch - 1) / batch) * sizeof(pt_job_t *));
    for (uint32_t left = decisions; left; left -= left < batch ? left : batch)
        gathered->jobs[gathered->job_count++] = s_make_job(maker, left < batch ? left : batch);
    gathered->bytes = s_join(gathered);
}

void
pt_commits_make(pt_commits_t *self, const pt_mix_t *mix, uint32_t decisions, uint32_t batch)
{
    assert(decisions > 0 && batch > 0 && batch <= PT_BATCH_COUNT_MAX);

    *self = (pt_commits_t) {0};
    s_maker_t *maker = pt_bench_alloc(sizeof(*maker));
    maker->mix = mix;
    maker->now_ms = (uint64_t) time(NULL) * 1000;
    maker->packer = pt_packer_new(pt_catalog_builtin());
    if (!maker->packer)
        s_die("out of memory", EX_OSERR);
    pt_dice_init(&maker->dice, decisions);
    pt_triage_init(&maker->triage, pt_catalog_builtin());
    pt_place_init(&maker->place, S_PRODUCER, maker->now_ms, 1000000, false);
    for (size_t i = 0; i < PT_COMMITS; i++) {
        s_gather(maker, &self->gathered[i], decisions, batch);
        self->bytes += self->gathered[i].bytes.len;
    }
    pt_packer_destroy(&maker->packer);
    free(maker);
}

void
pt_commits_clear(pt_commits_t *self)
{
    for (size_t i = 0; i < PT_COMMITS; i++) {
        for (size_t k = 0; k < self->gathered[i].job_count; k++)
            pt_job_destroy(&self->gathered[i].jobs[k]);
        free(self->gathered[i].jobs);
        free((void *) (uintptr_t) self->gathered[i].bytes.data);
    }
    *self = (pt_commits_t) {0};
}
