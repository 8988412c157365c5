/*  pt_signals: SIGTERM and SIGINT as something to poll.
 *
 *  Blocked in every thread, so that no call of libzmq or CZMQ is ever interrupted. The caller
 *  polls the descriptor: the first signal means drain, the second one means stop at once.
 */
#ifndef PT_SIGNALS_H
#define PT_SIGNALS_H

#include <stdbool.h>

#include "pt_status.h"

typedef struct {
    int fd;            //  readable when a signal waits
    unsigned received; //  SIGTERM and SIGINT read so far
    bool hangup;       //  SIGHUP was read; whoever acts on it clears this
} pt_signals_t;

/*  Block both signals in this thread and all that it will start: call it in main, before the first
 *  socket. PT_OK, or PT_E_IO with errno.
 */
PT_MUST_CHECK pt_status_t pt_signals_open(pt_signals_t *out_self);

/*  Take SIGHUP as well, from before other threads start, or no longer: then it is ignored. PT_OK, or PT_E_IO with
 *  errno.
 */
PT_MUST_CHECK pt_status_t pt_signals_take_hangup(pt_signals_t *self, bool on);

/*  Take the signals that wait, without waiting for any. Returns how many of SIGTERM and SIGINT came
 *  since the start.
 */
unsigned pt_signals_read(pt_signals_t *self);

/*  From now on a further signal ends the process: for the end, when all that is left is to wait for messages
 *  to leave. Those that came before are forgotten.
 */
void pt_signals_let_go(pt_signals_t *self);

/*  Close the descriptor. The signals stay blocked: sockets may still be alive. */
void pt_signals_close(pt_signals_t *self);

#endif
