/*  cmd_service_report: what a daemon says of itself: where its parts are at the start (cmd_service_announce), and what
 *  they have done at the end.
 */
#ifndef PT_CMD_SERVICE_REPORT_H
#define PT_CMD_SERVICE_REPORT_H

#include "cmd_service.h"

/*  The counts of a part, as one event. */
void cmd_service_report_broker(const pt_broker_counters_t *counters);
void cmd_service_report_pool(const pt_pool_counters_t *counters);
void cmd_service_report_gate(const pt_gate_counters_t *counters);

#endif
