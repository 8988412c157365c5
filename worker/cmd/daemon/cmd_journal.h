/*  cmd_journal: the journal of a worker process, as its command line describes it. */
#ifndef PT_CMD_JOURNAL_H
#define PT_CMD_JOURNAL_H

#include "cmd.h"

#include "pt_pool.h"

#define CMD_JOURNAL_PATH_BYTES 4096

typedef struct {
    const char *dir; //  NULL: the default; "none": no journal
    uint64_t bytes;
    uint64_t commit_jobs;
    uint64_t commit_wait_ms;
    bool settled;
    const char *replay; //  endpoint to bind; NULL: made of address and port
    const char *advertise;
} cmd_journal_options_t;

typedef struct {
    char dir[CMD_JOURNAL_PATH_BYTES];
    char control[CMD_JOURNAL_PATH_BYTES + 32]; //  endpoint; empty: the path is too long for a socket
    pt_store_t *store;                         //  NULL: no journal
    pt_poison_t *poison;
    size_t suspects;
    unsigned used_percent; //  of the file, when it was opened; later only the journal's thread may look
} cmd_journal_t;

/*  The directory when none is named: $STATE_DIRECTORY, as systemd gives it, else /var/lib/paytriage where this user may
 *  write to it, else ~/.local/state/paytriage.
 */
const char *cmd_journal_default(char out[CMD_JOURNAL_PATH_BYTES]);

/*  Open the journal and its list of suspects, and put both into the pool's options. EX_OK, or the exit
 *  code after one line and a hint.
 */
int cmd_journal_open(cmd_journal_t *self, const cmd_journal_options_t *options, pt_pool_options_t *pool);

/*  Where a worker takes orders about its journal, into `out`; empty where the path is too long. */
void cmd_journal_control(const char *dir, char out[CMD_JOURNAL_PATH_BYTES + 32]);

/*  After the pool has ended. */
void cmd_journal_close(cmd_journal_t *self);

/*  Say where the journal is and what is in it; or what its absence gives up. */
void cmd_journal_announce(const cmd_journal_t *self);
/*  The same, as events. */
void cmd_journal_log(const cmd_journal_t *self);

/*  The journal has failed while the pool was at work: say so. The exit code. */
int cmd_journal_explain_failure(const cmd_journal_t *self);

/*  The exit code, after one line, for a store that does not open. */
int cmd_journal_refuse(pt_status_t status, const char *error);

#endif
