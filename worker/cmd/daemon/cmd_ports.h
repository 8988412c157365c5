/*  cmd_ports: the file in which a daemon says where it listens, for whoever waits for it. */
#ifndef PT_CMD_PORTS_H
#define PT_CMD_PORTS_H

#include <jansson.h>

/*  Write `ports` and this process's pid. A file is replaced whole, so that nobody reads half of one;
 *  what is no file (a device, a pipe, a link) is written to and stays what it is. The new one is made as
 *  `path`.new with mode 0644 at most; what stands there and is no file of this user is EEXIST. 0, or an errno.
 */
int cmd_ports_write(const char *path, json_t *ports);

/*  Remove the file that this process wrote. Any other, and what is no file, stays. */
void cmd_ports_remove(const char *path);

#endif
