/*  sim_faults: what befalls nodes, disks, clocks and connections. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim.h"

void sim_start_node(sim_t *sim, unsigned node);
/*  Let something happen, and schedule the next time. Nothing happens when all is calm. */
void sim_make_fault(sim_t *sim);
/*  From now on nothing goes wrong. */
void sim_calm(sim_t *sim);

#endif
