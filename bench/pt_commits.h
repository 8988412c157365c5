/*  pt_commits: jobs as the journal's stage gets them, one commit's worth each, made from recorded answers.
 *
 *  Settled decisions are left out, as the journal does unless it is told otherwise, so every decision is
 *  one to keep, with its response beside it. Alerts are counted between triage and journal, so there are none.
 */
#ifndef PT_COMMITS_H
#define PT_COMMITS_H

#include "pt_job.h"
#include "pt_journal_commit.h"
#include "pt_mix.h"

//  Different commits that take turns.
#define PT_COMMITS 16

typedef struct {
    pt_job_t **jobs;
    size_t job_count;
    uint32_t decisions;
    pt_bytes_t bytes; //  items and responses of all jobs, one behind the other: what any journal has to keep
} pt_gathered_t;

typedef struct {
    pt_gathered_t gathered[PT_COMMITS];
    size_t bytes; //  of all of them
} pt_commits_t;

/*  Make commits of `decisions` each, in jobs of `batch` decisions; the last job has what is left. A mix
 *  in which everything is settled ends the program with one line on stderr and exit 65.
 */
void pt_commits_make(pt_commits_t *self, const pt_mix_t *mix, uint32_t decisions, uint32_t batch);
void pt_commits_clear(pt_commits_t *self);

#endif
