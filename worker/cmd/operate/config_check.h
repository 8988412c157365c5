/*  config_check: the verb of `paytriage config` that has a file of its own. */
#ifndef PT_CMD_CONFIG_CHECK_H
#define PT_CMD_CONFIG_CHECK_H

int config_check(int argc, char **argv);

#endif
