/*  pt_teller: makes a job's operator_alert outputs of the alerts that its decisions raise.
 *
 *  What is told and what is folded is pt_alerts' to say; this encodes what people get: the decision, with
 *  the count that it stands for. The outputs of routes are never touched. It belongs to the one actor through
 *  which all jobs pass before they are published: the journal, or the outlet where there is none.
 */
#ifndef PT_TELLER_H
#define PT_TELLER_H

#include "pt_alerts.h"
#include "pt_job.h"
#include "pt_stats.h"

typedef struct pt_teller pt_teller_t;

/*  NULL when out of memory. `stats` may be NULL; else it outlives the teller. */
pt_teller_t *pt_teller_new(const pt_alerts_options_t *options, pt_stats_t *stats);
void pt_teller_destroy(pt_teller_t **self_p);

/*  Count the alerts that a job's decisions raise, and add outputs for those that are told. `now_ms` is monotonic.
 *  False when out of memory: nothing of the job was counted, and it has no operator_alert outputs.
 */
PT_MUST_CHECK bool pt_teller_take(pt_teller_t *self, pt_job_t *job, int64_t now_ms);

/*  Uncount what pt_teller_take or pt_teller_sum_up has counted of a job that is refused; of several jobs, the
 *  last one first. The outputs stay.
 */
void pt_teller_undo(pt_teller_t *self, const pt_job_t *job);

/*  When pt_teller_sum_up has something to do, monotonic ms; INT64_MAX: not yet known. */
int64_t pt_teller_due_ms(const pt_teller_t *self);

/*  Fill an empty job with the summaries that are due; at the end, with all that ever will be. True: there is one. Where
 *  memory is wanting they are due again a second later.
 */
bool pt_teller_sum_up(pt_teller_t *self, int64_t now_ms, bool at_the_end, pt_job_t *job);

#endif
