#include "pt_stages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pt_bench.h"
#include "pt_decision.h"
#include "pt_policy.h"

//  Any moment will do, as long as it is always the same.
#define S_NOW_MS UINT64_C(1700000000000)

//  What one stage leaves for the next, for each response of a block.
struct pt_stages_block {
    pt_response_t responses[PT_STAGES_BLOCK];
    pt_facts_t facts[PT_STAGES_BLOCK];
    const pt_provider_t *providers[PT_STAGES_BLOCK];
    pt_verdict_t verdicts[PT_STAGES_BLOCK];
    pt_decision_t decisions[PT_STAGES_BLOCK];
    uint8_t out[PT_DECISION_BYTES_MAX];
};

const char *
pt_stage_text(pt_stage_t stage)
{
    static const char *const texts[PT_STAGE_COUNT_] = {"decode", "extract", "look up", "decide", "encode", "whole"};
    return texts[stage];
}

void
pt_stages_init(pt_stages_t *self, const pt_mix_t *mix)
{
    *self = (pt_stages_t) {.catalog = pt_catalog_builtin(), .mix = mix};
    self->block = pt_bench_alloc(sizeof(*self->block));
    self->triage = pt_bench_alloc(sizeof(*self->triage));
    pt_triage_init(self->triage, self->catalog);
}

void
pt_stages_clear(pt_stages_t *self)
{
    free(self->triage);
    free(self->block);
}

static void
s_decode_block(pt_stages_t *self, pt_form_t form, const uint32_t *draws)
{
    char error[PT_ERROR_BYTES_MAX];
    for (int i = 0; i < PT_STAGES_BLOCK; i++)
        if (pt_response_decode(self->mix->answers[draws[i]].forms[form], &self->block->responses[i], error) != PT_OK)
            abort();
}

static void
s_extract_block(pt_stages_t *self)
{
    for (int i = 0; i < PT_STAGES_BLOCK; i++) {
        const pt_response_t *response = &self->block->responses[i];
        self->block->providers[i] = pt_catalog_provider(self->catalog, response->provider);
        pt_facts_extract(response, pt_provider_shape(self->block->providers[i]), &self->block->facts[i]);
    }
}

static void
s_look_up_block(pt_stages_t *self)
{
    pt_stages_block_t *block = self->block;
    for (int i = 0; i < PT_STAGES_BLOCK; i++)
        pt_catalog_lookup(self->catalog, block->providers[i], &block->responses[i], &block->facts[i],
                          &block->verdicts[i]);
}

static void
s_decide_block(pt_stages_t *self)
{
    pt_stages_block_t *block = self->block;
    uint64_t hash = pt_catalog_hash(self->catalog);
    for (int i = 0; i < PT_STAGES_BLOCK; i++)
        pt_policy_decide(&block->verdicts[i], &block->responses[i], &block->facts[i], hash, S_NOW_MS,
                         &block->decisions[i]);
}

static void
s_encode_block(pt_stages_t *self)
{
    pt_stages_block_t *block = self->block;
    for (int i = 0; i < PT_STAGES_BLOCK; i++) {
        size_t bytes = 0;
        if (pt_decision_encode(&block->decisions[i], block->out, sizeof(block->out), &bytes) != PT_OK)
            abort();
        self->bytes_out += bytes;
    }
}

//  Not inlined: bench/instructions counts what happens within.
static void __attribute__((noinline)) s_triage_one(pt_stages_t *self, pt_bytes_t bytes, pt_triaged_t *triaged)
{
    pt_triage_response(self->triage, bytes, NULL, 0, S_NOW_MS, self->block->out, triaged);
    self->bytes_out += triaged->bytes;
}

static void
s_triage_block(pt_stages_t *self, pt_form_t form, const uint32_t *draws)
{
    for (int i = 0; i < PT_STAGES_BLOCK; i++) {
        pt_triaged_t triaged;
        s_triage_one(self, self->mix->answers[draws[i]].forms[form], &triaged);
    }
}

void
pt_stages_run(pt_stages_t *self, pt_stage_t stage, pt_form_t form, const uint32_t *draws)
{
    switch (stage) {
    case PT_STAGE_DECODE:
        s_decode_block(self, form, draws);
        break;
    case PT_STAGE_EXTRACT:
        s_extract_block(self);
        break;
    case PT_STAGE_LOOK_UP:
        s_look_up_block(self);
        break;
    case PT_STAGE_DECIDE:
        s_decide_block(self);
        break;
    case PT_STAGE_ENCODE:
        s_encode_block(self);
        break;
    case PT_STAGE_WHOLE:
    default:
        s_triage_block(self, form, draws);
        break;
    }
}

void
pt_stages_triage(pt_stages_t *self, pt_bytes_t bytes)
{
    pt_triaged_t triaged;
    s_triage_one(self, bytes, &triaged);
}

void
pt_stages_release(pt_stages_t *self)
{
    for (int i = 0; i < PT_STAGES_BLOCK; i++)
        pt_facts_release(&self->block->facts[i]);
}

void
pt_stages_check(pt_stages_t *self, pt_form_t form)
{
    for (size_t i = 0; i < self->mix->count; i++) {
        const pt_answer_t *answer = &self->mix->answers[i];
        static pt_pair_t s_fields[PT_FIELDS_MAX];
        pt_decision_t decision;
        pt_triaged_t triaged;
        if (!answer->forms[form].len)
            continue;
        s_triage_one(self, answer->forms[form], &triaged);
        pt_bytes_t bytes = {self->block->out, triaged.bytes};
        bool is_good = pt_decision_decode(bytes, s_fields, &decision) == PT_OK && decision.route == triaged.route;
        if (is_good && !triaged.invalid && (answer->route < 0 || (int) triaged.route == answer->route))
            continue;
        fprintf(stderr, "%s: answer %zu (%s, %s body): %s\n", program_invocation_short_name, i + 1, answer->provider,
                pt_form_text(form), triaged.invalid ? "no response" : pt_route_text(triaged.route));
        exit(1);
    }
}
