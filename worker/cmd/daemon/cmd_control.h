/*  cmd_control: a worker that runs takes orders: on its control socket, by SIGHUP, by files that change.
 *
 *  A verb is a row of the table in cmd_control.c: its word and a function that answers the order.
 */
#ifndef PT_CMD_CONTROL_H
#define PT_CMD_CONTROL_H

#include "cmd_reload.h"
#include "cmd_watch.h"

#include "pt_control.h"
#include "pt_file_watch.h"

#define CMD_CONTROL_PATH_BYTES 108 //  of a unix socket, with its end

struct cmd_service;

typedef struct {
    struct cmd_service *service;
    char endpoint[CMD_CONTROL_PATH_BYTES + 8]; //  "": there is none
    pt_control_t *socket;
    pt_file_watch_t *watch; //  NULL: files are not watched
    cmd_reload_t reload;
    pt_order_t *drain; //  answered when the drain has ended
} cmd_control_t;

/*  The folder of control sockets, without its last slash: $RUNTIME_DIRECTORY, as systemd gives it, else
 *  /run/paytriage where this user may write to it, else $XDG_RUNTIME_DIR/paytriage, else
 *  /tmp/paytriage-UID. Not made here.
 */
const char *cmd_control_folder(char out[CMD_CONTROL_PATH_BYTES]);

/*  Whether the folder is one that only its user, or who it trusts, can put sockets into. */
bool cmd_control_is_safe(const char *folder);

/*  Whether a process listens on the socket at `path`. */
bool cmd_control_is_alive(const char *path);

/*  Watch the files of the catalog, before they are read. EX_OK, or the exit code after one line. */
int cmd_control_watch(cmd_control_t *self, struct cmd_service *service);

/*  Whether what was given as the control socket is `none` or an ipc endpoint; NULL is the default. EX_OK, or
 *  the exit code after one line and a hint.
 */
int cmd_control_check(const char *given);

/*  Once the pool runs: bind. EX_OK, or the exit code after one line. */
int cmd_control_open(cmd_control_t *self, struct cmd_service *service);

typedef enum {
    CMD_CONTROL_DRAIN, //  a signal or an order says so
    CMD_CONTROL_JOURNAL_FAILED,
    CMD_CONTROL_GATE_FAILED,
} cmd_control_end_t;

/*  Wait for what there is to do and do it, until the service has to end. Signals are read here. */
cmd_control_end_t cmd_control_serve(cmd_control_t *self, cmd_watch_t *watch);

/*  Before the drain: no more reloads, and SIGHUP is ignored. */
void cmd_control_stop(cmd_control_t *self);

/*  After it: tell who ordered it, and close. What was loaded goes; so the pool has ended. */
void cmd_control_close(cmd_control_t *self, int code);

#endif
