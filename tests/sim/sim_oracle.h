/*  sim_oracle: what has to be true, told from all sides of the simulation. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "sim.h"

sim_oracle_t *sim_oracle_new(void);
void sim_oracle_destroy(sim_oracle_t **self_p);

/*  A producer was told that these responses are safe. */
void sim_oracle_acked(sim_t *sim, unsigned producer, uint64_t first, uint32_t count);
/*  A copy of a batch came to a broker. */
void sim_oracle_copied(sim_t *sim, const pt_batch_t *batch);
/*  A worker has written a batch into its journal; `forgot`: it may have forgotten some before. */
void sim_oracle_journaled(sim_t *sim, unsigned worker, uint64_t disk, const pt_batch_t *batch, bool forgot);
/*  A number of a topic was shown to somebody, and this is what it names. */
void sim_oracle_named(sim_t *sim, unsigned worker, uint64_t epoch, uint64_t seq, const sim_decision_t *decision);
/*  A subscriber was given a decision by its positions; `fresh`: and by its id window. */
void sim_oracle_delivered(sim_t *sim, unsigned subscriber, const sim_decision_t *decision, bool fresh);
/*  A decision went with its disk, or before the subscriber had said its name: nobody promised it. */
void sim_oracle_excused(sim_t *sim, unsigned subscriber, const sim_decision_t *decision);
/*  A subscriber was told that something is lost. */
void sim_oracle_lost(sim_t *sim, unsigned subscriber, unsigned worker, uint64_t epoch, unsigned topic, uint64_t first,
                     uint64_t next);
void sim_oracle_disk_lost(sim_t *sim, unsigned worker, uint64_t epoch);

/*  Whether everything that was promised is there. When not, `out_text` says what is missing. */
bool sim_oracle_is_satisfied(const sim_t *sim, char *out_text, size_t bytes);

#endif
