/*  pt_accounts: what brokers send becomes work, and what is finished is answered. For pt_engine only.
 *
 *      message ──▶ garbage, a refusal, a repeat, or a job ──▶ crew ──▶ finished job ──▶ ACK or NACK
 *
 *  Each message is answered at one place only, whatever became of it. It reads headers and keeps the accounts:
 *  credit of brokers, windows of producers, jobs in work, counters. Payloads are the crew's. One thread owns it, and
 *  nothing here waits.
 */
#ifndef PT_ACCOUNTS_H
#define PT_ACCOUNTS_H

#include "pt_acks.h"
#include "pt_crew.h"
#include "pt_dedup.h"
#include "pt_jobs.h"
#include "pt_link.h"
#include "pt_pool.h"

typedef struct {
    uint64_t worker;
    uint64_t epoch;
    pt_link_t links[PT_POOL_BROKERS_MAX];
    size_t link_count;
    pt_crew_t *crew;     //  not its own
    pt_store_t *journal; //  not its own; NULL: none
    pt_dedup_t *dedup;
    pt_jobs_t jobs;
    pt_acks_t acks;
    uint64_t plain_seq; //  of the latest plain request
    pt_pool_counters_t counters;
} pt_accounts_t;

/*  Begin with what the journal remembers of producers. False without memory, or where it cannot be read;
 *  pt_accounts_close in both cases.
 */
bool pt_accounts_open(pt_accounts_t *out_self, const pt_pool_options_t *options);

/*  Connect to the brokers: from then on there is work, and `crew`, which outlives the accounts' use, does it.
 *  False with errno when an endpoint is refused, which is then *out_refused.
 */
bool pt_accounts_connect(pt_accounts_t *self, const pt_pool_options_t *options, pt_crew_t *crew,
                         const char **out_refused);

/*  Release all, without a word to the brokers. The crew is gone by then, so that nobody holds a job. */
void pt_accounts_close(pt_accounts_t *self);

/*  Take what waits on a link, as far as there is room, and not for long. */
void pt_accounts_read(pt_accounts_t *self, size_t link, int64_t now_ms);

/*  Answer for what the crew has finished. */
void pt_accounts_finish(pt_accounts_t *self);

/*  The counters, with those of the links, as of now; what only the engine knows is zero. */
void pt_accounts_show(const pt_accounts_t *self, pt_pool_counters_t *out_counters);

#endif
