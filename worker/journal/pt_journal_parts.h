/*  pt_journal_parts: what the sources of the journal's stage share. For pt_journal*.c only. */
#ifndef PT_JOURNAL_PARTS_H
#define PT_JOURNAL_PARTS_H

#include "pt_journal_commit.h"
#include "pt_teller.h"

//  After summaries that found no room, on the disk or in memory.
#define PT_JOURNAL_SUMMARY_AGAIN_MS 1000

typedef struct {
    pt_commit_t *commit;  //  gathers
    pt_commit_t *written; //  is durable with the next commit, or when it is synced; then it is told
    pt_commit_t commits[2];
    zsock_t *jobs;
    zsock_t *next;
    zsock_t *requests;
    pt_askers_t askers;
    uint32_t commit_jobs;
    uint32_t jobs_max; //  of the commit at hand: one after a commit that found no room
    uint64_t commit_bytes;
    uint64_t batch_bytes_max; //  more than this is refused for good when it finds no room
    int64_t wait_ms;
    int64_t due_ms; //  when the commit at hand is due; INT64_MAX: there is nothing to commit
    int64_t trim_ms;
    int64_t prepare_ms;
    pt_teller_t *teller;
    int64_t summary_ms; //  no summaries before
    pt_stats_t *stats;
    int failure_fd;
    bool failed;
} pt_journal_t;

/*  The disk has failed: tell so, and do nothing more. */
void pt_journal_fail(pt_journal_t *self);

/*  Make durable what was written, and tell it. False when the disk has failed. */
bool pt_journal_sync(pt_journal_t *self);

/*  Hand the jobs of a commit on, and its requests back; it still lists them. */
void pt_journal_hand_jobs(pt_journal_t *self, const pt_commit_t *commit);
void pt_journal_answer_requests(pt_journal_t *self, const pt_commit_t *commit);

/*  Nothing of the commit at hand was kept, and `status` says why: refuse what it holds, but keep its requests if they
 *  have room alone, and make room. What was written before is told first.
 */
void pt_journal_undo(pt_journal_t *self, pt_status_t status);

/*  Trim in a transaction of its own; hard: also what is usually kept. A file that is too full even for that waits for
 *  its readers.
 */
void pt_journal_trim(pt_journal_t *self, bool hard);

#endif
