/*  cmd_watch: what a running daemon looks at once a second: counters that deserve a line, and systemd. */
#ifndef PT_CMD_WATCH_H
#define PT_CMD_WATCH_H

#include "pt_broker.h"
#include "pt_pool.h"

typedef struct {
    const pt_broker_t *broker; //  NULL: none
    const pt_pool_t *pool;     //  NULL: none
    const pt_store_t *journal; //  NULL: none
    uint64_t told_ms;          //  when the counters were looked at
    uint64_t turned_away_told;
    unsigned alone; //  turns since the start in which nobody was at the other end
    pt_broker_counters_t broker_told;
    pt_pool_counters_t pool_told;
    bool full;
    pt_store_troubles_t troubles_told;
} cmd_watch_t;

//  How often the loop of a daemon has to turn, for the lines and for systemd's watchdog.
#define CMD_WATCH_MS 1000

/*  Take SIGUSR1 (one level more of log) and SIGUSR2 (one less) in cmd_watch_turn instead of dying of them. Call
 *  it before the first thread.
 */
void cmd_watch_take_signals(void);

/*  Tell systemd that the daemon is ready; nothing where it was not started by systemd. */
void cmd_watch_ready(cmd_watch_t *self);

/*  Call it from the main loop, at least every CMD_WATCH_MS: log what has changed, and feed the watchdog, which
 *  is fed from nowhere else, so that it bites when this loop hangs.
 */
void cmd_watch_turn(cmd_watch_t *self);

/*  Tell systemd that the daemon stops, and that it may take up to drain_ms. */
void cmd_watch_stopping(uint64_t drain_ms);

#endif
