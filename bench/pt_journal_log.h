/*  pt_journal_log: a journal of the product's own, without the stage's sockets and threads around it. */
#ifndef PT_JOURNAL_LOG_H
#define PT_JOURNAL_LOG_H

#include "pt_commits.h"

typedef struct {
    pt_store_t *store;
    pt_commit_t *commit;
    uint64_t seq;       //  of the producer's last batch
    uint64_t decisions; //  committed
} pt_journal_log_t;

/*  Make a journal of `bytes` in a folder; `number` tells those of one folder apart. False with one line on stderr. */
bool pt_journal_log_open(pt_journal_log_t *self, const char *folder, unsigned number, uint64_t bytes);
void pt_journal_log_close(pt_journal_log_t *self);

/*  Commit jobs as the stage does: durable with the next commit, or at once with `sync`. False with one line on stderr.
 */
bool pt_journal_log_commit(pt_journal_log_t *self, const pt_gathered_t *gathered, bool sync);

/*  Prepare pages, as an idle moment does, where there are any to be prepared. */
bool pt_journal_log_prepare(pt_journal_log_t *self, size_t bytes);

/*  Whether all that was committed was numbered and is sound; what is not, on stderr. */
bool pt_journal_log_check(pt_journal_log_t *self);

#endif
