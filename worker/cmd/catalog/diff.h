/*  diff: the two ways of `paytriage catalog diff` to compare catalogs. */
#ifndef PT_CMD_DIFF_H
#define PT_CMD_DIFF_H

#include "cmd_catalog.h"

#include "pt_catalog.h"

#define CMD_DIFF_SAMPLES_MAX 16

typedef struct {
    char *paths[2];
    const char *replay; //  NULL: compare what both would decide
    uint64_t samples;
    bool samples_given;
    bool risky;
    cmd_output_t output;
    cmd_color_t color;
} cmd_diff_options_t;

/*  Print how the catalogs' answers differ. EX_OK when they do not, 1 when they do, or another exit code. */
int cmd_diff_behaviour(const cmd_diff_options_t *options, const pt_catalog_t *before, const pt_catalog_t *after);

/*  Decide the responses of options->replay under both and print how many move, from what to what. */
int cmd_diff_replay(const cmd_diff_options_t *options, const pt_catalog_t *before, const pt_catalog_t *after);

#endif
