/*  cmd_config: the verb of `paytriage config` that has a file of its own. */
#ifndef PT_CMD_CONFIG_H
#define PT_CMD_CONFIG_H

int config_check(int argc, char **argv);

#endif
