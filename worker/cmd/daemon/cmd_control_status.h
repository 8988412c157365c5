/*  cmd_control_status: what a worker says when it is asked how it is. */
#ifndef PT_CMD_CONTROL_STATUS_H
#define PT_CMD_CONTROL_STATUS_H

#include "cmd_control.h"

/*  The worker's state as a JSON object, for free(); NULL without memory. */
char *cmd_control_status(const cmd_control_t *self);

#endif
