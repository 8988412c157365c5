/*  cmd_options: the settings of a command: its flags, paytriage.yml and the environment together. */
#ifndef PT_CMD_OPTIONS_H
#define PT_CMD_OPTIONS_H

#include "cmd.h"

#include "pt_config.h"
#include "pt_load.h"

/*  Parse a command line. `command` is one or more PT_FOR_…: the rows of the table that it takes beside the
 *  options of `own`, whose parser gets `input`; a word that it does not take is refused. Then read
 *  paytriage.yml, where --config, $PAYTRIAGE_CONFIG or the default path says ("none": no file), and the
 *  environment.
 *
 *  A wrong command line ends the program, as argp does. EX_OK and settings for pt_config_clear; or the exit
 *  code after the faults were printed, and nothing to clear.
 */
int cmd_parse(unsigned command, const struct argp *own, int argc, char **argv, void *input, pt_config_t *out_config);

/*  Read the file and the environment only; `path` NULL: as above. Faults are left in the settings. EX_OK,
 *  or the exit code after one line, when the file cannot be read.
 */
int cmd_options_read(pt_config_t *config, const char *path);

/*  The values of an option that may be given several times, as a list of its texts. How many. */
size_t cmd_options_list(const pt_config_t *config, pt_option_id_t id, const char **out, size_t max);

/*  The catalog's paths. */
void cmd_options_catalog(const pt_config_t *config, pt_load_options_t *out);

/*  The TCP endpoint of a host and a port. An IPv6 address may come with brackets or without. */
#define CMD_OPTIONS_ENDPOINT_BYTES 300
void cmd_options_endpoint(const char *host, uint64_t port, char room[CMD_OPTIONS_ENDPOINT_BYTES]);

/*  The brokers to send to: client.connect, or the front's usual port of client.host, made in `room`. */
size_t cmd_options_brokers(const pt_config_t *config, const char **out, char room[CMD_OPTIONS_ENDPOINT_BYTES]);

/*  Whether the command line names default endpoints, by --host or --port-base, and others beside them, which
 *  would win without a word. `connect_origin` says where these come from; NULL: there are none. EX_OK, or
 *  EX_USAGE after one line. The second is about the brokers to send to.
 */
int cmd_options_check_connect(const pt_config_t *config, const char *connect_origin);
int cmd_options_check_brokers(const pt_config_t *config);

/*  Where a daemon shows itself: http, or the usual port of client.host, made in `room`. NULL where http is
 *  `none`, and then `room` says so and whence.
 */
const char *cmd_options_http(const pt_config_t *config, char room[CMD_OPTIONS_ENDPOINT_BYTES]);
/*  Whether that has the form of an endpoint: EX_OK, or EX_USAGE after one line. */
int cmd_options_check_http(const char *endpoint);
#define CMD_OPTIONS_HTTP_HINT "start the daemon with an address, and name it here: --http tcp://127.0.0.1:5580"

#endif
