/*  pt_stages: what a worker does with a response, stage by stage over blocks of responses, and whole. */
#ifndef PT_STAGES_H
#define PT_STAGES_H

#include "pt_mix.h"
#include "pt_triage.h"

//  Responses between two readings of the clock: enough to make its cost small, few enough that what
//  waits between two stages stays in the nearest cache.
#define PT_STAGES_BLOCK 16

typedef enum {
    PT_STAGE_DECODE,
    PT_STAGE_EXTRACT,
    PT_STAGE_LOOK_UP,
    PT_STAGE_DECIDE,
    PT_STAGE_ENCODE,
    PT_STAGE_WHOLE,
    PT_STAGE_COUNT_
} pt_stage_t;

const char *pt_stage_text(pt_stage_t stage);

typedef struct pt_stages_block pt_stages_block_t;

typedef struct {
    const pt_catalog_t *catalog;
    const pt_mix_t *mix; //  borrowed
    pt_stages_block_t *block;
    pt_triage_t *triage;
    uint64_t bytes_out; //  keeps the compiler from leaving the work out
} pt_stages_t;

/*  Prepare for the built-in catalog. */
void pt_stages_init(pt_stages_t *self, const pt_mix_t *mix);
void pt_stages_clear(pt_stages_t *self);

/*  Run one stage for the block of `draws`, answers of the mix. Each takes what the one before it has left;
 *  the whole needs none.
 */
void pt_stages_run(pt_stages_t *self, pt_stage_t stage, pt_form_t form, const uint32_t *draws);

/*  Release what the stages up to the last one hold. */
void pt_stages_release(pt_stages_t *self);

/*  The whole for one response. */
void pt_stages_triage(pt_stages_t *self, pt_bytes_t bytes);

/*  Each answer once: the decision has the route that its line expects, and its bytes decode again. Else one
 *  line on stderr, and the program ends with 1.
 */
void pt_stages_check(pt_stages_t *self, pt_form_t form);

#endif
